"""Stores: chunked arrays on disk and on clusters are read a few chunks at a time."""

import contextlib
import errno
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Barrier, BrokenBarrierError

import numpy as np
import pytest
from conftest import Chunked, make_images, make_labels, write_images
from PIL import Image
from sklearn.model_selection import train_test_split

from imblearn_images import (
    MLSMOTE,
    SMOTE,
    LabelOverSampler,
    LabelUnderSampler,
    RandomOverSampler,
    RandomUnderSampler,
    RedrawImages,
    ResamplingPlan,
    TomekLinks,
    render,
)
from imblearn_images.core import images as homes
from imblearn_images.core import rendering
from imblearn_images.images import (
    DrawnImages,
    FileImages,
    ItemImages,
    RemoteReader,
    StoreImages,
)
from imblearn_images.synthesis import Augment

Y = make_labels()
X = make_images(len(Y), (9, 7, 3), "uint8")
SAMPLERS = {
    "SMOTE": SMOTE(k_neighbors=2, random_state=0),
    "augment": RandomOverSampler(random_state=0, synthesis=Augment()),
    "copies": RandomOverSampler(random_state=0),
    "selection": RandomUnderSampler(random_state=0),
    "cleaning": TomekLinks(),
    "redrawn": RedrawImages(Augment(), random_state=0),
}
SEVERAL = [[label, "animal"] if row % 3 else [label] for row, label in enumerate(Y)]
LABEL_SAMPLERS = {
    "LabelOverSampler": LabelOverSampler(random_state=0),
    "augment": LabelOverSampler(random_state=0, synthesis=Augment()),
    "LabelUnderSampler": LabelUnderSampler(sampling_strategy={"cat": 10}, random_state=0),
    "MLSMOTE": MLSMOTE(random_state=0, k_neighbors=2),
    "redrawn": SAMPLERS["redrawn"],
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


@pytest.mark.parametrize("kind", ["chunked", "dask"])
@pytest.mark.parametrize("name", LABEL_SAMPLERS)
def test_a_store_of_images_with_several_labels_gives_what_its_array_gives(name, kind, tmp_path):
    sampler = LABEL_SAMPLERS[name]
    expected, y_expected = sampler.fit_resample(X, SEVERAL)
    store = KINDS[kind](X, tmp_path)
    X_res, y_res = sampler.fit_resample(store, SEVERAL)
    assert type(X_res).__module__.partition(".")[0] == ("dask" if kind == "dask" else "numpy")
    np.testing.assert_array_equal(np.asarray(X_res), expected)
    assert y_res == y_expected
    assert kind == "dask" or store.n_at_once <= 5  # a chunk at a time


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


def test_what_draws_later_does_so_after_a_split_and_behind_another_sampler():
    images = StoreImages(Chunked(X))
    part, _, y, _ = train_test_split(images, Y, test_size=0.2, random_state=0, stratify=Y)
    sampler = RandomOverSampler(random_state=0, synthesis=Augment())
    once, y_once = sampler.fit_resample(part, y)
    twice, _ = RedrawImages(Augment(), random_state=0).fit_resample(once, y_once)
    for drawn in (once, twice):
        assert isinstance(drawn, DrawnImages)
    now, _ = RedrawImages(Augment(), random_state=0).fit_resample(np.asarray(once), y_once)
    np.testing.assert_array_equal(np.asarray(twice), now)


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
    monkeypatch.setattr(rendering, "POOL", 1000)
    with pytest.raises(MemoryError, match=r"drawn from \d+ images of .*render_files.*out=store"):
        SAMPLERS["SMOTE"].fit_resample(da.from_array(X), Y)


def test_what_is_no_store_is_refused():
    for array in (X[0, 0], "images.zarr", 3):
        with pytest.raises(TypeError, match=r"`array` must have the shape \(n, H, W\)"):
            StoreImages(array)


class Stopped(Chunked):
    """A store that takes some rows, and then no more."""

    def __init__(self, array, most):
        super().__init__(array)
        self.most = most

    def __setitem__(self, rows, block):
        self.most -= len(block)
        if self.most < 0:
            raise OSError("the disk is full")
        self.array[rows] = block


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_rendering_that_was_cut_short_is_taken_up(name, tmp_path, monkeypatch):
    monkeypatch.setattr(rendering, "CHUNK", 5 * X[0].nbytes)
    sampler = SAMPLERS[name]
    expected, _ = sampler.fit_resample(X, Y)
    plan, store, note = sampler.plan_, Chunked(X), tmp_path / "rows"
    sampler.fit_resample(StoreImages(store), Y)
    out = np.zeros_like(expected)
    for most in (7, 5):
        with pytest.raises(OSError, match="the disk is full"):
            render(sampler.plan_, store, out=Stopped(out, most), checkpoint=note, n_jobs=1)
        with note.open("a") as file:
            file.write("7 1")  # the power went off
    n_drawn, read = [], rendering._draw
    monkeypatch.setattr(
        rendering, "_draw", lambda *given: n_drawn.append(given[3] - given[2]) or read(*given)
    )
    render(plan, X, out=out, checkpoint=note, n_jobs=2)
    np.testing.assert_array_equal(out, expected)
    assert not note.exists()
    assert sum(n_drawn) <= len(plan) - 10 + 11, "rows were drawn twice"  # some are compared


@pytest.mark.parametrize("n_letters", [0, 9, 64])
def test_a_checkpoint_that_was_cut_in_its_first_line_is_begun_again(n_letters, tmp_path):
    plan, note = ResamplingPlan.selection(np.arange(10), Y[:10]), tmp_path / "rows"
    for limit in (0, 10):
        out = np.zeros_like(X[:10])
        note.write_text(rendering._digest_of(plan, out)[:n_letters])
        with contextlib.suppress(OSError):
            render(plan, X[:10], out=Stopped(out, limit), checkpoint=note)
    np.testing.assert_array_equal(out, X[:10])


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    sampler = SAMPLERS["augment"]
    expected, _ = sampler.fit_resample(X, Y)
    plan, note = sampler.plan_, tmp_path / "rows"
    with pytest.raises(ValueError, match="`out` must be given with `checkpoint`"):
        render(plan, X, checkpoint=note)
    with pytest.raises(OSError, match="full"):
        render(plan, Chunked(X), out=Stopped(np.zeros_like(expected), 0), checkpoint=note)
    with note.open("a") as file:
        file.write("0 36\n")
    with pytest.raises(ValueError, match=r"`out` does not hold row 0, of which .*\"r\+\""):
        render(plan, X, out=np.zeros_like(expected), checkpoint=note)
    other = RandomOverSampler(random_state=1, synthesis=Augment())
    other.fit_resample(X, Y)
    with pytest.raises(ValueError, match="is of another plan or another `out`"):
        render(other.plan_, X, out=np.zeros_like(expected), checkpoint=note)
    note.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="something else altogether"):
        render(plan, X, out=np.zeros_like(expected), checkpoint=note)


