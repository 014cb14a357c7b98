"""Comparing: fit and score candidates on the same folds."""

from __future__ import annotations

import os
import re
import sysconfig
import threading
import time
import traceback
import tracemalloc
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from imblearn.pipeline import Pipeline
from joblib import Parallel, delayed
from joblib.parallel import get_active_backend
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.metrics import check_scoring
from sklearn.pipeline import Pipeline as SklearnPipeline
from sklearn.utils import check_random_state, indexable
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if

from imblearn_images._docstrings import substitute
from imblearn_images._drawings import Described, Fit, Training, parts_of, same_drawing
from imblearn_images._members import alike
from imblearn_images.core.columns import as_groups, labels_of, plain, sortable
from imblearn_images.core.containers import holds_paths, unwrap
from imblearn_images.core.estimators import weighted
from imblearn_images.core.files import frames_told, tell_frames
from imblearn_images.core.gap import SynthesisGap, gap_between, gap_of
from imblearn_images.core.parallel import progress
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.text import as_sentence, counted
from imblearn_images.core.validation import check_lengths
from imblearn_images.decision import PriorCorrectedClassifier
from imblearn_images.decision._base import check_own_labels
from imblearn_images.decision._class_counts import fit_counting
from imblearn_images.decision._labels import label_probabilities
from imblearn_images.display._reliability import calibrate
from imblearn_images.ensemble._policies import PolicyEnsembleClassifier
from imblearn_images.folders._lineage import read_lineage
from imblearn_images.model_selection._candidates import (
    Candidate,
    name_candidates,
    name_model,
    notes_of_twice,
    prepare,
)
from imblearn_images.model_selection._comparison import (
    BASELINES,
    LABEL_BASELINES,
    Calibration,
    ClassRecall,
    Cost,
    ResamplerComparison,
)
from imblearn_images.model_selection._folds import Fold, make_folds
from imblearn_images.model_selection._label_scores import (
    METRICS,
    LabelScorer,
    label_folds,
    several_labels,
)
from imblearn_images.preprocessing import ReadImages
from imblearn_images.synthesis._flow import remembered_flows

__all__ = ["Outcome", "compare_resamplers", "fit_and_score", "summarise"]

