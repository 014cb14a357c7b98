"""Objects: rare objects enlarged, without most of their surroundings, or pasted into images."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from inspect import signature
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from imblearn_images._docstrings import substitute
from imblearn_images.core.annotations import Annotations, as_objects, box_of_mask, mask_of_outlines
from imblearn_images.core.layers import Layer, in_place
from imblearn_images.core.pixels import as_unit, on_planes, stored
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.synthesis import Neighbourhood
from imblearn_images.synthesis._warp import warp

__all__ = ["PasteObjects", "ZoomToObjects"]

PLACES = 12  # random places that are tried for a window or a pasted object
FILLS = 0.9  # share of a window's or image's side that an object may take
CUT = 0.02  # share of an object in a window from which it counts as cut rather than outside
LEAST = 1.05  # zoom below which nothing is gained


@dataclass(frozen=True, eq=False)
class Views:
    """Images that could be drawn: windows around objects, or images with pasted objects.

    Parameters
    ----------
    base : ndarray of shape (m,), dtype intp
        The image that each is drawn from.
    windows : ndarray of shape (m, ...)
        What the rule needs to draw it: for a window, its centre (down, right) and its side, in
        shares of the image's sides; for pasted objects, a tuple of :class:`Pasted`.
    counts : ndarray of shape (m, L), dtype intp
        Number of visible objects of each class.
    whole : object
        The value of `windows` for an image that is drawn as it is.
    """

    base: NDArray[np.intp]
    windows: NDArray[Any]
    counts: NDArray[np.intp]
    whole: Any

    def wholes(self, n: int) -> NDArray[Any]:
        """Return the windows of `n` images that are drawn as they are."""
        wholes = np.empty((n, *self.windows.shape[1:]), dtype=self.windows.dtype)
        for row in range(n):
            wholes[row] = self.whole
        return wholes


WHOLE = (0.5, 0.5, 1.0)
"""The window that is the whole image."""


@substitute
class ZoomToObjects(BaseEstimator):
    """Draw a part of an image around a rare object, enlarged to the size of the image.

    Images with rare objects have frequent ones, too, so that whole images cannot balance them. A
    window around a rare object can, and enlarges it.

    For :class:`~imblearn_images.over_sampling.LabelOverSampler` with annotations, which then
    chooses between repeating an image and drawing such a window of it.

    Read more in the :ref:`User Guide <boxes-and-labels>`.

    Parameters
    ----------
    labels : "rare" or list of str, default="rare"
        Classes of the objects to zoom to; "rare": those of which the sampler's strategy requests
        more.
    scale : (float, float), default=(1.5, 4.0)
        Range from which the magnification is drawn; it is less if an object would not fit.
    shown : float, default=0.3
        Of several random places of a window around its object, the one is chosen that leaves the
        fewest objects with less than this share in view, and among equal ones the one with the
        fewest frequent objects.
    per_object : int, default=1
        Maximum number of windows of each object.
    {channel_axis}

    Notes
    -----
    Objects that a window cuts to less than `min_visible` (25 %) are left out of the annotations
    and listed in ``dropped``, although a part of them is still visible. The weights of such a row
    in the plan are not shares but its window: its base is its only parent.

    On photos of blood cells with 12.6 times as many red cells as platelets, repeating photos up to
    4 times, with one window for each rare object, brings this ratio below 6.5, with less than 3
    times the rows; repeats alone leave it at 8 to 12.

    Examples
    --------
    >>> from imblearn_images.annotations import Annotations, LabelOverSampler
    >>> photos = np.random.default_rng(0).integers(0, 256, (2, 60, 80), dtype=np.uint8)
    >>> cells = Annotations.of(
    ...     boxes=[[[40, 30, 50, 38], [0, 0, 20, 20], [60, 40, 80, 60]], [[0, 0, 20, 20]]],
    ...     labels=[["white", "red", "red"], ["red"]],
    ...     sizes=(60, 80),
    ... )
    >>> over = LabelOverSampler({"white": 2}, synthesis=ZoomToObjects(scale=(3, 3)), random_state=0)
    >>> X_res, cells_res = over.fit_resample(photos, cells)
    >>> cells_res
    Annotations(3 images, 5 boxes: red 3, white 2; 2 left out)
    >>> cells_res.boxes_of(2).round().tolist()[0]
    [45.0, 3.0, 75.0, 27.0]
    """

    n_partners = 3
    needs_partners = False
    looks = False
    in_plan = True  # the plan holds the windows, so the rule need not keep them

    def __init__(
        self,
        labels: str | Sequence[str] = "rare",
        scale: tuple[float, float] = (1.5, 4.0),
        shown: float = 0.3,
        *,
        per_object: int = 1,
        channel_axis: int | None = None,
    ) -> None:
        self.labels = labels
        self.scale = scale
        self.shown = shown
        self.per_object = per_object
        self.channel_axis = channel_axis

    def views(
        self, annotations: Annotations, rare: Sequence[str], rng: np.random.Generator
    ) -> Views:
        """Return windows around all objects to zoom to.

        Parameters
        ----------
        annotations : Annotations
            Annotations of the images.
        rare : sequence of str
            The classes that "rare" stands for.
        rng : numpy.random.Generator
            Source of random numbers.

        Returns
        -------
        views : Views

        Raises
        ------
        ValueError
            For a parameter out of its range, and an unknown class.
        """
        low, high = self._checked()
        labels = _labels_of(self.labels, annotations, rare)
        wanted = np.array([label in labels for label in annotations.classes])
        base, windows, counts = [], [], []
        for row in range(len(annotations)):
            where = annotations.objects_of(row)
            boxes, codes = annotations.boxes[where], annotations.codes[where]
            height, width = annotations.sizes[row].tolist()
            for at in np.flatnonzero(wanted[codes]).tolist():
                for _ in range(self.per_object):
                    side = (boxes[at, 2:] - boxes[at, :2]) / [width, height]
                    zoom = min(rng.uniform(low, high), FILLS / max(side.max(), 1e-9))
                    if zoom < LEAST:
                        continue
                    window, seen = self._best(boxes, ~wanted[codes], at, zoom, (height, width), rng)
                    base.append(row)
                    windows.append(window)
                    counts.append(np.bincount(codes[seen], minlength=len(annotations.classes)))
        return Views(
            np.array(base, dtype=np.intp),
            np.array(windows, dtype=np.float64).reshape(-1, 3),
            np.array(counts, dtype=np.intp).reshape(-1, len(annotations.classes)),
            WHOLE,
        )

    def _best(
        self,
        boxes: NDArray[np.float64],
        is_frequent: NDArray[np.bool_],
        at: int,
        zoom: float,
        size: tuple[int, int],
        rng: np.random.Generator,
    ) -> tuple[list[float], NDArray[np.bool_]]:
        """Return the best of some random windows around an object, and the objects seen in it."""
        whole = np.array([size[1], size[0]], dtype=np.float64)
        side = whole / zoom
        low = np.maximum(boxes[at, 2:] - side, 0)
        high = np.minimum(boxes[at, :2], whole - side)
        corner = low + rng.random((PLACES, 2)) * np.maximum(high - low, 0)
        corner = np.clip(corner, 0, whole - side)
        both = np.minimum(boxes[:, 2:], (corner + side)[:, None]) - np.maximum(
            boxes[:, :2], corner[:, None]
        )
        area = np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1e-9)
        share = both.clip(0).prod(axis=2) / area
        is_cut = (share > CUT) & (share < self.shown)
        n_frequent = ((share >= self.shown) & is_frequent).sum(axis=1)
        best = int(np.lexsort((n_frequent, is_cut.sum(axis=1)))[0])
        middle = (corner[best] + side / 2) / whole
        return [middle[1], middle[0], 1 / zoom], share[best] >= self.shown

    def with_windows(self, windows: NDArray[np.float64]) -> ZoomToObjects:
        """Return a rule that chooses these windows, (m, 3), for the synthetic rows of a plan."""
        bound: Any = copy.copy(self)
        bound.windows_ = windows
        return bound

    def choose(
        self, plan: ResamplingPlan, neighbourhood: Neighbourhood
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return the base as all three partners, and the windows as their shares."""
        windows = getattr(self, "windows_", None)
        if windows is None or len(windows) != len(plan):
            raise ValueError(
                "ZoomToObjects must know where objects are. Use it with LabelOverSampler and "
                "annotations, LabelOverSampler(..., synthesis=ZoomToObjects()).fit_resample("
                "annotations.paths, annotations), and without `accept`."
            )
        return np.repeat(plan.base[:, None], 3, axis=1), np.asarray(windows)

    @on_planes
    def draw(
        self,
        base: NDArray[Any],
        partners: Any,
        weights: NDArray[np.float64],
        rngs: Any,
    ) -> NDArray[Any]:
        """Draw a block of synthetic images; see :mod:`imblearn_images.core.synthesis`.

        Parameters
        ----------
        base : ndarray of shape (m, H, W) or (m, H, W, C)
            Any dtype of real numbers.
        partners, rngs
            Not used.
        weights : ndarray of shape (m, 3)
            The windows: centre (down, right) and side, in shares of the image's sides.

        Returns
        -------
        drawn : ndarray of shape (m, H, W[, C]), float
            In the unit of `base`.
        """
        (images,), back = as_unit(base)
        flow = self._layer(base, weights).flow.astype(np.float32)
        return back(warp(images, flow))

    @on_planes
    def layers(
        self,
        base: NDArray[Any],
        partners: Any,
        weights: NDArray[np.float64],
        rngs: Any,
    ) -> list[Layer]:
        """Return where the base is visible; see :mod:`imblearn_images.core.layers`."""
        return [self._layer(base, weights)]

    def _layer(self, base: NDArray[Any], windows: NDArray[np.float64]) -> Layer:
        """Return the layer of the base, magnified from its window."""
        size = base.shape[1:3]
        matrices = np.zeros((len(base), 2, 3))
        share = np.where(windows[:, 2] > 0, windows[:, 2], 1.0)
        for axis, side in enumerate(size):
            matrices[:, axis, axis] = share
            first = windows[:, axis] * side - share * side / 2  # edge of the window
            matrices[:, axis, 2] = first + share / 2 - 0.5
        return in_place(len(base), size, matrix=matrices)

    def explain(
        self, base: str, partners: Sequence[str], weights: Sequence[float], rng: Any
    ) -> str:
        """Describe what is drawn from an image with this name."""
        down, right, side = weights
        if side == 1:
            return base
        return f"{base}, {1 / side:.1f} times larger around {right:.0%} and {down:.0%} of its sides"

    def _checked(self) -> tuple[float, float]:
        """Check the parameters and return the range of the magnification."""
        scale = self.scale
        numbers = isinstance(scale, (tuple, list)) and len(scale) == 2
        if (
            not numbers
            or not all(isinstance(s, Real) for s in scale)
            or not 1 <= scale[0] <= scale[1]
        ):
            raise ValueError(f"`scale` must be two numbers, 1 <= low <= high, got {scale!r}.")
        if not isinstance(self.shown, Real) or not 0 <= self.shown <= 1:
            raise ValueError(f"`shown` must be a share from 0 to 1, got {self.shown!r}.")
        if not isinstance(self.per_object, Integral) or self.per_object < 1:
            raise ValueError(
                f"`per_object` must be an integer of at least 1, got {self.per_object!r}."
            )
        return float(scale[0]), float(scale[1])


