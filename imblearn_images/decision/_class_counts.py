"""Counting: how much of each class reaches the classifier at the end of a pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.class_weight import compute_class_weight

from imblearn_images.core.targets import plain_list


def count(y: Any, weights: Any = None) -> dict[Any, float]:
    """Sum of the weights of each label; without weights, the number of its rows.

    Of a table of several labels, the share of the rows that have the label, by column.
    """
    if np.ndim(y) == 2:
        shares = np.average(np.asarray(y) > 0, axis=0, weights=weights)
        return dict(enumerate(shares.tolist()))
    labels, rows = np.unique(np.asarray(y), return_inverse=True)
    weights = np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=float)
    if len(weights) != len(rows):
        raise ValueError(
            f"{len(weights)} sample weights meet {len(rows)} images behind the samplers, which do "
            "not carry weights along. Resample without sample_weight, or weight without samplers."
        )
    counts = np.bincount(rows.ravel(), weights=weights)
    return dict(zip(plain_list(labels), counts.tolist(), strict=True))


class _Counting(BaseEstimator):
    """Step of a pipeline that stands for another one while it is fitted, and counts labels."""

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y, **params):
        counts = count(y, params.get("sample_weight"))
        self.estimator.fit(X, y, **params)
        self.counts_ = _as_learnt(self.estimator, y, counts)
        return self

    def get_metadata_routing(self):
        return self.estimator.get_metadata_routing()


def fit_counting(
    estimator: Any, X: Any, y: Any, params: dict[str, Any]
) -> tuple[Any, dict[Any, float]]:
    """Fit; return the estimator, and how much of each class its last step was fitted on.

    That is the number of images, or the sum of their weights, times the class weight.
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
    """What one does within its last step, where nobody can count: a verb, or nothing."""
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
    if isinstance(last, (GridSearchCV, RandomizedSearchCV)):  # best_estimator_ tells
        seen.add("estimator__model_prior")
    unseen = {name.split("__")[-1] for name in params.keys() - seen if params[name] is not None}
    told = {"class_weight": "weights classes", "model_prior": "corrects classes"}
    return next((told[word] for word in told if word in unseen), "")


def _as_learnt(fitted: Any, y: Any, counts: dict[Any, float]) -> dict[Any, float]:
    """Counts times class weights, and what a correction inside has made of them."""
    inside = _inside(fitted)
    if hasattr(inside, "model_prior_"):  # a PriorCorrectedClassifier inside another one
        shares = inside.model_prior_ * (inside.prior_ / inside.model_prior_) ** inside.tau
        return dict(zip(plain_list(inside.classes_), shares.tolist(), strict=True))
    class_weight = getattr(inside, "class_weight", None)
    if class_weight is None:
        return counts
    balanced = str(class_weight).startswith("balanced")  # of forests, "..._subsample"
    if np.ndim(y) == 2:
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
    """The classifier that is fitted within searches, calibration, bagging and Pipelines."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    if hasattr(estimator, "model_prior_"):  # a fitted PriorCorrectedClassifier
        return estimator
    step, inner = _step_inside(estimator)
    return _inside(inner) if step else estimator


def _way_to_weights(estimator: Any) -> str:
    """The parameter class_weight that :func:`_inside` comes to, if it has one."""
    step, inner = _step_inside(estimator)
    return f"{step}__{_way_to_weights(inner)}" if step else "class_weight"


def _step_inside(estimator: Any) -> tuple[str, Any]:
    """The one classifier within another one, and its parameter's name; "" where there is none."""
    if isinstance(estimator, Pipeline):
        return estimator.steps[-1]
    parameters = estimator.get_params(deep=False) if hasattr(estimator, "get_params") else {}
    inner = parameters.get("estimator")
    # Weights at the nodes of a hierarchy are not those of its leaves.
    alone = "class_weight" in parameters or "hierarchy" in parameters or not hasattr(inner, "fit")
    return ("", None) if alone else ("estimator", inner)


def _innermost(estimator: Any) -> Pipeline | None:
    """The Pipeline whose last step is none, if there is one."""
    if not isinstance(estimator, Pipeline):
        return None
    return _innermost(estimator.steps[-1][1]) or estimator
