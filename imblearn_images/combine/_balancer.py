"""RandomBalancer: over- and under-sampling in one step, evenly over the epochs."""

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
from imblearn_images.core.dealing import Decks
from imblearn_images.strategies import EpochNumbers

__all__ = ["RandomBalancer"]


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
