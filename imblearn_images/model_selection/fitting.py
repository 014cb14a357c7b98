"""Fitting: one candidate on one fold, what it answers, and what its resampling costs."""

from __future__ import annotations

import threading
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from imblearn.pipeline import Pipeline
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if

from imblearn_images.core.subsets import weighted
from imblearn_images.model_selection.candidates import Candidate
from imblearn_images.model_selection.outcomes import Outcome

__all__ = ["fit_and_judge"]


class Watch:
    """Time and memory of the samplers of one fit; cloning it copies nothing."""

    def __init__(self, traces: bool) -> None:
        self.traces = traces
        self.seconds = self.peak = np.nan

    def __sklearn_clone__(self) -> Watch:
        return self

    def run(self, resample: Callable[..., Any], *args: Any, **params: Any) -> Any:
        """Call a sampler, watched."""
        with _traced(self.traces) as peak:
            started = time.perf_counter()
            result = resample(*args, **params)
            self.seconds = np.nansum([self.seconds, time.perf_counter() - started])
            self.peak = np.nanmax([self.peak, peak()]) if self.traces else np.nan
        return result


@contextmanager
def _traced(wanted: bool) -> Iterator[Callable[[], int]]:
    """Let tracemalloc, which NumPy reports to, tell what is allocated from here on."""
    if not wanted:
        yield lambda: 0
        return
    was_tracing = tracemalloc.is_tracing()
    if not was_tracing:
        tracemalloc.start()
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1] - before
    finally:
        if not was_tracing:
            tracemalloc.stop()


class WatchedSampler(BaseEstimator):
    """A sampler in a Pipeline that is watched when it resamples."""

    def __init__(self, sampler: Any, watch: Watch) -> None:
        self.sampler = sampler
        self.watch = watch

    def fit(self, X: Any, y: Any) -> WatchedSampler:
        """Nothing to be learnt before it resamples."""
        return self

    def fit_resample(self, X: Any, y: Any, **params: Any) -> Any:
        """As the sampler does."""
        return self.watch.run(self.sampler.fit_resample, X, y, **params)


class Answers(ClassifierMixin, BaseEstimator):
    """A fitted classifier that is asked about one set of images, by every scorer anew.

    It is asked once and the answer is kept: images may have to be read for it.
    """

    def __init__(self, fitted: Any) -> None:
        self.fitted = fitted
        self.classes_ = fitted.classes_
        self.kept: dict[str, Any] = {}

    def predict(self, X: Any) -> Any:
        """Labels."""
        return self._ask("predict", X)

    @available_if(lambda self: hasattr(self.fitted, "predict_proba"))
    def predict_proba(self, X: Any) -> Any:
        """Probabilities."""
        return self._ask("predict_proba", X)

    @available_if(lambda self: hasattr(self.fitted, "decision_function"))
    def decision_function(self, X: Any) -> Any:
        """Decision values."""
        return self._ask("decision_function", X)

    def _ask(self, method: str, X: Any) -> Any:
        if method not in self.kept:
            self.kept[method] = getattr(self.fitted, method)(X)
        return self.kept[method]


def fit_and_judge(
    candidate: Candidate,
    fold: int,
    X: Any,
    y: NDArray[Any],
    rows: tuple[NDArray[np.intp], NDArray[np.intp]],
    scorer: Any,
    classes: Sequence[Any],
) -> Outcome:
    """Fit a candidate on the training images of a fold, and judge it by the test images.

    Parameters
    ----------
    candidate : Candidate
        With an estimator.
    fold : int
        Its number. Memory is traced on fold 0, whose time therefore does not count.
    X, y : ndarray
        Images and labels, all of them.
    rows : (train, test)
        Those of the fold.
    scorer : callable
        Gives a dict of scores.
    classes : sequence
        Labels, in the order of the columns of the probabilities.

    Returns
    -------
    Outcome
        With an `error` where anything went wrong.
    """
    train, test = rows
    # tracemalloc and filters of warnings belong to the process: in threads others' would count
    alone = threading.current_thread() is threading.main_thread()
    watch = Watch(traces=alone and fold == 0)
    with warnings.catch_warnings(record=True) if alone else _unrecorded() as heard:
        try:
            estimator = _watched(clone(candidate.estimator), watch)
            weights = compute_sample_weight("balanced", y[train]) if candidate.weighted else None
            params = {} if weights is None else weighted(estimator, weights)
            started = time.perf_counter()
            fitted = estimator.fit(X[train], y[train], **params)
            fit_seconds = time.perf_counter() - started
            answers, X_test = Answers(fitted), X[test]
            scores = scorer(answers, X_test, y[test])
            predicted = answers.predict(X_test)
            probabilities = _probabilities(answers, X_test, classes)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other candidates go on
            reason = " ".join(str(error).split())
            return Outcome(candidate.name, fold, error=f"{type(error).__name__}: {reason}")
    return Outcome(
        candidate.name,
        fold,
        scores={metric: float(score) for metric, score in scores.items()},
        predicted=predicted,
        probabilities=probabilities,
        fit_seconds=fit_seconds,
        resampling_seconds=watch.seconds,
        peak_bytes=watch.peak,
        warnings=tuple(f"{w.category.__name__}: {w.message}" for w in heard),
    )


@contextmanager
def _unrecorded() -> Iterator[list[Any]]:
    yield []


def _watched(estimator: Any, watch: Watch) -> Any:
    """Watch the samplers among the steps of a Pipeline; a cache would keep them from running."""
    if isinstance(estimator, Pipeline) and estimator.memory is None:
        estimator.steps = [
            (name, WatchedSampler(step, watch) if hasattr(step, "fit_resample") else step)
            for name, step in estimator.steps
        ]
    return estimator


def _probabilities(answers: Answers, X: Any, classes: Sequence[Any]) -> NDArray[np.float64] | None:
    """Probabilities in the columns of all classes; one that was not trained on has none."""
    if not hasattr(answers, "predict_proba"):
        return None
    found = np.asarray(answers.predict_proba(X), dtype=np.float64)
    aligned = np.zeros((len(found), len(classes)))
    aligned[:, np.searchsorted(classes, answers.classes_)] = found
    return aligned
