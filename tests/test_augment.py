import numpy as np
import pytest
from conftest import make_images, read_images, write_images
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from skimage.transform import AffineTransform
from skimage.transform import warp as skimage_warp
from sklearn.base import clone

from imblearn_images import RandomOverSampler, render
from imblearn_images.synthesis._adapters import AugmentWith
from imblearn_images.synthesis._augment import Augment
from imblearn_images.synthesis._flow import elastic_flow

RANGES = ("rotation", "width_shift", "height_shift", "shear", "zoom", "brightness", "contrast")
DTYPES = ("bool", "uint8", "uint16", "int16", "int32", "float32", "float64")
SCIPY = {
    "nearest": "nearest",
    "constant": "grid-constant",
    "reflect": "reflect",
    "wrap": "grid-wrap",
}


def only(**options):
    """An Augment that does nothing but this."""
    return Augment(**{f"{name}_range": 0 for name in RANGES} | {"noise": 0} | options)


def draw(synthesis, images, seed=0):
    seeds = seed + np.arange(len(images))
    return synthesis.draw(images, None, None, [np.random.default_rng(s) for s in seeds])


def kinds():
    shapes = st.sampled_from([(9, 7), (12, 12), (8, 10, 3), (6, 6, 1), (5, 9, 4), (1, 8), (3, 3)])
    return st.builds(
        make_images,
        st.integers(1, 5),
        shapes,
        st.sampled_from(DTYPES),
        st.integers(0, 99),
    )


@st.composite
def augmentations(draw):
    return Augment(
        rotation_range=draw(st.sampled_from([0, 30, (10, 90)])),
        width_shift_range=draw(st.sampled_from([0, 0.3, 2, (-5, 5)])),
        height_shift_range=draw(st.sampled_from([0, 0.3, (0.1, 0.2)])),
        shear_range=draw(st.sampled_from([0, 20])),
        zoom_range=draw(st.sampled_from([0, 0.5, (0.5, 3)])),
        horizontal_flip=draw(st.booleans()),
        vertical_flip=draw(st.booleans()),
        brightness_range=draw(st.sampled_from([0, 0.5, (0.5, 2)])),
        contrast_range=draw(st.sampled_from([0, 0.5])),
        noise=draw(st.sampled_from([0, 0.1])),
        elastic=draw(st.sampled_from([0, 0.05])),
        erase=draw(st.sampled_from([0, 0.5])),
        fill_mode=draw(st.sampled_from(list(SCIPY))),
        cval=draw(st.sampled_from([0, 1])),
        order=draw(st.sampled_from([1, 3])),
        probability=draw(st.sampled_from([0, 0.5, 1])),
    )


@given(augmentations(), kinds())
def test_children_have_the_shape_and_range_of_the_images(augment, images):
    before = images.copy()
    children = draw(augment, images)
    assert children.shape == images.shape
    assert np.isfinite(children).all()
    low, high = min(images.min(), 0), max(images.max(), 1)
    if images.dtype == np.uint8:
        low, high = 0, 255
    assert children.min() >= low - 1e-3 * abs(low) and children.max() <= high + 1e-3 * high
    np.testing.assert_array_equal(images, before)


@given(augmentations(), kinds())
def test_a_child_does_not_depend_on_the_other_rows(augment, images):
    together = draw(augment, images)
    for row in range(len(images)):
        alone = draw(augment, images[row : row + 1], seed=row)
        np.testing.assert_array_equal(alone[0], together[row].astype(alone.dtype))


@given(augmentations(), kinds())
def test_a_child_is_drawn_again_from_its_seed(augment, images):
    np.testing.assert_array_equal(draw(augment, images), draw(clone(augment), images))


@given(augmentations().filter(lambda augment: augment.probability == 1), st.integers(0, 99))
def test_grey_images_in_three_channels_stay_grey(augment, seed):
    grey = make_images(3, (9, 8), "uint8", seed)
    expected = draw(augment, grey)
    children = draw(augment, np.stack([grey] * 3, axis=-1))
    for channel in range(3):
        np.testing.assert_array_equal(children[..., channel], expected)


