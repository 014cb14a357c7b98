"""RandomBalancer: over- and under-sampling in one step, dealt evenly over the epochs.

A class is a deck of cards. It is shuffled and dealt card by card; when it is used up, it is
shuffled again, and so on without end. A call for `number` images takes that many cards from where
the last call stopped, so that no card is dealt twice before all were dealt once, also across
epochs. Nothing has to be stored: card 1,234,567 of this stream is a function of the seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Integral
from typing import Any, Literal

import numpy as np
from imblearn.base import BaseSampler
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from imblearn_images._docstrings import substitute
from imblearn_images._sampler import SelectingSamplerMixin
from imblearn_images.core.columns import plain_list, unwrap_labels
from imblearn_images.strategies import EpochNumbers

__all__ = ["Decks", "RandomBalancer", "deal", "smallest_codes", "spread_classes", "taking_turns"]

BOX = 1024
"""Small decks are shuffled together, up to so many cards: to make a generator of random numbers
takes as long as to shuffle a thousand cards."""


def deal(n: int, first: int, number: int, seed: tuple[int, ...]) -> NDArray[np.intp]:
    """Return cards `first`, `first` + 1, ... of the endless stream of shuffled decks of `n` cards.

    Parameters
    ----------
    n : int
        Cards of a deck, numbered from 0.
    first : int
        Cards that have been dealt before.
    number : int
        Cards to deal.
    seed : tuple of int
        What the shuffling depends on, each at least 0.

    Returns
    -------
    cards : ndarray of shape (number,), dtype intp

    Examples
    --------
    >>> stream = deal(3, 0, 9, (0,))
    >>> [sorted(stream[at : at + 3].tolist()) for at in (0, 3, 6)]
    [[0, 1, 2], [0, 1, 2], [0, 1, 2]]
    >>> bool((deal(3, 4, 5, (0,)) == stream[4:]).all())
    True
    """
    if not number:
        return np.empty(0, dtype=np.intp)
    decks = max(1, BOX // n)
    size = decks * n
    boxes = []
    for box in range(first // size, (first + number - 1) // size + 1):
        # Seeded by its number, a box can be shuffled without those before it.
        rng = np.random.default_rng([*seed, box])
        if decks == 1:
            boxes.append(rng.permutation(n))
        else:
            boxes.append(rng.permuted(np.tile(np.arange(n), (decks, 1)), axis=1).ravel())
    at = first % size
    cards = boxes[0] if len(boxes) == 1 else np.concatenate(boxes)
    return cards[at : at + number].astype(np.intp, copy=False)


class Decks:
    """The rows of each class as a deck of cards.

    Parameters
    ----------
    codes : ndarray of shape (n,), dtype int
        Class of each row, from 0.
    sizes : ndarray of shape (K,), dtype int
        Rows of each class, at least one.
    seed : int
        What the shuffling depends on, at least 0.

    Examples
    --------
    >>> decks = Decks(np.array([0, 1, 0, 0]), np.array([3, 1]), seed=0)
    >>> rows = decks.deal(np.array([0, 0]), np.array([3, 2]))
    >>> sorted(rows[:3].tolist()), rows[3:].tolist()
    ([0, 2, 3], [1, 1])
    """

    def __init__(self, codes: NDArray[np.integer], sizes: NDArray[np.integer], seed: int) -> None:
        rows = np.argsort(codes.astype(smallest_codes(len(sizes)), copy=False), kind="stable")
        # held through a whole training, possibly twenty million of them: 32 bits where they fit
        self.rows = rows.astype(np.int32) if len(rows) <= np.iinfo(np.int32).max else rows
        self.sizes = np.asarray(sizes, dtype=np.int64)
        self.seed = seed

    def deal(
        self, before: NDArray[np.integer], numbers: NDArray[np.integer]
    ) -> NDArray[np.integer]:
        """Deal a number of rows of every class.

        Parameters
        ----------
        before : ndarray of shape (K,)
            Rows of each class that have been dealt before.
        numbers : ndarray of shape (K,)
            Rows to deal of each class.

        Returns
        -------
        rows : ndarray of shape (sum of `numbers`,), dtype int
            Those of class 0 first, in the order in which they are dealt.
        """
        ends = np.cumsum(numbers)
        out = np.empty(int(ends[-1]), dtype=self.rows.dtype)
        starts = np.cumsum(self.sizes) - self.sizes
        for at in np.flatnonzero(numbers).tolist():
            n, number = int(self.sizes[at]), int(numbers[at])
            cards = deal(n, int(before[at]), number, (self.seed, at))
            cards += starts[at]
            out[ends[at] - number : ends[at]] = self.rows[cards]
        return out


def taking_turns(turns: NDArray[np.integer], by_class: NDArray[np.integer]) -> NDArray[np.integer]:
    """Put rows that are sorted by class into the order in which classes take turns.

    Parameters
    ----------
    turns : ndarray of shape (n,)
        Class of every row of the result, from 0.
    by_class : ndarray of shape (n,)
        Rows of class 0, then those of class 1 and so on: of each as many as it has turns.

    Returns
    -------
    rows : ndarray of shape (n,)
        The rows of one class keep their order.

    Examples
    --------
    >>> taking_turns(np.array([1, 0, 1]), np.array([7, 30, 31])).tolist()
    [30, 7, 31]
    """
    rows = np.empty_like(by_class)
    rows[np.argsort(turns, kind="stable")] = by_class
    return rows


def smallest_codes(n_classes: int) -> type[np.integer]:
    """Return the type for class numbers: NumPy sorts 16-bit integers in linear time (radix)."""
    return np.int16 if n_classes <= np.iinfo(np.int16).max else np.int32


def spread_classes(
    numbers: NDArray[np.integer], block: int, rng: np.random.Generator
) -> NDArray[np.integer]:
    """Return an order of classes in which every block of rows holds its share of each.

    Parameters
    ----------
    numbers : ndarray of shape (K,)
        Rows of each class.
    block : int
        Rows of a block; the last one may be shorter.
    rng : Generator
        Shuffles within blocks, and chooses the block that comes first.

    Returns
    -------
    turns : ndarray of shape (n,)
        Class of every row: in each block every class has its share, ``block * numbers / n``, to
        within less than 2 rows.

    Notes
    -----
    After every block each class has had its share of all rows so far to within less than one. Such
    an order always exists: rows of a class have release times and deadlines, and serving the
    earliest deadline first meets all of them, as in fair scheduling. Without the shuffle within
    blocks, one rank of eight that takes every eighth row might see a single class.

    References
    ----------
    Baruah, Cohen, Plaxton, Varvel, "Proportionate Progress: A Notion of Fairness in Resource
    Allocation", Algorithmica 15, 1996.

    Examples
    --------
    >>> turns = spread_classes(np.array([90, 9, 1]), 20, np.random.default_rng(0))
    >>> for at in range(0, 100, 20):
    ...     print(np.bincount(turns[at : at + 20], minlength=3).tolist())
    [18, 2, 0]
    [18, 2, 0]
    [18, 2, 0]
    [18, 2, 0]
    [18, 1, 1]
    """
    numbers = np.asarray(numbers, dtype=np.int64)
    n, classes = int(numbers.sum()), len(numbers)
    turns = np.empty(n, dtype=smallest_codes(classes))
    codes = np.arange(classes, dtype=turns.dtype)
    # Classes of one size have the same deadlines; a random order among these keeps one of them
    # from always being first.
    tie = rng.permutation(classes) / (classes * 2.0)
    period = n / np.maximum(numbers, 1)
    done = np.zeros(classes, dtype=np.int64)
    for start in range(0, n, block):
        stop = min(start + block, n)
        share = stop * numbers  # whole numbers: n times what each class should have had by now
        now = np.maximum(share // n - done, 0)
        spare = stop - start - int(now.sum())
        if spare:
            # classes whose share is not a whole number: each may have one row more, not two
            late = np.flatnonzero(-(-share // n) - done > now)
            due = period[late] * (done[late] + now[late] + 1)
            now[late[np.lexsort((tie[late], due))[:spare]]] += 1
        turns[start:stop] = np.repeat(codes, now)
        done += now
    whole = n // block * block
    if whole:
        blocks = rng.permuted(turns[:whole].reshape(-1, block), axis=1)
        turns[:whole] = np.roll(blocks, int(rng.integers(len(blocks))), axis=0).ravel()
    rng.shuffle(turns[whole:])
    return turns


@substitute
class RandomBalancer(SelectingSamplerMixin, BaseSampler):
    """Repeat images of rare classes and leave out some of frequent ones, in one step.

    By default the classes become equally large and the set keeps its size, so that an epoch of
    training takes as long as before.

    Images are *dealt*. Each class is a deck of cards: it is shuffled, dealt card by card, and
    shuffled again when it is used up; the next epoch continues where the last one stopped. So no
    image is used twice before every image of its class was used once, and after any number of
    epochs two images of a class have been used equally often, or one of them once more. Drawing at
    random instead leaves many images of the largest class unseen for a long time.

    {guide=both-and-ensembles}

    Parameters
    ----------
    {sampling_strategy_both}
    {random_state}
    epoch : int, default=0
        Number of the epoch. With an int as `random_state`, epochs 0, 1, 2, ... together use the
        images of a class equally often.

    Attributes
    ----------
    {plan_}
    {sample_indices_}
    sampling_strategy_ : dict
        Class label to number of images afterwards.
    {n_features_in_}

    Raises
    ------
    ValueError
        For a class that is not in the data, or a number of images that is not possible.

    Notes
    -----
    The images are returned in the order of `X`, with copies side by side: shuffle them for
    training.

    See Also
    --------
    imblearn_images.torch.BalancedSampler : The same rows for a DataLoader, shuffled.

    Examples
    --------
    >>> import numpy as np
    >>> images, labels = np.arange(40).reshape(10, 2, 2), ["cat"] * 8 + ["dog"] * 2
    >>> balancer = RandomBalancer(random_state=0)
    >>> X_res, y_res = balancer.fit_resample(images, labels)
    >>> y_res
    ['cat', 'cat', 'cat', 'cat', 'cat', 'dog', 'dog', 'dog', 'dog', 'dog']

    Eight epochs use every cat five times and every dog twenty times:

    >>> used = np.zeros(10, dtype=int)
    >>> for epoch in range(8):
    ...     X_res, y_res = balancer.set_params(epoch=epoch).fit_resample(images, labels)
    ...     used += np.bincount(balancer.sample_indices_, minlength=10)
    >>> used.tolist()
    [5, 5, 5, 5, 5, 5, 5, 5, 20, 20]
    """

    _sampling_type = "bypass"  # imbalanced-learn's strategies either add images or drop some
    _parameter_constraints: dict[str, Any] = {
        "sampling_strategy": "no_validation",  # EpochNumbers checks it
        "random_state": ["random_state"],
        "epoch": [Integral],
    }

    def __init__(
        self,
        *,
        sampling_strategy: Literal["balanced"]
        | Mapping[Any, int]
        | Callable[..., Any] = "balanced",
        random_state: int | np.random.RandomState | None = None,
        epoch: int = 0,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.random_state = random_state
        self.epoch = epoch

    def fit(self, X: Any, y: Any, **params: Any) -> Any:
        """Check the inputs and compute ``sampling_strategy_``; see `fit_resample`."""
        super().fit(X, y, **params)
        self._requested(np.asarray(unwrap_labels(y)[0]).reshape(-1))
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.sampler_tags.sample_indices = True
        return tags

    def _requested(self, y: NDArray[Any]) -> tuple[NDArray[np.intp], EpochNumbers]:
        """Return the class number of each image and the numbers requested in each epoch.

        ``sampling_strategy_`` is set to those of `epoch`.
        """
        if self.epoch < 0:
            raise ValueError(f"`epoch` must be at least 0, got {self.epoch!r}. Count from 0.")
        labels, codes, sizes = np.unique(y, return_inverse=True, return_counts=True)
        counts = dict(zip(plain_list(labels), sizes.tolist(), strict=True))
        numbers = EpochNumbers(self.sampling_strategy, counts, y)
        wanted = numbers.of(self.epoch).tolist()
        self.sampling_strategy_ = dict(zip(counts, wanted, strict=True))
        return codes.reshape(-1), numbers

    def _select(self, seen: Any, y: NDArray[Any]) -> Any:
        codes, numbers = self._requested(np.asarray(y))
        if isinstance(self.random_state, Integral):
            seed = int(self.random_state)
        else:
            seed = int(check_random_state(self.random_state).randint(1 << 32, dtype=np.uint32))
        sizes = np.array(list(numbers.counts.values()))
        dealt = Decks(codes, sizes, seed).deal(numbers.before(self.epoch), numbers.of(self.epoch))
        # In the order of X, so that files and memmaps are read from front to back.
        self.sample_indices_ = np.repeat(np.arange(len(y)), np.bincount(dealt, minlength=len(y)))
        return seen[self.sample_indices_], y[self.sample_indices_]

    def _warn_of_lost_classes(self, y: NDArray[Any]) -> None:
        """Do not warn: a class without images was requested to have none."""
