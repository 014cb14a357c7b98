"""Tuned class weights: never worse than argmax where they were tuned, found by brute force."""

from itertools import product

import joblib
import numpy as np
import pytest
from conftest import make_images, make_labels
from imblearn.pipeline import make_pipeline
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer, make_scorer, recall_score
from sklearn.model_selection import (
    GroupKFold,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
)
from sklearn.naive_bayes import GaussianNB

from imblearn_images import RandomOverSampler
from imblearn_images.decision import (
    MinorityDetector,
    PriorCorrectedClassifier,
    TunedThresholdsClassifier,
)
from imblearn_images.preprocessing import FlattenImages

LABELS = np.array(["common", "rare", "rarest"])


def draw(n, seed=0, shares=(0.8, 0.15, 0.05)):
    rng = np.random.default_rng(seed)
    which = rng.choice(len(shares), n, p=shares)
    means = np.array([[0, 0], [1.5, 0], [0, 1.5]])
    return rng.normal(size=(n, 2)) + means[which], LABELS[which]


def score_of(name, y, told):
    class Told:
        _estimator_type = "classifier"
        classes_ = np.unique(y)

        def predict(self, X):
            return X

        def __sklearn_tags__(self):
            return GaussianNB().__sklearn_tags__()

    return get_scorer(name)(Told(), told, y)


@pytest.mark.parametrize(
    "scoring", ["balanced_accuracy", "accuracy", "f1_macro", "recall_weighted", "matthews_corrcoef"]
)
@pytest.mark.parametrize("seed", range(2))
def test_it_is_never_worse_than_argmax_on_the_data_it_tuned_on(scoring, seed):
    X, y = draw(150, seed)
    tuned = TunedThresholdsClassifier(GaussianNB(), scoring=scoring, cv=3, thresholds=20).fit(X, y)
    answers = cross_val_predict(GaussianNB(), X, y, cv=3, method="predict_proba")
    plain = LABELS[np.argmax(answers, axis=1)]
    weighted = LABELS[np.argmax(answers * tuned.weights_, axis=1)]
    assert tuned.plain_score_ == pytest.approx(score_of(scoring, y, plain))
    assert tuned.best_score_ == pytest.approx(score_of(scoring, y, weighted))
    assert tuned.best_score_ >= tuned.plain_score_


def test_it_gains_where_classes_are_rare_and_on_new_images():
    X, y = draw(2000)
    X_test, y_test = draw(3000, seed=1)
    tuned = TunedThresholdsClassifier(LogisticRegression(), thresholds=25).fit(X, y)
    plain = LogisticRegression().fit(X, y)
    new = score_of("balanced_accuracy", y_test, tuned.predict(X_test))
    assert new > score_of("balanced_accuracy", y_test, plain.predict(X_test)) + 0.1
    assert tuned.weights_[0] < tuned.weights_[1] < tuned.weights_[2]
    assert np.prod(tuned.weights_) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(3))
def test_it_comes_close_to_brute_force(seed):
    X, y = draw(60, seed, shares=(0.6, 0.25, 0.15))
    tuned = TunedThresholdsClassifier(GaussianNB(), cv=3).fit(X, y)
    answers = cross_val_predict(GaussianNB(), X, y, cv=3, method="predict_proba")
    best = max(
        np.mean(
            [(np.argmax(answers * [1, a, b], axis=1) == k)[y == LABELS[k]].mean() for k in range(3)]
        )
        for a, b in product(np.geomspace(0.05, 50, 40), repeat=2)
    )
    assert tuned.best_score_ >= best - 0.03


def test_two_classes_agree_with_scikit_learns_own():
    X, y = draw(2000)
    y = y == "rarest"
    ours = TunedThresholdsClassifier(LogisticRegression()).fit(X, y)
    theirs = TunedThresholdClassifierCV(LogisticRegression()).fit(X, y)
    threshold = ours.weights_[0] / ours.weights_.sum()
    assert threshold == pytest.approx(theirs.best_threshold_, abs=0.03)
    second = ours.predict_proba(X)[:, 1]
    np.testing.assert_array_equal(ours.predict(X), second > threshold)


def test_two_fits_are_the_same_and_probabilities_stay():
    X, y = draw(200)
    first, second = (
        TunedThresholdsClassifier(GaussianNB(), cv=3, thresholds=20).fit(X, y) for _ in range(2)
    )
    np.testing.assert_array_equal(first.weights_, second.weights_)
    np.testing.assert_array_equal(first.predict_proba(X), GaussianNB().fit(X, y).predict_proba(X))
    with joblib.parallel_config(backend="threading"):
        parallel = TunedThresholdsClassifier(GaussianNB(), cv=3, thresholds=20, n_jobs=2).fit(X, y)
    np.testing.assert_array_equal(parallel.weights_, first.weights_)


def test_nothing_changes_where_nothing_is_gained():
    X, y = draw(200)
    X += 100 * np.searchsorted(LABELS, y)[:, None]
    np.testing.assert_allclose(TunedThresholdsClassifier(GaussianNB()).fit(X, y).weights_, 1)


def test_weights_of_images_count_in_the_metric():
    X, y = draw(300)
    folds = [(np.arange(300) % 3 != k, np.arange(300) % 3 == k) for k in range(3)]
    folds = [(np.flatnonzero(train), np.flatnonzero(test)) for train, test in folds]
    heavy = np.where(y == "rarest", 20.0, 1.0)
    tuned = TunedThresholdsClassifier(
        GaussianNB(priors=[1 / 3] * 3), scoring="accuracy", cv=folds, thresholds=20
    )
    share = [
        (tuned.fit(X, y, sample_weight=w).predict(X) == "rarest").mean() for w in (None, heavy)
    ]
    assert share[1] > share[0] + 0.1


