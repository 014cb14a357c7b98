"""Verifying: a folder against its manifest."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import chain, islice
from pathlib import Path

from imblearn_images.core.duplicates import hash_file
from imblearn_images.core.manifest import (
    LABELS,
    MANIFEST,
    Manifest,
    Row,
    find_leaks,
    label_table,
    labels_csv,
    read_labels,
)
from imblearn_images.core.parallel import in_threads
from imblearn_images.folders.pictures import CHART, SHEET
from imblearn_images.folders.progress import progress
from imblearn_images.folders.report import shown

__all__ = ["VerifyReport", "verify_folder"]


@dataclass(frozen=True)
class VerifyReport:
    """What a check of an output folder found; truthy if all is well."""

    output: str
    n_rows: int
    """Rows of the manifest that are in the data set."""
    missing: list[str] = field(default_factory=list)
    """Files that the manifest names and that are not there, or cannot be read."""
    changed: list[str] = field(default_factory=list)
    """Files whose SHA-256 is another one."""
    unexpected: list[str] = field(default_factory=list)
    """Files that the manifest does not name."""
    leaks: list[str] = field(default_factory=list)
    """Training rows that are, or descend from, a validation or test image."""
    labels: list[str] = field(default_factory=list)
    """What is wrong with labels.csv."""

    def __bool__(self) -> bool:
        return not (self.missing or self.changed or self.unexpected or self.leaks or self.labels)

    def to_json(self) -> str:
        """Return everything, and ``"ok"``, as one JSON object in ASCII."""
        return json.dumps({"ok": bool(self), **asdict(self)})

    def __str__(self) -> str:
        if self:
            return f"{self.output}: {self.n_rows} rows, all as the manifest says"
        lines = [f"{self.output}: not as the manifest says"]
        for what in ("missing", "changed", "unexpected", "leaks", "labels"):
            found = getattr(self, what)
            lines += [f"  {what}: {shown(name, 200)}" for name in found[:10]]
            if len(found) > 10:
                lines.append(f"  {what}: and {len(found) - 10} more")
        return "\n".join(lines)


def verify_folder(
    output: str | os.PathLike[str],
    *,
    source: str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> VerifyReport:
    """Check an output folder against its manifest; nothing is written.

    Parameters
    ----------
    output : str or path-like
        Folder that `balance_folder`, `unbalance_folder` or `export_images` wrote.
    source : str or path-like, default=None
        Also check that the parents are still there, and that originals and copies equal them.
    n_jobs : int, default=None
        Threads that read the files.
    verbose : int, default=0
        Progress bar (needs the package tqdm).

    Returns
    -------
    VerifyReport
        ``bool(report)`` tells whether all is well.

    Raises
    ------
    FileNotFoundError
        If there is no manifest: the run was not finished. If there is no `source`.
    ValueError
        If the manifest is damaged, naming the line.

    Examples
    --------
    >>> import tempfile
    >>> verify_folder(tempfile.mkdtemp())
    Traceback (most recent call last):
    ...
    FileNotFoundError: ...manifest.jsonl does not exist: the folder was not made by this ...
    """
    root = Path(output)
    if source is not None and not os.path.isdir(source):
        raise FileNotFoundError(
            f"source {os.fspath(source)} is no folder: name the one that {root} was made of"
        )
    rows = Manifest(root)
    n_rows = n_files = 0
    for row in rows:
        n_rows += row.split != "skipped"
        n_files += row.path is not None
    parents = {} if source is None else _parents(rows)
    bad: dict[str, list[str]] = {"missing": [], "changed": []}
    with progress(n_files + len(parents), "verified", verbose) as done:

        def check(file: str, name: str, sha256: str | None) -> None:
            try:
                found = hash_file(file)[1] if os.path.isfile(file) else None
            except PermissionError:
                found = None
            if found is None:
                bad["missing"].append(name)
            elif sha256 is not None and found != sha256:
                bad["changed"].append(name)
            done(1)

        checks = chain(
            ((os.path.join(root, r.path), r.path, r.sha256) for r in rows if r.path is not None),
            (
                (os.path.join(source or "", parent), f"{os.fspath(source or '')}/{parent}", sha256)
                for parent, sha256 in parents.items()
            ),
        )
        while some := list(islice(checks, 4096)):
            in_threads(check, some, n_jobs=n_jobs)
    return VerifyReport(
        output=str(root),
        n_rows=n_rows,
        missing=sorted(bad["missing"]),
        changed=sorted(bad["changed"]),
        unexpected=_unexpected(root, rows),
        leaks=find_leaks(rows),
        labels=_label_errors(root, rows),
    )


def _parents(rows: Iterable[Row]) -> dict[str, str | None]:
    """Name the files of the source, each with its SHA-256 where a row tells it."""
    parents: dict[str, str | None] = {}
    for row in rows:
        if row.kind == "synthetic":
            for parent in row.parents:
                parents.setdefault(parent, None)
        elif row.kind != "skipped":
            parents.update(dict.fromkeys(row.parents, row.sha256))
    return parents


def _unexpected(root: Path, rows: Iterable[Row]) -> list[str]:
    found = set()
    for folder, subfolders, names in os.walk(root):
        inside = Path(folder).relative_to(root)
        linked = [name for name in subfolders if Path(folder, name).is_symlink()]
        found |= {(inside / name).as_posix() for name in (*names, *linked)}
    found -= {MANIFEST, LABELS, CHART, SHEET}
    found.difference_update(str(row.path) for row in rows)
    return sorted(found)


def _label_errors(root: Path, rows: Iterable[Row]) -> list[str]:
    file = root / LABELS
    if not file.exists():
        needed = any(r.path is None and r.parents and r.split != "skipped" for r in rows)
        return [f"{LABELS} is missing"] if needed else []
    with open(file, "rb") as content:
        same = all(content.read(len(line)) == line for line in labels_csv(rows))
        if same and not content.read(1):
            return []
    try:
        table = read_labels(file.read_bytes())
    except ValueError as error:
        return [str(error)]
    wanted, found = list(label_table(rows)), set(table)
    wrong = [row[0] for row in wanted if row not in found]
    return [f"{LABELS}: {len(table)} rows, {len(wanted)} expected; first difference {wrong[:1]}"]
