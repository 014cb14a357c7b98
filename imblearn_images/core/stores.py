"""Stores: draw the plan of a chunked array, into memory, or lazily for an array of dask."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core.images import ArrayImages, StoreImages, is_of
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import render

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
