import errno
import os
import pickle
import re
import tracemalloc
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from conftest import Negatives, make_images, write_images
from hypothesis import given
from hypothesis import strategies as st
from imblearn.pipeline import make_pipeline
from joblib import Parallel, delayed
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.model_selection import cross_val_score
from sklearn.naive_bayes import GaussianNB

import imblearn_images
from imblearn_images import SMOTE, RandomOverSampler, RandomUnderSampler, render
from imblearn_images.core.embedding import Similarity, embed
from imblearn_images.core.files import read_image
from imblearn_images.core.images import ArrayImages, FileImages, open_images
from imblearn_images.core.pixels import resized
from imblearn_images.core.rendering import DrawnImages
from imblearn_images.datasets import load_image_folder
from imblearn_images.neighbors import ImageNeighbors
from imblearn_images.preprocessing import FlattenImages, HOGFeatures, ReadImages
from imblearn_images.synthesis import Augment, Morph

ROWS = np.array([5, 0, 5, 3])
THIRDS = np.tile([0, 0, 1], 3)


def test_every_home_gives_the_same_pixels(held):
    images = open_images(held.X)
    assert len(images) == len(held.images)
    assert images.dtype == held.images.dtype
    assert images.shape_of(3) == held.images.shape[1:]
    out = np.empty((len(ROWS), *held.images.shape[1:]), dtype=held.images.dtype)
    images.read(ROWS, out)
    np.testing.assert_array_equal(out, held.images[ROWS])


class Stack(Negatives):
    """A home that has all pixels at hand, the last image first."""

    def pixels(self, rows, size=None, *, n_jobs=None):
        images = self._turned(self.negatives[::-1])
        images = images if size is None else resized(images, tuple(size))
        return images.reshape(len(self), -1), len(self) - 1 - rows


class Unsure(Stack):
    """One that does not know whether shapes differ."""

    uniform = None


@pytest.mark.parametrize(
    "look",
    [
        np.asarray,
        lambda X: ImageNeighbors(n_neighbors=2).fit(X).kneighbors(X[np.array([3, 1])]),
        lambda X: (
            Similarity(
                Unsure(X._turned(X.negatives)) if isinstance(X, Stack) else open_images(X)
            ).source
        ),
        lambda X: embed(X, PCA(2, random_state=0))[0],
        lambda X: np.asarray(SMOTE(k_neighbors=2, random_state=0).fit_resample(X, THIRDS)[0]),
    ],
    ids=["array", "neighbours", "similarity", "embedding", "search"],
)
def test_pixels_are_taken_from_where_their_home_says_that_they_are(look):
    X = make_images(9, (5, 4), "uint8")
    for expected, found in zip(look(X), look(Stack(X)), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_what_is_images_already_is_left_alone():
    images = ArrayImages(np.zeros((3, 2, 2)))
    assert open_images(images) is images


@given(st.permutations(range(4)), st.booleans())
def test_the_pixel_matrix_is_a_view_in_any_order_of_the_axes(order, fortran):
    X = np.arange(5 * 4 * 3 * 2, dtype=np.uint16).reshape(5, 4, 3, 2)
    stored = np.array(X.transpose(order), order="F" if fortran else "C")
    view = stored.transpose(np.argsort(order))
    np.testing.assert_array_equal(view, X)
    rows = np.arange(5)
    pixels, positions = ArrayImages(view).pixels(rows)
    assert pixels.shape == (5, 24) and positions.tolist() == rows.tolist()
    assert sorted(pixels[2]) == sorted(X[2].ravel())
    columns = np.argsort(pixels[0])  # one order of the pixels for all images
    np.testing.assert_array_equal(pixels[:, columns], X.reshape(5, -1))
    n_axis = np.argsort(order)[0]
    if n_axis in (0, 3):  # images apart, or pixel by pixel: every axis of one image merges
        assert np.shares_memory(pixels, stored)


def test_files_of_one_size_are_decoded_to_their_own_pixels(tmp_path):
    images = make_images(40, (6, 5, 3), "uint8")
    files = FileImages(write_images(tmp_path, images))
    pixels, _ = files.pixels(np.array([7, 39, 0]))
    np.testing.assert_array_equal(pixels, images[[7, 39, 0]].reshape(3, -1))


@pytest.mark.parametrize("n_jobs", [1, 2, -1])
def test_files_of_other_sizes_are_resized_when_read(tmp_path, n_jobs):
    small, large = make_images(20, (6, 5), "uint8"), make_images(20, (12, 9), "uint8")
    paths = write_images(tmp_path, [*small, *large])
    files = FileImages(paths, n_jobs=n_jobs)
    assert files.shape_of(0) == (6, 5) and files.shape_of(25) == (12, 9)
    pixels, _ = files.pixels(np.arange(40), (8, 8), n_jobs=n_jobs)
    for row in (0, 19, 20, 39):
        expected = read_image(paths[row], size=(8, 8))
        np.testing.assert_array_equal(pixels[row].reshape(8, 8), expected)
    out = np.empty((2, 12, 9), dtype=np.uint8)
    files.read(np.array([3, 30]), out)
    np.testing.assert_array_equal(out[0], read_image(paths[3], size=(12, 9)))
    np.testing.assert_array_equal(out[1], large[10])


def test_only_the_files_of_the_rows_asked_for_are_opened(tmp_path):
    paths = [str(tmp_path / "missing.png")] * 3 + write_images(
        tmp_path, make_images(2, (4, 4), "uint8")
    )
    files = FileImages(paths, np.array([3, 4]))
    assert len(files) == 5 and files.shape_of(4) == (4, 4)
    with pytest.raises(FileNotFoundError, match=r"(?s)3 of 5.*missing.png"):
        FileImages(paths)


def test_files_that_cannot_be_read_are_all_named(tmp_path):
    paths = write_images(tmp_path, make_images(4, (4, 4), "uint8"))
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "empty.png").write_bytes(b"")
    paths += [str(tmp_path / name) for name in ("text.png", "empty.png", "gone.png")]
    with pytest.raises(ValueError, match="3 of 7") as error:
        FileImages(paths)
    for name in ("text.png", "empty.png", "gone.png"):
        assert name in str(error.value)


