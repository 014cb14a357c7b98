"""Subsets: estimators that are fitted on rows of an image set nobody copies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from imblearn_images.core.containers import holds_paths
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import render


def _first_step(estimator: Any) -> Any:
    while isinstance(estimator, Pipeline):
        steps = [step for _, step in estimator.steps if step not in ("passthrough", None)]
        estimator = steps[0]
    return estimator


def takes_of(estimator: Any) -> tuple[bool, bool]:
    """Tell whether an estimator takes images in their own shape, and whether paths."""
    tags = get_tags(_first_step(estimator))
    takes_images = tags.no_validation or tags.input_tags.three_d_array
    return takes_images, tags.no_validation or (takes_images and tags.input_tags.string)


def as_wanted(estimator: Any, X: NDArray[Any], rows: NDArray[np.intp] | None = None) -> Any:
    """Hand `rows` of an image set over in the form an estimator works on.

    Parameters
    ----------
    estimator : estimator object
        Its tags decide, those of the first step in a Pipeline. With ``no_validation``
        (e.g. a ``FunctionTransformer``) it gets what there is; paths, where X holds
        paths, with ``three_d_array`` and ``string`` (``ReadImages``); images in their
        own shape with ``three_d_array``; flattened pixels otherwise.
    X : ndarray of shape (n, ...) or 1-D array of paths
        The image set.
    rows : ndarray of int, default=None
        All rows by default.

    Returns
    -------
    subset : ndarray
        Paths, images of shape (m, ...) or pixels of shape (m, d).
    """
    takes_images, takes_paths = takes_of(estimator)
    if holds_paths(X):
        if takes_paths:
            return X if rows is None else X[rows]
        rows = np.arange(len(X)) if rows is None else rows
        X, rows = render(ResamplingPlan.selection(rows, np.zeros(len(X))), X), None
    subset = X if rows is None else X[rows]
    return subset if takes_images else subset.reshape(len(subset), -1)


class SharedImages:
    """Holder of an image set that many estimators draw from; cloning it copies nothing."""

    def __init__(self, X: NDArray[Any]) -> None:
        self.X: NDArray[Any] | None = X

    def __sklearn_clone__(self) -> SharedImages:
        return self

    def release(self) -> None:
        """Let go of the images, so that fitted estimators do not keep them."""
        self.X = None


class OnRows(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classifier that is fitted on row numbers of shared images, and asked on images.

    An ensemble of imbalanced-learn resamples row numbers, a column of integers, for each
    of its members; only the member's own subset of images is copied.

    Parameters
    ----------
    estimator : classifier
        Cloned, then fitted on the images of the rows, in the form :func:`as_wanted` gives.
    images : SharedImages
        The image set.
    """

    def __init__(self, estimator: Any, images: SharedImages) -> None:
        self.estimator = estimator
        self.images = images

    def fit(self, rows: NDArray[np.intp], y: NDArray[Any]) -> OnRows:
        """Fit a clone of `estimator` on the images of `rows`, shape (m, 1)."""
        assert self.images.X is not None
        subset = as_wanted(self.estimator, self.images.X, rows.ravel())
        self.estimator_ = clone(self.estimator).fit(subset, y)
        self.classes_ = self.estimator_.classes_
        return self

    def predict(self, X: Any) -> Any:
        """Predict from images in the form the estimator wants."""
        return self.estimator_.predict(X)

    @available_if(lambda self: hasattr(self._inner(), "predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Any:
        """Class probabilities from images in the form the estimator wants."""
        return self.estimator_.predict_proba(X)

    @available_if(lambda self: hasattr(self._inner(), "decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Any:
        """Decision values from images in the form the estimator wants."""
        return self.estimator_.decision_function(X)

    def _inner(self) -> Any:
        return getattr(self, "estimator_", self.estimator)
