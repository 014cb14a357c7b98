"""The plan of a folder: what the data set will contain, decided before anything is drawn."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from imblearn_images.core.containers import SUFFIXES, mode_of_array
from imblearn_images.core.estimators import unseeded
from imblearn_images.core.files import describe, frames_told, read_image, write_image
from imblearn_images.core.images import FileImages
from imblearn_images.core.parallel import in_threads
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import Block
from imblearn_images.core.rules import answer
from imblearn_images.core.synthesis import makes_copies
from imblearn_images.core.text import counted
from imblearn_images.core.validation import check_class_sizes
from imblearn_images.core.writing import ROWS, DrawLater, rules_and_seeds
from imblearn_images.folders._form import Form
from imblearn_images.folders._labels import encode_label
from imblearn_images.folders._manifest import Row
from imblearn_images.folders._records import Source
from imblearn_images.folders._report import FolderReport, count_classes
from imblearn_images.folders._source import FolderSplit
from imblearn_images.folders._store import name_file
from imblearn_images.image_sampler import ImageSampler, instead_of
from imblearn_images.over_sampling import RandomOverSampler


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
    sampler = clone(sampler)
    parameters = sampler.get_params(deep=False)
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
        Which of them are for validation.
    train : ndarray of shape (n_train,), dtype intp
        Numbers of the other files, which are resampled.
    plan : ResamplingPlan or None
        The plan of the training rows; None in a dry run of a sampler that would have to read all
        pixels first.
    rows : OutputRows or None
        All rows; None in a dry run.
    counts, synthetic : Counter
        Number of training rows of each class, and number of those that are synthetic.
    n_foreseen : int
        Upper bound of the size of the files in bytes, used where `rows` is None.
    seed : int or None
        Seed of the resampling.
    link : str
        As for `balance_folder`.
    notes : list of str
        Remarks for the report.
    """

    kept: Source
    split: FolderSplit
    train: NDArray[np.intp]
    plan: ResamplingPlan | None
    rows: OutputRows | None
    counts: Counter[str]
    synthetic: Counter[str]
    n_foreseen: int
    seed: int | None
    link: str
    notes: list[str]

    def report(self, output: str) -> FolderReport:
        """Return the report on the folder `output`, which is to be written or has been."""
        kept, split = self.kept, self.split
        n_held, n_train = int(np.count_nonzero(split.is_valid)), sum(self.counts.values())
        n_test = 0 if kept.sides is None else int(np.count_nonzero(kept.sides == "test"))
        return FolderReport(
            output=output,
            classes=count_classes(kept, split, self.counts, self.synthetic),
            n_valid=n_held - n_test,
            n_train=n_train,
            n_files=0 if self.link == "rows" else n_held + n_train,
            n_bytes=self.n_foreseen if self.rows is None else self.rows.n_bytes,
            n_prevented=split.n_prevented,
            seed=self.seed,
            dry_run=self.rows is None,
            skipped={kept.relative(record.path): record.error for _, record in kept.broken},
            notes=self.notes,
            n_test=n_test,
            other_files=kept.other_files,
        )


def decide(
    sampler: Any,
    seed: int | None,
    kept: Source,
    split: FolderSplit,
    workshop: Path,
    *,
    output: Path,
    layout: str,
    link: str,
    form: Form,
    mode: str | None,
    on_empty: str,
    n_jobs: int | None,
) -> FolderPlan:
    """Return the plan of all that a run will write.

    Files that have to be converted before the sampler reads them are written to `workshop`.

    Raises
    ------
    ValueError
        If a training row would show a validation image, or the sampler refuses the files.
    """
    train = np.flatnonzero(~split.is_valid)
    later, notes = DrawLater(output), list(kept.notes)
    plan = _resampled(sampler, kept, split, train, later, workshop, mode, on_empty, n_jobs)
    drawn, counts = plan.synthetic, Counter(plan.y.tolist())
    before = Counter(split.labels[train].tolist())
    if sampler is not None and not drawn.any() and counts == before:
        notes += note_on_nothing(sampler, before)
    if form.format:
        form.check_modes(modes_of(kept, train[plan.first_base[drawn]], mode))
    name = type(sampler).__name__
    rows = OutputRows(
        kept,
        split,
        train,
        plan,
        synthesis=name if answer(plan.synthesis, "rest") is not None else f"{name}, {plan.rule}",
        seed=seed,
        mode=mode,
        later=later,
        layout=layout,
        link=link,
        form=form,
    )
    if leaks := rows.leaks():
        raise ValueError(
            f"{len(leaks)} training rows descend from validation images, or validation rows are "
            f"synthetic: {leaks[:3]}. Split the photos that they show instead."
        )
    return FolderPlan(
        kept=kept,
        split=split,
        train=train,
        plan=plan,
        rows=rows,
        counts=counts,
        synthetic=Counter(plan.y[drawn].tolist()),
        n_foreseen=0,
        seed=seed,
        link=link,
        notes=notes,
    )


