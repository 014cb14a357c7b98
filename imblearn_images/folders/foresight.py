"""Foresight: what a run would write, for a dry run."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from numpy.typing import NDArray

from imblearn_images.combine import SMOTEENN, SMOTETomek
from imblearn_images.core.files import read_image
from imblearn_images.core.planning import check_class_sizes
from imblearn_images.core.writing import DrawLater
from imblearn_images.folders._form import Form
from imblearn_images.folders.deciding import decided, draws_images, modes_of, note_on_nothing
from imblearn_images.folders.report import FolderReport, count_classes
from imblearn_images.folders.source import FolderSplit, Source

SAMPLE = 8  # files that are written, in memory, to estimate what drawn ones will take


def foresee(
    sampler: Any,
    seed: int | None,
    kept: Source,
    split: FolderSplit,
    train: NDArray[np.intp],
    link: str,
    output: str,
    *,
    form: Form,
    mode: str | None,
    on_empty: str,
) -> FolderReport:
    """Report what a run would write, without drawing an image."""
    y = split.labels[train]
    counts, synthetic = Counter(y.tolist()), Counter[str]()
    before, notes = counts.copy(), list(kept.notes)
    sizes = kept.records.n_bytes if link == "copy" else np.zeros(len(kept.paths), dtype=np.int64)
    n_bytes = int(sizes.sum())
    if sampler is not None and draws_images(sampler):
        if isinstance(sampler, (SMOTEENN, SMOTETomek)) and mode is None:
            # what is cleaned away shows only when all is decided; nothing is drawn for that
            plan = decided(sampler, split.paths[train], y, DrawLater(output), on_empty)
            counts = Counter(plan.y.tolist())
            synthetic = Counter(plan.y[plan.synthetic].tolist())
        else:
            sampler.fit(split.paths[train], y)
            if hasattr(sampler, "k_neighbors"):
                check_class_sizes(y, sampler.sampling_strategy_, sampler.k_neighbors)
            for label, n in sampler.sampling_strategy_.items():
                change = Counter({str(label): int(n)})
                if isinstance(sampler, BaseOverSampler):
                    counts, synthetic = counts + change, synthetic + change
        parents = train[np.isin(y, np.array(list(synthetic), dtype=object))]
        if form.format:
            form.check_modes(modes_of(kept, parents, mode))
        n_drawn, sides = sum(synthetic.values()), kept.records.sizes[train].astype(np.float64)
        if form.size:
            sides = sides * np.minimum(1, form.size / sides.max(axis=1, keepdims=True))
        n_bytes += int(np.ceil(sides.prod(axis=1).max())) * 4 * n_drawn
        if n_drawn:
            notes += _estimate(kept, parents, form, mode, n_drawn)
    elif sampler is not None:
        plan = decided(sampler, split.paths[train], y, None, on_empty)
        counts = Counter(plan.y.tolist())
        n_bytes = int(sizes[split.is_valid].sum() + sizes[train[plan.base]].sum())
    if sampler is not None and counts == before and not synthetic:
        notes += note_on_nothing(sampler, before)
    n_held, n_train = int(np.count_nonzero(split.is_valid)), sum(counts.values())
    n_test = 0 if kept.sides is None else int(np.count_nonzero(kept.sides == "test"))
    return FolderReport(
        output=output,
        classes=count_classes(kept, split, counts, synthetic),
        n_valid=n_held - n_test,
        n_train=n_train,
        n_files=0 if link == "rows" else n_held + n_train,
        n_bytes=n_bytes,
        n_prevented=split.n_prevented,
        seed=seed,
        dry_run=True,
        skipped={kept.relative(record.path): record.error for _, record in kept.broken},
        notes=notes,
        n_test=n_test,
        other_files=kept.other_files,
    )


def _estimate(
    kept: Source, parents: NDArray[np.intp], form: Form, mode: str | None, n_drawn: int
) -> list[str]:
    """Say what the drawn images will take, if some of their parents can be read."""
    some = parents[np.linspace(0, len(parents) - 1, min(SAMPLE, len(parents))).astype(int)]
    try:
        written = [form.n_bytes(read_image(kept.paths[row], mode=mode)) for row in some.tolist()]
    except ValueError:  # the run will say so
        return []
    said = str(form) or "without loss"
    smaller = "" if form.format in ("jpeg", "webp") else '; format="jpeg" takes less'
    note = (
        f"{n_drawn} drawn images take about {np.mean(written) * n_drawn / 1e6:.1f} MB, written "
        f"{said if said == 'without loss' else f'as {said}'}, by a sample of {len(some)} files"
        + smaller
    )
    return [note]
