"""Carrying: boxes, masks, keypoints and label maps of the images, through a plan.

Each image that a synthesis draws has layers (:mod:`~imblearn_images.core.layers`): where the pixels
of each parent went. The objects of every parent are moved as its layer moves its pixels, those of
which too little is visible are left out with a reason, and the rest are joined. A plan of several
steps is carried step by step; the visible shares of an object are multiplied and compared with the
limit once, at the end.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core.annotations import (
    Annotations,
    Dropped,
    RunLengths,
    as_objects,
    box_of_mask,
    mask_of_outlines,
    resized_mask,
)
from imblearn_images.core.images import Images, open_images
from imblearn_images.core.layers import Floats, Layer, View, polygon_area
from imblearn_images.core.parallel import in_threads
from imblearn_images.core.plan import ResamplingPlan, check_plan
from imblearn_images.core.rendering import DrawnImages, layers_of
from imblearn_images.core.rules import answer
from imblearn_images.core.text import counted, printable
from imblearn_images.core.validation import check_lengths

__all__ = ["carry", "carry_rows"]

OUT_OF_VIEW = "out of view"
BOXES = ("auto", "corners", "ellipse")
BLOCK = 1 << 19  # pixels whose layers are held at a time
LEANING = 15.0  # degrees beyond which a box alone says little about what is in it
THIN = 4.0  # longer by shorter side from which a box is taken to be filled by its object
IGNORED = 255  # label of pixels without a label, in Pascal VOC and Cityscapes


def carry(
    plan: ResamplingPlan,
    targets: Any,
    images: Any = None,
    *,
    box: str = "auto",
    min_visible: float = 0.25,
    min_side: float = 1.0,
    fill: Any = None,
    n_jobs: int | None = None,
) -> Any:
    """Carry boxes, outlines, masks, keypoints or label maps along with the images of a plan.

    Every object of every image that a row of the plan shows is either in the result, where the
    row shows it, or in its ``dropped``, with a reason. Rows that are original images keep their
    annotations exactly.

    Read more in the :ref:`User Guide <boxes-and-labels>`.

    Parameters
    ----------
    plan : ResamplingPlan
        A sampler's ``plan_``, or a part of it.
    targets : Annotations, or label maps
        Of the images the plan was drawn for. Label maps are an array of shape (n, H, W) or a list
        of arrays (H, W), integers or bools: every pixel takes the label of the source pixel that
        it shows; labels are never blended.
    images : images, default=None
        What was given to ``fit_resample``. By default the paths in the annotations; where a
        synthesis needs only the sizes, as :class:`~imblearn_images.synthesis.Augment` does,
        no image is read.
    box : {"auto", "corners", "ellipse"}, default="auto"
        How the box of an object is carried that has neither outline nor mask: by its four
        corners, which contain all of it, so that the box grows with every rotation, or by its
        inscribed ellipse, which is tight for round objects; both are cut at the border. "auto"
        takes the corners where one side is at least four times the other and the ellipse
        elsewhere; where the border cuts an object, the box is that of the visible part.
    min_visible : float, default=0.25
        Share of the object's area that must be visible, compared with its whole area.
    min_side : float, default=1.0
        Minimum width and height of a carried box, in pixels.
    fill : int, default=None
        Label of pixels that show no source pixel; by default 255, -1 for int8, and False for bools.
    n_jobs : int, default=None
        Number of threads. The result is the same for every number.

    Returns
    -------
    carried : Annotations, or label maps of the type of `targets`
        One entry for each row of the plan. Annotations have no ``paths``: these are in the images
        that the sampler returned.

    Raises
    ------
    ValueError
        If `targets` do not belong to the plan, or the synthesis shows objects that no annotation
        can follow, such as mirrored ones beyond the border.
    TypeError
        If the synthesis does not report where things are.

    Warns
    -----
    UserWarning
        If objects that have only a box are rotated by more than 15 degrees.

    Notes
    -----
    Measured on coins, whose masks are known, after ``Augment()``: carried boxes overlap those of
    the carried masks by 98 % (intersection over union), boxes left where they were by 57 %; see
    ``tests/benchmarks/annotations.py``. Boxes computed from outlines and masks are exact. A
    rotation by 30 degrees costs objects that have only a box 3 points on coins and 20 on rods.

    References
    ----------
    A. Kalra et al., "Towards Rotation Invariance in Object Detection", ICCV 2021, on the ellipse.

    Examples
    --------
    >>> from imblearn_images import RandomOverSampler
    >>> from imblearn_images.synthesis import Augment
    >>> X = np.random.default_rng(0).integers(0, 256, (4, 48, 64), dtype=np.uint8)
    >>> over = RandomOverSampler(synthesis=Augment(horizontal_flip=True), random_state=2)
    >>> X_res, y_res = over.fit_resample(X, ["a", "a", "a", "b"])
    >>> boxes = Annotations.of([[[8, 8, 24, 20]]] * 4, [["cell"]] * 4, (48, 64))
    >>> carry(over.plan_, boxes, X).boxes.round(1).tolist()[2:]
    [[8.0, 8.0, 24.0, 20.0],
     [8.0, 8.0, 24.0, 20.0],
     [5.9, 8.6, 22.3, 20.8],
     [42.6, 8.5, 59.2, 20.6]]
    """
    check_plan(plan)
    if reason := plan.why_not:
        raise ValueError(reason)
    _check_options(box, min_visible, min_side)
    if isinstance(targets, Annotations):
        how = _How(box, float(min_visible), float(min_side), n_jobs)
        return _carried_annotations(plan, targets, _home(images, targets, plan), how)
    return _carried_maps(plan, targets, images, fill, n_jobs)


def carry_rows(
    plan: ResamplingPlan,
    targets: Any,
    images: Images,
    *,
    box: str = "auto",
    min_visible: float = 0.25,
    min_side: float = 1.0,
    fill: Any = None,
) -> Any:
    """Carry as :func:`carry` does, for loaders that draw a few rows again and again.

    Sizes are compared for files alone, because a loader has done so once for other images, and
    there is no warning about rotated boxes, which would come with every batch.

    Parameters
    ----------
    plan, targets, box, min_visible, min_side, fill
        As for :func:`carry`; label maps come as a list.
    images : Images
        The source images.

    Returns
    -------
    carried : Annotations, or list of label maps
    """
    _check_options(box, min_visible, min_side)
    # Arrays were compared once, when the loader was made; files may have changed since.
    if images.paths is not None:
        _check_sizes(plan, images, _sizes_of(targets))
    if isinstance(targets, Annotations):
        how = _How(box, float(min_visible), float(min_side))
        return _through_steps(plan, targets, images, how)[0]
    _check_fill(fill, targets)
    return _maps_through(plan, targets, images, fill, None)


@dataclass(frozen=True)
class _How:
    """Options of :func:`carry`; `leaning` collects the rows that rotate boxes too far."""

    box: str
    min_visible: float
    min_side: float
    n_jobs: int | None = None
    leaning: set[int] = field(default_factory=set)


class _Sizes(Images):
    """Images of which only the sizes are known."""

    dtype = np.dtype(np.uint8)

    def __init__(self, sizes: NDArray[np.intp]) -> None:
        self.sizes = sizes

    def __len__(self) -> int:
        return len(self.sizes)

    def shape_of(self, row: int) -> tuple[int, ...]:
        return tuple(self.sizes[row].tolist())

    def read(self, rows: NDArray[np.intp], out: NDArray[Any]) -> None:
        raise ValueError(
            "`images` must be what was given to fit_resample, got None. The synthesis of this plan "
            "needs the pixels to report where things are; pass them."
        )


def _home(images: Any, targets: Annotations, plan: ResamplingPlan) -> Images:
    """Return the home of the source pixels, or only their sizes if no synthesis needs pixels."""
    if images is None:
        # Most syntheses move things by shape alone, so that no file has to be opened.
        unread = targets.paths is None or not _looks(plan)
        return _Sizes(targets.sizes) if unread else open_images(targets.paths)
    home = open_images(images)
    check_lengths(home, targets)
    return home


def _looks(plan: ResamplingPlan) -> bool:
    """Return whether a synthesis in some step of a plan needs pixels to say where things are."""
    before = plan.previous is not None and _looks(plan.previous)
    return before or (bool(plan.last_step.synthetic.any()) and answer(plan.synthesis, "looks"))


def _sizes_of(targets: Any) -> NDArray[np.intp]:
    """Return height and width of annotated images, or of label maps, shape (n, 2)."""
    if isinstance(targets, Annotations):
        return targets.sizes
    return np.array([each.shape for each in targets], dtype=np.intp).reshape(-1, 2)


def _check_sizes(
    plan: ResamplingPlan, images: Images, sizes: NDArray[np.intp], n_jobs: int | None = None
) -> None:
    """Raise if an image has another (height, width) than its annotations, or its label map.

    Files are opened only where a plan draws, and only those that it needs.
    """
    rows = np.arange(len(images))
    if images.paths is not None:
        # A copy keeps its annotations whatever its size.
        rows = plan.compact()[1] if plan.synthetic.any() else rows[:0]
        images.look_at(rows, n_jobs=n_jobs)
    for row, size in zip(rows.tolist(), sizes[rows].tolist(), strict=True):
        if images.shape_of(row)[:2] != tuple(size):
            raise ValueError(
                f"Image {printable(images.name_of(row))} has height and width "
                f"{images.shape_of(row)[:2]}, but its annotations say {tuple(size)}. Pass the "
                "images that were annotated, or scale the annotations: annotations.at_sizes(sizes)."
            )


def _check_options(box: str, min_visible: float, min_side: float) -> None:
    """Raise a ValueError for an option of :func:`carry` that is out of its range."""
    if box not in BOXES:
        raise ValueError(f"`box` must be one of {BOXES}, got {box!r}.")
    if not 0 <= min_visible <= 1:
        raise ValueError(f"`min_visible` must be a share from 0 to 1, got {min_visible!r}.")
    if not 0 <= min_side < np.inf:
        raise ValueError(f"`min_side` must be a number of pixels from 0 up, got {min_side!r}.")


@dataclass
class _Objects:
    """The objects of one drawn row, or of one of its layers.

    `index` holds their positions in the annotations before this step, `share` how much of each is
    visible, `dropped` the (position, reason) of those left out, `codes` their classes where a
    mirror changes them.
    """

    index: NDArray[np.intp]
    boxes: Floats
    share: Floats
    polygons: list[Any] = field(default_factory=list)
    keypoints: Floats | None = None
    masks: list[Any] = field(default_factory=list)
    dropped: list[tuple[int, str]] = field(default_factory=list)
    leans: bool = False
    codes: NDArray[np.intp] | None = None


def _carried_annotations(
    plan: ResamplingPlan, source: Annotations, images: Images, how: _How
) -> Annotations:
    """Return the annotations of the rows of a plan; warn of boxes that are rotated too far."""
    if len(source) != plan.n_source:
        raise ValueError(
            f"The plan was drawn for {plan.n_source} images, the annotations are of "
            f"{len(source)}. Pass those of the X that was given to fit_resample."
        )
    _check_sizes(plan, images, source.sizes, how.n_jobs)
    carried, _, _ = _through_steps(plan, source, images, how)
    if how.leaning:
        warnings.warn(
            f"{counted(len(how.leaning), 'row')}, such as row {min(how.leaning)}, turn objects by "
            f"more than {LEANING:g} degrees that have only a box: their carried boxes are too "
            "large or too small by up to half. Annotate outlines or masks, or use a smaller "
            "`rotation_range`.",
            UserWarning,
            stacklevel=3,
        )
    return replace(carried, paths=None)


def _through_steps(
    plan: ResamplingPlan, source: Annotations, images: Images, how: _How
) -> tuple[Annotations, NDArray[np.intp], Floats]:
    """Carry through all steps of a plan.

    Returns
    -------
    carried : Annotations
        One entry for each row of the plan.
    origin : ndarray of shape (k,)
        Position in `source` of each object carried.
    share : ndarray of shape (k,)
        Share of each object that is visible, multiplied over the steps.
    """
    if plan.previous is None:
        origin, share = np.arange(len(source.boxes)), np.ones(len(source.boxes))
        return _through(plan, source, source, origin, share, images, how)
    # Limits apply once, at the end: an early step must not drop what the last one would keep.
    early = replace(how, min_visible=0.0, min_side=0.0)
    before, origin, share = _through_steps(plan.previous, source, images, early)
    drawn = DrawnImages(plan.previous, images)  # nothing is drawn unless a synthesis looks
    return _through(plan.last_step, source, before, origin, share, drawn, how)


def _through(
    plan: ResamplingPlan,
    source: Annotations,
    before: Annotations,
    origin: NDArray[np.intp],
    seen_before: Floats,
    images: Images,
    how: _How,
) -> tuple[Annotations, NDArray[np.intp], Floats]:
    """Carry through one step; `before` holds the annotations of the images that it starts from.

    `origin` and `seen_before` have one entry for each object of `before`; the return values are
    those of :func:`_through_steps`.
    """
    drawn = plan.synthetic
    rows = np.flatnonzero(drawn)
    made: dict[int, _Objects] = {}
    if len(rows):
        if reason := answer(plan.synthesis, "why_not_carried"):
            raise ValueError(reason)
        # All at once, so that one error names every file that cannot be read.
        images.look_at(
            np.unique(np.append(plan.base[rows], plan.partners[rows])), n_jobs=how.n_jobs
        )
        blocks = _blocks(plan, rows, images)

        def carry_block(block: NDArray[np.intp]) -> list[_Objects]:
            part = plan[block]
            layers = layers_of(part, images)
            return [
                _carried_row(part, at, layers, before, seen_before, images, how)
                for at in range(len(block))
            ]

        done = in_threads(carry_block, ((block,) for block in blocks), n_jobs=how.n_jobs)
        made = {
            int(row): objects
            for block, found in zip(blocks, done, strict=True)
            for row, objects in zip(block, found, strict=True)
        }
        how.leaning.update(row for row, objects in made.items() if objects.leans)
    sizes = before.sizes[plan.base]
    index, shares, lengths = [], [], np.empty(len(plan), dtype=np.intp)
    for row in range(len(plan)):
        if row in made:
            index.append(made[row].index)
            shares.append(made[row].share)
        else:
            own = before.objects_of(int(plan.base[row]))
            index.append(np.arange(own.start, own.stop))
            shares.append(seen_before[own])
        lengths[row] = len(index[-1])
    chosen = np.concatenate([*index, np.empty(0, dtype=np.intp)])
    result = before.chosen(plan.base, chosen, lengths)
    columns: dict[str, Any] = {"boxes": result.boxes, "sizes": sizes}
    for name in ("polygons", "keypoints", "masks"):
        if (column := getattr(result, name)) is not None:
            columns[name] = column.copy()
    for row, objects in made.items():
        where = result.objects_of(row)
        columns["boxes"][where] = objects.boxes
        for name in ("polygons", "masks"):
            if name in columns:
                columns[name][where] = as_objects(getattr(objects, name))
        if objects.keypoints is not None:
            columns["keypoints"][where] = objects.keypoints
        if objects.codes is not None:
            columns.setdefault("codes", result.codes.copy())[where] = objects.codes
    dropped = _dropped(plan, made, before, origin, source)
    carried = replace(result, dropped=dropped, **columns)
    return carried, origin[chosen], np.concatenate([*shares, np.empty(0)])


def _dropped(
    plan: ResamplingPlan,
    made: dict[int, _Objects],
    before: Annotations,
    origin: NDArray[np.intp],
    source: Annotations,
) -> tuple[Dropped, ...]:
    """Return what was left out in this step, and earlier from the images that this one shows."""
    image = source.image_of
    earlier: dict[int, list[Dropped]] = {}
    for gone in before.dropped if before is not source else ():
        earlier.setdefault(gone.row, []).append(gone)
    found = []
    for row in range(len(plan)) if earlier or made else ():
        shown = [int(plan.base[row])]
        if row in made:
            shown += plan.partners[row].tolist()
        found += [
            Dropped(row, *gone[1:]) for at in dict.fromkeys(shown) for gone in earlier.get(at, ())
        ]
        for at, reason in made[row].dropped if row in made else ():
            first = int(origin[at])
            number = first - int(source.offsets[image[first]])
            name = source.name_of(int(image[first]))
            found.append(Dropped(row, name, number, source.classes[source.codes[first]], reason))
    return tuple(found)


def _blocks(plan: ResamplingPlan, rows: NDArray[np.intp], images: Images) -> list[NDArray[np.intp]]:
    """Split synthetic rows into blocks of one image shape, of up to :data:`BLOCK` pixels."""
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for row in rows.tolist():
        by_shape.setdefault(images.shape_of(int(plan.base[row])), []).append(row)
    blocks = []
    for shape, same in by_shape.items():
        height = max(1, BLOCK // prod(shape[:2]))
        blocks += [np.array(same[lo : lo + height]) for lo in range(0, len(same), height)]
    return blocks


def _carried_row(
    plan: ResamplingPlan,
    at: int,
    layers: Sequence[Layer],
    before: Annotations,
    seen_before: Floats,
    images: Images,
    how: _How,
) -> _Objects:
    """Return the objects of one synthetic row, those of its base first."""
    parents = [int(plan.base[at]), *plan.partners[at].tolist()]
    found = []
    for layer in layers:
        one = layer.row(at)
        if one.shown is not None and not one.shown.any():
            is_partner = bool(one.member) and plan.weights[at, one.member - 1] != 0
            if len(layers) > len(parents) or (one.member and not is_partner):
                # This layer belongs to another member of a composition, which did not draw this
                # row, or to a partner that the synthesis did not use: nothing of it was hidden.
                continue
        parent = parents[layer.member]
        found.append(_carried_layer(one, parent, before, seen_before, images, how))
    return _joined(found, before)


def _joined(found: Sequence[_Objects], before: Annotations) -> _Objects:
    """Return the objects of several layers as those of one row."""
    if len(found) == 1:
        return found[0]
    width = 0 if before.keypoints is None else before.keypoints.shape[1]
    points = [each.keypoints for each in found if each.keypoints is not None]
    return _Objects(
        np.concatenate([each.index for each in found] + [np.empty(0, dtype=np.intp)]),
        np.concatenate([each.boxes for each in found] + [np.empty((0, 4))]),
        np.concatenate([each.share for each in found] + [np.empty(0)]),
        [polygon for each in found for polygon in each.polygons],
        np.concatenate([*points, np.empty((0, width, 3))])
        if before.keypoints is not None
        else None,
        [mask for each in found for mask in each.masks],
        [gone for each in found for gone in each.dropped],
        any(each.leans for each in found),
        np.concatenate(
            [before.codes[each.index] if each.codes is None else each.codes for each in found]
        )
        if any(each.codes is not None for each in found)
        else None,
    )


def _carried_layer(
    layer: Layer,
    parent: int,
    before: Annotations,
    seen_before: Floats,
    images: Images,
    how: _How,
) -> _Objects:
    """Return the objects of one parent, moved as a layer moves its pixels.

    A mask decides where an object is, then its outlines, then its box.
    """
    view = View(layer)
    where = before.objects_of(parent)
    index = np.arange(where.start, where.stop)
    own = before.sizes[parent]
    # Positions are x, y, sizes height, width.
    scale = np.array(layer.size)[::-1] / own[::-1]  # a partner of another size is resized
    boxes = before.boxes[where] * np.tile(scale, 2)
    polygons = None if before.polygons is None else before.polygons[where]
    masks = None if before.masks is None else before.masks[where]
    keypoints = None if before.keypoints is None else before.keypoints[where].copy()
    moved, share = view.boxes(boxes, _are_round(boxes, how.box), tight=how.box == "auto")
    new_polygons: list[Any] = [None] * len(index)
    new_masks: list[Any] = [None] * len(index)
    alone = np.ones(len(index), dtype=np.bool_)
    for at in range(len(index)):
        if masks is not None and masks[at] is not None:
            alone[at] = False
            mask = resized_mask(masks[at].mask(), layer.size)
            there, share[at] = view.mask(mask)
            new_masks[at] = RunLengths.of(there)
            box = box_of_mask(there)
            moved[at] = np.zeros(4) if box is None else box
        if polygons is not None and polygons[at] is not None:
            outlines = [outline * scale for outline in polygons[at]]
            new_polygons[at] = view.outlines(outlines) or None
            if alone[at]:
                moved[at], share[at] = _by_outlines(view, outlines, new_polygons[at])
            alone[at] = False
    if keypoints is not None:
        keypoints[..., :2] *= scale
        keypoints = _carried_points(view, keypoints, before)
    leans = view.angle > LEANING and bool(alone.any())
    # Half of a third that was left by the step before is a sixth of the object.
    share = share * float(layer.share[0]) * seen_before[where]
    keep, dropped = _kept(moved, share, index, how)
    return _Objects(
        index[keep],
        moved[keep],
        share[keep],
        [new_polygons[at] for at in keep],
        None if keypoints is None else keypoints[keep],
        [new_masks[at] for at in keep],
        dropped,
        leans,
        _changed_classes(before)[before.codes[index[keep]]]
        if view.is_flipped and before.flip_pairs
        else None,
    )


def _changed_classes(annotations: Annotations) -> NDArray[np.intp]:
    """Return the code that each class takes in a flipped image, by `flip_pairs`."""
    at = {label: code for code, label in enumerate(annotations.classes)}
    codes = np.arange(len(at))
    for one, other in annotations.flip_pairs:
        if one in at and other in at:
            codes[at[one]], codes[at[other]] = at[other], at[one]
    return codes


def _are_round(boxes: Floats, box: str) -> NDArray[np.bool_]:
    """Return which boxes are carried by their inscribed ellipse rather than their corners."""
    if box != "auto":
        return np.full(len(boxes), box == "ellipse")
    sides = boxes[:, 2:] - boxes[:, :2]
    round_: NDArray[np.bool_] = sides.max(axis=1) < THIN * sides.min(axis=1)
    return round_


def _kept(
    boxes: Floats, share: Floats, index: NDArray[np.intp], how: _How
) -> tuple[NDArray[np.intp], list[tuple[int, str]]]:
    """Return the positions of the objects to keep, and (index, reason) of the others."""
    # The shorter side: a box one pixel wide shows nothing, however high it is.
    sides = (boxes[:, 2:] - boxes[:, :2]).min(axis=1)
    is_out = (share <= 0) | (sides <= 0)
    is_hidden = ~is_out & (share < how.min_visible)
    is_small = ~is_out & ~is_hidden & (sides < how.min_side)
    dropped = []
    for at in np.flatnonzero(is_out | is_hidden | is_small).tolist():
        reason = f"{share[at]:.0%} of it in view"
        if is_out[at]:
            reason = OUT_OF_VIEW
        elif is_small[at]:
            reason = f"{sides[at]:.2g} pixels wide or high"
        dropped.append((int(index[at]), reason))
    return np.flatnonzero(~(is_out | is_hidden | is_small)), dropped


def _by_outlines(
    view: View, outlines: Sequence[Floats], moved: Sequence[Floats] | None
) -> tuple[Floats, float]:
    """Return the box of an object with outlines, and the share of it that is visible."""
    if view.is_exact:
        if not moved:
            return np.zeros(4), 0.0
        points = np.concatenate(list(moved))
        whole = sum(polygon_area(outline) for outline in outlines)
        turn = view.affine
        assert turn is not None
        # The area that the object would have if nothing were cut off, not that in its parent.
        whole *= abs(np.linalg.det(turn[:, :2]))
        share = sum(map(polygon_area, moved)) / whole if whole > 0 else 1.0
        return np.concatenate([points.min(axis=0), points.max(axis=0)]), min(1.0, share)
    mask, share = view.mask(mask_of_outlines(outlines, view.layer.size))
    box = box_of_mask(mask)
    return (np.zeros(4), 0.0) if box is None else (box, share)


def _carried_points(view: View, points: Floats, annotations: Annotations) -> Floats:
    """Return moved keypoints, (k, p, 3): visibility 0 out of view, at most 1 behind something."""
    if not points.size:
        return points
    flat = points.reshape(-1, 3)
    there = view.forward(flat[:, :2])
    size = np.array([view.width, view.height])
    # Where nothing of the parent is shown there is no place: -1 is out of view.
    known = np.where(np.isfinite(there), there, -1.0)
    kept = (flat[:, 2] > 0) & ((known >= 0) & (known <= size)).all(axis=1)
    moved = np.zeros_like(flat)
    moved[kept, :2] = known[kept]
    # As in COCO: 2 is visible, 1 is labelled but hidden.
    hidden = np.minimum(flat[kept, 2], 1)
    moved[kept, 2] = np.where(view.is_seen(known[kept]), flat[kept, 2], hidden)
    order = list(range(points.shape[1]))
    if view.is_flipped:
        order = sides_changed(annotations.keypoint_names, len(order), annotations.flip_pairs)
    changed: Floats = moved.reshape(points.shape)[:, order]
    return changed


def sides_changed(names: Sequence[str], n: int, pairs: Sequence[tuple[str, str]] = ()) -> list[int]:
    """Return the order of `n` keypoints in a flipped image: left and right, and `pairs`, swapped.

    Examples
    --------
    >>> sides_changed(["nose", "left_eye", "right_eye"], 3)
    [0, 2, 1]
    >>> sides_changed(["port", "starboard"], 2, [("port", "starboard")])
    [1, 0]
    """
    places = {name: at for at, name in enumerate(names)}
    paired = {**dict(pairs), **{b: a for a, b in pairs}}
    order = []
    for at in range(n):
        name = names[at] if at < len(names) else ""
        # By way of a character that no name has, or both would become the same side.
        sides = name.replace("left", "\0").replace("right", "left").replace("\0", "right")
        other = paired.get(name, sides)
        order.append(places.get(other, at))
    return order


def _carried_maps(
    plan: ResamplingPlan, maps: Any, images: Any, fill: Any, n_jobs: int | None
) -> Any:
    """Return the label maps of the rows of a plan, by the nearest pixel."""
    listed, put_back = _maps(maps, plan.n_source)
    _check_fill(fill, listed)
    sizes = _sizes_of(listed)
    home = _Sizes(sizes) if images is None else open_images(images)
    check_lengths(home, listed)
    _check_sizes(plan, home, sizes, n_jobs)
    return put_back(_maps_through(plan, listed, home, fill, n_jobs))


def _maps(maps: Any, n: int) -> tuple[list[NDArray[Any]], Callable[[list[Any]], Any]]:
    """Return label maps as a list, and a function that puts such a list into their container."""
    if isinstance(maps, (str, bytes)) or not hasattr(maps, "__len__") or len(maps) != n:
        got = f"{len(maps)} of them" if hasattr(maps, "__len__") else repr(maps)[:60]
        raise ValueError(
            f"`targets` must be Annotations, or one label map for each of the {n} images the plan "
            f"was drawn for, got {got}. Groups and weights are carried by plan.take."
        )
    listed = [np.asarray(each) for each in maps]
    for row, each in enumerate(listed):
        if each.ndim != 2 or each.dtype.kind not in "biu":
            raise ValueError(
                f"`targets` must be Annotations or label maps of integers of shape (H, W), got "
                f"shape {each.shape} and dtype {each.dtype} in row {row}. Boxes become annotations "
                "by Annotations.of(boxes, labels, sizes)."
            )
    if isinstance(maps, np.ndarray) and maps.ndim == 3:
        shape, dtype = maps.shape[1:], maps.dtype
        return listed, lambda found: np.array(found, dtype=dtype).reshape(-1, *shape)
    if isinstance(maps, np.ndarray):
        return listed, as_objects
    return listed, type(maps) if isinstance(maps, (list, tuple)) else list


def _check_fill(fill: Any, maps: Sequence[NDArray[Any]]) -> None:
    """Raise if a label map cannot hold the label of pixels that show no source pixel."""
    for dtype in dict.fromkeys(each.dtype for each in maps):
        _fill_value(fill, [dtype])


def _fill_value(fill: Any, dtypes: Sequence[np.dtype[Any]]) -> Any:
    """Return the label of pixels that show no source pixel, in a dtype that holds all `dtypes`."""
    dtype = np.result_type(*dtypes)
    if dtype.kind == "f":  # no integer holds both int64 and uint64
        raise ValueError(
            "`targets` must be label maps that are mixed in one dtype of integers, got "
            f"{' and '.join(map(str, dict.fromkeys(dtypes)))}. Convert them: labels.astype(int)."
        )
    if dtype.kind == "b":
        return np.bool_(False if fill is None else fill)
    limits = np.iinfo(dtype)
    value = int(fill) if fill is not None else IGNORED if limits.max >= IGNORED else -1
    if not limits.min <= value <= limits.max:
        raise ValueError(
            f"`fill` must be a label that {dtype} can hold, got {value}. Pass another."
        )
    return dtype.type(value)


def _maps_through(
    plan: ResamplingPlan,
    maps: Sequence[NDArray[Any]],
    images: Images,
    fill: Any,
    n_jobs: int | None,
) -> list[NDArray[Any]]:
    """Return the label map of each row of a plan, through all of its steps."""
    if plan.previous is not None:
        before = _maps_through(plan.previous, maps, images, fill, n_jobs)
        maps, images, plan = before, DrawnImages(plan.previous, images), plan.last_step
    # Copies, because the caller's maps must not change with those that are returned.
    found = [maps[base].copy() for base in plan.base.tolist()]
    rows = np.flatnonzero(plan.synthetic)

    def carry_block(block: NDArray[np.intp]) -> None:
        part = plan[block]
        layers = layers_of(part, images)
        for at, row in enumerate(block.tolist()):
            parents = [int(part.base[at]), *part.partners[at].tolist()]
            shown = [layer.row(at) for layer in layers]
            label = _fill_value(fill, [maps[parent].dtype for parent in parents])
            carried = np.full(shown[0].size, label)
            # Labels cannot be blended: where parents are, the one with the largest share is
            # copied last and covers the others.
            for one in sorted(shown, key=lambda layer: float(layer.share[0])):
                parent = maps[parents[one.member]]
                view = View(one)
                # By the nearest pixel: a mean of two labels would be a third one.
                fits = parent if parent.shape == one.size else resized_mask(parent, one.size)
                there = view.values(np.ones(one.size, dtype=np.bool_), np.False_)
                moved = view.values(fits.astype(label.dtype, copy=False), label)
                np.copyto(carried, moved, where=there)
            found[row] = carried

    if len(rows):
        blocks = _blocks(plan, rows, images)
        in_threads(carry_block, ((block,) for block in blocks), n_jobs=n_jobs)
    return found
