"""What all classifiers of decisions share: checks, images, paths, weights, a whole life."""

import pickle
from collections import Counter
from functools import partial

import numpy as np
import pytest
from conftest import make_images, make_labels, write_images
from imblearn.pipeline import make_pipeline
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import estimator_checks_generator

from imblearn_images import SMOTE, RandomOverSampler, decision
from imblearn_images.decision import (
    CascadeClassifier,
    MinorityDetector,
    PriorCorrectedClassifier,
    PriorCorrectedClassifierCV,
    TestTimeAugmentationClassifier,
    TunedThresholdsClassifier,
)
from imblearn_images.ensemble import PolicyEnsembleClassifier
from imblearn_images.model_selection import compare_resamplers
from imblearn_images.preprocessing import FlattenImages, ReadImages

COUNTS = {"cat": 24, "dog": 12, "owl": 8}
Y = make_labels(COUNTS)
mirror = partial(np.flip, axis=-1)


def images(shape=(6, 5), dtype="uint8"):
    X = make_images(len(Y), shape, dtype)
    X[Y == "owl"] //= 2  # something to learn
    X[Y == "dog"] //= 4
    return X


# --- scikit-learn's checks

CHECKED = [
    PriorCorrectedClassifier(LogisticRegression()),
    PriorCorrectedClassifier(GaussianNB(), prior="uniform", tau=0.5),
    PriorCorrectedClassifierCV(LogisticRegression(), cv=3),
    TunedThresholdsClassifier(LogisticRegression(), cv=2, thresholds=5),
    CascadeClassifier(LogisticRegression()),
    CascadeClassifier(GaussianNB(), hierarchy="frequency"),
    MinorityDetector(OneClassSVM()),
    TestTimeAugmentationClassifier(LogisticRegression(), [np.copy]),
]
EXCUSED = {
    # scikit-learn excuses its TunedThresholdClassifierCV from it, too: it is not argmax
    TunedThresholdsClassifier: {"check_classifiers_train"},
    # weights are not repetitions where folds are drawn
    PriorCorrectedClassifierCV: {
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
    },
    # out-of-fold by design, as its TargetEncoder: fit_transform is not fit and transform
    MinorityDetector: {"check_transformer_general", "check_transformer_data_not_an_array"},
}
CHECKS = [pair for estimator in CHECKED for pair in estimator_checks_generator(estimator)]


def name_of(check):
    return check.func.__name__ if hasattr(check, "func") else type(check).__name__


# The checks take the defaults, and classes of one size: there is nothing to correct.
@pytest.mark.filterwarnings("ignore:PriorCorrectedClassifier corrects nothing")
@pytest.mark.parametrize(("estimator", "check"), CHECKS, ids=name_of)
def test_check(estimator, check):
    if name_of(check) in EXCUSED.get(type(estimator), ()):
        pytest.skip("by design")
    check(estimator)


def test_no_class_and_no_check_was_left_out():
    """One wrong tag switches checks off without a word."""
    ran = Counter(type(estimator).__name__ for estimator, _ in CHECKS)
    assert set(ran) == set(decision.__all__)
    names = (name_of(check) for _, check in estimator_checks_generator(GaussianNB()))
    theirs = Counter(name for name in names if "array_api" not in name)
    for estimator in CHECKED:
        ours = Counter(name_of(check) for _, check in estimator_checks_generator(estimator))
        weightless = isinstance(estimator, MinorityDetector)
        missing = {name for name in theirs - ours if not (weightless and "weight" in name)}
        assert not missing, estimator


# --- images and paths

PIPE = make_pipeline(RandomOverSampler(random_state=0), ReadImages(), FlattenImages(), GaussianNB())
VOTES = VotingClassifier(
    [("copies", PIPE), ("none", make_pipeline(ReadImages(), FlattenImages(), GaussianNB()))],
    voting="soft",
)
WRAPPERS = [
    PriorCorrectedClassifier(GaussianNB(), prior="uniform"),
    PriorCorrectedClassifier(PIPE),
    PriorCorrectedClassifier(VOTES, prior="uniform", model_prior="train", tau=0.3),
    TunedThresholdsClassifier(GaussianNB(), cv=2, thresholds=5),
    TunedThresholdsClassifier(PIPE, cv=2, thresholds=5),
    CascadeClassifier(GaussianNB()),
    CascadeClassifier(PIPE, hierarchy="frequency"),
    CascadeClassifier(GaussianNB(), resampler=RandomOverSampler(random_state=0)),
    MinorityDetector(OneClassSVM(), rare="owl", cv=2),
    MinorityDetector(make_pipeline(ReadImages(), FlattenImages(), OneClassSVM()), rare="owl"),
    TestTimeAugmentationClassifier(GaussianNB(), [mirror]),
    TestTimeAugmentationClassifier(PIPE, [mirror]),
    TestTimeAugmentationClassifier(VOTES, [mirror]),
]
cases = pytest.mark.parametrize("wrapper", WRAPPERS, ids=lambda one: type(one).__name__)


