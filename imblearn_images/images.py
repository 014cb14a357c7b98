'''Homes of pixels: where images live, and how to write such a home yourself.

A sampler opens `X` once, as :class:`Images`, and reads it row by row, whatever it is: arrays are
one such home (:class:`ArrayImages`), files another (:class:`FileImages`). Anything else that
holds your images, such as a database, an archive, a chunked store or a function that draws them,
becomes one more in about fifteen lines. It can be passed as `X` wherever an array can: to
samplers, ensembles, embeddings, ``compare_resamplers``, ``render`` and cross-validation.

How to write a home of pixels
-----------------------------

Derive from :class:`Images`, and define four things: the number of images, their dtype, the shape
of each of them, and how rows are read into a given array:

>>> import numpy as np
>>> from imblearn_images.images import Images
>>> class Discs(Images):
...     """Grey discs of the given radii, drawn when they are read."""
...
...     dtype = np.dtype("uint8")
...
...     def __init__(self, radii):
...         self.radii = np.asarray(radii)
...
...     def __len__(self):
...         return len(self.radii)
...
...     def shape_of(self, row):
...         return (16, 16)
...
...     def read(self, rows, out):
...         y, x = np.ogrid[-7.5:8, -7.5:8]
...         out[...] = 255 * (np.hypot(y, x) < self.radii[rows, None, None])
>>> from imblearn_images import SMOTE, RandomUnderSampler
>>> discs, labels = Discs([2, 3, 4, 5, 6, 7]), ["small"] * 4 + ["large"] * 2
>>> X_res, y_res = SMOTE(k_neighbors=1, random_state=0).fit_resample(discs, labels)
>>> X_res.shape, X_res.dtype
((8, 16, 16), dtype('uint8'))

A sampler that only selects reads nothing. It returns a smaller home, which reads from the first
one:

>>> some, _ = RandomUnderSampler(random_state=0).fit_resample(discs, labels)
>>> isinstance(some, Images), len(some)
(True, 4)

A home must keep these rules:

- ``read(rows, out)`` writes into `out`, shape (len(rows), ...), in the dtype of the set, and
  keeps no reference to it. It is called from several threads at once, with rows in any order,
  possibly repeated; reading a row twice gives the same pixels.
- A home can be pickled. An open file or a connection, which cannot be, is opened again when it is
  needed.
- Shapes may differ. Then ``read`` resizes an image whose size is not that of `out`.
- ``uniform``, ``subset``, ``pixels`` and ``look_at`` are built on these four. Override them where
  you can do better: ``uniform`` asks for the shape of every row, ``pixels`` copies what is read
  into a temporary file.

Two samplers in a row need no stored pixels in between: the rows of a plan are a home as well,
each drawn when it is read.

>>> from imblearn_images.images import DrawnImages
>>> smote = SMOTE(k_neighbors=1, random_state=0)
>>> _, y_res = smote.fit_resample(discs, labels)
>>> DrawnImages(smote.plan_, discs)
DrawnImages(8 images)

Files of other formats need no home of their own, only a function that reads one file:
``FileImages(paths, reader=pydicom_pixels)``, or
``load_image_folder(folder, reader=numpy.load, suffixes=[".npy"])``. :class:`RemoteReader` is such a
function, for files on other machines. :class:`ItemImages` reads data sets of torch or Hugging Face.
'''

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imblearn_images.core import disk, files
from imblearn_images.core.containers import pillow_pixels
from imblearn_images.core.images import ArrayImages, FileImages, Images, StoreImages, open_images
from imblearn_images.core.pixels import resized
from imblearn_images.core.rendering import DrawnImages
from imblearn_images.core.text import printable

__all__ = [
    "ArrayImages",
    "DrawnImages",
    "FileImages",
    "Images",
    "ItemImages",
    "RemoteReader",
    "StoreImages",
    "open_images",
]


