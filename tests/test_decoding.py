"""SMOTE in an embedding: the parameter `interpolate`."""

import inspect
import pickle

import numpy as np
import pytest
from conftest import make_labels, read_images, write_images
from imblearn.over_sampling import SMOTE as ImblearnSMOTE
from imblearn.pipeline import make_pipeline
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import NMF, PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler

import imblearn_images
from imblearn_images import SMOTE, RandomOverSampler, render
from imblearn_images.preprocessing import FlattenImages
from imblearn_images.synthesis import NeighborsAgree

Y = make_labels({"cat": 40, "dog": 20, "owl": 12})
N = len(Y)


def blobs(shape, dtype):
    """Images of three classes, of few underlying features."""
    rng = np.random.default_rng(0)
    centres = {label: rng.random(3) for label in ("cat", "dog", "owl")}
    hidden = np.stack([centres[label] + 0.4 * rng.random(3) for label in Y])
    X = np.tensordot(hidden, rng.random((3, *shape)), 1) + 0.05 * rng.random((N, *shape))
    X /= X.max()
    dtype = np.dtype(dtype)
    return (X * np.iinfo(dtype).max).astype(dtype) if dtype.kind in "iu" else X.astype(dtype)


class Averages(TransformerMixin, BaseEstimator):
    """Takes images and gives images back, as an autoencoder does: means of pairs of rows."""

    def fit(self, X, y=None):
        self.n_rows_ = X.shape[1]
        return self

    def transform(self, X):
        return X.reshape(len(X), self.n_rows_ // 2, 2, -1).mean(axis=2).reshape(len(X), -1)

    def inverse_transform(self, X):
        return np.repeat(X.reshape(len(X), self.n_rows_ // 2, -1), 2, axis=1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


DECODERS = {
    "pca": PCA(4),
    "whitened": PCA(4, whiten=True),
    "pipeline": Pipeline([("scale", MaxAbsScaler()), ("pca", PCA(3))]),
    "nmf": NMF(3, init="nndsvda", max_iter=2000, tol=1e-2),
    "images": Averages(),
}
RELATIVES = [
    SMOTE(random_state=0),
    imblearn_images.BorderlineSMOTE(random_state=0),
    imblearn_images.ADASYN(random_state=0),
    imblearn_images.SVMSMOTE(random_state=0),
    imblearn_images.KMeansSMOTE(random_state=0, kmeans_estimator=3, cluster_balance_threshold=0.05),
]


def decoding(embedding, **params):
    return SMOTE(interpolate="embedding", embedding=embedding, random_state=0, **params)


@pytest.mark.parametrize("name", DECODERS)
def test_children_are_what_imbalanced_learn_makes_of_the_features_decoded(name):
    X = blobs((6, 4), "uint8")
    smote = decoding(DECODERS[name])
    X_res, y_res = smote.fit_resample(X, Y)
    fitted = smote.embedding_
    rows = X if name == "images" else X.reshape(N, -1)
    made, y_made = ImblearnSMOTE(random_state=0).fit_resample(fitted.transform(rows), Y)
    decoded = fitted.inverse_transform(made[N:]).reshape(-1, 6, 4)
    assert X_res.dtype == np.uint8
    np.testing.assert_array_equal(X_res[:N], X)
    np.testing.assert_array_equal(y_res, y_made)
    # The solver of NMF stops by the progress on all rows it is given, here one.
    tolerance = 8 if name == "nmf" else 0.5001
    assert (abs(X_res[N:] - decoded.clip(0, 255)) <= tolerance).all()
    blended, _ = SMOTE(embedding=DECODERS[name], random_state=0).fit_resample(X, Y)
    assert (X_res[N:] != blended[N:]).any()


@pytest.mark.parametrize("name", ["SMOTEENN", "SMOTETomek"])
def test_what_a_cleaner_leaves_is_decoded(name):
    X = blobs((6, 4), "uint8")
    sampler = getattr(imblearn_images, name)(
        embedding=PCA(4), interpolate="embedding", random_state=0
    )
    X_res, _ = sampler.fit_resample(X, Y)
    features = sampler.plan_.matrix() @ sampler.embedding_.transform(X.reshape(N, -1))
    decoded = sampler.embedding_.inverse_transform(features).reshape(X_res.shape)
    drawn = sampler.plan_.synthetic
    assert drawn.sum() > 0 and sampler.plan_.rule == "DecodedBlend"
    assert (abs(X_res[drawn] - decoded[drawn].clip(0, 255)) <= 0.5001).all()
    np.testing.assert_array_equal(X_res[~drawn], X[sampler.plan_.base[~drawn]])
    np.testing.assert_array_equal(render(sampler.plan_[::3], X), X_res[::3])


@pytest.mark.filterwarnings("ignore:.* added fewer images than:UserWarning")
@pytest.mark.parametrize("sampler", RELATIVES, ids=lambda sampler: type(sampler).__name__)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(6, 5), (4, 5, 3), (20,)], ids=str)
def test_a_row_is_drawn_again_alone_bit_for_bit(sampler, shape, dtype):
    X = blobs(shape, dtype)
    sampler.set_params(interpolate="embedding", embedding=PCA(4))
    X_res, _ = sampler.fit_resample(X, Y)
    plan = sampler.plan_
    assert X_res.dtype == dtype and X_res.shape[1:] == shape
    assert plan.synthetic.sum() == len(X_res) - N > 0
    rows = np.random.default_rng(0).permutation(len(plan))[:25]
    np.testing.assert_array_equal(render(plan[rows], X), X_res[rows])
    for row in rows[:9]:
        np.testing.assert_array_equal(render(plan[row], X)[0], X_res[row])
    for n_jobs in (1, 2):
        np.testing.assert_array_equal(render(plan, X, n_jobs=n_jobs), X_res)
    again = pickle.loads(pickle.dumps(plan))
    np.testing.assert_array_equal(render(again[rows], X), X_res[rows])
    if X.dtype.kind == "f":
        assert X_res.min() >= 0 and X_res.max() <= 1
    last = len(plan) - 1
    assert plan.explain(last).startswith(f"row {last} ({plan.y[last]}) = DecodedBlend(")
    assert repr(plan).endswith("near by PCA (4 features), drawn by DecodedBlend)")


def test_floats_beyond_one_stay_in_the_range_of_their_parents():
    X = blobs((6, 5), "float64") * 300 - 20
    smote = decoding(PCA(2))
    X_res, _ = smote.fit_resample(X, Y)
    plan = smote.plan_[N:]
    parents = np.concatenate([X[plan.base], X[plan.partners[:, 0]]], axis=1)
    assert (X_res[N:].min(axis=(1, 2)) >= parents.min(axis=(1, 2))).all()
    assert (X_res[N:].max(axis=(1, 2)) <= parents.max(axis=(1, 2))).all()


def test_files_are_decoded_too(tmp_path):
    X = blobs((6, 5, 3), "uint8")
    paths = write_images(tmp_path, X)
    expected, _ = decoding(PCA(4)).fit_resample(X, Y)
    smote = decoding(PCA(4), output_dir=tmp_path / "children", n_jobs=2)
    found, _ = smote.fit_resample(paths, Y)
    np.testing.assert_array_equal(read_images(found), expected)
    np.testing.assert_array_equal(render(smote.plan_[-4:], paths), expected[-4:])


def test_rejected_children_are_drawn_again():
    X = blobs((6, 5), "uint8")
    smote = decoding(PCA(4), accept=NeighborsAgree(n_neighbors=3))
    X_res, _ = smote.fit_resample(X, Y)
    assert smote.plan_.tries.max() > 1
    np.testing.assert_array_equal(render(smote.plan_, X), X_res)


def test_grid_search_tunes_it_by_name():
    X = blobs((6, 5), "uint8")
    pipeline = make_pipeline(decoding(PCA(2), k_neighbors=3), FlattenImages(), GaussianNB())
    grid = {
        "smote__interpolate": ["pixels", "embedding"],
        "smote__embedding__n_components": [2, 4],
    }
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, Y)
    assert search.cv_results_["mean_test_score"].min() > 0


