"""Deciding: run the samplers with the seeds of an epoch, and keep a few bytes per row."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from imblearn_images._label_sampler import LabelSamplerMixin
from imblearn_images._sampler import ImageSamplerMixin, MeasuringSamplerMixin
from imblearn_images.combine._chain import SamplerChain
from imblearn_images.core.annotations import Annotations
from imblearn_images.core.carrying import carry
from imblearn_images.core.columns import label_rows, plain_list, told
from imblearn_images.core.embedding import given_features
from imblearn_images.core.images import Images
from imblearn_images.core.multilabel import LabelCounts, count_labels_of, several_labels_of
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import DrawnImages
from imblearn_images.core.rules import Blend, answer, rule_name
from imblearn_images.core.synthesis import as_synthesis
from imblearn_images.core.writing import DrawLater
from imblearn_images.image_sampler import instead_of
from imblearn_images.over_sampling import RedrawImages

__all__ = [
    "Columns",
    "Deciding",
    "bits_of",
    "columns_of",
    "numbered",
    "several_for",
    "source_of",
    "steps_of",
]


_NOWHERE = DrawLater(".imblearn-images-draws-later")  # a folder that is never created
_NOWHERE.carries = False
_KEPT = 2  # epochs that are kept besides epoch 0: the one in training, and the next


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """One step of a plan, with the columns of synthetic rows stored only for these rows."""

    base: NDArray[Any]
    drawn: NDArray[Any]
    """Numbers of the synthetic rows, ascending."""
    partners: NDArray[Any]
    weights: NDArray[np.float64]
    seeds: NDArray[np.uint64] | None
    tries: NDArray[Any] | None
    accepted: NDArray[np.bool_] | None
    says_drawn: bool
    """Whether the plan has a column `drawn`."""
    mixes: bool
    """Whether its rule is linear in any number of partners."""
    nearness: str
    labels: NDArray[Any] | None = None
    """Of several an image: how often those drawn have each, if not as often as their bases."""

    @classmethod
    def of(cls, plan: ResamplingPlan, labels: NDArray[Any] | None = None) -> Columns:
        """Return the columns of a plan of one step."""
        drawn = np.flatnonzero(plan.synthetic)
        small = np.int32 if max(plan.n_source, len(plan)) < 2**31 else np.intp

        def cut(column: NDArray[Any] | None) -> Any:
            return None if column is None else column[drawn]

        return cls(
            plan.base.astype(small),
            drawn.astype(small),
            cut(plan.partners).astype(small),
            cut(plan.weights),
            cut(plan.seeds),
            cut(plan.tries),
            cut(plan.accepted),
            plan.drawn is not None,
            bool(answer(plan.synthesis, "mixes")),
            plan.nearness,
            labels,
        )

    def among_drawn(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Which of some rows are drawn, and where each of these stands among the drawn."""
        if not len(self.drawn):
            return np.empty((2, 0), dtype=np.intp)[0], np.empty(0, dtype=np.intp)
        found = np.minimum(np.searchsorted(self.drawn, rows), len(self.drawn) - 1)
        places = np.flatnonzero(self.drawn[found] == rows)
        return places, found[places]

    def labels_after(self, labels: NDArray[Any]) -> NDArray[Any]:
        """Labels of the rows, given those of what they are drawn from."""
        after: NDArray[Any] = labels[self.base]
        if self.labels is not None:
            after[self.drawn] = self.labels
        return after

    def used(self, weights: NDArray[np.float64]) -> list[int]:
        """Return the number of partners that rows with these weights need in their keys.

        Partners with share 0 at the end of a row add nothing and are left out.
        """
        n, width = weights.shape
        if not self.mixes or width < 2:
            return [width] * n
        behind = (weights[:, ::-1] != 0).argmax(axis=1)
        behind[~weights.any(axis=1)] = width
        # At least two: a single partner is mixed by another formula, which rounds differently.
        counts: list[int] = np.maximum(width - behind, 2).tolist()
        return counts

    def plan(self, rule: Any, n_source: int, y: NDArray[Any]) -> ResamplingPlan:
        """Return the plan of this step."""
        n, width = len(self.base), self.partners.shape[1]
        base = self.base.astype(np.intp)
        partners, weights = np.repeat(base[:, None], width, axis=1), np.zeros((n, width))
        partners[self.drawn], weights[self.drawn] = self.partners, self.weights

        def whole(column: NDArray[Any] | None, rest: Any) -> Any:
            if column is None:
                return None
            everywhere = np.full(n, rest, dtype=column.dtype)
            everywhere[self.drawn] = column
            return everywhere

        return ResamplingPlan(
            base,
            partners,
            weights,
            y,
            n_source,
            self.nearness,
            rule if len(self.drawn) else Blend(),
            whole(np.ones(len(self.drawn), dtype=np.bool_), False) if self.says_drawn else None,
            whole(self.seeds, 0),
            whole(self.tries, 0),
            whole(self.accepted, True),
        )


