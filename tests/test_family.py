"""Every sampler of the family against imbalanced-learn's class of the same name."""

import warnings
from importlib import import_module

import numpy as np
import pytest
from conftest import HOLDERS, make_labels, read_images, write_images
from scipy import sparse
from sklearn.base import clone
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from imblearn_images import render
from imblearn_images.core import embedding as embedding_module
from imblearn_images.preprocessing import FlattenImages, ReadImages

# a sampler that stops short says so; here its results are compared with its peer's
pytestmark = pytest.mark.filterwarnings("ignore:.* added fewer images than")

COUNTS = {"cat": 60, "dog": 30, "owl": 14}
Y = make_labels(COUNTS)
SEEDED = {"random_state": 3}

SELECTING = [
    ("under_sampling", "TomekLinks", {}),
    ("under_sampling", "EditedNearestNeighbours", {}),
    ("under_sampling", "EditedNearestNeighbours", {"kind_sel": "mode", "n_neighbors": 5}),
    ("under_sampling", "RepeatedEditedNearestNeighbours", {"max_iter": 4}),
    ("under_sampling", "RepeatedEditedNearestNeighbours", {"n_neighbors": 1, "kind_sel": "mode"}),
    ("under_sampling", "AllKNN", {"allow_minority": True}),
    ("under_sampling", "CondensedNearestNeighbour", SEEDED),
    ("under_sampling", "OneSidedSelection", SEEDED | {"n_seeds_S": 9}),
    ("under_sampling", "NeighbourhoodCleaningRule", {}),
    ("under_sampling", "NearMiss", {"version": 1}),
    ("under_sampling", "NearMiss", {"version": 2, "n_neighbors": NearestNeighbors(n_neighbors=2)}),
    ("under_sampling", "NearMiss", {"version": 3, "n_neighbors_ver3": 20}),
    (
        "under_sampling",
        "InstanceHardnessThreshold",
        SEEDED | {"estimator": DecisionTreeClassifier(max_depth=3), "cv": 3},
    ),
    ("under_sampling", "ClusterCentroids", SEEDED | {"voting": "hard"}),
]
MIXING = [
    ("over_sampling", "SMOTE", SEEDED),
    ("over_sampling", "BorderlineSMOTE", SEEDED),
    ("over_sampling", "BorderlineSMOTE", SEEDED | {"kind": "borderline-2", "m_neighbors": 6}),
    ("over_sampling", "ADASYN", SEEDED),
    ("over_sampling", "ADASYN", SEEDED | {"n_neighbors": NearestNeighbors(n_neighbors=4)}),
    ("over_sampling", "SVMSMOTE", SEEDED),
    (
        "over_sampling",
        "KMeansSMOTE",
        SEEDED | {"kmeans_estimator": 3, "cluster_balance_threshold": 0.05},
    ),
    ("combine", "SMOTEENN", SEEDED),
    ("combine", "SMOTETomek", SEEDED),
    ("under_sampling", "ClusterCentroids", SEEDED | {"voting": "soft"}),
    (
        "under_sampling",
        "ClusterCentroids",
        {"estimator": MiniBatchKMeans(n_init=1, random_state=1), "voting": "soft"},
    ),
]
FAMILY = SELECTING + MIXING


def named(case):
    if not isinstance(case, tuple):
        return None
    _, name, params = case
    return "-".join(
        [name, *(f"{key}={value}" for key, value in params.items() if key != "random_state")]
    )


def ours(case, **more):
    module, name, params = case
    return getattr(import_module(f"imblearn_images.{module}"), name)(**params, **more)


def theirs(case):
    module, name, params = case
    return getattr(import_module(f"imblearn.{module}"), name)(**params)


def blobs(shape, dtype, seed=0):
    """Images of three overlapping classes, whose distances have no ties."""
    rng = np.random.default_rng(seed)
    centres = {label: rng.normal(size=shape) for label in COUNTS}
    X = np.stack([rng.normal(size=shape) + 0.55 * centres[label] for label in Y])
    X = (X - X.min()) / (X.max() - X.min())
    return (X * 255).round().astype(dtype) if np.dtype(dtype).kind == "u" else X.astype(dtype)


