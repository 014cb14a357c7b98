"""The output folder: filled file by file, unfinished until all is there, apart from the source.

A class folder, a folder in it, or a file of the source may be a link. The images then lie where
the link leads, and nothing may be written there either.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from imblearn_images.core import disk, files
from imblearn_images.core.disk import FilePath, open_regular, open_to_append
from imblearn_images.core.duplicates import hash_file
from imblearn_images.core.text import counted, printable
from imblearn_images.folders._manifest import MANIFESTS, Row, drawn_files, write_manifest


def where_they_meet(source: FilePath, target: FilePath) -> str:
    """Return how a place to write to overlaps with what is read, in words; "" if it does not.

    Parameters
    ----------
    source : str or path-like
        Folder that is read with all that its links lead to; need not exist.
    target : str or path-like
        File or folder that is to be written; need not exist.

    Examples
    --------
    >>> where_they_meet("photos", "photos/../photos/out")
    "lies inside the source 'photos'"
    >>> where_they_meet("photos", "out")
    ''
    """
    here = os.path.realpath(target)
    root = os.path.realpath(source)
    if here == root:
        return f"is the source {os.fspath(source)!r}"
    if _lies_in(here, root):
        return f"lies inside the source {os.fspath(source)!r}"
    if _lies_in(root, here):
        return f"holds the source {os.fspath(source)!r}"
    for link, place in linked_places(os.fspath(source)):
        if here == place or _lies_in(here, place):
            return f"lies in {place!r} (read through the link {link!r})"
        if _lies_in(place, here):
            return f"holds {place!r} (read through the link {link!r})"
    return ""


def linked_places(root: str) -> Iterator[tuple[str, str]]:
    """Yield each link below a folder, also below its links, and the real path it leads to."""
    pending = [(root, os.path.realpath(root))]
    entered = {pending[0][1]}
    while pending:
        folder, real = pending.pop()
        try:
            with os.scandir(folder) as entries:
                inside = [entry for entry in entries if not _is_plain_file(entry)]
        except OSError:  # reading the source reports it
            continue
        for entry in inside:
            if entry.is_symlink():
                place = os.path.realpath(entry.path)
                yield entry.path, place
                if not os.path.isdir(place):
                    continue
            elif entry.is_dir(follow_symlinks=False):
                # realpath stats every level of the path, so it is called only where needed
                place = os.path.join(real, entry.name)
            else:
                continue
            if place not in entered:
                entered.add(place)
                pending.append((entry.path, place))


def _is_plain_file(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is neither link nor folder, or hidden, and so not read."""
    return entry.name.startswith(".") or entry.is_file(follow_symlinks=False)


def _lies_in(inner: str, outer: str) -> bool:
    return inner.startswith(os.path.join(outer, ""))


WORKSHOP = ".unfinished"
"""Folder inside the output for what is not yet in its place. It is there from the first moment to
the last: a folder that has one is not a data set yet."""
UNFINISHED = ".unfinished"
"""Ending of ``train``, ``valid`` and the like until they are complete: after a run that was killed,
a loader that is pointed at ``train`` finds nothing, rather than some of the images."""
JOURNAL = "drawn.jsonl"
"""File in it with a line for every image that was drawn whole: its name and SHA-256."""
_CONVERTED = re.compile(r"(L|RGB|RGBA)-[0-9a-f]{64}\.png")
_DRAWN = re.compile(r".+-[0-9a-f]{16}\.(png|tif|jpg|jpeg|webp)")


