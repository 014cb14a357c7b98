"""Layers: where things are in a drawn image.

A synthetic image consists of layers. Each layer shows one of its parents, moved by a flow, in the
pixels where that is visible: a copy or an augmented image is one layer, an image with a pasted
patch is two, the base where the patch is and the background elsewhere. A synthesis that knows its
layers has a method ``layers(base, partners, weights, rngs)``, which takes the arguments of
``draw`` and draws the same random numbers. Boxes, masks and keypoints of the parents can then be
carried along without knowing how the image was drawn.

A :class:`View` is one layer of one image as objects see it: where boxes, outlines, masks and points
of the parent are in the drawn image. Through an affine layer that is visible everywhere, a matrix
gives the answer. Elsewhere (elastic and transferred deformations, what lies behind a patch) it is
read off the pixels: an object is where pixels show places within it. Both measure at pixel edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
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
        # Still a matrix, so that objects are carried exactly through what OneOf has drawn.
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
        # Beyond the border there is no flow to read; `inside` says that nothing is seen there.
        y, x = np.clip(places[:, 0], 0, size[0] - 1), np.clip(places[:, 1], 0, size[1] - 1)
        for under in below:
            share, shown = under.share * layer.share, inside
            if under.shown is not None:
                rows = np.arange(len(y))[:, None, None]
                at = np.rint(y).astype(np.intp), np.rint(x).astype(np.intp)
                shown = under.shown[(rows, *at)] & inside
            # Two affine maps are one: multiplied, nothing is lost by interpolating between pixels.
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
    below, beside = min(1, height - 1), min(1, width - 1)  # an image may be one pixel high
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


Floats = NDArray[np.float64]

TILE = 16  # side in pixels of the tiles that narrow a search before single pixels are compared
_AROUND = np.linspace(0, 2 * np.pi, 64, endpoint=False)
_ELLIPSE = np.column_stack([np.cos(_AROUND), np.sin(_AROUND)])
_CORNERS = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


class View:
    """One layer of one image: maps positions in the parent to positions in the image.

    Parameters
    ----------
    layer : Layer
        A layer for a block of one image.
    """

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.height, self.width = layer.size
        self.shown = None if layer.shown is None or layer.shown.all() else layer.shown[0]
        self.affine: Floats | None = None  # (2, 3): from the parent to the image, x first, at edges
        if layer.matrix is not None:
            # The layer maps (row, column) of pixel centres in the image to those in the parent;
            # here x comes first, positions count from edges, and the map goes the other way.
            turned = layer.matrix[0, ::-1, :2][:, ::-1]
            shift = layer.matrix[0, ::-1, 2] + 0.5 - turned @ np.array([0.5, 0.5])
            back = np.linalg.inv(turned)
            self.affine = np.column_stack([back, -back @ shift])

    @property
    def is_exact(self) -> bool:
        """Whether the matrix alone describes the layer: affine, and visible everywhere."""
        return self.affine is not None and self.shown is None

    @property
    def angle(self) -> float:
        """Degrees by which objects are turned, measured from the nearest quarter turn."""
        if self.affine is None:
            return 0.0
        (a, b), (c, d) = self.affine[:, :2].tolist()
        # Of a mirror image, the angle is that of the turn that follows the mirror.
        turned = np.arctan2(c - b, a + d) if a * d > b * c else np.arctan2(c + b, a - d)
        return float(abs((np.rad2deg(turned) + 45) % 90 - 45))

    @cached_property
    def is_flipped(self) -> bool:
        """Whether left and right are swapped, as in a mirror."""
        if self.affine is not None:
            return bool(np.linalg.det(self.affine[:, :2]) < 0)
        # some 64 rows are enough: of a smooth deformation, the median orientation counts
        x, y = (plane[:: max(1, self.height // 64)] for plane in self.places)
        if min(x.shape) < 2:
            return False
        (x_down, x_right), (y_down, y_right) = np.gradient(x), np.gradient(y)
        return bool(np.median(x_right * y_down - x_down * y_right) < 0)

    @cached_property
    def places(self) -> tuple[Floats, Floats]:
        """Where in the parent the centre of every pixel comes from: x and y, (H, W) each."""
        row, column = self.layer.places[0]
        return column + 0.5, row + 0.5

    @cached_property
    def _tiles(self) -> list[Floats]:
        """Smallest and largest x, then y, that the pixels of every tile show."""
        down, right = -self.height % TILE, -self.width % TILE
        found = []
        for plane in self.places:
            # Repeated borders show nothing new, so that they do not widen the last tiles.
            padded = np.pad(plane, ((0, down), (0, right)), mode="edge")
            tiled = padded.reshape(padded.shape[0] // TILE, TILE, padded.shape[1] // TILE, TILE)
            found += [tiled.min(axis=(1, 3)), tiled.max(axis=(1, 3))]
        return found

    def window(self, box: Floats) -> tuple[slice, slice] | None:
        """Return rows and columns of pixels that may show a part of a box of the parent, or None.

        They are whole tiles, which contain all such pixels, and others.
        """
        x_low, x_high, y_low, y_high = self._tiles
        near = (x_high >= box[0]) & (x_low <= box[2]) & (y_high >= box[1]) & (y_low <= box[3])
        rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
        if not len(rows):
            return None
        return (
            slice(rows[0] * TILE, min((rows[-1] + 1) * TILE, self.height)),
            slice(columns[0] * TILE, min((columns[-1] + 1) * TILE, self.width)),
        )

    def forward(self, points: Floats) -> Floats:
        """Return where points of the parent, (p, 2) of x and y, are in the image, or NaN.

        Without a matrix: the pixel that shows the nearest place, and from there one step of
        Newton's method with the slope of the deformation around it.
        """
        if self.affine is not None:
            return points @ self.affine[:, :2].T + self.affine[:, 2]
        found = np.full(points.shape, np.nan)
        for at, point in enumerate(points):
            window = self.window(np.concatenate([point - 2, point + 2]))
            if window is None:
                continue
            x, y = (plane[window] for plane in self.places)
            off = (x - point[0]) ** 2 + (y - point[1]) ** 2
            row, column = np.unravel_index(int(np.argmin(off)), off.shape)
            near = np.s_[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
            # farther than three pixels from every place shown: the point is out of view
            if off[row, column] > 9 or min(x[near].shape) < 2:
                continue
            slope = np.array([[np.mean(np.diff(p[near], axis=a)) for a in (1, 0)] for p in (x, y)])
            rest = np.array([point[0] - x[row, column], point[1] - y[row, column]])
            if abs(np.linalg.det(slope)) < 1e-3:  # folded or flat: there is no way back
                continue
            # Where it is nearly flat, the step of Newton's method would leave the image.
            step = np.clip(np.linalg.solve(slope, rest), -3, 3)
            corner = window[1].start + column + 0.5, window[0].start + row + 0.5
            found[at] = np.array(corner) + step
        return found

    def is_seen(self, points: Floats) -> NDArray[np.bool_]:
        """Return whether points of the image, (p, 2), are within it and show this parent."""
        size = np.array([self.width, self.height])
        within = np.asarray(((points >= 0) & (points <= size)).all(axis=1))
        if self.shown is not None and within.any():
            # A point on the far edge belongs to the last pixel.
            column, row = np.minimum(points[within], size - 0.5).astype(np.intp).T
            within[within] = self.shown[row, column]
        return within

    def boxes(
        self, boxes: Floats, round_: NDArray[np.bool_], *, tight: bool = False
    ) -> tuple[Floats, Floats]:
        """Return boxes in the image, and how much of each object is visible.

        Parameters
        ----------
        boxes : ndarray of shape (k, 4)
            Boxes in the parent.
        round_ : ndarray of shape (k,), dtype bool
            Whether an object is taken to fill the inscribed ellipse of its box, or all of it.
        tight : bool, default=False
            Whether a box that the border cuts is the box of the visible part of the object;
            otherwise it is the part of the box that is in the image.

        Returns
        -------
        moved : ndarray of shape (k, 4)
            Cut at the border; objects that are not visible have a box without area.
        share : ndarray of shape (k,)
            Share of the object that is visible, from 0 to 1.
        """
        if self.affine is None:
            found = [
                self._by_pixels(box, is_round) for box, is_round in zip(boxes, round_, strict=True)
            ]
            return _columns(found)
        centre, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
        turn = self.affine[:, :2]
        # half sides of the box around the turned ellipse, or around the turned corners
        reach = np.where(round_[:, None], np.sqrt(half**2 @ (turn**2).T), half @ np.abs(turn).T)
        middle = self.forward(centre)
        whole = np.hstack([middle - reach, middle + reach])
        moved = clipped_box(whole, self.layer.size)
        share = np.ones(len(boxes))
        for at in np.flatnonzero((moved != whole).any(axis=1)):
            form = _ELLIPSE if round_[at] else _CORNERS
            outline = self.forward(centre[at] + half[at] * form)
            area = polygon_area(outline)
            left = clipped(outline, self.layer.size)
            seen = polygon_area(left)
            if tight and seen > 0:
                moved[at] = [*left.min(axis=0), *left.max(axis=0)]
            share[at] = seen / area if area > 0 else 0.0
        if self.shown is not None:
            for at in np.flatnonzero(share > 0):
                x, y = moved[at, ::2], moved[at, 1::2]
                window = np.s_[int(y[0]) : int(np.ceil(y[1])), int(x[0]) : int(np.ceil(x[1]))]
                if self.shown[window].all():
                    continue
                # something covers a part of it
                visible, share[at] = self._by_pixels(boxes[at], bool(round_[at]))
                moved[at, :2] = np.maximum(moved[at, :2], visible[:2])
                moved[at, 2:] = np.maximum(np.minimum(moved[at, 2:], visible[2:]), moved[at, :2])
        return moved, share

    def _by_pixels(self, box: Floats, is_round: bool) -> tuple[Floats, float]:
        """Return the box of the pixels that show a box or its ellipse, and the visible share."""
        window = self.window(box)
        if window is None:
            return np.zeros(4), 0.0
        x, y = (plane[window] for plane in self.places)
        if is_round:
            half = np.maximum((box[2:] - box[:2]) / 2, 1e-9)
            middle = (box[:2] + box[2:]) / 2
            within = ((x - middle[0]) / half[0]) ** 2 + ((y - middle[1]) / half[1]) ** 2 <= 1
            area = np.pi * half[0] * half[1]
        else:
            within = (x >= box[0]) & (x <= box[2]) & (y >= box[1]) & (y <= box[3])
            area = (box[2] - box[0]) * (box[3] - box[1])
        return self._found(within, window, float(area))

    def _found(
        self, within: NDArray[np.bool_], window: tuple[slice, slice], area: float
    ) -> tuple[Floats, float]:
        """Return the box of the pixels within an object, and the share of its area they show."""
        if self.shown is not None:
            within &= self.shown[window]
        rows, columns = np.flatnonzero(within.any(axis=1)), np.flatnonzero(within.any(axis=0))
        if not len(rows):
            return np.zeros(4), 0.0
        top, left = window[0].start, window[1].start
        box = np.array([columns[0] + left, rows[0] + top, columns[-1] + left, rows[-1] + top])
        box[2:] += 1
        share = self._area_of(within, window) / max(area, 1e-9)
        return box.astype(np.float64), min(1.0, share)

    def _area_of(self, within: NDArray[np.bool_], window: tuple[slice, slice]) -> float:
        """Return the area in the parent that some pixels show; a part shown twice counts twice."""
        if self.affine is not None:
            return float(within.sum() / abs(np.linalg.det(self.affine[:, :2])))
        if min(within.shape) < 2:
            return float(within.sum())
        (x_down, x_right), (y_down, y_right) = (np.gradient(p[window]) for p in self.places)
        return float(np.abs(x_right * y_down - x_down * y_right)[within].sum())

    def mask(self, mask: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], float]:
        """Return a mask of the parent in the image, by the nearest pixel, and the visible share."""
        moved = self.values(mask, np.False_)
        share = self._area_of(moved, np.s_[0 : self.height, 0 : self.width])
        return moved, min(1.0, share / max(int(mask.sum()), 1))

    def values(self, parent: NDArray[Any], fill: Any) -> NDArray[Any]:
        """Return values of the parent, (H, W[, ...]), in pixels that show it, `fill` in others."""
        moved = np.empty((self.height, self.width, *parent.shape[2:]), dtype=parent.dtype)
        moved[...] = fill
        x, y = self.places
        # A centre that lies on an edge belongs to the pixel after it, despite rounding errors.
        row, column = np.floor(y + 1e-6).astype(np.intp), np.floor(x + 1e-6).astype(np.intp)
        seen = (row >= 0) & (row < self.height) & (column >= 0) & (column < self.width)
        if self.shown is not None:
            seen &= self.shown
        moved[seen] = parent[row[seen], column[seen]]
        return moved

    def outlines(self, outlines: Sequence[Floats]) -> tuple[Floats, ...]:
        """Return outlines of the parent in the image, cut at the border, without those outside."""
        moved = []
        for outline in outlines:
            points = outline
            if self.affine is None:  # straight edges are bent: points in between follow
                points = _with_more_points(outline)
            there = self.forward(points)
            there = clipped(there[np.isfinite(there).all(axis=1)], self.layer.size)
            if len(there) >= 3 and polygon_area(there) > 0:
                moved.append(there)
        return tuple(moved)


def clipped_box(boxes: Floats, size: tuple[int, ...]) -> Floats:
    """Return boxes, (k, 4), cut at the border of an image of this height and width."""
    height, width = size
    return np.clip(boxes, 0, np.array([width, height, width, height], dtype=np.float64))


def clipped(points: Floats, size: tuple[int, ...]) -> Floats:
    """Return the part of an outline, (p, 2), within an image: cut at one border after the other.

    References
    ----------
    I. E. Sutherland, G. W. Hodgman, "Reentrant polygon clipping", Communications of the ACM
    17(1), 1974.

    Examples
    --------
    >>> clipped(np.array([[-2.0, 1.0], [2.0, 1.0], [2.0, 3.0]]), (4, 4)).tolist()
    [[0.0, 2.0], [0.0, 1.0], [2.0, 1.0], [2.0, 3.0]]
    """
    height, width = size
    for axis, bound, sign in ((0, 0, 1), (0, width, -1), (1, 0, 1), (1, height, -1)):
        if not len(points):
            return points
        depth = sign * (points[:, axis] - bound)
        if (depth >= 0).all():
            continue
        before, last = np.roll(points, 1, axis=0), np.roll(depth, 1)
        crosses = (depth >= 0) != (last >= 0)
        step = np.zeros(len(points))
        np.divide(last, last - depth, out=step, where=crosses)
        cut = before + step[:, None] * (points - before)
        cut[:, axis] = bound
        pairs = np.stack([cut, points], axis=1)
        points = pairs[np.stack([crosses, depth >= 0], axis=1)]
    return points


def polygon_area(points: Floats) -> float:
    """Return the area of an outline, (p, 2), by the shoelace formula."""
    if len(points) < 3:
        return 0.0
    x, y = points.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def _with_more_points(outline: Floats, every: float = 6.0) -> Floats:
    """Return an outline with further points, at most `every` pixels apart along its edges."""
    following = np.roll(outline, -1, axis=0)
    n = np.maximum(np.ceil(np.linalg.norm(following - outline, axis=1) / every), 1).astype(int)
    return np.concatenate(
        [
            a + (b - a) * (np.arange(k) / k)[:, None]
            for a, b, k in zip(outline, following, n.tolist(), strict=True)
        ]
    )


def _columns(found: Sequence[tuple[Floats, float]]) -> tuple[Floats, Floats]:
    """Return pairs of box and share as two arrays, (k, 4) and (k,)."""
    boxes = np.array([box for box, _ in found], dtype=np.float64).reshape(-1, 4)
    return boxes, np.array([share for _, share in found], dtype=np.float64)