def is_mean(case):
    """Tell whether a row is what its plan says: centres of k-means in small batches are not."""
    return not isinstance(case[2].get("estimator"), MiniBatchKMeans)


def numbered(y):
    return np.unique(y, return_inverse=True)[1]


# --- the oracle


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", FAMILY, ids=named)
def test_rows_of_floats_are_imbalanced_learns_bit_for_bit(case, dtype):
    X, y = blobs((12,), dtype), numbered(Y)
    expected, y_expected = theirs(case).fit_resample(X, y)
    sampler = ours(case)
    X_res, y_res = sampler.fit_resample(X, y)
    assert X_res.dtype == expected.dtype
    np.testing.assert_array_equal(X_res, expected)
    np.testing.assert_array_equal(y_res, y_expected)
    assert len(sampler.plan_) == len(y_res)
    np.testing.assert_array_equal(sampler.plan_.y, y_res)
    if is_mean(case):
        np.testing.assert_allclose(sampler.plan_.matrix() @ X, X_res, atol=1e-6)


@pytest.mark.parametrize("case", FAMILY, ids=named)
def test_images_of_bytes_are_the_exact_result_rounded(case):
    X = blobs((4, 3, 3), "uint8")
    expected, y_expected = theirs(case).fit_resample(
        X.reshape(len(X), -1).astype(float), numbered(Y)
    )
    sampler = ours(case)
    X_res, y_res = sampler.fit_resample(X, Y)
    assert X_res.dtype == np.uint8
    expected = expected.reshape(X_res.shape).clip(0, 255)
    near_half = abs(abs(expected - np.floor(expected)) - 0.5) < 1e-4
    np.testing.assert_array_equal(X_res[~near_half], np.rint(expected)[~near_half])
    assert (abs(X_res - expected) <= 0.5001).all()
    np.testing.assert_array_equal(y_res, np.unique(Y)[y_expected])
    np.testing.assert_array_equal(sampler.plan_.y, y_res)
    if is_mean(case):  # sums of parents in another order: one grey level at a half
        difference = render(sampler.plan_, X)[~near_half].astype(int) - X_res[~near_half]
        assert not difference.any()


def test_every_class_does_something_on_these_images():
    for case in FAMILY:
        X_res, _ = ours(case).fit_resample(blobs((12,), "float64"), Y)
        assert len(X_res) != len(Y), named(case)


@pytest.mark.parametrize("case", FAMILY, ids=named)
def test_sparse_rows_are_imbalanced_learns(case):
    X = blobs((12,), "float64")
    X[X < 0.4] = 0
    # imbalanced-learn's borderline-2 fails on sparse matrices (0.14.2), ours does not
    kind = np.asarray if case[2].get("kind") == "borderline-2" else sparse.csr_matrix
    expected, y_expected = theirs(case).fit_resample(kind(X), numbered(Y))
    expected = expected.toarray() if sparse.issparse(expected) else expected
    X_res, y_res = ours(case).fit_resample(sparse.csr_matrix(X), numbered(Y))
    assert sparse.issparse(X_res)
    np.testing.assert_allclose(X_res.toarray(), expected, atol=1e-9)
    np.testing.assert_array_equal(y_res, y_expected)


@pytest.mark.parametrize(
    ("name", "apart", "short"),
    [
        ("BorderlineSMOTE", 50, ["dog", "owl"]),
        ("SVMSMOTE", 50, ["dog", "owl"]),
        ("BorderlineSMOTE", 0.3, []),
        ("ADASYN", 0.3, []),
    ],
)
def test_a_sampler_that_adds_fewer_than_asked_says_so_once(name, apart, short):
    X = np.random.default_rng(0).normal(size=(len(Y), 4, 3)) + apart * numbered(Y)[:, None, None]
    case = ("over_sampling", name, SEEDED)
    _, y_expected = theirs(case).fit_resample(X.reshape(len(X), -1), Y)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _, y_res = ours(case).fit_resample(X, Y)
    np.testing.assert_array_equal(y_res, y_expected)
    missing = [
        f"{(y_expected == label).sum() - COUNTS[label]} of {60 - COUNTS[label]} of class {label!r}"
        for label in short
    ]
    told = [str(warning.message).partition(". ")[0] for warning in caught]
    start = f"{name} added fewer images than requested: "
    assert told == [start + ", ".join(missing)] * bool(short)
    assert all(warning.category is UserWarning for warning in caught)


