"""Children that a generator makes."""

import pickle
from functools import partial

import numpy as np
import pytest
from conftest import make_images, make_labels, read_images, write_images
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from imblearn.utils.estimator_checks import check_param_validation
from imblearn.utils.estimator_checks import estimator_checks_generator as imblearn_checks
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import estimator_checks_generator as sklearn_checks

from imblearn_images import render
from imblearn_images.over_sampling import GenerativeOverSampler, _generative
from imblearn_images.preprocessing import FlattenImages, ReadImages

COUNTS = {"cat": 30, "dog": 14, "owl": 9}
Y = make_labels(COUNTS)
N = len(Y)
LEVEL = {"cat": 20, "dog": 90, "owl": 170}


def shaded(shape=(12, 10), dtype="uint8"):
    """Images that tell their class by their brightness, with an edge of their own."""
    X = np.random.default_rng(0).integers(0, 30, (N, *shape))
    X += np.array([LEVEL[label] for label in Y]).reshape(N, *(1,) * len(shape))
    for row, image in enumerate(X):
        image[: 1 + row % 11] += 40
    top = {"u": 255, "i": 255, "f": 1, "b": 1}[np.dtype(dtype).kind]
    return (X * (top / 255)).astype(dtype)


def flat_shade(label, n, rng):
    return np.full((n, 12, 10), float(LEVEL[label])) + rng.normal(0, 3, (n, 12, 10))


class Machine:
    """Has no idea of classes, and counts what it is asked for."""

    def __init__(self, level=100.0):
        self.level, self.asked = level, []

    def generate(self, n):
        self.asked.append(n)
        return np.full((n, 12, 10), self.level)


class Tensor:
    """What of a torch tensor is needed."""

    def __init__(self, array):
        self.array = array

    def detach(self):
        return self

    def cpu(self):
        return self

    def numpy(self):
        return self.array


def checked_counts(sampler, X, y_res):
    found = dict(zip(*np.unique(y_res, return_counts=True), strict=True))
    assert set(found.values()) == {30}
    plan = sampler.plan_
    np.testing.assert_array_equal(plan.y, y_res)
    np.testing.assert_array_equal(plan.synthetic, np.arange(len(y_res)) >= N)
    np.testing.assert_array_equal(plan.y, Y[plan.base])
    np.testing.assert_array_equal(plan.kind[:N], "original")


DENSITIES = {
    "mixture": GaussianMixture(1, covariance_type="diag"),
    "kernels": make_pipeline(MinMaxScaler(), KernelDensity(bandwidth=0.1)),
    "pca": make_pipeline(PCA(4), GaussianMixture(2, covariance_type="diag")),
    "scaled": make_imblearn_pipeline(FlattenImages(), MinMaxScaler(), PCA(3), KernelDensity()),
}


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("name", DENSITIES)
def test_density_models_are_fitted_class_by_class(name, dtype):
    X = shaded((12, 10, 3), dtype)
    model = clone(DENSITIES[name])
    sampler = GenerativeOverSampler(model, random_state=0)
    X_res, y_res = sampler.fit_resample(X, Y)
    assert X_res.dtype == X.dtype
    np.testing.assert_array_equal(X_res[:N], X)
    checked_counts(sampler, X, y_res)
    for label in COUNTS:  # a child of the model of its class has the shade of its class
        children = X_res[N:][y_res[N:] == label]
        if len(children):
            real = X[label == Y]
            assert abs(children.mean(axis=(1, 2, 3)) - real.mean()).max() < 0.4 * real.mean()
            assert (children[0] != children[1]).any()
    again = GenerativeOverSampler(model, random_state=0, n_jobs=2).fit_resample(X, Y)[0]
    np.testing.assert_array_equal(again, X_res)
    assert not hasattr(model, "n_features_in_")  # clones are fitted
    other = GenerativeOverSampler(model, random_state=1).fit_resample(X, Y)[0]
    assert (other[N:] != X_res[N:]).any()
    if X.dtype.kind == "f":
        assert X_res.min() >= 0 and X_res.max() <= 1


def test_a_function_draws_from_the_numbers_it_is_given():
    X = shaded()
    sampler = GenerativeOverSampler(flat_shade, random_state=0)
    X_res, y_res = sampler.fit_resample(X, Y)
    checked_counts(sampler, X, y_res)
    for label in ("dog", "owl"):
        children = X_res[N:][y_res[N:] == label].astype(float)
        assert abs(children.mean() - LEVEL[label]) < 1
    np.testing.assert_array_equal(
        GenerativeOverSampler(flat_shade, random_state=0).fit_resample(X, Y)[0], X_res
    )


