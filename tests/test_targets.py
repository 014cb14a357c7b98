"""The door for labels: every entry takes the same containers, and gives them back."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from conftest import a_third
from scipy import sparse
from sklearn.ensemble import AdaBoostClassifier, IsolationForest
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from imblearn_images import ImageSampler, combine, ensemble, over_sampling, under_sampling
from imblearn_images.core.columns import labels_of
from imblearn_images.datasets import make_imbalance
from imblearn_images.decision import (
    CascadeClassifier,
    MinorityDetector,
    PriorCorrectedClassifier,
    TunedThresholdsClassifier,
)
from imblearn_images.display import (
    ClassDistributionDisplay,
    EmbeddingDisplay,
    RecallDisplay,
    ReliabilityDisplay,
)
from imblearn_images.folders import export_images
from imblearn_images.model_selection import compare_resamplers
from imblearn_images.preprocessing import FlattenImages
from imblearn_images.strategies import LongTail, at_least

CODE = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [24, 12, 9]))
NOISE = np.random.default_rng(1).normal(size=(45, 4, 4))
X = (NOISE + 1.5 * CODE[:, None, None]).astype(np.float32)
NAMES = np.array(["ant", "bee", "cow"])
DATES = np.array(["2020-01-01", "2020-02-01", "2020-03-01"], "M8[D]")
FLAT = {"embedding": lambda block: block.reshape(len(block), -1).astype(float)}


def every_sampler():
    special = {
        "KMeansSMOTE": {"cluster_balance_threshold": 0.01, "kmeans_estimator": 2},
        "RedrawImages": {"synthesis": "blend", **FLAT},
        "InstanceHardnessThreshold": {"estimator": GaussianNB()},
        "SamplerChain": {"samplers": [over_sampling.SMOTE(random_state=0)]},
        "GenerativeOverSampler": {
            "generator": lambda label, n, rng: rng.uniform(0, 5, size=(n, 4, 4))
        },
    }
    for module in (over_sampling, under_sampling, combine):
        for name in module.__all__:
            cls = getattr(module, name)
            seed = {"random_state": 0} if "random_state" in cls._get_param_names() else {}
            yield cls(**seed, **special.get(name, {}))
    yield ImageSampler(over_sampling.SMOTE(random_state=0))


SAMPLERS = {type(sampler).__name__: sampler for sampler in every_sampler()}


def again(name):
    return type(SAMPLERS[name])(**SAMPLERS[name].get_params(deep=False))


def frame_of(columns, code):
    return pd.DataFrame(np.eye(len(columns), dtype=np.int16)[code], columns=columns)


def optional(module, make):
    def made(code):
        return make(pytest.importorskip(module), code)

    return made


COLUMNS = {
    "integers": lambda code: code,
    "text": lambda code: NAMES[code],
    "list": lambda code: NAMES[code].tolist(),
    "tuple": lambda code: tuple(NAMES[code].tolist()),
    "deque": lambda code: deque(NAMES[code].tolist()),
    "bools of three": lambda code: code.astype(float),
    "Python integers": lambda code: code.astype(object),
    "dates": lambda code: DATES[code],
    "dates in nanoseconds": lambda code: DATES.astype("M8[ns]")[code],
    "list of dates": lambda code: list(DATES[code]),
    "durations": lambda code: np.array([1, 2, 3], "m8[s]")[code],
    "Series": lambda code: pd.Series(NAMES[code], name="label"),
    "Series of dates": lambda code: pd.Series(DATES.astype("M8[ns]")[code], name="label"),
    "Series of Python integers": lambda code: pd.Series(code, dtype=object, name="label"),
    "Int64": lambda code: pd.Series(code, dtype="Int64", name="label"),
    "categories": lambda code: pd.Series(NAMES[code], dtype="category", name="label"),
    "Categorical": lambda code: pd.Categorical(NAMES[code], categories=[*NAMES[::-1], "dog"]),
    "Index": lambda code: pd.Index(NAMES[code]),
    "nullable array": lambda code: pd.array(code, dtype="Int64"),
    "one-column frame": lambda code: pd.DataFrame({"label": NAMES[code]}),
    "column of objects": lambda code: pd.DataFrame({"label": code.astype(object)}),
    "numbers of no dimension": lambda code: [np.array(each) for each in code],
    "tensor": optional("torch", lambda torch, code: torch.tensor(code)),
    "polars": optional("polars", lambda pl, code: pl.Series("label", NAMES[code])),
    "polars frame": optional("polars", lambda pl, code: pl.DataFrame({"label": NAMES[code]})),
    "Arrow": optional("pyarrow", lambda pa, code: pa.array(NAMES[code].tolist())),
    "Arrow chunks": optional("pyarrow", lambda pa, code: pa.chunked_array([NAMES[code].tolist()])),
}
if hasattr(np.dtypes, "StringDType"):
    COLUMNS["StringDType"] = lambda code: np.array(NAMES[code], dtype=np.dtypes.StringDType())

WIDE = {
    "floats": lambda code: np.eye(3, dtype=np.float32)[code],
    "bools": lambda code: np.eye(3, dtype=bool)[code],
    "absent classes": lambda code: np.eye(7, dtype=np.uint8)[2 * code + 1],
    "lists": lambda code: np.eye(3)[code].tolist(),
    "frame": lambda code: frame_of(["cow", "ant", "bee"], code),
    "sparse": lambda code: sparse.csr_matrix(np.eye(3)[code]),
    "tensor": optional("torch", lambda torch, code: torch.eye(3, dtype=torch.int16)[code]),
    "polars": optional(
        "polars", lambda pl, code: pl.DataFrame(dict(zip(NAMES, np.eye(3)[code].T, strict=True)))
    ),
}


def plain(y):
    """Labels of any container as a list, and what holds them."""
    if sparse.issparse(y):
        return y.toarray().tolist(), (type(y), y.dtype, y.shape[1:])
    form = (type(y), str(getattr(y, "dtype", "")), tuple(getattr(y, "shape", ()))[1:])
    if hasattr(y, "columns"):
        form += (list(y.columns), list(map(str, y.dtypes)))
    if isinstance(y, (list, tuple, deque)):
        return [np.asarray(each).tolist() for each in y], form
    if hasattr(y, "to_pylist"):
        return y.to_pylist(), form
    return np.asarray(y).tolist(), form


@pytest.mark.filterwarnings(
    "ignore:.* has left no image of:UserWarning", "ignore:.* added fewer images:UserWarning"
)
@pytest.mark.parametrize("name", SAMPLERS)
def test_labels_decide_alike_in_every_container_and_come_back_in_it(name):
    expected = again(name)
    X_res, y_res = expected.fit_resample(X, CODE)
    for kinds in (COLUMNS, WIDE):
        some = kinds if name == "SMOTE" else a_third(kinds, [*SAMPLERS].index(name))
        for kind, hold in some.items():
            try:
                y = hold(CODE)
            except pytest.skip.Exception:
                continue
            if name == "GenerativeOverSampler" and kind == "categories":
                continue
            sampler = again(name)
            before, _ = plain(y)
            X_other, y_other = sampler.fit_resample(X, y)
            assert np.array_equal(sampler.plan_.base, expected.plan_.base), kind
            assert np.array_equal(X_other, X_res), kind
            values, form = plain(y_other)
            assert form == plain(y)[1], kind
            assert plain(y)[0] == before, kind  # what was passed is as it was
            source, _ = plain(y)
            first = {code: source[np.flatnonzero(code == CODE)[0]] for code in range(3)}
            wanted = [first[code] for code in y_res.tolist()]
            assert np.array_equal(np.ravel(values), np.ravel(wanted)), kind
            again(name).fit(X, y)


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
def test_two_classes_of_one_hot_rows_keep_both_columns(dtype):
    y = np.eye(2, dtype=dtype)[np.minimum(CODE, 1)]
    y_res = over_sampling.RandomOverSampler(random_state=0).fit_resample(X, y)[1]
    assert y_res.shape == (48, 2) and y_res.dtype == dtype
    assert y_res.sum(axis=0).tolist() == [24, 24] or dtype == "bool"


WRONG = [
    (lambda y: [*y[:5], [0, 0, 0], *y[6:]], "got 0 in row 5"),
    (lambda y: [*y[:5], [1, 0, 1], *y[6:]], "got 2 in row 5.*Multilabel"),
    (lambda y: [*y[:5], [0.3, 0.7, 0], *y[6:]], "row 5"),
    (lambda y: [*y[:5], [1], *y[6:]], "one length"),
]


@pytest.mark.parametrize("name", ["SMOTE", "RandomUnderSampler", "SMOTEENN", "ImageSampler"])
@pytest.mark.parametrize(("spoil", "told"), WRONG)
def test_rows_that_are_not_one_hot_are_refused_by_number(name, spoil, told):
    rows = spoil(np.eye(3)[CODE].tolist())
    for y in [rows] if told == "one length" else [rows, np.array(rows), pd.DataFrame(rows)]:
        with pytest.raises(ValueError, match=told):
            again(name).fit_resample(X, y)


@pytest.mark.parametrize("name", ["SMOTE", "RandomUnderSampler", "TomekLinks"])
def test_labels_before_images_are_told_apart(name):
    for data in (X, X.reshape(45, -1), list(X)):
        with pytest.raises(ValueError, match=r"Images come first: fit_resample\(X, y\)"):
            again(name).fit_resample(NAMES[CODE], data)


DETERMINISTIC = make_pipeline(FlattenImages(), GaussianNB())
CLASSIFIERS = {
    "PriorCorrectedClassifier": PriorCorrectedClassifier(DETERMINISTIC, prior="uniform"),
    "TunedThresholdsClassifier": TunedThresholdsClassifier(DETERMINISTIC, cv=2, thresholds=5),
    "CascadeClassifier": CascadeClassifier(DETERMINISTIC),
    "PolicyEnsembleClassifier": ensemble.PolicyEnsembleClassifier(
        DETERMINISTIC, [("half", None, 0.5), ("whole", None, 1.0)], cv=2, random_state=0
    ),
    **{
        name: getattr(ensemble, name)(n_estimators=2, random_state=0)
        for name in ensemble.__all__
        if name != "PolicyEnsembleClassifier"
    },
}
CLASSIFIERS["EasyEnsembleClassifier"].set_params(estimator=AdaBoostClassifier(n_estimators=3))


def refuse_missing(door):
    for missing in (None, np.nan, np.datetime64("NaT"), pd.NA, pd.NaT):
        y = list(NAMES[CODE])
        y[7] = missing
        with pytest.raises(ValueError, match=r"1 missing labels.*row 7"):
            door(y)
    masked = np.ma.masked_array(CODE, mask=np.arange(45) == 7)
    with pytest.raises(ValueError, match=r"1 missing labels.*row 7"):
        door(masked)


@pytest.mark.filterwarnings("ignore:A column-vector y was passed")
@pytest.mark.filterwarnings("ignore:PriorCorrectedClassifier corrects nothing")
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_take_labels_from_every_container(name):
    expected = CLASSIFIERS[name].fit(X, CODE).predict(X)
    for kind, hold in a_third(COLUMNS, [*CLASSIFIERS].index(name)).items():
        try:
            y = hold(CODE)
        except pytest.skip.Exception:
            continue
        fitted = CLASSIFIERS[name].fit(X, y)
        source = labels_of(hold(np.arange(3)))
        assert np.array_equal(fitted.predict(X), source[expected]), kind
    if name != "BalancedRandomForestClassifier":  # which has several outputs
        for hold in list(WIDE.values())[:6]:
            with pytest.raises(ValueError, match=r"should be a 1d array.*argmax"):
                CLASSIFIERS[name].fit(X, hold(CODE))
    refuse_missing(lambda y: CLASSIFIERS[name].fit(X, y))


def test_a_forest_names_the_class_that_does_not_occur():
    forest = CLASSIFIERS["BalancedRandomForestClassifier"]
    assert forest.fit(X, pd.DataFrame(np.eye(3)[CODE])).predict(X).shape == (45, 3)
    with pytest.raises(
        ValueError, match=r"two values in each column, got 0 in every row of col.*0"
    ):
        forest.fit(X, WIDE["absent classes"](CODE))


def compared(y):
    kept = over_sampling.RandomOverSampler(random_state=0)
    return compare_resamplers(DETERMINISTIC, [kept], X, y, cv=2, random_state=0)


def proba(y):
    return ReliabilityDisplay.from_predictions(y, np.full((45, 3), 1 / 3), np.unique(labels_of(y)))


def detected(y):
    forest = IsolationForest(n_estimators=2, random_state=0)
    rare = np.unique(labels_of(y))[2]
    return MinorityDetector(forest, rare=rare, cv=2).fit(X.reshape(45, -1), y)


DOORS = {
    "compare_resamplers": lambda y, folder: list(compared(y).recall["none"]),
    "ClassDistributionDisplay": lambda y, folder: list(
        ClassDistributionDisplay.from_labels(y).before
    ),
    "EmbeddingDisplay": lambda y, folder: np.unique(EmbeddingDisplay.from_labels(X, y).y),
    "RecallDisplay": lambda y, folder: list(
        RecallDisplay.from_predictions(y, {"a": y}).recall["a"]
    ),
    "ReliabilityDisplay": lambda y, folder: proba(y) and np.unique(labels_of(y)),
    "LongTail": lambda y, folder: list(LongTail(3)(y)),
    "at_least": lambda y, folder: list(at_least(20)(y)),
    "export_images": lambda y, folder: len(export_images(X, y, folder)),
    "make_imbalance": lambda y, folder: plain(
        make_imbalance(X, y, sampling_strategy=LongTail(3), random_state=0)[1]
    )[1],
    "MinorityDetector": lambda y, folder: detected(y) and np.unique(labels_of(y)),
}


@pytest.mark.filterwarnings("ignore:A column-vector y was passed")
@pytest.mark.parametrize("door", DOORS)
def test_other_doors_take_labels_from_every_container(door, tmp_path):
    plt = pytest.importorskip("matplotlib.pyplot")
    some = a_third(COLUMNS, [*DOORS].index(door))
    for number, (kind, hold) in enumerate(some.items()):
        try:
            y = hold(CODE)
        except pytest.skip.Exception:
            continue
        found = DOORS[door](y, tmp_path / str(number))
        plt.close("all")
        if door == "make_imbalance":
            assert found == plain(y)[1], kind
        elif door == "export_images":
            assert found == 45 and len(list((tmp_path / str(number)).glob("*/"))) >= 3
        else:
            assert np.array_equal(found, labels_of(hold(np.arange(3)))), kind
    refuse_missing(lambda y: DOORS[door](y, tmp_path / "none"))
    if door != "make_imbalance":
        with pytest.raises(ValueError, match=r"should be a 1d array|must be one column"):
            DOORS[door](frame_of(["a", "b", "c"], CODE), tmp_path / "none")


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("a\0", "NUL character"),
        (("a", "b"), "tuple"),
        (1 + 2j, "complex"),
        (2**70, "64 bits"),
        (pd.Timestamp("2020-01-01", tz="UTC"), "Timestamp"),
    ],
)
def test_labels_that_cannot_come_back_as_they_are_are_refused(label, told):
    y = np.empty(45, dtype=object)
    y[:] = ["a" if isinstance(label, str) else 0] * 45
    y[3] = label
    for door in (again("RandomUnderSampler").fit_resample, CLASSIFIERS["CascadeClassifier"].fit):
        with pytest.raises(ValueError, match=told):
            door(X, y)
    for y in (3, "text", {"a": 1}, iter([1, 2])):
        with pytest.raises(ValueError, match="one label for each image"):
            again("RandomUnderSampler").fit_resample(X, y)


@pytest.mark.filterwarnings("ignore:.* added fewer images:UserWarning")
@pytest.mark.parametrize("name", ["NearMiss", "SVMSMOTE", "SMOTE", "RandomOverSampler"])
def test_threads_that_share_a_sampler_get_what_one_alone_gets(name):
    order = [np.random.default_rng(seed).permutation(45) for seed in range(4)]
    wanted = [again(name).fit_resample(X[rows], CODE[rows])[0] for rows in order]
    shared = again(name)
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(shared.fit_resample, X[rows], CODE[rows]) for rows in 5 * order]
        assert all(np.array_equal(job.result()[0], w) for job, w in zip(jobs, 5 * wanted))  # noqa: B905


def test_hardness_is_judged_alike_for_every_type_of_label():
    sampler = under_sampling.InstanceHardnessThreshold(estimator=DecisionTreeClassifier(), cv=2)
    rows = CODE < 2
    kept = sampler.set_params(random_state=0).fit(X[rows], CODE[rows])
    kept.fit_resample(X[rows], CODE[rows])
    expected = kept.sample_indices_
    for y in (
        CODE[rows] == 1,
        CODE[rows].astype(float),
        pd.Series(CODE[rows] == 1).astype("boolean"),
    ):
        sampler.fit_resample(X[rows], y)
        assert np.array_equal(sampler.sample_indices_, expected)
