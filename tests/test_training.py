"""What fits have in common is made once, and changes no result."""

import warnings

import imblearn.over_sampling as theirs
import numpy as np
import pytest
from conftest import make_images, write_images
from imblearn.pipeline import make_pipeline
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from imblearn_images import SMOTE, RandomOverSampler
from imblearn_images._training import Described, Training, parts_of
from imblearn_images.core.hog import _length
from imblearn_images.decision import PriorCorrectedClassifier
from imblearn_images.ensemble import PolicyEnsembleClassifier
from imblearn_images.model_selection import compare_resamplers
from imblearn_images.over_sampling import RedrawImages
from imblearn_images.preprocessing import HOGFeatures, ReadImages
from imblearn_images.synthesis import Augment, TransferDeformation
from imblearn_images.synthesis._flow import _Memory, optical_flow, remembered_flows

Y = np.repeat(["cat", "dog", "owl"], [24, 11, 7])
X = make_images(len(Y), (16, 16), "uint8")
X += (40 * (Y == "dog"))[:, None, None].astype(np.uint8)


class AloneHOG(HOGFeatures):
    """Nothing is shared by those who begin with it."""

    of_each_alone = False


def model(first=HOGFeatures):
    return make_pipeline(first(), LogisticRegression(C=0.1, tol=1e-2))


class Counting(RandomOverSampler):
    """How often it has drawn."""

    drawn = 0

    def fit_resample(self, X, y, **params):
        Counting.drawn += 1
        return super().fit_resample(X, y, **params)


def candidates():
    few = RedrawImages(TransferDeformation(donors="all"), times=2, keep=True)
    return {
        "mild": "mild",
        "SMOTE": SMOTE(k_neighbors=2),
        "theirs": theirs.RandomOverSampler(),
        "redrawn": few,
        "lazy": clone(few).set_params(lazy=True),
        "chain": make_pipeline(RandomOverSampler(), RedrawImages(Augment(), share=0.3)),
        "corrected": PriorCorrectedClassifier(
            make_pipeline(few, *model()), prior="uniform", model_prior="train", tau=0.3
        ),
    }


def test_a_comparison_gives_the_same_scores_whether_or_not_candidates_share():
    """The same seeds, the same scores, probabilities and gaps, to the last bit."""
    shared, apart = (
        compare_resamplers(model(first), candidates(), X, Y, cv=2, random_state=0)
        for first in (HOGFeatures, AloneHOG)
    )
    assert shared.names == apart.names and not shared.failures
    for name in shared.names:
        assert shared.scores[name].tolist() == apart.scores[name].tolist(), name
        assert shared.calibration[name] == apart.calibration[name], name
    assert apart.gaps.keys() <= shared.gaps.keys()  # behind a correction it is seen, too
    for name in apart.gaps:
        assert shared.gaps[name].by_class == apart.gaps[name].by_class


def test_an_ensemble_takes_over_what_candidates_have_drawn_and_changes_nothing():
    policies = [
        ("untouched", None, 1.0),
        ("weights", None, "class_weight"),
        ("drawn", Counting(synthesis=Augment()), 0.3),
        ("redrawn", RedrawImages(Augment(), times=2, keep=True), 1.0),
    ]

    def ensemble(first):
        return PolicyEnsembleClassifier(model(first), policies, screen=0.9, cv=2, random_state=0)

    rows, _ = next(StratifiedKFold(2, shuffle=True, random_state=0).split(X, Y))
    one, other = (ensemble(first).fit(X[rows], Y[rows]) for first in (HOGFeatures, AloneHOG))
    assert [each[:4] for each in one.policies_] == [each[:4] for each in other.policies_]
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    assert one.estimators_["drawn"].predict(X[:3]).shape == (3,)
    found = {}
    for first in (HOGFeatures, AloneHOG):
        Counting.drawn = 0
        both = {"drawn": Counting(synthesis=Augment()), "ensemble": ensemble(first)}
        scores = compare_resamplers(model(first), both, X, Y, cv=2, random_state=0).scores
        found[first] = [scores[name].tolist() for name in both], Counting.drawn
    assert found[HOGFeatures][0] == found[AloneHOG][0]
    assert (found[HOGFeatures][1], found[AloneHOG][1]) == (6, 8)  # two folds: one less in each


