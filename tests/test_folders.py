"""From class folders to a data set on disk: the workflow, its layouts, its refusals."""

import csv
import io
import json
import os
import shutil
import tracemalloc
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import joblib
import numpy as np
import pandas as pd
import pytest
from folder_tools import contents, encoded, read_manifest, snapshot, write_photos
from imblearn.over_sampling import SMOTE as ImblearnSMOTE
from PIL import Image

from imblearn_images import (
    SMOTE,
    ImageSampler,
    RandomOverSampler,
    RandomUnderSampler,
    recipes,
)
from imblearn_images._cli.folders import _sampler
from imblearn_images._cli.main import main
from imblearn_images.combine import SamplerChain, SMOTETomek
from imblearn_images.core import files
from imblearn_images.core.files import read_image
from imblearn_images.folders import (
    balance_folder,
    export_images,
    inspect_folder,
    load_image_folder,
    split_folder,
    unbalance_folder,
    verify_folder,
)
from imblearn_images.folders._output import OutputFolder
from imblearn_images.strategies import LongTail, Staircase, Step, add_fraction, at_least, at_most
from imblearn_images.synthesis import Augment

COUNTS = {"apple": 30, "kiwi": 12, "lime": 10}


@pytest.fixture
def photos(tmp_path):
    """Class folders, which no test may touch."""
    source = write_photos(tmp_path / "photos", COUNTS)
    before = snapshot(source)
    yield source
    assert snapshot(source) == before


def rows_of(folder, **facts):
    rows = read_manifest(Path(folder))
    return [row for row in rows if all(getattr(row, key) == value for key, value in facts.items())]


def smote(**parameters):
    return SMOTE(k_neighbors=3, **parameters)


# --- the workflow


def test_load_as_frame(photos):
    paths, labels = load_image_folder(photos)
    table = load_image_folder(photos, as_frame=True)
    assert table.path.tolist() == paths.tolist() and table.label.tolist() == labels.tolist()


@pytest.mark.parametrize("share", [0.1, 0.2, 0.25, 0.5])
def test_every_class_keeps_its_share(photos, share):
    split = split_folder(photos, validation=share)
    valid = Counter(split.labels[split.is_valid].tolist())
    assert sum(valid.values()) == np.ceil(share * len(split.labels))
    for label, n in COUNTS.items():
        assert abs(valid[label] - share * n) <= 1


def test_the_seed_of_the_split_matters_and_repeats(photos):
    one, same, other = (split_folder(photos, random_state=seed).is_valid for seed in (0, 0, 1))
    assert (one == same).all() and (one != other).any()


def test_the_table_of_a_split_has_validation_first(photos):
    table = split_folder(photos).to_frame()
    assert table.is_valid.tolist() == sorted(table.is_valid, reverse=True)
    assert len(table) == sum(COUNTS.values())


def test_only_the_training_part_is_resampled_by_a_fraction(photos, tmp_path):
    sampler = RandomOverSampler(sampling_strategy=add_fraction({"kiwi": 0.5, "lime": 1.0}))
    report = balance_folder(photos, tmp_path / "out", sampler=sampler, layout="csv")
    by_label = {counts.label: counts for counts in report.classes}
    assert by_label["apple"].resampled == by_label["apple"].train
    assert by_label["kiwi"].resampled == round(1.5 * by_label["kiwi"].train)
    assert by_label["lime"].resampled == 2 * by_label["lime"].train
    assert Counter(r.label for r in rows_of(report.output, split="valid")) == {
        label: counts.valid for label, counts in by_label.items()
    }
    assert not rows_of(report.output, split="valid", kind="copy")


def test_labels_csv_is_what_fastai_reads(photos, tmp_path):
    report = balance_folder(photos, tmp_path / "out", sampler=RandomOverSampler(), layout="csv")
    table = pd.read_csv(tmp_path / "out" / "labels.csv")
    assert table.columns.tolist() == ["name", "label", "is_valid"]
    assert table.is_valid.dtype == bool
    assert table.is_valid[: report.n_valid].all() and not table.is_valid[report.n_valid :].any()
    assert len(table) == report.n_valid + report.n_train
    assert table.name.is_unique
    assert all((tmp_path / "out" / name).is_file() for name in table.name)


def test_folders_are_what_image_folder_reads(photos, tmp_path):
    report = balance_folder(photos, tmp_path / "out", sampler=smote())
    for side, n in (("train", report.n_train), ("valid", report.n_valid)):
        paths, labels = load_image_folder(tmp_path / "out" / side)
        assert len(paths) == n and set(labels) == set(COUNTS)
    assert not (tmp_path / "out" / "labels.csv").exists()


@pytest.mark.parametrize(
    "sampler",
    [
        None,
        RandomOverSampler(),
        RandomUnderSampler(),
        smote(),
        smote(sampling_strategy=at_least(15)),
    ],
    ids=["none", "over", "under", "smote", "at least"],
)
@pytest.mark.parametrize("layout", ["folders", "csv"])
def test_what_is_written_is_verified_and_counts_agree(photos, tmp_path, sampler, layout):
    report = balance_folder(photos, tmp_path / "out", sampler=sampler, layout=layout)
    assert verify_folder(tmp_path / "out", source=photos)
    assert verify_folder(tmp_path / "out", source=photos, n_jobs=2)
    rows = rows_of(tmp_path / "out", split="train")
    assert Counter(row.label for row in rows) == {c.label: c.resampled for c in report.classes}
    synthetic = [row for row in rows if row.kind == "synthetic"]
    assert len(synthetic) == sum(c.synthetic for c in report.classes)
    assert report.n_files == len(rows) + report.n_valid
    assert not [name for name in os.listdir(tmp_path / "out") if name.startswith(".")]


