"""An ensemble of policies: screened inside, averaged, nothing leaks, nothing is drawn twice."""

import pickle
import warnings

import numpy as np
import pytest
import sklearn
from conftest import make_images, make_labels, write_images
from imblearn import over_sampling as theirs
from imblearn.pipeline import make_pipeline as imblearn_pipeline
from joblib import parallel_config
from PIL import Image
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    StratifiedKFold,
    cross_val_predict,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator

from imblearn_images import SMOTE, RandomOverSampler, recipes
from imblearn_images._members import multiplies
from imblearn_images.datasets import load_texture_patches
from imblearn_images.decision import PriorCorrectedClassifier
from imblearn_images.ensemble import BalancedBaggingClassifier, PolicyEnsembleClassifier
from imblearn_images.over_sampling import RedrawImages
from imblearn_images.preprocessing import FlattenImages, HOGFeatures, ReadImages
from imblearn_images.synthesis import Augment

Y = make_labels({"cat": 24, "dog": 12, "owl": 6})
X = make_images(len(Y), (8, 8), "uint8")
X[Y == "dog", :4] //= 4
X[Y == "owl", :, :4] //= 4
NB = make_pipeline(FlattenImages(), GaussianNB(var_smoothing=1e-2))
OWN = [
    ("untouched", None, 1.0),
    ("copies", RandomOverSampler(), None),
    ("smote", SMOTE(k_neighbors=2), 0.3),
]


