"""Redrawing: synthetic images of every class, in place of images or beside them."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import prod
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from imblearn.base import BaseSampler
from imblearn.utils import check_sampling_strategy
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from imblearn_images._docstrings import substitute
from imblearn_images._label_sampler import carried_by
from imblearn_images._sampler import ADDED, MeasuringSamplerMixin, returned
from imblearn_images.core.annotations import Annotations
from imblearn_images.core.embedding import check_embedding
from imblearn_images.core.images import Images, unwrap_images
from imblearn_images.core.memory import check_fits
from imblearn_images.core.multilabel import set_names, several_labels_of
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.planning import AcceptRule
from imblearn_images.core.rendering import DrawnImages
from imblearn_images.core.synthesis import Synthesis
from imblearn_images.core.validation import (
    PLAN_BYTES,
    WholeCounts,
    as_counts,
    check_lengths,
    check_plan_fits,
    check_strategy,
)
from imblearn_images.core.writing import DrawLater

__all__ = ["RedrawImages"]


@substitute
class RedrawImages(MeasuringSamplerMixin, BaseSampler):
    """Draw synthetic images of every class, in place of its images or beside them.

    Where only rare classes hold synthetic images, a classifier may learn that what looks
    synthetic is rare. This step draws the same share of every class, the largest as well. Behind
    an over-sampler in a Pipeline it replaces copies. On its own, with ``times=8, keep=True``,
    it returns every image and eight pictures drawn from it, and leaves the shares of the classes
    as they are: correct the classifier for these (:func:`imblearn_images.recipes.many`).

    {guide=samplers-that-add-images}

    Parameters
    ----------
    {synthesis="blend"}
    times : int, default=1
        Number of sets that are drawn, each with every image once.
    keep : bool, default=False
        Whether the unchanged images come first, as one set more.
    share : float, default=None
        Share of the images of each class in a set that are redrawn, from 0 to 1; the others are
        copies. ``None``: 0.5, and 1 with `keep`.
    {sampling_strategy_redraw}
    classes : {"all", "resampled"} or list of labels, default="all"
        The classes that are redrawn; the others are copied. "resampled": those in which an image,
        or path, occurs more than once, as behind RandomOverSampler.
    lazy : bool, default=False
        Return a home of pixels (:class:`~imblearn_images.images.DrawnImages`), whose images are
        drawn when they are read, instead of an array or new files. A later step that reads
        blocks, such as ``HOGFeatures`` or ``TorchEmbedding``, then never holds all pixels; any
        other gets them through a temporary file.
    {random_state}
    {embedding}
    {accept}
    {output_dir}
    {n_jobs}

    Attributes
    ----------
    {drawing_attributes}

    Raises
    ------
    ValueError
        For a share outside 0 to 1, a class that y does not have, `times` below 1, or a request
        for fewer images of a class than it has.
    MemoryError
        If the result does not fit into memory; raised before anything is drawn, with its size.

    Notes
    -----
    Row k of the result is image k, or an image drawn from it; with `times` and `keep` so is row
    k + j n, n being the number of images. Rows that a `sampling_strategy` adds come last.
    ``plan_.first_base`` holds the source image of every row.

    Without an `embedding`, a synthesis finds partners and donors by histograms of oriented
    gradients.

    Copies of one image count as one where partners are searched and the sizes of classes
    compared, so that it does not matter whether an over-sampler came before.

    Two of these steps in a row need different seeds: with the same one they choose the same rows.

    Images, other than rows of pixels, may have several labels: annotations, lists of labels, or
    rows of 0 and 1. Partners then come from images with the same set of labels, and `classes`
    and `sampling_strategy` name sets, such as "cat + dog". The `share` is that of all images
    together, because many sets have one image only. Annotations are carried along.

    Examples
    --------
    >>> import numpy as np
    >>> from imblearn.pipeline import make_pipeline
    >>> from imblearn_images import RandomOverSampler
    >>> images = np.random.default_rng(0).integers(0, 256, (8, 8, 8), dtype=np.uint8)
    >>> labels = ["cat"] * 5 + ["dog"] * 3
    >>> redraw = RedrawImages("blend", share=0.5, random_state=0)
    >>> both = make_pipeline(RandomOverSampler(random_state=0), redraw)
    >>> X_res, y_res = both.fit_resample(images, labels)
    >>> redraw.plan_
    ResamplingPlan(10 images -> 10 rows: 6 original, 0 copies, 4 synthetic, near by HOGFeatures
      (324 features))

    Every image and three pictures drawn from it, turned into features block by block:

    >>> from imblearn_images.preprocessing import HOGFeatures
    >>> from imblearn_images.synthesis import Augment
    >>> many = RedrawImages(Augment(), times=3, keep=True, lazy=True, random_state=0)
    >>> X_res, y_res = many.fit_resample(images, labels)
    >>> X_res, y_res.count("cat"), y_res.count("dog")
    (DrawnImages(32 images), 20, 12)
    >>> HOGFeatures().fit_transform(X_res).shape
    (32, 324)
    """

    _sampling_type = "bypass"
    _parameter_constraints: dict[str, Any] = {
        "times": [Integral],
        "keep": ["boolean"],
        "share": [Real, None],
        "sampling_strategy": [Real, str, Mapping, callable, None],
        "classes": [str, list, tuple, np.ndarray],
        "lazy": ["boolean"],
        "random_state": ["random_state"],
        **ADDED,
    }

    def __init__(
        self,
        synthesis: Synthesis | Callable[..., Any] | Literal["copy", "blend"] | None = "blend",
        *,
        times: int = 1,
        keep: bool = False,
        share: float | None = None,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] | None = None,
        classes: Literal["all", "resampled"] | Sequence[Any] = "all",
        lazy: bool = False,
        random_state: int | np.random.RandomState | None = None,
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
        accept: AcceptRule | Callable[..., Any] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.synthesis = synthesis
        self.times = times
        self.keep = keep
        self.share = share
        self.sampling_strategy = sampling_strategy
        self.classes = classes
        self.lazy = lazy
        self.random_state = random_state
        self.embedding = embedding
        self.accept = accept
        self.output_dir = output_dir
        self.n_jobs = n_jobs

    def fit_resample(self, X: Any, y: Any, *, embeddings: Any = None, **params: Any) -> Any:
        """Resample the images.

        Parameters
        ----------
        X : images
            As for any sampler: an array, memmap or tensor, paths, or another home of pixels.
        y : array-like of shape (n,) or (n, L), list, or Annotations
            Labels in any container, or several per image: see the notes of the class.
        embeddings : array-like of shape (n, d), default=None
            Features of the images computed beforehand, instead of those of `embedding`.

        Returns
        -------
        X_resampled : images
            In the container, dtype and shape of `X`.
        y_resampled : array-like of shape (n_resampled,) or (n_resampled, L), list, or Annotations
            In the container and dtype of `y`; annotations are moved with what the images show.

        Raises
        ------
        ValueError
            If lengths differ, a label or a feature is missing, or there is one class only.
        TypeError
            For rows that are not pixels, and for a parameter that this sampler does not take.
        """
        images, rewrap = unwrap_images(X)
        labels = several_labels_of(y) if isinstance(images, Images) else None
        given: dict[str, Any] = {} if embeddings is None else {"embeddings": embeddings}
        if labels is None:
            return super().fit_resample(X, y, **given, **params)
        check_embedding(self.embedding)
        self._check_params({**given, **params})
        check_lengths(images, labels.counts)
        worker: Any = copy.copy(self)
        # Sets of labels are no classes: of rare sets a share would mean none, or all.
        names = set_names(labels)
        X_resampled, _ = RedrawImages._redraw(worker, images, names, embeddings, by_class=False)
        self.__dict__ = vars(worker)
        shape = () if images.paths is not None else images.uniform or images.shape_of(0)
        self.n_features_in_ = prod(shape)
        self.plan_ = self.plan_.labelled(labels.counts[self.plan_.first_base])
        if isinstance(labels.source, Annotations):
            paths = getattr(X_resampled, "paths", None)
            y_resampled = carried_by(self, labels.source, images, paths)
        else:
            y_resampled = labels.take(self.plan_.first_base)
        return returned(X, images, X_resampled, self.plan_, rewrap), y_resampled

    def _fit_resample(
        self, X: Any, y: NDArray[Any], embeddings: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        return self._redraw(X, y, embeddings, by_class=True)

    def _redraw(
        self, X: Any, y: NDArray[Any], embeddings: Any, *, by_class: bool
    ) -> tuple[Any, NDArray[Any]]:
        """Redraw a `share` of each class, or of all images together."""
        share = self._checked_share()
        if not isinstance(X, (np.ndarray, Images)):
            raise TypeError(
                f"`X` must be images for RedrawImages, got a {type(X).__name__}. Pass an array."
            )
        images = self._images_to_draw(X)
        random_state = check_random_state(self.random_state)
        wanted = _wanted(self.sampling_strategy, y, self.times + self.keep)
        self._check_size(images, sum(wanted.values()))
        rounds = self._rounds(y, wanted, random_state)
        first = _first_occurrence(images, y)
        chosen = self._chosen_classes(y, first)
        kept = 1 if self.keep else 0  # the first set, as it is
        sets = [np.zeros(len(rows), dtype=np.bool_) for rows in rounds[:kept]]
        for rows in rounds[kept:]:
            among = y[rows]
            groups = [among == label for label in chosen] if by_class else [np.isin(among, chosen)]
            sets.append(_share_of(groups, share, len(rows), random_state))
        redrawn = np.concatenate(sets)
        rows = np.concatenate(rounds)
        distinct, position = np.unique(first, return_inverse=True)
        alone = self.embedding is None or len(distinct) == len(X)
        some, labels = (X, y) if alone else (_rows(X, distinct), y[distinct])
        features, nearness = self._own_features(some, labels, embeddings)
        if features is not None and len(features) > len(distinct):
            features = features[distinct]
        # Copies of an image must not be its partners: the rule sees every image once.
        plan = ResamplingPlan.selection(position.ravel()[rows], y[distinct])
        plan = self._with_synthesis(
            replace(plan, drawn=redrawn),
            images.subset(distinct),
            y[distinct],
            features,
            nearness=nearness,
            rows=distinct,
        )
        self.plan_ = replace(
            plan,
            base=np.where(redrawn, first[rows], rows),
            partners=distinct[plan.partners],
            n_source=len(y),
        )
        if self.lazy:
            return DrawnImages(self.plan_, images), self.plan_.y
        return self._draw(images), self.plan_.y

    def _checked_share(self) -> float:
        """Return the share in use; raise for `times` or `share` outside their range."""
        if isinstance(self.times, bool) or self.times < 1:
            raise ValueError(f"`times` must be at least 1, got {self.times!r}.")
        share = self.share if self.share is not None else 1.0 if self.keep else 0.5
        if not 0 <= share <= 1:
            raise ValueError(f"`share` must be between 0 and 1, got {self.share!r}.")
        return float(share)

    def _rounds(
        self, y: NDArray[Any], wanted: dict[Any, int], random_state: np.random.RandomState
    ) -> list[NDArray[np.intp]]:
        """Return the rows of each set of the result, and set ``sampling_strategy_``.

        The originals if they are kept, then the sets of `times`, then what the strategy adds.
        """
        self.sampling_strategy_ = {
            label: n - int(np.count_nonzero(y == label)) for label, n in wanted.items()
        }
        if self.sampling_strategy is None:
            return [np.arange(len(y))] * (self.times + self.keep)
        rounds, left = [], dict(wanted)
        while any(left.values()):
            some = []
            for label in wanted:
                members = np.flatnonzero(y == label)
                # Whole rounds first: two images of a class occur equally often, or once more.
                if left[label] < len(members):
                    members = random_state.permutation(members)[: left[label]]
                left[label] -= len(members)
                some.append(members)
            rounds.append(np.sort(np.concatenate(some)))
        return rounds

    def _check_size(self, images: Images, n_out: int) -> None:
        """Raise MemoryError if `n_out` images, or the plan of those drawn later, do not fit."""
        shape = images.uniform
        later = self.lazy or images.draws_later or isinstance(self.output_dir, DrawLater)
        at_hand = images.paths is None and shape is not None and not later
        n_bytes = n_out * (prod(shape or ()) * images.dtype.itemsize if at_hand else PLAN_BYTES)
        check_fits(
            n_bytes,
            f"The result, {n_out} images drawn from {len(images)},",
            "Pass fewer `times`, or lazy=True where the next step reads blocks, such as "
            "HOGFeatures.",
        )

    def _chosen_classes(self, y: NDArray[Any], first: NDArray[np.intp]) -> NDArray[Any]:
        """Return the labels that `classes` means; `first` is the row of each image's first copy."""
        labels = np.unique(y)
        if isinstance(self.classes, str):
            if self.classes == "all":
                return labels
            if self.classes == "resampled":
                return np.unique(y[first != np.arange(len(y))])
            raise ValueError(
                '`classes` must be "all", "resampled" or a list of labels, got '
                f"{self.classes!r}; for one class pass [{self.classes!r}]."
            )
        missing = [label for label in self.classes if label not in labels]
        if missing:
            raise ValueError(
                f"`classes` must be labels of y, got {missing!r} as well. Leave them out."
            )
        return np.asarray(self.classes)


