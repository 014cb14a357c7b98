"""Balanced ensembles: each member sees its own balanced subset of the images."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from math import prod
from threading import BoundedSemaphore
from typing import Any, Literal

import numpy as np
from imblearn.ensemble import BalancedBaggingClassifier as ImblearnBalancedBaggingClassifier
from imblearn.ensemble import (
    BalancedRandomForestClassifier as ImblearnBalancedRandomForestClassifier,
)
from imblearn.ensemble import EasyEnsembleClassifier as ImblearnEasyEnsembleClassifier
from imblearn.ensemble import RUSBoostClassifier as ImblearnRUSBoostClassifier
from imblearn.over_sampling import RandomOverSampler as ImblearnRandomOverSampler
from imblearn.under_sampling import RandomUnderSampler as ImblearnRandomUnderSampler
from joblib import effective_n_jobs, parallel_config
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import AdaBoostClassifier
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from imblearn_images._docstrings import substitute
from imblearn_images.core.columns import as_table, column_labels
from imblearn_images.core.containers import holds_images, holds_paths, unwrap
from imblearn_images.core.estimators import BATCH, as_wanted, takes_of, weighted
from imblearn_images.core.memory import check_fits
from imblearn_images.core.synthesis import makes_copies
from imblearn_images.core.validation import WholeCounts, as_counts, check_images, check_lengths

__all__ = [
    "BalancedBaggingClassifier",
    "BalancedRandomForestClassifier",
    "EasyEnsembleClassifier",
    "RUSBoostClassifier",
]


class SharedImages:
    """Image set that many estimators share; cloning or copying it copies no image.

    Parameters
    ----------
    X : ndarray
        The image set.
    slots : context manager, default=None
        Entered by every estimator that predicts: a semaphore limits how many do so at a time.
    """

    def __init__(self, X: NDArray[Any], slots: AbstractContextManager[Any] | None = None) -> None:
        self.X: NDArray[Any] | None = X
        self.slots = nullcontext() if slots is None else slots

    def __sklearn_clone__(self) -> SharedImages:
        return self

    def __deepcopy__(self, memo: Any) -> SharedImages:
        return self

    def release(self) -> None:
        """Release the images, so that fitted estimators do not keep them."""
        self.X = None


class OnRows(ClassifierMixin, BaseEstimator):
    """Classifier that is given row numbers and looks the images up in a shared set.

    An ensemble of imbalanced-learn resamples row numbers, a column of integers, for each
    of its members; only the member's own subset of images is copied.

    Parameters
    ----------
    estimator : classifier
        Cloned, then fitted on the images of the rows, in the form :func:`as_wanted` gives.
    images : SharedImages
        The image set.
    """

    def __init__(self, estimator: Any, images: SharedImages) -> None:
        self.estimator = estimator
        self.images = images

    def fit(self, rows: NDArray[np.intp], y: NDArray[Any], sample_weight: Any = None) -> OnRows:
        """Fit a clone of `estimator` on the images of `rows`, shape (m, 1)."""
        assert self.images.X is not None
        subset = as_wanted(self.estimator, self.images.X, rows.ravel())
        params = {} if sample_weight is None else weighted(self.estimator, sample_weight)
        self.estimator_ = clone(self.estimator).fit(subset, y, **params)
        self.classes_ = self.estimator_.classes_
        return self

    def predict(self, rows: NDArray[np.intp]) -> Any:
        """Return the labels of the images in `rows`, shape (m, 1)."""
        return self._ask("predict", rows)

    @available_if(lambda self: hasattr(self._inner(), "predict_proba"))
    def predict_proba(self, rows: NDArray[np.intp]) -> Any:
        """Return the class probabilities of the images in `rows`, shape (m, n_classes)."""
        return self._ask("predict_proba", rows)

    @available_if(lambda self: hasattr(self._inner(), "predict_log_proba"))
    def predict_log_proba(self, rows: NDArray[np.intp]) -> Any:
        """Return the logarithms of the class probabilities, shape (m, n_classes)."""
        return self._ask("predict_log_proba", rows)

    @available_if(lambda self: hasattr(self._inner(), "decision_function"))
    def decision_function(self, rows: NDArray[np.intp]) -> Any:
        """Return the decision values of the images in `rows`."""
        return self._ask("decision_function", rows)

    def _inner(self) -> Any:
        """Return the fitted classifier, before the fit the one to be cloned."""
        return getattr(self, "estimator_", self.estimator)

    def _ask(self, method: str, rows: NDArray[np.intp]) -> Any:
        """Return what a method of the classifier returns for the images in `rows`."""
        X, ask = self.images.X, getattr(self.estimator_, method)
        assert X is not None
        rows = np.ravel(rows)
        # All rows of an array need no copy. Files are read block by block, unless the classifier
        # reads them itself.
        whole = len(rows) == len(X) and bool((rows == np.arange(len(X))).all())
        with self.images.slots:
            if whole and (not holds_paths(X) or takes_of(self.estimator_)[1]):
                return ask(as_wanted(self.estimator_, X))
            blocks = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
            return np.concatenate([ask(as_wanted(self.estimator_, X, block)) for block in blocks])


def on_rows_of(fitted: Any, images: SharedImages) -> Any:
    """Return a copy of a fitted :class:`OnRows`, or of a Pipeline with one, for other images."""
    other = copy.copy(fitted)
    if isinstance(fitted, OnRows):
        other.images = images
    else:
        other.steps = [(name, on_rows_of(step, images)) for name, step in fitted.steps[-1:]]
    return other


def _form(shape: tuple[int, ...]) -> str:
    """Return the words for images of a shape in a message; () stands for file paths."""
    return f"images of shape {shape}" if shape else "file paths"


class _ImagesMixin:
    """Mixin for a classifier that may be fitted on images, and remembers their shape."""

    image_shape_: tuple[int, ...]
    sampling_strategy: Any

    def _image_set(self, X: Any, y: Any) -> Any:
        """Return the checked images, or None for X that imbalanced-learn handles itself."""
        images, _ = unwrap(X)
        if not holds_images(images):
            return None
        check_lengths(images, y)
        check_images(images.shape, images.dtype)
        return images

    @contextmanager
    def _whole_counts(self) -> Iterator[None]:
        """Context in which counts in `sampling_strategy` are integers, for imbalanced-learn."""
        given = self.sampling_strategy
        whole = WholeCounts(given) if callable(given) else as_counts(given)
        try:
            self.sampling_strategy = whole
            yield
        finally:
            self.sampling_strategy = given

    @contextmanager
    def _anew(self) -> Iterator[None]:
        """Context of a fit, which forgets the last one; if it fails, the last one stays."""
        before = vars(self).copy()
        vars(self).pop("image_shape_", None)
        try:
            with self._whole_counts():
                yield
        except BaseException:
            self.__dict__ = before
            raise

    def _same_form(self, X: Any) -> Any:
        """Return the images of `X`; raise if their shape is not that of the fit."""
        images, _ = unwrap(X)
        if not holds_images(images) or images.shape[1:] != self.image_shape_:
            found = _form(images.shape[1:]) if hasattr(images, "shape") else type(X)
            raise ValueError(
                f"`X` must hold {_form(self.image_shape_)}, as {type(self).__name__} was fitted "
                f"on, got {found}. Pass images of that form, or fit it on these."
            )
        return images


class _ImageEnsembleMixin(_ImagesMixin):
    """Mixin for an ensemble of imbalanced-learn whose members are fitted on images.

    Nothing is decided here: imbalanced-learn resamples and weights row numbers and passes them
    to the members, which look the images up in a set that they share.
    """

    default: Any
    """The member where `estimator` is None."""
    estimator: Any
    estimators_: Any
    n_features_in_: int

    def fit(self, X: Any, y: Any, **params: Any) -> Any:
        """Fit the members on balanced subsets.

        Parameters
        ----------
        X : images
            Array of shape (n, H, W), (n, H, W, C) or (n, d), or paths.
        y : array-like of shape (n,)
            Labels.
        **params : dict
            Parameters such as ``sample_weight``, where imbalanced-learn's class takes them.

        Returns
        -------
        self : classifier

        Raises
        ------
        ValueError
            If lengths differ, or images and parameters do not go together; both are named.
        """
        y = column_labels(y)
        images = self._image_set(X, y)
        if images is None:
            with self._anew():
                return super().fit(X, y, **params)  # type: ignore[misc]
        shared, given = SharedImages(images), self.estimator
        try:
            self.estimator = OnRows(self.default if given is None else given, shared)
            with parallel_config(backend="threading"), self._anew():
                super().fit(np.arange(len(images))[:, None], y, **params)  # type: ignore[misc]
        finally:
            self.estimator = given
            shared.release()
        self.image_shape_ = images.shape[1:]
        self.n_features_in_ = prod(self.image_shape_)
        return self

    def predict(self, X: Any) -> Any:
        """Return the labels of images of the shape of the fit, or of paths, shape (n,)."""
        return self._ask("predict", X)

    def predict_proba(self, X: Any) -> Any:
        """Return the class probabilities.

        Parameters
        ----------
        X : images
            In the form of the fit: images of the same shape, or paths.

        Returns
        -------
        probabilities : ndarray of shape (n, n_classes)
            Columns in the order of ``classes_``.
        """
        return self._ask("predict_proba", X)

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithm of :meth:`predict_proba`."""
        with np.errstate(divide="ignore"):
            return self._ask("predict_log_proba", X)

    @available_if(lambda self: hasattr(super(), "decision_function"))
    def decision_function(self, X: Any) -> Any:
        """Return the decision values.

        Parameters
        ----------
        X : images
            In the form of the fit.

        Returns
        -------
        score : ndarray of shape (n, n_classes), or (n,) for two classes
            Decision values.
        """
        return self._ask("decision_function", X)

    def _ask(self, method: str, X: Any) -> Any:
        """Return what a method of imbalanced-learn's class returns for images."""
        check_is_fitted(self)
        if not hasattr(self, "image_shape_"):
            return getattr(super(), method)(X)
        images = self._same_form(X)
        # imbalanced-learn adds up members job by job, so floating-point sums would depend on
        # n_jobs. Every member is therefore a job of its own, and a semaphore limits how many
        # predict at a time.
        at_a_time = effective_n_jobs(getattr(self, "n_jobs", 1))
        shared = SharedImages(images, BoundedSemaphore(at_a_time) if at_a_time > 1 else None)
        theirs = next(cls for cls in type(self).__mro__ if cls.__module__.startswith("imblearn."))
        twin: Any = object.__new__(theirs)
        vars(twin).update(vars(self), n_features_in_=1)
        twin.estimators_ = [on_rows_of(member, shared) for member in self.estimators_]
        twin.n_jobs = len(twin.estimators_) if at_a_time > 1 else 1
        with parallel_config(backend="threading"):
            return getattr(twin, method)(np.arange(len(images))[:, None])


