from collections import Counter
from pathlib import Path

import joblib
import numpy as np
import pytest
from conftest import (
    FILE_KINDS,
    KINDS,
    make_images,
    make_labels,
    patch_sizes,
    read_images,
    write_images,
)
from hypothesis import given
from hypothesis import strategies as st
from imblearn.over_sampling import SMOTE as ImblearnSMOTE
from imblearn.over_sampling import RandomOverSampler as ImblearnRandomOverSampler
from PIL import Image
from scipy import sparse
from sklearn.neighbors import NearestNeighbors
from strategies import FLOATS, INTEGERS, image_sets, seeds

from imblearn_images import SMOTE, RandomOverSampler, ResamplingPlan, render
from imblearn_images.core import files
from imblearn_images.core.files import read_image
from imblearn_images.core.images import FileImages
from imblearn_images.core.writing import write_synthetic

Y = make_labels()


def exact(X, y, **params):
    """What imbalanced-learn draws from the same pixels in double precision."""
    flat = X.reshape(len(X), -1).astype(np.float64)
    drawn, labels = ImblearnSMOTE(**params).fit_resample(flat, y)
    return drawn.reshape(-1, *X.shape[1:]), labels


def assert_rounded(result, expected):
    near_half = abs(abs(expected - np.floor(expected)) - 0.5) < 1e-4
    np.testing.assert_array_equal(result[~near_half], np.rint(expected)[~near_half])
    assert (abs(result - expected) <= 0.5001).all()


def assert_between_parents(smote, X, X_res):
    plan = smote.plan_
    parents = np.stack([X[plan.base], X[plan.partners[:, 0]]])
    assert (X_res >= parents.min(axis=0)).all()
    assert (X_res <= parents.max(axis=0)).all()


# --- the oracle


@given(image_sets(dtypes=FLOATS), seeds, st.integers(1, 3), st.booleans())
def test_smote_on_rows_of_floats_is_imbalanced_learns_bit_for_bit(data, seed, k, instance):
    X, y = data
    X = X.reshape(len(X), -1)
    seeds = [np.random.RandomState(seed) if instance else seed for _ in range(2)]
    expected = ImblearnSMOTE(random_state=seeds[0], k_neighbors=k).fit_resample(X, y)
    result = SMOTE(random_state=seeds[1], k_neighbors=k).fit_resample(X, y)
    assert result[0].dtype == X.dtype
    np.testing.assert_array_equal(result[0], expected[0])
    np.testing.assert_array_equal(result[1], expected[1])
    if instance:  # the stream is left where imbalanced-learn leaves it
        assert seeds[0].randint(2**30) == seeds[1].randint(2**30)


@given(image_sets(dtypes=FLOATS), seeds)
def test_smote_on_images_of_floats_is_imbalanced_learns(data, seed):
    X, y = data
    peer = ImblearnSMOTE(random_state=seed, k_neighbors=3)
    expected, _ = peer.fit_resample(X.reshape(len(X), -1), y)
    result, _ = SMOTE(random_state=seed, k_neighbors=3).fit_resample(X, y)
    np.testing.assert_array_equal(result.reshape(len(result), -1), expected)


@given(image_sets(dtypes=INTEGERS), seeds, st.integers(1, 3))
def test_smote_on_integers_is_the_exact_result_rounded_to_nearest(data, seed, k):
    X, y = data
    expected, y_expected = exact(X, y, random_state=seed, k_neighbors=k)
    smote = SMOTE(random_state=seed, k_neighbors=k)
    X_res, y_res = smote.fit_resample(X, y)
    assert X_res.dtype == X.dtype
    assert_rounded(X_res, expected)
    np.testing.assert_array_equal(y_res, y_expected)
    assert_between_parents(smote, X, X_res)


@given(image_sets(dtypes=["bool"]), seeds)
def test_bool_images_are_blended_and_cut_at_one_half(data, seed):
    X, y = data
    smote = SMOTE(random_state=seed, k_neighbors=2)
    X_res, _ = smote.fit_resample(X, y)
    plan = smote.plan_
    expected = (plan.matrix() @ X.reshape(len(X), -1).astype(float)).reshape(X_res.shape)
    assert X_res.dtype == bool
    np.testing.assert_array_equal(X_res, expected >= 0.5)
    assert_between_parents(smote, X, X_res)


