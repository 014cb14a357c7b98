import numpy as np
import pytest
from hypothesis import given
from imblearn.over_sampling import SMOTE as ImblearnSMOTE
from sklearn.neighbors import NearestNeighbors
from strategies import labels, seeds

from imblearn_images.core.planning import check_class_sizes, plan_mixture


def counts(y):
    found, numbers = np.unique(y, return_counts=True)
    return dict(zip(found.tolist(), numbers.tolist(), strict=True))


@given(labels(smallest=4), seeds)
def test_parents_and_steps_are_those_of_imbalanced_learn(y, seed):
    """On the identity matrix imbalanced-learn's own output tells its parents."""
    n, k = len(y), 3
    X = np.random.default_rng(seed).random((n, 6))
    most = max(counts(y).values())
    n_new = {label: most - count for label, count in counts(y).items()}

    def search(rows):
        found = NearestNeighbors(n_neighbors=k + 1).fit(X[rows]).kneighbors(X[rows])[1]
        return found[:, 1:]

    plan = plan_mixture(ImblearnSMOTE(random_state=seed), y, n_new, search, nearness="x")
    expected, y_expected = ImblearnSMOTE(random_state=seed, k_neighbors=k).fit_resample(X, y)
    np.testing.assert_array_equal(plan.y, y_expected)
    np.testing.assert_allclose(plan.matrix() @ X, expected, atol=1e-12)
    np.testing.assert_array_equal(plan.y[n:], y[plan.base[n:]])
    np.testing.assert_array_equal(plan.y[n:], y[plan.partners[n:, 0]])
    assert (plan.base[n:] != plan.partners[n:, 0]).all()
    assert ((plan.weights >= 0) & (plan.weights < 1)).all()
    assert plan.nearness == "x"


@given(labels(), seeds)
def test_originals_come_first_and_whole(y, seed):
    def search(rows):
        return (np.arange(len(rows))[:, None] + 1) % len(rows)

    n_new = dict.fromkeys(counts(y), 2)
    plan = plan_mixture(ImblearnSMOTE(random_state=seed), y, n_new, search, nearness="")
    np.testing.assert_array_equal(plan.base[: len(y)], np.arange(len(y)))
    assert not plan.weights[: len(y)].any()
    assert len(plan) == len(y) + 2 * len(counts(y))


def test_a_partner_is_a_neighbor_of_its_base():
    y = np.array(["b"] * 6 + ["a"] * 4)
    neighbors = {6: 9, 7: 6, 8: 7, 9: 8}

    def search(rows):
        assert rows.tolist() == [6, 7, 8, 9]
        return np.array([[neighbors[row] - 6] for row in rows])

    plan = plan_mixture(
        ImblearnSMOTE(random_state=3), y, {"a": 50, "b": 0}, search, nearness="pixels"
    )
    assert set(zip(plan.base[10:], plan.partners[10:, 0], strict=True)) == set(neighbors.items())


@pytest.mark.parametrize(("k", "needed"), [(5, 6), (3, 4), (NearestNeighbors(n_neighbors=4), 4)])
def test_a_class_that_is_too_small_is_named_with_a_remedy(k, needed):
    y = np.repeat(["cat", "dog", "owl"], [9, 3, 8])
    with pytest.raises(ValueError, match="'dog'") as error:
        check_class_sizes(y, {"dog": 6, "owl": 1}, k)
    message = str(error.value)
    assert f"n_samples = 3, k_neighbors={needed - 1} needs at least {needed}" in message
    assert "at most 2" in message and "RandomOverSampler" in message
    check_class_sizes(y, {"owl": 1}, k)
    check_class_sizes(y, {"dog": 0, "owl": 1}, k)
