"""What a user gets to read when something is wrong: the row or class, and what to do."""

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import as_objects, make_images, make_labels, write_images
from imblearn.over_sampling import ADASYN as ImblearnADASYN
from imblearn.under_sampling import EditedNearestNeighbours as ImblearnEditedNearestNeighbours
from sklearn.neighbors import NearestNeighbors

from imblearn_images import (
    ADASYN,
    SMOTE,
    SMOTEENN,
    EditedNearestNeighbours,
    ImageSampler,
    RandomOverSampler,
    RandomUnderSampler,
)

Y = make_labels()
N = len(Y)
X = make_images(N, (6, 5), "uint8")
PATHS = [f"no such folder/{row}.png" for row in range(N)]
SAMPLERS = [
    SMOTE(random_state=0, k_neighbors=2),
    RandomOverSampler(random_state=0),
    RandomUnderSampler(random_state=0),
]
every_sampler = pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: type(s).__name__)
random_samplers = pytest.mark.parametrize("sampler", SAMPLERS[1:], ids=lambda s: type(s).__name__)


def replaced(values, row, value):
    values = list(values)
    values[row] = value
    return values


@every_sampler
@pytest.mark.parametrize(
    "data", [X, X.reshape(N, -1), PATHS, list(X)], ids=["3-D", "2-D", "paths", "list"]
)
@pytest.mark.parametrize("surplus", [-1, 1, -23])
def test_images_and_labels_of_two_lengths_are_refused_with_both(sampler, data, surplus):
    y = list(Y[:surplus]) if surplus < 0 else [*Y, "cat"]
    with pytest.raises(ValueError, match=f"{N}.*{len(y)}"):
        sampler.fit_resample(data, y)
    with pytest.raises(ValueError, match=f"{N}.*{len(y)}"):
        sampler.fit(data, y)


@every_sampler
@pytest.mark.parametrize(
    "data",
    [X[:0], X.reshape(N, -1)[:0], [], (), np.array([], dtype=str), pd.Series([], dtype=object)],
    ids=["3-D", "2-D", "list", "tuple", "paths", "Series"],
)
def test_no_images_at_all_are_refused(sampler, data):
    with pytest.raises(ValueError, match=r"no pixels|0 sample|at least|[Ee]mpty"):
        sampler.fit_resample(data, [])


@every_sampler
@pytest.mark.parametrize("shape", [(0, 5), (6, 0), (6, 5, 0)])
def test_images_without_pixels_are_refused(sampler, shape):
    with pytest.raises(ValueError, match="no pixels"):
        sampler.fit_resample(np.zeros((N, *shape), np.uint8), Y)


@every_sampler
@pytest.mark.parametrize("data", [X, X.reshape(N, -1), PATHS], ids=["3-D", "2-D", "paths"])
@pytest.mark.parametrize("y", [["cat"] * N, np.zeros(N, int), pd.Series(["cat"] * N)], ids=type)
def test_one_class_is_refused_by_name(sampler, data, y):
    with pytest.raises(ValueError, match=r"more than 1 class.*cat|more than 1 class.*0"):
        sampler.fit_resample(data, y)


MISSING = {
    "None": lambda: replaced(Y, 7, None),
    "NaN": lambda: replaced(np.unique(Y, return_inverse=True)[1].astype(float), 7, np.nan),
    "NaN among text": lambda: np.array(replaced(Y, 7, np.nan), dtype=object),
    "None in an array": lambda: np.array(replaced(Y, 7, None), dtype=object),
    "Series": lambda: pd.Series(replaced(Y, 7, None)),
    "categorical": lambda: pd.Series(replaced(Y, 7, None), dtype="category"),
    "nullable integers": lambda: pd.Series(
        replaced(np.unique(Y, return_inverse=True)[1], 7, pd.NA), dtype="Int64"
    ),
    "nullable text": lambda: pd.Series(replaced(Y, 7, pd.NA), dtype="string"),
    "pd.NA among objects": lambda: np.array(replaced(Y, 7, pd.NA), dtype=object),
    "NaT": lambda: np.array(replaced(Y, 7, pd.NaT), dtype=object),
}


@every_sampler
@pytest.mark.parametrize("case", MISSING)
@pytest.mark.parametrize("data", [X, X.reshape(N, -1), PATHS], ids=["3-D", "2-D", "paths"])
def test_a_missing_label_is_refused_with_its_row(sampler, case, data):
    with pytest.raises(ValueError, match=r"row 7\b") as error:
        sampler.fit_resample(data, MISSING[case]())
    assert "1 missing" in str(error.value)


