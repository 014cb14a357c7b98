"""The plan: which parents every row of a resampled image set is drawn from."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from imblearn_images.core import saving
from imblearn_images.core.columns import as_groups, column_of, is_in_pixels, rows_of
from imblearn_images.core.containers import holds_paths, unwrap
from imblearn_images.core.multilabel import count_labels_of, holds_several
from imblearn_images.core.rules import Blend, answer, as_rule, rule_name
from imblearn_images.core.text import counted, html_lines, html_table

if TYPE_CHECKING:
    import pandas as pd


MOST_CLASSES = 20
"""Maximum number of classes in the table that a notebook shows."""


# eq=False: two plans would be compared column by column, and arrays give arrays, not a bool.
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ResamplingPlan:
    """The decision of one resampling as a value: no pixels, about 32 bytes a row.

    Row ``k`` of the resampled set is drawn from source image ``base[k]`` and, if it is
    synthetic, from the images ``partners[k]`` in the shares ``weights[k]``. As a matrix, a
    plan is a sparse mixing matrix whose rows sum to one; see :meth:`matrix`.

    Read more in the :ref:`User Guide <the-plan>`.

    Parameters
    ----------
    base : ndarray of shape (n_out,), dtype intp
        Source row that each output row is drawn from.
    partners : ndarray of shape (n_out, p), dtype intp
        Further source rows; ``p`` is 0 for pure selection and 1 for SMOTE.
    weights : ndarray of shape (n_out, p), dtype float64
        Shares of the partners. The base keeps ``1 - weights.sum(axis=1)``; all zero
        where a row is a copy.
    y : ndarray of shape (n_out,) or (n_out, L)
        Label of each output row; where images have several labels, how many times the row has
        each of the L labels.
    n_source : int
        Number of source rows, so that arrays of another length are refused.
    nearness : str, default=""
        What "near" meant when the partners were chosen, e.g. ``"pixels"``; empty if no
        distance was measured.
    synthesis : synthesis, default=Blend()
        The rule by which synthetic images are drawn, an object as described in
        :mod:`imblearn_images.core.synthesis`. Samplers without a `synthesis` use those of
        :mod:`imblearn_images.core.rules`: ``Blend()`` mixes parents pixel by pixel, ``Noise()``
        is the smoothed bootstrap, ``Generated()`` stands for images that a model has made and
        that look most like their base.
    drawn : ndarray of shape (n_out,), dtype bool, default=None
        The rows that the synthesis draws. By default those with a partner whose share is not 0.
    seeds : ndarray of shape (n_out,), dtype uint64, default=None
        Seed of each row, for a synthesis that draws random numbers: any row can be drawn again
        by itself, also from a part of the plan.
    tries : ndarray of shape (n_out,), dtype intp, default=None
        How often each synthetic image was drawn, if the sampler has an `accept` rule; 0 for
        other rows.
    accepted : ndarray of shape (n_out,), dtype bool, default=None
        False for synthetic images that were not accepted in any try.
    previous : ResamplingPlan, default=None
        The plan of the step before, if several samplers were run one after the other:
        `base` and `partners` are then rows of that plan; see :meth:`after`.
    labels : tuple of length L, default=()
        Names of the columns of `y`, if images have several labels; their numbers by default.

    Raises
    ------
    ValueError
        If lengths disagree or a row points outside the source.

    Examples
    --------
    >>> import numpy as np
    >>> plan = ResamplingPlan(
    ...     base=np.array([0, 1, 2, 2]),
    ...     partners=np.array([[0], [0], [0], [1]]),
    ...     weights=np.array([[0.0], [0.0], [0.0], [0.25]]),
    ...     y=np.array(["cat", "cat", "dog", "dog"]),
    ...     n_source=3,
    ... )
    >>> plan
    ResamplingPlan(3 images -> 4 rows: 3 original, 0 copies, 1 synthetic)
    >>> plan.explain(3, names=["a.png", "b.png", "c.png"])
    'row 3 (dog) = 0.75 x c.png + 0.25 x b.png'
    >>> plan.take(["ward 1", "ward 1", "ward 7"])
    ['ward 1', 'ward 1', 'ward 7', 'ward 7']
    >>> plan.matrix().toarray()[3].tolist()
    [0.0, 0.25, 0.75]
    """

    base: NDArray[np.intp]
    partners: NDArray[np.intp]
    weights: NDArray[np.float64]
    y: NDArray[Any]
    n_source: int
    nearness: str = ""
    synthesis: Any = field(default_factory=Blend)
    drawn: NDArray[np.bool_] | None = None
    seeds: NDArray[np.uint64] | None = None
    tries: NDArray[np.intp] | None = None
    accepted: NDArray[np.bool_] | None = None
    previous: ResamplingPlan | None = None
    labels: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        # The only way to set a field of a frozen dataclass. From here on a rule is an object.
        object.__setattr__(self, "synthesis", as_rule(self.synthesis))
        n_out = len(self.base)
        if self.partners.shape != self.weights.shape or not (
            len(self.partners) == len(self.y) == n_out
        ):
            raise ValueError(
                "`base`, `partners`, `weights` and `y` must have the same number of rows, got "
                f"shapes {self.base.shape}, {self.partners.shape}, {self.weights.shape} and "
                f"{self.y.shape}."
            )
        for name in ("drawn", "seeds", "tries", "accepted"):
            column = getattr(self, name)
            if column is not None and np.shape(column) != (n_out,):
                raise ValueError(
                    f"`{name}` must be None or have one entry for each of the {n_out} rows, got "
                    f"shape {np.shape(column)}."
                )
        if self.labels and self.y.shape[1:] != (len(self.labels),):
            raise ValueError(
                f"`labels` must name each column of y, got {len(self.labels)} names for y of shape "
                f"{self.y.shape}."
            )
        # n_source counts images of the first step, base and partners are rows of the last one.
        n_before = self.n_source if self.previous is None else len(self.previous)
        for name, rows in (("base", self.base), ("partners", self.partners)):
            if rows.size and not 0 <= rows.min() <= rows.max() < n_before:
                raise ValueError(
                    f"`{name}` must point into the {n_before} source rows, got rows "
                    f"{rows.min()} to {rows.max()}."
                )

    @classmethod
    def selection(
        cls, base: NDArray[np.intp], y_source: NDArray[Any], nearness: str = ""
    ) -> ResamplingPlan:
        """Return a plan that takes rows `base` of a set with labels `y_source` as they are."""
        base = np.asarray(base, dtype=np.intp)
        none = np.empty((len(base), 0), dtype=np.intp)
        return cls(base, none, none.astype(np.float64), y_source[base], len(y_source), nearness)

    def after(self, previous: ResamplingPlan) -> ResamplingPlan:
        """Join this plan to the plan of the step before.

        The result is one plan of both steps: :meth:`sources`, :meth:`explain`, :meth:`take` and
        :meth:`crosses` refer to the images that the first step was given, and :func:`render`
        draws it from these.

        Parameters
        ----------
        previous : ResamplingPlan
            Plan of the sampler whose result this plan's sampler was given.

        Returns
        -------
        plan : ResamplingPlan

        Raises
        ------
        ValueError
            If `previous` has another number of rows.

        Examples
        --------
        >>> y = np.array(["cat", "cat", "dog"])
        >>> first = ResamplingPlan.selection(np.array([0, 1, 2, 2]), y)
        >>> second = ResamplingPlan.selection(np.array([3, 1]), first.y)
        >>> both = second.after(first)
        >>> both
        ResamplingPlan(3 images -> 4 -> 2 rows: 2 original, 0 copies, 0 synthetic)
        >>> both.take(["ward 1", "ward 1", "ward 7"])
        ['ward 7', 'ward 1']
        """
        # The first of this plan's own steps follows `previous`, so that it does not matter in which
        # order steps are joined.
        if self.previous is not None:
            return replace(self, previous=self.previous.after(previous), n_source=previous.n_source)
        if len(previous) != self.n_source:
            raise ValueError(
                f"The plan was drawn for {self.n_source} images, the step before has made "
                f"{len(previous)}: pass the plan_ of the sampler whose result this one was given."
            )
        return replace(self, previous=previous, n_source=previous.n_source)

    @property
    def last_step(self) -> ResamplingPlan:
        """The plan of the last step alone, whose source are the rows of the step before."""
        if self.previous is None:
            return self
        return replace(self, previous=None, n_source=len(self.previous))

    @classmethod
    def of_pipeline(cls, pipeline: Any) -> ResamplingPlan:
        """Join the plans of the samplers of a fitted Pipeline.

        Parameters
        ----------
        pipeline : imblearn.pipeline.Pipeline
            A fitted Pipeline; steps that do not resample are skipped.

        Returns
        -------
        plan : ResamplingPlan
            From the images that the Pipeline was given to those that its last sampler made.

        Raises
        ------
        ValueError
            If no step is a fitted sampler of this library.

        Examples
        --------
        >>> from imblearn.pipeline import make_pipeline
        >>> from imblearn_images import RandomOverSampler, RandomUnderSampler
        >>> images, labels = np.arange(24).reshape(6, 2, 2), ["cat"] * 4 + ["dog"] * 2
        >>> both = make_pipeline(RandomOverSampler(), RandomUnderSampler())
        >>> X_res, y_res = both.fit_resample(images, labels)
        >>> ResamplingPlan.of_pipeline(both)
        ResamplingPlan(6 images -> 8 -> 8 rows: 6 original, 2 copies, 0 synthetic)
        """
        steps = [step for _, step in getattr(pipeline, "steps", [])]
        # Third-party samplers may have a plan_ of another kind.
        plans = [step.plan_ for step in steps if isinstance(getattr(step, "plan_", None), cls)]
        if not plans:
            raise ValueError(
                "`pipeline` must be a fitted Pipeline with a sampler of imblearn_images, got "
                f"{type(pipeline).__name__} without one. Call fit or fit_resample first."
            )
        joined: ResamplingPlan = plans[0]
        for plan in plans[1:]:
            joined = plan.after(joined)
        return joined

    def save(self, path: str | os.PathLike[str], X: Any = None, y: Any = None) -> None:
        """Write the plan, with all of its steps, into a file that holds no code.

        Parameters
        ----------
        path : path
            The file; an existing one is replaced.
        X : images or paths, default=None
            What the plan was drawn for. A fingerprint of the names of files is saved, without
            their folders.
        y : array-like of shape (n_source,), or one-hot rows, default=None
            Labels of these images, of which a fingerprint is saved as well.

        Raises
        ------
        TypeError
            For labels other than text, numbers, dates and tuples of these.
        ValueError
            If `X` or `y` has another number of rows than the plan was drawn for.

        Notes
        -----
        The file is an npz archive, with a header in JSON. A synthesis of this library is written
        as its class and parameters; functions and third-party objects have to be passed to
        :meth:`load` again.

        Examples
        --------
        >>> import os, tempfile
        >>> y = np.array(["cat", "cat", "dog"])
        >>> plan = ResamplingPlan.selection(np.array([0, 1, 2, 2]), y)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "plan.npz")
        ...     plan.save(path, y=y)
        ...     ResamplingPlan.load(path, y=y)
        ResamplingPlan(3 images -> 4 rows: 3 original, 1 copy, 0 synthetic)
        """
        steps = []
        plan: ResamplingPlan | None = self
        while plan is not None:
            step = plan.last_step
            steps.append({name: getattr(step, name) for name in _STEP})
            plan = plan.previous
        saving.write(path, steps[::-1], _fingerprints(X, y, self.n_source))

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], X: Any = None, y: Any = None, *, synthesis: Any = None
    ) -> ResamplingPlan:
        """Read a plan that :meth:`save` has written.

        Parameters
        ----------
        path : path
            The file.
        X, y : images or paths, labels, default=None
            What the plan is to be carried out on; it must be what `save` was given. Only the
            number of rows is compared for images in arrays, and for what `save` was not given.
        synthesis : synthesis or function, or list, default=None
            The synthesis, if the file could not hold it; a list if several steps lack it, the
            first step first.

        Returns
        -------
        plan : ResamplingPlan

        Raises
        ------
        OSError
            If there is no such file.
        ValueError
            If the file is of another kind or damaged, `X` or `y` does not fit, or a synthesis is
            missing or not the one that the plan was drawn by.
        """
        left = [synthesis] if synthesis is not None else []
        left = list(synthesis) if isinstance(synthesis, (list, tuple)) else left

        def given(name: str) -> Any:
            if not left:
                raise ValueError(
                    f"The plan was drawn by {name}, which a file cannot hold. Pass it again: "
                    "ResamplingPlan.load(path, synthesis=...)."
                )
            rule = as_rule(left.pop(0))
            # Another rule would draw other images from the same seeds, without an error.
            if rule_name(rule) != name or not hasattr(rule, "draw"):
                raise ValueError(
                    f"`synthesis` must be {name}, by which the plan was drawn, got {rule!r}."
                )
            return rule

        steps, source = saving.read(path, given)
        if left:
            raise ValueError(
                f"`synthesis` has {len(left)} more than the plan needs: {left!r:.100}. Leave them "
                "out."
            )
        plan = cls(**steps[0])
        for step in steps[1:]:
            plan = cls(**step).after(plan)
        for name, column in _fingerprints(X, y, plan.n_source).items():
            if column is None or name not in source:
                continue
            if len(source[name]) != plan.n_source:
                raise ValueError(
                    f"{path} is damaged: it has {len(source[name])} {name} for {plan.n_source} "
                    "images. Save the plan again."
                )
            other = np.flatnonzero(column != source[name])
            if len(other):
                what, argument = {"labels": ("labels", "y"), "names": ("file names", "X")}[name]
                raise ValueError(
                    f"`{argument}` has other {what} than the plan was saved with in {len(other)} "
                    f"of {plan.n_source} rows, the first of them row {other[0]}. Pass the images "
                    "that were given to fit_resample, in the same order."
                )
        return plan

    def near_by(self, nearness: str) -> ResamplingPlan:
        """Return the same plan with another name of what "near" means."""
        return replace(self, nearness=nearness)

    def labelled(self, y: NDArray[Any], labels: tuple[Any, ...] = ()) -> ResamplingPlan:
        """Return the same plan with labels `y`, (n_out,), or (n_out, L) named by `labels`."""
        return replace(self, y=y, labels=labels)

    def __len__(self) -> int:
        return len(self.base)

    def __getitem__(self, rows: Any) -> ResamplingPlan:
        """Return the plan of some output rows: a slice, a mask or row numbers."""
        # A plan of one row: every column keeps its axes.
        if isinstance(rows, (int, np.integer)):
            rows = [rows]
        columns = ("base", "partners", "weights", "y", "drawn", "seeds", "tries", "accepted")
        given = {name: getattr(self, name) for name in columns}
        cut: dict[str, Any] = {name: c if c is None else c[rows] for name, c in given.items()}
        return replace(self, **cut)

    @property
    def synthetic(self) -> NDArray[np.bool_]:
        """Mask of the rows that are not unchanged source images, shape (n_out,)."""
        made: NDArray[np.bool_] = (self.weights != 0).any(axis=1)
        # Shares do not tell where a synthesis needs no partner: it draws rows that have none.
        if self.drawn is not None:
            made = self.drawn
        # A copy of a synthetic image is synthetic, too: the source has no such image.
        return made if self.previous is None else made | self.previous.synthetic[self.base]

    @property
    def first_base(self) -> NDArray[np.intp]:
        """Source image that each row is drawn from, through all steps, shape (n_out,)."""
        return self.base if self.previous is None else self.previous.first_base[self.base]

    @property
    def kind(self) -> NDArray[np.str_]:
        """``"original"``, ``"copy"`` or ``"synthetic"`` for each row, shape (n_out,).

        The first row that takes a source image unchanged is the original, further
        ones are copies.
        """
        kind = np.full(len(self), "copy", dtype="<U9")
        plain = np.flatnonzero(~self.synthetic)
        kind[plain[np.unique(self.first_base[plain], return_index=True)[1]]] = "original"
        kind[self.synthetic] = "synthetic"
        return kind

    def __repr__(self) -> str:
        count = Counter(self.kind.tolist())
        nearness = f", near by {self.nearness}" if self.nearness else ""
        note = answer(self.synthesis, "note")
        note = f"drawn by {self.rule}" if note is None else note
        nearness += f", {note}" if note else ""
        if self.accepted is not None and not self.accepted.all():
            nearness += f", {np.sum(~self.accepted)} never accepted"
        return (
            f"ResamplingPlan({self.n_source} images -> {_lengths(self)} rows: "
            f"{count['original']} original, {counted(count['copy'], 'copy')}, "
            f"{count['synthetic']} synthetic{nearness})"
        )

    def _repr_html_(self) -> str:
        kinds, labels = self.kind, [str(label) for label in self.y.tolist()]
        labels = labels if self.y.ndim == 1 else [*map(self._said, range(len(self)))]
        counts = Counter(zip(labels, kinds.tolist(), strict=True))
        columns = ["original", "copy", "synthetic"]
        rows = [
            [label, *(counts[label, kind] for kind in columns), n]
            for label, n in Counter(labels).most_common()
        ]
        hidden = len(rows) - MOST_CLASSES
        lines = [repr(self)]
        lines += [f"and {counted(hidden, 'smaller class')}"] if hidden > 0 else []
        return html_table(["class", *columns, "all"], rows[:MOST_CLASSES]) + html_lines(lines)

    @property
    def rule(self) -> str:
        """Name of the synthesis."""
        return rule_name(self.synthesis)

    @property
    def why_not(self) -> str:
        """Why some rows cannot be drawn from the images alone; empty if all can."""
        reason: str = answer(self.synthesis, "why_not")
        if reason and self.last_step.synthetic.any():
            return reason
        return "" if self.previous is None else self.previous[self.needed].why_not

    @property
    def needed(self) -> NDArray[np.intp]:
        """Rows of the step before, or of the source, that must be read to draw, ascending."""
        # A synthesis is given all partners of the rows that it draws, also those of share 0.
        drawn = self.last_step.synthetic[:, None] & np.ones(self.partners.shape, dtype=np.bool_)
        return np.unique(np.append(self.base, self.partners[drawn | (self.weights != 0)]))

    def compact(self) -> tuple[ResamplingPlan, NDArray[np.intp]]:
        """Return the same rows as a plan whose source holds only the images that they need.

        Returns
        -------
        plan : ResamplingPlan
            The plan over these images.
        sources : ndarray of shape (plan.n_source,), dtype intp
            Their rows in the source, ascending.

        Examples
        --------
        >>> y = np.array(["cat", "cat", "dog", "dog"])
        >>> plan = ResamplingPlan.selection(np.array([3, 1, 3]), y)
        >>> small, sources = plan.compact()
        >>> small, sources.tolist()
        (ResamplingPlan(2 images -> 3 rows: 2 original, 1 copy, 0 synthetic), [1, 3])
        >>> small.base.tolist()
        [1, 0, 1]
        """
        needed, before = self.needed, None
        # a partner whose share is 0 is never read, so any row will do for it
        partners = np.minimum(np.searchsorted(needed, self.partners), max(len(needed) - 1, 0))
        sources = needed
        if self.previous is not None:
            before, sources = self.previous[needed].compact()
        small = replace(
            self,
            base=np.searchsorted(needed, self.base),
            partners=partners,
            n_source=len(sources),
            previous=before,
        )
        return small, sources

    def explain(self, row: int, names: Sequence[Any] | None = None) -> str:
        """Describe one row in a sentence: its label, and what it is made of.

        For a blend these are its parents and their shares of the pixels; other syntheses
        describe what they do by their method ``explain``.

        Parameters
        ----------
        row : int
            Output row.
        names : sequence of length n_source, default=None
            Names of the source images, e.g. the paths; row numbers by default.

        Returns
        -------
        sentence : str

        Raises
        ------
        IndexError
            If the plan has no such row.
        TypeError
            If `row` is not an integer.
        """
        try:
            # As in a list: negative rows count from the end, and integers of NumPy are taken.
            row = range(len(self))[index(row)]
        except TypeError:
            raise TypeError(
                f"`row` must be the number of one row, got {row!r}. For several: "
                "[plan.explain(row) for row in rows], or plan.to_frame()."
            ) from None
        except IndexError:
            raise IndexError(f"The plan has {len(self)} rows, got row {row}.") from None
        return f"row {row} ({self._said(row)}) = {_explained(self, row, self._called(names))}"

    def _said(self, row: int) -> str:
        """Return the label of a row as text, or the names of several labels."""
        if self.y.ndim == 1:
            return str(self.y[row])
        labels = self._names_of(row)
        return f"labels {', '.join(map(str, labels))}" if labels else "no label"

    def _names_of(self, row: int) -> tuple[Any, ...]:
        """Return the labels of a row that may have several: their names, or column numbers."""
        columns = np.flatnonzero(self.y[row]).tolist()
        return tuple(self.labels[at] for at in columns) if self.labels else tuple(columns)

    def _called(self, names: Sequence[Any] | None) -> Sequence[Any]:
        """Return the names of the source images, by default their rows; check their number."""
        called = range(self.n_source) if names is None else list(names)
        if len(called) != self.n_source:
            raise ValueError(
                f"`names` has {len(called)} entries, the plan was drawn for {self.n_source} images."
            )
        return called

    def sources(self, row: int) -> list[tuple[int, float]]:
        """Return the source images that one row is made of, and their shares.

        Parameters
        ----------
        row : int
            Output row.

        Returns
        -------
        sources : list of (int, float)
            The base first, every image once. The shares sum to 1. Only a blend mixes pixels in
            these shares; other syntheses interpret them in their own way.

        Examples
        --------
        >>> plan = ResamplingPlan(
        ...     base=np.array([2]),
        ...     partners=np.array([[1]]),
        ...     weights=np.array([[0.25]]),
        ...     y=np.array(["dog"]),
        ...     n_source=3,
        ... )
        >>> plan.sources(0)
        [(2, 0.75), (1, 0.25)]
        """
        if self.previous is None:
            return self.parents(row)
        found: dict[int, float] = {}
        for parent, share in self.parents(row):
            for source, part in self.previous.sources(parent):
                found[source] = found.get(source, 0.0) + share * part
        return list(found.items())

    def parents(self, row: int, *, unused: bool = False) -> list[tuple[int, float]]:
        """Return the rows of the step before that one row is made of, and their shares.

        The base comes first; partners whose share is 0 are included only if `unused` is true.
        """
        weights = self.weights[row]
        shares = [(int(self.base[row]), 1.0 - float(weights.sum()))]
        return shares + [
            (int(source), float(w))
            for source, w in zip(self.partners[row], weights, strict=True)
            if unused or w != 0
        ]

    def take(self, array: Any) -> Any:
        """Carry an array along: row k of the result is the row of `array` at the base of row k.

        A synthetic row also shows its partners: before splitting a resampled set by groups, drop
        the rows that :meth:`crosses` marks; resampling inside the folds does not need that. Boxes,
        masks and keypoints move in a synthetic image:
        :func:`imblearn_images.annotations.carry` carries them.

        Parameters
        ----------
        array : array-like of length n_source
            Groups, file names, sample weights, a data frame, ... If it holds images, those of the
            bases are returned. Integers (n, H, W) with areas of one value, or with few values, are
            taken for label maps.

        Returns
        -------
        taken : same container, of length n_out
            Synthetic rows take the value of their base. pandas objects keep the index
            labels of the bases.

        Raises
        ------
        ValueError
            If `array` does not have `n_source` rows, or if it holds positions in pixels
            (annotations, lists of boxes, masks, label maps) and the plan has synthetic rows, in
            which these have moved.
        TypeError
            If `array` has no rows.
        """
        # Refused, because the boxes of the base would look right and be wrong.
        if self.synthetic.any() and is_in_pixels(array):
            raise ValueError(
                f"`array` holds boxes, masks, keypoints or label maps ({type(array).__name__}), "
                f"and {int(self.synthetic.sum())} of {len(self)} rows are drawn anew by "
                f"{self.rule}, where things are in other places. Use "
                "imblearn_images.annotations.carry(plan, annotations, images=X), which moves them "
                "and label maps along; lists become annotations by Annotations.of(boxes, labels, "
                "sizes). If these are images, take those of the bases: array[plan.first_base]."
            )
        return rows_of(array, self.first_base, self.n_source)

    def crosses(self, groups: Any) -> NDArray[np.bool_]:
        """Return the mask of the synthetic rows whose parents belong to different groups.

        Parameters
        ----------
        groups : array-like of shape (n_source,) or (n_source, 1)
            Group of each source image: patient, plant, burst, fold.

        Returns
        -------
        mask : ndarray of shape (n_out,), dtype bool
            When the set is split by groups, these rows leak from one group into another.

        Raises
        ------
        ValueError
            If there is not one group for each source image; the first row without one is named.

        Examples
        --------
        >>> plan = ResamplingPlan(
        ...     base=np.array([0, 0, 1]),
        ...     partners=np.array([[0], [2], [2]]),
        ...     weights=np.array([[0.0], [0.5], [0.5]]),
        ...     y=np.array(["dog", "dog", "dog"]),
        ...     n_source=3,
        ... )
        >>> plan.crosses(["ward 1", "ward 7", "ward 7"]).tolist()
        [False, True, False]
        """
        # rows x images times images x groups: a row with two entries or more mixes groups
        known: dict[Any, int] = {}
        groups = as_groups(groups, self.n_source)
        numbers = [known.setdefault(group, len(known)) for group in groups]
        member = sparse.csr_matrix(
            (np.ones(len(numbers)), numbers, np.arange(len(numbers) + 1)),
            shape=(len(numbers), len(known)),
        )
        mask: NDArray[np.bool_] = np.diff((self.shows @ member).tocsr().indptr) > 1
        return mask | _shows_all(self)

    @property
    def shows(self) -> sparse.csr_matrix:
        """Which source images each row is drawn from, a sparse bool matrix (n_out, n_source)."""
        n_before = self.n_source if self.previous is None else len(self.previous)
        sources = np.column_stack([self.base, self.partners])
        # The base always counts: blends alone use its share, other syntheses show it anyway.
        used = np.column_stack([np.ones(len(self), dtype=np.bool_), self.weights != 0])
        rows = np.broadcast_to(np.arange(len(self))[:, None], sources.shape)
        pairs = rows[used], sources[used]
        shown = sparse.csr_matrix((np.ones(len(pairs[0])), pairs), shape=(len(self), n_before))
        if self.previous is not None:
            shown = shown @ self.previous.shows
        return shown.astype(np.bool_)

    def matrix(self, n: int | None = None) -> sparse.csr_matrix:
        """Return the sparse mixing matrix W of shape (n_out, n), whose rows sum to one.

        On flattened pixels, ``W @ X`` is what SMOTE draws.

        Parameters
        ----------
        n : int, default=None
            Number of source images; ``n_source`` by default.

        Returns
        -------
        mixing : scipy.sparse.csr_matrix of shape (n_out, n)
        """
        if self.previous is not None:
            return self.last_step.matrix() @ self.previous.matrix(n)
        n = self.n_source if n is None else n
        rows = np.arange(len(self))
        shares = np.column_stack([1.0 - self.weights.sum(axis=1), self.weights])
        sources = np.column_stack([self.base, self.partners])
        drawn = shares != 0
        mixing = sparse.csr_matrix(
            (shares[drawn], (np.broadcast_to(rows[:, None], shares.shape)[drawn], sources[drawn])),
            shape=(len(self), n),
        )
        # An image that is base and partner of one row has two entries, whose shares add up.
        mixing.sum_duplicates()
        return mixing

    def to_frame(self, names: Sequence[Any] | None = None) -> pd.DataFrame:
        """Return a table with one line for each row: its kind, label, parents and shares.

        Parameters
        ----------
        names : sequence of length n_source, default=None
            Names of the source images, e.g. the paths; row numbers by default.

        Returns
        -------
        frame : pandas.DataFrame
            Columns ``kind``, ``label``, ``parents`` and ``shares`` (tuples of equal
            length, the base first); ``seed``, ``tries`` and ``accepted`` if the plan has them.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as exc:
            raise ImportError(
                "ResamplingPlan.to_frame needs pandas. Install it: pip install "
                "imblearn-images[pandas]"
            ) from exc
        shares = [self.sources(row) for row in range(len(self))]
        called = self._called(names)
        columns = {
            "kind": self.kind,
            "label": self.y if self.y.ndim == 1 else [*map(self._names_of, range(len(self)))],
            "parents": [tuple(called[source] for source, _ in row) for row in shares],
            "shares": [tuple(share for _, share in row) for row in shares],
            "seed": self.seeds,
            "tries": self.tries,
            "accepted": self.accepted,
        }
        return pd.DataFrame(
            {name: column for name, column in columns.items() if column is not None}
        )


