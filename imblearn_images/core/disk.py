"""Disk: opening and writing files of any kind, and the paths of very many of them.

- Writing (:func:`written_whole`): a file is whole or absent, whatever becomes of the process.
- Opening (:func:`open_regular`): a pipe blocks until something is written to it, and a device may
  never end, so the type of a file is checked before it is opened. Images have checks of their own,
  :func:`~imblearn_images.core.files.opened`.
- Paths (:class:`Paths`): a list of str takes 94 bytes for a path of 37 letters. Here a folder is
  stored once for all files in it that follow each other, and their names in one buffer.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import stat
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import IO, Any
from uuid import getnode, uuid4

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core.text import printable

FilePath = str | os.PathLike[str]


@contextmanager
def written_whole(path: FilePath, *, flush: bool = True) -> Iterator[IO[bytes]]:
    """Write a file that is whole or absent; an existing file is replaced.

    That holds whatever becomes of the process, also where it is killed.

    Parameters
    ----------
    path : str or path-like
        The file. While the block runs, its content is in a temporary file of the same folder,
        named by a dot, 32 hexadecimal digits and ".partial".
    flush : bool, default=True
        Wait until the disk has the content, so that it holds after a power cut or a crash of the
        operating system, too; that takes some milliseconds a file, longer than most images take
        to be drawn. Without it, what was written in the last seconds before one may be
        empty or cut off. Whoever writes many files flushes them later, :func:`flush_file`, or
        finds such files when the run is repeated.

    Yields
    ------
    file : binary file
        Flushed and renamed to `path` when the block ends; removed if the block raises.

    Raises
    ------
    OSError
        Naming `path`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "notes.txt"
    >>> with written_whole(path) as file:
    ...     _ = file.write(b"whole")
    >>> path.read_bytes()
    b'whole'
    """
    partial = partial_name(path)
    try:
        with open(partial, "xb") as file:
            yield file
            if flush:
                file.flush()
                os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as exc:
        # An error that names another file is about that file.
        if exc.errno is None or exc.filename not in (None, partial):
            raise
        raise OSError(exc.errno, exc.strerror, os.fspath(path)) from exc
    finally:
        with suppress(FileNotFoundError):
            os.unlink(partial)


def check_local(path: FilePath, name: str) -> None:
    """Raise a ValueError for an address, of which a folder would be made that is called so."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", os.fspath(path)):
        raise ValueError(
            f"`{name}` must be a folder that this machine sees, got the address "
            f"{os.fspath(path)!r}. Write to a folder here, and copy it there."
        )


def flush_file(path: FilePath) -> None:
    """Wait until the disk has the content of a file.

    Much of it has been written by then where there are many: one after the other, they take a
    fraction of what flushing each at once takes.

    Raises
    ------
    OSError
        Naming the file.
    """
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
    finally:
        os.close(handle)


def partial_name(path: FilePath) -> str:
    """Return a temporary name in the folder of `path` that no other writer uses.

    It names the writer: 8 digits of the machine, 8 of the process, and 16 at random.
    """
    digits = f"{_machine()}{os.getpid() & 0xFFFFFFFF:08x}{uuid4().hex[:16]}"
    return os.path.join(os.path.dirname(path), f".{digits}.partial")


def is_partial(name: str) -> bool:
    """Return whether a file's name is one of :func:`partial_name`."""
    return re.fullmatch(r"\.[0-9a-f]{32}\.partial", name) is not None


def writer_lives(name: str) -> bool | None:
    """Return whether the writer of a partial file still runs; None if that cannot be known here.

    Examples
    --------
    >>> writer_lives(os.path.basename(partial_name("kiwi.png")))
    True
    >>> writer_lives(f".{'0' * 32}.partial") is None  # of another machine
    True
    """
    # Windows has no harmless signal: os.kill would end the process.
    if name[1:9] != _machine() or os.name != "posix":
        return None
    try:
        os.kill(int(name[9:17], 16), 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # of another user, or no number of a process
        return True
    return True


@cache
def _machine() -> str:
    """Return 8 hexadecimal digits that processes share if they can see each other's numbers."""
    facts = [platform.node()]
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as boot:
            # Clones of a machine share its name, and containers on one number processes apart.
            facts += [boot.read(), os.readlink("/proc/self/ns/pid")]
    except OSError:  # not Linux: the address of its network card
        facts.append(str(getnode()))
    return hashlib.sha256("\0".join(facts).encode("utf-8", "surrogateescape")).hexdigest()[:8]


def open_regular(path: FilePath, *, follow: bool = True) -> IO[bytes]:
    """Open a regular file for reading.

    Parameters
    ----------
    path : str or path-like
        The file.
    follow : bool, default=True
        Whether it may be a link to a file.

    Returns
    -------
    file : binary file

    Raises
    ------
    ValueError
        For a folder, pipe, socket or device, and, unless `follow`, for a link.
    OSError
        If it cannot be opened.

    Examples
    --------
    >>> import tempfile
    >>> open_regular(tempfile.gettempdir())
    Traceback (most recent call last):
    ...
    ValueError: ... is a folder, not a file. Put a file there, or name another.
    """
    check_regular(path, follow=follow)
    handle = os.open(path, os.O_RDONLY | _FLAGS | (0 if follow else _NO_LINK))
    return _checked(handle, path, "rb")


def open_to_append(path: FilePath) -> IO[bytes]:
    """Open a regular file for appending, or a new one; neither a link nor a second name of a file.

    Raises
    ------
    ValueError, OSError
        As :func:`open_regular`.
    """
    if os.path.lexists(path):
        check_regular(path, follow=False)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | _FLAGS | _NO_LINK
    return _checked(os.open(path, flags, 0o666), path, "ab")


def check_regular(path: FilePath, *, follow: bool = True) -> None:
    """Raise as :func:`open_regular` for anything but a regular file, without opening it."""
    _check_type(os.stat(path) if follow else os.lstat(path), path, alone=not follow)


# Between the check and the opening, another file may have taken the name. So files are opened
# without waiting (O_NONBLOCK), and what was opened is checked again.
_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


def _checked(handle: int, path: FilePath, how: str) -> IO[bytes]:
    """Return a file object for an open handle, which is closed if it is not a regular file."""
    try:
        _check_type(os.fstat(handle), path, alone=how == "ab")
        return os.fdopen(handle, how, buffering=0 if how == "ab" else -1)
    except BaseException:
        os.close(handle)
        raise


def _check_type(status: os.stat_result, path: FilePath, *, alone: bool) -> None:
    """Raise for anything but a regular file; if `alone`, also for one with several names."""
    kind = "a pipe, socket or device"
    if stat.S_ISLNK(status.st_mode):
        kind = "a link"
    elif stat.S_ISDIR(status.st_mode):
        kind = "a folder"
    elif stat.S_ISREG(status.st_mode):
        if not (alone and status.st_nlink > 1):
            return
        kind = "a second name of a file elsewhere"
    raise ValueError(
        f"{printable(path)} is {kind}, not a file{' of its own' * alone}. Put a "
        "file there, or name another."
    )


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
        """Add one path; a part of other paths becomes independent of them first."""
        if self._rows is not None:
            vars(self).update(vars(Paths(self)))
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
