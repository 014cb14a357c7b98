"""Samplers of images with several labels: every container of labels, images, paths, pictures."""

import copy
import pickle
import re
import warnings
from dataclasses import replace

import numpy as np
import pytest
from conftest import make_images, write_images
from imblearn.pipeline import make_pipeline
from scipy import sparse
from sklearn.base import clone

from imblearn_images import (
    MLSMOTE,
    LabelOverSampler,
    LabelUnderSampler,
    RandomOverSampler,
    ResamplingPlan,
    render,
)
from imblearn_images.annotations import Annotations
from imblearn_images.core.multilabel import choose_kept, count_labels_of
from imblearn_images.preprocessing import ReadImages
from imblearn_images.strategies import (
    add_fraction,
    at_least,
    at_most_ratio,
    multiply,
    repeat_factor,
)
from imblearn_images.synthesis import Augment, CutMix, TransferDeformation, ZoomToObjects

NAMES = ("cat", "dog", "owl")
SETS = [["cat"]] * 9 + [["cat", "dog"]] * 4 + [["dog", "owl"]] * 2 + [[]]
TABLE = np.array([[name in row for name in NAMES] for row in SETS], dtype=int)
X = np.random.default_rng(0).integers(0, 256, (len(SETS), 8, 6, 3), dtype=np.uint8)


def frame(kind):
    def made():
        return pytest.importorskip(kind).DataFrame(dict(zip(NAMES, TABLE.T, strict=True)))

    return made


HOLDERS = {
    "array": lambda: TABLE,
    "bools": lambda: TABLE.astype(bool),
    "floats": lambda: TABLE.astype(np.float32),
    "rows": TABLE.tolist,
    "sparse": lambda: sparse.csr_matrix(TABLE),
    "sparse array": lambda: sparse.coo_array(TABLE),
    "tensor": lambda: pytest.importorskip("torch").tensor(TABLE),
    "pandas": frame("pandas"),
    "polars": frame("polars"),
    "lists": lambda: copy.deepcopy(SETS),
    "tuples": lambda: tuple(tuple(row) for row in SETS),
    "sets": lambda: [set(row) for row in SETS],
    "series": lambda: pytest.importorskip("pandas").Series(SETS),
    "objects": lambda: np.array([*SETS, None], dtype=object)[:-1],
}


def as_table(y):
    counts = count_labels_of(y)
    table = np.zeros((len(counts.counts), len(NAMES)), dtype=int)
    for label, column in zip(counts.labels, counts.counts.T, strict=True):
        table[:, NAMES.index(label) if label in NAMES else label] = column
    return table


@pytest.mark.parametrize("held", HOLDERS)
def test_labels_come_back_in_the_container_they_came_in(held):
    y = HOLDERS[held]()
    expected = LabelOverSampler(max_repeats=4, random_state=0)
    with pytest.warns(UserWarning, match="cannot reach the target"):
        X_expected, y_expected = expected.fit_resample(X, TABLE)
    sampler = clone(expected)
    with pytest.warns(UserWarning, match="cannot reach the target"):
        X_res, y_res = sampler.fit_resample(X, y)
    np.testing.assert_array_equal(X_res, X_expected)
    np.testing.assert_array_equal(as_table(y_res), y_expected)
    np.testing.assert_array_equal(sampler.plan_.y, y_expected)
    assert isinstance(y_res, type(y)) or held == "sparse array"
    assert getattr(y_res, "dtype", None) == getattr(y, "dtype", None)
    assert sparse.issparse(y_res) == sparse.issparse(y)


def test_the_result_is_what_reach_says_and_unreachable_labels_are_named():
    sampler = LabelOverSampler({"dog": 20, "owl": 9}, max_repeats=4)
    message = (
        "LabelOverSampler cannot reach the target of 1 of 3 labels by repeating images at most 4 "
        "times: 'owl' (has 2, wanted 9, at most 8). See `reach_`. Request less with "
        "`sampling_strategy`, raise `max_repeats`, or add images."
    )
    with pytest.warns(UserWarning, match=re.escape(message)):
        _, y_res = sampler.fit_resample(X, SETS)
    counted = [sum(name in row for row in y_res) for name in NAMES]
    assert counted == sampler.reach_.reached.tolist() and counted[1:] == [20, 8]
    assert sampler.reach_.unreachable == {"owl": 8}
    assert sampler.sampling_strategy_ == {"dog": 14, "owl": 7}
    assert np.bincount(sampler.sample_indices_).max() <= 4


