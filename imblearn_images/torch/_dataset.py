"""PlanDataset: a data set of PyTorch whose rows are drawn when they are read."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from importlib import import_module
from operator import index
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imblearn_images.core.annotations import Annotations, mask_of_outlines
from imblearn_images.core.columns import plain_list
from imblearn_images.core.pixels import find_channels
from imblearn_images.core.validation import check_functions
from imblearn_images.epochs import EpochPlans
from imblearn_images.synthesis._flow import remembered_flows
from imblearn_images.torch._bases import base, check_torch

__all__ = ["PlanDataset"]

Dataset: Any = base("torch.utils.data", "Dataset")


class PlanDataset(Dataset):
    """Images of epoch plans for a ``torch.utils.data.DataLoader``, drawn when they are read.

    A map-style data set: ``dataset[i]`` is row i of epoch 0, and ``dataset[key]`` is the row of a
    key that a ``PlanSampler`` yields, in any epoch. The result depends only on key, images and
    transform, not on the worker, the number of workers, the start method, the rank or the epoch;
    persistent workers need not be informed of anything. Batches are drawn together.

    Read more in the :ref:`User Guide <training-loops>`.

    Parameters
    ----------
    plans : EpochPlans
        The plans of all epochs; for validation ``EpochPlans.of(X, y, classes=train.classes_)``.
    transform : callable, default=None
        Transform of torchvision or your own. Like that of ``ImageFolder``, it gets an image of
        Pillow if the images are uint8 or bool with 1 to 4 channels; otherwise an array. By default
        images become tensors of shape (C, H, W) with their own dtype, 0 to 255 for uint8.
    target_transform : callable, default=None
        Function of the target, an int.
    annotations : Annotations, or label maps of shape (n_source, H, W), default=None
        Annotations of the source images. They are carried along with the images that are drawn,
        and become the targets; see the notes.
    transforms : callable, default=None
        ``transforms(image, target)`` returns both, as for a data set of torchvision, so that it can
        move objects, too. Instead of `transform` and `target_transform`.
    box : {"auto", "corners", "ellipse"}, default="auto"
        How boxes are carried; see :func:`~imblearn_images.annotations.carry`.
    min_visible : float, default=0.25
        Minimum visible share of an object.
    min_side : float, default=1.0
        Minimum width and height of a carried box in pixels.
    fill : int, default=None
        Label, in a label map, of pixels that show no source image; by default 255.

    Attributes
    ----------
    classes : list
        Labels in the order of their targets; with annotations, those of the objects.
    class_to_idx : dict
        Target of each label; with annotations, from 1.
    targets : list of int
        Targets of epoch 0; with several labels per image, a list of lists.
    plans : EpochPlans
        The parameter `plans`.

    Raises
    ------
    TypeError
        If `plans` or a transform has another type, or a synthesis has no `layers` and so cannot
        carry annotations.
    ValueError
        If annotations are those of other images, or objects cannot be carried through a
        synthesis.

    Notes
    -----
    If images have several labels, the target is a tensor of shape (n_classes,), float32, with 1
    where the image has the label, as ``torch.nn.BCEWithLogitsLoss`` takes it.

    With `annotations`, a target is a dict of tensors, as the detectors of torchvision take it, with
    one row for each of the k objects:

    - ``boxes``, (k, 4), float32: x_min, y_min, x_max, y_max
    - ``labels``, (k,), int64, from 1, because 0 is the background
    - ``image_id``, int: the source image; a synthetic image has that of its base
    - ``area``, (k,), float32, in pixels, and ``iscrowd``, (k,), int64
    - ``masks``, (k, H, W), uint8, if there are masks or outlines
    - ``keypoints``, (k, p, 3), float32, if there are some; transforms of torchvision do not move
      them

    If torchvision is installed, boxes and masks are ``tv_tensors``, which its transforms move.
    Objects of which too little is visible are left out, as by ``carry``. With label maps the target
    is a tensor of shape (H, W), int64. Batches of such targets are lists: pass a `collate_fn`.

    Random numbers of a `transform` come from the generator of the worker, so that its results
    depend on the number of workers. To have the same images everywhere, put the transform into the
    plan: ``synthesis=Augment.from_callable(...)``.

    If processes are not forked (Windows, macOS, Python 3.14), `plans` are pickled: arrays in memory
    are copied into each worker, memmaps and files are opened again.

    If later epochs have more or fewer rows than epoch 0, ``len`` is that of epoch 0.

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

    With boxes, which move with their pixels:

    >>> from imblearn_images.annotations import Annotations
    >>> n = len(images)
    >>> boxes = Annotations.of([[[4, 4, 20, 12]]] * n, [["crack"]] * n, (32, 32))
    >>> annotated = PlanDataset(plans, annotations=boxes)
    >>> _, target = annotated[700]
    >>> list(target), target["labels"].tolist(), annotated.class_to_idx
    (['boxes', 'labels', 'image_id', 'area', 'iscrowd'], [1], {'crack': 1})
    >>> target["boxes"].round().tolist() == boxes.boxes[:1].tolist()
    False
    """

    def __init__(
        self,
        plans: EpochPlans,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        *,
        annotations: Any = None,
        transforms: Callable[[Any, Any], Any] | None = None,
        box: str = "auto",
        min_visible: float = 0.25,
        min_side: float = 1.0,
        fill: int | None = None,
    ) -> None:
        check_torch(type(self).__name__)
        if not isinstance(plans, EpochPlans):
            raise TypeError(
                f"`plans` must be EpochPlans, got {plans!r:.100}. Pass EpochPlans(resampler, X, y)."
            )
        check_functions(
            transform=transform, target_transform=target_transform, transforms=transforms
        )
        if transforms is not None and (transform is not None or target_transform is not None):
            raise ValueError(
                "`transforms` must be None if `transform` or `target_transform` is passed, got "
                f"{transforms!r:.100}. Pass either it or these two."
            )
        self.plans = plans
        self.transform = transform
        self.target_transform = target_transform
        self.transforms = transforms
        self.annotations = annotations
        self._how: dict[str, Any] = {
            "box": box,
            "min_visible": min_visible,
            "min_side": min_side,
            "fill": fill,
        }
        self._first = plans(0)
        if annotations is not None:
            plans.check_annotations(annotations)
            # What cannot be carried raises here, not later in a worker.
            plans.carry(self._first.rows(self._first.first_drawn()), annotations, **self._how)
        self._process = os.getpid()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state | {"_process": os.getpid()})

    @property
    def classes(self) -> list[Any]:
        """Labels in the order of their targets."""
        if isinstance(self.annotations, Annotations):
            return list(self.annotations.classes)
        return plain_list(self.plans.classes_)

    @property
    def class_to_idx(self) -> dict[Any, int]:
        """Target of each label."""
        first = int(isinstance(self.annotations, Annotations))
        return {label: at for at, label in enumerate(self.classes, first)}

    @property
    def targets(self) -> list[int]:
        """Targets of epoch 0; made in each call, because workers would copy Python objects."""
        targets: list[int] = self._first.targets.astype(np.int64).tolist()
        return targets

    def __len__(self) -> int:
        return len(self._first)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.plans!r})"

    def __getitem__(self, row: Any) -> tuple[Any, Any]:
        """Return image and target of a row of epoch 0, or of a key."""
        return self.__getitems__([row])[0]

    def __getitems__(self, rows: Sequence[Any]) -> list[tuple[Any, Any]]:
        """Return images and targets of several rows, drawn together."""
        if os.getpid() != self._process:
            # In a forked worker the garbage collector would write to all objects inherited from the
            # main process, at least 75 MB of imported modules, and so force copies of them.
            gc.freeze()
            self._process = os.getpid()
        keys = [row if isinstance(row, tuple) else None for row in rows]
        numbers = [at for at, key in enumerate(keys) if key is None]
        if numbers:
            first = self._first.rows([_number(rows[at], len(self)) for at in numbers])
            for at, key in zip(numbers, first, strict=True):
                keys[at] = key
        images, targets = self._drawn(keys)
        if self.transforms is not None:
            return [
                self.transforms(_as_picture(image), target)
                for image, target in zip(images, targets, strict=True)
            ]
        return [
            (self._given(image), self._target(target))
            for image, target in zip(images, targets, strict=True)
        ]

    def _drawn(self, keys: Sequence[Any]) -> tuple[list[NDArray[Any]], list[Any]]:
        """Images and targets of some keys."""
        if self.annotations is None:
            return self.plans.draw(keys), self._targets(keys)
        with remembered_flows():  # along which images are drawn, and then annotations carried
            return self.plans.draw(keys), self._targets(keys)

    def _targets(self, keys: Sequence[Any]) -> list[Any]:
        """Return the targets of keys: class numbers, rows of 0 and 1, or annotations."""
        if self.annotations is None:
            targets = self.plans.targets_of(keys)
            return list(map(_as_tensor, targets)) if targets.ndim > 1 else targets.tolist()
        carried = self.plans.carry(keys, self.annotations, **self._how)
        if not isinstance(carried, Annotations):
            return [_as_mask(each.astype(np.int64)) for each in carried]
        sources = self.plans.sources_of(keys).tolist()
        return [_as_dict(carried, at, source) for at, source in enumerate(sources)]

    def _given(self, image: NDArray[Any]) -> Any:
        """Return an image after `transform`, or as a tensor."""
        if self.transform is None:
            return _as_tensor(image)
        return self.transform(_as_picture(image))

    def _target(self, target: Any) -> Any:
        """Return a target after `target_transform`."""
        return target if self.target_transform is None else self.target_transform(target)


def _number(row: Any, n: int) -> int:
    """Return a row number from 0, given one that may be negative."""
    try:
        if isinstance(row, (bool, np.bool_)):
            raise TypeError  # one entry of a mask
        return range(n)[index(row)]
    except TypeError:
        raise TypeError(
            f"`row` must be the number of a row or a key of EpochImages.rows, got {row!r:.100}. "
            "Pass one row, or use a DataLoader."
        ) from None
    except IndexError:
        raise IndexError(f"Epoch 0 has {n} rows, got row {row}.") from None


def _channels_last(image: NDArray[Any]) -> NDArray[Any]:
    """Return an image of shape (H, W), (H, W, C) or (C, H, W) as (H, W, C); a vector unchanged."""
    if image.ndim == 2:
        return image[..., np.newaxis]
    return np.moveaxis(image, find_channels(image.shape)[0], -1) if image.ndim == 3 else image


def _as_tensor(image: NDArray[Any]) -> Any:
    """Return an image as a tensor of shape (C, H, W)."""
    import torch

    planes = np.moveaxis(_channels_last(image), -1, 0) if image.ndim > 1 else image
    return torch.from_numpy(np.ascontiguousarray(planes))


def _tv_tensors() -> Any:
    """Return the module ``torchvision.tv_tensors``, or None if it cannot be imported."""
    try:
        return import_module("torchvision.tv_tensors")
    except (ImportError, RuntimeError):  # RuntimeError: a build that does not fit torch
        return None


def _as_mask(mask: NDArray[Any]) -> Any:
    """Return a mask as a tensor, of torchvision's class for masks if there is one."""
    import torch

    tensor, known = torch.from_numpy(np.ascontiguousarray(mask)), _tv_tensors()
    return tensor if known is None else known.Mask(tensor)


