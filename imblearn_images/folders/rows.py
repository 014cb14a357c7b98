"""Rows: what the data set will hold, and the name of every file in it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from imblearn_images.core.files import SUFFIXES, read_image, write_image
from imblearn_images.core.labels import encode_label
from imblearn_images.core.manifest import Row
from imblearn_images.core.parallel import in_threads
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.records import FileRecord
from imblearn_images.core.store import OutputFolder, name_file
from imblearn_images.folders.source import FolderSplit, Source


def resample(
    sampler: Any,
    kept: Source,
    split: FolderSplit,
    train: Any,
    folder: OutputFolder,
    mode: str | None,
    n_jobs: int | None,
) -> tuple[ResamplingPlan, dict[int, str]]:
    """Return the plan over the training files, and the files of its synthetic rows."""
    y = split.labels[train].astype(object)  # str, which messages show as they are
    if sampler is None:
        return ResamplingPlan.selection(np.arange(len(train)), y), {}
    paths: Any = split.paths[train]
    if "output_dir" in sampler.get_params(deep=False):
        folder.clear_workshop()
        sampler.set_params(output_dir=str(folder.workshop / "drawn"))
        if mode is not None:
            paths = _in_mode(mode, [kept.records[row] for row in train], folder, n_jobs)
    paths, _ = sampler.fit_resample(paths, y)
    plan = getattr(sampler, "plan_", None)
    if not isinstance(plan, ResamplingPlan):
        raise TypeError(
            f"{type(sampler).__name__} leaves no plan: use a sampler of imblearn_images, e.g. from "
            "imblearn_images.over_sampling"
        )
    return plan, {row: str(paths[row]) for row in np.flatnonzero(plan.synthetic).tolist()}


def _in_mode(
    mode: str, records: list[FileRecord], folder: OutputFolder, n_jobs: int | None
) -> list[str]:
    """Write the files of other modes anew, in the workshop; return what the sampler reads."""
    paths = [
        record.path if record.mode == mode else str(folder.workshop / f"as-{mode}-{row}.png")
        for row, record in enumerate(records)
    ]

    def convert(path: str, to: str) -> None:
        if path != to:
            write_image(to, read_image(path, mode=mode))

    tasks = ((record.path, path) for record, path in zip(records, paths, strict=True))
    in_threads(convert, tasks, n_jobs=n_jobs)
    return paths


def assemble(
    kept: Source,
    split: FolderSplit,
    train: Any,
    plan: ResamplingPlan,
    drawn: Mapping[int, str],
    sampler: Any,
    seed: int | None,
    layout: str,
) -> tuple[list[Row], list[int | str]]:
    """Return the rows of the data set, and the source row or drawn file that each is made of."""
    rows: list[Row] = []
    origins: list[int | str] = []
    for source in np.flatnonzero(split.is_valid).tolist():
        parent = (kept.relative(kept.paths[source]),)
        row = Row(None, kept.labels[source], "valid", "original", parent)
        rows.append(replace(row, sha256=kept.records[source].sha256))
        origins.append(source)
    kinds = plan.kind.tolist()
    for k, kind in enumerate(kinds):
        base = int(train[plan.base[k]])
        row = Row(None, kept.labels[base], "train", kind, (kept.relative(kept.paths[base]),))
        if kind == "synthetic":
            used = plan.weights[k] != 0
            partners = [kept.paths[train[p]] for p in plan.partners[k][used].tolist()]
            steps = tuple(plan.weights[k][used].tolist())
            row = replace(
                row,
                parents=(*row.parents, *map(kept.relative, partners)),
                synthesis=type(sampler).__name__,
                step=steps[0] if len(steps) == 1 else steps,
                seed=seed,
            )
            origins.append(drawn[k])
        else:
            seeded = seed if kind == "copy" else None
            row = replace(row, sha256=kept.records[base].sha256, seed=seeded)
            origins.append(base)
        rows.append(row)
    with_folders = bool(split.is_valid.any())
    return [
        replace(row, path=_name(row, k, origin, layout, with_folders))
        for k, (row, origin) in enumerate(zip(rows, origins, strict=True))
    ], origins


def _name(row: Row, number: int, origin: int | str, layout: str, with_folders: bool) -> str:
    """Name a file after what it is made of; the same call gives the same names."""
    facts = [row.label, *row.parents, row.sha256 or ""]
    if row.kind != "original":
        facts += [str(row.seed), repr(row.step), str(number)]
    digest = hashlib.sha256("\0".join(facts).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    suffix = os.path.splitext(origin if isinstance(origin, str) else row.parents[0])[1].lower()
    stem = "+".join(Path(parent).stem[:40] for parent in row.parents[:2])
    if layout == "csv":
        name = name_file(f"{row.label[:30]}_{stem}", digest, suffix)
        return f"images/{name}"
    name = name_file(stem, digest, suffix if suffix in SUFFIXES else ".png")
    side = f"{row.split}/" if with_folders else ""
    return f"{side}{encode_label(row.label)}/{name}"


def without_files(rows: list[Row]) -> list[Row]:
    """Take the file names off; a ValueError where rows are no files of the source."""
    if drawn := [row for row in rows if row.kind == "synthetic"]:
        raise ValueError(
            f'link="rows" writes no files, but {len(drawn)} images were drawn by '
            f'{drawn[0].synthesis}; use link="symlink", which takes hardly more room'
        )
    return [replace(row, path=None) for row in rows]
