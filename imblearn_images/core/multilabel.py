"""Several labels per image: from any container to counts, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from imblearn_images.core.columns import is_missing
from imblearn_images.core.targets import (
    as_table,
    check_column,
    label_rows,
    plain,
    told,
    unwrap_labels,
)

__all__ = ["LabelCounts", "count_labels_of", "holds_several", "set_names", "several_labels_of"]


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
