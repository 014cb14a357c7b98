import warnings
from pathlib import Path, PurePath

import numpy as np
import pandas as pd
import pytest
from conftest import COUNTS, make_images, make_labels, read_images, write_images
from sklearn.decomposition import PCA

from imblearn_images import SMOTE, RandomOverSampler, RandomUnderSampler
from imblearn_images.core.images import Images, unwrap_images

Y = make_labels()
N = len(Y)
MISSING = [f"no such folder/{row}.png" for row in range(len(Y))]
SAMPLERS = {
    "RandomOverSampler": RandomOverSampler(random_state=0),
    "RandomUnderSampler": RandomUnderSampler(random_state=0),
    "SMOTE": SMOTE(random_state=0, k_neighbors=2),
}
RANDOM = [name for name in SAMPLERS if name != "SMOTE"]


def sampler_named(name, **params):
    return type(SAMPLERS[name])(**(SAMPLERS[name].get_params() | params))


# --- images


def test_every_holder_is_opened_as_the_same_images_and_made_again(held):
    images, rewrap = unwrap_images(held.X)
    assert isinstance(images, Images)
    np.testing.assert_array_equal(np.asarray(images), held.images)
    if rewrap is None:  # a home of pixels, or a store, which has become one
        assert held.how in ("home", "store")
        return
    again = rewrap(images.as_given(), None)
    assert type(again) is (np.ndarray if held.how == "memmap" else type(held.X))
    np.testing.assert_array_equal(held.pixels(again), held.images)


@pytest.mark.parametrize("name", SAMPLERS)
def test_images_come_out_as_they_went_in(held, name):
    where = held.where() if name == "SMOTE" else {}
    before = held.images.copy()
    sampler = sampler_named(name, **where)
    X, y = sampler.fit_resample(held.X, held.y)
    pixels = held.pixels(X)
    assert pixels.dtype == held.images.dtype
    assert pixels.shape[1:] == held.images.shape[1:]
    assert len(pixels) == len(y) == len(sampler.plan_)
    plain = ~sampler.plan_.synthetic
    np.testing.assert_array_equal(pixels[plain], held.images[sampler.plan_.base[plain]])
    kind = {"list": list, "files": list}.get(held.how, np.ndarray)
    if held.how == "home" and not sampler.plan_.synthetic.any():
        kind = type(held.X.subset(sampler.plan_.base))  # selected, and read by nobody
    assert type(X) is kind
    if held.how == "objects":
        assert X.dtype == object and X.ndim == 1 and X[0].dtype == held.images.dtype
    np.testing.assert_array_equal(held.pixels(held.X), before)
    if held.how != "files":
        assert sampler.n_features_in_ == np.prod(held.images.shape[1:])


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("how", ["array", "list", "objects"])
def test_the_result_shares_no_memory_with_the_input(name, how):
    images = make_images(len(Y), (6, 5), "uint8")
    X = {"array": images, "list": list(images), "objects": np.array([None] * len(Y))}[how]
    if how == "objects":
        X[:] = list(images)
    before = images.copy()
    for image in sampler_named(name).fit_resample(X, Y)[0]:
        image[...] = 0
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("dtype", [">u2", ">f4", ">i4", "uint64", "int64", "float16"])
def test_unusual_dtypes_are_kept(name, dtype):
    X = np.random.default_rng(0).integers(0, 200, (len(Y), 5, 4)).astype(dtype)
    assert sampler_named(name).fit_resample(X, Y)[0].dtype == np.dtype(dtype)


@pytest.mark.parametrize("name", SAMPLERS)
def test_channels_are_never_interpreted(name):
    X = make_images(len(Y), (4, 6, 3), "uint8")
    first = np.ascontiguousarray(np.moveaxis(X, -1, 1))
    last, _ = sampler_named(name).fit_resample(X, Y)
    np.testing.assert_array_equal(
        sampler_named(name).fit_resample(first, Y)[0], np.moveaxis(last, -1, 1)
    )
    flat, _ = sampler_named(name).fit_resample(X.reshape(len(X), -1), Y)
    np.testing.assert_array_equal(flat, last.reshape(len(last), -1))


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("shape", [(1,), (1, 1), (1, 1, 1), (2, 1, 3, 2), (24, 1), (24,)])
def test_any_number_of_axes_is_taken(name, shape):
    X = make_images(len(Y), shape, "uint8")
    assert sampler_named(name).fit_resample(X, Y)[0].shape[1:] == shape


# --- paths


def column(paths, dtype):
    frame = np.empty((len(paths), 1), dtype=object)
    frame[:, 0] = paths
    return frame.astype(dtype)


def objects(paths):
    array = np.empty(len(paths), dtype=object)
    array[:] = paths
    return array


