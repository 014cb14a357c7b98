import pickle

import numpy as np
import pandas as pd
import pytest
from conftest import make_images, make_labels, patch_sizes, write_images
from hypothesis import given
from hypothesis import strategies as st
from joblib import parallel_config
from PIL import Image
from skimage.feature import hog
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from imblearn_images import ADASYN, TomekLinks
from imblearn_images.core.hog import NORMS, hog_features
from imblearn_images.preprocessing import FlattenImages, HOGFeatures, ReadImages
from imblearn_images.preprocessing._pixels import pixels_of

COLOUR = (20, 18, 3)


class OnColumns(HOGFeatures):
    """Takes any rows of numbers, each number as a stripe: for checks that know rows only."""

    def _planes(self, X, *, reset):
        rows = pixels_of(self, X, reset=reset, finite=True)
        return np.repeat(np.repeat(rows, 8, axis=1)[:, np.newaxis], 8, axis=1)


@parametrize_with_checks([OnColumns()])
def test_sklearn_checks(estimator, check):
    check(estimator)


def test_the_checks_really_run():
    assert len(list(estimator_checks_generator(OnColumns()))) >= 40


def test_cloning_pickling_and_tags():
    estimator = HOGFeatures(6, (4, 4), size=(20, 20), n_jobs=2)
    for copy in (clone(estimator), pickle.loads(pickle.dumps(estimator))):
        assert copy.get_params() == estimator.get_params()
    tags = get_tags(estimator).input_tags
    assert tags.three_d_array and tags.string and not tags.allow_nan


@st.composite
def cases(draw):
    """Images and options, such as scikit-image takes them in all pixels of a cell."""
    cell = tuple(2 * draw(st.integers(1, 3)) for _ in range(2))
    block = tuple(draw(st.integers(1, 3)) for _ in range(2))
    sides = [
        c * (b + draw(st.integers(0, 2))) + draw(st.integers(0, 3))
        for c, b in zip(cell, block, strict=True)
    ]
    channels = draw(st.sampled_from([(), (1,), (3,), (4,)]))
    seed = draw(st.integers(0, 99))
    images = make_images(draw(st.integers(1, 4)), (*sides, *channels), "uint8", seed)
    options = {
        "orientations": draw(st.integers(1, 12)),
        "pixels_per_cell": cell,
        "cells_per_block": block,
        "block_norm": draw(st.sampled_from(NORMS)),
        "transform_sqrt": draw(st.booleans()),
    }
    return images, options


