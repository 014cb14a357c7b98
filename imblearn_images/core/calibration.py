"""Calibration: how far predicted probabilities can be believed."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

BINS = 10
"""Bins of confidence, all equally wide."""


class Reliability(NamedTuple):
    """How often a model is right, by how sure it is; bins without an image are left out."""

    confidence: NDArray[np.float64]
    """Mean probability of the predicted class, shape (n_bins,)."""
    accuracy: NDArray[np.float64]
    """Share of right predictions."""
    n_predictions: NDArray[np.intp]


def calibrate(
    probabilities: NDArray[np.float64], y: NDArray[Any], classes: Any
) -> tuple[float, float, Reliability]:
    """Compare predicted probabilities with the true labels.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_classes)
        Predicted by a model that was not fitted on `y`.
    y : ndarray of shape (n,)
        True labels.
    classes : array-like of shape (n_classes,)
        Labels of the columns.

    Returns
    -------
    brier : float
        Multiclass Brier score: mean over images of the squared differences to 1 for the
        true class and 0 for the others, summed over classes. From 0 to 2, lower is better.
    ece : float
        Expected calibration error: mean over predictions of the gap between confidence (the
        probability of the likeliest class) and accuracy, in ten bins of equal width.
    reliability : Reliability
        The bins.

    References
    ----------
    .. [1] G. W. Brier, "Verification of forecasts expressed in terms of probability",
       Monthly Weather Review 78(1), 1-3, 1950.
    .. [2] M. P. Naeini, G. F. Cooper, M. Hauskrecht, "Obtaining well calibrated probabilities
       using Bayesian binning", AAAI 2015.

    Examples
    --------
    >>> sure = np.array([[0.75, 0.25], [0.75, 0.25], [0.75, 0.25], [0.75, 0.25]])
    >>> brier, ece, reliability = calibrate(sure, np.array(["a", "a", "a", "b"]), ["a", "b"])
    >>> brier, ece, reliability.accuracy.tolist()
    (0.375, 0.0, [0.75])
    """
    truth = np.asarray(y)[:, None] == np.asarray(classes)
    brier = float(((probabilities - truth) ** 2).sum(axis=1).mean())
    sure = probabilities.max(axis=1)
    right = truth[np.arange(len(sure)), probabilities.argmax(axis=1)]
    bins = np.clip(np.ceil(sure * BINS).astype(int) - 1, 0, BINS - 1)
    count = np.bincount(bins, minlength=BINS)
    held = count > 0
    confidence, accuracy = (
        np.bincount(bins, weights=values, minlength=BINS)[held] / count[held]
        for values in (sure, right)
    )
    ece = float(np.abs(confidence - accuracy) @ count[held] / len(sure))
    return brier, ece, Reliability(confidence, accuracy, count[held])
