"""Composition: several syntheses for one synthetic image, one after the other or one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from imblearn_images.core.estimators import NamedMembersMixin
from imblearn_images.core.layers import Layer, place_through
from imblearn_images.core.pixels import stored
from imblearn_images.core.plan import ResamplingPlan, explain_drawn
from imblearn_images.core.rules import answer
from imblearn_images.core.synthesis import (
    Neighbourhood,
    as_objects,
    choose_parents,
    member_generators,
    member_seeds,
)

__all__ = ["Chain", "OneOf"]


class Chain(NamedMembersMixin, BaseEstimator):
    """Draw an image by several syntheses, one after the other.

    Each synthesis is a parameter with the name that :func:`sklearn.pipeline.make_pipeline` would
    give it, its class in lower case: a grid search reaches ``smote__synthesis__augment__noise``,
    and ``smote__synthesis__augment-2`` if there are two. "copy" and "blend" are their own names,
    a function is called ``function``.

    Read more in the :ref:`User Guide <how-images-are-drawn>`.

    Parameters
    ----------
    syntheses : list of synthesis, function, "copy" or "blend"
        Each draws from the result of the one before, in the dtype of the data, and from
        partners of its own.

    Examples
    --------
    >>> import numpy as np
    >>> from imblearn_images import RandomOverSampler
    >>> def darker(base, partner, step, rng):
    ...     return base * rng.uniform(0.5, 1.0)
    >>> images = np.random.default_rng(0).integers(0, 256, (6, 8, 8), dtype=np.uint8)
    >>> sampler = RandomOverSampler(synthesis=Chain(["blend", darker]), random_state=0)
    >>> X_res, y_res = sampler.fit_resample(images, ["cat"] * 4 + ["dog"] * 2)
    >>> sampler.plan_
    ResamplingPlan(6 images -> 8 rows: 6 original, 0 copies, 2 synthetic, near by HOGFeatures (324
      features), drawn by Chain)
    """

    members_in = "syntheses"

    def __init__(self, syntheses: Sequence[Any]) -> None:
        self.syntheses = syntheses

    @property
    def n_partners(self) -> int:
        """Number of partners of all members together."""
        return sum(rule.n_partners for rule in as_objects(self.syntheses))

    @property
    def effort(self) -> float:
        """Its work, in multiples of copying an image: that of all members."""
        return float(sum(answer(rule, "effort") for rule in as_objects(self.syntheses)))

    @property
    def at_once(self) -> int:
        """Number of pixels that it draws at a time: that of the member which draws most."""
        return max(answer(rule, "at_once") for rule in as_objects(self.syntheses))

    @property
    def looks(self) -> bool:
        """Whether the layers depend on the pixels of the parents, not only on their shape."""
        return any(answer(rule, "looks") for rule in as_objects(self.syntheses))

    @property
    def why_not_carried(self) -> str:
        """Why objects cannot be carried along; empty if they can."""
        return _first_reason(self.syntheses)

    def choose(
        self, plan: ResamplingPlan, neighbourhood: Neighbourhood
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return partners and shares of all members, side by side."""
        assert plan.seeds is not None
        chosen = [
            choose_parents(replace(plan, seeds=member_seeds(plan.seeds, at)), rule, neighbourhood)
            for at, rule in enumerate(as_objects(self.syntheses))
        ]
        partners, weights = zip(*chosen, strict=True)
        return np.concatenate(partners, axis=1), np.concatenate(weights, axis=1)

    def draw(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> NDArray[Any]:
        """Draw a block of synthetic images; see :mod:`imblearn_images.core.synthesis`."""
        start = 0
        for at, rule in enumerate(as_objects(self.syntheses)):
            mine = slice(start, start + rule.n_partners)
            own = member_generators(rngs, at)
            base = _drawn_by(rule, base, partners[:, mine], weights[:, mine], own)
            start = mine.stop
        return base

    def explain(
        self, base: str, partners: Sequence[str], weights: Sequence[float], rng: Any
    ) -> str:
        """Describe what is drawn from images with these names."""
        start, told = 0, base
        for at, rule in enumerate(as_objects(self.syntheses)):
            mine = slice(start, start + rule.n_partners)
            (own,) = member_generators([rng], at)
            told = explain_drawn(rule, told, partners[mine], weights[mine], own)
            told, start = f"({told})", mine.stop
        return told.removeprefix("(").removesuffix(")")

    def layers(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> list[Layer]:
        """Return where each parent is visible; see :mod:`imblearn_images.core.layers`."""
        start, dtype, rules = 0, base.dtype, as_objects(self.syntheses)
        layers: list[Layer] = []
        for at, rule in enumerate(rules):
            mine = slice(start, start + rule.n_partners)
            args = partners[:, mine], weights[:, mine]
            top = rule.layers(base, *args, member_generators(rngs, at))
            own = [replace(x, member=x.member and start + x.member) for x in top]
            layers = place_through(own, layers) if layers else own
            if any(answer(later, "looks") for later in rules[at + 1 :]):
                drawn = rule.draw(base, *args, member_generators(rngs, at))
                base = stored(drawn, dtype)
            start = mine.stop
        return layers


class OneOf(NamedMembersMixin, BaseEstimator):
    """Draw each image by one of several syntheses, chosen at random.

    Each synthesis is a parameter by name, as in :class:`Chain`.

    Read more in the :ref:`User Guide <how-images-are-drawn>`.

    Parameters
    ----------
    syntheses : list of synthesis, function, "copy" or "blend"
        The syntheses to choose from.
    probabilities : list of float, default=None
        Probability of each synthesis; equal by default.

    Raises
    ------
    ValueError
        If there are not as many probabilities as syntheses, or they do not sum to one.

    Examples
    --------
    >>> import numpy as np
    >>> from imblearn_images import SMOTE
    >>> images = np.random.default_rng(0).integers(0, 256, (9, 8, 8), dtype=np.uint8)
    >>> half = OneOf(["blend", "copy"], probabilities=[0.5, 0.5])
    >>> smote = SMOTE(synthesis=half, k_neighbors=2, random_state=0)
    >>> X_res, y_res = smote.fit_resample(images, ["cat"] * 6 + ["dog"] * 3)
    >>> X_res.shape
    (12, 8, 8)
    """

    members_in = "syntheses"

    def __init__(
        self, syntheses: Sequence[Any], probabilities: Sequence[float] | None = None
    ) -> None:
        self.syntheses = syntheses
        self.probabilities = probabilities

    @property
    def n_partners(self) -> int:
        """Number of partners of the member that needs most."""
        return max(rule.n_partners for rule in as_objects(self.syntheses))

    @property
    def effort(self) -> float:
        """Its work, in multiples of copying an image: that of a member on average."""
        return float(np.mean([answer(rule, "effort") for rule in as_objects(self.syntheses)]))

    @property
    def at_once(self) -> int:
        """Number of pixels that it draws at a time: that of the member which draws most."""
        return max(answer(rule, "at_once") for rule in as_objects(self.syntheses))

    @property
    def looks(self) -> bool:
        """Whether the layers depend on the pixels of the parents, not only on their shape."""
        return any(answer(rule, "looks") for rule in as_objects(self.syntheses))

    @property
    def why_not_carried(self) -> str:
        """Why objects cannot be carried along; empty if they can."""
        return _first_reason(self.syntheses)

    def choose(
        self, plan: ResamplingPlan, neighbourhood: Neighbourhood
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return partners and shares, which each member chooses for its own images."""
        assert plan.seeds is not None
        picked = self._picked([np.random.default_rng(seed) for seed in plan.seeds.tolist()])
        partners = np.repeat(plan.base[:, None], self.n_partners, axis=1)
        weights = np.zeros(partners.shape)
        for at, rule in enumerate(as_objects(self.syntheses)):
            rows = np.flatnonzero(picked == at)
            own = replace(plan, seeds=member_seeds(plan.seeds, at))[rows]
            mine = np.ix_(rows, np.arange(rule.n_partners))
            partners[mine], weights[mine] = choose_parents(own, rule, neighbourhood)
        return partners, weights

    def draw(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> NDArray[Any]:
        """Draw a block of synthetic images; see :mod:`imblearn_images.core.synthesis`."""
        picked, children = self._picked(rngs), base.copy()
        for at, rule in enumerate(as_objects(self.syntheses)):
            rows, width = np.flatnonzero(picked == at), rule.n_partners
            if len(rows):
                children[rows] = _drawn_by(
                    rule,
                    base[rows],
                    partners[rows, :width],
                    weights[rows, :width],
                    member_generators([rngs[row] for row in rows.tolist()], at),
                )
        return children

    def explain(
        self, base: str, partners: Sequence[str], weights: Sequence[float], rng: Any
    ) -> str:
        """Describe what is drawn from images with these names."""
        (at,) = self._picked([rng])
        rule, (own,) = as_objects(self.syntheses)[at], member_generators([rng], int(at))
        width = rule.n_partners
        return explain_drawn(rule, base, partners[:width], weights[:width], own)

    def layers(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> list[Layer]:
        """Return where each parent is visible; see :mod:`imblearn_images.core.layers`."""
        picked, layers, m = self._picked(rngs), [], len(base)
        for at, rule in enumerate(as_objects(self.syntheses)):
            rows, width = np.flatnonzero(picked == at), rule.n_partners
            if not len(rows):
                continue
            own = member_generators([rngs[row] for row in rows.tolist()], at)
            parents = base[rows], partners[rows, :width]
            layers += [
                some.spread(rows, m) for some in rule.layers(*parents, weights[rows, :width], own)
            ]
        return layers

    def _picked(self, rngs: Sequence[np.random.Generator]) -> NDArray[np.intp]:
        """Return the synthesis of each row, chosen by the first random number of the row."""
        n = len(self.syntheses)
        shares = np.full(n, 1 / n) if self.probabilities is None else np.array(self.probabilities)
        if shares.shape != (n,) or shares.min() < 0 or not np.isclose(shares.sum(), 1):
            raise ValueError(
                f"`probabilities` must be {n} numbers that sum to 1, one for each synthesis, got "
                f"{self.probabilities!r}."
            )
        numbers = np.array([rng.random() for rng in rngs])
        picked: NDArray[np.intp] = np.searchsorted(np.cumsum(shares)[:-1], numbers, side="right")
        return picked


def _drawn_by(
    rule: Any,
    base: NDArray[Any],
    partners: NDArray[Any],
    weights: NDArray[np.float64],
    rngs: Sequence[np.random.Generator],
) -> NDArray[Any]:
    """Return what a member draws, at most as much at a time as it likes, in the dtype of `base`."""
    height = max(1, answer(rule, "at_once") // max(1, prod(base.shape[1:])))
    if len(base) <= height:
        return stored(rule.draw(base, partners, weights, rngs), base.dtype)
    children = np.empty_like(base, order="C")
    for start in range(0, len(base), height):
        rows = slice(start, start + height)
        drawn = rule.draw(base[rows], partners[rows], weights[rows], rngs[rows])
        children[rows] = stored(drawn, base.dtype)
    return children


def _first_reason(syntheses: Sequence[Any]) -> str:
    """Return why objects cannot be carried through one of the syntheses, or ""."""
    reasons = (answer(rule, "why_not_carried") for rule in as_objects(syntheses))
    return next(filter(None, reasons), "")
