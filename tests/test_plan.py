import copy
import pickle
import re
from collections import Counter
from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pytest
from conftest import make_images, make_labels
from hypothesis import given
from imblearn.pipeline import make_pipeline
from scipy import sparse
from sklearn.base import clone
from strategies import plans

from imblearn_images import (
    SMOTE,
    RandomOverSampler,
    RandomUnderSampler,
    RedrawImages,
    ResamplingPlan,
    render,
)
from imblearn_images.display import FamilyDisplay
from imblearn_images.display._family import _family, choose_synthetic
from imblearn_images.synthesis import (
    Augment,
    Chain,
    CutMix,
    Morph,
    OneOf,
    Paste,
    TransferDeformation,
)

Y = make_labels()
X = make_images(len(Y), (6, 5), "uint8")


def plan_of(sampler):
    sampler.fit_resample(X, Y)
    return sampler.plan_


def parts(plan):
    return {
        "base": plan.base,
        "partners": plan.partners,
        "weights": plan.weights,
        "y": plan.y,
        "n_source": plan.n_source,
    }


@given(plans(weights=(-1.5, 2.0)))
def test_the_rows_of_the_mixing_matrix_sum_to_one(plan):
    W = plan.matrix()
    assert sparse.issparse(W) and W.shape == (len(plan), plan.n_source)
    np.testing.assert_allclose(W.sum(axis=1), 1.0, atol=1e-12)


@given(plans())
def test_the_mixing_matrix_holds_base_and_partners(plan):
    expected = np.zeros((len(plan), plan.n_source))
    for row in range(len(plan)):
        expected[row, plan.base[row]] += 1 - plan.weights[row].sum()
        for partner, weight in zip(plan.partners[row], plan.weights[row], strict=True):
            expected[row, partner] += weight
    np.testing.assert_allclose(plan.matrix().toarray(), expected, atol=1e-12)


@given(plans())
def test_a_part_of_a_plan_is_the_plan_of_the_part(plan):
    rows = np.arange(len(plan))[::-2]
    part = plan[rows]
    np.testing.assert_array_equal(part.matrix().toarray(), plan.matrix().toarray()[rows])
    np.testing.assert_array_equal(part.y, plan.y[rows])
    np.testing.assert_array_equal(part.synthetic, plan.synthetic[rows])


def test_rows_are_chosen_by_slice_mask_array_and_number():
    plan = plan_of(SMOTE(random_state=0, k_neighbors=2))
    mask = plan.y == "owl"
    np.testing.assert_array_equal(plan[mask].base, plan[np.flatnonzero(mask)].base)
    np.testing.assert_array_equal(plan[3:7].base, plan.base[3:7])
    assert len(plan[-1]) == 1 and plan[-1].base[0] == plan.base[-1]


def test_a_part_of_a_smoothed_plan_is_synthetic_where_the_whole_is():
    plan = plan_of(RandomOverSampler(random_state=0, shrinkage=1.0))
    assert plan.synthetic[len(X) :].all() and not plan.synthetic[: len(X)].any()
    np.testing.assert_array_equal(plan[-3:].synthetic, plan.synthetic[-3:])
    assert (plan[-3:].kind == "synthetic").all()


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("base", np.array([0, 1]), "the same number of rows"),
        ("y", np.array([0, 1]), "the same number of rows"),
        ("partners", np.array([[0], [1]]), "the same number of rows"),
        ("weights", np.zeros((3, 2)), "the same number of rows"),
        ("base", np.array([0, 1, 4]), "base.*4 source"),
        ("base", np.array([0, 1, -1]), "base.*-1"),
        ("partners", np.array([[0], [1], [9]]), "partners.*9"),
    ],
)
def test_a_plan_that_does_not_hold_together_is_refused(name, value, match):
    good = {
        "base": np.array([0, 1, 2]),
        "partners": np.array([[0], [1], [2]]),
        "weights": np.zeros((3, 1)),
        "y": np.array([0, 1, 1]),
        "n_source": 4,
    }
    ResamplingPlan(**good)
    with pytest.raises(ValueError, match=match):
        ResamplingPlan(**(good | {name: value}))


