"""Several labels per image: from any container to counts, and back; how often to repeat images.

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

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from imblearn_images.core.columns import (
    as_table,
    check_column,
    is_missing,
    label_rows,
    plain,
    told,
    unwrap_labels,
)
from imblearn_images.core.text import align, shown

__all__ = [
    "LabelCounts",
    "Reach",
    "choose_kept",
    "choose_repeats",
    "choose_repeats_and_more",
    "count_labels_of",
    "holds_several",
    "set_names",
    "several_labels_of",
]


@dataclass(frozen=True, eq=False)
class LabelCounts:
    """How many times each image has each label.

    Parameters
    ----------
    counts : ndarray of shape (n, L), dtype int32
        0 where an image does not have the label; otherwise 1, or the number of objects.
    labels : tuple of length L
        Names of the columns.
    source : object
        The container the labels came in.
    """

    counts: NDArray[np.int32]
    labels: tuple[Any, ...]
    source: Any

    def take(self, rows: NDArray[np.intp]) -> Any:
        """Return the labels of some rows, in the container they came in."""
        return label_rows(self.source, rows)

    def like(self, counts: NDArray[np.integer[Any]]) -> Any:
        """Return labels with these counts, shape (m, L), in the container the labels came in."""
        if _counts_itself(self.source):
            return self.source  # annotations: the sampler carries them through the plan
        # Rows with known counts are copied from the source, so that they keep their order of
        # labels; new rows are only made if there are unknown counts.
        first = {row.tobytes(): at for at, row in reversed(list(enumerate(self.counts)))}
        rows = [first.get(row.tobytes(), -1) for row in counts.astype(self.counts.dtype)]
        if -1 not in rows:
            return self.take(np.array(rows, dtype=np.intp))
        source = self.source
        if sparse.issparse(source):
            return type(source)(counts.astype(source.dtype))
        if hasattr(source, "detach"):
            return source.new_tensor(counts.tolist())
        if hasattr(source, "schema"):  # of polars
            return type(source)(counts, schema=source.columns).cast(source.schema)
        if hasattr(source, "columns"):
            frame = type(source)(counts, columns=source.columns)
            return frame.astype(source.dtypes.to_dict())
        if isinstance(source, np.ndarray) and source.ndim == 2:
            return counts.astype(source.dtype)
        return _again(source, self._entries(counts))

    def _entries(self, counts: NDArray[np.integer[Any]]) -> list[Any]:
        """Return an entry for each image as `source` has it: a collection of labels, or counts."""
        sample = next(iter(self.source))
        kind = type(sample) if isinstance(sample, (tuple, set, frozenset)) else list
        if _are_rows(_entries(self.source)):
            return [kind(row) for row in counts.tolist()]
        return [
            kind(label for label, n in zip(self.labels, row, strict=True) for _ in range(n))
            for row in counts.tolist()
        ]

    @property
    def flat(self) -> NDArray[Any]:
        """Every label as often as it occurs, in the order of columns, for strategies to count."""
        labels = np.empty(len(self.labels), dtype=object)
        labels[:] = [plain(label) for label in self.labels]
        natural = np.array(labels.tolist())
        labels = natural if natural.dtype.kind in "biufU" else labels
        return np.repeat(labels, self.counts.sum(axis=0, dtype=np.int64))


def count_labels_of(y: Any, name: str = "y") -> LabelCounts:
    """Take several labels per image out of the container they came in.

    Parameters
    ----------
    y : array-like of shape (n, L), or list of length n
        In an array, a sparse matrix, a tensor or a data frame, a column stands for a label and
        holds 0 or 1, or the number of its objects. In a list, each image has a list, tuple or
        set of its labels, which may be empty. One label for each image, shape (n,), counts as
        sets of one label. In annotations the objects of each class are counted.
    name : str
        Name of the argument, for messages.

    Returns
    -------
    labels : LabelCounts
        The labels of a table are the names of its columns, or their numbers; others are sorted.

    Raises
    ------
    ValueError
        For numbers that are not whole or below 0, for missing labels, and for labels that cannot
        be sorted together; the row is named.

    Notes
    -----
    Lists of 0 and 1 that are equally long, and longer than 1, are rows of a table.

    Examples
    --------
    >>> labels = count_labels_of([["owl", "cat"], [], {"cat"}])
    >>> labels.labels, labels.counts.tolist()
    (('cat', 'owl'), [[1, 1], [0, 0], [1, 0]])
    >>> count_labels_of([[0, 1, 1], [0, 0, 1]]).labels
    (0, 1, 2)
    """
    if y is None:
        raise ValueError(f"`{name}` must hold the labels of each image, got None.")
    if _counts_itself(y):
        return LabelCounts(y.counts().astype(np.int32), y.classes, y)
    if isinstance(y, (str, bytes, Mapping, Set)) or not (
        isinstance(y, Iterable) or sparse.issparse(y)
    ):
        raise ValueError(
            f"`{name}` must hold the labels of each image, got {y!r:.60} ({type(y).__name__})."
        )
    if sparse.issparse(y) or _is_wide(y):
        return _from_table(y, name)
    entries = _entries(y)
    # One list among single labels is taken for several: the single ones are then named as wrong.
    if any(map(_is_several, entries)):
        if _are_rows(entries):
            return _from_table(y, name)
        return _from_lists(y, entries, name)
    labels, _ = unwrap_labels(y, name)
    column = np.asarray(labels).reshape(-1)
    known, numbers = np.unique(column, return_inverse=True)
    counts = np.zeros((len(column), len(known)), dtype=np.int32)
    counts[np.arange(len(column)), numbers.ravel()] = 1
    return LabelCounts(counts, tuple(plain(label) for label in known), y)


def _counts_itself(y: Any) -> bool:
    """Return whether `y` counts the objects of each class in each image, as annotations do."""
    return hasattr(y, "classes") and callable(getattr(y, "counts", None))


def holds_several(y: Any) -> bool:
    """Return whether `y` has several columns, or sets of labels, instead of one label per image.

    Examples
    --------
    >>> holds_several(np.eye(3)), holds_several([["cat"], ["cat", "owl"]])
    (True, True)
    >>> holds_several(["cat", "owl"]), holds_several([["cat"], ["owl"]])
    (False, False)
    """
    if sparse.issparse(y) or _is_wide(y):
        return True
    if isinstance(y, (str, bytes, Mapping, Set)) or not isinstance(y, Iterable):
        return False
    # An array of plain values holds one label each; there may be millions, so skip the loop below.
    if isinstance(y, np.ndarray) and y.dtype.kind != "O":
        return False
    return any(
        isinstance(entry, Set) or len(entry) != 1 for entry in _entries(y) if _is_several(entry)
    )


def several_labels_of(y: Any) -> LabelCounts | None:
    """Return the labels of images that have several; None if each has one, or `y` is not labels.

    A table whose rows are all one-hot holds one label per image.

    Examples
    --------
    >>> several_labels_of([["owl", "cat"], ["cat"]]).counts.tolist()
    [[1, 1], [1, 0]]
    >>> several_labels_of(np.eye(3)) is several_labels_of(["cat", "owl"]) is None
    True
    """
    if _counts_itself(y):
        return count_labels_of(y)
    if y is None or not holds_several(y):
        return None
    try:
        labels = count_labels_of(y)
    except ValueError:  # the check for one label per image raises its own error
        return None
    is_table = sparse.issparse(y) or _is_wide(y) or _are_rows(_entries(y))
    return None if is_table and (labels.counts.sum(axis=1) == 1).all() else labels


def set_names(labels: LabelCounts) -> NDArray[np.str_]:
    """Return the name of each image's set of labels, shape (n,): equal sets have equal names.

    Examples
    --------
    >>> set_names(count_labels_of([["owl", "cat"], [], {"cat"}])).tolist()
    ['cat + owl', '', 'cat']
    """
    names = [str(label) for label in labels.labels]
    if len(set(names)) < len(names):  # such as 1 and "1"
        names = [repr(label) for label in labels.labels]
    sets, numbers = np.unique(labels.counts > 0, axis=0, return_inverse=True)
    told_sets = [" + ".join(names[at] for at in np.flatnonzero(row)) for row in sets]
    return np.array(told_sets, dtype=str)[numbers.ravel()]


def _again(source: Any, entries: list[Any]) -> Any:
    """Return `entries`, one collection for each image, in a container of the kind of `source`."""
    if not isinstance(source, np.ndarray):
        return type(source)(entries)
    column = np.empty(len(entries), dtype=object)
    for row, entry in enumerate(entries):
        column[row] = entry
    return column


def _is_wide(y: Any) -> bool:
    """Return whether `y` has two dimensions and not exactly one column."""
    shape = getattr(y, "shape", None)
    return shape is not None and len(shape) == 2 and shape[1] != 1


def _entries(y: Any) -> list[Any]:
    """Return the entries of a one-dimensional container; none of an array with one column."""
    if len(getattr(y, "shape", ())) > 1:
        return []
    # polars has only `to_list`; a Categorical of pandas has both, but `to_list` is deprecated
    if not isinstance(y, np.ndarray) and (values := getattr(y, "tolist", None)) is not None:
        return list(values())
    if hasattr(y, "to_list"):
        return list(y.to_list())
    return list(y.tolist() if isinstance(y, np.ndarray) and y.dtype == object else y)


def _is_several(entry: Any) -> bool:
    """Return whether an entry is a collection: a list, tuple, set or one-dimensional array."""
    if isinstance(entry, (str, bytes, Mapping)):
        return False
    if isinstance(entry, (list, tuple, Set)):
        return True
    return len(getattr(entry, "shape", ())) == 1


def _are_rows(entries: Sequence[Any]) -> bool:
    """Return whether entries are rows of 0 and 1, all of one length of at least 2."""
    if any(isinstance(entry, Set) or not _is_several(entry) for entry in entries):
        return False
    lengths = {len(entry) for entry in entries}
    if len(lengths) > 1 or max(lengths) < 2:
        return False
    return all(_is_bit(value) for entry in entries for value in entry)


def _is_bit(value: Any) -> bool:
    if isinstance(value, (str, bytes)):
        return False
    return value in (0, 1)


def _from_table(y: Any, name: str) -> LabelCounts:
    """Return the counts in a table; raise for anything but whole numbers from 0."""
    matrix = as_table(y, name)
    if matrix is None or matrix.ndim != 2:
        shape = getattr(matrix, "shape", None)
        raise ValueError(
            f"`{name}` must have a row for each image and a column for each label, got shape "
            f"{shape}."
        )
    if matrix.dtype.kind == "O":
        try:
            matrix = matrix.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"`{name}` of shape {matrix.shape} must hold 0 and 1, or numbers of objects: "
                f"{error}. Labels as text come as one list for each image."
            ) from error
    if matrix.dtype.kind not in "biuf":
        raise ValueError(
            f"`{name}` of shape {matrix.shape} must hold 0 and 1, or numbers of objects, got dtype "
            f"{matrix.dtype}. Labels as text come as one list for each image."
        )
    counts = matrix.astype(np.int32, copy=False) if matrix.dtype.kind in "bi" else None
    if counts is None:
        with np.errstate(invalid="ignore"):
            counts = matrix.astype(np.int32)
    wrong = np.flatnonzero((counts != matrix).any(axis=1) | (counts < 0).any(axis=1))
    if len(wrong):
        row = int(wrong[0])
        at = np.flatnonzero((counts[row] != matrix[row]) | (counts[row] < 0))[0]
        raise ValueError(
            f"`{name}` must hold 0 and 1, or numbers of objects, got {told(matrix[row, at])!r} in "
            f"row {row}, column {at} ({len(wrong)} such rows)."
        )
    columns = getattr(y, "columns", None)
    labels = range(counts.shape[1]) if columns is None else [plain(label) for label in columns]
    if len(set(labels)) < len(labels):
        raise ValueError(f"`{name}` must have one column for each label, got {list(labels)}.")
    source = y.tocsr() if sparse.issparse(y) else y
    return LabelCounts(counts, tuple(labels), source)


def _from_lists(y: Any, entries: Sequence[Any], name: str) -> LabelCounts:
    """Return the counts in collections of labels, one for each image."""
    rows: list[int] = []
    found: list[Any] = []
    for row, entry in enumerate(entries):
        if not _is_several(entry):
            raise ValueError(
                f"`{name}` must hold a list of labels for each image, got {entry!r:.60} "
                f"({type(entry).__name__}) in row {row}. One label is a list of one, "
                f"[{entry!r:.60}], no label an empty list."
            )
        for label in entry.tolist() if hasattr(entry, "tolist") else entry:
            if is_missing(label):
                raise ValueError(
                    f"`{name}` has a missing label ({label!r}) in row {row}. Leave it out; an "
                    "image without labels has an empty list."
                )
            try:
                hash(label)
            except TypeError:
                raise ValueError(
                    f"`{name}` must hold text or numbers, got {label!r:.60} in row {row}."
                ) from None
            rows.append(row)
            found.append(plain(label))
    try:
        labels = tuple(sorted(set(found)))
    except TypeError:
        column = np.empty(len(found), dtype=object)
        column[:] = found
        check_column(column, name)
        kinds = sorted({type(label).__name__ for label in found})
        raise ValueError(
            f"`{name}` must hold labels of one type, got {', '.join(kinds)}. Turn them into text."
        ) from None
    number = {label: at for at, label in enumerate(labels)}
    counts = np.zeros((len(entries), len(labels)), dtype=np.int32)
    np.add.at(counts, (rows, [number[label] for label in found]), 1)
    return LabelCounts(counts, labels, y)


if TYPE_CHECKING:
    import pandas as pd


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
