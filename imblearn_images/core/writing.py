"""Writing: draw the images of a plan into files block by block, now or later.

A block is drawn in a thread of this process, or by a worker of joblib, dask, ray or Spark that can
access the files: with the same bytes everywhere.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import NDArray

from imblearn_images.core import disk, files
from imblearn_images.core.images import Images, open_images
from imblearn_images.core.memory import current_limits
from imblearn_images.core.parallel import (
    check_timeout,
    in_threads,
    in_workers,
    progress,
    works_in_threads,
)
from imblearn_images.core.pixels import store
from imblearn_images.core.plan import ResamplingPlan, check_plan
from imblearn_images.core.rendering import Block
from imblearn_images.core.rules import rule_told

ROWS = 64
"""Rows of a block: with fewer, schedulers slow things down; with more, a lost worker costs more."""
LEFT_FOR = 3600.0
"""Age in seconds from which a partial file counts as left over, whoever writes it."""


def plan_blocks(plan: ResamplingPlan, X: Any, *, rows: int = ROWS) -> Iterator[Block]:
    """Divide a plan into blocks that can be drawn anywhere.

    Read more in the :ref:`User Guide <from-a-laptop-to-a-cluster>`.

    Parameters
    ----------
    plan : ResamplingPlan
        A sampler's ``plan_``, or a part of it: ``plan[plan.synthetic]`` for the images that are
        not in files yet.
    X : images
        What was passed to ``fit_resample``: arrays, paths, any home of pixels.
    rows : int, default=64
        Number of rows of a block.

    Yields
    ------
    block : Block
        It can be pickled, and is small then, because it carries only its own parents. Draw it
        with :func:`render_block` into a folder that all workers see, or with ``block.draw()``.

    Raises
    ------
    ValueError
        If the plan was drawn for another number of images, or cannot be drawn from images alone.

    Examples
    --------
    >>> import tempfile
    >>> from imblearn_images import SMOTE, render_block
    >>> X = np.repeat(np.arange(0, 240, 20, dtype=np.uint8), 4).reshape(12, 2, 2)
    >>> smote = SMOTE(k_neighbors=1, random_state=0)
    >>> X_res, y_res = smote.fit_resample(X, ["a"] * 8 + ["b"] * 4)
    >>> folder = tempfile.mkdtemp()
    >>> blocks = plan_blocks(smote.plan_, X, rows=5)  # one task each, for any engine
    >>> paths = [path for block in blocks for path in render_block(block, folder)]
    >>> len(paths), bool((files.read_image(paths[-1]) == X_res[-1]).all())
    (16, True)
    """
    check_plan(plan)
    if not isinstance(rows, Integral) or isinstance(rows, bool) or rows < 1:
        raise ValueError(f"`rows` must be a number of rows, 1 or more, got {rows!r}.")
    if reason := plan.why_not:
        raise ValueError(reason)
    images = open_images(X)
    if len(images) != plan.n_source:
        raise ValueError(
            f"The plan was drawn for {plan.n_source} images, got {len(images)}; pass the X that "
            "was given to fit_resample."
        )
    return _blocks(plan, images, np.arange(len(plan)), int(rows))


def _blocks(
    plan: ResamplingPlan, images: Images, numbers: NDArray[np.intp], height: int
) -> Iterator[Block]:
    """Yield blocks of `height` rows of a plan; `numbers` are the rows to draw."""
    limits = current_limits()
    for start in range(0, len(numbers), height):
        some = numbers[start : start + height]
        yield Block(some, plan[some], images, limits=limits)


def render_block(block: Block, folder: str | os.PathLike[str]) -> list[str]:
    """Draw a block into files.

    Read more in the :ref:`User Guide <from-a-laptop-to-a-cluster>`.

    Parameters
    ----------
    block : Block
        One of :func:`plan_blocks`.
    folder : path
        Folder for the files, which is made if missing. Use one for each plan and set of images.

    Returns
    -------
    paths : list of str
        One file for each row, PNG, or TIFF if PNG cannot hold the dtype. Its name is the number
        of the row and a digest of everything that the image depends on. Existing files are not
        drawn again, so a block may be drawn twice, even at the same time; a file is whole or
        absent.

    Raises
    ------
    ValueError
        For images that no lossless file can hold.

    Examples
    --------
    >>> import tempfile
    >>> X, y = np.zeros((3, 4, 4), dtype=np.uint8), np.array(["cat", "cat", "dog"])
    >>> (block,) = plan_blocks(ResamplingPlan.selection(np.array([2, 2]), y), X)
    >>> paths = render_block(block, tempfile.mkdtemp())
    >>> [os.path.basename(path)[:9] for path in paths]
    ['00000000-', '00000001-']
    """
    disk.check_local(folder, "folder")
    os.makedirs(folder, exist_ok=True)
    suffix = _suffix_for(block.images)
    paths = [os.path.join(folder, _name_by_row(block, at) + suffix) for at in range(len(block))]
    missing = np.array([at for at, path in enumerate(paths) if not _is_there(path)], dtype=int)
    if len(missing):
        rest = replace(block, numbers=block.numbers[missing], plan=block.plan[missing])
        for places, drawn in rest.drawn():
            if not places.start:  # all rows are of one dtype
                shape = drawn.shape[1:]
                files.check_can_be_written(shape, drawn.dtype, "`folder` holds PNG and TIFF files")
            for at, image in zip(places, drawn, strict=True):
                files.write_image(paths[missing[at]], image, flush=False)
    return paths


def _is_there(path: str) -> bool:
    try:
        return os.path.getsize(path) > 0  # empty is what a power cut leaves
    except OSError:
        return False


def render_files(
    plan: ResamplingPlan,
    X: Any,
    folder: str | os.PathLike[str],
    *,
    rows: int = ROWS,
    n_jobs: int | None = None,
    timeout: float | str | None = "auto",
    verbose: int = 0,
) -> list[str]:
    """Draw the images of a plan into files, in this process or on a cluster.

    Read more in the :ref:`User Guide <from-a-laptop-to-a-cluster>`.

    Parameters
    ----------
    plan : ResamplingPlan
        A sampler's ``plan_``, or a part of it: ``plan[plan.synthetic]`` for the images that are
        not in files yet.
    X : images
        What was passed to ``fit_resample``: arrays, paths, any home of pixels.
    folder : path
        Folder for the files, which is made if missing. Use one for each plan and set of images:
        existing files are not drawn again, so that the same call continues one that was cut short.
    rows : int, default=64
        Number of rows of a block, which is one task.
    n_jobs : int, default=None
        Threads, or workers of the backend that :func:`joblib.parallel_config` names: ``with
        joblib.parallel_config(backend="loky", n_jobs=8)``, or "dask" or "ray", draws in other
        processes, on other machines if these see the files. The files are the same.
    timeout : float, default="auto"
        Seconds in which one of the blocks that other processes have in hand comes back, so that
        nothing waits for ever for a worker that has ended. None for any time; "auto" for what
        :func:`worker_timeout` says, by default 600.
    verbose : int, default=0
        Progress bar (needs the package tqdm).

    Returns
    -------
    paths : list of str
        One file for each row; see :func:`render_block`.

    Raises
    ------
    ValueError
        As :func:`plan_blocks` and :func:`render_block`.
    TimeoutError, RuntimeError
        Naming rows that a worker has not drawn in time, or that were lost twice with a worker.

    Warns
    -----
    UserWarning
        If a dask cluster has one core: joblib then draws in this process.

    Examples
    --------
    >>> import joblib, tempfile
    >>> from imblearn_images import SMOTE
    >>> X = np.repeat(np.arange(0, 240, 20, dtype=np.uint8), 4).reshape(12, 2, 2)
    >>> smote = SMOTE(k_neighbors=1, random_state=0)
    >>> X_res, y_res = smote.fit_resample(X, ["a"] * 8 + ["b"] * 4)
    >>> new = smote.plan_[smote.plan_.synthetic]
    >>> with joblib.parallel_config(backend="threading", n_jobs=2):
    ...     paths = render_files(new, X, tempfile.mkdtemp(), rows=2)
    >>> len(paths)
    4
    """
    if timeout != "auto":
        check_timeout(timeout, "timeout")
    disk.check_local(folder, "folder")
    blocks = list(plan_blocks(plan, X, rows=rows))
    os.makedirs(folder, exist_ok=True)
    _sweep(folder)
    # by its full name: a worker that served before may have another working directory
    with progress(len(plan), "drawn", verbose, unit="image") as done:
        drawn = in_workers(
            partial(render_block, folder=os.path.abspath(folder)),
            blocks,
            what=lambda block: block.what.capitalize(),
            n_jobs=n_jobs,
            timeout=timeout,
            done=lambda block: done(len(block)),
        )
    return _in_folder(folder, drawn)


def _in_folder(folder: str | os.PathLike[str], drawn: list[list[str]]) -> list[str]:
    """Return the paths of drawn files in the folder as the caller spells it, when all are there."""
    if not works_in_threads():
        _sweep(folder)  # workers may have been killed meanwhile, and their blocks drawn by others
    return [os.path.join(folder, os.path.basename(path)) for paths in drawn for path in paths]


def _sweep(folder: str | os.PathLike[str]) -> None:
    """Remove the partial files of workers that ended while writing; never those of others."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if disk.is_partial(entry.name):
                lives = disk.writer_lives(entry.name)
                with suppress(OSError):  # others may have removed it, or may alone be allowed to
                    age = time.time() - entry.stat().st_mtime
                    # Whether a worker of another machine lives cannot be seen: time has to tell.
                    # So it has where it lives: its number may be another process's by now.
                    if lives is False or age > LEFT_FOR:
                        os.unlink(entry.path)


