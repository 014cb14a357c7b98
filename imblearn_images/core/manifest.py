"""The manifest: one line per output row, where it lies and what it was made of."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

MANIFEST = "manifest.jsonl"
LABELS = "labels.csv"
_MISSING = ("", "#N/A", "#NA", "<NA>", "N/A", "NA", "NULL", "None", "n/a", "null", "nan", "NaN")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a data set on disk."""

    path: str | None
    """File below the output folder, with "/"; None for a row without a file of its own."""
    label: str
    """Class, as it is, however its folder is named."""
    split: str
    """ "train", "valid", "test", or "skipped" for a source file that was left out."""
    kind: str
    """ "original", "copy", "synthetic", or "skipped"."""
    parents: tuple[str, ...]
    """Files below the source folder, with "/", the base first."""
    synthesis: str | None = None
    """Class of the sampler that drew a synthetic row."""
    step: float | tuple[float, ...] | None = None
    """Share of the partner in a synthetic row; of the partners, where there are more."""
    seed: int | None = None
    """Of the resampling."""
    sha256: str | None = None
    """Of the bytes of the file."""
    reason: str | None = None
    """Why a file was skipped."""


def manifest_lines(rows: Iterable[Row]) -> Iterator[bytes]:
    """Write rows as lines of JSON, in ASCII whatever the names."""
    for row in rows:
        facts = {key: value for key, value in asdict(row).items() if key != "reason" or value}
        yield json.dumps(facts).encode("ascii") + b"\n"


class Manifest:
    """Rows of the manifest of a folder, read line by line each time they are asked for.

    Iterating raises a FileNotFoundError if there is none, the folder was not finished or not
    made by this package; a ValueError naming the line that is not one of a manifest, or that
    points out of the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / MANIFEST

    def __iter__(self) -> Iterator[Row]:
        try:
            lines = open(self.file, "rb")  # noqa: SIM115 - closed below, where it could be opened
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"{self.file} does not exist: the folder was not made by this package or not "
                "finished; run the same command again with resume"
            ) from error
        with lines:
            for number, line in enumerate(lines, start=1):
                yield self._row(number, line)

    def _row(self, number: int, line: bytes) -> Row:
        try:
            facts = json.loads(line)
            for name in ("parents", "step"):
                if isinstance(facts.get(name), list):
                    facts[name] = tuple(facts[name])
            row = Row(**facts)
        except (TypeError, ValueError, AttributeError) as error:
            raise ValueError(
                f"{self.file}, line {number}: not a line of a manifest: {error}"
            ) from error
        if row.path is not None and not _stays_inside(row.path):
            raise ValueError(f"{self.file}, line {number}: {row.path!r} points out of the folder")
        return row


def read_manifest(folder: Path) -> list[Row]:
    """Read the manifest of a folder whole; raises what :class:`Manifest` does."""
    return list(Manifest(folder))


def labels_csv(rows: Iterable[Row]) -> Iterator[bytes]:
    """Write the lines of the table for fastai and pandas: name, label, is_valid; UTF-8.

    A row without a file is named by its parent, relative to the source folder.
    """
    yield b"name,label,is_valid\n"
    text = io.StringIO(newline="")
    plain = csv.writer(text, lineterminator="\n")
    quoted = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in label_table(rows):
        # a bare carriage return is quoted by some versions of Python only
        (quoted if "\r" in row[0] + row[1] else plain).writerow(row)
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()


def label_table(rows: Iterable[Row]) -> Iterator[tuple[str, str, bool]]:
    """Yield name, label and is_valid of every row that is in the data set."""
    for row in rows:
        if row.split != "skipped":
            yield row.path or row.parents[0], row.label, row.split == "valid"


def read_labels(content: bytes) -> list[tuple[str, str, bool]]:
    """Read what :func:`labels_csv` wrote.

    Examples
    --------
    >>> lines = labels_csv([Row("a.png", "=1+1", "valid", "original", ("a.png",))])
    >>> read_labels(b"".join(lines))
    [('a.png', '=1+1', True)]
    """
    table = list(csv.reader(io.StringIO(content.decode(), newline="")))
    if table[:1] != [["name", "label", "is_valid"]]:
        raise ValueError(f"{LABELS}: columns {table[:1]}, expected name, label, is_valid")
    return [(name, label, flag == "True") for name, label, flag in table[1:]]


def misread_labels(labels: Iterable[str]) -> list[str]:
    """Find labels that pandas or a spreadsheet takes for something else than text.

    Examples
    --------
    >>> misread_labels(["kiwi", "NA", "007", "=1+1"])
    ['NA', '007', '=1+1']
    """
    return [
        label for label in labels if label in _MISSING or label[0] in "=+-@" or _is_number(label)
    ]


def _is_number(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return label in ("True", "False", "TRUE", "FALSE", "true", "false")
    return True


def find_leaks(rows: Sequence[Row] | Manifest) -> list[str]:
    """Name the training rows that are, or descend from, a validation or test image.

    Examples
    --------
    >>> photo = Row("valid/a/1.png", "a", "valid", "original", ("a/1.png",))
    >>> find_leaks([photo, Row("train/a/2.png", "a", "train", "copy", ("a/1.png",))])
    ['train/a/2.png']
    """
    held = ("valid", "test")
    validating = {parent for row in rows if row.split in held for parent in row.parents}
    contents = {row.sha256 for row in rows if row.split in held} - {None}
    return [
        row.path or row.parents[0]
        for row in rows
        if row.split == "train"
        and (not validating.isdisjoint(row.parents) or row.sha256 in contents)
    ]


def _stays_inside(path: Any) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and not PurePosixPath(path).is_absolute() and ".." not in parts
