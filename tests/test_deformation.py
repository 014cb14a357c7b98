import numpy as np
import pytest
from conftest import COUNTS, make_images, make_labels, read_images, write_images
from sklearn.base import clone

from imblearn_images import SMOTE, RandomOverSampler, ResamplingPlan, render
from imblearn_images.core.synthesis import Neighbourhood
from imblearn_images.synthesis._deformation import Morph, TransferDeformation

RULES = [Morph(), Morph(fade=False), TransferDeformation(), TransferDeformation(residual=0.5)]
DTYPES = ["bool", "uint8", "uint16", "int32", "float32", "float64"]
SIZES = [(24, 24), (13, 17), (5, 5), (1, 9), (60, 50)]


def spot(row, column, *, size=28, dtype="uint8"):
    y, x = np.mgrid[:size, :size]
    bell = np.exp(-((y - row) ** 2 + (x - column) ** 2) / 30)
    return np.rint(250 * bell).astype(dtype)


def centre(image):
    y, x = np.mgrid[: len(image), : len(image)]
    return [float((axis * image).sum() / image.sum()) for axis in (y, x)]


def draw(rule, base, partners, weights):
    """One child of single images, rounded."""
    (child,) = rule.draw(base[None], np.stack(partners)[None], np.array([weights], float), [None])
    return np.rint(child).astype(base.dtype)


def family(rule, dtype, size, channels=(), m=7):
    """What a renderer hands to a rule, of random images."""
    shape = (*size, *channels)
    base = make_images(m, shape, dtype, seed=1)
    partners = make_images(m * rule.n_partners, shape, dtype, seed=2)
    step = np.random.default_rng(3).uniform(0.1, 1.0, m)
    weights = step[:, None] if rule.n_partners == 1 else np.column_stack([-step, step])
    return base, partners.reshape(m, rule.n_partners, *shape), weights, [None] * m


def chosen(rule, counts=COUNTS, n=60, seed=0):
    """Labels of the source, a plan of children of every class, and what `rule` chooses for it."""
    y = make_labels(counts)
    rng = np.random.default_rng(seed)
    base = rng.integers(0, len(y), n)
    nobody = np.empty((n, 0), dtype=np.intp)
    children = ResamplingPlan(base, nobody, nobody.astype(float), y[base], len(y))
    features = np.random.default_rng(5).random((len(y), 4))
    return y, children, rule.choose(children, Neighbourhood(y, lambda: features, rng))


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("channels", [(), (3,)], ids=["grey", "colour"])
def test_a_child_is_the_same_in_every_block(rule, size, channels):
    base, partners, weights, rngs = family(rule, "uint8", size, channels)
    together = rule.draw(base, partners, weights, rngs)
    assert together.shape == base.shape
    for row in range(len(base)):
        one = slice(row, row + 1)
        alone = rule.draw(base[one], partners[one], weights[one], rngs[one])
        np.testing.assert_array_equal(alone[0], together[row])


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("dtype", DTYPES)
def test_children_keep_to_the_range_of_their_family_and_leave_it_alone(rule, dtype):
    base, partners, weights, rngs = family(rule, dtype, (16, 16, 3))
    if dtype == "float64":
        base, partners = 700 * base - 300, 700 * partners - 300
    before = base.copy(), partners.copy()
    child = rule.draw(base, partners, weights, rngs).astype(float)
    least, most = min(base.min(), partners.min()), max(base.max(), partners.max())
    low, high = {"uint8": (0, 255), "float32": (0, 1)}.get(dtype, (min(least, 0), most))
    low, high = low - 1e-6 * abs(float(low)), high + 1e-6 * abs(float(high))
    assert np.isfinite(child).all() and low <= child.min() and child.max() <= high
    np.testing.assert_array_equal(base, before[0])
    np.testing.assert_array_equal(partners, before[1])


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sampler", [RandomOverSampler(), SMOTE(k_neighbors=2)], ids=repr)
def test_samplers_draw_them_in_and_as_given(rule, dtype, sampler):
    y = make_labels()
    X = make_images(len(y), (12, 10), dtype)
    over = clone(sampler).set_params(synthesis=rule, random_state=0)
    X_res, _ = over.fit_resample(X, y)
    assert X_res.dtype == X.dtype and X_res.shape == (3 * 12, 12, 10)
    np.testing.assert_array_equal(X_res[: len(X)], X)
    again, _ = clone(over).set_params(n_jobs=2).fit_resample(X, y)
    np.testing.assert_array_equal(again, X_res)
    row = len(X) + 3
    np.testing.assert_array_equal(render(over.plan_[[row]], X)[0], X_res[row])


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_files_of_several_sizes(rule, tmp_path):
    y = make_labels()
    X = [make_images(1, (20 + row % 3, 24), "uint8", seed=row)[0] for row in range(len(y))]
    (tmp_path / "real").mkdir()
    paths = write_images(tmp_path / "real", X)
    over = RandomOverSampler(synthesis=rule, output_dir=tmp_path / "new", random_state=0)
    paths_res, _ = over.fit_resample(paths, y)
    for path, base in zip(paths_res[len(y) :], over.plan_.base[len(y) :], strict=True):
        assert read_images([path])[0].shape == X[base].shape


