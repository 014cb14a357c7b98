"""Containers: take images out of what the caller passed, and return results in the same kind."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, KeysView, Mapping, Sequence, ValuesView
from itertools import starmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import sparse

SUFFIXES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".tif", ".tiff"),
    *(".webp", ".gif", ".ppm", ".pgm", ".pbm", ".pnm"),
)
"""The suffixes of these formats, in lower case; when a file is read its content decides."""

ARRAYS: dict[str, tuple[str, tuple[int, ...]]] = {
    "1": ("bool", ()),
    "L": ("uint8", ()),
    "LA": ("uint8", (2,)),
    "RGB": ("uint8", (3,)),
    "RGBA": ("uint8", (4,)),
    "I;16": ("uint16", ()),
    "I": ("int32", ()),
    "F": ("float32", ()),
}
"""Pillow's mode -> dtype and channel axis of the array; one table for both directions."""
_READ_AS = {mode: mode for mode in ARRAYS} | {
    **dict.fromkeys(("I;16B", "I;16L", "I;16N"), "I;16"),
    **dict.fromkeys(("RGBX", "CMYK", "YCbCr", "LAB", "HSV", "P"), "RGB"),
    "La": "LA",
    **dict.fromkeys(("RGBa", "PA"), "RGBA"),
}
"""Pillow's mode -> the mode that it is read as."""

Recolumn = Callable[[list[Any], "NDArray[np.intp] | None"], Any]
"""``remake(values, rows)`` of :func:`as_column`."""


def as_column(X: Any) -> tuple[list[Any], Recolumn] | None:
    """Return the elements of a column, or one-column data frame, and a function to remake it.

    Returns
    -------
    values, remake : list, callable; or None
        ``remake(values, rows)`` makes a column of the same kind and name, and of the same dtype
        if that can hold the values; `rows` are the rows of `X` whose index labels it gets, or
        None. None instead of the pair if `X` is not a column of pandas, polars or Arrow.

    Examples
    --------
    >>> as_column(["a.png"]) is None
    True
    """
    for library, columns in (("pandas", _pandas), ("polars", _polars), ("pyarrow", _arrow)):
        # A caller who passes a column has imported its library: nothing is imported here.
        module = sys.modules.get(library)
        if module is not None and (found := columns(module, X)) is not None:
            return found
    return None


def _pandas(pd: Any, X: Any) -> tuple[list[Any], Recolumn] | None:
    """Return what :func:`as_column` returns for an object of pandas, or of its interface."""
    if hasattr(X, "iloc"):
        if X.ndim == 2 and X.shape[1] != 1:
            return None
        column = X if X.ndim == 1 else X.iloc[:, 0]

        def remake(values: list[Any], rows: NDArray[np.intp] | None) -> Any:
            index = None if rows is None else X.index[rows]
            made = type(column)(
                as_objects(values),
                index=index,
                name=column.name,
                dtype=_pandas_dtype(column.dtype, values),
            )
            return made if X.ndim == 1 else made.to_frame()

        return list(np.asarray(column, dtype=object)), remake
    if isinstance(X, pd.Index):
        return list(X), lambda values, rows: pd.Index(
            as_objects(values), name=X.name, dtype=_pandas_dtype(X.dtype, values)
        )
    if isinstance(X, pd.api.extensions.ExtensionArray):
        return list(X), lambda values, rows: pd.array(
            as_objects(values), dtype=_pandas_dtype(X.dtype, values)
        )
    return None


def _pandas_dtype(dtype: Any, values: list[Any]) -> Any:
    """Return `dtype`, or object if it is categorical and lacks a value, such as a new file."""
    known = getattr(dtype, "categories", None)
    return dtype if known is None or set(values) <= set(known) else object


def as_objects(values: Iterable[Any]) -> NDArray[Any]:
    """Return an array of dtype object, shape (n,), whatever the values are.

    ``np.array(values, dtype=object)`` would make a 2-D array of values of one length.
    """
    listed = list(values)
    array = np.empty(len(listed), dtype=object)
    for at, value in enumerate(listed):
        array[at] = value
    return array


def as_table(X: Any) -> tuple[NDArray[Any], Callable[[NDArray[Any]], Any]] | None:
    """Return the values of a polars data frame and a function to remake it, or None."""
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
    """Return what :func:`as_column` returns for an object of polars."""
    if isinstance(X, pl.LazyFrame):
        raise TypeError("X is a LazyFrame, which holds no rows yet; pass X.collect().")
    if isinstance(X, pl.DataFrame) and X.width == 1:
        values, remake = _of_series(pl, X.to_series())
        return values, lambda values, rows: remake(values, rows).to_frame()
    return _of_series(pl, X) if isinstance(X, pl.Series) else None