@pytest.mark.parametrize("other", ["RGB", "RGBA", "P", "I;16", "1", "LA"])
def test_files_of_different_modes_are_named_with_both_ways_out(tmp_path, other):
    paths = write_images(tmp_path, make_images(4, (4, 4), "uint8"))
    Image.new(other, (4, 4)).save(tmp_path / "other.png")
    with pytest.raises(ValueError, match="2 kinds") as error:
        FileImages([*paths, str(tmp_path / "other.png")])
    message = str(error.value)
    assert (
        "other.png" in message and "000.png" in message and 'mode="RGB" (of ReadImages' in message
    )


def test_files_of_different_modes_are_named_whenever_they_are_looked_at(tmp_path):
    paths = write_images(tmp_path, make_images(2, (4, 4), "uint8"))
    Image.new("RGB", (4, 4)).save(tmp_path / "other.png")
    files = FileImages([*paths, str(tmp_path / "other.png")], np.array([0]))
    assert files.shape_of(1) == (4, 4)
    with pytest.raises(ValueError, match="2 kinds"):
        files.shape_of(2)


def test_no_file_stays_open(tmp_path):
    paths = write_images(tmp_path, make_images(30, (4, 4), "uint8"))
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    files = FileImages(paths)
    pixels, _ = files.pixels(np.arange(30), (4, 4), n_jobs=2)
    if before is not None:  # the spool's memory needs no descriptor
        assert len(os.listdir("/proc/self/fd")) <= before + 1
    assert pixels.shape == (30, 16)


@pytest.mark.parametrize("part", ["cut out", "mirrored", "without alpha"])
def test_only_the_rows_asked_for_are_copied_where_images_are_parts_of_others(part):
    whole = make_images(30, (8, 7, 4), "uint8")
    X = {
        "cut out": whole[:, 2:6, 1:5],
        "mirrored": whole[:, :, ::-1],
        "without alpha": whole[..., :3],
    }[part]
    rows = np.array([3, 29, 7])
    pixels, positions = ArrayImages(X).pixels(rows)
    assert len(pixels) == 3 and positions.tolist() == [0, 1, 2]
    back = [ArrayImages(X).in_image_order(row) for row in pixels]
    np.testing.assert_array_equal(back, X[rows])


def test_a_full_disk_is_a_message_and_no_bus_error(tmp_path, monkeypatch):
    paths = write_images(tmp_path, make_images(5, (6, 5), "uint8"))

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match=r"No space left.*TMPDIR") as error:
        FileImages(paths).pixels(np.arange(5))
    assert error.value.errno == errno.ENOSPC


