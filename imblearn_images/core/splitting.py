"""Splitting: choose validation images so that none of them has an equal or group in training.

Images with one class each are split as scikit-learn does (:func:`split_rows`); images with several
labels, or with objects of several classes, by their counts (:func:`share_out`).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import combinations
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold

from imblearn_images.core.text import counted


def split_rows(
    labels: Sequence[str] | NDArray[Any],
    contents: NDArray[Any],
    groups: Sequence[Any] | None,
    validation: float,
    seed: int,
) -> tuple[NDArray[np.bool_], int]:
    """Choose the validation images.

    Parameters
    ----------
    labels : sequence of str, length n
        Class of each image; classes keep their shares.
    contents : ndarray of shape (n,)
        Images of equal content always stay on the same side.
    groups : sequence of hashable, length n, default=None
        Images of one group stay on the same side, too.
    validation : float
        Share of validation images, above 0 and below 1.
    seed : int
        Seed of the random choice.

    Returns
    -------
    is_valid : ndarray of bool, shape (n,)
        Whether each image is a validation image.
    n_prevented : int
        Number of images that a plain stratified split with the same seed would have put into
        validation although an equal image, or one of their group, is in training.

    Raises
    ------
    ValueError
        If a class is too small, naming it, or if there are too few groups.

    Notes
    -----
    Without `groups`, one of several equal images is split as scikit-learn's
    ``StratifiedShuffleSplit`` splits, and the others follow it. With `groups`, folds of its
    ``StratifiedGroupKFold`` become the validation images: one of 5 folds for 0.2, three of 10 for
    0.3, chosen so that the classes keep their shares best.
    """
    # Classes become small numbers: there may be a million images.
    names = np.array(sorted(set(labels)), dtype=object)
    number_of = {name: number for number, name in enumerate(names)}
    y = np.fromiter(map(number_of.__getitem__, labels), dtype=np.int32, count=len(labels))
    _check_share(names, y, validation)
    # Split twice where images belong together, to say how many would have leaked.
    plain = _shuffled(names, y, validation, seed)
    if groups is not None:
        bonds = merge_groups(groups, contents)
        is_valid = _grouped(y, bonds, validation, seed)
    elif _all_differ(contents):
        bonds, is_valid = contents, plain
    else:
        _, first, bonds = np.unique(contents, return_index=True, return_inverse=True)
        is_valid = _shuffled(names, y[first], validation, seed)[bonds]
    for number, name in enumerate(names):
        rows = y == number
        if is_valid[rows].all() or not is_valid[rows].any():
            side = "training" if is_valid[rows].all() else "validation"
            raise ValueError(
                f"Class {name!r} of {counted(np.count_nonzero(rows), 'image')} would have none for "
                f"{side} at validation={validation}. Add images, use another share or seed"
                + ("." if groups is None else ", or smaller groups.")
            )
    # All images differ, so nothing could leak. Compared by identity, which needs no pass over them.
    if bonds is contents:
        return is_valid, 0
    trained = np.unique(bonds[~plain])
    return is_valid, int(np.count_nonzero(plain & np.isin(bonds, trained)))


def _all_differ(contents: NDArray[Any]) -> bool:
    # Sorted, because a set of a million Python objects takes many times the memory.
    ordered = np.sort(contents)
    return bool((ordered[1:] != ordered[:-1]).all())


def merge_groups(one: Iterable[Any], other: Iterable[Any]) -> NDArray[np.intp]:
    """Return groups in which images stay together that are together in one of two groupings.

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
    # Each image is an edge between its group in one grouping and its group in the other.
    graph = coo_matrix((np.ones(len(names[0]), np.int8), (names[0], n_one + names[1])), (n, n))
    parts: NDArray[np.intp] = connected_components(graph, directed=False)[1]
    return np.unique(parts[names[0]], return_inverse=True)[1].astype(np.intp)


def _check_share(names: NDArray[Any], y: NDArray[np.integer[Any]], validation: float) -> None:
    """Raise for a share that is not between 0 and 1, and for classes of one image."""
    if not isinstance(validation, Real) or not 0 < validation < 1:
        raise ValueError(f"`validation` must be a share above 0 and below 1, got {validation!r}.")
    if len(small := names[np.bincount(y) < 2]):
        n_others = counted(len(small) - 1, "more class, has")
        others = f" (and {n_others})" if len(small) > 1 else ""
        raise ValueError(
            f"Class {small[0]!r} has 1 image{others}; a split needs at least 2 of each class. Add "
            "images, leave the class out, or use validation=0."
        )


