"""Parallel: tasks in threads or in the processes that joblib is set to use, and their progress."""

from __future__ import annotations

import mmap
import multiprocessing
import os
import pickle
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import cache
from importlib.util import find_spec
from numbers import Real
from threading import Lock
from time import monotonic
from typing import Any

from joblib import Parallel, delayed, effective_n_jobs, wrap_non_picklable_objects
from joblib.parallel import get_active_backend

SHARED = 1 << 28
"""Bytes of memory that all slots of a :class:`Scratch` take together at most."""
TIMEOUT = 600.0
"""Seconds in which one of the tasks that other processes were given comes back, by default."""
_timeout: ContextVar[float | None] = ContextVar("worker_timeout", default=TIMEOUT)


@contextmanager
def worker_timeout(seconds: float | None) -> Iterator[None]:
    """Context that limits how long drawing waits for other processes.

    If joblib is set to use other processes, ``joblib.parallel_config(backend="dask")``, samplers
    with an `output_dir`, ``balance_folder`` and ``render_files`` give up if none of the blocks
    that are being drawn comes back for 600 seconds. A block is 64 images. Choose fewer seconds
    if workers may end without notice, more if one image takes several seconds.

    Read more in the :ref:`User Guide <from-a-laptop-to-a-cluster>`.

    Parameters
    ----------
    seconds : float
        Number of seconds above 0; ``None``: no limit.

    Raises
    ------
    ValueError
        If `seconds` is neither.

    Examples
    --------
    >>> import joblib, tempfile
    >>> import numpy as np
    >>> from imblearn_images import RandomOverSampler, render_files
    >>> X, y = np.zeros((6, 4, 4), dtype=np.uint8), ["cat"] * 4 + ["dog"] * 2
    >>> sampler = RandomOverSampler(random_state=0)
    >>> X_res, y_res = sampler.fit_resample(X, y)
    >>> with joblib.parallel_config(backend="threading", n_jobs=2), worker_timeout(60):
    ...     paths = render_files(sampler.plan_, X, tempfile.mkdtemp())
    >>> len(paths)
    8
    """
    check_timeout(seconds, "seconds")
    token = _timeout.set(seconds)
    try:
        yield
    finally:
        _timeout.reset(token)


def check_timeout(seconds: Any, name: str) -> None:
    """Raise a ValueError for anything but a number of seconds above 0, or None."""
    is_number = isinstance(seconds, Real) and not isinstance(seconds, bool)
    if seconds is not None and not (is_number and seconds > 0):
        raise ValueError(
            f"`{name}` must be a number of seconds above 0, or None, got {seconds!r}. Give as many "
            "as drawing some of the images takes, or None to wait for ever."
        )


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
    results: list[Any] = Parallel(n_jobs=n_jobs, require="sharedmem")(
        # a thread does not inherit what its starter has set, such as the limits of image files
        delayed(copy_context().run)(function, *task)
        for task in tasks
    )
    return results


def works_in_threads() -> bool:
    """Return whether joblib would run tasks in threads of this process, not in other processes."""
    backend, _ = get_active_backend(prefer="threads")
    return bool(getattr(backend, "supports_sharedmem", False))


def n_processes(n_jobs: int | None) -> int:
    """Return in how many other processes joblib would run tasks, 0 for threads of this one."""
    if n_jobs == 0 or works_in_threads():
        return 0
    n = _n_workers(n_jobs)
    return n if n > 1 else 0