class ItemImages(Images):
    """Images of a data set that returns them one by one: of torch, Hugging Face, or a list.

    Read more in the :ref:`User Guide <homes-beyond-files>`.

    Parameters
    ----------
    dataset : sequence
        With ``len(dataset)`` and ``dataset[row]``: a map-style ``torch.utils.data.Dataset``, one
        of torchvision, a ``datasets.Dataset`` of Hugging Face, a list. It is read from several
        threads at once, and pickled where rows are drawn in other processes.
    key : str, int or callable, default=None
        Where in an item the image is: "image" in a dict, 0 in a pair of image and label; or a
        function of the item that returns an array (H, W) or (H, W, C), such as
        ``lambda item: item[0].permute(1, 2, 0)``. By default the item is the image. Images of
        Pillow are read as files are.
    shape : tuple, default=None
        The shape of all images, if it is known. By default an image is decoded to learn its
        shape, and once more when it is drawn.

    Raises
    ------
    ValueError
        If the data set is empty, or an item holds no image, or one of another dtype or number of
        channels than the first, or of another shape than `shape`; the row is named.
    TypeError
        If the data set has no length or no items by row.

    Examples
    --------
    >>> from imblearn_images import SMOTE
    >>> pairs = [(np.full((4, 4), 20 * row, dtype=np.uint8), "dog") for row in range(6)]
    >>> images = ItemImages(pairs, 0)
    >>> images.dtype, images.shape_of(5)
    (dtype('uint8'), (4, 4))
    >>> X_res, y_res = SMOTE(k_neighbors=1, random_state=0).fit_resample(
    ...     images, ["cat"] * 4 + ["dog"] * 2
    ... )
    >>> X_res.shape
    (8, 4, 4)
    """

    def __init__(
        self,
        dataset: Any,
        key: Hashable | Callable[[Any], Any] = None,
        *,
        shape: tuple[int, ...] | None = None,
    ) -> None:
        if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
            raise TypeError(
                "`dataset` must have a length and items by row, got "
                f"{type(dataset).__name__}. Write the images of a stream into files or a store "
                "first."
            )
        if not len(dataset):
            raise ValueError(
                f"`dataset` must hold an image, got an empty {type(dataset).__name__}."
            )
        self.dataset, self.key, self._is_known = dataset, key, shape is not None
        first = self._decoded(0)
        self.dtype = first.dtype
        self._shapes = np.zeros((len(dataset), first.ndim), dtype=np.int32)
        self._shapes[0] = first.shape
        if shape is not None:
            if tuple(shape) != first.shape:
                raise ValueError(
                    f"`shape` must be the shape of all images, got {shape}, and row 0 has "
                    f"{first.shape}. Leave it out where shapes differ."
                )
            self._shapes[:] = shape

    def __len__(self) -> int:
        return len(self._shapes)

    def shape_of(self, row: int) -> tuple[int, ...]:
        """Return the shape of one image, which is decoded if its shape is not known yet."""
        if not self._shapes[row, 0]:
            self._shapes[row] = self._image(row).shape
        return tuple(self._shapes[row].tolist())

    @property
    def uniform(self) -> tuple[int, ...] | None:
        """The shape of all images, or None if shapes differ or are not all known yet."""
        same = (self._shapes == self._shapes[0]).all()
        return self.shape_of(0) if same else None

    def read(self, rows: NDArray[np.intp], out: NDArray[Any]) -> None:
        """Decode the items `rows` into `out`; an image of another size is resized."""
        for row, place in zip(rows.tolist(), out, strict=True):
            image = self._image(row)
            if image.shape != place.shape:
                image = resized(image[None], place.shape[:2])[0]
            place[...] = image

    def _image(self, row: int) -> NDArray[Any]:
        """Return one image, or raise if it is not of the kind or shape that is expected."""
        image = self._decoded(row)
        known = tuple(self._shapes[row].tolist())
        if image.dtype != self.dtype or image.shape[2:] != tuple(self._shapes[0, 2:]):
            raise ValueError(
                f"Images must have one dtype and number of channels, got {image.dtype} of shape "
                f"{image.shape} in row {row}, and {self.dtype} of {self.shape_of(0)} in row 0. "
                "Pass as `key` a function that converts them."
            )
        if known[0] and image.shape != known and not self._is_known:
            raise ValueError(
                f"`dataset` must give the same images each time, got shape {image.shape} in row "
                f"{row} after {known}. Leave out its random transforms: samplers draw variations."
            )
        if known[0] and image.shape != known:
            raise ValueError(
                f"`shape` must be the shape of all images, got {known}, and row {row} has "
                f"{image.shape}. Leave it out where shapes differ."
            )
        return image

    def _decoded(self, row: int) -> NDArray[Any]:
        """Return the pixels of one item, or raise naming its row."""
        item = self.dataset[row]
        if callable(self.key):
            item = self.key(item)
        elif self.key is not None:
            try:
                item = item[self.key]
            except (KeyError, IndexError, TypeError) as error:
                raise ValueError(
                    f"`key` must say where in an item the image is, got {self.key!r}, but row "
                    f"{row} of the data set is a {type(item).__name__} without it: {error}. "
                    "Pass another key, or a function of the item."
                ) from error
        if isinstance(item, (tuple, dict)):  # several things, one of them perhaps the image
            image = np.empty(0)
        else:
            image = pillow_pixels(item) if isinstance(item, Image.Image) else np.asarray(item)
        if image.ndim < 2 or not image.size or image.dtype.kind not in "biuf":
            raise ValueError(
                f"Row {row} of the data set holds no image (H, W) or (H, W, C), got "
                f"{type(item).__name__} of shape {image.shape} and dtype {image.dtype}. Say with "
                "`key` where in an item the image is."
            )
        return image

    def __repr__(self) -> str:
        return f"{type(self).__name__}({type(self.dataset).__name__} of {len(self)} images)"