@pytest.mark.parametrize(("dtype", "low", "high"), [("uint8", 100, 203), ("uint16", 9000, 60000)])
def test_imbalanced_learn_leaves_the_range_of_its_parents_and_this_smote_does_not(dtype, low, high):
    rng = np.random.default_rng(0)
    X = rng.integers(low, high, (60, 8, 8), dtype=dtype)
    y = np.repeat([0, 1], [40, 20])
    theirs, _ = ImblearnSMOTE(random_state=0).fit_resample(X.reshape(60, -1), y)
    truth, _ = exact(X, y, random_state=0)
    assert theirs[60:].min() < low  # differences wrapped around
    assert (abs(theirs[60:].reshape(-1, 8, 8) - truth[60:]) > 1).mean() > 0.1
    smote = SMOTE(random_state=0)
    ours, _ = smote.fit_resample(X, y)
    assert ours.min() >= low and ours.max() < high
    assert_rounded(ours, truth)
    assert_between_parents(smote, X, ours)


def test_imbalanced_learn_truncates_signed_integers_and_this_smote_rounds():
    X = make_images(60, (8, 8), "int16") // 4
    y = np.repeat([0, 1], [40, 20])
    theirs, _ = ImblearnSMOTE(random_state=0).fit_resample(X.reshape(60, -1), y)
    truth, _ = exact(X, y, random_state=0)
    assert (abs(theirs[60:].reshape(-1, 8, 8) - truth[60:]) > 0.51).mean() > 0.3
    assert_rounded(SMOTE(random_state=0).fit_resample(X, y)[0], truth)


@given(image_sets(dtypes=FLOATS), seeds, st.booleans())
def test_random_copies_are_imbalanced_learns_bit_for_bit(data, seed, instance):
    X, y = data
    seeds = [np.random.RandomState(seed) if instance else seed for _ in range(2)]
    peer = ImblearnRandomOverSampler(random_state=seeds[0])
    sampler = RandomOverSampler(random_state=seeds[1])
    expected, y_expected = peer.fit_resample(X.reshape(len(X), -1), y)
    X_res, y_res = sampler.fit_resample(X, y)
    np.testing.assert_array_equal(X_res.reshape(len(X_res), -1), expected)
    np.testing.assert_array_equal(y_res, y_expected)
    np.testing.assert_array_equal(sampler.sample_indices_, peer.sample_indices_)
    np.testing.assert_array_equal(sampler.sample_indices_, sampler.plan_.base)
    assert sampler.shrinkage_ is None


@given(image_sets(dtypes=["float64"]), seeds, st.floats(0, 3), st.booleans())
def test_smoothed_copies_are_imbalanced_learns_bit_for_bit(data, seed, shrinkage, per_class):
    X, y = data
    if per_class:
        shrinkage = dict.fromkeys(np.unique(y).tolist(), shrinkage)
    peer = ImblearnRandomOverSampler(random_state=seed, shrinkage=shrinkage)
    sampler = RandomOverSampler(random_state=seed, shrinkage=shrinkage)
    expected, _ = peer.fit_resample(X.reshape(len(X), -1), y)
    X_res, _ = sampler.fit_resample(X, y)
    np.testing.assert_array_equal(X_res.reshape(len(X_res), -1), expected)
    np.testing.assert_array_equal(sampler.sample_indices_, peer.sample_indices_)
    assert sampler.shrinkage_ == peer.shrinkage_


@given(image_sets(dtypes=[*INTEGERS, "bool"]), seeds)
def test_smoothed_integers_are_imbalanced_learns_rounded_and_clipped(data, seed):
    X, y = data
    flat = X.reshape(len(X), -1).astype(np.float64)
    expected, _ = ImblearnRandomOverSampler(random_state=seed, shrinkage=1.0).fit_resample(flat, y)
    expected = expected.reshape(-1, *X.shape[1:])
    X_res, _ = RandomOverSampler(random_state=seed, shrinkage=1.0).fit_resample(X, y)
    assert X_res.dtype == X.dtype
    if X.dtype == bool:
        np.testing.assert_array_equal(X_res, expected >= 0.5)
        return
    info = np.iinfo(X.dtype)
    assert_rounded(X_res, expected.clip(info.min, info.max))


