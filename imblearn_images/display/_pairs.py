"""Pairs: validation images beside the training images that give them away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

from imblearn_images.display._canvas import (
    GREY,
    INK,
    RED,
    SMALL,
    as_label,
    as_pictures,
    axes_or_new,
    draw_picture,
    frame_picture,
    picture,
    sheet,
)

if TYPE_CHECKING:
    from imblearn_images.model_selection._leakage import LeakageReport

STEP, LINE, LEFT = 1.25, 0.2, 0.9  # in sides of an image


class Pair(NamedTuple):
    """Two images that should not be on two sides."""

    title: str
    names: tuple[str, str]
    images: tuple[NDArray[Any], NDArray[Any]]


class PairsDisplay:
    """Sheet of pairs, the validation image above and the training image below.

    Make one with :meth:`from_report`, or with ``report.plot()``.

    Parameters
    ----------
    pairs : list of Pair
        What is drawn.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the images.
    figure_ : matplotlib Figure
        Figure of the axes.

    Examples
    --------
    >>> import numpy as np
    >>> from imblearn_images.model_selection import check_leakage
    >>> X = np.arange(48.0).reshape(3, 4, 4)
    >>> display = check_leakage(X[:2], X[1:], threshold=None).plot()
    >>> display.pairs[0].title, display.pairs[0].names
    ('identical', ('0', '1'))
    """

    def __init__(self, pairs: list[Pair]) -> None:
        self.pairs = pairs

    @classmethod
    def from_report(cls, report: LeakageReport, *, n: int = 6, ax: Any = None) -> Any:
        """Draw `n` pairs of a report of :func:`check_leakage`, of all kinds in turn.

        Parameters
        ----------
        report : LeakageReport
            With a leak.
        n : int, default=6
            Pairs to draw.
        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

        Returns
        -------
        display : PairsDisplay

        Raises
        ------
        ValueError
            If the report names no pair.
        """
        if not report:
            raise ValueError(f"There is no pair to draw. {report!r}")
        sides = as_pictures(report.X_valid), as_pictures(report.X_train)
        pairs = []
        for pair in report.sample(n):
            valid, train = (
                Path(name).name if isinstance(name, str) else str(name)
                for name in report.names(pair)
            )
            images = picture(sides[0], pair.valid), picture(sides[1], pair.train)
            pairs.append(Pair(pair.kind, (valid, train), images))
        return cls(pairs).plot(ax)

    def plot(self, ax: Any = None) -> Any:
        """Draw the sheet; needs matplotlib.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

        Returns
        -------
        display : PairsDisplay
            Itself.
        """
        width = LEFT + STEP * len(self.pairs)
        ax = axes_or_new(ax, 1.1 * width, 1.1 * (2 + 4 * LINE))
        sheet(ax, width, 2 + 4 * LINE)
        small = {"fontsize": SMALL, "ha": "center"}
        tops = 1.2 * LINE, 1 + 2.6 * LINE
        for side, top in zip(("validation", "training"), tops, strict=True):
            ax.text(
                LEFT - 0.12, top + 0.5, side, fontsize=SMALL, ha="right", va="center", color=INK
            )
        for number, pair in enumerate(self.pairs):
            x = LEFT + STEP * number
            ax.text(x + 0.5, LINE, pair.title, va="bottom", color=RED, **small)
            for top, name, image in zip(tops, pair.names, pair.images, strict=True):
                frame_picture(ax, draw_picture(ax, image, x, top), RED)
                ax.text(x + 0.5, top + 1.05, as_label(name, 16), va="top", color=GREY, **small)
        self.ax_, self.figure_ = ax, ax.figure
        return self
