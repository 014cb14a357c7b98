"""Containers: how the caller holds the images, and how to hand the result back alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, KeysView, Mapping, Sequence, ValuesView
from itertools import starmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import sparse

from imblearn_images.core.columns import as_column, as_table
from imblearn_images.core.elements import (
    as_array,
    as_tensor,
    check_unmasked,
    is_image,
    is_path,
    is_tensor,
    means_path,
    remake_of,
    row_advice,
    shortened,
)

Rewrap = Callable[[NDArray[Any], "NDArray[np.intp] | None"], Any]


def holds_paths(X: Any) -> bool:
    """Tell whether `X`, as :func:`unwrap` returns it, is an array of file paths."""
    return isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype.kind in "UO"


def unwrap(X: Any) -> tuple[Any, Rewrap]:
    """Take images out of the container they came in: the one door of all that takes images.

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
        For images of different shapes in one list or object array, for path containers
        with an element that is no path, and for masked pixels; the row is named.
    TypeError
        For what cannot be read twice or has no rows that are images: generators, mappings,
        sets, data sets of pairs; the message says what to pass.

    Notes
    -----
    An *image* is an array, a tensor of PyTorch, an image of Pillow (whose pixels are those that
    reading its file would give, not turned by EXIF) or nested lists of numbers.

    ==============================================  ============================================
    container                                       comes back as
    ==============================================  ============================================
    ndarray, memmap (n, ...) of pixels              ndarray
    tensor of PyTorch (n, ...)                      tensor, on the CPU
    h5py, zarr, dask, xarray, memoryview (n, ...)   ndarray
    list, tuple, object array of images             the same, of the same kind of images
    nested list, tuple of numbers (n, H, W[, C])    list, tuple
    list, tuple of str or Path                      list, tuple
    ndarray (n,) or (n, 1) of str or objects        ndarray of the same shape, kind
    Series, one-column DataFrame of pandas          the same, of paths or of images
    Index, Categorical, extension array             the same, object where the dtype is too narrow
    Series, DataFrame of polars                     the same
    Array, ChunkedArray, one-column Table of Arrow  the same
    deque, dict views, other sequences              list
    ==============================================  ============================================

    Examples
    --------
    >>> paths, rewrap = unwrap(("a.png", "b.png"))
    >>> paths.tolist(), rewrap(paths[[1, 1, 0]], None)
    (['a.png', 'b.png'], ('b.png', 'b.png', 'a.png'))
    >>> pixels, rewrap = unwrap([Image.new("L", (3, 2)), Image.new("L", (3, 2))])
    >>> pixels.shape, rewrap(pixels[:1], None)[0].size
    ((2, 2, 3), (3, 2))
    """
    if means_path(X):
        raise ValueError(
            f"X is one path, {X!r}; pass one for each image. For a folder with class folders: "
            "paths, labels = load_image_folder(folder)."
        )
    if isinstance(X, np.ndarray):
        return _unwrap_array(X)
    if sparse.issparse(X):
        return X, _as_it_is
    if is_tensor(X):
        pixels = as_array(X, "X")
        return pixels, lambda array, rows: as_tensor(array)
    if isinstance(X, (list, tuple)):
        return _unwrap_elements(X, X, lambda values, rows: type(X)(values)) if X else (X, _as_it_is)
    if (column := as_column(X)) is not None:
        return _unwrap_column(X, *column)
    if isinstance(X, (memoryview, Image.Image)) or hasattr(X, "__array__"):
        return _unwrap_array_like(X)
    return _unwrap_objects(X)


def _as_it_is(array: NDArray[Any], rows: NDArray[np.intp] | None) -> Any:
    return array


def join_paths(paths: NDArray[Any], more: Sequence[str]) -> NDArray[Any]:
    """Append paths in the dtype of `paths`: str to str, ``Path`` to an array of ``Path``."""
    if paths.dtype.kind == "U":
        return np.concatenate([paths, np.asarray(more, dtype=str)]) if len(more) else paths.copy()
    kind = str if isinstance(paths[0], str) else Path
    joined = np.empty(len(paths) + len(more), dtype=object)
    joined[: len(paths)] = paths
    joined[len(paths) :] = [kind(path) for path in more]
    return joined


def _unwrap_array(X: NDArray[Any]) -> tuple[Any, Rewrap]:
    if isinstance(X, np.ma.MaskedArray):
        check_unmasked(X, "X", by_row=True)
        return unwrap(np.asarray(np.ma.getdata(X)))
    if X.dtype.kind == "T":  # NumPy's StringDType
        paths, rewrap = unwrap(X.astype(object))
        return paths, lambda array, rows: rewrap(array, rows).astype(X.dtype)
    if X.dtype.kind not in "UOS" or not X.size:
        return X, _as_it_is
    if X.ndim == 2 and X.shape[1] == 1 and any(means_path(e) or is_image(e) for e in X.flat):
        images, rewrap = _unwrap_array(X.ravel())
        return images, lambda array, rows: rewrap(array, rows).reshape(-1, 1)
    if X.ndim == 2:
        _check_rows(X[:1].tolist(), X)
    if X.ndim != 1:
        return X, _as_it_is
    if X.dtype.kind != "O" or any(map(means_path, X)):
        return _paths(X, X.dtype), _as_it_is
    _check_rows(X, X)
    if not any(map(is_image, X)):
        row = next((row for row, value in enumerate(X) if not np.isscalar(value)), 0)
        raise ValueError(
            f"Row {row} of X is {shortened(X[row])}, neither an image (an array) nor a file path, "
            "which is a str or pathlib.Path."
        )
    return _unwrap_elements(X, X, lambda values, rows: _in_objects(values))


def _unwrap_elements(
    X: Any, values: Any, remake: Callable[[list[Any], Any], Any]
) -> tuple[Any, Rewrap]:
    """Make one array of images that are objects of their own, or of paths.

    `remake` makes a container like `X` of new elements.
    """
    if any(map(means_path, values)):
        as_objects = not all(isinstance(path, str) for path in values) or values is not X
        paths = _paths(values, object if as_objects else None)
        return paths, lambda array, rows: remake(array.tolist(), rows)
    if all(isinstance(row, (list, tuple)) and len(row) == 1 for row in values) and any(
        means_path(row[0]) for row in values
    ):
        paths = _paths([row[0] for row in values], None)
        return paths, lambda array, rows: remake([[path] for path in array.tolist()], rows)
    _check_rows(values, X)
    if not any(map(is_image, values)):
        return X, _as_it_is
    element = remake_of(values)
    return _stack(values), lambda array, rows: remake(list(map(element, array)), rows)


def _unwrap_column(
    X: Any, values: list[Any], remake: Callable[[list[Any], Any], Any]
) -> tuple[Any, Rewrap]:
    if any(means_path(value) or is_image(value) or row_advice(value) for value in values):
        return _unwrap_elements(X, values, remake)
    return _unwrap_table(X)


def _unwrap_table(X: Any) -> tuple[Any, Rewrap]:
    table = as_table(X)
    if table is None:
        return X, _as_it_is
    return table[0], lambda array, rows: table[1](array)


def _unwrap_array_like(X: Any) -> tuple[Any, Rewrap]:
    """Arrays of other libraries, such as h5py, zarr, dask and xarray, and frames."""
    if isinstance(X, Image.Image):
        raise TypeError(f"X is one image, {shortened(X)}; pass a list of images, [X].")
    if hasattr(X, "iloc") or as_table(X) is not None:
        return _unwrap_table(X)
    n_axes = getattr(X, "ndim", 0)
    if n_axes >= 2 or (n_axes == 1 and getattr(X, "dtype", np.dtype(object)).kind not in "biufc"):
        array = as_array(X, "X")
        images, _ = _unwrap_array(array)
        return images, _as_it_is
    return X, _as_it_is


def _unwrap_objects(X: Any) -> tuple[Any, Rewrap]:
    """Sequences of other kinds; what is none is refused with the way to make one of it."""
    kind = type(X).__name__
    if isinstance(X, Iterator):
        raise TypeError(
            f"X is a {kind}, which can be read only once; pass a list, list(X), with one image or "
            "path for each label."
        )
    if isinstance(X, Mapping):
        raise TypeError(f"X is a {kind}; pass its images alone, list(X.values()), or X[name].")
    if isinstance(X, (set, frozenset)):
        raise TypeError(f"X is a {kind}, which has no order; pass a list, sorted(X).")
    if isinstance(X, (KeysView, ValuesView)):
        values = list(X)
        return _unwrap_elements(values, values, lambda values, rows: values)
    if not hasattr(X, "__len__") or isinstance(X, range):
        return X, _as_it_is
    if not hasattr(X, "__getitem__"):
        if not hasattr(X, "__iter__"):
            return X, _as_it_is
        raise TypeError(
            f"X is a {kind}, which has no rows to choose from; collect its images in an array or a "
            "list, and their labels in y."
        )
    try:
        advice = row_advice(X[0]) if len(X) else ""
    except Exception:  # noqa: BLE001 - whatever a class of somebody else's raises
        return X, _as_it_is
    if advice:
        raise TypeError(
            f"X is a {kind}, and its row 0 {_apart(advice)}. Pass images and labels apart: "
            "X = [row[0] for row in dataset], y = [row[1] for row in dataset]; of an ImageFolder "
            "paths, y = zip(*dataset.samples)."
        )
    values = [X[row] for row in range(len(X))]
    return _unwrap_elements(values, values, lambda values, rows: values)


def _apart(advice: str) -> str:
    return advice.split(";")[0]


def _check_rows(values: Any, X: Any) -> None:
    """Refuse rows that hold more than an image, such as its label."""
    for row, value in enumerate(values):
        advice = row_advice(value)
        if advice:
            raise TypeError(f"Row {row} of X, {shortened(value)}, {advice}.")


def _in_objects(values: Any) -> NDArray[Any]:
    array = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        array[row] = value
    return array


def _paths(X: Sequence[Any] | NDArray[Any], dtype: Any) -> NDArray[Any]:
    for row, path in enumerate(X):
        if not is_path(path):
            raise ValueError(
                f"Row {row} of X is {shortened(path)}, not a file path; give a str or "
                "pathlib.Path for every image."
            )
    if dtype is None or np.dtype(dtype).kind == "U":
        return np.asarray(X, dtype=dtype)
    return _in_objects(X)


def _stack(values: Sequence[Any]) -> NDArray[Any]:
    if isinstance(values[0], (list, tuple)):
        try:  # numbers of one dtype, whichever row holds the first fraction
            return np.asarray(values)
        except ValueError:
            pass  # ragged: the row is named below
    images = list(starmap(_image, enumerate(values)))
    forms = [(image.shape, image.dtype) for image in images]
    if len(set(forms)) > 1:
        usual = Counter(forms).most_common(1)[0][0]
        row = next(row for row, form in enumerate(forms) if form != usual)
        how = (
            '[image.convert("RGB").resize((width, height)) for image in X]'
            if isinstance(values[row], Image.Image)
            else "skimage.transform.resize"
        )
        raise ValueError(
            f"Images in one X need one shape and dtype: row {row} has shape {forms[row][0]} and "
            f"dtype {forms[row][1]}, most have {usual[0]} and {usual[1]}. Resize them first "
            f"({how}), or save them as files and pass the paths: files may differ in size."
        )
    return np.stack(images)


def _image(row: int, value: Any) -> NDArray[Any]:
    if not is_image(value):
        raise ValueError(
            f"Row {row} of X is {shortened(value)}, not an image as others are; pass an array "
            "(H, W) or (H, W, C) for every image."
        )
    return as_array(value, f"Row {row} of X")