@given(cases())
def test_the_features_are_those_of_skimage(case):
    images, options = case
    expected = [
        hog(image / np.float32(255), **options, channel_axis=-1 if image.ndim == 3 else None)
        for image in images
    ]
    features = HOGFeatures(**options).fit_transform(images)
    assert features.dtype == np.float32
    # scikit-image adds up the gradients of a cell in single precision
    np.testing.assert_allclose(features, expected, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("shape", [(28, 28), COLOUR])
def test_the_block_and_the_threads_change_nothing(shape, monkeypatch, threads):
    images = make_images(40, shape, "uint8")
    expected = hog_features(images)
    patch_sizes(monkeypatch, 1000)
    for n_jobs in (1, 3):
        np.testing.assert_array_equal(hog_features(images, n_jobs=n_jobs), expected)
    alone = np.concatenate([hog_features(images[row : row + 1]) for row in range(len(images))])
    np.testing.assert_array_equal(alone, expected)


def test_dtype_and_range_of_the_pixels_make_no_difference():
    images = make_images(5, COLOUR, "uint8")
    expected = HOGFeatures().fit_transform(images)
    for same in (
        images.astype(np.uint16) * 257,
        images / np.float32(255),
        images / 255.0,
        images.astype(np.float64),
        images.astype(np.float32) * 1e4,
        np.asfortranarray(images),
        images[::-1][::-1],
    ):
        np.testing.assert_allclose(HOGFeatures().fit_transform(same), expected, atol=1e-4)
    lifted = images - images.min(axis=(1, 2, 3), keepdims=True)
    below = (lifted.astype(np.int16) - 200) / 50  # as after StandardScaler
    np.testing.assert_allclose(
        HOGFeatures(transform_sqrt=False).fit_transform(below),
        HOGFeatures(transform_sqrt=False).fit_transform(images),
        atol=1e-4,
    )


@pytest.mark.parametrize("dtype", ["bool", "int8", "int32", "uint32", "float16", "float32"])
def test_other_dtypes_give_features_of_every_image(dtype):
    features = HOGFeatures().fit_transform(make_images(4, (16, 16), dtype))
    assert np.isfinite(features).all() and (features.max(axis=1) > 0.1).all()


def test_an_image_without_edges_has_no_features():
    assert not HOGFeatures().fit_transform(np.full((2, 16, 16, 3), 7, dtype=np.uint8)).any()


def test_grey_images_in_three_channels_are_grey():
    grey = make_images(3, (20, 18), "uint8")
    np.testing.assert_array_equal(
        HOGFeatures().fit_transform(np.stack([grey] * 3, axis=-1)),
        HOGFeatures().fit_transform(grey),
    )


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_files_have_the_features_of_their_pixels(tmp_path, n_jobs):
    images = make_images(40, COLOUR, "uint8")
    paths = write_images(tmp_path, images)
    expected = HOGFeatures().fit_transform(images)
    for X in (paths, np.array(paths), pd.Series(paths), np.array(paths)[:, np.newaxis]):
        features = HOGFeatures(n_jobs=n_jobs).fit_transform(X)
        np.testing.assert_array_equal(features, expected)
    on_pixels = HOGFeatures().fit(images)
    np.testing.assert_array_equal(on_pixels.transform(paths), expected)
    with parallel_config(backend="threading", n_jobs=2):
        np.testing.assert_array_equal(on_pixels.transform(paths), expected)


def test_features_of_a_file_do_not_depend_on_the_depth_of_others(tmp_path):
    deep, flat = make_images(2, COLOUR[:2], "uint8")
    Image.fromarray(deep.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.fromarray(flat // 16).save(tmp_path / "flat.png")
    paths = sorted(tmp_path.glob("*.png"))
    embedding = HOGFeatures().fit(paths[:1])
    alone = np.concatenate([embedding.transform([path]) for path in paths])
    np.testing.assert_array_equal(embedding.transform(paths), alone)


def test_files_of_different_sizes_are_resized_when_asked(tmp_path):
    for row, side in enumerate((20, 30, 41)):
        Image.fromarray(make_images(1, (side, 25, 3), "uint8")[0]).save(tmp_path / f"{row}.png")
    paths = sorted(tmp_path.glob("*.png"))
    with pytest.raises(ValueError, match=r"1\.png .*\(30, 25, 3\).*HOGFeatures\(size="):
        HOGFeatures().fit(paths)
    expected = HOGFeatures().fit_transform(ReadImages(size=(24, 28)).transform(paths))
    np.testing.assert_array_equal(HOGFeatures(size=(24, 28)).fit_transform(paths), expected)
    with pytest.raises(ValueError, match=r"1\.png .*fitted on"):
        HOGFeatures().fit(paths[:1]).transform(paths)


def test_arrays_are_resized_as_files_are(tmp_path):
    images = make_images(3, COLOUR, "uint8")
    small = HOGFeatures(size=(16, 16))
    features = small.fit_transform(images)
    np.testing.assert_array_equal(features, small.transform(write_images(tmp_path, images)))
    assert small.image_shape_ == (16, 16, 3)


def test_all_unreadable_files_are_named(tmp_path):
    paths = write_images(tmp_path, make_images(40, COLOUR, "uint8"))
    hog_of = HOGFeatures().fit(paths)
    for row in (3, 30):
        with open(paths[row], "r+b") as file:
            file.truncate(200)
    with pytest.raises(ValueError, match=r"(?s)2 of 40 image files.*003\.png.*030\.png"):
        hog_of.transform(paths)
    with pytest.raises(FileNotFoundError, match=r"nowhere\.png"):
        HOGFeatures().fit([tmp_path / "nowhere.png"])


def test_rows_of_pixels_need_the_shape():
    images = make_images(3, COLOUR, "uint8")
    rows = images.reshape(3, -1)
    np.testing.assert_array_equal(
        HOGFeatures(image_shape=COLOUR).fit_transform(rows), HOGFeatures().fit_transform(images)
    )
    with pytest.raises(
        ValueError, match=r"rows of pixels of shape \(3, 1080\).*image_shape=\(H, W\)"
    ):
        HOGFeatures().fit(rows)
    with pytest.raises(ValueError, match=r"20 x 20 = 400 values"):
        HOGFeatures(image_shape=(20, 20)).fit(rows)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"orientations": 0}, "`orientations` must be a positive integer, got 0"),
        ({"orientations": True}, "`orientations` must be"),
        ({"pixels_per_cell": 8}, r"`pixels_per_cell` must be \(rows, columns\).*got 8"),
        ({"cells_per_block": (2, 0)}, r"`cells_per_block` must be .*got \(2, 0\)"),
        ({"cells_per_block": None}, "`cells_per_block` must be"),
        ({"block_norm": "l2"}, "`block_norm` must be one of .*'L2-Hys'.*got 'l2'"),
        ({"image_shape": (1080,)}, r"`image_shape` must be None, \(H, W\)"),
        ({"size": 8}, r"`size` must be None or \(height, width\)"),
        ({"pixels_per_cell": (12, 4)}, r"20 x 18 pixels are too small .*12 x 4 pixels"),
    ],
)
def test_wrong_parameters_are_refused(options, told):
    with pytest.raises(ValueError, match=told):
        HOGFeatures(**options).fit(make_images(2, COLOUR, "uint8"))