# --- containers


@pytest.mark.parametrize("how", ["memmap", "list", "objects", "fortran", "files"])
@pytest.mark.parametrize("case", FAMILY, ids=named)
def test_every_holder_gives_the_same_images(case, how, tmp_path):
    images = blobs((4, 5, 3), "uint8")
    expected, y_expected = ours(case).fit_resample(images, Y)
    (tmp_path / "source").mkdir()
    X = HOLDERS[how](images, tmp_path / "source")
    where = {"output_dir": tmp_path / "out"} if how == "files" and case in MIXING else {}
    X_res, y_res = ours(case, **where).fit_resample(X, Y)
    assert type(X_res) is (np.ndarray if how == "memmap" else type(X))
    found = read_images(X_res) if how == "files" else np.stack(list(X_res))
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(y_res, y_expected)


@pytest.mark.parametrize("case", SELECTING, ids=named)
def test_selected_paths_come_back_and_every_file_is_decoded_once(case, tmp_path, monkeypatch):
    from imblearn_images.core import files

    paths = write_images(tmp_path, blobs((4, 5), "uint8"))
    opened = []
    read = files.read_image
    monkeypatch.setattr(
        files, "read_image", lambda path, **kw: (opened.append(path), read(path, **kw))[1]
    )
    sampler = ours(case)
    X_res, _ = sampler.fit_resample(paths, Y)
    assert X_res == [paths[row] for row in sampler.plan_.base]
    assert sorted(opened) == sorted(paths)


def test_files_of_mixed_sizes_are_compared_as_thumbnails(tmp_path):
    images = [image[: 4 + row % 2] for row, image in enumerate(blobs((6, 5), "uint8"))]
    sampler = ours(SELECTING[1])
    sampler.fit_resample(write_images(tmp_path, images), Y)
    assert "thumbnails" in sampler.plan_.nearness


# --- embeddings


@pytest.mark.parametrize("case", FAMILY, ids=named)
def test_an_embedding_decides_as_imbalanced_learn_does_on_its_features(case):
    X = blobs((6, 5), "uint8")
    embedding = make_pipeline(FlattenImages(), PCA(4, random_state=0))
    features = clone(embedding).fit(X).transform(X)
    expected, _ = theirs(case).fit_resample(features, numbered(Y))
    sampler = ours(case, embedding=embedding)
    X_res, _ = sampler.fit_resample(X, Y)
    assert X_res.shape[1:] == X.shape[1:]
    if is_mean(case):
        np.testing.assert_allclose(sampler.plan_.matrix() @ features, expected, atol=1e-9)
    assert sampler.plan_.nearness == "Pipeline (4 features)"
    assert sampler.embedding_ is not embedding


def flat(block):
    return block.reshape(len(block), -1).astype(float)


@pytest.mark.parametrize("case", FAMILY, ids=named)
def test_pixels_by_a_callable_are_the_pixels(case, tmp_path):
    images = blobs((6, 5, 3), "uint8")
    expected, _ = ours(case).fit_resample(images, Y)
    if is_mean(case):
        X_res, _ = ours(case, embedding=flat).fit_resample(images, Y)
        assert (abs(X_res.astype(int) - expected) <= (case[1] == "ClusterCentroids")).all()
    if case in SELECTING:
        X_res, _ = ours(case, embedding=flat).fit_resample(write_images(tmp_path, images), Y)
        np.testing.assert_array_equal(read_images(X_res), expected)