# A file has one entry for each step, so that a step does not contain those before it.
_STEP = [each.name for each in fields(ResamplingPlan) if each.name != "previous"]


def _fingerprints(X: Any, y: Any, n: int) -> dict[str, NDArray[np.uint64] | None]:
    """Return fingerprints of the labels and file names of the `n` source images of a plan."""
    labels = names = None
    if y is not None:
        labels = _column_of_labels(y)
    if X is not None:
        X, _ = unwrap(X)
        names = saving.file_names(X) if holds_paths(X) else None
    sizes = {"X": X if X is None else X.shape[0] if hasattr(X, "shape") else len(X)}
    sizes["y"] = None if labels is None else len(labels)
    for name, size in sizes.items():
        if size not in (None, n):
            raise ValueError(
                f"`{name}` has {size} rows, the plan was drawn for {n} images; pass what was given "
                "to fit_resample."
            )
    return {
        "labels": None if labels is None else saving.fingerprint(labels),
        "names": None if names is None else saving.fingerprint(names),
    }


def _column_of_labels(y: Any) -> NDArray[Any]:
    """Return one value per image: its label, the column of a one-hot row, or labels as text."""
    if not holds_several(y):
        return column_of(y, "y")
    labels = count_labels_of(y)
    counts = labels.counts
    # One-hot rows stand for the numbers of their columns here, as in fit_resample.
    if (counts.max(initial=0) == 1) and (counts.sum(axis=1) == 1).all():
        return column_of(counts.argmax(axis=1), "y")
    called = [repr(label) for label in labels.labels]
    texts = ([f"{n} x {called[at]}" for at, n in enumerate(row) if n] for row in counts.tolist())
    return np.array([", ".join(text) for text in texts], dtype=object)


