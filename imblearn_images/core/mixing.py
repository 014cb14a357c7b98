"""Mixing: all rules on dtype, rounding and clipping of drawn pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def mix(
    base: NDArray[Any], partner: NDArray[Any], weights: NDArray[Any], out: NDArray[Any]
) -> None:
    """Write ``base + weight * (partner - base)`` into `out`, in the dtype of `out`.

    Pixels of 8 bits are mixed in float32 (the error, below 1e-4 grey levels, can only
    matter where the exact value lies within that distance of a half), wider integers in
    float64. Floats take their difference in their own dtype and the step in float64:
    bit for bit what imbalanced-learn does.
    """
    if _fits_bytes(weights, out.dtype):
        _mix_bytes(base, partner, weights, out)
        return
    total: NDArray[Any]
    if out.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):  # found when stored
            total = (partner - base) * weights
            np.add(base, total, out=total)
        store(total, out)
        return
    dtype = np.float32 if out.dtype.itemsize == 1 else np.float64
    level = base.astype(dtype)
    total = partner.astype(dtype)
    total -= level
    total *= weights.astype(dtype)
    total += level
    outside = weights.min() < 0 or weights.max() > 1
    store(total, out, clip=outside)
    if out.dtype.itemsize == 8 and not outside:  # beyond 2**53 float64 rounds integers
        np.clip(out, np.minimum(base, partner), np.maximum(base, partner), out=out)


def _fits_bytes(weights: NDArray[Any], dtype: np.dtype[Any]) -> bool:
    """Tell whether `_mix_bytes` gives what `mix` gives.

    A step times a difference of bytes is a half only for steps in 256ths; `mix` rounds
    these to even.
    """
    return (
        dtype.itemsize == 1
        and dtype.kind != "b"
        and weights.min() >= 0
        and weights.max() <= 1
        and not (np.mod(weights * 256, 1) == 0).any()
    )


def _mix_bytes(
    base: NDArray[Any], partner: NDArray[Any], step: NDArray[np.float64], out: NDArray[Any]
) -> None:
    """Write ``base + rint(step * (partner - base))``: `mix` for SMOTE on 8 bits, in fewer passes.

    Differences of bytes fit 16 bits, so only the product is computed on floats.
    """
    level = base.astype(np.int16)
    difference = partner.astype(np.int16)
    difference -= level
    change = difference.astype(np.float32)
    change *= step.astype(np.float32)
    np.rint(change, out=change)
    np.copyto(difference, change, casting="unsafe")
    difference += level
    np.copyto(out, difference, casting="unsafe")


def store(values: NDArray[Any], out: NDArray[Any], *, clip: bool = True) -> None:
    """Round `values` to nearest (half to even), clip them and write them into `out`.

    `values` is used as scratch space. Bool images are True from one half on.
    """
    if out.dtype.kind == "b":
        np.greater_equal(values, 0.5, out=out)
        return
    if out.dtype.kind in "ui":
        np.rint(values, out=values)
        if out.dtype.itemsize == 8:  # only such values are large enough to overflow
            check_drawn(values)
        if clip or out.dtype.itemsize == 8:
            info = np.iinfo(out.dtype)
            # float(2^63 - 1) is 2^63, one too many: the largest float below it is taken.
            top = info.max if out.dtype.itemsize < 8 else np.nextafter(float(info.max), 0)
            np.clip(values, info.min, top, out=values)
    with np.errstate(over="ignore"):
        np.copyto(out, values, casting="unsafe")
    if out.dtype.kind == "f":
        check_drawn(out)


def check_drawn(pixels: NDArray[Any]) -> None:
    """Refuse infinity where images were mixed, which no image that is mixed can have had."""
    if not np.isfinite(pixels).all():
        raise ValueError(
            "Mixed pixels are infinite or NaN: differences between the images are too large for "
            f"{pixels.dtype}, or the images hold such values. Scale them first, e.g. by dividing "
            "by abs(X).max()."
        )


def stored(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Drawn pixels in the dtype of the data: rounded, clipped; unchanged if they have it.

    Examples
    --------
    >>> stored(np.array([-3.0, 0.5, 1.5, 300.0]), np.dtype("uint8")).tolist()
    [0, 0, 2, 255]
    """
    if values.dtype in (dtype, np.bool_):
        return values.astype(dtype, copy=False)
    out = np.empty(values.shape, dtype=dtype)
    store(values.astype(np.result_type(values, np.float32)), out)
    return out