@substitute
class EasyEnsembleClassifier(_ImageEnsembleMixin, ImblearnEasyEnsembleClassifier):
    """Bag of boosted classifiers, each fitted on its own balanced subset of the images.

    :class:`imblearn.ensemble.EasyEnsembleClassifier` for images: same parameters, same
    subsets. 2-D input is passed to imbalanced-learn as it is. Of image arrays and paths,
    only the balanced subset of each member is copied or read, when that member is fitted.

    {guide=both-and-ensembles}

    Parameters
    ----------
    {n_estimators}
    estimator : classifier, default=AdaBoostClassifier()
        The member, of which a clone is fitted on every subset; in which form it gets images is
        explained in :mod:`imblearn_images.ensemble`. Members that read paths (``ReadImages``)
        read their own subset, and all files for prediction.
    {warm_start}
    {sampling_strategy_under}
    {replacement}
    {n_jobs}
    {random_state}
    {verbose}

    Attributes
    ----------
    estimators_ : list of Pipeline
        The fitted members: random under-sampler, then classifier.
    classes_ : ndarray of shape (n_classes,)
        Labels.
    {n_features_in_}
    {image_shape_}

    Raises
    ------
    ValueError
        If images to be classified have another shape than those of the fit, or files of
        different sizes are passed to an estimator that needs pixels.

    Notes
    -----
    Members are fitted and queried in threads, which share the images. The `sampling_strategy` is
    that of the random under-sampling of every member's subset.

    References
    ----------
    .. [1] X. Y. Liu, J. Wu, Z. H. Zhou, "Exploratory undersampling for class-imbalance
       learning", IEEE Transactions on Systems, Man, and Cybernetics B 39(2), 539-550, 2009.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> from imblearn_images.ensemble import EasyEnsembleClassifier
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> images.shape[1:]
    (32, 32)
    >>> ensemble = EasyEnsembleClassifier(n_estimators=3, random_state=0).fit(images, labels)
    >>> ensemble.predict_proba(images[:2]).shape
    (2, 3)
    """

    default = AdaBoostClassifier()

    def __init__(
        self,
        n_estimators: int = 10,
        estimator: Any = None,
        *,
        warm_start: bool = False,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
        replacement: bool = False,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            n_estimators=n_estimators,
            estimator=estimator,
            warm_start=warm_start,
            sampling_strategy=sampling_strategy,
            replacement=replacement,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
        )


