"""labels.csv: one line per object, with the path of its image."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

import imblearn_images.annotations._records as records
from imblearn_images.annotations._voc import decimal
from imblearn_images.core.annotations import Annotations

__all__ = ["csv_of", "read_csv"]

SIDES = ("xmin", "ymin", "xmax", "ymax")
ALIASES = {
    **dict.fromkeys(("path", "image", "file", "filename", "file_name", "image_path"), "path"),
    **dict.fromkeys(("label", "class", "name", "category", "class_name"), "label"),
    **{f"{side[0]}_{side[1:]}": side for side in SIDES},
    **{side: side for side in SIDES},
    **dict(zip(("x1", "y1", "x2", "y2"), SIDES, strict=True)),
}
OTHERS = ("width", "height", "split")
"""Columns that describe the image, not the object."""


def read_csv(path: Path, images: Path | None) -> records.Found:
    """Return what a table with a line per object holds; empty images have a line without label."""
    found = records.Found([])
    try:
        rows = csv.reader(io.StringIO(records.read_text(path), newline=""))
        header = [ALIASES.get(name.strip().lower(), name.strip()) for name in next(rows, [])]
    except (records.RefusedError, csv.Error) as error:
        found.refused.append((str(path), str(error)))
        return found
    missing = [name for name in ("path", "label", *SIDES) if name not in header]
    if missing:
        found.refused.append(
            (
                str(path),
                f"its first line lacks {', '.join(missing)} of path, label, {', '.join(SIDES)}",
            )
        )
        return found
    by_name: dict[str, records.Record] = {}
    top = path.parent if images is None else images
    try:
        for number, cells in enumerate(rows, 2):
            if not cells:
                continue
            # Spreadsheets leave out the empty cells at the end of a line.
            line = dict(zip(header, cells, strict=False))
            try:
                _add(line, header, by_name, top, path)
            except records.RefusedError as error:
                found.refused.append((f"{path}, line {number}", str(error)))
    except csv.Error as error:
        found.refused.append((str(path), str(error)))
    found.records = list(by_name.values())
    found.classes = records.listed_classes(path.parent / "classes.txt", found)
    return found


def _add(
    line: dict[str, str],
    header: Sequence[str],
    by_name: dict[str, records.Record],
    top: Path,
    path: Path,
) -> None:
    """Add the object of a line to the record of its image; raise a RefusedError if it has none."""
    name = line.get("path", "").strip()
    if not name:
        raise records.RefusedError("it has no path")
    if name not in by_name:
        file = top / name
        if not file.is_file() and (top / "images" / name).is_file():
            file = top / "images" / name
        by_name[name] = records.Record(str(file), f"{path}, {name}")
        if line.get("split"):
            by_name[name].more["split"] = line["split"]
        if line.get("width", "").isdecimal() and line.get("height", "").isdecimal():
            by_name[name].size = (int(line["height"]), int(line["width"]))
    label = line.get("label", "")
    sides = [line.get(side, "").strip() for side in SIDES]
    if not label and not any(sides):
        return
    if not label:
        raise records.RefusedError("it has a box but no label")
    try:
        box = [float(side) for side in sides]
    except ValueError:
        box = [math.nan]
    if not all(map(math.isfinite, box)):
        raise records.RefusedError(f"{', '.join(SIDES)} must be numbers, got {', '.join(sides)}")
    own = [each for each in header if each not in ("path", "label", *SIDES, *OTHERS)]
    more = {each: records.value_of(line[each]) for each in own if line.get(each, "") != ""}
    by_name[name].things.append(records.Thing(label, box, more=more))


def csv_of(annotations: Annotations, names: Sequence[str]) -> str:
    """Return the text of the table, with images called `names`."""
    columns = {
        name: column
        for name, column in annotations.columns.items()
        if column.dtype.kind in "iuf" or all(isinstance(v, str) or v is None for v in column)
    }
    split = annotations.image_columns.get("split")
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    parts = [] if split is None else ["split"]
    writer.writerow(["path", "label", *SIDES, "width", "height", *parts, *columns])
    for row, name in enumerate(names):
        height, width = annotations.sizes[row].tolist()
        image = [width, height, *([] if split is None else [split[row]])]
        where = annotations.objects_of(row)
        if where.start == where.stop:
            writer.writerow([name, "", *[""] * 4, *image, *[""] * len(columns)])
        for at in range(where.start, where.stop):
            sides = [decimal(value, 6) for value in annotations.boxes[at].tolist()]
            more = ["" if column[at] is None else column[at] for column in columns.values()]
            label = annotations.classes[annotations.codes[at]]
            writer.writerow([name, label, *sides, *image, *more])
    return out.getvalue()
