"""Columns beside the images: groups, labels, masks, whatever has one value for each of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["as_groups", "column_of", "is_in_pixels", "is_missing", "rows_of", "sortable"]


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
