"""Displays: what they draw is what was counted, from arrays and from files, into any axes."""

import io
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import write_images
from forked import run_python
from PIL import Image

from imblearn_images import (
    SMOTE,
    ClusterCentroids,
    RandomOverSampler,
    RandomUnderSampler,
    RedrawImages,
)
from imblearn_images.combine import SamplerChain
from imblearn_images.datasets import load_texture_patches
from imblearn_images.display import (
    ClassDistributionDisplay,
    ComparisonDisplay,
    EmbeddingDisplay,
    FamilyDisplay,
    PairsDisplay,
    RecallDisplay,
    ReliabilityDisplay,
)
from imblearn_images.display._canvas import as_label, as_png
from imblearn_images.model_selection._leakage import check_leakage
from imblearn_images.synthesis import Augment, TransferDeformation

plt = pytest.importorskip("matplotlib.pyplot", reason="displays need imblearn-images[plot]")

X, Y = load_texture_patches(images="colour", size=64, return_X_y=True)


@pytest.fixture(autouse=True)
def closed():
    plt.switch_backend("agg")
    yield
    plt.close("all")


def resampled(sampler, images=X):
    X_res, y_res = sampler.fit_resample(images, Y)
    return sampler.plan_, X_res, y_res


def comparison():
    """What :func:`compare_resamplers` returns, in the parts that displays read."""
    rng = np.random.default_rng(0)
    names = ("none", "class_weight", "SMOTE")
    bins = np.array([0.35, 0.65, 0.95]), np.array([0.3, 0.6, 0.9]), np.array([5, 10, 85])
    return SimpleNamespace(
        names=names,
        metric="balanced_accuracy",
        scores={name: rng.random(5) for name in names},
        differences={
            "class_weight": (0.05, 0.01, 0.09, 0.004, 0.008),
            "SMOTE": (-0.02, -0.06, 0.02, 0.4, 0.4),
        },
        better=["class_weight"],
        worse=[],
        recall={name: {"cat": (0.9, 100), "owl": (0.25, 4)} for name in names},
        calibration=dict.fromkeys(names, (0.3, 0.05)),
        reliability=dict.fromkeys(names[:2], bins),
    )


def leak():
    valid = np.concatenate([X[5:8], X[60:62]])
    return check_leakage(X[:10], valid, threshold=None)


