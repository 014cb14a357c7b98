"""make_imbalance and its profiles, the bundled patches, class folders."""

import os
import pickle
import socket
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn.datasets import make_imbalance as imblearn_make
from imblearn.datasets.tests import test_imbalance as imblearn_test
from imblearn.under_sampling import NearMiss, RandomUnderSampler
from sklearn.base import clone
from sklearn.model_selection import GroupKFold

from imblearn_images.datasets import (
    LongTail,
    Staircase,
    Step,
    load_image_folder,
    load_texture_patches,
    make_imbalance,
)

PROFILES = [LongTail(5), Step(4), Step(3.5, minority=0.9), Staircase(2)]
class_sizes = st.lists(st.integers(1, 30), min_size=2, max_size=6)


def labels_of(sizes, shuffle_seed=0):
    y = np.repeat([f"class {k}" for k in range(len(sizes))], sizes)
    return np.random.default_rng(shuffle_seed).permutation(y)


# ---- make_imbalance


@settings(max_examples=50, deadline=None)
@given(sizes=class_sizes, data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_exact_counts_nothing_twice_seeded_and_rows_of_imblearn(sizes, data, seed):
    y = labels_of(sizes)
    has = Counter(y.tolist())
    names = data.draw(st.sets(st.sampled_from(sorted(has))))
    asked = {name: data.draw(st.integers(0, has[name])) for name in sorted(names)}
    X = np.arange(len(y))
    rows, y_res = make_imbalance(X, y, sampling_strategy=asked, random_state=seed)
    assert Counter(y_res.tolist()) == Counter({**has, **asked})
    assert len(set(rows.tolist())) == len(rows)
    np.testing.assert_array_equal(y_res, y[rows])
    again, _ = make_imbalance(X, y, sampling_strategy=asked, random_state=seed)
    np.testing.assert_array_equal(rows, again)
    expected, y_expected = imblearn_make(X[:, None], y, sampling_strategy=asked, random_state=seed)
    np.testing.assert_array_equal(rows, expected[:, 0])
    np.testing.assert_array_equal(y_res, y_expected)


def test_the_seed_matters():
    y = labels_of([30, 30])
    X, asked = tuple(range(60)), {"class 0": 5}
    draws = {make_imbalance(X, y, sampling_strategy=asked, random_state=s)[0] for s in range(5)}
    assert len(draws) == 5


def two_dimensional():
    pd = pytest.importorskip("pandas")
    X = np.random.default_rng(1).random((40, 3))
    frame = pd.DataFrame({"a": np.arange(40), "b": [f"{k}" for k in range(40)]}, index=range(5, 45))
    return {
        "float64": X,
        "float32, Fortran": np.asfortranarray(X.astype(np.float32)),
        "uint8": (X * 255).astype(np.uint8),
        "list": X.tolist(),
        "frame": frame,
    }


@pytest.mark.parametrize("kind", two_dimensional())
@pytest.mark.parametrize("y_kind", ["ndarray", "list", "Series"])
def test_two_dimensional_equals_imblearn(kind, y_kind):
    pd = pytest.importorskip("pandas")
    X, y = two_dimensional()[kind], labels_of([20, 15, 5])
    y = {"ndarray": y, "list": y.tolist(), "Series": pd.Series(y, name="label")}[y_kind]
    how = dict(sampling_strategy={"class 0": 7, "class 2": 3}, random_state=3)
    (X_res, y_res), (X_exp, y_exp) = make_imbalance(X, y, **how), imblearn_make(X, y, **how)
    assert type(X_res) is type(X_exp) and type(y_res) is type(y_exp)
    if kind == "frame":
        pd.testing.assert_frame_equal(X_res, X_exp)
    else:
        assert getattr(X_res, "dtype", None) == getattr(X_exp, "dtype", None)
        np.testing.assert_array_equal(X_res, X_exp)
    if y_kind == "Series":
        pd.testing.assert_series_equal(y_res, y_exp)
    else:
        np.testing.assert_array_equal(y_res, y_exp)


def containers(n, folder):
    pd = pytest.importorskip("pandas")
    names = [f"photos/{k:02}.png" for k in range(n)]
    paths = [Path(name) for name in names]
    image = np.arange(n, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 3, 3), np.uint8)
    memmap = np.lib.format.open_memmap(folder / "X.npy", "w+", np.uint16, (n, 2, 2))
    memmap[:] = np.arange(n)[:, None, None]
    return {
        "list": names,
        "tuple": tuple(paths),
        "U": np.array(names),
        "object": np.array(paths, dtype=object),
        "column": np.array(names)[:, None],
        "series": pd.Series(names, index=range(100, 100 + n), name="file"),
        "object series": pd.Series(paths, dtype=object),
        "frame": pd.DataFrame({"file": names}),
        "images": image,
        "read-only": np.broadcast_to(np.arange(n)[:, None, None], (n, 2, 2)),
        "list of images": list(image),
        "memmap": memmap,
    }


