"""Warping: images drawn along a flow, or along an affine map.

Every pixel of a drawn image is interpolated between the pixels of another. NumPy has no function
for this, so the pixels around each place are gathered and mixed by calls that work on many images
at once:

1. Channels are packed side by side in ones, twos and fours, so that gathering one place is one
   copy of 4 to 32 bytes, for which NumPy has special loops.
2. Along a flow (:func:`warp`), bicubic interpolation is bilinear interpolation minus a correction
   by second differences of the image: 16 gathers.
3. Along an affine map (:func:`warp_affine`), it is two interpolations of 4 gathers each: along
   every row of the image, where the columns of the drawn image cross it, then along these columns.
   The weights are looked up in tables.

Each NumPy call does much work, because threads run in parallel only within such calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from threading import local
from typing import Any

import numpy as np
from numpy.typing import NDArray

STRIP = 1 << 16  # pixels that are interpolated at a time
KEPT = 1 << 21  # maximum size in bytes of a scratch array that is kept for the next call
BITS = 11  # precision of places between two pixels: tables have weights for 2048 of them
SLANT = 0.3  # columns per row: the maximum slant of an affine map that is drawn in two passes

Floats = NDArray[np.floating[Any]]
Column = NDArray[np.float64]


class _Scratch(local):
    """Temporary arrays of a thread, which are reused by later calls.

    New memory costs more than the arithmetic on it, because the system clears every page.
    """

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int, Any], NDArray[Any]] = {}

    def array(self, name: str, shape: Sequence[int], dtype: Any) -> NDArray[Any]:
        """Return an array that is valid until the next call with this name.

        Arrays of another last axis have memory of their own, so that the unused fourth value
        beside three channels stays finite.
        """
        key, size = (name, shape[-1], dtype), prod(shape)
        memory = self.kept.get(key)
        if memory is None or memory.size < size:
            memory = np.zeros(size, dtype)
            if memory.nbytes <= KEPT:
                self.kept[key] = memory
        return memory[:size].reshape(shape)


_scratch = _Scratch()


def warp(images: Floats, flow: NDArray[np.float32], order: int = 3) -> Floats:
    """Return images with every pixel taken from where the flow points.

    Parameters
    ----------
    images : ndarray of shape (m, H, W) or (m, H, W, C), float
        The images; all channels follow one flow.
    flow : ndarray of shape (m, 2, H, W), dtype float32
        Displacement in pixels, rows first.
    order : {1, 3}, default=3
        Interpolation: bilinear, or Keys' cubic convolution (a = -1/2, the Catmull-Rom
        spline), which keeps edges sharp and may overshoot the range of `images` a little.

    Returns
    -------
    warped : ndarray of the shape and dtype of `images`
        Pixel ``p`` is the value of the image at ``p + flow[:, p]``; beyond the border lies
        the border's value.

    Raises
    ------
    ValueError
        If `order` is neither 1 nor 3, or the shapes do not belong together.

    Notes
    -----
    Cubic convolution is bilinear interpolation of the image, less ``t (1 - t) / 2`` times
    that of its second difference along each axis.

    References
    ----------
    .. [1] R. Keys, "Cubic convolution interpolation for digital image processing", IEEE
       Transactions on Acoustics, Speech, and Signal Processing, 29(6), 1153-1160, 1981.

    Examples
    --------
    >>> ramp = np.arange(5.0).reshape(1, 1, 5)
    >>> flow = np.zeros((1, 2, 1, 5), dtype=np.float32)
    >>> flow[:, 1] = 0.5
    >>> warp(ramp, flow, order=1).ravel().tolist()
    [0.5, 1.5, 2.5, 3.5, 4.0]
    """
    m, h, w = images.shape[:3]
    if order not in (1, 3):
        raise ValueError(f"`order` must be 1 (bilinear) or 3 (bicubic), got {order!r}.")
    if flow.shape != (m, 2, h, w):
        raise ValueError(f"`flow` must have shape {(m, 2, h, w)}, got {flow.shape}.")
    out = np.empty_like(images, order="C")
    planes, drawn = (array if array.ndim == 4 else array[..., None] for array in (images, out))
    most = STRIP // (2 if order == 3 else 1)  # bicubic needs twice the scratch memory
    rows = max(1, most // max(1, w))
    strips = [slice(top, min(top + rows, h)) for top in range(0, h, rows)]
    for part in _blocks(m, h * w, most):
        points = [_points_of_rows(flow[part, :, strip], strip.start, h) for strip in strips]
        # With four gathers per channel, packing costs more than it saves: `y` and `x` of every
        # point have to be repeated for the channels.
        for group in _groups(planes.shape[3], 4 if order == 3 else 1):
            packed = _packed(planes[part, ..., group])
            bends = _second_differences(packed) if order == 3 else ()
            for strip, at in zip(strips, points, strict=True):
                values = at.repeated(packed.shape[3]).interpolate(packed, *bends)
                _copy(values, drawn[part, strip, :, group])
    return out


def _blocks(m: int, pixels: int, most: int) -> Iterator[slice]:
    """Yield slices of `m` images, each of at most `most` pixels or one image."""
    height = max(1, most // max(1, pixels))
    for start in range(0, m, height):
        yield slice(start, min(start + height, m))


def _groups(channels: int, most: int) -> Iterator[slice]:
    """Yield slices of channels that are packed together."""
    for first in range(0, channels, most):
        yield slice(first, min(first + most, channels))


def _width(channels: int) -> int:
    """Return the packed width of so many channels: NumPy gathers powers of two fastest."""
    return 4 if channels == 3 else channels


def _packed(planes: Floats) -> Floats:
    """Return a packed copy of images (m, h, w, c) with at most four channels."""
    packed = _scratch.array("packed", (*planes.shape[:3], _width(planes.shape[3])), planes.dtype)
    _copy(planes, packed)
    return packed


def _copy(planes: Floats, to: Floats) -> None:
    """Copy the channels that both have, one by one, which gives NumPy long inner loops."""
    for channel in range(min(planes.shape[-1], to.shape[-1])):
        to[..., channel] = planes[..., channel]


@dataclass(slots=True)
class Points:
    """Points between the pixels of images: the pixel above and left, and the distance from it."""

    corner: NDArray[np.intp]  # position in the flattened images
    y: Floats  # 0..1
    x: Floats
    down: int  # steps to the pixels below and to the right
    right: int

    @classmethod
    def at(
        cls,
        y: Floats,
        x: Floats,
        first: NDArray[np.intp],
        size: tuple[int, int],
        steps: tuple[int, int],
    ) -> Points:
        """Return points at `y` and `x`, which are overwritten, of images that begin at `first`.

        `size` is (height, width), `steps` are the distances in memory of rows and columns.
        """
        corner, column = split(y, size[0]), split(x, size[1])
        corner *= steps[0]
        column *= steps[1]
        corner += column
        corner += first
        return cls(corner, y, x, *(step * (n > 1) for step, n in zip(steps, size, strict=True)))

    def repeated(self, width: int) -> Points:
        """Return the same points for images of so many packed channels."""
        if width == 1:
            return Points(self.corner, self.y[..., None], self.x[..., None], self.down, self.right)
        shape = (*self.y.shape, width)
        y, x = (_scratch.array(name, shape, self.y.dtype) for name in ("y", "x"))
        for channel in range(width):
            y[..., channel] = self.y
            x[..., channel] = self.x
        return Points(self.corner, y, x, self.down, self.right)

    def interpolate(self, plane: Floats, *bends: Floats) -> Floats:
        """Return the value at each point of images: bicubic if `bends` are passed, else bilinear.

        `bends` are the second differences of `plane` along y, along x and along both.
        """
        value = self._linear(plane, "value")
        if bends:
            along_y, along_x, both = map(self._linear, bends, ("along y", "along x", "both"))
            bend = _bend(self.y)
            along_y *= bend
            value -= along_y
            both *= bend
            along_x -= both
            along_x *= _bend(self.x)
            value -= along_x
        return value

    def _linear(self, plane: Floats, name: str) -> Floats:
        """Return bilinear values, in scratch memory of this name."""
        flat = plane.reshape(-1, *self.y.shape[self.corner.ndim :])
        steps = {name: 0, "right": self.right, "below": self.down, "across": self.down + self.right}
        value, right, below, across = (
            # mode="wrap" saves the buffer of mode="raise"; all points lie inside.
            flat[step:].take(
                self.corner,
                axis=0,
                out=_scratch.array(into, self.y.shape, plane.dtype),
                mode="wrap",
            )
            for into, step in steps.items()
        )
        for left, other in ((value, right), (below, across)):
            other -= left
            other *= self.x
            left += other
        below -= value
        below *= self.y
        value += below
        return value


def _bend(t: Floats) -> Floats:
    """Return the factor of a second difference, ``t (1 - t) / 2``."""
    bend: Floats = np.subtract(1, t, out=_scratch.array("bend", t.shape, t.dtype))
    bend *= t
    bend *= 0.5
    return bend


def _points_of_rows(flow: NDArray[np.float32], top: int, h: int) -> Points:
    """Return the points in images (m, h, w) to which the flow of rows from `top` on leads."""
    m, _, rows, w = flow.shape
    y = flow[:, 0] + np.arange(top, top + rows, dtype=np.float32)[:, None]
    x = flow[:, 1] + np.arange(w, dtype=np.float32)
    first = np.arange(m)[:, None, None] * (h * w)
    return Points.at(y, x, first, (h, w), (w, 1))


def split(at: Floats, n: int) -> NDArray[np.intp]:
    """Clip coordinates to 0..n-1 and return their whole pixels, at most n-2.

    `at` is changed to the rest, 0..1.
    """
    np.clip(at, 0, n - 1, out=at)
    whole = np.floor(at)
    np.clip(whole, 0, max(n - 2, 0), out=whole)
    at -= whole
    return whole.astype(np.intp)


def _second_differences(planes: Floats) -> tuple[Floats, Floats, Floats]:
    """Return second differences of images (m, h, w, c): along y, along x, along both."""
    along_y, along_x = (_second_difference(planes, axis) for axis in (1, 2))
    return along_y, along_x, _second_difference(along_y, 2, "both")


def _second_difference(planes: Floats, axis: int, name: str = "") -> Floats:
    """Return the second difference along an axis, with the border repeated beyond it."""
    bent = _scratch.array(f"bends {axis} {name}", planes.shape, planes.dtype)
    n = planes.shape[axis]
    if n == 1:
        bent[...] = 0
        return bent
    out = bent.swapaxes(0, axis)
    before = (slice(None),) * axis
    shape = (*planes.shape[:axis], n - 1, *planes.shape[axis + 1 :])
    step = _scratch.array("step", shape, planes.dtype)
    np.subtract(planes[(*before, slice(1, None))], planes[(*before, slice(-1))], out=step)
    steps = step.swapaxes(0, axis)
    out[0] = steps[0]
    np.subtract(0, steps[-1], out=out[-1])  # np.negative of NumPy 2.4 is wrong for such strides
    np.subtract(steps[1:], steps[:-1], out=out[1:-1])
    return bent


FILL_MODES = ("constant", "nearest", "reflect", "wrap")
_BORDER = 2  # pixels beyond the image that bicubic interpolation needs


def follow(
    images: NDArray[Any],
    flow: NDArray[np.float32],
    order: int = 3,
    fill_mode: str = "nearest",
    fill: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Return images drawn along a flow, with pixels beyond the border by `fill_mode`.

    Parameters
    ----------
    images : ndarray of shape (m, H, W) or (m, H, W, C), float
        Images in 0 to 1.
    flow : ndarray of shape (m, 2, H, W), float32
        Displacement in pixels, rows first.
    order : {1, 3}, default=3
        Bilinear or bicubic.
    fill_mode : {"nearest", "constant", "reflect", "wrap"}, default="nearest"
        The names of Keras; in SciPy "nearest", "grid-constant", "reflect" and "grid-wrap".
    fill : ndarray of shape (m, 1), default=None
        The constant of each image, for "constant".

    Returns
    -------
    drawn : ndarray of the shape and dtype of `images`
    """
    if fill_mode == "nearest":
        return warp(images, flow, order)
    padded, folded, inner = within_border(images, flow, fill_mode, fill)
    return np.ascontiguousarray(warp(padded, folded, order)[inner])