@pytest.mark.parametrize("shrinkage", [{"cat": 0.1}, {"cat": 0.1, "dog": 1, "owl": -1}, -0.5])
@pytest.mark.parametrize("shape", [(30,), (6, 5)])
def test_shrinkage_is_refused_as_imbalanced_learn_does(shrinkage, shape):
    X = make_images(len(Y), shape, "float64")
    with pytest.raises(ValueError) as theirs:  # noqa: PT011 - the message is compared
        ImblearnRandomOverSampler(shrinkage=shrinkage).fit_resample(X.reshape(len(X), -1), Y)
    with pytest.raises(ValueError) as ours:  # noqa: PT011
        RandomOverSampler(shrinkage=shrinkage).fit_resample(X, Y)
    assert str(ours.value).split("missing")[0] == str(theirs.value).split("missing")[0]


def test_a_neighbors_object_is_used():
    class Spy(NearestNeighbors):
        calls = 0

        def kneighbors(self, *args, **kwargs):
            type(self).calls += 1
            return super().kneighbors(*args, **kwargs)

    X = make_images(len(Y), (6, 5), "float64")
    params = {"n_neighbors": 4, "metric": "manhattan"}
    result, _ = SMOTE(random_state=0, k_neighbors=Spy(**params)).fit_resample(X, Y)
    expected, _ = exact(X, Y, random_state=0, k_neighbors=NearestNeighbors(**params))
    np.testing.assert_array_equal(result, expected)
    assert Spy.calls == 2  # two minority classes


@pytest.mark.parametrize("dtype", ["uint8", "bool", "int16"])
def test_a_neighbors_object_measures_true_distances_of_integers(dtype):
    X = make_images(len(Y), (6, 5), dtype)
    spy = NearestNeighbors(n_neighbors=4)
    result, _ = SMOTE(random_state=0, k_neighbors=spy).fit_resample(X, Y)
    expected, _ = exact(X, Y, random_state=0, k_neighbors=NearestNeighbors(n_neighbors=4))
    if dtype == "bool":
        decided = abs(expected - 0.5) > 1e-4
        np.testing.assert_array_equal(result[decided], (expected > 0.5)[decided])
    else:
        assert_rounded(result, expected)


@pytest.mark.parametrize("name", ["csr_matrix", "csc_matrix", "csr_array"])
def test_sparse_rows_are_taken_as_imbalanced_learn_takes_them(name):
    X = make_images(len(Y), (30,), "float64")
    X[X < 0.5] = 0
    kind = getattr(sparse, name)
    expected, _ = ImblearnSMOTE(random_state=0, k_neighbors=2).fit_resample(kind(X), Y)
    result, _ = SMOTE(random_state=0, k_neighbors=2).fit_resample(kind(X), Y)
    assert sparse.issparse(result) and result.format == expected.format
    np.testing.assert_array_equal(result.toarray(), expected.toarray())


# --- class counts

OVER_STRATEGIES = [
    "auto",
    "minority",
    "not minority",
    "not majority",
    "all",
    {"dog": 9},
    {"owl": 30, "cat": 12},
    {"cat": 20, "dog": 8, "owl": 6},
    lambda y: {"owl": 2 * Counter(y)["owl"]},
]


