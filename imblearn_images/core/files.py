"""Image files: formats and modes, describing, reading and writing one of them, or many at once."""

from __future__ import annotations

import errno
import io
import os
import re
import stat
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, TiffImagePlugin, UnidentifiedImageError
from PIL.Image import Resampling, Transpose

from imblearn_images.core.containers import ARRAYS, array_mode
from imblearn_images.core.disk import FilePath, written_whole
from imblearn_images.core.memory import current_limits
from imblearn_images.core.parallel import in_threads
from imblearn_images.core.text import counted, printable

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM")
"""The formats that are read: those of photographs and scans; none that can run code."""

STORED_BY = {"PNG": ("1", "L", "LA", "RGB", "RGBA", "I;16"), "TIFF": tuple(ARRAYS)}
"""The modes that a format holds without loss."""
MODES_OF = {"png": STORED_BY["PNG"], "jpeg": ("L", "RGB"), "webp": ("RGB", "RGBA")}
"""The modes that a format holds; WebP none of the grey ones, which it returns as colour."""


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
    return im.format == "PNG" and ";16" in str(im.tile)  # only its decoder's name tells


def axes_of(channels: tuple[int, ...]) -> str:
    """Return the axes of an image as text, e.g. "(H, W, 3)"."""
    return f"({', '.join(['H', 'W', *map(str, channels)])})"


_TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
_SWAPS_AXES = (5, 6, 7, 8)
_MACHINE_ERRORS = (errno.EMFILE, errno.ENFILE)
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)  # not data, not a restart


@dataclass(frozen=True, slots=True)
class FileInfo:
    """What an image file holds."""

    shape: tuple[int, ...]
    """(H, W) or (H, W, C) of the array that :func:`read_image` would give."""
    dtype: np.dtype[Any]
    """Its dtype."""
    mode: str
    """Pillow's name of what the file holds, e.g. "RGB", "P" (palette), "I;16"."""
    has_more_frames: bool = field(default=False, repr=False, compare=False)
    """Whether frames or pages follow the first, which is the one that is read."""


def describe(
    path: FilePath, *, size: tuple[int, int] | None = None, mode: str | None = None
) -> FileInfo:
    """Describe what :func:`read_image` would return, without decoding pixels.

    Parameters
    ----------
    path, size, mode
        As for :func:`read_image`.

    Returns
    -------
    FileInfo
        Shape after EXIF orientation, dtype and mode. A damaged file may have a sound
        header: only reading it shows the damage.

    Raises
    ------
    ValueError, FileNotFoundError, PermissionError
        As :func:`read_image`, for what the header shows.

    Examples
    --------
    >>> import tempfile
    >>> path = f"{tempfile.mkdtemp()}/wide.png"
    >>> write_image(path, np.zeros((2, 5, 3), dtype=np.uint8))
    >>> describe(path)
    FileInfo(shape=(2, 5, 3), dtype=dtype('uint8'), mode='RGB')
    """
    check_size_and_mode(size, mode)
    with opened(path) as im:
        own_mode = _array_mode(im, mode)
        if _is_turned_late(im):
            # Its final size shows only when its pixels, and what follows them, are read.
            im.load()
        dtype, channels = ARRAYS[mode or own_mode]
        width, height = im.size[::-1] if _orientation(im) in _SWAPS_AXES else im.size
        named = own_mode if own_mode == "I;16" else im.mode
        shape = (*(size or (height, width)), *channels)
        return FileInfo(shape, np.dtype(dtype), named, frames_follow(im))


