"""Records: what is known of each image file after its bytes are hashed and its pixels decoded."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core import files
from imblearn_images.core.containers import array_mode
from imblearn_images.core.disk import Paths
from imblearn_images.core.duplicates import hash_file, hash_file_look, require_imagehash
from imblearn_images.core.files import has_deep_colour
from imblearn_images.core.parallel import in_threads
from imblearn_images.core.text import printable
from imblearn_images.folders._lineage import Lineage

_SUFFIXES = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "MPO": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),  # two JPEG in one, as phones write it
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
}


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What one image file contains, or why it cannot be used."""

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
    """Pillow's name of what it holds, e.g. "RGB"; "RGB;16" for colours of more than 8 bits, of
    which Pillow keeps 8."""
    size: tuple[int, int] = (0, 0)
    """(height, width) in pixels as stored, before the EXIF orientation."""
    has_more_frames: bool = False
    """Whether frames or pages follow the first."""
    phash: int | None = None
    """Perceptual hash of 256 bits; None if not requested, or if the image shows nothing."""

    @property
    def misnamed(self) -> bool:
        """Whether the ending of the name is that of another format."""
        suffix = os.path.splitext(self.path)[1].lower()
        return not self.error and suffix not in _SUFFIXES.get(
            self.format, (f".{self.format.lower()}",)
        )


_FACTS = np.dtype([("n_bytes", "i8"), ("size", "i4", 2), ("kind", "u2"), ("has_more_frames", "?")])
_LOOK = np.dtype([("is_known", "?"), ("phash", "u1", 32)])


class FileRecords:
    """Records of many files, stored in columns: 51 bytes a file beside its path.

    Parameters
    ----------
    paths : sequence of str
        The files.

    Examples
    --------
    >>> records = FileRecords(["lime.png", "kiwi.png"])
    >>> records[1] = FileRecord("kiwi.png", n_bytes=70, sha256="ab" * 32, mode="RGB", size=(4, 3))
    >>> records[1].size, records.n_bytes.tolist()
    ((4, 3), [0, 70])
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = paths
        self._facts = np.zeros(len(paths), dtype=_FACTS)
        self._hashes = np.zeros((len(paths), 32), dtype=np.uint8)
        self._looks: NDArray[Any] | None = None  # only where there are perceptual hashes
        self._kinds: list[tuple[str, str]] = []
        """Formats and modes that occur, which the facts number."""
        self._lock = Lock()
        self._errors: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[FileRecord]:
        return (self[row] for row in range(len(self)))

    def __getitem__(self, row: int) -> FileRecord:
        if row in self._errors:
            return FileRecord(self.paths[row], self._errors[row])
        facts = self._facts[row]
        file_format, mode = self._kinds[facts["kind"]] if self._kinds else ("", "")
        return FileRecord(
            self.paths[row],
            "",
            int(facts["n_bytes"]),
            self.sha256(row),
            file_format,
            mode,
            tuple(facts["size"].tolist()),
            bool(facts["has_more_frames"]),
            None if self._looks is None else _phash_of(self._looks[row]),
        )

    def __setitem__(self, row: int, record: FileRecord) -> None:
        if record.error:
            self._errors[row] = record.error
            return
        kind = record.format, record.mode
        with self._lock:  # files are examined in threads
            if kind not in self._kinds:
                self._kinds.append(kind)
            if record.phash is not None and self._looks is None:
                self._looks = np.zeros(len(self), dtype=_LOOK)
        number = self._kinds.index(kind)
        self._facts[row] = record.n_bytes, record.size, number, record.has_more_frames
        if self._looks is not None:
            bits = (record.phash or 0).to_bytes(32, "big")
            self._looks[row] = record.phash is not None, np.frombuffer(bits, dtype=np.uint8)
        self._hashes[row] = np.frombuffer(bytes.fromhex(record.sha256), dtype=np.uint8)

    def sha256(self, row: int) -> str:
        """Return the SHA-256 of one file, hexadecimal."""
        digest: bytes = self._hashes[row].tobytes()
        return digest.hex()

    def sound(self) -> tuple[FileRecords, NDArray[np.intp]]:
        """Return the records without errors, and their rows among these."""
        rows = np.delete(np.arange(len(self)), list(self._errors))
        if not self._errors:
            return self, rows
        kept = FileRecords(Paths(self.paths[row] for row in rows.tolist()))
        for at, row in enumerate(rows.tolist()):
            kept[at] = self[row]
        return kept, rows

    def broken(self) -> list[tuple[int, FileRecord]]:
        """Return the rows and records of the files that cannot be used, in order."""
        return [(row, self[row]) for row in sorted(self._errors)]

    @property
    def n_bytes(self) -> NDArray[np.int64]:
        """Sizes of the files, shape (n,)."""
        column: NDArray[np.int64] = self._facts["n_bytes"]
        return column

    @property
    def sizes(self) -> NDArray[np.int32]:
        """Heights and widths in pixels, shape (n, 2)."""
        column: NDArray[np.int32] = self._facts["size"]
        return column

    def phashes(self) -> list[int | None]:
        """Return the perceptual hashes."""
        if self._looks is None:
            return [None] * len(self)
        return [_phash_of(look) for look in self._looks]

    def have_bytes_of(self, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return which files have the bytes of one of `rows`, compared as below, shape (n,)."""
        contents = self._hashes.view(np.uint64)[:, 0]
        known, same = np.sort(contents[rows]), np.zeros(len(self), dtype=np.bool_)
        for start in range(0, len(self) if len(known) else 0, 1 << 16):  # a million take room
            some = contents[start : start + (1 << 16)]
            at = np.minimum(np.searchsorted(known, some), len(known) - 1)
            same[start : start + (1 << 16)] = known[at] == some
        return same

    def first_equals(self) -> NDArray[np.intp]:
        """Return for each file the first one that has the same bytes, shape (n,).

        They are compared by 64 bits of their SHA-256.
        """
        contents = self._hashes.view(np.uint64)[:, 0]
        first = np.arange(len(self))
        ordered = np.sort(contents)
        several = ordered[1:][ordered[1:] == ordered[:-1]]
        del ordered  # there may be a million files, and few that are there twice
        if not len(several):
            return first
        rows = np.flatnonzero(np.isin(contents, several))
        order = rows[np.argsort(contents[rows], kind="stable")]
        # Sorted, equal contents are neighbours: `start` is the position where each run begins.
        start = np.arange(len(order))
        start[1:][contents[order[1:]] == contents[order[:-1]]] = 0
        np.maximum.accumulate(start, out=start)
        first[order] = order[start]
        return first