def test_same_rows_from_every_container_which_comes_back_as_it_went_in(tmp_path):
    y = labels_of([20, 15, 5])
    expected, _ = make_imbalance(np.arange(40), y, sampling_strategy=LongTail(4), random_state=2)
    for kind, X in containers(40, tmp_path).items():
        X_res, y_res = make_imbalance(X, y, sampling_strategy=LongTail(4), random_state=2)
        assert type(X_res) is (np.ndarray if kind == "memmap" else type(X)), kind
        assert getattr(X_res, "dtype", None) == getattr(X, "dtype", None), kind
        assert getattr(X_res, "name", None) == getattr(X, "name", None), kind
        assert len(X_res) == len(y_res) == len(expected)
        rows = X.iloc if hasattr(X, "iloc") else X
        got = X_res.iloc if hasattr(X_res, "iloc") else X_res
        for k, row in enumerate(expected):
            assert np.array_equal(got[k], rows[row]), kind
            assert kind == "memmap" or type(got[k]) is type(rows[row]), kind
        if hasattr(X, "index") and not isinstance(X, (list, tuple)):
            assert X_res.index.tolist() == X.index[expected].tolist()


def test_series_of_paths_and_of_labels_stay_aligned():
    pd = pytest.importorskip("pandas")
    paths = pd.Series([f"{k}.png" for k in range(20)], index=range(50, 70))
    y = pd.Series(labels_of([12, 8]), index=paths.index, name="label")
    X_res, y_res = make_imbalance(paths, y, sampling_strategy={"class 0": 3}, random_state=0)
    pd.testing.assert_series_equal(y_res, y[X_res.index])
    pd.testing.assert_series_equal(X_res, paths[y_res.index])


def test_nothing_passed_is_modified():
    X, y, asked = np.arange(20).reshape(10, 2, 1), labels_of([6, 4]), {"class 0": 2}
    before = X.copy(), y.copy(), dict(asked)
    make_imbalance(X, y, sampling_strategy=asked, random_state=0)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])
    assert asked == before[2]


