"""Balancing on disk: a data set with boxes becomes a split, resampled and traceable one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import imblearn_images.annotations._files as store
from imblearn_images._docstrings import substitute
from imblearn_images.annotations._splitting import split_annotations
from imblearn_images.core.annotations import Annotations, as_objects
from imblearn_images.core.carrying import OUT_OF_VIEW
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rules import rule_told
from imblearn_images.core.text import align, counted, printable, shown
from imblearn_images.core.writing import DrawLater
from imblearn_images.over_sampling import LabelOverSampler

__all__ = [
    "BalanceReport",
    "CheckReport",
    "balance_annotations",
    "convert_annotations",
    "verify_annotations",
]


@dataclass(frozen=True)
class BalanceReport:
    """What was written to a folder, or would be; ``print`` shows the table.

    Read more in the :ref:`User Guide <boxes-and-labels>`.
    """

    output: str
    format: str
    n_train: int
    """Number of training images."""
    n_valid: int
    n_test: int
    n_synthetic: int
    """Number of training images that are synthetic."""
    classes: list[tuple[str, int, int, int, int, int]]
    """For each class its label, then numbers of objects: for validation, for training before,
    wanted, for training afterwards, and the most that repeats could reach."""
    dropped: list[str] = field(default_factory=list)
    """Objects that were left out, and why."""
    dry_run: bool = False
    n_unsplit: int = 0
    """Number of images in no part of the split that the source has; they are written as they
    are."""

    def to_dict(self) -> dict[str, Any]:
        """Return everything as dicts, lists, numbers and text."""
        return asdict(self)

    def to_json(self) -> str:
        """Return everything as one JSON object in ASCII."""
        return json.dumps(self.to_dict())

    def __str__(self) -> str:
        return self.to_text()

    def to_text(self, width: int | None = None) -> str:
        """Return the table, not wider than `width` columns."""
        columns = ["class", "valid", "train", "wanted", "resampled", "most possible"]
        table = align(columns, [[shown(c[0]), *c[1:]] for c in self.classes], width=width)
        held = f"{self.n_valid} validate" + (f", {self.n_test} test" if self.n_test else "")
        lines = [
            table,
            f"{counted(self.n_train, 'image')} train, {self.n_synthetic} of them synthetic; {held}",
        ]
        if self.n_unsplit:
            lines.append(
                f"{counted(self.n_unsplit, 'image, is')} in no part of the split: "
                "neither balanced nor counted above"
            )
        # Objects that a crop or paste leaves out of view are no loss: their own images show them.
        others = [each for each in self.dropped if not each.endswith(OUT_OF_VIEW)]
        if away := len(self.dropped) - len(others):
            lines.append(f"{counted(away, 'object')} of parents out of view in synthetic images")
        if others:
            some = "; ".join(printable(each) for each in others[:3])
            lines.append(f"{counted(len(others), 'object')} left out, such as {some}")
        where = printable(self.output)
        done = "nothing was written" if self.dry_run else f"written to {where} as {self.format}"
        lines.append(done)
        return "\n".join(lines)


@substitute
def balance_annotations(
    source: str | os.PathLike[str] | Annotations,
    output: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002 - the usual name
    out_format: str | None = None,
    sampling_strategy: Any = "auto",
    max_repeats: int = 10,
    synthesis: Any = None,
    validation: float = 0.2,
    groups: Any = None,
    random_state: int | None = 0,
    on_error: str = "raise",
    resume: bool = False,
    dry_run: bool = False,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> BalanceReport:
    """Split a data set with boxes, balance its training part, and write both parts.

    Read more in the :ref:`User Guide <boxes-and-labels>`.

    Parameters
    ----------
    source : path or Annotations
        A data set that :func:`read_annotations` can read, or its result. The source is never
        written to.
    output : path
        New or empty folder.
    format, out_format : {"coco", "csv", "voc", "yolo"}, default=None
        Format of the source, by default guessed; and of the output, by default that of the source.
    sampling_strategy, max_repeats, synthesis
        As for :class:`LabelOverSampler`, which balances the objects.
    validation : float, default=0.2
        Share of the images for validation, with that share of the objects of every class; 0 for
        none. A split that the source already has is kept.
    groups : array-like of shape (n,), dict, callable or str, default=None
        Images that stay on one side; see :func:`split_annotations`.
    random_state : int, default=0
        Seed of the split, the sampler and the synthesis.
    on_error : {"raise", "skip"}, default="raise"
        See :func:`read_annotations`.
    resume : bool, default=False
        Continue an interrupted run; the result is the same, byte for byte.
    dry_run : bool, default=False
        Only report what would be written.
    {n_jobs}
    {progress}

    Returns
    -------
    report : BalanceReport

    Raises
    ------
    ValueError, OSError
        As :func:`read_annotations` and :func:`write_annotations`.

    Notes
    -----
    ``manifest.json`` records for every image what it was made from and which of its objects were
    left out and why, and the hash of every file; :func:`verify_annotations` checks them.

    Examples
    --------
    >>> import tempfile
    >>> from imblearn_images.annotations import Annotations, write_annotations
    >>> boxes, labels = [[[4, 4, 20, 20]]] * 12, [["red"]] * 9 + [["white"]] * 3
    >>> cells = Annotations.of(boxes, labels, sizes=(48, 64))
    >>> folder = tempfile.mkdtemp()
    >>> photos = np.zeros((12, 48, 64), dtype=np.uint8)
    >>> _ = write_annotations(cells, f"{folder}/cells", format="voc", images=photos)
    >>> report = balance_annotations(f"{folder}/cells", f"{folder}/balanced", out_format="yolo")
    >>> report.n_valid, report.n_train
    (3, 14)
    >>> [(label, before, after) for label, _, before, _, after, _ in report.classes]
    [('red', 7, 7), ('white', 2, 7)]
    """
    if isinstance(source, Annotations):
        annotations, known = source, "coco"
    else:
        annotations, known = store.read_with_format(
            source, format, on_error=on_error, n_jobs=n_jobs, verbose=verbose
        )
    if annotations.paths is None:
        raise ValueError(
            "`source` must be annotations of image files, got annotations without paths. Write the "
            "images with write_annotations first."
        )
    _check_not_within(annotations, output, source)
    has_split = "split" in annotations.image_columns
    if groups is not None and (has_split or not validation):
        why = "the source has a split" if has_split else "`validation` is 0"
        raise ValueError(
            f"`groups` must be left out where nothing is split, got {groups!r:.60}: {why}."
        )
    if validation and not has_split:
        annotations = split_annotations(
            annotations, validation, groups=groups, random_state=random_state
        )
    split = annotations.image_columns.get("split")
    if split is not None and "train" not in split.tolist():
        # Only the others are listed: what is left is for training.
        split = as_objects(part or "train" for part in split)
        columns = {**annotations.image_columns, "split": split}
        annotations = replace(annotations, image_columns=columns)
    is_train = np.array(
        [True] * len(annotations) if split is None else [s == "train" for s in split]
    )
    train, others = annotations[is_train], annotations[~is_train]
    # Decided now, drawn while the files are written: never are all synthetic images in memory.
    later = DrawLater(output)
    sampler = LabelOverSampler(
        sampling_strategy,
        max_repeats=max_repeats,
        synthesis=synthesis,
        random_state=random_state,
        output_dir=later,
        n_jobs=n_jobs,
    )
    _, resampled = sampler.fit_resample(train.paths, train)
    plan = sampler.plan_
    drawn = plan.synthetic
    n_valid, n_test = (
        0 if split is None else sum(s == part for s in split) for part in ("val", "test")
    )
    report = BalanceReport(
        os.fspath(output),
        out_format or known,
        len(plan),
        n_valid,
        n_test,
        int(drawn.sum()),
        _classes(sampler, others, resampled),
        [f"{gone.source}: {gone.label}, {gone.reason}" for gone in annotations.dropped]
        + [
            f"row {gone.row} of {gone.source}: {gone.label}, {gone.reason}"
            for gone in resampled.dropped
        ],
        dry_run,
        0 if split is None else sum(not part for part in split),
    )
    if dry_run:
        return report
    whole, sources, given = _joined(others, resampled, plan, train, later)
    rows = _rows(others, resampled, plan, train)
    seed = None if random_state is None else int(random_state)
    more = {"seed": seed, "synthesis": rule_told(plan.synthesis), "rows": rows}
    store.write_set(
        whole,
        Path(output),
        out_format or known,
        sources,
        given,
        resume=resume,
        n_jobs=n_jobs,
        verbose=verbose,
        more=more,
    )
    return report


def _check_not_within(annotations: Annotations, output: Any, source: Any) -> None:
    """Raise a ValueError if the output is, or lies in, a folder with images of the source."""
    assert annotations.paths is not None
    top = Path(os.path.realpath(output))
    named = {os.path.dirname(os.fspath(path)) or "." for path in annotations.paths}
    folders = {Path(os.path.realpath(name)) for name in named}
    if folders and not isinstance(source, Annotations):
        # "images" itself, where its images are in "images/train" and "images/val"
        try:
            common = Path(os.path.commonpath(folders))
        except ValueError:  # two drives of Windows
            common = Path()
        if Path(os.path.realpath(source)) in (common, *common.parents):
            folders.add(common)
    if not folders.isdisjoint((top, *top.parents)):
        raise ValueError(
            "`output` must not be a folder of the source's images, nor lie in one, got "
            f"{os.fspath(output)}. Choose a new one."
        )


def _classes(
    sampler: LabelOverSampler, others: Annotations, resampled: Annotations
) -> list[tuple[str, int, int, int, int, int]]:
    """Return the rows of the report's table; `others` are the images that are not for training."""
    split = others.image_columns.get("split")
    is_valid = (
        np.array([], dtype=bool)
        if split is None
        else np.array([s == "val" for s in split], dtype=bool)
    )
    valid = (
        others.counts()[is_valid].sum(axis=0)
        if len(is_valid)
        else np.zeros(len(others.classes), int)
    )
    now = resampled.counts().sum(axis=0)
    return [
        (str(label), int(valid[at]), before, wanted, int(now[at]), possible)
        for at, (label, before, wanted, _, possible) in enumerate(sampler.reach_)
    ]


