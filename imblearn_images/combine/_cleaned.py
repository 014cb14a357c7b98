"""SMOTE followed by a sampler that cleans: both decide on one plan, then images are drawn."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from imblearn.combine import SMOTEENN as ImblearnSMOTEENN
from imblearn.combine import SMOTETomek as ImblearnSMOTETomek
from imblearn.over_sampling import SMOTE as ImblearnSMOTE
from imblearn.under_sampling import EditedNearestNeighbours as ImblearnEditedNearestNeighbours
from imblearn.under_sampling import TomekLinks as ImblearnTomekLinks
from imblearn.utils import check_neighbors_object
from numpy.typing import NDArray

from imblearn_images._docstrings import substitute
from imblearn_images._sampler import (
    ADDED,
    DRAWING,
    MeasuringSamplerMixin,
    check_plain,
    finds_exactly,
    searched_here,
)
from imblearn_images.core.embedding import Search
from imblearn_images.core.listening import (
    BlendNeighbors,
    RowNeighbors,
    RowTomekLinks,
    without_images,
)
from imblearn_images.core.planning import AcceptRule
from imblearn_images.core.synthesis import Synthesis
from imblearn_images.core.validation import check_class_sizes
from imblearn_images.over_sampling._smote import SMOTE
from imblearn_images.under_sampling._cleaning import EditedNearestNeighbours, TomekLinks

__all__ = ["SMOTEENN", "SMOTETomek"]


class _SmoteAndCleanMixin(MeasuringSamplerMixin):
    """Mixin for SMOTE followed by a cleaning sampler, which selects rows of SMOTE's plan."""

    cleaner: str
    """Name of the attribute that holds the fitted cleaning sampler."""
    cleaners: tuple[type, ...]
    """Classes of cleaning samplers that can decide on row numbers."""
    n_jobs: Any
    random_state: Any
    sampling_strategy: Any
    smote: Any
    smote_: Any

    def _fit_resample(
        self, X: Any, y: NDArray[Any], embeddings: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        target = self._images_to_draw(X)
        pixels_meant = embeddings is None and self.embedding is None
        if pixels_meant and searched_here(X) and self._decides_on_numbers():
            return self._on_numbers(X, y, target)
        features, nearness = self._measure(X, y, embeddings)
        self._check_room(features)
        worker = copy.copy(self)
        worker.smote = self._tracing_smote()
        resampled, _ = super(_SmoteAndCleanMixin, worker)._fit_resample(features, y)  # type: ignore[misc]
        # All that was fitted, but the parameter as the user has set it.
        vars(self).update(vars(worker) | {"smote": self.smote})
        # The cleaner selects among rows that SMOTE made, by whose plan the images are drawn.
        kept = getattr(self, self.cleaner).sample_indices_
        plan = self.smote_.plan_[kept].near_by(nearness)
        return self._drawn(plan, X, y, target, (features, embeddings, resampled)), plan.y

    def _decides_on_numbers(self) -> bool:
        """Whether both steps only look at rows through neighbours that this library finds."""
        smote, cleaner = self.smote, getattr(self, self.cleaner.rstrip("_"))
        return (smote is None or finds_exactly(smote.k_neighbors)) and (
            cleaner is None
            or (
                type(cleaner) in self.cleaners
                and getattr(cleaner, "embedding", None) is None
                and finds_exactly(getattr(cleaner, "n_neighbors", 1))
            )
        )

    def _on_numbers(self, X: Any, y: NDArray[Any], images: Any) -> tuple[Any, NDArray[Any]]:
        """Resample on row numbers: no float copy is made of the pixels or of the blends."""
        self._own_features(X, y, None)
        rows = np.arange(len(y))
        images.look_at(rows, n_jobs=self.n_jobs)
        search = Search(images, {"": rows}, n_jobs=self.n_jobs)
        blends = BlendNeighbors(search)
        smote = self._tracing_smote()
        worker = copy.copy(self)
        worker.smote = _DecidingSMOTE(**smote.get_params(deep=False)).among(search, blends)
        vars(worker)[self.cleaner.rstrip("_")] = self._cleaner(blends)
        super(_SmoteAndCleanMixin, worker)._fit_resample(  # type: ignore[misc]
            rows.astype(np.float64)[:, None], y
        )
        kept = getattr(worker, self.cleaner).sample_indices_
        decided = worker.smote_.plan_
        # What stays fitted is a plain SMOTE, which holds neither the search nor the images.
        self.smote_ = SMOTE(**smote.get_params(deep=False))
        self.smote_.plan_, self.smote_.nn_k_ = decided, worker.smote_.nn_k_
        self.smote_.sampling_strategy_ = worker.smote_.sampling_strategy_
        self.sampling_strategy_ = worker.sampling_strategy_
        setattr(self, self.cleaner, without_images(getattr(worker, self.cleaner)))
        plan = decided[kept].near_by(search.nearness)
        self.plan_ = self._with_synthesis(plan, images, y)
        return self._draw(images), plan.y

    def _cleaner(self, blends: BlendNeighbors) -> Any:
        """Return imbalanced-learn's cleaning sampler, which looks rows up in `blends`."""
        raise NotImplementedError

    def _tracing_smote(self) -> SMOTE:
        """Return the SMOTE of this library that runs the first step and keeps a plan."""
        if isinstance(self.smote, SMOTE):
            advice = f"Pass it to {type(self).__name__} instead."
            check_plain(self.smote, ("embedding", *DRAWING, "output_dir"), advice)
            return self.smote
        if self.smote is None:
            return SMOTE(sampling_strategy=self.sampling_strategy, random_state=self.random_state)
        params = self.smote.get_params(deep=False)
        # By parameters, not by type: a subclass with others would decide in a way of its own.
        if params.keys() != ImblearnSMOTE().get_params(deep=False).keys():
            raise ValueError(
                f"`smote` must be a SMOTE with imbalanced-learn's parameters, got {self.smote!r}, "
                "whose rows cannot be traced to images. Put it and the cleaning sampler into a "
                "Pipeline."
            )
        return SMOTE(**params)


class _DecidingSMOTE(SMOTE):
    """SMOTE that takes row numbers of images and returns row numbers of its plan."""

    def among(self, search: Search, blends: BlendNeighbors) -> _DecidingSMOTE:
        """Set where neighbours are looked up and which `blends` get the plan; return self."""
        self.row_search, self.blends = search, blends
        return self

    def __sklearn_clone__(self) -> _DecidingSMOTE:
        return copy.copy(self)

    def _fit_resample(
        self, X: Any, y: NDArray[Any], embeddings: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        check_class_sizes(y, self.sampling_strategy_, self.k_neighbors)
        self.plan_ = self.blends.plan = self._decided(y, self.row_search, self.row_search.images)
        return np.arange(len(self.plan_), dtype=np.float64)[:, None], self.plan_.y


@substitute
class SMOTEENN(_SmoteAndCleanMixin, ImblearnSMOTEENN):
    """Run SMOTE, then drop original and synthetic images with neighbours of another class.

    :class:`imblearn.combine.SMOTEENN` for images. The cleaning is severe: every image that has a
    single neighbour of another class is dropped, so the classes end up unequal, and on raw
    pixels a large class may nearly vanish. It costs two searches, the second among all rows.

    {guide=both-and-ensembles}

    Parameters
    ----------
    {sampling_strategy_over}
    {random_state}
    {smote}
    enn : EditedNearestNeighbours, default=None
        The second step; ``None``: one that cleans all classes.
    {n_jobs}
    {drawing_parameters}

    Attributes
    ----------
    {drawing_attributes}
    smote_, enn_ : samplers
        The two steps, as fitted on the features.

    Notes
    -----
    Images are cleaned before they are drawn: what is compared are the features that SMOTE has
    interpolated, whereas `accept` sees the images that are left. Without an `embedding`, synthetic
    images are compared as the floats that SMOTE makes, before they are rounded. Their distances
    follow from the inner products of their parents, so that no float copy of pixels is needed.

    References
    ----------
    .. [1] G. Batista, R. C. Prati, M. C. Monard, "A study of the behavior of several methods
       for balancing machine learning training data", ACM SIGKDD Explorations 6(1), 2004.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> both = SMOTEENN(random_state=0, embedding=lambda block: block.std(axis=1))
    >>> X_res, y_res = both.fit_resample(images, labels)
    >>> both.plan_
    ResamplingPlan(361 images -> 744 rows: 343 original, 0 copies, 401 synthetic, near by <lambda>
      (32 features))
    """

    cleaner = "enn_"
    cleaners = (ImblearnEditedNearestNeighbours, EditedNearestNeighbours)

    _parameter_constraints: dict[str, Any] = {
        **ImblearnSMOTEENN._parameter_constraints,
        **ADDED,
        "interpolate": "no_validation",
    }

    def __init__(
        self,
        *,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
        random_state: int | np.random.RandomState | None = None,
        smote: Any = None,
        enn: Any = None,
        n_jobs: int | None = None,
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
        interpolate: Literal["pixels", "embedding"] = "pixels",
        synthesis: Synthesis | Callable[..., Any] | Literal["copy", "blend"] | None = None,
        accept: AcceptRule | Callable[..., Any] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            random_state=random_state,
            smote=smote,
            enn=enn,
            n_jobs=n_jobs,
        )
        self.embedding = embedding
        self.interpolate = interpolate
        self.synthesis = synthesis
        self.accept = accept
        self.output_dir = output_dir

    def _cleaner(self, blends: BlendNeighbors) -> Any:
        enn = self.enn or ImblearnEditedNearestNeighbours(sampling_strategy="all")
        plain = check_neighbors_object("n_neighbors", enn.n_neighbors, additional_neighbor=1)
        return ImblearnEditedNearestNeighbours(
            sampling_strategy=enn.sampling_strategy,
            n_neighbors=RowNeighbors(blends, plain),
            kind_sel=enn.kind_sel,
        )


@substitute
class SMOTETomek(_SmoteAndCleanMixin, ImblearnSMOTETomek):
    """Run SMOTE, then drop both images of every Tomek link.

    :class:`imblearn.combine.SMOTETomek` for images. It cleans less than SMOTEENN: few rows are
    dropped, and the classes stay nearly equal. It costs about as much as SMOTE and one search
    among all rows.

    {guide=both-and-ensembles}

    Parameters
    ----------
    {sampling_strategy_over}
    {random_state}
    {smote}
    tomek : TomekLinks, default=None
        The second step; ``None``: one that cleans all classes.
    {n_jobs}
    {drawing_parameters}

    Attributes
    ----------
    {drawing_attributes}
    smote_, tomek_ : samplers
        The two steps, as fitted on the features.

    Notes
    -----
    Images are cleaned before they are drawn: links are searched among the features that SMOTE has
    interpolated, and only images that are left are drawn, and seen by `accept`.

    References
    ----------
    .. [1] G. Batista, B. Bazzan, M. Monard, "Balancing training data for automated annotation
       of keywords: a case study", WOB, 10-18, 2003.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> linked = SMOTETomek(random_state=0, embedding=lambda block: block[:, ::9].mean(axis=2))
    >>> X_res, y_res = linked.fit_resample(images, labels)
    >>> linked.plan_
    ResamplingPlan(361 images -> 762 rows: 357 original, 0 copies, 405 synthetic, near by <lambda>
      (4 features))

    The same parents, but each image is drawn along the flow between them:

    >>> from imblearn_images.synthesis import Morph
    >>> X_morphed, y_morphed = linked.set_params(synthesis=Morph()).fit_resample(images, labels)
    >>> linked.plan_
    ResamplingPlan(361 images -> 762 rows: 357 original, 0 copies, 405 synthetic, near by <lambda>
      (4 features), drawn by Morph)
    """

    cleaner = "tomek_"
    cleaners = (ImblearnTomekLinks, TomekLinks)

    _parameter_constraints: dict[str, Any] = {
        **ImblearnSMOTETomek._parameter_constraints,
        **ADDED,
        "interpolate": "no_validation",
    }

    def __init__(
        self,
        *,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
        random_state: int | np.random.RandomState | None = None,
        smote: Any = None,
        tomek: Any = None,
        n_jobs: int | None = None,
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
        interpolate: Literal["pixels", "embedding"] = "pixels",
        synthesis: Synthesis | Callable[..., Any] | Literal["copy", "blend"] | None = None,
        accept: AcceptRule | Callable[..., Any] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            random_state=random_state,
            smote=smote,
            tomek=tomek,
            n_jobs=n_jobs,
        )
        self.embedding = embedding
        self.interpolate = interpolate
        self.synthesis = synthesis
        self.accept = accept
        self.output_dir = output_dir

    def _cleaner(self, blends: BlendNeighbors) -> Any:
        tomek = self.tomek or ImblearnTomekLinks(sampling_strategy="all")
        links = RowTomekLinks(sampling_strategy=tomek.sampling_strategy)
        links.row_search = blends
        return links
