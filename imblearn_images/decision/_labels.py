"""Several labels per image: probabilities, priors and thresholds, label by label."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Integral
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.metrics import get_scorer
from sklearn.model_selection import check_cv
from sklearn.utils.validation import check_consistent_length

import imblearn_images.decision._base as base
from imblearn_images.core.containers import unwrap
from imblearn_images.core.images import Images
from imblearn_images.core.multilabel import count_labels_of, holds_several
from imblearn_images.core.splitting import share_out

FEW = 10
"""Minimum number of images of a label that gets a threshold of its own; fewer would overfit it."""
EVEN = 1e-6
"""Minimum distance of shares from 0 and 1 in log-odds."""


def as_label_table(X: Any, y: Any) -> NDArray[np.intp] | None:
    """Return labels as a table of 0 and 1, shape (n, L); None where every image has one label.

    One-hot rows count as one label per image.
    """
    if y is None or not holds_several(y):
        return None
    is_table = sparse.issparse(y) or len(getattr(y, "shape", ())) == 2
    labels = count_labels_of(y)
    table: NDArray[np.intp] = (labels.counts > 0).astype(np.intp)
    if (table.sum(axis=1) == 1).all() and labels.counts.max(initial=0) <= 1:
        return None
    if not is_table and list(labels.labels) != list(range(table.shape[1])):
        raise ValueError(
            "`y` must be a table of shape (n, n_labels) for a classifier, got a list of sets of "
            "labels. Make one: sklearn.preprocessing.MultiLabelBinarizer().fit_transform(y)."
        )
    images = X if isinstance(X, Images) else unwrap(X)[0]
    check_consistent_length(images, table)
    return table


def label_probabilities(fitted: Any, X: Any, n_labels: int) -> NDArray[np.float64]:
    """Return the probability of each label, shape (n, L), from any form of ``predict_proba``.

    Parameters
    ----------
    fitted : classifier
        A classifier fitted on a table. Its ``predict_proba`` returns a table, or, as forests do,
        a list with an array for each label, of two columns, or of one where all images were alike.
    X : images
        Images in the form that it takes.
    n_labels : int
        Number of labels.

    Returns
    -------
    probabilities : ndarray of shape (n, L)

    Raises
    ------
    ValueError
        If ``predict_proba`` returns anything else.
    """
    found = fitted.predict_proba(X)
    if isinstance(found, list):
        classes = fitted.classes_
        columns = [
            np.asarray(each)[:, np.flatnonzero(np.asarray(known) == 1)].sum(axis=1)
            for each, known in zip(found, classes, strict=True)
        ]
        found = np.column_stack(columns)
    table = np.asarray(found, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != n_labels:
        raise ValueError(
            f"`estimator` must return a probability for each of the {n_labels} labels, got shape "
            f"{table.shape}. Fit one classifier for each: OneVsRestClassifier(estimator)."
        )
    return table


def prevalences(name: str, prior: Any, counted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of the images that have each label, shape (L,).

    `prior` is a dict with a share for each column, or "uniform": one half; otherwise the shares
    are those `counted`.

    Raises
    ------
    ValueError
        For a dict without a label, and shares that are not between 0 and 1.
    """
    n = len(counted)
    if isinstance(prior, Mapping):
        if set(prior) != set(range(n)):
            raise ValueError(
                f"`{name}` must have a share for each of the {n} labels, by column from 0 to "
                f"{n - 1}, got {prior!r:.120}."
            )
        shares = np.array([prior[at] for at in range(n)], dtype=float)
        if not ((shares > 0) & (shares < 1)).all():
            raise ValueError(
                f"`{name}` must have the share of the images that have each label, above 0 and "
                f"below 1, got {prior!r:.120}."
            )
        return shares
    return np.full(n, 0.5) if prior == "uniform" else counted


