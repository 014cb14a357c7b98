"""Resamplers compared where images have several labels."""

import warnings

import numpy as np
import pytest
from imblearn.pipeline import make_pipeline
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, f1_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from test_label_decisions import labelled

from imblearn_images import MLSMOTE, LabelOverSampler, RandomOverSampler
from imblearn_images.model_selection import MultilabelStratifiedKFold, compare_resamplers
from imblearn_images.preprocessing import FlattenImages
from imblearn_images.strategies import at_least

X, Y = labelled(160)
MODEL = OneVsRestClassifier(LogisticRegression())
NAMES = ("kiwi", "lime", "plum", "fig")
over = LabelOverSampler(at_least(25), max_repeats=9)

pytestmark = pytest.mark.filterwarnings("ignore:Label not")


@pytest.fixture(scope="module")
def comparison():
    samplers = {"over": over, "smote": MLSMOTE(), "one label": RandomOverSampler()}
    return compare_resamplers(MODEL, samplers, X, Y, cv=3, random_state=0)


def test_nothing_class_weights_and_thresholds_are_always_in_the_table(comparison):
    assert comparison.names == ("none", "class_weight", "thresholds", "over", "smote")
    assert list(comparison.fold_scores) == ["macro_ap", "macro_f1", "rare_ap"]
    assert comparison.metric == "macro_ap" and comparison.reference in comparison.names[:3]
    assert "imblearn_images.LabelOverSampler" in comparison.failures["one label"]
    assert set(comparison.gains) == {"over", "smote"}
    text = repr(comparison)
    for word in ("macro_ap", "macro_f1", "rare_ap", "3 folds of 160 images"):
        assert word in text
    assert "<table>" in comparison._repr_html_() and comparison.to_json()
    assert comparison.by("macro_f1").advice.count("macro_f1") >= 1


def test_scores_are_those_of_scikit_learn_on_the_same_folds(comparison):
    folds = MultilabelStratifiedKFold(3, shuffle=True, random_state=0).split(X, Y)
    rare = np.argsort(Y.sum(axis=0))[:2]
    for at, (train, test) in enumerate(folds):
        for name, steps in (("none", [FlattenImages()]), ("over", [over, FlattenImages()])):
            steps = [clone(step) for step in steps]
            if name == "over":
                steps[0].set_params(random_state=0)
            fitted = make_pipeline(*steps, clone(MODEL)).fit(X[train], Y[train])
            p, told = fitted.predict_proba(X[test]), fitted.predict(X[test])
            expected = {
                "macro_ap": average_precision_score(Y[test], p, average="macro"),
                "macro_f1": f1_score(Y[test], told, average="macro", zero_division=0),
                "rare_ap": average_precision_score(Y[test][:, rare], p[:, rare]),
            }
            for metric, score in expected.items():
                found = comparison.fold_scores[metric][name][at]
                assert found == pytest.approx(score), (metric, name)


def test_recall_is_that_of_each_label_and_brier_the_mean_over_labels(comparison):
    folds = list(MultilabelStratifiedKFold(3, shuffle=True, random_state=0).split(X, Y))
    told, p = np.empty(Y.shape), np.empty(Y.shape)
    for train, test in folds:
        fitted = make_pipeline(FlattenImages(), clone(MODEL)).fit(X[train], Y[train])
        told[test], p[test] = fitted.predict(X[test]), fitted.predict_proba(X[test])
    for label in range(4):
        recall, n_test = comparison.recall["none"][label]
        assert n_test == Y[:, label].sum()
        assert recall == pytest.approx(told[Y[:, label] > 0, label].mean())
    assert comparison.calibration["none"].brier == pytest.approx(((p - Y) ** 2).mean())


def test_labels_come_in_every_form_and_groups_stay_whole():
    lists = [[NAMES[at] for at in np.flatnonzero(row)] for row in Y]
    groups = np.arange(len(X)) // 2
    model = OneVsRestClassifier(GaussianNB())
    params = {"cv": 2, "random_state": 0, "groups": groups, "scoring": "macro_f1"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # targets that are out of reach
        found = compare_resamplers(model, "default", X, lists, **params)
    assert found.names == ("none", "thresholds", "LabelOverSampler", "MLSMOTE")
    assert "no parameter class_weight" in found.failures["class_weight"]
    assert found.metric == "macro_f1" and set(found.recall["none"]) == set(NAMES)
    in_halves = [(np.arange(80), np.arange(80, 160)), (np.arange(80, 160), np.arange(80))]
    same = compare_resamplers(model, [], X, Y, cv=in_halves, scoring=["f1_micro", "f1_macro"])
    assert list(same.fold_scores) == ["f1_micro", "f1_macro"]


def test_what_cannot_be_compared_is_named():
    with pytest.raises(ValueError, match=r"use OneVsRestClassifier\(estimator\)"):
        compare_resamplers(LogisticRegression(), [], X, Y, cv=2)
    with pytest.raises(ValueError, match="Of one-hot rows pass"):
        compare_resamplers(MODEL, [], X, np.eye(4, dtype=int)[np.arange(160) % 4], cv=2)
    with pytest.raises(
        ValueError, match="the known words are 'none', 'class_weight', 'thresholds'"
    ):
        compare_resamplers(MODEL, ["prior_correction"], X, Y, cv=2)
    with pytest.raises(ValueError, match="Fold 1 of 1 trains and tests on image 3"):
        compare_resamplers(MODEL, [], X, Y, cv=[(np.arange(90), np.array([3]))])
    with pytest.raises(ValueError, match="`y` must have at least one label"):
        compare_resamplers(MODEL, [], X, np.zeros_like(Y), cv=2)
