import numpy as np
import pytest
from conftest import make_images, make_labels
from hypothesis import given
from imblearn.over_sampling import ADASYN as ImblearnADASYN
from imblearn.over_sampling import SMOTE as ImblearnSMOTE
from imblearn.over_sampling import BorderlineSMOTE as ImblearnBorderlineSMOTE
from sklearn.neighbors import NearestNeighbors
from strategies import labels, seeds

from imblearn_images import SMOTE, RandomOverSampler
from imblearn_images.core.listening import RowNeighbors, listen
from imblearn_images.core.validation import check_class_sizes
from imblearn_images.synthesis import Augment, TransferDeformation


def looked_up(X):
    """Search that knows the images behind the row numbers."""

    def search(rows, queries, k):
        fitted = NearestNeighbors(n_neighbors=k).fit(X[rows])
        return fitted.kneighbors(X[queries])

    return search


def decided_on_numbers(cls, X, y, seed, **neighbors):
    objects = {
        name: RowNeighbors(looked_up(X), NearestNeighbors(n_neighbors=k + 1))
        for name, k in neighbors.items()
    }
    numbers = np.arange(len(y), dtype=float)[:, None]
    sampler = cls(random_state=seed, **objects).fit(numbers, y)
    return listen(sampler._fit_resample, numbers, y, nearness="x")[0]


@pytest.mark.parametrize(
    ("cls", "neighbors"),
    [
        (ImblearnSMOTE, {"k_neighbors": 3}),
        (ImblearnBorderlineSMOTE, {"k_neighbors": 3, "m_neighbors": 4}),
        (ImblearnADASYN, {"n_neighbors": 3}),
    ],
)
@given(labels(smallest=4), seeds)
def test_parents_and_steps_are_those_of_imbalanced_learn(cls, neighbors, y, seed):
    n, X = len(y), np.random.default_rng(seed).random((len(y), 6))
    try:
        expected, y_expected = cls(random_state=seed, **neighbors).fit_resample(X, y)
    except (ValueError, RuntimeError) as error:  # ADASYN has nothing to do
        with pytest.raises(type(error)):
            decided_on_numbers(cls, X, y, seed, **neighbors)
        return
    plan = decided_on_numbers(cls, X, y, seed, **neighbors)
    np.testing.assert_array_equal(plan.y, y_expected)
    np.testing.assert_allclose(plan.matrix() @ X, expected, atol=1e-12)
    np.testing.assert_array_equal(plan.base[:n], np.arange(n))
    assert not plan.weights[:n].any()
    np.testing.assert_array_equal(plan.y[n:], y[plan.base[n:]])
    np.testing.assert_array_equal(plan.y[n:], y[plan.partners[n:, 0]])
    assert (plan.base[n:] != plan.partners[n:, 0]).all()
    assert ((plan.weights >= 0) & (plan.weights < 1)).all()
    assert plan.nearness == "x"


def test_a_partner_is_a_neighbor_of_its_base():
    y = np.array(["b"] * 6 + ["a"] * 4)
    neighbors = {6: 9, 7: 6, 8: 7, 9: 8}

    def search(rows, queries, k):
        assert rows.tolist() == queries.tolist() == [6, 7, 8, 9] and k == 2
        return np.zeros((4, 2)), np.array([[row - 6, neighbors[row] - 6] for row in rows])

    nearest = RowNeighbors(search, NearestNeighbors(n_neighbors=2))
    numbers = np.arange(10.0)[:, None]
    smote = ImblearnSMOTE(sampling_strategy={"a": 54}, random_state=3, k_neighbors=nearest)
    plan, _ = listen(smote.fit(numbers, y)._fit_resample, numbers, y)
    assert set(zip(plan.base[10:], plan.partners[10:, 0], strict=True)) == set(neighbors.items())


def test_what_cannot_be_traced_is_refused_by_name():
    y = np.array([0, 0, 1])

    def squared(X, y):
        return X**2, y

    with pytest.raises(TypeError, match=r"function: .*cannot be traced"):
        listen(squared, np.arange(3.0)[:, None], y)


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


def test_a_plan_names_what_was_compared_and_nothing_else():
    """Not what a synthesis would have compared, had it looked; nor in place of what SMOTE did."""
    X, y = make_images(24, (8, 8), "uint8"), make_labels()
    expected = {
        "": RandomOverSampler(synthesis=Augment(), random_state=0),
        "pixels": SMOTE(k_neighbors=2, synthesis=TransferDeformation(), random_state=0),
        "8x8": RandomOverSampler(synthesis=TransferDeformation(), random_state=0),
    }
    found = {}
    for nearness, sampler in expected.items():
        sampler.fit_resample(X, y)
        found[nearness] = sampler.plan_.nearness
    assert found.pop("8x8").startswith("HOG")
    assert found == {"": "", "pixels": "pixels"}
