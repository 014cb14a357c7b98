import pickle
from pathlib import Path

import joblib
import numpy as np
import pytest
import sklearn
from conftest import make_images, make_labels, read_images, write_images
from imblearn.pipeline import Pipeline, make_pipeline
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_predict,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.utils import estimator_html_repr

from imblearn_images import SMOTE, EasyEnsembleClassifier, RandomOverSampler, RandomUnderSampler
from imblearn_images.core.estimators import as_wanted
from imblearn_images.preprocessing import FlattenImages, ReadImages

COUNTS = {"cat": 30, "dog": 18, "owl": 12}
Y = make_labels(COUNTS)
N = len(Y)
X = make_images(N, (6, 5, 3), "uint8")
SAMPLERS = [
    SMOTE(random_state=0, k_neighbors=2),
    RandomOverSampler(random_state=0),
    RandomOverSampler(random_state=0, shrinkage=0.1),
    RandomUnderSampler(random_state=0),
]


class Recorder(ClassifierMixin, BaseEstimator):
    """Keeps the X of `fit`."""

    def fit(self, X, y):
        self.X_, self.y_ = X, y
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[np.zeros(len(X), dtype=int)]


# --- no leak


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_no_parent_comes_from_the_validation_fold(sampler):
    # Image i is black but for pixel i, so the images of fit tell of whom they are made.
    tagged = np.eye(N).reshape(N, N, 1)
    if getattr(sampler, "shrinkage", None):
        sampler = clone(sampler).set_params(shrinkage=1e-9)
    found = cross_validate(
        make_pipeline(sampler, Recorder()),
        tagged,
        Y,
        cv=StratifiedKFold(3),
        return_estimator=True,
        return_indices=True,
    )
    folds = zip(
        found["estimator"], found["indices"]["train"], found["indices"]["test"], strict=True
    )
    for estimator, train, test in folds:
        seen = estimator[-1].X_.reshape(-1, N)
        shares = np.where(abs(seen) > 1e-6, seen, 0)
        np.testing.assert_array_equal(shares[:, test], 0)
        np.testing.assert_allclose(shares.sum(axis=1), 1)
        labels = Y[train]
        plan = estimator[0].plan_
        np.testing.assert_array_equal(plan.take(labels), estimator[-1].y_)
        if sampler._sampling_type == "over-sampling":
            assert len(seen) > len(train)


def test_no_child_of_a_validation_file_is_written(tmp_path):
    paths = np.array(write_images(tmp_path, X))
    pipeline = make_pipeline(
        SMOTE(k_neighbors=2, random_state=0, output_dir=tmp_path / "children"), Recorder()
    )
    found = cross_validate(pipeline, paths, Y, cv=3, return_estimator=True, return_indices=True)
    for estimator, train in zip(found["estimator"], found["indices"]["train"], strict=True):
        allowed = {Path(paths[row]).stem for row in train}
        for child in estimator[-1].X_[len(train) :]:
            parents = Path(child).stem.rsplit("-", 1)[0].split("+")
            assert len(parents) == 2 and set(parents) <= allowed


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_a_row_belongs_to_the_group_of_its_base(sampler):
    groups = np.arange(N) // 2
    X_res, y_res = sampler.fit_resample(X, Y)
    plan = sampler.plan_
    carried = plan.take(groups)
    assert len(carried) == len(y_res)
    np.testing.assert_array_equal(carried, groups[plan.base])
    plain = ~plan.synthetic
    np.testing.assert_array_equal(plan.take(X)[plain], X_res[plain])
    for train, test in StratifiedGroupKFold(3).split(X_res, y_res, carried):
        assert not set(carried[train]) & set(carried[test])


# --- the tools of model selection


