"""Balancing: class folders become a split, resampled and traceable data set on disk."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from imblearn_images._docstrings import substitute
from imblearn_images.core.duplicates import hash_file
from imblearn_images.core.files import check_size_and_mode
from imblearn_images.core.parallel import in_threads, in_workers, progress, works_in_threads
from imblearn_images.core.rendering import Block
from imblearn_images.display._canvas import require_matplotlib
from imblearn_images.folders._form import Form
from imblearn_images.folders._grouping import Groups, needs_pixels
from imblearn_images.folders._labels import check_names
from imblearn_images.folders._layout import SplitFoldersError
from imblearn_images.folders._manifest import (
    LABELS,
    Row,
    check_manifest,
    labels_csv,
    misread_labels,
)
from imblearn_images.folders._parquet import check_text
from imblearn_images.folders._pictures import CHART, SHEET, draw_chart, draw_sheet
from imblearn_images.folders._plan import (
    FolderPlan,
    OutputRows,
    decide,
    draws_images,
    foresee,
    with_seed,
)
from imblearn_images.folders._report import FolderReport
from imblearn_images.folders._source import read_source, split_source
from imblearn_images.folders._store import LINKS, OutputFolder
from imblearn_images.under_sampling import RandomUnderSampler

__all__ = ["balance_folder", "unbalance_folder"]


@substitute
def balance_folder(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    sampler: Any = None,
    validation: float | None = None,
    groups: Groups = None,
    classes: Sequence[str] | None = None,
    keep_split: bool = False,
    mode: str | None = None,
    size: int | None = None,
    format: str | None = None,  # noqa: A002 - as --format
    quality: int | None = None,
    layout: str = "folders",
    link: str = "copy",
    manifest: str = "jsonl",
    on_error: str = "raise",
    on_empty: str = "raise",
    random_state: int = 0,
    resume: bool = False,
    dry_run: bool = False,
    plot: bool = False,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> FolderReport:
    """Split class folders, resample the training part, and write a data set that is traceable.

    The source is only read. Each file of the output is whole or absent, and the manifest is
    written last: a folder with one is complete. An interrupted run continues with `resume`
    and ends with the same bytes as an uninterrupted one; nothing is drawn twice.
    Work is done in threads, unless :func:`joblib.parallel_config` names other workers. These
    then draw the synthetic images, with the same bytes; what a worker had not finished when it
    died is drawn again.

    Read more in the :ref:`User Guide <photo-folders>`.

    Parameters
    ----------
    source : str or path-like
        Folder with class folders, as for :func:`load_image_folder`.
    output : str or path-like
        New or empty folder, neither inside the source nor around it.
    sampler : sampler of this package, default=None
        E.g. ``SMOTE()`` or ``RandomOverSampler(sampling_strategy=add_fraction({"Lime": 0.5}))``.
        A clone of it is fitted on the training files only. None splits without resampling.
    validation : float, default=None
        Share of the images for validation; 0 for no split. None stands for 0.2, or for the
        existing validation part with `keep_split`.
    groups : callable, dict, array-like, "stem-prefix" or "near-duplicates", default=None
        What must stay on one side of the split, as for :func:`split_folder`.
    {class_folders}
    keep_split : bool, default=False
        The source holds ``train/``, and ``valid/`` or ``test/`` or both (or ``val``, ``dev``,
        ``testing`` and the like), each with the same class folders: resample the first, and copy
        the others as they are, under the names they have. Training files that equal a validation
        or test file are refused, or left out with `on_error` "skip".
    mode : {"L", "RGB", "RGBA"}, default=None
        Read all files that a sampler mixes as grey, colour, or colour with alpha,
        by the rules of :class:`~imblearn_images.preprocessing.ReadImages`. By default, classes
        to be mixed whose files have different modes are refused. Copies stay as they are.
    size : int, default=None
        Maximum length of the longer side of a drawn image, in pixels. Copies keep their size.
    format : {"png", "jpeg", "webp"}, default=None
        Format of drawn images. By default they are written without loss, as PNG or TIFF, which
        can take 20 times the bytes of photos in JPEG. Copies keep their bytes.
    quality : int, default=None
        Quality from 1 to 100 of the format "jpeg" or "webp"; None stands for 90.
    layout : {"folders", "csv"}, default="folders"
        "folders" writes ``train/<class>/`` and ``valid/<class>/``, as torchvision's
        ``ImageFolder`` and Keras' ``image_dataset_from_directory`` read them (``<class>/``
        without validation). "csv" writes ``images/`` and ``labels.csv`` with the columns name,
        label and is_valid, validation rows first, as fastai's ``from_csv`` reads it.
    link : {"copy", "hard", "symlink", "rows"}, default="copy"
        Real copies; hard or symbolic links, which share their bytes with the source; or, for
        "csv", rows that name the files of the source. Drawn images are always files.
    manifest : {"jsonl", "parquet"}, default="jsonl"
        What says of every file what it is made from: ``manifest.jsonl``, lines of JSON, or
        ``manifest.parquet``, which takes a fifth of the bytes and needs pyarrow. Everything that
        reads one takes the other, too.
    on_error : {"raise", "skip"}, default="raise"
        What to do with files that cannot be used: name all of them in one error, or leave them
        out and list them in the report and in the manifest.
    on_empty : {"raise", "keep"}, default="raise"
        What to do with a class that a cleaning sampler would empty: raise, or
        keep all its images, so that training and validation always have the same classes.
    random_state : int, default=0
        Seed of the split, and of a sampler whose own random_state is None.
    resume : bool, default=False
        Continue an unfinished run with the same arguments. Until a run is finished, ``train`` and
        ``valid`` end in ``.unfinished``.
    dry_run : bool, default=False
        Only report what would be written.
    plot : bool, default=False
        Also write ``classes.png`` (needs matplotlib) and ``contact_sheet.png``.
    {n_jobs}
    {progress}

    Returns
    -------
    FolderReport
        Number of images of each class before and after, what was skipped, and notes.

    Raises
    ------
    ValueError
        Names the file, class or option that is refused; nothing has been written.
    TypeError
        If `sampler` is not a sampler of this package.
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
    >>> from pathlib import Path
    >>> import numpy as np
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
        raise ValueError(f'`layout` must be "folders" or "csv", got {layout!r}.')
    if link not in LINKS:
        raise ValueError(f"`link` must be one of {LINKS}, got {link!r}.")
    if on_empty not in ("raise", "keep"):
        raise ValueError(f'`on_empty` must be "raise" or "keep", got {on_empty!r}.')
    if keep_split:
        _check_kept(validation, groups, layout, link)
    if link == "rows" and layout != "csv":
        raise ValueError('`layout` must be "csv" with link="rows", which writes no files.')
    manifest_name = check_manifest(manifest)
    validation = 0.2 if validation is None else validation
    check_size_and_mode(None, mode)
    form = Form(size, format, quality)
    if plot:
        require_matplotlib()
    sampler, seed = with_seed(sampler, random_state, n_jobs)
    if form and not (sampler is not None and draws_images(sampler)):
        raise ValueError(
            "`size`, `format` and `quality` must be used with a sampler that draws images, got "
            f"{type(sampler).__name__ if sampler is not None else 'no sampler'}; copies stay as "
            "they are. Leave them out."
        )
    folder = OutputFolder(output, source, resume=resume)
    try:
        kept = read_source(
            source,
            on_error=on_error,
            classes=classes,
            keep_split=keep_split,
            hash_pixels=needs_pixels(groups),
            mode=mode if sampler is not None and draws_images(sampler) else None,
            n_jobs=n_jobs,
            verbose=verbose,
        )
    except SplitFoldersError as error:
        raise ValueError(
            f"{error} To resample the training part and copy the others, pass keep_split=True."
        ) from error
    check_names(sorted(set(kept.labels)), layout)
    if layout == "csv" and (misread := misread_labels(sorted(set(kept.labels)))):
        kept.notes.append(
            f"classes {misread} look like numbers, formulas or missing values: read labels.csv "
            "with pandas.read_csv(..., dtype={'label': str}, keep_default_na=False), and not with "
            "a spreadsheet"
        )
    if manifest == "parquet":
        check_text(kept.names())
    split = split_source(kept, validation, groups, random_state)
    options: dict[str, Any] = {"link": link, "form": form, "mode": mode, "on_empty": on_empty}
    if dry_run:
        decision = foresee(sampler, seed, kept, split, output=str(output), n_jobs=n_jobs, **options)
        return replace(decision.report(str(output)), manifest=manifest_name)
    extra = [
        manifest_name,
        *([LABELS] if layout == "csv" else []),
        *([CHART, SHEET] if plot else []),
    ]
    folder.begin()
    try:
        decision = decide(
            *(sampler, seed, kept, split, folder.workshop),
            output=folder.root,
            layout=layout,
            n_jobs=n_jobs,
            **options,
        )
        assert decision.rows is not None
        folder.check_contents(chain(extra, decision.rows.names()))
        if link == "copy":
            _check_room(folder, decision.rows)
    except BaseException:
        folder.discard()
        raise
    report = _write(
        folder,
        decision,
        decision.rows,
        manifest=manifest,
        plot=plot,
        n_jobs=n_jobs,
        verbose=verbose,
    )
    return replace(report, manifest=manifest_name)