@pytest.mark.parametrize("rare", ["owl", 0])
def test_answers_that_are_no_labels_of_y_are_not_scored(rare):
    """True is not the label 1."""
    y = Y if rare == "owl" else np.unique(Y, return_inverse=True)[1]
    one, X = MinorityDetector(OneClassSVM(), rare=rare, cv=2), images()
    for wrapper in (
        PriorCorrectedClassifier(one, prior="uniform"),
        PriorCorrectedClassifierCV(one, cv=2),
        TunedThresholdsClassifier(one, cv=2),
        PolicyEnsembleClassifier(one, [("alone", None, None)], cv=2),
    ):
        with pytest.raises(ValueError, match=r"must answer with labels of y, got \[False, True\]"):
            wrapper.fit(X, y)
    found = compare_resamplers(GaussianNB(), {"rare": one}, X, y, cv=2, random_state=0)
    assert "Pass `y == rare`, and `rare=True`." in found.failures["rare"]
    found = compare_resamplers(
        clone(one).set_params(rare=True), [], X, y == rare, cv=2, random_state=0
    )
    assert found.scores["none"].min() >= 0


@cases
def test_images_files_and_flattened_pixels_give_the_same(wrapper, tmp_path):
    X = images()
    before = X.copy()
    wrapper = clone(wrapper)
    expected = wrapper.fit(X, Y).predict_proba(X)
    assert expected.shape == (len(Y), len(wrapper.classes_))
    np.testing.assert_allclose(expected.sum(axis=1), 1)
    assert wrapper.predict(X).shape == (len(Y),)
    np.testing.assert_array_equal(X, before)
    paths = write_images(tmp_path, X)
    for held in (paths, np.array(paths), np.array(paths, dtype=object)[:, None]):
        wrapper = clone(wrapper).fit(held, Y)
        np.testing.assert_allclose(wrapper.predict_proba(held), expected, rtol=1e-9, atol=1e-12)
    if not isinstance(wrapper, TestTimeAugmentationClassifier):  # rows of pixels have no sides
        rows = X.reshape(len(X), -1)
        flat = clone(wrapper).fit(rows, Y).predict_proba(rows)
        np.testing.assert_allclose(flat, expected, rtol=1e-9, atol=1e-12)


@cases
def test_colour_images_are_taken(wrapper):
    X = images((4, 5, 3))
    assert clone(wrapper).fit(X, Y).predict_proba(X).shape[0] == len(Y)


@cases
def test_a_pickle_answers_as_the_original_and_a_clone_is_unfitted(wrapper):
    X = images()
    wrapper = clone(wrapper).fit(X, Y)
    twin = pickle.loads(pickle.dumps(wrapper))
    np.testing.assert_array_equal(twin.predict_proba(X), wrapper.predict_proba(X))
    assert not hasattr(clone(wrapper), "classes_")


@cases
def test_it_is_scored_inside_cross_validation_and_drawn(wrapper):
    y = Y == "owl" if isinstance(wrapper, MinorityDetector) else Y
    wrapper = clone(wrapper).set_params(rare=None) if y.dtype == bool else wrapper
    scores = cross_val_score(wrapper, images(), y, cv=2, scoring="neg_log_loss")
    assert np.isfinite(scores).all()
    assert type(wrapper).__name__ in wrapper._repr_html_()


@pytest.mark.parametrize("size", [None, (4, 4)])
def test_soft_voting_over_pipelines_needs_no_class_of_ours(size, tmp_path):
    X = images()
    pipes = [
        make_pipeline(*samplers, ReadImages(size=size), FlattenImages(), GaussianNB())
        for samplers in ([], [RandomOverSampler(random_state=0)], [SMOTE(random_state=0)])
    ]
    voting = VotingClassifier([(str(k), pipe) for k, pipe in enumerate(pipes)], voting="soft")
    answers = voting.fit(X, Y).predict_proba(X)
    mean = np.mean([clone(pipe).fit(X, Y).predict_proba(X) for pipe in pipes], axis=0)
    np.testing.assert_allclose(answers, mean)
    paths = write_images(tmp_path, X)
    voting.set_params(**{"2": "drop"})  # SMOTE writes files where it gets paths
    of_files = voting.fit(paths, Y).predict_proba(paths)
    np.testing.assert_allclose(of_files, voting.fit(X, Y).predict_proba(X))


