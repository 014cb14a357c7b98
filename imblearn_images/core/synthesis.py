"""Synthesis: how one synthetic image is drawn from its parents.

A synthesis is a small object; no base class is needed. It says how many partners a synthetic image
has besides its base, and draws a block of synthetic images::

    class Half:
        n_partners = 1

        def draw(self, base, partners, weights, rngs):
            return base / 2 + partners[:, 0] / 2

The renderer rounds, clips and stores what comes back. A synthesis that does not want the
partner a sampler has chosen has a method ``choose(children, kin)``, too. One with a
method ``explain(base, partners, weights, rng) -> str`` says in words what it draws, for
``plan_.explain``. A plain function
``(base, partner, step, rng) -> image`` is enough where one synthetic image at a time will do. It
gets floats, so that ``base + step * (partner - base)`` is what it says for every dtype of the data;
``draw`` gets that dtype, where differences of uint8 wrap modulo 256.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from math import prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from imblearn_images.core.layers import Layer, in_place
from imblearn_images.core.pixels import as_floats, check_same_unit, mix
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.targets import plain_list, told
from imblearn_images.core.validation import misfit


class Kin:
    """The source images as a synthesis sees them: labels, features, neighbours.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Labels of the source images.
    features : callable
        ``features()`` computes features of shape (n, d); called when first needed, so a
        synthesis that looks at nobody costs nothing.
    rng : numpy.random.Generator
        Random numbers of the planning.

    Examples
    --------
    >>> y = np.array(["cat", "cat", "dog", "dog"])
    >>> kin = Kin(y, lambda: np.array([[0.0], [1.0], [1.5], [5.0]]), np.random.default_rng(0))
    >>> kin.counts == {"cat": 2, "dog": 2}
    True
    >>> kin.asked, kin.neighbors(np.array([1]), among=np.arange(4), k=2).tolist(), kin.asked
    (False, [[2, 0]], True)
    """

    def __init__(
        self,
        y: NDArray[Any],
        features: Callable[[], NDArray[Any]],
        rng: np.random.Generator,
    ) -> None:
        self.y = y
        self.rng = rng
        self._features = features
        self._told: set[str] = set()

    @cached_property
    def counts(self) -> dict[Any, int]:
        """Number of source images of each class."""
        return dict(Counter(plain_list(self.y)))

    @property
    def asked(self) -> bool:
        """Whether a synthesis has looked at the features."""
        return "features" in vars(self)

    @cached_property
    def features(self) -> NDArray[Any]:
        """Features of the source images, shape (n, d)."""
        return self._features()

    def warn(self, message: str) -> None:
        """Warn, of one thing only once: rejected synthetic images are planned again and again."""
        if message not in self._told:
            self._told.add(message)
            warnings.warn(message, UserWarning, stacklevel=2)

    def seeds(self, n: int) -> NDArray[np.uint64]:
        """Seeds of `n` children."""
        return self.rng.integers(1 << 64, size=n, dtype=np.uint64)

    def neighbors(
        self, rows: NDArray[np.intp], among: NDArray[np.intp], k: int
    ) -> NDArray[np.intp]:
        """Find the nearest source images, by Euclidean distance of features.

        Parameters
        ----------
        rows : ndarray of shape (m,)
            Source rows that look for neighbours.
        among : ndarray of shape (q,)
            Source rows that may be found.
        k : int
            How many.

        Returns
        -------
        found : ndarray of shape (m, k'), dtype intp
            Source rows, the nearest first; ``k'`` is less than `k` where there are not so
            many. A row is not a neighbour of itself.
        """
        others = len(among) - int(np.isin(rows, among).any())
        k = min(k, others)
        if k <= 0 or not len(rows):
            return np.empty((len(rows), 0), dtype=np.intp)
        search = NearestNeighbors(n_neighbors=min(k + 1, len(among))).fit(self.features[among])
        found = among[search.kneighbors(self.features[rows], return_distance=False)]
        # Not every row is among those searched, and copies of an image may come before it.
        is_other = found != rows[:, None]
        order = np.argsort(~is_other, axis=1, kind="stable")
        return np.asarray(np.take_along_axis(found, order, axis=1)[:, :k])


NEAREST = 5  # images of its class among which a synthetic image without a partner finds one


class Synthesis(Protocol):
    """What draws synthetic images; see the module."""

    @property
    def n_partners(self) -> int:
        """Partners that an image has besides its base; a plain attribute will do."""

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
            In the dtype of the data.
        partners : ndarray of shape (m, n_partners, H, W[, C])
            Same dtype.
        weights : ndarray of shape (m, n_partners), dtype float64
            Shares of the partners, as the plan has them.
        rngs : sequence of m Generators
            One a row.

        Returns
        -------
        children : ndarray of shape (m, H, W[, C])
            In the unit of the data, e.g. 0 to 255, integers or floats.
        """


class Copy:
    """Synthesis that takes the base as it is."""

    n_partners = 0

    def draw(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> NDArray[Any]:
        """Give the bases back."""
        return base

    def explain(
        self, base: str, partners: Sequence[str], weights: Sequence[float], rng: Any
    ) -> str:
        """Describe what is drawn from the images of these names."""
        return f"a copy of {base}"

    def layers(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> list[Layer]:
        """Everything is where it was."""
        return [in_place(len(base), base.shape[1:3])]


class Blend:
    """Synthesis of SMOTE, where it is one of several: base + step * (partner - base)."""

    n_partners = 1

    def draw(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> NDArray[Any]:
        """Mix pixel by pixel."""
        out = np.empty((len(base), prod(base.shape[1:])), dtype=base.dtype)
        mix(base.reshape(out.shape), partners[:, 0].reshape(out.shape), weights, out)
        children: NDArray[Any] = out.reshape(base.shape)
        return children

    def explain(
        self, base: str, partners: Sequence[str], weights: Sequence[float], rng: Any
    ) -> str:
        """Describe what is drawn from the images of these names."""
        return f"{1 - weights[0]:.2f} x {base} + {weights[0]:.2f} x {partners[0]}"

    def layers(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> list[Layer]:
        """Both parents are seen everywhere, each as much as its share says."""
        m, size, step = len(base), base.shape[1:3], weights[:, 0]
        return [in_place(m, size, share=1 - step), in_place(m, size, 1, share=step)]


class EachRow:
    """Synthesis that calls a function ``(base, partner, step, rng) -> image`` for each row.

    The function gets floats in the unit of the data, e.g. 0.0 to 255.0 (bool: 0.0 and 1.0), of
    32 bits where these hold every value, else of 64, and is to return that unit.

    Examples
    --------
    >>> images = np.array([[[200]], [[100]]], dtype=np.uint8)
    >>> blend = EachRow(lambda base, partner, step, rng: base + step * (partner - base))
    >>> blend.draw(images[:1], images[None, 1:], np.array([[0.25]]), [None]).tolist()
    [[[175.0]]]
    """

    n_partners = 1

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__name__ = getattr(function, "__name__", type(function).__name__)

    def __repr__(self) -> str:
        return self.__name__

    def draw(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> NDArray[Any]:
        """Draw the synthetic images one after the other."""
        rows = zip(base, partners[:, 0], weights[:, 0].tolist(), rngs, strict=True)
        return np.stack([self._draw(*row) for row in rows])

    def explain(
        self, base: str, partners: Sequence[str], weights: Sequence[float], rng: Any
    ) -> str:
        """Describe what is drawn from the images of these names."""
        return f"{self!r}(base {base}, partner {partners[0]}, step {weights[0]:.2f})"

    def _draw(
        self, base: NDArray[Any], partner: NDArray[Any], step: float, rng: np.random.Generator
    ) -> NDArray[Any]:
        def call(rng: np.random.Generator) -> NDArray[Any]:
            return np.asarray(self.function(as_floats(base), as_floats(partner), step, rng))

        child = call(rng)
        if child.shape != base.shape or child.dtype.kind not in "biuf":
            raise ValueError(
                f"`synthesis` {self!r} must return an image of shape {base.shape}, as its base, "
                f"got an array of shape {child.shape} and dtype {child.dtype}."
            )
        check_same_unit((base, partner), child, self.function, call)
        return child


def as_synthesis(rule: Any) -> Any:
    """Make out what is meant by the parameter `synthesis` of a sampler.

    Returns
    -------
    rule : "copy", "blend" or Synthesis
        Functions come wrapped in :class:`EachRow`.

    Raises
    ------
    ValueError
        For an unknown name.
    TypeError
        For what cannot draw, such as a class instead of an object.

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
    if rule in ("copy", "blend") if isinstance(rule, str) else not isinstance(rule, type):
        if isinstance(rule, str) or hasattr(rule, "draw"):
            return rule
        if callable(rule):
            _check_signature(rule)
            return EachRow(rule)
    hint = f"; did you mean {rule.__name__}()?" if isinstance(rule, type) else "."
    raise (ValueError if isinstance(rule, str) else TypeError)(
        '`synthesis` must be "copy", "blend", an object such as Augment() or a function '
        f"(base, partner, step, rng) -> image, got {rule!r}{hint}"
    )


def _check_signature(function: Callable[..., Any]) -> None:
    reason = misfit(function, "base", "partner", "step", "rng")
    if reason:
        raise TypeError(
            f"`synthesis` {function!r} must take (base, partner, step, rng): {reason}. A function "
            "image -> image is wrapped by Augment.from_callable."
        )


def as_objects(rules: Sequence[Any]) -> list[Any]:
    """What `as_synthesis` makes of several rules, names replaced by objects that draw."""
    if isinstance(rules, str) or not hasattr(rules, "__len__"):
        raise TypeError(f"`syntheses` must be a list, got {rules!r}; pass [{rules!r}].")
    if not len(rules):
        raise ValueError("`syntheses` is empty; name at least one.")
    named: dict[Any, Any] = {"copy": Copy(), "blend": Blend()}
    objects = [as_synthesis(rule) for rule in rules]
    return [named[rule] if isinstance(rule, str) else rule for rule in objects]


def says_where(rule: Any) -> bool:
    """Return whether a synthesis, and all of which it is made, say where things are."""
    members = getattr(rule, "syntheses", None)
    if members is not None:
        return all(map(says_where, as_objects(members)))
    return hasattr(rule, "layers")


def plan_children(plan: ResamplingPlan, rule: Any, kin: Kin) -> ResamplingPlan:
    """Choose the parents of the synthetic rows of a plan by its synthesis.

    Parameters
    ----------
    plan : ResamplingPlan
        A sampler's decision. Children are its ``drawn`` rows; by default all that are no
        originals, copies as well.
    rule : str, Synthesis or callable
        What `as_synthesis` takes.
    kin : Kin
        Where partners are looked for, and where random numbers come from.

    Returns
    -------
    plan : ResamplingPlan
        Same bases and labels, the parents that the synthesis draws from, a seed a row.
    """
    rule = as_synthesis(rule)
    if rule == "copy":
        copies = ResamplingPlan.selection(plan.base, kin.y, plan.nearness)
        return replace(copies, y=plan.y)
    is_child = plan.kind != "original" if plan.drawn is None else plan.drawn
    if not is_child.any():
        return plan
    seeds = np.zeros(len(plan), dtype=np.uint64)
    seeds[is_child] = kin.seeds(int(is_child.sum()))
    children = replace(plan[is_child], seeds=seeds[is_child])
    partners, weights = choose_parents(children, rule, kin)
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
    children: ResamplingPlan, rule: Any, kin: Kin
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return partners and shares of synthetic rows, shape (m, n_partners) each.

    The synthesis is asked first; otherwise the sampler's partners are taken, and for a synthetic
    image that has none, a copy, one of the nearest images of the class with a step between 0 and 1.
    """
    n_partners = 1 if rule == "blend" else rule.n_partners
    if hasattr(rule, "choose"):
        partners, weights = rule.choose(children, kin)
    elif n_partners == 0:
        partners = np.empty((len(children), 0), dtype=np.intp)
        weights = np.empty((len(children), 0))
    else:
        partners, weights = children.partners.copy(), children.weights.copy()
        alone = ~weights.any(axis=1)
        if alone.all():
            partners, weights = _mates(children, rule, kin)
        else:
            partners[alone], weights[alone] = _mates(children[alone], rule, kin)
    if not partners.shape == weights.shape == (len(children), n_partners):
        raise ValueError(
            f"`synthesis` {rule!r} needs {n_partners} partners for each image, of shape "
            f"{(len(children), n_partners)}; got partners of shape {partners.shape} and weights "
            f"of shape {weights.shape}."
        )
    return partners, weights


def _mates(
    children: ResamplingPlan, rule: Any, kin: Kin
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """One of the nearest images of the class for each synthetic image, a step from 0 to 1."""
    partners = children.base[:, None].copy()
    steps = kin.rng.uniform(size=(len(children), 1))
    for label in plain_list(np.unique(children.y)):
        rows = np.flatnonzero(children.y == label)
        bases, position = np.unique(children.base[rows], return_inverse=True)
        near = kin.neighbors(bases, np.flatnonzero(kin.y == label), NEAREST)
        if near.shape[1]:
            drawn = kin.rng.integers(near.shape[1], size=len(rows))
            partners[rows, 0] = near[position.ravel(), drawn]
        elif not isinstance(rule, EachRow):  # a function may do without its partner
            kin.warn(
                f"Class {told(label)!r} has fewer than two images: for its synthetic images "
                f"{replace(children, synthesis=rule).rule} finds no partner and repeats the image. "
                "Augment() and TransferDeformation() need no other image of the class."
            )
    return partners, steps


def generators(plan: ResamplingPlan) -> list[np.random.Generator]:
    """Random numbers of each row of a plan, from its own seed."""
    assert plan.seeds is not None
    return [np.random.default_rng(seed) for seed in plan.seeds.tolist()]


def member_seeds(seeds: NDArray[np.uint64], member: int) -> NDArray[np.uint64]:
    """Seeds of the rows for one synthesis among several: each has random numbers of its own."""
    return seeds + np.uint64((member + 1) * 0x9E3779B97F4A7C15 % (1 << 64))


def member_generators(
    rngs: Sequence[np.random.Generator], member: int
) -> list[np.random.Generator]:
    """Random numbers of the rows that belong to :func:`member_seeds`."""
    seeds: list[Any] = [rng.bit_generator.seed_seq.entropy for rng in rngs]  # type: ignore[attr-defined]
    return [
        np.random.default_rng(seed)
        for seed in member_seeds(np.array(seeds, dtype=np.uint64), member).tolist()
    ]
