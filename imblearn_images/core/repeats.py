"""Repeats: how often to show each image, so that labels that share images reach their targets.

Where images hold several labels, or several objects, one label cannot be repeated without the
others in its images. The fewest images that suffice are found by a linear programme: one number
for each image, between 1 and a limit, one inequality for each label that is short of its target.

1. Images with the same labels share one variable; images without a label that is short have none.
2. HiGHS solves it. Of solutions that add equally few images, one that repeats many images a little
   is preferred to one that repeats few images often.
3. Fractions are rounded down; labels that are short then are filled up, the most useful image
   first; images that are superfluous after that are removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from imblearn_images.core.targets import plain
from imblearn_images.core.text import align, shown

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Reach", "choose_kept", "choose_repeats", "choose_repeats_and_more"]

STEPS = (1, 2, 4)
"""Numbers of repeats of an image beyond which further ones cost a little more."""
DEARER = 1e-4
"""This extra cost, in images: so small that it decides only between equally good solutions."""
BOUND = 1e-7
"""The solver's numbers count as whole if they differ from a whole number by less than this."""


@dataclass(frozen=True, eq=False, repr=False)
class Reach:
    """Number of images of every label before and after repeating, and the largest possible one.

    Parameters
    ----------
    labels : tuple of length L
        Names of the labels.
    before : ndarray of shape (L,), dtype intp
        Number of images, or objects, with the label.
    wanted : ndarray of shape (L,), dtype intp
        The target; for labels without one, `before`.
    reached : ndarray of shape (L,), dtype intp
        The number after repeating.
    possible : ndarray of shape (L,), dtype intp
        The number if every image with the label were repeated as often as allowed.

    Examples
    --------
    >>> counts = np.array([[1, 0], [1, 0], [1, 1]])
    >>> repeats, reach = choose_repeats(counts, {"dog": 5}, 3, labels=("cat", "dog"))
    >>> reach
    label  before  wanted  reached  most possible
    cat         3       3        5              9
    dog         1       5        3              3
    >>> reach.unreachable
    {'dog': 3}
    """

    labels: tuple[Any, ...]
    before: NDArray[np.intp]
    wanted: NDArray[np.intp]
    reached: NDArray[np.intp]
    possible: NDArray[np.intp]

    @property
    def unreachable(self) -> dict[Any, int]:
        """Label whose target is out of reach -> the largest number that is possible."""
        return {
            plain(self.labels[at]): int(self.possible[at])
            for at in np.flatnonzero(self.wanted > self.possible)
        }

    def __iter__(self) -> Iterator[tuple[Any, int, int, int, int]]:
        """Iterate over rows of label, before, wanted, reached and most possible."""
        columns = (self.before, self.wanted, self.reached, self.possible)
        return zip(self.labels, *(column.tolist() for column in columns), strict=True)

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        rows = [[shown(str(label)), *numbers] for label, *numbers in self]
        return align(_HEAD, rows)

    def to_frame(self) -> pd.DataFrame:
        """Return a table with a row for each label; needs pandas.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "Reach.to_frame needs pandas. Install it: pip install imblearn-images[pandas]"
            ) from error
        return pd.DataFrame(list(self), columns=list(_HEAD))


_HEAD = ("label", "before", "wanted", "reached", "most possible")


def check_max_repeats(max_repeats: Any) -> None:
    """Raise unless `max_repeats` is a whole number of at least 1."""
    if not isinstance(max_repeats, Integral) or isinstance(max_repeats, bool) or max_repeats < 1:
        raise ValueError(
            f"`max_repeats` must be a whole number from 1 on, got {max_repeats!r}: how often an "
            "image may be in the result."
        )


def choose_repeats(
    counts: Any,
    wanted: Any,
    max_repeats: int = 10,
    *,
    labels: Sequence[Any] | None = None,
    random_state: np.random.RandomState | None = None,
) -> tuple[NDArray[np.intp], Reach]:
    """Choose the fewest repetitions of images by which every label reaches its target.

    Parameters
    ----------
    counts : ndarray or sparse matrix of shape (n, L)
        How many times each image has each label, whole numbers from 0.
    wanted : array-like of shape (L,) or dict
        Targets: of all labels, or of some by name. Labels are never reduced: targets below the
        present number have no effect.
    max_repeats : int, default=10
        Maximum number of times an image may be in the result. Every image is in it at least once.
    labels : sequence of length L, default=None
        Names of the columns; their numbers by default.
    random_state : RandomState, default=None
        Chooses which of several images with the same labels are repeated once more than the
        others; ``None``: the first ones.

    Returns
    -------
    repeats : ndarray of shape (n,), dtype intp
        How often each image is to be in the result, 1 to `max_repeats`.
    reach : Reach
        Before, wanted, reached and most possible, by label. Every target that is possible is
        reached. The images added are the minimum of the linear programme, plus the few that
        rounding to whole images takes.

    Raises
    ------
    ValueError
        If `max_repeats` is not a whole number of at least 1, `wanted` names an unknown label, or
        shapes disagree.
    RuntimeError
        If the solver fails.

    Examples
    --------
    Two labels that occur together are increased by the same image:

    >>> counts = np.array([[2, 0, 0], [1, 1, 0], [0, 0, 1], [1, 1, 1]])
    >>> repeats, reach = choose_repeats(counts, [0, 4, 4])
    >>> repeats.tolist(), reach.reached.tolist()
    ([1, 1, 1, 3], [6, 4, 4])
    """
    check_max_repeats(max_repeats)
    table = sparse.csr_matrix(counts)
    n, n_labels = table.shape
    names = tuple(range(n_labels)) if labels is None else tuple(labels)
    before = np.asarray(table.sum(axis=0, dtype=np.int64)).ravel().astype(np.intp)
    targets = _targets(wanted, names, before)
    possible = before * int(max_repeats)
    short = np.minimum(targets, possible) - before
    repeats = np.ones(n, dtype=np.intp)
    lacking = np.flatnonzero(short > 0)
    if len(lacking):
        rows = np.flatnonzero(np.diff(table[:, lacking].tocsr().indptr))
        group, first, sizes = _alike(table[rows])
        holds = table[rows[first]].astype(np.float64)
        added = _solve(holds, lacking, short[lacking], sizes, int(max_repeats) - 1)
        repeats[rows] += _shared_out(added, group, sizes, random_state)
    reached = np.asarray(table.T @ repeats).ravel().astype(np.intp)
    return repeats, Reach(names, before, targets, reached, possible)


def choose_repeats_and_more(
    counts: NDArray[Any],
    more: NDArray[Any],
    wanted: Any,
    max_repeats: int = 10,
    *,
    labels: Sequence[Any],
) -> tuple[NDArray[np.intp], NDArray[np.bool_], Reach]:
    """Choose how often to repeat images, and which other images to make from them.

    The choice adds as few as possible of the labels that are frequent enough, and among equal
    choices as few images as possible.

    Parameters
    ----------
    counts : ndarray of shape (n, L)
        How many times each image has each label.
    more : ndarray of shape (m, L)
        The same for images that could be made, each at most once.
    wanted, max_repeats, labels
        As in :func:`choose_repeats`.

    Returns
    -------
    repeats : ndarray of shape (n,), dtype intp
        1 to `max_repeats`.
    chosen : ndarray of shape (m,), dtype bool
        The images to make.
    reach : Reach

    Examples
    --------
    >>> counts, more = np.array([[6, 1], [5, 0]]), np.array([[0, 1]])
    >>> repeats, chosen, reach = choose_repeats_and_more(
    ...     counts, more, [0, 3], labels=("red", "white")
    ... )
    >>> repeats.tolist(), chosen.tolist(), reach.reached.tolist()
    ([2, 1], [True], [17, 3])
    """
    check_max_repeats(max_repeats)
    names, limit = tuple(labels), int(max_repeats) - 1
    table = np.vstack([counts, more]).astype(np.int64)
    before = counts.sum(axis=0).astype(np.intp)
    targets = _targets(wanted, names, before)
    possible = (before * int(max_repeats) + more.sum(axis=0)).astype(np.intp)
    short = np.minimum(targets, possible) - before
    room = np.repeat([limit, 1], [len(counts), len(more)])
    lacking = np.flatnonzero(short > 0)
    added = np.zeros(len(table), dtype=np.intp)
    if len(lacking):
        gives = sparse.csc_matrix(table[:, lacking].T.astype(np.float64))
        others = table.sum(axis=1) - table[:, lacking].sum(axis=1)
        solution = linprog(
            others + len(names) / 10,  # an image itself has a cost, or superfluous ones were free
            A_ub=-gives,
            b_ub=-short[lacking].astype(np.float64),
            bounds=np.column_stack([np.zeros(len(table)), room]),
            method="highs",
        )
        if solution.x is None:  # all images as often as allowed is a solution, so HiGHS failed
            raise RuntimeError(f"The solver of linear programmes has failed: {solution.message}")
        added = np.floor(solution.x + BOUND).astype(np.intp).clip(0, room)
        _fill_up(added, solution.x, gives, short[lacking], room)
        _thin_out(added, gives, short[lacking])
    reached = (before + added @ table).astype(np.intp)
    reach = Reach(names, before, targets, reached, possible)
    return 1 + added[: len(counts)], added[len(counts) :] > 0, reach


def choose_kept(
    counts: Any,
    wanted: Any,
    *,
    keep: float = 1.0,
    labels: Sequence[Any] | None = None,
    random_state: np.random.RandomState | None = None,
) -> tuple[NDArray[np.bool_], Reach]:
    """Choose images to keep, so that frequent labels approach their targets but never fall below.

    Parameters
    ----------
    counts : ndarray or sparse matrix of shape (n, L)
        How many times each image has each label, whole numbers from 0.
    wanted : array-like of shape (L,) or dict
        Targets: of all labels, or of some by name. The others are not to be reduced.
    keep : float, default=1.0
        Share that has to stay of every label that is not to be reduced.
    labels : sequence of length L, default=None
        Names of the columns; their numbers by default.
    random_state : RandomState, default=None
        Chooses which of several images with the same labels are dropped; ``None``: the last ones.

    Returns
    -------
    kept : ndarray of shape (n,), dtype bool
        Of all choices in which no label falls below its target, the one with the smallest sum of
        excesses, each as a share of its target, and among equal ones the one with most images.
    reach : Reach
        Before, wanted and reached, by label.

    Examples
    --------
    >>> counts = np.array([[6, 0], [5, 0], [4, 1], [3, 0]])
    >>> kept, reach = choose_kept(counts, {"red": 7}, labels=("red", "white"))
    >>> kept.tolist(), reach.reached.tolist()
    ([False, False, True, True], [7, 1])
    """
    table = sparse.csr_matrix(counts)
    n, n_labels = table.shape
    names = tuple(range(n_labels)) if labels is None else tuple(labels)
    before = np.asarray(table.sum(axis=0, dtype=np.int64)).ravel().astype(np.intp)
    targets = np.minimum(_targets(wanted, names, before, least=0), before)
    floors = np.where(targets < before, targets, np.ceil(np.round(keep * before, 6)))
    kept = np.ones(n, dtype=np.bool_)
    frequent = np.flatnonzero(targets < before)
    rows = np.flatnonzero(np.diff(table[:, frequent].tocsr().indptr)) if len(frequent) else frequent
    if len(rows):
        group, first, sizes = _alike(table[rows])
        holds = table[rows[first]].astype(np.float64)
        price = holds[:, frequent] @ (1 / np.maximum(targets[frequent], 1))
        bound = floors - (before - np.asarray(table[rows].sum(axis=0)).ravel())
        binding = np.flatnonzero(bound > 0)
        solution = linprog(
            price - DEARER * price[price > 0].min(initial=1.0),
            A_ub=-holds[:, binding].T.tocsc(),
            b_ub=-bound[binding],
            bounds=np.column_stack([np.zeros(len(sizes)), sizes]),
            method="highs",
        )
        if solution.x is None:  # keeping all images is a solution, so HiGHS failed
            raise RuntimeError(f"The solver of linear programmes has failed: {solution.message}")
        stay = np.ceil(solution.x - BOUND).astype(np.intp).clip(0, sizes)
        _drop_more(stay, price, holds[:, binding].T.tocsc(), bound[binding])
        kept[rows] = _shared_out(stay, group, sizes, random_state) > 0
    reached = np.asarray(table[kept].sum(axis=0)).ravel().astype(np.intp)
    return kept, Reach(names, before, targets.astype(np.intp), reached, before)


def _drop_more(
    stay: NDArray[np.intp],
    price: NDArray[np.float64],
    holds: sparse.csc_matrix,
    bound: NDArray[np.float64],
) -> None:
    """Drop images that were rounded up and that no label needs, the most expensive first."""
    spare = holds @ stay - bound
    for at in np.argsort(-price, kind="stable").tolist():
        part = slice(holds.indptr[at], holds.indptr[at + 1])
        which, own = holds.indices[part], holds.data[part]
        n = min(int((spare[which] // own).min(initial=np.inf)), int(stay[at])) if len(own) else 0
        if n > 0 and price[at] > 0:
            stay[at] -= n
            spare[which] -= n * own


def _targets(
    wanted: Any, names: tuple[Any, ...], before: NDArray[np.intp], least: Any = None
) -> NDArray[np.intp]:
    """Return the target of every label, at least `least`, by default the present number."""
    if isinstance(wanted, dict):
        number = {name: at for at, name in enumerate(names)}
        targets = before.copy()
        for label, target in wanted.items():
            if label not in number:
                raise ValueError(
                    f"`wanted` must name labels that there are, {_some(names)}, got {label!r}."
                )
            targets[number[label]] = target
    else:
        targets = np.asarray(wanted).astype(np.intp)
    if targets.shape != before.shape or len(names) != len(before):
        raise ValueError(
            f"`wanted` must have a target for each of the {len(before)} labels, got "
            f"{targets.shape} and {len(names)} names."
        )
    return np.maximum(targets, before if least is None else least)


def _some(names: Sequence[Any], most: int = 10) -> str:
    """Return the first names as text, and how many more there are."""
    listed = ", ".join(repr(plain(name)) for name in names[:most])
    return listed if len(names) <= most else f"{listed} and {len(names) - most} more"


def _alike(
    table: sparse.csr_matrix,
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Group equal rows; return the group of each row, the first row and size of each group."""
    table.sort_indices()
    known: dict[bytes, int] = {}
    group = np.empty(table.shape[0], dtype=np.intp)
    ends = table.indptr.tolist()
    for row, (start, stop) in enumerate(pairwise(ends)):
        content = table.indices[start:stop].tobytes() + table.data[start:stop].tobytes()
        group[row] = known.setdefault(content, len(known))
    _, first, sizes = np.unique(group, return_index=True, return_counts=True)
    return group, first, sizes.astype(np.intp)


