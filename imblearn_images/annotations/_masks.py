"""Masks in PNG files: the label of every pixel as a number, and the colours that show it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from imblearn_images._docstrings import substitute
from imblearn_images.core import disk, files
from imblearn_images.core.containers import array_mode
from imblearn_images.core.parallel import in_threads
from imblearn_images.core.text import counted, printable

__all__ = ["read_masks", "write_masks"]

SUFFIXES = {".png", ".tif", ".tiff", ".bmp", ".gif"}
"""Suffixes of formats that keep every value, which JPEG does not."""
HOLDS = {"P": np.uint8, "L": np.uint8, "1": np.bool_, "I;16": np.uint16, "I": np.int32}
"""Pillow's modes with one number per pixel, and the dtype of each."""


@substitute
def read_masks(
    masks: str | os.PathLike[str] | Sequence[Any],
    images: Sequence[Any] | None = None,
    *,
    n_jobs: int | None = None,
) -> list[NDArray[Any]]:
    """Read label maps from image files, with the numbers as stored.

    Read more in the :ref:`User Guide <boxes-and-labels>`.

    Parameters
    ----------
    masks : path, or list of n paths
        A folder of masks, or the files themselves.
    images : list of n paths, default=None
        The photos, in whose order the masks of a folder are returned: each mask has the name of its
        photo, up to the suffix. By default masks are returned in the order of their names.
    {n_jobs}

    Returns
    -------
    maps : list of n ndarrays of shape (H, W)
        Label maps as :func:`carry` takes them: uint8; uint16 from files of 16 bits, bool from files
        of one bit. For files with a palette these are palette indices, not colours.

    Raises
    ------
    FileNotFoundError
        If there is no such folder or file.
    ValueError
        Naming files that are not masks, such as colour images, or photos without a mask.

    See Also
    --------
    write_masks : Write label maps, with a palette.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> colours = [[0, 0, 0], [255, 0, 0]]
    >>> maps = [np.eye(3, dtype=np.uint8)]
    >>> paths = write_masks(maps, f"{folder}/masks", names=["photo.jpg"], palette=colours)
    >>> read_masks(f"{folder}/masks", images=["photo.jpg"])[0].tolist()
    [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    """
    if isinstance(masks, (str, os.PathLike)):
        paths = _of_folder(Path(masks), images)
    else:
        paths = [os.fspath(path) for path in masks]
        if images is not None and len(images) != len(paths):
            raise ValueError(
                f"`masks` must be one file per image, got {len(paths)} for {len(images)} images."
            )
    return in_threads(_read, ((path,) for path in paths), n_jobs=n_jobs)


def _of_folder(folder: Path, images: Sequence[Any] | None) -> list[str]:
    """Return the masks in a folder, in the order of `images` or of their names."""
    if not folder.is_dir():
        raise FileNotFoundError(
            f"`masks` must be a folder or a list of files, got {folder}, which is not a folder."
        )
    found: dict[str, list[str]] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES:
            found.setdefault(path.stem, []).append(str(path))
    if twice := next((own for own in found.values() if len(own) > 1), None):
        raise ValueError(
            f"`masks` must hold one file per name, got {', '.join(twice)}. Remove one of them."
        )
    if images is None:
        return [own[0] for own in found.values()]
    stems = [Path(os.fspath(image)).stem for image in images]
    if missing := [stem for stem in stems if stem not in found]:
        raise ValueError(
            f"`masks` must hold a mask for each image, but {printable(folder)} has none for "
            f"{len(missing)} of {counted(len(stems), 'image')}, such as {missing[0]!r}. Give each "
            "mask the name of its image, up to the suffix."
        )
    return [found[stem][0] for stem in stems]


def _read(path: str) -> NDArray[Any]:
    """Return the label map in a file."""
    with files.opened(path) as image:
        mode = image.mode if image.mode == "P" else array_mode(image)
        if mode not in HOLDS or image.format == "JPEG":
            what = "JPEG, which changes values" if image.format == "JPEG" else f"mode {mode}"
            raise ValueError(
                f"a mask must hold one number per pixel, got {what}. Turn colours into numbers, "
                "e.g. with Pillow's image.quantize, and save them as PNG"
            )
        pixels = np.array(image)
    return pixels.astype(HOLDS[mode], copy=False)


