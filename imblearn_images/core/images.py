"""Where pixels live: in an array, in a memmap, in files, or in a store of chunks."""

from __future__ import annotations

import copy
import errno
import hashlib
import os
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from math import prod
from mmap import ALLOCATIONGRANULARITY, mmap
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from imblearn_images.core import files
from imblearn_images.core.containers import (
    Rewrap,
    as_objects,
    holds_paths,
    join_paths,
    unwrap,
)
from imblearn_images.core.disk import Paths
from imblearn_images.core.files import axes_of
from imblearn_images.core.parallel import in_threads
from imblearn_images.core.pixels import resized
from imblearn_images.core.text import counted, printable

COPIES = "RandomOverSampler copies them as they are"
THUMBNAIL = (32, 32)
"""Height and width to which images of different sizes are resized to be compared."""
CACHE = 1 << 25
"""Bytes of chunks of a store that are kept, so that parents in one chunk are read once."""
NO_CHUNKS = 64
"""Rows that are read together from a store without chunks."""
NONE = np.empty(0, dtype=np.intp)
"""No rows."""


class Memory:
    """Results computed from a set of images that is resampled again and again.

    Parameters
    ----------
    n : int
        Number of images.
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self.kept: dict[Any, Any] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return Memory, (self.n,)  # another process computes what it needs

    def once(self, key: Any, made_of: Any, compute: Callable[[], Any]) -> Any:
        """Return the result of `compute` for the same key and inputs, computed or remembered.

        Of each key the last result is kept. `made_of` are the inputs: arrays are compared by their
        bytes, other objects by identity; these are kept alive, so that no new object can have the
        same one.
        """
        parts = made_of if isinstance(made_of, tuple) else (made_of,)
        # Callers make arrays anew for every call, so equal ones must count as the same.
        marks = [
            hashlib.sha256(part.tobytes()).digest() if isinstance(part, np.ndarray) else id(part)
            for part in parts
        ]
        known = self.kept.get(key)
        if known is None or known[0] != marks:
            objects = [part for part in parts if not isinstance(part, np.ndarray)]
            known = self.kept[key] = (marks, objects, compute())
        return known[2]

    def pixels(
        self, size: Any, origin: NDArray[np.intp], compute: Callable[[], NDArray[Any]]
    ) -> NDArray[Any]:
        """Return the pixels of the images `origin` at a size, computed or remembered.

        As many rows are kept as are needed for the whole set and for each of its classes; those
        that were asked for longest ago are forgotten.
        """
        kept: dict[bytes, NDArray[Any]] = self.kept.setdefault(("pixels", size), {})
        mark = hashlib.sha256(origin.tobytes()).digest()
        known = kept.pop(mark, None)
        found = kept[mark] = compute() if known is None else known
        while sum(map(len, kept.values())) > 2 * self.n:
            del kept[next(iter(kept))]
        return found

    def features(
        self,
        key: Any,
        origin: NDArray[np.intp],
        compute: Callable[[NDArray[np.intp]], NDArray[Any]],
    ) -> NDArray[Any]:
        """Return features of rows, shape (m, d); only unknown ones are computed.

        Parameters
        ----------
        key : hashable
            Identifies the kind of features.
        origin : ndarray of shape (m,)
            Number of each row's image among the `n` images, -1 for an image that is not one.
        compute : callable
            ``compute(positions)`` returns the features of some of the rows.
        """
        features, known = self.kept.get(key, (None, np.zeros(self.n, dtype=np.bool_)))
        inside = np.flatnonzero(origin >= 0)
        missing = inside[~known[origin[inside]]]
        missing = missing[np.unique(origin[missing], return_index=True)[1]]
        outside = np.flatnonzero(origin < 0)
        computed = None
        if len(missing) or len(outside) or features is None:
            computed = compute(np.concatenate([missing, outside]))
            if features is None:
                features = np.empty((self.n, computed.shape[1]), dtype=computed.dtype)
            features[origin[missing]], known[origin[missing]] = computed[: len(missing)], True
            self.kept[key] = features, known
        found: NDArray[Any] = features[origin]
        if len(outside) and computed is not None:
            found[outside] = computed[len(missing) :]
        return found


class Images:
    """A home of pixels: a set of images that is read row by row.

    A sampler converts what the user passed into such a home first, and works on that. A home of
    your own derives from this class and has ``dtype``, ``__len__``, :meth:`shape_of` and
    :meth:`read`; see :mod:`imblearn_images.images` for how to write one. All other methods are
    built on these four; override them where your home can do better.

    Read more in the :ref:`User Guide <homes-of-pixels>`.

    Attributes
    ----------
    dtype : numpy.dtype
        Dtype of all images.
    in_memory : bool
        Whether reading costs no more than copying; False by default.
    draws_later : bool
        Whether a sampler returns images that are drawn only when they are read, because all of
        them may not fit into memory; False by default.
    paths : ndarray of str or pathlib.Path, shape (n,), or None
        The files of a :class:`FileImages`; None by default.

    Examples
    --------
    >>> class Ramps(Images):
    ...     dtype = np.dtype("uint8")
    ...
    ...     def __len__(self):
    ...         return 5
    ...
    ...     def shape_of(self, row):
    ...         return (2, 3)
    ...
    ...     def read(self, rows, out):
    ...         out[...] = 10 * rows[:, None, None] + np.arange(3)
    >>> ramps = Ramps()
    >>> ramps.uniform, len(ramps.subset(np.array([4, 1])))
    ((2, 3), 2)
    >>> pixels, positions = ramps.pixels(np.array([4, 1]))
    >>> pixels[positions].tolist()
    [[40, 41, 42, 40, 41, 42], [10, 11, 12, 10, 11, 12]]
    >>> np.asarray(ramps).shape
    (5, 2, 3)
    """

    dtype: np.dtype[Any]
    in_memory = False
    draws_later = False
    paths: NDArray[Any] | None = None
    memory: Memory | None = None
    """Results computed from the images; None unless they are resampled again and again."""

    def __len__(self) -> int:
        raise NotImplementedError

    def shape_of(self, row: int) -> tuple[int, ...]:
        """Return the shape of one image, (H, W) or (H, W, C); axes are never interpreted."""
        raise NotImplementedError

    def read(self, rows: NDArray[np.intp], out: NDArray[Any]) -> None:
        """Write the images `rows` into ``out``, shape (len(rows), ...), in the dtype of the set.

        An image whose height and width differ from those of ``out`` is resized.
        """
        raise NotImplementedError

    @property
    def uniform(self) -> tuple[int, ...] | None:
        """The shape of all images, or None if shapes differ or there is no image."""
        shapes = {self.shape_of(row) for row in range(len(self))}
        return shapes.pop() if len(shapes) == 1 else None

    def subset(self, rows: NDArray[np.intp]) -> Images:
        """Return some of the images, numbered from 0; nothing is copied."""
        return _Rows(self, rows)

    def anywhere(self) -> Images:
        """Return the same images, readable by a process with another working directory."""
        return self

    def pixels(
        self,
        rows: NDArray[np.intp],
        size: tuple[int, ...] | None = None,
        *,
        n_jobs: int | None = None,
    ) -> tuple[NDArray[Any], NDArray[np.intp]]:
        """Return the pixels of some rows as a matrix to search in.

        Parameters
        ----------
        rows : ndarray of shape (m,), dtype intp
            The images.
        size : tuple (height, width), default=None
            Size to which all are resized; ``None``: their own if `rows` have one shape, else
            32 x 32.
        n_jobs : int, default=None
            Number of threads that read.

        Returns
        -------
        pixels : ndarray of shape (n, d)
            By default backed by an unnamed temporary file, which is removed with the last
            reference: a search compares images many times but reads each once, and the
            operating system decides how much of the file stays in memory.
        positions : ndarray of shape (m,)
            Rows of `pixels` at which the images are.
        """
        if self.memory is None:
            return self._spooled(rows, size, n_jobs), np.arange(len(rows))
        pixels = self.memory.pixels(
            size, self.origin(rows)[1], lambda: self._spooled(rows, size, n_jobs)
        )
        return pixels, np.arange(len(rows))

    def _spooled(
        self, rows: NDArray[np.intp], size: tuple[int, ...] | None, n_jobs: int | None
    ) -> NDArray[Any]:
        """Read images into a temporary file that is mapped into memory, as a matrix (m, d)."""
        self.look_at(rows, n_jobs=n_jobs)
        shapes = {self.shape_of(row) for row in rows}
        first = self.shape_of(rows[0])
        if size is None:
            size = first[:2] if len(shapes) == 1 else THUMBNAIL
        shape = (len(rows), *size, *first[len(size) :])
        with tempfile.TemporaryFile() as spool:
            n_bytes = prod(shape) * self.dtype.itemsize
            _reserve(spool.fileno(), n_bytes)
            spool.truncate(n_bytes)  # sets the size where the system cannot reserve space
            # Not np.memmap: joblib would open its file by name in another process.
            memory = memoryview(mmap(spool.fileno(), n_bytes))
            pixels = np.frombuffer(memory, dtype=self.dtype).reshape(shape)
        in_threads(
            self.read,
            ((rows[i : i + 16], pixels[i : i + 16]) for i in range(0, len(rows), 16)),
            n_jobs=n_jobs,
        )
        return pixels.reshape(len(rows), -1)

    def origin(self, rows: NDArray[np.intp]) -> tuple[Memory | None, NDArray[np.intp]]:
        """Return the :class:`Memory` of the images, or None, and the number of each row in it.

        A row whose image it does not know is -1.
        """
        return self.memory, rows

    def look_at(self, rows: NDArray[np.intp], *, n_jobs: int | None = None) -> None:
        """Raise for images that cannot be read, found by headers of files; no check by default."""

    def name_of(self, row: int) -> str:
        """Return what messages call an image."""
        return f"row {row}"

    def identity_of(self, row: int) -> Any:
        """What a row has in common with all that hold the same image; by default its pixels."""
        return self._looks_of(row) if self.memory is None else self.identities()[row]

    def identities(self) -> list[Any]:
        """Return what :meth:`identity_of` says of each row."""
        # A home with identities of its own knows them without reading pixels.
        if self.memory is None or type(self).identity_of is not Images.identity_of:
            return [self.identity_of(row) for row in range(len(self))]
        found: list[Any] = self.memory.once("identities", self, self._identities)
        return found

    def _identities(self) -> list[int]:
        """Return for every row the first row with the same pixels."""
        known: dict[Any, int] = {}
        return [known.setdefault(self._looks_of(row), row) for row in range(len(self))]

    def _looks_of(self, row: int) -> Any:
        """Return the shape and a hash of the pixels of one image."""
        image = np.empty((1, *self.shape_of(row)), dtype=self.dtype)
        self.read(np.array([row]), image)
        return image.shape, hashlib.sha256(image.tobytes()).digest()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({counted(len(self), 'image')})"

    def as_given(self) -> Any:
        """Return what to pass where a home of pixels is not taken: paths of files, or an array."""
        return np.asarray(self)

    @property
    def shape(self) -> tuple[int]:
        """Shape (n,), as an array of paths has it; n is the number of images."""
        return (len(self),)

    def __getitem__(self, rows: Any) -> Images:
        """Return some of the images, for cross-validation: scikit-learn takes ``X[rows, ...]``."""
        rows = rows[0] if isinstance(rows, tuple) else rows
        if np.ndim(rows) == 0 and not isinstance(rows, slice):
            raise TypeError(
                f"A {type(self).__name__} must be indexed by rows, got {rows!r}. Read one image "
                "with images.read(np.array([row]), out)."
            )
        return self.subset(np.arange(len(self))[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return all pixels, shape (n, ...), in memory or in an unnamed temporary file."""
        # NumPy 2 passes this on from np.asarray(images, copy=False).
        if copy is False:
            raise ValueError(
                f"`copy` must not be False for {self!r}, whose pixels have to be read. Leave it "
                "out."
            )
        rows = np.arange(len(self))
        self.look_at(rows)
        # Of no images there is no shape; two axes let (0, 0, 0) pass as images.
        shape = self.shape_of(0) if len(self) else (0, 0)
        for row in range(len(self) if self.uniform is None else 0):
            if self.shape_of(row) != shape:
                raise ValueError(
                    f"{printable(self.name_of(row))} has shape {self.shape_of(row)}, "
                    f"{printable(self.name_of(0))} has {shape}: one array needs one shape. Read "
                    "them with `ReadImages(size=(height, width))` first."
                )
        if self.in_memory or not len(self):
            pixels = np.empty((len(self), *shape), dtype=self.dtype)
            self.read(rows, pixels)
        else:
            pixels = pixels_in_order(self, rows).reshape(len(self), *shape)
        return pixels if dtype is None else pixels.astype(dtype, copy=False)


