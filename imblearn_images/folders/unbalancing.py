"""Unbalancing: a data set with a wanted imbalance, for experiments."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from imblearn_images.folders.balancing import balance_folder
from imblearn_images.folders.report import FolderReport
from imblearn_images.under_sampling import RandomUnderSampler

__all__ = ["unbalance_folder"]


def unbalance_folder(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    profile: Callable[[Any], Mapping[str, int]] | Mapping[str, int],
    *,
    random_state: int = 0,
    **options: Any,
) -> FolderReport:
    """Cut class folders to an imbalance profile, for experiments, into a new folder.

    Parameters
    ----------
    source, output : str or path-like
        As for :func:`balance_folder`.
    profile : LongTail, Step, Staircase, another callable ``y -> dict``, or dict
        Number of images to keep of each class.
    random_state : int, default=0
        Seed of the draw.
    **options : dict
        Further options of :func:`balance_folder`, e.g. `layout`, `link`, `classes`,
        `keep_split`, or `validation`, which is 0 here.

    Returns
    -------
    FolderReport

    Raises
    ------
    ValueError, FileExistsError, OSError
        As :func:`balance_folder`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from imblearn_images.core.files import write_image
    >>> from imblearn_images.profiles import LongTail
    >>> photos = Path(tempfile.mkdtemp()) / "photos"
    >>> for row in range(20):
    ...     name = photos / ("kiwi", "lime")[row % 2] / f"{row}.png"
    ...     name.parent.mkdir(parents=True, exist_ok=True)
    ...     write_image(name, np.full((4, 4), row, dtype=np.uint8))
    >>> report = unbalance_folder(photos, photos.parent / "tail", LongTail(5))
    >>> [(counts.label, counts.resampled) for counts in report.classes]
    [('kiwi', 10), ('lime', 2)]
    """
    sampler = RandomUnderSampler(sampling_strategy=profile, random_state=random_state)
    if not options.get("keep_split"):
        options.setdefault("validation", 0)
    return balance_folder(source, output, sampler=sampler, random_state=random_state, **options)
