"""Basic over-sampling: copies of images, and blends of neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from imblearn.over_sampling import SMOTE as ImblearnSMOTE
from imblearn.over_sampling import RandomOverSampler as ImblearnRandomOverSampler
from imblearn.utils import check_neighbors_object
from numpy.typing import NDArray
from scipy import sparse

from imblearn_images.base import MeasuringSamplerMixin, SelectingSamplerMixin
from imblearn_images.core.containers import holds_paths
from imblearn_images.core.embedding import PixelSearch
from imblearn_images.core.images import as_images
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.planning import check_class_sizes, plan_mixture
from imblearn_images.core.smoothing import smoothed_bootstrap
from imblearn_images.drawing import draw, images_of, with_synthesis
from imblearn_images.measuring import own_features
from imblearn_images.parameters import with_parameters
from imblearn_images.validation import as_pixels

__all__ = ["SMOTE", "RandomOverSampler"]


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


@with_parameters("embedding", "interpolate", "synthesis", "accept", "output_dir", "n_jobs")
class SMOTE(MeasuringSamplerMixin, ImblearnSMOTE):
    """Blend images of a minority class with their nearest neighbours.

    :class:`imblearn.over_sampling.SMOTE` for images: same parameters, same parents, same
    steps. Each synthetic image is ``base + step * (neighbour - base)``, computed in
    floating point, rounded to nearest for integer images. (imbalanced-learn 0.14
    subtracts in the dtype of the images, which wraps around in ``uint8``.)

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default='auto'
        Which classes to resample, and to how many images; as in imbalanced-learn.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw.
    k_neighbors : int or object, default=5
        Number of nearest neighbours of the same class among which a partner is drawn, or
        a neighbours object such as :class:`sklearn.neighbors.NearestNeighbors`, which is
        fitted on flattened pixels.
    embedding : transformer, callable, "thumbnail" or None, default=None
        Features in which neighbours are near, fitted on all images, and on `y` if it needs
        labels as LinearDiscriminantAnalysis does; None: the pixels.
    interpolate : {"pixels", "embedding"}, default="pixels"
        What is blended: the pixels of two images, or their features, which are then decoded
        by the ``inverse_transform`` of `embedding`, e.g. PCA(50) or a Pipeline that ends in
        an autoencoder. A child then shows what the decoder can draw.
    synthesis : synthesis, function, "copy" or "blend", default=None
        How a child is drawn from base and neighbour: an object such as ``Morph()``, or a
        function ``(base, partner, step, rng) -> image`` of floats; see
        :mod:`imblearn_images.synthesis`. None: they are blended.
    accept : object or function, default=None
        Which children are good enough, as :class:`~imblearn_images.synthesis.NeighborsAgree`
        or ``(images, labels) -> mask``. Another is drawn again, a few times: nearer to its
        base, or from other parents where the synthesis chooses them. ``plan_.tries`` counts.
    output_dir : str or pathlib.Path, default=None
        For paths only, and then needed: the folder the synthetic images are written to,
        as PNG (TIFF for float images). Names tell the parents; the same call writes the
        same files.
    n_jobs : int, default=None
        Threads for distances, drawing, decoding and writing; the result is the same for
        every number.

    Attributes
    ----------
    plan_ : ResamplingPlan
        Parents and shares of every row of the result.
    sampling_strategy_ : dict
        Class label to number of images to add.
    nn_k_ : estimator object
        The neighbours object made of `k_neighbors`; unfitted where the library's own
        exact search is used.
    embedding_ : transformer
        The fitted `embedding`, if there is one.
    n_features_in_ : int
        Pixels per image times channels.

    Raises
    ------
    ValueError
        If a class has not more than `k_neighbors` images, for NaN in images to be mixed,
        for paths without `output_dir`, for files that cannot be read or have different
        modes; the class, row or file is named.

    See Also
    --------
    RandomOverSampler : Repeat images.
    imblearn_images.preprocessing.ReadImages : Read files before resampling pixels.

    Notes
    -----
    Neighbours: 2-D input of floats or wide integers is searched by scikit-learn's
    ``NearestNeighbors``, as in imbalanced-learn. Images, and flattened pixels of 8 bits,
    are searched by an exact method of this library that needs no float copy of them; it
    differs only in the order of equally distant neighbours.

    Files: nearness is measured on the pixels where the images of a class have one shape,
    on 32 x 32 thumbnails otherwise (``plan_.nearness`` says which); a partner of another
    size is resized to its base. Only files of classes that get synthetic images are
    opened.

    References
    ----------
    .. [1] N. V. Chawla, K. W. Bowyer, L. O. Hall, W. P. Kegelmeyer, "SMOTE: synthetic
       minority over-sampling technique", JAIR 16, 321-357, 2002.

    Examples
    --------
    >>> import numpy as np
    >>> from imblearn_images import SMOTE
    >>> images = np.random.default_rng(0).integers(0, 256, (9, 8, 8), dtype=np.uint8)
    >>> smote = SMOTE(k_neighbors=2, random_state=0)
    >>> X_res, y_res = smote.fit_resample(images, ["cat"] * 6 + ["dog"] * 3)
    >>> X_res.shape, X_res.dtype
    ((12, 8, 8), dtype('uint8'))
    >>> smote.plan_
    ResamplingPlan(9 images -> 12 rows: 9 original, 0 copies, 3 synthetic, near by pixels)
    >>> smote.plan_.explain(-1)
    'row 11 (dog) = 0.58 x 6 + 0.42 x 7'

    Interpolated in the embedding, and decoded:

    >>> from sklearn.decomposition import PCA
    >>> decoding = SMOTE(k_neighbors=2, embedding=PCA(4), interpolate="embedding", random_state=0)
    >>> X_res, y_res = decoding.fit_resample(images, ["cat"] * 6 + ["dog"] * 3)
    >>> decoding.plan_
    ResamplingPlan(9 images -> 12 rows: 9 original, 0 copies, 3 synthetic, near by PCA (4 features),
      drawn by DecodedBlend)
    """

    def _fit_resample(
        self, X: Any, y: NDArray[Any], embeddings: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        n_new = self.sampling_strategy_
        check_class_sizes(y, n_new, self.k_neighbors)
        self.nn_k_ = check_neighbors_object("k_neighbors", self.k_neighbors, additional_neighbor=1)
        classes = {label: np.flatnonzero(y == label) for label, count in n_new.items() if count}
        rows = np.concatenate([np.empty(0, dtype=np.intp), *classes.values()])
        others_drawn = self.synthesis is not None or self.accept is not None
        images = images_of(X, self, None if others_drawn else rows)
        as_imblearn = isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.itemsize > 1
        exact = isinstance(self.k_neighbors, Integral) and not (as_imblearn or sparse.issparse(X))
        k = int(self.k_neighbors) if exact else self.nn_k_
        features, nearness = own_features(self, X, y, embeddings)
        if features is None:
            search = PixelSearch(images, k, n_jobs=self.n_jobs)
            nearness = search.describe(classes)
        else:
            search = PixelSearch(as_images(features), k, n_jobs=self.n_jobs)
        peer = ImblearnSMOTE(random_state=self.random_state)
        plan = plan_mixture(peer, y, n_new, search, nearness=nearness)
        self.plan_ = with_synthesis(self, plan, images, y, features)
        return draw(self, X, images), self.plan_.y
