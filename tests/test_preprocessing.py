import hashlib
import pickle
import sys
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from imblearn.over_sampling import SMOTE as ImblearnSMOTE
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from joblib import parallel_config
from PIL import Image
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import (
    check_set_output_transform_pandas,
    check_transformer_get_feature_names_out,
    check_transformer_get_feature_names_out_pandas,
    estimator_checks_generator,
    parametrize_with_checks,
)

from imblearn_images import RandomOverSampler
from imblearn_images.core.files import read_image, write_image
from imblearn_images.core.parallel import _say_what_is_missing
from imblearn_images.preprocessing import FlattenImages, ReadImages, ReshapeImages

ALL = [ReadImages(), FlattenImages(), ReshapeImages()]


@parametrize_with_checks(ALL)
def test_sklearn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", ALL, ids=str)
def test_the_checks_really_run(estimator):
    assert len(list(estimator_checks_generator(estimator))) >= 40


@pytest.mark.filterwarnings("ignore:X (does not have valid|has) feature names")
def test_checks_of_names_and_output():
    for check in (
        check_set_output_transform_pandas,
        check_transformer_get_feature_names_out,
        check_transformer_get_feature_names_out_pandas,
    ):
        check("FlattenImages", FlattenImages())


@pytest.mark.parametrize("estimator", [*ALL, ReadImages(size=(2, 3), mode="L", n_jobs=2)], ids=str)
def test_cloning_pickling_and_html(estimator):
    for copy in (clone(estimator), pickle.loads(pickle.dumps(estimator))):
        assert copy.get_params() == estimator.get_params()
    assert type(estimator).__name__ in estimator._repr_html_()
    tags = get_tags(estimator).input_tags
    assert tags.three_d_array and tags.two_d_array
    assert tags.string == isinstance(estimator, ReadImages)


@pytest.fixture
def colours():
    return np.random.default_rng(0).integers(0, 256, (300, 6, 5, 3), dtype=np.uint8)


@pytest.fixture
def paths(colours, tmp_path):
    names = [tmp_path / f"{row:03d}.png" for row in range(len(colours))]
    for name, image in zip(names, colours, strict=True):
        Image.fromarray(image).save(name)  # write_image waits for the disk 300 times
    return names