def within_border(
    images: Floats, flow: NDArray[np.float32], fill_mode: str, fill: NDArray[Any] | None
) -> tuple[Floats, NDArray[np.float32], tuple[slice, ...]]:
    """Return images with a border, a flow that stays within it, and the slices of the images."""
    height, width = images.shape[1:3]
    inner = np.s_[:, _BORDER : height + _BORDER, _BORDER : width + _BORDER]
    folded = np.zeros((len(flow), 2, height + 2 * _BORDER, width + 2 * _BORDER), np.float32)
    for axis, side in enumerate((height, width)):
        grid = np.arange(side, dtype=np.float32).reshape((-1, 1) if axis == 0 else (1, -1))
        folded[:, axis][inner] = fold(flow[:, axis] + grid, side, fill_mode) - grid
    around = ((0, 0), *((_BORDER, _BORDER),) * 2, *((0, 0),) * (images.ndim - 3))
    padded: Floats
    if fill_mode == "constant":
        assert fill is not None
        shape = [n + sum(more) for n, more in zip(images.shape, around, strict=True)]
        padded = np.empty(shape, images.dtype)
        padded[...] = fill.reshape(-1, *(1,) * (images.ndim - 1))
        padded[inner] = images
    else:
        padded = np.pad(images, around, "symmetric" if fill_mode == "reflect" else "wrap")
    return padded, folded, inner


