"""Priors: probabilities for other class shares than those a model was trained with."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from imblearn_images.core.targets import plain_list
from imblearn_images.decision._base import (
    WrapperMixin,
    as_labels,
    check_has_probabilities,
    handed,
    params_of_fit,
    remember_form,
)
from imblearn_images.decision._class_counts import count, fit_counting, hides_shares
from imblearn_images.decision._labels import (
    as_label_table,
    corrected,
    label_probabilities,
    log_odds,
    prevalences,
)

NOTHING = 0.02
"""Factor, less one, by which all corrections differ at least where they are worth the name."""
TWICE = 0.5
"""Share of a correction that makes it one, where two come together."""


class PriorCorrectedClassifier(WrapperMixin, BaseEstimator):
    r"""Classifier whose probabilities are corrected to other class shares, after the fact.

    Post-hoc logit adjustment [1]_ of any classifier with `predict_proba`, which also repairs
    probabilities that resampling or class weights have shifted:

    .. math:: p'(c \mid x) \propto p(c \mid x) \left(\pi_c / \pi^{model}_c\right)^\tau

    where :math:`\pi` is `prior`, and :math:`\pi^{model}` is `model_prior`: by default the shares
    of the classes in the data that reached the last step of `estimator`, *behind* the samplers
    of a Pipeline, counted with ``sample_weight`` and with ``class_weight``.

    ==========================================  ==========================================
    untouched model, for balanced accuracy      ``prior="uniform"``
    resampled model, true probabilities again   ``prior="train"``, the default
    resampled model, a small step further       ``prior="uniform"``, ``model_prior="train"``,
    against the frequent classes                ``tau=0.3``
    ==========================================  ==========================================

    Read more in the :ref:`User Guide <prior-correction>`.

    Parameters
    ----------
    estimator : classifier
        Has `predict_proba`; for images, for example a Pipeline of imbalanced-learn that
        begins with a sampler. One that is already trained is passed as
        ``FrozenEstimator(model)``, together with `model_prior`, or with the y it has seen.
    prior : {"train", "uniform"} or dict, default="train"
        The class shares to decide for. "train": those of y as given to `fit`, before any
        resampling; a model that was not resampled keeps its probabilities, those of a
        resampled one are repaired. "uniform": equal shares, for balanced accuracy. A dict,
        label -> share or number, of all classes: those where the classifier will be used.
    tau : float, default=1.0
        Strength of the correction: 0 changes nothing, 1 is Bayes' rule for probabilities that are
        right. Best found by grid search, more than 1 is common for networks, which are
        overconfident.
    model_prior : {"count", "train", "uniform"} or dict, default="count"
        The class shares that the model is corrected from. "count" counts the labels that
        reach the last step. Where samplers or class weights are hidden inside that one, as in
        balanced ensembles and in searches, it cannot: pass "uniform", or a dict as for `prior`.
        "train": those of y as given to `fit`, whatever samplers made of them. Behind a sampler
        that balances it steps further against the frequent classes, as models still prefer
        frequent classes: with a small `tau`, 0.15 to 0.3, as 1 would correct twice.

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

    Images with several labels, `y` of shape (n, n_labels), are corrected label by label, as if
    each were a question of two classes: ``prior_`` and ``model_prior_`` are then the shares of
    the images that have it, "uniform" is one half, and the keys of a dict are columns.

    A correction without effect warns, and so does one on top of another, as far as that can be
    detected: samplers and class weights can, a custom loss cannot. A network that was trained with
    :class:`~imblearn_images.torch.LogitAdjustedCrossEntropyLoss`, or behind a balanced loader, has
    been corrected already.

    During the fit the last step is wrapped in one that counts labels and weights:
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

    A step further, by what was frequent before the sampler:

    >>> further = PriorCorrectedClassifier(balanced, prior="uniform", model_prior="train", tau=0.3)
    >>> for shares in (further.fit(images, labels).model_prior_, further.prior_):
    ...     print(*(f"{share:.2f}" for share in shares))
    0.71 0.22 0.07
    0.33 0.33 0.33
    """

    def __init__(
        self,
        estimator: Any,
        *,
        prior: Literal["train", "uniform"] | Mapping[Any, float] = "train",
        tau: float = 1.0,
        model_prior: Literal["count", "train", "uniform"] | Mapping[Any, float] = "count",
    ) -> None:
        self.estimator = estimator
        self.prior = prior
        self.tau = tau
        self.model_prior = model_prior

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> Any:
        """Fit a clone of the estimator, and count.

        Parameters
        ----------
        X : images
            Array of shape (n, H, W), (n, H, W, C) or (n, d), or file paths.
        y : array-like of shape (n,), or table of shape (n, n_labels)
            Labels; with several an image, a table of 0 and 1.
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
            is negative or not a number; if samplers or class weights are hidden in `estimator`
            and `model_prior` is "count".
        TypeError
            If `estimator` has no `predict_proba`.

        Warns
        -----
        UserWarning
            If `tau` is not 0 and nothing is corrected, as both priors are the same; if what
            `model_prior` says is corrected twice.
        """
        hidden = self._refuse()
        table = as_label_table(X, y)
        labels = as_labels(X, y) if table is None else table
        fit_params = params_of_fit(self, sample_weight, params)
        fitted, counted = fit_counting(
            clone(self.estimator), handed(self.estimator, X), labels, fit_params
        )
        if table is not None:
            self.estimator_, self._is_of_labels = fitted, True
            return self._fit_shares(counted, count(labels, sample_weight))
        self._warn(self._settle(fitted, labels, counted, sample_weight), counted, hidden)
        return self

    def _refuse(self) -> str:
        """Raise for what cannot be; tell what is hidden in the estimator."""
        if isinstance(self.estimator, type):
            name = self.estimator.__name__
            raise TypeError(f"`estimator` must be a classifier, got a class; pass {name}().")
        _check(self.tau, self.prior, self.model_prior)
        check_has_probabilities(self)
        hidden = hides_shares(self.estimator)
        if hidden and self.model_prior == "count":
            raise ValueError(
                f"{type(self.estimator).__name__} {hidden} inside, where its labels cannot be "
                "counted. Correct its members instead, or name what they were trained with, "
                "such as model_prior='uniform'."
            )
        return hidden

    def _settle(
        self, fitted: Any, labels: NDArray[Any], counted: dict[Any, float], sample_weight: Any
    ) -> dict[Any, float]:
        """Correct what is fitted; give how much of each class y has."""
        self.estimator_, self._is_of_labels = fitted, False
        self.classes_ = fitted.classes_
        given = count(labels, sample_weight)
        self.model_prior_, self.prior_ = shares_of(self, self.classes_, given, counted)
        remember_form(self, fitted)
        return given

    def correct_fitted(self, fitted: Any, y: Any, counted: Mapping[Any, float]) -> Any:
        """Correct a classifier that is fitted already, for several corrections of one fit.

        Parameters
        ----------
        fitted : classifier
            What `estimator` has become by being fitted.
        y : array-like of shape (n,)
            Labels that it was given.
        counted : mapping of label to float
            How much of each class has reached its last step.

        Returns
        -------
        self : PriorCorrectedClassifier
        """
        hidden, counts = self._refuse(), dict(counted)
        self._warn(self._settle(fitted, np.asarray(y), counts, None), counts, hidden)
        return self

    def _fit_shares(self, counted: dict[Any, float], given: dict[Any, float]) -> Any:
        """Shares of the images that have each of several labels."""
        before, behind = (np.array([*shares.values()]) for shares in (given, counted))
        self.classes_ = np.arange(len(before))
        self.prior_ = prevalences("prior", self.prior, before)
        of_model = behind if self.model_prior == "count" else before
        self.model_prior_ = prevalences("model_prior", self.model_prior, of_model)
        if self.tau and np.abs(self._shift()).max() < self.tau * NOTHING:
            warnings.warn(
                f"PriorCorrectedClassifier corrects nothing, whatever `tau` ({self.tau!r}): "
                "`prior` and `model_prior` are the same shares of every label. prior='uniform' "
                "corrects for balanced accuracy of each label; tau=0 says that none is meant.",
                stacklevel=3,
            )
        remember_form(self, self.estimator_)
        return self

    def _warn(self, given: dict[Any, float], counted: dict[Any, float], hidden: str) -> None:
        """Warn where a correction has no effect, or repeats another one."""
        known = self.classes_.tolist()
        of_all = all(counts.get(label, 0) > 0 for counts in (given, counted) for label in known)
        if not self.tau or len(known) < 2 or not of_all:
            return
        source, seen = (np.log([counts[k] for k in known]) for counts in (given, counted))
        target, shift = np.log(self.prior_), self._shift()
        if np.ptp(shift) < self.tau * NOTHING:
            shares = dict(zip(known, self.prior_.tolist(), strict=True))
            self._warn_of_nothing(shares, source, moved=bool(hidden) or _apart(seen, source))
        elif self.model_prior != "count" and _apart(target, source):
            way = target - source
            way -= way.mean()
            before, now = (float(each @ way / (way @ way)) for each in (seen - source, shift))
            if now > TWICE and (hidden or before > TWICE):
                self._warn_of_twice(f"{hidden} inside" if hidden else "is resampled or weighted")

    def _warn_of_nothing(self, shares: dict[Any, float], source: Any, moved: bool) -> None:
        several = [f"{label!r} {share:.3g}" for label, share in list(shares.items())[:5]]
        more = f" and {len(shares) - 5} more" if len(shares) > 5 else ""
        if not _apart(source, np.zeros_like(source)):
            remedy = "The classes of y are balanced: leave the correction out, or set tau=0."
        elif moved:
            remedy = (
                "The model is resampled or weighted: prior='train' repairs its probabilities; "
                "prior='uniform', model_prior='train' and a small `tau` such as 0.3 step further "
                "against the frequent classes."
            )
        else:
            remedy = (
                "prior='uniform' corrects for balanced accuracy; tau=0 says that none is meant."
            )
        warnings.warn(
            f"PriorCorrectedClassifier corrects nothing, whatever `tau` ({self.tau!r}): `prior` "
            f"and `model_prior` are the same shares, {', '.join(several)}{more}. {remedy}",
            stacklevel=4,
        )

    def _warn_of_twice(self, told: str) -> None:
        warnings.warn(
            f"The classes are corrected twice: the model {told}, and `model_prior` "
            f"({self.model_prior!r}) with `tau` ({self.tau!r}) corrects it as if it were not. Keep "
            "model_prior='count' (where it cannot count, 'uniform'), or a small `tau` such as 0.3.",
            stacklevel=4,
        )

    def _shift(self) -> NDArray[np.float64]:
        """What is added to the logarithm of the probabilities, shape (n_classes,)."""
        logs = log_odds if self._is_of_labels else np.log
        shift: NDArray[np.float64] = self.tau * (logs(self.prior_) - logs(self.model_prior_))
        return shift

    def predict(self, X: Any) -> Any:
        """The most probable labels after correction, shape (n,); `X` as for :meth:`fit`.

        With several labels a table of 0 and 1, shape (n, n_labels).
        """
        check_is_fitted(self)
        if self._is_of_labels:
            return (self.predict_proba(X) >= 0.5).astype(np.intp)
        log_probabilities = self.predict_log_proba(X)
        return self.classes_[np.argmax(log_probabilities, axis=1)]

    def predict_proba(self, X: Any) -> Any:
        """Corrected probabilities.

        Parameters
        ----------
        X : images
            As for :meth:`fit`.

        Returns
        -------
        probabilities : ndarray of shape (n, n_classes)
            Columns in the order of ``classes_``; rows sum to 1, but not with several labels.
        """
        check_is_fitted(self)
        if self._is_of_labels:
            images, n_labels = handed(self.estimator_, X), len(self.classes_)
            found = label_probabilities(self.estimator_, images, n_labels)
            return corrected(found, self._shift())
        return np.exp(self.predict_log_proba(X))

    def predict_log_proba(self, X: Any) -> Any:
        """Logarithm of :meth:`predict_proba`."""
        check_is_fitted(self)
        if self._is_of_labels:
            with np.errstate(divide="ignore"):
                return np.log(self.predict_proba(X))
        probabilities = self.estimator_.predict_proba(handed(self.estimator_, X))
        with np.errstate(divide="ignore"):  # a probability of 0 stays 0
            logits = np.log(np.asarray(probabilities, dtype=float))
        return log_softmax(logits + self._shift(), axis=1)


def shares_of(
    correction: PriorCorrectedClassifier,
    classes: NDArray[Any],
    given: dict[Any, float],
    counted: dict[Any, float],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Class shares that a correction starts from, and those that it leads to.

    `given` is how much of each class y has, `counted` how much has reached the model.
    """
    from_counts = counted if correction.model_prior == "count" else given
    return (
        _shares("model_prior", correction.model_prior, classes, from_counts),
        _shares("prior", correction.prior, classes, given),
    )


