"""Paths of very many files are what a list of them is."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imblearn_images import RandomOverSampler, RandomUnderSampler
from imblearn_images.core.disk import Paths
from imblearn_images.images import FileImages

names = st.text("ab/é\udcff\ud800.", max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(names, max_size=12), st.data())
def test_they_are_a_sequence_of_str(given_names, data):
    paths = Paths(given_names)
    assert list(paths) == given_names and len(paths) == len(given_names)
    assert [paths[row] for row in range(len(paths))] == given_names
    rows = data.draw(st.lists(st.integers(0, len(paths) - 1), max_size=9) if paths else st.just([]))
    some = paths[np.array(rows, dtype=int)]
    expected = [given_names[row] for row in rows]
    for part in (some, pickle.loads(pickle.dumps(some)), Paths(some)):
        assert list(part) == expected and [part[at] for at in range(-len(part), 0)] == expected
    assert list(some[np.arange(len(some))[::-1]]) == expected[::-1]
    with pytest.raises(IndexError):
        paths[len(paths)]


def test_they_take_few_bytes_more_than_their_names():
    paths = Paths(f"/home/someone/photos/common/{row:07}.png" for row in range(1000))
    size = len(paths._names) + paths._ends.itemsize * len(paths._ends)
    assert size == (11 + 8) * 1000 and len(paths._folders) == 1


def test_files_named_by_them_are_resampled_as_others(tmp_path):
    y = ["cat"] * 6 + ["dog"] * 2
    listed = [f"{tmp_path}/{row}.png" for row in range(len(y))]
    for sampler in (RandomUnderSampler(random_state=0), RandomOverSampler(random_state=0)):
        expected, _ = sampler.fit_resample(listed, y)
        home = FileImages(Paths(listed), np.empty(0, dtype=int))
        found, _ = sampler.fit_resample(home, y)
        assert list(found.paths) == expected
        assert pickle.loads(pickle.dumps(found)).name_of(0) == expected[0]
