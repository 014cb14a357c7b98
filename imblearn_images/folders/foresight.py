"""Foresight: what a run would write, for a dry run."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler

from imblearn_images.core.planning import check_class_sizes
from imblearn_images.core.survey import frames_told
from imblearn_images.folders.deciding import draws_images
from imblearn_images.folders.report import FolderReport, count_classes
from imblearn_images.folders.source import FolderSplit, Source


def foresee(
    sampler: Any,
    seed: int | None,
    kept: Source,
    split: FolderSplit,
    train: Any,
    link: str,
    output: str,
) -> FolderReport:
    """Report what a run would write, without drawing an image."""
    y = split.labels[train]
    counts, synthetic = Counter(y.tolist()), Counter[str]()
    sizes = kept.records.n_bytes if link == "copy" else np.zeros(len(kept.paths), dtype=np.int64)
    n_bytes = int(sizes.sum())
    if sampler is not None and draws_images(sampler):
        sampler.fit(split.paths[train], y)
        if hasattr(sampler, "k_neighbors"):
            check_class_sizes(y, sampler.sampling_strategy_, sampler.k_neighbors)
        for label, n in sampler.sampling_strategy_.items():
            change = Counter({str(label): int(n)})
            if isinstance(sampler, BaseOverSampler):
                counts, synthetic = counts + change, synthetic + change
        largest = int(kept.records.sizes.astype(np.int64).prod(axis=1).max()) * 4
        n_bytes += largest * sum(synthetic.values())
    elif sampler is not None:
        with frames_told():  # in a note of the report
            sampler.fit_resample(split.paths[train], y)
        counts = Counter(sampler.plan_.y.tolist())
        n_bytes = int(sizes[split.is_valid].sum() + sizes[train[sampler.plan_.base]].sum())
    n_valid, n_train = int(np.count_nonzero(split.is_valid)), sum(counts.values())
    return FolderReport(
        output=output,
        classes=count_classes(kept, split, counts, synthetic),
        n_valid=n_valid,
        n_train=n_train,
        n_files=0 if link == "rows" else n_valid + n_train,
        n_bytes=n_bytes,
        n_prevented=split.n_prevented,
        seed=seed,
        dry_run=True,
        skipped={kept.relative(record.path): record.error for _, record in kept.broken},
        notes=kept.notes,
    )