CONTAINERS = {
    "list of Path": list,
    "list of str": lambda paths: list(map(str, paths)),
    "tuple": tuple,
    "str array": lambda paths: np.array(list(map(str, paths))),
    "object array": lambda paths: np.array(paths, dtype=object),
    "column": lambda paths: np.array(paths, dtype=object).reshape(-1, 1),
    "Series": lambda paths: pd.Series(list(map(str, paths)), index=range(900, 1200)),
    "Series of Path": pd.Series,
    "DataFrame": lambda paths: pd.DataFrame({"file": list(map(str, paths))}),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_of_paths_gives_the_same_images(paths, colours, container):
    X = CONTAINERS[container](paths)
    read = ReadImages().fit(X)
    images = read.transform(X)
    assert images.dtype == np.uint8 and images.flags.c_contiguous and images.flags.writeable
    np.testing.assert_array_equal(images, colours)
    assert read.n_features_in_ == 1


@pytest.mark.parametrize("n_jobs", [None, 1, 2, -1])
def test_rows_keep_their_order_for_every_n_jobs(paths, colours, n_jobs):
    np.testing.assert_array_equal(ReadImages(n_jobs=n_jobs).fit_transform(paths), colours)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_the_backend_of_the_user_is_respected(paths, colours, backend):
    with parallel_config(backend=backend, n_jobs=2):
        np.testing.assert_array_equal(ReadImages().fit_transform(paths), colours)


def test_size_mode_and_draft_reach_the_reader(tmp_path):
    photo = np.linspace(0, 255, 200 * 120 * 3).astype(np.uint8).reshape(200, 120, 3)
    path = tmp_path / "photo.jpg"
    Image.fromarray(photo).save(path)
    for options in ({}, {"size": (31, 17)}, {"mode": "L"}, {"size": (9, 9), "draft": False}):
        images = ReadImages(**options).fit_transform([path])
        np.testing.assert_array_equal(images, read_image(path, **options)[np.newaxis])


def test_fitting_opens_no_file_and_is_not_needed(paths, colours):
    assert ReadImages().fit(["no such file.png"]).n_features_in_ == 1
    np.testing.assert_array_equal(ReadImages().transform(paths[:3]), colours[:3])
    pixels = ReadImages().fit(colours)
    assert pixels.n_features_in_ == 90
    np.testing.assert_array_equal(pixels.transform(paths[:3]), colours[:3])


def test_sizes_are_counted_when_they_differ(paths, tmp_path):
    write_image(tmp_path / "other.png", np.zeros((7, 5, 3), np.uint8))
    mixed = [*paths[:4], tmp_path / "other.png"]
    with pytest.raises(ValueError, match="5 image files have 2 sizes") as caught:
        ReadImages().fit_transform(mixed)
    assert "\n  6 x 5: 4\n  7 x 5: 1\n" in str(caught.value)
    assert "ReadImages(size=(6, 5))" in str(caught.value)
    assert ReadImages(size=(6, 5)).fit_transform(mixed).shape == (5, 6, 5, 3)


def test_kinds_are_counted_when_they_differ(paths, tmp_path):
    write_image(tmp_path / "deep.png", np.full((6, 5), 65535, np.uint16))
    mixed = [*paths[:4], tmp_path / "deep.png"]
    with pytest.raises(ValueError, match=r'deep\.png(.|\n)*mode="RGB" \(of ReadImages'):
        ReadImages().fit_transform(mixed)
    images = ReadImages(mode="RGB").fit_transform(mixed)
    assert images.shape == (5, 6, 5, 3) and (images[4] == 255).all()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_all_unreadable_files_are_named(paths, tmp_path, n_jobs):
    whole = paths[0].read_bytes()
    for row in (7, 150, 299):
        paths[row].write_bytes(whole[: len(whole) // 2])  # a sound header
    with pytest.raises(ValueError, match="3 of 300 image files cannot be read") as caught:
        ReadImages(n_jobs=n_jobs).fit_transform(paths)
    assert all(f"{paths[row]}: " in str(caught.value) for row in (7, 150, 299))
    with pytest.raises(FileNotFoundError, match=r"nowhere\.png"):
        ReadImages().fit_transform([tmp_path / "nowhere.png"])


def test_reading_writes_nothing(paths):
    def digest():
        return [
            (path.name, hashlib.sha256(path.read_bytes()).digest())
            for path in sorted(paths[0].parent.iterdir())
        ]

    before, given_paths = digest(), list(paths)
    ReadImages(size=(3, 3), n_jobs=2).fit_transform(paths)
    assert digest() == before and paths == given_paths


def test_memory_is_the_array_and_a_bounded_rest(tmp_path):
    path = tmp_path / "plain.png"
    write_image(path, np.zeros((128, 128, 3), np.uint8))
    tracemalloc.start()
    images = ReadImages().fit_transform([path] * 600)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.4 * images.nbytes


@pytest.mark.parametrize("with_tqdm", [True, False])
def test_progress_is_shown_when_asked_for(paths, capsys, monkeypatch, on_a_screen, with_tqdm):
    if with_tqdm:
        pytest.importorskip("tqdm")
    else:
        monkeypatch.setitem(sys.modules, "tqdm", None)
        _say_what_is_missing.cache_clear()
    ReadImages().fit_transform(paths)
    assert capsys.readouterr().err == ""
    ReadImages(verbose=1).fit_transform(paths)
    shown = capsys.readouterr().err
    assert ("ReadImages: 100%" in shown and "300/300" in shown) == with_tqdm
    assert ("pip install tqdm" in shown) != with_tqdm and shown.endswith("\n")


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "int32", "float32"])
def test_arrays_are_resized_as_files_are(tmp_path, dtype):
    rng = np.random.default_rng(0)
    channels = (3,) if dtype == "uint8" else ()
    X = (rng.random((4, 9, 8, *channels)) * (1 if dtype == "float32" else 60000)).astype(dtype)
    X = X > 30000 if dtype == "bool" else X
    files = [tmp_path / f"{row}.tif" for row in range(4)]
    for file, image in zip(files, X, strict=True):
        write_image(file, image)
    read = ReadImages(size=(5, 12), draft=False)
    resized = read.fit_transform(X)
    assert resized.dtype == X.dtype and resized.shape == (4, 5, 12, *channels)
    np.testing.assert_array_equal(resized, read.transform(files))


def test_bilevel_arrays_are_thresholded_at_one_half():
    assert ReadImages(size=(1, 1)).fit_transform(np.array([[[False, True]]])).all()


@pytest.mark.parametrize("dtype", ["int8", "int16", "float16", "float64"])
def test_other_dtypes_are_resized_without_change_of_value(dtype):
    X = np.full((2, 4, 4, 7), 100, dtype=dtype)
    resized = ReadImages(size=(3, 5)).fit_transform(X)
    assert resized.dtype == dtype and resized.shape == (2, 3, 5, 7) and (resized == 100).all()


@pytest.mark.parametrize("options", [{"size": 7}, {"size": (0, 1)}, {"mode": "CMYK"}])
def test_wrong_parameters_are_refused_for_paths_and_pixels(colours, options):
    for X in (colours, ["a.png"]):
        for method in (ReadImages(**options).fit, ReadImages(**options).transform):
            with pytest.raises(ValueError, match=r"`(size|mode)` must be"):
                method(X)


def test_arrays_of_the_right_size_are_not_copied(colours):
    for read in (ReadImages(), ReadImages(size=(6, 5)), ReadImages(size=[6, 5])):
        assert np.shares_memory(read.fit_transform(colours), colours)
    np.testing.assert_array_equal(ReadImages().fit_transform(list(colours)), colours)


@pytest.mark.parametrize(
    ("X", "told"),
    [
        (np.zeros((2, 12)), r"\(2, 12\)"),
        (np.zeros((2, 3, 4, 1, 1)), r"\(2, 3, 4, 1, 1\)"),
        (np.zeros((2, 3, 4), dtype=np.int64), "int64"),
    ],
)
def test_what_cannot_be_resized_is_refused(X, told):
    with pytest.raises(ValueError, match=told):
        ReadImages(size=(2, 2)).fit_transform(X)


@pytest.mark.parametrize("estimator", [FlattenImages(), ReshapeImages((2, 2))], ids=str)
def test_paths_are_sent_to_the_reading_step(estimator):
    with pytest.raises(ValueError, match="Put ReadImages before it"):
        estimator.fit(["a.png", "b.png"])


def test_text_that_is_no_column_of_paths_is_refused():
    with pytest.raises(ValueError, match=r"numeric|convert"):
        ReadImages().fit_transform(np.array([["a.png", "b.png"]]))
    with pytest.raises(ValueError, match="Row 1 of X is None"):
        ReadImages().fit(["a.png", None])


IMAGES = st.tuples(
    array_shapes(min_dims=2, max_dims=5, max_side=5),
    st.sampled_from(["bool", "uint8", "uint16", "int64", "float16", "float32", "float64"]),
).flatmap(lambda kind: arrays(*kind[::-1]))


@settings(deadline=None)
@given(IMAGES, st.sampled_from("CF"))
def test_flattening_and_both_ways_back(X, order):
    X = np.asarray(X, order=order)
    X.flags.writeable = False
    flatten = FlattenImages().fit(X)
    rows = flatten.transform(X)
    assert rows.shape == (len(X), X[0].size) and rows.dtype == X.dtype
    assert flatten.n_features_in_ == len(flatten.get_feature_names_out()) == X[0].size
    for back in (flatten.inverse_transform(rows), ReshapeImages(X.shape[1:]).transform(rows)):
        assert back.dtype == X.dtype
        np.testing.assert_array_equal(back, X)


def test_flattening_is_a_view(colours, tmp_path):
    assert np.shares_memory(FlattenImages().fit_transform(colours), colours)
    np.save(tmp_path / "X.npy", colours)
    on_disk = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert np.shares_memory(FlattenImages().fit_transform(on_disk), on_disk)


def test_flattened_rows_pass_and_other_shapes_do_not(colours):
    flatten = FlattenImages().fit(colours)
    rows = colours.reshape(300, -1)
    np.testing.assert_array_equal(flatten.transform(rows), rows)
    with pytest.raises(ValueError, match=r"\(5, 6, 3\).* \(6, 5, 3\)"):
        flatten.transform(colours.transpose(0, 2, 1, 3))
    with pytest.raises(ValueError, match="X has 89 features, but FlattenImages is expecting 90"):
        flatten.transform(rows[:, 1:])
    with pytest.raises(ValueError, match=r"\(300, 89\).*\(6, 5, 3\): 89 against 6 x 5 x 3 = 90"):
        flatten.inverse_transform(rows[:, 1:])
    assert FlattenImages().fit(rows).image_shape_ == (90,)


def test_names_say_row_column_and_channel(colours):
    flatten = FlattenImages().set_output(transform="pandas").fit(colours)
    frame = flatten.transform(colours)
    assert frame.columns[4] == "pixel_0_1_1" and frame.columns[-1] == "pixel_5_4_2"
    np.testing.assert_array_equal(frame["pixel_2_3_1"], colours[:, 2, 3, 1])
    assert set(frame.dtypes) == {np.dtype(np.uint8)}
    np.testing.assert_array_equal(flatten.inverse_transform(frame), colours)
    grey = FlattenImages().fit(colours[..., 0])
    assert grey.get_feature_names_out()[-1] == "pixel_5_4"


def test_reshaping(colours):
    rows = colours.reshape(300, -1)
    reshape = ReshapeImages((6, 5, 3)).fit(rows)
    assert reshape.n_features_in_ == 90
    assert np.shares_memory(reshape.transform(rows), colours)
    np.testing.assert_array_equal(reshape.transform(colours), colours)
    np.testing.assert_array_equal(ReshapeImages([6, 5, 3]).fit_transform(rows), colours)
    np.testing.assert_array_equal(ReshapeImages().fit_transform(colours), colours)
    with pytest.raises(ValueError, match=r"\(300, 90\).*\(6, 6, 3\): 90 against 6 x 6 x 3 = 108"):
        ReshapeImages((6, 6, 3)).fit(rows)
    with pytest.raises(ValueError, match="6 x 5 x 3 against 5 x 6 x 3"):
        ReshapeImages((5, 6, 3)).transform(colours)


@pytest.mark.parametrize("shape", [0, "ab", (), (6, -1), (6, 2.5), 90, (True, 90)])
def test_a_wrong_image_shape_is_refused(colours, shape):
    with pytest.raises(ValueError, match="`image_shape` must be"):
        ReshapeImages(shape).fit(colours)


class SeesImages(LogisticRegression):
    """A classifier that insists on images."""

    def fit(self, X, y):
        assert X.shape[1:] == (6, 5)
        return super().fit(X.reshape(len(X), -1), y)


def test_around_a_foreign_sampler(colours):
    X = colours[..., 0] / 255
    y = np.repeat([0, 1], [250, 50])
    steps = FlattenImages(), ImblearnSMOTE(random_state=0), ReshapeImages((6, 5)), SeesImages()
    pipe = make_imblearn_pipeline(*steps).fit(X, y)
    rows, y_res = ImblearnSMOTE(random_state=0).fit_resample(X.reshape(300, -1), y)
    expected = LogisticRegression().fit(rows, y_res).coef_
    np.testing.assert_array_equal(pipe[-1].coef_, expected)
    framed = clone(pipe)
    framed[0].set_output(transform="pandas")
    np.testing.assert_array_equal(framed.fit(X, y)[-1].coef_, expected)


def test_from_files_to_a_searched_pipeline(paths):
    y = np.arange(300) % 2
    pipe = make_pipeline(ReadImages(), FlattenImages(), StandardScaler(), LogisticRegression())
    grid = {"readimages__size": [(2, 2), (3, 3)], "readimages__mode": ["L", "RGB"]}
    search = GridSearchCV(pipe, grid, cv=2).fit(pd.Series(list(map(str, paths))), y)
    assert not np.isnan(search.cv_results_["mean_test_score"]).any()
    assert len(search.predict(paths[:7])) == 7
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(again.predict(paths), search.predict(paths))


def test_flattened_pixels_in_float_keep_a_foreign_sampler_from_wrapping_around():
    X = np.random.default_rng(0).integers(0, 256, (24, 4, 4), dtype=np.uint8)
    y = np.repeat([0, 1], [16, 8])
    steps = FlattenImages(dtype=np.float32), ImblearnSMOTE(random_state=0), ReshapeImages((4, 4))
    flat = steps[0].fit_transform(X)
    assert flat.dtype == np.float32
    X_res = steps[2].fit_transform(steps[1].fit_resample(flat, y)[0])
    expected, _ = ImblearnSMOTE(random_state=0).fit_resample(X.reshape(24, -1).astype(float), y)
    np.testing.assert_allclose(X_res.reshape(len(X_res), -1), expected, rtol=1e-5)
    assert FlattenImages().fit_transform(X).dtype == np.uint8


@pytest.mark.parametrize("library", ["default", "pandas", "polars", None])
@pytest.mark.parametrize("sampling", [False, True], ids=["plain", "sampler"])
def test_a_pipeline_that_begins_with_images_can_be_told_to_put_out_tables(
    paths, colours, library, sampling
):
    """Every step is told; those that put out images keep putting out arrays."""
    if library in ("pandas", "polars"):
        pytest.importorskip(library)
    sampler = [RandomOverSampler(random_state=0)] if sampling else []
    steps = [ReadImages(), *sampler, ReshapeImages((6, 5, 3)), FlattenImages(), StandardScaler()]
    pipe = make_imblearn_pipeline(*steps)
    y = np.arange(len(paths)) % 2
    expected = pipe.fit(paths, y).transform(paths)
    told = clone(pipe).set_output(transform=library).fit(paths, y)
    assert isinstance(told[0].transform(paths), np.ndarray)
    found = told.transform(paths)
    if library in ("pandas", "polars"):
        assert type(found).__module__.startswith(library)
        assert list(found.columns) == pipe[-2].get_feature_names_out().tolist()
    np.testing.assert_array_equal(np.asarray(found), expected)
    with pytest.raises(ValueError, match=r"`transform` must be .*'excel'"):
        ReadImages().set_output(transform="excel")