def _wanted(strategy: Any, y: NDArray[Any], n_sets: int) -> dict[Any, int]:
    """Return a dict of class label to number of images in the result."""
    labels, counts = np.unique(y, return_counts=True)
    wanted = dict(zip(labels, (n_sets * counts).tolist(), strict=True))
    if strategy is None:
        return wanted
    counted = y if isinstance(strategy, Mapping) else np.repeat(y, n_sets)
    check_strategy(strategy, y, "over-sampling")
    check_plan_fits(strategy, counted, "over-sampling")
    strategy = WholeCounts(strategy) if callable(strategy) else as_counts(strategy)
    added = check_sampling_strategy(strategy, counted, "over-sampling")
    for label, number in added.items():
        wanted[label] = int(np.count_nonzero(counted == label)) + int(number)
    return wanted


def _share_of(
    groups: list[NDArray[np.bool_]], share: float, n: int, random_state: np.random.RandomState
) -> NDArray[np.bool_]:
    """Draw a share of the rows of each group; masks of shape (n,) in, one mask out."""
    drawn = np.zeros(n, dtype=np.bool_)
    for group in groups:
        rows = np.flatnonzero(group)
        drawn[random_state.permutation(rows)[: round(share * len(rows))]] = True
    return drawn


def _rows(X: Any, rows: NDArray[np.intp]) -> Any:
    """Return these rows of images or of an array."""
    return X.subset(rows) if isinstance(X, Images) else X[rows]


def _first_occurrence(images: Images, y: NDArray[Any]) -> NDArray[np.intp]:
    """Return the row in which each image (or file) occurs first in its class, shape (n,)."""
    seen: dict[Any, int] = {}
    keys = zip(images.identities(), y.tolist(), strict=True)
    first = [seen.setdefault(key, row) for row, key in enumerate(keys)]
    return np.array(first, dtype=np.intp)
