"""Apart: what is read and what is written never meet, whatever links lie between them.

A class folder, a folder in it, or a file may be a link. What is read then lies at the place the
link leads to, and nothing may be written there either.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from imblearn_images.core.files import FilePath


def where_they_meet(source: FilePath, target: FilePath) -> str:
    """Say how a place to write to touches what is read, or return "".

    Parameters
    ----------
    source : str or path-like
        Folder that is read with all that its links lead to; need not exist.
    target : str or path-like
        File or folder that is to be written; need not exist.

    Examples
    --------
    >>> where_they_meet("photos", "photos/../photos/out")
    "lies inside the source 'photos'"
    >>> where_they_meet("photos", "out")
    ''
    """
    here = os.path.realpath(target)
    root = os.path.realpath(source)
    if here == root:
        return f"is the source {os.fspath(source)!r}"
    if _lies_in(here, root):
        return f"lies inside the source {os.fspath(source)!r}"
    if _lies_in(root, here):
        return f"holds the source {os.fspath(source)!r}"
    for link, place in linked_places(os.fspath(source)):
        if here == place or _lies_in(here, place):
            return f"lies in {place!r} (read through the link {link!r})"
        if _lies_in(place, here):
            return f"holds {place!r} (read through the link {link!r})"
    return ""


def linked_places(root: str) -> Iterator[tuple[str, str]]:
    """Yield the links below a folder and, also through them, the real paths they lead to."""
    pending = [(root, os.path.realpath(root))]
    entered = {pending[0][1]}
    while pending:
        folder, real = pending.pop()
        try:
            with os.scandir(folder) as entries:
                inside = list(entries)
        except OSError:  # whoever reads it says so
            continue
        for entry in inside:
            if entry.name.startswith("."):  # is not read
                continue
            if entry.is_symlink():
                place = os.path.realpath(entry.path)
                yield entry.path, place
                if not os.path.isdir(place):
                    continue
            elif entry.is_dir(follow_symlinks=False):
                # resolved from the top where needed only: that takes a look at every level
                place = os.path.join(real, entry.name)
            else:
                continue
            if place not in entered:
                entered.add(place)
                pending.append((entry.path, place))


def _lies_in(inner: str, outer: str) -> bool:
    return inner.startswith(os.path.join(outer, ""))
