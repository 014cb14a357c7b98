"""Samplers that look images up by row number decide as imbalanced-learn does on floats."""

import importlib
import pickle
from collections import Counter
from contextlib import contextmanager

import numpy as np
import pytest
from conftest import write_images
from imblearn import over_sampling, under_sampling
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.tree import DecisionTreeClassifier

import imblearn_images
from imblearn_images.core import embedding, neighbors
from imblearn_images.images import ArrayImages, FileImages

pytestmark = pytest.mark.filterwarnings("ignore:.* added fewer images than|.*left no image")

SAMPLERS = {
    "TomekLinks": [{}, {"sampling_strategy": "all"}],
    "EditedNearestNeighbours": [{}, {"kind_sel": "mode", "n_neighbors": 5}],
    "RepeatedEditedNearestNeighbours": [{}, {"kind_sel": "mode", "n_neighbors": 2}],
    "AllKNN": [{}, {"kind_sel": "mode", "n_neighbors": 5}, {"allow_minority": True}],
    "CondensedNearestNeighbour": [
        {"random_state": 0},
        {"random_state": 1, "n_neighbors": 3, "n_seeds_S": 4},
    ],
    "OneSidedSelection": [
        {"random_state": 0},
        {"random_state": 1, "n_neighbors": 3, "n_seeds_S": 12},
        {"random_state": 2, "sampling_strategy": "all"},
    ],
    "NeighbourhoodCleaningRule": [{}, {"n_neighbors": 5, "threshold_cleaning": 0.1}],
    "NearMiss": [{"version": v, "n_neighbors": k} for v, k in ((1, 3), (2, 2), (3, 3))],
    "BorderlineSMOTE": [{"random_state": 0}, {"random_state": 0, "kind": "borderline-2"}],
    "ADASYN": [{"random_state": 0}, {"random_state": 0, "n_neighbors": 3}],
}
CASES = [(name, params) for name, some in SAMPLERS.items() for params in some]
LEVELS = {"many ties": 3, "few ties": 200}


