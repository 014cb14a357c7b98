"""Limits: what the decoding of one image file may cost.

A few kilobytes can hold an image of any size, and to decode a progressive JPEG all its pixels are
decoded once for every scan. So both numbers are checked before the first pixel is decoded.
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
"""Pixels that one image may have by default: more than the largest common cameras make."""

MOST = (1 << 31) - 1
"""The highest limit: Pillow and 32-bit sizes hold no more."""

SCANS = 16
"""Scans of the largest image that may be decoded; 10 are usual for a progressive JPEG."""


_REMEDY = "read it within `image_limits(max_pixels={n})` of imblearn_images.preprocessing"


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """The limits in force, and the advice on how to raise them."""

    max_pixels: int = MAX_PIXELS
    """Pixels that one image may have."""
    remedy: str = _REMEDY
    """What errors advise, with {n} for the number of pixels that is needed."""

    def check_pixels(
        self, n_pixels: int, size: tuple[int, int] | None = None, file_format: str | None = None
    ) -> None:
        """Raise a ValueError for an image of too many pixels; `size` is (width, height)."""
        # Decoding a WebP takes three times the memory of others: half as many pixels are allowed.
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
        """Raise a ValueError for a JPEG with too many scans; `size` is (width, height)."""
        needed = -(-n_scans * size[0] * size[1] // SCANS)
        if needed > self.max_pixels:
            raise ValueError(
                f"{n_scans} scans of {size[1]} x {size[0]} pixels are as much work as {SCANS} "
                f"scans of {needed:,} pixels; {self.max_pixels:,} are allowed."
                f"{self._raised(needed)}"
            )

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Return a context in which these limits are in force."""
        # The default limits leave Pillow's own limit as the caller has set it.
        asked_for = self != ImageLimits()
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
        """Return the advice on how to raise the limit to `n` pixels, or "" if that is too many."""
        return f" If you trust the file, {self.remedy.format(n=n)}." if n <= MOST else ""


_current: ContextVar[ImageLimits] = ContextVar("image_limits", default=ImageLimits())  # noqa: B039
_lifted: list[int] = []
_pillows: list[int | None] = []
_lock = threading.Lock()


def current_limits() -> ImageLimits:
    """Return the limits in force in this context."""
    return _current.get()


@contextmanager
def image_limits(*, max_pixels: int = MAX_PIXELS, remedy: str | None = None) -> Iterator[None]:
    """Context in which image files may have more, or fewer, pixels than by default.

    The limit protects against decompression bombs: files of a few kilobytes that hold gigabytes
    of pixels. It applies to everything that reads image files: samplers, steps of a pipeline and
    functions on folders, also in threads that they start. Third-party processes, such as those of
    ``cross_validate(n_jobs=2)``, start with the default; use
    :class:`~imblearn_images.preprocessing.ReadImages` with `max_pixels` there.

    Read more in the :ref:`User Guide <files-in-a-pipeline>`.

    Parameters
    ----------
    max_pixels : int, default=128_000_000
        Pixels that one image may have, from 1 to 2**31 - 1; a WebP image half as many, because
        it takes three times the memory of others. The scans of a progressive JPEG may together
        have 16 times as many. While the context is open, Pillow's ``MAX_IMAGE_PIXELS`` is raised
        to this number as well.
    remedy : str, default=None
        What errors advise to raise the limit to ``{n}``; by default, this context.

    Raises
    ------
    ValueError
        If `max_pixels` is not an integer in this range.

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
    """Raise a ValueError if the parameter `max_pixels` is neither None nor a valid limit."""
    if max_pixels is not None and (
        isinstance(max_pixels, bool)
        or not isinstance(max_pixels, (int, np.integer))
        or not 1 <= max_pixels <= MOST
    ):
        raise ValueError(
            f"`max_pixels` must be an integer from 1 to {MOST}, got {max_pixels!r}. Pass the "
            "number of pixels, height x width, that one image may have."
        )


def _lift(n: int, *, back: bool = False) -> None:
    """Set Pillow's own limit, one number for all threads, to the highest of those in force.

    `n` joins the limits in force, or leaves them if `back` is true.
    """
    with _lock:
        if not _lifted:
            _pillows[:] = [Image.MAX_IMAGE_PIXELS]
        if back:
            _lifted.remove(n)
        else:
            _lifted.append(n)
        if _pillows[0] is not None:
            Image.MAX_IMAGE_PIXELS = max([_pillows[0], *_lifted])
