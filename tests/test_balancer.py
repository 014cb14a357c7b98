"""Dealing like cards: exact numbers, and no image twice before every image of its class once."""

import pickle

import numpy as np
import pytest
from conftest import make_images, read_images, write_images
from hypothesis import given
from hypothesis import strategies as st
from imblearn.pipeline import make_pipeline
from imblearn.utils.estimator_checks import check_param_validation
from imblearn.utils.estimator_checks import estimator_checks_generator as imblearn_checks
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import estimator_checks_generator as sklearn_checks
from strategies import seeds

from imblearn_images import RandomUnderSampler, RedrawImages
from imblearn_images.combine import RandomBalancer, SamplerChain
from imblearn_images.combine._balancer import deal, spread_classes, taking_turns
from imblearn_images.strategies import evenly, progressive, root
from imblearn_images.synthesis import Augment

sizes = st.lists(st.integers(1, 60), min_size=2, max_size=8)
Y = np.repeat(["cat", "dog", "owl"], [40, 9, 2])
X = make_images(len(Y), (4, 4), "uint8")


def rows_of(balancer, y):
    balancer.fit_resample(np.zeros((len(y), 1)), y)
    return balancer.sample_indices_


# --- the deck


@given(st.integers(1, 40), st.integers(0, 3000), st.integers(0, 300), seeds)
def test_cards_are_those_of_one_endless_stream_of_whole_decks(n, first, number, seed):
    cards = deal(n, first, number, (seed,))
    assert len(cards) == number
    stream = deal(n, 0, first + number, (seed,))
    np.testing.assert_array_equal(cards, stream[first:])
    for at in range(0, len(stream) - n + 1, n):
        assert sorted(stream[at : at + n].tolist()) == list(range(n))


def test_large_decks_are_shuffled_one_at_a_time_and_every_one_anew():
    first, second = deal(3000, 0, 3000, (1,)), deal(3000, 3000, 3000, (1,))
    assert set(first.tolist()) == set(second.tolist()) == set(range(3000))
    assert (first != second).mean() > 0.99
    np.testing.assert_array_equal(deal(3000, 2990, 20, (1,)), [*first[-10:], *second[:10]])


# --- the sampler


@given(sizes, seeds, st.data())
def test_uses_within_a_class_differ_by_one_at_most_whatever_each_epoch_requests(sizes, seed, data):
    y = np.repeat(np.arange(len(sizes)), sizes)
    epochs = data.draw(st.integers(1, 6))
    wanted = data.draw(
        st.lists(
            st.lists(st.integers(0, 90), min_size=len(sizes), max_size=len(sizes)),
            min_size=epochs,
            max_size=epochs,
        ).filter(lambda lists: all(map(any, lists)))
    )

    def schedule(y, epoch):
        return dict(enumerate(wanted[epoch]))

    used = np.zeros(len(y), dtype=int)
    for epoch in range(epochs):
        rows = rows_of(
            RandomBalancer(sampling_strategy=schedule, random_state=seed, epoch=epoch), y
        )
        counts = np.bincount(y[rows], minlength=len(sizes))
        assert counts.tolist() == wanted[epoch]
        used += np.bincount(rows, minlength=len(y))
        for label in range(len(sizes)):
            assert np.ptp(used[y == label]) <= 1


@given(sizes, seeds)
def test_by_default_the_set_stays_as_long_and_classes_are_equal_to_within_one(sizes, seed):
    y = np.repeat(np.arange(len(sizes)), sizes)
    balancer = RandomBalancer(random_state=seed)
    rows = rows_of(balancer, y)
    counts = np.bincount(y[rows])
    assert len(rows) == len(y) and np.ptp(counts) <= 1
    assert balancer.sampling_strategy_ == dict(enumerate(counts.tolist()))
    assert (np.diff(rows) >= 0).all()  # in the order of X


def test_epochs_differ_and_each_is_a_function_of_its_number():
    balancer = RandomBalancer(random_state=3)
    found = [rows_of(balancer.set_params(epoch=epoch), Y).tolist() for epoch in (0, 1, 2, 1)]
    assert found[1] == found[3] and found[0] != found[1] != found[2]
    assert found[0] != rows_of(RandomBalancer(random_state=4), Y).tolist()
    assert (
        found[2]
        == rows_of(pickle.loads(pickle.dumps(clone(balancer).set_params(epoch=2))), Y).tolist()
    )


