"""Pixels: every rule on dtype, layout, unit, rounding and clipping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling


def mix(
    base: NDArray[Any],
    partner: NDArray[Any],
    weights: NDArray[Any],
    out: NDArray[Any],
    *,
    as_bytes: NDArray[np.bool_] | None = None,
    scratch: NDArray[np.uint8] | None = None,
) -> None:
    """Write ``base + weight * (partner - base)`` into `out`, (n, d), in the dtype of `out`.

    Pixels of 8 bits are mixed in float32 (the error, below 1e-4 grey levels, can only
    matter where the exact value lies within that distance of a half), wider integers in
    float64. Floats are subtracted in their own dtype and multiplied in float64: bit for bit what
    imbalanced-learn does. What a row becomes depends on nothing but its own parents and weight.
    `as_bytes` is the result of :func:`fits_bytes` for these weights, if that is known already.
    `scratch` is memory to work in, :data:`ROOM` bytes for every pixel.
    """
    fits = fits_bytes(weights, out.dtype) if as_bytes is None else as_bytes
    if fits.any():
        if fits.all():
            _mix_bytes(base, partner, weights, out, scratch)
            return
        for rows in (np.flatnonzero(fits), np.flatnonzero(~fits)):
            some = np.empty((len(rows), *out.shape[1:]), dtype=out.dtype)
            mix(base[rows], partner[rows], weights[rows], some, as_bytes=fits[rows])
            out[rows] = some
        return
    total: NDArray[Any]
    if out.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):  # `store` raises for infinity
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
    if out.dtype.itemsize == 8:  # beyond 2**53 float64 rounds integers
        rows = np.flatnonzero((weights >= 0).all(axis=1) & (weights <= 1).all(axis=1))
        between, a, b = out[rows], base[rows], partner[rows]
        out[rows] = np.clip(between, np.minimum(a, b), np.maximum(a, b))


def fits_bytes(weights: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[np.bool_]:
    """Return for every row whether `_mix_bytes` may draw it.

    `mix` rounds halves to even pixels and `_mix_bytes` to even changes. A step times a difference
    of bytes can be a half only if the step is a multiple of 1/256; what counts is the float32 that
    both work with. Where a value lies within 1e-4 of a half the two may differ too, so this must
    not depend on what is drawn beside a row.
    """
    if dtype.itemsize > 1 or dtype.kind == "b":
        return np.zeros(len(weights), dtype=np.bool_)
    steps = weights.astype(np.float32)
    fits = (steps > 0) & (steps < 1) & (np.mod(steps * 256, 1) != 0)
    return np.asarray(fits.all(axis=1))


ROOM = 8
"""Bytes for every pixel in which :func:`mix` works on 8-bit images."""
WHOLE = np.float32(3 << 22)
"""Float32 holds whole numbers only between 2**23 and 2**24: adding this rounds half to even."""


def _mix_bytes(
    base: NDArray[Any],
    partner: NDArray[Any],
    step: NDArray[np.float64],
    out: NDArray[Any],
    scratch: NDArray[np.uint8] | None,
) -> None:
    """Write ``base + rint(step * (partner - base))``: `mix` for SMOTE on 8 bits, in fewer passes.

    Differences of bytes fit 16 bits, so only the product is computed on floats. The lowest byte of
    a rounded product is the change modulo 256, and added to the base it wraps around to the pixel.
    """
    size, shape = out.size, out.shape
    if scratch is None:
        scratch = np.empty(ROOM * size, dtype=np.uint8)
    product = scratch[: 4 * size].view(np.float32).reshape(shape)
    difference = scratch[4 * size : 6 * size].view(np.int16).reshape(shape)
    level = scratch[6 * size : 8 * size].view(np.int16).reshape(shape)
    change = scratch[6 * size : 7 * size].view(out.dtype).reshape(shape)  # when `level` is done
    np.copyto(difference, partner)
    np.copyto(level, base)
    np.subtract(difference, level, out=difference)
    np.copyto(product, difference)
    # Where a buffer of NumPy has room for a row, it repeats the step of each row in it first.
    usual = np.setbufsize(512)
    try:
        np.multiply(product, step.astype(np.float32), out=product)
    finally:
        np.setbufsize(usual)
    np.add(product, WHOLE, out=product)
    np.copyto(change, product.view(np.int32), casting="unsafe")
    np.add(base, change, out=out)


def store(values: NDArray[Any], out: NDArray[Any], *, clip: bool = True) -> None:
    """Round `values` to nearest (half to even), clip them and write them into `out`.

    `values` is overwritten. Bool images are True from 0.5 on.
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
            # float(2^63 - 1) is 2^63, one too many: use the largest float below it.
            top = info.max if out.dtype.itemsize < 8 else np.nextafter(float(info.max), 0)
            np.clip(values, info.min, top, out=values)
    with np.errstate(over="ignore"):
        np.copyto(out, values, casting="unsafe")
    if out.dtype.kind == "f":
        check_drawn(out)


