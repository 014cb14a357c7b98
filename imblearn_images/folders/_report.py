"""Reports: what was written to an output folder, for people and for scripts."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from imblearn_images.core.text import align, counted, html_lines, html_table, shown
from imblearn_images.folders._manifest import MANIFEST

__all__ = ["FolderReport"]


@dataclass(frozen=True)
class ClassCounts:
    """Number of files of one class."""

    label: str
    source: int
    skipped: int
    valid: int
    train: int
    """Training images before resampling."""
    resampled: int
    """Training rows after resampling."""
    synthetic: int
    """Training rows after resampling that are synthetic."""
    test: int = 0
    """Test images, where the split of the source is kept."""


@dataclass(frozen=True)
class FolderReport:
    """What was written to an output folder, or would be; ``print`` shows the table.

    Read more in the :ref:`User Guide <photo-folders>`.
    """

    output: str
    classes: list[ClassCounts]
    n_valid: int
    """Rows of the validation part; they come first in labels.csv."""
    n_train: int
    """Rows of the training part."""
    n_files: int
    """Image files of the data set."""
    n_bytes: int
    """Size of these files in bytes; links count as none. An upper bound in a dry run of a sampler
    that draws images."""
    n_prevented: int
    """Images that a plain stratified split would have leaked between training and validation."""
    seed: int | None
    dry_run: bool
    skipped: dict[str, str] = field(default_factory=dict)
    """Each file that was left out, and why."""
    notes: list[str] = field(default_factory=list)
    n_test: int = 0
    """Rows of the test part, where the split of the source is kept; they follow the validation
    part."""
    other_files: dict[str, dict[str, int]] = field(default_factory=dict)
    """For each class, or "" for the source itself, the number of other files by suffix."""
    manifest: str = MANIFEST
    """File in `output` that records what every row is made from."""

    def to_dict(self) -> dict[str, Any]:
        """Return everything as dicts, lists, numbers and text."""
        return asdict(self)

    def to_json(self) -> str:
        """Return everything as one JSON object in ASCII."""
        return json.dumps(self.to_dict())

    def __repr__(self) -> str:
        synthetic = sum(c.synthetic for c in self.classes)
        parts = [
            f"{self.n_train} training, {synthetic} of them synthetic",
            f"{self.n_valid} validation",
        ]
        parts += [f"{self.n_test} test"] if self.n_test else []
        what = f"{counted(len(self.classes), 'class')}, rows: {', '.join(parts)}"
        return f"FolderReport({self.output!r}: {what}{', dry run' * self.dry_run})"

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return html_table(*self._table()) + html_lines(self._remarks())

    def to_text(self, width: int | None = None) -> str:
        """Return the table and the notes, the table not wider than `width` columns."""
        return "\n".join([align(*self._table(), width=width), *self._remarks()])

    def _table(self) -> tuple[list[str], list[list[Any]]]:
        columns = ["class", "source", "skipped", "valid", "train", "resampled", "synthetic"]
        rows = [
            [shown(c.label), c.source, c.skipped, c.valid, c.train, c.resampled, c.synthetic]
            for c in self.classes
        ]
        # No column of zeros for the many without a test part.
        if self.n_test:
            columns.insert(4, "test")
            for row, c in zip(rows, self.classes, strict=True):
                row.insert(4, c.test)
        rows.append(["all", *(sum(column) for column in zip(*(r[1:] for r in rows), strict=True))])
        return columns, rows

    def _remarks(self) -> list[str]:
        lines = []
        if self.n_prevented:
            n_leaks = counted(self.n_prevented, "leak")
            lines.append(f"{n_leaks} between training and validation prevented")
        lines += [f"skipped: {shown(path, 200)}: {why}" for path, why in self.skipped.items()]
        lines += [f"note: {shown(note, 400)}" for note in self.notes]
        size = f"{self.n_bytes / 1e6:.1f} MB"
        files = counted(self.n_files, "image file")
        what = f"{files}, {size}, in {self.output}"
        if self.dry_run:
            what = f"{files}, {size} at most, would go to {self.output}; nothing was written"
        return [*lines, what]
