"""The minority detector: scores of outliers as a decision and as a feature."""

import numpy as np
import pytest
from conftest import make_images, make_labels
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import OneClassSVM

from imblearn_images.decision import MinorityDetector, PriorCorrectedClassifier
from imblearn_images.preprocessing import FlattenImages

Y = make_labels({"cat": 80, "dog": 60, "owl": 10})
X = make_images(len(Y), (4, 4), "float64")
X[Y == "owl"] += np.random.default_rng(1).normal(scale=1.5, size=(10, 4, 4))
BINARY = np.where(Y == "owl", "rare", "usual")
DETECTORS = [
    OneClassSVM(),
    IsolationForest(n_estimators=20, random_state=0),
    LocalOutlierFactor(n_neighbors=10, novelty=True),
    make_pipeline(FlattenImages(), OneClassSVM()),
]
detectors = pytest.mark.parametrize("detector", DETECTORS, ids=lambda one: type(one).__name__)


@detectors
def test_rare_images_stand_out_on_images_it_has_not_seen(detector):
    half = np.arange(len(Y)) % 2 == 0
    fitted = MinorityDetector(detector, rare="owl").fit(X[half], Y[half])
    scores = fitted.transform(X[~half])
    assert scores.shape == (75, 1)
    assert roc_auc_score(Y[~half] == "owl", scores[:, 0]) > 0.9
    second = fitted.predict_proba(X[~half])[:, fitted.rare_column_]
    assert roc_auc_score(Y[~half] == "owl", second) > 0.9
    np.testing.assert_array_equal(np.argsort(second), np.argsort(scores[:, 0]))  # one scale


@detectors
def test_it_learns_nothing_from_rare_images(detector):
    mean = MinorityDetector(detector, rare="owl").fit(X, Y)
    strange = X.copy()
    strange[Y == "owl"] *= 9
    twin = MinorityDetector(detector, rare="owl").fit(strange, Y)
    np.testing.assert_allclose(twin.transform(X), mean.transform(X))


@detectors
def test_scores_of_the_fit_are_out_of_fold(detector):
    fitted = MinorityDetector(detector, rare="owl", cv=3)
    scores = fitted.fit_transform(X, Y)
    other = np.flatnonzero(Y != "owl")
    np.testing.assert_allclose(scores[Y == "owl"], fitted.transform(X[Y == "owl"]))
    for fold in range(3):
        held = np.arange(len(other)) % 3 == fold
        y = np.r_[np.zeros(int((~held).sum())), np.ones(10)]
        seen = np.concatenate([X[other[~held]], X[Y == "owl"]])
        alone = MinorityDetector(clone(detector), rare=1).fit(seen, y)
        np.testing.assert_allclose(scores[other[held]], alone.transform(X[other[held]]))


def test_scores_are_in_standard_deviations_of_the_images_learnt_from():
    fitted = MinorityDetector(OneClassSVM(), rare="owl").fit(X, Y)
    scores = fitted.transform(X[Y != "owl"])
    assert scores.mean() == pytest.approx(0, abs=1e-9)
    assert scores.std() == pytest.approx(1)


@pytest.mark.parametrize("names", [("rare", "usual"), ("usual", "rare")])
def test_two_labels_are_its_classes_in_any_order(names):
    y = np.where(Y == "owl", *names)
    fitted = MinorityDetector(OneClassSVM()).fit(X, y)
    assert fitted.rare_ == names[0]
    assert fitted.classes_.tolist() == ["rare", "usual"]
    assert fitted.classes_[fitted.rare_column_] == names[0]
    rare = fitted.predict_proba(X)[:, fitted.rare_column_]
    assert rare[Y == "owl"].mean() > 4 * rare[Y != "owl"].mean()
    np.testing.assert_array_equal(
        fitted.predict(X), fitted.classes_[fitted.predict_proba(X).argmax(1)]
    )
    np.testing.assert_array_equal(fitted.decision_function(X) > 0, fitted.predict(X) == "usual")


