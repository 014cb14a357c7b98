"""Data set of PyTorch whose rows are drawn when they are read."""

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

from imblearn_images.core.annotations import Annotations
from imblearn_images.core.masks import mask_of_outlines
from imblearn_images.core.pixels import find_channels
from imblearn_images.core.targets import plain_list
from imblearn_images.core.validation import check_functions
from imblearn_images.epochs import EpochPlans
from imblearn_images.synthesis._flow import remembered_flows
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
    annotations : Annotations, or label maps of shape (n_source, H, W), default=None
        Of the source images. They are carried along with what is drawn, and are the targets; see
        the notes.
    transforms : callable, default=None
        ``transforms(image, target)`` returns both, as that of a data set of torchvision: for what
        moves objects, too. Instead of `transform` and `target_transform`.
    box : {"auto", "corners", "ellipse"}, default="auto"
        What boxes are carried by; see :func:`~imblearn_images.annotations.carry`.
    min_visible : float, default=0.25
        Share of an object that must be seen.
    min_side : float, default=1.0
        Width and height in pixels that a carried box must have.
    fill : int, default=None
        Label of pixels that show none in a label map; by default 255.

    Attributes
    ----------
    classes : list
        Labels, by target. Of annotations those of the objects.
    class_to_idx : dict
        Label to target. Of annotations from 1 on.
    targets : list of int
        Targets of epoch 0; of several labels an image lists.
    plans : EpochPlans
        As given.

    Raises
    ------
    TypeError
        If `plans` or a transform is something else, or what draws does not say where things are.
    ValueError
        For annotations of other images, and objects that nothing can follow through what draws.

    Notes
    -----
    Where images have several labels, the target is a tensor of shape (n_classes,), float32, 1 where
    the image has the label, as ``torch.nn.BCEWithLogitsLoss`` takes it.

    With `annotations`, a target is a dict of tensors as the detectors of torchvision take it, with
    one row for each of the k objects:

    - ``boxes``, (k, 4), float32: x_min, y_min, x_max, y_max
    - ``labels``, (k,), int64, from 1 on: 0 is the background
    - ``image_id``, int: the source image, also of what is drawn from it
    - ``area``, (k,), float32, in pixels, and ``iscrowd``, (k,), int64
    - ``masks``, (k, H, W), uint8, if there are masks or outlines
    - ``keypoints``, (k, p, 3), float32, if there are some; transforms of torchvision do not move
      them

    Boxes and masks are ``tv_tensors`` where torchvision is installed, which its transforms move.
    Objects of which too little is seen are left out, as ``carry`` does it. With label maps the
    target is a tensor (H, W), int64. Batches are lists: pass a `collate_fn`.

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

    With boxes, which go where their pixels go:

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
                "`transforms` must be None where `transform` or `target_transform` is passed, got "
                f"{transforms!r:.100}. Pass one function of image and target, or the two others."
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
            # what cannot be carried is refused here, and not in a worker
            plans.carry(self._first.rows(self._first.first_drawn()), annotations, **self._how)
        self._process = os.getpid()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state | {"_process": os.getpid()})

    @property
    def classes(self) -> list[Any]:
        """Labels, by target."""
        if isinstance(self.annotations, Annotations):
            return list(self.annotations.classes)
        return plain_list(self.plans.classes_)

    @property
    def class_to_idx(self) -> dict[Any, int]:
        """Label to target."""
        first = int(isinstance(self.annotations, Annotations))
        return {label: at for at, label in enumerate(self.classes, first)}

    @property
    def targets(self) -> list[int]:
        """Targets of epoch 0; made each time, as Python objects would be copied into workers."""
        targets: list[int] = self._first.targets.astype(np.int64).tolist()
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
        """Numbers of classes, rows of 0 and 1, or annotations as torchvision takes them."""
        if self.annotations is None:
            targets = self.plans.targets_of(keys)
            return list(map(_as_tensor, targets)) if targets.ndim > 1 else targets.tolist()
        carried = self.plans.carry(keys, self.annotations, **self._how)
        if not isinstance(carried, Annotations):
            return [_as_mask(each.astype(np.int64)) for each in carried]
        sources = self.plans.sources_of(keys).tolist()
        return [_as_dict(carried, at, source) for at, source in enumerate(sources)]

    def _given(self, image: NDArray[Any]) -> Any:
        if self.transform is None:
            return _as_tensor(image)
        return self.transform(_as_picture(image))

    def _target(self, target: Any) -> Any:
        return target if self.target_transform is None else self.target_transform(target)


def _number(row: Any, n: int) -> int:
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
    """Bring an image of shape (H, W), (H, W, C) or (C, H, W) to (H, W, C), of row vectors none."""
    if image.ndim == 2:
        return image[..., np.newaxis]
    return np.moveaxis(image, find_channels(image.shape)[0], -1) if image.ndim == 3 else image


def _as_tensor(image: NDArray[Any]) -> Any:
    import torch

    planes = np.moveaxis(_channels_last(image), -1, 0) if image.ndim > 1 else image
    return torch.from_numpy(np.ascontiguousarray(planes))


def _tv_tensors() -> Any:
    """Module of torchvision with tensors that know what they are; None where there is none."""
    try:
        return import_module("torchvision.tv_tensors")
    except (ImportError, RuntimeError):  # a build for GPUs cannot be loaded everywhere
        return None


def _as_mask(mask: NDArray[Any]) -> Any:
    import torch

    tensor, known = torch.from_numpy(np.ascontiguousarray(mask)), _tv_tensors()
    return tensor if known is None else known.Mask(tensor)


def _as_dict(annotations: Annotations, at: int, source: int) -> dict[str, Any]:
    """Objects of one image, as the detectors of torchvision take them."""
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
    """Mask of each object: its own, that of its outlines, or that of its box."""
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
    """An image of Pillow where there is one of this kind, else the array."""
    if image.dtype not in (np.uint8, np.bool_) or image.ndim not in (2, 3):
        return image
    planes = _channels_last(image)
    if planes.shape[2] > 4 or (image.dtype == np.bool_ and planes.shape[2] > 1):
        return image
    planes = planes[..., 0] if planes.shape[2] == 1 else planes
    return Image.fromarray(np.ascontiguousarray(planes))
