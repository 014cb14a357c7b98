"""Exact nearest neighbours of images, tile by tile, without a float copy of them.

Squared distances come from one matrix product per pair of tiles,
``|a - b|^2 = |a|^2 + |b|^2 - 2 a.b``, and every off-diagonal tile serves both sides.
Pixels of 8 bits are shifted to [-128, 127] and multiplied in float32 over slices of
at most 1024 pixels: each sum stays below 2^24, so it is exact whatever the order of
summation; slices are added up in float64. Other dtypes are multiplied in float64.
Equal distances are ordered by row number, so the answer does not depend on tiles or
threads.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import combinations, product
from threading import Lock
from typing import Any, Protocol

import numpy as np
import threadpoolctl
from numpy.typing import NDArray
from scipy import sparse

from imblearn_images.core.parallel import in_threads

TILE = 512
SLICE = 1024  # pixels whose products float32 adds up exactly
LONG = 1e11  # products of pixels, from which on it is said how long they take
SAMPLE = 16  # pairs of tiles by which that is measured

logger = logging.getLogger("imblearn_images")


UNSCALED = (
    "Squared distances between the images {}: their values are too {}. Scale them first, e.g. by "
    "dividing by abs(X).max()."
)


def check_squares(pixels: Any, members: NDArray[np.intp], dtype: Any = np.float64) -> None:
    """Raise for values whose squares float64, or `dtype`, cannot hold.

    Parameters
    ----------
    pixels : ndarray of shape (n, d)
        Of integers all pass.
    members : ndarray of shape (m,)
        The rows to look at.
    dtype : dtype
        In which distances are computed.

    Raises
    ------
    ValueError
        If squared distances would all be infinite, or 0.
    """
    if sparse.issparse(pixels) or pixels.dtype.kind != "f" or not len(members):
        return
    height = max(1, (1 << 16) // max(1, pixels.shape[1]))
    largest = max(
        max(float(block.max()), -float(block.min()))
        for block in (pixels[members[lo : lo + height]] for lo in range(0, len(members), height))
    )
    limits = np.finfo(dtype)
    # (a - b)**2, summed over all pixels; and some precision is to be left at the bottom
    if largest > np.sqrt(float(limits.max) / (4 * max(1, pixels.shape[1]))):
        raise ValueError(UNSCALED.format("overflow", "large"))
    if 0 < largest < np.sqrt(float(limits.tiny) / float(limits.eps)):
        raise ValueError(UNSCALED.format("underflow", "small"))


class PixelMatrix(Protocol):
    """What is needed of the features: 2-D, indexable by rows and a slice of columns."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, d)."""

    @property
    def dtype(self) -> Any:
        """Of the numbers."""

    def __getitem__(self, key: Any, /) -> Any: ...


@lru_cache(maxsize=1)
def _blas() -> threadpoolctl.ThreadpoolController:
    return threadpoolctl.ThreadpoolController()


