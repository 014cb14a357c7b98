"""Annotations: the objects of all images of a set, in columns; masks of objects as run lengths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imblearn_images.core.containers import as_objects, unwrap
from imblearn_images.core.text import counted, shorten

__all__ = [
    "Annotations",
    "Dropped",
    "RunLengths",
    "as_objects",
    "box_of_mask",
    "mask_of_outlines",
    "resized_mask",
]


class Dropped(NamedTuple):
    """One object that was left out, and why.

    Read more in the :ref:`User Guide <boxes-and-labels>`.
    """

    row: int
    """Row of the image, in these annotations, that would contain it."""
    source: str
    """Name or row of the image that it was annotated in."""
    box: int
    """Its number among the objects of that image, from 0."""
    label: str
    """Its class."""
    reason: str
    """Why it was left out."""


@dataclass(frozen=True, eq=False, repr=False)
class Annotations:
    """Boxes, polygons, masks and keypoints of the objects in a set of images.

    One value for the whole set, in columns: image ``i`` has the objects ``offsets[i]`` to
    ``offsets[i + 1] - 1``. It goes where labels go: ``len``, ``annotations[rows]``,
    ``train_test_split``, the `y` of :class:`LabelOverSampler`.

    Read more in the :ref:`User Guide <boxes-and-labels>`.

    Parameters
    ----------
    boxes : ndarray of shape (k, 4), dtype float64
        ``x_min, y_min, x_max, y_max`` in pixels, measured at pixel edges: the whole image is
        ``0, 0, width, height``, and the pixel in its corner ``0, 0, 1, 1``.
    codes : ndarray of shape (k,), dtype intp
        Class of each object, as its position in `classes`.
    offsets : ndarray of shape (n + 1,), dtype intp
        Where the objects of each image begin; the last one is k.
    sizes : ndarray of shape (n, 2), dtype intp
        Height and width of the images.
    classes : tuple of str
        All classes, also those without an object: their order is that of the category numbers
        of a file format, which must not shift.
    paths : ndarray of shape (n,), dtype object, default=None
        The image files.
    polygons : ndarray of shape (k,), dtype object, default=None
        Outlines of each object, a tuple of arrays (p, 2) of x and y; None for an object without.
    keypoints : ndarray of shape (k, p, 3), dtype float64, default=None
        x, y and visibility: 0 not there, 1 hidden, 2 visible. Measured as boxes are: the centre of
        the pixel in the corner is at 0.5, 0.5.
    masks : ndarray of shape (k,), dtype object, default=None
        Mask of each object as :class:`~imblearn_images.annotations.RunLengths`; None for an object
        without.
    columns : mapping of str to ndarray of shape (k, ...), default={}
        Further values of each object, such as "difficult", "truncated", "iscrowd" or "id". They
        are kept, repeated and written back.
    image_columns : mapping of str to ndarray of shape (n, ...), default={}
        Further values of each image.
    keypoint_names : tuple of str, default=()
        Names of the p keypoints; those that differ by "left" and "right" change places where an
        image is flipped.
    flip_pairs : tuple of (str, str), default=()
        Names of keypoints, or classes, that change places where an image is flipped, besides
        keypoints that differ by "left" and "right".
    dropped : tuple of Dropped, default=()
        Objects that were left out when these annotations were read or carried, and why.
    cut : tuple of Dropped, default=()
        Objects whose boxes were cut at the border when these annotations were read.
    info : mapping, default={}
        Further facts about the set, such as "category_ids".

    Raises
    ------
    ValueError
        If lengths disagree, or a box is not finite or ends before it begins.

    See Also
    --------
    Annotations.of : From lists, with one entry for each image.
    read_annotations : From files.

    Examples
    --------
    >>> cells = Annotations.of(
    ...     boxes=[[[0, 0, 10, 10], [5, 5, 20, 12]], []],
    ...     labels=[["white", "red"], []],
    ...     sizes=(48, 64),
    ... )
    >>> cells
    Annotations(2 images, 2 boxes: red 1, white 1)
    >>> cells.counts().tolist(), cells.classes
    ([[1, 1], [0, 0]], ('red', 'white'))
    >>> cells[[0, 0, 1]].boxes_of(1).tolist()
    [[0.0, 0.0, 10.0, 10.0], [5.0, 5.0, 20.0, 12.0]]
    """

    boxes: NDArray[np.float64]
    codes: NDArray[np.intp]
    offsets: NDArray[np.intp]
    sizes: NDArray[np.intp]
    classes: tuple[str, ...]
    paths: NDArray[Any] | None = None
    polygons: NDArray[Any] | None = None
    keypoints: NDArray[np.float64] | None = None
    masks: NDArray[Any] | None = None
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    image_columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    keypoint_names: tuple[str, ...] = ()
    flip_pairs: tuple[tuple[str, str], ...] = ()
    dropped: tuple[Dropped, ...] = ()
    cut: tuple[Dropped, ...] = ()
    info: Mapping[str, Any] = field(default_factory=dict)

    in_pixels = True
    """Positions in pixels, which move when an image is drawn: the plan's ``take`` refuses them."""

    def __post_init__(self) -> None:
        # Copies: a mapping of the caller may change, and a frozen value must not.
        for name in ("columns", "image_columns", "info"):
            object.__setattr__(self, name, dict(getattr(self, name)))
        object.__setattr__(self, "classes", tuple(self.classes))
        known = {*self.classes, *self.keypoint_names}
        for pair in self.flip_pairs:
            if len(pair) != 2 or not known.issuperset(pair):
                raise ValueError(
                    "`flip_pairs` must be pairs of classes or names of keypoints, got "
                    f"{pair!r:.80}. There are {', '.join(sorted(known))[:200]}."
                )
        n, k = len(self.sizes), len(self.boxes)
        if self.boxes.shape != (k, 4) or self.sizes.shape != (n, 2):
            raise ValueError(
                "`boxes` must have shape (k, 4) and `sizes` (n, 2), got "
                f"{self.boxes.shape} and {self.sizes.shape}."
            )
        ends = len(self.offsets) == n + 1 and self.offsets[0] == 0 and self.offsets[-1] == k
        if not ends or (np.diff(self.offsets) < 0).any():
            raise ValueError(
                f"`offsets` must be {n + 1} numbers from 0 to {k}, one image after the other, got "
                f"{self.offsets!r:.60}."
            )
        for name, column in self._of_objects().items():
            if len(column) != k:
                raise ValueError(
                    f"`{name}` must have one entry for each of the {k} boxes, got {len(column)}."
                )
        for name, column in self._of_images().items():
            if len(column) != n:
                raise ValueError(
                    f"`{name}` must have one entry for each of the {n} images, got {len(column)}."
                )
        if k and not 0 <= self.codes.min() <= self.codes.max() < len(self.classes):
            raise ValueError(
                f"`codes` must be positions in the {len(self.classes)} `classes`, counted from 0, "
                f"got {self.codes.min()} to {self.codes.max()}."
            )
        low, high = self.boxes[:, :2], self.boxes[:, 2:]
        # Not asked the other way round: comparisons with NaN are False, so that it would pass.
        wrong = np.flatnonzero(~(np.isfinite(self.boxes).all(axis=1) & (low <= high).all(axis=1)))
        if len(wrong):
            image = int(self.image_of[wrong[0]])
            raise ValueError(
                f"`boxes` must be x_min, y_min, x_max, y_max, got {self.boxes[wrong[0]].tolist()} "
                f"for {self.name_of(image)}. To convert boxes of x, y, width, height: "
                "np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])."
            )

    @classmethod
    def of(
        cls,
        boxes: Sequence[ArrayLike],
        labels: Sequence[Sequence[Any]],
        sizes: ArrayLike,
        *,
        paths: Any = None,
        classes: Iterable[str] | None = None,
        polygons: Sequence[Sequence[Any]] | None = None,
        keypoints: Sequence[ArrayLike] | None = None,
        masks: Sequence[ArrayLike] | None = None,
        keypoint_names: Sequence[str] = (),
        flip_pairs: Sequence[tuple[str, str]] = (),
    ) -> Annotations:
        """Make annotations from lists with one entry for each image.

        Parameters
        ----------
        boxes : list of n array-likes of shape (k_i, 4)
            ``x_min, y_min, x_max, y_max`` at pixel edges.
        labels : list of n lists of k_i classes
            Classes, which are converted to text.
        sizes : array-like of shape (n, 2), or (height, width) of all
            Height and width of the images.
        paths : list of n paths, default=None
            The image files.
        classes : list of str, default=None
            All classes in their order; those that occur, sorted, by default.
        polygons : list of n lists of k_i outlines, default=None
            Each an array-like (p, 2), a list of several such, or None.
        keypoints : list of n array-likes of shape (k_i, p, 3), default=None
            x, y, visibility.
        masks : list of n array-likes of shape (k_i, height, width), dtype bool, default=None
            One mask for each object. Where `boxes` holds None for an image, its boxes are those of
            the masks.
        keypoint_names : list of str, default=()
            Names of the keypoints.
        flip_pairs : list of (str, str), default=()
            Names of keypoints, or classes, that change places where an image is flipped.

        Returns
        -------
        annotations : Annotations

        Raises
        ------
        ValueError
            If lengths disagree, naming the image, or `classes` lacks a label, naming it.
        """
        n = len(boxes)
        per_image = {"labels": labels, "polygons": polygons, "keypoints": keypoints}
        for name, given in {**per_image, "masks": masks}.items():
            if given is not None and len(given) != n:
                raise ValueError(
                    f"`{name}` must have one entry for each of the {n} images of `boxes`, got "
                    f"{len(given)}."
                )
        runs: list[Any] = []
        listed: list[NDArray[np.float64]] = []
        for row, each in enumerate(boxes):
            if masks is not None:
                own = np.asarray(masks[row], dtype=np.bool_)
                runs += [RunLengths.of(mask) for mask in own]
                each = [box_of_mask(mask) for mask in own] if each is None else each
            array = np.asarray(each, dtype=np.float64)
            # An empty list of boxes has one axis.
            array = array.reshape(0, 4) if not array.size else array
            if array.ndim != 2 or array.shape[1] != 4 or len(array) != len(labels[row]):
                raise ValueError(
                    f"Image {row} has boxes of shape {array.shape} and {len(labels[row])} labels. "
                    "Pass one box of four numbers for each label."
                )
            listed.append(array)
        texts = [str(label) for each in labels for label in each]
        known = tuple(sorted(set(texts))) if classes is None else tuple(map(str, classes))
        places = {label: at for at, label in enumerate(known)}
        if len(places) < len(known):
            twice = next(label for at, label in enumerate(known) if places[label] != at)
            raise ValueError(
                f"`classes` must be different, got {twice!r} more than once. Name each once."
            )
        if missing := [label for label in texts if label not in places]:
            raise ValueError(
                f"`classes` must hold the label of every object, got {shorten(str(known), 80)}, "
                f"without {missing[0]!r}. Add it, or leave `classes` out."
            )
        numbers = np.asarray(sizes, dtype=np.intp)
        numbers = np.broadcast_to(numbers, (n, 2)).copy() if numbers.ndim == 1 else numbers
        outlines = None
        if polygons is not None:
            outlines = as_objects([_outlines(each) for own in polygons for each in own])
        points = None
        if keypoints is not None:
            points = _joined_points(keypoints, [len(each) for each in labels])
        return cls(
            np.concatenate([*listed, np.empty((0, 4))]),
            np.array([places[label] for label in texts], dtype=np.intp),
            np.append(0, np.cumsum([len(each) for each in listed])).astype(np.intp),
            numbers,
            known,
            None if paths is None else as_objects(unwrap(paths)[0]),
            outlines,
            points,
            None if masks is None else as_objects(runs),
            keypoint_names=tuple(keypoint_names),
            flip_pairs=tuple((str(one), str(other)) for one, other in flip_pairs),
        )

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def shape(self) -> tuple[int]:
        """Shape (n,), as an array of labels has it; n is the number of images."""
        return (len(self),)

    @property
    def labels(self) -> NDArray[Any]:
        """Class of each object as text, shape (k,)."""
        return as_objects(self.classes)[self.codes]

    @property
    def image_of(self) -> NDArray[np.intp]:
        """Image of each object, shape (k,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def counts(self) -> NDArray[np.intp]:
        """Return the number of objects of each class in each image, shape (n, n_classes)."""
        width = len(self.classes)
        cells = np.bincount(self.image_of * width + self.codes, minlength=len(self) * width)
        return cells.reshape(len(self), width).astype(np.intp)

    def objects_of(self, image: int) -> slice:
        """Return the slice of the columns that holds the objects of one image."""
        return slice(int(self.offsets[image]), int(self.offsets[image + 1]))

    def boxes_of(self, image: int) -> NDArray[np.float64]:
        """Return the boxes of one image, shape (k_i, 4)."""
        return self.boxes[self.objects_of(image)]

    def labels_of(self, image: int) -> list[str]:
        """Return the classes of the objects of one image."""
        return [self.classes[code] for code in self.codes[self.objects_of(image)]]

    def name_of(self, image: int) -> str:
        """Return what messages call an image: its file, or its row."""
        return f"row {image}" if self.paths is None else str(self.paths[image])

    def __getitem__(self, rows: Any) -> Annotations:
        """Return the annotations of some images: rows, which may repeat, a slice or a mask."""
        rows = rows[0] if isinstance(rows, tuple) else rows  # scikit-learn: y[rows, ...]
        chosen = np.atleast_1d(np.arange(len(self))[rows])
        return self.chosen(chosen, self.where(chosen), np.diff(self.offsets)[chosen])

    def where(self, images: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the positions of the objects of some images, one image after the other."""
        starts, lengths = self.offsets[images], np.diff(self.offsets)[images]
        # One range for each image, joined without a loop over a million images.
        before = np.cumsum(lengths) - lengths
        found: NDArray[np.intp] = np.repeat(starts - before, lengths) + np.arange(lengths.sum())
        return found

    def chosen(
        self, images: NDArray[np.intp], objects: NDArray[np.intp], lengths: NDArray[np.intp]
    ) -> Annotations:
        """Return annotations of `images` with `objects`, of which each image has `lengths`."""
        own: dict[str, Any] = {name: column[objects] for name, column in self._of_objects().items()}
        others: dict[str, Any] = {
            name: column[images] for name, column in self._of_images().items()
        }
        return replace(
            self,
            offsets=np.append(0, np.cumsum(lengths)).astype(np.intp),
            columns={name: own.pop(name) for name in self.columns},
            image_columns={name: others.pop(name) for name in self.image_columns},
            dropped=(),
            cut=(),
            **own,
            **others,
        )

    def without(self, reasons: Mapping[int, str]) -> Annotations:
        """Return annotations without some of the objects, with the reasons in ``dropped``.

        Parameters
        ----------
        reasons : mapping of int to str
            Position of an object in the columns -> why it is left out.

        Examples
        --------
        >>> cells = Annotations.of([[[0, 0, 4, 4], [1, 1, 1, 2]]], [["red", "red"]], (8, 8))
        >>> cells.without({1: "it has no area"})
        Annotations(1 image, 1 box: red 1; 1 left out)
        """
        if not reasons:
            return self
        keep = np.ones(len(self.boxes), dtype=np.bool_)
        keep[list(reasons)] = False
        lengths = np.bincount(self.image_of[keep], minlength=len(self))
        gone = tuple(self.as_dropped(at, reason) for at, reason in sorted(reasons.items()))
        some = self.chosen(np.arange(len(self)), np.flatnonzero(keep), lengths)
        return replace(some, dropped=self.dropped + gone)

    def at_sizes(self, sizes: NDArray[np.intp]) -> Annotations:
        """Return the annotations of the same images after resizing.

        Parameters
        ----------
        sizes : ndarray of shape (n, 2)
            Height and width that the images have now.

        Returns
        -------
        annotations : Annotations
            Boxes, outlines and keypoints are scaled, masks take the nearest pixel. If no size
            changes, these annotations themselves.

        Examples
        --------
        >>> cells = Annotations.of([[[0, 0, 4, 4]]], [["red"]], (8, 8))
        >>> cells.at_sizes(np.array([[4, 16]])).boxes.tolist()
        [[0.0, 0.0, 8.0, 2.0]]
        """
        sizes = np.asarray(sizes, dtype=np.intp)
        if np.array_equal(sizes, self.sizes):
            return self
        # Sizes are height, width, positions x, y.
        scale = (sizes / self.sizes)[self.image_of][:, ::-1]
        changed: dict[str, Any] = {}
        if self.polygons is not None:
            changed["polygons"] = as_objects(
                None if outlines is None else tuple(outline * by for outline in outlines)
                for outlines, by in zip(self.polygons, scale, strict=True)
            )
        if self.keypoints is not None:
            changed["keypoints"] = self.keypoints.copy()
            changed["keypoints"][..., :2] *= scale[:, None]
        if self.masks is not None:
            there = sizes[self.image_of].tolist()
            changed["masks"] = as_objects(
                None if mask is None else RunLengths.of(resized_mask(mask.mask(), (h, w)))
                for mask, (h, w) in zip(self.masks, there, strict=True)
            )
        return replace(self, boxes=self.boxes * np.tile(scale, 2), sizes=sizes, **changed)

    def as_dropped(self, at: int, reason: str) -> Dropped:
        """Return the entry of one object for a list of those left out or changed."""
        row = int(np.searchsorted(self.offsets, at, side="right")) - 1
        number = int(at - self.offsets[row])
        return Dropped(row, self.name_of(row), number, self.classes[self.codes[at]], reason)

    def _of_objects(self) -> dict[str, NDArray[Any]]:
        """Return all columns with one entry for each object."""
        names = ("boxes", "codes", "polygons", "keypoints", "masks")
        own = {name: getattr(self, name) for name in names}
        return {**{k: v for k, v in own.items() if v is not None}, **self.columns}

    def _of_images(self) -> dict[str, NDArray[Any]]:
        """Return all columns with one entry for each image."""
        own = {"sizes": self.sizes, "paths": self.paths}
        return {**{k: v for k, v in own.items() if v is not None}, **self.image_columns}

    def __repr__(self) -> str:
        totals = np.bincount(self.codes, minlength=len(self.classes))
        listed = ", ".join(
            f"{self.classes[at]} {totals[at]}" for at in np.argsort(-totals, kind="stable")
        )
        gone = f"; {len(self.dropped)} left out" if self.dropped else ""
        return (
            f"{type(self).__name__}({counted(len(self), 'image')}, "
            f"{counted(len(self.boxes), 'box')}: {shorten(listed, 200)}{gone})"
        )


