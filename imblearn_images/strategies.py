"""Numbers per class as values: what to pass as ``sampling_strategy`` of any sampler."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from imblearn_images.core.targets import count_labels
from imblearn_images.profiles import LongTail, Staircase, Step

__all__ = [
    "LongTail",
    "Staircase",
    "Step",
    "add_fraction",
    "at_least",
    "at_most",
    "at_most_ratio",
    "multiply",
    "parse_strategy",
]


def _check_number(name: str, value: Any, least: float, what: str) -> None:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not least <= float(value) < math.inf:
        raise ValueError(f"{name}={value!r}: {what}")


def _check_count(name: str, value: Any) -> None:
    _check_number(name, value, 1, "a number of images, an integer >= 1")
    if int(value) != value:
        raise ValueError(f"{name}={value!r}: a number of images, an integer >= 1")


@dataclass(frozen=True)
class add_fraction:  # noqa: N801 - reads as a phrase: sampling_strategy=add_fraction({...})
    """Add a fraction of its own size to each class named: 0.5 is half as many again.

    Like the other phrases of this module a callable ``y -> {class: number}``, a value that
    can be compared, pickled and cloned. Numbers are rounded to nearest, halves up.

    Parameters
    ----------
    fractions : dict of class to float
        At least 0 each. Classes that are not named stay as they are. A ValueError, when
        called, for a class that `y` does not hold.

    Examples
    --------
    >>> add_fraction({"dog": 0.5})(["cat"] * 9 + ["dog"] * 5)
    {'dog': 8}
    """

    fractions: Mapping[Any, float]

    def __post_init__(self) -> None:
        if not isinstance(self.fractions, Mapping):
            raise TypeError(f"fractions={self.fractions!r}: it is a dict {{class: fraction}}")
        for label, fraction in self.fractions.items():
            _check_number(f"fractions[{label!r}]", fraction, 0, "a fraction to add, at least 0")

    def __call__(self, y: Any) -> dict[Any, int]:
        """Return the number wanted of each class, `y` being array-like of shape (n,)."""
        counts = count_labels(y)
        unknown = [label for label in self.fractions if label not in counts]
        if unknown:
            raise ValueError(f"no class {unknown[0]!r} in the data: it has {list(counts)}")
        return {
            label: counts[label] + math.floor(fraction * counts[label] + 0.5)
            for label, fraction in self.fractions.items()
        }


@dataclass(frozen=True)
class at_least:  # noqa: N801
    """Bring every smaller class up to `n` images, for over-samplers.

    Parameters
    ----------
    n : int
        A ValueError unless an integer >= 1.

    Examples
    --------
    >>> at_least(8)(["cat"] * 9 + ["dog"] * 5)
    {'cat': 9, 'dog': 8}
    """

    n: int

    def __post_init__(self) -> None:
        _check_count("n", self.n)

    def __call__(self, y: Any) -> dict[Any, int]:
        """Return the number wanted of each class, `y` being array-like of shape (n,)."""
        return {label: max(count, int(self.n)) for label, count in count_labels(y).items()}


@dataclass(frozen=True)
class at_most:  # noqa: N801
    """Cut every larger class down to `n` images, for under-samplers.

    Parameters
    ----------
    n : int
        A ValueError unless an integer >= 1.

    Examples
    --------
    >>> at_most(6)(["cat"] * 9 + ["dog"] * 5)
    {'cat': 6, 'dog': 5}
    """

    n: int

    def __post_init__(self) -> None:
        _check_count("n", self.n)

    def __call__(self, y: Any) -> dict[Any, int]:
        """Return the number wanted of each class, `y` being array-like of shape (n,)."""
        return {label: min(count, int(self.n)) for label, count in count_labels(y).items()}


@dataclass(frozen=True)
class at_most_ratio:  # noqa: N801
    """Leave no class more than `ratio` times as large as another; for two classes or many.

    imbalanced-learn takes a float for two classes only. Over-samplers raise the small
    classes to ``n_max / ratio``, rounded up; under-samplers cut the large ones to
    ``n_min * ratio``, rounded down.

    Parameters
    ----------
    ratio : float
        Largest class / smallest class that is tolerated. A ValueError unless at least 1.
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
            raise ValueError(f'sampling={self.sampling!r}: it is "over" or "under"')

    def __call__(self, y: Any) -> dict[Any, int]:
        """Return the number wanted of each class, `y` being array-like of shape (n,)."""
        counts = count_labels(y)
        # round first: 90 / 3 and 10 * 1.1 must not miss a whole number by the last bit
        if self.sampling == "over":
            least = math.ceil(round(max(counts.values()) / self.ratio, 6))
            return {label: max(count, least) for label, count in counts.items()}
        most = math.floor(round(min(counts.values()) * self.ratio, 6))
        return {label: min(count, most) for label, count in counts.items()}


