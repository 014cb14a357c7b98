"""Reporting: a comparison as one HTML file, pictures inside."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from imblearn_images.core.files import read_image, written_whole
from imblearn_images.display import ComparisonDisplay, RecallDisplay, ReliabilityDisplay
from imblearn_images.display.drawing import BARS, COLOURS, as_png
from imblearn_images.folders.report import shown
from imblearn_images.model_selection.tables import as_html, of_interest

if TYPE_CHECKING:
    from imblearn_images.model_selection.comparison import ResamplerComparison

__all__ = ["write_report"]

WIDTH = 8.5  # inches
CELL, COLUMNS, CLASSES = 72, 10, 12
"""Pixels of a thumbnail, thumbnails of a class, and classes on the sheet."""

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; }
.advice { font-size: 1.15rem; padding: .8rem 1rem; background: #eef4fa; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; text-align: left; border-bottom: 1px solid #ddd; }
img { max-width: 100%; }
"""

READING = (
    "Every line is the same classifier on the same folds; only training images are resampled. "
    "Intervals and p-values are those of the corrected resampled t-test (Nadeau and Bengio 2003), "
    "both adjusted for the number of candidates (Holm 1979). What resampling has to beat is the "
    "best baseline that makes no images. Brier score and expected calibration "
    "error (ECE) tell how far off probabilities are, lower is better. The best of many looks "
    "better here than it will be: keep photos aside that this comparison has not seen."
)


def write_report(
    comparison: ResamplerComparison,
    path: str | os.PathLike[str],
    paths: NDArray[Any],
    labels: NDArray[Any],
    *,
    title: str = "",
    replace: bool = False,
) -> None:
    """Write one self-contained HTML file, whole or not at all; needs matplotlib.

    Parameters
    ----------
    comparison : ResamplerComparison
        What came out.
    path : path
        File to write.
    paths : ndarray of shape (n,)
        The photos; some are shown.
    labels : ndarray of shape (n,)
        Their classes.
    title : str, default=""
        Of the page, such as the name of the folder.
    replace : bool, default=False
        Replace the file that is there. A link, or what is no file, is never replaced.

    Raises
    ------
    FileExistsError, ValueError
        For what is there and is not to be replaced.
    OSError
        When writing fails, e.g. on a full disk; nothing is left behind, and what was there is
        as it was.
    """
    check_replaceable(path, replace)
    pictures = [*_charts(comparison), ("Photos of the smallest classes", _sheet(paths, labels))]
    figures = "".join(
        f'<h2>{escape(caption)}</h2><img alt="{escape(caption)}" src="{_source(picture)}">'
        for caption, picture in pictures
    )
    name = escape(f"Does resampling help? {title}".strip())
    page = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{name}</title>'
        f"<style>{STYLE}</style></head><body><h1>{name}</h1>"
        f"{as_html(comparison)}"
        f"{figures}<h2>How to read this</h2><p>{escape(READING)}</p></body></html>\n"
    )
    check_replaceable(path, replace)  # once more: drawing takes a while
    with written_whole(path) as file:
        file.write(page.encode("utf-8", "backslashreplace"))


def check_replaceable(path: str | os.PathLike[str], replace: bool) -> None:
    """Refuse to write where something is, unless it is a file that is to be replaced.

    Raises
    ------
    FileExistsError, ValueError
        Saying what is there.
    """
    if os.path.islink(path):
        raise ValueError(f"{os.fspath(path)} is a link, which is not written through. Name a file.")
    if not os.path.lexists(path):
        return
    if not os.path.isfile(path):
        raise ValueError(f"{os.fspath(path)} is there, and no file. Name another one.")
    if not replace:
        raise FileExistsError(
            f"{os.fspath(path)} is there already. Name another file, or replace it: --force, "
            "replace=True."
        )


def _charts(comparison: ResamplerComparison) -> list[tuple[str, bytes]]:
    """Draw what is known: without another candidate no differences, without probabilities ..."""
    n_names, n_classes = len(comparison.names), len(comparison.recall["none"])
    kinds: list[tuple[str, Any, float]] = []
    if comparison.differences:
        kinds.append(("Differences to none", ComparisonDisplay, 1.1 + 0.4 * n_names))
    kinds.append(("Recall of each class", RecallDisplay, 1.2 + 0.4 * min(max(n_classes, 6), BARS)))
    if comparison.reliability:
        kinds.append(("Reliability of probabilities", ReliabilityDisplay, 4.5))
    return [
        (caption, as_png(_drawing(kind, comparison), WIDTH, height))
        for caption, kind, height in kinds
    ]


def _drawing(kind: Any, comparison: ResamplerComparison) -> Callable[[Any], Any]:
    if kind is ComparisonDisplay:
        return lambda ax: kind.from_comparison(comparison, ax=ax)
    known = comparison.reliability if kind is ReliabilityDisplay else comparison.recall
    names = [name for name in of_interest(comparison, len(COLOURS)) if name in known]
    return lambda ax: kind.from_comparison(comparison, names or None, ax=ax)


def _source(picture: bytes) -> str:
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode('ascii')}"


def _sheet(paths: NDArray[Any], labels: NDArray[Any]) -> bytes:
    """Draw a line of thumbnails for each of the smallest classes."""
    names, counts = np.unique(labels, return_counts=True)
    chosen = np.argsort(counts, kind="stable")[:CLASSES]
    line, margin = 20, 4
    size = (COLUMNS * (CELL + margin) + margin, len(chosen) * (CELL + line + margin) + margin)
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    for number, which in enumerate(chosen):
        top = margin + number * (CELL + line + margin)
        draw.text((margin, top), f"{shown(str(names[which]))}: {counts[which]}", "#1a1a1a", font)
        for column, path in enumerate(paths[labels == names[which]][:COLUMNS]):
            thumbnail = Image.fromarray(read_image(path, size=(CELL, CELL), mode="RGB"))
            sheet.paste(thumbnail, (margin + column * (CELL + margin), top + line))
    picture = io.BytesIO()
    sheet.save(picture, "JPEG", quality=85)
    return picture.getvalue()
