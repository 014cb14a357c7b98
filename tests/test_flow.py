import numpy as np
import pytest
from conftest import make_images
from scipy.ndimage import gaussian_filter, map_coordinates

from imblearn_images.synthesis import _flow as flow_module
from imblearn_images.synthesis import _warp as warp_module
from imblearn_images.synthesis._flow import optical_flow
from imblearn_images.synthesis._warp import warp

SIZES = [(28, 28), (29, 31), (5, 5), (1, 40), (40, 1), (1, 1), (17, 90)]


def make_pairs(m, size, seed=0):
    """Smooth random images, two of each."""
    noise = np.random.default_rng(seed).random((2, m, *size))
    smooth = gaussian_filter(noise, (0, 0, 1.5, 1.5))
    return ((smooth - smooth.min()) / max(np.ptp(smooth), 1e-9)).astype(np.float32)


def make_flow(m, size, strength=3.0, seed=0):
    flow = np.random.default_rng(seed).normal(0, strength, (m, 2, *size))
    return flow.astype(np.float32)


def keys(image, at):
    """Keys' cubic convolution, a = -1/2, written as in the paper; the border is repeated."""

    def kernel(t):
        t = np.abs(t)
        near, far = 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
        return np.where(t <= 1, near, np.where(t < 2, far, 0))

    at = [np.clip(axis, 0, n - 1) for axis, n in zip(at, image.shape, strict=True)]
    whole = [np.floor(axis).astype(int) for axis in at]
    total = 0
    for i in range(-1, 3):
        for j in range(-1, 3):
            row, column = whole[0] + i, whole[1] + j
            pixel = image[np.clip(row, 0, len(image) - 1), np.clip(column, 0, len(image[0]) - 1)]
            total = total + kernel(at[0] - row) * kernel(at[1] - column) * pixel
    return total


