"""The plan of a folder: what the data set will contain, decided before anything is drawn."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.under_sampling.base import BaseCleaningSampler
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from imblearn_images._label_sampler import LabelSamplerMixin
from imblearn_images._sampler import ImageSamplerMixin
from imblearn_images.core.containers import mode_of_array
from imblearn_images.core.estimators import unseeded
from imblearn_images.core.files import MODES_OF, describe, frames_told, read_image, write_image
from imblearn_images.core.images import FileImages
from imblearn_images.core.parallel import in_threads
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rules import answer
from imblearn_images.core.synthesis import makes_copies
from imblearn_images.core.text import counted
from imblearn_images.core.validation import check_class_sizes
from imblearn_images.core.writing import DrawLater
from imblearn_images.folders._form import Form
from imblearn_images.folders._report import ClassCounts, FolderReport
from imblearn_images.folders._source import Source
from imblearn_images.folders._splitting import FolderSplit
from imblearn_images.folders._writing import OutputRows
from imblearn_images.image_sampler import ImageSampler, instead_of
from imblearn_images.over_sampling import RandomOverSampler

SAMPLE = 8  # files that are encoded, in memory, to estimate the size of drawn ones


def with_seed(sampler: Any, random_state: int, n_jobs: int | None) -> tuple[Any, int | None]:
    """Return a clone of the sampler with every `random_state` set, and the seed that decides."""
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
            "`sampler` must be one sampler, got a Pipeline, which leaves no plan of what each file "
            "is made from. For two samplers, balance twice: pass the folder train of the first "
            "output as the source of the second, with validation=0."
        )
    if not isinstance(sampler, ImageSamplerMixin):
        raise TypeError(
            f"`sampler` must be a sampler of imblearn_images, which leaves a plan of what each "
            "file is made from, or ImageSampler around another, got "
            f"{sampler!r}.{instead_of(sampler)}"
        )
    if isinstance(sampler, LabelSamplerMixin):
        raise TypeError(
            "`sampler` must take one label for each image, as class folders have, got "
            f"{sampler!r}. Choose another; objects with boxes are for balance_annotations."
        )
    # What the user passed is neither fitted nor given seeds.
    sampler = clone(sampler)
    parameters = sampler.get_params(deep=False)
    # A number that was given to the sampler itself stands.
    if "n_jobs" in parameters and parameters["n_jobs"] is None:
        sampler.set_params(n_jobs=n_jobs)
    seeds = {
        name: value
        for name, value in sampler.get_params().items()
        if value is not None and name.rpartition("__")[2] == "random_state"
    }
    seeds |= dict.fromkeys(unseeded(sampler), random_state)  # nested objects included
    for name, seed in seeds.items():
        if not isinstance(seed, (int, np.integer)):
            raise ValueError(
                f"`{name}` of {type(sampler).__name__} must be an integer, so that the same call "
                f"gives the same files, got {seed!r}."
            )
    sampler.set_params(**seeds)
    # ImageSampler's own seed only draws pixels: without a synthesis, the wrapped sampler decides.
    decides = "random_state"
    if isinstance(sampler, ImageSampler) and sampler.synthesis is None and sampler.accept is None:
        decides = "sampler__random_state"
    return sampler, int(seeds[decides]) if decides in seeds else None


def draws_images(sampler: Any) -> bool:
    """Return whether a sampler makes synthetic images, which no file holds yet."""
    # Samplers that make images have a folder for them; plain copies are files already.
    parameters = sampler.get_params(deep=False)
    copies = isinstance(sampler, RandomOverSampler) and makes_copies(sampler.synthesis)
    return "output_dir" in parameters and not copies


@dataclass(frozen=True)
class FolderPlan:
    """What a data set will contain: a dry run prints it, a run carries it out.

    Parameters
    ----------
    kept : Source
        The examined files.
    split : FolderSplit
        Which of them are for validation; the others are resampled.
    form : Form
        How the data set is written.
    seed : int or None
        Seed of the resampling.
    counts, synthetic : Counter
        Number of training rows of each class, and number of those that are synthetic.
    notes : list of str
        Remarks for the report.
    n_foreseen : int
        Upper bound of the size of the files in bytes, used where `rows` is None.
    rows : OutputRows, default=None
        All rows; None in a dry run.
    """

    kept: Source
    split: FolderSplit
    form: Form
    seed: int | None
    counts: Counter[str]
    synthetic: Counter[str]
    notes: list[str]
    n_foreseen: int
    rows: OutputRows | None = None

    def report(self, output: str) -> FolderReport:
        """Return the report on the folder `output`, which is to be written or has been."""
        kept, split = self.kept, self.split
        n_held, n_train = int(np.count_nonzero(split.is_valid)), sum(self.counts.values())
        n_test = 0 if kept.sides is None else int(np.count_nonzero(kept.sides == "test"))
        return FolderReport(
            output=output,
            classes=self._classes(),
            n_valid=n_held - n_test,
            n_train=n_train,
            n_files=0 if self.form.link == "rows" else n_held + n_train,
            n_bytes=self.n_foreseen if self.rows is None else self.rows.n_bytes,
            n_prevented=split.n_prevented,
            seed=self.seed,
            dry_run=self.rows is None,
            skipped={kept.relative(record.path): record.error for _, record in kept.broken},
            notes=self.notes,
            n_test=n_test,
            other_files=kept.other_files,
            manifest=self.form.manifest_name,
        )

    def _classes(self) -> list[ClassCounts]:
        """Return the numbers of files of each class, in the order of the labels."""
        kept, labels = self.kept, self.split.labels
        skipped = Counter(label for label, _ in kept.broken)
        held, tested = Counter(labels[self.split.is_valid].tolist()), Counter[str]()
        if kept.sides is not None:
            tested = Counter(labels[kept.sides == "test"].tolist())
        return [
            ClassCounts(
                label,
                n + skipped[label],
                skipped[label],
                held[label] - tested[label],
                n - held[label],
                self.counts[label],
                self.synthetic[label],
                tested[label],
            )
            for label, n in sorted(Counter(kept.labels).items())
        ]


def decide(
    sampler: Any,
    kept: Source,
    split: FolderSplit,
    form: Form,
    *,
    seed: int | None,
    on_empty: str,
    output: Path,
    workshop: Path,
    n_jobs: int | None,
) -> FolderPlan:
    """Return the plan of all that a run will write.

    Files that have to be converted before the sampler reads them are written to `workshop`.

    Raises
    ------
    ValueError
        If a training row would show a validation image, or the sampler refuses the files.
    """
    later = DrawLater(output)
    plan = _resampled(sampler, kept, split, form.mode, later, workshop, on_empty, n_jobs)
    _check_modes(kept, split.train[plan.first_base[plan.synthetic]], form)
    name = type(sampler).__name__
    rows = OutputRows(
        kept,
        split,
        plan,
        form,
        # Sums of pixels are told by their shares; another rule has to be named.
        synthesis=name if answer(plan.synthesis, "rest") is not None else f"{name}, {plan.rule}",
        seed=seed,
        later=later,
    )
    if leaks := rows.leaks():
        raise ValueError(
            f"{len(leaks)} training rows descend from validation images, or validation rows are "
            f"synthetic: {leaks[:3]}. Split the photos that they show instead."
        )
    counts, synthetic = Counter(plan.y.tolist()), Counter(plan.y[plan.synthetic].tolist())
    notes = kept.notes + _note_on_nothing(sampler, split, counts, synthetic)
    return FolderPlan(kept, split, form, seed, counts, synthetic, notes, 0, rows)


def foresee(
    sampler: Any,
    kept: Source,
    split: FolderSplit,
    form: Form,
    *,
    seed: int | None,
    on_empty: str,
    output: str,
    n_jobs: int | None,
) -> FolderPlan:
    """Return the plan that a dry run reports; no image is drawn, no file of the output written."""
    train = split.train
    y = split.labels[train]
    sizes = kept.records.n_bytes * (form.link == "copy")
    if sampler is not None and draws_images(sampler) and isinstance(sampler, BaseOverSampler):
        # These add what their strategy says, which is known before any pixel is read.
        sampler.fit(_unread(kept, split), y)
        if hasattr(sampler, "k_neighbors"):
            # The run would refuse it only after it has read all pixels.
            check_class_sizes(y, sampler.sampling_strategy_, sampler.k_neighbors)
        numbers = sampler.sampling_strategy_.items()
        synthetic = Counter({str(label): int(n) for label, n in numbers if n})
        counts = Counter(y.tolist()) + synthetic
        n_bytes = int(sizes.sum())
    else:
        # Only the whole decision tells how many images others draw, copy or leave out.
        with TemporaryDirectory() as workshop:
            plan = _resampled(
                *(sampler, kept, split, form.mode, DrawLater(output), Path(workshop)),
                on_empty,
                n_jobs,
            )
        counts, synthetic = Counter(plan.y.tolist()), Counter(plan.y[plan.synthetic].tolist())
        n_bytes = int(sizes[split.is_valid].sum())
        n_bytes += int(sizes[train[plan.first_base[~plan.synthetic]]].sum())
    notes = kept.notes + _note_on_nothing(sampler, split, counts, synthetic)
    if synthetic:
        parents = train[np.isin(y, np.array(list(synthetic), dtype=object))]
        _check_modes(kept, parents, form)
        n_drawn, sides = sum(synthetic.values()), kept.records.sizes[train].astype(np.float64)
        if form.size:
            sides = sides * np.minimum(1, form.size / sides.max(axis=1, keepdims=True))
        # An upper bound: four bytes a pixel, as RGBA or float32 take without compression.
        n_bytes += int(np.ceil(sides.prod(axis=1).max())) * 4 * n_drawn
        notes += _estimate(kept, parents, form, n_drawn)
    return FolderPlan(kept, split, form, seed, counts, synthetic, notes, n_bytes)


def _resampled(
    sampler: Any,
    kept: Source,
    split: FolderSplit,
    mode: str | None,
    later: DrawLater,
    workshop: Path,
    on_empty: str,
    n_jobs: int | None,
) -> ResamplingPlan:
    """Return the plan over the training files; every class keeps one, so all parts have them all.

    Files of other modes than `mode` are converted into `workshop` if the sampler mixes pixels. It
    draws nothing: `later` keeps what is needed to draw the images when they are written.

    Raises
    ------
    ValueError
        Naming the class that would be left without an image, if `on_empty` is "raise".
    """
    y = split.labels[split.train]
    if sampler is None:
        return ResamplingPlan.selection(np.arange(len(y)), y)
    images = _unread(kept, split)
    if draws_images(sampler):
        if mode is not None:
            images = _in_mode(mode, kept, split, workshop, n_jobs)
        sampler.set_params(output_dir=later)
    with frames_told(), warnings.catch_warnings():  # the report has its own note on frames
        # Emptied classes raise, or are filled up, below; a warning would only repeat it.
        warnings.filterwarnings("ignore", r"\w+ has left no image of", UserWarning)
        sampler.fit_resample(images, y)
    plan: ResamplingPlan = sampler.plan_
    counts = Counter(y.tolist())
    left = set(plan.y.tolist())
    if not (lost := [label for label in counts if label not in left]):
        return plan
    if on_empty == "raise":
        more = f", nor of {lost[1:]}" if len(lost) > 1 else ""
        others = [label for label in counts if label not in lost]
        raise ValueError(
            f"{type(sampler).__name__} would leave none of the {counts[lost[0]]} training images "
            f"of class {lost[0]!r}{more}: the training part would have fewer classes than the "
            'source. Keep the images of such classes with on_empty="keep", choose another sampler, '
            f"or name only the others in `classes`: {', '.join(map(repr, others[:20]))}."
        )
    rows = np.flatnonzero(np.isin(y, np.array(lost, dtype=object)))
    return _with_rows(plan, rows, y[rows])


def _unread(kept: Source, split: FolderSplit) -> FileImages:
    """Return the training files as images of which none has been opened."""
    paths = kept.paths[split.train]  # type: ignore[call-overload]
    return FileImages(paths, np.empty(0, dtype=np.intp))


def _with_rows(plan: ResamplingPlan, rows: NDArray[np.intp], y: NDArray[Any]) -> ResamplingPlan:
    """Return the plan with some images of the source appended, unchanged."""
    previous = None if plan.previous is None else _with_rows(plan.previous, rows, y)

    def longer(column: Any, values: Any) -> Any:
        """Return a column with `values` appended for the new rows; None stays None."""
        if column is None:
            return None
        more = np.zeros((len(rows), *column.shape[1:]), dtype=column.dtype)
        more[...] = values
        return np.concatenate([column, more])

    return replace(
        plan,
        previous=previous,
        # Where there is a plan before this one, `base` numbers its rows: the new ones are its last.
        base=longer(
            plan.base, rows if previous is None else np.arange(-len(rows), 0) % len(previous)
        ),
        partners=longer(plan.partners, 0),
        weights=longer(plan.weights, 0),
        y=np.concatenate([plan.y, y]),
        drawn=longer(plan.drawn, False),
        seeds=longer(plan.seeds, 0),
        tries=longer(plan.tries, 0),
        accepted=longer(plan.accepted, True),
    )


def _note_on_nothing(
    sampler: Any, split: FolderSplit, counts: Mapping[str, int], synthetic: Mapping[str, int]
) -> list[str]:
    """Return a note that says why a sampler changes nothing, if it does change nothing."""
    before = Counter(split.labels[split.train].tolist())
    if sampler is None or synthetic or counts != before:
        return []
    name = type(sampler).__name__
    if isinstance(sampler, BaseCleaningSampler):
        return [f"nothing was resampled: {name} found no image to remove"]
    strategy = getattr(sampler, "sampling_strategy", "auto")
    smallest, largest = min(before.values()), max(before.values())
    sizes = f"{smallest}" if smallest == largest else f"{smallest} to {largest}"
    note = (
        f"nothing was resampled: {name} with sampling_strategy={strategy!r} leaves the classes at "
        f"the {sizes} training images that they have"
    )
    return [note]


def _check_modes(kept: Source, parents: NDArray[np.intp], form: Form) -> None:
    """Raise a ValueError naming a mode of drawn images that their format cannot hold."""
    if form.format is None or not len(parents):
        return
    modes = set() if form.mode is None else {form.mode}
    for row in parents.tolist() if form.mode is None else ():
        record = kept.records[row]
        modes.add(mode_of_array(record.mode))
        if record.mode == "P" and describe(record.path).shape[2] == 4:
            modes.add("RGBA")  # a palette with transparency
    held = MODES_OF[form.format]
    for mode in sorted(modes - set(held)):
        raise ValueError(
            f"`format` must be one that can hold images of mode {mode}, got {form.format!r}, which "
            f'holds {", ".join(held)}. Read all files as colour, mode="RGB", or choose another '
            "format."
        )


def _in_mode(
    mode: str, kept: Source, split: FolderSplit, workshop: Path, n_jobs: int | None
) -> FileImages:
    """Convert files of other modes, into `workshop`; return the images for the sampler to read."""
    train = split.train
    paths = np.array(kept.paths, dtype=object)[train]

    def convert(at: int) -> None:
        record = kept.records[train[at]]
        # Those that have the mode are read where they are: a second copy of all would fill the
        # disk.
        if record.mode != mode:
            # The name holds the content's hash, so that a resumed run can reuse the file.
            target = workshop / f"{mode}-{record.sha256}.png"
            if not target.exists():
                write_image(target, read_image(record.path, mode=mode))
            paths[at] = str(target)

    in_threads(convert, ((at,) for at in range(len(train))), n_jobs=n_jobs)
    return FileImages(paths, np.empty(0, dtype=np.intp))


def _estimate(kept: Source, parents: NDArray[np.intp], form: Form, n_drawn: int) -> list[str]:
    """Return a note on the size of the drawn images, estimated from some of their parents."""
    some = parents[np.linspace(0, len(parents) - 1, min(SAMPLE, len(parents))).astype(int)]
    try:
        images = (read_image(kept.paths[row], mode=form.mode) for row in some.tolist())
        written = [form.n_bytes(image) for image in images]
    except ValueError:  # the run itself will raise it, with a remedy
        return []
    written_as = "without loss" if form.is_plain else f"as {form}"
    smaller = "" if form.format in ("jpeg", "webp") else '; format="jpeg" takes less'
    note = (
        f"{n_drawn} drawn images take about {np.mean(written) * n_drawn / 1e6:.1f} MB, written "
        f"{written_as}, by a sample of {counted(len(some), 'file')}" + smaller
    )
    return [note]
