"""Steps of a pipeline: read image files, flatten images, and reshape them back."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from itertools import chain, product
from math import prod
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from PIL import Image
from PIL.Image import Resampling
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from imblearn_images.core import files, survey
from imblearn_images.core.containers import holds_paths, is_path, unwrap
from imblearn_images.core.memory import check_fits

__all__ = ["FlattenImages", "ReadImages", "ReshapeImages"]

_DTYPES = ["float64", "float32", "uint8", "uint16", "int32"]


class ReadImages(TransformerMixin, BaseEstimator):
    """Read image files into one array; arrays of pixels pass through.

    Stateless: `fit` opens no file, and `transform` works without it. Files are decoded
    in parallel (joblib threads, or the backend that ``joblib.parallel_config`` sets)
    straight into one preallocated array.

    Parameters
    ----------
    size : (height, width), default=None
        Resize every image to this many pixels, bilinear with anti-aliasing. Needed when
        the files differ in size. Arrays of images are resized the same way, channel by
        channel and in float32 at most; they must be (n, H, W) or (n, H, W, C).
    mode : {"L", "RGB", "RGBA"}, default=None
        Read all files as 8-bit grey, colour, or colour with alpha; needed when the
        files are of different kinds. 16-bit, integer and float files are scaled by the
        rule of :func:`imblearn_images.core.files.read_image`, never clipped. Arrays
        keep their channels. By default the files decide: uint8 for ordinary photos,
        uint16, int32, float32 or bool for others, with the channels they have.
    draft : bool, default=True
        With `size`, let the JPEG decoder reduce by 2, 4 or 8 first: faster, and about
        one grey level off on average.
    n_jobs : int, default=None
        As joblib's.
    verbose : int, default=0
        Show progress on stderr when positive, with tqdm if it is installed.

    Attributes
    ----------
    n_features_in_ : int
        1 when fitted on paths, the number of values of one image otherwise.

    See Also
    --------
    FlattenImages : The step behind, for estimators that want two-dimensional input.

    Notes
    -----
    The EXIF orientation of a photo is applied. Of animations and multi-page files the
    first frame is read. ``set_output`` is not available: images are no table.

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

    def __init__(self, size=None, mode=None, *, draft=True, n_jobs=None, verbose=0):
        self.size = size
        self.mode = mode
        self.draft = draft
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X, y=None):
        """Look at what `X` is, paths or pixels; no file is opened.

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
        images, _ = unwrap(X)
        if _are_paths(images):
            validate_data(self, images.reshape(-1, 1), skip_check_array=True)
        else:
            _pixels(self, images, reset=True, dtype=None)
        return self

    def transform(self, X):
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
            pixels, come back as they are, resized if `size` says so.

        Raises
        ------
        ValueError
            Naming all files that cannot be read, each with its reason; with counts when
            the files differ in kind and `mode` is None, or in size and `size` is None;
            when flattened pixels are to be resized.
        FileNotFoundError
            When all of them are because the file does not exist.
        MemoryError
            Before reading, when the array does not fit.
        """
        files.check_size_and_mode(self.size, self.mode)
        images, _ = unwrap(X)
        if _are_paths(images):
            return self._read(images)
        images = _pixels(self, images, reset=False)
        if self.size is None or images.shape[1:3] == tuple(self.size):
            return images
        if images.ndim not in (3, 4):
            raise ValueError(
                f"ReadImages(size={self.size}) cannot resize X of shape {images.shape}: it needs "
                "(n, H, W) or (n, H, W, C). Put ReshapeImages before it, or leave size=None."
            )
        return _resized(images, self.size)

    def _read(self, paths):
        infos = survey.describe_all(paths, size=self.size, mode=self.mode, n_jobs=self.n_jobs)
        if self.mode is None:
            survey.check_uniform(infos, paths)
        sizes = Counter(info.shape[:2] for info in infos)
        if len(sizes) > 1:
            table = [f"{height} x {width}: {n}" for (height, width), n in sizes.most_common(10)]
            more = [f"and {len(sizes) - 10} more sizes"] if len(sizes) > 10 else []
            raise ValueError(
                "\n  ".join([f"{len(paths)} image files have {len(sizes)} sizes:", *table, *more])
                + f"\nGive one to all: ReadImages(size={sizes.most_common(1)[0][0]})."
            )
        shape, dtype = (len(paths), *infos[0].shape), infos[0].dtype
        image_bytes = prod(shape[1:]) * dtype.itemsize
        check_fits(len(paths) * image_bytes, f"An array of {shape}", "Read with a smaller size=.")
        images, errors = np.empty(shape, dtype), []
        # In waves, because a backend of processes holds what it returns until the last is there.
        n_workers = effective_n_jobs(self.n_jobs)
        wave = max(n_workers, min(128 * n_workers, 2**24 // image_bytes))
        batch = max(1, min(16, wave // (4 * n_workers)))
        with Parallel(n_jobs=self.n_jobs, prefer="threads") as parallel:
            for start in _progress(range(0, len(paths), wave), len(paths), self.verbose):
                rows = paths[start : start + wave]
                tasks = (
                    delayed(_read_batch)(rows[i : i + batch], self.size, self.mode, self.draft)
                    for i in range(0, len(rows), batch)
                )
                for row, image in enumerate(chain.from_iterable(parallel(tasks)), start):
                    if isinstance(image, Exception):
                        errors.append(image)
                    else:
                        images[row] = image
        survey.raise_unreadable(errors, len(paths))
        return images

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # Not one_d_array: scikit-learn's checks would then send one-dimensional numbers. With
        # string they ask that `fit` converts nothing, hence its dtype=None.
        tags.input_tags.string = True
        return _image_tags(tags, requires_fit=False)


class FlattenImages(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Flatten images to rows of pixels, a view where memory order allows.

    Parameters
    ----------
    dtype : numpy dtype, default=None
        Convert the rows to this dtype; by default they keep theirs. Pass ``np.float32``
        when a sampler of imbalanced-learn follows: it would let differences of unsigned
        integers wrap around.

    Attributes
    ----------
    image_shape_ : tuple of int
        Shape of one image; (d,) when `X` was two-dimensional already.
    n_features_in_ : int
        Number of values of one image.
    feature_names_in_ : ndarray of shape (d,)
        Names of the columns, when `X` was a data frame.

    See Also
    --------
    ReshapeImages : The way back in a pipeline.

    Examples
    --------
    >>> X = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
    >>> flatten = FlattenImages().fit(X)
    >>> flatten.transform(X).shape
    (2, 12)
    >>> flatten.get_feature_names_out()[:4].tolist()
    ['pixel_0_0_0', 'pixel_0_0_1', 'pixel_0_0_2', 'pixel_0_1_0']
    >>> np.array_equal(flatten.inverse_transform(flatten.transform(X)), X)
    True
    """

    def __init__(self, dtype=None):
        self.dtype = dtype

    def fit(self, X, y=None):
        """Learn the shape of the images.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, d)
            Images of any dtype; more axes are taken, too.
        y : None
            Ignored.

        Returns
        -------
        self : FlattenImages
        """
        self.image_shape_ = _pixels(self, X, reset=True).shape[1:]
        return self

    def transform(self, X):
        """Flatten images.

        Parameters
        ----------
        X : array-like of shape (n, ...) or (n, d)
            Images, or rows of pixels, which pass through.

        Returns
        -------
        rows : ndarray of shape (n, d)
            In `dtype`, or that of `X`.

        Raises
        ------
        ValueError
            For images of another shape than those of :meth:`fit`.
        """
        check_is_fitted(self)
        images = _pixels(self, X, reset=False)
        if images.ndim > 2 and images.shape[1:] != self.image_shape_:
            raise ValueError(
                f"X holds images of shape {images.shape[1:]}, but FlattenImages was fitted on "
                f"images of shape {self.image_shape_}. Bring them to one size first, e.g. "
                "ReadImages(size=...)."
            )
        rows = images.reshape(len(images), -1)
        return rows if self.dtype is None else rows.astype(self.dtype, copy=False)

    def inverse_transform(self, X):
        """Give rows of pixels the shape of the images again.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows of pixels of any dtype.

        Returns
        -------
        images : ndarray of shape (n, ...)
            A view where possible.
        """
        check_is_fitted(self)
        rows = check_array(X, dtype=None, ensure_all_finite=False)
        return _shaped(rows, self.image_shape_)

    def get_feature_names_out(self, input_features=None):
        """Name the pixels.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of a two-dimensional `X`.

        Returns
        -------
        names : ndarray of shape (d,)
            "pixel_0_3_1" is row 0, column 3, channel 1. For two-dimensional input the
            names that came in, else "x0", "x1", ...
        """
        names = super().get_feature_names_out(input_features)
        if len(self.image_shape_) > 1:
            pixels = product(*map(range, self.image_shape_))
            names = np.array(["_".join(map(str, ("pixel", *p))) for p in pixels], dtype=object)
        return names

    def __sklearn_tags__(self):
        return _image_tags(super().__sklearn_tags__())


class ReshapeImages(TransformerMixin, BaseEstimator):
    """Reshape rows of pixels to images, for use behind samplers that flatten.

    Stateless. The shape is a parameter because a step of a pipeline cannot ask another
    one what it has learnt.

    Parameters
    ----------
    image_shape : tuple of int, default=None
        Shape of one image, e.g. (64, 64, 3). None leaves `X` as it is.

    Attributes
    ----------
    n_features_in_ : int
        Number of values of one image.

    See Also
    --------
    FlattenImages : The way there.

    Notes
    -----
    imbalanced-learn's own SMOTE must be given floating point: with unsigned integers
    its differences wrap round (seen up to 0.14.2). The samplers of this package take
    images of any dtype and need neither step.

    Examples
    --------
    Borderline samples of a sampler that knows rows only, as images again:

    >>> from imblearn.over_sampling import SVMSMOTE
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(n_class=2, return_X_y=True)
    >>> X, y = X[:250].reshape(-1, 8, 8), y[:250] * (np.arange(250) % 5 == 0)
    >>> rows, y_res = SVMSMOTE(random_state=0).fit_resample(FlattenImages().fit_transform(X), y)
    >>> images = ReshapeImages((8, 8)).fit_transform(rows)
    >>> images.shape == (len(y_res), 8, 8)
    True
    """

    def __init__(self, image_shape=None):
        self.image_shape = image_shape

    def fit(self, X, y=None):
        """Check that `X` has the shape or can be given it.

        Parameters
        ----------
        X : array-like of shape (n, d) or (n, ...)
            Rows of pixels, or images.
        y : None
            Ignored.

        Returns
        -------
        self : ReshapeImages
        """
        self._reshape(X, reset=True)
        return self

    def transform(self, X):
        """Reshape.

        Parameters
        ----------
        X : array-like of shape (n, d) or (n, ...)
            Rows of pixels, or images, which pass through.

        Returns
        -------
        images : ndarray of shape (n, ...)
            A view where possible; the dtype is kept.

        Raises
        ------
        ValueError
            When `d` is not the product of `image_shape`, or images have another shape.
        """
        return self._reshape(X, reset=False)

    def _reshape(self, X, reset):
        shape = self.image_shape
        if shape is not None and not (
            isinstance(shape, (tuple, list))
            and shape
            and all(isinstance(side, (int, np.integer)) and side > 0 for side in shape)
        ):
            raise ValueError(
                f"image_shape must be None or a tuple of positive integers, got {shape!r}."
            )
        images = _pixels(self, X, reset=reset)
        return images if shape is None else _shaped(images, tuple(shape))

    def __sklearn_tags__(self):
        return _image_tags(super().__sklearn_tags__(), requires_fit=False)


def _image_tags(tags, *, requires_fit=True):
    tags.requires_fit = requires_fit
    tags.input_tags.three_d_array = True
    tags.input_tags.allow_nan = True
    tags.transformer_tags.preserves_dtype = _DTYPES
    return tags


def _are_paths(images):
    return holds_paths(images) and len(images) > 0 and is_path(images[0])


def _pixels(estimator, X, *, reset, dtype="numeric"):
    """Validate images (n, ...); an image counts as one row of features."""
    images, _ = unwrap(X)
    if _are_paths(images):
        raise ValueError(
            f"X holds file paths, {type(estimator).__name__} needs pixels; "
            "put ReadImages before it."
        )
    pixels = check_array(
        images, dtype=dtype, ensure_all_finite=False, allow_nd=True, estimator=estimator
    )
    if pixels.ndim == 2:
        validate_data(estimator, images, reset=reset, skip_check_array=True)
    elif reset:
        validate_data(estimator, pixels.reshape(len(pixels), -1), skip_check_array=True)
    return pixels


def _shaped(rows, image_shape):
    if rows.shape[1:] != image_shape and (rows.ndim > 2 or rows.shape[1] != prod(image_shape)):
        raise ValueError(
            f"X of shape {rows.shape} cannot be {len(rows)} images of shape {image_shape}: "
            f"{' x '.join(map(str, rows.shape[1:]))} against "
            f"{' x '.join(map(str, image_shape))} = {prod(image_shape)} values each."
        )
    return rows.reshape(len(rows), *image_shape)


def _read_batch(paths, size, mode, draft):
    images: list[Any] = []
    for path in paths:
        try:
            images.append(files.read_image(path, size=size, mode=mode, draft=draft))
        except (OSError, ValueError) as exc:
            images.append(exc)
    return images


def _resized(images, size):
    """Resize images (n, H, W) or (n, H, W, C) as files are resized."""
    if images.dtype == bool:
        return _resized(images * np.uint8(255), size) >= 128
    # Pillow resizes planes of these three dtypes, with the rounding that each needs.
    by_kind = {"f": np.float32, "u": np.int32, "i": np.int32}
    working = np.uint8 if images.dtype == np.uint8 else by_kind.get(images.dtype.kind)
    if working is None or (working is np.int32 and not np.can_cast(images.dtype, np.int32)):
        raise ValueError(
            f"Images of dtype {images.dtype} cannot be resized; convert them to an integer "
            "dtype of at most 32 bits with sign, or to float."
        )
    planes = images if images.ndim == 4 else images[..., np.newaxis]
    resized = np.empty((len(images), *size, planes.shape[3]), images.dtype)
    for row, channel in np.ndindex(len(images), planes.shape[3]):
        plane = Image.fromarray(np.ascontiguousarray(planes[row, :, :, channel], dtype=working))
        resized[row, :, :, channel] = plane.resize(tuple(size)[::-1], Resampling.BILINEAR)
    return resized.reshape(len(images), *size, *images.shape[3:])


def _progress(starts: range, n: int, verbose: int) -> Iterator[int]:
    if not verbose:
        yield from starts
        return
    try:
        from tqdm import tqdm
    except ImportError:
        for start in starts:
            yield start
            sys.stderr.write(f"\rReadImages: {min(start + starts.step, n)} of {n}")
        sys.stderr.write("\n")
        return
    with tqdm(total=n, desc="ReadImages", unit="image") as bar:
        for start in starts:
            yield start
            bar.update(min(starts.step, n - start))
