"""TorchEmbedding: features of images that a layer of a PyTorch network computes."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from numbers import Integral
from threading import Lock
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from imblearn_images.core.containers import holds_paths, unwrap
from imblearn_images.core.files import read_image
from imblearn_images.core.images import FileImages, Images
from imblearn_images.core.pixels import channels_last, resized
from imblearn_images.core.text import printable

__all__ = ["TorchEmbedding"]

_MODES: dict[Any, str] = {1: "L", 3: "RGB", 4: "RGBA"}
_one_at_a_time = Lock()  # a network uses all cores by itself, and threads would share its hooks


class TorchEmbedding(TransformerMixin, BaseEstimator):
    """Features of images from a network of PyTorch.

    The network is used as it is: nothing is trained, and nothing is ever downloaded. Pass one
    of your own, or one of timm, e.g. ``timm.create_model("resnet18", pretrained=True,
    num_classes=0)``, for which timm itself fetches the weights.

    Read more in the :ref:`User Guide <which-images-are-near>`.

    Parameters
    ----------
    module : torch.nn.Module
        Network that takes float32 images of shape (n, channels, height, width), with values from 0
        to 1 or normalised.
    layer : str, default=None
        Name of the submodule whose output is used, one of ``module.named_modules()``; by default
        the whole network.
    size : (height, width), default=None
        Size to which images are resized, bilinear with anti-aliasing. By default that which a
        model of timm expects; otherwise images keep their size.
    batch_size : int, default=64
        Number of images that pass through the network at a time. Smaller batches are filled up
        with black images, so that the features of an image do not depend on the size of its
        batch.
    device : str or torch.device, default=None
        Device to compute on, e.g. "cuda"; a copy of the network is moved there. By default that
        of the network.
    mean, std : sequence of float, default=None
        Values for each channel of images from 0 to 1; the network gets ``(x - mean) / std``.
        By default those of a model of timm; otherwise pixels are not normalised.
    pooling : {"average", "flatten"}, default="average"
        How to reduce an output of shape (n, channels, height, width) or (n, tokens,
        channels): to its mean over places, or to all of its values in a row.
    channel_axis : int, default=None
        Axis of the channels in one image of an array, as in scikit-image: 0 for (C, H, W), -1 for
        (H, W, C). By default the last one; an ambiguous shape, such as (12, 32, 32), raises an
        error.

    Attributes
    ----------
    size_ : (height, width) or None
        Size to which images are resized.
    channels_ : int or None
        Number of channels that the network takes, from its first convolution; None if unknown.
        Grey images are repeated if it takes three.
    module_ : torch.nn.Module
        `module`, or its copy on `device`.

    Raises
    ------
    ImportError
        If torch is not installed.
    ValueError
        If float images exceed 0 to 1, images have colours but the network takes grey ones, a layer
        does not exist or is not used, or files have different sizes and `size` is None.

    Notes
    -----
    8 and 16 bit images are divided by 255 and 65535. The network runs in evaluation mode and
    is left in the mode it was in. Clones share it.

    Examples
    --------
    >>> import torch
    >>> from imblearn_images import SMOTE
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> _ = torch.manual_seed(0)
    >>> network = torch.nn.Sequential(
    ...     torch.nn.Conv2d(1, 8, 3, stride=2), torch.nn.ReLU(), torch.nn.Conv2d(8, 16, 3, stride=2)
    ... )
    >>> TorchEmbedding(network).fit_transform(images).shape
    (361, 16)
    >>> smote = SMOTE(embedding=TorchEmbedding(network, layer="1", pooling="flatten"))
    >>> X_res, y_res = smote.fit_resample(images, labels)
    >>> smote.plan_.nearness
    'TorchEmbedding (1800 features)'
    """

    size: Any  # may come as a list

    reads_homes = True
    """Whether a home of pixels can be passed, which is then read in batches."""

    def __init__(
        self,
        module: Any,
        layer: str | None = None,
        size: tuple[int, int] | None = None,
        batch_size: int = 64,
        device: Any = None,
        *,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        pooling: Literal["average", "flatten"] = "average",
        channel_axis: int | None = None,
    ) -> None:
        self.module = module
        self.layer = layer
        self.size = size
        self.batch_size = batch_size
        self.device = device
        self.mean = mean
        self.std = std
        self.pooling = pooling
        self.channel_axis = channel_axis

    def fit(self, X: Any, y: Any = None) -> Any:
        """Record what the network expects; nothing is learned.

        Parameters
        ----------
        X : images or paths
            Array of shape (n, H, W) or (n, H, W, C), or n paths.
        y : None
            Ignored.

        Returns
        -------
        self : TorchEmbedding
        """
        torch = _import_torch()
        if not isinstance(self.module, torch.nn.Module):
            raise TypeError(f"`module` must be a torch.nn.Module, got {self.module!r}.")
        if self.pooling not in ("average", "flatten"):
            raise ValueError(f'`pooling` must be "average" or "flatten", got {self.pooling!r}.')
        if not isinstance(self.batch_size, (int, Integral)) or self.batch_size < 1:
            raise ValueError(
                f"`batch_size` must be an integer of at least 1, got {self.batch_size!r}."
            )
        names = [name for name, _ in self.module.named_modules()]
        if self.layer is not None and self.layer not in names:
            near = get_close_matches(str(self.layer), names, n=5) or names[1:6]
            raise ValueError(
                f"`layer` must be a submodule of the network, got {self.layer!r}. Similar names "
                f"are {near!r}."
            )
        wanted = _wishes(self.module)
        self.size_ = wanted.get("size") if self.size is None else tuple(self.size)
        self.mean_ = wanted.get("mean") if self.mean is None else self.mean
        self.std_ = wanted.get("std") if self.std is None else self.std
        self.channels_ = wanted.get("channels")
        self.module_ = self.module
        if self.device is not None:
            self.module_ = copy.deepcopy(self.module).to(self.device)
        X = X if _is_home(X) else unwrap(X)[0]  # unwrap would read a home whole
        _check_some(X)
        if not holds_paths(X):
            channels_last(_array(X[:1]), self.channel_axis, "TorchEmbedding")
        elif self.size_ is None:
            _check_one_size(FileImages(X))
        return self

    def transform(self, X: Any) -> Any:
        """Compute the features.

        Parameters
        ----------
        X : images or paths
            As in `fit`.

        Returns
        -------
        features : ndarray of shape (n, d), float32
        """
        check_is_fitted(self)
        torch = _import_torch()
        X = X if _is_home(X) else unwrap(X)[0]
        _check_some(X)
        # Inputs get the dtype and device of the weights, e.g. those of a network in half precision.
        weights = [p for p in self.module_.parameters() if p.is_floating_point()]
        like = weights[0] if weights else torch.zeros(())
        features = []
        with _one_at_a_time, torch.inference_mode(), _evaluating(self.module_):
            for start in range(0, len(X), self.batch_size):
                batch = self._pixels(X[start : start + self.batch_size])
                full = np.zeros((self.batch_size, *batch.shape[1:]), dtype=np.float32)
                full[: len(batch)] = batch
                output = self._output(torch.from_numpy(full).to(like))
                features.append(output[: len(batch)].float().cpu().numpy())
        return np.concatenate(features)

    def _pixels(self, X):
        """Return images as the network takes them, shape (n, channels, height, width), float32."""
        if holds_paths(X):
            mode = _MODES.get(self.channels_)
            # Each is scaled alone: stacked first, one of 16 bits would darken those of 8.
            images = np.stack([_unit(read_image(path, size=self.size_, mode=mode)) for path in X])
        else:
            images = channels_last(_array(X), self.channel_axis, "TorchEmbedding")
            if self.size_ not in (None, images.shape[1:3]):
                images = resized(images, self.size_)
        unit = _unit(images)
        unit = unit[:, None] if unit.ndim == 3 else np.moveaxis(unit, -1, 1)
        if self.channels_ is not None and unit.shape[1] != self.channels_:
            if unit.shape[1] != 1:
                raise ValueError(
                    f"Images must have the {self.channels_} channels that the network takes, got "
                    f"{unit.shape[1]}. Convert them first, e.g. with ReadImages(mode=...)."
                )
            unit = np.repeat(unit, self.channels_, axis=1)
        if self.mean_ is not None:
            unit = unit - np.reshape(self.mean_, (-1, 1, 1))
        if self.std_ is not None:
            unit = unit / np.reshape(self.std_, (-1, 1, 1))
        return unit.astype(np.float32)

    def _output(self, batch):
        """Return the output of the layer for a batch, shape (n, d)."""
        found = []
        layer = self.module_.get_submodule(self.layer or "")
        hook = layer.register_forward_hook(lambda module, args, output: found.append(output))
        try:
            self.module_(batch)
        finally:
            hook.remove()
        name = "The network" if self.layer is None else f"Layer {self.layer!r}"
        if not found:
            raise ValueError(f"{name} is not used for images. Choose another `layer`.")
        output = found[-1]
        if not hasattr(output, "flatten") or output.ndim < 2 or len(output) != len(batch):
            got = tuple(output.shape) if hasattr(output, "shape") else type(output).__name__
            raise ValueError(
                f"{name} must return a tensor with one row per image, got {got} for {len(batch)} "
                "images. Choose another `layer`."
            )
        if self.pooling == "average" and output.ndim > 2:
            output = output.flatten(2).mean(2) if output.ndim > 3 else output.mean(1)
        return output.flatten(1)

    def __sklearn_clone__(self):
        return type(self)(**self.get_params(deep=False))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = tags.input_tags.string = True
        return tags


def _check_some(X: Any) -> None:
    """Raise a ValueError if there is no image."""
    if not len(X):
        raise ValueError("`X` must hold at least one image, got 0 samples. Pass more.")


class _evaluating:  # noqa: N801 - a context, called like a function
    """Context with a network in evaluation mode; afterwards every module has its former mode."""

    def __init__(self, module):
        self.training = [part for part in module.modules() if part.training]
        self.module = module

    def __enter__(self):
        self.module.eval()

    def __exit__(self, *error):
        for part in self.training:
            part.training = True


def _import_torch():
    """Return the module ``torch``, or raise an ImportError with the command that installs it."""
    try:
        import torch
    except ImportError as exc:
        raise ImportError(
            "TorchEmbedding needs torch. Install it: pip install imblearn-images[torch]"
        ) from exc
    return torch


def _wishes(module) -> dict[str, Any]:
    """Return what a network expects: timm's configuration, channels of the first convolution."""
    config = getattr(module, "pretrained_cfg", None) or getattr(module, "default_cfg", None) or {}
    config = config if isinstance(config, Mapping) else vars(config)
    wanted = {name: config[name] for name in ("mean", "std") if config.get(name) is not None}
    if config.get("input_size"):
        wanted["channels"], *size = config["input_size"]
        wanted["size"] = tuple(size)
    takes = (getattr(part, "in_channels", None) for part in module.modules())
    channels = next((n for n in takes if isinstance(n, int)), None)
    return wanted | ({} if channels is None else {"channels": channels})


