"""Progress: a bar with rate and time left where wanted, in terminals and notebooks alone."""

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
    """Show how many of `total` are done, how many a second, and how long the rest takes.

    Parameters
    ----------
    total : int
        How many there are.
    what : str
        What stands before the bar.
    verbose : int
        0: show nothing; nor is anything shown where nobody looks, in a pipe or a file. Without
        tqdm a line says once how to get it.
    unit : str, default="file"
        What is counted.

    Yields
    ------
    done : callable
        To be called, from any thread, with the number done since the last call.

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
    """Whether what is written to standard error is drawn on a screen as it comes."""
    stream = sys.stderr
    in_notebook = type(stream).__module__.partition(".")[0] == "ipykernel"  # is no terminal
    return in_notebook or bool(stream and stream.isatty())


def _bars() -> Any:
    """The bar for where this runs, or None where tqdm is not installed."""
    try:
        if find_spec("ipywidgets") is None:  # tqdm.auto would warn of it in every notebook
            from tqdm import tqdm
        else:
            from tqdm.auto import tqdm
    except ModuleNotFoundError:
        _say_what_is_missing()
        return None
    return tqdm


@cache
def _say_what_is_missing() -> None:
    """Note once how to get a progress bar."""
    sys.stderr.write("no progress bar: tqdm is not installed (pip install tqdm)\n")
