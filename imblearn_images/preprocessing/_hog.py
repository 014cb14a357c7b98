"""HOG: histograms of the directions of edges, cell by cell of an image."""

from __future__ import annotations

from itertools import chain
from math import prod
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from imblearn_images._docstrings import substitute
from imblearn_images.core import files
from imblearn_images.core.containers import unwrap
from imblearn_images.core.hog import NORMS, default_cell, hog_features, hog_shape
from imblearn_images.core.parallel import in_threads
from imblearn_images.core.pixels import channels_last
from imblearn_images.core.text import printable
from imblearn_images.preprocessing._pixels import (
    are_paths,
    block_height,
    image_tags,
    is_count,
    is_home,
    is_shape,
    pixels_of,
    read_rows,
    shaped,
)
from imblearn_images.preprocessing._reading import ReadImages, read_batch

_BLOCK = 16  # files that one thread holds at a time


@substitute
class HOGFeatures(TransformerMixin, BaseEstimator):
    """Describe the shapes in images, and where they are, by histograms of oriented gradients.

    The features of :func:`skimage.feature.hog`, for many images at once. They make a good
    `embedding` for samplers, because images of the same shape in another shade, or shifted by a
    pixel, are near.

    {guide=which-images-are-near}

    Parameters
    ----------
    orientations : int, default=9
        Number of directions, over 180 degrees.
    pixels_per_cell : (rows, columns), default=None
        Pixels whose gradients make one histogram. By default the largest even square
        that leaves the shorter side seven cells, e.g. 4 at 28 x 28, 8 at 64 x 64 and 32
        at 224 x 224 pixels. Leftover pixels at the lower and right border are ignored.
    cells_per_block : (rows, columns), default=(2, 2)
        Cells that are normalised together. Blocks overlap, so every inner cell counts
        several times.
    block_norm : {"L1", "L1-sqrt", "L2", "L2-Hys"}, default="L2-Hys"
        How a block is normalised, as in scikit-image.
    transform_sqrt : bool, default=True
        Whether the square root of the pixels is taken first, so that edges in shadows count more.
        scikit-image's default is False.
    size : (height, width), default=None
        Size in pixels to which every image is resized first, as by :class:`ReadImages`. Needed for
        files of different sizes, and worth it for photos: features are fewer and reading is faster.
    image_shape : tuple of int, default=None
        (H, W) or (H, W, C) of one image, needed where `X` holds rows of flattened pixels.
    {n_jobs}
    channel_axis : int, default=None
        Axis of one image that holds the channels, for arrays of images, as in scikit-image: 0 for
        (C, H, W), -1 for (H, W, C). By default the last one; an ambiguous shape, such as
        (12, 32, 32), is an error.

    Attributes
    ----------
    image_shape_ : tuple of int
        Shape of one image after reshaping and resizing.
    pixels_per_cell_ : tuple of int
        The cell size in use.
    {n_features_in_}

    See Also
    --------
    skimage.feature.hog : The same for one image, with a picture of the histograms.

    Notes
    -----
    In colour images each pixel counts with the channel of its steepest gradient.
    Images may have any dtype and range: integers are divided by the largest value of
    their dtype, floats beyond 0..1 are scaled to it image by image.

    References
    ----------
    N. Dalal, B. Triggs, "Histograms of oriented gradients for human detection", CVPR 2005,
    https://doi.org/10.1109/CVPR.2005.177.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(n_class=5, return_X_y=True)
    >>> images = X[:300].reshape(-1, 8, 8)
    >>> hog = HOGFeatures().fit(images)
    >>> features = hog.transform(images)
    >>> features.shape, features.dtype, hog.pixels_per_cell_
    ((300, 324), dtype('float32'), (2, 2))
    >>> np.allclose(hog.transform(images / 2), features, atol=1e-4)  # in half the light
    True

    As the features in which a sampler searches neighbours:

    >>> from imblearn_images import EditedNearestNeighbours
    >>> edit = EditedNearestNeighbours(embedding=HOGFeatures())
    >>> _ = edit.fit_resample(images, y[:300])
    >>> edit.plan_.nearness
    'HOGFeatures (324 features)'
    """

    # They may be lists, and are checked in `fit`.
    pixels_per_cell: Any
    pixels_per_cell_: Any
    cells_per_block: Any

    reads_homes = True
    """Whether homes of pixels are read block by block."""
    of_each_alone = True
    """Whether the features of an image do not depend on the other images, to the last bit."""

    def __init__(
        self,
        orientations: int = 9,
        pixels_per_cell: tuple[int, int] | None = None,
        cells_per_block: tuple[int, int] = (2, 2),
        block_norm: Literal["L1", "L1-sqrt", "L2", "L2-Hys"] = "L2-Hys",
        *,
        transform_sqrt: bool = True,
        size: tuple[int, int] | None = None,
        image_shape: tuple[int, ...] | None = None,
        n_jobs: int | None = None,
        channel_axis: int | None = None,
    ) -> None:
        self.orientations = orientations
        self.pixels_per_cell = pixels_per_cell
        self.cells_per_block = cells_per_block
        self.block_norm = block_norm
        self.transform_sqrt = transform_sqrt
        self.size = size
        self.image_shape = image_shape
        self.n_jobs = n_jobs
        self.channel_axis = channel_axis

    def fit(self, X: Any, y: Any = None) -> Any:
        """Learn the shape of the images; only the headers of files are read.

        Parameters
        ----------
        X : array-like of shape (n, H, W) or (n, H, W, C), of rows (n, d), or of paths
            As for :meth:`transform`.
        y : None
            Ignored.

        Returns
        -------
        self : HOGFeatures
        """
        self._check_parameters()
        images = X if is_home(X) else unwrap(X)[0]  # unwrap would read all images of a home
        if is_home(images):
            shape = self._planes(read_rows(images, 0, 1, self.size), reset=True).shape[1:]
            self.image_shape_ = shape if self.size is None else (*self.size, *shape[2:])
        elif are_paths(images):
            validate_data(self, images.reshape(-1, 1), skip_check_array=True)
            infos = files.describe_all(images, size=self.size, n_jobs=self.n_jobs)
            files.check_uniform(infos, images, by_mode=False)
            self.image_shape_ = infos[0].shape
            for path, info in zip(images, infos, strict=True):
                self._check_shape(info.shape, printable(path))
        else:
            shape = self._planes(images, reset=True).shape[1:]
            self.image_shape_ = shape if self.size is None else (*self.size, *shape[2:])
        cell = self.pixels_per_cell
        height, width = self.image_shape_[:2]
        self.pixels_per_cell_ = default_cell((height, width)) if cell is None else tuple(cell)
        self._output_shape()
        return self

    def transform(self, X: Any) -> Any:
        """Compute the features.

        Parameters
        ----------
        X : array-like of shape (n, H, W) or (n, H, W, C), of rows (n, d), or of paths
            Images of any dtype; rows of flattened pixels with `image_shape`; or image
            files, each of which is opened once, 16 at a time by each job. Any other home
            of pixels, such as what ``RedrawImages(lazy=True)`` returns, is read block by block.

        Returns
        -------
        features : ndarray of shape (n, d), float32
            d is the number of blocks times cells per block times orientations.

        Raises
        ------
        ValueError
            For flattened pixels without `image_shape`, images of another shape than
            those of :meth:`fit`, images too small for one block, NaN and infinity, files
            that cannot be read.
        """
        check_is_fitted(self)
        images = X if is_home(X) else unwrap(X)[0]
        if is_home(images):
            return self._of_home(images)
        if are_paths(images):
            return self._of_files(images)
        planes = self._planes(images, reset=False)
        last = -1 if planes.ndim == 4 else None
        planes = ReadImages(self.size, channel_axis=last).transform(planes)
        self._check_shape(planes.shape[1:], "X")
        return self._of_arrays(planes, self.n_jobs)

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Name the features.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        names : ndarray of shape (d,)
            "hog_0_2_1_0_8": in the block of row 0, column 2, the cell of row 1, column 0,
            the last of nine directions.
        """
        check_is_fitted(self)
        places = np.ndindex(self._output_shape())
        return np.array(["_".join(map(str, ("hog", *place))) for place in places], dtype=object)

    def _of_arrays(self, images, n_jobs):
        """Return the features of an array of images, shape (n, d)."""
        return hog_features(
            images,
            orientations=self.orientations,
            pixels_per_cell=self.pixels_per_cell_,
            cells_per_block=tuple(self.cells_per_block),
            block_norm=self.block_norm,
            transform_sqrt=self.transform_sqrt,
            n_jobs=n_jobs,
        )

    def _of_files(self, paths):
        """Return the features of files, shape (n, d); raise with all that cannot be read."""
        features = np.empty((len(paths), prod(self._output_shape())), dtype=np.float32)

        def block(start):
            rows = slice(start, start + _BLOCK)
            images = read_batch(paths[rows], self.size)
            errors = [image for image in images if isinstance(image, Exception)]
            if not errors:
                for path, image in zip(paths[rows], images, strict=True):
                    self._check_shape(image.shape, printable(path))
                for dtype in {
                    image.dtype for image in images
                }:  # stacked, they would be scaled alike
                    same = [at for at, image in enumerate(images) if image.dtype == dtype]
                    found = self._of_arrays(np.stack([images[at] for at in same]), 1)
                    features[start + np.array(same)] = found
            return errors

        starts = range(0, len(paths), _BLOCK)
        errors = in_threads(block, ((start,) for start in starts), n_jobs=self.n_jobs)
        files.raise_unreadable(list(chain.from_iterable(errors)), len(paths))
        return features

    def _of_home(self, images):
        """Return the features of the images of a home, shape (n, d), read block by block."""
        images.look_at(np.arange(len(images)), n_jobs=self.n_jobs)
        features = np.empty((len(images), prod(self._output_shape())), dtype=np.float32)
        height = block_height(images, self.size)

        def block(start):
            planes = self._planes(read_rows(images, start, start + height, self.size), reset=False)
            self._check_shape(planes.shape[1:], "X")
            features[start : start + height] = self._of_arrays(planes, 1)

        starts = range(0, len(images), height)
        in_threads(block, ((start,) for start in starts), n_jobs=self.n_jobs)
        return features

    def _output_shape(self):
        """Return the shape of the features of one image, before they are flattened."""
        height, width = self.image_shape_[:2]
        return hog_shape(
            (height, width), self.orientations, self.pixels_per_cell_, self.cells_per_block
        )

    def _planes(self, X, *, reset):
        """Return validated images, shape (n, H, W) or (n, H, W, C)."""
        images = pixels_of(self, X, reset=reset, finite=True)
        if self.image_shape is not None:
            images = shaped(images, tuple(self.image_shape))
        if images.ndim == 2:
            raise ValueError(
                f"X must hold images (n, H, W) or (n, H, W, C), got rows of pixels of shape "
                f"{images.shape}: HOGFeatures needs to know where each pixel is. Pass images, or "
                "image_shape=(H, W) or (H, W, C)."
            )
        if images.ndim > 4:
            raise ValueError(
                f"X must hold images (n, H, W) or (n, H, W, C), got shape {images.shape}. Move the "
                "axes first (numpy.moveaxis)."
            )
        return channels_last(images, self.channel_axis, "HOGFeatures")

    def _check_shape(self, shape, what):
        """Raise unless images of `what`, X or a file, have the shape of the fit."""
        if shape != self.image_shape_:
            raise ValueError(
                f"{what} holds images of shape {shape}, HOGFeatures was fitted on images of shape "
                f"{self.image_shape_}. HOGFeatures(size=(height, width)) brings all to one size; "
                'put ReadImages(mode="RGB") before it where the number of channels differs.'
            )

    def _check_parameters(self):
        """Raise for parameters that are not allowed."""
        files.check_size_and_mode(self.size, None)
        if not is_count(self.orientations):
            raise ValueError(
                f"`orientations` must be a positive integer, got {self.orientations!r}."
            )
        pairs = {"pixels_per_cell": self.pixels_per_cell, "cells_per_block": self.cells_per_block}
        for name, pair in pairs.items():
            if pair is None and name == "pixels_per_cell":
                continue
            if (
                not isinstance(pair, (tuple, list))
                or len(pair) != 2
                or not all(map(is_count, pair))
            ):
                raise ValueError(
                    f"`{name}` must be (rows, columns), positive integers, got {pair!r}."
                )
        if self.block_norm not in NORMS:
            raise ValueError(f"`block_norm` must be one of {NORMS}, got {self.block_norm!r}.")
        shape = self.image_shape
        if shape is not None and not (is_shape(shape) and len(shape) in (2, 3)):
            raise ValueError(f"`image_shape` must be None, (H, W) or (H, W, C), got {shape!r}.")

    def __sklearn_tags__(self):
        tags = image_tags(super().__sklearn_tags__())
        tags.input_tags.string = True
        tags.input_tags.allow_nan = False
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
