"""Class folders read: image files and their labels."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from imblearn_images.core.files import SUFFIXES
from imblearn_images.core.wording import counted

__all__ = ["load_image_folder"]

OWN_FILES = ("manifest.jsonl", "labels.csv", "classes.png", "contact_sheet.png")
"""What this package writes beside class folders; passed over without a word."""


def _walk(class_folder: str, root: str) -> tuple[list[str], list[str]]:
    """Return the image files and the other files under a class folder, hidden ones left out."""
    images: list[str] = []
    others: list[str] = []
    entered = {os.path.realpath(root)}
    folders = {class_folder}
    pending = [class_folder]
    while pending:
        path = pending.pop()
        if path not in folders:
            images.append(path)
        elif (here := os.path.realpath(path)) not in entered:
            entered.add(here)
            inside = []
            # a folder that cannot be listed raises: its images must not be lost silently
            for entry in os.scandir(path):
                if entry.name.startswith("."):
                    continue
                # of links the functions of os.path never raise
                if os.path.isdir(entry) if entry.is_symlink() else entry.is_dir():
                    folders.add(entry.path)
                    inside.append(entry.path)
                elif entry.name.lower().endswith(SUFFIXES) and os.path.isfile(entry):
                    inside.append(entry.path)
                else:
                    others.append(entry.path)
            pending += sorted(inside, reverse=True)
    return images, sorted(others)


def load_image_folder(
    path: str | os.PathLike[str], *, allow_empty: bool = False, as_frame: bool = False
) -> Any:
    """List the image files of class folders, and their labels; no file is opened.

    A class folder is a folder inside `path`; its name is the label of every image in it and in
    the folders below it. Hidden files and folders (".name") are passed over. Links are
    followed, and a folder met again is not read again, so link loops end.

    Parameters
    ----------
    path : str or path-like
        The folder that holds the class folders.
    allow_empty : bool, default=False
        Accept class folders without an image.
    as_frame : bool, default=False
        Return one table instead; needs pandas.

    Returns
    -------
    paths : ndarray of shape (n,), str
        Image files (.png .jpg .jpeg .bmp .tif .tiff .webp .gif .ppm .pgm .pbm .pnm, in either
        case), each beginning with `path`, sorted by class, then folder by folder.
    labels : ndarray of shape (n,), str
        Their labels.
    table : pandas.DataFrame of shape (n, 2)
        Instead of both, if `as_frame`: columns ``path`` and ``label``.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If `path` does not exist or is not a folder.
    ValueError
        If there is no class folder, or one without an image.
    ModuleNotFoundError
        If `as_frame` and pandas is not installed.

    Warns
    -----
    UserWarning
        With the number of files that are not images or lie in no class folder, if any.

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
    """
    listing, skipped = find_images(
        str(Path(path)), allow_empty=allow_empty, remedy=", or pass allow_empty=True"
    )
    if skipped:
        warnings.warn(note_on_skipped(skipped), UserWarning, stacklevel=2)
    paths = [file for images in listing.values() for file in images]
    labels = [name for name, images in listing.items() for _ in images]
    if as_frame:
        return _frame(path=paths, label=labels)
    return np.array(paths, dtype=np.str_), np.array(labels, dtype=np.str_)


def find_images(
    root: str, *, allow_empty: bool, remedy: str = ""
) -> tuple[dict[str, list[str]], list[str]]:
    """Return the image files of every class, and the files that are none; see above.

    `remedy` is what the caller has to offer where a class is empty.
    """
    names = sorted(name for name in os.listdir(root) if not name.startswith("."))
    found = {n: _walk(os.path.join(root, n), root) for n in names if Path(root, n).is_dir()}
    skipped = [
        os.path.join(root, name) for name in names if name not in found and name not in OWN_FILES
    ]
    skipped += [file for _, others in found.values() for file in others]
    note = note_on_skipped(skipped)
    if not found:
        raise ValueError(
            f"no class folder in {root!r}: a class folder is a folder inside it that holds the "
            f"images of one class and is named after it; {note}"
        )
    empty = [name for name, (images, _) in found.items() if not images]
    if empty and not allow_empty:
        raise ValueError(
            f"no image in {len(empty)} of {len(found)} class folders of {root!r}: {empty[:5]}; "
            f"{note}; images end in {' '.join(SUFFIXES)}. Fill or remove these folders{remedy}."
        )
    return {name: images for name, (images, _) in found.items()}, skipped


def note_on_skipped(skipped: list[str]) -> str:
    """Say how many files were passed over, with three of them."""
    verbs = ("is no image", "lies") if len(skipped) == 1 else ("are not images", "lie")
    note = (
        f"{counted(len(skipped), 'file')} skipped that {verbs[0]} or {verbs[1]} in no class folder"
    )
    return note + (f", such as {', '.join(map(repr, skipped[:3]))}" if skipped else "")


def _frame(**columns: list[Any]) -> Any:
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("as_frame=True needs pandas: pip install pandas") from error
    return pd.DataFrame(columns)
