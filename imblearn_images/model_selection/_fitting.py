"""Fitting: the candidates of a contest, fitted and scored fold by fold.

Candidates of one group share what they have in common: the images that are drawn, the features of
images, the fit itself. Groups are tasks of joblib.
"""

from __future__ import annotations

import itertools
import os
import sysconfig
import threading
import time
import traceback
import tracemalloc
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from imblearn.pipeline import Pipeline
from joblib import Parallel, delayed
from joblib.parallel import get_active_backend
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.pipeline import Pipeline as SklearnPipeline
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if

from imblearn_images._members import alike
from imblearn_images._training import Described, Training, parts_of, same_drawing
from imblearn_images.core.containers import holds_paths
from imblearn_images.core.estimators import weighted
from imblearn_images.core.files import frames_told, tell_frames
from imblearn_images.core.gap import SynthesisGap, gap_between, gap_of
from imblearn_images.core.parallel import progress
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.text import as_sentence
from imblearn_images.decision import PriorCorrectedClassifier
from imblearn_images.decision._base import check_own_labels
from imblearn_images.decision._class_counts import fit_counting
from imblearn_images.decision._labels import label_probabilities
from imblearn_images.ensemble._policies import PolicyEnsembleClassifier
from imblearn_images.model_selection._contest import Candidate, Contest, Outcome
from imblearn_images.preprocessing import ReadImages
from imblearn_images.synthesis._flow import remembered_flows

__all__ = ["Results", "fit_all"]