def test_the_manifest_says_what_a_synthetic_image_is(photos, tmp_path):
    balance_folder(photos, tmp_path / "out", sampler=smote(random_state=7))
    synthetic = rows_of(tmp_path / "out", kind="synthetic")
    assert synthetic
    for row in synthetic:
        base, partner = (read_image(photos / parent).astype(float) for parent in row.parents)
        child = read_image(tmp_path / "out" / row.path)
        assert np.abs(child - (base + row.step * (partner - base))).max() <= 0.501
        assert (row.synthesis, row.seed) == ("SMOTE", 7)
        assert {Path(parent).parts[0] for parent in row.parents} == {row.label}


def test_a_copy_has_the_bytes_of_its_parent(photos, tmp_path):
    balance_folder(photos, tmp_path / "out", sampler=RandomOverSampler())
    for row in rows_of(tmp_path / "out"):
        assert (tmp_path / "out" / row.path).read_bytes() == (photos / row.parents[0]).read_bytes()


@pytest.mark.parametrize("link", ["hard", "symlink"])
@pytest.mark.parametrize("layout", ["folders", "csv"])
def test_links_share_their_bytes(photos, tmp_path, link, layout):
    report = balance_folder(
        photos, tmp_path / "out", sampler=RandomOverSampler(), link=link, layout=layout
    )
    for row in rows_of(tmp_path / "out"):
        file = tmp_path / "out" / row.path
        assert file.is_symlink() == (link == "symlink")
        assert file.samefile(photos / row.parents[0])
    assert report.n_bytes == 0 and verify_folder(tmp_path / "out", source=photos)


def test_rows_without_files(photos, tmp_path):
    report = balance_folder(
        photos, tmp_path / "out", sampler=RandomOverSampler(), link="rows", layout="csv"
    )
    assert sorted(os.listdir(tmp_path / "out")) == ["labels.csv", "manifest.jsonl"]
    table = pd.read_csv(tmp_path / "out" / "labels.csv")
    assert all((photos / name).is_file() for name in table.name)
    assert len(table) == report.n_valid + report.n_train and report.n_files == 0
    assert verify_folder(tmp_path / "out", source=photos)


def test_a_drawn_image_needs_a_file(photos, tmp_path):
    with pytest.raises(ValueError, match="drawn by SMOTE"):
        balance_folder(photos, tmp_path / "out", sampler=smote(), link="rows", layout="csv")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("layout", ["folders", "csv"])
