"""Thumbnails: what images of any size show, in a few pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling
from sklearn.base import BaseEstimator, TransformerMixin

from imblearn_images.core.containers import holds_paths
from imblearn_images.core.files import read_image
from imblearn_images.core.images import FileImages
from imblearn_images.core.pixels import channels_last

THUMBNAIL = (32, 32)


class Thumbnails(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Transformer of images and files into thumbnails of 32 x 32 pixels.

    Colours are kept, smaller images are enlarged. Arrays are resized as files are: bilinear,
    with a support that grows with the reduction, so that every pixel counts.

    Parameters
    ----------
    channel_axis : int, default=None
        Axis of one image that holds the channels; see
        :func:`~imblearn_images.core.pixels.channels_last`.

    Examples
    --------
    >>> images = np.full((2, 64, 48, 3), 7, dtype=np.uint8)
    >>> thumbnails = Thumbnails().fit_transform(images)
    >>> thumbnails.shape, thumbnails.dtype, int(thumbnails.max())
    ((2, 3072), dtype('float32'), 7)
    """

    def __init__(self, channel_axis: int | None = None) -> None:
        self.channel_axis = channel_axis

    def fit(self, X: NDArray[Any], y: None = None) -> Thumbnails:
        """Look at the headers of files: all must be grey, or all of the same colours."""
        if holds_paths(X):
            FileImages(X.tolist())
        else:
            self._planes(X)
        return self

    def transform(self, X: NDArray[Any]) -> NDArray[Any]:
        """Give the pixels of the thumbnails, shape (n, d), float32 or float64."""
        if holds_paths(X):
            images = np.stack([read_image(path, size=THUMBNAIL) for path in X])
        else:
            images = resized(self._planes(X), THUMBNAIL)
        float_type = np.result_type(images.dtype, np.float32)
        return images.reshape(len(images), -1).astype(float_type, copy=False)

    def _planes(self, X: NDArray[Any]) -> NDArray[Any]:
        how = "embedding=HOGFeatures(channel_axis={})"
        return channels_last(X, self.channel_axis, "A thumbnail", how=how)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = tags.input_tags.string = True
        tags.requires_fit = False
        return tags


def resized(images: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Resize images (n, H, W) or (n, H, W, C) as files are resized, plane by plane.

    Returns
    -------
    images : ndarray of shape (n, height, width) or (n, height, width, C)
        In the dtype of `images`; integers that Pillow has no mode for, and long floats,
        as float32.

    Examples
    --------
    >>> resized(np.arange(16, dtype=np.uint8).reshape(1, 4, 4), (1, 2)).tolist()
    [[[7, 8]]]
    """
    dtype = images.dtype
    if dtype == np.bool_:
        return np.asarray(resized(images * np.uint8(255), size) >= 128)
    is_short = dtype.kind in "iu" and np.can_cast(dtype, np.int32)
    working = np.uint8 if dtype == np.uint8 else np.int32 if is_short else np.float32
    planes = images if images.ndim == 4 else images[..., np.newaxis]
    out = np.empty((len(images), *size, planes.shape[3]), dtype if is_short else np.float32)
    for row, channel in np.ndindex(len(images), planes.shape[3]):
        plane = Image.fromarray(np.ascontiguousarray(planes[row, :, :, channel], dtype=working))
        out[row, :, :, channel] = plane.resize(size[::-1], Resampling.BILINEAR)
    return out.reshape(len(images), *size, *images.shape[3:])
