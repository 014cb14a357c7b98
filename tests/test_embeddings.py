"""Features that were computed beforehand: the parameter `embeddings` of `fit_resample`."""

import inspect

import numpy as np
import pandas as pd
import pytest
import sklearn
from conftest import make_images, make_labels, read_images, write_images
from imblearn.over_sampling import SMOTE as ImblearnSMOTE
from imblearn.pipeline import make_pipeline
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

import imblearn_images
from imblearn_images import SMOTE, ImageSampler, RandomOverSampler, TomekLinks, render
from imblearn_images.core.hog import hog_features
from imblearn_images.over_sampling import RedrawImages
from imblearn_images.preprocessing import FlattenImages, HOGFeatures, ReadImages
from imblearn_images.synthesis import (
    Augment,
    CutMix,
    Morph,
    NeighborsAgree,
    OneOf,
    TransferDeformation,
)

CENTRES = {"cat": 0.0, "dog": 1.5, "owl": 3.0}
Y = make_labels({"cat": 40, "dog": 20, "owl": 12})
N = len(Y)
X = make_images(N, (6, 5, 3), "uint8")
# Overlapping classes that have nothing to do with the pixels.
F = np.random.default_rng(0).normal(size=(N, 4)) + np.array([CENTRES[k] for k in Y])[:, None]


def look_up(images):
    """The rows of `F` that belong to some of the images of `X`."""
    row_of = {image.tobytes(): row for row, image in enumerate(X)}
    return F[[row_of[np.asarray(image).tobytes()] for image in images]]


def darker(base, partner, step, rng):
    return base / 2 + partner * (step / 4)


def samplers():
    params = {
        "ImageSampler": {"sampler": ImblearnSMOTE(random_state=1)},
        "InstanceHardnessThreshold": {"estimator": DecisionTreeClassifier(max_depth=3), "cv": 3},
        "KMeansSMOTE": {"kmeans_estimator": 3, "cluster_balance_threshold": 0.05},
        "LabelOverSampler": {"synthesis": darker},
        "RandomOverSampler": {"synthesis": darker},
        "SMOTETomek": {"synthesis": darker},
    }
    found = [RedrawImages(darker, random_state=0)]
    for name in imblearn_images.__all__:
        cls = getattr(imblearn_images, name)
        known = inspect.signature(cls).parameters
        if "embedding" in known:
            seed = {"random_state": 0} if "random_state" in known else {}
            found.append(cls(**seed, **params.get(name, {})))
    return found


MEASURING = samplers()


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def assert_same_plan(plan, other):
    for field in ("base", "partners", "weights", "y", "seeds"):
        np.testing.assert_array_equal(getattr(plan, field), getattr(other, field))


@pytest.mark.filterwarnings("ignore:.* added fewer images than:UserWarning")
@pytest.mark.parametrize("sampler", MEASURING, ids=lambda sampler: type(sampler).__name__)
@pytest.mark.filterwarnings("ignore:.* has left no image of:UserWarning")
def test_given_features_decide_as_the_same_features_computed(sampler):
    given, computed = clone(sampler), clone(sampler).set_params(embedding=look_up)
    X_given, y_given = given.fit_resample(X, Y, embeddings=F)
    X_computed, y_computed = computed.fit_resample(X, Y)
    np.testing.assert_array_equal(X_given, X_computed)
    np.testing.assert_array_equal(y_given, y_computed)
    assert_same_plan(given.plan_, computed.plan_)
    assert given.embedding_ is None
    if given.plan_.nearness:
        assert given.plan_.nearness == "given features (4)"
    by_pixels = clone(sampler).fit_resample(X, Y)[0]
    assert len(by_pixels) != len(X_given) or (by_pixels != X_given).any()


