"""Validation: errors for what cannot be images with labels, or cannot be called."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any

import numpy as np
from imblearn.utils import check_sampling_strategy
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_array

from imblearn_images.core.columns import told
from imblearn_images.core.memory import check_fits

__all__ = [
    "WholeCounts",
    "as_counts",
    "as_pixels",
    "check_class_sizes",
    "check_images",
    "check_lengths",
    "check_plan_fits",
    "check_strategy",
    "class_told",
]


def misfit(function: Callable[..., Any], /, *arguments: str, **named: Any) -> str:
    """Return why `function` cannot be called with these positional and named arguments.

    Only the signature is checked; errors raised within the function are not caught anywhere.

    Returns
    -------
    reason : str
        Empty if it can be called, or has no signature, as some functions written in C.

    Examples
    --------
    >>> misfit(lambda label, n: None, "label", "n", "rng")
    'it takes (label, n), too many positional arguments'
    >>> misfit(lambda label, *others: None, "label", "n", "rng")
    ''
    """
    try:
        signature = inspect.signature(function)
    except ValueError:
        return ""
    try:
        signature.bind(*arguments, **named)
    except TypeError as error:
        return f"it takes ({', '.join(signature.parameters)}), {error}"
    return ""


def check_functions(**given: Any) -> None:
    """Raise a TypeError for the first of these parameters that is neither a function nor None.

    Examples
    --------
    >>> check_functions(transform="flip")
    Traceback (most recent call last):
        ...
    TypeError: `transform` must be a function or None, got 'flip'. Pass the function, not its name.
    """
    for name, value in given.items():
        if value is not None and not callable(value):
            raise TypeError(
                f"`{name}` must be a function or None, got {value!r:.100}. Pass the function, not "
                "its name."
            )


def check_lengths(X: Any, y: Any) -> None:
    """Raise for images and labels of different lengths, and if there are none."""
    if y is None:
        return  # scikit-learn raises its own error
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


def check_images(shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Raise for arrays that cannot be images: complex numbers, text in 3-D, no pixels at all."""
    # In one dimension these are paths, whose files are checked when they are opened.
    if dtype.kind not in ("UO" if len(shape) == 1 else "biuf"):
        reason = "Complex data not supported: images" if dtype.kind == "c" else "Images"
        raise ValueError(
            f"{reason} of shape {shape} need a real numeric or bool dtype, got {dtype}."
        )
    if 0 in shape:
        raise ValueError(f"X of shape {shape} holds no pixels; pass images of at least 1 x 1.")


def as_pixels(X: Any) -> Any:
    """Return a table of flattened pixels as an array, or raise if it holds text."""
    if sparse.issparse(X) or len(X.shape) != 2:
        return X
    try:
        return check_array(X, ensure_all_finite=False)
    except ValueError as error:
        raise ValueError(
            f"X of shape {X.shape} cannot be flattened pixels: {error}. If it holds file paths, "
            "pass one column of paths, X[column]."
        ) from error


def as_counts(strategy: Any) -> Any:
    """Return numbers of images per class as integers; raise for one that is not whole.

    Examples
    --------
    >>> as_counts({"cat": 20.0, "dog": np.float64(12)})
    {'cat': 20, 'dog': 12}
    >>> as_counts({"cat": 19.5})
    Traceback (most recent call last):
        ...
    ValueError: `sampling_strategy` must give a whole number of images for every class, got 19.5 for
    class 'cat'.
    """
    if not isinstance(strategy, Mapping):
        return strategy
    # A bool is an integer for Python, too, but no number of images.
    if all(isinstance(n, Integral) and not isinstance(n, bool) for n in strategy.values()):
        return strategy
    counts = {label: _as_count(label, count) for label, count in strategy.items()}
    return type(strategy)(counts)  # type: ignore[call-arg]


def _as_count(label: Any, count: Any) -> Any:
    """Return the number of images of one class as an integer, or raise naming the class."""
    if isinstance(count, Integral) and not isinstance(count, bool):
        return count
    is_number = isinstance(count, Real) or getattr(count, "shape", None) == ()
    try:
        whole = float(count) if is_number and not isinstance(count, (bool, np.bool_)) else None
    except (TypeError, ValueError, OverflowError):
        whole = None
    if whole is None or not whole.is_integer():
        raise ValueError(
            "`sampling_strategy` must give a whole number of images for every class, got "
            f"{count!r} for class {told(label)!r}."
        )
    return int(whole)


