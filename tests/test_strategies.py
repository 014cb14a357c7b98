"""Numbers per class as values: exact, for every sampler, and readable from text."""

import math
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from imblearn_images import SMOTE, RandomOverSampler, RandomUnderSampler, datasets, strategies
from imblearn_images import strategies as module
from imblearn_images.combine import RandomBalancer
from imblearn_images.strategies import (
    EpochNumbers,
    LongTail,
    Staircase,
    Step,
    add_fraction,
    at_least,
    at_most,
    at_most_ratio,
    by_hierarchy,
    deferred,
    evenly,
    multiply,
    parse_strategy,
    progressive,
    repeat_factor,
    root,
)

Y = np.repeat(["cat", "dog", "owl"], [20, 12, 8])
X = np.random.default_rng(0).integers(0, 256, (len(Y), 4, 4), dtype=np.uint8)
OVER = [
    add_fraction({"dog": 0.5, "owl": 1.25}),
    at_least(15),
    at_most_ratio(1.5),
    multiply(1.5),
    multiply({"owl": 2}),
    root(0.5, "over"),
    repeat_factor(0.5),
]
UNDER = [at_most(10), at_most_ratio(1.5, "under"), multiply(0.5), strategies.LongTail(4)]
UNDER += [root(0.5, "under")]
BOTH = [evenly(), evenly(50), root(0.5), progressive(3), deferred(0)]
CASES = [(sampler, s) for s in OVER for sampler in (SMOTE, RandomOverSampler)]
CASES += [(RandomUnderSampler, strategy) for strategy in UNDER]
CASES += [(RandomBalancer, strategy) for strategy in OVER + UNDER + BOTH]
sizes = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 500), min_size=1)


def labels_of(counts):
    return np.repeat(list(counts), list(counts.values()))


@pytest.mark.parametrize(("sampler", "strategy"), CASES, ids=str)
def test_every_sampler_gives_the_numbers_asked(sampler, strategy):
    wanted = {"cat": 20, "dog": 12, "owl": 8} | strategy(Y)
    _, y = sampler(sampling_strategy=strategy, random_state=0).fit_resample(X, Y)
    assert dict(zip(*np.unique(y, return_counts=True), strict=True)) == wanted


@pytest.mark.parametrize("strategy", OVER + UNDER + BOTH, ids=str)
def test_they_are_values(strategy):
    assert pickle.loads(pickle.dumps(strategy)) == strategy
    assert clone(RandomOverSampler(sampling_strategy=strategy)).sampling_strategy == strategy
    assert all(type(n) is int for n in strategy(Y).values())
    assert strategy(Y) == strategy(list(Y)) == strategy(pd.Series(Y))


@given(sizes, st.floats(1, 50))
def test_at_most_ratio_holds_and_moves_as_little_as_possible(counts, ratio):
    y = labels_of(counts)
    over, under = at_most_ratio(ratio)(y), at_most_ratio(ratio, "under")(y)
    for found in (over, under):
        assert max(found.values()) / min(found.values()) <= ratio * (1 + 1e-6)
    assert all(over[label] >= n >= under[label] for label, n in counts.items())
    most, least = max(counts.values()), min(counts.values())
    for label, n in counts.items():
        assert over[label] == n or (over[label] - 1) * ratio < most * (1 + 1e-5)
        assert under[label] == n or under[label] + 1 > least * ratio * (1 - 1e-5)


@given(sizes, st.integers(1, 600))
def test_floors_and_caps(counts, n):
    y = labels_of(counts)
    assert at_least(n)(y) == {label: max(n, has) for label, has in counts.items()}
    assert at_most(n)(y) == {label: min(n, has) for label, has in counts.items()}


@given(sizes, st.floats(0, 9))
def test_a_fraction_is_rounded_to_nearest(counts, fraction):
    label = next(iter(counts))
    found = add_fraction({label: fraction})(labels_of(counts))
    assert found.keys() == {label}
    assert abs(found[label] - counts[label] * (1 + fraction)) <= 0.5 + 1e-9


def test_halves_are_rounded_up():
    assert add_fraction({"a": 0.5})(["a"] * 5) == {"a": 8}
    assert multiply(0.01)(["a"] * 5) == {"a": 1}


