"""Balancing: class folders in, a split, resampled and traceable data set on disk out."""

from __future__ import annotations

import errno
import os
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone

from imblearn_images.core.files import check_size_and_mode
from imblearn_images.core.labels import check_names
from imblearn_images.core.manifest import (
    LABELS,
    MANIFEST,
    Row,
    find_leaks,
    labels_csv,
    manifest_lines,
    misread_labels,
)
from imblearn_images.core.parallel import in_threads
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.store import LINKS, OutputFolder
from imblearn_images.folders.foresight import foresee
from imblearn_images.folders.pictures import (
    CHART,
    SHEET,
    draw_chart,
    draw_sheet,
    require_matplotlib,
)
from imblearn_images.folders.progress import progress
from imblearn_images.folders.report import FolderReport, count_classes
from imblearn_images.folders.rows import assemble, resample, without_files
from imblearn_images.folders.source import (
    FolderSplit,
    Groups,
    Source,
    read_source,
    split_source,
)
from imblearn_images.under_sampling import RandomUnderSampler

__all__ = ["balance_folder", "unbalance_folder"]


def balance_folder(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    sampler: Any = None,
    validation: float = 0.2,
    groups: Groups = None,
    mode: str | None = None,
    layout: str = "folders",
    link: str = "copy",
    on_error: str = "raise",
    random_state: int = 0,
    resume: bool = False,
    dry_run: bool = False,
    plot: bool = False,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> FolderReport:
    """Split class folders, resample the training part, and write a data set that is traceable.

    The source is only read. Each file of the output is whole or absent, and the manifest is
    written last: a folder with one is complete. An interrupted run is taken up with `resume`
    and ends with the same bytes as one without interruption.

    Parameters
    ----------
    source : str or path-like
        Folder with class folders, as for :func:`load_image_folder`.
    output : str or path-like
        New or empty folder, neither inside the source nor around it.
    sampler : sampler of this package, default=None
        E.g. ``SMOTE()`` or ``RandomOverSampler(sampling_strategy=add_fraction({"Lime": 0.5}))``;
        a clone of it sees the training files only. None splits without resampling.
    validation : float, default=0.2
        Share of the images that validate; 0 for no split.
    groups : callable, array-like, "stem-prefix" or "near-duplicates", default=None
        What must stay on one side of the split, as for :func:`split_folder`.
    mode : {"L", "RGB", "RGBA"}, default=None
        Let a sampler that mixes pixels read all files as grey, colour, or colour with alpha,
        by the rules of :class:`~imblearn_images.preprocessing.ReadImages`; without, files of
        different modes in the classes to be mixed are refused. Copies stay as they are.
    layout : {"folders", "csv"}, default="folders"
        "folders" writes ``train/<class>/`` and ``valid/<class>/``, as torchvision's
        ``ImageFolder`` and Keras' ``image_dataset_from_directory`` read them (``<class>/``
        without validation). "csv" writes ``images/`` and ``labels.csv`` with the columns name,
        label and is_valid, validation rows first, as fastai's ``from_csv`` reads it.
    link : {"copy", "hard", "symlink", "rows"}, default="copy"
        Real copies; hard or symbolic links, which share their bytes with the source; or, for
        "csv", rows that name the files of the source. Drawn images are always files.
    on_error : {"raise", "skip"}, default="raise"
        What to do with files that cannot be used: name all of them in one error, or leave them
        out and list them in report and manifest.
    random_state : int, default=0
        Seed of the split, and of a sampler whose own random_state is None.
    resume : bool, default=False
        Take up an unfinished run with the same arguments.
    dry_run : bool, default=False
        Only report what would be written.
    plot : bool, default=False
        Also write ``classes.png`` (needs matplotlib) and ``contact_sheet.png``.
    n_jobs : int, default=None
        Threads; the result is the same for every number.
    verbose : int, default=0
        Progress bars (need the package tqdm).

    Returns
    -------
    FolderReport

    Raises
    ------
    ValueError
        Naming the file, class or option that is refused; nothing has been written then.
    FileExistsError
        If `output` is not empty, without `resume`.
    OSError
        When reading or writing fails, naming the file; run again with `resume`.

    See Also
    --------
    verify_folder : Check an output folder against its manifest.

    Examples
    --------
    >>> import tempfile
    >>> from imblearn_images import RandomOverSampler
    >>> from imblearn_images.core.files import write_image
    >>> photos = Path(tempfile.mkdtemp()) / "photos"
    >>> for row in range(20):
    ...     name = photos / ("kiwi", "lime")[row % 4 == 0] / f"{row}.png"
    ...     name.parent.mkdir(parents=True, exist_ok=True)
    ...     write_image(name, np.full((4, 4), row, dtype=np.uint8))
    >>> report = balance_folder(photos, photos.parent / "balanced", sampler=RandomOverSampler())
    >>> report.n_valid, report.n_train
    (4, 24)
    >>> print(str(report).splitlines()[2])
    lime        5        0      1      4         12          0
    """
    if layout not in ("folders", "csv"):
        raise ValueError(f'layout={layout!r}: it is "folders" or "csv"')
    if link not in LINKS:
        raise ValueError(f"link={link!r}: it is one of {LINKS}")
    if link == "rows" and layout != "csv":
        raise ValueError('link="rows" writes no files and needs layout="csv"')
    check_size_and_mode(None, mode)
    if plot:
        require_matplotlib()
    sampler, seed = _seeded(sampler, random_state, n_jobs)
    folder = OutputFolder(output, source, resume=resume)
    near = isinstance(groups, str) and groups == "near-duplicates"
    kept = read_source(source, on_error=on_error, hash_pixels=near, n_jobs=n_jobs, verbose=verbose)
    check_names(sorted(set(kept.labels)), layout)
    if layout == "csv" and (misread := misread_labels(sorted(set(kept.labels)))):
        kept.notes.append(
            f"classes {misread} look like numbers, formulas or missing values: read labels.csv "
            "with pandas.read_csv(..., dtype={'label': str}, keep_default_na=False), and not with "
            "a spreadsheet"
        )
    split = split_source(kept, validation, groups, random_state)
    train = np.flatnonzero(~split.is_valid)
    if dry_run:
        return foresee(sampler, seed, kept, split, train, link, str(output))
    if link == "copy":
        _check_room(folder.root, sum(record.n_bytes for record in kept.records))
    folder.begin()
    try:
        plan, drawn = resample(sampler, kept, split, train, folder, mode, n_jobs)
        rows, origins = assemble(kept, split, train, plan, drawn, sampler, seed, layout)
        if link == "rows":
            rows = without_files(rows)
        if leaks := find_leaks(rows):
            raise ValueError(
                f"{len(leaks)} training rows descend from validation images: {leaks[:3]}"
            )
        names = [row.path for row in rows if row.path is not None]
        extra = [
            MANIFEST,
            *([LABELS] if layout == "csv" else []),
            *([CHART, SHEET] if plot else []),
        ]
        folder.check_contents([*names, *extra])
    except BaseException:
        folder.discard_workshop()
        raise
    folder.make_folders(names)
    rows = _place(folder, kept, rows, origins, link, n_jobs, verbose)
    report = _report(kept, split, plan, rows, seed, folder, link)
    if layout == "csv":
        folder.write(LABELS, labels_csv(rows))
    if plot:
        draw_chart(folder, report)
        draw_sheet(folder, rows, kept.root)
    left_out = [
        Row(None, label, "skipped", "skipped", (kept.relative(record.path),), reason=record.error)
        for label, record in kept.broken
    ]
    folder.finish(MANIFEST, manifest_lines([*rows, *left_out]))
    return report


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
        Further options of :func:`balance_folder`, e.g. `layout`, `link`, `validation`, which
        is 0 here.

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
    options.setdefault("validation", 0)
    return balance_folder(source, output, sampler=sampler, random_state=random_state, **options)


def _seeded(sampler: Any, random_state: int, n_jobs: int | None) -> tuple[Any, int | None]:
    if isinstance(random_state, bool) or not isinstance(random_state, (int, np.integer)):
        raise ValueError(
            f"random_state={random_state!r}: give an integer, so that a run can resume"
        )
    if sampler is None:
        return None, None
    sampler = clone(sampler)
    parameters = sampler.get_params(deep=False)
    if "n_jobs" in parameters and parameters["n_jobs"] is None:
        sampler.set_params(n_jobs=n_jobs)
    if "random_state" not in parameters:
        return sampler, None
    seed = parameters["random_state"]
    if seed is None:
        seed = int(random_state)
        sampler.set_params(random_state=seed)
    elif not isinstance(seed, (int, np.integer)):
        raise ValueError(
            f"{type(sampler).__name__}(random_state={seed!r}): give an integer, so that the same "
            "call gives the same files"
        )
    return sampler, int(seed)


def _check_room(root: Path, n_bytes: int) -> None:
    there = root.absolute()
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    if n_bytes > free:
        raise OSError(
            errno.ENOSPC,
            f"copies need {n_bytes / 1e6:.1f} MB, {free / 1e6:.1f} MB are free",
            str(root),
        )


def _place(
    folder: OutputFolder,
    kept: Source,
    rows: list[Row],
    origins: list[int | str],
    link: str,
    n_jobs: int | None,
    verbose: int,
) -> list[Row]:
    """Put every file in its place; return the rows with the hashes of drawn files."""
    if link == "rows":
        return rows
    with progress(len(rows), "written", verbose) as done:

        def place(first: int) -> list[Row]:
            placed = []
            part = slice(first, first + 16)
            for row, origin in zip(rows[part], origins[part], strict=True):
                name = row.path or ""
                if isinstance(origin, str):
                    row = replace(row, sha256=folder.move(origin, name))
                else:
                    record = kept.records[origin]
                    folder.copy(record.path, name, record.sha256, link)
                placed.append(row)
            done(len(placed))
            return placed

        batches = in_threads(place, ((k,) for k in range(0, len(rows), 16)), n_jobs=n_jobs)
    return [row for batch in batches for row in batch]


def _report(
    kept: Source,
    split: FolderSplit,
    plan: ResamplingPlan,
    rows: list[Row],
    seed: int | None,
    folder: OutputFolder,
    link: str,
) -> FolderReport:
    takes_room = [
        row.path for row in rows if row.path and (link == "copy" or row.kind == "synthetic")
    ]
    return FolderReport(
        output=str(folder.root),
        classes=count_classes(
            kept, split, Counter(plan.y.tolist()), Counter(plan.y[plan.synthetic].tolist())
        ),
        n_valid=int(np.count_nonzero(split.is_valid)),
        n_train=len(plan),
        n_files=sum(row.path is not None for row in rows),
        n_bytes=sum((folder.root / path).stat().st_size for path in takes_room),
        n_prevented=split.n_prevented,
        seed=seed,
        dry_run=False,
        skipped={kept.relative(record.path): record.error for _, record in kept.broken},
        notes=kept.notes,
    )