def test_a_plan_is_a_value():
    plan = plan_of(SMOTE(random_state=0, k_neighbors=2))
    with pytest.raises(FrozenInstanceError):
        plan.base = plan.base[:3]
    for twin in (pickle.loads(pickle.dumps(plan)), copy.deepcopy(plan)):
        for name, value in parts(plan).items():
            np.testing.assert_array_equal(getattr(twin, name), value)
        assert repr(twin) == repr(plan)


def test_a_plan_is_small():
    plan = plan_of(SMOTE(random_state=0, k_neighbors=2))
    nbytes = plan.base.nbytes + plan.partners.nbytes + plan.weights.nbytes
    assert nbytes <= 32 * len(plan)


def test_a_plan_does_not_share_memory_with_the_labels_of_the_caller():
    y = Y.copy()
    sampler = SMOTE(random_state=0, k_neighbors=2)
    sampler.fit_resample(X, y)
    y[:] = "gone"
    assert "gone" not in sampler.plan_.y


@pytest.mark.parametrize(
    "array",
    [
        np.arange(len(Y)),
        np.arange(len(Y) * 4).reshape(len(Y), 2, 2),
        [f"ward {row % 5}" for row in range(len(Y))],
        tuple(range(len(Y))),
        pd.Series(range(len(Y)), index=range(100, 100 + len(Y)), name="group"),
        pd.DataFrame({"a": range(len(Y)), "b": list(Y)}),
        sparse.identity(len(Y), format="csr"),
    ],
    ids=lambda array: type(array).__name__,
)
@pytest.mark.parametrize(
    "sampler",
    [
        SMOTE(random_state=0, k_neighbors=2),
        RandomOverSampler(random_state=0),
        RandomUnderSampler(random_state=0),
    ],
    ids=lambda sampler: type(sampler).__name__,
)
def test_take_gives_every_row_the_value_of_its_base(sampler, array):
    plan = plan_of(sampler)
    taken = plan.take(array)
    assert type(taken) is type(array)
    if isinstance(array, (list, tuple)):
        assert list(taken) == [array[row] for row in plan.base]
    elif sparse.issparse(array):
        np.testing.assert_array_equal(taken.toarray(), array.toarray()[plan.base])
    else:
        np.testing.assert_array_equal(np.asarray(taken), np.asarray(array)[plan.base])
    if hasattr(array, "index") and not isinstance(array, (list, tuple)):
        assert taken.index.tolist() == array.index[plan.base].tolist()


def test_take_refuses_an_array_of_another_length():
    plan = plan_of(SMOTE(random_state=0, k_neighbors=2))
    with pytest.raises(ValueError, match=f"23 rows.*{len(Y)} images"):
        plan.take(np.arange(23))


@pytest.mark.parametrize(
    "wrong", [None, 5, "x" * len(Y), b"x" * len(Y), dict.fromkeys(range(len(Y))), np.array(3)]
)
def test_take_refuses_what_has_no_rows(wrong):
    with pytest.raises(TypeError, match=f"one row for each of the {len(Y)} source images.*got"):
        plan_of(SMOTE(random_state=0, k_neighbors=2)).take(wrong)


def test_kinds_are_counted_and_named():
    counts = {"original": 24, "copy": 0, "synthetic": 12}
    plan = plan_of(SMOTE(random_state=0, k_neighbors=2))
    assert {kind: int((plan.kind == kind).sum()) for kind in counts} == counts
    plan = plan_of(RandomOverSampler(random_state=0))
    assert "24 images -> 36 rows: 24 original, 12 copies, 0 synthetic" in repr(plan)
    assert repr(plan).endswith("0 synthetic)")  # by no rule that would be worth a word
    plan = plan_of(RandomOverSampler(random_state=0, synthesis=Augment()))
    assert repr(plan).endswith("12 synthetic, drawn by Augment)")
    plan = plan_of(RandomUnderSampler(random_state=0))
    assert "24 images -> 15 rows: 15 original, 0 copies, 0 synthetic" in repr(plan)
    plan = plan_of(RandomUnderSampler(random_state=0, replacement=True))
    assert (plan.kind == "original").sum() == len(np.unique(plan.base))