INDEX = [f"row {row}" for row in range(len(Y))]
PATHS = {
    "list": list,
    "tuple": tuple,
    "list of Path": lambda paths: [Path(path) for path in paths],
    "tuple of Path": lambda paths: tuple(Path(path) for path in paths),
    "unicode array": np.array,
    "object array": objects,
    "object array of Path": lambda paths: objects([Path(path) for path in paths]),
    "unicode column": lambda paths: column(paths, np.array(paths).dtype),
    "object column": lambda paths: column(paths, object),
    "Path column": lambda paths: column([Path(path) for path in paths], object),
    "nested list": lambda paths: [[path] for path in paths],
    "Series": lambda paths: pd.Series(paths, index=INDEX, name="file"),
    "Series of Path": lambda paths: pd.Series(
        [Path(path) for path in paths], index=INDEX, name="file"
    ),
    "object Series": lambda paths: pd.Series(paths, index=INDEX, dtype=object),
    "categorical Series": lambda paths: pd.Series(paths, dtype="category"),
    "DataFrame": lambda paths: pd.DataFrame({"file": paths}, index=INDEX),
    "DataFrame of Path": lambda paths: pd.DataFrame({"file": [Path(path) for path in paths]}),
}


def flat(X):
    values = X.to_numpy() if hasattr(X, "iloc") else X
    if isinstance(values, (list, tuple)):
        values = [value[0] if isinstance(value, list) else value for value in values]
        return list(values)
    return values.ravel().tolist()


def assert_same_container(result, X):
    assert type(result) is type(X)
    kinds = {type(value) for value in flat(X)}
    assert {type(value) for value in flat(result)} == kinds
    if isinstance(X, np.ndarray):
        assert result.dtype.kind == X.dtype.kind and result.shape[1:] == X.shape[1:]
    if isinstance(X, pd.Series):
        assert result.name == X.name
        if X.dtype != "category":  # new files are no category of the old ones
            assert result.dtype == X.dtype
    if isinstance(X, pd.DataFrame):
        assert list(result.columns) == list(X.columns)
        assert list(result.dtypes) == list(X.dtypes)


@pytest.mark.parametrize("how", PATHS)
@pytest.mark.parametrize("name", RANDOM)
def test_paths_come_out_as_they_went_in_and_no_file_is_opened(name, how):
    X = PATHS[how](MISSING)
    before = flat(X)
    sampler = sampler_named(name)
    result, y = sampler.fit_resample(X, Y)
    assert_same_container(result, X)
    assert flat(result) == [before[row] for row in sampler.plan_.base]
    assert list(y) == [Y[row] for row in sampler.plan_.base]
    assert flat(X) == before


@pytest.mark.parametrize("how", PATHS)
def test_paths_of_synthetic_images_come_behind_the_originals(how, tmp_path):
    images = make_images(len(Y), (6, 5), "uint8")
    (tmp_path / "in").mkdir()
    paths = write_images(tmp_path / "in", images)
    X = PATHS[how](paths)
    before = flat(X)
    sampler = SMOTE(random_state=0, k_neighbors=2, output_dir=tmp_path / "out")
    result, y = sampler.fit_resample(X, Y)
    assert_same_container(result, X)
    assert flat(result)[: len(X)] == flat(X) == before
    children = flat(result)[len(X) :]
    assert len(set(children)) == len(y) - len(Y) == 12
    assert {Path(child).parent for child in children} == {tmp_path / "out"}
    expected = SMOTE(random_state=0, k_neighbors=2).fit_resample(images, Y)[0]
    np.testing.assert_array_equal(read_images(flat(result)), expected)


