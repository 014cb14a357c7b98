import numpy as np
import pytest
from conftest import make_images
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from imblearn_images import SMOTE, RandomOverSampler, render
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.synthesis import Neighbourhood
from imblearn_images.synthesis._patches import CutMix, Paste, foreground

BOTH = [CutMix, Paste]
COUNTS = {"cat": 12, "dog": 7, "owl": 5, "yak": 1}
Y = np.repeat(list(COUNTS), list(COUNTS.values()))


def generators(n, first=0):
    return [np.random.default_rng(seed) for seed in range(first, first + n)]


def choose(synthesis, bases, seed=0):
    bases = np.asarray(bases)
    children = ResamplingPlan.selection(bases, Y)
    return synthesis.choose(children, Neighbourhood(Y, None, np.random.default_rng(seed)))


def pairs():
    return st.builds(
        lambda n, shape, dtype, seed: make_images(2 * n, shape, dtype, seed).reshape(n, 2, *shape),
        st.integers(1, 5),
        st.sampled_from([(9, 7), (6, 8, 3), (1, 5), (4, 4, 1)]),
        st.sampled_from(["bool", "uint8", "uint16", "float32", "float64"]),
        st.integers(0, 99),
    )


@given(pairs(), st.floats(0, 0.99))
def test_a_rectangle_of_the_base_lies_on_the_background(images, weight):
    base, partners = images[:, 0], images[:, 1:]
    weights = np.full((len(base), 1), weight)
    children = CutMix().draw(base, partners, weights, generators(len(base)))
    assert children.dtype == base.dtype and children.shape == base.shape
    axes = tuple(range(3, base.ndim))
    of_base, of_partner = ((children == own).all(axis=axes) for own in (base, partners[:, 0]))
    assert (of_base | of_partner).all()
    for row, mask in enumerate(~of_partner):
        if mask.any():
            down, right = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            inside = np.s_[down[0] : down[-1] + 1, right[0] : right[-1] + 1]
            assert of_base[row][inside].all()
            height, width = mask.shape
            side = np.sqrt(1 - weight)
            assert mask[inside].size <= (height * side + 1) * (width * side + 1)


def test_the_area_is_the_share_of_the_plan():
    base, partners = np.ones((50, 40, 60)), np.zeros((50, 1, 40, 60))
    weights = np.linspace(0, 0.9, 50)[:, np.newaxis]
    children = CutMix().draw(base, partners, weights, generators(50))
    np.testing.assert_allclose(children.mean(axis=(1, 2)), 1 - weights[:, 0], atol=0.02)
    again = CutMix().draw(base, partners, np.full((50, 1), 0.5), generators(50))
    corners = [tuple(np.argwhere(child)[0]) for child in again]
    assert len(set(corners)) > 30


@pytest.mark.parametrize("synthesis", BOTH)
@given(pairs(), st.floats(0, 1))
def test_a_child_does_not_depend_on_the_other_rows(synthesis, images, weight):
    base, partners = images[:, 0], images[:, 1:]
    weights = np.full((len(base), 1), weight)
    together = synthesis().draw(base, partners, weights, generators(len(base)))
    for row in range(len(base)):
        one = np.s_[row : row + 1]
        alone = synthesis().draw(base[one], partners[one], weights[one], generators(1, row))
        np.testing.assert_array_equal(alone[0], together[row])


@pytest.mark.parametrize("synthesis", BOTH)
def test_the_background_is_of_the_class_that_is_asked_for(synthesis):
    bases = np.arange(len(Y)).repeat(40)
    sizes = np.array([COUNTS[label] for label in Y])
    partners = choose(synthesis(background="any"), bases)[0][:, 0]
    assert len(np.unique(partners)) == len(Y) and (partners != bases).all()
    partners = choose(synthesis(background="larger"), bases)[0][:, 0]
    smaller = Y[bases] != "cat"
    assert (sizes[partners] > sizes[bases])[smaller].all()
    assert (partners != bases).all() and len(set(Y[partners[~smaller]])) == 4
    partners = choose(synthesis(background="same"), bases)[0][:, 0]
    assert (Y[partners] == Y[bases]).all()
    alone = Y[bases] == "yak"  # has nobody else in its class
    assert (partners != bases)[~alone].all() and (partners == bases)[alone].all()


def test_shares_are_drawn_evenly_from_the_least_one_up():
    weights = choose(CutMix(min_share=0.7), np.zeros(2000, dtype=int))[1]
    assert weights.shape == (2000, 1)
    assert 0 <= weights.min() < 0.01 and 0.29 < weights.max() <= 0.3
    assert abs(weights.mean() - 0.15) < 0.01
    assert not choose(CutMix(min_share=1), [0, 1])[1].any()


