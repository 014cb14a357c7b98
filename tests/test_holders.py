"""The law of the door: whatever holds the images, every public entry sees the same images."""

import copy
import re
from collections import UserList, deque
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import Negatives, a_third, as_objects, make_images, make_labels, write_images
from matplotlib import pyplot
from PIL import Image
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

import imblearn_images
from imblearn_images import (
    SMOTE,
    GenerativeOverSampler,
    ImageSampler,
    RandomOverSampler,
    ensemble,
    render,
)
from imblearn_images import (
    decision as decisions,
)
from imblearn_images import (
    preprocessing as steps,
)
from imblearn_images.core.images import ArrayImages, Images
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import DrawnImages
from imblearn_images.decision import (
    CascadeClassifier,
    MinorityDetector,
    PriorCorrectedClassifier,
    PriorCorrectedClassifierCV,
    TestTimeAugmentationClassifier,
    TunedThresholdsClassifier,
)
from imblearn_images.display import EmbeddingDisplay, FamilyDisplay
from imblearn_images.folders import export_images
from imblearn_images.model_selection import (
    check_leakage,
    compare_resamplers,
    near_duplicate_groups,
)
from imblearn_images.preprocessing import FlattenImages, HOGFeatures, ReadImages, ReshapeImages
from imblearn_images.synthesis import Augment

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")
torch = pytest.importorskip("torch")

COUNTS = {"cat": 12, "dog": 8}
Y = make_labels(COUNTS)
ROWS = np.array([0, 3, 3])
N, SHAPE = len(Y), (8, 8)
IMAGES = make_images(N, SHAPE, "uint8")


class NotAnArray:
    """What h5py, zarr, dask and xarray have in common."""

    def __init__(self, array):
        self.array, self.shape = array, array.shape
        self.ndim, self.dtype = array.ndim, array.dtype

    def __len__(self):
        return len(self.array)

    def __getitem__(self, rows):
        if not isinstance(rows, (int, slice)):
            raise TypeError("rows must increase")  # as h5py has it
        return self.array[rows]

    def __array__(self, dtype=None, copy=None):
        return self.array if dtype is None else self.array.astype(dtype)


class Column:
    """A sequence that says no more: a column of Hugging Face's, say."""

    def __init__(self, rows):
        self.rows = list(rows)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, row):
        return self.rows[row]


def series(values):
    return pd.Series(list(values), index=[f"row {row}" for row in range(len(values))], name="it")


def frame_of(values):
    return pd.DataFrame({"it": series(values)})


_smote = SMOTE(random_state=0)
_smote.fit_resample(IMAGES, Y)
PLAN = _smote.plan_
PILLOWS = [Image.fromarray(image) for image in IMAGES]
TENSORS = [torch.tensor(image) for image in IMAGES]
POLARS = pl.Series("it", IMAGES.tolist(), dtype=pl.Array(pl.Array(pl.UInt8, SHAPE[1]), SHAPE[0]))
NESTED = pa.list_(pa.list_(pa.uint8()))
PIXELS = {
    "list": lambda: list(IMAGES),
    "tuple": lambda: tuple(IMAGES),
    "objects": lambda: as_objects(IMAGES),
    "column of objects": lambda: as_objects(IMAGES)[:, None],
    "deque": lambda: deque(IMAGES),
    "UserList": lambda: UserList(IMAGES),
    "sequence": lambda: Column(IMAGES),
    "dict values": lambda: dict(enumerate(IMAGES)).values(),
    "memoryview": lambda: memoryview(IMAGES),
    "list of memoryviews": lambda: [memoryview(image) for image in IMAGES],
    "array-like": lambda: NotAnArray(IMAGES),
    "list of array-likes": lambda: [NotAnArray(image) for image in IMAGES],
    "Pillow list": lambda: list(PILLOWS),
    "Pillow tuple": lambda: tuple(PILLOWS),
    "Pillow objects": lambda: as_objects(PILLOWS),
    "Pillow Series": lambda: series(PILLOWS),
    "Pillow sequence": lambda: Column(PILLOWS),
    "Pillow polars": lambda: pl.Series("it", PILLOWS, dtype=pl.Object),
    "tensor": lambda: torch.tensor(IMAGES),
    "tensor list": lambda: list(TENSORS),
    "tensor tuple": lambda: tuple(TENSORS),
    "tensor objects": lambda: as_objects(TENSORS),
    "tensor Series": lambda: series(TENSORS),
    "Series": lambda: series(IMAGES),
    "DataFrame": lambda: frame_of(IMAGES),
    "polars": lambda: POLARS,
    "polars frame": lambda: POLARS.to_frame(),
    "Arrow": lambda: pa.array(IMAGES.tolist(), type=NESTED),
    "unmasked": lambda: np.ma.masked_array(IMAGES),
    "mixed list": lambda: [*PILLOWS[:9], *TENSORS[9:12], *IMAGES[12:]],
    "nested list": lambda: IMAGES.tolist(),
    "nested tuple": lambda: tuple(IMAGES.tolist()),
    "home": lambda: Negatives(IMAGES),
    "drawn": lambda: DrawnImages(
        ResamplingPlan.selection(np.arange(N)[::-1], Y), ArrayImages(IMAGES[::-1])
    ),
}
WIDE = {"nested list", "nested tuple"}  # Python's integers are NumPy's int64