def _joined_points(keypoints: Sequence[ArrayLike], lengths: Sequence[int]) -> NDArray[np.float64]:
    """Return the keypoints of all images, (k, p, 3); raise naming an image whose do not fit."""
    found: list[NDArray[np.float64]] = []
    width = None
    for row, (each, n) in enumerate(zip(keypoints, lengths, strict=True)):
        try:
            array = np.asarray(each, dtype=np.float64)
        except ValueError:  # objects with different numbers of keypoints
            shape = "different numbers of them"
        else:
            if not array.size:
                if not n:
                    continue
                array = array.reshape(n, 0, 3)
            shape = f"shape {array.shape}"
            width = array.shape[1] if width is None and array.ndim == 3 else width
            if array.shape == (n, width, 3):
                found.append(array)
                continue
        wanted = "p" if width is None else width
        raise ValueError(
            f"`keypoints` must have shape ({n}, {wanted}, 3) for image {row}, x, y and visibility "
            f"of each of its {counted(n, 'object')}, got {shape}. Give keypoints that are not "
            "there the visibility 0."
        )
    return np.concatenate([*found, np.empty((0, width or 0, 3))])


def _outlines(given: Any) -> tuple[NDArray[np.float64], ...] | None:
    """Return one outline, or several, as a tuple of arrays (p, 2)."""
    if given is None:
        return None
    parts = [given] if np.ndim(given[0]) == 1 else list(given)
    return tuple(np.asarray(part, dtype=np.float64).reshape(-1, 2) for part in parts)


