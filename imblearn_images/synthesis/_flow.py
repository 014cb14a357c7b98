"""Flow: the displacement of every pixel, between two images or at random.

Between two images it is found by Thirion's demons, from coarse to fine: both are halved until they
are small, the flow is found there, enlarged, and improved on the next larger copies. Each round
pushes every pixel along the gradient of the images, as far as their difference requires, and then
smooths the flow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import blake2b
from math import ceil
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images.synthesis._warp import Points, split

BLOCK = 1 << 17  # pixels of all images whose flow is found at a time
REMEMBERED = 1 << 26  # bytes of flow that `remembered_flows` keeps
SMALLEST = 7  # pixels below which no side is halved
ROUNDS = 10, 8, 4  # on the smallest copies, on those between, on the images themselves
SIGMA = 1.2  # standard deviation in pixels of the Gaussian that smooths the flow
PUSH = 1.5  # factor of the demons' step: 1 explains less of the difference, 2 folds more images
DAMPING = 1e-3  # squared grey levels; prevents pushes where gradient and difference are tiny

_bell = np.exp(-(np.arange(-2, 3) ** 2) / (2 * SIGMA**2))
TAPS = (_bell / _bell.sum())[2:].astype(np.float32)  # weights of a pixel and the next two

Floats = NDArray[np.floating[Any]]


def optical_flow(
    reference: Floats, moving: Floats, *, max_side: int | None = None
) -> NDArray[np.float32]:
    """Find where every pixel of the reference images lies in the moving images.

    Parameters
    ----------
    reference, moving : ndarray of shape (m, H, W) or (m, H, W, C), float in 0..1
        Pairs of images. Channels are averaged.
    max_side : int, default=None
        Images with a longer side are reduced to this by averaging over squares, and the flow
        found between these is scaled up. ``None``: the flow is found at full size.

    Returns
    -------
    flow : ndarray of shape (m, 2, H, W), dtype float32
        Displacement in pixels, rows first, as in :func:`skimage.registration.optical_flow_ilk`:
        ``warp(moving, flow)`` looks like `reference`.

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
    return Flow.between([(reference, moving)], max_side=max_side)[:]


class Flow:
    """The flow of many pairs of images: found together, and enlarged for some of them at a time.

    Parameters
    ----------
    small : ndarray of shape (m, 2, h, w), dtype float32
        Flow between thumbnails.
    factor : int
        By which sides were reduced.
    size : (height, width)
        Size of the images.
    """

    def __init__(self, small: NDArray[np.float32], factor: int, size: Sequence[int]) -> None:
        self.small, self.factor, self.size = small, factor, size

    @classmethod
    def between(
        cls, parts: Iterable[tuple[Floats, Floats]], *, max_side: int | None = None
    ) -> Flow:
        """Find the flow of pairs that come in parts; see :func:`optical_flow`."""
        thumbnails, size, factor = [], (0, 0), 1
        for reference, moving in parts:
            if reference.shape != moving.shape or reference.ndim not in (3, 4):
                raise ValueError(
                    "`reference` and `moving` must be blocks (m, H, W) or (m, H, W, C) of one "
                    f"shape, got {reference.shape} and {moving.shape}."
                )
            size = reference.shape[1:3]
            factor = 1 if max_side is None else max(1, ceil(max(size) / max_side))
            thumbnails.append(np.stack([_grey(one, factor) for one in (reference, moving)], axis=1))
        pairs = np.concatenate(thumbnails)
        first, which = _distinct(pairs)
        memory = _memory.get()
        found = _between(pairs[first]) if memory is None else memory.look_up(pairs[first])
        return cls(found[which], factor, size)

    def __getitem__(self, rows: Any) -> NDArray[np.float32]:
        """Return the flow of some of the pairs, (k, 2, H, W)."""
        return _enlarged(self.small[rows], self.factor, self.size, axes=(2, 3))


