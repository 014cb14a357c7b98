"""The console: print on standard output and error, whatever these are connected to."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from typing import TextIO

__all__ = ["NobodyReadsError", "complain", "connected", "say", "say_report", "spelling"]

_spell: ContextVar[Callable[[str], str]] = ContextVar("_spell", default=str)
"""Function by which the running command spells remedies in messages."""

REMARKS = ("note: ", "broken: ", "skipped: ", "no result ")
"""Beginnings of those lines of a report that may hold remedies; other lines hold class names."""


class NobodyReadsError(Exception):
    """The reader of the output has closed it; unlike BrokenPipeError, which any pipe may raise."""


@contextmanager
def connected() -> Iterator[None]:
    """Connect standard streams that the caller has closed to the null device.

    The file descriptors 0 to 2, too. Otherwise the next file to be opened would get the number of
    one of them, and messages of C libraries would end up in an image file.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != descriptor:
                os.dup2(nowhere, descriptor)
                os.close(nowhere)
    before = sys.stdout, sys.stderr
    with ExitStack() as opened:
        if None in before:  # otherwise open no file: the process may be at its limit
            nothing = opened.enter_context(open(os.devnull, "w", encoding="utf-8"))
            sys.stdout, sys.stderr = (nothing if stream is None else stream for stream in before)
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before


def say(text: str) -> None:
    """Print lines on standard output; characters that its encoding lacks are escaped.

    Raises
    ------
    NobodyReadsError
        If the reader has closed the pipe.
    OSError
        Naming standard output if it cannot be written, such as on a full disk.
    """
    _write(sys.stdout, f"{text}\n")


def complain(text: str) -> None:
    """Print lines on standard error, or nowhere if it cannot be written."""
    with suppress(OSError, ValueError):
        _write(sys.stderr, f"{text}\n")


def _write(stream: TextIO, text: str) -> None:
    """Write text to a stream and flush it."""
    # First the bytes of file names that are no text, then what the terminal's encoding lacks.
    encoding = getattr(stream, "encoding", None) or "utf-8"
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except OSError as error:
        # Otherwise the interpreter would try to flush the buffer again at exit, and fail again.
        with suppress(OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if isinstance(error, BrokenPipeError):
            raise NobodyReadsError from error
        raise OSError(error.errno, error.strerror, "standard output") from error


def say_report(text: str) -> None:
    """Print a report, with remedies in its remarks spelled as options of the running command."""
    spell = _spell.get()
    say("\n".join(spell(x) if x.startswith(REMARKS) else x for x in text.split("\n")))


@contextmanager
def spelling(spell: Callable[[str], str]) -> Iterator[None]:
    """Spell remedies in reports by `spell` within this context."""
    before = _spell.set(spell)
    try:
        yield
    finally:
        _spell.reset(before)
