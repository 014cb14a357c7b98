"""Contest: what a comparison fits and scores, decided before the first fit, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core.gap import SynthesisGap
from imblearn_images.model_selection._folds import Fold

__all__ = ["Candidate", "Contest", "Outcome"]


@dataclass(frozen=True)
class Candidate:
    """One line of the comparison."""

    name: str
    estimator: Any
    """The unfitted estimator, which takes the images as the user passed them, or None."""
    weighted: bool = False
    """Whether balanced sample weights are passed to its ``fit``."""
    unavailable: str = ""
    """Why there is no estimator."""


@dataclass(frozen=True)
class Contest:
    """All candidates, and the images, folds and metrics by which they are compared."""

    candidates: Sequence[Candidate]
    images: Any
    """All images, as the user passed them, without their container."""
    y: NDArray[Any]
    """Labels, shape (n,); several per image, a table of 0 and 1, shape (n, n_labels)."""
    classes: Sequence[Any]
    """Labels, in the order of the columns of the probabilities."""
    folds: Sequence[Fold]
    """Row numbers, (train, test)."""
    scorer: Any
    """Returns a dict, metric -> score; the first metric decides."""
    notes: Sequence[str]
    """What the user should know of the folds and the candidates."""
    conditions: dict[str, Any]
    """What it is measured on, see :class:`ResamplerComparison`."""

    @property
    def of_labels(self) -> bool:
        """Whether images have several labels."""
        return self.y.ndim == 2


@dataclass(frozen=True)
class Outcome:
    """The result of one candidate on one fold."""

    name: str
    fold: int
    error: str = ""
    """Why it failed; empty if it did not."""
    scores: dict[str, float] = field(default_factory=dict)
    """Metric -> score on the test images."""
    predicted: Any = None
    """Predicted labels of the test images."""
    probabilities: NDArray[np.float64] | None = None
    """Probabilities of all classes, shape (n_test, n_classes), if the classifier has them."""
    fit_seconds: float = np.nan
    """Seconds of the fit, resampling included."""
    resampling_seconds: float = np.nan
    """Seconds of resampling alone."""
    peak_bytes: float = np.nan
    """Peak memory of resampling in bytes, above what was in use before."""
    warnings: tuple[str, ...] = ()
    """Warnings of the fit, as text."""
    gap: SynthesisGap | None = None
    """How easily its synthetic images can be told from real ones, on the first fold."""