STRATEGIES = [
    ("auto", [13, 13, 13]),
    ("not majority", [13, 13, 13]),
    ("all", [13, 13, 13]),
    ("minority", [13, 0, 13]),
    ("not minority", [13, 13, 0]),
    (0.5, [13, 7, 7]),
    ({"owl": 5}, [13, 6, 5]),
    (at_least(10), [13, 10, 10]),
    (at_most_ratio(2), [13, 7, 7]),
    (multiply(2), [26, 12, 4]),
    (add_fraction({"owl": 1.0}), [13, 6, 4]),
    (lambda labels: {"cat": (labels == "cat").sum() + 1}, [14, 6, 2]),
]


@pytest.mark.parametrize(("strategy", "least"), STRATEGIES)
@pytest.mark.parametrize("y", [SETS, TABLE], ids=["lists", "table"])
def test_strategies_say_how_many_of_each_label_there_are_at_least(strategy, least, y):
    if y is TABLE and (isinstance(strategy, (dict, add_fraction)) or callable(strategy)):
        strategy = {dict: {2: 5}, add_fraction: add_fraction({2: 1.0})}.get(
            type(strategy), strategy if isinstance(strategy, (at_least, at_most_ratio)) else {}
        )
        least = [0, 0, 0] if strategy == {} else least
    _, y_res = LabelOverSampler(strategy).fit_resample(X, y)
    assert (as_table(y_res).sum(axis=0) >= least).all()


FACTOR = {"sampling_strategy": repeat_factor(1.0)}
BAD = [
    ({"sampling_strategy": {"bat": 9}}, SETS, "must name labels of y, got 'bat'. There are 'cat'"),
    ({"sampling_strategy": {"cat": 2}}, SETS, "got 2 for label 'cat', which has 13 images"),
    ({"sampling_strategy": {"cat": 20.5}}, SETS, "a whole number"),
    ({"sampling_strategy": "majority"}, SETS, "must be one of 'auto'"),
    ({"sampling_strategy": 1.5}, SETS, "above 0 and at most 1, got 1.5"),
    ({"sampling_strategy": None}, SETS, "got None"),
    ({"max_repeats": 0}, SETS, "`max_repeats` must be a whole number from 1 on, got 0"),
    ({"max_repeats": 2.5}, SETS, "`max_repeats` must be a whole number from 1 on, got 2.5"),
    ({"max_repeats": 0} | FACTOR, SETS, "`max_repeats` must be a whole number from 1 on, got 0"),
    ({"max_repeats": 1.5} | FACTOR, SETS, "`max_repeats` must be a whole number from 1 on, got 1"),
    ({"max_repeats": True} | FACTOR, SETS, "`max_repeats` must be a whole number from 1 on, got T"),
    (
        {"synthesis": ZoomToObjects()} | FACTOR,
        Annotations.of([[[0, 0, 4, 4]]] * 16, [["cat"]] * 9 + [["dog"]] * 7, sizes=(8, 6)),
        r"numbers of objects for ZoomToObjects, got repeat_factor.* Pass at_least",
    ),
    (
        {"synthesis": ZoomToObjects(), "max_repeats": 1.5},
        Annotations.of([[[0, 0, 4, 4]]] * 16, [["cat"]] * 9 + [["dog"]] * 7, sizes=(8, 6)),
        "`max_repeats` must be a whole number",
    ),
    ({}, TABLE / 2, "got 0.5 in row 0, column 0"),
    ({}, -TABLE, "got -1 in row 0, column 0"),
    ({}, np.where(TABLE, np.nan, 0), "got nan in row 0, column 0"),
    ({}, TABLE.astype(str), "Labels as text come as one list for each image"),
    ({}, [*SETS[:-1], None], "got None .NoneType. in row 15"),
    ({}, [*SETS[:-1], ["cat", None]], "a missing label .None. in row 15"),
    ({}, [*SETS[:-1], "cat"], r"got 'cat' \(str\) in row 15. One label is a list of one"),
    ({}, [*SETS[:-1], [3]], "mixes text and other labels"),
    ({}, [*SETS[:-1], [{}]], "must hold text or numbers"),
    ({}, SETS[:-1], "16 images in X, 15 labels in y"),
    ({}, [[] for _ in SETS], "at least one label"),
    ({}, None, "got None"),
    ({}, "cat", "got 'cat'"),
    ({}, iter(SETS), "iterator|one list"),
]


