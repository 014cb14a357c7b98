"""Samplers for a DataLoader: which rows an epoch has, in which order, for which rank."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from numbers import Integral
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imblearn_images._docstrings import substitute
from imblearn_images.combine._balancer import Decks, smallest_codes, spread_classes, taking_turns
from imblearn_images.core.columns import labels_of, plain_list
from imblearn_images.core.rules import rule_told
from imblearn_images.strategies import EpochNumbers
from imblearn_images.torch._bases import base, check_torch

__all__ = ["BalancedSampler", "PlanSampler"]

Sampler: Any = base("torch.utils.data", "Sampler")

ORDER = 1 << 62
"""Third part of the seeds of orders; it keeps them apart from those of decks, which are smaller."""

SLICE = 4096
"""Number of rows whose keys are made at a time; keys of millions of rows would take gigabytes."""

Keys = Callable[[NDArray[np.integer]], list[Any]]


class _EpochSampler(Sampler):
    """What both samplers share: epochs, ranks, and where to continue.

    The iterators have a ``state_dict``, the sampler has none: a StatefulDataLoader that finds one
    on a sampler no longer counts the rows itself.
    """

    def __init__(
        self,
        shuffle: bool,
        seed: int,
        spread: int | None,
        num_replicas: int,
        rank: int,
        drop_last: bool,
    ) -> None:
        check_torch(type(self).__name__)
        _check_whole("seed", seed, 0)
        _check_whole("num_replicas", num_replicas, 1)
        _check_whole("rank", rank, 0)
        if rank >= num_replicas:
            raise ValueError(
                f"`rank` must be less than `num_replicas`, got rank {rank} of {num_replicas}. "
                "Ranks count from 0."
            )
        if spread is not None:
            _check_whole("spread", spread, 1)
            if not shuffle:
                raise ValueError(
                    f"`spread` must be None if rows are not shuffled, got {spread!r}. Leave out "
                    "either spread or shuffle=False."
                )
        self.shuffle, self.seed, self.spread = bool(shuffle), int(seed), spread
        self.num_replicas, self.rank, self.drop_last = int(num_replicas), int(rank), drop_last
        self.epoch = 0
        self._start = 0

    def set_epoch(self, epoch: int, start: int | None = None) -> None:
        """Set the epoch of the next ``iter()``; the one after that is the next epoch.

        Parameters
        ----------
        epoch : int
            Number of the epoch, from 0.
        start : int, default=None
            Number of rows of this rank that were trained on before a crash: batches times batch
            size. By default 0, or the value passed for the same epoch before, because frameworks
            set the epoch once more.

        Raises
        ------
        ValueError
            If a number is negative.
        """
        _check_whole("epoch", epoch, 0)
        if start is not None:
            _check_whole("start", start, 0)
        elif epoch != self.epoch:
            start = 0
        self.epoch = int(epoch)
        self._start = self._start if start is None else int(start)

    def __len__(self) -> int:
        """Return the number of rows of this rank in the next epoch."""
        return self._n_of_rank(self._n_rows())

    def __iter__(self) -> Iterator[Any]:
        return _Rows(self, self.epoch, self._start)

    def begin(self, epoch: int) -> None:
        """Record that rows of an epoch are read, so that the next ``iter()`` is the next epoch.

        ``iter()`` itself does not count: some loaders call it twice before they read a row.
        """
        if self.epoch == epoch:
            self.epoch, self._start = epoch + 1, 0

    def rows_of_rank(self, epoch: int) -> tuple[NDArray[np.integer], Keys]:
        """Return the row numbers of this rank in an epoch, in order, and a function to keys."""
        order, make_keys = self._rows(epoch)
        return self._share(order), make_keys

    def _n_of_rank(self, n: int) -> int:
        """Return the number of rows of this rank, of `n` in all."""
        return n // self.num_replicas if self.drop_last else -(-n // self.num_replicas)

    def _n_rows(self) -> int:
        """Return the number of rows of all ranks in the next epoch."""
        raise NotImplementedError

    def _rows(self, epoch: int) -> tuple[NDArray[np.integer], Keys]:
        """Return the row numbers of an epoch, in order, and a function to their keys."""
        raise NotImplementedError

    def _random(self, epoch: int) -> np.random.Generator:
        """Return the generator for the order of an epoch."""
        return np.random.default_rng([self.seed, epoch, ORDER])

    def _share(self, order: NDArray[np.integer]) -> NDArray[np.integer]:
        """Return the rows of this rank: of W ranks every W-th row, or with `spread` every block."""
        ranks = self.num_replicas
        if ranks == 1:
            return order
        n = self._n_of_rank(len(order))
        order = np.resize(order, n * ranks)  # repeats the first rows, or drops the last
        if self.spread is None:
            return order[self.rank :: ranks]
        whole = n // self.spread * self.spread
        blocks = order[: whole * ranks].reshape(-1, ranks, self.spread)[:, self.rank]
        rest = order[whole * ranks :].reshape(ranks, n - whole)[self.rank]
        return np.concatenate([blocks.ravel(), rest])


class _Rows:
    """Iterator over the keys of one rank in one epoch, with a state that can be saved."""

    def __init__(self, sampler: _EpochSampler, epoch: int, start: int) -> None:
        self.sampler = sampler
        self._go(epoch, start)

    def _go(self, epoch: int, at: int) -> None:
        """Move to a row of an epoch."""
        self.epoch, self.at = epoch, at
        # The order is made with the first key, because a state may be loaded before that.
        self.order: NDArray[np.integer] | None = None
        self.keys: list[Any] = []
        self.key = 0

    def __iter__(self) -> _Rows:
        return self

    def __next__(self) -> Any:
        if self.key == len(self.keys):
            self._make_keys()
        key = self.keys[self.key]
        self.key += 1
        self.at += 1
        return key

    def _make_keys(self) -> None:
        """Make the keys of the next rows; raise StopIteration after the last."""
        if self.order is None:
            self.sampler.begin(self.epoch)
            self.order, self.make = self.sampler.rows_of_rank(self.epoch)
            if self.at > len(self.order):
                raise ValueError(
                    f"`start` must be at most the {len(self.order)} rows that rank "
                    f"{self.sampler.rank} of {self.sampler.num_replicas} has in epoch "
                    f"{self.epoch}, got {self.at}. Count the rows of this rank alone."
                )
        part = self.order[self.at : self.at + SLICE]
        if not len(part):
            raise StopIteration
        self.keys, self.key = self.make(part), 0

    def state_dict(self) -> dict[str, Any]:
        """Return the position of this iterator; torchdata's StatefulDataLoader saves it."""
        return {"epoch": self.epoch, "at": self.at, "order": self._settings()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where another iterator stopped; the next ``iter()`` is the epoch after it."""
        if not isinstance(state, Mapping) or not {"epoch", "at", "order"} <= state.keys():
            raise ValueError(
                f"`state` must be the result of state_dict() of such an iterator, got "
                f"{state!r:.100}. Without one, continue by sampler.set_epoch(epoch, start=rows)."
            )
        if dict(state["order"]) != self._settings():
            raise ValueError(
                f"The state was saved with {dict(state['order'])}, but the sampler has "
                f"{self._settings()} and would continue with other rows. Use the same settings."
            )
        self._go(int(state["epoch"]), int(state["at"]))
        self.sampler.set_epoch(self.epoch + 1, start=0)

    def _settings(self) -> dict[str, Any]:
        """Return the parameters on which the order of rows depends."""
        names = ("shuffle", "seed", "spread", "num_replicas", "drop_last")
        known = {name: getattr(self.sampler, name) for name in names}
        if hasattr(self.sampler, "sampling_strategy"):
            known["sampling_strategy"] = rule_told(self.sampler.sampling_strategy)
        return known


@substitute
class BalancedSampler(_EpochSampler):
    """Balanced rows of any data set, others in every epoch, with exact numbers per class.

    A replacement for :class:`torch.utils.data.WeightedRandomSampler`. It needs only the labels, and
    yields row numbers of the data set:
    ``DataLoader(folder, batch_size=64, sampler=BalancedSampler(folder.targets))``.

    - Every epoch has exactly the requested number of rows of each class.
    - Images are dealt like cards, as by :class:`~imblearn_images.combine.RandomBalancer`: none is
      used twice before all of its class have been used once, also across epochs.
    - An epoch is a function of `seed` and its number: ranks agree, and training that was
      interrupted continues where it stopped.

    {guide=training-loops}

    Parameters
    ----------
    labels : array-like of shape (n,)
        Class of every row of the data set, as text or numbers, such as torchvision's ``targets``.
    {sampling_strategy_both}
    {shuffle}
    {seed}
    {spread}
    {num_replicas}
    {rank}
    {drop_last}

    Attributes
    ----------
    {epoch}

    Raises
    ------
    ImportError
        If torch is not installed.
    ValueError
        If a label is missing, `sampling_strategy` names an unknown class, or `rank` is too large.

    Notes
    -----
    ``len()`` is the number of rows of the next epoch. Epochs have different lengths only with a
    schedule whose total changes.

    *Correct once.* With a balanced loader use neither class weights nor
    :class:`LogitAdjustedCrossEntropyLoss` with the counts of the data set, nor a
    :class:`~imblearn_images.decision.PriorCorrectedClassifier`: each of them corrects the same
    thing a second time.

    Examples
    --------
    >>> from torch.utils.data import DataLoader, TensorDataset
    >>> import torch
    >>> labels = torch.tensor([0] * 80 + [1] * 15 + [2] * 5)
    >>> data = TensorDataset(torch.arange(100), labels)
    >>> loader = DataLoader(data, batch_size=20, sampler=BalancedSampler(labels, spread=20))
    >>> for rows, targets in loader:
    ...     print(torch.bincount(targets).tolist())
    [6, 7, 7]
    [7, 7, 6]
    [7, 6, 7]
    [7, 7, 6]
    [7, 6, 7]

    That was epoch 0. After two more, every image of class 0 has been used once or twice:

    >>> used = torch.zeros(100, dtype=torch.long)
    >>> for epoch in range(3):
    ...     loader.sampler.set_epoch(epoch)
    ...     for rows, _ in loader:
    ...         used[rows] += 1
    >>> used[:80].unique().tolist()
    [1, 2]
    """

    def __init__(
        self,
        labels: ArrayLike,
        *,
        sampling_strategy: Literal["balanced"]
        | Mapping[Any, int]
        | Callable[..., Any] = "balanced",
        shuffle: bool = True,
        seed: int = 0,
        spread: int | None = None,
        num_replicas: int = 1,
        rank: int = 0,
        drop_last: bool = False,
    ) -> None:
        super().__init__(shuffle, seed, spread, num_replicas, rank, drop_last)
        y = _labels(labels)
        classes, codes, sizes = _coded(y)
        counts = dict(zip(plain_list(classes), sizes.tolist(), strict=True))
        self.sampling_strategy = sampling_strategy
        self._numbers = EpochNumbers(sampling_strategy, counts, y)
        self._numbers.of(0)  # raises now if the strategy names an unknown class
        self._decks = Decks(codes, sizes, self.seed)

    def _n_rows(self) -> int:
        return int(self._numbers.of(self.epoch).sum())

    def _rows(self, epoch: int) -> tuple[NDArray[np.integer], Keys]:
        numbers = self._numbers.of(epoch)
        rows = self._decks.deal(self._numbers.before(epoch), numbers)
        if not self.shuffle:
            rows.sort()
            return rows, _as_integers
        rng = self._random(epoch)
        if self.spread is not None:
            turns = spread_classes(numbers, self.spread, rng)
        else:
            codes = np.arange(len(numbers), dtype=smallest_codes(len(numbers)))
            turns = np.repeat(codes, numbers)
            rng.shuffle(turns)
        return taking_turns(turns, rows), _as_integers


@substitute
class PlanSampler(_EpochSampler):
    """The rows of epoch plans, shuffled, one epoch after the other.

    It yields not row numbers but keys, small tuples that hold the images a row is drawn from and
    its seed. ``dataset[key]`` of a :class:`PlanDataset` is therefore a pure function: the data set
    has no epoch and a worker no state, so that persistent workers, several processes and training
    that continues after a crash all draw the same images.

    {guide=training-loops}

    Parameters
    ----------
    plans : EpochPlans or PlanDataset
        The plans of all epochs, or the data set that draws them.
    {shuffle}
    {seed}
    {spread}
    {num_replicas}
    {rank}
    {drop_last}

    Attributes
    ----------
    {epoch}

    Raises
    ------
    ImportError
        If torch is not installed.
    TypeError
        If `plans` are neither EpochPlans nor a data set with plans.

    Notes
    -----
    ``len()`` is the number of rows of epoch 0, which schedulers rely on. With a sampler that
    cleans, other epochs may have more or fewer rows: the last ones are then left out, or the first
    ones used twice.

    Examples
    --------
    >>> from imblearn_images import RandomOverSampler
    >>> from imblearn_images.epochs import EpochPlans
    >>> over = RandomOverSampler(random_state=0)
    >>> plans = EpochPlans(over, np.zeros((3, 8, 8)), ["cat", "cat", "dog"])
    >>> list(PlanSampler(plans, shuffle=False))
    [(0,), (1,), (2,), (2,)]
    """

    def __init__(
        self,
        plans: Any,
        *,
        shuffle: bool = True,
        seed: int = 0,
        spread: int | None = None,
        num_replicas: int = 1,
        rank: int = 0,
        drop_last: bool = False,
    ) -> None:
        super().__init__(shuffle, seed, spread, num_replicas, rank, drop_last)
        self.plans = getattr(plans, "plans", plans)  # those of a data set
        if not callable(self.plans) or not hasattr(self.plans, "classes_"):
            raise TypeError(
                f"`plans` must be EpochPlans or a PlanDataset, got {type(plans).__name__}. For "
                "any other data set use BalancedSampler(labels)."
            )
        if spread is not None and np.ndim(getattr(self.plans, "targets_", ())) > 1:
            raise ValueError(
                f"`spread` must be None if images have several labels, got {spread}: no batch can "
                "hold its share of each. Leave it out."
            )
        self._length: int | None = None

    def _n_rows(self) -> int:
        if self._length is None:
            self._length = len(self.plans(0))
        return self._length

    def _rows(self, epoch: int) -> tuple[NDArray[np.integer], Keys]:
        n, plan = self._n_rows(), self.plans(epoch)
        rng = self._random(epoch)
        order: NDArray[np.integer] = np.arange(len(plan))
        if self.shuffle:
            rng.shuffle(order)
        if self.spread is not None:
            codes = np.asarray(plan.targets)[order]
            numbers = np.bincount(codes, minlength=len(self.plans.classes_))
            codes = codes.astype(smallest_codes(len(numbers)), copy=False)
            turns = spread_classes(numbers, self.spread, rng)
            order = taking_turns(turns, order[np.argsort(codes, kind="stable")])
        return np.resize(order, n), plan.rows


def _check_whole(name: str, value: Any, minimum: int) -> None:
    """Raise a ValueError if a parameter is not an integer of at least `minimum`."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < minimum:
        raise ValueError(f"`{name}` must be an integer >= {minimum}, got {value!r}.")


def _as_integers(rows: NDArray[np.integer]) -> list[int]:
    """Return row numbers as Python's integers, which are the keys of any data set."""
    return rows.tolist()


def _labels(labels: Any) -> NDArray[Any]:
    """Return labels as an array; integers, of which there may be millions, are not converted."""
    if hasattr(labels, "detach"):
        labels = labels.detach().cpu().numpy()
    if isinstance(labels, (list, np.ndarray)) and len(labels) and not isinstance(labels[0], str):
        array = np.asarray(labels)
        if array.ndim == 1 and array.dtype.kind in "iu":
            return array
    y = labels_of(labels, "labels")
    if not len(y):
        raise ValueError("`labels` must hold a label for each row of the data set, got none.")
    return y


def _coded(
    y: NDArray[Any],
) -> tuple[NDArray[Any], NDArray[np.integer], NDArray[np.integer]]:
    """Return the sorted classes, the class number of each label, and the size of each class."""
    if y.dtype.kind in "iu" and y.min() >= 0 and y.max() <= len(y) + 1000:
        # Counting instead of np.unique, which sorts: for twenty million labels that takes seconds.
        sizes = np.bincount(y)
        classes = np.flatnonzero(sizes)
        number = np.zeros(len(sizes), dtype=smallest_codes(len(classes)))
        number[classes] = np.arange(len(classes))
        return classes, number[y], sizes[classes]
    classes, codes, sizes = np.unique(y, return_inverse=True, return_counts=True)
    return classes, codes.reshape(-1), sizes
