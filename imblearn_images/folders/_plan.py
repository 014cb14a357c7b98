"""The plan of a folder: what a data set will hold, decided before anything is drawn."""

from __future__ import annotations

import hashlib
import os
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.under_sampling.base import BaseCleaningSampler
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from imblearn_images._sampler import ImageSamplerMixin
from imblearn_images.combine import SMOTEENN, SMOTETomek
from imblearn_images.core.files import (
    SUFFIXES,
    describe,
    frames_told,
    mode_of_array,
    read_image,
    write_image,
)
from imblearn_images.core.parallel import in_threads
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.planning import check_class_sizes
from imblearn_images.core.writing import DrawLater
from imblearn_images.folders._form import Form
from imblearn_images.folders._labels import encode_label
from imblearn_images.folders._manifest import Row
from imblearn_images.folders._records import Source
from imblearn_images.folders._report import FolderReport, count_classes
from imblearn_images.folders._source import FolderSplit
from imblearn_images.folders._store import OutputFolder, name_file
from imblearn_images.image_sampler import ImageSampler, instead_of
from imblearn_images.over_sampling import RandomOverSampler


def with_seed(sampler: Any, random_state: int, n_jobs: int | None) -> tuple[Any, int | None]:
    """Return a clone of the sampler that draws the same in every run, and its seed."""
    if isinstance(random_state, bool) or not isinstance(random_state, (int, np.integer)):
        raise ValueError(
            f"`random_state` must be an integer, so that a run can resume, got {random_state!r}."
        )
    if not 0 <= random_state < 1 << 32:
        raise ValueError(f"`random_state` must be from 0 to {(1 << 32) - 1}, got {random_state}.")
    if sampler is None:
        return None, None
    if isinstance(sampler, Pipeline):
        raise TypeError(
            "`sampler` is a Pipeline, which leaves no plan of what a file is made of; pass one "
            "sampler. For two, balance twice: the folder train of the first output is the source "
            "of the second, with validation=0."
        )
    if not isinstance(sampler, ImageSamplerMixin):
        raise TypeError(
            f"`sampler` must be a sampler of imblearn_images, which leaves a plan of what a file "
            f"is made of, or ImageSampler around another, got {sampler!r}.{instead_of(sampler)}"
        )
    sampler = clone(sampler)
    parameters = sampler.get_params(deep=False)
    if "n_jobs" in parameters and parameters["n_jobs"] is None:
        sampler.set_params(n_jobs=n_jobs)
    seeds = {
        name: random_state if value is None else value
        for name, value in sampler.get_params().items()
        if name.rpartition("__")[2] == "random_state"  # of what is inside it, too
    }
    for name, seed in seeds.items():
        if not isinstance(seed, (int, np.integer)):
            raise ValueError(
                f"`{name}` of {type(sampler).__name__} must be an integer, so that the same call "
                f"gives the same files, got {seed!r}."
            )
    sampler.set_params(**seeds)
    decides = "random_state"
    if isinstance(sampler, ImageSampler) and sampler.synthesis is None and sampler.accept is None:
        decides = "sampler__random_state"
    return sampler, int(seeds[decides]) if decides in seeds else None


def draws_images(sampler: Any) -> bool:
    """Return whether a sampler makes images that are in no file yet."""
    parameters = sampler.get_params(deep=False)
    copies = isinstance(sampler, RandomOverSampler) and sampler.synthesis in (None, "copy")
    return "output_dir" in parameters and not copies


def decide(
    sampler: Any,
    kept: Source,
    split: FolderSplit,
    train: NDArray[np.intp],
    folder: OutputFolder,
    mode: str | None,
    on_empty: str,
    n_jobs: int | None,
) -> tuple[ResamplingPlan, DrawLater]:
    """Return the plan over the training files, and what draws its synthetic rows."""
    later = DrawLater(folder.root)
    paths, y = split.paths[train], split.labels[train]
    if sampler is None:
        return ResamplingPlan.selection(np.arange(len(train)), y), later
    draws = draws_images(sampler)
    if draws and mode is not None:
        paths = _in_mode(mode, kept, train, folder, n_jobs)
    return decided(sampler, paths, y, later if draws else None, on_empty), later


