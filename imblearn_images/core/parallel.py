"""Parallel: tasks of one array spread over threads, tasks of files over what joblib is set to."""

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
    small: bool = False,
) -> list[Any]:
    """Call `function` with the arguments of every task, in threads that share memory.

    Parameters
    ----------
    function : callable
        Writes its result where no other task writes.
    tasks : iterable of tuples
        Positional arguments.
    n_jobs
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
    results: list[Any] = Parallel(n_jobs=n_jobs, require="sharedmem")(
        # a thread does not inherit what its starter has set, such as the limits of image files
        delayed(copy_context().run)(function, *task)
        for task in tasks
    )
    return results


def works_in_threads() -> bool:
    """Return whether joblib would run tasks here, in threads, or send them to other processes."""
    backend, _ = get_active_backend(prefer="threads")
    return bool(getattr(backend, "supports_sharedmem", False))


def in_workers(
    function: Callable[[Any], Any],
    tasks: Sequence[Any],
    *,
    what: Callable[[Any], str],
    n_jobs: int | None = None,
    timeout: float | None = TIMEOUT,
    done: Callable[[Any], object] = lambda task: None,
) -> list[Any]:
    """Call `function` with every task, in threads, or in the processes that joblib is set to.

    ``with joblib.parallel_config(backend="loky")``, or "dask", or "ray", sends the tasks there.
    A process that ends takes the tasks it had with it: these are sent once more.

    Parameters
    ----------
    function : callable
        Of a task; what it has done before it may do again. Both can be pickled.
    tasks : sequence
        What it is called with.
    what : callable
        ``what(task)`` names a task in an error.
    n_jobs
        As in :class:`joblib.Parallel`.
    timeout : float, default=600
        Seconds that a task may take in another process. None for any time.
    done : callable, default=None
        ``done(task)`` is called in this process, from any thread, when a task is finished.

    Returns
    -------
    results : list
        In the order of `tasks`.

    Raises
    ------
    Exception
        What `function` has raised, if it has.
    TimeoutError
        Naming a task that took longer.
    RuntimeError
        Naming a task that was lost twice.
    """
    if not works_in_threads():
        _warn_of_work_at_home(n_jobs)
    if works_in_threads() or effective_n_jobs(n_jobs) == 1:

        def reported(task: Any) -> Any:
            result = function(task)
            done(task)
            return result

        return in_threads(reported, ((task,) for task in tasks), n_jobs=n_jobs)
    results: dict[int, Any] = {}
    lost: Exception | None = None
    for _ in range(2):
        left = [at for at in range(len(tasks)) if at not in results]
        if not left or (lost is not None and _n_workers(n_jobs) < 2):
            break  # joblib would run here what has just ended a worker
        try:
            _collect(function, tasks, left, results, done, n_jobs=n_jobs, timeout=timeout)
        except _Raised as raised:
            raise raised.args[0] from raised
        except (TimeoutError, futures.TimeoutError, multiprocessing.TimeoutError) as error:
            raise TimeoutError(
                f"{_named(tasks, results, what)} took more than {timeout:g} s in a worker process, "
                "or the worker has ended. What is done stays: call it again, with a longer "
                "`timeout` if the work is heavy."
            ) from error
        except Exception as error:  # noqa: BLE001 - joblib, dask, ray ... have kinds of their own
            lost = error
    if len(results) < len(tasks):
        raise RuntimeError(
            f"{_named(tasks, results, what)} came back from no worker process, though sent again: "
            f"{type(lost).__name__}: {lost} What is done stays: call it again, with smaller "
            "blocks or fewer workers if these have run out of memory."
        ) from lost
    return [results[at] for at in range(len(tasks))]


class _Raised(Exception):  # noqa: N818 - carries an error, is none
    """What a task has raised; whatever else comes out of joblib is the engine's own."""


def _collect(
    function: Callable[[Any], Any],
    tasks: Sequence[Any],
    left: list[int],
    results: dict[int, Any],
    done: Callable[[Any], object],
    **options: Any,
) -> None:
    """Run the tasks `left`; put each result into `results` as soon as it is there."""
    backend, _ = get_active_backend(prefer="threads")
    piecemeal = getattr(backend, "supports_return_generator", False)  # not of ray
    return_as = "generator_unordered" if piecemeal else "list"
    found = Parallel(prefer="threads", return_as=return_as, **options)(
        delayed(_attempt)(function, at, tasks[at]) for at in left
    )
    for at, result in found:
        results[at] = result
        done(tasks[at])


def _attempt(function: Callable[[Any], Any], at: int, task: Any) -> tuple[int, Any]:
    try:
        return at, function(task)
    except Exception as error:
        raise _Raised(error) from error


def _n_workers(n_jobs: int | None) -> int:
    try:
        return int(effective_n_jobs(n_jobs))
    except TimeoutError:  # of dask, where the last worker has ended
        return 0


def _named(tasks: Sequence[Any], results: dict[int, Any], what: Callable[[Any], str]) -> str:
    """Name what is not done."""
    lost = [at for at in range(len(tasks)) if at not in results]
    more = f" and {len(lost) - 1} more of {len(tasks)} tasks" if len(lost) > 1 else ""
    return f"{what(tasks[lost[0]])}{more}"


def _warn_of_work_at_home(n_jobs: int | None) -> None:
    backend, _ = get_active_backend(prefer="threads")
    name = type(backend).__name__
    if name.startswith("Dask") and effective_n_jobs(n_jobs) == 1:
        warnings.warn(
            "joblib runs the tasks in this process, not on the dask cluster, which has one core: "
            "what ends a worker would end this process. Give the cluster a second worker.",
            UserWarning,
            stacklevel=4,
        )
