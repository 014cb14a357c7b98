"""Where pixels live: in an array, in a memmap, or in files."""

from __future__ import annotations

import copy
import errno
import os
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from math import prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from imblearn_images.core import files
from imblearn_images.core.containers import holds_paths, unwrap
from imblearn_images.core.parallel import in_threads


class Images(Protocol):
    """A set of images that can be read row by row; the whole contract of a new home."""

    dtype: np.dtype[Any]

    def __len__(self) -> int: ...

    def shape_of(self, row: int) -> tuple[int, ...]:
        """Shape of one image, (H, W) or (H, W, C); axes are never interpreted."""

    def read(self, rows: NDArray[np.intp], out: NDArray[Any]) -> None:
        """Write the images `rows`, all of one shape, into ``out`` (len(rows), ...)."""


class ArrayImages:
    """Images in an array or memmap of shape (n, ...), any memory order.

    Examples
    --------
    >>> images = ArrayImages(np.arange(12, dtype=np.uint8).reshape(3, 2, 2))
    >>> len(images), images.shape_of(0)
    (3, (2, 2))
    >>> out = np.empty((2, 2, 2), dtype=np.uint8)
    >>> images.read(np.array([2, 0]), out)
    >>> out[0].tolist()
    [[8, 9], [10, 11]]
    """

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array
        self.dtype = array.dtype

    def __len__(self) -> int:
        return len(self.array)

    def shape_of(self, row: int) -> tuple[int, ...]:
        """Shape of one image; the same for every row."""
        return tuple(self.array.shape[1:])

    def read(self, rows: NDArray[np.intp], out: NDArray[Any]) -> None:
        """Copy the images `rows` into `out`."""
        if self.array.flags.c_contiguous:
            # mode="clip" lets NumPy write into `out` directly; plans hold valid rows only.
            np.take(self.array, rows, axis=0, out=out, mode="clip")
        else:  # np.take would first make a contiguous copy of everything
            out[...] = self.array[rows]

    def subset(self, rows: NDArray[np.intp]) -> ArrayImages:
        """Some of the images, numbered anew; nothing is copied."""
        return _ArrayRows(self.array, rows)

    def pixel_rows(self, rows: NDArray[np.intp]) -> tuple[NDArray[Any], NDArray[np.intp]]:
        """Pixels of some rows as a matrix, in an order that needs no copy if there is one.

        Distances do not depend on the order of the pixels, so the axes of an image are
        sorted by stride: Fortran-ordered and transposed arrays are viewed, too.

        Returns
        -------
        pixels : ndarray of shape (n, d), or (len(rows), d)
            A view of all images; a copy of `rows` where images are cut out of larger ones
            or mirrored.
        positions : ndarray of shape (len(rows),)
            Where in `pixels` the rows are.
        """
        axes = self._order()
        strides, shape = self.array.strides, self.array.shape
        in_one_piece = all(
            strides[outer] == strides[inner] * shape[inner] for outer, inner in pairwise(axes)
        )
        chosen = self.array if in_one_piece else self.array[rows]
        pixels = chosen.transpose(0, *axes).reshape(len(chosen), -1)
        return pixels, rows if in_one_piece else np.arange(len(rows))

    def in_image_order(self, vector: NDArray[Any]) -> NDArray[Any]:
        """Bring one row in the order of :meth:`pixel_rows` into the shape of an image."""
        order = self._order()
        shape = [self.array.shape[axis] for axis in order]
        return vector.reshape(shape).transpose(
            [order.index(axis + 1) for axis in range(len(order))]
        )

    def _order(self) -> list[int]:
        return sorted(range(1, self.array.ndim), key=lambda axis: -self.array.strides[axis])


class _ArrayRows(ArrayImages):
    """Some rows of an array, read where they are."""

    def __init__(self, array: NDArray[Any], rows: NDArray[np.intp]) -> None:
        super().__init__(array)
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def read(self, rows: NDArray[np.intp], out: NDArray[Any]) -> None:
        super().read(self.rows[rows], out)

    def pixel_rows(self, rows: NDArray[np.intp]) -> tuple[NDArray[Any], NDArray[np.intp]]:
        return super().pixel_rows(self.rows[rows])


