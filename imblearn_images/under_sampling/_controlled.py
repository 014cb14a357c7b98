"""Controlled under-sampling: samplers that drop images until every class has a given size."""

from __future__ import annotations

import copy
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from imblearn.under_sampling import ClusterCentroids as ImblearnClusterCentroids
from imblearn.under_sampling import InstanceHardnessThreshold as ImblearnInstanceHardnessThreshold
from imblearn.under_sampling import NearMiss as ImblearnNearMiss
from imblearn.under_sampling import RandomUnderSampler as ImblearnRandomUnderSampler
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import clone
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from imblearn_images._docstrings import substitute
from imblearn_images._sampler import (
    ADDED,
    MeasuringSamplerMixin,
    MeasuringSelectorMixin,
    SelectingSamplerMixin,
)
from imblearn_images.core.embedding import Search
from imblearn_images.core.images import Images, open_images
from imblearn_images.core.listening import (
    FittedOnce,
    NumberedCentres,
    plan_averages,
    plan_of,
    trace_rows,
    without_images,
)
from imblearn_images.core.memory import check_fits
from imblearn_images.core.neighbors import check_squares
from imblearn_images.core.pixels import stored
from imblearn_images.core.plan import ResamplingPlan

__all__ = ["ClusterCentroids", "InstanceHardnessThreshold", "NearMiss", "RandomUnderSampler"]

TREES = (DecisionTreeClassifier, ExtraTreesClassifier, RandomForestClassifier)
"""Classifiers that convert what they are fitted on to float32 themselves."""


@substitute
class RandomUnderSampler(SelectingSamplerMixin, ImblearnRandomUnderSampler):
    """Keep randomly drawn images of the majority classes.

    :class:`imblearn.under_sampling.RandomUnderSampler` for images: same parameters, same
    draws. Paths are selected without opening a file.

    {guide=samplers-that-drop-images}

    Parameters
    ----------
    {sampling_strategy_under}
    {random_state}
    {replacement}

    Attributes
    ----------
    {plan_}
    {sample_indices_}
    {sampling_strategy_}
    {n_features_in_}

    Raises
    ------
    ValueError
        As described under `fit_resample`.

    See Also
    --------
    imblearn_images.ensemble.EasyEnsembleClassifier : Uses every majority image.

    Examples
    --------
    >>> import numpy as np
    >>> from imblearn_images import RandomUnderSampler
    >>> images = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    >>> sampler = RandomUnderSampler(random_state=0)
    >>> X_res, y_res = sampler.fit_resample(images, ["cat"] * 4 + ["dog"] * 2)
    >>> X_res.shape, y_res
    ((4, 8, 8, 3), ['cat', 'cat', 'dog', 'dog'])
    >>> sampler.fit_resample(["a.jpg", "b.jpg", "c.jpg"], [0, 0, 1])
    (['b.jpg', 'c.jpg'], [0, 1])
    """

    def __init__(
        self,
        *,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
        random_state: int | np.random.RandomState | None = None,
        replacement: bool = False,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            random_state=random_state,
            replacement=replacement,
        )