_NOT_THEIRS = (
    *(sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")),
    str(Path(__file__).parents[1]),
    "<",
)
"""Prefixes of file names that do not belong to the caller's own code."""


class Results(NamedTuple):
    """All that came of a contest."""

    outcomes: list[Outcome]
    failures: dict[str, str]
    """Candidate -> why it has no result."""
    interrupted: bool
    """Whether it was stopped, so that folds are missing."""


def fit_all(contest: Contest, n_jobs: int | None, verbose: int) -> Results:
    """Fit and score all candidates on all folds.

    A candidate that fails on one fold is not fitted on the next ones.

    Parameters
    ----------
    contest : Contest
        What is compared.
    n_jobs : int or None
        Number of fits at a time, with the active backend of joblib.
    verbose : int
        Progress bar.

    Returns
    -------
    Results

    Raises
    ------
    ValueError
        If the estimator fails without any resampling.
    """
    images, n_folds = contest.images, len(contest.folds)
    outcomes: list[Outcome] = []
    failures = {each.name: each.unavailable for each in contest.candidates if each.unavailable}
    known = [each for each in contest.candidates if not each.unavailable]
    described = _described_once(contest)
    # With several labels the baselines correct each label alone, so that no fit is shared.
    groups = [[each] for each in known] if contest.of_labels else together(known, images, described)

    def tasks() -> Iterator[Any]:
        for number in range(n_folds):
            for group in groups:
                if left := [each for each in group if each.name not in failures]:
                    yield delayed(fit_and_score)(left, contest, number, described)

    if holds_paths(images):
        tell_frames(images, n_jobs=n_jobs)  # warn of further frames once, not in every fold
    results = _run(tasks(), n_jobs)
    try:
        with (
            frames_told(),
            remembered_flows(),
            progress(n_folds * len(known), "compared", verbose, unit="fit") as done,
        ):
            for outcome in (outcome for some in results for outcome in some):
                if outcome.error:
                    _note_failure(outcome, n_folds, failures, of_labels=contest.of_labels)
                outcomes.append(outcome)
                done(1)
    except KeyboardInterrupt:
        return Results(outcomes, failures, interrupted=True)
    finally:
        _close(results)
    return Results(outcomes, failures, interrupted=False)


def _described_once(contest: Contest) -> Described | None:
    """Return the features of all images if the estimator begins with a step that computes them."""
    parts, images = parts_of(core_of(contest.candidates[0])), contest.images
    if (
        contest.of_labels
        or parts is None
        or not isinstance(images, np.ndarray)
        or holds_paths(images)
    ):
        return None
    try:
        return Described.of(parts.describing, images)
    except Exception:  # noqa: BLE001 - the first fit will fail in the same way, and report it
        return None


def core_of(candidate: Candidate) -> Any:
    """Return the part of a candidate that is fitted: all but its prior correction."""
    inner = candidate.estimator
    return inner.estimator if isinstance(inner, PriorCorrectedClassifier) else inner


def together(
    candidates: Sequence[Candidate], X: Any, described: Described | None = None
) -> list[list[Candidate]]:
    """Return groups of candidates that share a fit, in the order of their first members.

    Where features are computed once for all images, groups share drawn images, too: ensembles of
    policies are then put last into one group with all candidates that draw the same images.
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
    drawn = {g[0].name: _drawings(g[0], X) for g in groups if _on_features(g[0], described)}
    for ensemble in [g[0] for g in groups if g[0].name in drawn and _is_ensemble(g[0])]:
        own = drawn[ensemble.name]
        first, *others = [
            g
            for g in groups
            if any(each is ensemble or _draw_alike(own, drawn.get(each.name, [])) for each in g)
        ]
        first[:] = sorted(itertools.chain(first, *others), key=_is_ensemble)
        groups = [g for g in groups if not any(g is other for other in others)]
    return groups


def _is_ensemble(candidate: Candidate) -> bool:
    return isinstance(candidate.estimator, PolicyEnsembleClassifier)


def _drawings(candidate: Candidate, X: Any) -> list[list[Any]]:
    """Return the samplers of each resampled set that a candidate is fitted on."""
    if _is_ensemble(candidate):
        found = candidate.estimator._drawings(X)  # noqa: SLF001 - for comparisons alone
    else:
        parts = parts_of(core_of(candidate))
        found = [] if parts is None else [parts.samplers]
    return [steps for steps in found if steps]


def _draw_alike(some: list[list[Any]], others: list[list[Any]]) -> bool:
    return any(same_drawing(one, other) for one in some for other in others)


def _steps(estimator: Any) -> list[Any]:
    """Return the steps of a Pipeline, nested ones flattened: names and nesting do not matter."""
    if not isinstance(estimator, SklearnPipeline):
        return [estimator]
    return [inner for _, step in estimator.steps for inner in _steps(step)]


def fit_and_score(
    candidates: Sequence[Candidate], contest: Contest, number: int, described: Described | None
) -> list[Outcome]:
    """Fit candidates on the training images of a fold, and score them on its test images.

    Parameters
    ----------
    candidates : sequence of Candidate
        Candidates with an estimator: a group that :func:`together` returned.
    contest : Contest
        What they are compared by.
    number : int
        Number of the fold. Memory is traced on fold 0, whose time therefore does not count.
    described : Described or None
        Features of all images, for candidates that begin with the step that computed them.

    Returns
    -------
    list of Outcome
        One for each candidate, with an `error` if it failed.
    """
    fits = _Fits(candidates, contest, number, described)
    return [_scored(each, fits, contest, number) for each in candidates]


class _Made(NamedTuple):
    """A fitted candidate."""

    model: Any
    X_test: Any
    """What it takes: test images, or their features."""
    seconds: float
    watch: Watch
    """Time and memory of its samplers."""
    gap: SynthesisGap | None = None


class _Fits:
    """Fits on the training images of one fold; what several candidates need is made once."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        contest: Contest,
        number: int,
        described: Described | None,
    ) -> None:
        train, test = contest.folds[number]
        self.X, self.y = contest.images[train], contest.y[train]
        self.X_test, self.y_test = contest.images[test], contest.y[test]
        # tracemalloc and warning filters are global to the process: in a thread they would also
        # catch what other threads allocate and warn of.
        self.alone = threading.current_thread() is threading.main_thread()
        self.watch = Watch(traces=self.alone and number == 0)
        self.looks = number == 0 and not contest.of_labels  # whether gaps are measured
        self.training: Training | None = None
        self.tested: Any = None
        if described is not None:
            self.training = Training(self.X, self.y, described.subset(train), record=self.alone)
            self.tested = described.features[test]
        on_features = [each for each in candidates if _on_features(each, described)]
        self.shared: Shared | None = None
        self.sharing = [each for each in candidates if each not in on_features]
        if len(self.sharing) > 1:
            self.shared = self._fit_shared(self.sharing[0])

    def heard_before(self, candidate: Candidate) -> list[Any]:
        """Return the warnings of the fit that a candidate shares."""
        return self.shared.heard if self.shared is not None and candidate in self.sharing else []

    def make(self, candidate: Candidate) -> _Made:
        """Fit a candidate, or take the fit that it shares."""
        if candidate not in self.sharing:
            if isinstance(candidate.estimator, PolicyEnsembleClassifier):
                return self._fit_ensemble(candidate)
            return self._fit_on_features(candidate)
        if self.shared is None:
            model, seconds = self._fit_alone(candidate)
        elif self.shared.error is not None:
            raise self.shared.error
        else:
            model = _corrected(candidate, self.y, self.shared.model, self.shared.counted)
            seconds = self.shared.seconds
        gap = _gap(model, self.watch, self.X) if self.looks else None
        return _Made(model, self.X_test, seconds, self.watch, gap)

    def _fit_shared(self, candidate: Candidate) -> Shared:
        """Fit what candidates have in common that differ in their prior correction alone."""
        shared = Shared()
        with warnings.catch_warnings(record=True) if self.alone else _unrecorded() as heard:
            try:
                core = _watched(clone(core_of(candidate)), self.watch)
                started = time.perf_counter()
                shared.model, shared.counted = fit_counting(core, self.X, self.y, {})
                shared.seconds = time.perf_counter() - started
            except Exception as error:  # noqa: BLE001 - the other candidates go on
                shared.error = error
        shared.heard = list(heard)
        return shared

    def _fit_alone(self, candidate: Candidate) -> tuple[Any, float]:
        """Return a candidate's fitted estimator and the seconds of the fit."""
        estimator = _watched(clone(candidate.estimator), self.watch)
        weights = compute_sample_weight("balanced", self.y) if candidate.weighted else None
        params = {} if weights is None else weighted(estimator, weights)
        started = time.perf_counter()
        fitted = estimator.fit(self.X, self.y, **params)
        return fitted, time.perf_counter() - started

    def _fit_ensemble(self, candidate: Candidate) -> _Made:
        """Fit an ensemble of policies, which takes over what candidates have drawn and fitted."""
        assert self.training is not None
        spared, started = self.training.spared, time.perf_counter()
        ensemble = clone(candidate.estimator)
        ensemble._fit_sharing(self.X, self.y, self.training)  # noqa: SLF001 - for comparisons alone
        seconds = time.perf_counter() - started + self.training.spared - spared
        return _Made(ensemble, self.X_test, seconds, self.watch)

    def _fit_on_features(self, candidate: Candidate) -> _Made:
        """Fit a candidate on known features."""
        parts, training = parts_of(core_of(candidate)), self.training
        assert parts is not None and training is not None and training.described is not None

        def weights(y: NDArray[Any], carried: dict[str, Any]) -> dict[str, Any]:
            return weighted(parts.model, compute_sample_weight("balanced", y))

        fit = training.fit(
            parts.samplers,
            parts.model,
            counts=True,
            params=weights if candidate.weighted else None,
            traced=self.watch.traced,
        )
        gap = None
        if self.looks and fit.plan is not None and fit.plan.synthetic.any():
            drawn = training.draw(parts.samplers)
            try:
                gap = gap_between(fit.plan, training.described.features, drawn.X)
            except Exception:  # noqa: BLE001 - an extra; without it the comparison goes on
                gap = None
        seen = Watch(self.watch.traces)
        seen.seconds, seen.peak = fit.resampling_seconds, fit.peak
        model = _corrected(candidate, self.y, fit.model, fit.counted)
        return _Made(model, self.tested, fit.seconds, seen, gap)


