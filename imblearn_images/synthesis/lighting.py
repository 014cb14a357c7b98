"""Lighting: brightness, contrast, noise and erased rectangles of images in 0 to 1.

Every function takes images (m, H, W) or (m, H, W, C), floats, and one number a row, and
changes the images in place. All channels of an image are treated alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

_AREA, _RATIO = (0.02, 0.2), (0.3, 1 / 0.3)  # of erased rectangles: share, height by width

Column = NDArray[np.float64]


def brighten(images: NDArray[Any], factors: Column) -> None:
    """Multiply all pixels."""
    images *= _by_row(factors, images)


def change_contrast(images: NDArray[Any], factors: Column) -> None:
    """Multiply the differences from the mean of each channel."""
    m, height, width = images.shape[:3]
    planes = images.reshape(m, height * width, -1)
    # Plane by plane: a sum over many images at once may be added up in another order.
    means = np.array([[plane.copy().mean() for plane in image.T] for image in planes])
    means = means.astype(images.dtype).reshape(m, 1, 1, *images.shape[3:])
    images -= means
    images *= _by_row(factors, images)
    images += means


def add_noise(
    images: NDArray[Any], deviations: Column, rngs: Sequence[np.random.Generator]
) -> None:
    """Add normal noise, the same to all channels."""
    for image, deviation, rng in zip(images, deviations.tolist(), rngs, strict=True):
        noise = rng.standard_normal(image.shape[:2], dtype=np.float32)
        noise *= np.float32(deviation)
        for channel in image.reshape(*noise.shape, -1).transpose(2, 0, 1):
            channel += noise


def erase(images: NDArray[Any], chosen: NDArray[np.bool_], uniform: dict[str, Column]) -> None:
    """Paint a rectangle grey.

    Parameters
    ----------
    images : ndarray of shape (m, H, W) or (m, H, W, C)
        In 0 to 1.
    chosen : ndarray of shape (m,), dtype bool
        The images that get one.
    uniform : dict of ndarrays of shape (m,)
        Numbers from 0 to 1 that say of what area, ratio, place (y, x) and level it is.
    """
    height, width = images.shape[1:3]
    for row in np.flatnonzero(chosen).tolist():
        at = {name: float(numbers[row]) for name, numbers in uniform.items()}
        area = (_AREA[0] + at["area"] * (_AREA[1] - _AREA[0])) * height * width
        ratio = exp(log(_RATIO[0]) + at["ratio"] * log(_RATIO[1] / _RATIO[0]))
        h = min(height, max(1, round(sqrt(area * ratio))))
        w = min(width, max(1, round(sqrt(area / ratio))))
        y, x = int(at["y"] * (height - h + 1)), int(at["x"] * (width - w + 1))
        images[row, y : y + h, x : x + w] = at["level"]


def _by_row(numbers: Column, images: NDArray[Any]) -> NDArray[Any]:
    return numbers.astype(images.dtype).reshape(-1, *(1,) * (images.ndim - 1))