def test_callable_gets_the_labels_and_the_keywords():
    y = labels_of([6, 4])
    half = lambda y, times: {c: n // times for c, n in Counter(y.tolist()).items()}  # noqa: E731
    _, y_res = make_imbalance(np.arange(10), y, sampling_strategy=half, times=2)
    assert Counter(y_res.tolist()) == {"class 0": 3, "class 1": 2}


def test_random_state_instance_is_used_as_imblearn_uses_it():
    y, how = labels_of([20, 20]), {"sampling_strategy": {"class 0": 4}}
    ours, theirs = np.random.RandomState(5), np.random.RandomState(5)
    for _ in range(2):
        rows, _ = make_imbalance(np.arange(40), y, random_state=ours, **how)
        expected, _ = imblearn_make(np.arange(40)[:, None], y, random_state=theirs, **how)
        np.testing.assert_array_equal(rows, expected[:, 0])


def test_verbose_prints_what_imblearn_prints(capsys):
    y, how = labels_of([6, 4]), {"sampling_strategy": {"class 0": 2}, "verbose": True}
    make_imbalance(list("abcdefghij"), y, **how)
    ours = capsys.readouterr().out
    imblearn_make(np.arange(10)[:, None], y, **how)
    assert ours == capsys.readouterr().out != ""


@pytest.mark.parametrize(
    ("strategy", "error", "words"),
    [
        ({"cat": 9}, ValueError, ["'cat'", "9", "6"]),
        ({"cat": -1}, ValueError, ["'cat'", "-1", "negative"]),
        ({"cow": 1}, ValueError, ["'cow'", "'cat'", "'dog'"]),
        ({"cat": 2.5}, ValueError, ["'cat'", "2.5", "whole"]),
        (lambda y: {"cat": 9}, ValueError, ["'cat'", "9", "6"]),
        (lambda y: 3, TypeError, ["dict", "3"]),
        ("auto", TypeError, ["dict", "'auto'"]),
        (None, TypeError, ["dict", "LongTail", "None"]),
    ],
)
def test_errors_name_class_asked_and_has(strategy, error, words):
    with pytest.raises(error) as caught:
        make_imbalance(list(range(10)), ["cat"] * 6 + ["dog"] * 4, sampling_strategy=strategy)
    assert not [word for word in words if word not in str(caught.value)]


def test_lengths_missing_labels_and_one_class():
    with pytest.raises(ValueError, match="3 images, y has 2 labels"):
        make_imbalance(np.zeros((3, 2, 2)), [0, 1], sampling_strategy={})
    for y in (["a", None, "b"], [0.0, np.nan, 1.0]):
        with pytest.raises(ValueError, match=r"1 missing labels .None or NaN.*row 1"):
            make_imbalance(["1.png", "2.png", "3.png"], y, sampling_strategy=LongTail(2))
    for strategy in ({"a": 1}, LongTail(2), Step(2), Staircase(1)):
        with pytest.raises(ValueError, match="more than 1 class"):
            make_imbalance(["1.png", "2.png"], ["a", "a"], sampling_strategy=strategy)


@pytest.fixture(autouse=True)
def ours_in_the_tests_of_imblearn(monkeypatch):
    monkeypatch.setattr(imblearn_test, "make_imbalance", make_imbalance)


iris = imblearn_test.iris
test_imblearn_error = imblearn_test.test_make_imbalance_error
test_imblearn_error_single_class = imblearn_test.test_make_imbalance_error_single_class
test_imblearn_dict = imblearn_test.test_make_imbalance_dict
test_imblearn_iris = imblearn_test.test_make_imbalanced_iris


# ---- profiles


def test_long_tail_has_the_published_sizes_of_cifar_10_lt():
    cifar = np.repeat(np.arange(10), 5000)
    published = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
    assert list(LongTail(100)(cifar).values()) == published


def test_long_tail_meets_whole_numbers_exactly():
    for base, n_classes in ((3, 5), (10, 4), (2, 11), (7, 4)):
        n_max = base ** (n_classes - 1)
        sizes = LongTail(n_max)(np.repeat(np.arange(n_classes), n_max))
        assert list(sizes.values()) == [base**k for k in range(n_classes)][::-1]


@settings(max_examples=80, deadline=None)
@given(sizes=class_sizes, ratio=st.floats(1.01, 1e6), data=st.data())
def test_long_tail_and_step_follow_their_formulas(sizes, ratio, data):
    y = labels_of(sizes)
    order = sorted(range(len(sizes)), key=lambda k: (-sizes[k], k))
    tail, n_max = LongTail(ratio)(y), max(sizes)
    for k, c in enumerate(order):
        ideal = n_max * ratio ** (-k / (len(sizes) - 1))
        kept = tail[f"class {c}"]
        assert 1 <= kept <= sizes[c]
        assert kept in (sizes[c], 1) or abs(kept - (ideal - 0.5)) <= 0.5 + 1e-5
        assert kept <= max(1, ideal + 1e-5)
        assert kept == sizes[c] or kept >= ideal - 1 - 1e-5
    minority = data.draw(st.floats(0.01, 0.99))
    cut = min(max(1, int(minority * len(sizes) + 1e-6)), len(sizes) - 1)
    kept = Step(ratio, minority)(y)
    for k, c in enumerate(order):
        whole = k < len(sizes) - cut
        limit = sizes[c] if whole else max(1, int(n_max / ratio + 5e-7))
        assert kept[f"class {c}"] == min(sizes[c], limit)


@settings(max_examples=80, deadline=None)
@given(sizes=class_sizes, step=st.integers(1, 12))
def test_staircase_follows_its_formula_or_names_the_largest_step(sizes, step):
    y, n_max, n_classes = labels_of(sizes), max(sizes), len(sizes)
    order = sorted(range(n_classes), key=lambda k: (-sizes[k], k))
    largest = max((s for s in range(1, n_max) if n_max - (n_classes - 1) * s >= 1), default=None)
    if largest is not None and step <= largest:
        expected = {f"class {c}": min(sizes[c], n_max - k * step) for k, c in enumerate(order)}
        assert Staircase(step)(y) == expected
        return
    first = next(k for k in range(n_classes) if n_max - k * step < 1)
    end = f"largest step that does is {largest}" if largest else "No step does"
    with pytest.raises(ValueError, match=f"{end}\\.$") as caught:
        Staircase(step)(y)
    assert f"'class {order[first]}', number {first}" in str(caught.value)


@pytest.mark.parametrize("profile", PROFILES, ids=repr)
def test_profiles_are_values_for_every_under_sampler(profile):
    assert pickle.loads(pickle.dumps(profile)) == profile == eval(repr(profile))
    y = labels_of([20, 17, 16])
    for sampler in (RandomUnderSampler(random_state=0), NearMiss()):
        sampler = clone(sampler.set_params(sampling_strategy=profile))
        _, y_res = sampler.fit_resample(np.random.default_rng(0).random((53, 2)), y)
        assert Counter(y_res.tolist()) == profile(y)
        assert len(set(profile(y).values())) > 1


@pytest.mark.parametrize("ratio", [1, 0.1, 0, -3, float("nan"), float("inf")])
@pytest.mark.parametrize("profile", [LongTail, Step])
def test_ratio_must_be_above_one(profile, ratio):
    with pytest.raises(
        ValueError, match=f"`ratio` must be .*largest class / smallest class, got {ratio}"
    ):
        profile(ratio)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Step(2, minority=1.0), "`minority` .* got 1.0"),
        (lambda: Step(2, minority=0), "`minority` .* got 0"),
    ]
    + [
        (lambda step=step: Staircase(step), f"`step` must be .* got {step}")
        for step in (0, -1, 1.5)
    ],
)
def test_other_numbers_of_profiles_are_checked(make, words):
    with pytest.raises(ValueError, match=words):
        make()


