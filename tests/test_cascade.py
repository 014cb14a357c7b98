"""The cascade: products along the paths of a tree."""

import numpy as np
import pytest
from conftest import make_images, make_labels
from imblearn.pipeline import make_pipeline
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import OneClassSVM

from imblearn_images import RandomOverSampler, RandomUnderSampler
from imblearn_images.decision import (
    CascadeClassifier,
    MinorityDetector,
    PriorCorrectedClassifier,
)

COUNTS = {"good": 60, "crack": 20, "dent": 14, "scratch": 10}
Y = make_labels(COUNTS)
X = make_images(len(Y), (5, 4), "float64") + np.searchsorted(sorted(COUNTS), Y)[:, None, None] / 8
FLAT = X.reshape(len(Y), -1)
TREE = {"good": "good", "defect": {"scratch": "scratch", "area": ["crack", "dent"]}}


def test_probabilities_multiply_along_the_path():
    cascade = CascadeClassifier(GaussianNB(), hierarchy=TREE).fit(X, Y)
    assert list(cascade.classes_) == ["crack", "dent", "good", "scratch"]

    def asked(of, against):
        rows = np.isin(Y, [*of, *against])
        model = GaussianNB().fit(FLAT[rows], np.isin(Y[rows], against).astype(int))
        return model.predict_proba(FLAT).T

    good, defect = asked(["good"], ["crack", "dent", "scratch"])
    scratch, area = asked(["scratch"], ["crack", "dent"])
    crack, dent = asked(["crack"], ["dent"])
    expected = [defect * area * crack, defect * area * dent, good, defect * scratch]
    np.testing.assert_allclose(cascade.predict_proba(X), np.transpose(expected))
    np.testing.assert_allclose(cascade.predict_proba(X).sum(axis=1), 1)
    np.testing.assert_array_equal(cascade.predict(X), cascade.classes_[np.argmax(expected, axis=0)])


@pytest.mark.parametrize(
    ("hierarchy", "branches"),
    [
        (
            TREE,
            {
                "root": [["good"], ["scratch", "crack", "dent"]],
                "defect": [["scratch"], ["crack", "dent"]],
                "area": [["crack"], ["dent"]],
            },
        ),
        (
            ("good", ("scratch", "dent"), "crack"),
            {"root": [["good"], ["scratch", "dent"], ["crack"]], "root/1": [["scratch"], ["dent"]]},
        ),
        (
            None,
            {
                "root": [["good"], ["crack", "dent", "scratch"]],
                "root/1": [["crack"], ["dent"], ["scratch"]],
            },
        ),
        (
            "frequency",
            {
                "root": [["good"], ["crack", "dent", "scratch"]],
                "root/1": [["crack"], ["dent", "scratch"]],
                "root/1/1": [["dent"], ["scratch"]],
            },
        ),
        (  # an unknown label, a branch with nothing in it, and nodes without a choice
            [["good"], ["stain"], [["crack", ["dent"]], "scratch"]],
            {
                "root": [["good"], ["crack", "dent", "scratch"]],
                "root/2": [["crack", "dent"], ["scratch"]],
                "root/2/0": [["crack"], ["dent"]],
            },
        ),
    ],
    ids=["names", "tuples", "None", "frequency", "pruned"],
)
def test_the_tree_is_what_was_asked_for(hierarchy, branches):
    cascade = CascadeClassifier(GaussianNB(), hierarchy=hierarchy).fit(X, Y)
    assert cascade.branches_ == branches
    assert list(cascade.nodes_) == list(branches)
    np.testing.assert_allclose(cascade.predict_proba(X).sum(axis=1), 1)


@pytest.mark.parametrize("counts", [[50, 30, 10, 6, 4], [10] * 8, [1000, 1], [5, 5, 5]])
def test_frequency_cuts_where_both_sides_weigh_most_nearly_the_same(counts):
    y = np.repeat(np.arange(len(counts)), counts)
    rows = np.random.default_rng(0).normal(size=(len(y), 2)) + y[:, None]
    branches = CascadeClassifier(GaussianNB(), hierarchy="frequency").fit(rows, y).branches_
    assert len(branches) == len(counts) - 1
    for left, right in branches.values():
        order = [*left, *right]
        sizes = np.array([counts[label] for label in order])
        assert (np.diff(sizes) <= 0).all()
        apart = [abs(sizes[:cut].sum() - sizes[cut:].sum()) for cut in range(1, len(sizes))]
        assert apart[len(left) - 1] == min(apart)