PATHS = {
    "list": list,
    "tuple of Path": lambda paths: tuple(map(Path, paths)),
    "array": np.array,
    "StringDType": lambda paths: np.array(paths, dtype=getattr(np.dtypes, "StringDType", object)()),
    "object column": lambda paths: as_objects(paths)[:, None],
    "deque": deque,
    "sequence": Column,
    "dict keys": lambda paths: dict.fromkeys(paths).keys(),
    "array-like": lambda paths: NotAnArray(np.array(paths, dtype=object)),
    "Series": series,
    "DataFrame": frame_of,
    "Index": lambda paths: pd.Index(paths, name="it"),
    "Index of Path": lambda paths: pd.Index(list(map(Path, paths)), dtype=object),
    "Categorical": pd.Categorical,
    "CategoricalIndex": pd.CategoricalIndex,
    "string array": lambda paths: pd.array(paths, dtype="string"),
    "Arrow string array": lambda paths: pd.array(paths, dtype="string[pyarrow]"),
    "Series of Arrow": lambda paths: pd.Series(paths, dtype=pd.ArrowDtype(pa.string())),
    "polars": lambda paths: pl.Series("it", paths),
    "polars categories": lambda paths: pl.Series("it", paths, dtype=pl.Categorical),
    "polars Enum": lambda paths: pl.Series("it", paths, dtype=pl.Enum(paths)),
    "polars Path": lambda paths: pl.Series("it", list(map(Path, paths)), dtype=pl.Object),
    "polars frame": lambda paths: pl.DataFrame({"it": paths}),
    "Arrow": pa.array,
    "Arrow chunks": lambda paths: pa.chunked_array([paths[:5], paths[5:]]),
    "Arrow dictionary": lambda paths: pa.array(paths).dictionary_encode(),
    "Arrow table": lambda paths: pa.table({"it": paths}),
}
FEW = ("Arrow string array", "polars", "dict keys")
CHEAP = {"SMOTE", "RandomUnderSampler", "ReadImages", "render", "PriorCorrectedClassifier"}
NARROW = {"ReadImages", "TorchEmbedding", "export_images"}  # they have no use for int64


# --- the doors


def pixels_of(X):
    """Pixels of what a sampler has returned, in whatever container."""
    if hasattr(X, "to_pylist"):
        X = X.to_pylist()
    elif isinstance(X, (pd.DataFrame, pl.DataFrame)):
        X = list(X["it"])
    if isinstance(X, pl.Series):
        X = X.to_list()
    if isinstance(X, Images):
        X = np.asarray(X)
    if isinstance(X, np.ndarray) and X.dtype == object:
        X = X.ravel()
    return np.stack([np.asarray(image).reshape(SHAPE) for image in X])


