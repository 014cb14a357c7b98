"""Annotations in four formats: what goes in comes out; what is broken is named."""

import json
import os
import warnings
from dataclasses import replace

import numpy as np
import pytest
from conftest import make_images, write_images
from folder_tools import contents
from PIL import Image

from imblearn_images import RandomOverSampler
from imblearn_images.annotations import (
    Annotations,
    RunLengths,
    _records,
    balance_annotations,
    carry,
    read_annotations,
    read_masks,
    split_annotations,
    write_annotations,
    write_masks,
)
from imblearn_images.core import disk, files
from imblearn_images.core.annotations import as_objects
from imblearn_images.core.files import read_image
from imblearn_images.synthesis import Augment

FORMATS = ("coco", "csv", "voc", "yolo")
SIZES = [(48, 64), (40, 30), (48, 64), (31, 77)]
BOXES = [
    [[0, 0, 64, 48], [3.25, 4.5, 20.125, 30]],
    [],
    [[10, 10, 11, 11.5]],
    [[0.5, 0.25, 76.9, 30.75], [70, 1, 77, 31], [5, 5, 9, 9]],
]
LABELS = [["dog", "a cat"], [], ["dog"], ["ünter", "dog", "dog"]]
CLASSES = ("unused", "dog", "a cat", "ünter", "owl")


@pytest.fixture
def animals(tmp_path):
    """Annotations of four images, of which one is empty, with everything that is not a box."""
    images = [make_images(1, size, "uint8", seed=size[0])[0] for size in SIZES]
    (tmp_path / "source").mkdir()
    paths = write_images(tmp_path / "source", images)
    plain = Annotations.of(BOXES, LABELS, SIZES, paths=paths, classes=CLASSES)
    columns = {
        "difficult": np.array([0, 1, 0, 0, 0, 1]),
        "truncated": np.array([1, 0, 0, 0, 0, 0]),
        "iscrowd": np.array([0, 0, 0, 1, 0, 0]),
        "pose": np.array(["Left", "Unspecified", "Right", "Left", "Left", "Left"], dtype=object),
        "id": np.array([7, 3, 900, 14, 15, 16]),
    }
    return replace(plain, columns=columns)


def same(one, other):
    assert one.classes == other.classes
    assert one.labels.tolist() == other.labels.tolist()
    assert one.offsets.tolist() == other.offsets.tolist()
    assert one.sizes.tolist() == other.sizes.tolist()
    assert np.abs(one.boxes - other.boxes).max() <= 0.001
    for name in ("difficult", "truncated", "iscrowd", "pose"):
        assert one.columns[name].tolist() == other.columns[name].tolist(), name


@pytest.mark.parametrize("format_", FORMATS)
def test_what_is_written_is_read_again(animals, tmp_path, format_):
    written = write_annotations(animals, tmp_path / "out", format=format_)
    found = read_annotations(tmp_path / "out")
    same(found, animals)
    assert found.paths.tolist() == written.paths.tolist() and not found.dropped + found.cut
    for source, copied in zip(animals.paths, found.paths, strict=True):
        with open(source, "rb") as one, open(copied, "rb") as other:
            assert one.read() == other.read()


def test_a_round_trip_through_all_formats_loses_nothing(animals, tmp_path):
    now = animals
    for format_ in ("voc", "coco", "yolo", "voc", "csv", "coco", "csv", "yolo"):
        folder = tmp_path / f"{len(os.listdir(tmp_path))}-{format_}"
        write_annotations(now, folder, format=format_)
        now = read_annotations(folder, format=format_)
        same(now, animals)