def _resampled(
    sampler: Any,
    kept: Source,
    split: FolderSplit,
    train: NDArray[np.intp],
    later: DrawLater,
    workshop: Path,
    mode: str | None,
    on_empty: str,
    n_jobs: int | None,
) -> ResamplingPlan:
    """Return the plan over the training files."""
    y = split.labels[train]
    if sampler is None:
        return ResamplingPlan.selection(np.arange(len(train)), y)
    draws = draws_images(sampler)
    if draws and mode is not None:
        images = _in_mode(mode, kept, train, workshop, n_jobs)
    else:
        images = _unread(kept, train)
    return decided(sampler, images, y, later if draws else None, on_empty)


def _unread(kept: Source, train: NDArray[np.intp]) -> FileImages:
    return FileImages(kept.paths[train], np.empty(0, dtype=np.intp))  # type: ignore[call-overload]


def decided(
    sampler: Any, images: FileImages, y: NDArray[Any], later: DrawLater | None, on_empty: str
) -> ResamplingPlan:
    """Return the plan of a sampler; every class keeps an image, so that all parts have them all.

    Parameters
    ----------
    sampler : sampler
        Is fitted on `images` and `y`.
    images : FileImages of n images
        The training files.
    y : ndarray of shape (n,)
        Their classes.
    later : DrawLater or None
        Passed as `output_dir` of a sampler that draws images: it keeps what is needed to draw
        them later, and draws none now.
    on_empty : {"raise", "keep"}
        What to do with a class that the sampler would empty.

    Raises
    ------
    ValueError
        Naming the class that would be left without an image.
    """
    if later is not None:
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


def note_on_nothing(sampler: Any, counts: Mapping[str, int]) -> list[str]:
    """Return a note that says why a sampler changes nothing; `counts` are the class sizes."""
    name = type(sampler).__name__
    if isinstance(sampler, BaseCleaningSampler):
        return [f"nothing was resampled: {name} found no image to remove"]
    strategy = getattr(sampler, "sampling_strategy", "auto")
    smallest, largest = min(counts.values()), max(counts.values())
    sizes = f"{smallest}" if smallest == largest else f"{smallest} to {largest}"
    note = (
        f"nothing was resampled: {name} with sampling_strategy={strategy!r} leaves the classes at "
        f"the {sizes} training images that they have"
    )
    return [note]


def modes_of(kept: Source, rows: NDArray[np.intp], mode: str | None) -> list[str]:
    """Return the sorted modes in which the files `rows` are read."""
    if mode is not None:
        return [mode] if len(rows) else []
    found = set()
    for row in rows.tolist():
        record = kept.records[row]
        found.add(mode_of_array(record.mode))
        if (
            record.mode == "P" and describe(record.path).shape[2] == 4
        ):  # a palette with transparency
            found.add("RGBA")
    return sorted(found)


def _in_mode(
    mode: str, kept: Source, train: NDArray[np.intp], workshop: Path, n_jobs: int | None
) -> FileImages:
    """Convert files of other modes, into `workshop`; return the images for the sampler to read."""
    paths = np.array(kept.paths, dtype=object)[train]

    def convert(at: int) -> None:
        record = kept.records[train[at]]
        if record.mode != mode:
            # The name holds the content's hash, so that a resumed run can reuse the file.
            target = workshop / f"{mode}-{record.sha256}.png"
            if not target.exists():
                write_image(target, read_image(record.path, mode=mode))
            paths[at] = str(target)

    in_threads(convert, ((at,) for at in range(len(train))), n_jobs=n_jobs)
    return FileImages(paths, np.empty(0, dtype=np.intp))


SAMPLE = 8  # files that are encoded, in memory, to estimate the size of drawn ones