def test_a_morph_goes_from_its_base_to_its_partner():
    here, there = spot(10, 10), spot(14, 16)
    np.testing.assert_array_equal(draw(Morph(), here, [there], [0]), here)
    np.testing.assert_array_equal(draw(Morph(), here, [there], [1]), there)
    np.testing.assert_allclose(
        centre(draw(Morph(), here, [there], [0.5])), centre(spot(12, 13)), atol=0.3
    )
    # A blend of two spots is no spot: it is wide and pale.
    morph = draw(Morph(), here, [there], [0.5]).astype(float)
    blend = (here + there.astype(float)) / 2
    halfway = spot(12, 13).astype(float)
    assert np.abs(morph - halfway).mean() < 0.2 * np.abs(blend - halfway).mean()


def test_without_fading_a_morph_keeps_the_colours_of_its_base():
    here, there = spot(12, 12), spot(12, 16) // 2
    child = draw(Morph(fade=False), here, [there], [1])
    assert child.max() > 200
    assert centre(child)[1] > 13


@pytest.mark.parametrize("step", [1.0, 0.5, -1.0])
def test_a_deformation_moves_the_base_as_it_moves_the_donor(step):
    donor, neighbor, base = spot(13, 13), spot(13, 17), spot(14, 13)
    child = draw(TransferDeformation(), base, [donor, neighbor], [-step, step])
    row, column = centre(child)
    assert row == pytest.approx(14, abs=0.5)
    assert column == pytest.approx(13 + 4 * step, abs=0.8)


def test_equal_donors_deform_nothing():
    base, donor = make_images(2, (30, 30, 3), "uint8")
    for residual in (0.0, 0.5):
        child = draw(TransferDeformation(residual=residual), base, [donor, donor], [-1, 1])
        np.testing.assert_array_equal(child, base)


def test_the_residual_is_what_flow_does_not_explain():
    base, donor, neighbor = (np.full((8, 8), grey, np.uint8) for grey in (100, 50, 90))
    assert (draw(TransferDeformation(), base, [donor, neighbor], [-0.5, 0.5]) == 100).all()
    child = draw(TransferDeformation(residual=0.5), base, [donor, neighbor], [0.5, -0.5])
    assert (child == 100 + 0.5 * 0.5 * 40).all()


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_colour_follows_the_flow_of_grey(rule):
    base, partners, weights, rngs = family(rule, "uint8", (24, 24))
    base, partners = (images.astype(np.float32) for images in (base, partners))
    grey = rule.draw(base, partners, weights, rngs)
    colour = rule.draw(*(np.repeat(a[..., None], 3, -1) for a in (base, partners)), weights, rngs)
    for channel in range(3):
        np.testing.assert_allclose(colour[..., channel], grey, atol=0.5)


def test_donors_come_from_larger_classes_with_a_neighbor_of_their_own():
    y, children, (partners, weights) = chosen(TransferDeformation())
    donor, neighbor = partners.T
    sizes = np.array([COUNTS[label] for label in y])
    minority = children.y != "cat"
    assert (sizes[donor] > sizes[children.base])[minority].all()
    assert (y[donor] == "cat")[~minority].all()
    assert set(y[donor][children.y == "owl"]) == {"cat", "dog"}
    assert (y[neighbor] == y[donor]).all()
    assert (neighbor != donor).all() and (donor != children.base).all()
    np.testing.assert_array_equal(weights[:, 0], -weights[:, 1])
    assert (np.abs(weights) >= 0.4).all() and (np.abs(weights) <= 1.2).all()
    assert 10 < (weights[:, 1] > 0).sum() < 50


