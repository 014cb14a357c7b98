"""What samplers of images with several labels share: checks of the input, and the output."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Mapping
from dataclasses import replace
from math import prod
from numbers import Real
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from imblearn_images._docstrings import substitute
from imblearn_images._sampler import MeasuringSamplerMixin, returned
from imblearn_images.core.annotations import Annotations
from imblearn_images.core.carrying import carry
from imblearn_images.core.columns import plain, rows_of
from imblearn_images.core.embedding import check_embedding
from imblearn_images.core.images import Images, unwrap_images
from imblearn_images.core.memory import check_fits
from imblearn_images.core.multilabel import LabelCounts, count_labels_of
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import render
from imblearn_images.core.validation import (
    PLAN_BYTES,
    as_counts,
    as_pixels,
    check_images,
    check_lengths,
)

__all__ = ["LabelSamplerMixin", "carried_by", "check_rows", "requested_labels", "take_selected"]


def requested_labels(
    strategy: Any, labels: LabelCounts, kind: Literal["over-sampling", "under-sampling"]
) -> dict[Any, int]:
    """Return the number that a `sampling_strategy` requests of each label that is to change.

    Parameters
    ----------
    strategy : float, str, dict or callable
        As LabelOverSampler or LabelUnderSampler takes it.
    labels : LabelCounts
        Labels of the images.
    kind : {"over-sampling", "under-sampling"}
        Whether labels come up to the most frequent one, or down to the rarest.

    Returns
    -------
    requested : dict
        Label to number afterwards; labels that are left alone are not in it.

    Raises
    ------
    ValueError
        For an unknown string or label, a share outside 0 to 1, and a number below that of the
        label when over-sampling, or above it when under-sampling.

    Examples
    --------
    >>> labels = count_labels_of([["cat"], ["cat", "owl"], ["cat", "dog"], ["dog"]])
    >>> requested_labels("auto", labels, "over-sampling")
    {'dog': 3, 'owl': 3}
    >>> requested_labels("minority", labels, "over-sampling")
    {'owl': 3}
    >>> requested_labels("auto", labels, "under-sampling")
    {'cat': 1, 'dog': 1}
    >>> requested_labels(0.5, labels, "over-sampling")
    {'owl': 2}
    >>> requested_labels(0.5, labels, "under-sampling")
    {'cat': 2}
    """
    adds = kind == "over-sampling"
    before = dict(zip(labels.labels, labels.counts.sum(axis=0).tolist(), strict=True))
    there = {label: n for label, n in before.items() if n}
    if not there:
        raise ValueError(
            f"`y` must have at least one label, got {len(labels.counts)} images without any. "
            "Check how the labels were read."
        )
    most, fewest = max(there.values()), min(there.values())
    if isinstance(strategy, str):
        end = fewest if adds else most  # the labels that "minority" or "majority" means
        at_end = [label for label, n in there.items() if n == end]
        others = [label for label, n in there.items() if n != end]
        minority, majority = ("minority", "majority") if adds else ("majority", "minority")
        chosen: dict[str, Any] = {
            "auto": there,
            "all": there,
            f"not {majority}": there,
            f"not {minority}": others,
            minority: at_end,
        }
        if strategy not in chosen:
            raise ValueError(
                f"`sampling_strategy` must be one of {', '.join(map(repr, chosen))}, a share, "
                f"a dict or a function, got {strategy!r}."
            )
        targets: dict[Any, int] = dict.fromkeys(chosen[strategy], most if adds else fewest)
    elif isinstance(strategy, Real) and not isinstance(strategy, bool):
        share = float(strategy)
        if not 0 < share <= 1:
            what = (
                "a share of the most frequent label"
                if adds
                else "the share of the rarest label in others,"
            )
            raise ValueError(
                f"`sampling_strategy` must be {what} above 0 and at most 1, got {strategy!r}."
            )
        # Round first: 0.7 * 10 must not miss a whole number by the last bit.
        if adds:
            targets = dict.fromkeys(there, math.ceil(round(share * most, 6)))
        else:
            targets = dict.fromkeys(there, math.floor(round(fewest / share, 6)))
    else:
        given = strategy(labels.flat) if callable(strategy) else strategy
        if not isinstance(given, Mapping):
            raise ValueError(
                "`sampling_strategy` must be a float, a str, a dict {label: number} or a function "
                f"that returns one, got {given!r:.80}."
            )
        targets = {plain(label): int(n) for label, n in as_counts(given).items()}
        for label, n in targets.items():
            if label not in before:
                known = ", ".join(map(repr, labels.labels[:10]))
                raise ValueError(
                    f"`sampling_strategy` must name labels of y, got {label!r}. There are {known}"
                    f"{', ...' if len(before) > 10 else ''}."
                )
            if n < before[label] if adds else n > before[label]:
                what = "images" if labels.counts.max() <= 1 else "objects"
                raise ValueError(
                    f"`sampling_strategy` must not request {'fewer' if adds else 'more'} than "
                    f"there are when {kind}, got {n} for label {label!r}, which has "
                    f"{before[label]} {what}."
                )
    return {
        label: n
        for label, n in targets.items()
        if (n > before[label] if adds else n < before[label])
    }


def check_rows(n_rows: int) -> None:
    """Raise MemoryError if a plan of so many rows does not fit, before anything is drawn."""
    check_fits(
        n_rows * PLAN_BYTES,
        f"A plan of {n_rows} images",
        "Request fewer with `sampling_strategy` or `max_repeats`.",
    )


@substitute
class LabelSamplerMixin(MeasuringSamplerMixin):
    """Mixin for a sampler of images with several labels: checks of its input, and its output."""

    def fit(self, X: Any, y: Any, **params: Any) -> Any:
        """Check the inputs and compute ``sampling_strategy_``; see `fit_resample`."""
        self._check_names("fit", params)
        check_embedding(self.embedding)
        self._prepared(unwrap_images(X)[0], y)
        return self

    # Nothing may be passed as `params`: type checkers see that, and at run time the error names
    # the parameters that exist.
    def fit_resample(
        self, X: Any, y: Any, *, embeddings: ArrayLike | None = None, **params: NoReturn
    ) -> tuple[Any, Any]:
        """Resample the images.

        Parameters
        ----------
        {images}
        y : Annotations, array-like of shape (n, L), or list of length n
            :class:`~imblearn_images.annotations.Annotations` of the images: their objects are
            counted, and they are carried along with the images that are drawn. Or a table of 0
            and 1, or of numbers of objects, with a column for each label: an array, sparse matrix,
            tensor or data frame. Or a list with the labels of each image: a list, tuple or set,
            which may be empty. One label per image, shape (n,), is possible, too.
        embeddings : array-like of shape (n, d), default=None
            Features of the images computed beforehand, e.g. by a network, instead of those
            that `embedding` makes.

        Returns
        -------
        X_resampled : images
            In the container, dtype and shape of `X`, as other samplers return them.
        y_resampled : Annotations, array-like of shape (n_resampled, L), or list
            Labels of `X_resampled`, in the container and dtype of `y`.

        Raises
        ------
        ValueError
            If lengths differ, a label is missing, a number in `y` is not a whole one of at least
            0, or the strategy names a label that `y` does not have; the row or label is named. If
            there is an `embedding` as well as `embeddings`.
        TypeError
            For a parameter that this sampler does not take.
        """
        check_embedding(self.embedding)
        given: dict[str, Any] = {} if embeddings is None else {"embeddings": embeddings}
        self._check_params({**given, **params})
        held, rewrap = unwrap_images(X)
        worker: Any = copy.copy(self)  # threads may share a sampler: no half-done fit is seen
        images, labels = LabelSamplerMixin._prepared(worker, held, y)
        X_resampled, y_resampled = worker._fit_resample(images, labels, **given)
        if isinstance(labels.source, Annotations):
            paths = getattr(X_resampled, "paths", None)
            y_resampled = carried_by(worker, labels.source, images, paths)
            counts = y_resampled.counts()  # an image may show more or fewer objects than its base
            worker.plan_ = worker.plan_.labelled(counts, labels.labels)
            if hasattr(worker, "reach_"):  # of samplers that compare it with what was requested
                worker.reach_ = replace(worker.reach_, reached=counts.sum(axis=0))
        self.__dict__ = vars(worker)
        X_resampled = returned(X, images, X_resampled, worker.plan_, rewrap)
        if held is not X and hasattr(X_resampled, "iloc") and hasattr(y_resampled, "iloc"):
            y_resampled.index = X_resampled.index
        return X_resampled, y_resampled

    def _prepared(self, held: Any, y: Any) -> tuple[Any, LabelCounts]:
        """Return the checked images and labels, and set ``sampling_strategy_``."""
        labels = count_labels_of(y)
        X = held if isinstance(held, Images) else as_pixels(held)
        check_lengths(X, labels.counts)
        if isinstance(labels.source, Annotations):
            _check_order(X, labels.source)
        shape: tuple[int, ...] = ()
        if isinstance(X, Images) and X.paths is None:
            shape = X.uniform or X.shape_of(0)
            check_images((len(X), *shape), X.dtype)
        self.n_features_in_ = prod(shape) if isinstance(X, Images) else X.shape[1]
        self.sampling_strategy_ = self._requested(labels)
        return X, labels

    def _requested(self, labels: LabelCounts) -> dict[Any, int]:
        """Return a dict of label to number to add, without the labels that are left alone."""
        if hasattr(self.sampling_strategy, "repeats"):  # repeat_factor sets numbers image by image
            return {}
        before = dict(zip(labels.labels, labels.counts.sum(axis=0).tolist(), strict=True))
        targets = requested_labels(self.sampling_strategy, labels, "over-sampling")
        return {label: n - before[label] for label, n in targets.items()}


def _check_order(X: Any, annotations: Annotations) -> None:
    """Raise if files are not in the order of their annotations."""
    if not isinstance(X, Images) or X.paths is None or annotations.paths is None:
        return
    pairs = zip(X.paths.tolist(), annotations.paths.tolist(), strict=True)
    for row, (given, annotated) in enumerate(pairs):
        if os.path.basename(os.fspath(given)) != os.path.basename(os.fspath(annotated)):
            raise ValueError(
                f"`X` must be the images of the annotations, in their order, got {given} in row "
                f"{row} instead of {annotated}. Pass y.paths."
            )


def carried_by(
    sampler: Any, annotations: Annotations, images: Any, paths: NDArray[Any] | None
) -> Annotations:
    """Return the annotations of the rows of a sampler's plan, with `paths` as their files."""
    # Where images are drawn later, what draws a row carries its annotations.
    if not getattr(sampler.output_dir, "carries", True):
        return annotations[sampler.plan_.first_base]
    carried = carry(sampler.plan_, annotations, images, n_jobs=sampler.n_jobs)
    return replace(carried, paths=paths)


def take_selected(X: Any, plan: ResamplingPlan) -> Any:
    """Return the rows of `X` that a plan selects, in its container."""
    if isinstance(X, Images):
        return X.subset(plan.base)
    if isinstance(X, np.ndarray):
        return render(plan, X)
    taken = rows_of(X.tocsr() if sparse.issparse(X) else X, plan.base, plan.n_source)
    return taken.reset_index(drop=True) if hasattr(taken, "iloc") else taken
