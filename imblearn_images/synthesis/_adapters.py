"""Adapters: augmentations of other libraries, and plain functions, as a synthesis."""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if

from imblearn_images.core.layers import Layer, in_place
from imblearn_images.core.pixels import as_unit, channels_back, channels_last, check_same_unit

__all__ = ["AugmentWith"]

_Row = Callable[[NDArray[Any], np.random.Generator], Any]
_Placed = Callable[[NDArray[Any], NDArray[np.float32], np.random.Generator], NDArray[Any]]

_torch_seed = Lock()  # PyTorch's transforms share one generator between all threads


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

        The first two get uint8 as it is, and other dtypes as float32 in 0 to 1. A function gets
        the dtype of the data, which functions of other libraries expect, and must return its
        unit. Arithmetic on uint8 wraps, 200 + 100 is 44: compute on ``image.astype(float)``.
    channel_axis : int, default=None
        Axis of one image that holds the channels, as in scikit-image: 0 for (C, H, W), -1 for
        (H, W, C); `function` then gets images with channels last. ``None``: a function gets the
        images as they are; for transforms of the two libraries channels are last, and an
        ambiguous shape, such as (12, 32, 32), is refused.

    See Also
    --------
    Augment : Without another library.

    Notes
    -----
    Objects are carried through the transforms of Albumentations and torchvision (not through
    functions and other modules): the transform gets a mask that holds the position of every pixel,
    and moves it as it moves the image. If that is an affine map, objects are carried by its
    matrix. Pixels that Albumentations' transforms drop hide objects; torchvision's
    ``RandomErasing`` leaves masks alone, so objects behind its rectangle count as visible.
    A `Compose` may have ``bbox_params`` or ``keypoint_params``, which are not used.

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
        """Return the parameters, without those that the function itself may have."""
        return {"function": self.function, "channel_axis": self.channel_axis}

    def __sklearn_clone__(self) -> AugmentWith:
        return AugmentWith(copy.deepcopy(self.function), channel_axis=self.channel_axis)

    def explain(
        self, base: str, partners: Sequence[str], weights: Sequence[float], rng: Any
    ) -> str:
        """Describe what is drawn from images with these names."""
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
        if _is_albumentations(self.function):
            change = _albumentations(copy.deepcopy(self.function))  # seeding changes its state
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

    @property
    def why_not_carried(self) -> str:
        """Why objects cannot be carried along; empty if they can."""
        for part in _parts(self.function):
            for name in ("border_mode", "padding_mode"):
                mode = getattr(part, name, None)
                if isinstance(mode, (int, str)) and mode in MIRRORS:
                    return (
                        f"{type(part).__name__}({name}={mode!r}) shows objects near the border a "
                        "second time, where no annotation says so. Use a constant border, or one "
                        "that repeats the last pixel."
                    )
        return ""

    @available_if(lambda self: _says_where(self.function))
    def layers(
        self,
        base: NDArray[Any],
        partners: Any,
        weights: Any,
        rngs: Sequence[np.random.Generator],
    ) -> list[Layer]:
        """Return where the base is visible; see :mod:`imblearn_images.core.layers`."""
        planes = channels_last(base, self.channel_axis, type(self).__name__)
        if planes.dtype != np.uint8:
            (planes,), _ = as_unit(planes)
            planes = planes.astype(np.float32)
        size = planes.shape[1:3]
        known = np.empty((*size, 3), dtype=np.float32)
        known[..., 0], known[..., 1] = np.indices(size, dtype=np.float32)
        known[..., 2] = KNOWN
        place = _albumentations_places if _is_albumentations(self.function) else _torch_places
        moved = place(self.function)
        found = [
            _found(moved(image.copy(), known.copy(), rng), size)
            for image, rng in zip(planes, rngs, strict=True)
        ]
        matrices, flows, shown = zip(*found, strict=True)
        is_bent = np.array([flow is not None for flow in flows])
        layers = []
        for rows in (np.flatnonzero(~is_bent), np.flatnonzero(is_bent)):
            if not len(rows):
                continue
            seen = np.stack([shown[row] for row in rows])
            how: dict[str, Any] = {"matrix": np.stack([matrices[row] for row in rows])}
            if is_bent[rows[0]]:
                how = {"flow": np.stack([flows[row] for row in rows])}
            own = in_place(len(rows), size, seen=None if seen.all() else seen, **how)
            layers.append(own if len(rows) == len(base) else own.spread(rows, len(base)))
        return layers

    def _each(
        self, change: _Row, images: NDArray[Any], rngs: Sequence[np.random.Generator]
    ) -> NDArray[Any]:
        """Return all images changed one by one, after checking shape and unit."""
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
    """Return an image after `change`, which gets a copy, because it may work in place."""
    return np.asarray(change(image.copy(), rng))