def nearest_neighbors(
    features: PixelMatrix,
    rows: NDArray[np.intp],
    k: int,
    *,
    queries: NDArray[np.intp] | None = None,
    asking: PixelMatrix | None = None,
    blend: tuple[NDArray[np.intp], NDArray[np.float64]] | None = None,
    n_jobs: int | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Find the `k` nearest other images of each query, by Euclidean distance.

    Parameters
    ----------
    features : array-like of shape (n, d)
        Flattened pixels or features of any real dtype; a memmap is read slice by slice.
    rows : ndarray of shape (m,), dtype intp
        The rows to search among: neighbours are looked for inside this set only.
    k : int
        Number of neighbours; less than `m` if a query is one of `rows`.
    queries : ndarray of shape (q,), dtype intp, default=None
        The rows of `features` that look for neighbours; by default `rows` themselves. Two
        queries that are among `rows` are compared once. A row is not a neighbour of itself.
    asking : array-like of shape (n_asking, d), default=None
        The matrix whose rows `queries` are, where they are no rows of `features`: then nothing
        is a neighbour of itself.
    blend : (partners, weights), default=None
        Two arrays of shape (m,): compared are ``features[rows] + weights * (features[partners]
        - features[rows])``, in float64, which are never made: their inner products are sums of
        those of the rows. With `queries` left out only.
    n_jobs : int, default=None
        Threads that share the tiles; the answer is the same for every number.

    Returns
    -------
    distances : ndarray of shape (q, k), dtype float64
        Squared distances, ascending.
    neighbors : ndarray of shape (q, k), dtype intp
        Positions in `rows`, nearest first; equal distances in order of position.

    Raises
    ------
    ValueError
        If `k` is not between 1 and the number of other rows, or squared distances overflow.

    Examples
    --------
    >>> import numpy as np
    >>> images = np.array([[0, 0], [9, 9], [1, 0], [8, 9]], dtype=np.uint8)
    >>> nearest_neighbors(images, np.arange(4), k=1)[1].ravel().tolist()
    [2, 3, 0, 1]
    >>> squared, nearest = nearest_neighbors(images, np.array([0, 1, 3]), 2, queries=np.array([2]))
    >>> squared.tolist(), nearest.tolist()
    ([[1.0, 130.0]], [[0, 2]])
    """
    search: _Search
    if blend is not None:
        search = _BlendSearch(features, rows, k, *blend)
    else:
        search = _Search(features, rows, k, queries, asking)
    most = len(rows) - int((search.own >= 0).any())
    if not 1 <= k <= most:
        raise ValueError(f"`k` must be between 1 and {most}, the number of other rows, got {k}.")
    _run(search, n_jobs)
    if not np.isfinite(search.distances).all():
        raise ValueError(UNSCALED.format("overflow", "large"))
    return search.distances, search.neighbors


def squared_distances(
    features: PixelMatrix,
    rows: NDArray[np.intp],
    others: NDArray[np.intp],
    *,
    n_jobs: int | None = None,
) -> NDArray[np.float64]:
    """Compute all squared distances between some rows and others.

    Parameters
    ----------
    features : array-like of shape (n, d)
        As of :func:`nearest_neighbors`.
    rows, others : ndarrays of shape (q,) and (m,), dtype intp
        The rows that are compared.
    n_jobs : int, default=None
        Threads.

    Returns
    -------
    squared : ndarray of shape (q, m), dtype float64
        Exact where the features have 8 bits.

    Raises
    ------
    ValueError
        If they overflow.

    Examples
    --------
    >>> images = np.array([[0, 0], [9, 9], [1, 0]], dtype=np.uint8)
    >>> squared_distances(images, np.arange(3), np.array([0, 2])).tolist()
    [[0.0, 1.0], [162.0, 145.0], [1.0, 0.0]]
    """
    search = _AllDistances(features, others, 0, rows, features)
    _run(search, n_jobs)
    if not np.isfinite(search.squared).all():
        raise ValueError(UNSCALED.format("overflow", "large"))
    return search.squared


def _run(search: _Search, n_jobs: int | None) -> None:
    """Compare all tiles, and say early how long that takes where it is long."""
    small = len(search.rows) * len(search.queries) * search.features.shape[1] < 1e10
    # One BLAS thread per tile: two BLAS threads waiting for each other on a busy
    # machine are many times slower than one.
    with one_blas_thread:
        done, told = 0.0, False
        for pairs in search.steps():
            if not told and len(pairs) > 1:  # the first ones say how long the others take
                some, pairs, told = pairs[:SAMPLE], pairs[SAMPLE:], True
                start = time.monotonic()
                in_threads(search.compare, some, n_jobs=n_jobs, small=small)
                seconds = time.monotonic() - start
                done += search.work(some)
                _tell(search, seconds * (search.work() - done) / search.work(some))
            in_threads(search.compare, pairs, n_jobs=n_jobs, small=small)
            done += search.work(pairs)


def _tell(search: _Search, seconds: float) -> None:
    """Say how long a long search will take: to the log, and aloud if that is minutes."""
    n, q, d = len(search.rows), len(search.queries), search.features.shape[1]
    if search.work() * d < LONG:
        return
    time_left = f"{seconds / 60:.0f} minutes" if seconds > 99 else f"{seconds:.0f} seconds"
    logger.log(
        logging.WARNING if seconds > 60 else logging.INFO,
        "Looking for the neighbours of %s images of %s numbers among %s will take about %s. An "
        "`embedding` of fewer numbers takes less, and a neighbours object that approximates the "
        "least: see imblearn_images.neighbors.",
        f"{q:,}",
        f"{d:,}",
        f"{n:,}",
        time_left,
    )


def _tiles(n: int, height: int, start: int = 0) -> list[slice]:
    return [slice(at, min(at + height, n)) for at in range(start, n, height)]


def subtract(pixels: NDArray[Any], origin: NDArray[Any], out: NDArray[np.float64]) -> None:
    """Write ``pixels - origin`` into `out`, exactly where 64-bit integers are near each other.

    float64 tells integers beyond 2**53 apart only by steps of 2 to 2,048.
    """
    if pixels.dtype.kind in "iu" and pixels.dtype.itemsize == 8 and pixels.size:
        reach = int(pixels.max()) - int(pixels.min()), int(origin.max()) - int(origin.min())
        apart = abs(int(pixels.min()) - int(origin.min()))
        if sum(reach) + apart < 2**62:  # so that no difference wraps around
            np.copyto(out, (pixels - origin).view(np.int64))
            return
    np.copyto(out, pixels)
    out -= origin


class _OneBlasThread:
    """Context with BLAS at one thread; the first in limits it, the last out restores it.

    The limit holds for the whole process, so searches in several threads must share it.
    Since threadpoolctl 3.8 only the thread that set a limit can set another one, unless it
    is told that this thread is done: the last one out is often another than the first one in.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.inside = 0
        self.limit: Any = None

    def __enter__(self) -> None:
        with self.lock:
            if self.inside == 0:
                # Finding the loaded BLAS costs milliseconds: once, when NumPy is in.
                self.limit = _blas().limit(limits=1, user_api="blas")  # holds from here on
            self.inside += 1

    def __exit__(self, *error: object) -> None:
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                _free_openblas()
                self.limit.restore_original_limits()
                _free_openblas()


def _free_openblas() -> None:
    """Let any thread set the limit of OpenBLAS next (which every one could before 3.8)."""
    free = getattr(threadpoolctl.OpenBLASController, "clear_controlling_thread", None)
    if free is not None:
        free(force=True)


one_blas_thread = _OneBlasThread()


class _Search:
    """Running list of the best neighbours; `compare` may be called from many threads.

    Queries that are among the rows come first in the order of the search, the other rows follow;
    ``place`` says at which position the caller has them.
    """

    def __init__(
        self,
        features: PixelMatrix,
        rows: NDArray[np.intp],
        k: int,
        queries: NDArray[np.intp] | None = None,
        asking: PixelMatrix | None = None,
    ) -> None:
        self.features, self.k = features, k
        self.asking = features if asking is None else asking
        self.place = np.arange(len(rows))
        self.symmetric = queries is None
        if queries is None:
            self.rows, self.queries, self.own = rows, rows, self.place
        else:
            self.rows, self.queries = rows, queries
            self.own = np.full(len(queries), -1)
            if asking is None:
                self.own = _positions(queries, rows)
                self.symmetric = bool((self.own >= 0).all()) and (
                    len(np.unique(self.own)) == len(queries)
                )
            if self.symmetric:
                others = np.ones(len(rows), dtype=np.bool_)
                others[self.own] = False
                self.place = np.concatenate([self.own, np.flatnonzero(others)])
                self.rows, self.own = rows[self.place], np.arange(len(queries))
                self.queries = self.rows[: len(queries)]
        kinds = {np.dtype(self.features.dtype), np.dtype(self.asking.dtype)}
        self.short = len(kinds) == 1 and kinds.pop().itemsize == 1
        shape = (len(self.queries), max(k, 0))
        self.neighbors = np.full(shape, len(rows), dtype=np.intp)
        self.distances = np.full(shape, np.inf)
        self.norms = np.empty(len(rows))
        self.query_norms = self.norms if self.symmetric else np.empty(len(self.queries))
        self.lock = Lock()

    @property
    def height(self) -> int:
        """Rows of a tile."""
        # Small images need no float64 sums: larger tiles fit the same memory and pay.
        return 2 * TILE if self.short and self.features.shape[1] <= SLICE else TILE

    def steps(self) -> Iterator[list[tuple[slice, slice]]]:
        """Pairs of tiles to be compared; what is in one step may be compared at the same time."""
        asked = _tiles(len(self.queries), self.height)
        if not self.symmetric:
            # The first query meets all rows, the first row all queries: with their squared norms.
            first, *more = _tiles(len(self.rows), self.height)
            yield [(tile, first) for tile in asked[:1]]
            yield [(tile, other) for tile in asked[:1] for other in more] + [
                (tile, first) for tile in asked[1:]
            ]
            yield list(product(asked[1:], more))
            return
        # The diagonal first: it holds the squared norms that the other tiles need.
        yield [(tile, tile) for tile in asked]
        yield list(combinations(asked, 2))
        others = _tiles(len(self.rows), self.height, len(self.queries))
        yield list(product(asked[:1], others))  # with the squared norms of the others
        yield list(product(asked[1:], others))

    def work(self, pairs: list[tuple[slice, slice]] | None = None) -> float:
        """How many pairs of images are compared in some pairs of tiles, or in all."""
        if pairs is None:
            q, n = len(self.queries), len(self.rows)
            return float(q * (n - q / 2) if self.symmetric else q * n)
        done = 0.0
        for a, b in pairs:
            area = (a.stop - a.start) * (b.stop - b.start)
            done += area / 2 if self.symmetric and a == b else area
        return done

    def compare(self, a: slice, b: slice) -> None:
        """Offer the images of tile `b` to the queries of tile `a`, and back if all are queries."""
        with np.errstate(over="ignore", invalid="ignore"):  # found at the end, with a remedy
            products = self._products(a, b)
            if self.symmetric and b.start < len(self.queries):
                if a == b:
                    self.norms[a] = products.diagonal()
                else:
                    self._offer(b, a, np.ascontiguousarray(products.T))
            self._offer(a, b, products)

    @property
    def _dtype(self) -> Any:
        return np.float32 if self.short else np.float64

    def _pixels(
        self,
        features: PixelMatrix,
        numbers: NDArray[np.intp],
        columns: slice,
        buffer: NDArray[Any],
    ) -> NDArray[Any]:
        pixels = features[_as_slice(numbers), columns]
        out = buffer[: pixels.size].reshape(pixels.shape)
        if not self.short:  # products of large numbers would drown small differences
            subtract(pixels, self.features[self.rows[0], columns], out)
        elif pixels.dtype == np.uint8:
            np.copyto(out, (pixels ^ 128).view(np.int8))  # that is pixels - 128
        else:
            np.copyto(out, pixels)
        return out

    def _products(self, a: slice, b: slice) -> NDArray[Any]:
        """Inner products of the images of two tiles, exact for 8 bits."""
        if self.symmetric and a == b:
            return self._multiplied(self.queries[a], None)
        norms = None
        if not self.symmetric and b.start == 0:
            norms = self.query_norms[a]
        of_rows = self.norms[b] if a.start == 0 and b.start >= self._measured else None
        return self._multiplied(self.queries[a], self.rows[b], norms, of_rows)

    @property
    def _measured(self) -> int:
        """From which row on no diagonal tile gives the squared norms."""
        return len(self.queries) if self.symmetric else 0

    def _multiplied(
        self,
        a: NDArray[np.intp],
        b: NDArray[np.intp] | None,
        *norms: NDArray[np.float64] | None,
    ) -> NDArray[Any]:
        """Inner products of some queries and rows, of queries with each other by default.

        Their squared norms are written into `norms`, of the queries and of the rows.
        """
        width = self.features.shape[1]
        others = a if b is None else b
        buffers = [np.empty(len(each) * min(width, SLICE), self._dtype) for each in (a, others)]
        total: NDArray[Any] | None = None
        for start in range(0, width, SLICE):
            columns = slice(start, min(start + SLICE, width))
            left = self._pixels(self.asking, a, columns, buffers[0])
            # The product of a matrix with itself costs half: NumPy calls ssyrk.
            right = left if b is None else self._pixels(self.features, b, columns, buffers[1])
            part = left @ right.T
            for of_part, pixels in zip(norms, (left, right), strict=False):
                if of_part is not None:
                    squares = np.einsum("ij,ij->i", pixels, pixels)
                    np.add(of_part if start else 0, squares, out=of_part)
            if total is None:
                total = part if width <= SLICE else part.astype(np.float64)
            else:
                total += part
        assert total is not None
        return total

    def _offer(self, to: slice, other: slice, products: NDArray[Any]) -> None:
        """Merge the images of tile `other` into the best lists of the queries of tile `to`."""
        norms_to, norms_other = self.query_norms[to], self.norms[other]
        own = self.own[to] - other.start
        # |b|^2 - 2 a.b orders like the distance; the rows' own |a|^2 comes in below.
        score = products * products.dtype.type(-2)
        score += norms_other.astype(score.dtype)
        inside = np.flatnonzero((own >= 0) & (own < score.shape[1]))
        score[inside, own[inside]] = np.inf
        # Scores in float32 may be rounded, but rounding keeps their order.
        k = min(self.k, score.shape[1])
        bound = np.minimum(_upper_bound(score, k), self.distances[to, -1] - norms_to)
        limit = np.nextafter(bound.astype(score.dtype), np.inf, dtype=score.dtype)
        row, column = np.divmod(np.flatnonzero(score <= limit[:, None]), score.shape[1])
        if len(inside):  # an infinite limit lets the image itself pass
            others = column != own[row]
            row, column = row[others], column[others]
        distance = norms_to[row] + norms_other[column] - 2.0 * products[row, column]
        np.maximum(distance, 0, out=distance)  # of floats, rounding may leave less than nothing
        with self.lock:
            self._merge(to, row, distance, self.place[column + other.start])

    def _merge(
        self,
        to: slice,
        row: NDArray[np.intp],
        distance: NDArray[np.float64],
        position: NDArray[np.intp],
    ) -> None:
        height = to.stop - to.start
        count = np.bincount(row, minlength=height)
        rank = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        width = self.k + int(count.max(initial=0))
        distances = np.full((height, width), np.inf)
        positions = np.full((height, width), len(self.rows), dtype=np.intp)
        distances[:, : self.k] = self.distances[to]
        positions[:, : self.k] = self.neighbors[to]
        distances[row, self.k + rank] = distance
        positions[row, self.k + rank] = position
        order = np.lexsort((positions, distances), axis=1)[:, : self.k]
        self.distances[to] = np.take_along_axis(distances, order, axis=1)
        self.neighbors[to] = np.take_along_axis(positions, order, axis=1)


class _AllDistances(_Search):
    """All squared distances of queries to rows, from another matrix or as if they were."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.squared = np.empty((len(self.queries), len(self.rows)))

    def _offer(self, to: slice, other: slice, products: NDArray[Any]) -> None:
        squared = self.squared[to, other]
        np.multiply(products, -2.0, out=squared)
        squared += self.query_norms[to, None]
        squared += self.norms[other]
        np.maximum(squared, 0, out=squared)


class _BlendSearch(_Search):
    """Search among blends of two rows each.

    They are sorted by their parents, so that a tile needs the products of few rows.
    """

    def __init__(
        self,
        features: PixelMatrix,
        rows: NDArray[np.intp],
        k: int,
        partners: NDArray[np.intp],
        weights: NDArray[np.float64],
    ) -> None:
        place = np.lexsort((partners, rows))
        super().__init__(features, rows[place], k)
        self.place = place
        self.partners, self.weights = partners[place], weights[place]

    height = 2 * TILE

    def steps(self) -> Iterator[list[tuple[slice, slice]]]:
        """Pairs of tiles to be compared; at the end the lists are brought into order."""
        yield from super().steps()
        distances, neighbors = self.distances.copy(), self.neighbors.copy()
        self.distances[self.place], self.neighbors[self.place] = distances, neighbors

    def _products(self, a: slice, b: slice) -> NDArray[Any]:
        parents, base, partner = self._parents(a)
        others, other_base, other_partner = (parents, base, partner) if a == b else self._parents(b)
        products = self._multiplied(parents, None if a == b else others)
        products = _blended(products, base, partner, self.weights[a])
        # Rows are gathered in one piece, columns are not.
        products = np.ascontiguousarray(products.T)
        return _blended(products, other_base, other_partner, self.weights[b]).T

    def _parents(self, tile: slice) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        both = np.append(self.rows[tile], self.partners[tile])
        parents, at = np.unique(both, return_inverse=True)
        base, partner = np.split(at.reshape(-1), 2)
        return parents, base, partner


def _blended(
    products: NDArray[Any],
    base: NDArray[np.intp],
    partner: NDArray[np.intp],
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Blend rows of inner products as images are blended."""
    out = products[base].astype(np.float64, copy=False)
    mixed = np.flatnonzero(weights)
    if len(mixed):
        step = products[partner[mixed]] - out[mixed]
        step *= weights[mixed, None]
        out[mixed] += step
    return out


def _as_slice(numbers: NDArray[np.intp]) -> Any:
    """The rows as a slice where they follow each other: a view costs nothing."""
    if (
        len(numbers)
        and numbers[-1] - numbers[0] == len(numbers) - 1
        and ((np.diff(numbers) == 1).all())
    ):
        return slice(int(numbers[0]), int(numbers[-1]) + 1)
    return numbers


Find = Callable[
    [NDArray[np.intp], NDArray[np.intp] | None, int], tuple[NDArray[np.float64], NDArray[np.intp]]
]
ANSWERED = 1 << 13  # queries that a table answers at a time


class NeighborTable:
    """Neighbours that are found once, and answer for fewer rows as far as they reach.

    Samplers that clean again and again search among fewer and fewer of the same images: the
    nearest of those that are left mostly stand among the nearest of all. Where they do not, or
    where equal distances leave it open, they are looked for again.

    Parameters
    ----------
    find : callable
        ``find(rows, queries, k)`` as :func:`nearest_neighbors`.
    n : int
        Number of rows in all.
    asked : ndarray of int
        The rows that will ask: together they are looked up in less time than one by one.
    width : int, default=0
        How many neighbours are kept of each, if that is more than what is asked for.

    Examples
    --------
    >>> images = np.array([[0], [1], [3], [7]], dtype=np.uint8)
    >>> searches = []
    >>> def find(rows, queries, k):
    ...     searches.append(len(rows))
    ...     return nearest_neighbors(images, rows, k, queries=queries)
    >>> table = NeighborTable(find, 4, np.arange(4), width=3)
    >>> table(np.arange(4), np.arange(4), 1)[1].ravel().tolist()
    [1, 0, 1, 2]
    >>> table(np.array([0, 2, 3]), np.array([0, 2]), 1)[1].ravel().tolist(), searches
    ([1, 0], [4])
    """

    def __init__(self, find: Find, n: int, asked: NDArray[np.intp], width: int = 0) -> None:
        self.find, self.asked = find, asked
        self.width = min(width, max(1, (1 << 24) // (12 * max(n, 1))))  # 16 MB
        self.bases: list[NDArray[np.intp]] = []  # the rows of every search
        self.base = np.full(n, -1, dtype=np.int32)  # which of them it was
        self.near = np.empty((n, 0), dtype=np.int32)
        self.squared = np.empty((n, 0))

    def __call__(
        self, rows: NDArray[np.intp], queries: NDArray[np.intp], k: int
    ) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Squared distances of, and positions in `rows` of, the `k` nearest other rows."""
        position = np.full(len(self.base), -1, dtype=np.intp)
        position[rows] = np.arange(len(rows))
        squared, near = np.empty((len(queries), k)), np.empty((len(queries), k), dtype=np.intp)
        missing = self._answer(rows, position, queries, squared, near)
        if missing.any():
            self._look_up(rows, position, queries[missing], k)
            found = np.empty((int(missing.sum()), k)), np.empty((int(missing.sum()), k), np.intp)
            self._answer(rows, position, queries[missing], *found)
            squared[missing], near[missing] = found
        return squared, near

    def _look_up(
        self, rows: NDArray[np.intp], position: NDArray[np.intp], queries: NDArray[np.intp], k: int
    ) -> None:
        asked = self.asked[(position[self.asked] >= 0) & (self.base[self.asked] < 0)]
        queries = np.union1d(queries, asked)
        others = len(rows) - int((position[queries] >= 0).any())
        k = max(k, min(self.width, others))
        more = k - self.near.shape[1]
        if more > 0:
            n = len(self.base)
            self.near = np.hstack([self.near, np.full((n, more), -1, dtype=np.int32)])
            self.squared = np.hstack([self.squared, np.full((n, more), np.inf)])
        squared, near = self.find(rows, None if np.array_equal(rows, queries) else queries, k)
        self.near[queries, :k], self.squared[queries, :k] = rows[near], squared
        self.near[queries, k:], self.squared[queries, k:] = -1, np.inf
        self.base[queries] = len(self.bases)
        self.bases.append(rows.copy())

    def _answer(
        self,
        rows: NDArray[np.intp],
        position: NDArray[np.intp],
        queries: NDArray[np.intp],
        squared: NDArray[np.float64],
        near: NDArray[np.intp],
    ) -> NDArray[np.bool_]:
        """Fill in what is known; the mask says of which queries it is not."""
        k = near.shape[1]
        missing = np.ones(len(queries), dtype=np.bool_)
        if k > self.near.shape[1]:
            return missing
        for number in np.unique(self.base[queries]):
            base = self.bases[number] if number >= 0 else rows[:0]
            same = np.array_equal(base, rows)
            if not same and (len(base) < len(rows) or not np.isin(rows, base).all()):
                continue
            of_base = np.flatnonzero(self.base[queries] == number)
            for at in np.array_split(of_base, -(-len(of_base) // ANSWERED)):
                missing[at] = self._filled(base, same, position, queries, squared, near, at, k)
        return missing

    def _filled(
        self,
        base: NDArray[np.intp],
        same: bool,
        position: NDArray[np.intp],
        queries: NDArray[np.intp],
        squared: NDArray[np.float64],
        near: NDArray[np.intp],
        at: NDArray[np.intp],
        k: int,
    ) -> NDArray[np.bool_]:
        known, distances = self.near[queries[at]], self.squared[queries[at]]
        reach = np.isfinite(distances).sum(axis=1)
        last = distances[np.arange(len(at)), np.maximum(reach - 1, 0)]
        positions = np.where(known >= 0, position[known], -1)
        distances = np.where(positions >= 0, distances, np.inf)
        order = np.lexsort((positions, distances), axis=1)[:, :k]
        found = np.take_along_axis(distances, order, axis=1)
        squared[at], near[at] = found, np.take_along_axis(positions, order, axis=1)
        if same:
            short: NDArray[np.bool_] = reach < k
            return short
        # All others of the base are known; or those that are not are farther away.
        everything = reach == len(base) - np.isin(queries[at], base)
        certain: NDArray[np.bool_] = (found[:, -1] < last) | (
            everything & np.isfinite(found[:, -1])
        )
        return ~certain


class DistanceTable:
    """Distances of all rows to a few, computed once, for whoever asks about neighbours of either.

    NearMiss wants the images of the smallest class that are nearest to those of every other one,
    all of the smallest class, or the images of another class that are nearest to these.

    Parameters
    ----------
    find : callable
        ``find(rows, queries, k)`` as :func:`nearest_neighbors`, for whatever else is asked.
    measure : callable
        ``measure(few)`` gives squared distances of all rows to `few`, shape (n, m).
    few : ndarray of shape (m,)
        Some rows.

    Examples
    --------
    >>> images = np.array([[0], [1], [3], [7]], dtype=np.uint8)
    >>> few = np.array([0, 2])
    >>> table = DistanceTable(None, lambda few: squared_distances(images, np.arange(4), few), few)
    >>> squared, near = table(few, np.array([1, 3]), 2)
    >>> squared.tolist(), near.tolist()
    ([[1.0, 4.0], [16.0, 49.0]], [[0, 1], [1, 0]])
    >>> table(np.array([1, 3]), few, 1)[1].tolist()
    [[0], [0]]
    """

    def __init__(
        self,
        find: Find,
        measure: Callable[[NDArray[np.intp]], NDArray[np.float64]],
        few: NDArray[np.intp],
    ) -> None:
        self.find, self.measure, self.few = find, measure, few
        self.squared: NDArray[np.float64] | None = None

    def __call__(
        self, rows: NDArray[np.intp], queries: NDArray[np.intp], k: int
    ) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Squared distances of, and positions in `rows`, which do not ask, of the `k` nearest."""
        to_few = np.array_equal(rows, self.few)
        if not to_few and not np.array_equal(queries, self.few):
            return self.find(rows, queries, k)
        if self.squared is None:
            self.squared = self.measure(self.few)
        return _smallest(self.squared[queries] if to_few else self.squared[rows].T, k)


def _smallest(squared: NDArray[np.float64], k: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """The `k` smallest of every row and their columns, ascending; of equal ones the first."""
    height, width = squared.shape
    if 16 * k >= width:
        columns = np.argsort(squared, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(squared, columns, axis=1), columns
    is_near = squared <= _upper_bound(squared, k)[:, None]
    row, column = np.divmod(np.flatnonzero(is_near), width)
    values = squared[row, column]
    order = np.lexsort((column, values, row))
    first = order[np.searchsorted(row, np.arange(height))[:, None] + np.arange(k)]
    return values[first], column[first]


def _positions(queries: NDArray[np.intp], rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where each query stands in `rows`, -1 for those that do not, shape (q,)."""
    if not len(rows):
        return np.full(len(queries), -1, dtype=np.intp)
    order = np.argsort(rows, kind="stable")
    at = order[np.minimum(np.searchsorted(rows, queries, sorter=order), len(rows) - 1)]
    return np.where(rows[at] == queries, at, -1)


def _upper_bound(score: NDArray[Any], k: int) -> NDArray[Any]:
    """For each row a value that at least `k` of its entries do not exceed.

    It is the k-th smallest of the minima of groups of columns: the groups' minima cost
    one vectorised pass, partitioning whole rows costs more.
    """
    groups = score.shape[1] // 8
    if groups <= 2 * k:
        return np.partition(score, k - 1, axis=1)[:, k - 1]
    whole = score[:, : 8 * groups].reshape(len(score), 8, groups).min(axis=1)
    return np.partition(whole, k - 1, axis=1)[:, k - 1]


TALL = 512  # queries whose scores are held at a time
MANY = 1e9  # products of features from which on a search is worth being done here


def nearest_rows(asking: NDArray[Any], among: NDArray[Any], k: int) -> NDArray[np.intp] | None:
    """Find the `k` nearest of some rows of features, where there are many of them.

    Inner products in float32 cost half of those in float64 that scikit-learn takes. Two distances
    that float32 cannot tell apart are computed in float64, so that the answer depends neither on
    the order in which BLAS adds up nor on what else is asked.

    Parameters
    ----------
    asking : ndarray of shape (q, d), dtype float32 or float64
        The rows that look for others.
    among : ndarray of shape (m, d), same dtype
        The rows that may be found; of equal ones the first is nearer.
    k : int
        At most m.

    Returns
    -------
    found : ndarray of shape (q, k) or None
        Positions in `among`, the nearest first. None where another search is better: there are
        few products, or the numbers are such that float32 tells hardly any distances apart.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> features = rng.normal(size=(9000, 256)).astype(np.float32)
    >>> found = nearest_rows(features[:5000], features, 2)
    >>> found[:, 0].tolist() == list(range(5000))
    True
    >>> nearest_rows(features[:5], features, 2) is None
    True
    """
    width = among.shape[1]
    if among.dtype.kind != "f" or among.dtype.itemsize not in (4, 8):
        return None
    if len(asking) * len(among) * width < MANY:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        centre = among.mean(axis=0, dtype=np.float64)
        near = _centred(among, centre)
        squares = np.einsum("ij,ij->i", near, near, dtype=np.float64)
        largest = float(np.sqrt(squares.max()))
        half = (squares / 2).astype(np.float32)
        found = np.empty((len(asking), k), dtype=np.intp)
        for tile in _tiles(len(asking), TALL):
            some = _centred(asking[tile], centre)
            norms = np.sqrt(np.einsum("ij,ij->i", some, some, dtype=np.float64))
            unit = float(np.finfo(np.float32).eps)
            # what rounding may do to half a squared distance: to its sum, and to its parts
            error = unit * ((width / 2 + 8) * norms * largest + 2 * largest**2 + norms**2)
            score = some @ near.T
            np.subtract(half, score, out=score)
            limit = _upper_bound(score, k) + 2 * error
            if not np.isfinite(limit).all():
                return None
            is_near = score <= np.nextafter(limit.astype(np.float32), np.float32(np.inf))[:, None]
            if np.count_nonzero(is_near) > 16 * k * len(score):
                return None
            row, column = np.divmod(np.flatnonzero(is_near), score.shape[1])
            found[tile] = _in_order(
                row, column, score[row, column], error, (asking[tile], among), k
            )
    return found


def _centred(features: NDArray[Any], centre: NDArray[np.float64]) -> NDArray[np.float32]:
    """Features less their mean: what is smaller is rounded less."""
    out = np.empty(features.shape, dtype=np.float32)
    for tile in _tiles(len(features), TILE):
        np.subtract(features[tile], centre, out=out[tile], casting="same_kind")
    return out


def _in_order(
    row: NDArray[np.intp],
    column: NDArray[np.intp],
    score: NDArray[np.float32],
    error: NDArray[np.float64],
    features: tuple[NDArray[Any], NDArray[Any]],
    k: int,
) -> NDArray[np.intp]:
    """The first `k` columns of each row, by scores; by exact distances where these are too close.

    There are at least `k` of each row. Scores that differ by less than twice the error, one after
    the other, make a group, and the order of groups is certain.
    """
    order = np.lexsort((column, score, row))
    row, column, score = row[order], column[order], score[order]
    is_close = (row[1:] == row[:-1]) & (np.diff(score.astype(np.float64)) <= 2 * error[row[1:]])
    group = np.concatenate([[0], np.cumsum(~is_close)])
    begins = np.searchsorted(row, np.arange(len(error)))
    first = np.concatenate([[0], np.flatnonzero(~is_close) + 1])
    counts = (first - begins[row[first]] < k)[group]  # others come too late to matter
    is_open = np.zeros(len(row), dtype=np.bool_)
    is_open[1:] |= is_close
    is_open[:-1] |= is_close
    exact = np.zeros(len(row))
    for some in np.split(at := np.flatnonzero(is_open & counts), range(TILE, len(at), TILE)):
        difference = np.subtract(features[1][column[some]], features[0][row[some]], dtype=float)
        exact[some] = np.einsum("ij,ij->i", difference, difference)
    column = column[np.lexsort((column, exact, group))]
    found: NDArray[np.intp] = column[begins[:, None] + np.arange(k)]
    return found
