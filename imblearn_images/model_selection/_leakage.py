"""Leakage: find validation images that are related to training images, and how."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, takewhile, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from imblearn_images._docstrings import substitute
from imblearn_images.core.columns import as_groups
from imblearn_images.core.containers import holds_paths, unwrap
from imblearn_images.core.duplicates import (
    ALIKE,
    BITS,
    contents,
    looks,
    near_duplicates,
    nearest_look,
)
from imblearn_images.core.plan import ResamplingPlan, check_plan
from imblearn_images.core.splitting import merge_groups
from imblearn_images.core.text import counted
from imblearn_images.display import PairsDisplay
from imblearn_images.folders._lineage import read_lineage

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["check_leakage", "near_duplicate_groups"]


@dataclass(frozen=True)
class Origin:
    """Which source images each image of a set shows.

    Examples
    --------
    >>> copies = Origin.of_rows(3, 5, rows=[0, 1, 2], sources=[4, 4, 0])
    >>> copies.shows.toarray().sum(axis=0).tolist(), copies.synthetic.tolist()
    ([1, 0, 0, 0, 2], [False, False, False])
    """

    shows: sparse.csr_matrix
    """Whether an image shows a source image, shape (n, n_source), bool."""
    synthetic: NDArray[np.bool_]
    """Whether an image is synthetic, shape (n,)."""

    @classmethod
    def of_rows(cls, n: int, n_source: int, rows: Any, sources: Any) -> Origin:
        """Return the origin of `n` images of which `rows` are the source images `sources`."""
        shows = sparse.csr_matrix((np.ones(len(rows), bool), (rows, sources)), (n, n_source))
        return cls(shows, np.zeros(n, dtype=bool))


def origin_of(given: Any, n: int, n_source: int, name: str) -> Origin:
    """Return the origin of the `n` images called `name`, given their plan or source rows."""
    if len(given) != n:
        raise ValueError(
            f"`plan` must have a row for each of {counted(n, 'image')} in {name}, got "
            f"{counted(len(given), 'row')}. Take the same rows of both, X_resampled[rows] and "
            "plan[rows]."
        )
    if isinstance(given, ResamplingPlan):
        return Origin(given.shows, given.synthetic)
    rows = np.asarray(given)
    if rows.dtype.kind not in "iu" or (n and not 0 <= rows.min() <= rows.max() < n_source):
        raise ValueError(
            f"The source rows of {name} must be integers from 0 to {n_source - 1}, rows of the "
            f"images that the plan was drawn for, got {rows.tolist()!r:.60}."
        )
    return Origin.of_rows(n, n_source, np.arange(n), rows)


def first_shared(
    valid: sparse.csr_matrix,
    train: sparse.csr_matrix,
    of: NDArray[np.bool_] | None = None,
    among: NDArray[np.bool_] | None = None,
) -> Iterator[tuple[int, int, int]]:
    """Yield rows of `valid`, the first row of `train` that shares a column, and that column.

    Only the rows `of` of `valid`, and `among` of `train`, count, where these masks are given.
    """
    theirs, ours = train.tocoo(), valid.tocoo()
    kept = slice(None) if among is None else among[theirs.row]
    first = np.full(train.shape[1], train.shape[0])
    np.minimum.at(first, theirs.col[kept], theirs.row[kept])
    kept = first[ours.col] < train.shape[0]
    if of is not None:
        kept &= of[ours.row]
    rows, columns = ours.row[kept], ours.col[kept]
    order = np.lexsort((columns, first[columns], rows))
    for place in order[np.unique(rows[order], return_index=True)[1]]:
        yield int(rows[place]), int(first[columns[place]]), int(columns[place])


MISSING = {
    "near duplicate": "near duplicate (threshold=None)",
    "parent": "parent (no plan)",
    "group": "group (no groups)",
}
SHOWN = 5  # pairs of a kind in a repr


@dataclass(frozen=True, slots=True)
class LeakedPair:
    """A training image that is related to a validation image."""

    kind: str
    """"identical", "near duplicate", "parent" or "group"."""
    train: int
    """Row of the training image."""
    valid: int
    """Row of the validation image."""
    reason: str
    """What they share, in a few words; empty for identical images."""


@dataclass(frozen=True, eq=False, repr=False)
class LeakageReport:
    """What :func:`check_leakage` found; true if there is a leak.

    Read more in the :ref:`User Guide <leaks>`.

    Examples
    --------
    >>> from imblearn_images.model_selection import check_leakage
    >>> X = np.arange(48.0).reshape(3, 4, 4)
    >>> report = check_leakage(X[:2], X[1:], threshold=None)
    >>> bool(report), report.valid_rows.tolist(), report.counts
    (True, [0], {'identical': 1})
    >>> report
    1 of 2 validation images leak from 2 training images
      identical: 1
        validation 0, training 1
    Not looked for: near duplicate (threshold=None), parent (no plan), group (no groups)
    """

    pairs: list[LeakedPair]
    """One pair per validation image and kind of leak, with its first or nearest training image."""
    looked_for: tuple[str, ...]
    """The kinds that were looked for."""
    X_train: Any
    """The training images: an array of pixels, or of paths."""
    X_valid: Any
    """The validation images: an array of pixels, or of paths."""

    def __bool__(self) -> bool:
        return bool(self.pairs)

    @property
    def counts(self) -> dict[str, int]:
        """Number of validation images that leak, by kind."""
        found = Counter(pair.kind for pair in self.pairs)
        return {kind: found[kind] for kind in self.looked_for}

    @property
    def valid_rows(self) -> NDArray[np.intp]:
        """Rows of the validation images that leak, ascending."""
        return np.unique(np.array([pair.valid for pair in self.pairs], dtype=np.intp))

    def sample(self, n: int) -> list[LeakedPair]:
        """Return up to `n` pairs: the first ones of all kinds in turn."""
        by_kind = [[pair for pair in self.pairs if pair.kind == kind] for kind in self.looked_for]
        in_turn = chain.from_iterable(zip_longest(*by_kind))
        return list(islice((pair for pair in in_turn if pair is not None), n))

    def names(self, pair: LeakedPair) -> tuple[Any, Any]:
        """Return the names of the validation and the training image: row numbers or paths."""
        return _called(self.X_valid, pair.valid), _called(self.X_train, pair.train)

    def __repr__(self) -> str:
        lines = [self._headline()]
        for kind, n in self.counts.items():
            if n:
                pairs = [pair for pair in self.pairs if pair.kind == kind]
                lines += [
                    f"  {kind}: {n}",
                    *(f"    {self._as_text(pair)}" for pair in pairs[:SHOWN]),
                ]
                lines += [f"    and {n - SHOWN} more"] if n > SHOWN else []
        return "\n".join(lines + self._not_looked_for())

    def _repr_html_(self) -> str:
        counted = ", ".join(f"{kind}: {n}" for kind, n in self.counts.items() if n)
        lines = [self._headline(), counted, *self._not_looked_for()]
        notes = "".join(f"<p>{html.escape(line)}</p>" for line in lines if line)
        rows = [
            (pair.kind, *_without_common_folder(*map(str, self.names(pair))), pair.reason)
            for pair in self.sample(2 * SHOWN)
        ]
        if not rows:
            return notes
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in rows
        )
        heads = "".join(f"<th>{name}</th>" for name in ("leak", "validation", "training", ""))
        return f"{notes}<table><tr>{heads}</tr>{body}</table>"

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas.DataFrame of the pairs.

        Returns
        -------
        frame : pandas.DataFrame
            Columns ``kind``, ``valid``, ``train`` (row numbers; paths where the images are
            files) and ``reason``.
        """
        try:
            import pandas as pd
        except ImportError as exc:
            raise ImportError(
                "LeakageReport.to_frame needs pandas. Install it: pip install "
                "imblearn-images[pandas]"
            ) from exc
        rows = [(pair.kind, *self.names(pair), pair.reason) for pair in self.pairs]
        return pd.DataFrame(rows, columns=["kind", "valid", "train", "reason"])

    def plot(self, n: int = 6) -> PairsDisplay:
        """Draw `n` pairs side by side, some of every kind; needs matplotlib."""
        return PairsDisplay.from_report(self, n=n)

    def _headline(self) -> str:
        n, n_valid, n_train = len(self.valid_rows), len(self.X_valid), len(self.X_train)
        if not n:
            return f"No leak found: {n_valid} validation images, {n_train} training images"
        return f"{n} of {n_valid} validation images leak from {n_train} training images"

    def _as_text(self, pair: LeakedPair) -> str:
        valid, train = _without_common_folder(*map(str, self.names(pair)))
        return f"validation {valid}, training {train}" + (f": {pair.reason}" if pair.reason else "")

    def _not_looked_for(self) -> list[str]:
        missing = [text for kind, text in MISSING.items() if kind not in self.looked_for]
        return [f"Not looked for: {', '.join(missing)}"] if missing else []