def _of_series(pl: Any, X: Any) -> tuple[list[Any], Recolumn]:
    """Return the elements of a Series of polars, and a function to remake it."""
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
    """Return what :func:`as_column` returns for an object of Arrow."""
    if isinstance(X, (pa.Table, pa.RecordBatch)) and X.num_columns == 1:
        name, (values, remake) = X.schema.names[0], _of_arrow(pa, X.column(0))
        table = pa.table if isinstance(X, pa.Table) else pa.record_batch
        return values, lambda values, rows: table({name: remake(values, rows)})
    return _of_arrow(pa, X) if isinstance(X, (pa.Array, pa.ChunkedArray)) else None


def _of_arrow(pa: Any, X: Any) -> tuple[list[Any], Recolumn]:
    """Return the elements of an Arrow array, and a function to remake it."""
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
    """Return nested lists of numbers as arrays of the dtype that their column declares."""
    if dtype is None or dtype.kind not in "biuf":
        return values
    try:
        return [np.asarray(value, dtype=dtype) for value in values]
    except (TypeError, ValueError):  # missing or ragged: `_unwrap_elements` names the row
        return values


Remake = Callable[[NDArray[Any]], Any]
"""Makes of the pixels of one image the kind of object that the caller passed."""


def is_path(value: Any) -> bool:
    """Return whether `value` can name a file."""
    return isinstance(value, (str, os.PathLike))


def means_path(value: Any) -> bool:
    """Return whether `value` is meant as a path: a path, or bytes, which are refused later."""
    return isinstance(value, bytes) or is_path(value)


def shortened(value: Any) -> str:
    """Describe `value` in a few words, for a message.

    Examples
    --------
    >>> shortened(np.zeros((3, 2))), shortened(b"a.png")
    ('an array of shape (3, 2)', "b'a.png' (bytes)")
    """
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if is_tensor(value):
        return f"a tensor of shape {tuple(value.shape)}"
    text = " ".join(repr(value).split())
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"


def is_tensor(value: Any) -> bool:
    """Return whether `value` is a tensor of PyTorch."""
    torch = sys.modules.get("torch")  # a caller who passes a tensor has imported it
    return torch is not None and isinstance(value, torch.Tensor)


def is_image(value: Any) -> bool:
    """Return whether `value` is an image by itself: pixels in at least two dimensions.

    Examples
    --------
    >>> is_image(np.zeros((3, 2))), is_image([[0, 1], [2, 3]]), is_image(Image.new("L", (3, 2)))
    (True, True, True)
    >>> is_image(np.zeros(3)), is_image([0, 1]), is_image("a.png")
    (False, False, False)
    """
    if isinstance(value, (list, tuple)):
        return bool(value) and (
            isinstance(value[0], (list, tuple)) or getattr(value[0], "ndim", 0) > 0
        )
    if isinstance(value, Image.Image):
        return True
    holds_numbers = isinstance(value, memoryview) or hasattr(value, "__array__")
    return holds_numbers and getattr(value, "ndim", 0) >= 2


def row_advice(row: Any) -> str:
    """Return what to pass instead of a row that holds more than an image, or "".

    Examples
    --------
    >>> row_advice(("a.png", 3))
    'is a pair of an image and its label; pass them apart: X, y = zip(*X)'
    >>> row_advice("a.png"), row_advice(["grey", "round"])
    ('', '')
    """
    if isinstance(row, Mapping):
        names = [name for name, value in row.items() if is_image(value) or means_path(value)]
        name = names[0] if names else "image"
        return f"is a {type(row).__name__}; pass the images alone: [row[{name!r}] for row in X]"
    if not isinstance(row, (list, tuple)) or len(row) < 2:
        return ""
    shows = [_is_file_name(part) or (is_image(part) and not _is_nested(part)) for part in row]
    if not any(shows) and isinstance(row, tuple) and is_path(row[0]):
        # A list of words is a row of a table for imbalanced-learn; data sets return tuples.
        shows = list(map(is_path, row))
    others = [part for part, is_shown in zip(row, shows, strict=True) if not is_shown]
    if not any(shows) or not any(getattr(part, "ndim", 0) == 0 for part in others):
        return ""
    at = shows.index(True)
    if len(row) > 2:
        which = "first" if at == 0 else f"one at {at}"
        alone = f"[row[{at}] for row in X]"
        return f"has {len(row)} parts, the {which} an image; pass these alone: {alone}"
    return (
        "is a pair of an image and its label; pass them apart: "
        f"{'X, y' if at == 0 else 'y, X'} = zip(*X)"
    )