def read_image(
    path: FilePath,
    *,
    size: tuple[int, int] | None = None,
    mode: str | None = None,
    draft: bool = True,
) -> NDArray[Any]:
    """Read the pixels of one image file.

    Parameters
    ----------
    path : str or path-like
        A file in one of :data:`FORMATS`, recognised by its content. Of animations and
        multi-page files the first frame is read. EXIF orientation is always applied.
    size : (height, width), default=None
        Resize to this many pixels, bilinear with anti-aliasing (the support grows with
        the reduction); 16-bit, integer and float images in their own precision; bilevel
        images are thresholded at one half; colours are weighted by their alpha.
    mode : {"L", "RGB", "RGBA"}, default=None
        Convert to 8-bit grey, colour, or colour with alpha. Pillow converts 8-bit modes
        (RGBA to RGB drops the alpha channel). Others are scaled, never clipped: 16-bit
        by 255 / 65535, rounded; "I" likewise if all values are in 0..65535; "F" by 255,
        rounded, if all are in 0..1. By default the file decides, see the notes.
    draft : bool, default=True
        With `size`, let the JPEG decoder itself reduce by 2, 4 or 8 (means of blocks)
        while the image stays at least as large as `size`: faster, with a difference of
        about one grey level on average, and of up to 3.5 where nothing is left to resize,
        because a block is narrower than the bilinear filter. False decodes in full.

    Returns
    -------
    image : ndarray of shape (H, W) or (H, W, C)
        A new array.

    Raises
    ------
    FileNotFoundError, PermissionError
        If the file cannot be opened.
    ValueError
        Naming the file and the reason, for all else: not an image, damaged, truncated, a
        folder or a pipe, more pixels than one image may have
        (:func:`~imblearn_images.preprocessing.image_limits`), colours of more than 8 bits
        without `mode` (Pillow keeps their high byte only), values out of the range that
        `mode` needs.
    MemoryError
        Naming the file, if it needs more memory than there is.

    Notes
    -----
    ====================================  ===================  =======
    Pillow mode                           shape                dtype
    ====================================  ===================  =======
    1                                     (H, W)               bool
    L                                     (H, W)               uint8
    LA                                    (H, W, 2)            uint8
    RGB, CMYK, YCbCr, LAB, HSV, P         (H, W, 3)            uint8
    RGBA, PA, P with transparency         (H, W, 4)            uint8
    I;16 (any byte order, PNG, PGM)       (H, W)               uint16
    I                                     (H, W)               int32
    F                                     (H, W)               float32
    ====================================  ===================  =======

    Examples
    --------
    >>> import tempfile
    >>> path = f"{tempfile.mkdtemp()}/ramp.png"
    >>> write_image(path, np.array([[0, 257], [25700, 65535]], dtype=np.uint16))
    >>> read_image(path).tolist()
    [[0, 257], [25700, 65535]]
    >>> read_image(path, mode="L").tolist()
    [[0, 1], [100, 255]]
    >>> read_image(path, size=(1, 4), mode="RGB").shape
    (1, 4, 3)
    """
    check_size_and_mode(size, mode)
    with opened(path) as im:
        return _pixels(im, _array_mode(im, mode), size, mode, draft)


def read_look(path: FilePath, *, size: tuple[int, int]) -> NDArray[Any]:
    """Read an image as :func:`read_image` does, but colours of more than 8 bits as 8 bits.

    Parameters
    ----------
    path, size
        As for :func:`read_image`.
    """
    with opened(path) as im:
        return _pixels(im, array_mode(im), size, None, True)


def has_more_frames(path: FilePath) -> bool:
    """Return whether a file holds more than the frame or page that is read, from its header.

    Frames are not counted: that could take minutes.

    Parameters
    ----------
    path : str or path-like
        The file. :func:`describe` reports this too (``FileInfo.has_more_frames``).

    Returns
    -------
    bool
        Whether a second frame of a GIF, TIFF, WebP, PNG or of a phone's JPEG follows.

    Raises
    ------
    ValueError, FileNotFoundError, PermissionError, MemoryError
        As :func:`read_image`, for what the header shows.

    Examples
    --------
    >>> import tempfile
    >>> path = f"{tempfile.mkdtemp()}/pages.tif"
    >>> page = Image.new("L", (4, 3))
    >>> page.save(path, save_all=True, append_images=[page])
    >>> has_more_frames(path)
    True
    """
    with opened(path) as im:
        return frames_follow(im)


def frames_follow(im: ImageFile.ImageFile) -> bool:
    """Return whether frames follow the first; pixels cannot be read from `im` afterwards."""
    try:
        return bool(getattr(im, "is_animated", False))
    except Exception:  # noqa: BLE001 - there is a second frame, of a kind that Pillow cannot read
        return True


