"""COCO: one JSON file for many images, with boxes as x, y, width and height."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import imblearn_images.annotations._records as records
from imblearn_images.core.annotations import Annotations, RunLengths

__all__ = ["coco_in", "json_of", "read_coco"]

OWN = {"bbox", "segmentation", "keypoints", "num_keypoints", "category_id", "image_id", "area"}
"""Keys of an annotation that do not become columns."""
OF_IMAGE = {"file_name", "height", "width"}
"""Keys of an image that do not become columns."""


def coco_in(path: Path) -> Any:
    """Return the content of a JSON file that has images and annotations; None for any other.

    Raises
    ------
    ValueError, OSError, RecursionError
        If it is not JSON, or cannot be read.
    """
    content = json.loads(records.read_text(path))
    is_coco = isinstance(content, dict) and {"images", "annotations"} <= content.keys()
    return content if is_coco else None


def read_coco(contents: dict[Path, Any], top: Path, images: Path | None) -> records.Found:
    """Return what JSON files describe, e.g. one file for each part of a split.

    `contents` maps each file to what :func:`coco_in` gave, or to None for one that is not read
    yet. It is emptied: the texts of a large data set take more memory than its annotations.
    """
    found = records.Found([])
    for name in list(contents):
        try:
            content = contents.pop(name)
            one = _read_one(name, _parsed(name) if content is None else content, top, images)
        except (records.RefusedError, OSError) as error:
            found.refused.append((str(name), str(error)))
            continue
        # "instances_val", "instances_val2017", "image_info_test-dev2017"
        if part := re.search(r"(?:^|_)(train|val|test)(?:-dev)?\d*$", name.stem):
            for record in one.records:
                record.more["split"] = part[1]
        known = list(found.classes or [])
        ids = [*found.info.get("category_ids", ())]
        for label, number in zip(one.classes or [], one.info["category_ids"], strict=True):
            if label not in known:
                known.append(label)
                ids.append(number)
        found.classes, found.info = known, {**one.info, "category_ids": tuple(ids)}
        found.records += one.records
        found.refused += one.refused
        found.keypoint_names = found.keypoint_names or one.keypoint_names
    return found


def _parsed(path: Path) -> Any:
    """Return the content of a JSON file; raise a RefusedError if it is not JSON."""
    try:
        return json.loads(records.read_text(path))
    except RecursionError:
        raise records.RefusedError("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise records.RefusedError(f"it is not valid JSON: {error}") from error


def _read_one(path: Path, content: Any, top: Path, images: Path | None) -> records.Found:
    """Return what the content of one JSON file describes; raise a RefusedError if not COCO."""
    if not isinstance(content, dict):
        raise records.RefusedError("it must hold images, annotations and categories")
    parts = {}
    for key in ("images", "annotations", "categories"):
        part = content.get(key)
        if not isinstance(part, list) or not all(isinstance(each, dict) for each in part):
            raise records.RefusedError(f"its {key!r} must be a list of objects")
        parts[key] = part
    names: dict[Any, str] = {}
    points: tuple[str, ...] = ()
    for category in parts["categories"]:
        number, label = category.get("id"), category.get("name")
        if not _is_id(number) or not isinstance(label, str):
            raise records.RefusedError(f"category {category!r:.60} has no id or no name")
        if number in names or label in names.values():
            raise records.RefusedError(f"category {number} ({label}) occurs twice")
        names[number] = label
        listed = category.get("keypoints")
        if isinstance(listed, list) and listed and not points:
            points = tuple(map(str, listed))
    split = path.stem.rpartition("_")[2]
    by_id: dict[Any, records.Record] = {}
    for image in parts["images"]:
        number, file = image.get("id"), image.get("file_name")
        if not isinstance(file, str) or not file or not _is_id(number):
            raise records.RefusedError(f"image {image!r:.60} has no id or no file_name")
        if number in by_id:
            raise records.RefusedError(f"image id {number} occurs twice")
        height, width = image.get("height"), image.get("width")
        size = (height, width) if _is_size(height) and _is_size(width) else None
        record = records.Record(
            _image_of(file, path, top, images, split), f"{path}, image {number}", size
        )
        record.more = {key: value for key, value in image.items() if key not in OF_IMAGE}
        by_id[number] = record
    found = records.Found(list(by_id.values()), list(names.values()), keypoint_names=points)
    found.info["category_ids"] = tuple(names)
    for annotation in parts["annotations"]:
        number = annotation.get("id")
        owner, category = annotation.get("image_id"), annotation.get("category_id")
        if not _is_id(owner) or owner not in by_id:
            found.refused.append((f"{path}, annotation {number}", f"it names no image: {owner!r}"))
        elif not _is_id(category) or category not in names:
            found.refused.append(
                (f"{path}, annotation {number}", f"it names no category: {category!r}")
            )
        else:
            try:
                thing = _thing(annotation, names[category], by_id[owner].size)
                by_id[owner].things.append(thing)
            except records.RefusedError as error:
                found.refused.append((f"{path}, annotation {number}", str(error)))
    return found


def _is_id(number: Any) -> bool:
    return isinstance(number, (int, str)) and not isinstance(number, bool)


def _is_size(number: Any) -> bool:
    return isinstance(number, int) and 0 < number < 1 << 31


def _thing(
    annotation: Mapping[str, Any], label: str, size: tuple[int, int] | None
) -> records.Thing:
    """Return the object that an annotation describes; raise a RefusedError if it is malformed."""
    thing = records.Thing(label)
    if (box := annotation.get("bbox")) is not None:
        if not isinstance(box, list) or len(box) != 4 or not all(map(_is_finite, box)):
            raise records.RefusedError(f"its bbox must be [x, y, width, height], got {box!r:.60}")
        thing.box = [box[0], box[1], box[0] + box[2], box[1] + box[3]]
    form = annotation.get("segmentation")
    if isinstance(form, list) and form:
        thing.outlines = tuple(records.outline_of(each, "its segmentation") for each in form)
    elif isinstance(form, dict):
        thing.runs = _runs(form, size)
    if thing.box is None and thing.outlines is None and thing.runs is None:
        raise records.RefusedError("it has neither bbox nor segmentation")
    if points := annotation.get("keypoints"):
        if not isinstance(points, list) or len(points) % 3 or not all(map(_is_finite, points)):
            raise records.RefusedError("its keypoints must be x, y and visibility in turn")
        thing.points = np.array(points, dtype=np.float64).reshape(-1, 3)
        # COCO numbers pixels; here 0 is the edge. Points that are not there stay at 0.
        thing.points[:, :2] += 0.5 * (thing.points[:, 2:] > 0)
    thing.more = {key: value for key, value in annotation.items() if key not in OWN}
    return thing


def _is_finite(number: Any) -> bool:
    return isinstance(number, (int, float)) and math.isfinite(number) and abs(number) < 1e9


def _runs(form: Mapping[str, Any], size: tuple[int, int] | None) -> RunLengths:
    """Return the mask of a segmentation in run lengths, as text or as numbers."""
    given, counts = form.get("size"), form.get("counts")
    if not isinstance(given, list) or len(given) != 2 or not all(map(_is_size, given)):
        raise records.RefusedError(
            f"the size of its mask must be [height, width], got {given!r:.40}"
        )
    shape = (int(given[0]), int(given[1]))
    if size is not None and shape != size:
        raise records.RefusedError(f"its mask must have the size of its image, {size}, got {shape}")
    try:
        if isinstance(counts, str):
            return RunLengths.from_text(shape, counts)
        return RunLengths.checked(shape, counts if isinstance(counts, list) else [])
    except ValueError as error:
        raise records.RefusedError(str(error)) from error


def _image_of(file: str, path: Path, top: Path, images: Path | None, split: str) -> str:
    """Return the path of an image, looked for by its name below the usual folders."""
    name = file.replace("\\", "/")
    tries = [images] if images is not None else []
    if images is None:
        for base in dict.fromkeys((top, path.parent, path.parent.parent)):
            tries += [base / "images" / split, base / "images", base / split, base]
            tries += [base / f"{split}2017", base / "images" / f"{split}2017"]
    for place in tries:
        for each in dict.fromkeys((name, os.path.basename(name))):
            if (place / each).is_file():
                return str(place / each)
    return str(tries[0] / os.path.basename(name))


def json_of(annotations: Annotations, rows: Sequence[int], names: Sequence[str]) -> str:
    """Return the JSON text of the images `rows`, whose files are called `names`."""
    ids = _category_ids(annotations)
    image_ids = _ids(annotations.image_columns.get("id"), len(annotations))
    own = _ids(annotations.columns.get("id"), len(annotations.boxes))
    images, listed = [], []
    for row, name in zip(rows, names, strict=True):
        height, width = annotations.sizes[row].tolist()
        number = image_ids[row]
        more = _more(annotations.image_columns, row, {"id", "split"})
        images.append({"id": number, "file_name": name, "height": height, "width": width, **more})
        where = annotations.objects_of(row)
        for at in range(where.start, where.stop):
            one = {"id": own[at], "image_id": number, "category_id": ids[annotations.codes[at]]}
            listed.append({**one, **_described(annotations, at, (height, width))})
    categories = [
        {"id": number, "name": label, "supercategory": ""}
        for number, label in zip(ids, annotations.classes, strict=True)
    ]
    for category in categories if annotations.keypoint_names else ():
        category["keypoints"] = list(annotations.keypoint_names)
        category["skeleton"] = []
    whole = {"images": images, "annotations": listed, "categories": categories}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")) + "\n"


def _described(annotations: Annotations, at: int, size: tuple[int, int]) -> dict[str, Any]:
    """Return the fields of one object, except its ids."""
    x_min, y_min, x_max, y_max = annotations.boxes[at].tolist()
    found: dict[str, Any] = {"bbox": [x_min, y_min, x_max - x_min, y_max - y_min]}
    found["area"] = (x_max - x_min) * (y_max - y_min)
    outlines = None if annotations.polygons is None else annotations.polygons[at]
    runs = None if annotations.masks is None else annotations.masks[at]
    if runs is not None:
        found["segmentation"] = {"size": list(runs.size), "counts": runs.text()}
        found["area"] = float(runs.counts[1::2].sum())
    elif outlines:
        found["segmentation"] = [outline.ravel().tolist() for outline in outlines]
        found["area"] = records.area_of(outlines, size)
    if annotations.keypoints is not None:
        points = annotations.keypoints[at].copy()
        points[:, :2] -= 0.5 * (points[:, 2:] > 0)  # back from edges to COCO's numbers of pixels
        found["keypoints"] = [
            int(value) if value == int(value) else value for value in points.ravel().tolist()
        ]
        found["num_keypoints"] = int((points[:, 2] > 0).sum())
    return {**found, "iscrowd": 0, **_more(annotations.columns, at, {"id"})}


def _more(columns: Mapping[str, Any], at: int, without: set[str]) -> dict[str, Any]:
    """Return the values of row `at` of all columns but those in `without`, as JSON holds them."""
    found = {}
    for name, column in columns.items():
        value = column[at].item() if isinstance(column[at], np.generic) else column[at]
        if name not in without and isinstance(value, (int, float, str, list, dict)):
            found[name] = value
    return found


def _category_ids(annotations: Annotations) -> list[int]:
    """Return the ids that the classes had when they were read, or numbers from 1."""
    known, n = annotations.info.get("category_ids", ()), len(annotations.classes)
    # Two files may use one id for different classes: the second class gets a new one.
    return _ids(np.array(known) if len(known) == n else None, n)


def _ids(column: Any, n: int) -> list[Any]:
    """Return `n` different ids, the existing ones where possible; repeated ids get new numbers."""
    if column is not None and column.dtype.kind == "i":
        numbers = column.tolist()
        if len(set(numbers)) == len(numbers):
            return list(numbers)
        first, top, fresh = set(), max(numbers), []
        # The first row with an id keeps it: repeats and synthetic images follow their originals.
        for number in numbers:
            if number in first:
                top += 1
                number = top
            first.add(number)
            fresh.append(number)
        return fresh
    return list(range(1, n + 1))