def _labels_of(labels: Any, annotations: Annotations, rare: Sequence[str]) -> list[str]:
    """Return the classes that the parameter `labels` stands for."""
    if isinstance(labels, str) and labels != "rare":
        raise ValueError(f'`labels` must be "rare" or a list, got {labels!r}.')
    chosen = list(rare) if isinstance(labels, str) else list(labels)
    if unknown := [label for label in chosen if label not in annotations.classes]:
        raise ValueError(
            f"`labels` must be classes of the annotations, {list(annotations.classes)}, got "
            f"{unknown[0]!r}."
        )
    return chosen


SHAPES = ("mask", "ellipse", "box")
MARKED = ("iscrowd", "truncated", "occluded", "difficult")
"""Columns of annotations that mark an object as partly hidden, or as several."""
GONE = 0.75  # covered share of an object from which it counts as hidden
EDGE = 1.0  # pixels from the border within which an object counts as cut by it


@dataclass(frozen=True, eq=False)
class Pasted:
    """One object that is pasted into an image."""

    donor: int
    """Image that it comes from."""
    box: NDArray[np.float64]
    """Its box in that image: x_min, y_min, x_max, y_max in shares of the sides."""
    place: NDArray[np.float64]
    """Its box in the image it is pasted into, in the same form."""
    mask: NDArray[np.bool_] | None
    """Its mask within the box, (h, w), stretched to the box; None for an ellipse or a box."""
    kind: int
    """What is pasted: 0 its mask, 1 the ellipse in its box, 2 all of its box."""

    @property
    def share(self) -> float:
        """Share of the image's area that it covers."""
        width, height = (self.place[2:] - self.place[:2]).tolist()
        fills = np.mean(self.mask) if self.mask is not None else (1.0, np.pi / 4, 1.0)[self.kind]
        return float(width * height * fills)


