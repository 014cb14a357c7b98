"""ImageSampler: any third-party sampler with imbalanced-learn's interface, on images."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
from imblearn.base import BaseSampler
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from imblearn_images._docstrings import substitute
from imblearn_images._sampler import (
    ADDED,
    DRAWING,
    ImageSamplerMixin,
    MeasuringSamplerMixin,
    check_plain,
)
from imblearn_images.core.images import Images
from imblearn_images.core.listening import plan_of, trace_rows
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.planning import AcceptRule
from imblearn_images.core.synthesis import Synthesis, makes_copies

__all__ = ["ImageSampler", "instead_of"]


def instead_of(sampler: Any) -> str:
    """Return a sentence, after a space, that suggests what to use instead; empty without a guess.

    Parameters
    ----------
    sampler : object
        What was passed where a sampler of this library belongs.

    Returns
    -------
    advice : str

    Examples
    --------
    >>> from imblearn.combine import SMOTEENN
    >>> instead_of(SMOTEENN())
    ' Use imblearn_images.SMOTEENN, which takes images.'
    >>> instead_of(SMOTEENN)
    ' Did you mean SMOTEENN()?'
    >>> instead_of(None)
    ''
    """
    if isinstance(sampler, type):
        return f" Did you mean {sampler.__name__}()?" if hasattr(sampler, "fit_resample") else ""
    name = type(sampler).__name__
    ours = next((cls for cls in _derived_from(ImageSamplerMixin) if cls.__name__ == name), None)
    if ours is None or isinstance(sampler, ours):
        return ""
    return f" Use imblearn_images.{name}, which takes images."


def _derived_from(cls: type) -> Iterator[type]:
    """Yield the classes of this package derived from `cls`, without importing their modules.

    Those import this module, so it cannot import them.
    """
    each: type
    for each in cls.__subclasses__():
        if each.__module__.startswith("imblearn_images."):
            yield each
        yield from _derived_from(each)


BLOCK = 1 << 24  # bytes of rows that are compared at a time


@substitute
class ImageSampler(MeasuringSamplerMixin, BaseSampler):
    """Run any sampler with imbalanced-learn's interface on images.

    The sampler, a third party's or your own, is run on features of the images. It must
    select rows, or interpolate between them as ``base + step * (partner - base)``: then the
    parents of every row are known, and the same is done with their images.

    {guide=write-a-sampler}

    Parameters
    ----------
    sampler : sampler
        A clone of it is run. If it is derived from imbalanced-learn's base classes, its rows are
        traced; any other sampler has to select rows and list them in ``sample_indices_``. A
        sampler of this library takes images itself; here its parameters must not say how they
        are drawn.
    {embedding}
    {synthesis}
    {accept}
    {random_state}
    {output_dir}
    {n_jobs}

    Attributes
    ----------
    sampler_ : sampler
        The fitted clone of `sampler`.
    {plan_}
    {embedding_}
    {n_features_in_}

    Raises
    ------
    TypeError
        If `sampler` has no ``fit_resample``, or is a Pipeline.
    ValueError
        If the rows that the sampler has made cannot be traced to images, or its parameters say
        how images are drawn.

    Notes
    -----
    The sampler gets features, of which it may make copies. Without an `embedding` they are the
    pixels: as float64 (8 bytes each), unless the images are floats.

    A `synthesis` draws another image for every row that the sampler interpolates, and for every
    repetition of a row. Without one, repetitions are copies, to which `accept` is not applied.
    `random_state` is the seed of the synthesis; the sampler has its own.

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

    Another picture for every copy that imbalanced-learn makes:

    >>> from imblearn.over_sampling import RandomOverSampler
    >>> from imblearn_images.synthesis import Augment
    >>> copies = RandomOverSampler(random_state=0)
    >>> varied = ImageSampler(copies, synthesis=Augment(), random_state=0)
    >>> X_res, y_res = varied.fit_resample(images, labels)
    >>> varied.plan_
    ResamplingPlan(361 images -> 768 rows: 361 original, 0 copies, 407 synthetic, near by pixels,
      drawn by Augment)
    """

    _sampling_type = "bypass"  # the sampler decides which rows of which class
    sampling_strategy = None
    _parameter_constraints: dict[str, Any] = {
        "sampler": "no_validation",
        "random_state": ["random_state"],
        **ADDED,
    }

    def __init__(
        self,
        sampler: Any,
        *,
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
        synthesis: Synthesis | Callable[..., Any] | Literal["copy", "blend"] | None = None,
        accept: AcceptRule | Callable[..., Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.sampler = sampler
        self.embedding = embedding
        self.synthesis = synthesis
        self.accept = accept
        self.random_state = random_state
        self.output_dir = output_dir
        self.n_jobs = n_jobs

    def _fit_resample(
        self, X: Any, y: NDArray[Any], embeddings: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        _check_sampler(self.sampler)
        features, nearness = self._measure(X, y, embeddings)
        self.sampler_ = clone(self.sampler)
        if hasattr(self.sampler_, "_fit_resample"):
            self.sampler_.fit(features, y)
            made, y_made, *_ = self.sampler_._fit_resample(trace_rows(features), y)
        else:
            made, y_made, *_ = self.sampler_.fit_resample(features, y)
        plan = self._followed(made, np.asarray(y_made), features).near_by(nearness)
        kept = ("original", "copy") if makes_copies(self.synthesis) else ("original",)
        selects = isinstance(X, Images) and bool(np.isin(plan.kind, kept).all())
        if selects:  # no image has to be read, and no `output_dir` is needed
            self.plan_ = self._with_synthesis(plan, X, y)
            return X.subset(plan.base), plan.y
        images = self._images_to_draw(X)
        return self._drawn(plan, X, y, images, (features, embeddings, made)), plan.y

    def _followed(self, made: Any, y_made: NDArray[Any], features: Any) -> ResamplingPlan:
        """Return the plan of the rows that the sampler made; raise if they cannot be traced."""
        own, n = getattr(self.sampler_, "plan_", None), features.shape[0]
        plan = own if isinstance(own, ResamplingPlan) else plan_of(made, y_made, n)
        if plan is not None:
            return plan
        rows = np.asarray(getattr(self.sampler_, "sample_indices_", []), dtype=np.intp)
        if len(rows) != len(y_made) or not _selects(made, features, rows):
            raise ValueError(
                "`sampler` must select rows (`sample_indices_`) or interpolate between them as "
                f"base + step * (partner - base), got {self.sampler!r}, whose rows cannot be "
                "traced to images."
                f"{instead_of(self.sampler)} To run it on rows of pixels as it is: "
                "X.reshape(len(X), -1).astype(float); differences of integers may wrap around."
            )
        no_partners = np.empty((len(rows), 0), dtype=np.intp)
        return ResamplingPlan(rows, no_partners, no_partners.astype(np.float64), y_made, n)


def _check_sampler(sampler: Any) -> None:
    """Raise for anything but a sampler, and for one whose parameters say how images are drawn."""
    if isinstance(sampler, Pipeline):
        raise TypeError(
            "`sampler` must be a single sampler, got a Pipeline, whose rows cannot be traced "
            "through its steps. Put ImageSampler around each sampler in it: "
            "make_pipeline(ImageSampler(a), ImageSampler(b))."
        )
    if isinstance(sampler, type) or not hasattr(sampler, "fit_resample"):
        raise TypeError(
            "`sampler` must be an object with fit_resample, such as "
            f"imblearn.over_sampling.SMOTE(), got {sampler!r}.{instead_of(sampler)}"
        )
    if isinstance(sampler, ImageSamplerMixin):
        check_plain(sampler, DRAWING, "Pass it to ImageSampler, or do without ImageSampler.")
        check_plain(sampler, ("shrinkage", "generator"), "Use the sampler without ImageSampler.")


def _selects(made: Any, features: Any, rows: NDArray[np.intp]) -> bool:
    """Return whether `made` equals these rows of the features, apart from a narrower dtype."""
    made = made if sparse.issparse(made) else np.asarray(made)
    if made.shape != (len(rows), *features.shape[1:]):
        return False
    height = max(1, BLOCK // max(1, made.dtype.itemsize * made.shape[1]))
    for start in range(0, len(rows), height):
        part = slice(start, start + height)
        some, there = map(_dense, (made[part], features[rows[part]]))
        same = some == there.astype(made.dtype)
        if made.dtype.kind == "f":
            same |= np.isnan(some) & np.isnan(there)
        if not same.all():
            return False
    return True


def _dense(block: Any) -> NDArray[Any]:
    """Return a block of rows as an array, if it is a sparse matrix."""
    dense: NDArray[Any] = block.toarray() if sparse.issparse(block) else block
    return dense