def decided(
    sampler: Any, paths: NDArray[Any], y: NDArray[Any], later: DrawLater | None, on_empty: str
) -> ResamplingPlan:
    """Plan with a sampler; no class is emptied, so that all parts have the same classes.

    Parameters
    ----------
    sampler : sampler
        Will be fitted.
    paths, y : ndarray of shape (n,)
        The training files and their classes.
    later : DrawLater or None
        Where a sampler that draws images leaves the way to draw them.
    on_empty : {"raise", "keep"}
        What to do with a class that is emptied.

    Raises
    ------
    ValueError
        Naming the class that would be left without an image.
    """
    if later is not None:
        sampler.set_params(output_dir=later)
    with frames_told(), warnings.catch_warnings():  # of frames a note of the report speaks
        # of classes that are emptied: what becomes of them is said below
        warnings.filterwarnings("ignore", r"\w+ has left no image of", UserWarning)
        sampler.fit_resample(paths, y)
    plan: ResamplingPlan = sampler.plan_
    counts = Counter(y.tolist())
    if not (lost := [label for label in counts if label not in set(plan.y.tolist())]):
        return plan
    if on_empty == "raise":
        more = f", nor of {lost[1:]}" if len(lost) > 1 else ""
        others = [label for label in counts if label not in lost]
        raise ValueError(
            f"{type(sampler).__name__} would leave none of the {counts[lost[0]]} training images "
            f"of class {lost[0]!r}{more}: the training part would have fewer classes than "
            'the source. Keep the images of such a class, on_empty="keep", choose another sampler, '
            f"or take the other classes only, `classes`: {', '.join(map(repr, others[:20]))}."
        )
    rows = np.flatnonzero(np.isin(y, np.array(lost, dtype=object)))

    def longer(column: Any, values: Any) -> Any:
        if column is None:
            return None
        more = np.zeros((len(rows), *column.shape[1:]), dtype=column.dtype)
        more[...] = values
        return np.concatenate([column, more])

    return replace(
        plan,
        base=longer(plan.base, rows),
        partners=longer(plan.partners, 0),
        weights=longer(plan.weights, 0),
        y=np.concatenate([plan.y, y[rows]]),
        drawn=longer(plan.drawn, False),
        seeds=longer(plan.seeds, 0),
        tries=longer(plan.tries, 0),
        accepted=longer(plan.accepted, True),
    )


def note_on_nothing(sampler: Any, counts: Mapping[str, int]) -> list[str]:
    """Note that a sampler changes nothing, and why."""
    name = type(sampler).__name__
    if isinstance(sampler, BaseCleaningSampler):
        return [f"nothing was resampled: {name} found no image to remove"]
    asked = getattr(sampler, "sampling_strategy", "auto")
    least, most = min(counts.values()), max(counts.values())
    numbers = f"{least}" if least == most else f"{least} to {most}"
    note = (
        f"nothing was resampled: {name} with sampling_strategy={asked!r} wants no other numbers "
        f"than the {numbers} training images that each class has"
    )
    return [note]


def modes_of(kept: Source, rows: NDArray[np.intp], mode: str | None) -> list[str]:
    """Return the modes that some files are read in."""
    if mode is not None:
        return [mode] if len(rows) else []
    found = set()
    for row in rows.tolist():
        record = kept.records[row]
        found.add(mode_of_array(record.mode))
        if record.mode == "P" and describe(record.path).shape[2] == 4:  # with a transparent colour
            found.add("RGBA")
    return sorted(found)


def _in_mode(
    mode: str, kept: Source, train: NDArray[np.intp], folder: OutputFolder, n_jobs: int | None
) -> NDArray[Any]:
    """Write the files of other modes anew, in the workshop; return what the sampler reads."""
    paths = np.array(kept.paths, dtype=object)[train]

    def convert(at: int) -> None:
        record = kept.records[train[at]]
        if record.mode != mode:
            # named after its source's content: what a run before has written is as good
            target = folder.workshop / f"{mode}-{record.sha256}.png"
            if not target.exists():
                write_image(target, read_image(record.path, mode=mode))
            paths[at] = str(target)

    in_threads(convert, ((at,) for at in range(len(train))), n_jobs=n_jobs)
    return paths


SAMPLE = 8  # files that are written, in memory, to estimate what drawn ones will take