def _joined(
    others: Annotations,
    resampled: Annotations,
    plan: ResamplingPlan,
    train: Annotations,
    later: DrawLater,
) -> tuple[Annotations, list[store.Source], list[str]]:
    """Return all annotations to write, validation first, with the source and name of each image."""
    assert others.paths is not None and train.paths is not None
    sources: list[store.Source] = [os.fspath(path) for path in others.paths]
    given = [os.path.basename(str(source)) for source in sources]
    for row, base in enumerate(plan.first_base.tolist()):
        path = os.fspath(train.paths[base])
        name = os.path.basename(path)
        draw: Callable[[], NDArray[Any]] | None = None
        if plan.synthetic[row]:
            draw = partial(later.draw, row)
            name = os.path.splitext(name)[0] + later.suffix
        sources.append(path if draw is None else draw)
        given.append(name)
    columns = dict(others.image_columns)
    for name, column in columns.items():
        columns[name] = np.concatenate([column, resampled.image_columns[name]])
    parts: dict[str, Any] = {
        name: np.concatenate([getattr(others, name), getattr(resampled, name)])
        for name in ("boxes", "codes", "sizes", "polygons", "keypoints", "masks")
        if getattr(others, name) is not None
    }
    whole = replace(
        others,
        **parts,
        offsets=np.concatenate([others.offsets, others.offsets[-1] + resampled.offsets[1:]]),
        paths=as_objects(given),
        columns={k: np.concatenate([c, resampled.columns[k]]) for k, c in others.columns.items()},
        image_columns=columns,
        dropped=resampled.dropped,
    )
    return whole, sources, given