def check_drawn(pixels: NDArray[Any]) -> None:
    """Raise for infinity and NaN in mixed images, whose parents were checked before."""
    if not np.isfinite(pixels).all():
        raise ValueError(
            "Mixed pixels are infinite or NaN: differences between the images are too large for "
            f"{pixels.dtype}, or the images hold such values. Scale them first, e.g. by dividing "
            "by abs(X).max()."
        )


def stored(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return drawn pixels in the dtype of the data: rounded and clipped, or as they are.

    Examples
    --------
    >>> stored(np.array([-3.0, 0.5, 1.5, 300.0]), np.dtype("uint8")).tolist()
    [0, 0, 2, 255]
    """
    if values.dtype in (dtype, np.bool_):
        return values.astype(dtype, copy=False)
    out = np.empty(values.shape, dtype=dtype)
    floats = np.result_type(values, np.float32)
    if dtype.kind in "ui" and values.dtype == floats:
        store(np.rint(values), out)  # np.rint makes the copy that `store` overwrites
    else:
        store(values.astype(floats), out)
    return out


RETRIES = 3  # further images drawn before a function is said to return another unit


def find_channels(shape: tuple[int, ...]) -> tuple[int, bool]:
    """Return the axis of 3-D images that holds the channels, and whether that is certain.

    The last one is, where it is at most 4 long, the shortest, or beside two equal sides;
    otherwise it is probably the shortest.

    Examples
    --------
    >>> find_channels((64, 48, 3)), find_channels((4, 4, 7)), find_channels((64, 48, 12))
    ((2, True), (2, True), (2, True))
    >>> find_channels((3, 64, 48)), find_channels((12, 32, 32)), find_channels((1, 100, 8))
    ((0, False), (0, False), (0, False))
    """
    height, width, last = shape
    is_square = 1 < height == width != last
    if last <= 4 or is_square or last < min(height, width):
        return 2, True
    return int(np.argmin(shape)), False


def channels_last(
    images: NDArray[Any],
    channel_axis: int | None = None,
    who: str = "This synthesis",
    *,
    leading: int = 1,
    how: str = "channel_axis={}",
) -> NDArray[Any]:
    """Return images as (..., H, W) or (..., H, W, C); raise for any other shape.

    Parameters
    ----------
    images : ndarray of shape (n, H, W), (n, H, W, C), (n, C, H, W) ...
        Images, with any number of leading axes.
    channel_axis : int, default=None
        Axis of one image that holds the channels, 0 for (C, H, W), -1 for (H, W, C). By default
        the last one, where the shape leaves no doubt.
    who : str
        Beginning of the message: what needs such images.
    leading : int
        Number of axes in front of those of one image.
    how : str
        How the caller passes an axis, with {} in its place, for the message.

    Returns
    -------
    images : ndarray
        The array itself, or, if an axis is moved, a copy in C order, so that results do not
        depend on where the channels were.

    Raises
    ------
    ValueError
        For flattened rows, saying which step to put first; for shapes whose channels are in doubt.
    """
    shape = images.shape[leading:]
    if len(shape) not in (2, 3):
        raise ValueError(
            f"{who} needs images of shape (H, W) or (H, W, C), got rows of shape {shape}. "
            "Resample before FlattenImages, or put ReshapeImages first."
        )
    if channel_axis is None:
        if len(shape) == 2:
            return images
        axis, is_certain = find_channels(shape)
        if not is_certain:
            which = "which look like (C, H, W)" if axis == 0 else "any axis of which may hold them"
            raise ValueError(
                f"{who} needs channels last, got images of shape {shape}, {which}. For (C, H, W) "
                f"pass {how.format(0)}, for (H, W, C) {how.format(-1)}. Move the axes of anything "
                "else (numpy.moveaxis), and take volumes slice by slice."
            )
        return images
    axis = _axis(channel_axis, shape)
    if axis == 2:
        return images
    return np.ascontiguousarray(np.moveaxis(images, leading + axis, -1))


def channels_back(images: NDArray[Any], channel_axis: int | None) -> NDArray[Any]:
    """Return images (n, H, W[, C]) with the channels moved back: undo :func:`channels_last`."""
    if channel_axis is None or images.ndim != 4:
        return images
    axis = _axis(channel_axis, images.shape[1:])
    return images if axis == 2 else np.ascontiguousarray(np.moveaxis(images, -1, 1 + axis))


def _axis(channel_axis: Any, shape: tuple[int, ...]) -> int:
    """Return `channel_axis` as a number from 0 to 2, or raise if images have no such axis."""
    is_axis = isinstance(channel_axis, (int, np.integer)) and not isinstance(channel_axis, bool)
    if not is_axis or not -3 <= channel_axis < 3:
        raise ValueError(
            "`channel_axis` must be None or an axis of one image, 0 for (C, H, W), -1 for "
            f"(H, W, C), got {channel_axis!r}."
        )
    if len(shape) != 3:
        raise ValueError(
            f"`channel_axis` must be None for images of shape {shape}, which have no channels, got "
            f"{channel_axis!r}."
        )
    return int(channel_axis) % 3


def on_planes(method: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a method of a synthesis: it gets images (H, W[, C]) whatever `channel_axis` is."""

    @wraps(method)
    def in_any_layout(self: Any, base: NDArray[Any], partners: Any, weights: Any, rngs: Any) -> Any:
        axis, who = self.channel_axis, type(self).__name__
        if isinstance(partners, np.ndarray) and partners.ndim == base.ndim + 1:
            partners = channels_last(partners, axis, who, leading=2)
        planes = channels_last(base, axis, who)
        made = method(self, planes, partners, weights, rngs)
        return channels_back(made, axis) if isinstance(made, np.ndarray) else made

    return in_any_layout


def check_same_unit(
    images: Sequence[NDArray[Any]],
    child: NDArray[Any],
    function: Any,
    again: Callable[[np.random.Generator], Any],
) -> None:
    """Raise for NaN, and for an image in another unit than the ones a function got.

    This is more lenient than :func:`check_unit`: by chance, a function may darken one image so far
    that it looks like 0 ... 1 beside 0 ... 255. Such a synthetic image is drawn a few times again,
    and only if all of them look like that, the unit is wrong.

    Parameters
    ----------
    images : sequence of ndarrays
        What the function got, in the dtype of the data.
    child : ndarray
        What it returned.
    function : callable
        The function, for the message.
    again : callable
        ``again(rng)`` draws another image from the same images.

    Raises
    ------
    ValueError
        Naming the function.
    """
    if child.dtype.kind == "f" and not np.isfinite(child).all():
        raise ValueError(f"{function!r} returned an image with NaN or infinity.")
    rngs = map(np.random.default_rng, range(RETRIES))
    if _in_another_unit(images, child) and all(
        _in_another_unit(images, np.asarray(again(rng))) for rng in rngs
    ):
        hint = (
            " (scikit-image: preserve_range=True, or img_as_ubyte); leave ToFloat, ToDtype and "
            "Normalize to a step behind the sampler"
        )
        raise ValueError(
            f"{function!r} got an image of {images[0].dtype} up to {_top(images):.5g} and "
            f"returned {_name(child.dtype)} up to {float(child.max()):.3g}. Return the unit of the "
            f"data{hint if images[0].dtype.kind in 'ui' else ''}."
        )


def _in_another_unit(images: Sequence[NDArray[Any]], child: NDArray[Any]) -> bool:
    """Return whether one drawn image seems to be in another unit than its parents."""
    kind, lowest_top = images[0].dtype.kind, min(image.max() for image in images)
    if kind == "f":
        in_unit = all(image.min() >= 0 for image in images) and lowest_top > 0
        return bool(in_unit and _top(images) <= 1 and child.max() > 8)
    if kind == "b" or child.dtype.kind not in "bf":
        return False
    if child.dtype.kind == "b":
        return bool(lowest_top > 1)
    # ToFloat gives 0 to 1, Normalize about -3 to 3.
    largest = 1.001 if child.min() >= 0 else 4
    return bool(lowest_top >= 20 and 0 < np.abs(child).max() <= largest)


def _top(images: Sequence[NDArray[Any]]) -> float:
    """Return the largest value in some images."""
    return max(float(image.max()) for image in images)


def _name(dtype: np.dtype[Any]) -> str:
    """Return what a message calls a dtype."""
    return {"b": "bool", "f": "floats"}.get(dtype.kind, str(dtype))


def check_unit(made: NDArray[Any], real: NDArray[Any], who: str) -> None:
    """Raise for pixels in another unit than the real ones, such as 0 to 1 for 0 to 255.

    Values are compared, whatever the dtypes.

    Parameters
    ----------
    made, real : ndarrays of any shape
        Pixels of images that should look alike.
    who : str
        Beginning of the message: what made them.

    Raises
    ------
    ValueError
        If `made` has NaN, lies within -1 to 1 although real pixels are larger, is many times
        smaller or larger than the real ones, or is largely negative although these are not.

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
    (largest, mean), (real_largest, real_mean) = _sizes(made), _sizes(real)
    unsigned = real.min() >= 0
    # The mean as well, because a single hot pixel says nothing about the unit.
    too_small = real_largest > 100 * largest and real_mean > 20 * mean
    stands_out = (real_mean > 4 * mean and unsigned) if real.dtype.kind == "f" else True
    in_unit = largest <= 1.001 and real_largest >= 4 and stands_out
    # Density models also go below 0, but less far and in fewer pixels than tanh.
    too_low = (
        unsigned
        and made.min() <= -0.5 * real_largest < 0
        and (made < -0.1 * real_largest).mean() > 0.3
    )
    if too_small or in_unit or too_low or largest > 8 * real_largest > 0:
        hint = " A density model may need a smaller bandwidth, or PCA before it." * bool(too_low)
        raise ValueError(
            f"{who} pixels from {float(made.min()):.4g} to {float(made.max()):.4g}, the real "
            f"images have {float(real.min()):.4g} to {float(real.max()):.4g}: they must be in the "
            f"same unit; scale them first.{hint}"
        )


def _sizes(pixels: NDArray[Any]) -> tuple[float, float]:
    """Return the largest and the mean absolute value."""
    sizes = np.abs(pixels, dtype=float)
    return float(sizes.max()), float(sizes.mean())


def as_floats(pixels: NDArray[Any]) -> NDArray[Any]:
    """Copy pixels as floats in their unit: float32 if it holds every value, else float64.

    Examples
    --------
    >>> as_floats(np.array([True, False])), as_floats(np.array([7], dtype=np.uint16)).dtype
    (array([1., 0.], dtype=float32), dtype('float32'))
    """
    exact = pixels.dtype.itemsize <= 2 or pixels.dtype == np.float32
    return pixels.astype(np.float32 if exact else np.float64)


def as_unit(*families: NDArray[Any]) -> tuple[list[NDArray[Any]], Callable[[Any], NDArray[Any]]]:
    """Scale pixels to 0 ... 1; return them and a function that scales back.

    uint8 is divided by 255, bool becomes 0 and 1. Of other dtypes, row k of all arrays (a base
    and its partners) is scaled together: left as it is if it lies in 0 ... 1, otherwise shifted
    so that negative values begin at 0, and divided by the largest value.

    Parameters
    ----------
    *families : ndarrays of shape (m, ...)
        Images of one dtype; row k of each belongs together.

    Returns
    -------
    unit : list of ndarrays
        float32; float64 for dtypes of more than 4 bytes.
    back : callable
        ``back(values)`` clips values of shape (m, ...) to 0 ... 1 and scales them to the unit
        of the data, in place.

    Examples
    --------
    >>> (unit,), back = as_unit(np.array([[[0, 51]], [[255, 102]]], dtype=np.uint8))
    >>> unit.round(2).tolist() == [[[0.0, np.float32(0.2)]], [[1.0, np.float32(0.4)]]]
    True
    >>> back(unit).tolist()
    [[[0.0, 51.0]], [[255.0, 102.0]]]
    """
    unit = Unit.of(*families)
    return [unit.scaled(family) for family in families], unit.back


@dataclass(frozen=True)
class Unit:
    """How the pixels of a block of images are scaled to 0 ... 1, and back; see :func:`as_unit`."""

    dtype: Any
    low: NDArray[np.float64]  # (m,)
    span: NDArray[np.float64]

    @classmethod
    def of(cls, *families: NDArray[Any]) -> Unit:
        """Return the scale of images; row k of each array belongs together."""
        dtype, m = families[0].dtype, len(families[0])
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
        return cls(np.float64 if dtype.itemsize > 4 else np.float32, low, span)

    def scaled(self, family: NDArray[Any], rows: slice = slice(None)) -> NDArray[Any]:
        """Return some of the images in 0 ... 1."""
        values: NDArray[Any] = family[rows].astype(self.dtype)
        low, span = self._by_row(rows, values.ndim)
        if self.low.any():
            values -= low
        values /= span
        return values

    def back(self, values: NDArray[Any], rows: slice = slice(None)) -> NDArray[Any]:
        """Clip values to 0 ... 1 and scale them to the unit of the data, in place."""
        low, span = self._by_row(rows, values.ndim)
        np.clip(values, 0, 1, out=values)
        values *= span
        if self.low.any():
            values += low
        return values

    def _by_row(self, rows: slice, ndim: int) -> tuple[NDArray[Any], NDArray[Any]]:
        shape = (-1, *(1,) * (ndim - 1))
        low, span = (each[rows].astype(self.dtype).reshape(shape) for each in (self.low, self.span))
        return low, span


def resized(images: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Resize images (n, H, W) or (n, H, W, C) as files are resized, channel by channel.

    Returns
    -------
    images : ndarray of shape (n, height, width) or (n, height, width, C)
        In the dtype of `images`, but float32 for float64 and for integers that do not fit int32.

    Examples
    --------
    >>> resized(np.arange(16, dtype=np.uint8).reshape(1, 4, 4), (1, 2)).tolist()
    [[[7, 8]]]
    """
    dtype = images.dtype
    if dtype == np.bool_:
        return np.asarray(resized(images * np.uint8(255), size) >= 128)
    is_short = dtype.kind in "iu" and np.can_cast(dtype, np.int32)
    working = np.uint8 if dtype == np.uint8 else np.int32 if is_short else np.float32
    planes = images if images.ndim == 4 else images[..., np.newaxis]
    out = np.empty((len(images), *size, planes.shape[3]), dtype if is_short else np.float32)
    for row, channel in np.ndindex(len(images), planes.shape[3]):
        plane = Image.fromarray(np.ascontiguousarray(planes[row, :, :, channel], dtype=working))
        out[row, :, :, channel] = plane.resize(size[::-1], Resampling.BILINEAR)
    return out.reshape(len(images), *size, *images.shape[3:])
