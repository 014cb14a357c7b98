from threading import Event, Thread

import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import seeds
from threadpoolctl import ThreadpoolController, threadpool_limits

from imblearn_images.core import neighbors
from imblearn_images.core.neighbors import nearest_neighbors, one_blas_thread

DTYPES = ["bool", "int8", "uint8", "int16", "uint16", "int32", "float32", "float64"]


def brute_force(pixels, rows, k):
    """All distances in exact integers; equal ones in order of position."""
    vectors = pixels[rows].astype(np.int64)
    distances = ((vectors[:, None] - vectors[None]) ** 2).sum(axis=2)
    np.fill_diagonal(distances, np.iinfo(np.int64).max)
    return np.argsort(distances, axis=1, kind="stable")[:, :k]


@st.composite
def searches(draw):
    m, d = draw(st.integers(2, 40)), draw(st.integers(1, 30))
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    rng = np.random.default_rng(draw(seeds))
    low, high = (0, 2) if dtype.kind == "b" else (0, 65536) if dtype == np.uint16 else (-9999, 9999)
    if dtype.itemsize == 1 and dtype.kind in "iu":
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max + 1
    if draw(st.booleans(), label="few grey levels, so many ties"):
        low, high = max(low, high - 3), high
    n = m + draw(st.integers(0, 5))
    pixels = rng.integers(low, high, (n, d)).astype(dtype)
    if draw(st.booleans(), label="doubles"):
        pixels[rng.integers(0, n, n // 2)] = pixels[0]
    rows = rng.permutation(n)[:m]
    k = draw(st.one_of(st.just(m - 1), st.integers(1, m - 1)))
    return pixels, rows, k


@given(searches(), st.integers(1, 45), st.integers(1, 31))
def test_neighbors_are_those_of_brute_force(search, tile, width):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbors, "TILE", tile)
        patch.setattr(neighbors, "SLICE", width)
        found = nearest_neighbors(*search)[1]
    assert found.dtype == np.intp
    np.testing.assert_array_equal(found, brute_force(*search))


@given(searches(), seeds, st.integers(1, 45), st.integers(1, 31))
def test_any_rows_may_ask_for_neighbors_among_any_others(search, seed, tile, width):
    pixels, rows, k = search
    queries = np.random.default_rng(seed).permutation(len(pixels))[: len(pixels) // 2 + 1]
    vectors = pixels.astype(np.int64)
    squared = ((vectors[queries, None] - vectors[rows][None]) ** 2).sum(axis=2)
    squared[queries[:, None] == rows] = np.iinfo(np.int64).max
    order = np.argsort(squared, axis=1, kind="stable")[:, :k]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbors, "TILE", tile)
        patch.setattr(neighbors, "SLICE", width)
        distances, found = nearest_neighbors(pixels, rows, k, queries=queries)
    np.testing.assert_array_equal(found, order)
    np.testing.assert_array_equal(distances, np.take_along_axis(squared, order, axis=1))


@pytest.mark.parametrize(("m", "d"), [(neighbors.TILE + 3, 20), (40, 2 * neighbors.SLICE + 5)])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16"])
@pytest.mark.parametrize("extremes", [True, False], ids=["extremes", "all levels"])
def test_no_precision_is_lost_over_tiles_and_slices(m, d, dtype, extremes):
    rng = np.random.default_rng(0)
    info = np.iinfo(dtype)
    if extremes:
        pixels = rng.choice(np.array([info.min, info.max], dtype), (m, d))
    else:
        pixels = rng.integers(info.min, info.max, (m, d), dtype=dtype, endpoint=True)
    rows = np.arange(m)
    np.testing.assert_array_equal(
        nearest_neighbors(pixels, rows, 7)[1][:40], chunked(pixels, 7)[:40]
    )


def chunked(pixels, k):
    vectors = pixels.astype(np.int64)
    nearest = []
    for row in range(min(40, len(vectors))):
        distances = ((vectors - vectors[row]) ** 2).sum(axis=1)
        distances[row] = np.iinfo(np.int64).max
        nearest.append(np.argsort(distances, kind="stable")[:k])
    return np.array(nearest)


@pytest.mark.parametrize("base", [0, 127, 255])
def test_images_that_differ_by_one_grey_level_in_one_pixel_are_told_apart(base):
    # 1024 pixels of the extreme level make the largest sums a slice can hold.
    pixels = np.full((4, neighbors.SLICE), base, dtype=np.uint8)
    step = 1 if base < 255 else -1
    for row in range(4):
        pixels[row, :row] += np.uint8(step % 256)
    expected = brute_force(pixels, np.arange(4), 3)
    np.testing.assert_array_equal(nearest_neighbors(pixels, np.arange(4), 3)[1], expected)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("n_jobs", [1, 2, 3, -1])
def test_threads_give_the_same_answer(n_jobs, monkeypatch):
    monkeypatch.setattr(neighbors, "TILE", 16)
    pixels = np.random.default_rng(0).integers(0, 3, (100, 9), dtype=np.uint8)
    expected = brute_force(pixels, np.arange(100), 6)
    np.testing.assert_array_equal(
        nearest_neighbors(pixels, np.arange(100), 6, n_jobs=n_jobs)[1], expected
    )
    with joblib.parallel_config(backend="loky", n_jobs=n_jobs):
        np.testing.assert_array_equal(nearest_neighbors(pixels, np.arange(100), 6)[1], expected)


@pytest.mark.parametrize("k", [-1, 0, 5, 6])
def test_more_neighbors_than_rows_are_refused(k):
    with pytest.raises(ValueError, match=f"between 1 and 4.*got {k}"):
        nearest_neighbors(np.zeros((9, 2), np.uint8), np.arange(5), k)


def test_the_pixels_are_left_alone(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (30, 40), dtype=np.uint8)
    before = pixels.copy()
    pixels.flags.writeable = False
    nearest_neighbors(pixels, np.arange(30), 3)
    np.testing.assert_array_equal(pixels, before)


def test_small_differences_of_large_floats_are_not_drowned():
    near = np.random.default_rng(0).random((40, 6))
    found = nearest_neighbors(near + 1e8, np.arange(40), 4)[1]
    np.testing.assert_array_equal(found, nearest_neighbors(near, np.arange(40), 4)[1])


def test_values_whose_distances_overflow_are_refused():
    with pytest.raises(ValueError, match=r"overflow.*Scale"):
        nearest_neighbors(np.random.default_rng(0).random((9, 4)) * 1e200, np.arange(9), 2)


def test_searches_in_many_threads_leave_blas_as_it_was():
    controller = ThreadpoolController().select(user_api="blas")
    before = [library["num_threads"] for library in controller.info()]
    X = np.random.default_rng(0).integers(0, 256, (600, 50), dtype=np.uint8)
    threads = [Thread(target=nearest_neighbors, args=(X, np.arange(600), 3)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [library["num_threads"] for library in controller.info()] == before


def test_the_thread_that_leaves_last_gives_blas_back():
    controller = ThreadpoolController().select(user_api="blas")
    before = [library["num_threads"] for library in controller.info()]
    entered, leave, has_left, end = Event(), Event(), Event(), Event()

    def first_in_and_first_out():
        with one_blas_thread:
            entered.set()
            leave.wait()
        has_left.set()
        end.wait()  # threadpoolctl lets others in where the thread that set a limit has ended

    thread = Thread(target=first_in_and_first_out, daemon=True)
    thread.start()
    entered.wait()
    with one_blas_thread:
        leave.set()
        has_left.wait()
        assert [library["num_threads"] for library in controller.info()] == [1] * len(before)
    assert [library["num_threads"] for library in controller.info()] == before
    with threadpool_limits(1):  # this thread is not shut out by the other
        assert [library["num_threads"] for library in controller.info()] == [1] * len(before)
    assert [library["num_threads"] for library in controller.info()] == before
    end.set()
    thread.join()
