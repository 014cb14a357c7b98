import io
import json
import os
import zipfile
from datetime import date, datetime

import numpy as np
import pytest
from conftest import make_images, make_labels, write_images
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from imblearn.pipeline import make_pipeline
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.neighbors import KernelDensity

import imblearn_images as ii
from imblearn_images import ResamplingPlan, render
from imblearn_images.synthesis import (
    Augment,
    Chain,
    CutMix,
    Morph,
    OneOf,
    Paste,
    TransferDeformation,
)

Y = make_labels()
X = make_images(len(Y), (8, 8), "uint8")


def darker(base, partner, step, rng):
    return base * rng.uniform(0.5, 1)


class Foreign:
    n_partners = 1

    def draw(self, base, partners, weights, rngs):
        return partners[:, 0]


SAMPLERS = {
    "SMOTE": ii.SMOTE(k_neighbors=2, random_state=0),
    "BorderlineSMOTE": ii.BorderlineSMOTE(k_neighbors=2, m_neighbors=3, random_state=0),
    "ADASYN": ii.ADASYN(n_neighbors=3, random_state=0),
    "SMOTETomek": ii.SMOTETomek(smote=ii.SMOTE(k_neighbors=2), random_state=0),
    "RandomOverSampler": ii.RandomOverSampler(random_state=0),
    "noise": ii.RandomOverSampler(shrinkage=0.5, random_state=0),
    "RandomUnderSampler": ii.RandomUnderSampler(random_state=0),
    "ClusterCentroids": ii.ClusterCentroids(voting="soft", random_state=0),
    "TomekLinks": ii.TomekLinks(),
    "RedrawImages": ii.RedrawImages("blend", random_state=0),
    "accept": ii.RandomOverSampler(
        synthesis=Augment(), accept=lambda images, labels: images.mean((1, 2)) > 128, random_state=0
    ),
}
RULES = {
    "blend": "blend",
    "augment": Augment(brightness_range=(0.5, 1.5)),
    "augment in numbers of NumPy": Augment(noise=np.float32(0.1)),
    "morph": Morph(fade=False),
    "transfer": TransferDeformation(scale=(0.5, 1.0)),
    "cutmix": CutMix(),
    "paste": Paste(),
    "chain": Chain(["blend", TransferDeformation(), OneOf([Augment(), "copy", Chain([Paste()])])]),
    "one of": OneOf(["copy", Morph(), CutMix()], probabilities=np.array([0.2, 0.5, 0.3])),
}
LABELS = {
    "text": Y,
    "integers": np.unique(Y, return_inverse=True)[1].astype(np.int16),
    "dates": np.array(["2020-01-01", "2021-02-02", "2022-03-03"], "M8[ns]")[
        np.unique(Y, return_inverse=True)[1]
    ],
    "objects": Y.astype(object),
    "one-hot": (np.unique(Y)[:, None] == Y).T.astype(int),
    "object numbers": np.unique(Y, return_inverse=True)[1].astype(object),
}


def saved(plan, path, **options):
    plan.save(path, **{name: options[name] for name in ("X", "y") if name in options})
    return ResamplingPlan.load(path, **options)


def assert_same(plan, twin):
    assert repr(twin) == repr(plan) and twin.y.dtype == plan.y.dtype
    assert list(map(type, twin.y.tolist())) == list(map(type, plan.y.tolist()))
    for name in ("base", "partners", "weights", "y", "drawn", "seeds", "tries", "accepted"):
        np.testing.assert_array_equal(getattr(twin, name), getattr(plan, name))
        assert getattr(twin, name) is None or getattr(twin, name).dtype == getattr(plan, name).dtype
    assert [twin.explain(row) for row in (0, -1)] == [plan.explain(row) for row in (0, -1)]


@pytest.mark.filterwarnings("ignore:`accept` has accepted no child of:UserWarning")
@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
def test_what_is_loaded_draws_the_same(sampler, tmp_path):
    sampler = clone(sampler)
    made, _ = sampler.fit_resample(X, Y)
    twin = saved(sampler.plan_, tmp_path / "plan", X=X, y=Y)
    assert_same(sampler.plan_, twin)
    np.testing.assert_array_equal(render(twin, X), made)
    assert os.listdir(tmp_path) == ["plan"]


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_synthesis_is_loaded_with_its_parameters(rule, tmp_path):
    sampler = ii.RandomOverSampler(synthesis=rule, random_state=0)
    made, _ = sampler.fit_resample(X, Y)
    twin = saved(sampler.plan_, tmp_path / "plan")
    assert_same(sampler.plan_, twin)
    assert repr(twin.synthesis) == repr(sampler.plan_.synthesis)
    np.testing.assert_array_equal(render(twin, X), made)


@pytest.mark.parametrize("y", LABELS.values(), ids=LABELS)
def test_labels_are_loaded_as_they_were(y, tmp_path):
    sampler = ii.SMOTE(k_neighbors=2, random_state=0)
    sampler.fit_resample(X, y)
    assert_same(sampler.plan_, saved(sampler.plan_, tmp_path / "plan", y=y))


def test_objects_of_several_kinds_keep_theirs(tmp_path):
    kinds = [
        *("a", "\udcff", 1, True, 2.5, float("nan"), None, (1, ("b", None)), np.str_("c")),
        *(datetime(2020, 1, 2, 3), date(2020, 1, 2), np.int8(3), np.float32(0.1)),
        *(np.datetime64("2020-01-02T03", "ns"), np.timedelta64(3, "D"), np.datetime64("NaT", "s")),
    ]
    y = np.empty(len(kinds), dtype=object)
    y[:] = kinds
    twin = saved(ResamplingPlan.selection(np.arange(len(y)), y), tmp_path / "plan")
    assert list(map(repr, twin.y)) == [repr("c") if k == "c" else repr(k) for k in kinds]
    y[0] = {1}.__class__
    with pytest.raises(TypeError, match=r"labels that are text.*got <class 'set'> \(type\)"):
        saved(ResamplingPlan.selection(np.arange(len(y)), y), tmp_path / "other")
    assert os.listdir(tmp_path) == ["plan"]


def test_a_plan_of_several_steps_is_loaded_with_all_of_them(tmp_path):
    steps = make_pipeline(
        ii.RandomOverSampler(shrinkage=0.5, random_state=0),
        ii.RedrawImages(Chain([darker]), random_state=0),
        ii.RandomUnderSampler(sampling_strategy={"cat": 9}, random_state=1),
        ii.RedrawImages(Foreign(), classes=["owl"], random_state=1),
    )
    made, _ = steps.fit_resample(X, Y)
    plan = ResamplingPlan.of_pipeline(steps)
    path = tmp_path / "plan.npz"
    plan.save(path)
    rules = [plan.previous.previous.synthesis, plan.synthesis]
    twin = ResamplingPlan.load(path, synthesis=rules)
    assert_same(plan, twin)
    np.testing.assert_array_equal(render(twin, X), made)
    assert twin.crosses(np.arange(len(X))).tolist() == plan.crosses(np.arange(len(X))).tolist()
    for wrong, words in (
        (None, r"drawn by Chain, which a file cannot hold.*load\(path, synthesis="),
        (rules[:1], "drawn by Foreign, which a file cannot hold"),
        (rules[::-1], "must be Chain, by which the plan was drawn, got <.*Foreign"),
        ([*rules, Augment()], "has 1 more than the plan needs"),
    ):
        with pytest.raises(ValueError, match=words):
            ResamplingPlan.load(path, synthesis=wrong)


@pytest.mark.parametrize(
    "rule", [darker, Foreign(), Augment.from_callable(np.flipud), OneOf([Morph(), darker])]
)
def test_what_a_file_cannot_hold_is_given_again(rule, tmp_path):
    sampler = ii.SMOTE(k_neighbors=2, synthesis=rule, random_state=0)
    made, _ = sampler.fit_resample(X, Y)
    twin = saved(sampler.plan_, tmp_path / "plan", synthesis=rule)
    np.testing.assert_array_equal(render(twin, X), made)
    assert_same(sampler.plan_, twin)
    with pytest.raises(ValueError, match=rf"drawn by {twin.rule}, which a file cannot hold"):
        ResamplingPlan.load(tmp_path / "plan")
    with pytest.raises(ValueError, match=rf"must be {twin.rule}.*got CutMix\(\)"):
        ResamplingPlan.load(tmp_path / "plan", synthesis=CutMix())


def test_a_decoder_is_given_again_and_generated_rows_stay_undrawn(tmp_path):
    sampler = ii.SMOTE(embedding=PCA(3), interpolate="embedding", k_neighbors=2, random_state=0)
    made, _ = sampler.fit_resample(X, Y)
    twin = saved(sampler.plan_, tmp_path / "plan", synthesis=sampler.plan_.synthesis)
    np.testing.assert_array_equal(render(twin, X), made)
    sampler = ii.GenerativeOverSampler(KernelDensity(), random_state=0)
    sampler.fit_resample(X, Y)
    twin = saved(sampler.plan_, tmp_path / "other")
    assert_same(sampler.plan_, twin)
    assert twin.why_not == sampler.plan_.why_not != ""
    assert twin.crosses(Y)[twin.synthetic].all()


def test_another_source_is_refused_by_what_differs(tmp_path):
    sampler = ii.SMOTE(k_neighbors=2, random_state=0)
    sampler.fit_resample(X, Y)
    (tmp_path / "images").mkdir()
    path, paths = tmp_path / "plan", write_images(tmp_path / "images", X)
    sampler.plan_.save(path, paths, Y)
    other = Y.copy()
    other[[5, 7]] = ["owl" if label == "cat" else "cat" for label in Y[[5, 7]]]
    swapped = [*paths[:3], paths[4], paths[3], *paths[5:]]
    moved = [os.path.join("elsewhere", os.path.basename(name)) for name in paths]
    for options in ({}, {"X": moved}, {"X": X, "y": list(Y)}, {"y": Y.astype(object)[:, None]}):
        assert_same(sampler.plan_, ResamplingPlan.load(path, **options))
    for options, words in (
        ({"X": X[1:]}, r"`X` has 23 rows, the plan was drawn for 24"),
        ({"y": Y[1:]}, r"`y` has 23 rows, the plan was drawn for 24"),
        ({"y": other}, r"`y` has other labels .* in 2 of 24 rows, the first of them row 5"),
        ({"X": swapped}, r"`X` has other file names .* in 2 of 24 rows, the first of them row 3"),
    ):
        with pytest.raises(ValueError, match=words):
            ResamplingPlan.load(path, **options)
    with pytest.raises(ValueError, match=r"`y` has 23 rows"):
        sampler.plan_.save(path, y=Y[1:])
    sampler.plan_.save(path)
    assert_same(sampler.plan_, ResamplingPlan.load(path, X=swapped, y=other))


