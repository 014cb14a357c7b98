"""What travels along with the images through imbalanced-learn's Pipeline, and what does not.

The tests pin today's state (imbalanced-learn 0.14; its issues 457, 833 and 892): when one of
those that say "refused" fails, a note in the documentation can go.
"""

import numpy as np
import pytest
import sklearn
from imblearn.pipeline import make_pipeline
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import StratifiedGroupKFold, cross_validate

from imblearn_images import SMOTE, RandomUnderSampler
from imblearn_images.preprocessing import FlattenImages

rng = np.random.default_rng(0)
X = rng.integers(0, 256, (40, 6, 6), dtype=np.uint8)
Y = np.repeat([0, 1], [28, 12])
GROUPS = np.arange(40) // 4
WEIGHTS = rng.random(40)


class Seen(LogisticRegression):
    """Remembers what it was fitted on."""

    def fit(self, X, y, sample_weight=None):
        self.n_seen_, self.weights_ = len(X), sample_weight
        return super().fit(X / 255, y, sample_weight)


class NotesGroups(SMOTE):
    """A sampler that asks for metadata by naming it."""

    def fit_resample(self, X, y, groups=None):
        X_resampled, y_resampled = super().fit_resample(X, y)
        self.groups_ = None if groups is None else self.plan_.take(groups)
        return X_resampled, y_resampled


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def pipeline(sampler=None, model=None):
    sampler = SMOTE(k_neighbors=2, random_state=0) if sampler is None else sampler
    return make_pipeline(sampler, FlattenImages(), Seen() if model is None else model)


def test_groups_reach_the_splitter_and_children_stay_inside_the_fold():
    folds = StratifiedGroupKFold(3)
    found = cross_validate(
        pipeline(), X, Y, groups=GROUPS, cv=folds, return_estimator=True, return_indices=True
    )
    for fitted, train, valid in zip(
        found["estimator"], found["indices"]["train"], found["indices"]["test"], strict=True
    ):
        plan = fitted[0].plan_
        assert plan.n_source == len(train) and fitted[-1].n_seen_ == len(plan)
        assert not set(plan.take(GROUPS[train])) & set(GROUPS[valid])


def test_weights_of_the_rows_given_reach_the_scorer(routing):
    model = Seen().set_fit_request(sample_weight=False).set_score_request(sample_weight=True)
    scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
    weighted, plain = (
        cross_validate(
            pipeline(model=model), X, Y, cv=StratifiedGroupKFold(3), scoring=scorer, params=params
        )["test_score"]
        for params in ({"groups": GROUPS, "sample_weight": WEIGHTS}, {"groups": GROUPS})
    )
    assert len(weighted) == 3 and not np.allclose(weighted, plain)


@pytest.mark.parametrize("sampler", [SMOTE(k_neighbors=2), RandomUnderSampler()])
def test_weights_for_the_step_behind_a_sampler_are_refused(sampler):
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(40,\)"):
        pipeline(sampler).fit(X, Y, seen__sample_weight=WEIGHTS)


@pytest.mark.parametrize("sampler", [SMOTE(k_neighbors=2), RandomUnderSampler()])
def test_routed_weights_for_the_step_behind_a_sampler_are_refused(sampler, routing):
    model = pipeline(sampler, Seen().set_fit_request(sample_weight=True))
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(40,\)"):
        model.fit(X, Y, sample_weight=WEIGHTS)


def test_weights_are_misplaced_silently_where_the_number_of_rows_stays():
    # as many rows after as before, others in other places: nobody can notice but the reader
    sampler = RandomUnderSampler(sampling_strategy={0: 28, 1: 12}, random_state=0)
    fitted = pipeline(sampler).fit(X, Y, seen__sample_weight=WEIGHTS)
    right = fitted[0].plan_.take(WEIGHTS)
    assert len(right) == 40
    np.testing.assert_array_equal(fitted[-1].weights_, WEIGHTS)
    assert not np.array_equal(fitted[-1].weights_, right)


def test_weights_are_taken_along_by_the_plan():
    sampler = SMOTE(k_neighbors=2, random_state=0)
    X_res, y_res = sampler.fit_resample(X, Y)
    weights = sampler.plan_.take(WEIGHTS)
    model = make_pipeline(FlattenImages(), Seen()).fit(X_res, y_res, seen__sample_weight=weights)
    assert len(model[-1].weights_) == len(y_res) == 56
    np.testing.assert_array_equal(model[-1].weights_[:40], WEIGHTS)
    np.testing.assert_array_equal(model[-1].weights_[40:], WEIGHTS[sampler.plan_.base[40:]])


def test_a_sampler_gets_metadata_that_its_fit_resample_names(routing):
    assert not hasattr(RandomUnderSampler(), "set_fit_resample_request")
    sampler = NotesGroups(k_neighbors=2, random_state=0).set_fit_resample_request(groups=True)
    fitted = pipeline(sampler).fit(X, Y, groups=GROUPS)
    assert fitted[0].groups_.tolist() == GROUPS[fitted[0].plan_.base].tolist()