@pytest.mark.parametrize("make", [RandomOverSampler, RedrawImages])
def test_a_plan_tells_the_features_that_a_synthesis_has_asked_for(make):
    def near(synthesis, images=X, embeddings=None, embedding=None):
        sampler = make(synthesis=synthesis, embedding=embedding, random_state=0)
        sampler.fit_resample(images, Y, embeddings=embeddings)
        return sampler.plan_.nearness

    for asks in (Morph(), "blend", TransferDeformation(), OneOf(["copy", Morph()])):
        assert near(asks) == f"HOGFeatures ({hog_features(X.mean(axis=3)).shape[1]} features)"
        assert near(asks, embeddings=F) == "given features (4)"
        assert near(asks, embedding=look_up) == "look_up (4 features)"
    assert near("blend", X.reshape(N, -1)) == near("blend", X[:, :3]) == "pixels"
    for asks_nobody in (Augment(), CutMix()):
        assert near(asks_nobody, embeddings=F) == near(asks_nobody) == ""


def test_a_distance_that_a_sampler_has_measured_is_what_its_plan_tells():
    smote = SMOTE(synthesis=TransferDeformation(), random_state=0)
    smote.fit_resample(X, Y)
    assert smote.plan_.nearness == "pixels"


def test_every_measuring_sampler_was_tried():
    assert len(MEASURING) >= 20
    no_measure = imblearn_images.RandomUnderSampler()
    with pytest.raises(TypeError, match="embeddings"):
        no_measure.fit_resample(X, Y, embeddings=F)


def test_files_are_not_opened_for_a_distance(tmp_path):
    paths = write_images(tmp_path, X)
    from_files = SMOTE(random_state=0, output_dir=tmp_path / "children")
    X_files, _ = from_files.fit_resample(paths, Y, embeddings=F)
    from_arrays = SMOTE(random_state=0)
    X_arrays, _ = from_arrays.fit_resample(X, Y, embeddings=F)
    np.testing.assert_array_equal(read_images(X_files), X_arrays)
    links = TomekLinks()
    kept, _ = links.fit_resample([f"no such file {row}" for row in range(N)], Y, embeddings=F)
    assert kept == [f"no such file {row}" for row in links.plan_.base]
    assert len(kept) < N


@pytest.mark.parametrize(
    "form", [F.tolist(), F.astype(np.float32), pd.DataFrame(F, index=range(N, 2 * N))], ids=type
)
def test_features_in_any_container(form):
    exact = np.asarray(form)
    expected = SMOTE(random_state=0).fit_resample(X, Y, embeddings=exact)[0]
    np.testing.assert_array_equal(
        SMOTE(random_state=0).fit_resample(X, Y, embeddings=form)[0], expected
    )


def test_features_of_bytes_do_not_wrap_around():
    whole = (F * 20 + 100).astype(np.uint8)
    for name in ("SMOTE", "BorderlineSMOTE"):
        sampler = getattr(imblearn_images, name)(random_state=0)
        expected = clone(sampler).fit_resample(X, Y, embeddings=whole.astype(float))[0]
        np.testing.assert_array_equal(sampler.fit_resample(X, Y, embeddings=whole)[0], expected)


def test_children_are_judged_by_their_looks_where_they_have_no_features():
    sampler = SMOTE(random_state=0, accept=NeighborsAgree())
    X_res, _ = sampler.fit_resample(X, Y, embeddings=F)
    assert set(sampler.plan_.tries[sampler.plan_.synthetic]) <= {1, 2, 3}
    np.testing.assert_array_equal(render(sampler.plan_, X), X_res)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (F[1:], rf"shape \({N}, n_features\).*got shape \({N - 1}, 4\)"),
        (F[:, 0], rf"got shape \({N},\)"),
        (F.reshape(N, 2, 2), rf"got shape \({N}, 2, 2\)"),
        (np.where(np.arange(N)[:, None] == 7, np.nan, F), "NaN or infinity in rows 7;"),
        (np.where(np.arange(N)[:, None] > 7, np.inf, F), r"rows 8, 9.* and 54 more"),
        (np.full(F.shape, "cat"), "dtype|convert|numeric"),
    ],
)
def test_features_that_cannot_be(wrong, message):
    for sampler in (SMOTE(), TomekLinks(), RedrawImages()):
        with pytest.raises(ValueError, match=message):
            sampler.fit_resample(X, Y, embeddings=wrong)


