"""HOG: histograms of oriented gradients, computed for many images at once."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core.parallel import in_threads

CHUNK = (
    1 << 15
)  # pixels at a time: what stays in the cache, and asks the system for no fresh memory
NORMS = ("L1", "L1-sqrt", "L2", "L2-Hys")
_EPS = 1e-5


def hog_features(
    images: NDArray[Any],
    *,
    orientations: int = 9,
    pixels_per_cell: tuple[int, int] | None = None,
    cells_per_block: tuple[int, int] = (2, 2),
    block_norm: str = "L2-Hys",
    transform_sqrt: bool = True,
    n_jobs: int | None = None,
) -> NDArray[np.float32]:
    """Compute histograms of oriented gradients.

    The result is that of :func:`skimage.feature.hog` for each image, computed for many
    images at a time.

    Parameters
    ----------
    images : ndarray of shape (n, H, W) or (n, H, W, C)
        Images of bool, integers or floats of any range. Integers are divided by the
        largest value of their dtype. An image with negative values is shifted so that its
        smallest value is 0; one of floats that then exceeds 1 is divided by its largest value.
    orientations : int, default=9
        Number of bins of the angle, over 180 degrees.
    pixels_per_cell : (rows, columns), default=None
        Size of a cell; ``None``: :func:`default_cell` of the image size.
    cells_per_block : (rows, columns), default=(2, 2)
        Cells that are normalised together; blocks overlap.
    block_norm : {"L1", "L1-sqrt", "L2", "L2-Hys"}, default="L2-Hys"
        Norm by which blocks are divided.
    transform_sqrt : bool, default=True
        Take the square root of the pixels first, which weakens shadows.
    n_jobs : int, default=None
        Number of threads. The features are the same for every number.

    Returns
    -------
    features : ndarray of shape (n, d), float32
        d is the product of :func:`hog_shape`.

    Raises
    ------
    ValueError
        If the images have fewer cells than a block.

    Notes
    -----
    Where there are several channels, each pixel counts with the one of the steepest gradient.
    With an odd cell size, scikit-image leaves out the last row and column of each cell; here
    they count.

    References
    ----------
    N. Dalal, B. Triggs, "Histograms of oriented gradients for human detection", CVPR 2005.

    Examples
    --------
    >>> edges = np.zeros((2, 4, 4), dtype=np.uint8)
    >>> edges[0, :, 2:], edges[1, 2:] = 255, 255  # an upright edge, a level one
    >>> options = dict(pixels_per_cell=(4, 4), cells_per_block=(1, 1))
    >>> hog_features(edges, orientations=2, **options).round(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    images = images if images.ndim == 4 else images[..., np.newaxis]
    n, height, width, _ = images.shape
    cell = default_cell((height, width)) if pixels_per_cell is None else pixels_per_cell
    shape = hog_shape((height, width), orientations, cell, cells_per_block)
    features = np.empty((n, *shape), dtype=np.float32)
    step = max(1, CHUNK // (height * width))

    def chunk(start: int) -> None:
        rows = slice(start, start + step)
        down, right, magnitude = _gradients(_unit(images[rows]), transform_sqrt)
        histograms = _histograms(down, right, magnitude, orientations, cell)
        features[rows] = _blocks(histograms, cells_per_block, block_norm)

    starts = range(0, n, step)
    in_threads(chunk, ((start,) for start in starts), n_jobs=n_jobs, small=len(starts) < 4)
    return features.reshape(n, prod(shape))


def default_cell(size: tuple[int, int]) -> tuple[int, int]:
    """Return a cell size: the largest even one that leaves the shorter side seven cells, or 2.

    Examples
    --------
    >>> [default_cell((side, side))[0] for side in (8, 28, 32, 64, 96, 224)]
    [2, 4, 4, 8, 12, 32]
    """
    side = max(2, 2 * (min(size) // 14))
    return side, side


def hog_shape(
    size: tuple[int, int],
    orientations: int,
    cell: tuple[int, int],
    block: tuple[int, int],
) -> tuple[int, ...]:
    """Return the shape of the features of one image: blocks, cells in a block, orientations.

    Raises
    ------
    ValueError
        If the image has fewer cells than a block.

    Examples
    --------
    >>> hog_shape((28, 28), 9, (4, 4), (2, 2))
    (6, 6, 2, 2, 9)
    """
    blocks = tuple(side // c - b + 1 for side, c, b in zip(size, cell, block, strict=True))
    if min(blocks) < 1:
        raise ValueError(
            f"Images of {size[0]} x {size[1]} pixels are too small for HOG features in blocks of "
            f"{block[0]} x {block[1]} cells of {cell[0]} x {cell[1]} pixels. Choose smaller "
            "pixels_per_cell or cells_per_block, or enlarge the images."
        )
    return (*blocks, *block, orientations)


def _unit(images: NDArray[Any]) -> NDArray[np.float32]:
    """Scale images (m, H, W, C) to 0..1, floats each by itself."""
    kind = images.dtype.kind
    if kind == "b":
        return images.astype(np.float32)
    values: NDArray[Any] = images.astype(np.float64 if images.dtype.itemsize > 2 else np.float32)
    if kind != "u":
        values = values - np.minimum(values.min(axis=(1, 2, 3), keepdims=True), 0)
    if kind == "f":
        values = values / np.maximum(values.max(axis=(1, 2, 3), keepdims=True), 1)
    else:
        values = values / np.iinfo(images.dtype).max
    return values.astype(np.float32, copy=False)


def _gradients(
    images: NDArray[np.float32], transform_sqrt: bool
) -> tuple[NDArray[np.float32], ...]:
    """Return the differences down and to the right, and their length, each (m, H, W)."""
    planes = np.ascontiguousarray(np.moveaxis(images, -1, 0))
    if transform_sqrt:
        planes = np.sqrt(planes)
    down, right = np.zeros_like(planes), np.zeros_like(planes)
    np.subtract(planes[:, :, 2:], planes[:, :, :-2], out=down[:, :, 1:-1])
    np.subtract(planes[..., 2:], planes[..., :-2], out=right[..., 1:-1])
    # The steepest channel instead of a mean: a grey mean would hide edges between two colours.
    best_down, best_right, steepest = down[0], right[0], _length(down[0], right[0])
    for here_down, here_right in zip(down[1:], right[1:], strict=True):
        here = _length(here_down, here_right)
        steeper = here > steepest
        best_down = np.where(steeper, here_down, best_down)
        best_right = np.where(steeper, here_right, best_right)
        np.maximum(steepest, here, out=steepest)
    return best_down, best_right, steepest


def _length(down: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what ``np.hypot`` of float32 returns, rounded from float64, in half the time."""
    squares = np.square(down, dtype=np.float64)
    squares += np.square(right, dtype=np.float64)
    return np.sqrt(squares, out=squares).astype(np.float32)


def _histograms(
    down: NDArray[np.float32],
    right: NDArray[np.float32],
    magnitude: NDArray[np.float32],
    orientations: int,
    cell: tuple[int, int],
) -> NDArray[np.float64]:
    """Return the mean magnitudes in each cell by angle, (m, cells down, cells right, bins)."""
    m, height, width = down.shape
    n_rows, n_columns = height // cell[0], width // cell[1]
    inside = np.s_[:, : n_rows * cell[0], : n_columns * cell[1]]
    angle = np.arctan2(down[inside], right[inside], dtype=np.float64)
    angle *= 180 / np.pi
    # An edge has no direction: angles half a turn apart are one bin.
    turn = (angle < 0).astype(np.float64)
    turn *= 180
    angle += turn
    angle *= orientations
    angle /= 180
    bins = angle.astype(np.intp)
    # 180 degrees is where 0 begins again.
    bins[bins == orientations] = 0
    # One bincount for all cells: each has its own range of bins.
    cells = np.arange(m * n_rows * n_columns).reshape(m, n_rows, 1, n_columns) * orientations
    bins.reshape(m, n_rows, cell[0], -1)[...] += np.repeat(cells, cell[1], axis=3)
    sums = np.bincount(
        bins.ravel(), magnitude[inside].ravel(), m * n_rows * n_columns * orientations
    )
    return sums.reshape(m, n_rows, n_columns, orientations) / prod(cell)


def _blocks(
    histograms: NDArray[np.float64], block: tuple[int, int], norm: str
) -> NDArray[np.float64]:
    """Normalise overlapping blocks of cells, (m, blocks down, blocks right, *block, bins)."""
    windows = np.lib.stride_tricks.sliding_window_view(histograms, block, axis=(1, 2))
    shares = np.moveaxis(windows, 3, 5)
    if norm in ("L1", "L1-sqrt"):
        shares = shares / (_sums(shares) + _EPS)
        return shares if norm == "L1" else np.sqrt(shares)
    shares = shares / np.sqrt(_sums(shares**2) + _EPS**2)
    if norm == "L2":
        return shares
    shares = np.minimum(shares, 0.2)  # L2-Hys: clipped as Dalal and Triggs do, then again L2
    return shares / np.sqrt(_sums(shares**2) + _EPS**2)


def _sums(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum over each block, of cells and bins, with the axes kept."""
    sums: NDArray[np.float64] = blocks.sum(axis=(3, 4, 5), keepdims=True)
    return sums
