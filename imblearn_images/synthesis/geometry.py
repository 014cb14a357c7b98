"""Geometry: where the pixels of a turned, moved, scaled or bent image come from."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core.flow import warp

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
        For :func:`imblearn_images.core.flow.warp`: displacement from a pixel of the child
        to where in the image it comes from, rows first.
    """
    height, width = size
    y = (np.arange(height) - (height - 1) / 2)[:, np.newaxis].astype(np.float32)
    x = (np.arange(width) - (width - 1) / 2).astype(np.float32)
    turn, slant = np.deg2rad(rotation), np.deg2rad(shear)
    cos, sin = np.cos(turn), np.sin(turn)
    # rotation @ shear @ zoom, less the identity
    to_y = cos * zoom[0] - 1, (-cos * np.sin(slant) - sin * np.cos(slant)) * zoom[1]
    to_x = sin * zoom[0], (cos * np.cos(slant) - sin * np.sin(slant)) * zoom[1] - 1
    flow = np.empty((len(turn), 2, height, width), dtype=np.float32)
    for axis, (of_y, of_x) in enumerate((to_y, to_x)):
        flow[:, axis] = _column(of_x) * x
        flow[:, axis] += _column(of_y) * y
        flow[:, axis] += _column(shift[axis])
    return flow


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
        folded[:, axis][inner] = _fold(flow[:, axis] + grid, side, fill_mode) - grid
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


def _fold(at: NDArray[np.float32], side: int, fill_mode: str) -> NDArray[np.float32]:
    """Coordinates of the image where it shows what lies at `at`."""
    if fill_mode == "constant":
        return np.clip(at, -_BORDER, side - 1 + _BORDER)
    if fill_mode == "wrap":
        return np.mod(at, side)
    back_and_forth = np.mod(at + 0.5, 2 * side)
    return np.minimum(back_and_forth, 2 * side - back_and_forth) - 0.5


def _column(values: Column) -> NDArray[np.float32]:
    return values.astype(np.float32).reshape(-1, 1, 1)