def test_coco_keeps_ids_outlines_masks_and_keypoints(animals, tmp_path):
    y, x = np.indices(SIZES[0])
    masks = [np.array([x > 30, (x - 20) ** 2 + (y - 20) ** 2 < 90])]
    points = [np.array([[[1.5, 2.5, 2], [0, 0, 0]], [[3.25, 4.5, 1], [9.5, 9.5, 2]]])]
    one = Annotations.of(
        [None],
        [["b", "a"]],
        SIZES[:1],
        paths=animals.paths[:1],
        masks=masks,
        keypoints=points,
        keypoint_names=["left", "right"],
    )
    one = replace(one, columns={"id": np.array([40, 4])}, info={"category_ids": (17, 3)})
    write_annotations(one, tmp_path / "coco", format="coco")
    content = json.loads((tmp_path / "coco/annotations/instances.json").read_text("utf-8"))
    assert [each["id"] for each in content["annotations"]] == [40, 4]
    assert [(c["id"], c["name"]) for c in content["categories"]] == [(17, "a"), (3, "b")]
    assert content["annotations"][0]["keypoints"] == [1, 2, 2, 0, 0, 0]
    found = read_annotations(tmp_path / "coco")
    for at in range(2):
        np.testing.assert_array_equal(found.masks[at].mask(), masks[0][at])
    assert found.keypoints.tolist() == points[0].tolist() and found.info["category_ids"] == (17, 3)
    assert content["annotations"][1]["area"] == masks[0][1].sum()
    shape = [[[2, 2], [20, 3], [9, 30]], [[40, 40], [50, 40], [50, 46]]]
    outlined = Annotations.of([[[2, 2, 50, 46]]], [["a"]], SIZES[0], polygons=[[shape]])
    write_annotations(
        outlined, tmp_path / "p", format="coco", images=np.zeros((1, 48, 64), np.uint8)
    )
    parts = read_annotations(tmp_path / "p").polygons[0]
    assert [part.tolist() for part in parts] == shape
    with pytest.warns(UserWarning, match=r"'csv' cannot hold polygons"):
        write_annotations(outlined, tmp_path / "q", format="csv", images=None)


def test_yolo_holds_outlines_and_keypoints(tmp_path):
    images = make_images(2, (48, 64), "uint8")
    shape = [[2, 2], [20, 3], [9, 30]]
    outlined = Annotations.of([[[2, 2, 20, 30]], []], [["a"], []], (48, 64), polygons=[[shape], []])
    write_annotations(outlined, tmp_path / "shapes", format="yolo", images=images)
    np.testing.assert_allclose(
        read_annotations(tmp_path / "shapes").polygons[0][0], shape, atol=1e-5
    )
    points = [[[[4, 5, 2], [6, 7, 1]]], np.empty((0, 2, 3))]
    posed = Annotations.of([[[2, 2, 20, 30]], []], [["a"], []], (48, 64), keypoints=points)
    write_annotations(posed, tmp_path / "poses", format="yolo", images=images)
    np.testing.assert_allclose(read_annotations(tmp_path / "poses").keypoints, points[0], atol=1e-5)


@pytest.mark.parametrize("format_", FORMATS)
def test_parts_of_a_split_have_places_of_their_own(animals, tmp_path, format_):
    split = np.array(["train", "val", "train", "train"], dtype=object)
    write_annotations(
        replace(animals, image_columns={"split": split}), tmp_path / "o", format=format_
    )
    found = read_annotations(tmp_path / "o")
    parts = {
        os.path.basename(p): s
        for p, s in zip(found.paths, found.image_columns["split"], strict=True)
    }
    assert parts == {"000.png": "train", "001.png": "val", "002.png": "train", "003.png": "train"}


def write_coco(folder, part, label, names):
    """Write a COCO file of one category, whose id is 1, and its images."""
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    (folder / part).mkdir(exist_ok=True)
    write_images(folder / part, [make_images(1, (8, 8), "uint8")[0]] * len(names), names)
    ids = range(1, len(names) + 1)
    content = {
        "images": [{"id": i, "file_name": f"{n}.png"} for i, n in zip(ids, names, strict=True)],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1, "bbox": [1, 1, 4, 4]} for i in ids
        ],
        "categories": [{"id": 1, "name": label}],
    }
    path = folder / "annotations" / f"instances_{part}.json"
    path.write_text(json.dumps(content), "utf-8")


def test_files_that_use_one_id_for_two_classes_are_written_with_two(tmp_path):
    write_coco(tmp_path / "in", "train", "cat", ["a", "b"])
    write_coco(tmp_path / "in", "val", "dog", ["c"])
    found = read_annotations(tmp_path / "in")
    write_annotations(found, tmp_path / "out", format="coco")
    again = read_annotations(tmp_path / "out")
    assert again.labels.tolist() == found.labels.tolist() == ["cat", "cat", "dog"]


def test_the_year_in_the_name_of_a_coco_file_does_not_hide_its_part(tmp_path):
    write_coco(tmp_path, "train2017", "cat", ["a", "b"])
    write_coco(tmp_path, "val2017", "cat", ["c"])
    split = read_annotations(tmp_path).image_columns["split"]
    assert split.tolist() == ["train", "train", "val"]


