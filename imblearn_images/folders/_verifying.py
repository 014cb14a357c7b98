"""Verifying: check an output folder against its manifest."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import chain, islice, zip_longest
from pathlib import Path

import imblearn_images.folders._manifest as manifest
from imblearn_images._docstrings import substitute
from imblearn_images.core.disk import open_regular
from imblearn_images.core.duplicates import hash_file
from imblearn_images.core.parallel import in_threads, progress
from imblearn_images.core.text import counted, html_lines, shown
from imblearn_images.folders._lineage import Lineage, read_lineage
from imblearn_images.folders._names import LABELS, label_rows, labels_csv
from imblearn_images.folders._output import WORKSHOP
from imblearn_images.folders._report import CHART, SHEET
from imblearn_images.folders._writing import digest_of

__all__ = ["VerifyReport", "verify_folder"]


FAULTS = ("missing", "changed", "unexpected", "leaks", "labels")


@dataclass(frozen=True)
class VerifyReport:
    """What a check of an output folder found; true if nothing is wrong.

    Read more in the :ref:`User Guide <photo-folders>`.
    """

    output: str
    n_rows: int
    """Number of rows of the manifest, without skipped files."""
    missing: list[str] = field(default_factory=list)
    """Files that the manifest names and that do not exist or cannot be read."""
    changed: list[str] = field(default_factory=list)
    """Files whose SHA-256 differs from the manifest's."""
    unexpected: list[str] = field(default_factory=list)
    """Files that the manifest does not name."""
    leaks: list[str] = field(default_factory=list)
    """Training rows that are, or descend from, a validation or test image; validation and test
    rows that are synthetic."""
    labels: list[str] = field(default_factory=list)
    """What is wrong with labels.csv."""

    def __bool__(self) -> bool:
        return not (self.missing or self.changed or self.unexpected or self.leaks or self.labels)

    def to_json(self) -> str:
        """Return everything, and ``"ok"``, as one JSON object in ASCII."""
        return json.dumps({"ok": bool(self), **asdict(self)})

    def __repr__(self) -> str:
        found = [f"{len(getattr(self, what))} {what}" for what in FAULTS if getattr(self, what)]
        state = ", ".join(found) or "all as the manifest says"
        return f"VerifyReport({self.output!r}: {counted(self.n_rows, 'row')}, {state})"

    def _repr_html_(self) -> str:
        return html_lines(str(self).split("\n"))

    def __str__(self) -> str:
        if self:
            return f"{self.output}: {counted(self.n_rows, 'row')}, all as the manifest says"
        lines = [f"{self.output}: not as the manifest says"]
        for what in FAULTS:
            found = getattr(self, what)
            lines += [f"  {what}: {shown(name, 200)}" for name in found[:10]]
            if len(found) > 10:
                lines.append(f"  {what}: and {len(found) - 10} more")
        return "\n".join(lines)


