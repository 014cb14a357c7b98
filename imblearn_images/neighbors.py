"""Exact neighbours of images: scikit-learn's interface, without a float copy of the pixels.

Beyond exact search
-------------------

The time of an exact search grows with the square of the number of images. For a million of them,
measure distances in an `embedding` of few features, and use a library for approximate search:
faiss, hnswlib or pynndescent. An object with ``n_neighbors``, ``fit``, ``kneighbors`` and
``kneighbors_graph`` (which may raise) can be passed as `k_neighbors`, `m_neighbors` or
`n_neighbors`, as in imbalanced-learn; its ``n_neighbors`` must be one more than the number wanted,
because an image finds itself first. The guide's page "Neighbours beyond exact search" does it with
faiss. Here random projections stand in for an index:

>>> from sklearn.neighbors import NearestNeighbors
>>> from sklearn.random_projection import GaussianRandomProjection
>>> class Projected(NearestNeighbors):
...     def fit(self, X, y=None):
...         self.index_ = GaussianRandomProjection(8, random_state=0).fit(X)
...         return super().fit(self.index_.transform(X))
...
...     def kneighbors(self, X=None, n_neighbors=None, return_distance=True):
...         return super().kneighbors(self.index_.transform(X), n_neighbors, return_distance)
>>> from imblearn_images import SMOTE
>>> from imblearn_images.datasets import load_texture_patches
>>> from imblearn_images.preprocessing import HOGFeatures
>>> images, labels = load_texture_patches(return_X_y=True)
>>> smote = SMOTE(k_neighbors=Projected(n_neighbors=6), embedding=HOGFeatures(), random_state=0)
>>> X_res, y_res = smote.fit_resample(images, labels)
>>> len(X_res), smote.plan_.nearness
(768, 'HOGFeatures (1764 features)')
"""

from __future__ import annotations

from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from imblearn_images._docstrings import substitute
from imblearn_images.core.images import (
    THUMBNAIL,
    ArrayImages,
    Images,
    check_finite,
    open_images,
    pixels_in_order,
    unwrap_images,
)
from imblearn_images.core.neighbors import (
    Candidates,
    check_squares,
    nearest_few,
    nearest_neighbors,
    one_blas_thread,
)
from imblearn_images.core.pixels import resized
from imblearn_images.core.text import printable
from imblearn_images.core.validation import check_images

__all__ = ["ImageNeighbors"]

FEW = 1e10  # products of features up to which a search is not worth being cut into tiles


