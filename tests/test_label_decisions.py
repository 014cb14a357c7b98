"""Thresholds and priors of several labels, each for itself, against scikit-learn and by hand."""

import warnings

import numpy as np
import pytest
from imblearn.pipeline import make_pipeline
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, f1_score, jaccard_score, make_scorer
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier

from imblearn_images import LabelOverSampler
from imblearn_images.decision import PriorCorrectedClassifier, TunedThresholdsClassifier
from imblearn_images.decision._labels import corrected, label_score, tune_labels
from imblearn_images.model_selection import MultilabelStratifiedKFold
from imblearn_images.preprocessing import FlattenImages
from imblearn_images.strategies import at_least


def labelled(n=240, seed=0):
    """Four labels of falling frequency, the last one of six images, and what they look like."""
    rng = np.random.default_rng(seed)
    y = (rng.random((n, 4)) < [0.5, 0.25, 0.12, 0]).astype(int)
    y[:6, 3] = 1
    images = rng.normal(size=(n, 4, 4)) + 0.7 * y[:, :, None]
    return images.astype(np.float32), y


X, Y = labelled()
MODEL = OneVsRestClassifier(LogisticRegression())
FLAT = make_pipeline(FlattenImages(), MODEL)


@pytest.mark.parametrize(
    ("scoring", "metric"),
    [("f1", f1_score), ("balanced_accuracy", balanced_accuracy_score), ("jaccard", jaccard_score)],
)
def test_no_threshold_of_a_label_does_better(scoring, metric):
    folds = list(MultilabelStratifiedKFold(3).split(X, Y))
    tuned = TunedThresholdsClassifier(FLAT, scoring=scoring, cv=folds, thresholds=240).fit(X, Y)
    unseen = np.empty(Y.shape)
    for train, test in folds:
        unseen[test] = clone(FLAT).fit(X[train], Y[train]).predict_proba(X[test])
    assert tuned.pooled_.tolist() == [False, False, False, True]
    for label in range(3):
        scores = [metric(Y[:, label], unseen[:, label] >= t) for t in np.linspace(0, 1, 60)]
        ours = metric(Y[:, label], unseen[:, label] >= tuned.thresholds_[label])
        assert ours >= max(scores) - 1e-12
    told = unseen >= tuned.thresholds_
    every = [metric(truth, each) for truth, each in zip(Y.T, told.T, strict=True)]
    assert tuned.best_score_ == pytest.approx(np.mean(every))
    plain = [metric(truth, p >= 0.5) for truth, p in zip(Y.T, unseen.T, strict=True)]
    assert tuned.plain_score_ == pytest.approx(np.mean(plain))
    probabilities = tuned.estimator_.predict_proba(X)
    np.testing.assert_array_equal(tuned.predict_proba(X), probabilities)
    np.testing.assert_array_equal(tuned.predict(X), probabilities >= tuned.thresholds_)


def test_labels_of_a_few_images_have_one_threshold_together():
    y = np.zeros((200, 4), dtype=int)
    y[:100, 0], y[:6, 1], y[6:13, 2], y[:8, 3] = 1, 1, 1, 1
    p = np.random.default_rng(0).uniform(0, 0.3, y.shape) + 0.3 * y
    thresholds, pooled, _, _ = tune_labels(p, y, np.ones(200), label_f1, 1000)
    assert pooled.tolist() == [False, True, True, True]
    assert len(set(thresholds[1:])) == 1
    grid = np.linspace(0, 1, 300)
    best = max(f1_score(y[:, 1:].ravel(), p[:, 1:].ravel() >= t) for t in grid)
    assert f1_score(y[:, 1:].ravel(), p[:, 1:].ravel() >= thresholds[1]) >= best - 1e-12
    # too few together: all labels decide
    thresholds, _, _, _ = tune_labels(p[:, :2], y[:, :2], np.ones(200), label_f1, 1000)
    best = max(f1_score(y[:, :2].ravel(), p[:, :2].ravel() >= t) for t in grid)
    assert f1_score(y[:, :2].ravel(), p[:, :2].ravel() >= thresholds[1]) >= best - 1e-12