def test_every_home_is_pickled_and_reads_the_same(held):
    images = pickle.loads(pickle.dumps(open_images(held.X)))
    out = np.empty((len(ROWS), *held.images.shape[1:]), dtype=held.images.dtype)
    images.read(ROWS, out)
    np.testing.assert_array_equal(out, held.images[ROWS])


def test_the_pixel_matrix_of_a_pickled_view_is_no_copy():
    X = np.arange(5 * 4 * 3 * 2, dtype=np.uint16).reshape(2, 3, 4, 5).transpose(3, 1, 0, 2)[::2]
    images = pickle.loads(pickle.dumps(ArrayImages(X)))
    pixels, _ = images.pixels(np.arange(len(X)))
    assert np.shares_memory(pixels, images.array)


def test_files_keep_the_paths_they_were_given(tmp_path):
    paths = np.array(write_images(tmp_path, make_images(6, (4, 5, 3), "uint8")), dtype=object)
    files = FileImages(paths)
    assert files.paths is paths and files.uniform == (4, 5, 3)
    some = files.subset(ROWS)
    assert [some.name_of(row) for row in range(4)] == paths[ROWS].tolist()
    assert some.shape_of(3) == (4, 5, 3)


class Unread(Negatives):
    def read(self, rows, out):
        raise AssertionError("a sampler that selects has read pixels")


@pytest.mark.parametrize("sampler", [RandomUnderSampler(), RandomOverSampler()])
def test_who_selects_reads_nothing(sampler):
    images = Unread(make_images(6, (4, 3), "uint8"))
    selected, _ = sampler.fit_resample(images, ["a"] * 4 + ["b"] * 2)
    assert len(selected) == len(sampler.plan_) and selected.uniform == (4, 3)


@pytest.mark.parametrize(
    "sampler",
    [
        SMOTE(k_neighbors=1, random_state=0),
        SMOTE(k_neighbors=1, embedding="thumbnail", random_state=0),
        SMOTE(k_neighbors=1, embedding=HOGFeatures(), synthesis=Morph(), random_state=0),
        RandomOverSampler(synthesis=Augment(), accept=lambda images, y: images.mean((1, 2)) > 0),
    ],
)
def test_a_sampler_behind_another_needs_no_stored_pixels(sampler):
    """The rows of a plan are a home of pixels."""
    images, y = make_images(9, (9, 8), "uint8"), np.array(list("aaaaabbbc"))
    over = RandomOverSampler(sampling_strategy={"c": 3}, synthesis=Augment(), random_state=0)
    stored, labels = over.fit_resample(images, y)
    sampler.set_params(random_state=0)
    expected, _ = sampler.fit_resample(stored, labels)
    drawn = DrawnImages(over.plan_, open_images(images))
    np.testing.assert_array_equal(sampler.fit_resample(drawn, labels)[0], expected)


def test_an_array_made_of_a_home_is_the_callers_own(held):
    images = open_images(held.X)
    made = np.array(images)
    np.testing.assert_array_equal(made, held.images)
    made[...] = 0
    np.testing.assert_array_equal(np.asarray(images), held.images)


def test_cross_validation_divides_a_home():
    images = Negatives(make_images(12, (4, 3), "uint8"))
    model = make_pipeline(SMOTE(k_neighbors=1, random_state=0), FlattenImages(), GaussianNB())
    y = np.array(["a"] * 8 + ["b"] * 4)
    scores = cross_val_score(model, images, y, cv=2)
    np.testing.assert_array_equal(scores, cross_val_score(model, np.asarray(images), y, cv=2))


def test_pixels_of_a_home_go_into_other_processes():
    images = np.asarray(Negatives(make_images(50, (64, 64), "uint8")))
    (total,) = Parallel(n_jobs=2)(delayed(np.sum)(images[:40]) for _ in range(1))
    assert total == images[:40].sum()


def test_a_home_is_told_what_its_dtype_must_be():
    images = Negatives(make_images(6, (4, 3), "uint8"))
    images.dtype = np.uint8
    with pytest.raises(TypeError, match=r"`dtype` of Negatives must be a numpy.dtype"):
        SMOTE(k_neighbors=1).fit_resample(images, ["a"] * 4 + ["b"] * 2)


# --- a reader of one's own