@pytest.mark.parametrize(("params", "y", "message"), BAD)
def test_what_is_wrong_is_named(params, y, message):
    with pytest.raises((ValueError, TypeError), match=message):
        LabelOverSampler(**params).fit_resample(X, y)


@pytest.mark.parametrize("sampler", [LabelOverSampler(), RandomOverSampler()], ids=str)
def test_what_copies_is_documented_to_have_an_embedding_and_has(sampler):
    y = np.array(["cat"] * 10 + ["owl"] * 6)
    sampler.fit_resample(X, y)
    assert sampler.embedding_ is None
    with pytest.raises(TypeError, match=r"OverSampler\.fit: it takes .*'foo'"):
        sampler.fit(X, y, foo=1)


def test_one_label_an_image_and_one_hot_rows_are_the_special_case():
    y = np.array(["cat"] * 10 + ["owl"] * 6)
    sampler = LabelOverSampler()
    _, y_res = sampler.fit_resample(X, y)
    assert y_res.tolist() == [*y.tolist(), *["owl"] * 4]
    one_hot = np.eye(2, dtype=np.float32)[(y == "owl").astype(int)]
    assert LabelOverSampler().fit_resample(X, one_hot)[1].dtype == np.float32


def test_paths_are_repeated_without_being_opened_and_drawn_images_are_written(tmp_path):
    assert LabelOverSampler(at_least(4)).fit_resample(list("abc"), [["a"], ["b"], ["a", "b"]])[0]
    folder = tmp_path / "photos"
    folder.mkdir()
    paths = [str(path) for path in write_images(folder, X)]
    params = {"synthesis": Augment(), "random_state": 0, "max_repeats": 3}
    drawn = LabelOverSampler(at_least(6), **params, output_dir=tmp_path / "new")
    paths_res, y_res = drawn.fit_resample(paths, SETS)
    in_memory = LabelOverSampler(at_least(6), **params)
    X_res, y_memory = in_memory.fit_resample(X, TABLE)
    assert paths_res[: len(paths)] == paths and len(set(paths_res)) == len(paths_res)
    np.testing.assert_array_equal(as_table(y_res), y_memory)
    np.testing.assert_array_equal(ReadImages().fit_transform(paths_res), X_res)
    np.testing.assert_array_equal(render(in_memory.plan_, X), X_res)
    assert not hasattr(in_memory, "sample_indices_")


def test_the_plan_tells_of_several_labels(tmp_path):
    sampler = LabelOverSampler(at_least(4), random_state=0)
    sampler.fit_resample(X, SETS)
    plan = sampler.plan_
    assert plan.explain(0) == "row 0 (labels cat) = 0"
    assert plan.explain(15) == "row 15 (no label) = 15"
    assert re.fullmatch(r"row 16 \(labels dog, owl\) = a copy of 1[34]", plan.explain(16))
    assert replace(plan, labels=()).explain(0) == "row 0 (labels 0) = 0"
    with pytest.raises(ValueError, match="`labels` must name each column of y, got 2 names"):
        replace(plan, labels=("a", "b"))
    assert plan[-1:].y.shape == (1, 3)
    for hold in (np.array, sparse.csr_matrix, list):
        y, wrong = (
            (SETS, [SETS[13], *SETS[1:]]) if hold is list else (TABLE, TABLE[[13, *range(1, 16)]])
        )
        y, wrong = hold(y), hold(wrong)
        plan.save(tmp_path / "plan.npz", X, y)
        again = ResamplingPlan.load(tmp_path / "plan.npz", X, y)
        np.testing.assert_array_equal(again.y, plan.y)
        assert again.explain(16) == plan.explain(16)
        with pytest.raises(ValueError, match="`y` has other labels"):
            ResamplingPlan.load(tmp_path / "plan.npz", X, wrong)
    pytest.importorskip("pandas")
    assert plan.to_frame()["label"].tolist()[-1] == ("dog", "owl")


