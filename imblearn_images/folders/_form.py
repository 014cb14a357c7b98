"""Form: the size and the file format in which drawn images are written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core import disk, files
from imblearn_images.core.files import MODES_OF

_SUFFIXES = {None: "", "png": ".png", "jpeg": ".jpg", "webp": ".webp"}
_QUALITY = 90


@dataclass(frozen=True)
class Form:
    """Size and file format of drawn images; by default those of their base, without loss.

    Parameters
    ----------
    size : int, default=None
        Maximum length of the longer side, in pixels.
    format : {"png", "jpeg", "webp"}, default=None
        Format of the files; None is PNG, or TIFF for int32 and float32.
    quality : int, default=None
        Quality of JPEG and WebP, from 1 to 100; None stands for 90.

    Raises
    ------
    ValueError
        Naming the parameter that is out of range, or a quality without such a format.

    Examples
    --------
    >>> str(Form(256, "jpeg"))
    'at most 256 pixels, JPEG of quality 90'
    """

    size: int | None = None
    format: str | None = None
    quality: int | None = None

    def __post_init__(self) -> None:
        for name, value, maximum in (("size", self.size, None), ("quality", self.quality, 100)):
            if value is None:
                continue
            whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
            if not whole or value < 1 or (maximum is not None and value > maximum):
                limits = "of 1 or more pixels" if maximum is None else f"from 1 to {maximum}"
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
        parts = [f"at most {self.size} pixels"] if self.size else []
        if self.format == "png":
            parts.append("PNG")
        elif self.format:
            kind = {"jpeg": "JPEG", "webp": "WebP"}[self.format]
            parts.append(f"{kind} of quality {self.quality or _QUALITY}")
        return ", ".join(parts)

    @property
    def suffix(self) -> str:
        """Suffix of the files; empty where the pixels choose between PNG and TIFF."""
        return _SUFFIXES[self.format]

    def resized(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return the image, made smaller if its longer side exceeds `size`."""
        longest = max(image.shape[:2])
        if self.size is None or longest <= self.size:
            return image
        height, width = (max(1, round(side * self.size / longest)) for side in image.shape[:2])
        return files.resize_array(image, (height, width))

    def write(self, path: disk.FilePath, image: NDArray[Any]) -> None:
        """Write an image in this format; the file is whole or absent."""
        if self.format in ("jpeg", "webp"):
            files.write_lossy(path, image, self.format, self.quality or _QUALITY, flush=False)
        else:
            files.write_image(path, image, flush=False)

    def check_modes(self, modes: Iterable[str]) -> None:
        """Raise a ValueError naming the first mode that the format cannot hold."""
        if self.format is None:
            return
        held = MODES_OF[self.format]
        for mode in modes:
            if mode not in held:
                raise ValueError(
                    f"`format` must be one that can hold images of mode {mode}, got "
                    f"{self.format!r}, which holds {', '.join(held)}. Read all files as "
                    'colour, mode="RGB", or choose another format.'
                )

    def n_bytes(self, image: NDArray[Any]) -> int:
        """Return the size in bytes of the file that an image would make."""
        return len(files.encode(self.resized(image), self.format, self.quality or _QUALITY))