def _solve(
    holds: sparse.csr_matrix,
    lacking: NDArray[np.intp],
    short: NDArray[np.intp],
    sizes: NDArray[np.intp],
    limit: int,
) -> NDArray[np.intp]:
    """Return the repetitions to add in each group of images, (m,), at most `limit` per image."""
    gives = holds[:, lacking].T.tocsc()  # (labels that are short, groups)
    others = np.asarray(holds.sum(axis=1)).ravel() - np.asarray(gives.sum(axis=0)).ravel()
    companions = others / max(others.max(), 1.0)  # unneeded labels that come with an image
    # Each group has one variable for every range of repeats, and later ranges cost more: the cost
    # is convex, so the solver spreads repeats over many images without integer variables.
    edges = np.unique(np.minimum([0, *STEPS, limit], limit))
    rooms = np.diff(edges)
    prices = [1 + DEARER * (step + companions) for step in range(len(rooms))]
    solution = linprog(
        np.concatenate(prices),
        A_ub=-sparse.hstack([gives] * len(rooms)).tocsc(),
        b_ub=-short.astype(np.float64),
        bounds=np.column_stack(
            [np.zeros(len(rooms) * len(sizes)), np.concatenate([room * sizes for room in rooms])]
        ),
        method="highs",
    )
    if solution.x is None:  # every image as often as allowed is a solution, so HiGHS failed
        raise RuntimeError(f"The solver of linear programmes has failed: {solution.message}")
    exact = solution.x.reshape(len(rooms), len(sizes)).sum(axis=0)
    added: NDArray[np.intp] = np.floor(exact + BOUND).astype(np.intp).clip(0, limit * sizes)
    _fill_up(added, exact, gives, short, limit * sizes)
    _thin_out(added, gives, short)
    return added


