"""Members of a list, reached by name like the steps of a Pipeline."""

import pickle

import numpy as np
import pytest
from imblearn.pipeline import make_pipeline
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline as sklearn_pipeline

from imblearn_images import RandomOverSampler
from imblearn_images.datasets import load_texture_patches
from imblearn_images.decision import TestTimeAugmentationClassifier
from imblearn_images.preprocessing import FlattenImages
from imblearn_images.synthesis import Augment, Chain, Morph, OneOf, TransferDeformation

VALID = r"Valid parameters are: \['syntheses', 'augment', 'copy'\]"


def darker(base, partner, step, rng):
    return base * rng.uniform(0.5, 1)


def bent():
    return Chain([TransferDeformation(near=7), Augment(noise=0.3)])


def test_members_and_their_parameters_have_the_names_of_a_pipeline():
    members = [Augment(), "blend", Morph(), darker, Augment(noise=0.5), "copy", "copy"]
    params = Chain(members).get_params()
    steps = dict(sklearn_pipeline(*members).steps)
    assert set(steps) == {
        "augment-1",
        "augment-2",
        "blend",
        "morph",
        "function",
        "copy-1",
        "copy-2",
    }
    assert {name: params[name] for name in steps} == steps
    assert params["augment-2__noise"] == 0.5 and params["morph__fade"] is True
    assert params["syntheses"] is members
    expected = {f"{name}__{key}" for name in ("augment-1", "augment-2") for key in vars(Augment())}
    expected |= {"morph__fade", "morph__channel_axis", "morph__engine"}
    assert set(params) == {"syntheses", *steps, *expected}
    assert set(Chain(members).get_params(deep=False)) == {"syntheses"}


@pytest.mark.parametrize("make", [Chain, OneOf])
def test_parameters_of_members_are_set_by_name(make):
    rule = make([TransferDeformation(), Augment(), Augment()])
    rule.set_params(transferdeformation__scale=(0.2, 1.0), **{"augment-2__noise": 0.5})
    moved, first, second = rule.syntheses
    assert moved.scale == (0.2, 1.0)
    assert (first.noise, second.noise) == (Augment().noise, 0.5)


def test_a_member_is_replaced_in_a_new_list():
    given = ["blend", Augment(), darker]
    before, chain = list(given), Chain(given)
    assert chain.set_params(augment__noise=0.2).syntheses is given
    chain.set_params(augment=Augment(erase=0.5), augment__noise=0.4, blend="copy", function=Morph())
    assert given == before and chain.syntheses is not given
    assert str(chain.syntheses) == "['copy', Augment(erase=0.5, noise=0.4), Morph()]"
    assert before[1].noise == 0.2


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"augment__noise": 0.5}, "[Augment(noise=0.5), Augment(noise=0.1)]"),
        ({"morph__noise": 0.7}, "[Augment(), Augment(noise=0.7)]"),
        ({"augment": "copy", "morph__noise": 0.7}, "['copy', Augment(noise=0.7)]"),
    ],
)
@pytest.mark.parametrize("make", [list, tuple])
def test_names_are_those_of_the_members_before_one_is_replaced(params, expected, make):
    for order in (1, -1):
        given = make([Augment(), Morph()])
        asked = list({"morph": Augment(noise=0.1), **params}.items())[::order]
        assert str(Chain(given).set_params(**dict(asked)).syntheses) == expected
        assert isinstance(given, make) and isinstance(given[1], Morph)


def test_the_list_is_set_before_its_members():
    chain = Chain(["blend"]).set_params(augment__noise=0.4, syntheses=[Augment()])
    assert str(chain) == "Chain(syntheses=[Augment(noise=0.4)])"


def test_clones_and_pickles_are_independent():
    chain = bent()
    for other in (clone(chain), pickle.loads(pickle.dumps(chain))):
        assert str(other) == str(chain)
        other.set_params(augment__noise=0.9)
        assert chain.get_params()["augment__noise"] == 0.3
    given = chain.syntheses
    assert Chain(given).syntheses is given


def test_names_go_through_nested_lists():
    rule = OneOf(["copy", bent(), Augment()], probabilities=[0.2, 0.3, 0.5])
    sampler = RandomOverSampler(synthesis=rule, random_state=0)
    sampler.set_params(
        synthesis__chain__augment__noise=0.1,
        synthesis__augment__noise=0.2,
        synthesis__probabilities=[0.0, 1.0, 0.0],
        synthesis__chain__transferdeformation="copy",
    )
    assert rule.get_params()["chain__augment__noise"] == 0.1
    X, y = load_texture_patches(return_X_y=True, size=8)
    X, y = X[::40], y[::40]
    asked = OneOf(["copy", Chain(["copy", Augment(noise=0.1)]), Augment()], [0.0, 1.0, 0.0])
    same = RandomOverSampler(synthesis=asked, random_state=0)
    np.testing.assert_array_equal(sampler.fit_resample(X, y)[0], same.fit_resample(X, y)[0])


def test_grid_search_reaches_members_through_a_pipeline():
    X, y = load_texture_patches(return_X_y=True, size=8)
    sampler = RandomOverSampler(synthesis=bent(), random_state=0)
    name = "randomoversampler__synthesis__"
    grid = {
        f"{name}augment__noise": [0.0, 0.1],
        f"{name}transferdeformation": [TransferDeformation(scale=(0.2, 1.0)), "copy"],
    }
    search = GridSearchCV(
        make_pipeline(sampler, FlattenImages(), GaussianNB()), grid, cv=2, error_score="raise"
    ).fit(X[::8], y[::8])
    assert len(search.cv_results_["params"]) == 4
    best = search.best_estimator_[0].synthesis
    assert [best.syntheses[1].noise, str(best.syntheses[0])] == [
        search.best_params_[f"{name}augment__noise"],
        str(search.best_params_[f"{name}transferdeformation"]),
    ]
    assert str(sampler.synthesis) == str(bent())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("augmnt", rf"'augmnt' for estimator Chain\(.*{VALID}"),
        ("augmnt__noise", rf"'augmnt' for estimator Chain\(.*{VALID}"),
        ("copy__noise", "'noise' for 'copy': 'copy' has no parameters"),
        ("augment-1", "'augment-1' for estimator Chain"),
        ("augment__nois", r"'nois' for estimator Augment\(\)\. Valid parameters are: .*'noise'"),
    ],
)
def test_a_name_that_is_no_parameter_is_refused_as_by_scikit_learn(name, words):
    with pytest.raises(ValueError, match=f"Invalid parameter {words}"):
        Chain([Augment(), "copy"]).set_params(**{name: 1})


def test_what_is_no_list_can_be_printed_and_set_but_not_drawn_from():
    X, y = np.zeros((6, 4, 4), dtype=np.uint8), list("aaaabb")
    for wrong in (Augment(), "blend"):
        chain = Chain(wrong)
        assert chain.get_params()["syntheses"] is wrong
        with pytest.raises(TypeError, match=r"`syntheses` must be a list, got .*; pass \["):
            RandomOverSampler(synthesis=chain).fit_resample(X, y)
        assert chain.set_params(syntheses=["copy"]).syntheses == ["copy"]


def test_views_at_test_time_are_reached_by_name():
    views = TestTimeAugmentationClassifier(GaussianNB(), [Augment(), darker])
    copied = clone(views).set_params(augment__noise=0.5, estimator__var_smoothing=0.1, function=abs)
    assert [copied.transforms[0].noise, copied.transforms[1]] == [0.5, abs]
    assert views.get_params()["augment__noise"] == Augment().noise
    assert views.transforms[1] is darker and views.estimator.var_smoothing < 0.1