class Deciding:
    """The samplers that decide, and the images, labels and features that they look at."""

    def __init__(
        self,
        resampler: Any,
        steps: list[Any],
        images: Images,
        table: Any,
        labels: NDArray[Any],
        several: LabelCounts | None,
        embeddings: Any,
    ) -> None:
        self.resampler = resampler
        self.images, self.table, self.labels, self.several = images, table, labels, several
        self.embeddings = None
        if embeddings is not None:
            self.embeddings = given_features(embeddings, len(labels))
        self.fixed: tuple[Columns, ...] | None = None
        self.steps = steps
        if isinstance(resampler, ResamplingPlan):
            self._hold(resampler)
        else:
            self.rules: list[Any] = [_rule_of(step) for step in self.steps]
        self._known: dict[int, tuple[Columns, ...]] = {}
        self._lock = RLock()

    def _hold(self, plan: ResamplingPlan) -> None:
        """Use a plan in every epoch; raise a ValueError if it does not fit the images."""
        if plan.n_source != len(self.labels):
            raise ValueError(
                f"`resampler` is a plan of {plan.n_source} images, got {len(self.labels)} in X. "
                "Pass the images that the plan was made for."
            )
        if plan.why_not:
            raise ValueError(plan.why_not)
        steps = _apart(plan)
        self.fixed = self._kept(steps)
        self.rules = [step.synthesis for step in steps]

    def _kept(self, steps: Sequence[ResamplingPlan]) -> tuple[Columns, ...]:
        """What is to be kept of the steps of an epoch."""
        kept, counts = [], None if self.several is None else self.several.counts
        for step in steps:
            labels = None if counts is None else self._voted(step, counts)
            kept.append(Columns.of(step, labels))
            counts = None if counts is None else kept[-1].labels_after(counts)
        return tuple(kept)

    def _voted(self, step: ResamplingPlan, before: NDArray[Any]) -> NDArray[Any] | None:
        """Labels of what a step draws; None where all have those of their bases.

        Those of annotations are what is carried along.
        """
        assert self.several is not None
        names = step.labels or self.several.labels
        if step.y.shape[1:] != (len(names),) or isinstance(self.several.source, Annotations):
            return None
        strange = [name for name in names if name not in self.several.labels]
        if strange:
            raise ValueError(
                f"`resampler` is a plan of images with the label {strange[0]!r}, which `y` does "
                "not have. Pass the labels that it was made for."
            )
        drawn = np.flatnonzero(step.synthetic)
        told_of_base = before[step.base[drawn]]
        voted = np.zeros_like(told_of_base)
        voted[:, [self.several.labels.index(name) for name in names]] = step.y[drawn]
        # Labels are kept where they differ only: of most plans they are those of the base.
        if np.array_equal(voted, told_of_base):
            return None
        return voted.astype(np.min_scalar_type(int(voted.max())))

    def columns(self, epoch: int) -> tuple[Columns, ...]:
        """Return the decision for an epoch; those of epoch 0 and of the latest epochs are kept."""
        if self.fixed is not None:
            return self.fixed
        with self._lock:
            if epoch not in self._known:
                decided = self._decided(epoch)
                # Epoch 0 always stays: lengths and targets of data sets are those of it.
                for old in [each for each in self._known if each][: 1 - _KEPT]:
                    del self._known[old]
                self._known[epoch] = decided
            return self._known[epoch]

    def _decided(self, epoch: int) -> tuple[Columns, ...]:
        """Run the samplers for an epoch, and return the columns of every step."""
        y: Any = self.labels if self.several is None else self.several.source
        plan = None
        X: Any = self.images if self.table is None else self.table
        for at, step in enumerate(self.steps):
            sampler = _in_epoch(step, epoch)
            if self.table is None and plan is not None:
                drawn = plan.synthetic.any()
                X = DrawnImages(plan, self.images) if drawn else self._selected(plan)
            if hasattr(sampler, "output_dir"):
                sampler.output_dir = _NOWHERE if self.table is None else None
            features = {}
            if self.embeddings is not None and isinstance(sampler, MeasuringSamplerMixin):
                # A later step sees other rows: a drawn one has the features of its base.
                rows = slice(None) if plan is None else plan.first_base
                features = {"embeddings": self.embeddings[rows]}
            seen, (X, made) = X, sampler.fit_resample(X, y, **features)
            self._check(sampler, at)
            plan = sampler.plan_ if plan is None else sampler.plan_.after(plan)
            if at + 1 < len(self.steps):
                y = self._labels_after(sampler.plan_, y, seen, made)
        return () if plan is None else self._kept(_apart(plan))

    def _labels_after(self, plan: ResamplingPlan, y: Any, seen: Any, made: Any) -> Any:
        """Return the labels that the next step gets, for the rows that this step decided on."""
        if self.several is None:
            return plan.y
        if not isinstance(y, Annotations):
            return made
        if plan.synthetic.any():  # an object may have moved out of view
            return carry(plan, y, seen)
        return label_rows(y, plan.first_base)

    def _selected(self, plan: ResamplingPlan) -> Images:
        """Return the images of a plan that draws none."""
        return self.images.subset(plan.first_base)

    def _check(self, step: Any, at: int) -> None:
        """Raise a ValueError if the rows of a step cannot be drawn from their keys and its rule."""
        plan, name = step.plan_, type(step).__name__
        if not plan.synthetic.any():
            return
        if plan.why_not:
            raise ValueError(f"{name} cannot draw another set in every epoch. {plan.why_not}")
        # Behind a first step that draws, the decoder would be fitted on other images in each epoch.
        if getattr(step, "interpolate", "pixels") == "embedding" and at == 0:
            # The decoder is fitted on the same images in every epoch.
            self.rules[at] = plan.synthesis
        if rule_name(plan.synthesis) != rule_name(self.rules[at]):
            raise ValueError(
                f"{name} draws with {plan.rule}, which changes in every epoch, so that a row "
                "cannot be drawn from its key. Use a `synthesis`, such as Augment()."
            )

    def __getstate__(self) -> dict[str, Any]:
        for step in self.steps:
            try:
                pickle.dumps(step)
            except Exception as error:
                raise TypeError(
                    f"{step!r:.200} cannot be sent to another process: {error}. Define functions "
                    "in a module, not as lambda, or let the loader fork: "
                    'DataLoader(multiprocessing_context="fork").'
                ) from error
        # Of later epochs a worker needs no decision: the keys that it gets hold what it draws.
        known = {epoch: columns for epoch, columns in self._known.items() if epoch == 0}
        return vars(self) | {"_lock": None, "_known": known}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state | {"_lock": RLock()})


