"""Pascal VOC: one XML file per image, with boxes in whole pixels counted from 1."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, TreeBuilder, indent, tostring
from xml.parsers import expat

import numpy as np

import imblearn_images.annotations._records as records
from imblearn_images.core.annotations import Annotations

__all__ = ["parsed", "read_voc", "xml_of"]

OWN = {"name", "bndbox", "part", "polygon", "mask", "actions", "attributes", "point"}
"""Elements of an object that do not become columns."""
MOST_BYTES = 1 << 24
"""Maximum size of one XML file, which describes one image."""
DEEPEST = 32
"""Maximum depth of nested elements, far more than annotations need."""


def read_voc(root: Path, images: Path | None, *, one_based: bool) -> records.Found:
    """Return what the XML files in a folder, or in its folder ``Annotations``, describe."""
    if root.is_file():
        names, top = [root], root.parent.parent
    else:
        folder = root / "Annotations" if (root / "Annotations").is_dir() else root
        names, top = sorted(folder.rglob("*.xml")), root
    found = records.Found([])
    found.classes = records.listed_classes(top / "classes.txt", found)  # an addition to VOC
    splits = _splits(top)
    by_stem: dict[Path, dict[str, str]] = {}
    for name in names:
        try:
            record = _record(parsed(name), name, one_based=one_based)
        except (records.RefusedError, OSError) as error:
            found.refused.append((str(name), str(error)))
            continue
        record.file = str(_image_of(record.file, name, top, images, by_stem))
        if split := splits.get(name.stem):
            record.more["split"] = split
        found.records.append(record)
    return found


def parsed(path: Path) -> Element:
    """Return the root element of an XML file that is not trusted.

    Raises
    ------
    RefusedError
        If the file is not XML, too large, nested too deeply, or has a DOCTYPE, whose entities can
        expand without end or name other files.
    """
    if os.stat(path).st_size > MOST_BYTES:
        raise records.RefusedError(f"it has more than {MOST_BYTES >> 20} MB, for one image")
    builder, depth = TreeBuilder(), 0
    parser = expat.ParserCreate()

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise records.RefusedError(f"its elements are nested more than {DEEPEST} deep")
        builder.start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name)

    def doctype(*_: Any) -> None:
        raise records.RefusedError(
            "it has a DOCTYPE, which annotations do not need and attacks use"
        )

    parser.StartDoctypeDeclHandler = doctype
    parser.EntityDeclHandler = doctype
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(path.read_bytes(), True)
    except expat.ExpatError as error:
        raise records.RefusedError(f"it is not valid XML: {error}") from error
    except LookupError as error:  # an unknown encoding
        raise records.RefusedError(f"it is not valid XML: {error}") from error
    return builder.close()


def _record(root: Element, path: Path, *, one_based: bool) -> records.Record:
    """Return the image that an XML file describes, with its objects."""
    size = root.find("size")
    shape = None
    if size is not None:
        height, width = (_number(size, key) for key in ("height", "width"))
        if height > 0 and width > 0:  # some tools write zeros
            shape = (int(height), int(width))
    record = records.Record(_text(root, "filename"), str(path), shape)
    for at, element in enumerate(root.findall("object")):
        label = _text(element, "name")
        if not label:
            raise records.RefusedError(f"object {at} has no name")
        bounds = element.find("bndbox")
        if bounds is None:
            raise records.RefusedError(f"object {at} ({label}) has no bndbox")
        box = [_number(bounds, key) for key in ("xmin", "ymin", "xmax", "ymax")]
        # Counted from 1, a box with xmin == xmax is one pixel wide. In practice it is an accidental
        # click; left as it is, it has no area and is dropped later.
        is_click = (box[2] <= box[0] or box[3] <= box[1]) and all(side == int(side) for side in box)
        if one_based and not is_click:
            box[0], box[1] = box[0] - 1, box[1] - 1
        more = {
            child.tag: records.value_of((child.text or "").strip())
            for child in element
            if child.tag not in OWN
        }
        record.things.append(records.Thing(label, box, more=more))
    return record


def _text(element: Element, name: str) -> str:
    """Return the stripped text of a child element; "" if there is none."""
    return (element.findtext(name) or "").strip()


def _number(element: Element, name: str) -> float:
    """Return the number in a child element; raise a RefusedError if it is not finite."""
    text = _text(element, name)
    try:
        number = float(text)
    except ValueError:
        number = np.nan
    if not np.isfinite(number):
        raise records.RefusedError(f"{element.tag}/{name} must be a number, got {text!r:.40}")
    return number


def _image_of(
    filename: str,
    path: Path,
    top: Path,
    images: Path | None,
    by_stem: dict[Path, dict[str, str]],
) -> Path:
    """Return the path of an image, looked for by its recorded name, then by that of the XML."""
    places = [images] if images is not None else [top / "JPEGImages", top / "images", path.parent]
    # Folders in the recorded name are those of another machine.
    name = os.path.basename(filename.replace("\\", "/"))
    for place in places:
        if name and (place / name).is_file():
            return place / name
    for place in places:
        if place not in by_stem:
            listed = sorted(os.listdir(place)) if place.is_dir() else []
            known = [each for each in listed if each.lower().endswith(records.SUFFIXES)]
            by_stem[place] = {os.path.splitext(each)[0]: each for each in known}
        for stem in (path.stem, os.path.splitext(name)[0]):
            if stem in by_stem[place]:
                return place / by_stem[place][stem]
    return places[0] / (name or f"{path.stem}.jpg")


def _splits(top: Path) -> dict[str, str]:
    """Return the part of each image, by its stem, from the lists in ``ImageSets/Main``."""
    splits = {}
    for part in ("train", "val", "test"):
        path = top / "ImageSets" / "Main" / f"{part}.txt"
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                if line.split():
                    splits[line.split()[0]] = part
    return splits


def xml_of(annotations: Annotations, row: int, name: str, channels: int = 3) -> bytes:
    """Return the XML of image `row`, whose file is called `name`."""
    root = Element("annotation")
    SubElement(root, "folder").text = "JPEGImages"
    SubElement(root, "filename").text = name
    height, width = annotations.sizes[row].tolist()
    size = SubElement(root, "size")
    for tag, value in (("width", width), ("height", height), ("depth", channels)):
        SubElement(size, tag).text = str(value)
    segmented = annotations.image_columns.get("segmented")
    SubElement(root, "segmented").text = str(0 if segmented is None else segmented[row])
    where = annotations.objects_of(row)
    for at in range(where.start, where.stop):
        thing = SubElement(root, "object")
        SubElement(thing, "name").text = annotations.classes[annotations.codes[at]]
        more: Mapping[str, Any] = {
            "pose": "Unspecified",
            "truncated": 0,
            "difficult": 0,
            **{tag: column[at] for tag, column in annotations.columns.items() if _is_tag(tag)},
        }
        for tag, value in more.items():
            if value is not None and np.ndim(value) == 0:
                SubElement(thing, tag).text = str(value)
        bounds = SubElement(thing, "bndbox")
        x_min, y_min, x_max, y_max = annotations.boxes[at].tolist()
        sides = {"xmin": x_min + 1, "ymin": y_min + 1, "xmax": x_max, "ymax": y_max}
        if x_max <= x_min + 1 or y_max <= y_min + 1:  # not whole: it must not be read as a click
            sides["xmax"] += 0.0001
        for tag, value in sides.items():
            SubElement(bounds, tag).text = decimal(value, 4)
    indent(root, "\t")
    return tostring(root, encoding="utf-8") + b"\n"


def _is_tag(name: str) -> bool:
    """Return whether the name of a column can be an element of an object."""
    return name.isidentifier() and name.isascii() and name not in OWN


def decimal(value: float, digits: int) -> str:
    """Return a number as text with up to `digits` decimals, without trailing zeros.

    Examples
    --------
    >>> decimal(3.0, 4), decimal(0.123456, 4)
    ('3', '0.1235')
    """
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