def test_a_sampler_is_an_estimator_and_a_step_of_a_pipeline():
    sampler = LabelOverSampler(at_least(4), synthesis=Augment(), random_state=3, n_jobs=2)
    X_res, y_res = sampler.fit_resample(X, TABLE)
    for other in (clone(sampler), pickle.loads(pickle.dumps(sampler)), make_pipeline(sampler)):
        X_other, y_other = other.fit_resample(X, TABLE)
        np.testing.assert_array_equal(X_other, X_res)
        np.testing.assert_array_equal(y_other, y_res)
    assert sampler.set_params(n_jobs=1).fit_resample(X, TABLE)[0].tobytes() == X_res.tobytes()
    assert sampler.fit(X, TABLE).sampling_strategy_ == {2: 2}
    with pytest.raises(TypeError, match="fit_resample"):
        sampler.fit_resample(X, TABLE, groups=[1])


def test_partners_have_the_same_set_of_labels():
    sampler = LabelOverSampler(at_least(12), synthesis="blend", random_state=0)
    sampler.fit_resample(X, SETS)
    plan = sampler.plan_
    drawn = plan.synthetic
    assert drawn.any()
    for base, partner in zip(plan.base[drawn], plan.partners[drawn, 0], strict=True):
        assert (TABLE[base] == TABLE[partner]).all()


@pytest.mark.parametrize("held", [held for held in HOLDERS if held not in ("pandas", "polars")])
def test_samplers_of_one_label_an_image_name_the_one_that_takes_several(held):
    with pytest.raises(ValueError, match=r"by imblearn_images\.LabelOverSampler, which takes"):
        RandomOverSampler().fit_resample(X, HOLDERS[held]())
    counts = TABLE * 3
    with pytest.raises(ValueError, match=r"by imblearn_images\.LabelOverSampler, which takes"):
        RandomOverSampler().fit_resample(X, counts)


# --- MLSMOTE


def test_mlsmote_makes_one_image_for_each_of_a_label_that_is_rarer_than_average():
    sampler = MLSMOTE(random_state=0)
    X_res, y_res = sampler.fit_resample(X, SETS)
    ratios = TABLE.sum(axis=0).max() / TABLE.sum(axis=0)
    rare = np.flatnonzero(ratios > ratios.mean())
    assert len(X_res) - len(X) == TABLE[:, rare].sum() == 2
    assert sampler.sampling_strategy_ == {"owl": 2}
    for row in range(len(X), len(X_res)):
        (base, one), (partner, other) = sampler.plan_.sources(row)
        assert {base, partner} == {13, 14} and one + other == 1
        between = np.sort([X[base].astype(int), X[partner].astype(int)], axis=0)
        assert ((between[0] <= X_res[row]) & (X_res[row] <= between[1])).all()
        exact = one * X[base].astype(float) + other * X[partner]
        assert np.abs(X_res[row] - exact).max() <= 0.5 + 1e-9
    assert y_res[len(X) :] == [["dog", "owl"]] * 2


#              a  b  c    of base and neighbours a has 4 of 4, b 2 of 4, c 1 of 4
BY_HAND = [[1, 1, 0], [1, 1, 0], [1, 0, 1], [1, 0, 0]]


@pytest.mark.parametrize(
    ("rule", "labels"),
    [("ranking", [1, 1, 0]), ("union", [1, 1, 1]), ("intersection", [1, 0, 0])],
)
def test_labels_of_an_image_of_mlsmote_follow_the_rule(rule, labels):
    y = np.vstack([BY_HAND, np.tile([0, 1, 1], (8, 1))])
    sampler = MLSMOTE({0: 7}, k_neighbors=3, labelset_strategy=rule, random_state=0)
    images = X[: len(y)]
    _, y_res = sampler.fit_resample(images, y)
    assert y_res[len(y) :].tolist() == [labels] * 3
    shown = MLSMOTE({0: 7}, synthesis=Augment(), labelset_strategy=rule, random_state=0)
    _, y_res = shown.fit_resample(images, y)  # of which nothing is seen of the neighbours
    np.testing.assert_array_equal(y_res, y[shown.plan_.base])


