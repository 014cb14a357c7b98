"""Records: what the readers of all formats return for each image, and annotations made of them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from imblearn_images.core import files
from imblearn_images.core.annotations import (
    Annotations,
    Dropped,
    RunLengths,
    as_objects,
    box_of_mask,
    mask_of_outlines,
)
from imblearn_images.core.parallel import in_threads, progress
from imblearn_images.core.text import counted, printable

__all__ = [
    "SUFFIXES",
    "Found",
    "Record",
    "RefusedError",
    "Thing",
    "assembled",
    "image_files",
    "listed_classes",
    "read_text",
    "value_of",
]

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
MOST_BYTES = 1 << 30
"""Maximum size of one annotation file; the instances of COCO 2017 take 448 MB."""


class RefusedError(ValueError):
    """Why one file or image of annotations is refused; the caller adds the name of the file."""


@dataclass
class Thing:
    """One object as a file describes it."""

    label: str
    box: Sequence[float] | None = None
    """x_min, y_min, x_max, y_max at pixel edges, or as shares of the size (`Record.in_shares`)."""
    outlines: tuple[NDArray[np.float64], ...] | None = None
    runs: RunLengths | None = None
    points: NDArray[np.float64] | None = None
    more: dict[str, Any] = field(default_factory=dict)


@dataclass
class Record:
    """One image as a file describes it."""

    file: str
    """Path of the image, as far as it is known."""
    where: str
    """The file that describes it, for messages."""
    size: tuple[int, int] | None = None
    """Height and width, if the file has them."""
    things: list[Thing] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)
    in_shares: bool = False
    """Whether coordinates are given as shares of width and height."""


@dataclass
class Found:
    """Everything that a reader of a format has found."""

    records: list[Record]
    classes: list[str] | None = None
    info: dict[str, Any] = field(default_factory=dict)
    keypoint_names: tuple[str, ...] = ()
    refused: list[tuple[str, str]] = field(default_factory=list)
    """Files, and why each was refused."""


def read_text(path: str | os.PathLike[str]) -> str:
    """Return the text of a file.

    Raises
    ------
    RefusedError
        If the file is not UTF-8, or too large.
    """
    n_bytes = os.stat(path).st_size
    if n_bytes > MOST_BYTES:
        raise RefusedError(f"it has {n_bytes / 1e6:.0f} MB, more than {MOST_BYTES / 1e6:.0f}")
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedError(f"it is not UTF-8 text: {error.reason} at byte {error.start}") from error


def listed_classes(path: Path, found: Found) -> list[str] | None:
    """Return the classes in a file with one a line; None if there is none.

    A file that cannot be read is added to what `found` refuses.
    """
    if not path.is_file():
        return None
    try:
        lines = [line.strip() for line in read_text(path).splitlines()]
    except RefusedError as error:
        found.refused.append((str(path), str(error)))
        return None
    return [line for line in lines if line] or None


def value_of(text: str) -> int | str:
    """Return a text as an integer if it is one that 64 bits hold, else as it is."""
    return int(text) if text.removeprefix("-").isdecimal() and len(text) < 19 else text


def image_files(folder: Path) -> list[Path]:
    """Return the image files below a folder, sorted by path, without hidden ones."""
    found = []
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(here, name)
            for name in names
            if name.lower().endswith(SUFFIXES) and not name.startswith(".")
        ]
    return sorted(found)


def assembled(
    found: Found, *, look: bool, on_error: str, n_jobs: int | None, verbose: int
) -> Annotations:
    """Return the annotations made of what a reader has found.

    Parameters
    ----------
    found : Found
        What a reader returned.
    look : bool
        Whether to open the image files, to check that they exist and have the size given.
    on_error : {"raise", "skip"}
        What to do with files and images that are refused.
    n_jobs : int or None
        Threads.
    verbose : int
        Whether to show a progress bar.

    Raises
    ------
    ValueError
        Naming the files and images that are refused, and why.
    """
    refused = list(found.refused)
    sizes = _sizes(found.records, look=look, n_jobs=n_jobs, verbose=verbose)
    kept: list[tuple[Record, tuple[int, int]]] = []
    for record, size in zip(found.records, sizes, strict=True):
        if isinstance(size, str):
            refused.append((record.where or record.file, size))
        else:
            kept.append((record, size))
    if refused and on_error == "raise":
        shown = "\n".join(f"  {printable(name)}: {reason}" for name, reason in refused[:10])
        more = f"\n  and {len(refused) - 10} more" if len(refused) > 10 else ""
        raise ValueError(
            f"Annotations must be readable, {counted(len(refused), 'file, is')} not. Correct them, "
            f'or leave them out with on_error="skip":\n{shown}{more}'
        )
    annotations = _in_columns(kept, found)
    gone = tuple(Dropped(-1, name, -1, "", reason) for name, reason in refused)
    annotations = replace(annotations, dropped=gone + annotations.dropped)
    _warn_of_changes(annotations)
    return annotations


def _sizes(
    records: Sequence[Record], *, look: bool, n_jobs: int | None, verbose: int
) -> list[tuple[int, int] | str]:
    """Return height and width of every image, or the reason why it is refused."""

    def size_of(record: Record) -> tuple[int, int] | str:
        if not look:
            return record.size or "the size of the image is not given, and images=False"
        try:
            shape = files.describe(record.file).shape[:2]
        except (OSError, ValueError) as error:
            if not os.path.exists(record.file):
                return f"the image {record.file} does not exist"
            return str(error)
        seen = (int(shape[0]), int(shape[1]))
        if record.size in (None, seen):
            return seen
        stored, orientation = _as_stored(record.file)
        # Orientations above 4 swap height and width: the objects were marked before the turn.
        if record.size == stored and orientation > 4:
            _turn(record, stored, orientation)
            return seen
        return f"its height and width must be those of {record.file}, {seen}, got {record.size}"

    def sizes_of(some: Sequence[Record]) -> list[tuple[int, int] | str]:
        sizes = [size_of(record) for record in some]
        done(len(some))
        return sizes

    batches = [records[lo : lo + 64] for lo in range(0, len(records), 64)]
    with progress(len(records), "examined", verbose, unit="image") as done:
        found = in_threads(sizes_of, ((batch,) for batch in batches), n_jobs=n_jobs)
    return [size for batch in found for size in batch]


def _as_stored(path: str) -> tuple[tuple[int, int], int]:
    """Return height and width of an image as stored, and its EXIF orientation."""
    with Image.open(path) as image:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        return (image.height, image.width), orientation if isinstance(orientation, int) else 1


# EXIF orientations 5 to 8: whether x, and whether y, of the stored image is reversed when turned
_BACKWARDS = {5: (False, False), 6: (False, True), 7: (True, True), 8: (True, False)}


def _turn(record: Record, stored: tuple[int, int], orientation: int) -> None:
    """Turn the objects of a record, which were marked in the image as stored, with the image."""
    height, width = stored
    flip_x, flip_y = _BACKWARDS[orientation]

    def turned(points: NDArray[np.float64]) -> NDArray[np.float64]:
        x = width - points[:, 0] if flip_x else points[:, 0]
        y = height - points[:, 1] if flip_y else points[:, 1]
        return np.column_stack([y, x])

    for thing in record.things:
        if thing.box is not None:
            corners = turned(np.array(thing.box, dtype=np.float64).reshape(2, 2))
            thing.box = [*corners.min(axis=0), *corners.max(axis=0)]
        if thing.outlines is not None:
            thing.outlines = tuple(turned(outline) for outline in thing.outlines)
        if thing.points is not None:
            thing.points = np.column_stack([turned(thing.points[:, :2]), thing.points[:, 2]])
        if thing.runs is not None:
            mask = thing.runs.mask()
            mask = mask[:, ::-1] if flip_x else mask
            thing.runs = RunLengths.of((mask[::-1] if flip_y else mask).T)


def _in_columns(kept: Sequence[tuple[Record, tuple[int, int]]], found: Found) -> Annotations:
    """Return the annotations of records with their images' heights and widths."""
    labels = [thing.label for record, _ in kept for thing in record.things]
    classes = sorted(set(labels)) if found.classes is None else list(found.classes)
    places = {label: at for at, label in enumerate(classes)}
    for label in labels:  # a list of classes may be incomplete
        if label not in places:
            places[label] = len(classes)
            classes.append(label)
    boxes, things = [], []
    for record, (height, width) in kept:
        scale = np.array([width, height]) if record.in_shares else np.ones(2)
        for thing in record.things:
            if record.in_shares:
                _scale(thing, scale)
            boxes.append(_box(thing))
            things.append(thing)
    n_points = max((len(thing.points) for thing in things if thing.points is not None), default=0)
    points = None
    if n_points:
        points = np.zeros((len(things), n_points, 3))
        for at, thing in enumerate(things):
            if thing.points is not None:
                points[at, : len(thing.points)] = thing.points
    has_outlines = any(thing.outlines for thing in things)
    has_masks = any(thing.runs is not None for thing in things)
    lengths = [len(record.things) for record, _ in kept]
    sizes = np.array([size for _, size in kept], dtype=np.intp).reshape(-1, 2)
    raw = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    sound, reasons, notes = _checked(raw, np.repeat(sizes, lengths, axis=0))
    annotations = Annotations(
        sound,
        np.array([places[label] for label in labels], dtype=np.intp),
        np.append(0, np.cumsum(lengths)).astype(np.intp),
        sizes,
        tuple(classes),
        as_objects(record.file for record, _ in kept),
        as_objects(thing.outlines for thing in things) if has_outlines else None,
        points,
        as_objects(thing.runs for thing in things) if has_masks else None,
        columns=columns_of([thing.more for thing in things]),
        image_columns=columns_of([record.more for record, _ in kept]),
        keypoint_names=found.keypoint_names,
        info=found.info,
    )
    cut = tuple(annotations.as_dropped(at, note) for at, note in notes.items())
    return replace(annotations.without(reasons), cut=cut)