def check_plan(plan: Any, name: str = "plan") -> None:
    """Raise a TypeError for anything but a plan, saying what to pass.

    Examples
    --------
    >>> check_plan(np.arange(3))
    Traceback (most recent call last):
        ...
    TypeError: `plan` must be a ResamplingPlan, got an object of type ndarray. Pass the plan_ of a
    sampler after fit_resample.
    """
    if isinstance(plan, ResamplingPlan):
        return
    got = f"an object of type {type(plan).__name__}"
    remedy = "Pass the plan_ of a sampler after fit_resample."
    if isinstance(getattr(plan, "plan_", None), ResamplingPlan):
        remedy = "Pass its plan_."
    elif hasattr(plan, "fit_resample"):
        remedy = "Pass its plan_ after fit_resample."
    raise TypeError(f"`{name}` must be a ResamplingPlan, got {got}. {remedy}")


def explain_drawn(
    rule: Any, base: str, partners: Sequence[str], weights: Sequence[float], rng: Any
) -> str:
    """Return what a synthesis draws, in its own words, or else its name and the parents.

    Examples
    --------
    >>> explain_drawn(object(), "7", ["9"], [0.25], None)
    'object(base 7, partner 9 with share 0.25)'
    """
    if hasattr(rule, "explain"):
        return str(rule.explain(base, partners, weights, rng))
    others = (
        f", partner {name} with share {share:.2f}"
        for name, share in zip(partners, weights, strict=True)
        if share
    )
    return f"{rule_name(rule)}(base {base}{''.join(others)})"


