"""Strategies: what to pass as ``sampling_strategy`` of any sampler.

Those that change from epoch to epoch, :class:`progressive` and :class:`deferred`, are callables
``(y, epoch) -> {class: number}``: ``RandomBalancer`` and ``imblearn_images.torch.BalancedSampler``
pass them the epoch; any other sampler gets the numbers of epoch 0.
"""

from __future__ import annotations

import inspect
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core.columns import count_labels, told
from imblearn_images.core.validation import as_counts

__all__ = [
    "LongTail",
    "Staircase",
    "Step",
    "add_fraction",
    "at_least",
    "at_most",
    "at_most_ratio",
    "by_hierarchy",
    "deferred",
    "evenly",
    "multiply",
    "parse_strategy",
    "progressive",
    "repeat_factor",
    "root",
]

MOST = 2**31 - 1
"""Maximum number of images of a class that may be requested: no memory holds a larger plan."""


def _rounded(label: Any, number: float, strategy: Any) -> int:
    """Return a number rounded to nearest, halves up; raise if it is more than `MOST`."""
    if not number <= MOST:
        raise ValueError(
            f"{type(strategy).__name__} must request at most {MOST} images of a class, got "
            f"{_brief(number)} for class {label!r}. Pass a smaller number."
        )
    return math.floor(number + 0.5)