def _pixels(
    im: ImageFile.ImageFile,
    own_mode: str,
    size: tuple[int, int] | None,
    mode: str | None,
    draft: bool,
) -> NDArray[Any]:
    """Decode an opened image; the parameters are those of :func:`read_image`."""
    check_scans(im)
    if im.format == "PNG":
        im.load()  # its EXIF data may follow the pixels
    orientation = _orientation(im)
    box = target = None
    if size is not None:
        height, width = size
        # Resized before it is turned: fewer pixels have to be turned then.
        target = (height, width) if orientation in _SWAPS_AXES else (width, height)
        # The decoder's own reduction may end within a block, hence the box of what it really holds.
        if draft and (drafted := im.draft(im.mode, target)) is not None:
            box = drafted[1]
    # Pillow converts palettes and LAB to these modes only, hence two steps.
    image = im if own_mode in ("I;16", im.mode) else im.convert(own_mode)
    if mode is not None and image.mode != mode:  # else it would be copied
        image = _eight_bits(image).convert(mode)
    if target is not None and image.size != target:
        image = _resize(image, target, box)
    if orientation in _TURNS:
        image = image.transpose(_TURNS[orientation])
    if image.mode == "L" and (mode or own_mode) == "1":
        return np.asarray(image) >= 128
    return np.array(image, dtype=ARRAYS[mode or own_mode][0])


def write_image(path: FilePath, image: NDArray[Any], *, flush: bool = True) -> None:
    """Write an image without loss, whole or not at all; an existing file is replaced.

    :func:`read_image` gives the same array again.

    Parameters
    ----------
    path : str or path-like
        Ending in ".png", ".tif" or ".tiff".
    image : ndarray of shape (H, W), (H, W, 2), (H, W, 3) or (H, W, 4)
        uint8 in all shapes; bool and uint16 in (H, W); TIFF also takes int32 and
        float32 in (H, W).
    flush : bool, default=True
        As for :func:`written_whole`.

    Raises
    ------
    ValueError
        If the format cannot hold the image exactly.
    OSError
        If writing fails, e.g. on a full disk; then nothing is left behind.

    Examples
    --------
    >>> import tempfile
    >>> path = f"{tempfile.mkdtemp()}/heights.tif"
    >>> write_image(path, np.array([[-0.5, 1e6]], dtype=np.float32))
    >>> read_image(path)
    array([[-5.e-01,  1.e+06]], dtype=float32)
    """
    suffix = os.path.splitext(path)[1].lower()
    if suffix == ".png":
        write_png(path, image, flush=flush)
    elif suffix in (".tif", ".tiff"):
        _write(path, image, "TIFF", flush)
    else:
        raise ValueError(
            f"{printable(path)}: {suffix or 'no suffix'} does not name a lossless format that can "
            "be written; use .png (bool, uint8, uint16) or .tif (also int32, float32)."
        )


def check_can_be_written(shape: tuple[int, ...], dtype: np.dtype[Any], what: str) -> None:
    """Raise for images that no lossless file of this library can hold.

    Parameters
    ----------
    shape : tuple of int
        Shape of an image.
    dtype : dtype
        Its dtype.
    what : str
        Beginning of the message.

    Raises
    ------
    ValueError
        If neither PNG nor TIFF can hold such an image exactly.

    Examples
    --------
    >>> check_can_be_written((8, 8, 7), np.dtype("uint8"), "`output_dir` holds TIFF files")
    Traceback (most recent call last):
        ...
    ValueError: `output_dir` holds TIFF files, which cannot hold images of shape (8, 8, 7) and dtype
    uint8. They hold bool (H, W); uint8 (H, W); uint8 (H, W, 2); uint8 (H, W, 3); uint8 (H, W, 4);
    uint16 (H, W); int32 (H, W); float32 (H, W). Let `reader` give one of these, or resample the
    pixels in memory: numpy.asarray(X).
    """
    if (dtype.name, shape[2:]) in ARRAYS.values():
        return
    kinds = "; ".join(f"{name} {axes_of(channels)}" for name, channels in ARRAYS.values())
    raise ValueError(
        f"{what}, which cannot hold images of shape {shape} and dtype {dtype}. They hold {kinds}. "
        "Let `reader` give one of these, or resample the pixels in memory: numpy.asarray(X)."
    )