def test_items_of_a_data_set_are_images():
    pairs = [{"image": Image.fromarray(image), "at": row} for row, image in enumerate(X)]
    for sampler in SAMPLERS.values():
        expected, _ = sampler.fit_resample(X, Y)
        drawn, _ = sampler.fit_resample(ItemImages(pairs, "image"), Y)
        np.testing.assert_array_equal(np.asarray(drawn), expected)
        turned = ItemImages(list(X.swapaxes(1, 2)), lambda item: item.swapaxes(0, 1))
        np.testing.assert_array_equal(np.asarray(sampler.fit_resample(turned, Y)[0]), expected)
    mixed = ItemImages([X[0], X[1, :4]])
    assert mixed.uniform is None and mixed.shape_of(1) == (4, 7, 3) and mixed.uniform is None
    out = np.empty((2, 9, 7, 3), np.uint8)
    mixed.read(np.array([1, 0]), out)
    np.testing.assert_array_equal(out[1], X[0])


def test_items_that_change_from_one_reading_to_the_next_are_told_so():
    sides = count(4)
    changing = Changing(lambda row: np.zeros((next(sides), 3), np.uint8))
    with pytest.raises(
        ValueError, match=r"same images each time, got shape \(5, 3\) in row 0 after"
    ):
        ItemImages(changing).read(np.array([0]), np.empty((1, 4, 3), np.uint8))


class Changing(list):
    def __init__(self, image):
        super().__init__([0, 1])
        self.image = image

    def __getitem__(self, row):
        return self.image(row)