def label_f1(tp, fp, fn, tn):
    return 2 * tp / np.maximum(2 * tp + fp + fn, 1e-9)


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(5, random_state=0),
        MultiOutputClassifier(LogisticRegression()),
        MODEL,
    ],
    ids=lambda model: type(model).__name__,
)
def test_whatever_form_probabilities_have(model):
    rows = X.reshape(len(X), -1)
    tuned = TunedThresholdsClassifier(model, scoring="f1", cv=3).fit(rows, Y)
    assert tuned.predict_proba(rows).shape == tuned.predict(rows).shape == Y.shape
    found = model.fit(rows, Y).predict_proba(rows)
    if isinstance(found, list):
        found = np.column_stack([each[:, 1] for each in found])
    np.testing.assert_allclose(tuned.predict_proba(rows), found)


def test_weights_of_images_count_in_the_metric_and_the_fit():
    rows = X.reshape(len(X), -1)
    weights = np.r_[np.zeros(40), np.ones(len(X) - 40)]
    model = RandomForestClassifier(5, random_state=0)
    tuned = TunedThresholdsClassifier(model, scoring="f1", cv=3)
    tuned.fit(rows, Y, sample_weight=weights)
    assert tuned.pooled_.tolist() == [False, False, False, True]
    with pytest.raises(ValueError, match="`cv` must test every image exactly once"):
        tuned.set_params(cv=[(np.arange(200), np.arange(100))]).fit(rows, Y)
    with pytest.raises(ValueError, match="`cv` must be a number of folds from 2 to 240, got 1"):
        tuned.set_params(cv=1).fit(rows, Y)


@pytest.mark.parametrize("of_weights", [1, 1e-8, 1e-300])
@pytest.mark.parametrize("has", [0.3, 0, 1])
@pytest.mark.parametrize(
    ("scoring", "metric"), [("f1", f1_score), ("balanced_accuracy", balanced_accuracy_score)]
)
def test_built_in_metrics_are_those_of_scikit_learn(scoring, metric, has, of_weights):
    rng = np.random.default_rng(0)
    truth, predicted = rng.random((2, 50)) < [[has], [0.4]]
    weights = rng.random(50) * of_weights
    cells = [
        np.array([weights[(truth == t) & (predicted == p)].sum()])
        for t, p in ((1, 1), (0, 1), (1, 0), (0, 0))
    ]
    with warnings.catch_warnings():  # of scikit-learn, where a label has no images
        warnings.simplefilter("ignore")
        expected = metric(truth, predicted, sample_weight=weights)
    assert label_score(scoring)(*cells) == pytest.approx(expected)


def test_a_metric_without_a_value_is_told():
    def half(truth, predicted, sample_weight=None):  # no value for thresholds that find few
        return jaccard_score(truth, predicted) if predicted.sum() > 1 else np.nan

    tuned = TunedThresholdsClassifier(FLAT, scoring=make_scorer(half), thresholds=20).fit(X, Y)
    assert np.isfinite(tuned.thresholds_).all()
    tuned.set_params(scoring=lambda *args, **kwargs: np.nan)
    with pytest.raises(ValueError, match="`scoring` must return a number, got <function"):
        tuned.fit(X, Y)


def test_a_probability_near_0_is_corrected_in_silence():
    found = corrected(np.array([[0, 1e-320, 0.5, 1]]), np.array([0, -5.0, 800.0, -5.0]))
    np.testing.assert_allclose(found, [[0, 0, 1, 1]], atol=1e-300)


def test_one_fit_to_classes_and_one_to_labels_do_not_mix():
    tuned = TunedThresholdsClassifier(LogisticRegression(), cv=2).fit(X.reshape(240, -1), Y[:, 0])
    assert hasattr(tuned, "weights_") and not hasattr(tuned, "thresholds_")
    tuned.set_params(estimator=MODEL).fit(X.reshape(240, -1), Y)
    assert hasattr(tuned, "thresholds_") and not hasattr(tuned, "weights_")
    tuned.set_params(estimator=LogisticRegression()).fit(X.reshape(240, -1), Y[:, 0])
    assert tuned.predict(X.reshape(240, -1)).shape == (240,)


