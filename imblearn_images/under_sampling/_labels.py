"""Under-sampling where an image has several labels, or several objects."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import numpy as np
from imblearn.under_sampling.base import BaseUnderSampler
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from imblearn_images._docstrings import substitute
from imblearn_images._label_sampler import LabelSamplerMixin, requested_labels, take_selected
from imblearn_images.core.multilabel import LabelCounts, Reach, choose_kept, set_names
from imblearn_images.core.plan import ResamplingPlan

__all__ = ["LabelUnderSampler"]


@substitute
class LabelUnderSampler(LabelSamplerMixin, BaseUnderSampler):
    """Drop images that hold frequent labels, where images have several labels.

    Dropping an image drops all of its labels. Which images are dropped is found by linear
    programming: no label falls below its target, labels that are not to be reduced keep their
    numbers, and frequent labels come as close to their targets as that allows. All images without
    a frequent label stay.

    {guide=several-labels}

    Parameters
    ----------
    {sampling_strategy_label_limits}
    keep : float, default=1.0
        Minimum share of its images, or objects, that each label which is not to be reduced must
        keep. With 1 every image that holds such a label stays; with less, frequent labels can
        come down further.
    {random_state}

    Attributes
    ----------
    {plan_}
    reach_ : Reach
        For every label the number before, the number requested and the number reached.
    {sample_indices_}
    {sampling_strategy_}
    {n_features_in_}

    Warns
    -----
    UserWarning
        If labels stay above their target, because the images that hold them hold rarer ones, too;
        such labels are named.

    See Also
    --------
    imblearn_images.over_sampling.LabelOverSampler : Repeat images instead.

    Notes
    -----
    The result is in the order of the images. Where nearly every image holds a rare label, few
    images can be dropped: repeat rare ones with ``LabelOverSampler`` instead.

    Examples
    --------
    >>> from imblearn_images import LabelUnderSampler
    >>> photos = ["1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg"]
    >>> labels = [["cat"], ["cat"], ["cat", "dog"], ["cat"], ["dog", "owl"]]
    >>> under = LabelUnderSampler({"cat": 2}, random_state=0)
    >>> photos_res, labels_res = under.fit_resample(photos, labels)
    >>> photos_res, labels_res
    (['3.jpg', '4.jpg', '5.jpg'], [['cat', 'dog'], ['cat'], ['dog', 'owl']])
    """

    sample_indices_: NDArray[np.intp]
    reach_: Reach
    embedding = None
    n_jobs = None

    def __init__(
        self,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
        *,
        keep: float = 1.0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.sampling_strategy = sampling_strategy
        self.keep = keep
        self.random_state = random_state

    def _requested(self, labels: LabelCounts) -> dict[Any, int]:
        """Return a dict of label to number to keep, without the labels that are left alone."""
        return requested_labels(self.sampling_strategy, labels, "under-sampling")

    def _fit_resample(self, X: Any, y: LabelCounts, embeddings: Any = None) -> tuple[Any, Any]:
        if not isinstance(self.keep, Real) or not 0 <= self.keep <= 1:
            raise ValueError(f"`keep` must be a share from 0 to 1, got {self.keep!r}.")
        if embeddings is not None:  # nothing is measured, but wrong features are reported
            self._own_features(X, set_names(y), embeddings)
        kept, self.reach_ = choose_kept(
            y.counts,
            self.sampling_strategy_,
            keep=float(self.keep),
            labels=y.labels,
            random_state=check_random_state(self.random_state),
        )
        if not kept.any():
            raise ValueError(
                "`sampling_strategy` must leave at least one image, got "
                f"{self.sampling_strategy!r:.80}. Request more."
            )
        self._warn_of_rest()
        rows = np.flatnonzero(kept)
        plan = ResamplingPlan.selection(rows, y.counts).labelled(y.counts[rows], y.labels)
        self.plan_, self.sample_indices_ = plan, rows
        return take_selected(X, plan), y.take(rows)

    def _warn_of_rest(self) -> None:
        """Warn of the labels that stay above their target."""
        above = [
            f"{label!r} (has {before}, wanted {wanted}, left {reached})"
            for label, before, wanted, reached, _ in self.reach_
            if wanted < before and reached > wanted
        ]
        if above:
            listed = ", ".join(above[:5]) + (" and others" if len(above) > 5 else "")
            warnings.warn(
                f"LabelUnderSampler leaves {len(above)} of {len(self.reach_)} labels above their "
                f"target: {listed}. Images that hold them hold labels that may not fall further. "
                "Lower `keep`, or raise rare labels with LabelOverSampler.",
                UserWarning,
                stacklevel=3,
            )
