"""Image sets to try things on: cut out of balance, bundled, or read from class folders."""

from __future__ import annotations

import math
import os
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from imblearn.datasets import make_imbalance as draw_rows
from numpy.typing import NDArray
from PIL import Image
from sklearn.utils import Bunch

__all__ = [
    "LongTail",
    "Staircase",
    "Step",
    "load_image_folder",
    "load_texture_patches",
    "make_imbalance",
]

PHOTOS = {
    "grey": ("brick.png", "grass.png", "gravel.png"),
    "colour": ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"),
}
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm")


def _largest_first(y: Any) -> tuple[list[Any], list[int]]:
    labels, counts = np.unique(y, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return labels[order].tolist(), counts[order].tolist()


def _whole(number: float) -> int:
    # round first: 1000 / 1000 ** (2 / 3) must not lose an image to the last bit
    return max(1, int(round(number, 6)))


def _check_ratio(ratio: float) -> None:
    if not 1 < ratio < math.inf:
        raise ValueError(f"ratio={ratio!r}: largest class / smallest class is a number above 1")


@dataclass(frozen=True)
class LongTail:
    """Exponential long tail of class sizes, as in CIFAR-LT.

    Like `Step` and `Staircase` a callable ``y -> {class: number to keep}``, for
    `make_imbalance` and as ``sampling_strategy`` of every under-sampler that takes a dict.
    In all three the classes stand in order of size (largest first, ties by label), numbers
    are rounded down to at least 1, and no class keeps more than it has.
    Here the k-th of C classes, k = 0 ... C - 1, keeps ``n_max * ratio ** (-k / (C - 1))``.

    Parameters
    ----------
    ratio : float
        Largest class / smallest class. A ValueError unless finite and above 1.

    References
    ----------
    Cui et al., "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019.

    Examples
    --------
    >>> LongTail(100)(["cat"] * 200 + ["dog"] * 200 + ["owl"] * 50)
    {'cat': 200, 'dog': 20, 'owl': 2}
    """

    ratio: float

    def __post_init__(self) -> None:
        _check_ratio(self.ratio)

    def __call__(self, y: Any) -> dict[Any, int]:
        """Return the number to keep of each class in `y`, array-like of shape (n,)."""
        labels, counts = _largest_first(y)
        last = max(len(labels) - 1, 1)
        tail = [_whole(counts[0] / self.ratio ** (k / last)) for k in range(len(labels))]
        return dict(zip(labels, map(min, counts, tail), strict=True))


@dataclass(frozen=True)
class Step:
    """Step imbalance: some classes stay whole, the others are cut to ``n_max / ratio``.

    Parameters
    ----------
    ratio : float
        Largest class / each minority class. A ValueError unless finite and above 1.
    minority : float, default=0.5
        Fraction of the classes that is cut, the smallest ones: rounded down, but at least
        one class and never all. A ValueError unless between 0 and 1.

    References
    ----------
    Buda, Maki, Mazurowski, "A systematic study of the class imbalance problem in
    convolutional neural networks", Neural Networks 106, 2018.

    Examples
    --------
    >>> Step(10)(["cat"] * 200 + ["dog"] * 200 + ["owl"] * 50 + ["yak"] * 9)
    {'cat': 200, 'dog': 200, 'owl': 20, 'yak': 9}
    """

    ratio: float
    minority: float = 0.5

    def __post_init__(self) -> None:
        _check_ratio(self.ratio)
        if not 0 < self.minority < 1:
            raise ValueError(f"minority={self.minority!r}: it is a fraction between 0 and 1")

    def __call__(self, y: Any) -> dict[Any, int]:
        """Return the number to keep of each class in `y`, array-like of shape (n,)."""
        labels, counts = _largest_first(y)
        whole = max(1, len(labels) - _whole(self.minority * len(labels)))
        small = _whole(counts[0] / self.ratio)
        kept = counts[:whole] + [min(n, small) for n in counts[whole:]]
        return dict(zip(labels, kept, strict=True))


@dataclass(frozen=True)
class Staircase:
    """Staircase of class sizes: the k-th class keeps at most ``n_max - k * step``, k = 0, 1, ...

    Made for studies over many classes of nearly equal size, such as Stanford Dogs.

    Parameters
    ----------
    step : int
        Height of a stair in images. A ValueError unless a positive integer; when called, also
        if a class would keep no image (a flat end of single images is no staircase): the
        message names the class and the largest step that works.

    Examples
    --------
    >>> Staircase(25)(["beagle"] * 90 + ["collie"] * 80 + ["poodle"] * 30)
    {'beagle': 90, 'collie': 65, 'poodle': 30}
    """

    step: int

    def __post_init__(self) -> None:
        if not isinstance(self.step, (int, np.integer)) or self.step < 1:
            raise ValueError(f"step={self.step!r}: it is a number of images, an integer >= 1")

    def __call__(self, y: Any) -> dict[Any, int]:
        """Return the number to keep of each class in `y`, array-like of shape (n,)."""
        labels, counts = _largest_first(y)
        stairs = [counts[0] - k * int(self.step) for k in range(len(labels))]
        for k, (label, stair) in enumerate(zip(labels, stairs, strict=True)):
            if stair < 1:
                most = (counts[0] - 1) // (len(labels) - 1)
                raise ValueError(
                    f"{self}: class {label!r}, number {k} by size counted from 0, would keep "
                    f"{counts[0]} - {k} * {self.step} = {stair} images; the largest step that "
                    f"leaves each of {len(labels)} classes an image is {most or 'none'}"
                )
        return dict(zip(labels, map(min, counts, stairs), strict=True))


def _counts_asked(sampling_strategy: Any, y: Any, **kwargs: Any) -> dict[Any, int]:
    labels = np.asarray(y).ravel().tolist()
    if missing := [row for row, label in enumerate(labels) if label is None or label != label]:
        raise ValueError(f"{len(missing)} labels are None or NaN: drop rows {missing[:5]} ...")
    asked = sampling_strategy(y, **kwargs) if callable(sampling_strategy) else sampling_strategy
    if not isinstance(asked, Mapping):
        raise TypeError(
            "sampling_strategy must be a dict {class: number of images} or a callable "
            f"y -> dict such as LongTail(10), Step(10) or Staircase(5); got {asked!r}"
        )
    has = Counter(labels)
    for label, n in asked.items():
        if label not in has:
            raise ValueError(f"class {label!r} is not present in the data: it has {list(has)}")
        if not isinstance(n, (int, np.integer)):
            raise TypeError(f"class {label!r}: {n!r} images asked for, it must be an integer")
        if n < 0:
            raise ValueError(f"class {label!r}: {n}; the number in a class cannot be negative")
        if n > has[label]:
            raise ValueError(
                f"class {label!r}: {n} images asked for, it has {has[label]}; the number "
                "should be less or equal to the original"
            )
    return dict(asked)


def make_imbalance(
    X: Any,
    y: Any,
    *,
    sampling_strategy: Mapping[Any, int] | Callable[..., Mapping[Any, int]] | None = None,
    random_state: int | np.random.RandomState | None = None,
    verbose: bool = False,
    **kwargs: Any,
) -> tuple[Any, Any]:
    """Cut a set of images or image files to an exact number per class.

    `imblearn.datasets.make_imbalance` for images: same parameters and, with the same seed,
    the same rows, whatever holds the images. No row is drawn twice.

    Parameters
    ----------
    X : ndarray of shape (n, ...), list, tuple, Series or DataFrame of n rows
        Images or paths, of any dtype; not looked into.
    y : array-like of shape (n,)
        Labels.
    sampling_strategy : dict or callable
        Number of images to keep per class, or a callable ``y -> dict``: `LongTail`, `Step`,
        `Staircase` or your own. A class that is not named stays whole.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw.
    verbose : bool, default=False
        Print the class counts before and after.
    **kwargs : dict
        Passed to a callable `sampling_strategy`.

    Returns
    -------
    X_resampled : same container and dtype as `X` (a memmap gives an ndarray)
        The images kept, class by class.
    y_resampled : as `imblearn.datasets.make_imbalance` returns it
        Their labels.

    Raises
    ------
    ValueError
        If `X` and `y` differ in length, a label is missing, there is one class only,
        or a class is unknown, asked for a negative number, or smaller than asked.
    TypeError
        If `sampling_strategy` is neither dict nor callable, or a number no integer.

    Examples
    --------
    >>> X, y = np.zeros((30, 8, 8, 3), dtype=np.uint8), ["cat"] * 20 + ["dog"] * 10
    >>> X_res, y_res = make_imbalance(X, y, sampling_strategy={"dog": 2}, random_state=0)
    >>> X_res.shape, y_res.count("cat"), y_res.count("dog")
    ((22, 8, 8, 3), 20, 2)
    """
    n = X.shape[0] if hasattr(X, "shape") else len(X)
    if n != len(y):
        raise ValueError(f"X has {n} images, y has {len(y)} labels: give one label per image")
    drawn, y_resampled = draw_rows(
        np.arange(n)[:, None],
        y,
        sampling_strategy=_counts_asked(sampling_strategy, y, **kwargs),
        random_state=random_state,
        verbose=verbose,
    )
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
    """Cut a photo to patches; with them their origins and quadrants."""
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
    """Load a few hundred real labelled images, imbalanced: square patches of photos.

    The photos lie inside the scikit-image package; nothing is downloaded. Each is one class
    and is cut without overlap (a rim narrower than `size` is left out).

    Parameters
    ----------
    images : {"grey", "colour"}, default="grey"
        "grey": the textures brick, grass, gravel, 256 patches of 32 x 32 each. "colour": the
        RGB photos astronaut, chelsea (a cat), coffee, rocket: 256, 126, 216, 260.
    size : int, default=32
        Side of a patch in pixels; at most half the shortest side of the photos.
    sampling_strategy : dict, callable or None, default=None
        Numbers per class, as in `make_imbalance`. None is ``LongTail(10)``: 256 brick, 80
        grass, 25 gravel at 32 x 32. ``{}`` keeps every patch: balanced for "grey".
    random_state : int, RandomState instance or None, default=0
        Seed of the draw.
    return_X_y : bool, default=False
        Return ``(images, target)`` instead of a Bunch.

    Returns
    -------
    data : `~sklearn.utils.Bunch`
        With the n patches in reading order, class by class:

        images : ndarray of shape (n, size, size) or (n, size, size, 3), uint8
        target : ndarray of shape (n,), str
        target_names : ndarray of shape (n_classes,), str
        origins : ndarray of shape (n, 2), int, row and column of a patch's first pixel
        groups : ndarray of shape (n,), int, quadrant 0 ... 3 of the photo. Neighbours look
        alike: ``GroupKFold(4)`` validates on a quadrant that no training patch is from
        DESCR : str

    Raises
    ------
    ValueError
        If `images` or `size` is not possible, or as in `make_imbalance`.
    ModuleNotFoundError
        If scikit-image is not installed.

    Examples
    --------
    >>> X, y = load_texture_patches(return_X_y=True)
    >>> X.shape, X.dtype, Counter(y.tolist())
    ((361, 32, 32), dtype('uint8'), Counter({'brick': 256, 'grass': 80, 'gravel': 25}))
    """
    if images not in PHOTOS:
        raise ValueError(f"images={images!r}: choose one of {sorted(PHOTOS)}")
    try:
        folder = files("skimage") / "data"
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("the photos are in it: pip install scikit-image") from error
    photos = {}
    for name in PHOTOS[images]:
        with (folder / name).open("rb") as file, Image.open(file) as photo:
            photos[name.split(".")[0]] = np.asarray(photo)
    largest = min(side for photo in photos.values() for side in photo.shape[:2]) // 2
    if not isinstance(size, (int, np.integer)) or not 1 <= size <= largest:
        raise ValueError(f"size={size!r}: for {images!r} it is an integer from 1 to {largest}")
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


def _raise(error: OSError) -> NoReturn:
    raise error


def _walk(class_folder: str, root: str) -> tuple[list[str], list[str]]:
    """Return the image files and the other files under a class folder, hidden ones left out."""
    images: list[str] = []
    others: list[str] = []
    entered = {os.path.realpath(root)}
    # os.walk passes over a folder it cannot list; its images must not be lost silently
    for folder, subfolders, names in os.walk(class_folder, onerror=_raise, followlinks=True):
        if (here := os.path.realpath(folder)) in entered:
            subfolders.clear()
            continue
        entered.add(here)
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in names:
            file = os.path.join(folder, name)
            if not name.startswith("."):
                is_image = name.lower().endswith(IMAGE_SUFFIXES) and os.path.isfile(file)
                (images if is_image else others).append(file)
    return sorted(images, key=lambda file: file.split(os.sep)), sorted(others)


def load_image_folder(
    path: str | os.PathLike[str], *, allow_empty: bool = False
) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    """List the image files of class folders, and their labels; no file is opened.

    A class folder is a folder inside `path`; its name is the label of every image in it and in
    the folders below it. Hidden files and folders (".name") are passed over. Links are
    followed, and a folder met again is not read again, so link loops end.

    Parameters
    ----------
    path : str or path-like
        The folder that holds the class folders.
    allow_empty : bool, default=False
        Accept class folders without an image.

    Returns
    -------
    paths : ndarray of shape (n,), str
        Image files (.png .jpg .jpeg .bmp .tif .tiff .webp .gif .ppm .pgm, in either case),
        each beginning with `path`, sorted by class, then folder by folder.
    labels : ndarray of shape (n,), str
        Their labels.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If `path` does not exist or is not a folder.
    ValueError
        If there is no class folder, or one without an image.

    Warns
    -----
    UserWarning
        With the number of files that are not images or lie in no class folder, if any.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as photos:
    ...     for name in ("lime/b.jpg", "kiwi/c.tif", "lime/a.JPG"):
    ...         Path(photos, name).parent.mkdir(exist_ok=True)
    ...         Path(photos, name).touch()
    ...     paths, labels = load_image_folder(photos)
    >>> [Path(path).name for path in paths], labels.tolist()
    (['c.tif', 'a.JPG', 'b.jpg'], ['kiwi', 'lime', 'lime'])
    """
    root = str(Path(path))
    names = sorted(name for name in os.listdir(root) if not name.startswith("."))
    listing = {n: _walk(os.path.join(root, n), root) for n in names if Path(root, n).is_dir()}
    skipped = [os.path.join(root, name) for name in names if name not in listing]
    skipped += [file for _, others in listing.values() for file in others]
    note = f"{len(skipped)} files skipped that are not images or lie in no class folder"
    note += f", such as {', '.join(map(repr, skipped[:3]))}" if skipped else ""
    if not listing:
        raise ValueError(
            f"no class folder in {root!r}: a class folder is a folder inside it that holds the "
            f"images of one class and is named after it; {note}"
        )
    empty = [name for name, (images, _) in listing.items() if not images]
    if empty and not allow_empty:
        raise ValueError(
            f"no image in {len(empty)} of {len(listing)} class folders of {root!r}: {empty[:5]}; "
            f"{note}; images end in {' '.join(IMAGE_SUFFIXES)}. Fill or remove these folders, "
            "or pass allow_empty=True"
        )
    if skipped:
        warnings.warn(note, UserWarning, stacklevel=2)
    paths = [file for images, _ in listing.values() for file in images]
    labels = [name for name, (images, _) in listing.items() for _ in images]
    return np.array(paths, dtype=np.str_), np.array(labels, dtype=np.str_)