@substitute
class NearMiss(MeasuringSelectorMixin, ImblearnNearMiss):
    """Keep the majority images that are nearest to the smallest class.

    :class:`imblearn.under_sampling.NearMiss` for images. It costs a search between every class
    and the smallest. It keeps the border, so what is left of a class is not typical of it, and
    outliers attract the selection (less in version 2); version 3 may find fewer images than
    requested.

    {guide=samplers-that-drop-images}

    Parameters
    ----------
    {sampling_strategy_under}
    version : {1, 2, 3}, default=1
        Which images are kept: those with the smallest mean distance to the nearest images of
        the smallest class (1), or to the farthest (2); or, among the neighbours of the smallest
        class, those with the largest mean distance to its nearest images (3).
    n_neighbors : int or neighbours object, default=3
        Number of minority images over which the mean distance is taken.
    n_neighbors_ver3 : int or neighbours object, default=3
        Number of neighbours of each minority image among which version 3 selects.
    {n_jobs}
    {embedding}

    Attributes
    ----------
    {selecting_attributes}

    References
    ----------
    .. [1] I. Mani, I. Zhang, "kNN approach to unbalanced data distributions: a case study
       involving information extraction", Workshop on learning from imbalanced datasets, 2003.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> near = NearMiss(version=2)
    >>> X_res, y_res = near.fit_resample(images, labels)
    >>> X_res.shape, near.plan_
    ((75, 32, 32), ResamplingPlan(361 images -> 75 rows: 75 original, 0 copies, 0 synthetic, near by
      pixels))
    """

    searches = {"n_neighbors": 0, "n_neighbors_ver3": 0}

    _parameter_constraints: dict[str, Any] = {
        **ImblearnNearMiss._parameter_constraints,
        "embedding": "no_validation",
    }

    def __init__(
        self,
        *,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
        version: int = 1,
        n_neighbors: int | Any = 3,
        n_neighbors_ver3: int | Any = 3,
        n_jobs: int | None = None,
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            version=version,
            n_neighbors=n_neighbors,
            n_neighbors_ver3=n_neighbors_ver3,
            n_jobs=n_jobs,
        )
        self.embedding = embedding

    def _few(self, y: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        counts = Counter(y.tolist())
        few = np.flatnonzero(y == min(counts, key=counts.__getitem__))
        return few, np.flatnonzero(self._asked(y))


@substitute
class InstanceHardnessThreshold(MeasuringSelectorMixin, ImblearnInstanceHardnessThreshold):
    """Keep the images that a cross-validated classifier is most sure of.

    :class:`imblearn.under_sampling.InstanceHardnessThreshold` for images. It costs `cv` fits
    of the classifier on features. Hard images are dropped, whether mislabelled or valuable.

    {guide=samplers-that-drop-images}

    Parameters
    ----------
    estimator : classifier, default=None
        A classifier with ``predict_proba``, which is fitted on the features; ``None``: a random
        forest.
    {sampling_strategy_under}
    {random_state}
    cv : int, default=5
        Number of folds.
    {n_jobs}
    {embedding}

    Attributes
    ----------
    {selecting_attributes}
    estimator_ : classifier
        The classifier that was cross-validated, on classes numbered from 0.

    References
    ----------
    .. [1] M. R. Smith, T. Martinez, C. Giraud-Carrier, "An instance level analysis of data
       complexity", Machine Learning 95(2), 225-256, 2014.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> hardness = InstanceHardnessThreshold(
    ...     estimator=LogisticRegression(), embedding=lambda block: block.std(axis=1) / 255
    ... )
    >>> X_res, y_res = hardness.fit_resample(images, labels)
    >>> hardness.plan_
    ResamplingPlan(361 images -> 75 rows: 75 original, 0 copies, 0 synthetic, near by <lambda> (32
      features))
    """

    _parameter_constraints: dict[str, Any] = {
        **ImblearnInstanceHardnessThreshold._parameter_constraints,
        "embedding": "no_validation",
    }

    def __init__(
        self,
        *,
        estimator: Any = None,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
        random_state: int | np.random.RandomState | None = None,
        cv: int = 5,
        n_jobs: int | None = None,
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
    ) -> None:
        super().__init__(
            estimator=estimator,
            sampling_strategy=sampling_strategy,
            random_state=random_state,
            cv=cv,
            n_jobs=n_jobs,
        )
        self.embedding = embedding

    def _measure(self, X: Any, y: NDArray[Any], embeddings: Any) -> tuple[NDArray[Any], str]:
        features, nearness = self._own_features(X, y, embeddings)
        if features is not None:
            return features, nearness
        grown = self.estimator is None or type(self.estimator) in TREES
        images = open_images(X)
        if not grown or images.dtype.kind not in "bui" or images.dtype.itemsize > 2:
            return super()._measure(X, y, embeddings)
        # float32 holds pixels of up to 16 bits exactly, and trees convert to it themselves: a
        # float64 copy would only add to the peak of memory.
        rows = np.arange(len(y))
        images.look_at(rows, n_jobs=self.n_jobs)
        search = Search(images, {"": rows}, n_jobs=self.n_jobs)
        pixels = search.features(rows, as_float=False)
        check_fits(
            4 * pixels.size,
            f"A float32 copy of the pixels, shape {pixels.shape},",
            "Pass `embedding=`, e.g. a transformer that makes few features of an image.",
        )
        return pixels, search.nearness


@substitute
class ClusterCentroids(MeasuringSamplerMixin, ImblearnClusterCentroids):
    """Replace the images of a class by the centres of its clusters, or the images next to them.

    :class:`imblearn.under_sampling.ClusterCentroids` for images. It runs k-means with as many
    clusters as images are kept: slow where these are thousands. With hard voting the
    images nearest to the centres are kept, a selection that covers the class. With soft
    voting, imbalanced-learn's default, the result are averages, which for photos are blurs that no
    camera takes: they teach a network that blurred images are of this class.

    {guide=samplers-that-drop-images}

    Parameters
    ----------
    {sampling_strategy_under}
    {random_state}
    estimator : clusterer, default=KMeans()
        A clusterer with ``n_clusters`` and ``cluster_centers_``, which is cloned.
    voting : {'auto', 'hard', 'soft'}, default='auto'
        'auto' is 'hard' for sparse matrices, else 'soft'.
    {embedding}
    {output_dir}
    {n_jobs}

    Attributes
    ----------
    {drawing_attributes}
    voting_ : str
        The voting in use.

    Notes
    -----
    Hard voting selects images, which needs no `output_dir`.

    Soft voting on pixels draws the centres that the clusterer found. Once it has converged, they
    are the means of its clusters, as the plan has them; where its tolerance stopped it before,
    a pixel may differ from ``render(plan_, images)``. A float image that is alone in
    its cluster may come out rounded; the plan then calls it synthetic. Averages of integers
    beyond 2**53 are rounded as float64 does, by up to 1,024. In an embedding, and for files of
    different sizes, the mean of the images of the cluster is drawn.

    Parents are read one after the other, so drawing needs no more memory for large
    clusters. The plan needs 16 bytes for every row and member of the largest cluster.

    References
    ----------
    .. [1] S.-J. Yen, Y.-S. Lee, "Cluster-based under-sampling approaches for imbalanced data
       distributions", Expert Systems with Applications 36(3), 5718-5727, 2009.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> centres = ClusterCentroids(
    ...     voting="hard", random_state=0, embedding=lambda block: block.std(axis=1)
    ... )
    >>> X_res, y_res = centres.fit_resample(images, labels)
    >>> centres.plan_
    ResamplingPlan(361 images -> 75 rows: 75 original, 0 copies, 0 synthetic, near by <lambda> (32
      features))
    """

    _parameter_constraints: dict[str, Any] = {
        **ImblearnClusterCentroids._parameter_constraints,
        "embedding": "no_validation",
        "output_dir": ADDED["output_dir"],
        "n_jobs": ADDED["n_jobs"],
    }

    def __init__(
        self,
        *,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
        random_state: int | np.random.RandomState | None = None,
        estimator: Any = None,
        voting: Literal["auto", "hard", "soft"] = "auto",
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            random_state=random_state,
            estimator=estimator,
            voting=voting,
        )
        self.embedding = embedding
        self.output_dir = output_dir
        self.n_jobs = n_jobs

    def _fit_resample(
        self, X: Any, y: NDArray[Any], embeddings: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        as_given = sparse.issparse(X) and self.embedding is None and embeddings is None
        # imbalanced-learn would decide by X, which here are numbers or features, not the user's X.
        soft = self.voting == "soft" or (self.voting == "auto" and not sparse.issparse(X))
        target = self._images_to_draw(X) if soft or not isinstance(X, Images) else X
        features, nearness = X, "pixels"
        on_numbers = soft and self._clusters_pixels(X, embeddings)
        if on_numbers:
            self.embedding_ = None
            search = Search(target, {"": np.arange(len(y))}, n_jobs=self.n_jobs)
            features = search.features(np.arange(len(y)), as_float=False)
        elif not as_given:
            features, nearness = self._measure(X, y, embeddings)
        worker = copy.copy(self)
        # On a copy, as everywhere: `voting` stays what the user has set.
        worker.voting = "soft" if soft else "hard"
        small = nearness == "pixels" and target.dtype.kind in "bui" and target.dtype.itemsize < 8
        if not (small or sparse.issparse(features)):
            # k-means computes in float32 where it is given float32, and squares overflow sooner
            computed = np.float32 if features.dtype == np.float32 else np.float64
            check_squares(features, np.arange(len(y)), computed)
        plain = self.estimator
        clusterer = KMeans(random_state=self.random_state) if plain is None else clone(plain)
        if on_numbers:  # a class at a time is made floats
            worker.estimator = centres = NumberedCentres(clusterer, search.features, len(y))
            numbers = np.arange(len(y), dtype=np.float64)[:, None]
            made, y_made = super(ClusterCentroids, worker)._fit_resample(numbers, y)
            made = centres.rows(made)
        else:
            # imbalanced-learn fits it to one class after the other; the labels of all are needed.
            worker.estimator = FittedOnce(clusterer)
            seen = features if as_given else trace_rows(features)
            made, y_made = super(ClusterCentroids, worker)._fit_resample(seen, y)
        clustered = [label for label in np.unique(y) if label in self.sampling_strategy_]
        found = None
        # Only of these is it known that labels_ assign each image to its nearest centre.
        if type(worker.estimator.plain) in (KMeans, MiniBatchKMeans):
            found = dict(zip(clustered, worker.estimator.found, strict=True))
        given = {"voting": self.voting, "estimator": plain}
        self.__dict__.update(vars(without_images(worker)) | given)
        plan = plan_of(made, y_made, len(y), nearness=nearness)
        if plan is None:  # averages, or a sparse matrix, which cannot be traced
            n_clusters = self.sampling_strategy_
            plan = plan_averages(
                features, y, made, y_made, n_clusters, nearness=nearness, found=found
            )
            if soft and nearness == "pixels" and not sparse.issparse(features):
                returned = features is X and X.dtype.kind == "f"  # made is the result, unrounded
                dtype = made.dtype if returned else target.dtype
                plan = _with_moved(plan, features, made, dtype)
        # Hard voting keeps the image next to a centre, which is the base of the plan.
        self.plan_ = plan if soft else ResamplingPlan.selection(plan.base, y, nearness)
        if as_given or (features is X and X.dtype.kind == "f"):
            return (made if as_given else np.asarray(made)), self.plan_.y
        if isinstance(X, Images) and not soft:
            return X.subset(self.plan_.base), self.plan_.y
        return self._draw(target, made if soft and nearness == "pixels" else None), self.plan_.y

    def _clusters_pixels(self, X: Any, embeddings: Any) -> bool:
        """Whether whole numbers are clustered that float64 holds, of images of one shape."""
        own = self.embedding is not None or embeddings is not None
        if own or not isinstance(X, Images) or X.uniform is None:
            return False
        return X.dtype.kind in "bui" and X.dtype.itemsize < 8


def _with_moved(
    plan: ResamplingPlan, features: NDArray[Any], made: Any, dtype: np.dtype[Any]
) -> ResamplingPlan:
    """Return the plan with rows marked as synthetic where a centre differs from its one image.

    It does where the clusterer stopped before it converged, or rounded.
    """
    drawn = plan.synthetic.copy()
    for row in np.flatnonzero(~drawn):
        centre, image = np.array(made[row]), features[plan.base[row]]
        same = np.array_equal(centre, image)
        drawn[row] = not (same or np.array_equal(stored(centre, dtype), stored(image, dtype)))
    return replace(plan, drawn=drawn)
