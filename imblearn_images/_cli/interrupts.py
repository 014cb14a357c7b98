"""Interrupts: handle Ctrl-C and other signals at any moment of the command.

A signal ends the command, which reports what it has written by then. While the libraries are being
imported, which takes seconds, nothing has been written, and the command ends without a report.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import Any

__all__ = ["INTERRUPTED", "Ended", "ends_quietly", "interruptible", "once", "what_is_left"]

# Ctrl-C must be handled before the slow imports: this module is imported first and may not import
# `folders._store` and `annotations._files`, which also have these names.
WORKSHOP = ".unfinished"
MARKER = ".unfinished.json"


INTERRUPTED = 128 + signal.SIGINT
"""Exit code of a command that Ctrl-C has ended, by the convention of shells."""


class Ended(KeyboardInterrupt):
    """Raised for signals other than Ctrl-C that end the process; handled like it."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = 128 + number


def _is_the_command() -> bool:
    """Return whether this process is the command, and not a program that imports the package."""
    name = os.path.basename(sys.argv[0]) if sys.argv else ""
    if name.removesuffix(".exe").removesuffix("-script.py") == "imblearn-images":
        return True
    given = sys.orig_argv
    return "-m" in given and given[given.index("-m") + 1 :][:1] == ["imblearn_images"]


def ends_quietly() -> None:
    """End the command on Ctrl-C without a traceback, until :func:`interruptible` takes over."""
    if _is_the_command() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def _end(number: int, frame: Any) -> None:
    """Handle Ctrl-C by ending the process with one line."""
    sys.stderr.write("imblearn-images: interrupted\n")
    raise SystemExit(INTERRUPTED)


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt for Ctrl-C, and for the other signals that end a process.

    A signal that is ignored, as under ``nohup``, stays ignored.
    """
    if current_thread() is not main_thread():
        yield
        return
    before = {}
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            before[number] = signal.signal(number, _raise)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def once() -> Iterator[None]:
    """Ignore a second Ctrl-C while the first is being reported."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _raise(number: int, frame: Any) -> None:
    """Handle a signal by raising an exception."""
    raise Ended(number)


def what_is_left(options: Mapping[str, Any]) -> str:
    """Return a message on what an interrupted command has left behind, and how to continue.

    Parameters
    ----------
    options : mapping
        The options of the command, with `output` and `resume` if it writes a folder.

    Returns
    -------
    message : str
    """
    output = options.get("output")
    if not isinstance(output, str) or "resume" not in options:
        return "interrupted"
    workshop = os.path.join(output, WORKSHOP)
    manifest = f"manifest.{options.get('manifest', 'jsonl')}"
    begun = os.path.isdir(workshop) and not os.path.islink(workshop)
    if options.get("boxes") or options.get("out_format"):  # annotations, not class folders
        begun, manifest = os.path.isfile(os.path.join(output, MARKER)), "manifest.json"
    if not begun:
        whole = os.path.lexists(os.path.join(output, manifest))
        return f"interrupted; {output} is finished" if whole else "interrupted; nothing was written"
    n_files = sum(
        not name.endswith(".partial")
        for folder, _, names in os.walk(output)
        for name in names
        if os.path.relpath(folder, output).split(os.sep)[0] != WORKSHOP and name != MARKER
    )
    files = "1 file is" if n_files == 1 else f"{n_files} files are"
    return (
        f"interrupted; {output} is unfinished: {files} in place, "
        f"and no {manifest}. Repeat the command with --resume to continue, or remove the folder"
    )