def _phash_of(look: Any) -> int | None:
    return int.from_bytes(look["phash"].tobytes(), "big") if look["is_known"] else None


@dataclass(frozen=True)
class Source:
    """Examined files of class folders."""

    root: str
    labels: NDArray[Any]
    """Of the files that can be used, as objects: one text for all files of a class."""
    records: FileRecords
    """Of the files that can be used."""
    rows: NDArray[np.intp]
    """Positions among the files that :func:`load_image_folder` lists."""
    n_listed: int
    """How many files it lists."""
    broken: list[tuple[str, FileRecord]]
    """Label and record of the files that cannot be used."""
    notes: list[str]
    classes: list[str] = field(default_factory=list)
    """All class folders, also those without a file that can be used."""
    other_files: dict[str, dict[str, int]] = field(default_factory=dict)
    """Class, or "" for the source itself, to the endings of files that are not images."""
    splits: dict[str, str] = field(default_factory=dict)
    """Where the split of the source is kept: "train", "valid", "test" to the folder's name."""
    sides: NDArray[np.str_] | None = None
    """Which of them each file that can be used is in."""
    lineage: Lineage | None = None
    """What manifests say of the files that can be used."""

    @property
    def paths(self) -> Sequence[str]:
        """The files that can be used."""
        return self.records.paths

    def names(self) -> Iterator[str]:
        """All names that rows of an output may tell: files, and photos that some of these show."""
        yield from self.paths
        yield from (record.path for _, record in self.broken)
        if self.lineage is not None:
            yield from (name for shows in self.lineage.shows for name in shows)

    def relative(self, path: str) -> str:
        """Path below the source, with "/"."""
        return path.removeprefix(self.root).lstrip(os.sep).replace(os.sep, "/")


def examine(path: str, *, hash_pixels: bool = False, mode: str | None = None) -> FileRecord:
    """Read a file whole and decode its first frame whole.

    Parameters
    ----------
    path : str
        The file.
    hash_pixels : bool, default=False
        Compute the perceptual hash, too; needs the package ImageHash.
    mode : {"L", "RGB", "RGBA"}, default=None
        The mode that the file will be read in; values that have no scale to it are an error.

    Returns
    -------
    FileRecord
        With `error` where the file cannot be read, or takes more memory than there is; then
        nothing is raised.

    Raises
    ------
    OSError
        When the machine, not the file, is at fault: no more files can be opened.

    Examples
    --------
    >>> examine("no such file.png").error
    'No such file or directory'
    """
    try:
        with files.opened(path) as im:
            own_mode = array_mode(im)
            kind = im.format or ""
            named = f"{im.mode};16" if has_deep_colour(im) else im.mode
            files.check_scans(im)
            im.load()
            width, height = im.size
            im.crop((0, 0, 1, 1)).convert(own_mode)  # raises if Pillow cannot convert the mode
            if mode is not None:
                files.check_scale(im)
            more = files.frames_follow(im)
            n_bytes, sha256 = hash_file(path)
        del im  # frees its pixels: the perceptual hash decodes a smaller version
        phash = _hash_of_look(path) if hash_pixels else None
    except (FileNotFoundError, PermissionError, ValueError, MemoryError) as error:
        return FileRecord(path, error=str(error).removeprefix(f"{printable(path)}: "))
    return FileRecord(path, "", n_bytes, sha256, kind, named, (height, width), more, phash)


def _hash_of_look(path: str) -> int | None:
    try:
        return hash_file_look(path)
    except ValueError:  # a sound file, but of one colour, which has no perceptual hash
        return None


def examine_all(
    paths: Sequence[str],
    *,
    hash_pixels: bool = False,
    mode: str | None = None,
    n_jobs: int | None = None,
    done: Callable[[int], object] | None = None,
) -> FileRecords:
    """Examine many files in threads.

    Parameters
    ----------
    paths : sequence of str
        The files.
    hash_pixels, mode, n_jobs
        As for :func:`examine`, and as joblib's.
    done : callable, default=None
        Called with the number of files examined since the last call.

    Returns
    -------
    FileRecords
        In the order of `paths`.
    """
    if hash_pixels:
        require_imagehash()
    records = FileRecords(paths)

    def look(start: int) -> None:
        batch = range(start, min(start + 16, len(records)))
        for row in batch:
            records[row] = examine(records.paths[row], hash_pixels=hash_pixels, mode=mode)
        if done is not None:
            done(len(batch))

    in_threads(look, ((start,) for start in range(0, len(records), 16)), n_jobs=n_jobs)
    return records