@substitute
def verify_folder(
    output: str | os.PathLike[str],
    *,
    source: str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> VerifyReport:
    """Check an output folder against its manifest; nothing is written.

    Read more in the :ref:`User Guide <photo-folders>`.

    Parameters
    ----------
    output : str or path-like
        Folder that `balance_folder`, `unbalance_folder` or `export_images` wrote.
    source : str or path-like, default=None
        The folder that the output was made from. With it, also check that the parents still
        exist, that originals and copies equal them, and, where it is an output itself, that no
        photo of *its* source appears on two sides.
    {n_jobs}
    {progress}

    Returns
    -------
    VerifyReport
        ``bool(report)`` is True if nothing is wrong.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or no manifest in it: it is unfinished, or was written by
        another program. If `source` does not exist.
    ValueError
        If the manifest is damaged, naming the line, or is not a file.
    ModuleNotFoundError
        If the manifest is Parquet and pyarrow is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from imblearn_images.folders import export_images
    >>> folder = tempfile.mkdtemp()
    >>> paths = export_images(np.zeros((2, 8, 8), dtype=np.uint8), ["kiwi", "lime"], folder)
    >>> report = verify_folder(folder)
    >>> bool(report), report.n_rows
    (True, 2)
    >>> verify_folder(tempfile.mkdtemp())
    Traceback (most recent call last):
    ...
    FileNotFoundError: '...' holds no manifest.jsonl: it was not written by this package. ...
    """
    root = Path(output)
    _check_there(root)
    if source is not None and not os.path.isdir(source):
        raise FileNotFoundError(
            f"`source` must be a folder, got {os.fspath(source)}. Name the one that {root} was "
            "made from."
        )
    rows = manifest.Manifest(root)
    n_rows = n_files = 0
    has_source, outside = False, dict[str, None]()
    for row in rows:
        n_rows += row.split != "skipped"
        n_files += row.path is not None
        has_source = has_source or _is_of_a_source(row)
        if source is None:
            outside |= dict.fromkeys(name for name in row.parents if not _lies_in(name, "source"))
    bad: dict[str, list[str]] = {"missing": [], "changed": []}
    if has_source:  # parents of exported images may have any name: they need not be files at all
        bad["missing"] += [f"{name} (points out of the source)" for name in outside]
    parents: dict[str, str | None] = {}
    related: Iterable[manifest.Row] = rows
    if source is not None:
        parents = _parents(rows)
        # A manifest is not trusted: it must not make us look for files outside the source.
        outside = dict.fromkeys(name for name in parents if not _lies_in(name, source))
        bad["missing"] += [f"{name} (points out of the source)" for name in outside]
        for name in outside:
            del parents[name]
        related = _Related(rows, parents, os.fspath(source))
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
        # Some at a time: a task for each of a million files would take more memory than all the
        # rest.
        while some := list(islice(checks, 4096)):
            in_threads(check, some, n_jobs=n_jobs)
    return VerifyReport(
        output=str(root),
        n_rows=n_rows,
        missing=sorted(bad["missing"]),
        changed=sorted(bad["changed"]),
        unexpected=_unexpected(root, rows),
        leaks=manifest.find_leaks(related),
        labels=_label_errors(root, rows),
    )


def _check_there(root: Path) -> None:
    """Raise a FileNotFoundError if there is no folder with a manifest."""
    if not root.is_dir():
        raise FileNotFoundError(
            f"{os.fspath(root)!r} is not a folder. Name the folder that was passed as output."
        )
    if manifest.find_manifest(root) is not None:
        return
    if os.path.lexists(root / WORKSHOP):
        raise FileNotFoundError(
            f"{os.fspath(root)!r} is unfinished and holds no {manifest.MANIFEST} yet. Repeat the "
            "call that writes it, with resume=True (of balance_folder)."
        )
    above = root.absolute().parent
    named = manifest.find_manifest(above)
    hint = f" Did you mean {os.fspath(above)!r}?" if named is not None and named.is_file() else ""
    raise FileNotFoundError(
        f"{os.fspath(root)!r} holds no {manifest.MANIFEST}: it was not written by this package. "
        f"Name the folder that was passed as output.{hint}"
    )


def _is_of_a_source(row: manifest.Row) -> bool:
    """Return whether a row is an original that `balance_folder` wrote: its name has the digest."""
    if row.path is None or row.kind != "original" or not row.parents:
        return False
    digest = digest_of((row.label, *row.parents, str(row.sha256)))
    return os.path.splitext(row.path)[0].endswith(f"-{digest}")


def _lies_in(name: str, source: str | os.PathLike[str]) -> bool:
    """Return whether a parent's path leads below the source, without touching the disk."""
    root = os.path.abspath(source)
    there = os.path.abspath(os.path.join(root, name))
    return there.startswith(os.path.join(root, "")) and "\0" not in name


class _Related:
    """Rows, extended by what the manifest of their source records of their parents."""

    def __init__(self, rows: Iterable[manifest.Row], parents: Iterable[str], source: str) -> None:
        names = list(parents)
        self.rows = rows
        self.lineage: Lineage = read_lineage([os.path.join(source, name) for name in names])
        self.at = dict(zip(names, range(len(names)), strict=True))

    def __iter__(self) -> Iterator[manifest.Row]:
        if not self.lineage.manifests:
            yield from self.rows
            return
        for row in self.rows:
            known = [self.at[name] for name in row.parents if name in self.at]
            photos = [name for at in known for name in self.lineage.photos(at)]
            drawn = row.drawn_before or bool(self.lineage.drawn[known].any())
            yield replace(row, ancestors=(*row.ancestors, *photos), drawn_before=drawn)


def _parents(rows: Iterable[manifest.Row]) -> dict[str, str | None]:
    """Return the files of the source, each with its SHA-256 if a row records it."""
    parents: dict[str, str | None] = {}
    for row in rows:
        if row.kind == "synthetic":
            for parent in row.parents:
                parents.setdefault(parent, None)
        elif row.kind != "skipped":
            parents.update(dict.fromkeys(row.parents, row.sha256))
    return parents


def _unexpected(root: Path, rows: manifest.Manifest) -> list[str]:
    """Return the files in an output, and the links to folders, that no row names."""
    found = set()
    for folder, subfolders, names in os.walk(root):
        inside = Path(folder).relative_to(root)
        linked = [name for name in subfolders if Path(folder, name).is_symlink()]
        found |= {(inside / name).as_posix() for name in (*names, *linked)}
    found -= {rows.file.name, LABELS, CHART, SHEET}
    found.difference_update(str(row.path) for row in rows)
    return sorted(found)


def _label_errors(root: Path, rows: Iterable[manifest.Row]) -> list[str]:
    """Return what is wrong with labels.csv; an empty list where none is needed."""
    file = root / LABELS
    if not os.path.lexists(file):
        needed = any(r.path is None and r.parents and r.split != "skipped" for r in rows)
        return [f"{LABELS} is missing"] if needed else []
    try:
        with open_regular(file) as content:
            # Bytes are quick to compare; rows are parsed only to name the first difference.
            same = all(
                content.read(len(line)) == line for line in labels_csv(manifest.label_table(rows))
            )
            if same and not content.read(1):
                return []
        with open_regular(file) as content:
            return _first_difference(manifest.label_table(rows), label_rows(content))
    except ValueError as error:
        return [str(error)]


def _first_difference(
    wanted: Iterator[tuple[str, str, bool]], found: Iterator[tuple[str, str, bool]]
) -> list[str]:
    """Return a sentence on the first row that differs."""
    for number, (right, row) in enumerate(zip_longest(wanted, found), start=1):
        if right is None:
            return [f"{LABELS}: row {number} and those that follow are not in the manifest"]
        if row is None:
            return [f"{LABELS}: row {number} is missing, {str(right)[:200]}, and all that follow"]
        if row != right:
            return [f"{LABELS}: row {number} must be {str(right)[:200]}, got {str(row)[:200]}"]
    return [f"{LABELS}: its rows are those of the manifest, but written in another way"]
