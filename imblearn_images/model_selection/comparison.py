"""Comparison: what came out, for people, for tables and for pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imblearn_images.model_selection import tables
from imblearn_images.model_selection.advice import advise
from imblearn_images.model_selection.candidates import BASELINES
from imblearn_images.model_selection.statistics import (
    ALPHA,
    Difference,
    Reliability,
    compare_several,
    corrected_difference,
)

__all__ = ["Calibration", "ClassRecall", "Cost", "ResamplerComparison"]


class ClassRecall(NamedTuple):
    """How many images of a class are recognised."""

    recall: float
    """Share, over all folds."""
    n_test: int
    """Different images that it was tested on."""


class Calibration(NamedTuple):
    """How far off probabilities are; NaN where there are none."""

    brier: float
    """Multiclass Brier score, from 0 to 2, lower is better."""
    ece: float
    """Expected calibration error."""


class Cost(NamedTuple):
    """What a candidate costs in a fold, on average."""

    fit_seconds: float
    """Resampling included."""
    resampling_seconds: float
    """NaN where no sampler could be watched: there is none, or it is inside a classifier."""
    peak_bytes: float
    """The most that resampling held at once beyond what was there before, in one fold. As
    tracemalloc tells it: arrays of NumPy and objects of Python, not what C libraries allocate
    themselves. NaN in threads, where others' memory would count."""


