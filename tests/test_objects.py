"""Data sets with objects: split, inspected, balanced, zoomed to, verified; and the command."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
from conftest import write_images
from forked import run_python
from PIL import Image

from imblearn_images import MLSMOTE, ResamplingPlan, render
from imblearn_images._cli.main import main
from imblearn_images.annotations import (
    Annotations,
    LabelOverSampler,
    balance_annotations,
    carry,
    convert_annotations,
    inspect_annotations,
    read_annotations,
    split_annotations,
    verify_annotations,
    write_annotations,
)
from imblearn_images.core.images import ArrayImages
from imblearn_images.core.multilabel import choose_repeats_and_more
from imblearn_images.core.rendering import layers_of
from imblearn_images.display import ObjectsDisplay
from imblearn_images.strategies import at_least, repeat_factor
from imblearn_images.synthesis import Augment, Chain, PasteObjects, ZoomToObjects

SIZE = (48, 64)


def cells(n=20, seed=0):
    """Images with many red cells, some white ones and few platelets, which are spots of colour."""
    rng = np.random.default_rng(seed)
    X = np.full((n, *SIZE, 3), 200, dtype=np.uint8)
    boxes, labels = [], []
    for row, image in enumerate(X):
        own, names = [], []
        for label, k, side in (("red", 8, 9), ("white", row % 2, 14), ("plate", row % 4 == 0, 4)):
            for _ in range(int(k)):
                x, y = rng.integers(0, SIZE[1] - side), rng.integers(0, SIZE[0] - side)
                image[y : y + side, x : x + side] = {"red": 90, "white": 10, "plate": 250}[label]
                own.append([x, y, x + side, y + side])
                names.append(label)
        boxes.append(own)
        labels.append(names)
    return X, Annotations.of(boxes, labels, SIZE)


X, CELLS = cells()


@pytest.fixture
def folder(tmp_path):
    """The cells as a data set of Pascal VOC."""
    write_annotations(CELLS, tmp_path / "in", format="voc", images=X)
    return tmp_path / "in"


def test_a_split_keeps_images_whole_and_every_class_in_its_share():
    for seed in range(3):
        found = split_annotations(CELLS, 0.25, random_state=seed)
        is_valid = found.image_columns["split"] == "val"
        share = CELLS.counts()[is_valid].sum(axis=0) / CELLS.counts().sum(axis=0)
        assert np.abs(share - 0.25).max() <= 0.06 and 4 <= is_valid.sum() <= 6
        assert (share > 0).all()
    groups = np.arange(20) // 4
    split = split_annotations(CELLS, 0.2, test=0.2, groups=groups).image_columns["split"]
    assert {*split} == {"train", "val", "test"}
    assert all(len({*split[groups == group]}) == 1 for group in range(5))
    with pytest.raises(ValueError, match="must add up to less than 1"):
        split_annotations(CELLS, 0.5, test=0.5)
    with pytest.raises(ValueError, match="`validation` must be a share"):
        split_annotations(CELLS, 20)


def test_groups_of_a_split_are_named_in_many_ways(folder, tmp_path, capsys):
    found = read_annotations(folder)
    names = [os.path.basename(path) for path in found.paths]
    table = {f"JPEGImages/{name}": int(name[:2]) // 4 for name in names}
    by_name = {name: int(name[:2]) // 4 for name in names}
    expected = split_annotations(found, groups=np.arange(20) // 4).image_columns["split"]
    for groups in (table, by_name, lambda path: int(os.path.basename(path)[:2]) // 4):
        split = split_annotations(found, groups=groups).image_columns["split"]
        assert split.tolist() == expected.tolist()
    with pytest.raises(ValueError, match=r"has none for 1 of 20 image files"):
        split_annotations(found, groups=dict(list(table.items())[1:]))
    with pytest.raises(ValueError, match="\"near-duplicates\", got 'patient'"):
        split_annotations(found, groups="patient")
    with pytest.raises(ValueError, match="annotations without paths"):
        split_annotations(CELLS, groups="stem-prefix")
    with pytest.raises(ValueError, match="where nothing is split"):
        balance_annotations(folder, tmp_path / "o", groups=table, validation=0)
    lines = ["path,patient", *(f"{name},{group}" for name, group in table.items())]
    (tmp_path / "visits.csv").write_text("\n".join(lines))
    options = ["--boxes", "voc", "--groups", f"{tmp_path / 'visits.csv'}:patient"]
    strategy = ["--strategy", "at least 6", "--out-format", "yolo"]
    code, _, err = run(capsys, "balance", folder, tmp_path / "o", *options, *strategy)
    assert code == 0, err
    written = read_annotations(tmp_path / "o")
    names = [os.path.basename(path) for path in written.paths]
    valid = {
        name
        for name, part in zip(names, written.image_columns["split"], strict=True)
        if part == "val"
    }
    assert valid == {
        os.path.basename(path)
        for path, part in zip(found.paths, expected, strict=True)
        if part == "val"
    }


def test_inspect_counts_and_names_what_is_odd():
    _, some = cells(20)
    boxes = [some.boxes_of(row).tolist() for row in range(20)]
    labels = [some.labels_of(row) for row in range(20)]
    boxes[3], labels[3] = [*boxes[3][8:], boxes[3][8]], [*labels[3][8:], labels[3][8]]
    odd = Annotations.of(boxes, labels, SIZE, classes=("red", "white", "plate", "none"))
    report = inspect_annotations(odd)
    assert [(c.label, c.boxes, c.images) for c in report.classes] == [
        *(("red", 152, 19), ("white", 11, 10), ("plate", 5, 5), ("none", 0, 0))
    ]
    assert report.together[0] == ("red", "white", 9)
    missing = ["row 3 has no red, 95% of the images have one"]
    assert report.odd["objects that may be missing"] == missing
    assert report.odd["without objects"] == ["class none"]
    assert report.odd["there more than once"] == ["row 3: white, 2 times"]
    assert json.loads(report.to_json())["n_boxes"] == 168 and "most possible" in str(report)


def test_windows_are_chosen_before_images_that_bring_frequent_objects_along():
    over = LabelOverSampler(at_least(20), max_repeats=4, random_state=0)
    plain = over.fit_resample(X, CELLS)[1].counts().sum(axis=0)
    zoomed = over.set_params(synthesis=ZoomToObjects()).fit_resample(X, CELLS)[1]
    at = {label: number for number, label in enumerate(CELLS.classes)}
    counts = zoomed.counts().sum(axis=0)
    assert counts.max() / counts.min() < 0.9 * plain.max() / plain.min()
    assert abs(int(counts[at["white"]]) - over.reach_.reached[at["white"]]) <= 3
    plan = over.plan_
    assert set(np.flatnonzero(plan.synthetic)) == set(np.flatnonzero(plan.weights[:, 2] > 0))
    assert (plan.weights[plan.synthetic, 2] < 1).all() and "times larger" in plan.explain(-1)
    again = LabelOverSampler(
        at_least(20), max_repeats=4, random_state=0, synthesis=ZoomToObjects(), n_jobs=2
    ).fit_resample(X, CELLS)
    assert again[1].boxes.tobytes() == zoomed.boxes.tobytes()
    assert carry(plan, CELLS, X).boxes.tobytes() == zoomed.boxes.tobytes()


def test_a_window_shows_the_object_where_its_box_says():
    one = np.zeros((2, *SIZE), dtype=np.uint8)
    one[0, 20:30, 30:38] = 255
    some = Annotations.of([[[30, 20, 38, 30]], [[0, 0, 9, 9]]], [["a"], ["b"]], SIZE)
    for zoom in (1.5, 2, 3.7):
        rule = ZoomToObjects(["a"], (zoom, zoom), per_object=3)
        over = LabelOverSampler({"a": 4}, max_repeats=1, synthesis=rule, random_state=1)
        X_res, res = over.fit_resample(one, some)
        for row in range(2, 5):
            y, x = np.nonzero(X_res[row] > 127)
            seen = [x.min(), y.min(), x.max() + 1, y.max() + 1]
            assert np.abs(res.boxes_of(row)[0] - seen).max() <= 1
            assert res.boxes_of(row)[0][2] - res.boxes_of(row)[0][0] == pytest.approx(8 * zoom)
    both = Chain([ZoomToObjects(["a"]), Augment(horizontal_flip=True)])
    over = LabelOverSampler({"a": 3}, max_repeats=2, synthesis=both, random_state=0)
    _, res = over.fit_resample(one, some)
    assert over.plan_.synthetic.sum() == 2 and "augmented" in over.plan_.explain(-1)
    assert over.plan_.synthesis is both


def test_zooming_without_annotations_and_with_odd_parameters_is_refused():
    with pytest.raises(ValueError, match="must know where objects are"):
        LabelOverSampler({0: 6}, synthesis=ZoomToObjects()).fit_resample(X, CELLS.counts())
    for wrong, words in (
        ({"scale": (3, 2)}, "`scale` must be two numbers"),
        ({"labels": "white"}, '`labels` must be "rare" or a list'),
        ({"labels": ["blue"]}, "`labels` must be classes of the annotations"),
        ({"shown": 2}, "`shown` must be a share"),
        ({"per_object": 0}, "`per_object` must be an integer"),
    ):
        with pytest.raises(ValueError, match=words):
            LabelOverSampler({"plate": 6}, synthesis=ZoomToObjects(**wrong)).fit_resample(X, CELLS)


def places(n=8):
    """Images that say of every pixel which it is; discs, the rare ones of them away from others."""
    y, x = np.indices(SIZE)
    X = np.stack([np.stack([y / 64, x / 64, np.full(SIZE, k / n)], axis=2) for k in range(n)])
    middles = [[(14 + 2 * k, 20), (50, 30 + k), (36, 12)] for k in range(n)]
    names = [["rare" if k < 3 and at == 0 else "often" for at in range(3)] for k in range(n)]
    masks = [
        [(x + 0.5 - cx) ** 2 + (y + 0.5 - cy) ** 2 < 8.2**2 for cx, cy in own] for own in middles
    ]
    around = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    ring = 8.2 * np.column_stack([np.cos(around), np.sin(around)])
    given = {
        "masks": {"masks": masks},
        "polygons": {"polygons": [[ring + np.array(c) for c in own] for own in middles]},
        "boxes": {},
    }
    boxes = [[[cx - 8, cy - 8, cx + 8, cy + 8] for cx, cy in own] for own in middles]
    of = {k: Annotations.of(boxes, names, SIZE, **more) for k, more in given.items()}
    return X, of


PLACES, DISCS = places()


@pytest.mark.parametrize("what", DISCS)
@pytest.mark.parametrize("turned", [False, True])
def test_what_is_pasted_is_where_layers_and_annotations_say(what, turned):
    rule = PasteObjects(n=(1, 2), scale=(0.9, 1.3))
    still = {"brightness_range": 0, "noise": 0}
    rule = Chain([rule, Augment(**still, horizontal_flip=True)]) if turned else rule
    over = LabelOverSampler({"rare": 9}, max_repeats=2, synthesis=rule, random_state=0)
    X_res, res = over.fit_resample(PLACES, DISCS[what])
    assert len(X_res) < 8 + 6 + 1 and over.reach_.reached[res.classes.index("rare")] >= 9
    rows = np.flatnonzero(over.plan_.synthetic & (over.plan_.weights[:, 0] > 0))
    plan = over.plan_[rows]
    number = np.rint(8 * X_res[rows][..., 2])
    seen, looked_at = np.zeros((len(rows), *SIZE), dtype=int), 0
    for layer in layers_of(plan, ArrayImages(PLACES)):
        parents = plan.base if not layer.member else plan.partners[:, layer.member - 1]
        seen += layer.seen
        at = np.moveaxis(layer.places, 1, 0)
        within = layer.inside & (at[0] > 2) & (at[0] < 45) & (at[1] > 2) & (at[1] < 61)
        if turned:  # where a border between two is interpolated, neither is seen
            edge = np.abs(np.diff(layer.seen.astype(int), axis=2, prepend=0)).astype(bool)
            edge |= np.abs(np.diff(layer.seen.astype(int), axis=1, prepend=0)).astype(bool)
            for axis in (1, 2):
                edge |= sum(np.roll(edge, k, axis=axis) for k in (-2, -1, 1, 2)) > 0
            within &= ~edge
        assert (number == parents[:, None, None])[within].mean() > 0.999
        for axis in (0, 1):
            off = np.abs(64 * X_res[rows][..., axis] - at[axis])[within]
            assert (off < 0.05).mean() > 0.999
        looked_at += within.sum()
    assert looked_at > 0.5 * number.size and seen.max() == 1
    assert turned or seen.min() == 1
    for at, row in enumerate(rows.tolist() if not turned else []):
        of = dict(zip(res.labels_of(row), res.boxes_of(row), strict=True))
        assert "rare" in of  # its own box is that of the pixels that come from elsewhere
        if plan.weights[at, 1] == 0:
            ys, xs = np.nonzero(number[at] == plan.partners[at, 0])
            there = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
            assert np.abs(of["rare"] - there).max() <= 1


def test_every_object_of_a_photo_and_of_its_donors_is_kept_or_named():
    rule = PasteObjects(n=(3, 3), shape="box", scale=(2, 2.4), covered=1)
    over = LabelOverSampler({"rare": 15}, max_repeats=1, synthesis=rule, random_state=0)
    _, res = over.fit_resample(PLACES, DISCS["masks"])
    plan, lengths = over.plan_, np.diff(res.offsets)
    for row in np.flatnonzero(plan.synthetic).tolist():
        gone = [(d.source, d.box) for d in res.dropped if d.row == row]
        assert lengths[row] + len(gone) == 3 + 3 * (plan.weights[row] > 0).sum()
    assert any("of it in view" in gone.reason for gone in res.dropped)
    sides = res.boxes[:, 2:] - res.boxes[:, :2]
    assert (sides >= 1).all() and (res.boxes >= 0).all() and (res.boxes[:, 2] <= SIZE[1]).all()
    over.set_params(synthesis=PasteObjects(covered=0), sampling_strategy={"rare": 6})
    careful = over.fit_resample(PLACES, DISCS["boxes"])[1]
    named = {(gone.row, gone.source) for gone in careful.dropped}
    assert not {(row, f"row {base}") for row, base in enumerate(over.plan_.base)} & named


def test_a_plan_with_pasted_objects_is_drawn_carried_and_saved_as_any_other(tmp_path):
    given = DISCS["masks"]
    over = LabelOverSampler(at_least(9), synthesis=PasteObjects(), random_state=1)
    X_res, res = over.fit_resample(PLACES, given)
    plan, names = over.plan_, [f"{k}.png" for k in range(8)]
    assert render(plan, PLACES).tobytes() == X_res.tobytes()
    some = plan[[-1, 3, -2]].compact()
    assert render(some[0], PLACES[some[1]]).tobytes() == X_res[[-1, 3, -2]].tobytes()
    assert carry(plan, given).boxes.tobytes() == res.boxes.tobytes()
    plan.save(tmp_path / "plan.npz")
    again = ResamplingPlan.load(tmp_path / "plan.npz")
    assert render(again, PLACES).tobytes() == X_res.tobytes()
    assert again.explain(-1, names) == plan.explain(-1, names)
    assert "pasted into it" in plan.explain(-1, names)
    assert repr(again.synthesis) == "PasteObjects()" and over.synthesis.pasted is None
    twice = LabelOverSampler(at_least(9), synthesis=PasteObjects(), random_state=1, n_jobs=2)
    assert twice.fit_resample(PLACES, given)[0].tobytes() == X_res.tobytes()
    assert {*plan.crosses(np.arange(8))[plan.synthetic]} == {True}
    np.testing.assert_allclose([sum(w for _, w in plan.sources(k)) for k in range(len(plan))], 1)
    for dtype in (np.uint8, np.uint16, np.float32):
        images = (PLACES * 200).astype(dtype)
        drawn = render(plan, images)
        assert drawn.dtype == dtype and (drawn[:8] == images).all()


def test_objects_that_are_cut_or_hard_to_see_are_pasted_only_where_there_are_no_others():
    boxes = [[[0, 5, 10, 15]], [[20, 20, 30, 30]], [[30, 20, 40, 30]], [[5, 5, 9, 9]]]
    given = Annotations.of(boxes, [["rare"]] * 3 + [["often"]], SIZE)
    given = given[[0, 1, 2, 3]]
    given.columns["difficult"] = np.array([0, 1, 0, 0])
    X = np.zeros((4, *SIZE), dtype=np.uint8)
    over = LabelOverSampler({"rare": 5}, max_repeats=1, synthesis=PasteObjects(), random_state=0)
    for there, donors in (([0, 1, 2, 3], {2}), ([0, 1, 3], {0, 1})):
        over.fit_resample(X[there], given[there])
        assert {*over.plan_.partners[over.plan_.weights > 0].tolist()} <= donors


def test_pasting_without_annotations_and_with_odd_parameters_is_refused():
    with pytest.raises(ValueError, match="must know where objects are"):
        LabelOverSampler({1: 9}, synthesis=PasteObjects()).fit_resample(
            PLACES, DISCS["boxes"].counts()
        )
    with pytest.raises(ValueError, match="`pasted` is None"):
        PasteObjects().draw(PLACES[:1], PLACES[None, :1], None, [np.random.default_rng(0)])
    both = Chain([PasteObjects(), ZoomToObjects()])
    for wrong, words in (
        (PasteObjects(n=(0, 2)), "`n` must be two whole numbers"),
        (PasteObjects(n=3), "`n` must be two whole numbers"),
        (PasteObjects(scale=(2, 1)), "`scale` must be two numbers"),
        (PasteObjects("rare!"), '`labels` must be "rare" or a list'),
        (PasteObjects(["blue"]), "`labels` must be classes of the annotations"),
        (PasteObjects(shape="disc"), "`shape` must be one of"),
        (PasteObjects(covered=2), "`covered` must be a share"),
        (PasteObjects(per_image=0), "`per_image` must be an integer"),
        (both, "must contain at most one of ZoomToObjects"),
    ):
        with pytest.raises(ValueError, match=words):
            LabelOverSampler({"rare": 6}, synthesis=wrong).fit_resample(PLACES, DISCS["boxes"])


def test_images_and_more_reach_what_they_can():
    counts, more = np.array([[5, 1, 0], [4, 0, 1], [6, 1, 0]]), np.array([[0, 1, 0], [1, 1, 0]])
    repeats, chosen, reach = choose_repeats_and_more(counts, more, [0, 6, 9], 2, labels="abc")
    assert reach.possible.tolist() == [31, 6, 2] and reach.unreachable == {"c": 2}
    assert repeats.tolist() == [2, 2, 2] and chosen.all()
    repeats, chosen, reach = choose_repeats_and_more(counts, more, [0, 3, 0], 2, labels="abc")
    assert repeats.tolist() == [1, 1, 1] and chosen.tolist() == [True, False]


def tree(top):
    return {
        path.relative_to(top).as_posix(): path.read_bytes()
        for path in top.rglob("*")
        if path.is_file()
    }


def test_balanced_on_disk_every_row_says_what_it_is_made_of(folder, tmp_path):
    rule = Chain([ZoomToObjects(), Augment()])
    out = tmp_path / "out"
    before = tree(folder)
    report = balance_annotations(
        folder,
        out,
        sampling_strategy=at_least(12),
        max_repeats=3,
        synthesis=rule,
        out_format="coco",
    )
    assert tree(folder) == before
    found = read_annotations(out)
    split = found.image_columns["split"]
    assert (split == "train").sum() == report.n_train and (
        split == "val"
    ).sum() == report.n_valid == 4
    counts = found[split == "train"].counts().sum(axis=0)
    assert counts.tolist() == [row[4] for row in report.classes]
    content = json.loads((out / "manifest.json").read_text("utf-8"))
    drawn = [row for row in content["rows"] if row["kind"] == "synthetic"]
    assert len(drawn) == report.n_synthetic > 0
    assert all("augmented" in row["drawn"] and len(row["sources"]) == 1 for row in drawn)
    n_dropped = sum(len(row["dropped"]) for row in drawn)
    assert n_dropped == len(report.dropped) and n_dropped > 0
    assert verify_annotations(out, source=folder).n_compared == len(content["rows"]) - len(drawn)


def test_same_bytes_for_any_threads_and_after_a_kill(folder, tmp_path):
    script = """if True:
        import os, sys
        from imblearn_images.annotations import balance_annotations
        from imblearn_images.core import disk
        from imblearn_images.strategies import at_least
        from imblearn_images.synthesis import Augment
        n, written = int(sys.argv[3]), disk.written_whole
        def last(path, **options):
            global n
            n -= 1
            return os._exit(9) if n < 0 else written(path, **options)
        disk.written_whole = last
        balance_annotations(sys.argv[1], sys.argv[2], sampling_strategy=at_least(14),
            synthesis=Augment(), out_format="yolo", resume=True, n_jobs=1)
    """
    options = {"sampling_strategy": at_least(14), "synthesis": Augment(), "out_format": "yolo"}
    balance_annotations(folder, tmp_path / "a", **options, n_jobs=2)
    for n in (25, 1000):
        done = run_python("-c", script, folder, tmp_path / "b", n)
        assert done.returncode == (9 if n == 25 else 0), done.stderr
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_resume_refuses_an_output_that_another_synthesis_began(folder, tmp_path, monkeypatch):
    options = {"sampling_strategy": at_least(8), "out_format": "csv", "n_jobs": 1}
    with monkeypatch.context() as patch:
        patch.setattr("imblearn_images.annotations._files.csv_of", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            balance_annotations(folder, tmp_path / "o", synthesis=Augment(), **options)
    for other in ({"synthesis": Augment(rotation_range=9.0)}, {"random_state": 1}):
        given = {"synthesis": Augment(), **options, **other}
        with pytest.raises(FileExistsError, match="other annotations, options"):
            balance_annotations(folder, tmp_path / "o", resume=True, **given)
    balance_annotations(folder, tmp_path / "o", resume=True, synthesis=Augment(), **options)
    assert verify_annotations(tmp_path / "o")


def test_the_output_does_not_lie_among_the_images(folder, tmp_path):
    convert_annotations(folder, tmp_path / "y", out_format="yolo")
    for part in ("train", "val"):
        (tmp_path / "y/images" / part).mkdir()
    for at, path in enumerate(sorted((tmp_path / "y/images").glob("*.png"))):
        path.rename(path.parent / ("val" if at % 4 == 0 else "train") / path.name)
    for place in ("images", "images/out", "images/train/out/more"):
        with pytest.raises(ValueError, match="nor lie in one"):
            balance_annotations(tmp_path / "y", tmp_path / "y" / place)
        with pytest.raises(ValueError, match="nor lie in one"):
            convert_annotations(tmp_path / "y", tmp_path / "y" / place, out_format="csv")
    convert_annotations(tmp_path / "y", tmp_path / "y" / "out", out_format="csv")


def test_images_in_no_part_of_a_split_are_told(folder, tmp_path):
    found = read_annotations(folder)
    split = np.array(["train", "val", None, "train"] * 5, dtype=object)
    given = replace(found, image_columns={"split": split})
    report = balance_annotations(given, tmp_path / "o", sampling_strategy=at_least(6), dry_run=True)
    assert report.n_unsplit == 5 and "5 images are in no part of the split" in str(report)
    split = np.array(["", "val", None, ""] * 5, dtype=object)
    given = replace(found, image_columns={"split": split})
    report = balance_annotations(given, tmp_path / "o", sampling_strategy=at_least(1), dry_run=True)
    assert (report.n_unsplit, report.n_valid, report.n_train) == (0, 5, 15)


def test_verify_names_what_has_changed(folder, tmp_path):
    out = tmp_path / "out"
    balance_annotations(folder, out, out_format="csv", sampling_strategy=at_least(6))
    assert verify_annotations(out)
    (out / "labels.csv").write_text((out / "labels.csv").read_text() + "\n")
    os.remove(out / "classes.txt")
    (out / "more.txt").write_text("x")
    problems = verify_annotations(out).problems
    assert problems == [
        "classes.txt is missing",
        "more.txt is not in the manifest",
        "labels.csv has changed",
    ]
    with pytest.raises(ValueError, match=r"no manifest\.json of annotations"):
        verify_annotations(folder)
    content = json.loads((out / "manifest.json").read_text("utf-8"))
    for key, bad in {"rows": [], "images": 3, "files": 3, "format": []}.items():
        (out / "manifest.json").write_text(json.dumps({**content, key: bad}))
        with pytest.raises(ValueError, match="is damaged"):
            verify_annotations(out)
    for text in ("{", json.dumps({**content, "rows": [{}] * len(content["rows"])})):
        (out / "manifest.json").write_text(text)
        with pytest.raises(ValueError, match="is damaged"):
            verify_annotations(out)
    image = folder / "JPEGImages/00.png"
    balance_annotations(folder, tmp_path / "o2", out_format="csv", sampling_strategy=at_least(6))
    Image.fromarray(X[1]).save(image)
    assert "differs from" in str(verify_annotations(tmp_path / "o2", source=folder))


def run(capsys, *args):
    code = main([str(arg) for arg in args])
    seen = capsys.readouterr()
    return code, seen.out, seen.err


def test_the_command_inspects_balances_converts_and_verifies(folder, tmp_path, capsys):
    code, out, err = run(capsys, "inspect", folder, "--boxes", "voc", "--max-repeats", 3)
    assert code == 0 and "20 images, 175 boxes" in out and not err
    options = ["--boxes", "auto", "--strategy", "at least 12", "--max-repeats", 4]
    more = ["--synthesis", "augment", "--out-format", "coco"]
    code, out, err = run(capsys, "balance", folder, tmp_path / "o", *options, *more, "--dry-run")
    assert code == 0 and "nothing was written" in out and not (tmp_path / "o").exists()
    code, out, err = run(capsys, "balance", folder, tmp_path / "o", *options, *more)
    assert code == 0 and "written to" in out and (tmp_path / "o/annotations").is_dir()
    code, out, err = run(capsys, "convert", tmp_path / "o", tmp_path / "p", "--to", "yolo")
    assert code == 0 and (tmp_path / "p/data.yaml").is_file()
    for top, source in ((tmp_path / "o", folder), (tmp_path / "p", tmp_path / "o")):
        code, out, err = run(capsys, "verify", top, "--source", source)
        assert code == 0 and "as the manifest says" in out
    pasted = [*options, "--synthesis", "paste", "--out-format", "csv"]
    code, out, err = run(capsys, "balance", folder, tmp_path / "q", *pasted)
    rows = json.loads((tmp_path / "q/manifest.json").read_text("utf-8"))["rows"]
    assert code == 0 and any("pasted into it" in row.get("drawn", "") for row in rows)
    (tmp_path / "p/data.yaml").write_text("")
    code, out, err = run(capsys, "verify", tmp_path / "p")
    assert code == 1 and "data.yaml has changed" in err
    code, out, err = run(capsys, "inspect", tmp_path / "o", "--boxes", "coco", "--json")
    assert code == 0 and json.loads(out)["n_images"] > 20


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--max-repeats", "3"], "--max-repeats needs --boxes. Add --boxes auto"),
        (["--synthesis", "zoom"], "--synthesis zoom needs --boxes. Add --boxes auto"),
        (["--boxes", "voc", "--size", "9"], "--size is for class folders"),
        (["--boxes", "voc", "--link", "hard"], "--link is for class folders"),
        (["--boxes", "voc", "--keep-split"], "--keep-split is for class folders"),
        (["--boxes", "voc", "--layout", "csv"], "--layout is for class folders"),
        (["--boxes", "voc", "--on-empty", "keep"], "--on-empty is for class folders"),
        (["--boxes", "voc", "--method", "smote"], "--method smote cannot balance objects"),
        (["--boxes", "coco"], "has no annotations in the format 'coco'"),
    ],
)
def test_the_command_names_options_that_do_not_go_together(folder, tmp_path, capsys, args, words):
    code, _, err = run(capsys, "balance", folder, tmp_path / "o", *args)
    assert code == 1 and words in err and not (tmp_path / "o").exists()


def test_boxes_are_drawn_on_images_with_the_names_of_their_classes(tmp_path):
    pytest.importorskip("matplotlib")
    display = ObjectsDisplay.from_annotations(CELLS, X, rows=[0, 3, -1])
    texts = {text.get_text() for text in display.ax_.texts}
    assert {"row 0", "row 3", "row 19", "red", "white", "plate"} <= texts
    assert len(display.ax_.lines) == sum(len(CELLS.boxes_of(row)) for row in (0, 3, 19))
    box = display.ax_.lines[0].get_xydata()
    scale = 1 / SIZE[1]
    np.testing.assert_allclose(box[0, 0], CELLS.boxes[0, 0] * scale)
    paths = write_images(tmp_path, X)
    from_files = ObjectsDisplay.from_annotations(read_annotations(write(tmp_path, paths)), n=2)
    assert len(from_files.scenes) == 2
    with pytest.raises(ValueError, match="`images` must be"):
        ObjectsDisplay.from_annotations(CELLS)
    with pytest.raises(ValueError, match="`rows` must be from 0 to 19"):
        ObjectsDisplay.from_annotations(CELLS, X, rows=[20])


def write(tmp_path, paths):
    write_annotations(CELLS, tmp_path / "w", format="coco", images=paths)
    return tmp_path / "w"


def test_repeat_factors_are_those_of_lvis_by_images_instances_and_both():
    rng = np.random.default_rng(0)
    for counts in (CELLS.counts(), rng.poisson(0.4, (40, 7)), rng.poisson(0.1, (30, 12))):
        for t, power in ((0.1, 0.5), (0.5, 0.5), (1.0, 1.0)):
            for by in ("images", "instances", "both"):
                expected = []
                for image in counts:
                    factors = [1.0]
                    for label in np.flatnonzero(image):
                        images = (counts[:, label] > 0).sum() / len(counts)
                        objects = counts[:, label].sum() / counts.sum()
                        share = {"images": images, "instances": objects}
                        share["both"] = (images * objects) ** 0.5
                        factors.append(max(1.0, (t / share[by]) ** power))
                    expected.append(max(factors))
                found = repeat_factor(t, power, by).repeats(counts)
                np.testing.assert_allclose(found, expected, rtol=1e-6)
    over = LabelOverSampler(repeat_factor(1.0, by="instances"), random_state=0)
    _, res = over.fit_resample(X, CELLS)
    wanted = repeat_factor(1.0, by="instances").repeats(CELLS.counts())
    assert abs(len(res) - wanted.sum()) < 8
    assert over.reach_.reached.tolist() == res.counts().sum(axis=0).tolist()
    counts = np.array([[9, 1, 0, 0], [9, 0, 2, 0], [9, 1, 0, 0], [9, 0, 0, 0]])
    median = repeat_factor("median").repeats(counts)  # shares 1, 0.5, 0.25
    np.testing.assert_allclose(median, [1, 2**0.5, 1, 1])
    assert repeat_factor("median")(["a"] * 8 + ["b"] * 4 + ["c"]) == {"a": 8, "b": 4, "c": 2}
    with pytest.raises(
        ValueError, match=r'`t` must be a number above 0, at most 1, or "median", got'
    ):
        repeat_factor("mean")
    with pytest.raises(ValueError, match="`by` must be"):
        repeat_factor(0.5, by="boxes")


def test_mlsmote_of_annotated_images_carries_the_objects_of_both_parents():
    X = np.random.default_rng(0).integers(0, 256, (12, 32, 32), dtype=np.uint8)
    one, two = [[2, 2, 10, 10]], [[2, 2, 10, 10], [12, 12, 20, 20]]
    y = Annotations.of([one] * 6 + [two] * 6, [["ant"]] * 6 + [["ant", "bee"]] * 6, sizes=(32, 32))
    smote = MLSMOTE({"bee": 9}, k_neighbors=2, random_state=0)
    X_res, y_res = smote.fit_resample(X, y)
    assert len(X_res) == len(y_res) == 15
    np.testing.assert_array_equal(smote.plan_.y, y_res.counts())
    np.testing.assert_array_equal(y_res.counts()[:12], y.counts())


class Counted(ArrayImages):
    """Images in an array that count the rows that are read."""

    n_read = 0

    def read(self, rows, out):
        self.n_read += len(rows)
        super().read(rows, out)


@pytest.mark.parametrize("rule", [ZoomToObjects(), PasteObjects(per_image=2)])
def test_a_partner_that_is_the_base_itself_is_not_read_again(rule):
    over = LabelOverSampler(at_least(15), random_state=0, synthesis=rule)
    over.fit_resample(X, CELLS)
    plan = over.plan_[over.plan_.synthetic]
    others = np.count_nonzero(plan.partners != plan.base[:, None])
    images = Counted(X)
    drawn = render(plan, images)
    assert images.n_read == len(plan) + others
    for row in range(len(plan)):  # among others, and alone
        np.testing.assert_array_equal(render(plan[[row]], X)[0], drawn[row])


def test_a_number_of_numpy_is_a_number():
    over = LabelOverSampler(at_least(15), synthesis=ZoomToObjects(per_object=np.int64(2)))
    assert len(over.fit_resample(X, CELLS)[1]) > len(CELLS)
