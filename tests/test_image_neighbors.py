"""ImageNeighbors against brute force in integers, and in place of scikit-learn's neighbours."""

import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from conftest import GREY, HOLDERS, KINDS, Chunked, make_images, write_images
from hypothesis import given
from hypothesis import strategies as st
from imblearn.under_sampling import EditedNearestNeighbours as ImblearnEditedNearestNeighbours
from sklearn.neighbors import NearestNeighbors
from sklearn.utils.estimator_checks import parametrize_with_checks

from imblearn_images import SMOTE, BorderlineSMOTE, EditedNearestNeighbours
from imblearn_images.images import FileImages, open_images
from imblearn_images.neighbors import ImageNeighbors


def brute_force(fitted, asking, k, others=False):
    """Distances and positions, equal distances by position."""
    vectors = [X.reshape(len(X), -1).astype(np.float64) for X in (fitted, asking)]
    squared = ((vectors[1][:, None] - vectors[0][None]) ** 2).sum(axis=2)
    if others:
        np.fill_diagonal(squared, np.inf)
    order = np.argsort(squared, axis=1, kind="stable")[:, :k]
    return np.sqrt(np.take_along_axis(squared, order, axis=1)), order


@parametrize_with_checks([ImageNeighbors(3)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("how", HOLDERS)
def test_every_home_of_pixels_asks_every_other(how, tmp_path):
    shape, dtype = KINDS[1] if how != "files" else (GREY, "uint8")
    fitted, asking = make_images(20, shape, dtype, 1), make_images(7, shape, dtype, 2)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    expected = brute_force(fitted, asking, 4)
    held = HOLDERS[how](fitted, tmp_path / "a"), HOLDERS[how](asking, tmp_path / "b")
    for X, queries in [(held[0], asking), (fitted, held[1]), held]:
        distances, indices = ImageNeighbors(4).fit(X).kneighbors(queries)
        np.testing.assert_array_equal(distances, expected[0])
        np.testing.assert_array_equal(indices, expected[1])
    alone = ImageNeighbors(4).fit(held[0]).kneighbors()[1]
    np.testing.assert_array_equal(alone, brute_force(fitted, fitted, 4, others=True)[1])


@pytest.mark.parametrize(("shape", "dtype"), KINDS)
@pytest.mark.parametrize("other", ["uint8", "float32"])
def test_images_of_one_dtype_ask_those_of_another(shape, dtype, other):
    fitted, asking = make_images(20, shape, dtype, 1), make_images(7, shape, other, 2)
    found = ImageNeighbors(3).fit(fitted).kneighbors(asking)
    expected = brute_force(fitted, asking, 3)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-12)
    np.testing.assert_array_equal(found[1], expected[1])


INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32"]


@pytest.mark.parametrize("asking", INTEGERS)
@pytest.mark.parametrize("fitted", INTEGERS)
def test_numbers_of_every_pair_of_dtypes_are_compared_by_value(fitted, asking):
    X = np.random.default_rng(0).integers(0, 100, (60, 7))
    queries = X[::7] + np.arange(7)
    expected = NearestNeighbors(n_neighbors=3, algorithm="brute").fit(X.astype(float))
    found = ImageNeighbors(3).fit(X.astype(fitted)).kneighbors(queries.astype(asking))
    np.testing.assert_allclose(found[0], expected.kneighbors(queries.astype(float))[0], atol=1e-6)
    np.testing.assert_array_equal(found[1], brute_force(X, queries, 3)[1])


@pytest.mark.parametrize("fitted", ["int64", "uint64"])
@pytest.mark.parametrize("asking", ["int64", "uint64"])
def test_large_integers_that_are_near_each_other_are_told_apart(fitted, asking):
    X = np.random.default_rng(0).integers(0, 100, (60, 7))
    large = 2**62 + X
    found = ImageNeighbors(3).fit(large.astype(fitted)).kneighbors(large[:9].astype(asking))
    expected = brute_force(X, X[:9], 3)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])


