"""Policies: several treatments of imbalance, screened by cross-validation and averaged."""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from numbers import Integral, Real
from typing import Any, Literal, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import get_scorer
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from imblearn_images import recipes
from imblearn_images._docstrings import substitute
from imblearn_images._members import (
    alike,
    class_weight_of,
    growth_of,
    multiplies,
    same_penalty,
    samplers_of,
    seeded,
)
from imblearn_images._training import (
    Described,
    Drawn,
    Parts,
    Training,
    in_form,
    parts_of,
    same_drawing,
)
from imblearn_images.core.columns import as_groups, plain_list, sortable
from imblearn_images.core.containers import holds_images, holds_paths, unwrap
from imblearn_images.core.estimators import reads_homes, weighted
from imblearn_images.core.images import Images
from imblearn_images.core.text import align, as_sentence
from imblearn_images.decision._base import (
    Answers,
    WrapperMixin,
    aligned_logs,
    as_labels,
    check_has_probabilities,
    follow,
    params_of_fit,
    remember_form,
    rows_of,
)
from imblearn_images.decision._class_counts import count, hides_shares
from imblearn_images.decision._priors import PriorCorrectedClassifier, shares_of
from imblearn_images.display import PolicyDisplay
from imblearn_images.preprocessing import ReadImages
from imblearn_images.synthesis._flow import remembered_flows

__all__ = ["PolicyEnsembleClassifier", "PolicyResult", "default_policies"]

WEIGHTS = "class_weight"
"""The correction that weights classes in the fit instead of correcting probabilities."""

HELD = 1 << 28
"""Bytes of features of drawn images that are kept for the folds and the last fit, by policy."""

STEEPNESS = 2.0
"""Weights fall to exp(-STEEPNESS) at the limit of the screening."""

FLOOR = float(np.finfo(np.float32).eps)
"""Minimum of a probability: one policy that is sure must not outvote all others."""


def default_policies() -> list[tuple[str, Any, Any]]:
    """Return the policies of ``policies="default"``: name, sampler, correction."""
    return [
        ("prior_correction", None, 1.0),
        ("class_weight", None, WEIGHTS),
        ("mild", recipes.mild(), 0.3),
        ("transfer", recipes.transfer(), 0.3),
        ("mix", recipes.mix(), 0.3),
        ("many", recipes.many(), 1.0),
    ]


def pair_of_policies() -> list[tuple[str, Any, Any]]:
    """Return the policies of ``policies="pair"``, two of the default ones."""
    return [each for each in default_policies() if each[0] in ("prior_correction", "many")]


POLICIES = {"default": default_policies, "pair": pair_of_policies}


class PolicyResult(NamedTuple):
    """Outcome of one policy in a fitted ensemble."""

    name: str
    score: float
    """Score of its out-of-fold predictions; NaN if policies were not screened, or it failed."""
    kept: bool
    """Whether it is a part of the mean."""
    weight: float
    """Its share of the mean, 0 to 1."""
    seconds: float
    """Wall-clock time that it took, in the folds and on all images; what several policies share
    counts for the first of them."""
    reason: str
    """Why it was dropped; empty if it was kept."""


