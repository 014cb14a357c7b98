"""Features of images: those in which "near" is measured, and those in which "similar" is.

Neighbours are near by the embedding that the user passed, by the pixels otherwise (:func:`embed`,
:class:`Search`). Real and synthetic images are compared by :class:`Similarity`: by the embedding,
by histograms of gradients otherwise, which any images have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import check_array, get_tags

from imblearn_images.core.containers import check_unmasked, holds_paths
from imblearn_images.core.estimators import as_wanted, takes_of
from imblearn_images.core.files import read_image
from imblearn_images.core.hog import hog_features
from imblearn_images.core.images import (
    THUMBNAIL,
    ArrayImages,
    FileImages,
    Images,
    Memory,
    check_finite,
    check_finite_images,
    open_images,
    pixels_in_order,
)
from imblearn_images.core.memory import check_fits
from imblearn_images.core.neighbors import (
    DistanceTable,
    NeighborTable,
    check_squares,
    nearest_neighbors,
    squared_distances,
    subtract,
)
from imblearn_images.core.parallel import in_threads
from imblearn_images.core.pixels import channels_last, find_channels, resized
from imblearn_images.core.text import printable


def check_embedding(embedding: Any) -> None:
    """Raise for anything that does not make features of images.

    Raises
    ------
    TypeError, ValueError
        If it does not, saying what may have been meant.

    Examples
    --------
    >>> check_embedding(np.zeros((3, 2)))
    Traceback (most recent call last):
        ...
    TypeError: `embedding` makes features, got a ndarray: pass features that images have as
    fit_resample(X, y, embeddings=F).
    """
    if isinstance(embedding, type):
        name = embedding.__name__
        raise TypeError(f"`embedding` is the class {name}; did you mean {name}()?")
    if isinstance(embedding, Pipeline) and not hasattr(embedding, "transform"):
        raise TypeError(
            f"`embedding` is a Pipeline whose last step, {embedding.steps[-1][1]!r}, has no "
            "transform; leave that out: pipeline[:-1]."
        )
    # Looked for by what it can do, so that third-party transformers need no base class.
    makes_features = callable(embedding) or hasattr(embedding, "transform")
    if hasattr(embedding, "iloc"):  # a data frame transforms itself
        makes_features = False
    if embedding is None or makes_features:
        return
    if isinstance(embedding, (list, tuple)) or hasattr(embedding, "shape"):
        raise TypeError(
            f"`embedding` makes features, got a {type(embedding).__name__}: pass features that "
            "images have as fit_resample(X, y, embeddings=F)."
        )
    if not isinstance(embedding, str) or embedding != "thumbnail":
        near = " Did you mean HOGFeatures()?" if str(embedding).lower().startswith("hog") else ""
        kind = ValueError if isinstance(embedding, str) else TypeError
        raise kind(
            '`embedding` must be None, "thumbnail", a transformer or a function of images, got '
            f"{embedding!r}.{near}"
        )


def given_features(embeddings: Any, n: int) -> NDArray[Any]:
    """Return features that the caller has computed of `n` images, after checking them.

    Returns
    -------
    features : ndarray of shape (n, d), dtype float32 or float64

    Raises
    ------
    ValueError
        If they are not 2-D with one row for each image, or not finite; the rows are named.

    Examples
    --------
    >>> given_features([[1, 0], [0, 1]], 2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    >>> given_features([[1, 0], [0, 1]], 3)
    Traceback (most recent call last):
        ...
    ValueError: `embeddings` must have shape (3, n_features), one row for each image of X in the
    same order, got shape (2, 2). A sampler behind another sampler in a Pipeline has other images
    than were passed to it: give it an `embedding` instead.
    """
    check_unmasked(embeddings, "`embeddings`", by_row=True)
    shape = np.shape(embeddings)
    if len(shape) != 2 or shape[0] != n:
        raise ValueError(
            f"`embeddings` must have shape ({n}, n_features), one row for each image of X in the "
            f"same order, got shape {shape}. A sampler behind another sampler in a Pipeline has "
            "other images than were passed to it: give it an `embedding` instead."
        )
    # scikit-learn's own check of finite values does not name rows, see below.
    features: NDArray[Any] = check_array(
        embeddings,
        dtype=[np.float64, np.float32],
        ensure_all_finite=False,
        input_name="embeddings",
    )
    bad = np.flatnonzero(~np.isfinite(features).all(axis=1)).tolist()
    if bad:
        more = f" and {len(bad) - 10} more" if len(bad) > 10 else ""
        raise ValueError(
            f"`embeddings` has NaN or infinity in rows {', '.join(map(str, bad[:10]))}{more}; "
            "replace the values (numpy.nan_to_num) or leave these images out."
        )
    return features


class Thumbnails(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Transformer that reduces images and files to thumbnails of 32 x 32 pixels.

    Colours are kept; smaller images are enlarged. Arrays are resized as files are: bilinear,
    with a support that grows with the reduction, so that every pixel counts.

    Parameters
    ----------
    channel_axis : int, default=None
        Axis of one image that holds the channels; see
        :func:`~imblearn_images.core.pixels.channels_last`.

    Examples
    --------
    >>> images = np.full((2, 64, 48, 3), 7, dtype=np.uint8)
    >>> thumbnails = Thumbnails().fit_transform(images)
    >>> thumbnails.shape, thumbnails.dtype, int(thumbnails.max())
    ((2, 3072), dtype('float32'), 7)
    """

    def __init__(self, channel_axis: int | None = None) -> None:
        self.channel_axis = channel_axis

    def fit(self, X: NDArray[Any], y: None = None) -> Thumbnails:
        """Check the headers of files, which must have one mode, or the axes of arrays."""
        if holds_paths(X):
            FileImages(X)
        else:
            self._planes(X)
        return self

    def transform(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return the pixels of the thumbnails, shape (n, d), float32 or float64."""
        if holds_paths(X):
            images = np.stack([read_image(path, size=THUMBNAIL) for path in X])
        else:
            images = resized(self._planes(X), THUMBNAIL)
        # float32 for up to 16 bits, which it holds exactly, float64 for wider integers.
        float_type = np.result_type(images.dtype, np.float32)
        return images.reshape(len(images), -1).astype(float_type, copy=False)

    def _planes(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return images with the channels last."""
        how = "embedding=HOGFeatures(channel_axis={})"
        return channels_last(X, self.channel_axis, "A thumbnail", how=how)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = tags.input_tags.string = True
        tags.requires_fit = False
        return tags


BATCH = 1 << 24  # bytes of pixels that are embedded at a time
FEW = 1 << 21  # distances that are remembered, 16 MB


def embed(
    X: Any, embedding: Any = None, y: Any = None, *, n_jobs: int | None = None
) -> tuple[NDArray[Any], Any, str]:
    """Compute the features of an image set.

    Parameters
    ----------
    X : Images, ndarray of shape (n, ...), sparse matrix, or 1-D array of paths
        The image set. Images that are not in memory are read once, into a temporary file.
    embedding : None, "thumbnail", transformer or callable
        None: flattened pixels, floats as they are, everything else as float64.
        "thumbnail": pixels of thumbnails of 32 x 32, files decoded at that size. A
        scikit-learn transformer or Pipeline: a clone of it is fitted on `X`, in the form
        :func:`~imblearn_images.core.estimators.as_wanted` gives, then applied block by block.
        A callable: called with blocks of images in their own shape, returns features of
        shape (block, d).
    y : ndarray of shape (n,), default=None
        Labels, for a transformer whose tags require them, or a Pipeline with such a step.
    n_jobs : int, default=None
        Number of threads. The features are the same for every number.

    Returns
    -------
    features : ndarray of shape (n, d)
        `X` itself if it is 2-D and `embedding` is None.
    fitted : fitted transformer or None
        The transformer that made them.
    nearness : str
        What "near" means in these features, in a few words.

    Raises
    ------
    MemoryError
        If float64 pixels would not fit into memory, before they are made.
    TypeError
        If `embedding` is none of these.
    ValueError
        If features are not 2-D with one row for each image, or not finite; for files of different
        sizes if the embedding needs one size.

    Examples
    --------
    >>> images = np.arange(24, dtype=np.uint8).reshape(4, 3, 2)
    >>> features, _, nearness = embed(images)
    >>> features.shape, features.dtype, nearness
    ((4, 6), dtype('float64'), 'pixels')
    >>> embed(images, lambda block: block.mean(axis=2))[0].shape
    (4, 3)
    """
    check_embedding(embedding)
    if isinstance(X, Images) and embedding is not None:
        memory, origin = X.origin(np.arange(len(X)))
        if memory is not None and (origin >= 0).all():  # the same images again, as in every epoch
            return memory.once(  # type: ignore[no-any-return]
                ("embedding", id(embedding)),
                (embedding, origin),
                lambda: _embed(X, embedding, y, n_jobs=n_jobs),
            )
    return _embed(X, embedding, y, n_jobs=n_jobs)


def _embed(X: Any, embedding: Any, y: Any, *, n_jobs: int | None) -> tuple[NDArray[Any], Any, str]:
    """Return what :func:`embed` returns, computed without looking into a memory."""
    if not (sparse.issparse(X) or (isinstance(X, np.ndarray) and X.ndim > 1)):
        X = open_images(X)
        X = np.asarray(X) if X.in_memory else X
    if embedding is None:
        features, nearness = _pixels(X, n_jobs)
        return features, None, nearness
    if isinstance(embedding, str):
        embedding = Thumbnails()
    if sparse.issparse(X):
        X = _dense(X)
    has_transform = hasattr(embedding, "transform")
    if not isinstance(X, np.ndarray):
        takes_paths = has_transform and takes_of(embedding)[1] and X.paths is not None
        X = X.as_given() if takes_paths else _decoded(X, n_jobs)
    fitted = clone(embedding) if has_transform else FunctionTransformer(embedding)
    labels = (y,) if _needs_labels(fitted) else ()
    if holds_paths(X) and isinstance(fitted, Pipeline) and (n_read := _n_reading(fitted)):
        features = _transform_files(fitted, n_read, X, labels, n_jobs)
    else:
        fitted.fit(as_wanted(fitted, X), *labels)
        features = transform(fitted, X, n_jobs=n_jobs)
    if isinstance(embedding, Thumbnails):
        return features, fitted, f"{THUMBNAIL[0]}x{THUMBNAIL[1]} thumbnails"
    name = getattr(embedding, "__name__", type(embedding).__name__)
    return features, fitted, f"{name} ({features.shape[1]} features)"


def _n_reading(pipeline: Pipeline) -> int:
    """Return how many steps of a Pipeline, from the first on, learn nothing, as ReadImages."""
    learns = [hasattr(step, "fit") and get_tags(step).requires_fit for _, step in pipeline.steps]
    return learns.index(True) if any(learns) else 0


def _transform_files(
    pipeline: Pipeline, n_read: int, paths: NDArray[Any], labels: tuple[Any, ...], n_jobs: Any
) -> NDArray[Any]:
    """Fit a Pipeline and transform files by it, read once; its fit alone would read them, too."""
    reading, learning = pipeline[:n_read], pipeline[n_read:]
    # One file suffices for steps that learn nothing, but have to be fitted.
    reading.fit(paths[:1])
    images = np.asarray(reading.transform(paths))
    learning.fit(images, *labels)
    pipeline.steps[:] = [*reading.steps, *learning.steps]  # which a `memory` has cloned

    def some(rows: NDArray[np.intp]) -> Any:
        return learning.transform(images[rows])

    return _by_blocks(some, len(paths), _height(paths), n_jobs)


def _needs_labels(transformer: Any) -> bool:
    """Return whether a transformer, or a step of a Pipeline, requires labels to be fitted."""
    if isinstance(transformer, Pipeline):  # its own tags do not say this of its steps
        return any(_needs_labels(step) for _, step in transformer.steps if hasattr(step, "fit"))
    required: bool = get_tags(transformer).target_tags.required
    return required


def _pixels(X: Any, n_jobs: int | None) -> tuple[NDArray[Any], str]:
    """Return the pixels of images as features, and what "near" means in them."""
    if sparse.issparse(X):
        return _dense(X), "pixels"
    rows = np.arange(len(X))
    if isinstance(X, np.ndarray):
        pixels = X.reshape(len(X), -1)
        check_finite(pixels, rows, rows)
        check_squares(pixels, rows)
        if X.ndim == 2 and X.dtype.kind != "b":
            return X, "pixels"
        return _as_float(pixels), "pixels"
    X.look_at(rows, n_jobs=n_jobs)
    check_finite_images(X, rows)
    search = Search(X, {"": rows}, n_jobs=n_jobs)
    pixels = search.matrix(rows)[0]
    if X.paths is None:
        check_squares(pixels, rows)
    return _as_float(pixels), search.nearness


def _as_float(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return floats as they are, and a float64 copy of anything else, if it fits into memory."""
    if pixels.dtype.kind == "f":
        return np.asarray(pixels)
    check_fits(
        pixels.size * 8,
        f"A float64 copy of the pixels, shape {pixels.shape},",
        "Pass `embedding=`, e.g. a transformer that makes few features of an image.",
    )
    return pixels.astype(np.float64)


def _dense(X: Any) -> NDArray[Any]:
    """Return a sparse matrix as an array, if it fits into memory."""
    check_fits(
        prod(X.shape) * X.dtype.itemsize,
        f"A dense copy of the sparse matrix of shape {X.shape}",
        "Reduce its columns first.",
    )
    return np.asarray(X.toarray())


def _decoded(images: Images, n_jobs: int | None) -> NDArray[Any]:
    """Read all images, each once, into a temporary file; return them as an array (n, ...)."""
    images.look_at(np.arange(len(images)), n_jobs=n_jobs)
    first = images.shape_of(0)
    for row in range(len(images)):
        if images.shape_of(row) != first:
            raise ValueError(
                f"{printable(images.name_of(row))} has shape {images.shape_of(row)}, "
                f"{printable(images.name_of(0))} has "
                f"{first}: this embedding needs images of one shape. Put `ReadImages(size=(height, "
                "width))` first into a Pipeline, and pass that as `embedding`."
            )
    pixels = pixels_in_order(images, np.arange(len(images)), n_jobs=n_jobs)
    return pixels.reshape(len(images), *first)


def transform(fitted: Any, X: NDArray[Any], *, n_jobs: int | None = None) -> NDArray[Any]:
    """Return the features of images by a fitted embedding, (n, d), computed block by block."""

    def some(rows: NDArray[np.intp]) -> Any:
        return fitted.transform(as_wanted(fitted, X, rows))

    return _by_blocks(some, len(X), _height(X), n_jobs)


def _height(X: NDArray[Any]) -> int:
    """Return how many images are embedded at a time."""
    size = prod(X.shape[1:]) * X.dtype.itemsize if X.ndim > 1 else 1 << 20
    return max(1, BATCH // max(1, size))


def _by_blocks(
    some: Callable[[NDArray[np.intp]], Any], n: int, height: int, n_jobs: int | None
) -> NDArray[Any]:
    """Return ``some(rows)`` of the rows 0 to n, computed `height` at a time and checked."""

    def block(start: int) -> NDArray[Any]:
        rows = np.arange(start, min(start + height, n))
        features = some(rows)
        features = features.toarray() if sparse.issparse(features) else np.asarray(features)
        if features.ndim != 2 or len(features) != len(rows):
            raise ValueError(
                f"`embedding` must give 2-D features with one row for each image, got shape "
                f"{features.shape} for {len(rows)} images."
            )
        return features

    parts = in_threads(block, ((start,) for start in range(0, n, height)), n_jobs=n_jobs)
    features: NDArray[Any] = check_array(np.concatenate(parts), input_name="embedding(X)")
    return features


def _is_beyond(integers: NDArray[Any]) -> bool:
    """Return whether float64 cannot hold these integers."""
    return bool(integers.size) and max(int(integers.max()), -int(integers.min())) > 2**53


class Search:
    """Search for the nearest images, by their pixels or by features.

    Parameters
    ----------
    images : Images or sparse matrix
        The images, or their features.
    scopes : mapping of label to ndarray of int
        The rows that are compared with each other: those of each class, or all. Images that are
        not in memory are read once for each scope: in their own shape if the scope has only one,
        otherwise as thumbnails of 32 x 32 pixels.
    estimator : neighbours object, default=None
        An unfitted object, which is fitted on flattened pixels and finds its own number of
        neighbours, as in imbalanced-learn. ``None``: neighbours are found exactly by
        :func:`~imblearn_images.core.neighbors.nearest_neighbors`.
    asked : ndarray of int, default=None
        The rows that will be queries, if they are queried repeatedly: then results are kept.
    width : int, default=0
        How many neighbours of a row are remembered, if that is more than it asks for.
    few : two ndarrays of int, default=None
        A few rows, and others whose distances to them are computed once, where these are not too
        many numbers.
    n_jobs : int, default=None
        Number of threads.
    """

    def __init__(
        self,
        images: Any,
        scopes: Mapping[Any, NDArray[np.intp]],
        estimator: Any = None,
        *,
        asked: NDArray[np.intp] | None = None,
        width: int = 0,
        few: tuple[NDArray[np.intp], NDArray[np.intp]] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.images, self.scopes = images, dict(scopes)
        self.estimator, self.n_jobs = estimator, n_jobs
        self._decoded: tuple[Any, Any] = (None, None)
        self._checked = np.zeros(images.shape[0], dtype=np.bool_)
        self._table: NeighborTable | None = None
        # Third-party objects may be approximate or random: they are asked each time, as by
        # imbalanced-learn.
        if asked is not None and estimator is None:
            self._table = NeighborTable(self._find, images.shape[0], asked, width)
        self._to_few: DistanceTable | None = None
        if few is not None and estimator is None and len(few[0]) * len(few[1]) <= FEW:
            self._to_few = DistanceTable(self._find, self._to(few[0]), *few)

    def __call__(
        self, rows: NDArray[np.intp], queries: NDArray[np.intp], k: int
    ) -> tuple[NDArray[Any], NDArray[np.intp]]:
        """Return the distances of the `k` images nearest to each query, and positions in `rows`.

        A query that is one of `rows` comes first, as in scikit-learn; equal distances are in
        order of position unless `estimator` orders them.
        """
        # A mask: np.isin would sort the rows for each call.
        among = np.zeros(self.images.shape[0], dtype=np.bool_)
        among[rows] = True
        some_are_rows = bool(among[queries].any())
        # An image is not searched as its own neighbour, but put in front at the end.
        others = min(k, len(rows) - 1) if some_are_rows else k
        if self.estimator is not None:
            pixels, found_at = self._finite(rows)
            # Near the limits of the dtype, sums in scikit-learn overflow, with warnings.
            with np.errstate(over="ignore", invalid="ignore"):
                fitted = self.estimator.fit(_vectors(pixels, found_at, found_at[0]))
                asked = _vectors(pixels, self._finite(queries)[1], found_at[0])
                return fitted.kneighbors(asked, return_distance=True)  # type: ignore[no-any-return]
        if self._to_few is not None and not some_are_rows:
            squared, nearest = self._to_few(rows, queries, others)
        elif self._table is not None:
            squared, nearest = self._table(rows, queries, others)
        else:
            same = np.array_equal(rows, queries)
            squared, nearest = self._find(rows, None if same else queries, others)
        if not some_are_rows:
            return np.sqrt(squared), nearest
        return _self_first(np.sqrt(squared), nearest, rows, queries, k)

    def _find(
        self, rows: NDArray[np.intp], queries: NDArray[np.intp] | None, k: int
    ) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Return squared distances and positions of the nearest other rows, found exactly."""
        pixels, found_at = self._finite(rows)
        asked_at = None if queries is None else self._finite(queries)[1]
        return nearest_neighbors(pixels, found_at, k, queries=asked_at, n_jobs=self.n_jobs)

    def _to(self, few: NDArray[np.intp]) -> Callable[[NDArray[np.intp]], NDArray[np.float64]]:
        """Return a function that gives the squared distances of rows to `few`."""

        def measure(rows: NDArray[np.intp]) -> NDArray[np.float64]:
            pixels, at = self._finite(rows)
            return squared_distances(pixels, at, self._finite(few)[1], n_jobs=self.n_jobs)

        return measure

    def nearest_of(
        self, rows: NDArray[np.intp], queries: NDArray[np.intp], k: int
    ) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Return squared distances of the `k` images nearest to each query, and positions.

        A query that is one of `rows` is found as its own neighbour.
        """
        pixels, found_at = self._finite(rows)
        asked_at = self._finite(queries)[1]
        return nearest_neighbors(
            pixels, found_at, k, queries=asked_at, asking=pixels, n_jobs=self.n_jobs
        )

    def nearest_blends(
        self,
        base: NDArray[np.intp],
        partners: NDArray[np.intp],
        weights: NDArray[np.float64],
        k: int,
    ) -> tuple[NDArray[Any], NDArray[np.intp]]:
        """Return distances and positions of the `k` nearest others of blends of two images.

        A blend is ``base + weight * (partner - base)`` in floating point; it is never computed.
        """
        pixels, at = self._finite(base)
        blend = self.matrix(partners)[1], weights
        squared, nearest = nearest_neighbors(pixels, at, k, blend=blend, n_jobs=self.n_jobs)
        return np.sqrt(squared), nearest

    def _finite(self, rows: NDArray[np.intp]) -> tuple[Any, NDArray[np.intp]]:
        """Return a matrix of pixels and the positions of `rows` in it; check each row once."""
        pixels, at = self.matrix(rows)
        if pixels.dtype.kind == "f" and not sparse.issparse(pixels):
            # Checked when they are compared, and once: images that are never compared may have NaN.
            new = ~self._checked[rows]
            check_finite(pixels, at[new], rows[new])
            check_squares(pixels, at[new])
            self._checked[rows] = True
        return pixels, at

    def matrix(self, rows: NDArray[np.intp]) -> tuple[Any, NDArray[np.intp]]:
        """Return a matrix of pixels, and the positions of `rows` in it."""
        if sparse.issparse(self.images):
            return self.images, rows
        # If one row gives more than one, it is a view of all; otherwise rows would be copied.
        if self.images.in_memory and len(self.images.pixels(rows[:1])[0]) > 1:
            return self.images.pixels(rows)  # type: ignore[no-any-return]
        scope = next(scope for scope in self.scopes.values() if rows[0] in scope)
        if self._decoded[0] is not scope:
            self._decoded = (scope, pixels_in_order(self.images, scope, n_jobs=self.n_jobs))
        # Scopes may be in any order, in which searchsorted cannot search.
        order = np.argsort(scope, kind="stable")
        return self._decoded[1], order[np.searchsorted(scope, rows, sorter=order)]

    def features(self, rows: NDArray[np.intp], *, as_float: bool = True) -> NDArray[Any]:
        """Return pixels of images, in the order of their axes, or features, shape (m, d)."""
        pixels, at = self._finite(rows)
        if self.images.in_memory:  # `matrix` has pixels in the order of memory
            pixels, at = np.asarray(self.images).reshape(len(self.images), -1), rows
        everything = len(at) == len(pixels) and bool((at == np.arange(len(at))).all())
        vectors = pixels if everything else pixels[at]
        return _as_float(vectors) if as_float else vectors

    def _mixed(self, rows: NDArray[np.intp]) -> bool:
        """Return whether images differ in shape."""
        return len({self.images.shape_of(row) for row in rows}) > 1

    @property
    def nearness(self) -> str:
        """What "near" means, in a few words."""
        if not (sparse.issparse(self.images) or self.images.in_memory):
            mixed = [str(label) for label, rows in self.scopes.items() if self._mixed(rows)]
            if mixed:
                which = "" if len(mixed) == len(self.scopes) else f" in {', '.join(mixed)}"
                return f"{THUMBNAIL[0]}x{THUMBNAIL[1]} thumbnails (sizes differ){which}"
        return "pixels"


def _vectors(pixels: Any, rows: NDArray[np.intp], origin: np.intp) -> Any:
    """Return rows of a matrix of pixels in a dtype in which scikit-learn can subtract them."""
    everything = len(rows) == pixels.shape[0] and bool((rows == np.arange(len(rows))).all())
    vectors = pixels if everything else pixels[rows]
    if vectors.dtype.kind in "bui" and vectors.dtype.itemsize == 8 and _is_beyond(vectors):
        # Distances only need differences, and those from one of the rows are small enough.
        near = np.empty(vectors.shape)
        subtract(vectors, pixels[origin], near)
        return near
    if vectors.dtype.kind in "bui":  # differences of unsigned pixels would wrap around
        vectors = vectors.astype(np.float32 if vectors.dtype.itemsize <= 2 else np.float64)
    return vectors


def _self_first(
    distances: NDArray[np.float64],
    nearest: NDArray[np.intp],
    rows: NDArray[np.intp],
    queries: NDArray[np.intp],
    k: int,
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Put each query that is one of `rows` before its neighbours; `k` columns in all."""
    order = np.argsort(rows, kind="stable")
    at = order[np.minimum(np.searchsorted(rows, queries, sorter=order), len(rows) - 1)]
    known = rows[at] == queries
    both = np.column_stack([np.zeros(len(queries)), distances]), np.column_stack([at, nearest])
    # Queries that are not among the rows have no place for themselves: neighbours move left.
    both[0][~known, :-1], both[1][~known, :-1] = distances[~known], nearest[~known]
    return both[0][:, :k], both[1][:, :k]


SIDE = 64  # pixels; finer detail does not help to compare images, but costs time
READ_AT_A_TIME = 1 << 22  # bytes of pixels that are held at a time


class Similarity:
    """Features of source images and of images drawn from them, in which "similar" is measured.

    Parameters
    ----------
    images : Images
        The source images.
    embedding : fitted transformer, default=None
        Makes the features. By default they are histograms of oriented gradients of the images,
        reduced to about 64 pixels a side; of thumbnails of 64 x 64 if sizes differ.
    features : ndarray of shape (n, d), default=None
        Features that `embedding` has made of the source images.
    n_jobs : int, default=None
        Number of threads.
    channel_axis : int, default=None
        Axis of one image that holds the channels; by default it is found by the shape.
    """

    def __init__(
        self,
        images: Images,
        embedding: Any = None,
        features: NDArray[Any] | None = None,
        *,
        n_jobs: int | None = None,
        channel_axis: int | None = None,
    ) -> None:
        self.images, self.embedding, self.n_jobs = images, embedding, n_jobs
        self.channel_axis = channel_axis
        self._features = features

    @cached_property
    def source(self) -> NDArray[Any]:
        """Features of the source images, shape (n, d)."""
        if self._features is not None:
            return self._features
        rows = np.arange(len(self.images))
        memory, origin = self.images.origin(rows)
        return self._computed(rows) if memory is None else self._remembered(memory, origin, rows)

    def of_source(self, rows: NDArray[np.intp]) -> NDArray[Any]:
        """Features of some source images: where those of all are remembered, no copy of all."""
        memory, origin = self.images.origin(rows)
        if memory is None or self._features is not None or (origin < 0).any():
            # Features that are at hand are cheaper to copy than to look up one by one.
            return self.source[rows]
        return self._remembered(memory, origin, rows)

    def _remembered(
        self, memory: Memory, origin: NDArray[np.intp], rows: NDArray[np.intp]
    ) -> NDArray[Any]:
        key = ("looks", self.channel_axis, self._thumbnail_shape if self._shrinks else None)
        return memory.features(key, origin, lambda missing: self._computed(rows[missing]))

    def _computed(self, rows: NDArray[np.intp]) -> NDArray[Any]:
        """Return :func:`looks` of some source images, read in blocks."""
        images = self.images
        if self._shrinks:
            shape = self._thumbnail_shape
            pixels = pixels_in_order(images, rows, shape[:2], n_jobs=self.n_jobs)
            # Of one shape now, so that they can be read in blocks like an array.
            images, rows = ArrayImages(pixels.reshape(len(rows), *shape)), np.arange(len(rows))
        shape = images.shape_of(0)
        height = max(1, READ_AT_A_TIME // max(1, int(np.prod(shape)) * images.dtype.itemsize))

        def block(start: int) -> NDArray[Any]:
            part = rows[start : start + height]
            pixels = np.empty((len(part), *shape), dtype=images.dtype)
            images.read(part, pixels)
            return looks(pixels, self.channel_axis)

        first = block(0)
        # Joining the blocks at the end would hold all features twice.
        features = np.empty((len(rows), *first.shape[1:]), dtype=first.dtype)
        features[: len(first)] = first

        def fill(start: int) -> None:
            features[start : start + height] = block(start)

        in_threads(
            fill, ((start,) for start in range(height, len(rows), height)), n_jobs=self.n_jobs
        )
        return features

    @property
    def nearness(self) -> str:
        """Name of the features in :attr:`source`, if there is no embedding."""
        shape = self._thumbnail_shape if self._shrinks else self.images.shape_of(0)
        if len(shape) > 1:
            shape = _planes(np.empty((1, *shape), dtype=np.uint8), self.channel_axis).shape[1:]
        if len(shape) == 1 or is_tiny(shrink(np.empty((1, *shape), dtype=np.uint8))):
            return "pixels"
        return f"HOGFeatures ({self.of_source(np.arange(1)).shape[1]} features)"

    @cached_property
    def search(self) -> NearestNeighbors:
        """A neighbours object that was fitted once on the features of the source images."""
        return NearestNeighbors().fit(self.source)

    @property
    def _shrinks(self) -> bool:
        """Whether images are read as thumbnails: from files, or if their sizes differ."""
        return self.images.paths is not None or self.images.uniform is None

    @cached_property
    def _thumbnail_shape(self) -> tuple[int, ...]:
        """Shape in which images are read: their own if they are small and equal, else 64 x 64."""
        shapes = {self.images.shape_of(row) for row in range(len(self.images))}
        shape = self.images.shape_of(0)
        if len(shapes) > 1 or max(shape[:2]) > SIDE:
            return (SIDE, SIDE, *shape[2:])
        return shape

    def of(self, children: NDArray[Any]) -> NDArray[Any]:
        """Return the features, (m, d), of drawn images of one shape, (m, H, W[, C])."""
        if self.embedding is not None:
            return transform(self.embedding, children, n_jobs=self.n_jobs)
        if self._shrinks and children.shape[1:] != self._thumbnail_shape:
            height, width = self._thumbnail_shape[:2]
            children = resized(children, (height, width))
        return looks(children, self.channel_axis)


def looks(images: NDArray[Any], channel_axis: int | None = None) -> NDArray[Any]:
    """Return histograms of oriented gradients, (m, d); of flat or tiny images, the pixels."""
    if images.ndim == 2:
        return np.nan_to_num(images.astype(np.float32))
    # NaN is allowed in images that are never mixed.
    grey = np.nan_to_num(shrink(_planes(images, channel_axis)))
    if is_tiny(grey):
        return grey.reshape(len(grey), -1)
    return hog_features(grey)


def _planes(images: NDArray[Any], channel_axis: int | None) -> NDArray[Any]:
    """Return images with the channels last; without `channel_axis`, where they probably are."""
    if images.ndim != 4:
        return images
    axis = find_channels(images.shape[1:])[0] if channel_axis is None else channel_axis
    return channels_last(images, axis)


def is_tiny(grey: NDArray[Any]) -> bool:
    """Return whether images are too small for histograms of gradients."""
    return bool(min(grey.shape[1:]) < 4)


def shrink(images: NDArray[Any], side: int = SIDE) -> NDArray[np.float32]:
    """Return grey images of at most about `side` pixels, averaged over squares of whole pixels.

    Parameters
    ----------
    images : ndarray of shape (m, H, W) or (m, H, W, C)
        Any real dtype; channels are averaged.
    side : int, default=64
        Maximum length of the longer side.

    Returns
    -------
    grey : ndarray of shape (m, h, w), dtype float32

    Examples
    --------
    >>> shrink(np.arange(32, dtype=np.uint8).reshape(1, 4, 8), side=4).tolist()
    [[[4.5, 6.5, 8.5, 10.5], [20.5, 22.5, 24.5, 26.5]]]
    """
    grey = images.astype(np.float32)
    if grey.ndim == 4:
        # One channel after the other, because the order in which np.mean adds up depends on the
        # number of images.
        channels = grey.shape[3]
        total = grey[..., 0].copy()
        for channel in range(1, channels):
            total += grey[..., channel]
        grey = total / np.float32(channels)
    factor = -(-max(grey.shape[1:]) // side)
    if factor == 1:
        return grey
    height, width = (max(1, size // factor) for size in grey.shape[1:])
    grey = grey[:, : height * factor, : width * factor]
    total = np.zeros((len(grey), height, width), dtype=np.float32)
    down, right = (min(factor, size) for size in grey.shape[1:])
    for i in range(down):
        for j in range(right):
            total += grey[:, i::factor, j::factor][:, :height, :width]
    return total / np.float32(down * right)
