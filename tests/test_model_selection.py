"""Comparing resamplers: oracles, simulations, and everything that can go wrong."""

import json
import math
import re
import sys
import tracemalloc
import warnings
from collections import Counter
from dataclasses import replace

import joblib
import numpy as np
import pytest
from conftest import make_images, write_images
from imblearn import FunctionSampler
from imblearn import over_sampling as imblearn_over
from imblearn.metrics import geometric_mean_score
from imblearn.pipeline import make_pipeline
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    balanced_accuracy_score,
    brier_score_loss,
    cohen_kappa_score,
    log_loss,
    make_scorer,
    recall_score,
)
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline as sklearn_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from imblearn_images import (
    SMOTE,
    RandomOverSampler,
    RandomUnderSampler,
    RedrawImages,
    TomekLinks,
    __version__,
)
from imblearn_images.core.parallel import _say_what_is_missing
from imblearn_images.datasets import load_texture_patches
from imblearn_images.decision import PriorCorrectedClassifier
from imblearn_images.display._reliability import calibrate
from imblearn_images.ensemble import PolicyEnsembleClassifier
from imblearn_images.model_selection import ResamplerComparison, compare_resamplers
from imblearn_images.model_selection._comparison import Calibration, ClassRecall, Cost, of_interest
from imblearn_images.model_selection._folds import make_folds
from imblearn_images.model_selection._statistics import (
    Difference,
    adjust_holm,
    corrected_difference,
)
from imblearn_images.preprocessing import FlattenImages, HOGFeatures, ReadImages

COUNTS = {"cat": 30, "dog": 18, "owl": 12}
Y = np.repeat(list(COUNTS), list(COUNTS.values()))
X = make_images(len(Y), (6, 5, 3), "uint8")
PIXELS = sklearn_pipeline(FlattenImages(), GaussianNB())
BASELINES = ("none", "class_weight", "prior_correction")


def folds_of(seed=0):
    return RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=seed)


def two_bumps(n_major, n_minor, shift, rng, shape=(2, 2, 1)):
    """Images of two overlapping classes; with shift 0 labels say nothing about them."""
    y = np.repeat([0, 1], [n_major, n_minor])
    return rng.normal(0, 1, (len(y), *shape)) + shift * y[:, None, None, None], y


# --- statistics


@pytest.mark.parametrize("n", [2, 5, 10, 30])
def test_without_correction_it_is_the_paired_t_test(n):
    a, b = np.random.default_rng(n).normal(0.1, 1, (2, n))
    found = corrected_difference(a - b, 0.0)
    theirs = stats.ttest_rel(a, b)
    interval = theirs.confidence_interval(0.95)
    assert found.mean == pytest.approx(np.mean(a - b))
    assert found.p == pytest.approx(theirs.pvalue)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_corrected_t_test_by_hand():
    # 2 x 5 folds of 100 images: 20 test, 80 train. Nadeau and Bengio, equation 9.
    d = [0.03, 0.01, 0.04, -0.01, 0.05, 0.09, 0.02, 0.06, 0.05, 0.03]
    mean = sum(d) / 10
    variance = sum((each - mean) ** 2 for each in d) / 9
    t = mean / math.sqrt((1 / 10 + 20 / 80) * variance)
    found = corrected_difference(d, 20 / 80)
    assert found.p == pytest.approx(2 * stats.t.sf(t, df=9))
    reach = stats.t.ppf(0.975, df=9) * mean / t
    assert (found.low, found.high) == pytest.approx((mean - reach, mean + reach))
    assert found.p > stats.ttest_1samp(d, 0).pvalue


def test_differences_without_any_spread():
    assert corrected_difference([0.0] * 6, 0.25) == Difference(0, 0, 0, 1, 1)
    always = corrected_difference([0.1 + 0.2 - 0.2] * 5 + [0.1] * 5, 0.25)
    assert always.p == pytest.approx(2**-9)
    assert always.low == pytest.approx(0.1) == always.high
    alone = corrected_difference([0.1], 0.25)
    assert alone.mean == 0.1 and math.isnan(alone.p) and math.isnan(alone.low)


def test_holm_by_hand():
    p = {"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005, "failed": math.nan}
    adjusted = adjust_holm({name: Difference(0, 0, 0, each, each) for name, each in p.items()})
    expected = {"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02}
    assert {name: adjusted[name].p_holm for name in expected} == pytest.approx(expected)
    assert math.isnan(adjusted["failed"].p_holm)
    assert adjusted["b"].p == 0.04
    capped = adjust_holm({name: Difference(0, 0, 0, 0.7, 0.7) for name in "ab"})
    assert capped["a"].p_holm == 1


def test_calibration_against_scikit_learn_and_by_hand():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    p = rng.uniform(0, 1, 200)
    brier, _, bins = calibrate(np.c_[1 - p, p], y, [0, 1])
    assert brier == pytest.approx(2 * brier_score_loss(y, p))
    assert bins.n_predictions.sum() == 200
    # confidences .9 .9 .9 .6 .6, right: yes yes no, no no -> gaps .9 - 2/3 and .6 - 0
    p = np.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.6, 0.4], [0.4, 0.6]])
    _, ece, bins = calibrate(p, np.array([0, 0, 0, 1, 0]), [0, 1])
    assert ece == pytest.approx(3 / 5 * (0.9 - 2 / 3) + 2 / 5 * 0.6)
    assert bins.accuracy.tolist() == pytest.approx([0, 2 / 3])
    assert calibrate(np.array([[1.0, 0.0]]), np.array([0]), [0, 1])[:2] == (0, 0)


# --- simulation


def accuracy_of(feature, y, train, test):
    """Accuracy of the nearest class mean of one feature."""
    means = [feature[train][y[train] == label].mean() for label in (0, 1)]
    return np.mean((abs(feature[test] - means[1]) < abs(feature[test] - means[0])) == y[test])


