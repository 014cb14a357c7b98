"""What belongs to the pixels of an image stays with it: boxes, outlines, masks, keypoints, maps."""

import re
import warnings
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from conftest import make_images, write_images
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from skimage import data
from skimage.filters import threshold_otsu
from skimage.measure import label

from imblearn_images import RandomOverSampler, RandomUnderSampler, ResamplingPlan, render
from imblearn_images.annotations import Annotations, LabelOverSampler, RunLengths, carry
from imblearn_images.core.annotations import box_of_mask, resized_mask
from imblearn_images.core.carrying import carry_rows
from imblearn_images.core.images import open_images
from imblearn_images.strategies import at_least
from imblearn_images.synthesis import (
    Augment,
    Chain,
    CutMix,
    Morph,
    OneOf,
    Paste,
    TransferDeformation,
)

SIZE = (60, 80)
STILL = {
    **dict.fromkeys(("rotation_range", "width_shift_range", "height_shift_range"), 0),
    **dict.fromkeys(("shear_range", "zoom_range", "brightness_range", "noise"), 0),
}
FLIPS = Augment(**STILL, horizontal_flip=True, vertical_flip=True)
RULES = {
    "nothing": Augment(probability=0),
    "augment": Augment(horizontal_flip=True),
    "far": Augment(width_shift_range=0.5, zoom_range=0.5),
    "flips": FLIPS,
    "elastic": Augment(elastic=0.02),
    "constant": Augment(fill_mode="constant", shear_range=8),
    "erase": Augment(erase=1.0),
    "transfer": TransferDeformation(),
    "cutmix": CutMix(),
    "paste": Paste(),
    "blend": "blend",
    "warp": Morph(fade=False),
    "chain": Chain([CutMix(), Augment(width_shift_range=0.2), Augment(elastic=0.01)]),
    "one of": OneOf([CutMix(), Augment(), "copy", TransferDeformation()]),
}