@given(st.integers(2, 30), st.integers(1, 3), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_equal_distances_are_in_order_of_position(n, levels, k, seed):
    X = np.random.default_rng(seed).integers(0, levels, (n, 2, 2), dtype=np.uint8)
    k = min(k, n - 1)
    neighbors = ImageNeighbors(k).fit(X)
    np.testing.assert_array_equal(neighbors.kneighbors(X)[1], brute_force(X, X, k)[1])
    np.testing.assert_array_equal(neighbors.kneighbors()[1], brute_force(X, X, k, others=True)[1])


def test_the_graph_is_scikit_learns():
    X = make_images(30, (5, 4), "uint8")
    rows = X.reshape(30, -1).astype(float)
    ours, theirs = ImageNeighbors(3).fit(X), NearestNeighbors(n_neighbors=3).fit(rows)
    for mode in ("connectivity", "distance"):
        for asked in (None, 7):
            expected = theirs.kneighbors_graph(rows[:asked] if asked else None, mode=mode)
            graph = ours.kneighbors_graph(X[:asked] if asked else None, mode=mode)
            np.testing.assert_allclose(graph.toarray(), expected.toarray())
    with pytest.raises(ValueError, match=r"`mode`.*'far'"):
        ours.kneighbors_graph(mode="far")


def test_files_of_mixed_sizes_are_compared_as_thumbnails(tmp_path):
    images = [image[: 8 + row % 2] for row, image in enumerate(make_images(9, (9, 7, 3), "uint8"))]
    neighbors = ImageNeighbors(2).fit(write_images(tmp_path, images))
    assert neighbors.image_shape_ == (32, 32, 3)
    distances, indices = neighbors.kneighbors(write_images(tmp_path, images[:3], "abc"))
    assert indices[:, 0].tolist() == [0, 1, 2] and not distances[:, 0].any()


def test_files_are_read_once_and_again_after_pickling(tmp_path, monkeypatch):
    paths = write_images(tmp_path, make_images(9, (5, 4), "uint8"))
    opened = []
    read = FileImages._read_image
    monkeypatch.setattr(FileImages, "_read_image", lambda *a: (opened.append(a[1]), read(*a))[1])
    neighbors = ImageNeighbors(2).fit(paths)
    assert not opened
    expected = neighbors.kneighbors()[1]
    neighbors.kneighbors()
    assert sorted(opened) == list(range(9))
    pickled = pickle.dumps(neighbors)
    np.testing.assert_array_equal(pickle.loads(pickled).kneighbors()[1], expected)


def test_in_a_sampler_of_imbalanced_learn():
    X, y = make_images(90, (5, 4), "uint8"), np.repeat([0, 1, 2], [50, 25, 15])
    rows = X.reshape(90, -1)
    cleaner = ImblearnEditedNearestNeighbours(n_neighbors=3, kind_sel="mode")
    expected = cleaner.fit_resample(rows.astype(float), y)[0]
    found = cleaner.set_params(n_neighbors=ImageNeighbors(4)).fit_resample(rows, y)[0]
    np.testing.assert_array_equal(found, expected)
    ours = EditedNearestNeighbours(n_neighbors=ImageNeighbors(4), kind_sel="mode")
    np.testing.assert_array_equal(ours.fit_resample(X, y)[0].reshape(-1, 20), expected)
    assert isinstance(ours.nn_, ImageNeighbors) and not hasattr(ours.nn_, "n_samples_fit_")


def test_in_an_over_sampler():
    X, y = make_images(90, (5, 4), "uint8"), np.repeat([0, 1, 2], [50, 25, 15])
    expected = BorderlineSMOTE(random_state=0).fit_resample(X, y)[0]
    border = BorderlineSMOTE(
        random_state=0, k_neighbors=ImageNeighbors(6), m_neighbors=ImageNeighbors(11)
    )
    np.testing.assert_array_equal(border.fit_resample(X, y)[0], expected)


@pytest.mark.parametrize("k", [0, -1, 2.5, True, "many"])
def test_other_numbers_of_neighbors_are_refused(k):
    with pytest.raises((TypeError, ValueError), match=r"`n_neighbors` must be a positive integer"):
        ImageNeighbors(k).fit(make_images(5, (3, 3), "uint8"))


def test_what_cannot_be_asked_is_refused_by_name():
    X = make_images(5, (3, 3), "float32")
    neighbors = ImageNeighbors(5).fit(X)
    with pytest.raises(ValueError, match=r"n_neighbors < n_samples_fit, but n_neighbors = 5"):
        neighbors.kneighbors()
    with pytest.raises(ValueError, match=r"shape \(3, 3\).*row 0 has \(4, 3\)"):
        neighbors.kneighbors(make_images(2, (4, 3), "float32"))
    X[3, 1, 1] = np.nan
    for call in (ImageNeighbors().fit, neighbors.kneighbors):
        with pytest.raises(ValueError, match=r"NaN.*rows 3"):
            call(X)
    subset = open_images(X).subset(np.array([4, 0]))
    assert neighbors.kneighbors(subset, 1)[1].ravel().tolist() == [4, 0]


def flat(X):
    return X.reshape(len(X), -1).astype(np.float32)


def scikit_learns(n_neighbors):
    return NearestNeighbors(n_neighbors=n_neighbors)


def faisss(n_neighbors):
    pytest.importorskip("faiss", reason="third-party neighbours need faiss-cpu")
    page = Path(__file__).parents[1] / "notebooks" / "beyond_exact_search.md"
    scope = {}
    for code in re.findall(r"```python3\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        exec(code, scope)
    assert len(scope["X_res"]) == 768
    return scope["FaissNeighbors"](n_neighbors, n_probe=1000)  # it looks into every list


@pytest.mark.parametrize("third_party", [scikit_learns, faisss])
def test_third_party_objects_look_for_neighbours_in_an_embedding(third_party):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [150, 95, 85])
    X = (rng.integers(0, 150, (len(y), 5, 4)) + 40 * y[:, None, None]).astype(np.uint8)
    for kind, params in (
        (SMOTE, {"k_neighbors": 5}),
        (BorderlineSMOTE, {"k_neighbors": 5, "m_neighbors": 10}),
        (EditedNearestNeighbours, {"n_neighbors": 3}),
    ):
        seed = {"random_state": 0} if "random_state" in kind().get_params() else {}
        expected = kind(**params, **seed, embedding=flat).fit_resample(X, y)[0]
        handed = {name: third_party(k + 1) for name, k in params.items()}
        sampler = kind(**handed, **seed, embedding=flat)
        np.testing.assert_array_equal(sampler.fit_resample(X, y)[0], expected)
        assert sampler.plan_.nearness == "flat (20 features)"


def test_a_store_is_read_chunk_by_chunk():
    images = make_images(40, (6, 5), "uint8")
    store = Chunked(images)
    found = ImageNeighbors(3).fit(store).kneighbors()
    np.testing.assert_array_equal(found, ImageNeighbors(3).fit(images).kneighbors())
    assert store.n_at_once == 5
