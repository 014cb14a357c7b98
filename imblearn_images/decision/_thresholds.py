"""Thresholds: weights of the classes in the decision, tuned for a metric."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.utils.metadata_routing import MethodMapping, process_routing
from sklearn.utils.validation import check_is_fitted

import imblearn_images.decision._base as base
from imblearn_images._docstrings import substitute
from imblearn_images.core.columns import plain_list, told
from imblearn_images.decision._labels import (
    Told,
    as_label_table,
    folds_of_labels,
    label_probabilities,
    label_score,
    out_of_fold,
    tune_labels,
)

BETTER = 1e-9  # minimum rise of a score that is not taken for rounding


@substitute
class TunedThresholdsClassifier(base.WrapperMixin, BaseEstimator):
    r"""Decide by weighted probabilities of a classifier, with weights tuned for a metric.

    The label is :math:`\arg\max_c w_c\, p(c \mid x)`; argmax alone is :math:`w = 1`. The
    weights of any number of classes are chosen by coordinate ascent on the probabilities of
    images that the model has not seen: cross-validation inside `fit`.

    Images with several labels, `y` of shape (n, n_labels), get a threshold for each label.

    {guide=weights-of-classes}

    Parameters
    ----------
    estimator : classifier
        A classifier with `predict_proba`. Samplers of a Pipeline resample the training part of a
        fold only.
    scoring : str or callable, default="balanced_accuracy"
        A metric of labels that takes ``sample_weight``: its name, or a scorer; larger is
        better. It is computed once for all out-of-fold labels together, because one fold may
        hold too few rare images. With several labels it is a metric of one label, such as "f1",
        for which the threshold of each label is tuned.
    cv : int, cross-validation generator or iterable of splits, default=None
        Folds, in which every image must be tested exactly once. None: five stratified folds.
    thresholds : int, default=100
        Maximum number of weights that are tried for a class at a time. Fewer are tried where
        fewer differ in effect.
    {n_jobs}

    Attributes
    ----------
    estimator_ : classifier
        The clone of `estimator` that is fitted on all images.
    classes_ : ndarray of shape (n_classes,)
        Labels.
    weights_ : ndarray of shape (n_classes,)
        The tuned weights; their geometric mean is 1. Only with one label per image.
    thresholds_ : ndarray of shape (n_labels,)
        Minimum probability at which an image has the label. Only with several labels.
    pooled_ : ndarray of shape (n_labels,), dtype bool
        Whether a label has fewer than ten images: such labels share one threshold. Only with
        several labels.
    best_score_, plain_score_ : float
        Score of the out-of-fold labels with these weights, and of argmax. The first was
        optimised, hence optimistic; it is never smaller than the second. Weights for which
        `scoring` returns NaN are left out; the second may be NaN.
    n_features_in_, feature_names_in_
        Those of `estimator_`, if it has them.

    See Also
    --------
    sklearn.model_selection.TunedThresholdClassifierCV : For two classes, and the better
        choice there: costs, curves, metrics of one class.
    PriorCorrectedClassifier : One number, tau, instead of a weight for each class: less to
        tune where a class has only a handful of images.

    Notes
    -----
    Two classes are tuned in the same way: :math:`w_0 / (w_0 + w_1)` is their threshold.
    `predict_proba` returns the probabilities of `estimator_` as they are: the weights belong
    to the decision, not to the probabilities.

    Several labels: a threshold tuned on two or five images of a rare label does more harm than
    good, so such labels share one, tuned on all of their decisions together.

    For ``GroupKFold`` and the like pass the splits as `cv`, ``list(folds.split(X, y, groups))``,
    or route ``groups`` (scikit-learn's metadata routing).

    References
    ----------
    .. [1] N. Lachiche, P. Flach, "Improving accuracy and cost of two-class and multi-class
       probabilistic classifiers using ROC curves", ICML 2003.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True, size=16)
    >>> tuned = TunedThresholdsClassifier(GaussianNB(), cv=2, thresholds=20).fit(images, labels)
    >>> tuned.best_score_ > tuned.plain_score_
    True
    >>> tuned.predict(images[:3]).tolist()
    ['brick', 'brick', 'brick']
    """

    def __init__(
        self,
        estimator: Any,
        *,
        scoring: str | Callable[..., Any] = "balanced_accuracy",
        cv: Any = None,
        thresholds: int = 100,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.scoring = scoring
        self.cv = cv
        self.thresholds = thresholds
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> Any:
        """Tune the weights by cross-validation, and fit the estimator on all images.

        Parameters
        ----------
        X : images
            Array of shape (n, H, W), (n, H, W, C) or (n, d), or file paths.
        y : array-like of shape (n,), or table of shape (n, n_labels)
            Labels; with several per image, a table of 0 and 1.
        sample_weight : array-like of shape (n,), default=None
            Weights of the images, passed to `estimator` and to the metric.
        **params : dict
            Passed to the `fit` of `estimator`.

        Returns
        -------
        self : TunedThresholdsClassifier

        Raises
        ------
        ValueError
            If `thresholds` is not a positive integer, or `scoring` is not a metric of labels, or
            returns NaN for all weights; if `estimator` answers with other labels than those of y.
        TypeError
            If `estimator` has no `predict_proba`.
        """
        if not isinstance(self.thresholds, (int, np.integer)) or self.thresholds < 1:
            raise ValueError(
                f"`thresholds` must be an integer of at least 1, got {self.thresholds!r}."
            )
        base.check_has_probabilities(self)
        table = as_label_table(X, y)
        if table is not None:
            return self._fit_labels(X, table, sample_weight, params)
        labels = base.as_labels(X, y)
        weights = base.as_weights(sample_weight, labels)
        sample_weight = None if sample_weight is None else weights
        fit_params = base.params_of_fit(self, sample_weight, params)
        routed = {}
        if get_config()["enable_metadata_routing"]:
            known = process_routing(self, "fit", sample_weight=sample_weight, **params)
            routed = known["splitter"]["split"]
        counted = plain_list(np.unique(labels[weights > 0]))
        if len(counted) < 2:
            found = f"1 class, {told(counted[0])!r}" if counted else "none"
            raise ValueError(
                f"`y` must have two classes or more whose weights are not zero, got {found}."
            )
        images = base.handed(self.estimator, X)
        self.estimator_ = clone(self.estimator).fit(images, labels, **fit_params)
        base.check_own_labels(self.estimator_.classes_, labels)
        self.classes_ = self.estimator_.classes_
        # scikit-learn's cross_val_predict would hand 0, 1, ... to the estimator instead of labels,
        # which priors and rare classes may name.
        folds = list(check_cv(self.cv, labels, classifier=True).split(images, labels, **routed))
        unseen = out_of_fold(self.estimator, images, labels, folds, fit_params, self.n_jobs)
        logs = _log(unseen)
        score = self._scores(labels, weights)
        rarity = -np.log(np.unique(labels, return_counts=True)[1])
        # The score has many maxima: from balanced shares, climbing reaches others than from argmax.
        starts = [np.zeros(len(rarity)), rarity]
        self.plain_score_ = score(logs)
        start = max(starts, key=lambda shift: number(score(logs + shift)))
        tuned, self.best_score_ = climb(logs, score, start, int(self.thresholds), logs[weights > 0])
        if np.isnan(self.best_score_):
            raise ValueError(
                f"`scoring` must return a number, got {self.scoring!r}, which returns nan for all "
                "weights of the classes that were tried. Pass another metric."
            )
        self.weights_ = np.exp(tuned - tuned.mean())
        for name in ("thresholds_", "pooled_"):  # left by a fit to several labels
            if hasattr(self, name):
                delattr(self, name)
        base.remember_form(self, self.estimator_)
        return self

    def _fit_labels(
        self, X: Any, y: NDArray[np.intp], sample_weight: Any, params: dict[str, Any]
    ) -> Any:
        """Tune a threshold for each label, and fit the estimator on all images; return self."""
        given = base.params_of_fit(self, sample_weight, params)
        images = base.handed(self.estimator, X)
        weights = base.as_weights(sample_weight, y)
        folds = folds_of_labels(y, 5 if self.cv is None else self.cv)
        self.estimator_ = clone(self.estimator).fit(images, y, **given)
        self.classes_ = np.arange(y.shape[1])
        unseen = out_of_fold(self.estimator, images, y, folds, given, self.n_jobs)
        self.thresholds_, self.pooled_, self.best_score_, self.plain_score_ = tune_labels(
            unseen, y, weights, label_score(self.scoring), int(self.thresholds)
        )
        if hasattr(self, "weights_"):
            del self.weights_
        base.remember_form(self, self.estimator_)
        return self

    def _scores(self, labels: NDArray[Any], weights: Any) -> Callable[[Any], float]:
        """Return a function of log-probabilities, (n, n_classes), to their score.

        Scorers get the cells of the confusion matrix as a few weighted rows, not n images.
        """
        scorer = check_scoring(self.estimator, scoring=self.scoring)
        known, stub = self.classes_, Told(self.classes_)
        rows = np.searchsorted(known, labels) * len(known)
        true, predicted = (known[which.ravel()] for which in np.indices(2 * known.shape))

        def score(logs: NDArray[Any]) -> float:
            counts = np.bincount(rows + np.argmax(logs, axis=1), weights)
            cells = np.flatnonzero(counts)
            return float(scorer(stub, predicted[cells], true[cells], sample_weight=counts[cells]))

        try:
            score(np.zeros((len(labels), len(known))))
        except (AttributeError, TypeError) as exc:
            raise ValueError(
                f"`scoring` must be a metric of labels that takes sample_weight, such as "
                f"'balanced_accuracy' or 'f1_macro', got {self.scoring!r}. It fails with: {exc}"
            ) from exc
        return score

    def predict(self, X: Any) -> Any:
        """Return the labels of the largest weighted probabilities, (n,); `X` as for :meth:`fit`.

        With several labels, return a table of 0 and 1, shape (n, n_labels).
        """
        check_is_fitted(self)
        if not hasattr(self, "weights_"):
            return (self.predict_proba(X) >= self.thresholds_).astype(np.intp)
        return self.classes_[np.argmax(self.predict_proba(X) * self.weights_, axis=1)]

    def predict_proba(self, X: Any) -> Any:
        """Return the probabilities of `estimator_`, not weighted, shape (n, n_classes)."""
        check_is_fitted(self)
        if not hasattr(self, "weights_"):
            images = base.handed(self.estimator_, X)
            return label_probabilities(self.estimator_, images, len(self.thresholds_))
        return self.estimator_.predict_proba(base.handed(self.estimator_, X))

    def get_metadata_routing(self) -> Any:
        """Return how metadata of `fit` reach `estimator` and the splits of `cv`.

        Returns
        -------
        routing : MetadataRouter
        """
        mapping = MethodMapping().add(caller="fit", callee="split")
        return (
            super().get_metadata_routing().add(splitter=check_cv(self.cv), method_mapping=mapping)
        )


def _log(probabilities: NDArray[Any]) -> NDArray[Any]:
    """Return logarithms, -inf for 0."""
    with np.errstate(divide="ignore"):
        return np.log(np.asarray(probabilities, dtype=float))


def number(score: float) -> float:
    """Return a score that can be compared: of NaN, which a metric may lack, minus infinity."""
    return -np.inf if np.isnan(score) else score


def climb(
    logs: NDArray[Any],
    score: Callable[[Any], float],
    shift: NDArray[Any],
    n_trials: int,
    counted: NDArray[Any],
) -> tuple[NDArray[Any], float]:
    """Tune the shift of each class by coordinate ascent; return the shifts and their score.

    One class at a time is shifted, as long as the score rises. A row changes to a class when the
    shift exceeds the lead of the best other class, so only shifts between two such leads, of the
    log-probabilities `counted`, differ in effect. Of equal scores the smallest change wins. Shifts
    whose score is NaN are left out; the score returned is NaN if no other was found.
    """
    best, rising = number(score(logs + shift)), True
    while rising:
        rising = False
        for at in range(len(shift)):
            ahead = np.delete(counted + shift, at, axis=1).max(axis=1)
            trials = _between(ahead, counted[:, at], n_trials)
            tried = (logs + np.r_[shift[:at], t, shift[at + 1 :]] for t in trials)
            scores = np.array([number(score(each)) for each in tried])
            if len(scores) and scores.max() > best + BETTER:
                top = np.flatnonzero(scores >= scores.max() - BETTER)
                nearest = top[np.argmin(np.abs(trials[top] - shift[at]))]
                shift = np.r_[shift[:at], trials[nearest], shift[at + 1 :]]
                best, rising = float(scores[nearest]), True
    return shift, best if np.isfinite(best) else np.nan


def _between(ahead: NDArray[Any], own: NDArray[Any], n: int) -> NDArray[Any]:
    """Return at most `n` shifts, one between each two at which rows change their class."""
    free = np.isfinite(ahead) & np.isfinite(own)  # other rows keep their class at any shift
    turns = np.unique(ahead[free] - own[free])
    if not len(turns):
        return turns
    steps = np.concatenate([turns[:1] - 1, (turns[:-1] + turns[1:]) / 2, turns[-1:] + 1])
    if len(steps) > n:
        steps = steps[np.linspace(0, len(steps) - 1, n).round().astype(int)]
    return steps
