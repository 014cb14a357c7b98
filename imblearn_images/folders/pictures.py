"""Pictures of a data set on disk: its classes before and after, and some of its images."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from imblearn_images.core.files import read_image
from imblearn_images.core.manifest import Row
from imblearn_images.core.store import OutputFolder
from imblearn_images.folders.report import FolderReport, shown

CHART, SHEET = "classes.png", "contact_sheet.png"
_CELL, _COLUMNS, _CLASSES = 96, 8, 12


def require_matplotlib() -> None:
    """Raise a ModuleNotFoundError that says what to install, if matplotlib is missing."""
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "the bar chart is drawn by matplotlib: pip install imblearn-images[plot]"
        ) from error


def draw_chart(folder: OutputFolder, report: FolderReport) -> None:
    """Write a bar chart of the training images per class, before and after."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    classes = sorted(report.classes, key=lambda counts: counts.train)
    places = np.arange(len(classes))
    figure = Figure(figsize=(7, 1 + 0.35 * len(classes)), dpi=90, layout="constrained")
    axes = figure.add_subplot()
    axes.barh(places + 0.2, [c.train for c in classes], 0.4, label="before", color="0.7")
    axes.barh(places - 0.2, [c.resampled for c in classes], 0.4, label="after", color="tab:orange")
    # "$" would begin a formula
    names = [shown(c.label, 24).replace("$", r"\$") for c in classes]
    axes.set_yticks(places, names)
    axes.set_xlabel("training images")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", frameon=False)
    picture = io.BytesIO()
    FigureCanvasAgg(figure).print_png(picture, metadata={"Software": None})
    folder.write(CHART, picture.getvalue())


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