def test_the_table_agrees_with_the_plan():
    plan = plan_of(SMOTE(random_state=0, k_neighbors=2))
    names = [f"{row}.png" for row in range(len(Y))]
    frame = plan.to_frame(names)
    assert list(frame.columns) == ["kind", "label", "parents", "shares"]
    assert frame.kind.tolist() == plan.kind.tolist()
    assert frame.label.tolist() == plan.y.tolist()
    for row in (0, len(Y), len(plan) - 1):
        parents, shares = frame.parents[row], frame.shares[row]
        assert parents[0] == names[plan.base[row]]
        assert len(parents) == len(shares) and sum(shares) == pytest.approx(1)
        if plan.synthetic[row]:
            assert parents[1] == names[plan.partners[row, 0]]
            assert shares[1] == plan.weights[row, 0]
        else:
            assert shares == (1.0,)
    assert plan.to_frame().parents[0] == (plan.base[0],)


def test_a_row_is_explained_in_a_sentence():
    plan = plan_of(SMOTE(random_state=0, k_neighbors=2))
    base, partner, step = plan.base[-1], plan.partners[-1, 0], plan.weights[-1, 0]
    expected = f"row 35 ({plan.y[-1]}) = {1 - step:.2f} x {base} + {step:.2f} x {partner}"
    assert plan.explain(-1) == plan.explain(35) == expected
    assert plan.explain(0) == f"row 0 ({Y[0]}) = 0"
    for row in (36, -37):
        with pytest.raises(IndexError, match=rf"^The plan has 36 rows, got row {row}\.$"):
            plan.explain(row)
    with pytest.raises(TypeError, match="number of one row, got 'a'"):
        plan.explain("a")


def test_rows_whose_parents_cross_groups_are_named():
    plan = plan_of(SMOTE(random_state=0, k_neighbors=2))
    groups = np.arange(len(X)) % 3
    parents = [set(plan.matrix()[row].indices) for row in range(len(plan))]
    expected = [len({groups[parent] for parent in row}) > 1 for row in parents]
    assert plan.crosses(groups).tolist() == expected
    assert any(expected) and not plan.crosses(np.zeros(len(X))).any()
    with pytest.raises(ValueError, match=f"2 values.*{len(X)} source images"):
        plan.crosses(["a", "b"])
    for column in (
        groups[:, None],
        pd.DataFrame({"ward": groups}),
        pd.Series(groups, dtype="Int64"),
    ):
        assert plan.crosses(column).tolist() == expected


@pytest.mark.parametrize("missing", [None, np.nan, float("nan"), pd.NA, pd.NaT])
def test_an_image_of_no_group_is_named(missing):
    plan = plan_of(SMOTE(random_state=0, k_neighbors=2))
    groups = ["ward 1"] * len(X)
    groups[5] = groups[8] = missing
    for form in (list, pd.Series, lambda rows: np.array(rows, dtype=object)[:, None]):
        with pytest.raises(
            ValueError, match=r"2 missing groups \(None or NaN\), the first in row 5"
        ):
            plan.crosses(form(groups))
    with pytest.raises(ValueError, match="first in row 0"):
        plan.crosses(np.full(len(X), np.nan))


@pytest.mark.parametrize(
    "groups", [np.zeros((24, 2)), pd.DataFrame({"a": Y, "b": Y}), None, "ward"]
)
def test_groups_are_one_column(groups):
    with pytest.raises(ValueError, match="one column, with one value for each image, got "):
        plan_of(SMOTE(random_state=0, k_neighbors=2)).crosses(groups)