class Recorder(ClassifierMixin, BaseEstimator):
    """A classifier that tells a list what it was fitted on."""

    heard = []

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None, colour=None):
        Recorder.heard.append((np.array(X), np.array(y), sample_weight, colour))
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))

    def predict(self, X):
        return self.classes_[np.zeros(len(X), dtype=int)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


@pytest.fixture
def heard():
    Recorder.heard.clear()
    return Recorder.heard


@pytest.mark.parametrize("combine", ["log", "mean"])
def test_the_answer_is_the_mean_of_corrected_models(combine):
    ensemble = PolicyEnsembleClassifier(NB, OWN, screen=None, combine=combine, random_state=0)
    ensemble.fit(X, Y)
    further = {"prior": "uniform", "model_prior": "train", "tau": 0.3}
    smote = imblearn_pipeline(SMOTE(k_neighbors=2, random_state=0), *NB)
    models = [
        PriorCorrectedClassifier(NB, prior="uniform"),
        imblearn_pipeline(RandomOverSampler(random_state=0), *NB),
        PriorCorrectedClassifier(smote, **further),
    ]
    proba = [np.maximum(clone(m).fit(X, Y).predict_proba(X), 1e-30) for m in models]
    raw = [clone(m).fit(X, Y) for m in (NB, models[1], smote)]
    floored = [np.log(np.maximum(m.predict_proba(X), np.finfo(np.float32).eps)) for m in raw]
    shares = np.array([24, 12, 6]) / 42
    shifts = (-np.log(shares), 0, -0.3 * np.log(shares))
    logs = [log_softmax(f + s, axis=1) for f, s in zip(floored, shifts, strict=True)]
    if combine == "log":
        expected = log_softmax(np.mean(logs, axis=0), axis=1)
    else:
        expected = np.log(np.mean(np.exp(logs), axis=0))
        near = np.log(np.mean(proba, axis=0))
        np.testing.assert_allclose(np.exp(expected), np.exp(near), atol=1e-5)
    np.testing.assert_allclose(ensemble.predict_log_proba(X), expected, rtol=1e-8, atol=1e-10)
    assert ensemble.predict(X).tolist() == ensemble.classes_[expected.argmax(1)].tolist()


def test_policies_far_below_the_best_are_dropped():
    constant = DummyClassifier(strategy="prior")
    policies = [*OWN, ("blind", constant, None)]
    ensemble = PolicyEnsembleClassifier(NB, policies, screen=0.05, random_state=1).fit(X, Y)
    folds = StratifiedKFold(3, shuffle=True, random_state=1)
    for each in ensemble.policies_:
        if each.name == "smote":
            continue
        model = {"untouched": PriorCorrectedClassifier(NB, prior="uniform"), "blind": constant}.get(
            each.name, imblearn_pipeline(RandomOverSampler(random_state=1), *NB)
        )
        guessed = cross_val_predict(model, X, Y, cv=folds)
        assert each.score == pytest.approx(balanced_accuracy_score(Y, guessed))
    best = max(each.score for each in ensemble.policies_)
    total = sum(np.exp(-2 * (best - p.score) / 0.05) for p in ensemble.policies_ if p.kept)
    for each in ensemble.policies_:
        assert each.kept == (each.score >= best - 0.05) == (not each.reason)
        weighs = np.exp(-2 * (best - each.score) / 0.05) if each.kept else 0
        assert each.weight == pytest.approx(weighs / total)
        assert (each.name in ensemble.estimators_) == each.kept and each.seconds > 0
    blind = ensemble.policies_[-1]
    assert not blind.kept and "below the best, more than 0.05" in blind.reason
    some, mean = pickle.loads(pickle.dumps(ensemble)), 0
    for each in ensemble.policies_[:-1]:
        if each.kept:
            some.estimators_ = {each.name: ensemble.estimators_[each.name]}
            mean = mean + each.weight * some.predict_log_proba(X)
    np.testing.assert_allclose(ensemble.predict_log_proba(X), log_softmax(mean, axis=1))
    best = PolicyEnsembleClassifier(NB, policies, screen=0, random_state=1).fit(X, Y)
    assert sum(each.weight for each in best.policies_) == pytest.approx(1)
    table = repr(ensemble.policies_)
    assert "dropped" in table and all(each.name in table for each in ensemble.policies_)
    assert ensemble.policies_._repr_html_().count("<tr>") == 5
    pytest.importorskip("matplotlib")
    drawn = ensemble.plot()
    assert [t.get_text() for t in drawn.ax_.get_yticklabels()] == [p[0] for p in policies]


def test_no_fold_sees_what_it_is_tested_on(heard):
    numbers = np.broadcast_to(np.arange(len(Y), dtype=float)[:, None, None], (len(Y), 2, 2)).copy()
    groups = np.arange(len(Y)) // 2
    policies = [("copies", RandomOverSampler(), None), ("blends", SMOTE(k_neighbors=1), None)]
    ensemble = PolicyEnsembleClassifier(Recorder(), policies, random_state=0)
    ensemble.fit(numbers, Y, groups=groups)
    assert len(heard) == 3 * 2 + 2
    for at in range(3):
        seen = heard[at][0][:, 0, 0]
        whole = np.unique(groups[seen.astype(int)])
        assert np.isin(groups, whole).sum() == len(np.unique(seen))  # whole groups, or none
        assert len(np.unique(seen)) < len(Y)


def test_a_sampler_draws_once_for_each_training_set():
    drawn = []

    def draw(base, partner, step, rng):
        drawn.append(1)
        return base

    sampler = RandomOverSampler(synthesis=draw, random_state=0)
    policies = [
        ("plain", sampler, None),
        ("further", clone(sampler), 0.3),
        ("weighted", sampler, "class_weight"),
    ]
    model = make_pipeline(FlattenImages(), LogisticRegression())
    ensemble = PolicyEnsembleClassifier(model, policies, screen=9, random_state=0).fit(X, Y)
    n_new = 24 * 3 - 42
    assert len(drawn) <= n_new + 3 * 30 and len(drawn) == n_new + 3 * (16 * 3 - 28)
    assert ensemble.estimators_["plain"] is ensemble.estimators_["further"]
    assert ensemble.estimators_["plain"] is not ensemble.estimators_["weighted"]
    assert ensemble.plans_["plain"].n_source == len(Y)


class Pixels(FlattenImages):
    """Features of each image by itself."""

    of_each_alone = True


@pytest.mark.parametrize(("first", "held"), [(FlattenImages, 9), (Pixels, 9), (Pixels, 1 << 28)])
def test_many_pictures_are_drawn_once_and_folds_take_those_of_their_own_images(
    heard, first, held, monkeypatch
):
    monkeypatch.setattr("imblearn_images.ensemble._policies.HELD", held)
    drawn = []

    def draw(base, partner, step, rng):
        drawn.append(1)
        return (base + partner) / 2

    marked = np.eye(len(Y)).reshape(len(Y), 7, 6)  # image k lights pixel k alone
    policies = [("many", RedrawImages(draw, times=3, keep=True), 1.0)]
    model = make_pipeline(first(), Recorder())
    PolicyEnsembleClassifier(model, policies, cv=3, random_state=0).fit(marked, Y)
    *folds, whole = (images for images, *_ in heard)
    assert len(folds) == 3 and len(whole) == 4 * len(Y)
    known = {row.tobytes() for row in whole}
    for rows in folds:
        seen = np.flatnonzero(rows.any(axis=0))
        assert len(seen) == 28 and {row.tobytes() for row in rows} <= known
        mixed = (np.count_nonzero(rows, axis=1) == 2).sum()
        assert len(rows) == 28 + mixed and 28 < mixed < 3 * 28  # a partner may be held out
    assert (len(drawn) == 3 * len(Y)) == (held > 9)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([RedrawImages("blend", times=2, keep=True)], True),
        ([RedrawImages("blend", times=2)], False),
        ([RandomOverSampler(), RedrawImages("blend", times=2, keep=True)], False),
    ],
)
def test_only_what_is_drawn_of_each_image_alone_is_drawn_before_the_folds(steps, expected):
    assert multiplies(imblearn_pipeline(*steps)) == expected


