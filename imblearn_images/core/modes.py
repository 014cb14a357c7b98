"""Modes: the array that each mode of Pillow becomes, and what the formats of image files hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, TiffImagePlugin

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM")
"""The formats that are read: those of photographs and scans; none that can run code."""

SUFFIXES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".tif", ".tiff"),
    *(".webp", ".gif", ".ppm", ".pgm", ".pbm", ".pnm"),
)
"""The suffixes of these formats, in lower case; when a file is read its content decides."""

ARRAYS: dict[str, tuple[str, tuple[int, ...]]] = {
    "1": ("bool", ()),
    "L": ("uint8", ()),
    "LA": ("uint8", (2,)),
    "RGB": ("uint8", (3,)),
    "RGBA": ("uint8", (4,)),
    "I;16": ("uint16", ()),
    "I": ("int32", ()),
    "F": ("float32", ()),
}
"""Pillow's mode -> dtype and channel axis of the array; one table for both directions."""
_READ_AS = {mode: mode for mode in ARRAYS} | {
    **dict.fromkeys(("I;16B", "I;16L", "I;16N"), "I;16"),
    **dict.fromkeys(("RGBX", "CMYK", "YCbCr", "LAB", "HSV", "P"), "RGB"),
    "La": "LA",
    **dict.fromkeys(("RGBa", "PA"), "RGBA"),
}
"""Pillow's mode -> the mode that it is read as."""
STORED_BY = {"PNG": ("1", "L", "LA", "RGB", "RGBA", "I;16"), "TIFF": tuple(ARRAYS)}
"""The modes that a format holds without loss."""
MODES_OF = {"png": STORED_BY["PNG"], "jpeg": ("L", "RGB"), "webp": ("RGB", "RGBA")}
"""The modes that a format holds; WebP none of the grey ones, which it returns as colour."""


def array_mode(im: Image.Image) -> str:
    """Return the mode in which `im` becomes an array: a key of ``ARRAYS``."""
    if im.mode == "P" and im.has_transparency_data:
        return "RGBA"
    if im.mode == "I" and im.format in ("PNG", "PPM"):
        return "I;16"  # both hold at most 16 bits
    if im.mode not in _READ_AS:
        raise ValueError(f"Pillow's mode {im.mode} is not supported")
    return _READ_AS[im.mode]


def mode_of_array(mode: str) -> str:
    """Return the mode that an image of one of Pillow's modes is read as."""
    return _READ_AS.get(mode, mode)


def pillow_pixels(image: Image.Image) -> NDArray[Any]:
    """Return the pixels of a Pillow image as they are in its file; EXIF orientation is ignored.

    Examples
    --------
    >>> pillow_pixels(Image.new("CMYK", (5, 2))).shape
    (2, 5, 3)
    """
    mode = array_mode(image)
    image = image if mode in ("I;16", image.mode) else image.convert(mode)
    return np.array(image, dtype=ARRAYS[mode][0])


def has_deep_colour(im: ImageFile.ImageFile) -> bool:
    """Return whether `im` holds colours of more than 8 bits, of which Pillow keeps 8."""
    if not ARRAYS[array_mode(im)][1]:
        return False
    if isinstance(im, TiffImagePlugin.TiffImageFile):
        bits = im.tag_v2.get(ExifTags.Base.BitsPerSample, (1,))
        return isinstance(bits, tuple) and max(bits, default=1) > 8
    if im.format == "PPM":
        parameters = im.tile[0][3]
        return isinstance(parameters, tuple) and parameters[-1] > 255
    return im.format == "PNG" and ";16" in str(im.tile)


def axes_of(channels: tuple[int, ...]) -> str:
    """Return the axes of an image as text, e.g. "(H, W, 3)"."""
    return f"({', '.join(['H', 'W', *map(str, channels)])})"
