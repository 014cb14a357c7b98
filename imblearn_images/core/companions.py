"""Companions: what has one row for each source image, such as groups, names or masks."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse


def rows_of(array: Any, rows: NDArray[np.intp], n_source: int) -> Any:
    """Take rows of a list, an array, a sparse matrix or something of pandas, in its container.

    What has no rows, or another number of them, is refused.

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
    if isinstance(array, (list, tuple)):
        return type(array)(array[row] for row in rows)
    if isinstance(array, np.ma.MaskedArray) or sparse.issparse(array):
        return array[rows]
    return np.asarray(array)[rows]


def as_groups(groups: Any, n_source: int) -> NDArray[Any]:
    """Groups of the source images as an array of objects, shape (n_source,).

    Raises
    ------
    ValueError
        If there is not one group for each image; the first row without is named.
    """
    # As objects: a list of texts and NaN would become an array of texts.
    column = np.asarray(groups, dtype=object)
    if column.ndim not in (1, 2) or column.shape[1:] not in ((), (1,)):
        raise ValueError(
            f"`groups` must be one column, a group for each of the {n_source} source images, got "
            f"shape {column.shape}."
        )
    if len(column) != n_source:
        raise ValueError(
            f"`groups` has {len(column)} rows, the plan was drawn for {n_source} images."
        )
    column = column.ravel()
    missing = [row for row, group in enumerate(column.tolist()) if is_missing(group)]
    if missing:
        raise ValueError(
            f"`groups` has {len(missing)} missing groups (None or NaN), the first in row "
            f"{missing[0]}. Give images of unknown origin groups of their own."
        )
    return column


def is_missing(value: Any) -> bool:
    """Whether a label or group is None, NaN, NaT or pandas.NA."""
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas.NA has no truth
        return True