class PolicyTable(tuple[PolicyResult, ...]):
    """Policies of a fitted ensemble: a tuple of :class:`PolicyResult` that prints as a table."""

    def __repr__(self) -> str:
        return align(*self._cells())

    def _repr_html_(self) -> str:
        columns, rows = self._cells()
        head = "".join(f"<th>{escape(column)}</th>" for column in columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>"
            for row in rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        """Return the column names and the cells of each row, as text."""
        rows = [
            [
                each.name,
                f"{each.score:.3f}" if np.isfinite(each.score) else "-",
                f"{each.weight:.2f}" if each.kept else "dropped",
                f"{each.seconds:.2f} s",
                each.reason,
            ]
            for each in self
        ]
        return ["policy", "score", "weight", "time", "reason"], rows


@dataclass(frozen=True)
class _Policy:
    """One checked entry of `policies`."""

    name: str
    sampler: Any
    """Sampler or Pipeline of samplers, or None."""
    model: Any
    """Classifier that takes the place of the estimator, or None."""
    correction: PriorCorrectedClassifier | None
    weighted: bool
    """Whether classes are weighted."""
    unit: int
    """Number of its fit: policies that differ in the correction alone have the same one."""

    @property
    def counts(self) -> bool:
        """Whether it corrects from the class shares that the model was fitted on."""
        return self.correction is not None and self.correction.model_prior == "count"


@substitute
class PolicyEnsembleClassifier(WrapperMixin, BaseEstimator):
    r"""Train a classifier under several policies, and average those that suit the data.

    No single treatment of imbalance is safe: what helps on objects harms on textures. Each policy
    is a sampler, or none, in front of a clone of `estimator`, and a correction of its
    probabilities. Cross-validation inside `fit` drops policies that score clearly below the best
    one; a prediction is the mean of the log-probabilities of the others, weighted by their scores.

    {guide=both-and-ensembles}

    Parameters
    ----------
    estimator : classifier
        A classifier with `predict_proba`. It takes images, such as a Pipeline that begins with
        ``HOGFeatures``, or otherwise gets rows of pixels. It should not contain a sampler.
    policies : {"default", "pair"} or list of (name, sampler, correction), default="default"
        The six default policies, or two of them, prior correction and many pictures; the notes
        explain both. In a list of your own, the sampler is a sampler, a Pipeline of samplers, or
        None; also a whole classifier, used instead of `estimator`. The correction:

        - a number tau: a step of that size against the class shares of y,
          ``PriorCorrectedClassifier(prior="uniform", model_prior="train", tau=tau)``; without a
          sampler, against the shares that the model was fitted on, ``model_prior="count"``;
        - a dict: parameters of :class:`~imblearn_images.decision.PriorCorrectedClassifier`;
        - ``"class_weight"``: no correction, but balanced class weights in the fit;
        - None: no correction.

    screen : float or None, default=0.06
        Policies whose score is more than this below the best are dropped. The weight of those that
        are kept falls with their distance from the best: half as far, a policy counts 37 % of it.
        ``None``: all are kept and count alike, and nothing is cross-validated; recommended for
        networks, whose fits are expensive and gain by averaging.
    cv : int, cross-validation generator or iterable of splits, default=3
        Inner folds. An int is a number of stratified folds, which keep groups whole where `fit`
        is given `groups`; there are fewer where the smallest class does not suffice.
    scoring : str or callable, default="balanced_accuracy"
        A metric of labels or probabilities: its name, or a scorer; larger is better. It is
        computed once for the out-of-fold predictions of all folds together, because one fold may
        hold too few rare images.
    combine : {"log", "mean"}, default="log"
        What is averaged: log-probabilities, or probabilities.
    {n_jobs}
    {random_state}

    Attributes
    ----------
    policies_ : tuple of PolicyResult
        ``(name, score, kept, weight, seconds, reason)`` of each policy; prints as a table.
    estimators_ : dict of str to classifier
        Fitted classifiers of the policies that are kept, before their corrections. Policies that
        differ in the correction alone share one.
    plans_ : dict of str to ResamplingPlan
        Plans of the policies that are kept and resample by samplers of this library.
    classes_ : ndarray of shape (n_classes,)
        Labels.
    n_features_in_, feature_names_in_
        Those of the fitted classifiers, if they have them.

    Raises
    ------
    ValueError
        For an invalid list of policies. If all policies fail, the error of the first one.
    TypeError
        If `estimator` has no `predict_proba`.

    Warns
    -----
    UserWarning
        If a policy with a sampler, or any of the pair or of your list, fails: it is named, and
        dropped. If there are too few images to screen.

    See Also
    --------
    imblearn_images.recipes : The samplers of the default policies.
    imblearn_images.model_selection.compare_resamplers : Which single one to use.

    Notes
    -----
    The default policies are prior correction of the untouched model, class weights, the recipes
    :func:`~imblearn_images.recipes.mild`, ``transfer`` and ``mix`` with tau 0.3, and ``many`` with
    tau 1. Rows of pixels, which hold no shapes, get the first two.

    ``"pair"`` is the first and the last of them, for linear models of fixed features:
    ``PolicyEnsembleClassifier(estimator, "pair", screen=None)`` fits once, and once on nine times
    the images. With HOG features, on the test parts of 14 sets, it was 1.9 points above prior
    correction on average, 0.4 below it on the worst (``tests/benchmarks/efficacy.py recipes SETS
    --test --seeds 4``). With the default `screen` one of the two may be dropped, and what is left
    is no pair. Rows of pixels get the first one alone.

    How policies are screened and weighed was chosen inside the training parts of twelve sets
    (``tests/benchmarks/efficacy.py policies --inside``). On test parts that were looked at
    afterwards, of seven sets with another rare class in each of four repeats (clothes, digits,
    faces, patches), HOG and a linear model are 8.5 points of balanced accuracy above plain copies
    and 3.1 above prior correction, on the worst set 1.3 above the best of these, class weights and
    nothing. This is what ``policies tops small few faces surfaces scenes defects --seeds 4``
    prints. Policies up to 3 points below the best that count alike gain 2.9 there; the weights are
    for sets where the scores say little, as there are few images of a class. Fitting and predicting
    took 9 to 17 times the CPU of one fit behind the mix, 5 to 8 without ``many``, whose pictures
    are drawn once for all folds unless their features take 256 MB.

    A search over `C` inside `estimator` would see pictures of one image on both sides of its
    splits: choose `C` for the untouched model, and pass that.

    A small network, nothing screened, was 1.2 to 6.4 points above copies and 0.4 to 2.8 above prior
    correction on clothes, textures, cells and groceries; on the last ``many`` alone was 12.8 and
    9.2 (``policies fashion textures cells grocery --model cnn --steps 500 --seeds 1``: one repeat,
    which says little).

    Seeds are policies, too: ``[(f"seed {k}", recipes.mild(random_state=k), 0.3) for k in
    range(3)]`` with networks of different seeds. In that run several recipes gained more.

    Where a sampler makes the same number of rows of every image, as ``many`` does, a penalty `C` in
    the last step of `estimator` is divided by that number: an image and its pictures weigh as one,
    and the penalty is as strong as without them.

    What policies share is computed once: the synthetic images of a sampler for each training
    set; the flow between two images for all of them; and, where `estimator` is a Pipeline that
    begins with ``HOGFeatures``, the features of every image, so that only new images are described.
    Where the first step of `estimator` reads blocks (``HOGFeatures``, ``TorchEmbedding``), images
    of ``RedrawImages`` are drawn when they are read. Any image drawn from the held-out images of an
    inner fold, or by their deformations, would leak. So each fold draws its own; but where a
    sampler makes the same number of rows of every image, as ``many`` does, they are drawn once, and
    a fold takes those whose parents are all its own: about five of eight pictures of an image.

    ``sample_weight`` and other metadata with one value per image follow the images: a synthetic
    image takes the value of its base.

    Probabilities are raised to at least 1.2e-7, so that one policy that is sure does not outvote
    all others.

    References
    ----------
    .. [1] R. Caruana, A. Niculescu-Mizil, G. Crew, A. Ksikes, "Ensemble selection from libraries
       of models", ICML 2004.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from imblearn_images.datasets import load_texture_patches
    >>> from imblearn_images.preprocessing import HOGFeatures
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> model = make_pipeline(HOGFeatures(), LogisticRegression())
    >>> ensemble = PolicyEnsembleClassifier(model, random_state=0).fit(images, labels)
    >>> [each.name for each in ensemble.policies_]
    ['prior_correction', 'class_weight', 'mild', 'transfer', 'mix', 'many']
    >>> ensemble.predict(images[:3]).tolist()
    ['brick', 'brick', 'brick']

    Policies of your own:

    >>> from imblearn_images import SMOTE
    >>> policies = [("untouched", None, 1.0), ("smote", SMOTE(), None)]
    >>> both = PolicyEnsembleClassifier(model, policies, screen=None, random_state=0)
    >>> both.fit(images, labels).plans_["smote"]
    ResamplingPlan(361 images -> 768 rows: 361 original, 0 copies, 407 synthetic, near by pixels)
    """

    def __init__(
        self,
        estimator: Any,
        policies: Literal["default", "pair"] | Sequence[tuple[str, Any, Any]] = "default",
        *,
        screen: float | None = 0.06,
        cv: Any = 3,
        scoring: str | Callable[..., Any] = "balanced_accuracy",
        combine: Literal["log", "mean"] = "log",
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.policies = policies
        self.screen = screen
        self.cv = cv
        self.scoring = scoring
        self.combine = combine
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None, **params: Any
    ) -> Any:
        """Screen the policies, and fit those that are kept on all images.

        Parameters
        ----------
        X : images
            Array of shape (n, H, W), (n, H, W, C) or (n, d), or file paths.
        y : array-like of shape (n,)
            Labels.
        sample_weight : array-like of shape (n,), default=None
            Weights of the images, passed to the classifiers and to `scoring`; synthetic images
            have the weight of their base.
        groups : array-like of shape (n,), default=None
            Group of each image; images of one group stay on one side of the inner folds.
        **params : dict
            Passed to the `fit` of the classifiers; values of length n follow the images.

        Returns
        -------
        self : PolicyEnsembleClassifier
        """
        with remembered_flows():
            return self._fit(X, y, sample_weight, groups, params)

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        groups: Any,
        params: dict[str, Any],
        whole: Training | None = None,
    ) -> Any:
        """Fit, and reuse the drawings and fits of `whole`, which has the same images."""
        self._check()
        check_has_probabilities(self)
        labels = as_labels(X, y)
        if sample_weight is not None:
            sample_weight = np.asarray(sample_weight, dtype=float)
            check_consistent_length(labels, sample_weight)
        carried = params_of_fit(self, sample_weight, params)
        n = len(labels)
        groups = None if groups is None else sortable(as_groups(groups, n, of="images in X"))
        images, self.reader_ = self._read(X)
        seed = self._seed()
        policies = self._known(images)
        classes = np.unique(labels)
        run = _Runs(self, policies, images, labels, sample_weight, carried, seed, whole)
        failures: dict[str, Exception] = {}
        seconds = dict.fromkeys((each.name for each in policies), 0.0)
        folds = self._folds(labels, groups, seed)
        scores = self._screened(run, policies, folds, classes, failures, seconds)
        best = max(scores.values(), default=np.nan)
        kept = [each for each in policies if each.name not in failures]
        if scores:
            assert self.screen is not None
            kept = [each for each in kept if scores[each.name] >= best - self.screen]
        fitted = run.fit(kept, failures, seconds)
        kept = [each for each in kept if each.name in fitted]
        if not kept:
            raise next(iter(failures.values()))
        self.classes_ = classes
        self.estimators_ = {each.name: fitted[each.name].model for each in kept}
        self.plans_ = {
            each.name: fitted[each.name].plan for each in kept if fitted[each.name].plan is not None
        }
        self._shifts = {each.name: fitted[each.name].shift for each in kept}
        self._weights = self._shares({each.name: scores.get(each.name, np.nan) for each in kept})
        self.policies_ = PolicyTable(
            PolicyResult(
                each.name,
                scores.get(each.name, np.nan),
                each in kept,
                self._weights.get(each.name, 0.0),
                seconds[each.name],
                self._reason(each, kept, scores, best, failures),
            )
            for each in policies
        )
        self._warn(policies, failures)
        remember_form(self, self.estimators_[kept[0].name])
        return self

    def _drawings(self, X: Any) -> list[list[Any]]:
        """Return the samplers of each policy as they are run on `X`; without a seed, none.

        Parameters
        ----------
        X : images
            As for :meth:`fit`.

        Returns
        -------
        drawings : list of list of samplers
        """
        if (seed := self._seed(ahead=True)) is None:
            return []
        policies = [each for each in self._known(X) if each.model is None]
        return [_steps_of(each.sampler, X, seed) for each in policies]

    def _fit_sharing(self, X: Any, y: Any, training: Training) -> Any:
        """Fit, and reuse what other ensembles have drawn and fitted on the same images.

        Parameters
        ----------
        X, y : images and labels
            As for :meth:`fit`.
        training : Training
            The same images, with the drawings and fits made so far.

        Returns
        -------
        self : PolicyEnsembleClassifier
        """
        return self._fit(X, y, None, None, {}, training)

    def predict(self, X: Any) -> Any:
        """Return the most probable labels, shape (n,); `X` as for :meth:`fit`."""
        logs = self.predict_log_proba(X)
        return self.classes_[np.argmax(logs, axis=1)]

    def predict_proba(self, X: Any) -> Any:
        """Return the mean of the probabilities of the policies that are kept.

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

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithm of :meth:`predict_proba`."""
        check_is_fitted(self)
        images = X if self.reader_ is None else self.reader_.transform(unwrap(X)[0])
        known: dict[int, NDArray[np.float64]] = {}
        features: dict[int, Any] = {}
        answers = []
        for name, model in self.estimators_.items():
            if id(model) not in known:
                known[id(model)] = _logs(model, images, self.classes_, features)
            answers.append(log_softmax(known[id(model)] + self._shifts[name], axis=1))
        return _averaged(answers, [self._weights[name] for name in self.estimators_], self.combine)

    def plot(self, ax: Any = None) -> PolicyDisplay:
        """Draw the scores of the policies and the limit of the screening; needs matplotlib.

        Without screening there are no scores, but weights and seconds alone.

        Parameters
        ----------
        {ax}

        Returns
        -------
        display : PolicyDisplay
        """
        check_is_fitted(self)
        return PolicyDisplay.from_ensemble(self, ax=ax)

    def _check(self) -> None:
        """Raise for parameters that are not allowed."""
        if isinstance(self.estimator, type):
            name = self.estimator.__name__
            raise TypeError(
                f"`estimator` must be a classifier object, got the class {name}. Pass {name}()."
            )
        if self.combine not in ("log", "mean"):
            raise ValueError(f'`combine` must be "log" or "mean", got {self.combine!r}.')
        if self.screen is not None and not (isinstance(self.screen, Real) and self.screen >= 0):
            raise ValueError(
                f"`screen` must be None or a number of at least 0, got {self.screen!r}. Pass 0.06 "
                "to drop policies that score more than 6 points below the best."
            )
        if isinstance(self.scoring, str):
            get_scorer(self.scoring)  # raises for an unknown name before anything is fitted

    def _read(self, X: Any) -> tuple[Any, Any]:
        """Return the images, with files read once for all folds, and the fitted reader or None."""
        images = X if isinstance(X, Images) else unwrap(X)[0]
        if not holds_paths(images):
            return (images, None) if holds_images(images) or images is X else (X, None)
        first = _first_step(self.estimator)
        is_reader = isinstance(first, ReadImages)
        reader = clone(first) if is_reader else ReadImages(size=getattr(first, "size", None))
        reader.fit(images)
        return reader.transform(images), reader

    def _seed(self, *, ahead: bool = False) -> int | None:
        """Return `random_state` as an int, or None; `ahead`, that of the next fit."""
        if self.random_state is None or isinstance(self.random_state, Integral):
            return None if self.random_state is None else int(self.random_state)
        state = copy.deepcopy(self.random_state) if ahead else self.random_state
        return int(check_random_state(state).randint(2**31 - 1))

    def _known(self, images: Any) -> list[_Policy]:
        """Return the checked policies; those that can share a fit have the same `unit`."""
        given = self.policies
        if isinstance(given, str):
            if given not in POLICIES:
                raise _unknown(given)
            given = POLICIES[given]()
            if not (isinstance(images, Images) or holds_images(images)):
                given = [each for each in given if each[1] is None]
        elif isinstance(given, Mapping) or not isinstance(given, (list, tuple)) or not len(given):
            raise _unknown(given)
        known: list[_Policy] = []
        units: list[tuple[Any, bool]] = []
        for each in given:
            if (
                not isinstance(each, (list, tuple))
                or len(each) != 3
                or not isinstance(each[0], str)
            ):
                raise ValueError(
                    f"A policy must be (name, sampler, correction), got {each!r}. Leave out what "
                    "you do not need with None."
                )
            name, sampler, correction = each
            if name in [one.name for one in known]:
                raise ValueError(f"`policies` must have different names, got {name!r} twice.")
            corrects, weighs = _correction(name, sampler, correction)
            model = sampler if _is_model(name, sampler) else None
            fit = (sampler, weighs)
            unit = next((at for at, one in enumerate(units) if _same(one, fit)), len(units))
            if unit == len(units):
                units.append(fit)
            sampler = None if model is not None else sampler
            known.append(_Policy(name, sampler, model, corrects, weighs, unit))
        return known

    def _folds(
        self, y: NDArray[Any], groups: Any, seed: int | None
    ) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Return the inner folds, train and held-out rows; none where nothing is screened."""
        if self.screen is None:
            return []
        if not isinstance(self.cv, Integral):
            folds = list(check_cv(self.cv, y, classifier=True).split(y, y, groups))
            if not folds:
                raise ValueError(
                    f"`cv` must give folds, got {self.cv!r}, which gives none. Pass a number of "
                    "folds, or screen=None."
                )
            return folds
        if self.cv < 2:
            raise ValueError(
                f"`cv` must be at least 2, got {self.cv!r}. Pass screen=None to fit without folds."
            )
        of_class = [y == label for label in np.unique(y)]
        sizes = [len(np.unique(groups[r])) if groups is not None else r.sum() for r in of_class]
        n_splits = min(int(self.cv), int(min(sizes)))
        if n_splits < 2 or len(sizes) < 2:
            if len(sizes) > 1:
                what = "image" if groups is None else "group"
                label = plain_list(np.unique(y))[int(np.argmin(sizes))]
                warnings.warn(
                    f"Policies are not screened: class {label!r} has one {what}, and both sides "
                    "of a fold need one. All policies are kept; pass screen=None if that is "
                    "intended.",
                    stacklevel=4,
                )
            return []
        shuffled = {"shuffle": True, "random_state": 0 if seed is None else seed}
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
        return list(kind(n_splits, **shuffled).split(y, y, groups))

    def _screened(
        self,
        run: _Runs,
        policies: list[_Policy],
        folds: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]],
        classes: NDArray[Any],
        failures: dict[str, Exception],
        seconds: dict[str, float],
    ) -> dict[str, float]:
        """Return the score of the out-of-fold predictions of each policy that does not fail."""
        if not folds:
            return {}
        found = run.out_of_fold(policies, folds, classes, failures, seconds)
        truth = np.concatenate([run.y[held_out] for _, held_out in folds])
        scorer = get_scorer(self.scoring) if isinstance(self.scoring, str) else self.scoring
        rows, weights = np.arange(len(truth))[:, None], {}
        if run.sample_weight is not None:
            tested = np.concatenate([held_out for _, held_out in folds])
            weights = {"sample_weight": run.sample_weight[tested]}
        with warnings.catch_warnings():
            # scikit-learn 1.6 warns of classes whose rows all have the weight 0.
            warnings.filterwarnings("ignore", "y_pred contains classes not in y_true")
            scores = {
                name: float(scorer(Answers(classes, logs), rows, truth, **weights))
                for name, logs in found.items()
            }
        for name in [name for name, score in scores.items() if np.isnan(score)]:
            failures[name] = ValueError(f"`scoring` must return a number, got {scores.pop(name)}.")
        return scores

    def _shares(self, scores: dict[str, float]) -> dict[str, float]:
        """Return the weights of the policies that are kept, by their scores; they sum to 1."""
        with np.errstate(invalid="ignore"):  # of infinite scores
            below = np.max(list(scores.values())) - np.array(list(scores.values()))
        weights = np.ones(len(scores))
        if self.screen and np.isfinite(below).all():
            weights = np.exp(-STEEPNESS * below / self.screen)
        return dict(zip(scores, (weights / weights.sum()).tolist(), strict=True))

    def _reason(
        self,
        each: _Policy,
        kept: list[_Policy],
        scores: dict[str, float],
        best: float,
        failures: dict[str, Exception],
    ) -> str:
        """Return why a policy was dropped, in a few words."""
        if each in kept:
            return ""
        if each.name in failures:
            error = failures[each.name]
            return f"{type(error).__name__}: {' '.join(str(error).split())}"
        return f"{best - scores[each.name]:.3f} below the best, more than {self.screen:g}"

    def _warn(self, policies: list[_Policy], failures: dict[str, Exception]) -> None:
        """Warn of policies that fail; of the default ones without a sampler silently.

        Not every classifier takes class weights.
        """
        own = not isinstance(self.policies, str) or self.policies != "default"
        for each in policies:
            if each.name in failures and (own or each.sampler is not None):
                error = failures[each.name]
                told = as_sentence(f"{type(error).__name__}: {' '.join(str(error).split())}")
                warnings.warn(f"Policy {each.name!r} is dropped, it fails: {told}", stacklevel=4)


def _unknown(policies: Any) -> ValueError:
    return ValueError(
        '`policies` must be "default", "pair" or a list of (name, sampler, correction), got '
        f"{policies!r}."
    )


class _Fitted(NamedTuple):
    """A policy fitted on all images."""

    model: Any
    plan: Any
    """ResamplingPlan of its samplers, or None."""
    shift: NDArray[np.float64]
    """What its correction adds to the log-probabilities, shape (n_classes,)."""


class _Runs:
    """Fits of the policies on rows of one image set."""

    def __init__(
        self,
        ensemble: PolicyEnsembleClassifier,
        policies: list[_Policy],
        images: Any,
        y: NDArray[Any],
        sample_weight: Any,
        carried: dict[str, Any],
        seed: int | None,
        whole: Training | None,
    ) -> None:
        estimator = _behind_reader(ensemble.estimator, ensemble.reader_)
        self.estimator = estimator if seed is None else seeded(estimator, seed)
        self.images, self.y, self.n_jobs, self.seed = images, y, ensemble.n_jobs, seed
        self.sample_weight, self.carried = sample_weight, carried
        self.described = None
        parts = parts_of(self.estimator)
        if whole is not None:
            self.described = whole.described
        elif parts is not None and isinstance(images, np.ndarray):
            self.described = Described.of(parts.describing, images)
        self.whole = whole or Training(images, y, self.described, carried, held=0)
        self._drawn: list[tuple[list[Any], Drawn]] = []

    def trainings(
        self, rows: NDArray[np.intp] | None, steps: list[Any]
    ) -> tuple[Training, Training]:
        """Return the training set of these rows (None: all) twice: as features, as images.

        It knows what `steps` draw of it, if that was drawn ahead.
        """
        ahead = [drawn for known, drawn in self._drawn if same_drawing(known, steps)][:1]
        if rows is None:
            for drawn in ahead:
                if not isinstance(drawn.X, Images):
                    self.whole.keep(steps, drawn)
            on_images = Training(self.images, self.y, None, self.carried)
            return self.whole, on_images if self.described is not None else self.whole
        X, y, n = rows_of(self.images, rows), self.y[rows], len(self.y)
        carried = {k: follow(v, n, rows) for k, v in self.carried.items()}
        on_images = Training(X, y, None, carried)
        on_features = on_images
        if self.described is not None:
            on_features = Training(X, y, self.described.subset(rows), carried)
        for drawn in ahead if len(np.unique(rows)) == len(rows) else ():
            mine = drawn.within(rows)
            if self.described is not None and isinstance(mine.X, Images):
                mine.X = self.described.step.transform(mine.X)
            on_features.keep(steps, mine)
        return on_features, on_images

    def _draw_ahead(self, policies: list[_Policy]) -> dict[str, float]:
        """Draw what folds and the last fit share; return the seconds by name of the policy.

        That is what a sampler draws of every image alike. Each fold takes of it what is drawn from
        its own images alone, donors among them. Where features of all would take too much memory,
        plans alone are shared, and each fold draws again.
        """
        seconds: dict[str, float] = {}
        unread = Training(self.images, self.y, None, self.carried)
        for each in policies:
            if not multiplies(each.sampler):
                continue
            steps, started = _steps_of(each.sampler, self.images, self.seed), time.perf_counter()
            whole = unread
            if self.described is not None:
                n_bytes = self.described.features.nbytes * growth_of(each.sampler)
                whole = self.whole if n_bytes <= HELD else unread
            try:
                drawn = whole.draw(steps, lazily=True)
            except Exception:  # noqa: BLE001 - the folds will say so
                continue
            if drawn.plan is not None:
                self._drawn.append((steps, drawn))
            seconds[each.name] = time.perf_counter() - started
        return seconds

    def out_of_fold(
        self,
        policies: list[_Policy],
        folds: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]],
        classes: NDArray[Any],
        failures: dict[str, Exception],
        seconds: dict[str, float],
    ) -> dict[str, NDArray[np.float64]]:
        """Return the corrected log-probabilities of held-out images by policy, fold after fold.

        Errors of policies are left in `failures`, their times added to `seconds`.
        """
        for name, spent in self._draw_ahead([some[0] for some in _by_sampler(policies)]).items():
            seconds[name] += spent
        tasks = [(some, fold) for some in _by_sampler(policies) for fold in folds]
        found = Parallel(n_jobs=self.n_jobs)(
            delayed(_fit_policies)(self, some, train, held_out, classes)
            for some, (train, held_out) in tasks
        )
        parts: dict[str, list[Any]] = {}
        for (some, _), results in zip(tasks, found, strict=True):
            for each in some:
                outcome, spent = results[each.name]
                seconds[each.name] += spent
                if isinstance(outcome, Exception):
                    failures.setdefault(each.name, outcome)
                else:
                    parts.setdefault(each.name, []).append(outcome)
        return {
            each.name: np.concatenate(parts[each.name])
            for each in policies
            if each.name not in failures
        }

    def fit(
        self, policies: list[_Policy], failures: dict[str, Exception], seconds: dict[str, float]
    ) -> dict[str, _Fitted]:
        """Return the policies fitted on all images, by name; errors are left in `failures`."""
        groups = _by_sampler(policies)
        found = Parallel(n_jobs=self.n_jobs)(
            delayed(_fit_policies)(self, some, None, None, None) for some in groups
        )
        fitted = {}
        for some, results in zip(groups, found, strict=True):
            for each in some:
                outcome, spent = results[each.name]
                seconds[each.name] += spent
                if isinstance(outcome, Exception):
                    failures.setdefault(each.name, outcome)
                else:
                    fitted[each.name] = outcome
        return fitted


def _fit_policies(
    run: _Runs, policies: list[_Policy], train: Any, held_out: Any, classes: Any
) -> dict[str, tuple[Any, float]]:
    """Draw once and fit the policies of one sampler; return (outcome, seconds) by name.

    The outcome is the corrected log-probabilities of `held_out`, on all images (`train` None)
    what was fitted, or the error.
    """
    results: dict[str, tuple[Any, float]] = {}
    started = time.perf_counter()
    n, whole = len(run.y), train is None
    y = run.y if whole else run.y[train]
    given = count(y, follow(run.sample_weight, n, train))
    steps = _steps_of(policies[0].sampler, run.images, run.seed)
    on_features, on_images = run.trainings(train, steps)
    alone = len({each.unit for each in policies}) == 1
    logs: dict[int, NDArray[np.float64]] = {}
    for each in policies:
        try:
            model, parts = _model_of(run, each)
            training = on_images if parts is None else on_features
            if not whole and multiplies(each.sampler):
                growth = len(training.draw(steps).y) / len(y)
                model, parts = _model_of(run, each, growth)
            counts = any(one.counts for one in policies if one.unit == each.unit)
            fit = training.fit(
                steps,
                model if parts is None else parts.model,
                counts=counts,
                params=_weights(model) if each.weighted and not class_weight_of(model) else None,
                lazily=parts is None and alone and reads_homes(model),
            )
            if not whole and each.unit not in logs:
                X: Any = rows_of(run.images, held_out)
                if parts is not None:
                    assert run.described is not None
                    X = run.described.features[held_out]
                logs[each.unit] = _logs(fit.model, X, classes)
            known = np.asarray(fit.model.classes_ if whole else classes)
            shift = _shift(each, fit.model, given, dict(fit.counted), known)
            if whole:
                fitted = fit.model
                if parts is not None:
                    assert run.described is not None
                    fitted = parts.whole(run.described.step, fitted)
                outcome: Any = _Fitted(fitted, fit.plan, shift)
            else:
                outcome = log_softmax(logs[each.unit] + shift, axis=1)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other policies continue
            outcome = error
        now = time.perf_counter()
        results[each.name] = outcome, now - started
        started = now
    return results


def _steps_of(sampler: Any, X: Any, seed: int | None) -> list[Any]:
    """Return the samplers of a policy, seeded where they have no seed."""
    steps = [] if sampler is None else [step for _, step in samplers_of(sampler, X)]
    return steps if seed is None else [seeded(step, seed) for step in steps]


def _model_of(run: _Runs, policy: _Policy, growth: float | None = None) -> tuple[Any, Parts | None]:
    """Return the classifier of a policy, and its parts if it can be fitted on the features."""
    model = policy.model
    model = same_penalty(run.estimator, policy.sampler, growth) if model is None else clone(model)
    if run.seed is not None:
        model = seeded(model, run.seed)
    if policy.weighted and (parameter := class_weight_of(model)) is not None:
        model.set_params(**{parameter: "balanced"})
    parts = parts_of(model)
    if run.described is None or parts is None or parts.samplers:
        return model, None
    return model, parts if run.whole.describes(parts.describing) else None


def _weights(model: Any) -> Callable[..., dict[str, Any]]:
    """Return a function that makes fit parameters: balanced weights times the images' own."""

    def weights(y: NDArray[Any], carried: dict[str, Any]) -> dict[str, Any]:
        (name, balanced), *_ = weighted(model, compute_sample_weight("balanced", y)).items()
        return {name: balanced * np.asarray(carried.get(name, 1.0))}

    return weights