# ---- load_texture_patches


@pytest.fixture
def offline(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize(
    ("images", "size"), [("grey", 32), ("grey", 100), ("colour", 64), ("colour", 150)]
)
def test_patches_put_back_give_the_photos(offline, images, size):
    skimage_data = pytest.importorskip("skimage.data")
    data = load_texture_patches(images=images, size=size, sampling_strategy={})
    assert data.images.dtype == np.uint8 and data.images.flags.c_contiguous
    assert len(data.images) == len(data.target) == len(data.origins) == len(data.groups)
    assert sorted(set(data.target)) == data.target_names.tolist()
    for name in data.target_names:
        photo, mine = getattr(skimage_data, name)(), data.target == name
        covered = np.zeros(photo.shape[:2], dtype=int)
        patches = zip(data.images[mine], data.origins[mine], data.groups[mine], strict=True)
        for patch, (row, column), group in patches:
            window = np.s_[row : row + size, column : column + size]
            np.testing.assert_array_equal(patch, photo[window])
            covered[window] += 1
            centre = np.array([row, column]) + size / 2
            lower, right = centre >= np.array(photo.shape[:2]) / 2
            assert group == 2 * lower + right
        height, width = np.array(photo.shape[:2]) // size * size
        assert (covered[:height, :width] == 1).all() and covered.sum() == height * width


def test_default_is_a_seeded_long_tail_drawn_from_all_patches(offline):
    data, whole = load_texture_patches(), load_texture_patches(sampling_strategy={})
    assert Counter(data.target.tolist()) == {"brick": 256, "grass": 80, "gravel": 25}
    assert Counter(whole.target.tolist()) == {"brick": 256, "grass": 256, "gravel": 256}
    everything = {
        (name, *origin): image.tobytes()
        for name, origin, image in zip(
            whole.target, whole.origins.tolist(), whole.images, strict=True
        )
    }
    keys = [(name, *o) for name, o in zip(data.target, data.origins.tolist(), strict=True)]
    assert len(set(keys)) == len(keys) and keys == sorted(keys)
    assert [everything[key] for key in keys] == [image.tobytes() for image in data.images]
    X, y = load_texture_patches(return_X_y=True)
    np.testing.assert_array_equal(X, data.images)
    np.testing.assert_array_equal(y, data.target)
    assert not np.array_equal(load_texture_patches(random_state=1).origins, data.origins)
    asked = load_texture_patches(size=64, sampling_strategy={"brick": 7})
    assert Counter(asked.target.tolist()) == {"brick": 7, "grass": 64, "gravel": 64}
    assert "brick" in asked.DESCR


def test_groups_split_every_class_without_neighbours_on_both_sides():
    data = load_texture_patches()
    for train, test in GroupKFold(4).split(data.images, data.target, data.groups):
        assert set(data.target[train]) == set(data.target[test]) == set(data.target_names)
        for name in data.target_names:
            a, b = (part[data.target[part] == name] for part in (train, test))
            sides = [data.origins[part] // 256 @ [2, 1] for part in (a, b)]
            assert not set(sides[0]) & set(sides[1])


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"size": 257}, "`size` must be an integer from 1 to 256 for 'grey', got 257"),
        ({"size": 151, "images": "colour"}, "`size` must be .* to 150 for 'colour', got 151"),
        ({"size": 0}, "`size` .* got 0"),
        ({"size": 32.0}, "`size` .* got 32.0"),
        ({"images": "color"}, r"`images` must be one of \['colour', 'grey'\], got 'color'"),
        ({"sampling_strategy": {"grass": 257}}, "'grass' has 256 images, 257 were requested"),
    ],
)
def test_patches_refuse_what_they_cannot_give(how, words):
    with pytest.raises(ValueError, match=words):
        load_texture_patches(**how)


