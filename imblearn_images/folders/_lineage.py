"""Lineage: what the manifests beside image files say of where the images come from.

A folder that this package wrote says of every file which photos it shows and whether it was
drawn. Used as a source again, as a whole or a part, also through links, it still says so.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core.files import FilePath
from imblearn_images.folders._manifest import Manifest, Row, find_manifest


@dataclass(frozen=True)
class Lineage:
    """Where image files come from, as far as manifests tell."""

    shows: Sequence[tuple[str, ...]]
    """The photos that each file shows, () where nothing is known; a name is one photo."""
    drawn: NDArray[np.bool_]
    """Whether each was drawn, and is not a photo."""
    manifests: list[str] = field(default_factory=list)
    """The manifests that tell."""
    strange: list[str] = field(default_factory=list)
    """Files of this name that another program wrote."""

    @property
    def families(self) -> NDArray[np.intp]:
        """Number of the photo that each file shows first; files of no known one have their own."""
        known: dict[Any, int] = {}
        names = (shows[0] if shows else row for row, shows in enumerate(self.shows))
        return np.array([known.setdefault(name, len(known)) for name in names], dtype=np.intp)

    def photos(self, row: int) -> list[str]:
        """Name the photos that a file shows, as their manifest does."""
        several = len(self.manifests) > 1
        return [
            "/".join((home, name)) if several else name
            for home, _, name in (shown.split("\0") for shown in self.shows[row])
        ]


def read_lineage(paths: Sequence[FilePath]) -> Lineage:
    """Look for manifests one and two folders above the folders of image files, and read them.

    Raises
    ------
    ValueError
        Naming the manifest, and its line, that is damaged.
    ModuleNotFoundError
        If one is Parquet and pyarrow is not installed.

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
    """Return the folder with a manifest that tells of the files in `folder`, and the way there."""
    inside = ""
    for _ in range(2):  # <class>/, images/; train/<class>/
        folder, name = os.path.split(folder)
        inside = f"{name}/{inside}".rstrip("/")
        if find_manifest(folder) is not None:
            return folder, inside
    return "", ""


def _read(home: str, rows: dict[str, list[int]], shows: Any, lineage: Lineage) -> None:
    manifest = Manifest(Path(home))
    try:
        for line in manifest:
            for row in rows.get(line.path or "", ()):
                shows[row] = _names(home, line)
                lineage.drawn[row] = line.kind == "synthetic" or line.drawn_before
    except ValueError:
        if os.path.isfile(manifest.file) and not manifest.has_rows():  # of another program
            lineage.strange.append(str(manifest.file))
            return
        raise
    lineage.manifests.append(str(manifest.file))


def _names(home: str, row: Row) -> tuple[str, ...]:
    # Names of one home mean one thing: the source of its source, where the row tells of that.
    level, names = ("..", row.ancestors) if row.ancestors else ("", row.parents)
    return tuple("\0".join((home, level, name)) for name in names)
