"""Validation: what cannot be images with labels is refused, by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from imblearn.utils import check_sampling_strategy
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_array

from imblearn_images.core.companions import is_missing
from imblearn_images.core.memory import check_fits

__all__ = [
    "as_pixels",
    "check_images",
    "check_labels",
    "check_lengths",
    "check_plan_fits",
    "check_strategy",
]


def check_lengths(X: Any, y: Any) -> None:
    """Refuse two lengths, and nothing at all, with both numbers."""
    if y is None:
        return  # scikit-learn has its own words for it
    shape = getattr(X, "shape", None)
    n_images, n_labels = shape[0] if shape else len(X), len(y)
    if n_images != n_labels:
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: {n_images} images in X, "
            f"{n_labels} labels in y; pass one label for each image, in the same order."
        )
    if n_images == 0:
        raise ValueError(
            "Found array with 0 sample(s): X holds no images, y no labels. Check where they are "
            "read from."
        )


def check_images(X: NDArray[Any]) -> None:
    """Refuse arrays that cannot be images: complex numbers, text in 3-D, no pixels at all."""
    if X.dtype.kind not in ("UO" if X.ndim == 1 else "biuf"):
        reason = "Complex data not supported: images" if X.dtype.kind == "c" else "Images"
        raise ValueError(
            f"{reason} of shape {X.shape} need a real numeric or bool dtype, got {X.dtype}."
        )
    if X.size == 0:
        raise ValueError(f"X of shape {X.shape} holds no pixels; pass images of at least 1 x 1.")


def as_pixels(X: Any) -> Any:
    """Make an array of a table of flattened pixels; refuse one of text."""
    if sparse.issparse(X) or X.ndim != 2:
        return X
    try:
        return check_array(X, ensure_all_finite=False)
    except ValueError as error:
        raise ValueError(
            f"X of shape {X.shape} cannot be flattened pixels: {error}. If it holds file paths, "
            "pass one column of paths, X[column]."
        ) from error


def check_labels(y: Any) -> None:
    """Name the rows of missing labels and of labels that cannot be sorted together."""
    if getattr(y, "ndim", 1) != 1 or not isinstance(y, Iterable):
        return
    if isinstance(y, np.ndarray) and y.dtype.kind in "iubU":
        return  # nothing can be missing or mixed
    labels = np.asarray(y, dtype=object)
    if labels.ndim != 1:
        return
    missing = [row for row, label in enumerate(labels) if is_missing(label)]
    if missing:
        raise ValueError(
            f"Unknown label type: y has {len(missing)} missing labels (None or NaN), the first in "
            f"row {missing[0]}. Leave these images out, or give them a class of their own."
        )
    text = np.fromiter((isinstance(label, str) for label in labels), bool, len(labels))
    if text.any() and not text.all():
        row, other = int(np.argmax(text)), int(np.argmin(text))
        raise ValueError(
            f"Unknown label type: y mixes text and other labels, {labels[row]!r} in row {row} and "
            f"{labels[other]!r} in row {other}. Use one type, e.g. y.astype(str)."
        )


PLAN_BYTES = 100
"""That a row of a plan takes at least while it is made, whatever its image takes."""


def check_plan_fits(strategy: Any, y: NDArray[Any], kind: str) -> None:
    """Refuse, before anything is drawn, numbers of images of which not even a list fits."""
    if kind != "over-sampling":
        return
    asked = strategy(y) if callable(strategy) else strategy
    if isinstance(asked, dict):
        n_rows = sum(int(n) for n in asked.values())
        check_fits(
            n_rows * PLAN_BYTES,
            f"A plan of {n_rows} images",
            "Ask for fewer with `sampling_strategy`.",
        )


def check_strategy(strategy: Any, y: NDArray[Any], kind: str) -> None:
    """Name the class of which a sampler of this kind cannot have the number asked for."""
    if not isinstance(strategy, dict) or kind not in ("over-sampling", "under-sampling"):
        return
    try:
        check_sampling_strategy(strategy, y, kind)
    except ValueError as error:
        counts = Counter(y.tolist())
        over = kind == "over-sampling"
        impossible = [label for label in strategy if label not in counts] or [
            label
            for label, asked in strategy.items()
            if (asked < counts[label] if over else asked > counts[label])
        ]
        for label in impossible[:1]:
            raise ValueError(
                f"{error} Class {label!r} has {counts[label]} images to resample (those that "
                f"train, where the set is split), `sampling_strategy` asks for {strategy[label]}."
            ) from error
        raise
