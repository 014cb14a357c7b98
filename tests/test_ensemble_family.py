"""The other ensembles on images, against imbalanced-learn's on flattened pixels."""

import pickle
import tracemalloc

import imblearn.ensemble
import numpy as np
import pytest
from conftest import make_images, make_labels, write_images
from imblearn.over_sampling import SMOTE, RandomOverSampler
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import imblearn_images.ensemble
from imblearn_images.ensemble import _balanced
from imblearn_images.preprocessing import FlattenImages, ReadImages

Y = make_labels({"cat": 60, "dog": 36, "owl": 18})
SHAPE = (5, 4, 3)
TREE = DecisionTreeClassifier(max_depth=3)

CASES = [
    ("BalancedBaggingClassifier", {"estimator": TREE, "n_estimators": 4}),
    ("BalancedBaggingClassifier", {"replacement": True, "n_estimators": 3, "max_samples": 0.8}),
    (
        "BalancedBaggingClassifier",
        {"estimator": TREE, "sampler": RandomOverSampler(), "sampling_strategy": "not majority"},
    ),
    ("BalancedBaggingClassifier", {"estimator": GaussianNB(), "n_estimators": 3, "n_jobs": 2}),
    ("RUSBoostClassifier", {"n_estimators": 6}),
    ("RUSBoostClassifier", {"estimator": TREE, "n_estimators": 4, "learning_rate": 0.5}),
    ("BalancedRandomForestClassifier", {"n_estimators": 7}),
    ("BalancedRandomForestClassifier", {"n_estimators": 5, "sampling_strategy": "auto"}),
    ("EasyEnsembleClassifier", {"estimator": TREE, "n_estimators": 3}),
]


def both(case):
    name, params = case
    found = [getattr(m.ensemble, name) for m in (imblearn_images, imblearn)]
    return [cls(random_state=5, **params) for cls in found]


N = len(Y)


def images(n=N, seed=0, dtype="uint8"):
    X = make_images(n, SHAPE, dtype, seed)
    if seed == 0:
        X[Y == "owl"] //= 2
        X[Y == "dog"] //= 3
    return X


def flat(X):
    return X.reshape(len(X), -1)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_images_are_classified_as_imbalanced_learn_classifies_their_pixels(case):
    X, X_test = images(), images(20, seed=1)
    ours, theirs = both(case)
    ours.fit(X, Y)
    theirs.fit(flat(X), Y)
    assert ours.n_features_in_ == theirs.n_features_in_
    assert ours.image_shape_ == SHAPE
    np.testing.assert_array_equal(ours.predict(X_test), theirs.predict(flat(X_test)))
    for method in ("predict_proba", "decision_function"):
        assert hasattr(ours, method) == hasattr(theirs, method)
        if hasattr(ours, method):
            expected = getattr(theirs, method)(flat(X_test))
            np.testing.assert_allclose(getattr(ours, method)(X_test), expected, rtol=1e-9)
    assert ours.score(X, Y) == theirs.score(flat(X), Y) > 0.5


@pytest.mark.parametrize("case", CASES, ids=str)
def test_rows_of_pixels_are_imbalanced_learns(case):
    X = flat(images())
    ours, theirs = [ensemble.fit(X, Y) for ensemble in both(case)]
    np.testing.assert_array_equal(ours.predict_proba(X), theirs.predict_proba(X))
    assert not hasattr(ours, "image_shape_")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_paths_are_classified_as_their_images(case, tmp_path):
    X = images()
    paths = write_images(tmp_path, X)
    expected = both(case)[0].fit(X, Y).predict_proba(X)
    ensemble = both(case)[0].fit(paths, Y)
    np.testing.assert_allclose(ensemble.predict_proba(paths), expected, rtol=1e-12)
    assert ensemble.image_shape_ == ()


@pytest.mark.parametrize("case", CASES[3:9:2], ids=str)
def test_a_refit_that_fails_leaves_the_ensemble_as_it_was(case):
    X, ensemble = images(), both(case)[0]
    expected = ensemble.fit(X, Y).predict_proba(X)
    for bad in (Y[:-1], np.full(len(Y), np.nan), np.zeros(len(Y))):
        for again in (X, X[:, 1:], flat(X)):
            with pytest.raises(ValueError, match=r"."):
                ensemble.fit(again, bad)
            np.testing.assert_array_equal(ensemble.predict_proba(X), expected)


PIPELINE = make_pipeline(
    FlattenImages(), StandardScaler(), LogisticRegression(max_iter=5000, solver="liblinear")
)