def resampling(sampler):
    def run(X, y, folder):
        own = copy.deepcopy(sampler)
        X_res, y_res = own.fit_resample(X, y)
        return [pixels_of(X_res), np.asarray(y_res), own.plan_.base, own.plan_.partners]

    return run


def classifying(classifier):
    return lambda X, y, folder: copy.deepcopy(classifier).fit(X, y).predict_proba(X)


def transforming(step):
    return lambda X, y, folder: step.fit(X, y).transform(X)


def rendering(X, y, folder):
    return render(PLAN, X)


def embedding(X, y, folder):
    from imblearn_images.torch import TorchEmbedding

    torch.manual_seed(0)
    return TorchEmbedding(torch.nn.Conv2d(1, 3, 3)).fit(X).transform(X)


def comparing(X, y, folder):
    estimator = make_pipeline(ReadImages(), FlattenImages(), DecisionTreeClassifier(random_state=0))
    found = compare_resamplers(estimator, {"over": RandomOverSampler()}, X, y, cv=2, random_state=0)
    return found.to_frame().iloc[:, :3].to_numpy(dtype=object).tolist()


def exporting(X, y, folder):
    paths = export_images(X, y, folder / "out")
    return [np.asarray(Image.open(folder / "out" / path)) for path in paths]


def family(X, y, folder):
    pyplot.close("all")
    shown = FamilyDisplay.from_plan(PLAN, X, n=2)
    return [np.asarray(each.child) for each in shown.families]


def mapped(X, y, folder):
    pyplot.close("all")
    return EmbeddingDisplay.from_labels(X, y).places


def leaking(X, y, folder):
    report = check_leakage(X, X, threshold=None)
    return [(pair.train, pair.valid) for pair in report.pairs]


TREE = make_pipeline(ReadImages(), FlattenImages(), DecisionTreeClassifier(random_state=0))
DETECTOR = make_pipeline(
    ReadImages(), FlattenImages(), IsolationForest(n_estimators=5, random_state=0)
)
TAKES_MORE = {
    "SVMSMOTE": imblearn_images.SVMSMOTE(k_neighbors=2, m_neighbors=3, random_state=0),
    "GenerativeOverSampler": GenerativeOverSampler(KernelDensity(bandwidth=9), random_state=0),
    "ImageSampler": ImageSampler(RandomOverSampler(random_state=0)),
    "KMeansSMOTE": imblearn_images.KMeansSMOTE(
        cluster_balance_threshold=0.01, kmeans_estimator=2, k_neighbors=2, random_state=0
    ),
    "InstanceHardnessThreshold": imblearn_images.InstanceHardnessThreshold(
        estimator=DecisionTreeClassifier(random_state=0), cv=2, random_state=0
    ),
}
SAMPLERS = {
    name
    for name in imblearn_images.__all__
    if hasattr(getattr(imblearn_images, name), "fit_resample")
}


def sampler_named(name):
    if name in TAKES_MORE:
        return TAKES_MORE[name]
    sampler = getattr(imblearn_images, name)()
    return sampler.set_params(random_state=0) if "random_state" in sampler.get_params() else sampler


def ensemble_named(name):
    few = {"n_estimators": 2, "random_state": 0}
    if name == "PolicyEnsembleClassifier":
        few = {"policies": [("half", None, 0.5), ("whole", None, 1.0)], "cv": 2, "random_state": 0}
        return ensemble.PolicyEnsembleClassifier(TREE, **few)
    if name == "EasyEnsembleClassifier":  # by default of 50 trees each
        few["estimator"] = DecisionTreeClassifier(random_state=0)
    return getattr(ensemble, name)(**few)