def test_names_are_taken_in_order_whatever_their_index():
    plan = plan_of(SMOTE(random_state=0, k_neighbors=2))
    names = [f"{row}.png" for row in range(len(X))]
    series = pd.Series(names, index=np.arange(len(X))[::-1])
    assert plan.explain(-1, names=series) == plan.explain(-1, names=names)
    assert plan.to_frame(names=series).equals(plan.to_frame(names=names))
    for wrong in (names[:3], names * 2):
        with pytest.raises(ValueError, match=f"{len(wrong)} entries.*{len(X)} images"):
            plan.explain(-1, names=wrong)


# --- what a synthesis says that it has done


def halved(base, partner, step, rng):
    return base / 2


class Foreign:
    """A rule of a user's that says nothing."""

    n_partners = 1

    def draw(self, base, partners, weights, rngs):
        return partners[:, 0]


RULES = {
    "transfer": (
        TransferDeformation(scale=(0.5, 0.5)),
        r"B deformed by 50% of the change from P (?:back )?to P$",
    ),
    "residual": (
        TransferDeformation(residual=0.5),
        r"B deformed by .*, plus 50% of what else changes$",
    ),
    "morph": (Morph(), r"B moved \d+% of the way to P and faded into it"),
    "unfaded": (Morph(fade=False), r"B moved \d+% of the way to P"),
    "cutmix": (CutMix(), r"a rectangle of B, \d+% of the area, on P"),
    "paste": (Paste(), "what B shows, pasted on P"),
    "augment": (Augment(), "B augmented"),
    "callable": (Augment.from_callable(np.flipud), "B augmented by flipud"),
    "function": (halved, r"halved\(base B, partner P, step 0\.\d\d\)"),
    "foreign": (Foreign(), r"Foreign\(base B, partner P with share 0\.\d\d\)"),
    "chain": (
        Chain([TransferDeformation(), "blend", Augment()]),
        r"\([01]\.\d\d x \(B deformed by .* change from P .*to P\) \+ [01]\.\d\d x P\) augmented",
    ),
    "chain of copies": (Chain(["copy", Augment()]), r"\(a copy of B\) augmented"),
}


@pytest.mark.parametrize(("rule", "told"), RULES.values(), ids=RULES)
def test_a_synthesis_is_explained_by_what_it_has_done(rule, told):
    """Not as "1.00 x 291 + -0.81 x 49", as if pixels were added up."""
    images = make_images(len(Y), (8, 8), "uint8")
    sampler = RandomOverSampler(synthesis=rule, random_state=0)
    sampler.fit_resample(images, Y)
    plan = sampler.plan_
    names = [f"photo {row}" for row in range(len(Y))]
    for row in np.flatnonzero(plan.synthetic):
        base = f"{plan.base[row]}(?!\\d)"
        expected = told.replace("B", base).replace(
            "P", f"(?:{'|'.join(map(str, plan.partners[row]))})"
        )
        assert re.search(rf"\) = {expected}", plan.explain(row)), plan.explain(row)
        assert f"photo {plan.base[row]}" in plan.explain(row, names)
    assert plan.explain(0) == f"row 0 ({Y[0]}) = 0"
    families = FamilyDisplay(
        [_family(plan, images, row, None, names) for row in choose_synthetic(plan, 2).tolist()]
    ).families
    for family, row in zip(families, choose_synthetic(plan, 2).tolist(), strict=True):
        assert plan.explain(row, names).endswith(f" = {family.how}")


def test_one_of_several_is_explained_by_the_one_that_was_picked():
    rule = OneOf([Augment.from_callable(np.flipud), "copy", halved])
    images = make_images(len(Y), (8, 8), "uint8")
    sampler = RandomOverSampler(synthesis=rule, random_state=0)
    X_res, _ = sampler.fit_resample(images, Y)
    plan, told = sampler.plan_, Counter()
    for row in np.flatnonzero(plan.synthetic):
        base, says = images[plan.base[row]], plan.explain(row).partition(" = ")[2]
        flipped, same = (X_res[row] == base[::-1]).all(), (X_res[row] == base).all()
        assert says.endswith(" augmented by flipud") == flipped
        assert says.startswith("a copy of ") == same
        assert says.startswith("halved(") == (not flipped and not same)
        told[flipped, same] += 1
    assert len(told) == 3


