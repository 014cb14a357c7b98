"""Pictures of a data set on disk: a chart of its classes, and a sheet of some of its images."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from imblearn_images.core.files import read_image
from imblearn_images.core.text import shown
from imblearn_images.display import ClassDistributionDisplay
from imblearn_images.display._canvas import RED, as_png
from imblearn_images.folders._manifest import Row
from imblearn_images.folders._report import FolderReport
from imblearn_images.folders._store import OutputFolder

__all__ = ["draw_chart", "draw_sheet"]

CHART, SHEET = "classes.png", "contact_sheet.png"
_CELL, _COLUMNS, _CLASSES = 96, 8, 12  # pixels per side, images per class, classes of a sheet


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