def test_repeated_folds_need_the_correction():
    # Two classifiers, each on a feature that means nothing, 30 divisions of the same 60 rows.
    rng, n_trials = np.random.default_rng(0), 200
    called = {"plain": 0, "corrected": 0}
    y = np.arange(60) % 2
    for _ in range(n_trials):
        features = rng.normal(size=(2, 60))
        differences = []
        for _ in range(30):
            rows = rng.permutation(60)
            one, other = (accuracy_of(each, y, rows[12:], rows[:12]) for each in features)
            differences.append(one - other)
        called["plain"] += corrected_difference(differences, 0).p < 0.05
        called["corrected"] += corrected_difference(differences, 12 / 48).p < 0.05
    assert called["corrected"] <= stats.binom.ppf(0.99, n_trials, 0.05)
    assert called["plain"] > n_trials / 3


def test_of_noise_nothing_is_called_better():
    n_trials, called = 25, 0
    for trial in range(n_trials):
        images, y = two_bumps(40, 16, 0, np.random.default_rng(trial))
        comparison = compare_resamplers(
            GaussianNB(), [RandomUnderSampler()], images, y, cv=5, random_state=trial
        )
        assert len(comparison.differences) == 3
        called += bool(comparison.better)
    # more than this happens once in a hundred times at the nominal rate of 5 %
    assert called <= stats.binom.ppf(0.99, n_trials, 0.05)


def test_a_planted_improvement_is_found():
    images, y = two_bumps(360, 40, 0.6, np.random.default_rng(0))
    comparison = compare_resamplers(
        LogisticRegression(), [RandomOverSampler()], images, y, random_state=0
    )
    assert set(comparison.better) == {"class_weight", "prior_correction", "RandomOverSampler"}
    for name in comparison.better:
        assert comparison.differences[name].low > 0.03
    assert comparison.advice.startswith(
        f"Use {comparison.reference}, which makes no images: balanced_accuracy"
    )
    assert "do not trust its probabilities" in comparison.advice
    assert comparison.recall["none"][1].recall < comparison.recall["RandomOverSampler"][1].recall


def test_a_planted_harm_is_found():
    images, y = two_bumps(100, 60, 2, np.random.default_rng(0))

    def mislabelled(X, y):
        return X, 1 - y

    comparison = compare_resamplers(
        GaussianNB(), {"harm": FunctionSampler(func=mislabelled)}, images, y, random_state=0
    )
    assert comparison.worse == ["harm"] and not comparison.better
    assert (
        "; no other candidate is higher in balanced_accuracy, harm is worse. " in comparison.advice
    )
    columns, *_ = (line for line in repr(comparison).splitlines() if line.startswith("recall"))
    assert columns.split()[-1] == "harm"  # whose recall it costs is shown


def test_a_baseline_that_is_as_good_is_preferred_to_resampling():
    images, y = two_bumps(360, 40, 0.6, np.random.default_rng(2))
    comparison = compare_resamplers(
        LogisticRegression(), {"copies": RandomOverSampler()}, images, y, random_state=0
    )
    assert comparison.better[0] == "copies"
    told = f"Use {comparison.reference}, which makes no images: "
    assert comparison.reference in BASELINES[1:] and comparison.advice.startswith(told)
    beside = f" above {comparison.reference} (95 % interval -"
    assert "the highest, copies, is 0.0" in comparison.advice and beside in comparison.advice


def test_says_when_nothing_can_be_told_apart():
    images, y = two_bumps(30, 20, 0, np.random.default_rng(0))
    comparison = compare_resamplers(GaussianNB(), [], images, y, random_state=0)
    assert comparison.names == BASELINES
    assert comparison.advice.startswith("Keep the estimator as it is: no candidate is higher in ")
    assert comparison.advice in repr(comparison)


def made(scores, **conditions):
    """A comparison of scores that were not measured, of five folds, twice."""
    known = {"calibration": Calibration(0.1, 0.01), "recall": {"cat": ClassRecall(0.5, 9)}}
    return ResamplerComparison(
        names=tuple(scores),
        metric="score",
        fold_scores={"score": {name: np.asarray(each) for name, each in scores.items()}},
        test_to_train=0.25,
        recall=dict.fromkeys(scores, known["recall"]),
        calibration=dict.fromkeys(scores, known["calibration"]),
        reliability={},
        costs=dict.fromkeys(scores, Cost(1.0, math.nan, math.nan)),
        estimators={},
        failures={},
        conditions=conditions,
    )


def folds_drawn(means, rng, n=10):
    """Scores of correlated folds: what all candidates find hard, and what one does."""
    together = rng.normal(0, 0.03, n)
    return {name: mean + together + rng.normal(0, 0.02, n) for name, mean in means.items()}


EVEN = dict.fromkeys((*BASELINES, "copies", "mix"), 0.8)


def test_in_the_dark_no_candidate_that_makes_images_is_recommended():
    trials, recommended = 400, 0
    for trial in range(trials):
        advice = made(folds_drawn(EVEN, np.random.default_rng(trial))).advice
        recommended += advice.startswith(("Use copies", "Use mix"))
    assert recommended <= stats.binom.ppf(0.99, trials, 0.05)


@pytest.mark.parametrize("n_folds", [3, 5, 10])
def test_prior_correction_that_is_better_is_recommended_however_few_folds_there_are(n_folds):
    """It costs nothing: the burden of proof is on what makes images."""
    trials, recommended = 100, 0
    means = EVEN | {"none": 0.76, "prior_correction": 0.83}
    for trial in range(trials):
        found = made(folds_drawn(means, np.random.default_rng(trial), n_folds))
        recommended += found.advice.startswith("Use prior_correction, which makes no images: ")
    assert recommended >= 0.9 * trials


