"""Outcomes: of every candidate on every fold, and put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core.targets import plain_list
from imblearn_images.model_selection.candidates import Candidate
from imblearn_images.model_selection.comparison import (
    Calibration,
    ClassRecall,
    Cost,
    ResamplerComparison,
)
from imblearn_images.model_selection.folds import Fold
from imblearn_images.model_selection.statistics import calibrate

__all__ = ["Outcome", "summarise"]


@dataclass(frozen=True)
class Outcome:
    """What became of one candidate on one fold."""

    name: str
    fold: int
    error: str = ""
    """Why it failed."""
    scores: dict[str, float] = field(default_factory=dict)
    """Metric -> score of the test images."""
    predicted: Any = None
    """Labels of the test images."""
    probabilities: NDArray[np.float64] | None = None
    """Of all classes, shape (n_test, n_classes), where the classifier has some."""
    fit_seconds: float = np.nan
    """Resampling included."""
    resampling_seconds: float = np.nan
    peak_bytes: float = np.nan
    """The most that resampling held at once, beyond what was there before."""
    warnings: tuple[str, ...] = ()


def summarise(
    candidates: Sequence[Candidate],
    folds: Sequence[Fold],
    y: NDArray[Any],
    classes: NDArray[Any],
    outcomes: Sequence[Outcome],
    failures: dict[str, str],
    notes: list[str],
    interrupted: bool,
    conditions: dict[str, Any],
) -> ResamplerComparison:
    """Put together what is known of the folds that all candidates have been judged on."""
    names = tuple(each.name for each in candidates if each.name not in failures)
    known = {(outcome.name, outcome.fold): outcome for outcome in outcomes}
    complete = [k for k in range(len(folds)) if all((name, k) in known for name in names)]
    if not complete:
        raise KeyboardInterrupt("before one fold was complete")
    if interrupted:
        notes = [*notes, f"interrupted: {len(complete)} of {len(folds)} folds are complete"]
    table = {name: [known[name, k] for k in complete] for name in names}
    tested = np.concatenate([folds[k][1] for k in complete])
    n_test = {label: len(np.unique(tested[y[tested] == label])) for label in plain_list(classes)}
    calibration, reliability = {}, {}
    for name, found in table.items():
        calibration[name] = Calibration(np.nan, np.nan)
        if found[0].probabilities is not None:
            probabilities = np.concatenate([each.probabilities for each in found])
            brier, ece, reliability[name] = calibrate(probabilities, y[tested], classes)
            calibration[name] = Calibration(brier, ece)
    return ResamplerComparison(
        names=names,
        metric=next(iter(table["none"][0].scores)),
        fold_scores={
            metric: {name: np.array([o.scores[metric] for o in table[name]]) for name in names}
            for metric in table["none"][0].scores
        },
        test_to_train=float(np.mean([len(folds[k][1]) / len(folds[k][0]) for k in complete])),
        recall={name: _recall(table[name], y[tested], n_test) for name in names},
        calibration=calibration,
        reliability=reliability,
        costs={name: _cost(table[name]) for name in names},
        estimators={each.name: each.estimator for each in candidates if each.name in names},
        failures=failures,
        notes=(*notes, *_heard(outcomes)),
        interrupted=interrupted,
        conditions=conditions | {"n_folds": len(complete)},
    )


def _recall(
    found: Sequence[Outcome], truth: NDArray[Any], n_test: dict[Any, int]
) -> dict[Any, ClassRecall]:
    right = np.concatenate([each.predicted for each in found]) == truth
    return {
        label: ClassRecall(float(right[truth == label].mean()) if n else np.nan, n)
        for label, n in n_test.items()
    }


def _cost(found: Sequence[Outcome]) -> Cost:
    timed = [each for each in found if each.fold > 0] or found  # fold 0 is slowed by tracemalloc
    fit, resampling = (
        float(np.mean([getattr(each, field) for each in timed]))
        for field in ("fit_seconds", "resampling_seconds")
    )
    return Cost(fit, resampling, next((o.peak_bytes for o in found if o.fold == 0), np.nan))


def _heard(outcomes: Sequence[Outcome]) -> list[str]:
    """Warnings of the fits, each once, the most frequent first."""
    heard = Counter(" ".join(text.split()) for each in outcomes for text in set(each.warnings))
    n_fits = sum(not each.error for each in outcomes)
    return [f"{n} of {n_fits} fits warned: {text}" for text, n in heard.most_common(5)]
