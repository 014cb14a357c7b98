"""The plan: which parents every row of a resampled image set is drawn from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from imblearn_images.core.companions import as_groups, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ResamplingPlan:
    """The decision of one resampling as a value: no pixels, about 32 bytes a row.

    Row ``k`` of the resampled set is drawn from source image ``base[k]`` and, where
    it is synthetic, from the images ``partners[k]`` in the shares ``weights[k]``.
    Seen as a matrix a plan is a sparse mixing matrix whose rows sum to one; see
    :meth:`matrix`.

    Parameters
    ----------
    base : ndarray of shape (n_out,), dtype intp
        Source row that each output row is drawn from.
    partners : ndarray of shape (n_out, p), dtype intp
        Further source rows; ``p`` is 0 for pure selection and 1 for SMOTE.
    weights : ndarray of shape (n_out, p), dtype float64
        Shares of the partners. The base keeps ``1 - weights.sum(axis=1)``; all zero
        where a row is a copy.
    y : ndarray of shape (n_out,)
        Label of each output row.
    n_source : int
        Number of source rows, so that a wrong companion array is noticed.
    nearness : str, default=""
        What "near" meant when the partners were chosen, e.g. ``"pixels"``; empty
        where no distance was measured.
    synthesis : str or synthesis, default="blend"
        The rule by which the children are drawn: ``"blend"`` mixes parents pixel by pixel,
        ``"noise"`` is the smoothed bootstrap, ``"generated"`` are images that a model has made
        and that look most like their base, anything else an object as described in
        :mod:`imblearn_images.core.synthesis`.
    drawn : ndarray of shape (n_out,), dtype bool, default=None
        The children: rows that the synthesis draws. By default the rows with partners of
        a share other than 0.
    seeds : ndarray of shape (n_out,), dtype uint64, default=None
        Seed of each row, for a synthesis that draws random numbers: whatever becomes of
        the plan, a row alone tells how to draw it again.
    tries : ndarray of shape (n_out,), dtype intp, default=None
        How often a child was drawn, where a sampler's `accept` has judged it; 0 for others.
    accepted : ndarray of shape (n_out,), dtype bool, default=None
        False for the children that were accepted in no try.

    Raises
    ------
    ValueError
        When lengths disagree or a row points outside the source.

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
    synthesis: Any = "blend"
    drawn: NDArray[np.bool_] | None = None
    seeds: NDArray[np.uint64] | None = None
    tries: NDArray[np.intp] | None = None
    accepted: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        n_out = len(self.base)
        if self.partners.shape != self.weights.shape or not (
            len(self.partners) == len(self.y) == n_out
        ):
            raise ValueError(
                f"A plan needs one row of each: got base {self.base.shape}, partners "
                f"{self.partners.shape}, weights {self.weights.shape}, y {self.y.shape}."
            )
        for name, rows in (("base", self.base), ("partners", self.partners)):
            if rows.size and not 0 <= rows.min() <= rows.max() < self.n_source:
                raise ValueError(
                    f"`{name}` must point into the {self.n_source} source rows, got rows "
                    f"{rows.min()} to {rows.max()}."
                )

    @classmethod
    def selection(
        cls, base: NDArray[np.intp], y_source: NDArray[Any], nearness: str = ""
    ) -> ResamplingPlan:
        """Plan that takes the rows `base` of a set labelled `y_source` as they are."""
        base = np.asarray(base, dtype=np.intp)
        nobody = np.empty((len(base), 0), dtype=np.intp)
        return cls(base, nobody, nobody.astype(np.float64), y_source[base], len(y_source), nearness)

    def with_noise(self) -> ResamplingPlan:
        """Same plan, the rows behind the originals perturbed by noise."""
        return replace(self, synthesis="noise", drawn=np.arange(len(self)) >= self.n_source)

    def near_by(self, nearness: str) -> ResamplingPlan:
        """Same plan, with another word on what "near" means."""
        return replace(self, nearness=nearness)

    def __len__(self) -> int:
        return len(self.base)

    def __getitem__(self, rows: Any) -> ResamplingPlan:
        """Plan of a subset of the output rows (a slice, a mask or row numbers)."""
        if isinstance(rows, (int, np.integer)):
            rows = [rows]
        return ResamplingPlan(
            self.base[rows],
            self.partners[rows],
            self.weights[rows],
            self.y[rows],
            self.n_source,
            self.nearness,
            self.synthesis,
            *(
                None if column is None else column[rows]
                for column in (self.drawn, self.seeds, self.tries, self.accepted)
            ),
        )

    @property
    def synthetic(self) -> NDArray[np.bool_]:
        """Mask of the rows that are no image of the source, shape (n_out,)."""
        if self.drawn is not None:
            return self.drawn
        mixed: NDArray[np.bool_] = (self.weights != 0).any(axis=1)
        return mixed

    @property
    def kind(self) -> NDArray[np.str_]:
        """``"original"``, ``"copy"`` or ``"synthetic"`` for each row, shape (n_out,).

        The first row that takes a source image unchanged is the original, further
        ones are copies.
        """
        kind = np.full(len(self), "copy", dtype="<U9")
        plain = np.flatnonzero(~self.synthetic)
        kind[plain[np.unique(self.base[plain], return_index=True)[1]]] = "original"
        kind[self.synthetic] = "synthetic"
        return kind

    def __repr__(self) -> str:
        count = Counter(self.kind.tolist())
        nearness = f", near by {self.nearness}" if self.nearness else ""
        if not isinstance(self.synthesis, str):
            nearness += f", drawn by {self.rule}"
        elif self.synthesis == "generated":
            nearness += ", generated"
        if self.accepted is not None and not self.accepted.all():
            nearness += f", {np.sum(~self.accepted)} never accepted"
        return (
            f"ResamplingPlan({self.n_source} images -> {len(self)} rows: "
            f"{count['original']} original, {count['copy']} copies, "
            f"{count['synthetic']} synthetic{nearness})"
        )

    @property
    def rule(self) -> str:
        """Name of the synthesis."""
        if isinstance(self.synthesis, str):
            return self.synthesis
        name: str = getattr(self.synthesis, "__name__", type(self.synthesis).__name__)
        return name

    def explain(self, row: int, names: Sequence[Any] | None = None) -> str:
        """One sentence on one row: its label, and what it is made of.

        Of a blend these are its parents and their shares of the pixels; a synthesis says in
        its own words what it does with them.

        Parameters
        ----------
        row : int
            Output row.
        names : sequence of length n_source, default=None
            How to call the source images, e.g. the paths; row numbers by default.

        Raises
        ------
        IndexError
            If the plan has no such row.
        TypeError
            If `row` is no integer.
        """
        try:
            row = range(len(self))[index(row)]
        except TypeError:
            raise TypeError(
                f"`row` must be the number of one row, got {row!r}. For several: "
                "[plan.explain(row) for row in rows], or plan.to_frame()."
            ) from None
        except IndexError:
            raise IndexError(f"The plan has {len(self)} rows, got row {row}.") from None
        called = self._called(names)
        parents = " + ".join(
            f"{share:.2f} x {called[source]}" for source, share in self._shares(row)
        )
        if self.synthetic[row] and self.synthesis == "noise":
            parents += " + noise"
        elif self.synthetic[row] and self.synthesis == "generated":
            parents = f"generated, looks most like {called[int(self.base[row])]}"
        elif self.synthetic[row] and not isinstance(self.synthesis, str):
            rng = None if self.seeds is None else np.random.default_rng(int(self.seeds[row]))
            base, *partners = (str(called[k]) for k in (self.base[row], *self.partners[row]))
            parents = explain_child(self.synthesis, base, partners, self.weights[row].tolist(), rng)
        return f"row {row} ({self.y[row]}) = {parents}"

    def _called(self, names: Sequence[Any] | None) -> Sequence[Any]:
        called = range(self.n_source) if names is None else list(names)
        if len(called) != self.n_source:
            raise ValueError(
                f"`names` has {len(called)} entries, the plan was drawn for {self.n_source} images."
            )
        return called

    def _shares(self, row: int) -> list[tuple[int, float]]:
        weights = self.weights[row]
        shares = [(int(self.base[row]), 1.0 - float(weights.sum()))]
        return shares + [
            (int(source), float(w))
            for source, w in zip(self.partners[row], weights, strict=True)
            if w != 0
        ]

    def take(self, array: Any) -> Any:
        """Carry an array along: row k of the result is the row of `array` of k's base.

        A synthetic row shows something of its partners, too: before splitting a resampled
        set by groups, drop the rows that :meth:`crosses` names; resampling inside the
        folds needs no such care.

        Parameters
        ----------
        array : array-like of length n_source
            Groups, file names, masks, sample weights, a data frame, ...

        Returns
        -------
        taken : same container, of length n_out
            Synthetic rows take the value of their base. pandas objects keep the index
            labels of the bases.

        Raises
        ------
        ValueError
            If `array` has not `n_source` rows.
        TypeError
            If it has no rows.
        """
        return rows_of(array, self.base, self.n_source)

    def crosses(self, groups: Any) -> NDArray[np.bool_]:
        """Mask of the synthetic rows whose parents belong to different groups.

        Parameters
        ----------
        groups : array-like of shape (n_source,) or (n_source, 1)
            Group of each source image: patient, plant, burst, fold.

        Returns
        -------
        mask : ndarray of shape (n_out,), dtype bool
            These rows leak from one group into another when the set is split by groups.

        Raises
        ------
        ValueError
            If there is not one group for each source image; the first row without is named.

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
        groups = as_groups(groups, self.n_source)
        other = groups[self.partners] != groups[self.base][:, None]
        mask: NDArray[np.bool_] = (other & (self.weights != 0)).any(axis=1)
        if self.synthesis == "generated":  # the model has seen all groups
            mask |= self.synthetic
        return mask

    def matrix(self, n: int | None = None) -> sparse.csr_matrix:
        """Mixing matrix W, sparse of shape (n_out, n): the rows sum to one.

        On flattened pixels ``W @ X`` is what SMOTE draws.

        Parameters
        ----------
        n : int, default=None
            Number of source images; ``n_source`` by default.
        """
        n = self.n_source if n is None else n
        rows = np.arange(len(self))
        shares = np.column_stack([1.0 - self.weights.sum(axis=1), self.weights])
        sources = np.column_stack([self.base, self.partners])
        drawn = shares != 0
        mixing = sparse.csr_matrix(
            (shares[drawn], (np.broadcast_to(rows[:, None], shares.shape)[drawn], sources[drawn])),
            shape=(len(self), n),
        )
        mixing.sum_duplicates()
        return mixing

    def to_frame(self, names: Sequence[Any] | None = None) -> pd.DataFrame:
        """Table with one line a row: what it is, its label, its parents and shares.

        Parameters
        ----------
        names : sequence of length n_source, default=None
            How to call the source images, e.g. the paths; row numbers by default.

        Returns
        -------
        frame : pandas.DataFrame
            Columns ``kind``, ``label``, ``parents`` and ``shares`` (tuples of equal
            length, the base first); ``seed``, ``tries``, ``accepted`` where there are such.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as exc:
            raise ImportError(
                "ResamplingPlan.to_frame needs pandas: pip install imblearn-images[pandas]"
            ) from exc
        shares = [self._shares(row) for row in range(len(self))]
        called = self._called(names)
        columns = {
            "kind": self.kind,
            "label": self.y,
            "parents": [tuple(called[source] for source, _ in row) for row in shares],
            "shares": [tuple(share for _, share in row) for row in shares],
            "seed": self.seeds,
            "tries": self.tries,
            "accepted": self.accepted,
        }
        return pd.DataFrame(
            {name: column for name, column in columns.items() if column is not None}
        )


