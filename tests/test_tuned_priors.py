"""The strength of a correction, chosen on probabilities that are computed once."""

import pickle

import numpy as np
import pytest
import sklearn
from conftest import make_images, make_labels, write_images
from imblearn.pipeline import make_pipeline
from joblib import parallel_config
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler

from imblearn_images import RandomOverSampler
from imblearn_images.decision import PriorCorrectedClassifier, PriorCorrectedClassifierCV
from imblearn_images.preprocessing import FlattenImages, ReadImages

Y = make_labels({"cat": 60, "dog": 25, "owl": 10})
X = make_images(len(Y), (4, 4), "uint8")
X[Y == "dog", :2] //= 2
X[Y == "owl", :, :2] //= 2
MODEL = make_pipeline(FlattenImages(), StandardScaler(), LogisticRegression(C=0.01))
SAMPLED = make_pipeline(RandomOverSampler(random_state=0), *MODEL)


@pytest.mark.parametrize(("model", "before"), [(MODEL, "count"), (SAMPLED, "train")])
def test_scores_are_those_of_a_search_that_fits_for_every_strength(model, before):
    folds = StratifiedKFold(4)
    tuned = PriorCorrectedClassifierCV(
        model, taus=[0, 0.3, 1, 2], model_prior=before, cv=folds, scoring="accuracy"
    ).fit(X, Y)
    for tau, score in tuned.scores_.items():
        corrected = PriorCorrectedClassifier(model, prior="uniform", tau=tau, model_prior=before)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(PriorCorrectedClassifier, "_warn", lambda *args: None)
            guessed = cross_val_predict(corrected, X, Y, cv=folds)
        assert score == pytest.approx((guessed == Y).mean())
    best = max(tuned.scores_.values())
    assert tuned.best_score_ == tuned.scores_[tuned.tau_] == best
    ties = [tau for tau, score in tuned.scores_.items() if score == best]
    assert abs(tuned.tau_ - 1) == min(abs(tau - 1) for tau in ties)
    assert tuned.estimator_.tau == tuned.tau_ and tuned.weights_.tolist() == [1, 1, 1]
    given = PriorCorrectedClassifier(model, prior="uniform", tau=tuned.tau_, model_prior=before)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PriorCorrectedClassifier, "_warn", lambda *args: None)
        given.fit(X, Y)
    np.testing.assert_allclose(tuned.predict_proba(X), given.predict_proba(X))


def test_a_fold_is_fitted_once(monkeypatch):
    fits = []
    fit = LogisticRegression.fit
    monkeypatch.setattr(LogisticRegression, "fit", lambda *a, **k: fits.append(1) or fit(*a, **k))
    PriorCorrectedClassifierCV(MODEL, cv=3).fit(X, Y)
    assert len(fits) == 3 + 1


def test_the_correction_finds_what_was_hidden():
    """Where a model is overconfident by a known factor, that factor is the best strength."""
    rng = np.random.default_rng(0)
    y = rng.choice(2, size=4000, p=[0.9, 0.1])
    features = rng.normal(size=(4000, 1)) + y[:, None]

    class Sharp(GaussianNB):
        def predict_proba(self, X):
            logs = 2 * self.predict_log_proba(X)
            return np.exp(logs - np.logaddexp.reduce(logs, axis=1, keepdims=True))

    for kind, expected in ((GaussianNB, 1.0), (Sharp, 2.0)):
        tuned = PriorCorrectedClassifierCV(kind(), taus=[0, 0.5, 1, 1.5, 2, 3]).fit(features, y)
        assert tuned.tau_ == expected


def test_thresholds_come_from_the_same_probabilities():
    tuned = PriorCorrectedClassifierCV(MODEL, thresholds=50).fit(X, Y)
    assert tuned.best_score_ >= tuned.scores_[tuned.tau_]
    assert np.log(tuned.weights_).sum() == pytest.approx(0)
    expected = (tuned.predict_proba(X) * tuned.weights_).argmax(axis=1)
    assert tuned.predict(X).tolist() == tuned.classes_[expected].tolist()


def test_images_of_weight_0_do_not_move_thresholds():
    model = make_pipeline(FlattenImages(), LogisticRegression(C=1e-6))
    weights, others = np.ones(len(Y)), X.copy()
    weights[::5] = 0
    others[::5] = X[::-5]
    tuned, same = (
        PriorCorrectedClassifierCV(model, thresholds=500).fit(images, Y, sample_weight=weights)
        for images in (X, others)
    )
    assert tuned.weights_.max() > 1
    np.testing.assert_allclose(tuned.weights_, same.weights_, rtol=1e-5)


def test_groups_stay_together_and_weights_count(tmp_path):
    groups = np.arange(len(Y)) // 5
    weights = np.random.default_rng(0).uniform(0.5, 2, len(Y))
    ours = PriorCorrectedClassifierCV(MODEL, cv=3).fit(X, Y, sample_weight=weights, groups=groups)
    splits = list(StratifiedGroupKFold(3).split(Y, Y, groups))
    theirs = PriorCorrectedClassifierCV(MODEL, cv=splits).fit(X, Y, sample_weight=weights)
    assert ours.scores_ == theirs.scores_
    plain = PriorCorrectedClassifierCV(MODEL, cv=splits).fit(X, Y)
    assert plain.scores_ != theirs.scores_
    with sklearn.config_context(enable_metadata_routing=True):
        last = clone(MODEL[-1]).set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        asking = make_pipeline(FlattenImages(), scaler, last)
        routed = PriorCorrectedClassifierCV(asking, cv=splits).fit(X, Y, sample_weight=weights)
    assert routed.scores_ == theirs.scores_
    paths = write_images(tmp_path, X)
    of_files = PriorCorrectedClassifierCV(make_pipeline(ReadImages(), *MODEL), cv=3).fit(paths, Y)
    assert of_files.scores_ == PriorCorrectedClassifierCV(MODEL, cv=3).fit(X, Y).scores_


def test_a_whole_life():
    tuned = PriorCorrectedClassifierCV(MODEL, cv=3, scoring="neg_log_loss")
    search = GridSearchCV(tuned, {"estimator__logisticregression__C": [0.001, 0.1]}, cv=2)
    search.fit(X, Y)
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(again.predict_log_proba(X), search.predict_log_proba(X))
    assert clone(tuned).get_params()["taus"] == tuned.taus
    with parallel_config(backend="threading"):
        plain = PriorCorrectedClassifierCV(MODEL, cv=3, n_jobs=2).fit(X, Y)
    assert plain.scores_ == PriorCorrectedClassifierCV(MODEL, cv=3).fit(X, Y).scores_


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ({"taus": []}, ValueError, "`taus`"),
        ({"taus": 1.0}, ValueError, "`taus`"),
        ({"taus": [0, -1]}, ValueError, "at least 0, got -1"),
        ({"taus": ["1"]}, ValueError, "got '1'"),
        ({"thresholds": 0}, ValueError, "`thresholds`"),
        ({"scoring": lambda *_: np.nan}, ValueError, "`scoring` must return a number"),
        ({"prior": "balanced"}, ValueError, "`prior`"),
        ({"estimator": GaussianNB}, TypeError, r"Pass GaussianNB\(\)"),
        ({"estimator": FlattenImages()}, TypeError, "predict_proba"),
    ],
)
def test_what_cannot_be_is_refused(params, error, words):
    with pytest.raises(error, match=words):
        PriorCorrectedClassifierCV(**{"estimator": MODEL} | params).fit(X, Y)