@pytest.mark.parametrize("form", ["images", "paths"])
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_grid_search_goes_through_samplers(form, n_jobs, tmp_path):
    data = X if form == "images" else write_images(tmp_path, X)
    steps = [ReadImages()] if form == "paths" else []
    pipeline = make_pipeline(*steps, SMOTE(random_state=0), FlattenImages(), GaussianNB())
    search = GridSearchCV(
        pipeline,
        {"smote__k_neighbors": [1, 3], "smote": [SMOTE(random_state=0), RandomOverSampler()]},
        scoring="balanced_accuracy",
        cv=2,
        n_jobs=n_jobs,
        error_score="raise",
    )
    search.set_params(param_grid={"smote__k_neighbors": [1, 3]})
    with joblib.parallel_config(backend="threading"):
        search.fit(data, Y)
    assert search.best_params_["smote__k_neighbors"] in (1, 3)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(data).shape == (N,)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_a_pipeline_of_images_scores_as_one_of_pixels(sampler):
    floats = X.astype(np.float64)
    images = make_pipeline(clone(sampler), FlattenImages(), GaussianNB())
    pixels = make_pipeline(clone(sampler), GaussianNB())
    flat = floats.reshape(N, -1)
    expected = cross_val_predict(pixels, flat, Y, cv=3, method="predict_proba")
    result = cross_val_predict(images, floats, Y, cv=3, method="predict_proba")
    np.testing.assert_allclose(result, expected)


def test_processes_cross_validate_too():
    pipeline = make_pipeline(SMOTE(random_state=0), FlattenImages(), GaussianNB())
    expected = cross_validate(pipeline, X, Y, cv=3)["test_score"]
    with joblib.parallel_config(backend="loky", n_jobs=2):
        found = cross_validate(pipeline, X, Y, cv=3, n_jobs=2)["test_score"]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("form", ["images", "paths"])
def test_resampled_images_are_cached(form, tmp_path, monkeypatch):
    data = X if form == "images" else write_images(tmp_path, X)
    sampler = SMOTE(random_state=0, k_neighbors=2)
    steps = [FlattenImages(), GaussianNB()]
    if form == "paths":
        sampler.set_params(output_dir=tmp_path / "children")
        steps = [ReadImages(), *steps]
    calls = []
    original = SMOTE.fit_resample

    def counted(self, *args, **kwargs):
        calls.append(1)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(SMOTE, "fit_resample", counted)
    memory = joblib.Memory(tmp_path / "cache", verbose=0)
    pipeline = Pipeline([(str(i), step) for i, step in enumerate([sampler, *steps])], memory=memory)
    first = pipeline.fit(data, Y).predict_proba(data)
    again = clone(pipeline).fit(data, Y)
    assert len(calls) == 1
    np.testing.assert_array_equal(again.predict_proba(data), first)
    assert repr(again[0].plan_) == repr(pipeline[0].plan_)


def test_parameters_are_set_by_their_path():
    pipeline = make_pipeline(SMOTE(), FlattenImages(), LogisticRegression())
    pipeline.set_params(smote__k_neighbors=2, smote__n_jobs=2, smote__output_dir="somewhere")
    assert pipeline["smote"].get_params()["k_neighbors"] == 2
    with pytest.raises(ValueError, match="Invalid parameter"):
        pipeline.set_params(smote__neighbours=2)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_metadata_routing_leaves_resampling_as_it_is(sampler):
    pipeline = make_pipeline(clone(sampler), FlattenImages(), GaussianNB())
    expected = pipeline.fit(X, Y).predict_proba(X)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = clone(pipeline).fit(X, Y)
        np.testing.assert_array_equal(routed.predict_proba(X), expected)
        scores = cross_validate(
            routed, X, Y, params={"groups": np.arange(N) % 6}, cv=StratifiedGroupKFold(2)
        )
        assert np.isfinite(scores["test_score"]).all()
        sampler = clone(sampler)
        assert sampler.get_metadata_routing() is not None
        X_res, _ = sampler.fit_resample(X, Y)
        assert len(X_res) == len(sampler.plan_)


