"""Recipes: samplers that were measured to help, by name.

Each function makes a sampler, to be put in front of a classifier, or into a loop that trains a
network. The README, ``imblearn-images compare`` and ``balance --method``, and the benchmark
``tests/benchmarks/efficacy.py``, which prints what they are worth, all use these.

No recipe helps everywhere, and the baseline to beat makes no images at all: the untouched
classifier in a :class:`~imblearn_images.decision.PriorCorrectedClassifier`. For whom each is:

- *networks*: all four; :func:`mild` is the even choice, the others are for objects
- *linear models* of fixed features, such as HOG: :func:`many`, with prior correction behind it
  and nine times less `C`::

      model = make_pipeline(recipes.many(lazy=True), HOGFeatures(), LogisticRegression(C=3 / 9))
      fair = PriorCorrectedClassifier(model, prior="uniform")

  The others cost such a model points on one set or another, even with a small step further against
  the frequent classes (``PriorCorrectedClassifier(model, prior="uniform", model_prior="train",
  tau=0.3)``).

Beside prior correction alone :func:`many` gained 0.3 to 2.6 points on digits, textures, faint
textures and clothes, inside their training parts; the worst of the others were -1.3 (mild, clothes)
and -1.9 (mix, faint textures). So says ``tests/benchmarks/efficacy.py recipes digits textures faint
fashion --seeds 3``, which takes sets of your own, too. On the test parts of seven sets (``recipes
--test --seeds 2``) it gained 2.1 on average, and -0.7 on the worst, groceries in a strong tail. Two
things make the difference. *Noise*: HOG divides by the contrast, so that in faint images it sees
hardly anything else; with the noise of :func:`mild` the same pictures lost 8.9 points on faint
textures. *The penalty*: beside nine times the images the same `C` is nine times weaker.

Where you do not want to choose, a :class:`~imblearn_images.ensemble.PolicyEnsembleClassifier` tries
all of them by cross-validation inside, drops what harms, and averages the rest. Compare on your own
images: ``imblearn-images compare photos/ --methods mild transfer mix many``, or
:func:`~imblearn_images.model_selection.compare_resamplers`, where "many" has its correction and its
penalty.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from imblearn_images._docstrings import substitute
from imblearn_images.combine._chain import SamplerChain
from imblearn_images.over_sampling import RandomOverSampler, RedrawImages
from imblearn_images.synthesis import Augment, Chain, OneOf, TransferDeformation

__all__ = ["many", "mild", "mix", "transfer"]


@substitute
def mild(
    *,
    sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
    random_state: int | np.random.RandomState | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
) -> RandomOverSampler:
    """Random over-sampling, each copy a little turned, shifted, zoomed and lit: ``Augment()``.

    {guide=which-sampler}

    Parameters
    ----------
    {sampling_strategy_over}
    {random_state}
    {output_dir}
    {n_jobs}

    Returns
    -------
    sampler : RandomOverSampler

    Notes
    -----
    *Helps* networks: better than plain copies on photos of objects, small grey images, blood cells
    and textures alike, the even choice, and cheap. Another set for every epoch, each of another
    `random_state`, helps more than one that is stored.

    *Harms* linear models of fixed features, such as HOG: on some textures far below plain copies,
    for what looks altered is taken to be rare, and below prior correction on clothes.
    :func:`~imblearn_images.model_selection.synthesis_gap` says where to beware; :func:`many` is the
    recipe for these.

    See Also
    --------
    transfer, mix : The other recipes.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> sampler = mild(random_state=0)
    >>> X_res, y_res = sampler.fit_resample(images, labels)
    >>> sampler.plan_
    ResamplingPlan(361 images -> 768 rows: 361 original, 0 copies, 407 synthetic, drawn by Augment)
    """
    return RandomOverSampler(
        synthesis=Augment(),
        sampling_strategy=sampling_strategy,
        random_state=random_state,
        output_dir=output_dir,
        n_jobs=n_jobs,
    )


@substitute
def transfer(
    *,
    sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
    random_state: int | np.random.RandomState | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
) -> RandomOverSampler:
    """Random over-sampling, each copy bent as images of larger classes are seen to differ.

    The synthesis is :class:`~imblearn_images.synthesis.TransferDeformation`: no transform has to
    be chosen by hand.

    {guide=which-sampler}

    Parameters
    ----------
    {sampling_strategy_over}
    {random_state}
    {output_dir}
    {n_jobs}

    Returns
    -------
    sampler : RandomOverSampler

    Notes
    -----
    *Helps* on objects, which bend and turn: for networks the best of the three on groceries and on
    small photos of animals and vehicles, and level with :func:`mild` on clothes.

    *Harms* on textures, which do not bend: networks gain nothing, and linear models of HOG
    features lost more than with any other recipe.

    See Also
    --------
    mild, mix : The other recipes.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> sampler = transfer(random_state=0)
    >>> X_res, y_res = sampler.fit_resample(images, labels)
    >>> sampler.plan_.rule, int(sampler.plan_.synthetic.sum())
    ('TransferDeformation', 407)
    """
    return RandomOverSampler(
        synthesis=TransferDeformation(),
        sampling_strategy=sampling_strategy,
        random_state=random_state,
        output_dir=output_dir,
        n_jobs=n_jobs,
    )


@substitute
def mix(
    *,
    sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
    random_state: int | np.random.RandomState | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
) -> SamplerChain:
    """Copies, then half of every class redrawn by deformations, then two fifths altered mildly.

    The largest class gets the same share of synthetic images as the smallest, so that "synthetic"
    means nothing to a classifier.

    {guide=which-sampler}

    Parameters
    ----------
    {sampling_strategy_over}
    {random_state}
    {output_dir}
    {n_jobs}

    Returns
    -------
    sampler : SamplerChain
        Of ``RandomOverSampler``, ``RedrawImages(TransferDeformation(donors="all"), share=0.5)``
        and ``RedrawImages(Augment(), share=0.4)``.

    Notes
    -----
    *Helps* networks and linear models on objects: the best of the three on clothes, and above
    :func:`mild` on groceries, at a higher cost. For a network that sees the same images many
    times, another set for every epoch, each of another `random_state`, is worth far more than one
    that is stored.

    *Harms* networks on textures, where deformations mislead: there :func:`mild` is better. A
    linear model lost a little on photos of trash, and on faint textures, for its noise.

    See Also
    --------
    mild, transfer : The other recipes.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> sampler = mix(random_state=0)
    >>> X_res, y_res = sampler.fit_resample(images, labels)
    >>> sampler.plan_.n_source, len(sampler.plan_)
    (361, 768)
    >>> for label in ("brick", "gravel"):
    ...     print(label, round(float(sampler.plan_.synthetic[y_res == label].mean()), 2))
    brick 0.71
    gravel 0.71
    """
    return SamplerChain(
        [
            RandomOverSampler(sampling_strategy=sampling_strategy),
            RedrawImages(TransferDeformation(donors="all"), share=0.5),
            RedrawImages(Augment(), share=0.4),
        ],
        random_state=random_state,
        output_dir=output_dir,
        n_jobs=n_jobs,
    )


@substitute
def many(
    *,
    times: int = 8,
    sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] | None = None,
    lazy: bool = False,
    random_state: int | np.random.RandomState | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
) -> RedrawImages:
    """Every image as it is, and eight pictures drawn from it: deformed, altered mildly, or both.

    Nothing is balanced: put prior correction behind it, and divide a penalty `C` by `times` + 1,
    so that an image and its pictures weigh as one.

    {guide=which-sampler}

    Parameters
    ----------
    times : int, default=8
        Pictures drawn from each image.
    {sampling_strategy_redraw}
    lazy : bool, default=False
        Images that are drawn when they are read, for a step that reads blocks, such as
        ``HOGFeatures``: pixels are never held.
    {random_state}
    {output_dir}
    {n_jobs}

    Returns
    -------
    sampler : RedrawImages

    Notes
    -----
    *Helps* linear models of HOG features more than any other recipe, and networks that are trained
    on one stored set: what counts is the number of different pictures.

    *Harms* with a penalty that is left as it was: beside nine times the images it is a ninth as
    strong. There is no noise in the pictures, unlike in those of the other recipes: HOG, which
    divides by the contrast, sees little else in faint images, and a linear model of faint
    textures lost 8 points by it. It costs `times` drawings, and as many times the room.

    See Also
    --------
    mix : The same pictures, one for every copy of a rare image.
    imblearn_images.decision.PriorCorrectedClassifier : What belongs behind it.

    Examples
    --------
    >>> from imblearn.pipeline import make_pipeline
    >>> from sklearn.linear_model import LogisticRegression
    >>> from imblearn_images.datasets import load_texture_patches
    >>> from imblearn_images.decision import PriorCorrectedClassifier
    >>> from imblearn_images.preprocessing import HOGFeatures
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> sampler = many(times=2, lazy=True, random_state=0)
    >>> model = make_pipeline(sampler, HOGFeatures(), LogisticRegression(C=3 / (2 + 1)))
    >>> fair = PriorCorrectedClassifier(model, prior="uniform").fit(images, labels)
    >>> plan = fair.estimator_[0].plan_
    >>> len(images), len(plan), int(plan.synthetic.sum())
    (361, 1083, 722)
    """
    # No noise: features that are relative to the contrast, as HOG's are, see hardly anything else
    # in faint images.
    deformed, altered = TransferDeformation(donors="all"), Augment(noise=0)
    return RedrawImages(
        OneOf([deformed, Chain([deformed, altered]), altered], [0.4, 0.3, 0.3]),
        times=times,
        keep=True,
        sampling_strategy=sampling_strategy,
        lazy=lazy,
        random_state=random_state,
        output_dir=output_dir,
        n_jobs=n_jobs,
    )