def test_wrong_images_are_refused():
    images = make_images(2, COLOUR, "float32")
    fitted = HOGFeatures().fit(images)
    with pytest.raises(ValueError, match=r"shape \(20, 18\), HOGFeatures was fitted on .*18, 3\)"):
        fitted.transform(images[..., 0])
    with pytest.raises(ValueError, match="Move the axes"):
        HOGFeatures().fit(np.moveaxis(images, -1, 1))
    with pytest.raises(ValueError, match=r"must hold images .* got shape"):
        HOGFeatures().fit(images[np.newaxis])
    images[1, 2, 3] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        fitted.transform(images)


def test_names_say_block_cell_and_direction():
    hog_of = HOGFeatures().fit(make_images(2, (16, 16), "uint8"))
    names = hog_of.get_feature_names_out()
    assert names[0] == "hog_0_0_0_0_0" and names[-1] == "hog_6_6_1_1_8"
    assert len(set(names)) == hog_of.transform(make_images(2, (16, 16), "uint8")).shape[1]
    frame = hog_of.set_output(transform="pandas").transform(make_images(2, (16, 16), "uint8"))
    assert frame.columns.tolist() == names.tolist()


@pytest.mark.parametrize("holder", ["array", "files"])
@pytest.mark.parametrize("sampler", [TomekLinks(), ADASYN(n_neighbors=3, random_state=0)], ids=str)
def test_samplers_measure_distances_in_it(tmp_path, sampler, holder):
    y = make_labels()
    images = make_images(len(y), (16, 16), "uint8")
    images[y == "cat", 4:12] //= 8
    expected = clone(sampler).set_params(embedding=HOGFeatures().fit_transform)
    expected.fit_resample(images, y)
    sampler = clone(sampler).set_params(embedding=HOGFeatures())
    if holder == "files" and "output_dir" in sampler.get_params():
        sampler.set_params(output_dir=tmp_path / "children")
    sampler.fit_resample(images if holder == "array" else write_images(tmp_path, images), y)
    assert sampler.plan_.nearness.startswith("HOGFeatures")
    np.testing.assert_array_equal(sampler.plan_.base, expected.plan_.base)
    np.testing.assert_array_equal(sampler.plan_.partners, expected.plan_.partners)


def test_in_a_searched_pipeline():
    y = make_labels()
    images = make_images(len(y), (16, 16), "uint8")
    images[y == "cat", 4:12] //= 8
    pipe = make_pipeline(HOGFeatures(), FlattenImages(), LogisticRegression())
    search = GridSearchCV(pipe, {"hogfeatures__pixels_per_cell": [None, (4, 4)]}, cv=2)
    assert search.fit(images, y == "cat").best_score_ > 0.8
