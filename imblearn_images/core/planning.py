"""Planning: choose the parents of synthetic images, and plan rejected ones again.

A sampler has decided how many images of which class are drawn (:mod:`.listening`). Here a
synthesis chooses their parents and shares, each gets a seed, and images that an accept rule
rejects get other parents, shares and seeds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_random_state

from imblearn_images.core.embedding import Similarity
from imblearn_images.core.images import Images, check_finite_images
from imblearn_images.core.parallel import in_threads
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import draw_rows
from imblearn_images.core.rules import Blend
from imblearn_images.core.synthesis import Neighbourhood, choose_parents, plan_synthetic
from imblearn_images.core.validation import misfit


def plan_synthesis(
    plan: ResamplingPlan,
    images: Any,
    y: NDArray[Any],
    rule: Any,
    accept: Any = None,
    *,
    features: NDArray[Any] | None = None,
    embedding: Any = None,
    nearness: str = "",
    rows: NDArray[np.intp] | None = None,
    random_state: Any = None,
    n_jobs: int | None = None,
) -> ResamplingPlan:
    """Let a synthesis choose parents, and an accept rule reject what is drawn from them.

    Without a synthesis, copies stay copies, and the accept rule sees only blended images.

    Parameters
    ----------
    plan : ResamplingPlan
        The decision of a sampler.
    images : Images or sparse matrix
        The source images.
    y : ndarray of shape (n,)
        Their labels.
    rule : Synthesis, callable, str or None
        How images are drawn; ``None``: blended, as the plan has them.
    accept : AcceptRule or callable, default=None
        Which of them are good enough; ``None``: all.
    features : ndarray of shape (n, d), default=None
        Features in which distances are measured, passed by the user or made by `embedding`.
        ``None``: those of :class:`~.similarity.Similarity`.
    embedding : transformer, default=None
        What made `features`; None if the user passed them. Synthetic images, of which there are
        then no such features, are compared by those of :class:`~.similarity.Similarity`.
    nearness : str
        Name of `features` for the plan, which records it if the synthesis measured distances and
        the sampler did not.
    rows : ndarray of shape (n,), default=None
        The user's row numbers, if the images are a part of the user's.
    random_state : int, RandomState instance or None
        Source of all seeds.
    n_jobs : int, default=None
        Number of threads.

    Returns
    -------
    plan : ResamplingPlan
        With the parents, shares and seeds of all synthetic rows.

    Raises
    ------
    ValueError
        For a sparse matrix, and for NaN in images that are to be mixed.
    """
    if accept is not None:
        check_accept(accept)
    if sparse.issparse(images):
        raise ValueError(
            "X must be an array where `synthesis` or `accept` is set, got a sparse matrix. Pass "
            "X.toarray()."
        )
    if features is None:
        embedding = None
    similarity = Similarity(
        images,
        embedding,
        None if embedding is None else features,
        n_jobs=n_jobs,
        channel_axis=_channel_axis(rule, images),
    )
    # imbalanced-learn has drawn its numbers before, which so stay those of the seed. 128 bits are
    # what a Generator is seeded with by default.
    entropy = check_random_state(random_state).randint(1 << 32, size=4, dtype=np.uint32)
    neighbourhood = Neighbourhood(
        y,
        lambda: similarity.source if features is None else features,
        np.random.default_rng(entropy.tolist()),
        similarity.of_source if features is None else None,
    )
    if rule is None:
        # Otherwise copies would become blends, too.
        rule, plan = Blend(), replace(plan, drawn=plan.synthetic)
    drawn = plan_synthetic(plan, rule, neighbourhood)
    _check_finite_parents(drawn, images, np.arange(len(y)) if rows is None else rows)
    if accept is not None:
        drawn = draw_until_accepted(
            drawn, plan, images, accept, neighbourhood, similarity, n_jobs=n_jobs
        )
    if neighbourhood.asked and not drawn.nearness:
        drawn = drawn.near_by(similarity.nearness if features is None else nearness)
    return drawn


def _channel_axis(rule: Any, images: Any) -> int | None:
    """Return the `channel_axis` of a synthesis, or of the first of its members that has one."""
    axes = [getattr(rule, "channel_axis", None)]
    # Chain and OneOf have no axis of their own, but all their members draw from the same images.
    members = getattr(rule, "syntheses", None)
    members = members if isinstance(members, (list, tuple)) else ()  # `as_objects` raises later
    axes += [_channel_axis(member, images) for member in members]
    axis = next((axis for axis in axes if axis is not None), None)
    if not sparse.issparse(images) and images.paths is not None and axis not in (None, -1, 2):
        raise ValueError(
            f"`channel_axis` must be None or -1 for files, which are read as (H, W, C), got "
            f"{axis!r}."
        )
    return axis


def _check_finite_parents(plan: ResamplingPlan, images: Any, names: NDArray[np.intp]) -> None:
    """Raise for NaN and infinity in the parents of synthetic rows."""
    drawn = plan.synthetic
    # Only of these rows NaN would spread; an image is checked once, however often it is a parent.
    rows = np.unique(np.append(plan.base[drawn], plan.partners[drawn]))
    remedy = "RandomOverSampler() without `synthesis` copies them as they are"
    check_finite_images(images, rows, names, remedy)


TRIES = 3  # how often an image is drawn for an accept rule without `max_tries`
BATCH = 1 << 22  # pixels of synthetic images that an accept rule gets at a time


class AcceptRule(Protocol):
    """What may be passed as `accept`, besides a function ``(images, labels) -> mask``."""

    @property
    def max_tries(self) -> int:
        """Maximum number of times that an image is drawn; a plain attribute will do."""

    def accept(
        self,
        images: NDArray[Any],
        plan: ResamplingPlan,
        neighbourhood: Neighbourhood,
        similarity: Similarity,
    ) -> NDArray[np.bool_]:
        """Return a bool for each of the `images`, (m, H, W[, C]), which are the rows of `plan`."""


def check_accept(accept: Any) -> None:
    """Raise for anything that cannot accept or reject synthetic images.

    Raises
    ------
    TypeError
        For a class instead of an object, and for a function with other parameters.

    Examples
    --------
    >>> check_accept(lambda image: True)
    Traceback (most recent call last):
        ...
    TypeError: `accept` must be an object such as NeighborsAgree() or a function (images, labels) ->
    mask, got <function <lambda> at ...>: it takes (image), too many positional arguments.
    """
    reason = ""
    if isinstance(accept, type):
        reason = f"; did you mean {accept.__name__}()?"
    elif not (callable(accept) or hasattr(accept, "accept")):
        reason = "."
    elif hasattr(accept, "accept"):
        misfits = misfit(accept.accept, "images", "plan", "neighbourhood", "similarity")
        reason = (
            misfits
            and f": `accept` must take (images, plan, neighbourhood, similarity), {misfits}."
        )
    else:
        misfits = misfit(accept, "images", "labels")
        reason = misfits and f": {misfits}."
    if reason:
        raise TypeError(
            "`accept` must be an object such as NeighborsAgree() or a function (images, labels) -> "
            f"mask, got {accept!r}{reason}"
        )


def draw_until_accepted(
    plan: ResamplingPlan,
    decided: ResamplingPlan,
    images: Images,
    accept: Any,
    neighbourhood: Neighbourhood,
    similarity: Similarity,
    *,
    n_jobs: int | None = None,
) -> ResamplingPlan:
    """Change the parents, shares and seeds of rejected synthetic images until they are accepted.

    Parameters
    ----------
    plan : ResamplingPlan
        The plan whose synthetic images may be rejected.
    decided : ResamplingPlan
        The same plan before the synthesis has chosen parents, so that it can choose again. A
        partner that the sampler has chosen stays, and its share is reduced at random.
    images : Images
        The source images.
    accept : AcceptRule or callable
        A function is called with blocks of synthetic images and their labels.
    neighbourhood : Neighbourhood
        Where other parents are looked for.
    similarity : Similarity
        Features of sources and synthetic images.
    n_jobs : int, default=None
        Number of threads.

    Returns
    -------
    plan : ResamplingPlan
        ``tries`` counts how often each synthetic image was drawn. An image that is rejected in
        the last try stays, so that the classes have the sizes that were requested.

    Warns
    -----
    UserWarning
        Naming the classes of which no synthetic image was accepted.
    """
    max_tries = getattr(accept, "max_tries", TRIES)
    tries, accepted = np.zeros(len(plan), dtype=np.intp), np.ones(len(plan), dtype=np.bool_)
    pending = np.flatnonzero(plan.synthetic)
    while len(pending):
        tries[pending] += 1
        blocks = list(_blocks(plan, images, pending))

        # `current` is bound now: `plan` is another one in the next round.
        def judged(rows: NDArray[np.intp], current: ResamplingPlan = plan) -> NDArray[np.bool_]:
            return _accepted(accept, current[rows], images, neighbourhood, similarity)

        good = np.concatenate(in_threads(judged, ((rows,) for rows in blocks), n_jobs=n_jobs))
        accepted[pending] = good
        # Accepted images keep parents and seeds: they will be drawn as the rule has seen them.
        pending = pending[~good]
        pending = pending[tries[pending] < max_tries]
        if len(pending):
            plan = _other_parents(plan, decided, pending, neighbourhood)
    # A class without a single accepted image is a rule that does not fit, not bad luck.
    hopeless = np.setdiff1d(plan.y[plan.synthetic], plan.y[plan.synthetic & accepted])
    if len(hopeless):
        neighbourhood.warn(
            "`accept` has accepted no synthetic image of "
            f"{', '.join(map(repr, hopeless.tolist()))} in any try; all of them stay as they were "
            "drawn last. Look at some of them; use a less strict rule, or leave these classes out "
            "of `sampling_strategy`."
        )
    return replace(plan, tries=tries, accepted=accepted)


def _blocks(
    plan: ResamplingPlan, images: Images, rows: NDArray[np.intp]
) -> Iterator[NDArray[np.intp]]:
    """Yield rows in blocks of up to :data:`BATCH` pixels; one by one if sizes differ."""
    height = 1
    if images.uniform is not None:
        height = max(1, BATCH // max(1, prod(images.uniform)))
    for start in range(0, len(rows), height):
        yield rows[start : start + height]


def _accepted(
    accept: Any,
    plan: ResamplingPlan,
    images: Images,
    neighbourhood: Neighbourhood,
    similarity: Similarity,
) -> NDArray[np.bool_]:
    """Draw the rows of a plan and return which of them the rule accepts."""
    drawn = draw_rows(plan, images)
    if hasattr(accept, "accept"):
        good = accept.accept(drawn, plan, neighbourhood, similarity)
    else:
        good = accept(drawn, plan.y)
    good = np.asarray(good)
    # Scores instead of bools would count as accepted wherever they are not 0.
    if good.shape != (len(plan),) or good.dtype.kind != "b":
        raise ValueError(
            f"`accept` must return one bool for each of the {len(plan)} images that were "
            f"drawn, got shape {good.shape} and dtype {good.dtype}."
        )
    return good


def _other_parents(
    plan: ResamplingPlan,
    decided: ResamplingPlan,
    rows: NDArray[np.intp],
    neighbourhood: Neighbourhood,
) -> ResamplingPlan:
    """Return the same plan, in which `rows` have other seeds, shares and, if chosen, parents."""
    assert plan.seeds is not None
    partners, weights, seeds = plan.partners.copy(), plan.weights.copy(), plan.seeds.copy()
    seeds[rows] = neighbourhood.seeds(len(rows))
    children = decided[rows]
    # Nearer to its base, which is a real image of the class, a blend is more likely to pass.
    cut = children.weights * neighbourhood.rng.uniform(size=(len(rows), 1))
    children = replace(children, weights=cut, seeds=seeds[rows])
    partners[rows], weights[rows] = choose_parents(children, plan.synthesis, neighbourhood)
    return replace(plan, partners=partners, weights=weights, seeds=seeds)
