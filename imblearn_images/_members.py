"""Members: samplers in front of a classifier, as one estimator; what classifiers take."""

from __future__ import annotations

from math import prod
from numbers import Integral, Real
from typing import Any

from imblearn.pipeline import Pipeline
from sklearn.base import clone
from sklearn.pipeline import Pipeline as SklearnPipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from imblearn_images.core.containers import holds_paths
from imblearn_images.core.estimators import takes_of, unseeded
from imblearn_images.core.images import Images
from imblearn_images.image_sampler import ImageSampler
from imblearn_images.preprocessing import FlattenImages, ReadImages

__all__ = [
    "alike",
    "class_weight_of",
    "growth_of",
    "multiplies",
    "on_images",
    "same_penalty",
    "samplers_of",
    "seeded",
    "takes_images",
    "takes_weights",
]


def class_weight_of(estimator: Any, prefix: str = "") -> str | None:
    """Return the name of the parameter class_weight inside Pipelines and searches; None without."""
    if isinstance(estimator, SklearnPipeline):
        step, last = estimator.steps[-1]
        return class_weight_of(last, f"{prefix}{step}__")
    parameters = estimator.get_params(deep=False)
    if "class_weight" in parameters:
        return f"{prefix}class_weight"
    inner = parameters.get("estimator")
    return None if inner is None else class_weight_of(inner, f"{prefix}estimator__")


def same_penalty(estimator: Any, sampler: Any, growth: float | None = None) -> Any:
    """Clone whose penalty stands to the images as before, where a sampler multiplies all of them.

    A penalty ``C`` of scikit-learn weighs against the sum over all rows: behind nine pictures of
    every image it is a ninth as strong. Divided by nine, an image and its pictures weigh as one.

    Parameters
    ----------
    estimator : classifier or Pipeline
        With `C` in its last step; any other is left as it is.
    sampler : sampler, Pipeline of samplers or None
        Such as ``RedrawImages(times=8, keep=True)``; those that balance change nothing.
    growth : float, default=None
        Rows that there are of an image, if they are not those that `sampler` makes.

    Returns
    -------
    twin : classifier or Pipeline

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from imblearn_images import SMOTE, recipes
    >>> same_penalty(LogisticRegression(C=4.5), recipes.many()).C
    0.5
    >>> same_penalty(LogisticRegression(C=4.5), SMOTE()).C
    4.5
    """
    twin, growth = clone(estimator), growth_of(sampler) if growth is None else growth
    last = twin
    while isinstance(last, SklearnPipeline):
        last = last.steps[-1][1]
    if growth > 1 and hasattr(last, "get_params"):
        penalty = last.get_params(deep=False).get("C")
        if isinstance(penalty, Real):
            last.set_params(C=float(penalty) / growth)
    return twin


def multiplies(sampler: Any) -> bool:
    """Return whether a sampler keeps every image, and adds as many pictures of each.

    What it draws of some images alone is then a training set of these. Not so if it has features
    or an accept rule of its own, which learn from all images, nor behind another sampler, which
    would have seen all of them.

    Examples
    --------
    >>> from imblearn_images import RedrawImages, recipes
    >>> multiplies(recipes.many()), multiplies(recipes.mild()), multiplies(None)
    (True, False, False)
    >>> multiplies(RedrawImages(times=2, embedding="thumbnail"))
    False
    >>> multiplies(RedrawImages(times=2))  # of a rare image none may be left in a fold
    False
    """
    steps = (
        [step for _, step in sampler.steps] if isinstance(sampler, SklearnPipeline) else [sampler]
    )
    return all(
        growth_of(step) > 1
        and getattr(step, "keep", False)
        and all(getattr(step, name, None) is None for name in ("embedding", "accept"))
        for step in steps
    )


