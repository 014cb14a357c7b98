"""Subsets: estimators that are fitted on rows of an image set nobody copies."""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager, nullcontext
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import has_fit_parameter

from imblearn_images.core.containers import holds_paths
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import render

BATCH = 512  # images of a part of a set that are asked about at a time


def _first_step(estimator: Any) -> Any:
    """The step that looks at the data: searches, Pipelines and our samplers pass them on."""
    if isinstance(estimator, (GridSearchCV, RandomizedSearchCV)):
        return _first_step(estimator.estimator)
    if isinstance(estimator, Pipeline):
        return _first_step(next(step for _, step in estimator.steps if not _passes_on(step)))
    return estimator


def _passes_on(step: Any) -> bool:
    if step in ("passthrough", None):
        return True
    return hasattr(step, "fit_resample") and get_tags(step).input_tags.three_d_array


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
        Its tags decide; in a Pipeline, also inside a grid search, those of the first step
        that is none of our samplers. With ``no_validation``
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
    return subset if takes_images else subset.reshape(len(subset), prod(subset.shape[1:]))


class SharedImages:
    """Holder of an image set that many estimators draw from; cloning it copies nothing.

    Parameters
    ----------
    X : ndarray
        The image set.
    slots : context manager, default=None
        Entered by every estimator that answers: a semaphore limits how many do at a time.
    """

    def __init__(self, X: NDArray[Any], slots: AbstractContextManager[Any] | None = None) -> None:
        self.X: NDArray[Any] | None = X
        self.slots = nullcontext() if slots is None else slots

    def __sklearn_clone__(self) -> SharedImages:
        return self

    def __deepcopy__(self, memo: Any) -> SharedImages:
        return self

    def release(self) -> None:
        """Let go of the images, so that fitted estimators do not keep them."""
        self.X = None


class OnRows(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classifier of the images in numbered rows of a set that nobody copies.

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

    def fit(self, rows: NDArray[np.intp], y: NDArray[Any], sample_weight: Any = None) -> OnRows:
        """Fit a clone of `estimator` on the images of `rows`, shape (m, 1)."""
        assert self.images.X is not None
        subset = as_wanted(self.estimator, self.images.X, rows.ravel())
        params = {} if sample_weight is None else weighted(self.estimator, sample_weight)
        self.estimator_ = clone(self.estimator).fit(subset, y, **params)
        self.classes_ = self.estimator_.classes_
        return self

    def predict(self, rows: NDArray[np.intp]) -> Any:
        """Labels of the images in `rows`, shape (m, 1)."""
        return self._ask("predict", rows)

    @available_if(lambda self: hasattr(self._inner(), "predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, rows: NDArray[np.intp]) -> Any:
        """Class probabilities of the images in `rows`."""
        return self._ask("predict_proba", rows)

    @available_if(lambda self: hasattr(self._inner(), "predict_log_proba"))  # type: ignore[untyped-decorator]
    def predict_log_proba(self, rows: NDArray[np.intp]) -> Any:
        """Logarithms of the class probabilities."""
        return self._ask("predict_log_proba", rows)

    @available_if(lambda self: hasattr(self._inner(), "decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, rows: NDArray[np.intp]) -> Any:
        """Decision values of the images in `rows`."""
        return self._ask("decision_function", rows)

    def _inner(self) -> Any:
        return getattr(self, "estimator_", self.estimator)

    def _ask(self, method: str, rows: NDArray[np.intp]) -> Any:
        X, ask = self.images.X, getattr(self.estimator_, method)
        assert X is not None
        rows = np.ravel(rows)
        whole = len(rows) == len(X) and bool((rows == np.arange(len(X))).all())
        with self.images.slots:
            if whole and (not holds_paths(X) or takes_of(self.estimator_)[1]):
                return ask(as_wanted(self.estimator_, X))
            blocks = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
            return np.concatenate([ask(as_wanted(self.estimator_, X, block)) for block in blocks])


def on_rows_of(fitted: Any, images: SharedImages) -> Any:
    """Let a fitted :class:`OnRows`, or a Pipeline that ends in one, see other images."""
    other = copy.copy(fitted)
    if isinstance(fitted, OnRows):
        other.images = images
    else:
        other.steps = [(name, on_rows_of(step, images)) for name, step in fitted.steps[-1:]]
    return other


def weighted(estimator: Any, sample_weight: Any) -> dict[str, Any]:
    """Name sample weights as `estimator.fit` takes them; in a Pipeline for its last step.

    Raises
    ------
    ValueError
        If it takes none.
    """
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return {f"{name}__{key}": w for key, w in weighted(last, sample_weight).items()}
    if not has_fit_parameter(estimator, "sample_weight"):
        raise ValueError(f"{type(estimator).__name__} doesn't support sample_weight.")
    return {"sample_weight": sample_weight}