SAMPLERS_AT_DOORS = {name: sampler_named(name) for name in sorted(SAMPLERS)} | {
    "RandomOverSampler, Augment": RandomOverSampler(synthesis=Augment(noise=0.01), random_state=0),
    "SMOTE, thumbnail": SMOTE(embedding="thumbnail", random_state=0),
}
DOORS = {name: resampling(sampler) for name, sampler in SAMPLERS_AT_DOORS.items()}
DOORS |= {name: classifying(ensemble_named(name)) for name in ensemble.__all__}
DOORS |= {
    "CascadeClassifier": classifying(CascadeClassifier(TREE)),
    "MinorityDetector": classifying(MinorityDetector(DETECTOR, rare="dog", cv=2)),
    "PriorCorrectedClassifier": classifying(PriorCorrectedClassifier(TREE, prior="uniform")),
    "PriorCorrectedClassifierCV": classifying(PriorCorrectedClassifierCV(TREE, cv=2)),
    "TestTimeAugmentationClassifier": classifying(
        TestTimeAugmentationClassifier(TREE, transforms=[np.flip], random_state=0)
    ),
    "TunedThresholdsClassifier": classifying(TunedThresholdsClassifier(TREE, cv=2)),
    "ReadImages": transforming(ReadImages(size=(4, 4))),
    "FlattenImages": transforming(FlattenImages()),
    "ReshapeImages": transforming(ReshapeImages(SHAPE)),
    "HOGFeatures": transforming(HOGFeatures()),
    "TorchEmbedding": embedding,
    "render": rendering,
    "compare_resamplers": comparing,
    "check_leakage": leaking,
    "near_duplicate_groups": lambda X, y, folder: near_duplicate_groups(X),
    "export_images": exporting,
    "FamilyDisplay": family,
    "EmbeddingDisplay": mapped,
}


@pytest.fixture(autouse=True)
def figures():
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp("files"), IMAGES)


@pytest.mark.parametrize("door", DOORS)
def test_every_holder_is_seen_as_the_array_is(door, tmp_path):
    expected = DOORS[door](IMAGES, Y, tmp_path / "array")
    some = PIXELS if door in CHEAP else a_third(PIXELS, [*DOORS].index(door))
    if door in NARROW:
        some = {how: held for how, held in some.items() if how not in WIDE}
    elif some.keys() & WIDE:
        wide = DOORS[door](IMAGES.astype(int), Y, tmp_path / "wide")
    for how, held in some.items():
        result = DOORS[door](held(), Y, tmp_path / how)
        np.testing.assert_equal(result, wide if how in WIDE else expected, err_msg=how)


READS_NO_PATHS = {"ReshapeImages", "FlattenImages"}
NEEDS_FOLDER = {"GenerativeOverSampler"}


def of_paths(door, X, y, folder):
    """Go through a door that writes synthetic images, or needs a reader, in its way."""
    sampler = None
    if door in SAMPLERS or door.startswith(("RandomOverSampler,", "SMOTE,")):
        sampler = copy.deepcopy(SAMPLERS_AT_DOORS[door])
        if "output_dir" in sampler.get_params():
            sampler.set_params(output_dir=folder / "children")
        X_res, _ = sampler.fit_resample(X, y)
        return [list(map(_shown, _flat(X_res))), sampler.plan_.base, sampler.plan_.partners]
    return DOORS[door](X, y, folder)


def _flat(X):
    if hasattr(X, "to_pylist"):
        found = X.to_pylist()
        return [row["it"] for row in found] if isinstance(found[0], dict) else found
    if isinstance(X, pl.DataFrame):
        X = X.to_series()
    values = X.to_list() if isinstance(X, pl.Series) else np.asarray(X, dtype=object).ravel()
    return list(values)


def _shown(path):
    """A path, of which that of a new file counts by its name alone."""
    path = Path(path)
    return path.name if path.parent.name == "children" else str(path)