def _called(X: Any, row: int) -> Any:
    """Return the path of an image in a file, or its row number."""
    return str(X[row]) if holds_paths(X) else row


def _without_common_folder(one: str, other: str) -> tuple[str, str]:
    """Return two paths without the folders they share; the last folder stays."""
    both = zip(Path(one).parts[:-2], Path(other).parts[:-2], strict=False)
    n = sum(1 for _ in takewhile(lambda parts: parts[0] == parts[1], both))
    return str(Path(*Path(one).parts[n:])), str(Path(*Path(other).parts[n:]))


@substitute
def near_duplicate_groups(
    X: Any, *, threshold: int = ALIKE, n_jobs: int | None = None
) -> NDArray[np.intp]:
    """Return group numbers of images that identical and nearly identical ones share.

    Pass the result as ``groups`` to ``StratifiedGroupKFold``: then no validation image has a
    near-duplicate in training.

    Read more in the :ref:`User Guide <leaks>`.

    Parameters
    ----------
    X : array of shape (n, H, W) or (n, H, W, C), or n paths in any container
        Images of any real dtype.
    threshold : int, default=24
        Bits of 256 in which the perceptual hashes of near-duplicates may differ; see the
        notes.
    {n_jobs}

    Returns
    -------
    groups : ndarray of shape (n,), dtype intp
        Group of each image, numbered from 0 in the order of their first members.

    Raises
    ------
    ValueError
        If `X` holds no images, naming its shape; if files cannot be read, naming them.
    ModuleNotFoundError
        If the package ImageHash is not installed.

    Notes
    -----
    The hash holds the signs of the 16 x 16 lowest frequencies of an image reduced to 64 x 64
    grey levels. Brightness, contrast, compression and size change few bits, a crop changes
    many; smooth images, such as a patch of sky, are the hardest to recognise. Groups are
    transitive: if a is near b and b near c, all three share one. An image with the same value
    everywhere has no near-duplicates.

    A larger threshold also finds photos whose border was cut off, but chains small images that
    merely look alike, such as 28 x 28 pixels of clothes, into large groups. Use 48 for photos, and
    the default where the images of a class look much alike.

    Examples
    --------
    >>> from skimage import data
    >>> coins = data.coins()[:256, :256]
    >>> brighter = np.clip(coins * 1.1, 0, 255).astype(np.uint8)
    >>> near_duplicate_groups(np.stack([coins, brighter, coins[::-1]])).tolist()
    [0, 0, 1]
    """
    X = _images(X, "X")
    near = near_duplicates(looks(X, n_jobs=n_jobs), threshold)
    return merge_groups(near, contents(X, n_jobs=n_jobs))


