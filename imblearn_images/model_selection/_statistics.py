"""Statistics: differences over folds beyond chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

__all__ = ["ALPHA", "Difference", "adjust_holm", "compare_several", "corrected_difference"]

LEVEL = 0.95
"""Level of confidence intervals."""

ALPHA = 0.05
"""Chance of calling any candidate different when none is."""


class Difference(NamedTuple):
    """A paired difference of scores, to what it is compared with."""

    mean: float
    low: float
    """Lower end of the 95 % confidence interval. Where several differences are looked at, it is
    as much wider as Holm's adjustment asks for: it leaves out 0 where `p_holm` is below 0.05."""
    high: float
    """Upper end."""
    p: float
    """Two-sided p-value of no difference."""
    p_holm: float
    """The same, adjusted for the number of differences that were looked at."""


def corrected_difference(
    differences: Any, test_to_train: float, level: float = LEVEL
) -> Difference:
    """Corrected resampled t-test of paired differences over cross-validation folds.

    The training sets of folds overlap, so that their scores are dependent and a plain
    paired t-test finds differences where there are none. The variance of the mean is
    therefore taken to be ``(1 / n_folds + n_test / n_train) * var`` [1]_.

    Parameters
    ----------
    differences : array-like of shape (n_folds,)
        Score of one less score of the other, fold by fold, over all repeats.
    test_to_train : float
        Test images for each training image of a fold, 0.25 for five folds.
    level : float, default=0.95
        Level of the confidence interval.

    Returns
    -------
    Difference
        ``p_holm`` is ``p``. With fewer than two folds there is no interval, only NaN.

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
    if spread <= 1e-12:  # scores are sums: equal ones may differ in the last bit
        p = 1.0 if abs(mean) <= 1e-12 else 2.0 ** (1 - n)
        return Difference(mean, mean, mean, p, p)
    error = float(np.sqrt((1 / n + test_to_train) * values.var(ddof=1)))
    reach = error * float(stats.t.ppf((1 + level) / 2, n - 1))
    p = float(2 * stats.t.sf(abs(mean) / error, n - 1))
    return Difference(mean, mean - reach, mean + reach, p, p)


def compare_several(differences: Mapping[str, Any], test_to_train: float) -> dict[str, Difference]:
    """Differences of several to the same one, p-values and intervals adjusted after Holm.

    Parameters
    ----------
    differences : mapping of str to ndarray of shape (n_folds,)
        See :func:`corrected_difference`.
    test_to_train : float
        Test images for each training image of a fold.

    Returns
    -------
    found : dict of str to Difference
        An interval has the level that Holm's step leaves it, so that it leaves out 0 exactly
        where ``p_holm`` is below 0.05; NaN where folds that all agree are too few to say so.

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
    """Adjust p-values for their number, after Holm (1979).

    Parameters
    ----------
    found : mapping of str to Difference
        Those without a p-value (NaN) stay as they are, and do not count.

    Returns
    -------
    adjusted : dict of str to Difference
        The same with ``p_holm``: below a level, it may be called a difference with that
        chance of a single wrong one among all.

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
