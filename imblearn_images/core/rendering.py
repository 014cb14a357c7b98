"""Rendering: carry out a plan, plan + images -> pixels.

Images are read, drawn and written in blocks of about 64 K pixels that stay in the
processor's cache; the only large array is the output. A plan over an array of dask becomes another
array of dask, which is drawn when it is computed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from math import prod
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from imblearn_images.core.disk import FilePath
from imblearn_images.core.images import ArrayImages, Images, Memory, StoreImages, is_of, open_images
from imblearn_images.core.layers import Layer
from imblearn_images.core.memory import ImageLimits, check_fits, current_limits
from imblearn_images.core.parallel import (
    Scratch,
    Slot,
    in_threads,
    in_workers,
    n_bytes_sent,
    n_processes,
    progress,
)
from imblearn_images.core.pixels import ROOM, fits_bytes, mix, resized, store, stored
from imblearn_images.core.plan import ResamplingPlan, check_plan
from imblearn_images.core.rules import answer, rule_told
from imblearn_images.core.synthesis import generators, says_where
from imblearn_images.core.text import printable

BLOCK = 1 << 16  # pixels that are mixed at a time
CHUNK = 1 << 22  # bytes of output that are one task of a thread
UNSAVED = 1 << 26  # bytes of output between two entries of a checkpoint, lost if it is cut short
TOGETHER = 1 << 22  # pixels of images that a block draws before they are written
MESSAGE = 1 << 22  # bytes of images that are sent to another process, and back, at a time

# Work is measured in bytes of output times the effort of the rule. How much of it is done where:
SMALL = 1 << 26  # less than this, about 0.1 s, is drawn by one thread
FAR = 1 << 28  # this and more by the processes that joblib is set to use, which have to be started
MOVED = 3  # effort up to which an image is drawn in this process: it would take as long to send it


def render(
    plan: ResamplingPlan,
    images: Any,
    out: Any = None,
    *,
    checkpoint: FilePath | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Any:
    """Draw the images of a plan.

    Read more in the :ref:`User Guide <where-the-output-lives>`.

    Parameters
    ----------
    plan : ResamplingPlan
        A sampler's ``plan_``, or a part of it: ``plan[rows]`` draws these rows only.
    images : array of shape (n, H, W), (n, H, W, C) or (n, d), or paths of files
        The images the plan was drawn for. Files must have one shape.
    out : array-like of shape (n_out, ...), default=None
        Where to write: an array, ``np.memmap``, zarr array or anything that takes
        ``out[i:j] = block``. A new array in memory by default.
    checkpoint : path, default=None
        File that records which rows of `out` are written. If the call is cut short, the same
        call, with the same plan and with `out` opened again without emptying it, draws the
        missing rows. The file is removed at the end.
    n_jobs : int, default=None
        Number of threads; ``None`` means one, unless :func:`joblib.parallel_config` says
        otherwise. Within ``joblib.parallel_config(backend="loky")``, "dask" or "ray" the heavy
        part is drawn by as many processes. The result is the same for every number.
    verbose : int, default=0
        Progress bar (needs the package tqdm).

    Returns
    -------
    out : array-like of shape (n_out, ...)
        Same dtype as the images. Integers are rounded to nearest (half to even), bool
        images are True from 0.5 on, floats are mixed as imbalanced-learn does.

    Raises
    ------
    ValueError
        If the plan was drawn for another number of images, or `out` does not fit, or the
        plan has rows that only ``fit_resample`` draws, such as those of a generator; see
        ``plan.why_not``. If `checkpoint` is of another plan, or lists rows that `out` does not
        hold.
    MemoryError
        Before anything is drawn, if the output is larger than the memory available.
    TypeError
        If processes are to draw, and the synthesis cannot be pickled.
    TimeoutError, RuntimeError
        Naming rows that a process has not drawn in time, see :func:`worker_timeout`, or that were
        lost twice with one.

    Notes
    -----
    What processes draw are images of a synthesis that takes longer than to send them: Augment,
    Morph, TransferDeformation, Paste, functions of your own. Copies, blends (SMOTE), CutMix and
    less than 0.3 s of work are drawn in this process, by threads. So are a synthesis of more than
    4 MB, such as one that carries a network, and images of several shapes that are not in files.
    All this is the same in ``fit_resample``.

    Examples
    --------
    >>> import numpy as np
    >>> from imblearn_images import SMOTE, render
    >>> X = np.repeat(np.arange(0, 240, 20, dtype=np.uint8), 4).reshape(12, 2, 2)
    >>> smote = SMOTE(k_neighbors=1, random_state=0)
    >>> X_res, y_res = smote.fit_resample(X, ["a"] * 8 + ["b"] * 4)
    >>> bool((render(smote.plan_, X) == X_res).all())
    True
    >>> render(smote.plan_[-1:], X).shape
    (1, 2, 2)
    """
    check_plan(plan)
    if reason := plan.why_not:
        raise ValueError(reason)
    if sparse.issparse(images):
        return _render_sparse(plan, images)
    whole, home = plan, open_images(images)
    _check_source(plan, home)
    if not home.in_memory:
        home.look_at(_sources(plan), n_jobs=n_jobs)
    images = home
    if plan.previous is not None:
        images, plan = DrawnImages(plan.previous, home), plan.last_step
    shape = (len(plan), *_common_shape(plan, images))
    if checkpoint is not None and out is None:
        raise ValueError(
            "`out` must be given with `checkpoint`, got None: an array in memory is lost with the "
            "process. Pass a memmap, zarr array or the like."
        )
    if out is None:
        out = allocate(shape, images.dtype)
    elif tuple(out.shape) != shape or out.dtype != images.dtype:
        raise ValueError(
            f"`out` must have shape {shape} and dtype {images.dtype}, got {tuple(out.shape)} and "
            f"{out.dtype}."
        )
    nbytes = max(1, prod(shape[1:])) * images.dtype.itemsize
    efforts = _efforts(whole)
    work = nbytes * float(efforts.sum(dtype=float))
    far = work >= FAR and n_processes(n_jobs) > 0 and _can_be_sent(whole, home)
    rows = CHUNK // nbytes
    if far:
        rows = MESSAGE // (nbytes * (2 + plan.partners.shape[1]))
    elif (efforts > 1).any():
        rows = min(rows, answer(plan.synthesis, "at_once") * images.dtype.itemsize // nbytes)
    rows = max(1, rows)
    if isinstance(height := (getattr(out, "chunks", None) or (0,))[0], int) and height:
        rows = max(1, rows // height) * height  # so that no chunk of a store is written twice
    lock = Lock()
    written = None if checkpoint is None else Checkpoint(checkpoint, plan, images, out)

    def draw(start: int) -> None:
        stop = min(start + rows, len(plan))
        if isinstance(out, np.ndarray) and out.flags.c_contiguous:
            _draw(plan, images, start, stop, out[start:stop])
            note(start, stop)
        else:
            chunk = np.empty((stop - start, *shape[1:]), dtype=images.dtype)
            _draw(plan, images, start, stop, chunk)
            put(start, chunk)

    def put(start: int, chunk: NDArray[Any]) -> None:
        if not (isinstance(out, np.ndarray) or chunk.base is None):
            chunk = chunk.copy()  # others may keep it, but its memory is shared, and used again
        with lock:  # two threads must not update one chunk of a store
            out[start : start + len(chunk)] = chunk
        note(start, start + len(chunk))

    def note(start: int, stop: int) -> None:
        if written is not None:
            with lock:
                written.note(start, stop)
        done(stop - start)

    try:
        with progress(len(plan), "drawn", verbose, unit="image") as done:
            starts = np.arange(0, len(plan), rows)
            if written is not None:
                is_written = np.logical_and.reduceat(written.rows, starts)
                done(int(np.minimum(rows, len(plan) - starts[is_written]).sum()))
                starts = starts[~is_written]
            sent = starts[:0]
            if far:  # but for what takes no longer than to send it
                effort = [efforts[start : start + rows].mean() for start in starts.tolist()]
                sent, starts = starts[np.array(effort) > MOVED], starts[np.array(effort) <= MOVED]
            in_threads(
                draw,
                ((start,) for start in starts.tolist()),
                n_jobs=n_jobs,
                small=work < SMALL and images.in_memory,
            )
            most = max(1, len(sent))
            if not isinstance(out, np.ndarray):
                # Into a store, blocks might arrive faster than they are written. Every process
                # gets one, though: of large chunks, as many are in memory at once.
                most = max(1, n_processes(n_jobs), UNSAVED // (rows * nbytes))
            for first in range(0, len(sent), most):
                some = sent[first : first + most].tolist()
                _draw_far(whole, home, some, (rows, *shape[1:]), put, n_jobs, written is not None)
    finally:
        if written is not None:
            with lock:
                written.save()
    return out


def _efforts(plan: ResamplingPlan) -> NDArray[np.float32]:
    """Return the work of drawing each row of a plan, in multiples of copying an image."""
    step, rule = plan.last_step, plan.synthesis
    efforts = np.ones(len(plan), dtype=np.float32)
    if not answer(rule, "mixes"):
        efforts[step.synthetic] = answer(rule, "effort")
    if plan.previous is not None:
        before = _efforts(plan.previous)
        for parents in (plan.base, *plan.partners.T):
            efforts += before[parents]
    return efforts


def _can_be_sent(plan: ResamplingPlan, images: Images) -> bool:
    """Return whether rows of a plan, and what they are drawn from, are little enough to be sent.

    A synthesis that carries a network is sent with each block, which takes longer than drawing.
    """
    if not len(plan) or (images.paths is None and images.uniform is None):
        return False
    return n_bytes_sent(plan[:1].compact()[0]) < MESSAGE


def _draw_far(
    plan: ResamplingPlan,
    images: Images,
    starts: list[int],
    shape: tuple[int, ...],
    put: Callable[[int, NDArray[Any]], None],
    n_jobs: int | None,
    lasts: bool,
) -> None:
    """Draw blocks of a plan in other processes.

    Parents and what is drawn of them take turns in a scratch memory, if the processes are on this
    machine; otherwise they are sent. Files are read where they are drawn from.

    Parameters
    ----------
    plan : ResamplingPlan
        The plan of one step or several.
    images : Images
        The source images.
    starts : list of int
        First rows of the blocks.
    shape : tuple
        Shape of a block; the last one may have fewer rows.
    put : callable
        ``put(start, pixels)`` takes what was drawn.
    n_jobs : int or None
        Number of processes.
    lasts : bool
        Whether blocks that were put need not be drawn again after an error.
    """
    dtype, n_images = images.dtype, shape[0] * (2 + plan.last_step.partners.shape[1])
    slots: dict[int, Slot] = {}  # those on their way, by where they start

    def send(start: int) -> _Errand:
        rows, sources = plan[start : start + shape[0]].compact()
        slot = scratch.slot()
        if slot is not None:
            slots[slot.start] = slot
        if images.paths is not None:
            return _Errand(rows, images.subset(sources).anywhere(), slot)
        assert images.uniform is not None
        pixels = shared = _array(slot, (len(sources), *images.uniform), dtype)
        if pixels is None:
            pixels = np.empty((len(sources), *images.uniform), dtype)
        images.read(sources, pixels)
        if shared is None:
            return _Errand(rows, ArrayImages(pixels), slot)
        return _Errand(rows, (pixels.shape, dtype), slot)

    def keep(start: int, result: _Drawn) -> None:
        # A block that was lost may be drawn again: the slot of its first errand stays taken, as
        # a process that was given up may still write into it.
        slot = None if result.slot is None else slots.pop(result.slot)
        drawn = result.pixels
        if drawn is None:
            n = min(shape[0], len(plan) - start)
            drawn = _array(slot, (n, *shape[1:]), dtype, result.before)
            assert drawn is not None
        put(start, drawn)
        scratch.free(slot)

    # Two blocks for each process are on their way, and others may wait to be put.
    n_slots = 3 * n_processes(n_jobs)
    with Scratch(n_slots, n_images * prod(shape[1:]) * dtype.itemsize) as scratch:
        in_workers(
            _Errand.carry_out,
            starts,
            what=lambda start: _rows_told(start, min(start + shape[0], len(plan)) - 1).capitalize(),
            n_jobs=n_jobs,
            send=send,
            keep=keep,
            batch_size=1,
            lasts=lasts,
        )


@dataclass
class _Drawn:
    """What an errand brings back."""

    pixels: NDArray[Any] | None
    """None if they are in the slot."""
    slot: int | None
    """Where the slot of the errand starts."""
    before: int
    """Bytes of the slot in front of what was drawn."""


@dataclass
class _Errand:
    """Rows of a plan that another process is to draw."""

    plan: ResamplingPlan
    images: Images | tuple[tuple[int, ...], np.dtype[Any]]
    """The source images; of pixels that begin the slot, their shape and dtype."""
    slot: Slot | None
    limits: ImageLimits = field(default_factory=current_limits)

    def carry_out(self) -> _Drawn:
        """Return what is drawn, or put it into the slot, behind the sources."""
        images, before = self.images, 0
        if not isinstance(images, Images):
            pixels = _array(self.slot, *images)
            assert pixels is not None
            images, before = ArrayImages(pixels), pixels.nbytes
        block = Block(np.arange(len(self.plan)), self.plan, images, limits=self.limits)
        parts = [drawn for _, drawn in block.drawn()]
        drawn = parts[0] if len(parts) == 1 else np.concatenate(parts)
        place = _array(self.slot, drawn.shape, drawn.dtype, before)
        slot = None if self.slot is None else self.slot.start
        if place is None:
            return _Drawn(drawn, slot, before)
        place[...] = drawn
        return _Drawn(None, slot, before)


def _array(
    slot: Slot | None, shape: tuple[int, ...], dtype: np.dtype[Any], before: int = 0
) -> NDArray[Any] | None:
    """Return an array in a slot, `before` it so many bytes; None if there is no room for it."""
    if slot is None or before + prod(shape) * dtype.itemsize > slot.n_bytes:
        return None
    return np.ndarray(shape, dtype, slot.memory, before)


class Checkpoint:
    """File that records which rows of an output are written.

    Its first line is a digest of the plan and the output, each further one a range of rows.

    Parameters
    ----------
    path : path
        The file, which is made if missing.
    plan : ResamplingPlan
        The plan that is drawn.
    images : Images
        Its source images.
    out : array-like
        The output.

    Raises
    ------
    ValueError
        If the file is of another plan or output, or `out` does not hold rows that it lists.
    """

    def __init__(self, path: FilePath, plan: ResamplingPlan, images: Images, out: Any) -> None:
        self.path, self.out = path, out
        self.rows = np.zeros(len(plan), dtype=np.bool_)
        self._pending: list[tuple[int, int]] = []
        self._bytes_of_row = max(1, prod(out.shape[1:]) * out.dtype.itemsize)
        digest, text = _digest_of(plan, out), ""
        try:
            with open(path, encoding="ascii") as file:
                text = file.read()
        except FileNotFoundError:
            pass
        except UnicodeDecodeError:
            text = "\n"
        *lines, half = text.split("\n")  # nothing, unless a line was cut short
        if not lines and digest.startswith(half):
            with open(path, "w", encoding="ascii") as file:
                file.write(f"{digest}\n")
            return
        first, *lines = lines or [""]
        if first != digest:
            raise ValueError(
                f"`checkpoint` {os.fspath(path)} is of another plan or another `out`, or is "
                "something else altogether. Name another file, or remove it to draw all rows."
            )
        if half:  # the next line must not continue it
            os.truncate(path, os.path.getsize(path) - len(half))
        for line in lines:
            start, stop = map(int, line.split())
            self.rows[start:stop] = True
        known = np.flatnonzero(self.rows)
        # A sample of 8 to 15 rows is drawn and compared: `out` may have been emptied.
        for row in known[:: max(1, len(known) // 8)]:
            image = draw_rows(plan[[row]], images)
            if not np.array_equal(image, np.asarray(out[row : row + 1]), equal_nan=True):
                raise ValueError(
                    f"`out` does not hold row {row}, of which `checkpoint` {os.fspath(path)} says "
                    'that it is written. Open `out` without emptying it, mode "r+", or remove the '
                    "checkpoint to draw all rows."
                )

    def note(self, start: int, stop: int) -> None:
        """Record that rows are written; the file is updated from time to time."""
        self.rows[start:stop] = True
        self._pending.append((start, stop))
        if sum(b - a for a, b in self._pending) * self._bytes_of_row > UNSAVED:
            self.save()

    def save(self) -> None:
        """Write recorded rows into the file; remove it when all rows are written."""
        if hasattr(self.out, "flush"):  # first the output, so that the file never lists too much
            self.out.flush()
        with open(self.path, "a", encoding="ascii") as file:
            file.writelines(f"{start} {stop}\n" for start, stop in self._pending)
        self._pending = []
        if self.rows.all():
            os.unlink(self.path)


def _digest_of(plan: ResamplingPlan, out: Any) -> str:
    """Return a digest of all steps of a plan, and of shape and dtype of the output."""
    digest = hashlib.sha256(f"{out.shape} {out.dtype}".encode())
    step: ResamplingPlan | None = plan
    while step is not None:
        digest.update(rule_told(step.synthesis).encode())
        for column in (
            step.base,
            step.partners,
            step.weights,
            step.last_step.synthetic,
            step.seeds,
        ):
            digest.update(b"" if column is None else np.ascontiguousarray(column).tobytes())
        step = step.previous
    return digest.hexdigest()


def _check_source(plan: ResamplingPlan, images: Images) -> None:
    """Raise if there are not as many images as the plan was drawn for."""
    if len(images) != plan.n_source:
        raise ValueError(
            f"The plan was drawn for {plan.n_source} images, got {len(images)}; pass the X that "
            "was given to fit_resample."
        )


def _sources(plan: ResamplingPlan) -> NDArray[np.intp]:
    """Return the source rows that a plan draws from; row 0 if none, for its shape and dtype."""
    rows = plan.needed
    if not len(rows):
        return np.zeros(1, dtype=np.intp)
    return rows if plan.previous is None else _sources(plan.previous[rows])


class DrawnImages(Images):
    """Home of pixels: the rows of a plan, each drawn when it is read.

    It lets a sampler work on what another one has decided, without storing images in between.

    Read more in the :ref:`User Guide <homes-of-pixels>`.

    Parameters
    ----------
    plan : ResamplingPlan
        Decision of a sampler.
    images : images
        The images it was drawn for, as they were passed to ``fit_resample``.

    Raises
    ------
    ValueError
        If the plan was drawn for another number of images.

    Examples
    --------
    >>> X, y = np.arange(12).reshape(3, 2, 2), np.array([0, 0, 1])
    >>> drawn = DrawnImages(ResamplingPlan.selection(np.array([2, 2, 0]), y), X)
    >>> out = np.empty((2, 2, 2), dtype=drawn.dtype)
    >>> drawn.read(np.array([1, 2]), out)
    >>> len(drawn), out.ravel().tolist()
    (3, [8, 9, 10, 11, 0, 1, 2, 3])
    """

    def __init__(self, plan: ResamplingPlan, images: Any) -> None:
        check_plan(plan)
        self.plan: ResamplingPlan = plan
        self.images: Images = open_images(images)
        _check_source(plan, self.images)
        if plan.previous is not None:
            self.images, self.plan = DrawnImages(plan.previous, images), plan.last_step
        self.draws_later = self.images.draws_later
        self._is_drawn = self.plan.synthetic

    @property
    def dtype(self) -> np.dtype[Any]:  # type: ignore[override]
        """Dtype of all images."""
        return self.images.dtype

    def __len__(self) -> int:
        return len(self.plan)

    def shape_of(self, row: int) -> tuple[int, ...]:
        """Return the shape of a row, which is that of its base."""
        return self.images.shape_of(self.plan.base[row])

    @property
    def uniform(self) -> tuple[int, ...] | None:
        """The shape of all rows, or None if shapes differ."""
        return self.images.uniform or super().uniform

    def read(self, rows: NDArray[np.intp], out: NDArray[Any]) -> None:
        """Draw `rows` into `out`; a row of another size than `out` is resized."""
        shapes = [self.shape_of(row) for row in rows]
        if all(shape == out.shape[1:] for shape in shapes):
            _draw(self.plan[rows], self.images, 0, len(rows), out)
            return
        for row, shape, image in zip(rows, shapes, out, strict=True):
            own = np.empty((1, *shape), dtype=self.dtype)
            _draw(self.plan[[row]], self.images, 0, 1, own)
            image[...] = own[0] if shape == image.shape else resized(own, image.shape[:2])[0]

    def look_at(self, rows: NDArray[np.intp], *, n_jobs: int | None = None) -> None:
        """Check the images that the rows are drawn from."""
        if len(rows):
            self.images.look_at(_sources(self.plan[rows]), n_jobs=n_jobs)

    def name_of(self, row: int) -> str:
        """Return what messages call a row: the name of its base."""
        return self.images.name_of(self.plan.base[row])

    def identity_of(self, row: int) -> Any:
        """Return the identity of the image that a row repeats, or one of its own if it is drawn."""
        if self._is_drawn[row]:
            return id(self.plan), row
        return self.images.identity_of(self.plan.base[row])

    def identities(self) -> list[Any]:
        """Return what :meth:`identity_of` says of each row."""
        if self.images.origin(np.empty(0, dtype=np.intp))[0] is None:  # others would be looked at
            return super().identities()
        known, mark, drawn = self.images.identities(), id(self.plan), self._is_drawn.tolist()
        bases = enumerate(self.plan.base.tolist())
        return [(mark, row) if drawn[row] else known[base] for row, base in bases]

    def origin(self, rows: NDArray[np.intp]) -> tuple[Memory | None, NDArray[np.intp]]:
        """Return the memory of the source images, and the number of each row, -1 if it is drawn."""
        memory, origin = self.images.origin(self.plan.base[rows])
        return memory, np.where(self._is_drawn[rows], -1, origin)


@dataclass(frozen=True, eq=False)
class Block:
    """Some rows of a plan, and the images that they are drawn from.

    When pickled, it carries only these images: of files the paths, of an array the pixels.

    Parameters
    ----------
    numbers : ndarray of shape (m,), dtype intp
        Numbers of the rows in the whole plan.
    plan : ResamplingPlan
        The plan of these rows.
    images : Images
        The source images.
    names : list, default=None
        Names of the source images; ``None``: those of `images`.
    limits : ImageLimits
        Limits on the pixels of files, by default those in force where the block is made.

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
        """Name of the block in messages."""
        return _rows_told(self.numbers[0], self.numbers[-1])

    def name_of(self, source: int) -> str:
        """Return the name of a source image, the same in every process."""
        return self.images.name_of(source) if self.names is None else str(self.names[source])

    def draw(self) -> list[NDArray[Any]]:
        """Return the images of all rows, whose shapes may differ."""
        return [image for _, images in self.drawn() for image in images]

    def drawn(self) -> Iterator[tuple[range, NDArray[Any]]]:
        """Draw a few rows of one shape at a time; yield their positions in the block and pixels."""
        plan, images = self.plan, self.images
        with self.limits.hold():
            if plan.previous is not None:  # earlier steps are drawn in memory, never into files
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