@given(kinds())
def test_nothing_to_do_gives_the_same_bytes(images):
    for nothing in (only(), only(probability=0), Augment(probability=0), only(order=1)):
        children = draw(nothing, images)
        assert children.dtype == images.dtype
        np.testing.assert_array_equal(children, images)


@pytest.mark.parametrize("dtype", DTYPES)
def test_flips_are_exact(dtype):
    images = make_images(40, (5, 4, 3), dtype)
    if dtype == "float64":
        images = (images - 0.5) * 1e5
    for options, axis in (({"horizontal_flip": True}, 2), ({"vertical_flip": True}, 1)):
        children = draw(only(**options), images)
        flipped = (children == np.flip(images, axis)).all(axis=(1, 2, 3))
        same = (children == images).all(axis=(1, 2, 3))
        assert (flipped | same).all() and 10 < flipped.sum() < 30


@pytest.mark.parametrize(
    ("shift", "moved"),
    [
        ({"width_shift_range": (1, 1)}, np.s_[:, :, 1:]),
        ({"height_shift_range": (2, 2)}, np.s_[:, 2:]),
        ({"width_shift_range": (0.25, 0.25)}, np.s_[:, :, 2:]),
        ({"height_shift_range": (0.5, 0.5)}, np.s_[:, 3:]),
    ],
)
def test_shifts_are_shares_below_one_and_pixels_from_there_on(shift, moved):
    images = make_images(2, (6, 8), "uint8")
    shifted = images[moved]
    children = draw(only(**shift), images)
    np.testing.assert_allclose(
        children[:, : shifted.shape[1], : shifted.shape[2]], shifted, atol=1e-3
    )


def matrix_of(rotation, shear, zoom):
    turn, slant = np.deg2rad([rotation, shear])
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    shear = np.array([[1, -np.sin(slant)], [0, np.cos(slant)]])
    return rotation @ shear * zoom


@pytest.mark.parametrize("fill_mode", SCIPY)
@given(
    st.floats(-180, 180),
    st.floats(-40, 40),
    st.floats(0.3, 4),
    st.integers(0, 20),
    st.sampled_from([(7, 9), (8, 8, 3), (4, 3)]),
)
def test_the_affine_map_and_the_fill_modes_are_those_of_scipy(
    fill_mode, rotation, shear, zoom, shift, shape
):
    images = make_images(2, shape, "uint8")
    augment = only(
        rotation_range=(rotation, rotation),
        shear_range=(shear, shear),
        zoom_range=(zoom, zoom),
        width_shift_range=(1 + shift, 1 + shift),
        fill_mode=fill_mode,
        cval=77,
        order=1,
    )
    matrix = matrix_of(rotation, shear, zoom)  # as Keras composes it
    centre = (np.array(shape[:2]) - 1) / 2
    offset = centre + np.array([0, 1 + shift]) - matrix @ centre
    expected = [
        ndimage.affine_transform(
            plane.astype(float), matrix, offset, order=1, mode=SCIPY[fill_mode], cval=77
        )
        for image in images.reshape(*images.shape[:3], -1)
        for plane in np.moveaxis(image, -1, 0)
    ]
    children = draw(augment, images).reshape(*images.shape[:3], -1)
    children = np.moveaxis(children, -1, 1).reshape(-1, *shape[:2])
    np.testing.assert_allclose(children, expected, atol=0.05)


