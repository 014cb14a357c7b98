"""Splitting: which images are for validation, and what must stay on one side."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images._docstrings import substitute
from imblearn_images.core.columns import as_groups
from imblearn_images.core.duplicates import PHOTOS, near_duplicates
from imblearn_images.core.splitting import merge_groups, split_rows
from imblearn_images.core.text import counted, html_lines, html_table
from imblearn_images.folders._source import Source, read_source

__all__ = ["FolderSplit", "split_folder"]


Groups = str | Callable[[str], Any] | Mapping[str, Any] | Sequence[Any] | None


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

    @property
    def train(self) -> NDArray[np.intp]:
        """Numbers of the files that are for training, shape (n_train,)."""
        return np.flatnonzero(~self.is_valid)

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


def _distinct(groups: Any) -> int:
    """Return the number of different groups."""
    return len({*np.asarray(groups).tolist()})


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
    # Arrays for users; inside, paths share the text of their folders, and labels are one object
    # each.
    paths = np.array(kept.paths, dtype=np.str_)
    return replace(split, paths=paths, labels=split.labels.astype(np.str_))


def split_source(kept: Source, validation: float, groups: Groups, seed: int) -> FolderSplit:
    """Return the split of examined files; with `validation` 0 all are for training.

    A split that is kept stays as it is. Paths and labels are those of `kept`, so that they take
    no memory.
    """
    named = None if groups is None else resolve_groups(kept, groups)
    is_valid, prevented = np.zeros(len(kept.paths), dtype=bool), 0
    # An image of its own on either side; where groups are given, the split itself checks them.
    n_own = 2 if validation and groups is None and kept.sides is None else 1
    check_twins(kept, n_own)
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


def check_twins(kept: Source, n_own: int = 1) -> None:
    """Raise if fewer than `n_own` files of a class differ from those of all classes before it.

    Parameters
    ----------
    kept : Source
        The files.
    n_own : int, default=1
        Minimum number of different images of a class that no class before it contains.

    Raises
    ------
    ValueError
        Naming both classes and two of the files.
    """
    labels = kept.labels
    own, shared = Counter(labels), dict[str, tuple[int, int, Counter[str]]]()
    for row, other in kept.twins.tolist():
        own[labels[row]] -= 1
        if labels[other] != labels[row]:
            shared.setdefault(labels[row], (row, other, Counter()))[2][labels[other]] += 1
    for label, (row, first, others) in shared.items():
        if own[label] < n_own:
            n, n_shared = int((labels == label).sum()), sum(others.values())
            raise ValueError(
                f"{n_shared} of the {n} files of class {label!r} equal files of class "
                f"{others.most_common(1)[0][0]!r}, such as {kept.relative(kept.paths[row])!r} and "
                f"{kept.relative(kept.paths[first])!r}. Remove the folder or the files that "
                "are in the wrong class."
            )


def bound_together(kept: Source) -> NDArray[Any]:
    """Return a number for every file, shape (n,), equal for files that show the same photo.

    Raises
    ------
    ValueError
        If some files are synthetic images: what shows parts of two photos belongs to both sides.
    """
    contents = kept.first_equals()
    if not kept.lineage.manifests:
        return contents
    refuse_drawn(kept)
    return merge_groups(contents, kept.lineage.families)


def refuse_drawn(kept: Source) -> None:
    """Raise if some images are synthetic, and could be split from the photos that they show.

    Raises
    ------
    ValueError
        With their number, and what to split instead.
    """
    if n := int(np.count_nonzero(kept.lineage.drawn)):
        raise ValueError(
            f"{kept.root!r} cannot be split for validation: {n} of "
            f"{counted(len(kept.paths), 'image')} {'was' if n == 1 else 'were'} drawn from "
            f"others, as {kept.lineage.says}, and an image drawn from a photo leaks it. "
            "Split the photos themselves, before they are resampled. To train on all of these "
            "images, pass validation=0 (of balance_folder)."
        )


def needs_pixels(groups: Groups) -> bool:
    """Return whether these groups need a perceptual hash of every file."""
    return isinstance(groups, str) and groups == "near-duplicates"


def resolve_groups(kept: Source, groups: Groups) -> Sequence[Any]:
    """Return the group of every file; see :func:`~imblearn_images.folders.split_folder`."""
    if needs_pixels(groups):
        return group_near(kept)
    if isinstance(groups, str) and groups == "stem-prefix":
        return [re.sub(r"[-_ ][^-_ ]*$", "", Path(path).stem) for path in kept.paths]
    if isinstance(groups, str) or groups is None:
        raise ValueError(
            "`groups` must be a callable, a dict of paths, one value for each file, 'stem-prefix' "
            f"or 'near-duplicates', got {groups!r}."
        )
    if isinstance(groups, Mapping) or callable(groups):
        given = (
            _looked_up(kept, groups)
            if isinstance(groups, Mapping)
            else [groups(path) for path in kept.paths]
        )
        called = [kept.relative(path) for path in kept.paths]
        return as_groups(given, len(called), of="image files", called=called).tolist()
    values = as_groups(groups, kept.n_listed, of=f"image files in {kept.root!r}")
    return [values[row] for row in kept.rows]


def explain_groups(groups: Groups, named: Sequence[Any]) -> str:
    """Return a sentence that describes the groups, for an error."""
    counts = Counter(named)
    largest = ", ".join(f"{name!r} of {n}" for name, n in counts.most_common(3))
    rule = {
        "stem-prefix": '"stem-prefix" groups files by their names up to the last "_", "-" or space',
        "near-duplicates": '"near-duplicates" groups files that look alike',
    }.get(groups if isinstance(groups, str) else "", "The groups are those that were given")
    n_files, n_groups = counted(len(named), "file"), counted(len(counts), "group")
    return f"{rule}: {n_files} in {n_groups}, the largest {largest}."


def group_near(kept: Source) -> list[int]:
    """Return a group number for every file: photos that look alike share one."""
    return near_duplicates(kept.records.phashes(), PHOTOS).tolist()


def _looked_up(kept: Source, groups: Mapping[str, Any]) -> list[Any]:
    """Return the group of every file, as a dict of paths names it."""
    names = [kept.relative(path) for path in kept.paths]
    if any(name not in groups for name in names):  # perhaps with backslashes
        groups = {**{str(path).replace("\\", "/"): groups[path] for path in groups}, **groups}
    if missing := [name for name in names if name not in groups]:
        raise ValueError(
            f"`groups` must name a group for each image file, but has none for {len(missing)} of "
            f"{counted(len(names), 'image file')}, such as {missing[0]!r}. Give the path of each "
            f"below {kept.root!r}, with '/'."
        )
    return [groups[name] for name in names]
