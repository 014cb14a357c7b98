"""Early: what must be done before the slow imports of the package.

They take seconds, in which Ctrl-C would show a traceback through half of the libraries. Nothing has
been written by then: the command ends with one line. Later, ``_cli.interrupts`` reports.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

INTERRUPTED = 128 + signal.SIGINT
"""Exit code of a command that Ctrl-C has ended, by the convention of shells."""


def _is_the_command() -> bool:
    """Return whether this process is the command, and not a program that imports the package."""
    name = os.path.basename(sys.argv[0]) if sys.argv else ""
    if name.removesuffix(".exe").removesuffix("-script.py") == "imblearn-images":
        return True
    given = sys.orig_argv
    return "-m" in given and given[given.index("-m") + 1 :][:1] == ["imblearn_images"]


def ends_quietly() -> None:
    """End the command on Ctrl-C without a traceback, until ``_cli.interrupts`` takes over."""
    if _is_the_command() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, ends_at_once)


def ends_at_once(number: int, frame: Any) -> None:
    """Handle Ctrl-C by ending the process with one line."""
    sys.stderr.write("imblearn-images: interrupted\n")
    raise SystemExit(INTERRUPTED)
