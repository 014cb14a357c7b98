"""Regular files: open files without ever waiting for a writer.

Opening a pipe blocks until something is written to it, and a device may never end. So the type of
a file is checked before it is opened: of tables, journals and manifests here, of images by
:func:`~imblearn_images.core.files.opened`.
"""

from __future__ import annotations

import os
import stat
from typing import IO

from imblearn_images.core.files import FilePath


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
    _check(os.stat(path) if follow else os.lstat(path), path, alone=not follow)


# Between the check and the opening, another file may have taken the name. So files are opened
# without waiting (O_NONBLOCK), and what was opened is checked again.
_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


def _checked(handle: int, path: FilePath, how: str) -> IO[bytes]:
    """Return a file object for an open handle, which is closed if it is not a regular file."""
    try:
        _check(os.fstat(handle), path, alone=how == "ab")
        return os.fdopen(handle, how, buffering=0 if how == "ab" else -1)
    except BaseException:
        os.close(handle)
        raise


def _check(status: os.stat_result, path: FilePath, *, alone: bool) -> None:
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
        f"{os.fspath(path)} is {kind}, not a file{' of its own' * alone}. Put a "
        "file there, or name another."
    )