def discs(n=6, seed=0):
    """Images with some discs, their boxes and masks."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(SIZE) + 0.5
    X, boxes, labels, masks = np.full((n, *SIZE), 40, dtype=np.uint8), [], [], []
    for image in X:
        centres = rng.uniform((8, 8), (SIZE[1] - 8, SIZE[0] - 8), (rng.integers(1, 5), 2))
        own = []
        for cx, cy in centres:
            mask = (x - cx) ** 2 + (y - cy) ** 2 <= rng.uniform(3, 8) ** 2
            image[mask] = rng.integers(100, 255)
            own.append(mask)
        masks.append(np.array(own))
        boxes.append([box_of_mask(mask) for mask in own])
        labels.append(rng.choice(["a", "b"], len(own)).tolist())
    return X, boxes, labels, masks


X, BOXES, LABELS, MASKS = discs()
ONLY_BOXES = Annotations.of(BOXES, LABELS, SIZE)
WITH_MASKS = Annotations.of(BOXES, LABELS, SIZE, masks=MASKS)


def plan_of(rule, n=6, images=X):
    sampler = RandomOverSampler(synthesis=rule, sampling_strategy={1: n + 2}, random_state=0)
    sampler.fit_resample(images, np.repeat([0, 1], [len(images) - 2, 2]))
    return sampler.plan_


@pytest.mark.parametrize("targets", [ONLY_BOXES, WITH_MASKS], ids=["boxes", "masks"])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_every_object_is_kept_in_the_image_or_named_with_a_reason(rule, targets):
    plan = plan_of(rule)
    carried = carry(plan, targets, X, min_side=2)
    whole = carried.sizes[carried.image_of][:, [1, 0, 1, 0]]
    assert (carried.boxes >= 0).all() and (carried.boxes <= whole).all()
    drawn = plan.synthetic[carried.image_of]
    assert ((carried.boxes[:, 2:] - carried.boxes[:, :2])[drawn] >= 2).all()
    for row in range(len(plan)):
        base = int(plan.base[row])
        dropped = [gone for gone in carried.dropped if gone.row == row]
        assert all(gone.reason and gone.label in "ab" for gone in dropped)
        mine = [gone.box for gone in dropped if gone.source == f"row {base}"]
        n_all = len(carried.boxes_of(row)) + len(dropped)
        assert n_all >= len(BOXES[base]) and len(set(mine)) == len(mine)
        shown = {base, *plan.partners[row].tolist()} if plan.synthetic[row] else {base}
        assert n_all in {
            sum(len(BOXES[parent]) for parent in some)
            for some in ([base], [base, *plan.partners[row].tolist()[:1]], sorted(shown))
        }


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_boxes_of_carried_masks_and_label_maps_are_the_carried_boxes(rule):
    plan = plan_of(rule)
    carried = carry(plan, WITH_MASKS, X, min_visible=0.01, min_side=0)
    for at in np.flatnonzero(plan.synthetic[carried.image_of]):
        np.testing.assert_array_equal(box_of_mask(carried.masks[at].mask()), carried.boxes[at])
    maps = np.array([own[0] for own in MASKS]).astype(np.uint8)  # of the first object each
    moved = carry(plan, maps, X)
    assert moved.dtype == np.uint8 and {*np.unique(moved)} <= {0, 1, 255}
    alone = [i for i in np.flatnonzero(plan.synthetic) if rule in (FLIPS, RULES["elastic"])]
    for row in alone:
        first = carried.masks[carried.objects_of(row)][0].mask()
        np.testing.assert_array_equal(moved[row] == 1, first)


def test_what_is_seen_is_where_the_boxes_say():
    images = np.zeros((4, *SIZE), dtype=np.uint8)
    images[:, 20:40, 30:60] = 255
    boxes = Annotations.of([[[30, 20, 60, 40]]] * 4, [["a"]] * 4, SIZE)
    for rule in (Augment(**{**STILL, "zoom_range": 0.2}), Augment(width_shift_range=0.1), FLIPS):
        plan = plan_of(rule, 20, images)
        drawn, carried = render(plan, images), carry(plan, boxes, images, box="corners")
        for row in np.flatnonzero(plan.synthetic):
            seen = box_of_mask(drawn[row] > 127)
            assert np.abs(seen - carried.boxes_of(row)).max() < 5 if rule is not FLIPS else True
            if rule is not RULES["augment"] and rule.rotation_range == 0:
                assert np.abs(seen - carried.boxes_of(row)).max() <= 0.51


def test_flips_are_exact_and_copies_are_the_same_bytes():
    plan = plan_of(FLIPS, 12)
    carried = carry(plan, ONLY_BOXES, X)
    assert len(carried.boxes) == sum(len(BOXES[base]) for base in plan.base)
    wide, high = SIZE[1], SIZE[0]
    for row, base in enumerate(plan.base.tolist()):
        old, new = ONLY_BOXES.boxes_of(base), carried.boxes_of(row)
        ways = [old, old.copy(), old.copy(), old.copy()]
        ways[1][:, [0, 2]] = wide - old[:, [2, 0]]
        ways[2][:, [1, 3]] = high - old[:, [3, 1]]
        ways[3] = np.column_stack([ways[1][:, 0], ways[2][:, 1], ways[1][:, 2], ways[2][:, 3]])
        if plan.synthetic[row]:
            assert min(np.abs(new - way).max() for way in ways) < 1e-9
        else:
            assert new.tobytes() == old.tobytes()


@pytest.mark.filterwarnings("ignore:.* more than 15 degrees")
@given(
    st.floats(-180, 180),
    st.floats(-10, 10),
    st.floats(0.6, 1.6),
    st.floats(0.6, 1.6),
    st.booleans(),
)
def test_affine_boxes_hold_the_pixels_that_show_them(turn, shift, zoom_y, zoom_x, corners):
    rule = Augment(**{**STILL, "rotation_range": (turn, turn), "width_shift_range": (shift, shift)})
    plan = ResamplingPlan.selection(np.array([0]), np.array(["a"]))
    seeds = np.array([7], dtype=np.uint64)
    plan = replace(plan, synthesis=rule, drawn=np.array([True]), seeds=seeds)
    box = np.array([26.0, 20.0, 26 + 20 * zoom_x, 20 + 16 * zoom_y])
    one = Annotations.of([[box]], [["a"]], SIZE)
    how = "corners" if corners else "auto"
    carried = carry(plan, one, box=how, min_visible=0)
    (layer,) = rule.layers(np.zeros((1, *SIZE)), None, None, [np.random.default_rng(7)])
    y, x = layer.places[0] + 0.5
    half, middle = (box[2:] - box[:2]) / 2, (box[2:] + box[:2]) / 2
    u, v = np.abs(x - middle[0]) / half[0], np.abs(y - middle[1]) / half[1]
    seen = box_of_mask(np.maximum(u, v) <= 1 if corners else u**2 + v**2 <= 1)
    if len(carried.boxes):
        tolerance = 1.6 if corners else 2.5  # a corner between pixels; an arc that is flat
        assert np.abs(carried.boxes[0] - seen).max() <= tolerance
        assert (carried.boxes[0][:2] <= seen[:2] + 0.5).all() or not corners


def test_boxes_of_real_coins_fit_their_masks():
    coins = data.coins()
    objects = ndimage.binary_fill_holes(ndimage.binary_closing(coins > threshold_otsu(coins)))
    numbers = label(ndimage.binary_opening(objects, iterations=3))
    masks = np.array([numbers == n for n in range(1, numbers.max() + 1)])
    masks = masks[masks.sum(axis=(1, 2)) > 600]
    assert len(masks) >= 15
    boxes = [[box_of_mask(mask) for mask in masks]] * 3
    labels = [[str(at) for at in range(len(masks))]] * 3
    plan = plan_of(Augment(), 2, np.array([coins] * 3))
    truth = carry(plan, Annotations.of(boxes, labels, coins.shape, masks=[masks] * 3))
    guess = carry(plan, Annotations.of(boxes, labels, coins.shape))
    overlaps = []
    for row in np.flatnonzero(plan.synthetic):
        known = dict(zip(guess.labels_of(row), guess.boxes_of(row), strict=True))
        for name, box in zip(truth.labels_of(row), truth.boxes_of(row), strict=True):
            both = np.minimum(box[2:], known[name][2:]) - np.maximum(box[:2], known[name][:2])
            areas = sum(np.prod(each[2:] - each[:2]) for each in (box, known[name]))
            overlaps.append(np.prod(both.clip(0)) / (areas - np.prod(both.clip(0))))
    assert np.mean(overlaps) >= 0.96


def test_take_refuses_what_lies_in_pixels_where_rows_are_drawn_and_names_carry():
    plan = plan_of(Augment())
    as_dicts = [
        {"boxes": boxes, "labels": labels} for boxes, labels in zip(BOXES, LABELS, strict=True)
    ]
    for targets in (
        ONLY_BOXES,
        [np.array(boxes) for boxes in BOXES],
        as_dicts,
        np.array(MASKS[:1] * 6)[:, 0],
        np.array(MASKS[:1] * 6)[:, 0] * np.uint8(7),
        [np.argmax(masks, axis=0) for masks in MASKS],
        np.random.default_rng(0).integers(0, 5, (6, *SIZE, 1)),
    ):
        with pytest.raises(ValueError, match=r"carry\(plan, annotations, images=X\)"):
            plan.take(targets)
    copies = RandomUnderSampler(random_state=0)
    copies.fit_resample(X, [0, 0, 0, 0, 1, 1])
    assert (
        copies.plan_.take(ONLY_BOXES).boxes.tobytes()
        == ONLY_BOXES[copies.plan_.base].boxes.tobytes()
    )
    assert copies.plan_.take(BOXES) == [BOXES[base] for base in copies.plan_.base]
    photos = np.random.default_rng(0).integers(0, 256, (6, *SIZE), dtype=np.uint8)
    clothes = np.where(X[0, 0, 0] < X, photos, 0)
    others = list("abcdef"), np.arange(6.0), photos, clothes, list(photos), np.zeros((6, 4))
    for other in (*others, [[1, 2]] * 6, np.zeros((6, 8), dtype=int)):
        assert len(plan.take(other)) == len(plan)


def test_steps_are_carried_one_after_the_other_and_what_falls_out_is_named_once():
    first = RandomOverSampler(synthesis=Augment(width_shift_range=0.3), random_state=1)
    X_1, y_1 = first.fit_resample(X, [0, 0, 0, 0, 1, 1])
    second = RandomOverSampler(synthesis=FLIPS, sampling_strategy={0: 6, 1: 6}, random_state=2)
    second.fit_resample(X_1, y_1)
    both = second.plan_.after(first.plan_)
    carried = carry(both, WITH_MASKS, X)
    every = {"min_visible": 0, "min_side": 0}
    by_steps = carry(second.plan_, carry(first.plan_, WITH_MASKS, X, **every), X_1, **every)
    assert carry(both, WITH_MASKS, X, **every).boxes.tolist() == by_steps.boxes.tolist()
    for row in range(len(both)):
        gone = [each for each in carried.dropped if each.row == row]
        base = both.first_base[row]
        assert len(carried.boxes_of(row)) + len(gone) == len(BOXES[base])
        assert all(each.source == f"row {base}" for each in gone)


def test_threads_change_nothing():
    plan = plan_of(RULES["chain"], 12)
    one, two = (carry(plan, WITH_MASKS, X, n_jobs=n) for n in (1, 2))
    assert one.boxes.tobytes() == two.boxes.tobytes() and one.dropped == two.dropped


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Augment(fill_mode="reflect"), "a second time"),
        (Chain([Augment(), Augment(fill_mode="wrap")]), "a second time"),
        (Morph(), r"Morph\(fade=False\)"),
    ],
)
def test_objects_that_no_annotation_follows_are_refused(rule, words):
    plan = plan_of(rule)
    with pytest.raises(ValueError, match=words):
        carry(plan, ONLY_BOXES, X)
    assert carry(plan, np.zeros(X.shape, np.uint8), X).shape == (len(plan), *SIZE)


def test_a_synthesis_that_does_not_say_where_and_images_that_are_needed_are_named():
    with pytest.raises(TypeError, match="does not say where"):
        carry(plan_of(lambda base, partner, step, rng: base), ONLY_BOXES, X)
    with pytest.raises(ValueError, match="`images` must be what was given"):
        carry(plan_of(TransferDeformation()), ONLY_BOXES)
    with pytest.raises(ValueError, match="annotations say"):
        carry(plan_of(Augment()), ONLY_BOXES, X[:, :50])
    with pytest.raises(ValueError, match="drawn for 6 images, the annotations are of 5"):
        carry(plan_of(Augment()), ONLY_BOXES[:5])
    for wrong in ({"box": "round"}, {"min_visible": 2}, {"min_side": -1}):
        with pytest.raises(ValueError, match=f"`{next(iter(wrong))}` must be"):
            carry(plan_of(Augment()), ONLY_BOXES, **wrong)


def test_wide_turns_of_boxes_alone_are_told_those_of_masks_are_not():
    plan = plan_of(Augment(rotation_range=(30, 30)))
    with pytest.warns(UserWarning, match="more than 15 degrees"):
        carry(plan, ONLY_BOXES)
    carry(plan, WITH_MASKS)
    carry(plan_of(Augment(rotation_range=(90, 90))), ONLY_BOXES)


def test_keypoints_change_sides_in_a_mirror_and_vanish_out_of_view():
    points = np.array([[[10, 20, 2], [30, 20, 2], [70, 55, 1], [0, 0, 0]]], dtype=float)
    names = ["left_eye", "right_eye", "nose", "tail"]
    one = Annotations.of(
        [[[5, 5, 75, 58]]] * 3, [["a"]] * 3, SIZE, keypoints=[points] * 3, keypoint_names=names
    )
    plan = plan_of(Augment(**STILL, horizontal_flip=True), 12, X[:3])
    carried = carry(plan, one)
    mirrored = [[50, 20, 2], [70, 20, 2], [10, 55, 1], [0, 0, 0]]
    seen = {str(each.tolist()) for each in carried.keypoints}
    assert seen == {str([[float(v) for v in p] for p in k]) for k in (points[0], mirrored)}
    shift = Augment(**{**STILL, "width_shift_range": (20, 20)})
    moved = carry(plan_of(shift, 2, X[:3]), one).keypoints[-1]
    assert moved[0].tolist() == [0, 0, 0] and moved[1].tolist() == [10, 20, 2]
    assert moved[2].tolist() == [50, 55, 1]
    bent = carry(plan_of(Augment(**STILL, elastic=1e-9), 2, X[:3]), one).keypoints[-1]
    np.testing.assert_allclose(bent, points[0], atol=1e-4)


def test_outlines_are_cut_at_the_border_and_give_tight_boxes():
    square = [[[30, 20], [50, 20], [50, 40], [30, 40]]]
    one = Annotations.of([[[30, 20, 50, 40]]] * 3, [["a"]] * 3, SIZE, polygons=[square] * 3)
    shift = Augment(**{**STILL, "width_shift_range": (42, 42)})
    carried = carry(plan_of(shift, 2, X[:3]), one, min_visible=0.3)
    assert carried.boxes[-1].tolist() == [0, 20, 8, 40]
    assert sorted(map(tuple, carried.polygons[-1][0].tolist())) == [
        (0, 20),
        (0, 40),
        (8, 20),
        (8, 40),
    ]
    assert (
        carry(plan_of(shift, 2, X[:3]), one, min_visible=0.5).dropped[0].reason
        == "40% of it in view"
    )
    turned = carry(plan_of(Augment(rotation_range=(30, 30)), 2, X[:3]), one)
    points = turned.polygons[-1][0]
    np.testing.assert_allclose(turned.boxes[-1], [*points.min(axis=0), *points.max(axis=0)])
    bent = carry(plan_of(Augment(elastic=0.02), 2, X[:3]), one)
    points = bent.polygons[-1][0]
    assert np.abs(bent.boxes[-1] - [*points.min(axis=0), *points.max(axis=0)]).max() < 1.5


def test_a_partner_of_another_size_is_resized_with_its_objects(tmp_path):
    small, large = make_images(2, (30, 40), "uint8"), make_images(2, (60, 80), "uint8", seed=1)
    paths = write_images(tmp_path, [*large, *small])
    boxes = [[[0, 0, 80, 60]]] * 2 + [[[0, 0, 40, 30]]] * 2
    sizes = [(60, 80)] * 2 + [(30, 40)] * 2
    whole = Annotations.of(boxes, [["a"]] * 2 + [["b"]] * 2, sizes, paths=paths)
    plan = ResamplingPlan(
        np.array([0]),
        np.array([[2]]),
        np.array([[0.5]]),
        np.array([0]),
        4,
        synthesis=CutMix(),
        drawn=np.array([True]),
        seeds=np.array([3], dtype=np.uint64),
    )
    carried = carry(plan, whole, min_visible=0)
    assert carried.labels.tolist() == ["a", "b"]
    assert carried.boxes[1].tolist() == [0, 0, 80, 60]


@pytest.mark.parametrize("rule", [CutMix(), FLIPS, TransferDeformation()])
def test_files_of_another_size_than_was_annotated_are_refused(rule, tmp_path):
    half = write_images(tmp_path, X[:, ::2, ::2])
    plan = plan_of(rule)
    maps = np.zeros((len(X), *SIZE), dtype=np.uint8)
    words = r"0\.png has height and width \(30, 40\), but its annotations say \(60, 80\)"
    for targets in (ONLY_BOXES, maps):
        with pytest.raises(ValueError, match=words):
            carry(plan, targets, half)
        with pytest.raises(ValueError, match=words):
            carry_rows(plan, targets, open_images(half))
    small = ONLY_BOXES.at_sizes(np.full((len(X), 2), (30, 40)))
    assert len(carry(plan, small, half)) == len(plan)
    chosen = ResamplingPlan.selection(np.array([1, 0]), np.arange(len(X)))
    assert len(carry(chosen, ONLY_BOXES, ["unread.png"] * len(X))) == 2


def test_label_maps_keep_their_container_and_are_never_mixed():
    maps = (X // 60).astype(np.int16)
    plan = plan_of(Augment(width_shift_range=(0.3, 0.3)))
    as_array, as_list = carry(plan, maps), carry(plan, list(maps), X, fill=-1)
    assert isinstance(as_list, list) and as_array.shape == (len(plan), *SIZE)
    assert {*np.unique(as_array)} <= {*np.unique(maps), 255}
    assert (as_array[-1] == 255).sum() == (as_list[-1] == -1).sum() > 0.2 * maps[0].size
    bools = carry(plan, maps > 1)
    assert bools.dtype == bool and not bools[-1][:, -10:].any()
    assert (carry(plan, maps.astype(np.int8)) == np.where(as_array == 255, -1, as_array)).all()
    with pytest.raises(ValueError, match="`fill` must be a label that int8 can hold, got 255"):
        carry(plan, maps.astype(np.int8), fill=255)
    with pytest.raises(ValueError, match=r"label maps of integers.*float64 in row 0"):
        carry(plan, maps.astype(float))


@pytest.mark.parametrize("rule", [CutMix(), FLIPS])
def test_label_maps_of_several_dtypes_keep_their_labels(rule):
    plan = plan_of(rule)
    wide = [each + np.int32(300) for each in X // 60]
    mixed = [each if row % 2 else (each - 300).astype(np.uint8) for row, each in enumerate(wide)]
    for row, found in enumerate(carry(plan, mixed)):
        parents = [plan.base[row], *plan.partners[row]]
        assert {*np.unique(found)} <= {*np.unique([mixed[parent] for parent in parents])}
        alone = carry_rows(plan[[row]], mixed, open_images(X))[0]
        assert alone.dtype == found.dtype and (alone == found).all()
    with pytest.raises(ValueError, match=r"in one dtype of integers, got .*int64"):
        carry(
            plan_of(CutMix()),
            [each.astype([np.int64, np.uint64][row > 4]) for row, each in enumerate(wide)],
        )


def test_the_sampler_gives_back_the_annotations_of_its_images(tmp_path):
    paths = write_images(tmp_path, X)
    given_ = replace(WITH_MASKS, paths=np.array(paths, dtype=object))
    over = LabelOverSampler(
        at_least(12), max_repeats=3, synthesis=Augment(), output_dir=tmp_path / "new"
    )
    new, carried = over.set_params(random_state=0).fit_resample(paths, given_)
    assert isinstance(new, list) and carried.paths.tolist() == new and len(carried) > len(X)
    again = carry(over.plan_, given_, X)
    assert again.boxes.tobytes() == carried.boxes.tobytes()
    from_array, of_array = LabelOverSampler(at_least(12), random_state=0).fit_resample(
        X, ONLY_BOXES
    )
    name = LABELS[0][0]
    assert re.fullmatch(rf"row 0 \(labels .*{name}.*\) = 0", over.plan_.explain(0))
    assert (over.plan_.y == carried.counts()).all()
    assert of_array.paths is None and from_array.shape == (len(of_array), *SIZE)
    assert min(of_array.counts().sum(axis=0)) >= 12
    with pytest.raises(ValueError, match=r"in their order, got .*005\.png in row 0"):
        over.fit_resample(paths[::-1], given_)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_run_lengths_are_the_mask(height, width, seed):
    mask = np.random.default_rng(seed).random((height, width)) < 0.5
    runs = RunLengths.of(mask)
    np.testing.assert_array_equal(runs.mask(), mask)
    assert (
        RunLengths.from_text((height, width), runs.text()).counts.tolist() == runs.counts.tolist()
    )


def test_annotations_are_indexed_as_labels_are():
    some = ONLY_BOXES[[3, 3, 0]]
    assert len(some) == 3 and some.labels_of(0) == LABELS[3] == some.labels_of(1)
    assert ONLY_BOXES[np.arange(6) % 2 == 0].counts().tolist() == ONLY_BOXES.counts()[::2].tolist()
    assert len(ONLY_BOXES[2]) == 1 and len(ONLY_BOXES[:0]) == 0
    assert ONLY_BOXES.counts().sum() == len(ONLY_BOXES.boxes)
    with pytest.raises(ValueError, match=r"got \[5.0, 0.0, 4.0, 4.0\] for row 0"):
        Annotations.of([[[5, 0, 4, 4]]], [["a"]], SIZE)
    with pytest.raises(ValueError, match="Image 1 has boxes of shape"):
        Annotations.of([[], [[0, 0, 4, 4]]], [[], []], SIZE)


def thirds():
    """Transforms of other libraries, and whether they move things by a matrix."""
    if find_spec("albumentations") is not None:
        import albumentations

        detect = {"bbox_params": albumentations.BboxParams("pascal_voc", label_fields=["names"])}
        yield albumentations.HorizontalFlip(p=0.5)
        yield albumentations.Compose(
            [
                albumentations.Affine(rotate=(-14, 14), scale=(0.8, 1.2), p=1),
                albumentations.GaussNoise((0.01, 0.02)),
            ]
        )
        yield albumentations.Compose(
            [albumentations.RandomResizedCrop(SIZE, scale=(0.5, 1), p=1)], **detect
        )
        yield albumentations.ElasticTransform(alpha=40, sigma=6, p=1)
        yield albumentations.CoarseDropout(
            hole_height_range=(0.2, 0.4), hole_width_range=(0.2, 0.4), p=1
        )
    if find_spec("torchvision") is not None:
        from torchvision.transforms import v2

        yield v2.Compose([v2.RandomAffine(14, (0.1, 0.1), (0.8, 1.2)), v2.ColorJitter(0.2)])
        yield v2.RandomHorizontalFlip(0.7)
        yield v2.RandomResizedCrop(SIZE, scale=(0.5, 1), antialias=True)
        yield v2.ElasticTransform(60.0, 6.0)


THIRDS = list(thirds())


@pytest.mark.skipif(not THIRDS, reason="neither Albumentations nor torchvision is installed")
@pytest.mark.parametrize("transform", THIRDS, ids=lambda each: type(each).__name__)
def test_transforms_of_other_libraries_carry_objects_where_their_pixels_are(transform):
    rule = Augment.from_callable(transform)
    assert "carried" not in rule.why_not_carried
    plan = plan_of(rule)
    X_res, carried = render(plan, X), carry(plan, WITH_MASKS, X, min_visible=0)
    boxes = carry(plan, ONLY_BOXES, X)
    maps = carry(plan, [np.any(own, axis=0).astype(np.uint8) for own in MASKS], X, fill=0)
    assert any(len(carried.boxes_of(row)) for row in np.flatnonzero(plan.synthetic))
    for row in np.flatnonzero(plan.synthetic).tolist():
        for at in range(carried.objects_of(row).start, carried.objects_of(row).stop):
            mask = carried.masks[at].mask()
            assert (maps[row][mask] > 0).all()
            inner = ndimage.binary_erosion(mask, iterations=2)  # of what is brighter than the rest
            assert not inner.any() or (X_res[row][inner] > 75).mean() > 0.98
        known = dict(zip(carried.labels_of(row), carried.boxes_of(row), strict=True))
        for name, box in zip(boxes.labels_of(row), boxes.boxes_of(row), strict=True):
            if carried.labels_of(row).count(name) == 1:
                assert np.abs(known[name] - box).max() < 3


def test_boxes_of_affine_transforms_are_those_of_albumentations():
    albumentations = pytest.importorskip("albumentations", reason="Albumentations is not installed")
    for method in ("largest_box", "ellipse"):
        range_ = {"rotate": (-30, 30), "shear": (-8, 8), "scale": 0.7}
        how = albumentations.Affine(**range_, p=1, rotate_method=method)
        params = albumentations.BboxParams("pascal_voc", label_fields=["names"])
        both = albumentations.Compose([how], bbox_params=params)
        plan = plan_of(Augment.from_callable(both))
        kind = "corners" if method == "largest_box" else "ellipse"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large rotations
            ours = carry(plan, ONLY_BOXES, X, box=kind, min_visible=0, min_side=0)
        for row in np.flatnonzero(plan.synthetic).tolist():
            base, rng = int(plan.base[row]), np.random.default_rng(plan.seeds[row])
            both.set_random_seed(int(rng.integers(1 << 32)))
            theirs = both(image=X[base], bboxes=np.array(BOXES[base]), names=LABELS[base])
            off = np.abs(ours.boxes_of(row) - theirs["bboxes"]).max()
            assert off < (0.01 if kind == "corners" else 0.15)


def test_what_transforms_of_others_show_twice_and_what_functions_show_is_not_carried():
    with pytest.raises(TypeError, match="does not say where"):
        carry(plan_of(Augment.from_callable(np.fliplr)), ONLY_BOXES, X)
    albumentations = pytest.importorskip("albumentations", reason="Albumentations is not installed")
    mirrored = albumentations.Compose([albumentations.Affine(rotate=20, border_mode=4, p=1)])
    with pytest.raises(ValueError, match="shows objects near the border a second time"):
        carry(plan_of(Augment.from_callable(mirrored)), ONLY_BOXES, X)


@pytest.mark.parametrize("bend", [{}, {"elastic": 0.005}], ids=["by a matrix", "bent"])
def test_what_has_a_side_changes_it_in_a_mirror(bend):
    points = [np.array([[[20.0, 20, 2], [30.0, 20, 2], [25, 28, 1]]])] * 4
    given_ = Annotations.of(
        [[[15, 15, 35, 30]]] * 4,
        [["hat"], ["hat"], ["left shoe"], ["hat"]],
        SIZE,
        classes=("hat", "left shoe", "right shoe"),
        keypoints=points,
        keypoint_names=("port", "starboard", "mast"),
        flip_pairs=[("port", "starboard"), ("left shoe", "right shoe")],
    )
    rule = Augment(**STILL, horizontal_flip=True, **bend)
    plan = plan_of(rule, images=X[:4], n=14)
    carried = carry(plan, given_, X[:4])
    mirrored = carried.boxes[:, 0] > 40
    rows = plan.synthetic & (plan.base == 2)
    assert 0 < mirrored[rows].sum() < rows.sum()
    for row in range(len(plan)):
        expected = "hat" if plan.base[row] != 2 else ["left shoe", "right shoe"][int(mirrored[row])]
        assert carried.labels_of(row) == [expected]
        port, starboard, _ = carried.keypoints[row]
        assert port[0] < starboard[0]  # of the ship in the mirror, too
    with pytest.raises(ValueError, match=r"`flip_pairs` must be pairs of classes or names.*'cap'"):
        replace(given_, flip_pairs=(("hat", "cap"),))


def test_rows_that_are_bent_do_not_bend_others():
    albumentations = pytest.importorskip("albumentations", reason="Albumentations is not installed")
    some = albumentations.Compose(
        [
            albumentations.ElasticTransform(40, 6, p=0.5),
            albumentations.Affine(rotate=(-10, 10), p=1),
        ]
    )
    plan = plan_of(Augment.from_callable(some), n=14)
    whole = carry(plan, ONLY_BOXES, X, min_visible=0)
    exact = 0
    for row in np.flatnonzero(plan.synthetic).tolist():
        alone = carry(plan[row], ONLY_BOXES, X, min_visible=0)
        assert alone.boxes.tobytes() == whole[[row]].boxes.tobytes()
        exact += bool((alone.boxes % 1).any())
    assert 0 < exact < plan.synthetic.sum()
    away = albumentations.Affine(translate_px={"x": 500, "y": 0}, p=1)
    gone = carry(plan_of(Augment.from_callable(away)), ONLY_BOXES, X)
    assert {each.reason for each in gone.dropped} == {"out of view"}
    assert len(gone.dropped) + len(gone.boxes) == sum(
        len(BOXES[base]) for base in plan_of(Augment.from_callable(away)).base
    )


@given(st.integers(1, 40), st.integers(1, 40))
def test_a_resized_map_takes_the_pixel_at_the_centre_of_each_of_its_own(old, new):
    found = resized_mask(np.arange(old)[:, None], (new, 1))[:, 0]
    centres = (np.arange(new) + 0.5) * old / new  # at pixel edges, as boxes are measured
    assert (abs(found + 0.5 - centres) <= 0.5 + 1e-9).all()


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([[[[1, 1, 2]] * 3], [[[1, 1, 2]] * 2]], r"shape \(1, 3, 3\) for image 1.*\(1, 2, 3\)"),
        ([[[[1, 1, 2]]], []], r"shape \(1, 1, 3\) for image 1.*got shape \(1, 0, 3\)"),
        ([[[[1, 1, 2]], [[1, 1, 2]] * 2], []], "for image 0.* got different numbers of them"),
        ([[[1, 1, 2]], []], r"shape \(1, p, 3\) for image 0.*got shape \(1, 3\)"),
    ],
)
def test_keypoints_that_do_not_fit_are_named(points, words):
    box = [[[0, 0, 4, 4]]] * 2
    with pytest.raises(ValueError, match=words):
        Annotations.of(box, [["a"]] * 2, (8, 8), keypoints=points)
    assert Annotations.of(box, [["a"]] * 2, (8, 8), keypoints=[[], []]).keypoints.shape == (2, 0, 3)
    none = Annotations.of([[], []], [[], []], (8, 8), keypoints=[[], []])
    assert none.keypoints.shape == (0, 0, 3)


def test_classes_and_offsets_are_checked():
    with pytest.raises(ValueError, match="`classes` must be different, got 'a' more than once"):
        Annotations.of([[]], [[]], (8, 8), classes=["a", "b", "a"])
    boxes, codes = np.zeros((2, 4)), np.zeros(2, dtype=int)
    with pytest.raises(ValueError, match="`offsets` must be"):
        Annotations(boxes, codes, np.array([0, 2, 1, 2]), np.full((3, 2), 8), ("a",))
