"""Several samplers in one give what a Pipeline of them gives; recipes are such samplers."""

import pickle

import numpy as np
import pytest
from conftest import COLOUR, GREY, make_images, make_labels, read_images, write_images
from imblearn.pipeline import make_pipeline
from imblearn.utils.estimator_checks import check_param_validation
from imblearn.utils.estimator_checks import estimator_checks_generator as imblearn_checks
from sklearn.base import clone
from sklearn.utils.estimator_checks import estimator_checks_generator as sklearn_checks

from imblearn_images import (
    SMOTE,
    GenerativeOverSampler,
    RandomOverSampler,
    RandomUnderSampler,
    RedrawImages,
    TomekLinks,
    render,
)
from imblearn_images import recipes as named
from imblearn_images.combine import SamplerChain
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.synthesis import Augment, CutMix, TransferDeformation

CHAINS = {
    "mix": lambda: [
        RandomOverSampler(random_state=5),
        RedrawImages(TransferDeformation(donors="all"), share=0.5, random_state=5),
        RedrawImages(Augment(), share=0.4, random_state=6),
    ],
    "blends of blends": lambda: [
        SMOTE(k_neighbors=2, random_state=0),
        RedrawImages("blend", share=0.6, random_state=1),
        SMOTE(sampling_strategy={"cat": 15}, k_neighbors=2, random_state=2),
    ],
    "cut": lambda: [
        RedrawImages(CutMix(), random_state=0),
        RandomUnderSampler(random_state=1),
        TomekLinks(),
        RandomOverSampler(sampling_strategy={"dog": 9}, synthesis=Augment(), random_state=1),
    ],
    "copies": lambda: [RandomOverSampler(random_state=0), RandomUnderSampler(random_state=1)],
}


def as_pipeline(samplers, folder):
    for at, sampler in enumerate(samplers):
        if folder is not None and "output_dir" in sampler.get_params(deep=False):
            sampler.set_params(output_dir=folder / f"step {at}")
    return make_pipeline(*samplers)


@pytest.mark.parametrize("where", ["array", "files"])
@pytest.mark.parametrize("kind", [(GREY, "uint8"), (COLOUR, "float32")], ids=str)
@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_is_a_pipeline_with_a_plan(name, kind, where, tmp_path):
    shape, dtype = (9, 8, *kind[0][2:]), kind[1]
    if where == "files" and dtype == "float32":
        shape = shape[:2]
    y = make_labels()
    images = make_images(len(y), shape, dtype)
    (tmp_path / "source").mkdir()
    X = images if where == "array" else np.array(write_images(tmp_path / "source", images))
    pipeline = as_pipeline(CHAINS[name](), None if where == "array" else tmp_path)
    X_theirs, y_theirs = pipeline.fit_resample(X, y)
    there = {} if where == "array" else {"output_dir": tmp_path / "chain"}
    chain = SamplerChain(CHAINS[name](), **there)
    X_ours, y_ours = chain.fit_resample(X, y)
    assert y_ours.tolist() == y_theirs.tolist() == chain.plan_.y.tolist()
    pixels = (lambda X: X) if where == "array" else read_images
    np.testing.assert_array_equal(pixels(X_ours), pixels(X_theirs))
    np.testing.assert_array_equal(render(chain.plan_, X), pixels(X_theirs))
    theirs = ResamplingPlan.of_pipeline(pipeline)
    assert chain.plan_.matrix(len(X)).toarray().tolist() == theirs.matrix(len(X)).toarray().tolist()
    assert all(chain.plan_.explain(row) == theirs.explain(row) for row in range(len(theirs)))
    assert chain.plan_.crosses(y).tolist() == theirs.crosses(y).tolist()
    if where == "files":  # what is in no file yet is written, and nothing else
        is_new = chain.plan_.synthetic
        written = sorted(map(str, (tmp_path / "chain").glob("*")))
        assert written == sorted(set(X_ours[is_new].tolist())) and len(written) == is_new.sum()
        assert X_ours[~is_new].tolist() == chain.plan_.take(X)[~is_new].tolist()
    pickle.loads(pickle.dumps(chain))  # holds no images


def test_seeds_differ_where_one_seed_would_choose_the_same_rows():
    images, y = make_images(24, GREY, "uint8"), make_labels()
    twice = [RedrawImages(Augment()), RandomOverSampler(), RedrawImages(Augment())]

    def seeds_of(random_state):
        chain = SamplerChain(twice, random_state=random_state)
        chain.fit_resample(images, y)
        return [sampler.random_state for sampler in chain.samplers_]

    assert seeds_of(3) == [3, 3, 4] and seeds_of(2**32 - 1) == [2**32 - 1, 2**32 - 1, 0]
    assert seeds_of(None) == [None] * 3
    assert len(set(seeds_of(np.random.RandomState(0)))) == 3
    assert seeds_of(np.random.RandomState(0)) == seeds_of(np.random.RandomState(0))
    own = SamplerChain([RedrawImages(random_state=7), RedrawImages()], random_state=7)
    own.fit_resample(images, y)
    assert [sampler.random_state for sampler in own.samplers_] == [7, 8]


