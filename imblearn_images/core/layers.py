"""Layers: where things are in a drawn image.

A synthetic image is layers. Each layer shows one of its parents, moved by a flow, where it is
seen: a copy and an augmented image are one layer, a pasted patch is two, the base where the
patch is and the background elsewhere. A synthesis that knows says so by a method
``layers(base, partners, weights, rngs)``, which takes what its ``draw`` takes and draws the
same random numbers; whatever belongs to the pixels of the parents (boxes, masks, keypoints) can
then be carried along without knowing how the image was drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Layer:
    """One parent as it is seen in a block of ``m`` synthetic images.

    Parameters
    ----------
    member : int
        Which parent: 0 is the base, 1 the first partner.
    flow : ndarray of shape (m, 2, H, W)
        Displacement in pixels, rows first, from a pixel of the synthetic image to the place in
        the parent that is seen there. A place beyond the border shows what lies beyond it: the
        border repeated, or a constant.
    seen : ndarray of shape (m, H, W), dtype bool
        The pixels that show this parent.
    share : ndarray of shape (m,), dtype float64
        How much of such a pixel is this parent's; less than 1 where parents are blended.

    Examples
    --------
    >>> layer = in_place(2, (3, 4))
    >>> layer.places[1, :, 2, 3].tolist(), bool(layer.seen.all())
    ([2.0, 3.0], True)
    """

    member: int
    flow: NDArray[Any]
    seen: NDArray[np.bool_]
    share: NDArray[np.float64]

    @property
    def places(self) -> NDArray[np.float64]:
        """Row and column in the parent that every pixel shows, shape (m, 2, H, W)."""
        return self.flow + _grid(self.flow.shape[2:])

    @property
    def inside(self) -> NDArray[np.bool_]:
        """The pixels that are seen and show a place within the parent, shape (m, H, W)."""
        height, width = self.flow.shape[2:]
        y, x = np.moveaxis(self.places, 1, 0)
        within = (y >= -0.5) & (y <= height - 0.5) & (x >= -0.5) & (x <= width - 0.5)
        inside: NDArray[np.bool_] = self.seen & within
        return inside


def in_place(
    m: int,
    size: tuple[int, int],
    member: int = 0,
    *,
    flow: NDArray[Any] | None = None,
    seen: NDArray[np.bool_] | None = None,
    share: NDArray[np.float64] | None = None,
) -> Layer:
    """Layer of `m` images that shows a parent everywhere, where it was, or as is said."""
    return Layer(
        member,
        np.zeros((m, 2, *size), dtype=np.float32) if flow is None else flow,
        np.ones((m, *size), dtype=np.bool_) if seen is None else seen,
        np.ones(m) if share is None else share,
    )


def place_through(top: Sequence[Layer], below: Sequence[Layer]) -> list[Layer]:
    """Layers of images that were drawn from drawn images.

    Parameters
    ----------
    top : sequence of Layer
        How the second drawing shows its parents; member 0 is what the first has drawn.
    below : sequence of Layer
        How the first one shows the parents.

    Returns
    -------
    layers : list of Layer
        How the second drawing shows the parents of the first; layers of `top` with other
        members are left as they are.
    """
    placed = []
    for layer in top:
        if layer.member != 0:
            placed.append(layer)
            continue
        places = layer.places
        size = places.shape[2:]
        y, x = np.clip(places[:, 0], 0, size[0] - 1), np.clip(places[:, 1], 0, size[1] - 1)
        for under in below:
            flow = places + _between(under.flow, y, x) - _grid(size)
            rows = np.arange(len(y))[:, None, None]
            seen = under.seen[rows, np.rint(y).astype(np.intp), np.rint(x).astype(np.intp)]
            placed.append(
                replace(under, flow=flow, seen=seen & layer.inside, share=under.share * layer.share)
            )
    return placed


def _grid(size: tuple[int, ...]) -> NDArray[np.float64]:
    return np.indices(size).astype(np.float64)


def _between(
    flow: NDArray[Any], y: NDArray[np.float64], x: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Values of (m, 2, H, W) between the pixels, at y and x of shape (m, H, W)."""
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
    mixed: NDArray[np.float64] = a + step[..., None] * (b - a)
    return mixed
