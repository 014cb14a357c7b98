"""Synthesis: how one synthetic image is drawn from its parents.

A synthesis is a small object; no base class is needed. It declares how many partners a synthetic
image has besides its base, and draws a block of synthetic images::

    class Half:
        n_partners = 1

        def draw(self, base, partners, weights, rngs):
            return base / 2 + partners[:, 0] / 2

The renderer rounds, clips and stores the result. A synthesis that chooses parents itself, instead
of taking the partners of the sampler, has a method ``choose(plan, neighbourhood)``. A method
``explain(base, partners, weights, rng) -> str`` describes what it draws, for ``plan_.explain``;
attributes by which it can answer further questions are listed in
:data:`imblearn_images.core.rules.ANSWERS`. A plain function
``(base, partner, step, rng) -> image`` is enough to draw one image at a time. It gets floats, so
that ``base + step * (partner - base)`` is right for every dtype of the data; ``draw`` gets that
dtype, in which differences of uint8 wrap modulo 256.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from imblearn_images.core.columns import plain_list, told
from imblearn_images.core.neighbors import Candidates, nearest_rows
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rules import answer, as_rule, rule_name
from imblearn_images.core.validation import misfit


class Neighbourhood:
    """The source images as a synthesis sees them: labels, features, neighbours.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Labels of the source images.
    features : callable
        ``features()`` computes features of shape (n, d). It is called when they are first
        needed: a synthesis that does not look for neighbours costs nothing.
    rng : numpy.random.Generator
        Random numbers of the planning.
    of_rows : callable, default=None
        ``of_rows(rows)`` gives the features of some rows, without those of all at hand.

    Examples
    --------
    >>> y = np.array(["cat", "cat", "dog", "dog"])
    >>> neighbourhood = Neighbourhood(
    ...     y, lambda: np.array([[0.0], [1.0], [1.5], [5.0]]), np.random.default_rng(0)
    ... )
    >>> neighbourhood.counts == {"cat": 2, "dog": 2}
    True
    >>> (
    ...     neighbourhood.asked,
    ...     neighbourhood.neighbors(np.array([1]), among=np.arange(4), k=2).tolist(),
    ...     neighbourhood.asked,
    ... )
    (False, [[2, 0]], True)
    """

    def __init__(
        self,
        y: NDArray[Any],
        features: Callable[[], NDArray[Any]],
        rng: np.random.Generator,
        of_rows: Callable[[NDArray[np.intp]], NDArray[Any]] | None = None,
    ) -> None:
        self.y = y
        self.rng = rng
        self._features = features
        self._of_rows = of_rows
        self._told: set[str] = set()
        self._last: tuple[NDArray[np.intp], Candidates] | None = None

    @cached_property
    def counts(self) -> dict[Any, int]:
        """Number of source images of each class."""
        return dict(Counter(plain_list(self.y)))

    @property
    def asked(self) -> bool:
        """Whether a synthesis has looked at the features."""
        return "features" in vars(self) or self._last is not None

    @cached_property
    def features(self) -> NDArray[Any]:
        """Features of the source images, shape (n, d)."""
        return self._features()

    def warn(self, message: str) -> None:
        """Issue a warning once: rejected images are planned again, and would repeat it."""
        if message not in self._told:
            self._told.add(message)
            warnings.warn(message, UserWarning, stacklevel=2)

    def seeds(self, n: int) -> NDArray[np.uint64]:
        """Return seeds for `n` synthetic images, shape (n,)."""
        return self.rng.integers(1 << 64, size=n, dtype=np.uint64)

    def neighbors(
        self, rows: NDArray[np.intp], among: NDArray[np.intp], k: int
    ) -> NDArray[np.intp]:
        """Find the nearest source images, by Euclidean distance of features.

        Parameters
        ----------
        rows : ndarray of shape (m,)
            Source rows whose neighbours are wanted.
        among : ndarray of shape (q,)
            Source rows to search.
        k : int
            Number of neighbours.

        Returns
        -------
        found : ndarray of shape (m, k'), dtype intp
            Source rows, the nearest first; ``k'`` is less than `k` if there are fewer. A row is
            not a neighbour of itself.
        """
        others = len(among) - int(np.isin(rows, among).any())
        k = min(k, others)
        if k <= 0 or not len(rows):
            return np.empty((len(rows), 0), dtype=np.intp)
        # One more than wanted, because a row may find itself.
        near, asking, several = self._among(among), self._some(rows), min(k + 1, len(among))
        places = nearest_rows(asking, near, several)
        if places is None:
            search = NearestNeighbors(n_neighbors=several).fit(near.features)
            places = search.kneighbors(asking, return_distance=False)
        found = among[places]
        # The row itself may be missing, or come after copies of it, so it is not simply the first
        # one found: sort it to the end of its line, which is then cut off.
        is_other = found != rows[:, None]
        order = np.argsort(~is_other, axis=1, kind="stable")
        return np.asarray(np.take_along_axis(found, order, axis=1)[:, :k])

    def _among(self, rows: NDArray[np.intp]) -> Candidates:
        """Rows that may be found: class after class asks among the same."""
        last = self._last
        if last is None or not np.array_equal(last[0], rows):
            last = self._last = rows.copy(), Candidates(self._some(rows))
        return last[1]

    def _some(self, rows: NDArray[np.intp]) -> NDArray[Any]:
        """Features of some of the images."""
        if self._of_rows is None or "features" in vars(self):
            return self.features[rows]
        return self._of_rows(rows)


NEAREST = 5  # nearest images of the class, one of which becomes the partner of a former copy


class Synthesis(Protocol):
    """An object that draws synthetic images; see :mod:`imblearn_images.core.synthesis`."""

    @property
    def n_partners(self) -> int:
        """Number of partners of an image besides its base; a plain attribute will do."""

    def draw(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> NDArray[Any]:
        """Draw a block of synthetic images, each from its own row of the arguments alone.

        Parameters
        ----------
        base : ndarray of shape (m, H, W) or (m, H, W, C)
            Bases, in the dtype of the data.
        partners : ndarray of shape (m, n_partners, H, W[, C])
            Partners, in the same dtype.
        weights : ndarray of shape (m, n_partners), dtype float64
            Shares of the partners in the plan.
        rngs : sequence of m Generators
            Random numbers, one generator for each row.

        Returns
        -------
        drawn : ndarray of shape (m, H, W[, C])
            In the unit of the data, e.g. 0 to 255, integers or floats.
        """


def as_synthesis(rule: Any) -> Any:
    """Return the object that the parameter `synthesis` of a sampler stands for.

    Returns
    -------
    rule : Synthesis
        See :func:`~imblearn_images.core.rules.as_rule`.

    Raises
    ------
    ValueError
        For an unknown name.
    TypeError
        For anything that cannot draw, such as a class instead of an object.

    Examples
    --------
    >>> as_synthesis("blend")
    'blend'
    >>> as_synthesis("blur")
    Traceback (most recent call last):
        ...
    ValueError: `synthesis` must be "copy", "blend", an object such as Augment() or a function
    (base, partner, step, rng) -> image, got 'blur'.
    """
    drawer = as_rule(rule)
    if not isinstance(rule, type) and hasattr(drawer, "draw"):
        if drawer is not rule and callable(rule):  # a function, wrapped
            _check_signature(rule)
        return drawer
    hint = f"; did you mean {rule.__name__}()?" if isinstance(rule, type) else "."
    raise (ValueError if isinstance(rule, str) else TypeError)(
        '`synthesis` must be "copy", "blend", an object such as Augment() or a function '
        f"(base, partner, step, rng) -> image, got {rule!r}{hint}"
    )


def _check_signature(function: Callable[..., Any]) -> None:
    """Raise a TypeError if a function cannot be called with (base, partner, step, rng)."""
    reason = misfit(function, "base", "partner", "step", "rng")
    if reason:
        raise TypeError(
            f"`synthesis` {function!r} must take (base, partner, step, rng): {reason}. A function "
            "image -> image is wrapped by Augment.from_callable."
        )


def as_objects(rules: Sequence[Any]) -> list[Any]:
    """Return the objects that a list of syntheses stands for."""
    if isinstance(rules, str) or not hasattr(rules, "__len__"):
        raise TypeError(f"`syntheses` must be a list, got {rules!r}; pass [{rules!r}].")
    if not len(rules):
        raise ValueError("`syntheses` is empty; name at least one.")
    return [as_synthesis(rule) for rule in rules]


def makes_copies(rule: Any) -> bool:
    """Return whether the parameter `synthesis` leaves copies as they are.

    Examples
    --------
    >>> makes_copies(None), makes_copies("copy"), makes_copies("blend")
    (True, True, False)
    """
    return rule is None or bool(answer(as_rule(rule), "copies"))


def says_where(rule: Any) -> bool:
    """Return whether a synthesis, and each of its members, has a method ``layers``."""
    members = getattr(rule, "syntheses", None)
    if members is not None:
        return all(map(says_where, as_objects(members)))
    return hasattr(rule, "layers")


def plan_synthetic(plan: ResamplingPlan, rule: Any, neighbourhood: Neighbourhood) -> ResamplingPlan:
    """Choose the parents of the synthetic rows of a plan.

    Parameters
    ----------
    plan : ResamplingPlan
        A sampler's decision. Synthetic rows are its ``drawn`` ones; if that is None, all except
        the originals, so that copies are drawn as well.
    rule : str, Synthesis or callable
        The synthesis, as a sampler takes it.
    neighbourhood : Neighbourhood
        Finds partners, and supplies random numbers.

    Returns
    -------
    plan : ResamplingPlan
        Same bases and labels, with the parents that the synthesis draws from and a seed for each
        row.
    """
    rule = as_synthesis(rule)
    if answer(rule, "copies"):
        # Partners that a sampler has chosen are dropped: a copy shows its base alone.
        copies = ResamplingPlan.selection(plan.base, neighbourhood.y, plan.nearness)
        return replace(copies, y=plan.y)
    is_child = plan.kind != "original" if plan.drawn is None else plan.drawn
    if not is_child.any():
        return plan
    seeds = np.zeros(len(plan), dtype=np.uint64)
    seeds[is_child] = neighbourhood.seeds(int(is_child.sum()))
    children = replace(plan[is_child], seeds=seeds[is_child])
    partners, weights = choose_parents(children, rule, neighbourhood)
    width = partners.shape[1]
    all_partners = np.repeat(plan.base[:, None], width, axis=1)
    all_weights = np.zeros((len(plan), width))
    all_partners[is_child], all_weights[is_child] = partners, weights
    return replace(
        plan,
        partners=all_partners,
        weights=all_weights,
        synthesis=rule,
        drawn=is_child,
        seeds=seeds,
    )


def choose_parents(
    plan: ResamplingPlan, rule: Any, neighbourhood: Neighbourhood
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return partners and shares of synthetic rows, shape (m, n_partners) each.

    A synthesis with a method ``choose`` chooses them. Otherwise the sampler's partners are taken;
    an image without one (a copy before) gets one of the nearest images of its class, with a share
    between 0 and 1.
    """
    n_partners = rule.n_partners
    if hasattr(rule, "choose"):
        partners, weights = rule.choose(plan, neighbourhood)
    elif n_partners == 0:
        partners = np.empty((len(plan), 0), dtype=np.intp)
        weights = np.empty((len(plan), 0))
    else:
        partners, weights = plan.partners.copy(), plan.weights.copy()
        alone = ~weights.any(axis=1)
        # Plans of selecting samplers have no column for partners yet, so the arrays are replaced.
        if alone.all():
            partners, weights = _near_partners(plan, rule, neighbourhood)
        else:
            partners[alone], weights[alone] = _near_partners(plan[alone], rule, neighbourhood)
    if not partners.shape == weights.shape == (len(plan), n_partners):
        raise ValueError(
            f"`synthesis` {rule!r} must have partners and weights of shape "
            f"{(len(plan), n_partners)}, got {partners.shape} and {weights.shape}. Its "
            f"`n_partners` is {n_partners}."
        )
    return partners, weights


def _near_partners(
    plan: ResamplingPlan, rule: Any, neighbourhood: Neighbourhood
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return for each row one of the nearest images of its class, and a share from 0 to 1."""
    partners = plan.base[:, None].copy()
    steps = neighbourhood.rng.uniform(size=(len(plan), 1))
    for label in plain_list(np.unique(plan.y)):
        rows = np.flatnonzero(plan.y == label)
        # A base may be drawn many times, but its neighbours are looked for once.
        bases, position = np.unique(plan.base[rows], return_inverse=True)
        near = neighbourhood.neighbors(bases, np.flatnonzero(neighbourhood.y == label), NEAREST)
        if near.shape[1]:
            drawn = neighbourhood.rng.integers(near.shape[1], size=len(rows))
            partners[rows, 0] = near[position.ravel(), drawn]
        elif answer(rule, "needs_partners"):
            neighbourhood.warn(
                f"Class {told(label)!r} has fewer than two images: for its synthetic images "
                f"{rule_name(rule)} finds no partner and repeats the image. "
                "Augment() and TransferDeformation() need no other image of the class."
            )
    return partners, steps


def generators(plan: ResamplingPlan) -> list[np.random.Generator]:
    """Return a random generator for each row of a plan, from the seed of that row."""
    assert plan.seeds is not None
    return [np.random.default_rng(seed) for seed in plan.seeds.tolist()]


def member_seeds(seeds: NDArray[np.uint64], member: int) -> NDArray[np.uint64]:
    """Return seeds of rows for one of several syntheses, which must not share random numbers."""
    # a multiple of 2**64 divided by the golden ratio: far apart for all members
    return seeds + np.uint64((member + 1) * 0x9E3779B97F4A7C15 % (1 << 64))


def member_generators(
    rngs: Sequence[np.random.Generator], member: int
) -> list[np.random.Generator]:
    """Return random generators of rows for one of several syntheses; see :func:`member_seeds`."""
    # From the seed, not the state: how many numbers others have drawn before must not matter.
    seeds: list[Any] = [rng.bit_generator.seed_seq.entropy for rng in rngs]  # type: ignore[attr-defined]
    return [
        np.random.default_rng(seed)
        for seed in member_seeds(np.array(seeds, dtype=np.uint64), member).tolist()
    ]
