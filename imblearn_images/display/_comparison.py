"""Comparison: the scores of candidates, beside doing nothing or within an ensemble of policies."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

import imblearn_images.display._canvas as canvas
from imblearn_images._docstrings import substitute


class Compared(Protocol):
    """The part of a comparison that is drawn; "none" is the candidate that does nothing."""

    @property
    def metric(self) -> str:
        """Name of the scores."""

    @property
    def scores(self) -> Mapping[str, Any]:
        """Candidate -> score on every fold."""

    @property
    def differences(self) -> Mapping[str, tuple[float, float, float, float, float]]:
        """Candidate -> mean difference to "none", its interval, and two p-values."""

    @property
    def better(self) -> Collection[str]:
        """Candidates that are better than "none"."""

    @property
    def worse(self) -> Collection[str]:
        """Candidates that are worse than "none"."""


@substitute
class ComparisonDisplay(canvas.DisplayMixin):
    """Differences of the candidates to "none", with 95 % confidence intervals.

    A large dot is the mean difference, a line its interval, a small dot one fold. Candidates that
    differ at the 5 % level after Holm's adjustment are coloured.

    Make one with :meth:`from_comparison`, which draws it at once.

    {guide=does-it-help}

    Parameters
    ----------
    differences : mapping of str to (float, float, float, float, float)
        Candidate -> mean difference to "none", lower and upper end of its interval, p-value, and
        p-value adjusted for the number of candidates; the latter is shown.
    scores : mapping of str to array of shape (n_folds,)
        Candidate -> its scores, including those of "none".
    better, worse : collection of str, default=()
        Candidates to colour.
    metric : str, default="score"
        Name of the scores.

    Attributes
    ----------
    {ax_}
    {figure_}

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from imblearn_images.datasets import load_texture_patches
    >>> from imblearn_images.model_selection import compare_resamplers
    >>> images, labels = load_texture_patches(return_X_y=True, size=16)
    >>> comparison = compare_resamplers(GaussianNB(), [], images, labels, random_state=0)
    >>> display = ComparisonDisplay.from_comparison(comparison)
    >>> sorted(text.get_text() for text in display.ax_.get_yticklabels())
    ['class_weight', 'prior_correction']
    """

    def __init__(
        self,
        differences: Mapping[str, tuple[float, float, float, float, float]],
        scores: Mapping[str, Any],
        *,
        better: Collection[str] = (),
        worse: Collection[str] = (),
        metric: str = "score",
    ) -> None:
        self.differences = differences
        self.scores = scores
        self.better = better
        self.worse = worse
        self.metric = metric

    @classmethod
    def from_comparison(cls, comparison: Compared, *, ax: Any = None) -> ComparisonDisplay:
        """Draw a comparison.

        Parameters
        ----------
        comparison : ResamplerComparison
            Result of :func:`~imblearn_images.model_selection.compare_resamplers`, or any object
            with its `differences`, `scores`, `better`, `worse` and `metric`.
        {ax}

        Returns
        -------
        display : ComparisonDisplay
        """
        return cls(
            comparison.differences,
            comparison.scores,
            better=comparison.better,
            worse=comparison.worse,
            metric=comparison.metric,
        ).plot(ax)

    def _size(self) -> tuple[float, float]:
        return 7.2, 1.1 + 0.36 * len(self.differences)

    def _draw(self, ax: Any) -> None:
        found, scores = self.differences, self.scores
        names = sorted(found, key=lambda name: -found[name][0])
        ax.axvline(0, color=canvas.grey(ax), linewidth=1)
        for place, name in enumerate(names):
            mean, low, high, _, p = found[name]
            colour = (
                canvas.BLUE
                if name in self.better
                else canvas.RED
                if name in self.worse
                else canvas.grey(ax)
            )
            # Differences, not scores: some folds are harder than others, for every candidate alike.
            folds = scores[name] - scores["none"]
            ax.plot(folds, [place] * len(folds), "o", color=colour, alpha=0.3, markersize=3)
            ax.plot([low, high], [place, place], color=colour, linewidth=2)
            ax.plot(mean, place, "o", color=colour, markersize=7)
            chance = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
            text = f"{mean:+.3f}  [{low:+.3f}, {high:+.3f}]  {chance}"
            if np.isnan(p):
                text = f"{mean:+.3f}  one fold"
            elif np.isnan(low):
                text = f"{mean:+.3f}  the same in all folds  {chance}"
            ax.annotate(
                text.replace("-", "\N{MINUS SIGN}"),
                (1.01, place),
                xycoords=ax.get_yaxis_transform(),
                va="center",
                fontsize=canvas.small(),
                color=canvas.ink(ax) if colour == canvas.grey(ax) else colour,
            )
        ax.set_yticks(range(len(names)), [canvas.as_lines(name, 32) for name in names])
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.tick_params(left=False, labelsize=canvas.small())
        ax.locator_params(axis="x", nbins=5)
        metric = canvas.as_label(self.metric.replace("_", " "), 40)
        ax.set_xlabel(
            f'{metric}: difference to "none" ({scores["none"].mean():.3f})', fontsize=canvas.small()
        )
        canvas.open_frame(ax, "bottom")


Result = tuple[str, float, bool, float, float, str]


class Ensemble(Protocol):
    """The part of an ensemble of policies that is drawn."""

    @property
    def policies_(self) -> Sequence[Result]:
        """Name, score, whether it is kept, weight, seconds and reason of each policy."""

    @property
    def screen(self) -> float | None:
        """How far below the best policy a policy may score to be kept."""


@substitute
class PolicyDisplay(canvas.DisplayMixin):
    """Scores of policies in cross-validation, with the kept ones in colour.

    Policies left of the dotted line score so far below the best one that they are dropped. For a
    policy without a score, the reason is written beside its name.

    Make one with :meth:`from_ensemble`, which draws it at once.

    {guide=both-and-ensembles}

    Parameters
    ----------
    policies : sequence of (str, float, bool, float, float, str)
        Name, score, whether it is kept, weight, seconds and reason.
    screen : float or None, default=None
        How far below the best policy a policy may score to be kept.

    Attributes
    ----------
    {ax_}
    {figure_}

    Examples
    --------
    >>> policies = [("plain", 0.81, True, 1.0, 0.1, ""), ("odd", 0.7, False, 0.0, 2.0, "low")]
    >>> display = PolicyDisplay(policies, screen=0.03).plot()
    >>> [text.get_text() for text in display.ax_.get_yticklabels()]
    ['plain', 'odd']
    """

    def __init__(self, policies: Sequence[Result], screen: float | None = None) -> None:
        self.policies = policies
        self.screen = screen

    @classmethod
    def from_ensemble(cls, ensemble: Ensemble, *, ax: Any = None) -> PolicyDisplay:
        """Draw the policies of a fitted ensemble.

        Parameters
        ----------
        ensemble : PolicyEnsembleClassifier
            The fitted ensemble, or any object with its `policies_` and `screen`.
        {ax}

        Returns
        -------
        display : PolicyDisplay
        """
        return cls(ensemble.policies_, ensemble.screen).plot(ax)

    def _size(self) -> tuple[float, float]:
        return 6.4, 1.1 + 0.36 * len(self.policies)

    def _draw(self, ax: Any) -> None:
        scores = np.array([each[1] for each in self.policies], dtype=float)
        known = np.isfinite(scores)
        if known.any() and self.screen is not None:
            ax.axvline(
                scores[known].max() - self.screen, color=canvas.grey(ax), linestyle=":", linewidth=1
            )
        for place, (_, score, kept, weight, seconds, reason) in enumerate(self.policies):
            colour = canvas.BLUE if kept else canvas.grey(ax)
            if np.isfinite(score):
                ax.plot(score, place, "o" if kept else "X", color=colour, markersize=7)
            # A policy that failed stays in the chart: a missing line would look like one that was
            # not tried.
            what = f"weight {weight:.2f}" if kept else f"dropped: {reason}"
            number = f"{score:.3f}  " if np.isfinite(score) else ""
            ax.annotate(
                canvas.as_label(f"{number}{what}  {seconds:.1f} s", 60),
                (1.01, place),
                xycoords=ax.get_yaxis_transform(),
                va="center",
                fontsize=canvas.small(),
                color=canvas.ink(ax) if kept else colour,
            )
        ax.set_yticks(
            range(len(self.policies)), [canvas.as_label(each[0], 32) for each in self.policies]
        )
        ax.set_ylim(len(self.policies) - 0.4, -0.6)
        ax.tick_params(left=False, labelsize=canvas.small())
        if known.any():
            ax.set_xlabel("score in cross-validation", fontsize=canvas.small())
            canvas.open_frame(ax, "bottom")
        else:  # without screening
            ax.set_xticks([])
            canvas.open_frame(ax)
