"""The manifest: one line per output row, with its file and what that was made from."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, Any

from imblearn_images.core.disk import open_regular
from imblearn_images.folders._labels import encode_label
from imblearn_images.folders._parquet import read_rows, require_pyarrow, write_rows

MANIFEST = "manifest.jsonl"
MANIFESTS = {"jsonl": MANIFEST, "parquet": "manifest.parquet"}
"""What a manifest may be written as, and how it is called then."""
LABELS = "labels.csv"
HELD_OUT = ("valid", "test")
SPLITS = ("train", *HELD_OUT, "skipped")
KINDS = ("original", "copy", "synthetic", "skipped")
_LONGEST = 1 << 26
"""Maximum bytes of a line of a manifest; a longer one would name impossibly many parents."""
_LONGEST_TEXT = 1 << 20
"""Maximum bytes of a line of labels.csv."""
_SHA256 = re.compile("[0-9a-f]{64}")
_MISSING = ("", "#N/A", "#NA", "<NA>", "N/A", "NA", "NULL", "None", "n/a", "null", "nan", "NaN")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a data set on disk."""

    path: str | None
    """File below the output folder, with "/"; None for a row without a file of its own."""
    label: str
    """The class itself, not the encoded name of its folder."""
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
    ancestors: tuple[str, ...] = ()
    """Where the source is an output itself, with drawn images in it: the files below *its*
    source that this row shows, over however many outputs."""
    drawn_before: bool = False
    """Whether a parent is, or shows, an image that was drawn for an output before."""


_RARE = ("reason", "ancestors", "drawn_before")
"""Fields that are left out of a line where they are empty."""


def manifest_lines(rows: Iterable[Row]) -> Iterator[bytes]:
    """Write rows as lines of JSON, in ASCII whatever the names."""
    for row in rows:
        facts = {key: value for key, value in asdict(row).items() if value or key not in _RARE}
        yield json.dumps(facts).encode("ascii") + b"\n"


def check_manifest(manifest: str) -> str:
    """Return what a manifest is called that is to be written.

    Raises
    ------
    ValueError
        For anything but "jsonl" and "parquet".
    ModuleNotFoundError
        If what writes it is not installed.
    """
    if manifest not in MANIFESTS:
        raise ValueError(f'`manifest` must be "jsonl" or "parquet", got {manifest!r}.')
    if manifest == "parquet":
        require_pyarrow()
    return MANIFESTS[manifest]


def find_manifest(folder: str | os.PathLike[str]) -> Path | None:
    """Return the manifest of a folder; of two the lines of JSON, None if there is none."""
    found = (Path(folder, name) for name in MANIFESTS.values())
    return next((file for file in found if os.path.lexists(file)), None)


def write_manifest(file: IO[bytes], rows: Iterable[Row], manifest: str) -> None:
    """Write rows as the lines of a manifest, or in columns."""
    if manifest == "parquet":
        write_rows(file, rows)
    else:
        file.writelines(manifest_lines(rows))


class Manifest:
    """Rows of the manifest of a folder, read one by one each time they are requested.

    Iterating raises a FileNotFoundError if there is none; a ValueError if it is not a file, or
    naming the line that is not one of a manifest, or that points out of the folder. Every field
    is checked, its type and what it can be beside the others: people, programs and damaged disks
    change files, and what is read here decides what is trusted.
    """

    def __init__(self, folder: Path) -> None:
        self.file = find_manifest(folder) or folder / MANIFEST
        self._what = "row" if _in_columns(self.file) else "line"

    def __iter__(self) -> Iterator[Row]:
        sides: dict[str, str] = {}
        with open_regular(self.file) as file:
            for number, line in enumerate(self._read(file), start=1):
                try:
                    row = parse_row(line)
                    side, _, rest = (row.path or "").partition("/")
                    if "/" in rest and sides.setdefault(side, row.split) != row.split:
                        raise ValueError(f"the folder {_cut(side)} is in two splits")
                except ValueError as error:
                    raise ValueError(
                        f"{self.file}, {self._what} {number}: not a {self._what} of a manifest: "
                        f"{error}"
                    ) from error
                yield row

    def _read(self, file: IO[bytes], *, cut: bool = False) -> Iterator[bytes | Mapping[str, Any]]:
        if not _in_columns(self.file):
            yield from _lines(file, _LONGEST, cut=cut)
            return
        try:
            yield from read_rows(file)
        except ValueError as error:
            raise ValueError(f"{self.file}: {error}") from error

    def has_rows(self, among: int = 1000) -> bool:
        """Return whether one of the first lines is one of a manifest, whatever the others are."""
        with open_regular(self.file) as file:
            lines = islice(self._read(file, cut=True), among)
            while True:
                try:
                    parse_row(next(lines))
                except StopIteration:
                    return False
                except ValueError:
                    continue
                return True


