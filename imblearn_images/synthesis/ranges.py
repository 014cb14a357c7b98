"""Ranges: what a parameter such as ``rotation_range=5`` stands for."""

from __future__ import annotations

from math import isfinite
from numbers import Real
from typing import Any


def is_number(value: Any) -> bool:
    """Tell whether `value` is a finite real number; True and False are none."""
    return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)


def interval(name: str, value: Any, still: float) -> tuple[float, float]:
    """Lowest and highest value to draw.

    Parameters
    ----------
    name : str
        Of the parameter, for the message.
    value : float or (low, high)
        A number stands for as much in both directions.
    still : float
        The value that changes nothing.

    Raises
    ------
    ValueError
        For anything else.

    Examples
    --------
    >>> interval("rotation_range", 5, 0), interval("zoom_range", (0.5, 1), 1)
    ((-5, 5), (0.5, 1))
    """
    if is_number(value) and value >= 0:
        return still - value, still + value
    if isinstance(value, (tuple, list)) and len(value) == 2 and all(map(is_number, value)):
        low, high = value
        if low <= high:
            return low, high
    raise ValueError(
        f"`{name}` must be a number that is not negative, or a pair (low, high); got {value!r}."
    )


def in_pixels(shift: tuple[float, float], side: int) -> tuple[float, float]:
    """Shift in pixels, which is meant as a share of `side` where below 1, as in Keras."""
    unit = side if max(map(abs, shift)) < 1 else 1
    return shift[0] * unit, shift[1] * unit
