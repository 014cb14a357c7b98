"""Contracts: what every public synthesis, embedding and home of pixels promises, found by looking.

A new one is held to this without being listed, in whatever public module it is. One that needs
arguments has them in `MADE`, one that belongs to another sampler than most has that in `SAMPLERS`,
and a home is made in `homes`.
"""

import pickle
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pytest
from sklearn.base import clone

import imblearn_images
from imblearn_images import SMOTE, LabelOverSampler, RandomOverSampler, render, synthesis
from imblearn_images.annotations import Annotations
from imblearn_images.epochs import EpochPlans
from imblearn_images.images import (
    ArrayImages,
    DrawnImages,
    FileImages,
    Images,
    ItemImages,
    StoreImages,
)

HAS_TORCH = find_spec("torch") is not None

MADE = {
    "AugmentWith": lambda cls: cls(darker),
    "Chain": lambda cls: cls([synthesis.Morph(), synthesis.Augment()]),
    "OneOf": lambda cls: cls([synthesis.CutMix(), synthesis.Augment()]),
    "ReadImages": lambda cls: cls(size=(12, 12)),
    "ReshapeImages": lambda cls: cls(image_shape=(12, 12)),
    "TorchEmbedding": lambda cls: cls(network()),
    "ZoomToObjects": lambda cls: cls(scale=(1.5, 2)),
}


def network():
    import torch

    torch.manual_seed(0)
    layers = torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(400, 8)
    return torch.nn.Sequential(*layers)


def darker(image, rng):
    return image * rng.uniform(0.8, 1)


def public_classes():
    """Name -> class, of all public modules; of Keras there are none of these kinds."""
    modules = ["", *(f".{name}" for name in imblearn_images._MODULES if name != "keras")]
    for module in modules:
        found = import_module(f"imblearn_images{module}")
        for name in found.__all__:
            if isinstance(cls := getattr(found, name), type):
                yield name, cls


CLASSES = dict(public_classes())


def of_kind(*methods, but=()):
    """Name -> class, of those that have these and none of the others."""
    return {
        name: cls
        for name, cls in CLASSES.items()
        if all(callable(getattr(cls, method, None)) for method in methods)
        and not any(hasattr(cls, method) for method in but)
    }


def made(classes):
    """Name -> object."""
    return {name: MADE.get(name, lambda cls: cls())(cls) for name, cls in classes.items()}


HOMES = {name for name, cls in CLASSES.items() if issubclass(cls, Images)} - {"Images"}
SYNTHESES = made({name: cls for name, cls in of_kind("draw").items() if hasattr(cls, "n_partners")})
ACCEPTING = made(of_kind("accept", but=["fit_resample"]))
STEPS = of_kind("fit", "transform", but=["predict"])
EMBEDDINGS = made(  # the steps that make rows of numbers from images
    {
        name: cls
        for name, cls in STEPS.items()
        if name not in ("ReadImages", "ReshapeImages") and (HAS_TORCH or name != "TorchEmbedding")
    }
)

DTYPES = {"uint8": 255, "uint16": 65535, "float32": 1.0}
Y = np.repeat(["cat", "owl"], [9, 5])


def some_images(dtype):
    """Smooth images that fill the unit of their dtype but for a tenth at both ends."""
    rng = np.random.default_rng(0)
    waves = rng.uniform(0.2, 0.6, (len(Y), 1, 1, 2)), rng.uniform(0, 6, (len(Y), 1, 1))
    place = np.indices((12, 12)).transpose(1, 2, 0)
    grey = 0.5 + 0.4 * np.sin((waves[0] * place).sum(axis=-1) + waves[1])
    return (grey * DTYPES[dtype]).astype(dtype)


def sampled(name, **params):
    """What draws by this synthesis, and what is given to it beside the images."""
    rule = clone(SYNTHESES[name])
    if name in SAMPLERS:
        return SAMPLERS[name](synthesis=rule, random_state=0, **params)
    return RandomOverSampler(synthesis=rule, random_state=0, **params), Y


def with_objects(**params):
    """Objects at places that a window around them does not leave as they are."""
    boxes = [[[row % 4, 2, row % 4 + 5, 8]] for row in range(len(Y))]
    objects = Annotations.of(boxes=boxes, labels=[[label] for label in Y], sizes=(12, 12))
    return LabelOverSampler({"owl": 9}, **params), objects


SAMPLERS = {"PasteObjects": with_objects, "ZoomToObjects": with_objects}


def test_they_are_found():
    """None is missing: what has a method of these is of that kind, in all public modules."""
    assert {"Augment", "Morph", "Paste", "ZoomToObjects"} <= SYNTHESES.keys()
    assert SYNTHESES.keys() | {"EpochImages", "EpochPlans"} == of_kind("draw").keys()
    assert "NeighborsAgree" in ACCEPTING and {"HOGFeatures", "FlattenImages"} <= EMBEDDINGS.keys()
    assert "StoreImages" in HOMES
    kept = {*synthesis.__all__} - SYNTHESES.keys() - ACCEPTING.keys()
    assert not kept, f"{kept}: neither draws nor accepts; add its kind to this module"


