"""Priors: probabilities corrected to other class shares than those a model was trained with."""

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

import imblearn_images.decision._base as base
from imblearn_images.core.columns import plain_list
from imblearn_images.decision._class_counts import count, fit_counting, hides_shares
from imblearn_images.decision._labels import (
    as_label_table,
    corrected,
    label_probabilities,
    log_odds,
    prevalences,
)

NOTHING = 0.02
"""Difference in log-probabilities (2 %) below which a correction counts as none."""
TWICE = 0.5
"""Share of the way from the shares of y to `prior` that each of two corrections must go before
the classes count as corrected twice."""


class PriorCorrectedClassifier(base.WrapperMixin, BaseEstimator):
    r"""Correct the probabilities of a classifier to other class shares, after it is trained.

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
        A classifier with `predict_proba`, such as a Pipeline of imbalanced-learn that
        begins with a sampler. One that is already trained is passed as
        ``FrozenEstimator(model)``, together with `model_prior`, or with the y it has seen.
    prior : {"train", "uniform"} or dict, default="train"
        The class shares to decide for. "train": those of y as given to `fit`, before any
        resampling; a model that was not resampled keeps its probabilities, those of a
        resampled one are repaired. "uniform": equal shares, for balanced accuracy. A dict of
        all classes, label -> share or number: the shares where the classifier will be used.
    tau : float, default=1.0
        Strength of the correction: 0 changes nothing, 1 is Bayes' rule, for calibrated
        probabilities. It is best found by grid search; more than 1 is common for networks, which
        are overconfident.
    model_prior : {"count", "train", "uniform"} or dict, default="count"
        The class shares that the model is corrected from. "count" counts the labels that
        reach the last step. It cannot where samplers or class weights are hidden inside that
        step, as in balanced ensembles and in searches: pass "uniform", or a dict as for `prior`.
        "train": those of y as given to `fit`, whatever samplers made of them. Behind a sampler
        that balances, this is a step further against the frequent classes, which models still
        prefer: use a small `tau`, 0.15 to 0.3, because 1 would correct twice.

    Attributes
    ----------
    estimator_ : classifier
        The fitted clone of `estimator`.
    classes_ : ndarray of shape (n_classes,)
        Labels of the model.
    model_prior_ : ndarray of shape (n_classes,)
        Class shares that the model was trained with.
    prior_ : ndarray of shape (n_classes,)
        Class shares that probabilities are corrected to.
    n_features_in_, feature_names_in_
        Those of `estimator_`, if it has them.

    See Also
    --------
    TunedThresholdsClassifier : Weights of the classes, tuned for a metric.
    sklearn.calibration.CalibratedClassifierCV : For probabilities wrong in other ways, too.

    Notes
    -----
    The correction is exact where resampling changed how often classes occur and not what
    they look like, as random sampling does; SMOTE also changes the latter a little. For two
    classes it never changes the order of images, so areas under curves stay what they were.

    Images with several labels, `y` of shape (n, n_labels), are corrected label by label, as if
    having the label or not were two classes: ``prior_`` and ``model_prior_`` are then the shares
    of the images that have it, "uniform" is one half, and the keys of a dict are columns.

    A warning reports a correction without effect, and one on top of another as far as that can be
    detected: samplers and class weights can, a custom loss cannot. A network that was trained with
    :class:`~imblearn_images.torch.LogitAdjustedCrossEntropyLoss`, or behind a balanced loader, has
    been corrected already.

    During the fit the last step is wrapped in one that counts labels and weights, so that the
    shares are those of the training, whichever samplers came before.

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

    A step further against the classes that were frequent before the sampler:

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
        """Fit a clone of the estimator, and count the classes that it is fitted on.

        Parameters
        ----------
        X : images
            Array of shape (n, H, W), (n, H, W, C) or (n, d), or file paths.
        y : array-like of shape (n,), or table of shape (n, n_labels)
            Labels; with several per image, a table of 0 and 1.
        sample_weight : array-like of shape (n,), default=None
            Passed to `estimator`; an image of weight 2 counts as two.
        **params : dict
            Passed to the `fit` of `estimator`.

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
            If `tau` is not 0 and nothing is corrected, because both priors are the same; if the
            model is resampled or weighted and `model_prior` corrects the same shares again.
        """
        hidden = self._checked()
        table = as_label_table(X, y)
        labels = base.as_labels(X, y) if table is None else table
        fit_params = base.params_of_fit(self, sample_weight, params)
        fitted, counted = fit_counting(
            clone(self.estimator), base.handed(self.estimator, X), labels, fit_params
        )
        if table is not None:
            self.estimator_, self._is_of_labels = fitted, True
            return self._fit_shares(counted, count(labels, sample_weight))
        self._warn(self._settle(fitted, labels, counted, sample_weight), counted, hidden)
        return self

    def _checked(self) -> str:
        """Raise for parameters that are not allowed; return what the estimator hides, as a verb."""
        if isinstance(self.estimator, type):
            name = self.estimator.__name__
            raise TypeError(
                f"`estimator` must be a classifier object, got the class {name}. Pass {name}()."
            )
        _check(self.tau, self.prior, self.model_prior)
        base.check_has_probabilities(self)
        hidden = hides_shares(self.estimator)
        if hidden and self.model_prior == "count":
            raise ValueError(
                f"`model_prior` must not be 'count' here: {type(self.estimator).__name__} {hidden} "
                "inside, where its labels cannot be counted. Correct its members instead, or pass "
                "the shares that they were trained with, such as model_prior='uniform'."
            )
        return hidden

    def _settle(
        self, fitted: Any, labels: NDArray[Any], counted: dict[Any, float], sample_weight: Any
    ) -> dict[Any, float]:
        """Set the attributes of a fit; return the number, or weight, of each class in y."""
        self.estimator_, self._is_of_labels = fitted, False
        self.classes_ = fitted.classes_
        given = count(labels, sample_weight)
        self.model_prior_, self.prior_ = shares_of(self, self.classes_, given, counted)
        base.remember_form(self, fitted)
        return given

    def correct_fitted(self, fitted: Any, y: Any, counted: Mapping[Any, float]) -> Any:
        """Correct a classifier that is already fitted: several corrections can share one fit.

        Parameters
        ----------
        fitted : classifier
            `estimator`, or a clone of it, after its fit.
        y : array-like of shape (n,)
            Labels that were passed to that fit.
        counted : mapping of label to float
            Number, or weight, of each class that reached the last step.

        Returns
        -------
        self : PriorCorrectedClassifier
        """
        hidden, counts = self._checked(), dict(counted)
        self._warn(self._settle(fitted, np.asarray(y), counts, None), counts, hidden)
        return self

    def _fit_shares(self, counted: dict[Any, float], given: dict[Any, float]) -> Any:
        """Set the attributes of a fit with several labels, from shares of each; return self."""
        before, behind = (np.array([*shares.values()]) for shares in (given, counted))
        self.classes_ = np.arange(len(before))
        self.prior_ = prevalences("prior", self.prior, before)
        of_model = behind if self.model_prior == "count" else before
        self.model_prior_ = prevalences("model_prior", self.model_prior, of_model)
        if self.tau and np.abs(self._shift()).max() < self.tau * NOTHING:
            warnings.warn(
                f"PriorCorrectedClassifier corrects nothing, whatever `tau` ({self.tau!r}): "
                "`prior` and `model_prior` are the same shares of every label. Pass "
                "prior='uniform' for balanced accuracy of each label, or tau=0 for no correction.",
                stacklevel=3,
            )
        base.remember_form(self, self.estimator_)
        return self

    def _warn(self, given: dict[Any, float], counted: dict[Any, float], hidden: str) -> None:
        """Warn where a correction has no effect, or repeats another one."""
        known = self.classes_.tolist()
        of_all = all(counts.get(label, 0) > 0 for counts in (given, counted) for label in known)
        if not self.tau or len(known) < 2 or not of_all:
            return
        # All in logarithms: classes of y, classes that reached the model, the aim, the correction.
        source, seen = (np.log([counts[k] for k in known]) for counts in (given, counted))
        target, shift = np.log(self.prior_), self._shift()
        if np.ptp(shift) < self.tau * NOTHING:
            shares = dict(zip(known, self.prior_.tolist(), strict=True))
            self._warn_of_nothing(shares, source, moved=bool(hidden) or _apart(seen, source))
        elif self.model_prior != "count" and _apart(target, source):
            # How far resampling, and this correction, each go along the way from y to `prior`.
            way = target - source
            way -= way.mean()
            before, now = (float(each @ way / (way @ way)) for each in (seen - source, shift))
            if now > TWICE and (hidden or before > TWICE):
                self._warn_of_twice(f"{hidden} inside" if hidden else "is resampled or weighted")

    def _warn_of_nothing(self, shares: dict[Any, float], source: Any, moved: bool) -> None:
        """Warn that both priors are the same; `moved` if samplers or weights act before it."""
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
            remedy = "Pass prior='uniform' for balanced accuracy, or tau=0 for no correction."
        warnings.warn(
            f"PriorCorrectedClassifier corrects nothing, whatever `tau` ({self.tau!r}): `prior` "
            f"and `model_prior` are the same shares, {', '.join(several)}{more}. {remedy}",
            stacklevel=4,
        )

    def _warn_of_twice(self, how: str) -> None:
        """Warn that the classes are corrected twice; `how` is what the model does already."""
        warnings.warn(
            f"The classes are corrected twice: the model {how}, and `model_prior` "
            f"({self.model_prior!r}) with `tau` ({self.tau!r}) corrects it as if it were not. Keep "
            "model_prior='count' (where it cannot count, 'uniform'), or a small `tau` such as 0.3.",
            stacklevel=4,
        )

    def _shift(self) -> NDArray[np.float64]:
        """Return what is added to the log-probabilities, shape (n_classes,)."""
        logs = log_odds if self._is_of_labels else np.log
        shift: NDArray[np.float64] = self.tau * (logs(self.prior_) - logs(self.model_prior_))
        return shift

    def predict(self, X: Any) -> Any:
        """Return the most probable labels after correction, shape (n,); `X` as for :meth:`fit`.

        With several labels, return a table of 0 and 1, shape (n, n_labels).
        """
        check_is_fitted(self)
        if self._is_of_labels:
            return (self.predict_proba(X) >= 0.5).astype(np.intp)
        log_probabilities = self.predict_log_proba(X)
        return self.classes_[np.argmax(log_probabilities, axis=1)]

    def predict_proba(self, X: Any) -> Any:
        """Return the corrected probabilities.

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
            images, n_labels = base.handed(self.estimator_, X), len(self.classes_)
            found = label_probabilities(self.estimator_, images, n_labels)
            return corrected(found, self._shift())
        return np.exp(self.predict_log_proba(X))

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithm of :meth:`predict_proba`."""
        check_is_fitted(self)
        if self._is_of_labels:
            with np.errstate(divide="ignore"):
                return np.log(self.predict_proba(X))
        probabilities = self.estimator_.predict_proba(base.handed(self.estimator_, X))
        with np.errstate(divide="ignore"):  # a probability of 0 stays 0
            logits = np.log(np.asarray(probabilities, dtype=float))
        return log_softmax(logits + self._shift(), axis=1)


def shares_of(
    correction: PriorCorrectedClassifier,
    classes: NDArray[Any],
    given: dict[Any, float],
    counted: dict[Any, float],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the class shares that a correction starts from, and those that it leads to.

    `given` is the number, or weight, of each class in y, `counted` that which reached the model.
    """
    base.check_own_labels(classes, list(given), more=True)
    from_counts = counted if correction.model_prior == "count" else given
    return (
        _shares("model_prior", correction.model_prior, classes, from_counts),
        _shares("prior", correction.prior, classes, given),
    )


