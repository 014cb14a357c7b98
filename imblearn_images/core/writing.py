"""Writing: the synthetic images of a plan, drawn into files, or to be drawn later."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core import files
from imblearn_images.core.images import Images
from imblearn_images.core.parallel import in_threads
from imblearn_images.core.pixels import store
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import DrawnImages, draw_rows


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
    suffix: str = ""
    """Of the files that can hold these images."""

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
        Threads.

    Returns
    -------
    paths : list of str
        One per synthetic row, in order; empty where they are drawn later. A name tells the
        two parents and is derived from label, parents' file names, steps, row and pixels: the
        same call gives the same files, and synthetic images of other images never replace them.
    """
    suffix = ".png" if images.dtype in (np.bool_, np.uint8, np.uint16) else ".tif"
    rows = np.flatnonzero(plan.synthetic)
    if plan.previous is not None:  # what a step draws, the next one is given: no file between
        images, plan = DrawnImages(plan.previous, images), plan.last_step

    def draw(row: int) -> NDArray[Any]:
        if drawn is None:
            child: NDArray[Any] = draw_rows(plan[row : row + 1], images)[0]
            return child
        child = np.empty(images.shape_of(plan.base[row]), dtype=images.dtype)
        store(drawn(row).reshape(child.shape).copy(), child)
        return child

    if isinstance(directory, DrawLater):
        directory.draw, directory.suffix = draw, suffix
        return [""] * len(rows)
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)

    def write(row: int) -> str:
        child = draw(row)
        path = str(folder / (_child_name(plan, images, row, child) + suffix))
        files.write_image(path, child)
        return path

    return in_threads(write, ((row,) for row in rows.tolist()), n_jobs=n_jobs)


def _child_name(plan: ResamplingPlan, images: Images, row: int, child: NDArray[Any]) -> str:
    _, *partners = family = plan.parents(row, unused=True)
    # Names, not folders, so that a set that was moved gives the same children.
    parents = [Path(images.name_of(at)).name for at, _ in family]
    facts = [str(plan.y[row]), *parents, *(float.hex(step) for _, step in partners), str(row)]
    if plan.seeds is not None:
        facts.append(str(plan.seeds[row]))
    digest = hashlib.sha256("\0".join(facts).encode("utf-8", "surrogateescape"))
    digest.update(child.tobytes())
    stems = "+".join(
        "".join(c if c.isalnum() or c in "-_" else "_" for c in Path(path).stem)
        .encode("utf-8", "replace")[:80]
        .decode("utf-8", "ignore")
        for path in parents[:2]
    )
    return f"{stems}-{digest.hexdigest()[:12]}"