def _shuffled(
    names: NDArray[Any], y: NDArray[np.integer[Any]], validation: float, seed: int
) -> NDArray[np.bool_]:
    """Return the validation images of a stratified split with every class on both sides."""
    n_classes, counts = len(names), np.bincount(y, minlength=len(names))
    # scikit-learn requires at least as many images on each side as there are classes
    n_valid = int(np.clip(np.ceil(validation * len(y)), n_classes, len(y) - n_classes))
    if counts.min() < 2:
        raise ValueError(
            f"{len(y)} different images cannot be split at validation={validation}: each class "
            "needs 2 at least. Add images, or leave such a class out. Different images per class: "
            f"{dict(zip(names.tolist(), counts.tolist(), strict=True))}."
        )
    is_valid = _stratified(y, n_valid, seed)
    # A tiny class may be on one side only: then move one of its images.
    for number in range(n_classes):
        rows = np.flatnonzero(y == number)
        if is_valid[rows].all() or not is_valid[rows].any():
            chosen = np.random.default_rng([seed, len(rows)]).choice(rows)
            is_valid[chosen] = not is_valid[chosen]
    return is_valid


def _stratified(y: NDArray[np.integer[Any]], n_valid: int, seed: int) -> NDArray[np.bool_]:
    """Return the validation images that scikit-learn's ``StratifiedShuffleSplit`` chooses.

    That one makes a Python object of every row, which is 40 bytes an image.
    """
    rng, counts = np.random.RandomState(seed), np.bincount(y)
    n_trained = _largest_remainders(counts, len(y) - n_valid, rng)
    n_held = _largest_remainders(counts - n_trained, n_valid, rng)
    is_valid = np.zeros(len(y), dtype=bool)
    for number, (skipped, held) in enumerate(zip(n_trained, n_held, strict=True)):
        chosen = rng.permutation(int(counts[number]))[skipped : skipped + held]
        # The permutation skips as many as scikit-learn trains on: its validation images come next.
        is_valid[np.flatnonzero(y == number)[chosen]] = True
    return is_valid


def _largest_remainders(
    counts: NDArray[np.intp], n: int, rng: np.random.RandomState
) -> NDArray[np.intp]:
    """Share `n` images out among classes of these sizes; among equal remainders lots are drawn."""
    exact = counts / counts.sum() * n
    shares = np.floor(exact)
    # The numbers that scikit-learn draws, in its order: equal remainders are drawn by lot there.
    rest, left = exact - shares, int(n - shares.sum())
    for remainder in np.unique(rest)[::-1]:
        if not left:
            break
        alike = np.flatnonzero(rest == remainder)
        chosen = rng.choice(alike, size=min(len(alike), left), replace=False)
        shares[chosen] += 1
        left -= len(chosen)
    n_each: NDArray[np.intp] = shares.astype(np.intp)
    return n_each


def _grouped(
    y: NDArray[np.integer[Any]], groups: NDArray[np.intp], validation: float, seed: int
) -> NDArray[np.bool_]:
    """Return the validation images of a split by groups: the best choice of folds."""
    # 0.3 is 3 of 10 folds, 1/3 is 1 of 3; at most 10, to keep the combinations below few.
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
        # The warning is about classes with fewer images than folds; `split_rows` checks these.
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


SAMPLE = 200  # candidates for an exchange on each side at a time
SWEEPS = 8  # rounds of exchanges over all pairs of sides
EXCHANGES = 12  # exchanges between two sides before other candidates are drawn


def share_out(
    counts: NDArray[Any],
    shares: Sequence[float],
    groups: NDArray[Any] | None,
    random_state: np.random.RandomState,
) -> NDArray[np.intp]:
    """Assign images to sides so that every side gets its share of every label and of the images.

    Parameters
    ----------
    counts : ndarray of shape (n, L)
        How many times each image has each label, from 0.
    shares : sequence of float, length k
        Share of each side; they sum to 1.
    groups : ndarray of shape (n,) or None
        Images of one group stay on the same side; values that can be sorted.
    random_state : RandomState
        Breaks ties, and chooses the exchanges to try.

    Returns
    -------
    side : ndarray of shape (n,), dtype intp
        Side of each image, 0 to k - 1. A label that at least k images, or groups, have is on
        every side wherever that is possible.

    Notes
    -----
    The rarest label goes first, as in iterative stratification [1]_, but by counts: its images
    are assigned in descending order of its count, each to the side that lacks it most. When the
    remaining images of a label are just enough to give one to every side without it, each goes
    to one of these. Then images are exchanged between pairs of sides, as long as that reduces the
    sum of squared relative deviations of labels and sizes, and no side loses a label.

    References
    ----------
    .. [1] K. Sechidis, G. Tsoumakas, I. Vlahavas, "On the stratification of multi-label data",
       ECML PKDD 2011.

    Examples
    --------
    >>> counts = np.array([[3, 0], [2, 1], [1, 0], [0, 1]])
    >>> side = share_out(counts, [0.5, 0.5], None, np.random.RandomState(0))
    >>> [counts[side == each].sum(axis=0).tolist() for each in (0, 1)]
    [[3, 1], [3, 1]]
    """
    if groups is None:
        units, sizes, unit_of = counts.astype(np.float64), np.ones(len(counts)), None
    else:
        _, unit_of, members = np.unique(groups, return_inverse=True, return_counts=True)
        units, sizes = np.zeros((len(members), counts.shape[1])), members.astype(np.float64)
        np.add.at(units, unit_of.ravel(), counts)
    weights = np.asarray(shares, dtype=np.float64)
    side = _shared_by_label(units, sizes, weights, random_state)
    _exchange(side, units, sizes, weights, random_state)
    return side if unit_of is None else side[unit_of.ravel()]