def test_features_are_given_or_computed():
    with pytest.raises(ValueError, match=r"given or computed.*embedding='?<function look_up"):
        SMOTE(embedding=look_up).fit_resample(X, Y, embeddings=F)


# --- metadata routing


class Recorder(ClassifierMixin, BaseEstimator):
    """Keeps the X of `fit`."""

    def __init__(self, knob=0):
        self.knob = knob

    def fit(self, X, y):
        self.X_ = X
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[np.zeros(len(X), dtype=int)]


def asking(sampler):
    return sampler.set_fit_resample_request(embeddings=True)


@pytest.mark.parametrize("form", ["images", "paths"])
def test_features_are_cut_into_folds_with_the_images(form, routing, tmp_path):
    steps = [ReadImages()] if form == "paths" else []
    data = write_images(tmp_path, X) if form == "paths" else X
    pipeline = make_pipeline(*steps, asking(SMOTE(random_state=0)), FlattenImages(), Recorder())
    found = cross_validate(
        pipeline,
        np.asarray(data),
        Y,
        params={"embeddings": F},
        cv=StratifiedKFold(3),
        return_estimator=True,
        return_indices=True,
    )
    for estimator, train in zip(found["estimator"], found["indices"]["train"], strict=True):
        direct = SMOTE(random_state=0)
        expected, _ = direct.fit_resample(X[train], Y[train], embeddings=F[train])
        assert_same_plan(estimator["smote"].plan_, direct.plan_)
        np.testing.assert_array_equal(estimator[-1].X_, expected.reshape(len(expected), -1))


def test_grid_search_tunes_the_sampler_on_given_features(routing):
    pipeline = make_pipeline(asking(SMOTE(random_state=0)), FlattenImages(), Recorder())
    other = asking(RandomOverSampler(random_state=0))
    grid = [{"smote__k_neighbors": [1, 3]}, {"smote": [other]}]
    search = GridSearchCV(pipeline, grid, cv=3, refit=lambda results: 1).fit(X, Y, embeddings=F)
    direct = SMOTE(random_state=0, k_neighbors=3)
    direct.fit_resample(X, Y, embeddings=F)
    assert_same_plan(search.best_estimator_["smote"].plan_, direct.plan_)
    assert not np.isnan(search.cv_results_["mean_test_score"]).any()


def test_two_samplers_in_a_row_need_computed_features_for_the_second(routing):
    twice = make_pipeline(
        asking(SMOTE(random_state=0)), asking(RedrawImages(random_state=0)), Recorder()
    )
    with pytest.raises(ValueError, match="behind another sampler"):
        twice.fit(X, Y, embeddings=F)
    once = make_pipeline(asking(SMOTE(random_state=0)), RedrawImages(random_state=0), Recorder())
    once[1].set_fit_resample_request(embeddings=False)
    assert len(once.fit(X, Y, embeddings=F)[-1].X_) == 120


def test_scikit_learn_asks_what_is_meant_where_nobody_requested_the_features(routing):
    with pytest.raises(UnsetMetadataPassedError, match="set_fit_resample_request"):
        make_pipeline(SMOTE(), FlattenImages(), Recorder()).fit(X, Y, embeddings=F)


def test_a_request_survives_cloning_and_none_is_needed_without_features(routing):
    sampler = clone(asking(ImageSampler(ImblearnSMOTE(random_state=0))))
    assert sampler.get_metadata_routing().fit_resample.requests == {"embeddings": True}
    make_pipeline(SMOTE(), FlattenImages(), Recorder()).fit(X, Y)