def _as_dict(annotations: Annotations, at: int, source: int) -> dict[str, Any]:
    """Return the objects of one image as the detectors of torchvision take them."""
    import torch

    where, known = annotations.objects_of(at), _tv_tensors()
    size: Any = tuple(annotations.sizes[at].tolist())
    sides = annotations.boxes[where, 2:] - annotations.boxes[where, :2]
    boxes = torch.from_numpy(annotations.boxes[where].astype(np.float32))
    if known is not None:
        boxes = known.BoundingBoxes(boxes, format="XYXY", canvas_size=size)
    crowd = annotations.columns.get("iscrowd", np.zeros(len(annotations.boxes)))[where]
    target: dict[str, Any] = {
        "boxes": boxes,
        "labels": torch.from_numpy(annotations.codes[where].astype(np.int64) + 1),
        "image_id": source,
        "area": torch.from_numpy(sides.prod(axis=1).astype(np.float32)),
        "iscrowd": torch.from_numpy(crowd.astype(np.int64)),
    }
    if annotations.masks is not None or annotations.polygons is not None:
        masks = _masks(annotations, where, size)
        target["masks"] = _as_mask(masks)
        target["area"] = torch.from_numpy(masks.sum(axis=(1, 2), dtype=np.float32))
    if annotations.keypoints is not None:
        target["keypoints"] = torch.from_numpy(annotations.keypoints[where].astype(np.float32))
    return target


