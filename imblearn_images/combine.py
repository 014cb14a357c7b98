"""Over-sampling, then cleaning: the names of :mod:`imblearn.combine`, on images."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from imblearn.combine import SMOTEENN as ImblearnSMOTEENN
from imblearn.combine import SMOTETomek as ImblearnSMOTETomek
from imblearn.over_sampling import SMOTE as ImblearnSMOTE
from numpy.typing import NDArray

from imblearn_images._docstrings import substitute
from imblearn_images._sampler import (
    ADDED,
    DRAWING,
    MeasuringSamplerMixin,
    check_plain,
    sizes_told,
)
from imblearn_images.core.planning import Judge
from imblearn_images.core.synthesis import Synthesis
from imblearn_images.over_sampling import SMOTE

__all__ = ["SMOTEENN", "SMOTETomek"]


class _SmoteAndCleanMixin(MeasuringSamplerMixin):
    """Mixin for SMOTE followed by a sampler that selects: the plan of the one, cut by the other."""

    cleaner: str
    n_jobs: Any
    random_state: Any
    sampling_strategy: Any
    smote: Any
    smote_: Any

    def _fit_resample(
        self, X: Any, y: NDArray[Any], embeddings: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        target = self._images_to_draw(X)
        features, nearness = self._measure(X, y, embeddings)
        self._check_room(features)
        asked = copy.copy(self)
        asked.smote = self._tracing_smote()
        with sizes_told(y):
            resampled, _ = super(_SmoteAndCleanMixin, asked)._fit_resample(features, y)  # type: ignore[misc]
        vars(self).update(vars(asked) | {"smote": self.smote})
        kept = getattr(self, self.cleaner).sample_indices_
        plan = self.smote_.plan_[kept].near_by(nearness)
        return self._drawn(plan, X, y, target, (features, embeddings, resampled)), plan.y

    def _tracing_smote(self) -> SMOTE:
        if isinstance(self.smote, SMOTE):
            advice = f"Pass it to {type(self).__name__} instead."
            check_plain(self.smote, ("embedding", *DRAWING, "output_dir"), advice)
            return self.smote
        if self.smote is None:
            return SMOTE(sampling_strategy=self.sampling_strategy, random_state=self.random_state)
        params = self.smote.get_params(deep=False)
        if params.keys() != ImblearnSMOTE().get_params(deep=False).keys():
            raise ValueError(
                f"`smote` must be a SMOTE for images here, got {self.smote!r}: it cannot be traced "
                "to images. Put it and the cleaning sampler into a Pipeline."
            )
        return SMOTE(**params)


@substitute
class SMOTEENN(_SmoteAndCleanMixin, ImblearnSMOTEENN):
    """SMOTE, then edited nearest neighbours drop originals and synthetic images that disagree.

    :class:`imblearn.combine.SMOTEENN` for images. The cleaning is severe: whatever has a
    single neighbour of another class goes, so the classes come out unequal, and on raw
    pixels a large class may nearly vanish. Two searches, the second among all rows.

    Parameters
    ----------
    {sampling_strategy_over}
    {random_state}
    {smote}
    enn : EditedNearestNeighbours, default=None
        Cleans all classes by default.
    {n_jobs}
    {embedding}
    {interpolate}
    {synthesis}
    {accept}
    {output_dir}

    Attributes
    ----------
    {plan_}
    {sampling_strategy_}
    {embedding_}
    {n_features_in_}
    smote_, enn_ : samplers
        As fitted on the features.

    Notes
    -----
    The cleaning comes before the drawing: it compares the features of synthetic images as SMOTE
    has made them, whereas `accept` sees the images that survive. Without an `embedding`, original
    and synthetic pixels are held as float64 alike.

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
        accept: Judge | Callable[..., Any] | None = None,
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


@substitute
class SMOTETomek(_SmoteAndCleanMixin, ImblearnSMOTETomek):
    """SMOTE, then both ends of every Tomek link are dropped.

    :class:`imblearn.combine.SMOTETomek` for images. The mild one of the two: it removes few
    rows and keeps the classes nearly equal, at about the cost of SMOTE and one search among
    all rows.

    Parameters
    ----------
    {sampling_strategy_over}
    {random_state}
    {smote}
    tomek : TomekLinks, default=None
        Cleans all classes by default.
    {n_jobs}
    {embedding}
    {interpolate}
    {synthesis}
    {accept}
    {output_dir}

    Attributes
    ----------
    {plan_}
    {sampling_strategy_}
    {embedding_}
    {n_features_in_}
    smote_, tomek_ : samplers
        The two steps, fitted.

    Notes
    -----
    Links are looked for among the features as SMOTE has made them; only images that survive are
    drawn, and seen by `accept`.

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
        accept: Judge | Callable[..., Any] | None = None,
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