def test_the_parameter_is_where_images_are_interpolated():
    for sampler in [*RELATIVES, imblearn_images.SMOTEENN(), imblearn_images.SMOTETomek()]:
        assert inspect.signature(type(sampler)).parameters["interpolate"].default == "pixels"
    assert "interpolate" not in RandomOverSampler().get_params()


def flat(images):
    return images.reshape(len(images), -1)


def with_inverse(function, inverse):
    return FunctionTransformer(function, inverse, check_inverse=False)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"embedding": None}, "`inverse_transform` of `embedding`, got embedding=None, which has"),
        ({"embedding": "thumbnail"}, "got embedding='thumbnail', which has none. Pass e.g. PCA"),
        ({"embedding": FlattenImages().fit_transform}, "which has none"),
        (
            {"embedding": Pipeline([("a", FlattenImages()), ("b", LinearDiscriminantAnalysis())])},
            "which has none",
        ),
        (
            {"embedding": PCA(2), "synthesis": "blend"},
            "got synthesis='blend'. Leave one of them out",
        ),
        ({"embedding": PCA(2), "interpolate": "both"}, '"pixels" or "embedding", got \'both\''),
        ({"embedding": PCA(2), "interpolate": None}, '"pixels" or "embedding", got None'),
        (
            {"embedding": with_inverse(lambda x: flat(x)[:, :7], None)},
            r"decodes an image of shape \(6, 5\) to an array of shape \(7,\).* its 30 pixels",
        ),
        (
            {"embedding": with_inverse(lambda x: flat(x) / 255, None)},
            r"decodes pixels from 0\.\d+ to 0\.\d+, the real images have \d+ to \d+: they must be",
        ),
        (
            {"embedding": with_inverse(flat, lambda z: z * np.nan)},
            "`embedding` FunctionTransformer decodes pixels that are NaN",
        ),
    ],
)
def test_embeddings_that_cannot_decode(params, message):
    X = blobs((6, 5), "uint8")
    X[0] = 255
    smote = SMOTE(**{"interpolate": "embedding", "random_state": 0} | params)
    with pytest.raises(ValueError, match=message):
        smote.fit_resample(X, Y)


def test_given_features_have_no_decoder():
    with pytest.raises(ValueError, match="got `embeddings`, which has none"):
        decoding(PCA(2)).fit_resample(blobs((6, 5), "uint8"), Y, embeddings=np.zeros((N, 2)))


def test_a_sparse_matrix_has_no_images_to_decode_to():
    X = sparse.csr_matrix(blobs((30,), "uint8"))
    with pytest.raises(ValueError, match=r"X is a csr_matrix\. Pass an array, X\.toarray\(\)"):
        decoding(PCA(2)).fit_resample(X, Y)


def test_a_dark_image_is_no_mistake():
    X = blobs((6, 5), "uint8")
    X[Y == "owl"] = 0
    X[Y == "owl", 0, 0] = np.arange((Y == "owl").sum())
    decoding(PCA(20)).fit_resample(X, Y)
