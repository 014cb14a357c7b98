"""Records: what a look at every byte and every pixel of a file says about it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from imblearn_images.core import files
from imblearn_images.core.duplicates import hash_file, hash_file_look, require_imagehash
from imblearn_images.core.parallel import in_threads

_SUFFIXES = {
    "JPEG": (".jpg", ".jpeg"),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
}


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What one image file holds, or why it cannot be used."""

    path: str
    """As it was given."""
    error: str = ""
    """Why it cannot be used; empty for a sound file. The rest is empty then."""
    n_bytes: int = 0
    """Size of the file."""
    sha256: str = ""
    """Of its bytes, hexadecimal."""
    format: str = ""
    """Pillow's name of the format, e.g. "JPEG"."""
    mode: str = ""
    """Pillow's name of what it holds, e.g. "RGB"."""
    size: tuple[int, int] = (0, 0)
    """(height, width) in pixels as stored, before the EXIF orientation."""
    n_frames: int = 1
    """Frames or pages."""
    phash: int | None = None
    """Perceptual hash of 256 bits, where asked for and where there is something to see."""

    @property
    def misnamed(self) -> bool:
        """Whether the ending of the name is that of another format."""
        suffix = os.path.splitext(self.path)[1].lower()
        return not self.error and suffix not in _SUFFIXES.get(
            self.format, (f".{self.format.lower()}",)
        )


def examine(path: str, *, hash_pixels: bool = False) -> FileRecord:
    """Read a file whole and decode its first frame whole.

    Parameters
    ----------
    path : str
        The file.
    hash_pixels : bool, default=False
        Compute the perceptual hash, too; needs the package ImageHash.

    Returns
    -------
    FileRecord
        With `error` where the file cannot be read; then nothing is raised.

    Raises
    ------
    OSError, MemoryError
        When the machine, not the file, is at fault: no more files can be opened, no memory.

    Examples
    --------
    >>> examine("no such file.png").error
    'No such file or directory'
    """
    try:
        with files.opened(path) as im:
            im.load()
            kind, mode, (width, height) = im.format or "", im.mode, im.size
            n_frames = int(getattr(im, "n_frames", 1))
        n_bytes, sha256 = hash_file(path)
        phash = hash_file_look(path) if hash_pixels else None
    except (FileNotFoundError, PermissionError, ValueError) as error:
        return FileRecord(path, error=str(error).removeprefix(f"{path}: "))
    return FileRecord(path, "", n_bytes, sha256, kind, mode, (height, width), n_frames, phash)


def examine_all(
    paths: Sequence[str],
    *,
    hash_pixels: bool = False,
    n_jobs: int | None = None,
    done: Callable[[int], object] | None = None,
) -> list[FileRecord]:
    """Examine many files in threads.

    Parameters
    ----------
    paths : sequence of str
        The files.
    hash_pixels, n_jobs
        As for :func:`examine`, and as joblib's.
    done : callable, default=None
        Called with the number of files examined since the last call.

    Returns
    -------
    list of FileRecord
        In the order of `paths`.
    """
    if hash_pixels:
        require_imagehash()

    def look(batch: Sequence[str]) -> list[FileRecord]:
        found = [examine(path, hash_pixels=hash_pixels) for path in batch]
        if done is not None:
            done(len(batch))
        return found

    batches = ((paths[start : start + 16],) for start in range(0, len(paths), 16))
    return [record for found in in_threads(look, batches, n_jobs=n_jobs) for record in found]
