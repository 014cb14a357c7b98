"""Cleaning: images that disturb their neighbours, or that no neighbour needs, are dropped."""

from __future__ import annotations

from typing import Any

from imblearn.under_sampling import AllKNN as ImblearnAllKNN
from imblearn.under_sampling import CondensedNearestNeighbour as ImblearnCondensedNearestNeighbour
from imblearn.under_sampling import EditedNearestNeighbours as ImblearnEditedNearestNeighbours
from imblearn.under_sampling import NeighbourhoodCleaningRule as ImblearnNeighbourhoodCleaningRule
from imblearn.under_sampling import OneSidedSelection as ImblearnOneSidedSelection
from imblearn.under_sampling import (
    RepeatedEditedNearestNeighbours as ImblearnRepeatedEditedNearestNeighbours,
)
from imblearn.under_sampling import TomekLinks as ImblearnTomekLinks
from numpy.typing import NDArray

from imblearn_images._sampler import MeasuringSelectorMixin, with_parameters

__all__ = [
    "AllKNN",
    "CondensedNearestNeighbour",
    "EditedNearestNeighbours",
    "NeighbourhoodCleaningRule",
    "OneSidedSelection",
    "RepeatedEditedNearestNeighbours",
    "TomekLinks",
]


@with_parameters("embedding")
class TomekLinks(MeasuringSelectorMixin, ImblearnTomekLinks):
    """Drop majority images that form a pair of mutual nearest neighbours with another class.

    :class:`imblearn.under_sampling.TomekLinks` for images. One search for the nearest
    neighbour of every image. It moves the border by a few images and never balances the
    classes; with noisy labels it drops the right half of a pair as readily as the wrong.

    Parameters
    ----------
    sampling_strategy : str, list or callable, default='auto'
        Classes to drop from; 'auto' spares the smallest class.
    n_jobs : int, default=None
        Threads of the neighbour search, and of the embedding.
    embedding : transformer, callable, "thumbnail" or None, default=None
        Features to measure distances in; None: pixels (one float64 copy of them).

    Attributes
    ----------
    plan_, sample_indices_ : ResamplingPlan, ndarray of shape (n_resampled,)
        The images outside of all links, in their order.

    References
    ----------
    .. [1] I. Tomek, "Two modifications of CNN", IEEE Transactions on Systems, Man, and
       Cybernetics 6, 769-772, 1976.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> sampler = TomekLinks(embedding=lambda block: block.std(axis=1))
    >>> X_res, y_res = sampler.fit_resample(images, labels)
    >>> sampler.plan_
    ResamplingPlan(361 images -> 355 rows: 355 original, 0 copies, 0 synthetic, near by <lambda> (32
      features))
    """


@with_parameters("embedding")
class EditedNearestNeighbours(MeasuringSelectorMixin, ImblearnEditedNearestNeighbours):
    """Drop images whose neighbours are of another class.

    :class:`imblearn.under_sampling.EditedNearestNeighbours` for images. One neighbour
    search for the images of the cleaned classes. It removes overlap, so it helps where the
    overlap is label noise and hurts where it is the difficult part of the class; on raw
    pixels, where classes mingle, it can empty a class.

    Parameters
    ----------
    sampling_strategy : str, list or callable, default='auto'
        Classes that are cleaned; 'auto': all but the smallest.
    n_neighbors : int or neighbours object, default=3
        Size of the neighbourhood. An object is asked for one more, the image itself.
    kind_sel : {'all', 'mode'}, default='all'
        Keep an image if all, or if most of its neighbours are of its class.
    n_jobs : int, default=None
        Threads.
    embedding : transformer, callable, "thumbnail" or None, default=None
        What near means; None: pixels, of which one float64 copy is made.

    Attributes
    ----------
    plan_, sample_indices_ : ResamplingPlan, ndarray of shape (n_resampled,)
        The images kept, class by class.
    nn_ : estimator
        Neighbours of the features.

    References
    ----------
    .. [1] D. Wilson, "Asymptotic properties of nearest neighbor rules using edited data",
       IEEE Transactions on Systems, Man, and Cybernetics 2(3), 408-421, 1972.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> cleaner = EditedNearestNeighbours(kind_sel="mode", embedding=lambda x: x.std(axis=1))
    >>> X_res, y_res = cleaner.fit_resample(images, labels)
    >>> cleaner.plan_
    ResamplingPlan(361 images -> 343 rows: 343 original, 0 copies, 0 synthetic, near by <lambda> (32
      features))
    """


