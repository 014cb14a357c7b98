"""Writing: the rows of an output, what each is made from, and how its file gets to its place."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core.containers import SUFFIXES
from imblearn_images.core.duplicates import hash_file
from imblearn_images.core.parallel import in_threads, in_workers, progress, works_in_threads
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import Block
from imblearn_images.core.text import counted
from imblearn_images.core.writing import ROWS, DrawLater, rules_and_seeds
from imblearn_images.folders._form import Form
from imblearn_images.folders._manifest import Row
from imblearn_images.folders._names import encode_label, name_file
from imblearn_images.folders._output import OutputFolder
from imblearn_images.folders._source import Source
from imblearn_images.folders._splitting import FolderSplit


def digest_of(facts: Iterable[str]) -> str:
    """Return 16 hexadecimal digits of a hash of `facts`, which make the name of a file unique."""
    # No name holds NUL: "ab" and "c" differ from "a" and "bc".
    text = "\0".join(facts).encode("utf-8", "surrogateescape")
    return hashlib.sha256(text).hexdigest()[:16]


class OutputRows(Sequence[Row]):
    """Rows of a data set, validation first, each made when it is requested.

    Only numbers are stored, about 30 bytes a row: its source file, its kind, the digest in the
    name of its file and, for a drawn image, size and hash. Where a name is enough, call
    :meth:`path_of`: a whole row is made only once, for the manifest.

    Parameters
    ----------
    kept, split : Source, FolderSplit
        The examined files, and which of them are for validation.
    plan : ResamplingPlan
        The plan of the training rows, which numbers the other files.
    form : Form
        How the data set is written.
    synthesis : str
        Sampler and rule that draw the synthetic images, for the manifest.
    seed : int or None
        Seed of the resampling.
    later : DrawLater
        Draws the synthetic images.
    """

    def __init__(
        self,
        kept: Source,
        split: FolderSplit,
        plan: ResamplingPlan,
        form: Form,
        *,
        synthesis: str,
        seed: int | None,
        later: DrawLater,
    ) -> None:
        self.kept, self.plan, self.form = kept, plan, form
        self.seed, self.later = seed, later
        valid, self.train = np.flatnonzero(split.is_valid), split.train
        self.n_valid = len(valid)
        self.sources = np.concatenate([valid, self.train[plan.first_base]])
        self._is_drawn = np.concatenate([np.zeros(self.n_valid, dtype=bool), plan.synthetic])
        self.drawn = np.flatnonzero(self._is_drawn)
        # For each file the first row that takes it unchanged. Where indices repeat, NumPy keeps the
        # last value assigned, so the rows are assigned in reverse order.
        taken = np.flatnonzero(~self._is_drawn)[::-1]
        self._original = np.empty(len(kept.paths), dtype=np.intp)
        self._original[self.sources[taken]] = taken
        self._drawn_by = ", ".join(filter(None, (synthesis, str(form))))
        self._sizes = np.zeros(len(self.drawn), dtype=np.int64)
        self._hashes = np.zeros((len(self.drawn), 32), dtype=np.uint8)
        if form.link == "rows" and len(self.drawn):
            raise ValueError(
                f'`link` must not be "rows" where images are written: '
                f"{counted(len(self.drawn), 'image, was')} drawn by {synthesis}. Use "
                'link="symlink", which takes hardly more disk space.'
            )
        n_named = 0 if form.link == "rows" else len(self)
        digests = map(self._digest_of, range(n_named))
        self._digests = np.fromiter(digests, dtype=np.uint64, count=n_named)

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, number: int) -> Row:  # type: ignore[override]  # one at a time
        number = range(len(self))[number]
        kind = self.kind_of(number)
        sources, steps = self._made_of(number)
        drawn: dict[str, Any] = {}
        if kind == "synthetic":
            drawn["step"] = steps[0] if len(steps) == 1 else steps
            drawn["synthesis"] = self._drawn_by
        return Row(
            path=None if self.form.link == "rows" else self.path_of(number),
            label=self.kept.labels[sources[0]],
            split=self._split_of(number),
            kind=kind,
            parents=tuple(self._name_of(source) for source in sources),
            seed=None if kind == "original" else self.seed,
            **self._lineage(sources),
            sha256=self.sha256_of(number),
            **drawn,
        )

    def kind_of(self, number: int) -> str:
        """Return "original", "copy" or "synthetic", the kind of a row in manifests."""
        if self._is_drawn[number]:
            return "synthetic"
        return "original" if self._original[self.sources[number]] == number else "copy"

    def sha256_of(self, number: int) -> str | None:
        """Return the SHA-256 of the file of a row; None if it is not drawn yet."""
        if not self._is_drawn[number]:
            return self.kept.records.sha256(int(self.sources[number]))
        at = np.searchsorted(self.drawn, number)
        return self._hashes[at].tobytes().hex() if self._sizes[at] else None

    def path_of(self, number: int) -> str:
        """Return the path of a row's file: the same call gives the same names.

        That is how a resumed run recognises what is there.
        """
        sources, _ = self._made_of(number)
        label, digest = self.kept.labels[sources[0]], f"{self._digests[number]:016x}"
        names = [self._name_of(source) for source in sources[:2]]
        suffix = os.path.splitext(names[0])[1].lower()
        if self._is_drawn[number]:
            suffix = self.form.suffix or self.later.suffix
        stem = "+".join(os.path.splitext(os.path.basename(name))[0][:40] for name in names)
        if self.form.layout == "csv":
            return f"images/{name_file(f'{label[:30]}_{stem}', digest, suffix)}"
        name = name_file(stem, digest, suffix if suffix in SUFFIXES else ".png")
        return f"{self._side(self._split_of(number))}{encode_label(label)}/{name}"

    def _name_of(self, source: int) -> str:
        """Return the path of a file below the source."""
        return self.kept.relative(self.kept.paths[source])

    def _made_of(self, number: int) -> tuple[list[int], tuple[float, ...]]:
        """Return the source files of a row, the base first, and the shares of the others."""
        if not self._is_drawn[number]:
            return [int(self.sources[number])], ()
        sources, shares = zip(*self.plan.sources(number - self.n_valid), strict=True)
        return self.train[list(sources)].tolist(), shares[1:]

    def _digest_of(self, number: int) -> int:
        """Return the digest of all that the file of a row depends on, as a number."""
        sources, steps = self._made_of(number)
        kind = self.kind_of(number)
        # An original's name depends on the file alone, so that it stays when the sampler changes.
        facts = [self.kept.labels[sources[0]], *map(self._name_of, sources)]
        facts += [self.kept.records.sha256(source) for source in sources]
        if kind != "original":
            step = (steps[0] if len(steps) == 1 else steps) if kind == "synthetic" else None
            facts += [str(self.seed), repr(step), str(number)]
        if kind == "synthetic":
            facts += [self._drawn_by, str(self.form.mode)]
            facts += rules_and_seeds(self.plan, number - self.n_valid)
        return int(digest_of(facts), 16)

    def leaks(self) -> list[str]:
        """Return the training rows that are, or descend from, a validation or test image.

        Validation and test rows that were drawn for an earlier output are leaks, too. Rows are
        named by their files.
        """
        held = self.sources[: self.n_valid]
        is_held = self.kept.records.have_bytes_of(held)
        ancestors = {name for source in held.tolist() for name in self._ancestors([source])}

        def is_leak(number: int) -> bool:
            sources, _ = self._made_of(number)
            lineage = self._lineage(sources)
            if number < self.n_valid:
                return bool(lineage.get("drawn_before"))
            return bool(is_held[sources].any()) or not ancestors.isdisjoint(
                lineage.get("ancestors", ())
            )

        names = self._name_of if self.form.link == "rows" else self.path_of
        return [
            names(int(self.sources[number]) if self.form.link == "rows" else number)
            for number in range(len(self))
            if is_leak(number)
        ]

    def _ancestors(self, sources: list[int]) -> tuple[str, ...]:
        """Return the photos that some source files show, as far as their manifests record it."""
        names: tuple[str, ...] = self._lineage(sources).get("ancestors", ())
        return names

    def _lineage(self, sources: list[int]) -> dict[str, Any]:
        """Return the manifest fields on ancestors; none if the source has no drawn images."""
        lineage = self.kept.lineage
        if not lineage.drawn.any():
            return {}
        names = dict.fromkeys(name for source in sources for name in lineage.photos(source))
        return {
            "ancestors": tuple(names),
            "drawn_before": bool(lineage.drawn[sources].any()),
        }

    def draw(self, number: int) -> NDArray[Any]:
        """Draw the image of a synthetic row, at the size of `form`."""
        return self.form.resized(self.later.draw(number - self.n_valid))

    def blocks(self, numbers: list[int]) -> Iterable[Block]:
        """Return blocks of synthetic rows for other processes; none if these cannot draw them.

        The blocks number the rows as the plan does; see :meth:`number_of`.
        """
        if self.later.blocks is None or not numbers:
            return []
        return self.later.blocks(np.array(numbers) - self.n_valid, ROWS)

    def number_of(self, row: int) -> int:
        """Return the number, among all rows, of a row of the plan."""
        return int(row) + self.n_valid

    def has_drawn(self, number: int, n_bytes: int, sha256: str) -> None:
        """Store size in bytes and SHA-256 of the file of a synthetic row."""
        at = np.searchsorted(self.drawn, number)
        self._hashes[at] = np.frombuffer(bytes.fromhex(sha256), dtype=np.uint8)
        self._sizes[at] = n_bytes

    @property
    def n_bytes(self) -> int:
        """Size of all files in bytes; links count as none."""
        if self.form.link != "copy":
            return int(self._sizes.sum())
        copied = np.delete(self.sources, self.drawn)
        return int(self.kept.records.n_bytes[copied].sum() + self._sizes.sum())

    def folders(self) -> set[str]:
        """Return the folders of the files, below the output."""
        if self.form.link == "rows":
            return set()
        if self.form.layout == "csv":
            return {"images"}
        if self.kept.splits:
            return {
                f"{name}/{encode_label(label)}"
                for name in self.kept.splits.values()
                for label in self.kept.classes
            }
        sides = (slice(0, self.n_valid), slice(self.n_valid, None))
        return {
            f"{self._side(split)}{encode_label(label)}"
            for split, side in zip(("valid", "train"), sides, strict=True)
            for label in {self.kept.labels[source] for source in self.sources[side]}
        }

    def names(self) -> Iterator[str]:
        """Yield the paths of the files, below the output."""
        return (self.path_of(number) for number in range(len(self)) if self.form.link != "rows")

    def written(self) -> Iterator[str]:
        """Yield the names of the files that are no links."""
        numbers = range(len(self)) if self.form.link == "copy" else self.drawn.tolist()
        return map(self.path_of, numbers)

    def table(self) -> Iterator[tuple[str, str, bool]]:
        """Yield the rows of labels.csv: name, label, is_valid."""
        for number, source in enumerate(self.sources.tolist()):
            name = self._name_of(source) if self.form.link == "rows" else self.path_of(number)
            yield name, self.kept.labels[source], self._split_of(number) == "valid"

    def _split_of(self, number: int) -> str:
        """Return the split of a row: "train", "valid" or "test"."""
        if number >= self.n_valid:
            return "train"
        sides = self.kept.sides
        return "valid" if sides is None else str(sides[self.sources[number]])

    def _side(self, split: str) -> str:
        """Return the folder of a split, with a "/", or "" where all rows are for training."""
        return f"{self.kept.splits.get(split, split)}/" if self.n_valid or self.kept.splits else ""


def check_room(rows: OutputRows, folder: OutputFolder) -> None:
    """Raise an OSError if the copies that are not there yet do not fit on the disk."""
    if rows.form.link != "copy":
        return
    there = folder.root.absolute()
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    copied = np.setdiff1d(np.arange(len(rows)), rows.drawn)
    sizes = rows.kept.records.n_bytes[rows.sources]
    n_bytes = int(sizes[copied].sum())
    if n_bytes > free:  # a resumed run has some already
        missing = [
            row for row in copied.tolist() if not os.path.lexists(folder.at(rows.path_of(row)))
        ]
        n_bytes = int(sizes[missing].sum())
    if n_bytes > free:
        raise OSError(
            errno.ENOSPC,
            f"copies need {n_bytes / 1e6:.1f} MB, {free / 1e6:.1f} MB are free",
            str(folder.root),
        )


def place(rows: OutputRows, folder: OutputFolder, n_jobs: int | None, verbose: int) -> None:
    """Copy, link or draw the file of every row into its place."""
    folder.make_folders(rows.folders())
    if rows.form.link == "rows":
        return
    if not works_in_threads():
        _draw_elsewhere(rows, folder, n_jobs, verbose)
    # A link changes with its source: its mark shows at the end whether it is what was examined.
    marks = np.zeros(len(rows) if rows.form.link != "copy" else 0, dtype=np.int64)

    def of(number: int) -> tuple[str, str, str]:
        original = rows.kept.paths[rows.sources[number]]
        return original, rows.path_of(number), str(rows.sha256_of(number))

    def place_one(number: int) -> None:
        if rows.kind_of(number) == "synthetic":
            if not rows.sha256_of(number):  # otherwise a worker of joblib has drawn it already
                name, draw = rows.path_of(number), partial(rows.draw, number)
                rows.has_drawn(number, *folder.draw(name, draw, rows.form.write))
            return
        mark = folder.copy(*of(number), rows.form.link)
        if len(marks):
            marks[number] = mark

    with progress(len(rows), "written", verbose) as done:

        def place_some(first: int) -> None:
            some = range(first, min(first + 16, len(rows)))
            for number in some:
                place_one(number)
            done(len(some))

        # 16 at a time: handing a task to a thread takes longer than many a copy.
        in_threads(place_some, ((k,) for k in range(0, len(rows), 16)), n_jobs=n_jobs)
    for number in np.flatnonzero(marks).tolist():
        folder.check_link(*of(number), int(marks[number]))


def _draw_elsewhere(
    rows: OutputRows, folder: OutputFolder, n_jobs: int | None, verbose: int
) -> None:
    """Draw synthetic images in the workers that joblib is set to, where these can draw them.

    A worker writes its images into the workshop, which it must be able to reach; this process
    then moves them to their places and notes their hashes, as it does with its own.
    """
    left = [n for n in rows.drawn.tolist() if not _is_known(rows, folder, n)]
    tasks = []
    for block in rows.blocks(left):
        names = (rows.path_of(rows.number_of(row)) for row in block.numbers)
        # By their full names: a worker that served before may have another working directory.
        places = [os.path.abspath(folder.waiting(name)) for name in names]
        tasks.append((block, places, rows.form))
    with progress(sum(len(places) for _, places, _ in tasks), "drawn", verbose) as done:
        drawn = in_workers(
            _draw_block,
            tasks,
            what=lambda task: task[0].what.capitalize(),
            n_jobs=n_jobs,
            done=lambda task: done(len(task[0])),
        )
    for (block, _, _), hashes in zip(tasks, drawn, strict=True):
        for row, (n_bytes, sha256) in zip(block.numbers, hashes, strict=True):
            number = rows.number_of(row)
            folder.take(rows.path_of(number), sha256)
            rows.has_drawn(number, n_bytes, sha256)


def _is_known(rows: OutputRows, folder: OutputFolder, number: int) -> bool:
    """Return whether an earlier run has drawn the image of a row; if so, note its hash."""
    known = folder.known(rows.path_of(number))
    if known is not None:
        rows.has_drawn(number, *known)
    return known is not None


def _draw_block(task: tuple[Block, list[str], Form]) -> list[tuple[int, str]]:
    """Draw a block of rows in a worker; return size in bytes and SHA-256 of each file."""
    block, places, form = task
    found = []
    for at, drawn in block.drawn():
        for path, image in zip(places[at.start : at.stop], drawn, strict=True):
            form.write(path, form.resized(image))
            found.append(hash_file(path))
    return found
