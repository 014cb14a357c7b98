"""What the samplers share: images in any container in, the same container out."""

from __future__ import annotations

import copy
import inspect
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from math import prod
from numbers import Integral
from typing import Any, TypeVar

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_target_type
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import TransformerMixin
from sklearn.pipeline import Pipeline

from imblearn_images.core.containers import holds_paths, unwrap
from imblearn_images.core.embedding import embed
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import render
from imblearn_images.core.tracing import plan_of, trace_rows
from imblearn_images.drawing import check_room, draw, images_of, with_synthesis

__all__ = [
    "ImageSamplerMixin",
    "SelectingSamplerMixin",
    "TracedSamplerMixin",
    "check_images",
    "check_labels",
    "check_lengths",
    "sizes_told",
    "with_parameters",
]

ADDED = {
    "embedding": [callable, TransformerMixin, Pipeline, None],
    "synthesis": "no_validation",
    "accept": "no_validation",
    "output_dir": [str, os.PathLike, None],
    "n_jobs": [Integral, None],
}
"""What a sampler of images may have beyond imbalanced-learn's parameters: name, constraints."""


Class = TypeVar("Class", bound=type)


def with_parameters(*names: str) -> Callable[[Class], Class]:
    """Class decorator: imbalanced-learn's constructor with further keywords, None by default."""

    def extend(cls: Class) -> Class:
        theirs = cls.__init__  # type: ignore[misc]

        @wraps(theirs)
        def __init__(self: Any, *args: Any, **params: Any) -> None:  # noqa: N807
            ours = {name: params.pop(name, None) for name in names}
            theirs(self, *args, **params)
            for name, value in ours.items():
                setattr(self, name, value)

        signature = inspect.signature(theirs)
        kind = inspect.Parameter.KEYWORD_ONLY
        added = [inspect.Parameter(name, kind, default=None) for name in names]
        both = [*signature.parameters.values(), *added]
        __init__.__signature__ = signature.replace(parameters=both)  # type: ignore[attr-defined]
        cls.__init__ = __init__  # type: ignore[misc]
        constraints = {name: ADDED[name] for name in names}
        cls._parameter_constraints = {**cls._parameter_constraints, **constraints}  # type: ignore[attr-defined]
        return cls

    return extend


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
            plan = self.plan_  # type: ignore[attr-defined]
            keeps_index = not isinstance(self, BaseOverSampler) and not plan.synthetic.any()
            X_resampled = rewrap(X_resampled, plan.base if keeps_index else None)
            if hasattr(X_resampled, "iloc") and hasattr(y_resampled, "iloc"):
                y_resampled.index = X_resampled.index
        return X_resampled, y_resampled

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.three_d_array = True
        return tags

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

    A sampler that `measures` is run on the features of its `embedding`. Any other is run on
    row numbers, so that no pixel is looked at to decide.
    """

    measures = True
    embedding: Any
    sampling_strategy: Any
    sampling_strategy_: Any
    sample_indices_: Any

    def _fit_resample(self, X: Any, y: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        drawable = isinstance(X, np.ndarray)
        nearness = ""
        if not self.measures:
            seen = np.arange(len(y))[:, None] if drawable else X
        elif sparse.issparse(X) and self.embedding is None:
            seen = X
        else:
            jobs = getattr(self, "n_jobs", None)
            seen, self.embedding_, nearness = embed(X, self.embedding, n_jobs=jobs)
        with sizes_told(y):
            resampled = self._select(seen, y)
        self.plan_ = ResamplingPlan.selection(self.sample_indices_, y, nearness)
        if sparse.issparse(X):
            return X[self.plan_.base], self.plan_.y
        if not drawable:  # data frames: imbalanced-learn's own container
            return resampled
        return (X[self.plan_.base] if holds_paths(X) else render(self.plan_, X)), self.plan_.y

    def _select(self, seen: Any, y: NDArray[Any]) -> Any:
        """Let imbalanced-learn select, on classes numbered from 0 where it needs distances.

        Some of its samplers index arrays by the label or take the mode of labels, which
        works for such labels only; for these all of them decide the same with and without.
        """
        labels, numbers = np.unique(y, return_inverse=True)
        if not self.measures or labels.tolist() == list(range(len(labels))):
            return super()._fit_resample(seen, y)  # type: ignore[misc]
        number = {label: at for at, label in enumerate(labels.tolist())}
        asked = copy.copy(self)
        given = {name: getattr(self, name) for name in ("sampling_strategy", "sampling_strategy_")}
        if isinstance(self.sampling_strategy, list):
            asked.sampling_strategy = [number[label] for label in self.sampling_strategy]
        asked.sampling_strategy_ = {number[k]: n for k, n in self.sampling_strategy_.items()}
        resampled = super(SelectingSamplerMixin, asked)._fit_resample(seen, numbers)  # type: ignore[misc]
        vars(self).update(vars(asked) | given)
        return resampled


class TracedSamplerMixin(ImageSamplerMixin):
    """Mixin for a sampler that interpolates between rows: traced, then drawn on images.

    imbalanced-learn's own hook is run on features whose rows remember their sources; what
    it returns tells the parents and shares of every row.
    """

    embedding: Any

    def _fit_resample(self, X: Any, y: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        jobs = getattr(self, "n_jobs", None)
        target = images_of(X, self)
        features, self.embedding_, nearness = embed(X, self.embedding, n_jobs=jobs)
        check_room(self, features)
        with sizes_told(y):
            traced, y_resampled = super()._fit_resample(trace_rows(features), y)  # type: ignore[misc]
        plan = plan_of(traced, y_resampled, len(y), nearness=nearness)
        if plan is None:
            raise TypeError(
                f"{type(self).__name__}: this version of imbalanced-learn makes its rows in a way "
                "that cannot be traced to images."
            )
        own = None if self.embedding is None else features
        self.plan_ = with_synthesis(self, plan, target, y, own)
        if self.plan_ is plan and features is X and X.dtype.kind == "f":
            return np.asarray(traced), plan.y
        return draw(self, X, target), plan.y


@contextmanager
def sizes_told(y: NDArray[Any]) -> Iterator[None]:
    """Say how large the classes are when there are too few images for the neighbours asked."""
    try:
        yield
    except ValueError as exc:
        if "n_neighbors <= n_samples" not in str(exc):
            raise
        labels, counts = np.unique(y, return_counts=True)
        sizes = ", ".join(
            f"{label!r}: {n}" for label, n in zip(labels.tolist(), counts, strict=True)
        )
        raise ValueError(
            f"{exc} The classes have these numbers of images: {sizes}. Ask for fewer neighbours, "
            "or leave the smallest class out of `sampling_strategy`."
        ) from exc


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