@pytest.mark.parametrize("strategy", OVER_STRATEGIES, ids=str)
@pytest.mark.parametrize("sampler", [SMOTE(k_neighbors=2), RandomOverSampler()], ids=str)
@pytest.mark.parametrize("form", ["images", "paths"])
def test_class_counts_are_those_of_the_strategy(sampler, strategy, form, tmp_path):
    X = make_images(len(Y), (6, 5), "uint8")
    sampler = sampler.set_params(sampling_strategy=strategy, random_state=0)
    if form == "paths":
        X = write_images(tmp_path, X)
        if isinstance(sampler, SMOTE):
            sampler.set_params(output_dir=tmp_path / "children")
    _, y_res = sampler.fit_resample(X, Y)
    peer = ImblearnRandomOverSampler(sampling_strategy=strategy)
    _, y_peer = peer.fit_resample(np.zeros((len(Y), 1)), Y)
    assert Counter(y_res) == Counter(y_peer)
    assert sampler.sampling_strategy_ == peer.sampling_strategy_
    expected = Counter(Y) + Counter(sampler.sampling_strategy_)
    assert Counter(y_res) == expected
    np.testing.assert_array_equal(np.asarray(y_res)[: len(Y)], Y)


@pytest.mark.parametrize("ratio", [0.6, 0.75, 1.0])
@pytest.mark.parametrize("cls", [SMOTE, RandomOverSampler])
def test_a_ratio_is_exact_for_two_classes(cls, ratio):
    y = np.repeat(["a", "b"], [40, 17])
    _, y_res = cls(sampling_strategy=ratio).fit_resample(make_images(57, (3, 3), "uint8"), y)
    assert Counter(y_res) == {"a": 40, "b": int(40 * ratio)}


@pytest.mark.parametrize("form", ["images", "paths"])
def test_balanced_images_need_no_children(form, tmp_path):
    images = make_images(12, (6, 5), "uint8")
    X = images if form == "images" else write_images(tmp_path, images)
    where = {} if form == "images" else {"output_dir": tmp_path / "children"}
    smote = SMOTE(**where)
    X_res, y_res = smote.fit_resample(X, [0, 1] * 6)
    assert len(X_res) == len(y_res) == len(smote.plan_) == 12
    assert not smote.plan_.synthetic.any()


# --- stores agree


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_every_holder_gives_the_same_images(held, n_jobs):
    expected, y_expected = SMOTE(random_state=3, k_neighbors=2).fit_resample(held.images, held.y)
    smote = SMOTE(random_state=3, k_neighbors=2, n_jobs=n_jobs, **held.where())
    X_res, y_res = smote.fit_resample(held.X, held.y)
    np.testing.assert_array_equal(held.pixels(X_res), expected)
    np.testing.assert_array_equal(y_res, y_expected)
    np.testing.assert_array_equal(render(smote.plan_, held.X), expected)


def test_every_holder_gives_the_same_noise(held):
    if held.how == "files":
        with pytest.raises(ValueError, match=r"shrinkage.*paths.*ReadImages"):
            RandomOverSampler(shrinkage=1.0).fit_resample(held.X, held.y)
        return
    sampler = RandomOverSampler(random_state=3, shrinkage=0.7)
    expected, _ = sampler.fit_resample(held.images, held.y)
    np.testing.assert_array_equal(held.pixels(sampler.fit_resample(held.X, held.y)[0]), expected)


# --- determinism


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize(("shape", "dtype"), KINDS)
@pytest.mark.parametrize(("n_jobs", "size"), [(1, 1), (1, 5), (2, 3), (3, 13), (-1, 64)])
def test_bytes_do_not_depend_on_threads_or_sizes(shape, dtype, n_jobs, size, monkeypatch):
    X = make_images(len(Y), shape, dtype)
    samplers = [SMOTE(random_state=1, k_neighbors=3), RandomOverSampler(random_state=1)]
    samplers.append(RandomOverSampler(random_state=1, shrinkage=1.0))
    expected = [sampler.fit_resample(X, Y)[0].tobytes() for sampler in samplers]
    patch_sizes(monkeypatch, size)
    samplers[0].set_params(n_jobs=n_jobs)
    assert [sampler.fit_resample(X, Y)[0].tobytes() for sampler in samplers] == expected


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_bytes_do_not_depend_on_the_backend(backend, monkeypatch, tmp_path):
    images = make_images(len(Y), (6, 5), "uint8")
    paths = write_images(tmp_path, images)
    smote = SMOTE(random_state=1, k_neighbors=3)
    expected = smote.fit_resample(images, Y)[0].tobytes()
    patch_sizes(monkeypatch, 7)
    with joblib.parallel_config(backend=backend, n_jobs=2):
        assert smote.fit_resample(images, Y)[0].tobytes() == expected
        smote.set_params(output_dir=tmp_path / "children")
        assert read_images(smote.fit_resample(paths, Y)[0]).tobytes() == expected