def _fill_up(
    added: NDArray[np.intp],
    exact: NDArray[np.float64],
    gives: sparse.csc_matrix,
    short: NDArray[np.intp],
    room: NDArray[np.intp],
) -> None:
    """Add images to `added`, the most useful first, until no label is short."""
    missing = short - gives @ added
    while (missing > 0.5).any():
        useful = gives.copy()
        useful.data = np.minimum(useful.data, missing.clip(0)[useful.indices])
        gain = np.asarray(useful.sum(axis=0)).ravel()
        gain[added >= room] = 0
        # Of equally useful images, prefer the one that rounding has reduced more.
        best = int(np.argmax(gain + 0.5 * np.clip(exact - added, 0, 1) * (gain > 0)))
        added[best] += 1
        part = slice(gives.indptr[best], gives.indptr[best + 1])
        missing[gives.indices[part]] -= gives.data[part]


def _thin_out(added: NDArray[np.intp], gives: sparse.csc_matrix, short: NDArray[np.intp]) -> None:
    """Remove images from `added` that no label needs, those with the fewest labels first."""
    spare = gives @ added - short
    # Only images whose every label has enough to spare are tried below.
    needed = np.flatnonzero(gives.data > spare[gives.indices])
    superfluous = added > 0
    superfluous[np.searchsorted(gives.indptr, needed, side="right") - 1] = False
    groups = np.flatnonzero(superfluous)
    weight = np.asarray(gives.sum(axis=0)).ravel()[groups]
    for at in groups[np.argsort(weight, kind="stable")].tolist():
        part = slice(gives.indptr[at], gives.indptr[at + 1])
        holds, own = gives.indices[part], gives.data[part]
        n = min(int((spare[holds] // own).min()), int(added[at]))
        if n > 0:
            added[at] -= n
            spare[holds] -= n * own


def _shared_out(
    added: NDArray[np.intp],
    group: NDArray[np.intp],
    sizes: NDArray[np.intp],
    random_state: np.random.RandomState | None,
) -> NDArray[np.intp]:
    """Divide what is added to a group among its images, as evenly as whole numbers allow."""
    n = len(group)
    order = np.arange(n) if random_state is None else random_state.permutation(n)
    order = order[np.argsort(group[order], kind="stable")]
    place = np.arange(n) - np.repeat(np.cumsum(sizes) - sizes, sizes)  # position within the group
    shares = np.empty(n, dtype=np.intp)
    shares[order] = (added // sizes)[group[order]] + (place < (added % sizes)[group[order]])
    return shares