def test_a_candidate_that_beats_the_best_baseline_is_recommended():
    means = EVEN | {"none": 0.7, "mix": 0.9}
    found = made(folds_drawn(means, np.random.default_rng(0)))
    assert found.reference != "none"
    assert found.advice.startswith("Use mix: score 0.")
    assert f" above {found.reference}, which makes no images (95 % " in found.advice
    only_above_none = made(folds_drawn(means | {"mix": 0.8}, np.random.default_rng(0)))
    assert "mix" in only_above_none.better
    assert only_above_none.advice.startswith(f"Use {only_above_none.reference}, which makes no")


@pytest.mark.parametrize("seed", range(40))
def test_every_number_of_the_advice_stands_in_the_table(seed):
    rng = np.random.default_rng(seed)
    means = {name: rng.uniform(0.76, 0.86) for name in EVEN}
    found = made(folds_drawn(means, rng, int(rng.integers(2, 11))))
    table = " ".join(repr(found).rpartition(found.advice)[0].replace("+", "").split())
    for text in re.findall(r"(-?\d\.\d{3}) above (?:\w+)", found.advice):
        assert text in table
    for low, high in re.findall(r"interval (\S+) to (\S+), p", found.advice):
        assert f"{low} {high}" in table
    for p in re.findall(r"p = (\d\.\d{3})", found.advice):
        assert p in table
    for each in (*found.differences.values(), *found.gains.values()):
        assert (each.low > 0 or each.high < 0) == (each.p_holm < 0.05)


def test_folds_that_agree_but_are_few_give_no_interval():
    found = made({"none": [0.5] * 4, "class_weight": [0.5] * 4, "copies": [0.6] * 4})
    assert math.isnan(found.differences["copies"].low) and not found.better
    assert "the same in all folds, p = 0.250" in found.advice
    alone = made({"none": [0.5], "prior_correction": [0.6]})
    assert alone.advice == (
        "Use prior_correction, which makes no images: score 0.100 above none, in 1 of 1 fold, not "
        "distinguishable from it (one fold, which cannot rule out chance)."
    )


def test_the_recall_of_what_does_worst_and_of_what_differs_is_shown():
    means = EVEN | {f"filler {k}": 0.8 for k in range(9)} | {"harm": 0.5, "none": 0.75}
    found = made(folds_drawn(means, np.random.default_rng(0)))
    (columns,) = (line for line in repr(found).splitlines() if line.startswith("recall of"))
    for name in ("none", found.reference, "harm"):
        assert name in columns and name in of_interest(found, 8)
    assert len(of_interest(found, 8)) == 8
    best = max(found.names, key=lambda name: found.scores[name].mean())
    assert best in of_interest(found, 4)