class OutputFolder:
    """A folder that is filled file by file.

    Parameters
    ----------
    path : str or path-like
        The folder; made with its parents by :meth:`begun`.
    source : str or path-like, default=None
        The folder that is read, which must not be inside of it, nor the other way round.
    resume : bool, default=False
        Take up an unfinished run instead of refusing a folder that is not empty.

    Raises
    ------
    ValueError
        When the two folders are one or inside each other, also through links, those inside
        the source among them; when the output is a link or no folder; when its workshop is not
        of this package, naming what is in it.
    FileExistsError
        When it is not empty, without `resume`.
    PermissionError
        When nothing can be written there. Nothing has been written yet.
    """

    def __init__(
        self, path: disk.FilePath, source: disk.FilePath | None = None, *, resume: bool = False
    ) -> None:
        if not os.fspath(path):
            raise ValueError("`output` must name a folder, got ''. Name a new one.")
        disk.check_local(path, "output")
        self.root = Path(path)
        self.resume = resume
        self._made: list[Path] = []
        self._folders: set[str] = set()
        self._sides: dict[str, str] = {}
        self._drawn: dict[str, bytes] = {}
        if self.root.is_symlink():
            raise ValueError(
                f"`output` must be a folder, got the link {os.fspath(path)!r}. Name its target."
            )
        if self.root.exists() and not self.root.is_dir():
            raise ValueError(f"`output` must be a folder, got the file {os.fspath(path)!r}.")
        if source is not None and (relation := where_they_meet(source, self.root)):
            raise ValueError(
                f"`output` {os.fspath(path)!r} {relation}; the source is never written to. Choose "
                "a folder beside it."
            )
        if not resume and self.root.is_dir() and os.listdir(self.root):
            raise FileExistsError(
                f"`output` {os.fspath(path)!r} is not empty. Choose a new folder, or take up "
                "an unfinished run with resume=True."
            )
        # The nearest folder that exists decides whether the rest can be made.
        there = self.root.absolute()
        while not there.exists():
            there = there.parent
        if not there.is_dir():
            raise ValueError(
                f"`output` must lie in a folder, got {os.fspath(path)!r}, which is below the file "
                f"{str(there)!r}. Choose another place."
            )
        self._look_into_workshop()
        if not os.access(there, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied, nothing can be written there", str(there))

    @property
    def workshop(self) -> Path:
        """Folder for files that are moved to their place later."""
        return self.root / WORKSHOP

    @contextmanager
    def begun(self) -> Iterator[Path]:
        """Make the folder and its workshop, and read what a run before has drawn.

        Within this context nothing is put in its place yet: if it raises, the folders that this run
        has made are removed, so that what was refused leaves no trace.

        Yields
        ------
        workshop : Path
            Folder for files that are moved to their place later.
        """
        self._begin()
        try:
            yield self.workshop
        except BaseException:
            if self.workshop in self._made:
                shutil.rmtree(self.workshop, ignore_errors=True)
            if self.root in self._made:
                with suppress(OSError):  # not empty
                    self.root.rmdir()
            raise

    def _begin(self) -> None:
        self._look_into_workshop()
        waiting = (self.workshop / name for name in (JOURNAL, *MANIFESTS.values()))
        for file in (*waiting, *(self.root / name for name in MANIFESTS.values())):
            with (
                suppress(FileNotFoundError),
                open_regular(file, follow=file.parent == self.root) as told,
            ):
                self._drawn.update(drawn_files(told, file.name))
        self._made = [there for there in (self.workshop, self.root) if not there.exists()]
        self.root.mkdir(parents=True, exist_ok=True)
        self.workshop.mkdir(exist_ok=True)

    def _look_into_workshop(self) -> list[Path]:
        """List the unfinished folder; raise if it holds anything this package did not make.

        Whoever made the folder may have put a link there, or lost something in it: what is not
        recognised is neither followed nor removed.
        """
        try:
            status = os.lstat(self.workshop)
        except FileNotFoundError:
            return []
        if not stat.S_ISDIR(status.st_mode):
            kind = "a link" if stat.S_ISLNK(status.st_mode) else "not a folder"
            raise ValueError(
                f"{self.workshop} is {kind}, and not the folder that this package puts there for "
                "an unfinished run. Move it away, or choose another output."
            )
        with os.scandir(self.workshop) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            if not (_is_ours(entry.name) and entry.is_file(follow_symlinks=False)):
                raise ValueError(
                    f"{entry.path} was not made by this package and would be lost. Move it away, "
                    "or choose another output."
                )
        return [Path(entry.path) for entry in found]

    def check_contents(self, names: Iterable[str]) -> None:
        """Raise for a folder with files that this run would not write; clear leftovers.

        Parameters
        ----------
        names : iterable of str
            All files of the run, relative to the folder, with "/".

        Raises
        ------
        ValueError
            Naming such a file. Nothing has been removed then.
        """
        found = set(self._found())
        leftovers = {name for name in found if disk.is_partial(os.path.basename(name))}
        strange = found - leftovers
        waiting = {each.name: each for each in self._look_into_workshop()}
        waiting = {name: each for name, each in waiting.items() if _DRAWN.fullmatch(name)}
        if strange or waiting:
            for name in names:
                strange.discard(name)
                waiting.pop(os.path.basename(name), None)
        strange |= {f"{WORKSHOP}/{name}" for name in waiting}
        if strange:
            raise ValueError(
                f"`output` {os.fspath(self.root)!r} holds {counted(len(strange), 'file')} that "
                f"this run would not write, such as {min(strange)!r}. Was it begun with another "
                "source, sampler, seed, layout or manifest? Repeat that command, or choose "
                "another folder."
            )
        for name in leftovers:
            # Who resumes says that the run before has ended; a process that still runs did not.
            if not disk.writer_lives(os.path.basename(name)):
                os.unlink(self.at(name))

    def _found(self) -> Iterator[str]:
        """Name the files in the folder, and the links to folders; not what is in the workshop."""
        for folder, subfolders, names in os.walk(self.root):
            inside = Path(folder).relative_to(self.root)
            if inside == Path() and WORKSHOP in subfolders:
                subfolders.remove(WORKSHOP)
            linked = [name for name in subfolders if Path(folder, name).is_symlink()]
            top = inside.parts[0] if inside.parts else ""
            side = top.removesuffix(UNFINISHED)
            if side != top and not os.path.lexists(self.root / side):
                inside = Path(side, *inside.parts[1:])
            yield from ((inside / name).as_posix() for name in (*linked, *names))

    def make_folders(self, folders: Iterable[str]) -> None:
        """Make `folders`, relative to the folder, with "/"."""
        for folder in sorted(folders):
            os.makedirs(self.at(f"{folder}/"), exist_ok=True)
            inside = Path(folder)
            self._folders |= {each.as_posix() for each in (inside, *inside.parents[:-1])}

    def copy(self, source: str, name: str, sha256: str, link: str) -> int:
        """Put a copy of, or a link to, a source file in its place.

        Parameters
        ----------
        source : str
            The file.
        name : str
            Where to, relative to the folder.
        sha256 : str
            Of the source, when it was examined.
        link : {"copy", "hard", "symlink"}
            Kind of copy.

        Returns
        -------
        mark : int
            For a link, a fingerprint by which :meth:`check_link` later sees whether the file has
            changed; 0 for a copy.

        Raises
        ------
        OSError
            Naming the file that cannot be read or written.
        ValueError
            When the source has changed since it was examined.
        """
        target = self.at(name)
        if link == "copy":
            if not (self._is_plain(target) and hash_file(target)[1] == sha256):
                digest = hashlib.sha256()
                with (
                    open_regular(source) as original,
                    disk.written_whole(target, flush=False) as copied,
                ):
                    while block := original.read(1 << 20):
                        digest.update(block)
                        copied.write(block)
                    if digest.hexdigest() != sha256:
                        raise _has_changed(source)
            return 0
        # The file itself: a link to it may be moved or led elsewhere later.
        real = os.path.realpath(source)
        mark = _mark_of(source)
        if hash_file(real)[1] != sha256:
            raise _has_changed(source)
        if self.resume and os.path.lexists(target):
            if link == "symlink" and os.path.islink(target) and os.readlink(target) == real:
                return mark
            if link == "hard" and self._is_plain(target) and os.path.samefile(target, real):
                return mark
        partial = disk.partial_name(target)
        try:
            if link == "hard":
                os.link(real, partial)
            else:
                os.symlink(real, partial)
            os.replace(partial, target)
        except OSError as error:
            works = error.errno in (errno.ENOENT, errno.ENOSPC, errno.EDQUOT, errno.EIO)
            hint = "" if works else '; links of this kind do not work here, use link="copy"'
            raise OSError(error.errno, f"{error.strerror}{hint}", target) from error
        finally:
            with suppress(FileNotFoundError):
                os.unlink(partial)
        return mark

    def check_link(self, source: str, name: str, sha256: str, mark: int) -> None:
        """Check that what a link leads to is still what was linked.

        A copy keeps its bytes, but a link changes with its source. Called right before the
        manifest is written.

        Raises
        ------
        ValueError
            Naming the source that has changed or is gone.
        """
        try:
            target = self.at(name)
            same = _mark_of(target) == mark or hash_file(target)[1] == sha256
        except OSError as error:
            raise _has_changed(source) from error
        if not same:
            raise _has_changed(source)

    def draw(
        self,
        name: str,
        image: Callable[[], NDArray[Any]],
        write: Callable[[str, NDArray[Any]], None],
    ) -> tuple[int, str]:
        """Draw an image into its place, unless a run before has; return its size and SHA-256.

        Parameters
        ----------
        name : str
            Where to, relative to the folder. It depends on all that the image depends on.
        image : callable
            Draws it.
        write : callable
            ``write(path, image)`` writes it, whole or not at all.
        """
        if (known := self.known(name)) is not None:
            return known
        drawn = self.waiting(name)
        write(drawn, image())
        n_bytes, sha256 = hash_file(drawn)
        self.take(name, sha256)
        return n_bytes, sha256

    def known(self, name: str) -> tuple[int, str] | None:
        """Size and SHA-256 of an image that a run before has drawn, or None."""
        target = self.at(name)
        if name in self._drawn and self._is_plain(target):
            n_bytes, sha256 = hash_file(target)
            if sha256 == self._drawn[name].hex():
                return n_bytes, sha256
        return None

    def waiting(self, name: str) -> str:
        """Where an image is drawn before it is put in its place."""
        return os.path.join(self.workshop, os.path.basename(name))

    def take(self, name: str, sha256: str) -> None:
        """Put an image that was drawn, and waits, in its place."""
        line = json.dumps({"path": name, "kind": "synthetic", "sha256": sha256}) + "\n"
        # The journal comes first: an image in its place is then always recorded.
        with open_to_append(self.workshop / JOURNAL) as journal:
            journal.write(line.encode("ascii"))
        os.replace(self.waiting(name), self.at(name))

    def write_image(self, image: NDArray[Any], name: str) -> str:
        """Write an image without loss; return the SHA-256 of its file."""
        files.write_image(self.at(name), image, flush=False)
        return hash_file(self.at(name))[1]

    def write(self, name: str, content: Iterable[bytes]) -> None:
        """Write a file piece by piece."""
        with disk.written_whole(self.root / name) as file:
            file.writelines(content)

    def finish(
        self, rows: Iterable[Row], manifest: str = "jsonl", *, written: Iterable[str]
    ) -> None:
        """Write the manifest, when all other files and their names are on disk.

        Parameters
        ----------
        rows : iterable of Row
            What it says.
        manifest : {"jsonl", "parquet"}
            Its format.
        written : iterable of str
            The image files that share no bytes with the source, relative to the folder.
        """
        for name in written:
            disk.flush_file(self.at(name))
        for folder in self._folders:
            _sync_folder(self.at(f"{folder}/"))
        # Written in the workshop first: at any moment it or the journal lists what was drawn.
        waiting = self.workshop / MANIFESTS[manifest]
        with disk.written_whole(waiting) as file:
            write_manifest(file, rows, manifest)
        for each in self._look_into_workshop():
            if each != waiting:
                each.unlink()
        # Only now do they get their names: whoever reads train/ finds all of it, or nothing.
        for side, there in sorted(self._sides.items()):
            if there != side:
                os.replace(self.root / there, self.root / side)
        _sync_folder(self.root)
        os.replace(waiting, self.root / waiting.name)
        self.workshop.rmdir()
        _sync_folder(self.root)

    def at(self, name: str) -> str:
        """Where a file lies until the folder is finished; of a folder with a "/" behind."""
        side, slash, rest = name.partition("/")
        if not slash:
            return os.path.join(self.root, name)
        if side not in self._sides:
            is_there = os.path.lexists(os.path.join(self.root, side))  # finished once, or nearly
            self._sides[side] = side if is_there else f"{side}{UNFINISHED}"
        # no Path, which Python remembers the parts of
        return os.path.join(self.root, self._sides[side], rest)

    def _is_plain(self, target: str) -> bool:
        return self.resume and os.path.isfile(target) and not os.path.islink(target)


def _is_ours(name: str) -> bool:
    """Return whether a file in the workshop has a name that this package gives."""
    known = name in (JOURNAL, *MANIFESTS.values()) or disk.is_partial(name)
    return known or any(pattern.fullmatch(name) for pattern in (_CONVERTED, _DRAWN))


def _has_changed(source: str) -> ValueError:
    return ValueError(f"{printable(source)}: has changed since it was examined; run again")


def _mark_of(path: str) -> int:
    """Return a fingerprint that differs if a file was written to, or replaced by another."""
    status = os.stat(path)
    facts = (status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev)
    return hash(facts)


def _sync_folder(folder: disk.FilePath) -> None:
    """Flush the names in a folder to disk, where folders can be opened."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # not supported by this file system
            raise OSError(error.errno, error.strerror, os.fspath(folder)) from error
    finally:
        os.close(handle)
