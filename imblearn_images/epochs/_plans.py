"""EpochPlans decides on the rows of each epoch; EpochImages holds the rows of one epoch."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import imblearn_images.epochs._deciding as deciding
from imblearn_images.core import files
from imblearn_images.core.annotations import Annotations, resized_mask
from imblearn_images.core.carrying import carry_rows
from imblearn_images.core.columns import as_table, labels_of, told, unwrap_labels
from imblearn_images.core.images import Images
from imblearn_images.core.multilabel import LabelCounts
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import DrawnImages
from imblearn_images.core.validation import check_lengths
from imblearn_images.epochs._reading import Files, Resized, at_size, opened

__all__ = ["EpochImages", "EpochPlans"]

Key = tuple[Any, ...]
"""``(row,)`` for a source image, otherwise ``(step, seed, base, *partners, *shares)``, where base
and partners are rows of the source or such keys. A row with other labels than its source image has
``(key, labels)``, where `labels` are the bits of its targets."""


class EpochPlans:
    """Another resampled set in every epoch, without storing any of them.

    Epoch 0 equals ``resampler.fit_resample(X, y)``, byte for byte. In epoch e each step has a seed
    made from its `random_state` and e, so that epoch 17 is the same on every machine, in every
    process, and after a crash. No image is drawn before it is read.

    Read more in the :ref:`User Guide <training-loops>`.

    Parameters
    ----------
    resampler : sampler, Pipeline of samplers, ResamplingPlan or None
        Samplers of this package, which are cloned; each `random_state` in them must be an integer.
        A step with a parameter `epoch` keeps its `random_state` and gets the number of the epoch
        instead. A plan gives the same rows in every epoch, None the images as they are. An
        `output_dir` is not written to.
    X : images
        Images as for ``fit_resample``: an array, memmap or tensor of shape (n, H, W), (n, H, W, C)
        or (n, C, H, W), rows of flattened pixels (n, d), n paths, or any home of pixels.
    y : array-like of shape (n,) or (n, L), list of n lists, or Annotations
        Labels. Several labels per image, which LabelOverSampler, LabelUnderSampler, MLSMOTE and
        RedrawImages can resample, are rows of 0 and 1 or of numbers of objects, a list of labels
        for each image, or :class:`~imblearn_images.annotations.Annotations`. If all rows are
        one-hot they mean one label per image, unless `resampler` is one of the first three.
    size : (height, width), default=None
        Size in pixels at which files are read, JPEG files at reduced scale; by default each has its
        own. Only for files. Annotations are scaled with their images.
    mode : {"L", "RGB", "RGBA"}, default=None
        Read files as grey, colour, or colour with alpha; by default as they are. Only for files.
        With `size` and `mode`, no header is read in advance.
    embeddings : array-like of shape (n, d), default=None
        Features of the source images, in which all samplers measure distances; a synthetic image
        has those of its base. By default each sampler computes its own, once for all epochs where
        they are features of source images.
    classes : array-like of shape (n_classes,), default=None
        Labels in the order of their targets, or of the columns. By default those of y, sorted. For
        a validation set, pass the ``classes_`` of the training set.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels; the target of an image is the index of its label.
    targets_ : ndarray of shape (n_source,), dtype int64
        Targets of the source images. With several labels per image, shape (n_source, n_classes),
        dtype float32: 1 where the image has the label, as multi-label losses take them.
    n_source : int
        Number of source images.
    images : Images
        The source images.
    shape : tuple of int or None
        Shape of all images; None if they differ.

    Raises
    ------
    TypeError
        If a sampler is not of this package, or a step is not a sampler.
    ValueError
        If a `random_state` is not an integer, so that processes would decide differently; if rows
        cannot be drawn alone: images of a generator, the noise of `shrinkage`; if `y` has several
        labels per image and a sampler takes one.

    See Also
    --------
    imblearn_images.torch.PlanDataset : Draw the rows in the workers of a DataLoader.
    imblearn_images.recipes : Samplers and chains that were measured to help.

    Notes
    -----
    Different computers may differ in the last bit of a feature, and so in a neighbour. If several
    nodes train together, pass `embeddings` that were computed once, or save ``plans(epoch).plan``.

    The targets of annotated images are the labels of their bases. Objects are carried when a row is
    drawn, by :meth:`carry` or ``PlanDataset(annotations=...)``.

    With `size` or `mode`, each process caches up to 32 MB of decoded files, because parents are
    read repeatedly.

    Examples
    --------
    >>> from imblearn_images import RandomOverSampler
    >>> from imblearn_images.datasets import load_texture_patches
    >>> from imblearn_images.synthesis import Augment
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> sampler = RandomOverSampler(synthesis=Augment(), random_state=0)
    >>> plans = EpochPlans(sampler, images, labels)
    >>> plans(0).plan
    ResamplingPlan(361 images -> 768 rows: 361 original, 0 copies, 407 synthetic, drawn by Augment)
    >>> X_res, y_res = sampler.fit_resample(images, labels)
    >>> bool((plans(0).draw([5, 700]) == X_res[[5, 700]]).all())
    True
    >>> bool((plans(17).draw([700]) == X_res[[700]]).all())
    False

    Half the size, the same rows:

    >>> plans.at_size((16, 16))(17).draw([700]).shape
    (1, 16, 16)
    """

    def __init__(
        self,
        resampler: Any,
        X: Any,
        y: Any,
        *,
        size: tuple[int, int] | None = None,
        mode: str | None = None,
        embeddings: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> None:
        images, table = opened(X, size, mode)
        self.images, self.n_source = images, len(images)
        self.shape = images.uniform
        self.targets_: NDArray[Any]
        steps = [] if isinstance(resampler, ResamplingPlan) else list(deciding.steps_of(resampler))
        several = deciding.several_for(resampler, steps, y)
        if several is None:
            labels = labels_of(y) if as_table(y) is None else np.asarray(unwrap_labels(y)[0])
            self.classes_, self.targets_ = deciding.numbered(labels, classes)
        else:
            labels = several.counts
            self.classes_, self._places = deciding.columns_of(several, classes)
            self.targets_ = self.bits_of(labels)
        check_lengths(images, labels)
        if several is not None and isinstance(several.source, Annotations):
            self.check_annotations(several.source)
            fitted: Any = self._fitted(several.source, np.arange(len(images)))
            several = LabelCounts(several.counts, several.labels, fitted)
        self._deciding = deciding.Deciding(
            resampler, steps, images, table, labels, several, embeddings
        )

    @classmethod
    def of(
        cls,
        X: Any,
        y: Any,
        *,
        size: tuple[int, int] | None = None,
        mode: str | None = None,
        classes: ArrayLike | None = None,
    ) -> EpochPlans:
        """Return plans that resample nothing: for validation.

        Parameters
        ----------
        X, y, size, mode
            As for the class.
        classes : array-like of shape (n_classes,), default=None
            The ``classes_`` of the training set. Without them, a class that is missing here would
            change the targets of the others.

        Returns
        -------
        plans : EpochPlans

        Examples
        --------
        >>> plans = EpochPlans.of(
        ...     np.zeros((2, 8, 8)), ["dog", "owl"], classes=["cat", "dog", "owl"]
        ... )
        >>> plans.targets_.tolist(), len(plans(3))
        ([1, 2], 2)
        """
        return cls(None, X, y, size=size, mode=mode, classes=classes)

    def __call__(self, epoch: int) -> EpochImages:
        """Return the images of an epoch.

        Parameters
        ----------
        epoch : int
            Number of the epoch, from 0.

        Returns
        -------
        images : EpochImages
            A home of pixels, see :mod:`imblearn_images.images`.
        """
        if not isinstance(epoch, Integral) or epoch < 0:
            raise ValueError(f"`epoch` must be an integer from 0 on, got {epoch!r}.")
        return EpochImages(self, int(epoch), self._deciding.columns(int(epoch)))

    def at_size(self, size: tuple[int, int]) -> EpochPlans:
        """Return the same decisions, drawn from images of another size: progressive resizing.

        Parameters
        ----------
        size : (height, width)
            Size in pixels. Files are read at this size, arrays resized before anything is drawn.

        Returns
        -------
        plans : EpochPlans
            Plans of the same rows; samplers still decide on the images of the original size.
        """
        files.check_size_and_mode(size, None)
        other = copy.copy(self)
        other.images = at_size(self.images, (int(size[0]), int(size[1])))
        other.shape = other.images.uniform
        return other

    def draw(self, keys: Sequence[Key]) -> list[NDArray[Any]]:
        """Draw rows together, which is many times as fast as one by one if images are small.

        Parameters
        ----------
        keys : sequence of keys
            Keys that :meth:`EpochImages.rows` returns, of any epochs.

        Returns
        -------
        images : list of ndarray of shape (H, W) or (H, W, C)
            With the dtype and order of axes of X.
        """
        if not len(keys):
            return []
        home = self.home_of(keys)
        if self.shape is not None:
            out = np.empty((len(keys), *self.shape), dtype=home.dtype)
            home.read(np.arange(len(keys)), out)
            return list(out)
        drawn: list[Any] = [None] * len(keys)
        shapes: dict[tuple[int, ...], list[int]] = {}
        for at in range(len(keys)):
            shapes.setdefault(home.shape_of(at), []).append(at)
        for shape, places in shapes.items():
            out = np.empty((len(places), *shape), dtype=home.dtype)
            home.read(np.array(places), out)
            for at, image in zip(places, out, strict=True):
                drawn[at] = image
        return drawn

    def targets_of(self, keys: Sequence[Key]) -> NDArray[Any]:
        """Return the targets of rows.

        Parameters
        ----------
        keys : sequence of keys
            Keys that :meth:`EpochImages.rows` returns, of any epochs.

        Returns
        -------
        targets : ndarray of shape (m,); with several labels per image (m, n_classes)
        """
        targets = self.targets_[self.sources_of(keys)]
        for at, key in enumerate(keys) if targets.ndim > 1 else ():
            if len(key) == 2:  # it says which labels it has
                bits = np.unpackbits(np.frombuffer(key[1], dtype=np.uint8))
                targets[at] = bits[: targets.shape[1]]
        return targets

    def bits_of(self, counts: NDArray[Any]) -> NDArray[np.float32]:
        """Targets of rows of several labels, given how often they have each, shape (m, L)."""
        return deciding.bits_of(counts, self._places, len(self.classes_))

    def sources_of(self, keys: Sequence[Key]) -> NDArray[np.intp]:
        """Return the source image that each row is drawn from, its base.

        Parameters
        ----------
        keys : sequence of keys
            Keys that :meth:`EpochImages.rows` returns, of any epochs.

        Returns
        -------
        sources : ndarray of shape (m,), dtype intp
        """
        return np.array([deciding.source_of(key) for key in keys], dtype=np.intp)

    def carry(
        self,
        keys: Sequence[Key],
        targets: Any,
        *,
        box: str = "auto",
        min_visible: float = 0.25,
        min_side: float = 1.0,
        fill: Any = None,
    ) -> Any:
        """Carry boxes, outlines, masks, keypoints or label maps along with rows.

        Parameters
        ----------
        keys : sequence of keys
            Keys that :meth:`EpochImages.rows` returns, of any epochs.
        targets : Annotations, or label maps of shape (n_source, H, W) or a list of such
            Those of the source images; scaled if images are drawn at another size.
        box, min_visible, min_side, fill
            As for :func:`~imblearn_images.annotations.carry`.

        Returns
        -------
        carried : Annotations, or list of label maps
            One entry for each key, equal to that of ``carry(plan_, targets, images=X)`` for the
            same row of ``fit_resample``.

        Examples
        --------
        >>> from imblearn_images import RandomOverSampler
        >>> from imblearn_images.annotations import Annotations
        >>> from imblearn_images.synthesis import Augment
        >>> X = np.random.default_rng(0).integers(0, 256, (4, 48, 64), dtype=np.uint8)
        >>> boxes = Annotations.of([[[8, 8, 24, 20]]] * 4, [["cell"]] * 4, (48, 64))
        >>> over = RandomOverSampler(synthesis=Augment(horizontal_flip=True), random_state=2)
        >>> plans = EpochPlans(over, X, ["a", "a", "a", "b"])
        >>> plans.carry(plans(0).rows([3, 4]), boxes).boxes.round(1).tolist()
        [[8.0, 8.0, 24.0, 20.0], [5.9, 8.6, 22.3, 20.8]]
        """
        plan, rows = self._plan_of(keys).compact()
        some = (
            targets[rows]
            if isinstance(targets, Annotations)
            else [np.asarray(targets[row]) for row in rows]
        )
        return carry_rows(
            plan,
            self._fitted(some, rows),
            self.images.subset(rows),
            box=box,
            min_visible=min_visible,
            min_side=min_side,
            fill=fill,
        )

    def check_annotations(self, targets: Any) -> None:
        """Check that annotations or label maps belong to the source images.

        Raises
        ------
        TypeError
            If `targets` are neither annotations nor label maps.
        ValueError
            If the number of images, their files or their sizes differ from those annotated.
        """
        remedy = "Boxes become annotations by Annotations.of(boxes, labels, sizes)."
        if isinstance(targets, (str, bytes, Mapping)) or not hasattr(targets, "__len__"):
            raise TypeError(
                "`annotations` must be Annotations, or label maps of integers of shape (H, W), got "
                f"{targets!r:.60} ({type(targets).__name__}). {remedy}"
            )
        check_lengths(self.images, targets)
        if not isinstance(targets, Annotations):
            for row, each in enumerate(targets):
                own = self.images.shape_of(row)[:2]
                fits = self._is_resized or np.shape(each) == own
                if np.ndim(each) != 2 or np.asarray(each).dtype.kind not in "biu" or not fits:
                    raise ValueError(
                        "`annotations` must be Annotations, or label maps of integers of the size "
                        f"of the images, {own}, got shape {np.shape(each)} and dtype "
                        f"{np.asarray(each).dtype} in row {row}. {remedy}"
                    )
            return
        if targets.paths is not None and self.names() is not None:
            for row, (name, path) in enumerate(zip(self.names() or (), targets.paths, strict=True)):
                # By the last part: folders differ where a data set was copied to another machine.
                if os.path.basename(name) != os.path.basename(os.fspath(path)):
                    raise ValueError(
                        f"`X` must be the images of the annotations, in their order, got {name} in "
                        f"row {row} instead of {path}. Pass annotations.paths."
                    )
        if self._is_resized or self.images.paths is not None:
            return
        for row, each in enumerate(targets.sizes.tolist()):
            if tuple(each) != self.images.shape_of(row)[:2]:
                raise ValueError(
                    f"Image {self.images.name_of(row)} has height and width "
                    f"{self.images.shape_of(row)[:2]}, its annotations have {tuple(each)}. Pass "
                    "the images that were annotated, or annotations.at_sizes(sizes)."
                )

    @property
    def _is_resized(self) -> bool:
        return isinstance(self.images, (Files, Resized))

    def _fitted(self, targets: Any, rows: NDArray[np.intp]) -> Any:
        """Return annotations or label maps of source images, scaled to the size of drawing."""
        if not self._is_resized:
            return targets
        sizes = [self.images.shape_of(row)[:2] for row in rows.tolist()]
        if isinstance(targets, Annotations):
            return targets.at_sizes(np.array(sizes, dtype=np.intp).reshape(-1, 2))
        return [
            resized_mask(np.asarray(each), (size[0], size[1]))
            for each, size in zip(targets, sizes, strict=True)
        ]

    def explain(self, key: Key, names: Sequence[Any] | None = None) -> str:
        """Return a sentence on the image of a key: its label, and what it is made from.

        Parameters
        ----------
        key : key
            A key that :meth:`EpochImages.rows` returns.
        names : sequence of length n_source, default=None
            Names of the source images; by default their files, or their row numbers.

        Returns
        -------
        sentence : str

        Examples
        --------
        >>> from imblearn_images import RandomOverSampler
        >>> X, y = np.arange(12).reshape(3, 2, 2), ["cat", "cat", "dog"]
        >>> plans = EpochPlans(RandomOverSampler(random_state=0), X, y)
        >>> plans.explain(plans(0).rows([3])[0], names=["a.png", "b.png", "c.png"])
        'dog = c.png'
        """
        plan = self._plan_of([key])
        names = self.names() if names is None else names
        made_from = plan.explain(0, names).partition(" = ")[2]
        target = self.targets_of([key])[0]
        if self.targets_.ndim == 1:
            return f"{told(self.classes_[target])} = {made_from}"
        labels = " + ".join(str(told(label)) for label in self.classes_[target > 0])
        return f"{labels or 'no label'} = {made_from}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._deciding.resampler!r}, {self.images!r})"

    def names(self) -> list[str] | None:
        """Return the files of the source images as names for sentences; None if they have none."""
        if self.images.name_of(0) == "row 0":
            return None
        return [self.images.name_of(row) for row in range(self.n_source)]

    @property
    def labels(self) -> NDArray[Any]:
        """Labels of the source images, shape (n,); with several per image their counts, (n, L)."""
        if self.targets_.ndim == 1:
            return self.classes_[self.targets_]
        return self._deciding.labels

    @property
    def rules(self) -> list[Any]:
        """Rule by which each step draws, in the order of the steps."""
        return self._deciding.rules

    def home_of(self, keys: Sequence[Key]) -> DrawnImages:
        """Return the rows of some keys as a home of pixels; see :mod:`imblearn_images.images`."""
        return DrawnImages(self._plan_of(keys), self.images)

    def _plan_of(self, keys: Sequence[Key]) -> ResamplingPlan:
        """Return the plan of these rows alone, with as many steps as they need."""
        for key in keys:
            if type(key) is not tuple or not key:
                raise TypeError(
                    f"`keys` must hold keys of EpochImages.rows, got {key!r:.100}. Pass "
                    "plans(epoch).rows([row])."
                )
            if len(key) == 2 and not self._has_labels(key[1]):
                raise ValueError(
                    f"`keys` must be those of these plans, of {len(self.classes_)} classes, got a "
                    f"key that ends in {key[1]!r:.100}. Take keys and images from one EpochPlans."
                )
        rows = [key[0] if len(key) < 3 else key for key in keys]
        plan = self._joined(rows, len(self.rules) - 1)
        if isinstance(plan, ResamplingPlan):
            return plan
        no_partners = np.empty((len(plan), 0), dtype=np.intp)
        weights = no_partners.astype(np.float64)
        return ResamplingPlan(plan, no_partners, weights, plan, self.n_source)

    def _has_labels(self, bits: Any) -> bool:
        n_bytes = -(-len(self.classes_) // 8)
        return self.targets_.ndim > 1 and isinstance(bits, bytes) and len(bits) == n_bytes

    def _joined(self, rows: list[Any], step: int) -> ResamplingPlan | NDArray[np.intp]:
        """Return the plan of rows that the steps up to `step` have made, or source row numbers.

        The parents of synthetic rows become the rows of the plan before, each once: it is made by
        a call for the step before this one.
        """
        drawn: list[int] = []
        while step >= 0 and not drawn:
            drawn = [at for at, row in enumerate(rows) if type(row) is tuple and row[0] == step]
            step -= 1
        if not drawn:
            for row in rows:
                if type(row) is not int or not 0 <= row < self.n_source:
                    raise ValueError(
                        f"`keys` must be those of these plans, of {self.n_source} images and "
                        f"{len(self.rules)} steps, got a key that holds {row!r:.100}. Take keys "
                        "and images from one EpochPlans."
                    )
            return np.array(rows, dtype=np.intp)
        rule = self.rules[step + 1]
        number: dict[Any, int] = {}  # the rows of the step before, each once
        is_drawn, seeds = np.zeros(len(rows), dtype=np.bool_), np.zeros(len(rows), dtype=np.uint64)
        is_drawn[drawn], seeds[drawn] = True, [rows[at][1] for at in drawn]
        parents = [row[2] if made else row for row, made in zip(rows, is_drawn, strict=True)]
        base = np.array([number.setdefault(row, len(number)) for row in parents], dtype=np.intp)
        width = max((len(rows[at]) - 3) // 2 for at in drawn)
        partners = np.repeat(base[:, None], width, axis=1)
        weights = np.zeros((len(rows), width))
        for at in drawn if width else ():
            row = rows[at]
            n = (len(row) - 3) // 2
            partners[at, :n] = [number.setdefault(each, len(number)) for each in row[3 : 3 + n]]
            weights[at, :n] = row[3 + n :]
        before = self._joined(list(number), step)
        n_before = len(number)
        if not isinstance(before, ResamplingPlan):
            base, partners, n_before = before[base], before[partners], self.n_source
        plan = ResamplingPlan(
            base, partners, weights, base, n_before, synthesis=rule, drawn=is_drawn, seeds=seeds
        )
        return plan.after(before) if isinstance(before, ResamplingPlan) else plan


class EpochImages(Images):
    """The images of one epoch: a home of pixels, each row drawn when it is read.

    Read more in the :ref:`User Guide <training-loops>`.

    Attributes
    ----------
    epoch : int
        Number of the epoch.
    plans : EpochPlans
        The plans that it belongs to.

    See Also
    --------
    EpochPlans : Returns the images of an epoch when called.

    Examples
    --------
    >>> from imblearn_images import SMOTE
    >>> X = np.arange(24, dtype=np.uint8).reshape(6, 2, 2)
    >>> smote = SMOTE(k_neighbors=1, random_state=0)
    >>> images = EpochPlans(smote, X, ["cat"] * 4 + ["dog"] * 2)(0)
    >>> len(images), images.y[-2:].tolist(), images.targets.tolist()
    (8, ['dog', 'dog'], [0, 0, 0, 0, 1, 1, 1, 1])
    >>> np.asarray(images).shape
    (8, 2, 2)
    >>> images.explain(7)
    'row 7 (dog) = 0.40 x 5 + 0.60 x 4'
    """

    def __init__(
        self, plans: EpochPlans, epoch: int, columns: tuple[deciding.Columns, ...]
    ) -> None:
        self.plans, self.epoch = plans, epoch
        self._columns = columns

    def __repr__(self) -> str:
        return f"{type(self).__name__}(epoch {self.epoch} of {len(self)} rows)"

    def __len__(self) -> int:
        return len(self._columns[-1].base) if self._columns else self.plans.n_source

    @property
    def targets(self) -> NDArray[Any]:
        """Target of each row, an index into ``plans.classes_``, shape (n,).

        With several labels per image, shape (n, n_classes), 1 where the row has the label.
        """
        if self.plans.targets_.ndim > 1:
            return self.plans.bits_of(self.y)
        return self.plans.targets_[self._sources(np.arange(len(self)))]

    @property
    def y(self) -> NDArray[Any]:
        """Label of each row, shape (n,); with several per image their counts, (n, n_classes)."""
        labels = self.plans.labels.copy()
        for columns in self._columns:
            labels = columns.labels_after(labels)
        return labels

    @property
    def plan(self) -> ResamplingPlan:
        """The decision, with all steps joined; made anew from the stored columns in each call.

        ``images.plan.save(path)`` writes it to a file.
        """
        n, labels = self.plans.n_source, self.plans.labels
        plan = None
        for columns, rule in zip(self._columns, self.plans.rules, strict=True):
            labels = columns.labels_after(labels)
            step = columns.plan(rule, n if plan is None else len(plan), labels)
            plan = step if plan is None else step.after(plan)
        return ResamplingPlan.selection(np.arange(n), labels) if plan is None else plan

    def rows(self, order: ArrayLike) -> list[Key]:
        """Return the keys of rows: small tuples, which can be pickled, from which rows are drawn.

        Parameters
        ----------
        order : array-like of int, shape (m,)
            The rows.

        Returns
        -------
        keys : list of m tuples
            Keys for ``plans.draw``, ``plans.targets_of``, ``plans.explain`` and a
            :class:`~imblearn_images.torch.PlanDataset`.

        Raises
        ------
        IndexError
            If the epoch has no such row.
        TypeError
            If `order` does not hold row numbers.
        """
        rows = np.asarray(order)
        if rows.ndim != 1 or (len(rows) and rows.dtype.kind not in "iu"):
            raise TypeError(
                f"`order` must be a sequence of row numbers, got {order!r:.100}. Pass "
                "numpy.flatnonzero(mask) for a mask, and [row] for one row."
            )
        rows = rows.astype(np.intp)
        if len(rows) and not -len(self) <= rows.min() <= rows.max() < len(self):
            raise IndexError(
                f"Epoch {self.epoch} has {len(self)} rows, got rows {rows.min()} to {rows.max()}."
            )
        rows = rows % max(len(self), 1)
        found = self._keys(len(self._columns) - 1, rows)
        # Always a tuple, so that a data set can tell a key from the number of a row.
        keys = [(key,) if type(key) is int else key for key in found]
        if any(columns.labels is not None for columns in self._columns):
            own = self.plans.bits_of(self._labels_of(len(self._columns) - 1, rows)) > 0
            other = (own != (self.plans.targets_[self._sources(rows)] > 0)).any(axis=1)
            for at in np.flatnonzero(other).tolist():
                keys[at] = (found[at], np.packbits(own[at]).tobytes())
        return keys

    def first_drawn(self) -> NDArray[np.intp]:
        """Return for each step that draws images the first row with one, shape (k,)."""
        found = [columns.drawn[:1] for columns in self._columns]
        for at in range(len(found)):
            for later in self._columns[at + 1 :]:  # follow the row through later steps
                found[at] = np.flatnonzero(np.isin(later.base, found[at]))[:1]
        return np.unique(np.concatenate([np.empty(0, dtype=np.intp), *found])).astype(np.intp)

    def draw(self, rows: ArrayLike) -> Any:
        """Draw rows of one shape into an array.

        Parameters
        ----------
        rows : array-like of int, shape (m,)
            The rows.

        Returns
        -------
        images : ndarray of shape (m, H, W) or (m, H, W, C)
        """
        drawn = self.plans.draw(self.rows(rows))
        if not drawn:
            return np.empty((0, *(self.uniform or (0, 0))), dtype=self.dtype)
        return np.stack(drawn)

    def explain(self, row: int, names: Sequence[Any] | None = None) -> str:
        """Return a sentence on one row: its label, and what it is made from.

        Parameters
        ----------
        row : int
            Row of the epoch.
        names : sequence of length n_source, default=None
            Names of the source images; by default their files, or their row numbers.

        Returns
        -------
        sentence : str
            As that of :meth:`ResamplingPlan.explain`.
        """
        return self.plan.explain(row, self.plans.names() if names is None else names)

    @property
    def dtype(self) -> np.dtype[Any]:  # type: ignore[override]
        """Dtype of all images."""
        return self.plans.images.dtype

    @property
    def uniform(self) -> tuple[int, ...] | None:
        """The shape of all images; None if they differ."""
        return self.plans.shape

    def shape_of(self, row: int) -> tuple[int, ...]:
        """Return the shape of a row: that of the source image it is drawn from."""
        return self.plans.images.shape_of(int(self._sources(np.array([row]))[0]))

    def read(self, rows: NDArray[np.intp], out: NDArray[Any]) -> None:
        """Draw rows into `out`; images of another size are resized."""
        self.plans.home_of(self.rows(rows)).read(np.arange(len(rows)), out)

    def name_of(self, row: int) -> str:
        """Return the name of a row in messages: the source image that it is drawn from."""
        return self.plans.images.name_of(int(self._sources(np.array([row]))[0]))

    def _sources(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the source images that rows are drawn from, through all steps."""
        for columns in reversed(self._columns):
            rows = columns.base[rows]
        return rows

    def _labels_of(self, step: int, rows: NDArray[np.intp]) -> NDArray[Any]:
        """How often some rows of a step have each label."""
        if step < 0:
            return self.plans.labels[rows]
        columns = self._columns[step]
        labels = self._labels_of(step - 1, columns.base[rows])
        if columns.labels is not None:
            places, found = columns.among_drawn(rows)
            labels[places] = columns.labels[found]
        return labels

    def _keys(self, step: int, rows: NDArray[np.intp]) -> list[Any]:
        """Return the keys of rows that `step` has made; source images are plain numbers."""
        if step < 0:
            keys: list[Any] = rows.tolist()
            return keys
        columns = self._columns[step]
        keys = self._keys(step - 1, columns.base[rows])
        if not len(columns.drawn):
            return keys
        places, found = columns.among_drawn(rows)
        partners, weights = columns.partners[found], columns.weights[found]
        flat, width = self._keys(step - 1, partners.ravel()), partners.shape[1]
        seeds = columns.seeds[found].tolist() if columns.seeds is not None else [0] * len(found)
        used = columns.used(weights)
        for at, (place, seed, share, n) in enumerate(
            zip(places.tolist(), seeds, weights.tolist(), used, strict=True)
        ):
            of = flat[at * width : at * width + n]
            keys[place] = (step, seed, keys[place], *of, *share[:n])
        return keys
