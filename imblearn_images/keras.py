"""Keras: training loops. Needs the extra ``imblearn-images[keras]`` and a backend for Keras.

- :class:`PlanSequence` draws another resampled set in every epoch, as its batches are read
"""

from __future__ import annotations

import pickle
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from numbers import Integral
from threading import RLock
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core.pixels import find_channels
from imblearn_images.core.validation import check_functions
from imblearn_images.epochs import EpochPlans

__all__ = ["PlanSequence"]  # noqa: F822 - __getattr__ makes it

Transform = Callable[[NDArray[Any]], Any]


class Batches:
    """Batches of epoch plans for ``model.fit``, drawn when they are read.

    Read more in the :ref:`User Guide <training-loops>`.

    Parameters
    ----------
    plans : EpochPlans
        The plans of all epochs; for validation ``EpochPlans.of(X, y, classes=train.classes_)``.
    batch_size : int, default=32
        Number of rows of a batch; the last one may have fewer.
    shuffle : bool, default=True
        Whether the rows of each epoch are in random order; False for validation.
    seed : int, default=0
        Seed of that order.
    transform : callable, default=None
        ``transform(images)`` returns a batch of shape (m, H, W) or (m, H, W, C), changed.
    channels : {"last", "first", None}, default="last"
        Shape of a batch after `transform`: (m, H, W, C) or (m, C, H, W), with one channel for grey
        images. None leaves batches as they are.
    workers : int, default=1
        Number of threads or processes that draw batches ahead, if more than 1.
    use_multiprocessing : bool, default=False
        Use processes instead of threads. They are spawned, so that a script needs
        ``if __name__ == "__main__":``.
    max_queue_size : int, default=10
        Maximum number of batches that are drawn ahead.

    Attributes
    ----------
    epoch : int
        Number of the epoch whose batches are drawn; may be set.
    epochs : keras.callbacks.Callback
        Sets `epoch` to that of ``model.fit``, which begins with its ``initial_epoch``.
    plans : EpochPlans
        The parameter `plans`.

    Raises
    ------
    ImportError
        If Keras is not installed.
    TypeError, ValueError
        If a parameter has another type or value, or images have several shapes.

    Notes
    -----
    Batches are ``(images, targets)`` with the dtype of the images, e.g. uint8 from 0 to 255. Begin
    the model with ``keras.layers.Rescaling(1 / 255)``, and compile it with a loss for class
    numbers, such as ``"sparse_categorical_crossentropy"``. If images have several labels, targets
    are rows of 0 and 1, for ``"binary_crossentropy"``.

    Without ``callbacks=[sequence.epochs]``, epochs count from 0, and the next one begins when all
    batches of one have been read. With it, training continues where it was interrupted.

    With several workers pass ``shuffle=False`` to ``model.fit``: rows are in random order already,
    and batches can be drawn ahead only in their own order. The workers are not those of
    ``PyDataset``, which may return batches of the epoch before (Keras 3.15).

    Every epoch has as many rows as epoch 0: the last rows of a longer one are left out, the first
    rows of a shorter one are used twice.

    Examples
    --------
    >>> from imblearn_images import RandomOverSampler
    >>> from imblearn_images.datasets import load_texture_patches
    >>> from imblearn_images.epochs import EpochPlans
    >>> from imblearn_images.keras import PlanSequence
    >>> from imblearn_images.synthesis import Augment
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> sampler = RandomOverSampler(synthesis=Augment(), random_state=0)
    >>> sequence = PlanSequence(EpochPlans(sampler, images, labels), batch_size=64)
    >>> len(sequence), sequence[0][0].shape, sequence[0][1].shape
    (12, (64, 32, 32, 1), (64,))
    """

    def __init__(
        self,
        plans: EpochPlans,
        batch_size: int = 32,
        *,
        shuffle: bool = True,
        seed: int = 0,
        transform: Transform | None = None,
        channels: Literal["last", "first"] | None = "last",
        workers: int = 1,
        use_multiprocessing: bool = False,
        max_queue_size: int = 10,
    ) -> None:
        super().__init__()
        if not isinstance(plans, EpochPlans):
            raise TypeError(
                f"`plans` must be EpochPlans, got {plans!r:.100}. Pass EpochPlans(resampler, X, y)."
            )
        sizes = {"batch_size": batch_size, "workers": workers, "max_queue_size": max_queue_size}
        for name, size in sizes.items():
            if not isinstance(size, Integral) or size < 1:
                raise ValueError(f"`{name}` must be an integer of at least 1, got {size!r}.")
        if channels not in ("last", "first", None):
            raise ValueError(f'`channels` must be "last", "first" or None, got {channels!r}.')
        check_functions(transform=transform)
        if plans.shape is None:
            raise ValueError(
                "`plans` must have images of one shape, got several. Pass files with "
                "EpochPlans(..., size=(height, width))."
            )
        self.plans, self.batch_size, self.shuffle, self.seed = plans, int(batch_size), shuffle, seed
        self.transform, self.channels = transform, channels
        self._n_rows = len(plans(0))
        self._told, self._served = False, 0
        self.epoch = 0
        self._n_ahead = int(max_queue_size)
        self._how = int(workers), bool(use_multiprocessing)
        if self._how[0] > 1 and self._how[1]:
            _check_function_travels(transform)
        self._start()

    def _start(self) -> None:
        """Begin to draw in this process, or in threads and processes of its own."""
        self._draw: Callable[[Sequence[Any]], Any]
        self._draw = partial(_batch, self.plans, self.transform, self.channels)
        self._order: tuple[int | None, NDArray[np.intp]] = None, np.empty(0, dtype=np.intp)
        self._ahead: dict[tuple[int, int], Future[Any]] = {}
        self._lock = RLock()
        self._pool: Executor | None = None
        workers, in_processes = self._how
        if workers > 1 and in_processes:
            self._pool = ProcessPoolExecutor(
                workers, get_context("spawn"), _remember, (self._draw,)
            )
            self._draw = _remembered
        elif workers > 1:
            self._pool = ThreadPoolExecutor(workers, "imblearn_images")
        if self._pool is not None:
            # Otherwise the interpreter would wait, at its end, for batches that nobody reads.
            weakref.finalize(self, self._pool.shutdown, wait=False, cancel_futures=True)

    def __getstate__(self) -> dict[str, Any]:
        _check_function_travels(self.transform)
        own = ("_draw", "_order", "_ahead", "_lock", "_pool")
        return {name: value for name, value in vars(self).items() if name not in own}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._start()

    def __len__(self) -> int:
        return -(-self._n_rows // self.batch_size)

    def __getitem__(self, index: int) -> tuple[Any, NDArray[np.int64]]:
        """Return images and targets of a batch of the current epoch."""
        if not 0 <= index < len(self):
            raise IndexError(f"An epoch has {len(self)} batches, got batch {index}.")
        self._served += 1
        epoch = self.epoch
        if self._pool is None:
            return self._draw(self._keys(epoch, index))
        with self._lock:
            # An epoch may be stopped early: what was begun for it would only delay the next.
            for key in [key for key in self._ahead if key[0] != epoch]:
                self._ahead.pop(key).cancel()
            found = self._ahead.pop((epoch, index), None) or self._begun(epoch, index)
            for at in range(index + 1, min(index + 1 + self._n_ahead, len(self))):
                if (epoch, at) not in self._ahead and len(self._ahead) < self._n_ahead:
                    self._ahead[epoch, at] = self._begun(epoch, at)
        batch: tuple[Any, NDArray[np.int64]] = found.result()
        return batch

    def on_epoch_begin(self) -> None:
        """Begin to count batches; called by Keras."""
        self._served = 0

    def on_epoch_end(self) -> None:
        """Advance to the next epoch if all batches were read; called by Keras, also earlier."""
        if not self._told and self._served >= len(self):
            self.epoch += 1

    @property
    def epochs(self) -> Any:
        """Callback for ``model.fit`` that sets the epoch."""
        import keras

        return keras.callbacks.LambdaCallback(on_epoch_begin=self._begin)

    def _begin(self, epoch: int, logs: Any = None) -> None:
        """Set the epoch; from now on, reading batches no longer advances it."""
        self._told, self.epoch = True, epoch

    def _begun(self, epoch: int, index: int) -> Future[Any]:
        """Start to draw a batch in the pool."""
        assert self._pool is not None
        return self._pool.submit(self._draw, self._keys(epoch, index))

    def _keys(self, epoch: int, index: int) -> list[Any]:
        """Return the keys of a batch; the order of an epoch depends on its number and the seed."""
        images = self.plans(epoch)
        known, order = self._order
        if known != epoch:  # once an epoch: at 200,000 rows it takes 14 ms
            order = np.arange(len(images))
            if self.shuffle:
                order = np.random.default_rng([self.seed, epoch]).permutation(len(images))
            order = np.resize(order, self._n_rows)
            self._order = epoch, order
        return images.rows(order[index * self.batch_size : (index + 1) * self.batch_size])


def _check_function_travels(transform: Transform | None) -> None:
    try:
        pickle.dumps(transform)
    except Exception as error:
        raise TypeError(
            f"`transform` {transform!r:.200} cannot be sent to another process: {error}. Define it "
            "in a module instead of as lambda, or leave out `use_multiprocessing`."
        ) from error


def _batch(
    plans: EpochPlans, transform: Transform | None, channels: str | None, keys: Sequence[Any]
) -> tuple[Any, NDArray[np.int64]]:
    """Return images and targets of some keys."""
    images: Any = np.stack(plans.draw(keys))
    images = images if transform is None else transform(images)
    if channels is not None and np.ndim(images) in (3, 4):
        images = images[..., np.newaxis] if np.ndim(images) == 3 else images
        axis = 1 + find_channels(tuple(images.shape[1:]))[0]
        images = np.moveaxis(images, axis, -1 if channels == "last" else 1)
    return images, plans.targets_of(keys)


_drawing: list[Any] = []
"""In a worker process, the function that draws batches; each process serves one sequence."""


def _remember(draw: Any) -> None:
    """Store the function that draws; runs once when a worker process starts."""
    _drawing[:] = [draw]


def _remembered(keys: Sequence[Any]) -> Any:
    """Draw a batch in a worker process, so that the plans are not pickled for each batch."""
    return _drawing[0](keys)


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    if name != "PlanSequence":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        import keras
    except ImportError as exc:
        raise ImportError(
            "PlanSequence needs Keras. Install it: pip install imblearn-images[keras]"
        ) from exc
    # The class is made when it is first used: its base, PyDataset, takes seconds to import.
    members = {"__doc__": Batches.__doc__, "__module__": __name__}
    globals()[name] = type(name, (Batches, keras.utils.PyDataset), members)
    return globals()[name]
