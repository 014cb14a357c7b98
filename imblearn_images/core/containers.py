"""Containers: how the caller holds the images, and how to hand the result back alike."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rewrap = Callable[[NDArray[Any], "NDArray[np.intp] | None"], Any]


def is_path(value: Any) -> bool:
    """Tell whether `value` can name a file."""
    return isinstance(value, (str, os.PathLike))


def _means_path(value: Any) -> bool:
    """Tell whether `value` is a path, or in bytes: these are refused, by their row."""
    return isinstance(value, bytes) or is_path(value)


def shortened(value: Any) -> str:
    """What `value` is, in a few words.

    Examples
    --------
    >>> shortened(np.zeros((3, 2))), shortened(b"a.png")
    ('an array of shape (3, 2)', "b'a.png' (bytes)")
    """
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"


def holds_paths(X: Any) -> bool:
    """Tell whether `X`, as :func:`unwrap` returns it, is an array of file paths."""
    return isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype.kind in "UO"


def unwrap(X: Any) -> tuple[Any, Rewrap]:
    """Take images out of the container they came in.

    Parameters
    ----------
    X : array-like
        Images in any form: see the table in the notes.

    Returns
    -------
    images : ndarray or array-like
        An array (n, ...) of pixels, a 1-D array of paths, or `X` itself where it is
        neither (2-D lists, data frames, sparse matrices): imbalanced-learn's own
        containers.
    rewrap : callable
        ``rewrap(array, rows)`` puts an array of the first return value's kind back into
        the container. `rows` are the source rows it was selected from, or None; pandas
        objects then keep their index labels, as imbalanced-learn's do.

    Raises
    ------
    ValueError
        For images of different shapes in one list or object array, and for path
        containers with an element that is no path; the row is named.

    Notes
    -----
    ======================================  ===============================
    container                               comes back as
    ======================================  ===============================
    ndarray, memmap (n, ...) of pixels      ndarray
    list, tuple, object array of images     list, tuple, object array
    list, tuple of str or Path              list, tuple
    ndarray (n,) or (n, 1), str or object   ndarray of the same shape, kind
    Series, one-column DataFrame of paths   Series, DataFrame
    ======================================  ===============================

    Examples
    --------
    >>> paths, rewrap = unwrap(("a.png", "b.png"))
    >>> paths.tolist(), rewrap(paths[[1, 1, 0]], None)
    (['a.png', 'b.png'], ('b.png', 'b.png', 'a.png'))
    """
    if _means_path(X):
        raise ValueError(
            f"X is one path, {X!r}; pass one for each image. For a folder with class folders: "
            "paths, labels = load_image_folder(folder)."
        )
    if isinstance(X, (list, tuple)) and X:
        return _unwrap_sequence(X)
    if hasattr(X, "iloc"):
        return _unwrap_pandas(X)
    if isinstance(X, np.ndarray) and X.dtype.kind == "T":  # NumPy's StringDType
        paths, rewrap = unwrap(X.astype(object))
        return paths, lambda array, rows: rewrap(array, rows).astype(X.dtype)
    if isinstance(X, np.ndarray) and X.dtype.kind in "UOS" and X.size:
        if X.ndim == 1:
            return _unwrap_object_array(X)
        if X.ndim == 2 and X.shape[1] == 1 and any(map(_means_path, X.flat)):
            return _paths(X.ravel(), X.dtype), lambda array, rows: array.reshape(-1, 1)
    if not isinstance(X, np.ndarray) and getattr(X, "ndim", 0) > 2 and hasattr(X, "__array__"):
        X = np.asarray(X)  # a tensor on the CPU, say
    return X, lambda array, rows: array


def join_paths(paths: NDArray[Any], more: Sequence[str]) -> NDArray[Any]:
    """Append paths in the dtype of `paths`: str to str, ``Path`` to an array of ``Path``."""
    if paths.dtype.kind == "U":
        return np.concatenate([paths, np.asarray(more, dtype=str)]) if len(more) else paths.copy()
    kind = str if isinstance(paths[0], str) else Path
    joined = np.empty(len(paths) + len(more), dtype=object)
    joined[: len(paths)] = paths
    joined[len(paths) :] = [kind(path) for path in more]
    return joined


def _unwrap_sequence(X: Sequence[Any]) -> tuple[Any, Rewrap]:
    if any(map(_means_path, X)):
        as_objects = not all(isinstance(path, str) for path in X)
        return _paths(X, object if as_objects else None), lambda array, rows: type(X)(  # type: ignore[call-arg]
            array.tolist()
        )
    if all(isinstance(row, (list, tuple)) and len(row) == 1 and _means_path(row[0]) for row in X):
        paths, rewrap = _unwrap_sequence([row[0] for row in X])
        return paths, lambda array, rows: type(X)([path] for path in rewrap(array, rows))  # type: ignore[call-arg]
    if all(isinstance(image, np.ndarray) and image.ndim >= 2 for image in X):
        return _stack(X), lambda array, rows: type(X)(array)  # type: ignore[call-arg]
    return X, lambda array, rows: array


def _unwrap_object_array(X: NDArray[Any]) -> tuple[Any, Rewrap]:
    if X.dtype.kind == "O" and all(isinstance(image, np.ndarray) for image in X):

        def rewrap(array: NDArray[Any], rows: NDArray[np.intp] | None) -> NDArray[Any]:
            images = np.empty(len(array), dtype=object)
            images[:] = list(array)
            return images

        return _stack(X), rewrap
    if X.dtype.kind == "O" and not any(map(_means_path, X)):
        raise ValueError(
            f"Row 0 of X is {shortened(X[0])}, neither an image (an array) nor a file path, which "
            "is a str or pathlib.Path."
        )
    return _paths(X, X.dtype), lambda array, rows: array


def _unwrap_pandas(X: Any) -> tuple[Any, Rewrap]:
    if X.ndim == 2 and X.shape[1] != 1:
        return X, lambda array, rows: array
    values = np.asarray(X, dtype=object).ravel()
    if not any(map(_means_path, values)):
        return X, lambda array, rows: array

    column = X if X.ndim == 1 else X.iloc[:, 0]

    def rewrap(array: NDArray[Any], rows: NDArray[np.intp] | None) -> Any:
        index = None if rows is None else X.index[rows]
        # New files are no known category: the column then is one of plain objects.
        known = set(array) <= set(getattr(column.dtype, "categories", array))
        paths = type(column)(
            array, index=index, name=column.name, dtype=column.dtype if known else object
        )
        return paths if X.ndim == 1 else paths.to_frame()

    return _paths(values, object), rewrap


def _paths(X: Sequence[Any] | NDArray[Any], dtype: Any) -> NDArray[Any]:
    for row, path in enumerate(X):
        if not is_path(path):
            raise ValueError(
                f"Row {row} of X is {shortened(path)}, not a file path; give a str or "
                "pathlib.Path for every image."
            )
    if dtype is None or np.dtype(dtype).kind == "U":
        return np.asarray(X, dtype=dtype)
    paths = np.empty(len(X), dtype=object)
    paths[:] = list(X)
    return paths


def _stack(images: Sequence[NDArray[Any]] | NDArray[Any]) -> NDArray[Any]:
    forms = [(image.shape, image.dtype) for image in images]
    if len(set(forms)) > 1:
        usual = Counter(forms).most_common(1)[0][0]
        row = next(row for row, form in enumerate(forms) if form != usual)
        raise ValueError(
            f"Images in one X need one shape and dtype: row {row} has shape {forms[row][0]} and "
            f"dtype {forms[row][1]}, most have {usual[0]} and {usual[1]}. Resize them first "
            "(skimage.transform.resize), or save them as files and pass the paths: files may "
            "differ in size."
        )
    return np.stack(list(images))
