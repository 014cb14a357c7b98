"""Scores and folds for the comparison on images with several labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, f1_score
from sklearn.model_selection import check_cv

from imblearn_images.core.multilabel import LabelCounts, count_labels_of, holds_several
from imblearn_images.core.text import counted
from imblearn_images.decision._labels import label_probabilities
from imblearn_images.model_selection._folds import REPEATS, SPLITS, Fold
from imblearn_images.model_selection._splitters import MultilabelStratifiedKFold

__all__ = ["METRICS", "LabelScorer", "label_folds", "several_labels"]

METRICS = ("macro_ap", "macro_f1", "rare_ap")
"""Mean average precision of the labels; mean F1; mean average precision of the rarest third."""


def several_labels(y: Any) -> LabelCounts | None:
    """Return the labels as a table of 0 and 1 if images have several; None for one-hot rows."""
    if y is None or not holds_several(y):
        return None
    labels = count_labels_of(y)
    has = labels.counts > 0
    if (has.sum(axis=1) == 1).all() and labels.counts.max(initial=0) <= 1:
        return None
    if not has.any():
        raise ValueError(
            f"`y` must have at least one label, got {len(has)} images without any. Check how the "
            "labels were read."
        )
    return LabelCounts(has.astype(np.int32), labels.labels, labels.source)


def label_folds(
    y: NDArray[np.intp], groups: Any, cv: Any, seed: int
) -> tuple[list[Fold], list[str]]:
    """Return folds of images with several labels.

    Parameters
    ----------
    y : ndarray of shape (n, L)
        Table of 0 and 1.
    groups : array-like of shape (n,) or None
        Images that stay on one side.
    cv : int, splitter, iterable of (train, test) or None
        See :func:`compare_resamplers`; by default five folds, twice.
    seed : int
        Seed of the folds that are drawn here.

    Returns
    -------
    folds : list of (train, test)
        Row numbers.
    notes : list of str
        Notes on labels that are not tested in every fold.

    Raises
    ------
    ValueError
        If a fold trains and tests on the same images, or groups.
    """
    if cv is None or isinstance(cv, (int, np.integer)):
        n, repeats = (SPLITS, REPEATS) if cv is None else (int(cv), 1)
        folds = []
        for k in range(repeats):
            each = MultilabelStratifiedKFold(n, shuffle=True, random_state=(seed + k) % 2**32)
            folds += list(each.split(None, y, groups))
    else:
        folds = [(np.asarray(a), np.asarray(b)) for a, b in check_cv(cv).split(y, y, groups)]
    for number, (train, test) in enumerate(folds, 1):
        sides = (train, test) if groups is None else (np.asarray(groups)[s] for s in (train, test))
        if len(both := np.intersect1d(*sides)):
            what = "image" if groups is None else "group"
            raise ValueError(
                f"Fold {number} of {len(folds)} trains and tests on {what} {both[0]!s}. Leave `cv` "
                "out, or pass a splitter that keeps groups together."
            )
    there = y.any(axis=0)
    untested = sum(bool((~y[test].any(axis=0) & there).any()) for _, test in folds)
    never = np.flatnonzero(there & (np.array([y[t].any(axis=0) for _, t in folds]).sum(0) == 0))
    notes = []
    if untested:
        notes.append(
            f"in {untested} of {counted(len(folds), 'fold')} some labels have no test image; there "
            "they do not count in the means over labels"
        )
    if len(never):
        notes.append(f"{counted(len(never), 'label, has')} no test image in any fold")
    return folds, notes


class LabelScorer:
    """Scorer for several labels: means over the labels that have a test image.

    Parameters
    ----------
    y : ndarray of shape (n, L)
        Table of 0 and 1 of all images, which decides on the rarest third of the labels.
    metrics : sequence of str
        Some of `METRICS`.
    """

    def __init__(self, y: NDArray[np.intp], metrics: Any) -> None:
        counts = y.sum(axis=0)
        there = np.flatnonzero(counts)
        n_rare = -(-len(there) // 3)
        self.rare = there[np.argsort(counts[there], kind="stable")[:n_rare]]
        self.metrics = tuple(metrics)

    def __call__(self, answers: Any, X: Any, y: NDArray[np.intp]) -> dict[str, float]:
        """Return the score of each metric on test images `X` with labels `y`, shape (n, L)."""
        tested = np.flatnonzero(y.any(axis=0))
        rare = np.intersect1d(tested, self.rare)
        ranking = _ranking(answers, X, y.shape[1])
        precision = {at: float(average_precision_score(y[:, at], ranking[:, at])) for at in tested}
        found = {
            "macro_ap": _mean([precision[at] for at in tested]),
            "rare_ap": _mean([precision[at] for at in rare]),
        }
        predicted = np.asarray(answers.predict(X))[:, tested]
        f1 = f1_score(y[:, tested], predicted, average=None, zero_division=0)
        found["macro_f1"] = _mean(np.atleast_1d(f1).tolist())
        return {metric: found[metric] for metric in self.metrics}


def _mean(scores: list[float]) -> float:
    """Return the mean; NaN without scores."""
    return float(np.mean(scores)) if scores else np.nan


def _ranking(answers: Any, X: Any, n_labels: int) -> NDArray[np.float64]:
    """Return what ranks images by each label, shape (n, L): probabilities or decision values."""
    if hasattr(answers, "predict_proba"):
        return label_probabilities(answers, X, n_labels)
    return np.asarray(answers.decision_function(X), dtype=np.float64)
