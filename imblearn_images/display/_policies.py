"""Policies: the score of each policy of an ensemble, and which are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

import imblearn_images.display._canvas as canvas
from imblearn_images._docstrings import substitute

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
        ax.set_xlabel("score in cross-validation", fontsize=canvas.small())
        canvas.open_frame(ax, "bottom")