@pytest.mark.parametrize("door", sorted(set(DOORS) - READS_NO_PATHS))
def test_every_column_of_paths_is_seen_as_the_list_is(door, files, tmp_path):
    expected = of_paths(door, files, Y, tmp_path / "list")
    some = PATHS if door in CHEAP else dict.fromkeys(FEW)
    for how in some:
        result = of_paths(door, PATHS[how](files), Y, tmp_path / how)
        np.testing.assert_equal(result, expected, err_msg=how)


# --- in as out


@pytest.mark.parametrize("how", PIXELS)
@pytest.mark.parametrize("name", ["RandomUnderSampler", "SMOTE"])
def test_images_come_back_in_their_container(name, how):
    X = PIXELS[how]()
    result, _ = sampler_named(name).fit_resample(X, Y)
    if isinstance(X, Images):  # selected they stay, drawn they are pixels
        assert isinstance(result, Images if name == "RandomUnderSampler" else np.ndarray)
        return
    plain = {"memoryview", "array-like", "unmasked"}
    lists = {"deque", "UserList", "sequence", "dict values", "Pillow sequence"}
    kind = np.ndarray if how in plain else list if how in lists else type(X)
    assert type(result) is kind
    if isinstance(X, torch.Tensor):
        assert result.dtype == X.dtype
    if isinstance(X, (pd.Series, pd.DataFrame)):
        assert result.index[0] == ("row 0" if name == "RandomUnderSampler" else 0) or len(X)
        assert list(result)[:0] == [] and getattr(result, "name", "it") == "it"
    if isinstance(X, (pl.Series, pl.DataFrame)):
        assert getattr(result, "dtypes", [getattr(result, "dtype", None)])[0] == (
            X.dtypes[0] if isinstance(X, pl.DataFrame) else X.dtype
        )
    if how.split()[0] in ("Pillow", "tensor") and how != "tensor":
        elements = _elements(result)
        wanted = Image.Image if how.startswith("Pillow") else torch.Tensor
        assert all(isinstance(element, wanted) for element in elements)


def _elements(X):
    return X.to_list() if isinstance(X, pl.Series) else list(X)


@pytest.mark.parametrize("how", PATHS)
def test_paths_come_back_in_their_column(how, files, tmp_path):
    X = PATHS[how](files)
    sampler = RandomOverSampler(random_state=0)
    result, _ = sampler.fit_resample(X, Y)
    kind = {
        "deque": list,
        "sequence": list,
        "dict keys": list,
        "array-like": np.ndarray,
        "Arrow dictionary": type(X),
    }.get(how, type(X))
    assert type(result) is kind
    assert _flat(result) == [
        _flat(X if kind is type(X) else files)[at] for at in sampler.plan_.base
    ]
    for name in ("dtype", "type", "name", "schema"):
        if hasattr(X, name) and kind is type(X):
            wanted = getattr(X, name)
            assert getattr(result, name) == wanted
    children, _ = SMOTE(random_state=0, output_dir=tmp_path / "new").fit_resample(X, Y)
    assert len(_flat(children)) == 24 and Path(_flat(children)[-1]).parent == tmp_path / "new"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "F"])
def test_images_of_pillow_are_seen_as_their_files_are(mode, tmp_path):
    rng = np.random.default_rng(0)
    made = [Image.fromarray(rng.integers(0, 256, (6, 5, 3), dtype=np.uint8)) for _ in range(N)]
    if mode == "P":
        made = [image.quantize(7) for image in made]
    elif mode == "I;16":
        made = [Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16)) for image in made]
    else:
        made = [image.convert("RGB" if mode == "RGB" else mode) for image in made]
    paths = [tmp_path / f"{row}.tif" for row in range(N)]
    for image, path in zip(made, paths, strict=True):
        image.save(path)
    expected = ReadImages().transform(paths)
    np.testing.assert_array_equal(ReadImages().transform(made), expected)
    result, _ = SMOTE(random_state=0).fit_resample(made, Y)
    assert result[0].mode == {"P": "RGB", "CMYK": "RGB", "YCbCr": "RGB"}.get(mode, mode)
    np.testing.assert_array_equal(
        np.stack([np.asarray(image) for image in result]),
        SMOTE(random_state=0).fit_resample(expected, Y)[0],
    )