def _check(tau: Any, *priors: Any) -> None:
    """Raise for a `tau`, `prior` or `model_prior` that is not allowed."""
    if not isinstance(tau, Real) or not 0 <= float(tau) < np.inf:
        raise ValueError(
            f"`tau` must be a number of at least 0, got {tau!r}. Pass 1.0 for Bayes' rule."
        )
    known = {"prior": ("train", "uniform"), "model_prior": ("count", "train", "uniform")}
    for (name, words), prior in zip(known.items(), priors, strict=True):
        if isinstance(prior, Mapping) or (isinstance(prior, str) and prior in words):
            continue
        raise ValueError(
            f"`{name}` must be {', '.join(map(repr, words))} or a dict, label -> share, got "
            f"{prior!r}."
        )


def _apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Return whether two sets of log-shares differ by more than a constant."""
    return bool(np.ptp(one - other) > NOTHING)


def _shares(name: str, prior: Any, classes: NDArray[Any], counts: dict[Any, float]) -> Any:
    """Return the class shares in the order of `classes`, shape (n_classes,), checked."""
    known = plain_list(classes)
    if isinstance(prior, str):
        prior = dict.fromkeys(known, 1.0) if prior == "uniform" else counts
        if missing := [label for label in known if label not in prior]:
            raise ValueError(
                f"`{name}` must have a share for each class of the model, but y holds no image of "
                f"{missing}. Pass the shares as a dict, label -> share."
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
        given = dict(zip(known, shares.tolist(), strict=True))
        raise ValueError(f"`{name}` must have a positive share for every class, got {given}.")
    return shares / shares.sum()