def _check_number(name: str, value: Any, minimum: float, what: str) -> None:
    """Raise unless a parameter is a finite number of at least `minimum`; `what` describes it."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not minimum <= value < math.inf:  # an int may be too large for a float
        raise ValueError(f"`{name}` must be {what}, got {_brief(value)}.")


def _check_count(name: str, value: Any) -> None:
    """Raise unless a parameter is a whole number of images, from 1 to `MOST`."""
    _check_number(name, value, 1, "a number of images, an integer >= 1")
    if int(value) != value:
        raise ValueError(f"`{name}` must be a number of images, an integer >= 1, got {value!r}.")
    if value > MOST:
        raise ValueError(
            f"`{name}` must be a number of images, at most {MOST}, got {_brief(value)}."
        )


def _brief(value: Any) -> str:
    """Return the repr of a value for a message, words for an integer of many digits."""
    # Python raises for the repr of an integer of more than 4,300 digits.
    if isinstance(value, int) and abs(value) >= 10**20:
        return "a number of more than 20 digits"
    return repr(value)


@dataclass(frozen=True)
class add_fraction:  # noqa: N801 - reads as a phrase: sampling_strategy=add_fraction({...})
    """Add a fraction of its own size to each class named: 0.5 adds half as many again.

    Like the other strategies of this module, it is a callable ``y -> {class: number}`` and can be
    compared, pickled and cloned. Numbers are rounded to nearest, halves up.

    Read more in the :ref:`User Guide <how-many-images>`.

    Parameters
    ----------
    fractions : dict of class to float
        The fraction to add to each class, at least 0. Classes that are not named stay as they
        are. A class that `y` does not hold is a ValueError when the strategy is called.

    Examples
    --------
    >>> add_fraction({"dog": 0.5})(["cat"] * 9 + ["dog"] * 5)
    {'dog': 8}
    """

    fractions: Mapping[Any, float]

    def __post_init__(self) -> None:
        if not isinstance(self.fractions, Mapping):
            raise TypeError(
                f"`fractions` must be a dict {{class: fraction}}, got {self.fractions!r}."
            )
        for label, fraction in self.fractions.items():
            _check_number(f"fractions[{label!r}]", fraction, 0, "a fraction to add, at least 0")

    def __call__(self, y: Any) -> dict[Any, int]:
        """Return the number requested of each class of `y`, array-like of shape (n,)."""
        counts = count_labels(y)
        unknown = [label for label in self.fractions if label not in counts]
        if unknown:
            raise ValueError(f"Class {unknown[0]!r} is not in the data, which has {list(counts)}.")
        return {
            label: counts[label] + _rounded(label, fraction * counts[label], self)
            for label, fraction in self.fractions.items()
        }


@dataclass(frozen=True)
class at_least:  # noqa: N801
    """Bring every smaller class up to `n` images, for over-samplers.

    Read more in the :ref:`User Guide <how-many-images>`.

    Parameters
    ----------
    n : int
        Minimum number of images of a class, at least 1; otherwise a ValueError.

    Examples
    --------
    >>> at_least(8)(["cat"] * 9 + ["dog"] * 5)
    {'cat': 9, 'dog': 8}
    """

    n: int

    def __post_init__(self) -> None:
        _check_count("n", self.n)

    def __call__(self, y: Any) -> dict[Any, int]:
        """Return the number requested of each class of `y`, array-like of shape (n,)."""
        return {label: max(count, int(self.n)) for label, count in count_labels(y).items()}


@dataclass(frozen=True)
class at_most:  # noqa: N801
    """Cut every larger class down to `n` images, for under-samplers.

    Read more in the :ref:`User Guide <how-many-images>`.

    Parameters
    ----------
    n : int
        Maximum number of images of a class, at least 1; otherwise a ValueError.

    Examples
    --------
    >>> at_most(6)(["cat"] * 9 + ["dog"] * 5)
    {'cat': 6, 'dog': 5}
    """

    n: int

    def __post_init__(self) -> None:
        _check_count("n", self.n)

    def __call__(self, y: Any) -> dict[Any, int]:
        """Return the number requested of each class of `y`, array-like of shape (n,)."""
        return {label: min(count, int(self.n)) for label, count in count_labels(y).items()}


@dataclass(frozen=True)
class at_most_ratio:  # noqa: N801
    """Leave no class more than `ratio` times as large as another, for any number of classes.

    imbalanced-learn takes a float for two classes only. Over-samplers raise the small
    classes to ``n_max / ratio``, rounded up; under-samplers cut the large ones to
    ``n_min * ratio``, rounded down.

    Read more in the :ref:`User Guide <how-many-images>`.

    Parameters
    ----------
    ratio : float
        Maximum of largest class / smallest class, at least 1; otherwise a ValueError.
    sampling : {"over", "under"}, default="over"
        The kind of sampler it is for.

    Examples
    --------
    >>> y = ["cat"] * 90 + ["dog"] * 50 + ["owl"] * 10
    >>> at_most_ratio(3)(y)
    {'cat': 90, 'dog': 50, 'owl': 30}
    >>> at_most_ratio(3, sampling="under")(y)
    {'cat': 30, 'dog': 30, 'owl': 10}
    """

    ratio: float
    sampling: str = "over"

    def __post_init__(self) -> None:
        _check_number("ratio", self.ratio, 1, "largest class / smallest class, at least 1")
        if self.sampling not in ("over", "under"):
            raise ValueError(f'`sampling` must be "over" or "under", got {self.sampling!r}.')

    def __call__(self, y: Any) -> dict[Any, int]:
        """Return the number requested of each class of `y`, array-like of shape (n,)."""
        counts = count_labels(y)
        # Round first: 90 / 3 and 10 * 1.1 must not miss a whole number by the last bit.
        if self.sampling == "over":
            minimum = math.ceil(round(max(counts.values()) / self.ratio, 6))
            return {label: max(count, minimum) for label, count in counts.items()}
        maximum = math.floor(round(min(counts.values()) * self.ratio, 6))
        return {label: min(count, maximum) for label, count in counts.items()}


@dataclass(frozen=True)
class multiply:  # noqa: N801
    """Multiply class sizes by `factor`: above 1 for over-samplers, below for under-samplers.

    Read more in the :ref:`User Guide <how-many-images>`.

    Parameters
    ----------
    factor : float or dict of class to float
        Factor for all classes, or for each one named, while the others stay as they are; above
        0, otherwise a ValueError. Numbers are rounded to nearest, halves up, to at least one
        image.

    Examples
    --------
    >>> multiply(1.5)(["cat"] * 9 + ["dog"] * 4)
    {'cat': 14, 'dog': 6}
    >>> multiply({"dog": 3})(["cat"] * 9 + ["dog"] * 4)
    {'dog': 12}
    """

    factor: float | Mapping[Any, float]

    def __post_init__(self) -> None:
        factors = self.factor if isinstance(self.factor, Mapping) else {"": self.factor}
        for label, factor in factors.items():
            name = f"factor[{label!r}]" if isinstance(self.factor, Mapping) else "factor"
            _check_number(name, factor, 1e-9, "a factor above 0")

    def __call__(self, y: Any) -> dict[Any, int]:
        """Return the number requested of each class of `y`, array-like of shape (n,)."""
        counts = count_labels(y)
        factors = (
            self.factor if isinstance(self.factor, Mapping) else dict.fromkeys(counts, self.factor)
        )
        unknown = [label for label in factors if label not in counts]
        if unknown:
            raise ValueError(f"Class {unknown[0]!r} is not in the data, which has {list(counts)}.")
        return {
            label: max(1, _rounded(label, factor * counts[label], self))
            for label, factor in factors.items()
        }


class _OfCounts:
    """Strategy that depends on the number of images of each class alone."""

    def __call__(self, y: Any) -> dict[Any, int]:
        """Return the number requested of each class of `y`, array-like of shape (n,)."""
        return self.of_counts(count_labels(y))

    def of_counts(self, counts: Mapping[Any, int], epoch: int = 0) -> dict[Any, int]:
        """Return the number requested of each class, from the numbers in `counts`."""
        raise NotImplementedError


def _held(counts: Mapping[Any, int]) -> dict[Any, int]:
    """Return the numbers of the classes that have an image; of others none can be requested."""
    return {label: count for label, count in counts.items() if count}


def _apportioned(quotas: Sequence[float], total: int, sizes: Iterable[int]) -> list[int]:
    """Return quotas rounded to whole numbers that add up to `total`.

    The largest remainders are rounded up; of equal ones, those of the largest `sizes`.
    """
    quotas = [round(quota, 9) for quota in quotas]  # 0.7 * 10 must not lose an image
    whole = [math.floor(quota) for quota in quotas]
    remainders = (
        (round(floor - quota, 9), -size, at)
        for at, (floor, quota, size) in enumerate(zip(whole, quotas, sizes, strict=True))
    )
    for _, _, at in sorted(remainders)[: total - sum(whole)]:
        whole[at] += 1
    return whole


@dataclass(frozen=True)
class evenly(_OfCounts):  # noqa: N801
    """Request the same number of images for every class, `n` in all, more or fewer than it has.

    For :class:`~imblearn_images.combine.RandomBalancer`, which repeats images of small classes and
    leaves out some of large ones.

    Read more in the :ref:`User Guide <how-many-images>`.

    Parameters
    ----------
    n : int, default=None
        Number of images in all; by default as many as there are. Where `n` cannot be divided by
        the number of classes, the largest classes get one more. Less than one image for each
        class is a ValueError when the strategy is called.

    Examples
    --------
    >>> evenly()(["cat"] * 9 + ["dog"] * 4 + ["owl"])
    {'cat': 5, 'dog': 5, 'owl': 4}
    >>> evenly(30)(["cat"] * 9 + ["dog"] * 4 + ["owl"])
    {'cat': 10, 'dog': 10, 'owl': 10}
    """

    n: int | None = None

    def __post_init__(self) -> None:
        if self.n is not None:
            _check_count("n", self.n)

    def of_counts(self, counts: Mapping[Any, int], epoch: int = 0) -> dict[Any, int]:
        """Return the number requested of each class, from the numbers in `counts`."""
        held = _held(counts)
        n = sum(held.values()) if self.n is None else int(self.n)
        if n < len(held):
            raise ValueError(
                f"`n` must be at least one image for each of {len(held)} classes, got {n}."
            )
        each, left = divmod(n, max(1, len(held)))
        largest = sorted(held, key=lambda label: -held[label])[:left]
        return {label: (each + (label in largest)) * (label in held) for label in counts}


@dataclass(frozen=True)
class root(_OfCounts):  # noqa: N801
    """Make class sizes less unequal: proportional to a power of what they are.

    ``root(0.5)`` is square-root sampling, ``root(0)`` requests the same number for all classes,
    ``root(1)`` leaves them as they are.

    Read more in the :ref:`User Guide <how-many-images>`.

    Parameters
    ----------
    power : float, default=0.5
        The power, from 0 to 1; otherwise a ValueError.
    sampling : {"both", "over", "under"}, default="both"
        The kind of sampler it is for: "both" keeps the number of images in all, for
        :class:`~imblearn_images.combine.RandomBalancer`; "over" keeps the size of the largest
        class, "under" that of the smallest.

    References
    ----------
    Mahajan et al., "Exploring the Limits of Weakly Supervised Pretraining", ECCV 2018.

    Examples
    --------
    >>> y = ["cat"] * 900 + ["dog"] * 100
    >>> root(0.5)(y)
    {'cat': 750, 'dog': 250}
    >>> root(0.5, "over")(y)
    {'cat': 900, 'dog': 300}
    >>> root(0.5, "under")(y)
    {'cat': 300, 'dog': 100}
    """

    power: float = 0.5
    sampling: str = "both"

    def __post_init__(self) -> None:
        _check_number("power", self.power, 0, "a number from 0 to 1")
        if self.power > 1:
            raise ValueError(f"`power` must be a number from 0 to 1, got {self.power!r}.")
        if self.sampling not in ("both", "over", "under"):
            raise ValueError(
                f'`sampling` must be "both", "over" or "under", got {self.sampling!r}.'
            )

    def of_counts(self, counts: Mapping[Any, int], epoch: int = 0) -> dict[Any, int]:
        """Return the number requested of each class, from the numbers in `counts`."""
        held = _held(counts)
        if not held:
            return dict(counts)
        powers = [count**self.power for count in held.values()]
        empty = dict.fromkeys(counts, 0)
        if self.sampling == "both":
            n = sum(held.values())
            wanted = _apportioned([n * power / sum(powers) for power in powers], n, held.values())
            return empty | dict(zip(held, wanted, strict=True))
        size, power = (
            (max(held.values()), max(powers))
            if self.sampling == "over"
            else (min(held.values()), min(powers))
        )
        return empty | {
            label: _rounded(label, round(size * own / power, 9), self)
            for label, own in zip(held, powers, strict=True)
        }


@dataclass(frozen=True)
class repeat_factor(_OfCounts):  # noqa: N801
    """Repeat the images of rare classes as LVIS does: ``max(1, (t / share) ** power)`` times.

    The share of a class is its number of images, divided by that of all. With
    :class:`~imblearn_images.combine.RandomBalancer` the numbers are exact in every epoch and each
    image is used as often as any other of its class, or once more or less. detectron2, from which
    this rule comes, rounds at random for every image. So does
    :class:`~imblearn_images.over_sampling.LabelOverSampler`, where an image of several classes is
    repeated as often as its rarest class.

    Read more in the :ref:`User Guide <how-many-images>`.

    Parameters
    ----------
    t : float or "median"
        Share of a class below which its images are repeated, above 0 and at most 1, otherwise a
        ValueError. "median" is the median of the shares of all classes: images of the rarer half
        are repeated.
    power : float, default=0.5
        The power, above 0 and at most 1, otherwise a ValueError; 1 repeats until the share is `t`.
    by : {"images", "instances", "both"}, default="images"
        With several objects per image: whether the share of a class is counted in its images, in
        its objects, or as the geometric mean of these two shares.

    References
    ----------
    Gupta, Dollár, Girshick, "LVIS: A Dataset for Large Vocabulary Instance Segmentation",
    CVPR 2019. By both: Yaman, Mahmud, Liu, "Instance-Aware Repeat Factor Sampling for
    Long-Tailed Object Detection", arXiv:2305.08069, 2023.

    Examples
    --------
    >>> repeat_factor(0.16)(["cat"] * 90 + ["dog"] * 9 + ["owl"])
    {'cat': 90, 'dog': 12, 'owl': 4}
    >>> repeat_factor(0.5).repeats(np.array([[9, 0], [5, 1], [3, 0], [2, 0]])).tolist()
    [1.0, 1.4142135623730951, 1.0, 1.0]
    """

    t: float | str
    power: float = 0.5
    by: str = "images"

    def __post_init__(self) -> None:
        for name in ("t", "power"):
            value = getattr(self, name)
            if name == "t" and isinstance(value, str) and value == "median":
                continue
            is_number = isinstance(value, Real) and not isinstance(value, bool)
            if not is_number or not 0 < value <= 1:
                or_median = ', or "median"' if name == "t" else ""
                raise ValueError(
                    f"`{name}` must be a number above 0, at most 1{or_median}, got {_brief(value)}."
                )
        if self.by not in ("images", "instances", "both"):
            raise ValueError(f'`by` must be "images", "instances" or "both", got {self.by!r}.')

    def of_counts(self, counts: Mapping[Any, int], epoch: int = 0) -> dict[Any, int]:
        """Return the number requested of each class, from the numbers in `counts`."""
        held = _held(counts)
        n = sum(held.values())
        t = self._threshold([count / n for count in held.values()])
        return dict.fromkeys(counts, 0) | {
            label: _rounded(label, round(count * self._factor(count / n, t), 9), self)
            for label, count in held.items()
        }

    def _threshold(self, shares: Sequence[float]) -> float:
        """Return the share below which images are repeated."""
        return float(np.median(shares or [1.0])) if isinstance(self.t, str) else float(self.t)

    def _factor(self, share: float, t: float) -> float:
        """Return how often an image of a class with this share is used."""
        return max(1.0, (t / share) ** self.power)

    def repeats(self, counts: Any) -> Any:
        """Return how often each image is used, from the numbers of its objects.

        Parameters
        ----------
        counts : ndarray of shape (n, n_classes)
            Number of objects of each class in each image; 0 and 1 for labels.

        Returns
        -------
        repeats : ndarray of shape (n,), float
            At least 1.
        """
        counts = np.asarray(counts)
        has = counts > 0
        shares = {
            "images": has.mean(axis=0),
            "instances": counts.sum(axis=0) / max(1, counts.sum()),
        }
        shares["both"] = np.sqrt(shares["images"] * shares["instances"])
        own = shares[self.by].tolist()
        t = self._threshold([share for share in own if share])
        factors = [self._factor(share, t) if share else 1.0 for share in own]
        return np.where(has, factors, 1.0).max(axis=1, initial=1.0)


class _Schedule(_OfCounts):
    """Strategy whose numbers change from epoch to epoch."""

    first: Callable[[Any], Mapping[Any, int]]
    last: Callable[[Any], Mapping[Any, int]]

    def __call__(self, y: Any, epoch: int = 0) -> dict[Any, int]:
        """Return the number requested of each class in an epoch, `y` of shape (n,)."""
        return self.of_counts(count_labels(y), epoch)

    def _check_parts(self) -> None:
        """Raise if `first` or `last` is a schedule itself, or not a strategy."""
        for name in ("first", "last"):
            part = getattr(self, name)
            if not callable(part) or takes_epoch(part):
                raise ValueError(
                    f"`{name}` must be a strategy that is the same in every epoch, e.g. evenly(), "
                    f"got {part!r}."
                )


@dataclass(frozen=True)
class progressive(_Schedule):  # noqa: N801
    """Move from one strategy to another, a little in every epoch.

    Progressively balanced sampling: epoch 0 has the numbers of `first`, epoch ``epochs - 1`` and
    all later ones those of `last`; in between, they are
    ``first + (last - first) * epoch / (epochs - 1)``.

    Read more in the :ref:`User Guide <how-many-images>`.

    Parameters
    ----------
    epochs : int
        Number of epochs of the training, at least 2; otherwise a ValueError.
    first, last : callable, default=root(1), evenly()
        Strategies ``y -> {class: number}``; by default the classes are as they are at first and
        equally large at last, with the same number of images in every epoch. Classes that a
        strategy does not name stay as they are.

    References
    ----------
    Kang et al., "Decoupling Representation and Classifier for Long-Tailed Recognition",
    ICLR 2020.

    Examples
    --------
    >>> schedule = progressive(epochs=5)
    >>> for epoch in range(6):
    ...     print(schedule(["cat"] * 80 + ["dog"] * 20, epoch))
    {'cat': 80, 'dog': 20}
    {'cat': 73, 'dog': 27}
    {'cat': 65, 'dog': 35}
    {'cat': 58, 'dog': 42}
    {'cat': 50, 'dog': 50}
    {'cat': 50, 'dog': 50}
    """

    epochs: int
    first: Callable[[Any], Mapping[Any, int]] = root(1)
    last: Callable[[Any], Mapping[Any, int]] = evenly()

    def __post_init__(self) -> None:
        _check_number("epochs", self.epochs, 2, "a number of epochs, an integer >= 2")
        if int(self.epochs) != self.epochs:
            raise ValueError(
                f"`epochs` must be a number of epochs, an integer >= 2, got {self.epochs!r}."
            )
        self._check_parts()

    def of_counts(self, counts: Mapping[Any, int], epoch: int = 0) -> dict[Any, int]:
        """Return the number requested of each class in an epoch."""
        first, last = (_requested(part, counts) for part in (self.first, self.last))
        at = min(1.0, epoch / (int(self.epochs) - 1))
        quotas = [first[label] + (last[label] - first[label]) * at for label in counts]
        wanted = _apportioned(quotas, math.floor(round(sum(quotas), 6) + 0.5), counts.values())
        return dict(zip(counts, wanted, strict=True))


@dataclass(frozen=True)
class deferred(_Schedule):  # noqa: N801
    """Change from one strategy to another in epoch `at`: deferred re-sampling.

    Read more in the :ref:`User Guide <how-many-images>`.

    Parameters
    ----------
    at : int
        The first epoch of `last`, counted from 0, otherwise a ValueError; 80 is usual for 100
        epochs.
    first, last : callable, default=root(1), evenly()
        Strategies ``y -> {class: number}``; by default the classes are as they are at first and
        equally large at last, with the same number of images in every epoch.

    References
    ----------
    Cao et al., "Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss",
    NeurIPS 2019.

    Examples
    --------
    >>> schedule = deferred(80)
    >>> y = ["cat"] * 80 + ["dog"] * 20
    >>> schedule(y, 79), schedule(y, 80)
    ({'cat': 80, 'dog': 20}, {'cat': 50, 'dog': 50})
    """

    at: int
    first: Callable[[Any], Mapping[Any, int]] = root(1)
    last: Callable[[Any], Mapping[Any, int]] = evenly()

    def __post_init__(self) -> None:
        _check_number("at", self.at, 0, "the number of an epoch, an integer >= 0")
        if int(self.at) != self.at:
            raise ValueError(
                f"`at` must be the number of an epoch, an integer >= 0, got {self.at!r}."
            )
        self._check_parts()

    def of_counts(self, counts: Mapping[Any, int], epoch: int = 0) -> dict[Any, int]:
        """Return the number requested of each class in an epoch."""
        return _requested(self.first if epoch < self.at else self.last, counts)


def takes_epoch(strategy: Any) -> bool:
    """Return whether a strategy is a schedule: a callable with a parameter `epoch`."""
    if isinstance(strategy, _OfCounts):
        return isinstance(strategy, _Schedule)
    try:
        return "epoch" in inspect.signature(strategy).parameters
    except (TypeError, ValueError):  # some callables written in C have no signature
        return False


def _requested(
    strategy: Any, counts: Mapping[Any, int], epoch: int = 0, y: Any = None
) -> dict[Any, int]:
    """Return whole numbers for all classes: those that `strategy` requests, others unchanged."""
    if isinstance(strategy, Mapping):
        requested = strategy
    elif isinstance(strategy, _OfCounts):
        requested = strategy.of_counts(counts, epoch)
    else:
        # Functions of others get labels. Without `y` they are made from the counts, in any order.
        labels = np.repeat(np.asarray(list(counts)), list(counts.values())) if y is None else y
        requested = strategy(labels, epoch=epoch) if takes_epoch(strategy) else strategy(labels)
        if not isinstance(requested, Mapping):
            raise ValueError(
                "`sampling_strategy` must be a function that returns a dict {class: number}, got "
                f"{strategy!r}, which returns {_brief(requested)}."
            )
    requested = as_counts(requested)
    for label, n in requested.items():
        if label not in counts:
            raise ValueError(f"Class {told(label)!r} is not in the data, which has {list(counts)}.")
        if not 0 <= n <= MOST:
            raise ValueError(
                f"`sampling_strategy` must request from 0 to {MOST} images of a class, got "
                f"{_brief(n)} for class {told(label)!r}."
            )
    return dict(counts) | {label: int(n) for label, n in requested.items()}


class EpochNumbers:
    """Numbers that a strategy requests of every class, epoch by epoch.

    Parameters
    ----------
    strategy : "balanced", dict or callable
        As `sampling_strategy` of :class:`~imblearn_images.combine.RandomBalancer`.
    counts : dict of class to int
        Number of images of each class in the data.
    y : array-like of shape (n,), default=None
        Labels, for a function that looks at them; by default made from `counts`.

    Raises
    ------
    ValueError
        For a strategy of another kind.
    """

    def __init__(self, strategy: Any, counts: Mapping[Any, int], y: Any = None) -> None:
        if isinstance(strategy, str) and strategy == "balanced":
            strategy = evenly()
        if not isinstance(strategy, Mapping) and not callable(strategy):
            raise ValueError(
                '`sampling_strategy` must be "balanced", a dict {class: number} or a function that '
                f"returns one, got {strategy!r}. See imblearn_images.strategies."
            )
        self.strategy, self.counts = strategy, dict(counts)
        self.y = None if isinstance(strategy, (Mapping, _OfCounts)) else y  # hold no unused labels
        self._sums = [np.zeros(len(self.counts), dtype=np.int64)]  # at k: of all epochs before k
        self._numbers: dict[int, NDArray[np.int64]] = {}  # of the epoch requested last

    def of(self, epoch: int) -> NDArray[np.int64]:
        """Return the number of images of each class in an epoch, shape (K,)."""
        epoch = epoch if takes_epoch(self.strategy) else 0
        if epoch not in self._numbers:
            wanted = _requested(self.strategy, self.counts, epoch, self.y)
            if not any(wanted.values()):
                raise ValueError(
                    f"`sampling_strategy` must request an image, got {wanted!r} in epoch {epoch}."
                )
            self._numbers = {epoch: np.array(list(wanted.values()), dtype=np.int64)}
        return self._numbers[epoch]

    def before(self, epoch: int) -> NDArray[np.int64]:
        """Return the number of images of each class in all epochs before `epoch`, shape (K,)."""
        if not takes_epoch(self.strategy):
            return self.of(0) * epoch
        while len(self._sums) <= epoch:
            self._sums.append(self._sums[-1] + self.of(len(self._sums) - 1))
        return self._sums[epoch]


@dataclass(frozen=True)
class by_hierarchy:  # noqa: N801
    """Balance along a tree of labels: the branches of every node get equally many images.

    Labels are paths, such as ``"defect/scratch"``. With "good" and two defects, three equal
    classes would make two thirds of the images defects; here good and defect are equal, and
    the defects share their half. No class is cut for it or, with ``sampling="under"``, raised.

    Read more in the :ref:`User Guide <how-many-images>`.

    Parameters
    ----------
    separator : str, default="/"
        Text between the parts of a label; anything else is a ValueError.
    sampling : {"over", "under"}, default="over"
        The kind of sampler it is for.

    See Also
    --------
    imblearn_images.decision.CascadeClassifier : Takes it as `hierarchy`.
    imblearn_images.datasets.load_image_folder : Reads such labels from nested folders, by `levels`.

    Notes
    -----
    An image that is labelled at an inner node, "defect", counts as a branch of that node.

    Examples
    --------
    >>> y = ["good"] * 90 + ["defect/scratch"] * 20 + ["defect/dent"] * 10
    >>> by_hierarchy()(y)
    {'defect/dent': 45, 'defect/scratch': 45, 'good': 90}
    >>> by_hierarchy(sampling="under")(y)
    {'defect/dent': 10, 'defect/scratch': 10, 'good': 20}
    >>> by_hierarchy().tree(y)
    {'defect': {'defect/dent': 'defect/dent', 'defect/scratch': 'defect/scratch'}, 'good': 'good'}
    """

    separator: str = "/"
    sampling: str = "over"

    def __post_init__(self) -> None:
        if not isinstance(self.separator, str) or not self.separator:
            raise ValueError(
                f"`separator` must be the text between parts of a label, got {self.separator!r}."
            )
        if self.sampling not in ("over", "under"):
            raise ValueError(f'`sampling` must be "over" or "under", got {self.sampling!r}.')

    def __call__(self, y: Any) -> dict[Any, int]:
        """Return the number requested of each class of `y`, array-like of shape (n,)."""
        counts = count_labels(y)
        shares = self._shares(self.tree(y), 1)
        totals = [counts[label] * parts for label, parts in shares.items()]
        if self.sampling == "over":
            return {label: -(-max(totals) // shares[label]) for label in counts}
        return {label: max(1, min(totals) // shares[label]) for label in counts}

    def tree(self, y: Any) -> dict[str, Any]:
        """Return the labels of `y`, array-like of shape (n,), as nested dicts.

        Keys are full names of nodes, such as "defect/scratch"; values are nodes or, at the leaves,
        labels. Labels that are not text, or have an empty part, are a ValueError.
        """
        root: dict[str, Any] = {}
        for label in count_labels(y):
            parts = label.split(self.separator) if isinstance(label, str) else [""]
            if not all(parts):
                raise ValueError(
                    f"Labels must be text with {self.separator!r} between their parts, such as "
                    f"'defect{self.separator}scratch', got {label!r}."
                )
            node = root
            for depth in range(1, len(parts)):
                name = self.separator.join(parts[:depth])
                above = node.setdefault(name, {})
                if not isinstance(above, dict):  # the node is a label itself: a branch of its own
                    above = node[name] = {name: above}
                node = above
            if isinstance(node.get(label), dict):
                node = node[label]
            node[label] = label
        return root

    def _shares(self, node: dict[str, Any], parts: int) -> dict[str, int]:
        """Return the number of parts into which the whole is divided for each label."""
        found: dict[str, int] = {}
        for below in node.values():
            inside = parts * len(node)
            found |= self._shares(below, inside) if isinstance(below, dict) else {below: inside}
        return found


NAMED = ("auto", "all", "minority", "majority", "not minority", "not majority")
"""Strings that imbalanced-learn takes as sampling_strategy."""

_NUMBER = r"\s*([0-9.eE+-]+)"


def parse_strategy(text: str, *, sampling: str = "over") -> Any:
    """Read a sampling strategy from text, as the command line takes it.

    Read more in the :ref:`User Guide <how-many-images>`.

    Parameters
    ----------
    text : str
        A string of imbalanced-learn ("auto", "not majority", ...), a float for two classes
        ("0.5"), "at least 200", "at most 200", "at most ratio 3", "multiply 1.5",
        "by hierarchy" for labels such as "defect/scratch" ("by hierarchy --" for
        "defect--scratch"), or a JSON object with numbers per class ('{"Lime": 200}').
    sampling : {"over", "under"}, default="over"
        The kind of sampler that `at_most_ratio` and `by_hierarchy` are for.

    Returns
    -------
    sampling_strategy : str, float, dict or callable

    Raises
    ------
    ValueError
        If `text` is none of these; the message lists them.

    Examples
    --------
    >>> parse_strategy("at least 200")
    at_least(n=200)
    >>> parse_strategy("at most ratio 3", sampling="under")
    at_most_ratio(ratio=3.0, sampling='under')
    >>> parse_strategy('{"Lime": 200}')
    {'Lime': 200}
    """
    text = text.strip()
    # Names of classes, and a separator, stay as they are.
    words = text if text.startswith("{") else " ".join(text.split()).casefold()
    if words in NAMED:
        return words
    if match := re.fullmatch(r"by\s+hierarchy(?:\s+(\S+))?", text, re.IGNORECASE):
        return by_hierarchy(match[1] or "/", sampling)
    try:
        if match := re.fullmatch("at most ratio" + _NUMBER, words):
            return at_most_ratio(float(match[1]), sampling)
        if match := re.fullmatch("at least" + _NUMBER, words):
            return at_least(_count(match[1]))
        if match := re.fullmatch("at most" + _NUMBER, words):
            return at_most(_count(match[1]))
        if match := re.fullmatch("multiply" + _NUMBER, words):
            return multiply(float(match[1]))
        if words.startswith("{"):
            return _numbers(json.loads(words, object_pairs_hook=_distinct))
        try:
            share = float(words)
        except ValueError:
            raise ValueError("it is not a known strategy") from None
        if not 0 < share <= 1:
            raise ValueError("a float for two classes lies above 0 and is at most 1")
        return share
    except (ValueError, RecursionError) as error:
        why = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise ValueError(f"Strategy {_quoted(text)}: {why.rstrip('.')}. {_KNOWN}") from error


def _count(text: str) -> int:
    """Return a whole number from text."""
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{_quoted(text)} is not a whole number of images") from None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a dict; raise for a class named twice, of which JSON would keep the last number."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(label for label, n in Counter(label for label, _ in pairs).items() if n > 1)
        raise ValueError(f"class {twice!r} has two numbers")
    return found


def _numbers(wanted: dict[str, Any]) -> dict[str, int]:
    """Return the numbers of a JSON object as int; raise for any that is not one of images."""
    for label, n in wanted.items():
        is_number = isinstance(n, (int, float)) and not isinstance(n, bool)
        if not is_number or not 0 <= n <= MOST or n != int(n):
            raise ValueError(
                f"class {label!r} has {_quoted(_brief(n))[1:-1]}, the numbers must be whole, from "
                f"0 to {MOST}"
            )
    return {label: int(n) for label, n in wanted.items()}


def _quoted(text: str) -> str:
    """Return text in quotes, at most 80 characters of it."""
    return repr(text if len(text) <= 80 else f"{text[:77]}...")


_KNOWN = (
    f'Known are {", ".join(NAMED)}, a float for two classes, "at least N", "at most N", '
    '"at most ratio R", "multiply F", "by hierarchy SEPARATOR", and {"class": N} as JSON.'
)


def _largest_first(y: Any) -> tuple[list[Any], list[int]]:
    """Return the labels of `y` and their numbers, the largest class first."""
    counts = sorted(count_labels(y).items(), key=lambda item: -item[1])  # ties stay in order
    return [label for label, _ in counts], [count for _, count in counts]


def _whole(number: float) -> int:
    """Return a number rounded down, at least 1."""
    # Round first: 1000 / 1000 ** (2 / 3) must not lose an image to the last bit.
    return max(1, int(round(number, 6)))


def _check_ratio(ratio: float) -> None:
    """Raise unless `ratio` is finite and above 1."""
    what = "a number above 1, largest class / smallest class"
    _check_number("ratio", ratio, math.nextafter(1, 2), what)


@dataclass(frozen=True)
class LongTail:
    """Exponential long tail of class sizes, as in CIFAR-LT.

    Like `Step` and `Staircase`, it is a callable ``y -> {class: number to keep}``, for
    `make_imbalance` and as ``sampling_strategy`` of every under-sampler that takes a dict.
    In all three the classes are in order of size (largest first, ties by label), numbers
    are rounded down to at least 1, and no class keeps more than it has.
    Here the k-th of C classes, k = 0 ... C - 1, keeps ``n_max * ratio ** (-k / (C - 1))``.

    Read more in the :ref:`User Guide <long-tails>`.

    Parameters
    ----------
    ratio : float
        Largest class / smallest class, finite and above 1; otherwise a ValueError.

    References
    ----------
    Cui et al., "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019.

    Examples
    --------
    >>> LongTail(100)(["cat"] * 200 + ["dog"] * 200 + ["owl"] * 50)
    {'cat': 200, 'dog': 20, 'owl': 2}
    """

    ratio: float

    def __post_init__(self) -> None:
        _check_ratio(self.ratio)

    def __call__(self, y: Any) -> dict[Any, int]:
        """Return the number to keep of each class in `y`, array-like of shape (n,)."""
        labels, counts = _largest_first(y)
        last = max(len(labels) - 1, 1)
        tail = [_whole(counts[0] / self.ratio ** (k / last)) for k in range(len(labels))]
        return dict(zip(labels, map(min, counts, tail), strict=True))


@dataclass(frozen=True)
class Step:
    """Step imbalance: some classes stay whole, the others are cut to ``n_max / ratio``.

    Read more in the :ref:`User Guide <long-tails>`.

    Parameters
    ----------
    ratio : float
        Largest class / each minority class, finite and above 1; otherwise a ValueError.
    minority : float, default=0.5
        Fraction of the classes that is cut, the smallest ones first, between 0 and 1; otherwise
        a ValueError. The number of classes is rounded down, but it is at least one and never all.

    References
    ----------
    Buda, Maki, Mazurowski, "A systematic study of the class imbalance problem in
    convolutional neural networks", Neural Networks 106, 2018.

    Examples
    --------
    >>> Step(10)(["cat"] * 200 + ["dog"] * 200 + ["owl"] * 50 + ["yak"] * 9)
    {'cat': 200, 'dog': 200, 'owl': 20, 'yak': 9}
    """

    ratio: float
    minority: float = 0.5

    def __post_init__(self) -> None:
        _check_ratio(self.ratio)
        what = "a fraction between 0 and 1"
        _check_number("minority", self.minority, math.nextafter(0, 1), what)
        if self.minority >= 1:
            raise ValueError(f"`minority` must be {what}, got {_brief(self.minority)}.")

    def __call__(self, y: Any) -> dict[Any, int]:
        """Return the number to keep of each class in `y`, array-like of shape (n,)."""
        labels, counts = _largest_first(y)
        whole = max(1, len(labels) - _whole(self.minority * len(labels)))
        small = _whole(counts[0] / self.ratio)
        kept = counts[:whole] + [min(n, small) for n in counts[whole:]]
        return dict(zip(labels, kept, strict=True))


@dataclass(frozen=True)
class Staircase:
    """Staircase of class sizes: the k-th class keeps at most ``n_max - k * step``, k = 0, 1, ...

    Made for studies over many classes of nearly equal size, such as Stanford Dogs.

    Read more in the :ref:`User Guide <long-tails>`.

    Parameters
    ----------
    step : int
        Height of a stair in images, at least 1; otherwise a ValueError. If a class would keep no
        image, the call raises a ValueError that names the class and the largest possible step.

    Examples
    --------
    >>> Staircase(25)(["beagle"] * 90 + ["collie"] * 80 + ["poodle"] * 30)
    {'beagle': 90, 'collie': 65, 'poodle': 30}
    """

    step: int

    def __post_init__(self) -> None:
        is_whole = isinstance(self.step, (int, np.integer)) and not isinstance(self.step, bool)
        if not is_whole or self.step < 1:
            raise ValueError(
                f"`step` must be a number of images, an integer >= 1, got {_brief(self.step)}."
            )

    def __call__(self, y: Any) -> dict[Any, int]:
        """Return the number to keep of each class in `y`, array-like of shape (n,)."""
        labels, counts = _largest_first(y)
        stairs = [counts[0] - k * int(self.step) for k in range(len(labels))]
        for k, (label, stair) in enumerate(zip(labels, stairs, strict=True)):
            if stair < 1:
                most = (counts[0] - 1) // (len(labels) - 1)
                raise ValueError(
                    f"`step` must leave each of {len(labels)} classes an image, got {self.step}: "
                    f"class {label!r}, number {k} by size counted from 0, would keep {counts[0]} - "
                    f"{k} * {self.step} = {stair} images. "
                    + (f"The largest step that does is {most}." if most else "No step does.")
                )
        return dict(zip(labels, map(min, counts, stairs), strict=True))