@pytest.mark.parametrize("synthesis", [CutMix("larger", 0.6), Paste(background="same")], ids=str)
@pytest.mark.parametrize("sampler", [RandomOverSampler, SMOTE])
def test_over_sampling_with_it(sampler, synthesis):
    y = Y[:-1]
    images = make_images(len(y), (8, 9, 3), "uint8")
    params = {"k_neighbors": 3} if sampler is SMOTE else {}
    sampler = sampler(synthesis=synthesis, random_state=0, **params)
    X_res, y_res = sampler.fit_resample(images, y)
    assert X_res.dtype == np.uint8 and set(np.unique(y_res, return_counts=True)[1]) == {12}
    plan = sampler.plan_
    assert plan.partners.shape == (36, 1) and (plan.y == y[plan.base]).all()
    np.testing.assert_array_equal(render(plan[[30, 25]], images), X_res[[30, 25]])
    again, _ = clone(sampler).fit_resample(images, y)
    np.testing.assert_array_equal(again, X_res)


@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("dark", [False, True])
def test_things_are_pasted(dtype, channels, dark):
    image = np.tile(np.arange(24, dtype=np.uint8), (20, 1))  # not quite even
    image[5:12, 8:20] += 180
    image = (255 - image if dark else image).astype(dtype)
    image = np.stack([image, image // 2, image], axis=-1) if channels else image
    background = make_images(1, image.shape, "uint8", 3).astype(dtype)
    child = Paste().draw(image[np.newaxis], background[np.newaxis], None, [None])[0]
    mask = np.zeros((20, 24), dtype=bool)
    mask[5:12, 8:20] = True
    np.testing.assert_array_equal(foreground(image), mask)
    np.testing.assert_array_equal(child[mask], image[mask])
    np.testing.assert_array_equal(child[~mask], background[0][~mask])


def test_masks_may_come_from_anywhere():
    images, backgrounds = make_images(3, (6, 5, 3), "uint8"), make_images(3, (6, 5, 3), "uint8", 1)
    left = np.arange(5) < 2

    def mask(image):
        shown = np.broadcast_to(left, image.shape[:2])
        image[...] = 0  # a careless one
        return shown

    children = Paste(mask).draw(images, backgrounds[:, np.newaxis], None, None)
    np.testing.assert_array_equal(children, np.where(left[:, np.newaxis], images, backgrounds))


def test_where_nothing_is_found_the_child_is_a_copy():
    images = np.full((2, 6, 5), 7, dtype=np.uint8)
    backgrounds = make_images(2, (1, 6, 5), "uint8")
    np.testing.assert_array_equal(Paste().draw(images, backgrounds, None, None), images)


@pytest.mark.parametrize(
    "mask", [lambda image: image > 5, lambda image: np.ones(image.shape[:2]), lambda image: True]
)
def test_what_is_no_mask_is_refused(mask):
    images = make_images(2, (6, 5, 3), "uint8")
    with pytest.raises(ValueError, match=r"`mask` must return a bool array of shape \(6, 5\)"):
        Paste(mask).draw(images, images[:, np.newaxis], None, None)


@pytest.mark.parametrize("synthesis", BOTH)
def test_wrong_parameters_are_refused(synthesis):
    with pytest.raises(ValueError, match=r"`background` must be one of .*'larger'.*got 'all'"):
        choose(synthesis(background="all"), [0])
    rows = make_images(2, (30,), "uint8")
    with pytest.raises(ValueError, match="rows"):
        synthesis().draw(rows, rows[:, np.newaxis], np.ones((2, 1)), generators(2))


@pytest.mark.parametrize("share", [0, -1, 1.5])
def test_a_share_lies_between_0_and_1(share):
    with pytest.raises(ValueError, match=r"`min_share` must lie in \(0, 1\]"):
        choose(CutMix(min_share=share), [0])


@pytest.mark.parametrize(
    ("mask", "told"),
    [
        (3, r"3 \(int\)"),
        ("otsu", r"'otsu' \(str\)"),
        (np.ones((4, 4), bool), r"an array of shape \(4, 4\)"),
    ],
    ids=["number", "name", "array"],
)
def test_a_mask_that_is_no_function_is_refused(mask, told):
    words = rf"`mask` must be None or a function .*, got {told}\.$"
    images = make_images(len(Y), (4, 4), "uint8")
    sampler = RandomOverSampler(synthesis=Paste(mask=mask))
    with pytest.raises(TypeError, match=words):
        sampler.fit_resample(images, Y)
    with pytest.raises(TypeError, match=words):
        sampler.synthesis.draw(images[:1], images[None, :1], None, [None])
