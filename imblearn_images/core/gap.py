"""Gap: how easily synthetic images can be told from real ones of their class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold
from sklearn.utils import check_random_state

from imblearn_images.core.columns import plain_list
from imblearn_images.core.estimators import as_wanted
from imblearn_images.core.hog import hog_features
from imblearn_images.core.images import Images, open_images
from imblearn_images.core.plan import ResamplingPlan, check_plan
from imblearn_images.core.rendering import DrawnImages
from imblearn_images.core.text import align

__all__ = ["SynthesisGap", "gap_between", "gap_of", "synthesis_gap"]

FEW = 8
"""Minimum number of real, and of synthetic, images of a class that is tested."""
TOLD = 0.9
"""Area under the curve from which the report says that a model tells them apart."""
UNEVEN = 0.2
"""Difference between the classes' shares of synthetic images from which it warns."""


@dataclass(frozen=True, eq=False, repr=False)
class SynthesisGap:
    """How easily synthetic images can be told from real ones; see :func:`synthesis_gap`.

    Read more in the :ref:`User Guide <how-real-are-they>`.
    """

    auc: float
    """Area under the ROC curve, mean over the classes weighted by their numbers of synthetic
    images. 0.5: they cannot be told apart, 1: always; NaN if no class has enough images."""
    by_class: Mapping[Any, float]
    """Class -> its area under the ROC curve."""
    shares: Mapping[Any, float]
    """Class -> share of its images in the resampled set that are synthetic."""

    @property
    def uneven(self) -> float:
        """Difference between the largest and the smallest share of synthetic images."""
        return max(self.shares.values()) - min(self.shares.values())

    @property
    def warning(self) -> str:
        """The risk, in a sentence or two, if the gap is large and the shares differ; or ""."""
        if not (self.auc >= TOLD and self.uneven >= UNEVEN):
            return ""
        most = max(self.shares, key=self.shares.__getitem__)
        least = min(self.shares, key=self.shares.__getitem__)
        return (
            f"A linear model tells synthetic images from real ones of their class (AUC "
            f"{self.auc:.2f}), and {self.shares[most]:.0%} of class {most!r} are synthetic, of "
            f"{least!r} {self.shares[least]:.0%}: a classifier may take what looks synthetic for "
            "rare. That cost linear models up to 3 points on some sets, and gained on others. "
            "Compare; if it does harm, draw pictures of every class (recipes.many), or average."
        )

    def __repr__(self) -> str:
        rows = [[str(c), f"{a:.2f}", f"{self.shares[c]:.0%}"] for c, a in self.by_class.items()]
        lines = [f"AUC {self.auc:.2f} of synthetic against real images"]
        lines += [align(["class", "AUC", "synthetic"], rows)] * bool(rows)
        return "\n".join([*lines, self.warning] if self.warning else lines)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


def synthesis_gap(
    plan: Any,
    X: Any,
    *,
    features: Any = None,
    max_images: int = 200,
    random_state: int | np.random.RandomState | None = 0,
) -> SynthesisGap:
    """Test whether a linear model can tell the synthetic images of a plan from real ones.

    A classifier that sees such a difference, and sees it in rare classes only, learns that what
    looks synthetic is rare. The test is made within each class, on features such as the
    classifier's own, by cross-validation that keeps an image and what is drawn from it in the
    same fold.

    Read more in the :ref:`User Guide <how-real-are-they>`.

    Parameters
    ----------
    plan : ResamplingPlan or fitted sampler
        A sampler's ``plan_`` after ``fit_resample``, or the sampler.
    X : images
        What it was drawn for: an array, paths, or any home of pixels.
    features : fitted transformer or function, default=None
        Makes features of images, e.g. the steps of a fitted Pipeline before its classifier,
        ``pipeline[1:-1]``. ``None``: :class:`~imblearn_images.preprocessing.HOGFeatures`.
    max_images : int, default=200
        Maximum number of real images, and of synthetic ones, of each class; at least 8.
    random_state : int, RandomState instance or None, default=0
        Seed of the choice of these images.

    Returns
    -------
    gap : SynthesisGap
        ``auc``, ``by_class``, ``shares`` and, where the gap is large and the shares differ, a
        ``warning``.

    Raises
    ------
    TypeError
        If `plan` is neither a plan nor a fitted sampler.
    ValueError
        If the plan has rows that cannot be drawn again, or no synthetic ones, or `max_images` is
        not an integer of at least 8.

    Notes
    -----
    A large gap is a hint, not a verdict: recipes that have one help more often than not. Classes
    with fewer than 8 real or 8 synthetic images are left out; real images are those that the plan
    keeps as they are.

    References
    ----------
    .. [1] D. Lopez-Paz, M. Oquab, "Revisiting classifier two-sample tests", ICLR 2017.

    Examples
    --------
    >>> from imblearn_images import recipes
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> mild = recipes.mild(random_state=0)
    >>> X_res, y_res = mild.fit_resample(images, labels)
    >>> gap = synthesis_gap(mild, images)
    >>> {label: f"{share:.2f}" for label, share in gap.shares.items()}
    {'brick': '0.00', 'grass': '0.69', 'gravel': '0.90'}
    >>> sorted(gap.by_class), 0.5 < gap.auc < 0.9, gap.warning
    (['grass', 'gravel'], True, '')
    """
    plan = plan if isinstance(plan, ResamplingPlan) else getattr(plan, "plan_", plan)
    check_plan(plan)
    if not isinstance(max_images, Integral) or max_images < FEW:
        raise ValueError(f"`max_images` must be an integer of at least {FEW}, got {max_images!r}.")
    images = open_images(X)
    if not plan.synthetic.any():
        raise ValueError("The plan has no synthetic images, so there is nothing to tell apart.")
    return _told_apart(
        plan, lambda rows: _described(plan[rows], images, features), max_images, random_state
    )


