"""The console: standard output and error, whatever they are connected to."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from typing import Any, TextIO

__all__ = ["NobodyReadsError", "complain", "connected", "say", "say_report", "spelling"]

_spell: ContextVar[Callable[[str], str]] = ContextVar("_spell", default=str)
"""How the command that is running spells remedies."""

REMARKS = ("note: ", "broken: ", "skipped: ", "no result ")
"""How lines of a report begin that may hold a remedy; in the others names of classes stand."""


class NobodyReadsError(Exception):
    """Raised when whoever read the output has closed it; other pipes break, too."""


@contextmanager
def connected() -> Iterator[None]:
    """Give output and errors somewhere to go where the caller has closed them.

    The file descriptors, too: else the next file that is opened gets the number of one of
    them, and what a C library prints ends up in a picture.
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
        if None in before:  # else no file is opened: there may be no room for one
            nothing = opened.enter_context(open(os.devnull, "w", encoding="utf-8"))
            sys.stdout, sys.stderr = (nothing if stream is None else stream for stream in before)
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before


def say(text: str) -> None:
    """Print lines on standard output; what its encoding does not hold is escaped.

    Raises
    ------
    NobodyReadsError
        If nobody reads on.
    OSError
        Naming standard output if it cannot be written, such as on a full disk.
    """
    _write(sys.stdout, f"{text}\n")


def complain(text: str) -> None:
    """Print lines on standard error, or nowhere if it cannot be written."""
    with suppress(OSError, ValueError):
        _write(sys.stderr, f"{text}\n")


def _write(stream: TextIO, text: str) -> None:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except OSError as error:
        # What is buffered would be tried, and fail, once more when the interpreter ends.
        with suppress(OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if isinstance(error, BrokenPipeError):
            raise NobodyReadsError from error
        raise OSError(error.errno, error.strerror, "standard output") from error


def say_report(text: str) -> None:
    """Print a report, the remedies in its remarks spelled for the command that is running."""
    spell = _spell.get()
    say("\n".join(spell(x) if x.startswith(REMARKS) else x for x in text.split("\n")))


@contextmanager
def spelling(spell: Callable[[str], str]) -> Iterator[None]:
    """Spell reports and warnings so, the latter as lines of this command.

    Python's own way to show a warning names a line of source code.
    """

    def show(message: Any, *_: Any, **__: Any) -> None:
        complain(f"imblearn-images: warning: {spell(str(message))}")

    before = _spell.set(spell)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = show
            yield
    finally:
        _spell.reset(before)
