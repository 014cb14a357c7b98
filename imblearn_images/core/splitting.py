"""Splitting: which images validate, so that none of them has a relative in training."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold, StratifiedShuffleSplit

from imblearn_images.core.text import counted


def split_rows(
    labels: Sequence[str],
    contents: NDArray[Any],
    groups: Sequence[Any] | None,
    validation: float,
    seed: int,
) -> tuple[NDArray[np.bool_], int]:
    """Choose the validation images.

    Parameters
    ----------
    labels : sequence of str, length n
        Classes; each keeps its share.
    contents : ndarray of shape (n,)
        Images of equal content stay on one side, always.
    groups : sequence of hashable, length n, default=None
        Images of one group stay on one side, too.
    validation : float
        Share of the images, above 0 and below 1.
    seed : int
        Of the draw.

    Returns
    -------
    is_valid : ndarray of bool, shape (n,)
    n_prevented : int
        Images that a plain stratified split of the same seed would have put into
        validation with a member of their group, or their equal, in training.

    Raises
    ------
    ValueError
        When a class is too small, or there are too few groups, naming it.

    Notes
    -----
    Without `groups` one of each equal images is split by scikit-learn's
    ``StratifiedShuffleSplit``, the others follow. With `groups`, folds of its
    ``StratifiedGroupKFold`` validate: of 5 folds one for 0.2, of 10 three for 0.3, those in
    which the classes keep their shares best.
    """
    # numbered, because an array of text takes room for the longest text in every row
    names, y = np.unique(np.asarray(labels, dtype=object), return_inverse=True)
    _check_share(names, y, validation)
    plain = _shuffled(names, y, validation, seed)
    _, equals = np.unique(contents, return_inverse=True)
    if groups is None:
        bonds = equals
        _, first, back = np.unique(equals, return_index=True, return_inverse=True)
        is_valid = (
            plain if len(first) == len(y) else _shuffled(names, y[first], validation, seed)[back]
        )
    else:
        bonds = merge_groups(groups, equals)
        is_valid = _grouped(y, bonds, validation, seed)
    for number, name in enumerate(names):
        rows = y == number
        if is_valid[rows].all() or not is_valid[rows].any():
            side = "training" if is_valid[rows].all() else "validation"
            raise ValueError(
                f"Class {name!r} of {counted(np.count_nonzero(rows), 'image')} would have none for "
                f"{side} at validation={validation}. Add images, take another share or seed"
                + ("." if groups is None else ", or smaller groups.")
            )
    trained = np.unique(bonds[~plain])
    return is_valid, int(np.count_nonzero(plain & np.isin(bonds, trained)))


def merge_groups(one: Iterable[Any], other: Iterable[Any]) -> NDArray[np.intp]:
    """Join two groupings: what either of them holds together, stays together.

    Examples
    --------
    >>> merge_groups(["a", "a", "b", "c"], [0, 1, 1, 2]).tolist()
    [0, 0, 0, 1]
    """
    names: list[NDArray[np.intp]] = []
    for grouping in (one, other):
        known: dict[Any, int] = {}
        names.append(np.array([known.setdefault(name, len(known)) for name in grouping], np.intp))
    n_one = int(names[0].max(initial=-1)) + 1
    n = n_one + int(names[1].max(initial=-1)) + 1
    graph = coo_matrix((np.ones(len(names[0]), np.int8), (names[0], n_one + names[1])), (n, n))
    parts: NDArray[np.intp] = connected_components(graph, directed=False)[1]
    return np.unique(parts[names[0]], return_inverse=True)[1].astype(np.intp)


def _check_share(names: NDArray[Any], y: NDArray[np.intp], validation: float) -> None:
    if not 0 < validation < 1:
        raise ValueError(f"`validation` must be a share above 0 and below 1, got {validation!r}.")
    if len(small := names[np.bincount(y) < 2]):
        n_others = counted(len(small) - 1, "more class, has")
        others = f" (and {n_others})" if len(small) > 1 else ""
        raise ValueError(
            f"Class {small[0]!r} has 1 image{others}; a split needs at least 2 of each class. Add "
            "images, leave the class out, or use validation=0."
        )


def _shuffled(
    names: NDArray[Any], y: NDArray[np.intp], validation: float, seed: int
) -> NDArray[np.bool_]:
    n_classes = len(names)
    # scikit-learn wants room for one image of every class on both sides
    n_valid = int(np.clip(np.ceil(validation * len(y)), n_classes, len(y) - n_classes))
    is_valid = np.zeros(len(y), dtype=bool)
    try:
        split = StratifiedShuffleSplit(1, test_size=n_valid, random_state=seed)
        is_valid[next(split.split(y, y))[1]] = True
    except ValueError as error:
        counts = dict(zip(names.tolist(), np.bincount(y).tolist(), strict=True))
        raise ValueError(
            f"{len(y)} different images cannot be split at validation={validation}: {error} "
            f"Different images per class: {counts}"
        ) from error
    # StratifiedShuffleSplit may leave a tiny class out of one side: move one image over
    for number in range(n_classes):
        rows = np.flatnonzero(y == number)
        if is_valid[rows].all() or not is_valid[rows].any():
            chosen = np.random.default_rng([seed, len(rows)]).choice(rows)
            is_valid[chosen] = not is_valid[chosen]
    return is_valid


def _grouped(
    y: NDArray[np.intp], groups: NDArray[np.intp], validation: float, seed: int
) -> NDArray[np.bool_]:
    share = Fraction(validation).limit_denominator(10)
    share = min(max(share, Fraction(1, 10)), Fraction(9, 10))
    n_groups = len(np.unique(groups))
    if n_groups < share.denominator:
        raise ValueError(
            f"{counted(n_groups, 'group')} cannot be split at validation={validation}, which needs "
            f"{share.denominator}; use finer groups, or a share such as {1 / max(n_groups, 2):.2f}."
        )
    folds = StratifiedGroupKFold(share.denominator, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # of classes with fewer images than folds; the caller checks what came out
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        parts = [rows for _, rows in folds.split(y, y, groups)]
    counts = np.array([np.bincount(y[rows], minlength=y.max() + 1) for rows in parts])
    chosen = min(
        combinations(range(len(parts)), share.numerator),
        key=lambda some: np.abs(counts[list(some)].sum(0) / counts.sum(0) - validation).sum(),
    )
    is_valid = np.zeros(len(y), dtype=bool)
    is_valid[np.concatenate([parts[fold] for fold in chosen])] = True
    return is_valid
