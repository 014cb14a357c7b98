import pickle

import joblib
import numpy as np
import pytest
from conftest import make_images, make_labels, write_images
from imblearn.ensemble import EasyEnsembleClassifier as ImblearnEasyEnsembleClassifier
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import AdaBoostClassifier
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from imblearn_images import EasyEnsembleClassifier, RandomOverSampler
from imblearn_images.ensemble import _balanced
from imblearn_images.preprocessing import FlattenImages, ReadImages

COUNTS = {"cat": 30, "dog": 18, "owl": 9}
Y = make_labels(COUNTS)
N = len(Y)
TEST = 20


def images(shape=(6, 5), dtype="uint8", n=N, seed=0):
    X = make_images(n, shape, dtype, seed)
    if dtype == "uint8":
        X[: len(Y)][(Y == "owl")[:n]] //= 2  # something to learn
    return X


class Spy(ClassifierMixin, BaseEstimator):
    """Classifier that remembers what it was given."""

    seen = []

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        Spy.seen.append((np.asarray(X), np.asarray(y)))
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        Spy.seen.append((np.asarray(X), None))
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))

    def predict(self, X):
        return self.classes_[np.zeros(len(X), dtype=int)]


class ImageSpy(Spy):
    """The same, for images in their own shape."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


@pytest.fixture(autouse=True)
def forget():
    Spy.seen.clear()


MEMBERS = [
    None,
    GaussianNB(),
    DecisionTreeClassifier(max_depth=3),
    AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=3),
    LogisticRegression(max_iter=3000),
    Perceptron(),
    make_pipeline(StandardScaler(), LogisticRegression()),
]


def with_few_rounds(member):
    return AdaBoostClassifier(n_estimators=5) if member is None else member


@pytest.mark.parametrize("member", MEMBERS, ids=repr)
@pytest.mark.parametrize(("shape", "dtype"), [((6, 5), "uint8"), ((4, 3, 3), "float64")])
def test_images_are_classified_as_imbalanced_learn_classifies_their_pixels(member, shape, dtype):
    X, X_test = images(shape, dtype), images(shape, dtype, TEST, seed=1)
    flat, flat_test = X.reshape(N, -1), X_test.reshape(TEST, -1)
    params = {"n_estimators": 3, "random_state": 7, "estimator": member}
    ours = EasyEnsembleClassifier(**params).fit(X, Y)
    theirs = ImblearnEasyEnsembleClassifier(**params).fit(flat, Y)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    assert ours.n_features_in_ == theirs.n_features_in_
    assert ours.image_shape_ == shape
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        assert hasattr(ours, method) == hasattr(theirs, method)
        if hasattr(ours, method):
            with np.errstate(divide="ignore"):
                expected = getattr(theirs, method)(flat_test)
            result = getattr(ours, method)(X_test)
            if method == "predict":
                np.testing.assert_array_equal(result, expected)
            else:
                np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-12)
    assert ours.score(X, Y) == theirs.score(flat, Y)


@pytest.mark.parametrize(
    "params",
    [
        {"sampling_strategy": "all", "replacement": True},
        {"sampling_strategy": {"cat": 12, "dog": 10}},
        {"sampling_strategy": "majority"},
    ],
    ids=str,
)
def test_subsets_are_those_of_imbalanced_learn(params):
    X = images()
    params |= {"n_estimators": 3, "random_state": 0, "estimator": Spy()}
    EasyEnsembleClassifier(**params).fit(X, Y)
    ours = Spy.seen.copy()
    Spy.seen.clear()
    ImblearnEasyEnsembleClassifier(**params).fit(X.reshape(N, -1), Y)
    assert len(ours) == len(Spy.seen) == 3
    for (X_ours, y_ours), (X_theirs, y_theirs) in zip(ours, Spy.seen, strict=True):
        np.testing.assert_array_equal(X_ours, X_theirs)
        np.testing.assert_array_equal(y_ours, y_theirs)


def test_two_classes_have_one_column_of_decisions():
    X, y = images(), Y == "owl"
    params = {"n_estimators": 3, "random_state": 0, "estimator": GaussianNB()}
    assert not hasattr(EasyEnsembleClassifier(**params).fit(X, y), "decision_function")
    params["estimator"] = LogisticRegression(max_iter=3000)
    ours = EasyEnsembleClassifier(**params).fit(X, y)
    theirs = ImblearnEasyEnsembleClassifier(**params).fit(X.reshape(N, -1), y)
    result = ours.decision_function(X)
    assert result.shape == (N,)
    np.testing.assert_allclose(result, theirs.decision_function(X.reshape(N, -1)))


def test_two_dimensional_input_is_imbalanced_learns():
    X = images().reshape(N, -1)
    params = {"n_estimators": 3, "random_state": 0}
    ours = EasyEnsembleClassifier(**params).fit(X, Y)
    assert not hasattr(ours, "image_shape_")
    expected = ImblearnEasyEnsembleClassifier(**params).fit(X, Y).predict_proba(X)
    np.testing.assert_array_equal(ours.predict_proba(X), expected)


# --- what a member sees


SEES = {
    "pixels": (Spy(), (30,)),
    "pixels behind a scaler": (make_pipeline(StandardScaler(), Spy()), (30,)),
    "images": (ImageSpy(), (6, 5)),
    "images before FlattenImages": (make_pipeline(FlattenImages(), Spy()), (30,)),
    "images before a function": (make_pipeline(FunctionTransformer(), ImageSpy()), (6, 5)),
    "images in nested pipelines": (
        make_pipeline(make_pipeline(FunctionTransformer(), "passthrough"), ImageSpy()),
        (6, 5),
    ),
    "images before a nested flatten": (make_pipeline(make_pipeline(FlattenImages()), Spy()), (30,)),
    "images in imbalanced-learn's pipeline": (
        make_imblearn_pipeline(FunctionTransformer(), ImageSpy()),
        (6, 5),
    ),
    "images behind passthrough": (make_pipeline("passthrough", ImageSpy()), (6, 5)),
}


@pytest.mark.parametrize("case", SEES)
def test_a_member_sees_images_when_it_wants_them(case):
    member, shape = SEES[case]
    ensemble = EasyEnsembleClassifier(2, member, random_state=0).fit(images(), Y)
    ensemble.predict_proba(images(n=TEST))
    assert [X.shape for X, _ in Spy.seen] == [(27, *shape)] * 2 + [(TEST, *shape)] * 2


@pytest.mark.parametrize("holder", ["list", "array", "column"])
def test_paths_are_read_for_a_member_that_wants_pixels_or_reads_them(holder, tmp_path):
    X = images((6, 5, 3))
    paths = write_images(tmp_path, X)
    held = {"list": paths, "array": np.array(paths), "column": np.array(paths)[:, None]}[holder]
    readers = [GaussianNB(), make_pipeline(ReadImages(), FlattenImages(), GaussianNB())]
    expected = EasyEnsembleClassifier(3, GaussianNB(), random_state=0).fit(X, Y).predict_proba(X)
    for member in readers:
        ensemble = EasyEnsembleClassifier(3, member, random_state=0).fit(held, Y)
        np.testing.assert_array_equal(ensemble.predict_proba(held), expected)
        assert ensemble.score(held, Y) > 0.3


def test_a_member_that_reads_files_gets_paths_and_only_those_of_its_subset(tmp_path):
    paths = np.array([str(tmp_path / f"missing {row}.png") for row in range(N)])
    member = make_pipeline(FunctionTransformer(), ImageSpy())
    ensemble = EasyEnsembleClassifier(3, member, random_state=0).fit(paths, Y)
    ensemble.predict(paths[:4])
    assert [X.shape for X, _ in Spy.seen] == [(27,)] * 3 + [(4,)] * 3
    assert all(X.dtype.kind in "UO" for X, _ in Spy.seen)


def test_files_of_two_sizes_are_read_by_a_member_that_resizes_and_refused_otherwise(tmp_path):
    X = [*images((6, 5), n=N - 1), *make_images(1, (9, 9), "uint8")]
    paths = write_images(tmp_path, X)
    member = make_pipeline(ReadImages(size=(4, 4)), FlattenImages(), GaussianNB())
    assert len(EasyEnsembleClassifier(2, member).fit(paths, Y).predict(paths)) == N
    with pytest.raises(ValueError, match=r"ReadImages\(size="):
        EasyEnsembleClassifier(20, GaussianNB(), random_state=0).fit(paths, Y)


# --- nothing too much is copied or kept


class Rows(np.ndarray):
    """Array that counts the rows taken out of it."""

    taken = []

    def __getitem__(self, key):
        result = super().__getitem__(key)
        if isinstance(result, np.ndarray) and not np.shares_memory(result, self):
            Rows.taken.append(len(result))
        return result


def test_only_balanced_subsets_are_copied(monkeypatch):
    X = images()
    rows = X.view(Rows)
    copies = []
    original = _balanced.as_wanted

    def spy(estimator, images, rows=None):
        wanted = original(estimator, images, rows)
        if not np.shares_memory(wanted, X):
            copies.append(len(wanted))
        return wanted

    monkeypatch.setattr(_balanced, "as_wanted", spy)
    Rows.taken.clear()
    ensemble = EasyEnsembleClassifier(4, Spy(), random_state=0).fit(rows, Y)
    assert copies == [27] * 4
    assert sorted(Rows.taken) == [27] * 4
    Spy.seen.clear()
    ensemble.predict(X)
    assert all(np.shares_memory(seen, X) for seen, _ in Spy.seen)


def test_a_fitted_ensemble_keeps_no_images():
    X = images((40, 40, 3))
    member = DecisionTreeClassifier(max_depth=2)
    ensemble = EasyEnsembleClassifier(2, member, random_state=0).fit(X, Y)
    assert len(pickle.dumps(ensemble)) < X.nbytes / 10


class Broken(Spy):
    def fit(self, X, y):
        raise RuntimeError("no fit today")


def test_images_are_released_when_a_member_cannot_be_fitted():
    X = images((40, 40, 3))
    ensemble = EasyEnsembleClassifier(2, Broken())
    given = ensemble.estimator
    with pytest.raises(RuntimeError, match="no fit today"):
        ensemble.fit(X, Y)
    assert ensemble.estimator is given
    assert len(pickle.dumps(ensemble)) < X.nbytes / 10


# --- the rest of an estimator's life


@pytest.mark.parametrize("n_jobs", [None, 1, 2, -1])
@pytest.mark.parametrize("backend", ["loky", "threading", None])
def test_jobs_do_not_matter(n_jobs, backend):
    X = images()
    params = {"n_estimators": 4, "random_state": 0, "estimator": GaussianNB()}
    expected = EasyEnsembleClassifier(**params).fit(X, Y).predict_proba(X)
    with joblib.parallel_config(backend=backend or "threading", n_jobs=2 if backend else 1):
        ensemble = EasyEnsembleClassifier(**params, n_jobs=n_jobs).fit(X, Y)
        np.testing.assert_array_equal(ensemble.predict_proba(X), expected)


def test_a_warm_start_adds_members_and_keeps_the_old_ones():
    X = images()
    params = {"n_estimators": 2, "random_state": 0, "estimator": GaussianNB(), "warm_start": True}
    ensemble = EasyEnsembleClassifier(**params).fit(X, Y)
    first = list(ensemble.estimators_)
    ensemble.set_params(n_estimators=5).fit(X, Y)
    assert len(ensemble.estimators_) == 5
    assert all(old is kept for old, kept in zip(first, ensemble.estimators_, strict=False))
    theirs = ImblearnEasyEnsembleClassifier(**params).fit(X.reshape(N, -1), Y)
    theirs.set_params(n_estimators=5).fit(X.reshape(N, -1), Y)
    np.testing.assert_allclose(ensemble.predict_proba(X), theirs.predict_proba(X.reshape(N, -1)))
    with pytest.raises(ValueError, match="n_estimators=3"):
        ensemble.set_params(n_estimators=3).fit(X, Y)


@pytest.mark.parametrize("form", ["images", "paths"])
def test_a_pickle_answers_as_the_original(form, tmp_path):
    X = images() if form == "images" else write_images(tmp_path, images())
    member = make_pipeline(ReadImages(), FlattenImages(), GaussianNB())
    ensemble = EasyEnsembleClassifier(3, member, random_state=0).fit(X, Y)
    twin = pickle.loads(pickle.dumps(ensemble))
    np.testing.assert_array_equal(twin.predict_proba(X), ensemble.predict_proba(X))


def test_a_clone_is_unfitted_and_fits_the_same():
    X = images()
    ensemble = EasyEnsembleClassifier(2, GaussianNB(), random_state=0).fit(X, Y)
    twin = clone(ensemble)
    assert not hasattr(twin, "estimators_")
    np.testing.assert_array_equal(twin.fit(X, Y).predict_proba(X), ensemble.predict_proba(X))


def test_an_ensemble_can_be_fitted_again_on_other_input():
    X = images()
    ensemble = EasyEnsembleClassifier(2, GaussianNB(), random_state=0)
    for data in (X, X.reshape(N, -1), X.reshape(N, 5, 3, 2), X):
        assert ensemble.fit(data, Y).predict(data).shape == (N,)
        assert ensemble.n_features_in_ == 30


def test_every_holder_of_images_is_taken(held):
    params = {"n_estimators": 2, "random_state": 0, "estimator": DecisionTreeClassifier()}
    expected = EasyEnsembleClassifier(**params).fit(held.images, held.y)
    ensemble = EasyEnsembleClassifier(**params).fit(held.X, held.y)
    np.testing.assert_array_equal(
        ensemble.predict_proba(held.X), expected.predict_proba(held.images)
    )


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
@pytest.mark.parametrize(
    "X",
    [
        np.zeros((3, 5, 6), np.uint8),
        np.zeros((3, 6, 5, 1), np.uint8),
        np.zeros((3, 30), np.uint8),
        ["a.png", "b.png"],
    ],
    ids=["turned", "one more axis", "flat", "paths"],
)
def test_images_of_another_form_are_refused(method, X):
    member = LogisticRegression(max_iter=3000)
    ensemble = EasyEnsembleClassifier(2, member, random_state=0).fit(images(), Y)
    with pytest.raises(ValueError, match=r"must hold images of shape \(6, 5\)"):
        getattr(ensemble, method)(X)


def test_images_are_refused_by_an_ensemble_fitted_on_paths(tmp_path):
    paths = write_images(tmp_path, images())
    ensemble = EasyEnsembleClassifier(2, GaussianNB(), random_state=0).fit(paths, Y)
    with pytest.raises(ValueError, match="must hold file paths"):
        ensemble.predict(images())


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_an_unfitted_ensemble_says_so(method):
    with pytest.raises(ValueError, match="not fitted"):
        getattr(EasyEnsembleClassifier(), method)(images())


@pytest.mark.parametrize(
    ("X", "y", "match"),
    [
        pytest.param(images(), Y[:-1], "inconsistent", id="fewer labels"),
        pytest.param(images()[:-1], Y, "inconsistent", id="fewer images"),
        pytest.param(images()[:0], Y[:0], "0 sample|no pixels", id="nothing"),
        pytest.param(images(), ["cat"] * N, "class", id="one class"),
        pytest.param(images(), [None, *Y[1:]], "row 0", id="None"),
        pytest.param(images(), [np.nan, *range(2)] * (N // 3), "row 0", id="NaN"),
        pytest.param(images(), [0, *Y[1:]], "row 0", id="mixed"),
        pytest.param(images().astype(complex), Y, "[Cc]omplex", id="complex"),
        pytest.param([None, *["a.png"] * (N - 1)], Y, "Row 0", id="no path"),
    ],
)
def test_bad_input_is_refused(X, y, match):
    with pytest.raises(ValueError, match=match):
        EasyEnsembleClassifier(2, GaussianNB()).fit(X, y)


READS = make_pipeline(ReadImages((4, 4)), FlattenImages(), GaussianNB())


@pytest.mark.parametrize(
    "member",
    [
        make_imblearn_pipeline(RandomOverSampler(), *READS.named_steps.values()),
        GridSearchCV(READS, {"gaussiannb__var_smoothing": [1e-9, 1e-3]}, cv=2),
    ],
    ids=["behind a sampler", "in a search"],
)
def test_files_of_many_sizes_reach_the_step_that_reads_them(member, tmp_path):
    shapes = [(6 + row % 3, 5) for row in range(N)]
    several = [images(shape, n=1)[0] for shape in shapes]
    paths = write_images(tmp_path, several)
    ensemble = EasyEnsembleClassifier(2, member, random_state=0).fit(paths, Y)
    assert ensemble.predict_proba(paths).shape == (N, len(set(Y)))
