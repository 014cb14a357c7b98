"""Leaks: a planted one is found and named, and what only looks alike is left alone."""

import io

import numpy as np
import pytest
from conftest import patch_sizes, write_images
from hypothesis import given
from hypothesis import strategies as st
from imblearn.pipeline import make_pipeline
from PIL import Image, ImageEnhance
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedGroupKFold

from imblearn_images import (
    SMOTE,
    ClusterCentroids,
    RandomOverSampler,
    RandomUnderSampler,
    RedrawImages,
    ResamplingPlan,
)
from imblearn_images.core.duplicates import near_duplicates, nearest_look, perceptual_hash
from imblearn_images.datasets import load_texture_patches
from imblearn_images.model_selection._leakage import check_leakage, near_duplicate_groups

pytest.importorskip("imagehash", reason="near-duplicates need imblearn-images[hash]")

SMALL = load_texture_patches(sampling_strategy={}).images
COLOUR = load_texture_patches(images="colour", size=64, sampling_strategy={}).images


def as_jpeg(image, quality=50):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def brightened(image, factor=1.1):
    return np.asarray(ImageEnhance.Brightness(Image.fromarray(image)).enhance(factor))


def halved(image):
    height, width = image.shape[:2]
    return np.asarray(Image.fromarray(image).resize((width // 2, height // 2)))


def distances(one, other):
    return np.array([[(a ^ b).bit_count() for b in other] for a in one])


HASHES = st.lists(
    st.one_of(st.none(), st.integers(0, 2**12 - 1), st.integers(0, 2**256 - 1)), max_size=12
)


@given(HASHES, st.integers(0, 8))
def test_groups_are_the_connected_components_of_all_distances(hashes, threshold):
    known = [row for row, value in enumerate(hashes) if value is not None]
    near = np.eye(len(hashes), dtype=bool)
    if known:
        values = [hashes[row] for row in known]
        near[np.ix_(known, known)] |= distances(values, values) <= threshold
    expected = connected_components(csr_matrix(near))[1] if hashes else np.array([])
    assert near_duplicates(hashes, threshold).tolist() == expected.tolist()


@given(HASHES, HASHES)
def test_the_nearest_look_is_the_first_of_the_least_distances(hashes, among):
    rows, least = nearest_look(hashes, among)
    for value, row, distance in zip(hashes, rows.tolist(), least.tolist(), strict=True):
        found = [
            257 if value is None or other is None else (value ^ other).bit_count()
            for other in among
        ]
        best = min(found, default=257)
        assert (distance, row) == (best, found.index(best) if best < 257 else -1)


def test_tiles_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    hashes = [int(value) for value in rng.integers(0, 2**9, 60)]
    whole = (
        near_duplicates(hashes, 1).tolist(),
        [a.tolist() for a in nearest_look(hashes, hashes[::-1])],
    )
    patch_sizes(monkeypatch, 7)
    assert whole == (
        near_duplicates(hashes, 1).tolist(),
        [a.tolist() for a in nearest_look(hashes, hashes[::-1])],
    )


def test_thousands_of_equal_images_take_no_time_and_no_memory():
    # a list of their pairs would take 3 GB
    assert near_duplicates([0] * 20_000 + [2**256 - 1], 24).max() == 1


@pytest.mark.parametrize(
    "change", [lambda image: as_jpeg(image, 90), brightened, halved, lambda image: image / 255]
)
def test_the_look_survives_what_photos_go_through(change):
    bits = [
        (perceptual_hash(image) ^ perceptual_hash(change(image))).bit_count() for image in COLOUR
    ]
    assert np.quantile(bits, 0.9) <= 24


@pytest.mark.parametrize(
    ("images", "alarms"),
    [
        (SMALL, 0),
        (COLOUR, 0),
        (load_digits().images, 2),  # 1,797 digits of 8 x 8: two of one writer
    ],
    ids=["textures", "photos", "digits"],
)
def test_look_alikes_are_no_near_duplicates(images, alarms):
    groups = near_duplicate_groups(images)
    shared = np.bincount(groups)[groups] > 1
    assert np.count_nonzero(shared) <= alarms


def test_images_without_anything_to_see_are_near_only_to_their_equals():
    flat = np.array([0, 0, 100, 255], dtype=np.uint8)[:, None, None] * np.ones((8, 8), np.uint8)
    assert near_duplicate_groups(flat).tolist() == [0, 0, 1, 2]
    assert near_duplicate_groups(np.full((2, 4, 4), np.nan)).tolist() == [0, 0]
    assert near_duplicate_groups(flat[:0]).tolist() == []


def test_files_and_arrays_have_the_same_groups(tmp_path):
    X = np.concatenate([COLOUR[:20], [brightened(image, 0.9) for image in COLOUR[:10]]])
    expected = [*range(20), *range(10)]
    paths = write_images(tmp_path, X)
    assert near_duplicate_groups(X).tolist() == expected
    assert near_duplicate_groups(paths).tolist() == expected
    assert near_duplicate_groups(paths, n_jobs=2).tolist() == expected
    assert near_duplicate_groups(np.moveaxis(X, 3, 1)).tolist() == expected
    assert near_duplicate_groups(list(X / 255)).tolist() == expected


def test_groups_keep_twins_in_one_fold():
    X = np.concatenate([SMALL[:60], [as_jpeg(image, 90) for image in SMALL[:30]]])
    y = np.arange(90) % 2
    groups = near_duplicate_groups(X)
    for train, valid in StratifiedGroupKFold(3, shuffle=True, random_state=0).split(X, y, groups):
        assert not check_leakage(X[train], X[valid])


def test_planted_leaks_are_named():
    X_train, X_valid = COLOUR[:60], COLOUR[60:100].copy()
    X_valid[3], X_valid[7], X_valid[12] = (
        X_train[5],
        as_jpeg(X_train[9], 90),
        brightened(X_train[20]),
    )
    report = check_leakage(X_train, X_valid)
    assert report
    assert [(pair.kind, pair.valid, pair.train) for pair in report.pairs] == [
        ("identical", 3, 5),
        ("near duplicate", 7, 9),
        ("near duplicate", 12, 20),
    ]
    assert report.counts == {"identical": 1, "near duplicate": 2}
    assert report.valid_rows.tolist() == [3, 7, 12]
    assert not check_leakage(X_train, np.delete(X_valid, report.valid_rows, axis=0))
    only_equal = check_leakage(X_train, X_valid, threshold=None)
    assert only_equal.counts == {"identical": 1}


def test_planted_leaks_in_files_are_named_by_path(tmp_path):
    for side in ("train", "valid"):
        (tmp_path / side).mkdir()
    train = write_images(tmp_path / "train", COLOUR[:12])
    valid = write_images(tmp_path / "valid", COLOUR[12:20])
    Image.fromarray(COLOUR[4]).save(tmp_path / "valid" / "again.jpg", quality=60)
    valid += [str(tmp_path / "valid" / "again.jpg"), train[7]]
    report = check_leakage(train, valid)
    pytest.importorskip("pandas")
    assert report.to_frame()[["kind", "valid", "train"]].values.tolist() == [
        ["identical", train[7], train[7]],
        ["near duplicate", valid[8], train[4]],
    ]
    assert "validation valid/again.jpg, training train/004.png" in repr(report)
    with pytest.raises(FileNotFoundError, match="no_such_file"):
        check_leakage(train, [*valid, str(tmp_path / "no_such_file.png")])


def imbalanced(seed=0):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 256, (40, 8, 8), dtype=np.uint8)
    return X, np.repeat(["cat", "owl"], [28, 12])


@pytest.mark.parametrize(
    "sampler",
    [
        SMOTE(k_neighbors=3, random_state=0),
        RandomOverSampler(random_state=0),
        ClusterCentroids(voting="soft", random_state=0),
    ],
    ids=lambda sampler: type(sampler).__name__,
)
def test_resampling_before_the_split_leaks_what_the_mixing_matrix_says(sampler):
    X, y = imbalanced()
    X_res, _ = sampler.fit_resample(X, y)
    plan = sampler.plan_
    rows = np.random.default_rng(1).permutation(len(plan))
    train, valid = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    report = check_leakage(X_res[train], X_res[valid], (plan[train], plan[valid]), threshold=None)
    parents = plan.matrix().toarray() != 0
    related = (parents[valid][:, None] & parents[train][None]).any(axis=2)
    assert report.valid_rows.tolist() == np.flatnonzero(related.any(axis=1)).tolist()
    for pair in report.pairs:
        assert related[pair.valid, pair.train]
        made = plan.synthetic[train[pair.train]] or plan.synthetic[valid[pair.valid]]
        assert pair.kind == ("parent" if made else "identical")


def test_a_plan_of_several_steps_tells_the_parents_through_all_of_them():
    X, y = imbalanced()
    steps = make_pipeline(
        SMOTE(random_state=0, k_neighbors=3),
        RedrawImages("blend", share=0.3, random_state=0),
        RandomUnderSampler(sampling_strategy="all", random_state=0),
    )
    made, _ = steps.fit_resample(X, y)
    plan = ResamplingPlan.of_pipeline(steps)
    rows = np.random.default_rng(0).permutation(len(made))
    valid, train = rows[: len(rows) // 3], rows[len(rows) // 3 :]
    shows = [{at for at, _ in plan.sources(row)} for row in range(len(plan))]
    made_up = plan.synthetic
    expected = {
        k
        for k, row in enumerate(valid)
        if any(shows[row] & shows[at] and (made_up[row] or made_up[at]) for at in train)
    }
    report = check_leakage(made[train], made[valid], (plan[train], plan[valid]), threshold=None)
    assert {pair.valid for pair in report.pairs if pair.kind == "parent"} == expected
    # the plan of the last step alone does not know
    last = steps[-1].plan_
    short = check_leakage(made[train], made[valid], (last[train], last[valid]), threshold=None)
    assert report.counts["parent"] > short.counts["parent"]
    groups = np.arange(len(X)) % 7
    leaks = check_leakage(
        made[train], made[valid], (plan[train], plan[valid]), (groups, groups), threshold=None
    )
    seen = set().union(*({groups[at] for at in shows[row]} for row in train))
    crossed = {k for k, row in enumerate(valid) if {groups[at] for at in shows[row]} & seen}
    assert {pair.valid for pair in leaks.pairs if pair.kind == "group"} == crossed


def test_rows_of_the_source_stand_for_a_side_that_was_not_resampled():
    X, y = imbalanced()
    smote = SMOTE(k_neighbors=3, random_state=0)
    X_res, _ = smote.fit_resample(X, y)
    valid = np.array([1, 30, 35])
    children = np.flatnonzero(smote.plan_.synthetic)
    report = check_leakage(
        X_res[children], X[valid], (smote.plan_[children], valid), threshold=None
    )
    drawn = (smote.plan_[children].matrix().toarray() != 0)[:, valid].any(axis=0)
    assert drawn.tolist() == [False, True, True]
    assert [pair.valid for pair in report.pairs] == [1, 2]
    assert report.pairs[0].reason == "training image drawn from the other (source 30)"


def test_one_plan_recognises_parents_by_their_look():
    X, y = imbalanced()
    smote = SMOTE(k_neighbors=3, random_state=0)
    X_res, _ = smote.fit_resample(X, y)
    strangers = np.random.default_rng(9).integers(0, 256, (4, 8, 8), dtype=np.uint8)
    report = check_leakage(X_res, np.concatenate([strangers, X[30:33]]), smote.plan_)
    assert report.counts == {"identical": 3, "near duplicate": 0, "parent": 3}
    assert report.valid_rows.tolist() == [4, 5, 6]


def test_resampling_inside_the_fold_is_clean():
    X, y = imbalanced()
    for train, valid in StratifiedGroupKFold(3).split(X, y, np.arange(40)):
        smote = SMOTE(k_neighbors=3, random_state=0)
        X_res, _ = smote.fit_resample(X[train], y[train])
        report = check_leakage(X_res, X[valid], smote.plan_)
        assert not report
        assert repr(report).startswith("No leak found")


def test_groups_on_both_sides_leak():
    X, _ = imbalanced()
    groups = ["ward 1", "ward 2", "ward 3"], ["ward 9", "ward 3", "ward 3"]
    report = check_leakage(X[:3], X[3:6], groups=groups)
    assert [(pair.valid, pair.train, pair.reason) for pair in report.pairs] == [
        (1, 2, "both of group 'ward 3'"),
        (2, 2, "both of group 'ward 3'"),
    ]


def test_children_belong_to_the_groups_of_all_their_parents():
    X, y = imbalanced()
    smote = SMOTE(k_neighbors=3, random_state=0)
    X_res, _ = smote.fit_resample(X, y)
    plan, groups = smote.plan_, np.arange(40)
    child = np.flatnonzero(plan.synthetic)[:1]
    base, partner = plan.base[child[0]], plan.partners[child[0], 0]
    for parent in (base, partner):
        report = check_leakage(X_res[child], X[:1], plan[child], (groups, [parent]))
        assert report.counts["group"] == 1
    assert not check_leakage(X_res[child], X[:1], plan[child], (groups, [0]))


def test_under_sampling_leaks_nothing_by_itself():
    X, y = imbalanced()
    sampler = RandomUnderSampler(random_state=0)
    X_res, _ = sampler.fit_resample(X, y)
    plan = sampler.plan_
    assert not check_leakage(X_res[:12], X_res[12:], (plan[:12], plan[12:]))


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        (
            {"X_train": np.zeros((5, 64))},
            ValueError,
            r"`X_train` must be .* shape \(5, 64\).*reshape",
        ),
        ({"X_valid": np.array([["a", "b"]])}, ValueError, "X_valid"),
        ({"plan": [1, 2, 3]}, TypeError, "`plan` must be the plan.*list"),
        ({"plan": "own"}, ValueError, "5 images in X_train, got 40 rows"),
        ({"plan": "rows"}, ValueError, "source rows of X_valid.*0 to 39"),
        ({"plan": "two"}, ValueError, "drawn for 40 and 41 images"),
        ({"groups": [0] * 5}, TypeError, "`groups` must be a pair"),
        ({"groups": ([0] * 5, [0])}, ValueError, "has 1 values, there are 3 images in X_valid"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, error, told):
    X, y = imbalanced()
    sampler = RandomUnderSampler(sampling_strategy={"cat": 28, "owl": 12}, random_state=0)
    sampler.fit_resample(X, y)
    plans = {"own": sampler.plan_, "rows": (sampler.plan_[:5], [0, 1, 40])}
    if arguments.get("plan") == "two":
        other = RandomUnderSampler().fit(np.zeros((41, 8, 8)), ["a", *y])
        other.fit_resample(np.zeros((41, 8, 8)), np.append(y, "owl"))
        plans["two"] = (sampler.plan_[:5], other.plan_[:3])
    if isinstance(arguments.get("plan"), str):
        arguments = {"plan": plans[arguments["plan"]]}
    with pytest.raises(error, match=told):
        check_leakage(**{"X_train": X[:5], "X_valid": X[5:8], "threshold": None, **arguments})


def test_the_report_is_short_and_safe_to_show():
    X = np.arange(20 * 16, dtype=np.float64).reshape(20, 4, 4)
    report = check_leakage(X, X, groups=(["<b>"] * 20, ["<b>"] * 20), threshold=None)
    text, page = repr(report), report._repr_html_()
    assert text.splitlines()[0] == "20 of 20 validation images leak from 20 training images"
    assert text.count("and 15 more") == 2
    assert "Not looked for: near duplicate (threshold=None), parent (no plan)" in text
    assert "<b>" not in page and "&lt;b&gt;" in page
    assert page.count("<tr>") == 11
    clean = check_leakage(X[:5], X[5:], threshold=None)
    assert "<table" not in clean._repr_html_() and not clean.pairs


def test_without_imagehash_the_rest_is_found(monkeypatch):
    monkeypatch.setattr("imblearn_images.core.duplicates.find_spec", lambda name: None)
    X, _ = imbalanced()
    assert check_leakage(X[:3], X[2:5], threshold=None)
    with pytest.raises(ModuleNotFoundError, match="pip install imagehash"):
        check_leakage(X[:3], X[2:5])


def test_values_beyond_float32_are_hashed_without_a_warning():
    for image in (np.full((8, 8), 1e300), np.full((8, 8, 3), 3e38, dtype=np.float32)):
        assert perceptual_hash(image) is None
