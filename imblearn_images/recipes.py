"""Recipes: samplers that were measured to help, by name.

Each function returns a sampler, to be put in front of a classifier, or into a loop that trains a
network. The README, ``imblearn-images compare`` and ``balance --method`` use them, and so does the
benchmark ``tests/benchmarks/efficacy.py``, which prints how much they help.

No recipe helps everywhere, and the baseline to beat makes no images at all: the untouched
classifier in a :class:`~imblearn_images.decision.PriorCorrectedClassifier`. Which one suits what:

- *networks in a training loop*: :func:`fresh`, drawn anew in every epoch by
  :class:`~imblearn_images.epochs.EpochPlans`, before a loss that corrects for the class shares
- *networks on one stored set*: the other four; :func:`mild` is the balanced choice, the rest are
  for objects
- *linear models* of fixed features, such as HOG: :func:`many`, with prior correction, and averaged
  with prior correction of the untouched model, which is a
  :class:`~imblearn_images.ensemble.PolicyEnsembleClassifier` of two policies::

      model = make_pipeline(HOGFeatures(), LogisticRegression(C=3))
      fair = PolicyEnsembleClassifier(model, "pair", screen=None)

  Alone, :func:`many` wants prior correction behind it and a ninth of the `C`::

      model = make_pipeline(recipes.many(lazy=True), HOGFeatures(), LogisticRegression(C=3 / 9))
      fair = PriorCorrectedClassifier(model, prior="uniform")

Beside prior correction alone, on the test parts of 14 sets, the pair gained 1.9 points of balanced
accuracy on average, and lost 0.4 on the worst; :func:`many` alone gained 2.3 and lost 1.9; with a
small step further against the frequent classes (``PriorCorrectedClassifier(model, prior="uniform",
model_prior="train", tau=0.3)``) :func:`mix` gained 1.4 and lost 0.8, :func:`transfer` 1.5 and 1.4,
:func:`mild` 1.1 and 1.4. ``tests/benchmarks/efficacy.py recipes SETS --test --seeds 4`` prints
this, for sets of your own, too.

Two things harm. *Noise*: HOG divides by the contrast, so that it sees hardly anything else in faint
images; the pictures of :func:`many` with noise lost 7.4 points on faint textures. No recipe adds
any. *The penalty*: beside nine times the images the same `C` is nine times weaker.

If you do not want to choose, the six default policies of a
:class:`~imblearn_images.ensemble.PolicyEnsembleClassifier` are tried by inner cross-validation;
those that harm are dropped, and the rest averaged. Compare all of them on your own images:
``imblearn-images compare photos/ --methods mild transfer mix many pair policies``, or
:func:`~imblearn_images.model_selection.compare_resamplers`, where "many" has its correction and its
penalty.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from imblearn_images._docstrings import substitute
from imblearn_images.combine._chain import SamplerChain
from imblearn_images.over_sampling import RandomOverSampler, RedrawImages
from imblearn_images.synthesis import Augment, Chain, OneOf, TransferDeformation

__all__ = ["fresh", "many", "mild", "mix", "transfer"]


@substitute
def mild(
    *,
    sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
    random_state: int | np.random.RandomState | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
) -> RandomOverSampler:
    """Return a random over-sampler whose copies are altered mildly, by ``Augment()``.

    Each copy is turned, shifted, zoomed and relit a little.

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
    *Helps* networks: it is cheap, and better than plain copies on photos of objects, small grey
    images and blood cells alike. A new set in every epoch, each with another `random_state`, helps
    more than one stored set.

    *Harms* linear models of fixed features, such as HOG, where they learn that what looks altered
    is rare: a little below prior correction on hard clothes, and on groceries in a strong tail.
    :func:`~imblearn_images.model_selection.synthesis_gap` shows where that may happen; the pair of
    prior correction and :func:`many` is the recipe for such models.

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
    """Return a random over-sampler whose copies are deformed as images of larger classes differ.

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
    *Helps* on objects, which bend and turn: for networks it was the best of the three on groceries
    and on small photos of animals and vehicles, and level with :func:`mild` on clothes.

    *Harms* linear models of HOG features a little on hard clothes: 1.4 points below prior
    correction on the worst of 14 sets. Some textures do not bend: compare.

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
    """Return a chain: copies, then half of each class deformed, then two fifths altered mildly.

    The largest class gets the same share of synthetic images as the smallest, so that a classifier
    cannot tell rare classes by images that look synthetic.

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
        A chain of ``RandomOverSampler``, ``RedrawImages(TransferDeformation(donors="all"),
        share=0.5)`` and ``RedrawImages(Augment(), share=0.4)``.

    Notes
    -----
    *Helps* networks and linear models on objects: it was the best of the three on clothes, and
    above :func:`mild` on groceries, at a higher cost. For a network that sees the same images many
    times, a new set in every epoch, each with another `random_state`, is worth far more than one
    stored set.

    *Harms* linear models of HOG features a little on hard clothes and on defects: 0.8 points below
    prior correction on the worst of 14 sets.

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
    """Return a sampler that adds pictures of every image: deformed, altered mildly, or both.

    Every image is also kept as it is. Classes are not balanced: put the classifier behind it into
    a PriorCorrectedClassifier, and divide a penalty `C` by `times` + 1, so that an image and its
    pictures weigh as one.

    {guide=which-sampler}

    Parameters
    ----------
    times : int, default=8
        Number of pictures drawn from each image.
    {sampling_strategy_redraw}
    lazy : bool, default=False
        Whether images are drawn when they are read, for a step that reads blocks, such as
        ``HOGFeatures``, so that their pixels are never all in memory.
    {random_state}
    {output_dir}
    {n_jobs}

    Returns
    -------
    sampler : RedrawImages

    Notes
    -----
    *Helps* linear models of HOG features, and networks that are trained on one stored set: what
    counts is the number of different pictures. Averaged with prior correction alone,
    ``PolicyEnsembleClassifier(model, "pair", screen=None)``, it is the safe recipe for linear
    models.

    *Harms* with a penalty that is left as it was: beside nine times the images it is a ninth as
    strong. It draws `times` as many images, which need `times` as much memory.

    See Also
    --------
    mix : Such pictures for the same share of every class, which are balanced by copies.
    imblearn_images.decision.PriorCorrectedClassifier : Corrects the classifier behind it.
    imblearn_images.ensemble.PolicyEnsembleClassifier : "pair" averages both.

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
    deformed, altered = TransferDeformation(donors="all"), Augment()
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


@substitute
def fresh(
    *,
    textures: bool = False,
    engine: Literal["numpy", "opencv"] = "numpy",
    random_state: int | np.random.RandomState | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
) -> SamplerChain:
    """Every class redrawn alike, class sizes left alone: for a loop that draws in every epoch.

    Put it into :class:`~imblearn_images.epochs.EpochPlans`, and correct for the class shares once,
    by a logit-adjusted loss.

    {guide=training-loops}

    Parameters
    ----------
    textures : bool, default=False
        Whether to leave out deformations, which mislead on some textures: mild augmentation alone.
    engine : {"numpy", "opencv"}, default="numpy"
        What warps the images; OpenCV is faster, see
        :class:`~imblearn_images.synthesis.Augment`.
    {random_state}
    {output_dir}
    {n_jobs}

    Returns
    -------
    sampler : SamplerChain
        Of ``RedrawImages(TransferDeformation(donors="all"), share=0.5)`` and
        ``RedrawImages(Augment(), share=0.4)``; for textures of
        ``RedrawImages(Augment(), share=0.8)``.

    Notes
    -----
    What counts is the number of *different* pictures. A small network that trains for 2,000 steps
    on long-tailed clothes with a logit-adjusted loss reaches a balanced accuracy of 82.8 % on one
    stored set of these pictures and 86.8 % where they are drawn anew in every epoch: ten seeds, 3.4
    to 4.9 points more in each. On photos of groceries, 1,000 steps, it is 39.1 and 50.4 %: five
    seeds, 3.6 to 15.7 more (``tests/benchmarks/loops.py fresh``).
    On twelve small sets it was 4.8 points above the loss alone on average, and on none below it
    (``loops.py sets``). ``textures=True`` gained less there, on patches of textures, too; on
    magnetic tiles, measured elsewhere, it gained more.

    See Also
    --------
    mix : The same steps on balanced classes, for one stored set.
    imblearn_images.torch.LogitAdjustedCrossEntropyLoss : The loss that belongs behind it.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> from imblearn_images.epochs import EpochPlans
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> plans = EpochPlans(fresh(textures=True, random_state=0), images, labels)
    >>> len(plans(0)), int(plans(0).plan.synthetic.sum()), int(plans(1).plan.synthetic.sum())
    (361, 289, 289)
    """
    mildly = Augment(engine=engine)
    if textures:
        steps = [RedrawImages(mildly, share=0.8)]
    else:
        deformed = TransferDeformation(donors="all", engine=engine)
        steps = [RedrawImages(deformed, share=0.5), RedrawImages(mildly, share=0.4)]
    return SamplerChain(steps, random_state=random_state, output_dir=output_dir, n_jobs=n_jobs)
