"""Reports: what was written to an output folder, in numbers, as a chart and as a contact sheet."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from imblearn_images.core.files import read_image
from imblearn_images.core.text import align, counted, html_lines, html_table, shown
from imblearn_images.display import ClassDistributionDisplay
from imblearn_images.display._canvas import RED, as_png
from imblearn_images.folders._manifest import MANIFEST, Row
from imblearn_images.folders._output import OutputFolder

__all__ = ["FolderReport"]


CHART, SHEET = "classes.png", "contact_sheet.png"
_CELL, _COLUMNS, _CLASSES = 96, 8, 12  # pixels per side, images per class, classes of a sheet


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


def draw_chart(folder: OutputFolder, report: FolderReport) -> None:
    """Write a bar chart of the training images per class, before and after."""
    display = ClassDistributionDisplay(
        {c.label: c.train for c in report.classes},
        {c.label: c.resampled for c in report.classes},
        {c.label: c.synthetic for c in report.classes},
    )
    height = 0.8 + 0.46 * len(report.classes)
    folder.write(CHART, [as_png(display.plot, width=7, height=height, dpi=90)])


def draw_sheet(folder: OutputFolder, rows: Iterable[Row], source: str) -> None:
    """Write a contact sheet: training images of the smallest classes, synthetic ones framed."""
    counts: Counter[tuple[str, str]] = Counter()
    some: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row.split == "train":
            counts[row.label, row.kind] += 1
            if len(first := some.setdefault((row.label, row.kind), [])) < _COLUMNS:
                first.append(row)
    labels = dict.fromkeys(label for label, _ in counts)
    chosen = sorted(labels, key=lambda label: counts[label, "original"])[:_CLASSES]
    line = 22
    size = (_COLUMNS * (_CELL + 4) + 12, len(chosen) * (_CELL + line + 8) + 8)
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    for number, label in enumerate(chosen):
        top = 8 + number * (_CELL + line + 8)
        numbers = {kind: counts[label, kind] for kind in ("original", "copy", "synthetic")}
        title = ", ".join(f"{n} {kind}" for kind, n in numbers.items() if n)
        title += " (framed)" if numbers["synthetic"] else ""
        originals, copies, drawn = (some.get((label, kind), []) for kind in numbers)
        draw.text((8, top), f"{shown(label)}: {title}", "#1a1a1a", font)
        new = (drawn or copies)[: _COLUMNS // 2]
        for column, row in enumerate([*originals[: _COLUMNS - len(new)], *new]):
            file = Path(folder.at(row.path)) if row.path else Path(source, row.parents[0])
            left, upper = 8 + column * (_CELL + 4), top + line
            sheet.paste(Image.fromarray(_thumbnail(file)), (left, upper))
            if row.kind == "synthetic":  # in a frame, as FamilyDisplay draws them
                corners = (left - 2, upper - 2, left + _CELL + 1, upper + _CELL + 1)
                draw.rectangle(corners, outline=RED, width=3)
    # Not saved by Pillow: OutputFolder.write makes a file whole or absent.
    picture = io.BytesIO()
    sheet.save(picture, "PNG")
    folder.write(SHEET, [picture.getvalue()])


def _thumbnail(file: Path) -> np.ndarray:
    """Return a small copy of an image in colour, grey where it cannot be shown."""
    try:
        return read_image(file, size=(_CELL, _CELL), mode="RGB")
    except ValueError:  # pixel values, such as float ones, that have no scale to 8 bits
        return np.full((_CELL, _CELL, 3), 200, dtype=np.uint8)
