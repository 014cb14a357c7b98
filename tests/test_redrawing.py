"""Redrawing: the originals and pictures of them, in any number, stored or drawn when read."""

import pickle
import tracemalloc

import numpy as np
import pytest
from conftest import COLOUR, GREY, Negatives, make_images, make_labels, read_images, write_images
from hypothesis import given
from hypothesis import strategies as st
from imblearn.pipeline import make_pipeline
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from imblearn_images import RandomOverSampler, recipes, render
from imblearn_images.combine import SamplerChain
from imblearn_images.core.images import ArrayImages
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import layers_of
from imblearn_images.decision import PriorCorrectedClassifier
from imblearn_images.images import DrawnImages, FileImages
from imblearn_images.over_sampling import RedrawImages
from imblearn_images.preprocessing import HOGFeatures
from imblearn_images.strategies import at_least
from imblearn_images.synthesis import Augment, TransferDeformation

Y = make_labels()
X = make_images(len(Y), (8, 8), "uint8")
N = len(Y)


def counts(y):
    return {label: int(np.count_nonzero(np.asarray(y) == label)) for label in ("cat", "dog", "owl")}


@given(
    times=st.integers(1, 4),
    keep=st.booleans(),
    share=st.sampled_from([None, 0.0, 0.3, 1.0]),
    seed=st.integers(0, 5),
)
def test_every_image_comes_first_and_then_as_often_as_requested(times, keep, share, seed):
    redraw = RedrawImages(Augment(), times=times, keep=keep, share=share, random_state=seed)
    X_res, y_res = redraw.fit_resample(X, Y)
    plan, sets = redraw.plan_, times + keep
    assert y_res.tolist() == Y.tolist() * sets and len(X_res) == N * sets
    assert plan.first_base.tolist() == list(range(N)) * sets
    wanted = (1.0 if keep else 0.5) if share is None else share
    if keep:
        np.testing.assert_array_equal(X_res[:N], X)
        assert not plan.synthetic[:N].any()
    for at in range(keep, sets):
        drawn = plan.synthetic[at * N : (at + 1) * N]
        for label, n in counts(Y).items():
            assert drawn[label == Y].sum() == round(wanted * n)
    np.testing.assert_array_equal(X_res[~plan.synthetic], X[plan.base[~plan.synthetic]])
    np.testing.assert_array_equal(render(plan, X), X_res)


def test_pictures_of_one_image_differ():
    X_res, _ = recipes.many(times=5, random_state=0).fit_resample(X, Y)
    sets = X_res.reshape(6, N, -1)
    for one in range(6):
        for other in range(one):
            assert (sets[one] != sets[other]).any(axis=1).mean() > 0.9


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize(
    ("strategy", "wanted"),
    [
        (None, {"cat": 3, "dog": 3, "owl": 3}),
        ("auto", {"cat": 36, "dog": 36, "owl": 36}),
        ("minority", {"cat": 36, "dog": 21, "owl": 36}),
        ({"owl": 11, "dog": 50}, {"cat": 36, "dog": 50, "owl": 11}),
        (at_least(20), {"cat": 36, "dog": 21, "owl": 20}),
    ],
)
def test_class_counts_are_those_of_the_strategy(strategy, wanted, keep):
    redraw = RedrawImages(
        Augment(), times=3 - keep, keep=keep, sampling_strategy=strategy, random_state=0
    )
    X_res, y_res = redraw.fit_resample(X, Y)
    found = counts(y_res)
    if strategy is None:
        wanted = {label: 3 * n for label, n in counts(Y).items()}
    assert found == wanted
    added = {label: wanted[label] - n for label, n in counts(Y).items()}
    assert redraw.sampling_strategy_ == added
    uses = np.bincount(redraw.plan_.first_base, minlength=N)
    for label in wanted:  # no image is taken twice as often as another
        assert np.ptp(uses[label == Y]) <= 1
    if keep:
        np.testing.assert_array_equal(X_res[:N][redraw.plan_.base[:N] == np.arange(N)][:1], X[:1])
        assert set(redraw.plan_.base[~redraw.plan_.synthetic].tolist()) == set(range(N))


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ({"times": 0}, ValueError, "`times` must be at least 1, got 0"),
        ({"times": 1.5}, ValueError, "times"),
        ({"times": True}, ValueError, "got True"),
        ({"times": 10**9, "lazy": True}, MemoryError, "24000000000 images drawn from 24"),
        ({"keep": "yes"}, ValueError, "keep"),
        ({"share": -0.1}, ValueError, "between 0 and 1, got -0.1"),
        ({"sampling_strategy": {"owl": 2}}, ValueError, "'owl' has 5 images"),
        ({"sampling_strategy": {"fox": 9}}, ValueError, "fox"),
        ({"sampling_strategy": "all of them"}, ValueError, "sampling_strategy"),
        ({"sampling_strategy": 0.5}, ValueError, "binary"),
    ],
)
def test_what_cannot_be_is_refused(params, error, words):
    with pytest.raises(error, match=words):
        RedrawImages(Augment(), **params).fit_resample(X, Y)


