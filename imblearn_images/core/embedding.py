"""The embedding: the features in which "near" is measured. Here: the pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from imblearn_images.core.images import ArrayImages, FileImages, Images, check_finite
from imblearn_images.core.neighbors import nearest_neighbors

THUMBNAIL = (32, 32)


class PixelSearch:
    """Search for the nearest images of a class by their pixels.

    Parameters
    ----------
    images : Images
        Where the pixels live.
    k_neighbors : int or estimator
        Number of neighbours, found exactly by
        :func:`~imblearn_images.core.neighbors.nearest_neighbors`; or an unfitted
        neighbours object, fitted on the flattened pixels of one class at a time and
        asked for one neighbour more, as imbalanced-learn does.
    n_jobs : int, default=None
        Threads.

    Notes
    -----
    Images in files are compared pixel by pixel where the images of the class have one
    shape, otherwise on thumbnails of 32 x 32 pixels.
    """

    def __init__(
        self, images: Images, k_neighbors: int | NearestNeighbors, *, n_jobs: int | None = None
    ) -> None:
        self.images, self.k_neighbors, self.n_jobs = images, k_neighbors, n_jobs

    def __call__(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Neighbours of `rows` among themselves, as positions, shape (len(rows), k)."""
        pixels, members = self._pixels(rows)
        check_finite(pixels, members, rows)
        if isinstance(self.k_neighbors, int):
            return nearest_neighbors(pixels, members, self.k_neighbors, n_jobs=self.n_jobs)
        vectors = pixels[members]
        if vectors.dtype.kind in "bui":  # differences of unsigned pixels would wrap around
            vectors = vectors.astype(np.float32 if vectors.dtype.itemsize <= 2 else np.float64)
        found: NDArray[np.intp] = self.k_neighbors.fit(vectors).kneighbors(
            vectors, return_distance=False
        )
        return found[:, 1:]

    def _pixels(self, rows: NDArray[np.intp]) -> tuple[Any, NDArray[np.intp]]:
        if isinstance(self.images, FileImages):
            size = THUMBNAIL if self._mixed(rows) else self.images.shape_of(rows[0])[:2]
            return self.images.decode(rows, size, n_jobs=self.n_jobs), np.arange(len(rows))
        if isinstance(self.images, ArrayImages):
            return self.images.pixel_rows(rows)
        return self.images, rows  # a sparse matrix: 2-D input as imbalanced-learn takes it

    def _mixed(self, rows: NDArray[np.intp]) -> bool:
        return len({self.images.shape_of(row) for row in rows}) > 1

    def describe(self, classes: dict[Any, NDArray[np.intp]]) -> str:
        """What "near" means for the rows of these classes, in a few words."""
        if isinstance(self.images, FileImages):
            mixed = [str(label) for label, rows in classes.items() if self._mixed(rows)]
            if mixed:
                which = "" if len(mixed) == len(classes) else f" in {', '.join(mixed)}"
                return f"{THUMBNAIL[0]}x{THUMBNAIL[1]} thumbnails (sizes differ){which}"
        return "pixels"
