"""Grouping: what must stay on one side of a split."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from imblearn_images.core.columns import as_groups
from imblearn_images.core.disk import open_regular
from imblearn_images.core.duplicates import PHOTOS, near_duplicates
from imblearn_images.core.text import counted, nearest
from imblearn_images.folders._records import Source

Groups = str | Callable[[str], Any] | Mapping[str, Any] | Sequence[Any] | None

WORDS = ("stem-prefix", "near-duplicates")
LINE = 65536  # characters of the first line that are read: a file may have no line ends


def needs_pixels(groups: Groups) -> bool:
    """Return whether these groups need a perceptual hash of every file."""
    return isinstance(groups, str) and groups == "near-duplicates"


def resolve_groups(kept: Source, groups: Groups) -> Sequence[Any]:
    """Return the group of every file; see :func:`~imblearn_images.folders.split_folder`."""
    if needs_pixels(groups):
        return group_near(kept)
    if isinstance(groups, str) and groups == "stem-prefix":
        return [re.sub(r"[-_ ][^-_ ]*$", "", Path(path).stem) for path in kept.paths]
    if isinstance(groups, str) or groups is None:
        raise ValueError(
            "`groups` must be a callable, a dict of paths, one value for each file, 'stem-prefix' "
            f"or 'near-duplicates', got {groups!r}."
        )
    if isinstance(groups, Mapping) or callable(groups):
        given = (
            _looked_up(kept, groups)
            if isinstance(groups, Mapping)
            else [groups(path) for path in kept.paths]
        )
        called = [kept.relative(path) for path in kept.paths]
        return as_groups(given, len(called), of="image files", called=called).tolist()
    values = as_groups(groups, kept.n_listed, of=f"image files in {kept.root!r}")
    return [values[row] for row in kept.rows]


def explain_groups(groups: Groups, named: Sequence[Any]) -> str:
    """Return a sentence that describes the groups, for an error."""
    counts = Counter(named)
    largest = ", ".join(f"{name!r} of {n}" for name, n in counts.most_common(3))
    rule = {
        "stem-prefix": '"stem-prefix" groups files by their names up to the last "_", "-" or space',
        "near-duplicates": '"near-duplicates" groups files that look alike',
    }.get(groups if isinstance(groups, str) else "", "The groups are those that were given")
    n_files, n_groups = counted(len(named), "file"), counted(len(counts), "group")
    return f"{rule}: {n_files} in {n_groups}, the largest {largest}."


def group_near(kept: Source) -> list[int]:
    """Return a group number for every file: photos that look alike share one."""
    return near_duplicates(kept.records.phashes(), PHOTOS).tolist()


def _looked_up(kept: Source, groups: Mapping[str, Any]) -> list[Any]:
    """Return the group of every file, as a dict of paths names it."""
    names = [kept.relative(path) for path in kept.paths]
    if any(name not in groups for name in names):  # perhaps with backslashes
        groups = {**{str(path).replace("\\", "/"): groups[path] for path in groups}, **groups}
    if missing := [name for name in names if name not in groups]:
        raise ValueError(
            f"`groups` must name a group for each image file, but has none for {len(missing)} of "
            f"{counted(len(names), 'image file')}, such as {missing[0]!r}. Give the path of each "
            f"below {kept.root!r}, with '/'."
        )
    return [groups[name] for name in names]


def read_groups(text: str) -> str | dict[str, str]:
    r"""Return the groups that a word of the command line means: a rule, or a column of a table.

    Parameters
    ----------
    text : str
        "stem-prefix", "near-duplicates", or FILE:COLUMN, a CSV file in UTF-8 (or UTF-16, as
        Excel's "Unicode text") whose column "path" names every image below the source and
        whose other column is its group. Commas, semicolons or tabs separate the columns,
        whichever comes first in the first line: which one Excel writes depends on the country.

    Returns
    -------
    groups : str or dict
        The name of the rule, or paths and the group of each.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a column is missing, a line has no group, or an image has two.

    Examples
    --------
    >>> import tempfile
    >>> table = Path(tempfile.mkdtemp()) / "visits.csv"
    >>> lines = ["path,patient", "flu/1.png,Ann", "flu/2.png,Bob"]
    >>> _ = table.write_text("\n".join(lines))
    >>> read_groups(f"{table}:patient")
    {'flu/1.png': 'Ann', 'flu/2.png': 'Bob'}
    """
    if (word := text.casefold().replace("_", "-")) in WORDS:
        return word
    file, _, column = text.rpartition(":")
    if not file or not column:
        near = nearest(text, WORDS)
        raise ValueError(
            f"`groups` must be {' or '.join(WORDS)}, or FILE:COLUMN, e.g. groups.csv:patient, got "
            f"{text!r}."
            + (f" Did you mean {near}?" if near else " Name both, or one of the words.")
        )
    try:
        return _read_column(file, column)
    except (csv.Error, UnicodeError) as error:
        raise ValueError(
            f"{file}: not a CSV file in UTF-8: {error}. Save it as such, in Excel as "
            '"CSV UTF-8 (comma delimited)".'
        ) from error


def _read_column(file: str, column: str) -> dict[str, str]:
    """Return the paths in a CSV file and their values in one column."""
    groups: dict[str, str] = {}
    with open_regular(file) as data:
        wide = data.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        data.seek(0)
        lines = io.TextIOWrapper(data, encoding="utf-16" if wide else "utf-8-sig", newline="")
        named = re.search("[,;\t]", re.sub('"[^"]*"', "", lines.readline(LINE)))
        lines.seek(0)
        table = csv.DictReader(lines, delimiter=named[0] if named else ",")
        for wanted in ("path", column):
            if wanted not in (table.fieldnames or ()):
                columns = [str(name) for name in table.fieldnames or ()]
                near = nearest(wanted, columns)
                raise ValueError(
                    f"{file} has the columns {columns}, not {wanted!r}. "
                    + (f"Did you mean {near!r}? " if near and wanted != "path" else "")
                    + f"Its first line must name a column path, and {column!r}."
                )
        for row in table:
            path, group = row["path"], row[column]
            if not path:
                raise ValueError(
                    f"{file}, line {table.line_num}: no path for {column} {group!r}. Name the "
                    "image, or remove the line."
                )
            if not group:
                raise ValueError(
                    f"{file}, line {table.line_num}: no {column} for {path!r}. Give images of "
                    "unknown origin groups of their own."
                )
            if groups.setdefault(path, group) != group:
                raise ValueError(
                    f"{file}, line {table.line_num}: {path!r} has two groups. Keep one."
                )
    return groups