def check_plan(plan: Any, name: str = "plan") -> None:
    """Refuse what is no plan, and say what to pass.

    Examples
    --------
    >>> check_plan(np.arange(3))
    Traceback (most recent call last):
        ...
    TypeError: `plan` must be a ResamplingPlan, got a ndarray. Pass the plan_ of a sampler after
    fit_resample.
    """
    if isinstance(plan, ResamplingPlan):
        return
    got = f"a {type(plan).__name__}"
    remedy = "Pass the plan_ of a sampler after fit_resample."
    if isinstance(getattr(plan, "plan_", None), ResamplingPlan):
        remedy = "Pass its plan_."
    elif hasattr(plan, "fit_resample"):
        remedy = "Pass its plan_ after fit_resample."
    raise TypeError(f"`{name}` must be a ResamplingPlan, got {got}. {remedy}")


def explain_child(
    rule: Any, base: str, partners: Sequence[str], weights: Sequence[float], rng: Any
) -> str:
    """What a synthesis says that it draws; of one that says nothing, who the parents are.

    Examples
    --------
    >>> explain_child(object(), "7", ["9"], [0.25], None)
    'object(base 7, partner 9 with share 0.25)'
    """
    if hasattr(rule, "explain"):
        return str(rule.explain(base, partners, weights, rng))
    others = (
        f", partner {name} with share {share:.2f}"
        for name, share in zip(partners, weights, strict=True)
        if share
    )
    name = getattr(rule, "__name__", type(rule).__name__)
    return f"{name}(base {base}{''.join(others)})"