def test_a_photo_more_costs_little_more_than_its_name(tmp_path, layout):
    peaks = {}
    for n in (100, 200, 700):  # the first time, libraries take what they need once
        photos = write_photos(
            tmp_path / f"{n}", {"apple": n * 3 // 4, "kiwi": n // 4}, shape=(3, 3)
        )
        tracemalloc.start()
        balance_folder(
            photos, tmp_path / f"out{n}", sampler=RandomOverSampler(), layout=layout, link="hard"
        )
        peaks[n] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    name = len(str(photos / "apple" / "photo_000.png"))
    assert (peaks[700] - peaks[200]) / 500 < 500 + name


@pytest.mark.parametrize("sampler", [RandomOverSampler(), smote()], ids=["over", "smote"])
def test_same_seed_same_bytes_for_every_number_of_threads(photos, tmp_path, sampler):
    written = []
    for n_jobs in (1, 2, -1):
        balance_folder(photos, tmp_path / str(n_jobs), sampler=sampler, n_jobs=n_jobs)
        written.append(contents(tmp_path / str(n_jobs)))
    with joblib.parallel_config(backend="loky", n_jobs=2):
        balance_folder(photos, tmp_path / "loky", sampler=sampler)
    assert written[0] == written[1] == written[2] == contents(tmp_path / "loky")
    balance_folder(photos, tmp_path / "other", sampler=sampler, random_state=1)
    assert contents(tmp_path / "other").keys() != written[0].keys()


def test_names_do_not_depend_on_how_the_source_is_spelled(photos, tmp_path, monkeypatch):
    balance_folder(photos, tmp_path / "one", sampler=smote())
    monkeypatch.chdir(photos.parent)
    balance_folder("photos", "two", sampler=smote())
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_the_sampler_passed_is_not_changed(photos, tmp_path):
    sampler = smote()
    balance_folder(photos, tmp_path / "out", sampler=sampler)
    assert sampler.random_state is None and sampler.output_dir is None
    assert not hasattr(sampler, "plan_")


def test_a_dry_run_says_what_a_run_does_and_writes_nothing(photos, tmp_path):
    wrapped = ImageSampler(ImblearnSMOTE(k_neighbors=2), synthesis=Augment())
    combined = (SMOTETomek(smote=smote()), {"mode": "L"})
    for sampler, more in (
        *((each, {}) for each in (RandomOverSampler(), smote(), RandomUnderSampler(), None)),
        *((wrapped, {}), combined),
    ):
        out = tmp_path / "no" / "out"
        foreseen = balance_folder(photos, out, sampler=sampler, dry_run=True, **more)
        assert not (tmp_path / "no").exists()
        done = balance_folder(photos, tmp_path / type(sampler).__name__, sampler=sampler, **more)
        assert foreseen.classes == done.classes and foreseen.n_files == done.n_files
        assert not [note for note in foreseen.notes if "nothing was resampled" in note]
        if isinstance(sampler, (SMOTE, ImageSampler, SMOTETomek)):
            assert done.n_bytes <= foreseen.n_bytes < 20 * done.n_bytes
        else:
            assert done.n_bytes == foreseen.n_bytes


def test_room_is_needed_for_what_is_written_and_not_there_yet(photos, tmp_path, monkeypatch):
    sizes = [path.stat().st_size for path in photos.rglob("*.*")]
    out, free = tmp_path / "out", [0]
    usage = SimpleNamespace(total=1 << 40, used=0, free=0)
    monkeypatch.setattr(
        shutil, "disk_usage", lambda _: SimpleNamespace(**{**vars(usage), "free": free[0]})
    )
    fewest = RandomUnderSampler(sampling_strategy=lambda y: dict.fromkeys(set(y), 1))
    free[0] = sum(sizes) // 2
    balance_folder(photos, tmp_path / "cut", sampler=fewest, validation=0)
    most = {"sampler": RandomOverSampler(sampling_strategy=at_least(60)), "validation": 0}
    free[0] = sum(sizes) + 1
    with pytest.raises(OSError, match="copies need"):
        balance_folder(photos, out, **most)
    assert not out.exists()
    free[0] = 1 << 40
    with monkeypatch.context() as patch:
        patch.setattr(OutputFolder, "finish", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            balance_folder(photos, out, **most)
    free[0] = 0
    balance_folder(photos, out, **most, resume=True)
    assert verify_folder(out, source=photos)


@pytest.mark.parametrize("name", sorted(set(recipes.__all__) - {"fresh"}))
def test_a_recipe_makes_of_folders_what_it_makes_of_arrays(tmp_path, capsys, name):
    photos = write_photos(tmp_path / "few", {"apple": 15, "kiwi": 8, "lime": 6})
    out, again = tmp_path / "out", tmp_path / "again"
    command = ["--method", name, "--seed", "3", "--validation", "0", "--strategy", "at least 14"]
    assert main(["balance", str(photos), str(out), *command]) == 0
    assert main(["balance", str(photos), str(again), *command, "--n-jobs", "2"]) == 0
    assert contents(again) == contents(out) and verify_folder(out, source=photos)
    paths, labels = load_image_folder(photos)
    sampler = getattr(recipes, name)(sampling_strategy=at_least(14), random_state=3)
    images, y = sampler.fit_resample(np.stack([read_image(path) for path in paths]), labels)
    rows = read_manifest(out)
    assert [row.label for row in rows] == y.tolist()
    written = [read_image(out / row.path) for row in rows]
    np.testing.assert_array_equal(written, images)
    for number, row in enumerate(rows):  # down to the photos, through all steps
        shown = {photos / parent for parent in row.parents}
        assert shown == {Path(paths[source]) for source, _ in sampler.plan_.sources(number)}
    capsys.readouterr()
    options = {"sampler": sampler, "validation": 0, "mode": "L"}
    foreseen = balance_folder(photos, tmp_path / "grey", dry_run=True, **options)
    done = balance_folder(photos, tmp_path / "grey", **options)
    assert foreseen.classes == done.classes and done.n_bytes <= foreseen.n_bytes
    with pytest.raises(ValueError, match="needs a method that has no synthesis of its own"):
        _sampler(name, None, None, None, "morph")


def test_a_class_that_a_chain_empties_is_kept_through_all_steps(photos, tmp_path):
    gone = RandomUnderSampler(sampling_strategy={"kiwi": 0})
    chain = SamplerChain([RandomOverSampler(), gone, RandomOverSampler(synthesis=Augment())])
    with pytest.raises(ValueError, match="SamplerChain would leave none of the 9"):
        balance_folder(photos, tmp_path / "no", sampler=chain)
    balance_folder(photos, tmp_path / "out", sampler=chain, on_empty="keep")
    kiwis = rows_of(tmp_path / "out", label="kiwi", split="train")
    assert len(kiwis) == 9 and {row.kind for row in kiwis} == {"original"}
    assert verify_folder(tmp_path / "out", source=photos)


def test_a_plot_is_two_pictures_that_verify(photos, tmp_path):
    balance_folder(photos, tmp_path / "out", sampler=smote(), plot=True)
    for name in ("classes.png", "contact_sheet.png"):
        assert read_image(tmp_path / "out" / name).ndim == 3
    assert verify_folder(tmp_path / "out")


def test_a_contact_sheet_frames_what_was_drawn_and_nothing_else(photos, tmp_path):
    orange = []
    for name, sampler in {"drawn": smote(), "copies": RandomOverSampler()}.items():
        balance_folder(photos, tmp_path / name, sampler=sampler, plot=True)
        sheet = read_image(tmp_path / name / "contact_sheet.png")
        orange.append((sheet[..., :3] == (0xD5, 0x5E, 0)).all(axis=-1).sum())
    assert orange[0] > 300 and orange[1] == 0


@pytest.mark.parametrize("profile", [LongTail(6), Step(5), Staircase(9), {"apple": 3}])
def test_unbalancing(photos, tmp_path, profile):
    unbalance_folder(photos, tmp_path / "out", profile, random_state=3)
    paths, labels = load_image_folder(tmp_path / "out")  # class folders again, without a warning
    _, source_labels = load_image_folder(photos)
    wanted = dict(COUNTS) | (profile(source_labels) if callable(profile) else profile)
    assert Counter(labels.tolist()) == wanted
    assert verify_folder(tmp_path / "out", source=photos)
    assert len(set(contents(tmp_path / "out").values())) == len(paths) + 1  # nothing twice


def test_under_sampling_with_a_cap(photos, tmp_path):
    sampler = RandomUnderSampler(sampling_strategy=at_most(9))
    report = balance_folder(photos, tmp_path / "out", sampler=sampler, validation=0)
    assert [counts.resampled for counts in report.classes] == [9, 9, 9]


# --- groups


def test_groups_stay_on_one_side(photos, tmp_path):
    paths, _ = load_image_folder(photos)
    plants = [int(Path(path).stem.split("_")[-1]) // 3 for path in paths]
    how = {
        "column": plants,
        "series": pd.Series(plants),
        "callable": lambda path: int(Path(path).stem.split("_")[-1]) // 3,
    }
    masks = []
    for groups in how.values():
        split = split_folder(photos, groups=groups)
        sides = {group: set() for group in plants}
        for group, valid in zip(plants, split.is_valid, strict=True):
            sides[group].add(bool(valid))
        assert all(len(side) == 1 for side in sides.values())
        assert split.n_prevented > 0
        masks.append(split.is_valid.tolist())
    assert masks[0] == masks[1] == masks[2]


def test_stem_prefix(tmp_path):
    for row in range(40):
        names = [("ill", "well")[row % 2]]
        write_photos(
            tmp_path / "photos", dict.fromkeys(names, 1), stem=f"patient{row // 4}-", first=row
        )
    split = split_folder(tmp_path / "photos", groups="stem-prefix")
    patients = [Path(path).stem.rsplit("-", 1)[0] for path in split.paths]
    valid = {p for p, v in zip(patients, split.is_valid, strict=True) if v}
    assert len(valid) == 2 and not valid & {
        p for p, v in zip(patients, split.is_valid, strict=True) if not v
    }


def test_equal_files_stay_on_one_side_without_being_asked(photos, tmp_path):
    twins = tmp_path / "twins"
    for name, content in contents(photos).items():
        for copy in ("a", "b"):
            target = twins / name.replace(".", f"_{copy}.")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    split = split_folder(twins)
    sides = {}
    for path, valid in zip(split.paths, split.is_valid, strict=True):
        sides.setdefault(path.rsplit("_", 1)[0], set()).add(bool(valid))
    assert all(len(side) == 1 for side in sides.values())
    assert split.n_prevented > 0
    balance_folder(twins, tmp_path / "out", sampler=RandomOverSampler())


def test_near_duplicates_stay_on_one_side(tmp_path):
    pytest.importorskip("imagehash")
    from skimage import data

    folder = tmp_path / "photos"
    for label, photo in (("cat", data.chelsea()), ("cup", data.coffee())):
        (folder / label).mkdir(parents=True)
        for row in range(12):
            corner = 24 * (row // 2)  # six views, each saved twice with another quality
            view = Image.fromarray(photo[corner : corner + 150, corner : corner + 150])
            view.save(folder / label / f"{row:02}.jpg", quality=60 + 30 * (row % 2))
    report = inspect_folder(folder)
    assert [f"{label}/{row:02}.jpg" for label in ("cat", "cup") for row in (0, 1)] == [
        name
        for group in report.near_duplicates
        for name in group
        if name[-6:] in ("00.jpg", "01.jpg")
    ]
    split = split_folder(folder, groups="near-duplicates", validation=0.5)
    pairs = split.is_valid.reshape(-1, 2)
    assert (pairs[:, 0] == pairs[:, 1]).all() and split.n_prevented > 0


@pytest.mark.parametrize(
    ("groups", "told"),
    [
        ("patients", "`groups` must be .* got 'patients'"),
        ([1, 2], "2 values.*52"),
        (lambda path: 0, "1 group cannot"),
        ({"apple/photo_000.png": 1}, "51 of 52 image files, such as 'apple/photo_001.png'"),
    ],
)
def test_groups_that_cannot_be(photos, groups, told):
    with pytest.raises(ValueError, match=told):
        split_folder(photos, groups=groups)


# --- refusals


def test_folders_inside_each_other_are_refused(photos, tmp_path):
    (tmp_path / "link").symlink_to(photos)
    (tmp_path / "out").mkdir()
    (tmp_path / "other").symlink_to(tmp_path / "out")
    for output in (photos, photos / "out", photos / "apple", tmp_path, tmp_path / "link" / "out"):
        with pytest.raises(ValueError, match="the source"):
            balance_folder(photos, output)
    with pytest.raises(ValueError, match="the source"):
        balance_folder(tmp_path / "link", photos / "out")
    for output in (tmp_path / "other", tmp_path / "link"):
        with pytest.raises(ValueError, match="got the link"):
            balance_folder(photos, output)
    assert sorted(os.listdir(tmp_path)) == ["link", "other", "out", "photos"]


def test_an_output_that_is_not_empty_is_refused(photos, tmp_path):
    (tmp_path / "out").mkdir()
    balance_folder(photos, tmp_path / "out")
    with pytest.raises(FileExistsError, match="not empty"):
        balance_folder(photos, tmp_path / "out")
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="got the file"):
        balance_folder(photos, tmp_path / "file")
    with pytest.raises(ValueError, match=r"must lie in a folder, got .* below the file"):
        balance_folder(photos, tmp_path / "file" / "out")
    with pytest.raises(ValueError, match=r"above 0 and below 1, got '0\.2'"):
        balance_folder(photos, tmp_path / "new", validation="0.2")


def test_resuming_what_is_done_changes_nothing(photos, tmp_path):
    for sampler, link in ((smote(), "copy"), (RandomOverSampler(), "hard"), (None, "symlink")):
        out = tmp_path / link
        balance_folder(photos, out, sampler=sampler, link=link)
        before = contents(out)
        balance_folder(photos, out, sampler=sampler, link=link, resume=True)
        assert contents(out) == before
        with pytest.raises(ValueError, match="would not write"):
            balance_folder(photos, out, sampler=RandomOverSampler(), random_state=1, resume=True)
        assert contents(out) == before


def test_resuming_repairs_what_was_changed_and_clears_leftovers(photos, tmp_path):
    balance_folder(photos, tmp_path / "out", sampler=smote())
    before = contents(tmp_path / "out")
    row, *_ = rows_of(tmp_path / "out", kind="original")
    (tmp_path / "out" / row.path).write_bytes(b"cut")
    one, other, *_ = rows_of(tmp_path / "out", kind="synthetic")
    (tmp_path / "out" / one.path).unlink()
    (tmp_path / "out" / other.path).write_bytes((tmp_path / "out" / row.path).read_bytes())
    (tmp_path / "out" / "train" / f".{'0' * 32}.partial").write_bytes(b"left over")
    (tmp_path / "out" / ".unfinished").mkdir()
    for name in (f".{'1' * 32}.partial", f"RGB-{'0' * 64}.png", Path(one.path).name):
        (tmp_path / "out" / ".unfinished" / name).write_bytes(b"left over")
    assert not verify_folder(tmp_path / "out")
    balance_folder(photos, tmp_path / "out", sampler=smote(), resume=True)
    assert contents(tmp_path / "out") == before


@pytest.mark.parametrize("layout", ["folders", "csv"])
def test_resuming_draws_what_is_missing_only(tmp_path, monkeypatch, layout):
    photos = write_photos(tmp_path / "photos", COUNTS)
    for name in ("grey", "palette"):
        with Image.open(photos / "lime" / "photo_003.png") as image:
            image.convert({"grey": "L", "palette": "P"}[name]).save(photos / "lime" / f"{name}.png")
    how = {"sampler": smote(), "mode": "RGB", "layout": layout}
    balance_folder(photos, tmp_path / "whole", **how)
    drawn, write_image = [], files.write_image
    monkeypatch.setattr(
        files, "write_image", lambda *a, **k: (drawn.append(a[0]), write_image(*a, **k))
    )
    synthetic = rows_of(tmp_path / "whole", kind="synthetic")
    left = {row.path for row in synthetic[::3]}
    shutil.copytree(tmp_path / "whole", tmp_path / "out")
    for row in synthetic:
        if row.path not in left:
            (tmp_path / "out" / row.path).unlink()
    balance_folder(photos, tmp_path / "out", **how, resume=True)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    names = {Path(row.path).name for row in synthetic if row.path not in left}
    assert sorted(os.path.basename(path) for path in drawn) == sorted(names)


def test_resuming_notices_that_a_parent_has_changed(tmp_path):
    photos = write_photos(tmp_path / "photos", COUNTS)
    balance_folder(photos, tmp_path / "out", sampler=smote(), validation=0, link="symlink")
    row, *_ = rows_of(tmp_path / "out", kind="synthetic")
    other = photos / row.parents[0]
    other.write_bytes(encoded(read_image(other) ^ 1))
    with pytest.raises(ValueError, match="would not write"):
        balance_folder(
            photos, tmp_path / "out", sampler=smote(), validation=0, link="symlink", resume=True
        )


def test_resuming_refuses_files_of_somebody_else_and_keeps_them(photos, tmp_path):
    (tmp_path / "out" / "train").mkdir(parents=True)
    (tmp_path / "out" / "train" / "diary.txt").write_text("mine")
    (tmp_path / "out" / "away").symlink_to(tmp_path)
    for sampler in (None, smote()):
        with pytest.raises(ValueError, match=r"diary\.txt|away"):
            balance_folder(photos, tmp_path / "out", sampler=sampler, resume=True)
    assert (tmp_path / "out" / "train" / "diary.txt").read_text() == "mine"
    assert sorted(os.listdir(tmp_path / "out")) == ["away", "train"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"layout": "tree"}, "`layout` must be .* got 'tree'"),
        ({"link": "soft"}, "`link` must be .* got 'soft'"),
        ({"link": "rows"}, 'must be "csv" with link="rows"'),
        ({"on_error": "ignore"}, "`on_error` must be .* got 'ignore'"),
        ({"validation": 1.5}, "`validation` must be .* got 1.5"),
        ({"validation": -0.1}, "`validation` must be .* got -0.1"),
        ({"random_state": None}, "`random_state` must be .* got None"),
        ({"mode": "CMYK"}, "`mode` must be"),
        (
            {"sampler": SMOTE(random_state=np.random.RandomState(0))},
            "`random_state` of SMOTE must be an integer",
        ),
        ({"sampler": SMOTE(k_neighbors=9)}, "class 'kiwi'.*n_samples = 9|class 'lime'"),
        ({"sampler": SMOTE(k_neighbors=9), "dry_run": True}, "class 'lime'|class 'kiwi'"),
        ({"sampler": RandomOverSampler(sampling_strategy={"fig": 9})}, "fig"),
    ],
)
def test_options_that_cannot_be(photos, tmp_path, options, told):
    with pytest.raises(ValueError, match=told):
        balance_folder(photos, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_class_of_one_image_cannot_be_split(tmp_path):
    write_photos(tmp_path / "photos", {"apple": 5, "fig": 1})
    with pytest.raises(ValueError, match="Class 'fig' has 1 image"):
        split_folder(tmp_path / "photos")
    report = balance_folder(
        tmp_path / "photos", tmp_path / "out", sampler=RandomOverSampler(), validation=0
    )
    assert [counts.resampled for counts in report.classes] == [5, 5]


def test_tiny_classes_are_on_both_sides(tmp_path):
    write_photos(tmp_path / "photos", {"apple": 40, "fig": 2, "lime": 2, "pear": 3})
    for seed in range(5):
        split = split_folder(tmp_path / "photos", random_state=seed)
        for label in ("fig", "lime", "pear"):
            sides = split.is_valid[split.labels == label]
            assert sides.any() and not sides.all()


# --- verify


def test_verify_names_what_is_wrong(photos, tmp_path):
    out = tmp_path / "out"
    balance_folder(photos, out, sampler=RandomOverSampler(), layout="csv")
    one, two, *_ = rows_of(out)
    (out / one.path).unlink()
    (out / two.path).write_bytes(b"changed")
    (out / "images" / "new.png").touch()
    labels = (out / "labels.csv").read_text()
    (out / "labels.csv").write_text(labels.replace(",apple,True", ",lime,True", 1))
    report = verify_folder(out)
    assert not report
    assert (report.missing, report.changed) == ([one.path], [two.path])
    assert report.unexpected == ["images/new.png"] and len(report.labels) == 1
    assert all(name in str(report) for name in (one.path, two.path, "images/new.png"))


def test_verify_against_a_source_that_changed(tmp_path):
    source = write_photos(tmp_path / "photos", COUNTS)
    balance_folder(source, tmp_path / "out", sampler=smote())
    kinds = {row.parents[0]: row.kind for row in rows_of(tmp_path / "out", split="valid")}
    parent = next(iter(kinds))
    (source / parent).write_bytes(b"changed")
    assert verify_folder(tmp_path / "out")
    assert verify_folder(tmp_path / "out", source=source).changed == [f"{source}/{parent}"]
    drawn_from = rows_of(tmp_path / "out", kind="synthetic")[0].parents[0]
    whole = (source / drawn_from).read_bytes()
    (source / drawn_from).write_bytes(b"changed")
    assert f"{source}/{drawn_from}" in verify_folder(tmp_path / "out", source=source).changed
    (source / drawn_from).write_bytes(whole)
    (source / parent).unlink()
    assert verify_folder(tmp_path / "out", source=source).missing == [f"{source}/{parent}"]


def test_verify_finds_leaks(photos, tmp_path):
    balance_folder(photos, tmp_path / "out", sampler=RandomOverSampler())
    lines = (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()
    facts = [json.loads(line) for line in lines]
    valid = next(row for row in facts if row["split"] == "valid")
    copy = next(row for row in facts if row["kind"] == "copy")
    copy["parents"] = valid["parents"]
    (tmp_path / "out" / "manifest.jsonl").write_text("\n".join(map(json.dumps, facts)) + "\n")
    assert verify_folder(tmp_path / "out").leaks == [copy["path"]]


@pytest.mark.parametrize(
    "line", ["{", "[]", "7", '{"path": "a"}', "\xff", '{"path": "../../etc/passwd"}', "null"]
)
def test_a_damaged_manifest_is_named_with_its_line(photos, tmp_path, line):
    balance_folder(photos, tmp_path / "out")
    if "passwd" in line:
        first = (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()[0]
        line = json.dumps(json.loads(first) | json.loads(line))
    with open(tmp_path / "out" / "manifest.jsonl", "a", encoding="latin-1") as file:
        file.write(line + "\n")
    with pytest.raises(ValueError, match=f"line {sum(COUNTS.values()) + 1}"):
        verify_folder(tmp_path / "out")


# --- export


def test_export_of_arrays_and_of_files_with_a_plan(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (20, 6, 5, 3), dtype=np.uint8)
    y = np.array([1] * 14 + [2] * 6)
    sampler = smote(random_state=0)
    X_res, y_res = sampler.fit_resample(images, y)
    paths = export_images(X_res, y_res, tmp_path / "arrays", plan=sampler.plan_, layout="csv")
    assert all(
        np.array_equal(read_image(tmp_path / "arrays" / path), image)
        for path, image in zip(paths, X_res, strict=True)
    )
    rows = {row.path: row for row in rows_of(tmp_path / "arrays")}
    assert rows[paths[-1]].kind == "synthetic" and len(rows[paths[-1]].parents) == 2
    assert rows[paths[-1]].label == "2"
    files = [tmp_path / "arrays" / path for path in paths]
    again = export_images(files, y_res, tmp_path / "files", is_valid=np.arange(28) < 4)
    assert verify_folder(tmp_path / "arrays") and verify_folder(tmp_path / "files")
    assert sum(path.startswith("valid/") for path in again) == 4
    before = contents(tmp_path / "files")
    export_images(files, y_res, tmp_path / "files", is_valid=np.arange(28) < 4, resume=True)
    assert contents(tmp_path / "files") == before


def test_export_refuses(tmp_path, photos):
    images = np.zeros((4, 6, 5), np.uint8)
    paths, labels = load_image_folder(photos)
    out = tmp_path / "out"
    for X, y, options, told in (
        (images, [1, 1, 2], {}, "4.*3|inconsistent"),
        (images, [1, None, 2, 2], {}, "row 1"),
        (images, ["Cat", "cat", "dog", "dog"], {}, "'Cat' and 'cat'"),
        (images.astype("float64"), [1, 1, 2, 2], {}, "float64"),
        (images.reshape(4, -1), [1, 1, 2, 2], {}, r"\(4, 30\)"),
        (paths, labels, {"link": "rows"}, "`link` must be .* got 'rows'"),
        (paths, labels, {"is_valid": [True]}, "is_valid"),
        ([paths[0], paths[0]], ["a", "a"], {"is_valid": [True, False]}, "descend"),
        ([paths[0], paths[0]], ["a", "b"], {}, "two classes, 'a' and 'b'"),
        (images[:2], ["a", "a"], {"is_valid": [True, False]}, "Training rows equal"),
    ):
        with pytest.raises(ValueError, match=told):
            export_images(X, y, out, **options)
        assert not out.exists()
    with pytest.raises(ValueError, match="inside the output"):
        export_images(paths, labels, photos / "apple", resume=True)


# --- the command line


def run(capsys, *arguments):
    code = main([*map(str, arguments)])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return code, said.out, said.err


def test_the_commands(photos, tmp_path, capsys):
    out = tmp_path / "out"
    code, said, _ = run(capsys, "inspect", photos)
    assert code == 0 and "52 images, 3 classes, ratio 3.0" in said
    arguments = ("--add", "lime=0.5", "--add", "kiwi=1.0", "--layout", "csv", "--plot")
    code, said, _ = run(capsys, "balance", photos, out, *arguments)
    assert code == 0 and "11 validation rows first, then 54 training rows" in said
    assert run(capsys, "verify", out, "--source", photos)[0] == 0
    code, said, told = run(capsys, "balance", photos, out)
    assert (code, said) == (1, "") and "not empty" in told
    assert run(capsys, "balance", photos, out, *arguments, "--resume")[0] == 0
    next((out / "images").iterdir()).unlink()
    code, said, told = run(capsys, "verify", out)
    assert code == 1 and "missing" in told
    code, said, _ = run(capsys, "verify", out, "--json")
    assert code == 1 and json.loads(said)["ok"] is False
    arguments = ("--method", "smote", "--strategy", "at least 20", "--k-neighbors", "3")
    code, said, _ = run(capsys, "balance", photos, tmp_path / "smote", *arguments, "--json")
    assert code == 0 and json.loads(said)["n_train"] == 24 + 20 + 20
    code, said, _ = run(capsys, "balance", photos, tmp_path / "dry", *arguments, "--dry-run")
    assert code == 0 and "nothing was written" in said and not (tmp_path / "dry").exists()
    for profile in ("long-tail", "step", "staircase"):
        code, said, _ = run(capsys, "unbalance", photos, tmp_path / profile, "--profile", profile)
        assert code == 0, profile
    code, said, _ = run(capsys, "inspect", photos, "--json", "--no-near")
    assert json.loads(said)["near_duplicates"] is None


AS_SAVED_BY_EXCEL = [(";", "utf-8-sig", "/"), ("\t", "utf-16", "\\")]
"""Separator and encoding of a table that depend on country and kind; slash of Windows."""


def test_groups_of_a_table(photos, tmp_path, capsys):
    paths, _ = load_image_folder(photos)
    names = [Path(path).relative_to(photos).as_posix() for path in paths]
    plant = {name: f"plant, {number // 3}" for number, name in enumerate(names)}
    table = tmp_path / "my:groups.csv"
    frame = pd.DataFrame({"plant": plant.values(), "path": plant.keys(), "empty": ""})
    frame.to_csv(table, index=False, encoding="utf-8-sig")
    arguments = ("balance", photos, tmp_path / "out", "--groups")
    assert run(capsys, *arguments, f"{table}:plant")[0] == 0
    balance_folder(photos, tmp_path / "same", groups=plant, sampler=RandomOverSampler())
    assert contents(tmp_path / "out") == contents(tmp_path / "same")
    sides = {split: {plant[r.parents[0]] for r in rows_of(tmp_path / "out", split=split)}
             for split in ("valid", "train")}  # fmt: skip
    assert sides["valid"] and sides["train"] and not sides["valid"] & sides["train"]
    for number, (separator, encoding, slash) in enumerate(AS_SAVED_BY_EXCEL):
        other = frame.assign(path=frame["path"].str.replace("/", slash))
        other.to_csv(tmp_path / "excel.csv", index=False, sep=separator, encoding=encoding)
        again = tmp_path / f"again{number}"
        assert run(capsys, "balance", photos, again, "--groups", f"{tmp_path}/excel.csv:plant",
                   "--link", "hard")[0] == 0  # fmt: skip
        assert contents(again) == contents(tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    frame[1:].to_csv(tmp_path / "short.csv", index=False)
    pd.concat([frame, frame[:1].assign(plant="x")]).to_csv(tmp_path / "twice.csv", index=False)
    nameless = pd.concat([frame, frame[:1].assign(path="", plant="x")])
    nameless.to_csv(tmp_path / "nameless.csv", index=False)
    for groups, told in (
        ("groups", "FILE:COLUMN"),
        (f"{tmp_path}/none.csv:plant", "none.csv: No such file"),
        (f"{table}:patient", "not 'patient'"),
        (f"{table}:empty", "line 2: no empty for 'apple/photo_000.png'"),
        (f"{tmp_path}/short.csv:plant", "1 of 52 image files, such as 'apple/photo_000.png'"),
        (f"{tmp_path}/nameless.csv:plant", "line 54: no path for plant 'x'"),
        (f"{tmp_path}/twice.csv:plant", "line 54: 'apple/photo_000.png' has two groups"),
        (f"{photos}:plant", "is a folder, not a file"),
        (f"{photos}/apple/photo_000.png:plant", "photo_000.png: not a CSV file in UTF-8"),
    ):
        code, _, err = run(capsys, *arguments, groups)
        assert code == 1 and told in err, err
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--method", "magic"], 2, "invalid choice"),
        (["--add", "lime"], 2, "CLASS=FRACTION"),
        (["--add", "lime=x"], 2, "CLASS=FRACTION"),
        (["--add", "fig=0.5"], 1, "'fig'"),
        (["--add", "lime=1", "--strategy", "auto"], 1, "exclude each other"),
        (["--add", "lime=1", "--method", "random-under"], 1, "adds images"),
        (["--strategy", "a lot"], 1, "Known are"),
        (["--method", "none", "--strategy", "auto"], 1, "resamples nothing"),
        (["--k-neighbors", "3"], 1, "looks for neighbours"),
        (["--validation", "2"], 1, "--validation must be a share above 0 and below 1, got 2"),
        (["--method", "smote", "--k-neighbors", "20"], 1, "class"),
    ],
)
def test_the_exit_code(photos, tmp_path, capsys, arguments, code, told):
    found, _, err = run(capsys, "balance", photos, tmp_path / "out", *arguments)
    assert found == code and told in err
    assert not (tmp_path / "out").exists()


def test_a_label_with_an_equals_sign(tmp_path, capsys):
    write_photos(tmp_path / "photos", {"a=b": 6, "c": 12})
    arguments = ("--add", "a=b=0.5", "--validation", "0")
    assert run(capsys, "balance", tmp_path / "photos", tmp_path / "out", *arguments)[0] == 0
    assert len(rows_of(tmp_path / "out", label="a=b")) == 9


def test_csv_has_one_line_per_row(photos, tmp_path):
    balance_folder(photos, tmp_path / "out", layout="csv")
    text = (tmp_path / "out" / "labels.csv").read_text()
    assert len(list(csv.reader(io.StringIO(text)))) == sum(COUNTS.values()) + 1 == text.count("\n")


def test_progress_is_silent_unless_asked(photos, tmp_path, capsys, on_a_screen):
    balance_folder(photos, tmp_path / "quiet", sampler=smote())
    assert capsys.readouterr() == ("", "")
    pytest.importorskip("tqdm")
    balance_folder(photos, tmp_path / "bar", sampler=smote(), verbose=1)
    assert "written: 100%" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("inner", "synthesis", "seed"), [(None, None, 5), (7, None, 7), (7, Augment(), 5)], ids=str
)
def test_what_is_inside_an_image_sampler_is_seeded_and_the_manifest_says_how(
    photos, tmp_path, inner, synthesis, seed
):
    sampler = ImageSampler(ImblearnSMOTE(k_neighbors=2, random_state=inner), synthesis=synthesis)
    for output in ("one", "two"):
        balance_folder(photos, tmp_path / output, sampler=sampler, random_state=5)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert {row.seed for row in rows_of(tmp_path / "one", kind="synthetic")} == {seed}