def _plain(function: Callable[..., Any]) -> _Row:
    """Return a function of image and generator that calls a plain function."""
    if not callable(function):
        raise TypeError(
            f"`function` must be a transform, or a function image -> image, got {function!r}."
        )
    if type(function).__module__.startswith("albumentations."):
        raise TypeError(
            "This Albumentations is too old to be seeded; pip install --upgrade albumentations."
        )
    if _takes_generator(function):
        return lambda image, rng: function(image, rng=rng)
    return lambda image, rng: function(image)


def _takes_generator(function: Callable[..., Any]) -> bool:
    """Return whether a function has a parameter `rng`."""
    try:
        return "rng" in inspect.signature(function).parameters
    except ValueError:  # some functions written in C have no signature
        return False


def _is_albumentations(function: Any) -> bool:
    """Return whether `function` is a transform of Albumentations 2, which can be seeded."""
    return hasattr(function, "set_random_seed")


def _parts(transform: Any) -> list[Any]:
    """Return a transform and all transforms that it is composed of."""
    inner = getattr(transform, "transforms", None)
    listed = list(inner) if isinstance(inner, Iterable) else []
    return [transform, *(part for each in listed for part in _parts(each))]


def _nothing(transform: Any) -> dict[str, Any]:
    """Return empty boxes, keypoints and labels, which a Compose with such parameters requires."""
    given: dict[str, Any] = {}
    for name, processor in (getattr(transform, "processors", None) or {}).items():
        given[name] = np.empty((0, 4 if name == "bboxes" else 2), dtype=np.float32)
        given |= {field: [] for field in getattr(processor.params, "label_fields", None) or ()}
    return given


def _albumentations(transform: Any) -> _Row:
    """Return a function of image and generator that seeds and calls an Albumentations transform."""
    nothing = _nothing(transform)

    def change(image: NDArray[Any], rng: np.random.Generator) -> Any:
        transform.set_random_seed(int(rng.integers(1 << 32)))
        return transform(image=image, **nothing)["image"]

    return change


# The third channel of the mask of positions has this value everywhere: after the transform, pixels
# with another value show nothing, or are mixed with what lies beyond the border.
KNOWN = 1234.5
MIRRORS = {2, 3, 4, "reflect", "symmetric"}  # OpenCV's reflect, wrap, reflect_101; torchvision's
LINEAR = 1  # OpenCV's code of bilinear interpolation
# Pixels by which positions may differ from an affine map; OpenCV has 32 steps per pixel.
EXACT, ROUNDED = 0.08, 0.75
FAR = 1e6  # pixels beyond the border
SAMPLE = 4096  # pixels to which a matrix is fitted


def _albumentations_places(function: Any) -> _Placed:
    """Return a function of image, positions and generator that moves positions as the image."""
    transform = copy.deepcopy(function)
    # The mask holds positions, not classes, so it has to be interpolated.
    for part in _parts(transform):
        for name, value in (("mask_interpolation", LINEAR), ("border_mode", 0), ("fill_mask", 0.0)):
            if hasattr(part, name):
                setattr(part, name, value)
    nothing = _nothing(transform)

    def move(
        image: NDArray[Any], places: NDArray[np.float32], rng: np.random.Generator
    ) -> NDArray[Any]:
        transform.set_random_seed(int(rng.integers(1 << 32)))
        return np.asarray(transform(image=image, mask=places, **nothing)["mask"])

    return move