MAKERS = {
    "labels": lambda ax: ClassDistributionDisplay.from_labels(Y, ax=ax),
    "plan": lambda ax: ClassDistributionDisplay.from_plan(
        resampled(SMOTE(k_neighbors=2))[0], Y, ax=ax
    ),
    "family": lambda ax: FamilyDisplay.from_plan(resampled(SMOTE(k_neighbors=2))[0], X, ax=ax),
    "map": lambda ax: EmbeddingDisplay.from_plan(resampled(SMOTE(k_neighbors=2))[0], X, Y, ax=ax),
    "labelled map": lambda ax: EmbeddingDisplay.from_labels(X, Y, ax=ax),
    "pairs": lambda ax: PairsDisplay.from_report(leak(), ax=ax),
    "comparison": lambda ax: ComparisonDisplay.from_comparison(comparison(), ax=ax),
    "recalls": lambda ax: RecallDisplay.from_comparison(comparison(), ax=ax),
    "recall": lambda ax: RecallDisplay.from_predictions(Y, np.roll(Y, 1), ax=ax),
    "reliabilities": lambda ax: ReliabilityDisplay.from_comparison(comparison(), ax=ax),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_display_draws_into_its_own_figure_or_into_given_axes(make):
    alone = make(None)
    assert alone.figure_ is alone.ax_.figure
    figure, axes = plt.subplots(1, 2, figsize=(12, 6))
    display = make(axes[1])
    assert display.ax_ is axes[1] and display.figure_ is figure
    assert not axes[0].has_data()
    again = display.plot()
    assert again is display and display.ax_ is not axes[1]
    for drawn in (alone.figure_, figure):
        drawn.savefig(io.BytesIO())


MANY = np.repeat([f"class {k:04}" for k in range(1500)], [9, *[2] * 1498, 1])
OFTEN = {label: (0.5, n) for label, n in Counter(MANY.tolist()).items()}
OF_MANY = {
    "labels": lambda: ClassDistributionDisplay.from_labels(MANY, MANY),
    "recall": lambda: RecallDisplay.from_predictions(MANY, MANY),
    "recalls": lambda: RecallDisplay({"one": OFTEN, "other": OFTEN}),
    "map": lambda: EmbeddingDisplay(np.zeros((len(MANY), 2)), MANY),
}


@pytest.mark.parametrize("make", OF_MANY.values(), ids=OF_MANY)
def test_of_1500_classes_a_bounded_number_is_drawn_and_the_others_are_counted(make):
    """All of them were drawn, in half a minute, on a sheet of 500 inches."""
    display = make().plot()
    said = [text.get_text() for text in display.ax_.texts]
    legend = display.ax_.get_legend()
    said += [text.get_text() for text in legend.get_texts()] if legend else []
    assert any(text.startswith("and 1,488 more") for text in said)
    assert len(display.ax_.get_children()) < 200
    assert max(display.figure_.get_size_inches()) < 10
    ticks = [text.get_text() for text in display.ax_.get_yticklabels()]
    for label in ("class 0000", "class 1499"):  # the largest and the smallest
        assert any(label in text for text in ticks + said)


def widths(display, label):
    """Width of the bar of each class in the series called `label`."""
    names = [text.get_text() for text in display.ax_.get_yticklabels()]
    (bars,) = (found for found in display.ax_.containers if found.get_label() == label)
    return dict(zip(names, (int(bar.get_width()) for bar in bars), strict=True))


def test_bars_are_as_long_as_the_classes_are_large():
    plan, _, y_res = resampled(SMOTE(k_neighbors=2, sampling_strategy={"chelsea": 30}))
    display = ClassDistributionDisplay.from_plan(plan, Y)
    before = {str(name): int((name == Y).sum()) for name in np.unique(Y)}
    made = 30 - before["chelsea"]
    assert widths(display, "before") == before
    assert widths(display, "after") == before
    assert widths(display, "synthetic") == {**dict.fromkeys(before, 0), "chelsea": made}
    numbers = {text.get_text() for text in display.ax_.texts}
    assert numbers == {str(n) for n in before.values()} | {"30"}
    both = ClassDistributionDisplay.from_labels(Y.tolist(), y_res)
    assert both.before == before and both.after["chelsea"] == 30


def test_a_class_that_is_gone_has_a_bar_of_no_length():
    display = ClassDistributionDisplay.from_labels([1, 1, 2], [1, 1])
    assert widths(display, "after") == {"1": 2, "2": 0}


def test_families_are_those_of_the_plan():
    plan, X_res, _ = resampled(SMOTE(k_neighbors=2, random_state=0))
    rows = np.flatnonzero(plan.synthetic)[[0, -1]]
    display = FamilyDisplay.from_plan(plan, X, rows=rows)
    for row, family in zip(rows, display.families, strict=True):
        np.testing.assert_array_equal(family.image, X_res[row])
        assert family.child is family.image  # its former name
        (share, name, base), (step, _, partner) = family.parents
        assert name == str(plan.base[row]) and share + step == 1
        np.testing.assert_array_equal(base, X[plan.base[row]])
        np.testing.assert_array_equal(partner, X[plan.partners[row, 0]])
    # two families of three images
    assert len(display.ax_.images) == 6
    chosen = FamilyDisplay.from_plan(plan, X, n=7).families
    assert len({family.title for family in chosen}) == 7
    assert {family.title.split(": ")[1] for family in chosen} == set(plan.y[plan.synthetic])


def test_families_in_files_have_the_names_of_the_files(tmp_path):
    sizes = (20, 24), (24, 20), (30, 30)
    images = [np.full((*sizes[row % 3], 3), 3 * row, np.uint8) for row in range(12)]
    paths = write_images(tmp_path, images)
    sampler = SMOTE(k_neighbors=2, random_state=0, output_dir=tmp_path / "children")
    X_res, _ = sampler.fit_resample(paths, ["cat"] * 8 + ["owl"] * 4)
    drawn = FamilyDisplay.from_plan(sampler.plan_, paths)
    taken = FamilyDisplay.from_plan(sampler.plan_, paths, X_resampled=X_res)
    for one, other in zip(drawn.families, taken.families, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        assert [name for _, name, _ in one.parents] == [name for _, name, _ in other.parents]
        assert {name for _, name, _ in one.parents} <= {f"{row:03}" for row in range(8, 12)}


def test_families_of_many_parents_name_the_largest_and_count_the_rest():
    plan, _, _ = resampled(ClusterCentroids(voting="soft", random_state=0))
    sizes = (plan.weights != 0).sum(axis=1)
    row = int(sizes.argmax())
    (family,) = FamilyDisplay.from_plan(plan, X, rows=[row]).families
    assert len(family.parents) == 4 and family.rest == f"+ {sizes[row] - 3} more"


def test_copies_stand_behind_their_original_and_noise_is_told():
    plan, X_res, _ = resampled(RandomOverSampler(random_state=0))
    for family in FamilyDisplay.from_plan(plan, X).families:
        ((share, _, image),) = family.parents
        assert share == 1
        np.testing.assert_array_equal(family.image, image)
    plan, X_res, _ = resampled(RandomOverSampler(random_state=0, shrinkage=0.5))
    noisy = FamilyDisplay.from_plan(plan, X).families
    assert {family.rest for family in noisy} == {"+ noise"}
    for family, stored in zip(
        noisy, FamilyDisplay.from_plan(plan, X, X_resampled=X_res).families, strict=True
    ):
        np.testing.assert_array_equal(family.image, stored.image)


def test_below_an_image_of_a_chain_stand_the_steps_that_drew_it_and_no_others():
    chain = SamplerChain(
        [RedrawImages(TransferDeformation(), share=0.5), RedrawImages(Augment(), share=0.5)],
        random_state=0,
    )
    plan, _, _ = resampled(chain)
    bent, augmented = (step.plan_.synthetic for step in chain.samplers_)
    wanted = {
        (True, False): "TransferDeformation",
        (False, True): "Augment",
        (True, True): "TransferDeformation Augment",
        (False, False): "",
    }
    for (first, last), rest in wanted.items():
        row = np.flatnonzero((bent[plan.base] == first) & (augmented == last))[0]
        (family,) = FamilyDisplay.from_plan(plan, X, rows=[row]).families
        assert family.rest == rest
        assert bool(family.how) == (first or last)


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [
        ("bool", (9, 7)),
        ("uint16", (9, 7)),
        ("float32", (9, 7, 3)),
        ("float64", (3, 9, 7)),
        ("uint8", (9, 7, 1)),
        ("int16", (9, 7, 2)),
    ],
)
def test_images_of_every_kind_are_drawn(dtype, shape):
    images = np.random.default_rng(0).integers(0, 2, (20, *shape)).astype(dtype)
    images = images * np.array({"bool": 1, "uint8": 255}.get(dtype, 300), dtype)
    sampler = SMOTE(k_neighbors=2, random_state=0)
    sampler.fit_resample(images, ["a"] * 14 + ["b"] * 6)
    display = FamilyDisplay.from_plan(sampler.plan_, images)
    display.figure_.savefig(io.BytesIO())
    assert len(display.ax_.images) == 3 * 6


def test_children_are_on_the_map_where_their_parents_put_them():
    plan, X_res, _ = resampled(SMOTE(k_neighbors=2, random_state=0), X / 255)
    display = EmbeddingDisplay.from_plan(plan, X / 255, Y)
    assert display.synthetic.sum() == plan.synthetic.sum()
    made = EmbeddingDisplay.from_labels(X_res, plan.y)
    # for pixels, children stand where their own pixels put them
    originals_first = np.argsort(plan.synthetic, kind="stable")
    np.testing.assert_allclose(
        np.abs(display.places), np.abs(made.places[originals_first]), atol=1e-6
    )


def test_differences_and_their_intervals_are_drawn():
    display = ComparisonDisplay.from_comparison(comparison())
    names = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert names == ["class_weight", "SMOTE"]
    ends = [line.get_xdata() for line in display.ax_.lines if len(line.get_xdata()) == 2][1:]
    assert [list(pair) for pair in ends] == [[0.01, 0.09], [-0.06, 0.02]]
    texts = [text.get_text() for text in display.ax_.texts]
    assert texts[0] == "+0.050  [+0.010, +0.090]  p = 0.008"
    assert "none" in display.ax_.get_xlabel()


def test_one_fold_and_equal_folds_have_no_interval_to_draw():
    nan = float("nan")
    found = {"one": (0.05, nan, nan, nan, nan), "equal": (0.0, nan, nan, 1.0, 1.0)}
    scores = {name: np.array([0.8]) for name in ("none", *found)}
    shown = ComparisonDisplay(found, scores, metric="recall").plot()
    texts = [text.get_text() for text in shown.ax_.texts]
    assert texts == ["+0.050  one fold", "+0.000  the same in all folds  p = 1.000"]


def test_recalls_are_those_of_the_predictions():
    display = RecallDisplay.from_predictions(["a", "a", "a", "b"], ["a", "b", "a", "b"], name="m")
    assert display.recall == {"m": {"a": (2 / 3, 3), "b": (1.0, 1)}}
    assert [t.get_text() for t in display.ax_.get_yticklabels()] == ["a  (3)", "b  (1)"]
    band = display.ax_.patches[1]
    # Wilson's interval of 1 of 1
    assert band.get_x() == pytest.approx(0.2065, abs=1e-3)
    assert band.get_x() + band.get_width() == pytest.approx(1)
    several = {"m": np.array([[1], [1], [0]]), "n": [True, False, True]}
    display = RecallDisplay.from_predictions(np.array([1, 1, 0], dtype=object), several)
    assert display.recall == {"m": {0: (1, 1), 1: (1, 2)}, "n": {0: (0, 1), 1: (0.5, 2)}}


@pytest.mark.parametrize(
    ("y_true", "y_pred", "words"),
    [
        ([0, 1, 1], ["0", "1", "1"], "labels of one type, got e.g. 0 and '0'"),
        (np.array(["0", "1"], dtype=object), [0, 1], "labels of one type, got e.g. '0' and 0"),
        ([0, 1, 2], np.eye(3), r"`y_pred` must .*argmax\(axis=1\)\].* shape \(3, 3\)"),
        (None, [0, 1], "`y_true` must hold one label"),
        ({"a": [0]}, [0, 1], "`y_true` must hold one label"),
        ([0, 1], [0], "inconsistent numbers of samples"),
        ([], [], "`y_true` must hold at least one label"),
        ([0, 1], [], "`y_pred` must hold at least one label"),
        ([0, "a"], [0, 0], "`y_true` must .* y mixes text and other labels"),
        ([0, 1], [0.0, np.nan], "`y_pred` must .* missing labels"),
        ([0, 1], {"m": [0, 1], "n": [0]}, "inconsistent numbers of samples"),
        ([0, 1], {}, "of 1 to 8 models, got 0"),
        ([0, 1], {str(n): [0, 1] for n in range(9)}, "of 1 to 8 models, got 9"),
    ],
)
def test_what_is_no_prediction_of_these_labels_has_no_recall(y_true, y_pred, words):
    with pytest.raises(ValueError, match=words):
        RecallDisplay.from_predictions(y_true, y_pred)
    assert not plt.get_fignums()


def test_reliability_of_honest_probabilities_is_the_diagonal():
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 1, 20_000)
    y = (rng.random(20_000) > sure).astype(int)
    display = ReliabilityDisplay.from_predictions(y, np.column_stack([sure, 1 - sure]), [0, 1])
    confidence, accuracy, count = display.reliability["model"]
    assert count.sum() == 20_000
    np.testing.assert_allclose(confidence, accuracy, atol=0.03)
    assert display.errors["model"][1] < 0.01