class WholeCounts:
    """Wraps a callable strategy, to convert its numbers of images to integers."""

    def __init__(self, strategy: Any) -> None:
        self.strategy = strategy

    def __call__(self, y: Any, **params: Any) -> Any:
        """Return the numbers of the strategy as integers."""
        return as_counts(self.strategy(y, **params))


PLAN_BYTES = 100
"""Minimum memory for a row of a plan while it is made, without its image."""


def check_plan_fits(strategy: Any, y: NDArray[Any], kind: str) -> None:
    """Raise a MemoryError, before anything is drawn, if not even the plan would fit."""
    if kind != "over-sampling":
        return
    asked = as_counts(strategy(y) if callable(strategy) else strategy)
    if isinstance(asked, dict):
        n_rows = sum(int(n) for n in as_counts(asked).values())
        # Before the strategy is carried out: a plan of 10**12 rows would be killed, not refused.
        check_fits(
            n_rows * PLAN_BYTES,
            f"A plan of {n_rows} images",
            "Ask for fewer with `sampling_strategy`.",
        )


def check_strategy(strategy: Any, y: NDArray[Any], kind: str) -> None:
    """Raise naming the class for which a sampler of this kind cannot reach the number requested."""
    if not isinstance(strategy, dict):
        return
    strategy = as_counts(strategy)
    if kind not in ("over-sampling", "under-sampling"):
        return
    # imbalanced-learn decides, so that its rules hold in every version; here the class is named.
    try:
        check_sampling_strategy(strategy, y, kind)
    except ValueError as error:
        counts = Counter(list(y))
        over = kind == "over-sampling"
        impossible = [label for label in strategy if label not in counts] or [
            label
            for label, asked in strategy.items()
            if (asked < counts[label] if over else asked > counts[label])
        ]
        for label in impossible[:1]:
            raise ValueError(
                f"{error} Class {told(label)!r} has {counts[label]} images to resample (those that "
                f"train, where the set is split), `sampling_strategy` asks for {strategy[label]}."
            ) from error
        raise


def check_class_sizes(
    y: NDArray[Any], n_new: Mapping[Any, int], k_neighbors: Any, *, parameter: str = "k_neighbors"
) -> None:
    """Raise for classes that are too small to have `k_neighbors` neighbours.

    Raises
    ------
    ValueError
        Naming the class, its size, the size needed and the remedies. `k_neighbors` is
        never lowered silently.
    """
    if isinstance(k_neighbors, Integral):
        k = int(k_neighbors)
    else:  # a neighbours object is set to one more, because it finds the image itself as well
        k = getattr(k_neighbors, "n_neighbors", 1) - 1
    for label, count in n_new.items():
        found = int(np.count_nonzero(y == label))
        if count and found <= k:
            smaller = f"Pass a smaller `{parameter}` (at most {found - 1}), leave"
            raise ValueError(
                f"Expected n_neighbors <= n_samples_fit: class {told(label)!r} has n_samples = "
                f"{found}, {parameter}={k} needs at least {k + 1} images of a class. "
                f"{smaller if found > 1 else 'A single image has no neighbour: leave'} the class "
                "out of `sampling_strategy`, or use RandomOverSampler, which needs one image."
            )


@contextmanager
def class_told(strategy: Any, y: Any, kind: str) -> Iterator[None]:
    """Context whose errors name classes: those too small, or of which a callable asks too much."""
    try:
        yield
    except (TypeError, ValueError) as error:
        labels, reason = np.asarray(y).reshape(-1), str(error)
        named = "has n_samples" in reason or "The classes have" in reason
        if "n_neighbors <= n_samples" in reason and not named:
            pairs = zip(*np.unique(labels, return_counts=True), strict=True)
            sizes = ", ".join(f"{told(label)!r}: {count}" for label, count in pairs)
            raise ValueError(
                f"{reason.rstrip('.')}. The classes have these numbers of images: {sizes}. Use "
                "fewer neighbours, or leave the smallest class out of `sampling_strategy`."
            ) from error
        if not callable(strategy):
            raise
        try:
            asked = strategy(labels)
        except Exception:  # noqa: BLE001 - the error that is being handled, raised again below
            asked = None
        check_strategy(asked, labels, kind)
        raise