# --- clone, pickle, show


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
@pytest.mark.parametrize("form", ["images", "paths"])
def test_a_fitted_sampler_survives_pickling(sampler, form, tmp_path):
    data = X if form == "images" else np.array(write_images(tmp_path, X))
    sampler = clone(sampler)
    if form == "paths" and isinstance(sampler, SMOTE):
        sampler.set_params(output_dir=tmp_path / "children")
    elif form == "paths" and getattr(sampler, "shrinkage", None):
        sampler.set_params(shrinkage=None)
    expected, y_expected = sampler.fit_resample(data, Y)
    dump = pickle.dumps(sampler)
    assert len(dump) < 40_000  # a plan, no pixels
    twin = pickle.loads(dump)
    assert repr(twin.plan_) == repr(sampler.plan_)
    np.testing.assert_array_equal(twin.plan_.base, sampler.plan_.base)
    X_res, y_res = twin.fit_resample(data, Y)
    np.testing.assert_array_equal(X_res, expected)
    np.testing.assert_array_equal(y_res, y_expected)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_a_clone_of_a_fitted_sampler_is_unfitted(sampler):
    sampler.fit_resample(X, Y)
    twin = clone(sampler)
    assert not hasattr(twin, "plan_") and twin.get_params() == sampler.get_params()


@pytest.mark.parametrize(
    "estimator", [*SAMPLERS, EasyEnsembleClassifier(2, GaussianNB())], ids=repr
)
def test_estimators_show_themselves_before_and_after_fit(estimator):
    estimator = clone(estimator)
    name = type(estimator).__name__
    assert name in estimator_html_repr(estimator) and name in repr(estimator)
    estimator.fit(X, Y)
    assert name in estimator_html_repr(estimator) and name in estimator._repr_html_()
    assert "SMOTE" in estimator_html_repr(make_pipeline(SMOTE(), FlattenImages(), GaussianNB()))


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_fit_learns_the_strategy_without_resampling(sampler):
    sampler = clone(sampler)
    assert sampler.fit(X, Y) is sampler
    assert sampler.n_features_in_ == 90 and not hasattr(sampler, "plan_")
    twin = clone(sampler)
    twin.fit_resample(X, Y)
    assert sampler.sampling_strategy_ == twin.sampling_strategy_


def test_an_ensemble_is_scored_in_cross_validation(tmp_path):
    ensemble = EasyEnsembleClassifier(2, GaussianNB(), random_state=0)
    expected = cross_validate(ensemble, X.reshape(N, -1), Y, cv=3)["test_score"]
    for data in (X, np.array(write_images(tmp_path, X))):
        np.testing.assert_array_equal(
            cross_validate(ensemble, data, Y, cv=3)["test_score"], expected
        )
    search = GridSearchCV(ensemble, {"n_estimators": [1, 2]}, cv=2, error_score="raise").fit(X, Y)
    assert search.best_params_["n_estimators"] in (1, 2)


def test_files_go_through_a_pipeline_and_come_back_as_pixels(tmp_path):
    paths = write_images(tmp_path, X)
    pipeline = make_pipeline(
        SMOTE(random_state=0, k_neighbors=2, output_dir=tmp_path / "children"),
        ReadImages(),
        FlattenImages(),
        Recorder(),
    ).fit(paths, Y)
    expected, _ = SMOTE(random_state=0, k_neighbors=2).fit_resample(X, Y)
    np.testing.assert_array_equal(pipeline[-1].X_, expected.reshape(len(expected), -1))
    assert len(read_images(list((tmp_path / "children").iterdir()))) == len(expected) - N


def test_a_pipeline_that_only_passes_on_takes_images():
    X = np.zeros((3, 4, 4))
    for steps in (["passthrough"], [RandomUnderSampler(), "passthrough"]):
        assert as_wanted(make_pipeline(*steps), X) is X
