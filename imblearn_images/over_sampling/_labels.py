"""Over-sampling where an image has several labels, or several objects: by repeats, by blends."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from numbers import Integral
from typing import Any, Literal

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_random_state

from imblearn_images._docstrings import substitute
from imblearn_images._label_sampler import (
    LabelSamplerMixin,
    check_rows,
    requested_labels,
    take_selected,
)
from imblearn_images.core.annotations import Annotations
from imblearn_images.core.embedding import Search
from imblearn_images.core.images import open_images
from imblearn_images.core.multilabel import (
    LabelCounts,
    Reach,
    check_max_repeats,
    choose_repeats,
    choose_repeats_and_more,
    set_names,
)
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.planning import AcceptRule
from imblearn_images.core.rendering import layers_of
from imblearn_images.core.synthesis import Synthesis, makes_copies, says_where

__all__ = ["MLSMOTE", "LabelOverSampler"]


@substitute
class LabelOverSampler(LabelSamplerMixin, BaseOverSampler):
    """Repeat images that hold rare labels, where images have several labels.

    Repeating an image repeats all of its labels. Which images are repeated, and how often, is
    found by linear programming: with the fewest additional images every label reaches its target,
    and each image is used at least once and at most `max_repeats` times. A warning names targets
    that cannot be reached, with what is possible. With a `synthesis` every repetition is another
    picture.

    {guide=several-labels}

    Parameters
    ----------
    {sampling_strategy_labels}
    max_repeats : int, default=10
        Maximum number of times that an image is in the result. A label of three images can reach
        three times that number.
    {random_state}
    {embedding}
    {synthesis}
    {accept}
    {output_dir}
    {n_jobs}

    Attributes
    ----------
    {plan_}
    reach_ : Reach
        For every label the number before, the number requested, the number reached and the
        largest number possible with `max_repeats`; see ``reach_.to_frame()`` and
        ``reach_.unreachable``.
    {sample_indices_}
    {sampling_strategy_}
    {embedding_}
    {n_features_in_}

    Warns
    -----
    UserWarning
        If the target of a label is out of reach; such labels are named.

    See Also
    --------
    RandomOverSampler : For one label per image.
    imblearn_images.model_selection.MultilabelStratifiedKFold : Folds with equal shares of labels.
    imblearn_images.annotations : Boxes, masks and keypoints.

    Notes
    -----
    The result begins with all images in their order. Of the solutions that add equally few
    images, one is chosen that repeats many images a few times rather than a few images many
    times, and adds few frequent labels. Images with equal labels are repeated equally often, or
    once more.

    ``plan_.y`` holds a row of counts for each image. A `synthesis` that needs a partner gets one
    with the same set of labels, so that these stay true; one without partners, such as
    ``Augment()``, is the better choice where most sets of labels are rare. ``CutMix`` and ``Paste``
    may show parts of images with other labels, and a warning then says so; boxes are carried.

    Resampling is the second thing to try with several labels: compare it with class weights and
    a threshold for each label, see :func:`~imblearn_images.model_selection.compare_resamplers`.
    On neither set of ``tests/benchmarks/labels.py compare`` does a sampler rank better than
    nothing, and on yeast (2,417 rows, 14 labels, logistic regressions) repeats up to 10 times
    lower the mean average precision from 0.467 to 0.427, while a threshold for each label raises
    macro-F1 from 0.390 to 0.479.

    References
    ----------
    .. [1] Q. Huangfu, J. A. J. Hall, "Parallelizing the dual revised simplex method",
       Mathematical Programming Computation 10, 119-142, 2018: the solver, HiGHS.

    Examples
    --------
    >>> import numpy as np
    >>> from imblearn_images import LabelOverSampler
    >>> from imblearn_images.strategies import at_least
    >>> photos = ["1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg"]
    >>> labels = [["cat"], ["cat"], ["cat", "dog"], ["cat"], ["dog", "owl"]]
    >>> over = LabelOverSampler(at_least(4), max_repeats=4)
    >>> photos_res, labels_res = over.fit_resample(photos, labels)
    >>> photos_res[5:], labels_res[-1]
    (['5.jpg', '5.jpg', '5.jpg'], ['dog', 'owl'])
    >>> over.reach_
    label  before  wanted  reached  most possible
    cat         4       4        4             16
    dog         2       4        5              8
    owl         1       4        4              4
    """

    sample_indices_: NDArray[np.intp]
    reach_: Reach

    def __init__(
        self,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
        *,
        max_repeats: int = 10,
        random_state: int | np.random.RandomState | None = None,
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
        synthesis: Synthesis | Callable[..., Any] | Literal["copy", "blend"] | None = None,
        accept: AcceptRule | Callable[..., Any] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.sampling_strategy = sampling_strategy
        self.max_repeats = max_repeats
        self.random_state = random_state
        self.embedding = embedding
        self.synthesis = synthesis
        self.accept = accept
        self.output_dir = output_dir
        self.n_jobs = n_jobs

    def _fit_resample(self, X: Any, y: LabelCounts, embeddings: Any = None) -> tuple[Any, Any]:
        images = X if makes_copies(self.synthesis) else self._images_to_draw(X)
        base, windows = self._chosen(y)
        plan = ResamplingPlan.selection(base, y.counts).labelled(y.counts[base], y.labels)
        if makes_copies(self.synthesis):
            self.embedding_ = None  # copies need no features, but wrong ones are reported
            if embeddings is not None:
                self._own_features(X, set_names(y), embeddings)
            self.plan_, self.sample_indices_ = plan, base
            return take_selected(X, plan), y.take(base)
        if hasattr(self, "sample_indices_"):
            del self.sample_indices_  # X[sample_indices_] would be copies, not the images drawn
        names = set_names(y)
        features, nearness = self._own_features(X, names, embeddings)
        by_set = ResamplingPlan.selection(base, names)
        rule = self.synthesis
        if windows is not None:
            is_window = np.arange(len(base)) >= len(base) - len(windows.base)
            # A rule that only zooms leaves whole images as they are; a chain has other members
            # that draw these.
            alone = hasattr(rule, "views")
            by_set = replace(by_set, drawn=is_window if alone else by_set.kind != "original")
            wholes = windows.wholes(len(base) - len(windows.base))
            every = np.concatenate([wholes, windows.windows])
            self.synthesis = _zoom_of(rule, with_windows=every[by_set.drawn])
        by_set = self._with_synthesis(by_set, images, names, features, nearness=nearness)
        if windows is not None and _zoom_of(rule).in_plan:
            by_set = replace(by_set, synthesis=rule)
        self.synthesis = rule
        if not isinstance(y.source, Annotations):  # annotations are carried from all parents
            _warn_of_others(by_set, images, names, type(self).__name__)
        self.plan_ = by_set.labelled(plan.y, y.labels)
        return self._draw(images), y.take(base)

    def _chosen(self, y: LabelCounts) -> tuple[NDArray[np.intp], Any]:
        """Return the rows of the result, all images, then repetitions; set ``reach_``.

        Where the synthesis looks for objects, also return the views of them that the last rows
        show, else None.
        """
        before = y.counts.sum(axis=0)
        wanted = {
            label: before[y.labels.index(label)] + n for label, n in self.sampling_strategy_.items()
        }
        check_max_repeats(self.max_repeats)
        zoom = _zoom_of(self.synthesis)
        rng = check_random_state(self.random_state)
        if hasattr(self.sampling_strategy, "repeats"):
            if zoom is not None:
                name = type(zoom).__name__
                raise ValueError(
                    f"`sampling_strategy` must request numbers of objects for {name}, got "
                    f"{self.sampling_strategy!r}, which repeats whole images. Pass at_least(n), or "
                    f"leave {name} out."
                )
            # Rounded up or down at random: the expected number of repeats is the factor itself.
            factors = np.clip(self.sampling_strategy.repeats(y.counts), 1, self.max_repeats)
            repeats = (factors + rng.uniform(size=len(factors))).astype(np.intp)
            possible = before * int(self.max_repeats)
            self.reach_ = Reach(y.labels, before, before, repeats @ y.counts, possible)
            return _with_repeats(repeats), None
        if zoom is not None and isinstance(y.source, Annotations):
            seed = rng.randint(1 << 32, dtype=np.uint32)
            views = zoom.views(y.source, list(wanted), np.random.default_rng(int(seed)))
            repeats, chosen, self.reach_ = choose_repeats_and_more(
                y.counts, views.counts, wanted, self.max_repeats, labels=y.labels
            )
            self._warn_of_unreachable()
            rows = _with_repeats(repeats)
            cut = (views.base[chosen], views.windows[chosen], views.counts[chosen])
            views = type(views)(*cut, views.whole)
            return np.concatenate([rows, views.base]), views
        repeats, self.reach_ = choose_repeats(
            y.counts,
            wanted,
            self.max_repeats,
            labels=y.labels,
            random_state=rng,
        )
        self._warn_of_unreachable()
        return _with_repeats(repeats), None

    def _warn_of_unreachable(self) -> None:
        wanted = {label: (before, n) for label, before, n, *_ in self.reach_}
        missed = [
            f"{label!r} (has {wanted[label][0]}, wanted {wanted[label][1]}, at most {possible})"
            for label, possible in self.reach_.unreachable.items()
        ]
        if missed:
            listed = ", ".join(missed[:5]) + (" and others" if len(missed) > 5 else "")
            warnings.warn(
                f"{type(self).__name__} cannot reach the target of {len(missed)} of "
                f"{len(self.reach_)} labels by repeating images at most {self.max_repeats} times: "
                f"{listed}. See `reach_`. Request less with `sampling_strategy`, raise "
                "`max_repeats`, or add images.",
                UserWarning,
                stacklevel=4,
            )


def _with_repeats(repeats: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the rows of all images, then of their repetitions; raise if they are too many."""
    check_rows(int(repeats.sum()))
    rows = np.arange(len(repeats))
    return np.concatenate([rows, np.repeat(rows, repeats - 1)])


