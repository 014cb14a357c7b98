"""The report of ``compare``: one HTML file with tables, charts, photos and synthetic images."""

from __future__ import annotations

import base64
import io
import os
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imblearn_images import recipes
from imblearn_images._members import seeded
from imblearn_images.core.disk import written_whole
from imblearn_images.core.files import read_image
from imblearn_images.core.images import FileImages
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import render
from imblearn_images.core.text import shown
from imblearn_images.display import ComparisonDisplay, RecallDisplay, ReliabilityDisplay
from imblearn_images.display._canvas import BARS, COLOURS, as_png
from imblearn_images.display._family import spread_synthetic
from imblearn_images.folders._output import where_they_meet
from imblearn_images.model_selection._comparison import ResamplerComparison, as_html, of_interest

__all__ = ["check_writable", "show_families", "write_report"]


WIDTH = 8.5  # inches
CELL, COLUMNS, CLASSES = 72, 10, 12
"""Of photos: pixels per side, photos per class, number of classes shown."""
SIDE, FAMILIES, DRAWERS, PARENTS = 96, 4, 3, 3
"""Of synthetic images: pixels per side, images per candidate, number of candidates shown, and
partners shown beside each image."""
STYLE = """
:root { color-scheme: light dark; }
body { font-family: sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  line-height: 1.5; overflow-wrap: anywhere; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto;
  max-width: 100%; overflow-wrap: normal; font-variant-numeric: tabular-nums; }
td, th { border-bottom: 1px solid #8886; padding: .3rem .7rem; }
td, th { text-align: left; white-space: nowrap; }
.chart { overflow-x: auto; }
.chart img { width: 100%; min-width: 36rem; background: white; }
.photos, .family { display: flex; flex-wrap: wrap; gap: .3rem; align-items: center; }
.families { display: grid; gap: 1.5rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 28rem), 1fr)); }
.family { flex-wrap: nowrap; }
.family img { flex: 0 1 auto; min-width: 0; }
figure { margin: 0; }
figcaption { font-size: .9rem; opacity: .8; }
.drawn { outline: 3px solid #c2410c; margin: 3px; }
.advice { background: #5b8def22; padding: 1rem; font-size: 1.1rem; }
"""
READING = (
    "Every line is the same classifier on the same folds; only training images are resampled. "
    "Intervals and p-values are those of the corrected resampled t-test (Nadeau and Bengio 2003), "
    "both adjusted for the number of candidates (Holm 1979). What resampling has to beat is the "
    "reference: prior correction where it helps, or another baseline. "
    "Brier score and expected calibration error (ECE) measure how far off probabilities are; lower "
    "is better. The score of the best of many candidates is too optimistic: set photos aside that "
    "this comparison has not seen."
)


def check_writable(report: str, source: str, force: bool) -> None:
    """Raise if the report cannot be written, or would be written into the source."""
    folder = os.path.dirname(report)
    if not os.path.basename(report):
        raise ValueError(f"--report must name a file, got {report!r}.")
    if folder and not os.path.isdir(folder):
        raise FileNotFoundError(f"{report}: the folder {folder} does not exist. Create it first.")
    # Neither the path itself nor the target of a link there may lie in the source.
    if relation := where_they_meet(source, report):
        raise ValueError(f"{report} {relation}, which is only read. Name another place.")
    _check_replaceable(report, force)


def _check_replaceable(path: str | os.PathLike[str], replace: bool) -> None:
    """Check that nothing exists at a path, or only a file that may be replaced.

    Raises
    ------
    FileExistsError, ValueError
        Saying what exists there.
    """
    if os.path.islink(path):
        raise ValueError(
            f"{os.fspath(path)} is a link, and links are not followed for writing. Name a file."
        )
    if not os.path.lexists(path):
        return
    if not os.path.isfile(path):
        raise ValueError(f"{os.fspath(path)} exists and is not a file. Name another one.")
    if not replace:
        raise FileExistsError(
            f"{os.fspath(path)} exists already. Name another file, or replace it with --force."
        )