def _check_kept(validation: float | None, groups: Groups, layout: str, link: str) -> None:
    """Raise a ValueError for options that cannot be combined with a split that is kept."""
    for name, value in (("validation", validation), ("groups", groups)):
        if value is not None:
            raise ValueError(
                f"`{name}` must be left out where the split is kept, got {value!r}: no split is "
                "drawn."
            )
    if link == "rows":
        raise ValueError(
            '`link` must be "copy", "hard" or "symlink" where the split is kept, got "rows".'
        )
    if layout != "folders":
        raise ValueError(
            f'`layout` must be "folders" where the split is kept, got {layout!r}: a table of '
            "labels has no column for test images."
        )


def _check_room(folder: OutputFolder, rows: OutputRows) -> None:
    """Raise an OSError if the copies that are not there yet do not fit on the disk."""
    there = folder.root.absolute()
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    copied = np.setdiff1d(np.arange(len(rows)), rows.drawn)
    sizes = rows.kept.records.n_bytes[rows.sources]
    n_bytes = int(sizes[copied].sum())
    if n_bytes > free:  # a resumed run has some already
        missing = [
            row for row in copied.tolist() if not os.path.lexists(folder.at(rows.path_of(row)))
        ]
        n_bytes = int(sizes[missing].sum())
    if n_bytes > free:
        raise OSError(
            errno.ENOSPC,
            f"copies need {n_bytes / 1e6:.1f} MB, {free / 1e6:.1f} MB are free",
            str(folder.root),
        )


