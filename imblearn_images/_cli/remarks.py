"""Remarks: what image libraries say of odd files, summed up in one line.

Pillow warns and logs, and libtiff writes to standard error past Python: on a folder of ten thousand
odd photos, that buries the report.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import IO, Any

import PIL
from PIL import Image

from imblearn_images.core.text import printable, printable_lines

__all__ = ["collected_remarks"]

_PILLOW = Path(PIL.__file__).parent
_FROM_LIBTIFF = re.compile(r"[^\s:]+: \S")  # "TIFFReadDirectory: Warning, Unknown field ..."


class _Remarks(logging.Handler):
    """Counts the remarks of image libraries on odd files, and keeps the first."""

    def __init__(self, spell: Callable[[str], str]) -> None:
        super().__init__(logging.WARNING)
        self.spell = spell
        self.n = 0
        self.first = ""
        self._one_at_a_time = Lock()  # threads read files

    def add(self, text: str) -> None:
        """Count a remark."""
        with self._one_at_a_time:
            self.first = self.first or text
            self.n += 1

    def emit(self, record: logging.LogRecord) -> None:
        """Count what Pillow logs."""
        self.add(record.getMessage())

    def show(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: Any = None,
        line: str | None = None,
    ) -> None:
        """Count a warning of Pillow, print any other in one line; for ``warnings.showwarning``."""
        if Path(filename).parent == _PILLOW:
            self.add(str(message))
        else:
            text = printable_lines(self.spell(str(message)))
            sys.stderr.write(f"imblearn-images: warning: {text}\n")


@contextmanager
def collected_remarks(*, of_c_libraries: bool, spell: Callable[[str], str] = str) -> Iterator[None]:
    """Run a command, then sum up the remarks of image libraries on odd files in one line.

    Warnings and log entries of Pillow are counted, and the first is quoted; other warnings
    are shown at once, in a line each.

    Parameters
    ----------
    of_c_libraries : bool
        Also count what libtiff itself writes to standard error, bypassing Python. Only for commands
        that run no third-party code, whose output would be held back until the command ends.
    spell : function, default=str
        Spells the remedies in other warnings as options.
    """
    remarks = _Remarks(spell)
    logger = logging.getLogger("PIL")
    propagates = logger.propagate
    logger.propagate = False  # otherwise the root logger prints it, too
    logger.addHandler(remarks)
    try:
        with warnings.catch_warnings(), _past_python(remarks if of_c_libraries else None):
            warnings.filterwarnings("always", module=r"PIL\b")
            # Images that are too large raise an error of ours.
            warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
            warnings.showwarning = remarks.show
            yield
    finally:
        logger.removeHandler(remarks)
        logger.propagate = propagates
        if remarks.n:
            what = "1 remark" if remarks.n == 1 else f"{remarks.n} remarks"
            first = printable(remarks.first)
            sys.stderr.write(
                f"imblearn-images: {what} of Pillow and libtiff on odd image files, such as: "
                f"{first[:200]}\n"
            )


@contextmanager
def _past_python(remarks: _Remarks | None) -> Iterator[None]:
    """Redirect file descriptor 2 into a file; Python's own stream still writes to the terminal."""
    caught = real = None
    if remarks is not None:
        with suppress(
            OSError
        ):  # stderr is closed, or the process is at its limit of files: redirect nothing
            caught = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
            real = os.dup(2)
    if remarks is None or caught is None or real is None:
        if caught is not None:
            caught.close()
        yield
        return
    stream = sys.stderr
    if _is_descriptor_2(stream):
        sys.stderr = open(  # noqa: SIM115 - closed below
            real, "w", buffering=1, encoding=stream.encoding, errors=stream.errors, closefd=False
        )
    os.dup2(caught.fileno(), 2)
    try:
        yield
    finally:
        if sys.stderr is not stream:
            sys.stderr.close()
            sys.stderr = stream
        os.dup2(real, 2)
        os.close(real)
        with caught:
            _sort_out(caught, remarks)


def _is_descriptor_2(stream: Any) -> bool:
    """Return whether a stream writes to file descriptor 2."""
    try:
        return bool(stream.fileno() == 2)
    except (AttributeError, OSError, ValueError):  # a notebook's stream, or a closed one
        return False


def _sort_out(caught: IO[bytes], remarks: _Remarks) -> None:
    """Count the lines of libtiff in a file; print all others, which are unexpected."""
    caught.seek(0)
    for line in caught:
        text = line.decode("utf-8", "backslashreplace").rstrip("\n")
        if _FROM_LIBTIFF.match(text):
            remarks.add(text)
        elif text:
            sys.stderr.write(f"{printable(text)}\n")