def _rows_told(first: int, last: int) -> str:
    """Return what messages call these rows."""
    return f"rows {first} to {last}" if last > first else f"row {first}"


def allocate(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return a new array for a resampled set; raise a MemoryError if it does not fit."""
    check_fits(
        prod(shape) * dtype.itemsize,
        f"The resampled set of shape {shape} and dtype {dtype}",
        "Pass StoreImages(X), which draws nothing, and draw the sampler's plan_ into a file, "
        "`render(plan_, X, out=np.memmap(...))`; request fewer rows with `sampling_strategy=`, or "
        "pass paths and `output_dir=`.",
    )
    return np.empty(shape, dtype=dtype)


def _common_shape(plan: ResamplingPlan, images: Images) -> tuple[int, ...]:
    """Return the shape of all rows of a plan, or raise naming two images that differ."""
    if (shape := images.uniform) is not None:
        return shape
    first = images.shape_of(plan.base[0]) if len(plan) else images.shape_of(0)
    for row in np.unique(plan.base):
        if images.shape_of(row) != first:
            raise ValueError(
                f"{printable(images.name_of(row))} has shape {images.shape_of(row)}, "
                f"{printable(images.name_of(plan.base[0]))} has {first}: one array needs "
                "one shape. Read them with `ReadImages(size=(height, width))` first."
            )
    return first


def _draw(plan: ResamplingPlan, images: Images, start: int, stop: int, out: NDArray[Any]) -> None:
    """Draw rows `start` to `stop` of a plan into `out`: copies are copied, others synthesised."""
    part = plan[start:stop]
    is_child = part.synthetic

    both = (_copy, np.flatnonzero(~is_child)), (draw_synthetic, np.flatnonzero(is_child))
    for carry_out, rows in both:
        if not len(rows):
            continue
        run = slice(rows[0], rows[-1] + 1)
        if run.stop - run.start == len(rows):
            carry_out(part[run], images, out[run])
        else:  # gathered into one block, because synthetic images are drawn faster together
            scattered = np.empty((len(rows), *out.shape[1:]), dtype=out.dtype)
            carry_out(part[rows], images, scattered)
            out[rows] = scattered


def _copy(plan: ResamplingPlan, images: Images, out: NDArray[Any]) -> None:
    """Copy the bases of the rows of a plan into `out`."""
    images.read(plan.base, out)


def draw_rows(plan: ResamplingPlan, images: Images) -> NDArray[Any]:
    """Return the images of a plan whose rows have one shape, (len(plan), ...)."""
    out = np.empty((len(plan), *images.shape_of(plan.base[0])), dtype=images.dtype)
    _draw(plan, images, 0, len(plan), out)
    return out


def draw_synthetic(plan: ResamplingPlan, images: Images, out: NDArray[Any]) -> None:
    """Draw the rows of a plan, all of them synthetic, by its synthesis into `out`."""
    if answer(plan.synthesis, "mixes"):
        _blend(plan, images, out)
        return
    n_partners = plan.partners.shape[1]
    most = answer(plan.synthesis, "at_once") // max(prod(out.shape[1:]), 1)
    height = max(1, min(len(plan), most))
    parents = np.empty((height, 1 + n_partners, *out.shape[1:]), dtype=images.dtype)
    # Rows with the same partners are drawn together, so that a synthesis can compute what depends
    # on these, such as a flow between two partners, once.
    order = np.lexsort(plan.partners.T) if n_partners else np.arange(len(plan))
    for start in range(0, len(plan), height):
        rows = order[start : start + height]
        block = plan[rows]
        base, partners = parents[: len(block), 0], parents[: len(block), 1:]
        _read_parents(block, images, parents[: len(block)])
        children = block.synthesis.draw(base, partners, block.weights, generators(block))
        _check_children(children, block, out.shape[1:])
        out[rows] = stored(children, out.dtype)


def _read_parents(plan: ResamplingPlan, images: Images, parents: NDArray[Any]) -> None:
    """Read the base and the partners of each row into `parents`, (n, 1 + p, ...).

    A partner that is the base itself, as one without a share often is, is not read again.
    """
    images.read(plan.base, parents[:, 0])
    for at, rows in enumerate(plan.partners.T, start=1):
        others = np.flatnonzero(rows != plan.base)
        if len(others) == len(rows):
            images.read(rows, parents[:, at])
            continue
        parents[:, at] = parents[:, 0]
        if len(others):
            scattered = np.empty((len(others), *parents.shape[2:]), dtype=parents.dtype)
            images.read(rows[others], scattered)
            parents[others, at] = scattered


def _check_children(children: Any, plan: ResamplingPlan, shape: tuple[int, ...]) -> None:
    """Raise if a synthesis has not drawn one image of this shape for each row."""
    wanted = (len(plan), *shape)
    if getattr(children, "shape", None) != wanted:
        raise ValueError(
            f"`synthesis` {plan.synthesis!r} must draw a block of shape {wanted}, got "
            f"{getattr(children, 'shape', type(children).__name__)}."
        )


def layers_of(plan: ResamplingPlan, images: Images) -> list[Layer]:
    """Return the layers of the rows of a plan: where each parent is visible in them.

    Parameters
    ----------
    plan : ResamplingPlan
        Synthetic rows of one shape, no more than fit into memory together.
    images : Images
        The source images.

    Returns
    -------
    layers : list of Layer

    Raises
    ------
    TypeError
        If the synthesis has no method ``layers``.
    """
    rule = plan.synthesis
    if not says_where(rule):
        raise TypeError(
            f"{plan.rule} does not say where its parents are seen in what it draws, so nothing "
            "can be carried along. Use Augment, TransferDeformation, CutMix, Paste, Morph, or a "
            "Chain or OneOf of these; or give your synthesis a method layers(base, partners, "
            "weights, rngs)."
        )
    shape = (len(plan), 1 + plan.partners.shape[1], *images.shape_of(plan.base[0]))
    if answer(rule, "looks"):
        parents = np.empty(shape, dtype=images.dtype)
        _read_parents(plan, images, parents)
    else:  # only the shape counts: nothing is read, and a broadcast array takes no memory
        parents = np.broadcast_to(np.zeros((), dtype=images.dtype), shape)
    rngs = [] if plan.seeds is None else generators(plan)
    layers: list[Layer] = rule.layers(parents[:, 0], parents[:, 1:], plan.weights, rngs)
    return layers


def _blend(plan: ResamplingPlan, images: Images, out: NDArray[Any]) -> None:
    """Mix parents pixel by pixel: base + sum of weight * (partner - base)."""
    width, is_short = prod(out.shape[1:]), out.dtype.itemsize == 1
    # Of bytes more fit into the cache, and their passes are so short that calls count.
    size = 4 * BLOCK if is_short else BLOCK
    height = max(1, min(len(plan), size // max(width, 1)))
    base, partner = np.empty((2, height, *out.shape[1:]), dtype=images.dtype)
    room = np.empty(ROOM * min(size, height * width) if is_short else 0, dtype=np.uint8)
    # Once for all rows: to ask for every block would cost time with large images.
    as_bytes = fits_bytes(plan.weights, out.dtype)
    # The pixels of an image can be one axis, without a copy, only if they are in C order.
    aside = None if out[0].flags.c_contiguous else np.empty((height, width), dtype=out.dtype)
    for lo in range(0, len(plan), height):
        hi = min(lo + height, len(plan))
        block = out[lo:hi].reshape(hi - lo, width) if aside is None else aside[: hi - lo]
        images.read(plan.base[lo:hi], base[: hi - lo])
        parents = base[: hi - lo].reshape(hi - lo, width)
        if plan.partners.shape[1] > 1:
            _add_up(plan[lo:hi], images, parents, partner, block)
        else:
            images.read(plan.partners[lo:hi, 0], partner[: hi - lo])
            others = partner[: hi - lo].reshape(hi - lo, width)
            for left in range(0, width, size):
                part = slice(left, left + size)
                mix(
                    parents[:, part],
                    others[:, part],
                    plan.weights[lo:hi],
                    block[:, part],
                    as_bytes=as_bytes[lo:hi],
                    scratch=room,
                )
        if aside is not None:
            out[lo:hi] = block.reshape(hi - lo, *out.shape[1:])


def _add_up(
    plan: ResamplingPlan,
    images: Images,
    base: NDArray[Any],
    buffer: NDArray[Any],
    out: NDArray[Any],
) -> None:
    """Mix any number of partners into `out`, reading one at a time to save memory."""
    total = np.zeros(out.shape)
    dtype = out.dtype if out.dtype.kind == "f" else np.float64
    for partners, weights in zip(plan.partners.T, plan.weights.T, strict=True):
        rows = np.flatnonzero(weights)
        if not len(rows):
            continue
        images.read(partners[rows], buffer[: len(rows)])
        others = buffer[: len(rows)].reshape(len(rows), -1)
        difference = np.subtract(others, base[rows], dtype=dtype)
        total[rows] += difference * weights[rows, None]
    np.add(base, total, out=total)
    store(total, out)


def _render_sparse(plan: ResamplingPlan, X: sparse.spmatrix) -> sparse.spmatrix:
    """Return the rows of a plan over a sparse matrix, mixed exactly as imbalanced-learn does."""
    if plan.previous is not None:
        X, plan = _render_sparse(plan.previous, X), plan.last_step
    if plan.synthetic.any() and not answer(plan.synthesis, "mixes"):
        raise ValueError(
            f"Rows drawn by {plan.rule} are images, `images` is a {type(X).__name__}; pass an "
            "array, images.toarray()."
        )
    if plan.partners.shape[1] > 1:
        return (plan.matrix() @ X).asformat(X.format).astype(X.dtype)
    base = X[plan.base]
    if plan.synthetic.any():
        steps = type(X)(plan.weights[:, :1])
        base = base + steps.multiply(X[plan.partners[:, 0]] - base)
    return base.asformat(X.format).astype(X.dtype)


POOL = 1 << 31
"""Maximum size in bytes of the parents that one dask worker has to hold."""


def resampled(plan: ResamplingPlan, store: StoreImages) -> Any:
    """Return the images of a plan over a store: a dask array if it is one, else an ndarray.

    Raises
    ------
    MemoryError
        If the output does not fit into memory, or the parents of the new images into a worker.
    """
    if is_of(store.array, "dask") and not plan.why_not:
        return _drawn_by_dask(plan, store.array, max(store.heights))
    return render(plan, store)


def _drawn_by_dask(plan: ResamplingPlan, array: Any, height: int) -> Any:
    """Return a dask array of the rows of a plan: the chunks of `array`, and new ones after them.

    The parents of new rows are gathered once, in ascending order, and every block of new rows is
    drawn from that pool. Indexing `array` in another order would make a task of nearly every row.
    """
    from dask import array as da
    from dask import delayed

    n = plan.n_source
    is_behind = len(plan) >= n and not plan.synthetic[:n].any()
    kept = n if is_behind and (plan.first_base[:n] == np.arange(n)).all() else 0
    rest = plan[kept:]
    if not len(rest):
        return array
    small, sources = rest.compact()
    shape = tuple(array.shape[1:])
    n_bytes = len(sources) * prod(shape) * array.dtype.itemsize
    if n_bytes > POOL:
        raise MemoryError(
            f"{len(rest)} rows are drawn from {len(sources)} images of {n_bytes / 1e9:.1f} GB, "
            f"which one worker would have to hold; {POOL / 1e9:.1f} GB are allowed. Pass "
            "StoreImages(X), and draw the plan_ into files with render_files, or into a store "
            "with render(plan_, X, out=store)."
        )
    # One task takes all rows of a chunk. dask's own indexing shuffles, in five times as many tasks.
    whole = array.rechunk(dict.fromkeys(range(1, array.ndim), -1))
    bounds = np.cumsum([0, *whole.chunks[0]])
    cuts = np.searchsorted(sources, bounds)
    pool = delayed(np.concatenate)(
        [
            delayed(_taken)(chunk, sources[first:stop] - start)
            for chunk, start, (first, stop) in zip(
                whole.to_delayed().ravel(), bounds, pairwise(cuts), strict=False
            )
            if stop > first
        ]
    )
    parts = [array] if kept else []
    for first, stop in pairwise([*range(0, len(rest), height), len(rest)]):
        block = delayed(_draw_from)(small[first:stop], pool)
        parts.append(da.from_delayed(block, (stop - first, *shape), dtype=array.dtype))
    return da.concatenate(parts)


def _taken(chunk: NDArray[Any], rows: NDArray[np.intp]) -> NDArray[Any]:
    """Return some rows of a chunk; a task of dask."""
    return np.asarray(chunk)[rows]


def _draw_from(plan: ResamplingPlan, pool: NDArray[Any]) -> Any:
    """Draw a part of a plan from the pool of its parents; a task of dask."""
    return render(plan, ArrayImages(pool))
