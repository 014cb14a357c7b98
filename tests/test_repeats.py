"""Repeats of images by a linear programme, against its exact solution in whole numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from imblearn_images.core.multilabel import choose_repeats


def zipf_counts(n, n_labels, seed=0):
    """Objects of labels whose frequencies fall off, in images that have themes."""
    rng = np.random.default_rng(seed)
    p = 1 / np.arange(1, n_labels + 1) ** 1.2
    themes = rng.dirichlet(np.full(n_labels, 0.08), size=40)
    counts = np.zeros((n, n_labels), dtype=np.int64)
    for row in counts:
        theme = themes[rng.integers(40)]
        q = 0.5 * p / p.sum() + 0.5 * theme * p / (theme * p).sum()
        np.add.at(row, rng.choice(n_labels, rng.integers(1, 16), p=q / q.sum()), 1)
    return counts[:, counts.any(axis=0)]


def greedy(counts, target, cap, rng):
    """Repeat an image of the rarest label that is short, again and again."""
    repeats, total = np.ones(len(counts), int), counts.sum(axis=0)
    wanted = np.minimum(target, cap * total)
    while len(short := np.flatnonzero(total < wanted)):
        label = short[np.argmin(total[short])]
        row = rng.choice(np.flatnonzero((counts[:, label] > 0) & (repeats < cap)))
        repeats[row] += 1
        total = total + counts[row]
    return repeats


def fewest_in_whole_numbers(counts, targets, cap):
    need = np.minimum(targets, cap * counts.sum(axis=0))
    n = len(counts)
    found = milp(
        np.ones(n),
        constraints=LinearConstraint(counts.T, lb=need),
        bounds=Bounds(np.ones(n), np.full(n, cap)),
        integrality=np.ones(n),
    )
    return round(found.fun)


tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(0, 3), min_size=width, max_size=width), min_size=1, max_size=9
    )
)


@settings(max_examples=60, deadline=None)
@given(tables, st.integers(1, 6), st.integers(0, 40), st.integers(0, 3))
def test_every_possible_target_is_reached_with_nearly_the_fewest_images(rows, cap, target, seed):
    counts = np.array(rows)
    targets = np.full(counts.shape[1], target)
    repeats, reach = choose_repeats(counts, targets, cap, random_state=np.random.RandomState(seed))
    assert ((repeats >= 1) & (repeats <= cap)).all()
    assert (reach.reached == repeats @ counts).all()
    assert (reach.possible == cap * counts.sum(axis=0)).all()
    assert (reach.reached >= np.minimum(targets, reach.possible)).all()
    assert set(reach.unreachable) == set(np.flatnonzero(targets > cap * counts.sum(axis=0)))
    exact = fewest_in_whole_numbers(counts, targets, cap)
    assert exact <= repeats.sum() <= exact + np.count_nonzero(counts.sum(axis=0) < targets)
    # alike in any container, and images that hold the same are repeated alike
    again, _ = choose_repeats(
        sparse.csr_matrix(counts), targets, cap, random_state=np.random.RandomState(seed)
    )
    assert (again == repeats).all()
    for row in np.unique(counts, axis=0):
        assert np.ptp(repeats[(counts == row).all(axis=1)]) <= 1


def test_six_tenths_of_the_images_of_a_greedy_choice_suffice():
    counts, n = zipf_counts(3000, 80), 3000
    repeats, reach = choose_repeats(counts, np.full(counts.shape[1], 100), 20)
    by_hand = greedy(counts, 100, 20, np.random.default_rng(0))
    assert (reach.reached >= np.minimum(100, reach.possible)).all()
    assert repeats.sum() - n <= 0.6 * (by_hand.sum() - n)


def test_of_equally_few_images_many_are_repeated_a_little():
    counts = np.array([[1, 0], [0, 1], [1, 0]] * 10)
    counts = np.column_stack([counts, np.arange(30)])  # no two images hold the same
    repeats, _ = choose_repeats(counts, [0, 40, 0], 10)
    assert repeats[counts[:, 1] == 1].max() <= 5  # 4 each on average


def test_labels_that_are_frequent_enough_are_not_brought_along():
    counts = np.array([[1, 5], [1, 0], [0, 9]])
    repeats, _ = choose_repeats(counts, [4, 0], 10)
    assert repeats[0] < repeats[1]


def test_targets_by_name_and_what_is_wrong_with_them():
    counts = np.array([[1, 0], [1, 1]])
    repeats, reach = choose_repeats(counts, {"owl": 9}, 4, labels=("cat", "owl"))
    assert repeats.tolist() == [1, 4]
    assert list(reach) == [("cat", 2, 2, 5, 8), ("owl", 1, 9, 4, 4)]
    assert reach.unreachable == {"owl": 4}
    pytest.importorskip("pandas")
    assert reach.to_frame().set_index("label").loc["owl"].tolist() == [1, 9, 4, 4]
    with pytest.raises(ValueError, match="`wanted` must name labels that there are, 'cat', 'owl'"):
        choose_repeats(counts, {"dog": 9}, 4, labels=("cat", "owl"))
    with pytest.raises(ValueError, match="`max_repeats` must be a whole number from 1 on, got 0"):
        choose_repeats(counts, [3, 3], 0)
    with pytest.raises(ValueError, match="`wanted` must have a target for each of the 2 labels"):
        choose_repeats(counts, [3, 3, 3])


def test_nothing_to_do_is_nothing_done():
    for counts in (np.zeros((3, 2), int), np.eye(3, dtype=int)):
        repeats, _ = choose_repeats(counts, np.ones(counts.shape[1], int), 5)
        assert repeats.tolist() == [1, 1, 1]