def _rows(
    others: Annotations, resampled: Annotations, plan: ResamplingPlan, train: Annotations
) -> list[dict[str, Any]]:
    """Return the manifest's entry for every image, in the order of writing."""
    assert others.paths is not None and train.paths is not None
    rows: list[dict[str, Any]] = [
        {"kind": "original", "sources": [str(path)], "boxes": len(others.boxes_of(row))}
        for row, path in enumerate(others.paths)
    ]
    names = [str(path) for path in train.paths]
    dropped: dict[int, list[list[Any]]] = {}
    for gone in resampled.dropped:
        dropped.setdefault(gone.row, []).append([gone.source, gone.box, gone.label, gone.reason])
    kinds = plan.kind
    for row in range(len(plan)):
        one: dict[str, Any] = {
            "kind": str(kinds[row]),
            "sources": list(dict.fromkeys(names[at] for at, _ in plan.sources(row))),
            "boxes": len(resampled.boxes_of(row)),
        }
        if plan.synthetic[row]:
            one["drawn"] = plan.explain(row, names).partition(" = ")[2]
            one["dropped"] = dropped.get(row, [])
            if plan.seeds is not None:
                # As text: other readers of JSON round integers of more than 53 bits.
                one["seed"] = str(plan.seeds[row])
        rows.append(one)
    return rows


