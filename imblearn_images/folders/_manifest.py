"""The manifest: one row per output row, with its file and what that was made from.

It is written as lines of JSON, or as Parquet with the same fields as columns; ``step`` is then a
list in every row that has one.
"""

from __future__ import annotations

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
from imblearn_images.core.text import printable
from imblearn_images.folders._names import cut, encode_label

MANIFEST = "manifest.jsonl"
MANIFESTS = {"jsonl": MANIFEST, "parquet": "manifest.parquet"}
"""What a manifest may be written as, and how it is called then."""
HELD_OUT = ("valid", "test")
SPLITS = ("train", *HELD_OUT, "skipped")
KINDS = ("original", "copy", "synthetic", "skipped")
_LONGEST = 1 << 26
"""Maximum bytes of a line of a manifest; a longer one would name impossibly many parents."""
_SHA256 = re.compile("[0-9a-f]{64}")


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
        # Left out where empty: most outputs have no such rows, and a line is read by people, too.
        facts = {key: value for key, value in asdict(row).items() if value or key not in _RARE}
        yield json.dumps(facts).encode("ascii") + b"\n"


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
                    # A split may be called "val", as its source is; but a folder is of one split
                    # alone.
                    if "/" in rest and sides.setdefault(side, row.split) != row.split:
                        raise ValueError(f"the folder {cut(side)} is in two splits")
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
            raise ValueError(f"`{name}` must be {wanted}, got {cut(facts[name])}.")
    if unknown := facts.keys() - _FIELDS.keys():
        raise ValueError(f"{cut(min(unknown))} is not a field of it")
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
        raise ValueError(f"it must be an object with fields, got {cut(facts)}")
    return facts


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    facts = dict(pairs)
    # Python keeps the last of two, other programs the first: what counts would be a matter of
    # taste.
    if len(facts) < len(pairs):
        raise ValueError("a field is given twice")
    return facts


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
        return f"`path` {cut(row.path)} is not in the folder of `label` {cut(row.label)}"
    # a split that was kept may have another name, such as "val"
    if len(sides) > 1 or (sides or ["train"])[0] in set(SPLITS) - {row.split}:
        return f"`path` {cut(row.path)} is not in the folder of `split` {row.split!r}"
    return ""


def _steps(step: float | tuple[float, ...] | None) -> tuple[float, ...]:
    if step is None:
        return ()
    return step if isinstance(step, tuple) else (step,)


def label_table(rows: Iterable[Row]) -> Iterator[tuple[str, str, bool]]:
    """Yield name, label and is_valid of every row that is in the data set."""
    for row in rows:
        if row.split != "skipped":
            yield row.path or row.parents[0], row.label, row.split == "valid"


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
    # None of rows without a file: it would make all of these equal.
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


_SOME = 8192
"""Rows that are in memory at a time, and in a row group of the file."""
_REPEATED = ["label", "split", "kind", "synthesis", "seed", "reason", "drawn_before"]
"""Columns that say the same in many rows."""


def require_pyarrow() -> Any:
    """Return the module that reads and writes Parquet.

    Raises
    ------
    ModuleNotFoundError
        With the command that installs it.
    """
    try:
        import pyarrow.parquet as pq
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "A manifest in Parquet needs pyarrow. Install it: pip install imblearn-images[parquet]"
        ) from error
    return pq


def check_text(names: Iterable[str]) -> None:
    """Raise for a name of a file that holds bytes which are no text: columns of text cannot.

    Raises
    ------
    ValueError
        Naming the file.
    """
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f'`manifest` must be "jsonl" where the name of a file is not UTF-8, got "parquet" '
                f"for {printable(name)}. Rename the file, or leave `manifest` out."
            ) from error


def write_rows(file: IO[bytes], rows: Iterable[Any]) -> None:
    """Write rows of a manifest, the same bytes for the same rows and version of pyarrow."""
    pq = require_pyarrow()
    import pyarrow as pa

    texts = pa.list_(pa.string())
    schema = pa.schema(
        [
            pa.field("path", pa.string()),
            pa.field("label", pa.string(), nullable=False),
            pa.field("split", pa.string(), nullable=False),
            pa.field("kind", pa.string(), nullable=False),
            pa.field("parents", texts, nullable=False),
            pa.field("synthesis", pa.string()),
            pa.field("step", pa.list_(pa.float64())),
            pa.field("seed", pa.uint64()),
            pa.field("sha256", pa.string()),
            pa.field("reason", pa.string()),
            pa.field("ancestors", texts, nullable=False),
            pa.field("drawn_before", pa.bool_(), nullable=False),
        ]
    )
    left = iter(rows)
    with pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=_REPEATED) as writer:
        while some := [_as_columns(row) for row in islice(left, _SOME)]:
            columns = [[row[at] for row in some] for at in range(len(schema))]
            arrays = map(pa.array, columns, schema.types)
            writer.write_batch(pa.record_batch(list(arrays), schema=schema))


def _as_columns(row: Any) -> tuple[Any, ...]:
    step = (row.step,) if isinstance(row.step, float) else row.step
    reason = row.reason  # of others, and may quote a name that is no text
    if reason is not None:
        reason = reason.encode("utf-8", "backslashreplace").decode()
    # in the order of the schema
    facts = (row.path, row.label, row.split, row.kind, row.parents, row.synthesis, step, row.seed)
    return *facts, row.sha256, reason, row.ancestors, row.drawn_before


def read_rows(file: IO[bytes]) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a file, some in memory at a time, as a line of JSON would give them.

    Raises
    ------
    ValueError
        If it is no Parquet, or damaged.
    """
    pq = require_pyarrow()
    import pyarrow as pa

    try:
        table = pq.ParquetFile(file)
        names = table.schema_arrow.names
        if len(set(names)) < len(names):
            raise ValueError("A column is given twice.")
        for batch in table.iter_batches(_SOME, use_threads=False):
            for facts in batch.to_pylist():
                step = facts.get("step")
                if isinstance(step, list) and len(step) == 1:
                    facts["step"] = step[0]
                yield facts
    except (OSError, ValueError, pa.ArrowException) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the disk, not of what is on it
        raise ValueError(f"Not Parquet, or damaged: {str(error).strip()[:200]}") from error