@substitute
class PasteObjects(BaseEstimator):
    """Draw an image with rare objects of other images pasted into it.

    For :class:`~imblearn_images.over_sampling.LabelOverSampler` with annotations, which then
    chooses between repeating an image and pasting into it. Pasted objects bring their annotations
    along.

    Read more in the :ref:`User Guide <boxes-and-labels>`.

    Parameters
    ----------
    labels : "rare" or list of str, default="rare"
        Classes of the objects to paste; "rare": those of which the sampler's strategy requests
        more. If there are several, each object is of one of them, chosen at random.
    n : (int, int), default=(1, 3)
        Range from which the number of objects pasted into an image is drawn; fewer are pasted if
        there is no room.
    shape : {"mask", "ellipse", "box"}, default="mask"
        Part of an object that is pasted: its mask or outline, or, if it has neither, the ellipse
        in its box; always the ellipse; or all of its box.
    scale : (float, float), default=(0.8, 1.2)
        Range from which the magnification of an object is drawn.
    covered : float, default=0.3
        Of twelve random places, an object is pasted where it covers others least, but only if it
        covers at most this share of the box of each.
    per_image : int, default=1
        Maximum number of images with pasted objects that are drawn from each image.
    pasted : tuple of arrays, default=None
        Record of the objects pasted into each row, which the sampler leaves in
        ``plan_.synthesis``, so that a plan can be drawn, carried and saved.
    {channel_axis}

    See Also
    --------
    ZoomToObjects : Enlarge rare objects together with their surroundings.

    Notes
    -----
    Objects that are marked as truncated, difficult, occluded or a crowd, or that touch the border,
    are pasted only if a class has no others. An object behind a pasted one is carried like any
    other: with less than `min_visible` (25 %) in view it is left out of the annotations and listed
    in ``dropped``, as are the objects of the donor that are not pasted; the box of a partly hidden
    object is that of its visible part.

    Edges are not blended: G. Ghiasi et al. found no gain in it.

    On 120 photos of blood cells with 12.6 times as many red cells as platelets, four to six pasted
    cells per photo, and two such photos of each, bring this ratio to 5.2 with twice the rows, one
    to three cells to 7.2 with 1.7 times, and windows around rare objects to 6.2 with 2.4 times.
    Boxes of cells pasted as ellipses overlap those of the changed pixels by 99 %. One seed; see
    ``tests/benchmarks/annotations.py``.

    References
    ----------
    G. Ghiasi et al., "Simple copy-paste is a strong data augmentation method for instance
    segmentation", CVPR 2021, https://arxiv.org/abs/2012.07177.

    Examples
    --------
    >>> from imblearn_images.annotations import Annotations, LabelOverSampler
    >>> photos = np.random.default_rng(0).integers(0, 256, (2, 60, 80), dtype=np.uint8)
    >>> cells = Annotations.of(
    ...     boxes=[[[40, 30, 50, 38], [0, 0, 20, 20], [60, 0, 80, 20], [60, 40, 80, 60]], []],
    ...     labels=[["white", "red", "red", "red"], []],
    ...     sizes=(60, 80),
    ... )
    >>> over = LabelOverSampler({"white": 2}, synthesis=PasteObjects(n=(1, 1)), random_state=0)
    >>> X_res, cells_res = over.fit_resample(photos, cells)
    >>> cells_res
    Annotations(3 images, 5 boxes: red 3, white 2; 3 left out)
    >>> over.plan_.explain(2)
    'row 2 (labels white) = 1, an object of 0 pasted into it'
    """

    needs_partners = False
    looks = False
    in_plan = False  # the rule holds the pasted objects

    def __init__(
        self,
        labels: str | Sequence[str] = "rare",
        n: tuple[int, int] = (1, 3),
        shape: str = "mask",
        scale: tuple[float, float] = (0.8, 1.2),
        covered: float = 0.3,
        *,
        per_image: int = 1,
        pasted: tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None = None,
        channel_axis: int | None = None,
    ) -> None:
        self.labels = labels
        self.n = n
        self.shape = shape
        self.scale = scale
        self.covered = covered
        self.per_image = per_image
        self.pasted = pasted
        self.channel_axis = channel_axis

    def __repr__(self) -> str:
        defaults = signature(type(self)).parameters
        own = {k: v for k, v in self.get_params(deep=False).items() if k != "pasted"}
        said = [f"{k}={v!r}" for k, v in own.items() if v != defaults[k].default]
        return f"{type(self).__name__}({', '.join(said)})"  # without the arrays of `pasted`

    @property
    def n_partners(self) -> int:
        """Maximum number of pasted objects."""
        return self._checked()[1]

    def views(
        self, annotations: Annotations, rare: Sequence[str], rng: np.random.Generator
    ) -> Views:
        """Return images with objects pasted into them, up to `per_image` of each image.

        Parameters
        ----------
        annotations : Annotations
            Annotations of the images.
        rare : sequence of str
            The classes that "rare" stands for.
        rng : numpy.random.Generator
            Source of random numbers.

        Returns
        -------
        views : Views

        Raises
        ------
        ValueError
            For a parameter out of its range, and an unknown class.
        """
        low, high = self._checked()
        labels = _labels_of(self.labels, annotations, rare)
        donors = [own for label in labels if len(own := _donors(annotations, label))]
        image_of, n_labels = annotations.image_of, len(annotations.classes)
        shares = annotations.boxes / np.tile(annotations.sizes[image_of][:, ::-1], 2)
        base, windows, counts = [], [], []
        for row in np.repeat(np.arange(len(annotations)), self.per_image).tolist():
            where = annotations.objects_of(row)
            boxes, codes = shares[where], annotations.codes[where]
            hidden = np.zeros(len(boxes))
            found: list[Pasted] = []
            for _ in range(int(rng.integers(low, high + 1)) if donors else 0):
                own = donors[int(rng.integers(len(donors)))]
                others = own[image_of[own] != row]
                own = others if len(others) else own
                at = int(own[rng.integers(len(own))])
                one = self._of_object(annotations, at, shares[at])
                side = (one.box[2:] - one.box[:2]) * rng.uniform(*self.scale)
                corners = rng.random((PLACES, 2)) * (1 - side)
                if side.max() > FILLS or min(side * annotations.sizes[row][::-1]) < 1:
                    continue
                cover = _covered(boxes, np.hstack([corners, corners + side]))
                best = int(np.argmin(cover.max(axis=1, initial=0) + 1e-3 * cover.sum(axis=1)))
                if cover[best].max(initial=0) > self.covered:
                    continue
                place = np.concatenate([corners[best], corners[best] + side])
                found.append(replace(one, place=place))
                boxes = np.vstack([boxes, place])
                codes = np.append(codes, annotations.codes[at])
                hidden = np.append(hidden + cover[best], 0.0)
            if found:
                base.append(row)
                windows.append(tuple(found))
                counts.append(np.bincount(codes[hidden <= GONE], minlength=n_labels))
        return Views(
            np.array(base, dtype=np.intp),
            as_objects(windows),
            np.array(counts, dtype=np.intp).reshape(-1, n_labels),
            (),
        )

    def _of_object(self, annotations: Annotations, at: int, box: NDArray[np.float64]) -> Pasted:
        """Return one object to paste, at its own place: its mask, ellipse or box."""
        image = int(annotations.image_of[at])
        size = tuple(annotations.sizes[image].tolist())
        whole = None
        if self.shape == "mask" and annotations.masks is not None and annotations.masks[at]:
            whole = annotations.masks[at].mask()
        elif self.shape == "mask" and annotations.polygons is not None:
            outlines = annotations.polygons[at]
            whole = None if outlines is None else mask_of_outlines(outlines, size)
        around = None if whole is None else box_of_mask(whole)
        if whole is None or around is None:
            kind = 2 if self.shape == "box" else 1
            return Pasted(image, box, box, None, kind)
        left, top, right, bottom = around.astype(int).tolist()
        box = around / np.tile(np.array(whole.shape[::-1]), 2)
        return Pasted(image, box, box, whole[top:bottom, left:right], 0)

    def with_windows(self, windows: NDArray[Any]) -> PasteObjects:
        """Return a rule that pastes these objects, (m,) tuples, into synthetic rows of a plan."""
        bound: Any = copy.copy(self)
        bound.windows_ = windows
        return bound

    def choose(
        self, plan: ResamplingPlan, neighbourhood: Neighbourhood
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return the donors and the shares of the area they cover; record the rest in `pasted`."""
        windows = getattr(self, "windows_", None)
        if windows is None or len(windows) != len(plan) or plan.seeds is None:
            raise ValueError(
                "PasteObjects must know where objects are. Use it with LabelOverSampler and "
                "annotations, LabelOverSampler(..., synthesis=PasteObjects()).fit_resample("
                "annotations.paths, annotations), and without `accept`."
            )
        partners = np.repeat(plan.base[:, None], self.n_partners, axis=1)
        weights = np.zeros(partners.shape)
        seeds, numbers, bits, start = [], [], [], 0
        for row, pastes in enumerate(windows):
            for slot, one in enumerate(pastes):
                partners[row, slot], weights[row, slot] = one.donor, one.share
                mask = np.ones((0, 0), dtype=np.bool_) if one.mask is None else one.mask
                bits.append(np.packbits(mask))
                seeds.append(plan.seeds[row])
                numbers.append([slot, one.kind, *one.box, *one.place, start, *mask.shape])
                start += len(bits[-1])
        order = np.argsort(np.array(seeds, dtype=np.uint64), kind="stable")
        self.pasted = (
            np.array(seeds, dtype=np.uint64)[order],
            np.array(numbers, dtype=np.float64).reshape(-1, 13)[order],
            np.concatenate([*bits, np.empty(0, dtype=np.uint8)]),
        )
        return partners, weights

    @on_planes
    def draw(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> NDArray[Any]:
        """Draw a block of synthetic images; see :mod:`imblearn_images.core.synthesis`.

        Parameters
        ----------
        base : ndarray of shape (m, H, W) or (m, H, W, C)
            Any dtype of real numbers.
        partners : ndarray of shape (m, n_partners, H, W[, C])
            The donors.
        weights : ndarray of shape (m, n_partners)
            Not used.
        rngs : sequence of m Generators
            Their seeds identify the rows.

        Returns
        -------
        drawn : ndarray of shape (m, H, W[, C])
            In the dtype of `base`.
        """
        children = base.copy()
        for row, pastes in enumerate(self._pastes(rngs)):
            for slot, one in pastes:
                window, seen = _seen(one, base.shape[1:3])
                if seen.any():
                    drawn = _window_of(partners[row, slot], one, window)
                    children[row][window][seen] = stored(drawn, base.dtype)[seen]
        return children

    @on_planes
    def layers(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> list[Layer]:
        """Return where each parent is visible; see :mod:`imblearn_images.core.layers`."""
        m, size = len(base), base.shape[1:3]
        top = np.full((m, *size), -1)
        matrices = np.repeat(np.eye(2, 3)[None], self.n_partners * m, axis=0)
        matrices = matrices.reshape(self.n_partners, m, 2, 3)
        for row, pastes in enumerate(self._pastes(rngs)):
            for slot, one in pastes:
                window, seen = _seen(one, size)
                top[row][window][seen] = slot
                matrices[slot, row] = _matrix(one, size)
        layers = [in_place(m, size, seen=top < 0)]
        for slot in range(self.n_partners):
            own = in_place(m, size, slot + 1, matrix=matrices[slot], seen=top == slot)
            layers.append(own)
        return layers

    def _pastes(self, rngs: Sequence[np.random.Generator]) -> list[list[tuple[int, Pasted]]]:
        """Return (partner, object) of everything pasted into each row, from bottom to top."""
        if self.pasted is None:
            raise ValueError(
                "PasteObjects draws the objects that a sampler has chosen, but `pasted` is None. "
                "Use it with LabelOverSampler and annotations; plan_.synthesis draws the plan."
            )
        seeds, numbers, bits = self.pasted
        rows: list[list[tuple[int, Pasted]]] = []
        for rng in rngs:
            own = np.uint64(rng.bit_generator.seed_seq.entropy)  # type: ignore[attr-defined]
            first, last = np.searchsorted(seeds, own), np.searchsorted(seeds, own, side="right")
            rows.append([])
            for line in numbers[first:last]:
                slot, kind, start, height, width = line[[0, 1, 10, 11, 12]].astype(int).tolist()
                packed = bits[start : start + -(-height * width // 8)]
                flat = np.unpackbits(packed, count=height * width).astype(np.bool_)
                mask = flat.reshape(height, width) if len(flat) else None
                rows[-1].append((slot, Pasted(-1, line[2:6], line[6:10], mask, kind)))
        return rows

    def explain(
        self, base: str, partners: Sequence[str], weights: Sequence[float], rng: Any
    ) -> str:
        """Describe what is drawn from images with these names."""
        donors = [name for name, share in zip(partners, weights, strict=True) if share]
        if not donors:
            return base
        what = "an object" if len(donors) == 1 else f"{len(donors)} objects"
        return f"{base}, {what} of {' and '.join(dict.fromkeys(donors))} pasted into it"

    def _checked(self) -> tuple[int, int]:
        """Check the parameters and return the range of the number of objects."""
        for name, kind in (("n", Integral), ("scale", Real)):
            value = getattr(self, name)
            is_pair = isinstance(value, (tuple, list)) and len(value) == 2
            if not (is_pair and all(isinstance(v, kind) for v in value)) or not (
                0 < value[0] <= value[1] < np.inf
            ):
                what = "whole numbers, 1 <=" if name == "n" else "numbers, 0 <"
                raise ValueError(f"`{name}` must be two {what} low <= high, got {value!r}.")
        if self.shape not in SHAPES:
            raise ValueError(f"`shape` must be one of {SHAPES}, got {self.shape!r}.")
        if not isinstance(self.covered, Real) or not 0 <= self.covered <= 1:
            raise ValueError(f"`covered` must be a share from 0 to 1, got {self.covered!r}.")
        if not isinstance(self.per_image, Integral) or self.per_image < 1:
            raise ValueError(
                f"`per_image` must be an integer of at least 1, got {self.per_image!r}."
            )
        return int(self.n[0]), int(self.n[1])


def _donors(annotations: Annotations, label: str) -> NDArray[np.intp]:
    """Return the objects of a class that can be pasted: those visible as a whole, if any are."""
    own = np.flatnonzero(annotations.codes == annotations.classes.index(label))
    own = own[(annotations.boxes[own, 2:] > annotations.boxes[own, :2]).all(axis=1)]
    size = annotations.sizes[annotations.image_of[own]][:, ::-1]
    boxes = annotations.boxes[own]
    is_whole = (boxes[:, :2] >= EDGE).all(axis=1) & (boxes[:, 2:] <= size - EDGE).all(axis=1)
    for name in MARKED:
        if (column := annotations.columns.get(name)) is not None and column.ndim == 1:
            is_whole &= np.array([str(v) in _NOT for v in column[own].tolist()], dtype=np.bool_)
    return own[is_whole] if is_whole.any() else own


_NOT = {"0", "False", "None", "0.0", ""}
"""Values of such a column, as text, for an object that is not marked."""


def _covered(boxes: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of each of k boxes that each of p places covers, (p, k)."""
    both = np.minimum(boxes[:, 2:], places[:, None, 2:])
    both = both - np.maximum(boxes[:, :2], places[:, None, :2])
    area = np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1e-12)
    share: NDArray[np.float64] = both.clip(0).prod(axis=2) / area
    return share


