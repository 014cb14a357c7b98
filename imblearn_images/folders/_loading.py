"""Loading: list the image files of class folders, and their labels."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from imblearn_images._docstrings import substitute
from imblearn_images.core.containers import SUFFIXES
from imblearn_images.core.disk import Paths
from imblearn_images.core.images import FileImages
from imblearn_images.core.text import counted
from imblearn_images.folders._layout import (
    SplitFoldersError,
    check_finished,
    check_level,
    choose_classes,
    find_split,
)
from imblearn_images.folders._manifest import LABELS, MANIFESTS

__all__ = ["load_image_folder"]

OWN_FILES = (*MANIFESTS.values(), LABELS, "classes.png", "contact_sheet.png")
"""Files that this package writes beside class folders; skipped without a note."""


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


@substitute
def load_image_folder(
    path: str | os.PathLike[str],
    *,
    split: str | None = None,
    classes: Sequence[str] | None = None,
    levels: int = 1,
    allow_empty: bool = False,
    as_frame: bool = False,
    reader: Callable[[str], ArrayLike] | None = None,
    suffixes: Sequence[str] | None = None,
) -> Any:
    """List the image files of class folders, and their labels; no file is opened.

    A class folder is a folder inside `path`; its name is the label of every image in it and in
    the folders below it. Hidden files and folders (".name") are skipped. Links are
    followed, and no folder is read twice, so loops of links end.

    Read more in the :ref:`User Guide <photo-folders>`.

    Parameters
    ----------
    path : str or path-like
        The folder that holds the class folders.
    split : str, default=None
        Read the class folders of one split, where `path` holds splits: the name of its folder,
        or "train", "valid" or "test" for any usual name of it, such as ``val``.
    {class_folders}
    levels : int, default=1
        How many levels of folders name a class: with 2, images in ``defect/scratch`` have the label
        "defect/scratch", and those in ``good`` itself "good"; see
        :class:`~imblearn_images.strategies.by_hierarchy`. Folders named in `classes` are then
        classes, or folders above some.
    allow_empty : bool, default=False
        Accept class folders without an image.
    as_frame : bool, default=False
        Return one table instead; needs pandas.
    reader : callable, default=None
        ``reader(path)`` gives the pixels of a file, an array (H, W) or (H, W, C), in formats
        that this library does not read, such as DICOM, NIfTI or ``numpy.load``.
    suffixes : list of str, default=None
        Endings of the names of files that are images, such as ``[".npy"]``, in either case; the
        usual ones by default. Others need a `reader`.

    Returns
    -------
    paths : ndarray of shape (n,), str; or FileImages
        Image files (.png .apng .jpg .jpeg .jpe .jfif .bmp .tif .tiff .webp .gif .ppm .pgm .pbm
        .pnm, in either case), each beginning with `path`, sorted by class, then folder by folder.
        With a `reader` a home of pixels, :class:`~imblearn_images.images.FileImages`, which
        samplers take as they take paths.
    labels : ndarray of shape (n,), str
        Their labels.
    table : pandas.DataFrame of shape (n, 2)
        Instead of both, if `as_frame`: columns ``path`` and ``label``.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If `path` does not exist or is not a folder.
    ValueError
        If there is no class folder, or one without an image; if the folders are not classes but
        splits, or images beside their masks, or if classes lie one level deeper, naming the folder
        that is probably meant (folders named in `classes` are taken all the same); if there is no
        such split or class; if `suffixes` need a `reader`, or `as_frame` is used with one.
    ModuleNotFoundError
        If `as_frame` and pandas is not installed.

    Warns
    -----
    UserWarning
        If files are not images or lie in no class folder, with their number by suffix; if class
        folders hold folders and no images.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as photos:
    ...     for name in ("lime/b.jpg", "kiwi/c.tif", "lime/a.JPG"):
    ...         Path(photos, name).parent.mkdir(exist_ok=True)
    ...         Path(photos, name).touch()
    ...     paths, labels = load_image_folder(photos)
    >>> [Path(path).name for path in paths], labels.tolist()
    (['c.tif', 'a.JPG', 'b.jpg'], ['kiwi', 'lime', 'lime'])

    Labels that are a tree:

    >>> with tempfile.TemporaryDirectory() as parts:
    ...     for name in ("good/a.png", "defect/dent/b.png", "defect/scratch/c.png"):
    ...         Path(parts, name).parent.mkdir(exist_ok=True, parents=True)
    ...         Path(parts, name).touch()
    ...     paths, labels = load_image_folder(parts, levels=2)
    >>> labels.tolist()
    ['defect/dent', 'defect/scratch', 'good']

    Images that only your own function can read:

    >>> from imblearn_images import RandomUnderSampler
    >>> with tempfile.TemporaryDirectory() as scans:
    ...     for name in ("ill/a.npy", "well/b.npy", "well/c.npy"):
    ...         Path(scans, name).parent.mkdir(exist_ok=True)
    ...         np.save(Path(scans, name), np.zeros((8, 8), dtype=np.uint16))
    ...     images, labels = load_image_folder(scans, reader=np.load, suffixes=[".npy"])
    ...     some, _ = RandomUnderSampler(random_state=0).fit_resample(images, labels)
    ...     len(images), len(some), np.asarray(some).shape
    (3, 2, (2, 8, 8))
    """
    root = str(Path(path))
    endings = _check_reader(reader, suffixes, as_frame)
    if split is not None:
        root = find_split(root, split)
    try:
        listing, skipped, notes = find_images(
            root,
            allow_empty=allow_empty,
            classes=classes,
            remedy=", or pass allow_empty=True",
            suffixes=endings,
            levels=levels,
        )
    except SplitFoldersError as error:
        raise ValueError(f'{error} To read one side, pass split="train".') from error
    for note in ([note_on_skipped(skipped)] if skipped else []) + notes:
        warnings.warn(note, UserWarning, stacklevel=2)
    paths = [file for images in listing.values() for file in images]
    labels = [name for name, images in listing.items() for _ in images]
    if as_frame:
        return _frame(path=paths, label=labels)
    files: Any = np.array(paths, dtype=np.str_)
    if reader is not None:
        files = FileImages(files, np.empty(0, dtype=np.intp), reader=reader)
    return files, np.array(labels, dtype=np.str_)


def _check_reader(reader: Any, suffixes: Any, as_frame: bool) -> tuple[str, ...]:
    """Return the suffixes of image files, in lower case; raise where they need a reader."""
    if isinstance(suffixes, (str, bytes)) or not all(
        isinstance(suffix, str) and suffix.startswith(".") for suffix in suffixes or ()
    ):
        raise ValueError(
            f'`suffixes` must be a list of endings with a dot, such as [".npy"], got {suffixes!r}.'
        )
    if suffixes is not None and not suffixes:
        raise ValueError(
            "`suffixes` must hold at least one ending, got an empty list. Leave it out for the "
            "usual ones."
        )
    endings = SUFFIXES if suffixes is None else tuple(suffix.lower() for suffix in suffixes)
    unread = [ending for ending in endings if ending not in SUFFIXES]
    if unread and reader is None:
        raise ValueError(
            f"`suffixes` must be among {' '.join(SUFFIXES)} without a `reader`, got {unread!r}. "
            "Pass a function that reads such a file, e.g. reader=numpy.load."
        )
    if reader is not None and as_frame:
        raise ValueError(
            "`as_frame` must be False with a `reader`, got True: a column of paths cannot hold it. "
            "Make the table from images.paths and the labels."
        )
    return endings


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
    names = sorted(name for name in os.listdir(root) if not name.startswith("."))
    folders = [name for name in names if Path(root, name).is_dir()]
    check_finished(root)
    skipped = [
        os.path.join(root, name) for name in names if name not in folders and name not in OWN_FILES
    ]
    if folders and classes is not None and levels == 1:
        folders = choose_classes(root, folders, classes)
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
    notes = check_level(root, listing) if classes is None and levels == 1 else []
    if levels > 1:
        listing = _by_levels(root, listing, int(levels))
        if classes is not None:
            names = {"/".join(name.split("/")[: n + 1]) for name in listing for n in range(levels)}
            chosen = choose_classes(root, sorted(names), classes)
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


def _frame(**columns: list[Any]) -> Any:
    """Return a pandas.DataFrame of the columns."""
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "`as_frame` needs pandas. Install it: pip install imblearn-images[pandas]"
        ) from error
    return pd.DataFrame(columns)