@pytest.mark.parametrize("name", named.__all__)
def test_a_recipe_is_a_sampler(name, tmp_path):
    images, y = make_images(24, (8, 8), "uint8"), make_labels()
    asked = {} if name == "fresh" else {"sampling_strategy": {"owl": 9}}
    made = getattr(named, name)(**asked, random_state=4)
    X_res, y_res = made.fit_resample(images, y)
    if name == "fresh":  # class sizes are left alone
        np.testing.assert_array_equal(y_res, y)
    else:
        others = {"many": 9 * 19}.get(name, 19)
        assert np.count_nonzero(y_res == "owl") == 9 and len(y_res) == 9 + others
    again = clone(made).set_params(n_jobs=2).fit_resample(images, y)[0]
    np.testing.assert_array_equal(X_res, again)
    paths = np.array(write_images(tmp_path, images))
    with pytest.raises(ValueError, match="output_dir"):
        made.fit_resample(paths, y)
    of_files = getattr(named, name)(**asked, random_state=4, output_dir=tmp_path / "new", n_jobs=2)
    np.testing.assert_array_equal(read_images(of_files.fit_resample(paths, y)[0]), X_res)


def test_the_mix_is_this_chain():
    images, y = make_images(24, (8, 8), "uint8"), make_labels()
    ours = named.mix(random_state=5).fit_resample(images, y)[0]
    np.testing.assert_array_equal(ours, SamplerChain(CHAINS["mix"]()).fit_resample(images, y)[0])


def test_the_members_are_parameters():
    mix = named.mix(random_state=1)
    assert mix.get_params()["redrawimages-2__synthesis__rotation_range"] > 0
    mix.set_params(**{"redrawimages-1__share": 0.25, "randomoversampler": SMOTE()})
    assert [type(member).__name__ for member in mix.samplers][:2] == ["SMOTE", "RedrawImages"]
    assert mix.samplers[1].share == 0.25


def test_what_is_no_chain_is_refused(tmp_path):
    images, y = make_images(24, GREY, "uint8"), make_labels()
    paths = np.array(write_images(tmp_path, images))
    for samplers in ([], RandomOverSampler(), None):
        with pytest.raises(TypeError, match="must be a list of samplers, got"):
            SamplerChain(samplers).fit_resample(images, y)
    for member in (make_pipeline(RandomOverSampler()), RandomOverSampler, "mix"):
        with pytest.raises(TypeError, match="must hold samplers of imblearn_images, got"):
            SamplerChain([member]).fit_resample(images, y)
    inside = SamplerChain([RedrawImages(output_dir=tmp_path / "x")], output_dir=tmp_path / "y")
    with pytest.raises(ValueError, match="must be given to SamplerChain"):
        inside.fit_resample(paths, y)
    made = GenerativeOverSampler(lambda label, n, rng: np.full((n, *GREY), 255, dtype=np.uint8))
    with pytest.raises(ValueError, match="such images cannot be drawn again"):
        SamplerChain([made, RedrawImages()], output_dir=tmp_path / "y").fit_resample(paths, y)


CHECKED = SamplerChain(
    [RandomOverSampler(sampling_strategy="all"), RandomUnderSampler()], random_state=0
)


@pytest.mark.parametrize(
    ("estimator", "check"),
    [*sklearn_checks(CHECKED), *imblearn_checks(CHECKED)],
    ids=lambda each: getattr(getattr(each, "func", None), "__name__", ""),
)
def test_check(estimator, check):
    check(estimator)


def test_parameters_are_validated():
    check_param_validation("SamplerChain", CHECKED)


@pytest.mark.parametrize("name", named.__all__)
def test_what_recipes_draw_of_plain_images_is_plain(name):
    """Noise is the first thing that is seen in images of little contrast."""
    grey = np.repeat(np.arange(90, 122, 2, dtype=np.uint8), 16 * 16).reshape(16, 16, 16)
    recipe = getattr(named, name)(random_state=0)
    drawn, _ = recipe.fit_resample(grey, [0] * 11 + [1] * 5)
    assert recipe.plan_.synthetic.any()
    assert not drawn.reshape(len(drawn), -1).std(axis=1).any()
