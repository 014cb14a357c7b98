"""Embedding by a network of PyTorch: the output of one of its layers."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
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
_one_at_a_time = Lock()  # a network spreads over the cores by itself, and hooks are shared


class TorchEmbedding(TransformerMixin, BaseEstimator):
    """Features of images from a network of PyTorch.

    The network is used as it is: nothing is trained, and nothing is ever downloaded. Pass one
    of your own, or one of timm, e.g. ``timm.create_model("resnet18", pretrained=True,
    num_classes=0)``, for which timm itself fetches the weights.

    Read more in the :ref:`User Guide <which-images-are-near>`.

    Parameters
    ----------
    module : torch.nn.Module
        Takes float32 images of shape (n, channels, height, width), values from 0 to 1 or
        normalised.
    layer : str, default=None
        Name of the submodule whose output is taken, one of ``module.named_modules()``; by
        default the output of the whole network.
    size : (height, width), default=None
        Size to which images are resized, bilinear with anti-aliasing. By default what a model of
        timm expects, otherwise images keep their size.
    batch_size : int, default=64
        Images that pass through the network at a time. Smaller batches are filled up with
        black images, so that the features of an image do not depend on how many others
        there are.
    device : str or torch.device, default=None
        Where to compute, e.g. "cuda"; a copy of the network is moved there. By default where
        the network is.
    mean, std : sequence of float, default=None
        One for each channel of images from 0 to 1; the network sees ``(x - mean) / std``.
        By default those of a model of timm, otherwise nothing is changed.
    pooling : {"average", "flatten"}, default="average"
        How to reduce an output of shape (n, channels, height, width) or (n, tokens,
        channels): its mean over places, or all of its values.
    channel_axis : int, default=None
        Axis of one image of an array that holds the channels, as in scikit-image: 0 for
        (C, H, W), -1 for (H, W, C). By default the last one; an ambiguous shape, such as
        (12, 32, 32), is refused.

    Attributes
    ----------
    size_ : (height, width) or None
        As used.
    channels_ : int or None
        Channels that the network takes, as its first convolution has it; None if unknown.
        Grey images are repeated where it takes three.
    module_ : torch.nn.Module
        `module`, or its copy on `device`.

    Raises
    ------
    ImportError
        If torch is not installed.
    ValueError
        For float images beyond 0 to 1, colours where the network takes grey images, a layer
        that does not exist or was not reached, files of different sizes without `size`.

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
    """Whether homes of pixels are read block by block."""

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
        names = [name for name, _ in self.module.named_modules()]
        if self.layer is not None and self.layer not in names:
            near = get_close_matches(str(self.layer), names, n=5) or names[1:6]
            raise ValueError(f"`module` has no layer {self.layer!r}; near are {near!r}.")
        wanted = _wishes(self.module)
        self.size_ = wanted.get("size") if self.size is None else tuple(self.size)
        self.mean_ = wanted.get("mean") if self.mean is None else self.mean
        self.std_ = wanted.get("std") if self.std is None else self.std
        self.channels_ = wanted.get("channels")
        self.module_ = self.module
        if self.device is not None:
            self.module_ = copy.deepcopy(self.module).to(self.device)
        X = X if _is_home(X) else unwrap(X)[0]  # which would read all of them
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
        # A network of half or double precision takes what it is made of.
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
        """Images as the network sees them, shape (n, channels, height, width), float32."""
        if holds_paths(X):
            mode = _MODES.get(self.channels_)
            images = np.stack([read_image(path, size=self.size_, mode=mode) for path in X])
        else:
            images = channels_last(_array(X), self.channel_axis, "TorchEmbedding")
            if self.size_ not in (None, images.shape[1:3]):
                images = resized(images, self.size_)
        unit = _unit(images)
        unit = unit[:, None] if unit.ndim == 3 else np.moveaxis(unit, -1, 1)
        if self.channels_ is not None and unit.shape[1] != self.channels_:
            if unit.shape[1] != 1:
                raise ValueError(
                    f"The network takes images of {self.channels_} channels, these have "
                    f"{unit.shape[1]}: convert them first, e.g. by ReadImages(mode=...)."
                )
            unit = np.repeat(unit, self.channels_, axis=1)
        if self.mean_ is not None:
            unit = unit - np.reshape(self.mean_, (-1, 1, 1))
        if self.std_ is not None:
            unit = unit / np.reshape(self.std_, (-1, 1, 1))
        return unit.astype(np.float32)

    def _output(self, batch):
        """Output of the layer for a batch, shape (n, d)."""
        found = []
        layer = self.module_.get_submodule(self.layer or "")
        hook = layer.register_forward_hook(lambda module, args, output: found.append(output))
        try:
            self.module_(batch)
        finally:
            hook.remove()
        name = "The network" if self.layer is None else f"Layer {self.layer!r}"
        if not found:
            raise ValueError(f"{name} is not used when the network looks at images; take another.")
        output = found[-1]
        if not hasattr(output, "flatten") or output.ndim < 2 or len(output) != len(batch):
            got = tuple(output.shape) if hasattr(output, "shape") else type(output).__name__
            raise ValueError(
                f"{name} must give a tensor with one row an image, got {got} for {len(batch)} "
                "images; name another `layer`."
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


class _evaluating:  # noqa: N801 - a context, called like a function
    """Context with a network in evaluation mode; every part returns to the mode it was in."""

    def __init__(self, module):
        self.training = [part for part in module.modules() if part.training]
        self.module = module

    def __enter__(self):
        self.module.eval()

    def __exit__(self, *error):
        for part in self.training:
            part.training = True


def _import_torch():
    try:
        import torch
    except ImportError as exc:
        raise ImportError("TorchEmbedding needs torch. Install it: pip install torch") from exc
    return torch


def _wishes(module) -> dict[str, Any]:
    """What a model of timm says about its input, and the channels of the first convolution."""
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
    return isinstance(images, Images) and images.paths is None


def _array(images):
    """Pixels of a batch, read where they live in a home."""
    if not isinstance(images, Images):
        return images
    pixels = np.empty((len(images), *images.shape_of(0)), dtype=images.dtype)
    images.read(np.arange(len(images)), pixels)
    return pixels


def _unit(images):
    """Pixels from 0 to 1."""
    kind = images.dtype.kind
    if kind == "u":
        return images.astype(np.float32) / np.float32(np.iinfo(images.dtype).max)
    unit = images.astype(np.float32)
    if kind != "b" and len(unit) and not (unit.min() >= 0 and unit.max() <= 1):
        raise ValueError(
            f"TorchEmbedding takes uint8, uint16, bool, or floats from 0 to 1, got {images.dtype} "
            f"from {images.min()} to {images.max()}; scale the images first."
        )
    return unit


def _check_one_size(images: FileImages) -> None:
    for row in range(len(images)):
        if images.shape_of(row)[:2] != images.shape_of(0)[:2]:
            raise ValueError(
                f"{printable(images.name_of(row))} has shape {images.shape_of(row)}, "
                f"{printable(images.name_of(0))} has "
                f"{images.shape_of(0)}: pass `size=(height, width)`."
            )