def test_a_model_that_is_weighted_already_says_that_a_baseline_does_nothing_or_comes_twice():
    weighted = LogisticRegression(class_weight="balanced", C=1e-6)
    fixed = LogisticRegression(class_weight={"owl": 2.5, "dog": 1.6, "cat": 1}, C=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        first, second = (
            compare_resamplers(each, [RandomOverSampler()], X, Y, cv=2, random_state=0)
            for each in (weighted, fixed)
        )
    assert any("PriorCorrectedClassifier corrects nothing" in note for note in first.notes)
    assert not any("twice" in note for note in first.notes)
    (note,) = (note for note in second.notes if "corrected twice" in note)
    assert "'owl': 2.5" in note and "what RandomOverSampler returns, too" in note


def test_of_equal_baselines_it_is_the_simpler():
    assert made({name: [0.5, 0.6, 0.7] for name in BASELINES}).reference == "none"
    tied = {"none": [0.5, 0.5], "class_weight": [0.6, 0.7], "prior_correction": [0.7, 0.6]}
    assert made(tied).reference == "prior_correction"  # no dearer, and not below none


def test_a_baseline_that_cannot_be_told_from_prior_correction_does_not_take_its_place():
    """Following the advice in the dark must not cost what always correcting would have gained."""
    means = EVEN | {"none": 0.74, "class_weight": 0.785}
    trials, highest = 200, 0
    for trial in range(trials):
        found = made(folds_drawn(means, np.random.default_rng(trial)))
        assert found.reference == "prior_correction"
        score = {name: found.scores[name].mean() for name in BASELINES}
        if score["class_weight"] > score["prior_correction"]:
            highest += 1
            assert "; class_weight, 0.0" in found.advice.replace(
                "): class_weight", "); class_weight"
            )
    assert highest  # or this has shown nothing
    better = made(folds_drawn(means | {"class_weight": 0.9}, np.random.default_rng(0)))
    assert better.reference == "class_weight"
    worse = EVEN | {"none": 0.8, "prior_correction": 0.7, "class_weight": 0.75}
    assert made(folds_drawn(worse, np.random.default_rng(0))).reference == "none"


@pytest.mark.parametrize(
    ("estimator", "form", "told"),
    [
        (PIXELS, "images", "FlattenImages+GaussianNB on 60 images of 6 x 5 x 3, 2 folds, seed 4"),
        (GaussianNB(), "rows", "GaussianNB on 60 rows of numbers of 90, 2 folds, seed 4"),
        (
            sklearn_pipeline(ReadImages(size=(4, 3)), *PIXELS),
            "paths",
            "ReadImages+FlattenImages+GaussianNB on 60 images of 4 x 3, 2 folds, seed 4",
        ),
        (
            sklearn_pipeline(ReadImages(), *PIXELS),
            "paths",
            "ReadImages+FlattenImages+GaussianNB on 60 images of any size, 2 folds, seed 4",
        ),
    ],
)
def test_the_advice_says_what_it_was_measured_on_once_everywhere(estimator, form, told, tmp_path):
    held = {"images": X, "rows": X.reshape(len(X), -1), "paths": X}[form]
    held = write_images(tmp_path, X) if form == "paths" else held
    found = compare_resamplers(estimator, [], held, Y, cv=2, random_state=4)
    assert found.advice.endswith(f"Measured with {told}, imblearn_images {__version__}.")
    for text in (repr(found), found._repr_html_(), found.to_json()):
        assert text.count("Measured with") == 1
    conditions = json.loads(found.to_json())["conditions"]
    assert conditions["seed"] == 4 and conditions["version"] == __version__
    drawn = compare_resamplers(GaussianNB(), [], X, Y, cv=2)  # its seed can be used again
    again = compare_resamplers(GaussianNB(), [], X, Y, cv=2, random_state=drawn.conditions["seed"])
    np.testing.assert_array_equal(again.scores["none"], drawn.scores["none"])


# --- what is compared


def test_candidates_are_what_scikit_learn_would_score():
    estimator = LogisticRegression(C=1e-6)
    pixels = sklearn_pipeline(FlattenImages(), StandardScaler(), estimator)
    comparison = compare_resamplers(
        pixels,
        {
            "smote": SMOTE(k_neighbors=3, random_state=0),
            "both": make_pipeline(SMOTE(k_neighbors=3, random_state=0), TomekLinks()),
            "theirs": imblearn_over.SMOTE(k_neighbors=3, random_state=0),
        },
        X,
        Y,
        random_state=0,
    )
    weighted = clone(pixels).set_params(logisticregression__class_weight="balanced")
    expected = {
        "none": pixels,
        "class_weight": weighted,
        "prior_correction": PriorCorrectedClassifier(pixels, prior="uniform"),
        "smote": make_pipeline(SMOTE(k_neighbors=3, random_state=0), *pixels),
        "both": make_pipeline(SMOTE(k_neighbors=3, random_state=0), TomekLinks(), *pixels),
        "theirs": make_pipeline(SMOTE(k_neighbors=3, random_state=0), *pixels),
    }
    assert comparison.names == tuple(expected)
    for name, model in expected.items():
        scores = cross_val_score(model, X, Y, cv=folds_of(), scoring="balanced_accuracy")
        np.testing.assert_allclose(comparison.scores[name], scores, err_msg=name)
    assert len({scores.mean() for scores in comparison.scores.values()}) >= 4


def test_recall_and_calibration_are_those_of_the_predictions():
    cv = StratifiedKFold(4)
    comparison = compare_resamplers(PIXELS, [SMOTE(k_neighbors=3)], X, Y, cv=cv, random_state=0)
    predicted = cross_val_predict(PIXELS, X, Y, cv=cv)
    recalls = recall_score(Y, predicted, average=None, labels=list(COUNTS))
    for label, recall in zip(COUNTS, recalls, strict=True):
        assert comparison.recall["none"][label] == pytest.approx((recall, COUNTS[label]))
    probabilities = cross_val_predict(PIXELS, X, Y, cv=cv, method="predict_proba")
    brier, ece, _ = calibrate(probabilities, Y, sorted(COUNTS))
    assert comparison.calibration["none"] == pytest.approx((brier, ece))


class Recorder(GaussianNB):
    """Keeps, for all of its clones, what it was fitted on."""

    seen = []

    def fit(self, X, y, sample_weight=None):
        self.seen.append((np.array(X), np.array(y)))
        return super().fit(X, y, sample_weight)


def test_resampling_sees_the_training_images_of_the_fold_only():
    # Image i is black but for pixel i.
    tagged = np.eye(len(Y)).reshape(len(Y), len(Y), 1, 1)
    Recorder.seen.clear()
    cv = StratifiedKFold(3)
    compare_resamplers(Recorder(), [SMOTE(k_neighbors=2)], tagged, Y, cv=cv, random_state=0)
    folds = list(cv.split(tagged, Y))
    fits = [Recorder.seen[start : start + 3] for start in range(0, 9, 3)]
    for (train, test), seen in zip(folds, fits, strict=True):
        for pixels, _ in seen[:2]:  # the untouched one, for its correction too, and weighted
            np.testing.assert_array_equal(np.flatnonzero(pixels.any(axis=0)), train)
        smote, labels = seen[2]
        assert len(smote) > len(train) and len(set(Counter(labels).values())) == 1
        assert not smote[:, test].any()


def test_what_differs_in_the_correction_alone_is_drawn_and_fitted_once():
    drawn = []

    def draw(base, partner, step, rng):
        drawn.append(1)
        return base

    def behind(sampler, **params):
        return PriorCorrectedClassifier(make_pipeline(sampler, Recorder()), **params)

    sampler = RandomOverSampler(synthesis=draw, random_state=3)
    further = {"prior": "uniform", "model_prior": "train"}
    candidates = {
        "drawn": clone(sampler),
        "a step": behind(clone(sampler), tau=0.3, **further),
        "two steps": behind(clone(sampler), tau=0.4, **further),
        "refused": behind(clone(sampler), tau=-1),
        "another": behind(clone(sampler).set_params(random_state=4), tau=0.3, **further),
    }
    pixels = X.reshape(len(X), -1).astype(float)
    Recorder.seen.clear()
    found = compare_resamplers(Recorder(), candidates, pixels, Y, cv=2, random_state=0)
    assert len(Recorder.seen) == 2 * 4  # none and its correction, weighted, drawn, another
    assert len(drawn) == 2 * 2 * (3 * 15 - 30)
    assert "`tau` must be" in found.failures["refused"]
    assert len({found.costs[name] for name in ("drawn", "a step", "two steps")}) == 1
    fits = [found.costs[name].fit_seconds for name in ("none", "prior_correction")]
    assert fits[0] == fits[1]
    folds = make_folds(Y, None, 2, 0)[0]
    for name, candidate in candidates.items():
        if name not in found.failures:
            alone = behind(sampler, prior="train", tau=0) if name == "drawn" else candidate
            scores = [
                balanced_accuracy_score(
                    Y[test], clone(alone).fit(pixels[train], Y[train]).predict(pixels[test])
                )
                for train, test in folds
            ]
            np.testing.assert_allclose(found.scores[name], scores)


def test_images_and_their_files_and_pixels_score_alike(tmp_path):
    samplers = [SMOTE(k_neighbors=3), RandomUnderSampler()]
    paths = np.array(write_images(tmp_path, X))
    reading = sklearn_pipeline(ReadImages(), *PIXELS)
    expected = compare_resamplers(PIXELS, samplers, X, Y, cv=3, random_state=0)
    for estimator, images in (
        (reading, paths),
        (reading, paths.tolist()),
        (GaussianNB(), paths),
        (GaussianNB(), X),
        (GaussianNB(), X.reshape(len(X), -1)),
        (PIXELS, list(X)),
    ):
        found = compare_resamplers(estimator, samplers, images, Y.tolist(), cv=3, random_state=0)
        assert not found.failures
        for name in expected.names:
            np.testing.assert_allclose(found.scores[name], expected.scores[name], err_msg=name)
    assert len(list(tmp_path.iterdir())) == len(X)


def test_samplers_of_files_may_write_them(tmp_path):
    (tmp_path / "photos").mkdir()
    paths = np.array(write_images(tmp_path / "photos", X))
    reading = sklearn_pipeline(ReadImages(), *PIXELS)
    sampler = SMOTE(k_neighbors=3, output_dir=tmp_path / "children")
    found = compare_resamplers(reading, [sampler], paths, Y, cv=2, random_state=0)
    expected = compare_resamplers(PIXELS, [SMOTE(k_neighbors=3)], X, Y, cv=2, random_state=0)
    np.testing.assert_array_equal(found.scores["SMOTE"], expected.scores["SMOTE"])
    assert list((tmp_path / "children").iterdir())


def test_whole_classifiers_take_the_images_in():
    policies = [SMOTE(k_neighbors=3, random_state=0), RandomUnderSampler(random_state=0)]
    votes = VotingClassifier(
        [(f"p{k}", make_pipeline(each, *PIXELS)) for k, each in enumerate(policies)], voting="soft"
    )
    comparison = compare_resamplers(PIXELS, {"mean of both": votes}, X, Y, random_state=0)
    scores = cross_val_score(votes, X, Y, cv=folds_of(), scoring="balanced_accuracy")
    np.testing.assert_array_equal(comparison.scores["mean of both"], scores)
    assert math.isnan(comparison.costs["mean of both"].resampling_seconds)
    helped = compare_resamplers(votes, [], X, Y, cv=folds_of(), random_state=0)
    np.testing.assert_array_equal(helped.scores["none"], scores)


def test_the_compared_estimator_can_be_fitted_on_all_images():
    comparison = compare_resamplers(PIXELS, [SMOTE(k_neighbors=3)], X, Y, random_state=0)
    for estimator in comparison.estimators.values():
        assert estimator.fit(X, Y).predict(X[:3]).shape == (3,)
    assert comparison.estimators["SMOTE"][0].random_state == 0
    assert comparison.estimators["SMOTE"][0].plan_ is not None


# --- folds


def test_groups_stay_together():
    groups = np.arange(len(Y)) // 3
    Recorder.seen.clear()
    tagged = np.eye(len(Y)).reshape(len(Y), len(Y), 1, 1)
    comparison = compare_resamplers(
        Recorder(), [RandomOverSampler()], tagged, Y, groups=groups, random_state=0
    )
    assert comparison.notes == ("4 folds instead of 5: class 'owl' has 4 groups of images",)
    assert comparison.n_folds == 8
    for pixels, _ in Recorder.seen:
        trained = pixels.any(axis=0)
        assert not set(groups[trained]) & set(groups[~trained])


def test_folds_that_divide_a_group_are_refused():
    groups = np.arange(len(Y)) // 3
    with pytest.raises(ValueError, match=r"trains and tests on group \d+.*StratifiedGroupKFold"):
        compare_resamplers(PIXELS, [], X, Y, cv=folds_of(), groups=groups)


def test_fewer_folds_for_a_small_class_and_said_so():
    rows = np.r_[0:30, 30:48, 48:51]
    comparison = compare_resamplers(PIXELS, [], X[rows], Y[rows], random_state=0)
    assert comparison.n_folds == 6
    assert "3 folds instead of 5: class 'owl' has 3 images" in repr(comparison)


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (slice(0, 49), {}, "Class 'owl' has 1 image: it cannot be both trained on and tested"),
        (
            slice(0, 51),
            {"cv": 5},
            "`cv` must suit every class, got 5: 3 folds .* class 'owl' has 3 images",
        ),
        (slice(0, 51), {"cv": StratifiedKFold(5)}, "Class 'owl' has 3 images, too few"),
        (slice(None), {"groups": Y}, "Class 'cat' has 1 group of images"),
        (slice(None), {"cv": GroupKFold(3), "groups": Y}, "'cat' has 30 images.*smaller groups"),
        (slice(None), {"cv": 1}, "at least 2 folds"),
        (slice(None), {"cv": [(np.arange(60), np.arange(9))]}, "trains and tests on image 0"),
    ],
)
def test_folds_that_cannot_be_are_refused(rows, options, message):
    options = {key: value[rows] if key == "groups" else value for key, value in options.items()}
    with pytest.raises(ValueError, match=message):
        compare_resamplers(PIXELS, [], X[rows], Y[rows], **options)


