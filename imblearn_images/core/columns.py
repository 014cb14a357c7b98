"""Columns: labels, groups and whatever else has one value for each image, in any container.

Every function that takes `y` calls this module. Labels that imbalanced-learn and scikit-learn take
pass unchanged: arrays, lists and Series of text, numbers and bools. All others, such as one-hot
rows, tensors, polars or Python integers in an array of objects, are converted to such an array. A
resampled label is then returned as the first row of `y` that has it, so that dtype, columns and
categories are those of the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Rewrap = Callable[[Any], Any]

SEVERAL = (
    "Images with several labels are resampled by imblearn_images.LabelOverSampler, which takes "
    "such rows and lists of labels."
)
"""End of messages about several labels per image."""

PLAIN = (str, int, float, np.generic)
"""Types of the entries of a list that need no conversion; bool is an int."""


def unwrap_labels(y: Any, name: str = "y") -> tuple[Any, Rewrap]:
    """Take labels out of the container they came in.

    Parameters
    ----------
    y : array-like of shape (n,) or (n, 1), or one-hot rows of shape (n, n_classes)
        Labels in any form: see the notes.
    name : str
        Name of the argument, for messages.

    Returns
    -------
    labels : array-like of shape (n,) or (n, 1)
        `y` itself if scikit-learn and imbalanced-learn take it, otherwise an array. For one-hot
        rows it holds the numbers of the columns.
    rewrap : callable
        ``rewrap(labels)`` puts resampled labels back into the container.

    Raises
    ------
    ValueError
        For missing labels, for labels that cannot be sorted together or would be changed, and for
        one-hot rows without a 1 or with several; the row is named.

    Notes
    -----
    ===============================================  =====================================
    container                                        comes back as
    ===============================================  =====================================
    ndarray (n,); (n, 1)                             ndarray (m,)
    list, tuple                                      list, tuple
    Series, one-column DataFrame                     the same, with its dtype
    Series and DataFrame of polars, Arrow array      the same
    Index, Categorical, other arrays of pandas       the same
    tensor                                           tensor
    one-hot rows in an array, list, tensor,          the same, with its dtype, all of its
    DataFrame of pandas or polars, sparse matrix     columns and their names
    ===============================================  =====================================

    Examples
    --------
    >>> labels, rewrap = unwrap_labels(np.eye(3, dtype="f4")[[2, 0, 2]])
    >>> labels.tolist(), rewrap(labels[[0, 0]]).tolist()
    ([2, 0, 2], [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    """
    if type(y) is np.ndarray and y.ndim == 1 and y.dtype.kind in "iub":
        return y, _as_it_is  # such arrays cannot hold missing or mixed labels
    if y is None:  # scikit-learn raises its own error
        return y, _as_it_is
    if sparse.issparse(y):
        return _one_hot(y, y.toarray(), name)
    if hasattr(y, "__array__") and not hasattr(y, "__len__"):
        y = np.asarray(y)
    if isinstance(y, (str, bytes, Mapping, Set)) or not isinstance(y, Iterable):
        raise ValueError(
            f"`{name}` must hold one label for each image, got {y!r:.60} ({type(y).__name__})."
            + (f" {SEVERAL}" if getattr(y, "in_pixels", False) else "")
        )
    if not hasattr(y, "__len__"):
        raise ValueError(
            f"`{name}` must hold one label for each image, got a {type(y).__name__}, which can be "
            f"read only once; pass list({name})."
        )
    width = _width(y)
    if width is not None:
        return _one_hot(y, _matrix(y, name), name)
    if _is_plain(y):
        _check_plain(y, name)
        return (y, _as_tuple) if isinstance(y, tuple) else (y, _as_it_is)
    try:
        column = column_of(y, name)
    except ValueError as error:
        raise ValueError(f"{error} {SEVERAL}") from error
    labels = _as_array(column, name)
    return _like_source(y, labels)


def column_labels(y: Any, name: str = "y") -> Any:
    """Return labels as a classifier takes them, (n,) or (n, 1), without the way back.

    Raises
    ------
    ValueError
        As :func:`unwrap_labels`, and for one-hot rows.
    """
    if y is not None and (sparse.issparse(y) or _width(y) is not None):
        raise ValueError(
            f"`{name}` should be a 1d array, got an array of shape {_shape(y)} instead: one label "
            f"for each image. Of one-hot rows pass {name}.argmax(axis=1), which are the numbers of "
            "their columns. Multilabel and multioutput targets are not supported."
        )
    labels, _ = unwrap_labels(y, name)
    if hasattr(labels, "iloc"):
        column = labels if labels.ndim == 1 else labels.iloc[:, 0]
        if not isinstance(column.dtype, np.dtype):  # NumPy would make it floats or objects
            return _as_array(column_of(labels, name), name)
    return labels


def as_table(y: Any, name: str = "y") -> NDArray[Any] | None:
    """Return rows of several columns, such as one-hot rows, as an array; None for one column."""
    if y is None or (not sparse.issparse(y) and _width(y) is None):
        return None
    return y.toarray() if sparse.issparse(y) else _matrix(y, name)


def labels_of(y: Any, name: str = "y") -> NDArray[Any]:
    """Return labels as an array of shape (n,); see :func:`column_labels`.

    Examples
    --------
    >>> labels_of([["cat"], ["dog"]]).tolist()
    ['cat', 'dog']
    """
    if y is None:
        raise ValueError(f"`{name}` must hold one label for each image, got None.")
    return np.asarray(column_labels(y, name)).reshape(-1)


def plain(label: Any) -> Any:
    """Return a label as the key of a dict: a plain Python value, but dates of NumPy unchanged.

    Examples
    --------
    >>> plain(np.str_("cat")), plain(np.int64(3))
    ('cat', 3)
    """
    if not isinstance(label, np.generic) or label.dtype.kind in "mM":
        return label  # item() would turn a date in nanoseconds into a number
    return label.item()


def plain_list(labels: NDArray[Any]) -> list[Any]:
    """Return the labels of an array as plain values; see :func:`plain`."""
    return list(labels) if labels.dtype.kind in "mM" else labels.tolist()


def count_labels(y: Any, name: str = "y") -> dict[Any, int]:
    """Return the number of images of each class, in the order of the labels.

    Examples
    --------
    >>> count_labels(["dog", "cat", "dog"])
    {'cat': 1, 'dog': 2}
    """
    labels, counts = np.unique(labels_of(y, name), return_counts=True)
    return dict(zip(map(plain, labels), counts.tolist(), strict=True))


def told(label: Any) -> Any:
    """Return a label as messages show it, without its NumPy type.

    Examples
    --------
    >>> told(np.str_("cat")), told(np.int64(3)), told(np.datetime64("2020-01-01"))
    ('cat', 3, '2020-01-01')
    """
    if not isinstance(label, np.generic):
        return label
    return str(label) if label.dtype.kind in "mM" else label.item()


def _as_tuple(labels: Any) -> Any:
    return tuple(np.asarray(labels).tolist())


def _as_it_is(labels: Any) -> Any:
    return labels


def _shape(y: Any) -> tuple[int, ...]:
    """Return the shape of any array-like."""
    return tuple(y.shape) if hasattr(y, "shape") else np.shape(y)


def _width(y: Any) -> int | None:
    """Return the number of columns of labels; None for one column."""
    shape = getattr(y, "shape", None)
    if shape is not None:
        return None if len(shape) < 2 or (len(shape) == 2 and shape[1] == 1) else int(shape[1])
    if not isinstance(y, (list, tuple)):
        return None
    for row in y:
        if isinstance(row, str) or not hasattr(row, "__len__") or getattr(row, "shape", None) == ():
            return None
        if len(row) != 1:
            return len(row)
    return None


def _matrix(y: Any, name: str) -> NDArray[Any]:
    """Return rows of several columns as an array; masked values become -1, which is refused."""
    if hasattr(y, "detach"):
        y = y.detach().cpu()
    try:
        if isinstance(y, (list, tuple)):
            y = [row.detach().cpu() if hasattr(row, "detach") else row for row in y]
        matrix = np.ma.filled(y, -1) if isinstance(y, np.ma.MaskedArray) else np.asarray(y)
    except ValueError as error:
        raise ValueError(
            f"`{name}` must hold one label for each image, or one-hot rows of one length: {error} "
            f"{SEVERAL}"
        ) from error
    return matrix


def _one_hot(y: Any, matrix: NDArray[Any], name: str) -> tuple[NDArray[np.intp], Rewrap]:
    """Return the column of the 1 in each one-hot row, and the way back to rows of `y`."""
    if matrix.ndim != 2:
        raise ValueError(
            f"`{name}` must hold one label for each image, got shape {matrix.shape}. Images come "
            f"first: fit_resample(X, y). {SEVERAL if matrix.dtype.kind == 'O' else ''}".rstrip()
        )
    zeros, ones = matrix == 0, matrix == 1
    wrong = np.flatnonzero(~np.asarray(zeros | ones, dtype=bool).all(axis=1))
    if len(wrong):
        raise ValueError(
            f"Unknown label type: `{name}` must hold one label for each image, or one-hot rows of "
            f"0 and 1, got shape {matrix.shape} with {_shown(matrix[wrong[0]])} in row {wrong[0]}. "
            f"Images come first: fit_resample(X, y). {SEVERAL}"
        )
    count = np.asarray(ones, dtype=bool).sum(axis=1)
    if len(wrong := np.flatnonzero(count != 1)):
        row = int(wrong[0])
        many = bool((count > 1).any())
        raise ValueError(
            f"`{name}` must have exactly one 1 in each one-hot row, got {count[row]} in row {row} "
            f"({len(wrong)} such rows): "
            + (
                f"Multilabel and multioutput targets are not supported. {SEVERAL}"
                if many
                else "the image has no label. Leave it out, or give it a class of its own."
            )
        )
    labels = np.argmax(ones, axis=1)
    return _like_source(y, labels)


def _shown(row: NDArray[Any]) -> str:
    """Return the first values of a row as text."""
    values = ", ".join(repr(value) for value in row[:4].tolist())
    return f"[{values}, ...]" if len(row) > 4 else f"[{values}]"


def _is_plain(y: Any) -> bool:
    """Return whether imbalanced-learn takes these labels and returns the same kind."""
    if isinstance(y, np.ma.MaskedArray):
        return False
    if isinstance(y, np.ndarray):
        return y.dtype.kind in "biufUSmMc" or (y.dtype.kind == "O" and _holds_text(y.ravel()))
    if isinstance(y, (list, tuple)):
        dates = (np.datetime64, np.timedelta64)
        plain = map(_only, y)
        return all(isinstance(each, PLAIN) and not isinstance(each, dates) for each in plain)
    if hasattr(y, "iloc"):  # of pandas
        column = y if y.ndim == 1 else y.iloc[:, 0]
        return str(column.dtype) != "object" or _holds_text(column)
    return False


def _only(label: Any) -> Any:
    """Return the only entry of a list or tuple of one; anything else as it is."""
    return label[0] if isinstance(label, (list, tuple)) and len(label) == 1 else label


def _holds_text(labels: Iterable[Any]) -> bool:
    """Return whether any of the labels is text or bytes."""
    return any(isinstance(label, (str, bytes)) for label in labels)


def _check_plain(y: Any, name: str) -> None:
    """Raise for missing or mixed labels among those that need no conversion."""
    if isinstance(y, np.ndarray) and y.dtype.kind in "iubU":
        return  # neither can these, of other shapes, or of text
    if not isinstance(y, np.ndarray):
        y = [_only(label) for label in (y.to_numpy(object).ravel() if hasattr(y, "iloc") else y)]
    # Not tolist(), which turns dates into numbers, in which a missing date does not show.
    column = np.empty(len(y), dtype=object)
    column[:] = list(np.ravel(y)) if isinstance(y, np.ndarray) else y
    check_column(column, name)
    _check_ends(column, name)


def check_column(column: NDArray[Any], name: str) -> None:
    """Raise for missing labels, and for labels that cannot be sorted together, naming rows."""
    missing = [row for row, label in enumerate(column) if is_missing(label)]
    if missing:
        raise ValueError(
            f"Unknown label type: {name} has {len(missing)} missing labels (None or NaN), the "
            f"first in row {missing[0]}. Leave these images out, or give them a class of their own."
        )
    # Python cannot sort text among numbers, and NumPy would turn numbers into text first.
    text = np.fromiter((isinstance(label, str) for label in column), bool, len(column))
    if text.any() and not text.all():
        row, other = int(np.argmax(text)), int(np.argmin(text))
        raise ValueError(
            f"Unknown label type: {name} mixes text and other labels, {column[row]!r} in row {row} "
            f"and {column[other]!r} in row {other}. Use one type, e.g. {name}.astype(str)."
        )


def _check_ends(column: NDArray[Any], name: str) -> None:
    """Raise for text that NumPy would shorten, naming the row."""
    for row in range(len(column)):
        if isinstance(column[row], str) and column[row].endswith("\0"):
            raise ValueError(
                f"`{name}` must not hold text that ends in a NUL character, which NumPy drops: got "
                f"{column[row]!r} in row {row}. Give the class another name."
            )


def _as_array(column: NDArray[Any], name: str) -> NDArray[Any]:
    """Return objects as an array of a type that scikit-learn takes; raise naming the row."""
    check_column(column, name)
    _check_ends(column, name)
    values = column.tolist()
    kinds = {type(value) for value in values}
    if not kinds or kinds <= {str}:
        return column
    if kinds <= {bool, int, float} or (
        len(kinds) == 1 and kinds <= {np.datetime64, np.timedelta64}
    ):
        labels = np.array(values)
        if labels.dtype.kind != "O":
            return labels
    known = (bool, int, float)
    strange = (row for row, value in enumerate(values) if type(value) not in known)
    large = (row for row, value in enumerate(values) if type(value) is int and abs(value) >> 63)
    row = next(strange, next(large, 0))
    raise ValueError(
        f"Unknown label type: `{name}` must hold text, bools, numbers of at most 64 bits or dates "
        f"of NumPy, got {values[row]!r:.60} ({type(values[row]).__name__}) in row {row}. Turn the "
        "labels into text, [str(label) for label in " + f"{name}]."
    )


def _like_source(y: Any, labels: NDArray[Any]) -> tuple[NDArray[Any], Rewrap]:
    """Return labels, and a function that returns resampled ones as rows of `y`, the first each."""
    # A label comes back as its first row in `y`: conversions would lose dtypes and categories.
    known, first = np.unique(labels, return_index=True)

    def rewrap(resampled: Any) -> Any:
        resampled = np.asarray(resampled)
        at = np.searchsorted(known, resampled).clip(max=len(known) - 1)
        if not (known[at] == resampled).all():  # a sampler has made new labels
            return resampled
        return label_rows(y, first[at])

    return labels, rewrap


def label_rows(y: Any, rows: NDArray[np.intp]) -> Any:
    """Return rows of labels in the container they came in; pandas objects get a new index.

    Examples
    --------
    >>> label_rows(("cat", "dog"), np.array([1, 1]))
    ('dog', 'dog')
    """
    if hasattr(y, "iloc"):
        return y.iloc[rows].reset_index(drop=True)
    if isinstance(y, (list, tuple)):
        return type(y)([y[row] for row in rows])
    if getattr(y, "in_pixels", False):  # annotations, which know their rows
        return y[rows]
    if isinstance(y, np.ma.MaskedArray):
        return np.ma.getdata(y)[rows]
    if hasattr(y, "combine_chunks") or type(y).__module__.startswith("pyarrow"):
        return y.take(rows)
    if not hasattr(y, "__array__") and not sparse.issparse(y):  # a deque
        return type(y)([y[row] for row in rows.tolist()])
    return y[rows.tolist()] if hasattr(y, "detach") else y[rows]


def rows_of(array: Any, rows: NDArray[np.intp], n_source: int) -> Any:
    """Return some rows of a list, array, sparse matrix or pandas object, in the same container.

    Raises
    ------
    TypeError
        If `array` has no rows.
    ValueError
        If it does not have `n_source` of them.

    Examples
    --------
    >>> rows_of(("a", "b"), np.array([1, 0, 1]), 2)
    ('b', 'a', 'b')
    """
    shape = getattr(array, "shape", None)
    has_rows = hasattr(array, "__len__") if shape is None else len(shape) > 0
    if not has_rows or isinstance(array, (str, bytes, Mapping, Set)):
        raise TypeError(
            f"`array` must have one row for each of the {n_source} source images, as a list, an "
            f"array or a data frame has, got {array!r:.60}."
        )
    n = shape[0] if shape else len(array)
    if n != n_source:
        raise ValueError(
            f"`array` has {n} rows, the plan was drawn for {n_source} images; pass the array that "
            "belongs to the X given to fit_resample."
        )
    if hasattr(array, "iloc"):
        return array.iloc[rows]
    if getattr(array, "in_pixels", False):  # annotations, which know their rows
        return array[rows]
    if isinstance(array, (list, tuple)):
        return type(array)(array[row] for row in rows)
    if isinstance(array, np.ma.MaskedArray) or sparse.issparse(array):
        return array[rows]
    return np.asarray(array)[rows]


_TARGETS = {"boxes", "bboxes", "bbox", "masks", "mask", "keypoints", "polygons", "segmentation"}
"""Keys of the dicts that detectors take, one for each image, whose values are in pixels."""


def is_in_pixels(array: Any) -> bool:
    """Return whether values are positions in the pixels of images: boxes, masks, keypoints.

    True for objects with a true attribute ``in_pixels``; for lists of boxes (k, 4) and of the
    dicts that detectors take; for bool arrays of shape (n, H, W); and for label maps: integers
    (n, H, W), one array or a list, with areas of one value, or with few values. Other numbers
    (n, H, W) may be anything, such as the images.

    Examples
    --------
    >>> is_in_pixels([[[0, 0, 8, 8]], []]), is_in_pixels([{"boxes": [], "labels": []}])
    (True, True)
    >>> is_in_pixels(np.zeros((4, 8, 8))), is_in_pixels(["ward 1", "ward 7"])
    (False, False)
    >>> is_in_pixels(np.kron(np.eye(4, dtype=int), np.ones((8, 8), dtype=int)).reshape(4, 8, 32))
    True
    """
    if getattr(array, "in_pixels", False) or _are_label_maps(array):
        return True
    if isinstance(array, np.ndarray) and array.dtype != object:
        return bool(array.ndim > 2 and array.dtype.kind == "b")
    if not isinstance(array, (list, tuple, np.ndarray)):
        return False
    rows = [row for row in array if hasattr(row, "__len__") and not isinstance(row, (str, bytes))]
    if any(isinstance(row, Mapping) for row in rows):
        return any(isinstance(row, Mapping) and _TARGETS & {*map(str, row)} for row in rows)
    if not any(len(row) for row in rows) or not all(map(_is_box_list, rows)):
        return False
    # A list of images that are four pixels wide looks like a list of boxes. But images have one
    # height, and their columns are in no order, whereas x_min <= x_max and y_min <= y_max.
    ordered = (np.asarray(row, dtype=np.float64) for row in rows if len(row))
    return len({len(row) for row in rows}) > 1 or all(
        bool((boxes[:, :2] <= boxes[:, 2:]).all()) for boxes in ordered
    )


SAMPLE = 32
"""Number of images, evenly spaced, by which label maps are told from images."""
FEW = 16
"""Up to so many different values, integers are more likely labels than brightness."""


def _are_label_maps(array: Any) -> bool:
    """Return whether integers (n, H, W) look like labels of pixels: flat, or of few values.

    Brightness changes from pixel to pixel, at least where it is not that of the background. So
    these are labels if at least half of all neighbours in a row are equal, also among those pairs
    in which neither pixel has the most frequent value, that of the background.
    """
    is_list = isinstance(array, (list, tuple)) or (
        isinstance(array, np.ndarray) and array.dtype.kind == "O"
    )
    n = len(array) if is_list or len(getattr(array, "shape", ())) > 2 else 0
    maps = []
    for row in np.unique(np.linspace(0, n - 1, SAMPLE).astype(int)).tolist() if n else ():
        try:
            one = np.asarray(array[row])
        except (TypeError, ValueError, KeyError, IndexError, RuntimeError):
            return False
        one = one[..., 0] if one.ndim == 3 and one.shape[2] == 1 else one
        if one.ndim != 2 or one.dtype.kind not in "iu" or min(one.shape) < 4:
            return False
        if getattr(array[row], "mode", "") == "P":  # of Pillow: numbers of a palette
            return True
        maps.append(one)
    if not maps:
        return False
    values, counts = np.unique(np.concatenate([one.ravel() for one in maps]), return_counts=True)
    if len(values) <= FEW and counts.sum() > FEW**2:
        return True
    most = values[np.argmax(counts)]
    pairs = np.concatenate([np.stack([m[:, 1:].ravel(), m[:, :-1].ravel()]) for m in maps], axis=1)
    same, ahead = pairs[0] == pairs[1], (pairs != most).all(axis=0)
    return bool(same.mean() >= 0.5 and (not ahead.any() or same[ahead].mean() >= 0.5))


def _is_box_list(row: Any) -> bool:
    """Return whether `row` may hold the boxes of one image: none, or rows of four numbers."""
    try:
        return not len(row) or np.asarray(row, dtype=np.float64).shape[1:] == (4,)
    except (TypeError, ValueError):
        return False


def column_of(values: Any, name: str) -> NDArray[Any]:
    """Return one value for each image, from any container, as an array of objects, shape (n,).

    Arrays and tensors of shape (n,) or (n, 1), lists of values, of tensors of one value or of
    rows of one, Series and one-column frames of pandas and polars, Arrow arrays: all of them
    mean the same. Masked values become None.

    Raises
    ------
    ValueError
        If `values` is not one column.

    Examples
    --------
    >>> column_of(np.array([[3], [4]]), "groups").tolist(), column_of([np.array(3), "a"], "groups")
    ([3, 4], array([3, 'a'], dtype=object))
    """
    if isinstance(values, (str, bytes, Mapping, Set)) or not isinstance(values, Iterable):
        raise ValueError(
            f"`{name}` must be one column, with one value for each image, got {values!r:.60} "
            f"({type(values).__name__})."
        )
    shape = tuple(getattr(values, "shape", (0,)))
    if len(shape) != 1 and shape[1:] != (1,):
        raise ValueError(
            f"`{name}` must be one column, with one value for each image, got shape {shape}."
        )
    entries = _entries(values)
    column = np.empty(len(entries), dtype=object)
    column[:] = [_scalar(entry, row, name) for row, entry in enumerate(entries)]
    return column


def _entries(values: Any) -> Sequence[Any]:
    """Return the entries of a container along its first axis, or those of its only column."""
    if hasattr(values, "detach"):  # a tensor, on whatever device
        values = values.detach().cpu()
    if not isinstance(values, (list, tuple)) and hasattr(values, "__array__"):
        if not isinstance(values, np.ndarray):
            dates = str(getattr(values, "dtype", "")).startswith(("datetime64", "timedelta64"))
            # As objects, so that a missing value does not turn integers into floats and no mask
            # is lost; dates keep their dtype, because as objects they would become numbers.
            values = np.asarray(values, dtype=None if dates else object)
        shape = np.shape(values)
        values = values.ravel() if shape[1:] == (1,) else values
        # tolist() below makes plain Python values, but of dates in nanoseconds it makes integers.
        hidden = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
        if values.ndim == 1 and hidden is not None:
            values = np.ma.getdata(values).astype(object)  # a copy
            values[hidden] = None
        return list(values) if values.ndim != 1 or values.dtype.kind in "mM" else values.tolist()
    return values if isinstance(values, (list, tuple)) else list(values)


def _scalar(entry: Any, row: int, name: str) -> Any:
    """Return a plain value from an entry of a column; raise if it holds several."""
    if entry is np.ma.masked:
        return None
    if isinstance(entry, np.generic):
        return entry if entry.dtype.kind in "mM" else entry.item()
    shape = getattr(entry, "shape", None)
    if shape is None and isinstance(entry, (list, tuple)) and len(entry) == 1:
        return _scalar(entry[0], row, name)
    if shape is not None and tuple(shape) in ((), (1,)) and hasattr(entry, "item"):
        return entry.item()
    if shape is not None or isinstance(entry, (list, dict, set)):
        what = f"of shape {tuple(shape)}" if shape is not None else f"{entry!r:.60}"
        raise ValueError(
            f"`{name}` must be one column, with one value for each image, got a "
            f"{type(entry).__name__} {what} in row {row}."
        )
    return entry


def as_groups(
    groups: Any,
    n: int,
    *,
    name: str = "groups",
    of: str = "source images, for which the plan was drawn",
    called: Sequence[Any] | None = None,
) -> NDArray[Any]:
    """Return the groups of `n` images as an array of plain values, shape (n,).

    Parameters
    ----------
    groups : array-like of shape (n,) or (n, 1)
        In any container that :func:`column_of` knows.
    n : int
        How many there must be.
    name, of : str
        Name of the argument, and of what has the groups, for messages.
    called : sequence of length n, default=None
        What messages call the images, such as the names of files; by default their rows.

    Raises
    ------
    ValueError
        If there is not one group for each image; the first row without one is named.

    Examples
    --------
    >>> as_groups(np.array([[7], [8]]), 2).tolist()
    [7, 8]
    >>> as_groups(["ward 1", None], 2, of="images")
    Traceback (most recent call last):
        ...
    ValueError: `groups` has 1 missing groups (None or NaN), the first in row 1. Give images of
    unknown origin groups of their own.
    """
    column = column_of(groups, name)
    if len(column) != n:
        raise ValueError(
            f"`{name}` has {len(column)} values, there are {n} {of}; pass one group for each, in "
            "the same order."
        )
    missing = [row for row, group in enumerate(column) if is_missing(group)]
    if missing:
        where = f"in row {missing[0]}" if called is None else f"that of {called[missing[0]]!r}"
        raise ValueError(
            f"`{name}` has {len(missing)} missing groups (None or NaN), the first {where}. Give "
            "images of unknown origin groups of their own."
        )
    for row, group in enumerate(column):
        try:
            hash(group)
        except TypeError:
            raise ValueError(
                f"`{name}` must hold text or numbers, got {group!r:.60} in row {row}."
            ) from None
    return column


def sortable(groups: NDArray[Any]) -> NDArray[Any]:
    """Return groups in a form that NumPy sorts: as they are, or as text where types are mixed.

    Groups that were equal stay equal.

    Examples
    --------
    >>> sortable(np.array([1, "a", 1.0], dtype=object)).tolist()
    ['1', "'a'", '1']
    """
    natural = np.array(groups.tolist()) if len({type(group) for group in groups}) == 1 else groups
    if natural.shape != groups.shape or natural.dtype.kind == "U":
        # Of tuples NumPy makes a 2-D array, and it pads all texts to the longest.
        natural = groups
    try:
        np.unique(natural)
    except TypeError:
        known: dict[Any, str] = {}
        return np.array([known.setdefault(group, repr(group)) for group in groups], dtype=object)
    return natural


def is_missing(value: Any) -> bool:
    """Return whether a label or group is None, NaN, NaT or pandas.NA."""
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas.NA != pandas.NA is NA, which bool() refuses
        return True
