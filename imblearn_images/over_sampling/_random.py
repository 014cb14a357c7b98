"""Random over-sampling: copies, images drawn instead of copies, the smoothed bootstrap."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import ceil, prod
from numbers import Real
from typing import Any, Literal

import numpy as np
from imblearn.over_sampling import RandomOverSampler as ImblearnRandomOverSampler
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from imblearn_images._docstrings import substitute
from imblearn_images._sampler import (
    ADDED,
    MeasuringSamplerMixin,
    SelectingSamplerMixin,
)
from imblearn_images.core.images import ArrayImages, Images, check_finite
from imblearn_images.core.pixels import store
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.planning import AcceptRule
from imblearn_images.core.rendering import BLOCK, allocate
from imblearn_images.core.rules import STRIDE, Noise
from imblearn_images.core.synthesis import Synthesis, makes_copies
from imblearn_images.core.validation import as_pixels

__all__ = ["RandomOverSampler"]


def smoothed_bootstrap(
    X: NDArray[Any],
    y: NDArray[Any],
    n_new: Mapping[Any, int],
    shrinkage: Mapping[Any, float],
    random_state: Any,
) -> tuple[ResamplingPlan, NDArray[Any]]:
    """Return the images and randomly drawn, noisy copies of them, as ROSE makes them.

    Parameters
    ----------
    X : ndarray of shape (n, ...)
        Images or rows of flattened pixels of any real dtype.
    y : ndarray of shape (n,)
        Labels.
    n_new : mapping of label to int
        Rows to create per class.
    shrinkage : mapping of label to float
        Factor on the standard deviation of the noise, per class.
    random_state : int, RandomState instance or None
        Seed of the draws and of the noise. Random numbers are drawn in the order of
        imbalanced-learn's ``RandomOverSampler``, so that float64 rows come out equal, bit for
        bit.

    Returns
    -------
    plan : ResamplingPlan
        The originals, then one noisy copy of ``base`` per row.
    X_resampled : ndarray of shape (n_out, ...)
        In the dtype of `X`; integers are rounded to nearest and clipped.

    References
    ----------
    .. [1] G. Menardi, N. Torelli, "Training and assessing classification rules with
       imbalanced data", Data Mining and Knowledge Discovery, 28(1), 92-122, 2014.
    """
    random_state = check_random_state(random_state)
    images = ArrayImages(X)
    n, width = len(X), prod(X.shape[1:])
    # Silverman's rule for a Gaussian kernel in `width` dimensions.
    bandwidth = (4 / ((width + 2) * n)) ** (1 / (width + 4))
    out = allocate((n + int(sum(n_new.values())), *X.shape[1:]), X.dtype)
    out[:n] = X
    bases = [np.arange(n)]
    height = max(1, BLOCK // max(width, 1))
    scales: list[NDArray[Any]] = []
    places: list[tuple[int, int, Any]] = []  # row, class, state: the noise can be drawn again
    start = n
    for label, count in n_new.items():
        members = np.flatnonzero(y == label)
        drawn = random_state.choice(members, size=count, replace=True)
        pixels, positions = images.pixels(members)
        check_finite(pixels, positions, members)
        with np.errstate(over="ignore", invalid="ignore"):  # `store` raises for an overflow
            deviation = images.in_image_order(_standard_deviation(pixels, positions))
            scale = shrinkage[label] * bandwidth * deviation
        scales.append(scale)
        for lo in range(0, count, height):
            part = drawn[lo : lo + height]
            # A state of the generator every STRIDE numbers: the plan stays small, and to draw a
            # row again, at most that many numbers have to be skipped.
            if lo % max(height, STRIDE // max(width, 1) // height * height) == 0:
                places.append(
                    (start + lo - n, len(scales) - 1, random_state.get_state(legacy=False))
                )
            noise = random_state.standard_normal((len(part), *X.shape[1:]))
            with np.errstate(over="ignore", invalid="ignore"):
                noise *= scale
                noise += X[part]
            store(noise, out[start + lo : start + lo + len(part)])
        bases.append(drawn)
        start += count
    plan = ResamplingPlan.selection(np.concatenate(bases), y)
    return _with_noise(plan, Noise.of_stream(scales, places)), out


def _with_noise(plan: ResamplingPlan, noise: Noise) -> ResamplingPlan:
    """Return the plan with its rows behind the originals marked as copies with noise."""
    numbers = np.arange(len(plan)) - plan.n_source
    seeds = np.maximum(numbers, 0).astype(np.uint64)
    return replace(plan, synthesis=noise, drawn=numbers >= 0, seeds=seeds)


def _standard_deviation(pixels: NDArray[Any], members: NDArray[np.intp]) -> NDArray[Any]:
    """Return the standard deviation of each column over the rows `members`, shape (d,).

    A few columns at a time, as the deviations from the mean are a float copy.
    """
    pieces = ceil(len(members) * pixels.shape[1] / (1 << 20))
    columns = np.array_split(np.arange(pixels.shape[1]), max(1, pieces))
    return np.concatenate(
        [np.std(pixels[members, part[0] : part[-1] + 1], axis=0) for part in columns if len(part)]
    )


@substitute
class RandomOverSampler(MeasuringSamplerMixin, SelectingSamplerMixin, ImblearnRandomOverSampler):
    """Repeat randomly drawn images of the minority classes.

    :class:`imblearn.over_sampling.RandomOverSampler` for images: same parameters, same
    draws. Paths are repeated without opening a file.

    {guide=samplers-that-add-images}

    Parameters
    ----------
    {sampling_strategy_over}
    {random_state}
    shrinkage : float or dict, default=None
        Adds noise to the copies (smoothed bootstrap): the factor by which the standard
        deviation of each pixel in the class is multiplied, or a dict with one factor per
        class. Integer images stay integers. Needs pixels, not paths.
    {embedding}
    {synthesis}
    {accept}
    {output_dir}
    {n_jobs}

    Attributes
    ----------
    {plan_}
    {sample_indices_}
    {sampling_strategy_}
    shrinkage_ : dict or None
        Shrinkage per class.
    {embedding_}
    {n_features_in_}

    Raises
    ------
    ValueError
        For paths with `shrinkage`, and as described under `fit_resample`.

    See Also
    --------
    SMOTE : Blend neighbouring images instead of repeating them.

    Notes
    -----
    Without a `synthesis` the new images are copies, to which `accept` is not applied. With one,
    a synthetic image takes the place of each copy: a synthesis that needs a partner gets one of
    the five nearest images of the class, and a step between 0 and 1. Without an `embedding`,
    distances are measured between histograms of oriented gradients; copies need no distances.

    References
    ----------
    .. [1] G. Menardi, N. Torelli, "Training and assessing classification rules with
       imbalanced data", Data Mining and Knowledge Discovery, 28(1), 92-122, 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from imblearn_images import RandomOverSampler
    >>> images = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    >>> sampler = RandomOverSampler(random_state=0)
    >>> X_res, y_res = sampler.fit_resample(images, ["cat"] * 4 + ["dog"] * 2)
    >>> X_res.shape, X_res.dtype
    ((8, 8, 8, 3), dtype('uint8'))
    >>> sampler.plan_
    ResamplingPlan(6 images -> 8 rows: 6 original, 2 copies, 0 synthetic)
    >>> sampler.fit_resample(["a.jpg", "b.jpg", "c.jpg"], [0, 0, 1])
    (['a.jpg', 'b.jpg', 'c.jpg', 'c.jpg'], [0, 0, 1, 1])
    """

    sample_indices_: NDArray[np.intp]
    shrinkage: Any

    _parameter_constraints: dict[str, Any] = {
        **ImblearnRandomOverSampler._parameter_constraints,
        **ADDED,
    }

    def __init__(
        self,
        *,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
        random_state: int | np.random.RandomState | None = None,
        shrinkage: float | Mapping[Any, float] | None = None,
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
        synthesis: Synthesis | Callable[..., Any] | Literal["copy", "blend"] | None = None,
        accept: AcceptRule | Callable[..., Any] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            random_state=random_state,
            shrinkage=shrinkage,
        )
        self.embedding = embedding
        self.synthesis = synthesis
        self.accept = accept
        self.output_dir = output_dir
        self.n_jobs = n_jobs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.sampler_tags.sample_indices = makes_copies(self.synthesis)
        return tags

    def _fit_resample(
        self, X: Any, y: NDArray[Any], embeddings: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        if not makes_copies(self.synthesis):
            return self._draw_synthetic(X, y, embeddings)
        self.embedding_ = None  # copies need no features, but wrong ones are reported
        if embeddings is not None:
            self._own_features(X, y, embeddings)
        if self.shrinkage is None:
            return super()._fit_resample(X, y)
        if isinstance(X, Images) and X.paths is not None:
            raise ValueError(
                "When shrinkage is not None, X needs to contain only numerical data: noise needs "
                "pixels, X holds paths. Put `ReadImages` before this sampler, or use "
                "`shrinkage=None`."
            )
        X = np.asarray(X) if isinstance(X, Images) else X
        if not (isinstance(X, np.ndarray) and X.dtype.kind in "biuf"):
            resampled = ImblearnRandomOverSampler._fit_resample(self, X, y)
            self.plan_ = _with_noise(ResamplingPlan.selection(self.sample_indices_, y), Noise())
            return resampled
        self.shrinkage_ = self._checked_shrinkage()
        self.plan_, X_resampled = smoothed_bootstrap(
            X, y, self.sampling_strategy_, self.shrinkage_, self.random_state
        )
        self.sample_indices_ = self.plan_.base
        return X_resampled, self.plan_.y

    def _draw_synthetic(self, X: Any, y: NDArray[Any], embeddings: Any) -> tuple[Any, NDArray[Any]]:
        if self.shrinkage is not None:
            raise ValueError(
                "`shrinkage` and `synthesis` must not be given together, got "
                f"{self.shrinkage!r} and {self.synthesis!r}: the one adds noise to copies, the "
                "other draws images instead of copies. Leave one of them out."
            )
        X = as_pixels(X)
        images = self._images_to_draw(X)
        features, nearness = self._own_features(X, y, embeddings)
        # On row numbers: the images are not looked at to decide which of them are repeated.
        ImblearnRandomOverSampler._fit_resample(self, np.arange(len(y))[:, None], y)
        plan = ResamplingPlan.selection(self.sample_indices_, y)
        del self.sample_indices_  # X[sample_indices_] would be copies, not the images drawn
        self.plan_ = self._with_synthesis(plan, images, y, features, nearness=nearness)
        return self._draw(images), self.plan_.y

    def _checked_shrinkage(self) -> Mapping[Any, float]:
        if isinstance(self.shrinkage, Real):
            return dict.fromkeys(self.sampling_strategy_, float(self.shrinkage))
        missing = self.sampling_strategy_.keys() - self.shrinkage.keys()
        if missing:
            raise ValueError(
                "`shrinkage` should contain a shrinkage factor for each class that will be "
                f"resampled. The missing classes are: {missing!r}"
            )
        for label, factor in self.shrinkage.items():
            if factor < 0:
                raise ValueError(
                    f"The shrinkage factor needs to be >= 0. Got {factor} for class {label}."
                )
        return self.shrinkage
