"""What the classifiers of this package share: they wrap another one and pass images on to it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils import assert_all_finite, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, column_or_1d

from imblearn_images.core.columns import column_labels
from imblearn_images.core.containers import holds_images, unwrap
from imblearn_images.core.estimators import as_wanted, passes_on, takes_of, weighted
from imblearn_images.core.images import Images


def as_labels(X: Any, y: Any) -> Any:
    """Return the checked labels of `X`, shape (n,)."""
    # A home of pixels knows its length; unwrapping would read it.
    images = X if isinstance(X, Images) else unwrap(X)[0]
    labels = column_or_1d(column_labels(y), warn=True)
    assert_all_finite(labels, input_name="y")
    check_classification_targets(labels)
    check_consistent_length(images, labels)
    if not len(labels):
        raise ValueError(
            "Found array with 0 sample(s): X holds no images, y no labels. Pass at least one image "
            "of each class."
        )
    return labels


def as_weights(sample_weight: Any, y: Any) -> NDArray[np.float64]:
    """Return the checked weight of each label, shape (n,), 1 where no weights are given."""
    if sample_weight is None:
        return np.ones(len(y))
    weights = column_or_1d(sample_weight, dtype=np.float64)
    check_consistent_length(y, weights)
    return weights


def handed(estimator: Any, X: Any) -> Any:
    """Return `X` in the form that `estimator` takes.

    A classifier, or a Pipeline, gets images and paths as its scikit-learn tags say
    (:func:`~imblearn_images.core.estimators.as_wanted`). The tags of a meta-estimator such as
    ``VotingClassifier`` do not say what its members take: it gets X as it is if one of them
    takes images. X that holds no images is returned as it is.
    """
    images, _ = unwrap(X)
    if holds_images(images) and not _hands_on(estimator):
        return as_wanted(estimator, images)
    # scikit-learn can take rows of these containers only.
    return X if isinstance(X, (np.ndarray, list)) or hasattr(X, "iloc") else images


def rows_of(X: Any, rows: NDArray[np.intp]) -> Any:
    """Return these rows of `X`, in any container."""
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    if isinstance(X, Images):
        return X[rows]
    images, _ = unwrap(X.tocsr() if sparse.issparse(X) else X)
    return images[rows] if hasattr(images, "shape") else np.asarray(images)[rows]


def is_column(value: Any, n: int) -> bool:
    """Return whether metadata hold one value for each of `n` images."""
    return hasattr(value, "__len__") and not isinstance(value, (str, dict)) and len(value) == n


def follow(value: Any, n: int, rows: NDArray[np.intp] | None) -> Any:
    """Return the rows of metadata with one value per image; other metadata as they are."""
    return value if rows is None or not is_column(value, n) else rows_of(value, rows)


class Answers(ClassifierMixin, BaseEstimator):
    """Classifier that looks predictions up by row number, because scorers need an estimator.

    Parameters
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels.
    logs : ndarray of shape (n, n_classes)
        Logarithms of the probabilities of all rows.
    """

    def __init__(self, classes_: Any, logs: Any) -> None:
        self.classes_ = classes_
        self.logs = logs

    def predict(self, rows: NDArray[np.intp]) -> Any:
        """Return the labels of `rows`, shape (m, 1), as an array of shape (m,)."""
        return self.classes_[np.argmax(self.logs[rows[:, 0]], axis=1)]

    def predict_proba(self, rows: NDArray[np.intp]) -> Any:
        """Return the probabilities of `rows`, shape (m, 1), as an array (m, n_classes)."""
        return np.exp(self.logs[rows[:, 0]])


def check_own_labels(known: Any, labels: Any, *, more: bool = False) -> None:
    """Raise where a fitted classifier answers with other labels than those it was given.

    NumPy takes True for 1: without this check a score of such answers would be a number, too.

    Parameters
    ----------
    known : ndarray of shape (n_classes,)
        ``classes_`` of the classifier.
    labels : array-like
        Labels of y.
    more : bool, default=False
        Whether it may know labels that y does not have, as one that was fitted before does.

    Raises
    ------
    ValueError
        With the labels of both.
    """
    known, labels = np.asarray(known), np.unique(np.asarray(labels))
    is_mask = known.dtype.kind == "b" and labels.dtype.kind not in "bO"
    if is_mask or not (more or np.isin(known, labels).all()):
        raise ValueError(
            f"`estimator` must answer with labels of y, got {known.tolist()}, and y has "
            f"{labels.tolist()}. MinorityDetector(rare=...) answers whether an image is rare where "
            "y has more than two labels. Pass `y == rare`, and `rare=True`."
        )


def aligned_logs(
    probabilities: Any, known: Any, classes: NDArray[Any], floor: float
) -> NDArray[np.float64]:
    """Return log-probabilities with a column for each of `classes`, shape (n, n_classes).

    `known` are the classes of the columns of `probabilities`, which are raised to at least `floor`.
    """
    check_own_labels(known, classes)
    found = np.asarray(probabilities, dtype=np.float64)
    aligned = np.zeros((len(found), len(classes)))
    aligned[:, np.searchsorted(classes, known)] = found
    logs: NDArray[np.float64] = np.log(np.maximum(aligned, floor))
    return logs


def _hands_on(estimator: Any) -> bool:
    """Return whether an estimator passes images on to others without looking at them."""
    if isinstance(estimator, (GridSearchCV, RandomizedSearchCV)):
        return _hands_on(estimator.estimator)
    if isinstance(estimator, Pipeline):
        return _hands_on(next(step for _, step in estimator.steps if not passes_on(step)))
    inner = [value for value in estimator.get_params().values() if hasattr(value, "fit")]
    return any(takes_of(value)[0] for value in inner)


def tags_like(tags: Any, estimator: Any) -> Any:
    """Return `tags` with the input tags of a wrapped estimator, and those of images and paths."""
    theirs = get_tags(estimator).input_tags
    for name in ("sparse", "allow_nan", "pairwise"):
        setattr(tags.input_tags, name, getattr(theirs, name))
    tags.input_tags.three_d_array = tags.input_tags.string = True
    return tags


def remember_form(wrapper: Any, fitted: Any) -> None:
    """Copy what a fitted estimator knows of the form of its input to its wrapper."""
    for name in ("n_features_in_", "feature_names_in_"):
        if hasattr(fitted, name):
            setattr(wrapper, name, getattr(fitted, name))
        elif hasattr(wrapper, name):
            delattr(wrapper, name)


def check_has_probabilities(wrapper: Any) -> None:
    """Raise for a wrapper whose estimator has no `predict_proba`, with the remedy."""
    if not hasattr(wrapper.estimator, "predict_proba"):
        raise TypeError(
            f"`estimator` must have predict_proba for {type(wrapper).__name__}, got "
            f"{wrapper.estimator!r}. Calibrate it: CalibratedClassifierCV(estimator)."
        )


def params_of_fit(wrapper: Any, sample_weight: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Return metadata as the `fit` of a wrapper's estimator takes them; see `WrapperMixin`."""
    if get_config()["enable_metadata_routing"]:
        routed = process_routing(wrapper, "fit", sample_weight=sample_weight, **params)
        return routed["estimator"]["fit"]
    return params | ({} if sample_weight is None else weighted(wrapper.estimator, sample_weight))


class WrapperMixin(ClassifierMixin):
    """Mixin for a classifier that passes X and metadata on to one `estimator`.

    The metadata of `fit` go to the `fit` of `estimator`: by metadata routing where that is
    enabled; otherwise as they are, and ``sample_weight`` to the last step of a Pipeline.
    """

    estimator: Any

    def get_metadata_routing(self) -> Any:
        """Return how metadata of `fit` reach `estimator`; ``sample_weight`` is used here, too.

        Returns
        -------
        routing : MetadataRouter
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(estimator=self.estimator, method_mapping=mapping)

    def __sklearn_tags__(self) -> Any:
        return tags_like(super().__sklearn_tags__(), self.estimator)
