"""YOLO: one text file per image, with coordinates as shares of its width and height."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import imblearn_images.annotations._records as records
from imblearn_images.core.annotations import Annotations

__all__ = ["EXTRA", "extra_of", "lines_of", "read_yolo", "yaml_of"]

EXTRA = "more.json"
"""File beside ``data.yaml`` for what YOLO's lines cannot hold; training programs ignore it."""
SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


def read_yolo(root: Path, images: Path | None) -> records.Found:
    """Return what a folder describes: ``images/``, ``labels/``, ``data.yaml``, or all in one."""
    if root.is_file():
        root = root.parent
    yaml = next(
        (root / n for n in ("data.yaml", "data.yml", "dataset.yaml") if (root / n).is_file()), None
    )
    found = records.Found([])
    names: list[str] = []
    shape: tuple[int, int] | None = None
    parts: dict[Path, str] = {}
    if yaml is not None:
        try:
            content = parsed_yaml(records.read_text(yaml))
            parts = _parts(content, root)
            names, shape = _names(content), _shape(content)
        except records.RefusedError as error:
            found.refused.append((str(yaml), str(error)))
    for name in ("classes.txt", "obj.names"):
        names = names or records.listed_classes(root / name, found) or []
    top = images if images is not None else root / "images" if (root / "images").is_dir() else root
    more = _extra(root, found)
    numbers: set[int] = set()
    for path in records.image_files(top):
        label = _labels_of(path, top, root)
        record = records.Record(str(path), str(label), in_shares=True)
        if split := _part_of(path, parts) or _split(path.relative_to(top), root, top):
            record.more["split"] = split
        try:
            things = _things(label, shape) if label.is_file() else []
        except (records.RefusedError, OSError) as error:
            found.refused.append((str(label), str(error)))
            continue
        numbers |= {int(thing.label) for thing in things}
        key = path.relative_to(top).as_posix()
        for at, each in enumerate(more.get(key, ())):
            if at < len(things) and len(more[key]) == len(things):
                things[at].more = dict(each)
        record.things = things
        found.records.append(record)
    last = max(numbers, default=-1)
    if names and last >= len(names):
        found.refused.append(
            (
                str(yaml or root),
                f"it names {len(names)} classes, but there are labels of class {last}",
            )
        )
    names += [str(number) for number in range(len(names), last + 1)]
    for record in found.records:
        for thing in record.things:
            thing.label = names[int(thing.label)]
    found.classes = names
    return found


def _parts(content: dict[str, Any], root: Path) -> dict[Path, str]:
    """Return the part of each folder and image that ``data.yaml`` names, by its absolute path."""
    found: dict[Path, str] = {}
    bases = [root / str(content.get("path", "")), root]
    for part in ("train", "val", "test"):
        given = content.get(part) or ()
        for name in [given] if isinstance(given, str) else given:
            place = next((base / name for base in bases if os.path.exists(base / name)), None)
            if place is None:
                continue
            places = [place]
            if place.is_file():  # a list of images, with paths from the list or from the top
                lines = [line.strip() for line in records.read_text(place).splitlines()]
                tops = [place.parent, *bases]
                places = [top / line for line in lines if line for top in tops]
            for each in map(_absolute, places):
                # What two parts name belongs to neither: `yaml_of` writes such lines, too.
                found[each] = part if found.get(each, part) == part else ""
    return found


def _part_of(path: Path, parts: dict[Path, str]) -> str:
    """Return the part of an image: what its own path says, else the innermost folder named."""
    if not parts:
        return ""
    path = _absolute(path)
    return next((parts[place] for place in (path, *path.parents) if place in parts), "")


def _absolute(path: Path) -> Path:
    """Return a path without "..", links left as they are."""
    return Path(os.path.abspath(path))


def _split(relative: Path, root: Path, top: Path) -> str:
    """Return the part that a folder in the path of an image names, or ""."""
    parts = [
        *relative.parts[:-1],
        *reversed(top.relative_to(root).parts if root in top.parents else ()),
    ]
    return next((SPLITS[part.lower()] for part in parts if part.lower() in SPLITS), "")


def _labels_of(path: Path, top: Path, root: Path) -> Path:
    """Return the text file of an image: in ``labels`` if it is in ``images``, else beside it."""
    name = f"{path.stem}.txt"
    parts = list(path.parts)
    # The innermost "images" counts, as for Ultralytics: folders above may have that name, too.
    for at in range(len(parts) - 2, -1, -1):
        if parts[at] == "images":
            return Path(*parts[:at], "labels", *parts[at + 1 : -1], name)
    below = root / "labels" / path.relative_to(top).parent / name
    return below if below.is_file() else path.with_name(name)


