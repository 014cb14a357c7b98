"""Exact nearest neighbours of images, tile by tile, without a float copy of them.

Squared distances come from one matrix product per pair of tiles,
``|a - b|^2 = |a|^2 + |b|^2 - 2 a.b``, and every off-diagonal tile serves both sides.
Pixels of 8 bits are shifted to [-128, 127] and multiplied in float32 over slices of
at most 1024 pixels: each sum is at most 2^24, so it is exact whatever the order of
summation; slices are added up in float64. Other dtypes are multiplied in float64.
Equal distances are ordered by row number, so the result does not depend on tiles or
threads.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache
from itertools import combinations, product
from math import prod
from threading import Lock, local
from typing import Any, Protocol

import numpy as np
import threadpoolctl
from joblib import effective_n_jobs
from numpy.typing import NDArray
from scipy import sparse

from imblearn_images.core.parallel import in_threads

TILE = 512
SLICE = 1024  # pixels whose products float32 adds up exactly
LONG = 1e11  # products of pixels, from which on it is said how long they take
SAMPLE = 16  # pairs of tiles by which that is measured
PART = 1 << 17  # pixels that are converted at a time: what is made on the way is small
NEAR = 1 << 18  # distances that are looked through at a time: they stay near the processor

logger = logging.getLogger("imblearn_images")


UNSCALED = (
    "Squared distances between the images {}: their values are too {}. Scale them first, e.g. by "
    "dividing by abs(X).max()."
)


def check_squares(pixels: Any, members: NDArray[np.intp], dtype: Any = np.float64) -> None:
    """Raise for values whose squared differences `dtype` cannot hold.

    Parameters
    ----------
    pixels : ndarray of shape (n, d)
        Integers always pass.
    members : ndarray of shape (m,)
        The rows to check.
    dtype : dtype
        Dtype in which distances are computed.

    Raises
    ------
    ValueError
        If squared distances would all be infinite, or 0.
    """
    if sparse.issparse(pixels) or pixels.dtype.kind != "f" or not len(members):
        return
    parts = _tiles(len(members), max(1, (1 << 16) // max(1, pixels.shape[1])))
    where = _as_slice(members)
    largest = max(
        max(float(block.max()), -float(block.min()))
        for block in (pixels[_some_of(where, part)] for part in parts)
    )
    limits = np.finfo(dtype)
    # (a - b)**2, summed over all pixels, must be finite; small ones must keep some precision.
    if largest > np.sqrt(float(limits.max) / (4 * max(1, pixels.shape[1]))):
        raise ValueError(UNSCALED.format("overflow", "large"))
    if 0 < largest < np.sqrt(float(limits.tiny) / float(limits.eps)):
        raise ValueError(UNSCALED.format("underflow", "small"))


class PixelMatrix(Protocol):
    """What a search needs of features: two dimensions, indexed by rows and a slice of columns."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, d)."""

    @property
    def dtype(self) -> Any:
        """Dtype of the features."""

    def __getitem__(self, key: Any, /) -> Any: ...


@lru_cache(maxsize=1)
def _blas() -> threadpoolctl.ThreadpoolController:
    """Return the controller of the loaded BLAS; to find it takes milliseconds, hence the cache."""
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
        The rows to search: only these can be neighbours.
    k : int
        Number of neighbours; less than `m` if a query is one of `rows`.
    queries : ndarray of shape (q,), dtype intp, default=None
        The rows of `features` whose neighbours are wanted; by default `rows` themselves. Two
        queries that are both in `rows` are compared once. A row is not a neighbour of itself.
    asking : array-like of shape (n_asking, d), default=None
        The matrix that `queries` are rows of, if that is not `features`; then no query is
        excluded as its own neighbour.
    blend : (partners, weights), default=None
        Two arrays of shape (m,), to compare the blends ``features[rows] + weights *
        (features[partners] - features[rows])`` in float64. They are never computed, because
        their inner products are sums of those of the rows. Only without `queries`.
    n_jobs : int, default=None
        Number of threads; the result is the same for every number.

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
    if not small and search.is_one_tile and n_jobs != 0:  # `in_threads` refuses 0
        most = max(1, (1 << 21) // len(search.rows) ** 2)  # sums of 16 MB
        search.threads = min(effective_n_jobs(n_jobs), most)
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
        "`embedding` with fewer numbers is faster, and an approximate neighbours object the "
        "fastest: see imblearn_images.neighbors.",
        f"{q:,}",
        f"{d:,}",
        f"{n:,}",
        time_left,
    )