@pytest.mark.parametrize(
    ("make", "error", "told"),
    [
        (lambda: at_least(0), ValueError, "`n` must be .* got 0"),
        (lambda: at_least(2.5), ValueError, "`n` must be .* got 2.5"),
        (lambda: at_least(True), ValueError, "`n` must be .* got True"),
        (lambda: at_most("9"), ValueError, "`n` must be .* got '9'"),
        (lambda: at_most_ratio(0.5), ValueError, "`ratio` must be .* got 0.5"),
        (lambda: at_most_ratio(float("nan")), ValueError, "`ratio` must be .* got nan"),
        (lambda: at_most_ratio(2, "both"), ValueError, "`sampling` must be .* got 'both'"),
        (lambda: multiply(0), ValueError, "`factor` must be .* got 0"),
        (lambda: multiply({"a": -1}), ValueError, r"`factor\['a'\]` must be .* got -1"),
        (lambda: add_fraction(0.5), TypeError, "`fractions` must be .* got 0.5"),
        (lambda: add_fraction({"a": -0.5}), ValueError, r"`fractions\['a'\]` must be .* got -0.5"),
        (lambda: add_fraction({"fig": 0.5})(Y), ValueError, "'fig'.*'cat'"),
        (lambda: multiply({"fig": 2})(Y), ValueError, "'fig'.*'cat'"),
    ],
)
def test_what_cannot_be_is_refused_with_the_value(make, error, told):
    with pytest.raises(error, match=told):
        make()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("auto", "auto"),
        (" not  majority ", "not majority"),
        ("0.5", 0.5),
        ("at least 200", at_least(200)),
        ("at  most 200", at_most(200)),
        ("at most ratio 2.5", at_most_ratio(2.5)),
        ("multiply 1.5", multiply(1.5)),
        ('{"Red Beet": 20}', {"Red Beet": 20}),
        (' { "Red  Beet": 20}', {"Red  Beet": 20}),
        ("By  Hierarchy _X_ ", by_hierarchy("_X_")),
    ],
)
def test_text_is_read(text, value):
    assert parse_strategy(text) == value


def test_a_ratio_for_under_samplers():
    assert parse_strategy("at most ratio 3", sampling="under") == at_most_ratio(3.0, "under")


@pytest.mark.parametrize(
    "text", ["", "a lot", "at least", "at least many", "at least 2.5", "at most ratio 0.2",
             "multiply -1", "{", '{"a": 1.5}', '{"a": "b"}', '{"a": true}', "[1]", "at least 1e3"],
)  # fmt: skip
def test_other_text_is_refused_with_what_is_known(text):
    with pytest.raises(ValueError, match=r"(?s)Strategy.*Known are auto"):
        parse_strategy(text)


def test_the_profiles_are_where_they_always_were():
    for name in ("LongTail", "Step", "Staircase"):
        assert getattr(datasets, name) is getattr(strategies, name) is getattr(module, name)


# --- strategies that go up and down, and those that change from epoch to epoch