def fold(at: NDArray[Any], side: int, fill_mode: str) -> NDArray[Any]:
    """Return coordinates within the image, or its border, that show what lies at `at`."""
    if fill_mode == "constant":
        return np.clip(at, -_BORDER, side - 1 + _BORDER)
    if fill_mode == "wrap":
        return np.mod(at, side)
    back_and_forth = np.mod(at + 0.5, 2 * side)
    return np.minimum(back_and_forth, 2 * side - back_and_forth) - 0.5


@dataclass(frozen=True, slots=True)
class Affine:
    """Affine maps of images about their centre, composed as in Keras.

    Parameters
    ----------
    rotation, shear : ndarray of shape (m,)
        Angles in degrees.
    zoom : pair of ndarrays of shape (m,)
        Scale of the coordinates down and to the right; above 1 the image shrinks.
    shift : pair of ndarrays of shape (m,)
        Shift in pixels down and to the right.
    """

    rotation: Column
    shear: Column
    zoom: tuple[Column, Column]
    shift: tuple[Column, Column]

    def __getitem__(self, rows: Any) -> Affine:
        """Return some of the maps."""
        zoom, shift = ((down[rows], right[rows]) for down, right in (self.zoom, self.shift))
        return Affine(self.rotation[rows], self.shear[rows], zoom, shift)

    def _displacements(self) -> tuple[tuple[Column, Column], tuple[Column, Column]]:
        """Return rotation @ shear @ zoom - 1: the displacement per pixel down and to the right."""
        turn, slant = np.deg2rad(self.rotation), np.deg2rad(self.shear)
        cos, sin = np.cos(turn), np.sin(turn)
        down, right = self.zoom
        return (
            (cos * down - 1, (-cos * np.sin(slant) - sin * np.cos(slant)) * right),
            (sin * down, (cos * np.cos(slant) - sin * np.sin(slant)) * right - 1),
        )

    def flow(self, size: tuple[int, ...]) -> NDArray[np.float32]:
        """Return the displacement in images of this size, (m, 2, H, W): a flow of :func:`warp`."""
        height, width = size
        y = (np.arange(height) - (height - 1) / 2)[:, np.newaxis].astype(np.float32)
        x = (np.arange(width) - (width - 1) / 2).astype(np.float32)
        flow = np.empty((len(self.rotation), 2, height, width), dtype=np.float32)
        for axis, (of_y, of_x) in enumerate(self._displacements()):
            flow[:, axis] = _column(of_x) * x
            flow[:, axis] += _column(of_y) * y
            flow[:, axis] += _column(self.shift[axis])
        return flow

    def maps(self, size: tuple[int, ...]) -> NDArray[np.float64]:
        """Return matrices (m, 2, 3) for this size: pixel (y, x) shows ``maps @ (y, x, 1)``."""
        maps = np.empty((len(self.rotation), 2, 3))
        centre = (np.array(size) - 1) / 2
        for axis, (of_y, of_x) in enumerate(self._displacements()):
            maps[:, axis] = np.stack([of_y, of_x, self.shift[axis]], axis=1)
            maps[:, axis, 2] -= of_y * centre[0] + of_x * centre[1]
            maps[:, axis, axis] += 1
        return maps