@pytest.mark.parametrize("name", [*SYNTHESES, *ACCEPTING, *EMBEDDINGS])
def test_it_is_an_object_as_scikit_learn_has_them_with_an_example(name):
    rule = {**SYNTHESES, **ACCEPTING, **EMBEDDINGS}[name]
    assert repr(clone(rule)) == repr(rule)
    assert repr(pickle.loads(pickle.dumps(rule))) == repr(rule)
    assert ">>> " in type(rule).__doc__ and "Parameters\n" in type(rule).__doc__


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SYNTHESES)
def test_a_synthesis_draws_in_the_unit_of_the_data_whatever_its_dtype(name, dtype):
    """The same scene is drawn alike in every dtype: a wrong one wraps, clips or stays black."""
    sampler, y = sampled(name)
    X, _ = sampler.fit_resample(some_images(dtype), y)
    assert X.dtype == np.dtype(dtype)
    drawn = {}
    for each in dict.fromkeys(["float32", dtype]):  # one plan: the same parents and seeds
        X = render(sampler.plan_[sampler.plan_.synthetic], some_images(each))
        drawn[each] = X.astype(float) / DTYPES[each]
    assert len(drawn[dtype]) == (2 if name == "PasteObjects" else 4)  # pastes bring their own
    assert np.abs(drawn[dtype] - drawn["float32"]).mean() < 0.03
    assert drawn[dtype].max() <= 1 and drawn[dtype].std() > 0.05


@pytest.mark.parametrize("name", SYNTHESES)
def test_a_row_drawn_alone_in_threads_or_of_another_home_has_the_same_bytes(name, tmp_path):
    X = some_images("uint8")
    one, y = sampled(name)
    X_res, _ = one.fit_resample(X, y)
    many, y = sampled(name, n_jobs=2)
    np.testing.assert_array_equal(many.fit_resample(X, y)[0], X_res)
    rows = np.flatnonzero(one.plan_.synthetic)[::-1]
    np.testing.assert_array_equal(render(one.plan_[rows[:1]], X), X_res[rows[:1]])
    for home in homes(X, tmp_path).values():
        np.testing.assert_array_equal(render(one.plan_[rows], home), X_res[rows])
    assert X.tobytes() == some_images("uint8").tobytes(), "the images were written to"


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_an_embedding_gives_numbers_that_a_sampler_can_search_in(name):
    X = some_images("uint8")
    features = clone(EMBEDDINGS[name]).fit(X, Y).transform(X)
    assert features.shape[0] == len(X) and features.ndim == 2
    half = clone(EMBEDDINGS[name]).fit(X, Y).transform(X[::2])
    np.testing.assert_allclose(half, features[::2], atol=1e-6)
    sampler = SMOTE(embedding=clone(EMBEDDINGS[name]), k_neighbors=2, random_state=0)
    assert len(sampler.fit_resample(X, Y)[0]) == 18


def homes(X, folder):
    """The images in every public home of pixels."""
    from PIL import Image

    paths = [str(folder / f"{row}.png") for row in range(len(X))]
    for path, image in zip(paths, X, strict=True):
        Image.fromarray(image).save(path)
    as_they_are = RandomOverSampler(sampling_strategy={"cat": 9}, random_state=0)
    as_they_are.fit_resample(X, Y)
    return {
        "ArrayImages": ArrayImages(X),
        "FileImages": FileImages(paths),
        "DrawnImages": DrawnImages(as_they_are.plan_, X),
        "ItemImages": ItemImages([(Image.fromarray(image), "label") for image in X], 0),
        "EpochImages": EpochPlans(as_they_are, X, Y)(0),
        "StoreImages": StoreImages(X),
    }


def test_every_home_is_held_to_the_contract(tmp_path):
    assert homes(some_images("uint8"), tmp_path).keys() == HOMES


@pytest.mark.parametrize("name", sorted(HOMES))
def test_a_home_reads_rows_in_any_order_and_pickles(name, tmp_path):
    X = some_images("uint8")
    home = pickle.loads(pickle.dumps(homes(X, tmp_path)[name]))
    assert isinstance(home, Images) and len(home) == len(X) and home.dtype == X.dtype
    rows = np.array([3, 0, 3, 13])
    out = np.empty((4, *home.shape_of(3)), X.dtype)
    home.read(rows, out)
    np.testing.assert_array_equal(out, X[rows])
    matrix, at = home.pixels(rows)
    np.testing.assert_array_equal(np.asarray(matrix)[at].reshape(out.shape), X[rows])
    again = np.empty((2, *home.shape_of(3)), X.dtype)
    home.subset(rows[1:]).read(np.array([1, 0]), again)
    np.testing.assert_array_equal(again, X[[3, 0]])


class KnowsEightBitsOnly:
    """A mistake that people make: 255 is white in 8 bits alone."""

    n_partners = 0

    def draw(self, base, partners, weights, rngs):
        return np.clip(base.astype(float) * 0.9, 0, 255)


def test_the_contract_fails_where_a_synthesis_is_wrong_for_16_bits(monkeypatch):
    monkeypatch.setitem(SYNTHESES, "wrong", KnowsEightBitsOnly())
    monkeypatch.setitem(globals(), "clone", lambda rule: rule)
    with pytest.raises(AssertionError):
        test_a_synthesis_draws_in_the_unit_of_the_data_whatever_its_dtype("wrong", "uint16")
