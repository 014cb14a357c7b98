"""Annotated images and several labels in epochs: what a loader hands out is what `carry` gives."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import make_images, write_images
from hypothesis import given
from hypothesis import strategies as st
from imblearn.pipeline import make_pipeline
from sklearn.base import clone

from imblearn_images import MLSMOTE, SMOTE, LabelOverSampler, RandomOverSampler, RedrawImages
from imblearn_images.annotations import Annotations, RunLengths, carry
from imblearn_images.combine import SamplerChain
from imblearn_images.core.pixels import resized
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.epochs import EpochPlans
from imblearn_images.strategies import at_least
from imblearn_images.synthesis import (
    Augment,
    Chain,
    CutMix,
    Morph,
    TransferDeformation,
    ZoomToObjects,
    _flow,
)

N, SIZE = 8, (24, 32)
X = make_images(N, SIZE, "uint8")
Y = ["a"] * 5 + ["b"] * 3


def annotated(seed=0):
    """Boxes of three classes, the rare one in one image; outlines, masks and keypoints of some."""
    rng = np.random.default_rng(seed)
    boxes, labels = [], []
    for row in range(N):
        corner, side = rng.uniform(1, 14, (3, 2)), rng.uniform(5, 9, (3, 2))
        boxes.append(np.hstack([corner, corner + side])[: 1 + row % 3])
        labels.append([["red", "white", "tiny" if row == 2 else "red"][at] for at in range(3)])
    labels = [own[: len(each)] for own, each in zip(labels, boxes, strict=True)]
    found = Annotations.of(boxes, labels, SIZE)
    k = len(found.boxes)
    outlines, masks = np.empty((2, k), dtype=object)
    for at, (left, top, right, bottom) in enumerate(found.boxes):
        if at % 3 == 1:
            outlines[at] = (np.array([[left, top], [right, top], [left, bottom]]),)
        if at % 3 == 2:
            mask = np.zeros(SIZE, dtype=bool)
            mask[int(top) : int(bottom), int(left) : int(right)] = True
            masks[at] = RunLengths.of(mask)
    points = np.concatenate([rng.uniform(2, 20, (k, 2, 2)), np.full((k, 2, 1), 2.0)], axis=2)
    return replace(found, polygons=outlines, masks=masks, keypoints=points)


CELLS = annotated()
MAPS = np.random.default_rng(1).integers(0, 5, (N, *SIZE), dtype=np.uint8)


def over(**params):
    return LabelOverSampler(at_least(4), max_repeats=4, random_state=0, **params)


def redraw(rule, seed=1, **params):
    return RedrawImages(rule, random_state=seed, **params)


FLIP = Augment(horizontal_flip=True)
BEND = TransferDeformation(donors="all", near=2)
SAMPLERS = {  # name to sampler and labels
    "copies": (over(), CELLS),
    "augmented": (over(synthesis=FLIP), CELLS),
    "pasted": (over(synthesis=Chain([CutMix(), FLIP])), CELLS),
    "windows": (over(synthesis=Chain([ZoomToObjects(), FLIP])), CELLS),
    "redrawn": (redraw(BEND), CELLS),
    "blended": (MLSMOTE({"white": 8}, k_neighbors=2, random_state=0), CELLS),
    "many": (redraw(FLIP, times=2, keep=True), CELLS),
    "copies, redrawn": (make_pipeline(over(), redraw(FLIP)), CELLS),
    "drawn, drawn": (make_pipeline(over(synthesis=FLIP), redraw(BEND), redraw(FLIP, 2)), CELLS),
    "one label": (RandomOverSampler(synthesis=BEND, random_state=0), Y),
}


def plan_of(sampler):
    return ResamplingPlan.of_pipeline(sampler) if hasattr(sampler, "steps") else sampler.plan_


def values_of(targets):
    """Annotations, or label maps, as what can be compared: an entry for each image."""
    if not isinstance(targets, Annotations):
        return [np.asarray(each).tolist() for each in targets]
    parts = [targets.objects_of(row) for row in range(len(targets))]
    return [
        (
            targets.sizes[row].tolist(),
            targets.boxes[part].tolist(),
            targets.codes[part].tolist(),
            targets.keypoints[part].tolist(),
            [None if mask is None else mask.text() for mask in targets.masks[part]],
            [None if own is None else [o.tolist() for o in own] for own in targets.polygons[part]],
        )
        for row, part in enumerate(parts)
    ]


@pytest.fixture(scope="module", params=SAMPLERS)
def epochs(request):
    sampler, y = SAMPLERS[request.param]
    X_res, y_res = sampler.fit_resample(X, y)
    return EpochPlans(sampler, X, y), plan_of(sampler), X_res, y_res


def test_epoch_0_is_what_fit_resample_and_carry_give(epochs):
    plans, plan, X_res, y_res = epochs
    order = np.random.default_rng(0).permutation(len(X_res))
    keys = plans(0).rows(order)
    assert np.array_equal(plans(0).draw(order), X_res[order])
    for targets in (CELLS, MAPS):
        whole = values_of(carry(plan, targets, images=X))
        assert values_of(plans.carry(keys, targets)) == [whole[row] for row in order]
    if isinstance(y_res, Annotations):
        blends = "MLSMOTE" in repr(plans)  # until a row is drawn it has the labels of its base
        labels = CELLS.counts()[plan.first_base] if blends else plan.y
        assert np.array_equal(plans(0).plan.y, labels)
        assert not blends or (plan.y > labels).any()
        if plan.previous is None:
            assert values_of(y_res) == values_of(carry(plan, CELLS, images=X))


def test_a_row_has_the_same_annotations_in_any_batch_of_any_epochs(epochs):
    plans = epochs[0]
    again = pickle.loads(pickle.dumps(plans))
    whole = {e: values_of(carry(plans(e).plan, CELLS, images=X)) for e in (0, 3)}

    @given(st.lists(st.tuples(st.sampled_from([0, 3]), st.integers(0, 40)), max_size=5))
    def check(some):
        rows = [(epoch, row % len(plans(epoch))) for epoch, row in some]
        keys = [plans(epoch).rows([row])[0] for epoch, row in rows]
        expected = [whole[epoch][row] for epoch, row in rows]
        assert values_of(again.carry(keys, CELLS)) == expected
        sources = [int(plans(epoch).plan.first_base[row]) for epoch, row in rows]
        assert plans.sources_of(keys).tolist() == sources

    check()


def test_annotations_are_scaled_to_the_size_that_is_drawn(tmp_path):
    sampler, size = over(synthesis=FLIP), (12, 20)
    small, sizes = resized(X, size), np.full((N, 2), size)
    sampler.fit_resample(X, CELLS)
    plan = sampler.plan_
    expected = values_of(carry(plan, CELLS.at_sizes(sizes), images=small))
    plans = EpochPlans(sampler, X, CELLS).at_size(size)
    assert values_of(plans.carry(plans(0).rows(range(len(plan))), CELLS)) == expected
    paths = write_images(tmp_path, X)
    files = EpochPlans(sampler, paths, CELLS, size=size, mode="L")
    own = replace(CELLS, paths=np.array(paths, dtype=object))
    rows = files(0).rows(range(len(plan)))
    assert values_of(files.carry(rows, own)) == expected
    maps = plans.carry(rows, MAPS)
    assert maps[0].shape == size and np.array_equal(
        maps[0], MAPS[0][::2][:, np.arange(20) * 8 // 5]
    )


LABELS = [["a"], ["a", "b"], ["a"], ["a", "c"], ["b"], [], ["a"], ["a", "b"]]
TABLE = np.array([[int(label in own) for label in "abc"] for own in LABELS])


@pytest.mark.parametrize(
    "y", [LABELS, TABLE, pd.DataFrame(TABLE, columns=list("abc"))], ids=["lists", "table", "frame"]
)
def test_several_labels_are_rows_of_0_and_1(y):
    chain = SamplerChain([over(synthesis=FLIP), redraw(FLIP)], random_state=0)
    plans = EpochPlans(chain, X, y)
    steps = EpochPlans(make_pipeline(*chain.members()), X, y)
    pipeline = make_pipeline(*chain.members())
    X_res, y_res = pipeline.fit_resample(X, y)
    assert np.array_equal(plans(0).draw(range(len(X_res))), X_res)
    assert steps.targets_.dtype == np.float32 and np.array_equal(steps.targets_, TABLE)
    found = [[str(label) for label in steps.classes_[row > 0]] for row in plans(0).targets]
    if y is LABELS:
        assert found == y_res
    assert np.array_equal(plans(0).y, plans(0).plan.y)
    assert plans.explain(plans(0).rows([5])[0]).startswith("no label = ")
    only = EpochPlans.of(X[:2], [["b", "a"], ["b"]], classes=["c", "b", "a"])
    assert only.targets_.tolist() == [[0, 1, 1], [0, 1, 0]]
    with pytest.raises(ValueError, match="`classes` must hold each label once"):
        EpochPlans.of(X[:2], [["b", "a"], ["b"]], classes=["a", "b", "b"])
    with pytest.raises(ValueError, match=r"`classes` must name all labels, got .* in row 0"):
        EpochPlans.of(X[:2], [["b", "a"], ["b"]], classes=["b", "c"])


VOTED = [*LABELS[:5], ["c"], *LABELS[6:]]
FRAME = pd.DataFrame([[int(label in own) for label in "abc"] for own in VOTED], columns=[*"abc"])
VOTES = MLSMOTE({"b": 6, "c": 4}, k_neighbors=2, labelset_strategy="union", random_state=0)
VOTING = {
    "voted": VOTES,
    "voted, drawn": make_pipeline(VOTES, redraw(FLIP), redraw(FLIP, 2)),
    "repeated, voted": make_pipeline(over(synthesis=FLIP), clone(VOTES)),
}


@pytest.mark.parametrize("name", VOTING)
@pytest.mark.parametrize("y", [VOTED, FRAME], ids=["lists", "frame"])
def test_labels_that_are_a_vote_of_neighbours_travel_with_the_row(name, y):
    """MLSMOTE: a synthetic image has other labels than its base."""
    sampler, classes = VOTING[name], ["c", "nobody's", "b", "a"]
    X_res, y_res = sampler.fit_resample(X, y)
    plans = EpochPlans(sampler, X, y, classes=classes)
    named = y_res if y is VOTED else [list(y.columns[row > 0]) for row in y_res.to_numpy()]
    expected = np.array([[label in own for label in classes] for own in named], dtype=np.float32)
    order = np.random.default_rng(0).permutation(len(X_res))
    keys = plans(0).rows(order)
    assert np.array_equal(plans(0).draw(order), X_res[order])
    assert np.array_equal(plans(0).targets, expected)
    again = pickle.loads(pickle.dumps(plans))
    assert np.array_equal(again.targets_of(keys), expected[order])
    other = again(3)  # another epoch, with other partners, and so other votes
    rows = other.rows(range(len(other)))
    assert np.array_equal(again.targets_of(rows[::-1]), other.targets[::-1])
    voted = (other.targets != plans.targets_[plans.sources_of(rows)]).any(axis=1)
    assert voted.any() and [len(key) == 2 for key in rows] == voted.tolist()
    own = plan_of(sampler)
    assert np.array_equal(plans(0).y, own.y) and plans(0).plan.y.tolist() == own.y.tolist()
    fixed = EpochPlans(own, X, y, classes=classes)  # its plan, in every epoch
    assert np.array_equal(fixed(4).targets, expected) and fixed(4).rows(order) == keys
    at = int(np.flatnonzero([len(key) == 2 for key in keys])[0])
    said = plans.explain(keys[at]).partition(" = ")[0].split(" + ")
    assert said == [str(classes[c]) for c in np.flatnonzero(expected[order[at]])]
    for bits in (keys[at][1] * 2, "b", 3, b""):
        with pytest.raises(ValueError, match="of 4 classes, got a key that ends in"):
            plans.draw([(keys[at][0], bits)])
    with pytest.raises(ValueError, match="of 2 classes, got a key that ends in"):
        EpochPlans.of(X, Y).draw([(3, b"a")])
    if name == "voted":
        with pytest.raises(ValueError, match="is a plan of images with the label"):
            EpochPlans(own, X, [["a", "owl"]] * N)


def test_several_labels_are_redrawn_all_together_with_partners_of_the_same_set():
    sampler = redraw(BEND, share=0.5, times=3)
    _, y_res = sampler.fit_resample(X, LABELS)
    plan = sampler.plan_
    assert plan.synthetic.reshape(3, N).sum(axis=1).tolist() == [4, 4, 4]
    assert y_res == LABELS * 3 and np.array_equal(plan.y, np.tile(TABLE, (3, 1)))
    blended = redraw("blend", share=1.0)
    with pytest.warns(UserWarning, match="has fewer than two images"):
        blended.fit_resample(X, LABELS)
    near = blended.plan_.partners[:, 0]
    assert all(LABELS[near[row]] == LABELS[row] for row in range(N))
    same = [["a", "b"]] * N  # one set: no class is missing
    assert redraw(FLIP).fit_resample(X, same)[1] == same
    one_hot = np.eye(3, dtype=int)[[0, 0, 1, 2, 0, 1, 2, 0]]
    assert np.array_equal(redraw(FLIP).fit_resample(X, one_hot)[1], one_hot)
    assert EpochPlans(redraw(FLIP), X, one_hot).targets_.ndim == 1
    with pytest.raises(ValueError, match="Multilabel and multioutput targets are not supported"):
        redraw("blend").fit_resample(X.reshape(N, -1), TABLE)


@pytest.mark.parametrize(
    ("resampler", "y", "message"),
    [
        (
            SMOTE(random_state=0),
            LABELS,
            r"`y` must have one label .* with SMOTE, got several\. Use",
        ),
        (MLSMOTE(), LABELS, r"`random_state` must be an integer, got None in MLSMOTE"),
        (over(), replace(CELLS, sizes=CELLS.sizes + 1), r"Image row 0 has .* \(24, 32\), its anno"),
        (over(), CELLS[:-1], r"8 .* 7|7 .* 8"),
    ],
)
def test_what_cannot_be_planned_for_several_labels_is_refused(resampler, y, message):
    with pytest.raises(ValueError, match=message):
        EpochPlans(resampler, X, y)


def test_files_in_another_order_are_refused(tmp_path):
    paths = write_images(tmp_path, X)
    own = replace(CELLS, paths=np.array(paths, dtype=object)[::-1])
    with pytest.raises(ValueError, match=r"`X` must be the images of the annotations, in their"):
        EpochPlans(over(), paths, own)
    plans = EpochPlans.of(paths, Y)
    with pytest.raises(ValueError, match="in row 0 instead of"):
        plans.check_annotations(own)
    whole = (N, *SIZE)
    for wrong in (np.zeros((N, 2, 2), int), np.zeros(whole), np.zeros((*whole, 3), int)):
        with pytest.raises(ValueError, match=r"`annotations` must be .* \(24, 32\), got .* row 0"):
            plans.check_annotations(wrong)
    for wrong in ("boxes", 3, {"boxes": []}):
        with pytest.raises(TypeError, match=r"`annotations` must be .* \(H, W\), got"):
            plans.check_annotations(wrong)
    with pytest.raises(ValueError, match=r"got Annotations.*LabelOverSampler, which takes"):
        SMOTE().fit_resample(X, CELLS)


torch = pytest.importorskip("torch", reason="loaders of PyTorch need torch")

from torch.utils.data import DataLoader  # noqa: E402

from imblearn_images.torch import PlanDataset, PlanSampler  # noqa: E402


def as_lists(rows):
    images, targets = zip(*rows, strict=True)
    return torch.stack(images), list(targets)


def flat(target):
    return {k: v if isinstance(v, int) else np.asarray(v).tolist() for k, v in target.items()}


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_hands_out_what_detectors_of_torchvision_take(workers):
    sampler = make_pipeline(over(), redraw(FLIP))
    plans = EpochPlans(sampler, X, CELLS)
    data = PlanDataset(plans, annotations=CELLS)
    order = PlanSampler(plans)
    how = {"num_workers": workers, "multiprocessing_context": "fork"} if workers else {}
    loader = DataLoader(data, 4, sampler=order, collate_fn=as_lists, **how)
    found = [flat(target) for _, targets in loader for target in targets]
    order.set_epoch(0)
    keys = list(order)
    X_res, _ = sampler.fit_resample(X, CELLS)
    whole = carry(plan_of(sampler), CELLS, images=X)
    rows = [plans(0).rows(range(len(X_res))).index(key) for key in keys]
    assert data.classes == ["red", "tiny", "white"] and data.class_to_idx["red"] == 1
    for target, row in zip(found, rows, strict=True):
        objects = whole.objects_of(row)
        assert np.array_equal(target["boxes"], whole.boxes[objects].astype("f4"))
        assert target["labels"] == (whole.codes[objects] + 1).tolist()
        assert target["image_id"] == plans(0).plan.first_base[row]
        assert np.array_equal(target["keypoints"], whole.keypoints[objects].astype("f4"))
        masks = np.array(target["masks"])
        assert masks.shape == (len(target["labels"]), *SIZE)
        assert target["area"] == masks.sum(axis=(1, 2)).tolist()
        assert target["iscrowd"] == [0] * len(target["labels"])
        for mask, runs in zip(masks, whole.masks[objects], strict=True):
            assert runs is None or np.array_equal(mask, runs.mask())


def test_flow_is_found_once_for_an_image_and_its_annotations(monkeypatch):
    plans, found = EpochPlans(redraw(BEND, share=1.0), X, CELLS), []
    between = _flow._between
    monkeypatch.setattr(_flow, "_between", lambda pairs: found.append(len(pairs)) or between(pairs))
    keys = plans(1).rows(range(N))
    expected = values_of(plans.carry(keys, CELLS))
    drawn = plans.draw(keys)
    each = sum(found) // 2
    data = PlanDataset(plans, annotations=CELLS)
    found.clear()
    rows = data.__getitems__(keys)
    assert sum(found) == each > 1
    for (image, target), own, pixels in zip(rows, expected, drawn, strict=True):
        assert np.array_equal(image[0], pixels) and len(target["boxes"]) == len(own[1])


def test_kinds_of_targets_and_what_is_done_to_them():
    plans = EpochPlans(over(synthesis=FLIP), X, CELLS)
    boxes = replace(CELLS, polygons=None, masks=None, keypoints=None)
    boxes.columns["iscrowd"] = np.arange(len(boxes.boxes)) % 2
    data = PlanDataset(plans, annotations=boxes)
    _, target = data[0]
    kinds = {k: v.dtype for k, v in target.items() if k != "image_id"}
    assert list(target) == ["boxes", "labels", "image_id", "area", "iscrowd"]
    assert kinds == {
        **dict.fromkeys(("boxes", "area"), torch.float32),
        **dict.fromkeys(("labels", "iscrowd"), torch.int64),
    }
    sides = boxes.boxes_of(0)[:, 2:] - boxes.boxes_of(0)[:, :2]
    assert np.allclose(target["area"], sides.prod(axis=1)) and target["iscrowd"].tolist() == [0]
    try:
        from torchvision import tv_tensors
    except (ImportError, RuntimeError):
        tv_tensors = None
    if tv_tensors is not None:
        assert isinstance(target["boxes"], tv_tensors.BoundingBoxes)
    both = PlanDataset(plans, annotations=boxes, transforms=lambda image, t: (image.size, len(t)))
    assert both[1] == ((SIZE[1], SIZE[0]), 5)
    only = PlanDataset(plans, annotations=boxes, target_transform=lambda t: t["image_id"])
    assert only[3][1] == 3
    maps = PlanDataset(plans, annotations=MAPS, fill=7)
    drawn = int(plans(0).plan.synthetic.argmax())
    expected = carry(plans(0).plan, MAPS, images=X, fill=7)[drawn]
    assert maps[drawn][1].dtype == torch.int64 and np.array_equal(maps[drawn][1], expected)
    none = PlanDataset(plans, annotations=boxes, min_side=1e6)
    assert tuple(none[drawn][1]["boxes"].shape) == (0, 4)
    several = PlanDataset(plans)
    _, t = next(iter(DataLoader(several, 4)))
    assert t.dtype == torch.float32 and np.array_equal(t, plans.targets_[:4])
    assert several.targets[0] == plans.targets_[0].tolist()
    wrong = [
        (ValueError, "`transforms` must be None", {"transform": len, "transforms": max}),
        (ValueError, "`box` must be one of", {"annotations": boxes, "box": "round"}),
        (ValueError, "`min_visible` must be", {"annotations": boxes, "min_visible": 2}),
    ]
    for error, message, params in wrong:
        with pytest.raises(error, match=message):
            PlanDataset(plans, **params)
    with pytest.raises(ValueError, match="`spread` must be None if images have several labels"):
        PlanSampler(plans, spread=4)


def unlocated(base, partner, step, rng):
    return base


@pytest.mark.parametrize(
    ("rule", "error", "message"),
    [
        (Morph(), ValueError, r"Use Morph\(fade=False\)"),
        (Augment(fill_mode="reflect"), ValueError, "shows objects near the border a second time"),
        (unlocated, TypeError, "does not say where its parents are seen"),
    ],
)
def test_what_nothing_can_follow_is_refused_before_a_worker_starts(rule, error, message):
    plans = EpochPlans(RandomOverSampler(synthesis=rule, random_state=0), X, Y)
    with pytest.raises(error, match=message):
        PlanDataset(plans, annotations=CELLS)
