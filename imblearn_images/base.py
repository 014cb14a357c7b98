"""What the samplers share: images in any container in, the same container out."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_target_type
from numpy.typing import NDArray

from imblearn_images.core.containers import holds_paths, unwrap
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import render

__all__ = [
    "ImageSamplerMixin",
    "SelectingSamplerMixin",
    "check_images",
    "check_labels",
    "check_lengths",
]


class ImageSamplerMixin:
    """Mixin that lets a sampler of imbalanced-learn take images and file paths.

    It goes before imbalanced-learn's class of the same name and adds nothing but the
    door: containers, validation, and the two hooks. Think twice before adding anything
    here: what a sampler decides belongs in ``core.planning``, pixels in
    ``core.rendering``.
    """

    def fit(self, X: Any, y: Any, **params: Any) -> Any:
        """Check the inputs and compute ``sampling_strategy_``; see `fit_resample`."""
        images, _ = unwrap(X)
        check_labels(y)
        return super().fit(images, y, **params)  # type: ignore[misc]

    def fit_resample(self, X: Any, y: Any, **params: Any) -> tuple[Any, Any]:
        """Resample the images.

        Parameters
        ----------
        X : images
            Array or memmap of shape (n, H, W), (n, H, W, C), (n, C, H, W) or, as
            flattened pixels, (n, d); file paths in a list, tuple, array, Series or
            one-column DataFrame; a list of equally shaped arrays.
        y : array-like of shape (n,)
            Labels; one-hot rows of shape (n, n_classes) are accepted, too.
        **params : dict
            Extra parameters of the sampler.

        Returns
        -------
        X_resampled : images
            In the container, dtype and shape of `X`. A memmap comes back as an array.
        y_resampled : array-like of shape (n_resampled,)
            Labels of `X_resampled`.

        Raises
        ------
        ValueError
            If lengths differ, a label is missing, there is one class only, or the
            sampler cannot work with a class; the row or class is named.
        """
        images, rewrap = unwrap(X)
        check_labels(y)
        X_resampled, y_resampled = super().fit_resample(images, y, **params)  # type: ignore[misc]
        if images is not X:
            keeps_index = not isinstance(self, BaseOverSampler)
            X_resampled = rewrap(X_resampled, self.plan_.base if keeps_index else None)  # type: ignore[attr-defined]
            if hasattr(X_resampled, "iloc") and hasattr(y_resampled, "iloc"):
                y_resampled.index = X_resampled.index
        return X_resampled, y_resampled

    def _check_X_y(self, X: Any, y: Any) -> tuple[Any, NDArray[Any], bool]:
        check_lengths(X, y)
        if not (holds_paths(X) or (isinstance(X, np.ndarray) and X.ndim > 2)):
            X, y, binarize_y = super()._check_X_y(X, y)  # type: ignore[misc]
            self._check_classes(y)
            return X, y, binarize_y
        y, binarize_y = check_target_type(y, indicate_one_vs_all=True)
        self._check_classes(y)
        check_images(X)
        self.n_features_in_ = prod(X.shape[1:])
        if hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        return X, y, binarize_y

    def _check_classes(self, y: NDArray[Any]) -> None:
        if (y == y[0]).all():
            label = y[0].item() if isinstance(y[0], np.generic) else y[0]
            raise ValueError(
                "The target 'y' needs to have more than 1 class. Got 1 class instead: "
                f"{label!r} is the label of all {len(y)} images. Check how the labels were "
                "read."
            )


class SelectingSamplerMixin(ImageSamplerMixin):
    """Mixin for a sampler that selects images, and says so in ``sample_indices_``.

    The sampler is run on row numbers, so that no pixel is looked at to decide.
    """

    def _fit_resample(self, X: Any, y: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        drawable = isinstance(X, np.ndarray)
        rows = np.arange(len(y))[:, None] if drawable else X
        resampled = super()._fit_resample(rows, y)  # type: ignore[misc]
        self.plan_ = ResamplingPlan.selection(self.sample_indices_, y)  # type: ignore[attr-defined]
        if not drawable:  # sparse matrices, data frames: imbalanced-learn's own containers
            return resampled
        return (X[self.plan_.base] if holds_paths(X) else render(self.plan_, X)), self.plan_.y


def check_lengths(X: Any, y: Any) -> None:
    """Refuse two lengths, and nothing at all, with both numbers."""
    if y is None:
        return  # scikit-learn has its own words for it
    shape = getattr(X, "shape", None)
    n_images, n_labels = shape[0] if shape else len(X), len(y)
    if n_images != n_labels:
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: {n_images} images in X, "
            f"{n_labels} labels in y; pass one label for each image, in the same order."
        )
    if n_images == 0:
        raise ValueError(
            "Found array with 0 sample(s): X holds no images, y no labels. Check where they are "
            "read from."
        )


def check_images(X: NDArray[Any]) -> None:
    """Refuse arrays that cannot be images: complex numbers, text in 3-D, no pixels at all."""
    if X.dtype.kind not in ("UO" if X.ndim == 1 else "biuf"):
        reason = "Complex data not supported: images" if X.dtype.kind == "c" else "Images"
        raise ValueError(
            f"{reason} of shape {X.shape} need a real numeric or bool dtype, got {X.dtype}."
        )
    if X.size == 0:
        raise ValueError(f"X of shape {X.shape} holds no pixels; pass images of at least 1 x 1.")


def check_labels(y: Any) -> None:
    """Name the rows of missing labels and of labels that cannot be sorted together."""
    if getattr(y, "ndim", 1) != 1 or not isinstance(y, Iterable):
        return
    if isinstance(y, np.ndarray) and y.dtype.kind in "iubU":
        return  # nothing can be missing or mixed
    labels = np.asarray(y, dtype=object)
    if labels.ndim != 1:
        return
    missing = [row for row, label in enumerate(labels) if _is_missing(label)]
    if missing:
        raise ValueError(
            f"Unknown label type: y has {len(missing)} missing labels (None or NaN), the first in "
            f"row {missing[0]}. Leave these images out, or give them a class of their own."
        )
    text = np.fromiter((isinstance(label, str) for label in labels), bool, len(labels))
    if text.any() and not text.all():
        row, other = int(np.argmax(text)), int(np.argmin(text))
        raise ValueError(
            f"Unknown label type: y mixes text and other labels, {labels[row]!r} in row {row} and "
            f"{labels[other]!r} in row {other}. Use one type, e.g. y.astype(str)."
        )


def _is_missing(label: Any) -> bool:
    try:
        return label is None or bool(label != label)
    except TypeError:  # pandas.NA has no truth
        return True
