"""Engines: draw images along flows and affine maps, by NumPy or OpenCV.

The engine is a parameter of a synthesis, so that a plan records which one drew. The two
interpolate differently, so their images differ in some bytes, but show the same places.
"""

from __future__ import annotations

from functools import cache
from math import ceil, prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from imblearn_images.synthesis._warp import (
    Affine,
    Floats,
    follow,
    follow_affine,
    normal,
    within_border,
)

ENGINES = ("numpy", "opencv")
FOLDED = ("reflect", "wrap")


class Engine(Protocol):
    """Interface of an engine; see the functions of :mod:`imblearn_images.synthesis._warp`."""

    def follow(
        self,
        images: Floats,
        flow: NDArray[np.float32],
        order: int = 3,
        fill_mode: str = "nearest",
        fill: NDArray[Any] | None = None,
    ) -> Floats:
        """Return images drawn along a flow."""

    def follow_affine(
        self,
        images: Floats,
        affine: Affine,
        order: int = 3,
        fill_mode: str = "nearest",
        fill: NDArray[Any] | None = None,
    ) -> Floats:
        """Return images drawn along affine maps."""

    def normal(self, rng: np.random.Generator, size: tuple[int, ...]) -> NDArray[np.float32]:
        """Return standard normal random numbers of this shape."""


def engine_of(name: Any) -> Engine:
    """Return the engine that the parameter `engine` of a synthesis names.

    Raises
    ------
    ValueError
        For an unknown name.
    ImportError
        If OpenCV is not installed.

    Examples
    --------
    >>> engine_of("gpu")
    Traceback (most recent call last):
        ...
    ValueError: `engine` must be one of ('numpy', 'opencv'), got 'gpu'.
    """
    if not isinstance(name, str) or name not in ENGINES:
        raise ValueError(f"`engine` must be one of {ENGINES}, got {name!r}.")
    if name == "numpy":
        return NumPy()
    try:
        import cv2
    except ImportError as error:
        raise ImportError(
            '`engine` "opencv" needs OpenCV, which cannot be imported. Install it: '
            "pip install imblearn-images[opencv]"
        ) from error
    return OpenCV(cv2)


class NumPy:
    """Engine of NumPy: the functions of :mod:`imblearn_images.synthesis._warp`."""

    follow = staticmethod(follow)
    follow_affine = staticmethod(follow_affine)
    normal = staticmethod(normal)


class OpenCV:
    """Engine of OpenCV: ``remap`` and ``warpAffine``.

    Its bicubic interpolation is cubic convolution with a = -3/4, where NumPy's engine has -1/2.
    Whether it rounds places to 1/32 pixel depends on its version and the number of channels.
    """

    def __init__(self, cv2: Any) -> None:
        self.cv2 = cv2

    def follow(
        self,
        images: Floats,
        flow: NDArray[np.float32],
        order: int = 3,
        fill_mode: str = "nearest",
        fill: NDArray[Any] | None = None,
    ) -> Floats:
        """Return images drawn along a flow; parameters as in ``_warp.follow``."""
        # OpenCV 5 folds a place only once, which is not enough for places far outside.
        if fill_mode in FOLDED:
            padded, folded, inner = within_border(images, flow, fill_mode, fill)
            return np.ascontiguousarray(self.follow(padded, folded, order)[inner])
        h, w = images.shape[1:3]
        rows, columns = (np.arange(side, dtype=np.float32) for side in (h, w))
        y, x = np.empty((2, h, w), dtype=np.float32)

        def remap(row: int, image: Floats, to: Floats, **border: Any) -> None:
            np.add(flow[row, 0], rows[:, None], out=y)
            np.add(flow[row, 1], columns, out=x)
            self.cv2.remap(image, x, y, self._kernel(order), dst=to, **border)

        return self._each(remap, images, fill_mode, fill)

    def follow_affine(
        self,
        images: Floats,
        affine: Affine,
        order: int = 3,
        fill_mode: str = "nearest",
        fill: NDArray[Any] | None = None,
    ) -> Floats:
        """Return images drawn along affine maps; parameters as in ``_warp.follow_affine``."""
        if fill_mode in FOLDED:
            flow = affine.flow(images.shape[1:3])
            return self.follow(images, flow, order, fill_mode, fill)
        h, w = images.shape[1:3]
        maps = affine.maps((h, w))[:, ::-1][..., [1, 0, 2]]  # in OpenCV x comes before y
        flags = self._kernel(order) | self.cv2.WARP_INVERSE_MAP

        def move(row: int, image: Floats, to: Floats, **border: Any) -> None:
            self.cv2.warpAffine(image, maps[row], (w, h), dst=to, flags=flags, **border)

        return self._each(move, images, fill_mode, fill)

    def normal(self, rng: np.random.Generator, size: tuple[int, ...]) -> NDArray[np.float32]:
        """Return standard normal random numbers, with only 65,536 different values.

        Each is looked up by 16 random bits, a quarter of the 64 that a normal number takes.
        """
        n = prod(size)
        bits = rng.bit_generator.random_raw(ceil(n / 4)).astype("<u8", copy=False)
        return _quantiles().take(bits.view("<u2")[:n]).reshape(size)

    def _kernel(self, order: int) -> int:
        """Return OpenCV's code of an interpolation."""
        kernel: int = self.cv2.INTER_CUBIC if order == 3 else self.cv2.INTER_LINEAR
        return kernel

    def _each(self, draw: Any, images: Floats, fill_mode: str, fill: NDArray[Any] | None) -> Floats:
        """Return images drawn by `draw` one by one, at most four channels at a time."""
        longest = max(images.shape[1:3])
        if longest >= 1 << 15:
            raise ValueError(
                f'`engine` "opencv" takes images of at most 32767 pixels a side, got {longest}. '
                'Use engine="numpy".'
            )
        is_constant = fill_mode == "constant"
        border = self.cv2.BORDER_CONSTANT if is_constant else self.cv2.BORDER_REPLICATE
        source = np.ascontiguousarray(images)
        drawn = np.empty_like(source)
        channels = prod(images.shape[3:])
        for row in range(len(images)):
            value = 0.0 if fill is None else float(fill[row, 0])
            how = {"borderMode": border, "borderValue": (value,) * 4}
            if channels <= 4:
                draw(row, source[row], drawn[row], **how)
                continue
            for first in range(0, channels, 4):
                some = np.s_[..., first : first + 4]
                part = np.ascontiguousarray(source[row][some])
                to = np.empty_like(part)
                draw(row, part, to, **how)
                drawn[row][some] = to
        return drawn


@cache
def _quantiles() -> NDArray[np.float32]:
    """Return the normal numbers for all values of 16 random bits, shape (65536,)."""
    quantiles: NDArray[np.float32] = ndtri((np.arange(1 << 16) + 0.5) / (1 << 16)).astype(
        np.float32
    )
    return quantiles