def test_donors_of_all_classes():
    y, children, (partners, _) = chosen(TransferDeformation(donors="all"), n=200)
    for label in COUNTS:
        assert set(y[partners[children.y == label, 0]]) == set(COUNTS)
    assert (partners[:, 0] != children.base).all()


def test_donors_look_like_the_base():
    y = make_labels({"cat": 30, "dog": 5})
    features = np.arange(35.0)[:, None]
    base = np.flatnonzero(y == "dog")
    nobody = np.empty((5, 0), dtype=np.intp)
    children = ResamplingPlan(base, nobody, nobody.astype(float), y[base], 35)
    neighbourhood = Neighbourhood(y, lambda: features, np.random.default_rng(0))
    partners, _ = TransferDeformation(near=1).choose(children, neighbourhood)
    cats = np.flatnonzero(y == "cat")
    assert (np.abs(partners[:, 0] - base) == np.abs(cats - base[:, None]).min(axis=1)).all()


@pytest.mark.parametrize("n_pairs", [2, 5, 30])
def test_a_class_offers_no_more_pairs_than_asked_for(n_pairs):
    _, children, (partners, _) = chosen(
        TransferDeformation(n_pairs=n_pairs), {"cat": 20, "dog": 9}, n=500
    )
    pairs = {tuple(pair) for pair in partners[children.y == "dog"].tolist()}
    assert n_pairs // 2 < len(pairs) <= n_pairs


def test_the_same_seed_chooses_the_same():
    first, second, other = (chosen(TransferDeformation(), seed=seed)[2] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
    assert (first[0] != other[0]).any()


def test_a_class_of_one_image_offers_nothing_and_still_gets_children():
    counts = {"cat": 5, "dog": 1, "owl": 1}
    y, children, (partners, _) = chosen(TransferDeformation(donors="all"), counts)
    assert {"cat", "dog", "owl"} == set(children.y)
    assert (y[partners] == "cat").all()


def test_where_no_class_has_two_images_there_is_nothing_to_transfer():
    with pytest.raises(ValueError, match=r"no class has two; use Augment"):
        chosen(TransferDeformation(), {"cat": 1, "dog": 1})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"scale": (1.2, 0.4)}, r"`scale` must be two numbers, .* got \(1.2, 0.4\)"),
        ({"scale": (-1.0, 1.0)}, r"the sign is random"),
        ({"scale": 0.5}, r"`scale` must be two numbers, .* got 0.5"),
        ({"near": 0}, r"`near` must be an integer of at least 1, got 0"),
        ({"n_pairs": 1.5}, r"`n_pairs` must be an integer of at least 2, got 1.5"),
        ({"donors": "smaller"}, r"`donors` must be \"larger\" or \"all\", got 'smaller'"),
        ({"residual": -1}, r"`residual` must be a number of at least 0, got -1"),
    ],
)
def test_wrong_parameters_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        chosen(TransferDeformation(**wrong))


@pytest.mark.parametrize("rule", [Morph(), TransferDeformation()], ids=repr)
@pytest.mark.parametrize(
    ("shape", "remedy"), [((30,), "FlattenImages"), ((3, 9, 9), "channel_axis=0")]
)
def test_what_is_no_image_is_refused(rule, shape, remedy):
    base, partners, weights, rngs = family(rule, "uint8", shape)
    with pytest.raises(ValueError, match=remedy):
        rule.draw(base, partners, weights, rngs)


@pytest.mark.parametrize("fade", ["no", None, 0.5])
def test_a_morph_fades_or_not(fade):
    images = make_images(sum(COUNTS.values()), (8, 8), "uint8")
    with pytest.raises(TypeError, match=f"`fade` must be True or False, got {fade!r}"):
        SMOTE(synthesis=Morph(fade=fade), k_neighbors=2).fit_resample(images, make_labels())


def test_a_grid_may_hold_the_booleans_of_numpy():
    images = make_images(sum(COUNTS.values()), (8, 8), "uint8")
    plain, _ = SMOTE(synthesis=Morph(fade=False), k_neighbors=2, random_state=0).fit_resample(
        images, make_labels()
    )
    sampler = SMOTE(synthesis=Morph(fade=np.False_), k_neighbors=2, random_state=0)
    np.testing.assert_array_equal(sampler.fit_resample(images, make_labels())[0], plain)