def test_a_missing_category_is_no_reason_to_lose_paths(tmp_path):
    paths = write_images(tmp_path, make_images(len(Y), (6, 5), "uint8"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # this is about what comes back
        result, _ = SMOTE(k_neighbors=2, output_dir=tmp_path / "out").fit_resample(
            pd.Series(paths, dtype="category"), Y
        )
    assert not result.isna().any()


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("how", ["Series", "DataFrame"])
@pytest.mark.parametrize("y", [Y, pd.Series(Y, index=INDEX, name="label")], ids=["array", "Series"])
def test_pandas_index_labels_are_those_imbalanced_learn_gives(name, how, y):
    X = PATHS[how](MISSING)
    frame = X.to_frame() if X.ndim == 1 else X
    peer = next(
        cls for cls in type(SAMPLERS[name]).__mro__ if cls.__module__.startswith("imblearn.")
    )
    X_peer, y_peer = peer(random_state=0).fit_resample(frame, y)
    X_ours, y_ours = sampler_named(name).fit_resample(X, y)
    assert X_ours.index.tolist() == X_peer.index.tolist()
    assert flat(X_ours) == flat(X_peer)
    if hasattr(y, "index"):
        pd.testing.assert_series_equal(y_ours, y_peer)


@pytest.mark.parametrize("name", RANDOM)
def test_path_likes_of_the_caller_are_handed_back_themselves(name):
    class Photo(PurePath if PurePath is not type(Path()) else Path):
        pass

    X = [Photo(path) for path in MISSING] if hasattr(PurePath, "with_segments") else None
    if X is None:  # before Python 3.12 a PurePath cannot be subclassed
        X = [Path(path) for path in MISSING]
    given = set(map(id, X))
    assert {id(path) for path in sampler_named(name).fit_resample(X, Y)[0]} <= given


def test_a_list_of_str_and_path_keeps_both():
    X = [Path(path) if row % 2 else path for row, path in enumerate(MISSING)]
    sampler = RandomOverSampler(random_state=0)
    result, _ = sampler.fit_resample(X, Y)
    assert result == [X[row] for row in sampler.plan_.base]
    assert [type(path) for path in result] == [type(X[row]) for row in sampler.plan_.base]


# --- labels


def one_hot(y):
    return (np.asarray(y)[:, None] == np.unique(y)).astype(int)


LABELS = {
    "array": np.array,
    "objects": lambda y: np.array(y, dtype=object),
    "list": list,
    "Series": lambda y: pd.Series(y, index=INDEX, name="species"),
    "categorical": lambda y: pd.Series(y, name="species", dtype="category"),
    "integers": lambda y: np.unique(y, return_inverse=True)[1],
    "bools": lambda y: np.asarray(y) == "dog",
    "one-hot": one_hot,
}


@pytest.mark.parametrize("how", LABELS)
@pytest.mark.parametrize("form", ["images", "paths"])
@pytest.mark.parametrize("name", SAMPLERS)
def test_labels_come_out_as_they_went_in(name, form, how, tmp_path):
    images = make_images(len(Y), (6, 5), "uint8")
    X = images if form == "images" else write_images(tmp_path, images)
    y = LABELS[how](Y)
    before = np.array(y, copy=True)
    sampler = sampler_named(name, **({"output_dir": tmp_path / "o"} if name == "SMOTE" else {}))
    _, result = sampler.fit_resample(X, y)
    assert type(result) is type(y)
    np.testing.assert_array_equal(np.asarray(y), before)
    np.testing.assert_array_equal(np.asarray(result), before[sampler.plan_.base])
    if hasattr(y, "dtype"):
        assert result.dtype == y.dtype
    if hasattr(y, "name"):
        assert result.name == y.name


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_plan_holds_the_labels_of_the_result(name):
    sampler = sampler_named(name)
    _, y = sampler.fit_resample(make_images(len(Y), (6, 5), "uint8"), list(Y))
    assert sampler.plan_.y.tolist() == y
    assert {label: y.count(label) for label in COUNTS} == dict.fromkeys(
        COUNTS, 5 if name == "RandomUnderSampler" else 12
    )


class Tensor:
    """Has the shape and the conversion of a tensor, and no more."""

    def __init__(self, array):
        self.array = array
        self.shape, self.ndim, self.dtype = array.shape, array.ndim, array.dtype

    def __len__(self):
        return len(self.array)

    def __array__(self, dtype=None, copy=None):
        return self.array if dtype is None else self.array.astype(dtype)


def test_tensors_are_taken_as_arrays():
    X = make_images(len(Y), (6, 5), "uint8")
    for name in SAMPLERS:
        expected, _ = sampler_named(name).fit_resample(X, Y)
        result, _ = sampler_named(name).fit_resample(Tensor(X), Y)
        np.testing.assert_array_equal(result, expected)


def test_a_frame_of_pixels_is_embedded_as_its_array_is():
    images = make_images(N, (20,), "uint8")
    sampler = RandomOverSampler(synthesis="blend", embedding=PCA(3), random_state=0)
    expected, _ = sampler.fit_resample(images, Y)
    frame = pd.DataFrame(images).add_prefix("pixel ")
    resampled, _ = sampler.fit_resample(frame, Y)
    np.testing.assert_array_equal(resampled.to_numpy(), expected)
    assert (resampled.dtypes == np.uint8).all() and list(resampled) == list(frame)


@pytest.mark.parametrize("embedding", [None, PCA(3)], ids=str)
def test_two_columns_of_paths_are_refused(embedding):
    frame = pd.DataFrame({"left": ["a.png"] * N, "right": ["b.png"] * N})
    sampler = RandomOverSampler(synthesis="blend", embedding=embedding)
    with pytest.raises(ValueError, match=r"\(24, 2\).*'a.png'.*one column of paths"):
        sampler.fit_resample(frame, Y)