def _column(values: Column) -> NDArray[np.float32]:
    """Return one number for each image, (m, 1, 1)."""
    return values.astype(np.float32).reshape(-1, 1, 1)


def follow_affine(
    images: Floats,
    affine: Affine,
    order: int = 3,
    fill_mode: str = "nearest",
    fill: NDArray[Any] | None = None,
) -> Floats:
    """Return images drawn along affine maps; other parameters as in :func:`follow`."""
    size = images.shape[1:3]
    maps = affine.maps(size)
    gentle = is_gentle(maps, size) if order == 3 else np.zeros(len(images), dtype=np.bool_)
    if gentle.all():
        return warp_affine(images, maps, fill_mode, fill)
    drawn = np.empty_like(images, order="C")
    for rows in (np.flatnonzero(gentle), np.flatnonzero(~gentle)):
        if not len(rows):
            continue
        of_rows = fill if fill is None else fill[rows]
        if gentle[rows[0]]:
            drawn[rows] = warp_affine(images[rows], maps[rows], fill_mode, of_rows)
        else:
            flow = affine[rows].flow(size)
            drawn[rows] = follow(images[rows], flow, order, fill_mode, of_rows)
    return drawn


def normal(rng: np.random.Generator, size: tuple[int, ...]) -> NDArray[np.float32]:
    """Return standard normal random numbers of this shape."""
    return rng.standard_normal(size, dtype=np.float32)


