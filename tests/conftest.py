"""What the tests of the laws share: labels, images, and every way to hold images."""

import os
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

import hypothesis
import numpy as np
import pytest

from imblearn_images import core
from imblearn_images.core import parallel
from imblearn_images.core.files import read_image, write_image
from imblearn_images.core.images import Images

if find_spec("torch"):
    os.environ.setdefault("KERAS_BACKEND", "torch")  # else Keras wants TensorFlow

hypothesis.settings.register_profile(
    "house", deadline=None, max_examples=30, derandomize=True, database=None
)
hypothesis.settings.load_profile("house")


def pytest_collection_modifyitems(items):
    """Skip the examples of extras that are not installed."""
    for item in items:
        if "torch" in item.path.parts and not find_spec("torch"):
            item.add_marker(pytest.mark.skip(reason="PyTorch is not installed"))
        if item.path.name == "keras.py" and not find_spec("keras"):
            item.add_marker(pytest.mark.skip(reason="Keras is not installed"))


def a_third(things, turn):
    """Every third of a dict, from another one on at each turn: over three turns all are met.

    For a law over two axes that do not interact, as doors and containers, which all doors unwrap
    alike: each door meets containers of every kind, each container many doors.
    """
    return {key: things[key] for key in [*things][turn % 3 :: 3]}


COUNTS = {"cat": 12, "dog": 7, "owl": 5}


def make_labels(counts=COUNTS, seed=0):
    labels = np.repeat(list(counts), list(counts.values()))
    return np.random.default_rng(seed).permutation(labels)


def make_images(n, shape, dtype, seed=0):
    """Random images over the whole range of an integer dtype, 0..1 for floats."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random((n, *shape)) < 0.5
    if dtype.kind == "f":
        return rng.random((n, *shape)).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, (n, *shape), dtype=dtype, endpoint=True)


def write_images(folder, images, names=None):
    """One lossless file per image, paths in order."""
    suffix = ".png" if images[0].dtype in (bool, np.uint8, np.uint16) else ".tif"
    names = [f"{row:03d}" for row in range(len(images))] if names is None else names
    paths = [str(folder / f"{name}{suffix}") for name in names]
    for path, image in zip(paths, images, strict=True):
        write_image(path, image, flush=False)
    return paths


def read_images(paths):
    return np.stack([read_image(path) for path in np.asarray(paths, dtype=object).ravel()])


def as_objects(images):
    X = np.empty(len(images), dtype=object)
    for row, image in enumerate(images):
        X[row] = image
    return X


def _memmap(images, folder):
    X = np.memmap(folder / "images.bin", images.dtype, "w+", shape=images.shape)
    X[:] = images
    X.flush()
    return np.memmap(folder / "images.bin", images.dtype, "r", shape=images.shape)


def _read_only(images, folder):
    X = images.copy()
    X.flags.writeable = False
    return X


def _channels_last_view(images, folder):
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(images, -1, 1)), 1, -1)


class Negatives(Images):
    """A home of pixels that this library does not know: computed when they are read."""

    def __init__(self, images):
        self.dtype = images.dtype
        self.negatives = self._turned(images)

    def _turned(self, images):
        return ~images if self.dtype.kind in "bui" else -images

    def __len__(self):
        return len(self.negatives)

    def shape_of(self, row):
        return self.negatives.shape[1:]

    def read(self, rows, out):
        out[...] = self._turned(self.negatives[rows])


class Chunked:
    """A store, as zarr and h5py have it: chunks, and slices of rows."""

    def __init__(self, array, height=5):
        self.array, self.shape, self.dtype, self.ndim = array, array.shape, array.dtype, array.ndim
        self.chunks = (height, *array.shape[1:])
        self.n_read = self.n_at_once = 0

    def __len__(self):
        return len(self.array)

    def __getitem__(self, rows):
        first = rows[0] if isinstance(rows, tuple) else rows
        if not isinstance(first, (int, slice)):
            raise TypeError("rows must increase")  # as h5py has it
        n_read = len(self.array[rows]) if isinstance(first, slice) else 1
        self.n_read += n_read
        self.n_at_once = max(self.n_at_once, n_read)
        return self.array[rows]

    def __array__(self, dtype=None, copy=None):
        return self[:] if dtype is None else self[:].astype(dtype)


HOLDERS = {
    "array": lambda images, folder: images.copy(),
    "fortran": lambda images, folder: np.asfortranarray(images),
    "reversed": lambda images, folder: images[:, ::-1].copy()[:, ::-1],
    "transposed": _channels_last_view,
    "read_only": _read_only,
    "memmap": _memmap,
    "list": lambda images, folder: list(images.copy()),
    "objects": lambda images, folder: as_objects(images.copy()),
    "files": lambda images, folder: write_images(folder, images),
    "home": lambda images, folder: Negatives(images),
    "store": lambda images, folder: Chunked(images.copy()),
}
"""Name -> function (images, empty folder) -> X that holds them."""

GREY, COLOUR = (6, 5), (4, 5, 3)
KINDS = [
    (GREY, "uint8"),
    (COLOUR, "uint8"),
    (GREY, "uint16"),
    (GREY, "float32"),
    (COLOUR, "float32"),
    (COLOUR, "float64"),
    (GREY, "int16"),
    (COLOUR, "bool"),
]
FILE_KINDS = [(GREY, "uint8"), (COLOUR, "uint8"), (GREY, "uint16"), (GREY, "float32")]


class Held:
    """Images in a holder: `X` for the sampler, `images` the same pixels in one array."""

    def __init__(self, how, shape, dtype, folder):
        self.how, self.folder = how, folder
        self.y = make_labels()
        self.images = make_images(len(self.y), shape, dtype, seed=1)
        (folder / "source").mkdir()
        self.X = HOLDERS[how](self.images, folder / "source")

    def pixels(self, X):
        if self.how == "home":
            return np.asarray(X)
        return read_images(X) if self.how == "files" else np.stack(list(X))

    def where(self):
        """Parameters a sampler needs on these images."""
        return {"output_dir": self.folder / "children"} if self.how == "files" else {}


@pytest.fixture(
    params=[
        pytest.param((how, shape, dtype), id=f"{how}-{'x'.join(map(str, shape))}-{dtype}")
        for how in HOLDERS
        for shape, dtype in (FILE_KINDS if how == "files" else KINDS)
    ]
)
def held(request, tmp_path):
    return Held(*request.param, tmp_path)


CORE = [import_module(f"{core.__name__}.{found.name}") for found in iter_modules(core.__path__)]


@pytest.fixture
def threads(monkeypatch):
    """Spread small work over threads, too: what tests are made of is too small for it."""

    def in_threads(*args, small=False, **kwargs):
        return parallel.in_threads(*args, **kwargs)

    for module in CORE:
        if hasattr(module, "in_threads") and module is not parallel:
            monkeypatch.setattr(module, "in_threads", in_threads)


@pytest.fixture
def on_a_screen(monkeypatch):
    """Standard error is taken for a terminal, so that there are progress bars to see."""
    monkeypatch.setattr("imblearn_images.core.parallel._is_seen", lambda: True)


def patch_sizes(monkeypatch, size):
    """Work in blocks, chunks, tiles and slices of this size wherever the core has such."""
    patched = [
        (module, name)
        for module in CORE
        for name in ("BLOCK", "CHUNK", "TILE", "SLICE")
        if hasattr(module, name)
    ]
    assert len(patched) >= 4
    for module, name in patched:
        monkeypatch.setattr(module, name, size)
