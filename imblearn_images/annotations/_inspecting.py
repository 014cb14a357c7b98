"""Inspecting: report what annotations hold, what is odd, and what repeating images can reach."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from imblearn_images.core.annotations import Annotations
from imblearn_images.core.text import align, counted, printable, shown

__all__ = ["AnnotationReport", "ClassOfObjects", "inspect_annotations"]

SHOWN = 5  # maximum number of entries of a kind that the text lists
TINY = 4.0  # pixels; an object with a shorter side is probably a slip of the mouse
NEARLY_ALL = 0.9  # if a class is in at least this share of the images, its absence is odd


@dataclass(frozen=True)
class ClassOfObjects:
    """Numbers of one class of objects."""

    label: str
    boxes: int
    images: int
    """Number of images with such an object."""
    width: float
    """Median width of the boxes, in pixels."""
    height: float
    """Median height of the boxes, in pixels."""
    reached: int
    """Number of objects if images are repeated so that the classes become as equal as possible."""
    possible: int
    """Number of objects if every image with such an object is repeated as often as allowed."""


@dataclass(frozen=True)
class AnnotationReport:
    """What annotations hold; ``print`` shows the tables, :meth:`to_dict` gives the numbers.

    Read more in the :ref:`User Guide <boxes-and-labels>`.
    """

    n_images: int
    n_boxes: int
    n_empty: int
    """Number of images without objects."""
    classes: list[ClassOfObjects]
    ratio: float
    """Objects of the largest class per object of the smallest that has any."""
    ratio_reached: float
    """The smallest `ratio` that repeating images can reach."""
    max_repeats: int
    n_added: int
    """Number of images that would be added to reach it."""
    together: list[tuple[str, str, int]]
    """Pairs of classes and the number of images that hold both, the most frequent pair first."""
    odd: dict[str, list[str]] = field(default_factory=dict)
    """For each kind of oddity, a text on each case."""

    def to_dict(self) -> dict[str, Any]:
        """Return everything as dicts, lists, numbers and text."""
        return asdict(self)

    def to_json(self) -> str:
        """Return everything as one JSON object in ASCII."""
        return json.dumps(self.to_dict())

    def __str__(self) -> str:
        return self.to_text()

    def to_text(self, width: int | None = None) -> str:
        """Return the tables, not wider than `width` columns."""
        columns = ["class", "boxes", "images", "width", "height", "repeated", "most possible"]
        rows = [
            [
                shown(c.label),
                c.boxes,
                c.images,
                round(c.width),
                round(c.height),
                c.reached,
                c.possible,
            ]
            for c in self.classes
        ]
        n_boxes, n_empty = counted(self.n_boxes, "box"), counted(self.n_empty, "image")
        repeated = (
            f"Largest class by smallest: {self.ratio:.1f}. Repeating whole images, each at most "
            f"{self.max_repeats} times, brings that to {self.ratio_reached:.1f} with "
            f"{self.n_added} more."
        )
        lines = [
            f"{counted(self.n_images, 'image')}, {n_boxes}, {n_empty} without",
            align(columns, rows, width=width),
            repeated,
        ]
        if self.ratio_reached > 3:
            lines.append(
                "note: images that hold rare objects hold frequent ones, too, so repeating them "
                "cannot balance these. ZoomToObjects shows rare objects alone."
            )
        if self.together:
            pairs = "; ".join(f"{shown(a)} and {shown(b)} {n}" for a, b, n in self.together[:SHOWN])
            lines.append(f"Images that hold both: {pairs}")
        for kind, entries in self.odd.items():
            some = "; ".join(printable(entry) for entry in entries[:SHOWN])
            more = f"; and {len(entries) - SHOWN} more" if len(entries) > SHOWN else ""
            lines.append(f"{kind}: {some}{more}")
        return "\n".join(lines)


def inspect_annotations(annotations: Annotations, *, max_repeats: int = 10) -> AnnotationReport:
    """Report numbers of objects, what is odd about them, and what repeating images can reach.

    Read more in the :ref:`User Guide <boxes-and-labels>`.

    Parameters
    ----------
    annotations : Annotations
        The annotations as they were read: what was left out or cut then is reported, too.
    max_repeats : int, default=10
        How often an image may occur in the result, as for :class:`LabelOverSampler`.

    Returns
    -------
    report : AnnotationReport

    Notes
    -----
    Odd are objects that were left out or cut when the annotations were read, the same box with
    the same class twice in an image, a box with a side of less than 4 pixels, a class without
    objects, and an image that lacks a class which at least 90 % of the images have: an object may
    have been forgotten there.

    Examples
    --------
    >>> cells = Annotations.of(
    ...     boxes=[[[0, 0, 9, 9], [9, 9, 30, 20]], [[0, 0, 9, 9]], [[0, 0, 9, 9]]],
    ...     labels=[["red", "white"], ["red"], ["red"]],
    ...     sizes=(48, 64),
    ... )
    >>> print(inspect_annotations(cells))
    3 images, 4 boxes, 0 images without
    class  boxes  images  width  height  repeated  most possible
    red        3       3      9       9        12             30
    white      1       1     21      11        10             10
    Largest class by smallest: 3.0. Repeating whole images, each at most 10 times, brings that to
    1.2 with 9 more.
    Images that hold both: red and white 1
    """
    counts = annotations.counts()
    totals = counts.sum(axis=0)
    sides = annotations.boxes[:, 2:] - annotations.boxes[:, :2]
    there = totals > 0
    repeated, n_rows = _most_even(counts[:, there], max_repeats)
    reached = np.zeros(len(totals))
    reached[there] = repeated
    classes = []
    for at in np.argsort(-totals, kind="stable").tolist():
        own = sides[annotations.codes == at]
        median = np.median(own, axis=0) if len(own) else np.zeros(2)
        classes.append(
            ClassOfObjects(
                annotations.classes[at],
                int(totals[at]),
                int((counts[:, at] > 0).sum()),
                float(median[0]),
                float(median[1]),
                round(reached[at]),
                int(totals[at]) * max_repeats,
            )
        )
    return AnnotationReport(
        len(annotations),
        len(annotations.boxes),
        int((counts.sum(axis=1) == 0).sum()),
        classes,
        _ratio(totals[there]),
        _ratio(reached[there]),
        max_repeats,
        round(n_rows) - len(annotations),
        _together(annotations, counts),
        _odd(annotations, counts, sides),
    )


def _most_even(counts: NDArray[Any], limit: int) -> tuple[NDArray[np.float64], float]:
    """Return the objects of each class, and the number of images, after the best repeats.

    Each image occurs 1 to `limit` times, so that the smallest class has the largest share of all
    objects. That share is a quotient of two linear functions; the transformation of Charnes and
    Cooper, which counts repeats in shares of all objects, makes it a linear programme.
    """
    n, n_classes = counts.shape
    if not n_classes:
        return np.zeros(0), float(n)
    kinds, sizes = np.unique(counts, axis=0, return_counts=True)  # equal images: one variable
    m = len(kinds)
    table = sparse.csr_matrix(kinds.astype(np.float64))
    one = sparse.csr_matrix(np.ones((n_classes, 1)))
    identity, many = sparse.identity(m), sparse.csr_matrix(sizes[:, None].astype(np.float64))
    limits = sparse.bmat(
        [
            [-table.T, sparse.csr_matrix((n_classes, 1)), one],  # no class below the smallest share
            [-identity, many, None],  # each image at least once
            [identity, -limit * many, None],  # and at most `limit` times
        ]
    )
    whole = sparse.csr_matrix(np.append(np.asarray(table.sum(axis=1)).ravel(), [0.0, 0.0]))
    cost = np.zeros(m + 2)
    cost[-1] = -1
    solution = linprog(
        cost,
        A_ub=limits.tocsr(),
        b_ub=np.zeros(limits.shape[0]),
        A_eq=whole,
        b_eq=[1.0],
        method="highs",
    )
    if solution.x is None or solution.x[m] <= 0:  # no solution: report no repeats
        return counts.sum(axis=0).astype(np.float64), float(n)
    repeats = solution.x[:m] / solution.x[m]
    return repeats @ kinds, float(repeats.sum())


def _ratio(totals: NDArray[Any]) -> float:
    """Return largest / smallest; 1 where there is nothing."""
    return float(totals.max() / totals.min()) if len(totals) else 1.0


def _together(annotations: Annotations, counts: NDArray[Any]) -> list[tuple[str, str, int]]:
    """Return up to 50 pairs of classes and the number of images that hold both."""
    has = (counts > 0).astype(np.int64)
    both = np.triu(has.T @ has, 1)
    pairs = [
        (annotations.classes[a], annotations.classes[b], int(both[a, b]))
        for a, b in zip(*np.nonzero(both), strict=True)
    ]
    return sorted(pairs, key=lambda pair: -pair[2])[:50]


def _odd(
    annotations: Annotations, counts: NDArray[Any], sides: NDArray[np.float64]
) -> dict[str, list[str]]:
    """Return a text on each odd object or image, by the kind of oddity."""
    odd: dict[str, list[str]] = {}
    odd["left out"] = [f"{gone.source}: {gone.reason}" for gone in annotations.dropped]
    odd["cut at the border"] = [f"{each.source}: {each.reason}" for each in annotations.cut]
    image = annotations.image_of
    keyed = np.column_stack([image, annotations.codes, annotations.boxes])
    _, first, n = np.unique(keyed, axis=0, return_index=True, return_counts=True)
    odd["there more than once"] = [
        f"{annotations.name_of(int(image[at]))}: {annotations.classes[annotations.codes[at]]}, "
        f"{times} times"
        for at, times in zip(first[n > 1].tolist(), n[n > 1].tolist(), strict=True)
    ]
    odd["tiny"] = [
        f"{annotations.name_of(int(image[at]))}: {annotations.classes[annotations.codes[at]]}, "
        f"{sides[at, 0]:.3g} x {sides[at, 1]:.3g} pixels"
        for at in np.flatnonzero((sides < TINY).any(axis=1)).tolist()
    ]
    totals = counts.sum(axis=0)
    odd["without objects"] = [
        f"class {annotations.classes[at]}" for at in np.flatnonzero(totals == 0).tolist()
    ]
    filled = counts.sum(axis=1) > 0
    share = (counts[filled] > 0).mean(axis=0) if filled.any() else np.zeros(len(totals))
    odd["objects that may be missing"] = [
        f"{annotations.name_of(int(row))} has no {annotations.classes[at]}, "
        f"{share[at]:.0%} of the images have one"
        for at in np.flatnonzero((share >= NEARLY_ALL) & (share < 1)).tolist()
        for row in np.flatnonzero(filled & (counts[:, at] == 0)).tolist()
    ]
    return {kind: entries for kind, entries in odd.items() if entries}