def pixels_in_order(
    images: Images,
    rows: NDArray[np.intp],
    size: tuple[int, ...] | None = None,
    *,
    n_jobs: int | None = None,
) -> NDArray[Any]:
    """Return what :meth:`Images.pixels` has of some rows, in their order, shape (len(rows), d)."""
    pixels, positions = images.pixels(rows, size, n_jobs=n_jobs)
    is_in_order = len(pixels) == len(rows) and np.array_equal(positions, np.arange(len(rows)))
    return pixels if is_in_order else pixels[positions]


class _Rows(Images):
    """Some rows of a home, which reads them; :meth:`Images.subset` makes one."""

    def __init__(self, images: Images, rows: NDArray[np.intp]) -> None:
        self.images, self.rows = images, rows
        self.in_memory, self.draws_later = images.in_memory, images.draws_later

    def __reduce__(self) -> Any:
        # Of an array in memory only these rows are pickled; other homes are pickled whole.
        some = (ArrayImages, (np.asarray(self),))
        return some if self.in_memory and len(self) else (_Rows, (self.images, self.rows))

    @property
    def dtype(self) -> np.dtype[Any]:  # type: ignore[override]
        """Dtype of all images."""
        return self.images.dtype

    def __len__(self) -> int:
        return len(self.rows)

    def shape_of(self, row: int) -> tuple[int, ...]:
        return self.images.shape_of(self.rows[row])

    @property
    def uniform(self) -> tuple[int, ...] | None:
        # Some rows may have one shape where not all have: only then each has to be asked.
        whole = self.images.uniform if len(self) else None
        return super().uniform if whole is None else whole

    def read(self, rows: NDArray[np.intp], out: NDArray[Any]) -> None:
        self.images.read(self.rows[rows], out)

    def pixels(
        self,
        rows: NDArray[np.intp],
        size: tuple[int, ...] | None = None,
        *,
        n_jobs: int | None = None,
    ) -> tuple[NDArray[Any], NDArray[np.intp]]:
        return self.images.pixels(self.rows[rows], size, n_jobs=n_jobs)

    def look_at(self, rows: NDArray[np.intp], *, n_jobs: int | None = None) -> None:
        self.images.look_at(self.rows[rows], n_jobs=n_jobs)

    def name_of(self, row: int) -> str:
        return self.images.name_of(self.rows[row])

    def identity_of(self, row: int) -> Any:
        return self.images.identity_of(self.rows[row])

    def identities(self) -> list[Any]:
        if self.images.memory is None:  # others than these would be looked at
            return super().identities()
        known = self.images.identities()
        return [known[row] for row in self.rows.tolist()]

    def origin(self, rows: NDArray[np.intp]) -> tuple[Memory | None, NDArray[np.intp]]:
        return self.images.origin(self.rows[rows])