def write_report(
    comparison: ResamplerComparison,
    path: str | os.PathLike[str],
    paths: NDArray[Any],
    labels: NDArray[Any],
    *,
    title: str = "",
    families: str = "",
    replace: bool = False,
) -> None:
    """Write the report as one self-contained HTML file, whole or not at all; needs matplotlib.

    Parameters
    ----------
    comparison : ResamplerComparison
        The results.
    path : path
        File to write.
    paths : ndarray of shape (n,)
        The photos, some of which are shown.
    labels : ndarray of shape (n,)
        Their classes.
    title : str, default=""
        Title of the page, such as the name of the folder.
    families : str, default=""
        HTML of synthetic images beside their parents, see :func:`show_families`.
    replace : bool, default=False
        Whether to replace an existing file. Links and folders are never replaced.

    Raises
    ------
    FileExistsError, ValueError
        If something exists there that must not be replaced.
    OSError
        If writing fails, e.g. on a full disk; nothing is left behind, and an existing file is
        unchanged.
    """
    _check_replaceable(path, replace)
    figures = "".join(
        f'<h2>{escape(caption)}</h2><div class="chart" tabindex="0" role="region" '
        f'aria-label="{escape(caption)}">{_img(picture, caption)}</div>'
        for caption, picture in _charts(comparison)
    )
    name = escape(f"Does resampling help? {title}".strip())
    page = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{name}</title>'
        f"<style>{STYLE}</style></head><body><h1>{name}</h1>"
        f"{as_html(comparison)}{families}{figures}{_photos(paths, labels)}"
        f"<h2>How to read this</h2><p>{escape(READING)}</p></body></html>\n"
    )
    _check_replaceable(path, replace)  # once more: a file may have appeared while charts were drawn
    with written_whole(path) as file:
        # Names of files, and so of classes, may hold bytes that are no text.
        file.write(page.encode("utf-8", "backslashreplace"))


def _charts(comparison: ResamplerComparison) -> list[tuple[str, bytes]]:
    """Return caption and PNG of each chart; charts without data are left out."""
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
    """Return a function that draws a display of the most interesting candidates into an Axes."""
    if kind is ComparisonDisplay:
        return lambda ax: kind.from_comparison(comparison, ax=ax)
    known = comparison.reliability if kind is ReliabilityDisplay else comparison.recall
    names = [name for name in of_interest(comparison, len(COLOURS)) if name in known]
    return lambda ax: kind.from_comparison(comparison, names or None, ax=ax)


def _img(picture: bytes, alt: str, kind: str = "png", more: str = "") -> str:
    """Return an HTML image that contains its own bytes."""
    encoded = base64.b64encode(picture).decode("ascii")
    return f'<img alt="{escape(alt)}" src="data:image/{kind};base64,{encoded}"{more}>'


def _photo(pixels: NDArray[Any], alt: str, more: str = "") -> str:
    """Return pixels as an HTML image in JPEG."""
    picture = io.BytesIO()
    Image.fromarray(pixels).save(picture, "JPEG", quality=85)
    return _img(picture.getvalue(), alt, "jpeg", more)


def _photos(paths: NDArray[Any], labels: NDArray[Any]) -> str:
    """Return HTML of some photos of each of the smallest classes."""
    names, counts = np.unique(labels, return_counts=True)
    lines = ["<h2>Photos of the smallest classes</h2>"]
    for which in np.argsort(counts, kind="stable")[:CLASSES]:
        name = shown(str(names[which]))
        lines += [f'<h3>{escape(name)}: {counts[which]}</h3><div class="photos">']
        for path in paths[labels == names[which]][:COLUMNS]:
            lines += [_photo(read_image(path, size=(CELL, CELL), mode="RGB"), f"photo of {name}")]
        lines += ["</div>"]
    return "".join(lines)


