"""Reliability: the accuracy of a model at each level of confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

import imblearn_images.display._canvas as canvas
from imblearn_images._docstrings import substitute
from imblearn_images.core.columns import labels_of

BINS = 10
"""Bins of confidence, all equally wide."""


class Reliability(NamedTuple):
    """How often a model is right, by how sure it is; bins without an image are left out."""

    confidence: NDArray[np.float64]
    """Mean probability of the predicted class, shape (n_bins,)."""
    accuracy: NDArray[np.float64]
    """Share of right predictions."""
    n_predictions: NDArray[np.intp]


def calibrate(
    probabilities: NDArray[np.float64], y: NDArray[Any], classes: Any
) -> tuple[float, float, Reliability]:
    """Compare predicted probabilities with the true labels.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_classes)
        Predicted by a model that was not fitted on `y`.
    y : ndarray of shape (n,)
        True labels.
    classes : array-like of shape (n_classes,)
        Labels of the columns.

    Returns
    -------
    brier : float
        Multiclass Brier score: mean over images of the squared differences to 1 for the
        true class and 0 for the others, summed over classes. From 0 to 2, lower is better.
    ece : float
        Expected calibration error: mean over predictions of the gap between confidence (the
        probability of the likeliest class) and accuracy, in ten bins of equal width.
    reliability : Reliability
        The bins.

    References
    ----------
    .. [1] G. W. Brier, "Verification of forecasts expressed in terms of probability",
       Monthly Weather Review 78(1), 1-3, 1950.
    .. [2] M. P. Naeini, G. F. Cooper, M. Hauskrecht, "Obtaining well calibrated probabilities
       using Bayesian binning", AAAI 2015.

    Examples
    --------
    >>> sure = np.array([[0.75, 0.25], [0.75, 0.25], [0.75, 0.25], [0.75, 0.25]])
    >>> brier, ece, reliability = calibrate(sure, np.array(["a", "a", "a", "b"]), ["a", "b"])
    >>> brier, ece, reliability.accuracy.tolist()
    (0.375, 0.0, [0.75])
    """
    truth = np.asarray(y)[:, None] == np.asarray(classes)
    brier = float(((probabilities - truth) ** 2).sum(axis=1).mean())
    sure = probabilities.max(axis=1)
    right = truth[np.arange(len(sure)), probabilities.argmax(axis=1)]
    bins = np.clip(np.ceil(sure * BINS).astype(int) - 1, 0, BINS - 1)
    count = np.bincount(bins, minlength=BINS)
    held = count > 0
    confidence, accuracy = (
        np.bincount(bins, weights=values, minlength=BINS)[held] / count[held]
        for values in (sure, right)
    )
    ece = float(np.abs(confidence - accuracy) @ count[held] / len(sure))
    return brier, ece, Reliability(confidence, accuracy, count[held])


class Compared(Protocol):
    """The part of a comparison that is drawn."""

    @property
    def calibration(self) -> Mapping[str, tuple[float, float]]:
        """Candidate -> Brier score and expected calibration error."""

    @property
    def reliability(self) -> Mapping[str, tuple[Any, Any, Any]]:
        """Candidate -> confidence, accuracy and number of predictions of every bin."""


@substitute
class ReliabilityDisplay(canvas.DisplayMixin):
    """Accuracy over confidence, for one or several models with any number of classes.

    Confidence is the probability of the predicted class. On the diagonal a model is calibrated,
    below it is overconfident. The area of a point is its share of the predictions.

    Make one with :meth:`from_predictions` or :meth:`from_comparison`, which draw it at once.

    {guide=prior-correction}

    Parameters
    ----------
    reliability : mapping of str to (array, array, array)
        Model -> mean confidence, accuracy and number of predictions of every bin.
    errors : mapping of str to (float, float)
        Model -> Brier score and expected calibration error.

    Attributes
    ----------
    {ax_}
    {figure_}

    See Also
    --------
    sklearn.calibration.CalibrationDisplay : The same for one class against the rest.

    Examples
    --------
    >>> sure = [[0.75, 0.25], [0.75, 0.25], [0.75, 0.25], [0.75, 0.25]]
    >>> display = ReliabilityDisplay.from_predictions(["a", "a", "a", "b"], sure, ["a", "b"])
    >>> [values.tolist() for values in display.reliability["model"]]
    [[0.75], [0.75], [4]]
    """

    def __init__(
        self,
        reliability: Mapping[str, tuple[Any, Any, Any]],
        errors: Mapping[str, tuple[float, float]],
    ) -> None:
        self.reliability = reliability
        self.errors = errors

    @classmethod
    def from_predictions(
        cls, y_true: Any, y_proba: Any, classes: Any, *, name: str = "model", ax: Any = None
    ) -> ReliabilityDisplay:
        """Draw the reliability of probabilities.

        Parameters
        ----------
        y_true : array-like of shape (n,)
            True labels.
        y_proba : array-like of shape (n, n_classes)
            Result of ``predict_proba``.
        classes : array-like of shape (n_classes,)
            Labels of the columns of `y_proba`: ``classifier.classes_``.
        name : str, default="model"
            Name of the model.
        {ax}

        Returns
        -------
        display : ReliabilityDisplay
        """
        brier, ece, found = calibrate(np.asarray(y_proba), labels_of(y_true, "y_true"), classes)
        return cls({name: found}, {name: (brier, ece)}).plot(ax)

    @classmethod
    def from_comparison(
        cls, comparison: Compared, names: Sequence[str] | None = None, *, ax: Any = None
    ) -> ReliabilityDisplay:
        """Draw the reliability of candidates.

        Parameters
        ----------
        comparison : ResamplerComparison
            Result of :func:`~imblearn_images.model_selection.compare_resamplers`, or any object
            with its `reliability` and `calibration`.
        names : sequence of str, default=None
            Candidates with probabilities to draw, at most 8; by default the first ones.
        {ax}

        Returns
        -------
        display : ReliabilityDisplay

        Raises
        ------
        ValueError
            If a name is not that of a candidate with probabilities.
        """
        found = comparison.reliability
        names = canvas.chosen(found, names, "probabilities")
        errors = {name: comparison.calibration[name] for name in names}
        return cls({name: found[name] for name in names}, errors).plot(ax)

    def _size(self) -> tuple[float, float]:
        return 6.6, 4.2

    def _draw(self, ax: Any) -> None:
        ax.plot([0, 1], [0, 1], color=canvas.grey(ax), linewidth=1, linestyle=(0, (4, 3)))
        # A second display in the same axes continues the colours of the first.
        drawn = len(ax.get_legend_handles_labels()[1])
        for number, (name, (sure, right, count)) in enumerate(self.reliability.items(), drawn):
            colour, marker = canvas.mark(number)
            brier, ece = self.errors[name]
            label = f"{canvas.as_label(name, 32)}\nBrier {brier:.3f}, ECE {ece:.3f}"
            ax.plot(sure, right, color=colour, linewidth=1, alpha=0.6)
            # Points far off the diagonal matter little where hardly any prediction is.
            area = 8 + 250 * np.asarray(count) / np.sum(count)
            ax.scatter(sure, right, area, color=colour, marker=marker, linewidth=0, alpha=0.8)
            ax.plot([], [], marker, color=colour, label=label)
        ax.set(xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal")
        ax.set_xlabel("confidence", fontsize=canvas.small())
        ax.set_ylabel("accuracy", fontsize=canvas.small())
        ax.tick_params(labelsize=canvas.small())
        ax.annotate(
            "overconfident",
            (0.97, 0.06),
            ha="right",
            color=canvas.grey(ax),
            fontsize=canvas.small(),
            style="italic",
        )
        ax.legend(
            loc="upper left",
            bbox_to_anchor=(1.02, 1),
            frameon=False,
            fontsize=canvas.small(),
            labelcolor=canvas.ink(ax),
            borderaxespad=0,
            labelspacing=0.9,
            handletextpad=0.2,
        )
        canvas.open_frame(ax, "left", "bottom")
