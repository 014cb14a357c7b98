"""Drawings: training sets that several fits have in common, drawn and described once.

Candidates of a comparison, and policies of an ensemble, are fitted on the same images again and
again: as they are, behind samplers, behind the same sampler with another correction. Three things
are therefore made once and handed on: the features of each image, where the classifier begins
with a step that describes each image alone; what a sampler draws, of which only the new rows are
described; and the fit itself. Results are those of the plain Pipeline, to the last bit.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from imblearn_images._members import alike
from imblearn_images.core.estimators import reads_homes
from imblearn_images.core.images import Images
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.decision._base import handed, is_column
from imblearn_images.decision._class_counts import fit_counting, hides_shares

__all__ = ["Described", "Drawn", "Fit", "Parts", "Training", "in_form", "parts_of", "same_drawing"]

HELD = 1 << 28
"""Bytes of drawn sets that a training set keeps for the next fit; the latest alone may be more."""
BLOCK = 256
"""Images that are described at a time."""


class Parts(NamedTuple):
    """A Pipeline, taken apart."""

    samplers: list[Any]
    name: str
    describing: Any
    """Step that makes features of each image alone."""
    rest: list[tuple[str, Any]]
    """Named steps behind it, the classifier last."""

    @property
    def model(self) -> Pipeline:
        """What is fitted on features."""
        return Pipeline(self.rest)

    def whole(self, describing: Any, model: Pipeline) -> Pipeline:
        """The fitted Pipeline behind the samplers, which takes images."""
        return Pipeline([(self.name, describing), *model.steps])


def parts_of(estimator: Any) -> Parts | None:
    """Take a Pipeline apart into samplers, a step that describes, and the rest.

    None for what is no Pipeline, does not begin in this way, or caches its steps itself.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from imblearn_images import SMOTE
    >>> from imblearn_images.preprocessing import HOGFeatures
    >>> parts = parts_of(make_pipeline(SMOTE(), HOGFeatures(), LogisticRegression()))
    >>> parts.samplers, parts.describing, [name for name, _ in parts.rest]
    ([SMOTE()], HOGFeatures(), ['logisticregression'])
    >>> parts_of(LogisticRegression())
    """
    if (steps := _flat(estimator)) is None:
        return None
    n = next((k for k, (_, step) in enumerate(steps) if not hasattr(step, "fit_resample")), 0)
    samplers, (name, first), rest = [step for _, step in steps[:n]], steps[n], steps[n + 1 :]
    if not _describes(first) or not rest or any(hasattr(s, "fit_resample") for _, s in rest):
        return None
    names = [name, *(each for each, _ in rest)]
    if len(set(names)) < len(names):  # in Pipelines within each other
        return None
    return Parts(samplers, name, first, rest)


def _flat(estimator: Any) -> list[tuple[str, Any]] | None:
    """Named steps of a Pipeline and of those in it; None where one is no plain Pipeline."""
    if not isinstance(estimator, Pipeline):
        return None
    if estimator.memory is not None or estimator.verbose:
        return None
    steps: list[tuple[str, Any]] = []
    for name, step in estimator.steps:
        if step is None or isinstance(step, str):
            return None
        inner = _flat(step) if isinstance(step, Pipeline) else [(name, step)]
        if inner is None:
            return None
        steps += inner
    return steps


def _describes(step: Any) -> bool:
    return bool(getattr(step, "of_each_alone", False))


@dataclass(frozen=True)
class Described:
    """Features of images, and the fitted step that has made them."""

    step: Any
    features: NDArray[Any]
    seconds: float
    """Of one image."""

    @classmethod
    def of(cls, step: Any, images: Any) -> Described | None:
        """Describe images; None where the step returns no array, as it may have been set to."""
        started = time.perf_counter()
        step = clone(step).fit(images)
        features = step.transform(images)
        if not isinstance(features, np.ndarray):
            return None
        return cls(step, features, (time.perf_counter() - started) / max(1, len(features)))

    def subset(self, rows: NDArray[np.intp]) -> Described:
        """Those of some of the images."""
        return Described(self.step, self.features[rows], self.seconds)


@dataclass
class Drawn:
    """A training set behind samplers."""

    X: Any
    """Features, where images are described; images elsewhere."""
    y: NDArray[Any]
    carried: dict[str, Any]
    """Metadata that have followed the images."""
    plan: ResamplingPlan | None
    seconds: float = 0.0
    """What making it takes, features included."""
    resampling_seconds: float = np.nan
    peak: float = np.nan
    """Bytes that resampling held; NaN where that was not traced."""
    heard: list[Any] = field(default_factory=list)
    """Warnings on the way."""

    @property
    def nbytes(self) -> int:
        """Bytes of what is kept."""
        return int(getattr(self.X, "nbytes", 0))


@dataclass
class Fit:
    """A fitted classifier."""

    model: Any
    """Takes features where images are described."""
    counted: Mapping[Any, float]
    """How much of each class has reached its last step; empty where nobody has counted."""
    plan: ResamplingPlan | None
    seconds: float
    """What it takes, drawing included, were it made alone."""
    resampling_seconds: float
    peak: float
    heard: list[Any] = field(default_factory=list)
    """Warnings on the way."""


class Training:
    """A training set, what samplers make of it, and fits on that; each is made once.

    Parameters
    ----------
    X, y : images and labels
    described : Described, default=None
        Features of the images, for classifiers that begin with the step that has made them.
    carried : dict, default=None
        Metadata of a fit; what has one value an image follows the images.
    held : int, default=HELD
        Bytes of drawn sets that are kept for later fits. The oldest go first.
    record : bool, default=False
        Whether warnings are recorded, to be told again by those that share a fit.
    """

    def __init__(
        self,
        X: Any,
        y: NDArray[Any],
        described: Described | None = None,
        carried: dict[str, Any] | None = None,
        held: int = HELD,
        record: bool = False,
    ) -> None:
        self.X, self.y, self.described = X, y, described
        self.carried = {} if carried is None else carried
        self.held, self.record = held, record
        self.spared = 0.0
        """Seconds of what fits were given that others had made."""
        self._sets: list[tuple[list[Any], Drawn]] = []
        self._fits: list[tuple[list[Any], Any, Fit]] = []

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_sets": [], "_fits": []}  # what another process draws it draws itself

    def describes(self, step: Any) -> bool:
        """Whether these features are those of a step."""
        return self.described is not None and alike(self.described.step, step)

    def draw(
        self,
        samplers: Sequence[Any],
        traced: Callable[..., Any] | None = None,
        *,
        lazily: bool = False,
    ) -> Drawn:
        """Run samplers, or look up what they have drawn.

        `traced` is called with ``fit_resample`` and its arguments; it gives the result, seconds
        and bytes. `lazily`: images may be drawn when they are read.
        """
        for known, drawn in self._sets:
            if same_drawing(known, samplers):
                _tell(drawn.heard)
                return drawn
        with _heard(self.record) as heard:
            drawn = self._drawn(samplers, traced, lazily=lazily)
        drawn.heard += heard
        _tell(heard)
        if samplers:
            self._sets.append((list(samplers), drawn))
            while len(self._sets) > 1 and sum(each.nbytes for _, each in self._sets) > self.held:
                del self._sets[0]
        return drawn

    def _drawn(
        self, samplers: Sequence[Any], traced: Callable[..., Any] | None, *, lazily: bool
    ) -> Drawn:
        started = time.perf_counter()
        X, y, carried = self.X, self.y, self.carried
        plan: ResamplingPlan | None = None
        traces = True  # through all samplers
        seconds = peak = np.nan
        lazily = lazily or self.described is not None
        for sampler in map(clone, samplers):
            if lazily and "lazy" in sampler.get_params(deep=False):
                sampler.set_params(lazy=True)
            n = len(y)
            if traced is None:
                X, y = sampler.fit_resample(X, y)
            else:
                (X, y), spent, held = traced(sampler.fit_resample, X, y)
                seconds, peak = np.nansum([seconds, spent]), np.fmax(peak, held)
            own = _plan_of(sampler)
            if own is None and any(is_column(value, n) for value in carried.values()):
                raise ValueError(
                    f"{sampler!r} has no plan, so sample weights and other metadata cannot follow "
                    "the images. Use a sampler of imblearn_images, or leave them out."
                )
            traces = traces and own is not None
            if own is not None:
                carried = {k: own.take(v) if is_column(v, n) else v for k, v in carried.items()}
                plan = own if plan is None else own.after(plan)
        y, spared = np.asarray(y), 0.0
        if self.described is not None:
            X, spared = self._features(X, plan if traces else None)
        elapsed = time.perf_counter() - started + spared
        return Drawn(X, y, carried, plan, elapsed, seconds, peak)

    def _features(self, X: Any, plan: ResamplingPlan | None) -> tuple[NDArray[Any], float]:
        """Features of images behind samplers, and the seconds that known ones have spared."""
        assert self.described is not None
        known = self.described
        if X is self.X:
            return known.features, len(known.features) * known.seconds
        n, d = len(X), known.features.shape[1:]
        features = np.empty((n, *d), dtype=known.features.dtype)
        new = np.ones(n, dtype=np.bool_)
        if plan is not None and plan.n_source == len(self.y):
            bases, new = plan.first_base, plan.synthetic.copy()
            for rows in _blocks(np.flatnonzero(~new)):
                if not isinstance(X, Images):  # whatever a plan says, pixels count
                    differ = (X[rows] != self.X[bases[rows]]).reshape(len(rows), -1).any(axis=1)
                    new[rows[differ]] = True
                features[rows] = known.features[bases[rows]]
        for rows in _blocks(np.flatnonzero(new)):
            features[rows] = known.step.transform(X[rows])
        return features, int(np.count_nonzero(~new)) * known.seconds

    def fit(
        self,
        samplers: Sequence[Any],
        model: Any,
        *,
        counts: bool = False,
        params: Callable[..., dict[str, Any]] | None = None,
        traced: Callable[..., Any] | None = None,
        lazily: bool = False,
    ) -> Fit:
        """Fit a classifier on what samplers draw, or look the fit up.

        `counts`: it is to be known how much of each class the last step was given. `params` makes
        further parameters of ``fit``, of labels and metadata; such fits are not shared.
        """
        for known, twin, fit in self._fits:
            enough = bool(fit.counted) or not counts
            if (
                params is None
                and enough
                and same_drawing(known, samplers)
                and alike(_steps(twin), _steps(model))
            ):
                self.spared += fit.seconds
                _tell(fit.heard)
                return fit
        with _heard(self.record) as heard:
            drawn = self.draw(samplers, traced, lazily=lazily)
            started = time.perf_counter()
            carried = drawn.carried
            if params is not None:
                carried = carried | params(drawn.y, carried)
            X = drawn.X
            if self.described is None:
                X = in_form(model, X)
            fitted = clone(model)
            counted: dict[Any, float] = {}
            if counts and not hides_shares(model):
                fitted, counted = fit_counting(fitted, X, drawn.y, carried)
            else:
                fitted = fitted.fit(X, drawn.y, **carried)
        seconds = drawn.seconds + time.perf_counter() - started
        costs = seconds, drawn.resampling_seconds, drawn.peak
        fit = Fit(fitted, counted, drawn.plan, *costs, list(heard))
        if params is None:
            self._fits.append((list(samplers), model, fit))
        _tell(fit.heard)
        return fit


def in_form(model: Any, X: Any) -> Any:
    """Images in the form that a model takes, of a home of pixels, too."""
    X = np.asarray(X) if isinstance(X, Images) and not reads_homes(model) else X
    return X if isinstance(X, Images) else handed(model, X)


def _steps(model: Any) -> list[Any]:
    return [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]


def _plan_of(sampler: Any) -> ResamplingPlan | None:
    plan = getattr(sampler, "plan_", None)
    return plan if isinstance(plan, ResamplingPlan) else None


def same_drawing(some: Sequence[Any], others: Sequence[Any]) -> bool:
    """Whether samplers draw the same images, be it now or when they are read."""
    return alike([_now(each) for each in some], [_now(each) for each in others])


def _now(sampler: Any) -> Any:
    if "lazy" not in sampler.get_params(deep=False):
        return sampler
    return clone(sampler).set_params(lazy=False)


def _blocks(rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    return [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]


@contextmanager
def _heard(record: bool) -> Iterator[list[Any]]:
    """Record warnings; in threads others' would be among them."""
    if not record:
        yield []
        return
    with warnings.catch_warnings(record=True) as heard:
        yield heard


def _tell(heard: Sequence[Any]) -> None:
    """Warn again of what was recorded."""
    for each in heard:
        warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