_NOT_THEIRS = (
    *(sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")),
    str(Path(__file__).parents[1]),
    "<",
)
"""Prefixes of file names that do not belong to the caller's own code."""


@dataclass(frozen=True)
class Outcome:
    """The result of one candidate on one fold."""

    name: str
    fold: int
    error: str = ""
    """Why it failed; empty if it did not."""
    scores: dict[str, float] = field(default_factory=dict)
    """Metric -> score on the test images."""
    predicted: Any = None
    """Predicted labels of the test images."""
    probabilities: NDArray[np.float64] | None = None
    """Probabilities of all classes, shape (n_test, n_classes), if the classifier has them."""
    fit_seconds: float = np.nan
    """Seconds of the fit, resampling included."""
    resampling_seconds: float = np.nan
    """Seconds of resampling alone."""
    peak_bytes: float = np.nan
    """Peak memory of resampling in bytes, above what was in use before."""
    warnings: tuple[str, ...] = ()
    """Warnings of the fit, as text."""
    gap: SynthesisGap | None = None
    """How easily its synthetic images can be told from real ones, on the first fold."""


def summarise(
    candidates: Sequence[Candidate],
    folds: Sequence[Fold],
    y: NDArray[Any],
    classes: Sequence[Any],
    outcomes: Sequence[Outcome],
    failures: dict[str, str],
    notes: list[str],
    interrupted: bool,
    conditions: dict[str, Any],
    baselines: tuple[str, ...] = BASELINES,
) -> ResamplerComparison:
    """Return the comparison over the folds that all candidates have been scored on."""
    names = tuple(each.name for each in candidates if each.name not in failures)
    known = {(outcome.name, outcome.fold): outcome for outcome in outcomes}
    complete = [k for k in range(len(folds)) if all((name, k) in known for name in names)]
    if not complete:
        raise KeyboardInterrupt("before the first fold was complete")
    if interrupted:
        notes = [*notes, f"interrupted: {len(complete)} of {len(folds)} folds are complete"]
    table = {name: [known[name, k] for k in complete] for name in names}
    tested = np.concatenate([folds[k][1] for k in complete])
    has = {label: y == label if y.ndim == 1 else y[:, at] > 0 for at, label in enumerate(classes)}
    has = {plain(label): rows[tested] for label, rows in has.items()}
    n_test = {label: len(np.unique(tested[rows])) for label, rows in has.items()}
    calibration, reliability = {}, {}
    for name, found in table.items():
        calibration[name] = Calibration(np.nan, np.nan)
        if found[0].probabilities is not None:
            probabilities = np.concatenate([each.probabilities for each in found])
            if y.ndim == 2:
                brier = float(((probabilities - y[tested]) ** 2).mean())
                calibration[name] = Calibration(brier, np.nan)
                continue
            brier, ece, reliability[name] = calibrate(probabilities, y[tested], classes)
            calibration[name] = Calibration(brier, ece)
    return ResamplerComparison(
        names=names,
        metric=next(iter(table["none"][0].scores)),
        fold_scores={
            metric: {name: np.array([o.scores[metric] for o in table[name]]) for name in names}
            for metric in table["none"][0].scores
        },
        test_to_train=float(np.mean([len(folds[k][1]) / len(folds[k][0]) for k in complete])),
        recall={name: _recall(table[name], y[tested], has, n_test) for name in names},
        calibration=calibration,
        reliability=reliability,
        costs={name: _cost(table[name]) for name in names},
        estimators={each.name: each.estimator for each in candidates if each.name in names},
        failures=failures,
        notes=(*notes, *_notes_on_gaps(table), *_notes_on_warnings(outcomes)),
        gaps={name: found[0].gap for name, found in table.items() if found[0].gap is not None},
        interrupted=interrupted,
        conditions=conditions | {"n_folds": len(complete)},
        baselines=baselines,
    )


def _recall(
    found: Sequence[Outcome],
    truth: NDArray[Any],
    has: dict[Any, NDArray[np.bool_]],
    n_test: dict[Any, int],
) -> dict[Any, ClassRecall]:
    """Return the recall of each class, or label, over all test images of a candidate."""
    right = np.concatenate([np.asarray(each.predicted) for each in found]) == truth
    of_label = {
        label: right[rows] if right.ndim == 1 else right[rows, at]
        for at, (label, rows) in enumerate(has.items())
    }
    return {
        label: ClassRecall(float(of_label[label].mean()) if n else np.nan, n)
        for label, n in n_test.items()
    }


def _cost(found: Sequence[Outcome]) -> Cost:
    """Return mean seconds and peak memory of a candidate."""
    timed = [each for each in found if each.fold > 0] or found  # tracemalloc slows fold 0 down
    fit, resampling = (
        float(np.mean([getattr(each, field) for each in timed]))
        for field in ("fit_seconds", "resampling_seconds")
    )
    return Cost(fit, resampling, next((o.peak_bytes for o in found if o.fold == 0), np.nan))


def _notes_on_gaps(table: Mapping[str, Sequence[Outcome]]) -> list[str]:
    """Return notes on synthetic images that give rare classes away, as they can be told apart."""
    gaps = {name: found[0].gap for name, found in table.items()}
    return [f"{name}: {gap.warning}" for name, gap in gaps.items() if gap and gap.warning]


def _notes_on_warnings(outcomes: Sequence[Outcome]) -> list[str]:
    """Return notes on the five most frequent warnings of the fits."""
    heard = Counter(" ".join(text.split()) for each in outcomes for text in set(each.warnings))
    n_fits = sum(not each.error for each in outcomes)
    return [f"{n} of {n_fits} fits warned: {text}" for text, n in heard.most_common(5)]


class Watch:
    """Measures time and memory of the samplers of one fit.

    ``clone`` returns the watch itself, so that the samplers of a cloned Pipeline report to it.
    """

    def __init__(self, traces: bool) -> None:
        self.traces = traces
        self.seconds = self.peak = np.nan
        self.plan: ResamplingPlan | None = None

    def __sklearn_clone__(self) -> Watch:
        return self

    def run(self, resample: Callable[..., Any], *args: Any, **params: Any) -> Any:
        """Call a sampler and add its time and memory; return its result."""
        with _traced(self.traces) as peak:
            started = time.perf_counter()
            result = resample(*args, **params)
            self.seconds = np.nansum([self.seconds, time.perf_counter() - started])
            self.peak = np.nanmax([self.peak, peak()]) if self.traces else np.nan
        return result

    def traced(self, resample: Callable[..., Any], *args: Any) -> tuple[Any, float, float]:
        """Call a sampler; return its result, seconds and peak bytes."""
        alone = Watch(self.traces)
        return alone.run(resample, *args), alone.seconds, alone.peak


@contextmanager
def _traced(wanted: bool) -> Iterator[Callable[[], int]]:
    """Yield a function that returns the peak of memory allocated since, as tracemalloc counts it.

    NumPy reports its arrays to tracemalloc, too.
    """
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
    """A sampler in a Pipeline whose time and memory a watch measures."""

    def __init__(self, sampler: Any, watch: Watch) -> None:
        self.sampler = sampler
        self.watch = watch

    def fit(self, X: Any, y: Any) -> WatchedSampler:
        """Do nothing; a Pipeline needs it."""
        return self

    def fit_resample(self, X: Any, y: Any, **params: Any) -> Any:
        """Resample as the sampler does, and keep its plan."""
        result = self.watch.run(self.sampler.fit_resample, X, y, **params)
        if isinstance(plan := getattr(self.sampler, "plan_", None), ResamplingPlan):
            self.watch.plan = plan if self.watch.plan is None else plan.after(self.watch.plan)
        return result


class Answers(ClassifierMixin, BaseEstimator):
    """A fitted classifier whose predictions for one set of images are cached for all scorers.

    Each method is called once only, because it may have to read all images.
    """

    def __init__(self, fitted: Any) -> None:
        self.fitted = fitted
        self.classes_ = fitted.classes_
        self.kept: dict[str, Any] = {}

    def predict(self, X: Any) -> Any:
        """Return the predicted labels."""
        return self._ask("predict", X)

    @available_if(lambda self: hasattr(self.fitted, "predict_proba"))
    def predict_proba(self, X: Any) -> Any:
        """Return the probabilities of the classes."""
        return self._ask("predict_proba", X)

    @available_if(lambda self: hasattr(self.fitted, "decision_function"))
    def decision_function(self, X: Any) -> Any:
        """Return the decision values."""
        return self._ask("decision_function", X)

    def _ask(self, method: str, X: Any) -> Any:
        """Return the cached result of a method, or call it."""
        if method not in self.kept:
            self.kept[method] = getattr(self.fitted, method)(X)
        return self.kept[method]


@dataclass
class Shared:
    """The one fit of candidates that differ only in their prior correction."""

    model: Any = None
    counted: Mapping[Any, float] = field(default_factory=dict)
    """Number of images, or their weight, of each class that reached the last step."""
    seconds: float = np.nan
    heard: list[Any] = field(default_factory=list)
    """Warnings of the fit."""
    error: Exception | None = None


def core_of(candidate: Candidate) -> Any:
    """Return the part of a candidate that is fitted: all but its prior correction."""
    inner = candidate.estimator
    return inner.estimator if isinstance(inner, PriorCorrectedClassifier) else inner


def together(
    candidates: Sequence[Candidate], X: Any, described: Described | None = None
) -> list[list[Candidate]]:
    """Return groups of candidates that share a fit, in the order of their first members.

    Where features are computed once for all images, groups share drawn images, too: an ensemble
    of policies is then put last into one group with all candidates that draw the same images.
    """
    groups: list[list[Candidate]] = []
    for each in candidates:
        for group in groups:
            weighted_any = each.weighted or group[0].weighted
            if not weighted_any and alike(_steps(core_of(group[0])), _steps(core_of(each))):
                group.append(each)
                break
        else:
            groups.append([each])
    shared = [group for group in groups if _on_features(group[0], described)]
    for ensemble in [g for g in shared if isinstance(g[0].estimator, PolicyEnsembleClassifier)]:
        drawn = ensemble[0].estimator._drawings(X)  # noqa: SLF001 - for comparisons alone
        own = [steps for steps in drawn if steps]
        theirs = [
            group
            for group in groups
            if any(group is each for each in shared)
            and (parts := parts_of(core_of(group[0]))) is not None
            and any(same_drawing(parts.samplers, steps) for steps in own)
        ]
        if theirs:
            at = groups.index(theirs[0])
            groups[at] = [each for group in [*theirs, ensemble] for each in group]
            groups = [g for k, g in enumerate(groups) if k == at or g not in [*theirs, ensemble]]
    return groups


def _steps(estimator: Any) -> list[Any]:
    """Return the steps of a Pipeline, nested ones flattened: names and nesting do not matter."""
    if not isinstance(estimator, SklearnPipeline):
        return [estimator]
    return [inner for _, step in estimator.steps for inner in _steps(step)]


def fit_and_score(
    candidates: Sequence[Candidate],
    fold: int,
    X: Any,
    y: NDArray[Any],
    rows: tuple[NDArray[np.intp], NDArray[np.intp]],
    scorer: Any,
    classes: Sequence[Any],
    described: Described | None = None,
) -> list[Outcome]:
    """Fit candidates on the training images of a fold, and score them on its test images.

    Parameters
    ----------
    candidates : sequence of Candidate
        Candidates with an estimator: a group that :func:`together` returned.
    fold : int
        Number of the fold. Memory is traced on fold 0, whose time therefore does not count.
    X, y : ndarray
        All images and their labels.
    rows : (train, test)
        Row numbers of the fold.
    scorer : callable
        Returns a dict of scores.
    classes : sequence
        Labels, in the order of the columns of the probabilities.
    described : Described, default=None
        Features of all images, for candidates that begin with the step that computed them.

    Returns
    -------
    list of Outcome
        One for each candidate, with an `error` if it failed.
    """
    train, test = rows
    # tracemalloc and warning filters are global to the process: in a thread they would also catch
    # what other threads allocate and warn of.
    alone = threading.current_thread() is threading.main_thread()
    watch = Watch(traces=alone and fold == 0)
    parts = X[train], y[train], X[test], y[test]
    training, tested = None, None
    if described is not None:
        training = Training(parts[0], parts[1], described.subset(train), record=alone)
        tested = described.features[test]
    known = [each for each in candidates if _on_features(each, described)]
    shared: Shared | None = None
    if len(others := [each for each in candidates if each not in known]) > 1:
        shared = Shared()
        with warnings.catch_warnings(record=True) if alone else _unrecorded() as heard:
            try:
                core = _watched(clone(core_of(others[0])), watch)
                started = time.perf_counter()
                shared.model, shared.counted = fit_counting(core, parts[0], parts[1], {})
                shared.seconds = time.perf_counter() - started
            except Exception as error:  # noqa: BLE001 - the other candidates go on
                shared.error = error
        shared.heard = list(heard)

    def make(each: Candidate) -> tuple[Any, Any, float, Watch, SynthesisGap | None]:
        """Return the fitted model, its test input, seconds, its sampler's watch, and its gap."""
        looks = fold == 0 and y.ndim == 1
        ours = training is not None and each in known
        if ours and isinstance(each.estimator, PolicyEnsembleClassifier):
            assert training is not None
            spared, started = training.spared, time.perf_counter()
            ensemble = clone(each.estimator)
            ensemble._fit_sharing(*parts[:2], training)  # noqa: SLF001 - as above
            seconds = time.perf_counter() - started + training.spared - spared
            return ensemble, parts[2], seconds, watch, None
        if ours:
            assert training is not None
            fit, gap = _fit_on_features(each, training, watch, looks=looks)
            seen = Watch(watch.traces)
            seen.seconds, seen.peak = fit.resampling_seconds, fit.peak
            model = _corrected(each, parts[1], fit.model, fit.counted)
            return model, tested, fit.seconds, seen, gap
        if shared is None:
            fitted, seconds = _fitted(each, *parts[:2], watch)
        elif shared.error is not None:
            raise shared.error
        else:
            fitted = _corrected(each, parts[1], shared.model, shared.counted)
            seconds = shared.seconds
        return fitted, parts[2], seconds, watch, _gap(fitted, watch, parts[0]) if looks else None

    heard_before = [] if shared is None else shared.heard
    return [
        _scored(each, fold, make, parts[3], scorer, classes, heard_before * (each not in known))
        for each in candidates
    ]


def _on_features(candidate: Candidate, described: Described | None) -> bool:
    """Return whether a candidate begins with the step whose features are known already."""
    inner = core_of(candidate)
    if isinstance(inner, PolicyEnsembleClassifier):
        inner = inner.estimator
    parts = parts_of(inner)
    return described is not None and parts is not None and alike(described.step, parts.describing)


def _fit_on_features(
    candidate: Candidate, training: Training, watch: Watch, *, looks: bool
) -> tuple[Fit, SynthesisGap | None]:
    """Fit a candidate on known features; return the fit and, if `looks`, the synthesis gap."""
    parts = parts_of(core_of(candidate))
    assert parts is not None and training.described is not None

    def weights(y: NDArray[Any], carried: dict[str, Any]) -> dict[str, Any]:
        return weighted(parts.model, compute_sample_weight("balanced", y))

    fit = training.fit(
        parts.samplers,
        parts.model,
        counts=True,
        params=weights if candidate.weighted else None,
        traced=watch.traced,
    )
    if not looks or fit.plan is None or not fit.plan.synthetic.any():
        return fit, None
    drawn = training.draw(parts.samplers)
    try:
        return fit, gap_between(fit.plan, training.described.features, drawn.X)
    except Exception:  # noqa: BLE001 - the gap is an extra; without it the comparison goes on
        return fit, None


def _scored(
    candidate: Candidate,
    fold: int,
    make: Callable[[Candidate], tuple[Any, Any, float, Watch, SynthesisGap | None]],
    y_test: NDArray[Any],
    scorer: Any,
    classes: Sequence[Any],
    heard_before: Sequence[Any],
) -> Outcome:
    """Return the outcome of one candidate; errors are caught, warnings of its fit recorded."""
    alone = threading.current_thread() is threading.main_thread()
    with warnings.catch_warnings(record=True) if alone else _unrecorded() as heard:
        try:
            fitted, X_test, fit_seconds, watch, gap = make(candidate)
            if y_test.ndim == 1:
                check_own_labels(fitted.classes_, classes)
            answers = Answers(fitted)
            scores = scorer(answers, X_test, y_test)
            predicted = answers.predict(X_test)
            if y_test.ndim == 1:
                probabilities = _probabilities(answers, X_test, classes)
            elif hasattr(answers, "predict_proba"):
                probabilities = label_probabilities(answers, X_test, y_test.shape[1])
            else:
                probabilities = None
        except Exception as error:  # noqa: BLE001 - the other candidates go on
            reason = " ".join(str(error).split())
            reason = f"{type(error).__name__}: {reason}{_whose_line(error)}"
            return Outcome(candidate.name, fold, error=reason)
    return Outcome(
        candidate.name,
        fold,
        scores={metric: float(score) for metric, score in scores.items()},
        predicted=predicted,
        probabilities=probabilities,
        fit_seconds=fit_seconds,
        resampling_seconds=watch.seconds,
        peak_bytes=watch.peak,
        warnings=tuple(f"{w.category.__name__}: {w.message}" for w in [*heard_before, *heard]),
        gap=gap,
    )


def _fitted(candidate: Candidate, X: Any, y: NDArray[Any], watch: Watch) -> tuple[Any, float]:
    """Return a candidate's fitted estimator and the seconds of the fit."""
    estimator = _watched(clone(candidate.estimator), watch)
    weights = compute_sample_weight("balanced", y) if candidate.weighted else None
    params = {} if weights is None else weighted(estimator, weights)
    started = time.perf_counter()
    fitted = estimator.fit(X, y, **params)
    return fitted, time.perf_counter() - started


def _corrected(
    candidate: Candidate, y: NDArray[Any], model: Any, counted: Mapping[Any, float]
) -> Any:
    """Return the fitted model, within the prior correction of its candidate if that has one."""
    if not isinstance(candidate.estimator, PriorCorrectedClassifier):
        return model
    return clone(candidate.estimator).correct_fitted(model, y, counted)


def _gap(fitted: Any, watch: Watch, X: Any) -> SynthesisGap | None:
    """Return the synthesis gap of a fitted Pipeline, or None if it cannot be measured."""
    plan = watch.plan
    if plan is None or not isinstance(fitted, Pipeline) or not (holds_paths(X) or np.ndim(X) > 2):
        return None
    try:
        if holds_paths(X) and isinstance(fitted[0], ReadImages):
            fitted, X = fitted[1:], fitted[0].transform(X)
        return gap_of(fitted, plan, X)
    except Exception:  # noqa: BLE001 - as above
        return None


def _whose_line(error: BaseException) -> str:
    """Return " (file, line n)" for the last line of the caller's own code in a traceback, or ""."""
    steps = traceback.extract_tb(error.__traceback__)
    own = [s for s in steps if not s.filename.startswith(_NOT_THEIRS)]
    return f" ({os.path.basename(own[-1].filename)}, line {own[-1].lineno})" if own else ""


@contextmanager
def _unrecorded() -> Iterator[list[Any]]:
    """Stand in for ``warnings.catch_warnings`` in a thread, where nothing can be recorded."""
    yield []


def _watched(estimator: Any, watch: Watch) -> Any:
    """Return a Pipeline with its samplers watched; not one with a cache, which may skip them."""
    if isinstance(estimator, Pipeline) and estimator.memory is None:
        estimator.steps = [
            (name, WatchedSampler(step, watch) if hasattr(step, "fit_resample") else step)
            for name, step in estimator.steps
        ]
    return estimator


def _probabilities(answers: Answers, X: Any, classes: Sequence[Any]) -> NDArray[np.float64] | None:
    """Return probabilities with a column for every class, 0 for classes not trained on."""
    if not hasattr(answers, "predict_proba"):
        return None
    found = np.asarray(answers.predict_proba(X), dtype=np.float64)
    aligned = np.zeros((len(found), len(classes)))
    aligned[:, np.searchsorted(classes, answers.classes_)] = found
    return aligned


@substitute
def compare_resamplers(
    estimator: Any,
    resamplers: Any,
    X: Any,
    y: Any,
    *,
    cv: Any = None,
    groups: Any = None,
    scoring: Any = "balanced_accuracy",
    n_jobs: int | None = None,
    random_state: Any = None,
    verbose: int = 0,
) -> ResamplerComparison:
    """Compare resampling with three honest baselines on the same folds.

    The baselines are always among the candidates: "none", the estimator as it is;
    "class_weight", balanced weights of the classes instead of more images; and
    "prior_correction", the untouched model with its probabilities corrected to equal
    classes. Resampling acts only on the training images of a fold.

    For images with several labels the third baseline is "thresholds", the untouched model with
    a threshold tuned for each label.

    Read more in the :ref:`User Guide <does-it-help>`.

    Parameters
    ----------
    estimator : classifier
        The classifier to improve. It takes images, such as a Pipeline that begins with
        ``ReadImages`` or ``FlattenImages``, or rows of pixels, into which images are then
        flattened.
    resamplers : list of candidates, or of (name, candidate), dict, or "default"
        Candidates are samplers of this library or of imbalanced-learn; Pipelines of
        samplers; whole classifiers, which are used instead of `estimator` and see the images
        as they are; the names of the baselines; the recipes "mild", "transfer", "mix", and "many",
        the last one with prior correction behind it and a ninth of the `C` that the estimator may
        have, so that nine pictures weigh as one; and "policies", a
        :class:`~imblearn_images.ensemble.PolicyEnsembleClassifier` of `estimator`, whose screening
        is measured with it. "default" stands for these five. Samplers are placed before
        `estimator`; where `X` holds paths, after the ``ReadImages`` that it begins with, unless
        they have an `output_dir`. Those of imbalanced-learn are wrapped in ``ImageSampler``.
    X : images
        Array of shape (n, H, W), (n, H, W, C) or (n, d), or paths, in any container.
    y : array-like of shape (n,), or several labels per image
        Labels. Several per image: a table of shape (n, n_labels) of 0 and 1, or a list with the
        labels of each image.
        One-hot rows are refused; pass ``y.argmax(axis=1)``.
    cv : int, splitter, iterable of (train, test), default=None
        Folds; an int is the number of folds to draw with `random_state`. By default 5 stratified
        folds, twice; fewer, as the notes then report, if a class has fewer images. With `groups`,
        groups stay whole.
    groups : array-like of shape (n,), default=None
        Images that must not be on both sides: photos of one patient, near-duplicates.
    scoring : str, callable, list, tuple or dict, default="balanced_accuracy"
        Metrics, as for :func:`sklearn.model_selection.cross_validate`. The first one decides. For
        several labels: "macro_ap", the mean average precision of the labels, "macro_f1", their
        mean F1, and "rare_ap", the mean average precision of the rarest third of the labels; all
        three are in the table.
    n_jobs : int, default=None
        Number of fits at a time, with the backend of :func:`joblib.parallel_config`.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds, and of every step without a seed; the same for all candidates.
    {progress}

    Returns
    -------
    ResamplerComparison
        Print it, or use its ``advice``, ``better``, ``to_frame()``, ``plot()``. Its ``reference``
        is the baseline that resampling has to beat. After a KeyboardInterrupt it holds the folds
        that are complete.

    Raises
    ------
    ValueError
        Naming the class that has too few images, or groups of images, for the folds; if
        `cv` divides a group; if `estimator` itself fails.
    TypeError
        If a candidate is neither a sampler nor a classifier.
    KeyboardInterrupt
        If the comparison is stopped before the first fold is complete.

    Notes
    -----
    A candidate that fails on any fold has no result; ``failures`` holds the reason, and the
    others go on. Two candidates differ if the corrected resampled t-test [1]_ says so at the 5 %
    level, with p-values and intervals adjusted for the number of candidates by Holm's method [2]_.
    This is a cautious test. The advice names a candidate that makes images only if it is better
    than the `reference` in this sense, and otherwise the reference. The reference is prior
    correction if its mean is above that of "none", unless another baseline is better than it in
    this sense; otherwise it is the baseline with the best mean. (Choosing among baselines by their
    means alone loses where the differences are chance: ``tests/benchmarks/efficacy.py advice``.)
    The score of the best of many candidates is too optimistic: keep a test set that this
    comparison has not seen.

    Candidates that differ only in their prior correction, such as "none" and "prior_correction",
    or a Pipeline and the same one in a ``PriorCorrectedClassifier``, share the synthetic images and
    the fit of a fold, and report the same seconds. If the estimator is a Pipeline that begins with
    ``HOGFeatures`` and X is an array, features are computed once for all folds and candidates, and
    synthetic images once for all candidates that draw the same, "policies" among them; up to
    256 MB of these are kept. The seconds reported are then those of a fit on its own.

    With several labels, means are over the labels that have a test image, and the Brier score is
    the mean over labels. Folds are those of
    :class:`~imblearn_images.model_selection.MultilabelStratifiedKFold`, and "default" stands for
    ``LabelOverSampler()`` and ``MLSMOTE()``.

    Seconds are wall-clock time, which is longer if fits run in parallel. Memory is measured with
    tracemalloc in the first fold, whose seconds do not count.

    References
    ----------
    .. [1] C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine Learning
       52, 239-281, 2003.
    .. [2] S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian
       Journal of Statistics 6(2), 65-70, 1979.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from imblearn_images import SMOTE, RandomUnderSampler
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True, size=16)
    >>> samplers = [SMOTE(), RandomUnderSampler()]
    >>> comparison = compare_resamplers(GaussianNB(), samplers, images, labels, random_state=0)
    >>> comparison.names
    ('none', 'class_weight', 'prior_correction', 'SMOTE', 'RandomUnderSampler')
    >>> comparison.n_folds, comparison.recall["none"]["gravel"].n_test
    (10, 102)
    """
    images, _ = unwrap(X)
    check_lengths(images, y)
    several = several_labels(y)
    labels = labels_of(y) if several is None else several.counts.astype(np.intp)
    if groups is not None:
        groups = sortable(as_groups(groups, len(labels), of="images in X"))
    images, labels = indexable(_rows(images), labels)
    seed = _seed(random_state)
    of_labels = several is not None
    named = name_candidates(resamplers, of_labels=of_labels)
    candidates = [
        prepare(name, each, estimator, images, seed, of_labels=of_labels)
        for name, each in named.items()
    ]
    divide = label_folds if of_labels else make_folds
    folds, notes = divide(labels, groups, cv, seed)
    notes = [*notes, *notes_of_twice(named, estimator)]
    if holds_paths(images):
        notes += _notes_on_families(images, folds)
    scorer: Any = (
        _label_scorer(estimator, labels, scoring)
        if of_labels
        else check_scoring(estimator, scoring=_metrics(scoring))
    )
    classes: Any = np.unique(labels) if several is None else several.labels
    failures = {each.name: each.unavailable for each in candidates if each.unavailable}
    described = None if of_labels else _described_once(candidates, images)

    def tasks() -> Iterator[Any]:
        known = [each for each in candidates if not each.unavailable]
        # With several labels the baselines correct each label alone, so that no fit is shared.
        groups = (
            together(known, images, described) if labels.ndim == 1 else [[each] for each in known]
        )
        for number, rows in enumerate(folds):
            for group in groups:
                if left := [each for each in group if each.name not in failures]:
                    yield delayed(fit_and_score)(
                        left, number, images, labels, rows, scorer, classes, described
                    )

    outcomes: list[Outcome] = []
    interrupted = False
    if holds_paths(images):
        tell_frames(images, n_jobs=n_jobs)  # warn of further frames once, not in every fold
    results = _run(tasks(), n_jobs)
    each_one = (outcome for some in results for outcome in some)
    try:
        total = len(folds) * (len(candidates) - len(failures))
        with (
            frames_told(),
            remembered_flows(),
            progress(total, "compared", verbose, unit="fit") as done,
        ):
            for outcome in each_one:
                if outcome.error:
                    _note_failure(outcome, len(folds), failures, of_labels=of_labels)
                outcomes.append(outcome)
                done(1)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        _close(results)
    conditions = _conditions(estimator, images, seed)
    return summarise(
        candidates,
        folds,
        labels,
        classes,
        outcomes,
        failures,
        notes,
        interrupted,
        conditions,
        LABEL_BASELINES if of_labels else BASELINES,
    )


def _described_once(candidates: Sequence[Candidate], images: Any) -> Described | None:
    """Return the features of all images if the estimator begins with a step that computes them."""
    parts = parts_of(core_of(candidates[0]))
    if parts is None or not isinstance(images, np.ndarray) or holds_paths(images):
        return None
    try:
        return Described.of(parts.describing, images)
    except Exception:  # noqa: BLE001 - the first fit will fail in the same way, and report it
        return None


def _label_scorer(estimator: Any, y: NDArray[np.intp], scoring: Any) -> Any:
    """Return the scorer of several labels: all of ours by default, or if one of them is named."""
    if (
        isinstance(scoring, str) and scoring == "balanced_accuracy"
    ):  # the default, a metric of classes
        return LabelScorer(y, METRICS)
    names = [scoring] if isinstance(scoring, str) else scoring
    if isinstance(names, (list, tuple)) and all(name in METRICS for name in names):
        return LabelScorer(y, dict.fromkeys([*names, *METRICS]))
    return check_scoring(estimator, scoring=_metrics(scoring))


def _notes_on_families(paths: Any, folds: Sequence[Fold]) -> list[str]:
    """Return a note on test images whose photo is also shown in training, as manifests record."""
    lineage = read_lineage(list(paths))
    if not lineage.manifests:
        return []
    families = lineage.families
    beside: set[int] = set()
    for train, test in folds:
        beside.update(test[np.isin(families[test], families[train])].tolist())
    if not beside:
        return []
    verbs = "is tested beside an image" if len(beside) == 1 else "are tested beside images"
    note = (
        f"{counted(len(beside), 'image')} {verbs} of the same photo in training, such as "
        f"{os.fspath(paths[min(beside)])}, as {lineage.manifests[0]} says: scores are too good. "
        "Keep each photo and what was drawn from it in one group, `groups`."
    )
    return [note]


def _conditions(estimator: Any, images: Any, seed: int) -> dict[str, Any]:
    """Return what the comparison was measured on."""
    from imblearn_images import __version__

    return {
        "classifier": name_model(estimator),
        "images": _described(estimator, images),
        "n_images": len(images),
        "seed": seed,
        "version": __version__,
    }


def _described(estimator: Any, images: Any) -> str:
    """Return the size of the images as text: that which ``ReadImages`` makes, or their own."""
    steps = estimator.get_params().values() if hasattr(estimator, "get_params") else ()
    sizes = [step.size for step in steps if isinstance(step, ReadImages) and step.size is not None]
    shape = tuple(sizes[0]) if sizes else np.shape(images)[1:] if not holds_paths(images) else ()
    if not shape:
        return "images of any size"
    what = "rows of numbers" if len(shape) == 1 else "images"
    return f"{what} of {' x '.join(map(str, shape))}"


def _rows(images: Any) -> Any:
    """Return images that NumPy indices can select from: data frames and lists become arrays."""
    return (
        np.asarray(images)
        if isinstance(images, (list, tuple)) or hasattr(images, "iloc")
        else images
    )


def _seed(random_state: Any) -> int:
    """Return an integer seed, drawn unless `random_state` is one."""
    if isinstance(random_state, (int, np.integer)):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _metrics(scoring: Any) -> Any:
    """Return `scoring` in a form for which scikit-learn makes a scorer that returns a dict."""
    if callable(scoring):
        made = re.match(r"make_scorer\((\w+)", repr(scoring))
        return {made[1] if made else getattr(scoring, "__name__", "score"): scoring}
    return [scoring] if isinstance(scoring, str) else scoring


def _run(tasks: Iterator[Any], n_jobs: int | None) -> Any:
    """Run tasks with joblib; return results as they come where the backend can."""
    backend, _ = get_active_backend()
    streams = n_jobs in (None, 1) or backend.supports_return_generator
    return Parallel(n_jobs=n_jobs, return_as="generator_unordered" if streams else "list")(tasks)


def _close(results: Any) -> None:
    """Cancel fits that have not run; without this, joblib warns of them at some later time."""
    if hasattr(results, "close"):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"\d+ tasks which were still being processed")
            results.close()


def _note_failure(
    outcome: Outcome, n_folds: int, failures: dict[str, str], *, of_labels: bool
) -> None:
    """Enter a failed outcome into `failures`; raise a ValueError if it is that of "none"."""
    where = f"fold {outcome.fold + 1} of {n_folds}"
    if outcome.name == "none":
        raise ValueError(
            f"The estimator fails without any resampling, on {where}: {as_sentence(outcome.error)} "
            "There is nothing to compare with."
            + " If it takes one label per image, use OneVsRestClassifier(estimator)."
            * of_labels
        )
    failures.setdefault(outcome.name, f"{where}: {outcome.error}")
