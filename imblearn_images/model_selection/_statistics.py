"""Statistics: which differences of scores over folds are more than chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

__all__ = ["ALPHA", "Difference", "adjust_holm", "compare_several", "corrected_difference"]

LEVEL = 0.95
"""Level of confidence intervals."""

ALPHA = 0.05
"""Significance level: probability of calling any candidate different when none is."""


class Difference(NamedTuple):
    """A paired difference of scores, with its confidence interval and p-values."""

    mean: float
    low: float
    """Lower end of the 95 % confidence interval. Where several differences are tested, Holm's
    adjustment widens it, so that it excludes 0 exactly where `p_holm` is below 0.05."""
    high: float
    """Upper end of that interval."""
    p: float
    """Two-sided p-value of the hypothesis that there is no difference."""
    p_holm: float
    """The p-value after Holm's adjustment for the number of differences that were tested."""


def corrected_difference(
    differences: Any, test_to_train: float, level: float = LEVEL
) -> Difference:
    """Return the corrected resampled t-test of paired differences over cross-validation folds.

    The training sets of folds overlap, so that scores are dependent and a plain paired t-test
    finds differences where there are none. The variance of the mean is
    therefore taken to be ``(1 / n_folds + n_test / n_train) * var`` [1]_.

    Parameters
    ----------
    differences : array-like of shape (n_folds,)
        Score of one minus score of the other for each fold, over all repeats.
    test_to_train : float
        Test images per training image of a fold, 0.25 for five folds.
    level : float, default=0.95
        Level of the confidence interval.

    Returns
    -------
    Difference
        With ``p_holm`` equal to ``p``. With fewer than two folds all but the mean is NaN.

    Notes
    -----
    Where all differences are equal and not 0, the variance is 0. The p-value
    is then that of the sign test, ``2 ** (1 - n_folds)``.

    References
    ----------
    .. [1] C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine Learning
       52, 239-281, 2003.

    Examples
    --------
    >>> found = corrected_difference([0.02, 0.06, 0.04, 0.05, 0.03], test_to_train=0.25)
    >>> print(f"{found.mean:.3f}, {found.low:.3f} to {found.high:.3f}, p = {found.p:.3f}")
    0.040, 0.011 to 0.069, p = 0.020
    """
    values = np.asarray(differences, dtype=np.float64)
    n, mean = len(values), float(values.mean())
    if n < 2:
        return Difference(mean, np.nan, np.nan, np.nan, np.nan)
    spread = float(np.ptp(values))
    if spread <= 1e-12:  # scores are sums: rounding may make equal ones differ
        p = 1.0 if abs(mean) <= 1e-12 else 2.0 ** (1 - n)
        return Difference(mean, mean, mean, p, p)
    error = float(np.sqrt((1 / n + test_to_train) * values.var(ddof=1)))
    reach = error * float(stats.t.ppf((1 + level) / 2, n - 1))
    p = float(2 * stats.t.sf(abs(mean) / error, n - 1))
    return Difference(mean, mean - reach, mean + reach, p, p)


def compare_several(differences: Mapping[str, Any], test_to_train: float) -> dict[str, Difference]:
    """Return the differences of several candidates to one, adjusted by Holm's method.

    Parameters
    ----------
    differences : mapping of str to ndarray of shape (n_folds,)
        See :func:`corrected_difference`.
    test_to_train : float
        Test images per training image of a fold.

    Returns
    -------
    found : dict of str to Difference
        The level of each interval is the one of its step in Holm's method, so that it excludes 0
        exactly where ``p_holm`` is below 0.05. The interval is NaN where all folds have the same
        difference but are too few for that.

    Examples
    --------
    >>> folds = {"one": [0.02, 0.06, 0.04, 0.05, 0.03], "other": [0.01, -0.02, 0.04, 0.0, 0.01]}
    >>> for name, found in compare_several(folds, 0.25).items():
    ...     print(f"{name}: {found.low:.3f} to {found.high:.3f}, p = {found.p_holm:.3f}")
    one: 0.003 to 0.077, p = 0.039
    other: -0.032 to 0.048, p = 0.612
    """
    alone = {name: corrected_difference(each, test_to_train) for name, each in differences.items()}
    found = adjust_holm(alone)
    for name, each in found.items():
        if each.low == each.high != 0 and not each.p_holm < ALPHA:
            found[name] = Difference(each.mean, np.nan, np.nan, each.p, each.p_holm)
        elif each.p_holm > each.p > 0:
            level = 1 - (1 - LEVEL) * each.p / each.p_holm
            wide = corrected_difference(differences[name], test_to_train, level)
            found[name] = Difference(each.mean, wide.low, wide.high, each.p, each.p_holm)
    return found


def adjust_holm(found: Mapping[str, Difference]) -> dict[str, Difference]:
    """Return differences with p-values adjusted for their number by Holm's method (1979).

    Parameters
    ----------
    found : mapping of str to Difference
        Differences without a p-value (NaN) stay as they are and do not count.

    Returns
    -------
    adjusted : dict of str to Difference
        The same with ``p_holm``. Calling those below a level different is wrong for any of them
        with at most that probability.

    Examples
    --------
    >>> found = {name: Difference(0.1, 0, 0.2, p, p) for name, p in zip("abc", (0.04, 0.01, 0.03))}
    >>> {name: one.p_holm for name, one in adjust_holm(found).items()}
    {'a': 0.06, 'b': 0.03, 'c': 0.06}
    """
    known = sorted(
        (name for name in found if not np.isnan(found[name].p)), key=lambda n: found[n].p
    )
    adjusted, highest = dict(found), 0.0
    for rank, name in enumerate(known):
        highest = max(highest, min(1.0, (len(known) - rank) * found[name].p))
        adjusted[name] = Difference(*found[name][:4], highest)
    return adjusted
