"""Stores: chunked arrays on disk and on clusters are read a few chunks at a time."""

import pickle

import numpy as np
import pytest
from conftest import Chunked, make_images, make_labels

from imblearn_images import (
    SMOTE,
    RandomOverSampler,
    RandomUnderSampler,
    TomekLinks,
    render,
)
from imblearn_images.core import images as homes
from imblearn_images.core import stores
from imblearn_images.images import DrawnImages, StoreImages
from imblearn_images.synthesis import Augment

Y = make_labels()
X = make_images(len(Y), (9, 7, 3), "uint8")
SAMPLERS = {
    "SMOTE": SMOTE(k_neighbors=2, random_state=0),
    "augment": RandomOverSampler(random_state=0, synthesis=Augment()),
    "copies": RandomOverSampler(random_state=0),
    "selection": RandomUnderSampler(random_state=0),
    "cleaning": TomekLinks(),
}


def zarr_array(images, folder):
    zarr = pytest.importorskip("zarr", reason="zarr is not installed")
    options = {"shape": images.shape, "chunks": (5, *images.shape[1:]), "dtype": images.dtype}
    array = zarr.open(str(folder / "images.zarr"), mode="w", **options)
    array[:] = images
    return array


def h5py_array(images, folder, chunks=True):
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    file = h5py.File(folder / "images.h5", "w")
    array = file.create_dataset("images", data=images, chunks=chunks or None)
    file.flush()
    return array


def contiguous(images, folder):
    return h5py_array(images, folder, chunks=False)


def dask_array(images, folder):
    da = pytest.importorskip("dask.array", reason="dask is not installed")
    return da.from_array(images, chunks=((5, 7, len(images) - 12), *images.shape[1:]))


KINDS = {
    "chunked": lambda images, folder: Chunked(images),
    "zarr": zarr_array,
    "h5py": h5py_array,
    "h5py without chunks": contiguous,
    "dask": dask_array,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SAMPLERS)
def test_a_store_gives_what_its_array_gives(name, kind, tmp_path):
    sampler = SAMPLERS[name]
    expected, y_expected = sampler.fit_resample(X, Y)
    store = KINDS[kind](X, tmp_path)
    X_res, y_res = sampler.fit_resample(store, Y)
    assert type(X_res).__module__.partition(".")[0] == ("dask" if kind == "dask" else "numpy")
    np.testing.assert_array_equal(np.asarray(X_res), expected)
    np.testing.assert_array_equal(y_res, y_expected)

    later, _ = sampler.fit_resample(StoreImages(store), Y)
    assert isinstance(later, homes.Images)
    np.testing.assert_array_equal(np.asarray(later), expected)
    out = np.zeros_like(expected)
    np.testing.assert_array_equal(render(sampler.plan_, store, out=out), expected)
    sent = pickle.loads(pickle.dumps(StoreImages(store)))
    np.testing.assert_array_equal(np.asarray(sent), X)


def test_what_decides_on_labels_reads_nothing_and_what_is_drawn_is_read_by_the_chunk():
    store = Chunked(np.repeat(X, 50, axis=0), height=20)
    y = np.repeat(Y, 50)
    drawn, _ = RandomOverSampler(random_state=0, synthesis=Augment()).fit_resample(
        StoreImages(store), y
    )
    assert store.n_read == 0 and isinstance(drawn, DrawnImages)
    out = np.empty((2, 9, 7, 3), np.uint8)
    drawn.read(np.array([3, 4]), out)
    assert store.n_read == 20
    np.testing.assert_array_equal(out, store.array[3:5])


def test_few_chunks_are_remembered(monkeypatch):
    monkeypatch.setattr(homes, "CACHE", 2 * X[:5].nbytes)
    images = StoreImages(Chunked(X))
    out = np.empty((1, 9, 7, 3), np.uint8)
    for row in (0, 6, 1, 7, 12, 13, 7):
        images.read(np.array([row]), out)
        np.testing.assert_array_equal(out[0], X[row])
    assert images.array.n_read == 15


def test_dask_reads_nothing_before_it_computes_and_has_few_tasks():
    da = pytest.importorskip("dask.array", reason="dask is not installed")
    read = []

    class Watched(Chunked):
        def __getitem__(self, rows):
            read.append(rows)
            return super().__getitem__(rows)

    many, y = np.repeat(X, 100, axis=0), np.repeat(Y, 100)
    array = da.from_array(Watched(many), chunks=(50, -1, -1, -1), asarray=False)
    embeddings = np.random.default_rng(0).random((len(y), 3))
    smote = SMOTE(random_state=0)
    expected, _ = smote.fit_resample(many, y, embeddings=embeddings)
    read.clear()
    X_res, _ = smote.fit_resample(array, y, embeddings=embeddings)
    assert not read and X_res.shape == expected.shape and X_res.chunks[0][:48] == (50,) * 48
    assert len(X_res.__dask_graph__()) < 5 * array.numblocks[0] + X_res.numblocks[0]
    np.testing.assert_array_equal(X_res.compute(), expected)


def test_a_pool_that_no_worker_holds_is_refused(monkeypatch):
    da = pytest.importorskip("dask.array", reason="dask is not installed")
    monkeypatch.setattr(stores, "POOL", 1000)
    with pytest.raises(MemoryError, match=r"drawn from \d+ images of .*render_files.*out=store"):
        SAMPLERS["SMOTE"].fit_resample(da.from_array(X), Y)


def test_what_is_no_store_is_refused():
    for array in (X[0, 0], "images.zarr", 3):
        with pytest.raises(TypeError, match=r"`array` must have the shape \(n, H, W\)"):
            StoreImages(array)
