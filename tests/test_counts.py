"""The door for numbers: counts of images per class, and pixels at the limits of their types."""

import warnings

import numpy as np
import pytest
from test_targets import SAMPLERS, again

from imblearn_images import (
    SMOTE,
    ImageSampler,
    RandomOverSampler,
    RandomUnderSampler,
    combine,
    ensemble,
    render,
    under_sampling,
)
from imblearn_images.datasets import make_imbalance
from imblearn_images.display import ClassDistributionDisplay, EmbeddingDisplay, FamilyDisplay
from imblearn_images.folders import export_images
from imblearn_images.model_selection import check_leakage
from imblearn_images.over_sampling import BorderlineSMOTE
from imblearn_images.synthesis import Augment

Y = np.repeat(["big", "mid", "small"], [24, 12, 9])
X = np.random.default_rng(0).normal(size=(45, 4, 4)).astype(np.float32)
X += 0.7 * np.unique(Y, return_inverse=True)[1].reshape(-1, 1, 1)
quiet = pytest.mark.filterwarnings(
    "ignore:Number of distinct clusters",
    "ignore:.* has left no image of:UserWarning",
    "ignore:.* added fewer images:UserWarning",
)


def kind(name):
    return SAMPLERS[name]._sampling_type


COUNTED = [
    name
    for name in SAMPLERS
    if kind(name) in ("over-sampling", "under-sampling") or name in ("SMOTEENN", "SMOTETomek")
]


def counting(name, strategy):
    return again(name).set_params(sampling_strategy=strategy)


OVER = {"small": 20, "mid": 22, "big": 24}
UNDER = {"big": 8, "mid": 7, "small": 9}


def asked_of(name, convert):
    counts = UNDER if kind(name) == "under-sampling" else OVER
    return {label: convert(count) for label, count in counts.items()}


@quiet
@pytest.mark.parametrize("name", COUNTED)
def test_whole_numbers_of_every_type_are_counts(name):
    expected = counting(name, asked_of(name, int))
    X_res, y_res = expected.fit_resample(X, Y)
    for convert in (float, np.float64, np.float32, np.int16, np.uint8, np.array):
        asked = asked_of(name, convert)
        for strategy in (asked, lambda y, asked=asked: asked):
            sampler = counting(name, strategy)
            X_other, y_other = sampler.fit_resample(X, Y)
            assert np.array_equal(X_other, X_res) and np.array_equal(y_other, y_res)
            assert sampler.sampling_strategy is strategy
            if name not in ("SMOTEENN", "SMOTETomek"):
                assert sampler.sampling_strategy_ == expected.sampling_strategy_


NOT_WHOLE = [19.5, np.float32(7.5), np.nan, np.inf, "20", None, True, [3]]


ENSEMBLES = [name for name in ensemble.__all__ if name != "PolicyEnsembleClassifier"]
"""Those that take a `sampling_strategy`."""


@pytest.mark.parametrize("name", [*COUNTED, *ENSEMBLES, "make_imbalance"])
def test_what_is_no_whole_number_is_one_error_everywhere(name):
    for count in NOT_WHOLE:
        for strategy in ({"mid": count}, lambda y, count=count: {"mid": count}):
            if name in COUNTED:
                door = counting(name, strategy).fit_resample
            elif name in ENSEMBLES:
                door = getattr(ensemble, name)(n_estimators=1, sampling_strategy=strategy).fit
            else:
                door = lambda X, y, s=strategy: make_imbalance(X, y, sampling_strategy=s)  # noqa: E731
            with pytest.raises(ValueError, match=r"whole number of images.*class 'mid'"):
                door(X, Y)


@pytest.mark.parametrize("name", ENSEMBLES)
def test_ensembles_count_in_whole_numbers(name):
    cls = getattr(ensemble, name)
    asked = {"big": 5, "mid": 5, "small": 5}
    for data in (X, X.reshape(45, -1)):
        expected = cls(n_estimators=2, random_state=0, sampling_strategy=asked).fit(data, Y)
        for strategy in (
            {k: float(n) for k, n in asked.items()},
            lambda y: dict.fromkeys(np.unique(y), 5.0),  # of labels that are numbered
        ):
            other = cls(n_estimators=2, random_state=0, sampling_strategy=strategy).fit(data, Y)
            assert np.array_equal(other.predict_proba(data), expected.predict_proba(data))
            assert other.sampling_strategy is strategy