def _shift(
    policy: _Policy,
    model: Any,
    given: dict[Any, float],
    counted: dict[Any, float],
    classes: NDArray[Any],
) -> NDArray[np.float64]:
    """Return what the correction adds to the log-probabilities, shape (n_classes,)."""
    shift = np.zeros(len(classes))
    if policy.correction is None:
        return shift
    if policy.counts and not counted:
        raise ValueError(
            f"The correction must have a `model_prior`: {type(model).__name__} "
            f"{hides_shares(model)} inside, where its labels cannot be counted. Give this policy "
            "a dict as correction."
        )
    known = np.asarray(model.classes_)
    before, after = shares_of(policy.correction, known, given, counted)
    at = np.searchsorted(classes, known)
    shift[at] = policy.correction.tau * (np.log(after) - np.log(before))
    return shift


def _logs(
    model: Any, X: Any, classes: NDArray[Any], features: dict[int, Any] | None = None
) -> NDArray[np.float64]:
    """Return log-probabilities with a column for each of `classes`, shape (n, n_classes).

    `features` caches the features of each describing step, which several models may share.
    """
    known = model.classes_
    if features is not None and (parts := parts_of(model)) is not None:
        if id(parts.describing) not in features:
            features[id(parts.describing)] = parts.describing.transform(in_form(model, X))
        model, X = parts.model, features[id(parts.describing)]
    return aligned_logs(model.predict_proba(in_form(model, X)), known, classes, FLOOR)


