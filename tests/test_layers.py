"""Law 12: layers tell the truth about where things are."""

from importlib.util import find_spec

import numpy as np
import pytest
from conftest import make_images
from scipy.ndimage import binary_erosion
from skimage import data
from skimage.transform import resize

from imblearn_images import RandomOverSampler
from imblearn_images.core.images import ArrayImages
from imblearn_images.core.layers import in_place, place_through
from imblearn_images.core.rendering import layers_of
from imblearn_images.core.synthesis import generators
from imblearn_images.synthesis import (
    Augment,
    Chain,
    CutMix,
    Morph,
    OneOf,
    Paste,
    TransferDeformation,
)

SIZE = (48, 40)
DARK = {"brightness_range": 0, "noise": 0}  # the geometry alone
RULES = {
    "copy": "copy",
    "nothing": Augment(**DARK, probability=0),
    "augment": Augment(**DARK, rotation_range=20, zoom_range=0.2, probability=0.8),
    "flips": Augment(**DARK, horizontal_flip=True, vertical_flip=True),
    "elastic": Augment(**DARK, elastic=0.02),
    "reflect": Augment(**DARK, width_shift_range=0.3, fill_mode="reflect", order=1),
    "wrap": Augment(**DARK, rotation_range=15, fill_mode="wrap", order=1),
    "erase": Augment(**DARK, erase=0.9),
    "transfer": TransferDeformation(),
    "cutmix": CutMix(),
    "paste": Paste(mask=lambda image: image[..., 3] > 0.6),
    "warp": Morph(fade=False),
    "cutmix, augment": Chain([CutMix(), Augment(**DARK)]),
    "augment twice": Chain([Augment(**DARK), Augment(**DARK, elastic=0.01)]),
    "augment, cutmix, flip": Chain(
        [Augment(**DARK), CutMix(), Augment(**DARK, horizontal_flip=True)]
    ),
    "one of": OneOf([CutMix(), Augment(**DARK), "copy", TransferDeformation()]),
}
if find_spec("cv2") is not None:
    RULES |= {
        "augment, opencv": Augment(**DARK, rotation_range=20, probability=0.8, engine="opencv"),
        "elastic, opencv": Augment(**DARK, elastic=0.02, horizontal_flip=True, engine="opencv"),
        "wrap, opencv": Augment(**DARK, fill_mode="wrap", order=1, engine="opencv"),
        "transfer, opencv": TransferDeformation(engine="opencv"),
        "warp, opencv": Morph(fade=False, engine="opencv"),
    }
if find_spec("albumentations") is not None:
    import albumentations

    RULES |= {
        "albumentations": Augment.from_callable(
            albumentations.Compose(
                [
                    albumentations.HorizontalFlip(),
                    albumentations.Affine(rotate=(-20, 20), scale=(0.8, 1.2), p=0.8),
                ]
            )
        ),
        "albumentations, elastic": Augment.from_callable(
            albumentations.Compose(
                [albumentations.ElasticTransform(40, 6, p=1), albumentations.CoarseDropout(p=1)]
            )
        ),
        "albumentations, cutmix": Chain(
            [Augment.from_callable(albumentations.Rotate(20, p=1)), CutMix()]
        ),
    }
if find_spec("torchvision") is not None:
    from torchvision.transforms import v2

    how = {"interpolation": v2.InterpolationMode.BILINEAR}
    RULES |= {
        "torchvision": Augment.from_callable(
            v2.Compose([v2.RandomHorizontalFlip(), v2.RandomAffine(20, (0.1, 0.1), **how)])
        ),
        "torchvision, elastic": Augment.from_callable(v2.ElasticTransform(40.0, 6.0)),
        "torchvision, perspective": Augment.from_callable(v2.RandomPerspective(0.3, 1.0)),
        "torchvision, crop": Augment.from_callable(
            v2.RandomResizedCrop(SIZE, (0.6, 1), antialias=False)
        ),
    }


def images_that_say_where(n):
    """Rows, columns and the number of the image as channels, and something to see."""
    y, x = np.indices(SIZE) / 64
    photo = resize(data.camera() / 255, SIZE, anti_aliasing=True)
    X = np.empty((n, *SIZE, 4))
    X[..., 0], X[..., 1] = y, x
    X[..., 2] = (np.arange(n)[:, None, None] + 0.5) / n
    X[..., 3] = [np.roll(photo, 2 * row, axis=1) for row in range(n)]
    return np.clip(X, 0, 0.999)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_what_is_seen_comes_from_where_the_layers_say(rule):
    n, y = 12, np.repeat([0, 1], [9, 3])
    X = images_that_say_where(n)
    sampler = RandomOverSampler(synthesis=rule, sampling_strategy={1: 15}, random_state=0)
    X_res, _ = sampler.fit_resample(X, y)
    if rule == "copy":
        rows, layers = np.arange(n, n + 12), [in_place(12, SIZE)]
        parents = sampler.plan_.base[rows][None]
    else:
        rows = np.flatnonzero(sampler.plan_.synthetic)
        plan = sampler.plan_[rows]
        layers = layers_of(plan, ArrayImages(X))
        parents = [plan.base, *plan.partners.T]
    drawn, covered = X_res[rows], np.zeros((len(rows), *SIZE), dtype=int)
    right = wrong_parent = looked_at = 0
    for layer in layers:
        covered += layer.seen
        places = np.moveaxis(layer.places, 1, 0)
        # Some pixels off every border, interpolation has all that it looks at.
        within = binary_erosion(layer.inside, np.ones((1, 7, 7)))
        for at, side in zip(places, SIZE, strict=True):
            within &= (at >= 2) & (at <= side - 3)
        number = n * drawn[..., 2] - 0.5
        is_from = np.abs(number - parents[layer.member][:, None, None]) < 0.25
        off = np.maximum(*(np.abs(64 * drawn[..., axis] - places[axis]) for axis in (0, 1)))
        looked_at += within.sum()
        wrong_parent += (within & ~is_from).sum()
        right += (within & is_from & (off < 0.05)).sum()
    assert covered.max() == 1
    assert looked_at > 0.2 * covered.sum()
    assert wrong_parent < 0.015 * looked_at
    assert right >= 0.999 * (looked_at - wrong_parent)


