"""Duplicates: which images are the same picture, byte for byte or to the eye.

Pictures are compared by a perceptual hash of the package ImageHash: the signs of the 16 x 16 lowest
frequencies of a grey thumbnail of 64 x 64 pixels, 256 bits. Brightness, contrast, compression and
size hardly change it. The usual 64 bits suffice for photos, but capture only the outline of small,
centred images.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from imblearn_images.core import disk, files
from imblearn_images.core.containers import holds_paths
from imblearn_images.core.disk import open_regular
from imblearn_images.core.neighbors import one_blas_thread
from imblearn_images.core.parallel import in_threads
from imblearn_images.core.pixels import find_channels

SIDE = 16
BITS = SIDE * SIDE
ALIKE = 24
"""Bits that may differ by default: similar images of one class rarely differ in so few."""
PHOTOS = 48
"""Bits that may differ between photos: enough for a burst, or a crop of 2 % on each side."""
THUMBNAIL = (4 * SIDE, 4 * SIDE)
_HUGE = float(np.finfo(np.float32).max)
TILE = 1024  # hashes; a tile of distances is 4 MB


def has_imagehash() -> bool:
    """Return whether the package ImageHash is installed."""
    return find_spec("imagehash") is not None


def require_imagehash() -> None:
    """Raise a ModuleNotFoundError that says what to install, if ImageHash is missing."""
    if not has_imagehash():
        raise ModuleNotFoundError(
            "Near-duplicates are found with the package ImageHash. Install it: "
            "pip install imagehash"
        )


def perceptual_hash(image: NDArray[Any]) -> int | None:
    """Return a hash of what an image looks like.

    Parameters
    ----------
    image : ndarray of shape (H, W), (H, W, C) or (C, H, W)
        Any real dtype; channels, found by the shape, are averaged.

    Returns
    -------
    int or None
        256 bits; None where there is nothing to see: one value everywhere, NaN, infinity.

    Examples
    --------
    >>> ramp = np.arange(1024.0).reshape(32, 32) % 37
    >>> perceptual_hash(ramp) == perceptual_hash(3 * ramp + 8)
    True
    >>> perceptual_hash(np.zeros((8, 8))) is None
    True
    """
    import imagehash

    with np.errstate(over="ignore", invalid="ignore"):  # infinity is seen below
        if image.ndim == 3:
            image = image.mean(axis=find_channels(image.shape)[0], dtype=np.float32)
        grey = Image.fromarray(image.astype(np.float32))
    small = np.asarray(grey.resize(THUMBNAIL, Resampling.BILINEAR))
    low, high = float(small.min()), float(small.max())
    span = high - low
    # also false where the difference, or the factor below, is beyond the range of float32
    if not (0 < span <= _HUGE and 255 / span <= _HUGE):
        return None
    # Stretched to the full range: brightness and contrast then leave hardly a trace in the hash.
    levels = np.rint((small - low) * (255 / span)).astype(np.uint8)
    return int(str(imagehash.phash(Image.fromarray(levels), hash_size=SIDE)), 16)


def hash_file(path: disk.FilePath) -> tuple[int, str]:
    """Return the number of bytes of a file and their SHA-256."""
    digest, n_bytes = hashlib.sha256(), 0
    with open_regular(path) as file:
        # In pieces: a file may be larger than the memory.
        while block := file.read(1 << 20):
            digest.update(block)
            n_bytes += len(block)
    return n_bytes, digest.hexdigest()


def hash_file_look(path: disk.FilePath) -> int | None:
    """Return the :func:`perceptual_hash` of the image in a file."""
    return perceptual_hash(files.read_look(path, size=THUMBNAIL))


def contents(X: Any, *, n_jobs: int | None = None) -> list[str]:
    """Return the SHA-256 of every image: of the bytes of its file, or of its pixels.

    Parameters
    ----------
    X : ndarray of shape (n, ...) or of n paths
    n_jobs : int, default=None
        Threads.
    """
    if holds_paths(X):
        return [digest for _, digest in in_threads(hash_file, zip(X.tolist()), n_jobs=n_jobs)]
    # With the shape: the same bytes may be another picture.
    shape = str((X.shape[1:], X.dtype.str)).encode()
    return [
        hashlib.sha256(shape + np.ascontiguousarray(image).tobytes()).hexdigest() for image in X
    ]


def looks(X: Any, *, n_jobs: int | None = None) -> list[int | None]:
    """Return the perceptual hash of every image.

    Parameters
    ----------
    X : ndarray of shape (n, H, W), (n, H, W, C) or of n paths
    n_jobs : int, default=None
        Threads that read files.

    Raises
    ------
    ModuleNotFoundError
        If ImageHash is not installed.
    """
    require_imagehash()
    if holds_paths(X):
        return in_threads(hash_file_look, zip(X.tolist()), n_jobs=n_jobs)
    return [perceptual_hash(image) for image in X]


def near_duplicates(hashes: Sequence[int | None], threshold: int) -> NDArray[np.intp]:
    """Group images whose perceptual hashes differ in few bits, directly or through others.

    Parameters
    ----------
    hashes : sequence of int or None, length n
        256 bits each; None is a group of its own.
    threshold : int
        Number of bits that may differ.

    Returns
    -------
    groups : ndarray of int, shape (n,)
        Numbered in order of their first members.

    Examples
    --------
    >>> near_duplicates([0b0, 0b1, 2**256 - 1, None], threshold=1).tolist()
    [0, 0, 1, 2]
    """
    rows, words = _words(hashes)
    # Equal hashes are one row, so that a thousand copies do not make a million pairs.
    different, back = np.unique(words, axis=0, return_inverse=True)
    parts = np.arange(len(different))
    for one, other, distances in _tiles(different, different):
        left, right = np.nonzero(distances <= threshold)
        # Groups are joined after every tile: of many equal images, the list of all pairs would
        # not fit into memory.
        edges = (parts[one.start + left], parts[other.start + right])
        parts = _connected(*edges, n=len(parts))[parts]
    groups = np.arange(len(hashes)) + len(parts)
    groups[rows] = parts[back.ravel()]
    # Numbered by first members, so that numbers do not depend on the values of hashes.
    _, first, back = np.unique(groups, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[back.ravel()]


def nearest_look(
    hashes: Sequence[int | None], among: Sequence[int | None]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Find for every hash the one in `among` that differs in the fewest bits, the first of equals.

    Parameters
    ----------
    hashes : sequence of int or None, length n
        256 bits each; None has no nearest hash.
    among : sequence of int or None, length m
        The hashes to search.

    Returns
    -------
    rows : ndarray of int, shape (n,)
        Positions in `among`, -1 where there is none.
    distances : ndarray of int, shape (n,)
        Bits that differ, 257 where there is none.

    Examples
    --------
    >>> rows, distances = nearest_look([0b0, None], [0b111, 0b1, 0b10])
    >>> rows.tolist(), distances.tolist()
    ([1, -1], [1, 257])
    """
    rows, words = _words(hashes)
    places, others = _words(among)
    best = np.full(len(hashes), -1)
    least = np.full(len(hashes), BITS + 1)
    for one, other, distances in _tiles(words, others):
        here = rows[one]
        nearest = distances.argmin(axis=1)
        found = distances[np.arange(len(here)), nearest]
        nearer = found < least[here]
        best[here[nearer]] = places[other.start + nearest[nearer]]
        least[here[nearer]] = found[nearer]
    return best, least


