"""Exporting: write images from any container, with any labels, as a data set on disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_consistent_length

from imblearn_images.core.columns import check_column, column_of, told
from imblearn_images.core.containers import holds_paths, unwrap
from imblearn_images.core.parallel import in_threads, progress
from imblearn_images.core.plan import ResamplingPlan, check_plan
from imblearn_images.core.text import counted
from imblearn_images.folders._form import Form
from imblearn_images.folders._manifest import Row, find_leaks, label_table
from imblearn_images.folders._names import LABELS, as_text, encode_label, labels_csv, name_file
from imblearn_images.folders._output import OutputFolder
from imblearn_images.folders._source import examine_all
from imblearn_images.folders._writing import digest_of

__all__ = ["export_images"]

_SUFFIXES = {"bool": ".png", "uint8": ".png", "uint16": ".png", "int32": ".tif", "float32": ".tif"}


def export_images(
    X: Any,
    y: Any,
    output: str | os.PathLike[str],
    *,
    is_valid: Any = None,
    plan: ResamplingPlan | None = None,
    names: Sequence[Any] | None = None,
    layout: str = "folders",
    link: str = "copy",
    manifest: str = "jsonl",
    resume: bool = False,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> list[str]:
    """Write images and their labels as a data set on disk, from arrays or from files.

    Read more in the :ref:`User Guide <photo-folders>`.

    Parameters
    ----------
    X : array of shape (n, H, W) or (n, H, W, C), list of arrays, or paths
        Images. Arrays are written without loss: bool, uint8 and uint16 as PNG, int32 and
        float32 as TIFF. Files are decoded once, as a check, and copied as they are.
    y : array-like of shape (n,)
        Labels: numbers, or any text, even if it is not a valid name of a folder.
    output : str or path-like
        New or empty folder that contains none of the files of `X`.
    is_valid : array-like of bool, shape (n,), default=None
        True for rows of the validation part. By default all rows are training rows.
    plan : ResamplingPlan, default=None
        The plan of the sampler that made `X`; the manifest names the parents it records.
    names : sequence of length ``plan.n_source``, default=None
        Names of the parents, e.g. their paths; by default their row numbers.
    layout, link, manifest, resume, n_jobs, verbose
        As for :func:`balance_folder`; `link` is for paths and cannot be "rows".

    Returns
    -------
    paths : list of str, length n
        The files written, in the order of `X`, relative to `output`, with "/".

    Raises
    ------
    ValueError
        If labels are missing, two classes would share a folder, images cannot be written or
        read, `plan` has another number of rows, validation rows were drawn, or training rows
        equal or descend from validation rows.
    FileExistsError, OSError
        As :func:`balance_folder`.

    Examples
    --------
    >>> import tempfile
    >>> images = np.zeros((3, 8, 8), dtype=np.uint8)
    >>> paths = export_images(images, ["a/b", "..", "a/b"], tempfile.mkdtemp())
    >>> sorted({os.path.dirname(path) for path in paths})
    ['%2E%2E', 'a%2Fb']
    """
    if link not in ("copy", "hard", "symlink"):
        raise ValueError(f'`link` must be "copy", "hard" or "symlink", got {link!r}.')
    form = Form(layout=layout, link=link, manifest=manifest)
    images, _ = unwrap(X)
    column = column_of(y, "y")
    check_column(column, "y")
    check_consistent_length(images, column)
    labels = as_text([told(label) for label in column])
    flags = np.asarray([False] * len(labels) if is_valid is None else is_valid)
    if others := [flag for flag in flags.ravel().tolist() if flag not in (False, True)]:
        raise ValueError(f"`is_valid` must be True or False for each image, got {others[0]!r}.")
    flags = flags.astype(bool)
    if flags.shape != (len(labels),):
        raise ValueError(f"`is_valid` must have shape {(len(labels),)}, got {flags.shape}.")
    if plan is not None:
        check_plan(plan)
    if plan is not None and len(plan) != len(labels):
        raise ValueError(
            f"`plan` must have one row for each of {counted(len(labels), 'image')}, got "
            f"{len(plan)}."
        )
    if plan is not None and names is not None and len(names) != plan.n_source:
        raise ValueError(
            f"`names` must have one name for each of the {plan.n_source} images that the plan was "
            f"drawn from, got {len(names)}."
        )
    form.check_classes(sorted(set(labels)))
    folder = OutputFolder(output, resume=resume)
    if holds_paths(images):
        files = [os.fspath(path) for path in images]
        rows = _rows_of_files(files, labels, folder, n_jobs)
    else:
        files = None
        rows = _rows_of_arrays(images, labels)
    if plan is not None:
        rows = _with_parents(rows, plan, names)
    rows = [
        replace(row, split="valid" if flag else "train")
        for row, flag in zip(rows, flags, strict=True)
    ]
    side = ("train/", "valid/") if flags.any() else ("", "")
    rows = [
        replace(row, path=_placed(row, side[int(flags[k])], layout)) for k, row in enumerate(rows)
    ]
    if drawn := [row.path for row in rows if row.split == "valid" and row.kind == "synthetic"]:
        raise ValueError(
            f"{counted(len(drawn), 'validation row, was')} drawn, and synthetic images cannot "
            f"validate: {drawn[:3]}. Split the images first, and resample the training part."
        )
    if leaks := find_leaks(rows):
        raise ValueError(
            f"Training rows equal or descend from validation images: {leaks[:3]}, "
            f"{len(leaks)} in all. Put each image and what is made of it on one side in `is_valid`."
        )
    form.check_files(parent for row in rows for parent in row.parents)
    targets = [row.path or "" for row in rows]
    with folder.begun():
        folder.check_contents([*targets, *form.tables])
    folders = {os.path.dirname(name) for name in targets}
    if layout == "folders":
        # Both sides need every class folder: loaders number classes by the folders they find.
        folders |= {f"{part}{encode_label(label)}" for part in side for label in set(labels)}
    folder.make_folders(folders)
    with progress(len(rows), "written", verbose) as done:

        def put(first: int) -> list[tuple[str, int]]:
            put = []
            for k in range(first, min(first + 16, len(rows))):
                sha256, mark = rows[k].sha256 or "", 0
                if files is None:
                    sha256 = folder.write_image(images[k], targets[k])
                else:
                    mark = folder.copy(files[k], targets[k], sha256, link)
                put.append((sha256, mark))
            done(len(put))
            return put

        batches = in_threads(put, ((k,) for k in range(0, len(rows), 16)), n_jobs=n_jobs)
    written = [each for batch in batches for each in batch]
    if files is not None and link != "copy":
        for source, name, (sha256, mark) in zip(files, targets, written, strict=True):
            folder.check_link(source, name, sha256, mark)
    rows = [replace(row, sha256=sha256) for row, (sha256, _) in zip(rows, written, strict=True)]
    rows.sort(key=lambda row: row.split == "train")  # validation rows first; the sort is stable
    if layout == "csv":
        folder.write(LABELS, labels_csv(label_table(rows)))
    copied = targets if files is None or link == "copy" else ()
    folder.finish(rows, manifest, written=copied)
    return targets


def _rows_of_files(
    files: list[str], labels: list[str], folder: OutputFolder, n_jobs: int | None
) -> list[Row]:
    """Return a row for each image file, all of them examined; `path` is the name alone."""
    # A file that lies in the output could be replaced by a row before it is read for another.
    home = Path(os.path.realpath(folder.root))
    for path in files:
        if Path(os.path.realpath(path)).is_relative_to(home):
            raise ValueError(
                f"{path} lies inside the output {str(folder.root)!r}. Choose another output."
            )
    # One file in two classes is a mistake of the caller: no classifier can be right on it.
    label_of: dict[str, str] = {}
    for path, label in zip(files, labels, strict=True):
        if label_of.setdefault(path, label) != label:
            raise ValueError(
                f"{path} is in two classes, {label_of[path]!r} and {label!r}. Give it one label."
            )
    unique = list(label_of)
    records = dict(zip(unique, examine_all(unique, n_jobs=n_jobs), strict=True))
    if broken := [record for record in records.values() if record.error]:
        lines = [f"{record.path}: {record.error}" for record in broken]
        n_all = counted(len(unique), "image file")
        raise ValueError(
            "\n  ".join([f"{len(broken)} of {n_all} cannot be used:", *lines])
            + "\nRepair them, or leave them out of X and y."
        )
    rows = []
    for number, (path, label) in enumerate(zip(files, labels, strict=True)):
        sha256 = records[path].sha256
        digest = digest_of((label, str(number), sha256))
        name = name_file(Path(path).stem[:60], digest, Path(path).suffix)
        rows.append(Row(name, label, "train", "original", (path,), sha256=sha256))
    return rows


def _rows_of_arrays(images: NDArray[Any], labels: list[str]) -> list[Row]:
    """Return a row for each image of an array; `path` is the name alone."""
    if not isinstance(images, np.ndarray) or images.ndim not in (3, 4):
        raise ValueError(
            "`X` must be images of shape (n, H, W) or (n, H, W, C), or paths, got shape "
            f"{getattr(images, 'shape', '?')}. ReshapeImages turns rows of pixels into images."
        )
    if images.dtype.name not in _SUFFIXES:
        raise ValueError(
            f"Images of dtype {images.dtype} cannot be written without loss. Convert them to one "
            f"of {', '.join(_SUFFIXES)}."
        )
    suffix = _SUFFIXES[images.dtype.name]
    rows = []
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        # The pixels' hash makes the name unique; the file's hash replaces it after writing.
        pixels = hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()
        name = name_file(f"{number:06d}", digest_of((label, str(number), pixels)), suffix)
        rows.append(Row(name, label, "train", "original", (), sha256=pixels))
    return rows


def _with_parents(rows: list[Row], plan: ResamplingPlan, names: Sequence[Any] | None) -> list[Row]:
    """Return the rows with the kind, the parents and the step that the plan records of each."""
    related = []
    for k, (row, kind) in enumerate(zip(rows, plan.kind.tolist(), strict=True)):
        sources = plan.sources(k)
        parents, steps = [at for at, _ in sources], tuple(step for _, step in sources[1:])
        row = replace(
            row,
            kind=kind,
            parents=tuple(str(parent if names is None else names[parent]) for parent in parents),
            step=steps[0] if len(steps) == 1 else steps or None,
        )
        related.append(row)
    return related


def _placed(row: Row, side: str, layout: str) -> str:
    """Return the path of a row's file below the output; `side` is "train/", "valid/" or ""."""
    name = row.path or ""
    if layout == "csv":
        return f"images/{name}"
    return f"{side}{encode_label(row.label)}/{name}"
