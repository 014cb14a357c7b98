"""Folds: one division into training and test images for all that are compared."""

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

from imblearn_images.core.targets import plain_list, told
from imblearn_images.core.text import counted

__all__ = ["draw_folds", "make_folds"]

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]

SPLITS, REPEATS = 5, 2


def make_folds(y: NDArray[Any], groups: Any, cv: Any, seed: int) -> tuple[list[Fold], list[str]]:
    """Divide images into folds.

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
        Rows.
    notes : list of str
        What differs from what was requested or is usual.

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
    """Draw stratified folds, as many as the smallest class allows.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Labels.
    groups : array-like of shape (n,) or None
        Images that stay on one side.
    n_splits, n_repeats : int
        Maximum number of folds, and how often the images are divided.
    seed : int
        Seed of the draw.

    Returns
    -------
    folds : list of (train, test)
        Rows.
    notes : list of str
        One where there are fewer folds than requested.
    """
    if n_splits < 2 or n_repeats < 1:
        raise ValueError(
            f"A cross-validation needs at least 2 folds and 1 repeat, got {n_splits} and "
            f"{n_repeats}."
        )
    smallest, least, said = _smallest_class(y, groups)
    if least < 2:
        raise ValueError(
            f"Class {smallest!r} has {said}: it cannot be both trained on and tested. Add "
            "images, or leave the class out."
        )
    n = min(n_splits, least)
    notes = [f"{counted(n, 'fold')} instead of {n_splits}: class {smallest!r} has {said}"]
    folds = _drawn(y, groups, n, n_repeats, seed)
    return folds, notes if n < n_splits else []


def _smallest_class(y: NDArray[Any], groups: Any) -> tuple[Any, int, str]:
    """The class that limits the folds, its number of images or groups, and that in words."""
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
    if groups is None and repeats > 1:
        plain = RepeatedStratifiedKFold(n_splits=n_splits, n_repeats=repeats, random_state=seed)
        return list(plain.split(y, y))
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    rounds = [
        kind(n_splits, shuffle=True, random_state=(seed + k) % 2**32).split(y, y, groups)
        for k in range(repeats)
    ]
    return [fold for folds in rounds for fold in folds]


def _given(y: NDArray[Any], groups: Any, cv: Any) -> list[Fold]:
    with warnings.catch_warnings():
        # of classes with fewer images than folds; what came out is checked below
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        warnings.filterwarnings("ignore", "The groups parameter is ignored", UserWarning)
        return [
            (np.asarray(train), np.asarray(test))
            for train, test in check_cv(cv, y, classifier=True).split(y, y, groups)
        ]


def _check(y: NDArray[Any], groups: Any, folds: list[Fold]) -> list[str]:
    """Raise for folds that leak or cannot train on a class; note where one is not tested."""
    notes = []
    for number, (train, test) in enumerate(folds, 1):
        sides = (train, test) if groups is None else (np.asarray(groups)[s] for s in (train, test))
        if len(both := np.intersect1d(*sides)):
            what = f"image {both[0]}" if groups is None else f"group {told(both[0])!r}"
            raise ValueError(
                f"Fold {number} of {len(folds)} trains and tests on {what}: leave `cv` out, or "
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
                f"{len(untested)} of {len(folds)} folds test no image of class {label!r}: its "
                "groups are too few or too large"
            )
    return notes
