"""Deformation: synthetic images whose shapes change as shapes in real images do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from imblearn_images._docstrings import substitute
from imblearn_images.core.layers import Layer, in_place
from imblearn_images.core.pixels import Unit, on_planes, stored
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.synthesis import NEAREST, Neighbourhood
from imblearn_images.synthesis._engines import engine_of
from imblearn_images.synthesis._flow import Flow

__all__ = ["Morph", "TransferDeformation"]

AT_ONCE = 1 << 20  # pixels of images whose flow is found together
STRIP = 1 << 19  # pixels of images that are warped at a time
FLOW_SIDE = 48  # pixels of a side beyond which flow is found between thumbnails


@substitute
class Morph(BaseEstimator):
    """Draw an image between two images of a class, in shape and in colour.

    Both images are warped towards each other along their optical flow, by the sampler's step,
    and cross-faded: where a blend shows two outlines, a morph shows one between them.

    Read more in the :ref:`User Guide <how-images-are-drawn>`.

    Parameters
    ----------
    fade : bool, default=True
        Whether to cross-fade. If False, the synthetic image is its base, warped towards the shape
        of the partner.
    {channel_axis}
    {engine}

    See Also
    --------
    TransferDeformation : Deform images as images of larger classes differ.

    Notes
    -----
    A step of 0 draws the base, a step of 1 the partner, so the shares in the plan are
    exact. If two images have nothing in common, a morph is no better than a blend. All
    channels follow one flow. For images of more than 48 pixels a side, the flow is found
    between thumbnails.

    Examples
    --------
    >>> from imblearn_images import SMOTE
    >>> images = np.random.default_rng(0).integers(0, 256, (9, 16, 16), dtype=np.uint8)
    >>> smote = SMOTE(synthesis=Morph(), k_neighbors=2, random_state=0)
    >>> X_res, y_res = smote.fit_resample(images, ["cat"] * 6 + ["dog"] * 3)
    >>> X_res.shape, X_res.dtype
    ((12, 16, 16), dtype('uint8'))
    """

    n_partners = 1
    effort = 50
    at_once = AT_ONCE

    def __init__(
        self, *, fade: bool = True, channel_axis: int | None = None, engine: str = "numpy"
    ) -> None:
        self.fade = fade
        self.channel_axis = channel_axis
        self.engine = engine

    @on_planes
    def draw(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> NDArray[Any]:
        """Draw a block of synthetic images; see :mod:`imblearn_images.core.synthesis`."""
        if not isinstance(self.fade, (bool, np.bool_)):
            raise TypeError(f"`fade` must be True or False, got {self.fade!r}.")
        warp, other = engine_of(self.engine).follow, partners[:, 0]
        unit, step = Unit.of(base, other), weights[:, 0]
        flow = _flow(unit, other, base)
        children = np.empty(base.shape, base.dtype)
        for rows in _strips(base):
            moves = flow[rows]
            child = warp(unit.scaled(base, rows), _scaled(moves, step[rows]))
            if self.fade:
                end = warp(unit.scaled(other, rows), _scaled(moves, step[rows] - 1))
                end -= child
                child += _scaled(end, step[rows])
            children[rows] = stored(unit.back(child, rows), base.dtype)
        return children

    @property
    def why_not_carried(self) -> str:
        """Why objects cannot be carried along; empty if they can."""
        if not self.fade:
            return ""
        return (
            "Morph(fade=True) shows an object of both parents once, but both have annotated it. "
            "Use Morph(fade=False)."
        )

    def explain(
        self, base: str, partners: Sequence[str], weights: Sequence[float], rng: Any
    ) -> str:
        """Describe what is drawn from images with these names."""
        faded = " and faded into it" if self.fade else ""
        return f"{base} moved {weights[0]:.0%} of the way to {partners[0]}{faded}"

    @on_planes
    def layers(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> list[Layer]:
        """Return where each parent is visible; see :mod:`imblearn_images.core.layers`."""
        flow = _flow(Unit.of(base, partners[:, 0]), partners[:, 0], base)[:]
        m, size, step = len(base), base.shape[1:3], weights[:, 0]
        share = step if self.fade else np.zeros(m)
        moved = in_place(m, size, flow=_scaled(flow, step), share=1 - share)
        if not self.fade:
            return [moved]
        return [moved, in_place(m, size, 1, flow=_scaled(flow, step - 1), share=share)]


@substitute
class TransferDeformation(BaseEstimator):
    """Draw an image by deforming its base as real images of larger classes differ in shape.

    A donor that looks like the base is chosen, and one of the donor's neighbours in its own
    class. The optical flow from donor to neighbour is a deformation that occurs in real
    images; a part of it, or of its opposite, is applied to the base. No transforms have to be
    picked by hand; the assumption is that similar classes deform in similar ways.

    Read more in the :ref:`User Guide <how-images-are-drawn>`.

    Parameters
    ----------
    scale : (float, float), default=(0.4, 1.2)
        Range of the factor by which a deformation is multiplied; its sign is random.
    near : int, default=30
        The donor is one of this many images that are most similar to the base: in the sampler's
        `embedding`, or else by histograms of oriented gradients.
    n_pairs : int, default=800
        Number of pairs of donor and neighbour that are drawn from each class, at least 2. The
        flow of a pair is found once for all synthetic images of a block that share it, so fewer
        pairs are faster.
    donors : {"larger", "all"}, default="larger"
        Classes of the donors: those with more images than the base's class (for the largest
        class, itself), or all classes, including that of the base.
    residual : float, default=0.0
        Share that is added of what the flow does not explain of the neighbour, such as folds and
        prints; 0.5 makes synthetic images more varied. On photos it shows as ghosts.
    {channel_axis}
    {engine}

    Raises
    ------
    ValueError
        When used, if a parameter is out of its range, or no class has two images.

    See Also
    --------
    Morph : Draw images between two images of their class.

    Notes
    -----
    In the plan a synthetic image is its base, minus a share of the donor, plus that share of the
    neighbour. All channels follow one flow. For images of more than 48 pixels a side, the flow is
    found between thumbnails.

    Examples
    --------
    >>> from imblearn_images import RandomOverSampler
    >>> images = np.random.default_rng(0).integers(0, 256, (8, 16, 16), dtype=np.uint8)
    >>> over = RandomOverSampler(synthesis=TransferDeformation(), random_state=0)
    >>> X_res, y_res = over.fit_resample(images, ["cat"] * 5 + ["dog"] * 3)
    >>> X_res.shape, X_res.dtype
    ((10, 16, 16), dtype('uint8'))
    >>> donor, neighbor = over.plan_.partners[-1].tolist()
    >>> donor < 5, neighbor < 5  # both are cats
    (True, True)
    """

    n_partners = 2
    effort = 35
    at_once = AT_ONCE

    def __init__(
        self,
        *,
        scale: tuple[float, float] = (0.4, 1.2),
        near: int = 30,
        n_pairs: int = 800,
        donors: str = "larger",
        residual: float = 0.0,
        channel_axis: int | None = None,
        engine: str = "numpy",
    ) -> None:
        self.scale = scale
        self.near = near
        self.n_pairs = n_pairs
        self.donors = donors
        self.residual = residual
        self.channel_axis = channel_axis
        self.engine = engine

    def choose(
        self, plan: ResamplingPlan, neighbourhood: Neighbourhood
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return donor and neighbour of each image, and how much of their deformation is used."""
        self._check_parameters()
        engine_of(self.engine)
        bank = _PairBank.draw(neighbourhood, self.n_pairs)
        donor = np.empty(len(plan), dtype=np.intp)
        for label in np.unique(plan.y):
            rows = np.flatnonzero(plan.y == label)
            bases, position = np.unique(plan.base[rows], return_inverse=True)
            alike = neighbourhood.neighbors(
                bases, self._donors_for(label, bank, neighbourhood), self.near
            )
            pick = neighbourhood.rng.integers(alike.shape[1], size=len(rows))
            donor[rows] = alike[position.ravel(), pick]
        pick = neighbourhood.rng.integers(bank.n_near[donor])
        step = neighbourhood.rng.uniform(*self.scale, size=len(plan))
        step *= neighbourhood.rng.choice([-1.0, 1.0], size=len(plan))
        return np.column_stack([donor, bank.near[donor, pick]]), np.column_stack([-step, step])

    @on_planes
    def draw(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> NDArray[Any]:
        """Draw a block of synthetic images; see :mod:`imblearn_images.core.synthesis`."""
        warp, step = engine_of(self.engine).follow, weights[:, 1]
        donor, neighbor = partners[:, 0], partners[:, 1]
        unit = Unit.of(base, donor, neighbor)
        flow = _flow(unit, neighbor, donor)
        children = np.empty(base.shape, base.dtype)
        for rows in _strips(base):
            moves = flow[rows]
            child = warp(unit.scaled(base, rows), _scaled(moves, step[rows]))
            if self.residual:
                rest = unit.scaled(neighbor, rows)
                rest -= warp(unit.scaled(donor, rows), moves)
                child += _scaled(rest, self.residual * np.abs(step[rows]))
            children[rows] = stored(unit.back(child, rows), base.dtype)
        return children

    def explain(
        self, base: str, partners: Sequence[str], weights: Sequence[float], rng: Any
    ) -> str:
        """Describe what is drawn from images with these names."""
        (donor, neighbor), step = partners, weights[1]
        change = f"{donor} to {neighbor}" if step > 0 else f"{neighbor} back to {donor}"
        rest = f", plus {self.residual:.0%} of what else changes" if self.residual else ""
        return f"{base} deformed by {abs(step):.0%} of the change from {change}{rest}"

    @on_planes
    def layers(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> list[Layer]:
        """Return where each parent is visible; see :mod:`imblearn_images.core.layers`."""
        donor, neighbor = partners[:, 0], partners[:, 1]
        flow = _flow(Unit.of(donor, neighbor), neighbor, donor)[:]
        return [in_place(len(base), base.shape[1:3], flow=_scaled(flow, weights[:, 1]))]

    def _donors_for(
        self, label: Any, bank: _PairBank, neighbourhood: Neighbourhood
    ) -> NDArray[np.intp]:
        """Return the source rows that may be donors for the images of a class."""
        offers = bank.n_near > 0
        if self.donors == "all":
            return np.flatnonzero(offers)
        _, position, counts = np.unique(neighbourhood.y, return_inverse=True, return_counts=True)
        is_own = neighbourhood.y == label
        larger, own = offers & (counts[position] > is_own.sum()), offers & is_own
        return np.flatnonzero(larger if larger.any() else own if own.any() else offers)

    def _check_parameters(self) -> None:
        """Raise a ValueError for a parameter out of its range."""
        scale = np.asarray(self.scale, dtype=float)
        if scale.shape != (2,) or not 0 <= scale[0] <= scale[1] < np.inf:
            raise ValueError(
                f"`scale` must be two numbers, 0 <= low <= high, got {self.scale!r}; the sign is "
                "random."
            )
        for name, least in (("near", 1), ("n_pairs", 2)):
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < least:
                raise ValueError(f"`{name}` must be an integer of at least {least}, got {value!r}.")
        if self.donors not in ("larger", "all"):
            raise ValueError(f'`donors` must be "larger" or "all", got {self.donors!r}.')
        if not isinstance(self.residual, Real) or not 0 <= self.residual < np.inf:
            raise ValueError(f"`residual` must be a number of at least 0, got {self.residual!r}.")


@dataclass
class _PairBank:
    """Donors of all classes, and their neighbours, whose differences in shape are transferred."""

    near: NDArray[np.intp]  # (n, NEAREST), by source row
    n_near: NDArray[np.intp]  # (n,), how many of these count; 0 for a row that is not a donor

    @classmethod
    def draw(cls, neighbourhood: Neighbourhood, n_pairs: int) -> _PairBank:
        """Draw at most `n_pairs` pairs from each class that has two images."""
        n = len(neighbourhood.y)
        bank = cls(np.zeros((n, NEAREST), dtype=np.intp), np.zeros(n, dtype=np.intp))
        for label in np.unique(neighbourhood.y):
            members = np.flatnonzero(neighbourhood.y == label)
            if len(members) < 2:
                continue
            donors = neighbourhood.rng.permutation(members)[:n_pairs]
            near = neighbourhood.rng.permuted(
                neighbourhood.neighbors(donors, members, NEAREST), axis=1
            )
            bank.near[donors, : near.shape[1]] = near
            bank.n_near[donors] = min(near.shape[1], max(1, n_pairs // len(donors)))
        if not bank.n_near.any():
            raise ValueError(
                "TransferDeformation takes deformations from two images of a class, but no class "
                "has two; use Augment() instead."
            )
        return bank


def _strips(images: NDArray[Any]) -> list[slice]:
    """Return slices of a few images, whose floats stay in the processor's cache."""
    m, height = len(images), max(1, STRIP // max(1, prod(images.shape[1:])))
    return [slice(start, min(start + height, m)) for start in range(0, max(m, 1), height)]


def _flow(unit: Unit, reference: NDArray[Any], moving: NDArray[Any]) -> Flow:
    """Return the flow of pairs of images.

    It takes thousands of small NumPy calls, for a few pairs as for many, and threads get into each
    other's way between them: so it is found for all pairs of a block at once.
    """
    parts = ((unit.scaled(reference, rows), unit.scaled(moving, rows)) for rows in _strips(moving))
    return Flow.between(parts, max_side=FLOW_SIDE)


def _scaled(blocks: NDArray[Any], factors: NDArray[np.float64]) -> NDArray[Any]:
    """Return each row of `blocks` multiplied by its factor."""
    return blocks * factors.astype(blocks.dtype).reshape(-1, *(1,) * (blocks.ndim - 1))
