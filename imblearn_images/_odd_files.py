"""What libraries say of odd image files, collected into one line of a command."""

from __future__ import annotations

import logging
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import IO, Any

import PIL
from PIL import Image

from imblearn_images.core.text import printable, printable_lines

_PILLOW = Path(PIL.__file__).parent
_FROM_LIBTIFF = re.compile(r"[^\s:]+: \S")  # "TIFFReadDirectory: Warning, Unknown field ..."


class _Remarks(logging.Handler):
    """Remarks on odd files: how many there were, and the first."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.n = 0
        self.first = ""
        self._one_at_a_time = Lock()  # threads read files

    def add(self, text: str) -> None:
        """Note one."""
        with self._one_at_a_time:
            self.first = self.first or text
            self.n += 1

    def emit(self, record: logging.LogRecord) -> None:
        """Note what Pillow logs."""
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
        """Note a warning of Pillow, write any other in one line; for ``warnings.showwarning``."""
        if Path(filename).parent == _PILLOW:
            self.add(str(message))
        else:
            sys.stderr.write(f"imblearn-images: warning: {printable_lines(str(message))}\n")


@contextmanager
def collected_remarks(*, of_c_libraries: bool) -> Iterator[None]:
    """Context of a command, after which one line says what was remarked on odd image files.

    Warnings and log entries of Pillow are counted, and the first is quoted; warnings of others
    are shown at once, in a line each.

    Parameters
    ----------
    of_c_libraries : bool
        Also count what libtiff writes to the standard error itself, past Python. For commands
        that run no code of others: what that wrote there would be shown when the command ends.
    """
    remarks = _Remarks()
    logger = logging.getLogger("PIL")
    propagates = logger.propagate
    logger.propagate = False  # or Python writes what nobody handles to stderr
    logger.addHandler(remarks)
    try:
        with warnings.catch_warnings(), _past_python(remarks if of_c_libraries else None):
            warnings.filterwarnings("always", module=r"PIL\b")
            # what is too large is refused, in words of our own
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
    """Lead file descriptor 2 into a file, and Python's own stream past it to where it went."""
    real = None
    if remarks is not None:
        with suppress(OSError):  # it is closed
            real = os.dup(2)
    if remarks is None or real is None:
        yield
        return
    stream = sys.stderr
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        if _is_descriptor_2(stream):
            sys.stderr = open(  # noqa: SIM115 - closed below
                os.dup(real), "w", buffering=1, encoding=stream.encoding, errors=stream.errors
            )
        try:
            yield
        finally:
            if sys.stderr is not stream:
                sys.stderr.close()
                sys.stderr = stream
            os.dup2(real, 2)
            os.close(real)
            _sort_out(caught, remarks)


def _is_descriptor_2(stream: Any) -> bool:
    try:
        return bool(stream.fileno() == 2)
    except (AttributeError, OSError, ValueError):  # of a notebook, or closed
        return False


def _sort_out(caught: IO[bytes], remarks: _Remarks) -> None:
    """Count the lines of libtiff; write the others, which nobody expected."""
    caught.seek(0)
    for line in caught:
        text = line.decode("utf-8", "backslashreplace").rstrip("\n")
        if _FROM_LIBTIFF.match(text):
            remarks.add(text)
        elif text:
            sys.stderr.write(f"{printable(text)}\n")