def _check(tau: Any, *priors: Any) -> None:
    if not isinstance(tau, Real) or not 0 <= float(tau) < np.inf:
        raise ValueError(f"`tau` must be a number of at least 0, got {tau!r}; 1.0 is Bayes' rule.")
    known = {"prior": ("train", "uniform"), "model_prior": ("count", "train", "uniform")}
    for (name, words), prior in zip(known.items(), priors, strict=True):
        if isinstance(prior, Mapping) or (isinstance(prior, str) and prior in words):
            continue
        raise ValueError(
            f"`{name}` must be {', '.join(map(repr, words))} or a dict, label -> share; got "
            f"{prior!r}."
        )


def _apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Return whether two sets of shares, in logarithms of any sum, differ."""
    return bool(np.ptp(one - other) > NOTHING)


def _shares(name: str, prior: Any, classes: NDArray[Any], counts: dict[Any, float]) -> Any:
    """Class shares in the order of `classes`, shape (n_classes,)."""
    known = plain_list(classes)
    if isinstance(prior, str):
        prior = dict.fromkeys(known, 1.0) if prior == "uniform" else counts
        if missing := [label for label in known if label not in prior]:
            raise ValueError(
                f"`{name}` must have a share for each class that the model knows, and y holds none "
                f"of {missing}. Give the shares as a dict, label -> share."
            )
    elif set(prior) != set(known):
        missing, unknown = (
            [c for c in known if c not in prior],
            [c for c in prior if c not in known],
        )
        wrong = [f"add {missing}"] * bool(missing) + [f"leave out {unknown}"] * bool(unknown)
        raise ValueError(
            f"`{name}` must have a share for each class of the fit, {known}, got {prior!r}: "
            f"{' and '.join(wrong)}."
        )
    shares = np.array([prior[label] for label in known], dtype=float)
    if not (np.isfinite(shares) & (shares > 0)).all():
        told = dict(zip(known, shares.tolist(), strict=True))
        raise ValueError(f"`{name}` must have a positive share for every class, got {told}.")
    return shares / shares.sum()