def _by_stride(array: NDArray[Any]) -> list[int]:
    """Return the axes of an image in an array of images, the one with the largest stride first."""
    return sorted(range(1, array.ndim), key=lambda axis: -array.strides[axis])


class ArrayImages(Images):
    """Images in an array or memmap of shape (n, ...), in any memory order.

    Read more in the :ref:`User Guide <homes-of-pixels>`.

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

    in_memory = True

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array
        self.dtype = array.dtype
        self._axes = _by_stride(array)

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"array": _Mapped.of(self.array)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        array = state["array"]
        vars(self).update(state | {"array": array.open() if isinstance(array, _Mapped) else array})
        self._axes = _by_stride(self.array)  # a view comes back in C order

    def __len__(self) -> int:
        return len(self.array)

    def shape_of(self, row: int) -> tuple[int, ...]:
        """Return the shape of one image; the same for every row."""
        return tuple(self.array.shape[1:])

    @property
    def uniform(self) -> tuple[int, ...]:
        """The shape of all images."""
        return tuple(self.array.shape[1:])

    def read(self, rows: NDArray[np.intp], out: NDArray[Any]) -> None:
        """Copy the images `rows` into `out`."""
        if self.array.flags.c_contiguous:
            # mode="clip" lets NumPy write into `out` without a buffer; plans hold valid rows only.
            np.take(self.array, rows, axis=0, out=out, mode="clip")
        else:  # np.take would first make a contiguous copy of everything
            out[...] = self.array[rows]

    def pixels(
        self,
        rows: NDArray[np.intp],
        size: tuple[int, ...] | None = None,
        *,
        n_jobs: int | None = None,
    ) -> tuple[NDArray[Any], NDArray[np.intp]]:
        """Return the pixels of some rows as a matrix, in an order without a copy if there is one.

        Distances do not depend on the order of the pixels, so the axes of an image are
        sorted by stride: views suffice for Fortran-ordered and transposed arrays, too.

        Returns
        -------
        pixels : ndarray of shape (n, d), or (len(rows), d)
            A view of all images; a copy of `rows` if images are cut out of larger ones or
            mirrored.
        positions : ndarray of shape (len(rows),)
            Rows of `pixels` at which the images are.
        """
        axes = self._axes
        strides, shape = self.array.strides, self.array.shape
        assert size is None, "images in an array have one size"
        in_one_piece = all(
            strides[outer] == strides[inner] * shape[inner] for outer, inner in pairwise(axes)
        )
        # One piece: all images are one matrix without a copy, of which any rows can be searched.
        chosen = self.array if in_one_piece else self.array[rows]
        pixels = chosen.transpose(0, *axes).reshape(len(chosen), -1)
        return pixels, rows if in_one_piece else np.arange(len(rows))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the array itself, or a copy of it in another dtype or on request."""
        array = self.array if dtype is None else self.array.astype(dtype, copy=False)
        return array.copy() if copy and array is self.array else array

    def in_image_order(self, vector: NDArray[Any]) -> NDArray[Any]:
        """Return one row, in the order of :meth:`pixels`, in the shape of an image."""
        order = self._axes
        shape = [self.array.shape[axis] for axis in order]
        return vector.reshape(shape).transpose(
            [order.index(axis + 1) for axis in range(len(order))]
        )