def test_images_of_other_folds_are_not_looked_at():
    """An oversampler in the Pipeline works inside the training folds."""
    X, y = make_images(60, (4, 4), "uint8"), make_labels({"a": 40, "b": 20})
    model = make_pipeline(RandomOverSampler(random_state=0), FlattenImages(), GaussianNB())
    tuned = TunedThresholdsClassifier(model, cv=StratifiedKFold(4)).fit(X, y)
    answers = cross_val_predict(model, X, y, cv=StratifiedKFold(4), method="predict_proba")
    plain = np.unique(y)[np.argmax(answers, axis=1)]
    assert tuned.plain_score_ == pytest.approx(score_of("balanced_accuracy", y, plain))


def test_splits_by_group_are_taken():
    X, y = draw(200)
    splits = list(GroupKFold(4).split(X, y, groups=np.arange(200) // 5))
    tuned = TunedThresholdsClassifier(GaussianNB(), cv=splits).fit(X, y)
    answers = cross_val_predict(GaussianNB(), X, y, cv=splits, method="predict_proba")
    plain = LABELS[np.argmax(answers, axis=1)]
    assert tuned.plain_score_ == pytest.approx(score_of("balanced_accuracy", y, plain))


def worst_recall(y_true, y_pred, sample_weight=None):
    return recall_score(y_true, y_pred, average=None, sample_weight=sample_weight).min()


def test_a_scorer_of_ones_own_is_taken():
    X, y = draw(200)
    tuned = TunedThresholdsClassifier(
        GaussianNB(), scoring=make_scorer(worst_recall), cv=3, thresholds=10
    ).fit(X, y)
    assert tuned.best_score_ > tuned.plain_score_


def indifferent(y_true, y_pred):
    return 0.0


def test_weights_without_a_score_are_left_out_and_a_metric_without_any_is_told():
    X, y = draw(150)

    def of_all(truth, told, sample_weight=None):  # no value unless every class is told
        return np.average(truth == told, weights=sample_weight) if len(set(told)) > 2 else np.nan

    common = PriorCorrectedClassifier(GaussianNB(), model_prior="uniform", tau=2.0)
    tuned = TunedThresholdsClassifier(common, scoring=make_scorer(of_all), cv=3, thresholds=20)
    tuned.fit(X, y)
    assert np.isnan(tuned.plain_score_) and tuned.best_score_ > 0.5
    assert set(tuned.predict(X)) == set(LABELS)
    tuned.set_params(scoring=make_scorer(lambda truth, told, **weights: np.nan))
    with pytest.raises(ValueError, match="`scoring` must return a number, got make_scorer"):
        tuned.fit(X, y)


def test_the_estimator_is_given_the_labels_themselves():
    """Priors and rare classes name them; scikit-learn would give it 0, 1, 2."""
    X, y = draw(90)
    prior = dict(zip(LABELS.tolist(), (0.2, 0.4, 0.4), strict=True))
    named = PriorCorrectedClassifier(GaussianNB(), prior=prior)
    tuned = TunedThresholdsClassifier(named, cv=3, thresholds=20).fit(X, y)
    coded = PriorCorrectedClassifier(GaussianNB(), prior=dict(enumerate(prior.values())))
    expected = cross_val_predict(coded, X, y, cv=3, method="predict_proba")
    plain = score_of("balanced_accuracy", y, LABELS[np.argmax(expected, axis=1)])
    assert tuned.plain_score_ == pytest.approx(plain)
    rare = MinorityDetector(IsolationForest(n_estimators=5, random_state=0), rare="rarest", cv=2)
    found = TunedThresholdsClassifier(rare, cv=2).fit(X, np.where(y == "rarest", y, "common"))
    assert found.classes_.tolist() == ["common", "rarest"]
    with pytest.raises(ValueError, match="`cv` must test every image exactly once"):
        tuned.set_params(cv=[(np.arange(60), np.arange(60, 90))]).fit(X, y)


def test_classes_without_weight_are_told_before_anything_is_fitted():
    X, y = draw(60)
    labels = np.array(["a", "b", "c"])[np.searchsorted(np.unique(y), y) % 3]
    weights = (labels != labels[0]).astype(float) * (labels == labels[labels != labels[0]][0])
    for weight, found in ((weights, f"1 class, '{labels[weights > 0][0]}'"), (0 * weights, "none")):
        tuned = TunedThresholdsClassifier(GaussianNB())
        with pytest.raises(ValueError, match=f"weights are not zero, got {found}"):
            tuned.fit(X, labels, sample_weight=weight)
        assert not hasattr(tuned, "estimator_")


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"scoring": "neg_log_loss"}, "`scoring` must be a metric of labels .*got 'neg_log_loss'"),
        ({"scoring": make_scorer(indifferent)}, "takes sample_weight"),
        ({"scoring": "beauty"}, "beauty"),
        ({"thresholds": 0}, "`thresholds` must be an integer of at least 1, got 0"),
        ({"thresholds": 1.5}, "`thresholds` must be an integer"),
    ],
)
def test_bad_parameters_are_named(params, match):
    with pytest.raises(ValueError, match=match):
        TunedThresholdsClassifier(GaussianNB(), **params).fit(*draw(60, shares=(0.5, 0.3, 0.2)))
