"""Training: sets that several fits share, drawn and described once.

Candidates of a comparison, and policies of an ensemble, are fitted on the same images again and
again: as they are, after a sampler, after the same sampler with another correction. Three things
are therefore computed once and reused: the features of each image, if the classifier begins with
a step that describes each image by itself; the images that a sampler draws, of which only new rows
are described; and the fit itself. Results equal those of the plain Pipeline, to the last bit, but
for :meth:`Drawn.within`, which takes fewer pictures than a Pipeline would draw.
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
from imblearn_images.decision._base import follow, handed, is_column
from imblearn_images.decision._class_counts import fit_counting, hides_shares

__all__ = ["Described", "Drawn", "Fit", "Parts", "Training", "in_form", "parts_of", "same_drawing"]

HELD = 1 << 28
"""Bytes of drawn sets that are kept for later fits; the latest set is kept even if it is larger."""
BLOCK = 256
"""Number of images that are described at a time."""


class Parts(NamedTuple):
    """A Pipeline, taken apart."""

    samplers: list[Any]
    name: str
    describing: Any
    """Step that makes features of each image by itself."""
    rest: list[tuple[str, Any]]
    """Named steps after it, the classifier last."""

    @property
    def model(self) -> Pipeline:
        """Pipeline of the steps that are fitted on features."""
        return Pipeline(self.rest)

    def whole(self, describing: Any, model: Pipeline) -> Pipeline:
        """Return the fitted Pipeline without samplers, which takes images."""
        return Pipeline([(self.name, describing), *model.steps])


def parts_of(estimator: Any) -> Parts | None:
    """Split a Pipeline into samplers, a step that describes images, and the rest.

    Returns
    -------
    parts : Parts or None
        None if `estimator` is not a Pipeline, does not begin like this, or caches its steps
        itself.

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
    if len(set(names)) < len(names):  # possible for steps of nested Pipelines
        return None
    return Parts(samplers, name, first, rest)


def _flat(estimator: Any) -> list[tuple[str, Any]] | None:
    """Return the named steps of a Pipeline and of those nested in it; None if it caches steps."""
    if not isinstance(estimator, Pipeline):
        return None
    # Such a Pipeline is run as it is: it caches, or reports, each of its steps.
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
    """Return whether a step declares that it makes features of each image by itself."""
    return bool(getattr(step, "of_each_alone", False))


@dataclass(frozen=True)
class Described:
    """Features of images, and the fitted step that made them."""

    step: Any
    features: NDArray[Any]
    seconds: float
    """Time per image."""

    @classmethod
    def of(cls, step: Any, images: Any) -> Described | None:
        """Describe images; return None if the step returns something else, such as a data frame."""
        started = time.perf_counter()
        step = clone(step).fit(images)
        features = step.transform(images)
        if not isinstance(features, np.ndarray):
            return None
        return cls(step, features, (time.perf_counter() - started) / max(1, len(features)))

    def subset(self, rows: NDArray[np.intp]) -> Described:
        """Return the features of some of the images."""
        return Described(self.step, self.features[rows], self.seconds)


@dataclass
class Drawn:
    """A training set after samplers."""

    X: Any
    """Features if images are described, otherwise images."""
    y: NDArray[Any]
    carried: dict[str, Any]
    """Metadata that were resampled with the images."""
    plan: ResamplingPlan | None
    seconds: float = 0.0
    """Time to make it, including features."""
    resampling_seconds: float = np.nan
    peak: float = np.nan
    """Peak memory of resampling in bytes; NaN if it was not traced."""
    heard: list[Any] = field(default_factory=list)
    """Warnings that were recorded."""

    @property
    def nbytes(self) -> int:
        """Size of `X` in bytes."""
        return int(getattr(self.X, "nbytes", 0))

    def within(self, rows: NDArray[np.intp]) -> Drawn:
        """Return what was drawn from these source rows alone, without a plan of its own."""
        assert self.plan is not None
        inside = np.zeros(self.plan.n_source, dtype=np.bool_)
        inside[rows] = True
        # Not by the base alone: a partner from outside would show the images that are held back.
        mine = np.flatnonzero(inside[self.plan.first_base] & ~self.plan.crosses(inside))
        n = len(self.y)
        carried = {k: follow(v, n, mine) for k, v in self.carried.items()}
        X = self.X.subset(mine) if isinstance(self.X, Images) else self.X[mine]
        return Drawn(X, self.y[mine], carried, None)


@dataclass
class Fit:
    """A fitted classifier."""

    model: Any
    """The fitted model, which takes features if images are described."""
    counted: Mapping[Any, float]
    """Number or weight of images of each class in its last step; empty if not counted."""
    plan: ResamplingPlan | None
    seconds: float
    """Time that it would take alone, including drawing."""
    resampling_seconds: float
    peak: float
    heard: list[Any] = field(default_factory=list)
    """Warnings that were recorded."""


