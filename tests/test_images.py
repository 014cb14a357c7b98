import errno
import os
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from conftest import make_images, write_images
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import imblearn_images
from imblearn_images.core.files import read_image
from imblearn_images.core.images import ArrayImages, FileImages, open_images

ROWS = np.array([5, 0, 5, 3])


def test_every_home_gives_the_same_pixels(held):
    images = open_images(held.X)
    assert len(images) == len(held.images)
    assert images.dtype == held.images.dtype
    assert images.shape_of(3) == held.images.shape[1:]
    out = np.empty((len(ROWS), *held.images.shape[1:]), dtype=held.images.dtype)
    images.read(ROWS, out)
    np.testing.assert_array_equal(out, held.images[ROWS])


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


def test_files_keep_the_paths_they_were_given(tmp_path):
    paths = np.array(write_images(tmp_path, make_images(6, (4, 5, 3), "uint8")), dtype=object)
    files = FileImages(paths)
    assert files.paths is paths and files.uniform == (4, 5, 3)
    some = files.subset(ROWS)
    assert [some.name_of(row) for row in range(4)] == paths[ROWS].tolist()
    assert some.shape_of(3) == (4, 5, 3)


def test_no_other_module_asks_where_pixels_live():
    package = Path(imblearn_images.__file__).parent
    for module in package.rglob("*.py"):
        if module.name != "images.py":
            text = module.read_text(encoding="utf-8")
            assert not re.search(r"isinstance\([^()]*\b(File|Array)Images", text), module