@pytest.mark.parametrize("sampler", [SMOTE(k_neighbors=2), RandomOverSampler()], ids=str)
def test_a_second_call_repeats_the_first(sampler):
    X = make_images(len(Y), (6, 5), "uint8")
    sampler.set_params(random_state=5)
    first = sampler.fit_resample(X, Y)[0]
    np.testing.assert_array_equal(sampler.fit_resample(X, Y)[0], first)
    assert not np.array_equal(sampler.set_params(random_state=6).fit_resample(X, Y)[0], first)


# --- files


def tree(folder):
    return {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "in").mkdir()
    return write_images(tmp_path / "in", make_images(len(Y), (6, 5, 3), "uint8"))


def test_the_sources_are_never_touched(photos, tmp_path):
    before = tree(tmp_path / "in")
    SMOTE(output_dir=tmp_path / "out", k_neighbors=2).fit_resample(photos, Y)
    assert tree(tmp_path / "in") == before


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("n_jobs", [1, 3])
def test_the_same_call_writes_the_same_files(photos, tmp_path, n_jobs):
    smote = SMOTE(output_dir=tmp_path / "a", random_state=0, k_neighbors=2)
    first, _ = smote.fit_resample(photos, Y)
    before = {path.name: data for path, (data, _) in tree(tmp_path / "a").items()}
    smote.set_params(n_jobs=n_jobs)
    assert smote.fit_resample(photos, Y)[0] == first
    assert {path.name: data for path, (data, _) in tree(tmp_path / "a").items()} == before
    smote.set_params(output_dir=str(tmp_path / "b"))
    other, _ = smote.fit_resample(photos, Y)
    assert [Path(path).name for path in other] == [Path(path).name for path in first]
    assert {path.name: data for path, (data, _) in tree(tmp_path / "b").items()} == before
    assert len(before) == 12  # every child a file of its own, and nothing else


def test_another_seed_leaves_the_children_of_the_first_alone(photos, tmp_path):
    out = tmp_path / "out"
    for seed in range(3):
        before = tree(out) if out.exists() else {}
        SMOTE(output_dir=out, random_state=seed, k_neighbors=2).fit_resample(photos, Y)
        assert before.items() <= tree(out).items()
    assert len(tree(out)) == 36


def test_only_files_of_the_classes_that_grow_are_opened(photos, tmp_path):
    for row in np.flatnonzero(Y == "cat"):
        Path(photos[row]).unlink()
    X_res, _ = SMOTE(output_dir=tmp_path / "out", k_neighbors=2).fit_resample(photos, Y)
    assert X_res[: len(Y)] == photos


@pytest.mark.parametrize("kind", FILE_KINDS, ids=str)
def test_children_are_lossless_in_the_dtype_of_their_parents(kind, tmp_path):
    images = make_images(len(Y), *kind)
    smote = SMOTE(output_dir=tmp_path / "out", random_state=0, k_neighbors=2)
    X_res, _ = smote.fit_resample(write_images(tmp_path, images), Y)
    expected = SMOTE(random_state=0, k_neighbors=2).fit_resample(images, Y)[0]
    for path, image in zip(X_res[len(Y) :], expected[len(Y) :], strict=True):
        child = read_image(path)
        assert child.dtype == images.dtype
        np.testing.assert_array_equal(child, image)


@pytest.fixture
def mixed_sizes(tmp_path):
    rng = np.random.default_rng(0)
    images = [
        rng.integers(0, 256, (*rng.integers(5, 60, 2), 3), dtype=np.uint8) for _ in range(len(Y))
    ]
    (tmp_path / "in").mkdir()
    return write_images(tmp_path / "in", images)