def test_items_that_are_read_once_are_those_of_a_known_shape():
    read = []

    class Watched(list):
        def __getitem__(self, row):
            read.append(row)
            return super().__getitem__(row)

    images = ItemImages(Watched(X), shape=(9, 7, 3))
    RandomUnderSampler(random_state=0).fit_resample(images, Y)
    assert read == [0] and images.uniform == (9, 7, 3)


@pytest.mark.parametrize(
    ("dataset", "options", "error", "words"),
    [
        ((x for x in X), {}, TypeError, "`dataset` must have a length"),
        ([], {}, ValueError, "must hold an image, got an empty list"),
        ([(X[0], "cat")], {}, ValueError, "holds no image .* got tuple"),
        ([(X[0], "cat")], {"key": "image"}, ValueError, "row 0 of the data set is a tuple without"),
        (["a.png"], {}, ValueError, "Row 0 of the data set holds no image .* Say with `key`"),
        ([X[0], X[0, 0]], {}, ValueError, r"shape \(7, 3\) in row 1"),
        ([X[0], X[0] / 2], {}, ValueError, r"got float64 .* in row 1, and uint8"),
        ([X[0], X[0, :, :, :1]], {}, ValueError, r"shape \(9, 7, 1\) in row 1"),
        ([X[0]], {"shape": (9, 7)}, ValueError, r"`shape` must be .*got \(9, 7\), and row 0"),
        ([X[0], X[0, :4]], {"shape": (9, 7, 3)}, ValueError, "row 1 has .* Leave it out"),
    ],
)
def test_items_that_are_no_images_are_named(dataset, options, error, words):
    with pytest.raises(error, match=words):
        np.asarray(ItemImages(dataset, **options))


def test_files_elsewhere_are_fetched_once_and_the_cache_stays_small(tmp_path):
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")
    urls = [f"memory://stores/{row}.png" for row in range(len(X))]
    for url, path in zip(urls, write_images(tmp_path, X), strict=True):
        with fsspec.open(url, "wb") as file:
            file.write(Path(path).read_bytes())
    size = max(path.stat().st_size for path in tmp_path.glob("*.png"))
    reader = RemoteReader(tmp_path / "cache", max_bytes=5 * size)
    fetched = []
    content = reader._content
    reader._content = lambda path: fetched.append(path) or content(path)
    for row in (0, 1, 2, 0, 1, 3, 4, 0, 5, 6, 0):
        np.testing.assert_array_equal(reader(urls[row]), X[row])
    assert [urls.index(url) for url in fetched] == [0, 1, 2, 3, 4, 5, 6]
    assert sum(each.stat().st_size for each in (tmp_path / "cache").iterdir()) <= 5 * size

    del reader._content
    again = pickle.loads(pickle.dumps(reader))  # another process finds what is there
    again._content = None
    np.testing.assert_array_equal(again(urls[0]), X[0])
    for each in (tmp_path / "cache").iterdir():
        each.write_bytes(b"")  # damaged
    np.testing.assert_array_equal(reader(urls[0]), X[0])
    with fsspec.open("memory://stores/no.png", "wb") as file:
        file.write(b"no image")
    with pytest.raises(ValueError, match=r"memory://stores/no\.png: `reader` raised ValueError"):
        FileImages([*urls[:2], "memory://stores/no.png"], reader=reader)
    for sampler in (SAMPLERS["copies"], SAMPLERS["selection"]):
        sampler.fit_resample(FileImages(urls, np.empty(0, int), reader=reader), Y)
    with pytest.raises(ValueError, match="`max_bytes` must be a number of bytes"):
        RemoteReader(max_bytes=0)


def test_a_file_is_fetched_by_one_thread_and_leaves_nothing_if_the_disk_is_full(
    tmp_path, monkeypatch
):
    png, fetched, both = write_images(tmp_path, X[:1])[0], [], Barrier(2)
    reader = RemoteReader(tmp_path / "cache")

    def content(path):
        fetched.append(path)
        with contextlib.suppress(BrokenBarrierError):
            both.wait(0.05)  # a second thread would come, too
        return Path(png).read_bytes()

    reader._content = content
    with ThreadPoolExecutor(2) as pool:
        for image in pool.map(reader, ["memory://one.png"] * 2):
            np.testing.assert_array_equal(image, X[0])
    assert len(fetched) == 1

    def full(*given):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        reader("memory://two.png")
    assert len(list((tmp_path / "cache").iterdir())) == 1
