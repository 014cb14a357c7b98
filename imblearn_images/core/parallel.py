"""Parallel: tasks in threads that share memory, or in the processes that joblib is set to use."""

from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent import futures
from contextvars import copy_context
from typing import Any

from joblib import Parallel, delayed, effective_n_jobs
from joblib.parallel import get_active_backend

TIMEOUT = 600.0
"""Seconds after which a task that another process was given counts as lost."""


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
        Whether all tasks together are too little work for threads to pay off: on a busy
        machine, switching between threads takes longer. They then run one after the other.

    Returns
    -------
    results : list
        In the order of `tasks`.

    Raises
    ------
    ValueError
        If `n_jobs` is 0.
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


def works_in_threads() -> bool:
    """Return whether joblib would run tasks in threads of this process, not in other processes."""
    backend, _ = get_active_backend(prefer="threads")
    return bool(getattr(backend, "supports_sharedmem", False))


def in_workers(
    function: Callable[[Any], Any],
    tasks: Sequence[Any],
    *,
    what: Callable[[Any], str],
    n_jobs: int | None = None,
    timeout: float | None = TIMEOUT,
    verbose: int = 0,
) -> list[Any]:
    """Call `function` with every task, in threads or in the processes that joblib is set to use.

    ``with joblib.parallel_config(backend="loky")``, or "dask", or "ray", sends the tasks there.
    Tasks that are lost because a process ends are sent once more.

    Parameters
    ----------
    function : callable
        ``function(task)``, which must be safe to call twice with one task.
    tasks : sequence
        The arguments; like `function`, they must be picklable.
    what : callable
        ``what(task)`` names a task in an error.
    n_jobs, verbose
        As in :class:`joblib.Parallel`.
    timeout : float, default=600
        Seconds that a task may take in another process. None for any time.

    Returns
    -------
    results : list
        In the order of `tasks`.

    Raises
    ------
    Exception
        Any error that `function` raises.
    TimeoutError
        Naming a task that took longer.
    RuntimeError
        If a task is lost twice; it is named.
    """
    if not works_in_threads():
        _warn_of_work_at_home(n_jobs)
    if works_in_threads() or effective_n_jobs(n_jobs) == 1:
        return in_threads(function, ((task,) for task in tasks), n_jobs=n_jobs, verbose=verbose)
    results: dict[int, Any] = {}
    lost: Exception | None = None
    for _ in range(2):
        left = [at for at in range(len(tasks)) if at not in results]
        if not left or (lost is not None and _n_workers(n_jobs) < 2):
            break  # without a worker, joblib would run here what has just killed one
        try:
            _collect(
                function, tasks, left, results, n_jobs=n_jobs, timeout=timeout, verbose=verbose
            )
        except _Raised as raised:
            raise raised.args[0] from raised
        except (TimeoutError, futures.TimeoutError, multiprocessing.TimeoutError) as error:
            raise TimeoutError(
                f"{_named(tasks, results, what)} took more than {timeout:g} s in a worker process, "
                "or the worker has ended. What is done stays: call it again, with a longer "
                "`timeout` if the work is heavy."
            ) from error
        except Exception as error:  # noqa: BLE001 - joblib, dask, ray ... raise their own types
            lost = error
    if len(results) < len(tasks):
        raise RuntimeError(
            f"{_named(tasks, results, what)} came back from no worker process in two attempts: "
            f"{type(lost).__name__}: {lost} Finished work is kept: call again, with smaller "
            "blocks or fewer workers if these have run out of memory."
        ) from lost
    return [results[at] for at in range(len(tasks))]


class _Raised(Exception):  # noqa: N818 - it carries an error rather than being one
    """Carries the error of a task, to tell it from errors of joblib and its backends."""


def _collect(
    function: Callable[[Any], Any],
    tasks: Sequence[Any],
    left: list[int],
    results: dict[int, Any],
    **options: Any,
) -> None:
    """Run the tasks `left`; put each result into `results` as soon as it arrives."""
    backend, _ = get_active_backend(prefer="threads")
    piecemeal = getattr(backend, "supports_return_generator", False)  # ray returns them at the end
    return_as = "generator_unordered" if piecemeal else "list"
    done = Parallel(prefer="threads", return_as=return_as, **options)(
        delayed(_attempt)(function, at, tasks[at]) for at in left
    )
    results.update(done)


def _attempt(function: Callable[[Any], Any], at: int, task: Any) -> tuple[int, Any]:
    """Return the number of a task and its result; errors are raised within :class:`_Raised`."""
    try:
        return at, function(task)
    except Exception as error:
        raise _Raised(error) from error


def _n_workers(n_jobs: int | None) -> int:
    """Return the number of worker processes, 0 if all have ended."""
    try:
        return int(effective_n_jobs(n_jobs))
    except TimeoutError:  # raised by dask after the last worker has ended
        return 0


def _named(tasks: Sequence[Any], results: dict[int, Any], what: Callable[[Any], str]) -> str:
    """Return the name of the first unfinished task, and how many more there are."""
    lost = [at for at in range(len(tasks)) if at not in results]
    more = f" and {len(lost) - 1} more of {len(tasks)} tasks" if len(lost) > 1 else ""
    return f"{what(tasks[lost[0]])}{more}"


def _warn_of_work_at_home(n_jobs: int | None) -> None:
    """Warn if joblib runs tasks in this process although a dask cluster was requested."""
    backend, _ = get_active_backend(prefer="threads")
    name = type(backend).__name__
    if name.startswith("Dask") and effective_n_jobs(n_jobs) == 1:
        warnings.warn(
            "joblib runs the tasks in this process, not on the dask cluster, which has one core: "
            "what would kill a worker will kill this process. Give the cluster a second worker.",
            UserWarning,
            stacklevel=4,
        )