def _words(hashes: Sequence[int | None]) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """Return the rows that have a hash, (m,), and their hashes as bytes, (m, 32)."""
    known = [(row, value) for row, value in enumerate(hashes) if value is not None]
    data = b"".join(value.to_bytes(BITS // 8, "big") for _, value in known)
    rows = np.array([row for row, _ in known], dtype=np.intp)
    return rows, np.frombuffer(data, dtype=np.uint8).reshape(-1, BITS // 8)


def _tiles(
    one: NDArray[np.uint8], other: NDArray[np.uint8]
) -> Iterator[tuple[slice, slice, NDArray[np.float32]]]:
    """Yield rows, columns and distances in bits, tile by tile; within one set, every pair once."""
    with one_blas_thread:
        for top in range(0, len(one), TILE):
            left = _signs(one[top : top + TILE])
            for start in range(top if one is other else 0, len(other), TILE):
                right = _signs(other[start : start + TILE])
                # A product of signs is the number of equal bits minus that of different ones,
                # exact in float32, and much faster than counting bits.
                distances = left @ right.T
                distances *= -0.5
                distances += BITS / 2
                yield slice(top, top + TILE), slice(start, start + TILE), distances


def _signs(words: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the bits of hashes, (m, 32) bytes, as -1 and 1, (m, 256)."""
    return np.unpackbits(words, axis=1) * np.float32(2) - np.float32(1)


def _connected(left: NDArray[np.intp], right: NDArray[np.intp], n: int) -> NDArray[np.intp]:
    """Return the connected component of each of `n` nodes that are joined by edges."""
    graph = coo_matrix((np.ones(len(left), bool), (left, right)), (n, n))
    parts: NDArray[np.intp] = connected_components(graph, directed=False)[1].astype(np.intp)
    return parts