def test_a_blend_and_a_morph_show_both_parents_in_their_shares():
    X, y = make_images(9, (16, 16), "uint8"), np.repeat([0, 1], [6, 3])
    for rule in ("blend", Morph()):
        sampler = RandomOverSampler(synthesis=rule, random_state=0)
        sampler.fit_resample(X, y)
        plan = sampler.plan_[sampler.plan_.synthetic]
        base, partner = layers_of(plan, ArrayImages(X))
        np.testing.assert_allclose(base.share + partner.share, 1)
        np.testing.assert_allclose(partner.share, plan.weights[:, 0])
        assert base.seen.all() and partner.seen.all()


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_row_alone_has_the_layers_it_has_among_others(rule):
    if rule == "copy":
        pytest.skip("copies are no synthetic rows")
    X, y = images_that_say_where(8), np.repeat([0, 1], [5, 3])
    sampler = RandomOverSampler(synthesis=rule, random_state=0)
    sampler.fit_resample(X, y)
    plan = sampler.plan_[sampler.plan_.synthetic]
    shown = {
        layer.member: layer for layer in layers_of(plan, ArrayImages(X)) if layer.seen[1].any()
    }
    for layer in layers_of(plan[1], ArrayImages(X)):
        if layer.seen.any() and layer.member:
            np.testing.assert_allclose(layer.places[0], shown[layer.member].places[1], atol=1e-4)


def test_a_function_does_not_say_where_things_are():
    X, y = make_images(9, (8, 8), "uint8"), np.repeat([0, 1], [6, 3])

    def shifted(base, partner, step, rng):
        return np.roll(base, 1, axis=1)

    for rule in (shifted, Augment.from_callable(np.fliplr), Chain([Augment(), shifted])):
        sampler = RandomOverSampler(synthesis=rule, random_state=0)
        sampler.fit_resample(X, y)
        with pytest.raises(TypeError, match=r"does not say where.*method layers"):
            layers_of(sampler.plan_[sampler.plan_.synthetic], ArrayImages(X))


def test_two_shifts_are_one():
    shift = np.zeros((1, 2, 5, 6))
    shift[:, 1] = 1.0
    twice = place_through([in_place(1, (5, 6), flow=shift)], [in_place(1, (5, 6), flow=shift)])
    assert len(twice) == 1
    np.testing.assert_array_equal(twice[0].flow[:, 1, :, :5], 2.0)
    assert twice[0].inside[0, 0].tolist() == [True] * 4 + [False] * 2


def test_layers_draw_the_numbers_that_drawing_draws():
    X, y = make_images(9, (16, 16), "uint8"), np.repeat([0, 1], [6, 3])
    sampler = RandomOverSampler(synthesis=CutMix(), random_state=0)
    X_res, _ = sampler.fit_resample(X, y)
    plan = sampler.plan_[sampler.plan_.synthetic]
    own, other = CutMix().layers(X[plan.base], X[plan.partners], plan.weights, generators(plan))
    expected = np.where(own.seen, X[plan.base], X[plan.partners[:, 0]])
    np.testing.assert_array_equal(X_res[9:], expected)
    assert (own.seen != other.seen).all()


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("by", [-2, 0, 2])
def test_what_lies_beyond_a_border_of_the_parent_is_not_inside(axis, by):
    flow = np.zeros((1, 2, 5, 6))
    flow[:, axis] = by
    layer = in_place(1, (5, 6), flow=flow)
    expected = np.zeros((5, 6), bool)
    whole = slice(None)
    expected[(slice(max(0, -by), (5, 6)[axis] - max(0, by)), whole)[:: 1 - 2 * axis]] = True
    np.testing.assert_array_equal(layer.inside[0], expected)


def test_layers_are_asked_with_the_partners_of_the_plan_and_no_more():
    seen = []

    class Looking(CutMix):
        def layers(self, base, partners, weights, rngs):
            seen.append((base.shape, partners.shape, weights.shape, len(rngs)))
            return super().layers(base, partners, weights, rngs)

    X, y = make_images(9, (16, 16), "uint8"), np.repeat([0, 1], [6, 3])
    sampler = RandomOverSampler(synthesis=Looking(), random_state=0)
    sampler.fit_resample(X, y)
    plan = sampler.plan_[sampler.plan_.synthetic]
    layers_of(plan, ArrayImages(X))
    assert seen == [((3, 16, 16), (3, 1, 16, 16), (3, 1), 3)]