def test_a_child_has_the_size_of_its_base(mixed_sizes, tmp_path):
    smote = SMOTE(output_dir=tmp_path / "out", random_state=0, k_neighbors=2)
    X_res, _ = smote.fit_resample(mixed_sizes, Y)
    plan = smote.plan_
    assert "32x32 thumbnails" in plan.nearness and "32x32 thumbnails" in repr(plan)
    for row in np.flatnonzero(plan.synthetic):
        base = read_image(X_res[plan.base[row]]).astype(float)
        size = base.shape[:2]
        partner = read_image(X_res[plan.partners[row, 0]], size=size).astype(float)
        expected = base + plan.weights[row, 0] * (partner - base)
        assert_rounded(read_image(X_res[row]), expected)


def test_neighbors_of_files_of_two_sizes_are_those_of_their_thumbnails(mixed_sizes, tmp_path):
    thumbnails = np.stack([read_image(path, size=(32, 32)) for path in mixed_sizes])
    on_arrays = SMOTE(random_state=0, k_neighbors=2)
    on_arrays.fit_resample(thumbnails, Y)
    on_files = SMOTE(random_state=0, k_neighbors=2, output_dir=tmp_path / "out")
    on_files.fit_resample(mixed_sizes, Y)
    np.testing.assert_array_equal(on_files.plan_.partners, on_arrays.plan_.partners)
    np.testing.assert_array_equal(on_files.plan_.weights, on_arrays.plan_.weights)


def test_one_odd_size_changes_nearness_in_its_own_class_only(photos, tmp_path):
    odd = photos[int(np.flatnonzero(Y == "owl")[0])]
    files.write_image(odd, make_images(1, (9, 9, 3), "uint8")[0])
    smote = SMOTE(random_state=0, k_neighbors=2, output_dir=tmp_path / "out")
    smote.fit_resample(photos, Y)
    assert "thumbnails" in smote.plan_.nearness and "owl" in smote.plan_.nearness
    assert "dog" not in smote.plan_.nearness
    pixels = SMOTE(random_state=0, k_neighbors=2)
    pixels.fit_resample(read_images([p if p != odd else photos[0] for p in photos]), Y)
    dogs = smote.plan_.y == "dog"
    np.testing.assert_array_equal(smote.plan_.partners[dogs], pixels.plan_.partners[dogs])


def test_paths_without_a_folder_for_children_are_refused_with_both_ways_out(photos):
    with pytest.raises(ValueError, match="output_dir=") as error:
        SMOTE(k_neighbors=2).fit_resample(photos, Y)
    assert "ReadImages" in str(error.value)


def test_a_missing_file_is_named(photos, tmp_path):
    gone = photos[int(np.flatnonzero(Y == "dog")[0])]
    Path(gone).unlink()
    with pytest.raises(FileNotFoundError) as error:
        SMOTE(k_neighbors=2, output_dir=tmp_path / "out").fit_resample(photos, Y)
    assert gone in str(error.value)


@pytest.mark.parametrize("damage", ["truncated", "text", "empty"])
def test_an_unreadable_file_is_named_and_nothing_half_written_stays(photos, tmp_path, damage):
    bad = Path(photos[int(np.flatnonzero(Y == "owl")[1])])
    data = bad.read_bytes()
    bad.write_bytes({"truncated": data[: len(data) // 2], "text": b"text", "empty": b""}[damage])
    before = tree(tmp_path / "in")
    with pytest.raises(ValueError, match=bad.name):
        SMOTE(k_neighbors=2, output_dir=tmp_path / "out").fit_resample(photos, Y)
    assert tree(tmp_path / "in") == before
    for path in (tmp_path / "out").glob("*"):
        read_image(path)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "I;16"])
def test_files_of_another_mode_are_named(photos, tmp_path, mode):
    odd = Path(photos[int(np.flatnonzero(Y == "dog")[2])])
    Image.new(mode, (5, 6)).save(odd)
    with pytest.raises(ValueError, match=odd.name) as error:
        SMOTE(k_neighbors=2, output_dir=tmp_path / "out").fit_resample(photos, Y)
    assert 'mode="RGB" (of ReadImages' in str(error.value) and mode in str(error.value)
    assert not list((tmp_path / "out").glob("*"))


def test_a_disk_that_is_full_leaves_whole_files_only(photos, tmp_path, monkeypatch):
    written = []
    save = Image.Image.save

    def full(self, file, *args, **kwargs):
        written.append(1)
        if len(written) > 4:
            getattr(file, "write", lambda data: None)(b"half")
            raise OSError(28, "No space left on device")
        save(self, file, *args, **kwargs)

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match="No space left"):
        SMOTE(k_neighbors=2, output_dir=tmp_path / "out").fit_resample(photos, Y)
    children = list((tmp_path / "out").iterdir())
    assert len(children) == 4
    for path in children:
        read_image(path)


