import re

import imblearn.combine
import imblearn.over_sampling
import imblearn.under_sampling
import numpy as np
import pytest
from conftest import make_images, make_labels, read_images, write_images
from imblearn import FunctionSampler
from imblearn.base import BaseSampler
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.pipeline import make_pipeline
from sklearn.base import BaseEstimator, clone
from sklearn.decomposition import PCA
from sklearn.naive_bayes import GaussianNB

import imblearn_images
from imblearn_images import ImageSampler, render
from imblearn_images.preprocessing import FlattenImages

Y = make_labels()
SAMPLERS = [
    imblearn.over_sampling.SMOTE(random_state=1, k_neighbors=3),
    imblearn.over_sampling.BorderlineSMOTE(random_state=1, kind="borderline-2", k_neighbors=3),
    imblearn.over_sampling.RandomOverSampler(random_state=1),
    imblearn.under_sampling.RandomUnderSampler(random_state=1),
    imblearn.under_sampling.NearMiss(),
    FunctionSampler(func=lambda X, y: (X[::-2], y[::-2])),
]


class Between(BaseOverSampler):
    """A third party's over-sampler: children between random images of the class."""

    def __init__(self, sampling_strategy="auto"):
        super().__init__(sampling_strategy=sampling_strategy)

    def _fit_resample(self, X, y):
        rng = np.random.default_rng(0)
        parts, labels = [X.copy()], [y]
        for label, count in self.sampling_strategy_.items():
            rows = np.flatnonzero(y == label)
            base, partner = rng.choice(rows, (2, count))
            parts.append(self.child(X, base, partner, rng.random((count, 1))))
            labels.append(np.full(count, label))
        return np.concatenate(parts), np.concatenate(labels)

    def child(self, X, base, partner, step):
        return X[base] + (X[partner] - X[base]) * step


class Noise(Between):
    def child(self, X, base, partner, step):
        return X[base] + step


class Duck(BaseEstimator):
    """Not even derived from imbalanced-learn."""

    def fit_resample(self, X, y):
        self.sample_indices_ = np.flatnonzero(X.mean(axis=1) > X.mean())
        return X[self.sample_indices_], y[self.sample_indices_]


@pytest.mark.parametrize("sampler", [*SAMPLERS, Between(), Duck()], ids=str)
def test_images_are_resampled_as_their_pixels(sampler, tmp_path):
    X = make_images(len(Y), (4, 3, 3), "float64")
    expected, y_expected = clone(sampler).fit_resample(X.reshape(len(X), -1), Y)
    ours = ImageSampler(sampler)
    X_res, y_res = ours.fit_resample(X, Y)
    np.testing.assert_allclose(X_res.reshape(len(X_res), -1), expected, rtol=1e-12)
    np.testing.assert_array_equal(y_res, y_expected)
    np.testing.assert_array_equal(render(ours.plan_, X), X_res)
    assert not hasattr(sampler, "sampling_strategy_")
    flat_res, _ = ours.fit_resample(X.reshape(len(X), -1), Y)
    np.testing.assert_array_equal(flat_res, expected)


@pytest.mark.parametrize("sampler", [*SAMPLERS, Between(), Duck()], ids=str)
def test_paths_are_resampled_as_their_images(sampler, tmp_path):
    X = make_images(len(Y), (4, 3), "uint8")
    expected, y_expected = ImageSampler(sampler).fit_resample(X, Y)
    (tmp_path / "in").mkdir()
    paths = write_images(tmp_path / "in", X)
    X_res, y_res = ImageSampler(sampler, output_dir=tmp_path / "out").fit_resample(paths, Y)
    np.testing.assert_array_equal(read_images(X_res), expected)
    np.testing.assert_array_equal(y_res, y_expected)


def test_what_cannot_be_traced_is_refused_in_a_sentence():
    X = make_images(len(Y), (4, 3), "uint8")
    with pytest.raises(ValueError, match=r"got Noise\(\), whose rows cannot be traced"):
        ImageSampler(Noise()).fit_resample(X, Y)


NAMESAKES = [
    imblearn.combine.SMOTEENN(smote=imblearn.over_sampling.SMOTE(k_neighbors=2)),
    imblearn.under_sampling.ClusterCentroids(),
    imblearn.over_sampling.RandomOverSampler(shrinkage=1),
]


@pytest.mark.parametrize("sampler", NAMESAKES, ids=lambda sampler: type(sampler).__name__)
def test_what_cannot_be_traced_here_is_named_where_it_can(sampler):
    X = make_images(len(Y), (4, 3), "uint8")
    name = type(sampler).__name__
    with pytest.raises(ValueError, match=rf"Use imblearn_images\.{name},.*\.astype\(float\)"):
        ImageSampler(sampler).fit_resample(X, Y)
    assert hasattr(imblearn_images, name)


