"""Ensembles: the names and parameters of :mod:`imblearn.ensemble`, on images."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from imblearn.ensemble import EasyEnsembleClassifier as ImblearnEasyEnsembleClassifier
from joblib import Parallel, delayed, parallel_config
from numpy.typing import NDArray
from sklearn.ensemble import AdaBoostClassifier
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from imblearn_images.base import check_images, check_labels, check_lengths
from imblearn_images.core.containers import holds_paths, unwrap
from imblearn_images.core.subsets import OnRows, SharedImages, as_wanted

__all__ = ["EasyEnsembleClassifier"]


def _is_image_set(X: Any) -> bool:
    return holds_paths(X) or (isinstance(X, np.ndarray) and X.ndim > 2)


class EasyEnsembleClassifier(ImblearnEasyEnsembleClassifier):
    """Bag of boosted classifiers, each fitted on its own balanced subset of the images.

    :class:`imblearn.ensemble.EasyEnsembleClassifier` for images: same parameters, same
    subsets. 2-D input is handed to imbalanced-learn as it is. Of image arrays and paths,
    only the balanced subset of each member is copied or read, when its turn comes.

    Parameters
    ----------
    n_estimators : int, default=10
        Number of members.
    estimator : classifier, default=AdaBoostClassifier()
        Fitted on every subset. What it sees is decided by its scikit-learn tags, in a
        Pipeline those of the first step: *images in their own shape* if
        ``input_tags.three_d_array`` is set (``FlattenImages`` and the other steps of
        :mod:`imblearn_images.preprocessing`) or ``no_validation`` (``FunctionTransformer``);
        *paths*, if X holds paths and the step reads them (``ReadImages``);
        *flattened pixels*, shape (m, d), otherwise.
    warm_start : bool, default=False
        Keep the members of the last fit and add to them.
    sampling_strategy : float, str, dict or callable, default='auto'
        How each subset is balanced by random under-sampling; as in imbalanced-learn.
    replacement : bool, default=False
        Whether a subset may hold an image more than once.
    n_jobs : int, default=None
        Members fitted and asked at a time: threads, which share the images.
    random_state : int, RandomState instance or None, default=None
        Seed of subsets and members.
    verbose : int, default=0
        Progress, as in joblib.

    Attributes
    ----------
    estimators_ : list of Pipeline
        The fitted members: random under-sampler, then classifier.
    classes_ : ndarray of shape (n_classes,)
        Labels.
    n_features_in_ : int
        Pixels per image times channels; 1 for paths.
    image_shape_ : tuple of int
        Shape of one image; only after fitting on an image array.

    Raises
    ------
    ValueError
        If images to be classified have another shape than those of the fit, or files of
        different sizes meet an estimator that wants pixels.

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

    estimator: Any
    image_shape_: tuple[int, ...]

    def fit(self, X: Any, y: Any) -> EasyEnsembleClassifier:
        """Fit the members on balanced subsets.

        Parameters
        ----------
        X : images
            Array of shape (n, H, W), (n, H, W, C) or (n, d), or paths.
        y : array-like of shape (n,)
            Labels.
        """
        images, _ = unwrap(X)
        if hasattr(self, "image_shape_"):
            del self.image_shape_
        if not _is_image_set(images):
            return super().fit(X, y)
        check_lengths(images, y)
        check_images(images)
        check_labels(y)
        shared, given = SharedImages(images), self.estimator
        member = AdaBoostClassifier() if given is None else given
        try:
            self.estimator = OnRows(member, shared)
            with parallel_config(backend="threading"):
                super().fit(np.arange(len(images))[:, None], y)
        finally:
            self.estimator = given
            shared.release()
        self.image_shape_ = images.shape[1:]
        self.n_features_in_ = prod(self.image_shape_)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Mean of the members' class probabilities.

        Parameters
        ----------
        X : images
            In the form of the fit: images of the same shape, or paths.

        Returns
        -------
        probabilities : ndarray of shape (n, n_classes)
            Columns in the order of ``classes_``. Members without ``predict_proba`` vote.
        """
        check_is_fitted(self)
        if not hasattr(self, "image_shape_"):
            return super().predict_proba(X)
        return np.mean(self._ask("predict_proba", X), axis=0)

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Logarithm of :meth:`predict_proba`."""
        check_is_fitted(self)
        if not hasattr(self, "image_shape_"):
            return super().predict_log_proba(X)
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    @available_if(lambda self: hasattr(super(), "decision_function"))
    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Mean of the members' decision values.

        Parameters
        ----------
        X : images
            In the form of the fit.

        Returns
        -------
        score : ndarray of shape (n, n_classes), or (n,) for two classes
            Decision values.
        """
        check_is_fitted(self)
        if not hasattr(self, "image_shape_"):
            return super().decision_function(X)
        return np.mean(self._ask("decision_function", X), axis=0)

    def _ask(self, method: str, X: Any) -> list[NDArray[np.float64]]:
        images, _ = unwrap(X)
        if not _is_image_set(images) or images.shape[1:] != self.image_shape_:
            raise ValueError(
                f"EasyEnsembleClassifier was fitted on {self._form(self.image_shape_)}, got "
                f"{self._form(images.shape[1:]) if hasattr(images, 'shape') else type(X)}."
            )
        member = self.estimators_[0][-1].estimator_
        wanted = as_wanted(member, images)
        with parallel_config(backend="threading"):
            return Parallel(n_jobs=self.n_jobs, verbose=self.verbose)(
                delayed(_answer)(pipeline[-1], method, wanted, self.n_classes_)
                for pipeline in self.estimators_
            )

    @staticmethod
    def _form(shape: tuple[int, ...]) -> str:
        return f"images of shape {shape}" if shape else "file paths"


def _answer(member: Any, method: str, X: Any, n_classes: int) -> NDArray[np.float64]:
    if method == "decision_function" or hasattr(member, method):
        answer: NDArray[np.float64] = getattr(member, method)(X)
        return answer
    return np.eye(n_classes)[member.predict(X)]