WRONG = {
    "class": (HOGFeatures, TypeError, r"is the class HOGFeatures; did you mean HOGFeatures\(\)\?"),
    "classifier": (
        make_pipeline(PCA(2), GaussianNB()),
        TypeError,
        r"last step, GaussianNB\(\), has no transform; leave that out: pipeline\[:-1\]",
    ),
    "array": (F, TypeError, r"got a ndarray: pass .* fit_resample\(X, y, embeddings=F\)"),
    "list": (F.tolist(), TypeError, r"got a list: pass .* fit_resample\(X, y, embeddings=F\)"),
    "frame": (pd.DataFrame(F), TypeError, "got a DataFrame: pass"),
    "number": (3, TypeError, "a transformer or a function of images, got 3"),
    "name": ("pca", ValueError, "None, \"thumbnail\", a transformer .*, got 'pca'"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("sampler", MEASURING, ids=lambda sampler: type(sampler).__name__)
def test_what_makes_no_features_is_refused_with_what_may_have_been_meant(sampler, case):
    embedding, kind, words = WRONG[case]
    sampler = clone(sampler).set_params(embedding=embedding)
    with pytest.raises(kind, match=f"^`embedding` .*{words}"):
        sampler.fit_resample(X, Y)


SUPERVISED = [
    LinearDiscriminantAnalysis(),
    make_pipeline(PCA(6), LinearDiscriminantAnalysis()),
    make_pipeline(LinearDiscriminantAnalysis(), PCA(1)),
]


@pytest.mark.filterwarnings("ignore:.*added fewer images:UserWarning")
@pytest.mark.parametrize("embedding", SUPERVISED, ids=["alone", "last", "first"])
@pytest.mark.parametrize("sampler", MEASURING, ids=lambda sampler: type(sampler).__name__)
@pytest.mark.filterwarnings("ignore:.* has left no image of:UserWarning")
def test_an_embedding_that_needs_labels_is_fitted_on_those_of_the_images(sampler, embedding):
    features = clone(embedding).fit(X.reshape(N, -1), Y).transform(X.reshape(N, -1))
    expected, y_expected = clone(sampler).fit_resample(X, Y, embeddings=features)
    X_res, y_res = clone(sampler).set_params(embedding=embedding).fit_resample(X, Y)
    np.testing.assert_array_equal(y_res, y_expected)
    np.testing.assert_array_equal(X_res, expected)


def test_labels_of_copies_go_with_their_images_to_the_embedding():
    twice = np.repeat(np.arange(N), 2)
    redraw = RedrawImages(darker, random_state=0, embedding=LinearDiscriminantAnalysis())
    redraw.fit_resample(X[twice], Y[twice])
    own = LinearDiscriminantAnalysis().fit(X.reshape(N, -1), Y)
    np.testing.assert_array_equal(redraw.embedding_.means_, own.means_)


def test_labels_are_those_of_the_training_part():
    embedding = LinearDiscriminantAnalysis()
    pipeline = make_pipeline(SMOTE(embedding=embedding), FlattenImages(), GaussianNB())
    cv = StratifiedKFold(3)
    result = cross_validate(pipeline, X, Y, cv=cv, return_estimator=True)
    for fitted, (train, _) in zip(result["estimator"], cv.split(X, Y), strict=True):
        own = clone(embedding).fit(X[train].reshape(len(train), -1), Y[train])
        np.testing.assert_array_equal(fitted[0].embedding_.means_, own.means_)


def test_a_transformer_that_needs_no_labels_gets_none():
    class Bare(BaseEstimator):
        def fit(self, X):
            return self

        def transform(self, X):
            return X[:, :3]

    X_res, _ = SMOTE(embedding=Bare(), random_state=0).fit_resample(X.reshape(N, -1), Y)
    assert len(X_res) == 120


def test_an_embedding_may_have_a_shape():
    class Corner(TransformerMixin, BaseEstimator):
        def __init__(self, shape=(2, 2)):
            self.shape = shape

        def fit(self, X, y=None):
            return self

        def transform(self, X):
            return X[:, : np.prod(self.shape)].astype(float)

    X = np.random.default_rng(0).integers(0, 256, (len(Y), 4, 4), dtype=np.uint8)
    smote = SMOTE(embedding=Corner(), random_state=0)
    smote.fit_resample(X, Y)
    assert smote.plan_.nearness == "Corner (4 features)"


def test_fit_alone_looks_at_the_embedding():
    with pytest.raises(TypeError, match="`embedding` must be"):
        SMOTE(embedding=5).fit(np.zeros((len(Y), 4, 4)), Y)
