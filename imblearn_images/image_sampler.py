"""Any other sampler with imbalanced-learn's interface, on images."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from imblearn.base import BaseSampler
from numpy.typing import NDArray
from sklearn.base import clone

from imblearn_images.base import ADDED, MeasuringSamplerMixin, sizes_told
from imblearn_images.core.containers import holds_paths
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.tracing import plan_of, trace_rows
from imblearn_images.drawing import draw, images_of
from imblearn_images.measuring import measure

__all__ = ["ImageSampler"]


class ImageSampler(MeasuringSamplerMixin, BaseSampler):
    """Run any sampler with imbalanced-learn's interface on images.

    The sampler, a third party's or your own, is run on features of the images. It must
    select rows, or interpolate between them as ``base + step * (partner - base)``: then it
    is known what every row is made of, and that is done with the images.

    Parameters
    ----------
    sampler : sampler
        Is cloned. One derived from imbalanced-learn's base classes is followed row by row;
        any other has to tell the rows it has selected in ``sample_indices_``.
    embedding : transformer, callable, "thumbnail" or None, default=None
        Features that the sampler sees; None: pixels (float64, 8 bytes each, unless the
        images are floats), of which it may make copies.
    output_dir : path, default=None
        Folder for synthetic images; for paths, and needed then unless rows are selected.
    n_jobs : int, default=None
        Threads of embedding, drawing and writing.

    Attributes
    ----------
    sampler_ : sampler
        As fitted on the features.
    plan_ : ResamplingPlan
        What it has decided.

    Raises
    ------
    ValueError
        If the rows that the sampler has made cannot be traced to images.

    Examples
    --------
    >>> from imblearn import FunctionSampler
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> def every_third(X, y):
    ...     return X[::3], y[::3]
    >>> sampler = ImageSampler(FunctionSampler(func=every_third))
    >>> X_res, y_res = sampler.fit_resample(images, labels)
    >>> X_res.shape, sampler.plan_
    ((121, 32, 32), ResamplingPlan(361 images -> 121 rows: 121 original, 0 copies, 0 synthetic, near
      by pixels))
    """

    _sampling_type = "bypass"  # which rows of which class is the sampler's business
    sampling_strategy = None
    _parameter_constraints: dict[str, Any] = {
        "sampler": "no_validation",
        **{name: ADDED[name] for name in ("embedding", "output_dir", "n_jobs")},
    }

    def __init__(
        self,
        sampler: Any,
        *,
        embedding: Any = None,
        output_dir: str | os.PathLike[str] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.sampler = sampler
        self.embedding = embedding
        self.output_dir = output_dir
        self.n_jobs = n_jobs

    def _fit_resample(
        self, X: Any, y: NDArray[Any], embeddings: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        features, nearness = measure(self, X, embeddings)
        self.sampler_ = clone(self.sampler)
        with sizes_told(y):
            if hasattr(self.sampler_, "_fit_resample"):
                self.sampler_.fit(features, y)
                made, y_made, *_ = self.sampler_._fit_resample(trace_rows(features), y)
            else:
                made, y_made, *_ = self.sampler_.fit_resample(features, y)
        self.plan_ = self._followed(made, np.asarray(y_made), len(y)).near_by(nearness)
        if holds_paths(X) and not self.plan_.synthetic.any():
            return X[self.plan_.base], self.plan_.y
        if features is X and X.dtype.kind == "f":
            return np.asarray(made), self.plan_.y
        return draw(self, X, images_of(X, self)), self.plan_.y

    def _followed(self, made: Any, y_made: NDArray[Any], n: int) -> ResamplingPlan:
        own = getattr(self.sampler_, "plan_", None)
        plan = own if isinstance(own, ResamplingPlan) else plan_of(made, y_made, n)
        if plan is not None:
            return plan
        rows = np.asarray(getattr(self.sampler_, "sample_indices_", []), dtype=np.intp)
        if len(rows) != len(y_made):
            raise ValueError(
                f"{self.sampler!r} makes rows that cannot be traced to images: it neither selects "
                "(`sample_indices_`) nor interpolates as base + step * (partner - base); flatten "
                "the images and use it as it is, X.reshape(len(X), -1)."
            )
        nobody = np.empty((len(rows), 0), dtype=np.intp)
        return ResamplingPlan(rows, nobody, nobody.astype(np.float64), y_made, n)