@pytest.mark.parametrize("name", ["BalancedBaggingClassifier", "RUSBoostClassifier"])
@pytest.mark.parametrize("form", ["images", "paths"])
def test_a_pipeline_that_sees_images_may_be_the_member(name, form, tmp_path):
    X, y = images(), Y == "dog"  # the darkest
    member = PIPELINE
    if form == "paths":
        X, member = write_images(tmp_path, X), make_pipeline(ReadImages(), PIPELINE)
    ensemble = getattr(imblearn_images.ensemble, name)(member, n_estimators=3, random_state=0)
    assert ensemble.fit(X, y).score(X, y) > 0.8


def test_rounds_of_boosting_are_those_of_imbalanced_learn():
    X = images()
    ours, theirs = both(CASES[4])
    weights = np.random.default_rng(0).random(len(Y))
    ours.fit(X, Y, sample_weight=weights)
    theirs.fit(flat(X), Y, sample_weight=weights)
    np.testing.assert_array_equal(ours.estimator_weights_, theirs.estimator_weights_)
    for method in ("staged_predict", "staged_predict_proba", "staged_decision_function"):
        pairs = zip(getattr(ours, method)(X), getattr(theirs, method)(flat(X)), strict=True)
        for mine, other in pairs:
            np.testing.assert_array_equal(mine, other)


def test_the_out_of_bag_score_is_imbalanced_learns():
    params = {"estimator": TREE, "n_estimators": 30, "oob_score": True}
    ours, theirs = both(("BalancedBaggingClassifier", params))
    ours.fit(images(), Y)
    theirs.fit(flat(images()), Y)
    np.testing.assert_array_equal(ours.oob_decision_function_, theirs.oob_decision_function_)
    assert ours.oob_score_ == theirs.oob_score_


@pytest.mark.parametrize(
    "params",
    [{"max_features": 0.5}, {"bootstrap_features": True}, {"sampler": SMOTE()}],
    ids=str,
)
def test_what_needs_more_than_row_numbers_is_refused(params):
    ensemble = imblearn_images.ensemble.BalancedBaggingClassifier(**params)
    with pytest.raises(ValueError, match=next(iter(params))):
        ensemble.fit(images(), Y)
    ensemble.fit(flat(images()), Y)


def test_a_member_without_weights_cannot_be_boosted():
    from sklearn.neighbors import KNeighborsClassifier

    for member in (KNeighborsClassifier(), make_pipeline(FlattenImages(), KNeighborsClassifier())):
        with pytest.raises(ValueError, match="KNeighborsClassifier doesn't support sample_weight"):
            imblearn_images.ensemble.RUSBoostClassifier(member).fit(images(), Y)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_images_of_another_form_are_refused(case):
    ensemble = both(case)[0].fit(images(), Y)
    for X in (images()[:, :4], ["a.png", "b.png"]):
        with pytest.raises(ValueError, match=r"fitted on images of shape \(5, 4, 3\)"):
            ensemble.predict(X)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_fitted_ensemble_keeps_no_images_and_can_be_pickled(case):
    X = images().repeat(40, axis=1)
    ensemble = both(case)[0].fit(X, Y)
    frozen = pickle.dumps(ensemble)
    assert X.tobytes()[:4000] not in frozen
    twin = pickle.loads(frozen)
    np.testing.assert_array_equal(twin.predict_proba(X), ensemble.predict_proba(X))


@pytest.mark.parametrize("name", ["BalancedBaggingClassifier", "EasyEnsembleClassifier"])
def test_members_share_the_images(name):
    """Two at a time: two balanced estimators, never the whole set twice."""
    X = np.zeros((len(Y), 300, 200, 3), np.uint8)
    X[:, 0, 0, 0] = np.arange(len(Y))
    cls = getattr(imblearn_images.ensemble, name)
    ensemble = cls(estimator=OneByOne(), n_estimators=6, n_jobs=2, random_state=0)
    tracemalloc.start()
    ensemble.fit(X, Y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    subset = 3 * 18 * X[0].nbytes
    assert peak < 2 * 2 * subset < 2 * X.nbytes


class OneByOne(GaussianNB):
    """Classifier of the mean of the first pixels, which copies nothing large."""

    def fit(self, X, y):
        return super().fit(X[:, :3], y)


def test_files_are_read_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(_balanced, "BATCH", 10)
    X = images()
    paths = write_images(tmp_path, X)
    asked = []
    original = _balanced.as_wanted

    def spy(estimator, images, rows=None):
        asked.append(len(images) if rows is None else len(rows))
        return original(estimator, images, rows)

    ensemble = both(CASES[4])[0].fit(paths, Y)
    monkeypatch.setattr(_balanced, "as_wanted", spy)
    np.testing.assert_array_equal(ensemble.predict(paths), both(CASES[4])[0].fit(X, Y).predict(X))
    assert max(asked[: len(ensemble.estimators_)]) == 10