def _masks(annotations: Annotations, where: slice, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a mask for each object: its own, that of its outlines, or that of its box."""
    masks = np.zeros((where.stop - where.start, *size), dtype=np.uint8)
    for mask, at in zip(masks, range(where.start, where.stop), strict=True):
        runs = None if annotations.masks is None else annotations.masks[at]
        outlines = None if annotations.polygons is None else annotations.polygons[at]
        if runs is not None:
            mask[...] = runs.mask()
        elif outlines is not None:
            mask[...] = mask_of_outlines(outlines, size)
        else:
            left, top, right, bottom = annotations.boxes[at]
            corners = [[left, top], [right, top], [right, bottom], [left, bottom]]
            mask[...] = mask_of_outlines([np.array(corners)], size)
    return masks


def _as_picture(image: NDArray[Any]) -> Any:
    """Return an image of Pillow if Pillow has a mode for it, otherwise the array."""
    if image.dtype not in (np.uint8, np.bool_) or image.ndim not in (2, 3):
        return image
    planes = _channels_last(image)
    # Pillow has no mode for more channels, nor for colours of one bit.
    if planes.shape[2] > 4 or (image.dtype == np.bool_ and planes.shape[2] > 1):
        return image
    planes = planes[..., 0] if planes.shape[2] == 1 else planes
    return Image.fromarray(np.ascontiguousarray(planes))