def test_bicubic_is_that_of_skimage():
    rng = np.random.default_rng(0)
    images = ndimage.gaussian_filter(rng.random((1, 40, 40)), (0, 2, 2))
    images = (images - images.min()) / np.ptp(images) * 0.6 + 0.2  # no overshoot is clipped
    children = draw(only(rotation_range=(20, 20), zoom_range=(0.8, 0.8)), images)
    matrix = np.eye(3)
    matrix[:2, :2] = matrix_of(20, 0, 0.8)[::-1, ::-1]  # skimage's columns come first
    matrix[:2, 2] = 19.5 - matrix[:2, :2] @ [19.5, 19.5]
    expected = skimage_warp(images[0], AffineTransform(matrix), order=3, mode="edge")
    np.testing.assert_allclose(children[0, 8:-8, 8:-8], expected[8:-8, 8:-8], atol=1e-5)


def test_numbers_stand_for_both_directions():
    images = np.zeros((400, 3, 3), dtype=np.float32) + 0.25
    brightness = draw(only(brightness_range=0.4), images)[:, 0, 0] / 0.25
    assert 0.6 <= brightness.min() < 0.63 and 1.37 < brightness.max() <= 1.4
    brightness = draw(only(brightness_range=(1.5, 2)), images)[:, 0, 0] / 0.25
    assert 1.5 <= brightness.min() < 1.53 and 1.97 < brightness.max() <= 2
    ramp = np.tile(np.linspace(0, 1, 100), (400, 1, 1))
    middle = draw(only(width_shift_range=0.1), ramp)[:, 0, 50] - 50 / 99
    assert -10.1 / 99 < middle.min() < -0.09 and 0.09 < middle.max() < 10.1 / 99


def test_contrast_keeps_the_mean_of_each_channel():
    images = make_images(5, (8, 8, 3), "float64") * 0.2 + 0.4
    children = draw(only(contrast_range=(0.5, 0.5)), images)
    means = images.mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(children, means + (images - means) / 2, atol=1e-6)


def test_noise_is_normal_and_of_every_strength():
    images = np.full((200, 40, 40), 128, dtype=np.uint8)
    deviations = (draw(only(noise=0.1), images) - 128).std(axis=(1, 2))
    assert deviations.min() < 1 and 24 < deviations.max() < 27
    assert abs(deviations.mean() - 12.75) < 1


def test_erasing_paints_one_grey_rectangle():
    images = make_images(200, (30, 40, 3), "uint8") // 2 + 60
    children = draw(only(erase=0.5), images)
    changed = (np.abs(children - images) > 1e-3).any(axis=3)
    assert 70 < changed.any(axis=(1, 2)).sum() < 130
    for mask, child in zip(changed, children, strict=True):
        if mask.any():
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            painted = child[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            assert 0.01 < painted[..., 0].size / mask.size < 0.25
            assert np.ptp(painted) < 1e-3
            assert not mask[: rows[0]].any() and not mask[rows[-1] + 1 :].any()


@pytest.mark.parametrize("size", [(28, 28), (60, 20)])
def test_elastic_bends_are_smooth_and_as_strong_as_told(size):
    rngs = [np.random.default_rng(seed) for seed in range(300)]
    flow = elastic_flow(size, 2.0, rngs)
    assert flow.shape == (300, 2, *size)
    np.testing.assert_allclose(flow.std(axis=0), 2, atol=0.4)
    np.testing.assert_allclose(flow.std(), 2, atol=0.1)
    for axis in (2, 3):
        assert np.abs(np.diff(flow, axis=axis)).max() < 0.5 * np.abs(flow).max()
    images = make_images(3, (*size, 3), "uint8")
    assert (draw(only(elastic=0.1), images) != images).any(axis=(1, 2, 3)).all()


def test_a_share_of_the_children_is_changed():
    images = make_images(300, (5, 5), "uint16")
    changed = (draw(Augment(probability=0.3), images) != images).any(axis=(1, 2))
    assert 60 < changed.sum() < 120


def test_the_constant_is_in_the_unit_of_the_data():
    for dtype, value in (("uint8", 200), ("uint16", 40000), ("float64", -3.5), ("bool", 1)):
        images = make_images(2, (6, 6), dtype)
        augment = only(width_shift_range=(3, 3), fill_mode="constant", cval=value)
        children = draw(augment, images)
        np.testing.assert_allclose(children[:, :, 3:], value, rtol=1e-5)
        np.testing.assert_allclose(children[:, :, :3], images[:, :, 3:], atol=1e-2)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"rotation_range": -5}, r"`rotation_range` must be .*not negative.*got -5"),
        ({"rotation_range": None}, "`rotation_range`"),
        ({"rotation_range": (5, -5)}, r"pair \(low, high\); got \(5, -5\)"),
        ({"shear_range": (1, 2, 3)}, "`shear_range`"),
        ({"width_shift_range": np.nan}, "`width_shift_range`"),
        ({"height_shift_range": True}, "`height_shift_range`"),
        ({"zoom_range": 1}, "`zoom_range` must stay above 0"),
        ({"zoom_range": (0, 2)}, "`zoom_range` must stay above 0"),
        ({"brightness_range": "0.1"}, "`brightness_range`"),
        ({"contrast_range": (np.inf, np.inf)}, "`contrast_range`"),
        ({"horizontal_flip": 0.5}, "`horizontal_flip` must be True or False"),
        ({"noise": -0.1}, "`noise` must be a number, not negative; got -0.1"),
        ({"elastic": "1"}, "`elastic`"),
        ({"erase": 2}, "`erase` must be a number, from 0 to 1; got 2"),
        ({"probability": 1.5}, "`probability`"),
        ({"fill_mode": "mirror"}, "`fill_mode` must be one of .*'reflect'.*got 'mirror'"),
        ({"fill_mode": "constant", "cval": 256}, "`cval` must be a value that uint8 can hold"),
        ({"fill_mode": "constant", "cval": "black"}, "`cval` must be a number"),
        ({"order": 2}, r"`order` must be 1 \(bilinear\) or 3 \(bicubic\), got 2"),
    ],
)
def test_wrong_parameters_are_refused(options, told):
    with pytest.raises(ValueError, match=told):
        draw(Augment(**options), make_images(2, (6, 6), "uint8"))


