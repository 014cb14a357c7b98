"""Words of the command line: the samplers, syntheses and groups that they mean."""

from __future__ import annotations

import codecs
import csv
import io
import re
from typing import Any

from imblearn_images import over_sampling, recipes, synthesis, under_sampling
from imblearn_images._cli.arguments import one_of
from imblearn_images.combine import SMOTEENN, SMOTETomek
from imblearn_images.core.disk import open_regular
from imblearn_images.core.text import nearest

__all__ = ["METHOD", "METHODS", "SYNTHESES", "SYNTHESES_OF_OBJECTS", "read_groups"]


def _name_of_method(name: str) -> str:
    """Return the method of a class: random-over for RandomOverSampler."""
    words = re.findall("[A-Z][a-z]+|[A-Z]+(?![a-z])", name.removesuffix("Sampler"))
    return "-".join(words).lower()


# No option passes what the first two need, and class folders hold one label per image.
UNFIT = {
    *("GenerativeOverSampler", "RedrawImages"),
    *("LabelOverSampler", "LabelUnderSampler", "MLSMOTE"),
}
METHODS: dict[str, Any] = {
    _name_of_method(name): getattr(module, name)
    for module in (over_sampling, under_sampling)
    for name in module.__all__
    if name not in UNFIT
}
# In one word, as people write them; the rule above would make "smote-tomek" of the second.
METHODS.update(smoteenn=SMOTEENN, smotetomek=SMOTETomek)
METHODS.update(mild=recipes.mild, transfer=recipes.transfer, mix=recipes.mix)
METHODS.update(many=recipes.many, none=None)

METHOD = one_of(METHODS, "method", {kind.__name__: name for name, kind in METHODS.items() if kind})
"""Type of ``--method``: the name of a method, or that of its class."""

SYNTHESES = {
    "augment": synthesis.Augment(),
    "blend": "blend",
    "copy": "copy",
    "morph": synthesis.Morph(),
    "transfer": synthesis.TransferDeformation(),
}
SYNTHESES_OF_OBJECTS = {"paste": synthesis.PasteObjects(), "zoom": synthesis.ZoomToObjects()}
"""Syntheses that look for objects, for ``--boxes`` only."""

RULES = ("stem-prefix", "near-duplicates")
LINE = 65536  # characters of the first line that are read: a file may have no line ends


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
    >>> from pathlib import Path
    >>> table = Path(tempfile.mkdtemp()) / "visits.csv"
    >>> lines = ["path,patient", "flu/1.png,Ann", "flu/2.png,Bob"]
    >>> _ = table.write_text("\n".join(lines))
    >>> read_groups(f"{table}:patient")
    {'flu/1.png': 'Ann', 'flu/2.png': 'Bob'}
    """
    if (word := text.casefold().replace("_", "-")) in RULES:
        return word
    file, _, column = text.rpartition(":")
    if not file or not column:
        near = nearest(text, RULES)
        raise ValueError(
            f"`groups` must be {' or '.join(RULES)}, or FILE:COLUMN, e.g. groups.csv:patient, got "
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
        # What Excel calls "Unicode text" is UTF-16; both encodings begin with a mark.
        wide = data.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        data.seek(0)
        lines = io.TextIOWrapper(data, encoding="utf-16" if wide else "utf-8-sig", newline="")
        # In quotes, a comma is a part of a column's name.
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