def foresee(
    sampler: Any,
    seed: int | None,
    kept: Source,
    split: FolderSplit,
    train: NDArray[np.intp],
    link: str,
    output: str,
    *,
    form: Form,
    mode: str | None,
    on_empty: str,
) -> FolderReport:
    """Report what a run would write, without drawing an image."""
    y = split.labels[train]
    counts, synthetic = Counter(y.tolist()), Counter[str]()
    before, notes = counts.copy(), list(kept.notes)
    sizes = kept.records.n_bytes if link == "copy" else np.zeros(len(kept.paths), dtype=np.int64)
    n_bytes = int(sizes.sum())
    if sampler is not None and draws_images(sampler):
        if isinstance(sampler, (SMOTEENN, SMOTETomek)) and mode is None:
            # what is cleaned away shows only when all is decided; nothing is drawn for that
            plan = decided(sampler, split.paths[train], y, DrawLater(output), on_empty)
            counts = Counter(plan.y.tolist())
            synthetic = Counter(plan.y[plan.synthetic].tolist())
        else:
            sampler.fit(split.paths[train], y)
            if hasattr(sampler, "k_neighbors"):
                check_class_sizes(y, sampler.sampling_strategy_, sampler.k_neighbors)
            for label, n in sampler.sampling_strategy_.items():
                change = Counter({str(label): int(n)})
                if isinstance(sampler, BaseOverSampler):
                    counts, synthetic = counts + change, synthetic + change
        parents = train[np.isin(y, np.array(list(synthetic), dtype=object))]
        if form.format:
            form.check_modes(modes_of(kept, parents, mode))
        n_drawn, sides = sum(synthetic.values()), kept.records.sizes[train].astype(np.float64)
        if form.size:
            sides = sides * np.minimum(1, form.size / sides.max(axis=1, keepdims=True))
        n_bytes += int(np.ceil(sides.prod(axis=1).max())) * 4 * n_drawn
        if n_drawn:
            notes += _estimate(kept, parents, form, mode, n_drawn)
    elif sampler is not None:
        plan = decided(sampler, split.paths[train], y, None, on_empty)
        counts = Counter(plan.y.tolist())
        n_bytes = int(sizes[split.is_valid].sum() + sizes[train[plan.base]].sum())
    if sampler is not None and counts == before and not synthetic:
        notes += note_on_nothing(sampler, before)
    n_held, n_train = int(np.count_nonzero(split.is_valid)), sum(counts.values())
    n_test = 0 if kept.sides is None else int(np.count_nonzero(kept.sides == "test"))
    return FolderReport(
        output=output,
        classes=count_classes(kept, split, counts, synthetic),
        n_valid=n_held - n_test,
        n_train=n_train,
        n_files=0 if link == "rows" else n_held + n_train,
        n_bytes=n_bytes,
        n_prevented=split.n_prevented,
        seed=seed,
        dry_run=True,
        skipped={kept.relative(record.path): record.error for _, record in kept.broken},
        notes=notes,
        n_test=n_test,
        other_files=kept.other_files,
    )


def _estimate(
    kept: Source, parents: NDArray[np.intp], form: Form, mode: str | None, n_drawn: int
) -> list[str]:
    """Estimate the bytes of the drawn images, if some of their parents can be read."""
    some = parents[np.linspace(0, len(parents) - 1, min(SAMPLE, len(parents))).astype(int)]
    try:
        written = [form.n_bytes(read_image(kept.paths[row], mode=mode)) for row in some.tolist()]
    except ValueError:  # the run will say so
        return []
    said = str(form) or "without loss"
    smaller = "" if form.format in ("jpeg", "webp") else '; format="jpeg" takes less'
    note = (
        f"{n_drawn} drawn images take about {np.mean(written) * n_drawn / 1e6:.1f} MB, written "
        f"{said if said == 'without loss' else f'as {said}'}, by a sample of {len(some)} files"
        + smaller
    )
    return [note]


def digest_of(facts: Iterable[str]) -> str:
    """Short digest of what a file is made of, which makes its name its own."""
    text = "\0".join(facts).encode("utf-8", "surrogateescape")
    return hashlib.sha256(text).hexdigest()[:16]


class OutputRows(Sequence[Row]):
    """Rows of a data set, validation first, each made when it is requested.

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
                f'`link` must not be "rows" with {len(self.drawn)} images to be written, drawn by '
                f'{synthesis}. Use link="symlink", which takes hardly more room.'
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
