"""Comparison: how much better or worse than doing nothing, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imblearn_images.display._canvas import (
    BLUE,
    GREY,
    INK,
    RED,
    SMALL,
    as_label,
    axes_or_new,
    open_frame,
)

if TYPE_CHECKING:
    from imblearn_images.model_selection._comparison import ResamplerComparison


class ComparisonDisplay:
    """Differences of the candidates to "none", with 95 % confidence intervals.

    A point is the mean difference, the line its interval, a small dot one fold. Coloured is
    what differs at the 5 % level after Holm's adjustment.

    Make one with :meth:`from_comparison`, which draws it at once.

    Parameters
    ----------
    comparison : ResamplerComparison
        What :func:`compare_resamplers` returned.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the intervals.
    figure_ : matplotlib Figure
        Figure of the axes.

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

    def __init__(self, comparison: ResamplerComparison) -> None:
        self.comparison = comparison

    @classmethod
    def from_comparison(cls, comparison: ResamplerComparison, *, ax: Any = None) -> Any:
        """Draw a comparison.

        Parameters
        ----------
        comparison : ResamplerComparison
            What :func:`compare_resamplers` returned.
        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

        Returns
        -------
        display : ComparisonDisplay
        """
        return cls(comparison).plot(ax)

    def plot(self, ax: Any = None) -> Any:
        """Draw the intervals, the best candidate above; needs matplotlib.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

        Returns
        -------
        display : ComparisonDisplay
            Itself.
        """
        found = self.comparison.differences
        names = sorted(found, key=lambda name: -found[name][0])
        better, worse = self.comparison.better, self.comparison.worse
        scores = self.comparison.scores
        ax = axes_or_new(ax, 7.2, 1.1 + 0.36 * len(names))
        ax.axvline(0, color=GREY, linewidth=1)
        for place, name in enumerate(names):
            mean, low, high, _, p = found[name]
            colour = BLUE if name in better else RED if name in worse else GREY
            folds = scores[name] - scores["none"]
            ax.plot(folds, [place] * len(folds), "o", color=colour, alpha=0.3, markersize=3)
            ax.plot([low, high], [place, place], color=colour, linewidth=2)
            ax.plot(mean, place, "o", color=colour, markersize=7)
            chance = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
            text = f"{mean:+.3f}  [{low:+.3f}, {high:+.3f}]  {chance}"
            ax.annotate(
                text.replace("-", "\N{MINUS SIGN}"),
                (1.01, place),
                xycoords=ax.get_yaxis_transform(),
                va="center",
                fontsize=SMALL,
                color=INK if colour == GREY else colour,
            )
        ax.set_yticks(range(len(names)), [as_label(name, 32) for name in names])
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.tick_params(left=False, labelsize=SMALL)
        metric = as_label(self.comparison.metric.replace("_", " "), 40)
        ax.set_xlabel(
            f'{metric}: difference to "none" ({scores["none"].mean():.3f})', fontsize=SMALL
        )
        open_frame(ax, "bottom")
        self.ax_, self.figure_ = ax, ax.figure
        return self