def test_a_class_that_a_fold_does_not_test_is_noted():
    groups = np.r_[np.arange(48) % 4, np.repeat([0, 1], 6)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's own: there is no recall of that class
        comparison = compare_resamplers(
            PIXELS, [], X, Y, cv=GroupKFold(4), groups=groups, random_state=0
        )
    assert "2 of 4 folds have no test image of class 'owl'" in comparison.notes[0]


# --- parallel, progress, interruption, failures


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_jobs_change_nothing(backend):
    samplers = [SMOTE(k_neighbors=3), RandomUnderSampler()]
    expected = compare_resamplers(PIXELS, samplers, X, Y, random_state=3)
    with joblib.parallel_config(backend):
        found = compare_resamplers(PIXELS, samplers, X, Y, random_state=3, n_jobs=2)
    assert found.differences == expected.differences
    assert found.recall == expected.recall and found.calibration == expected.calibration
    for name in expected.names:
        np.testing.assert_array_equal(found.scores[name], expected.scores[name])
    if backend == "threading":
        assert math.isnan(found.costs["SMOTE"].peak_bytes)


def test_backends_without_generators_are_served(monkeypatch):
    monkeypatch.setattr(
        joblib.parallel.ThreadingBackend, "supports_return_generator", False, raising=False
    )
    with joblib.parallel_config("threading"):
        found = compare_resamplers(PIXELS, [], X, Y, cv=2, random_state=0, n_jobs=2)
    assert found.n_folds == 2


def interrupting(after):
    fits = []

    def resample(X, y):
        fits.append(1)
        if len(fits) > after:
            raise KeyboardInterrupt
        return X[::2], y[::2]

    return FunctionSampler(func=resample)


def test_interrupted_it_keeps_the_complete_folds():
    expected = compare_resamplers(PIXELS, [], X, Y, random_state=0)
    found = compare_resamplers(PIXELS, {"stop": interrupting(3)}, X, Y, random_state=0)
    assert found.interrupted and found.n_folds == 3
    assert "interrupted: 3 of 10 folds are complete" in repr(found)
    np.testing.assert_array_equal(found.scores["none"], expected.scores["none"][:3])
    assert np.isfinite(found.differences["stop"].p)
    with pytest.raises(KeyboardInterrupt):
        compare_resamplers(PIXELS, {"stop": interrupting(0)}, X, Y, random_state=0)


class Moody(ClassifierMixin, BaseEstimator):
    """Fails on a fold that lacks image 0."""

    def fit(self, X, y):
        if not (X == IMAGE_0).all(axis=1).any():
            raise RuntimeError("not\nin the mood")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.resize(self.classes_, len(X))


IMAGE_0 = X[0].ravel()


def test_a_failing_candidate_is_named_and_the_others_go_on():
    moody = sklearn_pipeline(FlattenImages(), Moody())
    greedy = SMOTE(k_neighbors=50)
    comparison = compare_resamplers(
        PIXELS,
        {"moody": moody, "greedy": greedy, "fine": RandomOverSampler()},
        X,
        Y,
        random_state=0,
    )
    assert comparison.names == (*BASELINES, "fine")
    assert "RuntimeError: not in the mood" in comparison.failures["moody"]
    assert comparison.failures["moody"].startswith("fold ")
    assert "n_samples" in comparison.failures["greedy"]
    assert "no result for moody: fold " in repr(comparison)
    with pytest.raises(ValueError, match=r"fails without any resampling.*not in the mood"):
        compare_resamplers(moody, [], X, Y)


@pytest.mark.parametrize(
    ("estimator", "missing"),
    [
        (KNeighborsClassifier(), {"class_weight": "no parameter class_weight"}),
        (LinearSVC(max_iter=20_000), {"prior_correction": "no predict_proba"}),
        (GaussianNB(), {}),
    ],
)
def test_baselines_that_cannot_be_say_why(estimator, missing):
    comparison = compare_resamplers(
        sklearn_pipeline(FlattenImages(), StandardScaler(), estimator), [], X, Y, cv=2
    )
    assert comparison.failures.keys() == missing.keys()
    for name, reason in missing.items():
        assert reason in comparison.failures[name]
        assert f"no result for {name}: " in repr(comparison)


def test_class_weights_reach_the_classifier_inside_a_search():
    search = GridSearchCV(
        sklearn_pipeline(StandardScaler(), LogisticRegression()),
        {"logisticregression__C": [1e-6]},
        cv=2,
    )
    comparison = compare_resamplers(search, [], X, Y, cv=2, random_state=0)
    inner = comparison.estimators["class_weight"].get_params()
    assert inner["estimator__estimator__logisticregression__class_weight"] == "balanced"
    assert comparison.recall["class_weight"]["owl"].recall > 0


def test_warnings_of_fits_are_counted_once():
    short = sklearn_pipeline(FlattenImages(), LogisticRegression(max_iter=1))
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        comparison = compare_resamplers(short, [], X, Y, cv=2, random_state=0)
    notes = [note for note in comparison.notes if "ConvergenceWarning" in note]
    assert len(notes) == 1 and notes[0].startswith("6 of 6 fits warned")


def test_progress_is_shown_where_wanted(capsys, monkeypatch, on_a_screen):
    pytest.importorskip("tqdm")
    compare_resamplers(PIXELS, [], X, Y, cv=2)
    assert capsys.readouterr().err == ""
    compare_resamplers(PIXELS, [], X, Y, cv=2, verbose=1)
    assert "6/6" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "tqdm", None)
    _say_what_is_missing.cache_clear()
    compare_resamplers(PIXELS, [], X, Y, cv=2, verbose=1)
    said = "No progress bar: tqdm is not installed. Install it: pip install tqdm\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(
    ("resamplers", "error", "message"),
    [
        (["smote"], ValueError, "'smote' is unknown.*'none', 'class_weight'"),
        ([SMOTE], TypeError, r"is a class. Pass an instance, such as SMOTE\(\)"),
        ([StandardScaler()], TypeError, "must be a sampler .* or a classifier"),
        ({"none": SMOTE()}, ValueError, "'none' is the name of a baseline"),
        (SMOTE(), TypeError, "`resamplers` must be a list"),
        ("none", TypeError, "`resamplers` must be a list"),
        (make_pipeline(SMOTE(), TomekLinks()), TypeError, "`resamplers` must be a list"),
    ],
)
def test_what_is_no_candidate_is_refused(resamplers, error, message):
    with pytest.raises(error, match=message):
        compare_resamplers(PIXELS, resamplers, X, Y)


