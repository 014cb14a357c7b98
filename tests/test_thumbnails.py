"""The embedding "thumbnail"."""

import numpy as np
import pytest
from conftest import FILE_KINDS, KINDS, make_images, make_labels, read_images, write_images
from imblearn.pipeline import make_pipeline
from sklearn.metrics import pairwise_distances
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB

from imblearn_images import SMOTE, NearMiss, RandomOverSampler, TomekLinks, render
from imblearn_images.core.embedding import Similarity, Thumbnails, embed
from imblearn_images.core.images import open_images
from imblearn_images.core.pixels import resized
from imblearn_images.datasets import load_texture_patches
from imblearn_images.over_sampling import RedrawImages
from imblearn_images.preprocessing import FlattenImages
from imblearn_images.synthesis import NeighborsAgree

Y = make_labels()


def large(dtype, channels=(), n=24, size=(70, 50)):
    """Smooth images, as photos are, with noise."""
    down, right = np.meshgrid(np.arange(size[0]), np.arange(size[1]), indexing="ij")
    rng = np.random.default_rng(0)
    shades = rng.random((n, 2, *channels))
    X = np.stack([np.multiply.outer(down, a) + np.multiply.outer(right, b) for a, b in shades])
    X = X / X.max() * 0.9 + 0.1 * rng.random(X.shape)
    dtype = np.dtype(dtype)
    return (X * np.iinfo(dtype).max).astype(dtype) if dtype.kind in "iu" else X.astype(dtype)


@pytest.mark.parametrize(("shape", "dtype"), FILE_KINDS)
def test_files_and_arrays_have_the_same_thumbnails(shape, dtype, tmp_path):
    for X in (make_images(6, shape, dtype), large(dtype, shape[2:], 6)):
        folder = tmp_path / str(X.shape[1])
        folder.mkdir()
        paths = np.array(write_images(folder, X), dtype=object)
        features, _, nearness = embed(X, "thumbnail")
        assert nearness == "32x32 thumbnails"
        assert features.shape == (6, 1024 * int(np.prod(shape[2:])))
        np.testing.assert_array_equal(embed(paths, "thumbnail")[0], features)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float64", "int64", "uint32"])
def test_a_thumbnail_is_the_mean_of_what_it_covers(dtype):
    X = large(dtype, (3,), 4, (64, 64))
    thumbnails = Thumbnails().fit_transform(X).reshape(4, 32, 32, 3)
    means = X.reshape(4, 32, 2, 32, 2, 3).astype(float).mean(axis=(2, 4))
    spread = X.max().astype(float) - X.min()
    inside = np.s_[:, 1:-1, 1:-1]
    assert (abs(thumbnails - means)[inside] < 0.05 * spread).all()


@pytest.mark.parametrize(("shape", "dtype"), KINDS)
def test_resizing_keeps_dtype_shape_and_range(shape, dtype):
    X = make_images(5, shape, dtype)
    small = resized(X, (3, 2))
    assert small.shape == (5, 3, 2, *shape[2:])
    assert small.dtype == (np.float32 if dtype == "float64" else dtype)
    assert X.min() <= small.min() and small.max() <= X.max()


@pytest.mark.filterwarnings("ignore:`accept` has accepted no synthetic image of:UserWarning")
def test_files_of_different_sizes(tmp_path):
    images = [image for n in (40, 64) for image in large("uint8", (3,), len(Y), (n, 50))]
    images = [images[row + len(Y) * (row % 2)] for row in range(len(Y))]
    paths = write_images(tmp_path, images)
    for sampler in (TomekLinks(), NearMiss(version=2)):
        kept, _ = sampler.set_params(embedding="thumbnail").fit_resample(paths, Y)
        assert sampler.plan_.nearness == "32x32 thumbnails"
        assert kept == [paths[row] for row in sampler.plan_.base]
    smote = SMOTE(
        embedding="thumbnail",
        accept=NeighborsAgree(),
        k_neighbors=3,
        output_dir=tmp_path / "children",
        random_state=0,
    )
    X_res, _ = smote.fit_resample(paths, Y)
    for path, base in zip(X_res, smote.plan_.base, strict=True):
        assert read_images([path])[0].shape == images[base].shape


def test_nearness_survives_noise_that_disturbs_pixels():
    """Twins that differ by fine noise only are each other's neighbours."""
    rng = np.random.default_rng(0)
    means = rng.integers(90, 110, (12, 32, 32, 1, 1, 3))
    twins = np.repeat(means, 2, axis=0) + rng.normal(0, 60, (24, 32, 32, 4, 4, 3))
    X = twins.transpose(0, 1, 3, 2, 4, 5).reshape(24, 128, 128, 3).clip(0, 255).astype(np.uint8)
    features, _, _ = embed(X, "thumbnail")
    distances = pairwise_distances(features) + np.diag(np.full(24, np.inf))
    np.testing.assert_array_equal(distances.argmin(axis=1), np.arange(24) ^ 1)


def test_it_is_one_of_several_embeddings_in_a_grid():
    X, y = load_texture_patches(return_X_y=True)
    pipeline = make_pipeline(SMOTE(k_neighbors=2, random_state=0), FlattenImages(), GaussianNB())
    search = GridSearchCV(pipeline, {"smote__embedding": [None, "thumbnail"]}, cv=2)
    search.fit(X[::3], y[::3])
    assert search.cv_results_["mean_test_score"].min() > 0


@pytest.mark.parametrize("sampler", [TomekLinks(), SMOTE(k_neighbors=2), RedrawImages()], ids=repr)
def test_what_has_no_thumbnails(sampler):
    X = make_images(len(Y), (6, 5), "uint8")
    sampler.set_params(embedding="thumbnail")
    with pytest.raises(ValueError, match="A thumbnail needs images of shape"):
        sampler.fit_resample(X.reshape(len(X), -1), Y)
    with pytest.raises(ValueError, match=r"which look like \(C, H, W\)"):
        sampler.fit_resample(make_images(len(Y), (3, 9, 8), "uint8"), Y)
    sampler.set_params(embedding="thumbnails")
    with pytest.raises(ValueError, match=r"a transformer .* got 'thumbnails'"):
        sampler.fit_resample(X, Y)


@pytest.mark.filterwarnings("ignore:`accept` has accepted no synthetic image of:UserWarning")
def test_children_can_be_drawn_again():
    X = large("uint8", (3,))
    sampler = RandomOverSampler(
        embedding="thumbnail", synthesis="blend", accept=NeighborsAgree(), random_state=0
    )
    X_res, _ = sampler.fit_resample(X, Y)
    assert isinstance(sampler.embedding_, Thumbnails)
    np.testing.assert_array_equal(render(sampler.plan_[-3:], X), X_res[-3:])


@pytest.mark.parametrize(("shape", "dtype"), FILE_KINDS)
def test_a_copy_looks_exactly_like_its_file(shape, dtype, tmp_path):
    X = large(dtype, shape[2:], 3, (80, 90))
    similarity = Similarity(open_images(write_images(tmp_path, X)))
    np.testing.assert_array_equal(similarity.of(X), similarity.source)