def _averaged(
    answers: list[NDArray[np.float64]], weights: list[float], combine: str
) -> NDArray[np.float64]:
    """Return the logarithms of the mean of several predictions, shape (n, n_classes)."""
    shares = np.array(weights) / np.sum(weights)
    if combine == "mean":
        mean = np.average(np.exp(answers), axis=0, weights=shares)
        logs: NDArray[np.float64] = np.log(np.maximum(mean, np.finfo(float).tiny))
        return logs
    mean_logs: NDArray[np.float64] = log_softmax(
        np.average(answers, axis=0, weights=shares), axis=1
    )
    return mean_logs


def _correction(
    name: str, sampler: Any, correction: Any
) -> tuple[PriorCorrectedClassifier | None, bool]:
    """Return what corrects the probabilities, or None, and whether classes are weighted."""
    if correction is None or (isinstance(correction, str) and correction == WEIGHTS):
        return None, correction is not None
    if isinstance(correction, Mapping):
        return PriorCorrectedClassifier(None, **correction), False
    if not isinstance(correction, Real) or not float(correction) >= 0:
        raise ValueError(
            f"The correction of policy {name!r} must be a number (tau), a dict of parameters of "
            f'PriorCorrectedClassifier, "class_weight" or None, got {correction!r}.'
        )
    before: Literal["count", "train"] = "count" if sampler is None else "train"
    tau = float(correction)
    corrects = PriorCorrectedClassifier(None, prior="uniform", model_prior=before, tau=tau)
    return corrects, False


