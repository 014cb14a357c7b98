from threading import Event, Thread
from types import SimpleNamespace

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import seeds
from threadpoolctl import ThreadpoolController, threadpool_limits

from imblearn_images.core import neighbors
from imblearn_images.core.neighbors import (
    DistanceTable,
    nearest_neighbors,
    one_blas_thread,
    squared_distances,
)
from imblearn_images.core.synthesis import Neighbourhood
from imblearn_images.neighbors import ImageNeighbors

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


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("n_jobs", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_threads_share_long_images_too(n_jobs, dtype, monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, (2300, 9)).astype(dtype)
    pixels = pixels[:20].repeat(115, axis=0).reshape(20, -1) + pixels.reshape(20, -1) // 2
    monkeypatch.setattr(neighbors, "SLICE", 200)
    added, add_up = [], neighbors._Search._add_up
    monkeypatch.setattr(
        neighbors._Search, "_add_up", lambda *args: (added.append(args[3]), add_up(*args))
    )
    search = neighbors._Search(pixels, np.arange(20), 6)
    assert search.is_one_tile == (dtype == "uint8")
    search.threads = n_jobs if search.is_one_tile else 1
    for pairs in search.steps():
        for pair in pairs:
            search.compare(*pair)
    np.testing.assert_array_equal(search.neighbors, brute_force(pixels, np.arange(20), 6))
    assert len(added) == search.threads


def tied(rng):
    """Floats that are there three times, so that rounding must not decide between them."""
    return np.vstack([rng.random((70, int(rng.integers(1, 80)))).astype(np.float32)] * 3)


@pytest.mark.parametrize("kind", ["all", "some ask", "blends"])
@settings(max_examples=20)
@given(seeds, st.integers(1, 9))
def test_the_order_in_which_tiles_are_compared_does_not_matter(kind, seed, k):
    rng = np.random.default_rng(seed)
    X = tied(rng) if rng.random() < 0.8 else np.repeat(tied(rng)[:1], 90, axis=0)
    rows = np.arange(len(X))
    partners, weights = rng.permutation(rows), rng.random(len(X)).round()
    results = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbors, "TILE", 16)
        patch.setattr(neighbors._BlendSearch, "height", 16)
        for rearranged in (list, reversed, rng.permutation):
            if kind == "blends":
                search = neighbors._BlendSearch(X, rows, k, partners, weights)
            else:
                search = neighbors._Search(X, rows, k, None if kind == "all" else rows[5::2])
            for pairs in search.steps():
                for pair in rearranged(pairs) if pairs else []:
                    search.compare(*pair)
            results.append((search.distances, search.neighbors))
    for distances, found in results[1:]:
        np.testing.assert_array_equal(distances, results[0][0])
        np.testing.assert_array_equal(found, results[0][1])


@pytest.mark.usefixtures("threads")
def test_threads_give_the_same_answer_for_floats_that_tie(monkeypatch):
    monkeypatch.setattr(neighbors, "TILE", 16)
    X = tied(np.random.default_rng(0))
    alone, together = (nearest_neighbors(X, np.arange(len(X)), 4, n_jobs=n)[1] for n in (1, 4))
    np.testing.assert_array_equal(alone, together)


def test_an_error_leaves_numpys_buffer_as_it_was(monkeypatch):
    def failing(*_):
        raise MemoryError

    usual = np.getbufsize()
    monkeypatch.setattr(neighbors._Search, "_candidates", failing)
    with pytest.raises(MemoryError):
        nearest_neighbors(np.zeros((9, 2)), np.arange(9), 2)
    assert np.getbufsize() == usual