@pytest.mark.parametrize("name", COUNTED)
def test_the_class_that_cannot_have_its_number_is_named(name):
    impossible = {"mid": 40} if kind(name) == "under-sampling" else {"mid": 4}
    for strategy in (impossible, lambda y: impossible):
        with pytest.raises(ValueError, match=r"'mid'.* has 12 images"):
            counting(name, strategy).fit_resample(X, Y)
        if name not in ("SMOTEENN", "SMOTETomek"):
            with pytest.raises(ValueError, match=r"'mid'.* has 12 images"):
                counting(name, strategy).fit(X, Y)
    for strategy in ({"cow": 40}, lambda y: {"cow": 40}):
        with pytest.raises(ValueError, match="cow"):
            counting(name, strategy).fit_resample(X, Y)


def test_a_class_of_one_image_is_not_told_to_ask_for_no_neighbour():
    y = ["big"] * 44 + ["one"]
    with pytest.raises(ValueError, match="A single image has no neighbour") as told:
        SMOTE().fit_resample(X, y)
    assert "at most" not in str(told.value)


@pytest.mark.parametrize("name", ["SMOTEENN", "SMOTETomek"])
def test_too_few_neighbours_are_told_once(name):
    with pytest.raises(ValueError, match="'one' has n_samples = 3") as told:
        getattr(combine, name)().fit_resample(X, ["big"] * 42 + ["one"] * 3)
    assert "The classes have these" not in str(told.value)


NOISE = np.random.default_rng(3).integers(0, 256, (80, 8, 8), dtype=np.uint8)
NOISY = np.repeat(["a", "b", "c"], [50, 20, 10])


def test_a_class_that_a_sampler_empties_is_told_with_its_size():
    emptied = set()
    for name in SAMPLERS:
        sampler = again(name)
        if name not in [*under_sampling.__all__, *combine.__all__]:
            continue
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            _, y_res = sampler.fit_resample(NOISE, NOISY)
        told = [str(each.message) for each in heard if "has left no image" in str(each.message)]
        lost = sorted(set(NOISY.tolist()) - set(y_res.tolist()))
        assert bool(told) == bool(lost)
        for label in lost:
            assert f"{label!r} ({NOISY.tolist().count(label)} before)" in told[0]
        emptied |= {name} if lost else set()
    assert {"EditedNearestNeighbours", "SMOTEENN"} <= emptied
    with pytest.warns(UserWarning, match=r"ImageSampler has left no image of 1 of 3 classes: '"):
        ImageSampler(under_sampling.EditedNearestNeighbours()).fit_resample(NOISE, NOISY)


def test_a_class_that_was_to_be_left_out_is_not_told():
    sampler = RandomUnderSampler(sampling_strategy={"a": 0}, random_state=0)
    assert set(sampler.fit_resample(NOISE, NOISY)[1]) == {"b", "c"}


@pytest.mark.parametrize("synthesis", [None, "copy", Augment(), "blend"])
def test_rows_of_the_source_are_told_only_where_nothing_was_drawn(synthesis):
    sampler = RandomOverSampler(random_state=0)
    sampler.fit_resample(X, Y)  # of which nothing must be left
    sampler.set_params(synthesis=synthesis).fit_resample(X, Y)
    copies = synthesis in (None, "copy")
    assert hasattr(sampler, "sample_indices_") == copies
    assert sampler.__sklearn_tags__().sampler_tags.sample_indices == copies
    bag = ensemble.BalancedBaggingClassifier(n_estimators=1, sampler=sampler, random_state=0)
    if copies:
        bag.fit(X, Y)
    else:
        with pytest.raises(ValueError, match="must be a random sampler"):
            bag.fit(X, Y)


@quiet
@pytest.mark.parametrize(
    "name", [name for name in SAMPLERS if name not in ("GenerativeOverSampler", "RedrawImages")]
)
def test_flat_bool_images_give_the_rows_of_bool_images(name):
    images = X > 1
    try:
        X_res, y_res = again(name).fit_resample(images, Y)
    except (ValueError, RuntimeError) as error:  # no cluster, for example
        with pytest.raises(type(error), match=str(error)[:12]):
            again(name).fit_resample(images.reshape(45, -1), Y)
        return
    X_flat, y_flat = again(name).fit_resample(images.reshape(45, -1), Y)
    assert X_flat.dtype == bool and np.array_equal(y_flat, y_res)
    assert np.array_equal(X_flat, X_res.reshape(len(X_res), -1))


