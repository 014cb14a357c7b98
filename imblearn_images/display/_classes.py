"""Class distribution: the number of images of each class, before and after resampling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import imblearn_images.display._canvas as canvas
from imblearn_images._docstrings import substitute
from imblearn_images.core.columns import count_labels
from imblearn_images.core.plan import ResamplingPlan, check_plan


@substitute
class ClassDistributionDisplay(canvas.DisplayMixin):
    """Bars of the number of images per class, before and after resampling.

    With more than 60 classes only the six largest and the six smallest are drawn, with a line
    between them that shows the number of the others.

    Make one with :meth:`from_labels` or :meth:`from_plan`, which draw it at once.

    {guide=quickstart}

    Parameters
    ----------
    before : mapping of label to int
        Number of images of each class before resampling.
    after : mapping of label to int, default=None
        Number of images of each class after resampling.
    synthetic : mapping of label to int, default=None
        Number of these that are synthetic.

    Attributes
    ----------
    {ax_}
    {figure_}

    Examples
    --------
    >>> from imblearn_images import RandomUnderSampler
    >>> from imblearn_images.datasets import load_texture_patches
    >>> X, y = load_texture_patches(return_X_y=True)
    >>> sampler = RandomUnderSampler(random_state=0)
    >>> X_res, y_res = sampler.fit_resample(X, y)
    >>> display = ClassDistributionDisplay.from_plan(sampler.plan_, y)
    >>> display.before, display.after["brick"]
    ({'brick': 256, 'grass': 80, 'gravel': 25}, 25)
    """

    def __init__(
        self,
        before: Mapping[Any, int],
        after: Mapping[Any, int] | None = None,
        synthetic: Mapping[Any, int] | None = None,
    ) -> None:
        self.before = before
        self.after = after
        self.synthetic = synthetic

    @classmethod
    def from_labels(
        cls, y: Any, y_resampled: Any = None, *, ax: Any = None
    ) -> ClassDistributionDisplay:
        """Draw the number of images of each label.

        Parameters
        ----------
        y : array-like of shape (n,)
            Labels before resampling.
        y_resampled : array-like of shape (n_resampled,), default=None
            Labels after resampling.
        {ax}

        Returns
        -------
        display : ClassDistributionDisplay
        """
        after = None if y_resampled is None else _count(y_resampled)
        return cls(_count(y), after).plot(ax)

    @classmethod
    def from_plan(cls, plan: ResamplingPlan, y: Any, *, ax: Any = None) -> ClassDistributionDisplay:
        """Draw the number of images of each class before and after a plan.

        Parameters
        ----------
        plan : ResamplingPlan
            A sampler's ``plan_``.
        y : array-like of shape (plan.n_source,)
            Labels before resampling.
        {ax}

        Returns
        -------
        display : ClassDistributionDisplay

        Raises
        ------
        ValueError
            If `y` is not as long as the plan's source.
        """
        check_plan(plan)
        if len(y) != plan.n_source:
            raise ValueError(
                f"`y` must have a label for each of the {plan.n_source} images that the plan was "
                f"drawn for, got {len(y)}. Pass the labels passed to fit_resample."
            )
        return cls(_count(y), _count(plan.y), _count(plan.y[plan.synthetic])).plot(ax)

    def _size(self) -> tuple[float, float]:
        n_classes = len(canvas.first_and_last([*{*self.before, *(self.after or {})}])[0])
        return 6.4, 0.7 + (0.32 if self.after is None else 0.46) * n_classes

    def _draw(self, ax: Any) -> None:
        names = {**self.before, **(self.after or {})}
        in_order = sorted(names, key=lambda label: -self.before.get(label, 0))
        labels, hidden = canvas.first_and_last(in_order)
        two = self.after is not None
        places = np.arange(len(labels))
        thickness = 0.38 if two else 0.7
        before = np.array([self.before.get(label, 0) for label in labels])
        ax.barh(places - two * 0.2, before, thickness, color=canvas.pale(ax), label="before")
        self._number(ax, places - two * 0.2, before, canvas.grey(ax))
        if self.after is not None:
            after = np.array([self.after.get(label, 0) for label in labels])
            made = np.array([(self.synthetic or {}).get(label, 0) for label in labels])
            ax.barh(places + 0.2, after - made, thickness, color=canvas.BLUE, label="after")
            if made.any():
                ax.barh(
                    *(places + 0.2, made, thickness),
                    left=after - made,
                    color=canvas.RED,
                    label="synthetic",
                )
            self._number(ax, places + 0.2, after, canvas.ink(ax))
            ax.legend(
                loc="lower left",
                bbox_to_anchor=(0, 1),
                ncols=3,
                frameon=False,
                fontsize=canvas.small(),
                borderaxespad=0.2,
                handlelength=1.2,
            )
        ax.set_yticks(places, [canvas.as_lines(label) for label in labels])
        ax.set_ylim(len(labels) - 0.4, -0.6)
        canvas.name_hidden(ax, hidden)
        ax.tick_params(left=False)
        ax.set_xticks([])  # no ticks: every bar has its number
        # A little room on the right, for the number of the longest bar.
        ax.set_xlim(0, 1.12 * max([1, *names.values(), *self.before.values()]))
        ax.set_xlabel("images", color=canvas.grey(ax), loc="left", fontsize=canvas.small())
        canvas.open_frame(ax)

    def _number(self, ax: Any, places: Any, counts: Any, colour: canvas.Colour) -> None:
        """Write the numbers of images at the ends of bars."""
        for place, n in zip(places, counts.tolist(), strict=True):
            ax.annotate(
                f"{n:,}",
                (n, place),
                (3, 0),
                textcoords="offset points",
                va="center",
                fontsize=canvas.small(),
                color=colour,
            )


def _count(labels: Any) -> dict[Any, int]:
    """Return the number of images of each label, sorted by label."""
    # As text: labels of one data set may have several types, which cannot be compared.
    return dict(sorted(count_labels(labels).items(), key=lambda item: str(item[0])))