def test_policies_that_differ_in_the_correction_alone_share_a_fit():
    policies = [("as it is", None, None), ("corrected", None, 1.0), ("half", None, 0.5)]
    ensemble = PolicyEnsembleClassifier(NB, policies, screen=9).fit(X, Y)
    assert len({id(model) for model in ensemble.estimators_.values()}) == 1
    alone = PolicyEnsembleClassifier(NB, policies[1:2], screen=None).fit(X, Y)
    some = pickle.loads(pickle.dumps(ensemble))
    some.estimators_ = {"corrected": some.estimators_["corrected"]}
    np.testing.assert_array_equal(some.predict_proba(X), alone.predict_proba(X))
    hidden = make_pipeline(FlattenImages(), BalancedBaggingClassifier(random_state=0))
    with pytest.warns(UserWarning, match="'corrected' is dropped.* resamples inside"):
        kept = PolicyEnsembleClassifier(hidden, policies[:2], screen=None).fit(X, Y)
    assert [each.kept for each in kept.policies_] == [True, False]


def test_weights_and_metadata_follow_the_images(heard):
    weights, colours = np.arange(1.0, len(Y) + 1), np.arange(len(Y)) * 10
    numbers = np.broadcast_to(np.arange(len(Y), dtype=float)[:, None, None], (len(Y), 2, 2)).copy()
    policies = [("none", None, 1.0), ("copies", RandomOverSampler(), None)]
    ensemble = PolicyEnsembleClassifier(Recorder(), policies, random_state=0)
    ensemble.fit(numbers, Y, sample_weight=weights, colour=colours)
    with sklearn.config_context(enable_metadata_routing=True):
        asking = Recorder().set_fit_request(sample_weight=True, colour=True)
        PolicyEnsembleClassifier(asking, policies, random_state=0).fit(
            numbers, Y, sample_weight=weights, colour=colours
        )
    assert len(heard) == 16
    for images, _, weight, colour in heard:
        rows = images[:, 0, 0].astype(int)
        assert weight.tolist() == weights[rows].tolist()
        assert colour.tolist() == colours[rows].tolist()
    shares = np.array([weights[label == Y].sum() for label in ("cat", "dog", "owl")])
    expected = -np.log(shares / shares.sum())
    np.testing.assert_allclose(ensemble._shifts["none"] - expected, np.ptp([0]) - np.log(3))


def test_weights_of_other_images_are_refused():
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[42, 3\]"):
        PolicyEnsembleClassifier(NB, OWN).fit(X, Y, sample_weight=np.ones(3))


def test_groups_come_by_routing():
    with sklearn.config_context(enable_metadata_routing=True):
        ensemble = PolicyEnsembleClassifier(NB, OWN[:2]).set_fit_request(groups=True)
        groups = np.arange(len(Y))
        found = cross_validate(ensemble, X, Y, cv=GroupKFold(2), params={"groups": groups})
    assert np.isfinite(found["test_score"]).all()


