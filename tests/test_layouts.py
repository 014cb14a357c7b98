"""What lies in a source folder, and what is wanted of it: levels, splits, classes, other files."""

import io
import json
import os
import re
import shutil
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from folder_tools import contents, encoded, read_manifest, snapshot, write_photos
from PIL import Image

from imblearn_images import SMOTE, RandomOverSampler, under_sampling
from imblearn_images._cli.main import main
from imblearn_images.combine import SMOTEENN
from imblearn_images.core import parallel
from imblearn_images.core.files import read_image
from imblearn_images.datasets import load_image_folder
from imblearn_images.folders import (
    balance_folder,
    export_images,
    inspect_folder,
    split_folder,
    unbalance_folder,
    verify_folder,
)
from imblearn_images.folders._names import name_file
from imblearn_images.strategies import LongTail

SHAPE = (4, 4, 3)


def command(*arguments):
    """Run the command; raise what it says where it refuses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", said := io.StringIO())
        if main([str(argument) for argument in arguments]):
            raise ValueError(said.getvalue())


def names_of(classes):
    return ["--classes", ",".join(classes)] if classes else []


DOORS = {
    "load": lambda source, out, classes=None: load_image_folder(source, classes=classes),
    "inspect": lambda source, out, classes=None: inspect_folder(
        source, classes=classes, near=False
    ),
    "split": lambda source, out, classes=None: split_folder(source, classes=classes),
    "balance": lambda source, out, classes=None: balance_folder(source, out, classes=classes),
    "unbalance": lambda source, out, classes=None: unbalance_folder(
        source, out, LongTail(2), classes=classes
    ),
    "inspect command": lambda source, out, classes=None: command(
        "inspect", source, "--no-near", *names_of(classes)
    ),
    "balance command": lambda source, out, classes=None: command(
        "balance", source, out, *names_of(classes)
    ),
    "compare command": lambda source, out, classes=None: command(
        *("compare", source, "--quick", "--size", "4", "--folds", "2", "--repeats", "1", "--quiet"),
        *("--methods", "random-over", "--n-jobs", "1", *names_of(classes)),
    ),
}
every_door = pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)


def write_splits(folder, counts, *, classes=("cat", "dog")):
    """Folders of splits, each with class folders; no image twice."""
    for number, (side, sizes) in enumerate(counts.items()):
        sizes = dict(zip(classes, sizes, strict=True))
        write_photos(Path(folder) / side, sizes, shape=SHAPE, first=100 * number)
    return Path(folder)


@pytest.fixture
def kaggle(tmp_path):
    """A split as it is downloaded."""
    return write_splits(tmp_path / "kaggle", {"train": (16, 7), "val": (4, 3), "test": (3, 5)})


# --- class folders at the wrong level


def own_output(root):
    write_photos(root / "photos", {"cat": 10, "dog": 5}, shape=SHAPE)
    balance_folder(root / "photos", root / "out", sampler=RandomOverSampler())
    return root / "out", "out/train"


def own_table(root):
    write_photos(root / "photos", {"cat": 10, "dog": 5}, shape=SHAPE)
    balance_folder(root / "photos", root / "out", layout="csv")
    return root / "out", "layout csv"


def own_unfinished(root):
    write_photos(root / "out", {"cat": 10, "dog": 5}, shape=SHAPE)
    (root / "out" / ".unfinished").mkdir()
    return root / "out", "unfinished output"


def part_of_unfinished(root):
    write_splits(root / "out", {"train": (4, 2), "valid": (4, 2)})
    (root / "out" / ".unfinished").mkdir()
    return root / "out" / "train", "unfinished output"


def splits(*names, beside=()):
    def make(root):
        write_splits(root / "set", dict.fromkeys(names, (4, 2)))
        for name in beside:
            (root / "set" / name).mkdir()
            (root / "set" / name / "notes.xml").touch()
        return root / "set", f"set/{names[0]}"

    return make


def flat_splits(root):
    return write_photos(root / "set", {"train": 4, "test": 4}, shape=SHAPE), "set/train"


def twice(root):
    write_splits(root / "set" / "seg_train", {"seg_train": (4, 2)})
    write_splits(root / "set" / "seg_test", {"seg_test": (4, 2)})
    return root / "set", "set/seg_train/seg_train"


def with_masks(pictures, companions):
    def make(root):
        write_photos(root / "set" / pictures, {"cat": 4, "dog": 2}, shape=SHAPE)
        write_photos(root / "set", {companions: 6}, shape=SHAPE, first=50)
        return root / "set", f"{pictures}' has 'cat', 'dog'"

    return make


def masks_in_a_class(root):
    write_photos(root / "set" / "cat", {"images": 3, "masks": 3}, shape=SHAPE)
    write_photos(root / "set", {"dog": 4}, shape=SHAPE, first=50)
    return root / "set", "set/cat' holds 'images' beside 'masks'"


def sites(root):
    return write_splits(root / "set", {"north": (4, 2), "south": (4, 2)}), "set/north"


def one_above(root):
    return write_photos(root / "set" / "flowers", {"a": 4, "b": 2}, shape=SHAPE).parent, "/flowers"


LAYOUTS = {
    "own output": own_output,
    "own table": own_table,
    "own unfinished": own_unfinished,
    "a part of it": part_of_unfinished,
    "train/val": splits("train", "val"),
    "train/valid/test": splits("train", "valid", "test"),
    "Training/Testing": splits("Training", "Testing"),
    "train/dev/annotations": splits("train", "dev", beside=["annotations"]),
    "only train": splits("train"),
    "training_set/test_set": splits("training_set", "test_set", beside=["docs"]),
    "flat splits": flat_splits,
    "split in split": twice,
    "images/masks": with_masks("images", "masks"),
    "JPEGImages/Annotations": with_masks("JPEGImages", "Annotations"),
    "imgs/labels": with_masks("imgs", "labels"),
    "masks in a class": masks_in_a_class,
    "the same classes in each": sites,
    "one level above": one_above,
}


@every_door
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_the_wrong_level_is_refused_with_the_folder_that_is_meant(tmp_path, layout, door):
    source, told = layout(tmp_path)
    before = snapshot(tmp_path)
    with pytest.raises(ValueError, match=re.escape(told)):
        door(source, tmp_path / "new")
    assert snapshot(tmp_path) == before


@every_door
def test_folders_that_are_named_are_classes_whatever_they_are_called(tmp_path, door, capsys):
    write_splits(tmp_path / "set", {"train": (8, 4), "test": (4, 4), "bus": (3, 3)})
    door(tmp_path / "set", tmp_path / "new", ["train", "test"])


def test_what_is_no_split_is_taken(tmp_path):
    # a vehicle among others; a tube; patients in each class, with a note
    write_photos(tmp_path / "a", {"train": 2, "bus": 2}, shape=SHAPE)
    write_photos(tmp_path / "b", {"test_tube": 2, "train_station": 2}, shape=SHAPE)
    for name in ("a", "b"):
        assert len(load_image_folder(tmp_path / name)[0]) == 4
    write_photos(tmp_path / "c" / "flu", {"ann": 2, "bob": 2}, shape=SHAPE)
    write_photos(tmp_path / "c" / "well", {"cyd": 2, "dan": 2}, shape=SHAPE, first=9)
    with pytest.warns(
        UserWarning, match="'flu' is read as one class, with the folders 'ann', 'bob'"
    ):
        _, labels = load_image_folder(tmp_path / "c")
    assert Counter(labels.tolist()) == {"flu": 4, "well": 4}
    assert "'ann', 'bob'" in "".join(inspect_folder(tmp_path / "c", near=False).notes)


@pytest.mark.parametrize("name", ["val", "valid", "validation", "dev"])
def test_one_split_is_read_by_any_of_its_names(kaggle, name):
    paths, labels = load_image_folder(kaggle, split=name)
    assert Counter(labels.tolist()) == {"cat": 4, "dog": 3}
    assert paths.tolist() == load_image_folder(kaggle / "val")[0].tolist()
    with pytest.raises(ValueError, match=r'split="train"'):
        load_image_folder(kaggle)


@pytest.mark.parametrize("split", ["nowhere", "cat", 3])
def test_a_split_that_is_not_there_is_named_beside_those_that_are(kaggle, split):
    with pytest.raises(ValueError, match=r"`split` must be .*'test', 'train', 'val'"):
        load_image_folder(kaggle, split=split)


# --- some classes only


@every_door
def test_some_classes_are_taken_and_the_others_not_looked_at(tmp_path, door, capsys):
    source = write_photos(tmp_path / "photos", {"cat": 8, "dog": 6, "ant": 5}, shape=SHAPE)
    (source / "ant" / "broken.png").write_bytes(b"no image")
    result = door(source, tmp_path / "new", ["dog", "cat"])
    if isinstance(result, tuple):
        assert Counter(result[1].tolist()) == {"cat": 8, "dog": 6}
    if (tmp_path / "new").exists():
        assert {row.label for row in read_manifest(tmp_path / "new")} == {"cat", "dog"}
    for wrong, told in ((["cta"], "Did you mean 'cat'"), (["cat", "x"], "got 'x'")):
        with pytest.raises(ValueError, match=told):
            door(source, tmp_path / "other", wrong)
    assert "ant" not in capsys.readouterr().out


@pytest.mark.parametrize("classes", ["cat", [1], []])
def test_classes_that_are_no_list_of_names(tmp_path, classes):
    write_photos(tmp_path / "photos", {"cat": 2}, shape=SHAPE)
    with pytest.raises((TypeError, ValueError), match=r"^`classes` must"):
        load_image_folder(tmp_path / "photos", classes=classes)


def test_a_class_with_a_comma_in_its_name(tmp_path, capsys):
    write_photos(tmp_path / "photos", {"a,b": 4, "c": 4, "d": 4}, shape=SHAPE)
    command("inspect", tmp_path / "photos", "--classes", '"a,b",c', "--json")
    found = json.loads(capsys.readouterr().out)["classes"]
    assert [each["label"] for each in found] == ["a,b", "c"]


# --- a split that is kept


@pytest.mark.parametrize("link", ["copy", "hard", "symlink"])
def test_a_kept_split_is_copied_and_only_train_is_resampled(kaggle, tmp_path, link):
    before, out = snapshot(kaggle), tmp_path / "out"
    sampler = SMOTE(k_neighbors=2)
    foreseen = balance_folder(kaggle, out, sampler=sampler, keep_split=True, dry_run=True)
    assert not out.exists()
    report = balance_folder(kaggle, out, sampler=sampler, keep_split=True, link=link)
    assert snapshot(kaggle) == before
    assert foreseen.classes == report.classes and foreseen.n_files == report.n_files
    assert [(c.valid, c.test, c.train, c.resampled) for c in report.classes] == [
        (4, 3, 16, 16),
        (3, 5, 7, 16),
    ]
    assert (report.n_valid, report.n_test, report.n_train) == (7, 8, 32)
    assert verify_folder(out, source=kaggle)
    for side in ("val", "test"):
        given, written = contents(kaggle / side), contents(out / side)
        assert Counter(given.values()) == Counter(written.values())
    rows = read_manifest(out)
    assert Counter(row.split for row in rows) == {"valid": 7, "test": 8, "train": 32}
    for row in rows:
        assert {Path(parent).parts[:2] for parent in (row.path, *row.parents)} == {
            ({"valid": "val"}.get(row.split, row.split), row.label)
        }
    written = contents(out)
    balance_folder(kaggle, out, sampler=sampler, keep_split=True, link=link, resume=True)
    assert contents(out) == written
    again = tmp_path / "again"  # an output is such a source, too
    balance_folder(out, again, sampler=RandomOverSampler(), keep_split=True, classes=["cat", "dog"])
    assert verify_folder(again, source=out)


def test_verify_knows_test_images(kaggle, tmp_path):
    balance_folder(kaggle, tmp_path / "out", keep_split=True)
    file = tmp_path / "out" / "manifest.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    tested = next(row for row in rows if row["split"] == "test")
    next(row for row in rows if row["split"] == "train")["parents"] = tested["parents"]
    file.write_text("\n".join(map(json.dumps, rows)) + "\n")
    assert len(verify_folder(tmp_path / "out").leaks) == 1


@pytest.mark.parametrize("side", ["val", "test"])
def test_a_training_file_that_is_held_back_too_is_refused_or_left_out(kaggle, tmp_path, side):
    shutil.copy(next((kaggle / side / "cat").iterdir()), kaggle / "train" / "dog" / "same.png")
    with pytest.raises(ValueError, match=rf"same\.png: equals '{side}/cat/") as refused:
        balance_folder(kaggle, tmp_path / "out", keep_split=True)
    assert "on_error" in str(refused.value) and not (tmp_path / "out").exists()
    report = balance_folder(kaggle, tmp_path / "out", keep_split=True, on_error="skip")
    assert list(report.skipped) == ["train/dog/same.png"]
    assert verify_folder(tmp_path / "out", source=kaggle)


def test_all_sides_of_a_kept_split_have_the_same_classes(kaggle, tmp_path):
    write_photos(kaggle / "train", {"emu": 5}, shape=SHAPE, first=900)
    with pytest.raises(
        ValueError, match=r"Class 'emu' .*train' and none in .*`classes`: 'cat', 'dog'"
    ):
        balance_folder(kaggle, tmp_path / "out", keep_split=True)
    balance_folder(kaggle, tmp_path / "some", keep_split=True, classes=["cat", "dog"])
    (kaggle / "val" / "emu").mkdir()
    (kaggle / "test" / "emu").mkdir()
    balance_folder(kaggle, tmp_path / "out", keep_split=True, sampler=RandomOverSampler())
    for side in ("train", "val", "test"):
        assert sorted(os.listdir(tmp_path / "out" / side)) == ["cat", "dog", "emu"]
    assert verify_folder(tmp_path / "out", source=kaggle)


def test_what_is_no_part_of_a_kept_split_is_noted(kaggle, tmp_path):
    shutil.rmtree(kaggle / "test")
    (kaggle / "test").mkdir()
    (kaggle / "test" / "unknown.png").write_bytes(encoded(np.zeros(SHAPE, np.uint8)))
    (kaggle / "sample.csv").touch()
    (kaggle / "extra").mkdir()
    report = balance_folder(kaggle, tmp_path / "out", keep_split=True)
    notes = "\n".join(report.notes)
    assert "test' holds no class folders and is left out" in notes
    assert "['extra', 'sample.csv']" in notes and report.n_test == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"validation": 0.2}, "`validation` must be left out"),
        ({"groups": "stem-prefix"}, "`groups` must be left out"),
        ({"layout": "csv"}, '`layout` must be "folders"'),
        ({"link": "rows"}, "`link` must be .copy."),
    ],
)
def test_what_does_not_go_with_a_kept_split(kaggle, tmp_path, options, told):
    with pytest.raises(ValueError, match=told):
        balance_folder(kaggle, tmp_path / "out", keep_split=True, **options)


def test_a_split_can_be_kept_only_where_one_is(kaggle, tmp_path):
    with pytest.raises(ValueError, match=r"must hold a folder called train.*'cat', 'dog'"):
        balance_folder(kaggle / "train", tmp_path / "out", keep_split=True)
    shutil.copytree(kaggle / "val", kaggle / "valid")
    with pytest.raises(ValueError, match=r"two folders for one split, 'val' and 'valid'"):
        balance_folder(kaggle, tmp_path / "out", keep_split=True)
    for side in ("val", "valid", "test"):
        shutil.rmtree(kaggle / side)
    with pytest.raises(ValueError, match="no split to keep"):
        balance_folder(kaggle, tmp_path / "out", keep_split=True)


def test_the_commands_keep_a_split(kaggle, tmp_path, capsys):
    command("balance", kaggle, tmp_path / "out", "--keep-split", "--classes", "cat,dog")
    assert "7 validation rows and 8 test rows first" in capsys.readouterr().out
    profile = ("--profile", "long-tail", "--ratio", "4")
    command("unbalance", kaggle, tmp_path / "cut", "--keep-split", *profile)
    assert len(read_manifest(tmp_path / "cut")) == 7 + 8 + 16 + 4


# --- a class is never emptied


SEVERE = {
    *("AllKNN", "EditedNearestNeighbours", "NeighbourhoodCleaningRule"),
    *("RepeatedEditedNearestNeighbours", "SMOTEENN"),
}
CLEANERS = [
    sampler()
    for name in under_sampling.__all__
    if "clean" in (sampler := getattr(under_sampling, name))().__module__
] + [SMOTEENN(random_state=0)]


@pytest.mark.parametrize("sampler", CLEANERS, ids=lambda sampler: type(sampler).__name__)
def test_all_sides_have_the_same_classes_whatever_a_sampler_removes(tmp_path, sampler):
    # noise: neighbours of the small classes are of the large one
    write_photos(tmp_path / "photos", {"a": 24, "b": 12, "c": 8}, shape=SHAPE)
    # read with "smote" strategy or not, cleaners with "all" are the severe ones
    if "kind_sel" in sampler.get_params():
        sampler.set_params(sampling_strategy="all")
    options = {"sampler": sampler, "validation": 0.25}
    out = tmp_path / "out"
    if type(sampler).__name__ in SEVERE:
        with pytest.raises(ValueError, match=r"images of class '.'.*on_empty=\"keep\"") as refused:
            balance_folder(tmp_path / "photos", out, **options)
        assert not out.exists()
        report = balance_folder(tmp_path / "photos", out, on_empty="keep", **options)
        kept = [c for c in report.classes if f"class {c.label!r}" in str(refused.value)]
        assert kept and all(c.resampled == c.train for c in kept)
    else:
        balance_folder(tmp_path / "photos", out, **options)
    sides = [sorted(os.listdir(out / side)) for side in ("train", "valid")]
    assert sides == [["a", "b", "c"]] * 2
    assert verify_folder(out, source=tmp_path / "photos")


def test_a_dry_run_refuses_what_the_run_refuses(tmp_path):
    rng = np.random.default_rng(0)
    for label, n in (("many", 30), ("few", 4)):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for row in range(n):
            image = np.full(SHAPE, 100, np.uint8) + rng.integers(0, 3, SHAPE, dtype=np.uint8)
            (tmp_path / "photos" / label / f"{row}.png").write_bytes(encoded(image))
    for sampler in (
        under_sampling.EditedNearestNeighbours(sampling_strategy="all"),
        SMOTEENN(smote=SMOTE(sampling_strategy={"few": 4}, k_neighbors=1), random_state=0),
    ):
        for dry_run in (True, False):
            with pytest.raises(ValueError, match="none of the 3 training images of class 'few'"):
                balance_folder(
                    tmp_path / "photos", tmp_path / "out", sampler=sampler, dry_run=dry_run
                )
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["arrays", "paths"])
def test_an_export_has_the_same_classes_on_both_sides(tmp_path, kind):
    images = np.arange(4 * 48, dtype=np.uint8).reshape(4, *SHAPE)
    if kind == "paths":
        for row, image in enumerate(images):
            (tmp_path / f"{row}.png").write_bytes(encoded(image))
        images = [str(tmp_path / f"{row}.png") for row in range(4)]
    export_images(images, ["1", "2", "10", "1"], tmp_path / "out", is_valid=[1, 0, 0, 0])
    assert {side: sorted(os.listdir(tmp_path / "out" / side)) for side in ("train", "valid")} == {
        side: ["1", "10", "2"] for side in ("train", "valid")
    }
    assert verify_folder(tmp_path / "out")


# --- equal files in two classes


@pytest.mark.parametrize("n_own", [0, 1])
@pytest.mark.parametrize("door", [DOORS[name] for name in ("split", "balance", "balance command")])
def test_two_classes_of_the_same_files_are_both_named(tmp_path, door, n_own):
    source = write_photos(tmp_path / "photos", {"cat": 6, "dog": 6}, shape=SHAPE)
    shutil.copytree(source / "cat", source / "katze")
    write_photos(source, {"katze": n_own}, shape=SHAPE, first=50)
    named = "'katze' .* 'cat', .*'katze/photo_000.png' and 'cat/photo_000.png'"
    with pytest.raises(ValueError, match=named):
        door(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_file_in_two_classes_is_noted(tmp_path):
    source = write_photos(tmp_path / "photos", {"cat": 6, "dog": 6}, shape=SHAPE)
    shutil.copy(source / "cat" / "photo_000.png", source / "dog" / "other.png")
    assert "one image in two classes" in "".join(balance_folder(source, tmp_path / "out").notes)


# --- deep folders


@pytest.mark.skipif(sys.platform == "win32", reason="junctions are looked at there")
def test_deep_folders_are_not_resolved_level_by_level(tmp_path, monkeypatch):
    deep = tmp_path / "photos" / "cat" / os.path.join(*"d" * 300)
    deep.mkdir(parents=True)
    (deep / "1.png").touch()
    (deep / "up").symlink_to(tmp_path / "photos" / "cat")
    (deep / "far").symlink_to(tmp_path / "far")
    write_photos(tmp_path, {"far": 1}, shape=SHAPE)
    calls = []
    real = os.path.realpath
    monkeypatch.setattr(os.path, "realpath", lambda path: calls.append(path) or real(path))
    (tmp_path / "photos" / "dog").mkdir()
    (tmp_path / "photos" / "dog" / "2.png").touch()
    paths, _ = load_image_folder(tmp_path / "photos")
    assert [Path(path).name for path in paths] == ["1.png", "photo_000.png", "2.png"]
    assert len(calls) < 10


# --- files that are no images, empty classes


def test_other_files_are_counted_by_ending_and_class(tmp_path, capsys):
    source = write_photos(tmp_path / "photos", {"cat": 4, "dog": 3}, shape=SHAPE)
    for name in ("cat/1.HEIC", "cat/2.heic", "dog/3.heic", "dog/4.txt", "dog/README", "5.zip"):
        (source / name).touch()
    for report in (
        inspect_folder(source, near=False),
        balance_folder(source, tmp_path / "out", dry_run=True),
    ):
        note = next(note for note in report.notes if note.startswith("6 files skipped"))
        assert "3 .heic (convert to JPEG), 1 .txt, 1 without, 1 .zip (unpack)" in note.replace(
            "1 .zip (unpack), 1 .txt, 1 without", "1 .txt, 1 without, 1 .zip (unpack)"
        )
        assert note in str(report).replace("note: ", "")
    assert report.to_dict()["other_files"] == {
        "": {".zip": 1},
        "cat": {".heic": 2},
        "dog": {".heic": 1, ".txt": 1, "": 1},
    }
    command("inspect", source, "--no-near", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["classes"][0]["other_files"] == {".heic": 2} and told["other_files"] == {".zip": 1}
    assert ".heic:2" in str(inspect_folder(source, near=False)).splitlines()[1]


def test_inspect_reports_what_others_refuse(tmp_path, capsys):
    source = write_photos(tmp_path / "photos", {"cat": 4, "dog": 2}, shape=SHAPE)
    (source / "empty").mkdir()
    (source / "bad").mkdir()
    (source / "bad" / "x.png").write_bytes(b"no image")
    report = inspect_folder(source, near=False)
    assert {c["label"]: c["images"] for c in report.classes} == {
        "bad": 0,
        "cat": 4,
        "dog": 2,
        "empty": 0,
    }
    assert report.ratio == 2 and report.classes[0]["broken"] == 1
    assert report.classes[0]["advice"] == report.classes[3]["advice"] != []
    command("inspect", source, "--json")
    told = capsys.readouterr().out
    json.loads(told, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    command("inspect", source)
    shutil.rmtree(source / "cat")
    shutil.rmtree(source / "dog")
    for near in (None, False):
        assert inspect_folder(source, near=near).n_images == 0


@pytest.mark.parametrize("ending", [".jfif", ".JFIF", ".jpe", ".apng"])
def test_every_usual_ending_is_read(tmp_path, ending):
    kind = "PNG" if ending == ".apng" else "JPEG"
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / f"1{ending}").write_bytes(encoded(np.zeros(SHAPE, np.uint8), kind))
    report = inspect_folder(tmp_path, near=False)
    assert report.n_images == 1 and not any("another format" in note for note in report.notes)


def test_what_is_not_installed_is_said_once(tmp_path, monkeypatch, capsys, on_a_screen):
    source = write_photos(tmp_path / "photos", {"cat": 4, "dog": 4}, shape=SHAPE)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setitem(sys.modules, "imagehash", None)
    monkeypatch.setattr("imblearn_images.folders._inspecting.has_imagehash", lambda: False)
    parallel._say_what_is_missing.cache_clear()
    for _ in range(2):
        report = inspect_folder(source, verbose=1)
    assert capsys.readouterr().err.count("pip install tqdm") == 1
    assert [n for n in report.notes if "pip install imagehash" in n]
    assert inspect_folder(source, near=False).notes == []  # not wanted, not missed


# --- names and forms of what is written


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("Crème brûlée", "Crème_brûlée"),
        ("Cre\u0300me", "Crème"),
        ("हिन्दी", "हिन्दी"),
        ("雪だるま (2)", "雪だるま_2_"),
        ("a b__c", "a_b__c"),
        ("x\u202ey\x1b[0m\udce9", "x_y_0m_"),
        ("..", "image"),
        ("", "image"),
    ],
)
def test_letters_of_every_script_stay(stem, name):
    assert name_file(stem, "0f", ".png") == f"{name}-0f.png"


def test_names_fit_into_what_file_systems_take():
    for letter in ("a", "é", "雪", "𠀀"):
        assert len(name_file(letter * 200, "0" * 16, ".jpeg").encode()) <= 143


FORMS = [
    ({"format": "jpeg"}, "JPEG", (40, 30)),
    ({"format": "jpeg", "quality": 50, "size": 20}, "JPEG", (20, 15)),
    ({"format": "webp", "quality": 80}, "WEBP", (40, 30)),
    ({"format": "png", "size": 10}, "PNG", (10, 8)),
    ({"size": 100}, "PNG", (40, 30)),
]


@pytest.fixture(scope="module")
def jpegs(tmp_path_factory):
    rng = np.random.default_rng(0)
    source = tmp_path_factory.mktemp("jpegs")
    for label, n in (("cat", 10), ("dog", 6)):
        (source / label).mkdir()
        for row in range(n):
            small = Image.fromarray(rng.integers(0, 256, (4, 3, 3), dtype=np.uint8))
            small.resize((30, 40)).save(source / label / f"{row}.jpg", quality=60)
    return source


@pytest.mark.parametrize(("options", "kind", "size"), FORMS, ids=str)
def test_drawn_images_have_the_form_that_is_wanted_and_copies_their_bytes(
    jpegs, tmp_path, options, kind, size
):
    out, options = tmp_path / "out", {"sampler": SMOTE(k_neighbors=2), **options}
    foreseen = balance_folder(jpegs, out, dry_run=True, **options)
    report = balance_folder(jpegs, out, **options)
    assert report.n_bytes <= foreseen.n_bytes
    assert any("drawn images take about" in note for note in foreseen.notes)
    assert verify_folder(out, source=jpegs)
    drawn = [row for row in read_manifest(out) if row.kind == "synthetic"]
    assert drawn
    for row in drawn:
        with Image.open(out / row.path) as image:
            assert (image.format, image.size[::-1]) == (kind, size)
        assert read_image(out / row.path).shape == (*size, 3)
    for row in read_manifest(out):
        if row.kind != "synthetic":
            assert (out / row.path).read_bytes() == (jpegs / row.parents[0]).read_bytes()
    written = contents(out)
    (out / drawn[0].path).unlink()
    balance_folder(jpegs, out, resume=True, **options)
    assert contents(out) == written
    with pytest.raises(ValueError, match="would not write"):
        balance_folder(jpegs, out, resume=True, **{**options, "size": 12})


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"format": "gif"}, '`format` must be "png", "jpeg" or "webp"'),
        ({"format": "jpeg", "quality": 0}, "`quality` must be an integer from 1 to 100, got 0"),
        ({"format": "jpeg", "quality": 1.5}, "`quality` must be an integer"),
        ({"quality": 80}, "`quality` must go with a format"),
        ({"format": "png", "quality": 80}, "`quality` must go with a format"),
        ({"size": 0}, "`size` must be an integer of 1 or more"),
        ({"size": True}, "`size` must be an integer"),
        ({"format": "jpeg", "sampler": None}, "got no sampler"),
        ({"size": 8, "sampler": RandomOverSampler()}, "got RandomOverSampler"),
        ({"format": "jpeg", "mode": "RGBA"}, "images of mode RGBA, got 'jpeg'"),
        ({"format": "webp", "mode": "L"}, "images of mode L, got 'webp'.*mode=.RGB"),
    ],
)
def test_forms_that_cannot_be(jpegs, tmp_path, options, told):
    options = {"sampler": SMOTE(k_neighbors=2), **options}
    for dry_run in (True, False):
        with pytest.raises(ValueError, match=told):
            balance_folder(jpegs, tmp_path / "out", dry_run=dry_run, **options)
    assert not (tmp_path / "out").exists()


def test_the_command_writes_forms(jpegs, tmp_path):
    method = ("--method", "smote", "--k-neighbors", "2")
    form = ("--format", "jpeg", "--quality", "70", "--size", "16")
    command("balance", jpegs, tmp_path / "out", *method, *form)
    assert any(row.path.endswith(".jpg") for row in read_manifest(tmp_path / "out"))
    drawn = next(row for row in read_manifest(tmp_path / "out") if row.kind == "synthetic")
    assert drawn.synthesis == "SMOTE, at most 16 pixels, JPEG of quality 70"


@pytest.mark.parametrize("method", ["smoteenn", "smotetomek"])
def test_the_command_over_samples_and_cleans(jpegs, tmp_path, method, capsys):
    options = ("--method", method, "--k-neighbors", "2", "--add", "dog=0.5", "--on-empty", "keep")
    for more in (["--dry-run"], []):
        command("balance", jpegs, tmp_path / "out", *options, "--json", *more)
    foreseen, done = map(json.loads, capsys.readouterr().out.splitlines())
    assert foreseen["classes"] == done["classes"]
    assert verify_folder(tmp_path / "out", source=jpegs)


# --- what is said


@pytest.mark.parametrize("method", ["random-over", "smote", "random-under"])
@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]], ids=["run", "dry run"])
def test_a_strategy_that_changes_nothing_says_so(tmp_path, capsys, method, dry_run):
    write_photos(tmp_path / "photos", {"cat": 20, "dog": 15}, shape=SHAPE)
    strategy = "at most 50" if method == "random-under" else "at least 10"
    arguments = ("--method", method, "--strategy", strategy, *dry_run)
    command("balance", tmp_path / "photos", tmp_path / "out", *arguments)
    said = capsys.readouterr().out
    assert "note: nothing was resampled" in said and said.count("note:") == 1
    command("balance", tmp_path / "photos", tmp_path / "other", "--method", method, *dry_run)
    assert "nothing was resampled" not in capsys.readouterr().out


def test_an_error_on_groups_says_what_they_are(tmp_path):
    write_photos(tmp_path / "photos", {"cat": 10, "dog": 10}, shape=SHAPE)
    with pytest.raises(ValueError, match=r"last \"_\", \"-\" or space.*'photo' of 20"):
        split_folder(tmp_path / "photos", groups="stem-prefix")
    with pytest.raises(ValueError, match=r"given: 20 files in 2 groups"):
        split_folder(tmp_path / "photos", groups=lambda path: Path(path).parent.name)


def test_a_clean_folder_gives_no_warning_and_no_note(tmp_path):
    write_photos(tmp_path / "photos", {"cat": 10, "dog": 10}, shape=SHAPE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_image_folder(tmp_path / "photos")
    assert inspect_folder(tmp_path / "photos", near=False).notes == []
