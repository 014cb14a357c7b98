"""Layouts: find the level of the class folders, and folders that are not classes at all."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from imblearn_images.folders._manifest import LABELS, find_manifest
from imblearn_images.folders._store import WORKSHOP

SPLITS = {
    "train": ("train", "training", "trn"),
    "valid": ("valid", "val", "validation", "dev", "eval"),
    "test": ("test", "testing", "tst", "holdout"),
}
"""Usual names of the folders of training, validation and test images, in lower case."""

_PICTURES = {"images", "image", "imgs", "img", "jpegimages", "photos", "pictures"}
_COMPANIONS = {
    *("masks", "mask", "annotations", "annotation", "labels", "label", "groundtruth", "gt"),
    *("ground_truth", "segmentation", "segmentations", "segmentationclass", "bboxes", "boxes"),
}


class SplitFoldersError(ValueError):
    """The folder holds splits, not class folders; callers append the remedy they offer."""


def kind_of_split(name: str) -> str:
    """Return the split that a folder's name means, "train", "valid" or "test"; otherwise "".

    Examples
    --------
    >>> [kind_of_split(name) for name in ("Train", "val", "testing", "cat")]
    ['train', 'valid', 'test', '']
    """
    return next((kind for kind, names in SPLITS.items() if name.lower() in names), "")


def find_splits(root: str) -> dict[str, str]:
    """Return the splits in `root`, "train", "valid" or "test", and the name of each one's folder.

    Raises
    ------
    ValueError
        If there is none for training, or two for one split.
    """
    names = folders_in(root)
    found: dict[str, str] = {}
    for kind in SPLITS:
        named = _called(names, kind)
        if len(named) > 1:
            raise ValueError(
                f"{root!r} holds two folders for one split, {named[0]!r} and {named[1]!r}. "
                "Merge them, or rename the one that is not meant."
            )
        found |= dict.fromkeys([kind], named[0]) if named else {}
    if "train" not in found:
        raise ValueError(
            f"{root!r} must hold a folder called {' or '.join(SPLITS['train'])}, got "
            f"{_some(names)}. Name the folder that holds the splits."
        )
    return found


def find_split(root: str, split: str) -> str:
    """Return the path of the folder of one split in `root`, given the folder's or split's name.

    Raises
    ------
    ValueError
        If there is no such folder, or several, naming those that there are.
    """
    names = folders_in(root)
    kind = kind_of_split(split) if isinstance(split, str) else ""
    named = [name for name in names if name == split] or (_called(names, kind) if kind else [])
    if len(named) == 1:
        return os.path.join(root, named[0])
    if not named:
        raise ValueError(f"`split` must be a folder in {root!r}, got {split!r}: {_some(names)}.")
    raise ValueError(f"`split` must be one of the folders {named} in {root!r}, got {split!r}.")


def folders_in(root: str) -> list[str]:
    """Return the sorted names of the folders in a folder, hidden ones left out."""
    return sorted(
        name
        for name in os.listdir(root)
        if not name.startswith(".") and os.path.isdir(os.path.join(root, name))
    )


def choose_classes(root: str, names: Sequence[str], classes: Sequence[str]) -> list[str]:
    """Return the class folders that were requested, in the order of `names`.

    Raises
    ------
    TypeError
        If `classes` is not a list of names.
    ValueError
        Naming the class that has no folder.
    """
    if isinstance(classes, (str, bytes)):
        raise TypeError(f"`classes` must be a list of names of class folders, got {classes!r}.")
    wanted = list(classes)
    if odd := [name for name in wanted if not isinstance(name, str)]:
        raise TypeError(f"`classes` must hold names of class folders, got {odd[0]!r}.")
    if not wanted:
        raise ValueError("`classes` must name at least one class folder, got none.")
    for name in wanted:
        if name not in names:
            near = get_close_matches(name, names, 1)
            raise ValueError(
                f"`classes` must name class folders of {root!r}, got {name!r}. "
                + (f"Did you mean {near[0]!r}?" if near else f"There are {_some(names)}.")
            )
    return [name for name in names if name in wanted]


def check_finished(root: str) -> None:
    """Raise a ValueError if `root` is an unfinished output of this package, or a part of one."""
    here = os.path.abspath(root)
    for folder in (here, os.path.dirname(here)):
        inside = os.path.join(folder, WORKSHOP)
        if os.path.isdir(inside) and not os.path.islink(inside):
            raise ValueError(
                f"{folder!r} is an unfinished output. Repeat the call that writes it, "
                "with resume=True (of balance_folder)."
            )


def check_level(root: str, found: Mapping[str, Sequence[str]]) -> list[str]:
    """Check by their names and contents that folders are classes.

    Parameters
    ----------
    root : str
        The folder.
    found : dict
        Names of the folders in it, and the image files of each.

    Returns
    -------
    notes : list of str
        What looks odd, but may be meant as it is.

    Raises
    ------
    ValueError
        Naming the folder that is meant instead.
    """
    shapes = {name: _shape(images, os.path.join(root, name)) for name, images in found.items()}
    _refuse_tables(root, found)
    _refuse_splits(root, shapes)
    _refuse_companions(root, found, shapes)
    return _look_into(root, shapes)


def _refuse_tables(root: str, found: Mapping[str, Sequence[str]]) -> None:
    """Raise a ValueError for an output of this package with the layout "csv"."""
    is_table = os.path.isfile(os.path.join(root, LABELS)) and find_manifest(root) is not None
    if list(found) == ["images"] and is_table:
        raise ValueError(
            f"{root!r} is an output with the layout csv: its classes are in {LABELS}, not in "
            "folders. Name the folder that it was made from, or write class folders from there, "
            'layout="folders" (of balance_folder).'
        )


def _refuse_splits(root: str, shapes: Mapping[str, tuple[bool, list[str]]]) -> None:
    """Raise a SplitFoldersError if the folders are splits; `shapes` as `_shape` returns them."""
    named = {name: kind for name in shapes if (kind := kind_of_split(name))}
    if len(named) < len(shapes):
        # Other folders lie beside them. A "train" that holds images itself is a class like those
        # (locomotives, say); one that holds only folders is a split all the same.
        outer = [name for name, kind in named.items() if kind == "train" and not shapes[name][0]]
        named = named if outer and len(named) > 1 else {}
    if not named:
        # Names such as seg_train and seg_test mean splits only where class folders are inside.
        loose = {
            name: kind
            for name, (direct, inner) in shapes.items()
            if inner and not direct and (kind := _loosely(name))
        }
        if "train" in loose.values() and len(set(loose.values())) > 1:
            named = loose
    if not named:
        return
    meant = next((name for name, kind in named.items() if kind == "train"), next(iter(named)))
    direct, inner = shapes[meant]
    if len(inner) == 1 and not direct and _loosely(inner[0]):  # such as seg_train/seg_train
        meant = os.path.join(meant, inner[0])
    raise SplitFoldersError(
        f"{root!r} holds the splits {_some(list(named))}, not class folders. "
        f"Name one of them, such as {os.path.join(root, meant)!r}. "
        f"If they are classes all the same, name them in `classes`: {_some(list(named))}."
    )


def _refuse_companions(
    root: str,
    found: Mapping[str, Sequence[str]],
    shapes: Mapping[str, tuple[bool, list[str]]],
) -> None:
    """Raise a ValueError for images beside their masks or annotations, here or one level down."""
    places = [(root, list(found))]
    places += [(os.path.join(root, name), inner) for name, (_, inner) in shapes.items()]
    for folder, names in places:
        pictures = [name for name in names if name.lower() in _PICTURES]
        companions = [name for name in names if name.lower() in _COMPANIONS]
        if not (pictures and companions):
            continue
        remedy = (
            f"Name the folder whose folders are classes; {os.path.join(root, pictures[0])!r} has "
            f"{_some(shapes[pictures[0]][1])}. If they are classes all the same, name them "
            f"in `classes`: {_some([*pictures, *companions])}."
            if folder == root
            else f"Put what is in {companions[0]!r} beside {root!r}, not in it."
        )
        raise ValueError(
            f"{folder!r} holds {pictures[0]!r} beside {companions[0]!r}: images and their "
            f"annotations, not classes. {remedy}"
        )


def _look_into(root: str, shapes: Mapping[str, tuple[bool, list[str]]]) -> list[str]:
    """Raise if the classes seem to lie one level deeper; return a note where some may."""
    nested = {name: inner for name, (direct, inner) in shapes.items() if inner and not direct}
    full = [name for name, (direct, inner) in shapes.items() if inner or direct]
    if not nested:
        return []
    first = next(iter(nested))
    alike = len(nested[first]) > 1 and all(inner == nested[first] for inner in nested.values())
    if len(nested) == len(full) and (alike or len(nested) == 1) and len(nested[first]) > 1:
        raise ValueError(
            f"{root!r} holds no images but folders of folders: "
            f"{_some([f'{first}/{inner}' for inner in nested[first]])}. Name the folder whose "
            f"folders are classes, such as {os.path.join(root, first)!r}. If the outer ones are "
            f"the classes, name them in `classes`: {_some(list(nested))}."
        )
    if len(nested) == len(full) == 1:
        raise ValueError(
            f"{root!r} holds one folder with one folder in it, {first}/{nested[first][0]}. Name "
            f"the folder whose folders are classes, such as {os.path.join(root, first)!r}. If "
            f"{first!r} is the class, name it in `classes`."
        )
    # Beside class folders with images: not an error, but maybe not what was meant.
    first = max(nested, key=lambda name: len(nested[name]))
    if len(nested[first]) < 2:
        return []
    names = f"{first!r} is read as one class, with the folders {_some(nested[first])}"
    note = (
        f"{len(nested)} of {len(full)} class folders hold folders and no images: {names}. If the "
        f"inner ones are classes, name {os.path.join(root, first)!r} instead"
    )
    return [note]


def _shape(images: Sequence[str], folder: str) -> tuple[bool, list[str]]:
    """Return whether images lie directly in a folder, and which folders in it hold some."""
    start, direct, inner = len(folder) + 1, False, dict[str, None]()
    for path in images:
        end = path.find(os.sep, start)
        if end < 0:
            direct = True
        else:
            inner[path[start:end]] = None
    return direct, sorted(inner)


def _called(names: Sequence[str], kind: str) -> list[str]:
    """Return the folders named after a split, exactly or, if there is none, loosely."""
    exact = [name for name in names if kind_of_split(name) == kind]
    return exact or [name for name in names if _loosely(name) == kind]


def _loosely(name: str) -> str:
    """Return the split that a word of a folder's name means, as in "seg_train"; otherwise ""."""
    words = re.split(r"[^a-z]+", name.lower())
    return next((kind for word in words if (kind := kind_of_split(word))), "")


def _some(names: Sequence[str]) -> str:
    """List up to five names, and how many more there are."""
    listed = ", ".join(map(repr, names[:5])) or "no folders"
    return listed + (f" and {len(names) - 5} more" if len(names) > 5 else "")
