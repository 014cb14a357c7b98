"""Folds of images with several labels: shares of labels and images, groups, scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, StratifiedShuffleSplit, cross_val_score
from sklearn.multiclass import OneVsRestClassifier

from imblearn_images.core.splitting import _stratified
from imblearn_images.model_selection import (
    MultilabelStratifiedKFold,
    MultilabelStratifiedShuffleSplit,
)


def long_tailed(n=1200, n_labels=30, seed=0, objects=False):
    rng = np.random.default_rng(seed)
    p = 0.5 / np.arange(1, n_labels + 1) ** 1.3
    y = (rng.random((n, n_labels)) < p).astype(int)
    return y * rng.integers(1, 9, y.shape) if objects else y


def deviation(y, folds):
    """Mean over folds and labels of |share of a label in the test images - share of a fold|."""
    total = y.sum(axis=0)
    there = total > 0
    shares = [y[test].sum(axis=0)[there] / total[there] for _, test in folds]
    return np.abs(np.array(shares) - 1 / len(folds)).mean()


def empty(y, folds):
    return sum((y[test].sum(axis=0) == 0).sum() for _, test in folds)


@pytest.mark.parametrize("objects", [False, True], ids=["labels", "objects"])
def test_labels_and_images_have_their_shares_in_every_fold(objects):
    y = long_tailed(objects=objects)
    folds = list(MultilabelStratifiedKFold(5).split(None, y))
    assert sorted(np.concatenate([test for _, test in folds]).tolist()) == [*range(len(y))]
    for train, test in folds:
        assert np.array_equal(np.setdiff1d(np.arange(len(y)), test), train)
        assert abs(len(test) - len(y) / 5) <= 3
    at_random = list(KFold(5, shuffle=True, random_state=0).split(y))
    assert deviation(y, folds) < deviation(y, at_random) / (5 if objects else 3)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("n_labels", [8, 30, 120])
def test_no_worse_than_iterative_stratification(n_labels, seed):
    theirs = pytest.importorskip("iterstrat.ml_stratifiers")
    y = long_tailed(800, n_labels, seed)
    y = y[:, y.sum(axis=0) >= 5]  # of others no fold can have its share
    params = {"shuffle": True, "random_state": seed}
    expected = list(theirs.MultilabelStratifiedKFold(5, **params).split(y, y))
    folds = list(MultilabelStratifiedKFold(5, **params).split(y, y))
    assert deviation(y, folds) <= deviation(y, expected)
    assert empty(y, folds) <= empty(y, expected)


tables = st.integers(1, 5).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(0, 2), min_size=width, max_size=width), min_size=6, max_size=25
    )
)


@settings(max_examples=60, deadline=None)
@given(tables, st.integers(0, 5), st.booleans())
def test_every_image_is_tested_once_and_groups_stay_whole(rows, seed, grouped):
    y = np.column_stack([rows, np.zeros(len(rows), int)])
    groups = np.arange(len(y)) % 5 if grouped else None
    splitter = MultilabelStratifiedKFold(3, shuffle=True, random_state=seed)
    folds = list(splitter.split(y, y, groups))
    assert sorted(np.concatenate([test for _, test in folds]).tolist()) == [*range(len(y))]
    for train, test in folds:
        assert len(test) and not np.intersect1d(train, test).size
        if grouped:
            assert not np.intersect1d(groups[train], groups[test]).size
    again = list(clone(splitter).split(y, y, groups))
    assert all(np.array_equal(one[1], other[1]) for one, other in zip(folds, again, strict=True))


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5, 0.75])
def test_a_label_of_two_images_is_on_both_sides(share):
    y = np.zeros((60, 12), dtype=int)
    for label in range(12):
        y[[label * 3, label * 3 + 1], label] = 1
    for train, test in MultilabelStratifiedShuffleSplit(3, test_size=share, random_state=0).split(
        y, y
    ):
        assert y[train].any(axis=0).all() and y[test].any(axis=0).all()
        assert abs(len(test) - share * 60) <= max(2, abs(12 - share * 60))


def test_instances_keep_their_shares_within_a_point():
    y = long_tailed(364, 3, objects=True)
    for _, test in MultilabelStratifiedShuffleSplit(3, test_size=0.2, random_state=0).split(y, y):
        assert (np.abs(y[test].sum(axis=0) / y.sum(axis=0) - 0.2) < 0.01).all()


def test_labels_in_every_container_are_split_alike():
    y = long_tailed(60, 4)
    lists = [np.flatnonzero(row).tolist() for row in y]
    expected = list(MultilabelStratifiedKFold(3).split(y, y))
    for held in (y.astype(bool), y.tolist(), sparse.csr_matrix(y), lists, map_to_text(lists)):
        folds = list(MultilabelStratifiedKFold(3).split(None, held))
        assert all(np.array_equal(a[1], b[1]) for a, b in zip(folds, expected, strict=True))


def map_to_text(lists):
    return [{"abcd"[label] for label in row} for row in lists]


def test_scikit_learn_splits_by_it():
    y = long_tailed(90, 3)
    X = np.random.default_rng(0).normal(size=(90, 4)) + y[:, :1]
    model, cv = OneVsRestClassifier(LogisticRegression()), MultilabelStratifiedKFold(3)
    scores = cross_val_score(model, X, y, cv=cv, scoring="f1_micro")
    search = GridSearchCV(model, {"estimator__C": [1.0]}, cv=cv, scoring="f1_micro").fit(X, y)
    assert len(scores) == 3 == search.n_splits_
    assert repr(cv) == "MultilabelStratifiedKFold(n_splits=3)"


BAD = [
    (MultilabelStratifiedKFold(1), {}, "`n_splits` must be a number of folds, at least 2, got 1"),
    (MultilabelStratifiedKFold(9), {}, "4 images cannot be divided into 9 parts"),
    (
        MultilabelStratifiedKFold(random_state=0),
        {},
        "`random_state` must be None without `shuffle`",
    ),
    (MultilabelStratifiedKFold(3), {"groups": [1, 1, 2, 2]}, "2 groups cannot be divided into 3"),
    (MultilabelStratifiedKFold(2), {"groups": [1, 1, None, 2]}, "1 missing groups"),
    (MultilabelStratifiedKFold(2), {"y": None}, "got None"),
    (MultilabelStratifiedKFold(2), {"y": [["a"], [None], ["a"], ["b"]]}, "missing label .* row 1"),
    (MultilabelStratifiedKFold(2), {"X": [1, 2]}, "2 images in X, 4 rows of labels in y"),
    (MultilabelStratifiedShuffleSplit(0), {}, "at least 1, got 0"),
    (MultilabelStratifiedShuffleSplit(test_size=1.0), {}, "below 1, got 1.0"),
]


@pytest.mark.parametrize(("splitter", "given", "message"), BAD)
def test_what_cannot_be_split_is_named(splitter, given, message):
    arguments = {"X": None, "y": np.eye(4, dtype=int), **given}
    with pytest.raises(ValueError, match=message):
        list(splitter.split(**arguments))


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(2, 40), min_size=1, max_size=6),
    seed=st.integers(0, 99),
    data=st.data(),
)
def test_images_of_one_class_each_are_split_as_scikit_learn_splits(sizes, seed, data):
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    n_valid = data.draw(st.integers(len(sizes), len(y) - len(sizes)))
    split = StratifiedShuffleSplit(1, test_size=n_valid, random_state=seed)
    expected = np.sort(next(split.split(y, y))[1])
    assert np.flatnonzero(_stratified(y, n_valid, seed)).tolist() == expected.tolist()