def _is_model(name: str, sampler: Any) -> bool:
    """Return whether the second entry of a policy is a classifier; raise if it is neither."""
    is_object = not isinstance(sampler, type)
    if sampler is None or (is_object and hasattr(sampler, "fit_resample")):
        return False
    if is_object and hasattr(sampler, "predict_proba"):
        return True
    raise ValueError(
        f"The sampler of policy {name!r} must be a sampler, a Pipeline of samplers, a classifier "
        f"with predict_proba, or None, got {sampler!r}."
    )


def _same(one: tuple[Any, bool], other: tuple[Any, bool]) -> bool:
    """Return whether two policies can share a fit, as they differ in the correction alone."""
    return alike(one[0], other[0]) and one[1] == other[1]


def _by_sampler(policies: list[_Policy]) -> list[list[_Policy]]:
    """Return the policies in groups that share a sampler, and so a drawing."""
    groups: list[list[_Policy]] = []
    for each in policies:
        for group in groups:
            same = alike(group[0].sampler, each.sampler)
            if same and group[0].model is None and each.model is None:
                group.append(each)
                break
        else:
            groups.append([each])
    return groups


def _behind_reader(estimator: Any, reader: Any) -> Any:
    """Return the estimator without its reader of files, if files have been read."""
    begins = isinstance(estimator, Pipeline) and isinstance(estimator[0], ReadImages)
    return estimator[1:] if begins and reader is not None else estimator


def _first_step(estimator: Any) -> Any:
    """Return the step that is given the images, also inside searches and the like."""
    if isinstance(estimator, Pipeline):
        return _first_step(estimator[0])
    inner = estimator.get_params(deep=False).get("estimator")
    return estimator if inner is None else _first_step(inner)