def foresee(
    sampler: Any,
    seed: int | None,
    kept: Source,
    split: FolderSplit,
    *,
    output: str,
    link: str,
    form: Form,
    mode: str | None,
    on_empty: str,
    n_jobs: int | None,
) -> FolderPlan:
    """Return the plan that a dry run reports; no image is drawn, no file of the output written."""
    train = np.flatnonzero(~split.is_valid)
    y, plan = split.labels[train], None
    counts, synthetic = Counter(y.tolist()), Counter[str]()
    before, notes = counts.copy(), list(kept.notes)
    sizes = kept.records.n_bytes if link == "copy" else np.zeros(len(kept.paths), dtype=np.int64)
    n_bytes = int(sizes.sum())
    if sampler is not None and draws_images(sampler):
        if not isinstance(sampler, BaseOverSampler):
            # Only the whole decision tells how many images these draw, or clean away.
            with TemporaryDirectory() as workshop:
                images = _unread(kept, train)
                if mode is not None:
                    images = _in_mode(mode, kept, train, Path(workshop), n_jobs)
                plan = decided(sampler, images, y, DrawLater(output), on_empty)
            counts = Counter(plan.y.tolist())
            synthetic = Counter(plan.y[plan.synthetic].tolist())
        else:
            sampler.fit(_unread(kept, train), y)
            if hasattr(sampler, "k_neighbors"):
                check_class_sizes(y, sampler.sampling_strategy_, sampler.k_neighbors)
            numbers = sampler.sampling_strategy_.items()
            synthetic = Counter({str(label): int(n) for label, n in numbers if n})
            counts = counts + synthetic
        parents = train[np.isin(y, np.array(list(synthetic), dtype=object))]
        if form.format:
            form.check_modes(modes_of(kept, parents, mode))
        n_drawn, sides = sum(synthetic.values()), kept.records.sizes[train].astype(np.float64)
        if form.size:
            sides = sides * np.minimum(1, form.size / sides.max(axis=1, keepdims=True))
        if plan is not None:
            # These may also make copies of photos, or leave photos out.
            n_bytes = int(sizes[split.is_valid].sum())
            n_bytes += int(sizes[train[plan.first_base[~plan.synthetic]]].sum())
        # An upper bound: four bytes a pixel, as RGBA or float32 take without compression.
        n_bytes += int(np.ceil(sides.prod(axis=1).max())) * 4 * n_drawn
        if n_drawn:
            notes += _estimate(kept, parents, form, mode, n_drawn)
    elif sampler is not None:
        plan = decided(sampler, _unread(kept, train), y, None, on_empty)
        counts = Counter(plan.y.tolist())
        n_bytes = int(sizes[split.is_valid].sum() + sizes[train[plan.first_base]].sum())
    if sampler is not None and counts == before and not synthetic:
        notes += note_on_nothing(sampler, before)
    return FolderPlan(
        kept=kept,
        split=split,
        train=train,
        plan=plan,
        rows=None,
        counts=counts,
        synthetic=synthetic,
        n_foreseen=n_bytes,
        seed=seed,
        link=link,
        notes=notes,
    )


def _estimate(
    kept: Source, parents: NDArray[np.intp], form: Form, mode: str | None, n_drawn: int
) -> list[str]:
    """Return a note on the size of the drawn images, estimated from some of their parents."""
    some = parents[np.linspace(0, len(parents) - 1, min(SAMPLE, len(parents))).astype(int)]
    try:
        written = [form.n_bytes(read_image(kept.paths[row], mode=mode)) for row in some.tolist()]
    except ValueError:  # the run itself will raise it, with a remedy
        return []
    written_as = f"as {form}" if form else "without loss"
    smaller = "" if form.format in ("jpeg", "webp") else '; format="jpeg" takes less'
    note = (
        f"{n_drawn} drawn images take about {np.mean(written) * n_drawn / 1e6:.1f} MB, written "
        f"{written_as}, by a sample of {counted(len(some), 'file')}" + smaller
    )
    return [note]


def digest_of(facts: Iterable[str]) -> str:
    """Return 16 hexadecimal digits of a hash of `facts`, which make the name of a file unique."""
    text = "\0".join(facts).encode("utf-8", "surrogateescape")
    return hashlib.sha256(text).hexdigest()[:16]