def test_class_weights_are_those_of_each_training_set():
    ensemble = PolicyEnsembleClassifier(
        make_pipeline(FlattenImages(), LogisticRegression()), [("w", None, "class_weight")]
    ).fit(X, Y)
    assert ensemble.estimators_["w"][-1].class_weight == "balanced"
    by_samples = PolicyEnsembleClassifier(NB, [("w", None, "class_weight")], screen=None).fit(X, Y)
    np.testing.assert_allclose(by_samples.estimators_["w"][-1].class_prior_, 1 / 3)


@pytest.mark.parametrize("own", [True, False])
def test_a_policy_that_fails_is_dropped_with_its_reason(own):
    def fail(base, partner, step, rng):
        raise OSError("out of ink")

    policies = [*OWN[:2], ("ink", RandomOverSampler(synthesis=fail), 0.3)]
    with pytest.warns(UserWarning, match=r"Policy 'ink' is dropped, it fails: OSError: out of ink"):
        ensemble = PolicyEnsembleClassifier(NB, policies, screen=9 if own else None).fit(X, Y)
    *kept, ink = ensemble.policies_
    assert all(each.kept for each in kept) and not ink.kept and ink.reason == "OSError: out of ink"
    with pytest.raises(OSError, match="out of ink"):
        PolicyEnsembleClassifier(NB, policies[2:]).fit(X, Y)


def test_without_screening_no_axis_of_scores_is_drawn():
    pytest.importorskip("matplotlib")
    ensemble = PolicyEnsembleClassifier(NB, OWN, screen=None, random_state=0).fit(X, Y)
    ax = ensemble.plot().ax_
    assert len(ax.get_yticks()) == len(OWN)
    assert not len(ax.get_xticks()) and not ax.get_xlabel()


def test_a_pair_that_is_none_any_more_is_said():
    class Unfit(GaussianNB):
        def fit(self, X, y, sample_weight=None):
            if len(y) == 42:
                raise ValueError("too few images")
            return super().fit(X, y, sample_weight)

    pair = PolicyEnsembleClassifier(make_pipeline(FlattenImages(), Unfit()), "pair", screen=None)
    with pytest.warns(UserWarning, match="'prior_correction' is dropped, it fails: .*too few"):
        pair.fit(X, Y)
    assert [each.kept for each in pair.policies_] == [False, True]


def test_without_class_weights_that_policy_is_left_out_and_nobody_warned():
    class NoWeights(Recorder):
        def fit(self, X, y):
            return super().fit(X, y)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = np.random.default_rng(0).normal(size=(42, 5))
        ensemble = PolicyEnsembleClassifier(NoWeights()).fit(table, Y)
    assert [each.kept for each in ensemble.policies_] == [True, False]
    assert "sample_weight" in ensemble.policies_[1].reason


def test_the_defaults_on_images_files_and_labels_of_any_kind(tmp_path):
    images, labels = load_texture_patches(return_X_y=True, size=16)
    keep = np.sort(np.random.default_rng(0).permutation(len(images))[:40])
    images, labels = images[keep], labels[keep]
    model = make_pipeline(HOGFeatures(), LogisticRegression())
    ensemble = PolicyEnsembleClassifier(model, random_state=0, cv=2)
    plain = clone(ensemble).fit(images, labels)
    assert len(plain.policies_) == 6 and any(each.kept for each in plain.policies_)
    probabilities = plain.predict_proba(images[:9])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    again = pickle.loads(pickle.dumps(plain))
    np.testing.assert_array_equal(again.predict_proba(images[:9]), probabilities)
    paths = write_images(tmp_path, images)
    for read in ([], [ReadImages()]):
        of_files = clone(ensemble).set_params(estimator=make_pipeline(*read, *model), n_jobs=2)
        with parallel_config(backend="threading"):
            of_files.fit(paths, labels)
        np.testing.assert_array_equal(of_files.predict_proba(paths[:9]), probabilities)
    Image.fromarray(images[0]).resize((20, 20)).save(paths[0])  # of another size than the others
    inside = GridSearchCV(make_pipeline(ReadImages((16, 16)), *model), {}, cv=2)
    untouched = PolicyEnsembleClassifier(inside, [("untouched", None, None)], screen=None)
    assert untouched.fit(paths, labels).predict(paths[:9]).shape == (9,)
    numbers = np.unique(labels, return_inverse=True)[1]
    by_number = clone(ensemble).fit(images, numbers)
    np.testing.assert_array_equal(by_number.predict_proba(images[:9]), probabilities)


