"""How easily synthetic images are told from real ones."""

import numpy as np
import pytest
from conftest import make_images, write_images
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from imblearn_images import RandomOverSampler, ResamplingPlan, recipes
from imblearn_images.folders import inspect_folder
from imblearn_images.model_selection import SynthesisGap, compare_resamplers, synthesis_gap
from imblearn_images.over_sampling import RedrawImages
from imblearn_images.preprocessing import FlattenImages, HOGFeatures, ReadImages

Y = np.repeat(["cat", "dog", "owl"], [60, 25, 15])
X = make_images(len(Y), (8, 8), "uint8")


def other_noise(base, partner, step, rng):
    """Nothing tells it from a real image of noise."""
    return rng.integers(0, 256, base.shape).astype(float)


def stamped(base, partner, step, rng):
    image = other_noise(base, partner, step, rng)
    image[:2, :2] = 255
    return image


@pytest.mark.parametrize(("rule", "low", "high"), [(other_noise, 0.3, 0.7), (stamped, 0.97, 1)])
@pytest.mark.parametrize("make", [RandomOverSampler, RedrawImages])
def test_what_has_a_mark_is_told_and_what_has_none_is_not(make, rule, low, high):
    sampler = make(synthesis=rule, random_state=0)
    sampler.fit_resample(X, Y)
    gap = synthesis_gap(sampler, X, features=lambda images: images.reshape(len(images), -1))
    assert low <= gap.auc <= high and all(low - 0.1 <= auc <= high for auc in gap.by_class.values())
    assert gap.shares == {
        label: sampler.plan_.synthetic[sampler.plan_.y == label].mean() for label in gap.shares
    }
    dangerous = make is RandomOverSampler and rule is stamped
    assert bool(gap.warning) == dangerous and (gap.warning in repr(gap)) and "AUC" in repr(gap)
    if dangerous:
        assert "75% of class 'owl' are synthetic, of 'cat' 0%" in gap.warning
        assert gap.uneven == 0.75
    assert gap._repr_html_().startswith("<pre>")


def test_files_and_plans_are_looked_at_alike(tmp_path):
    mild = recipes.mild(random_state=0)
    mild.fit_resample(X, Y)
    on_array = synthesis_gap(mild.plan_, X)
    on_files = synthesis_gap(mild.plan_, write_images(tmp_path, X))
    assert on_array.by_class == on_files.by_class
    few = synthesis_gap(mild.plan_, X, max_images=10)
    assert set(few.by_class) == set(on_array.by_class) and few.by_class != on_array.by_class


def test_classes_of_few_images_are_left_out():
    rows = np.r_[0:60, 60:64]
    mild = recipes.mild(random_state=0)
    mild.fit_resample(X[rows], Y[rows])
    gap = synthesis_gap(mild, X[rows])
    assert np.isnan(gap.auc) and not gap.by_class and gap.warning == ""
    copies = RandomOverSampler(random_state=0)
    copies.fit_resample(X, Y)
    with pytest.raises(ValueError, match="no synthetic images"):
        synthesis_gap(copies, X)
    with pytest.raises(TypeError, match="must be a ResamplingPlan"):
        synthesis_gap(X, X)


def test_a_comparison_warns_of_it_in_the_features_of_the_classifier():
    candidates = {
        "stamped": RandomOverSampler(synthesis=stamped),
        "noise": RandomOverSampler(synthesis=other_noise),
        "copies": RandomOverSampler(),
    }
    model = make_pipeline(FlattenImages(dtype=np.float32), LogisticRegression(C=1e-6, tol=0.1))
    found = compare_resamplers(model, candidates, X, Y, cv=2, random_state=0)
    assert set(found.gaps) == {"stamped", "noise"}
    assert all(isinstance(gap, SynthesisGap) for gap in found.gaps.values())
    told = [note for note in found.notes if "tells synthetic images from real ones" in note]
    assert len(told) == 1 and told[0].startswith("stamped: A linear model tells")
    blind = make_pipeline(HOGFeatures(pixels_per_cell=(4, 4)), LogisticRegression())
    assert "stamped" in compare_resamplers(blind, candidates, X, Y, cv=2, random_state=0).gaps


def test_inspecting_folders_warns_where_recipes_would_show(tmp_path):
    """Drawings of squares: no edge is oblique but where one was turned or bent."""
    rng = np.random.default_rng(0)
    squares = np.kron(rng.integers(0, 256, (40, 8, 8), dtype=np.uint8), np.ones((8, 8), np.uint8))
    noise = rng.integers(0, 256, (40, 64, 64), dtype=np.uint8)
    notes = {}
    for name, images in (("noise", noise), ("squares", squares)):
        for label, rows in (("cat", slice(0, 30)), ("dog", slice(30, 40))):
            (tmp_path / name / label).mkdir(parents=True)
            write_images(tmp_path / name / label, images[rows])
        report = inspect_folder(tmp_path / name, near=False)
        assert set(report.gaps) == {"mild", "transfer"} and "gaps" in report.to_json()
        notes[name] = [note for note in report.notes if "can separate real images from" in note]
    assert report.gaps["mild"] > 0.9 and "mild (AUC " in notes["squares"][0]
    assert not notes["noise"] and "prior_correction" in notes["squares"][0]
    assert inspect_folder(tmp_path / "squares", near=False, classes=["cat"]).gaps == {}


def test_a_comparison_of_files_warns_as_one_of_arrays(tmp_path):
    model = make_pipeline(ReadImages(), FlattenImages(dtype=np.float32), LogisticRegression(C=1e-6))
    over = {"stamped": RandomOverSampler(synthesis=stamped)}
    paths = write_images(tmp_path, X)
    found = compare_resamplers(model, over, paths, Y, cv=2, random_state=0)
    assert found.gaps["stamped"].auc > 0.9 and any("stamped: A linear" in n for n in found.notes)


@pytest.mark.parametrize("n", [-1, 0, 7, 2.5, None])
def test_too_few_images_to_tell_apart_are_refused(n):
    plan = ResamplingPlan.selection(np.zeros(2, dtype=int), np.zeros(1))
    with pytest.raises(ValueError, match=r"`max_images` must be an integer of at least 8, got"):
        synthesis_gap(plan, np.zeros((1, 8, 8)), max_images=n)


def test_floats_outside_of_0_to_1_are_inspected_without_trying_recipes(tmp_path):
    for label, n in (("cat", 30), ("dog", 8)):
        (tmp_path / label).mkdir()
        write_images(
            tmp_path / label, list(np.random.default_rng(n).normal(size=(n, 8, 8)).astype("f4"))
        )
    report = inspect_folder(tmp_path, near=False)
    assert report.ratio > 3 and report.gaps == {}
