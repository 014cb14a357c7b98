"""Layers: where things are in a drawn image.

A synthetic image consists of layers. Each layer shows one of its parents, moved by a flow, in the
pixels where that is visible: a copy or an augmented image is one layer, an image with a pasted
patch is two, the base where the patch is and the background elsewhere. A synthesis that knows its
layers has a method ``layers(base, partners, weights, rngs)``, which takes the arguments of
``draw`` and draws the same random numbers. Boxes, masks and keypoints of the parents can then be
carried along without knowing how the image was drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Layer:
    """One parent as a block of ``m`` synthetic images shows it; :func:`in_place` makes one.

    Parameters
    ----------
    member : int
        Which parent: 0 is the base, 1 the first partner.
    size : (height, width)
        Size of the images.
    share : ndarray of shape (m,), dtype float64
        Share of this parent in the pixels that show it; less than 1 where parents are blended.
    matrix : ndarray of shape (m, 2, 3), dtype float64, or None
        An affine map: ``matrix @ (row, column, 1)`` is the place in the parent that a pixel
        of the synthetic image shows. None if the map is not affine.
    bent : ndarray of shape (m, 2, H, W) or None
        The flow, if the map is not affine.
    shown : ndarray of shape (m, H, W), dtype bool, or None
        The pixels that show this parent; None if all do.

    Notes
    -----
    A matrix holds in six numbers what a flow holds for every pixel: objects are carried through it
    exactly, and no grid has to be made.

    Examples
    --------
    >>> layer = in_place(2, (3, 4))
    >>> layer.places[1, :, 2, 3].tolist(), bool(layer.seen.all())
    ([2.0, 3.0], True)
    """

    member: int
    size: tuple[int, int]
    share: NDArray[np.float64]
    matrix: NDArray[np.float64] | None = None
    bent: NDArray[Any] | None = None
    shown: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.share)

    @property
    def flow(self) -> NDArray[Any]:
        """Displacement in pixels, rows first, shape (m, 2, H, W).

        It leads from a pixel of the synthetic image to the place in the parent that it shows. For
        places beyond the border, the pixel shows the border repeated, or a constant.
        """
        if self.bent is not None:
            return self.bent
        flow = self.places - _grid(self.size)
        flow.flags.writeable = False  # computed on every access: changes to it would be lost
        return flow

    @property
    def seen(self) -> NDArray[np.bool_]:
        """The pixels that show this parent, shape (m, H, W)."""
        if self.shown is not None:
            return self.shown
        return np.broadcast_to(np.True_, (len(self), *self.size))

    @property
    def places(self) -> NDArray[np.float64]:
        """Row and column in the parent that every pixel shows, shape (m, 2, H, W)."""
        if self.matrix is None:
            return self.flow + _grid(self.size)
        y = np.arange(self.size[0], dtype=np.float64)[:, None]
        x = np.arange(self.size[1], dtype=np.float64)
        places = np.empty((len(self), 2, *self.size))
        for row, axes in enumerate(self.matrix.tolist()):
            for axis, (of_y, of_x, shift) in enumerate(axes):
                np.add(of_y * y + shift, of_x * x, out=places[row, axis])
        return places

    @property
    def inside(self) -> NDArray[np.bool_]:
        """The pixels that show this parent, and a place within its borders, shape (m, H, W)."""
        height, width = self.size
        y, x = np.moveaxis(self.places, 1, 0)
        inside: NDArray[np.bool_] = (y >= -0.5) & (y <= height - 0.5)
        inside &= (x >= -0.5) & (x <= width - 0.5)
        return inside if self.shown is None else inside & self.shown

    def row(self, at: int) -> Layer:
        """Return the layer of one image of the block."""
        part = slice(at, at + 1)
        names = ("share", "matrix", "bent", "shown")
        columns = {name: getattr(self, name) for name in names}
        cut: dict[str, Any] = {k: c if c is None else c[part] for k, c in columns.items()}
        return replace(self, **cut)

    def spread(self, rows: NDArray[np.intp], m: int) -> Layer:
        """Return this layer in a block of `m` images, of which its own are `rows`.

        Other images of the block do not show it.

        Examples
        --------
        >>> layer = in_place(1, (2, 2), share=np.array([0.5])).spread(np.array([1]), 3)
        >>> layer.seen.any(axis=(1, 2)).tolist(), layer.share.tolist()
        ([False, True, False], [1.0, 0.5, 1.0])
        """
        share, shown = np.ones(m), np.zeros((m, *self.size), dtype=np.bool_)
        share[rows], shown[rows] = self.share, self.seen
        whole = in_place(m, self.size, self.member, share=share, seen=shown)
        if self.matrix is not None and whole.matrix is not None:
            whole.matrix[rows] = self.matrix
            return whole
        flow = np.zeros((m, 2, *self.size), dtype=self.flow.dtype)
        flow[rows] = self.flow
        return replace(whole, matrix=None, bent=flow)


def in_place(
    m: int,
    size: tuple[int, ...],
    member: int = 0,
    *,
    flow: NDArray[Any] | None = None,
    matrix: NDArray[np.float64] | None = None,
    seen: NDArray[np.bool_] | None = None,
    share: NDArray[np.float64] | None = None,
) -> Layer:
    """Return a layer of `m` images: by default the parent, unmoved, in every pixel.

    Parameters
    ----------
    m : int
        Number of images of the block.
    size : (height, width)
        Size of the images.
    member : int, default=0
        Which parent.
    flow : ndarray of shape (m, 2, H, W), default=None
        See :attr:`Layer.flow`; nothing moves by default.
    matrix : ndarray of shape (m, 2, 3), default=None
        Instead of `flow`, if that is affine; see :class:`Layer`.
    seen : ndarray of shape (m, H, W), dtype bool, default=None
        The pixels that show the parent; all by default.
    share : ndarray of shape (m,), default=None
        Share of the parent in these pixels; 1 by default.

    Returns
    -------
    layer : Layer
    """
    if flow is None and matrix is None:
        matrix = np.repeat(np.eye(2, 3)[None], m, axis=0)
    height, width = size
    return Layer(
        member, (height, width), np.ones(m) if share is None else share, matrix, flow, seen
    )


def place_through(top: Sequence[Layer], below: Sequence[Layer]) -> list[Layer]:
    """Return the layers of images that were drawn in two steps, one after the other.

    Parameters
    ----------
    top : sequence of Layer
        Layers of the second step; member 0 is the image that the first step drew.
    below : sequence of Layer
        Layers of the first step.

    Returns
    -------
    layers : list of Layer
        How the final images show the parents of the first step; layers of `top` with other
        members are left as they are.
    """
    placed = []
    for layer in top:
        if layer.member != 0:
            placed.append(layer)
            continue
        size, inside, places = layer.size, layer.inside, layer.places
        y, x = np.clip(places[:, 0], 0, size[0] - 1), np.clip(places[:, 1], 0, size[1] - 1)
        for under in below:
            share, shown = under.share * layer.share, inside
            if under.shown is not None:
                rows = np.arange(len(y))[:, None, None]
                at = np.rint(y).astype(np.intp), np.rint(x).astype(np.intp)
                shown = under.shown[(rows, *at)] & inside
            if under.matrix is not None and layer.matrix is not None:
                both = _after(under.matrix, layer.matrix)
                placed.append(replace(under, matrix=both, shown=shown, share=share))
                continue
            flow = places + _between(under.flow, y, x) - _grid(size)
            placed.append(replace(under, matrix=None, bent=flow, shown=shown, share=share))
    return placed


def _after(under: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrices, (m, 2, 3), of the map `matrix` followed by the map `under`."""
    both = under[:, :, :2] @ matrix
    both[:, :, 2] += under[:, :, 2]
    return both