def test_what_are_no_images_or_labels_is_refused():
    with pytest.raises(ValueError, match="59 labels in y"):
        compare_resamplers(PIXELS, [], X, Y[:-1])
    with pytest.raises(ValueError, match="missing labels"):
        compare_resamplers(PIXELS, [], X, [None, *Y[1:]])
    with pytest.raises(ValueError, match="`groups` has 2 values, there are 60 images in X"):
        compare_resamplers(PIXELS, [], X, Y, groups=[1, 2])


# --- the result


@pytest.fixture(scope="module")
def comparison():
    return compare_resamplers(
        PIXELS,
        {"<b>": SMOTE(k_neighbors=3), "greedy": SMOTE(k_neighbors=50)},
        X,
        Y,
        scoring=["balanced_accuracy", "f1_macro"],
        random_state=0,
    )


def test_every_metric_has_its_comparison(comparison):
    assert comparison.metric == "balanced_accuracy"
    other = comparison.by("f1_macro")
    assert other.by("balanced_accuracy").differences == comparison.differences
    assert other.differences != comparison.differences and "f1_macro" in other.advice
    expected = cross_val_score(PIXELS, X, Y, cv=folds_of(), scoring="f1_macro")
    np.testing.assert_array_equal(other.scores["none"], expected)
    with pytest.raises(
        ValueError, match=r"`metric` must be one that was computed, \['balanced_accuracy', "
    ):
        comparison.by("accuracy")


