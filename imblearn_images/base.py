"""What the samplers share: images in any container in, the same container out."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from math import prod
from typing import Any

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_target_type
from numpy.typing import NDArray
from scipy import sparse

from imblearn_images.core.containers import holds_paths, unwrap
from imblearn_images.core.features import check_embedding
from imblearn_images.core.mixing import check_drawn
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import render
from imblearn_images.core.signatures import misfit
from imblearn_images.core.targets import told, unwrap_labels
from imblearn_images.core.tracing import plan_of, trace_rows
from imblearn_images.drawing import check_output_dir, check_room, draw, images_of, with_synthesis
from imblearn_images.measuring import measure
from imblearn_images.validation import (
    as_counts,
    check_images,
    check_lengths,
    check_plan_fits,
    check_strategy,
    class_told,
)

__all__ = [
    "ImageSamplerMixin",
    "MeasuringSamplerMixin",
    "MeasuringSelectorMixin",
    "SelectingSamplerMixin",
    "TracedSamplerMixin",
    "sizes_told",
]


LIMITS = partial(np.errstate, over="ignore", invalid="ignore")
"""Context in which pixels near the limits of their type give no warning on the way."""


class ImageSamplerMixin:
    """Mixin that lets a sampler of imbalanced-learn take images and file paths.

    It goes before imbalanced-learn's class of the same name and adds nothing but the
    door: containers, validation, and the two hooks. Think twice before adding anything
    here: what a sampler decides belongs in ``core.planning``, pixels in
    ``core.rendering``.
    """

    plan_: ResamplingPlan
    sampling_strategy: Any
    _sampling_type: str

    def fit(self, X: Any, y: Any, **params: Any) -> Any:
        """Check the inputs and compute ``sampling_strategy_``; see `fit_resample`."""
        images, _ = unwrap(X)
        labels, _ = unwrap_labels(y)
        with class_told(self.sampling_strategy, labels, self._sampling_type):
            return super().fit(images, labels, **params)  # type: ignore[misc]

    def fit_resample(self, X: Any, y: Any, **params: Any) -> tuple[Any, Any]:
        """Resample the images.

        Parameters
        ----------
        X : images
            Array, memmap or tensor of shape (n, H, W), (n, H, W, C), (n, C, H, W) or, as
            flattened pixels, (n, d); file paths in a list, array, or column of pandas,
            polars or Arrow; a list, object array or column of equally shaped images (arrays,
            tensors, images of Pillow).
        y : array-like of shape (n,)
            Labels in any container; one-hot rows of shape (n, n_classes) are accepted, too.
        **params : dict
            Extra parameters of the sampler.

        Returns
        -------
        X_resampled : images
            In the container, dtype and shape of `X`. A memmap comes back as an array, a
            tensor on the CPU; see :func:`imblearn_images.core.containers.unwrap`.
        y_resampled : array-like of shape (n_resampled,)
            Labels of `X_resampled`, in the container and dtype of `y`; one-hot rows with all
            of their columns.

        Raises
        ------
        ValueError
            If lengths differ, a label is missing, there is one class only, or the
            sampler cannot work with a class; the row or class is named.
        TypeError
            For a parameter that this sampler does not take.
        """
        _check_params(self, params)
        images, rewrap = unwrap(X)
        labels, rewrap_labels = unwrap_labels(y)
        # imbalanced-learn keeps what it works on in attributes. Working on a copy, threads that
        # share a sampler do not see each other's; what is left at the end is one whole result.
        worker = copy.copy(self)
        with class_told(self.sampling_strategy, labels, self._sampling_type):
            X_resampled, y_resampled = super(ImageSamplerMixin, worker).fit_resample(  # type: ignore[misc]
                images, labels, **params
            )
        self.__dict__ = vars(worker)
        plan = worker.plan_
        _warn_of_lost_classes(worker, np.asarray(labels).reshape(-1))
        y_resampled = rewrap_labels(y_resampled)
        if images is not X:
            keeps_index = not isinstance(self, BaseOverSampler) and not plan.synthetic.any()
            X_resampled = rewrap(X_resampled, plan.base if keeps_index else None)
            if hasattr(X_resampled, "iloc") and hasattr(y_resampled, "iloc"):
                y_resampled.index = X_resampled.index
        return X_resampled, y_resampled

    @property
    def sampling_strategy_(self) -> Any:
        """Class label to number of images, as imbalanced-learn has worked it out."""
        try:
            return vars(self)["sampling_strategy_"]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} is not fitted yet.") from None

    @sampling_strategy_.setter
    def sampling_strategy_(self, counts: Any) -> None:
        # imbalanced-learn takes 20.0 for a number, and fails where it counts with it
        vars(self)["sampling_strategy_"] = as_counts(counts)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.three_d_array = True
        return tags

    def _check_X_y(self, X: Any, y: Any) -> tuple[Any, NDArray[Any], bool]:
        check_lengths(X, y)
        if not (holds_paths(X) or (isinstance(X, np.ndarray) and X.ndim > 2)):
            with LIMITS(), _text_told(X):  # scikit-learn adds up what it looks at
                X, y, binarize_y = super()._check_X_y(X, y)  # type: ignore[misc]
            self._check_classes(y)
            check_strategy(self.sampling_strategy, y, self._sampling_type)
            check_plan_fits(self.sampling_strategy, y, self._sampling_type)
            return X, y, binarize_y
        y, binarize_y = check_target_type(y, indicate_one_vs_all=True)
        self._check_classes(y)
        check_strategy(self.sampling_strategy, y, self._sampling_type)
        check_plan_fits(self.sampling_strategy, y, self._sampling_type)
        check_images(X)
        self.n_features_in_ = prod(X.shape[1:])
        if hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        return X, y, binarize_y

    def _check_classes(self, y: NDArray[Any]) -> None:
        if (y == y[0]).all():
            label = told(y[0])
            raise ValueError(
                "The target 'y' needs to have more than 1 class. Got 1 class instead: "
                f"{label!r} is the label of all {len(y)} images. Check how the labels were "
                "read."
            )


def _warn_of_lost_classes(sampler: Any, y: NDArray[Any]) -> None:
    """Say which classes of `y` a sampler has left no image of, unless it was asked to."""
    labels, counts = np.unique(y, return_counts=True)
    left = np.isin(labels, sampler.plan_.y)
    asked = sampler.sampling_strategy_ if sampler._sampling_type == "under-sampling" else {}  # noqa: SLF001
    lost = [
        f"{told(label)!r} ({count} before)"
        for label, count, is_left in zip(labels, counts, left, strict=True)
        if not is_left and asked.get(label) != 0
    ]
    if lost:
        warnings.warn(
            f"{type(sampler).__name__} has left no image of {len(lost)} of {len(labels)} classes: "
            f"{', '.join(lost)}. Nothing behind it learns them. Measure distances in another "
            "`embedding`, ask for fewer neighbours, or leave these classes alone.",
            UserWarning,
            stacklevel=3,
        )


@contextmanager
def _text_told(X: Any) -> Iterator[None]:
    """Say what may have been meant by a table of text."""
    try:
        yield
    except ValueError as error:
        if "convert string to float" not in str(error) and "bytes/strings" not in str(error):
            raise
        reason = str(error).rstrip(".")
        raise ValueError(
            f"X of shape {np.shape(X)} holds text, not pixels: {reason}. If it holds "
            "file paths, pass one column of paths, X[column]."
        ) from error


def _check_params(sampler: Any, params: dict[str, Any]) -> None:
    check_output_dir(sampler)
    reason = misfit(sampler._fit_resample, "X", "y", **params)
    if reason:
        raise TypeError(f"{type(sampler).__name__}.fit_resample: {reason}. Leave that out.")


class MeasuringSamplerMixin(ImageSamplerMixin):
    """Mixin for a sampler that measures distances between features of images."""

    embedding: Any
    embedding_: Any

    def fit(self, X: Any, y: Any, **params: Any) -> Any:
        """Check the inputs and compute ``sampling_strategy_``; see `fit_resample`."""
        check_embedding(self.embedding)
        return super().fit(X, y, **params)

    def fit_resample(
        self, X: Any, y: Any, *, embeddings: Any = None, **params: Any
    ) -> tuple[Any, Any]:
        """Resample the images.

        Parameters
        ----------
        X : images
            Array, memmap or tensor of shape (n, H, W), (n, H, W, C), (n, C, H, W) or, as
            flattened pixels, (n, d); file paths in a list, array, or column of pandas,
            polars or Arrow; a list, object array or column of equally shaped images (arrays,
            tensors, images of Pillow).
        y : array-like of shape (n,)
            Labels in any container; one-hot rows of shape (n, n_classes) are accepted, too.
        embeddings : array-like of shape (n, d), default=None
            Features of the images computed beforehand, e.g. by a network, instead of those
            that `embedding` makes. Through a Pipeline they come by metadata routing:
            ``sklearn.set_config(enable_metadata_routing=True)`` and
            ``sampler.set_fit_resample_request(embeddings=True)``, then
            ``search.fit(X, y, embeddings=F)``. Without routing imbalanced-learn's
            Pipeline drops what a sampler is passed; ``plan_.nearness`` tells.
        **params : dict
            Extra parameters of the sampler.

        Returns
        -------
        X_resampled : images
            In the container, dtype and shape of `X`. A memmap comes back as an array, a
            tensor on the CPU; see :func:`imblearn_images.core.containers.unwrap`.
        y_resampled : array-like of shape (n_resampled,)
            Labels of `X_resampled`, in the container and dtype of `y`; one-hot rows with all
            of their columns.

        Raises
        ------
        ValueError
            If lengths differ, a label or a feature is missing, there is one class only, or
            the sampler cannot work with a class; the row or class is named. If there is
            an `embedding` as well as `embeddings`.
        """
        if embeddings is not None:
            params["embeddings"] = embeddings
        check_embedding(self.embedding)
        return super().fit_resample(X, y, **params)

    def _drawn(
        self, plan: ResamplingPlan, X: Any, y: NDArray[Any], images: Any, run: tuple[Any, Any, Any]
    ) -> Any:
        """Draw what imbalanced-learn has decided on features; leave the plan in ``plan_``.

        `run` holds the features, those that the user gave or None, and what was made of them:
        the result itself, bit for bit, where the features are rows of floats.
        """
        features, embeddings, made = run
        own = None if self.embedding is None and embeddings is None else features
        self.plan_ = with_synthesis(self, plan, images, y, own)
        if self.plan_ is plan and features is X and X.dtype.kind == "f":
            check_drawn(made := np.asarray(made))
            return made
        return draw(self, X, images)


class SelectingSamplerMixin(ImageSamplerMixin):
    """Mixin for a sampler that selects images, and says so in ``sample_indices_``.

    It is run on row numbers, so that no pixel is looked at to decide.
    """

    sample_indices_: Any

    def _fit_resample(self, X: Any, y: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        return self._selected(X, y, np.arange(len(y))[:, None] if isinstance(X, np.ndarray) else X)

    def _selected(
        self, X: Any, y: NDArray[Any], seen: Any, nearness: str = ""
    ) -> tuple[Any, NDArray[Any]]:
        with sizes_told(y), LIMITS():
            resampled = self._select(seen, y)
        self.plan_ = ResamplingPlan.selection(self.sample_indices_, y, nearness)
        if sparse.issparse(X):
            return X[self.plan_.base], self.plan_.y
        if not isinstance(X, np.ndarray):  # data frames: imbalanced-learn's own container
            return resampled
        return (X[self.plan_.base] if holds_paths(X) else render(self.plan_, X)), self.plan_.y

    def _select(self, seen: Any, y: NDArray[Any]) -> Any:
        return super()._fit_resample(seen, y)  # type: ignore[misc]


class MeasuringSelectorMixin(MeasuringSamplerMixin, SelectingSamplerMixin):
    """Mixin for a sampler that selects images by the distances between them."""

    def _fit_resample(
        self, X: Any, y: NDArray[Any], embeddings: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        if sparse.issparse(X) and self.embedding is None and embeddings is None:
            return self._selected(X, y, X)
        return self._selected(X, y, *measure(self, X, y, embeddings))

    def _select(self, seen: Any, y: NDArray[Any]) -> Any:
        """Let imbalanced-learn select, on classes numbered from 0.

        Some of its samplers index arrays by the label or take the mode of labels, which
        works for such labels only; for these all of them decide the same with and without.
        """
        labels, numbers = np.unique(np.asarray(y), return_inverse=True)
        if labels.dtype.kind in "iu" and labels.tolist() == list(range(len(labels))):
            return super()._select(seen, y)
        # as they are: of dates tolist() makes something else
        number = {label: at for at, label in enumerate(labels)}
        asked = copy.copy(self)
        given = {name: getattr(self, name) for name in ("sampling_strategy", "sampling_strategy_")}
        if isinstance(self.sampling_strategy, list):
            asked.sampling_strategy = [number[label] for label in self.sampling_strategy]
        asked.sampling_strategy_ = {number[k]: n for k, n in self.sampling_strategy_.items()}
        resampled = super(MeasuringSelectorMixin, asked)._select(seen, numbers)
        vars(self).update(vars(asked) | given)
        return resampled


class TracedSamplerMixin(MeasuringSamplerMixin):
    """Mixin for a sampler that interpolates between rows: traced, then drawn on images.

    imbalanced-learn's own hook is run on features whose rows remember their sources; what
    it returns tells the parents and shares of every row.
    """

    def _fit_resample(
        self, X: Any, y: NDArray[Any], embeddings: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        target = images_of(X, self)
        features, nearness = measure(self, X, y, embeddings)
        check_room(self, features)
        # An overflow is refused when it is drawn; what is infinite, imbalanced-learn lets pass.
        with sizes_told(y), LIMITS():
            traced, y_resampled = super()._fit_resample(trace_rows(features), y)  # type: ignore[misc]
        plan = plan_of(traced, y_resampled, len(y), nearness=nearness)
        if plan is None:
            raise TypeError(
                f"{type(self).__name__}: this version of imbalanced-learn makes its rows in a way "
                "that cannot be traced to images."
            )
        return self._drawn(plan, X, y, target, (features, embeddings, traced)), plan.y


@contextmanager
def sizes_told(y: NDArray[Any]) -> Iterator[None]:
    """Say how large the classes are when there are too few images for the neighbours asked."""
    try:
        yield
    except ValueError as exc:
        if "n_neighbors <= n_samples" not in str(exc) or "has n_samples" in str(exc):
            raise  # the second one has been told already
        labels, counts = np.unique(y, return_counts=True)
        sizes = ", ".join(f"{told(label)!r}: {n}" for label, n in zip(labels, counts, strict=True))
        raise ValueError(
            f"{exc} The classes have these numbers of images: {sizes}. Ask for fewer neighbours, "
            "or leave the smallest class out of `sampling_strategy`."
        ) from exc