def images_of(levels, n=150):
    """Images of bytes, no two alike, whose classes overlap."""
    rng = np.random.default_rng(levels)
    y = rng.permutation(np.repeat([0, 1, 2, 3], [n - 75, 40, 25, 10]))
    seen, rows = set(), []
    while len(rows) < n:
        pixels = np.clip(rng.integers(0, levels, 10) + y[len(rows)] * levels // 6, 0, 255)
        if tuple(pixels) not in seen:
            seen.add(tuple(pixels))
            rows.append(pixels)
    return np.array(rows, dtype=np.uint8).reshape(n, 5, 2), y


class ByPosition(NearestNeighbors):
    """Brute force, in which equal distances are in order of position."""

    def fit(self, X, y=None):
        self.vectors = np.asarray(X)
        return self

    def kneighbors(self, X=None, n_neighbors=None, return_distance=True):
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        squared = ((np.asarray(X)[:, None] - self.vectors) ** 2).sum(axis=2)
        order = np.argsort(squared, axis=1, kind="stable")[:, :k]
        distances = np.sqrt(np.take_along_axis(squared, order, axis=1))
        return (distances, order) if return_distance else order


class VotesByPosition(KNeighborsClassifier):
    kneighbors = ByPosition.kneighbors

    def fit(self, X, y):
        self.vectors, self.labels = np.asarray(X), np.asarray(y)
        return self

    def predict(self, X):
        labels = self.labels[self.kneighbors(X, return_distance=False)]
        return np.array(
            [min(Counter(sorted(row)).items(), key=lambda item: -item[1])[0] for row in labels]
        )


@contextmanager
def by_position():
    """Let imbalanced-learn order equal distances as this library documents it."""
    monkeypatch = pytest.MonkeyPatch()
    for name in ("tomek_links", "condensed_nearest_neighbour", "one_sided_selection"):
        module = importlib.import_module(f"imblearn.under_sampling._prototype_selection._{name}")
        monkeypatch.setattr(module, "NearestNeighbors", ByPosition, raising=False)
        monkeypatch.setattr(module, "KNeighborsClassifier", VotesByPosition, raising=False)
    rule = "imblearn.under_sampling._prototype_selection._neighbourhood_cleaning_rule"
    monkeypatch.setattr(f"{rule}.KNeighborsClassifier", VotesByPosition)
    monkeypatch.setattr("imblearn.utils._validation.NearestNeighbors", ByPosition)
    yield
    monkeypatch.undo()


@pytest.mark.parametrize("levels", LEVELS.values(), ids=LEVELS)
@pytest.mark.parametrize(("name", "params"), CASES, ids=lambda case: str(case))
def test_decisions_are_imbalanced_learns_however_many_distances_are_equal(name, params, levels):
    X, y = images_of(levels)
    peer = getattr(under_sampling, name, None) or getattr(over_sampling, name)
    rows = X.reshape(len(X), -1).astype(float)
    with by_position():
        expected, y_expected = peer(**params).fit_resample(rows, y)
    sampler = getattr(imblearn_images, name)(**params)
    X_res, y_res = sampler.fit_resample(X, y)
    assert len(set(y_res)) > 1
    np.testing.assert_array_equal(y_res, y_expected)
    expected = expected.reshape(X_res.shape)
    exact = abs(expected % 1 - 0.5) > 1e-4
    np.testing.assert_array_equal(X_res[exact], np.rint(expected).clip(0, 255)[exact])


@pytest.fixture
def no_float_copies(monkeypatch):
    """Fail where the pixels are handed to imbalanced-learn as floats."""

    def refuse(*args, **kwargs):
        raise AssertionError("a float copy of the pixels was made")

    monkeypatch.setattr(embedding, "_pixels", refuse)


COMBINED = [("SMOTEENN", {"random_state": 0}), ("SMOTETomek", {"random_state": 0})]


@pytest.mark.usefixtures("no_float_copies")
@pytest.mark.parametrize(("name", "params"), CASES + COMBINED, ids=lambda case: str(case))
def test_no_float_copy_is_made_and_none_stays_behind(name, params, tmp_path):
    X, y = images_of(200)
    sampler = getattr(imblearn_images, name)(**params)
    expected, y_expected = sampler.fit_resample(X, y)
    fitted = pickle.dumps(sampler)
    assert X.tobytes()[:600] not in fitted
    rows = sampler.get_params()
    assert rows == getattr(imblearn_images, name)(**params).get_params()
    cut = np.zeros((len(X), 7, 6), np.uint8)  # images that are parts of larger ones
    cut[:, 1:6, 2:4] = X
    for other in (cut[:, 1:6, 2:4], X.reshape(len(X), -1), ArrayImages(X)):
        again, y_again = sampler.fit_resample(other, y)
        assert np.asarray(again).tobytes() == expected.tobytes()
        np.testing.assert_array_equal(y_again, y_expected)


@pytest.mark.parametrize("sizes", ["one size", "mixed sizes"])
@pytest.mark.parametrize("name", [*SAMPLERS, "SVMSMOTE", "InstanceHardnessThreshold", "SMOTETomek"])
def test_files_are_decoded_once_to_decide(name, sizes, tmp_path, monkeypatch):
    X, y = images_of(200, 100)
    images = (
        list(X) if sizes == "one size" else [image[: 4 + row % 2] for row, image in enumerate(X)]
    )
    paths = write_images(tmp_path, images)
    decoded = []
    read = FileImages._read_image

    def counted(self, row, *args, **kwargs):
        decoded.append(self.paths[row])
        return read(self, row, *args, **kwargs)

    monkeypatch.setattr(FileImages, "_read_image", counted)
    kind = getattr(imblearn_images, name)
    more = {"output_dir": tmp_path / "out"} if "output_dir" in kind().get_params() else {}
    more |= {"estimator": DecisionTreeClassifier(max_depth=2)} if "Hardness" in name else {}
    sampler = kind(**more)
    monkeypatch.setattr(type(sampler), "_draw", lambda self, images, values=None: images)
    sampler.fit_resample(paths, y)
    assert sorted(decoded) == sorted(paths)


@pytest.mark.parametrize("name", ["RepeatedEditedNearestNeighbours", "AllKNN", "SMOTETomek"])
def test_the_same_images_are_not_searched_again(name, monkeypatch):
    X, y = images_of(200)
    searched = []
    compare = neighbors._Search.compare
    monkeypatch.setattr(
        neighbors._Search,
        "compare",
        lambda self, a, b: (searched.append((a, b)), compare(self, a, b)),
    )
    sampler = getattr(imblearn_images, name)(**({"random_state": 0} if "SM" in name else {}))
    sampler.fit_resample(X, y)
    # one for all images that may go, or SMOTE's for each class and one among what it makes
    assert len(searched) == (4 if name == "SMOTETomek" else 2)