# --- weights and other metadata

TAKES_WEIGHTS = [
    PriorCorrectedClassifier(LogisticRegression(), prior="uniform"),
    PriorCorrectedClassifierCV(LogisticRegression(), cv=3),
    TunedThresholdsClassifier(LogisticRegression(), cv=2, thresholds=5),
    CascadeClassifier(LogisticRegression()),
    TestTimeAugmentationClassifier(LogisticRegression(), [mirror]),
]
weighted = pytest.mark.parametrize("wrapper", TAKES_WEIGHTS, ids=lambda one: type(one).__name__)
WEIGHTS = np.random.default_rng(0).uniform(0.5, 2, len(Y))


@weighted
def test_weights_arrive_with_and_without_routing_and_in_pipelines(wrapper):
    X = images().reshape(len(Y), -1) / 255
    plain = clone(wrapper).fit(X, Y).predict_proba(X)
    expected = clone(wrapper).fit(X, Y, sample_weight=WEIGHTS).predict_proba(X)
    assert np.abs(expected - plain).max() > 1e-3
    inner = make_pipeline(FlattenImages(), clone(wrapper.estimator))
    piped = clone(wrapper).set_params(estimator=inner).fit(X, Y, sample_weight=WEIGHTS)
    np.testing.assert_allclose(piped.predict_proba(X), expected)
    with config_context(enable_metadata_routing=True):
        asked = clone(wrapper)
        asked.estimator.set_fit_request(sample_weight=True)
        asked.set_fit_request(sample_weight=True)
        routed = asked.fit(X, Y, sample_weight=WEIGHTS).predict_proba(X)
    np.testing.assert_allclose(routed, expected)


@weighted
def test_weights_that_nobody_takes_are_refused(wrapper):
    class Plain(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.classes_ = np.unique(y)
            return self

        def predict_proba(self, X):
            return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))

    wrapper = clone(wrapper).set_params(estimator=Plain())
    with pytest.raises(ValueError, match="Plain doesn't support sample_weight"):
        wrapper.fit(images(), Y, sample_weight=WEIGHTS)


# --- bad input


@weighted
def test_a_model_without_probabilities_is_refused_with_a_way_out(wrapper):
    with pytest.raises(TypeError, match=r"LinearSVC.*CalibratedClassifierCV"):
        clone(wrapper).set_params(estimator=LinearSVC()).fit(images(), Y)


@pytest.mark.parametrize("wrapper", [*TAKES_WEIGHTS, MinorityDetector(OneClassSVM(), rare="owl")])
@pytest.mark.parametrize(
    ("X", "y", "match"),
    [
        (images(), Y[:-1], "inconsistent"),
        (images()[:0], Y[:0], "0 sample"),
        (images(), ["cat"] * len(Y), "class"),
        (images(), [None, *Y[1:]], "row 0"),
        (images(), np.linspace(0, 1, len(Y)), "continuous"),
    ],
    ids=["fewer labels", "nothing", "one class", "None", "numbers"],
)
def test_bad_input_is_named(wrapper, X, y, match):
    with pytest.raises(ValueError, match=match):
        clone(wrapper).fit(X, y)


@weighted
def test_the_way_out_is_one_for_images_too(wrapper):
    calibrated = CalibratedClassifierCV(LinearSVC(random_state=0), cv=2)
    wrapper = clone(wrapper).set_params(estimator=calibrated).fit(images(), Y)
    assert wrapper.predict(images()).shape == (len(Y),)


def test_they_nest_and_are_searched():
    model = make_pipeline(RandomOverSampler(random_state=0), FlattenImages(), GaussianNB())
    nested = TestTimeAugmentationClassifier(
        CascadeClassifier(PriorCorrectedClassifier(model)), [mirror]
    )
    grid = {"estimator__estimator__tau": [0.0, 1.0]}
    search = GridSearchCV(nested, grid, cv=2, scoring="neg_log_loss").fit(images(), Y)
    assert search.best_params_["estimator__estimator__tau"] in (0.0, 1.0)
    assert search.predict(images()).shape == (len(Y),)


def test_images_stay_images_for_a_meta_estimator_that_says_nothing():
    tree = make_pipeline(FlattenImages(), DecisionTreeClassifier(random_state=0))
    votes = VotingClassifier([("tree", tree)], voting="soft")
    fitted = PriorCorrectedClassifier(votes, prior="uniform").fit(images(), Y).estimator_
    assert fitted.estimators_[0].steps[0][1].image_shape_ == (6, 5)
