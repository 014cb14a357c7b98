"""Data set of PyTorch whose rows are drawn when they are read."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imblearn_images.core.pixels import find_channels
from imblearn_images.core.targets import plain_list
from imblearn_images.epochs import EpochPlans
from imblearn_images.torch._bases import base, check_torch

__all__ = ["PlanDataset"]

Dataset: Any = base("torch.utils.data", "Dataset")


class PlanDataset(Dataset):
    """Images of epoch plans for a ``torch.utils.data.DataLoader``, drawn when they are read.

    A map-style data set: ``dataset[i]`` is row i of epoch 0, ``dataset[key]`` the row of a key that
    a ``PlanSampler`` yields, of whatever epoch. What is returned depends on key, images and
    transform alone: no worker, number of workers, start method, rank or epoch makes a difference,
    and nothing has to be told to workers that persist. Batches are drawn together.

    Read more in the :ref:`User Guide <training-loops>`.

    Parameters
    ----------
    plans : EpochPlans
        What is in each epoch; for validation ``EpochPlans.of(X, y, classes=train.classes_)``.
    transform : callable, default=None
        Transform of torchvision or your own. It is given what ``ImageFolder`` gives it, an image of
        Pillow, where the images are uint8 or bool with 1 to 4 channels; otherwise an array. By
        default a tensor of shape (C, H, W) in the dtype of the images, 0 to 255 for uint8.
    target_transform : callable, default=None
        Is given the target, an int.

    Attributes
    ----------
    classes : list
        Labels, by target.
    class_to_idx : dict
        Label to target.
    targets : list of int
        Targets of epoch 0.
    plans : EpochPlans
        As given.

    Raises
    ------
    TypeError
        If `plans` is something else.

    Notes
    -----
    Random numbers of a `transform` come from the generator of the worker, so that their results
    depend on the number of workers. What is to be the same everywhere goes into the plan:
    ``synthesis=Augment.from_callable(...)``.

    With processes that are not forked (Windows, macOS, Python 3.14), `plans` are pickled: arrays in
    memory are copied into each worker, memmaps and files are opened again.

    Where later epochs have more rows or fewer than epoch 0, ``len`` is that of epoch 0.

    Examples
    --------
    >>> from torch.utils.data import DataLoader
    >>> from imblearn_images import RandomOverSampler
    >>> from imblearn_images.datasets import load_texture_patches
    >>> from imblearn_images.epochs import EpochPlans
    >>> from imblearn_images.synthesis import Augment
    >>> from imblearn_images.torch import PlanDataset, PlanSampler
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> sampler = RandomOverSampler(synthesis=Augment(), random_state=0)
    >>> plans = EpochPlans(sampler, images, labels)
    >>> dataset = PlanDataset(plans, transform=lambda image: np.asarray(image) / 255)
    >>> dataset.classes, len(dataset)
    (['brick', 'grass', 'gravel'], 768)
    >>> x, t = next(iter(DataLoader(dataset, batch_size=32, sampler=PlanSampler(plans))))
    >>> tuple(x.shape), tuple(t.shape)
    ((32, 32, 32), (32,))
    """

    def __init__(
        self,
        plans: EpochPlans,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
    ) -> None:
        check_torch(type(self).__name__)
        if not isinstance(plans, EpochPlans):
            raise TypeError(
                f"`plans` must be EpochPlans, got {plans!r:.100}. Pass EpochPlans(resampler, X, y)."
            )
        self.plans = plans
        self.transform = transform
        self.target_transform = target_transform
        self._first = plans(0)
        self._process = os.getpid()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state | {"_process": os.getpid()})

    @property
    def classes(self) -> list[Any]:
        """Labels, by target."""
        return plain_list(self.plans.classes_)

    @property
    def class_to_idx(self) -> dict[Any, int]:
        """Label to target."""
        return {label: at for at, label in enumerate(self.classes)}

    @property
    def targets(self) -> list[int]:
        """Targets of epoch 0; made each time, as Python objects would be copied into workers."""
        targets: list[int] = self._first.targets.tolist()
        return targets

    def __len__(self) -> int:
        return len(self._first)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.plans!r})"

    def __getitem__(self, row: Any) -> tuple[Any, Any]:
        """Image and target of a row of epoch 0, or of a key."""
        return self.__getitems__([row])[0]

    def __getitems__(self, rows: Sequence[Any]) -> list[tuple[Any, Any]]:
        """Images and targets of several rows, drawn together."""
        if os.getpid() != self._process:
            # In a forked worker the garbage collector would write to all objects of the loop's
            # process, 75 MB of imported modules at least, of which it then had copies.
            gc.freeze()
            self._process = os.getpid()
        keys = [row if isinstance(row, tuple) else None for row in rows]
        numbers = [at for at, key in enumerate(keys) if key is None]
        if numbers:
            first = self._first.rows([_number(rows[at], len(self)) for at in numbers])
            for at, key in zip(numbers, first, strict=True):
                keys[at] = key
        images, targets = self.plans.draw(keys), self.plans.targets_of(keys)  # type: ignore[arg-type]
        return [
            (self._given(image), self._target(target))
            for image, target in zip(images, targets.tolist(), strict=True)
        ]

    def _given(self, image: NDArray[Any]) -> Any:
        if self.transform is None:
            return _as_tensor(image)
        return self.transform(_as_picture(image))

    def _target(self, target: int) -> Any:
        return target if self.target_transform is None else self.target_transform(target)


def _number(row: Any, n: int) -> int:
    try:
        return range(n)[row]
    except TypeError:
        raise TypeError(
            f"`row` must be the number of a row or a key of EpochImages.rows, got {row!r:.100}. "
            "Pass one row, or use a DataLoader."
        ) from None
    except IndexError:
        raise IndexError(f"Epoch 0 has {n} rows, got row {row}.") from None


def _channels_last(image: NDArray[Any]) -> NDArray[Any]:
    """Bring an image of shape (H, W), (H, W, C) or (C, H, W) to (H, W, C), of row vectors none."""
    if image.ndim == 2:
        return image[..., np.newaxis]
    return np.moveaxis(image, find_channels(image.shape)[0], -1) if image.ndim == 3 else image


def _as_tensor(image: NDArray[Any]) -> Any:
    import torch

    planes = np.moveaxis(_channels_last(image), -1, 0) if image.ndim > 1 else image
    return torch.from_numpy(np.ascontiguousarray(planes))


def _as_picture(image: NDArray[Any]) -> Any:
    """An image of Pillow where there is one of this kind, else the array."""
    if image.dtype not in (np.uint8, np.bool_) or image.ndim not in (2, 3):
        return image
    planes = _channels_last(image)
    if planes.shape[2] > 4 or (image.dtype == np.bool_ and planes.shape[2] > 1):
        return image
    planes = planes[..., 0] if planes.shape[2] == 1 else planes
    return Image.fromarray(np.ascontiguousarray(planes))
