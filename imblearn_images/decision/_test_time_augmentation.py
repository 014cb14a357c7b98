"""Test-time augmentation: probabilities averaged over several views of each image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_is_fitted

import imblearn_images.decision._base as base
from imblearn_images._docstrings import substitute
from imblearn_images.core.containers import holds_paths, unwrap
from imblearn_images.core.estimators import BATCH, NamedMembersMixin
from imblearn_images.core.pixels import store
from imblearn_images.preprocessing import ReadImages


@substitute
class TestTimeAugmentationClassifier(NamedMembersMixin, base.WrapperMixin, BaseEstimator):
    """Average the probabilities of a classifier over several views of each image.

    Views change what an image looks like but not what it shows: mirrored, shifted, relit.
    The unchanged image is always one of the views, and the only one that `fit` uses.

    {guide=several-views}

    Parameters
    ----------
    estimator : classifier
        A classifier with `predict_proba`. For a view that moves pixels it has to take images, as
        a Pipeline with ``FlattenImages`` or HOG features does.
    transforms : sequence of views, default=()
        Each is a function of a block of images, shape (m, H, W) or (m, H, W, C), that returns
        such a block; or an object whose method ``transform`` does; or one with
        ``draw(base, partners, weights, rngs)``, such as an ``Augment`` of this package: one
        changes all images in the same way, so pass several for several ways. Views are
        parameters by name, too, as in :class:`~imblearn_images.synthesis.Chain`.
    {random_state}

    Attributes
    ----------
    estimator_ : classifier
        The fitted clone of `estimator`.
    classes_ : ndarray of shape (n_classes,)
        Labels.
    n_features_in_, feature_names_in_
        Those of `estimator_`, if it has them.

    Notes
    -----
    The seeds of views with random numbers are drawn once, in `fit`: the prediction for an image
    depends neither on the other images nor on the call.

    ``numpy.fliplr`` and ``numpy.flipud`` are made for one image. To mirror the images of a block,
    use ``functools.partial(numpy.flip, axis=2)``; ``axis=1`` turns them upside down.

    What a view returns is rounded to the dtype of the images, which are not modified themselves.
    Files are read before the views are made, by the ``ReadImages`` in `estimator`, 512 at a time.

    References
    ----------
    .. [1] A. Krizhevsky, I. Sutskever, G. E. Hinton, "ImageNet classification with deep
       convolutional neural networks", NeurIPS 2012.
    .. [2] D. Shanmugam, D. Blalock, G. Balakrishnan, J. Guttag, "Better aggregation in
       test-time augmentation", ICCV 2021.

    Examples
    --------
    >>> from functools import partial
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn.pipeline import make_pipeline
    >>> from imblearn_images.datasets import load_texture_patches
    >>> from imblearn_images.preprocessing import FlattenImages
    >>> images, labels = load_texture_patches(return_X_y=True, size=16)
    >>> mirror = partial(np.flip, axis=2)
    >>> model = make_pipeline(FlattenImages(), GaussianNB())
    >>> views = TestTimeAugmentationClassifier(model, [mirror]).fit(images, labels)
    >>> once = views.estimator_
    >>> mean = (once.predict_proba(images) + once.predict_proba(mirror(images))) / 2
    >>> bool((views.predict_proba(images) == mean).all())
    True
    """

    __test__ = False  # pytest would collect a class named Test...
    members_in = "transforms"

    def __init__(
        self,
        estimator: Any,
        transforms: Sequence[Any] = (),
        *,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.transforms = transforms
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> Any:
        """Fit a clone of the estimator, on the images as they are.

        Parameters
        ----------
        X : images
            Array of shape (n, H, W), (n, H, W, C) or (n, d), or file paths.
        y : array-like of shape (n,)
            Labels.
        sample_weight : array-like of shape (n,), default=None
            Passed to `estimator`.
        **params : dict
            Passed to the `fit` of `estimator`.

        Returns
        -------
        self : TestTimeAugmentationClassifier

        Raises
        ------
        TypeError
            If `estimator` has no `predict_proba`, or `transforms` holds something else than views.
        """
        base.check_has_probabilities(self)
        for view in self.transforms:
            usable = callable(view) or hasattr(view, "draw") or hasattr(view, "transform")
            if isinstance(view, type) or not usable:
                raise TypeError(
                    f"`transforms` must hold functions of a block of images, or objects with a "
                    f"method `transform` or `draw`, got {view!r}."
                )
        labels = base.as_labels(X, y)
        fit_params = base.params_of_fit(self, sample_weight, params)
        images = base.handed(self.estimator, X)
        self.estimator_ = clone(self.estimator).fit(images, labels, **fit_params)
        self.classes_ = self.estimator_.classes_
        drawn = check_random_state(self.random_state).randint(2**31 - 1, size=len(self.transforms))
        self.seeds_ = drawn.tolist()
        base.remember_form(self, self.estimator_)
        return self

    def predict(self, X: Any) -> Any:
        """Return the labels of the largest mean probabilities, shape (n,); `X` as for `fit`."""
        check_is_fitted(self)
        return self.classes_[np.argmax(self.predict_proba(X), axis=1)]

    def predict_proba(self, X: Any) -> Any:
        """Return the mean of the probabilities over the views.

        Parameters
        ----------
        X : images
            As for :meth:`fit`.

        Returns
        -------
        probabilities : ndarray of shape (n, n_classes)
            Columns in the order of ``classes_``.

        Raises
        ------
        ValueError
            If a view returns something other than as many images as it was given.
        """
        check_is_fitted(self)
        if not len(self.transforms):
            return self.estimator_.predict_proba(base.handed(self.estimator_, X))
        images, _ = unwrap(X)
        if not isinstance(images, np.ndarray):
            images = check_array(images, dtype=None, ensure_all_finite=False)
        blocks = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
        return np.concatenate([self._mean(self._pixels(block)) for block in blocks])

    def _pixels(self, block: NDArray[Any]) -> NDArray[Any]:
        """Return a block of images, read if they are paths."""
        if not holds_paths(block):
            return block
        within = self.estimator_.get_params().values()
        reader = next((step for step in within if isinstance(step, ReadImages)), ReadImages())
        return reader.transform(block)

    def _mean(self, images: NDArray[Any]) -> NDArray[Any]:
        """Return the mean probabilities of a block of images, shape (m, n_classes)."""
        ask = self.estimator_.predict_proba
        total = np.array(ask(base.handed(self.estimator_, images)), dtype=float)
        for view, seed in zip(self.transforms, self.seeds_, strict=True):
            total += ask(base.handed(self.estimator_, _seen(view, images, seed)))
        return total / (1 + len(self.transforms))


def _seen(view: Any, images: NDArray[Any], seed: int) -> NDArray[Any]:
    """Return images as a view shows them, in their dtype."""
    given = images.copy()  # a view may work in place
    if hasattr(view, "draw"):
        partners = np.empty((len(images), 0, *images.shape[1:]), dtype=images.dtype)
        rngs = [np.random.default_rng(seed) for _ in images]
        result = view.draw(given, partners, np.empty((len(images), 0)), rngs)
    else:
        result = getattr(view, "transform", view)(given)
    result = np.asarray(result)
    if result.ndim != images.ndim or len(result) != len(images):
        raise ValueError(
            f"`transforms` must return a block of as many images, of shape {images.shape}, got "
            f"shape {result.shape} from {view!r}."
        )
    if result.dtype == images.dtype:
        return result
    out = np.empty(result.shape, dtype=images.dtype)
    store(result.astype(np.result_type(result, np.float32)), out)
    return out