class FileImages:
    """Images in files, each opened when its pixels are asked for.

    Parameters
    ----------
    paths : sequence of str or pathlib.Path
        One file an image; shapes may differ, mode and dtype may not.
    rows : ndarray of int, default=None
        The rows that will be read: only their headers are looked at. All by default.
    n_jobs : int, default=None
        Threads that read the headers.

    Raises
    ------
    ValueError
        Naming the files that cannot be read, or whose modes differ.
    """

    def __init__(
        self,
        paths: Sequence[Any],
        rows: NDArray[np.intp] | None = None,
        *,
        n_jobs: int | None = None,
    ) -> None:
        self.paths = [os.fspath(path) for path in paths]
        looked_at = np.arange(len(paths)) if rows is None else rows
        used = [self.paths[row] for row in looked_at]
        infos = files.describe_all(used, n_jobs=n_jobs)
        files.check_uniform(infos, used)
        self.shapes = dict(zip(looked_at.tolist(), (info.shape for info in infos), strict=True))
        self.dtype = np.dtype(infos[0].dtype if infos else np.uint8)
        self.forget()

    def forget(self) -> None:
        """Start with no image remembered."""
        # A parent is often drawn more than once: some 16 MB of images are remembered, and of
        # small ones, which are read in no time, not more than a few.
        largest = max(map(prod, self.shapes.values()), default=1) * self.dtype.itemsize
        self._image = lru_cache(maxsize=min(max(1, (1 << 24) // largest), 512))(self._read_image)

    def subset(self, rows: NDArray[np.intp]) -> FileImages:
        """Some of the files, numbered anew; their headers are not read again."""
        some = copy.copy(self)
        some.paths = [self.paths[row] for row in rows]
        some.shapes = {at: self.shape_of(row) for at, row in enumerate(rows.tolist())}
        some.forget()
        return some

    def __len__(self) -> int:
        return len(self.paths)

    def shape_of(self, row: int) -> tuple[int, ...]:
        """Shape of the image in the file of one row."""
        shape: tuple[int, ...] = self.shapes[int(row)]
        return shape

    def read(self, rows: NDArray[np.intp], out: NDArray[Any]) -> None:
        """Decode the files of `rows` into `out`; an image of another size is resized."""
        for row, image in zip(rows.tolist(), out, strict=True):
            image[...] = self._image(row, image.shape[:2])

    def _read_image(self, row: int, size: tuple[int, int]) -> NDArray[Any]:
        wanted = None if self.shapes[row][:2] == size else size
        image: NDArray[Any] = files.read_image(self.paths[row], size=wanted)
        return image

    def decode(
        self, rows: NDArray[np.intp], size: tuple[int, ...], *, n_jobs: int | None = None
    ) -> NDArray[Any]:
        """Decode the files of `rows` once, at `size`, into a matrix of pixels on disk.

        Returns
        -------
        pixels : memmap of shape (len(rows), d)
            Backed by an unnamed temporary file, which is gone with the last reference:
            neighbours are compared many times, files are decoded once, and memory holds
            what the operating system likes to keep.
        """
        shape = (len(rows), *size, *self.shape_of(rows[0])[2:])
        with tempfile.TemporaryFile() as spool:
            _reserve(spool.fileno(), prod(shape) * self.dtype.itemsize)
            pixels = np.memmap(spool, dtype=self.dtype, shape=shape)
        in_threads(
            self.read,
            ((rows[i : i + 16], pixels[i : i + 16]) for i in range(0, len(rows), 16)),
            n_jobs=n_jobs,
        )
        return pixels.reshape(len(rows), -1)


def _reserve(file: int, nbytes: int) -> None:
    """Make sure of the disk space now: a full disk would end the process in a memmap."""
    if not hasattr(os, "posix_fallocate"):
        return
    try:
        try:
            os.posix_fallocate(file, 0, nbytes)
        except OSError as exc:
            if exc.errno not in (errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS):
                raise
            _fill(file, nbytes)  # no such thing on this file system, or in this C library
    except OSError as exc:
        raise OSError(
            exc.errno,
            f"the decoded images of one class need {nbytes / 1e6:.1f} MB for a while in "
            f"{tempfile.gettempdir()}: {exc.strerror}. Make room there, or name another folder in "
            "the environment variable TMPDIR.",
        ) from exc


def _fill(file: int, nbytes: int) -> None:
    """Take the disk space by writing it."""
    zeros = memoryview(bytes(1 << 20))
    while nbytes > 0:
        nbytes -= os.write(file, zeros[: min(nbytes, len(zeros))])


def as_images(X: Any, rows: NDArray[np.intp] | None = None, n_jobs: int | None = None) -> Images:
    """Find out where the pixels of `X` live.

    Parameters
    ----------
    X : array of shape (n, ...), or paths in any container
        What a user passes as X, or already :class:`Images`.
    rows, n_jobs
        For files: see :class:`FileImages`.
    """
    if hasattr(X, "shape_of"):
        return X  # type: ignore[no-any-return]
    X, _ = unwrap(X)
    if holds_paths(X):
        return FileImages(X, rows, n_jobs=n_jobs)
    array = np.asanyarray(X)
    if array.ndim < 2 and array.dtype.kind not in "biufc":
        raise ValueError(
            f"X of shape {array.shape} and dtype {array.dtype} holds neither pixels nor file paths."
        )
    return ArrayImages(array)


def check_finite(
    pixels: Any,
    members: NDArray[np.intp],
    rows: NDArray[np.intp],
    remedy: str = "RandomOverSampler copies them as they are",
) -> None:
    """Refuse NaN and infinity in images that are to be mixed.

    Parameters
    ----------
    pixels : array of shape (n, d)
        Integers cannot hold either and pass.
    members : ndarray of shape (m,)
        The rows of `pixels` to look at.
    rows : ndarray of shape (m,)
        What the user calls them: their rows in X.
    remedy : str
        End of the message: what takes such images.

    Raises
    ------
    ValueError
        Naming the rows.
    """
    if pixels.dtype.kind != "f" or sparse.issparse(pixels):
        return
    height = max(1, (1 << 16) // pixels.shape[1])
    bad = [
        lo + at
        for lo in range(0, len(members), height)
        for at in np.flatnonzero(~np.isfinite(pixels[members[lo : lo + height]]).all(axis=1))
    ]
    if bad:
        shown = ", ".join(str(row) for row in rows[bad[:10]])
        more = f" and {len(bad) - 10} more" if len(bad) > 10 else ""
        raise ValueError(
            f"Input X contains NaN or infinity in images that are to be mixed: rows {shown}{more}. "
            f"Replace the values (numpy.nan_to_num) or leave these images out; {remedy}."
        )