@with_parameters("embedding")
class RepeatedEditedNearestNeighbours(
    MeasuringSelectorMixin, ImblearnRepeatedEditedNearestNeighbours
):
    """Clean by edited nearest neighbours again and again until nothing changes.

    :class:`imblearn.under_sampling.RepeatedEditedNearestNeighbours` for images. Up to
    `max_iter` times the cost, and the effect, of :class:`EditedNearestNeighbours`.

    Parameters
    ----------
    sampling_strategy : str, list or callable, default='auto'
        Which classes to clean.
    n_neighbors : int or neighbours object, default=3
        Neighbours that have a say.
    max_iter : int, default=100
        Rounds at most. It also stops before a class becomes smaller than the smallest.
    kind_sel : {'all', 'mode'}, default='all'
        Whether all or most neighbours must agree.
    n_jobs : int, default=None
        Threads.
    embedding : transformer, callable, "thumbnail" or None, default=None
        Where neighbours are looked for; None: pixels (a float64 copy of all).

    Attributes
    ----------
    plan_, sample_indices_ : ResamplingPlan, ndarray of shape (n_resampled,)
        What is left after the last round.
    n_iter_ : int
        Rounds.

    References
    ----------
    .. [1] I. Tomek, "An experiment with the edited nearest-neighbor rule", IEEE
       Transactions on Systems, Man, and Cybernetics 6(6), 448-452, 1976.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> repeated = RepeatedEditedNearestNeighbours(embedding=lambda x: x.std(axis=1))
    >>> _ = repeated.fit_resample(images, labels)
    >>> repeated.n_iter_, repeated.plan_
    (3, ResamplingPlan(361 images -> 300 rows: 300 original, 0 copies, 0 synthetic, near by <lambda>
      (32 features)))
    """

    def _select(self, seen: Any, y: NDArray[Any]) -> Any:
        resampled = super()._select(seen, y)
        if self.n_iter_ == 1 and len(self.sample_indices_) == len(y):
            # imbalanced-learn 0.14 applies the order of the last round twice to these
            # indices, but once to X: they differ if nothing was dropped.
            self.sample_indices_ = self.enn_.sample_indices_
        return resampled


@with_parameters("embedding")
class AllKNN(MeasuringSelectorMixin, ImblearnAllKNN):
    """Clean by edited nearest neighbours with a neighbourhood that grows from 1 to k.

    :class:`imblearn.under_sampling.AllKNN` for images: `n_neighbors` searches. It drops
    more than one round of :class:`EditedNearestNeighbours`, mostly at the border.

    Parameters
    ----------
    sampling_strategy : str, list or callable, default='auto'
        The classes to be cleaned.
    n_neighbors : int or neighbours object, default=3
        Size of the last neighbourhood.
    kind_sel : {'all', 'mode'}, default='all'
        How many of the neighbours must be of the image's class.
    allow_minority : bool, default=False
        Go on when a class becomes smaller than the smallest was.
    n_jobs : int, default=None
        Threads.
    embedding : transformer, callable, "thumbnail" or None, default=None
        Features of the images; None: all pixels as float64.

    Attributes
    ----------
    plan_, sample_indices_ : ResamplingPlan, ndarray of shape (n_resampled,)
        What all neighbourhoods agree on.

    References
    ----------
    .. [1] I. Tomek, "An experiment with the edited nearest-neighbor rule", IEEE SMC 6(6),
       448-452, 1976.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> textures, names = load_texture_patches(return_X_y=True)
    >>> sampler = AllKNN(embedding=lambda block: block.std(axis=1))
    >>> y_res = sampler.fit_resample(textures, names)[1]
    >>> sampler.plan_
    ResamplingPlan(361 images -> 312 rows: 312 original, 0 copies, 0 synthetic, near by <lambda> (32
      features))
    """


