"""Random over-sampling: copies, other pictures instead of copies, the smoothed bootstrap."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, prod
from numbers import Real
from typing import Any

import numpy as np
from imblearn.over_sampling import RandomOverSampler as ImblearnRandomOverSampler
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from imblearn_images._sampler import (
    MeasuringSamplerMixin,
    SelectingSamplerMixin,
    draw,
    images_of,
    own_features,
    with_parameters,
    with_synthesis,
)
from imblearn_images.core.containers import holds_paths
from imblearn_images.core.images import ArrayImages, check_finite
from imblearn_images.core.pixels import store
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import BLOCK, allocate
from imblearn_images.core.validation import as_pixels

__all__ = ["RandomOverSampler"]


def smoothed_bootstrap(
    X: NDArray[Any],
    y: NDArray[Any],
    n_new: Mapping[Any, int],
    shrinkage: Mapping[Any, float],
    random_state: Any,
) -> tuple[ResamplingPlan, NDArray[Any]]:
    """Random over-sampling of images with noise, as ROSE does.

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
        The noise follows the stream of imbalanced-learn's ``RandomOverSampler``: equal on
        float64 rows, bit for bit.

    Returns
    -------
    plan : ResamplingPlan
        The originals, then a perturbed copy of ``base`` per row.
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
    start = n
    for label, count in n_new.items():
        members = np.flatnonzero(y == label)
        drawn = random_state.choice(members, size=count, replace=True)
        pixels, positions = images.pixels(members)
        check_finite(pixels, positions, members)
        with np.errstate(over="ignore", invalid="ignore"):  # found when stored
            deviation = images.in_image_order(_standard_deviation(pixels, positions))
            scale = shrinkage[label] * bandwidth * deviation
        for lo in range(0, count, height):
            part = drawn[lo : lo + height]
            noise = random_state.standard_normal((len(part), *X.shape[1:]))
            with np.errstate(over="ignore", invalid="ignore"):
                noise *= scale
                noise += X[part]
            store(noise, out[start + lo : start + lo + len(part)])
        bases.append(drawn)
        start += count
    return ResamplingPlan.selection(np.concatenate(bases), y).with_noise(), out


def _standard_deviation(pixels: NDArray[Any], members: NDArray[np.intp]) -> NDArray[Any]:
    """Standard deviation of each column over `members`, a few columns at a time."""
    pieces = ceil(len(members) * pixels.shape[1] / (1 << 20))
    columns = np.array_split(np.arange(pixels.shape[1]), max(1, pieces))
    return np.concatenate(
        [np.std(pixels[members, part[0] : part[-1] + 1], axis=0) for part in columns if len(part)]
    )


@with_parameters("embedding", "synthesis", "accept", "output_dir", "n_jobs")
class RandomOverSampler(MeasuringSamplerMixin, SelectingSamplerMixin, ImblearnRandomOverSampler):
    """Repeat randomly drawn images of the minority classes.

    :class:`imblearn.over_sampling.RandomOverSampler` for images: same parameters, same
    draws. Paths are repeated without opening a file.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default='auto'
        Which classes to resample, and to how many images; as in imbalanced-learn.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw.
    shrinkage : float or dict, default=None
        Noise on the copies (smoothed bootstrap): factor on the per-pixel standard
        deviation of the class, or a dict with one per class. Integer images stay
        integers. Needs pixels, not paths.
    embedding : transformer, callable, "thumbnail" or None, default=None
        Features in which a `synthesis` finds partners and donors that are alike; None:
        histograms of oriented gradients. Copies need none.
    synthesis : synthesis, function, "copy" or "blend", default=None
        What is drawn instead of a copy: an object such as ``Augment()``, or a function
        ``(base, partner, step, rng) -> image`` of floats; see
        :mod:`imblearn_images.synthesis`. None: copies. A synthesis that needs a partner
        gets one of the five nearest images of the class, and a step between 0 and 1.
    accept : object or function, default=None
        Which children are good enough, as :class:`~imblearn_images.synthesis.NeighborsAgree`
        or ``(images, labels) -> mask``; the others are drawn again, a few times. Copies are
        not judged.
    output_dir : str or pathlib.Path, default=None
        Folder for what `synthesis` draws; for paths, and needed then.
    n_jobs : int, default=None
        Threads of embedding, drawing and writing; the result is the same for every number.

    Attributes
    ----------
    plan_ : ResamplingPlan
        Where every row of the result comes from.
    sample_indices_ : ndarray of shape (n_resampled,)
        Source row of every row of the result; only where these are copies, and no `synthesis`
        has drawn them.
    sampling_strategy_ : dict
        Class label to number of images to add.
    shrinkage_ : dict or None
        Shrinkage per class.
    n_features_in_ : int
        Pixels per image times channels.

    Raises
    ------
    ValueError
        For paths with `shrinkage`, and as described under `fit_resample`.

    See Also
    --------
    SMOTE : Blend neighbouring images instead of repeating them.

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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.sampler_tags.sample_indices = self.synthesis in (None, "copy")
        return tags

    def _fit_resample(
        self, X: Any, y: NDArray[Any], embeddings: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        if self.synthesis not in (None, "copy"):
            return self._draw_children(X, y, embeddings)
        if embeddings is not None:  # not needed for copies, but wrong is wrong
            own_features(self, X, y, embeddings)
        if self.shrinkage is None:
            return super()._fit_resample(X, y)
        if holds_paths(X):
            raise ValueError(
                "When shrinkage is not None, X needs to contain only numerical data: noise needs "
                "pixels, X holds paths. Put `ReadImages` before this sampler, or use "
                "`shrinkage=None`."
            )
        if not (isinstance(X, np.ndarray) and X.dtype.kind in "biuf"):
            resampled = ImblearnRandomOverSampler._fit_resample(self, X, y)
            self.plan_ = ResamplingPlan.selection(self.sample_indices_, y).with_noise()
            return resampled
        self.shrinkage_ = self._checked_shrinkage()
        self.plan_, X_resampled = smoothed_bootstrap(
            X, y, self.sampling_strategy_, self.shrinkage_, self.random_state
        )
        self.sample_indices_ = self.plan_.base
        return X_resampled, self.plan_.y

    def _draw_children(self, X: Any, y: NDArray[Any], embeddings: Any) -> tuple[Any, NDArray[Any]]:
        if self.shrinkage is not None:
            raise ValueError(
                "`shrinkage` adds noise to copies, `synthesis` draws other images instead of "
                f"copies; pass one of them, got {self.shrinkage!r} and {self.synthesis!r}."
            )
        X = as_pixels(X)
        images = images_of(X, self)
        features, nearness = own_features(self, X, y, embeddings)
        ImblearnRandomOverSampler._fit_resample(self, np.arange(len(y))[:, None], y)
        plan = ResamplingPlan.selection(self.sample_indices_, y)
        del self.sample_indices_  # who takes these rows of X would get copies
        self.plan_ = with_synthesis(self, plan, images, y, features, nearness=nearness)
        return draw(self, X, images), self.plan_.y

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