def show_families(
    comparison: ResamplerComparison,
    samplers: Mapping[str, Any],
    X: NDArray[Any],
    paths: NDArray[Any],
    labels: NDArray[Any],
    seed: int,
) -> str:
    """Return HTML of synthetic images of some candidates, beside the photos they are drawn from.

    Parameters
    ----------
    comparison : ResamplerComparison
        The recommended candidate comes first, then those with the highest scores.
    samplers : mapping of str to sampler
        Name of a candidate -> its sampler; samplers that make no images are skipped.
    X : ndarray of shape (n, H, W, 3)
        Thumbnails, among which parents are chosen.
    paths : ndarray of shape (n,)
        The photos, from which the images shown are drawn, larger than in the comparison.
    labels : ndarray of shape (n,)
        Their classes; the smallest ones are shown.
    seed : int
        Seed of samplers without one.

    Returns
    -------
    html : str
        Empty if no candidate makes images.
    """
    reader = partial(read_image, size=(SIDE, SIDE), mode="RGB")
    photos = FileImages(paths, rows=np.empty(0, dtype=np.intp), reader=reader)
    ranked = sorted(comparison.names, key=lambda name: -comparison.scores[name].mean())
    parts: list[str] = []
    names = list(dict.fromkeys([comparison.recommended, *ranked]))
    alike = [name for name in names if name in ("many", "pair")]  # the same images: shown once
    for name in names:
        sampler = recipes.many() if name in alike[:1] else samplers.get(name)
        if len(parts) == DRAWERS or not _makes_images(sampler):
            continue
        sampler = seeded(sampler, seed)
        with warnings.catch_warnings():  # the comparison has reported them
            warnings.simplefilter("ignore")
            try:
                sampler.fit_resample(X, labels)
            except ValueError:  # it may fail on all photos although it did not in the folds
                continue
        if len(rows := _of_small_classes(sampler.plan_)):
            figures = "".join(_family(sampler.plan_, int(row), photos) for row in rows)
            parts += [f'<h3>{escape(shown(name))}</h3><div class="families">{figures}</div>']
    if not parts:
        return ""
    return (
        "<h2>Synthetic images, beside their parents</h2><p>From the smallest classes. The framed "
        "image is synthetic, the others are your photos, larger than the classifier saw them. "
        "Would you give it the same label?</p>" + "".join(parts)
    )


def _makes_images(sampler: Any) -> bool:
    """Return whether a sampler may make images: it, or one of its steps, has an `output_dir`."""
    if not hasattr(sampler, "fit_resample"):
        return False
    return any(key.rpartition("__")[2] == "output_dir" for key in sampler.get_params())


def _of_small_classes(plan: ResamplingPlan) -> NDArray[np.intp]:
    """Return a synthetic row of each of the smallest classes."""
    names, counts = np.unique(plan.y[plan.kind == "original"], return_counts=True)
    rows = [spread_synthetic(plan, names[at], 1) for at in np.argsort(counts, kind="stable")]
    drawn = [row[0] for row in rows if len(row) and plan.synthetic[row[0]]]
    return np.array(drawn[:FAMILIES], dtype=np.intp)


def _family(plan: ResamplingPlan, row: int, photos: FileImages) -> str:
    """Return HTML of one synthetic image after its parents, with a caption that explains it."""
    names = [os.path.splitext(os.path.basename(path))[0] for path in photos.paths]
    (base, _), *partners = plan.sources(row)
    partners.sort(key=lambda partner: -abs(partner[1]))
    parents = [base, *(at for at, _ in partners[:PARENTS])]
    pixels = np.empty((len(parents), SIDE, SIDE, 3), dtype=np.uint8)
    photos.read(np.array(parents), pixels)
    label = shown(str(plan.y[row]))
    images = [_photo(each, f"parent {names[at]}") for at, each in zip(parents, pixels, strict=True)]
    drawn = _photo(render(plan[row], photos)[0], f"synthetic {label}", ' class="drawn"')
    recipe = plan.explain(row, names).partition(" = ")[2]
    return (
        f'<figure><div class="family">{"".join(images)}<span>&rarr;</span>{drawn}</div>'
        f"<figcaption><b>{escape(label)}</b> = {escape(shown(recipe, 300))}</figcaption></figure>"
    )