def test_tensors_with_a_gradient_and_halves_are_taken():
    X = torch.rand(N, 1, 4, 4, requires_grad=True)
    result, _ = SMOTE(random_state=0).fit_resample(X, Y)
    assert isinstance(result, torch.Tensor) and result.dtype == torch.float32
    flat, _ = SMOTE(random_state=0).fit_resample(X.flatten(1), Y)
    assert torch.equal(flat, result.flatten(1))
    half, _ = RandomOverSampler(random_state=0).fit_resample(X.half(), Y)
    assert half.dtype == torch.float16
    with pytest.raises(ValueError, match=r"bfloat16.*X\.float\(\)"):
        SMOTE().fit_resample(X.bfloat16(), Y)


def test_a_frame_of_pixels_of_polars_is_resampled_as_one_of_pandas():
    rows = IMAGES.reshape(N, -1)
    frame = pl.DataFrame(rows, schema=[f"pixel {at}" for at in range(rows.shape[1])])
    result, _ = SMOTE(random_state=0).fit_resample(frame, Y)
    expected, _ = SMOTE(random_state=0).fit_resample(pd.DataFrame(rows), Y)
    assert result.schema == frame.schema
    np.testing.assert_array_equal(result.to_numpy(), expected.to_numpy())


# --- what is refused, and with which advice


class Pairs:
    """A data set of PyTorch."""

    samples = [("a.png", 0)] * N

    def __len__(self):
        return N

    def __getitem__(self, row):
        if not isinstance(row, int):
            raise TypeError(row)
        return torch.tensor(IMAGES[row]), 0


class Loader:
    def __len__(self):
        return 3

    def __iter__(self):
        yield IMAGES[:3], Y[:3]


RAGGED = [*PILLOWS[:3], PILLOWS[3].resize((4, 4)), *PILLOWS[4:]]
MASKED = np.ma.masked_array(IMAGES.astype("f4"))
MASKED[[4, 7], 0, 0] = np.ma.masked
REFUSED = {
    "generator": (lambda: (path for path in ["a.png"] * N), r"X is a generator.*list\(X\)"),
    "map": (lambda: map(str, range(N)), r"X is a map.*list\(X\)"),
    "dict": (lambda: dict(enumerate(IMAGES)), r"X is a dict.*list\(X\.values\(\)\)"),
    "set": (lambda: {f"{row}.png" for row in range(N)}, r"X is a set.*sorted\(X\)"),
    "pairs": (lambda: [("a.png", 0)] * N, r"Row 0 of X.*pair.*zip\(\*X\)"),
    "text pairs": (lambda: [["a.png", "cat"]] * N, r"Row 0 of X.*pair.*zip\(\*X\)"),
    "array of pairs": (lambda: np.array([["a.png", "cat"]] * N), r"Row 0 of X.*pair"),
    "image pairs": (lambda: [(image, 1) for image in IMAGES], r"Row 0 of X.*pair.*zip\(\*X\)"),
    "dataset": (Pairs, r"X is a Pairs.*dataset\.samples"),
    "loader": (Loader, r"X is a Loader.*no rows to choose from"),
    "dicts": (lambda: [{"image": PILLOWS[0], "label": 1}] * N, r"Row 0.*\[row\['image'\]"),
    "ragged Pillow": (lambda: RAGGED, r"row 3 has shape \(4, 4\).*resize"),
    "ragged objects": (lambda: as_objects(RAGGED), r"row 3 has shape \(4, 4\).*resize"),
    "ragged Series": (lambda: series(RAGGED), r"row 3 has shape \(4, 4\).*resize"),
    "ragged tensors": (lambda: [*TENSORS[:-1], TENSORS[0][:4]], r"row 19 has shape \(4, 8\)"),
    "ragged nested": (lambda: [[[1, 2], [3, 4]]] * 19 + [[[1, 2], [3]]], r"Row 19 of X"),
    "None": (lambda: [*IMAGES[:-1], None], r"Row 19 of X is None"),
    "None in objects": (lambda: as_objects([*IMAGES[:-1], None]), r"Row 19 of X is None"),
    "missing path": (lambda: series(["a.png"] * 19 + [None]), r"Row 19 of X is (None|nan)"),
    "missing in polars": (lambda: pl.Series(["a.png"] * 19 + [None]), r"Row 19 of X is None"),
    "one image": (lambda: PILLOWS[0], r"X is one image"),
    "masked": (lambda: MASKED, r"X contains masked values: rows 4, 7.*X\.filled\(value\)"),
    "masked rows": (lambda: MASKED.reshape(N, -1), r"masked values: rows 4, 7.*filled"),
    "masked list": (lambda: list(MASKED), r"Row 4 of X contains masked values.*filled"),
    "masked objects": (lambda: as_objects(MASKED), r"Row 4 of X contains masked.*filled"),
    "masked Series": (lambda: series(MASKED), r"Row 4 of X contains masked.*filled"),
}