def test_one_node_of_all_classes_is_the_estimator_itself():
    flat = CascadeClassifier(GaussianNB(), hierarchy=sorted(COUNTS)).fit(X, Y)
    np.testing.assert_allclose(
        flat.predict_proba(X), GaussianNB().fit(FLAT, Y).predict_proba(FLAT), atol=1e-12
    )


class Spy(ClassifierMixin, BaseEstimator):
    seen = {}

    def fit(self, X, y):
        Spy.seen[len(Spy.seen)] = np.bincount(y).tolist()
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


@pytest.mark.parametrize(
    ("resampler", "seen"),
    [
        (None, [[60, 44], [10, 34], [20, 14]]),
        (RandomOverSampler(), [[60, 60], [34, 34], [20, 20]]),
        (RandomUnderSampler(), [[44, 44], [10, 10], [14, 14]]),
        (
            {"root": RandomUnderSampler(), "area": RandomOverSampler()},
            [[44, 44], [10, 34], [20, 20]],
        ),
    ],
    ids=str,
)
def test_every_node_resamples_its_own_images(resampler, seen):
    Spy.seen.clear()
    cascade = CascadeClassifier(Spy(), hierarchy=TREE, resampler=resampler).fit(X, Y)
    assert list(Spy.seen.values()) == seen
    np.testing.assert_allclose(cascade.predict_proba(X[:1]), [[1 / 8, 1 / 8, 1 / 2, 1 / 4]])


def test_nodes_are_repaired_by_prior_correction():
    model = LogisticRegression(C=np.inf, max_iter=10_000)
    plain = CascadeClassifier(model).fit(FLAT[:, :3], Y).predict_proba(FLAT[:, :3])
    bent = make_pipeline(RandomOverSampler(random_state=0), model)
    errors = [
        np.abs(
            CascadeClassifier(node).fit(FLAT[:, :3], Y).predict_proba(FLAT[:, :3]) - plain
        ).mean()
        for node in (bent, PriorCorrectedClassifier(bent))
    ]
    assert errors[1] < 0.6 * errors[0]


def test_a_detector_can_be_the_classifier_of_nodes_with_two_branches():
    cascade = CascadeClassifier(MinorityDetector(OneClassSVM()), hierarchy="frequency").fit(X, Y)
    np.testing.assert_allclose(cascade.predict_proba(X).sum(axis=1), 1)


def test_numbers_are_labels_too():
    y = np.searchsorted(sorted(COUNTS), Y)
    cascade = CascadeClassifier(GaussianNB(), hierarchy=(2, (3, [0, 1]))).fit(X, y)
    assert cascade.branches_["root"] == [[2], [3, 0, 1]]
    assert cascade.score(X, y) > 0.4


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"hierarchy": ("good", "crack")}, r"\['dent', 'scratch'\]\.$"),
        ({"hierarchy": ("good", ("crack", "dent"), ["scratch", "dent"])}, r"\['dent'\]\.$"),
        ({"hierarchy": "majority"}, "`hierarchy` must be None, 'frequency'.*'majority'"),
        ({"hierarchy": 3}, "`hierarchy` must be"),
        (
            {"hierarchy": [{"a": ["good", "dent"]}, {"a": ["crack", "scratch"]}]},
            "different names of nodes, got 'a' twice",
        ),
        (
            {"hierarchy": TREE, "resampler": {"defects": RandomOverSampler()}},
            r"nodes of the hierarchy, \['root', 'defect', 'area'\], got \['defects'\]",
        ),
    ],
)
def test_bad_trees_are_named(params, match):
    with pytest.raises(ValueError, match=match):
        CascadeClassifier(GaussianNB(), **params).fit(X, Y)


def test_weights_and_a_resampler_are_refused_together():
    cascade = CascadeClassifier(GaussianNB(), resampler=RandomOverSampler())
    with pytest.raises(ValueError, match="resampled images have no weights"):
        cascade.fit(X, Y, sample_weight=np.ones(len(Y)))