@pytest.mark.parametrize(
    ("scoring", "names"),
    [
        ("accuracy", ["accuracy"]),
        (("accuracy", "neg_log_loss"), ["accuracy", "neg_log_loss"]),
        ({"kappa": make_scorer(cohen_kappa_score)}, ["kappa"]),
        (make_scorer(cohen_kappa_score), ["cohen_kappa_score"]),
        (
            make_scorer(geometric_mean_score, correction=0.1, pos_label=None),
            ["geometric_mean_score"],
        ),
        (
            make_scorer(log_loss, greater_is_better=False, response_method="predict_proba"),
            ["log_loss"],
        ),
        (lambda model, X, y: model.score(X, y), ["<lambda>"]),
    ],
)
def test_metrics_are_given_as_to_cross_validate(scoring, names):
    comparison = compare_resamplers(PIXELS, [], X, Y, cv=2, scoring=scoring, random_state=0)
    assert list(comparison.fold_scores) == names and comparison.metric == names[0]


def test_test_images_are_asked_about_once():
    asked = Counter()

    class Counting(GaussianNB):
        def predict(self, X):
            asked["predict"] += 1
            return super().predict(X)

        def predict_proba(self, X):
            asked["predict_proba"] += 1
            return super().predict_proba(X)

    scoring = ["balanced_accuracy", "accuracy", "neg_log_loss", "roc_auc_ovr"]
    compare_resamplers(Counting(), ["none"], X, Y, cv=2, scoring=scoring)
    assert asked == {"predict_proba": 2 * 3 + 2, "predict": 2 * 2}  # labels by corrected ones


def test_seconds_and_memory_are_those_of_resampling():
    extra = 40_000_000

    def wasteful(X, y):
        np.ones(extra, dtype=np.uint8)
        return X, y

    samplers = {"wasteful": FunctionSampler(func=wasteful), "copies": RandomOverSampler()}
    comparison = compare_resamplers(PIXELS, samplers, X, Y, cv=2, random_state=0)
    costs = comparison.costs
    assert extra <= costs["wasteful"].peak_bytes < 1.1 * extra
    assert costs["copies"].peak_bytes < 1e6
    assert 0 < costs["wasteful"].resampling_seconds < costs["wasteful"].fit_seconds
    assert math.isnan(costs["none"].peak_bytes) and not tracemalloc.is_tracing()


def test_tables_for_people(comparison):
    text = repr(comparison)
    assert "balanced_accuracy on 10 folds of 60 images" in text
    assert "no result for greedy: fold 1 of 10: ValueError: " in text
    scores = comparison.scores["<b>"]
    assert f"{scores.mean():.3f} +- {scores.std(ddof=1):.3f}" in text
    assert max(len(line) for line in text.splitlines()[:9]) <= 120
    html = comparison._repr_html_()
    assert "&lt;b&gt;" in html and "<td><b></td>" not in html and comparison.advice in html


