"""The source: class folders are listed, examined and split, and never written to."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images._docstrings import substitute
from imblearn_images.core.containers import SUFFIXES
from imblearn_images.core.disk import Paths
from imblearn_images.core.files import MORE_FRAMES
from imblearn_images.core.parallel import progress
from imblearn_images.core.splitting import merge_groups, split_rows
from imblearn_images.core.text import counted, html_lines, html_table, printable
from imblearn_images.folders._grouping import Groups, explain_groups, needs_pixels, resolve_groups
from imblearn_images.folders._labels import find_clashes
from imblearn_images.folders._layout import find_splits, folders_in
from imblearn_images.folders._lineage import Lineage, read_lineage
from imblearn_images.folders._loading import OWN_FILES, count_endings, find_images, note_on_skipped
from imblearn_images.folders._records import FileRecord, FileRecords, Source, examine_all

__all__ = ["FolderSplit", "split_folder"]


def read_source(
    source: str | os.PathLike[str],
    *,
    on_error: str = "raise",
    classes: Sequence[str] | None = None,
    keep_split: bool = False,
    allow_empty: bool = False,
    hash_pixels: bool = False,
    mode: str | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Source:
    """Return the examined files of class folders; each is decoded once.

    Parameters
    ----------
    source : str or path-like
        The folder.
    on_error : {"raise", "skip"}, default="raise"
        What to do with files that cannot be used.
    classes : list of str, default=None
        Take these class folders only.
    keep_split : bool, default=False
        Whether the class folders lie in folders of splits, which stay as they are.
    allow_empty : bool, default=False
        Accept classes without a usable file.
    hash_pixels, mode, n_jobs
        As for `examine_all`.
    verbose : int, default=0
        Progress bar (needs the package tqdm).

    Returns
    -------
    Source

    Raises
    ------
    ValueError
        With `on_error` "raise", naming all files that cannot be used and the reason of each.
        Where a class has no usable file.
    """
    if on_error not in ("raise", "skip"):
        raise ValueError(f'`on_error` must be "raise" or "skip", got {on_error!r}.')
    root = str(Path(source))
    listed = _list_splits(root, classes) if keep_split else _list(root, classes, allow_empty)
    # The same as in `listed`, not copies: there may be a million paths.
    paths = listed.paths
    paths.extend(listed.odd)
    labels = np.array(listed.labels + listed.odd_labels, dtype=object)
    listed.labels.clear()
    sides = np.array([*listed.sides, *listed.odd_sides]) if keep_split else None
    with progress(len(paths), "examined", verbose) as done:
        records = examine_all(paths, hash_pixels=hash_pixels, mode=mode, n_jobs=n_jobs, done=done)
    if sides is not None:
        _refuse_shared(records, sides, root)
    broken = records.broken()
    if broken and on_error == "raise":
        n_all = counted(len(paths), "image file")
        lines = [f"{printable(record.path)}: {record.error}" for _, record in broken]
        raise ValueError(
            "\n  ".join([f"{len(broken)} of {n_all} cannot be used:", *lines])
            + '\nRepair or remove them, or leave them out with on_error="skip".'
        )
    sound, rows = records.sound()
    kept = Source(
        root,
        labels[rows] if broken else labels,
        sound,
        rows,
        len(paths) - len(listed.odd),
        [(labels[row], record) for row, record in broken],
        listed.notes,
        listed.classes,
        listed.other_files,
        listed.splits,
        None if sides is None else sides[rows],
    )
    trained = kept.labels if sides is None else kept.labels[kept.sides == "train"]
    lost = sorted(set(labels if sides is None else kept.classes) - set(trained))
    if lost and not allow_empty:
        raise ValueError(
            f"Class {lost[0]!r} has no file that can be used. inspect_folder reports why; repair "
            "one, or name the other classes in `classes`."
        )
    lineage = read_lineage(kept.paths)
    notes = [f"{file} was written by another program and not read" for file in lineage.strange]
    if n := int(np.count_nonzero(lineage.drawn)):
        verb = "is a drawn image" if n == 1 else "are drawn images"
        total = counted(len(kept.paths), "file")
        notes.append(f"{n} of {total} {verb}, as {_some(lineage)} says")
    return replace(kept, notes=kept.notes + notes + _notes(kept), lineage=lineage)


@dataclass
class _Listing:
    """What class folders contain, before any file is opened."""

    paths: Paths = field(default_factory=Paths)
    labels: list[str] = field(default_factory=list)
    sides: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    """Paths with the name of an image that are a pipe, a broken link or the like. They are reported
    as files that cannot be used, not skipped: somebody expects an image there."""
    odd_labels: list[str] = field(default_factory=list)
    odd_sides: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    splits: dict[str, str] = field(default_factory=dict)
    other_files: dict[str, dict[str, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def _list(
    root: str,
    classes: Sequence[str] | None,
    allow_empty: bool,
    side: str = "",
    listed: _Listing | None = None,
) -> _Listing:
    """List the class folders in `root`; those of a further `side` are added to `listed`."""
    listing, skipped, notes = find_images(root, allow_empty=allow_empty, classes=classes)
    listed = _Listing() if listed is None else listed
    odd = [path for path in skipped if _in_class(path, root) and path.lower().endswith(SUFFIXES)]
    is_odd = set(odd)
    rest = [path for path in skipped if path not in is_odd]
    listed.notes += ([note_on_skipped(rest)] if rest else []) + notes
    for images in listing.values():
        listed.paths.extend(images)
    listed.labels += (labels := [label for label, images in listing.items() for _ in images])
    listed.sides += [side] * len(labels) if side else []
    listed.odd += odd
    listed.odd_labels += [_class_of(path, root) for path in odd]
    listed.odd_sides += [side] * len(odd)
    listed.classes = list(listing)
    by_class: dict[str, list[str]] = {}
    for path in rest:
        label = _class_of(path, root) if _in_class(path, root) else ""
        by_class.setdefault(label, []).append(path)
    for label, files in by_class.items():
        counts = Counter(listed.other_files.get(label, {})) + Counter(count_endings(files))
        listed.other_files[label] = dict(counts.most_common())
    return listed


def _list_splits(root: str, classes: Sequence[str] | None) -> _Listing:
    """List the class folders of every split in `root`; all must have the same classes."""
    listed = _Listing()
    inside: dict[str, list[str]] = {}
    for split, name in find_splits(root).items():
        folder = os.path.join(root, name)
        if split != "train" and not folders_in(folder):
            listed.notes.append(f"{folder!r} holds no class folders and is left out")
            continue
        listed.splits[split] = name
        listed = _list(folder, classes, split != "train", split, listed)
        inside[split] = listed.classes
    if len(inside) < 2:
        raise ValueError(
            f"{root!r} holds class folders for training only, so there is no split to keep. Name "
            f"{os.path.join(root, listed.splits['train'])!r} as the source instead."
        )
    for split, names in inside.items():
        for label in sorted(set(inside["train"]) ^ set(names)):
            here, there = listed.splits["train"], listed.splits[split]
            here, there = (here, there) if label in inside["train"] else (there, here)
            both = sorted(set.intersection(*map(set, inside.values())))
            raise ValueError(
                f"Class {label!r} has a folder in {os.path.join(root, here)!r} and none in "
                f"{os.path.join(root, there)!r}, so that the classes would be numbered "
                "differently on the two sides. Make an empty folder there, or take the classes "
                f"that are in all of them, `classes`: {', '.join(map(repr, both[:20]))}."
            )
    beside = {name for name in os.listdir(root) if not name.startswith(".")}
    if others := sorted(beside - set(find_splits(root).values()) - set(OWN_FILES)):
        listed.notes.append(
            f"{counted(len(others), 'entry, was')} left out beside the splits, such as {others[:3]}"
        )
    listed.classes = sorted(inside["train"])
    return listed


def _refuse_shared(records: FileRecords, sides: NDArray[np.str_], root: str) -> None:
    """Mark training files that equal a file of another split as unusable, in `records`."""
    first: dict[str, int] = {}
    broken = {row for row, _ in records.broken()}
    rows = [row for row in range(len(records)) if row not in broken]
    for row in rows:
        if sides[row] != "train":
            first.setdefault(records.sha256(row), row)
    for row in rows:
        if sides[row] == "train" and (other := first.get(records.sha256(row))) is not None:
            path = os.path.relpath(records.paths[other], root).replace(os.sep, "/")
            reason = f"equals {path!r}, which is held back from training"
            records[row] = FileRecord(records.paths[row], error=reason)


def _distinct(groups: Any) -> int:
    """Return the number of different groups."""
    return len({*np.asarray(groups).tolist()})


@dataclass(frozen=True)
class FolderSplit:
    """The files of a folder, split into training and validation.

    Read more in the :ref:`User Guide <photo-folders>`.
    """

    paths: NDArray[np.str_]
    """Image files, shape (n,)."""
    labels: NDArray[np.str_]
    """Class of each file, shape (n,)."""
    is_valid: NDArray[np.bool_]
    """Whether each file is for validation, shape (n,)."""
    groups: NDArray[Any] | None
    """Group of each file, shape (n,), or None without `groups`."""
    n_prevented: int
    """Number of files that a plain stratified split with the same seed would have put into
    validation while an equal file, or one of their group, was in training."""

    def __repr__(self) -> str:
        classes = counted(len(np.unique(self.labels)), "class")
        grouped = "" if self.groups is None else f" in {counted(_distinct(self.groups), 'group')}"
        n_valid = int(self.is_valid.sum())
        sides = f"{len(self.paths) - n_valid} train, {n_valid} validate"
        return f"FolderSplit({classes}{grouped}: {sides})"

    def _repr_html_(self) -> str:
        labels, at = np.unique(self.labels, return_inverse=True)
        valid = np.bincount(at, self.is_valid, len(labels)).astype(int)
        total = np.bincount(at, minlength=len(labels))
        rows = list(zip(labels.tolist(), (total - valid).tolist(), valid.tolist(), strict=True))
        prevented = f"{counted(self.n_prevented, 'leak')} prevented" if self.n_prevented else ""
        return html_table(["class", "train", "validate"], rows) + html_lines(
            filter(None, [repr(self), prevented])
        )

    def to_frame(self) -> Any:
        """Return a pandas.DataFrame with columns path, label and is_valid, validation first."""
        import pandas as pd

        table = pd.DataFrame({"path": self.paths, "label": self.labels, "is_valid": self.is_valid})
        return table.sort_values("is_valid", ascending=False, kind="stable", ignore_index=True)


@substitute
def split_folder(
    source: str | os.PathLike[str],
    *,
    validation: float = 0.2,
    groups: Groups = None,
    classes: Sequence[str] | None = None,
    on_error: str = "raise",
    random_state: int = 0,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> FolderSplit:
    """Split the images of class folders into training and validation; nothing is written.

    Every class keeps its share. Files of equal content always stay on one side.

    Read more in the :ref:`User Guide <photo-folders>`.

    Parameters
    ----------
    source : str or path-like
        Folder with class folders, as for :func:`load_image_folder`.
    validation : float, default=0.2
        Share of the images for validation, above 0 and below 1.
    groups : callable, dict, array-like of shape (n,) or str, default=None
        What must stay on one side: photos of one patient, plant or burst. A callable takes a
        path and returns its group; a dict maps each path below `source`, written with "/", to its
        group; an array has one value per file, in the order of :func:`load_image_folder`.
        "stem-prefix" groups files by their names up to the last "_", "-" or space;
        "near-duplicates" groups photos by a perceptual hash (needs the package ImageHash).
    {class_folders}
    on_error : {"raise", "skip"}, default="raise"
        What to do with files that cannot be used.
    random_state : int, default=0
        Seed of the split.
    {n_jobs}
    {progress}

    Returns
    -------
    FolderSplit

    Raises
    ------
    ValueError
        Naming all files that cannot be used, a class that is too small to be split, two classes
        with the same files, or what is wrong with `groups`.

    Examples
    --------
    >>> import tempfile
    >>> from imblearn_images.core.files import write_image
    >>> photos = Path(tempfile.mkdtemp())
    >>> for row in range(20):
    ...     name = photos / ("kiwi", "lime")[row % 4 == 0] / f"plant{row // 4}_{row}.png"
    ...     name.parent.mkdir(exist_ok=True)
    ...     write_image(name, np.full((4, 4), row, dtype=np.uint8))
    >>> split = split_folder(photos, groups="stem-prefix")
    >>> len({Path(path).name[:6] for path in split.paths[split.is_valid]})
    1
    >>> split.n_prevented > 0
    True
    """
    kept = read_source(
        source,
        on_error=on_error,
        classes=classes,
        hash_pixels=needs_pixels(groups),
        n_jobs=n_jobs,
        verbose=verbose,
    )
    split = split_source(kept, validation, groups, random_state)
    paths = np.array(kept.paths, dtype=np.str_)
    return replace(split, paths=paths, labels=split.labels.astype(np.str_))


def split_source(kept: Source, validation: float, groups: Groups, seed: int) -> FolderSplit:
    """Return the split of examined files; with `validation` 0 all are for training.

    A split that is kept stays as it is. Paths and labels are those of `kept`, so that they take
    no memory.
    """
    named = None if groups is None else resolve_groups(kept, groups)
    is_valid, prevented = np.zeros(len(kept.paths), dtype=bool), 0
    n_own = 2 if validation and groups is None and kept.sides is None else 1
    check_twins(kept, kept.records.first_equals(), n_own)
    if kept.sides is not None:
        is_valid = kept.sides != "train"
    elif validation:
        together = bound_together(kept)
        try:
            is_valid, prevented = split_rows(kept.labels, together, named, validation, seed)
        except ValueError as error:
            if named is None:
                raise
            raise ValueError(f"{error} {explain_groups(groups, named)}") from error
    return FolderSplit(
        kept.paths,  # type: ignore[arg-type]  # an array where it is handed out
        kept.labels,
        is_valid,
        None if named is None else np.asarray(named),
        prevented,
    )


def check_twins(kept: Source, first: NDArray[np.intp], n_own: int = 1) -> None:
    """Raise if fewer than `n_own` files of a class differ from those of all classes before it.

    Parameters
    ----------
    kept : Source
        The files.
    first : ndarray of shape (n,)
        For each file the first one that has the same bytes.
    n_own : int, default=1
        Minimum number of different images of a class that no class before it contains.

    Raises
    ------
    ValueError
        Naming both classes and two of the files.
    """
    labels = kept.labels
    own, shared = Counter(labels), dict[str, tuple[int, Counter[str]]]()
    for row in np.flatnonzero(first != np.arange(len(first))).tolist():
        other = int(first[row])
        own[labels[row]] -= 1
        if labels[other] != labels[row]:
            shared.setdefault(labels[row], (row, Counter()))[1][labels[other]] += 1
    for label, (row, others) in shared.items():
        if own[label] < n_own:
            n, n_shared = int((labels == label).sum()), sum(others.values())
            raise ValueError(
                f"{n_shared} of the {n} files of class {label!r} equal files of class "
                f"{others.most_common(1)[0][0]!r}, such as {kept.relative(kept.paths[row])!r} and "
                f"{kept.relative(kept.paths[first[row]])!r}. Remove the folder or the files that "
                "are in the wrong class."
            )


def bound_together(kept: Source) -> NDArray[Any]:
    """Return a number for every file, shape (n,), equal for files that show the same photo.

    Raises
    ------
    ValueError
        If some files are synthetic images: what shows parts of two photos belongs to both sides.
    """
    contents = kept.records.first_equals()
    if kept.lineage is None or not kept.lineage.manifests:
        return contents
    refuse_drawn(kept.lineage, kept.root)
    return merge_groups(contents, kept.lineage.families)


def refuse_drawn(lineage: Lineage, root: str) -> None:
    """Raise if some images are synthetic, and could be split from the photos that they show.

    Raises
    ------
    ValueError
        With their number, and what to split instead.
    """
    if n := int(np.count_nonzero(lineage.drawn)):
        raise ValueError(
            f"{root!r} cannot be split for validation: {n} of "
            f"{counted(len(lineage.drawn), 'image')} {'was' if n == 1 else 'were'} drawn from "
            f"others, as {_some(lineage)} says, and an image drawn from a photo leaks it. "
            "Split the photos themselves, before they are resampled. To train on all of these "
            "images, pass validation=0 (of balance_folder)."
        )


def _some(lineage: Lineage) -> str:
    """Name the first manifest, and how many more there are."""
    more = len(lineage.manifests) - 1
    return lineage.manifests[0] + (f", with {more} more," if more else "")


def _in_class(path: str, root: str) -> bool:
    return len(Path(path).relative_to(root).parts) > 1


def _class_of(path: str, root: str) -> str:
    return Path(path).relative_to(root).parts[0]


def _notes(kept: Source) -> list[str]:
    """Return what is odd about the files: frames, names, images in two classes, like classes."""
    notes = []
    if kept.broken:
        notes.append(f"{counted(len(kept.broken), 'file')} left out that cannot be used")
    for found, text in (
        (
            [r.path for r in kept.records if r.has_more_frames],
            MORE_FRAMES,
        ),
        ([r.path for r in kept.records if r.misnamed], "whose name says another format"),
    ):
        if found:
            notes.append(f"{counted(len(found), 'file')} {text}, such as {found[0]!r}")
    first = kept.records.first_equals()
    for row in np.flatnonzero(first != np.arange(len(first))).tolist():
        if kept.labels[first[row]] != kept.labels[row]:
            one, other = kept.paths[first[row]], kept.paths[row]
            notes.append(f"one image in two classes: {one!r} and {other!r}")
            break
    if clashes := find_clashes(sorted(set(kept.labels))):
        notes.append(f"classes that differ in case or composed letters only: {clashes}")
    return notes