@substitute
class BalancedBaggingClassifier(_ImageEnsembleMixin, ImblearnBalancedBaggingClassifier):
    """Bag of any classifiers, each fitted on a balanced bootstrap sample.

    :class:`imblearn.ensemble.BalancedBaggingClassifier` for images: same subsets, same
    members. It costs `n_estimators` fits on small sets. Choose it where one fit
    on a balanced subset would waste too many majority images. With few minority images all
    members see the same ones and make the same errors.

    {guide=both-and-ensembles}

    Parameters
    ----------
    estimator : classifier, default=DecisionTreeClassifier()
        The member, such as a Pipeline; in which form it gets images is explained in
        :mod:`imblearn_images.ensemble`.
    {n_estimators}
    max_samples : int or float, default=1.0
        Number or share of images drawn before balancing.
    max_features : int or float, default=1.0
        Number or share of features drawn; must be 1.0 on images.
    bootstrap : bool, default=True
        Whether images are drawn with replacement.
    bootstrap_features : bool, default=False
        Whether features are drawn with replacement; must be False on images.
    oob_score : bool, default=False
        Whether each member is scored on the images that it has not seen.
    {warm_start}
    {sampling_strategy_under}
    {replacement}
    {n_jobs}
    {random_state}
    {verbose}
    sampler : sampler, default=None
        What balances each sample; a random sampler on images. ``None``: ``RandomUnderSampler``.

    Attributes
    ----------
    estimators_ : list of Pipeline
        Sampler and classifier of each member.
    {image_shape_}

    Raises
    ------
    ValueError
        For images, if features are to be drawn or `sampler` measures distances.

    Notes
    -----
    Members are fitted and queried in threads, which share the images. The `sampling_strategy` is
    that of the random under-sampling of every member's subset.

    References
    ----------
    .. [1] S. Hido, H. Kashima, Y. Takahashi, "Roughly balanced bagging for imbalanced data",
       Statistical Analysis and Data Mining 2(5-6), 412-426, 2009.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> bag = BalancedBaggingClassifier(
    ...     estimator=DecisionTreeClassifier(), sampling_strategy="auto", random_state=42
    ... )
    >>> bag.fit(images, labels).predict(images[:3]).tolist()
    ['brick', 'brick', 'brick']
    """

    default = DecisionTreeClassifier()

    def __init__(
        self,
        estimator: Any = None,
        n_estimators: int = 10,
        *,
        max_samples: int | float = 1.0,
        max_features: int | float = 1.0,
        bootstrap: bool = True,
        bootstrap_features: bool = False,
        oob_score: bool = False,
        warm_start: bool = False,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
        replacement: bool = False,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        sampler: Any = None,
    ) -> None:
        super().__init__(
            estimator=estimator,
            n_estimators=n_estimators,
            max_samples=max_samples,
            max_features=max_features,
            bootstrap=bootstrap,
            bootstrap_features=bootstrap_features,
            oob_score=oob_score,
            warm_start=warm_start,
            sampling_strategy=sampling_strategy,
            replacement=replacement,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
            sampler=sampler,
        )

    def _image_set(self, X: Any, y: Any) -> Any:
        images = super()._image_set(X, y)
        if images is not None and (self.max_features != 1.0 or self.bootstrap_features):
            raise ValueError(
                "`max_features` and `bootstrap_features` must keep their defaults for images, got "
                f"{self.max_features!r} and {self.bootstrap_features}. To draw features, pass "
                "flattened pixels of shape (n, d)."
            )
        plain = self.sampler is None or isinstance(self.sampler, ImblearnRandomUnderSampler)
        if isinstance(self.sampler, ImblearnRandomOverSampler):
            copies = makes_copies(getattr(self.sampler, "synthesis", None))
            plain = self.sampler.shrinkage is None and copies
        if images is not None and not plain:
            raise ValueError(
                "`sampler` must be a random sampler, which does not look at images, got "
                f"{self.sampler!r}. Put the other one as the first step of `estimator`, a Pipeline "
                "of imbalanced-learn."
            )
        return images


