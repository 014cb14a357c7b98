"""Acceptance: which synthetic images are good enough."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from imblearn_images.core.embedding import Similarity
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.synthesis import Neighbourhood

__all__ = ["NeighborsAgree"]


class NeighborsAgree(BaseEstimator):
    """Accept a synthetic image whose neighbours among the real images are of its class.

    Neighbours are found in the `embedding` of the sampler; without one, or if features were
    passed as `embeddings`, in histograms of oriented gradients. The parents of the image do not
    vote. The vote of a neighbour is divided by the size of its class: otherwise no synthetic
    image of a rare class would pass.

    Read more in the :ref:`User Guide <accept-rules>`.

    Parameters
    ----------
    n_neighbors : int, default=5
        Neighbours that vote.
    max_tries : int, default=3
        Maximum number of times that an image is drawn.

    Examples
    --------
    >>> from imblearn_images import SMOTE
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> smote = SMOTE(accept=NeighborsAgree(), random_state=0)
    >>> X_res, y_res = smote.fit_resample(images, labels)
    >>> drawn_again = int((smote.plan_.tries > 1).sum())
    >>> never_accepted = int((~smote.plan_.accepted).sum())
    """

    def __init__(self, *, n_neighbors: int = 5, max_tries: int = 3) -> None:
        self.n_neighbors = n_neighbors
        self.max_tries = max_tries

    def accept(
        self,
        images: NDArray[Any],
        plan: ResamplingPlan,
        neighbourhood: Neighbourhood,
        similarity: Similarity,
    ) -> NDArray[np.bool_]:
        """Return a bool for each of the drawn `images`, (m, H, W[, C]): whether it is accepted."""
        for name in ("n_neighbors", "max_tries"):
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < 1:
                raise ValueError(f"`{name}` must be an integer of at least 1, got {value!r}.")
        parents = np.column_stack([plan.base, plan.partners])
        k = min(self.n_neighbors + parents.shape[1], len(neighbourhood.y))
        near = similarity.search.kneighbors(similarity.of(images), k, return_distance=False)
        is_parent = (near[:, :, None] == parents[:, None, :]).any(axis=2)
        # The nearest `n_neighbors` that are not parents: enough were found for both.
        voters = ~is_parent & (np.cumsum(~is_parent, axis=1) <= self.n_neighbors)
        labels, numbers, counts = np.unique(
            neighbourhood.y, return_inverse=True, return_counts=True
        )
        votes = np.zeros((len(near), len(labels)))
        np.add.at(
            votes, (np.arange(len(near))[:, None], numbers[near]), voters / counts[numbers[near]]
        )
        good: NDArray[np.bool_] = labels[votes.argmax(axis=1)] == plan.y
        return good