def _is_home(images):
    """Return whether images are a home of pixels that are not in files."""
    return isinstance(images, Images) and images.paths is None


def _array(images):
    """Return the pixels of a batch, read from a home if it is one."""
    if not isinstance(images, Images):
        return images
    pixels = np.empty((len(images), *images.shape_of(0)), dtype=images.dtype)
    images.read(np.arange(len(images)), pixels)
    return pixels


def _unit(images):
    """Return pixels as floats from 0 to 1."""
    kind = images.dtype.kind
    if kind == "u":
        return images.astype(np.float32) / np.float32(np.iinfo(images.dtype).max)
    unit = images.astype(np.float32)
    if kind != "b" and len(unit) and not (unit.min() >= 0 and unit.max() <= 1):
        raise ValueError(
            "Images for TorchEmbedding must be uint8, uint16, bool, or floats from 0 to 1, got "
            f"{images.dtype} from {images.min()} to {images.max()}. Scale the images first."
        )
    return unit


def _check_one_size(images: FileImages) -> None:
    """Raise a ValueError naming the first file of another size."""
    for row in range(len(images)):
        if images.shape_of(row)[:2] != images.shape_of(0)[:2]:
            raise ValueError(
                f"{printable(images.name_of(row))} has shape {images.shape_of(row)}, "
                f"{printable(images.name_of(0))} has "
                f"{images.shape_of(0)}. Pass `size=(height, width)`."
            )