def _torch_places(transform: Any) -> _Placed:
    """Return a function of image, positions and generator that moves positions as the image."""
    import torch

    kind = _torch_kind()

    def move(
        image: NDArray[Any], places: NDArray[np.float32], rng: np.random.Generator
    ) -> NDArray[Any]:
        planes = np.moveaxis(image.reshape(*image.shape[:2], -1), -1, 0)
        tensor = torch.from_numpy(np.ascontiguousarray(planes))
        known = torch.from_numpy(np.ascontiguousarray(np.moveaxis(places, -1, 0)))
        with _torch_seed, torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(int(rng.integers(1 << 63)))
            _, moved = transform(tensor, known.as_subclass(kind))
        return np.moveaxis(np.asarray(moved), 0, -1)

    return move


MOVES = (
    *("horizontal_flip", "vertical_flip", "resize", "crop", "center_crop", "resized_crop", "pad"),
    *("rotate", "affine", "perspective", "elastic"),
)
"""torchvision's functions that move pixels."""


@cache
def _torch_kind() -> Any:
    """Return a type of tensors that torchvision moves as images, but whose values it never changes.

    Its masks would not do: they are moved by the nearest pixel, which is off by up to half a pixel.
    """
    from torch import Tensor
    from torchvision import tv_tensors
    from torchvision.transforms.v2 import InterpolationMode, functional

    class Places(tv_tensors.TVTensor):
        pass

    fixed = {
        "interpolation": InterpolationMode.BILINEAR,
        "antialias": False,
        "fill": 0,
        "padding_mode": "constant",
    }
    for name in MOVES:

        def moved(places: Any, *args: Any, name: str = name, **kwargs: Any) -> Any:
            kernel = getattr(functional, f"{name}_image")
            given = inspect.signature(kernel).bind(places.as_subclass(Tensor), *args, **kwargs)
            known = given.signature.parameters
            given.arguments |= {key: value for key, value in fixed.items() if key in known}
            return kernel(*given.args, **given.kwargs).as_subclass(Places)

        functional.register_kernel(getattr(functional, name), Places)(moved)
    return Places


def _says_where(function: Any) -> bool:
    """Return whether a transform moves masks along with images."""
    if _is_albumentations(function):
        return True
    v2 = sys.modules.get("torchvision.transforms.v2")
    return v2 is not None and isinstance(function, v2.Transform)


def _found(
    moved: NDArray[Any], size: tuple[int, ...]
) -> tuple[NDArray[np.float64], NDArray[Any] | None, NDArray[np.bool_]]:
    """Fit an affine map to moved positions, (H, W, 3).

    Returns
    -------
    matrix : ndarray of shape (2, 3)
        The map.
    flow : ndarray of shape (2, H, W) or None
        The flow, if the map is not affine.
    seen : ndarray of shape (H, W), dtype bool
        The pixels that show the base.
    """
    seen = np.abs(moved[..., 2] - KNOWN) < 0.05  # leaves out pixels mixed with the border
    pixels = np.column_stack([*np.nonzero(seen)]).astype(np.float64)
    if len(pixels) < 3:  # nothing of the base is visible: a map that leads far outside
        return np.array([[1.0, 0.0, FAR], [0.0, 1.0, FAR]]), None, np.ones_like(seen)
    places = moved[seen][:, :2].astype(np.float64)
    some = np.unique(np.linspace(0, len(pixels) - 1, SAMPLE).astype(int))
    unknown = np.column_stack([pixels, np.ones(len(pixels))])
    solved = np.linalg.lstsq(unknown[some], places[some], rcond=None)[0]
    off = np.abs(unknown @ solved - places).max()
    matrix: NDArray[np.float64] = solved.T
    everywhere = in_place(1, size, matrix=matrix[None])
    is_rounded = bool((places == np.rint(places)).all())
    if off < (ROUNDED if is_rounded else EXACT):
        at = everywhere.places[0]
        within = np.all([(p >= 1) & (p <= side - 2) for p, side in zip(at, size, strict=True)], 0)
        # Pixels beyond the border of the base are not hidden: the matrix says where they lie.
        return matrix, None, seen | ~within
    flow = everywhere.flow[0].copy()
    flow[:, seen] = places.T - pixels.T
    return matrix, flow, seen


def _is_torch(function: Any) -> bool:
    """Return whether `function` is a module of PyTorch."""
    torch = sys.modules.get("torch")  # a caller who passes a module has imported it
    return torch is not None and isinstance(function, torch.nn.Module)


def _torch(transform: Any) -> _Row:
    """Return a function of image and generator that seeds PyTorch and calls one of its modules."""
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