@substitute
def check_leakage(
    X_train: Any,
    X_valid: Any,
    plan: ResamplingPlan | Sequence[Any] | None = None,
    groups: Sequence[Any] | None = None,
    *,
    threshold: int | None = ALIKE,
    n_jobs: int | None = None,
) -> LeakageReport:
    """Find validation images that leak into the training images.

    There are four kinds: *identical* images; *near duplicates*, whose perceptual hashes
    differ in few bits; *parents*, where one image is synthetic and both show the same source
    image; *groups*, where both come from one patient, plant or burst.

    Read more in the :ref:`User Guide <leaks>`.

    Parameters
    ----------
    X_train, X_valid : array of shape (n, H, W) or (n, H, W, C), or n paths in any container
        The images on the two sides, after resampling.
    plan : ResamplingPlan, or pair of ResamplingPlan or array of int, default=None
        Where the images come from.

        - A sampler's ``plan_``, if `X_train` is its result, with one row per image. Validation
          images are then recognised by their similarity to its originals.
        - A pair ``(plan[train], plan[valid])``, if a resampled set was split by the row
          numbers `train` and `valid`. For a side that was not resampled, pass the row numbers
          of its images in the source instead.
    groups : pair of array-like, default=None
        Groups of the training images and groups of the validation images. For a side with a
        plan, pass the groups of the source images, as to ``plan.take(groups)``; a synthetic
        image then belongs to the groups of all its parents.
    threshold : int or None, default=24
        Bits of 256 in which the hashes of near-duplicates may differ, see
        :func:`near_duplicate_groups`. None: near-duplicates are not looked for, and ImageHash is
        not needed.
    {n_jobs}

    Returns
    -------
    report : LeakageReport
        True if there is a leak. It holds one pair for each kind and validation image.

    Raises
    ------
    ValueError
        If an argument does not fit the images: no images, a plan or groups of another
        length, plans of different sources. If files cannot be read, naming them.
    TypeError
        If `plan` or `groups` is neither of the forms above.
    ModuleNotFoundError
        If the package ImageHash is not installed.

    Notes
    -----
    Files are identical if their bytes are, arrays if shape, dtype and pixels are. For files in a
    folder that :func:`~imblearn_images.folders.balance_folder` wrote, the parents are read from
    its manifest, without a `plan`.

    Examples
    --------
    A set that was resampled first and split afterwards:

    >>> from imblearn_images import SMOTE
    >>> X = np.random.default_rng(0).integers(0, 256, (12, 16, 16), dtype=np.uint8)
    >>> smote = SMOTE(k_neighbors=1, random_state=0)
    >>> X_res, y_res = smote.fit_resample(X, ["dog"] * 9 + ["owl"] * 3)
    >>> valid, train = np.arange(0, 18, 3), np.delete(np.arange(18), np.arange(0, 18, 3))
    >>> plan = smote.plan_
    >>> check_leakage(X_res[train], X_res[valid], (plan[train], plan[valid]), threshold=None)
    3 of 6 validation images leak from 12 training images
      parent: 3
        validation 3, training 9: training image drawn from the other (source 9)
        validation 4, training 7: validation image drawn from the other (source 11)
        validation 5, training 6: validation image drawn from the other (source 10)
    Not looked for: near duplicate (threshold=None), group (no groups)
    """
    X_train, X_valid = _images(X_train, "X_train"), _images(X_valid, "X_valid")
    train, valid = _sides(plan, len(X_train), len(X_valid))
    pairs = _alike(X_train, X_valid, threshold, n_jobs)
    looked_for = ["identical"] + ["near duplicate"] * (threshold is not None)
    if train is not None:
        looked_for.append("parent")
        pairs += _related(train, valid or _recognised(train, pairs, len(X_valid)))
    if (recorded := _by_manifests(X_train, X_valid)) is not None:
        looked_for += ["parent"] * ("parent" not in looked_for)
        known = {pair.valid for pair in pairs if pair.kind == "parent"}
        pairs += [pair for pair in recorded if pair.valid not in known]
    if groups is not None:
        looked_for.append("group")
        pairs += _grouped(groups, train, valid, len(X_train), len(X_valid))
    return LeakageReport(pairs, tuple(looked_for), X_train, X_valid)