def test_tables_for_programs(comparison):
    found = json.loads(comparison.to_json())
    assert found["advice"] == comparison.advice and "greedy" in found["failures"]
    by_name = {row["candidate"]: row for row in found["candidates"]}
    assert by_name["<b>"]["p_holm"] == comparison.differences["<b>"].p_holm
    assert by_name["none"]["difference"] is None
    assert len(found["scores"]) == 2 * 4 * 10
    pd = pytest.importorskip("pandas")
    summary = comparison.to_frame().set_index("candidate")
    assert summary.loc["<b>", "mean"] == comparison.scores["<b>"].mean()
    assert "ValueError" in summary.loc["greedy", "reason"]
    folds = comparison.to_frame("folds")
    means = folds.groupby(["metric", "candidate"])["score"].mean()
    assert means["balanced_accuracy", "none"] == pytest.approx(comparison.scores["none"].mean())
    assert isinstance(comparison.to_frame("recall"), pd.DataFrame)
    with pytest.raises(ValueError, match=r"`what` must be .* got 'fold'"):
        comparison.to_frame("fold")


def test_to_frame_names_its_extra(comparison, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"imblearn-images\[pandas\]"):
        comparison.to_frame()


def test_the_default_candidates_are_the_recipes_and_their_ensembles(monkeypatch):
    many = []
    original = RedrawImages.fit_resample

    def counting(self, X, y, **params):
        many.append(self.times)
        return original(self, X, y, **params)

    monkeypatch.setattr(RedrawImages, "fit_resample", counting)
    images, labels = load_texture_patches(return_X_y=True, size=12)
    rows = np.random.default_rng(0).permutation(len(labels))[:80]
    images, labels = images[rows], labels[rows]
    model = make_pipeline(HOGFeatures(), LogisticRegression())
    found = compare_resamplers(model, "default", images, labels, cv=2, random_state=0)
    assert found.names == (*BASELINES, "mild", "transfer", "mix", "many", "pair", "policies")
    assert many.count(8) == 2  # once in each fold, for all three that use them
    for words in (["pair", "policies"], ["policies", "many", "pair"]):
        many.clear()
        compare_resamplers(model, words, images, labels, cv=2, random_state=0)
        assert many.count(8) == 2
    corrected = found.estimators["many"]
    assert isinstance(corrected, PriorCorrectedClassifier) and corrected.prior == "uniform"
    assert corrected.estimator[0].lazy and corrected.estimator[0].keep
    assert corrected.estimator[-1][-1].C == 1 / 9  # an image and its pictures weigh as one
    train, test = make_folds(labels, None, 2, 0)[0][0]
    for word in ("pair", "policies"):  # fits that are shared answer as those of their own
        ensemble = found.estimators[word]
        assert isinstance(ensemble, PolicyEnsembleClassifier) and ensemble.random_state == 0
        expected = balanced_accuracy_score(
            labels[test], clone(ensemble).fit(images[train], labels[train]).predict(images[test])
        )
        assert found.scores[word][0] == pytest.approx(expected)
    assert found.estimators["pair"].screen is None
    table = images.reshape(len(images), -1)
    rows_alone = compare_resamplers(GaussianNB(), ["policies"], table, labels, cv=2)
    assert rows_alone.names[3:] == ("policies",)


def priced(scores, seconds):
    """A comparison of these scores and seconds of a fit."""
    found = made(scores)
    costs = {name: Cost(seconds[name], np.nan, np.nan) for name in found.names}
    return replace(found, costs=costs)


def test_the_advice_says_what_it_costs_and_what_is_cheaper_and_as_good():
    rng = np.random.default_rng(0)
    base = rng.normal(0.6, 0.01, 10)
    scores = {name: base + rng.normal(0, 0.001, 10) for name in BASELINES}
    scores |= {"mix": base + 0.1 + rng.normal(0, 0.001, 10)}
    scores |= {"many": scores["mix"] - rng.normal(0, 0.001, 10) - 0.0001}
    seconds = dict.fromkeys(BASELINES, 0.1) | {"mix": 2.0, "many": 1.0}
    found = priced(scores, seconds)
    best, other = sorted(("mix", "many"), key=lambda name: -scores[name].mean())
    assert found.recommended == best and found.advice.startswith(f"Use {best}: ")
    assert f", for {seconds[best]:.2f} s a fit instead of 0.10 s" in found.advice
    if seconds[other] < seconds[best]:
        assert found.cheapest == other
        assert (
            f"; {other}, {seconds[other]:.2f} s a fit, is not distinguishable from it."
            in found.advice
        )
    else:
        assert found.cheapest == "" and "cannot be told" not in found.advice
    turned = priced(scores, dict.fromkeys(BASELINES, 0.1) | {best: 2.0, other: 1.0})
    assert turned.cheapest == other
    worse = priced({name: scores[name] for name in BASELINES} | {"mix": base - 0.1}, seconds)
    assert worse.recommended == worse.reference


def test_a_metric_without_a_value_does_not_decide():
    def of_rare(fitted, images, y):  # no value where nothing is taken for rare
        return np.nan if len(set(fitted.predict(images))) < 3 else 0.5

    def never(fitted, images, y):
        return np.nan

    common = sklearn_pipeline(FlattenImages(), DummyClassifier())
    found = compare_resamplers(
        KNeighborsClassifier(1), {"common": common}, X, Y, cv=2, scoring=of_rare, random_state=0
    )
    assert "got nan for 'of_rare' on the test images" in found.failures["common"]
    assert found.scores["none"].tolist() == [0.5, 0.5]
    second = {"accuracy": "accuracy", "never": never}
    found = compare_resamplers(PIXELS, [], X, Y, cv=2, scoring=second, random_state=0)
    assert np.isfinite(found.scores["none"]).all()
    with pytest.raises(ValueError, match="`scoring` must return a number, got nan for 'never'"):
        compare_resamplers(PIXELS, [], X, Y, cv=2, scoring=never, random_state=0)


@pytest.mark.parametrize("wrong", [None, GaussianNB, StandardScaler()])
def test_what_is_no_classifier_is_refused(wrong):
    with pytest.raises(TypeError, match="`estimator` must be a classifier object"):
        compare_resamplers(wrong, [], X, Y)