def test_the_pair_is_the_mean_of_prior_correction_and_many_pictures():
    images, labels = load_texture_patches(return_X_y=True, size=12)
    some = np.random.default_rng(0).permutation(len(labels))
    (images, labels), new = (images[some[:60]], labels[some[:60]]), images[some[60:80]]
    pair = PolicyEnsembleClassifier(
        make_pipeline(HOGFeatures(), LogisticRegression(C=3)), "pair", screen=None, random_state=0
    )
    many = recipes.many(random_state=0)
    models = [
        make_pipeline(HOGFeatures(), LogisticRegression(C=3)),
        imblearn_pipeline(many, HOGFeatures(), LogisticRegression(C=3 / 9)),
    ]
    logs = [
        PriorCorrectedClassifier(m, prior="uniform").fit(images, labels).predict_log_proba(new)
        for m in models
    ]
    pair.fit(images, labels)
    assert [each.name for each in pair.policies_] == ["prior_correction", "many"]
    found = pair.predict_log_proba(new)
    np.testing.assert_allclose(found, log_softmax(np.mean(logs, axis=0), axis=1), atol=1e-6)
    rows = images.reshape(len(images), -1)
    of_rows = PolicyEnsembleClassifier(NB, "pair").fit(rows, labels)  # which hold no shapes
    assert [each.name for each in of_rows.policies_] == ["prior_correction"]


def test_a_search_reaches_what_is_inside():
    ensemble = PolicyEnsembleClassifier(NB, OWN[:2], random_state=0)
    grid = {"screen": [None, 0.01], "estimator__gaussiannb__var_smoothing": [1e-3, 1e-1]}
    search = GridSearchCV(ensemble, grid, cv=2, scoring="balanced_accuracy").fit(X, Y)
    assert search.best_estimator_.policies_ and search.best_score_ > 0.4
    assert PriorCorrectedClassifier(ensemble, model_prior="uniform").fit(X, Y).predict(X[:2]).size


def test_samplers_of_others_and_pipelines_of_them():
    policies = [
        ("theirs", theirs.RandomOverSampler(), None),
        ("both", imblearn_pipeline(SMOTE(), RedrawImages(Augment(), share=0.2)), None),
        ("dict", SMOTE(), {"prior": "train"}),
        ("model", guessing(), None),
        ("model too", guessing(), 1.0),
    ]
    ensemble = PolicyEnsembleClassifier(NB, policies, screen=None, random_state=0).fit(X, Y)
    assert all(each.kept for each in ensemble.policies_)
    assert len(ensemble.plans_["both"]) == 72 and ensemble.plans_["both"].previous is not None
    assert ensemble.estimators_["model"].classes_.tolist() == ["cat", "dog", "owl"]


def guessing():
    return make_pipeline(FlattenImages(), DummyClassifier(strategy="stratified"))


def test_images_drawn_when_read_are_the_same():
    """And an image and its pictures weigh as one, beside the penalty as well."""
    model, third = (make_pipeline(HOGFeatures(), LogisticRegression(C=C)) for C in (3, 1))
    many = recipes.many(times=2, random_state=0)
    lazily = PolicyEnsembleClassifier(model, [("many", many, 1.0)], screen=None).fit(X, Y)
    stored = PriorCorrectedClassifier(imblearn_pipeline(many, *third), prior="uniform").fit(X, Y)
    np.testing.assert_allclose(lazily.predict_proba(X), stored.predict_proba(X), atol=1e-7)
    assert lazily.estimators_["many"][-1].C == 1 and lazily.estimator[-1].C == 3