def _matrix(one: Pasted, size: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the affine map, (2, 3), from pixels of the image to places in the donor."""
    matrix = np.zeros((2, 3))
    for axis, side in enumerate(size):
        low, high = (one.box[[1 - axis, 3 - axis]] * side).tolist()
        start, stop = (one.place[[1 - axis, 3 - axis]] * side).tolist()
        slope = (high - low) / (stop - start)
        matrix[axis, axis], matrix[axis, 2] = slope, low + (0.5 - start) * slope - 0.5
    return matrix


def _seen(one: Pasted, size: tuple[int, ...]) -> tuple[tuple[slice, slice], NDArray[np.bool_]]:
    """Return the window of an image that contains a pasted object, and the pixels showing it."""
    within, window = [], []
    for axis, side in enumerate(size):
        start, stop = (one.place[[1 - axis, 3 - axis]] * side).tolist()
        first, last = max(int(np.floor(start)), 0), min(int(np.ceil(stop)), side)
        window.append(slice(first, max(first, last)))
        within.append((np.arange(first, max(first, last)) + 0.5 - start) / (stop - start))
    v, u = within[0][:, None], within[1]
    seen = (v >= 0) & (v < 1) & (u >= 0) & (u < 1)
    if one.kind == 1:
        seen &= (2 * u - 1) ** 2 + (2 * v - 1) ** 2 <= 1
    elif one.mask is not None:
        height, width = one.mask.shape
        row = np.clip((v * height).astype(int), 0, height - 1)
        seen &= one.mask[row, np.clip((u * width).astype(int), 0, width - 1)]
    return (window[0], window[1]), seen


MARGIN = 4  # pixels around an object that interpolation needs


def _window_of(donor: NDArray[Any], one: Pasted, window: tuple[slice, slice]) -> NDArray[Any]:
    """Return the donor's pixels in a window of the image; only the necessary part is warped."""
    size, matrix = donor.shape[:2], _matrix(one, donor.shape[:2])
    flows, parts, rows = [], [], []
    for axis, side in enumerate(size):
        inside = window[axis]
        places = matrix[axis, axis] * np.arange(inside.start, inside.stop) + matrix[axis, 2]
        reach = int(np.ceil(places[-1])) + MARGIN - (int(places[0]) - MARGIN)
        length = min(max(reach, len(places)), side)
        first = min(max(int(places[0]) - MARGIN, 0), side - length)
        parts.append(slice(first, first + length))
        flow = np.zeros(length)
        flow[: len(places)] = places - first - np.arange(len(places))
        flows.append(flow)
        rows.append(slice(0, len(places)))
    flow = np.stack(np.broadcast_arrays(flows[0][:, None], flows[1])).astype(np.float32)
    (patch,), back = as_unit(donor[parts[0], parts[1]][None])
    drawn: NDArray[Any] = back(warp(patch, flow[None]))[0][rows[0], rows[1]]
    return drawn
