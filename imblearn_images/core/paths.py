"""Paths: the paths of very many files in a few bytes each.

A list of str takes 94 bytes for a path of 37 letters. Here a folder is stored once for all files
in it that follow each other, and the names of files are stored one after the other in one buffer.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Paths(Sequence[str]):
    """Paths of files: a sequence of str that takes the bytes of the names plus 8 for each file.

    Parameters
    ----------
    paths : iterable of str, default=()
        The first paths. Memory is smallest if files of one folder follow each other.

    Examples
    --------
    >>> paths = Paths(["photos/kiwi/1.png", "photos/kiwi/2.png"])
    >>> paths.append("photos/lime/1.png")
    >>> paths[2], list(paths[np.array([1, 0])])
    ('photos/lime/1.png', ['photos/kiwi/2.png', 'photos/kiwi/1.png'])
    """

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self._names = bytearray()
        self._ends = array("q")
        self._folders: list[str] = []
        """Folder of each run of consecutive files in one folder."""
        self._starts: list[int] = []
        """Number of the first file of each run."""
        self._rows: NDArray[np.intp] | None = None
        self.extend(paths)

    def append(self, path: str) -> None:
        """Add one path."""
        start = path.rfind(os.sep) + 1
        if not self._folders or self._folders[-1] != path[:start]:
            self._folders.append(path[:start])
            self._starts.append(len(self._ends))
        # "surrogatepass", because a name may hold bytes that are not valid text
        self._names += path[start:].encode("utf-8", "surrogatepass")
        self._ends.append(len(self._names))

    def extend(self, paths: Iterable[str]) -> None:
        """Add many paths."""
        for path in paths:
            self.append(path)

    def __len__(self) -> int:
        return len(self._ends if self._rows is None else self._rows)

    def __getitem__(self, row: Any) -> Any:
        """Return the path of one row, or the paths of some rows as :class:`Paths`."""
        if not isinstance(row, (int, np.integer)):
            rows = np.arange(len(self)) if self._rows is None else self._rows
            return self._part(rows[row])
        at = range(len(self))[row]
        return self._path(at if self._rows is None else int(self._rows[at]))

    def __iter__(self) -> Iterator[str]:
        rows = range(len(self)) if self._rows is None else self._rows.tolist()
        return map(self._path, rows)

    def __reduce__(self) -> Any:
        return Paths, (list(self),)  # a part is pickled without the other paths

    def _part(self, rows: NDArray[np.intp]) -> Paths:
        """Return some of the paths, which share the stored names."""
        some = Paths.__new__(Paths)
        vars(some).update(vars(self) | {"_rows": rows})
        return some

    def _path(self, row: int) -> str:
        """Return the path of one stored file."""
        name = self._names[self._ends[row - 1] if row else 0 : self._ends[row]]
        folder = self._folders[bisect_right(self._starts, row) - 1]
        return folder + name.decode("utf-8", "surrogatepass")