@pytest.fixture
def scans(tmp_path):
    """Folders of files that only NumPy reads."""
    images = make_images(10, (5, 4), "uint16")
    for row, image in enumerate(images):
        folder = tmp_path / "scans" / ("ill" if row < 3 else "well")
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / f"{row}.npy", image)
    return tmp_path / "scans", images


def test_files_of_a_reader_are_resampled_as_their_pixels_are(scans, tmp_path):
    folder, pixels = scans
    images, y = load_image_folder(folder, reader=np.load, suffixes=[".NPY"])
    assert not images.shapes.any()  # no file was opened
    smote = SMOTE(k_neighbors=1, random_state=0, output_dir=tmp_path / "out")
    result, labels = smote.fit_resample(images, y)
    expected, _ = SMOTE(k_neighbors=1, random_state=0).fit_resample(pixels, y)
    result = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(np.asarray(result), expected)
    suffixes = [Path(path).suffix for path in result.paths]
    assert suffixes == [".npy"] * 10 + [".png"] * 4
    smote.set_params(output_dir=tmp_path / "again", sampling_strategy={"ill": 9})
    twice, _ = smote.fit_resample(result, labels)  # its own files beside those of the reader
    assert np.asarray(twice).shape == (16, 5, 4)
    np.testing.assert_array_equal(render(smote.plan_, result), np.asarray(twice))


def test_what_no_file_can_hold_is_refused_before_anything_is_drawn(scans, tmp_path):
    folder, _ = scans
    bands = partial(np.repeat, repeats=7, axis=-1)
    images, y = load_image_folder(
        folder, reader=lambda path: bands(np.load(path)[..., None]), suffixes=[".npy"]
    )
    with pytest.raises(ValueError, match=r"\(5, 4, 7\) and dtype uint16"):
        SMOTE(k_neighbors=1, output_dir=tmp_path / "out").fit_resample(images, y)
    assert not (tmp_path / "out").exists()
    X_res, _ = SMOTE(k_neighbors=1).fit_resample(np.asarray(images), y)
    assert X_res.shape == (14, 5, 4, 7)


@pytest.mark.parametrize(
    ("reader", "reason"),
    [
        (lambda path: 1 / 0, "reader` raised ZeroDivisionError"),
        (lambda path: "pixels", "must give an array of numbers"),
        (lambda path: np.zeros(3), "got shape .3,."),
        (lambda path: np.zeros((3, 3), "f4" if "5.npy" in path else "u1"), "got 2 kinds"),
    ],
)
def test_what_a_reader_does_wrong_is_told_with_the_file(scans, reader, reason):
    paths = sorted(map(str, scans[0].rglob("*.npy")))
    with pytest.raises(ValueError, match=reason) as error:
        FileImages(paths, reader=reader)
    assert "5.npy" in str(error.value)


def test_sizes_of_a_reader_may_differ(scans):
    paths = sorted(map(str, scans[0].rglob("*.npy")))
    images = FileImages(paths, reader=lambda p: np.load(p)[: 4 if "5.npy" in p else 5])
    assert images.uniform is None
    read = ReadImages(size=(3, 3)).fit_transform(images)
    assert read.shape == (10, 3, 3) and read.dtype == np.uint16
    with pytest.raises(ValueError, match="one array needs one shape"):
        np.asarray(images)


def test_endings_that_nobody_reads_are_refused(scans):
    with pytest.raises(ValueError, match=r"without a `reader`, got .'.npy'.*reader=numpy.load"):
        load_image_folder(scans[0], suffixes=[".npy"])
    with pytest.raises(ValueError, match="endings with a dot"):
        load_image_folder(scans[0], suffixes=".npy", reader=np.load)


def test_files_not_looked_at_yet_need_a_few_bytes_each():
    paths = np.array([f"photos/{row:06d}.png" for row in range(100_000)])
    tracemalloc.start()
    try:
        files = FileImages(paths, np.empty(0, dtype=np.intp))
        some = files.subset(np.arange(0, 100_000, 100))
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert files.paths is paths and len(some) == 1000
    assert kept < 2_000_000 and peak < 4_000_000


def test_no_other_module_asks_where_pixels_live():
    package = Path(imblearn_images.__file__).parent
    for module in package.rglob("*.py"):
        if module.name != "images.py":
            text = module.read_text(encoding="utf-8")
            assert not re.search(r"isinstance\([^()]*\b(File|Array)Images", text), module
