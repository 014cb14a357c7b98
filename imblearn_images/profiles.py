"""Profiles of imbalance: the class sizes that experiments are made with, as values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from imblearn_images.core.targets import count_labels

__all__ = ["LongTail", "Staircase", "Step"]


def _largest_first(y: Any) -> tuple[list[Any], list[int]]:
    counts = sorted(count_labels(y).items(), key=lambda item: -item[1])  # ties stay in order
    return [label for label, _ in counts], [count for _, count in counts]


def _whole(number: float) -> int:
    # round first: 1000 / 1000 ** (2 / 3) must not lose an image to the last bit
    return max(1, int(round(number, 6)))


def _check_ratio(ratio: float) -> None:
    if not 1 < ratio < math.inf:
        raise ValueError(f"ratio={ratio!r}: largest class / smallest class is a number above 1")


@dataclass(frozen=True)
class LongTail:
    """Exponential long tail of class sizes, as in CIFAR-LT.

    Like `Step` and `Staircase` a callable ``y -> {class: number to keep}``, for
    `make_imbalance` and as ``sampling_strategy`` of every under-sampler that takes a dict.
    In all three the classes stand in order of size (largest first, ties by label), numbers
    are rounded down to at least 1, and no class keeps more than it has.
    Here the k-th of C classes, k = 0 ... C - 1, keeps ``n_max * ratio ** (-k / (C - 1))``.

    Parameters
    ----------
    ratio : float
        Largest class / smallest class. A ValueError unless finite and above 1.

    References
    ----------
    Cui et al., "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019.

    Examples
    --------
    >>> LongTail(100)(["cat"] * 200 + ["dog"] * 200 + ["owl"] * 50)
    {'cat': 200, 'dog': 20, 'owl': 2}
    """

    ratio: float

    def __post_init__(self) -> None:
        _check_ratio(self.ratio)

    def __call__(self, y: Any) -> dict[Any, int]:
        """Return the number to keep of each class in `y`, array-like of shape (n,)."""
        labels, counts = _largest_first(y)
        last = max(len(labels) - 1, 1)
        tail = [_whole(counts[0] / self.ratio ** (k / last)) for k in range(len(labels))]
        return dict(zip(labels, map(min, counts, tail), strict=True))


@dataclass(frozen=True)
class Step:
    """Step imbalance: some classes stay whole, the others are cut to ``n_max / ratio``.

    Parameters
    ----------
    ratio : float
        Largest class / each minority class. A ValueError unless finite and above 1.
    minority : float, default=0.5
        Fraction of the classes that is cut, the smallest ones: rounded down, but at least
        one class and never all. A ValueError unless between 0 and 1.

    References
    ----------
    Buda, Maki, Mazurowski, "A systematic study of the class imbalance problem in
    convolutional neural networks", Neural Networks 106, 2018.

    Examples
    --------
    >>> Step(10)(["cat"] * 200 + ["dog"] * 200 + ["owl"] * 50 + ["yak"] * 9)
    {'cat': 200, 'dog': 200, 'owl': 20, 'yak': 9}
    """

    ratio: float
    minority: float = 0.5

    def __post_init__(self) -> None:
        _check_ratio(self.ratio)
        if not 0 < self.minority < 1:
            raise ValueError(f"minority={self.minority!r}: it is a fraction between 0 and 1")

    def __call__(self, y: Any) -> dict[Any, int]:
        """Return the number to keep of each class in `y`, array-like of shape (n,)."""
        labels, counts = _largest_first(y)
        whole = max(1, len(labels) - _whole(self.minority * len(labels)))
        small = _whole(counts[0] / self.ratio)
        kept = counts[:whole] + [min(n, small) for n in counts[whole:]]
        return dict(zip(labels, kept, strict=True))


@dataclass(frozen=True)
class Staircase:
    """Staircase of class sizes: the k-th class keeps at most ``n_max - k * step``, k = 0, 1, ...

    Made for studies over many classes of nearly equal size, such as Stanford Dogs.

    Parameters
    ----------
    step : int
        Height of a stair in images. A ValueError unless a positive integer; when called, also
        if a class would keep no image (a flat end of single images is no staircase): the
        message names the class and the largest step that works.

    Examples
    --------
    >>> Staircase(25)(["beagle"] * 90 + ["collie"] * 80 + ["poodle"] * 30)
    {'beagle': 90, 'collie': 65, 'poodle': 30}
    """

    step: int

    def __post_init__(self) -> None:
        if not isinstance(self.step, (int, np.integer)) or self.step < 1:
            raise ValueError(f"step={self.step!r}: it is a number of images, an integer >= 1")

    def __call__(self, y: Any) -> dict[Any, int]:
        """Return the number to keep of each class in `y`, array-like of shape (n,)."""
        labels, counts = _largest_first(y)
        stairs = [counts[0] - k * int(self.step) for k in range(len(labels))]
        for k, (label, stair) in enumerate(zip(labels, stairs, strict=True)):
            if stair < 1:
                most = (counts[0] - 1) // (len(labels) - 1)
                raise ValueError(
                    f"{self}: class {label!r}, number {k} by size counted from 0, would keep "
                    f"{counts[0]} - {k} * {self.step} = {stair} images; the largest step that "
                    f"leaves each of {len(labels)} classes an image is {most or 'none'}"
                )
        return dict(zip(labels, map(min, counts, stairs), strict=True))