@given(sizes, st.integers(0, 400))
def test_evenly_is_equal_to_within_one_and_the_rest_goes_to_the_largest(counts, more):
    n = len(counts) + more
    found = evenly(n)(labels_of(counts))
    assert sum(found.values()) == n and max(found.values()) - min(found.values()) <= 1
    larger = [counts[label] for label in counts if found[label] > n // len(counts)]
    others = [counts[label] for label in counts if found[label] == n // len(counts)]
    assert not larger or not others or min(larger) >= max(others)
    assert sum(evenly()(labels_of(counts)).values()) == sum(counts.values())


@given(sizes, st.floats(0, 1))
def test_a_root_keeps_the_total_and_is_within_one_of_its_formula(counts, power):
    y, n = labels_of(counts), sum(counts.values())
    scale = sum(count**power for count in counts.values())
    found = root(power)(y)
    assert sum(found.values()) == n and min(found.values()) >= 1
    for label, count in counts.items():
        assert abs(found[label] - n * count**power / scale) < 1 + 1e-6
    for sampling, size in (("over", max(counts.values())), ("under", min(counts.values()))):
        one = root(power, sampling)(y)
        for label, count in counts.items():
            assert abs(one[label] - size * (count / size) ** power) <= 0.5 + 1e-6
    assert root(1)(y) == dict(sorted(counts.items()))
    assert root(0)(y) == evenly()(y)


@given(sizes, st.floats(1e-4, 1))
def test_repeat_factors_are_those_of_detectron2(counts, t):
    """Its RepeatFactorTrainingSampler: factors of categories, the largest of an image's, a sum."""
    y, n = labels_of(counts), sum(counts.values())
    category_rep = {label: max(1.0, math.sqrt(t / (count / n))) for label, count in counts.items()}
    rep_factors = [max(category_rep[label] for label in {image}) for image in y.tolist()]
    found = repeat_factor(t)(y)
    assert all(found[label] >= count for label, count in counts.items())  # also for over-samplers
    assert abs(sum(found.values()) - sum(rep_factors)) <= 0.5 * len(counts) + 1e-6
    for label, count in counts.items():
        expected = sum(
            rep for rep, image in zip(rep_factors, y.tolist(), strict=True) if image == label
        )
        assert abs(found[label] - expected) <= 0.5 + 1e-6 and found[label] >= count


@given(sizes, st.integers(2, 30))
def test_progressive_is_on_the_line_between_its_strategies_and_keeps_the_total(counts, epochs):
    y, n = labels_of(counts), sum(counts.values())
    schedule = progressive(epochs)
    assert schedule(y) == schedule(y, 0) == dict(sorted(counts.items()))
    assert schedule(y, epochs - 1) == schedule(y, epochs + 5) == evenly()(y)
    for epoch in range(epochs):
        found, at = schedule(y, epoch), epoch / (epochs - 1)
        assert sum(found.values()) == n
        for label, count in counts.items():
            expected = (1 - at) * count + at * evenly()(y)[label]
            assert abs(found[label] - expected) < 1 + 1e-6


def test_deferred_changes_once():
    schedule = deferred(2, first=root(0.5), last=at_least(30))
    assert [schedule(Y, epoch) for epoch in range(4)] == [root(0.5)(Y)] * 2 + [at_least(30)(Y)] * 2
    assert deferred(0)(Y) == evenly()(Y)


def test_a_strategy_that_names_some_classes_leaves_the_others():
    schedule = progressive(2, last=multiply({"owl": 3}))
    assert schedule(Y, 1) == {"cat": 20, "dog": 12, "owl": 24}
    assert progressive(3, last=lambda y: {"owl": len(y)})(Y, 1) == {"cat": 20, "dog": 12, "owl": 24}


CHANGING = [progressive(4), deferred(3), progressive(5, root(0.5), multiply(2))]


@pytest.mark.parametrize(
    "strategy",
    [
        *(evenly(), evenly(30), repeat_factor(0.4), repeat_factor("median"), deferred(3)),
        *(root(power, kind) for power in (0, 0.5, 1) for kind in ("both", "over", "under")),
    ],
    ids=str,
)
def test_of_a_class_without_images_none_is_requested(strategy):
    counts = {"cat": 20, "dog": 0, "owl": 8}
    held = {label: n for label, n in counts.items() if n}
    for epoch in (0, 5):
        assert strategy.of_counts(counts, epoch) == strategy.of_counts(held, epoch) | {"dog": 0}
    assert not any(strategy.of_counts({"dog": 0}).values())


@pytest.mark.parametrize("strategy", CHANGING, ids=str)
def test_what_is_requested_before_an_epoch_is_the_sum(strategy):
    numbers = EpochNumbers(strategy, {"cat": 20, "dog": 12, "owl": 8})
    total = np.zeros(3, dtype=int)
    for epoch in range(7):
        np.testing.assert_array_equal(numbers.before(epoch), total)
        total += numbers.of(epoch)
        assert numbers.of(epoch).tolist() == list(strategy(Y, epoch).values())
    again = EpochNumbers(strategy, {"cat": 20, "dog": 12, "owl": 8})
    np.testing.assert_array_equal(again.before(7), total)  # at once, after a crash


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: evenly(0), "`n` must be .* got 0"),
        (lambda: evenly(2)(Y), "one image for each of 3 classes, got 2"),
        (lambda: root(1.5), "`power` must be .* got 1.5"),
        (lambda: root(-1), "`power` must be .* got -1"),
        (lambda: root(0.5, "up"), "`sampling` must be .* got 'up'"),
        (lambda: repeat_factor(0), "`t` must be .* got 0"),
        (lambda: repeat_factor(True), "`t` must be .* got True"),
        (lambda: repeat_factor(1.5), "`t` must be .* got 1.5"),
        (lambda: progressive(1), "`epochs` must be .* got 1"),
        (lambda: progressive(2.5), "`epochs` must be .* got 2.5"),
        (lambda: progressive(9, first="auto"), "`first` must be .* got 'auto'"),
        (lambda: deferred(9, last=progressive(3)), "`last` must be .* got progressive"),
        (lambda: LongTail("5"), "`ratio` must be .* got '5'"),
        (lambda: LongTail(1), "`ratio` must be .* got 1"),
        (lambda: Step(10, "a"), "`minority` must be .* got 'a'"),
        (lambda: Step(10, 1), "`minority` must be .* got 1"),
        (lambda: Step(10, 0), "`minority` must be .* got 0"),
        (lambda: Staircase(True), "`step` must be .* got True"),
        (lambda: deferred(-1), "`at` must be .* got -1"),
        (lambda: deferred(1.5), "`at` must be .* got 1.5"),
        (lambda: deferred(0, last=multiply({"fig": 2}))(Y), "'fig'.*'cat'"),
    ],
)
def test_what_no_strategy_can_be_is_refused_with_the_value(make, told):
    with pytest.raises(ValueError, match=told):
        make()
