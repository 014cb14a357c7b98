"""An output that is used as a source still says what its images were made of."""

import json
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from folder_tools import contents, read_manifest, write_photos
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

from imblearn_images import SMOTE, RandomOverSampler, RandomUnderSampler
from imblearn_images._cli.main import main
from imblearn_images.folders import (
    balance_folder,
    export_images,
    inspect_folder,
    load_image_folder,
    split_folder,
    unbalance_folder,
    verify_folder,
)
from imblearn_images.folders._lineage import read_lineage
from imblearn_images.folders._manifest import find_leaks, manifest_lines
from imblearn_images.model_selection import check_leakage, compare_resamplers
from imblearn_images.preprocessing import FlattenImages, ReadImages
from imblearn_images.synthesis import Augment

COUNTS = {"apple": 16, "kiwi": 8, "lime": 6}
DRAWING = {
    "smote": SMOTE(k_neighbors=2),
    "augment": RandomOverSampler(synthesis=Augment()),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Photos; outputs with drawn images, without a validation part and with one."""
    home = tmp_path_factory.mktemp("home")
    photos = write_photos(home / "photos", COUNTS, shape=(9, 8, 3))
    for name, sampler in DRAWING.items():
        balance_folder(photos, home / name, sampler=sampler, validation=0)
        balance_folder(photos, home / f"{name} split", sampler=sampler, validation=0.25)
        balance_folder(photos, home / f"{name} links", sampler=sampler, link="symlink")
    balance_folder(photos, home / "copies", sampler=RandomOverSampler(), validation=0)
    balance_folder(home / "smote", home / "twice", validation=0)
    return home


def linked_classes(home, tmp_path):
    (tmp_path / "linked").mkdir()
    for label in COUNTS:
        (tmp_path / "linked" / label).symlink_to(home / "smote" / label)
    return tmp_path / "linked"


def linked_files(home, tmp_path):
    for path in (home / "smote").glob("*/*"):
        there = tmp_path / "linked" / path.parent.name / path.name
        there.parent.mkdir(parents=True, exist_ok=True)
        there.symlink_to(path)
    return tmp_path / "linked"


def moved(home, tmp_path):
    return shutil.copytree(home / "augment", tmp_path / "moved")


SOURCES = {
    "no validation": lambda home, tmp_path: home / "smote",
    "one parent": lambda home, tmp_path: home / "augment",
    "training part": lambda home, tmp_path: home / "smote split" / "train",
    "training part of links": lambda home, tmp_path: home / "augment links" / "train",
    "an output of an output": lambda home, tmp_path: home / "twice",
    "linked classes": linked_classes,
    "linked files": linked_files,
    "moved": moved,
}


@pytest.fixture(params=SOURCES.values(), ids=SOURCES)
def source(request, home, tmp_path):
    return request.param(home, tmp_path)


def test_drawn_images_are_split_by_no_door(source, tmp_path, capsys):
    told = r"cannot be split for validation: \d+ of \d+ images were drawn.*manifest\.jsonl"
    for door in (
        lambda: split_folder(source),
        lambda: split_folder(source, groups="stem-prefix"),
        lambda: balance_folder(source, tmp_path / "out"),
        lambda: balance_folder(source, tmp_path / "out", sampler=SMOTE(), dry_run=True),
        lambda: unbalance_folder(source, tmp_path / "out", {"apple": 5}, validation=0.2),
    ):
        with pytest.raises(ValueError, match=told):
            door()
    assert not (tmp_path / "out").exists()
    for command in (
        ["compare", source, "--methods", "random-over", "--n-jobs", "1"],
        ["demo", "--folder", source, "--output", tmp_path / "sheet.png"],
    ):
        assert main([*map(str, command)]) == 1
        assert "cannot be split for validation" in capsys.readouterr().err
    assert any("are drawn images, as" in note for note in inspect_folder(source, near=False).notes)


def test_comparing_in_python_says_when_families_cross_folds(home):
    source = home / "copies"
    paths, labels = load_image_folder(source)
    model = make_pipeline(ReadImages((8, 8), "L"), FlattenImages(), GaussianNB())
    compare = partial(compare_resamplers, model, [RandomUnderSampler()], paths, labels, cv=2)
    told = "of the same photo in training"
    assert any(told in note and "manifest.jsonl" in note for note in compare(random_state=0).notes)
    families = read_lineage(paths).families
    assert not any(told in note for note in compare(groups=families, random_state=0).notes)


def test_all_may_train_and_the_manifest_goes_on_telling(source, tmp_path):
    out = tmp_path / "out"
    report = balance_folder(source, out, sampler=RandomOverSampler(), validation=0)
    assert report.n_train and verify_folder(out, source=source)
    rows = read_manifest(out)
    assert any(row.drawn_before for row in rows) and not all(row.drawn_before for row in rows)
    assert all(row.ancestors for row in rows)
    photos = {f"{label}/photo_{k:03}.png" for label, n in COUNTS.items() for k in range(n)}
    assert {name for row in rows for name in row.ancestors} <= photos
    before = contents(out)
    balance_folder(source, out, sampler=RandomOverSampler(), validation=0, resume=True)
    assert contents(out) == before
    with pytest.raises(ValueError, match="cannot be split"):
        split_folder(out)


@pytest.mark.parametrize("name", ["copies", "tail"])
def test_an_output_without_drawn_images_is_split_as_ever(home, tmp_path, name):
    source = home / name
    if name == "tail":
        source = tmp_path / "tail"
        unbalance_folder(home / "photos", source, {"apple": 9})
    plain = shutil.copytree(source, tmp_path / "plain")
    (plain / "manifest.jsonl").unlink()
    for folder in (source, plain):
        balance_folder(folder, tmp_path / f"out of {folder.name}", sampler=SMOTE(k_neighbors=2))
    one, other = (contents(tmp_path / f"out of {folder.name}") for folder in (source, plain))
    assert one == other
    assert b"ancestors" not in one["manifest.jsonl"]


def test_photos_in_two_outputs_stay_on_one_side(home, tmp_path):
    """The same photo, in two files that differ in a byte behind the image."""
    both = tmp_path / "both"
    unbalance_folder(home / "photos", both, {})
    rows = read_manifest(both)
    for row in list(rows):
        again = row.path.replace(".png", "x.png")
        (both / again).write_bytes((both / row.path).read_bytes() + b"\n")
        rows.append(replace(row, path=again))
    (both / "manifest.jsonl").write_bytes(b"".join(manifest_lines(rows)))
    split = split_folder(both)
    sides = {}
    for path, valid in zip(split.paths, split.is_valid, strict=True):
        sides.setdefault(path.replace("x.png", ".png"), set()).add(bool(valid))
    assert len(sides) == sum(COUNTS.values()) and all(len(side) == 1 for side in sides.values())
    assert split.n_prevented > 0


def test_a_damaged_manifest_is_no_reason_to_forget(home, tmp_path):
    source = shutil.copytree(home / "smote", tmp_path / "smote")
    lines = (source / "manifest.jsonl").read_text().splitlines()
    for at in (0, len(lines) - 1):
        damaged = [*lines[:at], lines[at][:-9], *lines[at + 1 :]]
        (source / "manifest.jsonl").write_text("\n".join(damaged))
        with pytest.raises(ValueError, match=rf"manifest\.jsonl, line {at + 1}"):
            balance_folder(source, tmp_path / "out")
    (source / "manifest.jsonl").write_text(json.dumps({"audio": "a.wav", "text": "hello"}) + "\n")
    notes = balance_folder(source, tmp_path / "out").notes
    assert any("was written by another program" in note for note in notes)


def test_verify_finds_relatives_through_the_source(home, tmp_path):
    """What a version that knew nothing of it wrote: relatives on both sides."""
    out = tmp_path / "out"
    balance_folder(home / "smote", out, validation=0)
    rows = [replace(row, ancestors=(), drawn_before=False) for row in read_manifest(out)]
    synthetic = {row.path for row in read_manifest(home / "smote") if row.kind == "synthetic"}
    rows = [_on_a_side(row, "valid" if k % 3 else "train", out) for k, row in enumerate(rows)]
    (out / "manifest.jsonl").write_bytes(b"".join(manifest_lines(rows)))
    assert verify_folder(out)
    report = verify_folder(out, source=home / "smote")
    drawn = {row.path for row in rows if row.split == "valid" and row.parents[0] in synthetic}
    assert drawn and drawn < set(report.leaks)
    assert {row.split for row in rows if row.path in set(report.leaks)} == {"valid", "train"}


def _on_a_side(row, side, out):
    path = f"{side}/{row.path}"
    (out / path).parent.mkdir(parents=True, exist_ok=True)
    (out / row.path).rename(out / path)
    return replace(row, path=path, split=side)


def test_drawn_rows_do_not_validate(home, tmp_path):
    rows = read_manifest(home / "smote")
    drawn = next(row for row in rows if row.kind == "synthetic")
    for side in ("valid", "test"):
        moved_ = replace(drawn, split=side)
        assert find_leaks([moved_]) == find_leaks(iter([moved_])) == [drawn.path]
        assert find_leaks([replace(moved_, kind="original", drawn_before=True)]) == [drawn.path]
    images = np.random.default_rng(0).integers(0, 256, (20, 6, 5), dtype=np.uint8)
    sampler = SMOTE(k_neighbors=2, random_state=0)
    X_res, y_res = sampler.fit_resample(images, [0] * 14 + [1] * 6)
    with pytest.raises(ValueError, match="8 validation rows were drawn"):
        export_images(
            X_res, y_res, tmp_path / "out", plan=sampler.plan_, is_valid=sampler.plan_.synthetic
        )


def test_check_leakage_knows_what_the_manifest_says(home, tmp_path):
    paths, _ = load_image_folder(home / "smote")
    valid, train = paths[::3], np.delete(paths, np.arange(0, len(paths), 3))
    report = check_leakage(train, valid, threshold=None)
    assert "parent" in report.looked_for and report.counts["parent"] > 3
    rows = {str(home / "smote" / row.path): row for row in read_manifest(home / "smote")}
    for pair in report.pairs:
        here, there = (rows[str(name)] for name in report.names(pair))
        assert set(here.parents) & set(there.parents)
        assert "synthetic" in (here.kind, there.kind)
    expected = [
        path
        for path in valid
        if any(
            set(rows[path].parents) & set(rows[other].parents)
            and "synthetic" in (rows[path].kind, rows[other].kind)
            for other in train
        )
    ]
    assert [valid[row] for row in report.valid_rows] == expected
    clean, _ = load_image_folder(home / "smote split" / "valid")
    trained, _ = load_image_folder(home / "smote split" / "train")
    report = check_leakage(trained, clean, threshold=None)
    assert not report and "parent" in report.looked_for
    sources, _ = load_image_folder(home / "photos")
    assert "parent" not in check_leakage(sources[::2], sources[1::2], threshold=None).looked_for


def test_files_that_no_manifest_names_are_strangers(home, tmp_path):
    source = shutil.copytree(home / "smote", tmp_path / "smote")
    write_photos(source, {"kiwi": 2}, shape=(9, 8, 3), first=70)
    paths, _ = load_image_folder(source)
    lineage = read_lineage(paths)
    strangers = [path for path, shows in zip(paths, lineage.shows, strict=True) if not shows]
    assert sorted(path[-13:] for path in strangers) == ["photo_070.png", "photo_071.png"]