@pytest.mark.parametrize("length", [2, 2000, 200_000])
def test_no_threads_at_all_are_refused_in_the_same_words_whatever_the_search(length):
    X = np.lib.stride_tricks.as_strided(np.zeros(1, np.uint8), (300, length), (0, 0))
    with pytest.raises(ValueError, match=r"`n_jobs` must be a number of threads, or -1 .* got 0"):
        nearest_neighbors(X, np.arange(300), 2, n_jobs=0)


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


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(0, 12), st.booleans())
def test_a_table_answers_as_a_search_among_the_rows_that_are_left(seed, levels, width, whole):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, levels + 1, (40, 5), dtype=np.uint8)
    searches = []

    def find(rows, queries, k):
        searches.append(rows)
        return nearest_neighbors(pixels, rows, k, queries=queries)

    asked = np.arange(40) if whole else np.arange(0, 40, 3)
    table, rows = neighbors.NeighborTable(find, 40, asked, width), rng.permutation(40)
    while len(rows) > 4:
        queries, k = rng.permutation(rows)[: len(rows) // 2], int(rng.integers(1, 4))
        found = table(rows, queries, k)
        expected = nearest_neighbors(pixels, rows, k, queries=queries)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)
        rows = rng.permutation(rows)[: -int(rng.integers(1, 6))]
    more = np.arange(40)  # rows that had gone are back
    np.testing.assert_array_equal(
        table(more, more[:9], 3)[1], nearest_neighbors(pixels, more, 3, queries=more[:9])[1]
    )


def test_a_table_searches_once_where_neighbors_stay():
    pixels = np.random.default_rng(0).integers(0, 256, (60, 20), dtype=np.uint8)
    searches = []

    def find(rows, queries, k):
        searches.append(len(rows))
        return nearest_neighbors(pixels, rows, k, queries=queries)

    table = neighbors.NeighborTable(find, 60, np.arange(60), 20)
    for left in (60, 55, 50):
        for part in np.array_split(np.arange(left), 3):
            table(np.arange(left), part, 3)
    assert searches == [60]


@given(st.integers(0, 2**32 - 1), st.sampled_from(["uint8", "float64"]), st.booleans())
def test_queries_may_come_from_another_matrix_or_be_some_of_the_rows(seed, dtype, ties):
    rng = np.random.default_rng(seed)
    pixels, others = rng.integers(0, 3 if ties else 256, (2, 50, 6)).astype(dtype)
    rows, queries = rng.permutation(50)[:30], rng.permutation(50)[:11]
    squared = ((others[queries, None].astype(float) - pixels[rows].astype(float)) ** 2).sum(axis=2)
    order = np.argsort(squared, axis=1, kind="stable")[:, :4]
    found = nearest_neighbors(pixels, rows, 4, queries=queries, asking=others)
    np.testing.assert_array_equal(found[1], order)
    np.testing.assert_array_equal(found[0], np.take_along_axis(squared, order, axis=1))
    some = rng.permutation(rows)[:13]
    expected = nearest_neighbors(pixels, rows, 4)[1][[rows.tolist().index(row) for row in some]]
    np.testing.assert_array_equal(nearest_neighbors(pixels, rows, 4, queries=some)[1], expected)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize(("dtype", "d"), [("uint8", 30), ("uint8", 2500), ("float32", 30)])
