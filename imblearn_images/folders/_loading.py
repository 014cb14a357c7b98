"""Loading: the files of class folders, or of a table, and the labels of each; none is opened."""

from __future__ import annotations

import csv
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import imblearn_images.folders._layout as layout
from imblearn_images._docstrings import substitute
from imblearn_images.core.containers import SUFFIXES
from imblearn_images.core.images import FileImages
from imblearn_images.core.text import nearest

__all__ = ["load_image_folder", "load_label_csv"]


@substitute
def load_image_folder(
    path: str | os.PathLike[str],
    *,
    split: str | None = None,
    classes: Sequence[str] | None = None,
    levels: int = 1,
    allow_empty: bool = False,
    as_frame: bool = False,
    reader: Callable[[str], ArrayLike] | None = None,
    suffixes: Sequence[str] | None = None,
) -> Any:
    """List the image files of class folders, and their labels; no file is opened.

    A class folder is a folder inside `path`; its name is the label of every image in it and in
    the folders below it. Hidden files and folders (".name") are skipped. Links are
    followed, and no folder is read twice, so loops of links end.

    Read more in the :ref:`User Guide <photo-folders>`.

    Parameters
    ----------
    path : str or path-like
        The folder that holds the class folders.
    split : str, default=None
        Read the class folders of one split, where `path` holds splits: the name of its folder,
        or "train", "valid" or "test" for any usual name of it, such as ``val``.
    {class_folders}
    levels : int, default=1
        How many levels of folders name a class: with 2, images in ``defect/scratch`` have the label
        "defect/scratch", and those in ``good`` itself "good"; see
        :class:`~imblearn_images.strategies.by_hierarchy`. Folders named in `classes` are then
        classes, or folders above some.
    allow_empty : bool, default=False
        Accept class folders without an image.
    as_frame : bool, default=False
        Return one table instead; needs pandas.
    reader : callable, default=None
        ``reader(path)`` gives the pixels of a file, an array (H, W) or (H, W, C), in formats
        that this library does not read, such as DICOM, NIfTI or ``numpy.load``.
    suffixes : list of str, default=None
        Endings of the names of files that are images, such as ``[".npy"]``, in either case; the
        usual ones by default. Others need a `reader`.

    Returns
    -------
    paths : ndarray of shape (n,), str; or FileImages
        Image files (.png .apng .jpg .jpeg .jpe .jfif .bmp .tif .tiff .webp .gif .ppm .pgm .pbm
        .pnm, in either case), each beginning with `path`, sorted by class, then folder by folder.
        With a `reader` a home of pixels, :class:`~imblearn_images.images.FileImages`, which
        samplers take as they take paths.
    labels : ndarray of shape (n,), str
        Their labels.
    table : pandas.DataFrame of shape (n, 2)
        Instead of both, if `as_frame`: columns ``path`` and ``label``.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If `path` does not exist or is not a folder.
    ValueError
        If there is no class folder, or one without an image; if the folders are not classes but
        splits, or images beside their masks, or if classes lie one level deeper, naming the folder
        that is probably meant (folders named in `classes` are taken all the same); if there is no
        such split or class; if `suffixes` need a `reader`, or `as_frame` is used with one.
    ModuleNotFoundError
        If `as_frame` and pandas is not installed.

    Warns
    -----
    UserWarning
        If files are not images or lie in no class folder, with their number by suffix; if class
        folders hold folders and no images.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as photos:
    ...     for name in ("lime/b.jpg", "kiwi/c.tif", "lime/a.JPG"):
    ...         Path(photos, name).parent.mkdir(exist_ok=True)
    ...         Path(photos, name).touch()
    ...     paths, labels = load_image_folder(photos)
    >>> [Path(path).name for path in paths], labels.tolist()
    (['c.tif', 'a.JPG', 'b.jpg'], ['kiwi', 'lime', 'lime'])

    Labels that are a tree:

    >>> with tempfile.TemporaryDirectory() as parts:
    ...     for name in ("good/a.png", "defect/dent/b.png", "defect/scratch/c.png"):
    ...         Path(parts, name).parent.mkdir(exist_ok=True, parents=True)
    ...         Path(parts, name).touch()
    ...     paths, labels = load_image_folder(parts, levels=2)
    >>> labels.tolist()
    ['defect/dent', 'defect/scratch', 'good']

    Images that only your own function can read:

    >>> from imblearn_images import RandomUnderSampler
    >>> with tempfile.TemporaryDirectory() as scans:
    ...     for name in ("ill/a.npy", "well/b.npy", "well/c.npy"):
    ...         Path(scans, name).parent.mkdir(exist_ok=True)
    ...         np.save(Path(scans, name), np.zeros((8, 8), dtype=np.uint16))
    ...     images, labels = load_image_folder(scans, reader=np.load, suffixes=[".npy"])
    ...     some, _ = RandomUnderSampler(random_state=0).fit_resample(images, labels)
    ...     len(images), len(some), np.asarray(some).shape
    (3, 2, (2, 8, 8))
    """
    root = str(Path(path))
    endings = _check_reader(reader, suffixes, as_frame)
    if split is not None:
        root = layout.find_split(root, split)
    try:
        listing, skipped, notes = layout.find_images(
            root,
            allow_empty=allow_empty,
            classes=classes,
            remedy=", or pass allow_empty=True",
            suffixes=endings,
            levels=levels,
        )
    except layout.SplitFoldersError as error:
        raise ValueError(f'{error} To read one side, pass split="train".') from error
    for note in ([layout.note_on_skipped(skipped)] if skipped else []) + notes:
        warnings.warn(note, UserWarning, stacklevel=2)
    paths = [file for images in listing.values() for file in images]
    labels = [name for name, images in listing.items() for _ in images]
    if as_frame:
        return _frame(path=paths, label=labels)
    files: Any = np.array(paths, dtype=np.str_)
    if reader is not None:
        # No rows are looked at: a reader may take seconds a file, and listing opens none.
        files = FileImages(files, np.empty(0, dtype=np.intp), reader=reader)
    return files, np.array(labels, dtype=np.str_)