class OutputRows(Sequence[Row]):
    """Rows of a data set, validation first, each made when it is requested.

    Only numbers are stored, about 30 bytes a row: its source file, its kind, the digest in the
    name of its file and, for a drawn image, size and hash. Where a name is enough, call
    :meth:`path_of`: a whole row is made only once, for the manifest.

    Parameters
    ----------
    kept, split : Source, FolderSplit
        The examined files, and which of them are for validation.
    train : ndarray of shape (n_train,), dtype intp
        Numbers of the files that the rows of `plan` refer to.
    plan : ResamplingPlan
        The plan of the training rows.
    synthesis : str
        Sampler and rule that draw the synthetic images, for the manifest.
    seed : int or None
        Seed of the resampling.
    mode : str or None
        Mode in which files are read where pixels are mixed.
    later : DrawLater
        Draws the synthetic images.
    layout, link : str
        As for `balance_folder`.
    form : Form, default=Form()
        Size and format of drawn images.
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
        form: Form = Form(),  # noqa: B008 - frozen, so that calls can share it
    ) -> None:
        self.kept, self.train, self.plan = kept, train, plan
        self.synthesis, self.seed, self.mode = synthesis, seed, mode
        self.later, self.layout, self.link, self.form = later, layout, link, form
        valid = np.flatnonzero(split.is_valid)
        self.n_valid = len(valid)
        self.sources = np.concatenate([valid, train[plan.first_base]])
        self._is_drawn = np.concatenate([np.zeros(self.n_valid, dtype=bool), plan.synthetic])
        self.drawn = np.flatnonzero(self._is_drawn)
        # For each file the first row that takes it unchanged. Where indices repeat, NumPy keeps the
        # last value assigned, so the rows are assigned in reverse order.
        taken = np.flatnonzero(~self._is_drawn)[::-1]
        self._original = np.empty(len(kept.paths), dtype=np.intp)
        self._original[self.sources[taken]] = taken
        self._drawn_by = ", ".join(filter(None, (synthesis, str(form))))
        self._sizes = np.zeros(len(self.drawn), dtype=np.int64)
        self._hashes = np.zeros((len(self.drawn), 32), dtype=np.uint8)
        if link == "rows" and len(self.drawn):
            raise ValueError(
                f'`link` must not be "rows" where images are written: '
                f"{counted(len(self.drawn), 'image, was')} drawn by {synthesis}. Use "
                'link="symlink", which takes hardly more disk space.'
            )
        n_named = 0 if link == "rows" else len(self)
        digests = map(self._digest_of, range(n_named))
        self._digests = np.fromiter(digests, dtype=np.uint64, count=n_named)

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, number: int) -> Row:  # type: ignore[override]  # one at a time
        number = range(len(self))[number]
        kind = self.kind_of(number)
        sources, steps = self._made_of(number)
        drawn: dict[str, Any] = {}
        if kind == "synthetic":
            drawn["step"] = steps[0] if len(steps) == 1 else steps
            drawn["synthesis"] = self._drawn_by
        return Row(
            path=None if self.link == "rows" else self.path_of(number),
            label=self.kept.labels[sources[0]],
            split=self._split_of(number),
            kind=kind,
            parents=tuple(self._name_of(source) for source in sources),
            seed=None if kind == "original" else self.seed,
            **self._lineage(sources),
            sha256=self.sha256_of(number),
            **drawn,
        )

    def kind_of(self, number: int) -> str:
        """Return "original", "copy" or "synthetic", the kind of a row in manifests."""
        if self._is_drawn[number]:
            return "synthetic"
        return "original" if self._original[self.sources[number]] == number else "copy"

    def sha256_of(self, number: int) -> str | None:
        """Return the SHA-256 of the file of a row; None if it is not drawn yet."""
        if not self._is_drawn[number]:
            return self.kept.records.sha256(int(self.sources[number]))
        at = np.searchsorted(self.drawn, number)
        return self._hashes[at].tobytes().hex() if self._sizes[at] else None

    def path_of(self, number: int) -> str:
        """Return the path of a row's file: the same call gives the same names."""
        sources, _ = self._made_of(number)
        label, digest = self.kept.labels[sources[0]], f"{self._digests[number]:016x}"
        names = [self._name_of(source) for source in sources[:2]]
        suffix = os.path.splitext(names[0])[1].lower()
        if self._is_drawn[number]:
            suffix = self.form.suffix or self.later.suffix
        stem = "+".join(os.path.splitext(os.path.basename(name))[0][:40] for name in names)
        if self.layout == "csv":
            return f"images/{name_file(f'{label[:30]}_{stem}', digest, suffix)}"
        name = name_file(stem, digest, suffix if suffix in SUFFIXES else ".png")
        return f"{self._side(self._split_of(number))}{encode_label(label)}/{name}"

    def _name_of(self, source: int) -> str:
        """Return the path of a file below the source."""
        return self.kept.relative(self.kept.paths[source])

    def _made_of(self, number: int) -> tuple[list[int], tuple[float, ...]]:
        """Return the source files of a row, the base first, and the shares of the others."""
        if not self._is_drawn[number]:
            return [int(self.sources[number])], ()
        sources, shares = zip(*self.plan.sources(number - self.n_valid), strict=True)
        return self.train[list(sources)].tolist(), shares[1:]

    def _digest_of(self, number: int) -> int:
        """Return the digest of all that the file of a row depends on, as a number."""
        sources, steps = self._made_of(number)
        kind = self.kind_of(number)
        facts = [self.kept.labels[sources[0]], *map(self._name_of, sources)]
        facts += [self.kept.records.sha256(source) for source in sources]
        if kind != "original":
            step = (steps[0] if len(steps) == 1 else steps) if kind == "synthetic" else None
            facts += [str(self.seed), repr(step), str(number)]
        if kind == "synthetic":
            facts += [self._drawn_by, str(self.mode)]
            facts += rules_and_seeds(self.plan, number - self.n_valid)
        return int(digest_of(facts), 16)

    def leaks(self) -> list[str]:
        """Return the training rows that are, or descend from, a validation or test image.

        Validation and test rows that were drawn for an earlier output are leaks, too. Rows are
        named by their files.
        """
        held = self.sources[: self.n_valid]
        is_held = self.kept.records.have_bytes_of(held)
        ancestors = {name for source in held.tolist() for name in self._ancestors([source])}

        def is_leak(number: int) -> bool:
            sources, _ = self._made_of(number)
            lineage = self._lineage(sources)
            if number < self.n_valid:
                return bool(lineage.get("drawn_before"))
            return bool(is_held[sources].any()) or not ancestors.isdisjoint(
                lineage.get("ancestors", ())
            )

        names = self._name_of if self.link == "rows" else self.path_of
        return [
            names(int(self.sources[number]) if self.link == "rows" else number)
            for number in range(len(self))
            if is_leak(number)
        ]

    def _ancestors(self, sources: list[int]) -> tuple[str, ...]:
        """Return the photos that some source files show, as far as their manifests record it."""
        names: tuple[str, ...] = self._lineage(sources).get("ancestors", ())
        return names

    def _lineage(self, sources: list[int]) -> dict[str, Any]:
        """Return the manifest fields on ancestors; none if the source has no drawn images."""
        lineage = self.kept.lineage
        if lineage is None or not lineage.drawn.any():
            return {}
        names = dict.fromkeys(name for source in sources for name in lineage.photos(source))
        return {
            "ancestors": tuple(names),
            "drawn_before": bool(lineage.drawn[sources].any()),
        }

    def draw(self, number: int) -> NDArray[Any]:
        """Draw the image of a synthetic row, at the size of `form`."""
        return self.form.resized(self.later.draw(number - self.n_valid))

    def blocks(self, numbers: list[int]) -> Iterable[Block]:
        """Return blocks of synthetic rows for other processes; none if these cannot draw them.

        The blocks number the rows as the plan does; see :meth:`number_of`.
        """
        if self.later.blocks is None or not numbers:
            return []
        return self.later.blocks(np.array(numbers) - self.n_valid, ROWS)

    def number_of(self, row: int) -> int:
        """Return the number, among all rows, of a row of the plan."""
        return int(row) + self.n_valid

    def has_drawn(self, number: int, n_bytes: int, sha256: str) -> None:
        """Store size in bytes and SHA-256 of the file of a synthetic row."""
        at = np.searchsorted(self.drawn, number)
        self._hashes[at] = np.frombuffer(bytes.fromhex(sha256), dtype=np.uint8)
        self._sizes[at] = n_bytes

    @property
    def n_bytes(self) -> int:
        """Size of all files in bytes; links count as none."""
        if self.link != "copy":
            return int(self._sizes.sum())
        copied = np.delete(self.sources, self.drawn)
        return int(self.kept.records.n_bytes[copied].sum() + self._sizes.sum())

    def folders(self) -> set[str]:
        """Return the folders of the files, below the output."""
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
        """Yield the paths of the files, below the output."""
        return (self.path_of(number) for number in range(len(self)) if self.link != "rows")

    def written(self) -> Iterator[str]:
        """Yield the names of the files that are no links."""
        numbers = range(len(self)) if self.link == "copy" else self.drawn.tolist()
        return map(self.path_of, numbers)

    def table(self) -> Iterator[tuple[str, str, bool]]:
        """Yield the rows of labels.csv: name, label, is_valid."""
        for number, source in enumerate(self.sources.tolist()):
            name = self._name_of(source) if self.link == "rows" else self.path_of(number)
            yield name, self.kept.labels[source], self._split_of(number) == "valid"

    def _split_of(self, number: int) -> str:
        """Return the split of a row: "train", "valid" or "test"."""
        if number >= self.n_valid:
            return "train"
        sides = self.kept.sides
        return "valid" if sides is None else str(sides[self.sources[number]])

    def _side(self, split: str) -> str:
        """Return the folder of a split, with a "/", or "" where all rows are for training."""
        return f"{self.kept.splits.get(split, split)}/" if self.n_valid or self.kept.splits else ""
