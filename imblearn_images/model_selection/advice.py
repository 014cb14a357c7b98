"""Advice: what a comparison has shown, in plain words, and what that was measured on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imblearn_images.model_selection.statistics import ALPHA, Difference

if TYPE_CHECKING:
    from imblearn_images.model_selection.comparison import ResamplerComparison

__all__ = ["advise"]

BRIER = 0.01
"""Brier score that is worth a warning."""


def advise(comparison: ResamplerComparison) -> str:
    """Say what to do.

    To be recommended, a candidate that makes images has to be better than the best baseline,
    which costs nothing, and not only than nothing. Where these folds can tell no such difference
    the best baseline is the one to use, however sure it is itself.
    """
    return " ".join(filter(None, [_what_to_do(comparison), _measured_on(comparison)]))


def _what_to_do(comparison: ResamplerComparison) -> str:
    if not comparison.differences:
        return "No candidate has a result to be compared with none."
    reference, gains = comparison.reference, comparison.gains
    best = max(gains, key=lambda name: gains[name].mean, default="")
    surely = [name for name in gains if gains[name].p_holm < ALPHA and gains[name].mean > 0]
    if surely:
        best = max(surely, key=lambda name: gains[name].mean)
        than = "none" if reference == "none" else f"{reference}, the best baseline"
        return (
            f"Use {best}: {comparison.metric} {gains[best].mean:.3f} above {than} "
            f"({_sure(gains[best])}){_price(comparison, best)}."
        )
    rest = _of_the_others(comparison, best)
    if reference == "none":
        return f"Keep the estimator as it is: {rest}."
    found = comparison.differences[reference]
    told = f"{found.mean:.3f} above none"
    if not found.p_holm < ALPHA:
        folds = comparison.scores[reference] - comparison.scores["none"]
        told += f", in {int((folds > 0).sum())} of {len(folds)} folds, not distinguishable from it"
    return (
        f"Use {reference}, which makes no images: {comparison.metric} {told} ({_sure(found)})"
        f"{_price(comparison, reference)}{'; ' * bool(rest)}{rest}."
    )


def _of_the_others(comparison: ResamplerComparison, best: str) -> str:
    """What is to be said of those that are not recommended."""
    reference, gains = comparison.reference, comparison.gains
    other = "" if reference == "none" else "other "
    if best and gains[best].mean > 0:
        than = "it" if reference == "none" else reference
        return (
            f"no {other}candidate is distinguishably better, the highest, {best}, is "
            f"{gains[best].mean:.3f} above {than} ({_sure(gains[best])})"
        )
    beside = comparison.differences if reference == "none" else gains
    worse = [name for name, each in beside.items() if each.p_holm < ALPHA and each.mean < 0]
    tail = f", {_joined(worse)} {'are' if len(worse) > 1 else 'is'} worse" if worse else ""
    return f"no {other}candidate is higher in {comparison.metric}{tail}" if beside else ""


def _measured_on(comparison: ResamplerComparison) -> str:
    if not (known := comparison.conditions):
        return ""
    return (
        f"Measured with {known['classifier']} on {known['n_images']} {known['images']}, "
        f"{comparison.n_folds} {'folds' if comparison.n_folds > 1 else 'fold'}, "
        f"seed {known['seed']}, imblearn_images {known['version']}."
    )


def _sure(found: Difference) -> str:
    chance = "p < 0.001" if found.p_holm < 0.001 else f"p = {found.p_holm:.3f}"
    if np.isnan(found.p_holm):
        return "one fold, which says nothing of chance"
    if np.isnan(found.low):
        return f"in all folds the same, {chance}"
    return f"95 % interval {found.low:.3f} to {found.high:.3f}, {chance}"


def _joined(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _price(comparison: ResamplerComparison, name: str) -> str:
    before, after = (comparison.calibration[each].brier for each in ("none", name))
    if not after > before + BRIER:
        return ""
    return f"; do not trust its probabilities (Brier score {after:.3f}, none has {before:.3f})"