@pytest.mark.parametrize("value", [None, "SMOTE", PCA(2), PCA, lambda X, y: (X, y)], ids=str)
def test_what_is_no_sampler_is_refused_with_the_value(value):
    words = (
        f"`sampler` must be an object with fit_resample, such as .*, got {re.escape(repr(value))}"
    )
    with pytest.raises(TypeError, match=rf"{words}\.$"):
        ImageSampler(value).fit_resample(make_images(len(Y), (4, 3), "uint8"), Y)


@pytest.mark.parametrize("cls", [imblearn.over_sampling.SMOTE, imblearn_images.SMOTE])
def test_a_class_is_no_sampler(cls):
    with pytest.raises(TypeError, match=r"`sampler` must .* Did you mean SMOTE\(\)\?$"):
        ImageSampler(cls).fit_resample(make_images(len(Y), (4, 3), "uint8"), Y)


def test_of_a_pipeline_each_sampler_is_to_be_followed():
    X = make_images(len(Y), (4, 3), "uint8")
    steps = [SAMPLERS[0], imblearn.under_sampling.RandomUnderSampler(random_state=1)]
    with pytest.raises(TypeError, match=r"got a Pipeline.*around each sampler in it"):
        ImageSampler(make_pipeline(*steps)).fit_resample(X, Y)
    X_res, _ = make_pipeline(*map(ImageSampler, steps)).fit_resample(X, Y)
    assert X_res.shape[1:] == X.shape[1:]


@pytest.mark.parametrize(
    ("sampler", "name"),
    [
        (imblearn_images.RandomOverSampler(shrinkage=1), "shrinkage=1"),
        (imblearn_images.GenerativeOverSampler(print), "generator=<built-in function print>"),
    ],
    ids=["noise", "generator"],
)
def test_samplers_that_draw_by_themselves_need_no_image_sampler(sampler, name):
    X = make_images(len(Y), (4, 3), "uint8")
    with pytest.raises(ValueError, match=f"{name}.*Use the sampler without ImageSampler"):
        ImageSampler(sampler).fit_resample(X, Y)


def test_rows_that_are_selected_and_then_changed_are_not_taken_for_copies():
    sampler = imblearn.over_sampling.RandomOverSampler(shrinkage=0.5)
    with pytest.raises(ValueError, match="whose rows cannot be traced"):
        ImageSampler(sampler).fit_resample(make_images(len(Y), (4, 3), "uint8"), Y)


def test_an_embedding_is_what_the_sampler_sees():
    seen = []

    def remember(X, y):
        seen.append(X.shape)
        return X[:5], y[:5]

    embedding = make_pipeline(FlattenImages(), PCA(2))
    sampler = ImageSampler(FunctionSampler(func=remember), embedding=embedding)
    sampler.fit_resample(make_images(len(Y), (4, 3), "uint8"), Y)
    assert set(seen) == {(len(Y), 2)}
    assert sampler.plan_.nearness == "Pipeline (2 features)"


def test_it_is_a_step_of_a_pipeline_and_a_sampler_of_this_library_may_be_in_it():
    X = make_images(len(Y), (4, 3), "uint8")
    inner = imblearn_images.SMOTE(k_neighbors=2, random_state=0)
    pipe = make_pipeline(ImageSampler(inner), FlattenImages(), GaussianNB())
    assert isinstance(pipe[0], BaseSampler)
    assert len(pipe.fit(X, Y).predict(X)) == len(Y)
    expected, _ = inner.fit_resample(X, Y)
    near = abs(ImageSampler(inner).fit_resample(X, Y)[0].astype(int) - expected) <= 1
    assert near.all()


def test_parameters_are_seen_by_a_grid_search():
    sampler = ImageSampler(imblearn.over_sampling.SMOTE())
    sampler.set_params(sampler__k_neighbors=2, embedding=None)
    assert clone(sampler).sampler.k_neighbors == 2
    drawing = {"synthesis", "accept", "random_state", "output_dir"}
    assert set(sampler.get_params(deep=False)) == {"sampler", "embedding", "n_jobs"} | drawing


class Narrow(Duck):
    """Selects, and gives a narrower type back."""

    def fit_resample(self, X, y):
        X_res, y_res = super().fit_resample(X, y)
        return X_res.astype(np.float32), y_res


def test_rows_that_are_selected_and_rounded_are_selected():
    X = make_images(len(Y), (4, 3), "float64")
    sampler = ImageSampler(Narrow())
    X_res, _ = sampler.fit_resample(X, Y)
    np.testing.assert_array_equal(X_res, X[sampler.plan_.base])