def _images(X: Any, name: str) -> Any:
    """Return an array of images or of paths; raise a ValueError for anything else."""
    X, _ = unwrap(X)
    if holds_paths(X):
        return X
    X = np.asanyarray(X)
    if X.ndim not in (3, 4) or X.dtype.kind not in "biuf":
        raise ValueError(
            f"`{name}` must be images of shape (n, H, W) or (n, H, W, C), or paths, got shape "
            f"{X.shape} and dtype {X.dtype}. Reshape rows of pixels: X.reshape(-1, height, width)."
        )
    return X


def _alike(
    X_train: Any, X_valid: Any, threshold: int | None, n_jobs: int | None
) -> list[LeakedPair]:
    """Return pairs of identical images and, with a threshold, of near-duplicates."""
    first: dict[str, int] = {}
    for row, content in enumerate(contents(X_train, n_jobs=n_jobs)):
        first.setdefault(content, row)
    here = contents(X_valid, n_jobs=n_jobs)
    same = {row: first[content] for row, content in enumerate(here) if content in first}
    pairs = [LeakedPair("identical", train, valid, "") for valid, train in same.items()]
    if threshold is None:
        return pairs
    rows, distances = nearest_look(looks(X_valid, n_jobs=n_jobs), looks(X_train, n_jobs=n_jobs))
    return pairs + [
        LeakedPair("near duplicate", int(rows[valid]), valid, f"{distances[valid]} of {BITS} bits")
        for valid in np.flatnonzero(distances <= threshold).tolist()
        if valid not in same
    ]