class RemoteReader:
    """Reads image files from other machines, and keeps copies of the last ones on this one.

    For ``FileImages(urls, reader=RemoteReader())``, with addresses of any file system that fsspec
    knows: ``s3://``, ``gs://``, ``https://``, ``memory://`` (``pip install
    imblearn-images[remote]``, and the package that the protocol needs).

    Read more in the :ref:`User Guide <homes-beyond-files>`.

    Parameters
    ----------
    cache : path, default=None
        Folder for fetched files; a file that is in it already is not fetched again. By default
        a temporary one, which is removed with the reader; each process has its own.
    max_bytes : int, default=1 << 30
        Bytes that these files may take; the files used longest ago are removed. One file always
        stays. Processes that share a folder count separately.
    storage_options : dict, default=None
        Options that fsspec passes to the file system, such as keys and endpoints.

    Raises
    ------
    ValueError
        If `max_bytes` is less than 1, or, when called, if a file is not an image.
    ImportError
        When called, if fsspec is not installed.
    OSError
        When called, if `max_bytes` is too small for the threads that read at a time.

    Examples
    --------
    >>> from imblearn_images.images import FileImages
    >>> urls = ["s3://bucket/cat/1.jpg", "s3://bucket/dog/1.jpg"]
    >>> reader = RemoteReader("cache", max_bytes=10 << 30, storage_options={"anon": True})
    >>> some = np.empty(0, dtype=int)  # rows to open now: none, so nothing is fetched
    >>> FileImages(urls, some, reader=reader)
    FileImages(2 images)
    """

    def __init__(
        self,
        cache: disk.FilePath | None = None,
        *,
        max_bytes: int = 1 << 30,
        storage_options: Mapping[str, Any] | None = None,
    ) -> None:
        if max_bytes < 1:
            raise ValueError(f"`max_bytes` must be a number of bytes, at least 1, got {max_bytes}.")
        self.cache, self.max_bytes = cache, max_bytes
        self.storage_options = storage_options
        self._prepare()

    def _prepare(self) -> None:
        """Set the state of a reader that has not opened its folder, which is never pickled."""
        self._lock = Lock()
        self._folder: Path | None = None
        self._temporary: Any = None
        self._n_bytes = 0
        self._fetching: dict[str, Lock] = {}
        self._sizes: dict[str, int] = {}
        """Name of each file in the folder -> its size, the one used longest ago first."""

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._prepare()  # another process lists the folder for itself

    def __call__(self, path: str) -> NDArray[Any]:
        """Return the pixels of a file."""
        name = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()
        for _ in range(3):
            place, is_new = self._fetched(path, name)
            try:
                return files.read_image(place)
            except FileNotFoundError:  # removed by another thread or process to make room
                continue
            except ValueError as error:
                if is_new:
                    reason = str(error).removeprefix(f"{printable(str(place))}: ")
                    raise ValueError(reason) from error
                place.unlink(missing_ok=True)  # the copy is damaged, e.g. by a power cut
        raise OSError(
            f"{printable(path)}: was removed from the cache before it was read. `max_bytes` must "
            f"be larger than {self.max_bytes} for so many threads or processes."
        )

    def _fetched(self, path: str, name: str) -> tuple[Path, bool]:
        """Return the path of the local copy, and whether it was fetched just now."""
        with self._lock:
            folder = self._open_folder()
            if name in self._sizes:
                self._sizes[name] = self._sizes.pop(name)  # moved to the end: removed last
        place = folder / name
        if place.exists():
            return place, False
        with self._lock:
            alone = self._fetching.setdefault(name, Lock())
        with alone:
            if place.exists():  # another thread has fetched it meanwhile
                return place, False
            try:
                content = self._content(path)
                with disk.written_whole(place) as file:
                    file.write(content)
            finally:
                with self._lock:
                    self._fetching.pop(name, None)
            self._note(name, len(content))
        return place, True

    def _content(self, path: str) -> bytes:
        """Return the bytes of a remote file."""
        try:
            import fsspec
        except ImportError as exc:
            raise ImportError(
                "RemoteReader needs fsspec. Install it: pip install imblearn-images[remote]"
            ) from exc
        with fsspec.open(path, "rb", **(self.storage_options or {})) as remote:
            content: bytes = remote.read()
        return content

    def _open_folder(self) -> Path:
        """Return the folder of copies; the first call makes it and counts what is in it."""
        if self._folder is None:
            if self.cache is None:
                self._temporary = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
            self._folder = Path(self._temporary.name if self.cache is None else self.cache)
            self._folder.mkdir(parents=True, exist_ok=True)
            with os.scandir(self._folder) as entries:
                ours = [each for each in entries if re.fullmatch("[0-9a-f]{64}", each.name)]
            for entry in sorted(ours, key=lambda each: each.stat().st_mtime):
                self._sizes[entry.name] = entry.stat().st_size
            self._n_bytes = sum(self._sizes.values())
        return self._folder

    def _note(self, name: str, n_bytes: int) -> None:
        """Count a file that was fetched, and remove the oldest ones if there are too many."""
        with self._lock:
            assert self._folder is not None
            self._n_bytes += n_bytes - self._sizes.pop(name, 0)
            self._sizes[name] = n_bytes
            while self._n_bytes > self.max_bytes and len(self._sizes) > 1:
                oldest = next(iter(self._sizes))
                self._n_bytes -= self._sizes.pop(oldest)
                with suppress(FileNotFoundError):
                    (self._folder / oldest).unlink()
