"""Adapters: augmentations of other libraries, and plain functions, as a synthesis."""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Callable, Sequence
from functools import partial
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from imblearn_images.core.pixels import as_unit, channels_back, channels_last, check_same_unit

__all__ = ["AugmentWith"]

_Row = Callable[[NDArray[Any], np.random.Generator], Any]

_torch_seed = Lock()  # transforms of PyTorch know one generator for all threads


class AugmentWith(BaseEstimator):
    """Draw an image as its base, changed by an augmentation from elsewhere.

    Every row has its own seed, so that any synthetic image can be drawn again on its own.

    Read more in the :ref:`User Guide <how-images-are-drawn>`.

    Parameters
    ----------
    function : callable
        - A transform or ``Compose`` of Albumentations 2, called as
          ``function(image=image)["image"]``.
        - A transform of ``torchvision.transforms.v2``, or any other module of PyTorch,
          called with a tensor (C, H, W).
        - A function ``image -> image``. If it has a parameter named ``rng``, as many
          functions of scikit-image do, it gets a ``numpy.random.Generator``; otherwise
          it should not draw random numbers, because they could not be seeded.

        The first two get uint8 as it is, and others as float32 in 0 to 1; a function gets
        the dtype of the data, which functions of other libraries expect, and must return its
        unit. Arithmetic on uint8 wraps, 200 + 100 is 44: compute on ``image.astype(float)``.
    channel_axis : int, default=None
        Axis of one image that holds the channels, as in scikit-image: 0 for (C, H, W), -1 for
        (H, W, C). Where it is given, `function` gets images with channels last. By default
        functions get the images as they are; for the others an ambiguous shape, such as
        (12, 32, 32), is refused.

    See Also
    --------
    Augment : Without another library.

    Examples
    --------
    >>> def darker(image, rng):
    ...     return image * rng.choice([0.5, 0.75])
    >>> images = np.full((3, 2, 2), 100, dtype=np.uint8)
    >>> rngs = [np.random.default_rng(row) for row in range(3)]
    >>> AugmentWith(darker).draw(images, None, None, rngs)[:, 0, 0].tolist()
    [75.0, 50.0, 75.0]
    """

    n_partners = 0

    def __init__(self, function: Callable[..., Any], *, channel_axis: int | None = None) -> None:
        self.function = function
        self.channel_axis = channel_axis

    # Transforms of Albumentations have a `get_params` of their own, with another meaning.
    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters, as scikit-learn does; the function is not looked into."""
        return {"function": self.function, "channel_axis": self.channel_axis}

    def __sklearn_clone__(self) -> AugmentWith:
        return AugmentWith(copy.deepcopy(self.function), channel_axis=self.channel_axis)

    def explain(
        self, base: str, partners: Sequence[str], weights: Sequence[float], rng: Any
    ) -> str:
        """Describe what is drawn from the images of these names."""
        name = getattr(self.function, "__name__", type(self.function).__name__)
        return f"{base} augmented by {name}"

    def draw(
        self,
        base: NDArray[Any],
        partners: Any,
        weights: Any,
        rngs: Sequence[np.random.Generator],
    ) -> NDArray[Any]:
        """Draw a block of synthetic images; see :mod:`imblearn_images.core.synthesis`.

        Returns
        -------
        drawn : ndarray of shape (m, H, W[, C])
            In the unit of `base`.

        Raises
        ------
        TypeError
            If `function` cannot be called like that.
        ValueError
            If it returns an image of another shape or another unit.
        """
        if hasattr(self.function, "set_random_seed"):
            change = _albumentations(copy.deepcopy(self.function))  # seeding would change theirs
        elif _is_torch(self.function):
            change = _torch(self.function)
        else:
            change = _plain(self.function)
            if self.channel_axis is None:
                return self._each(change, base, rngs)
            planes = channels_last(base, self.channel_axis, type(self).__name__)
            return channels_back(self._each(change, planes, rngs), self.channel_axis)
        planes = channels_last(base, self.channel_axis, type(self).__name__)
        if base.dtype == np.uint8:
            return channels_back(self._each(change, planes, rngs), self.channel_axis)
        (unit,), back = as_unit(planes)
        children = back(self._each(change, unit.astype(np.float32), rngs))
        return channels_back(children, self.channel_axis)

    def _each(
        self, change: _Row, images: NDArray[Any], rngs: Sequence[np.random.Generator]
    ) -> NDArray[Any]:
        children = []
        for image, rng in zip(images, rngs, strict=True):
            again = partial(_changed, change, image)
            child = again(rng)
            if child.shape != image.shape:
                raise ValueError(
                    f"{self.function!r} must return images of the shape it gets, {image.shape}, "
                    f"got {child.shape}. Crop and resize to the same size."
                )
            check_same_unit((image,), child, self.function, again)
            children.append(child)
        return np.stack(children)


def _changed(change: _Row, image: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    return np.asarray(change(image.copy(), rng))


def _plain(function: Callable[..., Any]) -> _Row:
    if not callable(function):
        raise TypeError(f"Augment.from_callable needs a function image -> image, got {function!r}.")
    if type(function).__module__.startswith("albumentations."):
        raise TypeError(
            "This Albumentations is too old to be seeded; pip install --upgrade albumentations."
        )
    if _takes_generator(function):
        return lambda image, rng: function(image, rng=rng)
    return lambda image, rng: function(image)


def _takes_generator(function: Callable[..., Any]) -> bool:
    try:
        return "rng" in inspect.signature(function).parameters
    except ValueError:  # some functions written in C do not tell
        return False


def _albumentations(transform: Any) -> _Row:
    def change(image: NDArray[Any], rng: np.random.Generator) -> Any:
        transform.set_random_seed(int(rng.integers(1 << 32)))
        return transform(image=image)["image"]

    return change


def _is_torch(function: Any) -> bool:
    torch = sys.modules.get("torch")  # whoever passes a module has imported it
    return torch is not None and isinstance(function, torch.nn.Module)


def _torch(transform: Any) -> _Row:
    import torch

    def change(image: NDArray[Any], rng: np.random.Generator) -> Any:
        channels_first = np.moveaxis(image.reshape(*image.shape[:2], -1), -1, 0)
        tensor = torch.from_numpy(np.ascontiguousarray(channels_first))
        with _torch_seed, torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(int(rng.integers(1 << 63)))
            changed = transform(tensor)
        channels_last = np.moveaxis(changed.numpy(), 0, -1)
        return channels_last[..., 0] if image.ndim == 2 else channels_last

    return change
