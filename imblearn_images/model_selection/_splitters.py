"""Splitters: stratified folds for images with several labels."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from imblearn_images.core.columns import as_groups, sortable
from imblearn_images.core.multilabel import count_labels_of
from imblearn_images.core.splitting import share_out
from imblearn_images.core.text import counted

__all__ = ["MultilabelStratifiedKFold", "MultilabelStratifiedShuffleSplit"]

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]


def _shared(
    X: Any, y: Any, groups: Any, shares: list[float], random_state: np.random.RandomState
) -> NDArray[np.intp]:
    """Return the part of each image, shape (n,): an index into `shares`."""
    if y is None:
        raise ValueError("`y` must hold the labels of each image, got None. Pass them to split.")
    counts = count_labels_of(y).counts
    shape = getattr(X, "shape", None)
    n = len(counts) if X is None else shape[0] if shape else len(X)
    if n != len(counts):
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: {n} images in X, "
            f"{len(counts)} rows of labels in y."
        )
    names = None
    if groups is not None:
        names = sortable(as_groups(groups, n, of="images"))
    n_units, what = (n, "image") if names is None else (len(np.unique(names)), "group")
    if n_units < len(shares):
        raise ValueError(
            f"{counted(n_units, what)} cannot be divided into {len(shares)} parts. Use fewer, or "
            f"add {what}s."
        )
    side = share_out(counts, shares, names, random_state)
    if len(np.unique(side)) < len(shares):
        raise ValueError(
            f"{counted(n_units, what)} cannot be divided into {len(shares)} parts of these shares. "
            "Use fewer parts, or smaller groups."
        )
    return side


class MultilabelStratifiedKFold(BaseEstimator):
    """Folds in which every label has its share of images, or of objects.

    For images with several labels, which have too many different sets of labels to stratify by
    these. Objects are counted: a label with five objects in an image counts five times.

    Read more in the :ref:`User Guide <several-labels>`.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    shuffle : bool, default=False
        Whether ties between images are broken at random, so that every call gives other folds.
    random_state : int, RandomState instance or None, default=None
        Seed, for `shuffle`: with an int, every call gives the same folds.

    See Also
    --------
    MultilabelStratifiedShuffleSplit : Test sets of any share.
    sklearn.model_selection.StratifiedKFold : Folds for images with one label each.

    Notes
    -----
    Images are assigned by iterative stratification [1]_ on counts, the rarest label first. Then
    images are exchanged between folds as long as that brings the labels closer to their shares.
    All folds have nearly the same size. A label with as many images as there are folds is tested
    in every fold.

    With `groups`, images of one group stay in one fold.

    References
    ----------
    .. [1] K. Sechidis, G. Tsoumakas, I. Vlahavas, "On the stratification of multi-label data",
       ECML PKDD 2011.

    Examples
    --------
    >>> from imblearn_images.model_selection import MultilabelStratifiedKFold
    >>> photos = ["1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg", "6.jpg"]
    >>> labels = [["cat"], ["cat", "owl"], ["cat"], ["cat", "dog"], ["dog"], ["owl"]]
    >>> folds = MultilabelStratifiedKFold(2)
    >>> for _, test in folds.split(photos, labels):
    ...     print(sorted(label for row in test for label in labels[row]))
    ['cat', 'cat', 'dog', 'owl']
    ['cat', 'cat', 'dog', 'owl']
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        shuffle: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Fold]:
        """Yield the training rows and the test rows of each fold.

        Parameters
        ----------
        X : array-like of length n, or None
            Images; only their number matters.
        y : array-like of shape (n, L), or list of length n
            A table of 0 and 1, or of numbers of objects; or a list with the labels of each image.
        groups : array-like of shape (n,), default=None
            Images that stay in one fold.

        Yields
        ------
        train, test : ndarray of shape (n_train,), ndarray of shape (n_test,)
            Row numbers, ascending.

        Raises
        ------
        ValueError
            If lengths differ, a label or group is missing, or there are fewer images, or groups,
            than folds.
        """
        n = self.get_n_splits()
        if self.random_state is not None and not self.shuffle:
            raise ValueError(
                f"`random_state` must be None without `shuffle`, got {self.random_state!r}. Pass "
                "shuffle=True, too."
            )
        rng = check_random_state(self.random_state if self.shuffle else 0)
        side = _shared(X, y, groups, [1 / n] * n, rng)
        for fold in range(n):
            yield np.flatnonzero(side != fold), np.flatnonzero(side == fold)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of folds."""
        n = self.n_splits
        if not isinstance(n, Integral) or isinstance(n, bool) or n < 2:
            raise ValueError(f"`n_splits` must be a number of folds, at least 2, got {n!r}.")
        return int(n)


class MultilabelStratifiedShuffleSplit(BaseEstimator):
    """Random splits in which every label has its share of images, or of objects, on both sides.

    Read more in the :ref:`User Guide <several-labels>`.

    Parameters
    ----------
    n_splits : int, default=10
        Number of splits, at least 1.
    test_size : float, default=0.1
        Share of the images for testing, above 0 and below 1.
    random_state : int, RandomState instance or None, default=None
        Seed: with an int, every call gives the same splits.

    See Also
    --------
    MultilabelStratifiedKFold : Folds; explains how images are assigned.

    Notes
    -----
    A label that occurs in two images is on both sides.

    Examples
    --------
    >>> from imblearn_images.model_selection import MultilabelStratifiedShuffleSplit
    >>> labels = [["cat"]] * 8 + [["cat", "dog"]] * 4 + [["dog", "owl"]] * 4
    >>> split = MultilabelStratifiedShuffleSplit(1, test_size=0.25, random_state=0)
    >>> train, test = next(split.split(labels, labels))
    >>> sorted(label for row in test for label in labels[row])
    ['cat', 'cat', 'cat', 'dog', 'dog', 'owl']
    """

    def __init__(
        self,
        n_splits: int = 10,
        *,
        test_size: float = 0.1,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_splits = n_splits
        self.test_size = test_size
        self.random_state = random_state

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Fold]:
        """Yield the training rows and the test rows of each split.

        Parameters
        ----------
        X : array-like of length n, or None
            Images; only their number matters.
        y : array-like of shape (n, L), or list of length n
            A table of 0 and 1, or of numbers of objects; or a list with the labels of each image.
        groups : array-like of shape (n,), default=None
            Images that stay on one side.

        Yields
        ------
        train, test : ndarray of shape (n_train,), ndarray of shape (n_test,)
            Row numbers, ascending.

        Raises
        ------
        ValueError
            If lengths differ, a label or group is missing, or there are too few images or groups.
        """
        n, size = self.get_n_splits(), self.test_size
        if not isinstance(size, Real) or not 0 < float(size) < 1:
            raise ValueError(f"`test_size` must be a share above 0 and below 1, got {size!r}.")
        rng = check_random_state(self.random_state)
        for _ in range(n):
            side = _shared(X, y, groups, [1 - float(size), float(size)], rng)
            yield np.flatnonzero(side == 0), np.flatnonzero(side == 1)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of splits."""
        n = self.n_splits
        if not isinstance(n, Integral) or isinstance(n, bool) or n < 1:
            raise ValueError(f"`n_splits` must be a number of splits, at least 1, got {n!r}.")
        return int(n)