def several_for(resampler: Any, steps: Sequence[Any], y: Any) -> LabelCounts | None:
    """Return the labels if images have several; raise a ValueError if a step cannot use them."""
    if any(isinstance(step, LabelSamplerMixin) for step in steps) or (
        isinstance(resampler, ResamplingPlan) and resampler.y.ndim == 2
    ):
        several: LabelCounts | None = count_labels_of(y)
    else:
        several = several_labels_of(y)
    for step in steps if several is not None else ():
        if not isinstance(step, (LabelSamplerMixin, RedrawImages)):
            raise ValueError(
                f"`y` must have one label for each image with {type(step).__name__}, got several. "
                "Use LabelOverSampler or MLSMOTE, and RedrawImages after it."
            )
    return several


def columns_of(labels: LabelCounts, classes: Any) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the classes, and the place of each label among them, -1 if no image has it."""
    own = np.array([told(label) for label in labels.labels])
    known = own if classes is None else np.asarray(classes)
    place = _places(known)
    for at, label in enumerate(plain_list(own)):
        has = labels.counts[:, at] > 0
        if label not in place and has.any():
            raise ValueError(
                f"`classes` must name all labels, got {plain_list(known)!r:.200} and label "
                f"{label!r} in row {int(has.argmax())}. Add it, or leave these images out."
            )
    return known, np.array([place.get(label, -1) for label in plain_list(own)], dtype=np.intp)


def bits_of(counts: NDArray[Any], places: NDArray[np.intp], n_classes: int) -> NDArray[np.float32]:
    """A row of 0 and 1 for each image, a column for each class."""
    bits = np.zeros((len(counts), n_classes), dtype=np.float32)
    there = places >= 0
    bits[:, places[there]] = counts[:, there] > 0
    return bits


def _places(classes: NDArray[Any]) -> dict[Any, int]:
    """Return the position of each label among the classes, which must differ."""
    place = {label: at for at, label in enumerate(plain_list(classes))}
    if classes.ndim != 1 or len(place) != len(classes):
        raise ValueError(f"`classes` must hold each label once, got {plain_list(classes)!r:.200}.")
    return place


def numbered(labels: NDArray[Any], classes: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the classes, and the position of each label among them, shape (n,)."""
    known = np.unique(labels) if classes is None else np.asarray(classes)
    place = _places(known)
    found, inverse = np.unique(labels, return_inverse=True)
    missing = [label for label in plain_list(found) if label not in place]
    if missing:
        row = int(np.flatnonzero(labels == missing[0])[0])
        raise ValueError(
            f"`classes` must name all labels, got {plain_list(known)!r:.200} and label "
            f"{told(missing[0])!r} in row {row}. Add it, or leave these images out."
        )
    places = np.array([place[label] for label in plain_list(found)], dtype=np.int64)
    return known, places[inverse.reshape(-1)]


