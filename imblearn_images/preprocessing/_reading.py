"""Reading: image files, or other homes of images, are read into one array."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from itertools import chain
from math import prod
from typing import Any, Literal

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import validate_data

from imblearn_images._docstrings import substitute
from imblearn_images.core import files
from imblearn_images.core.containers import unwrap
from imblearn_images.core.images import Images, pixels_in_order
from imblearn_images.core.memory import check_fits, check_max_pixels, current_limits, image_limits
from imblearn_images.core.parallel import progress
from imblearn_images.core.pixels import channels_back, channels_last, resized
from imblearn_images.preprocessing._pixels import ImagesOutMixin, are_paths, image_tags, pixels_of


@substitute
class ReadImages(ImagesOutMixin, TransformerMixin, BaseEstimator):
    """Read image files into one array; arrays of pixels pass through.

    It is stateless: `fit` opens no file, and `transform` works without it. Files are decoded
    in parallel (joblib threads, or the backend that ``joblib.parallel_config`` sets)
    straight into one preallocated array.

    {guide=files-in-a-pipeline}

    Parameters
    ----------
    size : (height, width), default=None
        Size in pixels to which every image is resized, bilinear with anti-aliasing. Needed when
        the files differ in size. Arrays of images are resized the same way, channel by
        channel and in float32 at most; they must be (n, H, W) or (n, H, W, C).
    mode : {"L", "RGB", "RGBA"}, default=None
        How all files are read: as 8-bit grey, colour, or colour with alpha. Needed when the
        files are of different kinds. 16-bit, integer and float files are scaled by the
        rule of :func:`imblearn_images.core.files.read_image`, never clipped. Arrays
        keep their channels. By default the files decide: uint8 for ordinary photos,
        uint16, int32, float32 or bool for others, with the channels they have.
    draft : bool, default=True
        Whether, with `size`, the JPEG decoder first reduces an image by 2, 4 or 8. This is
        faster, and differs by about one grey level on average.
    max_pixels : int, default=None
        Maximum number of pixels of one file, against decompression bombs; by default that of
        :func:`image_limits`, 128 million.
    {n_jobs}
    verbose : int, default=0
        Whether to show a progress bar: if positive (needs the package tqdm).
    channel_axis : int, default=None
        Axis of one image that holds the channels, for arrays of images that are resized, as in
        scikit-image: 0 for (C, H, W), -1 for (H, W, C). By default the last one; an ambiguous
        shape, such as (12, 32, 32), is an error. Files are always read as (H, W, C).

    Attributes
    ----------
    {n_features_in_}

    See Also
    --------
    FlattenImages : The next step, for estimators that need two-dimensional input.

    Notes
    -----
    The EXIF orientation of a photo is applied. Of animations and multi-page files the
    first frame is read. ``set_output`` has no effect here, only on the later steps
    of a Pipeline: images are not a table, and stay an array.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> for k in range(3):
    ...     image = np.full((10 + k, 20, 3), 50 * k, dtype=np.uint8)
    ...     files.write_image(folder / f"{k}.png", image)
    >>> paths = sorted(folder.glob("*.png"))
    >>> X = ReadImages(size=(8, 16)).fit_transform(paths)
    >>> X.shape, X.dtype, X[:, 0, 0, 0].tolist()
    ((3, 8, 16, 3), dtype('uint8'), [0, 50, 100])
    """

    def __init__(
        self,
        size: tuple[int, int] | None = None,
        mode: Literal["L", "RGB", "RGBA"] | None = None,
        *,
        draft: bool = True,
        max_pixels: int | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        channel_axis: int | None = None,
    ) -> None:
        self.size = size
        self.mode = mode
        self.draft = draft
        self.max_pixels = max_pixels
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.channel_axis = channel_axis

    def fit(self, X: Any, y: Any = None) -> Any:
        """Record whether `X` holds paths or pixels; no file is opened.

        Parameters
        ----------
        X : array-like of paths, or of images (n, ...)
            As for :meth:`transform`.
        y : None
            Ignored.

        Returns
        -------
        self : ReadImages
        """
        files.check_size_and_mode(self.size, self.mode)
        check_max_pixels(self.max_pixels)
        images = _held(X, self.size)
        if are_paths(images):
            validate_data(self, images.reshape(-1, 1), skip_check_array=True)
        else:
            pixels_of(self, images, reset=True, dtype=None)
        return self

    def transform(self, X: Any) -> Any:
        """Read the images.

        Parameters
        ----------
        X : array-like of paths, or of images (n, ...)
            str or Path in a list, tuple, array (n,) or (n, 1), Series or one-column
            DataFrame; or pixels of shape (n, H, W), (n, H, W, C) or (n, d).

        Returns
        -------
        images : ndarray of shape (n, H, W) or (n, H, W, C)
            A new array for paths. Arrays of images, and (n, d) rows of flattened
            pixels, come back as they are, resized to `size` if given.

        Raises
        ------
        ValueError
            If files cannot be read: all are named, each with its reason. If the files differ in
            kind and `mode` is None, or in size and `size` is None: with the number of each. If
            flattened pixels are to be resized.
        FileNotFoundError
            If no file exists.
        MemoryError
            If the array does not fit into memory, raised before reading; if every file needs
            more memory than is available.
        """
        files.check_size_and_mode(self.size, self.mode)
        check_max_pixels(self.max_pixels)
        images = _held(X, self.size)
        if are_paths(images):
            with _limited(self.max_pixels):
                return self._read(images)
        images = pixels_of(self, images, reset=False)
        if self.size is None:
            return images
        if images.ndim not in (3, 4):
            raise ValueError(
                f"X must have shape (n, H, W) or (n, H, W, C) for ReadImages(size={self.size}), "
                f"got {images.shape}. Move the axes (numpy.moveaxis) or put ReshapeImages before "
                "it, or leave size=None."
            )
        planes = channels_last(images, self.channel_axis, "ReadImages")
        if planes.shape[1:3] == tuple(self.size):
            return images
        return channels_back(_resized(planes, self.size), self.channel_axis)

    def _read(self, paths):
        """Return the images of files in one array, after checking their headers."""
        infos = files.describe_all(paths, size=self.size, mode=self.mode, n_jobs=self.n_jobs)
        if self.mode is None:
            files.check_uniform(infos, paths, by_mode=False)
        sizes = Counter(info.shape[:2] for info in infos)
        if len(sizes) > 1:
            table = [f"{height} x {width}: {n}" for (height, width), n in sizes.most_common(10)]
            more = [f"and {len(sizes) - 10} more sizes"] if len(sizes) > 10 else []
            raise ValueError(
                "\n  ".join([f"{len(paths)} image files have {len(sizes)} sizes:", *table, *more])
                + f"\nPass one for all: ReadImages(size={sizes.most_common(1)[0][0]})."
            )
        shape, dtype = (len(paths), *infos[0].shape), infos[0].dtype
        image_bytes = prod(shape[1:]) * dtype.itemsize
        check_fits(len(paths) * image_bytes, f"An array of {shape}", "Read with a smaller size=.")
        images, errors = np.empty(shape, dtype), []
        # In waves, because a backend of processes holds all results until the last one is there:
        # of at most 16 MB, and long enough to keep every worker busy.
        n_workers = effective_n_jobs(self.n_jobs)
        wave = max(n_workers, min(128 * n_workers, 2**24 // image_bytes))
        limits = current_limits()  # threads and processes do not inherit them
        options = (self.size, self.mode, self.draft, limits)
        batch = max(1, min(16, wave // (4 * n_workers)))
        with (
            progress(len(paths), "ReadImages", self.verbose, unit="image") as done,
            Parallel(n_jobs=self.n_jobs, prefer="threads") as parallel,
        ):
            for start in range(0, len(paths), wave):
                rows = paths[start : start + wave]
                tasks = (
                    delayed(read_batch)(rows[i : i + batch], *options)
                    for i in range(0, len(rows), batch)
                )
                for row, image in enumerate(chain.from_iterable(parallel(tasks)), start):
                    if isinstance(image, Exception):
                        errors.append(image)
                    else:
                        images[row] = image
                done(len(rows))
        files.raise_unreadable(errors, len(paths))
        return images

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # Not one_d_array: scikit-learn's checks would then pass one-dimensional numbers. With
        # string they require that `fit` converts nothing, hence its dtype=None.
        tags.input_tags.string = True
        return image_tags(tags, requires_fit=False)


def _held(X: Any, size: tuple[int, int] | None) -> Any:
    """Return what a container holds; images of a home that differ in size come resized."""
    is_read_here = isinstance(X, Images) and (X.paths is None or getattr(X, "reader", None))
    if not is_read_here or size is None or X.uniform is not None:
        return unwrap(X)[0]
    rows = np.arange(len(X))
    X.look_at(rows)
    pixels = pixels_in_order(X, rows, tuple(size))
    return pixels.reshape(len(X), *size, *X.shape_of(0)[2:])


def read_batch(paths, size, mode=None, draft=True, limits=None):
    """Return a list of images of files, with an exception for each that cannot be read."""
    images: list[Any] = []
    with nullcontext() if limits is None else limits.hold():
        for path in paths:
            try:
                images.append(files.read_image(path, size=size, mode=mode, draft=draft))
            except (OSError, ValueError, MemoryError) as exc:
                images.append(exc)
    return images


def _limited(max_pixels):
    """Return a context in which files may have `max_pixels`; None changes nothing."""
    if max_pixels is None:
        return nullcontext()
    return image_limits(max_pixels=max_pixels, remedy="pass ReadImages(max_pixels={n})")


def _resized(images, size):
    """Return images (n, H, W) or (n, H, W, C) resized as files are, in their dtype."""
    kind = images.dtype.kind
    if kind not in "bfui" or (kind in "ui" and not np.can_cast(images.dtype, np.int32)):
        raise ValueError(
            "X must have an integer dtype of at most 32 bits with sign, or a float dtype, to be "
            f"resized, got {images.dtype}. Convert it first."
        )
    return resized(images, tuple(size)).astype(images.dtype, copy=False)
