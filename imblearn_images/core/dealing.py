"""Dealing: which images of a class come next, and in which order classes take turns.

A class is a deck of cards. It is shuffled and dealt card by card; when it is used up, it is
shuffled again, and so on without end. A call for `number` images takes that many cards from where
the last call stopped, so that no card is dealt twice before all were dealt once, also across
epochs. Nothing has to be stored: card 1,234,567 of this stream is a function of the seed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Decks", "deal", "smallest_codes", "spread_classes", "taking_turns"]

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