def steps_of(resampler: Any) -> Iterator[Any]:
    """Yield the samplers of a Pipeline or chain one by one, cloned; each must have its seeds."""
    if resampler is None or (isinstance(resampler, str) and resampler == "passthrough"):
        return
    if hasattr(resampler, "steps"):
        for _, step in resampler.steps:
            yield from steps_of(step)
        return
    if not isinstance(resampler, ImageSamplerMixin):
        reads = (
            " Pass `size` and `mode` instead of ReadImages." if hasattr(resampler, "size") else ""
        )
        raise TypeError(
            "`resampler` must be a sampler of imblearn_images, a Pipeline of such, a "
            f"ResamplingPlan or None, got {resampler!r:.200}.{instead_of(resampler) or reads}"
        )
    yield from _checked(resampler)


def _checked(resampler: Any) -> Iterator[Any]:
    """Yield a clone of a sampler, or of each member of a chain, after checking its parameters."""
    if isinstance(resampler, SamplerChain):
        _check_seed("random_state", resampler.random_state, resampler, or_none=True)
        for member in resampler.members():
            yield from steps_of(member)
        return
    if getattr(resampler, "shrinkage", None) is not None:
        raise ValueError(
            f"`shrinkage` must be None here, got {resampler.shrinkage!r}: its noise is one stream "
            "of random numbers for all rows, so that no row can be drawn alone. Use a `synthesis`, "
            "such as Augment()."
        )
    for name, value in resampler.get_params().items():
        if name.split("__")[-1] == "random_state":
            _check_seed(name, value, resampler)
    yield clone(resampler)


def _check_seed(name: str, value: Any, step: Any, or_none: bool = False) -> None:
    """Raise a ValueError if a seed is not an integer."""
    if isinstance(value, Integral) or (or_none and value is None):
        return
    raise ValueError(
        f"`{name}` must be an integer, got {value!r} in {step!r:.200}: every process, and every "
        f"run after a crash, must decide the same. Set {name}=0."
    )


def _rule_of(step: Any) -> Any:
    """Return the rule by which a sampler draws, unless its plan has another one."""
    synthesis = getattr(step, "synthesis", None)
    return Blend() if synthesis is None else as_synthesis(synthesis)


def _in_epoch(step: Any, epoch: int) -> Any:
    """Return a copy of a sampler with the seeds of an epoch; in epoch 0 they are its own."""
    sampler = copy.copy(step)
    params = step.get_params(deep=False)
    for name, value in params.items():
        if hasattr(value, "fit_resample"):
            setattr(sampler, name, _in_epoch(value, epoch))
    if "epoch" in params:
        sampler.epoch = epoch
    elif params.get("random_state") is not None and epoch:
        # Not the sum of both, by which seed 1 in epoch 2 would repeat seed 2 in epoch 1.
        sequence = np.random.SeedSequence([int(params["random_state"]), epoch])
        sampler.random_state = int(sequence.generate_state(1)[0])
    return sampler


def _apart(plan: ResamplingPlan) -> list[ResamplingPlan]:
    """Return the plans of the single steps, in order."""
    before = [] if plan.previous is None else _apart(plan.previous)
    return [*before, plan.last_step]


def source_of(key: Any) -> int:
    """Return the source image that the base of a key leads to, through all steps."""
    while type(key) is tuple:
        key = key[0] if len(key) < 3 else key[2]
    return int(key)
