"""Cleaning: samplers that drop images that disagree with their neighbours, or are redundant."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from types import NoneType
from typing import Any, Literal

import numpy as np
from imblearn.under_sampling import CondensedNearestNeighbour as ImblearnCondensedNearestNeighbour
from imblearn.under_sampling import EditedNearestNeighbours as ImblearnEditedNearestNeighbours
from imblearn.under_sampling import NeighbourhoodCleaningRule as ImblearnNeighbourhoodCleaningRule
from imblearn.under_sampling import (
    RepeatedEditedNearestNeighbours as ImblearnRepeatedEditedNearestNeighbours,
)
from imblearn.utils import check_neighbors_object
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier

from imblearn_images._docstrings import substitute
from imblearn_images._sampler import MeasuringSelectorMixin
from imblearn_images.core.embedding import Search
from imblearn_images.core.listening import (
    RowAllKNN,
    RowClassifier,
    RowNeighbors,
    RowOneSidedSelection,
    RowTomekLinks,
)

__all__ = [
    "AllKNN",
    "CondensedNearestNeighbour",
    "EditedNearestNeighbours",
    "NeighbourhoodCleaningRule",
    "OneSidedSelection",
    "RepeatedEditedNearestNeighbours",
    "TomekLinks",
]


class _ClassifyingMixin(MeasuringSelectorMixin):
    """Mixin for a sampler whose `n_neighbors` is a number, or a classifier with an own metric."""

    n_neighbors: Any

    def _decides_on_numbers(self, X: Any) -> bool:
        return isinstance(self.n_neighbors, (Integral, NoneType)) and super()._decides_on_numbers(X)


@substitute
class TomekLinks(MeasuringSelectorMixin, RowTomekLinks):
    """Drop majority images whose nearest neighbour, mutually, is an image of another class.

    :class:`imblearn.under_sampling.TomekLinks` for images. It costs one search for the nearest
    neighbour of every image. It moves the border by a few images and never balances the
    classes; with noisy labels it drops the correct image of a pair as readily as the wrong one.

    {guide=samplers-that-drop-images}

    Parameters
    ----------
    {sampling_strategy_clean}
    {n_jobs}
    {embedding}

    Attributes
    ----------
    {selecting_attributes}

    References
    ----------
    .. [1] I. Tomek, "Two modifications of CNN", IEEE Transactions on Systems, Man, and
       Cybernetics 6, 769-772, 1976.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> sampler = TomekLinks(embedding=lambda block: block.std(axis=1))
    >>> X_res, y_res = sampler.fit_resample(images, labels)
    >>> sampler.plan_
    ResamplingPlan(361 images -> 355 rows: 355 original, 0 copies, 0 synthetic, near by <lambda> (32
      features))
    """

    looks_up = True

    _parameter_constraints: dict[str, Any] = {
        **RowTomekLinks._parameter_constraints,
        "embedding": "no_validation",
    }

    def __init__(
        self,
        *,
        sampling_strategy: str | list[Any] = "auto",
        n_jobs: int | None = None,
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            n_jobs=n_jobs,
        )
        self.embedding = embedding

    def _looking_up(self, search: Search, y: NDArray[Any]) -> dict[str, Any]:
        return {"row_search": search}


@substitute
class EditedNearestNeighbours(MeasuringSelectorMixin, ImblearnEditedNearestNeighbours):
    """Drop images whose neighbours are of another class.

    :class:`imblearn.under_sampling.EditedNearestNeighbours` for images. It costs one neighbour
    search for the images of the cleaned classes. It removes overlap, so it helps where the
    overlap is label noise and hurts where it is the difficult part of the class; on raw
    pixels, where classes mingle, it can empty a class.

    {guide=samplers-that-drop-images}

    Parameters
    ----------
    {sampling_strategy_clean}
    {n_neighbors}
    {kind_sel}
    {n_jobs}
    {embedding}

    Attributes
    ----------
    {selecting_attributes}
    nn_ : estimator
        The neighbours object made of `n_neighbors`; unfitted where the library's own exact
        search is used.

    References
    ----------
    .. [1] D. Wilson, "Asymptotic properties of nearest neighbor rules using edited data",
       IEEE Transactions on Systems, Man, and Cybernetics 2(3), 408-421, 1972.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> cleaner = EditedNearestNeighbours(kind_sel="mode", embedding=lambda x: x.std(axis=1))
    >>> X_res, y_res = cleaner.fit_resample(images, labels)
    >>> cleaner.plan_
    ResamplingPlan(361 images -> 343 rows: 343 original, 0 copies, 0 synthetic, near by <lambda> (32
      features))
    """

    searches = {"n_neighbors": 1}
    remembers = True

    _parameter_constraints: dict[str, Any] = {
        **ImblearnEditedNearestNeighbours._parameter_constraints,
        "embedding": "no_validation",
    }

    def __init__(
        self,
        *,
        sampling_strategy: str | list[Any] = "auto",
        n_neighbors: int | Any = 3,
        kind_sel: Literal["all", "mode"] = "all",
        n_jobs: int | None = None,
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            n_neighbors=n_neighbors,
            kind_sel=kind_sel,
            n_jobs=n_jobs,
        )
        self.embedding = embedding


@substitute
class RepeatedEditedNearestNeighbours(
    MeasuringSelectorMixin, ImblearnRepeatedEditedNearestNeighbours
):
    """Apply edited nearest neighbours again and again, until nothing changes.

    :class:`imblearn.under_sampling.RepeatedEditedNearestNeighbours` for images. It applies
    :class:`EditedNearestNeighbours` up to `max_iter` times, at little more than the cost of once:
    distances between images that stay are measured once.

    {guide=samplers-that-drop-images}

    Parameters
    ----------
    {sampling_strategy_clean}
    {n_neighbors}
    max_iter : int, default=100
        Maximum number of rounds. Rounds also end before a class becomes smaller than the smallest.
    {kind_sel}
    {n_jobs}
    {embedding}

    Attributes
    ----------
    {selecting_attributes}
    n_iter_ : int
        Number of rounds.

    References
    ----------
    .. [1] I. Tomek, "An experiment with the edited nearest-neighbor rule", IEEE
       Transactions on Systems, Man, and Cybernetics 6(6), 448-452, 1976.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> repeated = RepeatedEditedNearestNeighbours(embedding=lambda x: x.std(axis=1))
    >>> _ = repeated.fit_resample(images, labels)
    >>> repeated.n_iter_, repeated.plan_
    (3, ResamplingPlan(361 images -> 300 rows: 300 original, 0 copies, 0 synthetic, near by <lambda>
      (32 features)))
    """

    searches = {"n_neighbors": 1}
    remembers = True
    repeats = True

    _parameter_constraints: dict[str, Any] = {
        **ImblearnRepeatedEditedNearestNeighbours._parameter_constraints,
        "embedding": "no_validation",
    }

    def __init__(
        self,
        *,
        sampling_strategy: str | list[Any] = "auto",
        n_neighbors: int | Any = 3,
        max_iter: int = 100,
        kind_sel: Literal["all", "mode"] = "all",
        n_jobs: int | None = None,
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            n_neighbors=n_neighbors,
            max_iter=max_iter,
            kind_sel=kind_sel,
            n_jobs=n_jobs,
        )
        self.embedding = embedding

    def _select(self, seen: Any, y: NDArray[Any]) -> Any:
        resampled = super()._select(seen, y)
        if self.n_iter_ == 1 and len(self.sample_indices_) == len(y):
            # imbalanced-learn 0.14 applies the order of the last round twice to these
            # indices, but once to X: they differ if nothing was dropped.
            self.sample_indices_ = self.enn_.sample_indices_
        return resampled


@substitute
class AllKNN(MeasuringSelectorMixin, RowAllKNN):
    """Apply edited nearest neighbours with a neighbourhood that grows from 1 to `n_neighbors`.

    :class:`imblearn.under_sampling.AllKNN` for images. It drops more images than one round of
    :class:`EditedNearestNeighbours`, mostly at the border.

    {guide=samplers-that-drop-images}

    Parameters
    ----------
    {sampling_strategy_clean}
    {n_neighbors}
    {kind_sel}
    allow_minority : bool, default=False
        Whether to continue when a class becomes smaller than the smallest class was.
    {n_jobs}
    {embedding}

    Attributes
    ----------
    {selecting_attributes}

    References
    ----------
    .. [1] I. Tomek, "An experiment with the edited nearest-neighbor rule", IEEE SMC 6(6),
       448-452, 1976.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> sampler = AllKNN(embedding=lambda block: block.std(axis=1))
    >>> X_res, y_res = sampler.fit_resample(images, labels)
    >>> sampler.plan_
    ResamplingPlan(361 images -> 312 rows: 312 original, 0 copies, 0 synthetic, near by <lambda> (32
      features))
    """

    searches = {"n_neighbors": 1}
    remembers = True
    repeats = True

    _parameter_constraints: dict[str, Any] = {
        **RowAllKNN._parameter_constraints,
        "embedding": "no_validation",
    }

    def __init__(
        self,
        *,
        sampling_strategy: str | list[Any] = "auto",
        n_neighbors: int | Any = 3,
        kind_sel: Literal["all", "mode"] = "all",
        allow_minority: bool = False,
        n_jobs: int | None = None,
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            n_neighbors=n_neighbors,
            kind_sel=kind_sel,
            allow_minority=allow_minority,
            n_jobs=n_jobs,
        )
        self.embedding = embedding

    def _looking_up(self, search: Search, y: NDArray[Any]) -> dict[str, Any]:
        return {"row_search": search}


@substitute
class CondensedNearestNeighbour(_ClassifyingMixin, ImblearnCondensedNearestNeighbour):
    """Keep the images that a nearest-neighbour classifier needs to get the others right.

    :class:`imblearn.under_sampling.CondensedNearestNeighbour` for images. Images are
    processed one by one, and every one that is kept is compared with all of its class. This is
    slow: hours for many tens of thousands of images. It keeps the border of a class, noise
    included, and drops its inside.

    {guide=samplers-that-drop-images}

    Parameters
    ----------
    {sampling_strategy_clean}
    {random_state}
    {n_neighbors_classifier}
    {n_seeds_S}
    {n_jobs}
    {embedding}

    Attributes
    ----------
    {selecting_attributes}
    estimators_ : list of KNeighborsClassifier
        One per condensed class, fitted on the features, or the pixels, of what was kept.

    References
    ----------
    .. [1] P. Hart, "The condensed nearest neighbor rule", IEEE Transactions on Information
       Theory 14(3), 515-516, 1968.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> condense = CondensedNearestNeighbour(random_state=0)
    >>> X_res, y_res = condense.fit_resample(images[::4], labels[::4])
    >>> condense.plan_
    ResamplingPlan(91 images -> 22 rows: 22 original, 0 copies, 0 synthetic, near by pixels)
    """

    looks_up = True

    _parameter_constraints: dict[str, Any] = {
        **ImblearnCondensedNearestNeighbour._parameter_constraints,
        "embedding": "no_validation",
    }

    def __init__(
        self,
        *,
        sampling_strategy: str | list[Any] = "auto",
        random_state: int | np.random.RandomState | None = None,
        n_neighbors: int | Any | None = None,
        n_seeds_S: int = 1,
        n_jobs: int | None = None,
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            random_state=random_state,
            n_neighbors=n_neighbors,
            n_seeds_S=n_seeds_S,
            n_jobs=n_jobs,
        )
        self.embedding = embedding

    def _looking_up(self, search: Search, y: NDArray[Any]) -> dict[str, Any]:
        # Whenever an image is kept, its distances to all of its class are needed: measured at
        # once, group by group, they are looked up from then on.
        groups = np.unique(y, return_inverse=True)[1]
        return {"n_neighbors": RowClassifier(search, _classifier(self), groups)}


@substitute
class OneSidedSelection(_ClassifyingMixin, RowOneSidedSelection):
    """Drop majority images that are easy, then those in Tomek links.

    :class:`imblearn.under_sampling.OneSidedSelection` for images. It classifies each class
    once, by its seeds, and searches once for links. Much depends on the seeds; if results
    differ in quality between two values of `random_state`, do not use it.

    {guide=samplers-that-drop-images}

    Parameters
    ----------
    {sampling_strategy_clean}
    {random_state}
    {n_neighbors_classifier}
    {n_seeds_S}
    {n_jobs}
    {embedding}

    Attributes
    ----------
    {selecting_attributes}

    References
    ----------
    .. [1] M. Kubat, S. Matwin, "Addressing the curse of imbalanced training sets:
       one-sided selection", ICML 97, 179-186, 1997.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> one_sided = OneSidedSelection(n_seeds_S=20, random_state=0)
    >>> X_res, y_res = one_sided.fit_resample(images, labels)
    >>> one_sided.plan_
    ResamplingPlan(361 images -> 116 rows: 114 original, 2 copies, 0 synthetic, near by pixels)
    """

    looks_up = True

    _parameter_constraints: dict[str, Any] = {
        **RowOneSidedSelection._parameter_constraints,
        "embedding": "no_validation",
    }

    def __init__(
        self,
        *,
        sampling_strategy: str | list[Any] = "auto",
        random_state: int | np.random.RandomState | None = None,
        n_neighbors: int | Any | None = None,
        n_seeds_S: int = 1,
        n_jobs: int | None = None,
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            random_state=random_state,
            n_neighbors=n_neighbors,
            n_seeds_S=n_seeds_S,
            n_jobs=n_jobs,
        )
        self.embedding = embedding

    def _looking_up(self, search: Search, y: NDArray[Any]) -> dict[str, Any]:
        groups = np.unique(y, return_inverse=True)[1]
        classifier = RowClassifier(search, _classifier(self), groups)
        return {"n_neighbors": classifier, "row_search": search}


@substitute
class NeighbourhoodCleaningRule(MeasuringSelectorMixin, ImblearnNeighbourhoodCleaningRule):
    """Drop images that their neighbours misclassify, and those that misclassify minority images.

    :class:`imblearn.under_sampling.NeighbourhoodCleaningRule` for images. It costs two neighbour
    searches. It makes room around the smallest class; the second step spares classes of less
    than `threshold_cleaning` times its size.

    {guide=samplers-that-drop-images}

    Parameters
    ----------
    {sampling_strategy_clean}
    edited_nearest_neighbours : sampler, default=None
        The first step; ``None``: edited nearest neighbours with ``kind_sel='mode'``.
    {n_neighbors}
    threshold_cleaning : float, default=0.5
        Minimum size of a class, relative to the smallest, to be cleaned by the second step.
    {n_jobs}
    {embedding}

    Attributes
    ----------
    {selecting_attributes}

    References
    ----------
    .. [1] J. Laurikkala, "Improving identification of difficult small classes by balancing
       class distribution", Artificial Intelligence in Medicine, 63-66, Springer, 2001.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> rule = NeighbourhoodCleaningRule(embedding=lambda block: block.std(axis=(1, 2))[:, None])
    >>> X_res, y_res = rule.fit_resample(images, labels)
    >>> rule.plan_
    ResamplingPlan(361 images -> 293 rows: 293 original, 0 copies, 0 synthetic, near by <lambda> (1
      features))
    """

    searches = {"n_neighbors": 0}
    remembers = True

    _parameter_constraints: dict[str, Any] = {
        **ImblearnNeighbourhoodCleaningRule._parameter_constraints,
        "embedding": "no_validation",
    }

    def __init__(
        self,
        *,
        sampling_strategy: str | list[Any] = "auto",
        edited_nearest_neighbours: Any = None,
        n_neighbors: int | Any = 3,
        threshold_cleaning: float = 0.5,
        n_jobs: int | None = None,
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            edited_nearest_neighbours=edited_nearest_neighbours,
            n_neighbors=n_neighbors,
            threshold_cleaning=threshold_cleaning,
            n_jobs=n_jobs,
        )
        self.embedding = embedding

    def _asked(self, y: NDArray[Any]) -> NDArray[np.bool_]:
        # The second step also looks for the neighbours of the smallest class.
        labels, counts = np.unique(y, return_counts=True)
        return super()._asked(y) | (y == labels[counts.argmin()])

    def _decides_on_numbers(self, X: Any) -> bool:
        counted = isinstance(self.n_neighbors, Integral)  # otherwise a neighbours object
        no_other = self.edited_nearest_neighbours is None
        return counted and no_other and super()._decides_on_numbers(X)

    def _looking_up(self, search: Search, y: NDArray[Any]) -> dict[str, Any]:
        more = check_neighbors_object("n_neighbors", self.n_neighbors, additional_neighbor=1)
        edited = ImblearnEditedNearestNeighbours(
            sampling_strategy=self._numbered_strategy(y),  # it meets the classes by their numbers
            n_neighbors=RowNeighbors(search, more),
            kind_sel="mode",
            n_jobs=self.n_jobs,
        )
        classifier = RowClassifier(search, KNeighborsClassifier(n_neighbors=self.n_neighbors))
        return {"edited_nearest_neighbours": edited, "n_neighbors": classifier}


def _classifier(sampler: Any) -> KNeighborsClassifier:
    """Return the classifier that imbalanced-learn makes of a sampler's `n_neighbors`."""
    k = 1 if sampler.n_neighbors is None else sampler.n_neighbors
    return KNeighborsClassifier(n_neighbors=k, n_jobs=sampler.n_jobs)