def test_targets_of_mlsmote_count_what_comes_along():
    y = np.vstack([np.tile([1, 0, 0], (9, 1)), np.tile([0, 1, 1], (3, 1)), [[0, 1, 0]]])
    _, y_res = MLSMOTE(at_least(6), random_state=0).fit_resample(X[: len(y)], y)
    assert y_res.sum(axis=0).tolist() == [9, 7, 6]


@pytest.mark.parametrize("held", HOLDERS)
def test_labels_that_nobody_has_had_come_back_in_the_container_too(held):
    y = HOLDERS[held]()
    expected = MLSMOTE({1: 16, 2: 6}, labelset_strategy="union", random_state=2)
    X_expected, y_expected = expected.fit_resample(X, TABLE)
    assert [1, 1, 1] in y_expected.tolist()
    named = {"dog": 16, "owl": 6} if "dog" in count_labels_of(y).labels else {1: 16, 2: 6}
    X_res, y_res = clone(expected).set_params(sampling_strategy=named).fit_resample(X, y)
    np.testing.assert_array_equal(X_res, X_expected)
    np.testing.assert_array_equal(as_table(y_res), y_expected)
    assert isinstance(y_res, type(y)) or held == "sparse array"
    assert getattr(y_res, "dtype", None) == getattr(y, "dtype", None)
    if isinstance(y_res, (list, tuple)):
        assert type(y_res[-1]) is type(y[0])


def test_near_is_measured_in_the_embedding_and_files_are_written(tmp_path):
    features = np.arange(len(X), dtype=float)[:, None] ** 2
    sampler = MLSMOTE({"dog": 12}, k_neighbors=1, random_state=0)
    sampler.fit_resample(X, SETS, embeddings=features)
    assert sampler.plan_.nearness == "given features (1)"
    gap = sampler.plan_.partners[16:, 0] - sampler.plan_.base[16:]
    assert set(gap.tolist()) == {-1, 1}
    folder = tmp_path / "photos"
    folder.mkdir()
    paths = [str(path) for path in write_images(folder, X)]
    with pytest.raises(ValueError, match="X holds file paths, and MLSMOTE makes images"):
        clone(sampler).fit_resample(paths, SETS)
    by_file = clone(sampler).set_params(output_dir=tmp_path / "new")
    paths_res, _ = by_file.fit_resample(paths, SETS)
    expected, _ = clone(sampler).fit_resample(X, SETS)
    np.testing.assert_array_equal(ReadImages().fit_transform(paths_res), expected)


def test_what_mlsmote_cannot_do_is_named():
    with pytest.warns(UserWarning, match="makes no images of 1 rare labels .*: 'owl'"):
        X_res, _ = MLSMOTE().fit_resample(X, [*SETS[:13], ["owl"], *SETS[:2]])
    assert len(X_res) == 16
    for params, message in (
        ({"labelset_strategy": "vote"}, "must be one of 'ranking', 'union', 'intersection', got"),
        ({"k_neighbors": 0}, "`k_neighbors` must be an integer of at least 1, got 0"),
        ({"sampling_strategy": {"bat": 3}}, "must name labels of y, got 'bat'"),
    ):
        with pytest.raises(ValueError, match=message):
            MLSMOTE(**params).fit_resample(X, SETS)


@pytest.mark.parametrize("sampler", [LabelOverSampler(max_repeats=10**15), MLSMOTE()])
def test_more_rows_than_memory_holds_are_refused_before_they_are_listed(sampler):
    sampler = clone(sampler).set_params(sampling_strategy={"owl": 10**14})
    with pytest.raises(MemoryError, match=r"A plan of \d{15} images needs"):
        sampler.fit_resample(X, SETS)


def test_pictures_that_show_other_labels_are_warned_of():
    # "blend" and TransferDeformation show nothing of images with other labels
    for synthesis in (Augment(), "blend", TransferDeformation()):
        LabelOverSampler({"dog": 9}, synthesis=synthesis, random_state=0).fit_resample(X, SETS)
    sampler = LabelOverSampler({"dog": 9}, synthesis=CutMix(), random_state=0)
    with pytest.warns(UserWarning, match="CutMix shows parts of images with other labels"):
        sampler.fit_resample(X, SETS)
    with pytest.raises(ValueError, match="rows of pixels for MLSMOTE, got a sparse matrix"):
        MLSMOTE().fit_resample(sparse.csr_matrix(X.reshape(len(X), -1)), SETS)


