"""Rows: what the data set will hold, and the name of every file in it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core.files import SUFFIXES
from imblearn_images.core.labels import encode_label
from imblearn_images.core.manifest import Row
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.store import name_file
from imblearn_images.core.writing import DrawLater
from imblearn_images.folders._form import Form
from imblearn_images.folders.source import FolderSplit, Source


def digest_of(facts: Iterable[str]) -> str:
    """Short digest of what a file is made of, which makes its name its own."""
    text = "\0".join(facts).encode("utf-8", "surrogateescape")
    return hashlib.sha256(text).hexdigest()[:16]


class OutputRows(Sequence[Row]):
    """Rows of a data set, validation first, each made when it is asked for.

    What is kept are numbers, some 20 bytes a row: its source file, its kind, and of an image
    that was drawn, size and hash.

    Parameters
    ----------
    kept, split : Source, FolderSplit
        The files, and which of them validate.
    train : ndarray of shape (n_train,)
        The files that `plan` was made of.
    plan : ResamplingPlan
        The training rows.
    synthesis : str
        What the synthetic ones are drawn by.
    seed : int or None
        Of the resampling.
    mode : str or None
        That files are read in where pixels are mixed.
    later : DrawLater
        Draws them.
    layout, link : str
        As for `balance_folder`.
    form : Form, default=Form()
        What drawn images are written as.
    """

    def __init__(
        self,
        kept: Source,
        split: FolderSplit,
        train: NDArray[np.intp],
        plan: ResamplingPlan,
        *,
        synthesis: str,
        seed: int | None,
        mode: str | None,
        later: DrawLater,
        layout: str,
        link: str,
        form: Form = Form(),  # noqa: B008 - a value
    ) -> None:
        self.kept, self.train, self.plan = kept, train, plan
        self.synthesis, self.seed, self.mode = synthesis, seed, mode
        self.later, self.layout, self.link, self.form = later, layout, link, form
        valid = np.flatnonzero(split.is_valid)
        self.n_valid = len(valid)
        self.sources = np.concatenate([valid, train[plan.base]])
        self._is_drawn = np.concatenate([np.zeros(self.n_valid, dtype=bool), plan.synthetic])
        self.drawn = np.flatnonzero(self._is_drawn)
        # The first row that takes a file as it is: backwards, for the last number stays.
        taken = np.flatnonzero(~self._is_drawn)[::-1]
        self._original = np.empty(len(kept.paths), dtype=np.intp)
        self._original[self.sources[taken]] = taken
        self._sizes = np.zeros(len(self.drawn), dtype=np.int64)
        self._hashes = np.zeros((len(self.drawn), 32), dtype=np.uint8)
        if link == "rows" and len(self.drawn):
            raise ValueError(
                f'link="rows" writes no files, but {len(self.drawn)} images were drawn by '
                f'{synthesis}; use link="symlink", which takes hardly more room'
            )

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, number: int) -> Row:  # type: ignore[override]  # one at a time
        number = range(len(self))[number]
        k = number - self.n_valid
        sources = [int(self.sources[number])]
        kind = "original" if self._original[sources[0]] == number else "copy"
        drawn: dict[str, Any] = {}
        if self._is_drawn[number]:
            kind = "synthetic"
            used = self.plan.weights[k] != 0
            sources += self.train[self.plan.partners[k][used]].tolist()
            steps = tuple(self.plan.weights[k][used].tolist())
            drawn["step"] = steps[0] if len(steps) == 1 else steps
            drawn["synthesis"] = ", ".join(filter(None, (self.synthesis, str(self.form))))
        contents = [self.kept.records.sha256(source) for source in sources]
        row = Row(
            path=None,
            label=self.kept.labels[sources[0]],
            split=self._split_of(sources[0]) if k < 0 else "train",
            kind=kind,
            parents=tuple(self.kept.relative(self.kept.paths[source]) for source in sources),
            seed=None if kind == "original" else self.seed,
            **self._lineage(sources),
            sha256=self._hash(number) if drawn else contents[0],
            **drawn,
        )
        return row if self.link == "rows" else replace(row, path=self._path(row, contents, number))

    def _lineage(self, sources: list[int]) -> dict[str, Any]:
        """What the manifest of a source with drawn images says of the parents of a row."""
        lineage = self.kept.lineage
        if lineage is None or not lineage.drawn.any():
            return {}
        names = dict.fromkeys(name for source in sources for name in lineage.photos(source))
        return {
            "ancestors": tuple(names),
            "drawn_before": bool(lineage.drawn[sources].any()),
        }

    def _hash(self, number: int) -> str | None:
        at = np.searchsorted(self.drawn, number)
        return self._hashes[at].tobytes().hex() if self._sizes[at] else None

    def draw(self, number: int) -> NDArray[Any]:
        """Draw the image of a synthetic row, as large as it is to be."""
        return self.form.resized(self.later.draw(number - self.n_valid))

    def has_drawn(self, number: int, n_bytes: int, sha256: str) -> None:
        """Note size and hash of the file of a synthetic row."""
        at = np.searchsorted(self.drawn, number)
        self._hashes[at] = np.frombuffer(bytes.fromhex(sha256), dtype=np.uint8)
        self._sizes[at] = n_bytes

    @property
    def n_bytes(self) -> int:
        """What the files take; links take nothing."""
        if self.link != "copy":
            return int(self._sizes.sum())
        copied = np.delete(self.sources, self.drawn)
        return int(self.kept.records.n_bytes[copied].sum() + self._sizes.sum())

    def folders(self) -> set[str]:
        """Name the folders that the files are in."""
        if self.link == "rows":
            return set()
        if self.layout == "csv":
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
        """Name the files."""
        return (row.path for row in self if row.path is not None)

    def _split_of(self, source: int) -> str:
        return "valid" if self.kept.sides is None else str(self.kept.sides[source])

    def _side(self, split: str) -> str:
        return f"{self.kept.splits.get(split, split)}/" if self.n_valid or self.kept.splits else ""

    def _drawn_by(self, k: int) -> list[str]:
        """What an image depends on besides its parents: the synthesis, and the row's seed."""
        if self.plan.seeds is None:
            return []
        rule = re.sub(r" at 0x[0-9a-f]+", "", repr(self.plan.synthesis))  # not the same next time
        return [rule, str(self.plan.seeds[k])]

    def _path(self, row: Row, contents: list[str], number: int) -> str:
        """Name a file after all that it is made of; the same call gives the same names."""
        facts = [row.label, *row.parents, *contents]
        if row.kind != "original":
            facts += [str(row.seed), repr(row.step), str(number)]
        if row.kind == "synthetic":
            facts += [str(row.synthesis), str(self.mode), *self._drawn_by(number - self.n_valid)]
        digest = digest_of(facts)
        suffix = os.path.splitext(row.parents[0])[1].lower()
        if row.kind == "synthetic":
            suffix = self.form.suffix or self.later.suffix
        names = [os.path.splitext(os.path.basename(parent))[0] for parent in row.parents[:2]]
        stem = "+".join(name[:40] for name in names)
        if self.layout == "csv":
            return f"images/{name_file(f'{row.label[:30]}_{stem}', digest, suffix)}"
        name = name_file(stem, digest, suffix if suffix in SUFFIXES else ".png")
        return f"{self._side(row.split)}{encode_label(row.label)}/{name}"
