"""Numbers per class as values: exact, for every sampler, and readable from text."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from imblearn_images import SMOTE, RandomOverSampler, RandomUnderSampler, datasets, strategies
from imblearn_images import strategies as module
from imblearn_images.strategies import (
    add_fraction,
    at_least,
    at_most,
    at_most_ratio,
    multiply,
    parse_strategy,
)

Y = np.repeat(["cat", "dog", "owl"], [20, 12, 8])
X = np.random.default_rng(0).integers(0, 256, (len(Y), 4, 4), dtype=np.uint8)
OVER = [
    add_fraction({"dog": 0.5, "owl": 1.25}),
    at_least(15),
    at_most_ratio(1.5),
    multiply(1.5),
    multiply({"owl": 2}),
]
UNDER = [at_most(10), at_most_ratio(1.5, "under"), multiply(0.5), strategies.LongTail(4)]
CASES = [(sampler, s) for s in OVER for sampler in (SMOTE, RandomOverSampler)]
CASES += [(RandomUnderSampler, strategy) for strategy in UNDER]
sizes = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 500), min_size=1)


def labels_of(counts):
    return np.repeat(list(counts), list(counts.values()))


@pytest.mark.parametrize(("sampler", "strategy"), CASES, ids=str)
def test_every_sampler_gives_the_numbers_asked(sampler, strategy):
    wanted = {"cat": 20, "dog": 12, "owl": 8} | strategy(Y)
    _, y = sampler(sampling_strategy=strategy, random_state=0).fit_resample(X, Y)
    assert dict(zip(*np.unique(y, return_counts=True), strict=True)) == wanted


@pytest.mark.parametrize("strategy", OVER + UNDER, ids=str)
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