@dataclass(frozen=True, eq=False)
class RunLengths:
    """A mask as the lengths of runs of 0 and 1 in turn, column by column.

    Read more in the :ref:`User Guide <boxes-and-labels>`.

    Parameters
    ----------
    size : (height, width)
        Size of the image.
    counts : ndarray of shape (r,), dtype int64
        Lengths of the runs; the first run is of 0 and may have length 0.

    Notes
    -----
    The form of COCO's annotations: a mask of 640 x 480 pixels takes some hundred bytes.

    Examples
    --------
    >>> mask = np.zeros((3, 3), dtype=bool)
    >>> mask[1, 1:] = True
    >>> runs = RunLengths.of(mask)
    >>> runs.counts.tolist(), bool((runs.mask() == mask).all())
    ([4, 1, 2, 1, 1], True)
    >>> runs.text(), RunLengths.from_text((3, 3), runs.text()).counts.tolist()
    ('4120O', [4, 1, 2, 1, 1])
    """

    size: tuple[int, int]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, mask: NDArray[np.bool_]) -> RunLengths:
        """Return the run lengths of a mask of shape (H, W)."""
        flat = np.asarray(mask, dtype=np.bool_).ravel(order="F")
        ends = np.flatnonzero(np.diff(flat)) + 1
        edges = np.concatenate([[0], ends, [len(flat)]])
        counts = np.diff(edges)
        # Runs begin with 0, if need be with a run of length 0.
        if len(flat) and flat[0]:
            counts = np.append(0, counts)
        height, width = np.shape(mask)
        return cls((height, width), counts.astype(np.int64))

    def mask(self) -> NDArray[np.bool_]:
        """Return the mask, shape (H, W), dtype bool."""
        values = np.arange(len(self.counts)) % 2 == 1
        return np.repeat(values, self.counts).reshape(self.size, order="F")

    def text(self) -> str:
        """Return the run lengths as compressed text in COCO's form: differences in base 32."""
        # Five bits a letter, lowest first; bit 0x20 says that more follow, bit 0x10 of the last
        # one that the number is negative. From the fourth run on, the difference to the run
        # before the last one is written.
        letters = []
        for at, count in enumerate(self.counts.tolist()):
            value = count - int(self.counts[at - 2]) if at > 2 else count
            more = True
            while more:
                part, value = value & 0x1F, value >> 5
                more = value != (-1 if part & 0x10 else 0)
                letters.append(chr((part | 0x20 if more else part) + 48))
        return "".join(letters)

    @classmethod
    def from_text(cls, size: tuple[int, int], text: str) -> RunLengths:
        """Read what :meth:`text` writes.

        Raises
        ------
        ValueError
            If the text ends too early, or does not describe a mask of this size.
        """
        counts: list[int] = []
        value = shift = 0
        for letter in text.encode("ascii", "replace"):
            part = letter - 48
            value |= (part & 0x1F) << shift
            shift += 5
            if part & 0x20:
                continue
            if part & 0x10:
                value |= -1 << shift  # negative: fill the higher bits
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
        return cls.checked(size, counts)

    @classmethod
    def checked(cls, size: tuple[int, int], counts: Sequence[int]) -> RunLengths:
        """Return run lengths from a file, after checking them.

        Raises
        ------
        ValueError
            If they are not lengths, or do not add up to a mask of this size.
        """
        total = size[0] * size[1]
        if any(not isinstance(c, int) or not 0 <= c <= total for c in counts) or (
            sum(counts) != total
        ):
            raise ValueError(
                f"Run lengths of a mask must add up to {size[0]} x {size[1]} pixels, got "
                f"{counts!r:.60}."
            )
        return cls(size, np.array(counts, dtype=np.int64))