def _things(path: Path, shape: tuple[int, int] | None) -> list[records.Thing]:
    """Return the objects in a text file; raise a RefusedError naming a line that is malformed."""
    things = []
    for number, line in enumerate(records.read_text(path).splitlines(), 1):
        parts = line.split()
        if not parts:
            continue
        try:
            values = [float(part) for part in parts]
        except ValueError:
            raise records.RefusedError(f"line {number} must be numbers, got {line!r:.60}") from None
        if not all(map(math.isfinite, values)) or values[0] < 0 or values[0] != int(values[0]):
            raise records.RefusedError(f"line {number} must begin with a class, got {line!r:.60}")
        things.append(_thing(values, shape, number))
    return things


def _thing(values: Sequence[float], shape: tuple[int, int] | None, number: int) -> records.Thing:
    """Return the object of a line: a box, a box with keypoints, or an outline, by its length."""
    label, rest = str(int(values[0])), values[1:]
    if len(rest) in (4, 5) or (shape is not None and len(rest) == 4 + shape[0] * shape[1]):
        x, y, width, height = rest[:4]  # a fifth number is a detector's confidence
        thing = records.Thing(label, [x - width / 2, y - height / 2, x + width / 2, y + height / 2])
        if shape is not None and len(rest) > 5:
            points = np.array(rest[4:], dtype=np.float64).reshape(shape)
            if shape[1] == 2:
                points = np.column_stack([points, np.full(len(points), 2.0)])
            thing.points = points
        return thing
    return records.Thing(label, outlines=(records.outline_of(rest, f"line {number}"),))


def _names(content: dict[str, Any]) -> list[str]:
    """Return the class names in ``data.yaml``, from a list or from numbered keys."""
    names = content.get("names", [])
    if isinstance(names, dict):
        if any(not str(key).isdecimal() for key in names):
            raise records.RefusedError(
                f"the keys of its names must be numbers, got {list(names)[:5]}"
            )
        last = max(map(int, names), default=-1)
        if last > 100_000:  # a list of that length would be made for one absurd key
            raise records.RefusedError(f"its names must be numbered from 0, got {last}")
        by_number = {int(key): str(value) for key, value in names.items()}
        return [by_number.get(number, str(number)) for number in range(last + 1)]
    return [str(name) for name in names] if isinstance(names, list) else []


def _shape(content: dict[str, Any]) -> tuple[int, int] | None:
    """Return the number of keypoints and of values of each; None if there are none."""
    shape = content.get("kpt_shape")
    if shape is None:
        return None
    try:
        n, width = (int(value) for value in shape)
    except (TypeError, ValueError):
        raise records.RefusedError(
            f"its kpt_shape must be [points, 2 or 3], got {shape!r:.40}"
        ) from None
    if n < 1 or width not in (2, 3):
        raise records.RefusedError(f"its kpt_shape must be [points, 2 or 3], got {shape!r:.40}")
    return n, width


def parsed_yaml(text: str) -> dict[str, Any]:
    r"""Return the content of ``data.yaml``: keys with a text, a list or a mapping each.

    This small part of YAML is read here so that PyYAML need not be installed.

    Examples
    --------
    >>> parsed_yaml("path: .\nnames: # of cells\n  0: red\n  1: 'it''s'\nkpt_shape: [17, 3]")
    {'path': '.', 'names': {'0': 'red', '1': "it's"}, 'kpt_shape': ['17', '3']}
    """
    content: dict[str, Any] = {}
    key = ""
    for line in text.splitlines():
        line = _without_comment(line).rstrip()
        if not line.strip() or line.strip() in ("---", "..."):
            continue
        inner = line.startswith((" ", "\t")) or line.lstrip().startswith("- ")
        if inner and key:
            item = line.strip()
            if item.startswith("- "):
                if not isinstance(content[key], list):
                    content[key] = []
                content[key].append(_unquoted(item[2:].strip()))
            elif match := _pair(item):
                if not isinstance(content[key], dict):
                    content[key] = {}
                content[key][_unquoted(match[0])] = _unquoted(match[1])
            continue
        if match := _pair(line.strip()):
            key, value = _unquoted(match[0]), match[1]
            content[key] = _flow(value)
    return content


