"""Columns: one-dimensional containers of pandas, polars and Arrow, and how to make them again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Recolumn = Callable[[list[Any], "NDArray[np.intp] | None"], Any]


def as_column(X: Any) -> tuple[list[Any], Recolumn] | None:
    """Elements of a column, or of a data frame of one column, and the way back.

    Returns
    -------
    values, remake : list, callable; or None
        ``remake(values, rows)`` makes a column of the same kind, name and dtype where it can
        hold the values; `rows` are the rows of `X` whose index labels it gets, or None. None
        if `X` is no column of these libraries.

    Examples
    --------
    >>> as_column(["a.png"]) is None
    True
    """
    for library, columns in (("pandas", _pandas), ("polars", _polars), ("pyarrow", _arrow)):
        # Whoever passes a column has imported its library; what looks like pandas has `iloc`.
        module = sys.modules.get(library)
        if module is not None and (found := columns(module, X)) is not None:
            return found
    return None


def _pandas(pd: Any, X: Any) -> tuple[list[Any], Recolumn] | None:
    if hasattr(X, "iloc"):
        if X.ndim == 2 and X.shape[1] != 1:
            return None
        column = X if X.ndim == 1 else X.iloc[:, 0]

        def remake(values: list[Any], rows: NDArray[np.intp] | None) -> Any:
            index = None if rows is None else X.index[rows]
            made = type(column)(
                _in_one_dimension(values),
                index=index,
                name=column.name,
                dtype=_pandas_dtype(column.dtype, values),
            )
            return made if X.ndim == 1 else made.to_frame()

        return list(np.asarray(column, dtype=object)), remake
    if isinstance(X, pd.Index):
        return list(X), lambda values, rows: pd.Index(
            _in_one_dimension(values), name=X.name, dtype=_pandas_dtype(X.dtype, values)
        )
    if isinstance(X, pd.api.extensions.ExtensionArray):
        return list(X), lambda values, rows: pd.array(
            _in_one_dimension(values), dtype=_pandas_dtype(X.dtype, values)
        )
    return None


def _pandas_dtype(dtype: Any, values: list[Any]) -> Any:
    """Return the dtype, or object: new files are no known category."""
    known = getattr(dtype, "categories", None)
    return dtype if known is None or set(values) <= set(known) else object


def _in_one_dimension(values: list[Any]) -> NDArray[Any]:
    column = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        column[row] = value
    return column


def as_table(X: Any) -> tuple[NDArray[Any], Callable[[NDArray[Any]], Any]] | None:
    """Return the values of a data frame of polars, and the way back; None for anything else."""
    pl = sys.modules.get("polars")
    if pl is None or not isinstance(X, pl.DataFrame):
        return None

    def remake(array: NDArray[Any]) -> Any:
        return pl.DataFrame(
            [
                pl.Series(name, array[:, at].tolist()).cast(dtype, strict=False)
                for at, (name, dtype) in enumerate(X.schema.items())
            ]
        )

    return X.to_numpy(), remake


def _polars(pl: Any, X: Any) -> tuple[list[Any], Recolumn] | None:
    if isinstance(X, pl.LazyFrame):
        raise TypeError("X is a LazyFrame, which holds no rows yet; pass X.collect().")
    if isinstance(X, pl.DataFrame) and X.width == 1:
        values, remake = _of_series(pl, X.to_series())
        return values, lambda values, rows: remake(values, rows).to_frame()
    return _of_series(pl, X) if isinstance(X, pl.Series) else None


def _of_series(pl: Any, X: Any) -> tuple[list[Any], Recolumn]:
    dtype = inner = X.dtype
    while hasattr(inner, "inner"):
        inner = inner.inner
    nested = None if inner is dtype else pl.Series([], dtype=inner).to_numpy().dtype

    def remake(values: list[Any], rows: NDArray[np.intp] | None) -> Any:
        known = dtype != pl.Enum or set(values) <= set(dtype.categories)
        if nested is not None:
            values = [np.asarray(value).tolist() for value in values]
        return pl.Series(X.name, values, dtype=dtype if known else pl.String)

    return _typed(X.to_list(), nested), remake


def _arrow(pa: Any, X: Any) -> tuple[list[Any], Recolumn] | None:
    if isinstance(X, pa.Table) and X.num_columns == 1:
        name, (values, remake) = X.column_names[0], _of_arrow(pa, X.column(0))
        return values, lambda values, rows: pa.table({name: remake(values, rows)})
    return _of_arrow(pa, X) if isinstance(X, (pa.Array, pa.ChunkedArray)) else None


def _of_arrow(pa: Any, X: Any) -> tuple[list[Any], Recolumn]:
    kind = inner = X.type
    while hasattr(inner, "value_type") and not pa.types.is_dictionary(inner):
        inner = inner.value_type
    nested = None if inner is kind else np.dtype(inner.to_pandas_dtype())

    def remake(values: list[Any], rows: NDArray[np.intp] | None) -> Any:
        if nested is not None:
            values = [np.asarray(value).tolist() for value in values]
        if isinstance(X, pa.ChunkedArray):
            return pa.chunked_array([values], type=kind)
        return pa.array(values, type=kind)

    return _typed(X.to_pylist(), nested), remake


def _typed(values: list[Any], dtype: np.dtype[Any] | None) -> list[Any]:
    """Nested lists of numbers as arrays of the dtype that the column says they have."""
    if dtype is None or dtype.kind not in "biuf":
        return values
    try:
        return [np.asarray(value, dtype=dtype) for value in values]
    except (TypeError, ValueError):  # missing or ragged: refused by row, by whoever looks
        return values
