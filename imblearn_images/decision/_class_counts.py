"""Counting: which class shares reach the classifier at the end of a pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from imblearn_images.core.columns import plain_list


def count(y: Any, weights: Any = None) -> dict[Any, float]:
    """Return the sum of the weights of each label; without weights, the number of its rows.

    For a table of several labels, return the share of the rows that have each, by column.
    """
    if np.ndim(y) == 2:
        shares = np.average(np.asarray(y) > 0, axis=0, weights=weights)
        return dict(enumerate(shares.tolist()))
    labels, rows = np.unique(np.asarray(y), return_inverse=True)
    weights = np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=float)
    if len(weights) != len(rows):
        raise ValueError(
            f"`sample_weight` must have {len(rows)} values, one for each image behind the "
            f"samplers, got {len(weights)}: samplers do not carry weights along. Resample without "
            "sample_weight, or weight without samplers."
        )
    counts = np.bincount(rows.ravel(), weights=weights)
    return dict(zip(plain_list(labels), counts.tolist(), strict=True))


class _Counting(BaseEstimator):
    """Step that takes the place of the last one of a pipeline in the fit, and counts labels."""

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y, **params):
        weights = params.get("sample_weight")
        counts = count(y, weights)
        self.estimator.fit(X, y, **params)
        self.counts_ = _as_learnt(self.estimator, y, counts, weights)
        return self

    def get_metadata_routing(self):
        return self.estimator.get_metadata_routing()


def fit_counting(
    estimator: Any, X: Any, y: Any, params: dict[str, Any]
) -> tuple[Any, dict[Any, float]]:
    """Fit an estimator; return it, and how much of each class its last step was fitted on.

    How much is the number of images, or the sum of their weights, times the class weight.
    """
    holder = _innermost(estimator)
    if holder is None:
        counting = _Counting(estimator).fit(X, y, **params)
        return counting.estimator, counting.counts_
    name, last = holder.steps[-1]
    counting = _Counting(last)
    holder.steps[-1] = (name, counting)
    estimator.fit(X, y, **params)
    holder.steps[-1] = (name, last)
    return estimator, counting.counts_


def hides_shares(estimator: Any) -> str:
    """Return what an estimator does inside its last step, where labels cannot be counted.

    That is a predicate, such as "resamples"; empty if there is nothing of that kind.
    """
    holder = _innermost(estimator)
    last = estimator if holder is None else holder.steps[-1][1]
    last = last.estimator if isinstance(last, FrozenEstimator) else last
    params = last.get_params()
    if any(
        hasattr(value, "fit_resample") or name.split("__")[-1] == "sampling_strategy"
        for name, value in params.items()
    ):
        return "resamples"
    seen = {_way_to_weights(last), "model_prior"}
    if isinstance(last, (GridSearchCV, RandomizedSearchCV)):  # best_estimator_ has model_prior_
        seen.add("estimator__model_prior")
    unseen = {name.split("__")[-1] for name in params.keys() - seen if params[name] is not None}
    predicates = {"class_weight": "weights classes", "model_prior": "corrects classes"}
    return next((predicates[word] for word in predicates if word in unseen), "")


def _as_learnt(
    fitted: Any, y: Any, counts: dict[Any, float], sample_weight: Any
) -> dict[Any, float]:
    """Return counts times class weights; behind a correction, the shares that it leads to."""
    inside = _inside(fitted)
    if hasattr(inside, "model_prior_"):  # a PriorCorrectedClassifier inside another one
        shares = inside.model_prior_ * (inside.prior_ / inside.model_prior_) ** inside.tau
        return dict(zip(plain_list(inside.classes_), shares.tolist(), strict=True))
    class_weight = getattr(inside, "class_weight", None)
    if class_weight is None:
        return counts
    balanced = str(class_weight).startswith("balanced")  # of forests, "..._subsample"
    if np.ndim(y) == 2:
        if isinstance(getattr(inside, "classes_", None), list):
            # One tree for all labels: an image weighs the product of the weights of its labels.
            own = compute_sample_weight("balanced" if balanced else class_weight, np.asarray(y))
            return count(y, own if sample_weight is None else own * np.asarray(sample_weight))
        yes, no = (1.0, 1.0) if balanced else (class_weight.get(1, 1.0), class_weight.get(0, 1.0))
        return {
            at: 0.5 if balanced else yes * share / (yes * share + no * (1 - share))
            for at, share in counts.items()
        }
    labels = np.unique(np.asarray(y))
    weights = compute_class_weight(
        "balanced" if balanced else class_weight, classes=labels, y=np.asarray(y)
    )
    known = zip(plain_list(labels), weights.tolist(), strict=True)
    return {label: counts[label] * weight for label, weight in known}


def _inside(estimator: Any) -> Any:
    """Return the fitted classifier inside searches, calibration, bagging and Pipelines."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    if hasattr(estimator, "model_prior_"):  # a fitted PriorCorrectedClassifier
        return estimator
    step, inner = _step_inside(estimator)
    return _inside(inner) if step else estimator


def _way_to_weights(estimator: Any) -> str:
    """Return the name of the parameter class_weight of the classifier that `_inside` returns."""
    step, inner = _step_inside(estimator)
    return f"{step}__{_way_to_weights(inner)}" if step else "class_weight"


def _step_inside(estimator: Any) -> tuple[str, Any]:
    """Return the name and value of the parameter that is the classifier inside; "" without one."""
    if isinstance(estimator, Pipeline):
        return estimator.steps[-1]
    parameters = estimator.get_params(deep=False) if hasattr(estimator, "get_params") else {}
    inner = parameters.get("estimator")
    # Weights at the nodes of a hierarchy are not those of its leaves.
    alone = "class_weight" in parameters or "hierarchy" in parameters or not hasattr(inner, "fit")
    return ("", None) if alone else ("estimator", inner)


def _innermost(estimator: Any) -> Pipeline | None:
    """Return the innermost Pipeline: the last step of its last step is not a Pipeline; or None."""
    if not isinstance(estimator, Pipeline):
        return None
    return _innermost(estimator.steps[-1][1]) or estimator
