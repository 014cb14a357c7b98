"""The source: what its image files are, each hashed and decoded once; never written to."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core import files
from imblearn_images.core.containers import array_mode
from imblearn_images.core.disk import Paths
from imblearn_images.core.duplicates import hash_file, hash_file_look, require_imagehash
from imblearn_images.core.files import has_deep_colour
from imblearn_images.core.parallel import in_threads, progress
from imblearn_images.core.text import counted, printable
from imblearn_images.folders._layout import list_folders
from imblearn_images.folders._lineage import Lineage, read_lineage
from imblearn_images.folders._names import find_clashes


def read_source(
    source: str | os.PathLike[str],
    *,
    on_error: str = "raise",
    classes: Sequence[str] | None = None,
    keep_split: bool = False,
    allow_empty: bool = False,
    hash_pixels: bool = False,
    mode: str | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Source:
    """Return the examined files of class folders; each is decoded once.

    Parameters
    ----------
    source : str or path-like
        The folder.
    on_error : {"raise", "skip"}, default="raise"
        What to do with files that cannot be used.
    classes : list of str, default=None
        Take these class folders only.
    keep_split : bool, default=False
        Whether the class folders lie in folders of splits, which stay as they are.
    allow_empty : bool, default=False
        Accept classes without a usable file.
    hash_pixels, mode, n_jobs
        As for `examine_all`.
    verbose : int, default=0
        Progress bar (needs the package tqdm).

    Returns
    -------
    Source

    Raises
    ------
    ValueError
        With `on_error` "raise", naming all files that cannot be used and the reason of each.
        Where a class has no usable file.
    """
    if on_error not in ("raise", "skip"):
        raise ValueError(f'`on_error` must be "raise" or "skip", got {on_error!r}.')
    root = str(Path(source))
    listed = list_folders(root, classes, keep_split=keep_split, allow_empty=allow_empty)
    paths, labels = listed.paths, np.array(listed.labels, dtype=object)
    # From here on the array has them: two lists of a million labels would be held for nothing.
    listed.labels.clear()
    sides = np.array(listed.sides) if keep_split else None
    with progress(len(paths), "examined", verbose) as done:
        records = examine_all(paths, hash_pixels=hash_pixels, mode=mode, n_jobs=n_jobs, done=done)
    if sides is not None:
        _refuse_shared(records, sides, root)
    broken = records.broken()
    if broken and on_error == "raise":
        n_all = counted(len(paths), "image file")
        lines = [f"{printable(record.path)}: {record.error}" for _, record in broken]
        raise ValueError(
            "\n  ".join([f"{len(broken)} of {n_all} cannot be used:", *lines])
            + '\nRepair or remove them, or leave them out with on_error="skip".'
        )
    sound, rows = records.sound()
    kept = labels[rows] if broken else labels
    sides = None if sides is None else sides[rows]
    # With splits, every class folder must be trained on; without, a class whose files were all
    # broken must not vanish.
    wanted, trained = (labels, kept) if sides is None else (listed.classes, kept[sides == "train"])
    lost = sorted(set(wanted) - set(trained))
    if lost and not allow_empty:
        raise ValueError(
            f"Class {lost[0]!r} has no file that can be used. inspect_folder reports why; repair "
            "one, or name the other classes in `classes`."
        )
    lineage = read_lineage(sound.paths)
    first = sound.first_equals()
    others = np.flatnonzero(first != np.arange(len(first)))
    twins = np.column_stack([others, first[others]])
    notes = [*listed.notes, *_notes_on_lineage(lineage), *_notes(sound, kept, twins, len(broken))]
    return Source(
        root,
        kept,
        sound,
        rows,
        listed.n_regular,
        [(labels[row], record) for row, record in broken],
        notes,
        lineage,
        twins,
        listed.classes,
        listed.other_files,
        listed.splits,
        sides,
    )


def _refuse_shared(records: FileRecords, sides: NDArray[np.str_], root: str) -> None:
    """Mark training files that equal a file of another split as unusable, in `records`."""
    first: dict[str, int] = {}
    broken = {row for row, _ in records.broken()}
    rows = [row for row in range(len(records)) if row not in broken]
    for row in rows:
        if sides[row] != "train":
            first.setdefault(records.sha256(row), row)
    # The training file goes: what is held back may have been published, and stays as it is.
    for row in rows:
        if sides[row] == "train" and (other := first.get(records.sha256(row))) is not None:
            path = os.path.relpath(records.paths[other], root).replace(os.sep, "/")
            reason = f"equals {path!r}, which is held back from training"
            records[row] = FileRecord(records.paths[row], error=reason)


def _notes_on_lineage(lineage: Lineage) -> list[str]:
    """Return what manifests say of the files: those of other programs, and drawn images."""
    notes = [f"{file} was written by another program and not read" for file in lineage.strange]
    if n := int(np.count_nonzero(lineage.drawn)):
        verb = "is a drawn image" if n == 1 else "are drawn images"
        notes.append(f"{n} of {counted(len(lineage.drawn), 'file')} {verb}, as {lineage.says}")
    return notes


def _notes(
    records: FileRecords, labels: NDArray[Any], twins: NDArray[np.intp], n_broken: int
) -> list[str]:
    """Return what is odd about the files: frames, names, images in two classes, like classes."""
    notes = [f"{counted(n_broken, 'file')} left out that cannot be used"] if n_broken else []
    for found, text in (
        ([r.path for r in records if r.has_more_frames], files.MORE_FRAMES),
        ([r.path for r in records if r.misnamed], "whose name says another format"),
    ):
        if found:
            notes.append(f"{counted(len(found), 'file')} {text}, such as {found[0]!r}")
    for row, first in twins.tolist():
        if labels[first] != labels[row]:
            one, other = records.paths[first], records.paths[row]
            notes.append(f"one image in two classes: {one!r} and {other!r}")
            break  # one example says what to look for; the others may be thousands
    if clashes := find_clashes(sorted(set(labels))):
        notes.append(f"classes that differ in case or composed letters only: {clashes}")
    return notes


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
    lineage: Lineage
    """What manifests say of the files that can be used."""
    twins: NDArray[np.intp]
    """Each file that has the bytes of one before it, and the first that has them, shape (k, 2)."""
    classes: list[str] = field(default_factory=list)
    """All class folders, also those without a file that can be used."""
    other_files: dict[str, dict[str, int]] = field(default_factory=dict)
    """Class, or "" for the source itself, to the endings of files that are not images."""
    splits: dict[str, str] = field(default_factory=dict)
    """Where the split of the source is kept: "train", "valid", "test" to the folder's name."""
    sides: NDArray[np.str_] | None = None
    """Which of them each file that can be used is in."""

    @property
    def paths(self) -> Sequence[str]:
        """The files that can be used."""
        return self.records.paths

    def first_equals(self) -> NDArray[np.intp]:
        """Return for each file the first one that has the same bytes, shape (n,)."""
        first = np.arange(len(self.paths))
        first[self.twins[:, 0]] = self.twins[:, 1]
        return first

    def names(self) -> Iterator[str]:
        """All names that rows of an output may tell: files, and photos that some of these show."""
        yield from self.paths
        yield from (record.path for _, record in self.broken)
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
    # Recorded, not raised: all files that are broken are named at once, after the last was read.
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
