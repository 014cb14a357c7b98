"""Many image files at once: what they hold, and which of them are bad."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from imblearn_images.core import files
from imblearn_images.core.parallel import in_threads
from imblearn_images.core.text import printable
from imblearn_images.core.wording import counted

MORE_FRAMES = "with more than one frame, the first is used"


def describe_all(
    paths: Sequence[files.FilePath],
    *,
    size: tuple[int, int] | None = None,
    mode: str | None = None,
    n_jobs: int | None = None,
) -> list[files.FileInfo]:
    """Describe many files in joblib threads.

    Parameters
    ----------
    paths : sequence of str or path-like
        The files.
    size, mode
        As for :func:`read_image`.
    n_jobs : int, default=None
        As joblib's.

    Returns
    -------
    list of FileInfo
        As :func:`~files.describe` gives, in the order of `paths`.

    Warns
    -----
    UserWarning
        Once, for all files of which only the first frame or page will be read.

    Raises
    ------
    FileNotFoundError, ValueError
        As :func:`raise_unreadable`, naming all files that cannot be read, not the first.
    """
    files.check_size_and_mode(size, mode)
    tasks = ((paths[start : start + 64], size, mode) for start in range(0, len(paths), 64))
    batches = in_threads(_describe_batch, tasks, n_jobs=n_jobs)
    found = [item for batch in batches for item in batch]
    raise_unreadable([item for item in found if isinstance(item, Exception)], len(paths))
    more = [path for path, info in zip(paths, found, strict=True) if info.has_more_frames]
    if more:
        files_ = "1 file" if len(more) == 1 else f"{len(more)} files"
        warnings.warn(f"{files_} {MORE_FRAMES}, such as {printable(more[0])}.", stacklevel=2)
    return found


@contextmanager
def frames_told() -> Iterator[None]:
    """Context in which no warning tells of further frames: somebody else does."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", rf"\d+ files? {MORE_FRAMES}", UserWarning)
        yield


def tell_frames(paths: Sequence[files.FilePath], *, n_jobs: int | None = None) -> None:
    """Warn, as :func:`describe_all` does, of further frames; files that are bad are passed over."""
    with suppress(OSError, ValueError, MemoryError):
        describe_all(paths, n_jobs=n_jobs)


def raise_unreadable(errors: Sequence[Exception], n_files: int) -> None:
    """Raise the errors that reading files gave, if any, as one.

    Parameters
    ----------
    errors : sequence of exceptions
        As :func:`read_image` raises them.
    n_files : int
        How many files were read.

    Raises
    ------
    FileNotFoundError, MemoryError, ValueError
        One of the former when all of `errors` are; with file and reason of the first ten.
    """
    if not errors:
        return
    n_all = counted(n_files, "image file")
    lines = [f"{len(errors)} of {n_all} cannot be read:", *map(str, errors[:10])]
    if len(errors) > 10:
        lines.append(f"and {len(errors) - 10} more")
    kind: type[Exception] = ValueError
    for other in (FileNotFoundError, MemoryError):
        if all(isinstance(error, other) for error in errors):
            kind = other
    raise kind("\n  ".join(lines)) from errors[0]


def check_uniform(
    infos: Sequence[files.FileInfo], paths: Sequence[files.FilePath], *, by_mode: bool = True
) -> None:
    """Check that files hold one kind of image; sizes may differ.

    Parameters
    ----------
    infos : sequence of FileInfo
        What :func:`describe` says of each file.
    paths : sequence of str or path-like
        The files, for the message.
    by_mode : bool, default=True
        Whether two modes that give the same kind of array, such as palette and RGB, are
        two kinds.

    Raises
    ------
    ValueError
        When modes, dtypes or numbers of channels differ, with the count and the first
        files of each kind.

    Examples
    --------
    >>> grey = files.FileInfo((8, 8), np.dtype("uint8"), "L")
    >>> check_uniform([grey, files.FileInfo((9, 9), np.dtype("uint8"), "L")], ["a.png", "b.png"])
    """
    kinds: dict[tuple[str, tuple[int, ...], np.dtype[Any]], list[files.FilePath]] = {}
    for info, path in zip(infos, paths, strict=True):
        kinds.setdefault((info.mode, info.shape[2:], info.dtype), []).append(path)
    if len(kinds if by_mode else {kind[1:] for kind in kinds}) < 2:
        return
    lines = [f"The {len(infos)} image files are of {len(kinds)} kinds:"]
    for (mode, channels, dtype), members in sorted(kinds.items(), key=lambda kind: -len(kind[1])):
        examples = ", ".join(map(printable, members[:3])) + (", ..." if len(members) > 3 else "")
        lines.append(f"{mode} {files.axes_of(channels)} {dtype}: {len(members)} ({examples})")
    raise ValueError(
        "\n  ".join(lines) + '\nRead all of them as one kind with mode="RGB" (of ReadImages at '
        'the head of a pipeline, or of balance_folder), or "L" or "RGBA".'
    )


def _describe_batch(
    paths: Sequence[files.FilePath], size: tuple[int, int] | None, mode: str | None
) -> list[Any]:
    found: list[Any] = []
    for path in paths:
        try:
            found.append(files.describe(path, size=size, mode=mode))
        except (FileNotFoundError, PermissionError, ValueError, MemoryError) as exc:
            found.append(exc)
    return found
