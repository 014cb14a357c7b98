"""Test-time augmentation: the mean over _test_time_augmentation, and nothing else."""

import pickle
from functools import partial

import numpy as np
import pytest
from conftest import make_images, make_labels, write_images
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from imblearn_images import RandomOverSampler
from imblearn_images.decision import TestTimeAugmentationClassifier, _test_time_augmentation
from imblearn_images.preprocessing import FlattenImages, ReadImages

Y = make_labels({"cat": 20, "dog": 12})
X = make_images(len(Y), (6, 5, 3), "uint8")
MODEL = make_pipeline(FlattenImages(), GaussianNB())
mirror = partial(np.flip, axis=2)


def halved(images):
    return images / 2


def spoilt(images):
    images[:] = 0
    return images


class Noise:
    """As the syntheses of samplers: children are drawn."""

    n_partners = 0

    def draw(self, base, partners, weights, rngs):
        assert partners.shape == (len(base), 0, *base.shape[1:])
        assert weights.shape == (len(base), 0)
        noise = np.stack([rng.normal(scale=40, size=base.shape[1:]) for rng in rngs])
        return base + noise


class Spy(ClassifierMixin, BaseEstimator):
    seen = []

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        Spy.seen.append(np.array(X))
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def seen_by(transforms, images, **params):
    Spy.seen.clear()
    TestTimeAugmentationClassifier(Spy(), transforms, **params).fit(X, Y).predict_proba(images)
    return [np.array(block) for block in Spy.seen]


def test_probabilities_are_the_mean_over_the_views():
    once = MODEL.fit(X, Y).predict_proba
    wrapped = TestTimeAugmentationClassifier(MODEL, [mirror, FunctionTransformer(halved)]).fit(X, Y)
    expected = (once(X) + once(X[:, :, ::-1]) + once(np.rint(X / 2).astype("uint8"))) / 3
    np.testing.assert_allclose(wrapped.predict_proba(X), expected)
    np.testing.assert_array_equal(wrapped.predict(X), wrapped.classes_[expected.argmax(axis=1)])


def test_without_views_it_is_the_estimator():
    wrapped = TestTimeAugmentationClassifier(MODEL).fit(X, Y)
    np.testing.assert_array_equal(wrapped.predict_proba(X), MODEL.fit(X, Y).predict_proba(X))


def test_a_symmetric_classifier_does_not_mind_the_mirror():
    symmetric = make_pipeline(FunctionTransformer(partial(np.sort, axis=2)), *MODEL)
    wrapped = TestTimeAugmentationClassifier(symmetric, [mirror]).fit(X, Y)
    np.testing.assert_allclose(wrapped.predict_proba(X), wrapped.estimator_.predict_proba(X))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "bool"])
def test_views_keep_the_dtype_and_are_rounded(dtype):
    images = make_images(4, (6, 5, 3), dtype)
    plain, half = seen_by([halved], images)
    assert plain.dtype == half.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(plain, images)
    if half.dtype.kind == "u":
        np.testing.assert_array_equal(half, np.rint(images / 2))
    elif half.dtype.kind == "f":
        np.testing.assert_array_equal(half, images / 2)


def test_the_images_are_not_changed_by_a_view_that_works_in_place():
    images = X.copy()
    plain, zeros, again = seen_by([spoilt, mirror], images)
    np.testing.assert_array_equal(images, X)
    np.testing.assert_array_equal(plain, X)
    np.testing.assert_array_equal(again, X[:, :, ::-1])
    assert not zeros.any()


def test_views_that_draw_are_the_same_for_every_image_and_every_time():
    same = np.repeat(X[:1], 5, axis=0)
    plain, first, second = seen_by([Noise(), Noise()], same, random_state=0)
    assert (first == first[0]).all()
    assert (first != plain).mean() > 0.5
    assert (first != second).mean() > 0.5
    assert (seen_by([Noise(), Noise()], same, random_state=0)[1] == first).all()
    assert (seen_by([Noise(), Noise()], same, random_state=1)[1] != first).any()
    wrapped = TestTimeAugmentationClassifier(MODEL, [Noise()]).fit(X, Y)
    np.testing.assert_allclose(wrapped.predict_proba(X[::-1]), wrapped.predict_proba(X)[::-1])
    np.testing.assert_array_equal(wrapped.predict_proba(X), wrapped.predict_proba(X))


@pytest.mark.parametrize("size", [None, (4, 4)])
def test_files_are_read_first_block_by_block(size, tmp_path, monkeypatch):
    model = make_imblearn_pipeline(RandomOverSampler(random_state=0), ReadImages(size=size), *MODEL)
    wrapped = TestTimeAugmentationClassifier(model, [mirror]).fit(X, Y)
    expected = wrapped.predict_proba(wrapped.estimator_[1].transform(X))
    paths = write_images(tmp_path, X)
    monkeypatch.setattr(_test_time_augmentation, "BATCH", 7)
    np.testing.assert_allclose(wrapped.fit(paths, Y).predict_proba(paths), expected, atol=1e-9)
    bare = TestTimeAugmentationClassifier(GaussianNB(), [mirror]).fit(paths, Y)
    np.testing.assert_allclose(
        bare.predict_proba(paths),
        TestTimeAugmentationClassifier(MODEL, [mirror]).fit(X, Y).predict_proba(X),
    )


def test_files_of_several_sizes_are_read_as_the_model_reads_them(tmp_path):
    odd = [*X[:-1], make_images(1, (9, 9, 3), "uint8")[0]]
    paths = write_images(tmp_path, odd)
    model = make_pipeline(ReadImages(size=(4, 4)), *MODEL)
    wrapped = TestTimeAugmentationClassifier(model, [mirror]).fit(paths, Y)
    assert wrapped.predict(paths).shape == (len(Y),)


def test_pytest_does_not_take_it_for_a_test():
    assert not TestTimeAugmentationClassifier.__test__


def test_views_made_with_partial_are_pickled():
    wrapped = TestTimeAugmentationClassifier(MODEL, [mirror, Noise()]).fit(X, Y)
    twin = pickle.loads(pickle.dumps(wrapped))
    np.testing.assert_array_equal(twin.predict_proba(X), wrapped.predict_proba(X))


@pytest.mark.parametrize("view", ["mirror", None, Noise, 3])
def test_what_is_no_view_is_refused(view):
    with pytest.raises(TypeError, match="`transforms` must hold functions"):
        TestTimeAugmentationClassifier(MODEL, [view]).fit(X, Y)


@pytest.mark.parametrize(
    "view", [np.ravel, partial(np.mean, axis=0), partial(np.repeat, repeats=2, axis=0)]
)
def test_a_view_that_loses_images_is_told(view):
    wrapped = TestTimeAugmentationClassifier(MODEL, [view]).fit(X, Y)
    with pytest.raises(ValueError, match="as many images"):
        wrapped.predict_proba(X)