@substitute
class RUSBoostClassifier(_ImageEnsembleMixin, ImblearnRUSBoostClassifier):
    """AdaBoost in which each round is fitted on a balanced random subset.

    :class:`imblearn.ensemble.RUSBoostClassifier` for images: same subsets, weights and
    members. After each of `n_estimators` rounds *all* images are classified, and where X holds
    paths all files are read: put images into memory first if they fit. It is sensitive to wrong
    labels.

    {guide=both-and-ensembles}

    Parameters
    ----------
    estimator : classifier, default=DecisionTreeClassifier(max_depth=1)
        A classifier that takes ``sample_weight``, or a Pipeline whose last step does; in which
        form it gets images is explained in :mod:`imblearn_images.ensemble`.
    n_estimators : int, default=50
        Maximum number of rounds.
    learning_rate : float, default=1.0
        Factor by which the weight of each round is multiplied.
    algorithm : str, default='deprecated'
        Without effect; imbalanced-learn's class has it.
    {sampling_strategy_under}
    {replacement}
    {random_state}

    Attributes
    ----------
    estimators_ : list of classifiers
        The fitted classifier of each round.
    {image_shape_}

    References
    ----------
    .. [1] C. Seiffert, T. M. Khoshgoftaar, J. Van Hulse, A. Napolitano, "RUSBoost: a hybrid
       approach to alleviating class imbalance", IEEE SMC-A 40(1), 185-197, 2010.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> boost = RUSBoostClassifier(n_estimators=5, random_state=0).fit(images, labels)
    >>> boost.predict_proba(images).shape
    (361, 3)
    """

    default = DecisionTreeClassifier(max_depth=1)

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_estimators: int = 50,
        learning_rate: float = 1.0,
        algorithm: str = "deprecated",
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
        replacement: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(
            estimator=estimator,
            n_estimators=n_estimators,
            learning_rate=learning_rate,
            algorithm=algorithm,
            sampling_strategy=sampling_strategy,
            replacement=replacement,
            random_state=random_state,
        )

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:  # type: ignore[override]
        """Boost on images, paths or flattened pixels, with weights, shape (n,), to start from."""
        return super().fit(X, y, sample_weight=sample_weight)

    def staged_predict(self, X: Any) -> Any:
        """Yield the labels after each round, arrays of shape (n,)."""
        return self._ask("staged_predict", X)

    def staged_predict_proba(self, X: Any) -> Any:
        """Yield the class probabilities after each round, arrays of shape (n, n_classes)."""
        return self._ask("staged_predict_proba", X)

    def staged_decision_function(self, X: Any) -> Any:
        """Yield the decision values after each round."""
        return self._ask("staged_decision_function", X)