@substitute
def convert_annotations(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002
    out_format: str,
    link: bool = False,
    on_error: str = "raise",
    resume: bool = False,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Annotations:
    """Convert a data set to another format, and write a manifest.

    Read more in the :ref:`User Guide <boxes-and-labels>`.

    Parameters
    ----------
    source, format, on_error
        As for :func:`read_annotations`.
    output, resume
        As for :func:`write_annotations`.
    out_format : {"coco", "csv", "voc", "yolo"}
        Format of the output.
    link : bool, default=False
        Make hard links to the images instead of copies.
    {n_jobs}
    {progress}

    Returns
    -------
    annotations : Annotations
        The annotations as they were read.

    Raises
    ------
    ValueError, OSError
        As :func:`read_annotations` and :func:`write_annotations`.

    Examples
    --------
    >>> import tempfile
    >>> from imblearn_images.annotations import Annotations, write_annotations
    >>> cells = Annotations.of([[[4, 4, 20, 20]]], [["red"]], sizes=(48, 64))
    >>> folder = tempfile.mkdtemp()
    >>> photos = np.zeros((1, 48, 64), dtype=np.uint8)
    >>> _ = write_annotations(cells, f"{folder}/voc", format="voc", images=photos)
    >>> convert_annotations(f"{folder}/voc", f"{folder}/coco", out_format="coco")
    Annotations(1 image, 1 box: red 1)
    >>> print(verify_annotations(f"{folder}/coco", source=f"{folder}/voc"))
    2 files as the manifest says, 1 copy equal to the source
    """
    found = store.read_annotations(
        source, format=format, on_error=on_error, n_jobs=n_jobs, verbose=verbose
    )
    assert found.paths is not None
    paths: list[store.Source] = [os.fspath(path) for path in found.paths]
    rows = [
        {"kind": "original", "sources": [path], "boxes": len(found.boxes_of(row))}
        for row, path in enumerate(paths)
    ]
    _check_not_within(found, output, source)
    store.write_set(
        found,
        Path(output),
        out_format,
        paths,
        [os.path.basename(str(path)) for path in paths],
        link=link,
        resume=resume,
        n_jobs=n_jobs,
        verbose=verbose,
        more={"rows": rows},
    )
    return found


@dataclass(frozen=True)
class CheckReport:
    """What a folder's files differ in from its manifest; true if in nothing.

    Read more in the :ref:`User Guide <boxes-and-labels>`.
    """

    n_files: int
    """Number of files in the folder."""
    n_compared: int
    """Number of copies that were compared with their sources."""
    problems: list[str]
    """A sentence on each difference."""

    def __bool__(self) -> bool:
        return not self.problems

    def __str__(self) -> str:
        if self:
            compared = (
                f", {counted(self.n_compared, 'copy')} equal to the source"
                if self.n_compared
                else ""
            )
            return f"{counted(self.n_files, 'file')} as the manifest says{compared}"
        lines = [f"  {printable(problem)}" for problem in self.problems[:20]]
        more = [f"  and {len(self.problems) - 20} more"] if len(self.problems) > 20 else []
        return "\n".join([f"{counted(len(self.problems), 'problem')}:", *lines, *more])

    def to_json(self) -> str:
        """Return everything as one JSON object in ASCII."""
        return json.dumps({**asdict(self), "ok": bool(self)})


@substitute
def verify_annotations(
    output: str | os.PathLike[str],
    *,
    source: str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> CheckReport:
    """Check a folder that was written with a manifest against that manifest.

    Read more in the :ref:`User Guide <boxes-and-labels>`.

    Parameters
    ----------
    output : path
        Folder that :func:`balance_annotations` or :func:`convert_annotations` wrote.
    source : path, default=None
        Also compare copies with the files they were made from, below that folder.
    {n_jobs}
    {progress}

    Returns
    -------
    report : CheckReport
        True if everything is as it was written, and every box lies within its image.

    Raises
    ------
    ValueError
        If there is no manifest of annotations, or it is damaged.
    """
    top = Path(output)
    try:
        content = json.loads((top / store.MANIFEST).read_text(encoding="utf-8"))
        files, images, rows = content["files"], content["images"], content["rows"]
        known = {"annotations": content["format"]}[content["kind"]]
        if known not in store.FORMATS:
            raise ValueError(f"`format` must be one of {store.FORMATS}, got {known!r}.")
        files = dict(files)
        rows = [
            (str(image), row["boxes"], row["kind"], str(row["sources"][0]))
            for image, row in zip(images, rows, strict=True)
        ]
    except FileNotFoundError:
        raise ValueError(
            f"{printable(top)} has no {store.MANIFEST} of annotations. Pass a folder that "
            "balance_annotations or convert_annotations wrote."
        ) from None
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(
            f"{printable(top / store.MANIFEST)} is damaged: {error!r:.60}. Write the folder again."
        ) from error
    found = store.hashes_of(top, n_jobs=n_jobs, verbose=verbose)
    problems = [f"{name} is missing" for name in files if name not in found]
    problems += [f"{name} is not in the manifest" for name in found if name not in files]
    problems += [f"{n} has changed" for n, h in found.items() if files.get(n, h) != h]
    n_compared = 0
    # What has changed is reported already; reading it would only add a second message.
    if not problems:
        annotations = store.read_annotations(top, format=known, n_jobs=n_jobs, verbose=verbose)
        assert annotations.paths is not None
        n_boxes = {
            os.path.basename(p): len(annotations.boxes_of(r))
            for r, p in enumerate(annotations.paths)
        }
        for image, n, kind, name in rows:
            if n_boxes.get(os.path.basename(image)) != n:
                problems.append(f"{image} has another number of boxes than the {n} of the manifest")
            if source is not None and kind != "synthetic":
                original = _in_source(name, Path(source))
                n_compared += 1
                if original is None:
                    problems.append(f"{name}, the source of {image}, is missing")
                elif original.read_bytes() != (top / image).read_bytes():
                    problems.append(f"{image} differs from {original}")
    return CheckReport(len(found), n_compared, problems)


def _in_source(name: str, source: Path) -> Path | None:
    """Return a source file, at its recorded path or below `source`; None if it is not there."""
    parts = Path(name).parts
    # Recorded on another machine, perhaps: the longest end of the path that is there counts.
    for at in range(len(parts)):
        if (path := source.joinpath(*parts[at:])).is_file():
            return path
    return None