def write_png(path: FilePath, image: NDArray[Any], *, flush: bool = True) -> None:
    """Write a PNG as :func:`write_image` does, whatever the suffix of the name.

    Compression level 1: much faster than Pillow's default, and files hardly larger.
    """
    _write(path, image, "PNG", flush, compress_level=1)


def write_lossy(
    path: FilePath, image: NDArray[Any], file_format: str, quality: int, *, flush: bool = True
) -> None:
    """Write an image as JPEG or WebP, whole or not at all; an existing file is replaced.

    Parameters
    ----------
    path : str or path-like
        The file.
    image : ndarray of shape (H, W), (H, W, 3) or (H, W, 4), uint8
        JPEG takes grey and colour, WebP colour, also with alpha.
    file_format : {"jpeg", "webp"}
        Format.
    quality : int
        From 1 to 100.
    flush : bool, default=True
        As for :func:`written_whole`.

    Raises
    ------
    ValueError
        Naming the file, if the format cannot hold the image.
    OSError
        If writing fails.
    """
    try:
        content = encode(image, file_format, quality)
    except ValueError as error:
        raise ValueError(f"{printable(path)}: {error}") from error
    with written_whole(path, flush=flush) as file:
        file.write(content)


def encode(image: NDArray[Any], file_format: str | None, quality: int) -> bytes:
    """Return an image as the bytes of a file: JPEG, WebP, or a lossless one if neither is named."""
    image = np.ascontiguousarray(image)
    stored = io.BytesIO()
    if file_format not in ("jpeg", "webp"):
        _check_holds("PNG or TIFF", ARRAYS.values(), image)
        holds = [ARRAYS[mode] for mode in STORED_BY["PNG"]]
        png = (image.dtype.name, image.shape[2:]) in holds
        kind, options = ("PNG", {"compress_level": 1}) if png else ("TIFF", {})
        Image.fromarray(image).save(stored, kind, **options)
        return stored.getvalue()
    holds = [ARRAYS[mode] for mode in MODES_OF[file_format]]
    _check_holds(file_format, holds, image)
    Image.fromarray(image).save(stored, file_format, quality=quality)
    return stored.getvalue()


def _check_holds(
    file_format: str, holds: Collection[tuple[str, tuple[int, ...]]], image: NDArray[Any]
) -> None:
    """Raise a ValueError for an image that is not of one of the kinds that a format holds."""
    if (image.dtype.name, image.shape[2:]) not in holds:
        kinds = "; ".join(f"{dtype} {axes_of(channels)}" for dtype, channels in holds)
        raise ValueError(
            f"{file_format} cannot hold an image of shape {image.shape} and dtype {image.dtype}. "
            f"It holds {kinds}."
        )


