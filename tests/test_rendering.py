import joblib
import numpy as np
import pytest
from conftest import make_images, make_labels, write_images
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import sparse
from strategies import DTYPES, FLOATS, INTEGERS, image_shapes, plans, seeds

from imblearn_images import SMOTE, RandomOverSampler, ResamplingPlan, render
from imblearn_images.core import rendering
from imblearn_images.core.pixels import mix
from imblearn_images.images import DrawnImages
from imblearn_images.over_sampling import _random

N = 8


def exact(plan, X):
    return (plan.matrix() @ X.reshape(len(X), -1).astype(np.float64)).reshape(-1, *X.shape[1:])


def assert_rendered(result, plan, X):
    assert result.dtype == X.dtype
    assert result.shape == (len(plan), *X.shape[1:])
    expected = exact(plan, X)
    if X.dtype.kind == "f":
        np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-6)
        return
    if X.dtype.kind == "b":
        decided = abs(expected - 0.5) > 1e-6
        np.testing.assert_array_equal(result[decided], expected[decided] > 0.5)
        return
    info = np.iinfo(X.dtype)
    expected = expected.clip(info.min, info.max)
    near_half = abs(abs(expected - np.floor(expected)) - 0.5) < 1e-4
    np.testing.assert_array_equal(result[~near_half], np.rint(expected)[~near_half])
    assert (abs(result - expected) <= 0.5001).all()


@given(plans(), image_shapes, st.sampled_from(DTYPES), seeds)
def test_rendering_is_the_mixing_matrix_times_the_images(plan, shape, dtype, seed):
    X = make_images(N, shape, dtype, seed)
    assert_rendered(render(plan, X), plan, X)


@given(plans(weights=(-1.5, 1.5)), image_shapes, st.sampled_from(INTEGERS), seeds)
def test_integers_out_of_range_are_clipped(plan, shape, dtype, seed):
    X = make_images(N, shape, dtype, seed)
    assert_rendered(render(plan, X), plan, X)


@given(plans(weights=(-1.5, 1.5)), image_shapes, st.sampled_from(FLOATS), seeds)
def test_floats_are_not_clipped(plan, shape, dtype, seed):
    X = make_images(N, shape, dtype, seed)
    assert_rendered(render(plan, X), plan, X)


CLOSE = [0, 0.5, 0.5 + 1e-9, 0.5 + 1e-7, 0.25 - 1e-8, 1 - 1e-9, 1, 3 / 256, -0.5, 1.5]
"""Shares that make halves or nearly so, or that leave the range."""