@substitute
class ImageNeighbors(BaseEstimator):
    """Find the nearest images by the Euclidean distance of their pixels, exactly.

    It has the interface of :class:`sklearn.neighbors.NearestNeighbors`, for images in arrays,
    memmaps, files and any other home of pixels. Images are compared block by block where they
    are: no float copy is made of 8-bit pixels, and distances are exact. Equal distances are in
    the order of the images, so the result is the same for every number of threads.

    {guide=which-images-are-near}

    Parameters
    ----------
    n_neighbors : int, default=5
        Number of neighbours that ``kneighbors`` returns by default. For a sampler of
        imbalanced-learn that counts an image as a neighbour of itself, set one more than wanted.
    {n_jobs}

    Attributes
    ----------
    image_shape_ : tuple of int or None
        Shape in which images are compared; files of different sizes are compared as thumbnails
        of 32 x 32 pixels.
    n_samples_fit_ : int
        Number of fitted images.
    {n_features_in_}

    See Also
    --------
    sklearn.neighbors.NearestNeighbors : Other metrics, and searches within a radius.

    Notes
    -----
    Distances between all pairs of n images of d pixels take n * n * d / 2 products, about
    1e11 per second on two cores. If that takes too long, pass an `embedding` to the sampler, and
    for a million images or more an approximate neighbours object.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> images.shape, images.dtype
    ((361, 32, 32), dtype('uint8'))
    >>> neighbors = ImageNeighbors(n_neighbors=2).fit(images)
    >>> distances, indices = neighbors.kneighbors(images[:3])
    >>> indices.tolist(), distances[:, 1].round().tolist()
    ([[0, 113], [1, 179], [2, 129]], [433.0, 499.0, 489.0])
    >>> neighbors.kneighbors(n_neighbors=1, return_distance=False)[:3].ravel().tolist()
    [113, 179, 129]
    >>> neighbors.kneighbors_graph(images[:3]).shape
    (3, 361)

    In a sampler of imbalanced-learn, on flattened pixels:

    >>> from imblearn.under_sampling import EditedNearestNeighbours
    >>> cleaner = EditedNearestNeighbours(n_neighbors=ImageNeighbors(4))
    >>> X_res, y_res = cleaner.fit_resample(images.reshape(361, -1), labels)
    >>> X_res.dtype, len(X_res) < 361
    (dtype('uint8'), True)
    """

    def __init__(self, n_neighbors: int = 5, *, n_jobs: int | None = None) -> None:
        self.n_neighbors = n_neighbors
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> ImageNeighbors:
        """Store the images to search; files are read when they are needed.

        Parameters
        ----------
        X : images
            Images in any container that a sampler takes, or features of shape (n, d). An array is
            kept as it is, without a copy, and what was computed of it is kept, too: do not change
            it after ``fit``, or fit it again.
        y : None
            Ignored.

        Returns
        -------
        self : ImageNeighbors

        Raises
        ------
        ValueError
            For NaN and infinity, for files that cannot be read or have different modes, and if
            squared distances would overflow.
        """
        self._check_count(self.n_neighbors)
        images = self._opened(X, reset=True)
        rows = np.arange(len(images))
        images.look_at(rows, n_jobs=self.n_jobs)
        shapes = (
            {images.shape_of(row) for row in range(len(images))} if images.uniform is None else ()
        )
        shape = images.shape_of(0)
        self.image_shape_ = (*THUMBNAIL, *shape[2:]) if shapes else shape
        check_images((len(images), *self.image_shape_), images.dtype)
        self.n_features_in_ = prod(self.image_shape_)
        self.n_samples_fit_ = len(images)
        self._images = images
        # Axes in the order of memory, as distances do not depend on it: most arrays need no copy.
        self._order = sorted(
            range(1, len(self.image_shape_) + 1),
            key=lambda axis: -images.array.strides[axis] if images.in_memory else 0,  # type: ignore[attr-defined]
        )
        self._pixels: NDArray[Any] | None = None
        self._candidates: Candidates | None = None
        if images.in_memory:
            self._pixels = self._matrix(images)
        return self

    def kneighbors(
        self,
        X: Any = None,
        n_neighbors: int | None = None,
        return_distance: bool = True,
    ) -> Any:
        """Find the nearest images.

        Parameters
        ----------
        X : images, default=None
            Images whose neighbours are wanted, of the shape of the fitted ones; files are
            resized to it. ``None``: the fitted images, none of which is a neighbour of itself.
        n_neighbors : int, default=None
            Number of neighbours; ``None``: that of the constructor.
        return_distance : bool, default=True
            Whether to return distances as well.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors), dtype float64
            Distances in ascending order; only if `return_distance`.
        indices : ndarray of shape (n_queries, n_neighbors), dtype intp
            Positions among the fitted images.

        Raises
        ------
        ValueError
            If there are fewer images than neighbours, or queries have another shape.
        """
        check_is_fitted(self)
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        self._check_count(k)
        asking = None if X is None else self._matrix(self._opened(X, reset=False))
        n_queries = self.n_samples_fit_ if asking is None else len(asking)
        most = self.n_samples_fit_ - (asking is None)
        if k > most:
            relation = "<" if asking is None else "<="
            raise ValueError(
                f"Expected n_neighbors {relation} n_samples_fit, but n_neighbors = {k}, "
                f"n_samples_fit = {self.n_samples_fit_}, n_samples = {n_queries}. Pass fewer."
            )
        if self._pixels is None:
            self._pixels = self._matrix(self._images)
        found = None if asking is None else self._found_at_once(asking, k)
        squared, indices = found or nearest_neighbors(
            self._pixels,
            np.arange(self.n_samples_fit_),
            k,
            queries=None if asking is None else np.arange(n_queries),
            asking=asking,
            n_jobs=self.n_jobs,
        )
        return (np.sqrt(squared), indices) if return_distance else indices

    def _found_at_once(self, asking: NDArray[Any], k: int) -> Any:
        """Return squared distances and positions for a few queries of floats, else None.

        A search by tiles converts all fitted rows for each call, which for few queries is most of
        its time. Here floats are multiplied as they are, and the norms of fitted rows are kept.
        """
        assert self._pixels is not None
        n, d = self._pixels.shape
        if asking.dtype != self._pixels.dtype or len(asking) * n * d > FEW:
            return None
        if self._candidates is None:
            self._candidates = Candidates(self._pixels, copied=False)
        with one_blas_thread:
            return nearest_few(asking, self._candidates, k)

    def kneighbors_graph(
        self,
        X: Any = None,
        n_neighbors: int | None = None,
        mode: Literal["connectivity", "distance"] = "connectivity",
    ) -> sparse.csr_matrix:
        """Return the nearest images as a graph.

        Parameters
        ----------
        X, n_neighbors
            As in :meth:`kneighbors`.
        mode : {'connectivity', 'distance'}, default='connectivity'
            Value of an edge: 1, or the distance.

        Returns
        -------
        graph : sparse matrix of shape (n_queries, n_samples_fit), CSR format

        Raises
        ------
        ValueError
            As :meth:`kneighbors`, and for another `mode`.
        """
        if mode not in ("connectivity", "distance"):
            raise ValueError(f'`mode` must be "connectivity" or "distance", got {mode!r}.')
        distances, indices = self.kneighbors(X, n_neighbors)
        data = np.ones(indices.size) if mode == "connectivity" else distances.ravel()
        ends = np.arange(0, indices.size + 1, indices.shape[1])
        shape = (len(indices), self.n_samples_fit_)
        return sparse.csr_matrix((data, indices.ravel(), ends), shape=shape)

    def _check_count(self, k: Any) -> None:
        """Raise for a number of neighbours that is not a positive integer."""
        if not isinstance(k, (int, np.integer)) or isinstance(k, (bool, np.bool_)) or k < 1:
            kind = ValueError if isinstance(k, (int, np.integer)) else TypeError
            raise kind(f"`n_neighbors` must be a positive integer, got {k!r}.")

    def _opened(self, X: Any, *, reset: bool) -> Images:
        """Return the home of the images, or features, in `X`."""
        held, _ = unwrap_images(X)
        if not isinstance(held, Images):
            held = validate_data(self, held, reset=reset, dtype="numeric", ensure_all_finite=False)
        images = open_images(held)
        return ArrayImages(np.asarray(images)) if images.in_memory else images

    def _matrix(self, images: Images) -> NDArray[Any]:
        """Return the pixels of images as rows in the order of the fitted ones, shape (n, d)."""
        rows = np.arange(len(images))
        images.look_at(rows, n_jobs=self.n_jobs)
        height_and_width: Any = self.image_shape_[:2]
        if images.in_memory:
            array = np.asarray(images)
            if self._images.uniform is None and array.ndim > 2:
                array = resized(array, height_and_width)  # the fitted images are thumbnails
        else:
            size = height_and_width if len(self.image_shape_) > 1 else None
            channels = images.shape_of(0)[2:]
            array = pixels_in_order(images, rows, size, n_jobs=self.n_jobs)
            array = array.reshape(len(rows), *height_and_width, *channels)
        if array.shape[1:] != self.image_shape_:
            name = printable(images.name_of(0))
            raise ValueError(
                f"`X` must hold images of shape {self.image_shape_}, as those that were fitted: "
                f"{name} has {array.shape[1:]}. Resize them, e.g. by ReadImages(size=...)."
            )
        pixels = array.transpose(0, *self._order).reshape(len(rows), -1)
        remedy = 'scikit-learn\'s NearestNeighbors(metric="nan_euclidean") takes NaN'
        check_finite(pixels, rows, rows, remedy)
        check_squares(pixels, rows)
        return pixels

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__().copy()
        if "_images" in state and not state["_images"].in_memory:
            state["_pixels"] = state["_candidates"] = (
                None  # read again from the home when they are needed
            )
        return state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags
