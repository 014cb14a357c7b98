"""How children are drawn: what holds for every synthesis, and what goes wrong."""

import pickle

import numpy as np
import pytest
from conftest import read_images, write_images
from hypothesis import given
from hypothesis import strategies as st
from imblearn import FunctionSampler
from imblearn import over_sampling as theirs
from imblearn.pipeline import make_pipeline
from imblearn.utils.estimator_checks import estimator_checks_generator as imblearn_checks
from PIL import Image
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.utils.estimator_checks import estimator_checks_generator as sklearn_checks

from imblearn_images import (
    ADASYN,
    SMOTE,
    SMOTEENN,
    SVMSMOTE,
    BorderlineSMOTE,
    ImageSampler,
    KMeansSMOTE,
    RandomOverSampler,
    SMOTETomek,
    render,
)
from imblearn_images.core.pixels import as_unit
from imblearn_images.datasets import load_texture_patches
from imblearn_images.over_sampling import RedrawImages
from imblearn_images.preprocessing import FlattenImages, HOGFeatures, ReadImages
from imblearn_images.synthesis import (
    Augment,
    Chain,
    Morph,
    NeighborsAgree,
    OneOf,
    TransferDeformation,
)


def noisy_blend(base, partner, step, rng):
    child = base + step * (partner.astype(float) - base)
    return child + rng.normal(0, 0.02 * max(1, float(base.max())), base.shape)


def darker(base, partner, step, rng):
    return base * rng.uniform(0.5, 1)


SYNTHESES = [
    "blend",
    noisy_blend,
    Chain(["blend", darker]),
    OneOf(["blend", "copy", darker], probabilities=[0.5, 0.2, 0.3]),
    Chain([darker, OneOf([noisy_blend, OneOf(["copy", darker])]), "blend"]),
    Augment(),
    Morph(),
    OneOf([TransferDeformation(donors="all", residual=0.5), Chain([Morph(), Augment(erase=0.5)])]),
]
DTYPES = ["bool", "uint8", "uint16", "int32", "float32", "float64"]


def images_of_dtype(dtype, shape=(30, 9, 8), seed=0):
    values = np.random.default_rng(seed).uniform(0, 1, shape)
    if np.dtype(dtype).kind == "f":
        return values.astype(dtype)
    return (values * (2 if dtype == "bool" else 250)).astype(np.uint8).astype(dtype)


def labels_of(n):
    return np.array(["many", "some", "few"])[
        np.searchsorted([n // 2, n - n // 5], range(n), "right")
    ]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("synthesis", SYNTHESES)
@pytest.mark.parametrize("colour", [False, True])
def test_any_row_can_be_drawn_alone_from_its_plan(synthesis, dtype, colour):
    X = images_of_dtype(dtype, (30, 9, 8, 3) if colour else (30, 9, 8))
    sampler = SMOTE(synthesis=synthesis, k_neighbors=2, random_state=0)
    X_res, y_res = sampler.fit_resample(X, labels_of(30))
    assert X_res.dtype == X.dtype and X_res.shape == (45, *X.shape[1:])
    assert set(np.unique(y_res, return_counts=True)[1]) == {15}
    np.testing.assert_array_equal(X_res[:30], X)
    rows = np.random.default_rng(1).permutation(45)
    np.testing.assert_array_equal(render(sampler.plan_[rows], X), X_res[rows])
    for row in (30, 44):
        np.testing.assert_array_equal(render(sampler.plan_[row], X)[0], X_res[row])


@pytest.mark.parametrize("synthesis", SYNTHESES)
@pytest.mark.parametrize("sampler", [RandomOverSampler(), SMOTE(k_neighbors=2)])
def test_threads_and_pickles_change_nothing(sampler, synthesis):
    X, y = images_of_dtype("uint8", (60, 16, 16, 3)), labels_of(60)
    sampler.set_params(synthesis=synthesis, random_state=3)
    once, _ = clone(sampler).fit_resample(X, y)
    for jobs in (2, -1):
        again, _ = clone(sampler).set_params(n_jobs=jobs).fit_resample(X, y)
        np.testing.assert_array_equal(again, once)
    copied = pickle.loads(pickle.dumps(clone(sampler).fit(X, y)))
    np.testing.assert_array_equal(copied.fit_resample(X, y)[0], once)
    plan = pickle.loads(pickle.dumps(_fitted(sampler, X, y).plan_))
    np.testing.assert_array_equal(render(plan, X), once)


def _fitted(sampler, X, y):
    sampler.fit_resample(X, y)
    return sampler


def test_blending_is_what_smote_does_without_a_synthesis():
    X, y = images_of_dtype("uint8"), labels_of(30)
    plain = SMOTE(k_neighbors=2, random_state=0).fit_resample(X, y)[0]
    for synthesis in ("blend", Chain(["blend"]), OneOf(["blend"])):
        asked = SMOTE(k_neighbors=2, random_state=0, synthesis=synthesis)
        np.testing.assert_array_equal(asked.fit_resample(X, y)[0], plain)


@pytest.mark.parametrize("dtype", [*DTYPES, "float16", "int8"])
@pytest.mark.parametrize("sampler", [RandomOverSampler(), SMOTE(k_neighbors=2)])
def test_a_function_computes_with_floats(sampler, dtype):
    def blend(base, partner, step, rng):
        return base + step * (partner - base)

    X, y = images_of_dtype(dtype), labels_of(30)
    if dtype == "uint16":
        X *= 257
    sampler.set_params(random_state=0)
    expected = clone(sampler).set_params(synthesis="blend").fit_resample(X, y)[0]
    X_res, _ = clone(sampler).set_params(synthesis=blend).fit_resample(X, y)
    assert X_res.dtype == dtype
    if X.dtype.kind == "f":
        np.testing.assert_allclose(X_res, expected, rtol=0, atol=2 * np.finfo(dtype).eps)
        return
    off = abs(X_res.astype(float) - expected)
    assert off.max() <= (dtype == "uint16") and (off == 0).mean() > 0.98


@pytest.mark.parametrize("dtype", [*DTYPES, "float16", "int8", "int64"])
def test_what_a_function_gets_is_the_data_as_floats(dtype):
    seen = []

    def look(base, partner, step, rng):
        seen.append((base, partner))
        return base

    X, y = images_of_dtype(dtype), labels_of(30)
    sampler = SMOTE(k_neighbors=2, random_state=0, synthesis=look)
    X_res, _ = sampler.fit_resample(X, y)
    np.testing.assert_array_equal(X_res[30:], X[sampler.plan_.base[30:]])
    small = np.dtype(dtype).itemsize <= 2 or dtype == "float32"
    assert {image.dtype for pair in seen for image in pair} == {np.dtype("f4" if small else "f8")}
    for at, images in enumerate(zip(*seen, strict=True)):
        parents = (sampler.plan_.base, sampler.plan_.partners[:, 0])[at][30:]
        known = {X[row].astype(float).tobytes() for row in parents}
        assert {image.astype(float).tobytes() for image in images} == known


def test_copying_is_what_the_random_over_sampler_does_without_a_synthesis():
    X, y = images_of_dtype("uint8"), labels_of(30)
    plain = RandomOverSampler(random_state=0).fit_resample(X, y)[0]
    for synthesis in ("copy", Chain(["copy"]), OneOf(["copy", "copy"])):
        asked = RandomOverSampler(random_state=0, synthesis=synthesis)
        np.testing.assert_array_equal(asked.fit_resample(X, y)[0], plain)
    smote = SMOTE(k_neighbors=2, random_state=0, synthesis="copy")
    X_res, _ = smote.fit_resample(X, y)
    np.testing.assert_array_equal(X_res, X[smote.plan_.base])
    assert not smote.plan_.synthetic.any()


@pytest.mark.parametrize(
    "sampler",
    [
        BorderlineSMOTE(),
        SVMSMOTE(),
        KMeansSMOTE(cluster_balance_threshold=0.1, kmeans_estimator=4),
        ADASYN(),
    ],
)
def test_every_over_sampler_hands_its_parents_to_the_synthesis(sampler):
    X, y = load_texture_patches(return_X_y=True)
    embedding = PCA(5, random_state=0)
    plain = clone(sampler).set_params(random_state=0, embedding=embedding)
    plain.fit_resample(X, y)
    seen = []

    def base_only(base, partner, step, rng):
        seen.append(step)
        return base

    asked = clone(plain).set_params(synthesis=base_only)
    X_res, _ = asked.fit_resample(X, y)
    np.testing.assert_array_equal(asked.plan_.base, plain.plan_.base)
    np.testing.assert_array_equal(asked.plan_.partners, plain.plan_.partners)
    np.testing.assert_array_equal(X_res, X[plain.plan_.base])
    assert sorted(seen) == sorted(plain.plan_.weights[len(X) :, 0])


@pytest.mark.parametrize("synthesis", SYNTHESES)
def test_files_and_arrays_give_the_same_children(tmp_path, synthesis):
    X, y = images_of_dtype("uint8", (30, 9, 8, 3)), labels_of(30)
    (tmp_path / "in").mkdir()
    paths = [tmp_path / "in" / f"{row:02}.png" for row in range(30)]
    for path, image in zip(paths, X, strict=True):
        Image.fromarray(image).save(path)
    before = [path.read_bytes() for path in paths]
    sampler = RandomOverSampler(random_state=0, synthesis=synthesis, output_dir=tmp_path / "out")
    drawn, y_drawn = sampler.fit_resample(paths, y)
    arrays = clone(sampler).set_params(output_dir=None)
    X_res, y_res = arrays.fit_resample(X, y)
    np.testing.assert_array_equal(ReadImages().fit_transform(drawn), X_res)
    np.testing.assert_array_equal(y_drawn, y_res)
    assert [path.read_bytes() for path in paths] == before
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    sampler.fit_resample(paths, y)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names


def test_files_of_any_size_can_be_parents(tmp_path):
    rng = np.random.default_rng(0)
    paths, y = [], ["many"] * 6 + ["few"] * 3
    (tmp_path / "in").mkdir()
    for row in range(9):
        size = (40 + row, 50 - row)
        paths.append(str(tmp_path / "in" / f"{row}.png"))
        Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(paths[-1])
    sampler = RandomOverSampler(synthesis="blend", output_dir=tmp_path / "out", random_state=0)
    drawn, _ = sampler.fit_resample(paths, y)
    for path, base in zip(drawn, sampler.plan_.base, strict=True):
        with Image.open(path) as child, Image.open(paths[base]) as parent:
            assert child.size == parent.size
    needs = RandomOverSampler(synthesis="blend")
    with pytest.raises(ValueError, match="output_dir"):
        needs.fit_resample(paths, y)


def test_partners_are_near_and_of_the_same_class():
    X, y = load_texture_patches(return_X_y=True)
    for synthesis in ("blend", noisy_blend):
        sampler = RandomOverSampler(synthesis=synthesis, random_state=0, embedding=PCA(5))
        sampler.fit_resample(X, y)
        plan = sampler.plan_[len(X) :]
        labels = np.asarray(y)
        assert (labels[plan.partners[:, 0]] == plan.y).all()
        assert (plan.partners[:, 0] != plan.base).all()
        features = PCA(5, random_state=0).fit_transform(X.reshape(len(X), -1))
        for base, partner in zip(plan.base[:20], plan.partners[:20, 0], strict=True):
            same = np.flatnonzero(labels == labels[base])
            distance = np.linalg.norm(features[same] - features[base], axis=1)
            rank = np.sum(distance < np.linalg.norm(features[partner] - features[base]) - 1e-9)
            assert rank <= 5


def test_rows_of_pixels_can_be_blended_but_not_bent():
    X, y = images_of_dtype("uint8"), labels_of(30)
    sampler = RandomOverSampler(synthesis="blend", random_state=0)
    rows, _ = sampler.fit_resample(X.reshape(30, -1), y)
    np.testing.assert_array_equal(render(sampler.plan_, X).reshape(len(rows), -1), rows)
    for synthesis in (Morph(), TransferDeformation(), Augment()):
        with pytest.raises(ValueError, match="before FlattenImages"):
            sampler.set_params(synthesis=synthesis).fit_resample(X.reshape(30, -1), y)
    with pytest.raises(ValueError, match="channels last"):
        sampler.fit_resample(np.zeros((30, 3, 9, 9), dtype=np.uint8), y)


@pytest.mark.filterwarnings("ignore:Class .* has fewer than two images:UserWarning")
def test_a_class_of_one_image_is_its_own_partner():
    X, y = images_of_dtype("uint8", (5, 6, 6)), [0, 0, 0, 0, 1]
    sampler = RandomOverSampler(synthesis="blend", random_state=0)
    X_res, _ = sampler.fit_resample(X, y)
    np.testing.assert_array_equal(X_res[5:], X[[4, 4, 4]])


def test_nothing_that_came_in_is_changed():
    def careless(base, partner, step, rng):
        base[...] = 0
        partner[...] = 255
        return base

    X, y = images_of_dtype("uint8"), labels_of(30)
    before = X.copy()
    SMOTE(k_neighbors=2, synthesis=careless, random_state=0).fit_resample(X, y)
    np.testing.assert_array_equal(X, before)


@given(
    dtype=st.sampled_from(DTYPES),
    scale=st.sampled_from([0.5, 1, 1.5, 7, 255]),
    shift=st.sampled_from([0, -3]),
)
def test_pixels_go_to_the_unit_interval_and_back(dtype, scale, shift):
    values = np.random.default_rng(0).uniform(0, scale, (4, 5, 6)) + shift
    values = np.clip(values, 0, None) if np.dtype(dtype).kind in "bu" else values
    X = values.astype(dtype)
    (unit, other), back = as_unit(X, X[:, None])
    assert unit.min() >= 0 and unit.max() <= 1
    np.testing.assert_array_equal(other[:, 0], unit)
    np.testing.assert_allclose(back(unit.copy()), X.astype(float), rtol=1e-5, atol=1e-5)
    assert back(unit - 1).min() >= min(0, float(X.min())) - 1e-5


# --- SMOTE with a cleaner, and samplers of others


def every_other_twice(X, y):
    rows = np.repeat(np.arange(0, len(y), 2), 2)[:-1]
    return X[rows], y[rows]


OTHERS = {
    "SMOTEENN": SMOTEENN(smote=SMOTE(k_neighbors=2, random_state=0)),
    "SMOTETomek": SMOTETomek(smote=theirs.SMOTE(k_neighbors=2, random_state=0)),
    "copies": ImageSampler(theirs.RandomOverSampler(random_state=0)),
    "blends": ImageSampler(theirs.SMOTE(k_neighbors=2, random_state=0)),
    "fewer": ImageSampler(FunctionSampler(func=every_other_twice)),
    "ours": ImageSampler(SMOTE(k_neighbors=2, random_state=0)),
}


def touching_classes(dtype="uint8", shape=(40, 9, 8), seed=0):
    """Images of which a cleaner drops some and leaves most."""
    brighter = np.unique(labels_of(shape[0]), return_inverse=True)[1]
    noise = np.random.default_rng(seed).uniform(0, 0.6, shape)
    values = noise + 0.1 * brighter.reshape(-1, *[1] * (len(shape) - 1))
    return (values * (1 if np.dtype(dtype).kind == "f" else 255)).astype(dtype)


PIXELS = [("uint8", 0), ("float32", 3), ("uint8", 3), ("float64", 0)]
# who decides and what pixels are made of do not interact: half of the pairs of each synthesis
SURVIVING = [
    (name, synthesis, *PIXELS[(turn + number) % 2 :: 2][half])
    for turn, name in enumerate(OTHERS)
    for number, synthesis in enumerate(SYNTHESES)
    for half in range(2)
]


@pytest.mark.parametrize(("name", "synthesis", "dtype", "colour"), SURVIVING)
@pytest.mark.filterwarnings("ignore:.* has left no image of:UserWarning")
def test_what_survives_or_was_copied_is_drawn_by_the_synthesis(name, synthesis, dtype, colour):
    X = touching_classes(dtype, (40, 9, 8, colour) if colour else (40, 9, 8))
    plain = clone(OTHERS[name])
    plain_res, y_plain = plain.fit_resample(X, labels_of(40))
    sampler = clone(plain).set_params(synthesis=synthesis, random_state=2)
    X_res, y_res = sampler.fit_resample(X, labels_of(40))
    plan, kept = sampler.plan_, plain.plan_.kind == "original"
    assert X_res.dtype == X.dtype and X_res.shape == plain_res.shape
    np.testing.assert_array_equal(y_res, y_plain)
    np.testing.assert_array_equal(plan.base, plain.plan_.base)
    np.testing.assert_array_equal(plan.synthetic, ~kept)
    assert 0 < kept.sum() < len(kept)
    np.testing.assert_array_equal(X_res[kept], X[plan.base[kept]])
    rows = np.random.default_rng(1).permutation(len(plan))[:20]
    np.testing.assert_array_equal(render(plan[rows], X), X_res[rows])
    np.testing.assert_array_equal(render(pickle.loads(pickle.dumps(plan)), X), X_res)
    again = clone(sampler).set_params(n_jobs=2)
    np.testing.assert_array_equal(again.fit_resample(X, labels_of(40))[0], X_res)


def test_the_cleaners_do_clean_these_images():
    for name in ("SMOTEENN", "SMOTETomek"):
        plan = _fitted(clone(OTHERS[name]), touching_classes(), labels_of(40)).plan_
        assert 10 < (plan.kind == "original").sum() < 40 and plan.synthetic.sum() > 10


@pytest.mark.parametrize("synthesis", [noisy_blend, Morph(), SYNTHESES[3]], ids=repr)
@pytest.mark.parametrize("name", OTHERS)
def test_files_too_are_drawn_after_the_cleaning(tmp_path, name, synthesis):
    X, y = touching_classes("uint8", (40, 9, 8, 3)), labels_of(40)
    (tmp_path / "in").mkdir()
    paths = write_images(tmp_path / "in", X)
    sampler = clone(OTHERS[name]).set_params(
        synthesis=synthesis, random_state=0, output_dir=tmp_path / "out"
    )
    drawn, y_drawn = sampler.fit_resample(paths, y)
    X_res, y_res = clone(sampler).set_params(output_dir=None).fit_resample(X, y)
    np.testing.assert_array_equal(read_images(drawn), X_res)
    np.testing.assert_array_equal(y_drawn, y_res)
    assert len(list((tmp_path / "out").iterdir())) == sampler.plan_.synthetic.sum()
    with pytest.raises(ValueError, match="output_dir"):
        clone(sampler).set_params(output_dir=None).fit_resample(paths, y)


@pytest.mark.parametrize("synthesis", ["copy", *SYNTHESES])
def test_a_cleaner_without_work_leaves_what_smote_draws(synthesis):
    X, y = images_of_dtype("uint8") // 4, labels_of(30)
    X[y == "some"] += 80
    X[y == "few"] += 160
    smote = SMOTE(random_state=0, synthesis=synthesis, accept=lit)
    expected, _ = smote.fit_resample(X, y)
    both = SMOTETomek(random_state=0, synthesis=synthesis, accept=lit)
    X_res, y_res = both.fit_resample(X, y)
    np.testing.assert_array_equal(X_res, expected)
    np.testing.assert_array_equal(y_res, smote.plan_.y)
    np.testing.assert_array_equal(both.plan_.tries, smote.plan_.tries)


def lit(images, labels):
    return images.mean(axis=(1, 2)) % 1 > 0.3  # as good as at random


@pytest.mark.filterwarnings("ignore:`accept` has accepted no synthetic image of:UserWarning")
@pytest.mark.parametrize("accept", [None, lit, NeighborsAgree()], ids=repr)
@pytest.mark.parametrize("synthesis", [None, *SYNTHESES])
@pytest.mark.parametrize("name", ["RandomOverSampler", "SMOTE", "BorderlineSMOTE"])
def test_imbalanced_learns_samplers_draw_what_ours_draw(name, synthesis, accept):
    X, y = touching_classes(), labels_of(40)
    drawing = {"synthesis": synthesis, "accept": accept, "random_state": 0}
    ours = globals()[name](**drawing)
    expected, _ = ours.fit_resample(X, y)
    wrapped = ImageSampler(getattr(theirs, name)(random_state=0), **drawing)
    X_res, _ = wrapped.fit_resample(X, y)
    np.testing.assert_array_equal(X_res, expected)
    if accept is not None and ours.plan_.tries is not None:
        np.testing.assert_array_equal(wrapped.plan_.tries, ours.plan_.tries)
        np.testing.assert_array_equal(wrapped.plan_.accepted, ours.plan_.accepted)


@pytest.mark.parametrize("name", ["SMOTEENN", "SMOTETomek", "copies", "blends"])
def test_survivors_are_drawn_until_they_are_accepted(name):
    X, y = touching_classes(), labels_of(40)
    sampler = clone(OTHERS[name]).set_params(synthesis=darker, accept=lit, random_state=0)
    X_res, _ = sampler.fit_resample(X, y)
    plan = sampler.plan_
    assert (plan.tries[~plan.synthetic] == 0).all() and set(plan.tries[plan.synthetic]) == {1, 2, 3}
    drawn = plan.synthetic
    np.testing.assert_array_equal(plan.accepted[drawn], lit(X_res[drawn], None))
    np.testing.assert_array_equal(render(plan, X), X_res)


def test_copies_of_a_sampler_of_others_are_not_judged():
    X, y = touching_classes(), labels_of(40)
    sampler = clone(OTHERS["copies"]).set_params(accept=lambda images, labels: labels == "no")
    X_res, _ = sampler.fit_resample(X, y)
    np.testing.assert_array_equal(X_res, X[sampler.plan_.base])
    assert sampler.plan_.accepted.all() and not sampler.plan_.tries.any()


@pytest.mark.parametrize("synthesis", [None, "copy", *SYNTHESES])
def test_a_selection_without_copies_leaves_nothing_to_draw(synthesis):
    X, y = touching_classes(), labels_of(40)
    half = FunctionSampler(func=lambda X, y: (X[::2], y[::2]))
    sampler = ImageSampler(half, synthesis=synthesis, accept=lit, embedding=no_file_at_all)
    np.testing.assert_array_equal(sampler.fit_resample(X, y)[0], X[::2])
    assert not sampler.plan_.synthetic.any()
    paths = [f"no such file {row}" for row in range(40)]
    sampler.set_params(embedding=None)
    kept, _ = sampler.fit_resample(paths, y, embeddings=X.reshape(40, -1))
    assert kept == paths[::2]


def no_file_at_all(images):
    return images.reshape(len(images), -1).astype(float)


def test_a_sampler_of_others_may_both_copy_and_blend():
    def both(X, y):
        child = X[[38]] + 0.5 * (X[[37]] - X[[38]])
        return np.concatenate([X, X[[38, 39]], child]), np.append(y, ["few"] * 3)

    X, y = touching_classes(), labels_of(40)
    sampler = ImageSampler(FunctionSampler(func=both), synthesis="blend", random_state=0)
    X_res, _ = sampler.fit_resample(X, y)
    plan = sampler.plan_[40:]
    assert plan.base.tolist() == [38, 39, 38] and plan.partners[2].tolist() == [37]
    assert (plan.partners[:, 0] != plan.base).all() and (y[plan.partners[:, 0]] == "few").all()
    assert plan.weights[2] == 0.5 and ((plan.weights[:2] > 0) & (plan.weights[:2] < 1)).all()
    np.testing.assert_array_equal(X_res[42], np.rint(X[38] / 2 + X[37] / 2))


@pytest.mark.filterwarnings("ignore:Class .* has fewer than two images:UserWarning")
@pytest.mark.filterwarnings("ignore:.* has left no image of:UserWarning")
def test_labels_that_a_sampler_of_others_has_changed_stay_changed():
    X, y = touching_classes(), labels_of(40)
    other = FunctionSampler(func=lambda X, y: (X[[0, 0, 39]], np.array(["new", "new", "few"])))
    for synthesis in (None, "copy", darker, Morph()):
        sampler = ImageSampler(other, synthesis=synthesis, random_state=0)
        assert sampler.fit_resample(X, y)[1].tolist() == ["new", "new", "few"]


@pytest.mark.parametrize("name", OTHERS)
def test_every_sampler_refuses_the_same_in_the_same_words(name):
    X, y = touching_classes(), labels_of(40)
    for synthesis, error, words in (
        ("blur", ValueError, '`synthesis` must be "copy", "blend".*got .blur'),
        (Morph, TypeError, r"did you mean Morph\(\)"),
        (lambda image: image, TypeError, "from_callable"),
    ):
        with pytest.raises(error, match=words):
            clone(OTHERS[name]).set_params(synthesis=synthesis).fit_resample(X, y)
    with pytest.raises(TypeError, match=r"such as NeighborsAgree\(\)"):
        clone(OTHERS[name]).set_params(accept="neighbors").fit_resample(X, y)
    with pytest.raises(ValueError, match="before FlattenImages"):
        clone(OTHERS[name]).set_params(synthesis=Morph()).fit_resample(X.reshape(40, -1), y)


@pytest.mark.parametrize(
    "given",
    [
        {"synthesis": Morph()},
        {"accept": lit},
        {"embedding": PCA(2)},
        {"embedding": PCA(2), "interpolate": "embedding"},
        {"output_dir": "children"},
    ],
    ids=str,
)
def test_there_is_one_place_to_say_how_images_are_drawn(given):
    X, y = touching_classes(), labels_of(40)
    name = next(iter(given))
    for cls in (SMOTEENN, SMOTETomek):
        words = rf"SMOTE works on features here, but its {name}=.*Pass it to {cls.__name__} instead"
        with pytest.raises(ValueError, match=words):
            cls(smote=SMOTE(**given)).fit_resample(X, y)
        assert given.keys() <= cls().get_params().keys()
    if {"synthesis", "accept", "interpolate"} & given.keys():
        for synthesis in (None, darker):
            with pytest.raises(ValueError, match="Pass it to ImageSampler, or do without"):
                ImageSampler(SMOTE(**given), synthesis=synthesis).fit_resample(X, y)


def test_noise_of_the_sampler_inside_is_not_drawn_over():
    noisy = ImageSampler(RandomOverSampler(shrinkage=0.5), synthesis=darker)
    with pytest.raises(ValueError, match=r"shrinkage=0\.5.*without ImageSampler"):
        noisy.fit_resample(touching_classes("float64"), labels_of(40))


@pytest.mark.parametrize("name", OTHERS)
def test_parameters_of_the_synthesis_are_cloned_and_pickled(name):
    X, y = touching_classes(), labels_of(40)
    sampler = clone(OTHERS[name]).set_params(synthesis=Augment(), random_state=0)
    sampler.set_params(accept=NeighborsAgree(), synthesis__rotation_range=7)
    twin = pickle.loads(pickle.dumps(clone(sampler)))
    assert twin.get_params()["synthesis__rotation_range"] == 7
    assert twin.synthesis is not sampler.synthesis
    np.testing.assert_array_equal(twin.fit_resample(X, y)[0], sampler.fit_resample(X, y)[0])
    np.testing.assert_array_equal(twin.fit_resample(X, y)[0], sampler.fit_resample(X, y)[0])
    other = clone(sampler).set_params(random_state=1)
    assert (other.fit_resample(X, y)[0] != sampler.fit_resample(X, y)[0]).any()


@pytest.mark.parametrize("step", ["smoteenn", "smotetomek", "imagesampler"])
def test_grid_search_chooses_the_synthesis_of_these_too(step):
    X, y = load_texture_patches(return_X_y=True, size=16)
    samplers = (SMOTEENN(), SMOTETomek(), ImageSampler(theirs.RandomOverSampler(random_state=0)))
    sampler = next(each for each in samplers if type(each).__name__.lower() == step)
    sampler.set_params(random_state=0, embedding=PCA(3, random_state=0))
    pipe = make_pipeline(sampler, FlattenImages(), GaussianNB())
    grid = {f"{step}__synthesis": [None, darker, Augment()], f"{step}__accept": [None, lit]}
    search = GridSearchCV(pipe, grid, cv=2, error_score="raise").fit(X[::2], y[::2])
    assert len(set(search.cv_results_["mean_test_score"])) > 1


def test_grid_search_chooses_a_synthesis_by_name():
    X, y = load_texture_patches(return_X_y=True, size=16)
    pipe = make_pipeline(SMOTE(random_state=0), FlattenImages(), GaussianNB())
    grid = {
        "smote__synthesis": ["blend", Morph(), TransferDeformation(), Augment()],
        "smote__embedding": [None, HOGFeatures(), PCA(5, random_state=0)],
    }
    search = GridSearchCV(pipe, grid, cv=2, error_score="raise").fit(X[::2], y[::2])
    assert len(search.cv_results_["params"]) == 12
    inner = clone(search.best_estimator_).set_params(smote__synthesis=Augment())
    inner.set_params(smote__synthesis__rotation_range=20)
    assert inner.named_steps["smote"].synthesis.rotation_range == 20


@pytest.mark.parametrize(
    ("synthesis", "error", "words"),
    [
        ("blur", ValueError, '"copy", "blend".*got \'blur\''),
        (NeighborsAgree, TypeError, "did you mean NeighborsAgree"),
        (5, TypeError, "got 5"),
        (lambda image: image, TypeError, r"take \(base, partner, step, rng\).*from_callable"),
        (lambda base, partner, step, rng: base * np.nan, ValueError, "NaN or infinity"),
        (lambda base, partner, step, rng: base / 255, ValueError, "Return the unit of the data"),
        (lambda base, partner, step, rng: base[1:], ValueError, r"shape \(9, 8\).*\(8, 8\)"),
        (lambda base, partner, step, rng: None, ValueError, "must return an image"),
        (Chain([]), ValueError, "is empty"),
        (OneOf(["blend"], probabilities=[0.5]), ValueError, "sum to 1"),
        (OneOf(["blend", "copy"], probabilities=[1.0]), ValueError, "one for each"),
    ],
)
def test_what_cannot_draw_is_refused(synthesis, error, words):
    sampler = SMOTE(k_neighbors=2, synthesis=synthesis)
    with pytest.raises(error, match=words):
        sampler.fit_resample(images_of_dtype("uint8"), labels_of(30))


OTHER_UNITS = {
    "ToFloat": (
        "uint8",
        lambda image: image / 255,
        r"uint8 up to \d+ and returned floats up to 0.9",
    ),
    "Normalize": ("uint8", lambda image: image / 64.0 - 2, "returned floats up to 1.[89]"),
    "mask": ("uint8", lambda image: image > 100, r"uint8 up to \d+ and returned bool up to 1"),
    "wide mask": ("int32", lambda image: image > 100, r"int32 up to \d+ and returned bool"),
    "bytes": ("float32", lambda image: image * 255, r"float32 up to 0.9\d+ and .* up to 2\d\d"),
}


@pytest.mark.parametrize("name", OTHER_UNITS)
def test_children_in_another_unit_are_refused(name):
    dtype, change, words = OTHER_UNITS[name]
    X, y = images_of_dtype(dtype), labels_of(30)
    for synthesis in (
        lambda base, partner, step, rng: change(base),
        Augment.from_callable(change),
        Chain(["blend", Augment.from_callable(change)]),
    ):
        with pytest.raises(ValueError, match=f"{words}.*Return the unit of the data"):
            RandomOverSampler(synthesis=synthesis, random_state=0).fit_resample(X, y)


def test_a_mask_is_no_image_of_three_grey_levels():
    X, y = images_of_dtype("uint8") // 86, labels_of(30)
    assert X.max() == 2
    with pytest.raises(ValueError, match="uint8 up to 2 and returned bool up to 1"):
        RandomOverSampler(
            synthesis=lambda base, partner, step, rng: base > 0, random_state=0
        ).fit_resample(X, y)


def test_a_child_may_be_dark_by_chance():
    def almost_black(base, partner, step, rng):
        return base * rng.choice([0.0035, 0.5, 1], p=[0.5, 0.25, 0.25])

    X, y = images_of_dtype("uint8"), labels_of(30)
    one_dark = X.copy()
    one_dark[28] = 1
    for images, change in (
        (X, almost_black),
        (X, lambda base, partner, step, rng: base * 0),
        (X, lambda base, partner, step, rng: base * 0.02),
        (one_dark, lambda base, partner, step, rng: partner),
        (one_dark / np.float32(1), lambda base, partner, step, rng: (base + partner) / 2),
        (X > 125, lambda base, partner, step, rng: base > partner),
        (X // 128, lambda base, partner, step, rng: base > partner),
    ):
        RandomOverSampler(synthesis=change, random_state=0).fit_resample(images, y)
    darker = Augment.from_callable(lambda image, rng: almost_black(image, None, None, rng))
    RandomOverSampler(synthesis=darker, random_state=0).fit_resample(X, y)


def test_what_does_not_go_together_is_refused():
    X, y = images_of_dtype("float64"), labels_of(30)
    with pytest.raises(ValueError, match="`shrinkage` and `synthesis` must not be"):
        RandomOverSampler(shrinkage=0.5, synthesis="blend").fit_resample(X, y)
    X[29, 0, 0] = np.nan
    with pytest.raises(ValueError, match="rows 29"):
        RandomOverSampler(synthesis=darker, random_state=0).fit_resample(X, y)


def test_children_are_drawn_until_they_are_accepted():
    X, y = images_of_dtype("float64"), labels_of(30)
    calls = []

    def light(images, labels):
        calls.append(len(images))
        return images.mean(axis=(1, 2)) > 0.35

    sampler = RandomOverSampler(synthesis=darker, accept=light, random_state=0)
    X_res, _ = sampler.fit_resample(X, y)
    plan = sampler.plan_
    mean = X_res.mean(axis=(1, 2))
    assert plan.tries[:30].tolist() == [0] * 30 and plan.accepted[:30].all()
    assert ((mean > 0.35) == plan.accepted)[30:].all()
    assert set(plan.tries[30:]) <= {1, 2, 3} and plan.tries.max() > 1
    assert sum(calls) == plan.tries.sum()
    assert (plan.tries[~plan.accepted] == 3).all()
    np.testing.assert_array_equal(render(plan, X), X_res)
    np.testing.assert_array_equal(clone(sampler).set_params(n_jobs=2).fit_resample(X, y)[0], X_res)


@pytest.mark.filterwarnings("ignore:`accept` has accepted no synthetic image of:UserWarning")
def test_a_rejected_blend_comes_nearer_to_its_base():
    X, y = images_of_dtype("uint8"), labels_of(30)
    plain = _fitted(SMOTE(k_neighbors=2, random_state=0), X, y).plan_
    never = SMOTE(k_neighbors=2, random_state=0, accept=lambda images, labels: labels == "no")
    plan = _fitted(never, X, y).plan_
    np.testing.assert_array_equal(plan.partners, plain.partners)
    assert (plan.weights[30:] < plain.weights[30:]).all()


def test_neighbours_reject_a_child_among_another_class():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(0, 0.1, (40, 4, 4)), rng.normal(5, 0.1, (10, 4, 4))])
    y = np.repeat(["low", "high"], [40, 10])

    def to_the_others(base, partner, step, rng):
        return base - 5 if rng.uniform() < 0.5 else base

    sampler = RandomOverSampler(
        synthesis=to_the_others,
        accept=NeighborsAgree(max_tries=20),
        embedding=PCA(2),
        random_state=0,
    )
    X_res, y_res = sampler.fit_resample(X, y)
    assert sampler.plan_.accepted.all()
    assert sampler.plan_.tries.max() > 2
    assert (X_res[y_res == "high"].mean(axis=(1, 2)) > 3).all()


def test_a_class_whose_children_are_never_accepted_is_named():
    X = images_of_dtype("uint8", (34, 9, 7))
    y = np.repeat(["cat", "dog", "owl", "yak"], [15, 8, 6, 5])
    sampler = RandomOverSampler(synthesis=darker, random_state=0)

    def no_dogs(images, labels):
        light = images.mean(axis=(1, 2)) > 0.95 * X.mean()
        return (labels == "yak") | ((labels == "owl") & light)

    sampler.set_params(accept=no_dogs)
    match = "^`accept` has accepted no synthetic image of 'dog' in"
    with pytest.warns(UserWarning, match=match) as told:
        sampler.fit_resample(X, y)
    plan = sampler.plan_
    never = plan.y[~plan.accepted].tolist()
    assert never.count("dog") == 7 and 0 < never.count("owl") < 9 and "yak" not in never
    assert len(told) == 1 and f"drawn by darker, {len(never)} never accepted)" in repr(plan)
    assert "never accepted" not in repr(plan[plan.accepted])


class OldRule:
    def accept(self, images):
        return images.any(axis=(1, 2))


@pytest.mark.parametrize(
    ("accept", "error", "words"),
    [
        (NeighborsAgree, TypeError, r"did you mean NeighborsAgree\(\)\?$"),
        (lambda image: True, TypeError, r"\(images, labels\) -> mask, .*: it takes \(image\), too"),
        (
            lambda images, labels, *, neighbourhood: True,
            TypeError,
            "missing a required.* 'neighbourhood'",
        ),
        (OldRule(), TypeError, r"OldRule.*`accept` must take .*, it takes \(images\), too many"),
        ("neighbors", TypeError, "got 'neighbors'"),
        (NeighborsAgree(n_neighbors=0), ValueError, "`n_neighbors` must be .* got 0"),
        (NeighborsAgree(max_tries=0), ValueError, "`max_tries` must be .* got 0"),
    ],
)
def test_what_cannot_judge_is_refused(accept, error, words):
    sampler = RandomOverSampler(synthesis=darker, accept=accept)
    with pytest.raises(error, match=words):
        sampler.fit_resample(images_of_dtype("uint8"), labels_of(30))


def test_dark_images_may_become_darker():
    X, y = images_of_dtype("uint8") // 20, labels_of(30)
    RandomOverSampler(synthesis=darker, random_state=0).fit_resample(X, y)


def test_a_judge_must_answer_for_every_child():
    sampler = SMOTE(k_neighbors=2, accept=lambda images, labels: np.ones(3, dtype=bool))
    with pytest.raises(ValueError, match=r"for each of the 15 images.*shape \(3,\)"):
        sampler.fit_resample(images_of_dtype("uint8"), labels_of(30))


class TestRedrawImages:
    @pytest.mark.parametrize("generate", [sklearn_checks, imblearn_checks])
    def test_the_checks_of_samplers_pass(self, generate):
        ran = 0
        for estimator, check in generate(RedrawImages(random_state=0)):
            if "sparse" in check.func.__name__ and generate is imblearn_checks:
                with pytest.raises(TypeError, match="must be images for RedrawImages"):
                    check(estimator)
            elif check.func.__name__ != "check_array_api_input":
                check(estimator)
            ran += 1
        assert ran >= 15

    def test_the_same_share_of_every_class_is_redrawn(self):
        X, y = images_of_dtype("uint8", (100, 6, 6)), np.repeat(["a", "b"], [80, 20])
        redraw = RedrawImages(darker, share=0.25, random_state=0)
        X_res, y_res = redraw.fit_resample(X, y)
        drawn = redraw.plan_.synthetic
        assert y_res.tolist() == y.tolist()
        assert drawn[:80].sum() == 20 and drawn[80:].sum() == 5
        np.testing.assert_array_equal(X_res[~drawn], X[~drawn])
        assert (X_res[drawn] <= X[drawn]).all()
        np.testing.assert_array_equal(render(redraw.plan_[drawn], X), X_res[drawn])

    def test_copies_are_no_partners_of_each_other(self):
        X, y = images_of_dtype("uint8", (12, 6, 6)), np.repeat(["a", "b"], [9, 3])
        X_over, y_over = RandomOverSampler(random_state=0).fit_resample(X, y)
        redraw = RedrawImages("blend", share=1.0, random_state=0)
        redraw.fit_resample(X_over, y_over)
        plan = redraw.plan_
        same = (X_over[plan.base] == X_over[plan.partners[:, 0]]).all(axis=(1, 2))
        assert plan.synthetic.all() and not same.any()

    def test_only_the_classes_with_copies_if_wished(self):
        X, y = images_of_dtype("uint8", (12, 6, 6)), np.repeat(["a", "b"], [9, 3])
        X_over, y_over = RandomOverSampler(random_state=0).fit_resample(X, y)
        for classes in ("resampled", ["b"]):
            redraw = RedrawImages(darker, share=1.0, classes=classes, random_state=0)
            redraw.fit_resample(X_over, y_over)
            assert redraw.plan_.synthetic.tolist() == (y_over == "b").tolist()

    def test_paths_are_told_apart_by_name(self, tmp_path):
        X, y = images_of_dtype("uint8", (6, 8, 8)), ["a"] * 4 + ["b"] * 2
        (tmp_path / "in").mkdir()
        paths = [str(tmp_path / "in" / f"{row}.png") for row in range(6)]
        for path, image in zip(paths, X, strict=True):
            Image.fromarray(image).save(path)
        pipe = make_pipeline(
            RandomOverSampler(random_state=0),
            RedrawImages("blend", share=1.0, output_dir=tmp_path / "out", random_state=0),
        )
        drawn, _ = pipe.fit_resample(paths, y)
        assert len(drawn) == 8 and not set(drawn) & set(paths)

    @pytest.mark.parametrize(
        ("params", "words"),
        [
            ({"share": 1.5}, "between 0 and 1, got 1.5"),
            ({"classes": "a"}, r"pass \['a'\]"),
            ({"classes": ["c"]}, r"labels of y, got \['c'\] as well"),
        ],
    )
    def test_wrong_parameters_are_named(self, params, words):
        with pytest.raises(ValueError, match=words):
            RedrawImages("blend", **params).fit_resample(
                images_of_dtype("uint8", (6, 6, 6)), list("aaaabb")
            )


@pytest.mark.filterwarnings("ignore:`accept` has accepted no synthetic image of:UserWarning")
@pytest.mark.parametrize(
    ("rule", "name"),
    [
        (Morph(), "Morph"),
        ("blend", "blend"),
        (OneOf([Morph(), "copy"]), "Morph"),
        (Chain([Augment(), "blend"]), "blend"),
    ],
)
def test_a_class_of_one_image_has_copies_as_children_and_that_is_told_once(rule, name):
    X, y = load_texture_patches(return_X_y=True, size=8)
    common, rare = np.unique(y)[:2].tolist()
    rows = np.append(np.flatnonzero(y == common)[:6], np.flatnonzero(y == rare)[:1])

    def never(images, labels):
        return np.zeros(len(images), dtype=bool)

    sampler = RandomOverSampler(synthesis=rule, accept=never, random_state=0)
    with pytest.warns(UserWarning, match="fewer than two") as told:
        sampler.fit_resample(X[rows], y[rows])
    expected = (
        f"Class {rare!r} has fewer than two images: for its synthetic images {name} finds no "
        "partner and repeats the image. Augment() and TransferDeformation() need no other image "
        "of the class."
    )
    assert [str(w.message) for w in told if "fewer" in str(w.message)] == [expected]


@pytest.mark.parametrize("rule", [darker, Augment(), TransferDeformation(), Chain([darker])])
def test_a_class_of_one_image_is_no_matter_to_what_needs_no_partner(rule):
    X, y = load_texture_patches(return_X_y=True, size=8)
    rows = np.append(np.flatnonzero(y == y[0])[:6], np.flatnonzero(y != y[0])[:1])
    X_res, _ = RandomOverSampler(synthesis=rule, random_state=0).fit_resample(X[rows], y[rows])
    assert len(np.unique(X_res[6:], axis=0)) > 1
