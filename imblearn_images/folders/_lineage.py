"""Lineage: where images come from, read from the manifests beside their files.

The manifest of a folder that this package wrote records for every file which photos it shows and
whether it was drawn. This still holds when the folder, or a part of it, is used as a source again,
also through links.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core.disk import FilePath
from imblearn_images.folders._manifest import Manifest, Row, find_manifest


@dataclass(frozen=True)
class Lineage:
    """Where image files come from, as far as manifests record it."""

    shows: Sequence[tuple[str, ...]]
    """For each file the keys of the photos it shows, () where nothing is known."""
    drawn: NDArray[np.bool_]
    """Whether each file was drawn and is not a photo, shape (n,)."""
    manifests: list[str] = field(default_factory=list)
    """The manifests that were read."""
    strange: list[str] = field(default_factory=list)
    """Files named like a manifest that another program wrote."""

    @property
    def families(self) -> NDArray[np.intp]:
        """Number of the first photo of each file, shape (n,); unknown files get their own."""
        known: dict[Any, int] = {}
        names = (shows[0] if shows else row for row, shows in enumerate(self.shows))
        return np.array([known.setdefault(name, len(known)) for name in names], dtype=np.intp)

    @property
    def says(self) -> str:
        """Name of the first manifest, how many more there are, and "says"; for messages."""
        more = len(self.manifests) - 1
        return self.manifests[0] + (f", with {more} more," if more else "") + " says"

    def photos(self, row: int) -> list[str]:
        """Return the names of the photos that a file shows, as in its manifest."""
        several = len(self.manifests) > 1
        return [
            "/".join((home, name)) if several else name
            for home, _, name in (shown.split("\0") for shown in self.shows[row])
        ]


def read_lineage(paths: Sequence[FilePath]) -> Lineage:
    """Return the lineage of image files, from manifests one or two levels above their folders.

    Raises
    ------
    ValueError
        If a manifest is damaged, naming it and the line.
    ModuleNotFoundError
        If a manifest is Parquet and pyarrow is not installed.

    Examples
    --------
    >>> list(read_lineage(["photos/kiwi/1.png"]).shows)
    [()]
    """
    wanted: dict[str, dict[str, list[int]]] = {}
    homes: dict[str, tuple[str, str]] = {}

    def home_of(folder: str) -> tuple[str, str]:
        if folder not in homes:
            homes[folder] = _home(os.path.realpath(folder))
        return homes[folder]

    for row, path in enumerate(paths):
        file = os.fspath(path)
        folder, name = os.path.split(file)
        home, inside = home_of(folder)
        # The folder is nobody's output, but a link in it may lead to an image drawn for one.
        if not home and os.path.islink(file):
            folder, name = os.path.split(os.path.realpath(file))
            home, inside = home_of(folder)
        if home:
            wanted.setdefault(home, {}).setdefault(f"{inside}/{name}", []).append(row)
    n = len(paths)
    shows: Any = [()] * n if wanted else np.broadcast_to(_NOTHING, n)
    lineage = Lineage(shows, np.zeros(n, dtype=bool))
    for home, rows in wanted.items():
        _read(home, rows, shows, lineage)
    return lineage


_NOTHING = np.empty(1, dtype=object)  # for all files that no manifest knows, in no room at all
_NOTHING[0] = ()


def _home(folder: str) -> tuple[str, str]:
    """Return the folder whose manifest covers `folder`, and the path from there; else two ""."""
    inside = ""
    for _ in range(2):  # one level for <class>/ and images/, two for train/<class>/
        folder, name = os.path.split(folder)
        inside = f"{name}/{inside}".rstrip("/")
        if find_manifest(folder) is not None:
            return folder, inside
    return "", ""


def _read(home: str, rows: dict[str, list[int]], shows: Any, lineage: Lineage) -> None:
    """Enter what the manifest in `home` records; `rows` maps its paths to files."""
    manifest = Manifest(Path(home))
    try:
        for line in manifest:
            for row in rows.get(line.path or "", ()):
                shows[row] = _names(home, line)
                lineage.drawn[row] = line.kind == "synthetic" or line.drawn_before
    except ValueError:
        # A file without a single valid row is another program's; with some it is ours, damaged.
        if os.path.isfile(manifest.file) and not manifest.has_rows():
            lineage.strange.append(str(manifest.file))
            return
        raise
    lineage.manifests.append(str(manifest.file))


def _names(home: str, row: Row) -> tuple[str, ...]:
    """Return the keys of the photos that a row shows: manifest folder, level and name."""
    # The same name can mean two files: one of the source, or, where the row has ancestors, one of
    # the source's own source. `level` keeps the two apart.
    level, names = ("..", row.ancestors) if row.ancestors else ("", row.parents)
    return tuple("\0".join((home, level, name)) for name in names)
