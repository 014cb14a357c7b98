"""Inspecting: report what class folders hold before anything is done with them."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images import recipes
from imblearn_images._docstrings import substitute
from imblearn_images.core.duplicates import has_imagehash
from imblearn_images.core.gap import TOLD, synthesis_gap
from imblearn_images.core.text import align, counted, html_lines, html_table, shown
from imblearn_images.folders._layout import endings_text
from imblearn_images.folders._source import Source, read_source
from imblearn_images.folders._splitting import group_near
from imblearn_images.preprocessing import ReadImages

__all__ = ["InspectReport", "inspect_folder"]

NEIGHBORS = 5  # SMOTE's default
FEW = 10  # images of a class: a fifth of fewer is one or two, too few to measure anything on
NO_HASH = "near-duplicates were not looked for: ImageHash is not installed (pip install imagehash)"
TRIED = 10  # images that a class needs for the recipes to be tried on it
SAMPLE, CLASSES, SIDE = 40, 6, 64  # images per class, number of classes, pixels per side in a trial
RATIO = 3.0  # largest class / smallest class from which a trial of resampling is worth its time


@dataclass(frozen=True)
class InspectReport:
    """What class folders hold, and which classes need treatment; ``print`` shows it.

    Read more in the :ref:`User Guide <photo-folders>`.
    """

    source: str
    classes: list[dict[str, Any]]
    """For each class: label, images, share, ratio (size of the largest class divided by its own,
    None without an image), sizes, modes, broken, other_files (number of files that are not images,
    by suffix), advice."""
    n_images: int
    ratio: float
    """Largest class / smallest class that has an image."""
    broken: dict[str, str]
    """Each file that cannot be used, and why."""
    duplicates: list[list[str]]
    """Groups of files with equal content."""
    near_duplicates: list[list[str]] | None
    """Groups of photos that look nearly alike; None where they were not looked for."""
    notes: list[str]
    other_files: dict[str, int] = field(default_factory=dict)
    """Number of files that lie in no class folder, by suffix."""
    gaps: dict[str, float] = field(default_factory=dict)
    """For each recipe tried on the rare classes, the ROC AUC with which a linear model separates
    its images from real ones, on a sample of small copies; empty where none was tried."""

    def to_json(self) -> str:
        """Return everything as one JSON object in ASCII."""
        return json.dumps(asdict(self))

    def __repr__(self) -> str:
        broken = f", {len(self.broken)} broken" if self.broken else ""
        return f"InspectReport({self.source!r}: {self._headline()}{broken})"

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return html_table(*self._table()) + html_lines(self._remarks())

    def to_text(self, width: int | None = None) -> str:
        """Return the table and the notes, the table not wider than `width` columns."""
        return "\n".join([align(*self._table(), width=width), *self._remarks()])

    def _headline(self) -> str:
        n, classes = counted(self.n_images, "image"), counted(len(self.classes), "class")
        return f"{n}, {classes}, ratio {self.ratio:.1f}"

    def _table(self) -> tuple[list[str], list[list[Any]]]:
        columns = ["class", "images", "share", "ratio", "height x width", "modes", "broken"]
        if has_others := any(c["other_files"] for c in self.classes):
            columns.append("other files")
        return columns, [
            [
                shown(c["label"]),
                c["images"],
                f"{c['share']:.1%}",
                "-" if c["ratio"] is None else f"{c['ratio']:.1f}",
                c["sizes"],
                " ".join(f"{mode}:{n}" for mode, n in c["modes"].items()),
                c["broken"],
                *([endings_text(c["other_files"])] if has_others else []),
            ]
            for c in self.classes
        ]

    def _remarks(self) -> list[str]:
        lines = [self._headline()]
        if self.ratio >= RATIO:
            lines.append("does resampling help here? imblearn-images compare measures it")
        lines += [f"{shown(c['label'])}: {why}" for c in self.classes for why in c["advice"]]
        lines += [f"broken: {shown(path, 200)}: {why}" for path, why in self.broken.items()]
        for what, groups in (("equal", self.duplicates), ("near-duplicate", self.near_duplicates)):
            if groups is not None:
                n = sum(map(len, groups))
                lines.append(f"{what} files: {n} in {counted(len(groups), 'group')}")
                lines += [f"  {', '.join(shown(path, 60) for path in g[:4])}" for g in groups[:5]]
        return [*lines, *(f"note: {shown(note, 400)}" for note in self.notes)]


@substitute
def inspect_folder(
    source: str | os.PathLike[str],
    *,
    near: bool | None = None,
    classes: Sequence[str] | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> InspectReport:
    """Report what class folders hold: every file is decoded, nothing is written.

    Read more in the :ref:`User Guide <photo-folders>`.

    Parameters
    ----------
    source : str or path-like
        Folder with class folders.
    near : bool, default=None
        Whether to look for near-duplicates with a perceptual hash. None: if the
        package ImageHash is installed.
    {class_folders}
    {n_jobs}
    {progress}

    Returns
    -------
    InspectReport
        A class gets advice if it has fewer than 10 images, or not enough training images for
        SMOTE's five neighbours. A class without a file that can be used is reported with 0
        images. Where the largest class has three times the images of the smallest, the report
        says how to find out whether resampling helps, and the recipes "mild" and "transfer" are
        tried on a sample: a note warns if a linear model of HOG features can separate their
        images from real ones (:func:`~imblearn_images.model_selection.synthesis_gap`).

    Raises
    ------
    ValueError, FileNotFoundError
        If there is no class folder, or the folders are not classes, as for
        :func:`load_image_folder`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from imblearn_images.core.files import write_image
    >>> photos = Path(tempfile.mkdtemp())
    >>> for row in range(20):
    ...     name = photos / ("kiwi", "lime")[row % 5 == 0] / f"{row}.png"
    ...     name.parent.mkdir(exist_ok=True)
    ...     write_image(name, np.full((4, 4), row, dtype=np.uint8))
    >>> report = inspect_folder(photos, near=False)
    >>> report.ratio, report.classes[1]["images"]
    (4.0, 4)
    >>> print(report.classes[1]["advice"][0])
    4 images: at a validation share of 0.2, SMOTE (5 neighbours) has 3 to train on and needs 6
    """
    # Whoever asks for near=True gets an error without the package; by default it is a note.
    is_missing = near is None and not has_imagehash()
    if near is None:
        near = not is_missing
    kept = read_source(
        source,
        on_error="skip",
        classes=classes,
        allow_empty=True,
        hash_pixels=near,
        n_jobs=n_jobs,
        verbose=verbose,
    )
    counts = dict.fromkeys(kept.classes, 0) | Counter(kept.labels)
    labels = np.array(kept.labels, dtype=object)
    broken = Counter(label for label, _ in kept.broken)
    largest = max(counts.values())
    smallest = min((n for n in counts.values() if n), default=1)
    table: list[dict[str, Any]] = []
    for label, n in sorted(counts.items()):
        rows = np.flatnonzero(labels == label)
        table.append(
            {
                "label": label,
                "images": n,
                "share": n / max(1, len(kept.labels)),
                "ratio": largest / n if n else None,
                "sizes": _range(kept.records.sizes[rows]),
                "modes": dict(
                    Counter(kept.records[row].mode for row in rows.tolist()).most_common()
                ),
                "broken": broken[label],
                "other_files": kept.other_files.get(label, {}),
                "advice": _advice(n),
            }
        )
    ratio = largest / smallest
    gaps = _gaps(kept, labels, counts) if ratio >= RATIO else {}
    return InspectReport(
        source=kept.root,
        classes=table,
        n_images=len(kept.labels),
        ratio=ratio,
        broken={kept.relative(record.path): record.error for _, record in kept.broken},
        duplicates=_members(kept, kept.first_equals()),
        near_duplicates=_members(kept, np.asarray(group_near(kept))) if near else None,
        notes=kept.notes + ([NO_HASH] if is_missing else []) + _warnings(gaps),
        gaps=gaps,
        other_files=kept.other_files.get("", {}),
    )


def _gaps(kept: Source, labels: NDArray[Any], counts: dict[str, int]) -> dict[str, float]:
    """Return the AUC of each recipe, tried on small copies of some images of the rare classes."""
    # The largest class stands for the majority; beside it, at most CLASSES of the rarest.
    known = sorted((n, label) for label, n in counts.items() if n >= TRIED)
    if len(known) < 2:
        return {}
    # Not a parameter: two reports on the same folder must not differ.
    rng = np.random.RandomState(0)
    (_, largest), rare = known[-1], [label for _, label in known[:CLASSES][: len(known) - 1]]
    members = [rng.permutation(np.flatnonzero(labels == label)) for label in [largest, *rare]]
    rows = np.concatenate([each[: (2 if k == 0 else 1) * SAMPLE] for k, each in enumerate(members)])
    paths = np.array([kept.paths[row] for row in rows.tolist()])
    try:
        images = ReadImages(size=(SIDE, SIDE), mode="RGB").transform(paths)
    except ValueError:  # such as floats outside of 0..1, which no 8-bit mode holds
        return {}
    some = labels[rows].astype(str)
    doubled = {label: 2 * int(np.count_nonzero(some == label)) for label in rare}
    found = {}
    for recipe in (recipes.mild, recipes.transfer):
        # As many synthetic images as real ones, so that the linear model cannot win by the larger
        # class.
        sampler = recipe(sampling_strategy=doubled, random_state=0)
        sampler.fit_resample(images, some)
        auc = synthesis_gap(sampler, images).auc
        if np.isfinite(auc):
            found[recipe.__name__] = round(auc, 3)
    return found


def _warnings(gaps: dict[str, float]) -> list[str]:
    """Return a note that names the recipes whose images can be separated from real ones."""
    separable = [f"{name} (AUC {auc:.2f})" for name, auc in gaps.items() if auc >= TOLD]
    if not separable:
        return []
    note = (
        "on a sample, a linear model of HOG features can separate real images from those that "
        f"{' and '.join(separable)} would draw of rare classes: it may learn that what looks "
        "synthetic is rare. Networks gain all the same; with a linear model correct the class "
        "priors (prior_correction), or draw pictures of all classes (many, pair), and let "
        "imblearn-images compare measure it"
    )
    return [note]


def _advice(n: int) -> list[str]:
    """Return what to consider about a class of `n` images."""
    if not n:
        return ["no image can be used: add some, or remove the folder"]
    advice = []
    train = n - max(1, round(0.2 * n))
    if train <= NEIGHBORS:
        advice.append(
            f"{counted(n, 'image')}: at a validation share of 0.2, SMOTE ({NEIGHBORS} neighbours) "
            f"has {train} to train on and needs {NEIGHBORS + 1}"
        )
    if n < FEW:
        advice.append(f"{counted(n, 'image')}: too few to measure anything on; collect more")
    return advice


def _range(sizes: NDArray[np.int32]) -> str:
    """Format the range of heights and widths, shape (n, 2), as "480-600 x 640"."""
    if not len(sizes):
        return "-"
    (h0, w0), (h1, w1) = sizes.min(axis=0).tolist(), sizes.max(axis=0).tolist()
    return f"{h0} x {w0}" if (h0, w0) == (h1, w1) else f"{h0}-{h1} x {w0}-{w1}"


def _members(kept: Source, numbers: NDArray[np.intp]) -> list[list[str]]:
    """Return the groups of files that share a number, ordered by their first file."""
    if not len(numbers):
        return []
    shared = np.bincount(numbers)[numbers] > 1
    groups: dict[int, list[str]] = {}
    for row in np.flatnonzero(shared).tolist():
        groups.setdefault(int(numbers[row]), []).append(kept.relative(kept.paths[row]))
    return list(groups.values())
