"""Acceptance: children that a judge rejects are drawn again, a few times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core.images import FileImages, Images
from imblearn_images.core.kin import Kin
from imblearn_images.core.likeness import Likeness
from imblearn_images.core.parallel import in_threads
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import draw_rows
from imblearn_images.core.signatures import misfit
from imblearn_images.core.synthesis import choose_parents

TRIES = 3  # for judges that do not say how often a child may be drawn
BATCH = 1 << 22  # pixels of children that are judged at a time


class Judge(Protocol):
    """What may be passed as `accept`, besides a function ``(images, labels) -> mask``."""

    max_tries: int

    def judge(
        self, images: NDArray[Any], children: ResamplingPlan, kin: Kin, likeness: Likeness
    ) -> NDArray[np.bool_]:
        """Tell which of the `images`, shape (m, H, W[, C]), the rows of `children`, are good."""


def check_judge(accept: Any) -> None:
    """Refuse what cannot judge children.

    Raises
    ------
    TypeError
        For a class instead of an object, and what takes other arguments than it will be given.

    Examples
    --------
    >>> check_judge(lambda image: True)
    Traceback (most recent call last):
        ...
    TypeError: `accept` must be an object such as NeighborsAgree() or a function (images, labels) ->
    mask, got <function <lambda> at ...>: it takes (image), too many positional arguments.
    """
    reason = ""
    if isinstance(accept, type):
        reason = f"; did you mean {accept.__name__}()?"
    elif not (callable(accept) or hasattr(accept, "judge")):
        reason = "."
    elif hasattr(accept, "judge"):
        misfits = misfit(accept.judge, "images", "children", "kin", "likeness")
        reason = misfits and f": `judge` must take (images, children, kin, likeness), {misfits}."
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
    kin: Kin,
    likeness: Likeness,
    *,
    n_jobs: int | None = None,
) -> ResamplingPlan:
    """Change the parents, shares and seeds of rejected children until they are accepted.

    Parameters
    ----------
    plan : ResamplingPlan
        Whose children are judged.
    decided : ResamplingPlan
        The same before the synthesis has chosen parents: it is asked to choose again. A
        partner that the sampler has chosen stays, its share is cut at random.
    images : Images
        The source images.
    accept : Judge or callable
        A function is called with blocks of children and their labels.
    kin : Kin
        Where other parents are looked for.
    likeness : Likeness
        Features of sources and children.
    n_jobs : int, default=None
        Threads.

    Returns
    -------
    plan : ResamplingPlan
        ``tries`` counts how often each child was drawn. One that is not ``accepted`` in the
        last try stays, so that the classes have the sizes that were asked for.

    Warns
    -----
    UserWarning
        Naming the classes of which no child was accepted.
    """
    max_tries = getattr(accept, "max_tries", TRIES)
    tries, accepted = np.zeros(len(plan), dtype=np.intp), np.ones(len(plan), dtype=np.bool_)
    pending = np.flatnonzero(plan.synthetic)
    while len(pending):
        tries[pending] += 1
        blocks = list(_blocks(plan, images, pending))

        def judged(rows: NDArray[np.intp], current: ResamplingPlan = plan) -> NDArray[np.bool_]:
            return _judge(accept, current[rows], images, kin, likeness)

        good = np.concatenate(in_threads(judged, ((rows,) for rows in blocks), n_jobs=n_jobs))
        accepted[pending] = good
        pending = pending[~good]
        pending = pending[tries[pending] < max_tries]
        if len(pending):
            plan = _other_parents(plan, decided, pending, kin)
    hopeless = np.setdiff1d(plan.y[plan.synthetic], plan.y[plan.synthetic & accepted])
    if len(hopeless):
        kin.warn(
            f"`accept` has accepted no child of {', '.join(map(repr, hopeless.tolist()))} in any "
            "try; all of them stay as they were drawn last. Look at some, and judge less strictly, "
            "or leave these classes out of `sampling_strategy`."
        )
    return replace(plan, tries=tries, accepted=accepted)


def _blocks(
    plan: ResamplingPlan, images: Images, rows: NDArray[np.intp]
) -> Iterator[NDArray[np.intp]]:
    height = 1  # files may differ in size
    if not isinstance(images, FileImages):
        height = max(1, BATCH // max(1, prod(images.shape_of(0))))
    for start in range(0, len(rows), height):
        yield rows[start : start + height]


def _judge(
    accept: Any, children: ResamplingPlan, images: Images, kin: Kin, likeness: Likeness
) -> NDArray[np.bool_]:
    drawn = draw_rows(children, images)
    if hasattr(accept, "judge"):
        good = accept.judge(drawn, children, kin, likeness)
    else:
        good = accept(drawn, children.y)
    good = np.asarray(good)
    if good.shape != (len(children),) or good.dtype.kind != "b":
        raise ValueError(
            f"`accept` must tell for each of {len(children)} children whether it is good, as bool; "
            f"got shape {good.shape} and dtype {good.dtype}."
        )
    return good


def _other_parents(
    plan: ResamplingPlan, decided: ResamplingPlan, rows: NDArray[np.intp], kin: Kin
) -> ResamplingPlan:
    """Same plan, `rows` with other seeds and, as far as the synthesis allows, parents."""
    assert plan.seeds is not None
    partners, weights, seeds = plan.partners.copy(), plan.weights.copy(), plan.seeds.copy()
    seeds[rows] = kin.seeds(len(rows))
    children = decided[rows]
    cut = children.weights * kin.rng.uniform(size=(len(rows), 1))
    children = replace(children, weights=cut, seeds=seeds[rows])
    partners[rows], weights[rows] = choose_parents(children, plan.synthesis, kin)
    return replace(plan, partners=partners, weights=weights, seeds=seeds)