def _zoom_of(rule: Any, with_windows: NDArray[Any] | None = None) -> Any:
    """Return the rule that looks for objects: `rule` or a member of a chain; None without one.

    With windows, return a copy of the whole rule that shows these in its synthetic rows.
    """
    members = getattr(rule, "syntheses", None)
    if members is None:
        zooms = hasattr(rule, "views")
        return (
            None if not zooms else rule if with_windows is None else rule.with_windows(with_windows)
        )
    found = [_zoom_of(member, with_windows) for member in members]
    if sum(member is not None for member in found) > 1:
        raise ValueError(
            "`synthesis` must contain at most one of ZoomToObjects and PasteObjects, got "
            f"{rule!r:.200}. Resample twice, with one of them each."
        )
    first = next((member for member in found if member is not None), None)
    if first is None or with_windows is None:
        return first
    bound = copy.copy(rule)
    bound.syntheses = [
        member if new is None else new for member, new in zip(members, found, strict=True)
    ]
    return bound


def _warn_of_others(plan: ResamplingPlan, images: Any, names: NDArray[Any], sampler: str) -> None:
    """Warn if synthetic images show parts of images whose labels they do not get."""
    if not plan.partners.shape[1] or not says_where(plan.synthesis):
        return
    other = (names[plan.partners] != names[plan.base][:, None]) & (plan.weights != 0)
    rows = np.flatnonzero(plan.synthetic & other.any(axis=1))[:1]
    if len(rows) and any(layer.member for layer in layers_of(plan[rows], open_images(images))):
        warnings.warn(
            f"{plan.rule} shows parts of images with other labels, but {sampler} gives synthetic "
            "images the labels of their base. Use Augment() or TransferDeformation(), or pass "
            "boxes as Annotations, which are carried along.",
            UserWarning,
            stacklevel=5,
        )