def warp_affine(
    images: Floats,
    maps: NDArray[np.float64],
    fill_mode: str = "nearest",
    fill: NDArray[Any] | None = None,
) -> Floats:
    """Return images drawn along affine maps that :func:`is_gentle` accepts, bicubic.

    Parameters
    ----------
    images : ndarray of shape (m, H, W) or (m, H, W, C), float
        The images.
    maps : ndarray of shape (m, 2, 3), dtype float64
        Pixel ``(y, x)`` of a drawn image shows the place ``maps @ (y, x, 1)``, rows first.
    fill_mode : {"nearest", "constant", "reflect", "wrap"}, default="nearest"
        What lies beyond the border; as in :func:`follow`.
    fill : ndarray of shape (m, 1), default=None
        The constant of each image, for "constant".

    Returns
    -------
    drawn : ndarray of the shape and dtype of `images`

    Notes
    -----
    Column ``x`` of the drawn image crosses row ``u`` of the image at one place, which is linear
    in ``u`` and in ``x``. Values at these crossings are interpolated along the rows, and then,
    along the columns, those of the drawn image between them, with 8 gathers instead of 16.
    Where columns stay upright the result is that of :func:`warp`; where they slant, the 16 pixels
    used lie along the slant. Places are rounded to 1/2048 pixel.

    References
    ----------
    .. [1] E. Catmull, A. R. Smith, "3-D transformations of images in scanline order", ACM
       SIGGRAPH Computer Graphics, 14(3), 279-285, 1980.

    Examples
    --------
    >>> ramp = np.arange(6.0).reshape(1, 1, 6)
    >>> half = np.array([[[1, 0, 0], [0, 1, 0.5]]])
    >>> warp_affine(ramp, half)[0, 0, 1:4].tolist()
    [1.5, 2.5, 3.5]
    """
    m, h, w = images.shape[:3]
    out = np.empty_like(images, order="C")
    planes, drawn = (array if array.ndim == 4 else array[..., None] for array in (images, out))
    crossings = _Crossing.of(maps, (h, w), fill_mode)
    for part in _blocks(m, h * w, STRIP):
        crossing = crossings.part(part)
        margins = crossing.margins()
        for group in _groups(planes.shape[3], 4):
            constant = None if fill is None else fill[part]
            lines = crossing.extended(planes[part, ..., group], margins, constant)
            shape = (*crossing.rows.shape, w, lines.shape[-1])
            between = _scratch.array("between", shape, lines.dtype)
            for strip, at, phase in crossing.places_in_rows(margins):
                _cubic(lines, at, phase, 1, between[:, strip])
            for strip, at, phase in crossing.places_in_columns():
                values = _scratch.array("value", (*at.shape, lines.shape[-1]), lines.dtype)
                _cubic(between, at, phase, w, values)
                _copy(values, drawn[part, strip, :, group])
    return out