def test_images_without_height_and_width_are_refused():
    with pytest.raises(ValueError, match="rows"):
        draw(Augment(), make_images(2, (36,), "uint8"))
    with pytest.raises(ValueError, match="channels last"):
        draw(Augment(), make_images(2, (3, 12, 12), "uint8"))
    with pytest.raises(TypeError, match="rotate_range"):
        Augment(rotate_range=5)


SYNTHESES = {
    "augment": Augment(elastic=0.02, horizontal_flip=True),
    "function": Augment.from_callable(lambda image, rng: image * rng.uniform(0.5, 1)),
}


@pytest.mark.parametrize("synthesis", SYNTHESES.values(), ids=SYNTHESES)
@pytest.mark.parametrize("shape", [(9, 8), (9, 8, 3)])
def test_over_sampling_with_it(tmp_path, threads, shape, synthesis):
    y = np.array([0] * 15 + [1] * 3)
    images = make_images(len(y), shape, "uint8")
    sampler = RandomOverSampler(synthesis=synthesis, random_state=0)
    X_res, y_res = sampler.fit_resample(images, y)
    assert np.bincount(y_res).tolist() == [15, 15] and X_res.dtype == np.uint8
    assert len(np.unique(X_res[18:], axis=0)) == 12  # every copy is another picture
    paths = write_images(tmp_path, images)
    sampler.set_params(output_dir=tmp_path / "children")
    X_files, _ = sampler.fit_resample(paths, y)
    np.testing.assert_array_equal(read_images(X_files), X_res)
    np.testing.assert_array_equal(render(sampler.plan_[[20, 29]], images), X_res[[20, 29]])


# --- augmentations from elsewhere