def test_an_embedding_may_read_files_of_mixed_sizes_itself(tmp_path):
    images = [image[: 4 + row % 2] for row, image in enumerate(blobs((6, 5), "uint8"))]
    paths = write_images(tmp_path, images)
    reader = make_pipeline(ReadImages(size=(4, 4)), FlattenImages())
    sampler = ours(SELECTING[1], embedding=reader)
    X_res, _ = sampler.fit_resample(paths, Y)
    assert set(X_res) < set(paths)
    with pytest.raises(ValueError, match=r"001.*shape.*ReadImages\(size="):
        ours(SELECTING[1], embedding=flat).fit_resample(paths, Y)


@pytest.mark.parametrize("rest", [[FlattenImages()], [FlattenImages(), PCA(4, random_state=0)]])
def test_an_embedding_that_reads_files_decodes_each_once(rest, tmp_path, monkeypatch):
    from imblearn_images.core import files

    X = blobs((4, 5), "uint8")
    paths = write_images(tmp_path, X)
    opened = []
    read = files.read_image
    monkeypatch.setattr(
        files, "read_image", lambda path, **kw: (opened.append(path), read(path, **kw))[1]
    )
    case = SELECTING[1]
    sampler = ours(case, embedding=make_pipeline(ReadImages(), *rest))
    X_res, _ = sampler.fit_resample(paths, Y)
    assert sorted(opened) == sorted(paths)
    expected = ours(case, embedding=make_pipeline(*map(clone, rest)))
    expected.fit_resample(X, Y)
    assert X_res == [paths[row] for row in expected.plan_.base]
    again, wanted = sampler.embedding_.transform(paths[:3]), expected.embedding_.transform(X[:3])
    np.testing.assert_allclose(again, wanted)


@pytest.mark.parametrize("wrong", [lambda x: x.mean(), lambda x: x[:1], lambda x: x])
def test_features_of_another_form_are_refused(wrong):
    with pytest.raises(ValueError, match="2-D features with one row for each image"):
        ours(SELECTING[1], embedding=wrong).fit_resample(blobs((6, 5), "uint8"), Y)


def test_too_many_neighbors_are_refused_with_the_sizes_of_the_classes():
    with pytest.raises(ValueError, match=r"'owl': 14.*fewer neighbours"):
        ours((*SELECTING[1][:2], {"n_neighbors": 200})).fit_resample(blobs((6, 5), "uint8"), Y)


CLEANING = [
    "TomekLinks",
    "EditedNearestNeighbours",
    "RepeatedEditedNearestNeighbours",
    "AllKNN",
    "CondensedNearestNeighbour",
    "OneSidedSelection",
    "NeighbourhoodCleaningRule",
]


@pytest.mark.parametrize("labels", [["cat", "dog", "owl"], [1, 2, 3]], ids=["text", "numbers"])
@pytest.mark.parametrize("name", CLEANING)
def test_listed_labels_are_the_classes_to_clean(name, labels):
    X, y = blobs((6, 5), "uint8"), np.array(labels)[numbered(Y)]
    seeded = SEEDED if name in ("CondensedNearestNeighbour", "OneSidedSelection") else {}
    sampler = ours(("under_sampling", name, seeded), sampling_strategy=[labels[1]])
    sampler.fit_resample(X, y)
    peer = theirs(("under_sampling", name, seeded | {"sampling_strategy": [1]}))
    peer.fit_resample(X.reshape(len(X), -1).astype(float), numbered(Y))
    np.testing.assert_array_equal(sampler.sample_indices_, peer.sample_indices_)
    assert sampler.sampling_strategy == [labels[1]]
    assert list(sampler.sampling_strategy_) == [labels[1]]


def test_imbalanced_learn_cannot_number_these_labels_itself():
    case = ("under_sampling", "InstanceHardnessThreshold", {"estimator": LogisticRegression()})
    with pytest.raises(IndexError):
        theirs(case).fit_resample(blobs((12,), "float64"), Y)
    assert len(ours(case).fit_resample(blobs((12,), "float64"), Y)[1]) < len(Y)


