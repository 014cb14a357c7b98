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

    shape: tuple[int, ...]
    dtype: Any

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
        The rows of `features` that look for neighbours; by default `rows` themselves, which
        costs half as much as any other set of as many. A row is not a neighbour of itself.
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
    search = _Search(features, rows, k, queries)
    most = len(rows) - int((search.own >= 0).any())
    if not 1 <= k <= most:
        raise ValueError(f"`k` must be between 1 and {most}, the number of other rows, got {k}.")
    small = len(rows) * len(search.queries) * features.shape[1] < 1e10
    # Small images need no float64 sums: larger tiles fit the same memory and pay.
    height = 2 * TILE if search.short and features.shape[1] <= SLICE else TILE
    tiles = _tiles(len(rows), height)
    # One BLAS thread per tile: two BLAS threads waiting for each other on a busy
    # machine are many times slower than one.
    with one_blas_thread:
        if queries is None:
            # The diagonal first: it holds the squared norms that the other tiles need.
            steps = [[(tile, tile) for tile in tiles], list(combinations(tiles, 2))]
        else:
            search.measure(tiles)
            steps = [list(product(_tiles(len(queries), height), tiles))]
        for pairs in steps:
            in_threads(search.compare, pairs, n_jobs=n_jobs, small=small)
    if not np.isfinite(search.distances).all():
        raise ValueError(UNSCALED.format("overflow", "large"))
    return search.distances, search.neighbors


def _tiles(n: int, height: int) -> list[slice]:
    return [slice(start, min(start + height, n)) for start in range(0, n, height)]


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
    """Running list of the best neighbours; `compare` may be called from many threads."""

    def __init__(
        self,
        features: PixelMatrix,
        rows: NDArray[np.intp],
        k: int,
        queries: NDArray[np.intp] | None,
    ) -> None:
        self.features, self.rows, self.k = features, rows, k
        self.queries = rows if queries is None else queries
        self.own = np.arange(len(rows)) if queries is None else _positions(queries, rows)
        self.short = np.dtype(features.dtype).itemsize == 1
        shape = (len(self.queries), max(k, 0))
        self.neighbors = np.full(shape, len(rows), dtype=np.intp)
        self.distances = np.full(shape, np.inf)
        self.norms = np.empty(len(rows))
        self.query_norms = self.norms if queries is None else np.empty(len(queries))
        self.lock = Lock()

    def compare(self, a: slice, b: slice) -> None:
        """Offer the images of tile `b` to the queries of tile `a`, and back if all are queries."""
        with np.errstate(over="ignore", invalid="ignore"):  # found at the end, with a remedy
            self._compare(a, b)

    def _compare(self, a: slice, b: slice) -> None:
        products = self._products(self.queries[a], self.rows[b])
        if self.queries is self.rows:
            if a == b:
                self.norms[a] = products.diagonal()
            else:
                self._offer(b, a, np.ascontiguousarray(products.T))
        self._offer(a, b, products)

    def measure(self, tiles: list[slice]) -> None:
        """Fill in the squared norms, where no diagonal tile does."""
        for norms, numbers in ((self.norms, self.rows), (self.query_norms, self.queries)):
            for tile in tiles if numbers is self.rows else _tiles(len(numbers), TILE):
                norms[tile] = self._squared_norms(numbers[tile])

    def _squared_norms(self, numbers: NDArray[np.intp]) -> NDArray[np.float64]:
        width = self.features.shape[1]
        buffer = np.empty(len(numbers) * min(width, SLICE), self._dtype)
        total = np.zeros(len(numbers))
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, width, SLICE):
                part = self._pixels(numbers, slice(start, min(start + SLICE, width)), buffer)
                total += np.einsum("ij,ij->i", part, part)
        return total

    @property
    def _dtype(self) -> Any:
        return np.float32 if self.short else np.float64

    def _pixels(
        self, numbers: NDArray[np.intp], columns: slice, buffer: NDArray[Any]
    ) -> NDArray[Any]:
        pixels = self.features[numbers, columns]
        if pixels.dtype == np.uint8:
            pixels = (pixels ^ 128).view(np.int8)  # that is pixels - 128
        out = buffer[: pixels.size].reshape(pixels.shape)
        if self.short:
            np.copyto(out, pixels)
        else:  # products of large numbers would drown small differences
            subtract(pixels, self.features[self.rows[0], columns], out)
        return out

    def _products(self, a: NDArray[np.intp], b: NDArray[np.intp]) -> NDArray[Any]:
        """Inner products of the images of two tiles, exact for 8 bits."""
        same = np.shares_memory(a, b) and len(a) == len(b) and a[0] == b[0]
        width = self.features.shape[1]
        buffers = [np.empty(n * min(width, SLICE), self._dtype) for n in (len(a), len(b))]
        total: NDArray[Any] | None = None
        for start in range(0, width, SLICE):
            columns = slice(start, min(start + SLICE, width))
            left = self._pixels(a, columns, buffers[0])
            # The product of a matrix with itself costs half: NumPy calls ssyrk.
            right = left if same else self._pixels(b, columns, buffers[1])
            part = left @ right.T
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
        with self.lock:
            self._merge(to, row, distance, column + other.start)

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
