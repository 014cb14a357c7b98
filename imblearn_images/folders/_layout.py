"""The layout of a source: which folders are classes, and what lies in them; no file is opened."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from numbers import Integral
from pathlib import Path

from imblearn_images.core.containers import SUFFIXES
from imblearn_images.core.disk import Paths
from imblearn_images.core.text import counted
from imblearn_images.folders._manifest import MANIFESTS, find_manifest
from imblearn_images.folders._names import LABELS
from imblearn_images.folders._output import WORKSHOP

SPLITS = {
    "train": ("train", "training", "trn"),
    "valid": ("valid", "val", "validation", "dev", "eval"),
    "test": ("test", "testing", "tst", "holdout"),
}
"""Usual names of the folders of training, validation and test images, in lower case."""
_PICTURES = {"images", "image", "imgs", "img", "jpegimages", "photos", "pictures"}
# Names of folders beside photos: taken for classes, they would make a perfect, useless classifier.
_COMPANIONS = {
    *("masks", "mask", "annotations", "annotation", "labels", "label", "groundtruth", "gt"),
    *("ground_truth", "segmentation", "segmentations", "segmentationclass", "bboxes", "boxes"),
}
OWN_FILES = (*MANIFESTS.values(), LABELS, "classes.png", "contact_sheet.png")
"""Files that this package writes beside class folders; skipped without a note."""


class SplitFoldersError(ValueError):
    """The folder holds splits, not class folders; callers append the remedy they offer."""


@dataclass
class Listing:
    """What class folders contain, before any file is opened."""

    paths: Paths = field(default_factory=Paths)
    """Image files; those of `n_regular` come first."""
    labels: list[str] = field(default_factory=list)
    sides: list[str] = field(default_factory=list)
    """The split of each file; empty without splits."""
    n_regular: int = 0
    """Number of regular files. The others have the name of an image, but are a pipe, a broken link
    or the like: they are reported as files that cannot be used, not skipped, because somebody
    expects an image there."""
    classes: list[str] = field(default_factory=list)
    splits: dict[str, str] = field(default_factory=dict)
    """Split ("train", "valid" or "test") to the name of its folder."""
    other_files: dict[str, dict[str, int]] = field(default_factory=dict)
    """Class, or "" for no class, to the endings of files that are not images."""
    notes: list[str] = field(default_factory=list)


def list_folders(
    root: str,
    classes: Sequence[str] | None,
    *,
    keep_split: bool = False,
    allow_empty: bool = False,
) -> Listing:
    """List the class folders in `root`, or with `keep_split` those of every split in it.

    Raises
    ------
    ValueError
        If the folders are not classes, one holds no image, or the splits differ in classes.
    """
    listed, odd = Listing(), Listing()
    if keep_split:
        _add_splits(listed, odd, root, classes)
    else:
        _add(listed, odd, root, classes, allow_empty)
    listed.n_regular = len(listed.paths)
    # Extended in place: there may be a million paths.
    listed.paths.extend(odd.paths)
    listed.labels += odd.labels
    listed.sides += odd.sides
    return listed


def _add(
    listed: Listing,
    odd: Listing,
    root: str,
    classes: Sequence[str] | None,
    allow_empty: bool,
    side: str = "",
) -> None:
    """Add the class folders in `root` to a listing, and what only looks like images to `odd`."""
    listing, skipped, notes = find_images(root, allow_empty=allow_empty, classes=classes)
    strange = [p for p in skipped if _in_class(p, root) and p.lower().endswith(SUFFIXES)]
    is_strange = set(strange)
    rest = [path for path in skipped if path not in is_strange]
    listed.notes += ([note_on_skipped(rest)] if rest else []) + notes
    for label, images in listing.items():
        listed.paths.extend(images)
        listed.labels += [label] * len(images)
        listed.sides += [side] * len(images) if side else []
    odd.paths.extend(strange)
    odd.labels += [_class_of(path, root) for path in strange]
    odd.sides += [side] * len(strange) if side else []
    listed.classes = list(listing)
    by_class: dict[str, list[str]] = {}
    for path in rest:
        label = _class_of(path, root) if _in_class(path, root) else ""
        by_class.setdefault(label, []).append(path)
    for label, files in by_class.items():
        counts = Counter(listed.other_files.get(label, {})) + Counter(count_endings(files))
        listed.other_files[label] = dict(counts.most_common())


def _add_splits(listed: Listing, odd: Listing, root: str, classes: Sequence[str] | None) -> None:
    """Add the class folders of every split in `root`; all must have the same classes."""
    inside: dict[str, list[str]] = {}
    found = find_splits(root)
    for split, name in found.items():
        folder = os.path.join(root, name)
        if split != "train" and not folders_in(folder):
            listed.notes.append(f"{folder!r} holds no class folders and is left out")
            continue
        listed.splits[split] = name
        _add(listed, odd, folder, classes, split != "train", split)
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
    if others := sorted(beside - set(found.values()) - set(OWN_FILES)):
        listed.notes.append(
            f"{counted(len(others), 'entry, was')} left out beside the splits, such as {others[:3]}"
        )
    listed.classes = sorted(inside["train"])


def find_images(
    root: str,
    *,
    allow_empty: bool,
    classes: Sequence[str] | None = None,
    remedy: str = "",
    suffixes: tuple[str, ...] = SUFFIXES,
    levels: int = 1,
) -> tuple[dict[str, Paths], list[str], list[str]]:
    """Return the image files of each class, the other files, and notes.

    The parameters are those of `load_image_folder`; `remedy` is what the caller adds to the error
    for a class without an image.
    """
    if not isinstance(levels, Integral) or isinstance(levels, bool) or levels < 1:
        raise ValueError(f"`levels` must be a number of levels, at least 1, got {levels!r}.")
    # Sorted: the order in a directory differs between machines, and the numbers of rows must not.
    names = sorted(name for name in os.listdir(root) if not name.startswith("."))
    folders = [name for name in names if Path(root, name).is_dir()]
    _check_finished(root)
    skipped = [
        os.path.join(root, name) for name in names if name not in folders and name not in OWN_FILES
    ]
    if folders and classes is not None and levels == 1:
        folders = _choose_classes(root, folders, classes)
    found = {name: _walk(os.path.join(root, name), root, suffixes) for name in folders}
    skipped += [file for _, others in found.values() for file in others]
    note = note_on_skipped(skipped)
    if not found:
        n_own = sum(os.path.splitext(file)[1].lower() in SUFFIXES for file in skipped)
        if n_own:
            note = f"{counted(n_own, 'image, lies')} directly in it. If they are one class, name "
            note += "the folder above"
        raise ValueError(
            f"No class folder in {root!r}: a class folder is a folder inside it that holds the "
            f"images of one class and has its name{f'; {note}' if note else ''}."
        )
    listing = {name: images for name, (images, _) in found.items()}
    # Whoever names classes or levels knows the layout: nothing is to be guessed.
    notes = _check_level(root, listing) if classes is None and levels == 1 else []
    if levels > 1:
        listing = _by_levels(root, listing, int(levels))
        if classes is not None:
            names = {"/".join(name.split("/")[: n + 1]) for name in listing for n in range(levels)}
            chosen = _choose_classes(root, sorted(names), classes)
            listing = {
                name: images
                for name, images in listing.items()
                if any(name == each or name.startswith(f"{each}/") for each in chosen)
            }
    empty = [name for name, images in listing.items() if not images]
    if empty and not allow_empty:
        raise ValueError(
            f"No image in {len(empty)} of {counted(len(found), 'class folder')} of {root!r}: "
            f"{empty[:5]}; {f'{note}; ' if note else ''}images end in {' '.join(suffixes)}. Fill "
            f"or remove these folders, name the others in `classes`{remedy}."
        )
    return listing, skipped, notes


def _walk(
    class_folder: str, root: str, suffixes: tuple[str, ...] = SUFFIXES
) -> tuple[Paths, list[str]]:
    """Return the image files and the other files under a class folder, hidden ones left out."""
    images, others = Paths(), list[str]()
    entered = {os.path.realpath(root)}
    # folders that are being read: what is left of each, in reverse, and what of it is a folder
    levels = [("", [class_folder], {class_folder: os.path.realpath(class_folder)})]
    while levels:
        folder, inside, folders = levels[-1]
        if not inside:
            levels.pop()
            continue
        name = inside.pop()
        path = os.path.join(folder, name)
        if name not in folders:
            images.append(path)
        elif (here := folders[name]) not in entered:
            entered.add(here)
            # of names, which are shorter than paths: there may be a million in one folder
            inside, folders = [], {}
            # a folder that cannot be listed raises: its images must not be lost silently
            for entry in os.scandir(path):
                if entry.name.startswith("."):
                    continue
                # For links, the functions of os.path return False where an entry's methods raise.
                linked = entry.is_symlink()
                if os.path.isdir(entry) if linked else entry.is_dir():
                    # realpath stats every level of the path, so it is called only where needed
                    resolve = linked or os.name == "nt"  # Windows: a junction is not a symlink
                    real = os.path.realpath(entry) if resolve else os.path.join(here, entry.name)
                    folders[entry.name] = real
                    inside.append(entry.name)
                elif entry.name.lower().endswith(suffixes) and os.path.isfile(entry):
                    inside.append(entry.name)
                else:
                    others.append(entry.path)
            inside.sort(reverse=True)
            levels.append((path, inside, folders))
    return images, sorted(others)


def _by_levels(root: str, found: Mapping[str, Paths], levels: int) -> dict[str, Paths]:
    """Return the images of each class, named by its first `levels` folders, joined by "/".

    Folders that hold neither images nor folders become classes without an image.
    """
    listing: dict[str, Paths] = {}
    for images in found.values():
        for file in images:
            parts = os.path.relpath(os.path.dirname(file), root).split(os.sep)
            listing.setdefault("/".join(parts[:levels]), Paths()).append(file)
    for top in found:
        pending = [(os.path.join(root, top), [top])]
        while pending:
            folder, parts = pending.pop()
            name = "/".join(parts)
            with os.scandir(folder) as entries:
                inside = sorted(
                    e.name for e in entries if not e.name.startswith(".") and e.is_dir()
                )
            if len(parts) < levels and inside:
                pending += [(os.path.join(folder, each), [*parts, each]) for each in inside]
            else:
                listing.setdefault(name, Paths())
    return {name: listing[name] for name in sorted(listing)}


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


def _choose_classes(root: str, names: Sequence[str], classes: Sequence[str]) -> list[str]:
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


def _check_finished(root: str) -> None:
    """Raise a ValueError if `root` is an unfinished output of this package, or a part of one."""
    here = os.path.abspath(root)
    # Also the folder above: loaders are pointed at train/, not at the output itself.
    for folder in (here, os.path.dirname(here)):
        inside = os.path.join(folder, WORKSHOP)
        if os.path.isdir(inside) and not os.path.islink(inside):
            raise ValueError(
                f"{folder!r} is an unfinished output. Repeat the call that writes it, "
                "with resume=True (of balance_folder)."
            )


def _check_level(root: str, found: Mapping[str, Sequence[str]]) -> list[str]:
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
    # The same folders in each are the classes; those above them are splits, sites or years.
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
    # "train" beside "train_old" is meant by its exact name.
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


_HINTS = {
    "convert to JPEG": (".heic", ".heif", ".hif", ".avif", ".jp2", ".j2k", ".jxl", ".tga", ".psd"),
    "develop to JPEG or TIFF": (".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf"),
    "export to PNG or TIFF": (".dcm", ".dicom", ".nii", ".mha", ".svs", ".czi", ".lif", ".nd2"),
    "draw as PNG": (".svg", ".pdf", ".eps"),
    "save its frames as images": (".mp4", ".mov", ".avi", ".mkv", ".webm"),
    "pass the array to a sampler": (".npy", ".npz", ".h5", ".hdf5", ".mat"),
    "unpack": (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"),
}
_HINT_OF = {suffix: hint for hint, suffixes in _HINTS.items() for suffix in suffixes}


def note_on_skipped(skipped: list[str]) -> str:
    """Return a note on files that were skipped: their number, three names, suffixes; or ""."""
    if not skipped:
        return ""
    verbs = ("is not an image", "lies") if len(skipped) == 1 else ("are not images", "lie")
    note = (
        f"{counted(len(skipped), 'file')} skipped that {verbs[0]} or {verbs[1]} in no class folder"
    )
    counts = count_endings(skipped)
    endings = [
        f"{n} {suffix or 'without'}" + (f" ({_HINT_OF[suffix]})" if suffix in _HINT_OF else "")
        for suffix, n in list(counts.items())[:8]
    ]
    return f"{note}, such as {', '.join(map(repr, skipped[:3]))}; by ending: {', '.join(endings)}"


def count_endings(files: Sequence[str]) -> dict[str, int]:
    """Return the number of files by suffix in lower case, the most frequent first.

    Examples
    --------
    >>> count_endings(["a.HEIC", "b.heic", "notes"])
    {'.heic': 2, '': 1}
    """
    return dict(Counter(os.path.splitext(path)[1].lower() for path in files).most_common())


def endings_text(counts: Mapping[str, int]) -> str:
    """Format numbers of files by suffix for one cell of a table."""
    return " ".join(f"{suffix or '(none)'}:{n}" for suffix, n in counts.items())


def _in_class(path: str, root: str) -> bool:
    return len(Path(path).relative_to(root).parts) > 1


def _class_of(path: str, root: str) -> str:
    return Path(path).relative_to(root).parts[0]