def extremes():
    rng = np.random.default_rng(0)
    signs, normal = rng.choice([-1.0, 1.0], (45, 4)), rng.normal(size=(45, 4))
    for dtype in ("float16", "float32", "float64"):
        yield f"{dtype}, largest", (signs * float(np.finfo(dtype).max)).astype(dtype)
    yield "float32, 1e30", (normal * 1e30).astype("float32")
    yield "float64, 1e200", normal * 1e200
    yield "float64, 1e-200", normal * 1e-200
    yield "float64, subnormal", normal * 1e-310
    info = np.iinfo(np.int64)
    yield "int64, all", rng.integers(info.min, info.max, (45, 4))
    yield "int64, 2**60", rng.integers(2**60, 2**60 + 1000, (45, 4))
    yield "uint64, 2**63", rng.integers(2**63, 2**64 - 1, (45, 4), dtype=np.uint64)


EXTREMES = dict(extremes())


@quiet
@pytest.mark.parametrize("case", EXTREMES)
@pytest.mark.parametrize("flat", [True, False])
def test_pixels_at_the_limits_are_right_or_refused(case, flat):
    data = EXTREMES[case] if flat else EXTREMES[case].reshape(45, 2, 2)
    for sampler in (
        SMOTE(k_neighbors=3, random_state=0),
        BorderlineSMOTE(random_state=0),
        RandomOverSampler(shrinkage=1.0, random_state=0),
        under_sampling.ClusterCentroids(random_state=0),
        under_sampling.EditedNearestNeighbours(),
    ):
        refusal = ""
        try:
            X_res, _ = sampler.fit_resample(data, Y)
        except ValueError as error:
            refusal = str(error)
        if refusal:
            assert "Scale them first" in refusal
            continue
        plan = sampler.plan_
        assert np.isfinite(X_res.astype(float)).all()
        rows = np.flatnonzero(~plan.synthetic)
        assert np.array_equal(X_res[rows], data[plan.base[rows]])
        if isinstance(sampler, (SMOTE, BorderlineSMOTE)):
            parents = np.stack([data[plan.base], data[plan.partners[:, 0]]])
            assert (X_res >= parents.min(axis=0)).all() and (X_res <= parents.max(axis=0)).all()


def test_partners_among_large_integers_are_nearest():
    data = EXTREMES["int64, 2**60"]
    exact = [[int(value) for value in row] for row in data]
    for images in (data, data.reshape(45, 2, 2)):
        smote = SMOTE(k_neighbors=1, random_state=0)
        smote.fit_resample(images, Y)
        for base, partner in zip(smote.plan_.base[45:], smote.plan_.partners[45:, 0], strict=True):
            others = [row for row in np.flatnonzero(Y[base] == Y).tolist() if row != base]
            distance = {
                row: sum((a - b) ** 2 for a, b in zip(exact[base], exact[row], strict=True))
                for row in others
            }
            assert base == partner or distance[int(partner)] == min(distance.values())


PLAN = SMOTE(k_neighbors=3, random_state=0)
PLAN.fit_resample(X, Y)


@pytest.mark.parametrize(
    "door",
    [
        lambda plan, folder: render(plan, X),
        lambda plan, folder: FamilyDisplay.from_plan(plan, X),
        lambda plan, folder: ClassDistributionDisplay.from_plan(plan, Y),
        lambda plan, folder: EmbeddingDisplay.from_plan(plan, X, Y),
        lambda plan, folder: export_images(X, Y, folder, plan=plan),
        lambda plan, folder: check_leakage(X, X, plan, threshold=None),
    ],
)
def test_a_sampler_in_the_place_of_its_plan_is_told_what_to_pass(door, tmp_path):
    with pytest.raises(
        TypeError, match=r"must be a ResamplingPlan, got an object of type SMOTE. Pass its"
    ):
        door(PLAN, tmp_path)
    with pytest.raises(TypeError, match="Pass its plan_ after fit_resample"):
        door(SMOTE(), tmp_path)


def test_rows_and_words_that_are_near_a_right_one_are_told_it():
    with pytest.raises(TypeError, match=r"number of one row, got \[1, 2\]"):
        PLAN.plan_.explain([1, 2])
    with pytest.raises(ValueError, match=r"Did you mean HOGFeatures\(\)\?"):
        SMOTE(embedding="hog").fit_resample(X, Y)