def test_a_clean_report_has_no_picture():
    with pytest.raises(ValueError, match=r"must have a pair to draw, got none\. No leak found"):
        check_leakage(X[:3], X[3:6], threshold=None).plot()


@pytest.mark.parametrize(
    ("draw", "told"),
    [
        (lambda plan: ClassDistributionDisplay.from_plan(plan, Y[:5]), "got 5.*labels"),
        (lambda plan: EmbeddingDisplay.from_plan(plan, X[:5], Y[:5]), "images .* got 5"),
        (lambda plan: FamilyDisplay.from_plan(plan, X.reshape(len(X), -1)), "[Rr]eshape"),
        (lambda plan: FamilyDisplay.from_plan(plan, X), "without synthetic rows and copies"),
    ],
)
def test_what_does_not_fit_the_plan_is_refused(draw, told):
    plan, _, _ = resampled(RandomUnderSampler(random_state=0))
    with pytest.raises(ValueError, match=told):
        draw(plan)


@pytest.mark.parametrize(
    ("draw", "told"),
    [
        (lambda: RecallDisplay.from_comparison(comparison(), ["none", "smote"]), "got .*'smote'"),
        (lambda: RecallDisplay.from_comparison(comparison(), "none"), r"Pass \['none'\]"),
        (lambda: RecallDisplay.from_comparison(comparison(), []), r"1 to 8 of .*, got \[\]"),
        (lambda: RecallDisplay.from_comparison(comparison(), ["none"] * 9), "1 to 8 of"),
        (
            lambda: ReliabilityDisplay.from_comparison(comparison(), ["SMOTE"]),
            r"candidates with probabilities, 'none', 'class_weight', got \['SMOTE'\]",
        ),
        (lambda: RecallDisplay({}).plot(), "`recall` must have at least one model"),
        (
            lambda: RecallDisplay({"m": {"a": (1, 2), "b": (0, 2)}, "n": {"a": (1, 2)}}).plot(),
            r"same classes for every model, got \['a', 'b'\] for 'm' and \['a'\] for 'n'",
        ),
    ],
)
def test_unknown_names_are_refused_with_those_there_are(draw, told):
    with pytest.raises(ValueError, match=told):
        draw()