def _grid(size: tuple[int, ...]) -> NDArray[np.float64]:
    """Return row and column of every pixel, (2, H, W)."""
    return np.indices(size).astype(np.float64)


def _between(
    flow: NDArray[Any], y: NDArray[np.float64], x: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return values of `flow`, (m, 2, H, W), interpolated at `y` and `x`, (m, H, W) each."""
    height, width = flow.shape[2:]
    top = np.clip(np.floor(y).astype(np.intp), 0, max(height - 2, 0))
    left = np.clip(np.floor(x).astype(np.intp), 0, max(width - 2, 0))
    down, right = y - top, x - left
    rows = np.arange(len(flow))[:, None, None]
    below, beside = min(1, height - 1), min(1, width - 1)
    planes = np.moveaxis(flow.astype(np.float64), 1, -1)
    upper = _mixed(planes[rows, top, left], planes[rows, top, left + beside], right)
    lower = _mixed(planes[rows, top + below, left], planes[rows, top + below, left + beside], right)
    return np.moveaxis(_mixed(upper, lower, down), -1, 1)


def _mixed(
    a: NDArray[np.float64], b: NDArray[np.float64], step: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return ``a + step * (b - a)`` for values with a last axis of components."""
    mixed: NDArray[np.float64] = a + step[..., None] * (b - a)
    return mixed