@dataclass(frozen=True, eq=False, repr=False)
class ResamplerComparison:
    """Candidates beside doing nothing, on the same folds; ``print`` shows the table.

    Made by :func:`compare_resamplers`. What depends on a metric is that of `metric`;
    :meth:`by` gives the same comparison by another one.

    Attributes
    ----------
    scores : dict of str to ndarray of shape (n_folds,)
        Candidate -> score on each fold, all on the same ones.
    differences : dict of str to Difference
        Candidate -> ``(mean, low, high, p, p_holm)`` of its paired difference to "none", by
        the corrected resampled t-test, adjusted after Holm for the number of candidates.
    better, worse : list of str
        Candidates that differ from "none" at the 5 % level, after adjustment.
    reference : str
        The best baseline, which makes no images: what resampling has to beat.
    gains : dict of str to Difference
        Candidate that is no baseline -> the same of its paired difference to `reference`.
    advice : str
        What to do, how sure that is, and what it was measured on: two sentences.
    """

    names: tuple[str, ...]
    """Candidates that have results, "none" first."""
    metric: str
    """Metric by which candidates are compared."""
    fold_scores: Mapping[str, Mapping[str, NDArray[np.float64]]]
    """Metric -> candidate -> scores."""
    test_to_train: float
    """Test images for each training image of a fold."""
    recall: Mapping[str, Mapping[Any, ClassRecall]]
    """Candidate -> class -> ``(recall, n_test)``."""
    calibration: Mapping[str, Calibration]
    """Candidate -> ``(brier, ece)``."""
    reliability: Mapping[str, Reliability]
    """Candidate that has probabilities -> ``(confidence, accuracy, n_predictions)`` of the bins."""
    costs: Mapping[str, Cost]
    """Candidate -> seconds and memory."""
    estimators: Mapping[str, Any]
    """Candidate -> what was compared, unfitted: fit the one you choose on all images. (The
    weights of a "class_weight" that is no parameter are to be passed to its ``fit``.)"""
    failures: Mapping[str, str]
    """Candidate without a result -> reason."""
    notes: tuple[str, ...] = ()
    """What should be known besides."""
    interrupted: bool = False
    """Whether folds are missing because the comparison was stopped."""
    conditions: Mapping[str, Any] = field(default_factory=dict)
    """What was measured on: classifier, images, n_images, n_folds, seed, version."""

    @property
    def scores(self) -> Mapping[str, NDArray[np.float64]]:
        """Candidate -> score on each fold."""
        return self.fold_scores[self.metric]

    @property
    def n_folds(self) -> int:
        """Number of folds that all candidates were judged on."""
        return len(self.scores["none"])

    @cached_property
    def differences(self) -> dict[str, Difference]:
        """Candidate -> paired difference to "none"."""
        return self._beside("none", [name for name in self.names if name != "none"])

    @cached_property
    def reference(self) -> str:
        """The baseline with the best mean; of equal ones the simpler."""
        known = [name for name in BASELINES if name in self.names]
        return max(known, key=lambda name: round(float(self.scores[name].mean()), 12))

    @cached_property
    def gains(self) -> dict[str, Difference]:
        """Candidate that is no baseline -> paired difference to `reference`."""
        names = [name for name in self.names if name not in BASELINES]
        if self.reference == "none":  # the same differences must not have two p-values
            return {name: self.differences[name] for name in names}
        return self._beside(self.reference, names)

    def _beside(self, other: str, names: list[str]) -> dict[str, Difference]:
        folds = {name: self.scores[name] - self.scores[other] for name in names}
        return compare_several(folds, self.test_to_train)

    def difference(self, name: str, other: str) -> Difference:
        """Compare any two candidates, not adjusted for how many pairs are looked at.

        Parameters
        ----------
        name, other : str
            Candidates.

        Returns
        -------
        Difference
            Of the scores of `name` less those of `other`.
        """
        return corrected_difference(self.scores[name] - self.scores[other], self.test_to_train)

    @property
    def better(self) -> list[str]:
        """Candidates better than "none", the best first."""
        found = self._different(sign=1)
        return sorted(found, key=lambda name: -self.differences[name].mean)

    @property
    def worse(self) -> list[str]:
        """Candidates worse than "none"."""
        return self._different(sign=-1)

    def _different(self, sign: int) -> list[str]:
        return [
            name
            for name, found in self.differences.items()
            if found.p_holm < ALPHA and found.mean * sign > 0
        ]

    @property
    def advice(self) -> str:
        """What to do, and what that was measured on."""
        return advise(self)

    def by(self, metric: str) -> ResamplerComparison:
        """Return the same comparison by another metric.

        Parameters
        ----------
        metric : str
            One of those that were asked for.

        Returns
        -------
        ResamplerComparison
        """
        if metric not in self.fold_scores:
            raise ValueError(
                f"metric={metric!r} was not computed, {list(self.fold_scores)} were. Ask for it "
                "with `scoring`."
            )
        return replace(self, metric=metric)

    def to_frame(self, what: str = "summary") -> Any:
        """Make a table; needs pandas.

        Parameters
        ----------
        what : {"summary", "folds", "recall"}, default="summary"
            A row for each candidate; one for each fold, candidate and metric; or one for
            each class and candidate.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        makers = {
            "summary": tables.summary_rows,
            "folds": tables.fold_rows,
            "recall": tables.recall_rows,
        }
        if what not in makers:
            raise ValueError(f"what={what!r}: it is one of {list(makers)}.")
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "to_frame needs pandas: pip install imblearn-images[pandas]"
            ) from error
        return pd.DataFrame(makers[what](self))

    def to_json(self) -> str:
        """Return everything but the estimators as one JSON object in ASCII."""
        return json.dumps(
            {
                "metric": self.metric,
                "n_folds": self.n_folds,
                "conditions": dict(self.conditions),
                "candidates": tables.plain(tables.summary_rows(self)),
                "scores": tables.plain(tables.fold_rows(self)),
                "recall": tables.plain(tables.recall_rows(self)),
                "failures": dict(self.failures),
                "reference": self.reference,
                "gains": tables.plain(tables.gain_rows(self)),
                "better": self.better,
                "worse": self.worse,
                "notes": list(self.notes),
                "interrupted": self.interrupted,
                "advice": self.advice,
            }
        )

    def plot(self, ax: Any = None) -> Any:
        """Draw the differences to "none" with their intervals; needs matplotlib.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

        Returns
        -------
        display : ComparisonDisplay
        """
        from imblearn_images.display import ComparisonDisplay

        return ComparisonDisplay.from_comparison(self, ax=ax)

    def __repr__(self) -> str:
        return tables.as_text(self)

    def _repr_html_(self) -> str:
        return tables.as_html(self)