def test_patches_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(ModuleNotFoundError, match="pip install scikit-image"):
        load_texture_patches()


# ---- load_image_folder


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_folder_is_sorted_by_class_then_folder(tmp_path):
    names = [
        "a/2.JPG",
        "a/10.png",
        "a/b/1.tiff",
        "a/b-c/1.ppm",
        "a-b/z.webp",
        "B/x y.GIF",
        "é/ü.bmp",
    ]
    names += ["a/3.tif", "a/4.jpeg", "a/5.pgm"]
    touch(tmp_path, *names)
    paths, labels = load_image_folder(tmp_path)
    assert paths.dtype.kind == labels.dtype.kind == "U"
    relative = [os.path.relpath(path, tmp_path) for path in paths]
    assert relative == sorted(names, key=lambda name: name.split("/"))
    assert labels.tolist() == [name.split("/")[0] for name in relative]
    for again in (f"{tmp_path}/", str(tmp_path)):
        np.testing.assert_array_equal(load_image_folder(again)[0], paths)


def test_relative_folder_gives_relative_paths(tmp_path, monkeypatch):
    touch(tmp_path, "photos/a/1.png")
    monkeypatch.chdir(tmp_path)
    assert load_image_folder("photos/")[0].tolist() == [os.path.join("photos", "a", "1.png")]


