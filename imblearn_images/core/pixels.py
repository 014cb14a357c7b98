"""Pixels: their layout and their unit, checked, and mapped to 0 ... 1 and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def check_planar(base: NDArray[Any], who: str = "This synthesis") -> None:
    """Refuse what has no height and width: flattened rows, and channels in front.

    Raises
    ------
    ValueError
        Saying which step to put first.
    """
    shape = base.shape[1:]
    if len(shape) not in (2, 3):
        raise ValueError(
            f"{who} needs images of shape (H, W) or (H, W, C), got rows of shape {shape}. "
            "Resample before FlattenImages, or put ReshapeImages first."
        )
    if len(shape) == 3 and shape[0] <= 4 < shape[2]:
        raise ValueError(
            f"{who} needs channels last, got images of shape {shape}, which look like "
            "(C, H, W). Pass X.transpose(0, 2, 3, 1)."
        )


def check_same_unit(image: NDArray[Any], child: NDArray[Any], function: Any) -> None:
    """Refuse NaN, and floats of about 0 ... 1 for an image of integers, which would come out black.

    More is allowed than by :func:`check_unit`, as a function may darken or brighten one image.

    Raises
    ------
    ValueError
        Naming the function that returned them.
    """
    if child.dtype.kind != "f":
        return
    if not np.isfinite(child).all():
        raise ValueError(f"{function!r} returned an image with NaN or infinity.")
    if image.dtype.kind in "ui" and 0 < 20 * np.abs(child).max() < image.max():
        raise ValueError(
            f"{function!r} got an image of {image.dtype} up to {image.max()} and returned floats "
            f"up to {child.max():.3g}. Return the unit of the data (scikit-image: "
            "preserve_range=True, or img_as_ubyte); leave ToFloat, ToDtype and Normalize to a "
            "step behind the sampler."
        )


def check_unit(made: NDArray[Any], real: NDArray[Any], who: str) -> None:
    """Refuse pixels that are not in the unit of the real ones, such as 0 to 1 for 0 to 255.

    Parameters
    ----------
    made, real : ndarrays of any shape
        Pixels of images that should look alike.
    who : str
        Beginning of the message: who made them.

    Raises
    ------
    ValueError
        If `made` has NaN, is float within -1 to 1 beside larger integers, or exceeds the
        real pixels many times.

    Examples
    --------
    >>> check_unit(np.array([0.0, 0.9]), np.array([0, 230]), "The generator makes")
    Traceback (most recent call last):
        ...
    ValueError: The generator makes pixels from 0 to 0.9, the real images have 0 to 230: they must
    be in the same unit; scale them first.
    """
    if not np.isfinite(made).all():
        raise ValueError(f"{who} pixels that are NaN or infinite.")
    largest, real_largest = (float(np.abs(pixels, dtype=float).max()) for pixels in (made, real))
    too_small = made.dtype.kind == "f" and real.dtype.kind in "iu" and largest <= 1.001
    if (too_small and real_largest >= 4) or largest > 8 * real_largest > 0:
        raise ValueError(
            f"{who} pixels from {float(made.min()):.4g} to {float(made.max()):.4g}, the real "
            f"images have {float(real.min()):.4g} to {float(real.max()):.4g}: they must be in the "
            "same unit; scale them first."
        )


def as_floats(pixels: NDArray[Any]) -> NDArray[Any]:
    """Copy pixels as floats of their unit: float32 where it holds every value, else float64.

    Examples
    --------
    >>> as_floats(np.array([True, False])), as_floats(np.array([7], dtype=np.uint16)).dtype
    (array([1., 0.], dtype=float32), dtype('float32'))
    """
    exact = pixels.dtype.itemsize <= 2 or pixels.dtype == np.float32
    return pixels.astype(np.float32 if exact else np.float64)


def as_unit(*families: NDArray[Any]) -> tuple[list[NDArray[Any]], Callable[[Any], NDArray[Any]]]:
    """Map pixels to 0 ... 1, and tell the way back.

    8 bits are divided by 255, bool is 0 and 1. Other images of one row (base and partners
    are a family) are left as they are if they lie in 0 ... 1, otherwise divided by their
    largest value, after negative ones have been shifted to 0.

    Parameters
    ----------
    *families : ndarrays of shape (m, ...)
        Of one dtype; row k of each belongs to family k.

    Returns
    -------
    unit : list of ndarrays
        float32; float64 for dtypes of more than 4 bytes.
    back : callable
        ``back(values)``, shape (m, ...), clips to 0 ... 1 and maps to the unit of the
        data; changes `values` in place.

    Examples
    --------
    >>> (unit,), back = as_unit(np.array([[[0, 51]], [[255, 102]]], dtype=np.uint8))
    >>> unit.round(2).tolist() == [[[0.0, np.float32(0.2)]], [[1.0, np.float32(0.4)]]]
    True
    >>> back(unit).tolist()
    [[[0.0, 51.0]], [[255.0, 102.0]]]
    """
    dtype = families[0].dtype
    float_type = np.float64 if dtype.itemsize > 4 else np.float32
    m = len(families[0])
    low, span = np.zeros(m), np.full(m, 255.0 if dtype.itemsize == 1 else 1.0)
    if dtype.kind == "b":
        span[:] = 1
    elif dtype != np.uint8:
        flat = [family.reshape(m, -1) for family in families if family.size]
        bottom = np.min([family.min(axis=1) for family in flat], axis=0).astype(np.float64)
        top = np.max([family.max(axis=1) for family in flat], axis=0).astype(np.float64)
        low = np.minimum(bottom, 0)
        span = np.where((bottom >= 0) & (top <= 1), 1.0, top - low)
        span[span == 0] = 1

    def by_row(values: NDArray[np.float64], ndim: int) -> NDArray[Any]:
        return values.astype(float_type).reshape(-1, *(1,) * (ndim - 1))

    unit: list[NDArray[Any]] = []
    for family in families:
        values: NDArray[Any] = family.astype(float_type)
        if low.any():
            values -= by_row(low, family.ndim)
        values /= by_row(span, family.ndim)
        unit.append(values)

    def back(values: NDArray[Any]) -> NDArray[Any]:
        np.clip(values, 0, 1, out=values)
        values *= by_row(span, values.ndim)
        if low.any():
            values += by_row(low, values.ndim)
        return values

    return unit, back