class Scratch:
    """Memory that the processes of this machine share with this one, divided into slots.

    What is written into it need not be pickled, nor sent through a pipe. It has no name in any
    folder, so that nothing is left over however this process ends.

    Parameters
    ----------
    n_slots : int
        Number of slots that are wanted. There are fewer if they would take more than
        :data:`SHARED` bytes together: what finds none is pickled, block by block, while slots of
        large images would hold gigabytes at once.
    n_bytes : int
        Bytes of each.
    """

    def __init__(self, n_slots: int, n_bytes: int) -> None:
        page = mmap.ALLOCATIONGRANULARITY
        self.n_bytes = -(-n_bytes // page) * page
        self.file = -1
        self._free: list[Slot] = []
        backend, _ = get_active_backend(prefer="threads")
        is_here = type(backend).__name__ in ("LokyBackend", "MultiprocessingBackend")
        if not is_here or not hasattr(os, "memfd_create") or not os.path.exists("/proc/self/fd"):
            return  # there is no slot
        n_slots = min(n_slots, SHARED // max(1, self.n_bytes))
        try:
            self.file = os.memfd_create("imblearn_images")
            os.ftruncate(self.file, n_slots * self.n_bytes)
        except OSError:  # such as a limit on the size of files, ulimit -f: all is pickled
            if self.file >= 0:
                os.close(self.file)
                self.file = -1
            return
        path, facts = f"/proc/{os.getpid()}/fd/{self.file}", os.fstat(self.file)
        self._free = [
            Slot(path, (facts.st_dev, facts.st_ino), self.n_bytes, at * self.n_bytes)
            for at in range(n_slots)
        ]

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *_: object) -> None:
        if self.file >= 0:
            os.close(self.file)

    def slot(self) -> Slot | None:
        """Return a free slot, or None if there is none."""
        return self._free.pop() if self._free else None

    def free(self, slot: Slot | None) -> None:
        """Let others use a slot."""
        if slot is not None:
            self._free.append(slot)


class Slot:
    """Part of a :class:`Scratch`, which each process maps into its memory when it needs it."""

    def __init__(self, path: str, identity: tuple[int, int], n_bytes: int, start: int) -> None:
        self.path, self.identity, self.n_bytes, self.start = path, identity, n_bytes, start
        self._memory: mmap.mmap | None = None

    def __reduce__(self) -> Any:
        return Slot, (self.path, self.identity, self.n_bytes, self.start)

    @property
    def memory(self) -> mmap.mmap:
        """The bytes of the slot."""
        if self._memory is None:
            with open(self.path, "r+b") as file:
                facts = os.fstat(file.fileno())
                # After the call has ended, in error, the number may be that of any other file.
                if (facts.st_dev, facts.st_ino) != self.identity:
                    raise FileNotFoundError(f"{self.path}: the shared memory has been given back.")
                # MAP_POPULATE, on Linux, maps all pages at once, not each when it is touched.
                flags = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)
                self._memory = mmap.mmap(file.fileno(), self.n_bytes, flags, offset=self.start)
        return self._memory