def content_of(tmp_path):
    sampler = ii.RandomOverSampler(shrinkage=0.5, random_state=0)
    sampler.fit_resample(X, Y.astype(object))
    sampler.plan_.save(tmp_path / "plan", y=Y)
    return (tmp_path / "plan").read_bytes()


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    return content_of(tmp_path_factory.mktemp("saved"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_a_damaged_file_is_refused_or_whole(content, tmp_path, data):
    cut = data.draw(st.integers(0, len(content)))
    changed = bytearray(content[: cut if data.draw(st.booleans()) else None])
    for at, byte in data.draw(st.dictionaries(st.integers(0, 3000), st.integers(0, 255))).items():
        place = at if data.draw(st.booleans()) else len(changed) - at - 1
        if 0 <= place < len(changed):
            changed[place] = byte
    path = tmp_path / "changed"
    path.write_bytes(bytes(changed))
    try:
        plan = ResamplingPlan.load(path)
    except ValueError as error:
        assert str(path) in str(error) or "plan" in str(error) or "`" in str(error)  # noqa: PT017
    else:
        assert len(plan) == len(plan.y)


def changed_header(content, change):
    with np.load(io.BytesIO(content)) as file:
        arrays = {name: file[name] for name in file.files}
    header = json.loads(bytes(arrays["header"]))
    change(header, arrays)
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    made = io.BytesIO()
    np.savez(made, **arrays)
    return made.getvalue()


def rule_of(value):
    return lambda header, arrays: header["steps"][0].update(synthesis=value)


def column_of(name, value):
    return lambda header, arrays: arrays.update({f"0.{name}": value})


HOSTILE = {
    "no class of ours": rule_of({"class": "Popen", "parameters": {"args": ["true"]}}),
    "no synthesis": rule_of({"class": "NeighborsAgree", "parameters": {}}),
    "no parameter": rule_of({"class": "Augment", "parameters": {"wrong": 1}}),
    "no rule": rule_of({"class": []}),
    "a list": rule_of([1]),
    "a text": rule_of("os.system"),
    "another version": lambda header, arrays: header.update(version=2),
    "no steps": lambda header, arrays: header.update(steps=[]),
    "steps in words": lambda header, arrays: header.update(steps="none"),
    "rows beyond": column_of("base", np.full(36, 99, dtype=np.int64)),
    "negative rows": column_of("base", np.full(36, -1, dtype=np.int64)),
    "floats": column_of("base", np.zeros(36)),
    "fewer": column_of("drawn", np.zeros(3, dtype=bool)),
    "labels beyond": column_of("y", np.full(36, 7, dtype=np.int64)),
    "labels of objects": lambda header, arrays: header["steps"][0].update(labels=[["object", 1]]),
    "no n_source": lambda header, arrays: header["steps"][0].update(n_source="many"),
    "not finite": column_of("weights", np.full((36, 0), np.nan)[:, :0].reshape(0, 36)),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_file_that_somebody_has_made_is_refused(change, content, tmp_path):
    path = tmp_path / "hostile"
    path.write_bytes(changed_header(content, change))
    with pytest.raises(ValueError, match=r"no plan that ResamplingPlan\.save|must point into|draw"):
        ResamplingPlan.load(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [("synthesis.ends", np.full((2, 3), 5000.0)), ("seeds", np.full(36, 1 << 60, dtype=np.uint64))],
)
def test_a_state_of_noise_that_is_none_is_refused(name, value, content, tmp_path):
    path = tmp_path / "hostile"
    path.write_bytes(changed_header(content, column_of(name, value)))
    plan = ResamplingPlan.load(path)
    with pytest.raises(ValueError, match=r"noise .* its state is damaged"):
        render(plan, X)


def test_files_of_others_are_refused(tmp_path):
    bomb, pickled = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.npy", b"\0" * 1_000_000)
    np.savez(pickled, header=np.array([os.getcwd], dtype=object))
    deep = "[" * 100_000
    nested = io.BytesIO()
    np.savez(nested, header=np.frombuffer(deep.encode(), dtype=np.uint8))
    for content in (
        *(b"", b"text", b"PK\x05\x06" + b"\0" * 18),
        *(bomb.getvalue(), pickled.getvalue(), nested.getvalue()),
    ):
        (tmp_path / "other").write_bytes(content)
        with pytest.raises(ValueError, match=r"other is no plan that ResamplingPlan\.save"):
            ResamplingPlan.load(tmp_path / "other")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        ResamplingPlan.load(tmp_path / "nowhere")
    with pytest.raises(IsADirectoryError):
        ResamplingPlan.load(tmp_path)