def resize_array(image: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Resize an image to (height, width) as :func:`read_image` does.

    Examples
    --------
    >>> resize_array(np.full((4, 6, 3), 7, dtype=np.uint8), (2, 3)).shape
    (2, 3, 3)
    """
    small = _resize(Image.fromarray(np.ascontiguousarray(image)), size[::-1], None)
    if image.dtype == bool:
        return np.asarray(small) >= 128
    return np.array(small, dtype=image.dtype)


def check_size_and_mode(size: tuple[int, int] | None, mode: str | None) -> None:
    """Raise a ValueError if `size` or `mode` of :func:`read_image` is not valid."""
    if size is not None and (
        not isinstance(size, (tuple, list))
        or len(size) != 2
        or not all(isinstance(side, (int, np.integer)) and side > 0 for side in size)
    ):
        raise ValueError(f"`size` must be None or (height, width) in pixels, got {size!r}.")
    if mode not in (None, "L", "RGB", "RGBA"):
        raise ValueError(f'`mode` must be None, "L", "RGB" or "RGBA", got {mode!r}.')


@contextmanager
def opened(path: FilePath) -> Iterator[ImageFile.ImageFile]:
    """Open an image; errors within the block are raised with the path and the reason.

    They are FileNotFoundError, PermissionError, MemoryError, or ValueError for anything that is
    wrong with the file. When the machine can open no more files, the error stays an OSError, so
    that no caller counts a sound image as broken. Path and reason are one line of printable text.
    """
    name = printable(path)
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise ValueError("it is a folder, not an image file")
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is a pipe, socket or device, not an image file")
        if status.st_size == 0:
            raise ValueError("the file is empty")
        with open(path, "rb") as file, Image.open(file, formats=FORMATS) as im:
            if not im.width or not im.height:
                raise ValueError("the image has no pixels")
            current_limits().check_pixels(im.width * im.height, im.size, im.format)
            yield im
    except (FileNotFoundError, PermissionError) as exc:
        raise type(exc)(f"{name}: {exc.strerror}") from exc
    except MemoryError as exc:
        raise MemoryError(f"{name}: there is not enough memory to read it.") from exc
    except UnidentifiedImageError as exc:
        raise ValueError(f"{name}: not an image that can be read ({', '.join(FORMATS)})") from exc
    # On a malformed file, Pillow's readers can raise almost anything.
    except Exception as exc:
        if isinstance(exc, OSError) and exc.errno == errno.ENOMEM:
            raise MemoryError(f"{name}: there is not enough memory to read it.") from exc
        if isinstance(exc, OSError) and exc.errno in _MACHINE_ERRORS:
            raise OSError(exc.errno, exc.strerror, os.fspath(path)) from exc
        # Without the path that OSError would put in front, since it stands there already.
        reason = getattr(exc, "strerror", None) or str(exc)
        if isinstance(exc, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
            reason = _reason_of_bomb(reason)
        elif not isinstance(exc, (OSError, ValueError)):
            reason = f"damaged ({type(exc).__name__}: {reason})"
        raise ValueError(f"{name}: {printable(reason)}") from exc


def _reason_of_bomb(pillows: str) -> str:
    """Return the message of our own limit for an image that Pillow refused for its size."""
    try:
        current_limits().check_pixels(int("".join(re.findall(r"\((\d+) pixels", pillows)[:1]) or 0))
    except ValueError as error:
        return str(error)
    return pillows


def check_scans(im: ImageFile.ImageFile) -> None:
    """Raise for a JPEG that would take too long because it codes every pixel many times."""
    if im.format not in ("JPEG", "MPO") or im.fp is None:
        return
    # Pillow reads on from here, so the place is kept.
    here = im.fp.tell()
    im.fp.seek(0)
    content = im.fp.read()
    im.fp.seek(here)
    # Counting bytes takes no time, but finds scans of thumbnails, too: only then they are followed.
    if content.count(b"\xff\xda") > 1:
        current_limits().check_scans(_count_scans(content), im.size)


def _count_scans(jpeg: bytes) -> int:
    """Count scans as libjpeg meets them: up to the end of the image, not in thumbnails."""
    n_scans, at = 0, 2
    while (found := _JPEG_MARKER.search(jpeg, at)) and (marker := found[0][1]) != 0xD9:
        n_scans += marker == 0xDA
        at = found.end()
        if marker not in (0x01, 0xD8):  # these two have no length
            at += int.from_bytes(jpeg[at : at + 2], "big")
    return n_scans


def check_scale(im: Image.Image) -> None:
    """Raise for pixels that :func:`read_image` could not bring into 8 bits for a `mode`."""
    if im.mode in ("I", "F") or im.mode.startswith("I;16"):
        _check_range(np.asarray(im), im.mode)


def _array_mode(im: Image.Image, mode: str | None) -> str:
    """Return the mode in which pixels are read; raise if that needs a `mode` to be named."""
    own_mode = array_mode(im)
    if mode is None and isinstance(im, ImageFile.ImageFile) and has_deep_colour(im):
        raise ValueError(
            "it has colours of more than 8 bits, which Pillow cannot keep; "
            'mode="RGB" reads 8 bits of them'
        )
    return own_mode


def _orientation(im: ImageFile.ImageFile) -> int:
    """Return the EXIF orientation that is still to be applied, 1 to 8."""
    if im.format == "TIFF":
        return 1  # Pillow applies it while decoding
    try:
        # Not PngImageFile.getexif, which decodes all pixels to find metadata behind them.
        orientation = Image.Image.getexif(im).get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - broken metadata of any kind beside sound pixels
        return 1
    return orientation if isinstance(orientation, int) else 1


def _is_turned_late(im: ImageFile.ImageFile) -> bool:
    """Return whether the size after orientation may be known only once pixels are decoded."""
    if isinstance(im, TiffImagePlugin.TiffImageFile):
        # Pillow turns these while decoding; before version 11.0 `im.size` is that before turning.
        return im.tag_v2.get(ExifTags.Base.Orientation) in _SWAPS_AXES
    if im.format != "PNG" or im.fp is None:
        return False
    here, seen_pixels, late = im.fp.tell(), False, False
    im.fp.seek(8)
    while len(header := im.fp.read(8)) == 8 and not late:
        name = header[4:]
        seen_pixels |= name == b"IDAT"
        late = seen_pixels and name in (b"eXIf", b"iTXt", b"zTXt", b"tEXt")
        im.fp.seek(int.from_bytes(header[:4], "big") + 4, os.SEEK_CUR)
    im.fp.seek(here)
    return late


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return an image scaled to 8 bits; as it is if it has no more."""
    if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
        return image
    pixels = np.asarray(image)
    top = _check_range(pixels, image.mode)
    return Image.fromarray(np.rint(pixels * (255 / top)).astype(np.uint8))


def _check_range(pixels: NDArray[Any], mode: str) -> int:
    """Return the value that means white; raise for pixels above it, or below 0."""
    top = 1 if mode == "F" else 65535
    low, high = pixels.min(), pixels.max()
    if not (low >= 0 and high <= top):  # also true of NaN
        raise ValueError(
            f"{pixels.dtype} pixels from {low} to {high} cannot be scaled to 8 bits: they "
            f"must lie in 0..{top}; read them without `mode` and scale them yourself"
        )
    return top


def _resize(
    image: Image.Image,
    size: tuple[int, int],
    box: tuple[float, float, float, float] | None,
) -> Image.Image:
    """Resize an image to (width, height); `box` is the part of it that is used."""
    # Pillow does not interpolate these modes.
    if image.mode == "1":
        image = image.convert("L")
    elif image.mode.startswith("I;16"):
        image = image.convert("I")
    return image.resize(size, Resampling.BILINEAR, box=box)


def _write(
    path: FilePath, image: NDArray[Any], file_format: str, flush: bool, **options: Any
) -> None:
    """Write an image in a lossless format, or raise if that cannot hold it."""
    image = np.asarray(image)
    # Pillow takes the bytes as they lie in memory, of the machine's own order.
    image = np.ascontiguousarray(image, dtype=image.dtype.newbyteorder("="))
    storable = [ARRAYS[mode] for mode in STORED_BY[file_format]]
    if (image.dtype.name, image.shape[2:]) not in storable or image.ndim < 2 or not image.size:
        kinds = "; ".join(f"{dtype} {axes_of(channels)}" for dtype, channels in storable)
        raise ValueError(
            f"{printable(path)}: {file_format} cannot hold an image of shape {image.shape} and "
            f"dtype {image.dtype} without loss. It holds {kinds}"
            + (" (.tif also int32 and float32)." if file_format == "PNG" else ".")
        )
    picture = Image.fromarray(image)
    with written_whole(path, flush=flush) as file:
        picture.save(file, format=file_format, **options)


MORE_FRAMES = "with more than one frame, the first is used"
"""What the warning says, and by which :func:`frames_told` suppresses it."""


def describe_all(
    paths: Sequence[FilePath],
    *,
    size: tuple[int, int] | None = None,
    mode: str | None = None,
    n_jobs: int | None = None,
) -> list[FileInfo]:
    """Describe many files in joblib threads.

    Parameters
    ----------
    paths : sequence of str or path-like
        The files.
    size, mode
        As for :func:`read_image`.
    n_jobs : int, default=None
        Number of threads, as in joblib.

    Returns
    -------
    list of FileInfo
        What :func:`describe` returns for each file, in the order of `paths`.

    Warns
    -----
    UserWarning
        Once, for all files of which only the first frame or page will be read.

    Raises
    ------
    FileNotFoundError, MemoryError, ValueError
        As :func:`raise_unreadable`, for all files that cannot be read, not just the first.
    """
    check_size_and_mode(size, mode)
    # 64 headers a task: for one alone, handing it to a thread takes longer than reading it.
    tasks = ((paths[start : start + 64], size, mode) for start in range(0, len(paths), 64))
    batches = in_threads(_describe_batch, tasks, n_jobs=n_jobs)
    found = [item for batch in batches for item in batch]
    raise_unreadable([item for item in found if isinstance(item, Exception)], len(paths))
    # One warning for all: one for each file would hide everything else on the screen.
    more = [path for path, info in zip(paths, found, strict=True) if info.has_more_frames]
    if more:
        files_ = "1 file" if len(more) == 1 else f"{len(more)} files"
        warnings.warn(f"{files_} {MORE_FRAMES}, such as {printable(more[0])}.", stacklevel=2)
    return found


@contextmanager
def frames_told() -> Iterator[None]:
    """Suppress the warning about further frames, for callers that report these themselves."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", rf"\d+ files? {MORE_FRAMES}", UserWarning)
        yield


def tell_frames(paths: Sequence[FilePath], *, n_jobs: int | None = None) -> None:
    """Warn of further frames as :func:`describe_all` does; nothing is raised for bad files."""
    with suppress(OSError, ValueError, MemoryError):
        describe_all(paths, n_jobs=n_jobs)


def raise_unreadable(errors: Sequence[Exception], n_files: int) -> None:
    """Raise the errors of many files, if any, as one error.

    Parameters
    ----------
    errors : sequence of exceptions
        As :func:`read_image` raises them.
    n_files : int
        How many files were read.

    Raises
    ------
    FileNotFoundError, MemoryError, ValueError
        One of the first two if all of `errors` are of that type; the message has file and reason
        of the first ten.
    """
    if not errors:
        return
    n_all = counted(n_files, "image file")
    lines = [f"{len(errors)} of {n_all} cannot be read:", *map(str, errors[:10])]
    if len(errors) > 10:
        lines.append(f"and {len(errors) - 10} more")
    kind: type[Exception] = ValueError
    for other in (FileNotFoundError, MemoryError):
        if all(isinstance(error, other) for error in errors):
            kind = other
    raise kind("\n  ".join(lines)) from errors[0]


def check_uniform(
    infos: Sequence[FileInfo], paths: Sequence[FilePath], *, by_mode: bool = True
) -> None:
    """Check that files hold one kind of image; sizes may differ.

    Parameters
    ----------
    infos : sequence of FileInfo
        What :func:`describe` returns for each file.
    paths : sequence of str or path-like
        The files, for the message.
    by_mode : bool, default=True
        Whether two modes that are read into the same kind of array, such as palette and RGB,
        count as two kinds.

    Raises
    ------
    ValueError
        If modes, dtypes or numbers of channels differ, with the count and the first files of
        each kind.

    Examples
    --------
    >>> grey = FileInfo((8, 8), np.dtype("uint8"), "L")
    >>> check_uniform([grey, FileInfo((9, 9), np.dtype("uint8"), "L")], ["a.png", "b.png"])
    """
    kinds: dict[tuple[str, tuple[int, ...], np.dtype[Any]], list[FilePath]] = {}
    for info, path in zip(infos, paths, strict=True):
        # Sizes are left out: images of several sizes are resized where one size is needed.
        kinds.setdefault((info.mode, info.shape[2:], info.dtype), []).append(path)
    if len(kinds if by_mode else {kind[1:] for kind in kinds}) < 2:
        return
    lines = [f"The {len(infos)} image files are of {len(kinds)} kinds:"]
    for (mode, channels, dtype), members in sorted(kinds.items(), key=lambda kind: -len(kind[1])):
        examples = ", ".join(map(printable, members[:3])) + (", ..." if len(members) > 3 else "")
        lines.append(f"{mode} {axes_of(channels)} {dtype}: {len(members)} ({examples})")
    raise ValueError(
        "\n  ".join(lines) + '\nRead all of them as one kind with mode="RGB" (of ReadImages at '
        'the head of a pipeline, or of balance_folder), or "L" or "RGBA".'
    )


def _describe_batch(
    paths: Sequence[FilePath], size: tuple[int, int] | None, mode: str | None
) -> list[Any]:
    """Return what :func:`describe` returns for each file, or the exception that it raises."""
    found: list[Any] = []
    for path in paths:
        try:
            found.append(describe(path, size=size, mode=mode))
        except (FileNotFoundError, PermissionError, ValueError, MemoryError) as exc:
            found.append(exc)
    return found
