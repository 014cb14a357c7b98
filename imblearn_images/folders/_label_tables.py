"""Tables of labels: read image files and the several labels of each from a CSV file."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core.text import nearest

__all__ = ["load_label_csv"]


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
