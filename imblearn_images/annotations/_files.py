"""Files of annotations: read and write data sets in four formats."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images._docstrings import substitute
from imblearn_images.annotations._coco import coco_in, json_of, read_coco
from imblearn_images.annotations._records import Found, assembled
from imblearn_images.annotations._table import csv_of, read_csv
from imblearn_images.annotations._voc import read_voc, xml_of
from imblearn_images.annotations._yolo import EXTRA, extra_of, lines_of, read_yolo, yaml_of
from imblearn_images.core import disk, files
from imblearn_images.core.annotations import Annotations, RunLengths, as_objects
from imblearn_images.core.images import Images, open_images
from imblearn_images.core.parallel import in_threads, progress
from imblearn_images.core.text import counted, printable
from imblearn_images.core.validation import check_lengths

__all__ = ["FORMATS", "read_annotations", "read_with_format", "write_annotations"]

FORMATS = ("coco", "csv", "voc", "yolo")
MANIFEST = "manifest.json"
"""Name of the manifest, which outputs of `balance_annotations` and `convert_annotations` have."""
UNFINISHED = ".unfinished.json"
"""Name of the file that marks an output folder until it is complete."""


def _guessed(root: Path) -> tuple[str, dict[Path, Any]]:
    """Return the format of a file or folder, and what its COCO files hold, which was parsed for it.

    Raises
    ------
    ValueError
        If several formats fit, or none.
    """
    found, contents = [], dict[Path, Any]()
    if root.is_file():
        by_suffix = {".json": "coco", ".csv": "csv", ".xml": "voc", ".yaml": "yolo", ".yml": "yolo"}
        found = [by_suffix[root.suffix.lower()]] if root.suffix.lower() in by_suffix else []
    else:
        folder = root / "Annotations" if (root / "Annotations").is_dir() else root
        if any(folder.glob("*.xml")):
            found.append("voc")
        contents = _coco_files(root)
        if contents:
            found.append("coco")
        if (root / "labels.csv").is_file():
            found.append("csv")
        has_yaml = any((root / name).is_file() for name in ("data.yaml", "data.yml"))
        if has_yaml or any((root / "labels").rglob("*.txt")):
            found.append("yolo")
    if len(found) == 1:
        return found[0], contents
    what = f"several formats ({', '.join(found)})" if found else "none of the formats"
    raise ValueError(
        f"{printable(root)} looks like annotations in {what}. Pass `format`, one of {FORMATS}."
    )


def _coco_files(root: Path) -> dict[Path, Any]:
    """Return the COCO files in a folder and in its folder ``annotations``, with their contents.

    None stands for the content of a file that cannot be read.
    """
    folder = root / "annotations"
    names = sorted(folder.glob("*.json")) if folder.is_dir() else []
    names += sorted(root.glob("*.json"))
    own = (EXTRA, MANIFEST)
    found: dict[Path, Any] = {}
    for name in names:
        if name.name in own:
            continue
        try:
            content = coco_in(name)
        except (ValueError, OSError, RecursionError):
            # In this folder it is meant to be read, as a part of a split: reading will refuse it.
            if name.parent == folder:
                found[name] = None
            continue
        if content is not None:
            found[name] = content
    return found


@substitute
def read_annotations(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002 - the usual name
    images: str | os.PathLike[str] | bool | None = None,
    one_based: bool = True,
    on_error: str = "raise",
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Annotations:
    """Read the boxes, outlines, masks and keypoints of a data set.

    Read more in the :ref:`User Guide <boxes-and-labels>`.

    Parameters
    ----------
    path : path
        A folder, or the file that describes it: COCO's JSON, ``data.yaml``, ``labels.csv``.
    format : {"coco", "csv", "voc", "yolo"}, default=None
        The format; by default guessed, where only one fits. See the notes.
    images : path or False, default=None
        Folder of the images; by default looked for where each format has them. With False, images
        are not opened and need not exist: the annotations must hold their sizes.
    one_based : bool, default=True
        Whether the pixels of Pascal VOC are counted from 1, as its authors do; some tools that
        write its format count from 0.
    on_error : {"raise", "skip"}, default="raise"
        What to do with files that cannot be read, and with images that are missing or whose size
        is not that of the annotations. What is skipped is listed in ``dropped``.
    {n_jobs}
    {progress}

    Returns
    -------
    annotations : Annotations
        Images in the order of their names, or of the JSON file, including those without objects.

    Raises
    ------
    ValueError
        Naming the files that are refused.
    FileNotFoundError
        If `path` does not exist.

    Warns
    -----
    UserWarning
        Once, if objects were left out or cut.

    Notes
    -----
    ========  =====================================================================================
    format    what is read
    ========  =====================================================================================
    coco      ``annotations/*.json`` or one file; images in ``images/``, ``images/train/``,
              ``train/``, ``train2017/`` or beside it. Outlines, masks (run lengths), keypoints,
              ids and all other fields are kept
    csv       ``labels.csv`` with a line per object: path, label, xmin, ymin, xmax, ymax, and more
    voc       ``Annotations/*.xml``; images in ``JPEGImages/`` or beside them
    yolo      ``labels/``, ``images/``, ``data.yaml``: boxes, outlines, keypoints
    ========  =====================================================================================

    A box that reaches beyond the border is cut there and listed in ``cut``; one without area, or
    outside the image, is left out and listed in ``dropped``. XML with a DOCTYPE is refused, because
    its entities can expand without end. A photo with an EXIF orientation is read upright. If the
    annotations give its size as stored, their boxes are turned with it; if neither size fits, it is
    refused.

    Examples
    --------
    >>> import tempfile
    >>> cells = Annotations.of([[[0, 0, 10, 10]], []], [["red"], []], (48, 64))
    >>> folder = tempfile.mkdtemp()
    >>> photos = np.zeros((2, 48, 64), dtype=np.uint8)
    >>> _ = write_annotations(cells, f"{folder}/cells", format="voc", images=photos)
    >>> read_annotations(f"{folder}/cells")
    Annotations(2 images, 1 box: red 1)
    """
    annotations, _ = read_with_format(
        path,
        format,
        images=images,
        one_based=one_based,
        on_error=on_error,
        n_jobs=n_jobs,
        verbose=verbose,
    )
    return annotations


def read_with_format(
    path: str | os.PathLike[str],
    format_: str | None,
    *,
    images: str | os.PathLike[str] | bool | None = None,
    one_based: bool = True,
    on_error: str = "raise",
    n_jobs: int | None = None,
    verbose: int = 0,
) -> tuple[Annotations, str]:
    """Return annotations, and the format that was given or guessed."""
    if format_ is not None:
        _check_choice("format", format_, FORMATS)
    _check_choice("on_error", on_error, ("raise", "skip"))
    root = Path(path)
    if not root.exists():
        raise FileNotFoundError(f"{printable(root)}: no such file or folder.")
    if images is True:
        raise ValueError("`images` must be a folder, None or False, got True. Leave it out.")
    look = images is not False
    folder = None if images is None or images is False else Path(images)
    if folder is not None and not folder.is_dir():
        raise FileNotFoundError(
            f"`images` must be a folder, got {printable(folder)}, which is not one."
        )
    contents = None
    if format_ is None:
        format_, contents = _guessed(root)
    found = _found(root, format_, contents, folder, one_based=one_based)
    if not found.records and not found.refused:
        raise ValueError(
            f"{printable(root)} has no annotations in the format {format_!r}. Name another folder "
            "or format."
        )
    read = assembled(found, look=look, on_error=on_error, n_jobs=n_jobs, verbose=verbose)
    return read, format_


def _found(
    root: Path,
    format_: str,
    contents: dict[Path, Any] | None,
    folder: Path | None,
    *,
    one_based: bool,
) -> Found:
    """Return what the reader of a format finds.

    `contents` are the COCO files of a folder, if they have been parsed; `folder` is that of the
    images, if known.
    """
    if format_ == "voc":
        return read_voc(root, folder, one_based=one_based)
    if format_ == "yolo":
        return read_yolo(root, folder)
    if format_ == "csv":
        return read_csv(root if root.is_file() else root / "labels.csv", folder)
    if root.is_file():
        top = root.parent.parent if root.parent.name == "annotations" else root.parent
        return read_coco({root: None}, top, folder)
    return read_coco(_coco_files(root) if contents is None else contents, root, folder)


def _check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """Raise a ValueError if a parameter has none of the values it can have."""
    if value not in choices:
        raise ValueError(f"`{name}` must be one of {tuple(choices)}, got {value!r}.")


IMAGES_IN = {"coco": "images", "csv": "images", "voc": "JPEGImages", "yolo": "images"}
LOST = {
    "voc": ("polygons", "masks", "keypoints"),
    "yolo": ("masks",),
    "csv": ("polygons", "masks", "keypoints"),
    "coco": (),
}
"""What each format cannot hold."""


@substitute
def write_annotations(
    annotations: Annotations,
    output: str | os.PathLike[str],
    *,
    format: str,  # noqa: A002
    images: Any = "copy",
    resume: bool = False,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Annotations:
    """Write images and annotations as a data set that training programs read.

    Read more in the :ref:`User Guide <boxes-and-labels>`.

    Parameters
    ----------
    annotations : Annotations
        The objects of all images.
    output : path
        New or empty folder.
    format : {"coco", "csv", "voc", "yolo"}
        The format; see the notes.
    images : {"copy", "link"}, images, or None, default="copy"
        Copy the files that ``annotations.paths`` names, or make hard links to them. Images in an
        array are written as PNG or TIFF. None writes only the annotations.
    resume : bool, default=False
        Continue an interrupted run; files that exist already are kept. The result is the same,
        byte for byte.
    {n_jobs}
    {progress}

    Returns
    -------
    written : Annotations
        The same annotations, with the paths of the files in `output`.

    Raises
    ------
    FileExistsError
        If `output` is not empty, or was begun with other annotations or pixels.
    ValueError
        If there are no images to write, or `images` are not those that were annotated.

    Warns
    -----
    UserWarning
        Once, if the format cannot hold all of the annotations.

    Notes
    -----
    ========  =====================================================================================
    format    what is written
    ========  =====================================================================================
    coco      ``images/``, ``annotations/instances_train.json``, ...
    csv       ``images/``, ``labels.csv``, ``classes.txt``
    voc       ``JPEGImages/``, ``Annotations/``, ``ImageSets/Main/``, ``classes.txt``
    yolo      ``images/``, ``labels/``, ``data.yaml``; ``more.json`` for what labels cannot hold
    ========  =====================================================================================

    If the images have a column "split" (see :func:`split_annotations`), each part gets its own
    folder, list or JSON file. An image that occurs several times becomes several files,
    ``cell.jpg`` and ``cell-2.jpg``, because training programs read repeated lines only once.

    See Also
    --------
    read_annotations : Read such a data set.

    Examples
    --------
    >>> import tempfile
    >>> cells = Annotations.of([[[0, 0, 10, 10]], []], [["red"], []], (48, 64))
    >>> folder = Path(tempfile.mkdtemp(), "cells")
    >>> photos = np.zeros((2, 48, 64), dtype=np.uint8)
    >>> _ = write_annotations(cells, folder, format="yolo", images=photos)
    >>> sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))
    ['data.yaml', 'images/0.png', 'images/1.png', 'labels/0.txt', 'labels/1.txt']
    """
    _check_choice("format", format, FORMATS)
    sources = _sources(annotations, images)
    paths = write_set(
        annotations,
        Path(output),
        format,
        sources,
        _names(annotations, images, sources),
        link=isinstance(images, str) and images == "link",
        resume=resume,
        n_jobs=n_jobs,
        verbose=verbose,
    )
    if images is None:
        return annotations
    return replace(annotations, paths=as_objects(paths))


Source = str | Callable[[], NDArray[Any]]
"""The path of a file to copy, or a function that returns the pixels of an image."""


def write_set(
    annotations: Annotations,
    top: Path,
    format_: str,
    sources: Sequence[Source] | None,
    given: Sequence[str],
    *,
    link: bool = False,
    resume: bool = False,
    n_jobs: int | None = None,
    verbose: int = 0,
    more: Mapping[str, Any] | None = None,
) -> list[str]:
    """Write images and annotations into a folder; see :func:`write_annotations`.

    Parameters
    ----------
    annotations : Annotations
        The objects of all images.
    top : Path
        The folder.
    format_ : str
        One of `FORMATS`.
    sources : sequence of n paths and functions, or None
        Files to copy, and functions that return the pixels of the others; None writes no images.
    given : sequence of n str
        Names of the images; equal ones are numbered.
    link, resume, n_jobs, verbose
        As for `write_annotations`; `link` makes hard links.
    more : mapping, default=None
        Content of the manifest besides the hashes of all files; by default there is no manifest.

    Returns
    -------
    paths : list of str
        Paths of the images written.
    """
    names = _names_of_their_own(given)
    splits = _splits(annotations)
    warn_of_losses(annotations, format_)
    _begin(top, _digest(annotations, format_, names, more), resume=resume)
    places = [
        str(Path(IMAGES_IN[format_], *([split] if split and format_ != "voc" else []), name))
        for name, split in zip(names, splits, strict=True)
    ]
    channels = _write_images(
        *(top, places, sources),
        link=link,
        with_channels=format_ == "voc",
        n_jobs=n_jobs,
        verbose=verbose,
    )
    _write_text(top, annotations, format_, names, splits, places, channels)
    if more is not None:
        content = {**more, "format": format_, "images": places}
        _write_manifest(top, content, n_jobs=n_jobs, verbose=verbose)
    # Last of all: as long as the mark is there, the folder is not a data set.
    os.unlink(top / UNFINISHED)
    return [str(top / place) for place in places]


def _write_manifest(
    top: Path, content: Mapping[str, Any], *, n_jobs: int | None, verbose: int
) -> None:
    """Write the manifest: `content`, and the hashes of all files."""
    hashes = hashes_of(top, n_jobs=n_jobs, verbose=verbose)
    whole = {"kind": "annotations", "version": 1, **content, "files": hashes}
    _write(top / MANIFEST, json.dumps(whole, indent=1) + "\n")


def hashes_of(top: Path, *, n_jobs: int | None = None, verbose: int = 0) -> dict[str, str]:
    """Return the SHA-256 of each file below a folder, without manifest and hidden files."""
    names = sorted(
        path.relative_to(top).as_posix()
        for path in top.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    )
    names = [name for name in names if name != MANIFEST]

    def hashed(name: str) -> str:
        with open(top / name, "rb") as file:
            digest = hashlib.sha256()
            while block := file.read(1 << 20):
                digest.update(block)
        done(1)
        return digest.hexdigest()

    with progress(len(names), "hashed", verbose) as done:
        hashes = in_threads(hashed, ((name,) for name in names), n_jobs=n_jobs)
    return dict(zip(names, hashes, strict=True))


def _sources(annotations: Annotations, images: Any) -> list[Source] | None:
    """Return the path of each image, or a function that returns its pixels; None for no images."""
    if images is None:
        return None
    if isinstance(images, str) and images in ("copy", "link"):
        if annotations.paths is None:
            raise ValueError(
                f"`images` must be the images themselves for annotations without paths, got "
                f"{images!r}. Pass the array, or images=None to write only the annotations."
            )
        return [os.fspath(path) for path in annotations.paths]
    home = open_images(images)
    check_lengths(home, annotations)
    if home.paths is not None:
        return [os.fspath(path) for path in home.paths]
    files.check_can_be_written(home.shape_of(0), home.dtype, "Images are written as PNG and TIFF")
    for row in range(len(home)):
        if home.shape_of(row)[:2] != tuple(annotations.sizes[row].tolist()):
            raise ValueError(
                f"`images` must be those that were annotated: row {row} has height and width "
                f"{home.shape_of(row)[:2]}, its annotations are for "
                f"{tuple(annotations.sizes[row].tolist())}. Pass the images in the same order."
            )

    return [_Pixels(home, row) for row in range(len(home))]


@dataclass(frozen=True)
class _Pixels:
    """One image of an array, or of another home of pixels; calling it reads them."""

    images: Images
    row: int

    def __call__(self) -> NDArray[Any]:
        pixels = np.empty((1, *self.images.shape_of(self.row)), dtype=self.images.dtype)
        self.images.read(np.array([self.row]), pixels)
        return pixels[0]

    def check_is(self, path: Path) -> None:
        """Raise a FileExistsError if a file shows other pixels."""
        pixels = self()
        there = files.read_image(path)
        nan = pixels.dtype.kind == "f"
        same = there.size == pixels.size and np.array_equal(
            there.reshape(pixels.shape), pixels, equal_nan=nan
        )
        if not same:
            raise FileExistsError(
                f"{printable(path)} was written from other images: row {self.row} differs. Pass "
                "the same `images`, or choose another `output`."
            )


def _names(annotations: Annotations, images: Any, sources: Sequence[Source] | None) -> list[str]:
    """Return the file names of the images, or row numbers for images without files."""
    n = len(annotations)
    if sources is None:
        paths = annotations.paths
        if paths is not None:
            return [os.path.basename(os.fspath(path)) for path in paths]
        return [f"{row}.png" for row in range(n)]
    if all(isinstance(source, str) for source in sources):
        return [os.path.basename(str(source)) for source in sources]
    dtype = open_images(images).dtype
    suffix = ".png" if dtype in (np.bool_, np.uint8, np.uint16) else ".tif"
    return [f"{row:0{len(str(max(n - 1, 0)))}d}{suffix}" for row in range(n)]


def _names_of_their_own(given: Sequence[str]) -> list[str]:
    """Return different file names for all images; label files need them to differ as stems."""
    # Windows and macOS take "A.jpg" and "a.jpg" for one file.
    taken = {os.path.splitext(name)[0].casefold() for name in given}
    used: set[str] = set()
    numbers: dict[str, int] = {}
    names = []
    for name in given:
        stem, suffix = os.path.splitext(name)
        fresh = stem
        while fresh.casefold() in used or (fresh != stem and fresh.casefold() in taken):
            numbers[stem] = numbers.get(stem, 1) + 1
            fresh = f"{stem}-{numbers[stem]}"
        used.add(fresh.casefold())
        names.append(fresh + suffix)
    return names


def _splits(annotations: Annotations) -> list[str]:
    """Return the part of each image, "train", "val" or "test", or "" where it has none."""
    column = annotations.image_columns.get("split")
    if column is None:
        return [""] * len(annotations)
    splits = [str(split or "") for split in column]
    if bad := [s for s in splits if s not in ("", "train", "val", "test")]:
        raise ValueError(
            f'The column "split" must hold "train", "val", "test" or nothing, got {bad[0]!r}.'
        )
    return splits


def warn_of_losses(annotations: Annotations, format_: str) -> None:
    """Warn if a format cannot hold all of these annotations."""
    lost = [name for name in LOST[format_] if getattr(annotations, name) is not None]
    if format_ == "yolo" and annotations.polygons is not None and annotations.keypoints is not None:
        lost += ["polygons beside keypoints"]  # a line has either
    elif format_ == "yolo" and annotations.polygons is not None:
        several = sum(
            outlines is not None and len(outlines) > 1 for outlines in annotations.polygons
        )
        lost += [f"{counted(several, 'object')} of several outlines"] if several else []
    if lost:
        warnings.warn(
            f"The format {format_!r} cannot hold {', '.join(lost)}, which are left out; boxes are "
            'kept. format="coco" holds everything.',
            UserWarning,
            stacklevel=4,  # the call of a public function that calls write_set
        )


def _digest(
    annotations: Annotations, format_: str, names: Sequence[str], more: Mapping[str, Any] | None
) -> str:
    """Return a hash by which `resume` recognises an output that was begun with the same call."""
    known = [*annotations.classes, *annotations.keypoint_names]
    texts = [format_, known, list(names), annotations.info, more]
    digest = hashlib.sha256(json.dumps(texts, default=str).encode())
    for name in ("boxes", "codes", "offsets", "sizes", "polygons", "keypoints", "masks"):
        _hash_column(digest, name, getattr(annotations, name))
    for columns in (annotations.columns, annotations.image_columns):
        for name, column in columns.items():
            _hash_column(digest, name, column)
    return digest.hexdigest()


def _hash_column(digest: Any, name: str, column: NDArray[Any] | None) -> None:
    """Add a name and the values of an array to a hash; outlines and masks are values, too."""
    digest.update(name.encode())
    if column is None or column.dtype.kind != "O":
        digest.update(b"" if column is None else np.ascontiguousarray(column).tobytes())
        return
    for value in column.tolist():
        arrays = [value.counts] if isinstance(value, RunLengths) else value
        if not isinstance(arrays, (list, tuple)):
            arrays = [value]
        for each in arrays:
            digest.update(each.tobytes() if isinstance(each, np.ndarray) else repr(each).encode())
        digest.update(b"\n")


def _begin(top: Path, digest: str, *, resume: bool) -> None:
    """Make the output folder, or check that an interrupted run in it can be continued."""
    marker = top / UNFINISHED
    if top.exists() and not top.is_dir():
        raise FileExistsError(f"`output` must be a folder, got the file {printable(top)}.")
    if top.is_dir() and any(top.iterdir()):
        begun = ""
        if marker.is_file():
            try:
                begun = str(json.loads(marker.read_text(encoding="utf-8")).get("digest"))
            except (ValueError, AttributeError):
                begun = "damaged"
        if not begun:
            raise FileExistsError(
                f"`output` must be a new or empty folder, got {printable(top)}, which holds files."
            )
        if not resume:
            raise FileExistsError(
                f"{printable(top)} holds an interrupted run. Use resume=True, or remove it."
            )
        if begun != digest:
            raise FileExistsError(
                f"{printable(top)} was begun with other annotations, options or another format. "
                "Remove it, or choose another `output`."
            )
        for partial in top.rglob(".*.partial"):
            # Left by the run that was interrupted, unless a process that still runs writes it.
            if disk.is_partial(partial.name) and not disk.writer_lives(partial.name):
                partial.unlink()
        return
    top.mkdir(parents=True, exist_ok=True)
    _write(marker, json.dumps({"digest": digest}))


def _write(path: Path, text: str | bytes) -> None:
    """Write a file that is whole or absent, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with disk.written_whole(path) as file:
        file.write(text.encode("utf-8") if isinstance(text, str) else text)


def _write_images(
    top: Path,
    places: Sequence[str],
    sources: Sequence[Source] | None,
    *,
    link: bool,
    with_channels: bool,
    n_jobs: int | None,
    verbose: int,
) -> list[int]:
    """Write the images; return the number of channels of each, 3 where it is not looked up."""
    if sources is None:
        return [3] * len(places)
    for folder in dict.fromkeys(Path(place).parent for place in places):
        (top / folder).mkdir(parents=True, exist_ok=True)

    def write(row: int) -> None:
        path, source = top / places[row], sources[row]
        if path.exists():
            if isinstance(source, _Pixels):
                # Files and drawn images are covered by the digest, which holds names and seeds.
                source.check_is(path)
            return
        if not isinstance(source, str):
            files.write_image(path, source())
            return
        if link:
            try:
                os.link(os.path.realpath(source), path)
                return
            except OSError:
                pass  # another disk, or a file system without hard links: copy instead
        with open(source, "rb") as file, disk.written_whole(path) as copied:
            shutil.copyfileobj(file, copied)

    def counted_write(row: int) -> int:
        write(row)
        done(1)
        if not with_channels:
            return 3
        try:
            shape = files.describe(top / places[row]).shape
        except ValueError:  # a copy of what cannot be read, as images=False lets pass
            return 3
        return shape[2] if len(shape) == 3 else 1

    with progress(len(places), "written", verbose, unit="image") as done:
        return in_threads(counted_write, ((row,) for row in range(len(places))), n_jobs=n_jobs)


def _write_text(
    top: Path,
    annotations: Annotations,
    format_: str,
    names: Sequence[str],
    splits: Sequence[str],
    places: Sequence[str],
    channels: Sequence[int],
) -> None:
    """Write the annotation files of a format."""
    parts = list(dict.fromkeys(splits))
    classes = "".join(f"{label}\n" for label in annotations.classes)
    if format_ == "coco":
        for part in parts:
            rows = [row for row, split in enumerate(splits) if split == part]
            text = json_of(annotations, rows, [names[row] for row in rows])
            _write(top / "annotations" / f"instances{'_' if part else ''}{part}.json", text)
    elif format_ == "csv":
        _write(top / "labels.csv", csv_of(annotations, [p.replace(os.sep, "/") for p in places]))
        _write(top / "classes.txt", classes)
    elif format_ == "voc":
        for row, name in enumerate(names):
            xml = xml_of(annotations, row, name, channels[row])
            _write(top / "Annotations" / f"{os.path.splitext(name)[0]}.xml", xml)
        for part in parts:
            stems = [
                f"{os.path.splitext(name)[0]}\n"
                for name, split in zip(names, splits, strict=True)
                if split == part
            ]
            _write(top / "ImageSets" / "Main" / f"{part or 'default'}.txt", "".join(stems))
        _write(top / "classes.txt", classes)
    else:
        for row, place in enumerate(places):
            below = Path("labels", *Path(place).parts[1:]).with_suffix(".txt")
            _write(top / below, lines_of(annotations, row))
        _write(top / "data.yaml", yaml_of(annotations, parts))
        keys = [Path(*Path(place).parts[1:]).as_posix() for place in places]
        if more := extra_of(annotations, keys):
            _write(top / EXTRA, more)
