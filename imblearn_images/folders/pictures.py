"""Pictures of a data set on disk: its classes before and after, and some of its images."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from imblearn_images.core.files import read_image
from imblearn_images.core.manifest import Row
from imblearn_images.core.store import OutputFolder
from imblearn_images.display import ClassDistributionDisplay
from imblearn_images.display.drawing import as_png, require_matplotlib
from imblearn_images.folders.report import FolderReport, shown

__all__ = ["CHART", "SHEET", "draw_chart", "draw_sheet", "require_matplotlib"]

CHART, SHEET = "classes.png", "contact_sheet.png"
_CELL, _COLUMNS, _CLASSES = 96, 8, 12


def draw_chart(folder: OutputFolder, report: FolderReport) -> None:
    """Write a bar chart of the training images per class, before and after."""
    display = ClassDistributionDisplay(
        {c.label: c.train for c in report.classes},
        {c.label: c.resampled for c in report.classes},
        {c.label: c.synthetic for c in report.classes},
    )
    height = 0.8 + 0.46 * len(report.classes)
    folder.write(CHART, as_png(display.plot, width=7, height=height, dpi=90))


def draw_sheet(folder: OutputFolder, rows: list[Row], source: str) -> None:
    """Write a contact sheet: some training images of the smallest classes, drawn ones last."""
    by_class: dict[str, list[Row]] = {}
    for row in rows:
        if row.split == "train":
            by_class.setdefault(row.label, []).append(row)
    chosen = sorted(by_class, key=lambda label: sum(r.kind == "original" for r in by_class[label]))
    chosen = chosen[:_CLASSES]
    line = 22
    size = (_COLUMNS * (_CELL + 4) + 12, len(chosen) * (_CELL + line + 8) + 8)
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    for number, label in enumerate(chosen):
        top = 8 + number * (_CELL + line + 8)
        members = by_class[label]
        kinds = {k: [r for r in members if r.kind == k] for k in ("original", "copy", "synthetic")}
        title = ", ".join(f"{len(found)} {kind}" for kind, found in kinds.items() if found)
        draw.text((8, top), f"{shown(label)}: {title}", "#1a1a1a", font)
        new = (kinds["synthetic"] or kinds["copy"])[: _COLUMNS // 2]
        for column, row in enumerate([*kinds["original"][: _COLUMNS - len(new)], *new]):
            file = folder.root / row.path if row.path else Path(source, row.parents[0])
            thumbnail = Image.fromarray(_thumbnail(file))
            sheet.paste(thumbnail, (8 + column * (_CELL + 4), top + line))
    picture = io.BytesIO()
    sheet.save(picture, "PNG")
    folder.write(SHEET, picture.getvalue())


def _thumbnail(file: Path) -> np.ndarray:
    try:
        return read_image(file, size=(_CELL, _CELL), mode="RGB")
    except ValueError:  # values without a scale to 8 bits
        return np.full((_CELL, _CELL, 3), 200, dtype=np.uint8)
