"""Prior correction: against closed forms, against the model that was never resampled."""

import numpy as np
import pytest
from conftest import make_images, make_labels
from imblearn.over_sampling import RandomOverSampler as ImblearnRandomOverSampler
from imblearn.pipeline import make_pipeline
from scipy.stats import multivariate_normal
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
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
from imblearn_images.decision import PriorCorrectedClassifier
from imblearn_images.preprocessing import FlattenImages

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


def chain(*samplers):
    return make_pipeline(*samplers, FlattenImages(), GaussianNB())


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
    ],
    ids=str,
)
def test_what_reaches_the_last_step_is_counted(model, counts):
    corrected = PriorCorrectedClassifier(model).fit(X, Y)
    np.testing.assert_allclose(corrected.model_prior_, np.array(counts) / sum(counts))
    np.testing.assert_allclose(corrected.prior_, GIVEN)
    last = corrected.estimator_
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
    with pytest.raises(ValueError, match="44 sample weights meet 72 images behind the samplers"):
        PriorCorrectedClassifier(chain(RandomOverSampler())).fit(X, Y, sample_weight=np.ones(44))


@pytest.mark.parametrize(
    "hidden",
    [
        GridSearchCV(chain(RandomOverSampler()), {}),
        VotingClassifier([("one", chain(RandomOverSampler()))], voting="soft"),
        FrozenEstimator(chain(RandomOverSampler())),
        EasyEnsembleClassifier(2),
        make_pipeline(FlattenImages(), EasyEnsembleClassifier(2)),
    ],
    ids=lambda hidden: type(hidden).__name__,
)
def test_samplers_that_cannot_be_counted_behind_are_refused_with_a_way_out(hidden):
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
        ({"tau": -1}, "tau must be a number from 0, got -1"),
        ({"tau": "1"}, "tau must be a number"),
        ({"tau": np.nan}, "tau must be a number"),
        ({"prior": "balanced"}, "prior must be 'train', 'uniform' or a dict.*'balanced'"),
        ({"prior": "count"}, "prior must be 'train'"),
        ({"model_prior": "train"}, "model_prior must be 'count'"),
        ({"prior": {"cat": 1, "dog": 1}}, r"got \{'cat': 1, 'dog': 1\}: add \['owl'\]\.$"),
        (
            {"prior": {"cat": 1, "dog": 1, "owl": 1, "cow": 1}},
            r"'cow': 1\}: leave out \['cow'\]\.$",
        ),
        (
            {"model_prior": {"cat": 1, "cow": 1}},
            r"^model_prior must have a share .*: add \['dog', 'owl'\] and leave out \['cow'\]",
        ),
        ({"prior": {"cat": 1, "dog": 1, "owl": 0}}, "every class needs a positive share"),
        ({"model_prior": {"cat": 1, "dog": 1, "owl": np.inf}}, "model_prior: every class"),
    ],
)
def test_bad_parameters_are_named(params, match):
    with pytest.raises(ValueError, match=match):
        PriorCorrectedClassifier(GaussianNB(), **params).fit(X, Y)
