"""Advice: one plain sentence on what a comparison has shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imblearn_images.model_selection.candidates import BASELINES
from imblearn_images.model_selection.statistics import ALPHA, Difference

if TYPE_CHECKING:
    from imblearn_images.model_selection.comparison import ResamplerComparison

__all__ = ["advise"]

BRIER = 0.01
"""Brier score that is worth a warning."""


def advise(comparison: ResamplerComparison) -> str:
    """Say what to do.

    Where a baseline that resamples nothing is as good as the best resampler, as far as these
    folds can tell, it is the one to use.
    """
    if not comparison.differences:
        return "No candidate has a result to be compared with none."
    if not comparison.better:
        return _keep(comparison)
    best = comparison.better[0]
    chosen, rival = best, ""
    for baseline in (name for name in comparison.better if name in BASELINES and name != best):
        gap = comparison.difference(best, baseline)
        if best not in BASELINES and not gap.p < ALPHA:
            chosen = baseline
            rival = f"; {best} is {gap.mean:.3f} higher, not distinguishable from it"
            break
    found = comparison.differences[chosen]
    gain = f"{found.mean:.3f} above none ({_interval(found)})"
    return f"Use {chosen}: {comparison.metric} {gain}{rival}{_price(comparison, chosen)}."


def _keep(comparison: ResamplerComparison) -> str:
    metric = comparison.metric
    if worse := comparison.worse:
        return (
            f"No candidate is better than none in {metric}, {_joined(worse)} "
            f"{'are' if len(worse) > 1 else 'is'} worse: keep the estimator as it is."
        )
    highest = max(comparison.differences, key=lambda name: comparison.differences[name].mean)
    found = comparison.differences[highest]
    said = f"No candidate is distinguishable from none in {metric}: keep the estimator as it is"
    if not found.mean > 0:
        return f"{said}."
    return (
        f"{said}, or add images; the highest, {highest}, is {found.mean:.3f} above none "
        f"({_interval(found)}, p = {found.p_holm:.3f} after adjustment)."
    )


def _interval(found: Difference) -> str:
    return f"95 % interval {found.low:.3f} to {found.high:.3f}"


def _joined(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _price(comparison: ResamplerComparison, name: str) -> str:
    before, after = (comparison.calibration[each].brier for each in ("none", name))
    if not after > before + BRIER:
        return ""
    return f"; do not trust its probabilities (Brier score {after:.3f}, none has {before:.3f})"
