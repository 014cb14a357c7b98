"""Several labels an image: out of any container as counts, and back into it."""

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
        0 where an image has not the label; 1 where it has, or the number of its objects.
    labels : tuple of length L
        Names of the columns.
    source : object
        The container the labels came in.
    """

    counts: NDArray[np.int32]
    labels: tuple[Any, ...]
    source: Any

    def take(self, rows: NDArray[np.intp]) -> Any:
        """Labels of these rows, in the container they came in."""
        return label_rows(self.source, rows)

    def like(self, counts: NDArray[np.integer[Any]]) -> Any:
        """Labels with these counts, shape (m, L), in the container the labels came in."""
        if _counts_itself(self.source):
            return self.source  # carried through the plan by whoever has it
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
        """What a list has for each image: a list, tuple or set of labels, or a row of counts."""
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
        """Every label as often as it occurs, ascending by column: what strategies count."""
        labels = np.empty(len(self.labels), dtype=object)
        labels[:] = [plain(label) for label in self.labels]
        natural = np.array(labels.tolist())
        labels = natural if natural.dtype.kind in "biufU" else labels
        return np.repeat(labels, self.counts.sum(axis=0, dtype=np.int64))


def count_labels_of(y: Any, name: str = "y") -> LabelCounts:
    """Take several labels an image out of the container they came in.

    Parameters
    ----------
    y : array-like of shape (n, L), or list of length n
        In a table, an array, a sparse matrix, a tensor or a data frame, a column stands for a
        label and holds 0 or 1, or the number of its objects. In a list, each image has a list,
        tuple or set of its labels, which may be empty. One label each, shape (n,), is the case
        of sets with one label. Of annotations the objects of each class are counted.
    name : str
        What the argument is called.

    Returns
    -------
    labels : LabelCounts
        The labels of a table are the names of its columns, or their numbers; others are sorted.

    Raises
    ------
    ValueError
        For what is not a whole number from 0 on, for missing labels, and for labels that cannot
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
    """Return whether `y` has rows of columns, or sets of labels, instead of a label an image.

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
    if isinstance(y, np.ndarray) and y.dtype.kind != "O":  # of many there may be millions
        return False
    return any(
        isinstance(entry, Set) or len(entry) != 1 for entry in _entries(y) if _is_several(entry)
    )


def several_labels_of(y: Any) -> LabelCounts | None:
    """Labels of images that have several; None where each has one, and what is no labels at all.

    A table whose rows are all one-hot holds one label an image.

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
    except ValueError:  # who takes one label an image has its own words for it
        return None
    is_table = sparse.issparse(y) or _is_wide(y) or _are_rows(_entries(y))
    return None if is_table and (labels.counts.sum(axis=1) == 1).all() else labels


def set_names(labels: LabelCounts) -> NDArray[np.str_]:
    """Name of the set of labels of each image, shape (n,): equal sets have equal names.

    Examples
    --------
    >>> set_names(count_labels_of([["owl", "cat"], [], {"cat"}])).tolist()
    ['cat + owl', '', 'cat']
    """
    names = [str(label) for label in labels.labels]
    if len(set(names)) < len(names):  # 1 and "1"
        names = [repr(label) for label in labels.labels]
    sets, numbers = np.unique(labels.counts > 0, axis=0, return_inverse=True)
    told_sets = [" + ".join(names[at] for at in np.flatnonzero(row)) for row in sets]
    return np.array(told_sets, dtype=str)[numbers.ravel()]


def _again(source: Any, entries: list[Any]) -> Any:
    """A container of the kind of `source` that holds a list, tuple or set for each image."""
    if not isinstance(source, np.ndarray):
        return type(source)(entries)
    column = np.empty(len(entries), dtype=object)
    for row, entry in enumerate(entries):
        column[row] = entry
    return column


def _is_wide(y: Any) -> bool:
    shape = getattr(y, "shape", None)
    return shape is not None and len(shape) == 2 and shape[1] != 1


def _entries(y: Any) -> list[Any]:
    if len(getattr(y, "shape", ())) > 1:  # one column
        return []
    # `to_list` is all that polars has, and deprecated where a Categorical of pandas has both
    if not isinstance(y, np.ndarray) and (values := getattr(y, "tolist", None)) is not None:
        return list(values())
    if hasattr(y, "to_list"):
        return list(y.to_list())
    return list(y.tolist() if isinstance(y, np.ndarray) and y.dtype == object else y)


def _is_several(entry: Any) -> bool:
    if isinstance(entry, (str, bytes, Mapping)):
        return False
    if isinstance(entry, (list, tuple, Set)):
        return True
    return len(getattr(entry, "shape", ())) == 1


def _are_rows(entries: Sequence[Any]) -> bool:
    """Return whether lists are rows of 0 and 1, equally long and longer than 1."""
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