def gap_between(plan: ResamplingPlan, real: NDArray[Any], drawn: NDArray[Any]) -> SynthesisGap:
    """Return the gap from known features: `real` of the source images, `drawn` of the rows."""

    def described(rows: NDArray[np.intp]) -> NDArray[np.float64]:
        found = drawn[rows].astype(np.float64)
        plain = ~plan.synthetic[rows]
        # Of copies there are features already: those of the image that they repeat.
        found[plain] = real[plan.first_base[rows[plain]]]
        return found

    return _told_apart(plan, described, 200, 0)


def _told_apart(
    plan: ResamplingPlan,
    described: Callable[[NDArray[np.intp]], NDArray[np.float64]],
    max_images: int,
    random_state: int | np.random.RandomState | None,
) -> SynthesisGap:
    """Return the gap, with features from `described`, which takes rows of the plan."""
    made, rng = plan.synthetic, check_random_state(random_state)
    labels = plain_list(np.unique(plan.y))
    shares = {label: float(made[plan.y == label].mean()) for label in labels}
    chosen: dict[Any, tuple[NDArray[np.intp], ...]] = {}
    for label in labels:
        own = plan.y == label
        real = np.flatnonzero(own & ~made)
        real = real[np.unique(plan.first_base[real], return_index=True)[1]]  # each image once
        drawn = np.flatnonzero(own & made)
        # Of fewer images a curve says nothing; such a class is left out of the mean.
        if min(len(real), len(drawn)) >= FEW:
            chosen[label] = tuple(rng.permutation(each)[:max_images] for each in (real, drawn))
    by_class, sizes = {}, []
    if chosen:
        rows = np.concatenate([part for pair in chosen.values() for part in pair])
        scores = _scores(described(rows), made[rows], plan.y[rows], plan.first_base[rows])
        for label in chosen:
            own = plan.y[rows] == label
            by_class[label] = float(roc_auc_score(made[rows][own], scores[own]))
            sizes.append(int(np.count_nonzero(made[plan.y == label])))
    auc = float(np.average(list(by_class.values()), weights=sizes)) if by_class else np.nan
    return SynthesisGap(auc, by_class, shares)


def gap_of(fitted: Any, plan: ResamplingPlan, X: Any) -> SynthesisGap | None:
    """Return the gap in the features of a fitted Pipeline; None if rows cannot be drawn again."""
    if plan.why_not or not plan.synthetic.any():
        return None
    steps = [step for _, step in fitted.steps[:-1] if not hasattr(step, "fit_resample")]
    last = fitted.steps[-1][1]
    while hasattr(last, "steps"):  # the estimator itself may be a Pipeline
        steps += [step for _, step in last.steps[:-1]]
        last = last.steps[-1][1]

    def features(images: Any) -> Any:
        for step in steps:
            images = step.transform(as_wanted(step, images)) if step != "passthrough" else images
        return images

    return synthesis_gap(plan, X, features=features)


def _described(plan: ResamplingPlan, images: Images, features: Any) -> NDArray[np.float64]:
    """Return features of the rows of a plan, shape (n, d); a hundred images exist at a time."""
    drawn = DrawnImages(plan, images)
    drawn.look_at(np.arange(len(plan)))
    shape = drawn.shape_of(0)
    if features is None:
        features = hog_features
    blocks = []
    for start in range(0, len(plan), 100):
        rows = np.arange(start, min(start + 100, len(plan)))
        pixels = np.empty((len(rows), *shape), dtype=drawn.dtype)
        drawn.read(rows, pixels)
        if hasattr(features, "transform"):
            found = features.transform(as_wanted(features, pixels))
        else:
            found = features(pixels)
        found = found.toarray() if hasattr(found, "toarray") else np.asarray(found)
        blocks.append(found.reshape(len(rows), -1).astype(np.float64))
    return np.concatenate(blocks)


def _scores(
    features: NDArray[np.float64],
    made: NDArray[np.bool_],
    y: NDArray[Any],
    bases: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Return how synthetic each row looks to a model fitted without its base image, shape (n,)."""
    centred = features.copy()
    # Centred by class, so that the model cannot profit from different shares of synthetic images;
    # at the mean of both kinds, so that the centre itself does not depend on these shares.
    for label in np.unique(y):
        own = y == label
        means = [features[own & part].mean(axis=0) for part in (made, ~made)]
        centred[own] -= np.mean(means, axis=0)
    # One scale for all features: scaled each by itself, those that hardly vary would add noise.
    centred /= centred.std() or 1.0
    scores = np.zeros(len(y))
    # Grouped by base: a model that has seen an image would know what is drawn from it.
    n_folds = min(5, len(np.unique(bases)))
    for train, test in GroupKFold(n_folds).split(centred, made, bases):
        # One kind alone teaches nothing; rows of such a fold keep the score 0, in the middle.
        if len(np.unique(made[train])) == 2:
            model = LogisticRegression(class_weight="balanced", C=0.1, tol=1e-2, max_iter=200)
            scores[test] = model.fit(centred[train], made[train]).decision_function(centred[test])
    return scores