def _lengths(plan: ResamplingPlan) -> str:
    """Return the numbers of rows of all steps, such as "8 -> 6"."""
    before = "" if plan.previous is None else f"{_lengths(plan.previous)} -> "
    return f"{before}{len(plan)}"


def _shows_all(plan: ResamplingPlan) -> NDArray[np.bool_]:
    """Return the mask of the rows that may show any source image, not only their parents."""
    # A generator has seen all images of its class: the base is only the one most alike.
    mask = plan.last_step.synthetic & bool(answer(plan.synthesis, "sees_all"))
    if plan.previous is not None:
        before = _shows_all(plan.previous)
        mask = mask | before[plan.base] | (before[plan.partners] & (plan.weights != 0)).any(axis=1)
    return mask


def _explained(plan: ResamplingPlan, row: int, names: Sequence[Any]) -> str:
    """Return what one row is made of, down to the source images, called by `names`."""
    # Asked of the last step: further down, this is the row that was drawn, not its copy.
    is_copy = not plan.last_step.synthetic[row] and plan.last_step.kind[row] == "copy"
    row, plan = _made_in(plan, row)
    if not plan.last_step.synthetic[row]:
        name = str(names[plan.base[row]])
    else:
        rng = None if plan.seeds is None else np.random.default_rng(int(plan.seeds[row]))
        base, *partners = (
            str(names[at]) if plan.previous is None else _called(plan.previous, at, names)
            for at, _ in plan.parents(row, unused=True)  # as many names as `draw` gets partners
        )
        name = explain_drawn(plan.synthesis, base, partners, plan.weights[row].tolist(), rng)
        name = f"({name})" if is_copy else name
    return f"a copy of {name}" if is_copy else name


def _called(plan: ResamplingPlan, row: int, names: Sequence[Any]) -> str:
    """Return the name of a source image, or, in brackets, what a drawn row is made of."""
    row, plan = _made_in(plan, row)
    is_drawn = plan.last_step.synthetic[row]
    return f"({_explained(plan, row, names)})" if is_drawn else str(names[plan.base[row]])


def _made_in(plan: ResamplingPlan, row: int) -> tuple[int, ResamplingPlan]:
    """Return the row and plan of the step that drew a row, or of the first step if none did."""
    while plan.previous is not None and not plan.last_step.synthetic[row]:
        row, plan = int(plan.base[row]), plan.previous
    return row, plan