def _shared_by_label(
    units: NDArray[np.float64],
    sizes: NDArray[np.float64],
    shares: NDArray[np.float64],
    random_state: np.random.RandomState,
) -> NDArray[np.intp]:
    """Return the side of each unit (image or group), assigned label by label, the rarest first."""
    n_sides, totals = len(shares), units.sum(axis=0)
    lacks, room = np.outer(shares, totals), shares * sizes.sum()
    has = np.zeros(lacks.shape, dtype=bool)
    side = np.full(len(units), -1, dtype=np.intp)
    remaining, tie = totals.copy(), random_state.uniform(size=len(units))

    def place(unit: int, among: NDArray[np.intp], needs: NDArray[np.float64]) -> None:
        # Equal but for rounding: such sides are told apart by room, then by lot.
        best = among[needs >= needs.max() - 1e-9]
        best = best[room[best] >= room[best].max() - 1e-9]
        chosen = best[0] if len(best) == 1 else best[random_state.randint(len(best))]
        side[unit] = chosen
        lacks[chosen] -= units[unit]
        room[chosen] -= sizes[unit]
        has[chosen] |= units[unit] > 0

    while (remaining > 0).any():
        label = int(np.argmin(np.where(remaining > 0, remaining, np.inf)))
        rows = np.flatnonzero((side < 0) & (units[:, label] > 0))
        rows = rows[np.lexsort((tie[rows], -units[rows, label]))]
        for n_left, unit in zip(range(len(rows), 0, -1), rows.tolist(), strict=True):
            # When just enough images are left, each goes to a side that has none of the label yet.
            without = np.flatnonzero(~has[:, label])
            among = without if n_left <= len(without) else np.arange(n_sides)
            place(unit, among, lacks[among, label])
        remaining -= units[rows].sum(axis=0)
    rest = np.flatnonzero(side < 0)
    for unit in rest[np.lexsort((tie[rest], -sizes[rest]))].tolist():
        place(unit, np.arange(n_sides), room)
    return side


def _exchange(
    side: NDArray[np.intp],
    units: NDArray[np.float64],
    sizes: NDArray[np.float64],
    shares: NDArray[np.float64],
    random_state: np.random.RandomState,
) -> None:
    """Exchange units between two sides, or move one, while that helps; change `side` in place.

    For errors ``e_a`` and ``e_b`` of two sides, in shares of each label, exchanging ``u`` for
    ``v`` changes the sum of squares by ``2 |u - v|^2 - 2 (u - v) (e_a - e_b)``: one matrix product
    gives this for all pairs of candidates.
    """
    table = np.column_stack([units, sizes])
    scaled = table / np.maximum(table.sum(axis=0), 1.0)
    whole, sides = scaled.sum(axis=0), range(len(shares))
    error = np.stack([scaled[side == at].sum(axis=0) - shares[at] * whole for at in sides])
    holds = np.stack([(units[side == at] > 0).sum(axis=0) for at in sides])
    nothing = np.zeros((1, table.shape[1]))  # an exchange for this empty unit moves a unit
    for _ in range(SWEEPS):
        helped = False
        for one, other in combinations(sides, 2):
            pair, rows = (one, other), []
            for at in pair:
                there = np.flatnonzero(side == at)
                # All pairs would take time that grows with the square of the number of images.
                some = len(there) > SAMPLE
                rows.append(random_state.choice(there, SAMPLE, replace=False) if some else there)
            ours, theirs = (np.vstack([scaled[each], nothing]) for each in rows)
            apart = (ours**2).sum(axis=1)[:, None] + (theirs**2).sum(axis=1) - 2 * ours @ theirs.T
            apart[-1, -1] = np.inf  # nothing for nothing
            for _ in range(EXCHANGES):
                slope = error[one] - error[other]
                change = apart - (ours @ slope)[:, None] + theirs @ slope
                i, j = divmod(int(np.argmin(change)), len(theirs))
                # Below this the gain is rounding, and the exchange could go on for ever.
                if change[i, j] > -1e-12:
                    break
                given = (ours[i, :-1] > 0).astype(np.intp) - (theirs[j, :-1] > 0)
                after = holds[one] - given, holds[other] + given
                if any(
                    ((new == 0) & (holds[at] > 0)).any()
                    for at, new in zip(pair, after, strict=True)
                ):
                    apart[i, j] = np.inf
                    continue
                holds[one], holds[other] = after
                error[one] -= ours[i] - theirs[j]
                error[other] += ours[i] - theirs[j]
                if i < len(rows[0]):
                    side[rows[0][i]], apart[i] = other, np.inf
                if j < len(rows[1]):
                    side[rows[1][j]], apart[:, j] = one, np.inf
                helped = True
        if not helped:
            return