@every_sampler
@pytest.mark.parametrize("missing", [None, np.nan])
def test_fit_refuses_missing_labels_as_fit_resample_does(sampler, missing):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=r"row 7\b"):
            sampler.fit(X, replaced(np.arange(N) % 3, 7, missing))


@every_sampler
@pytest.mark.parametrize("y", [replaced(Y, 7, 3), np.array(replaced(Y, 7, 3.5), object)], ids=type)
def test_labels_of_two_types_are_refused_with_rows_of_both(sampler, y):
    with pytest.raises(ValueError, match=r"(row 0\b.*row 7\b|row 7\b.*row 0\b)"):
        sampler.fit_resample(X, y)


@every_sampler
def test_a_regression_target_is_refused(sampler):
    with pytest.raises(ValueError, match="Unknown label type"):
        sampler.fit_resample(X, np.linspace(0, 1, N))


# --- images of different shapes


@every_sampler
@pytest.mark.parametrize("hold", [list, tuple, as_objects], ids=["list", "tuple", "objects"])
@pytest.mark.parametrize(
    ("other", "shown"),
    [
        (np.zeros((6, 6), np.uint8), "(6, 6)"),
        (np.zeros((6, 5, 3), np.uint8), "(6, 5, 3)"),
        (np.zeros((6, 5), np.float32), "float32"),
    ],
    ids=["shape", "colour", "dtype"],
)
@pytest.mark.parametrize("row", [0, 11])
def test_an_image_of_another_shape_is_named_by_its_row(sampler, hold, other, shown, row):
    with pytest.raises(ValueError, match=rf"row {row}\b") as error:
        sampler.fit_resample(hold(replaced(X, row, other)), Y)
    message = str(error.value)
    assert shown in message and "(6, 5)" in message and "paths" in message


@every_sampler
@pytest.mark.parametrize("dtype", [complex, "datetime64[s]", "S3"])
def test_dtypes_that_are_no_images_are_refused_by_name(sampler, dtype):
    with pytest.raises(ValueError, match=re.escape(str(np.dtype(dtype)))):
        sampler.fit_resample(np.zeros((N, 3, 3), dtype), Y)


@every_sampler
def test_arrays_of_paths_with_more_columns_are_no_images(sampler):
    with pytest.raises(ValueError, match=r"dtype|numeric|paths"):
        sampler.fit_resample(np.full((N, 3, 2), "a.png"), Y)


# --- paths


PATH_HOLDERS = {
    "list": list,
    "tuple": tuple,
    "objects": lambda paths: np.array(paths, dtype=object),
    "Series": lambda paths: pd.Series(paths, dtype=object),
    "DataFrame": lambda paths: pd.DataFrame({"file": paths}, dtype=object),
    "column": lambda paths: np.array(paths, dtype=object)[:, None],
}


@every_sampler
@pytest.mark.parametrize("how", PATH_HOLDERS)
@pytest.mark.parametrize("value", [None, np.nan, 3], ids=str)
@pytest.mark.parametrize("row", [0, 9])
def test_a_row_that_is_no_path_is_named(sampler, how, value, row):
    with pytest.raises(ValueError, match=rf"Row {row}\b.*not a file path"):
        sampler.fit_resample(PATH_HOLDERS[how](replaced(PATHS, row, value)), Y)


@every_sampler
@pytest.mark.parametrize("row", [0, 9])
def test_an_array_among_paths_is_named_in_few_words(sampler, row):
    with pytest.raises(ValueError, match=rf"^Row {row} of X is an array of shape \(6, 5\), not"):
        sampler.fit_resample(replaced(PATHS, row, X[0]), Y)
    rest = replaced(X, row, PATHS[0])
    with pytest.raises(ValueError, match=r"^Row \d of X is an array of shape \(6, 5\), not"):
        sampler.fit_resample(rest, Y)


BYTES = [path.encode() for path in PATHS]
BYTE_HOLDERS = {**PATH_HOLDERS, "S": np.array, "nested": lambda paths: [[path] for path in paths]}


@every_sampler
@pytest.mark.parametrize("how", BYTE_HOLDERS)
def test_paths_in_bytes_are_refused(sampler, how):
    with pytest.raises(ValueError, match=r"^Row 0 of X is .*b'no such.* give a str or"):
        sampler.fit_resample(BYTE_HOLDERS[how](BYTES), Y)


def test_one_path_is_no_set_of_images():
    for X in (b"a.png", "a.png", np.array("a.png")):
        with pytest.raises((ValueError, TypeError)):
            RandomOverSampler().fit_resample(X, ["a"])


# --- too few neighbors


