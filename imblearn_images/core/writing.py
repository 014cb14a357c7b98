"""Writing: the images of a plan, drawn into files block by block, or to be drawn later.

A block is some rows of a plan with the images that these are drawn from. It is drawn in a thread
of this process, or it is pickled, with no more than its own parents, and drawn wherever joblib,
dask, ray or Spark has a worker that sees the files: the same bytes everywhere.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from math import prod
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import NDArray

from imblearn_images.core import files
from imblearn_images.core.images import Images, open_images
from imblearn_images.core.limits import ImageLimits, current_limits
from imblearn_images.core.parallel import TIMEOUT, in_threads, in_workers, works_in_threads
from imblearn_images.core.pixels import store
from imblearn_images.core.plan import ResamplingPlan, check_plan
from imblearn_images.core.progress import progress
from imblearn_images.core.rendering import DrawnImages, draw_rows
from imblearn_images.core.rules import rule_told

ROWS = 64
"""Rows of a block: below, a scheduler's work is felt; of larger ones a lost worker costs more."""
TOGETHER = 1 << 22
"""Pixels of images that are drawn before they are written."""
LEFT_FOR = 3600.0
"""Seconds after which a file that is half written is nobody's any more."""


@dataclass(frozen=True, eq=False)
class Block:
    """Some rows of a plan, and the images that they are drawn from.

    Pickled, it carries these images alone: of files the paths, of an array the pixels.

    Parameters
    ----------
    numbers : ndarray of shape (m,), dtype intp
        The rows, as the plan numbers them.
    plan : ResamplingPlan
        These rows of it.
    images : Images
        The source images.
    names : callable or list
        What a source image is called, by its row.
    limits : ImageLimits
        On the pixels of files, of whoever has made the block.

    Examples
    --------
    >>> import pickle
    >>> from imblearn_images import plan_blocks
    >>> X, y = np.arange(4000).reshape(1000, 2, 2), np.repeat(["cat", "dog"], [700, 300])
    >>> plan = ResamplingPlan.selection(np.array([7, 7, 999]), y)
    >>> (block,) = plan_blocks(plan, X)
    >>> there = pickle.loads(pickle.dumps(block))
    >>> there
    Block(rows 0 to 2, drawn from 2 images)
    >>> there.draw()[0].tolist()
    [[28, 29], [30, 31]]
    """

    numbers: NDArray[np.intp]
    plan: ResamplingPlan
    images: Images
    names: Any = None
    limits: ImageLimits = field(default_factory=current_limits)

    def __len__(self) -> int:
        return len(self.numbers)

    def __repr__(self) -> str:
        return f"Block({self.what}, drawn from {len(self.plan.compact()[1])} images)"

    def __reduce__(self) -> Any:
        plan, sources = self.plan.compact()
        names = [self.name_of(source) for source in sources.tolist()]
        images = self.images.subset(sources).anywhere()
        return Block, (self.numbers, plan, images, names, self.limits)

    @property
    def what(self) -> str:
        """What messages call the block."""
        first, last = self.numbers[0], self.numbers[-1]
        return f"rows {first} to {last}" if last > first else f"row {first}"

    def name_of(self, source: int) -> str:
        """What a source image is called, wherever the block is."""
        return self.images.name_of(source) if self.names is None else str(self.names[source])

    def draw(self) -> list[NDArray[Any]]:
        """Draw the rows; shapes may differ."""
        return [image for _, images in self.drawn() for image in images]

    def drawn(self) -> Iterator[tuple[range, NDArray[Any]]]:
        """Draw a few rows at a time, of one shape each: their places in the block, and pixels."""
        plan, images = self.plan, self.images
        with self.limits.hold():
            if plan.previous is not None:  # what a step draws, the next one is given: no file
                images, plan = DrawnImages(plan.previous, images), plan.last_step
            start = 0
            while start < len(plan):
                shape = images.shape_of(plan.base[start])
                most = min(len(plan), start + max(1, TOGETHER // max(1, prod(shape))))
                stop = start + 1
                while stop < most and images.shape_of(plan.base[stop]) == shape:
                    stop += 1
                yield range(start, stop), draw_rows(plan[start:stop], images)
                start = stop


def plan_blocks(plan: ResamplingPlan, X: Any, *, rows: int = ROWS) -> Iterator[Block]:
    """Cut a plan into blocks that can be drawn anywhere.

    Read more in the :ref:`User Guide <from-a-laptop-to-a-cluster>`.

    Parameters
    ----------
    plan : ResamplingPlan
        A sampler's ``plan_``, or a part of it: ``plan[plan.synthetic]`` for what is in no file
        yet.
    X : images
        What was given to ``fit_resample``: arrays, paths, any home of pixels.
    rows : int, default=64
        Rows of a block.

    Yields
    ------
    block : Block
        Can be pickled, and is small then: it carries its own parents alone. Draw it with
        :func:`render_block` into a folder that all workers see, or with ``block.draw()``.

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
    >>> blocks = plan_blocks(smote.plan_, X, rows=5)  # one task each, of whatever engine
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
        Of :func:`plan_blocks`.
    folder : path
        Made if missing. It belongs to one plan and one set of images.

    Returns
    -------
    paths : list of str
        One file a row, PNG, or TIFF where PNG cannot hold the dtype. The names begin with the
        number of the row, and tell all that an image depends on. What is there is not drawn
        again, so that a block may be run twice, at the same time, too; a file is whole or absent.

    Raises
    ------
    ValueError
        For images that no lossless file holds.

    Examples
    --------
    >>> import tempfile
    >>> X, y = np.zeros((3, 4, 4), dtype=np.uint8), np.array(["cat", "cat", "dog"])
    >>> (block,) = plan_blocks(ResamplingPlan.selection(np.array([2, 2]), y), X)
    >>> paths = render_block(block, tempfile.mkdtemp())
    >>> [os.path.basename(path)[:9] for path in paths]
    ['00000000-', '00000001-']
    """
    os.makedirs(folder, exist_ok=True)
    suffix = _suffix_for(block.images)
    paths = [os.path.join(folder, _name_by_row(block, at) + suffix) for at in range(len(block))]
    missing = np.array([at for at, path in enumerate(paths) if not os.path.isfile(path)], dtype=int)
    if len(missing):
        rest = replace(block, numbers=block.numbers[missing], plan=block.plan[missing])
        for places, drawn in rest.drawn():
            if not places.start:
                shape = drawn.shape[1:]
                files.check_can_be_written(shape, drawn.dtype, "`folder` holds PNG and TIFF files")
            for at, image in zip(places, drawn, strict=True):
                files.write_image(paths[missing[at]], image)
    return paths


def render_files(
    plan: ResamplingPlan,
    X: Any,
    folder: str | os.PathLike[str],
    *,
    rows: int = ROWS,
    n_jobs: int | None = None,
    timeout: float | None = TIMEOUT,
    verbose: int = 0,
) -> list[str]:
    """Draw the images of a plan into files, in this process or on a cluster.

    Read more in the :ref:`User Guide <from-a-laptop-to-a-cluster>`.

    Parameters
    ----------
    plan : ResamplingPlan
        A sampler's ``plan_``, or a part of it: ``plan[plan.synthetic]`` for what is in no file
        yet.
    X : images
        What was given to ``fit_resample``: arrays, paths, any home of pixels.
    folder : path
        Made if missing. It belongs to one plan and one set of images: what is there is not drawn
        again, so that a call that was cut short is taken up by the same call.
    rows : int, default=64
        Rows of a block, which is one task.
    n_jobs : int, default=None
        Threads, or workers of the backend that :func:`joblib.parallel_config` names: ``with
        joblib.parallel_config(backend="loky", n_jobs=8)``, or "dask" or "ray", draws in other
        processes, on other machines if these see the files. The files are the same.
    timeout : float, default=600
        Seconds that a block may take in another process, so that nothing waits for ever for a
        worker that has ended. None for any time.
    verbose : int, default=0
        Progress bar (needs the package tqdm).

    Returns
    -------
    paths : list of str
        One file a row; see :func:`render_block`.

    Raises
    ------
    ValueError
        As :func:`plan_blocks` and :func:`render_block`.
    TimeoutError, RuntimeError
        Naming the rows that a worker has not drawn in time, or was lost with twice.

    Warns
    -----
    UserWarning
        Where a dask cluster has one core: joblib then draws in this process.

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
    if timeout is not None and not (isinstance(timeout, Real) and timeout > 0):
        raise ValueError(
            f"`timeout` must be a number of seconds above 0, or None, got {timeout!r}."
        )
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
    """What was drawn, in the folder as the caller names it."""
    return [os.path.join(folder, os.path.basename(path)) for paths in drawn for path in paths]


def _sweep(folder: str | os.PathLike[str]) -> None:
    """Remove what workers that have ended were writing."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if re.fullmatch(r"\.[0-9a-f]{32}\.partial", entry.name):
                with suppress(FileNotFoundError):
                    if time.time() - entry.stat().st_mtime > LEFT_FOR:
                        os.unlink(entry.path)


def _suffix_for(images: Images) -> str:
    return ".png" if images.dtype in (np.bool_, np.uint8, np.uint16) else ".tif"


def _name_by_row(block: Block, at: int) -> str:
    """Name a row by its number and all that its image depends on, without drawing it."""
    parents = block.plan.sources(at)
    facts = [block.name_of(source) for source, _ in parents]
    facts += [float.hex(share) for _, share in parents]
    facts += [str(block.plan.y[at]), *rules_and_seeds(block.plan, at)]
    digest = hashlib.sha256("\0".join(facts).encode("utf-8", "surrogateescape"))
    return f"{block.numbers[at]:08d}-{digest.hexdigest()[:12]}"


def rules_and_seeds(plan: ResamplingPlan, row: int) -> list[str]:
    """What an image depends on besides its parents: syntheses and seeds, of all steps."""
    facts = []
    if plan.seeds is not None:
        facts += [rule_told(plan.synthesis), str(plan.seeds[row])]
    if plan.previous is not None:
        for parent, _ in plan.parents(row):
            facts += rules_and_seeds(plan.previous, parent)
    return facts


class DrawLater:
    """An `output_dir` that takes the way to draw the synthetic images, and no files.

    A sampler that was given it has decided, ``plan_``, and drawn nothing.

    Parameters
    ----------
    folder : path
        Where the synthetic images are to be; what a sampler refuses as `output_dir`, it refuses
        here.
    """

    draw: Callable[[int], NDArray[Any]]
    """Draws the image of a synthetic row of the plan; there from the first such row on."""
    blocks: Callable[[NDArray[np.intp], int], Iterable[Block]] | None = None
    """Cuts rows of the plan into blocks, where their images are drawn from images alone."""
    suffix: str = ""
    """Of the files that can hold these images."""
    carries: bool = True
    """Whether the annotations of these images are wanted, too: carrying may look at pixels."""

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
        Where the parents are. A partner of another size is resized to its base.
    directory : path or DrawLater
        Created if missing.
    drawn : callable, default=None
        ``drawn(row)`` gives the image of a synthetic row; by default its parents are mixed.
    n_jobs : int, default=None
        Threads, or workers of the backend that :func:`joblib.parallel_config` names.

    Returns
    -------
    paths : list of str
        One per synthetic row, in order; empty where they are drawn later. A name tells the
        two parents and is derived from label, parents' file names, steps, row and pixels: the
        same call gives the same files, and synthetic images of other images never replace them.
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
    if drawn is None:
        # in threads nothing is lost with a worker, and small blocks end at the same time
        height = ROWS if not works_in_threads() else len(rows) // (8 * effective_n_jobs(n_jobs))
        blocks = list(_blocks(plan, images, rows, min(max(height, 1), ROWS)))
        write = partial(_write_block, folder=os.path.abspath(directory), suffix=suffix)
        written = in_workers(write, blocks, what=lambda b: b.what.capitalize(), n_jobs=n_jobs)
        return _in_folder(directory, written)

    def write_exact(row: int) -> str:
        child = _exact(plan, images, drawn, row)
        block = Block(np.array([row]), plan[[row]], images)
        path = os.path.join(directory, _name_by_pixels(block, 0, child) + suffix)
        files.write_image(path, child)
        return path

    return in_threads(write_exact, ((row,) for row in rows.tolist()), n_jobs=n_jobs)


def _exact(
    plan: ResamplingPlan, images: Images, drawn: Callable[[int], NDArray[Any]], row: int
) -> NDArray[Any]:
    """Image of a synthetic row whose pixels are known."""
    child = np.empty(images.shape_of(_shown(plan, int(plan.base[row]))), dtype=images.dtype)
    store(drawn(row).reshape(child.shape).copy(), child)
    return child


def _write_block(block: Block, folder: str, suffix: str) -> list[str]:
    paths = []
    for places, drawn in block.drawn():
        for at, image in zip(places, drawn, strict=True):
            paths.append(os.path.join(folder, _name_by_pixels(block, at, image) + suffix))
            files.write_image(paths[-1], image)
    return paths


def _shown(plan: ResamplingPlan, row: int) -> int:
    """Image of the source that a row of the step before shows first."""
    before = plan.previous
    while before is not None:
        row, before = int(before.base[row]), before.previous
    return row


def _name_by_pixels(block: Block, at: int, child: NDArray[Any]) -> str:
    plan = block.plan
    _, *partners = family = plan.parents(at, unused=True)
    # Names, not folders, so that a set that was moved gives the same synthetic images.
    parents = [Path(block.name_of(_shown(plan, row))).name for row, _ in family]
    facts = [str(plan.y[at]), *parents, *(float.hex(step) for _, step in partners)]
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