@pytest.mark.parametrize(
    ("yaml", "parts"),
    [
        ("train: images/one\nval: images/two", ["train", "train", "val"]),
        ("path: images\ntrain: [one]\nval:\n  - two", ["train", "train", "val"]),
        ("train: a.txt\nval: b.txt", ["train", "val", "val"]),
        ("train: images\nval: images/two", ["train", "train", "val"]),
        ("train: images\nval: images", None),
    ],
)
def test_the_parts_that_data_yaml_names_are_the_split(tmp_path, yaml, parts):
    for name in ("one", "two"):
        (tmp_path / "images" / name).mkdir(parents=True)
    names = ["one/a", "one/b", "two/c"]
    write_images(tmp_path / "images", [make_images(1, (8, 8), "uint8")[0]] * 3, names)
    (tmp_path / "a.txt").write_text("./images/one/a.png\n")
    (tmp_path / "b.txt").write_text(f"images/one/b.png\n{tmp_path}/images/two/c.png\n")
    (tmp_path / "data.yaml").write_text(f"{yaml}\nnames: [cat]\n")
    split = read_annotations(tmp_path).image_columns.get("split")
    assert (None if split is None else split.tolist()) == parts


def test_an_image_that_is_there_twice_becomes_two_files(animals, tmp_path):
    write_annotations(animals[[0, 0, 1, 0]], tmp_path / "o", format="yolo")
    assert sorted(os.listdir(tmp_path / "o/labels")) == [
        "000-2.txt",
        "000-3.txt",
        "000.txt",
        "001.txt",
    ]
    write_annotations(animals[[0, 0, 3]], tmp_path / "c", format="coco")
    content = json.loads((tmp_path / "c/annotations/instances.json").read_text("utf-8"))
    numbers = [each["id"] for each in content["annotations"]]
    assert len(set(numbers)) == len(numbers) == 7 and numbers[:2] == [7, 3]


def voc(tmp_path, objects="", size="<size><width>64</width><height>48</height></size>", head=""):
    (tmp_path / "Annotations").mkdir(parents=True, exist_ok=True)
    (tmp_path / "JPEGImages").mkdir(exist_ok=True)
    write_images(tmp_path / "JPEGImages", make_images(1, (48, 64), "uint8"), names=["a"])
    text = f"{head}<annotation><filename>C:\\x\\a.png</filename>{size}{objects}</annotation>"
    (tmp_path / "Annotations/a.xml").write_text(text, encoding="utf-8")
    return tmp_path


def thing(*sides, name="dog"):
    tags = "".join(
        f"<{t}>{v}</{t}>" for t, v in zip(("xmin", "ymin", "xmax", "ymax"), sides, strict=True)
    )
    return f"<object><name>{name}</name><bndbox>{tags}</bndbox></object>"


def test_pixels_of_voc_are_counted_from_one_unless_told_otherwise(tmp_path):
    folder = voc(tmp_path, thing(1, 1, 64, 48))
    assert read_annotations(folder).boxes.tolist() == [[0, 0, 64, 48]]
    assert read_annotations(folder, one_based=False).boxes.tolist() == [[1, 1, 64, 48]]


def test_boxes_beyond_the_border_are_cut_and_those_without_area_are_left_out(tmp_path):
    folder = voc(
        tmp_path,
        thing(5, 5, 80, 20)
        + thing(9, 9, 9, 20)
        + thing(70, 5, 90, 20)
        + thing(30, 30, 20, 40)
        + thing(2, 2, 9, 9),
    )
    with pytest.warns(
        UserWarning, match=r"3 objects were left out.*no area; 1 object was cut"
    ) as told:
        found = read_annotations(folder)
    assert told[0].filename == __file__
    assert found.boxes.tolist() == [[4, 4, 64, 20], [1, 1, 9, 9]]
    assert [gone.box for gone in found.dropped] == [1, 2, 3]
    assert "outside the image of 64 x 48" in found.dropped[1].reason
    assert "16 pixels beyond the border" in found.cut[0].reason