def _scored(candidate: Candidate, fits: _Fits, contest: Contest, number: int) -> Outcome:
    """Return the outcome of one candidate; errors are caught, warnings of its fit recorded."""
    y_test = fits.y_test
    with warnings.catch_warnings(record=True) if fits.alone else _unrecorded() as heard:
        try:
            made = fits.make(candidate)
            if not contest.of_labels:
                check_own_labels(made.model.classes_, contest.classes)
            answers, X_test = Answers(made.model), made.X_test
            scores = contest.scorer(answers, X_test, y_test)
            _check_decides(scores)
            predicted = answers.predict(X_test)
            if not contest.of_labels:
                probabilities = _probabilities(answers, X_test, contest.classes)
            elif hasattr(answers, "predict_proba"):
                probabilities = label_probabilities(answers, X_test, y_test.shape[1])
            else:
                probabilities = None
        except Exception as error:  # noqa: BLE001 - the other candidates go on
            reason = " ".join(str(error).split())
            reason = f"{type(error).__name__}: {reason}{_whose_line(error)}"
            return Outcome(candidate.name, number, error=reason)
    heard = [*fits.heard_before(candidate), *heard]
    return Outcome(
        candidate.name,
        number,
        scores={metric: float(score) for metric, score in scores.items()},
        predicted=predicted,
        probabilities=probabilities,
        fit_seconds=made.seconds,
        resampling_seconds=made.watch.seconds,
        peak_bytes=made.watch.peak,
        warnings=tuple(f"{each.category.__name__}: {each.message}" for each in heard),
        gap=made.gap,
    )


def _check_decides(scores: Mapping[str, float]) -> None:
    """Raise if the first metric, which decides, has no value: all means would be NaN."""
    metric, score = next(iter(scores.items()))
    if np.isnan(score):
        raise ValueError(
            f"`scoring` must return a number, got nan for {metric!r} on the test images of the "
            "fold. Pass another metric first, or fewer folds, so that each tests every class."
        )


def _on_features(candidate: Candidate, described: Described | None) -> bool:
    """Return whether a candidate begins with the step whose features are known already."""
    inner = core_of(candidate)
    if isinstance(inner, PolicyEnsembleClassifier):
        inner = inner.estimator
    parts = parts_of(inner)
    return described is not None and parts is not None and alike(described.step, parts.describing)


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
