"""Pairs: validation images beside the training images that leak them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

import imblearn_images.display._canvas as canvas
from imblearn_images._docstrings import substitute

STEP, LINE, LEFT = 1.25, 0.2, 0.9  # distance, text height and left margin in image sides


class Pair(NamedTuple):
    """A validation image and a training image that leaks it, as they are drawn."""

    title: str
    names: tuple[str, str]
    images: tuple[NDArray[Any], NDArray[Any]]


class Leaks(Protocol):
    """The part of a leakage report that is drawn; false if there is no leak."""

    @property
    def X_train(self) -> Any:
        """The training images: an array of pixels, or of paths."""

    @property
    def X_valid(self) -> Any:
        """The validation images: an array of pixels, or of paths."""

    def sample(self, n: int) -> Sequence[Any]:
        """Return up to `n` pairs, each with `kind`, `valid` and `train`."""

    def names(self, pair: Any) -> tuple[Any, Any]:
        """Return the names of the validation and the training image of a pair."""

    def __bool__(self) -> bool: ...


@substitute
class PairsDisplay(canvas.DisplayMixin):
    """Sheet of pairs, the validation image above and the training image below.

    Make one with :meth:`from_report`, or with ``report.plot()``.

    {guide=parents}

    Parameters
    ----------
    pairs : list of Pair
        The pairs to draw.

    Attributes
    ----------
    {ax_}
    {figure_}

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
    def from_report(cls, report: Leaks, *, n: int = 6, ax: Any = None) -> PairsDisplay:
        """Draw `n` pairs of a leakage report, from all kinds in turn.

        Parameters
        ----------
        report : LeakageReport
            Result of :func:`~imblearn_images.model_selection.check_leakage`, or any true object
            with its `sample`, `names`, `X_train` and `X_valid`.
        n : int, default=6
            Maximum number of pairs to draw.
        {ax}

        Returns
        -------
        display : PairsDisplay

        Raises
        ------
        ValueError
            If the report has no pairs.
        """
        if not report:
            raise ValueError(f"`report` must have a pair to draw, got none. {report!r}")
        sides = canvas.as_pictures(report.X_valid), canvas.as_pictures(report.X_train)
        pairs = []
        for pair in report.sample(n):
            valid, train = (
                Path(name).name if isinstance(name, str) else str(name)
                for name in report.names(pair)
            )
            images = canvas.picture(sides[0], pair.valid), canvas.picture(sides[1], pair.train)
            pairs.append(Pair(pair.kind, (valid, train), images))
        return cls(pairs).plot(ax)

    def _size(self) -> tuple[float, float]:
        return 1.1 * (LEFT + STEP * len(self.pairs)), 1.1 * (2 + 4 * LINE)

    def _draw(self, ax: Any) -> None:
        canvas.sheet(ax, LEFT + STEP * len(self.pairs), 2 + 4 * LINE)
        centred = {"fontsize": canvas.small(), "ha": "center"}
        tops = 1.2 * LINE, 1 + 2.6 * LINE
        # Validation on top: the question is whether what is measured on has been seen before.
        for side, top in zip(("validation", "training"), tops, strict=True):
            ax.text(
                LEFT - 0.12,
                top + 0.5,
                side,
                fontsize=canvas.small(),
                ha="right",
                va="center",
                color=canvas.ink(ax),
            )
        for number, pair in enumerate(self.pairs):
            x = LEFT + STEP * number
            ax.text(x + 0.5, LINE, pair.title, va="bottom", color=canvas.RED, **centred)
            for top, name, image in zip(tops, pair.names, pair.images, strict=True):
                canvas.frame_picture(ax, canvas.draw_picture(ax, image, x, top), canvas.RED)
                ax.text(
                    x + 0.5,
                    top + 1.05,
                    canvas.as_label(name, 16),
                    va="top",
                    color=canvas.grey(ax),
                    **centred,
                )
