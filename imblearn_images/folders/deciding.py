"""Deciding: the sampler run on the training files, before anything is drawn."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from imblearn.under_sampling.base import BaseCleaningSampler
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from imblearn_images.base import ImageSamplerMixin
from imblearn_images.core.files import describe, mode_of_array, read_image, write_image
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
    on_empty: str,
    n_jobs: int | None,
) -> tuple[ResamplingPlan, DrawLater]:
    """Return the plan over the training files, and what draws its synthetic rows."""
    later = DrawLater(folder.root)
    paths, y = split.paths[train], split.labels[train]
    if sampler is None:
        return ResamplingPlan.selection(np.arange(len(train)), y), later
    draws = draws_images(sampler)
    if draws and mode is not None:
        paths = _in_mode(mode, kept, train, folder, n_jobs)
    return decided(sampler, paths, y, later if draws else None, on_empty), later


def decided(
    sampler: Any, paths: NDArray[Any], y: NDArray[Any], later: DrawLater | None, on_empty: str
) -> ResamplingPlan:
    """Let a sampler decide; no class is emptied, so that all parts have the same classes.

    Parameters
    ----------
    sampler : sampler
        Will be fitted.
    paths, y : ndarray of shape (n,)
        The training files and their classes.
    later : DrawLater or None
        Where a sampler that draws images leaves the way to draw them.
    on_empty : {"raise", "keep"}
        What to do with a class that is emptied.

    Raises
    ------
    ValueError
        Naming the class that would be left without an image.
    """
    if later is not None:
        sampler.set_params(output_dir=later)
    with frames_told(), warnings.catch_warnings():  # of frames a note of the report speaks
        # of classes that are emptied: what becomes of them is said below
        warnings.filterwarnings("ignore", r"\w+ has left no image of", UserWarning)
        sampler.fit_resample(paths, y)
    plan: ResamplingPlan = sampler.plan_
    counts = Counter(y.tolist())
    if not (lost := [label for label in counts if label not in set(plan.y.tolist())]):
        return plan
    if on_empty == "raise":
        more = f", nor of {lost[1:]}" if len(lost) > 1 else ""
        others = [label for label in counts if label not in lost]
        raise ValueError(
            f"{type(sampler).__name__} would leave none of the {counts[lost[0]]} training images "
            f"of class {lost[0]!r}{more}: the training part would have fewer classes than "
            'the source. Keep the images of such a class, on_empty="keep", choose another sampler, '
            f"or take the other classes only, `classes`: {', '.join(map(repr, others[:20]))}."
        )
    rows = np.flatnonzero(np.isin(y, np.array(lost, dtype=object)))

    def longer(column: Any, values: Any) -> Any:
        if column is None:
            return None
        more = np.zeros((len(rows), *column.shape[1:]), dtype=column.dtype)
        more[...] = values
        return np.concatenate([column, more])

    return replace(
        plan,
        base=longer(plan.base, rows),
        partners=longer(plan.partners, 0),
        weights=longer(plan.weights, 0),
        y=np.concatenate([plan.y, y[rows]]),
        drawn=longer(plan.drawn, False),
        seeds=longer(plan.seeds, 0),
        tries=longer(plan.tries, 0),
        accepted=longer(plan.accepted, True),
    )


def note_on_nothing(sampler: Any, counts: Mapping[str, int]) -> list[str]:
    """Say that, and why, a sampler changes nothing."""
    name = type(sampler).__name__
    if isinstance(sampler, BaseCleaningSampler):
        return [f"nothing was resampled: {name} found no image to remove"]
    asked = getattr(sampler, "sampling_strategy", "auto")
    least, most = min(counts.values()), max(counts.values())
    numbers = f"{least}" if least == most else f"{least} to {most}"
    note = (
        f"nothing was resampled: {name} with sampling_strategy={asked!r} wants no other numbers "
        f"than the {numbers} training images that each class has"
    )
    return [note]


def modes_of(kept: Source, rows: NDArray[np.intp], mode: str | None) -> list[str]:
    """Return the modes that some files are read in."""
    if mode is not None:
        return [mode] if len(rows) else []
    found = set()
    for row in rows.tolist():
        record = kept.records[row]
        found.add(mode_of_array(record.mode))
        if record.mode == "P" and describe(record.path).shape[2] == 4:  # with a transparent colour
            found.add("RGBA")
    return sorted(found)


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