def growth_of(sampler: Any) -> int:
    """Rows that samplers make of every image, if of all the same number; 1 elsewhere."""
    if isinstance(sampler, SklearnPipeline):
        return prod(growth_of(step) for _, step in sampler.steps)
    params = sampler.get_params(deep=False) if hasattr(sampler, "get_params") else {}
    times, keeps = params.get("times"), params.get("keep")
    if params.get("sampling_strategy") is not None or not isinstance(times, Integral):
        return 1
    return int(times) + bool(keeps)


def takes_weights(estimator: Any) -> bool:
    """Return whether a classifier, or the last step of a Pipeline, takes sample weights."""
    if isinstance(estimator, SklearnPipeline):
        return takes_weights(estimator.steps[-1][1])
    return bool(has_fit_parameter(estimator, "sample_weight"))


def samplers_of(candidate: Any, X: Any) -> list[tuple[str, Any]]:
    """Return (name, sampler) for a sampler, or for each in a Pipeline, so that it takes `X`.

    Samplers that do not know images are wrapped in ImageSampler, unless X holds rows of pixels.
    """
    if isinstance(candidate, SklearnPipeline):
        return [
            (f"{name}-{inner}", step)
            for name, part in candidate.steps
            for inner, step in samplers_of(part, X)
        ]
    rows = getattr(X, "ndim", 2) == 2 and not isinstance(X, Images)
    if rows or not hasattr(candidate, "fit_resample") or _knows_images(candidate):
        return [("sampler", candidate)]
    return [("sampler", ImageSampler(candidate))]


def _knows_images(sampler: Any) -> bool:
    """Return whether a sampler takes images in their own shape, by its tags."""
    return bool(get_tags(sampler).input_tags.three_d_array)


def on_images(samplers: list[tuple[str, Any]], estimator: Any, X: Any) -> Any:
    """Return a Pipeline of samplers and an estimator, with the reading and flattening it needs.

    Without samplers or other steps, the estimator itself is returned.
    """
    steps = list(samplers)
    is_reader = isinstance(estimator, SklearnPipeline) and isinstance(estimator[0], ReadImages)
    if holds_paths(X):
        # On files, samplers that draw need an `output_dir`. Without one the reader goes first.
        writes = any(getattr(sampler, "output_dir", None) for _, sampler in samplers)
        if is_reader and samplers and not writes:
            steps, estimator = [("read", estimator[0]), *steps], estimator[1:]
        elif not takes_of(estimator)[1] and not takes_images(estimator):
            steps = [("read", ReadImages()), *steps]
    if getattr(X, "ndim", 2) != 2 and not takes_images(estimator):
        steps.append(("flatten", FlattenImages()))
    return Pipeline([*steps, ("estimator", estimator)]) if steps else estimator


def takes_images(estimator: Any) -> bool:
    """Return whether an estimator, or one inside a meta-estimator, takes images."""
    if takes_of(estimator)[0]:
        return True
    if isinstance(estimator, SklearnPipeline) or not hasattr(estimator, "get_params"):
        return False
    parts = (part for key, part in estimator.get_params().items() if "__" not in key)
    return any(hasattr(part, "fit") and takes_images(part) for part in parts)


def seeded(estimator: Any, seed: int) -> Any:
    """Return a clone in which every ``random_state`` that is None is `seed`."""
    twin = clone(estimator)
    unset = dict.fromkeys(unseeded(twin), seed)
    return twin.set_params(**unset) if unset else twin


def alike(one: Any, other: Any) -> bool:
    """Return whether two estimators, or lists of them, have the same parameters.

    Arrays and functions count as the same only if they are one object.

    Examples
    --------
    >>> alike(ReadImages((8, 8)), ReadImages((8, 8))), alike([ReadImages((8, 8))], [ReadImages()])
    (True, False)
    """
    if one is other:
        return True
    if type(one) is not type(other) or isinstance(one, type):
        return False
    if hasattr(one, "get_params"):
        mine, theirs = one.get_params(deep=False), other.get_params(deep=False)
        return all(alike(mine[name], theirs[name]) for name in mine)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    return isinstance(one, (str, Real)) and bool(one == other)
