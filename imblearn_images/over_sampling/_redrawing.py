"""Redrawing: a share of the images of every class replaced by synthetic ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any, Literal

import numpy as np
from imblearn.base import BaseSampler
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from imblearn_images._docstrings import substitute
from imblearn_images._sampler import (
    ADDED,
    MeasuringSamplerMixin,
)
from imblearn_images.core.images import Images
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.planning import AcceptRule
from imblearn_images.core.synthesis import Synthesis

__all__ = ["RedrawImages"]


@substitute
class RedrawImages(MeasuringSamplerMixin, BaseSampler):
    """Replace a share of the images of every class by synthetic ones drawn from them.

    Where only rare classes hold synthetic images, a classifier may learn that what looks
    synthetic is rare. This step, behind an over-sampler in a Pipeline, redraws the same
    share of every class, the largest as well. The number of images stays as it is.

    Parameters
    ----------
    {synthesis="blend"}
    share : float, default=0.5
        Of the images of each class that are redrawn, 0 to 1.
    classes : {"all", "resampled"} or list of labels, default="all"
        "resampled": the classes in which an image, or path, occurs more than once, as
        RandomOverSampler leaves them.
    {random_state}
    {embedding}
    {accept}
    {output_dir}
    {n_jobs}

    Attributes
    ----------
    {plan_}
    {embedding_}
    {n_features_in_}

    Raises
    ------
    ValueError
        For a share outside 0 to 1, or a class that y does not have.

    Notes
    -----
    Row k of the result is image k, or an image drawn from it. Without an `embedding`, a
    synthesis finds partners and donors by histograms of oriented gradients.

    Copies of one image count as one where partners are looked for and classes compared in
    size, so that it does not matter whether the over-sampler came before.

    Two of these steps in a row want two seeds: with one they choose the same rows.

    Examples
    --------
    >>> import numpy as np
    >>> from imblearn.pipeline import make_pipeline
    >>> from imblearn_images import RandomOverSampler
    >>> images = np.random.default_rng(0).integers(0, 256, (8, 8, 8), dtype=np.uint8)
    >>> redraw = RedrawImages("blend", share=0.5, random_state=0)
    >>> both = make_pipeline(RandomOverSampler(random_state=0), redraw)
    >>> X_res, y_res = both.fit_resample(images, ["cat"] * 5 + ["dog"] * 3)
    >>> redraw.plan_
    ResamplingPlan(10 images -> 10 rows: 6 original, 0 copies, 4 synthetic, near by HOGFeatures
      (324 features))
    """

    _sampling_type = "bypass"
    sampling_strategy = None
    _parameter_constraints: dict[str, Any] = {
        "share": [Real],
        "classes": [str, list, tuple, np.ndarray],
        "random_state": ["random_state"],
        **ADDED,
    }

    def __init__(
        self,
        synthesis: Synthesis | Callable[..., Any] | Literal["copy", "blend"] | None = "blend",
        *,
        share: float = 0.5,
        classes: Literal["all", "resampled"] | Sequence[Any] = "all",
        random_state: int | np.random.RandomState | None = None,
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
        accept: AcceptRule | Callable[..., Any] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.synthesis = synthesis
        self.share = share
        self.classes = classes
        self.random_state = random_state
        self.embedding = embedding
        self.accept = accept
        self.output_dir = output_dir
        self.n_jobs = n_jobs

    def _fit_resample(
        self, X: Any, y: NDArray[Any], embeddings: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        if not 0 <= self.share <= 1:
            raise ValueError(f"`share` must be between 0 and 1, got {self.share!r}.")
        if not isinstance(X, (np.ndarray, Images)):
            raise TypeError(f"RedrawImages draws images, X is a {type(X).__name__}; pass an array.")
        images = self._images_to_draw(X)
        first = _first_occurrence(images, y)
        redrawn = self._rows_to_redraw(y, first)
        distinct, position = np.unique(first, return_inverse=True)
        alone = self.embedding is None or len(distinct) == len(X)
        some, labels = (X, y) if alone else (_rows(X, distinct), y[distinct])
        features, nearness = self._own_features(some, labels, embeddings)
        if features is not None and len(features) > len(distinct):
            features = features[distinct]
        # Copies of an image must not be its partners: the rule sees every image once.
        plan = ResamplingPlan.selection(position.ravel(), y[distinct])
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
            base=np.where(redrawn, first, np.arange(len(y))),
            partners=distinct[plan.partners],
            n_source=len(y),
        )
        return self._draw(images), self.plan_.y

    def _rows_to_redraw(self, y: NDArray[Any], first: NDArray[np.intp]) -> NDArray[np.bool_]:
        random_state = check_random_state(self.random_state)
        redrawn = np.zeros(len(y), dtype=np.bool_)
        for label in self._chosen_classes(y, first):
            rows = np.flatnonzero(y == label)
            count = round(self.share * len(rows))
            redrawn[random_state.permutation(rows)[:count]] = True
        return redrawn

    def _chosen_classes(self, y: NDArray[Any], first: NDArray[np.intp]) -> NDArray[Any]:
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
            raise ValueError(f"`classes` names {missing!r}, which y does not have.")
        return np.asarray(self.classes)


def _rows(X: Any, rows: NDArray[np.intp]) -> Any:
    return X.subset(rows) if isinstance(X, Images) else X[rows]


def _first_occurrence(images: Images, y: NDArray[Any]) -> NDArray[np.intp]:
    """Row in which the image (or file) of each row occurs first in its class, shape (n,)."""
    seen: dict[Any, int] = {}
    first = np.empty(len(images), dtype=np.intp)
    for row, label in enumerate(y.tolist()):
        first[row] = seen.setdefault((images.identity_of(row), label), row)
    return first