@substitute
class BalancedRandomForestClassifier(_ImagesMixin, ImblearnBalancedRandomForestClassifier):
    """Random forest whose trees are each grown on a balanced sample.

    :class:`imblearn.ensemble.BalancedRandomForestClassifier` for images, on flattened
    pixels. scikit-learn's trees need float32: one copy of all pixels (4 bytes each), shared
    by the trees, is the largest temporary array; if it does not fit into memory, an error says
    so before it is made. Single pixels say little about most photos; features in front of the
    forest say more.

    It has all parameters of imbalanced-learn's class, with the same defaults.

    {guide=both-and-ensembles}

    Attributes
    ----------
    estimators_ : list of DecisionTreeClassifier
        The trees.
    {image_shape_}

    See Also
    --------
    BalancedBaggingClassifier : Members that get images, not pixels.

    References
    ----------
    .. [1] C. Chen, A. Liaw, L. Breiman, "Using random forest to learn imbalanced data",
       University of California, Berkeley 110, 2004.

    Examples
    --------
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> forest = BalancedRandomForestClassifier(n_estimators=9, random_state=0)
    >>> forest.fit(images, labels).predict(images[:3]).tolist()
    ['brick', 'brick', 'brick']
    """

    def __init__(
        self,
        n_estimators: int = 100,
        *,
        criterion: Literal["gini", "entropy", "log_loss"] = "gini",
        max_depth: int | None = None,
        min_samples_split: int | float = 2,
        min_samples_leaf: int | float = 1,
        min_weight_fraction_leaf: float = 0.0,
        max_features: int | float | Literal["sqrt", "log2"] | None = "sqrt",
        max_leaf_nodes: int | None = None,
        min_impurity_decrease: float = 0.0,
        bootstrap: bool = False,
        oob_score: bool = False,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "all",
        replacement: bool = True,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        warm_start: bool = False,
        class_weight: Any = None,
        ccp_alpha: float = 0.0,
        max_samples: int | float | None = None,
        monotonic_cst: Any = None,
    ) -> None:
        super().__init__(
            n_estimators=n_estimators,
            criterion=criterion,
            max_depth=max_depth,
            min_samples_split=min_samples_split,
            min_samples_leaf=min_samples_leaf,
            min_weight_fraction_leaf=min_weight_fraction_leaf,
            max_features=max_features,
            max_leaf_nodes=max_leaf_nodes,
            min_impurity_decrease=min_impurity_decrease,
            bootstrap=bootstrap,
            oob_score=oob_score,
            sampling_strategy=sampling_strategy,
            replacement=replacement,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
            warm_start=warm_start,
            class_weight=class_weight,
            ccp_alpha=ccp_alpha,
            max_samples=max_samples,
            monotonic_cst=monotonic_cst,
        )

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Grow the trees; `X` holds images, paths or flattened pixels."""
        table = as_table(y)
        y = column_labels(y) if table is None else _checked_outputs(table)
        images = self._image_set(X, y)
        with self._anew():
            if images is None:
                return super().fit(X, y, sample_weight)
            super().fit(_pixels(images), y, sample_weight)
        self.image_shape_ = images.shape[1:]
        return self

    def predict_proba(self, X: Any) -> Any:
        """Return the class probabilities of images in the form of the fit, (n, n_classes)."""
        return super().predict_proba(self._as_fitted(X))

    def apply(self, X: Any) -> Any:
        """Return the leaf of each tree that each image ends up in, shape (n, n_estimators)."""
        return super().apply(self._as_fitted(X))

    def decision_path(self, X: Any) -> Any:
        """Return the nodes that images pass, in scikit-learn's form."""
        return super().decision_path(self._as_fitted(X))

    def _as_fitted(self, X: Any) -> Any:
        """Return images as rows of pixels; other input as it is."""
        images, _ = unwrap(X)
        if holds_images(images) and hasattr(self, "image_shape_"):
            return _pixels(self._same_form(images))
        return X


def _checked_outputs(table: NDArray[Any]) -> NDArray[Any]:
    """Return the labels; raise for a constant column, which the forest cannot handle."""
    if table.ndim == 2 and len(table):
        constant = np.flatnonzero((table == table[:1]).all(axis=0))
        if len(constant):
            raise ValueError(
                f"`y` of shape {table.shape} must have two values in each column, got "
                f"{table[0, constant[0]].item()!r} in every row of column {constant[0]}. Leave it "
                "out, or pass one label for each image, y.argmax(axis=1)."
            )
    return table


def _pixels(images: Any) -> Any:
    """Return flattened pixels, of which the float32 copy of the trees fits into memory."""
    pixels = as_wanted(DecisionTreeClassifier(), images)
    check_fits(
        4 * pixels.size,
        f"A float32 copy of the pixels, shape {pixels.shape},",
        "Reduce the images, or use BalancedBaggingClassifier with features in front of its trees.",
    )
    return pixels