def _sides(plan: Any, n_train: int, n_valid: int) -> tuple[Origin | None, Origin | None]:
    """Return the origins of training and validation images, None where `plan` gives none."""
    if plan is None:
        return None, None
    train, valid = plan if isinstance(plan, (tuple, list)) and len(plan) == 2 else (plan, None)
    for part in (train, valid):
        if hasattr(part, "fit_resample"):  # a sampler passed instead of its plan
            check_plan(part)
    sizes = {part.n_source for part in (train, valid) if isinstance(part, ResamplingPlan)}
    if not sizes:
        raise TypeError(
            "`plan` must be the plan of the training images, or a pair of a plan and another plan "
            f"or source rows, got {type(plan).__name__}."
        )
    if len(sizes) == 2:
        raise ValueError(
            f"The two plans were drawn for {min(sizes)} and {max(sizes)} images. Pass parts of one "
            "plan, (plan[train], plan[valid])."
        )
    n_source = sizes.pop()
    return (
        origin_of(train, n_train, n_source, "X_train"),
        None if valid is None else origin_of(valid, n_valid, n_source, "X_valid"),
    )


def _by_manifests(X_train: Any, X_valid: Any) -> list[LeakedPair] | None:
    """Return pairs that show the same photo, one of them synthetic, as manifests record.

    None if not both sides have a manifest.
    """
    if not (holds_paths(X_train) and holds_paths(X_valid)):
        return None
    train, valid = (read_lineage(X.tolist()) for X in (X_train, X_valid))
    if not (train.manifests and valid.manifests):
        return None
    first: dict[tuple[str, bool], int] = {}
    for row, shows in enumerate(train.shows):
        for photo in shows:
            first.setdefault((photo, bool(train.drawn[row])), row)
    pairs = []
    for row, shows in enumerate(valid.shows):
        kinds = (True, False) if valid.drawn[row] else (True,)
        found = [(first[key], key) for p in shows for k in kinds if (key := (p, k)) in first]
        if found:
            match, (photo, drawn) = min(found)
            name = photo.split("\0")[2]
            if valid.drawn[row] and drawn:
                reason = f"both drawn from {name}"
            else:
                which = "validation" if valid.drawn[row] else "training"
                reason = f"{which} image drawn from the other ({name})"
            pairs.append(LeakedPair("parent", match, row, reason))
    return pairs


def _recognised(train: Origin, pairs: Iterable[LeakedPair], n: int) -> Origin:
    """Return the origin of validation images that look like an original of the training images."""
    found = [pair for pair in pairs if not train.synthetic[pair.train]]
    sources = [int(train.shows[pair.train].indices[0]) for pair in found]
    return Origin.of_rows(n, train.shows.shape[1], [pair.valid for pair in found], sources)


def _related(train: Origin, valid: Origin) -> list[LeakedPair]:
    """Return pairs that show the same source image, at least one of them synthetic."""
    # Two originals of one source image are not of the kind "parent": they are identical.
    everything = np.ones_like(train.synthetic)
    pairs = []
    for of, among in ((~valid.synthetic, train.synthetic), (valid.synthetic, everything)):
        for row, match, source in first_shared(valid.shows, train.shows, of, among):
            if not valid.synthetic[row]:
                reason = f"training image drawn from the other (source {source})"
            elif not train.synthetic[match]:
                reason = f"validation image drawn from the other (source {source})"
            else:
                reason = f"both drawn from source {source}"
            pairs.append(LeakedPair("parent", match, row, reason))
    return sorted(pairs, key=lambda pair: pair.valid)


def _grouped(
    groups: Any, train: Origin | None, valid: Origin | None, n_train: int, n_valid: int
) -> list[LeakedPair]:
    """Return pairs of images of the same group."""
    if not isinstance(groups, (tuple, list)) or len(groups) != 2:
        raise TypeError(
            "`groups` must be a pair, (groups of the training images, groups of the validation "
            f"images), got {type(groups).__name__}."
        )
    known: dict[Any, int] = {}
    columns: list[list[int]] = []
    members = []
    for part, side, n, name in zip(
        groups, (train, valid), (n_train, n_valid), ("X_train", "X_valid"), strict=True
    ):
        expected = n if side is None else side.shows.shape[1]
        of = f"images in {name}" if side is None else "source images, for which the plan was drawn"
        which = f"groups[{len(columns)}]"
        values = as_groups(part, expected, name=which, of=of)
        columns.append([known.setdefault(group, len(known)) for group in values])
    for side, numbers in zip((train, valid), columns, strict=True):
        expected = len(numbers)
        one_hot = sparse.csr_matrix(
            (np.ones(expected, bool), (np.arange(expected), numbers)), (expected, len(known))
        )
        members.append(one_hot if side is None else side.shows @ one_hot)
    called = list(known)
    return [
        LeakedPair("group", match, row, f"both of group {called[group]!r}")
        for row, match, group in first_shared(members[1], members[0])
    ]