@pytest.mark.filterwarnings("default:a word")
def test_warnings_of_a_shared_fit_are_told_by_each():
    class Loud(RandomOverSampler):
        def fit_resample(self, X, y, **params):
            warnings.warn("a word", UserWarning, stacklevel=2)
            return super().fit_resample(X, y, **params)

    one = {"one": Loud(), "two": PriorCorrectedClassifier(make_pipeline(Loud(), *model()))}
    notes = compare_resamplers(model(), one, X, Y, cv=2, random_state=0).notes
    assert any(note.startswith("4 of 10 fits warned") for note in notes), notes


def test_drawn_sets_are_kept_as_far_as_there_is_room():
    described = Described.of(HOGFeatures(), X)
    samplers = [[RandomOverSampler(random_state=k)] for k in range(3)]
    roomy, tight = Training(X, Y, described), Training(X, Y, described, held=1)
    for training, kept in ((roomy, True), (tight, False)):
        drawn = [training.draw(each) for each in samplers]
        assert (training.draw(samplers[0]) is drawn[0]) is kept
        assert training.draw(samplers[0]) is training.draw(samplers[0])
    np.testing.assert_array_equal(drawn[0].X, HOGFeatures().fit_transform(X)[drawn[0].plan.base])


def test_a_sampler_whose_plan_does_not_tell_what_it_did_is_not_believed():
    class Lying(RandomOverSampler):
        def fit_resample(self, X, y, **params):
            images, labels = super().fit_resample(X, y, **params)
            return 255 - images, labels

    described = Described.of(HOGFeatures(), X)
    drawn = Training(X, Y, described).draw([Lying(random_state=0)])
    images, _ = Lying(random_state=0).fit_resample(X, Y)
    np.testing.assert_array_equal(drawn.X, HOGFeatures().fit_transform(images))


@pytest.mark.parametrize(
    "made",
    [
        LogisticRegression(),
        make_pipeline(AloneHOG(), LogisticRegression()),
        make_pipeline(HOGFeatures(), "passthrough", LogisticRegression()),
        make_pipeline(HOGFeatures(), LogisticRegression(), memory="somewhere"),
        make_pipeline(HOGFeatures(), SMOTE(), LogisticRegression()),
        make_pipeline(HOGFeatures()),
    ],
)
def test_other_pipelines_are_left_whole(made):
    assert parts_of(made) is None


def test_flows_are_remembered_without_a_change_and_within_their_room():
    one, other = X[:6].astype(np.float32) / 255, X[6:12].astype(np.float32) / 255
    plain = optical_flow(one, other)
    with remembered_flows():
        for rows in (slice(0, 4), slice(2, 6), slice(0, 6)):
            np.testing.assert_array_equal(optical_flow(one[rows], other[rows]), plain[rows])
    pairs = np.stack([one, other], axis=1)
    memory = _Memory(2 * plain[0].nbytes)
    for _ in range(2):
        np.testing.assert_array_equal(memory.look_up(pairs), memory.look_up(pairs[:6]))
        assert len(memory.flows) == 2


def test_gradients_are_as_long_as_numpy_says():
    down, right = np.random.default_rng(0).normal(size=(2, 10_000)).astype(np.float32)
    np.testing.assert_array_equal(_length(down, right), np.hypot(down, right))


def test_files_and_other_features_are_not_taken_for_shared_ones(tmp_path):
    """An ensemble and candidates that draw alike share nothing where images are not described."""
    policies = [("untouched", None, 1.0), ("drawn", RandomOverSampler(synthesis=Augment()), 0.3)]
    over, few = RandomOverSampler(synthesis=Augment()), HOGFeatures(orientations=4)

    def found(first, images):
        behind = LogisticRegression(C=0.1, tol=1e-2)
        each = {
            "drawn": over,
            "other": make_pipeline(*first, over, AloneHOG(), behind),
            "fewer": make_pipeline(*first, over, few, behind),
            "ensemble": PolicyEnsembleClassifier(
                make_pipeline(*first, HOGFeatures(), behind), policies, cv=2, random_state=0
            ),
        }
        comparison = compare_resamplers(
            make_pipeline(*first, HOGFeatures(), behind), each, images, Y, cv=2, random_state=0
        )
        assert not comparison.failures
        return {name: scores.tolist() for name, scores in comparison.scores.items()}

    on_arrays = found((), X)
    assert found((ReadImages(),), np.array(write_images(tmp_path, X))) == on_arrays
    assert on_arrays["other"] == on_arrays["drawn"] != on_arrays["fewer"]
