"""The report of a leak: which training image gives which validation image away, and how."""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import dataclass
from itertools import chain, islice, takewhile, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core.containers import holds_paths

if TYPE_CHECKING:
    import pandas as pd

    from imblearn_images.display import PairsDisplay

MISSING = {
    "near duplicate": "near duplicate (threshold=None)",
    "parent": "parent (no plan)",
    "group": "group (no groups)",
}
SHOWN = 5  # pairs of a kind in a repr


@dataclass(frozen=True, slots=True)
class LeakedPair:
    """A training image that gives a validation image away."""

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
    """One for every validation image and kind of leak: the first, or nearest, training image."""
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
        """Validation images that leak, by kind that was looked for."""
        found = Counter(pair.kind for pair in self.pairs)
        return {kind: found[kind] for kind in self.looked_for}

    @property
    def valid_rows(self) -> NDArray[np.intp]:
        """Rows of the validation images that leak, ascending."""
        return np.unique(np.array([pair.valid for pair in self.pairs], dtype=np.intp))

    def sample(self, n: int) -> list[LeakedPair]:
        """Choose `n` pairs: the first ones of all kinds in turn."""
        by_kind = [[pair for pair in self.pairs if pair.kind == kind] for kind in self.looked_for]
        in_turn = chain.from_iterable(zip_longest(*by_kind))
        return list(islice((pair for pair in in_turn if pair is not None), n))

    def names(self, pair: LeakedPair) -> tuple[Any, Any]:
        """What the user calls the validation and the training image: rows, or paths."""
        return _called(self.X_valid, pair.valid), _called(self.X_train, pair.train)

    def __repr__(self) -> str:
        lines = [self._headline()]
        for kind, n in self.counts.items():
            if n:
                pairs = [pair for pair in self.pairs if pair.kind == kind]
                lines += [f"  {kind}: {n}", *(f"    {self._told(pair)}" for pair in pairs[:SHOWN])]
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
        """Table of the pairs; needs pandas.

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
                "LeakageReport.to_frame needs pandas: pip install imblearn-images[pandas]"
            ) from exc
        rows = [(pair.kind, *self.names(pair), pair.reason) for pair in self.pairs]
        return pd.DataFrame(rows, columns=["kind", "valid", "train", "reason"])

    def plot(self, n: int = 6) -> PairsDisplay:
        """Draw `n` pairs side by side, some of every kind; needs matplotlib."""
        from imblearn_images.display import PairsDisplay

        return PairsDisplay.from_report(self, n=n)

    def _headline(self) -> str:
        n, n_valid, n_train = len(self.valid_rows), len(self.X_valid), len(self.X_train)
        if not n:
            return f"No leak found: {n_valid} validation images, {n_train} training images"
        return f"{n} of {n_valid} validation images leak from {n_train} training images"

    def _told(self, pair: LeakedPair) -> str:
        valid, train = _without_common_folder(*map(str, self.names(pair)))
        return f"validation {valid}, training {train}" + (f": {pair.reason}" if pair.reason else "")

    def _not_looked_for(self) -> list[str]:
        missing = [text for kind, text in MISSING.items() if kind not in self.looked_for]
        return [f"Not looked for: {', '.join(missing)}"] if missing else []


def _called(X: Any, row: int) -> Any:
    return str(X[row]) if holds_paths(X) else row


def _without_common_folder(one: str, other: str) -> tuple[str, str]:
    """Cut off the folders that two paths share; the last folder stays."""
    both = zip(Path(one).parts[:-2], Path(other).parts[:-2], strict=False)
    n = sum(1 for _ in takewhile(lambda parts: parts[0] == parts[1], both))
    return str(Path(*Path(one).parts[n:])), str(Path(*Path(other).parts[n:]))