def test_seeds_of_numpy_are_used_up_as_elsewhere():
    rng = np.random.RandomState(0)
    one, other = (rows_of(RandomBalancer(random_state=rng), Y).tolist() for _ in range(2))
    assert one != other
    rows_of(RandomBalancer(), Y)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ({"owl": 7}, {"cat": 40, "dog": 9, "owl": 7}),
        ({"cat": 3.0, "owl": 0}, {"cat": 3, "dog": 9, "owl": 0}),
        (evenly(9), {"cat": 3, "dog": 3, "owl": 3}),
        (root(1), {"cat": 40, "dog": 9, "owl": 2}),
        (lambda y: {"dog": len(y)}, {"cat": 40, "dog": 51, "owl": 2}),
        (progressive(3), {"cat": 40, "dog": 9, "owl": 2}),
    ],
    ids=str,
)
def test_numbers_go_up_and_down_as_requested(strategy, expected):
    balancer = RandomBalancer(sampling_strategy=strategy, random_state=0)
    X_res, y_res = balancer.fit_resample(X, Y)
    assert balancer.sampling_strategy_ == expected == balancer.fit(X, Y).sampling_strategy_
    assert {label: int((y_res == label).sum()) for label in expected} == expected
    np.testing.assert_array_equal(X_res, X[balancer.plan_.base])


def test_files_are_selected_without_being_opened_and_can_be_drawn_from(tmp_path):
    balancer = RandomBalancer(random_state=0)
    rows = rows_of(balancer, Y)
    names = [f"no/such/{k}.png" for k in range(len(Y))]
    assert balancer.fit_resample(names, Y)[0] == [names[row] for row in rows]
    paths = write_images(tmp_path, X)
    chain = SamplerChain([balancer, RedrawImages(Augment())], random_state=0)
    drawn, _ = chain.set_params(output_dir=tmp_path / "drawn").fit_resample(np.array(paths), Y)
    stored, _ = clone(chain).set_params(output_dir=None).fit_resample(X, Y)
    np.testing.assert_array_equal(read_images(drawn), stored)


def test_it_is_a_step_of_a_pipeline():
    steps = make_pipeline(
        RandomBalancer(random_state=0), RandomUnderSampler(random_state=0), LogisticRegression()
    )
    assert set(steps.fit(X.reshape(len(X), -1) / 255.0, Y).predict(X.reshape(len(X), -1))) <= set(Y)


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"sampling_strategy": "auto"}, "`sampling_strategy` must be \"balanced\".*got 'auto'"),
        ({"sampling_strategy": 0.5}, '`sampling_strategy` must be "balanced".*got 0.5'),
        ({"sampling_strategy": {"fig": 3}}, "'fig'.*'cat'"),
        ({"sampling_strategy": {"owl": -1}}, "from 0 to .*got -1 for class 'owl'"),
        ({"sampling_strategy": {"owl": 1.5}}, "whole number.*'owl'"),
        ({"sampling_strategy": dict.fromkeys(["cat", "dog", "owl"], 0)}, "must request an image"),
        ({"sampling_strategy": lambda y: 3}, "returns a dict.*which returns 3"),
        ({"sampling_strategy": evenly(2)}, "one image for each of 3 classes, got 2"),
        ({"epoch": -1}, "`epoch` must be .*got -1"),
        ({"epoch": 0.5}, "'epoch' parameter"),
    ],
)
def test_what_cannot_be_is_refused_with_the_value(params, told):
    with pytest.raises(ValueError, match=told):
        RandomBalancer(**params).fit_resample(X, Y)


CHECKED = RandomBalancer(random_state=0)


@pytest.mark.parametrize(
    ("estimator", "check"),
    [*sklearn_checks(CHECKED), *imblearn_checks(CHECKED)],
    ids=lambda each: getattr(getattr(each, "func", None), "__name__", ""),
)
def test_check(estimator, check):
    check(estimator)


def test_parameters_are_validated():
    check_param_validation("RandomBalancer", CHECKED)


# --- the order in which classes take turns


@given(st.lists(st.integers(0, 200), min_size=2, max_size=60), st.integers(1, 90), seeds)
def test_every_block_holds_its_share_of_every_class(numbers, block, seed):
    numbers = np.array(numbers)
    n = int(numbers.sum())
    turns = spread_classes(numbers, block, np.random.default_rng(seed))
    np.testing.assert_array_equal(np.bincount(turns, minlength=len(numbers)), numbers)
    for at in range(0, n, block):
        part = turns[at : at + block]
        found = np.bincount(part, minlength=len(numbers))
        assert np.abs(found - len(part) * numbers / n).max() < 2


def test_many_rare_classes_do_not_crowd_out_the_frequent_one():
    """Spreading every class for itself would put a hundred single rows where chance has it."""
    turns = spread_classes(np.array([900, *[1] * 100]), 50, np.random.default_rng(0))
    assert {int((part == 0).sum()) for part in turns.reshape(-1, 50)} == {45}


def test_rows_of_a_class_keep_their_order():
    rng = np.random.default_rng(0)
    turns = rng.permutation(np.repeat([0, 1, 2], [5, 9, 2]))
    rows = taking_turns(turns, np.arange(16))
    assert all((np.diff(rows[turns == k]) == 1).all() for k in range(3))
    assert (np.searchsorted([5, 14], rows, side="right") == turns).all()
