"""Reading: the images that epochs are drawn from; files are read at one size and cached."""

from __future__ import annotations

import copy
import os
from collections import OrderedDict
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from imblearn_images.core import files
from imblearn_images.core.containers import holds_images, unwrap
from imblearn_images.core.files import axes_of
from imblearn_images.core.images import FileImages, Images, Memory, open_images
from imblearn_images.core.pixels import channels_last, resized
from imblearn_images.core.text import printable

__all__ = ["Files", "Resized", "at_size", "opened"]


_CHANNELS: dict[str, tuple[int, ...]] = {"L": (), "RGB": (3,), "RGBA": (4,)}
_AT_HAND = 1 << 25  # bytes of decoded files that a process caches: parents are read repeatedly


def opened(X: Any, size: Any, mode: Any) -> tuple[Images, Any]:
    """Return the images as a home of pixels and, if X is a table of flattened pixels, the table."""
    held = X if isinstance(X, Images) else unwrap(X)[0]
    if sparse.issparse(held):
        raise TypeError(f"`X` must hold images, got a {type(held).__name__}. Pass X.toarray().")
    if not (isinstance(held, Images) or holds_images(held)):
        held = np.asarray(held)
    images = open_images(held)
    files.check_size_and_mode(size, mode)
    if images.paths is None:
        if size is not None or mode is not None:
            raise ValueError(
                f"`size` and `mode` must be left out where `X` holds no files, got {images!r}. To "
                "draw at another size, use plans.at_size(size)."
            )
    elif size is not None or mode is not None:
        images = Files(images.paths, size, mode)
    elif not isinstance(
        X, Images
    ):  # one block of text: the pages of Python objects would be copied into each worker
        images = FileImages(np.array([images.name_of(row) for row in range(len(images))]))
    images = copy.copy(images)  # the user's own home must not keep our cache
    images.memory = Memory(len(images))
    return images, held if isinstance(held, np.ndarray) and held.ndim == 2 else None


class Files(Images):
    """Image files read at one size or in one mode; with both, no header is read in advance."""

    def __init__(self, paths: Any, size: tuple[int, int] | None, mode: str | None) -> None:
        # One block of bytes: the pages of Python objects would be copied into each worker, because
        # reference counts are written to.
        self._paths = np.array([os.fsencode(path) for path in paths])
        self.size = None if size is None else (int(size[0]), int(size[1]))
        self.mode = mode
        self._begin()
        self._shapes: NDArray[np.int32] | None = None
        if self.size is None:
            infos = files.describe_all([self.name_of(row) for row in range(len(self))], mode=mode)
            self._shapes = np.array([info.shape[:2] for info in infos], dtype=np.int32)
        if mode is None:
            info = files.describe(self.name_of(0), size=self.size)
            self.dtype, self._channels = info.dtype, info.shape[2:]
        else:
            self.dtype, self._channels = np.dtype(np.uint8), _CHANNELS[mode]

    def _begin(self) -> None:
        """Begin with an empty cache, as each process does."""
        self._decoded: OrderedDict[int, NDArray[Any]] = OrderedDict()  # least recently used first
        self._kept = 0
        self._lock, self._process = Lock(), os.getpid()

    def __getstate__(self) -> dict[str, Any]:
        own = ("_decoded", "_kept", "_lock", "_process")
        return {name: value for name, value in vars(self).items() if name not in own}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin()

    def __len__(self) -> int:
        return len(self._paths)

    def shape_of(self, row: int) -> tuple[int, ...]:
        if self.size is not None:
            return (*self.size, *self._channels)
        assert self._shapes is not None
        return (*self._shapes[row].tolist(), *self._channels)

    @property
    def uniform(self) -> tuple[int, ...] | None:
        if self._shapes is not None and (self._shapes != self._shapes[0]).any():
            return None
        return self.shape_of(0)

    def read(self, rows: NDArray[np.intp], out: NDArray[Any]) -> None:
        if os.getpid() != self._process:  # a fork: another thread may have held the lock
            self._begin()
        for row, image in zip(rows.tolist(), out, strict=True):
            size = image.shape[:2]
            with self._lock:
                kept = self._decoded.get(row)
                if kept is not None and kept.shape == image.shape:
                    self._decoded.move_to_end(row)
                    image[...] = kept
                    continue
            own = self._shapes is not None and self.shape_of(row)[:2] == size
            pixels = files.read_image(self.name_of(row), size=None if own else size, mode=self.mode)
            if pixels.shape != image.shape or pixels.dtype != self.dtype:
                raise ValueError(
                    f"{printable(self.name_of(row))} is read as {axes_of(pixels.shape[2:])} "
                    f"{pixels.dtype}, {printable(self.name_of(0))} as "
                    f"{axes_of(self._channels)} {self.dtype}. Pass `mode`, such as "
                    'mode="RGB", which converts them.'
                )
            image[...] = pixels
            self._keep(row, pixels)

    def _keep(self, row: int, pixels: NDArray[Any]) -> None:
        """Cache a decoded file, and drop those that were not used for longest."""
        if pixels.nbytes > _AT_HAND // 8:
            return
        with self._lock:
            before = self._decoded.pop(row, None)
            self._decoded[row] = pixels
            self._kept += pixels.nbytes - (0 if before is None else before.nbytes)
            while self._kept > _AT_HAND:
                self._kept -= self._decoded.popitem(last=False)[1].nbytes

    def name_of(self, row: int) -> str:
        return os.fsdecode(self._paths[row])

    def identity_of(self, row: int) -> Any:
        return self._paths[row]

    def at_size(self, size: tuple[int, int]) -> Files:
        """Return the same files, read at another size."""
        return Files(map(os.fsdecode, self._paths), size, self.mode)


class Resized(Images):
    """Images of another home, resized when they are read."""

    def __init__(self, images: Images, size: tuple[int, int]) -> None:
        self.images, self.size = images, size
        self.dtype = images.dtype
        some = np.empty((1, *images.shape_of(0)), dtype=np.bool_)
        self._channels = channels_last(some, None, "Resizing").shape[3:]

    def __len__(self) -> int:
        return len(self.images)

    def shape_of(self, row: int) -> tuple[int, ...]:
        return (*self.size, *self._channels)

    @property
    def uniform(self) -> tuple[int, ...]:
        return self.shape_of(0)

    def read(self, rows: NDArray[np.intp], out: NDArray[Any]) -> None:
        for row, image in zip(rows.tolist(), out, strict=True):
            whole = np.empty((1, *self.images.shape_of(row)), dtype=self.dtype)
            self.images.read(np.array([row]), whole)
            image[...] = resized(whole, image.shape[:2])[0]

    def name_of(self, row: int) -> str:
        return self.images.name_of(row)


def at_size(images: Images, size: tuple[int, int]) -> Images:
    """Return the same images at another size: files are read at it, others resized."""
    if isinstance(images, Resized):
        images = images.images
    if isinstance(images, Files):
        return images.at_size(size)
    if images.paths is not None and getattr(images, "reader", None) is None:
        return Files(images.paths, size, None)
    return Resized(images, size)
