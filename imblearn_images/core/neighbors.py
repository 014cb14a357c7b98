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
from itertools import combinations
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import ThreadpoolController

from imblearn_images.core.parallel import in_threads

TILE = 512
SLICE = 1024  # pixels whose products float32 adds up exactly


UNSCALED = (
    "Squared distances between the images {}: their values are too {}. Scale them first, e.g. by "
    "dividing by abs(X).max()."
)


def check_squares(pixels: Any, members: NDArray[np.intp], dtype: Any = np.float64) -> None:
    """Refuse values whose squares float64, or `dtype`, cannot hold.

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
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def nearest_neighbors(
    features: PixelMatrix, rows: NDArray[np.intp], k: int, *, n_jobs: int | None = None
) -> NDArray[np.intp]:
    """Find the `k` nearest other rows of each of `rows`, by Euclidean distance.

    Parameters
    ----------
    features : array-like of shape (n, d)
        Flattened pixels or features of any real dtype; a memmap is read slice by slice.
    rows : ndarray of shape (m,), dtype intp
        The rows to search among: neighbours are looked for inside this set only.
    k : int
        Number of neighbours, less than `m`.
    n_jobs : int, default=None
        Threads that share the tiles; the answer is the same for every number.

    Returns
    -------
    neighbors : ndarray of shape (m, k), dtype intp
        Positions in `rows`, nearest first; equal distances in order of position.

    Raises
    ------
    ValueError
        If `k` is not between 1 and ``m - 1``, or squared distances overflow.

    Examples
    --------
    >>> import numpy as np
    >>> images = np.array([[0, 0], [9, 9], [1, 0], [8, 9]], dtype=np.uint8)
    >>> nearest_neighbors(images, np.arange(4), k=1).ravel().tolist()
    [2, 3, 0, 1]
    """
    if not 1 <= k < len(rows):
        raise ValueError(f"k must be between 1 and {len(rows) - 1} (rows - 1), got {k}.")
    search = _Search(features, rows, k)
    small = len(rows) ** 2 * features.shape[1] < 1e10
    # Small images need no float64 sums: larger tiles fit the same memory and pay.
    height = 2 * TILE if search.short and features.shape[1] <= SLICE else TILE
    tiles = [slice(i, min(i + height, len(rows))) for i in range(0, len(rows), height)]
    # One BLAS thread per tile: two BLAS threads waiting for each other on a busy
    # machine are many times slower than one.
    with one_blas_thread:
        # The diagonal first: it holds the squared norms that the other tiles need.
        for pairs in ([(tile, tile) for tile in tiles], list(combinations(tiles, 2))):
            in_threads(search.compare, pairs, n_jobs=n_jobs, small=small)
    if not np.isfinite(search.distances).all():
        raise ValueError(UNSCALED.format("overflow", "large"))
    return search.neighbors


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
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.inside = 0
        self.limit: Any = None

    def __enter__(self) -> None:
        with self.lock:
            if self.inside == 0:
                # Finding the loaded BLAS costs milliseconds: once, when NumPy is in.
                self.limit = _blas().limit(limits=1, user_api="blas")
                self.limit.__enter__()
            self.inside += 1

    def __exit__(self, *error: object) -> None:
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                self.limit.__exit__(*error)


one_blas_thread = _OneBlasThread()


class _Search:
    """Running list of the best neighbours; `compare` may be called from many threads."""

    def __init__(self, features: PixelMatrix, rows: NDArray[np.intp], k: int) -> None:
        self.features, self.rows, self.k = features, rows, k
        self.short = np.dtype(features.dtype).itemsize == 1
        self.neighbors = np.full((len(rows), k), len(rows), dtype=np.intp)
        self.distances = np.full((len(rows), k), np.inf)
        self.norms = np.empty(len(rows))
        self.lock = Lock()

    def compare(self, a: slice, b: slice) -> None:
        """Offer the images of tile `b` to those of tile `a` as neighbours, and back."""
        with np.errstate(over="ignore", invalid="ignore"):  # found at the end, with a remedy
            self._compare(a, b)

    def _compare(self, a: slice, b: slice) -> None:
        products = self._products(a, b)
        if a == b:
            self.norms[a] = products.diagonal()
        else:
            self._offer(b, a, np.ascontiguousarray(products.T))
        self._offer(a, b, products)

    def _pixels(self, tile: slice, columns: slice, buffer: NDArray[Any]) -> NDArray[Any]:
        pixels = self.features[self.rows[tile], columns]
        if pixels.dtype == np.uint8:
            pixels = (pixels ^ 128).view(np.int8)  # that is pixels - 128
        out = buffer[: pixels.size].reshape(pixels.shape)
        if self.short:
            np.copyto(out, pixels)
        else:  # products of large numbers would drown small differences
            subtract(pixels, self.features[self.rows[0], columns], out)
        return out

    def _products(self, a: slice, b: slice) -> NDArray[Any]:
        """Inner products of the images of two tiles, exact for 8 bits."""
        dtype = np.float32 if self.short else np.float64
        width = self.features.shape[1]
        shape = (a.stop - a.start, b.stop - b.start)
        buffers = [np.empty(n * min(width, SLICE), dtype) for n in shape]
        total: NDArray[Any] | None = None
        for start in range(0, width, SLICE):
            columns = slice(start, min(start + SLICE, width))
            left = self._pixels(a, columns, buffers[0])
            # The product of a matrix with itself costs half: NumPy calls ssyrk.
            right = left if a == b else self._pixels(b, columns, buffers[1])
            part = left @ right.T
            if total is None:
                total = part if width <= SLICE else part.astype(np.float64)
            else:
                total += part
        assert total is not None
        return total

    def _offer(self, to: slice, other: slice, products: NDArray[Any]) -> None:
        """Merge the images of tile `other` into the best lists of tile `to`."""
        norms_to, norms_other = self.norms[to], self.norms[other]
        k = min(self.k, products.shape[1] - (to == other))
        if k == 0:
            return
        # |b|^2 - 2 a.b orders like the distance; the rows' own |a|^2 comes in below.
        score = products * products.dtype.type(-2)
        score += norms_other.astype(score.dtype)
        if to == other:
            np.fill_diagonal(score, np.inf)
        # Scores in float32 may be rounded, but rounding keeps their order.
        bound = np.minimum(_upper_bound(score, k), self.distances[to, -1] - norms_to)
        limit = np.nextafter(bound.astype(score.dtype), np.inf, dtype=score.dtype)
        row, column = np.divmod(np.flatnonzero(score <= limit[:, None]), score.shape[1])
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