def corrected(
    probabilities: NDArray[np.float64], shift: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return probabilities, shape (n, L), with their log-odds shifted, label by label."""
    with np.errstate(divide="ignore"):  # a probability of 0 or 1 stays as it is
        odds = np.log(probabilities) - np.log1p(-probabilities)
    shifted: NDArray[np.float64] = expit(odds + shift)
    return shifted


def log_odds(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log-odds of shares; 0 and 1 are moved inwards by `EVEN`, so they stay finite."""
    shares = shares.clip(EVEN, 1 - EVEN)
    odds: NDArray[np.float64] = np.log(shares) - np.log1p(-shares)
    return odds


Folds = list[tuple[NDArray[np.intp], NDArray[np.intp]]]


def folds_of_labels(y: NDArray[np.intp], cv: Any) -> Folds:
    """Return folds of a table of labels; `cv` is their number, or an object that makes them."""
    if not isinstance(cv, Integral):
        return [(np.asarray(train), np.asarray(test)) for train, test in check_cv(cv).split(y, y)]
    n = int(cv)
    if not 2 <= n <= len(y):
        raise ValueError(f"`cv` must be a number of folds from 2 to {len(y)}, got {cv!r}.")
    side = share_out(y, [1 / n] * n, None, np.random.RandomState(0))
    return [(np.flatnonzero(side != at), np.flatnonzero(side == at)) for at in range(n)]


def out_of_fold(
    estimator: Any,
    X: Any,
    y: NDArray[np.intp],
    folds: Folds,
    params: dict[str, Any],
    n_jobs: int | None,
) -> NDArray[np.float64]:
    """Return out-of-fold probabilities, of models that have not seen the image.

    Parameters
    ----------
    estimator : classifier
        A clone is fitted for every fold.
    X, y : images and labels
        One label per image, shape (n,), or a table of 0 and 1, shape (n, n_labels).
    folds : list of (train, test)
        Row numbers.
    params : dict
        Parameters of the fits; those with one value for each image follow the images.
    n_jobs : int or None
        Number of fits at a time.

    Returns
    -------
    probabilities : ndarray of shape (n, n_classes) or (n, n_labels)
        0 for a class that the training images of the fold lack.

    Raises
    ------
    ValueError
        If the folds do not test every image once.
    """
    tested = np.concatenate([test for _, test in folds])
    if not np.array_equal(np.sort(tested), np.arange(len(y))):
        raise ValueError(
            f"`cv` must test every image exactly once, got {len(tested)} tests of "
            f"{len(np.unique(tested))} of {len(y)} images. Pass a number of folds, or KFold."
        )

    classes = np.unique(y) if y.ndim == 1 else np.arange(y.shape[1])

    def run(train: NDArray[np.intp], test: NDArray[np.intp]) -> NDArray[np.float64]:
        given = {name: base.follow(value, len(y), train) for name, value in params.items()}
        fitted = clone(estimator).fit(base.rows_of(X, train), y[train], **given)
        images = base.rows_of(X, test)
        if y.ndim == 2:
            return label_probabilities(fitted, images, len(classes))
        columns = np.zeros((len(test), len(classes)))
        columns[:, np.searchsorted(classes, fitted.classes_)] = fitted.predict_proba(images)
        return columns

    found = Parallel(n_jobs=n_jobs)(delayed(run)(*fold) for fold in folds)
    probabilities = np.empty((len(y), len(classes)))
    for (_, test), part in zip(folds, found, strict=True):
        probabilities[test] = part
    return probabilities


Score = Callable[[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]], NDArray[np.float64]]


def _share(part: Any, whole: Any) -> Any:
    """Return part / whole, 0 where the whole is 0; weights may be as small as they like."""
    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=whole > 0)


def _f1(tp: Any, fp: Any, fn: Any, tn: Any) -> Any:
    return _share(2 * tp, 2 * tp + fp + fn)


def _balanced(tp: Any, fp: Any, fn: Any, tn: Any) -> Any:
    # As in scikit-learn, a side without images does not count.
    sides = np.add(tp + fn > 0, tn + fp > 0, dtype=float)
    return _share(_share(tp, tp + fn) + _share(tn, tn + fp), sides)


KNOWN: dict[str, Score] = {"f1": _f1, "f1_macro": _f1, "balanced_accuracy": _balanced}
"""Metrics that are computed for all thresholds at once."""


class Told(ClassifierMixin, BaseEstimator):
    """Classifier that predicts what it is given, because scorers need an estimator."""

    def __init__(self, classes_):
        self.classes_ = classes_

    def predict(self, predicted):
        """Return the labels as they are."""
        return predicted


