"""Verifying: a folder against its manifest."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from imblearn_images.core.duplicates import hash_file
from imblearn_images.core.manifest import (
    LABELS,
    MANIFEST,
    Row,
    find_leaks,
    label_table,
    labels_csv,
    read_labels,
    read_manifest,
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
    """Training rows that are, or descend from, a validation image."""
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
        If there is no manifest: the run was not finished.
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
    rows = read_manifest(root)
    checks = [(root / row.path, row.path, row.sha256) for row in rows if row.path is not None]
    if source is not None:
        checks += [
            (Path(source, parent), f"{os.fspath(source)}/{parent}", row.sha256)
            for row in rows
            for parent in row.parents
            if row.kind != "skipped"
        ]
        synthetic = {parent for row in rows if row.kind == "synthetic" for parent in row.parents}
        drawn = {f"{os.fspath(source)}/{parent}" for parent in synthetic}
        plain = {name for _, name, _ in checks} - drawn
        checks = [(f, name, sha if name in plain else None) for f, name, sha in checks]
        checks = list(dict.fromkeys(checks))
    with progress(len(checks), "verified", verbose) as done:

        def check(file: Path, name: str, sha256: str | None) -> tuple[str, str]:
            try:
                found = hash_file(file)[1] if file.is_file() else None
            except PermissionError:
                found = None
            done(1)
            if found is None:
                return name, "missing"
            return name, "changed" if sha256 is not None and found != sha256 else ""

        states = in_threads(check, checks, n_jobs=n_jobs)
    known = {row.path for row in rows} | {MANIFEST, LABELS, CHART, SHEET}
    return VerifyReport(
        output=str(root),
        n_rows=sum(row.split != "skipped" for row in rows),
        missing=[name for name, state in states if state == "missing"],
        changed=[name for name, state in states if state == "changed"],
        unexpected=_unexpected(root, known),
        leaks=find_leaks(rows),
        labels=_label_errors(root, rows),
    )


def _unexpected(root: Path, known: set[str | None]) -> list[str]:
    found = []
    for folder, subfolders, names in os.walk(root):
        inside = Path(folder).relative_to(root)
        linked = [name for name in subfolders if Path(folder, name).is_symlink()]
        found += [(inside / name).as_posix() for name in [*names, *linked]]
    return sorted(name for name in set(found) if name not in known)


def _label_errors(root: Path, rows: list[Row]) -> list[str]:
    file = root / LABELS
    if not file.exists():
        return (
            [f"{LABELS} is missing"]
            if any(r.path is None and r.parents and r.split != "skipped" for r in rows)
            else []
        )
    content = file.read_bytes()
    if content == b"".join(labels_csv(rows)):
        return []
    try:
        table = read_labels(content)
    except ValueError as error:
        return [str(error)]
    wanted = list(label_table(rows))
    wrong = [name for name, *rest in wanted if (name, *rest) not in set(table)]
    return [f"{LABELS}: {len(table)} rows, {len(wanted)} expected; first difference {wrong[:1]}"]