def _check_reader(reader: Any, suffixes: Any, as_frame: bool) -> tuple[str, ...]:
    """Return the suffixes of image files, in lower case; raise where they need a reader."""
    if isinstance(suffixes, (str, bytes)) or not all(
        isinstance(suffix, str) and suffix.startswith(".") for suffix in suffixes or ()
    ):
        raise ValueError(
            f'`suffixes` must be a list of endings with a dot, such as [".npy"], got {suffixes!r}.'
        )
    if suffixes is not None and not suffixes:
        raise ValueError(
            "`suffixes` must hold at least one ending, got an empty list. Leave it out for the "
            "usual ones."
        )
    endings = SUFFIXES if suffixes is None else tuple(suffix.lower() for suffix in suffixes)
    unread = [ending for ending in endings if ending not in SUFFIXES]
    if unread and reader is None:
        raise ValueError(
            f"`suffixes` must be among {' '.join(SUFFIXES)} without a `reader`, got {unread!r}. "
            "Pass a function that reads such a file, e.g. reader=numpy.load."
        )
    if reader is not None and as_frame:
        raise ValueError(
            "`as_frame` must be False with a `reader`, got True: a column of paths cannot hold it. "
            "Make the table from images.paths and the labels."
        )
    return endings


def _frame(**columns: list[Any]) -> Any:
    """Return a pandas.DataFrame of the columns."""
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "`as_frame` needs pandas. Install it: pip install imblearn-images[pandas]"
        ) from error
    return pd.DataFrame(columns)


def load_label_csv(
    path: str | os.PathLike[str],
    *,
    delimiter: str = "|",
    root: str | os.PathLike[str] | None = None,
    path_column: str = "path",
    label_column: str = "label",
) -> tuple[NDArray[np.str_], list[list[str]]]:
    r"""Read image files and the labels of each from a CSV file; no image is opened.

    Read more in the :ref:`User Guide <several-labels>`.

    Parameters
    ----------
    path : str or path-like
        CSV file in UTF-8 whose first row names the columns.
    delimiter : str, default="|"
        Text between the labels of an image, such as ``" "``; spaces around labels are removed.
    root : str or path-like, default=None
        Folder to which the names of files are relative; by default that of the CSV file.
    path_column, label_column : str, default="path", "label"
        Names of the columns.

    Returns
    -------
    paths : ndarray of shape (n,), str
        Image files, in the order of the table.
    labels : list of n lists of str
        Labels of each, as ``LabelOverSampler`` takes them; an empty list for an image without.

    Raises
    ------
    FileNotFoundError
        If there is no such table, or files in it do not exist, naming the first and its row.
    ValueError
        If a column is missing, a row has no file, or there are no rows.

    Notes
    -----
    A file named in several rows gets the labels of all of them, each once. Tables with one row per
    label are therefore read as well.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("a.jpg", "b.jpg", "c.jpg"):
    ...         Path(folder, name).touch()
    ...     table = Path(folder, "labels.csv")
    ...     _ = table.write_text("path,label\na.jpg,cat\nb.jpg,dog|owl\nc.jpg,\n")
    ...     paths, labels = load_label_csv(table)
    >>> [Path(path).name for path in paths], labels
    (['a.jpg', 'b.jpg', 'c.jpg'], [['cat'], ['dog', 'owl'], []])
    """
    if not isinstance(delimiter, str) or not delimiter:
        raise ValueError(f"`delimiter` must be the text between labels, got {delimiter!r}.")
    folder = os.path.dirname(os.fspath(path)) if root is None else os.fspath(root)
    found: dict[str, list[str]] = {}
    first_row: dict[str, int] = {}
    # Excel puts a mark before UTF-8, which would become a part of the first column's name.
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        columns = list(reader.fieldnames or [])
        for name, column in (("path_column", path_column), ("label_column", label_column)):
            _check_column(os.fspath(path), name, column, columns)
        for row in reader:
            name = (row[path_column] or "").strip()
            if not name:
                raise ValueError(
                    f"{os.fspath(path)}, line {reader.line_num}: column {path_column!r} must name "
                    "a file, got nothing. Fill it in, or leave the row out."
                )
            image = os.path.join(folder, name)
            first_row.setdefault(image, reader.line_num)
            own = found.setdefault(image, [])
            parts = (part.strip() for part in (row[label_column] or "").split(delimiter))
            own += [label for label in dict.fromkeys(parts) if label and label not in own]
    if not found:
        raise ValueError(f"{os.fspath(path)} must have a row for each image, got none. Add some.")
    missing = [image for image in found if not os.path.isfile(image)]
    if missing:
        raise FileNotFoundError(
            f"{os.fspath(path)} names {len(missing)} of {len(found)} files that do not exist, the "
            f"first in line {first_row[missing[0]]}: {missing[0]}. Pass the folder "
            "to which the names are relative as `root`."
        )
    return np.array(list(found), dtype=np.str_), list(found.values())


def _check_column(path: str, name: str, column: str, columns: Sequence[str]) -> None:
    """Raise a ValueError if a table lacks the column that parameter `name` asks for."""
    if column in columns:
        return
    near = nearest(column, columns)
    hint = f"Did you mean {near!r}?" if near else f"There are {', '.join(map(repr, columns))}."
    raise ValueError(f"`{name}` must be a column of {path}, got {column!r}. {hint}")
