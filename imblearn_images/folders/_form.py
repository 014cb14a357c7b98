"""Form: the size and the format that drawn images are written in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core import files
from imblearn_images.core.modes import MODES_OF

_SUFFIXES = {None: "", "png": ".png", "jpeg": ".jpg", "webp": ".webp"}
_QUALITY = 90


@dataclass(frozen=True)
class Form:
    """What drawn images are written as; by default without loss, as large as their base.

    Parameters
    ----------
    size : int, default=None
        Pixels that the longer side has at most.
    format : {"png", "jpeg", "webp"}, default=None
        Format of the files; None is PNG, or TIFF for int32 and float32.
    quality : int, default=None
        From 1 to 100, of JPEG and WebP; None is 90.

    Examples
    --------
    >>> str(Form(256, "jpeg"))
    'at most 256 pixels, JPEG of quality 90'
    """

    size: int | None = None
    format: str | None = None
    quality: int | None = None

    def __post_init__(self) -> None:
        for name, value, most in (("size", self.size, None), ("quality", self.quality, 100)):
            if value is None:
                continue
            whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
            if not whole or value < 1 or (most is not None and value > most):
                limits = "of 1 or more pixels" if most is None else f"from 1 to {most}"
                raise ValueError(f"`{name}` must be an integer {limits}, got {value!r}.")
        if self.format not in _SUFFIXES:
            raise ValueError(f'`format` must be "png", "jpeg" or "webp", got {self.format!r}.')
        if self.quality is not None and self.format not in ("jpeg", "webp"):
            raise ValueError(
                f"`quality` must go with a format that has one, got {self.quality} for "
                f"{self.format or 'files without loss'}. Choose jpeg or webp, or leave it out."
            )

    def __bool__(self) -> bool:
        return self != Form()

    def __str__(self) -> str:
        said = [f"at most {self.size} pixels"] if self.size else []
        if self.format == "png":
            said.append("PNG")
        elif self.format:
            kind = {"jpeg": "JPEG", "webp": "WebP"}[self.format]
            said.append(f"{kind} of quality {self.quality or _QUALITY}")
        return ", ".join(said)

    @property
    def suffix(self) -> str:
        """Ending of the names of files; empty for one without loss that holds the image."""
        return _SUFFIXES[self.format]

    def resized(self, image: NDArray[Any]) -> NDArray[Any]:
        """Make an image as small as it is to be."""
        longest = max(image.shape[:2])
        if self.size is None or longest <= self.size:
            return image
        height, width = (max(1, round(side * self.size / longest)) for side in image.shape[:2])
        return files.resize_array(image, (height, width))

    def write(self, path: files.FilePath, image: NDArray[Any]) -> None:
        """Write an image to a file that is whole or absent."""
        if self.format in ("jpeg", "webp"):
            files.write_lossy(path, image, self.format, self.quality or _QUALITY)
        else:
            files.write_image(path, image)

    def check_modes(self, modes: Iterable[str]) -> None:
        """Raise a ValueError for kinds of images that the format cannot hold."""
        if self.format is None:
            return
        held = MODES_OF[self.format]
        for mode in modes:
            if mode not in held:
                raise ValueError(
                    f"`format` must be one that can hold what is drawn, got {self.format!r} for "
                    f"images of mode {mode}; it holds {', '.join(held)}. Read all files as "
                    'colour, mode="RGB", or choose another format.'
                )

    def n_bytes(self, image: NDArray[Any]) -> int:
        """Bytes that the file of an image takes."""
        return len(files.encode(self.resized(image), self.format, self.quality or _QUALITY))