def label_score(scoring: Any) -> Score:
    """Return a function of tp, fp, fn and tn of a label, arrays of shape (m,), to m scores."""
    if isinstance(scoring, str) and scoring in KNOWN:
        return KNOWN[scoring]
    scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
    truth, predicted = np.array([1, 0, 1, 0]), np.array([1, 1, 0, 0])
    stub = Told(np.array([0, 1]))

    def score(*cells: NDArray[Any]) -> NDArray[np.float64]:
        found = []
        for counts in np.column_stack([np.atleast_1d(cell) for cell in cells]):
            there = counts > 0
            found.append(scorer(stub, predicted[there], truth[there], sample_weight=counts[there]))
        scores = np.array(found, dtype=np.float64)
        if np.isnan(scores).all():
            raise ValueError(
                f"`scoring` must return a number, got {scoring!r}, which returns nan at every "
                "threshold of a label. Pass another metric."
            )
        return scores

    return score


def tune(
    probabilities: NDArray[np.float64],
    truth: NDArray[np.intp],
    weights: NDArray[np.float64],
    score: Score,
    n_trials: int,
) -> tuple[float, float, float]:
    """Return the best threshold of one label, its score, and the score of a threshold of 1/2.

    Of thresholds with equal scores the one nearest to 1/2 is chosen.

    Parameters
    ----------
    probabilities, truth, weights : ndarray of shape (m,)
        Probabilities of images that the model has not seen, whether they have the label, and
        their weights.
    score : callable
        See :func:`label_score`.
    n_trials : int
        Number of thresholds tried.
    """
    order = np.argsort(probabilities, kind="stable")
    p, positive, weight = probabilities[order], truth[order] > 0, weights[order]
    # Only thresholds between two different probabilities differ in effect; sums over the rows
    # below each give the confusion matrices of all of them at once.
    turns = np.flatnonzero(np.diff(p) > 0)
    trials = np.concatenate([[min(p[0] / 2, 0.5)], (p[turns] + p[turns + 1]) / 2])
    behind = np.concatenate([[0], turns + 1])
    if len(trials) > n_trials:
        some = np.linspace(0, len(trials) - 1, n_trials).round().astype(int)
        trials, behind = trials[some], behind[some]
    trials = np.append(trials, 0.5)
    behind = np.append(behind, np.searchsorted(p, 0.5, side="left"))
    below = [np.concatenate([[0.0], np.cumsum(weight * kind)]) for kind in (positive, ~positive)]
    fn, tn = (each[behind] for each in below)
    tp, fp = below[0][-1] - fn, below[1][-1] - tn
    scores = score(tp, fp, fn, tn)
    best = np.flatnonzero(scores >= np.nanmax(scores) - 1e-12)
    chosen = best[np.argmin(np.abs(trials[best] - 0.5))]
    return float(trials[chosen]), float(scores[chosen]), float(scores[-1])


def tune_labels(
    probabilities: NDArray[np.float64],
    y: NDArray[np.intp],
    weights: NDArray[np.float64],
    score: Score,
    n_trials: int,
) -> tuple[NDArray[np.float64], NDArray[np.bool_], float, float]:
    """Return the thresholds of all labels, which are pooled, and the scores with and without.

    Returns
    -------
    thresholds : ndarray of shape (L,)
    pooled : ndarray of bool, shape (L,)
        Labels of fewer than ten images. They share one threshold, tuned on all of their decisions
        at once; where they have fewer than ten images together, on those of all labels.
    best, plain : float
        Mean score of the labels with these thresholds, and with thresholds of 1/2.
    """
    positives = y[weights > 0].sum(axis=0)
    pooled = positives < FEW
    found = [
        tune(p, truth, weights, score, n_trials)
        for p, truth in zip(probabilities.T, y.T, strict=True)
    ]
    thresholds = np.array([threshold for threshold, _, _ in found])
    if pooled.any():
        together = pooled if positives[pooled].sum() >= FEW else np.ones(len(pooled), dtype=bool)
        thresholds[pooled], _, _ = tune(
            probabilities[:, together].ravel(),
            y[:, together].ravel(),
            np.repeat(weights, together.sum()),
            score,
            n_trials,
        )
    predicted = probabilities >= thresholds
    cells = [
        (weights[:, None] * (predicted == of_predicted) * (y == of_truth)).sum(axis=0)
        for of_truth, of_predicted in ((1, 1), (0, 1), (1, 0), (0, 0))
    ]
    best = float(np.mean(score(*cells)))
    return thresholds, pooled, best, float(np.mean([plain for *_, plain in found]))