@with_parameters("embedding")
class CondensedNearestNeighbour(MeasuringSelectorMixin, ImblearnCondensedNearestNeighbour):
    """Keep the images that a nearest-neighbour classifier needs to get the others right.

    :class:`imblearn.under_sampling.CondensedNearestNeighbour` for images. Images are
    looked at one by one, each with a search: slow, hours for tens of thousands. It keeps
    the border and drops the inside of a class, hence noise is kept.

    Parameters
    ----------
    sampling_strategy : str, list or callable, default='auto'
        Classes to condense.
    random_state : int, RandomState instance or None, default=None
        Seed of the first images.
    n_neighbors : int or KNeighborsClassifier, default=None
        The classifier; one neighbour by default.
    n_seeds_S : int, default=1
        Images to begin with, per class.
    n_jobs : int, default=None
        Threads.
    embedding : transformer, callable, "thumbnail" or None, default=None
        What the classifier sees; None: pixels (float64, 8 bytes each).

    Attributes
    ----------
    plan_, sample_indices_ : ResamplingPlan, ndarray of shape (n_resampled,)
        The condensed set, class by class.
    estimators_ : list of KNeighborsClassifier
        One per condensed class.

    References
    ----------
    .. [1] P. Hart, "The condensed nearest neighbor rule", IEEE Transactions on Information
       Theory 14(3), 515-516, 1968.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> condense = CondensedNearestNeighbour(random_state=0)
    >>> X_res, y_res = condense.fit_resample(images[::4], labels[::4])
    >>> condense.plan_
    ResamplingPlan(91 images -> 22 rows: 22 original, 0 copies, 0 synthetic, near by pixels)
    """


@with_parameters("embedding")
class OneSidedSelection(MeasuringSelectorMixin, ImblearnOneSidedSelection):
    """Drop majority images that are easy, then those in Tomek links.

    :class:`imblearn.under_sampling.OneSidedSelection` for images: one classification of
    each class by its seeds and one search for links. Much depends on the seeds; drop in
    quality between two values of `random_state` is a sign not to use it.

    Parameters
    ----------
    sampling_strategy : str, list or callable, default='auto'
        Classes to select from.
    random_state : int, RandomState instance or None, default=None
        Seed of the first images.
    n_neighbors : int or KNeighborsClassifier, default=None
        Tells easy images from others; one neighbour by default.
    n_seeds_S : int, default=1
        Images of a class that the classifier begins with.
    n_jobs : int, default=None
        Threads.
    embedding : transformer, callable, "thumbnail" or None, default=None
        Space of the distances; None: that of the pixels, held as float64.

    Attributes
    ----------
    plan_, sample_indices_ : ResamplingPlan, ndarray of shape (n_resampled,)
        Seeds and misclassified images without links.

    References
    ----------
    .. [1] M. Kubat, S. Matwin, "Addressing the curse of imbalanced training sets:
       one-sided selection", ICML 97, 179-186, 1997.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> one_sided = OneSidedSelection(n_seeds_S=20, random_state=0)
    >>> X_res, y_res = one_sided.fit_resample(images, labels)
    >>> one_sided.plan_
    ResamplingPlan(361 images -> 116 rows: 114 original, 2 copies, 0 synthetic, near by pixels)
    """


@with_parameters("embedding")
class NeighbourhoodCleaningRule(MeasuringSelectorMixin, ImblearnNeighbourhoodCleaningRule):
    """Drop edited nearest neighbours, and the neighbours of misclassified minority images.

    :class:`imblearn.under_sampling.NeighbourhoodCleaningRule` for images. Two searches. It
    makes room around the smallest class; classes of less than `threshold_cleaning` times
    its size are spared.

    Parameters
    ----------
    sampling_strategy : str, list or callable, default='auto'
        Classes from which images may be dropped.
    edited_nearest_neighbours : sampler, default=None
        First step; edited nearest neighbours of kind 'mode' by default.
    n_neighbors : int or neighbours object, default=3
        Neighbours that classify.
    threshold_cleaning : float, default=0.5
        Least size of a class, relative to the smallest, to be cleaned by the second step.
    n_jobs : int, default=None
        Threads.
    embedding : transformer, callable, "thumbnail" or None, default=None
        In which features neighbours are near; None: float64 pixels.

    Attributes
    ----------
    plan_, sample_indices_ : ResamplingPlan, ndarray of shape (n_resampled,)
        The images that neither step dropped, in their order.

    References
    ----------
    .. [1] J. Laurikkala, "Improving identification of difficult small classes by balancing
       class distribution", Artificial Intelligence in Medicine, 63-66, Springer, 2001.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> rule = NeighbourhoodCleaningRule(embedding=lambda block: block.std(axis=(1, 2))[:, None])
    >>> X_res, y_res = rule.fit_resample(images, labels)
    >>> rule.plan_
    ResamplingPlan(361 images -> 293 rows: 293 original, 0 copies, 0 synthetic, near by <lambda> (1
      features))
    """
