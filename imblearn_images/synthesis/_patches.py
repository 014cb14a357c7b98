"""Patches: a part of the base on another image as its background."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from imblearn_images._docstrings import substitute
from imblearn_images.core.columns import plain_list
from imblearn_images.core.containers import shortened
from imblearn_images.core.layers import Layer, in_place
from imblearn_images.core.pixels import on_planes
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.synthesis import Neighbourhood

__all__ = ["CutMix", "Paste"]

BACKGROUNDS = ("any", "larger", "same")


@substitute
class CutMix(BaseEstimator):
    """Draw an image as a rectangle cut out of its base, on another image.

    The synthetic image has only the label of its base: samplers assign one label to an image, not
    shares of two as in the paper.

    Read more in the :ref:`User Guide <how-images-are-drawn>`.

    Parameters
    ----------
    {background}
    min_share : float, default=0.5
        Minimum share of the area that shows the base; the share is drawn between this and 1.
        Below one half, the label may be that of the smaller part.
    {channel_axis}

    See Also
    --------
    Paste : The object itself instead of a rectangle.

    Notes
    -----
    Compare it with plain copies on your own data: with a small convolutional network on a
    long-tailed Fashion-MNIST it was worse than copies, and of all syntheses tried, its images
    were the ones least recognised by a network trained on real images.

    References
    ----------
    S. Yun et al., "CutMix: regularization strategy to train strong classifiers with
    localizable features", ICCV 2019, https://arxiv.org/abs/1905.04899.

    Examples
    --------
    >>> from imblearn_images import RandomOverSampler
    >>> images = np.repeat(np.arange(6, dtype=np.uint8), 64).reshape(6, 8, 8)
    >>> labels = ["cat"] * 4 + ["dog"] * 2
    >>> over = RandomOverSampler(synthesis=CutMix("larger"), random_state=0)
    >>> X_res, y_res = over.fit_resample(images, labels)
    >>> shows = {*X_res[6].ravel().tolist()}  # a dog on a cat
    >>> len(shows & {4, 5}), len(shows & {0, 1, 2, 3})
    (1, 1)
    """

    n_partners = 1
    effort = 0  # little more than a copy and a seed, for which threads only wait for each other
    looks = False

    def __init__(
        self,
        background: str = "any",
        min_share: float = 0.5,
        *,
        channel_axis: int | None = None,
    ) -> None:
        self.background = background
        self.min_share = min_share
        self.channel_axis = channel_axis

    def choose(
        self, plan: ResamplingPlan, neighbourhood: Neighbourhood
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return a background for each synthetic image, and the share of the area it keeps."""
        if not 0 < self.min_share <= 1:
            raise ValueError(f"`min_share` must lie in (0, 1], got {self.min_share!r}.")
        partners = _backgrounds(self.background, plan, neighbourhood)
        return partners, neighbourhood.rng.uniform(0, 1 - self.min_share, size=partners.shape)

    @on_planes
    def draw(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> NDArray[Any]:
        """Draw a block of synthetic images; see :mod:`imblearn_images.core.synthesis`.

        Parameters
        ----------
        base : ndarray of shape (m, H, W) or (m, H, W, C)
            Any dtype.
        partners : ndarray of shape (m, 1, H, W[, C])
            The backgrounds.
        weights : ndarray of shape (m, 1)
            Shares of the area they keep.
        rngs : sequence of m Generators
            They place the rectangle.

        Returns
        -------
        drawn : ndarray of shape (m, H, W[, C])
            In the dtype of `base`.
        """
        children = partners[:, 0].copy()
        shown = self._rectangles(base.shape[1:3], weights, rngs)
        for child, own, window in zip(children, base, shown, strict=True):
            child[window] = own[window]
        return children

    @on_planes
    def layers(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> list[Layer]:
        """Return where each parent is visible; see :mod:`imblearn_images.core.layers`."""
        m, size = len(base), base.shape[1:3]
        seen = np.zeros((m, *size), dtype=np.bool_)
        for mask, window in zip(seen, self._rectangles(size, weights, rngs), strict=True):
            mask[window] = True
        return [in_place(m, size, seen=seen), in_place(m, size, 1, seen=~seen)]

    def _rectangles(
        self,
        size: tuple[int, ...],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> Iterator[tuple[slice, slice]]:
        """Yield the rectangle in which each synthetic image shows its base."""
        height, width = size
        for share, rng in zip((1 - weights[:, 0]).tolist(), rngs, strict=True):
            side = sqrt(min(1.0, max(0.0, share)))
            h, w = max(1, round(height * side)), max(1, round(width * side))
            y, x = rng.integers(height - h + 1), rng.integers(width - w + 1)
            yield np.s_[y : y + h, x : x + w]

    def explain(
        self, base: str, partners: Sequence[str], weights: Sequence[float], rng: Any
    ) -> str:
        """Describe what is drawn from images with these names."""
        return f"a rectangle of {base}, {1 - weights[0]:.0%} of the area, on {partners[0]}"


@substitute
class Paste(BaseEstimator):
    """Draw an image as the object in its base, pasted on another image.

    Read more in the :ref:`User Guide <how-images-are-drawn>`.

    Parameters
    ----------
    mask : callable, default=None
        ``mask(image)`` returns a bool array (H, W), True where the object is. ``None``: Otsu's
        threshold of the brightness splits the image in two, and the part with the smaller share
        of the border is the object.
    {background}
    {channel_axis}

    See Also
    --------
    CutMix : Paste a rectangle, for images in which a threshold finds no object.

    Notes
    -----
    Meant for objects on a background that is independent of the class, such as cells
    or parts on a conveyor; for busy photos pass `mask`, e.g. a segmentation network.
    If a mask is True nowhere, the synthetic image is a copy of its base. In the plan the
    background has a share of one half, however much of it is visible.

    References
    ----------
    G. Ghiasi et al., "Simple copy-paste is a strong data augmentation method for instance
    segmentation", CVPR 2021, https://arxiv.org/abs/2012.07177. N. Otsu, "A threshold
    selection method from gray-level histograms", IEEE Transactions on Systems, Man, and
    Cybernetics 9(1), 1979.

    Examples
    --------
    >>> images = np.full((2, 5, 5), 10, dtype=np.uint8)
    >>> images[0, 1:4, 2] = 200  # a stroke
    >>> images[1] = 60
    >>> Paste().draw(images[:1], images[1:][np.newaxis], None, [None])[0].tolist()[1:3]
    [[60, 60, 200, 60, 60], [60, 60, 200, 60, 60]]
    """

    n_partners = 1

    def __init__(
        self,
        mask: Callable[[NDArray[Any]], Any] | None = None,
        background: str = "any",
        *,
        channel_axis: int | None = None,
    ) -> None:
        self.mask = mask
        self.background = background
        self.channel_axis = channel_axis

    def choose(
        self, plan: ResamplingPlan, neighbourhood: Neighbourhood
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return a background for each synthetic image, with a share of one half."""
        self._check_mask()
        partners = _backgrounds(self.background, plan, neighbourhood)
        return partners, np.full(partners.shape, 0.5)

    @on_planes
    def draw(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: Any,
        rngs: Any,
    ) -> NDArray[Any]:
        """Draw a block of synthetic images; see :mod:`imblearn_images.core.synthesis`.

        Parameters
        ----------
        base : ndarray of shape (m, H, W) or (m, H, W, C)
            Any dtype.
        partners : ndarray of shape (m, 1, H, W[, C])
            The backgrounds.
        weights, rngs
            Not used.

        Returns
        -------
        drawn : ndarray of shape (m, H, W[, C])
            In the dtype of `base`.

        Raises
        ------
        ValueError
            If a mask is not a bool array of the height and width of the images.
        TypeError
            If `mask` is not a function.
        """
        self._check_mask()
        children = partners[:, 0].copy()
        for child, own in zip(children, base, strict=True):
            shown = self._shown(own)
            child[shown] = own[shown]
        return children

    def explain(
        self, base: str, partners: Sequence[str], weights: Sequence[float], rng: Any
    ) -> str:
        """Describe what is drawn from images with these names."""
        return f"what {base} shows, pasted on {partners[0]}"

    @on_planes
    def layers(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> list[Layer]:
        """Return where each parent is visible; see :mod:`imblearn_images.core.layers`."""
        m, size = len(base), base.shape[1:3]
        seen = np.stack([self._shown(own) for own in base])
        return [in_place(m, size, seen=seen), in_place(m, size, 1, seen=~seen)]

    def _shown(self, image: NDArray[Any]) -> NDArray[np.bool_]:
        """Return the pixels of the object in an image, or all of them if none is found."""
        mask = foreground(image) if self.mask is None else np.asarray(self.mask(image.copy()))
        if mask.shape != image.shape[:2] or mask.dtype != bool:
            raise ValueError(
                f"`mask` must return a bool array of shape {image.shape[:2]}, got shape "
                f"{mask.shape} and dtype {mask.dtype}."
            )
        return mask if mask.any() else np.ones_like(mask)

    def _check_mask(self) -> None:
        """Raise a TypeError if `mask` is neither None nor a function."""
        if isinstance(self.mask, type) or not (self.mask is None or callable(self.mask)):
            raise TypeError(
                "`mask` must be None or a function image -> bool array (height, width), got "
                f"{shortened(self.mask)}."
            )


def foreground(image: NDArray[Any]) -> NDArray[np.bool_]:
    """Return a mask of the object in an image, by Otsu's threshold, (H, W), dtype bool.

    Of the two parts it is the one with the smaller share of the image's border. In an image of
    uniform brightness there is no object.

    Examples
    --------
    >>> image = np.full((4, 4), 9.0)
    >>> image[1:3, 1:3] = 5
    >>> foreground(image)[1].tolist()
    [False, True, True, False]
    """
    from skimage.filters import threshold_otsu

    grey = image.astype(np.float64)
    grey = grey if grey.ndim == 2 else sum(np.moveaxis(grey, -1, 0)) / grey.shape[2]
    grey -= grey.min()
    if not grey.any():
        return np.zeros(grey.shape, dtype=bool)
    levels = np.rint(grey * (255 / grey.max())).astype(np.uint8)
    bright: NDArray[np.bool_] = levels > threshold_otsu(levels)
    border = np.concatenate([bright[0], bright[-1], bright[1:-1, 0], bright[1:-1, -1]])
    return ~bright if border.mean() > 0.5 else bright


def _backgrounds(
    which: str, plan: ResamplingPlan, neighbourhood: Neighbourhood
) -> NDArray[np.intp]:
    """Return a source row for each synthetic image, (m, 1): its base only if there is no other."""
    if which not in BACKGROUNDS:
        raise ValueError(f"`background` must be one of {BACKGROUNDS}, got {which!r}.")
    everybody = np.arange(len(neighbourhood.y))
    sizes = np.array([neighbourhood.counts[label] for label in plain_list(neighbourhood.y)])
    partners = np.empty((len(plan), 1), dtype=np.intp)
    for label in np.unique(plan.y):
        rows = np.flatnonzero(plan.y == label)
        among = everybody
        if which == "same":
            among = everybody[neighbourhood.y == label]
        elif which == "larger" and (larger := sizes > neighbourhood.counts.get(label, 0)).any():
            among = everybody[larger]
        partners[rows, 0] = _others(plan.base[rows], among, neighbourhood.rng)
    return partners


def _others(
    rows: NDArray[np.intp], among: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.intp]:
    """Return for each row one of `among`, which is sorted: itself only if there is no other."""
    # Drawn from one fewer number where the row is among them; numbers from its place on move up.
    own = np.searchsorted(among, rows)
    is_among = among[np.minimum(own, len(among) - 1)] == rows
    if len(among) == 1:
        return np.repeat(among, len(rows))
    drawn = rng.integers(len(among) - is_among, size=len(rows))
    return among[drawn + (is_among & (drawn >= own))]