def _in_columns(file: Path) -> bool:
    return file.name == MANIFESTS["parquet"]


def parse_row(line: bytes | Mapping[str, Any]) -> Row:
    """Read one line of a manifest, or what a row in columns holds.

    Raises
    ------
    ValueError
        Saying which field is not what it can be.

    Examples
    --------
    >>> parse_row(b'{"path": "a.png", "label": 5, "split": "train", "kind": "original"}')
    Traceback (most recent call last):
    ...
    ValueError: `label` must be text, got 5.
    """
    facts = _load(line) if isinstance(line, bytes) else dict(line)
    for name, (is_right, wanted) in _FIELDS.items():
        if name not in facts and name in _NEEDED:
            raise ValueError(f"`{name}` is missing")
        if name in facts and not is_right(facts[name]):
            raise ValueError(f"`{name}` must be {wanted}, got {_cut(facts[name])}.")
    if unknown := facts.keys() - _FIELDS.keys():
        raise ValueError(f"{_cut(min(unknown))} is not a field of it")
    for name in ("parents", "step", "ancestors"):
        if isinstance(facts.get(name), list):
            facts[name] = tuple(facts[name])
    row = Row(**facts)
    if wrong := _contradiction(row):
        raise ValueError(wrong)
    return row


def drawn_files(file: IO[bytes], name: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and SHA-256 of the drawn images that a journal or manifest lists.

    A line that is cut off or damaged is skipped: its image is drawn again.
    """
    for facts in _rows_told(file) if _in_columns(Path(name)) else _lines_told(file):
        path, sha256 = facts.get("path"), facts.get("sha256")
        if facts.get("kind") == "synthetic" and _is_inside(path) and _is_sha256(sha256):
            yield str(path), bytes.fromhex(str(sha256))


def _rows_told(file: IO[bytes]) -> Iterator[Mapping[str, Any]]:
    with suppress(ValueError, ModuleNotFoundError):
        yield from read_rows(file)


def _lines_told(file: IO[bytes]) -> Iterator[Mapping[str, Any]]:
    for line in _lines(file, _LONGEST, cut=True):
        with suppress(ValueError):
            yield _load(line)


def _lines(file: IO[bytes], longest: int, *, cut: bool = False) -> Iterator[bytes]:
    """Yield the lines of a file; one that is too long is refused, or comes in pieces."""
    while line := file.readline(longest):
        if len(line) == longest and not line.endswith(b"\n") and not cut:
            raise ValueError(f"{file.name}: a line has more than {longest} bytes.")
        yield line


def _load(line: bytes) -> dict[str, Any]:
    try:
        facts = json.loads(line, object_pairs_hook=_once)
    except RecursionError as error:
        raise ValueError("its brackets are nested too deep") from error
    if not isinstance(facts, dict):
        raise ValueError(f"it must be an object with fields, got {_cut(facts)}")
    return facts


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    facts = dict(pairs)
    if len(facts) < len(pairs):
        raise ValueError("a field is given twice")
    return facts


def _cut(value: Any) -> str:
    """Show a value, and not all of it where it is long."""
    if isinstance(value, (list, tuple, dict)):
        return f"{type(value).__name__} of {len(value)}"
    text = value if isinstance(value, str) else str(value)
    text = text if len(text) <= 60 else f"{text[:57]}..."
    return ascii(text) if isinstance(value, str) else text


def _is_inside(path: Any) -> bool:
    if not _is_name(path):
        return False
    parts = PurePosixPath(path).parts
    return bool(parts) and not PurePosixPath(path).is_absolute() and ".." not in parts


def _is_name(value: Any) -> bool:
    return _is_text(value, "surrogateescape") and value != "" and "\0" not in value


def _is_text(value: Any, errors: str = "strict") -> bool:
    """Return whether a value can be written; a name of a file may hold bytes that are not text."""
    try:
        return isinstance(value, str) and value.encode("utf-8", errors) is not None
    except UnicodeEncodeError:
        return False


def _is_sha256(value: Any) -> bool:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def _is_seed(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64


def _is_number(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _or_none(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or is_right(value)


def _all(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(is_right, value))


_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "path": (_or_none(_is_inside), "a file in the folder, not one that points out of it, or null"),
    "label": (_is_text, "text"),
    "split": (lambda value: isinstance(value, str) and value in SPLITS, f"one of {SPLITS}"),
    "kind": (lambda value: isinstance(value, str) and value in KINDS, f"one of {KINDS}"),
    "parents": (_all(_is_name), "a list of names of files"),
    "synthesis": (_or_none(lambda value: isinstance(value, str)), "text or null"),
    "step": (
        lambda value: value is None or _is_number(value) or _all(_is_number)(value),
        "a finite number with a point, a list of such, or null",
    ),
    "seed": (_or_none(_is_seed), "an integer from 0 or null"),
    "sha256": (_or_none(_is_sha256), "64 hexadecimal digits or null"),
    "reason": (_or_none(lambda value: isinstance(value, str)), "text or null"),
    "ancestors": (_all(_is_name), "a list of names of files"),
    "drawn_before": (lambda value: isinstance(value, bool), "true or false"),
}
"""For every field, a check of its value and a description of what it must be."""

_NEEDED = _FIELDS.keys() - _RARE


def _contradiction(row: Row) -> str:
    """Name the fields of a row that contradict each other, or return ""."""
    if (row.kind == "skipped") != (row.split == "skipped"):
        return f"`kind` {row.kind!r} does not go with `split` {row.split!r}"
    if row.kind == "skipped":
        if row.path is not None or row.sha256 is not None or len(row.parents) != 1:
            return "a file that was skipped has no `path` and no `sha256`, and one of `parents`"
        return ""
    if row.sha256 is None:
        return "`sha256` is missing"
    if row.reason is not None or (row.drawn_before and not row.ancestors):
        return "`reason` goes with a file that was skipped, `drawn_before` with `ancestors`"
    n_parents, n_steps = len(row.parents), len(_steps(row.step))
    if row.kind == "synthetic":
        alone = n_steps == 1 and isinstance(row.step, tuple)  # is written as a number
        if not n_parents or n_steps != n_parents - 1 or alone:
            return f"{n_steps} of `step` do not go with {n_parents} of `parents`"
    elif n_parents > 1 or row.step is not None or row.synthesis is not None:
        return f"`kind` {row.kind!r} goes with at most one of `parents`, no `step`, no `synthesis`"
    if row.kind == "original" and row.seed is not None:
        return "an original has no `seed`"
    if row.path is None:
        return "" if row.parents else "it has neither `path` nor `parents`"
    *sides, folder = PurePosixPath(row.path).parts[:-1] or [""]
    if folder == "images" and not sides:
        return ""
    if folder != encode_label(row.label):
        return f"`path` {_cut(row.path)} is not in the folder of `label` {_cut(row.label)}"
    # a split that was kept may have another name, such as "val"
    if len(sides) > 1 or (sides or ["train"])[0] in set(SPLITS) - {row.split}:
        return f"`path` {_cut(row.path)} is not in the folder of `split` {row.split!r}"
    return ""


def _steps(step: float | tuple[float, ...] | None) -> tuple[float, ...]:
    if step is None:
        return ()
    return step if isinstance(step, tuple) else (step,)


def read_manifest(folder: Path) -> list[Row]:
    """Read the manifest of a folder whole; raises what :class:`Manifest` does."""
    return list(Manifest(folder))


def labels_csv(table: Iterable[tuple[str, str, bool]]) -> Iterator[bytes]:
    """Write the lines of the table for fastai and pandas: name, label, is_valid; UTF-8.

    A row without a file is named by its parent, relative to the source folder.
    """
    yield b"name,label,is_valid\n"
    text = io.StringIO(newline="")
    plain = csv.writer(text, lineterminator="\n")
    quoted = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in table:
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
    >>> lines = labels_csv([("a.png", "=1+1", True)])
    >>> read_labels(b"".join(lines))
    [('a.png', '=1+1', True)]
    """
    return list(label_rows(io.BytesIO(content)))


def label_rows(file: IO[bytes]) -> Iterator[tuple[str, str, bool]]:
    """Read what :func:`labels_csv` wrote, row by row.

    Raises
    ------
    ValueError
        Naming the line that is not one of such a table.
    """
    table = csv.reader(_text_lines(file))
    try:
        columns = next(table, None)
        if columns != ["name", "label", "is_valid"]:
            shown = [_cut(name) for name in columns or ()][:4]
            raise ValueError(f"{LABELS} must have the columns name, label, is_valid, got {shown}.")
        for row in table:
            if len(row) != 3 or row[2] not in ("True", "False"):
                raise ValueError(
                    f"{LABELS}, line {table.line_num}: not name, label, True or False."
                )
            yield row[0], row[1], row[2] == "True"
    except csv.Error as error:
        raise ValueError(f"{LABELS}, line {table.line_num}: not CSV: {error}") from error


def _text_lines(file: IO[bytes]) -> Iterator[str]:
    number = 0
    while line := file.readline(_LONGEST_TEXT):
        number += 1
        if len(line) == _LONGEST_TEXT:
            raise ValueError(f"{LABELS}, line {number}: more than {_LONGEST_TEXT} bytes.")
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise ValueError(f"{LABELS}, line {number}: not UTF-8: {error.reason}") from error
        yield text


def misread_labels(labels: Iterable[str]) -> list[str]:
    """Return the labels that pandas or a spreadsheet would not read as text.

    Examples
    --------
    >>> misread_labels(["kiwi", "NA", "007", "=1+1"])
    ['NA', '007', '=1+1']
    """
    return [
        label for label in labels if label in _MISSING or label[0] in "=+-@" or _looks_number(label)
    ]


def _looks_number(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return label in ("True", "False", "TRUE", "FALSE", "true", "false")
    return True


def find_leaks(rows: Iterable[Row]) -> list[str]:
    """Return the training rows that are, or descend from, a validation or test image.

    Validation and test rows that are synthetic are leaks, too: they are no photos to measure on.
    Rows are named by their files.

    Examples
    --------
    >>> photo = Row("valid/a/1.png", "a", "valid", "original", ("a/1.png",))
    >>> find_leaks([photo, Row("train/a/2.png", "a", "train", "copy", ("a/1.png",))])
    ['train/a/2.png']
    """
    if iter(rows) is rows:  # rows are read several times
        rows = list(rows)
    parents = {name for row in rows if row.split in HELD_OUT for name in row.parents}
    ancestors = {name for row in rows if row.split in HELD_OUT for name in row.ancestors}
    contents = {row.sha256 for row in rows if row.split in HELD_OUT} - {None}

    def is_leak(row: Row) -> bool:
        if row.split in HELD_OUT:
            return row.kind == "synthetic" or row.drawn_before
        return row.split == "train" and (
            not parents.isdisjoint(row.parents)
            or not ancestors.isdisjoint(row.ancestors)
            or row.sha256 in contents
        )

    return [row.path or row.parents[0] for row in rows if is_leak(row)]
