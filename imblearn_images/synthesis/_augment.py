"""Augmentation: one image, moved and relit at random, with noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import exp, inf, isfinite, log, sqrt
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from imblearn_images._docstrings import substitute
from imblearn_images.core.layers import Layer, in_place
from imblearn_images.core.pixels import as_unit, on_planes
from imblearn_images.synthesis._adapters import AugmentWith
from imblearn_images.synthesis._engines import Engine, engine_of
from imblearn_images.synthesis._flow import elastic_flow
from imblearn_images.synthesis._warp import FILL_MODES, Affine, fold

__all__ = ["Augment"]


def is_number(value: Any) -> bool:
    """Return whether `value` is a finite real number; True and False do not count."""
    return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)


def interval(name: str, value: Any, still: float) -> tuple[float, float]:
    """Return the lowest and highest value to draw.

    Parameters
    ----------
    name : str
        Name of the parameter, for the message.
    value : float or (low, high)
        A number stands for this distance from `still` in both directions.
    still : float
        The value that changes nothing.

    Raises
    ------
    ValueError
        If `value` is neither a number of at least 0 nor such a pair.

    Examples
    --------
    >>> interval("rotation_range", 5, 0), interval("zoom_range", (0.5, 1), 1)
    ((-5, 5), (0.5, 1))
    """
    if is_number(value) and value >= 0:
        return still - value, still + value
    if isinstance(value, (tuple, list)) and len(value) == 2 and all(map(is_number, value)):
        low, high = value
        if low <= high:
            return low, high
    raise ValueError(
        f"`{name}` must be a number that is not negative, or a pair (low, high); got {value!r}."
    )


def in_pixels(shift: tuple[float, float], side: int) -> tuple[float, float]:
    """Return a range of shifts in pixels; below 1, as in Keras, shifts are shares of `side`."""
    unit = side if max(map(abs, shift)) < 1 else 1
    return shift[0] * unit, shift[1] * unit


_AREA, _RATIO = (0.02, 0.2), (0.3, 1 / 0.3)  # of erased rectangles: share of area, height / width

Column = NDArray[np.float64]


def brighten(images: NDArray[Any], factors: Column) -> None:
    """Multiply all pixels of each image by a factor, in place."""
    images *= _by_row(factors, images)


def change_contrast(images: NDArray[Any], factors: Column) -> None:
    """Multiply the differences from the mean of each channel, in place."""
    m, height, width = images.shape[:3]
    planes = images.reshape(m, height * width, -1)
    # Plane by plane: over many images at once, NumPy may add up in another order.
    means = np.array([[plane.copy().mean() for plane in image.T] for image in planes])
    means = means.astype(images.dtype).reshape(m, 1, 1, *images.shape[3:])
    images -= means
    images *= _by_row(factors, images)
    images += means


def add_noise(
    images: NDArray[Any],
    deviations: Column,
    rngs: Sequence[np.random.Generator],
    noise_of: Callable[[np.random.Generator, tuple[int, ...]], NDArray[np.float32]],
) -> None:
    """Add normal noise to images in place, the same to all channels."""
    for image, deviation, rng in zip(images, deviations.tolist(), rngs, strict=True):
        noise = noise_of(rng, image.shape[:2])
        noise *= np.float32(deviation)
        for channel in image.reshape(*noise.shape, -1).transpose(2, 0, 1):
            channel += noise


def rectangle(
    size: tuple[int, ...], *, area: float, ratio: float, y: float, x: float, level: float
) -> tuple[slice, slice]:
    """Return a rectangle in an image of this size, from numbers in 0 to 1 that were drawn."""
    height, width = size
    pixels = (_AREA[0] + area * (_AREA[1] - _AREA[0])) * height * width
    form = exp(log(_RATIO[0]) + ratio * log(_RATIO[1] / _RATIO[0]))
    h = min(height, max(1, round(sqrt(pixels * form))))
    w = min(width, max(1, round(sqrt(pixels / form))))
    top, left = int(y * (height - h + 1)), int(x * (width - w + 1))
    return np.s_[top : top + h, left : left + w]


def _by_row(numbers: Column, images: NDArray[Any]) -> NDArray[Any]:
    """Return one number for each image, in a shape that broadcasts against `images`."""
    return numbers.astype(images.dtype).reshape(-1, *(1,) * (images.ndim - 1))


# Each row draws all of these numbers, so that setting one option does not change the others.
_DRAWN = (
    *("chosen", "rotation", "width_shift", "height_shift", "shear", "zoom_y", "zoom_x"),
    *("horizontal_flip", "vertical_flip", "brightness", "contrast", "noise"),
    *("erase", "erase_area", "erase_ratio", "erase_y", "erase_x", "erase_level"),
)
_AFFINE = {
    "rotation": 0,
    "shear": 0,
    "zoom_y": 1,
    "zoom_x": 1,
    "height_shift": 0,
    "width_shift": 0,
}
_STILL = {**_AFFINE, "brightness": 1, "contrast": 1}  # the values that change nothing


@substitute
class Augment(BaseEstimator):
    """Draw an image as its base, slightly rotated, shifted, scaled and relit.

    The options have the names and units of Keras' ``ImageDataGenerator``, where it has them.
    All random values are drawn uniformly; all affine maps together are one interpolation.

    Read more in the :ref:`User Guide <how-images-are-drawn>`.

    Parameters
    ----------
    rotation_range : float or (low, high), default=5
        Rotation in degrees. A number stands for both directions: -5 to 5.
    width_shift_range, height_shift_range : float or (low, high), default=0.035
        Shift to the side, and up or down: below 1 a share of the width (height), otherwise
        pixels.
    shear_range : float or (low, high), default=2.3
        Shear in degrees.
    zoom_range : float or (low, high), default=0.06
        Scale of the coordinates, drawn for height and width: 0.06 stands for 0.94 to 1.06.
        Above 1 the image shrinks, as in Keras.
    horizontal_flip, vertical_flip : bool, default=False
        Flip half of the images, chosen at random, left to right, or upside down.
    brightness_range : float or (low, high), default=0.1
        Factor of all pixels: 0.1 stands for 0.9 to 1.1.
    contrast_range : float or (low, high), default=0
        Factor of the differences from the mean of a channel.
    noise : float, default=0
        Maximum standard deviation of normal noise, as a share of the whole range of
        brightness; for each synthetic image it is drawn between 0 and this. All channels get the
        same noise.
    elastic : float, default=0
        Standard deviation of a smooth random displacement, as a share of the shorter
        side; beyond 0.03 objects lose their shape.
    erase : float, default=0
        Share of the synthetic images in which a rectangle of 2 to 20 % of the area is filled with
        one random grey.
    fill_mode : {"nearest", "constant", "reflect", "wrap"}, default="nearest"
        What lies beyond the border: the border itself ``aaaa|abcd|dddd``, `cval`, the
        image mirrored ``dcba|abcd|dcba``, or repeated ``abcd|abcd|abcd``.
    cval : float, default=0
        The constant of `fill_mode`, in the unit of the data.
    order : {1, 3}, default=3
        Interpolation: bilinear (1), or bicubic (3), which keeps the image sharp.
    probability : float, default=1
        Share of the synthetic images that are changed; the others are copies.
    {channel_axis}
    {engine}

    See Also
    --------
    Augment.from_callable : Albumentations, torchvision or a function of your own.

    Notes
    -----
    The defaults are mild, because strong augmentation of the smaller classes alone teaches
    a network that distorted images belong to them; with wide ranges, redraw every class.
    Whether a flip keeps the label depends on your data. No noise is added by default: where images
    have little contrast, 1 % of the range hides what they show.

    Pixels are first scaled to 0 to 1: 8 bits by 255, wider integers, and floats beyond 0 to 1,
    by the range of each image. Results are clipped to this range.

    References
    ----------
    C. Shorten, T. M. Khoshgoftaar, "A survey on image data augmentation for deep learning",
    Journal of Big Data 6:60, 2019; erasing: Z. Zhong et al., "Random erasing data
    augmentation", AAAI 2020; elastic: P. Simard et al., "Best practices for convolutional
    neural networks applied to visual document analysis", ICDAR 2003.

    Examples
    --------
    >>> from imblearn_images import RandomOverSampler
    >>> images = np.random.default_rng(0).integers(0, 256, (6, 16, 16), dtype=np.uint8)
    >>> labels = ["cat"] * 4 + ["dog"] * 2
    >>> over = RandomOverSampler(synthesis=Augment(rotation_range=15), random_state=0)
    >>> X_res, y_res = over.fit_resample(images, labels)
    >>> X_res.shape, X_res.dtype
    ((8, 16, 16), dtype('uint8'))
    """

    n_partners = 0
    effort = 20
    looks = False

    def __init__(
        self,
        *,
        rotation_range: Any = 5.0,
        width_shift_range: Any = 0.035,
        height_shift_range: Any = 0.035,
        shear_range: Any = 2.3,
        zoom_range: Any = 0.06,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        brightness_range: Any = 0.1,
        contrast_range: Any = 0.0,
        noise: float = 0.0,
        elastic: float = 0.0,
        erase: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        order: int = 3,
        probability: float = 1.0,
        channel_axis: int | None = None,
        engine: str = "numpy",
    ) -> None:
        self.rotation_range = rotation_range
        self.width_shift_range = width_shift_range
        self.height_shift_range = height_shift_range
        self.shear_range = shear_range
        self.zoom_range = zoom_range
        self.horizontal_flip = horizontal_flip
        self.vertical_flip = vertical_flip
        self.brightness_range = brightness_range
        self.contrast_range = contrast_range
        self.noise = noise
        self.elastic = elastic
        self.erase = erase
        self.fill_mode = fill_mode
        self.cval = cval
        self.order = order
        self.probability = probability
        self.channel_axis = channel_axis
        self.engine = engine

    @staticmethod
    def from_callable(
        function: Callable[..., Any], *, channel_axis: int | None = None
    ) -> AugmentWith:
        """Make a synthesis of an augmentation from elsewhere.

        Parameters
        ----------
        function : callable
            See :class:`AugmentWith`: an ``albumentations.Compose``, a transform of
            ``torchvision.transforms.v2``, or a function ``image -> image``, which gets the
            dtype of the data: arithmetic on uint8 wraps modulo 256.
        channel_axis : int, default=None
            See :class:`AugmentWith`.

        Returns
        -------
        synthesis : AugmentWith

        Examples
        --------
        >>> mirror = Augment.from_callable(np.fliplr)
        >>> mirror.draw(np.arange(3).reshape(1, 1, 3), None, None, [None]).tolist()
        [[[2, 1, 0]]]
        """
        return AugmentWith(function, channel_axis=channel_axis)

    def explain(
        self, base: str, partners: Sequence[str], weights: Sequence[float], rng: Any
    ) -> str:
        """Describe what is drawn from images with these names."""
        return f"{base} augmented"

    @on_planes
    def draw(
        self,
        base: NDArray[Any],
        partners: Any,
        weights: Any,
        rngs: Sequence[np.random.Generator],
    ) -> NDArray[Any]:
        """Draw a block of synthetic images; see :mod:`imblearn_images.core.synthesis`.

        Parameters
        ----------
        base : ndarray of shape (m, H, W) or (m, H, W, C)
            Any dtype of real numbers.
        partners, weights
            Not used.
        rngs : sequence of m Generators
            Random numbers, one generator for each row.

        Returns
        -------
        drawn : ndarray of shape (m, H, W[, C]), float
            In the unit of `base`.

        Raises
        ------
        ValueError
            For a parameter out of its range, flattened images, channels first.
        """
        engine = engine_of(self.engine)
        rows, changes, drawn = self._drawn(base.shape[1:3], rngs)
        children = self._flipped(base[rows], drawn)
        if not len(rows) or not (changes or self.noise or self.elastic or self.erase):
            return _put(children, rows, base)
        own = [rngs[row] for row in rows.tolist()]
        fill = [self._constants(len(rows), base.dtype)] if self.fill_mode == "constant" else []
        (images, *fill), back = as_unit(children, *fill)
        if changes & _AFFINE.keys() and not self.elastic:
            images = engine.follow_affine(images, _affine(drawn), self.order, self.fill_mode, *fill)
        elif (flow := self._flow(images.shape[1:3], changes, drawn, own)) is not None:
            images = engine.follow(images, flow, self.order, self.fill_mode, *fill)
        self._light(images, changes, drawn, own, engine)
        return _put(back(images), rows, base)

    @on_planes
    def layers(
        self,
        base: NDArray[Any],
        partners: Any,
        weights: Any,
        rngs: Sequence[np.random.Generator],
    ) -> list[Layer]:
        """Return where the base is visible; see :mod:`imblearn_images.core.layers`."""
        height, width = size = base.shape[1:3]
        rows, changes, drawn = self._drawn(size, rngs)
        layer = in_place(len(base), size)
        if self.elastic or self.fill_mode in ("reflect", "wrap"):
            own = [rngs[row] for row in rows.tolist()]
            flow = self._flow(size, changes, drawn, own)
            places = in_place(len(rows), size, flow=flow).places
            for axis, (name, side) in enumerate(
                (("vertical_flip", height), ("horizontal_flip", width))
            ):
                if flow is not None and self.fill_mode in ("reflect", "wrap"):
                    places[:, axis] = fold(places[:, axis], side, self.fill_mode)
                if getattr(self, name):
                    flipped = drawn[name] < 0.5
                    places[flipped, axis] = side - 1 - places[flipped, axis]
            bent = np.zeros((len(base), 2, height, width))
            bent[rows] = places - in_place(1, size).places
            layer = in_place(len(base), size, flow=bent)
        elif layer.matrix is not None:
            layer.matrix[rows] = self._matrices((height, width), drawn)
        if self.erase:
            shown = layer.seen.copy()
            for row, window in self._erased(size, drawn):
                shown[rows[row]][window] = False
            layer = replace(layer, shown=shown)
        return [layer]

    @property
    def why_not_carried(self) -> str:
        """Why objects cannot be carried along; empty if they can."""
        if self.fill_mode not in ("reflect", "wrap"):
            return ""
        return (
            f"Augment(fill_mode={self.fill_mode!r}) shows objects near the border a second time, "
            'where no annotation says so. Use fill_mode="nearest" or "constant".'
        )

    def _matrices(
        self, size: tuple[int, int], drawn: dict[str, NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Return the affine maps and flips of the changed rows, one matrix each, (k, 2, 3)."""
        matrices = _affine(drawn).maps(size)
        for axis, name in enumerate(("vertical_flip", "horizontal_flip")):
            if getattr(self, name):
                flipped = drawn[name] < 0.5
                matrices[flipped, axis] *= -1
                matrices[flipped, axis, 2] += size[axis] - 1
        return matrices

    def _drawn(
        self, size: tuple[int, ...], rngs: Sequence[np.random.Generator]
    ) -> tuple[NDArray[np.intp], set[str], dict[str, NDArray[np.float64]]]:
        """Return the rows to change, the names of active options, and random numbers by name."""
        height, width = size
        ranges = self._ranges((height, width))
        uniform = np.array([rng.random(len(_DRAWN)) for rng in rngs])
        rows = np.flatnonzero(uniform[:, 0] < self.probability)
        changes = {name for name, pair in ranges.items() if pair != (_STILL[name],) * 2}
        drawn = dict(zip(_DRAWN, uniform[rows].T.copy(), strict=True))
        for name, (low, high) in ranges.items():
            drawn[name] = low + (high - low) * drawn[name]
        return rows, changes, drawn

    def _flipped(self, images: NDArray[Any], drawn: dict[str, NDArray[np.float64]]) -> NDArray[Any]:
        """Return images, some of them flipped."""
        for name, axis in (("vertical_flip", 1), ("horizontal_flip", 2)):
            if getattr(self, name):
                flip = (drawn[name] < 0.5).reshape(-1, *(1,) * (images.ndim - 1))
                images = np.where(flip, np.flip(images, axis), images)
        return images

    def _flow(
        self,
        size: tuple[int, ...],
        changes: set[str],
        drawn: dict[str, NDArray[np.float64]],
        rngs: Sequence[np.random.Generator],
    ) -> NDArray[np.float32] | None:
        """Return the flow of all affine and elastic maps; None if nothing moves."""
        height, width = size
        flow = None
        if changes & _AFFINE.keys():
            flow = _affine(drawn).flow(size)
        if self.elastic:
            bent = elastic_flow((height, width), self.elastic * min(height, width), rngs)
            flow = bent if flow is None else flow + bent
        return flow

    def _light(
        self,
        images: NDArray[Any],
        changes: set[str],
        drawn: dict[str, NDArray[np.float64]],
        rngs: Sequence[np.random.Generator],
        engine: Engine,
    ) -> None:
        """Change brightness and contrast, add noise and erase rectangles, in place."""
        if "brightness" in changes:
            brighten(images, drawn["brightness"])
        if "contrast" in changes:
            change_contrast(images, drawn["contrast"])
        if self.noise:
            add_noise(images, self.noise * drawn["noise"], rngs, engine.normal)
        if self.erase:
            for row, window in self._erased(images.shape[1:3], drawn):
                images[row][window] = drawn["erase_level"][row]

    def _erased(
        self, size: tuple[int, ...], drawn: dict[str, NDArray[np.float64]]
    ) -> Iterator[tuple[int, tuple[slice, slice]]]:
        """Yield the rows in which a rectangle is erased, and that rectangle."""
        uniform = {name[6:]: drawn[name] for name in _DRAWN if name.startswith("erase_")}
        for row in np.flatnonzero(drawn["erase"] < self.erase).tolist():
            numbers = {name: float(column[row]) for name, column in uniform.items()}
            yield row, rectangle(size, **numbers)

    def _ranges(self, size: tuple[int, int]) -> dict[str, tuple[float, float]]:
        """Check all parameters, and return the range of each random value, shifts in pixels."""
        for name in ("horizontal_flip", "vertical_flip"):
            if not isinstance(getattr(self, name), (bool, np.bool_)):
                raise ValueError(f"`{name}` must be True or False, got {getattr(self, name)!r}.")
        for name, top in {"noise": inf, "elastic": inf, "erase": 1, "probability": 1}.items():
            value = getattr(self, name)
            if not is_number(value) or not 0 <= value <= top:
                upper = "not negative" if top == inf else "from 0 to 1"
                raise ValueError(f"`{name}` must be a number, {upper}; got {value!r}.")
        if self.fill_mode not in FILL_MODES:
            raise ValueError(f"`fill_mode` must be one of {FILL_MODES}, got {self.fill_mode!r}.")
        if self.order not in (1, 3):
            raise ValueError(f"`order` must be 1 (bilinear) or 3 (bicubic), got {self.order!r}.")
        zoom = self._range("zoom", 1)
        if zoom[0] <= 0:
            raise ValueError(f"`zoom_range` must stay above 0, got {self.zoom_range!r}.")
        return {
            "rotation": self._range("rotation", 0),
            "shear": self._range("shear", 0),
            "zoom_y": zoom,
            "zoom_x": zoom,
            "height_shift": in_pixels(self._range("height_shift", 0), size[0]),
            "width_shift": in_pixels(self._range("width_shift", 0), size[1]),
            "brightness": self._range("brightness", 1),
            "contrast": self._range("contrast", 1),
        }

    def _range(self, name: str, still: float) -> tuple[float, float]:
        """Return the lowest and highest value of the parameter ``{name}_range``."""
        return interval(f"{name}_range", getattr(self, f"{name}_range"), still)

    def _constants(self, m: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return `cval` for `m` images, shape (m, 1), in the dtype of the images."""
        if not is_number(self.cval):
            raise ValueError(f"`cval` must be a number, got {self.cval!r}.")
        if dtype.kind in "ui" and not np.iinfo(dtype).min <= self.cval <= np.iinfo(dtype).max:
            raise ValueError(f"`cval` must be a value that {dtype} can hold, got {self.cval!r}.")
        return np.full((m, 1), self.cval).astype(dtype)


def _affine(drawn: dict[str, NDArray[np.float64]]) -> Affine:
    """Return the affine maps of the numbers that were drawn."""
    return Affine(
        drawn["rotation"],
        drawn["shear"],
        (drawn["zoom_y"], drawn["zoom_x"]),
        (drawn["height_shift"], drawn["width_shift"]),
    )


def _put(changed: NDArray[Any], rows: NDArray[np.intp], base: NDArray[Any]) -> NDArray[Any]:
    """Return changed images in their rows, and copies of the base in others."""
    if len(rows) == len(base):
        return changed
    everything = base.astype(changed.dtype)
    everything[rows] = changed
    return everything
