"""Flow: where the pixels of an image go, between two images or by parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 17  # pixels, of all images, between which flow is found at a time
STRIP = 1 << 15  # pixels that are interpolated at a time
SMALLEST = 7  # pixels: no side is halved below this
ROUNDS = 10, 8, 4  # on the smallest copies, those between, the images themselves
SIGMA = 1.2  # pixels: of the Gaussian that smooths the flow
PUSH = 1.5  # times the step of the demons: 1 leaves more unexplained, 2 folds more images
DAMPING = 1e-3  # squared grey levels: no push where there is neither gradient nor difference

_bell = np.exp(-(np.arange(-2, 3) ** 2) / (2 * SIGMA**2))
TAPS = (_bell / _bell.sum())[2:].astype(np.float32)  # of the middle, its neighbours, the next

Floats = NDArray[np.floating[Any]]


def optical_flow(
    reference: Floats, moving: Floats, *, max_side: int | None = None
) -> NDArray[np.float32]:
    """Find where every pixel of the reference images lies in the moving images.

    Parameters
    ----------
    reference, moving : ndarray of shape (m, H, W) or (m, H, W, C), float in 0..1
        Pairs of images. Of several channels the mean is taken.
    max_side : int, default=None
        Images with a longer side are averaged over squares until they have none, and the
        flow found there is scaled up. By default the flow is found at full size.

    Returns
    -------
    flow : ndarray of shape (m, 2, H, W), dtype float32
        Displacement in pixels, rows first, as :func:`skimage.registration.optical_flow_ilk`
        gives it: ``warp(moving, flow)`` looks like `reference`.

    Raises
    ------
    ValueError
        If the two differ in shape, or a pixel is not finite.

    References
    ----------
    .. [1] J.-P. Thirion, "Image matching as a diffusion process: an analogy with Maxwell's
       demons", Medical Image Analysis, 2(3), 243-260, 1998.

    Examples
    --------
    >>> row, column = np.mgrid[:32, :32].astype(np.float32)
    >>> def spot(y, x):
    ...     return np.exp(-((row - y) ** 2 + (column - x) ** 2) / 40)[None]
    >>> flow = optical_flow(spot(16, 16), spot(18, 13))
    >>> flow[0, :, 16, 16].round().tolist()
    [2.0, -3.0]
    """
    if reference.shape != moving.shape or reference.ndim not in (3, 4):
        raise ValueError(
            "Flow is found between two blocks of images (m, H, W) or (m, H, W, C) of one shape, "
            f"got {reference.shape} and {moving.shape}."
        )
    size = reference.shape[1:3]
    factor = 1 if max_side is None else max(1, ceil(max(size) / max_side))
    pairs = np.stack([_grey(side, factor) for side in (reference, moving)], axis=1)
    first, which = _distinct(pairs)
    found = np.empty((len(first), *pairs.shape[1:]), dtype=np.float32)
    height = max(1, BLOCK // max(1, pairs[:1, 0].size))
    for start in range(0, len(first), height):
        part = np.moveaxis(pairs[first[start : start + height]], 0, -1)
        flow = _coarse_to_fine(np.ascontiguousarray(part))
        found[start : start + height] = np.moveaxis(flow, -1, 0)
    return _enlarged(found[which], factor, size, axes=(2, 3))


def warp(images: Floats, flow: NDArray[np.float32], order: int = 3) -> Floats:
    """Draw images with every pixel taken from where the flow points.

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
    height, rows = max(1, STRIP // max(1, h * w)), max(1, STRIP // max(1, w))
    strips = [slice(top, min(top + rows, h)) for top in range(0, h, rows)]
    for start in range(0, m, height):
        part = slice(start, start + height)
        points = [_points_of_rows(flow[part, :, strip], strip.start, h) for strip in strips]
        for channel in range(planes.shape[3]):
            plane = np.ascontiguousarray(planes[part, ..., channel])
            bends = _second_differences(plane) if order == 3 else ()
            for strip, at in zip(strips, points, strict=True):
                drawn[part, strip, :, channel] = at.interpolate(plane, *bends)
    return out


@dataclass(slots=True)
class _Points:
    """Points between the pixels of images: the pixel above and left, and the way from there."""

    corner: NDArray[np.int32]  # position in the flattened images
    y: Floats  # 0..1
    x: Floats
    down: int  # steps to the pixels below and to the right
    right: int

    @classmethod
    def at(
        cls,
        y: Floats,
        x: Floats,
        first: NDArray[np.int32],
        size: tuple[int, int],
        steps: tuple[int, int],
    ) -> _Points:
        """Points at `y` and `x`, which are used up, of images whose `first` pixels lie there."""
        corner, column = _floor(y, size[0]), _floor(x, size[1])
        corner *= steps[0]
        column *= steps[1]
        corner += column
        corner += first
        return cls(corner, y, x, *(step * (n > 1) for step, n in zip(steps, size, strict=True)))

    def interpolate(self, plane: Floats, *bends: Floats) -> Floats:
        """Value at each point of flattened images: bicubic, given `bends`, else bilinear.

        `bends` are the second differences of `plane` along y, along x and along both.
        """
        value = self._linear(plane)
        if bends:
            bend_y, bend_x = (t * (1 - t) * 0.5 for t in (self.y, self.x))
            along_y, along_x, both = map(self._linear, bends)
            value -= bend_y * along_y
            value -= bend_x * (along_x - bend_y * both)
        return value

    def _linear(self, plane: Floats) -> Floats:
        flat = plane.reshape(-1)
        steps = 0, self.right, self.down, self.down + self.right
        value, right, below, across = (flat[step:].take(self.corner) for step in steps)
        for left, other in ((value, right), (below, across)):
            other -= left
            other *= self.x
            left += other
        below -= value
        below *= self.y
        value += below
        return value


def _points_of_rows(flow: NDArray[np.float32], top: int, h: int) -> _Points:
    """Where the flow (m, 2, rows, w) of the rows from `top` points in images (m, h, w)."""
    m, _, rows, w = flow.shape
    y = flow[:, 0] + np.arange(top, top + rows, dtype=np.float32)[:, None]
    x = flow[:, 1] + np.arange(w, dtype=np.float32)
    first = np.arange(m, dtype=np.int32)[:, None, None] * np.int32(h * w)
    return _Points.at(y, x, first, (h, w), (w, 1))


def _floor(at: Floats, n: int) -> NDArray[np.int32]:
    """Clip coordinates to 0..n-1 and split them: whole pixels, the last but one at most.

    `at` keeps the rest, 0..1.
    """
    np.clip(at, 0, n - 1, out=at)
    whole = np.floor(at)
    np.clip(whole, 0, max(n - 2, 0), out=whole)
    at -= whole
    return whole.astype(np.int32)


def _second_differences(planes: Floats) -> tuple[Floats, Floats, Floats]:
    """Second differences of images (m, h, w): along y, along x, along both."""
    along_y, along_x = _second_difference(planes, 1), _second_difference(planes, 2)
    return along_y, along_x, _second_difference(along_y, 2)


def _second_difference(planes: Floats, axis: int) -> Floats:
    padded = _padded(planes.swapaxes(0, axis), 1)
    return np.ascontiguousarray(np.diff(padded, n=2, axis=0).swapaxes(0, axis))


def _padded(lines: Floats, width: int) -> Floats:
    """Lines with the first and the last repeated `width` times."""
    return np.concatenate([lines[:1]] * width + [lines] + [lines[-1:]] * width)


def _grey(images: Floats, factor: int) -> NDArray[np.float32]:
    """Mean over channels and over squares of `factor` pixels a side, shape (m, h, w)."""
    grey = images if images.ndim == 3 else _mean([images[..., c] for c in range(images.shape[3])])
    small = _shrunk(grey, factor, axes=(1, 2)).astype(np.float32, copy=False)
    if not np.isfinite(small).all():
        raise ValueError("Flow needs finite pixels; replace NaN and infinity in the images first.")
    return small


def _mean(parts: Sequence[Floats]) -> Floats:
    """Mean, added up in the order of `parts`: ``np.mean`` orders by shapes and strides."""
    total = parts[0].copy()
    for part in parts[1:]:
        total += part
    total *= 1 / len(parts)
    return total


def _distinct(pairs: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where each distinct pair stands first, and for every pair which of these it is."""
    seen: dict[bytes, int] = {}
    which = np.array([seen.setdefault(pair.tobytes(), len(seen)) for pair in pairs], dtype=np.intp)
    return np.unique(which, return_index=True)[1], which


def _shrunk(images: Floats, factor: int, axes: Sequence[int]) -> Floats:
    """Images averaged over squares; those that stick out see the border repeated."""
    for axis in axes if factor > 1 else ():
        lines = images.swapaxes(0, axis)
        lines = np.concatenate([lines] + [lines[-1:]] * (-len(lines) % factor))
        images = _mean([lines[first::factor] for first in range(factor)]).swapaxes(0, axis)
    return images


def _enlarged(
    flow: NDArray[np.float32], factor: int, size: Sequence[int], axes: Sequence[int]
) -> NDArray[np.float32]:
    """Flow between shrunk images, interpolated to images of `size`."""
    if factor == 1:
        return flow
    for n, axis in zip(size, axes, strict=True):
        lines = flow.swapaxes(0, axis)
        at = (np.arange(n, dtype=np.float32) - (factor - 1) / 2) / factor
        low = _floor(at, len(lines))
        enlarged = lines[np.minimum(low + 1, len(lines) - 1)]
        enlarged -= lines[low]
        enlarged *= at[:, None, None, None]
        enlarged += lines[low]
        flow = enlarged.swapaxes(0, axis)
    return np.multiply(flow, factor, order="C")


def _coarse_to_fine(pair: NDArray[np.float32]) -> NDArray[np.float32]:
    """Flow (2, h, w, m) between images: reference and moving, shape (2, h, w, m)."""
    copies = [pair]
    while min(copies[-1].shape[1:3]) >= 2 * SMALLEST:
        copies.append(_shrunk(copies[-1], 2, axes=(1, 2)))
    first, between, last = ROUNDS
    rounds = [first, *[between] * (len(copies) - 2), last][: len(copies)]
    flow = np.zeros_like(copies[-1])
    for n, (reference, moving) in zip(rounds, reversed(copies), strict=True):
        if flow.shape[1:] != reference.shape:
            flow = _enlarged(flow, 2, reference.shape[:2], axes=(1, 2))
        for _ in range(n):
            flow = _smoothed(_pushed(flow, reference, moving))
    return flow


def _pushed(
    flow: NDArray[np.float32], reference: NDArray[np.float32], moving: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Flow changed, in place, by one step of the demons."""
    h, w, m = reference.shape
    y = flow[0] + np.arange(h, dtype=np.float32)[:, None, None]
    x = flow[1] + np.arange(w, dtype=np.float32)[:, None]
    warped = _Points.at(y, x, np.arange(m, dtype=np.int32), (h, w), (w * m, m)).interpolate(moving)
    difference = warped - reference
    warped += reference
    warped *= 0.25  # the mean of both, halved for the two pixels of a central difference
    gradient = np.zeros_like(flow)
    np.subtract(warped[2:], warped[:-2], out=gradient[0, 1:-1])
    np.subtract(warped[:, 2:], warped[:, :-2], out=gradient[1, :, 1:-1])
    norm = difference * difference
    norm += DAMPING
    for slope in gradient:
        norm += slope * slope
    difference *= PUSH
    difference /= norm
    gradient *= difference
    flow -= gradient
    return flow


def _smoothed(flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """Flow (2, h, w, m) after a Gaussian of two pixels to each side."""
    middle, *others = TAPS
    for axis in (1, 2):
        lines = flow.swapaxes(0, axis)
        n = len(lines)
        padded = _padded(lines, len(others))
        total = lines * middle
        for reach, tap in enumerate(others, 1):
            left, right = len(others) - reach, len(others) + reach
            pair = padded[left : left + n] + padded[right : right + n]
            pair *= tap
            total += pair
        flow = total.swapaxes(0, axis)
    return flow


FILL_MODES = ("constant", "nearest", "reflect", "wrap")
_BORDER = 2  # pixels beyond the image that bicubic interpolation looks at
_WAVES = 7  # elastic bends along the shorter side

Column = NDArray[np.float64]


def affine_flow(
    size: tuple[int, int],
    *,
    rotation: Column,
    shear: Column,
    zoom: tuple[Column, Column],
    shift: tuple[Column, Column],
) -> NDArray[np.float32]:
    """Flow of affine maps about the centre of the image, composed as in Keras.

    Parameters
    ----------
    size : (height, width)
        Of the images.
    rotation, shear : ndarray of shape (m,)
        Degrees.
    zoom, shift : pairs of ndarrays of shape (m,)
        Down and to the right; scale of the coordinates (above 1 the image shrinks), pixels.

    Returns
    -------
    flow : ndarray of shape (m, 2, H, W), float32
        For :func:`imblearn_images.synthesis._flow.warp`: displacement from a pixel of the
        synthetic image to where in the image it comes from, rows first.
    """
    height, width = size
    y = (np.arange(height) - (height - 1) / 2)[:, np.newaxis].astype(np.float32)
    x = (np.arange(width) - (width - 1) / 2).astype(np.float32)
    to_y, to_x = _less_identity(rotation, shear, zoom)
    flow = np.empty((len(rotation), 2, height, width), dtype=np.float32)
    for axis, (of_y, of_x) in enumerate((to_y, to_x)):
        flow[:, axis] = _column(of_x) * x
        flow[:, axis] += _column(of_y) * y
        flow[:, axis] += _column(shift[axis])
    return flow


def affine_matrices(
    size: tuple[int, int],
    *,
    rotation: Column,
    shear: Column,
    zoom: tuple[Column, Column],
    shift: tuple[Column, Column],
) -> NDArray[np.float64]:
    """What :func:`affine_flow` does, as the matrices (m, 2, 3) of a layer.

    Examples
    --------
    >>> still, one = np.zeros(1), np.ones(1)
    >>> affine_matrices(
    ...     (3, 5), rotation=still, shear=still, zoom=(2 * one, one), shift=(still, one)
    ... ).tolist()
    [[[2.0, 0.0, -1.0], [0.0, 1.0, 1.0]]]
    """
    matrices = np.empty((len(rotation), 2, 3))
    centre = np.array([(side - 1) / 2 for side in size])
    for axis, columns in enumerate(_less_identity(rotation, shear, zoom)):
        for of, column in enumerate(columns):
            matrices[:, axis, of] = column + (axis == of)
    moved = matrices[:, :, :2] @ centre
    matrices[:, :, 2] = centre - moved + np.column_stack(shift)
    return matrices


def _less_identity(
    rotation: Column, shear: Column, zoom: tuple[Column, Column]
) -> tuple[tuple[Column, Column], tuple[Column, Column]]:
    """Rotation @ shear @ zoom, less the identity: what rows and columns add to each of the two."""
    turn, slant = np.deg2rad(rotation), np.deg2rad(shear)
    cos, sin = np.cos(turn), np.sin(turn)
    to_y = cos * zoom[0] - 1, (-cos * np.sin(slant) - sin * np.cos(slant)) * zoom[1]
    to_x = sin * zoom[0], (cos * np.cos(slant) - sin * np.sin(slant)) * zoom[1] - 1
    return to_y, to_x


def elastic_flow(
    size: tuple[int, int], strength: float, rngs: Sequence[np.random.Generator]
) -> NDArray[np.float32]:
    """Smooth random flow: in every pixel a normal displacement of `strength` pixels.

    It is a sum of Gaussian bells on a grid, about as wide as their distance, one seventh
    of the shorter side.
    """
    width = min(size) / _WAVES
    down, right = (_bells(side, width) for side in size)
    flow = np.empty((len(rngs), 2, *size), dtype=np.float32)
    for drawn, rng in zip(flow, rngs, strict=True):
        heights = rng.standard_normal((2, len(down), len(right)), dtype=np.float32)
        for plane, grid in zip(drawn, heights, strict=True):
            plane[...] = down.T @ grid @ right
    flow *= np.float32(strength)
    return flow


def _bells(side: int, width: float) -> NDArray[np.float32]:
    """Bells at the pixels of one side, (n, side); their squares sum to 1 in every pixel."""
    n = ceil(side / width) + 4
    centres = (np.arange(n) - (n - 1) / 2) * width + (side - 1) / 2
    bells = np.exp(-0.5 * ((np.arange(side) - centres[:, np.newaxis]) / width) ** 2)
    return (bells / np.sqrt((bells**2).sum(axis=0))).astype(np.float32)


def follow(
    images: NDArray[Any],
    flow: NDArray[np.float32],
    order: int,
    fill_mode: str,
    fill: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Draw images along a flow, with the pixels beyond the border as `fill_mode` says.

    Parameters
    ----------
    images : ndarray of shape (m, H, W) or (m, H, W, C), float
        In 0 to 1.
    flow : ndarray of shape (m, 2, H, W), float32
        Of :func:`affine_flow`.
    order : {1, 3}
        Bilinear or bicubic.
    fill_mode : {"nearest", "constant", "reflect", "wrap"}
        As Keras'; as SciPy's "nearest", "grid-constant", "reflect" and "grid-wrap".
    fill : ndarray of shape (m,), default=None
        The constant.
    """
    if fill_mode == "nearest":
        return warp(images, flow, order)
    height, width = images.shape[1:3]
    inner = np.s_[:, _BORDER : height + _BORDER, _BORDER : width + _BORDER]
    folded = np.zeros((len(flow), 2, height + 2 * _BORDER, width + 2 * _BORDER), np.float32)
    for axis, side in enumerate((height, width)):
        grid = np.arange(side, dtype=np.float32).reshape((-1, 1) if axis == 0 else (1, -1))
        folded[:, axis][inner] = fold(flow[:, axis] + grid, side, fill_mode) - grid
    around = ((0, 0), *((_BORDER, _BORDER),) * 2, *((0, 0),) * (images.ndim - 3))
    if fill_mode == "constant":
        assert fill is not None
        shape = [n + sum(more) for n, more in zip(images.shape, around, strict=True)]
        padded = np.empty(shape, images.dtype)
        padded[...] = fill.reshape(-1, *(1,) * (images.ndim - 1))
        padded[inner] = images
    else:
        padded = np.pad(images, around, "symmetric" if fill_mode == "reflect" else "wrap")
    return np.ascontiguousarray(warp(padded, folded, order)[inner])


def fold(at: NDArray[Any], side: int, fill_mode: str) -> NDArray[Any]:
    """Coordinates of the image where it shows what lies at `at`."""
    if fill_mode == "constant":
        return np.clip(at, -_BORDER, side - 1 + _BORDER)
    if fill_mode == "wrap":
        return np.mod(at, side)
    back_and_forth = np.mod(at + 0.5, 2 * side)
    return np.minimum(back_and_forth, 2 * side - back_and_forth) - 0.5


def _column(values: Column) -> NDArray[np.float32]:
    return values.astype(np.float32).reshape(-1, 1, 1)
