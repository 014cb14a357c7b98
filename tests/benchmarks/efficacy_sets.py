"""The image sets of `policies.py`, small enough for a linear model in seconds.

Each set has a training part and a test part. What is tuned is tuned `inside`: on pairs of images
that train and images that validate, all of the training part. Each seed gives other images.

- fashion: every tenth image of the long tail, at least 12 of a class; what is left of the training
  part validates, 400 of a class at most
- digits: scikit-learn's, in a tail of 100 to 8; the rest of the first 1,300 validates
- textures: patches of scikit-image's brick, grass and gravel; tiles of 128 pixels are groups, every
  other one trains. `faint`: with an eighth of the contrast, and noise
- grocery, grocery-tail: photos at 64 x 64 pixels as they are, and in a tail down to 9
- cells: red and white blood cells and platelets, cut from photos, which are groups
- tops, small, few: five hard classes of the clothes; all ten at 14 x 14 pixels, inverted; five
  digits. faces: scikit-image's, and no faces. All in a tail, another class the rarest in each seed
- surfaces, scenes: grey patches of six photos of scikit-image, coloured ones of six others, in such
  a tail; tiles of 64 pixels are groups
- defects: none, scratches, holes, stains or specks, drawn on patches of brick, grass and gravel of
  little contrast, as on parts that a camera inspects; tail and groups as above
- grocery-small: the groceries at 32 x 32 pixels, grey
- PATH: an .npz file or a folder, see `efficacy.py`; an .npz file may have `groups_train`
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, train_test_split

from imblearn_images.annotations import read_annotations

PHOTOS = Path(__file__).parents[3] / "shared" / "data" / "bccd"
SETS = ("fashion", "digits", "textures", "faint", "grocery", "grocery-tail", "cells")
MORE = ("tops", "small", "few", "faces", "surfaces", "scenes", "defects", "grocery-small")
TAILS = {  # images of the largest class and of the smallest
    "tops": (250, 8),
    "small": (150, 6),
    "few": (60, 6),
    "faces": (40, 6),
    "surfaces": (100, 8),
    "scenes": (100, 8),
    "defects": (90, 8),
}
PATCHES = {
    "surfaces": ("brick", "grass", "gravel", "moon", "text", "immunohistochemistry"),
    "defects": ("brick", "grass", "gravel"),
    "scenes": ("astronaut", "chelsea", "coffee", "rocket", "immunohistochemistry", "hubble"),
}
SOURCES = {
    "tops": "fashion",
    "small": "fashion",
    "grocery-tail": "grocery",
    "grocery-small": "grocery",
}
SIDE, TILE = 24, 64  # pixels of patches, and of tiles whose patches stay together
MOST = 400  # images of a class that validate


class Part(NamedTuple):
    """Images, labels 0 ... K - 1, and groups or None."""

    X: np.ndarray
    y: np.ndarray
    groups: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> Part:
        """Some of the images."""
        return Part(self.X[rows], self.y[rows], None if self.groups is None else self.groups[rows])


Pair = tuple[Part, Part]  # what trains, what it is tried on


def pairs_inside(name: str, seed: int, **sources: Any) -> list[Pair]:
    """What trains and what validates, within the training part; answers of all pairs are one."""
    rng = np.random.default_rng(seed)
    if name in ("textures", "faint"):
        return [textures(seed, faint=name == "faint", swapped=True)]
    whole = training_part(name, **sources)
    if name in ("fashion", "digits"):
        rows = thinned(name, whole.y, rng)
        rest = np.setdiff1d(np.arange(len(whole.y)), rows)
        return [(whole.take(rows), whole.take(most(rest, whole.y, rng)))]
    if name in TAILS:
        pool, rest = halves(whole, rng)
        trains = pool.take(thinned(name, pool.y, rng))
        return [
            (trains, rest.take(most(np.arange(len(rest.y)), rest.y, rng))._replace(groups=None))
        ]
    if name == "grocery-tail":
        whole = whole.take(thinned(name, whole.y, rng))
    kind = StratifiedKFold if whole.groups is None else StratifiedGroupKFold
    folds = kind(3, shuffle=True, random_state=seed).split(whole.X, whole.y, whole.groups)
    return [(whole.take(train), whole.take(rest)) for train, rest in folds]


def parts(name: str, seed: int, **sources: Any) -> Pair:
    """What trains, another choice for each seed, and the test part."""
    rng = np.random.default_rng(seed)
    if name in ("textures", "faint"):
        return textures(seed, faint=name == "faint")
    whole, test = training_part(name, **sources), test_part(name, **sources)
    if name in ("fashion", "digits", "grocery-tail", *TAILS):
        return whole.take(thinned(name, whole.y, rng)), test
    if whole.groups is not None:
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
        rows, _ = next(iter(folds.split(whole.X, whole.y, whole.groups)))
        return whole.take(rows), test
    rows = np.arange(len(whole.y))
    rows, _ = train_test_split(rows, train_size=0.8, stratify=whole.y, random_state=seed)
    return whole.take(rows), test


def training_part(
    name: str, *, images_of: Callable[[str], Any], groups_of: Callable[[str], Any]
) -> Part:
    """All images that may train."""
    if name in TAILS and name not in ("tops", "small"):
        return pools(name)[0]
    if name == "digits":
        return digits().take(np.arange(1300))
    if name == "cells":
        return cells()[0]
    source = SOURCES.get(name, name)
    X, y, *_ = images_of(source)
    return seen(name, Part(X, y, groups_of(source)))


def test_part(
    name: str, *, images_of: Callable[[str], Any], groups_of: Callable[[str], Any]
) -> Part:
    """The images that are looked at last."""
    if name in TAILS and name not in ("tops", "small"):
        return pools(name)[1]
    if name == "digits":
        return digits().take(np.arange(1300, 1797))
    if name == "cells":
        return cells()[1]
    return seen(name, Part(*images_of(SOURCES.get(name, name))[2:]))


def seen(name: str, part: Part) -> Part:
    """The images as a set has them: some classes, smaller, inverted or grey."""
    if name == "tops":
        part = part.take(np.flatnonzero(np.isin(part.y, (0, 2, 3, 4, 6))))
        part = part._replace(y=np.unique(part.y, return_inverse=True)[1])
    elif name == "small":
        n = len(part.y)
        part = part._replace(X=255 - part.X.reshape(n, 14, 2, 14, 2).mean((2, 4)).astype(np.uint8))
    elif name == "grocery-small":
        n = len(part.y)
        grey = part.X.reshape(n, 32, 2, 32, 2, 3).mean((2, 4, 5))
        part = part._replace(X=grey.astype(np.uint8))
    return part


def most(rows: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """So many rows of each class as validate."""
    return np.concatenate([rng.permutation(rows[y[rows] == k])[:MOST] for k in np.unique(y)])


def halves(whole: Part, rng: np.random.Generator) -> Pair:
    """Two parts of equal size, groups whole."""
    groups = np.arange(len(whole.y)) if whole.groups is None else whole.groups
    folds = StratifiedGroupKFold(2, shuffle=True, random_state=int(rng.integers(1000)))
    first, second = next(iter(folds.split(whole.X, whole.y, groups)))
    return whole.take(first), whole.take(second)


def thinned(name: str, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rows of a tail; of fashion, which has one, every tenth."""
    n = np.bincount(y)
    if name == "fashion":
        sizes = np.maximum(12, n // 10)
    else:
        most, fewest = TAILS.get(name, (100, 8) if name == "digits" else (n.max(), 9))
        rank = np.argsort(np.argsort(-n, kind="stable"), kind="stable")
        rank = rng.permutation(rank) if name in TAILS else rank
        tail = most * (fewest / most) ** (rank / (len(n) - 1))
        sizes = np.minimum(n, np.round(tail).astype(int))
    chosen = [rng.permutation(np.flatnonzero(y == k))[:m] for k, m in enumerate(sizes)]
    return np.sort(np.concatenate(chosen))


def textures(seed: int, *, faint: bool = False, swapped: bool = False) -> Pair:
    """Patches of 24 x 24 pixels of three photos, whole tiles on one side."""
    from skimage import data

    rng = np.random.default_rng(seed)
    X, y, groups = [], [], []
    for label, (photo, n) in enumerate(((data.brick(), 16), (data.grass(), 8), (data.gravel(), 4))):
        for tile in range(16):
            top, left = (128 * each for each in divmod(tile, 4))
            few = (tile % 2 == 1) != swapped
            for cell in rng.permutation(25)[: n if few else 25].tolist():
                row, column = (24 * each for each in divmod(cell, 5))
                X.append(photo[top + row :, left + column :][:24, :24])
                y.append(label)
                groups.append(16 * label + tile)
    whole = Part(*map(np.asarray, (X, y, groups)))
    if faint:
        noisy = 128 + 0.12 * (whole.X - 128.0) + rng.normal(0, 1, whole.X.shape)
        whole = whole._replace(X=np.clip(np.round(noisy), 0, 255).astype(np.uint8))
    assert whole.groups is not None
    trains = np.zeros(len(whole.y), dtype=bool)
    for label, n in enumerate((8, 5, 3)):  # tiles with few patches train, whole ones are tried on
        tiles = 16 * label + rng.permutation(np.arange(0 if swapped else 1, 16, 2))[:n]
        trains |= np.isin(whole.groups, tiles)
    tested = (whole.groups % 2 == 0) != swapped
    return whole.take(trains), whole.take(tested)._replace(groups=None)


@lru_cache
def pools(name: str) -> Pair:
    """What may train and what is looked at last, of sets that installed packages have."""
    if name == "few":
        whole = digits()
        whole = whole.take(np.flatnonzero(np.isin(whole.y, (2, 3, 5, 8, 9))))
        whole = whole._replace(y=np.unique(whole.y, return_inverse=True)[1])
        return whole.take(np.arange(600)), whole.take(np.arange(600, len(whole.y)))
    from skimage import data

    if name == "faces":
        images = data.lfw_subset()  # 100 faces, then 100 others
        whole = Part((255 * images).astype(np.uint8), np.repeat([0, 1], 100))
        train, test = train_test_split(
            np.arange(200), train_size=0.6, stratify=whole.y, random_state=0
        )
        return whole.take(np.sort(train)), whole.take(np.sort(test))
    X, y, groups, rng = [], [], [], np.random.default_rng(0)
    for photo, title in enumerate(PATCHES[name]):
        image = data.hubble_deep_field() if title == "hubble" else getattr(data, title)()
        if name != "scenes" and image.ndim == 3:
            image = image.mean(axis=2).astype(np.uint8)
        for tile in np.ndindex(*(side // TILE for side in image.shape[:2])):
            label = int(rng.integers(5)) if name == "defects" else photo
            for row, column in np.ndindex(2, 2):
                top, left = TILE * tile[0] + SIDE * row, TILE * tile[1] + SIDE * column
                patch = image[top : top + SIDE, left : left + SIDE]
                X.append(damaged(patch, label, rng) if name == "defects" else patch)
                y.append(label)
                groups.append(1000 * photo + 30 * tile[0] + tile[1])
    whole = Part(*map(np.asarray, (X, y, groups)))
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0).split(X, y, groups)
    rows = [held for _, held in folds]
    return (
        whole.take(np.sort(np.concatenate(rows[:3]))),
        whole.take(np.sort(np.concatenate(rows[3:])))._replace(groups=None),
    )


def damaged(patch: np.ndarray, kind: int, rng: np.random.Generator) -> np.ndarray:
    """A patch of little contrast with a scratch, a hole, a stain or specks, or without."""
    pixels = 128 + 0.3 * (patch - patch.mean())
    down, right = np.mgrid[:SIDE, :SIDE] - rng.uniform(0.25 * SIDE, 0.75 * SIDE, (2, 1, 1))
    angle, depth = rng.uniform(0, np.pi), rng.uniform(70, 120)
    if kind == 1:
        across = np.abs(np.cos(angle) * down - np.sin(angle) * right)
        pixels = pixels - depth * (across < 1) * (np.hypot(down, right) < SIDE / 2.5)
    elif kind == 2:
        pixels = pixels - depth * (np.hypot(down, right) < rng.uniform(2.5, 4.5))
    elif kind == 3:
        pixels = pixels + depth * np.exp(-(down**2 + right**2) / (2 * (SIDE / 4) ** 2))
    elif kind == 4:
        pixels = pixels - depth * (rng.random(patch.shape) < 0.04)
    return np.clip(np.round(pixels), 0, 255).astype(np.uint8)


@lru_cache
def digits() -> Part:
    """Digits of 8 x 8 pixels."""
    X, y = load_digits(return_X_y=True)
    return Part((15 * X).astype(np.uint8).reshape(-1, 8, 8), y)


@lru_cache
def cells() -> Pair:
    """Cells at 32 x 32 pixels: those of two thirds of the photos, those of the others."""
    known = read_annotations(PHOTOS)
    X, y, groups = [], [], []
    for photo, path in enumerate(known.paths if known.paths is not None else ()):
        image = Image.open(path).convert("RGB")
        for at in range(known.offsets[photo], known.offsets[photo + 1]):
            left, top, right, bottom = known.boxes[at]
            if min(right - left, bottom - top) < 8:
                continue
            image_of_it = image.crop((left, top, right, bottom)).resize((32, 32), Image.BILINEAR)
            X.append(np.asarray(image_of_it))
            y.append(known.codes[at])
            groups.append(photo)
    _, y = np.unique(y, return_inverse=True)
    whole = Part(np.asarray(X), y, np.asarray(groups))
    assert whole.groups is not None
    trains = np.random.default_rng(0).random(len(known.paths)) < 2 / 3  # type: ignore[arg-type]
    rows = trains[whole.groups]
    return whole.take(rows), whole.take(~rows)._replace(groups=None)