def _is_nested(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _is_file_name(value: Any) -> bool:
    """Return whether `value` is a path beyond doubt, not just any text."""
    is_text = isinstance(value, str)
    return value.lower().endswith(SUFFIXES) if is_text else is_path(value)


def array_mode(im: Image.Image) -> str:
    """Return the mode in which `im` becomes an array: a key of ``ARRAYS``."""
    if im.mode == "P" and im.has_transparency_data:
        return "RGBA"
    if im.mode == "I" and im.format in ("PNG", "PPM"):
        return "I;16"  # both hold at most 16 bits
    if im.mode not in _READ_AS:
        raise ValueError(f"Pillow's mode {im.mode} is not supported")
    return _READ_AS[im.mode]


def mode_of_array(mode: str) -> str:
    """Return the mode that an image of one of Pillow's modes is read as."""
    return _READ_AS.get(mode, mode)


def pillow_pixels(image: Image.Image) -> NDArray[Any]:
    """Return the pixels of a Pillow image as they are in its file; EXIF orientation is ignored.

    Examples
    --------
    >>> pillow_pixels(Image.new("CMYK", (5, 2))).shape
    (2, 5, 3)
    """
    mode = array_mode(image)
    image = image if mode in ("I;16", image.mode) else image.convert(mode)
    return np.array(image, dtype=ARRAYS[mode][0])


def as_array(value: Any, what: str) -> NDArray[Any]:
    """Return the pixels of an image, or of a set of images, as an array of any dtype.

    Parameters
    ----------
    value : ndarray, PIL image, tensor, memoryview, nested sequence or anything with __array__
        A PIL image gives the pixels of its file, without its EXIF orientation applied.
    what : str
        What messages call it, such as "Row 3 of X".

    Raises
    ------
    ValueError
        For masked pixels, for tensors that NumPy cannot hold, for ragged sequences.
    """
    if isinstance(value, Image.Image):
        try:
            return pillow_pixels(value)
        except MemoryError:
            raise
        except Exception as exc:  # Pillow decodes an opened file only now, and may raise anything
            raise ValueError(f"{what} is an image of Pillow that cannot be used: {exc}") from exc
    if is_tensor(value):
        try:
            return np.asarray(value.numpy(force=True))
        except (TypeError, RuntimeError) as exc:
            raise ValueError(
                f"{what} is a tensor of {value.dtype} and layout {value.layout}, which no array "
                "can hold. Convert it: X.float(), X.to_dense()."
            ) from exc
    if isinstance(value, np.ma.MaskedArray):
        check_unmasked(value, what)
        return np.asarray(np.ma.getdata(value))
    if isinstance(value, np.ndarray):
        return value
    try:
        return np.asarray(value)
    except ValueError as exc:
        raise ValueError(
            f"{what} is not an image: its rows of pixels differ in length. Pass arrays (H, W) or "
            "(H, W, C)."
        ) from exc


def check_unmasked(array: Any, what: str, by_row: bool = False) -> None:
    """Raise for masked pixels: an image with holes cannot be blended.

    Raises
    ------
    ValueError
        If pixels are masked; it names the rows if `by_row`.
    """
    if not isinstance(array, np.ma.MaskedArray) or not np.ma.is_masked(array):
        return
    where = ""
    if by_row:
        mask = np.ma.getmaskarray(array)
        rows = np.flatnonzero(mask.reshape(len(array), -1).any(axis=1))
        more = f" and {len(rows) - 10} more" if len(rows) > 10 else ""
        where = f": rows {', '.join(map(str, rows[:10]))}{more}"
    raise ValueError(
        f"{what} contains masked values{where}. Fill them, X.filled(value), or leave these images "
        "out."
    )


def remake_of(values: Sequence[Any]) -> Remake:
    """Return the function that turns pixels into the kind of object that all `values` are.

    Examples
    --------
    >>> remake_of([Image.new("L", (3, 2))])(np.zeros((2, 3), dtype=np.uint8)).size
    (3, 2)
    """
    # Of mixed kinds there is no kind to go back to: these come back as arrays.
    if all(isinstance(value, Image.Image) for value in values):
        return Image.fromarray
    if all(map(is_tensor, values)):
        return as_tensor
    if all(isinstance(value, (list, tuple)) for value in values):
        return lambda image: image.tolist()
    return lambda image: image


def as_tensor(array: NDArray[Any]) -> Any:
    """Return pixels as a tensor of PyTorch, on the CPU."""
    return sys.modules["torch"].from_numpy(np.ascontiguousarray(array))


Rewrap = Callable[[NDArray[Any], "NDArray[np.intp] | None"], Any]
"""``rewrap(array, rows)`` of :func:`unwrap`."""


def holds_paths(X: Any) -> bool:
    """Return whether `X`, as :func:`unwrap` returns it, is an array of file paths."""
    return isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype.kind in "UO"


def holds_images(X: Any) -> bool:
    """Return whether `X`, as :func:`unwrap` returns it, holds images or paths, not a table."""
    return holds_paths(X) or (isinstance(X, np.ndarray) and X.ndim > 2)


def unwrap(X: Any) -> tuple[Any, Rewrap]:
    """Take images out of the container they came in; every function that takes images calls this.

    Parameters
    ----------
    X : array-like
        Images in any form: see the table in the notes.

    Returns
    -------
    images : ndarray or array-like
        An array (n, ...) of pixels, a 1-D array of paths, or `X` itself where it holds
        neither: 2-D lists, data frames and sparse matrices, which imbalanced-learn takes.
    rewrap : callable
        ``rewrap(array, rows)`` puts an array of the first return value's kind back into
        the container. `rows` are the source rows it was selected from, or None; given rows,
        pandas objects keep their index labels, as in imbalanced-learn.

    Raises
    ------
    ValueError
        For images of different shapes in one list or object array, for path containers
        with an element that is not a path, and for masked pixels; the row is named.
    TypeError
        For objects that can be read only once or whose rows are not images: generators,
        mappings, sets, data sets of pairs; the message says what to pass.

    Notes
    -----
    An *image* is an array, a tensor of PyTorch, an image of Pillow (its EXIF orientation is not
    applied) or nested lists of numbers.

    ==============================================  ============================================
    container                                       comes back as
    ==============================================  ============================================
    ndarray, memmap (n, ...) of pixels              ndarray
    tensor of PyTorch (n, ...)                      tensor, on the CPU
    h5py, zarr, xarray, memoryview (n, ...)         ndarray
    dask.array (n, H, W[, C])                       dask.array from samplers; else ndarray
    list, tuple, object array of images             the same, of the same kind of images
    nested list, tuple of numbers (n, H, W[, C])    list, tuple
    list, tuple of str or Path                      list, tuple
    ndarray (n,) or (n, 1) of str or objects        ndarray of the same shape, kind
    Series, one-column DataFrame of pandas          the same, of paths or of images
    Index, Categorical, extension array             the same, object where the dtype is too narrow
    Series, DataFrame of polars                     the same
    Array, ChunkedArray, one-column Table of Arrow  the same
    deque, dict views, other sequences              list
    a home of pixels, ``imblearn_images.images``    the same, where rows are only selected; else
                                                    ndarray, or FileImages with new files
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
    if isinstance(X, np.ndarray):
        return _unwrap_array(X)
    if means_path(X):
        raise ValueError(
            f"X is one path, {X!r}; pass one for each image. For a folder with class folders: "
            "paths, labels = load_image_folder(folder)."
        )
    if hasattr(X, "as_given"):  # a home of pixels, passed to a function that takes containers only
        return X.as_given(), _as_it_is
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
    """Return the array: the `rewrap` of containers that are arrays."""
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
    """Unwrap an ndarray: of pixels, of paths, or of objects that are images."""
    if isinstance(X, np.ma.MaskedArray):
        check_unmasked(X, "X", by_row=True)
        return unwrap(np.asarray(np.ma.getdata(X)))
    if X.dtype.kind == "T":  # NumPy's StringDType
        paths, rewrap = unwrap(X.astype(object))
        return paths, lambda array, rows: rewrap(array, rows).astype(X.dtype)
    if X.dtype.kind not in "UOS" or not X.size:
        return X, _as_it_is
    # A column of paths is what selecting one column of a table as X[[name]] gives.
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
    return _unwrap_elements(X, X, lambda values, rows: as_objects(values))


def _unwrap_elements(
    X: Any, values: Any, remake: Callable[[list[Any], Any], Any]
) -> tuple[Any, Rewrap]:
    """Return one array of `values`, which are images or paths, and its `rewrap`.

    `remake` makes a container like `X` from new elements.
    """
    if any(map(means_path, values)):
        # Of an array of objects, tolist() gives back each path in the type in which it came.
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
    """Unwrap a column of images or paths; of anything else it is a table of one column."""
    if any(means_path(value) or is_image(value) or row_advice(value) for value in values):
        return _unwrap_elements(X, values, remake)
    return _unwrap_table(X)


def _unwrap_table(X: Any) -> tuple[Any, Rewrap]:
    """Unwrap a table: a polars data frame becomes an array, other tables stay as they are."""
    table = as_table(X)
    if table is None:
        return X, _as_it_is
    return table[0], lambda array, rows: table[1](array)


def _unwrap_array_like(X: Any) -> tuple[Any, Rewrap]:
    """Unwrap arrays of other libraries, such as h5py, zarr, dask and xarray, and data frames."""
    if isinstance(X, Image.Image):
        raise TypeError(f"X is one image, {shortened(X)}; pass a list of images, [X].")
    if hasattr(X, "iloc") or as_table(X) is not None:
        return _unwrap_table(X)
    array = as_array(X, "X")
    images, rewrap = _unwrap_array(array)
    # Other tables and columns of numbers go to imbalanced-learn, which takes or refuses them.
    return (images, rewrap) if hasattr(X, "ndim") or holds_paths(images) else (X, _as_it_is)


def _unwrap_objects(X: Any) -> tuple[Any, Rewrap]:
    """Unwrap other sequences; raise for what is not a sequence, and say how to make one of it."""
    kind = type(X).__name__
    if isinstance(X, Iterator):
        raise TypeError(
            f"X is a {kind}, which can be read only once; pass a list, list(X), with one image or "
            "path for each label."
        )
    if isinstance(X, Mapping):
        raise TypeError(f"X is a {kind}; pass only its images, list(X.values()), or X[name].")
    if isinstance(X, (set, frozenset)):
        raise TypeError(f"X is a {kind}, which has no order; pass a list, sorted(X).")
    if isinstance(X, (KeysView, ValuesView)):
        values = list(X)
        return _unwrap_elements(values, values, lambda values, rows: values)
    if X is None or np.isscalar(X):
        raise TypeError(f"X must hold images or file paths, got {X!r}; pass one for each label.")
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
        # One row tells a data set of pairs from a list of images, before all are decoded.
        advice = row_advice(X[0]) if len(X) else ""
    except Exception:  # noqa: BLE001 - third-party classes may raise anything
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
    """Return what is wrong with a row, from :func:`row_advice`, without its remedy."""
    return advice.split(";")[0]


def _check_rows(values: Any, X: Any) -> None:
    """Raise for rows that hold more than an image, such as its label."""
    for row, value in enumerate(values):
        advice = row_advice(value)
        if advice:
            raise TypeError(f"Row {row} of X, {shortened(value)}, {advice}.")


def _paths(X: Sequence[Any] | NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Return paths as an array of `dtype`, or of str if it is None; name a row without a path."""
    for row, path in enumerate(X):
        if not is_path(path):
            raise ValueError(
                f"Row {row} of X is {shortened(path)}, not a file path; give a str or "
                "pathlib.Path for every image."
            )
    if dtype is None or np.dtype(dtype).kind == "U":
        return np.asarray(X, dtype=dtype)
    return as_objects(X)


def _stack(values: Sequence[Any]) -> NDArray[Any]:
    """Return images of one shape and dtype as one array; name a row that differs."""
    if isinstance(values[0], (list, tuple)):
        try:  # all rows at once: row by row, one may become integers and another floats
            return np.asarray(values)
        except ValueError:
            pass  # ragged: the row is named below
    images = list(starmap(_image, enumerate(values)))
    # np.stack would convert dtypes silently, and name no row where shapes differ.
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
    """Return the pixels of one image, or raise naming its row."""
    if not is_image(value):
        raise ValueError(
            f"Row {row} of X is {shortened(value)}, not an image like other rows; pass an array "
            "(H, W) or (H, W, C) for every image."
        )
    return as_array(value, f"Row {row} of X")
