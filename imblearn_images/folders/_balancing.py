"""Balancing: class folders become a split, resampled and traceable data set on disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

from imblearn_images._docstrings import substitute
from imblearn_images.display._canvas import require_matplotlib
from imblearn_images.folders._form import Form
from imblearn_images.folders._layout import SplitFoldersError
from imblearn_images.folders._manifest import Row
from imblearn_images.folders._names import LABELS, labels_csv
from imblearn_images.folders._output import OutputFolder
from imblearn_images.folders._plan import FolderPlan, decide, draws_images, foresee, with_seed
from imblearn_images.folders._report import CHART, SHEET, FolderReport, draw_chart, draw_sheet
from imblearn_images.folders._source import read_source
from imblearn_images.folders._splitting import Groups, needs_pixels, split_source
from imblearn_images.folders._writing import check_room, place
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
    if on_empty not in ("raise", "keep"):
        raise ValueError(f'`on_empty` must be "raise" or "keep", got {on_empty!r}.')
    # Before the form, so that the message is on the split and not on a table that nobody wanted.
    if keep_split:
        _check_kept(validation, groups, layout, link)
    form = Form(
        layout=layout,
        link=link,
        manifest=manifest,
        mode=mode,
        size=size,
        format=format,
        quality=quality,
    )
    if plot:
        require_matplotlib()
    sampler, seed = with_seed(sampler, random_state, n_jobs)
    draws = sampler is not None and draws_images(sampler)
    if not (form.is_plain or draws):
        raise ValueError(
            "`size`, `format` and `quality` must be used with a sampler that draws images, got "
            f"{type(sampler).__name__ if sampler is not None else 'no sampler'}; copies stay as "
            "they are. Leave them out."
        )
    # Before a file is read: a wrong output must not cost the minutes that decoding takes.
    folder = OutputFolder(output, source, resume=resume)
    try:
        kept = read_source(
            source,
            on_error=on_error,
            classes=classes,
            keep_split=keep_split,
            hash_pixels=needs_pixels(groups),
            mode=mode if draws else None,
            n_jobs=n_jobs,
            verbose=verbose,
        )
    except SplitFoldersError as error:
        raise ValueError(
            f"{error} To resample the training part and copy the others, pass keep_split=True."
        ) from error
    # Names that cannot be written are refused before the sampler takes its time.
    kept.notes.extend(form.check_classes(sorted(set(kept.labels))))
    form.check_files(kept.names())
    split = split_source(kept, 0.2 if validation is None else validation, groups, random_state)
    options: Any = {"seed": seed, "on_empty": on_empty, "n_jobs": n_jobs}
    if dry_run:
        plan = foresee(sampler, kept, split, form, output=str(output), **options)
        return plan.report(str(output))
    extra = [*form.tables, *([CHART, SHEET] if plot else [])]
    with folder.begun() as workshop:
        plan = decide(sampler, kept, split, form, output=folder.root, workshop=workshop, **options)
        assert plan.rows is not None
        folder.check_contents(chain(extra, plan.rows.names()))
        check_room(plan.rows, folder)
    return _write(plan, folder, plot=plot, n_jobs=n_jobs, verbose=verbose)


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


def _write(
    plan: FolderPlan, folder: OutputFolder, *, plot: bool, n_jobs: int | None, verbose: int
) -> FolderReport:
    """Carry a plan out, the manifest last; return the report."""
    assert plan.rows is not None
    kept, rows = plan.kept, plan.rows
    place(rows, folder, n_jobs, verbose)
    report = plan.report(str(folder.root))
    # After the images: at no moment does the table name a file that is not there.
    if plan.form.layout == "csv":
        folder.write(LABELS, labels_csv(rows.table()))
    if plot:
        draw_chart(folder, report)
        draw_sheet(folder, rows, kept.root)
    left_out = (
        Row(None, label, "skipped", "skipped", (kept.relative(record.path),), reason=record.error)
        for label, record in kept.broken
    )
    folder.finish(chain(rows, left_out), plan.form.manifest, written=rows.written())
    return report


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
    # What is cut is a source for experiments, which split it themselves.
    if not options.get("keep_split"):
        options.setdefault("validation", 0)
    return balance_folder(source, output, sampler=sampler, random_state=random_state, **options)