def test_a_result_that_does_not_fit_is_refused_before_neighbours_are_looked_for(monkeypatch):
    from imblearn_images.core import memory

    monkeypatch.setattr(memory, "available_memory", lambda: 10**7)
    images = np.broadcast_to(np.uint8(7), (100, 100, 100))
    redraw = RedrawImages(TransferDeformation(), times=99, keep=True)
    with pytest.raises(MemoryError, match=r"10000 images drawn from 100.* 100.0 MB.*lazy=True"):
        redraw.fit_resample(images, ["a"] * 60 + ["b"] * 40)


@pytest.mark.parametrize("kind", [(GREY, "uint8"), (COLOUR, "uint8"), (GREY, "float32")], ids=str)
def test_drawn_when_read_equals_drawn_now(kind, tmp_path):
    shape, dtype = (12, 10, *kind[0][2:]), kind[1]
    images = make_images(N, shape, dtype)
    now = recipes.many(times=2, random_state=3).fit_resample(images, Y)[0]
    paths = write_images(tmp_path, images)
    for home in (images, Negatives(images), paths, FileImages(paths)):
        lazy, y_res = recipes.many(times=2, random_state=3, lazy=True).fit_resample(home, Y)
        assert isinstance(lazy, DrawnImages) and len(lazy) == len(y_res) == 3 * N
        np.testing.assert_array_equal(np.asarray(pickle.loads(pickle.dumps(lazy))), now)
        hog = HOGFeatures(n_jobs=2).fit(lazy)
        np.testing.assert_array_equal(hog.transform(lazy), HOGFeatures().fit_transform(now))
    small = HOGFeatures(size=(8, 8))
    assert np.isfinite(small.fit_transform(lazy)).all()
    files, _ = recipes.many(times=2, random_state=3, output_dir=tmp_path / "new").fit_resample(
        paths, Y
    )
    if dtype == "uint8":
        np.testing.assert_array_equal(read_images(files), now)
        assert len(list((tmp_path / "new").iterdir())) == 2 * N


class Mirror:
    """A synthesis that costs nothing."""

    n_partners = 0

    def draw(self, base, partners, weights, rngs):
        return base[:, :, ::-1]


def test_features_of_images_that_are_drawn_when_read_need_no_room_for_pixels():
    images = np.zeros((300, 64, 64), dtype=np.uint8)
    y = np.repeat([0, 1], [200, 100])
    redraw = RedrawImages(Mirror(), times=10, keep=True, random_state=0)
    hog = HOGFeatures(pixels_per_cell=(32, 32))

    def peak(lazy):
        tracemalloc.start()
        try:
            drawn, _ = redraw.set_params(lazy=lazy).fit_resample(images, y)
            assert hog.fit_transform(drawn).shape == (3300, 36)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    pixels = 3300 * 64 * 64  # 13.5 MB
    assert peak(False) > pixels > 2 * peak(True)


def test_no_picture_shows_an_image_of_another_fold():
    many = recipes.many(times=4, random_state=0)
    folds = np.arange(N) % 3
    for fold in range(3):
        rows = np.flatnonzero(folds != fold)
        many.fit_resample(X[rows], Y[rows])
        assert many.plan_.n_source == len(rows)
    many.fit_resample(X, Y)
    crosses = many.plan_.crosses(folds)
    assert crosses.any() and not crosses[:N].any()
    shown = many.plan_.shows.toarray()
    assert crosses.tolist() == [len(set(folds[row])) > 1 for row in shown]


def test_where_things_are_is_known_of_every_picture():
    many = recipes.many(times=3, random_state=0)
    many.fit_resample(X, Y)
    drawn = np.flatnonzero(many.plan_.synthetic)
    layers = layers_of(many.plan_[drawn], ArrayImages(X))
    seen = np.any([layer.seen for layer in layers if layer.member == 0], axis=0)
    assert seen.any(axis=(1, 2)).all()


def test_a_plan_of_pictures_is_saved_taken_along_and_read(tmp_path):
    many = recipes.many(times=2, random_state=0)
    X_res, _ = many.fit_resample(X, Y)
    many.plan_.save(tmp_path / "plan.npz", y=Y)
    again = ResamplingPlan.load(tmp_path / "plan.npz", y=Y)
    np.testing.assert_array_equal(render(again[::5], X), X_res[::5])
    assert many.plan_.take(np.arange(N)).tolist() == list(range(N)) * 3


def test_pictures_go_on_in_chains_and_are_balanced_there():
    chain = SamplerChain([recipes.many(times=2, lazy=True), RandomOverSampler()], random_state=0)
    X_res, y_res = chain.fit_resample(X, Y)
    assert counts(y_res) == dict.fromkeys(("cat", "dog", "owl"), 36)
    np.testing.assert_array_equal(render(chain.plan_, X), X_res)


def test_lazy_and_stored_train_the_same_model():
    def trained(lazy):
        many = recipes.many(times=2, random_state=0, lazy=lazy)
        model = make_pipeline(many, HOGFeatures(), LogisticRegression())
        return PriorCorrectedClassifier(clone(model), prior="uniform").fit(X, Y)

    lazy, stored = trained(True), trained(False)
    np.testing.assert_array_equal(lazy.predict_proba(X), stored.predict_proba(X))
    np.testing.assert_allclose(lazy.model_prior_, np.array([12, 7, 5]) / N)
