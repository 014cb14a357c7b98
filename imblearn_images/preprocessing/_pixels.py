"""Pixels: which input the steps accept as images, and the tags that say so."""

from __future__ import annotations

from math import prod

import numpy as np
from sklearn.utils.validation import check_array, validate_data

from imblearn_images.core.containers import holds_paths, is_path, unwrap
from imblearn_images.core.images import Images

_DTYPES = ["float64", "float32", "uint8", "uint16", "int32"]


def image_tags(tags, *, requires_fit=True):
    """Return the tags of a step with those of one that takes images in their own shape."""
    tags.requires_fit = requires_fit
    tags.input_tags.three_d_array = True
    tags.input_tags.allow_nan = True
    tags.transformer_tags.preserves_dtype = _DTYPES
    return tags


class ImagesOutMixin:
    """Mixin for a transformer that returns images, whose `set_output` has no effect."""

    def set_output(self, *, transform=None):
        """Accept the setting of a Pipeline whose later steps return tables; images stay an array.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None
            Has no effect: images are not a table.

        Returns
        -------
        self : estimator instance
        """
        if transform not in (None, "default", "pandas", "polars"):
            raise ValueError(
                f"`transform` must be 'default', 'pandas', 'polars' or None, got {transform!r}."
            )
        return self


def are_paths(images):
    """Return whether `images`, as :func:`unwrap` returns them, are paths of at least one file."""
    return holds_paths(images) and len(images) > 0 and is_path(images[0])


def is_home(images):
    """Return whether `images` are a home of pixels that is read block by block."""
    return isinstance(images, Images) and images.paths is None and len(images) > 0


BLOCK = 1 << 20  # bytes of pixels that are read at a time: small enough for a processor's cache


def block_height(images, size=None):
    """Return the number of images of a home that are read at a time."""
    shape = images.shape_of(0)
    shape = shape if size is None else (*size, *shape[2:])
    return max(1, BLOCK // max(1, prod(shape) * images.dtype.itemsize))


def read_rows(images, start, stop, size=None):
    """Return images of a home, in their own shape or resized, shape (m, H, W) or (m, H, W, C)."""
    rows = np.arange(start, min(stop, len(images)))
    shapes = {images.shape_of(row) for row in rows}
    shape = images.shape_of(rows[0])
    if size is not None:
        shape = (*size, *shape[2:])
    elif len(shapes) > 1:
        raise ValueError(
            "X must hold images of one shape to become one array, got "
            f"{', '.join(map(str, sorted(shapes)))}. Pass `size=(height, width)`, or put "
            "`ReadImages(size=(height, width))` first."
        )
    pixels = np.empty((len(rows), *shape), dtype=images.dtype)
    images.read(rows, pixels)
    return pixels


def pixels_of(estimator, X, *, reset, dtype="numeric", finite=False):
    """Return validated images, shape (n, ...); the pixels of one count as its features."""
    images, _ = unwrap(X)
    if are_paths(images):
        raise ValueError(
            f"X must hold pixels for {type(estimator).__name__}, got file paths. "
            "Put ReadImages before it."
        )
    pixels = check_array(
        images, dtype=dtype, ensure_all_finite=finite, allow_nd=True, estimator=estimator
    )
    if pixels.ndim == 2:
        validate_data(estimator, images, reset=reset, skip_check_array=True)
    elif reset:
        validate_data(estimator, pixels.reshape(len(pixels), -1), skip_check_array=True)
    return pixels


def is_count(value):
    """Return whether a value is a positive integer."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value > 0


def is_shape(value):
    """Return whether a value is a tuple or list of positive integers."""
    return isinstance(value, (tuple, list)) and len(value) > 0 and all(map(is_count, value))


def shaped(rows, image_shape):
    """Return rows of pixels (n, d) as images of a shape; images must have that shape."""
    if rows.shape[1:] != image_shape and (rows.ndim > 2 or rows.shape[1] != prod(image_shape)):
        raise ValueError(
            f"X of shape {rows.shape} cannot be {len(rows)} images of shape {image_shape}: "
            f"{' x '.join(map(str, rows.shape[1:]))} against "
            f"{' x '.join(map(str, image_shape))} = {prod(image_shape)} values each. Check "
            "`image_shape`."
        )
    return rows.reshape(len(rows), *image_shape)