@pytest.mark.parametrize(
    ("k", "needed"),
    [(5, 6), (7, 8), (NearestNeighbors(n_neighbors=6), 6)],
    ids=["5", "7", "object"],
)
@pytest.mark.parametrize("form", ["3-D", "2-D", "paths", "float"])
def test_a_class_with_too_few_images_is_named_with_a_remedy(k, needed, form, tmp_path):
    y = ["cat"] * 15 + ["dog"] * 8 + ["owl"] * 3
    images = make_images(26, (4, 4), "uint8")
    data = {
        "3-D": images,
        "2-D": images.reshape(26, -1),
        "float": images.astype(float),
        "paths": write_images(tmp_path, images),
    }[form]
    with pytest.raises(ValueError, match="'owl'") as error:
        SMOTE(k_neighbors=k, output_dir=tmp_path / "out").fit_resample(data, y)
    message = str(error.value)
    assert re.search(r"n_samples = 3\b", message) and f"at least {needed}" in message
    assert "k_neighbors" in message and "RandomOverSampler" in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "sampler",
    [
        EditedNearestNeighbours(n_neighbors=99),
        EditedNearestNeighbours(n_neighbors=99, embedding="thumbnail"),
        ADASYN(n_neighbors=99),
        SMOTEENN(enn=ImblearnEditedNearestNeighbours(n_neighbors=99)),
        ImageSampler(ImblearnADASYN(n_neighbors=99)),
    ],
    ids=lambda s: type(s).__name__,
)
def test_too_few_images_for_the_neighbours_are_counted_by_class_once(sampler):
    y = ["cat"] * 12 + ["dog"] * 8
    with pytest.raises(ValueError, match="n_neighbors <= n_samples") as caught:
        sampler.fit_resample(X[:20], y)
    assert str(caught.value).count("numbers of images: 'cat': 12, 'dog': 8.") == 1


@pytest.mark.parametrize("count", [1, 2, 5])
def test_k_neighbors_is_never_lowered(count):
    y = ["cat"] * 20 + ["owl"] * count
    with pytest.raises(ValueError, match=f"n_samples = {count}.*at least 6"):
        SMOTE().fit_resample(make_images(20 + count, (4, 4), "uint8"), y)


@pytest.mark.parametrize("k", [0, -1, 2.5, "3", None])
def test_impossible_numbers_of_neighbors_are_refused(k):
    with pytest.raises(ValueError, match="k_neighbors"):
        SMOTE(k_neighbors=k).fit_resample(X, Y)


# --- NaN and infinity


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(6, 5), (4, 3, 3)])
def test_images_to_be_mixed_must_be_finite_and_bad_rows_are_named(value, dtype, shape):
    images = make_images(N, shape, dtype)
    rows = np.flatnonzero(Y == "dog")[[1, 4]]
    images[rows, -1, -1] = value
    with pytest.raises(ValueError, match="NaN or infinity") as error:
        SMOTE(k_neighbors=2).fit_resample(images, Y)
    assert f"rows {rows[0]}, {rows[1]}." in str(error.value)


def test_many_bad_rows_are_counted():
    images = make_images(90, (6, 5), "float32")
    y = np.repeat(["cat", "dog"], [60, 30])
    images[70:] = np.nan
    with pytest.raises(ValueError, match=r"rows 70, 71, .* and 10 more"):
        SMOTE().fit_resample(images, y)


def test_nan_in_a_class_that_is_not_mixed_passes():
    images = make_images(N, (6, 5), "float32")
    images[Y == "cat"] = np.nan
    X_res, _ = SMOTE(k_neighbors=2, random_state=0).fit_resample(images, Y)
    np.testing.assert_array_equal(X_res[:N], images)
    assert np.isfinite(X_res[N:]).all()


@random_samplers
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("shape", [(30,), (6, 5)])
def test_copies_let_nan_pass(sampler, value, shape):
    images = make_images(N, shape, "float32")
    images[::3] = value
    X_res, _ = sampler.fit_resample(images, Y)
    np.testing.assert_array_equal(X_res, images[sampler.sample_indices_])


@pytest.mark.parametrize("shape", [(30,), (6, 5)])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_noise_on_nan_is_refused_as_imbalanced_learn_refuses_it(shape, value):
    images = make_images(N, shape, "float64")
    images[int(np.flatnonzero(Y == "dog")[0]), 2] = value
    with pytest.raises(ValueError, match=r"NaN|infinity|numerical"):
        RandomOverSampler(shrinkage=1.0, random_state=0).fit_resample(images, Y)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_in_float_files_is_refused_with_the_row(tmp_path, value):
    images = make_images(N, (6, 5), "float32")
    row = int(np.flatnonzero(Y == "owl")[2])
    images[row, 1, 1] = value
    paths = write_images(tmp_path, images)
    with pytest.raises(ValueError, match=rf"rows {row}\."):
        SMOTE(k_neighbors=2, output_dir=tmp_path / "out").fit_resample(paths, Y)
    assert not list((tmp_path / "out").glob("*"))