def _write(
    folder: OutputFolder,
    decision: FolderPlan,
    rows: OutputRows,
    *,
    manifest: str,
    plot: bool,
    n_jobs: int | None,
    verbose: int,
) -> FolderReport:
    """Write the files of a decision, the manifest last; return the report."""
    kept = decision.kept
    folder.make_folders(rows.folders())
    if rows.link != "rows":
        _place(folder, rows, n_jobs, verbose)
    report = decision.report(str(folder.root))
    if rows.layout == "csv":
        folder.write(LABELS, labels_csv(rows.table()))
    if plot:
        draw_chart(folder, report)
        draw_sheet(folder, rows, kept.root)
    left_out = (
        Row(None, label, "skipped", "skipped", (kept.relative(record.path),), reason=record.error)
        for label, record in kept.broken
    )
    folder.finish(chain(rows, left_out), manifest, written=rows.written())
    return report


def _place(folder: OutputFolder, rows: OutputRows, n_jobs: int | None, verbose: int) -> None:
    """Copy, link or draw the file of every row into its place."""
    marks = np.zeros(len(rows) if rows.link != "copy" else 0, dtype=np.int64)

    def of(number: int) -> tuple[str, str, str]:
        original = rows.kept.paths[rows.sources[number]]
        return original, rows.path_of(number), str(rows.sha256_of(number))

    def place(number: int) -> None:
        if rows.kind_of(number) == "synthetic":
            if not rows.sha256_of(number):  # otherwise a worker of joblib has drawn it already
                name, draw = rows.path_of(number), partial(rows.draw, number)
                rows.has_drawn(number, *folder.draw(name, draw, rows.form.write))
            return
        mark = folder.copy(*of(number), rows.link)
        if len(marks):
            marks[number] = mark

    if not works_in_threads():
        _draw_elsewhere(folder, rows, n_jobs, verbose)
    with progress(len(rows), "written", verbose) as done:

        def place_some(first: int) -> None:
            some = range(first, min(first + 16, len(rows)))
            for number in some:
                place(number)
            done(len(some))

        in_threads(place_some, ((k,) for k in range(0, len(rows), 16)), n_jobs=n_jobs)
    for number in np.flatnonzero(marks).tolist():
        folder.check_link(*of(number), int(marks[number]))