@dataclass(frozen=True)
class multiply:  # noqa: N801
    """Multiply the size of every class by `factor`: above 1 over-samplers, below under-samplers.

    Parameters
    ----------
    factor : float or dict of class to float
        A ValueError unless above 0. Rounded to nearest, halves up, to at least one image.
        In a dict, classes that are not named stay as they are.

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
        """Return the number wanted of each class, `y` being array-like of shape (n,)."""
        counts = count_labels(y)
        factors = (
            self.factor if isinstance(self.factor, Mapping) else dict.fromkeys(counts, self.factor)
        )
        unknown = [label for label in factors if label not in counts]
        if unknown:
            raise ValueError(f"no class {unknown[0]!r} in the data: it has {list(counts)}")
        return {
            label: max(1, math.floor(factor * counts[label] + 0.5))
            for label, factor in factors.items()
        }


NAMED = ("auto", "all", "minority", "majority", "not minority", "not majority")
"""The words that imbalanced-learn takes as sampling_strategy."""

_NUMBER = r"\s*([0-9.eE+-]+)"


def parse_strategy(text: str, *, sampling: str = "over") -> Any:
    """Read a sampling strategy from text, as the command line takes it.

    Parameters
    ----------
    text : str
        A word of imbalanced-learn ("auto", "not majority", ...), a float for two classes
        ("0.5"), "at least 200", "at most 200", "at most ratio 3", "multiply 1.5", or a
        JSON object with numbers per class ('{"Lime": 200}').
    sampling : {"over", "under"}, default="over"
        What `at_most_ratio` is to do.

    Returns
    -------
    sampling_strategy : str, float, dict or callable

    Raises
    ------
    ValueError
        If `text` is none of these; it says what is.

    Examples
    --------
    >>> parse_strategy("at least 200")
    at_least(n=200)
    >>> parse_strategy("at most ratio 3", sampling="under")
    at_most_ratio(ratio=3.0, sampling='under')
    >>> parse_strategy('{"Lime": 200}')
    {'Lime': 200}
    """
    words = " ".join(text.split())
    if words in NAMED:
        return words
    try:
        if match := re.fullmatch("at most ratio" + _NUMBER, words):
            return at_most_ratio(float(match[1]), sampling)
        if match := re.fullmatch("at least" + _NUMBER, words):
            return at_least(int(match[1]))
        if match := re.fullmatch("at most" + _NUMBER, words):
            return at_most(int(match[1]))
        if match := re.fullmatch("multiply" + _NUMBER, words):
            return multiply(float(match[1]))
        if words.startswith("{"):
            asked = json.loads(words)
            if all(isinstance(n, int) and not isinstance(n, bool) for n in asked.values()):
                return asked
        else:
            return float(words)
    except ValueError as error:
        raise ValueError(f"strategy {text!r}: {error}. {_KNOWN}") from error
    raise ValueError(f"strategy {text!r}: the numbers must be whole. {_KNOWN}")


_KNOWN = (
    f'Known are {", ".join(NAMED)}, a float for two classes, "at least N", "at most N", '
    '"at most ratio R", "multiply F", and {"class": N} as JSON.'
)
