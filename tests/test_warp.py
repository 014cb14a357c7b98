"""Drawing along affine maps, and the engines that draw."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest
from conftest import make_images
from hypothesis import given
from hypothesis import strategies as st

from imblearn_images import RandomOverSampler, render
from imblearn_images.synthesis import Augment, Morph, TransferDeformation, _warp
from imblearn_images.synthesis._engines import engine_of
from imblearn_images.synthesis._warp import (
    FILL_MODES,
    Affine,
    follow,
    follow_affine,
    is_gentle,
    warp,
    warp_affine,
)

ENGINES = [
    "numpy",
    pytest.param(
        "opencv",
        marks=pytest.mark.skipif(find_spec("cv2") is None, reason="needs OpenCV (cv2)"),
    ),
]


def affine_of(m, seed=0, *, rotation=5.0, shear=3.0, zoom=0.06, shift=3.0):
    rng = np.random.default_rng(seed)
    zooms = tuple(rng.uniform(1 - zoom, 1 + zoom, (2, m)))
    shifts = tuple(rng.uniform(-shift, shift, (2, m)))
    return Affine(rng.uniform(-rotation, rotation, m), rng.uniform(-shear, shear, m), zooms, shifts)


def fill_of(m, fill_mode):
    return np.linspace(0.2, 0.8, m, dtype=np.float32)[:, None] if fill_mode == "constant" else None


@given(
    st.integers(0, 99),
    st.sampled_from([(9, 12), (30, 20), (1, 7), (7, 1), (2, 2)]),
    st.sampled_from(["float32", "float64"]),
)
def test_a_map_and_its_flow_are_the_same(seed, size, dtype):
    affine = affine_of(3, seed, rotation=180, shear=40, zoom=0.9)
    y, x = np.mgrid[: size[0], : size[1]]
    places = affine.maps(size) @ np.stack([y.ravel(), x.ravel(), np.ones(y.size)])
    shown = affine.flow(size) + np.stack([y, x])
    np.testing.assert_allclose(places.reshape(shown.shape), shown, atol=1e-4)


@pytest.mark.parametrize("fill_mode", FILL_MODES)
@given(st.integers(0, 999), st.sampled_from([(9, 12), (30, 20), (1, 7), (7, 1), (2, 2), (16, 16)]))
def test_where_columns_stay_columns_it_is_cubic_convolution(fill_mode, seed, size):
    images, affine = make_images(3, size, "float64", seed), affine_of(3, seed, zoom=0.5)
    still = np.zeros(3)
    affine = Affine(still, still, affine.zoom, affine.shift)
    maps, fill = affine.maps(size), fill_of(3, fill_mode)
    assert is_gentle(maps, size).all()
    drawn = warp_affine(images, maps, fill_mode, fill)
    expected = follow(images, affine.flow(size), 3, fill_mode, fill)
    # Places are rounded to 1/2048 pixel. One pixel beyond a repeated border it overshoots a little.
    within = np.ones(drawn.shape, dtype=bool)
    if fill_mode == "nearest":
        places = affine.flow(size) + np.mgrid[: size[0], : size[1]]
        for at, side in zip(np.moveaxis(places, 1, 0), size, strict=True):
            within &= (at >= 0) & (at <= side - 1) | (at <= -2) | (at >= side + 1)
    np.testing.assert_allclose(drawn[within], expected[within], atol=4e-3)


def test_where_columns_slant_it_errs_no_more_than_cubic_convolution():
    size, m = (60, 50), 8
    affine = affine_of(m, rotation=9, shear=5)
    maps = affine.maps(size)
    assert is_gentle(maps, size).all() and np.abs(maps[:, 1, 0]).max() > 0.1

    def waves(y, x):
        return 0.5 + 0.25 * np.sin(1.1 * y + 0.3 * x) + 0.25 * np.cos(0.9 * x - 0.4 * y)

    y, x = np.mgrid[: size[0], : size[1]]
    images = np.repeat(waves(y, x)[None], m, axis=0)
    places = affine.flow(size) + np.stack([y, x])
    inside = ((places > 2) & (places < np.array(size)[:, None, None] - 3)).all(axis=1)
    true = waves(places[:, 0], places[:, 1])[inside]
    error = np.abs(warp_affine(images, maps)[inside] - true)
    of_warp = np.abs(warp(images, affine.flow(size))[inside] - true)
    assert error.mean() < 1.05 * of_warp.mean() and error.max() < 1.2 * of_warp.max()


@pytest.mark.parametrize("fill_mode", FILL_MODES)
@pytest.mark.parametrize("shape", [(23, 19, 3), (14, 31)])
def test_an_image_is_drawn_alike_in_every_block(fill_mode, shape, monkeypatch):
    images, fill = make_images(7, shape, "float32"), fill_of(7, fill_mode)
    affine = affine_of(7, rotation=40, shift=20)  # some slant too much
    gentle = is_gentle(affine.maps(shape[:2]), shape[:2])
    assert 0 < gentle.sum() < 7
    together = follow_affine(images, affine, 3, fill_mode, fill)
    for row in range(7):
        one = slice(row, row + 1)
        alone = follow_affine(
            images[one], affine[one], 3, fill_mode, None if fill is None else fill[one]
        )
        np.testing.assert_array_equal(alone[0], together[row])
    steep = follow(images, affine.flow(shape[:2]), 3, fill_mode, fill)
    np.testing.assert_array_equal(together[~gentle], steep[~gentle])
    for strip in (1, 100, 1000):
        monkeypatch.setattr(_warp, "STRIP", strip)
        again = follow_affine(images, affine, 3, fill_mode, fill)
        np.testing.assert_array_equal(again, together)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("order", [1, 3])
def test_channels_are_drawn_alike(engine, channels, order):
    images = make_images(2, (12, 15, channels), "float32")
    affine, draw = affine_of(2, shift=1), engine_of(engine)
    drawn = draw.follow_affine(images, affine, order)
    bent = draw.follow(images, affine.flow((12, 15)), order)
    for channel in range(channels):
        plane = np.ascontiguousarray(images[..., channel])
        for got, alone in (
            (drawn, draw.follow_affine(plane, affine, order)),
            (bent, draw.follow(plane, affine.flow((12, 15)), order)),
        ):
            # OpenCV rounds places to 1/32 pixel for some numbers of channels, not for others.
            tolerance = 1e-6 if engine == "numpy" else 0.05
            np.testing.assert_allclose(got[..., channel], alone, atol=tolerance)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize("fill_mode", FILL_MODES)
def test_engines_show_the_same_places(engine, order, fill_mode):
    size, m = (40, 32), 6
    affine, draw, fill = affine_of(m), engine_of(engine), fill_of(m, fill_mode)
    ramps = np.broadcast_to(np.stack(np.mgrid[: size[0], : size[1]], axis=-1) / 40, (m, *size, 2))
    ramps = np.ascontiguousarray(ramps, dtype=np.float32)
    places = affine.flow(size) + np.mgrid[: size[0], : size[1]]
    inside = ((places > 2) & (places < np.array(size)[:, None, None] - 3)).all(axis=1)
    for drawn in (
        draw.follow_affine(ramps, affine, order, fill_mode, fill),
        draw.follow(ramps, affine.flow(size), order, fill_mode, fill),
    ):
        shown = np.moveaxis(40 * drawn, -1, 1)
        assert np.abs(shown - places)[np.broadcast_to(inside[:, None], shown.shape)].max() < 0.05
    far = Affine(*np.zeros((2, m)), tuple(np.ones((2, m))), (np.full(m, 60.0), np.zeros(m)))
    beyond = draw.follow_affine(ramps, far, order, fill_mode, fill)
    expected = follow(ramps, far.flow(size), order, fill_mode, fill)
    np.testing.assert_allclose(beyond, expected, atol=2e-2)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "rule", [Augment(), Augment(elastic=0.02, order=1), Morph(), TransferDeformation()], ids=repr
)
@pytest.mark.parametrize("dtype", ["uint8", "bool", "int32", "float64"])
def test_the_same_bytes_in_every_block_whoever_draws(engine, rule, dtype):
    X, y = make_images(12, (13, 11, 3), dtype), np.repeat([0, 1], [8, 4])
    rule = type(rule)(**rule.get_params() | {"engine": engine})
    sampler = RandomOverSampler(synthesis=rule, random_state=0)
    X_res, _ = sampler.fit_resample(X, y)
    assert X_res.dtype == X.dtype and X_res.shape == (16, 13, 11, 3)
    assert (engine == "numpy") == ("opencv" not in repr(sampler.plan_.synthesis))
    for row in range(12, 16):
        np.testing.assert_array_equal(render(sampler.plan_[row : row + 1], X)[0], X_res[row])
    np.testing.assert_array_equal(render(sampler.plan_, X, n_jobs=2), X_res)


def test_an_unknown_engine_is_refused():
    X, y = make_images(6, (8, 8), "uint8"), np.repeat([0, 1], [4, 2])
    for rule in (Augment(engine="gpu"), Morph(engine=None), TransferDeformation(engine="gpu")):
        with pytest.raises(ValueError, match=r"`engine` must be one of \('numpy', 'opencv'\), got"):
            RandomOverSampler(synthesis=rule, random_state=0).fit_resample(X, y)


def test_without_opencv_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ImportError, match=r"pip install imblearn-images\[opencv\]$"):
        engine_of("opencv")


@pytest.mark.skipif(find_spec("cv2") is None, reason="needs OpenCV (cv2)")
def test_opencv_says_which_images_are_too_long_for_it():
    with pytest.raises(ValueError, match=r'at most 32767 pixels a side, got 32768.*engine="numpy"'):
        engine_of("opencv").follow_affine(np.zeros((1, 1, 1 << 15)), affine_of(1))
