"""Memory: what is available, and errors before work that would take more.

Two things are refused in advance: an output that does not fit, and the decoding of an image file
that costs too much. A few kilobytes can hold an image of any size, and to decode a progressive JPEG
all its pixels are decoded once for every scan; so both numbers are checked before the first pixel
is decoded.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image


def available_memory() -> int | None:
    """Return the bytes that this process can still get, or None if the system does not report it.

    The minimum of what is free or reclaimable on the machine, what the control group
    (container) allows, and what is left of the address-space limit (``ulimit -v``).
    """
    # The smallest counts: whichever is hit first ends the process.
    limits = [left for left in (_machine(), _control_group(), _address_space()) if left is not None]
    return min(limits, default=None)


def check_fits(nbytes: int, what: str, remedy: str) -> None:
    """Raise a MemoryError if more is to be allocated than is available.

    Parameters
    ----------
    nbytes : int
        Bytes that are about to be allocated.
    what, remedy : str
        What needs them, and what the user can do instead.

    Raises
    ------
    MemoryError
        Saying how much is needed, how much there is, and the remedy.
    """
    if nbytes < 1 << 22:
        return  # below 4 MB, asking the system would take longer than the work
    available = available_memory()
    if available is not None and nbytes > available:
        raise MemoryError(
            f"{what} needs {_human(nbytes)}, but {_human(available)} of memory are available. "
            f"{remedy}"
        )


def _human(nbytes: int) -> str:
    return f"{nbytes / 1e9:.2f} GB" if nbytes >= 1e9 else f"{nbytes / 1e6:.1f} MB"


def _machine() -> int | None:
    """Return the bytes that are free or reclaimable on this machine, or None."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _control_group() -> int | None:
    """Return the bytes that the strictest control group of this process leaves, or None."""
    try:
        own = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except OSError:
        return None
    left = []
    for _, controllers, path in own:
        if controllers in ("", "memory"):
            root = Path("/sys/fs/cgroup") / controllers
            group = root / path.lstrip("/")
            left += [
                _left(folder)
                for folder in (group, *group.parents)
                if root in (folder, *folder.parents)
            ]
    return min((each for each in left if each is not None), default=None)


def _left(group: Path) -> int | None:
    """Return the bytes that one control group leaves, version 2 or 1; None without a limit."""
    second = "memory.max", "memory.current", "inactive_file"
    first = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
    for limit, usage, given_back in (second, first):
        try:
            allowed = int((group / limit).read_text())  # "max" where there is no limit
            used = int((group / usage).read_text())
            stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        except (OSError, ValueError):
            continue
        # Cached pages of files that nobody uses count as used, but are freed on demand.
        return max(allowed - used + int(stat.get(given_back, 0)), 0)
    return None


def _address_space() -> int | None:
    """Return the bytes that the address-space limit of this process leaves, or None."""
    if sys.platform == "win32":
        return None
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    statm = Path("/proc/self/statm")
    if limit == resource.RLIM_INFINITY or not statm.exists():
        return None
    used = int(statm.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    return max(limit - used, 0)


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
