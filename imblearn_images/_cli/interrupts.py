"""Interrupts: signals such as Ctrl-C end the command, which then reports what it has written."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import Any

from imblearn_images._early import ends_at_once
from imblearn_images.annotations._files import UNFINISHED
from imblearn_images.folders._output import WORKSHOP


class Ended(KeyboardInterrupt):
    """Raised for signals other than Ctrl-C that end the process; handled like it."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = 128 + number


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt for Ctrl-C, and for the other signals that end a process.

    A signal that is ignored, as under ``nohup``, stays ignored.
    """
    if current_thread() is not main_thread():
        yield
        return
    before = {}
    if signal.getsignal(signal.SIGINT) is ends_at_once:
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
        begun, manifest = os.path.isfile(os.path.join(output, UNFINISHED)), "manifest.json"
    if not begun:
        whole = os.path.lexists(os.path.join(output, manifest))
        return f"interrupted; {output} is finished" if whole else "interrupted; nothing was written"
    n_files = sum(
        not name.endswith(".partial")
        for folder, _, names in os.walk(output)
        for name in names
        if os.path.relpath(folder, output).split(os.sep)[0] != WORKSHOP and name != UNFINISHED
    )
    files = "1 file is" if n_files == 1 else f"{n_files} files are"
    return (
        f"interrupted; {output} is unfinished: {files} in place, "
        f"and no {manifest}. Repeat the command with --resume to continue, or remove the folder"
    )