def test_blends_are_compared_as_if_they_were_made(dtype, d, n_jobs, monkeypatch):
    monkeypatch.setattr(neighbors._BlendSearch, "height", 40)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (30, d)).astype(dtype)
    base = np.r_[np.arange(30), rng.integers(0, 30, 70)]
    partners = (base + rng.integers(1, 30, 100)) % 30
    weights = np.r_[np.zeros(30), rng.random(70)]
    made = pixels[base].astype(float)
    made += weights[:, None] * (pixels[partners] - made)
    squared = ((made[:, None] - made) ** 2).sum(axis=2)
    np.fill_diagonal(squared, np.inf)
    order = np.argsort(squared, axis=1)[:, :5]
    found = nearest_neighbors(pixels, base, 5, blend=(partners, weights), n_jobs=n_jobs)
    np.testing.assert_array_equal(found[1], order)
    expected = np.take_along_axis(squared, order, axis=1)
    np.testing.assert_allclose(found[0], expected, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize(
    ("one_sided", "seconds"),
    # Three tiles of 30. Of 9 pairs one comes first, then four take two seconds, and four are left;
    # or three pairs, half of which count, take two seconds, and 3 of 4.5 are left.
    [(True, 2), (False, 4)],
)
def test_a_long_search_says_how_long_it_will_take_and_what_takes_less(
    one_sided, seconds, monkeypatch, caplog
):
    X = np.random.default_rng(0).integers(0, 256, (90, 50), dtype=np.uint8)
    caplog.set_level("INFO", logger="imblearn_images")
    more = {"queries": np.arange(90), "asking": X} if one_sided else {}
    nearest_neighbors(X, np.arange(90), 3, **more)
    assert not caplog.records
    monkeypatch.setattr(neighbors, "LONG", 90 * 45 * 50)
    ticks = iter([0.0, 2.0])
    monkeypatch.setattr(neighbors, "TILE", 15)
    monkeypatch.setattr(neighbors, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    nearest_neighbors(X, np.arange(90), 3, **more)
    (record,) = caplog.records
    told = record.getMessage()
    assert "90 images of 50 numbers among 90" in told and "`embedding`" in told
    assert f"about {seconds} seconds" in told and record.levelname == "INFO"


def nearest_by_float64(asking, among, k):
    """Brute force: by exact distance, then by place."""
    squares = ((asking[:, None].astype(float) - among[None].astype(float)) ** 2).sum(axis=2)
    return np.lexsort((np.broadcast_to(np.arange(len(among)), squares.shape), squares))[:, :k]


@given(
    st.integers(0, 1 << 31),
    st.integers(1, 12),
    st.sampled_from([1e-3, 1.0, 30.0]),
    st.sampled_from(["float32", "float64"]),
)
def test_many_rows_of_features_are_found_as_by_brute_force(seed, k, offset, dtype):
    rng = np.random.default_rng(seed)
    among = rng.normal(size=(60, 7)).astype(dtype)
    among[20:40] = among[:20]  # ties
    among[40:] = among[:20] + rng.normal(size=(20, 7)) * 1e-6  # what float32 hardly tells apart
    among += np.asarray(offset, dtype)
    asking = np.concatenate([among[::3], among[:5] + np.asarray(1e-4, dtype)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbors, "MANY", 0)
        patch.setattr(neighbors, "TALL", 16)
        found = neighbors.nearest_rows(asking, among, k)
        patch.setattr(neighbors, "SLICE", 3)
        as_they_are = neighbors.nearest_few(asking, neighbors.Candidates(among, copied=False), k)
    expected = nearest_by_float64(asking, among, k)
    assert found is not None
    assert np.array_equal(found, expected)
    if offset == 30 and dtype == "float32":
        return  # without their mean taken off, these are left to another search
    squared, positions = as_they_are
    assert np.array_equal(positions, expected)
    away = among[expected].astype(float) - asking[:, None]
    assert np.array_equal(squared, np.einsum("ijk,ijk->ij", away, away))


def test_what_float32_cannot_tell_apart_is_left_to_another_search(monkeypatch):
    monkeypatch.setattr(neighbors, "MANY", 0)
    rng = np.random.default_rng(0)
    features = rng.normal(size=(3000, 3))
    features[0] = 1e9
    assert neighbors.nearest_rows(features[1:50], features, 2) is None
    assert neighbors.nearest_rows(features[1:50] * 1e300, features * 1e290, 2) is None
    assert neighbors.nearest_rows(np.ones((3, 2), int), np.ones((3, 2), int), 2) is None
    monkeypatch.setattr(neighbors, "MANY", 1e9)
    assert neighbors.nearest_rows(features[1:50], features[1:], 2) is None
    room = Neighbourhood(np.zeros(3000), lambda: features, rng)
    among, rows = np.arange(3000), np.arange(1, 60)
    expected = room.neighbors(rows, among, 4)
    monkeypatch.setattr(neighbors, "MANY", 0)
    assert np.array_equal(room.neighbors(rows, among, 4), expected)
    assert np.array_equal(room.neighbors(rows, among[1:], 4), expected)


@pytest.mark.parametrize("copied", [True, False])
@pytest.mark.parametrize("scale", [1e-15, 1e-20, 1e-22])
def test_values_whose_products_float32_cannot_hold_are_compared_in_float64(
    scale, copied, monkeypatch
):
    monkeypatch.setattr(neighbors, "MANY", 0)
    rng = np.random.default_rng(0)
    among = (rng.random((600, 16)) * scale).astype(np.float32)
    asking = (rng.random((20, 16)) * scale).astype(np.float32)
    found = neighbors.nearest_rows(asking, neighbors.Candidates(among, copied=copied), 3)
    expected = nearest_by_float64(asking, among, 3)
    if scale == 1e-15:
        assert np.array_equal(found, expected)
    else:
        assert found is None  # another search is asked
    nearest = ImageNeighbors(3).fit(among).kneighbors(asking, return_distance=False)
    assert np.array_equal(nearest, expected)


def test_few_queries_hold_few_distances_at_a_time(monkeypatch):
    monkeypatch.setattr(neighbors, "SCORES", 1 << 15)  # of one query
    heights, products = [], neighbors.Candidates.products
    monkeypatch.setattr(
        neighbors.Candidates,
        "products",
        lambda self, rows: (heights.append(len(rows)), products(self, rows))[1],
    )
    X = np.random.default_rng(0).random((20_000, 2))
    neighbors.nearest_rows(X[:5], neighbors.Candidates(X, copied=False), 2)
    assert heights == [1] * 5


def test_rows_that_follow_each_other_are_not_copied():
    """A slice of a large image set is a view; a list of row numbers would copy it for a search."""
    for rows, expected in (([3, 4, 5], slice(3, 6)), ([7], slice(7, 8))):
        assert neighbors._as_slice(np.array(rows)) == expected
    for rows in ([], [3, 5, 6], [3, 5, 4, 6], [5, 4, 3], [3, 3, 5]):
        numbers = np.array(rows, dtype=np.intp)
        assert neighbors._as_slice(numbers) is numbers


@given(searches(), seeds, st.integers(1, 45), st.integers(1, 31))
def test_all_distances_are_those_of_exact_integers(search, seed, tile, width):
    pixels, rows, _ = search
    others = np.random.default_rng(seed).permutation(len(pixels))[: len(pixels) // 2 + 1]
    vectors = pixels.astype(np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbors, "TILE", tile)
        patch.setattr(neighbors, "SLICE", width)
        found = squared_distances(pixels, rows, others)
    expected = ((vectors[rows, None] - vectors[others][None]) ** 2).sum(axis=2)
    np.testing.assert_array_equal(found, expected)


@given(seeds, st.integers(1, 4), st.integers(1, 60))
def test_a_table_of_distances_answers_as_a_search_for_either_side(seed, levels, n_few):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, levels, (90, 5), dtype=np.uint8)  # so many ties
    few, *others = np.split(rng.permutation(90), np.sort([n_few, *rng.integers(n_few, 90, 2)]))
    measured = []

    def measure(rows):
        measured.append(rows.tolist())
        return squared_distances(pixels, rows, few)

    def search(rows, queries, k):
        return nearest_neighbors(pixels, rows, k, queries=queries)

    table = DistanceTable(search, measure, few, np.concatenate(others[:2]))  # not of the third
    for some in filter(len, others):
        for rows, queries in ((few, some), (some, few), (some, some[::-1])):
            most = len(rows) - (rows is some and queries is not few)
            for k in {min(1, most), most // 9, most} - {0}:
                found, expected = table(rows, queries, k), search(rows, queries, k)
                np.testing.assert_array_equal(found[0], expected[0])
                np.testing.assert_array_equal(found[1], expected[1])
    assert len(measured) <= 1  # unless only the third is not empty