@pytest.mark.parametrize("how", REFUSED)
def test_every_door_says_what_to_pass_instead(how, tmp_path):
    make, message = REFUSED[how]
    for door, run in DOORS.items():
        with pytest.raises((TypeError, ValueError)) as error:
            run(make(), Y, tmp_path / door)
        assert re.search(message, str(error.value)), f"{door}: {error.value}"


def test_masked_embeddings_are_refused():
    with pytest.raises(ValueError, match=r"`embeddings` contains masked values: rows 4, 7"):
        SMOTE().fit_resample(IMAGES, Y, embeddings=MASKED.reshape(N, -1))


def test_plans_keep_the_mask_of_companions():
    taken = PLAN.take(MASKED)
    assert np.ma.getmaskarray(taken)[PLAN.base == 4].any(axis=(1, 2)).all()


def test_no_public_entry_is_without_a_door():
    transformers = {name for name in steps.__all__ if hasattr(getattr(steps, name), "fit")}
    names = {*SAMPLERS, *ensemble.__all__, *decisions.__all__, *transformers}
    assert names <= set(DOORS)


# --- files with several frames


def test_further_frames_are_told_once_for_all_files(tmp_path):
    paths = write_images(tmp_path, IMAGES)
    for at in (3, 5):
        PILLOWS[at].save(paths[at] + ".tif", save_all=True, append_images=PILLOWS[:2])
        paths[at] += ".tif"
    wanted = f"2 files with more than one frame, the first is used, such as {paths[3]}."
    for door in ("ReadImages", "HOGFeatures", "compare_resamplers", "SMOTE", "render"):
        with pytest.warns(UserWarning, match="with more than one frame, the first is used") as told:
            result = of_paths(door, paths, Y, tmp_path / door)
        if door not in ("SMOTE", "render"):  # which look at the files that they draw from
            assert {str(each.message) for each in told} == {wanted}
        if door != "SMOTE":
            np.testing.assert_equal(result, DOORS[door](IMAGES, Y, tmp_path))


# --- images with NaN


def test_what_takes_nan_is_not_recommended_to_itself():
    X = IMAGES.astype("f4")
    X[np.flatnonzero(Y == "dog")] = np.nan
    for synthesis in (Augment(), "blend"):
        with pytest.raises(ValueError, match=r"RandomOverSampler\(\) without `synthesis` copies"):
            RandomOverSampler(synthesis=synthesis, random_state=0).fit_resample(X, Y)
    with pytest.raises(ValueError, match=r"out; RandomOverSampler copies them as they are\.$"):
        SMOTE(random_state=0).fit_resample(X, Y)
    assert len(RandomOverSampler(random_state=0).fit_resample(X, Y)[0]) == 24