def test_images_are_asked_for_in_batches(monkeypatch):
    X, machine = shaded(), Machine()
    strategy = {"owl": 30}
    whole, _ = GenerativeOverSampler(machine, sampling_strategy=strategy).fit_resample(X, Y)
    assert machine.asked == [21]
    monkeypatch.setattr(_generative, "BATCH", 5 * 120)
    machine = Machine()
    parts, _ = GenerativeOverSampler(machine, sampling_strategy=strategy).fit_resample(X, Y)
    assert machine.asked == [5, 5, 5, 5, 1]
    np.testing.assert_array_equal(whole, parts)
    for model in DENSITIES.values():
        sampler = GenerativeOverSampler(model, random_state=0)
        made = sampler.fit_resample(X, Y)[0][N:]
        assert len(np.unique(made.reshape(len(made), -1), axis=0)) == len(made)


def test_a_dict_has_a_generator_for_each_class():
    X = shaded()
    fitted = GaussianMixture(1, covariance_type="diag", random_state=5)
    fitted.fit(np.full((4, 120), 33.0) + np.arange(4)[:, None] % 2)
    by_class = {"dog": Machine(77.4), "owl": FrozenEstimator(fitted)}
    sampler = GenerativeOverSampler(by_class, random_state=0)
    X_res, y_res = clone(sampler).fit_resample(X, Y)
    assert (X_res[N:][y_res[N:] == "dog"] == 77).all()
    assert abs(X_res[N:][y_res[N:] == "owl"].astype(int) - 33).max() < 5
    assert fitted.random_state == 5
    np.testing.assert_array_equal(sampler.fit_resample(X, Y)[0], X_res)


@pytest.mark.parametrize(
    "form",
    [
        lambda made: made,
        lambda made: made.reshape(len(made), -1),
        lambda made: made[:, None],
        lambda made: made[..., None],
        lambda made: Tensor(made.astype(np.float32)),
        lambda made: made.round().astype(int).tolist(),
    ],
)
def test_forms_of_images(form):
    sampler = GenerativeOverSampler(lambda *args: form(flat_shade(*args).round()), random_state=0)
    X_res, _ = sampler.fit_resample(shaded(), Y)
    expected = GenerativeOverSampler(lambda *args: flat_shade(*args).round(), random_state=0)
    np.testing.assert_array_equal(X_res, expected.fit_resample(shaded(), Y)[0])


class Sampler:
    """Gives what it likes besides the images, as GaussianMixture does."""

    def __init__(self, *besides):
        self.besides = besides

    def sample(self, n):
        return (np.full((n, 12, 10), 99.0), *self.besides)


def test_of_a_pair_that_an_object_samples_the_images_are_taken():
    strategy = {"owl": 12}
    sampler = GenerativeOverSampler(Sampler([0, 0, 0]), sampling_strategy=strategy)
    assert (sampler.fit_resample(shaded(), Y)[0][N:] == 99).all()
    sampler.generator.sample = partial(sampler.generator.sample)
    assert (sampler.fit_resample(shaded(), Y)[0][N:] == 99).all()
    sampler.generator.generate = sampler.generator.sample
    with pytest.raises(TypeError, match="'owl' returned a tuple of 2; return the images alone"):
        sampler.fit_resample(shaded(), Y)
    sampler.generator = Sampler(1, 2)
    with pytest.raises(TypeError, match="returned a tuple of 3"):
        sampler.fit_resample(shaded(), Y)


def test_the_base_is_the_real_image_that_a_child_looks_most_like():
    X = shaded()
    owls = np.flatnonzero(Y == "owl")

    def nearly(label, n, rng):
        return X[owls[np.arange(n) % len(owls)]] + rng.normal(0, 1, (n, 12, 10))

    sampler = GenerativeOverSampler(nearly, sampling_strategy={"owl": 40}, random_state=0)
    sampler.fit_resample(X, Y)
    np.testing.assert_array_equal(sampler.plan_.base[N:], owls[np.arange(31) % len(owls)])