class Training:
    """A training set, the sets that samplers draw from it, and fits on these, each made once.

    Parameters
    ----------
    X, y : images and labels
        The training set.
    described : Described, default=None
        Features of the images, for classifiers that begin with the step that made them.
    carried : dict, default=None
        Metadata of a fit; values with one entry for each image are resampled with the images.
    held : int, default=HELD
        Bytes of drawn sets that are kept for later fits. The oldest are removed first.
    record : bool, default=False
        Whether warnings are recorded, and issued again by fits that reuse a result.
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
        """Seconds that were saved by reusing fits."""
        self._sets: list[tuple[list[Any], Drawn]] = []
        self._fits: list[tuple[list[Any], Any, Fit]] = []

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_sets": [], "_fits": []}  # another process draws and fits by itself

    def describes(self, step: Any) -> bool:
        """Return whether `described` holds the features of an equal step."""
        return self.described is not None and alike(self.described.step, step)

    def keep(self, samplers: Sequence[Any], drawn: Drawn) -> None:
        """Keep what `samplers` would draw, as :meth:`draw` would return it."""
        if not any(same_drawing(known, samplers) for known, _ in self._sets):
            self._sets.append((list(samplers), drawn))

    def draw(
        self,
        samplers: Sequence[Any],
        traced: Callable[..., Any] | None = None,
        *,
        lazily: bool = False,
    ) -> Drawn:
        """Return what samplers draw, newly drawn or kept.

        `traced`, if given, is called with ``fit_resample`` and its arguments, and returns the
        result, seconds and bytes. With `lazily`, images may be drawn when they are read.
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
            # The latest stays whatever its size: the fit that follows needs it.
            while len(self._sets) > 1 and sum(each.nbytes for _, each in self._sets) > self.held:
                del self._sets[0]
        return drawn

    def _drawn(
        self, samplers: Sequence[Any], traced: Callable[..., Any] | None, *, lazily: bool
    ) -> Drawn:
        """Run samplers one after the other; `carried` and the plan follow through all of them."""
        started = time.perf_counter()
        X, y, carried = self.X, self.y, self.carried
        plan: ResamplingPlan | None = None
        traces = True  # whether all samplers have a plan
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
            # After one sampler without a plan, the plans of later ones refer to unknown rows.
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
        """Return the features of resampled images, and the seconds saved by known features."""
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
                # A third-party sampler may change pixels that its plan calls copies.
                if not isinstance(X, Images):
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
        """Return a classifier fitted on what samplers draw, newly fitted or kept.

        With `counts`, the images or weights of each class in the last step are counted. `params`
        makes further parameters of ``fit`` from labels and metadata; such fits are not kept.
        """
        for known, twin, fit in self._fits:
            enough = bool(fit.counted) or not counts
            if (
                params is None
                and enough
                and same_drawing(known, samplers)
                and alike(_steps(twin), _steps(model))
            ):
                # A reused fit costs what it would have cost alone, so that times can be compared.
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
    """Return images, possibly in a home of pixels, in the form that a model takes."""
    X = np.asarray(X) if isinstance(X, Images) and not reads_homes(model) else X
    return X if isinstance(X, Images) else handed(model, X)


def _steps(model: Any) -> list[Any]:
    """Return the steps of a Pipeline, or the model as the only one."""
    return [step for _, step in model.steps] if isinstance(model, Pipeline) else [model]


def _plan_of(sampler: Any) -> ResamplingPlan | None:
    """Return the plan of a fitted sampler, or None if it has none of this library."""
    plan = getattr(sampler, "plan_", None)
    return plan if isinstance(plan, ResamplingPlan) else None


def same_drawing(some: Sequence[Any], others: Sequence[Any]) -> bool:
    """Return whether samplers draw the same images, at once or when they are read."""
    return alike([_now(each) for each in some], [_now(each) for each in others])


def _now(sampler: Any) -> Any:
    """Return a sampler with ``lazy=False``, if it has this parameter."""
    if "lazy" not in sampler.get_params(deep=False):
        return sampler
    return clone(sampler).set_params(lazy=False)


def _blocks(rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Return rows in blocks of :data:`BLOCK`."""
    return [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]


@contextmanager
def _heard(record: bool) -> Iterator[list[Any]]:
    """Record warnings if requested; in threads, those of other threads would be among them."""
    if not record:
        yield []
        return
    with warnings.catch_warnings(record=True) as heard:
        yield heard


def _tell(heard: Sequence[Any]) -> None:
    """Issue recorded warnings again."""
    for each in heard:
        warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