def test_hidden_is_silent_and_other_files_are_counted(tmp_path):
    touch(tmp_path, "a/1.png", "a/.2.png", "a/.cache/3.png", ".git/4.png", ".DS_Store")
    assert len(load_image_folder(tmp_path)[0]) == 1
    touch(tmp_path, "a/notes.txt", "a/deep/Thumbs.db", "a/png", "5.png")
    with pytest.warns(UserWarning, match=r"^4 files skipped.*5\.png") as record:
        paths, _ = load_image_folder(tmp_path)
    assert len(record) == 1 and record[0].filename == __file__
    assert [Path(path).name for path in paths] == ["1.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="no FIFO, sockets or free links there")
def test_only_regular_files_are_images(tmp_path):
    touch(tmp_path, "a/1.png", "a/folder.png/2.png", "else.png")
    (tmp_path / "b").mkdir()
    (tmp_path / "b/linked.png").symlink_to(tmp_path / "else.png")
    os.mkfifo(tmp_path / "a/fifo.png")
    (tmp_path / "a/broken.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "a/self.png").symlink_to(tmp_path / "a/self.png")
    with pytest.warns(UserWarning, match="^4 files skipped"):
        paths, labels = load_image_folder(tmp_path)
    assert [os.path.relpath(path, tmp_path) for path in paths] == [
        *("a/1.png", "a/folder.png/2.png", "b/linked.png")
    ]
    assert labels.tolist() == ["a", "a", "b"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_link_loops_end_and_linked_folders_are_read(tmp_path):
    root = touch(tmp_path / "photos", "a/1.png", "a/deep/2.png")
    touch(tmp_path / "far", "3.png")
    (root / "a/deep/up").symlink_to(root / "a", target_is_directory=True)
    (root / "a/root").symlink_to(root, target_is_directory=True)
    (root / "a/twice").symlink_to(root / "a/deep", target_is_directory=True)
    (root / "b").symlink_to(tmp_path / "far", target_is_directory=True)
    (root / "c").mkdir()
    (root / "c/near").symlink_to(tmp_path / "far", target_is_directory=True)
    paths, labels = load_image_folder(root)
    assert [os.path.relpath(path, root) for path in paths] == [
        *("a/1.png", "a/deep/2.png", "b/3.png", "c/near/3.png")
    ]
    assert labels.tolist() == ["a", "a", "b", "c"]
    (root / "loop").symlink_to(root, target_is_directory=True)
    with pytest.raises(ValueError, match="'loop'"):
        load_image_folder(root)


def test_no_file_is_opened(tmp_path, monkeypatch):
    touch(tmp_path, "a/1.png", "b/2.png")

    def refuse(*args, **kwargs):
        raise AssertionError("a file was opened")

    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", refuse)
        patch.setattr("io.open", refuse)
        patch.setattr("os.open", refuse)
        patch.setattr("PIL.Image.open", refuse)
        paths, _ = load_image_folder(tmp_path)
    assert len(paths) == 2


def test_empty_class_folders_are_named_or_allowed(tmp_path):
    touch(tmp_path, "a/1.png", "b/2.heic")
    (tmp_path / "c").mkdir()
    with pytest.raises(
        ValueError, match=r"2 of 3 class folders.*\['b', 'c'\].*2\.heic.*allow_empty"
    ):
        load_image_folder(tmp_path)
    with pytest.warns(UserWarning, match="2.heic"):
        paths, labels = load_image_folder(tmp_path, allow_empty=True)
    assert [Path(path).name for path in paths] == ["1.png"] and labels.tolist() == ["a"]


def test_folders_that_are_none(tmp_path):
    touch(tmp_path, "flat/1.png", "flat/.hidden/2.png")
    with pytest.raises(ValueError, match=r"No class folder in .*flat.*1 image lies directly in it"):
        load_image_folder(tmp_path / "flat")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_image_folder(tmp_path / "nowhere")
    with pytest.raises(NotADirectoryError, match=r"1\.png"):
        load_image_folder(tmp_path / "flat" / "1.png")


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path, monkeypatch):
    touch(tmp_path, "a/1.png", "a/locked/2.png")
    scandir = os.scandir

    def locked(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", locked)
    with pytest.raises(PermissionError, match="locked"):
        load_image_folder(tmp_path)


def test_clean_folder_gives_no_warning(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_image_folder(touch(tmp_path, "a/1.png"))
