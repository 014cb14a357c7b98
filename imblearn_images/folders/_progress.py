"""Progress: a bar of tqdm where wanted and installed, silence otherwise."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock


@contextmanager
def progress(total: int, what: str, verbose: int) -> Iterator[Callable[[int], object]]:
    """Show how many of `total` files are done.

    Yields
    ------
    done : callable
        To be called, from any thread, with the number of files done since the last call.
    """
    if verbose:
        try:
            from tqdm import tqdm
        except ModuleNotFoundError:
            verbose = 0
            _say_what_is_missing()
    if not verbose:
        yield lambda n: None
        return
    lock = Lock()
    with tqdm(total=total, desc=what, unit="file") as bar:

        def done(n: int) -> None:
            with lock:
                bar.update(n)

        yield done


@cache
def _say_what_is_missing() -> None:
    """Note once how to get a progress bar."""
    sys.stderr.write("no progress bar: tqdm is not installed (pip install tqdm)\n")