def _suffix_for(images: Images) -> str:
    """Return the suffix of files that can hold images of this dtype."""
    return ".png" if images.dtype in (np.bool_, np.uint8, np.uint16) else ".tif"


def _name_by_row(block: Block, at: int) -> str:
    """Return the file name of a row: its number, and a digest of what its image depends on."""
    parents = block.plan.sources(at)
    facts = [block.name_of(source) for source, _ in parents]
    # hex() is exact: rounded shares would give different images one name.
    facts += [float.hex(share) for _, share in parents]
    facts += [str(block.plan.y[at]), *rules_and_seeds(block.plan, at)]
    digest = hashlib.sha256("\0".join(facts).encode("utf-8", "surrogateescape"))
    return f"{block.numbers[at]:08d}-{digest.hexdigest()[:12]}"


def rules_and_seeds(plan: ResamplingPlan, row: int) -> list[str]:
    """Return what an image depends on besides its parents: syntheses and seeds of all steps."""
    facts = []
    if plan.seeds is not None:
        facts += [rule_told(plan.synthesis), str(plan.seeds[row])]
    if plan.previous is not None:
        for parent, _ in plan.parents(row):
            facts += rules_and_seeds(plan.previous, parent)
    return facts


class DrawLater:
    """An `output_dir` that makes a sampler decide without drawing or writing anything.

    After ``fit_resample`` the sampler has its ``plan_``, and this object draws the images later.

    Parameters
    ----------
    folder : path
        Future folder of the synthetic images, which the sampler checks like any `output_dir`.
    """

    draw: Callable[[int], NDArray[Any]]
    """Draws the image of a synthetic row of the plan; set if there are such rows."""
    blocks: Callable[[NDArray[np.intp], int], Iterable[Block]] | None = None
    """Divides rows of the plan into blocks; None if rows cannot be drawn from images alone."""
    suffix: str = ""
    """Suffix of files that can hold these images."""
    carries: bool = True
    """Whether annotations are to be carried as well, which may need pixels."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = os.fspath(folder)

    def __fspath__(self) -> str:
        return self.folder


def write_synthetic(
    plan: ResamplingPlan,
    images: Images,
    directory: str | os.PathLike[str],
    *,
    drawn: Callable[[int], NDArray[Any]] | None = None,
    n_jobs: int | None = None,
) -> list[str]:
    """Draw the synthetic rows of a plan into image files.

    Parameters
    ----------
    plan : ResamplingPlan
        Plan over the images, of one step or several.
    images : Images
        The source images. A partner of another size is resized to its base.
    directory : path or DrawLater
        Folder for the files, which is made if missing.
    drawn : callable, default=None
        ``drawn(row)`` returns the image of a synthetic row; by default the plan is carried out.
    n_jobs : int, default=None
        Number of threads, or of workers of the backend that :func:`joblib.parallel_config` names.

    Returns
    -------
    paths : list of str
        One for each synthetic row, in order; empty texts if they are drawn later. A name consists
        of the names of two parents and a digest of label, parents' file names, shares, row and
        pixels: the same call writes the same files, and synthetic images of other images never
        replace them.
    """
    suffix = _suffix_for(images)
    rows = np.flatnonzero(plan.synthetic)

    if isinstance(directory, DrawLater):
        directory.suffix = suffix
        if drawn is None:
            directory.draw = lambda row: Block(np.array([row]), plan[[row]], images).draw()[0]
            directory.blocks = partial(_blocks, plan, images)
        else:
            directory.draw = partial(_exact, plan, images, drawn)
        return [""] * len(rows)
    os.makedirs(directory, exist_ok=True)
    _sweep(directory)
    if drawn is None:
        # Threads cannot get lost, so blocks may be smaller, to end at about the same time.
        height = ROWS if not works_in_threads() else len(rows) // (8 * effective_n_jobs(n_jobs))
        blocks = list(_blocks(plan, images, rows, min(max(height, 1), ROWS)))
        write = partial(_write_block, folder=os.path.abspath(directory), suffix=suffix)
        written = in_workers(write, blocks, what=lambda b: b.what.capitalize(), n_jobs=n_jobs)
        return _in_folder(directory, written)

    def write_exact(row: int) -> str:
        child = _exact(plan, images, drawn, row)
        block = Block(np.array([row]), plan[[row]], images)
        path = os.path.join(directory, _name_by_pixels(block, 0, child) + suffix)
        files.write_image(path, child, flush=False)
        return path

    return in_threads(write_exact, ((row,) for row in rows.tolist()), n_jobs=n_jobs)


def _exact(
    plan: ResamplingPlan, images: Images, drawn: Callable[[int], NDArray[Any]], row: int
) -> NDArray[Any]:
    """Return the image of a synthetic row from `drawn`, in the shape and dtype of its base."""
    child = np.empty(images.shape_of(_shown(plan, int(plan.base[row]))), dtype=images.dtype)
    store(drawn(row).reshape(child.shape).copy(), child)
    return child


def _write_block(block: Block, folder: str, suffix: str) -> list[str]:
    """Draw a block into files named by their parents; return their paths."""
    paths = []
    for places, drawn in block.drawn():
        for at, image in zip(places, drawn, strict=True):
            paths.append(os.path.join(folder, _name_by_pixels(block, at, image) + suffix))
            files.write_image(paths[-1], image, flush=False)
    return paths


def _shown(plan: ResamplingPlan, row: int) -> int:
    """Return the source image that is the first base of a row of the step before."""
    before = plan.previous
    while before is not None:
        row, before = int(before.base[row]), before.previous
    return row


def _name_by_pixels(block: Block, at: int, child: NDArray[Any]) -> str:
    """Return the file name of a drawn row: its parents, and a digest that includes its pixels."""
    plan = block.plan
    _, *partners = family = plan.parents(at, unused=True)
    # Without folders, so that a data set that was moved gives the same names.
    parents = [Path(block.name_of(_shown(plan, row))).name for row, _ in family]
    facts = [str(plan.y[at]), *parents, *(float.hex(step) for _, step in partners)]
    # Two rows may have equal parents, shares and pixels, and still are two files.
    facts.append(str(block.numbers[at]))
    if plan.seeds is not None:
        facts.append(str(plan.seeds[at]))
    digest = hashlib.sha256("\0".join(facts).encode("utf-8", "surrogateescape"))
    digest.update(child.tobytes())
    stems = "+".join(
        "".join(c if c.isalnum() or c in "-_" else "_" for c in Path(path).stem)
        .encode("utf-8", "replace")[:80]
        .decode("utf-8", "ignore")
        for path in parents[:2]
    )
    return f"{stems}-{digest.hexdigest()[:12]}"