@given(plans(), st.sampled_from([*DTYPES, "int64", "uint64"]), st.booleans(), seeds)
def test_a_row_is_the_same_whatever_is_drawn_beside_it(plan, dtype, close, seed):
    X = make_images(N, (4, 3), dtype, seed)
    if close and plan.partners.shape[1] == 1:
        plan.weights[:] = np.random.default_rng(seed).choice(CLOSE, plan.weights.shape)
    whole = render(plan, X)
    rows = np.random.default_rng(seed).permutation(len(plan))[: max(1, len(plan) // 2)]
    np.testing.assert_array_equal(render(plan[rows], X), whole[rows])
    for row in range(len(plan)):
        np.testing.assert_array_equal(render(plan[row], X)[0], whole[row])


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_copies_are_exact_even_beside_nan(dtype):
    X = make_images(4, (3, 3), dtype)
    if dtype == "float32":
        X[1] = np.nan
        X[2] = np.inf
    plan = ResamplingPlan.selection(np.array([2, 1, 1, 3]), np.arange(4))
    np.testing.assert_array_equal(render(plan, X), X[[2, 1, 1, 3]])
    mixed = ResamplingPlan(
        np.array([1, 0]), np.array([[2], [3]]), np.array([[0], [0.5]]), np.arange(2), 4
    )
    np.testing.assert_array_equal(render(mixed, X)[0], X[1])


def test_bool_images_are_true_from_one_half_on():
    X = np.array([False, True])[:, None, None]
    plan = ResamplingPlan(
        np.array([0, 1, 0]), np.array([[1], [0], [1]]), np.array([[0.5], [0.5], [0.49]]),
        np.zeros(3), 2,
    )  # fmt: skip
    assert render(plan, X).ravel().tolist() == [True, True, False]


def test_near_halves_do_not_depend_on_the_rows_beside_them():
    X = np.array([[0, 10, 3, 7], [1, 13, 8, 8]], dtype=np.uint8)
    first, second = np.array([0, 0]), np.array([[1], [1]])
    weights = np.array([[0.5 + 1e-9], [0.5]])
    plan = ResamplingPlan(first, second, weights, np.zeros(2), 2)
    whole = render(plan, X)
    np.testing.assert_array_equal(render(plan[[0]], X)[0], whole[0])
    np.testing.assert_array_equal(render(plan[[1]], X)[0], whole[1])
    wide = np.array([[2**60 + 1], [2**60 + 3]])  # of which float64 holds neither
    steps = ResamplingPlan(first, second, np.array([[0.5], [-1e6]]), np.zeros(2), 2)
    assert render(steps, wide)[0] == render(steps[[0]], wide)[0]


def test_a_failed_mix_leaves_numpys_buffer_as_it_was():
    usual, pixels = np.getbufsize(), np.zeros((2, 5), dtype=np.uint8)
    with pytest.raises(ValueError, match="broadcast"):
        mix(pixels, pixels, np.full((3, 1), 0.3), pixels)
    assert np.getbufsize() == usual


@given(plans(), image_shapes, st.sampled_from(DTYPES), seeds)
def test_rows_are_drawn_into_any_memory_order(plan, shape, dtype, seed):
    X = make_images(N, shape, dtype, seed)
    expected, home = render(plan, X), DrawnImages(plan, X)
    fortran = np.empty(expected.shape, dtype, order="F")
    gap = np.empty((*expected.shape, 2), dtype)[..., 0]
    mirrored = np.empty(expected.shape, dtype)[..., ::-1]
    for out in (fortran, gap, mirrored):
        home.read(np.arange(len(plan)), out)
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_halves_are_rounded_to_even(dtype):
    X = np.array([0, 1, 2, 3], dtype=dtype)[:, None, None]
    plan = ResamplingPlan(
        np.array([0, 1, 2]), np.array([[1], [2], [3]]), np.full((3, 1), 0.5), np.zeros(3), 4
    )
    assert render(plan, X).ravel().tolist() == [0, 2, 2]


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("weight", [-1e6, -200.0, -1.5, 200.0, 1e6])
def test_far_extrapolation_is_clipped_too(dtype, weight):
    X = np.array([10, 110], dtype=dtype)[:, None, None]
    plan = ResamplingPlan(
        np.array([0]), np.array([[1]]), np.array([[weight]]), np.array([0]), n_source=2
    )
    info = np.iinfo(dtype)
    assert render(plan, X).item() == np.clip(10 + weight * 100, info.min, info.max)


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_integers_of_64_bits_do_not_wrap_at_their_ends(dtype):
    info = np.iinfo(dtype)
    X = np.array([info.min, info.max], dtype=dtype)[:, None, None]
    plan = ResamplingPlan(
        np.array([0, 1, 1, 0]), np.array([[1], [0], [0], [1]]),
        np.array([[0], [0], [-1.0], [2.0]]), np.zeros(4), 2,
    )  # fmt: skip
    low, high, above, further = render(plan, X).ravel().tolist()
    assert (low, high) == (info.min, info.max)
    assert above >= info.max - 2048 and further >= info.max - 2048


def smote_plan(X, y):
    smote = SMOTE(random_state=0, k_neighbors=2)
    expected, _ = smote.fit_resample(X, y)
    return smote.plan_, expected


Y = make_labels()


SIZES = [(1, 1, 1), (7, 100, None), (7, 1, 2), (40, 100, 3), (100, 1000, -1)]
"""Blocks, chunks and threads."""


@pytest.mark.usefixtures("threads")
def test_blocks_and_threads_do_not_matter(held, request, monkeypatch):
    plan, expected = smote_plan(held.images, held.y)
    # two sizes each: over the kinds of images a holder meets all of them, as a kind over holders
    turn = request.node.callspec.indices["held"]
    for block, chunk, n_jobs in (SIZES[turn % 5], SIZES[(turn + 2) % 5]):
        monkeypatch.setattr(rendering, "BLOCK", block)
        monkeypatch.setattr(rendering, "CHUNK", chunk)
        np.testing.assert_array_equal(render(plan, held.X, n_jobs=n_jobs), expected)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("backend", ["loky", "threading", "sequential"])
def test_the_backend_does_not_matter(backend, monkeypatch):
    X = make_images(len(Y), (6, 5), "uint8")
    plan, expected = smote_plan(X, Y)
    monkeypatch.setattr(rendering, "CHUNK", 64)
    with joblib.parallel_config(backend=backend, n_jobs=1 if backend == "sequential" else 2):
        np.testing.assert_array_equal(render(plan, X), expected)


class Store:
    """Takes blocks of rows, as zarr and h5py do, and nothing else."""

    def __init__(self, shape, dtype):
        self.shape, self.dtype, self.calls = shape, np.dtype(dtype), 0
        self.array = np.zeros(shape, dtype)

    def __setitem__(self, rows, block):
        assert isinstance(rows, slice) and isinstance(block, np.ndarray)
        assert block.dtype == self.dtype
        self.array[rows] = block
        self.calls += 1


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("n_jobs", [1, 3])
def test_images_are_drawn_into_any_store(tmp_path, monkeypatch, n_jobs):
    X = make_images(len(Y), (4, 3, 2), "uint16")
    plan, expected = smote_plan(X, Y)
    monkeypatch.setattr(rendering, "CHUNK", 200)
    memmap = np.memmap(tmp_path / "out.bin", X.dtype, "w+", shape=expected.shape)
    fortran = np.empty(expected.shape, X.dtype, order="F")
    gap = np.empty((*expected.shape[:-1], 4), X.dtype)[..., ::2]
    store = Store(expected.shape, X.dtype)
    for out in (memmap, fortran, gap, np.empty_like(expected), store):
        assert render(plan, X, out, n_jobs=n_jobs) is out
        np.testing.assert_array_equal(getattr(out, "array", out), expected)
    assert store.calls > 1


@pytest.mark.parametrize(
    "out",
    [
        np.empty((36, 6, 4), np.uint8),
        np.empty((35, 6, 5), np.uint8),
        np.empty((36, 30), np.uint8),
        np.empty((36, 6, 5), np.float32),
        np.empty((36, 6, 5), np.int8),
    ],
    ids=lambda out: f"{out.shape} {out.dtype}",
)
def test_an_output_that_does_not_fit_is_refused(out):
    X = make_images(len(Y), (6, 5), "uint8")
    plan, _ = smote_plan(X, Y)
    out[...] = 1
    with pytest.raises(ValueError, match=r"\(36, 6, 5\) and dtype uint8") as error:
        render(plan, X, out)
    assert str(out.shape) in str(error.value) and str(out.dtype) in str(error.value)
    assert (out == 1).all()


def test_another_number_of_images_is_refused():
    X = make_images(len(Y), (6, 5), "uint8")
    plan, _ = smote_plan(X, Y)
    with pytest.raises(ValueError, match="24 images, got 23"):
        render(plan, X[:-1])
    with pytest.raises(ValueError, match="24 images, got 25"):
        render(plan, np.concatenate([X, X[:1]]))


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "bool"])
@pytest.mark.parametrize("shape", [(6, 5), (30,), (4, 3, 2)])
@pytest.mark.parametrize("stride", [1, 40, 1 << 18])
def test_rows_with_noise_are_drawn_again_all_or_some(dtype, shape, stride, monkeypatch):
    monkeypatch.setattr(_random, "STRIDE", stride)
    monkeypatch.setattr(_random, "BLOCK", min(stride, 64))
    X = make_images(len(Y), shape, dtype)
    sampler = RandomOverSampler(random_state=0, shrinkage={"dog": 0.5, "owl": 2.0})
    expected, _ = sampler.fit_resample(X, Y)
    plan = sampler.plan_
    assert plan.synthetic.any() and not plan.why_not
    np.testing.assert_array_equal(render(plan, X), expected)
    rows = np.random.default_rng(0).permutation(len(plan))[: len(plan) // 2]
    np.testing.assert_array_equal(render(plan[rows], X), expected[rows])
    np.testing.assert_array_equal(render(plan[-1], X)[0], expected[-1])
    again = ResamplingPlan.selection(np.arange(len(plan))[::-1], plan.y).after(plan)
    np.testing.assert_array_equal(render(again, X), expected[::-1])


def test_noise_that_nobody_has_remembered_is_not_left_out():
    X = sparse.csr_matrix(make_images(len(Y), (30,), "float64"))
    sampler = RandomOverSampler(random_state=0, shrinkage=1.0)
    sampler.fit_resample(X, Y)
    plan = sampler.plan_
    with pytest.raises(
        ValueError, match=r"noise.*only fit_resample draws.*~plan.synthetic"
    ) as told:
        render(plan, X)
    assert str(told.value) == plan.why_not
    assert render(plan[~plan.synthetic], X).shape == X.shape
    other = np.random.RandomState(np.random.PCG64(0))
    sampler.set_params(random_state=other).fit_resample(X.toarray(), Y)
    assert sampler.plan_.why_not == plan.why_not
    dense = RandomOverSampler(random_state=0, shrinkage=1.0)
    dense.fit_resample(X.toarray(), Y)
    with pytest.raises(ValueError, match=r"drawn by noise are images.*toarray"):
        render(dense.plan_, X)


@pytest.mark.parametrize("form", ["array", "files"])
def test_an_empty_plan_draws_nothing(form, tmp_path):
    X = make_images(4, (3, 5), "uint8")
    plan = ResamplingPlan.selection(np.array([], dtype=np.intp), np.arange(4))
    result = render(plan, X if form == "array" else write_images(tmp_path, X))
    assert result.shape == (0, 3, 5) and result.dtype == np.uint8


def test_files_of_two_sizes_do_not_fit_into_one_array(tmp_path):
    paths = write_images(
        tmp_path, [*make_images(3, (4, 4), "uint8"), *make_images(1, (5, 6), "uint8")]
    )
    plan = ResamplingPlan.selection(np.array([0, 3]), np.arange(4))
    with pytest.raises(ValueError, match=r"003.png.*\(5, 6\).*ReadImages\(size="):
        render(plan, paths)
    assert render(plan[:1], paths).shape == (1, 4, 4)


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_matrix])
def test_sparse_rows_are_mixed_too(kind):
    X = make_images(len(Y), (30,), "float64")
    X[X < 0.5] = 0
    plan, expected = smote_plan(X, Y)
    result = render(plan, kind(X))
    assert isinstance(result, kind)
    np.testing.assert_allclose(result.toarray(), expected, atol=1e-12)


@given(st.integers(1, 300), st.integers(1, 40), seeds)
def test_wide_images_are_mixed_in_parts(width, block, seed):
    assume(block < width)
    X = make_images(4, (width, 1), "uint8", seed)
    rng = np.random.default_rng(seed)
    plan = ResamplingPlan(
        rng.integers(0, 4, 6), rng.integers(0, 4, (6, 1)), rng.random((6, 1)), np.zeros(6), 4
    )
    expected = render(plan, X)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rendering, "BLOCK", block)
        np.testing.assert_array_equal(render(plan, X), expected)


@pytest.mark.parametrize("n_rows", [1, N])
def test_no_threads_at_all_are_refused(n_rows):
    plan = ResamplingPlan.selection(np.arange(n_rows), np.zeros(N)[:n_rows])
    with pytest.raises(ValueError, match=r"`n_jobs` must be a number of threads, or -1"):
        render(plan, make_images(n_rows, (4, 4), "uint8"), n_jobs=0)
