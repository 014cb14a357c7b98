"""Tuned priors: the strength of a correction, chosen by one cross-validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import get_scorer
from sklearn.model_selection import StratifiedGroupKFold, check_cv
from sklearn.utils.validation import check_is_fitted

import imblearn_images.decision._base as base
from imblearn_images._docstrings import substitute
from imblearn_images.core.columns import as_groups, sortable
from imblearn_images.decision._class_counts import count, fit_counting
from imblearn_images.decision._priors import PriorCorrectedClassifier, shares_of
from imblearn_images.decision._thresholds import BETTER, climb

TAUS = (0.0, 0.15, 0.3, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
NO_LESS = 1e-300  # minimum probability: its logarithm is finite, and no correction makes it large


@substitute
class PriorCorrectedClassifierCV(base.WrapperMixin, BaseEstimator):
    r"""Correct probabilities to other class shares, by a strength chosen by cross-validation.

    A grid search over ``tau`` of
    :class:`~imblearn_images.decision.PriorCorrectedClassifier` resamples and fits again for
    every value. Here each fold is fitted once, and all values of `taus` are tried on the same
    out-of-fold probabilities.

    {guide=prior-correction}

    Parameters
    ----------
    estimator : classifier
        A classifier with `predict_proba`. Samplers of a Pipeline resample the training part of a
        fold only.
    taus : sequence of float, default=(0.0, 0.15, 0.3, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
        Strengths to try, at least 0.
    prior : {"train", "uniform"} or dict, default="uniform"
        The class shares to decide for; see ``PriorCorrectedClassifier``.
    model_prior : {"count", "train", "uniform"} or dict, default="count"
        The class shares that the model is corrected from; see ``PriorCorrectedClassifier``.
        Behind a sampler that balances, "train" lets `taus` step further against the frequent
        classes.
    thresholds : int or None, default=None
        If given, weights of the classes are tuned as well, on the same probabilities, after
        `tau`; at most this many values are tried for a class at a time, as in
        :class:`~imblearn_images.decision.TunedThresholdsClassifier`.
    scoring : str or callable, default="balanced_accuracy"
        A metric of labels or probabilities: its name, or a scorer; larger is better. It is
        computed once for the out-of-fold predictions of all folds together. With `thresholds` a
        metric of labels.
    cv : int, cross-validation generator or iterable of splits, default=None
        Folds. None: five stratified ones, which keep groups whole where `fit` is given `groups`.
    {n_jobs}

    Attributes
    ----------
    estimator_ : PriorCorrectedClassifier
        The classifier with `tau_`, fitted on all images.
    tau_ : float
        The strength with the best score; of equally good ones, the nearest to 1.
    scores_ : dict of float to float
        Strength -> score.
    weights_ : ndarray of shape (n_classes,)
        Weights of the classes; all 1 without `thresholds`. Their geometric mean is 1.
    best_score_ : float
        Score with `tau_` and `weights_`. It was optimised, hence optimistic.
    classes_ : ndarray of shape (n_classes,)
        Labels.
    n_features_in_, feature_names_in_
        Those of `estimator_`, if it has them.

    See Also
    --------
    PriorCorrectedClassifier : With a given strength.
    TunedThresholdsClassifier : A weight for each class, without priors.

    Notes
    -----
    `predict_proba` returns the corrected probabilities; `weights_` belong to the decision, not to
    the probabilities.

    To choose a model or a sampler, put this classifier into a search: each candidate then gets
    the `tau` that suits it.

    References
    ----------
    .. [1] A. K. Menon, S. Jayasumana, A. S. Rawat, H. Jain, A. Veit, S. Kumar, "Long-tail
       learning via logit adjustment", ICLR 2021.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from imblearn_images.datasets import load_texture_patches
    >>> from imblearn_images.preprocessing import HOGFeatures
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> model = make_pipeline(HOGFeatures(), LogisticRegression())
    >>> tuned = PriorCorrectedClassifierCV(model, taus=[0, 0.5, 1]).fit(images, labels)
    >>> tuned.scores_[tuned.tau_] == max(tuned.scores_.values()) == tuned.best_score_
    True
    >>> tuned.predict(images[:3]).tolist()
    ['brick', 'brick', 'brick']
    """

    def __init__(
        self,
        estimator: Any,
        *,
        taus: Sequence[float] = TAUS,
        prior: Literal["train", "uniform"] | Mapping[Any, float] = "uniform",
        model_prior: Literal["count", "train", "uniform"] | Mapping[Any, float] = "count",
        thresholds: int | None = None,
        scoring: str | Callable[..., Any] = "balanced_accuracy",
        cv: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.taus = taus
        self.prior = prior
        self.model_prior = model_prior
        self.thresholds = thresholds
        self.scoring = scoring
        self.cv = cv
        self.n_jobs = n_jobs

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None, **params: Any
    ) -> Any:
        """Choose the strength by cross-validation, and fit the estimator on all images.

        Parameters
        ----------
        X : images
            Array of shape (n, H, W), (n, H, W, C) or (n, d), or file paths.
        y : array-like of shape (n,)
            Labels.
        sample_weight : array-like of shape (n,), default=None
            Weights of the images, passed to `estimator` and to the metric.
        groups : array-like of shape (n,), default=None
            Group of each image; images of one group stay on one side of the folds.
        **params : dict
            Passed to the `fit` of `estimator`.

        Returns
        -------
        self : PriorCorrectedClassifierCV

        Raises
        ------
        ValueError
            If `taus` is empty or holds something else than numbers of at least 0; as described
            under :class:`PriorCorrectedClassifier`.
        TypeError
            If `estimator` has no `predict_proba`.
        """
        self._check()
        base.check_has_probabilities(self)
        labels = base.as_labels(X, y)
        if sample_weight is not None:
            sample_weight = base.as_weights(sample_weight, labels)
        given = base.params_of_fit(self, sample_weight, params)
        given_here = params | ({} if sample_weight is None else {"sample_weight": sample_weight})
        # tau=0 fits the same model, without warnings of corrections that come twice: whether one
        # does depends on the strength, which is chosen below.
        self.estimator_ = PriorCorrectedClassifier(
            self.estimator, prior=self.prior, tau=0.0, model_prior=self.model_prior
        ).fit(X, labels, **given_here)
        self.classes_ = classes = self.estimator_.classes_
        images = base.handed(self.estimator, X)
        parts = Parallel(n_jobs=self.n_jobs)(
            delayed(_held_out)(self.estimator_, images, labels, rows, given, sample_weight, classes)
            for rows in self._folds(labels, groups)
        )
        logs, starts, ends, tested = map(np.concatenate, zip(*parts, strict=True))
        weights = None if sample_weight is None else sample_weight[tested]
        score = _scoring(self.scoring, classes, labels[tested], weights)
        self.scores_ = {
            float(tau): score(log_softmax(logs + tau * (ends - starts), axis=1))
            for tau in self.taus
        }
        best = max((found for found in self.scores_.values() if found == found), default=None)
        if best is None:
            raise ValueError(
                f"`scoring` must return a number, got {self.scoring!r}, which returns nan for each "
                "of `taus`. Pass another metric."
            )
        good = [tau for tau, found in self.scores_.items() if found >= best - BETTER]
        self.tau_ = min(good, key=lambda tau: abs(tau - 1))
        self.best_score_ = self.scores_[self.tau_]
        self.weights_ = np.ones(len(classes))
        if self.thresholds is not None:
            chosen = log_softmax(logs + self.tau_ * (ends - starts), axis=1)
            counted = chosen if weights is None else chosen[weights > 0]
            tuned, self.best_score_ = climb(
                chosen, score, np.zeros(len(classes)), int(self.thresholds), counted
            )
            self.weights_ = np.exp(tuned - tuned.mean())
        self.estimator_.set_params(tau=self.tau_)
        base.remember_form(self, self.estimator_)
        return self

    def predict(self, X: Any) -> Any:
        """Return the labels of the largest corrected, weighted probabilities, shape (n,)."""
        check_is_fitted(self)
        logs = self.estimator_.predict_log_proba(X) + np.log(self.weights_)
        return self.classes_[np.argmax(logs, axis=1)]

    def predict_proba(self, X: Any) -> Any:
        """Return the corrected probabilities, not weighted, shape (n, n_classes)."""
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithm of :meth:`predict_proba`."""
        check_is_fitted(self)
        return self.estimator_.predict_log_proba(X)

    def _check(self) -> None:
        """Raise for parameters that are not allowed."""
        if isinstance(self.estimator, type):
            name = self.estimator.__name__
            raise TypeError(
                f"`estimator` must be a classifier object, got the class {name}. Pass {name}()."
            )
        taus = self.taus
        if not hasattr(taus, "__len__") or isinstance(taus, str) or not len(taus):
            raise ValueError(f"`taus` must be a list of numbers of at least 0, got {taus!r}.")
        for tau in taus:
            if not isinstance(tau, Real) or not 0 <= float(tau) < np.inf:
                raise ValueError(f"`taus` must hold numbers of at least 0, got {tau!r}.")
        if self.thresholds is not None and not (
            isinstance(self.thresholds, Integral) and self.thresholds > 0
        ):
            raise ValueError(
                f"`thresholds` must be None or an integer of at least 1, got {self.thresholds!r}."
            )

    def _folds(self, y: NDArray[Any], groups: Any) -> list[Any]:
        """Return the folds, train and test rows each."""
        if groups is None:
            return list(check_cv(self.cv, y, classifier=True).split(y, y))
        groups = sortable(as_groups(groups, len(y), of="images in X"))
        cv = 5 if self.cv is None else self.cv
        splitter = StratifiedGroupKFold(int(cv)) if isinstance(cv, Integral) else check_cv(cv, y)
        return list(splitter.split(y, y, groups))


def _held_out(
    corrected: PriorCorrectedClassifier,
    X: Any,
    y: NDArray[Any],
    rows: tuple[NDArray[np.intp], NDArray[np.intp]],
    params: dict[str, Any],
    sample_weight: Any,
    classes: NDArray[Any],
) -> tuple[Any, Any, Any, Any]:
    """Fit on one fold; return log-probabilities of held-out images, both priors' logs, the rows."""
    train, tested = rows
    n = len(y)
    own = {name: base.follow(value, n, train) for name, value in params.items()}
    model, counted = fit_counting(clone(corrected.estimator), base.rows_of(X, train), y[train], own)
    given = count(y[train], base.follow(sample_weight, n, train))
    before, after = shares_of(corrected, model.classes_, given, counted)
    logs = base.aligned_logs(
        model.predict_proba(base.rows_of(X, tested)), model.classes_, classes, NO_LESS
    )
    at = np.searchsorted(classes, model.classes_)
    shifts = np.zeros((2, len(classes)))
    shifts[0, at], shifts[1, at] = np.log(before), np.log(after)
    starts, ends = (np.broadcast_to(each, logs.shape) for each in shifts)
    return logs, starts, ends, tested


def _scoring(
    scoring: Any, classes: NDArray[Any], truth: NDArray[Any], weights: Any
) -> Callable[[NDArray[Any]], float]:
    """Return a function of log-probabilities, (n, n_classes), to their score."""
    scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
    rows = np.arange(len(truth))[:, None]
    params = {} if weights is None else {"sample_weight": weights}

    def score(logs: NDArray[Any]) -> float:
        return float(scorer(base.Answers(classes, logs), rows, truth, **params))

    return score