def _scale(thing: Thing, scale: NDArray[np.float64]) -> None:
    """Turn an object's shares into pixels; `scale` is width and height."""
    if thing.box is not None:
        thing.box = [*(np.array(thing.box) * np.tile(scale, 2))]
    if thing.outlines is not None:
        thing.outlines = tuple(outline * scale for outline in thing.outlines)
    if thing.points is not None:
        thing.points = thing.points * np.append(scale, 1.0)


def _box(thing: Thing) -> Sequence[float]:
    """Return the box of an object, or else that of its outlines or its mask."""
    if thing.box is not None:
        return thing.box
    if thing.outlines:
        points = np.concatenate(thing.outlines)
        return [*points.min(axis=0), *points.max(axis=0)]
    found = None if thing.runs is None else box_of_mask(thing.runs.mask())
    return [0.0] * 4 if found is None else list(found)


def columns_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, NDArray[Any]]:
    """Return the columns of dicts, as int64 or float64 with 0 for missing values, else objects."""
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        known = [value for value in values if value is not None]
        if all(isinstance(value, int) and abs(value) < 1 << 62 for value in known):
            columns[name] = np.array([value or 0 for value in values], dtype=np.int64)
        elif all(isinstance(value, (int, float)) for value in known):
            columns[name] = np.array([value or 0 for value in values], dtype=np.float64)
        else:
            columns[name] = as_objects(values)
    return columns


