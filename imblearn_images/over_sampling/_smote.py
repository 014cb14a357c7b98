"""The SMOTE family: synthetic images that blend an image with one of its neighbours."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from numbers import Integral
from typing import Any, Literal

import numpy as np
from imblearn.over_sampling import ADASYN as ImblearnADASYN
from imblearn.over_sampling import SMOTE as ImblearnSMOTE
from imblearn.over_sampling import SVMSMOTE as ImblearnSVMSMOTE
from imblearn.over_sampling import BorderlineSMOTE as ImblearnBorderlineSMOTE
from imblearn.over_sampling import KMeansSMOTE as ImblearnKMeansSMOTE
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.cluster import MiniBatchKMeans
from sklearn.svm import SVC

from imblearn_images._docstrings import substitute
from imblearn_images._sampler import ADDED, TracedSamplerMixin, searched_here
from imblearn_images.core.columns import told
from imblearn_images.core.embedding import Search
from imblearn_images.core.listening import FittedOnce
from imblearn_images.core.planning import AcceptRule
from imblearn_images.core.synthesis import Synthesis
from imblearn_images.core.validation import check_class_sizes

__all__ = ["ADASYN", "SMOTE", "SVMSMOTE", "BorderlineSMOTE", "KMeansSMOTE"]


@substitute
class SMOTE(TracedSamplerMixin, ImblearnSMOTE):
    """Blend images of a minority class with their nearest neighbours.

    :class:`imblearn.over_sampling.SMOTE` for images: same parameters, same parents, same
    steps. Each synthetic image is ``base + step * (neighbour - base)``, computed in
    floating point, rounded to nearest for integer images. (imbalanced-learn 0.14
    subtracts in the dtype of the images, which wraps around in ``uint8``.)

    {guide=samplers-that-add-images}

    Parameters
    ----------
    {sampling_strategy_over}
    {random_state}
    {k_neighbors}
    {drawing_parameters}
    {n_jobs}

    Attributes
    ----------
    {plan_}
    {sampling_strategy_}
    nn_k_ : estimator object
        The neighbours object made of `k_neighbors`; unfitted where the library's own
        exact search is used.
    {embedding_}
    {n_features_in_}

    Raises
    ------
    ValueError
        If a class does not have more than `k_neighbors` images, for NaN in images to be
        blended, for paths without `output_dir`, for files that cannot be read or have
        different modes; the class, row or file is named.

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

    Files: distances are measured between pixels where the images of a class have one shape,
    between thumbnails of 32 x 32 pixels otherwise (``plan_.nearness`` names the one used); a
    partner of another size is resized to that of its base. Only files of classes that get
    synthetic images are opened.

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

    Interpolate in the embedding, and decode the result to pixels:

    >>> from sklearn.decomposition import PCA
    >>> decoding = SMOTE(k_neighbors=2, embedding=PCA(4), interpolate="embedding", random_state=0)
    >>> X_res, y_res = decoding.fit_resample(images, ["cat"] * 6 + ["dog"] * 3)
    >>> decoding.plan_
    ResamplingPlan(9 images -> 12 rows: 9 original, 0 copies, 3 synthetic, near by PCA (4 features),
      drawn by DecodedBlend)
    """

    searches = ("k_neighbors",)

    _parameter_constraints: dict[str, Any] = {
        **ImblearnSMOTE._parameter_constraints,
        **ADDED,
        "interpolate": "no_validation",
    }

    def __init__(
        self,
        *,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
        random_state: int | np.random.RandomState | None = None,
        k_neighbors: int | Any = 5,
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
        interpolate: Literal["pixels", "embedding"] = "pixels",
        synthesis: Synthesis | Callable[..., Any] | Literal["copy", "blend"] | None = None,
        accept: AcceptRule | Callable[..., Any] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            random_state=random_state,
            k_neighbors=k_neighbors,
        )
        self.embedding = embedding
        self.interpolate = interpolate
        self.synthesis = synthesis
        self.accept = accept
        self.output_dir = output_dir
        self.n_jobs = n_jobs

    def _fit_resample(
        self, X: Any, y: NDArray[Any], embeddings: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        check_class_sizes(y, self.sampling_strategy_, self.k_neighbors)
        return super()._fit_resample(X, y, embeddings)

    def _scopes(self, y: NDArray[Any]) -> dict[Any, NDArray[np.intp]]:
        resampled = (label for label, count in self.sampling_strategy_.items() if count)
        return {label: np.flatnonzero(y == label) for label in resampled}


class ShortfallMixin(TracedSamplerMixin):
    """Mixin for a sampler that warns where it adds fewer images than requested."""

    why_short: str
    """Sentence of the warning: why images are missing."""

    def _fit_resample(
        self, X: Any, y: NDArray[Any], embeddings: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        resampled, labels = super()._fit_resample(X, y, embeddings)
        added = Counter(list(labels[len(y) :]))
        short = [
            f"{added[label]} of {requested} of class {told(label)!r}"
            for label, requested in self.sampling_strategy_.items()
            if added[label] < requested
        ]
        if short:
            warnings.warn(
                f"{type(self).__name__} added fewer images than requested: "
                f"{', '.join(short)}. {self.why_short} Use SMOTE, or another `embedding` or "
                "`m_neighbors`.",
                UserWarning,
                stacklevel=2,
            )
        return resampled, labels


@substitute
class BorderlineSMOTE(ShortfallMixin, ImblearnBorderlineSMOTE):
    """Run SMOTE from the images at the border to other classes only.

    :class:`imblearn.over_sampling.BorderlineSMOTE` for images. The base of a synthetic image
    is an image of which at least half, but not all, of the `m_neighbors` are of other
    classes. It costs two neighbour searches. It sharpens the border where classes touch and
    amplifies mislabelled images; a class without images at the border gets no new ones, which a
    UserWarning reports.

    {guide=samplers-that-add-images}

    Parameters
    ----------
    {sampling_strategy_over}
    {random_state}
    {k_neighbors}
    {m_neighbors}
    kind : {'borderline-1', 'borderline-2'}, default='borderline-1'
        Where partners come from: the same class, or any class. With 'borderline-2' an image with
        a partner of another class stays in the half nearer to its base.
    {drawing_parameters}
    {n_jobs}

    Attributes
    ----------
    {drawing_attributes}
    in_danger_indices : dict
        Class label to the indices of its images at the border.

    References
    ----------
    .. [1] H. Han, W. Wen-Yuan, M. Bing-Huan, "Borderline-SMOTE: a new over-sampling method
       in imbalanced data sets learning", Advances in intelligent computing, 878-887, 2005.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> border = BorderlineSMOTE(random_state=0, embedding=lambda block: block.std(axis=1))
    >>> X_res, y_res = border.fit_resample(images, labels)
    >>> border.plan_
    ResamplingPlan(361 images -> 768 rows: 361 original, 0 copies, 407 synthetic, near by <lambda>
      (32 features))
    >>> border.plan_.explain(-1)
    'row 767 (gravel) = 0.10 x 346 + 0.90 x 348'
    """

    searches = ("k_neighbors", "m_neighbors")
    why_short = "No image of these classes is at the border, where this method starts."

    _parameter_constraints: dict[str, Any] = {
        **ImblearnBorderlineSMOTE._parameter_constraints,
        **ADDED,
        "interpolate": "no_validation",
    }

    def __init__(
        self,
        *,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
        random_state: int | np.random.RandomState | None = None,
        k_neighbors: int | Any = 5,
        m_neighbors: int | Any = 10,
        kind: Literal["borderline-1", "borderline-2"] = "borderline-1",
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
        interpolate: Literal["pixels", "embedding"] = "pixels",
        synthesis: Synthesis | Callable[..., Any] | Literal["copy", "blend"] | None = None,
        accept: AcceptRule | Callable[..., Any] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            random_state=random_state,
            k_neighbors=k_neighbors,
            m_neighbors=m_neighbors,
            kind=kind,
        )
        self.embedding = embedding
        self.interpolate = interpolate
        self.synthesis = synthesis
        self.accept = accept
        self.output_dir = output_dir
        self.n_jobs = n_jobs

    def _decides_on_numbers(self, X: Any) -> bool:
        # "borderline-2" scales the differences between rows itself. On rows of floats the result
        # must equal imbalanced-learn's to the last bit, so it has to see the rows.
        floats = isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind == "f"
        return self.kind != "borderline-2" or not floats


@substitute
class SVMSMOTE(ShortfallMixin, ImblearnSVMSMOTE):
    """Run SMOTE from the support vectors of a class only.

    :class:`imblearn.over_sampling.SVMSMOTE` for images. Images are interpolated from support
    vectors in danger towards a neighbour, and extrapolated from the others away from one: the
    shares of partners are then negative, and integer pixels are clipped to the range of their
    dtype. Where all support vectors of a class are of one kind, about half of its new images are
    missing, as in imbalanced-learn; a UserWarning counts them. One SVM is fitted to all classes,
    in time that grows with the square of the number of images: for thousands pass an `embedding`.

    {guide=samplers-that-add-images}

    Parameters
    ----------
    {sampling_strategy_over}
    {random_state}
    {k_neighbors}
    {m_neighbors}
    svm_estimator : classifier with ``support_``, default=SVC()
        Fitted on the features.
    out_step : float, default=0.5
        Largest step of the extrapolation.
    {drawing_parameters}
    {n_jobs}

    Attributes
    ----------
    {drawing_attributes}
    svm_estimator_ : classifier
        The fitted `svm_estimator`.

    Notes
    -----
    Without an `embedding`, the SVM and the neighbour search each use the pixels as float64.

    References
    ----------
    .. [1] H. M. Nguyen, E. W. Cooper, K. Kamei, "Borderline over-sampling for imbalanced
       data classification", IJKESDP 3(1), 4-21, 2009.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> support = SVMSMOTE(random_state=0, embedding=PCA(10, random_state=0))
    >>> X_res, y_res = support.fit_resample(images, labels)
    >>> support.plan_
    ResamplingPlan(361 images -> 768 rows: 361 original, 0 copies, 407 synthetic, near by PCA
      (10 features))
    >>> float(support.plan_.weights.min()) < 0
    True
    """

    searches = ("k_neighbors", "m_neighbors")
    why_short = "All support vectors of such a class are in danger, or none of them is."

    _parameter_constraints: dict[str, Any] = {
        **ImblearnSVMSMOTE._parameter_constraints,
        **ADDED,
        "interpolate": "no_validation",
    }

    def __init__(
        self,
        *,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
        random_state: int | np.random.RandomState | None = None,
        k_neighbors: int | Any = 5,
        m_neighbors: int | Any = 10,
        svm_estimator: Any = None,
        out_step: float = 0.5,
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
        interpolate: Literal["pixels", "embedding"] = "pixels",
        synthesis: Synthesis | Callable[..., Any] | Literal["copy", "blend"] | None = None,
        accept: AcceptRule | Callable[..., Any] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            random_state=random_state,
            k_neighbors=k_neighbors,
            m_neighbors=m_neighbors,
            svm_estimator=svm_estimator,
            out_step=out_step,
        )
        self.embedding = embedding
        self.interpolate = interpolate
        self.synthesis = synthesis
        self.accept = accept
        self.output_dir = output_dir
        self.n_jobs = n_jobs

    def _decides_on_numbers(self, X: Any) -> bool:
        return searched_here(X)

    def _shown(self, search: Search | None) -> dict[str, Any]:
        machine = self.svm_estimator
        machine = (
            SVC(gamma="scale", random_state=self.random_state)
            if machine is None
            else clone(machine)
        )
        # The SVM needs the features themselves, unlike the neighbour searches.
        look_up = None if search is None else search.features
        return {"svm_estimator": FittedOnce(machine, look_up)}


@substitute
class ADASYN(TracedSamplerMixin, ImblearnADASYN):
    """Run SMOTE with more new images around those that have more neighbours of other classes.

    :class:`imblearn.over_sampling.ADASYN` for images. The number of new images is rounded for
    each base, so a class may end up a few images larger or smaller than requested. It costs two
    neighbour searches. It follows outliers and wrong labels further than any other method here.

    {guide=samplers-that-add-images}

    Parameters
    ----------
    {sampling_strategy_over}
    {random_state}
    n_neighbors : int or neighbours object, default=5
        Number of nearest neighbours: of any class, to count those of other classes, and of the
        same class, one of which becomes the partner of an image. An object has to be set to one
        more.
    {drawing_parameters}
    {n_jobs}

    Attributes
    ----------
    {drawing_attributes}
    nn_ : neighbours object
        The neighbours object made of `n_neighbors`, as fitted for the last class.

    References
    ----------
    .. [1] H. He, Y. Bai, E. A. Garcia, S. Li, "ADASYN: adaptive synthetic sampling approach
       for imbalanced learning", IJCNN, 1322-1328, 2008.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> adaptive = ADASYN(random_state=0, embedding=lambda block: block.std(axis=1))
    >>> X_res, y_res = adaptive.fit_resample(images, labels)
    >>> adaptive.plan_
    ResamplingPlan(361 images -> 765 rows: 361 original, 0 copies, 404 synthetic, near by <lambda>
      (32 features))
    """

    searches = ("n_neighbors",)

    _parameter_constraints: dict[str, Any] = {
        **ImblearnADASYN._parameter_constraints,
        **ADDED,
        "interpolate": "no_validation",
    }

    def __init__(
        self,
        *,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
        random_state: int | np.random.RandomState | None = None,
        n_neighbors: int | Any = 5,
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
        interpolate: Literal["pixels", "embedding"] = "pixels",
        synthesis: Synthesis | Callable[..., Any] | Literal["copy", "blend"] | None = None,
        accept: AcceptRule | Callable[..., Any] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            random_state=random_state,
            n_neighbors=n_neighbors,
        )
        self.embedding = embedding
        self.interpolate = interpolate
        self.synthesis = synthesis
        self.accept = accept
        self.output_dir = output_dir
        self.n_jobs = n_jobs


@substitute
class KMeansSMOTE(TracedSamplerMixin, ImblearnKMeansSMOTE):
    """Run SMOTE within clusters, with more new images in sparse ones.

    :class:`imblearn.over_sampling.KMeansSMOTE` for images. All images are clustered; the
    synthetic images come from clusters in which their class is common enough. It is cheap with
    an `embedding`; k-means on pixels finds brightness more than content. It avoids blends
    between two groups of a class, and raises an error if no cluster holds enough of its images.

    {guide=samplers-that-add-images}

    Parameters
    ----------
    {sampling_strategy_over}
    {random_state}
    {k_neighbors=2}
    {n_jobs}
    kmeans_estimator : int or clusterer, default=None
        Number of clusters, or the clusterer; MiniBatchKMeans by default.
    cluster_balance_threshold : float or 'auto', default='auto'
        Minimum share of the class in a cluster.
    density_exponent : float or 'auto', default='auto'
        Exponent of the mean distance within a cluster: the higher it is, the larger the share of
        new images that sparse clusters get. 'auto' derives it from the size of each cluster.
    {drawing_parameters}

    Attributes
    ----------
    {drawing_attributes}
    kmeans_estimator_ : clusterer
        The fitted `kmeans_estimator`.

    Notes
    -----
    Neighbours are searched within each cluster, in the features that are clustered.

    References
    ----------
    .. [1] F. Last, G. Douzas, F. Bacao, "Oversampling for imbalanced learning based on
       k-means and SMOTE", https://arxiv.org/abs/1711.00837

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> clustered = KMeansSMOTE(
    ...     random_state=0,
    ...     cluster_balance_threshold=0.05,
    ...     embedding=lambda block: block.std(axis=1),
    ... )
    >>> X_res, y_res = clustered.fit_resample(images, labels)
    >>> X_res.shape[1:], X_res.dtype, clustered.plan_.nearness
    ((32, 32), dtype('uint8'), '<lambda> (32 features)')
    """

    _parameter_constraints: dict[str, Any] = {
        **ImblearnKMeansSMOTE._parameter_constraints,
        **ADDED,
        "interpolate": "no_validation",
    }

    def __init__(
        self,
        *,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
        random_state: int | np.random.RandomState | None = None,
        k_neighbors: int | Any = 2,
        n_jobs: int | None = None,
        kmeans_estimator: int | Any = None,
        cluster_balance_threshold: float | Literal["auto"] = "auto",
        density_exponent: float | Literal["auto"] = "auto",
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
        interpolate: Literal["pixels", "embedding"] = "pixels",
        synthesis: Synthesis | Callable[..., Any] | Literal["copy", "blend"] | None = None,
        accept: AcceptRule | Callable[..., Any] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            random_state=random_state,
            k_neighbors=k_neighbors,
            n_jobs=n_jobs,
            kmeans_estimator=kmeans_estimator,
            cluster_balance_threshold=cluster_balance_threshold,
            density_exponent=density_exponent,
        )
        self.embedding = embedding
        self.interpolate = interpolate
        self.synthesis = synthesis
        self.accept = accept
        self.output_dir = output_dir

    def _shown(self, search: Search | None) -> dict[str, Any]:
        clusterer = self.kmeans_estimator
        if clusterer is None or isinstance(clusterer, Integral):
            how_many = {} if clusterer is None else {"n_clusters": int(clusterer)}
            clusterer = MiniBatchKMeans(**how_many, random_state=self.random_state)
        else:
            clusterer = clone(clusterer)
        return {"kmeans_estimator": FittedOnce(clusterer)}
