from collections import Counter

import joblib
import numpy as np
import pytest
from conftest import make_images, make_labels
from hypothesis import given
from hypothesis import strategies as st
from imblearn.under_sampling import RandomUnderSampler as ImblearnRandomUnderSampler
from strategies import image_sets, seeds

from imblearn_images import RandomUnderSampler
from imblearn_images.core import rendering
from imblearn_images.datasets import LongTail, Staircase, Step

Y = make_labels({"cat": 40, "dog": 25, "owl": 20})
PATHS = [f"no such folder/{row}.png" for row in range(len(Y))]


@given(image_sets(), seeds, st.booleans(), st.booleans())
def test_the_selection_is_imbalanced_learns(data, seed, replacement, instance):
    X, y = data
    seeds = [np.random.RandomState(seed) if instance else seed for _ in range(2)]
    peer = ImblearnRandomUnderSampler(random_state=seeds[0], replacement=replacement)
    sampler = RandomUnderSampler(random_state=seeds[1], replacement=replacement)
    expected, y_expected = peer.fit_resample(X.reshape(len(X), -1), y)
    X_res, y_res = sampler.fit_resample(X, y)
    np.testing.assert_array_equal(X_res.reshape(len(X_res), -1), expected)
    np.testing.assert_array_equal(y_res, y_expected)
    np.testing.assert_array_equal(sampler.sample_indices_, peer.sample_indices_)
    np.testing.assert_array_equal(sampler.plan_.base, peer.sample_indices_)
    assert not sampler.plan_.synthetic.any()
    if instance:
        assert seeds[0].randint(2**30) == seeds[1].randint(2**30)


UNDER_STRATEGIES = [
    "auto",
    "majority",
    "not minority",
    "not majority",
    "all",
    {"cat": 30},
    {"cat": 1, "dog": 25, "owl": 3},
    lambda y: {"dog": Counter(y)["dog"] // 2},
    LongTail(10),
    Step(4),
    Staircase(15),
]


@pytest.mark.parametrize("strategy", UNDER_STRATEGIES, ids=str)
@pytest.mark.parametrize("form", ["images", "paths"])
def test_class_counts_are_those_of_the_strategy(strategy, form):
    X = PATHS if form == "paths" else make_images(len(Y), (3, 3), "uint8")
    sampler = RandomUnderSampler(sampling_strategy=strategy, random_state=0)
    _, y_res = sampler.fit_resample(X, Y)
    assert Counter(y_res) == {**Counter(Y), **sampler.sampling_strategy_}
    peer = ImblearnRandomUnderSampler(sampling_strategy=strategy, random_state=0)
    peer.fit_resample(np.zeros((len(Y), 1)), Y)
    np.testing.assert_array_equal(sampler.sample_indices_, peer.sample_indices_)
    if callable(strategy):
        asked = strategy(Y)
        assert {label: Counter(y_res)[label] for label in asked} == asked


@pytest.mark.parametrize("ratio", [0.5, 0.8, 1.0])
def test_a_ratio_is_exact_for_two_classes(ratio):
    y = np.repeat(["a", "b"], [40, 12])
    sampler = RandomUnderSampler(sampling_strategy=ratio)
    _, y_res = sampler.fit_resample(make_images(52, (3, 3), "uint8"), y)
    assert Counter(y_res) == {"a": int(12 / ratio), "b": 12}


def test_no_image_is_drawn_twice_without_replacement():
    sampler = RandomUnderSampler(random_state=0)
    sampler.fit_resample(PATHS, Y)
    assert len(np.unique(sampler.sample_indices_)) == len(sampler.sample_indices_)


def test_every_holder_gives_the_same_images(held):
    expected, y_expected = RandomUnderSampler(random_state=3).fit_resample(held.images, held.y)
    X_res, y_res = RandomUnderSampler(random_state=3).fit_resample(held.X, held.y)
    np.testing.assert_array_equal(held.pixels(X_res), expected)
    np.testing.assert_array_equal(y_res, y_expected)


@pytest.mark.parametrize("chunk", [1, 50, 1000])
@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_bytes_do_not_depend_on_sizes_or_backend(chunk, backend, monkeypatch):
    X = make_images(len(Y), (3, 3), "float32")
    expected = RandomUnderSampler(random_state=0).fit_resample(X, Y)[0].tobytes()
    monkeypatch.setattr(rendering, "CHUNK", chunk)
    with joblib.parallel_config(backend=backend, n_jobs=2):
        assert RandomUnderSampler(random_state=0).fit_resample(X, Y)[0].tobytes() == expected
