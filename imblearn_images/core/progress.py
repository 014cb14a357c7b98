"""Progress: a bar with rate and time left on request, only in terminals and notebooks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from threading import Lock
from typing import Any

__all__ = ["progress"]


@contextmanager
def progress(
    total: int, what: str, verbose: int, *, unit: str = "file"
) -> Iterator[Callable[[int], object]]:
    """Show how many of `total` are done, how many per second, and how long the rest will take.

    Parameters
    ----------
    total : int
        Number of items.
    what : str
        Text before the bar.
    verbose : int
        0: show nothing. Nothing is shown either if standard error goes to a pipe or a file. If
        tqdm is not installed, one line says so, once.
    unit : str, default="file"
        Name of an item.

    Yields
    ------
    done : callable
        Takes the number of items done since its last call; it may be called from any thread.

    Examples
    --------
    >>> with progress(3, "written", verbose=0) as done:
    ...     done(2)
    """
    bars = _bars() if verbose and _is_seen() else None
    if bars is None:
        yield lambda n: None
        return
    lock = Lock()
    with bars(total=total, desc=what, unit=unit) as bar:

        def done(n: int) -> None:
            with lock:
                bar.update(n)

        yield done


def _is_seen() -> bool:
    """Return whether standard error is shown at once, in a terminal or a notebook."""
    stream = sys.stderr
    # A notebook's stream says that it is not a terminal.
    in_notebook = type(stream).__module__.partition(".")[0] == "ipykernel"
    return in_notebook or bool(stream and stream.isatty())


def _bars() -> Any:
    """Return tqdm's bar for a terminal or a notebook, or None if tqdm is not installed."""
    try:
        if find_spec("ipywidgets") is None:  # without it, tqdm.auto warns in every notebook
            from tqdm import tqdm
        else:
            from tqdm.auto import tqdm
    except ModuleNotFoundError:
        _say_what_is_missing()
        return None
    return tqdm


@cache
def _say_what_is_missing() -> None:
    """Write once how to get a progress bar."""
    sys.stderr.write("No progress bar: tqdm is not installed. Install it: pip install tqdm\n")