def _pair(text: str) -> tuple[str, str] | None:
    """Return key and value of "key: value", or None."""
    match = re.match(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^:]+?)\s*:(?:\s+(.*))?$""", text)
    return None if match is None else (match[1], match[2] or "")


def _flow(value: str) -> Any:
    """Return a value on one line: a list in brackets, a mapping in braces, or text."""
    for start, end in ("[]", "{}"):
        if value.startswith(start) and value.endswith(end):
            items = re.findall(r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,])+""", value[1:-1])
            if start == "[":
                return [_unquoted(item.strip()) for item in items if item.strip()]
            pairs = [pair for item in items if (pair := _pair(item.strip()))]
            return {_unquoted(name): _unquoted(text) for name, text in pairs}
    return _unquoted(value)


def _without_comment(line: str) -> str:
    """Return a line without its comment; a "#" in quotes or in a word does not begin one."""
    match = re.match(
        r"""((?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|(?<!\s)#|[^#"']|["'])*?)(?:(?:^|\s)#.*)?$""", line
    )
    return line if match is None else match[1]


def _unquoted(text: str) -> str:
    """Return a text without the quotes around it."""
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            return text[1:-1]
    return text


def _extra(root: Path, found: records.Found) -> dict[str, list[dict[str, Any]]]:
    """Return what :func:`extra_of` wrote: for each image a dict per object."""
    path = root / EXTRA
    if not path.is_file():
        return {}
    try:
        content = json.loads(records.read_text(path))
    except (ValueError, RecursionError) as error:
        found.refused.append((str(path), f"it is not valid JSON: {error}"))
        return {}
    objects = content.get("objects") if isinstance(content, dict) else None
    if not isinstance(objects, dict):
        return {}
    return {
        name: rows
        for name, rows in objects.items()
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    }


def lines_of(annotations: Annotations, row: int) -> str:
    """Return the lines of image `row`: outlines of objects that have one, else boxes."""
    height, width = annotations.sizes[row].tolist()
    size = np.array([width, height], dtype=np.float64)
    lines = []
    where = annotations.objects_of(row)
    for at in range(where.start, where.stop):
        outlines = None if annotations.polygons is None else annotations.polygons[at]
        if outlines and len(outlines) == 1 and annotations.keypoints is None:
            numbers = (outlines[0] / size).ravel()
        else:
            low, high = annotations.boxes[at, :2] / size, annotations.boxes[at, 2:] / size
            numbers = np.concatenate([(low + high) / 2, high - low])
            if annotations.keypoints is not None:
                points = annotations.keypoints[at] / np.append(size, 1.0)
                numbers = np.append(numbers, points.ravel())
        if annotations.keypoints is None:
            numbers = np.clip(numbers, 0, 1)  # some programs refuse 1.0000001
        text = " ".join(f"{value:.8f}" for value in numbers.tolist())
        lines.append(f"{annotations.codes[at]} {text}\n")
    return "".join(lines)


def yaml_of(annotations: Annotations, splits: Sequence[str]) -> str:
    """Return the text of ``data.yaml``; `splits` are the parts that there are."""
    parts = {split: f"images/{split}" if split else "images" for split in splits}
    # Training programs need both keys: without a part "val", the training images stand in for it.
    train = parts.get("train", parts.get("", next(iter(parts.values()), "images")))
    lines = [f"train: {train}", f"val: {parts.get('val', train)}"]
    if "test" in parts:
        lines.append(f"test: {parts['test']}")
    lines.append(f"nc: {len(annotations.classes)}")
    if annotations.keypoints is not None:
        lines.append(f"kpt_shape: [{annotations.keypoints.shape[1]}, 3]")
    lines.append("names:")
    for number, label in enumerate(annotations.classes):
        lines.append(f"  {number}: {json.dumps(label, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def extra_of(annotations: Annotations, names: Sequence[str]) -> str:
    """Return as JSON what lines cannot hold, by the names of images; "" if there is nothing."""
    objects = {}
    for row, name in enumerate(names):
        where = annotations.objects_of(row)
        rows = []
        for at in range(where.start, where.stop):
            one = {}
            for key, column in annotations.columns.items():
                value = column[at].item() if isinstance(column[at], np.generic) else column[at]
                if key != "id" and isinstance(value, (int, float, str)):
                    one[key] = value
            rows.append(one)
        if any(any(value for value in one.values()) for one in rows):
            objects[name] = rows
    return json.dumps({"objects": objects}, ensure_ascii=False) + "\n" if objects else ""