def test_functions_draw_from_the_generator_of_the_row():
    images = make_images(3, (4, 4), "uint8")

    def noisy(image, *, rng):
        return image + rng.normal(size=image.shape)

    synthesis = Augment.from_callable(noisy)
    children = draw(synthesis, images)
    np.testing.assert_array_equal(children, draw(clone(synthesis), images))
    np.testing.assert_array_equal(children[1:], draw(synthesis, images[1:], seed=1))
    np.testing.assert_array_equal(
        children[0], images[0] + np.random.default_rng(0).normal(size=(4, 4))
    )


def test_functions_without_a_generator_get_the_image_alone():
    images = make_images(3, (4, 5, 3), "int16")
    np.testing.assert_array_equal(draw(AugmentWith(np.flipud), images), images[:, ::-1])

    def in_place(image):
        image[...] = 0
        return image

    assert not draw(AugmentWith(in_place), images).any() and images.any()


def test_what_is_no_image_of_the_same_kind_is_refused():
    images = make_images(2, (4, 6), "uint8")
    with pytest.raises(ValueError, match=r"\(4, 6\), got \(6, 4\)"):
        draw(AugmentWith(np.transpose), images)
    with pytest.raises(ValueError, match="preserve_range=True"):
        draw(AugmentWith(lambda image: image / 255), images)
    with pytest.raises(ValueError, match="Normalize"):
        draw(AugmentWith(lambda image: (image - image.mean()) / image.std()), images)
    with pytest.raises(TypeError, match="image -> image, got 7"):
        draw(Augment.from_callable(7), images)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("shape", [(12, 10), (12, 10, 3)])
def test_modules_of_torch(shape, dtype):
    torch = pytest.importorskip("torch", reason="PyTorch is an extra")

    class Darker(torch.nn.Module):
        def forward(self, image):
            assert image.shape == (*((3,) if len(shape) == 3 else (1,)), 12, 10)
            share = 0.5 + torch.rand(()) / 2
            return (image * share).to(image.dtype)

    images = make_images(4, shape, dtype)
    state = torch.random.get_rng_state()
    children = draw(Augment.from_callable(Darker()), images)
    assert torch.equal(torch.random.get_rng_state(), state)
    shares = children.reshape(4, -1).sum(axis=1) / images.reshape(4, -1).sum(axis=1)
    assert len(np.unique(shares)) == 4 and (shares > 0.45).all() and (shares <= 1).all()
    np.testing.assert_array_equal(
        children[2:], draw(Augment.from_callable(Darker()), images[2:], seed=2)
    )


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("shape", [(32, 24), (32, 24, 3)])
def test_transforms_of_albumentations(shape, dtype):
    albumentations = pytest.importorskip("albumentations", reason="Albumentations is not installed")
    images = make_images(4, shape, dtype)
    for transform in (
        albumentations.HorizontalFlip(p=0.5),
        albumentations.Compose(
            [albumentations.Rotate(20, p=1), albumentations.RandomBrightnessContrast(p=1)]
        ),
    ):
        synthesis = Augment.from_callable(transform)
        children = draw(synthesis, images)
        assert children.shape == images.shape
        np.testing.assert_array_equal(children, draw(clone(synthesis), images))
        np.testing.assert_array_equal(children[2:], draw(synthesis, images[2:], seed=2))
        sampler = clone(RandomOverSampler(synthesis=synthesis, random_state=0))
        assert sampler.fit_resample(images, [0, 0, 0, 1])[0].dtype == dtype
    assert (children != images).any(axis=tuple(range(1, images.ndim))).all()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("shape", [(32, 24), (32, 24, 3)])
def test_transforms_of_torchvision(shape, dtype):
    v2 = pytest.importorskip("torchvision.transforms.v2", reason="torchvision is not installed")
    images = make_images(4, shape, dtype)
    transform = v2.Compose([v2.RandomAffine(20, (0.1, 0.1)), v2.RandomHorizontalFlip()])
    synthesis = Augment.from_callable(transform)
    children = draw(synthesis, images)
    assert (children != images).any(axis=tuple(range(1, images.ndim))).all()
    np.testing.assert_array_equal(children[2:], draw(clone(synthesis), images[2:], seed=2))