def test_priors_of_labels_are_counted_behind_a_sampler_and_repaired():
    over = LabelOverSampler(at_least(60), max_repeats=10, random_state=0)
    model = make_pipeline(over, FlattenImages(), MODEL)
    repaired = PriorCorrectedClassifier(model).fit(X, Y)
    _, y_res = over.fit_resample(X, Y)
    np.testing.assert_allclose(repaired.model_prior_, y_res.mean(axis=0))
    np.testing.assert_allclose(repaired.prior_, Y.mean(axis=0))
    p, q = repaired.estimator_.predict_proba(X), repaired.predict_proba(X)
    odds = (p / (1 - p)) * (
        (repaired.prior_ / (1 - repaired.prior_))
        / (repaired.model_prior_ / (1 - repaired.model_prior_))
    )
    np.testing.assert_allclose(q, odds / (1 + odds))
    np.testing.assert_array_equal(repaired.predict(X), q >= 0.5)
    np.testing.assert_allclose(repaired.predict_log_proba(X), np.log(q))
    plain = clone(FLAT).fit(X, Y).predict_proba(X)
    assert np.abs(q.mean(axis=0) - plain.mean(axis=0)).max() < 0.03  # repaired
    assert np.abs(p.mean(axis=0) - plain.mean(axis=0)).max() > 0.08


def test_priors_of_labels_in_words_numbers_and_class_weights():
    even = PriorCorrectedClassifier(FLAT, prior="uniform").fit(X, Y)
    assert even.prior_.tolist() == [0.5] * 4
    np.testing.assert_allclose(even.model_prior_, Y.mean(axis=0))
    for weight, expected in (
        ("balanced", [0.5] * 4),
        ({1: 3}, 3 * Y.mean(axis=0) / (3 * Y.mean(axis=0) + 1 - Y.mean(axis=0))),
    ):
        model = OneVsRestClassifier(LogisticRegression(class_weight=weight))
        weighted = PriorCorrectedClassifier(make_pipeline(FlattenImages(), model)).fit(X, Y)
        np.testing.assert_allclose(weighted.model_prior_, expected)
    shares = {0: 0.4, 1: 0.3, 2: 0.2, 3: 0.1}
    given = PriorCorrectedClassifier(FLAT, prior=shares, tau=0.5).fit(X, Y)
    assert given.prior_.tolist() == [0.4, 0.3, 0.2, 0.1]
    with pytest.warns(UserWarning, match="corrects nothing"):
        PriorCorrectedClassifier(FLAT).fit(X, Y)
    for prior, message in (
        ({0: 0.4}, "a share for each of the 4 labels"),
        ({0: 0.4, 1: 0.3, 2: 0.2, 3: 1.0}, "above 0 and below 1"),
    ):
        with pytest.raises(ValueError, match=message):
            PriorCorrectedClassifier(FLAT, prior=prior).fit(X, Y)


@pytest.mark.parametrize("class_weight", ["balanced", [{0: 1, 1: k} for k in (1, 2, 3, 5)]])
def test_a_forest_weighs_an_image_by_all_of_its_labels(class_weight):
    # What "balanced" makes of sample weights depends on the version of scikit-learn.
    weights = None if class_weight == "balanced" else 1 + np.arange(240) % 3
    forest = RandomForestClassifier(3, class_weight=class_weight, bootstrap=False, random_state=0)
    fitted = PriorCorrectedClassifier(forest).fit(X.reshape(240, -1), Y, weights)
    root = fitted.estimator_.estimators_[0].tree_.value[0]  # shares at the root, (label, side)
    np.testing.assert_allclose(fitted.model_prior_, root[:, 1] / root.sum(axis=1))


@pytest.mark.parametrize("make", [PriorCorrectedClassifier, TunedThresholdsClassifier])
def test_one_hot_rows_and_lists_of_labels_are_told_what_to_pass(make):
    one_hot = np.eye(4, dtype=int)[np.arange(240) % 4]
    with pytest.raises(ValueError, match="Of one-hot rows pass"):
        make(FLAT).fit(X, one_hot)
    lists = [["abcd"[at] for at in np.flatnonzero(row)] for row in Y]
    with pytest.raises(ValueError, match="MultiLabelBinarizer"):
        make(FLAT).fit(X, lists)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        make(FLAT).fit(X[:-1], Y)