# --- a bad call leaves nothing behind


@every_sampler
def test_a_refused_call_leaves_the_images_alone(sampler):
    before = X.copy()
    with pytest.raises(ValueError, match="missing"):
        sampler.fit_resample(X, replaced(Y, 3, None))
    np.testing.assert_array_equal(X, before)


@every_sampler
@pytest.mark.parametrize(
    "strategy",
    [{"cat": 1, "wolf": 3}, "everything", 0.0, 1.5, {"cat": -1}, {"dog": 3 * N}, {"dog": 1}],
    ids=str,
)
def test_strategies_are_refused_where_imbalanced_learn_refuses_them(sampler, strategy):
    peer = next(cls for cls in type(sampler).__mro__ if cls.__module__.startswith("imblearn."))
    params = {"sampling_strategy": strategy, "random_state": 0}
    params |= {"k_neighbors": 2} if isinstance(sampler, SMOTE) else {}
    flat = X.reshape(N, -1).astype(float)
    refusal = expected = None
    try:
        _, expected = peer(**params).fit_resample(flat, Y)
    except ValueError as error:
        refusal = str(error)
    if refusal is None:
        np.testing.assert_array_equal(type(sampler)(**params).fit_resample(X, Y)[1], expected)
    else:
        with pytest.raises(ValueError, match=re.escape(refusal)):
            type(sampler)(**params).fit_resample(X, Y)


@every_sampler
@pytest.mark.parametrize("folder", ["photos", Path("photos")], ids=["str", "Path"])
def test_a_folder_is_not_its_images(sampler, folder):
    with pytest.raises(ValueError, match="load_image_folder"):
        sampler.fit_resample(folder, Y)


@every_sampler
@pytest.mark.parametrize("value", [None, 3, [1, 2]], ids=str)
def test_objects_that_are_neither_images_nor_paths_are_refused(sampler, value):
    X = np.empty(N, dtype=object)
    X[:] = [value] * N
    with pytest.raises(ValueError, match=r"Row 0.*neither an image"):
        sampler.fit_resample(X, Y)


@every_sampler
@pytest.mark.parametrize("name", ["embedings", "sample_weight", "function"])
@pytest.mark.parametrize("method", ["fit", "fit_resample"])
def test_what_fit_resample_does_not_take_is_refused_with_what_it_takes(sampler, method, name):
    taken = "X, y" if isinstance(sampler, RandomUnderSampler) else "X, y, embeddings"
    words = (
        f"{type(sampler).__name__}.{method}: it takes ({taken}), got an unexpected keyword "
        f"argument '{name}'. Leave that out."
    )
    with pytest.raises(TypeError, match=f"^{re.escape(words)}$"):
        getattr(sampler, method)(X, Y, **{name: np.ones(N)})


@pytest.mark.parametrize("form", [X, X.reshape(N, -1), PATHS], ids=["3-D", "2-D", "paths"])
def test_random_under_sampling_looks_at_no_embeddings(form):
    sampler = RandomUnderSampler(random_state=0)
    with pytest.raises(
        TypeError, match=r"RandomUnderSampler.*it takes \(X, y\), got.*'embeddings'"
    ):
        sampler.fit_resample(form, Y, embeddings=np.ones((N, 2)))


@pytest.mark.parametrize(
    ("sampler", "asked", "label"),
    [
        (RandomOverSampler, {"dog": 60, "owl": 2}, "owl"),
        (SMOTE, {"owl": 40, "dog": 2}, "dog"),
        (RandomUnderSampler, {"cat": 2, "owl": 300}, "owl"),
        (RandomUnderSampler, {"cat": 2, "wolf": 3}, "wolf"),
    ],
)
@pytest.mark.parametrize("form", [X, X.reshape(N, -1), PATHS], ids=["3-D", "2-D", "paths"])
def test_a_number_that_cannot_be_had_is_told_with_its_class(sampler, asked, label, form):
    words = f"Class '{label}' has {list(Y).count(label)} images .* asks for {asked[label]}"
    for method in ("fit", "fit_resample"):
        with pytest.raises(ValueError, match=words):
            getattr(sampler(sampling_strategy=asked), method)(form, Y)
