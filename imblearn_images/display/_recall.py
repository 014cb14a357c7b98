"""Recall: how well each class is recognised, and on how many images this was tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_consistent_length

import imblearn_images.display._canvas as canvas
from imblearn_images._docstrings import substitute
from imblearn_images.core.columns import labels_of, plain_list

Z = 1.96  # standard deviations on either side of a 95 % interval


class Compared(Protocol):
    """The part of a comparison that is drawn."""

    @property
    def names(self) -> Sequence[str]:
        """The candidates."""

    @property
    def recall(self) -> Mapping[str, Mapping[Any, tuple[float, int]]]:
        """Candidate -> class -> its recall and the number of test images."""


@substitute
class RecallDisplay(canvas.DisplayMixin):
    """Recall of every class, for one or several models; classes with most test images come first.

    With more than 60 classes only the six with most and the six with fewest images are drawn.
    A grey band is the 95 % confidence interval (Wilson's) of the first model, which shows how much
    is chance with so few test images.

    Make one with :meth:`from_predictions` or :meth:`from_comparison`, which draw it at once.

    {guide=does-it-help}

    Parameters
    ----------
    recall : mapping of str to mapping of label to (float, int)
        Model -> class -> its recall and the number of test images; at least one model, and the
        same classes for all.

    Attributes
    ----------
    {ax_}
    {figure_}

    Examples
    --------
    >>> display = RecallDisplay.from_predictions(["a", "a", "b", "b"], ["a", "b", "b", "b"])
    >>> display.recall["recall"]
    {'a': (0.5, 2), 'b': (1.0, 2)}
    """

    def __init__(self, recall: Mapping[str, Mapping[Any, tuple[float, int]]]) -> None:
        self.recall = recall

    @classmethod
    def from_predictions(
        cls, y_true: Any, y_pred: Any, *, name: str = "recall", ax: Any = None
    ) -> RecallDisplay:
        """Draw the recall of predictions.

        Parameters
        ----------
        y_true : array-like of shape (n,)
            True labels.
        y_pred : array-like of shape (n,), or mapping of str to such
            Predicted labels; for several models, at most 8, a mapping of names to labels.
        name : str, default="recall"
            Name of a single model.
        {ax}

        Returns
        -------
        display : RecallDisplay

        Raises
        ------
        ValueError
            If there are no labels, missing labels or mixed types, if predictions differ from the
            labels in number or type, or are probabilities.
        """
        y_true = _as_labels(y_true, "y_true")
        predictions = y_pred if isinstance(y_pred, Mapping) else {name: y_pred}
        if not 0 < len(predictions) <= len(canvas.COLOURS):
            raise ValueError(
                f"`y_pred` must hold predictions of 1 to {len(canvas.COLOURS)} models, got "
                f"{len(predictions)}."
            )
        found = {
            model: _recalls(y_true, _as_labels(labels, "y_pred"))
            for model, labels in predictions.items()
        }
        return cls(found).plot(ax)

    @classmethod
    def from_comparison(
        cls, comparison: Compared, names: Sequence[str] | None = None, *, ax: Any = None
    ) -> RecallDisplay:
        """Draw the recall of candidates.

        Parameters
        ----------
        comparison : ResamplerComparison
            Result of :func:`~imblearn_images.model_selection.compare_resamplers`, or any object
            with its `names` and `recall`.
        names : sequence of str, default=None
            Candidates to draw, at most 8; by default the first ones.
        {ax}

        Returns
        -------
        display : RecallDisplay

        Raises
        ------
        ValueError
            If a name is not that of a candidate.
        """
        found = {name: comparison.recall[name] for name in comparison.names}
        return cls({name: found[name] for name in canvas.chosen(found, names, "recalls")}).plot(ax)

    def _size(self) -> tuple[float, float]:
        return 6.4, 1 + 0.36 * len(canvas.first_and_last([*self._checked()])[0])

    def _draw(self, ax: Any) -> None:
        first = self._checked()
        labels, hidden = canvas.first_and_last(sorted(first, key=lambda label: -first[label][1]))
        places = np.arange(len(labels))
        # Of the first model alone: a band for each would hide the points of the others.
        low, high = _wilson(*np.array([first[label] for label in labels]).T)
        ax.barh(places, high - low, 0.56, left=low, color=canvas.pale(ax), alpha=0.5)
        # Side by side within a class: models often agree, and one point would cover the other.
        spread = np.linspace(-0.2, 0.2, len(self.recall)) if len(self.recall) > 1 else [0.0]
        for number, ((name, found), up) in enumerate(zip(self.recall.items(), spread, strict=True)):
            colour, marker = canvas.mark(number)
            values = [found[label][0] for label in labels]
            ax.plot(
                values,
                places + up,
                marker,
                color=colour,
                markersize=5.5,
                label=canvas.as_label(name, 32),
            )
        names = [f"{canvas.as_lines(label)}  ({first[label][1]})" for label in labels]
        ax.set_yticks(places, names)
        ax.set(xlim=(-0.02, 1.02), ylim=(len(labels) - 0.4, -0.6))
        canvas.name_hidden(ax, hidden)
        ax.tick_params(left=False, labelsize=canvas.small())
        of = f" of {canvas.as_label(next(iter(self.recall)))}" if len(self.recall) > 1 else ""
        ax.set_xlabel(
            f"recall; band: 95 % interval{of}; in brackets: test images", fontsize=canvas.small()
        )
        ax.grid(axis="x", color=canvas.pale(ax), linewidth=0.5)
        ax.set_axisbelow(True)
        if len(self.recall) > 1:
            ax.legend(
                loc="upper left",
                bbox_to_anchor=(1.01, 1),
                frameon=False,
                fontsize=canvas.small(),
                labelcolor=canvas.grey(ax),
                borderaxespad=0,
                handletextpad=0.2,
            )
        canvas.open_frame(ax)

    def _checked(self) -> Mapping[Any, tuple[float, int]]:
        """Return the recall of the first model, after checking that all have the same classes."""
        if not self.recall:
            raise ValueError(
                "`recall` must have at least one model, got none. Pass {name: {label: (0.5, 10)}}."
            )
        first_name, first = next(iter(self.recall.items()))
        for name, found in self.recall.items():
            if set(found) != set(first):
                raise ValueError(
                    f"`recall` must have the same classes for every model, got {list(first)!r} for "
                    f"{first_name!r} and {list(found)!r} for {name!r}."
                )
        return first


def _as_labels(given: Any, parameter: str) -> NDArray[Any]:
    """Return labels as an array of at least one; `parameter` names them in errors."""
    try:
        labels = labels_of(given)
    except ValueError as exc:
        raise ValueError(
            f"`{parameter}` must hold one label for each image. Instead of probabilities pass "
            f"classifier.classes_[probabilities.argmax(axis=1)]. {exc}"
        ) from exc
    if not len(labels):
        raise ValueError(f"`{parameter}` must hold at least one label, got none.")
    return labels


def _recalls(y_true: NDArray[Any], y_pred: NDArray[Any]) -> dict[Any, tuple[float, int]]:
    """Return recall and number of images of each class."""
    check_consistent_length(y_true, y_pred)
    first, other = y_true.tolist()[0], y_pred.tolist()[0]
    if isinstance(first, str) != isinstance(other, str):
        raise ValueError(
            f"`y_true` and `y_pred` must hold labels of one type, got e.g. {first!r} and "
            f"{other!r}, so that no prediction could be right."
        )
    return {
        label: (float((y_pred[y_true == label] == label).mean()), int((y_true == label).sum()))
        for label in plain_list(np.unique(y_true))
    }


def _wilson(share: Any, n: Any) -> tuple[Any, Any]:
    """Return lower and upper end of Wilson's interval for shares of `n` images."""
    # Wilson's, and not the usual interval, which has no width for a class whose images are all
    # right.
    n = np.maximum(n, 1)
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    reach = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return middle - reach, middle + reach