def is_gentle(maps: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return whether :func:`warp_affine` can draw along each of these maps, (m, 2, 3).

    It is inaccurate where columns slant much, and would need too wide a border for places far
    outside the image.
    """
    upright = (maps[:, 0, 0] > 0.25) & (np.abs(maps[:, 1, 0]) <= SLANT * maps[:, 0, 0])
    for axis, side in enumerate(size):
        low, high = _reach(maps[:, axis], size)
        upright &= (low >= -side - 8) & (high <= 2 * side + 8)
    return upright


def _reach(forms: NDArray[np.float64], size: tuple[int, int]) -> tuple[Any, Any]:
    """Return the smallest and largest value of linear forms (m, 3) over all pixels."""
    ends = forms[:, :2] * (np.array(size) - 1)
    return (
        forms[:, 2] + np.minimum(ends, 0).sum(axis=1),
        forms[:, 2] + np.maximum(ends, 0).sum(axis=1),
    )


@dataclass(slots=True)
class _Crossing:
    """Places where the columns of drawn images cross the rows of their source images.

    They are measured in 1/2048 pixel.
    """

    rows: NDArray[np.intp]  # (m, U): the rows that are crossed, also beyond the border
    along_rows: tuple[NDArray[np.intp], NDArray[np.intp]]  # (m, U), (m, W): a place is their sum
    along_columns: tuple[NDArray[np.intp], NDArray[np.intp]]  # (m, H), (m, W), from rows[:, 0]
    size: tuple[int, int]
    fill_mode: str

    @classmethod
    def of(cls, maps: NDArray[np.float64], size: tuple[int, int], fill_mode: str) -> _Crossing:
        """Return the crossings of these maps, (m, 2, 3)."""
        (a, b, c), (d, e, f) = np.moveaxis(maps, 0, 2)[..., None]
        low, high = (np.floor(end)[:, None] for end in _reach(maps[:, 0], size))
        low -= 2  # one pixel for bicubic interpolation, one for rounding; below, one more
        high += 3
        rows = np.minimum(low + np.arange((high - low).max() + 1), high)
        y, x = (np.arange(side) for side in size)

        def fixed(places: NDArray[np.float64]) -> NDArray[np.intp]:
            return np.rint(places * (1 << BITS)).astype(np.intp)

        return cls(
            rows.astype(np.intp),
            (fixed(d / a * (rows - c) + f), fixed((e - d * b / a) * x)),
            (fixed(a * y + c - low), fixed(b * x)),
            size,
            fill_mode,
        )

    def part(self, some: slice) -> _Crossing:
        """Return the crossings of some of the images."""
        rows = self.rows[some]
        rows = rows[:, : np.ptp(rows, axis=1).max() + 1]
        return _Crossing(
            rows,
            (self.along_rows[0][some, : rows.shape[1]], self.along_rows[1][some]),
            (self.along_columns[0][some], self.along_columns[1][some]),
            self.size,
            self.fill_mode,
        )

    def margins(self) -> tuple[int, int]:
        """Return how many columns are needed left and right of the image."""
        of_row, of_column = self.along_rows
        first = int(of_row.min() + of_column.min()) >> BITS
        last = int(of_row.max() + of_column.max()) >> BITS
        return max(0, 1 - first), max(0, last + 3 - self.size[1])

    def extended(
        self, planes: Floats, margins: tuple[int, int], fill: NDArray[Any] | None
    ) -> Floats:
        """Return images (m, h, w, c), packed, with margins; for "constant", one more row of it."""
        (h, w), (left, right) = self.size, margins
        m, channels = len(planes), planes.shape[3]
        is_constant = self.fill_mode == "constant"
        shape = (m, h + is_constant, left + w + right, _width(channels))
        lines = _scratch.array("lines", shape, planes.dtype)
        if is_constant:
            assert fill is not None
            lines[...] = fill.reshape(-1, 1, 1, 1)
        _copy(planes, lines[:, :h, left : left + w])
        if not is_constant:
            flat = lines.reshape(m * h, *shape[2:])
            for beside in (slice(0, left), slice(left + w, shape[2])):
                columns = np.arange(beside.start - left, beside.stop - left)
                columns = _extension(columns, w, self.fill_mode) + left
                flat[:, beside] = flat.take(columns, axis=1)
        return lines

    def places_in_rows(
        self, margins: tuple[int, int]
    ) -> Iterator[tuple[slice, NDArray[np.intp], NDArray[np.intp]]]:
        """Yield places in the result of :meth:`extended`, for some of the rows at a time."""
        (h, w), (left, right) = self.size, margins
        of_row, of_column = self.along_rows
        sources = _extension(self.rows, h, self.fill_mode)
        sources += np.arange(len(sources))[:, None] * (h + (self.fill_mode == "constant"))
        first = sources * (left + w + right) + left - 1
        yield from _strips(of_row + first * (1 << BITS), of_column)

    def places_in_columns(self) -> Iterator[tuple[slice, NDArray[np.intp], NDArray[np.intp]]]:
        """Yield places in the values interpolated along rows, for some drawn rows at a time."""
        of_row, of_column = self.along_columns
        first = np.arange(len(of_row))[:, None] * self.rows.shape[1] - 1
        for strip, at, phase in _strips(of_row + first * (1 << BITS), of_column):
            at *= self.size[1]
            at += np.arange(self.size[1])
            yield strip, at, phase


def _strips(
    of_row: NDArray[np.intp], of_column: NDArray[np.intp]
) -> Iterator[tuple[slice, NDArray[np.intp], NDArray[np.intp]]]:
    """Yield a strip of rows, and its places, rows (m, n) + columns (m, w): pixels and phases."""
    rows = max(1, STRIP // of_column.size)
    for top in range(0, of_row.shape[1], rows):
        strip = slice(top, min(top + rows, of_row.shape[1]))
        shape = (len(of_row), strip.stop - strip.start, of_column.shape[1])
        at, phase = (_scratch.array(name, shape, np.intp) for name in ("at", "phase"))
        np.add(of_row[:, strip, None], of_column[:, None], out=at)
        np.bitwise_and(at, (1 << BITS) - 1, out=phase)
        at >>= BITS
        yield strip, at, phase


def _extension(at: NDArray[np.intp], side: int, fill_mode: str) -> NDArray[np.intp]:
    """Return the pixels of a line that are shown at whole places; `side` means the constant."""
    if fill_mode == "nearest":
        return np.clip(at, 0, side - 1)
    if fill_mode == "constant":
        return np.where((at < 0) | (at >= side), side, at)
    if fill_mode == "wrap":
        return at % side
    back_and_forth = at % (2 * side)
    return np.minimum(back_and_forth, 2 * side - 1 - back_and_forth)


def _cubic(
    lines: Floats, first: NDArray[np.intp], phase: NDArray[np.intp], step: int, out: Floats
) -> None:
    """Write into `out` the mix of four packed pixels from `first` on, `step` apart."""
    flat = lines.reshape(-1, lines.shape[-1])
    tables = _weights(lines.shape[-1], lines.dtype.char)
    pixel, weight = (_scratch.array(name, out.shape, lines.dtype) for name in ("right", "across"))
    for tap, table in enumerate(tables):
        # mode="wrap" saves the buffer of mode="raise"; all places lie inside.
        flat[tap * step :].take(first, axis=0, out=pixel, mode="wrap")
        table.take(phase, axis=0, out=weight, mode="wrap")
        if tap:
            pixel *= weight
            out += pixel
        else:
            np.multiply(pixel, weight, out=out)


@lru_cache
def _weights(width: int, dtype: str) -> list[Floats]:
    """Return the weights of four pixels for every phase, repeated for the packed channels."""
    t = np.arange(1 << BITS) / (1 << BITS)
    weights = (
        ((2 - t) * t - 1) * t / 2,
        ((3 * t - 5) * t * t + 2) / 2,
        ((4 - 3 * t) * t + 1) * t / 2,
        (t - 1) * t * t / 2,
    )
    return [np.repeat(weight.astype(dtype), width).reshape(-1, width) for weight in weights]