def test_the_plan_tells_what_it_is_and_cannot_be_rendered():
    X = shaded()
    sampler = GenerativeOverSampler(flat_shade, random_state=0)
    X_res, _ = sampler.fit_resample(X, Y)
    plan = pickle.loads(pickle.dumps(sampler.plan_))
    assert repr(plan).endswith("53 original, 0 copies, 37 synthetic, generated)")
    row = len(plan) - 1
    assert plan.explain(row) == f"row {row} (owl) = generated, looks most like {plan.base[row]}"
    with pytest.raises(ValueError, match="a generator has made, which only fit_resample draws"):
        render(plan, X)
    np.testing.assert_array_equal(render(plan[~plan.synthetic], X), X_res[:N])
    np.testing.assert_array_equal(plan.crosses(np.arange(N)), plan.synthetic)


@pytest.mark.parametrize(("shape", "dtype"), [((12, 10), "uint8"), ((12, 10, 3), "uint8")])
def test_children_of_files_are_written(shape, dtype, tmp_path):
    X = shaded(shape, dtype)
    paths = write_images(tmp_path, X)
    model = make_pipeline(PCA(3), KernelDensity())
    expected, y_expected = GenerativeOverSampler(model, random_state=0).fit_resample(X, Y)
    for n_jobs, folder in ((1, "one"), (2, "two")):
        sampler = GenerativeOverSampler(
            model, random_state=0, output_dir=tmp_path / folder, n_jobs=n_jobs
        )
        X_res, y_res = sampler.fit_resample(paths, Y)
        assert isinstance(X_res, list) and X_res[:N] == paths
        np.testing.assert_array_equal(read_images(X_res), expected)
        np.testing.assert_array_equal(y_res, y_expected)
        assert len(set(X_res)) == len(X_res)
        assert len(list((tmp_path / folder).iterdir())) == len(X_res) - N
    with pytest.raises(ValueError, match="output_dir"):
        GenerativeOverSampler(model).fit_resample(paths, Y)


def test_files_of_two_sizes_are_refused(tmp_path):
    images = [image[: 12 - row % 2] for row, image in enumerate(shaded())]
    paths = write_images(tmp_path, images)
    sampler = GenerativeOverSampler(KernelDensity(), output_dir=tmp_path / "children")
    with pytest.raises(ValueError, match=r"has shape \(1[12], 10\).*ReadImages"):
        sampler.fit_resample(paths, Y)
    make_imblearn_pipeline(
        ReadImages(size=(8, 8)), GenerativeOverSampler(KernelDensity())
    ).fit_resample(paths, Y)