def _checked(
    boxes: NDArray[np.float64], size: NDArray[np.intp]
) -> tuple[NDArray[np.float64], dict[int, str], dict[int, str]]:
    """Return boxes cut at the border, reasons for those left out, and notes on those cut."""
    bounds = size[:, [1, 0, 1, 0]].astype(np.float64)
    finite = np.asarray(np.isfinite(boxes).all(axis=1))
    whole = np.where(finite[:, None], boxes, 0.0)
    cut = np.clip(whole, 0, bounds)
    has_area = np.asarray((whole[:, :2] < whole[:, 2:]).all(axis=1))
    in_view = np.asarray((cut[:, :2] < cut[:, 2:]).all(axis=1))
    beyond = np.abs(cut - whole).max(axis=1, initial=0)
    reasons, notes = {}, {}
    for at, box in enumerate(boxes):
        if not has_area[at]:
            reasons[at] = f"its box {_shown(box)} has no area"
        elif not in_view[at]:
            height, width = size[at].tolist()
            image = f"the image of {width} x {height} pixels"
            reasons[at] = f"its box {_shown(box)} lies outside {image}"
        elif beyond[at] > 0.01:  # below that it is rounding
            by = f"{beyond[at]:.3g} pixels beyond the border"
            notes[at] = f"its box {_shown(box)} reached {by}"
    return np.where((has_area & in_view)[:, None], cut, 0.0), reasons, notes


def _shown(box: NDArray[np.float64]) -> str:
    return f"({', '.join(f'{value:.7g}' for value in box.tolist())})"


def _warn_of_changes(annotations: Annotations) -> None:
    """Warn, once, of all objects that were left out or cut."""
    changes = []
    for some, what in ((annotations.dropped, "left out"), (annotations.cut, "cut at the border")):
        if some:
            first = f"{printable(some[0].source)}: {some[0].reason}"
            changes.append(f"{counted(len(some), 'object, was')} {what}, such as {first}")
    if changes:
        warnings.warn(
            f"{'; '.join(changes)}. All are listed in `dropped` and `cut` of the annotations.",
            UserWarning,
            stacklevel=5,  # the call of read_annotations or balance_annotations
        )


def outline_of(numbers: Iterable[Any], what: str) -> NDArray[np.float64]:
    """Return an outline, shape (p, 2), from numbers x, y, x, y, ...; `what` names it in the error.

    Raises
    ------
    RefusedError
        If there are fewer than three points, half a point, or anything but numbers.
    """
    try:
        flat = np.array(list(numbers), dtype=np.float64)
    except (TypeError, ValueError):
        flat = np.array([np.nan])
    if flat.ndim != 1 or len(flat) < 6 or len(flat) % 2 or not np.isfinite(flat).all():
        raise RefusedError(f"{what} must be an outline of at least three points x, y")
    return flat.reshape(-1, 2)


def area_of(outlines: Sequence[NDArray[np.float64]], size: tuple[int, int]) -> float:
    """Return the area within outlines, in pixels."""
    return float(mask_of_outlines(outlines, size).sum())
