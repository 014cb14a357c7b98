"""Parallel: tasks of one array spread over threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextvars import copy_context
from typing import Any

from joblib import Parallel, delayed


def in_threads(
    function: Callable[..., Any],
    tasks: Iterable[Sequence[Any]],
    *,
    n_jobs: int | None = None,
    verbose: int = 0,
    small: bool = False,
) -> list[Any]:
    """Call `function` with the arguments of every task, in threads that share memory.

    Parameters
    ----------
    function : callable
        Writes its result where no other task writes.
    tasks : iterable of tuples
        Positional arguments.
    n_jobs, verbose
        As in :class:`joblib.Parallel`; :func:`joblib.parallel_config` is respected.
    small : bool, default=False
        Whether all tasks together are too little work for threads to pay: on a busy
        machine handing the interpreter from one to the other takes longer. They are then
        called in turn.

    Returns
    -------
    results : list
        In the order of `tasks`.

    Raises
    ------
    ValueError
        For ``n_jobs=0``.
    """
    if n_jobs == 0:
        raise ValueError("`n_jobs` must be a number of threads, or -1 for one per core, got 0.")
    tasks = list(tasks)
    if small or len(tasks) < 2:
        return [function(*task) for task in tasks]
    results: list[Any] = Parallel(n_jobs=n_jobs, require="sharedmem", verbose=verbose)(
        # a thread does not inherit what its starter has set, such as the limits of image files
        delayed(copy_context().run)(function, *task)
        for task in tasks
    )
    return results
