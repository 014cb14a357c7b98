"""Data sets to try things out: made imbalanced, bundled with scikit-image, or read from folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

import numpy as np
from imblearn.datasets import make_imbalance as draw_rows
from numpy.typing import NDArray
from PIL import Image
from sklearn.utils import Bunch

from imblearn_images.core.columns import told, unwrap_labels
from imblearn_images.core.validation import as_counts
from imblearn_images.folders._loading import load_image_folder, load_label_csv
from imblearn_images.strategies import LongTail, Staircase, Step

__all__ = [
    "LongTail",
    "Staircase",
    "Step",
    "load_image_folder",
    "load_label_csv",
    "load_texture_patches",
    "make_imbalance",
]

PHOTOS = {
    "grey": ("brick.png", "grass.png", "gravel.png"),
    "colour": ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"),
}


def _counts_requested(sampling_strategy: Any, y: Any, **kwargs: Any) -> dict[Any, int]:
    """Return the checked number of images to keep of each class that a strategy names."""
    requested = sampling_strategy(y, **kwargs) if callable(sampling_strategy) else sampling_strategy
    if not isinstance(requested, Mapping):
        raise TypeError(
            "`sampling_strategy` must be a dict {class: number of images} or a callable "
            f"y -> dict such as LongTail(10), Step(10) or Staircase(5), got {requested!r}."
        )
    has = Counter(list(np.asarray(y).reshape(-1)))
    for label, n in as_counts(requested).items():
        if label not in has:
            raise ValueError(
                f"Class {label!r} is not present in the data, which has {[*map(told, has)]}."
            )
        if n < 0:
            raise ValueError(f"Class {label!r}: the number in a class cannot be negative, got {n}.")
        if n > has[label]:
            raise ValueError(
                f"Class {label!r} has {has[label]} images, {n} were requested. The number "
                "should be less or equal to the original."
            )
    return dict(as_counts(requested))


def make_imbalance(
    X: Any,
    y: Any,
    *,
    sampling_strategy: Mapping[Any, int] | Callable[..., Mapping[Any, int]] | None = None,
    random_state: int | np.random.RandomState | None = None,
    verbose: bool = False,
    **kwargs: Any,
) -> tuple[Any, Any]:
    """Keep an exact number of images, or image files, of each class, drawn at random.

    `imblearn.datasets.make_imbalance` for images: same parameters and, with the same seed,
    the same rows, in any container. No row is drawn twice.

    Read more in the :ref:`User Guide <long-tails>`.

    Parameters
    ----------
    X : ndarray of shape (n, ...), list, tuple, Series or DataFrame of n rows
        Images or paths, of any dtype; they are not read.
    y : array-like of shape (n,)
        Labels.
    sampling_strategy : dict or callable
        Number of images to keep per class, or a callable ``y -> dict``: `LongTail`, `Step`,
        `Staircase` or your own. Of classes that are not named, all images are kept.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw.
    verbose : bool, default=False
        Whether to print the class counts before and after.
    **kwargs : dict
        Passed to a callable `sampling_strategy`.

    Returns
    -------
    X_resampled : same container and dtype as `X` (an ndarray for a memmap)
        The images kept, class by class.
    y_resampled : same container and dtype as `y`
        Their labels.

    Raises
    ------
    ValueError
        If `X` and `y` differ in length, a label is missing, there is one class only,
        or a class is unknown, smaller than requested, or its number is negative or not
        whole.
    TypeError
        If `sampling_strategy` is neither dict nor callable.

    Examples
    --------
    >>> X, y = np.zeros((30, 8, 8, 3), dtype=np.uint8), ["cat"] * 20 + ["dog"] * 10
    >>> X_res, y_res = make_imbalance(X, y, sampling_strategy={"dog": 2}, random_state=0)
    >>> X_res.shape, y_res.count("cat"), y_res.count("dog")
    ((22, 8, 8, 3), 20, 2)
    """
    n = X.shape[0] if hasattr(X, "shape") else len(X)
    n_labels = y.shape[0] if hasattr(y, "shape") else len(y)
    if n != n_labels:
        raise ValueError(
            f"X has {n} images, y has {n_labels} labels. Pass one label for each image."
        )
    labels, rewrap_labels = unwrap_labels(y)
    drawn, y_resampled = draw_rows(
        np.arange(n)[:, None],
        labels,
        sampling_strategy=_counts_requested(sampling_strategy, labels, **kwargs),
        random_state=random_state,
        verbose=verbose,
    )
    y_resampled = rewrap_labels(y_resampled)
    rows = drawn[:, 0]
    if isinstance(X, (list, tuple)):
        return type(X)(X[row] for row in rows), y_resampled
    if not hasattr(X, "iloc"):
        return X[rows], y_resampled
    X_resampled = X.iloc[rows]
    if hasattr(y_resampled, "iloc"):
        y_resampled.index = X_resampled.index
    return X_resampled, y_resampled


def _patches(photo: NDArray[np.uint8], size: int) -> tuple[NDArray[Any], ...]:
    """Return the patches of a photo, (n, size, size[, 3]), their origins (n, 2) and quadrants."""
    grid = np.array(photo.shape[:2]) // size
    height, width = grid * size
    blocks = photo[:height, :width].reshape(grid[0], size, grid[1], size, -1).swapaxes(1, 2)
    origins = np.argwhere(np.ones(grid)) * size
    quadrants = (origins + size / 2 >= np.array(photo.shape[:2]) / 2) @ [2, 1]
    return blocks.reshape(-1, size, size, *photo.shape[2:]), origins, quadrants


def load_texture_patches(
    *,
    images: str = "grey",
    size: int = 32,
    sampling_strategy: Mapping[Any, int] | Callable[..., Mapping[Any, int]] | None = None,
    random_state: int | np.random.RandomState | None = 0,
    return_X_y: bool = False,
) -> Any:
    """Load a few hundred real, labelled, imbalanced images: square patches of photos.

    The photos are part of the scikit-image package; nothing is downloaded. Each photo is one
    class and is cut without overlap (a rim narrower than `size` is left out).

    Read more in the :ref:`User Guide <quickstart>`.

    Parameters
    ----------
    images : {"grey", "colour"}, default="grey"
        "grey": the textures brick, grass, gravel, 256 patches of 32 x 32 each. "colour": the
        RGB photos astronaut, chelsea (a cat), coffee, rocket: 256, 126, 216, 260.
    size : int, default=32
        Side of a patch in pixels, from 1 to half the shortest side of the photos.
    sampling_strategy : dict, callable or None, default=None
        Number of patches per class, as in `make_imbalance`. None is ``LongTail(10)``: 256 brick,
        80 grass, 25 gravel at 32 x 32. ``{}`` keeps every patch: balanced for "grey".
    random_state : int, RandomState instance or None, default=0
        Seed of the draw.
    return_X_y : bool, default=False
        Whether to return ``(images, target)`` instead of a Bunch.

    Returns
    -------
    data : `~sklearn.utils.Bunch`
        With the n patches in reading order, class by class:

        images : ndarray of shape (n, size, size) or (n, size, size, 3), uint8
        target : ndarray of shape (n,), str
        target_names : ndarray of shape (n_classes,), str
        origins : ndarray of shape (n, 2), int, row and column of a patch's first pixel
        groups : ndarray of shape (n,), int, quadrant 0 ... 3 of the photo. Adjacent patches look
        alike: ``GroupKFold(4)`` validates on a quadrant without training patches
        DESCR : str

    Raises
    ------
    ValueError
        If `images` or `size` is not allowed, or as in `make_imbalance`.
    ModuleNotFoundError
        If scikit-image is not installed.

    Examples
    --------
    >>> X, y = load_texture_patches(return_X_y=True)
    >>> X.shape, X.dtype, Counter(y.tolist())
    ((361, 32, 32), dtype('uint8'), Counter({'brick': 256, 'grass': 80, 'gravel': 25}))
    """
    if images not in PHOTOS:
        raise ValueError(f"`images` must be one of {sorted(PHOTOS)}, got {images!r}.")
    try:
        folder = files("skimage") / "data"
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "The photos come with scikit-image. Install it: pip install scikit-image"
        ) from error
    photos = {}
    for name in PHOTOS[images]:
        with (folder / name).open("rb") as file, Image.open(file) as photo:
            photos[name.split(".")[0]] = np.asarray(photo)
    largest = min(side for photo in photos.values() for side in photo.shape[:2]) // 2
    if not isinstance(size, (int, np.integer)) or not 1 <= size <= largest:
        raise ValueError(
            f"`size` must be an integer from 1 to {largest} for {images!r}, got {size!r}."
        )
    cut = [_patches(photo, int(size)) for photo in photos.values()]
    patches, origins, groups = map(np.concatenate, zip(*cut, strict=True))
    target = np.repeat(list(photos), [len(c[0]) for c in cut])
    strategy = LongTail(10) if sampling_strategy is None else sampling_strategy
    rows, _ = make_imbalance(
        np.arange(len(target)), target, sampling_strategy=strategy, random_state=random_state
    )
    rows.sort()
    if return_X_y:
        return patches[rows], target[rows]
    return Bunch(
        images=patches[rows],
        target=target[rows],
        target_names=np.array(list(photos)),
        origins=origins[rows],
        groups=groups[rows],
        DESCR=f"{len(rows)} patches of {size} x {size} pixels, cut without overlap from the photos "
        f"{', '.join(photos)} of scikit-image, all CC0 or in the public domain; the label is the "
        "photo's name.",
    )