class _Mapped:
    """The place of a memmap in its file, which is pickled instead of a copy of the pixels."""

    def __init__(self, array: np.memmap[Any, Any], offset: int) -> None:
        self.path = os.path.abspath(os.fspath(array.filename or ""))
        self.dtype, self.shape, self.strides = array.dtype, array.shape, array.strides
        self.offset = offset

    @classmethod
    def of(cls, array: NDArray[Any]) -> Any:
        """Return the place of a memmap in its file; any other array as it is."""
        filename = getattr(array, "filename", None)
        root: Any = array
        while isinstance(root, np.ndarray) and root.base is not None:
            root = root.base
        backwards = any(stride < 0 for stride in array.strides)
        if not isinstance(array, np.memmap) or not isinstance(root, mmap) or backwards:
            return array
        if filename is None or getattr(array, "mode", "c") == "c":  # changes are not in the file
            return array
        # A view begins behind the mapped pages, which begin at a multiple of the granularity.
        before = array.ctypes.data - np.frombuffer(root, dtype=np.uint8).ctypes.data
        return cls(array, array.offset - array.offset % ALLOCATIONGRANULARITY + before)

    def open(self) -> NDArray[Any]:
        """Map the file, read-only, and return the array in it."""
        span = sum((n - 1) * stride for n, stride in zip(self.shape, self.strides, strict=True))
        whole = np.memmap(
            self.path, np.uint8, "r", offset=self.offset, shape=(span + self.dtype.itemsize,)
        )
        return np.ndarray(self.shape, self.dtype, whole, 0, self.strides)


