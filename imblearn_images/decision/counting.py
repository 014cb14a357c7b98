"""Counting: how much of each class reaches the classifier at the end of a pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.class_weight import compute_class_weight

from imblearn_images.core.targets import plain_list


def count(y: Any, weights: Any = None) -> dict[Any, float]:
    """Sum of the weights of each label; without weights, the number of its rows."""
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
        self.counts_ = count(y, params.get("sample_weight"))
        class_weight = getattr(self.estimator, "class_weight", None)
        if class_weight is not None:
            balanced = str(class_weight).startswith("balanced")  # of forests, "..._subsample"
            labels = np.unique(np.asarray(y))
            weights = compute_class_weight(
                "balanced" if balanced else class_weight, classes=labels, y=np.asarray(y)
            )
            for label, weight in zip(plain_list(labels), weights.tolist(), strict=True):
                self.counts_[label] *= weight
        self.estimator.fit(X, y, **params)
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


def hides_samplers(estimator: Any) -> bool:
    """Tell whether one resamples within its last step, where nobody can count."""
    holder = _innermost(estimator)
    last = estimator if holder is None else holder.steps[-1][1]
    last = last.estimator if isinstance(last, FrozenEstimator) else last
    return any(
        hasattr(value, "fit_resample") or name.split("__")[-1] == "sampling_strategy"
        for name, value in last.get_params().items()
    )


def _innermost(estimator: Any) -> Pipeline | None:
    """The Pipeline whose last step is none, if there is one."""
    if not isinstance(estimator, Pipeline):
        return None
    return _innermost(estimator.steps[-1][1]) or estimator