MIX = [
    RandomOverSampler(random_state=0),
    RedrawImages(Augment(), share=0.5, random_state=0),
    RandomUnderSampler(sampling_strategy={"cat": 9}, random_state=1),
    SMOTE(sampling_strategy={"cat": 14}, k_neighbors=2, random_state=0),
]


def joined(steps):
    pipeline = make_pipeline(*(clone(step) for step in steps))
    images, labels = X.copy(), np.array(Y)
    made, y_made = pipeline.fit_resample(images, labels)
    return ResamplingPlan.of_pipeline(pipeline), made, y_made, pipeline


@pytest.mark.parametrize("n_steps", [1, 2, 3, 4])
def test_joined_plans_draw_what_the_steps_have_drawn(n_steps):
    plan, made, y_made, _ = joined(MIX[:n_steps])
    assert plan.n_source == len(X)
    np.testing.assert_array_equal(plan.y, y_made)
    np.testing.assert_array_equal(render(plan, X), made)
    some = np.random.default_rng(0).permutation(len(plan))[:7]
    np.testing.assert_array_equal(render(plan[some], X), made[some])


def test_joined_plans_speak_of_the_images_of_the_source():
    plan, _, _, pipeline = joined(MIX)
    steps = [step.plan_ for _, step in pipeline.steps]
    images = [{row} for row in range(len(X))]
    for step in steps:  # the union of what the parents of a row show
        images = [
            images[base].union(*(images[k] for k, w in zip(partners, weights, strict=True) if w))
            for base, partners, weights in zip(step.base, step.partners, step.weights, strict=True)
        ]
    assert [{at for at, _ in plan.sources(row)} for row in range(len(plan))] == images
    groups = np.arange(len(X)) % 3
    crosses = [len({groups[at] for at in row}) > 1 for row in images]
    assert plan.crosses(groups).tolist() == crosses and any(crosses)
    base = np.arange(len(X))
    for step in steps:
        base = base[step.base]
    assert plan.take(list(range(len(X)))) == base.tolist()
    synthetic = np.zeros(len(X), dtype=bool)
    for step in steps:
        synthetic = step.synthetic | synthetic[step.base]
    assert plan.synthetic.tolist() == synthetic.tolist()
    assert (plan.kind == "synthetic").tolist() == synthetic.tolist()
    row = int(
        np.flatnonzero(steps[-1].synthetic & steps[1].synthetic[steps[2].base][steps[3].base])[0]
    )
    assert "augmented)" in plan.explain(row)
    assert all("((" not in plan.explain(row) for row in range(len(plan)))
    family = _family(plan, X, row, None, [f"photo {at}" for at in range(len(X))])
    assert {name for _, name, _ in family.parents} == {f"photo {at}" for at in images[row]}
    assert "augmented)" in family.how
    assert "-> " in repr(plan)
    np.testing.assert_allclose(plan.matrix().sum(axis=1), 1)


def test_steps_that_do_not_follow_each_other_are_not_joined():
    plan, *_ = joined(MIX[:2])
    with pytest.raises(ValueError, match=r"drawn for 24 images.*has made \d+"):
        plan.after(plan)
    with pytest.raises(ValueError, match=r"fitted Pipeline.*got SMOTE"):
        ResamplingPlan.of_pipeline(SMOTE())


def test_joining_does_not_matter_in_which_order():
    _, _, _, pipeline = joined(MIX[:3])
    a, b, c = (step.plan_ for _, step in pipeline.steps)
    one, other = c.after(b.after(a)), c.after(b).after(a)
    np.testing.assert_array_equal(render(one, X), render(other, X))
    assert one.explain(-1) == other.explain(-1)