RULES = ("ranking", "union", "intersection")


@substitute
class MLSMOTE(LabelSamplerMixin, BaseOverSampler):
    """Blend images that share a rare label, where images have several labels.

    SMOTE for several labels: a synthetic image lies between an image with a rare label and one of
    its nearest neighbours among the images with that label. It gets the labels that at least half
    of the image and its neighbours have.

    {guide=several-labels}

    Parameters
    ----------
    {sampling_strategy_mlsmote}
    k_neighbors : int, default=5
        Number of nearest neighbours with the same rare label, one of which becomes the partner of
        an image. A label of fewer images uses all of them.
    labelset_strategy : {"ranking", "union", "intersection"}, default="ranking"
        Which labels a synthetic image gets: those that at least half, any, or all of the image
        and its neighbours have.
    {random_state}
    {embedding}
    {synthesis}
    {accept}
    {output_dir}
    {n_jobs}

    Attributes
    ----------
    {drawing_attributes}

    Raises
    ------
    ValueError
        For a parameter that is not one of those above, and as described under `fit_resample`.

    Warns
    -----
    UserWarning
        If a rare label has a single image, so that none can be made; such labels are named.

    See Also
    --------
    LabelOverSampler : Repeat or redraw whole images until each label reaches its target.
    imblearn_images.model_selection.label_imbalance : Which labels are rare, and with what.

    Notes
    -----
    As in [1]_ every image of a rare label is the base of one synthetic image; an image with
    several rare labels is the base of one for each. The step between both parents is one number
    per image, as in SMOTE; in [1]_ it is one per feature, which would turn pixels into noise.
    Neighbours and labels are those of the original images, not of synthetic ones made before.

    Compare it with class weights and a threshold for each label first: on both sets of
    ``tests/benchmarks/labels.py compare`` it leaves the mean average precision within 0.003 of
    that of doing nothing.

    A `synthesis` without partners, such as ``Augment()``, shows the base alone: then the
    labels are those of the base.

    References
    ----------
    .. [1] F. Charte, A. J. Rivera, M. J. del Jesus, F. Herrera, "MLSMOTE: Approaching imbalanced
       multilabel learning through synthetic instance generation", Knowledge-Based Systems 89,
       385-397, 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from imblearn_images import MLSMOTE
    >>> images = np.random.default_rng(0).integers(0, 256, (12, 8, 8), dtype=np.uint8)
    >>> labels = [["cat"]] * 6 + [["cat", "dog"]] * 4 + [["dog", "owl"]] * 2
    >>> smote = MLSMOTE(random_state=0)
    >>> images_res, labels_res = smote.fit_resample(images, labels)
    >>> smote.sampling_strategy_, labels_res[12:]
    ({'owl': 2}, [['dog', 'owl'], ['dog', 'owl']])
    >>> smote.plan_
    ResamplingPlan(12 images -> 14 rows: 12 original, 0 copies, 2 synthetic, near by pixels)
    """

    def __init__(
        self,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
        *,
        k_neighbors: int = 5,
        labelset_strategy: Literal["ranking", "union", "intersection"] = "ranking",
        random_state: int | np.random.RandomState | None = None,
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
        synthesis: Synthesis | Callable[..., Any] | Literal["copy", "blend"] | None = None,
        accept: AcceptRule | Callable[..., Any] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.sampling_strategy = sampling_strategy
        self.k_neighbors = k_neighbors
        self.labelset_strategy = labelset_strategy
        self.random_state = random_state
        self.embedding = embedding
        self.synthesis = synthesis
        self.accept = accept
        self.output_dir = output_dir
        self.n_jobs = n_jobs

    @property
    def _is_auto(self) -> bool:
        """Whether labels are chosen by IRLbl and MeanIR, as in the paper."""
        return isinstance(self.sampling_strategy, str) and self.sampling_strategy == "auto"

    def _requested(self, labels: LabelCounts) -> dict[Any, int]:
        has = labels.counts > 0
        before = has.sum(axis=0)
        targets = requested_labels(
            "all" if self._is_auto else self.sampling_strategy,
            LabelCounts(has.astype(np.int32), labels.labels, None),
            "over-sampling",
        )
        if self._is_auto:
            ratios = before.max() / np.maximum(before, 1)
            rare = np.flatnonzero((before > 0) & (ratios > ratios[before > 0].mean()))
            targets = {labels.labels[at]: 2 * int(before[at]) for at in rare}
        alone = [k for k in targets if before[labels.labels.index(k)] < 2]
        if alone:
            listed = ", ".join(map(repr, alone[:5])) + (" and others" if len(alone) > 5 else "")
            warnings.warn(
                f"{type(self).__name__} makes no images of {len(alone)} rare labels with fewer "
                f"than two images: {listed}. A single image has no neighbour. Use "
                "LabelOverSampler, which needs one image, or add images.",
                UserWarning,
                stacklevel=4,
            )
        return {
            label: n - int(before[labels.labels.index(label)])
            for label, n in targets.items()
            if label not in alone
        }

    def _fit_resample(self, X: Any, y: LabelCounts, embeddings: Any = None) -> tuple[Any, Any]:
        self._check_rule()
        if sparse.issparse(X):
            raise ValueError(
                f"`X` must be images or rows of pixels for {type(self).__name__}, got a sparse "
                "matrix. Pass an array, X.toarray()."
            )
        check_rows(len(y.counts) + sum(self.sampling_strategy_.values()))
        images = open_images(self._images_to_draw(X))
        names = set_names(y)
        features, nearness = self._own_features(images, names, embeddings)
        rng = check_random_state(self.random_state)
        has = y.counts > 0
        at_label = {label: at for at, label in enumerate(y.labels)}
        bags = {k: np.flatnonzero(has[:, at_label[k]]) for k in self.sampling_strategy_}
        search = Search(
            images if features is None else open_images(features), bags, n_jobs=self.n_jobs
        )
        base, partners, labels = [np.arange(len(has))], [np.arange(len(has))], [y.counts]
        reached = has.sum(axis=0)
        # The rarest first: images made of it may bring other labels up to their targets, too.
        for label in sorted(bags, key=lambda label: len(bags[label])):
            bag, at = bags[label], at_label[label]
            n = self.sampling_strategy_[label]
            if not self._is_auto:  # images made for other labels count towards the target
                n = max(0, n + len(bag) - int(reached[at]))
            if not n:
                continue
            k = min(int(self.k_neighbors), len(bag) - 1)
            near = bag[search(bag, bag, k + 1)[1][:, 1:]]
            rounds = [rng.permutation(len(bag)) for _ in range(-(-n // len(bag)))]
            chosen = np.concatenate(rounds)[:n]
            if n == len(bag):
                chosen = np.arange(n)
            made = self._labels_of(has[bag[chosen]], has[near[chosen]])
            base.append(bag[chosen])
            partners.append(near[chosen, rng.randint(k, size=n)])
            labels.append(made.astype(y.counts.dtype))
            reached = reached + made.sum(axis=0)
        rows, partner = np.concatenate(base), np.concatenate(partners)
        steps = np.zeros(len(rows))
        steps[len(has) :] = rng.uniform(size=len(rows) - len(has))
        drawn = np.arange(len(rows)) >= len(has)
        plan = ResamplingPlan(
            base=rows,
            partners=partner[:, None],
            weights=steps[:, None],
            y=names[rows],
            n_source=len(has),
            nearness=nearness or search.nearness if drawn.any() else "",
        )
        plan = self._with_synthesis(plan, images, names, features)
        counts = np.concatenate(labels)
        if makes_copies(plan.synthesis) or not plan.partners.shape[1]:
            counts = y.counts[rows]  # the image shows its base alone
        self.plan_ = plan.labelled(counts, y.labels)
        return self._draw(images), y.like(counts)

    def _labels_of(self, own: NDArray[np.bool_], near: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the labels of synthetic images, (m, L), from `own` (m, L) and `near` (m, k, L)."""
        votes = own.astype(np.intp) + near.sum(axis=1)
        needed = {"ranking": (near.shape[1] + 1) / 2, "union": 1, "intersection": near.shape[1] + 1}
        kept: NDArray[np.bool_] = votes >= needed[self.labelset_strategy]
        return kept

    def _check_rule(self) -> None:
        """Raise for a `labelset_strategy` or `k_neighbors` that is not allowed."""
        if self.labelset_strategy not in RULES:
            raise ValueError(
                f"`labelset_strategy` must be one of {', '.join(map(repr, RULES))}, got "
                f"{self.labelset_strategy!r}."
            )
        k = self.k_neighbors
        if not isinstance(k, Integral) or isinstance(k, bool) or k < 1:
            raise ValueError(f"`k_neighbors` must be an integer of at least 1, got {k!r}.")