def test_what_cannot_be_screened_is_kept_and_said():
    few = np.r_[np.flatnonzero(Y == "cat"), np.flatnonzero(Y == "owl")[:1]]
    ensemble = PolicyEnsembleClassifier(NB, OWN[:2])
    with pytest.warns(UserWarning, match="not screened: class 'owl' has one image"):
        ensemble.fit(X[few], Y[few])
    assert all(each.kept and np.isnan(each.score) for each in ensemble.policies_)


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ({"policies": "all"}, ValueError, '"default", "pair" or a list .*got \'all\''),
        ({"policies": []}, ValueError, '"default", "pair" or a list'),
        ({"policies": {"a": None}}, ValueError, '"default", "pair" or a list'),
        ({"policies": [("a", None)]}, ValueError, r"A policy must be .*got \('a', None\)"),
        ({"policies": [("a", None, None), ("a", None, 1)]}, ValueError, "got 'a' twice"),
        ({"policies": [("a", "SMOTE", None)]}, ValueError, "sampler of policy 'a'"),
        ({"policies": [("a", SMOTE, None)]}, ValueError, "sampler of policy 'a'"),
        ({"policies": [("a", None, "balanced")]}, ValueError, "correction of policy 'a'"),
        ({"policies": [("a", None, -1)]}, ValueError, "correction of policy 'a'"),
        ({"screen": -0.1}, ValueError, "`screen`"),
        ({"screen": "3 points"}, ValueError, "`screen`"),
        ({"combine": "vote"}, ValueError, "`combine`"),
        ({"cv": 1}, ValueError, "`cv` must be at least 2"),
        ({"cv": []}, ValueError, "`cv` must give folds"),
        ({"scoring": "balance"}, ValueError, "'balance' is not a valid scoring value"),
        ({"estimator": GaussianNB}, TypeError, r"Pass GaussianNB\(\)"),
        ({"estimator": FlattenImages()}, TypeError, "predict_proba"),
    ],
)
def test_what_cannot_be_is_refused(params, error, words):
    with pytest.raises(error, match=words):
        PolicyEnsembleClassifier(**{"estimator": NB, "policies": OWN} | params).fit(X, Y)


def test_drawings_that_are_looked_at_are_those_of_the_fit():
    one, other = (
        PolicyEnsembleClassifier(NB, OWN, screen=None, random_state=np.random.RandomState(3))
        for _ in range(2)
    )
    ours, again = ([steps[-1].random_state for steps in one._drawings(X) if steps] for _ in "12")
    assert ours == again
    one.fit(X, Y)
    np.testing.assert_array_equal(one.predict_proba(X), other.fit(X, Y).predict_proba(X))
    assert ours != [steps[-1].random_state for steps in one._drawings(X) if steps]  # of a refit


def test_a_policy_without_a_score_is_dropped():
    def scorer(estimator, rows, truth):  # the first policy has no score
        return next(scores)

    scores = iter([np.nan, 0.5, 0.6])
    with pytest.warns(UserWarning, match="'untouched' is dropped.*must return a number, got nan"):
        one = PolicyEnsembleClassifier(NB, OWN, scoring=scorer, random_state=0).fit(X, Y)
    assert list(one.estimators_) == ["smote"]
    scores = iter([np.nan] * 3)
    with pytest.raises(ValueError, match="`scoring` must return a number, got nan"):
        PolicyEnsembleClassifier(NB, OWN, scoring=scorer, random_state=0).fit(X, Y)


def test_folds_of_the_user_are_used():
    folds = [
        (np.flatnonzero(np.arange(42) % 2 == k), np.flatnonzero(np.arange(42) % 2 != k))
        for k in (0, 1)
    ]
    one = PolicyEnsembleClassifier(NB, OWN[:2], cv=folds, scoring="f1_macro", random_state=0).fit(
        X, Y
    )
    assert all(np.isfinite(each.score) for each in one.policies_)


EXCUSED = {  # weights are not repetitions where folds are drawn
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
}
WEIGHTS_COUNT = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 7)
"""Before, class_weight="balanced" counts rows, not their weights, in scikit-learn itself."""


@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        pair
        for screen in (0.03, None)
        for pair in estimator_checks_generator(
            PolicyEnsembleClassifier(LogisticRegression(), screen=screen, random_state=0)
        )
        if (screen is None and WEIGHTS_COUNT) or pair[1].func.__name__ not in EXCUSED
    ],
    ids=lambda each: getattr(getattr(each, "func", None), "__name__", ""),
)
def test_check(estimator, check):
    check(estimator)
