"""Prior correction: against closed forms, against the model that was never resampled."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from conftest import make_images, make_labels
from imblearn.over_sampling import RandomOverSampler as ImblearnRandomOverSampler
from imblearn.pipeline import make_pipeline
from scipy.special import log_softmax
from scipy.stats import multivariate_normal
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    BaggingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline as make_plain_pipeline
from sklearn.tree import DecisionTreeClassifier

from imblearn_images import (
    SMOTE,
    EasyEnsembleClassifier,
    RandomOverSampler,
    RandomUnderSampler,
    TomekLinks,
)
from imblearn_images.decision import CascadeClassifier, PriorCorrectedClassifier
from imblearn_images.preprocessing import FlattenImages, HOGFeatures

MEANS = np.array([[0, 0], [1.5, 0], [0, 1.5]])
SHARES = np.array([0.9, 0.08, 0.02])
LABELS = np.array(["common", "rare", "rarest"])


def draw(n, seed=0, shares=SHARES):
    rng = np.random.default_rng(seed)
    which = rng.choice(3, n, p=shares)
    return rng.normal(size=(n, 2)) + MEANS[which], LABELS[which]


def bayes(X, shares):
    """The true probabilities of normal classes with known densities."""
    joint = shares * np.column_stack([multivariate_normal(mean).pdf(X) for mean in MEANS])
    return joint / joint.sum(axis=1, keepdims=True)


ignored = pytest.mark.filterwarnings("ignore:PriorCorrectedClassifier corrects nothing")


@ignored
@pytest.mark.parametrize(
    ("prior", "shares"),
    [
        ("train", SHARES),
        ("uniform", np.ones(3)),
        ({"common": 1, "rare": 2, "rarest": 5}, np.array([1, 2, 5])),
    ],
    ids=["train", "uniform", "deployed"],
)
@pytest.mark.parametrize(
    "sampler",
    [None, RandomOverSampler(random_state=0), RandomUnderSampler(random_state=0)],
    ids=repr,
)
def test_probabilities_are_those_of_bayes_rule(sampler, prior, shares):
    """Linear logits are the truth for normal classes of one covariance."""
    X, y = draw(60_000)
    model = LogisticRegression(C=np.inf)
    model = model if sampler is None else make_pipeline(sampler, model)
    corrected = PriorCorrectedClassifier(model, prior=prior).fit(X, y)
    X_test, _ = draw(2000, seed=1, shares=[1 / 3] * 3)
    error = corrected.predict_proba(X_test) - bayes(X_test, shares)
    assert np.abs(error).max() < 0.2
    assert np.abs(error).mean() < 0.02


def test_a_repaired_model_is_the_untouched_one_in_the_large_sample_limit():
    X_test, _ = draw(2000, seed=1)
    distances = []
    for n in (600, 6000, 60_000):
        X, y = draw(n)
        untouched = LogisticRegression(C=np.inf).fit(X, y).predict_proba(X_test)
        resampled = make_pipeline(RandomOverSampler(random_state=0), LogisticRegression(C=np.inf))
        bent = resampled.fit(X, y).predict_proba(X_test)
        repaired = PriorCorrectedClassifier(resampled).fit(X, y).predict_proba(X_test)
        distances.append(np.abs(repaired - untouched).mean())
        assert distances[-1] < np.abs(bent - untouched).mean() / 10
    assert distances[2] < distances[1] < distances[0]
    assert distances[2] < 0.005


def test_copies_repaired_are_exactly_the_untouched_naive_bayes():
    """Whole copies of a class leave its density as it is, and change its prior only."""
    X, y = draw(5000)
    copies = np.repeat(np.arange(len(y)), np.where(y == "common", 1, 7))
    bent = GaussianNB().fit(X[copies], y[copies])
    plain = GaussianNB().fit(X, y)
    shares = dict(zip(LABELS.tolist(), plain.class_prior_.tolist(), strict=True))
    corrected = PriorCorrectedClassifier(GaussianNB(), prior=shares).fit(X[copies], y[copies])
    np.testing.assert_allclose(corrected.model_prior_, bent.class_prior_)
    np.testing.assert_allclose(corrected.predict_proba(X), plain.predict_proba(X), atol=1e-6)


def test_tau_0_changes_nothing_and_tau_goes_along_a_straight_line_of_logits():
    X, y = draw(2000)
    plain = GaussianNB().fit(X, y).predict_proba(X)
    at = {
        tau: PriorCorrectedClassifier(GaussianNB(), prior="uniform", tau=tau).fit(X, y)
        for tau in (0, 0.5, 1.0, 2)
    }
    np.testing.assert_allclose(at[0].predict_proba(X), plain, rtol=1e-12)
    shares = np.unique(y, return_counts=True)[1] / len(y)
    for tau, corrected in at.items():
        expected = plain / shares**tau
        expected /= expected.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(corrected.predict_proba(X), expected, rtol=1e-9)
        np.testing.assert_allclose(corrected.predict_log_proba(X), np.log(expected), rtol=1e-9)


@ignored
def test_a_model_that_was_not_resampled_keeps_its_probabilities():
    X, y = draw(500)
    kept = PriorCorrectedClassifier(DecisionTreeClassifier(random_state=0), tau=3).fit(X, y)
    plain = DecisionTreeClassifier(random_state=0).fit(X, y)  # probabilities of exactly 0 and 1
    np.testing.assert_allclose(kept.predict_proba(X), plain.predict_proba(X))
    np.testing.assert_array_equal(kept.predict(X), plain.predict(X))


def test_a_uniform_prior_raises_balanced_accuracy():
    X, y = draw(20_000)
    X_test, y_test = draw(5000, seed=1)
    plain = LogisticRegression().fit(X, y)
    even = PriorCorrectedClassifier(LogisticRegression(), prior="uniform").fit(X, y)
    gain = balanced_accuracy_score(y_test, even.predict(X_test)) - balanced_accuracy_score(
        y_test, plain.predict(X_test)
    )
    assert gain > 0.15


def test_tau_is_found_by_grid_search():
    X, y = draw(5000)
    model = PriorCorrectedClassifier(LogisticRegression(), prior="uniform")
    grid = {"tau": [0, 0.5, 1]}
    for scoring, tau in {"neg_log_loss": 0, "balanced_accuracy": 1}.items():
        assert GridSearchCV(model, grid, scoring=scoring, cv=3).fit(X, y).best_params_["tau"] == tau


# --- what the model was trained with

COUNTS = {"cat": 24, "dog": 12, "owl": 8}
Y = make_labels(COUNTS)
X = make_images(len(Y), (6, 5), "uint8")
GIVEN = np.array([24, 12, 8]) / 44


WEIGHTED = LogisticRegression(C=1e-6, class_weight="balanced")


def chain(*samplers):
    return make_pipeline(*samplers, FlattenImages(), GaussianNB())


@ignored
@pytest.mark.parametrize(
    ("model", "counts"),
    [
        (GaussianNB(), (24, 12, 8)),
        (make_plain_pipeline(FlattenImages(), GaussianNB()), (24, 12, 8)),
        (chain(RandomOverSampler(random_state=0)), (24, 24, 24)),
        (chain(SMOTE(sampling_strategy={"owl": 20}, random_state=0, k_neighbors=2)), (24, 12, 20)),
        (chain(RandomUnderSampler(random_state=0), "passthrough"), (8, 8, 8)),
        (
            chain(RandomUnderSampler(sampling_strategy={"cat": 10}), RandomOverSampler()),
            (12, 12, 12),
        ),
        (
            make_pipeline(
                RandomOverSampler(), chain(RandomUnderSampler(sampling_strategy={"cat": 9}))
            ),
            (9, 24, 24),
        ),
        (make_pipeline(ImblearnRandomOverSampler(), GaussianNB()), (24, 24, 24)),
        (LogisticRegression(class_weight="balanced", max_iter=5000), (1, 1, 1)),
        (LogisticRegression(class_weight={"owl": 6}, max_iter=5000), (24, 12, 48)),
        (RandomForestClassifier(3, class_weight="balanced_subsample"), (1, 1, 1)),
        (GridSearchCV(WEIGHTED, {"C": [1e-6]}, cv=2), (1, 1, 1)),
        (GridSearchCV(LogisticRegression(C=1e-6), {"class_weight": ["balanced"]}, cv=2), (1, 1, 1)),
        (CalibratedClassifierCV(make_plain_pipeline(FlattenImages(), WEIGHTED), cv=2), (1, 1, 1)),
        (BaggingClassifier(WEIGHTED, 2, random_state=0), (1, 1, 1)),
        (PriorCorrectedClassifier(GaussianNB(), prior="uniform"), (1, 1, 1)),
        (
            PriorCorrectedClassifier(GaussianNB(), prior="uniform", tau=0.5),
            tuple(np.sqrt([24, 12, 8])),
        ),
        (
            GridSearchCV(PriorCorrectedClassifier(GaussianNB()), {"prior": ["uniform"]}, cv=2),
            (1, 1, 1),
        ),
    ],
    ids=str,
)
def test_what_reaches_the_last_step_is_counted(model, counts):
    corrected = PriorCorrectedClassifier(model).fit(X, Y)
    np.testing.assert_allclose(corrected.model_prior_, np.array(counts) / sum(counts))
    np.testing.assert_allclose(corrected.prior_, GIVEN)
    last = corrected.estimator_
    if isinstance(last, PriorCorrectedClassifier):
        return
    while hasattr(last, "steps"):
        last = last.steps[-1][1]
    assert type(last).__module__.startswith("sklearn.")  # nothing of the counting is left


def test_cleaning_samplers_are_counted_as_they_clean():
    cleaned = chain(TomekLinks())
    _, y = TomekLinks().fit_resample(X, Y)
    corrected = PriorCorrectedClassifier(cleaned).fit(X, Y)
    counts = np.unique(y, return_counts=True)[1]
    assert len(y) < len(Y)
    np.testing.assert_allclose(corrected.model_prior_, counts / counts.sum())


def test_weights_count():
    weights = np.where(Y == "owl", 3.0, 1.0)
    corrected = PriorCorrectedClassifier(GaussianNB(), prior="uniform")
    corrected.fit(X.reshape(len(Y), -1), Y, sample_weight=weights)
    np.testing.assert_allclose(corrected.model_prior_, np.array([24, 12, 24]) / 60)


def test_weights_and_samplers_are_refused_together():
    with pytest.raises(ValueError, match=r"must have 72 values.*got 44"):
        PriorCorrectedClassifier(chain(RandomOverSampler())).fit(X, Y, sample_weight=np.ones(44))


@pytest.mark.parametrize(
    "hidden",
    [
        GridSearchCV(chain(RandomOverSampler()), {}),
        VotingClassifier([("one", chain(RandomOverSampler()))], voting="soft"),
        FrozenEstimator(chain(RandomOverSampler())),
        EasyEnsembleClassifier(2),
        make_pipeline(FlattenImages(), EasyEnsembleClassifier(2)),
        VotingClassifier([("one", WEIGHTED)], voting="soft"),
        StackingClassifier([("one", GaussianNB())], WEIGHTED),
        CascadeClassifier(WEIGHTED),
        CalibratedClassifierCV(PriorCorrectedClassifier(GaussianNB(), prior="uniform")),
    ],
    ids=lambda hidden: type(hidden).__name__,
)
def test_samplers_and_weights_that_cannot_be_counted_are_refused_with_a_way_out(hidden):
    with pytest.raises(ValueError, match="model_prior='uniform'"):
        PriorCorrectedClassifier(hidden).fit(X, Y)


def test_a_prior_of_the_model_can_be_told():
    model = EasyEnsembleClassifier(2, GaussianNB(), random_state=0)
    corrected = PriorCorrectedClassifier(model, model_prior="uniform").fit(X, Y)
    expected = model.fit(X, Y).predict_proba(X) * GIVEN
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(corrected.predict_proba(X), expected)
    told = {"cat": 2, "dog": 2, "owl": 2}
    again = PriorCorrectedClassifier(model, model_prior=told).fit(X, Y)
    np.testing.assert_array_equal(again.predict_proba(X), corrected.predict_proba(X))


def test_a_trained_model_is_corrected_without_training():
    trained = chain().fit(X, Y)
    deployed = {"cat": 1, "dog": 1, "owl": 8}
    corrected = PriorCorrectedClassifier(FrozenEstimator(trained), prior=deployed).fit(X, Y)
    assert corrected.estimator_.estimator is trained
    expected = trained.predict_proba(X) / GIVEN * [1, 1, 8]
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(corrected.predict_proba(X), expected)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"tau": -1}, "`tau` must be a number of at least 0, got -1"),
        ({"tau": "1"}, "`tau` must be a number"),
        ({"tau": np.nan}, "`tau` must be a number"),
        ({"prior": "balanced"}, "`prior` must be 'train', 'uniform' or a dict.*'balanced'"),
        ({"prior": "count"}, "`prior` must be 'train'"),
        ({"model_prior": "none"}, "`model_prior` must be 'count', 'train', 'uniform' or a dict"),
        ({"prior": {"cat": 1, "dog": 1}}, r"got \{'cat': 1, 'dog': 1\}: add \['owl'\]\.$"),
        (
            {"prior": {"cat": 1, "dog": 1, "owl": 1, "cow": 1}},
            r"'cow': 1\}: leave out \['cow'\]\.$",
        ),
        (
            {"model_prior": {"cat": 1, "cow": 1}},
            r"^`model_prior` must have a share .*: add \['dog', 'owl'\] and leave out \['cow'\]",
        ),
        ({"prior": {"cat": 1, "dog": 1, "owl": 0}}, "`prior` must have a positive share"),
        (
            {"model_prior": {"cat": 1, "dog": 1, "owl": np.inf}},
            "`model_prior` must have a positive",
        ),
    ],
)
def test_bad_parameters_are_named(params, match):
    with pytest.raises(ValueError, match=match):
        PriorCorrectedClassifier(GaussianNB(), **params).fit(X, Y)


def test_a_trained_model_that_knows_more_classes_than_y_needs_its_shares_told():
    frozen = FrozenEstimator(chain().fit(X, Y))
    some = Y != "owl"
    for params in ({}, {"prior": "uniform"}, {"prior": "uniform", "model_prior": "train"}):
        with pytest.raises(
            ValueError, match=r"y holds no image of \['owl'\]. Pass the shares as a dict"
        ):
            PriorCorrectedClassifier(frozen, **params).fit(X[some], Y[some])
    shares = {"cat": 3, "dog": 2, "owl": 1}
    told = PriorCorrectedClassifier(frozen, prior="uniform", model_prior=shares)
    assert told.fit(X[some], Y[some]).predict(X).shape == (len(Y),)


# --- a step further against the shares of y, behind samplers

TRAINED = [
    chain(),
    chain(RandomOverSampler(random_state=0)),
    chain(SMOTE(random_state=0, k_neighbors=2)),
    make_pipeline(RandomOverSampler(random_state=0), chain(RandomUnderSampler(random_state=0))),
    VotingClassifier([("a", chain(RandomOverSampler(random_state=0)))], voting="soft"),
    EasyEnsembleClassifier(2, GaussianNB(), random_state=0),
]


@pytest.mark.parametrize("numbers", [False, True], ids=["text", "numbers"])
@pytest.mark.parametrize("model", TRAINED, ids=lambda model: type(model).__name__)
def test_less_tau_times_the_log_of_the_shares_of_y(model, numbers):
    """What `logits - tau * log(shares)` chooses, whatever samplers made of the shares."""
    y = np.searchsorted(sorted(COUNTS), Y) if numbers else Y
    further = PriorCorrectedClassifier(model, prior="uniform", model_prior="train", tau=0.3)
    further.fit(X, y)
    shares = np.unique(y, return_counts=True)[1] / len(y)
    with np.errstate(divide="ignore"):
        logits = np.log(clone(model).fit(X, y).predict_proba(X)) - 0.3 * np.log(shares)
    np.testing.assert_allclose(further.predict_log_proba(X), log_softmax(logits, axis=1))
    np.testing.assert_array_equal(further.predict(X), further.classes_[logits.argmax(axis=1)])
    np.testing.assert_allclose(further.model_prior_, shares)


def test_it_steps_away_from_the_frequent_class_where_a_repair_steps_towards_it():
    X, y = draw(3000)
    X_test, _ = draw(3000, seed=1)
    copies = make_pipeline(RandomOverSampler(random_state=0), LogisticRegression())
    named = {"copies": PriorCorrectedClassifier(copies, tau=0)}
    named["further"] = PriorCorrectedClassifier(
        copies, prior="uniform", model_prior="train", tau=0.3
    )
    named["repaired"] = PriorCorrectedClassifier(copies, tau=0.3)
    common = {
        name: np.mean(each.fit(X, y).predict(X_test) == "common") for name, each in named.items()
    }
    assert common["further"] < common["copies"] < common["repaired"]


def test_members_of_a_vote_step_further_with_the_labels_they_are_given():
    """VotingClassifier hands its members numbers in the place of the labels."""
    member = PriorCorrectedClassifier(
        chain(RandomOverSampler(random_state=0)), prior="uniform", model_prior="train", tau=0.3
    )
    votes = VotingClassifier([("a", member), ("b", chain())], voting="soft").fit(X, Y)
    mean = (clone(member).fit(X, Y).predict_proba(X) + chain().fit(X, Y).predict_proba(X)) / 2
    np.testing.assert_allclose(votes.predict_proba(X), mean)


@pytest.mark.parametrize("prior", ["train", "uniform", {"cat": 1, "dog": 2, "owl": 9}])
@pytest.mark.parametrize(
    "model_prior", ["count", "train", "uniform", {"cat": 3, "dog": 2, "owl": 1}]
)
@pytest.mark.parametrize("model", [chain(), chain(RandomOverSampler(random_state=0))], ids=str)
def test_tau_0_is_the_identity_and_never_warns(model, model_prior, prior):
    found = PriorCorrectedClassifier(model, prior=prior, model_prior=model_prior, tau=0).fit(X, Y)
    plain = clone(model).fit(X, Y)
    np.testing.assert_allclose(found.predict_proba(X), plain.predict_proba(X), rtol=1e-12)


class OneScale(TransformerMixin, BaseEstimator):
    """Features less their means, over one spread of all, as the benchmark scales them."""

    def fit(self, X, y=None):
        self.center_, self.scale_ = X.mean(axis=0), X.std()
        return self

    def transform(self, X):
        return (X - self.center_) / self.scale_


@pytest.mark.filterwarnings("ignore:The classes are corrected twice")
@pytest.mark.parametrize("tau", [0, 0.3, 1])
def test_the_benchmark_is_reproduced_by_the_public_class(monkeypatch, tau):
    monkeypatch.syspath_prepend(Path(__file__).parent / "benchmarks")
    benchmark = importlib.import_module("efficacy_models")
    y, images = np.searchsorted(sorted(COUNTS), Y), make_images(len(Y), (16, 16), "uint8")
    others = np.random.default_rng(1).integers(0, 256, (400, 16, 16), dtype=np.uint8)
    copies = RandomOverSampler(random_state=0)
    (scores,) = benchmark._fitted([copies], False, images, y, others, [10])
    expected = benchmark.corrected(scores, np.bincount(y) / len(y), tau)
    linear = LogisticRegression(C=10 / (3 * 24), max_iter=400, tol=1e-4)
    model = make_pipeline(copies, HOGFeatures(), OneScale(), linear)
    further = PriorCorrectedClassifier(model, prior="uniform", model_prior="train", tau=tau)
    np.testing.assert_array_equal(further.fit(images, y).predict(others), expected)
    assert (expected != scores.argmax(axis=1)).any() == (tau > 0)


# --- what is in vain, and what is done twice

BALANCED = chain(RandomOverSampler(random_state=0))
ASK_UNIFORM, ASK_TRAIN = "prior='uniform' for balanced", "prior='train' repairs"
SAME = {"cat": 24, "dog": 12, "owl": 8}


@pytest.mark.parametrize(
    ("model", "params", "remedy"),
    [
        (GaussianNB(), {}, ASK_UNIFORM),
        (GaussianNB(), {"tau": 0.3}, ASK_UNIFORM),
        (GaussianNB(), {"model_prior": "train"}, ASK_UNIFORM),
        (GaussianNB(), {"prior": SAME}, ASK_UNIFORM),
        (GaussianNB(), {"prior": SAME, "model_prior": SAME}, ASK_UNIFORM),
        (BALANCED, {"prior": "uniform", "tau": 0.3}, ASK_TRAIN),
        (BALANCED, {"prior": "uniform", "model_prior": "uniform"}, ASK_TRAIN),
        (BALANCED, {"model_prior": "train", "tau": 0.3}, ASK_TRAIN),
        (WEIGHTED, {"prior": "uniform"}, ASK_TRAIN),
        (GridSearchCV(WEIGHTED, {}, cv=2), {"prior": "uniform"}, ASK_TRAIN),
        (EasyEnsembleClassifier(2), {"prior": "uniform", "model_prior": "uniform"}, ASK_TRAIN),
        (PriorCorrectedClassifier(GaussianNB(), prior="uniform"), {"prior": "uniform"}, ASK_TRAIN),
    ],
    ids=str,
)
def test_a_correction_of_nothing_warns(model, params, remedy):
    with pytest.warns(UserWarning, match="corrects nothing, whatever `tau`.*same shares") as told:
        PriorCorrectedClassifier(model, **params).fit(X, Y)
    assert len(told) == 1 and remedy in str(told[0].message)


def test_a_correction_of_balanced_classes_warns_and_of_many_is_short():
    y = np.repeat(np.arange(11), 4)
    with pytest.warns(UserWarning, match=r"3 0.0909, 4 0.0909 and 6 more. The classes of y are"):
        PriorCorrectedClassifier(GaussianNB(), prior="uniform").fit(X.reshape(len(y), -1), y)


@pytest.mark.parametrize(
    ("model", "params"),
    [
        (BALANCED, {"model_prior": "train"}),
        (BALANCED, {"model_prior": "train", "tau": 0.8}),
        (BALANCED, {"model_prior": SAME}),
        (WEIGHTED, {"model_prior": "train"}),
        (GridSearchCV(WEIGHTED, {}, cv=2), {"model_prior": SAME}),
        (PriorCorrectedClassifier(GaussianNB(), prior="uniform"), {"model_prior": "train"}),
        (EasyEnsembleClassifier(2), {"model_prior": "train"}),
        (VotingClassifier([("one", WEIGHTED)], voting="soft"), {"model_prior": "train"}),
    ],
    ids=str,
)
def test_a_correction_that_comes_twice_warns(model, params):
    further = PriorCorrectedClassifier(model, prior="uniform", **params)
    with pytest.warns(UserWarning, match="are corrected twice: the model .*small `tau`") as told:
        further.fit(X, Y)
    assert len(told) == 1
    further.set_params(tau=0.3).fit(X, Y)  # the small step does not warn