def test_names_cannot_spoil_a_figure():
    labels = ["$x_{", "a\nb", "\u00e9" * 60]
    display = ClassDistributionDisplay.from_labels(labels * 2, labels)
    picture = Image.open(io.BytesIO(as_png(display.plot, 4, 3)))
    assert picture.size == (400, 300)
    assert as_label("a\nb") == "a\N{REPLACEMENT CHARACTER}b"


def test_displays_are_imported_without_matplotlib_and_say_what_is_missing():
    script = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from imblearn_images.display import ClassDistributionDisplay\n"
        "ClassDistributionDisplay({'cat': 3}).plot()"
    )
    done = run_python("-c", script)
    assert "ModuleNotFoundError" in done.stderr
    assert "pip install matplotlib" in done.stderr


def contrast(one, other):
    """Ratio of two colours' luminances, as WCAG has it: 1 to 21."""

    def luminance(colour):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def texts(figure):
    from matplotlib.text import Text

    return [each for each in figure.findobj(Text) if each.get_text().strip() and each.get_visible()]


@pytest.mark.parametrize("style", ["default", "dark_background"])
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_words_can_be_read_on_dark_paper_as_on_light(make, style):
    from matplotlib.colors import to_rgb

    with plt.style.context(style):
        figure = make(None).figure_
        paper = to_rgb(figure.get_facecolor())
        for text in texts(figure):
            assert contrast(to_rgb(text.get_color()), paper) > 2.2, text.get_text()


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_words_grow_with_the_user_s_font(make):
    sizes = []
    for size in (8, 16):
        with plt.rc_context({"font.size": size}):
            sizes.append([text.get_fontsize() for text in texts(make(None).figure_)])
    assert np.median(sizes[1]) > 1.8 * np.median(sizes[0])