def _draw_elsewhere(
    folder: OutputFolder, rows: OutputRows, n_jobs: int | None, verbose: int
) -> None:
    """Draw synthetic images in the workers that joblib is set to, where these can draw them.

    A worker writes its images into the workshop, which it must be able to reach; this process
    then moves them to their places and notes their hashes, as it does with its own.
    """
    left = [n for n in rows.drawn.tolist() if not _is_known(folder, rows, n)]
    tasks = []
    for block in rows.blocks(left):
        names = (rows.path_of(rows.number_of(row)) for row in block.numbers)
        places = [os.path.abspath(folder.waiting(name)) for name in names]
        tasks.append((block, places, rows.form))
    with progress(sum(len(places) for _, places, _ in tasks), "drawn", verbose) as done:
        drawn = in_workers(
            _draw_block,
            tasks,
            what=lambda task: task[0].what.capitalize(),
            n_jobs=n_jobs,
            done=lambda task: done(len(task[0])),
        )
    for (block, _, _), hashes in zip(tasks, drawn, strict=True):
        for row, (n_bytes, sha256) in zip(block.numbers, hashes, strict=True):
            number = rows.number_of(row)
            folder.take(rows.path_of(number), sha256)
            rows.has_drawn(number, n_bytes, sha256)


def _is_known(folder: OutputFolder, rows: OutputRows, number: int) -> bool:
    """Return whether an earlier run has drawn the image of a row; if so, note its hash."""
    known = folder.known(rows.path_of(number))
    if known is not None:
        rows.has_drawn(number, *known)
    return known is not None


def _draw_block(task: tuple[Block, list[str], Form]) -> list[tuple[int, str]]:
    """Draw a block of rows in a worker; return size in bytes and SHA-256 of each file."""
    block, places, form = task
    found = []
    for at, drawn in block.drawn():
        for path, image in zip(places[at.start : at.stop], drawn, strict=True):
            form.write(path, form.resized(image))
            found.append(hash_file(path))
    return found


def unbalance_folder(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    profile: Callable[[Any], Mapping[str, int]] | Mapping[str, int],
    *,
    random_state: int = 0,
    **options: Any,
) -> FolderReport:
    """Write a copy of class folders that is cut to an imbalance profile, for experiments.

    Read more in the :ref:`User Guide <photo-folders>`.

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
    >>> from imblearn_images.strategies import LongTail
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
