"""Limits: what the decoding of one image file may cost.

A few kilobytes can hold an image of any size, and a progressive JPEG decodes all its pixels once
for every scan. So both are looked at before the first pixel is decoded.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np
from PIL import Image

MAX_PIXELS = 128_000_000
"""Pixels that one image may have by default: more than the largest common cameras give."""

MOST = (1 << 31) - 1
"""The highest limit: Pillow and 32-bit sizes hold no more."""

SCANS = 16
"""Scans of the largest image that may be decoded; 10 are usual for a progressive JPEG."""


_REMEDY = "read it within `image_limits(max_pixels={n})` of imblearn_images.preprocessing"


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """The limits that hold, and how they are raised."""

    max_pixels: int = MAX_PIXELS
    """Pixels that one image may have."""
    remedy: str = _REMEDY
    """How whoever called raises the limit to n pixels."""

    def check_pixels(
        self, n_pixels: int, size: tuple[int, int] | None = None, file_format: str | None = None
    ) -> None:
        """Raise a ValueError for an image of too many pixels; `size` is (width, height)."""
        share = 2 if file_format == "WEBP" else 1
        if n_pixels * share > self.max_pixels:
            sides = "" if size is None else f"{size[1]} x {size[0]} = "
            what = "one WebP image" if share > 1 else "one image"
            raise ValueError(
                f"{sides}{n_pixels:,} pixels, more than the {self.max_pixels // share:,} that "
                f"{what} may have; it could be a decompression bomb."
                f"{self._raised(n_pixels * share)}"
            )

    def check_scans(self, n_scans: int, size: tuple[int, int]) -> None:
        """Raise a ValueError for a JPEG whose scans are too much work to decode."""
        needed = -(-n_scans * size[0] * size[1] // SCANS)
        if needed > self.max_pixels:
            raise ValueError(
                f"{n_scans} scans of {size[1]} x {size[0]} pixels, as much work as {SCANS} scans "
                f"of {needed:,} pixels; {self.max_pixels:,} are allowed.{self._raised(needed)}"
            )

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Context in which these limits hold."""
        asked_for = self != ImageLimits()  # by default Pillow's own limit is the caller's matter
        token = _current.set(self)
        if asked_for:
            _lift(self.max_pixels)
        try:
            yield
        finally:
            _current.reset(token)
            if asked_for:
                _lift(self.max_pixels, back=True)

    def _raised(self, n: int) -> str:
        return f" If you trust the file, {self.remedy.format(n=n)}." if n <= MOST else ""


_current: ContextVar[ImageLimits] = ContextVar("image_limits", default=ImageLimits())  # noqa: B039
_lifted: list[int] = []
_pillows: list[int | None] = []
_lock = threading.Lock()


def current_limits() -> ImageLimits:
    """Return the limits that hold here."""
    return _current.get()


@contextmanager
def image_limits(*, max_pixels: int = MAX_PIXELS, remedy: str | None = None) -> Iterator[None]:
    """Context in which image files may have more, or fewer, pixels than by default.

    The limit protects against decompression bombs: files of a few kilobytes that hold gigabytes
    of pixels. It holds for whatever reads image files, samplers, steps of a pipeline and
    functions on folders, in the threads that these start. Processes of third parties, such as those
    of ``cross_validate(n_jobs=2)``, start with the default; there use
    :class:`~imblearn_images.preprocessing.ReadImages` with `max_pixels`.

    Read more in the :ref:`User Guide <files-in-a-pipeline>`.

    Parameters
    ----------
    max_pixels : int, default=128_000_000
        Pixels that one image may have, from 1 to 2**31 - 1; a WebP half as many, as it takes
        three times the memory of others. Of a progressive JPEG at most 16 times as many are
        decoded, all its scans counted. While the context is open, Pillow's
        ``MAX_IMAGE_PIXELS`` is raised to it, too.
    remedy : str, default=None
        What errors recommend for raising the limit to ``{n}``; this context by default.

    Raises
    ------
    ValueError
        If `max_pixels` is not such an integer.

    Examples
    --------
    >>> import tempfile
    >>> from imblearn_images.core.files import read_image, write_image
    >>> path = f"{tempfile.mkdtemp()}/wide.png"
    >>> write_image(path, np.zeros((10, 30), dtype=np.uint8))
    >>> with image_limits(max_pixels=200):
    ...     read_image(path)
    Traceback (most recent call last):
    ...
    ValueError: ...wide.png: 10 x 30 = 300 pixels, more than the 200 that one image may have; ...
    """
    check_max_pixels(max_pixels)
    with ImageLimits(int(max_pixels), _REMEDY if remedy is None else remedy).hold():
        yield


def check_max_pixels(max_pixels: int | None) -> None:
    """Check the parameter of that name; a ValueError says what was received."""
    if max_pixels is not None and (
        isinstance(max_pixels, bool)
        or not isinstance(max_pixels, (int, np.integer))
        or not 1 <= max_pixels <= MOST
    ):
        raise ValueError(
            f"`max_pixels` must be an integer from 1 to {MOST}, got {max_pixels!r}. Give the "
            "number of pixels, height x width, that one image may have."
        )


def _lift(n: int, *, back: bool = False) -> None:
    """Raise Pillow's own limit, one number for all threads, to the highest one in use."""
    with _lock:
        if not _lifted:
            _pillows[:] = [Image.MAX_IMAGE_PIXELS]
        if back:
            _lifted.remove(n)
        else:
            _lifted.append(n)
        if _pillows[0] is not None:
            Image.MAX_IMAGE_PIXELS = max([_pillows[0], *_lifted])
