"""Detection: a rare class treated as outliers of the others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone, is_classifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted

import imblearn_images.decision._base as base
from imblearn_images.core.columns import plain_list, told


class MinorityDetector(ClassifierMixin, TransformerMixin, BaseEstimator):
    """Treat a rare class as outliers of the others: a classifier, and a step that makes scores.

    An outlier detector learns from the images of all other classes; those of the rare class only
    calibrate it. This is useful where they are too few to learn what they look like, and for
    rare images of kinds never seen.

    Read more in the :ref:`User Guide <rare-classes-as-outliers>`.

    Parameters
    ----------
    estimator : outlier detector
        Any detector that learns from X alone: ``OneClassSVM``, ``IsolationForest``,
        ``LocalOutlierFactor(novelty=True)``, ``EllipticEnvelope``, one of PyOD, or a Pipeline that
        ends in one.
    rare : label, default=None
        The rare class. None: the less frequent one of two.
    cv : int, default=5
        Number of folds: images of the other classes are scored by detectors that have not seen
        them.

    Attributes
    ----------
    estimator_ : outlier detector
        The detector, fitted on all images except those of the rare class.
    rare_ : label
        The rare class.
    rare_column_ : int
        Index of the rare class in ``classes_``, and its column of `predict_proba`.
    center_, scale_ : float
        Mean and standard deviation of the detector's scores on the images it learnt from.
    calibrator_ : LogisticRegression
        Turns scores into the probability of the rare class.
    classes_ : ndarray of shape (2,)
        The two labels of y. Where y has more, [False, True]: whether an image is rare.
    n_features_in_, feature_names_in_
        Those of `estimator_`, if it has them.

    See Also
    --------
    CascadeClassifier : Takes this one as `estimator`, if every node has two branches.

    Notes
    -----
    Scores are outlyingness, which is larger for less usual images, in standard deviations of the
    detector's scores on the images it learnt from. scikit-learn's detectors give usual images
    the higher score, PyOD's the unusual ones; PyOD's are recognised by their
    ``decision_scores_``. PyOD is not needed otherwise and is not an extra of this package:
    install it and pass a detector.

    Because a detector knows the images that it learnt from, ``fit_transform(X, y)`` is not
    ``fit(X, y).transform(X)``: it returns the out-of-fold scores, so that a classifier behind
    this step learns from scores like those of new images. scikit-learn's ``TargetEncoder``
    does the same, for the same reason.

    Where y has more than two labels, the answers are no labels of y, and metrics must be given
    ``y == rare``: :meth:`score` does that by itself, scikit-learn's ``scoring`` does not, and takes
    True for the label 1. Pass ``y == rare`` to the fit, too, with ``rare=True``. Classifiers and
    comparisons of this package that need labels raise an error instead.

    Probabilities assume that the class is as rare as in the fit. For other shares or metrics put
    this class into a PriorCorrectedClassifier, or a ``TunedThresholdClassifierCV``.

    References
    ----------
    .. [1] B. Scholkopf, J. C. Platt, J. Shawe-Taylor, A. J. Smola, R. C. Williamson,
       "Estimating the support of a high-dimensional distribution", Neural Computation 13(7),
       1443-1471, 2001.

    Examples
    --------
    As a classifier, then as a step beside the pixels:

    >>> from sklearn.ensemble import IsolationForest
    >>> from sklearn.pipeline import make_union
    >>> from imblearn_images.datasets import load_texture_patches
    >>> from imblearn_images.preprocessing import FlattenImages
    >>> images, labels = load_texture_patches(return_X_y=True, size=16)
    >>> forest = IsolationForest(n_estimators=10, random_state=0)
    >>> detector = MinorityDetector(forest, rare="gravel", cv=2).fit(images, labels)
    >>> detector.classes_.tolist(), detector.predict_proba(images[:2]).shape
    ([False, True], (2, 2))
    >>> both = make_union(FlattenImages(), detector)
    >>> both.fit_transform(images, labels).shape
    (1449, 257)
    """

    def __init__(self, estimator: Any, *, rare: Any = None, cv: int = 5) -> None:
        self.estimator = estimator
        self.rare = rare
        self.cv = cv

    def fit(self, X: Any, y: Any) -> Any:
        """Fit the detector on the other classes, and calibrate it with the rare one.

        Parameters
        ----------
        X : images
            Array of shape (n, H, W), (n, H, W, C) or (n, d), or file paths.
        y : array-like of shape (n,)
            Labels.

        Returns
        -------
        self : MinorityDetector

        Raises
        ------
        ValueError
            If y has more than two classes and `rare` is None, or does not hold `rare`, or has
            one class only; if `cv` is not an integer of at least 2.
        TypeError
            If the detector has neither ``score_samples`` nor ``decision_function``.
        """
        self._fit(X, y)
        return self

    def fit_transform(self, X: Any, y: Any) -> Any:
        """Fit; return scores from detectors that have not seen the image, shape (n, 1).

        Parameters
        ----------
        X : images
            As for :meth:`fit`.
        y : array-like of shape (n,)
            Labels.

        Returns
        -------
        scores : ndarray of shape (n, 1)
            Outlyingness.
        """
        return self._fit(X, y)

    def _fit(self, X: Any, y: Any) -> NDArray[Any]:
        """Fit, and return the scores of all images, out-of-fold for the other classes, (n, 1)."""
        if not isinstance(self.cv, (int, np.integer)) or self.cv < 2:
            raise ValueError(
                f"`cv` must be a number of folds, an integer of at least 2, got {self.cv!r}. "
                "Pass 5."
            )
        if is_classifier(self.estimator):
            raise TypeError(
                "`estimator` must be an outlier detector such as IsolationForest(), got the "
                f"classifier {type(self.estimator).__name__}."
            )
        labels = base.as_labels(X, y)
        is_rare = self._is_rare(labels)
        images = base.handed(self.estimator, X)
        rare, other = np.flatnonzero(is_rare), np.flatnonzero(~is_rare)
        if len(other) < 2:
            raise ValueError(
                "`y` must have two images or more that are not of the rare class "
                f"{told(self.rare_)!r}, got {len(other)}. The detector learns from them, and the "
                "calibration needs one that it has not seen."
            )
        n_folds = min(self.cv, len(other))
        scores = np.empty((len(labels), 1))
        for fold in range(n_folds):
            # Every n_folds-th image: each fold has images of all classes, even if y is sorted.
            held = np.arange(len(other)) % n_folds == fold
            learnt = self._learn(base.rows_of(images, other[~held]))
            scores[other[held]] = _outlyingness(base.rows_of(images, other[held]), *learnt)
        self.estimator_, self.center_, self.scale_ = self._learn(base.rows_of(images, other))
        scores[rare] = _outlyingness(
            base.rows_of(images, rare), self.estimator_, self.center_, self.scale_
        )
        self.calibrator_ = LogisticRegression().fit(scores, is_rare)
        base.remember_form(self, self.estimator_)
        return scores

    def _is_rare(self, labels: NDArray[Any]) -> NDArray[np.bool_]:
        """Return a mask of the images of the rare class, and set what is known of the classes."""
        self.classes_, counts = np.unique(labels, return_counts=True)
        if len(self.classes_) == 1:
            found = f"1 class, {told(labels[0])!r}"
            raise ValueError(f"`y` must have two classes or more, got {found}.")
        if self.rare is None and len(self.classes_) > 2:
            raise ValueError(
                "Only binary classification is supported. The type of the target is "
                f"{type_of_target(labels)}. Name the rare class, so that all others count as one: "
                "MinorityDetector(..., rare=...)."
            )
        if self.rare is not None and self.rare not in plain_list(self.classes_):
            raise ValueError(
                f"`rare` must be a label of y, which has {self.classes_.tolist()}, got "
                f"{self.rare!r}."
            )
        rarest = self.classes_[0 if counts[0] < counts[-1] else -1]
        self.rare_ = rarest if self.rare is None else self.rare
        is_rare = labels == self.rare_
        if len(self.classes_) > 2:
            self.classes_ = np.array([False, True])
            self.rare_column_ = 1
        else:
            self.rare_column_ = int(self.classes_[1] == self.rare_)
        return is_rare

    def _learn(self, X: Any) -> tuple[Any, float, float]:
        """Fit a detector; return it with the mean and standard deviation of its scores."""
        detector = clone(self.estimator).fit(X)
        scores = _raw_scores(detector, X)
        return detector, float(scores.mean()), float(scores.std()) or 1.0

    def transform(self, X: Any) -> Any:
        """Return the outlyingness of images, shape (n, 1); `X` as for :meth:`fit`."""
        check_is_fitted(self)
        images = base.handed(self.estimator_, X)
        return _outlyingness(images, self.estimator_, self.center_, self.scale_)

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Name the column of scores.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        names : ndarray of shape (1,)
            ["outlyingness"]
        """
        check_is_fitted(self)
        return np.array(["outlyingness"], dtype=object)

    def decision_function(self, X: Any) -> Any:
        """Return the log-odds of the second of ``classes_``, shape (n,); `X` as for `fit`."""
        check_is_fitted(self)
        images = base.handed(self.estimator_, X)
        scores = _outlyingness(images, self.estimator_, self.center_, self.scale_)
        odds = self.calibrator_.decision_function(scores)
        return odds if self.rare_column_ else -odds

    def predict_proba(self, X: Any) -> Any:
        """Return the probabilities of both ``classes_``, shape (n, 2); `X` as for `fit`."""
        second = expit(self.decision_function(X))
        return np.column_stack([1 - second, second])

    def predict(self, X: Any) -> Any:
        """Return the more probable of both ``classes_``, shape (n,); `X` as for `fit`."""
        check_is_fitted(self)
        return self.classes_[(self.decision_function(X) > 0).astype(int)]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy of :meth:`predict`.

        Parameters
        ----------
        X : images
            As for :meth:`fit`.
        y : array-like of shape (n,)
            Labels as in the fit; where it had more than two, also whether an image is rare.
        sample_weight : array-like of shape (n,), default=None
            Weights of the images.

        Returns
        -------
        score : float
            The share of the images that are told right.
        """
        check_is_fitted(self)
        labels = base.as_labels(X, y)
        of_many = self.classes_.dtype.kind == "b" and not isinstance(self.rare_, (bool, np.bool_))
        if of_many and labels.dtype.kind != "b":
            labels = labels == self.rare_
        return float(super().score(X, labels, sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = base.tags_like(super().__sklearn_tags__(), self.estimator)
        tags.classifier_tags.multi_class = False
        return tags


def _raw_scores(detector: Any, X: Any) -> NDArray[np.float64]:
    """Return the scores of a fitted detector, larger for less usual images, shape (n,)."""
    if hasattr(detector, "score_samples"):
        return -np.asarray(detector.score_samples(X), dtype=float)
    if not hasattr(detector, "decision_function"):
        raise TypeError(
            f"`estimator` must have score_samples or decision_function, got {detector!r}. "
            "LocalOutlierFactor has them with novelty=True."
        )
    last = detector.steps[-1][1] if isinstance(detector, Pipeline) else detector
    sign = 1 if hasattr(last, "decision_scores_") else -1
    return sign * np.asarray(detector.decision_function(X), dtype=float)


def _outlyingness(X: Any, detector: Any, center: float, scale: float) -> NDArray[np.float64]:
    """Return the standardised scores of a detector, shape (n, 1)."""
    return (_raw_scores(detector, X)[:, None] - center) / scale
