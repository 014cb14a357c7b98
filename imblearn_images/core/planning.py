"""Planning: labels + embedding -> plan, by listening to imbalanced-learn.

The only room that drives imbalanced-learn. Its sampler decides; it is run on an identity
matrix instead of pixels, and what it decided is read off its public output. So the same
seed gives the same parents and steps as plain imbalanced-learn, in every version, without
any of its private names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Integral
from typing import Any

import numpy as np
from imblearn.base import BaseSampler
from numpy.typing import NDArray
from scipy import sparse
from sklearn.metrics import pairwise_distances_argmin
from sklearn.neighbors import NearestNeighbors

from imblearn_images.core.memory import check_fits
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.targets import told

Search = Callable[[NDArray[np.intp]], NDArray[np.intp]]


def plan_mixture(
    sampler: BaseSampler,
    y: NDArray[Any],
    n_new: Mapping[Any, int],
    search: Search,
    *,
    nearness: str,
) -> ResamplingPlan:
    """Let a SMOTE-like sampler choose parents and steps.

    The sampler sees an identity matrix of ``2 n`` rows: each image once as a possible
    base and once as a possible partner. Its neighbours object names partners only, so a
    synthetic row holds ``1 - step`` in the column of its base and ``step`` in the
    column of its partner: the decision can be read off, and which of the two is the base.

    Parameters
    ----------
    sampler : imbalanced-learn sampler
        A SMOTE-like class with `k_neighbors`; it is cloned by the caller if need be.
    y : ndarray of shape (n,)
        Labels.
    n_new : mapping of label to int
        Rows to create per class (a sampler's ``sampling_strategy_``).
    search : callable
        ``search(rows)`` gives the neighbours of `rows` among themselves, as positions in
        `rows`, shape (len(rows), k).
    nearness : str
        Goes into the plan.

    Returns
    -------
    plan : ResamplingPlan
        The `n` originals, then the synthetic rows, class by class.
    """
    n = len(y)
    twice = np.concatenate([y, y])
    wanted = {
        label: 2 * int(np.count_nonzero(y == label)) + count
        for label, count in n_new.items()
        if count
    }
    none = np.zeros((n, 1))
    if not wanted:
        rows = np.arange(n, dtype=np.intp)
        return ResamplingPlan(rows, rows[:, None], none, y.copy(), n, nearness)
    sampler.set_params(sampling_strategy=wanted, k_neighbors=_PartnerNeighbors(n, search))
    mixed, labels = sampler.fit_resample(sparse.identity(2 * n, format="csr"), twice)
    children = mixed[2 * n :].tocoo()
    is_base = children.col < n
    count = children.shape[0]
    base = np.empty(count, dtype=np.intp)
    base[children.row[is_base]] = children.col[is_base]
    # A step of exactly 0 leaves no entry: such a child is a copy of its base.
    partner, step = base.copy(), np.zeros(count)
    partner[children.row[~is_base]] = children.col[~is_base] - n
    step[children.row[~is_base]] = children.data[~is_base]
    originals = np.arange(n, dtype=np.intp)
    return ResamplingPlan(
        np.concatenate([originals, base]),
        np.concatenate([originals, partner])[:, None],
        np.concatenate([none, step[:, None]]),
        np.concatenate([y, labels[2 * n :]]),
        n,
        nearness,
    )


def plan_averages(
    features: Any,
    y: NDArray[Any],
    made: Any,
    y_made: NDArray[Any],
    n_clusters: Mapping[Any, int],
    *,
    nearness: str,
) -> ResamplingPlan:
    """Find out which images the centres of clusters stand for.

    Parameters
    ----------
    features : ndarray or sparse matrix of shape (n, d)
        What was clustered, class by class.
    y : ndarray of shape (n,)
        Labels.
    made : ndarray or sparse matrix of shape (n_out, d)
        Class by class, in sorted order: the centres, or the rows of a class that was left alone.
    y_made : ndarray of shape (n_out,)
        Labels of `made`.
    n_clusters : mapping of label to int
        The classes that were clustered.
    nearness : str
        Goes into the plan.

    Returns
    -------
    plan : ResamplingPlan
        A row for a centre has the image nearest to it as base, and as partners, with equal
        shares, the others to which no other centre is nearer. Shorter rows are filled with
        partners of share 0. A centre without images takes the nearest one.

    Raises
    ------
    MemoryError
        If so many partners do not fit into memory.
    """
    groups: list[NDArray[np.intp]] = []
    for label in np.unique(y):
        rows = np.flatnonzero(y == label)
        if label not in n_clusters:
            groups += np.split(rows, len(rows))
            continue
        centres = made[np.flatnonzero(y_made == label)]
        centre = pairwise_distances_argmin(features[rows], centres)
        for at in range(centres.shape[0]):
            members = rows[centre == at] if (centre == at).any() else rows
            near = pairwise_distances_argmin(centres[[at]], features[members])[0]
            base = members[near]
            others = members[members != base] if (centre == at).any() else members[:0]
            groups.append(np.append(base, others))
    sizes = np.array([len(group) for group in groups])
    width = max(int(sizes.max()) - 1, 0)
    check_fits(
        16 * len(groups) * width,
        f"A plan of {len(groups)} averages of up to {width + 1} images",
        'Ask for more clusters, or for voting="hard".',
    )
    base = np.array([group[0] for group in groups], dtype=np.intp)
    partners = np.repeat(base[:, None], width, axis=1)
    weights = np.zeros((len(groups), width))
    for row, group in enumerate(groups):
        partners[row, : len(group) - 1] = group[1:]
        weights[row, : len(group) - 1] = 1 / len(group)
    return ResamplingPlan(base, partners, weights, y_made, len(y), nearness)


class _PartnerNeighbors(NearestNeighbors):  # type: ignore[misc]
    """Neighbours of rows of the doubled identity matrix: partners of the base rows."""

    def __init__(self, n: int, search: Search) -> None:
        super().__init__()
        self.n = n
        self.search = search

    def __sklearn_clone__(self) -> _PartnerNeighbors:
        return self  # imbalanced-learn clones what it is given; the pixels must not be

    def fit(self, X: sparse.csr_matrix, y: None = None) -> _PartnerNeighbors:
        columns = X.indices.astype(np.intp)
        self.rows_ = columns[columns < self.n]
        return self

    def kneighbors(
        self,
        X: sparse.csr_matrix | None = None,
        n_neighbors: int | None = None,
        return_distance: bool = True,
    ) -> NDArray[np.intp]:
        """First column the row itself, as scikit-learn's; positions are among `fit`'s X."""
        partners = self.search(self.rows_) + len(self.rows_)
        return np.column_stack([np.arange(len(self.rows_)), partners])


def check_class_sizes(
    y: NDArray[Any], n_new: Mapping[Any, int], k_neighbors: Any, *, parameter: str = "k_neighbors"
) -> None:
    """Refuse classes that are too small to have `k_neighbors` neighbours.

    Raises
    ------
    ValueError
        Naming the class, its size, the size needed and the ways out. `k_neighbors` is
        never lowered silently.
    """
    if isinstance(k_neighbors, Integral):
        k = int(k_neighbors)
    else:  # a neighbours object is asked for one more, the image itself
        k = getattr(k_neighbors, "n_neighbors", 1) - 1
    for label, count in n_new.items():
        found = int(np.count_nonzero(y == label))
        if count and found <= k:
            smaller = f"Pass a smaller `{parameter}` (at most {found - 1}), leave"
            raise ValueError(
                f"Expected n_neighbors <= n_samples_fit: class {told(label)!r} has n_samples = "
                f"{found}, {parameter}={k} needs at least {k + 1} images of a class. "
                f"{smaller if found > 1 else 'A single image has no neighbour: leave'} the class "
                "out of `sampling_strategy`, or use RandomOverSampler, which needs one image."
            )