def test_images_are_in_order_when_repeated_cleaning_drops_nothing():
    X = blobs((12,), "float64") + 10 * numbered(Y)[:, None]
    case = ("under_sampling", "RepeatedEditedNearestNeighbours", {})
    expected, _ = theirs(case).fit_resample(X, numbered(Y))
    sampler = ours(case)
    X_res, _ = sampler.fit_resample(X, numbered(Y))
    assert len(X_res) == len(X)
    np.testing.assert_array_equal(X_res, expected)
    np.testing.assert_array_equal(X[sampler.sample_indices_], expected)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize(
    "case", [case for case in FAMILY if hasattr(ours(case), "n_jobs")], ids=named
)
def test_bytes_do_not_depend_on_threads(case, monkeypatch):
    monkeypatch.setattr(embedding_module, "BATCH", 700)  # some tens of blocks
    X = blobs((6, 5), "uint8")
    expected, _ = ours(case, embedding=flat).fit_resample(X, Y)
    for n_jobs in (1, 2, -1):
        sampler = ours(case, embedding=flat).set_params(n_jobs=n_jobs)
        assert sampler.fit_resample(X, Y)[0].tobytes() == expected.tobytes()


def test_parameters_of_the_embedding_are_found_by_name():
    sampler = ours(SELECTING[1], embedding=make_pipeline(FlattenImages(), PCA(2)))
    sampler.set_params(embedding__pca__n_components=3, n_neighbors=5)
    sampler.fit_resample(blobs((6, 5), "uint8"), Y)
    assert sampler.plan_.nearness == "Pipeline (3 features)"
    with pytest.raises(ValueError, match=r"`embedding` must be None, .*, got 'pixels'"):
        ours(SELECTING[1], embedding="pixels").fit_resample(blobs((6, 5), "uint8"), Y)


# --- what imbalanced-learn does for every class is done once


def test_machines_and_clusterers_are_fitted_once_for_all_classes(monkeypatch):
    fits = []
    for kind in (SVC, MiniBatchKMeans):
        plain = kind.fit

        def counted(self, *args, plain=plain, **kwargs):
            fits.append(type(self).__name__)
            return plain(self, *args, **kwargs)

        monkeypatch.setattr(kind, "fit", counted)
    X = blobs((6, 5), "uint8")
    for name, once in (("SVMSMOTE", "SVC"), ("KMeansSMOTE", "MiniBatchKMeans")):
        case = next(case for case in MIXING if case[1] == name)
        ours(case).fit_resample(X, Y)
        assert fits == [once]
        fits.clear()
        theirs(case).fit_resample(X.reshape(len(X), -1).astype(float), Y)
        assert fits == 2 * [once]
        fits.clear()


@pytest.mark.parametrize("make", [np.random.RandomState, lambda seed: None], ids=["shared", "None"])
@pytest.mark.parametrize("machine", [None, SVC(kernel="linear")], ids=["default", "linear"])
def test_random_numbers_that_machines_share_stay_in_step(make, machine):
    X = blobs((6, 5), "uint8")
    results = []
    for module, seen in (("imblearn_images", X), ("imblearn", X.reshape(len(X), -1) / 1.0)):
        np.random.seed(0)  # noqa: NPY002 - what samplers without a `random_state` share
        kind = import_module(f"{module}.over_sampling").SVMSMOTE
        sampler = kind(random_state=make(5), svm_estimator=machine)
        made, _ = sampler.fit_resample(seen, Y)
        results.append(made.reshape(len(made), -1))
        assert isinstance(sampler.svm_estimator_, SVC)
        assert len(sampler.svm_estimator_.support_)
    np.testing.assert_array_equal(results[0], np.clip(np.rint(results[1]), 0, 255))


def test_trees_make_the_only_float_copy_of_bytes(monkeypatch):
    seen = []
    plain = DecisionTreeClassifier.fit

    def spied(self, X, *args, **kwargs):
        seen.append(X.dtype)
        return plain(self, X, *args, **kwargs)

    monkeypatch.setattr(DecisionTreeClassifier, "fit", spied)
    case = next(case for case in SELECTING if case[1] == "InstanceHardnessThreshold")
    ours(case).fit_resample(blobs((6, 5), "uint8"), Y)
    assert {str(dtype) for dtype in seen} == {"uint8"}
