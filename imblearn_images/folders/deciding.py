"""Deciding: the sampler run on the training files, before anything is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from imblearn_images.base import ImageSamplerMixin
from imblearn_images.core.files import read_image, write_image
from imblearn_images.core.parallel import in_threads
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.store import OutputFolder
from imblearn_images.core.survey import frames_told
from imblearn_images.core.writing import DrawLater
from imblearn_images.folders.source import FolderSplit, Source
from imblearn_images.hints import instead_of
from imblearn_images.image_sampler import ImageSampler
from imblearn_images.over_sampling import RandomOverSampler


def with_seed(sampler: Any, random_state: int, n_jobs: int | None) -> tuple[Any, int | None]:
    """Return a clone of the sampler that draws the same in every run, and its seed."""
    if isinstance(random_state, bool) or not isinstance(random_state, (int, np.integer)):
        raise ValueError(
            f"random_state={random_state!r}: give an integer, so that a run can resume"
        )
    if not 0 <= random_state < 1 << 32:
        raise ValueError(f"random_state={random_state}: give one from 0 to {(1 << 32) - 1}")
    if sampler is None:
        return None, None
    if isinstance(sampler, Pipeline):
        raise TypeError(
            "`sampler` is a Pipeline, which leaves no plan of what a file is made of; pass one "
            "sampler. For two, balance twice: the folder train of the first output is the source "
            "of the second, with validation=0."
        )
    if not isinstance(sampler, ImageSamplerMixin):
        raise TypeError(
            f"`sampler` must be a sampler of imblearn_images, which leaves a plan of what a file "
            f"is made of, or ImageSampler around another, got {sampler!r}.{instead_of(sampler)}"
        )
    sampler = clone(sampler)
    parameters = sampler.get_params(deep=False)
    if "n_jobs" in parameters and parameters["n_jobs"] is None:
        sampler.set_params(n_jobs=n_jobs)
    seeds = {
        name: random_state if value is None else value
        for name, value in sampler.get_params().items()
        if name.rpartition("__")[2] == "random_state"  # of what is inside it, too
    }
    for name, seed in seeds.items():
        if not isinstance(seed, (int, np.integer)):
            raise ValueError(
                f"{type(sampler).__name__}({name}={seed!r}): give an integer, so that the same "
                "call gives the same files"
            )
    sampler.set_params(**seeds)
    decides = "random_state"
    if isinstance(sampler, ImageSampler) and sampler.synthesis is None and sampler.accept is None:
        decides = "sampler__random_state"
    return sampler, int(seeds[decides]) if decides in seeds else None


def draws_images(sampler: Any) -> bool:
    """Tell whether a sampler makes images that are in no file yet."""
    parameters = sampler.get_params(deep=False)
    copies = isinstance(sampler, RandomOverSampler) and sampler.synthesis in (None, "copy")
    return "output_dir" in parameters and not copies


def decide(
    sampler: Any,
    kept: Source,
    split: FolderSplit,
    train: NDArray[np.intp],
    folder: OutputFolder,
    mode: str | None,
    n_jobs: int | None,
) -> tuple[ResamplingPlan, DrawLater]:
    """Return the plan over the training files, and what draws its synthetic rows."""
    later = DrawLater(folder.root)
    paths, y = split.paths[train], split.labels[train]
    if sampler is None:
        return ResamplingPlan.selection(np.arange(len(train)), y), later
    if draws_images(sampler):
        sampler.set_params(output_dir=later)
        if mode is not None:
            paths = _in_mode(mode, kept, train, folder, n_jobs)
    with frames_told():  # in a note of the report
        sampler.fit_resample(paths, y)
    return sampler.plan_, later


def _in_mode(
    mode: str, kept: Source, train: NDArray[np.intp], folder: OutputFolder, n_jobs: int | None
) -> NDArray[Any]:
    """Write the files of other modes anew, in the workshop; return what the sampler reads."""
    paths = np.array(kept.paths, dtype=object)[train]

    def convert(at: int) -> None:
        record = kept.records[train[at]]
        if record.mode != mode:
            # named after its source's content: what a run before has written is as good
            target = folder.workshop / f"{mode}-{record.sha256}.png"
            if not target.exists():
                write_image(target, read_image(record.path, mode=mode))
            paths[at] = str(target)

    in_threads(convert, ((at,) for at in range(len(train))), n_jobs=n_jobs)
    return paths