def in_workers(
    function: Callable[[Any], Any],
    tasks: Sequence[Any],
    *,
    what: Callable[[Any], str],
    n_jobs: int | None = None,
    timeout: float | str | None = "auto",
    done: Callable[[Any], object] = lambda task: None,
    send: Callable[[Any], Any] = lambda task: task,
    keep: Callable[[Any, Any], Any] = lambda task, result: result,
    batch_size: int | str = "auto",
    lasts: bool = True,
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
    n_jobs
        As in :class:`joblib.Parallel`.
    timeout : float, default="auto"
        Seconds in which one of the tasks that other processes have in hand comes back. None for
        any time; "auto" for what :func:`worker_timeout` says, 600.
    done : callable, default=None
        ``done(task)`` is called in this process, from any thread, when a task is finished.
    send : callable, default=None
        ``send(task)`` returns what `function` is called with, by default the task itself. It is
        called in this process, from any thread, when a worker will soon be free.
    keep : callable, default=None
        ``keep(task, result)`` is called in this process, from any thread, with each result as it
        arrives, and returns what is kept of it; by default all of it.
    batch_size : int, default="auto"
        Number of tasks that are sent together; "auto": as many as take a fifth of a second.
    lasts : bool, default=True
        Whether finished tasks need not be done again after an error, as errors then say.

    Returns
    -------
    results : list
        What is kept, in the order of `tasks`.

    Raises
    ------
    Exception
        Any error that `function`, `send` or `keep` raises.
    TimeoutError
        Naming a task that has not come back.
    RuntimeError
        If a task is lost twice; it is named.
    """
    if not works_in_threads():
        _warn_of_work_at_home(n_jobs)
    if works_in_threads() or effective_n_jobs(n_jobs) == 1:

        def reported(task: Any) -> Any:
            result = keep(task, function(send(task)))
            done(task)
            return result

        return in_threads(reported, ((task,) for task in tasks), n_jobs=n_jobs)
    limit = _timeout.get() if isinstance(timeout, str) else timeout
    results: dict[int, Any] = {}
    lost: Exception | None = None
    progress = [monotonic()]  # when the last result arrived
    for _ in range(2):
        left = [at for at in range(len(tasks)) if at not in results]
        if not left or (lost is not None and _n_workers(n_jobs) < 2):
            break  # without a worker, joblib would run here what has just killed one
        patience = limit
        if limit is not None and (waited := monotonic() - progress[0]) < limit:
            patience = limit - waited  # both attempts together wait no longer
        options = {"n_jobs": n_jobs, "timeout": patience, "batch_size": batch_size}
        try:
            _collect(function, tasks, left, results, done, progress, send, keep, **options)
        except _Raised as raised:
            error = raised.args[0]
            # Only one of another process has its traceback in what carries it.
            raise error from (raised if error.__traceback__ is None else error.__cause__)
        except (TimeoutError, futures.TimeoutError, multiprocessing.TimeoutError) as error:
            raise TimeoutError(
                f"{_named(tasks, results, what)}: nothing came back from the worker processes for "
                f"{limit:g} s; they are slower than that, or have ended. "
                f"{'What is done stays: call' if lasts else 'Call'} it again, within a longer "
                "`worker_timeout` if the work is heavy."
            ) from error
        except Exception as error:  # noqa: BLE001 - joblib, dask, ray ... raise their own types
            lost = error
    if len(results) < len(tasks):
        raise RuntimeError(
            f"{_named(tasks, results, what)} came back from no worker process in two attempts: "
            f"{type(lost).__name__}: {lost} {'Finished work is kept: call' if lasts else 'Call'} "
            "again, with smaller blocks or fewer workers if these have run out of memory."
        ) from lost
    return [results[at] for at in range(len(tasks))]


class _Raised(Exception):  # noqa: N818 - it carries an error rather than being one
    """Carries the error of a task, to tell it from errors of joblib and its backends."""


def _collect(
    function: Callable[[Any], Any],
    tasks: Sequence[Any],
    left: list[int],
    results: dict[int, Any],
    done: Callable[[Any], object],
    progress: list[float],
    send: Callable[[Any], Any],
    keep: Callable[[Any, Any], Any],
    **options: Any,
) -> None:
    """Run the tasks `left`; put each result into `results` as soon as it arrives."""
    backend, _ = get_active_backend(prefer="threads")
    piecemeal = getattr(backend, "supports_return_generator", False)  # ray returns them at the end
    return_as = "generator_unordered" if piecemeal else "list"

    def calls() -> Iterator[Any]:
        for at in left:
            with _here():
                sent = send(tasks[at])
            yield delayed(_attempt)(function, at, _Sent(sent))

    found = Parallel(prefer="threads", return_as=return_as, **options)(calls())
    try:
        for at, result in found:
            with _here():
                results[at], progress[0] = keep(tasks[at], result), monotonic()
                done(tasks[at])
    finally:
        # An error keeps all that it passed through alive: joblib would go on sending tasks.
        if piecemeal:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # of results that nobody takes
                found.close()


@contextmanager
def _here() -> Iterator[None]:
    """Tell errors of this process, which would come again, from those of a lost worker."""
    try:
        yield
    except Exception as error:
        raise _Raised(error) from error


class _Sent:
    """A task on its way. Engines wait for ever for one that cannot be pickled: here it says so."""

    def __init__(self, task: Any) -> None:
        self.task = task

    def __reduce__(self) -> Any:
        try:
            by_value = wrap_non_picklable_objects(self.task, keep_wrapper=False)
            return _received, (pickle.dumps(by_value),)
        except Exception as error:  # noqa: BLE001 - of whatever is in the task
            return _NotSent, (f"{type(error).__name__}: {error}",)


def n_bytes_sent(thing: Any) -> int:
    """Return how many bytes are sent for a thing; raise a TypeError if it cannot be sent."""
    make, arguments = _Sent(thing).__reduce__()
    return len(arguments[0]) if make is _received else make(*arguments).task


class _NotSent:
    def __init__(self, reason: str) -> None:
        self.reason = reason

    @property
    def task(self) -> Any:
        raise TypeError(
            f"What is to be drawn cannot be sent to another process: {self.reason}. Draw in "
            'threads, backend="threading", or make the images and the synthesis such that pickle '
            "takes them."
        )


def _received(content: bytes) -> _Sent:
    return _Sent(pickle.loads(content))


def _attempt(function: Callable[[Any], Any], at: int, sent: Any) -> tuple[int, Any]:
    """Return the number of a task and its result; errors are raised within :class:`_Raised`."""
    try:
        return at, function(sent.task)
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
