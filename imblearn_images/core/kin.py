"""Kin: who is near whom, for a synthesis that chooses parents."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from imblearn_images.core.targets import plain_list


class Kin:
    """The source images as a synthesis sees them: labels, features, neighbours.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Labels of the source images.
    features : callable
        ``features()`` computes features of shape (n, d); called when first needed, so a
        synthesis that looks at nobody costs nothing.
    rng : numpy.random.Generator
        Random numbers of the planning.

    Examples
    --------
    >>> y = np.array(["cat", "cat", "dog", "dog"])
    >>> kin = Kin(y, lambda: np.array([[0.0], [1.0], [1.5], [5.0]]), np.random.default_rng(0))
    >>> kin.counts == {"cat": 2, "dog": 2}
    True
    >>> kin.asked, kin.neighbors(np.array([1]), among=np.arange(4), k=2).tolist(), kin.asked
    (False, [[2, 0]], True)
    """

    def __init__(
        self,
        y: NDArray[Any],
        features: Callable[[], NDArray[Any]],
        rng: np.random.Generator,
    ) -> None:
        self.y = y
        self.rng = rng
        self._features = features
        self._told: set[str] = set()

    @cached_property
    def counts(self) -> dict[Any, int]:
        """Number of source images of each class."""
        return dict(Counter(plain_list(self.y)))

    @property
    def asked(self) -> bool:
        """Whether a synthesis has looked at the features."""
        return "features" in vars(self)

    @cached_property
    def features(self) -> NDArray[Any]:
        """Features of the source images, shape (n, d)."""
        return self._features()

    def warn(self, message: str) -> None:
        """Warn, of one thing only once: rejected children are planned again and again."""
        if message not in self._told:
            self._told.add(message)
            warnings.warn(message, UserWarning, stacklevel=2)

    def seeds(self, n: int) -> NDArray[np.uint64]:
        """Seeds of `n` children."""
        return self.rng.integers(1 << 64, size=n, dtype=np.uint64)

    def neighbors(
        self, rows: NDArray[np.intp], among: NDArray[np.intp], k: int
    ) -> NDArray[np.intp]:
        """Find the nearest source images, by Euclidean distance of features.

        Parameters
        ----------
        rows : ndarray of shape (m,)
            Source rows that look for neighbours.
        among : ndarray of shape (q,)
            Source rows that may be found.
        k : int
            How many.

        Returns
        -------
        found : ndarray of shape (m, k'), dtype intp
            Source rows, the nearest first; ``k'`` is less than `k` where there are not so
            many. A row is no neighbour of itself.
        """
        others = len(among) - int(np.isin(rows, among).any())
        k = min(k, others)
        if k <= 0 or not len(rows):
            return np.empty((len(rows), 0), dtype=np.intp)
        search = NearestNeighbors(n_neighbors=min(k + 1, len(among))).fit(self.features[among])
        found = among[search.kneighbors(self.features[rows], return_distance=False)]
        # Not every row is among those searched, and copies of an image may come before it.
        is_other = found != rows[:, None]
        order = np.argsort(~is_other, axis=1, kind="stable")
        return np.asarray(np.take_along_axis(found, order, axis=1)[:, :k])