@substitute
def write_masks(
    maps: Sequence[ArrayLike],
    output: str | os.PathLike[str],
    *,
    names: Sequence[Any],
    palette: ArrayLike | str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
) -> list[str]:
    """Write label maps as PNG files, with their numbers unchanged.

    Read more in the :ref:`User Guide <boxes-and-labels>`.

    Parameters
    ----------
    maps : list of n arrays of shape (H, W)
        Label maps of bools, or of integers from 0 to 65,535, such as :func:`carry` returns.
    output : path
        Folder, which may exist; no file in it is overwritten.
    names : list of n paths
        Paths of the images, such as a sampler returns; each mask gets the name of its image.
    palette : path, or array-like of shape (k, 3), default=None
        The colours that show the numbers: a mask, or a folder of masks, whose palette is used, or
        red, green and blue from 0 to 255 for each number. By default masks are grey.
    {n_jobs}

    Returns
    -------
    paths : list of n str
        The files written.

    Raises
    ------
    FileExistsError
        If a file exists already.
    ValueError
        If maps have another shape or dtype, numbers are too large for PNG or for a palette, or two
        names are equal.

    See Also
    --------
    read_masks : Read label maps.

    Examples
    --------
    >>> import tempfile
    >>> maps = [np.eye(3, dtype=np.uint8)]
    >>> paths = write_masks(maps, tempfile.mkdtemp(), names=["photos/cell.jpg"])
    >>> os.path.basename(paths[0])
    'cell.png'
    """
    listed = [np.asarray(each) for each in maps]
    if len(listed) != len(names):
        raise ValueError(
            f"`names` must be one for each of {counted(len(listed), 'map')}, got {len(names)}."
        )
    colours = _colours(palette)
    stems = [Path(os.fspath(name)).stem for name in names]
    if len(set(stems)) < len(stems):
        twice = next(stem for stem in stems if stems.count(stem) > 1)
        raise ValueError(
            f"`names` must differ, got {twice!r} twice. Copies of an image share a path: pass "
            "different names, such as those of the files that write_annotations wrote."
        )
    # All are checked before the first is written, so that an error leaves no half of them.
    top = Path(output)
    images = []
    for stem, each in zip(stems, listed, strict=True):
        path = top / f"{stem}.png"
        if path.exists():
            raise FileExistsError(f"{printable(path)} exists already. Choose a new folder.")
        images.append((path, _checked(each, stem, colours)))
    top.mkdir(parents=True, exist_ok=True)

    def write(path: Path, pixels: NDArray[Any]) -> str:
        image = Image.fromarray(pixels)
        if colours is not None and pixels.dtype == np.uint8:
            image.putpalette(colours.tobytes())
        with disk.written_whole(path) as file:
            image.save(file, format="PNG")
        return str(path)

    return in_threads(write, images, n_jobs=n_jobs)


def _checked(pixels: NDArray[Any], stem: str, colours: NDArray[np.uint8] | None) -> NDArray[Any]:
    """Return a label map in the smallest dtype that PNG can hold it in; `stem` names it."""
    if pixels.ndim != 2 or pixels.dtype.kind not in "biu" or not pixels.size:
        raise ValueError(
            f"`maps` must be label maps of integers or bools of shape (H, W), got shape "
            f"{pixels.shape} and dtype {pixels.dtype} for {stem!r}."
        )
    if pixels.dtype == np.bool_ and colours is None:
        return pixels
    low, high = int(pixels.min()), int(pixels.max())
    if low < 0 or high > 65_535:
        raise ValueError(
            f"`maps` must hold numbers from 0 to 65,535, as PNG does, got {low} to {high} for "
            f"{stem!r}. Pass carry a `fill` in that range for pixels that show nothing."
        )
    if colours is not None and high > 255:
        raise ValueError(
            f"`palette` must be left out for numbers above 255, got {high} for {stem!r}."
        )
    if colours is not None and high >= len(colours):
        raise ValueError(
            f"`palette` must have a colour for every number, got {len(colours)} colours for "
            f"{high} in {stem!r}. Add rows to it."
        )
    return pixels.astype(np.uint8 if high <= 255 else np.uint16)


def _colours(palette: Any) -> NDArray[np.uint8] | None:
    """Return the colours, shape (k, 3), of a palette, or of a file that has one."""
    if palette is None:
        return None
    if isinstance(palette, (str, os.PathLike)):
        path = Path(palette)
        paths = _of_folder(path, None) if path.is_dir() else [str(path)]
        for each in paths[:1]:
            with files.opened(each) as image:
                if image.mode == "P":
                    return np.array(image.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)
        raise ValueError(
            f"`palette` must be a mask with a palette, got {printable(path)}, which has none."
        )
    colours = np.asarray(palette)
    is_table = colours.ndim == 2 and colours.shape[1] == 3 and 1 <= len(colours) <= 256
    if not is_table or colours.dtype.kind not in "iu" or colours.min() < 0 or colours.max() > 255:
        raise ValueError(
            "`palette` must be a mask, or up to 256 rows of red, green and blue from 0 to 255, got "
            f"shape {colours.shape} and dtype {colours.dtype}."
        )
    return colours.astype(np.uint8)
