"""Axes: what looks at planes asks where the channels are, in one way, and never guesses."""

import numpy as np
import pytest
from conftest import make_images, make_labels, write_images

from imblearn_images import SMOTE, RandomOverSampler, RedrawImages, render
from imblearn_images.core.pixels import channels_back, channels_last
from imblearn_images.preprocessing import HOGFeatures, ReadImages
from imblearn_images.synthesis import (
    Augment,
    AugmentWith,
    Chain,
    CutMix,
    Morph,
    OneOf,
    Paste,
    TransferDeformation,
)

Y = make_labels({"cat": 8, "dog": 5})
N = len(Y)
BANDS = make_images(N, (12, 16, 6), "uint8")


def brighter(image):
    return np.clip(image.astype(int) + 20, 0, 255)


RULES = {
    "Augment": lambda axis: Augment(channel_axis=axis, elastic=0.02, erase=0.5),
    "Morph": lambda axis: Morph(channel_axis=axis),
    "TransferDeformation": lambda axis: TransferDeformation(channel_axis=axis, residual=0.5),
    "CutMix": lambda axis: CutMix(channel_axis=axis),
    "Paste": lambda axis: Paste(channel_axis=axis),
    "Chain": lambda axis: Chain([Morph(channel_axis=axis), Augment(channel_axis=axis)]),
    "OneOf": lambda axis: OneOf([CutMix(channel_axis=axis), Augment(channel_axis=axis)]),
}


def torch_embedding(axis):
    torch = pytest.importorskip("torch")
    from imblearn_images.torch import TorchEmbedding

    torch.manual_seed(0)
    return TorchEmbedding(torch.nn.Conv2d(6, 4, 3), size=(10, 10), channel_axis=axis)


STEPS = {
    "HOGFeatures": lambda axis: HOGFeatures(channel_axis=axis),
    "HOGFeatures, resized": lambda axis: HOGFeatures(size=(10, 10), channel_axis=axis),
    "TorchEmbedding": torch_embedding,
}


def drawn_by(synthesis, X):
    sampler = RandomOverSampler(synthesis=synthesis, random_state=0)
    result, _ = sampler.fit_resample(X, Y)
    return result, sampler.plan_


@pytest.mark.parametrize("axis", [0, 1, -1, -3])
@pytest.mark.parametrize("name", RULES)
def test_children_are_the_same_wherever_the_channels_are(name, axis):
    expected, plan = drawn_by(RULES[name](None), BANDS)
    X = np.moveaxis(BANDS, -1, axis % 3 + 1)
    result, own_plan = drawn_by(RULES[name](axis), X)
    assert result.shape[1:] == X.shape[1:]
    np.testing.assert_array_equal(np.moveaxis(result, axis % 3 + 1, -1), expected)
    np.testing.assert_array_equal(own_plan.partners, plan.partners)
    np.testing.assert_array_equal(render(own_plan, X), result)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("name", STEPS)
def test_features_are_the_same_wherever_the_channels_are(name, axis):
    expected = STEPS[name](None).fit_transform(BANDS)
    moved = np.moveaxis(BANDS, -1, axis % 3 + 1)
    np.testing.assert_array_equal(STEPS[name](axis).fit_transform(moved), expected)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_arrays_are_resized_wherever_the_channels_are(axis):
    moved = np.moveaxis(BANDS, -1, axis % 3 + 1)
    result = ReadImages(size=(5, 4), channel_axis=axis).fit_transform(moved)
    expected = ReadImages(size=(5, 4)).fit_transform(BANDS)
    np.testing.assert_array_equal(np.moveaxis(result, axis % 3 + 1, -1), expected)


def test_functions_get_channels_last_where_they_are_told():
    seen = []

    def look(image):
        seen.append(image.shape)
        return image

    drawn_by(AugmentWith(look, channel_axis=0), np.moveaxis(BANDS, -1, 1))
    assert set(seen) == {(12, 16, 6)}
    expected, _ = drawn_by(Augment.from_callable(brighter, channel_axis=-1), BANDS)
    result, _ = drawn_by(Augment.from_callable(brighter, channel_axis=0), np.moveaxis(BANDS, -1, 1))
    np.testing.assert_array_equal(np.moveaxis(result, 1, -1), expected)


CERTAIN = [(9, 8), (9, 8, 1), (9, 8, 3), (9, 8, 4), (1, 20, 3), (9, 8, 7), (9, 9, 20), (3, 3, 3)]
DOUBTFUL = [(3, 9, 8), (1, 20, 8), (12, 32, 32), (16, 32, 32), (9, 9, 9), (9, 7, 9), (8, 9, 20)]


@pytest.mark.parametrize("shape", CERTAIN, ids=str)
def test_what_is_certain_is_taken(shape):
    X = make_images(N, shape, "uint8")
    for name in ("Augment", "CutMix"):
        drawn_by(RULES[name](None), X)
    assert (
        len(SMOTE(embedding="thumbnail", k_neighbors=2, random_state=0).fit_resample(X, Y)[0]) == 16
    )


@pytest.mark.parametrize("shape", DOUBTFUL, ids=str)
def test_what_is_in_doubt_is_refused_until_it_is_said(shape):
    X = make_images(N, shape, "uint8")
    for name, rule in RULES.items():
        with pytest.raises(ValueError, match=r"needs channels last.*channel_axis=0.*axis=-1"):
            drawn_by(rule(None), X)
        if min(shape) > 2 or name in ("Augment", "CutMix"):
            assert drawn_by(rule(-1), X)[0].shape == (16, *shape)
    for step in (HOGFeatures(), ReadImages(size=(4, 4)), torch_embedding(None)):
        with pytest.raises(ValueError, match=r"needs channels last.*channel_axis=0"):
            step.fit(X).transform(X)
    with pytest.raises(ValueError, match=r"embedding=HOGFeatures\(channel_axis=0\)"):
        SMOTE(embedding="thumbnail", k_neighbors=2).fit_resample(X, Y)


@pytest.mark.parametrize("axis", [3, -4, 1.0, True, "first"])
def test_axes_that_are_none_are_refused(axis):
    with pytest.raises(ValueError, match=rf"`channel_axis` must be None.*got {axis!r}"):
        drawn_by(Augment(channel_axis=axis), BANDS)


def test_grey_images_have_no_channels():
    with pytest.raises(ValueError, match="which have no channels"):
        drawn_by(Augment(channel_axis=0), make_images(N, (8, 8), "uint8"))


def test_files_have_channels_last(tmp_path):
    paths = write_images(tmp_path, make_images(N, (8, 8, 3), "uint8"))
    for axis, synthesis in ((0, Augment(channel_axis=0)), (1, Chain([Morph(channel_axis=1)]))):
        sampler = RedrawImages(synthesis, output_dir=tmp_path / "new")
        with pytest.raises(ValueError, match=rf"for files, which are read as .* got {axis}"):
            sampler.fit_resample(paths, Y)
    sampler = RedrawImages(Augment(channel_axis=-1), output_dir=tmp_path / "new")
    assert len(sampler.fit_resample(paths, Y)[0]) == N


def test_images_that_have_their_channels_last_are_not_copied():
    every_other = BANDS[:, ::2]
    for axis in (2, -1):
        assert channels_last(every_other, axis) is every_other
        assert channels_back(every_other, axis) is every_other