@pytest.mark.parametrize("rare", [0, 1, 2])
def test_one_of_many_labels_is_rare_or_not(rare):
    y = np.searchsorted(["owl", "dog", "cat"], Y, sorter=[2, 1, 0])
    y = np.select([Y == "owl", y == 1], [rare, (rare + 1) % 3], (rare + 2) % 3)
    fitted = MinorityDetector(OneClassSVM(), rare=rare).fit(X, y)
    assert fitted.classes_.tolist() == [False, True]
    assert roc_auc_score(y == rare, fitted.predict_proba(X)[:, 1]) > 0.9
    assert fitted.predict(X).dtype == bool
    expected = np.mean(fitted.predict(X) == (y == rare))
    assert fitted.score(X, y) == fitted.score(X, y == rare) == pytest.approx(expected)
    assert np.isfinite(cross_val_score(fitted, X, y, cv=2, error_score="raise")).all()


@pytest.mark.parametrize("rare", [False, True, 0, 1])
def test_the_score_of_two_labels_is_that_of_their_predictions(rare):
    y = (Y == "owl") == bool(rare)
    y = y.astype(type(rare))
    fitted = MinorityDetector(OneClassSVM(), rare=rare).fit(X, y)
    assert fitted.score(X, y) == np.mean(fitted.predict(X) == y)


def test_probabilities_are_calibrated_to_how_rare_it_is():
    fitted = MinorityDetector(OneClassSVM()).fit(X, BINARY)
    assert fitted.predict_proba(X)[:, 0].mean() == pytest.approx(10 / 150, abs=0.03)
    even = PriorCorrectedClassifier(MinorityDetector(OneClassSVM()), prior="uniform").fit(X, BINARY)
    assert (even.predict_proba(X)[:, 0] > fitted.predict_proba(X)[:, 0]).all()


def test_scores_are_a_feature_beside_others():
    flat = FlattenImages()
    model = make_pipeline(
        make_union(flat, MinorityDetector(OneClassSVM(), rare="owl")), LogisticRegression()
    )
    alone = make_pipeline(flat, LogisticRegression())
    half = np.arange(len(Y)) % 2 == 0
    recall = [
        (one.fit(X[half], Y[half]).predict(X[~half]) == "owl")[Y[~half] == "owl"].mean()
        for one in (alone, model)
    ]
    assert recall[1] > recall[0]
    detector = model.steps[0][1].transformer_list[1][1]
    assert detector.get_feature_names_out().tolist() == ["outlyingness"]


class OfPyOD(BaseEstimator):
    """As PyOD's detectors: the unusual are scored higher, ``decision_scores_`` remembers."""

    def fit(self, X, y=None):
        self.center_ = X.mean(axis=0)
        self.decision_scores_ = self.decision_function(X)
        return self

    def decision_function(self, X):
        return np.linalg.norm(X - self.center_, axis=1)


@pytest.mark.parametrize("detector", [OfPyOD(), make_pipeline(FlattenImages(), OfPyOD())])
def test_scores_of_pyod_point_the_other_way(detector):
    fitted = MinorityDetector(detector, rare="owl").fit(X, Y)
    assert fitted.transform(X)[Y == "owl"].mean() > 2


def test_pyods_own_detectors_are_taken():
    knn = pytest.importorskip("pyod.models.knn", reason="needs PyOD")
    fitted = MinorityDetector(knn.KNN(), rare="owl").fit(X, Y)
    assert roc_auc_score(Y == "owl", fitted.transform(X)[:, 0]) > 0.9


@pytest.mark.parametrize(
    ("detector", "params", "y", "error", "match"),
    [
        (OneClassSVM(), {}, Y, ValueError, "Only binary classification.*rare="),
        (OneClassSVM(), {"rare": "cow"}, Y, ValueError, "`rare` must be a label of y.*got 'cow'"),
        (OneClassSVM(), {"cv": 1}, BINARY, ValueError, "`cv` must be a number of folds.*got 1"),
        (LocalOutlierFactor(), {}, BINARY, TypeError, "novelty=True"),
        (OneClassSVM(), {}, np.array(["cat"] * 9), ValueError, "got 1 class, 'cat'"),
        (OneClassSVM(), {"rare": "a"}, np.array([*"aaaab"]), ValueError, "rare class 'a', got 1"),
    ],
)
def test_bad_parameters_are_named(detector, params, y, error, match):
    with pytest.raises(error, match=match):
        MinorityDetector(detector, **params).fit(X[: len(y)], y)