def test_grid_search_tunes_the_model_on_the_training_folds():
    model = make_pipeline(PCA(2), GaussianMixture(covariance_type="diag"))
    pipeline = make_imblearn_pipeline(
        GenerativeOverSampler(model, random_state=0), FlattenImages(), GaussianNB()
    )
    grid = {"generativeoversampler__generator__gaussianmixture__n_components": [1, 2]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(shaded(), Y)
    assert search.best_score_ > 0.9


class Bins(TransformerMixin, BaseEstimator):
    """Has no way back."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.sort(X, axis=1)[:, ::10]


class Callable:
    def __call__(self, label, n, rng):
        return flat_shade(label, n, rng)


class NoNumber:
    def generate(self):
        return np.zeros((1, 12, 10))


NO_WAY_BACK = make_pipeline(MinMaxScaler(), "passthrough", Bins(), KernelDensity())
PCA_OF_MANY = make_pipeline(PCA(20), KernelDensity())


@pytest.mark.parametrize(
    ("generator", "error", "message"),
    [
        (PCA_OF_MANY, ValueError, r"fitted to the 14 images of class 'dog': n_components=20 must"),
        (None, TypeError, r"generate\(n\) or sample\(n\), or be a function .* got None"),
        (PCA(2), TypeError, r"got PCA\(n_components=2\)"),
        (Machine, TypeError, r"got the class Machine; did you mean Machine\(\)"),
        (Machine(), ValueError, r"Machine makes images of no particular class, but 2 .*'dog', 'o"),
        (FrozenEstimator(KernelDensity()), ValueError, "FrozenEstimator makes images of no part"),
        ({"dog": flat_shade}, ValueError, r"no entry for the classes \['owl'\]"),
        (
            lambda label, n: label,
            TypeError,
            r"\(label, n, rng\) -> images.* takes \(label, n\), too",
        ),
        (lambda n: n, TypeError, r"function \(label, n, rng\) -> images.* takes \(n\), too many"),
        (
            {"dog": flat_shade, "owl": NoNumber()},
            TypeError,
            r"NoNumber.generate must take n, the number of images: it takes \(\), too many",
        ),
        (NO_WAY_BACK, TypeError, r"step 'bins' \(Bins\) has no `inverse_transform`"),
        (
            {"dog": FrozenEstimator(NO_WAY_BACK), "owl": flat_shade},
            TypeError,
            r"step 'bins' \(Bins\) has no `inverse_transform`",
        ),
        (lambda c, n, rng: np.zeros((n + 1, 12, 10)), ValueError, "must make 16 images, got"),
        (lambda c, n, rng: np.zeros((n, 10, 12)), ValueError, r"\(12, 10\), as the real .* \(10, "),
        (
            lambda c, n, rng: rng.random((n, 12, 10)),
            ValueError,
            r"to (1|0\.99\d+), .* scale",
        ),
        (lambda c, n, rng: np.full((n, 12, 10), 65535), ValueError, "'dog' makes pixels from 6554"),
        (lambda c, n, rng: np.full((n, 12, 10), np.nan), ValueError, "makes pixels that are NaN"),
        (lambda c, n, rng: np.full((n, 12, 10), "x"), ValueError, "make numbers, got dtype <U1"),
        (
            lambda c, n, rng: (np.zeros((n, 12, 10)), np.full(n, c)),
            TypeError,
            "for class 'dog' returned a tuple of 2; return the images alone, an array of 16",
        ),
        (
            make_pipeline(PCA(2), KernelDensity(kernel="epanechnikov")),
            ValueError,
            "KernelDensity.*'epanechnikov'.* cannot sample. .* kernel='gaussian' or kernel='toph",
        ),
        (lambda c, n, rng: None, ValueError, "make numbers, got dtype object"),
    ],
)
def test_generators_that_cannot_be(generator, error, message):
    with pytest.raises(error, match=message.replace("6554", "6.554e\\+04")):
        GenerativeOverSampler(generator, random_state=0).fit_resample(shaded(), Y)


def test_an_error_inside_a_generator_is_its_own():
    def broken(label, n, rng):
        return len(n)

    with pytest.raises(TypeError, match=r"^object of type '.*int.*' has no len\(\)$"):
        GenerativeOverSampler(broken).fit_resample(shaded(), Y)


def test_functions_may_take_more_or_not_tell():
    def more(*args, level=100, **options):
        return np.full((args[1], 12, 10), level)

    for generator in (more, partial(more, level=90), Callable()):
        GenerativeOverSampler(generator).fit_resample(shaded(), Y)


def test_channels_are_not_guessed():
    def first(label, n, rng):
        return np.full((n, 3, 12, 10), 99)

    with pytest.raises(ValueError, match=r"channels first: transpose\(0, 2, 3, 1\)"):
        GenerativeOverSampler(first).fit_resample(shaded((12, 10, 3)), Y)
    X = np.ascontiguousarray(shaded((12, 10, 3)).transpose(0, 3, 1, 2))
    X_res, _ = GenerativeOverSampler(first).fit_resample(X, Y)
    assert X_res.shape[1:] == (3, 12, 10)
    with pytest.raises(ValueError, match=r"channels last: transpose\(0, 3, 1, 2\)"):
        GenerativeOverSampler(
            lambda label, n, rng: first(label, n, rng).transpose(0, 2, 3, 1)
        ).fit_resample(X, Y)


def test_bytes_are_no_images_from_zero_to_one():
    with pytest.raises(ValueError, match=r"real images have 0\.\d+ to 0\.\d+: .*same unit"):
        GenerativeOverSampler(flat_shade).fit_resample(shaded(dtype="float32"), Y)


def uniform(low, high):
    return lambda label, n, rng: rng.uniform(low, high, (n, 12, 10))


@pytest.mark.parametrize(
    ("real", "generator"),
    [
        ("uint8", uniform(0, 1)),
        ("uint8", uniform(-1, 1)),
        ("uint8", uniform(-300, 300)),
        ("uint8", lambda *args: uniform(0, 1)(*args) > 0.5),
        ("uint8", lambda *args: uniform(0, 2)(*args).astype(int)),
        ("float64", uniform(0, 1)),
        ("uint16", lambda *args: uniform(0, 256)(*args).astype(np.uint8)),
        ("uint16", uniform(0, 256)),
        ("uint16", uniform(-65535, 65535)),
        ("unit", uniform(-1, 1)),
        ("unit", lambda label, n, rng: flat_shade(label, n, rng) / 127.5 - 1 - rng.random()),
        ("bool", uniform(0, 256)),
    ],
)
def test_what_is_in_another_unit_is_refused_whatever_its_dtype(real, generator):
    X = shaded(dtype="uint8")
    forms = {"uint16": X.astype("uint16") * 257, "unit": X / np.float32(255), "bool": X > 100}
    X = forms.get(real, X.astype(real if real not in forms else "uint8"))
    with pytest.raises(ValueError, match="must be in the same unit; scale them first"):
        GenerativeOverSampler(generator, random_state=0).fit_resample(X, Y)


@pytest.mark.parametrize("name", ["full", "diag", "spherical", "kernels"])
@pytest.mark.parametrize("n_components", [None, 2, 8])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_density_models_may_overshoot(name, n_components, dtype):
    X = np.maximum(0, shaded().astype(float) - 110)  # many pixels are 0, as beside an object
    X[X.sum(axis=(1, 2)) == 0, 2:6] = 40
    X = (X / (1 if dtype == "uint8" else 255)).astype(dtype)
    width = 8 if dtype == "uint8" else 8 / 255
    kernels = KernelDensity(bandwidth=width)
    model = kernels if name == "kernels" else GaussianMixture(1, covariance_type=name)
    if n_components is not None:
        model = make_pipeline(PCA(n_components), model)
    for strategy in ("auto", {"owl": 10}):
        for seed in range(4):
            GenerativeOverSampler(
                model, sampling_strategy=strategy, random_state=seed
            ).fit_resample(X, Y)


def test_a_hot_pixel_is_no_unit():
    X = shaded(dtype="uint16")
    X[:, 3, 4] = 65535
    X_res, _ = GenerativeOverSampler(flat_shade, random_state=0).fit_resample(X, Y)
    assert X_res[N:].max() < 255


def test_only_classes_that_grow_are_looked_at():
    X = shaded().astype(float)
    X[Y == "cat"] = np.nan
    sampler = GenerativeOverSampler({"owl": Machine()}, sampling_strategy={"owl": 12})
    X_res, _ = sampler.fit_resample(X, Y)
    assert len(X_res) == N + 3


def test_rows_of_pixels_and_bool_images():
    X = shaded().reshape(N, -1)
    X_res, _ = GenerativeOverSampler(KernelDensity(), random_state=0).fit_resample(X, Y)
    assert X_res.shape == (90, 120) and X_res.dtype == np.uint8
    X = make_images(N, (12, 10), "bool")
    model = make_pipeline(PCA(3), KernelDensity())
    assert GenerativeOverSampler(model).fit_resample(X, Y)[0].dtype == bool


ESTIMATOR = GenerativeOverSampler(KernelDensity(bandwidth=0.1), random_state=0)
CHECKS = [*sklearn_checks(ESTIMATOR), *imblearn_checks(ESTIMATOR)]


@pytest.mark.parametrize(("estimator", "check"), CHECKS, ids=str)
def test_check(estimator, check):
    check(estimator)


def test_no_check_was_left_out():
    assert len(CHECKS) >= 55
    check_param_validation("GenerativeOverSampler", ESTIMATOR)


@pytest.mark.parametrize("n", [2, 3])
def test_a_tuple_of_images_is_no_pair(n):
    class Model:
        def sample(self, n):
            return tuple(np.full((4, 4), 100, dtype=np.uint8) for _ in range(n))

    X = np.full((5 + n, 4, 4), 100, dtype=np.uint8)
    y = [0] * (3 + n) + [1] * 2
    sampler = GenerativeOverSampler(Model(), sampling_strategy={1: 2 + n})
    X_res, _ = sampler.fit_resample(X, y)
    assert len(X_res) == len(X) + n


def test_one_bright_pixel_of_floats_is_no_unit():
    X = np.random.default_rng(0).random((9, 4, 4)) * 0.9
    X[8, 0, 0] = 5
    sampler = GenerativeOverSampler(lambda label, n, rng: rng.random((n, 4, 4)) * 0.9)
    assert len(sampler.fit_resample(X, [0] * 6 + [1] * 3)[0]) == 12
