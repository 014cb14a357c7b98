"""Priors: probabilities for other class shares than those a model was trained with."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from imblearn_images.core.targets import plain_list
from imblearn_images.decision.base import (
    WrapperMixin,
    as_labels,
    check_has_probabilities,
    handed,
    params_of_fit,
    remember_form,
)
from imblearn_images.decision.counting import count, fit_counting, hides_samplers


class PriorCorrectedClassifier(WrapperMixin, BaseEstimator):
    r"""Classifier whose probabilities are corrected to other class shares, after the fact.

    Post-hoc logit adjustment [1]_ of any classifier with `predict_proba`, and the repair of
    probabilities that resampling or class weights have bent:

    .. math:: p'(c \mid x) \propto p(c \mid x) \left(\pi_c / \pi^{model}_c\right)^\tau

    where :math:`\pi^{model}` are the shares of the classes in the data that reached the last
    step of `estimator`: *behind* the samplers of a Pipeline, counted with ``sample_weight``
    and with the ``class_weight`` of that step. :math:`\pi` is `prior`.

    Parameters
    ----------
    estimator : classifier
        Has `predict_proba`; for images, for example a Pipeline of imbalanced-learn that
        begins with a sampler. One that is trained already goes in as
        ``FrozenEstimator(model)``, together with `model_prior`, or with the y it has seen.
    prior : {"train", "uniform"} or dict, default="train"
        The class shares to decide for. "train": those of y as given to `fit`, before any
        resampling; a model that was not resampled keeps its probabilities, those of a
        resampled one are repaired. "uniform": equal shares, for balanced accuracy. A dict,
        label -> share or number, of all classes: those where the classifier will be used.
    tau : float, default=1.0
        How far to go: 0 changes nothing, 1 is Bayes' rule for probabilities that are right.
        Best found by grid search, more than 1 is not rare for networks, which are too sure.
    model_prior : {"count", "uniform"} or dict, default="count"
        The class shares that the model was trained with. "count" counts the labels that
        reach the last step. Where samplers are hidden inside that one, as in balanced
        ensembles and in searches, it cannot: say "uniform", or a dict as for `prior`.

    Attributes
    ----------
    estimator_ : classifier
        The fitted clone of `estimator`.
    classes_ : ndarray of shape (n_classes,)
        Labels that the model knows.
    model_prior_ : ndarray of shape (n_classes,)
        Class shares that the model was trained with.
    prior_ : ndarray of shape (n_classes,)
        Class shares that probabilities are corrected to.
    n_features_in_, feature_names_in_
        Those of `estimator_`, if it has them.

    See Also
    --------
    TunedThresholdsClassifier : Weights of classes that are learnt for a metric.
    sklearn.calibration.CalibratedClassifierCV : For probabilities wrong in other ways, too.

    Notes
    -----
    The correction is exact where resampling changed how often classes occur and not what
    they look like, as random sampling does; SMOTE also changes the latter a little. It never
    changes the order of images within one class against another, so areas under curves
    of two classes stay what they were.

    The last step is clad, for the time of the fit, in one that counts labels and weights:
    what is counted is what was trained on, whichever samplers came before.

    References
    ----------
    .. [1] A. K. Menon, S. Jayasumana, A. S. Rawat, H. Jain, A. Veit, S. Kumar, "Long-tail
       learning via logit adjustment", ICLR 2021.
    .. [2] M. Saerens, P. Latinne, C. Decaestecker, "Adjusting the outputs of a classifier to
       new a priori probabilities", Neural Computation 14(1), 21-41, 2002.

    Examples
    --------
    >>> from imblearn.pipeline import make_pipeline
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from imblearn_images import RandomOverSampler
    >>> from imblearn_images.datasets import load_texture_patches
    >>> from imblearn_images.preprocessing import FlattenImages
    >>> images, labels = load_texture_patches(return_X_y=True, size=16)
    >>> balanced = make_pipeline(RandomOverSampler(random_state=0), FlattenImages(), GaussianNB())
    >>> repaired = PriorCorrectedClassifier(balanced).fit(images, labels)
    >>> for shares in (repaired.model_prior_, repaired.prior_):
    ...     print(*(f"{share:.2f}" for share in shares))
    0.33 0.33 0.33
    0.71 0.22 0.07
    >>> repaired.predict_proba(images[:2]).shape
    (2, 3)
    """

    def __init__(self, estimator, *, prior="train", tau=1.0, model_prior="count"):
        self.estimator = estimator
        self.prior = prior
        self.tau = tau
        self.model_prior = model_prior

    def fit(self, X, y, sample_weight=None, **params):
        """Fit a clone of the estimator, and count.

        Parameters
        ----------
        X : images
            Array of shape (n, H, W), (n, H, W, C) or (n, d), or file paths.
        y : array-like of shape (n,)
            Labels.
        sample_weight : array-like of shape (n,), default=None
            Handed to `estimator`; an image of weight 2 counts as two.
        **params : dict
            Handed to the `fit` of `estimator`.

        Returns
        -------
        self : PriorCorrectedClassifier

        Raises
        ------
        ValueError
            If a prior lacks a class, names one that is unknown, or is not positive; if `tau`
            is negative or not a number; if samplers are hidden in `estimator` and
            `model_prior` is "count".
        TypeError
            If `estimator` has no `predict_proba`.
        """
        if isinstance(self.estimator, type):
            name = self.estimator.__name__
            raise TypeError(f"`estimator` must be a classifier, got a class; pass {name}().")
        _check(self.tau, self.prior, self.model_prior)
        check_has_probabilities(self)
        if self.model_prior == "count" and hides_samplers(self.estimator):
            raise ValueError(
                f"{type(self.estimator).__name__} resamples inside, where its labels cannot be "
                "counted. Correct its members instead, or say what they were trained with, for "
                "example model_prior='uniform'."
            )
        labels = as_labels(X, y)
        fit_params = params_of_fit(self, sample_weight, params)
        self.estimator_, counted = fit_counting(
            clone(self.estimator), handed(self.estimator, X), labels, fit_params
        )
        self.classes_ = self.estimator_.classes_
        given = count(labels, sample_weight)
        self.model_prior_ = _shares("model_prior", self.model_prior, self.classes_, counted)
        self.prior_ = _shares("prior", self.prior, self.classes_, given)
        remember_form(self, self.estimator_)
        return self

    def predict(self, X):
        """The most probable labels after correction, shape (n,); `X` as for :meth:`fit`."""
        log_probabilities = self.predict_log_proba(X)
        return self.classes_[np.argmax(log_probabilities, axis=1)]

    def predict_proba(self, X):
        """Corrected probabilities.

        Parameters
        ----------
        X : images
            As for :meth:`fit`.

        Returns
        -------
        probabilities : ndarray of shape (n, n_classes)
            Columns in the order of ``classes_``; rows sum to 1.
        """
        return np.exp(self.predict_log_proba(X))

    def predict_log_proba(self, X):
        """Logarithm of :meth:`predict_proba`."""
        check_is_fitted(self)
        probabilities = self.estimator_.predict_proba(handed(self.estimator_, X))
        with np.errstate(divide="ignore"):  # a probability of 0 stays 0
            logits = np.log(np.asarray(probabilities, dtype=float))
        shift = self.tau * (np.log(self.prior_) - np.log(self.model_prior_))
        return log_softmax(logits + shift, axis=1)


def _check(tau: Any, *priors: Any) -> None:
    if not isinstance(tau, Real) or not 0 <= float(tau) < np.inf:
        raise ValueError(f"tau must be a number from 0, got {tau!r}; 1.0 is Bayes' rule.")
    for name, word, prior in zip(("prior", "model_prior"), ("train", "count"), priors, strict=True):
        if not isinstance(prior, Mapping) and prior not in (word, "uniform"):
            raise ValueError(
                f"{name} must be {word!r}, 'uniform' or a dict, label -> share; got {prior!r}."
            )


def _shares(name: str, prior: Any, classes: NDArray[Any], counts: dict[Any, float]) -> Any:
    """Class shares in the order of `classes`, shape (n_classes,)."""
    known = plain_list(classes)
    if isinstance(prior, str):
        prior = dict.fromkeys(known, 1.0) if prior == "uniform" else counts
    elif set(prior) != set(known):
        missing, unknown = (
            [c for c in known if c not in prior],
            [c for c in prior if c not in known],
        )
        wrong = [f"add {missing}"] * bool(missing) + [f"leave out {unknown}"] * bool(unknown)
        raise ValueError(
            f"{name} must have a share for each class of the fit, {known}, got {prior!r}: "
            f"{' and '.join(wrong)}."
        )
    shares = np.array([prior[label] for label in known], dtype=float)
    if not (np.isfinite(shares) & (shares > 0)).all():
        told = dict(zip(known, shares.tolist(), strict=True))
        raise ValueError(f"{name}: every class needs a positive share, got {told}.")
    return shares / shares.sum()
