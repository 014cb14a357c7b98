"""Ancestry: which images show the same source images, and which of them is drawn from which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from imblearn_images.core.plan import ResamplingPlan


@dataclass(frozen=True)
class Origin:
    """Which images of the source a set of images shows.

    Examples
    --------
    >>> copies = Origin.of_rows(3, 5, rows=[0, 1, 2], sources=[4, 4, 0])
    >>> copies.shows.toarray().sum(axis=0).tolist(), copies.synthetic.tolist()
    ([1, 0, 0, 0, 2], [False, False, False])
    """

    shows: sparse.csr_matrix
    """Which source images an image shows, shape (n, n_source), bool."""
    synthetic: NDArray[np.bool_]
    """Images that are none of the source, shape (n,)."""

    @classmethod
    def of_rows(cls, n: int, n_source: int, rows: Any, sources: Any) -> Origin:
        """Images `rows`, of `n`, that are the source images `sources`."""
        shows = sparse.csr_matrix((np.ones(len(rows), bool), (rows, sources)), (n, n_source))
        return cls(shows, np.zeros(n, dtype=bool))


def origin_of(given: Any, n: int, n_source: int, name: str) -> Origin:
    """Read the origin of the `n` images called `name` off a plan, or off their source rows."""
    if len(given) != n:
        raise ValueError(
            f"{name} has {n} images, its part of `plan` has {len(given)} rows: take the same rows "
            "of both, X_resampled[rows] and plan[rows]."
        )
    if isinstance(given, ResamplingPlan):
        return Origin(given.matrix().astype(bool), given.synthetic)
    rows = np.asarray(given)
    if rows.dtype.kind not in "iu" or (n and not 0 <= rows.min() <= rows.max() < n_source):
        raise ValueError(
            f"The source rows of {name} must be integers from 0 to {n_source - 1}, the rows that "
            "the plan was drawn for."
        )
    return Origin.of_rows(n, n_source, np.arange(n), rows)


def first_shared(
    valid: sparse.csr_matrix,
    train: sparse.csr_matrix,
    of: NDArray[np.bool_] | None = None,
    among: NDArray[np.bool_] | None = None,
) -> Iterator[tuple[int, int, int]]:
    """For rows of `valid` the first row of `train` with an entry in the same column."""
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