class FileImages(Images):
    """Images in files, each opened when its pixels are requested.

    Read more in the :ref:`User Guide <homes-of-pixels>`.

    Parameters
    ----------
    paths : ndarray or sequence of str or pathlib.Path
        One file for each image; an array is not copied. Shapes may differ, mode and dtype may
        not.
    rows : ndarray of int, default=None
        Rows whose headers are read now; ``None``: all, an empty array: none. Other headers are
        read when they are needed.
    reader : callable, default=None
        ``reader(path)`` returns the pixels of a file, an array (H, W) or (H, W, C), for formats
        that this library does not read: DICOM, NIfTI, ``numpy.load``. It is called from several
        threads at once, with a str, and pickled with these images.
    n_jobs : int, default=None
        Number of threads that read the headers.

    Raises
    ------
    ValueError
        If files cannot be read, or their modes differ; the files are named.
    TypeError
        If `reader` is not callable.

    Examples
    --------
    >>> folder = tempfile.mkdtemp()
    >>> for name in ("a", "b"):
    ...     np.save(f"{folder}/{name}.npy", np.full((4, 3), ord(name), dtype=np.uint8))
    >>> images = FileImages([f"{folder}/a.npy", f"{folder}/b.npy"], reader=np.load)
    >>> images.dtype, images.uniform, int(np.asarray(images)[1, 0, 0])
    (dtype('uint8'), (4, 3), 98)
    """

    paths: Any
    numbers: NDArray[np.intp] | None = None
    """Number of each file in :attr:`memory`, which a subset shares with the whole."""

    def __init__(
        self,
        paths: Sequence[Any] | NDArray[Any],
        rows: NDArray[np.intp] | None = None,
        *,
        reader: Callable[[str], ArrayLike] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        if reader is not None and not callable(reader):
            raise TypeError(
                f"`reader` must be a function of a path, such as numpy.load, got {reader!r}."
            )
        self.paths = paths if isinstance(paths, (np.ndarray, Paths)) else as_objects(paths)
        self.reader = reader
        # Files that this library has written for these images are not read by the user's `reader`.
        self.written = np.zeros(len(self.paths) if reader is not None else 0, dtype=np.bool_)
        self._dtype: np.dtype[Any] | None = None
        # Numbers in an array, not tuples in a dict: there may be a million files.
        self.shapes = np.zeros((len(self.paths), 2), dtype=np.int32)
        self.forget()
        looked_at = np.arange(len(self.paths)) if rows is None else np.asarray(rows, dtype=np.intp)
        self.look_at(looked_at, n_jobs=n_jobs)

    def look_at(self, rows: NDArray[np.intp], *, n_jobs: int | None = None) -> None:
        """Read the headers of some rows, if one of them is not known yet.

        Raises
        ------
        ValueError
            If files cannot be read, or their modes differ; the files are named.
        """
        if (self.shapes[rows, 0] > 0).all():
            return
        known = np.flatnonzero(self.shapes[:, 0])
        if self.reader is not None:  # a reader decodes whole files: call it once for each
            rows = rows[self.shapes[rows, 0] == 0]
        elif len(known):  # with a known file, so that later files must be of the same kind
            rows = np.union1d(rows, known[:1])
        used = [self.name_of(row) for row in rows]
        if self.reader is None:
            infos = files.describe_all(used, n_jobs=n_jobs)
        else:
            found = in_threads(self._describe, ((row,) for row in rows.tolist()), n_jobs=n_jobs)
            files.raise_unreadable([e for e in found if isinstance(e, Exception)], len(found))
            infos = [info for info in found if isinstance(info, files.FileInfo)]
        if self.reader is None:
            files.check_uniform(infos, used)
        else:
            self._check_reader(known, rows, infos)
        shapes = self.shapes
        if not len(known):
            shapes = np.zeros((len(self.paths), len(infos[0].shape)), dtype=np.int32)
        for row, info in zip(rows, infos, strict=True):
            shapes[row] = info.shape
        self.shapes, self._dtype = shapes, np.dtype(infos[0].dtype)
        self.forget()

    @property
    def dtype(self) -> np.dtype[Any]:  # type: ignore[override]
        """Dtype of all images; the first file is opened if none has been."""
        if self._dtype is None and len(self):
            self.look_at(np.zeros(1, dtype=np.intp))
        return np.dtype(np.uint8) if self._dtype is None else self._dtype

    def forget(self) -> None:
        """Start with an empty cache of decoded images."""
        # A parent is often drawn more than once: up to 16 MB of images are kept, and at most 512
        # images, because small ones are read in no time.
        sizes = self.shapes.prod(axis=1, dtype=np.int64)
        itemsize = 1 if self._dtype is None else self._dtype.itemsize
        largest = max(1, int(sizes.max(initial=1))) * itemsize
        self._image = lru_cache(maxsize=min(max(1, (1 << 24) // largest), 512))(self._read_image)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_image"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.forget()  # decoded images are not pickled: the other process reads the files

    def subset(self, rows: NDArray[np.intp]) -> FileImages:
        """Return some of the files, numbered from 0; their headers are not read again."""
        some = copy.copy(self)
        # Not by the constructor, which would read headers again.
        some.memory, some.numbers = self.origin(rows)
        some.paths, some.shapes = self.paths[rows], self.shapes[rows]
        some.written = self.written[rows] if self.reader is not None else self.written
        some.forget()
        return some

    def anywhere(self) -> FileImages:
        """Return the same files by absolute paths; the arguments of a `reader` do not change."""
        if self.reader is not None:
            return self
        some = copy.copy(self)
        some.paths = as_objects([os.path.abspath(path) for path in self.paths])
        some.forget()
        return some

    def joined(self, more: Sequence[str]) -> FileImages:
        """Return these files followed by others, which this library has written."""
        both, new = copy.copy(self), len(more)
        # New files have no number among those that the memory knows.
        both.memory = both.numbers = None
        paths = self.paths
        if isinstance(paths, Paths):
            paths = np.array(paths, dtype=object)
        both.paths = join_paths(paths, more)
        both.shapes = np.concatenate(
            [self.shapes, np.zeros((new, self.shapes.shape[1]), dtype=np.int32)]
        )
        if self.reader is not None:
            both.written = np.append(self.written, np.ones(new, dtype=np.bool_))
        both.forget()
        return both

    def check_can_be_written(self) -> None:
        """Raise if a `reader` returns images that no file written by this library can hold.

        Raises
        ------
        ValueError
            With shape and dtype, and what files can hold.
        """
        if self.reader is None or not len(self):
            return
        known = np.flatnonzero(self.shapes[:, 0])
        shape = self.shape_of(known[0] if len(known) else 0)
        files.check_can_be_written(shape, self.dtype, "`output_dir` holds PNG and TIFF files")

    def origin(self, rows: NDArray[np.intp]) -> tuple[Memory | None, NDArray[np.intp]]:
        """Return the :class:`Memory` that these files share, and the number of each row in it."""
        return self.memory, rows if self.numbers is None else self.numbers[rows]

    def as_given(self) -> Any:
        """Return the paths, or the pixels if the files need a `reader`."""
        return self.paths if self.reader is None else np.asarray(self)

    def __len__(self) -> int:
        return len(self.paths)

    def shape_of(self, row: int) -> tuple[int, ...]:
        """Return the shape of the image in one file, whose header is read if necessary."""
        if not self.shapes[row, 0]:
            self.look_at(np.array([row]))
        return tuple(self.shapes[row].tolist())

    @property
    def uniform(self) -> tuple[int, ...] | None:
        """The shape of all images, or None if shapes differ or are not all known yet."""
        same = len(self) and self.shapes[0, 0] and (self.shapes == self.shapes[0]).all()
        return self.shape_of(0) if same else None

    def name_of(self, row: int) -> str:
        """Return the path of one file."""
        return str(os.fspath(self.paths[row]))

    def identity_of(self, row: int) -> str:
        """Return the path of one file, which is not opened."""
        return self.name_of(row)

    def read(self, rows: NDArray[np.intp], out: NDArray[Any]) -> None:
        """Decode the files of `rows` into `out`; an image of another size is resized."""
        for row, image in zip(rows.tolist(), out, strict=True):
            image[...] = self._image(row, image.shape[:2])

    def _read_image(self, row: int, size: tuple[int, int]) -> NDArray[Any]:
        """Decode one file in (height, width) `size`."""
        wanted = None if self.shape_of(row)[:2] == size else size
        if self.reader is None or self.written[row]:
            image: NDArray[Any] = files.read_image(self.name_of(row), size=wanted)
            return image
        image = self._own_pixels(row)
        if image.shape != self.shape_of(row) or image.dtype != self.dtype:
            raise ValueError(
                f"{printable(self.name_of(row))}: `reader` must give the same pixels each time, "
                f"got shape {image.shape} and dtype {image.dtype} after {self.shape_of(row)} and "
                f"{self.dtype}. Leave files alone while they are resampled."
            )
        return image if wanted is None else resized(image[None], wanted)[0]

    def _own_pixels(self, row: int) -> NDArray[Any]:
        """Return what the `reader` returns for a file; errors that it raises name the file."""
        name = self.name_of(row)
        assert self.reader is not None
        try:
            image = np.asarray(self.reader(name))
        except Exception as exc:
            # Callers tell these two by their types; others say that the file is of no use.
            kind = next((k for k in (FileNotFoundError, MemoryError) if isinstance(exc, k)), None)
            raise (kind or ValueError)(
                f"{printable(name)}: `reader` raised {type(exc).__name__}: {exc}"
            ) from exc
        if image.ndim < 2 or not image.size or image.dtype.kind not in "biuf":
            raise ValueError(
                f"{printable(name)}: `reader` must give an array of numbers of shape (H, W) or "
                f"(H, W, C), got shape {image.shape} and dtype {image.dtype}."
            )
        return image

    def _check_reader(
        self, known: NDArray[np.intp], rows: NDArray[np.intp], infos: Sequence[files.FileInfo]
    ) -> None:
        """Raise if a `reader` returns images of several dtypes or numbers of channels."""
        kinds = {(info.shape[2:], info.dtype): row for row, info in zip(rows, infos, strict=True)}
        if len(known):
            kinds.setdefault((tuple(self.shapes[known[0], 2:].tolist()), self.dtype), known[0])
        if len(kinds) > 1:
            told = [
                f"{printable(self.name_of(row))} is {axes_of(channels)} {dtype}"
                for (channels, dtype), row in list(kinds.items())[:2]
            ]
            raise ValueError(
                f"`reader` must give images of one dtype and number of channels, got "
                f"{len(kinds)} kinds: {', '.join(told)}. Let it convert them."
            )

    def _describe(self, row: int) -> files.FileInfo | Exception:
        """Return shape and dtype of one file that needs a `reader`, or the error that it raised."""
        try:
            if self.written[row]:
                return files.describe(self.name_of(row))
            image = self._own_pixels(row)
        except (OSError, ValueError, MemoryError) as exc:
            return exc
        return files.FileInfo(image.shape, image.dtype, "")


class StoreImages(Images):
    """Images in a chunked array: zarr, h5py, dask, xarray, tensorstore, a stack of TIFF pages.

    Given a zarr or h5py array, a sampler reads it chunk by chunk and draws into memory. Given
    ``StoreImages(array)``, it draws nothing yet: it returns a home of pixels whose rows are drawn
    when they are read, and ``render(sampler.plan_, array, out=store)`` draws them into another
    store, a few megabytes at a time.

    Read more in the :ref:`User Guide <homes-of-pixels>`.

    Parameters
    ----------
    array : array-like of shape (n, H, W) or (n, H, W, C)
        With ``shape``, ``dtype`` and slices of rows, ``array[i:j]``. Rows of one chunk are read
        together if it has ``chunks``. Several threads read it at the same time.

    Raises
    ------
    TypeError
        If `array` does not have these.

    Examples
    --------
    >>> from imblearn_images import SMOTE
    >>> pixels = np.arange(24, dtype=np.uint8).reshape(6, 2, 2)
    >>> store = StoreImages(pixels)  # as well as a zarr.Array, an h5py.Dataset ...
    >>> X_res, y_res = SMOTE(k_neighbors=1, random_state=0).fit_resample(
    ...     store, ["cat"] * 4 + ["dog"] * 2
    ... )
    >>> X_res
    DrawnImages(8 images)
    >>> np.asarray(X_res)[-1].tolist()
    [[18, 19], [20, 21]]
    """

    draws_later = True

    def __init__(self, array: Any) -> None:
        shape, dtype = getattr(array, "shape", ()), getattr(array, "dtype", None)
        if len(shape) < 3 or dtype is None or not hasattr(array, "__getitem__"):
            raise TypeError(
                "`array` must have the shape (n, H, W) or (n, H, W, C), a dtype and slices of "
                f"rows, got {type(array).__name__} of shape {tuple(shape)}. For files pass their "
                "paths."
            )
        self.array = array
        self.dtype = np.dtype(str(dtype) if not isinstance(dtype, (np.dtype, type)) else dtype)
        self._shape = tuple(int(side) for side in shape)
        self._bounds = _bounds_of(array, self._shape[0])
        self._forget()

    def _forget(self) -> None:
        """Start with an empty cache of chunks."""
        self._chunks: OrderedDict[int, NDArray[Any]] = OrderedDict()
        self._lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        left = ("_chunks", "_lock")
        state = {name: value for name, value in vars(self).items() if name not in left}
        return state | {"array": _InFile.of(self.array)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        array = state["array"]
        vars(self).update(state | {"array": array.open() if isinstance(array, _InFile) else array})
        self._forget()

    def __len__(self) -> int:
        return self._shape[0]

    def shape_of(self, row: int) -> tuple[int, ...]:
        """Return the shape of one image; the same for every row."""
        return self._shape[1:]

    @property
    def uniform(self) -> tuple[int, ...]:
        """The shape of all images."""
        return self._shape[1:]

    @property
    def heights(self) -> list[int]:
        """Number of rows of each chunk."""
        heights: list[int] = np.diff(self._bounds).tolist()
        return heights

    def read(self, rows: NDArray[np.intp], out: NDArray[Any]) -> None:
        """Copy the images `rows` into `out`, chunk by chunk."""
        chunk_of = np.searchsorted(self._bounds, rows, side="right") - 1
        for chunk in np.unique(chunk_of).tolist():
            places = np.flatnonzero(chunk_of == chunk)
            out[places] = self._chunk(chunk)[rows[places] - self._bounds[chunk]]

    def _chunk(self, chunk: int) -> NDArray[Any]:
        """Return the images of one chunk, read or cached."""
        with self._lock:
            if chunk in self._chunks:
                self._chunks.move_to_end(chunk)
                return self._chunks[chunk]
        first, stop = self._bounds[chunk : chunk + 2].tolist()
        # Outside the lock, so that threads read other chunks meanwhile. Two may read the same one,
        # which costs time, but nothing else.
        pixels = np.asarray(self.array[first:stop])
        with self._lock:
            self._chunks[chunk] = pixels
            while sum(each.nbytes for each in self._chunks.values()) > CACHE:
                self._chunks.popitem(last=False)
        return pixels

    def __repr__(self) -> str:
        return f"{type(self).__name__}({type(self.array).__name__} of {len(self)} images)"


def is_store(X: Any) -> bool:
    """Return whether `X` is an array of images that should not be read into memory at once.

    Examples
    --------
    >>> is_store(np.zeros((3, 4, 4)))
    False
    """
    if isinstance(X, np.ndarray) or len(getattr(X, "shape", ())) < 3:
        return False
    return hasattr(X, "chunks") and hasattr(X, "dtype") and not hasattr(X, "iloc")


def is_of(X: Any, package: str) -> bool:
    """Return whether the class of an object is from `package`, without importing that."""
    return type(X).__module__.partition(".")[0] == package


def _bounds_of(array: Any, n: int) -> NDArray[np.intp]:
    """Return the first row of every chunk, and the number of rows at the end."""
    chunks = getattr(array, "chunks", None)
    along = chunks[0] if isinstance(chunks, (tuple, list)) and chunks else None
    if isinstance(along, (tuple, list)):  # dask has the length of every chunk
        return np.cumsum([0, *along])
    height = int(along) if along else NO_CHUNKS
    return np.append(np.arange(0, n, height), n)


class _InFile:
    """File and name of an h5py data set, which are pickled instead: open files cannot be."""

    def __init__(self, path: str, name: str) -> None:
        self.path, self.name = path, name

    @classmethod
    def of(cls, array: Any) -> Any:
        """Return file and name of an h5py data set; any other array as it is."""
        return cls(array.file.filename, array.name) if is_of(array, "h5py") else array

    def open(self) -> Any:
        import h5py

        return h5py.File(self.path, "r")[self.name]


def _reserve(file: int, nbytes: int) -> None:
    """Reserve disk space now: if the disk were full later, writing to the map would kill us."""
    if not hasattr(os, "posix_fallocate"):
        return
    try:
        try:
            os.posix_fallocate(file, 0, nbytes)
        except OSError as exc:
            if exc.errno not in (errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS):
                raise
            _fill(file, nbytes)  # this file system or C library cannot reserve space
    except OSError as exc:
        raise OSError(
            exc.errno,
            f"The decoded images need {nbytes / 1e6:.1f} MB of temporary space in "
            f"{tempfile.gettempdir()}: {exc.strerror}. Make room there, or name another folder in "
            "the environment variable TMPDIR.",
        ) from exc


def _fill(file: int, nbytes: int) -> None:
    """Reserve disk space by writing zeros."""
    zeros = memoryview(bytes(1 << 20))
    while nbytes > 0:
        nbytes -= os.write(file, zeros[: min(nbytes, len(zeros))])


def open_images(X: Any) -> Images:
    """Return the home of the pixels of `X`. No file is opened yet.

    Read more in the :ref:`User Guide <homes-of-pixels>`.

    Parameters
    ----------
    X : array of shape (n, ...), or paths in any container
        What a user passes as `X`, or a home of pixels, which is returned as it is.

    Returns
    -------
    images : Images

    Raises
    ------
    ValueError
        If `X` holds neither pixels nor file paths.
    TypeError
        If the dtype of a home is not a NumPy dtype.

    Examples
    --------
    >>> open_images(np.zeros((3, 8, 8))).uniform
    (8, 8)
    >>> open_images(["a.png", "b.png"]).name_of(1)
    'b.png'
    """
    images, _ = unwrap_images(X)
    if isinstance(images, Images):
        return images
    array = np.asanyarray(images)
    if array.ndim < 2 and array.dtype.kind not in "biufc":
        raise ValueError(
            f"X must hold pixels or file paths, got shape {array.shape} and dtype {array.dtype}. "
            "Pass an array (n, H, W) or (n, H, W, C), or a list of paths."
        )
    return ArrayImages(array)


def unwrap_images(X: Any) -> tuple[Any, Rewrap | None]:
    """Open what a user passes as `X`, once: the door of everything that takes images.

    Parameters
    ----------
    X : images in any container, a home of pixels, or a table
        See :func:`~imblearn_images.core.containers.unwrap`.

    Returns
    -------
    images : Images, or array-like of shape (n, d)
        The home of the pixels; a table as imbalanced-learn takes it.
    rewrap : callable or None
        Puts a result back into the container, as that of ``unwrap``. None for a home of pixels,
        and for the chunked arrays that become one: there is no container to go back to.

    Examples
    --------
    >>> unwrap_images(np.zeros((3, 8, 8)))[0]
    ArrayImages(3 images)
    >>> unwrap_images([[0.5, 1.0], [2.0, 0.0]])[0]
    [[0.5, 1.0], [2.0, 0.0]]
    """
    if isinstance(X, Images):
        if X.paths is None and not isinstance(X.dtype, np.dtype):
            raise TypeError(
                f"`dtype` of {type(X).__name__} must be a numpy.dtype, got {X.dtype!r}. Write "
                'dtype = np.dtype("uint8").'
            )
        return X, None
    if is_store(X):
        return StoreImages(X), None
    held, rewrap = unwrap(X)
    if holds_paths(held):  # no header is read yet: a sampler that only selects needs none
        return FileImages(held, NONE), rewrap
    is_table = not isinstance(held, np.ndarray) or held.ndim < 3
    return (held if is_table else ArrayImages(held)), rewrap


def check_finite_images(
    images: Images,
    rows: NDArray[np.intp],
    names: NDArray[np.intp] | None = None,
    remedy: str = COPIES,
) -> None:
    """Raise for NaN and infinity in images that are to be mixed; see :func:`check_finite`.

    `names` holds the numbers by which messages call the images, by default their rows. Files are
    checked when they are read.
    """
    # In this order: to ask for the dtype of files would open one.
    if not len(rows) or images.paths is not None or images.dtype.kind != "f":
        return
    names = rows if names is None else names[rows]
    if images.in_memory:
        pixels, positions = images.pixels(rows)
        check_finite(pixels, positions, names, remedy)
        return
    for at, row in enumerate(rows.tolist()):
        image = np.empty((1, *images.shape_of(row)), dtype=images.dtype)
        images.read(np.array([row]), image)
        alone = np.zeros(1, dtype=np.intp)
        check_finite(image.reshape(1, -1), alone, names[at : at + 1], remedy)


def check_finite(
    pixels: Any, members: NDArray[np.intp], rows: NDArray[np.intp], remedy: str = COPIES
) -> None:
    """Raise for NaN and infinity in images that are to be mixed.

    Parameters
    ----------
    pixels : array of shape (n, d)
        Integers hold neither and pass.
    members : ndarray of shape (m,)
        The rows of `pixels` to check.
    rows : ndarray of shape (m,)
        Their rows in the user's X, for the message.
    remedy : str
        End of the message: what can be used for such images instead.

    Raises
    ------
    ValueError
        If there are such values, naming the rows.
    """
    if pixels.dtype.kind != "f" or sparse.issparse(pixels):
        return
    # In blocks: a mask of all pixels would take up to half of their memory.
    height = max(1, (1 << 16) // pixels.shape[1])
    everything = len(members) == len(pixels) and bool((members == np.arange(len(members))).all())
    bad = []
    for lo in range(0, len(members), height):
        block = pixels[lo : lo + height] if everything else pixels[members[lo : lo + height]]
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(block.sum()):  # a sum is found faster, and NaN and infinity stay in it
                continue
        bad += [lo + at for at in np.flatnonzero(~np.isfinite(block).all(axis=1))]
    if bad:
        shown = ", ".join(str(row) for row in rows[bad[:10]])
        more = f" and {len(bad) - 10} more" if len(bad) > 10 else ""
        raise ValueError(
            f"Input X contains NaN or infinity in images that are to be mixed: rows {shown}{more}. "
            f"Replace the values (numpy.nan_to_num) or leave these images out; {remedy}."
        )