def box_of_mask(mask: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    """Return the box of a mask of shape (H, W), shape (4,); None if it is True nowhere.

    Examples
    --------
    >>> box_of_mask(np.eye(3, dtype=bool)[:, :2]).tolist()
    [0.0, 0.0, 2.0, 2.0]
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=np.float64)


def mask_of_outlines(outlines: Sequence[NDArray[Any]], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the mask of the pixels whose centre lies within one of the outlines, shape (H, W).

    Examples
    --------
    >>> square = np.array([[1, 0], [3, 0], [3, 2], [1, 2]])
    >>> mask_of_outlines([square], (3, 4)).astype(int).tolist()
    [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    """
    from skimage.draw import polygon

    mask = np.zeros(size, dtype=np.bool_)
    for outline in outlines:
        x, y = np.asarray(outline, dtype=np.float64).T
        # Outlines count from pixel edges, scikit-image from pixel centres.
        mask[polygon(y - 0.5, x - 0.5, size)] = True  # type: ignore[no-untyped-call]
    # An object so thin that it contains no centre of a pixel gets the pixel in its middle.
    if not mask.any() and len(outlines):
        x, y = np.concatenate([np.asarray(outline) for outline in outlines]).mean(axis=0)
        if 0 <= x < size[1] and 0 <= y < size[0]:
            mask[int(y), int(x)] = True
    return mask


def resized_mask(mask: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Return a mask, or label map, in another size, by the nearest pixel.

    Examples
    --------
    >>> resized_mask(np.arange(9).reshape(1, 9), (1, 3)).tolist()
    [[1, 4, 7]]
    >>> resized_mask(np.array([[1, 2]]), (2, 4)).tolist()
    [[1, 1, 2, 2], [1, 1, 2, 2]]
    """
    if mask.shape == size:
        return mask
    row, column = (
        ((2 * np.arange(new) + 1) * old // (2 * new)).astype(np.intp)  # around its centre
        for new, old in zip(size, mask.shape, strict=True)
    )
    return mask[np.ix_(row, column)]