@pytest.mark.parametrize("size", SIZES)
def test_bilinear_is_that_of_scipy(size):
    images, flow = make_pairs(3, size)[0], make_flow(3, size)
    grid = np.mgrid[: size[0], : size[1]]
    expected = [
        map_coordinates(image.astype(float), grid + displacement, order=1, mode="nearest")
        for image, displacement in zip(images, flow, strict=True)
    ]
    np.testing.assert_allclose(warp(images, flow, order=1), expected, atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_bicubic_is_cubic_convolution(size):
    images, flow = make_pairs(3, size)[0], make_flow(3, size)
    grid = np.mgrid[: size[0], : size[1]]
    expected = [keys(image, grid + u) for image, u in zip(images.astype(float), flow, strict=True)]
    np.testing.assert_allclose(warp(images, flow), expected, atol=1e-5)


@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_flow_changes_nothing_whole_pixels_move_pixels(order, dtype):
    images = make_images(4, (9, 11, 3), dtype)
    flow = np.zeros((4, 2, 9, 11), dtype=np.float32)
    still = warp(images, flow, order=order)
    assert still.dtype == dtype
    np.testing.assert_allclose(still, images, atol=1e-6)
    flow[:, 0], flow[:, 1] = 2, -1
    moved = warp(images, flow, order=order)
    np.testing.assert_allclose(moved[:, :-2, 1:], images[:, 2:, :-1], atol=1e-6)
    np.testing.assert_allclose(moved[:, -1, 1:], images[:, -1, :-1], atol=1e-6)


@pytest.mark.parametrize("order", [1, 3])
def test_channels_follow_one_flow_wherever_they_lie_in_memory(order):
    images, flow = make_images(3, (20, 24, 3), "float32"), make_flow(3, (20, 24))
    warped = warp(images, flow, order=order)
    for channel in range(3):
        np.testing.assert_array_equal(
            warped[..., channel], warp(images[..., channel], flow, order=order)
        )
    turned = images.transpose(0, 2, 1, 3).copy().transpose(0, 2, 1, 3)
    np.testing.assert_array_equal(warp(turned, flow, order=order), warped)


@pytest.mark.parametrize("size", [(28, 28), (64, 64), (45, 61)])
def test_a_smooth_displacement_is_found(size):
    moving = make_pairs(6, size)[0]
    y, x = (np.arange(n) / n for n in size)
    bend = np.sin(2 * np.pi * y)[:, None] * np.cos(2 * np.pi * x)
    true = np.tile(2 * np.stack([bend, -bend]), (6, 1, 1, 1)).astype(np.float32)
    found = optical_flow(warp(moving, true), moving)
    inner = np.s_[..., 3:-3, 3:-3]
    assert np.abs(found - true)[inner].mean() < 0.4 * np.abs(true[inner]).mean()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("max_side", [None, 12])
def test_images_come_nearer_and_equal_ones_stay(size, max_side):
    reference, moving = make_pairs(5, size)
    flow = optical_flow(reference, moving, max_side=max_side)
    assert flow.shape == (5, 2, *size) and flow.dtype == np.float32
    before = np.abs(moving - reference).mean()
    after = np.abs(warp(moving, flow, order=1) - reference).mean()
    assert after <= (0.8 if min(size) > 5 and max_side is None else 1) * before
    assert not optical_flow(moving, moving, max_side=max_side).any()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_pair_has_the_same_flow_in_every_block(size, channels, monkeypatch):
    reference, moving = make_images(14, (*size, *channels), "float32").reshape(
        2, 7, *size, *channels
    )
    together = optical_flow(reference, moving, max_side=24)
    alone = [
        optical_flow(reference[i : i + 1], moving[i : i + 1], max_side=24)[0] for i in range(7)
    ]
    np.testing.assert_array_equal(together, alone)
    monkeypatch.setattr(flow_module, "BLOCK", 3 * 24 * 24)
    np.testing.assert_array_equal(optical_flow(reference, moving, max_side=24), together)


@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize("strip", [1, 100, 2000])
def test_an_image_is_warped_alike_in_every_block(order, strip, monkeypatch):
    images, flow = make_images(5, (23, 19, 3), "float32"), make_flow(5, (23, 19))
    together = warp(images, flow, order=order)
    monkeypatch.setattr(warp_module, "STRIP", strip)
    np.testing.assert_array_equal(warp(images, flow, order=order), together)
    alone = [warp(images[i : i + 1], flow[i : i + 1], order=order)[0] for i in range(5)]
    np.testing.assert_array_equal(alone, together)


def test_repeated_pairs_have_one_flow():
    reference, moving = make_pairs(4, (28, 28))
    rows = np.array([2, 0, 0, 3, 2, 1, 0])
    np.testing.assert_array_equal(
        optical_flow(reference[rows], moving[rows]), optical_flow(reference, moving)[rows]
    )


def test_flow_of_thumbnails_is_that_of_the_images_scaled_up():
    pairs = make_pairs(3, (20, 20))
    small = optical_flow(*pairs)
    large = optical_flow(*(np.kron(side, np.ones((3, 3))) for side in pairs), max_side=20)
    np.testing.assert_allclose(large[..., 1::3, 1::3], 3 * small, atol=1e-4)
    third = large[..., 2:-1:3, 1::3]  # a third of the way from one centre to the next
    np.testing.assert_allclose(third, 2 * small[..., :-1, :] + small[..., 1:, :], atol=1e-4)


def test_no_images_no_flow():
    none = np.empty((0, 8, 9), dtype=np.float32)
    assert optical_flow(none, none).shape == (0, 2, 8, 9)
    assert warp(none, np.empty((0, 2, 8, 9), np.float32)).shape == (0, 8, 9)


def test_what_does_not_fit_is_refused():
    images = np.zeros((2, 8, 9), dtype=np.float32)
    with pytest.raises(ValueError, match=r"of one shape, got \(2, 8, 9\) and \(1, 8, 9\)"):
        optical_flow(images, images[:1])
    with pytest.raises(ValueError, match=r"finite"):
        optical_flow(images, np.full_like(images, np.nan))
    with pytest.raises(ValueError, match=r"`order` must be 1 .* or 3 .*, got 2"):
        warp(images, np.zeros((2, 2, 8, 9), np.float32), order=2)
    with pytest.raises(ValueError, match=r"must have shape \(2, 2, 8, 9\), got \(2, 8, 9, 2\)"):
        warp(images, np.zeros((2, 8, 9, 2), np.float32))