def ascii_id(stem):
    return f"{len(stem)} characters, {len(stem.encode())} bytes"


@pytest.mark.parametrize(
    "stem", ["写" * 60, "é" * 100, "a" * 200, "x.y z+=%", "🙂" * 50], ids=ascii_id
)
def test_any_file_name_gives_names_of_children(stem, tmp_path):
    (tmp_path / "in").mkdir()
    names = [f"{stem}{row}" for row in range(len(Y))]
    paths = write_images(tmp_path / "in", make_images(len(Y), (4, 4), "uint8"), names)
    smote = SMOTE(k_neighbors=2, output_dir=tmp_path / "out")
    X_res, _ = smote.fit_resample(paths, Y)
    assert len(set(X_res)) == len(X_res)
    assert all(Path(path).exists() for path in X_res)


def test_the_same_file_twice_is_two_images(photos, tmp_path):
    paths = [photos[0]] * len(Y)
    smote = SMOTE(k_neighbors=2, output_dir=tmp_path / "out")
    X_res, _ = smote.fit_resample(paths, Y)
    assert len(set(X_res[len(Y) :])) == 12
    np.testing.assert_array_equal(
        read_images(X_res), np.broadcast_to(read_image(photos[0]), (36, 6, 5, 3))
    )


def test_two_equal_rows_of_a_plan_are_two_files(photos, tmp_path):
    rows = np.array([0, 0])
    plan = ResamplingPlan(rows, rows[:, None] + 1, np.full((2, 1), 0.5), Y[rows], len(photos))
    first, second = write_synthetic(plan, FileImages(photos), tmp_path / "out")
    assert first != second
    np.testing.assert_array_equal(read_image(first), read_image(second))


def test_children_tell_their_parents(photos, tmp_path):
    smote = SMOTE(k_neighbors=2, output_dir=tmp_path / "out")
    X_res, _ = smote.fit_resample(photos, Y)
    plan = smote.plan_
    for row in np.flatnonzero(plan.synthetic):
        for parent in (plan.base[row], plan.partners[row, 0]):
            assert Path(photos[parent]).stem in Path(X_res[row]).name


def test_children_of_other_images_of_the_same_names_are_other_files(tmp_path):
    out = tmp_path / "out"
    written = []
    for name in "ab":
        (tmp_path / name).mkdir()
        images = make_images(len(Y), (4, 4), "uint8", seed=ord(name))
        paths = write_images(tmp_path / name, images)
        smote = SMOTE(k_neighbors=2, random_state=0, output_dir=out)
        written += smote.fit_resample(paths, Y)[0][len(Y) :]
    assert len(set(written)) == len(written) == len(list(out.iterdir()))


def test_children_do_not_go_among_their_parents(tmp_path):
    paths = write_images(tmp_path, make_images(len(Y), (4, 4), "uint8"))
    (tmp_path / "link").symlink_to(tmp_path)
    for folder in (tmp_path, tmp_path / "link", tmp_path / "out" / ".."):
        with pytest.raises(ValueError, match="taken for real ones"):
            SMOTE(k_neighbors=2, output_dir=folder).fit_resample(paths, Y)
    with pytest.raises(NotADirectoryError, match="got the file"):
        SMOTE(k_neighbors=2, output_dir=paths[0]).fit_resample(paths, Y)