def _tiles(n: int, height: int, start: int = 0) -> list[slice]:
    """Return slices of up to `height` rows that cover rows `start` to `n`."""
    return [slice(at, min(at + height, n)) for at in range(start, n, height)]


def subtract(pixels: NDArray[Any], origin: NDArray[Any], out: NDArray[np.float64]) -> None:
    """Write ``pixels - origin`` into `out`; exactly, if 64-bit integers are near each other.

    Converted to float64 first, integers beyond 2**53 would be rounded to multiples of 2 to 2,048.
    """
    are_integers = pixels.dtype.kind in "iu" and origin.dtype.kind in "iu"
    if are_integers and 8 in (pixels.dtype.itemsize, origin.dtype.itemsize) and pixels.size:
        reach = int(pixels.max()) - int(pixels.min()), int(origin.max()) - int(origin.min())
        apart = abs(int(pixels.min()) - int(origin.min()))
        if sum(reach) + apart < 2**62:
            # uint64 beyond 2**63 wraps around as int64, and a difference that small wraps back.
            np.copyto(out, np.subtract(pixels, origin, dtype=np.int64, casting="unsafe"))
            return
    np.subtract(pixels, origin, out=out, dtype=np.float64)


class _OneBlasThread:
    """Context with BLAS at one thread: the first to enter limits it, the last to leave restores it.

    The limit applies to the whole process, so searches in several threads must share it.
    Since threadpoolctl 3.8 only the thread that set a limit can change it, unless it is released
    first: the last thread to leave is often not the first one that entered.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.inside = 0
        self.limit: Any = None

    def __enter__(self) -> None:
        with self.lock:
            if self.inside == 0:
                self.limit = _blas().limit(limits=1, user_api="blas")  # takes effect at once
            self.inside += 1

    def __exit__(self, *error: object) -> None:
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                _free_openblas()
                self.limit.restore_original_limits()
                _free_openblas()


def _free_openblas() -> None:
    """Let any thread set the limit of OpenBLAS next, as before threadpoolctl 3.8."""
    free = getattr(threadpoolctl.OpenBLASController, "clear_controlling_thread", None)
    if free is not None:
        free(force=True)


one_blas_thread = _OneBlasThread()


class _Room(local):
    """Memory that each thread works in, again and again: the first use of memory is slow."""

    def __init__(self) -> None:
        self.arrays: dict[tuple[str, Any], NDArray[Any]] = {}

    def __call__(self, name: str, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """Return an array of undefined content, shared by all calls with this name."""
        size, known = prod(shape), self.arrays.get((name, dtype))
        if known is None or len(known) < size:
            known = self.arrays[name, dtype] = np.empty(size, dtype=dtype)
        return known[:size].reshape(shape)


class _Search:
    """Running list of the best neighbours; `compare` may be called from many threads.

    If all queries are among the rows, the search reorders the rows: queries first, others after
    them. ``place`` holds the caller's position of each row.
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
        self.lock, self.room = Lock(), _Room()
        self.threads = 1  # that share the columns of one tile

    @property
    def height(self) -> int:
        """Rows of a tile."""
        return 2 * TILE if self.short else TILE

    @property
    def is_one_tile(self) -> bool:
        """Whether one tile of bytes is compared with itself: few rows, but long ones."""
        alone = self.symmetric and len(self.queries) == len(self.rows) <= self.height
        return self.short and alone and int(self.features.shape[1]) > SLICE

    def steps(self) -> Iterator[list[tuple[slice, slice]]]:
        """Yield lists of pairs of tiles to compare; the pairs of one list may run in parallel."""
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
        # The diagonal first: its products contain the squared norms that other tiles need.
        yield [(tile, tile) for tile in asked]
        yield list(combinations(asked, 2))
        others = _tiles(len(self.rows), self.height, len(self.queries))
        yield list(product(asked[:1], others))  # with the squared norms of the others
        yield list(product(asked[1:], others))

    def work(self, pairs: list[tuple[slice, slice]] | None = None) -> float:
        """Return how many pairs of images are compared in some pairs of tiles, or in all."""
        if pairs is None:
            q, n = len(self.queries), len(self.rows)
            return float(q * (n - q / 2) if self.symmetric else q * n)
        done = 0.0
        for a, b in pairs:
            area = (a.stop - a.start) * (b.stop - b.start)
            done += area / 2 if self.symmetric and a == b else area
        return done

    def compare(self, a: slice, b: slice) -> None:
        """Compare queries of tile `a` with rows of tile `b`; if symmetric, also vice versa."""
        # Overflow is reported once, at the end of the search, with a remedy.
        with np.errstate(over="ignore", invalid="ignore"):
            products = self._products(a, b)
            if self.symmetric and b.start < len(self.queries):
                if a == b:
                    self.norms[a] = products.diagonal()
                else:
                    self._offer(b, a, products, turned=True)
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
        """Return a slice of columns of some rows as floats, shifted near 0, in `buffer`."""
        width = columns.stop - columns.start
        out = buffer[: len(numbers) * width].reshape(len(numbers), width)
        where = _as_slice(numbers)
        # Measured from the first row: products of large numbers would round away differences.
        origin = None if self.short else self.features[self.rows[0], columns]
        for part in _tiles(len(numbers), max(1, PART // width)):
            pixels = features[_some_of(where, part), columns]
            if origin is not None:
                subtract(pixels, origin, out[part])
            elif pixels.dtype == np.uint8:
                np.copyto(out[part], (pixels ^ 128).view(np.int8))  # that is pixels - 128
            else:
                np.copyto(out[part], pixels)
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
        """Return the inner products of queries `a` and rows `b`, or of `a` with itself.

        Their squared norms are written into `norms`, of the queries and of the rows.
        """
        width = self.features.shape[1]
        shape = (len(a), len(a if b is None else b))
        if b is None and self.threads > 1:
            # Sums of whole numbers are exact, whichever slices are added first.
            parts = _tiles(width, SLICE * -(-width // (SLICE * self.threads)))
            totals = np.empty((len(parts), *shape))
            tasks = ((a, None, part, total) for part, total in zip(parts, totals, strict=True))
            in_threads(self._add_up, tasks, n_jobs=self.threads)
            return totals.sum(axis=0)  # type: ignore[no-any-return]
        total = self.room("total", shape, self._dtype if width <= SLICE else np.float64)
        self._add_up(a, b, slice(0, width), total, *norms)
        return total

    def _add_up(
        self,
        a: NDArray[np.intp],
        b: NDArray[np.intp] | None,
        within: slice,
        total: NDArray[Any],
        *norms: NDArray[np.float64] | None,
    ) -> None:
        """Write the products of some columns into `total`, slice by slice."""
        others = a if b is None else b
        n_columns = min(within.stop - within.start, SLICE)
        buffers = [
            self.room(name, (len(each) * n_columns,), self._dtype)
            for name, each in (("left", a), ("right", others))
        ]
        part = total
        if total.dtype != self._dtype or within.stop - within.start > SLICE:
            part = self.room("part", total.shape, self._dtype)
        for start in range(within.start, within.stop, SLICE):
            is_first = start == within.start
            columns = slice(start, min(start + SLICE, within.stop))
            left = self._pixels(self.asking, a, columns, buffers[0])
            # The product of a matrix with itself costs half: NumPy calls ssyrk.
            right = left if b is None else self._pixels(self.features, b, columns, buffers[1])
            np.matmul(left, right.T, out=part)
            for of_part, pixels in zip(norms, (left, right), strict=False):
                if of_part is not None:
                    squares = np.einsum("ij,ij->i", pixels, pixels)
                    np.add(0 if is_first else of_part, squares, out=of_part)
            if not is_first:
                np.add(total, part, out=total)
            elif part is not total:
                np.copyto(total, part)

    def _offer(
        self, to: slice, other: slice, products: NDArray[Any], *, turned: bool = False
    ) -> None:
        """Merge the rows of tile `other` into the lists of best neighbours of tile `to`.

        `products` has a row for each query, or, if `turned`, a column.
        """
        norms_to, norms_other = self.query_norms[to], self.norms[other]
        own = self.own[to] - other.start
        # |b|^2 / 2 - a.b has the order of the distances; the rest is added to a few candidates.
        half = (norms_other / 2).astype(products.dtype)
        known = (self.distances[to, -1] - norms_to) / 2
        usual = np.setbufsize(512)  # a larger one would be filled with copies of `half`
        try:
            found = [
                self._candidates(
                    products, half, part, norms_to[part], known[part], own[part], turned
                )
                for part in _tiles(len(own), max(1, NEAR // len(half)))
            ]
        finally:
            np.setbufsize(usual)
        row, column, value = map(np.concatenate, zip(*found, strict=True))
        distance = norms_to[row] + norms_other[column] - 2.0 * value
        np.maximum(distance, 0, out=distance)  # rounding may make floats slightly negative
        with self.lock:
            self._merge(to, row, distance, self.place[column + other.start])

    def _candidates(
        self,
        products: NDArray[Any],
        half: NDArray[Any],
        part: slice,
        norms: NDArray[np.float64],
        known: NDArray[np.float64],
        own: NDArray[np.intp],
        turned: bool,
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[Any]]:
        """Return query, row and product of all pairs that may be among the nearest.

        At least the `k` nearest rows of each query of `part`, unless all of its known neighbours
        are nearer, are among them; queries ascend, and the rows of each. What passes depends on
        the neighbours that are known yet, but nothing fails that belongs to the result.
        """
        axis = 0 if turned else 1
        some = products[:, part] if turned else products[part]
        score = self.room("score", some.shape, products.dtype)
        np.subtract(half[:, None] if turned else half, some, out=score)
        inside = np.flatnonzero((own >= 0) & (own < len(half)))  # not if `turned`
        score[inside, own[inside]] = np.inf
        k = min(self.k, len(half))
        near = self.room("near", some.shape, np.bool_)
        is_known = bool(np.isfinite(known).all())
        if is_known:
            np.less_equal(score, _limit(known, score, axis, norms), out=near)
        if not is_known or np.count_nonzero(near) > 4 * k * len(own):
            bound = np.minimum(_upper_bound(score, k, axis), known)
            bound = np.maximum(bound, -norms / 2)  # distances below 0 count as 0: they are equal
            np.less_equal(score, _limit(bound, score, axis, norms), out=near)
        row, column = np.divmod(np.flatnonzero(near), some.shape[1])
        value = some[row, column]
        if turned:
            order = np.argsort(column, kind="stable")
            row, column, value = column[order], row[order], value[order]
        elif len(inside):  # where the limit is infinite, the image itself has passed
            others = column != own[row]
            row, column, value = row[others], column[others], value[others]
        return row + part.start, column, value

    def _merge(
        self,
        to: slice,
        row: NDArray[np.intp],
        distance: NDArray[np.float64],
        position: NDArray[np.intp],
    ) -> None:
        """Keep the `k` best of the old neighbours of tile `to` and the new candidates.

        The candidates, sorted by `row`, are appended to each query's list, which is then sorted by
        distance and position.
        """
        height = to.stop - to.start
        count, rank = _ranked(row, height)
        if count.max(initial=0) > 8 * self.k:  # the arrays below are as wide as that
            order = np.lexsort((position, distance, row))
            order = order[rank < self.k]
            row, distance, position = row[order], distance[order], position[order]
            count, rank = _ranked(row, height)
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


def _some_of(where: Any, part: slice) -> Any:
    """Return a part of rows, of a slice as a slice."""
    if isinstance(where, slice):
        return slice(where.start + part.start, where.start + part.stop)
    return where[part]


def _ranked(row: NDArray[np.intp], height: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return how often each of the sorted numbers occurs, and how often each did before."""
    count = np.bincount(row, minlength=height)
    return count, np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)


class _AllDistances(_Search):
    """All squared distances of queries to rows, from another matrix or as if they were."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.squared = np.empty((len(self.queries), len(self.rows)))

    def _offer(
        self, to: slice, other: slice, products: NDArray[Any], *, turned: bool = False
    ) -> None:
        squared = self.squared[to, other]
        np.multiply(products, -2.0, out=squared)
        squared += self.query_norms[to, None]
        squared += self.norms[other]
        np.maximum(squared, 0, out=squared)


class _BlendSearch(_Search):
    """Search among blends of two rows each.

    Blends are sorted by their parents, so that a tile needs the products of few rows.
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
        """Yield pairs of tiles to compare; at the end, put the results into the caller's order."""
        yield from super().steps()
        distances, neighbors = self.distances.copy(), self.neighbors.copy()
        self.distances[self.place], self.neighbors[self.place] = distances, neighbors

    def _products(self, a: slice, b: slice) -> NDArray[Any]:
        """Return the inner products of the blends of two tiles, from those of their parents."""
        parents, base, partner = self._parents(a)
        others, other_base, other_partner = (parents, base, partner) if a == b else self._parents(b)
        products = self._multiplied(parents, None if a == b else others)
        products = _blended(products, base, partner, self.weights[a])
        # Transposed: NumPy gathers whole rows faster than columns.
        products = np.ascontiguousarray(products.T)
        return _blended(products, other_base, other_partner, self.weights[b]).T

    def _parents(self, tile: slice) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Return the rows that a tile is blended from, and the place of each base and partner."""
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
    """Return inner products of blends: rows of products, blended as the images are."""
    out = products[base].astype(np.float64, copy=False)
    mixed = np.flatnonzero(weights)
    if len(mixed):
        step = products[partner[mixed]] - out[mixed]
        step *= weights[mixed, None]
        out[mixed] += step
    return out


def _as_slice(numbers: NDArray[np.intp]) -> Any:
    """Return rows as a slice if they are consecutive, which makes a view instead of a copy."""
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
ANSWERED = 1 << 13  # queries that a table answers at a time, to limit memory


class NeighborTable:
    """Neighbours that are found once and reused for searches among fewer rows.

    Samplers that clean in several rounds search among fewer and fewer of the same images: the
    nearest of the remaining images are mostly among the nearest of all. If they are not, or equal
    distances leave that open, they are searched for again.

    Parameters
    ----------
    find : callable
        ``find(rows, queries, k)``, as :func:`nearest_neighbors`.
    n : int
        Total number of rows.
    asked : ndarray of int
        The rows that will be queries: one search for all of them is faster than many.
    width : int, default=0
        How many neighbours are kept of each, if that is more than the number requested.

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
        self.bases: list[NDArray[np.intp]] = []  # the rows that each search searched
        self.base = np.full(n, -1, dtype=np.int32)  # number of the last search for each row
        self.near = np.empty((n, 0), dtype=np.int32)
        self.squared = np.empty((n, 0))

    def __call__(
        self, rows: NDArray[np.intp], queries: NDArray[np.intp], k: int
    ) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Return squared distances of the `k` nearest other rows, and their positions in `rows`."""
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
        """Search for the neighbours of `queries`, and of rows that will be queries later."""
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
        """Write known neighbours into `squared` and `near`; return a mask of the other queries."""
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
        """Write the neighbours of queries `at`, all from one search; return which are uncertain."""
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
        # Certain if all other rows of that search are known, or if the k-th neighbour is nearer
        # than the last known one, beyond which unknown rows begin.
        everything = reach == len(base) - np.isin(queries[at], base)
        certain: NDArray[np.bool_] = (found[:, -1] < last) | (
            everything & np.isfinite(found[:, -1])
        )
        return ~certain


class DistanceTable:
    """Distances of many rows to a few, computed once, for whoever asks about neighbours of either.

    NearMiss wants the images of the smallest class that are nearest to those of every other one,
    all of the smallest class, or the images of another class that are nearest to these.

    Parameters
    ----------
    find : callable
        ``find(rows, queries, k)`` as :func:`nearest_neighbors`, for whatever else is asked.
    measure : callable
        ``measure(rows)`` gives squared distances of some rows to `few`, shape (len(rows), m).
    few : ndarray of shape (m,)
        Some rows.
    others : ndarray of shape (n,)
        The rows that are compared with them, all at once.

    Examples
    --------
    >>> images = np.array([[0], [1], [3], [7]], dtype=np.uint8)
    >>> few = np.array([0, 2])
    >>> others = np.array([1, 3])
    >>> table = DistanceTable(None, lambda rows: squared_distances(images, rows, few), few, others)
    >>> squared, near = table(few, others, 2)
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
        others: NDArray[np.intp],
    ) -> None:
        self.find, self.measure, self.few, self.others = find, measure, few, others
        self.squared: NDArray[np.float64] | None = None

    def __call__(
        self, rows: NDArray[np.intp], queries: NDArray[np.intp], k: int
    ) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Squared distances of, and positions in `rows`, which do not ask, of the `k` nearest."""
        to_few = np.array_equal(rows, self.few)
        if not to_few and not np.array_equal(queries, self.few):
            return self.find(rows, queries, k)
        at = _positions(queries if to_few else rows, self.others)
        if (at < 0).any():
            return self.find(rows, queries, k)
        if self.squared is None:
            self.squared = self.measure(self.others)
        return _smallest(self.squared[at] if to_few else self.squared[at].T, k)


def _smallest(squared: NDArray[np.float64], k: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """The `k` smallest of every row and their columns, ascending; of equal ones the first."""
    height, width = squared.shape
    if 16 * k >= width:
        scale = 2.0 ** width.bit_length()
        if float(squared.max(initial=0)) * scale < 2**53 and (np.floor(squared) == squared).all():
            # Whole numbers and their columns fit into one: that is sorted several times as fast.
            keys = squared * scale
            keys += np.arange(width)
            keys.sort(axis=1)
            keys = keys[:, :k]
            values = np.floor(keys / scale)
            return values, (keys - values * scale).astype(np.intp)
        columns = np.argsort(squared, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(squared, columns, axis=1), columns
    is_near = squared <= _upper_bound(squared, k)[:, None]
    row, column = np.divmod(np.flatnonzero(is_near), width)
    values = squared[row, column]
    order = np.lexsort((column, values, row))
    first = order[np.searchsorted(row, np.arange(height))[:, None] + np.arange(k)]
    return values[first], column[first]


def _positions(queries: NDArray[np.intp], rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the position of each query in `rows`, -1 if it is not in them, shape (q,)."""
    if not len(rows):
        return np.full(len(queries), -1, dtype=np.intp)
    order = np.argsort(rows, kind="stable")
    at = order[np.minimum(np.searchsorted(rows, queries, sorter=order), len(rows) - 1)]
    return np.where(rows[at] == queries, at, -1)


def _limit(
    bound: NDArray[Any], score: NDArray[Any], axis: int, norms: NDArray[np.float64] | None = None
) -> NDArray[Any]:
    """Return what no score within `bound` exceeds, to be compared with all along `axis`.

    float32 scores may be rounded, but rounding never reverses their order: all candidates up to
    the next larger float32 pass, and their distances are computed in float64.

    Scores in float64 are those of distances that are rounded as the squared `norms` are, of the
    queries and of rows that are near: |b|^2 <= 2 |a|^2 + 2 |a - b|^2. Scores of equal distances
    differ by no more than a few units of that, and all of these pass.
    """
    if norms is not None and score.dtype == np.float64:
        bound = bound + 4 * np.finfo(np.float64).eps * (5 * norms + 4 * np.abs(bound))
    limit: NDArray[Any] = np.nextafter(bound.astype(score.dtype), np.inf, dtype=score.dtype)
    return limit[:, None] if axis else limit


def _upper_bound(score: NDArray[Any], k: int, axis: int = 1) -> NDArray[Any]:
    """Return for each row a value that at least `k` of its entries do not exceed.

    It is the k-th smallest of the minima of groups of columns: these minima cost one vectorised
    pass, whereas partitioning whole rows costs more. With ``axis=0``, for each column.
    """
    groups = score.shape[axis] // 8
    if groups <= 2 * k:
        least: NDArray[Any] = np.partition(score, k - 1, axis=axis).take(k - 1, axis=axis)
        return least
    if axis:
        whole = score[:, : 8 * groups].reshape(len(score), 8, groups).min(axis=1)
    else:
        whole = score[: 8 * groups].reshape(8, groups, -1).min(axis=0).T.copy()
    return np.partition(whole, k - 1, axis=1)[:, k - 1]


TALL = 1024  # queries that are compared at a time, at most
SCORES = 1 << 23  # distances held at a time, of any number of candidates: 32 MB in float32
SHORT = 32  # rows whose squares are added up at a time: they stay near the processor
MANY = 1e9  # products of features from which on a search is worth being done here


class Candidates:
    """Rows of features among which :func:`nearest_rows` looks, made ready once for all who ask.

    Parameters
    ----------
    features : ndarray of shape (m, d)
        The rows that may be found.
    copied : bool, default=True
        Whether to compare in float32, by a copy of the rows less their mean. Otherwise they are
        compared as they are, in their dtype: that takes no memory and is worth it for a few
        queries, but rows far from 0 are told apart less well.
    """

    def __init__(self, features: NDArray[Any], *, copied: bool = True) -> None:
        self.features, self.copied = features, copied

    @cached_property
    def centre(self) -> NDArray[Any]:
        """Mean of the rows, in their dtype: any point near all of them would do."""
        centre: NDArray[Any] = self.features.mean(axis=0, dtype=np.float64)
        return centre.astype(self.features.dtype)

    @cached_property
    def compared(self) -> NDArray[Any]:
        """What is compared of the rows."""
        return self.shifted(self.features)

    @cached_property
    def squares(self) -> NDArray[np.float64]:
        """Squared norms of these."""
        return _squares(self.compared)

    def shifted(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Return rows such that they can be compared with these."""
        return _centred(rows, self.centre) if self.copied else rows

    @property
    def added_up(self) -> int:
        """How many products of features are added up in the dtype of the rows."""
        width = int(self.features.shape[1])
        return width if self.copied or self.features.dtype == np.float64 else min(width, SLICE)

    def products(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Return the inner products of rows and these; sums of many products in float64."""
        width = self.features.shape[1]
        if self.added_up == width:
            all_at_once: NDArray[Any] = rows @ self.compared.T
            return all_at_once
        total = np.zeros((len(rows), len(self.features)))
        for part in _tiles(width, self.added_up):
            total += rows[:, part] @ self.compared[:, part].T
        return total


def nearest_rows(
    asking: NDArray[Any], among: NDArray[Any] | Candidates, k: int
) -> NDArray[np.intp] | None:
    """Find the `k` nearest of some rows of features, where there are many of them.

    Inner products in float32 cost half as much as those in float64 of scikit-learn. Distances
    that these cannot tell apart are computed from differences in float64, so that the result
    depends neither on the order of summation in BLAS nor on the other queries.

    Parameters
    ----------
    asking : ndarray of shape (q, d), dtype float32 or float64
        The rows that look for others.
    among : ndarray of shape (m, d), same dtype, or Candidates
        The rows that may be found; of equal ones the first is nearer.
    k : int
        Number of rows to find, at most m.

    Returns
    -------
    found : ndarray of shape (q, k) or None
        Positions in `among`, the nearest first. None if another search is better, because there
        are too few products to copy the rows for, or these can hardly tell the distances apart.

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
    if not isinstance(among, Candidates):
        among = Candidates(among)
    m, width = among.features.shape
    if among.features.dtype.kind != "f" or among.features.dtype.itemsize not in (4, 8):
        return None
    if among.copied and len(asking) * m * width < MANY:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        largest = float(np.sqrt(among.squares.max()))
        n, dtype = among.added_up, among.compared.dtype
        found = np.empty((len(asking), k), dtype=np.intp)
        for tile in _tiles(len(asking), min(TALL, max(1, SCORES // m))):
            some = among.shifted(asking[tile])
            squares = _squares(some)
            # what rounding may do to half a squared distance: to its sum, and to its parts
            error = (n / 2 + 8) * np.sqrt(squares) * largest + 2 * largest**2 + squares
            if dtype == np.float64:  # in which the squared norms are rounded, too
                error += n / 2 * largest**2
            error *= float(np.finfo(dtype).eps)
            error += (n + 8) * float(np.finfo(dtype).tiny)  # of products that are too small for it
            score = among.products(some)
            np.subtract((among.squares / 2).astype(score.dtype), score, out=score)
            limit = _upper_bound(score, k) + 2 * error
            if not np.isfinite(limit).all():
                return None
            at = np.flatnonzero(score <= _limit(limit, score, 1))
            if len(at) > 16 * k * len(score):
                return None
            row, column = np.divmod(at, score.shape[1])
            features = (asking[tile], among.features)
            found[tile] = _in_order(row, column, score[row, column], error, features, k)
            del score  # before the next tile takes as much
    return found


def nearest_few(
    asking: NDArray[Any], among: Candidates, k: int
) -> tuple[NDArray[np.float64], NDArray[np.intp]] | None:
    """Find the `k` nearest of some rows of features, and how far away they are.

    Parameters
    ----------
    asking, among, k
        As of :func:`nearest_rows`.

    Returns
    -------
    squared : ndarray of shape (q, k), dtype float64
        Squared distances, ascending, each the sum of squared differences.
    found : ndarray of shape (q, k), dtype intp
        Positions in `among`; equal distances in order of position. None instead of both if
        another search is better.

    Examples
    --------
    >>> among = Candidates(np.array([[0.0, 3.0], [4.0, 3.0], [0.0, 1.0]]), copied=False)
    >>> squared, found = nearest_few(np.array([[0.0, 2.0]]), among, 3)
    >>> squared.tolist(), found.tolist()
    ([[1.0, 1.0, 17.0]], [[0, 2, 1]])
    """
    found = nearest_rows(asking, among, k)
    if found is None:
        return None
    squared = np.empty(found.shape)
    for tile in _tiles(len(found), max(1, PART // (k * among.features.shape[1]))):
        some = among.features[found[tile]].astype(np.float64)
        some -= asking[tile, None]
        np.einsum("ijk,ijk->ij", some, some, out=squared[tile])
    order = np.lexsort((found, squared), axis=1)
    return np.take_along_axis(squared, order, axis=1), np.take_along_axis(found, order, axis=1)


def _centred(features: NDArray[Any], centre: NDArray[Any]) -> NDArray[np.float32]:
    """Features less their mean: what is smaller is rounded less."""
    out = np.empty(features.shape, dtype=np.float32)
    for tile in _tiles(len(features), TILE):
        np.subtract(features[tile], centre, out=out[tile], casting="same_kind")
    return out


def _squares(rows: NDArray[Any]) -> NDArray[np.float64]:
    """Squared norms in float64, of a few rows at a time: a copy of all would be dear."""
    squares = np.empty(len(rows))
    for tile in _tiles(len(rows), SHORT):
        some = rows[tile].astype(np.float64, copy=False)
        np.einsum("ij,ij->i", some, some, out=squares[tile])
    return squares


def _in_order(
    row: NDArray[np.intp],
    column: NDArray[np.intp],
    score: NDArray[Any],
    error: NDArray[np.float64],
    features: tuple[NDArray[Any], NDArray[Any]],
    k: int,
) -> NDArray[np.intp]:
    """Return the first `k` columns of each row by score, or by exact distance within a group.

    Every row has at least `k` candidates. Sorted scores that differ from the one before by less
    than twice the error are one group: the order of groups is certain, that within a group is not.
    """
    row, column, score = _sorted(row, column, score)
    is_close = (row[1:] == row[:-1]) & (np.diff(score.astype(np.float64)) <= 2 * error[row[1:]])
    group = np.concatenate([[0], np.cumsum(~is_close)])
    begins = np.searchsorted(row, np.arange(len(error)))
    first = np.concatenate([[0], np.flatnonzero(~is_close) + 1])
    counts = (first - begins[row[first]] < k)[group]  # groups that begin after k others do not
    is_open = np.zeros(len(row), dtype=np.bool_)
    is_open[1:] |= is_close
    is_open[:-1] |= is_close
    at = np.flatnonzero(is_open & counts)
    exact = np.empty(len(at))
    for part in _tiles(len(at), SHORT):
        some = at[part]
        difference = np.subtract(features[1][column[some]], features[0][row[some]], dtype=float)
        np.einsum("ij,ij->i", difference, difference, out=exact[part])
    column[at] = column[at][np.lexsort((column[at], exact, group[at]))]
    found: NDArray[np.intp] = column[begins[:, None] + np.arange(k)]
    return found


def _sorted(
    row: NDArray[np.intp], column: NDArray[np.intp], score: NDArray[Any]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[Any]]:
    """Sort by row, score and column, in one number where these fit into it."""
    n_rows, n_columns = (int(each.max(initial=0)).bit_length() for each in (row, column))
    if n_rows + n_columns > 32 or score.dtype != np.float32:
        order = np.lexsort((column, score, row))
        return row[order], column[order], score[order]
    bits = (score + np.float32(0)).view(np.uint32)  # -0 is 0
    negative = bits >> 31 == 1
    bits = np.where(negative, ~bits, bits | np.uint32(1 << 31))  # in the order of the scores
    keys = row.astype(np.uint64) << np.uint64(32 + n_columns)
    keys |= bits.astype(np.uint64) << np.uint64(n_columns)
    keys |= column.astype(np.uint64)
    keys.sort()
    column = (keys & np.uint64((1 << n_columns) - 1)).astype(np.intp)
    bits = (keys >> np.uint64(n_columns)).astype(np.uint32)
    bits = np.where(bits >> 31 == 1, bits ^ np.uint32(1 << 31), ~bits)
    row = (keys >> np.uint64(32 + n_columns)).astype(np.intp)
    return row, column, bits.view(np.float32)
