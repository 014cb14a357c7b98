"""Form: how a data set is written, checked once: layout, links, manifest, drawn images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core import disk, files
from imblearn_images.folders._manifest import MANIFESTS, check_text, require_pyarrow
from imblearn_images.folders._names import LABELS, check_names, misread_labels

LAYOUTS = ("folders", "csv")
LINKS = ("copy", "hard", "symlink", "rows")
_SUFFIXES = {None: "", "png": ".png", "jpeg": ".jpg", "webp": ".webp"}
_QUALITY = 90


@dataclass(frozen=True, kw_only=True)
class Form:
    """How a data set is written; by default as class folders of copies.

    Parameters
    ----------
    layout : {"folders", "csv"}, default="folders"
        Class folders, or one folder and ``labels.csv``.
    link : {"copy", "hard", "symlink", "rows"}, default="copy"
        How originals and copies get there.
    manifest : {"jsonl", "parquet"}, default="jsonl"
        What the manifest is written as.
    mode : {"L", "RGB", "RGBA"}, default=None
        Mode of drawn images; that of their parents by default.
    size : int, default=None
        Maximum length of the longer side of drawn images, in pixels.
    format : {"png", "jpeg", "webp"}, default=None
        Format of the files of drawn images; None is PNG, or TIFF for int32 and float32.
    quality : int, default=None
        Quality of JPEG and WebP, from 1 to 100; None stands for 90.

    Raises
    ------
    ValueError
        Naming the parameter that is out of range, or two that exclude each other.
    ModuleNotFoundError
        If what writes the manifest is not installed.

    Examples
    --------
    >>> str(Form(size=256, format="jpeg"))
    'at most 256 pixels, JPEG of quality 90'
    >>> Form(link="rows")
    Traceback (most recent call last):
    ...
    ValueError: `layout` must be "csv" with link="rows", which writes no files.
    """

    layout: str = "folders"
    link: str = "copy"
    manifest: str = "jsonl"
    mode: str | None = None
    size: int | None = None
    format: str | None = None
    quality: int | None = None

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise ValueError(f'`layout` must be "folders" or "csv", got {self.layout!r}.')
        if self.link not in LINKS:
            raise ValueError(f"`link` must be one of {LINKS}, got {self.link!r}.")
        if self.link == "rows" and self.layout != "csv":
            raise ValueError('`layout` must be "csv" with link="rows", which writes no files.')
        if self.manifest not in tuple(MANIFESTS):
            raise ValueError(f'`manifest` must be "jsonl" or "parquet", got {self.manifest!r}.')
        if self.manifest == "parquet":
            require_pyarrow()  # now, and not after hours of drawing
        files.check_size_and_mode(None, self.mode)
        for name, value, maximum in (("size", self.size, None), ("quality", self.quality, 100)):
            if value is None:
                continue
            whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
            if not whole or value < 1 or (maximum is not None and value > maximum):
                limits = "of 1 or more pixels" if maximum is None else f"from 1 to {maximum}"
                raise ValueError(f"`{name}` must be an integer {limits}, got {value!r}.")
        if self.format not in tuple(_SUFFIXES):
            raise ValueError(f'`format` must be "png", "jpeg" or "webp", got {self.format!r}.')
        if self.quality is not None and self.format not in ("jpeg", "webp"):
            raise ValueError(
                f"`quality` must go with a format that has one, got {self.quality} for "
                f"{self.format or 'files without loss'}. Choose jpeg or webp, or leave it out."
            )

    @property
    def is_plain(self) -> bool:
        """Whether drawn images are written as they are: full size, without loss."""
        # A quality cannot be set without a format.
        return self.size is None and self.format is None

    def __str__(self) -> str:
        # Part of the digest in the names of drawn files: another text would rename all of them.
        parts = [f"at most {self.size} pixels"] if self.size else []
        if self.format == "png":
            parts.append("PNG")
        elif self.format:
            kind = {"jpeg": "JPEG", "webp": "WebP"}[self.format]
            parts.append(f"{kind} of quality {self.quality or _QUALITY}")
        return ", ".join(parts)

    @property
    def suffix(self) -> str:
        """Suffix of drawn files; empty where the pixels choose between PNG and TIFF."""
        return _SUFFIXES[self.format]

    @property
    def manifest_name(self) -> str:
        """File name of the manifest."""
        return MANIFESTS[self.manifest]

    @property
    def tables(self) -> list[str]:
        """Names of the files beside the images."""
        return [self.manifest_name, *([LABELS] if self.layout == "csv" else [])]

    def check_files(self, names: Iterable[str]) -> None:
        """Raise a ValueError naming the first file whose name the manifest cannot hold."""
        if self.manifest == "parquet":
            check_text(names)

    def check_classes(self, labels: list[str]) -> list[str]:
        """Check that classes can be written; return notes on how to read them.

        Raises
        ------
        ValueError
            Naming the class that cannot be written, or two that would share a folder.
        """
        check_names(labels, self.layout)
        if self.layout != "csv" or not (misread := misread_labels(labels)):
            return []
        note = (
            f"classes {misread} look like numbers, formulas or missing values: read labels.csv "
            "with pandas.read_csv(..., dtype={'label': str}, keep_default_na=False), and not with "
            "a spreadsheet"
        )
        return [note]

    def resized(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return the image, made smaller if its longer side exceeds `size`."""
        longest = max(image.shape[:2])
        if self.size is None or longest <= self.size:
            return image
        height, width = (max(1, round(side * self.size / longest)) for side in image.shape[:2])
        return files.resize_array(image, (height, width))

    def write(self, path: disk.FilePath, image: NDArray[Any]) -> None:
        """Write a drawn image; the file is whole or absent."""
        # Not flushed: OutputFolder.finish flushes all files in one go, which is much faster.
        if self.format in ("jpeg", "webp"):
            files.write_lossy(path, image, self.format, self.quality or _QUALITY, flush=False)
        else:
            files.write_image(path, image, flush=False)

    def n_bytes(self, image: NDArray[Any]) -> int:
        """Return the size in bytes of the file that an image would make."""
        return len(files.encode(self.resized(image), self.format, self.quality or _QUALITY))