# --- images that are dropped


def test_what_is_kept_is_near_the_best_and_no_label_falls_short():
    rng = np.random.default_rng(0)
    subsets = (np.arange(1 << 9)[:, None] >> np.arange(9)) % 2 == 1
    for _ in range(25):
        counts = rng.poisson([2.0, 1.0, 0.4], (9, 3))
        before = counts.sum(axis=0)
        wanted = np.array([rng.integers(before[0] + 1), rng.integers(before[1] + 1), before[2]])
        keep = rng.choice([1.0, 0.5])
        kept, reach = choose_kept(counts, wanted, keep=keep, random_state=np.random.RandomState(0))
        floors = np.where(wanted < before, wanted, np.ceil(keep * before))
        prices = counts[:, wanted < before] / np.maximum(wanted, 1)[wanted < before]
        allowed = subsets[(subsets @ counts >= floors).all(axis=1)]
        best = (allowed @ prices.sum(axis=1)).min()
        assert (reach.reached >= floors).all() and (counts[kept].sum(axis=0) == reach.reached).all()
        assert kept @ prices.sum(axis=1) <= best + prices.sum(axis=1).max() + 1e-9
        assert kept[prices.sum(axis=1) == 0].all()


def test_dropping_images_leaves_rare_labels_whole_in_every_container():
    y = [["cat"]] * 20 + [["cat", "dog"]] * 6 + [["dog", "owl"]] * 4 + [[]] * 2
    images = make_images(32, (5, 4), "uint8")
    table = count_labels_of(y).counts
    for given in (
        y,
        table,
        sparse.csr_matrix(table),
        Annotations.of([[[0, 0, 2, 2]] * len(own) for own in y], y, (5, 4)),
    ):
        under = LabelUnderSampler({labels_of(given)[0]: 10}, random_state=0)
        X_res, y_res = under.fit_resample(images, given)
        assert type(y_res) is type(given) and len(X_res) == 16
        assert count_labels_of(y_res).counts.sum(axis=0).tolist() == [10, 10, 4]
        assert X_res.tobytes() == images[under.sample_indices_].tobytes()
        assert under.reach_.reached.tolist() == [10, 10, 4] and not under.reach_.unreachable
    with pytest.warns(
        UserWarning, match=r"1 of 3 labels above.*'cat' \(has 26, wanted 2, left 6\)"
    ):
        LabelUnderSampler({"cat": 2}).fit_resample(images, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lower = LabelUnderSampler({"cat": 2}, keep=0.5).fit_resample(images, y)[1]
    assert sum("cat" in own for own in lower) < 6
    both = make_pipeline(LabelOverSampler(at_least(8)), LabelUnderSampler({"cat": 20}))
    assert len(clone(both).fit_resample(images, y)[0]) < 36
    copy_of = pickle.loads(pickle.dumps(under))
    assert copy_of.plan_.explain(0) == under.plan_.explain(0)


def labels_of(given):
    return count_labels_of(given).labels


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"sampling_strategy": "rarest"}, "must be one of 'auto', 'all'"),
        ({"sampling_strategy": 2.0}, "must be the share of the rarest label"),
        ({"sampling_strategy": {"cow": 2}}, "must name labels of y, got 'cow'"),
        ({"sampling_strategy": {"cat": 99}}, "must not request more than there"),
        ({"sampling_strategy": [3]}, "must be a float, a str, a dict"),
        ({"keep": 2}, "`keep` must be a share"),
        (
            {"sampling_strategy": {"cat": 0, "dog": 0, "owl": 0}, "keep": 0},
            "must leave at least one image",
        ),
    ],
)
def test_dropping_by_odd_parameters_is_refused(params, words):
    with pytest.raises(ValueError, match=words):
        LabelUnderSampler(**params).fit_resample(list("abcde"), [["cat", "dog", "owl"]] * 5)