LAUGHS = (
    "<!DOCTYPE x [<!ENTITY a 'ha'>"
    + "".join(f"<!ENTITY {chr(98 + i)} '{f'&{chr(97 + i)};' * 10}'>" for i in range(9))
    + "]>"
)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"head": LAUGHS, "objects": thing(1, 1, 5, 5, name="&j;")}, "DOCTYPE"),
        ({"head": '<!DOCTYPE x SYSTEM "file:///etc/passwd">'}, "DOCTYPE"),
        ({"head": '<?xml version="1.0" encoding="klingon"?>'}, "not valid XML"),
        ({"objects": "<object>"}, "not valid XML: mismatched tag"),
        ({"objects": "<x>" * 50 + "</x>" * 50}, "nested more than 32"),
        ({"objects": thing("one", 1, 5, 5)}, "xmin must be a number, got 'one'"),
        ({"objects": thing("nan", 1, 5, 5)}, "xmin must be a number"),
        ({"objects": thing(1, 1, 5, 5, name=" ")}, "object 0 has no name"),
        ({"objects": "<object><name>a</name></object>"}, "has no bndbox"),
        (
            {"size": "<size><width>640</width><height>48</height></size>"},
            r"\(48, 64\), got \(48, 640\)",
        ),
    ],
)
def test_hostile_and_broken_xml_is_named_with_the_reason(tmp_path, parts, reason):
    folder = voc(tmp_path, **parts)
    with pytest.raises(ValueError, match=rf"(?s)1 file is not.*a\.xml: .*{reason}"):
        read_annotations(folder)
    with pytest.warns(UserWarning, match="left out"):
        found = read_annotations(folder, on_error="skip")
    assert len(found) == 0 and len(found.dropped) == 1


def coco(tmp_path, annotations=(), images=({"id": 1, "file_name": "a.png"},), **more):
    write_images(tmp_path, make_images(1, (48, 64), "uint8"), names=["a"])
    content = {
        "images": list(images),
        "annotations": list(annotations),
        "categories": [{"id": 3, "name": "dog"}],
        **more,
    }
    (tmp_path / "x.json").write_text(json.dumps(content))
    return tmp_path / "x.json"


FINE = {"id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4]}


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"bbox": [1, 2, 3]}, r"\[x, y, width, height\], got \[1, 2, 3\]"),
        ({"bbox": [1, 2, float("nan"), 3]}, r"\[x, y, width, height\]"),
        ({"bbox": ["1", 2, 3, 3]}, r"\[x, y, width, height\]"),
        ({"image_id": 9}, "it names no image: 9"),
        ({"image_id": [1]}, "it names no image"),
        ({"category_id": None}, "it names no category: None"),
        ({"segmentation": [[1, 2, 3]]}, "an outline of at least three points"),
        ({"segmentation": {"size": [48, 64], "counts": [1, 2]}}, "add up to 48 x 64"),
        (
            {"segmentation": {"size": [8, 8], "counts": [64]}},
            r"mask must have the size of its image, \(48, 64\), got \(8, 8\)",
        ),
        ({"keypoints": [1, 2]}, "keypoints must be x, y"),
        ({"bbox": None}, "neither bbox nor segmentation"),
    ],
)
def test_broken_annotations_of_coco_are_named_by_number(tmp_path, more, reason):
    path = coco(
        tmp_path, [{**FINE, **more}], [{"id": 1, "file_name": "a.png", "height": 48, "width": 64}]
    )
    with pytest.raises(ValueError, match=rf"x\.json, annotation 1: .*{reason}"):
        read_annotations(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[" * 100_000, "nested too deeply|no JSON"),
        ("{", "not valid JSON"),
        ("[]", "must hold images"),
        ('{"images": 5, "annotations": [], "categories": []}', "'images' must be a list"),
        ('{"images": [{"id": 1}], "annotations": [], "categories": []}', "no file_name"),
    ],
)
def test_files_that_are_no_coco_are_refused(tmp_path, content, reason):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(ValueError, match=reason):
        read_annotations(tmp_path / "x.json")


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("0 0.5 0.5 x 0.1", "line 1 must be numbers"),
        ("dog 0.5 0.5 0.1 0.1", "line 1 must be numbers"),
        ("-1 0.5 0.5 0.1 0.1", "must begin with a class"),
        ("0.5 0.5 0.5 0.1 0.1", "must begin with a class"),
        ("0 nan 0.5 0.1 0.1", "must begin with a class"),
        ("\n0 0.5 0.5 0.1", "line 2 must be an outline"),
        ("7 0.5 0.5 0.1 0.1", "names 2 classes, but there are labels of class 7"),
    ],
)
def test_broken_lines_of_yolo_are_named(tmp_path, lines, reason):
    (tmp_path / "labels").mkdir()
    (tmp_path / "images").mkdir()
    write_images(tmp_path / "images", make_images(1, (48, 64), "uint8"), names=["a"])
    (tmp_path / "labels/a.txt").write_text(lines)
    (tmp_path / "data.yaml").write_text("names: ['x', \"y\"]  # two\n")
    with pytest.raises(ValueError, match=reason):
        read_annotations(tmp_path)


