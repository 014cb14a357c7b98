"""Folds: the same training and test images for all candidates of a comparison."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import (
    RepeatedStratifiedKFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
)

from imblearn_images.core.columns import plain_list, told
from imblearn_images.core.text import counted

__all__ = ["draw_folds", "make_folds"]

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]

SPLITS, REPEATS = 5, 2
"""Number of folds, and how often they are drawn, by default."""


def make_folds(y: NDArray[Any], groups: Any, cv: Any, seed: int) -> tuple[list[Fold], list[str]]:
    """Return folds of the images, after checking that they neither leak nor miss a class.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Labels.
    groups : array-like of shape (n,) or None
        Images that stay on one side.
    cv : int, splitter, iterable of (train, test) or None
        See :func:`compare_resamplers`.
    seed : int
        Seed of the folds that are drawn here.

    Returns
    -------
    folds : list of (train, test)
        Row numbers.
    notes : list of str
        How the folds differ from those requested, or from the usual ones.

    Raises
    ------
    ValueError
        Naming a class that has too few images, or groups of them, for the folds.

    Examples
    --------
    >>> y = np.array(["kiwi"] * 9 + ["lime"] * 3)
    >>> folds, notes = make_folds(y, None, None, 0)
    >>> len(folds), notes
    (6, ["3 folds instead of 5: class 'lime' has 3 images"])
    """
    if cv is None:
        folds, notes = draw_folds(y, groups, SPLITS, REPEATS, seed)
    elif isinstance(cv, (int, np.integer)):
        folds, notes = draw_folds(y, groups, int(cv), 1, seed)
        if notes:
            raise ValueError(f"`cv` must suit every class, got {cv}: {notes[0]}. Leave `cv` out.")
    else:
        folds, notes = _given(y, groups, cv), []
    return folds, notes + _check(y, groups, folds)


def draw_folds(
    y: NDArray[Any], groups: Any, n_splits: int, n_repeats: int, seed: int
) -> tuple[list[Fold], list[str]]:
    """Return stratified folds, as many as the smallest class allows.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Labels.
    groups : array-like of shape (n,) or None
        Images that stay on one side.
    n_splits, n_repeats : int
        Maximum number of folds, and how often the images are divided.
    seed : int
        Seed of the folds.

    Returns
    -------
    folds : list of (train, test)
        Row numbers.
    notes : list of str
        A note if there are fewer folds than requested.

    Raises
    ------
    ValueError
        If fewer than 2 folds or 1 repeat are requested, or a class is in one image or group.
    """
    if n_splits < 2 or n_repeats < 1:
        raise ValueError(
            f"A cross-validation needs at least 2 folds and 1 repeat, got {n_splits} and "
            f"{n_repeats}."
        )
    smallest, n_smallest, size = _smallest_class(y, groups)
    if n_smallest < 2:
        raise ValueError(
            f"Class {smallest!r} has {size}: it cannot be both trained on and tested. Add "
            "images, or leave the class out."
        )
    n = min(n_splits, n_smallest)
    notes = [f"{counted(n, 'fold')} instead of {n_splits}: class {smallest!r} has {size}"]
    folds = _drawn(y, groups, n, n_repeats, seed)
    return folds, notes if n < n_splits else []


def _smallest_class(y: NDArray[Any], groups: Any) -> tuple[Any, int, str]:
    """Return the class that limits the folds, its number of images or groups, and that as text."""
    counts = {
        label: np.count_nonzero(y == label)
        if groups is None
        else len(np.unique(np.asarray(groups)[y == label]))
        for label in plain_list(np.unique(y))
    }
    smallest = min(counts, key=counts.__getitem__)
    n = int(counts[smallest])
    return (
        smallest,
        n,
        counted(n, "image") if groups is None else f"{counted(n, 'group')} of images",
    )


def _drawn(y: NDArray[Any], groups: Any, n_splits: int, repeats: int, seed: int) -> list[Fold]:
    """Return the folds of scikit-learn's stratified splitters, over all repeats."""
    if groups is None and repeats > 1:
        plain = RepeatedStratifiedKFold(n_splits=n_splits, n_repeats=repeats, random_state=seed)
        return list(plain.split(y, y))
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    # There is no repeated splitter for groups: each repeat gets a seed of its own.
    rounds = [
        kind(n_splits, shuffle=True, random_state=(seed + k) % 2**32).split(y, y, groups)
        for k in range(repeats)
    ]
    return [fold for folds in rounds for fold in folds]


def _given(y: NDArray[Any], groups: Any, cv: Any) -> list[Fold]:
    """Return the folds of a splitter, or of an iterable of them."""
    with warnings.catch_warnings():
        # Classes with fewer images than folds warn here; `_check` raises or notes what is wrong.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        warnings.filterwarnings("ignore", "The groups parameter is ignored", UserWarning)
        return [
            (np.asarray(train), np.asarray(test))
            for train, test in check_cv(cv, y, classifier=True).split(y, y, groups)
        ]


def _check(y: NDArray[Any], groups: Any, folds: list[Fold]) -> list[str]:
    """Raise if folds leak or cannot train on a class; return notes on classes not tested."""
    notes = []
    for number, (train, test) in enumerate(folds, 1):
        sides = (train, test) if groups is None else (np.asarray(groups)[s] for s in (train, test))
        if len(both := np.intersect1d(*sides)):
            what = f"image {both[0]}" if groups is None else f"group {told(both[0])!r}"
            raise ValueError(
                f"Fold {number} of {len(folds)} trains and tests on {what}. Leave `cv` out, or "
                "pass a splitter that keeps groups together, e.g. StratifiedGroupKFold."
            )
    for label in plain_list(np.unique(y)):
        rows = y == label
        untrained = [number for number, (train, _) in enumerate(folds, 1) if not rows[train].any()]
        untested = [number for number, (_, test) in enumerate(folds, 1) if not rows[test].any()]
        if untrained or (untested and groups is None):
            few = f"{counted(np.count_nonzero(rows), 'image')}, too few for these folds"
            what, where = ("train on", untrained) if untrained else ("test", untested)
            raise ValueError(
                f"Class {label!r} has {few}: fold {where[0]} of {len(folds)} has none of them to "
                f"{what}. Use fewer folds"
                + (", or smaller groups." if groups is not None else ", or add images.")
            )
        if untested:
            notes.append(
                f"{len(untested)} of {len(folds)} folds have no test image of class {label!r}: its "
                "groups are too few or too large"
            )
    return notes