def test_files_look_alike_whatever_style_their_user_likes():
    display = ClassDistributionDisplay({"cat": 3, "owl": 1})
    plain = as_png(display.plot, 3, 2)
    with plt.style.context("dark_background"), plt.rc_context({"font.size": 20}):
        assert as_png(display.plot, 3, 2) == plain


def test_twenty_classes_have_marks_of_their_own_and_synthetic_ones_are_hollow():
    places = np.random.default_rng(0).normal(size=(80, 2))
    display = EmbeddingDisplay(places, np.arange(80) % 20, np.arange(80) >= 40).plot()
    drawn = display.ax_.collections
    marks = {
        (tuple(each.get_edgecolor()[0]), each.get_paths()[0].vertices.tobytes())
        for each in drawn
        if not len(each.get_facecolor())
    }
    assert len(marks) == 20
    assert sum(len(each.get_offsets()) for each in drawn if not len(each.get_facecolor())) == 40


def test_labels_of_a_map_do_not_cover_each_other():
    places = np.random.default_rng(0).normal(0, 0.01, size=(60, 2))
    places[:2] = (-1, -1), (1, 1)
    names = np.array(["asparagus", "passion fruit", "red beet", "kiwi", "lemon", "lime"])
    display = EmbeddingDisplay(places, names[np.arange(60) % 6]).plot()
    display.figure_.draw_without_rendering()
    boxes = [text.get_window_extent() for text in display.ax_.texts]
    assert len(boxes) == 6
    assert not any(one.overlaps(other) for k, one in enumerate(boxes) for other in boxes[k + 1 :])


def test_long_names_of_classes_are_broken_rather_than_cut():
    name = "Golden Delicious from South Tyrol, organic"
    display = ClassDistributionDisplay({name: 3, "owl": 1}).plot()
    shown = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert " ".join(shown[0].split("\n")) == name


def test_a_second_reliability_in_the_same_axes_gets_its_own_colour():
    bins = np.array([0.35, 0.95]), np.array([0.3, 0.9]), np.array([5, 95])
    first = ReliabilityDisplay({"a": bins}, {"a": (0.1, 0.1)}).plot()
    ReliabilityDisplay({"b": bins}, {"b": (0.1, 0.1)}).plot(first.ax_)
    handles, labels = first.ax_.get_legend_handles_labels()
    assert [label[0] for label in labels] == ["a", "b"]
    assert len({handle.get_color() for handle in handles}) == 2