def test_what_csv_lacks_is_named(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("path,label\n")
    with pytest.raises(ValueError, match="its first line lacks xmin, ymin"):
        read_annotations(path)
    write_images(tmp_path, make_images(1, (48, 64), "uint8"), names=["a"])
    path.write_text("filename,class,x1,y1,x2,y2\na.png,dog,1,2,3,4\na.png,dog,1,2,3,inf\n")
    with pytest.raises(ValueError, match="line 3: xmin, ymin, xmax, ymax must be numbers"):
        read_annotations(path)
    path.write_text("filename,class,x1,y1,x2,y2\na.png,dog,1,2,3,4\nb.png,dog,1,2,3,4\n")
    with pytest.raises(ValueError, match=r"b\.png does not exist"):
        read_annotations(path)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
@pytest.mark.parametrize("marked", ["stored", "seen"])
def test_boxes_of_a_photo_that_exif_turns_follow_the_size_they_say(tmp_path, orientation, marked):
    stored = np.zeros((48, 64), dtype=np.uint8)
    stored[5:15, 10:40] = 255
    exif = Image.Exif()
    exif[274] = orientation
    for folder in ("JPEGImages", "Annotations"):
        (tmp_path / folder).mkdir()
    Image.fromarray(stored).save(tmp_path / "JPEGImages/a.png", exif=exif)
    seen = read_image(tmp_path / "JPEGImages/a.png")
    rows, columns = np.nonzero(seen if marked == "seen" else stored)
    sides = columns.min() + 1, rows.min() + 1, columns.max() + 1, rows.max() + 1
    width, height = (48, 64) if marked == "seen" else (64, 48)
    (tmp_path / "Annotations/a.xml").write_text(
        f"<annotation><size><width>{width}</width><height>{height}</height></size>"
        f"{thing(*sides)}</annotation>"
    )
    rows, columns = np.nonzero(seen)
    found = read_annotations(tmp_path)
    assert found.sizes.tolist() == [[64, 48]]
    box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert found.boxes.tolist() == [box]


def test_a_folder_of_no_format_or_of_two_asks_for_the_format(animals, tmp_path):
    with pytest.raises(ValueError, match="none of the formats"):
        read_annotations(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_annotations(tmp_path / "nowhere")
    write_annotations(animals, tmp_path / "o", format="voc")
    write_annotations(animals, tmp_path / "p", format="csv")
    os.rename(tmp_path / "p/labels.csv", tmp_path / "o/labels.csv")
    with pytest.raises(ValueError, match=r"several formats \(voc, csv\)"):
        read_annotations(tmp_path / "o")
    assert len(read_annotations(tmp_path / "o", format="voc")) == 4
    with pytest.raises(ValueError, match="`format` must be one of"):
        read_annotations(tmp_path / "o", format="pascal")


def test_an_output_is_never_written_over_and_an_interrupted_one_is_gone_on_with(animals, tmp_path):
    full, cut = tmp_path / "full", tmp_path / "cut"
    write_annotations(animals, full, format="coco")
    with pytest.raises(FileExistsError, match="new or empty folder"):
        write_annotations(animals, full, format="coco")
    broken = replace(animals, paths=np.append(animals.paths[:3], "gone.png"))
    with pytest.raises(FileNotFoundError):
        write_annotations(broken, cut, format="coco")
    with pytest.raises(FileExistsError, match="interrupted"):
        write_annotations(broken, cut, format="coco")
    with pytest.raises(FileExistsError, match="begun with other annotations"):
        write_annotations(animals, cut, format="voc", resume=True)


def test_only_the_same_pixels_go_on_with_an_interrupted_output(tmp_path, monkeypatch):
    photos = make_images(4, (9, 7, 3), "uint8")
    found = Annotations.of([[[1, 1, 5, 5]]] * 4, [["dog"]] * 4, (9, 7))
    write_annotations(found, tmp_path / "whole", format="voc", images=photos)
    whole, left = files.write_image, [3]

    def until_then(path, image, **options):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        whole(path, image, **options)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_image", until_then)
        with pytest.raises(KeyboardInterrupt):
            write_annotations(found, tmp_path / "out", format="voc", images=photos, n_jobs=1)
    other = photos.copy()
    other[2, 4, 4] += 1
    how = {"format": "voc", "resume": True}
    with pytest.raises(FileExistsError, match="other images: row 2 differs"):
        write_annotations(found, tmp_path / "out", images=other, **how)
    write_annotations(found, tmp_path / "out", images=photos, **how)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_each_json_file_is_parsed_once(animals, tmp_path, monkeypatch):
    animals = split_annotations(animals, 0.5, random_state=0)
    write_annotations(animals, tmp_path / "coco", format="coco")
    read, opened = _records.read_text, []
    monkeypatch.setattr(_records, "read_text", lambda path: opened.append(path) or read(path))
    calls = {
        "guessed": lambda: read_annotations(tmp_path / "coco"),
        "named": lambda: read_annotations(tmp_path / "coco", format="coco"),
        "balanced": lambda: balance_annotations(tmp_path / "coco", tmp_path / "b", dry_run=True),
    }
    for call in calls.values():
        call()
        assert len(opened) == 2 == len(set(opened))
        opened.clear()


@pytest.mark.parametrize("kind", ["coco", None])
def test_a_broken_part_of_a_split_is_not_passed_over(animals, tmp_path, kind):
    place = tmp_path / "coco"
    write_annotations(split_annotations(animals, 0.5, random_state=0), place, format="coco")
    broken = max((place / "annotations").glob("*.json"))
    broken.write_text(broken.read_text()[:-9])
    with pytest.raises(ValueError, match=f"{broken.name}.*not valid JSON"):
        read_annotations(place, format=kind)
    with pytest.warns(UserWarning, match=broken.name):
        found = read_annotations(place, format=kind, on_error="skip")
    assert 0 < len(found) < len(animals)


@pytest.mark.parametrize("name", ["columns", "image_columns", "polygons", "masks", "keypoints"])
def test_only_the_same_annotations_go_on_with_an_interrupted_output(animals, tmp_path, name):
    square = np.array([[1.0, 1], [5, 1], [5, 5]])
    other = {
        "columns": {**animals.columns, "pose": np.array(["Right"] * 6, dtype=object)},
        "image_columns": {"id": np.arange(4)},
        "polygons": as_objects([(square,)] * 6),
        "masks": as_objects([RunLengths((4, 4), np.array([3, 13]))] * 6),
        "keypoints": np.ones((6, 2, 3)),
    }
    broken = replace(animals, paths=np.append(animals.paths[:3], "gone.png"))
    with pytest.raises(FileNotFoundError):
        write_annotations(broken, tmp_path / "out", format="coco")
    with pytest.raises(FileExistsError, match="begun with other annotations"):
        write_annotations(
            replace(broken, **{name: other[name]}), tmp_path / "out", format="coco", resume=True
        )
    with pytest.raises(FileNotFoundError):
        write_annotations(broken, tmp_path / "out", format="coco", resume=True)


def test_interrupted_and_resumed_the_output_is_the_same(animals, tmp_path, monkeypatch):
    write_annotations(animals, tmp_path / "whole", format="yolo")
    written, left = disk.written_whole, [4]

    def until_then(path, **options):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return written(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(disk, "written_whole", until_then)
        with pytest.raises(KeyboardInterrupt):
            write_annotations(animals, tmp_path / "out", format="yolo", n_jobs=1)
    write_annotations(animals, tmp_path / "out", format="yolo", resume=True)
    trees = [
        {path.relative_to(top): path.read_bytes() for path in top.rglob("*") if path.is_file()}
        for top in (tmp_path / "whole", tmp_path / "out")
    ]
    assert trees[0] == trees[1]


def test_without_images_annotations_are_read_by_the_sizes_they_say(animals, tmp_path):
    write_annotations(animals, tmp_path / "o", format="coco", images=None)
    with pytest.raises(ValueError, match="does not exist"):
        read_annotations(tmp_path / "o")
    assert len(read_annotations(tmp_path / "o", images=False)) == 4
    with pytest.raises(ValueError, match="annotations without paths"):
        write_annotations(replace(animals, paths=None), tmp_path / "p", format="coco")


@pytest.mark.parametrize("format_", ["coco", "voc", "yolo"])
def test_supervision_reads_the_same_boxes(animals, tmp_path, format_):
    supervision = pytest.importorskip("supervision", reason="supervision is not installed")
    written = write_annotations(animals, tmp_path / "out", format=format_)
    folders = sorted({os.path.dirname(path) for path in written.paths})
    assert len(folders) == 1
    there = tmp_path / "out"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if format_ == "coco":
            (file,) = (there / "annotations").glob("*.json")
            found = supervision.DetectionDataset.from_coco(folders[0], str(file))
        elif format_ == "voc":
            found = supervision.DetectionDataset.from_pascal_voc(
                folders[0], str(there / "Annotations")
            )
        else:
            (labels,) = {str(path.parent) for path in there.rglob("*.txt") if "labels" in str(path)}
            found = supervision.DetectionDataset.from_yolo(
                folders[0], labels, str(there / "data.yaml")
            )
    assert len(found) == len(animals)
    boxes = {os.path.basename(path): detections for path, _, detections in found}
    for row, path in enumerate(written.paths):
        theirs = boxes[os.path.basename(path)]
        own = animals.boxes_of(row)
        names = [found.classes[at] for at in theirs.class_id] if len(theirs) else []
        order = np.lexsort(np.round(theirs.xyxy, 1).T) if len(theirs) else []
        mine = np.lexsort(np.round(own, 1).T) if len(own) else []
        assert [names[at] for at in order] == [animals.labels_of(row)[at] for at in mine]
        if len(own):
            assert np.abs(theirs.xyxy[order] - own[mine]).max() < 0.01


# of pycocotools' own arrays, with NumPy 2
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")
def test_pycocotools_reads_the_same_boxes_and_masks(animals, tmp_path, capsys):
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    y, x = np.indices(SIZES[0])
    masks = [np.array([x > 30, (x - 20) ** 2 + (y - 20) ** 2 < 90])]
    outlines = [[np.array([[5.0, 5], [20, 5], [20, 25], [5, 25]])]]
    source = tmp_path / "more"
    source.mkdir()
    paths = write_images(source, [make_images(1, SIZES[0], "uint8")[0]])
    with_masks = Annotations.of([None], [["dog", "cat"]], SIZES[:1], masks=masks, paths=paths)
    with_outlines = Annotations.of(
        [[[5, 5, 20, 25]]], [["dog"]], SIZES[:1], polygons=outlines, paths=paths
    )
    for number, given in enumerate((animals, with_masks, with_outlines)):
        write_annotations(given, tmp_path / f"out{number}", format="coco")
        (file,) = (tmp_path / f"out{number}" / "annotations").glob("*.json")
        found = coco.COCO(str(file))
        names = {each["id"]: each["name"] for each in found.loadCats(found.getCatIds())}
        images = found.loadImgs(found.getImgIds())
        assert len(images) == len(given) and set(names.values()) == set(given.classes)
        for row, image in enumerate(images):
            own = found.loadAnns(found.getAnnIds(imgIds=[image["id"]], iscrowd=None))
            assert [names[each["category_id"]] for each in own] == given.labels_of(row)
            if len(own):
                boxes = np.array([each["bbox"] for each in own])
                boxes[:, 2:] += boxes[:, :2]
                assert np.abs(boxes - given.boxes_of(row)).max() < 0.001
            for at, each in enumerate(own):
                if given.masks is not None:
                    assert (found.annToMask(each).astype(bool) == masks[row][at]).all()
                    assert each["area"] == masks[row][at].sum()
                if given.polygons is not None:
                    assert abs(int(found.annToMask(each).sum()) - 300) <= 40
    capsys.readouterr()


def test_masks_keep_their_numbers_and_their_palette_through_a_resampling(tmp_path):
    rng = np.random.default_rng(0)
    images = make_images(6, (20, 30, 3), "uint8")
    paths = write_images(tmp_path, list(images))
    (tmp_path / "masks").mkdir()
    colours = np.vstack([[[0, 0, 0], [255, 0, 0], [0, 9, 200]], rng.integers(0, 256, (253, 3))])
    maps = [np.kron(rng.integers(0, 3, (4, 6)), np.ones((5, 5), int)).astype(np.uint8)] * 6
    for path, one in zip(paths, maps, strict=True):
        image = Image.fromarray(one)
        image.putpalette(colours.astype(np.uint8).tobytes())
        image.save(tmp_path / "masks" / (os.path.splitext(os.path.basename(path))[0] + ".png"))
    found = read_masks(tmp_path / "masks", paths[::-1])
    assert all((a == b).all() for a, b in zip(found, maps[::-1], strict=True))
    over = RandomOverSampler(synthesis=Augment(), random_state=0, output_dir=tmp_path / "new")
    new, _ = over.fit_resample(paths, [0, 0, 0, 0, 1, 1])
    carried = carry(over.plan_, read_masks(tmp_path / "masks", paths))
    out = write_masks(carried, tmp_path / "out", names=new, palette=tmp_path / "masks", n_jobs=2)
    for path, one in zip(out, carried, strict=True):
        with Image.open(path) as image:
            assert image.mode == "P" and {*np.unique(image)} <= {0, 1, 2, 255}
            assert image.getpalette() == colours.ravel().tolist()
        assert (read_masks([path])[0] == one).all()
    with pytest.raises(FileExistsError, match="exists already"):
        write_masks(carried, tmp_path / "out", names=new)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "int64"])
def test_masks_of_every_kind_come_back(dtype, tmp_path):
    one = (np.arange(48).reshape(6, 8) * (1 if dtype in ("bool", "uint8") else 900)).astype(dtype)
    (path,) = write_masks([one], tmp_path / "out", names=["x/photo.jpg"])
    assert os.path.basename(path) == "photo.png"
    (again,) = read_masks(tmp_path / "out")
    assert (again == one).all() and again.dtype == ("uint16" if dtype == "int64" else dtype)


def test_what_is_no_mask_is_named(tmp_path):
    grey = np.zeros((4, 5), dtype=np.uint8)
    Image.fromarray(np.zeros((4, 5, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(grey).save(tmp_path / "b.jpg")
    (tmp_path / "c.png").write_bytes(b"")
    for name, words in (("a.png", "mode RGB"), ("b.jpg", "JPEG, which"), ("c.png", "empty")):
        with pytest.raises(ValueError, match=rf"{name}.*{words}"):
            read_masks([tmp_path / name])
    with pytest.raises(ValueError, match=r"has none for 1 of 2 images, such as 'd'"):
        read_masks(tmp_path, images=["a.jpg", "d.jpg"])
    with pytest.raises(FileNotFoundError, match="must be a folder or a list"):
        read_masks(tmp_path / "nowhere")
    for maps, more, words in (
        ([grey.astype(float)], {}, "must be label maps of integers"),
        ([grey.astype(np.int64) - 1], {}, "numbers from 0 to 65,535, as PNG does, got -1"),
        ([grey.astype(np.int64) + 300], {"palette": [[0, 0, 0]]}, "numbers above 255, got 300"),
        ([grey], {"palette": [0, 1]}, "`palette` must be a mask, or up to 256 rows"),
        ([grey], {"palette": tmp_path / "b.jpg"}, "has none"),
        ([grey, grey], {}, "got 'x' twice"),
    ):
        with pytest.raises(ValueError, match=words):
            write_masks(maps, tmp_path / "out", names=["x.jpg"] * len(maps), **more)


def test_a_palette_has_a_colour_for_every_number(tmp_path):
    maps, two = [np.array([[0, 1], [2, 1]])], [[0, 0, 0], [255, 0, 0]]
    with pytest.raises(ValueError, match=r"got 2 colours for 2 in 'a'"):
        write_masks(maps, tmp_path, names=["a"], palette=two)
    write_masks(maps, tmp_path, names=["a"], palette=[*two, [0, 255, 0]])


def test_what_yolo_cannot_hold_beside_keypoints_is_told_where_it_is_written(animals, tmp_path):
    square = np.array([[1.0, 1], [5, 1], [5, 5]])
    both = replace(animals, polygons=as_objects([(square,)] * 6), keypoints=np.ones((6, 2, 3)))
    with pytest.warns(UserWarning, match="cannot hold polygons beside keypoints") as caught:
        write_annotations(both, tmp_path / "out", format="yolo")
    assert caught[0].filename == __file__


def test_voc_says_how_many_channels_a_copied_image_has(tmp_path):
    shapes = [(8, 8), (8, 8, 3), (8, 8, 4)]
    paths = [*(str(tmp_path / f"{n}.png") for n in range(3))]
    for path, shape in zip(paths, shapes, strict=True):
        files.write_image(path, make_images(1, shape, "uint8")[0])
    found = Annotations.of([[]] * 3, [[]] * 3, (8, 8), paths=paths, classes=["a"])
    write_annotations(found, tmp_path / "out", format="voc")
    texts = [(tmp_path / f"out/Annotations/{n}.xml").read_text("utf-8") for n in range(3)]
    for n, text in zip((1, 3, 4), texts, strict=True):
        assert f"<depth>{n}</depth>" in text


def test_a_cell_of_two_signs_is_text(animals, tmp_path):
    odd = np.array(["--5", "-5", "5", "5-", "", "x"], dtype=object)
    write_annotations(replace(animals, columns={"pose": odd}), tmp_path / "out", format="csv")
    found = read_annotations(tmp_path / "out").columns["pose"].tolist()
    assert found == ["--5", -5, 5, "5-", None, "x"]


@pytest.mark.parametrize("format_", ["csv", "voc"])
def test_a_list_of_classes_in_another_encoding_is_named(animals, tmp_path, format_):
    write_annotations(animals, tmp_path / "out", format=format_)
    (tmp_path / "out/classes.txt").write_bytes("ünter".encode("latin-1"))
    with pytest.raises(ValueError, match=r"classes\.txt: it is not UTF-8 text"):
        read_annotations(tmp_path / "out")
