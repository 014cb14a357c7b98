"""Imbalance of images with several labels: how rare each is, and with which others it occurs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core.columns import plain
from imblearn_images.core.multilabel import count_labels_of
from imblearn_images.core.text import align, counted, shown

__all__ = ["LabelImbalance", "label_imbalance"]


@dataclass(frozen=True, eq=False, repr=False)
class LabelImbalance:
    """Measures of imbalance of images with several labels; see :func:`label_imbalance`.

    Read more in the :ref:`User Guide <several-labels>`.

    Parameters
    ----------
    labels : tuple of length L
        Names of the labels.
    counts : ndarray of shape (L,), dtype intp
        Number of images that have each label.
    irlbl : ndarray of shape (L,), dtype float64
        Imbalance ratio: images of the most frequent label / images of the label; infinite for a
        label without an image.
    scumble_of : ndarray of shape (L,), dtype float64
        Mean SCUMBLE of the images that have the label; NaN for a label without an image.
    mean_ir : float
        Mean of `irlbl` over the labels that have an image.
    scumble : float
        Mean over the images of how unequally frequent their labels are, 0 to 1.
    cardinality : float
        Mean number of labels per image.
    n_images, n_sets : int
        Number of images, and number of different sets of labels.
    """

    labels: tuple[Any, ...]
    counts: NDArray[np.intp]
    irlbl: NDArray[np.float64]
    scumble_of: NDArray[np.float64]
    mean_ir: float
    scumble: float
    cardinality: float
    n_images: int
    n_sets: int

    @property
    def max_ir(self) -> float:
        """The largest `irlbl` of a label that has an image."""
        return float(self.irlbl[self.counts > 0].max(initial=1.0))

    @property
    def minority(self) -> list[Any]:
        """Labels whose `irlbl` is above the mean, the rarest first."""
        rare = np.flatnonzero((self.counts > 0) & (self.irlbl > self.mean_ir))
        return [plain(self.labels[at]) for at in rare[np.argsort(-self.irlbl[rare], kind="stable")]]

    @property
    def empty(self) -> list[Any]:
        """Labels that no image has."""
        return [plain(self.labels[at]) for at in np.flatnonzero(self.counts == 0)]

    def __iter__(self) -> Iterator[tuple[Any, int, float, float]]:
        """Yield for each label a tuple of label, number of images, irlbl and scumble."""
        columns = (self.counts, self.irlbl, self.scumble_of)
        return zip(self.labels, *(column.tolist() for column in columns), strict=True)

    def __repr__(self) -> str:
        rows = [
            [shown(str(label)), n, _number(ratio, 2), _number(scumble, 4)]
            for label, n, ratio, scumble in self
        ]
        table = align(["label", "images", "IRLbl", "SCUMBLE"], rows)
        return (
            f"{table}\n{counted(self.n_images, 'image')}, {self.cardinality:.2f} labels per image, "
            f"{counted(self.n_sets, 'set')} of labels. MeanIR {self.mean_ir:.3f}, "
            f"SCUMBLE {self.scumble:.4f}."
        )

    def to_frame(self) -> Any:
        """Return a pandas.DataFrame with a row for each label.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "LabelImbalance.to_frame needs pandas. Install it: pip install "
                "imblearn-images[pandas]"
            ) from error
        return pd.DataFrame(list(self), columns=["label", "images", "irlbl", "scumble"])


def label_imbalance(y: Any) -> LabelImbalance:
    r"""Measure the imbalance of images with several labels.

    Read more in the :ref:`User Guide <several-labels>`.

    Parameters
    ----------
    y : array-like of shape (n, L), or list of length n
        A table of 0 and 1, or of numbers of objects; or a list with the labels of each image.

    Returns
    -------
    imbalance : LabelImbalance
        The measures; ``print`` shows them as a table.

    Raises
    ------
    ValueError
        If `y` holds anything else, naming the row, or no label at all.

    Notes
    -----
    Of the :math:`n_l` images that have label :math:`l`, IRLbl is :math:`\max_k n_k / n_l`, MeanIR
    its mean over the labels. SCUMBLE of an image is one minus the geometric mean of the IRLbl of
    its labels, divided by their arithmetic mean: 0 where all are equally frequent, near 1 where a
    rare one occurs together with a frequent one. Where that is large, as 0.1 is, repeating
    images of the rare labels mostly adds frequent ones.

    Several objects of one label in an image count once. Labels without an image are left out
    of MeanIR and listed in ``empty``; an image without labels has SCUMBLE 0.

    References
    ----------
    .. [1] F. Charte, A. J. Rivera, M. J. del Jesus, F. Herrera, "Addressing imbalance in
       multilabel classification: Measures and random resampling algorithms", Neurocomputing 163,
       3-16, 2015.
    .. [2] F. Charte, A. Rivera, M. J. del Jesus, F. Herrera, "Concurrence among imbalanced labels
       and its influence on multilabel resampling algorithms", HAIS 2014: SCUMBLE.

    Examples
    --------
    >>> from imblearn_images.model_selection import label_imbalance
    >>> imbalance = label_imbalance([["cat"], ["cat"], ["cat"], ["cat", "dog"], ["dog"], ["owl"]])
    >>> imbalance
    label  images  IRLbl  SCUMBLE
    cat         4  1.00   0.0143
    dog         2  2.00   0.0286
    owl         1  4.00   0.0000
    6 images, 1.17 labels per image, 4 sets of labels. MeanIR 2.333, SCUMBLE 0.0095.
    >>> imbalance.minority
    ['owl']
    """
    labels = count_labels_of(y)
    has = labels.counts > 0
    counts = has.sum(axis=0)
    if not counts.any():
        raise ValueError(
            f"`y` must have at least one label, got {len(has)} images without any. Check how the "
            "labels were read."
        )
    with np.errstate(divide="ignore"):
        irlbl = counts.max() / counts
    there = counts > 0
    ratios = np.where(there, irlbl, 1.0)  # no image has a label without ratio
    n_own = np.maximum(has.sum(axis=1), 1)
    geometric, arithmetic = np.exp(has @ np.log(ratios) / n_own), has @ ratios / n_own
    scumble = np.where(has.any(axis=1), 1 - geometric / np.maximum(arithmetic, 1.0), 0.0)
    scumble = scumble.clip(min=0.0)  # rounding may leave -1e-16
    scumble_of = np.where(there, scumble @ has / np.maximum(counts, 1), np.nan)
    return LabelImbalance(
        labels=labels.labels,
        counts=counts.astype(np.intp),
        irlbl=irlbl,
        scumble_of=scumble_of,
        mean_ir=float(irlbl[there].mean()),
        scumble=float(scumble.mean()),
        cardinality=float(has.sum() / len(has)),
        n_images=len(has),
        n_sets=len(np.unique(has, axis=0)),
    )


def _number(value: float, digits: int) -> str:
    """Format a number; "-" if it is not finite."""
    return f"{value:.{digits}f}" if np.isfinite(value) else "-"
