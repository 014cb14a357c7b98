"""The smoothed bootstrap: copies with Gaussian noise, drawn block by block."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from imblearn_images.core.images import ArrayImages, check_finite
from imblearn_images.core.mixing import store
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import BLOCK, allocate


def smoothed_bootstrap(
    X: NDArray[Any],
    y: NDArray[Any],
    n_new: Mapping[Any, int],
    shrinkage: Mapping[Any, float],
    random_state: Any,
) -> tuple[ResamplingPlan, NDArray[Any]]:
    """Random over-sampling of images with noise, as ROSE does.

    Parameters
    ----------
    X : ndarray of shape (n, ...)
        Images or rows of flattened pixels of any real dtype.
    y : ndarray of shape (n,)
        Labels.
    n_new : mapping of label to int
        Rows to create per class.
    shrinkage : mapping of label to float
        Factor on the standard deviation of the noise, per class.
    random_state : int, RandomState instance or None
        The noise follows the stream of imbalanced-learn's ``RandomOverSampler``: equal on
        float64 rows, bit for bit.

    Returns
    -------
    plan : ResamplingPlan
        The originals, then a perturbed copy of ``base`` per row.
    X_resampled : ndarray of shape (n_out, ...)
        In the dtype of `X`; integers are rounded to nearest and clipped.

    References
    ----------
    .. [1] G. Menardi, N. Torelli, "Training and assessing classification rules with
       imbalanced data", Data Mining and Knowledge Discovery, 28(1), 92-122, 2014.
    """
    random_state = check_random_state(random_state)
    images = ArrayImages(X)
    n, width = len(X), prod(X.shape[1:])
    # Silverman's rule for a Gaussian kernel in `width` dimensions.
    bandwidth = (4 / ((width + 2) * n)) ** (1 / (width + 4))
    out = allocate((n + int(sum(n_new.values())), *X.shape[1:]), X.dtype)
    out[:n] = X
    bases = [np.arange(n)]
    height = max(1, BLOCK // max(width, 1))
    start = n
    for label, count in n_new.items():
        members = np.flatnonzero(y == label)
        drawn = random_state.choice(members, size=count, replace=True)
        pixels, positions = images.pixel_rows(members)
        check_finite(pixels, positions, members)
        with np.errstate(over="ignore", invalid="ignore"):  # found when stored
            deviation = images.in_image_order(_standard_deviation(pixels, positions))
            scale = shrinkage[label] * bandwidth * deviation
        for lo in range(0, count, height):
            part = drawn[lo : lo + height]
            noise = random_state.standard_normal((len(part), *X.shape[1:]))
            with np.errstate(over="ignore", invalid="ignore"):
                noise *= scale
                noise += X[part]
            store(noise, out[start + lo : start + lo + len(part)])
        bases.append(drawn)
        start += count
    return ResamplingPlan.selection(np.concatenate(bases), y).with_noise(), out


def _standard_deviation(pixels: NDArray[Any], members: NDArray[np.intp]) -> NDArray[Any]:
    """Standard deviation of each column over `members`, a few columns at a time."""
    pieces = ceil(len(members) * pixels.shape[1] / (1 << 20))
    columns = np.array_split(np.arange(pixels.shape[1]), max(1, pieces))
    return np.concatenate(
        [np.std(pixels[members, part[0] : part[-1] + 1], axis=0) for part in columns if len(part)]
    )