def _between(pairs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the flow of pairs of grey images, (m, 2, h, w), found a block at a time."""
    found = np.empty(pairs.shape, dtype=np.float32)
    height = max(1, BLOCK // max(1, pairs[:1, 0].size))
    for start in range(0, len(pairs), height):
        part = np.moveaxis(pairs[start : start + height], 0, -1)
        flow = _coarse_to_fine(np.ascontiguousarray(part))
        found[start : start + height] = np.moveaxis(flow, -1, 0)
    return found


class _Memory:
    """Cache of flows by a hash of their pairs of images; the oldest are removed."""

    def __init__(self, n_bytes: int) -> None:
        self.room = n_bytes
        self.flows: dict[bytes, NDArray[np.float32]] = {}
        self.lock = Lock()

    def look_up(self, pairs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the flow of pairs of grey images; only unknown flows are computed."""
        names = [blake2b(pair.tobytes(), digest_size=16).digest() for pair in pairs]
        with self.lock:
            known = [self.flows.get(name) for name in names]
        new = [at for at, flow in enumerate(known) if flow is None]
        found = np.empty(pairs.shape, dtype=np.float32)
        if new:
            found[new] = _between(pairs[new])
        for at, flow in enumerate(known):
            if flow is not None:
                found[at] = flow
        with self.lock:
            for at in new:
                self.flows[names[at]] = found[at].copy()
            while len(self.flows) > 1 and len(self.flows) * found[0].nbytes > self.room:
                del self.flows[next(iter(self.flows))]
        return found


_memory: ContextVar[_Memory | None] = ContextVar("flows that are remembered", default=None)


@contextmanager
def remembered_flows(n_bytes: int = REMEMBERED) -> Iterator[None]:
    """Cache flows in this context, also in threads that inherit it.

    For code that draws from the same images again and again: folds, candidates, policies.
    """
    if _memory.get() is not None:  # a caller has made a cache already
        yield
        return
    token = _memory.set(_Memory(n_bytes))
    try:
        yield
    finally:
        _memory.reset(token)


def _padded(lines: Floats, width: int) -> Floats:
    """Return lines with the first and the last repeated `width` more times."""
    return np.concatenate([lines[:1]] * width + [lines] + [lines[-1:]] * width)


def _grey(images: Floats, factor: int) -> NDArray[np.float32]:
    """Return images averaged over channels and over squares of `factor` pixels, (m, h, w)."""
    grey = images if images.ndim == 3 else _mean([images[..., c] for c in range(images.shape[3])])
    small = _shrunk(grey, factor, axes=(1, 2)).astype(np.float32, copy=False)
    if not np.isfinite(small).all():
        raise ValueError(
            "Images must be finite to find a flow, got NaN or infinity. Replace these values first."
        )
    return small


def _mean(parts: Sequence[Floats]) -> Floats:
    """Return the mean of `parts`, added up in this order; ``np.mean`` goes by shape and strides."""
    total = parts[0].copy()
    for part in parts[1:]:
        total += part
    total *= 1 / len(parts)
    return total


def _distinct(pairs: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first position of each distinct pair, and the number of every pair among these."""
    seen: dict[bytes, int] = {}
    which = np.array([seen.setdefault(pair.tobytes(), len(seen)) for pair in pairs], dtype=np.intp)
    return np.unique(which, return_index=True)[1], which


def _shrunk(images: Floats, factor: int, axes: Sequence[int]) -> Floats:
    """Return images averaged over squares; beyond the border the last pixels are repeated."""
    for axis in axes if factor > 1 else ():
        lines = images.swapaxes(0, axis)
        lines = np.concatenate([lines] + [lines[-1:]] * (-len(lines) % factor))
        images = _mean([lines[first::factor] for first in range(factor)]).swapaxes(0, axis)
    return images


def _enlarged(
    flow: NDArray[np.float32], factor: int, size: Sequence[int], axes: Sequence[int]
) -> NDArray[np.float32]:
    """Return the flow of reduced images, interpolated and scaled to images of `size`."""
    if factor == 1:
        return flow
    for n, axis in zip(size, axes, strict=True):
        at = (np.arange(n, dtype=np.float32) - (factor - 1) / 2) / factor
        low = split(at, flow.shape[axis])
        left = flow.take(low, axis=axis)
        right = flow.take(np.minimum(low + 1, flow.shape[axis] - 1), axis=axis)
        right -= left
        right *= at.reshape(-1, *(1,) * (flow.ndim - 1 - axis))
        right += left
        flow = right
    flow *= factor
    return flow


def _coarse_to_fine(pair: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the flow, (2, h, w, m), of pairs of images, (2, h, w, m): reference and moving."""
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
    """Improve a flow in place by one step of the demons, and return it."""
    h, w, m = reference.shape
    y = flow[0] + np.arange(h, dtype=np.float32)[:, None, None]
    x = flow[1] + np.arange(w, dtype=np.float32)[:, None]
    warped = Points.at(y, x, np.arange(m), (h, w), (w * m, m)).interpolate(moving)
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
    """Return a flow (2, h, w, m) smoothed by a Gaussian of two pixels to each side."""
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


_WAVES = 7  # number of bells of an elastic flow along the shorter side


def elastic_flow(
    size: tuple[int, int], strength: float, rngs: Sequence[np.random.Generator]
) -> NDArray[np.float32]:
    """Return a smooth random flow, (m, 2, H, W), normal with a deviation of `strength` pixels.

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
    """Return bells at the pixels of one side, (n, side), whose squares sum to 1 in every pixel."""
    n = ceil(side / width) + 4
    centres = (np.arange(n) - (n - 1) / 2) * width + (side - 1) / 2
    bells = np.exp(-0.5 * ((np.arange(side) - centres[:, np.newaxis]) / width) ** 2)
    return (bells / np.sqrt((bells**2).sum(axis=0))).astype(np.float32)
