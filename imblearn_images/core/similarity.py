"""Similarity: features by which real and synthetic images are compared."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from imblearn_images.core.embedding import transform
from imblearn_images.core.hog import hog_features
from imblearn_images.core.images import ArrayImages, Images, Memory, pixels_in_order
from imblearn_images.core.parallel import in_threads
from imblearn_images.core.pixels import channels_last, find_channels, resized

SIDE = 64  # pixels; finer detail does not help to compare images, but costs time
BATCH = 1 << 22  # bytes of pixels that are held at a time


class Similarity:
    """Features of source images and of images drawn from them, in which "similar" is measured.

    Parameters
    ----------
    images : Images
        The source images.
    embedding : fitted transformer, default=None
        Makes the features. By default they are histograms of oriented gradients of the images,
        reduced to about 64 pixels a side; of thumbnails of 64 x 64 if sizes differ.
    features : ndarray of shape (n, d), default=None
        Features that `embedding` has made of the source images.
    n_jobs : int, default=None
        Number of threads.
    channel_axis : int, default=None
        Axis of one image that holds the channels; by default it is found by the shape.
    """

    def __init__(
        self,
        images: Images,
        embedding: Any = None,
        features: NDArray[Any] | None = None,
        *,
        n_jobs: int | None = None,
        channel_axis: int | None = None,
    ) -> None:
        self.images, self.embedding, self.n_jobs = images, embedding, n_jobs
        self.channel_axis = channel_axis
        self._features = features

    @cached_property
    def source(self) -> NDArray[Any]:
        """Features of the source images, shape (n, d)."""
        if self._features is not None:
            return self._features
        rows = np.arange(len(self.images))
        memory, origin = self.images.origin(rows)
        return self._computed(rows) if memory is None else self._remembered(memory, origin, rows)

    def of_source(self, rows: NDArray[np.intp]) -> NDArray[Any]:
        """Features of some source images: where those of all are remembered, no copy of all."""
        memory, origin = self.images.origin(rows)
        if memory is None or self._features is not None or (origin < 0).any():
            return self.source[rows]
        return self._remembered(memory, origin, rows)

    def _remembered(
        self, memory: Memory, origin: NDArray[np.intp], rows: NDArray[np.intp]
    ) -> NDArray[Any]:
        key = ("looks", self.channel_axis, self._thumbnail_shape if self._shrinks else None)
        return memory.features(key, origin, lambda missing: self._computed(rows[missing]))

    def _computed(self, rows: NDArray[np.intp]) -> NDArray[Any]:
        """Return :func:`looks` of some source images, read in blocks."""
        images = self.images
        if self._shrinks:
            shape = self._thumbnail_shape
            pixels = pixels_in_order(images, rows, shape[:2], n_jobs=self.n_jobs)
            images, rows = ArrayImages(pixels.reshape(len(rows), *shape)), np.arange(len(rows))
        shape = images.shape_of(0)
        height = max(1, BATCH // max(1, int(np.prod(shape)) * images.dtype.itemsize))

        def block(start: int) -> NDArray[Any]:
            part = rows[start : start + height]
            pixels = np.empty((len(part), *shape), dtype=images.dtype)
            images.read(part, pixels)
            return looks(pixels, self.channel_axis)

        first = block(0)
        # Joining the blocks at the end would hold all features twice.
        features = np.empty((len(rows), *first.shape[1:]), dtype=first.dtype)
        features[: len(first)] = first

        def fill(start: int) -> None:
            features[start : start + height] = block(start)

        in_threads(
            fill, ((start,) for start in range(height, len(rows), height)), n_jobs=self.n_jobs
        )
        return features

    @property
    def nearness(self) -> str:
        """Name of the features in :attr:`source`, if there is no embedding."""
        shape = self._thumbnail_shape if self._shrinks else self.images.shape_of(0)
        if len(shape) > 1:
            shape = _planes(np.empty((1, *shape), dtype=np.uint8), self.channel_axis).shape[1:]
        if len(shape) == 1 or is_tiny(shrink(np.empty((1, *shape), dtype=np.uint8))):
            return "pixels"
        return f"HOGFeatures ({self.of_source(np.arange(1)).shape[1]} features)"

    @cached_property
    def search(self) -> NearestNeighbors:
        """A neighbours object that was fitted once on the features of the source images."""
        return NearestNeighbors().fit(self.source)

    @property
    def _shrinks(self) -> bool:
        """Whether images are read as thumbnails: from files, or if their sizes differ."""
        return self.images.paths is not None or self.images.uniform is None

    @cached_property
    def _thumbnail_shape(self) -> tuple[int, ...]:
        """Shape in which images are read: their own if they are small and equal, else 64 x 64."""
        shapes = {self.images.shape_of(row) for row in range(len(self.images))}
        shape = self.images.shape_of(0)
        if len(shapes) > 1 or max(shape[:2]) > SIDE:
            return (SIDE, SIDE, *shape[2:])
        return shape

    def of(self, children: NDArray[Any]) -> NDArray[Any]:
        """Return the features, (m, d), of drawn images of one shape, (m, H, W[, C])."""
        if self.embedding is not None:
            return transform(self.embedding, children, n_jobs=self.n_jobs)
        if self._shrinks and children.shape[1:] != self._thumbnail_shape:
            height, width = self._thumbnail_shape[:2]
            children = resized(children, (height, width))
        return looks(children, self.channel_axis)


def looks(images: NDArray[Any], channel_axis: int | None = None) -> NDArray[Any]:
    """Return histograms of oriented gradients, (m, d); of flat or tiny images, the pixels."""
    if images.ndim == 2:
        return np.nan_to_num(images.astype(np.float32))
    # NaN is allowed in images that are never mixed.
    grey = np.nan_to_num(shrink(_planes(images, channel_axis)))
    if is_tiny(grey):
        return grey.reshape(len(grey), -1)
    return hog_features(grey)


def _planes(images: NDArray[Any], channel_axis: int | None) -> NDArray[Any]:
    """Return images with the channels last; without `channel_axis`, where they probably are."""
    if images.ndim != 4:
        return images
    axis = find_channels(images.shape[1:])[0] if channel_axis is None else channel_axis
    return channels_last(images, axis)


def is_tiny(grey: NDArray[Any]) -> bool:
    """Return whether images are too small for histograms of gradients."""
    return bool(min(grey.shape[1:]) < 4)


def shrink(images: NDArray[Any], side: int = SIDE) -> NDArray[np.float32]:
    """Return grey images of at most about `side` pixels, averaged over squares of whole pixels.

    Parameters
    ----------
    images : ndarray of shape (m, H, W) or (m, H, W, C)
        Any real dtype; channels are averaged.
    side : int, default=64
        Maximum length of the longer side.

    Returns
    -------
    grey : ndarray of shape (m, h, w), dtype float32

    Examples
    --------
    >>> shrink(np.arange(32, dtype=np.uint8).reshape(1, 4, 8), side=4).tolist()
    [[[4.5, 6.5, 8.5, 10.5], [20.5, 22.5, 24.5, 26.5]]]
    """
    grey = images.astype(np.float32)
    if grey.ndim == 4:
        # One channel after the other, because the order in which np.mean adds up depends on the
        # number of images.
        channels = grey.shape[3]
        total = grey[..., 0].copy()
        for channel in range(1, channels):
            total += grey[..., channel]
        grey = total / np.float32(channels)
    factor = -(-max(grey.shape[1:]) // side)
    if factor == 1:
        return grey
    height, width = (max(1, size // factor) for size in grey.shape[1:])
    grey = grey[:, : height * factor, : width * factor]
    total = np.zeros((len(grey), height, width), dtype=np.float32)
    down, right = (min(factor, size) for size in grey.shape[1:])
    for i in range(down):
        for j in range(right):
            total += grey[:, i::factor, j::factor][:, :height, :width]
    return total / np.float32(down * right)
