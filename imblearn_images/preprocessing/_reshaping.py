"""Reshaping: images to rows of pixels, and rows back to images."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from imblearn_images._docstrings import substitute
from imblearn_images.preprocessing._pixels import (
    ImagesOutMixin,
    image_tags,
    is_shape,
    pixels_of,
    shaped,
)


@substitute
class FlattenImages(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Flatten images to rows of pixels; the result is a view where memory order allows.

    {guide=pipelines}

    Parameters
    ----------
    dtype : numpy dtype, default=None
        Dtype of the rows; by default that of the images. Pass ``np.float32``
        when a sampler of imbalanced-learn follows, in which differences of unsigned
        integers would wrap around.

    Attributes
    ----------
    image_shape_ : tuple of int
        Shape of one image; (d,) when `X` was two-dimensional already.
    {n_features_in_}
    feature_names_in_ : ndarray of shape (d,)
        Names of the columns, when `X` was a data frame.

    See Also
    --------
    ReshapeImages : The inverse, as a step of a pipeline.

    Examples
    --------
    >>> X = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
    >>> flatten = FlattenImages().fit(X)
    >>> flatten.transform(X).shape
    (2, 12)
    >>> flatten.get_feature_names_out()[:4].tolist()
    ['pixel_0_0_0', 'pixel_0_0_1', 'pixel_0_0_2', 'pixel_0_1_0']
    >>> np.array_equal(flatten.inverse_transform(flatten.transform(X)), X)
    True
    """

    def __init__(self, dtype: DTypeLike | None = None) -> None:
        self.dtype = dtype

    def fit(self, X: Any, y: Any = None) -> Any:
        """Learn the shape of the images.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, d)
            Images of any dtype; more axes are accepted.
        y : None
            Ignored.

        Returns
        -------
        self : FlattenImages
        """
        self.image_shape_ = pixels_of(self, X, reset=True).shape[1:]
        return self

    def transform(self, X: Any) -> Any:
        """Flatten images.

        Parameters
        ----------
        X : array-like of shape (n, ...) or (n, d)
            Images, or rows of pixels, which pass through.

        Returns
        -------
        rows : ndarray of shape (n, d)
            In `dtype`, or that of `X`.

        Raises
        ------
        ValueError
            For images of another shape than those of :meth:`fit`.
        """
        check_is_fitted(self)
        images = pixels_of(self, X, reset=False)
        if images.ndim > 2 and images.shape[1:] != self.image_shape_:
            raise ValueError(
                f"X holds images of shape {images.shape[1:]}, but FlattenImages was fitted on "
                f"images of shape {self.image_shape_}. Bring them to one size first, e.g. "
                "ReadImages(size=...)."
            )
        rows = images.reshape(len(images), -1)
        return rows if self.dtype is None else rows.astype(self.dtype, copy=False)

    def inverse_transform(self, X: Any) -> Any:
        """Return rows of pixels to the shape of the images.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows of pixels of any dtype.

        Returns
        -------
        images : ndarray of shape (n, ...)
            A view where possible.
        """
        check_is_fitted(self)
        rows = check_array(X, dtype=None, ensure_all_finite=False)
        return shaped(rows, self.image_shape_)

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Name the pixels.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of a two-dimensional `X`.

        Returns
        -------
        names : ndarray of shape (d,)
            "pixel_0_3_1" is row 0, column 3, channel 1. For two-dimensional input the
            names of the input, else "x0", "x1", ...
        """
        names = super().get_feature_names_out(input_features)
        if len(self.image_shape_) > 1:
            pixels = product(*map(range, self.image_shape_))
            names = np.array(["_".join(map(str, ("pixel", *p))) for p in pixels], dtype=object)
        return names

    def __sklearn_tags__(self):
        return image_tags(super().__sklearn_tags__())


@substitute
class ReshapeImages(ImagesOutMixin, TransformerMixin, BaseEstimator):
    """Reshape rows of pixels to images, for use behind samplers that take rows only.

    It is stateless. The shape is a parameter because a step of a pipeline does not know what
    another one has learned.

    {guide=pipelines}

    Parameters
    ----------
    image_shape : tuple of int, default=None
        Shape of one image, e.g. (64, 64, 3). None leaves `X` as it is.

    Attributes
    ----------
    {n_features_in_}

    See Also
    --------
    FlattenImages : The inverse.

    Notes
    -----
    imbalanced-learn's own SMOTE must be given floating point: with unsigned integers
    its differences wrap around (seen up to 0.14.2). The samplers of this package take
    images of any dtype and need neither step.

    Examples
    --------
    Turn the rows of a sampler that takes rows only back into images:

    >>> from imblearn.over_sampling import SVMSMOTE
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(n_class=2, return_X_y=True)
    >>> X, y = X[:250].reshape(-1, 8, 8), y[:250] * (np.arange(250) % 5 == 0)
    >>> rows, y_res = SVMSMOTE(random_state=0).fit_resample(FlattenImages().fit_transform(X), y)
    >>> images = ReshapeImages((8, 8)).fit_transform(rows)
    >>> images.shape == (len(y_res), 8, 8)
    True
    """

    def __init__(self, image_shape: tuple[int, ...] | None = None) -> None:
        self.image_shape = image_shape

    def fit(self, X: Any, y: Any = None) -> Any:
        """Check that `X` has the shape, or can be reshaped to it.

        Parameters
        ----------
        X : array-like of shape (n, d) or (n, ...)
            Rows of pixels, or images.
        y : None
            Ignored.

        Returns
        -------
        self : ReshapeImages
        """
        self._reshape(X, reset=True)
        return self

    def transform(self, X: Any) -> Any:
        """Reshape rows of pixels to images.

        Parameters
        ----------
        X : array-like of shape (n, d) or (n, ...)
            Rows of pixels, or images, which pass through.

        Returns
        -------
        images : ndarray of shape (n, ...)
            A view where possible; the dtype is kept.

        Raises
        ------
        ValueError
            When `d` is not the product of `image_shape`, or images have another shape.
        """
        return self._reshape(X, reset=False)

    def _reshape(self, X, reset):
        """Return `X` as images of `image_shape`; raise if that is not possible."""
        shape = self.image_shape
        if shape is not None and not is_shape(shape):
            raise ValueError(
                f"`image_shape` must be None or a tuple of positive integers, got {shape!r}."
            )
        images = pixels_of(self, X, reset=reset)
        return images if shape is None else shaped(images, tuple(shape))

    def __sklearn_tags__(self):
        return image_tags(super().__sklearn_tags__(), requires_fit=False)
