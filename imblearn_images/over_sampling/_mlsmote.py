"""MLSMOTE: synthetic images of rare labels, where images have several."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from numbers import Integral
from typing import Any, Literal

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_random_state

from imblearn_images._docstrings import substitute
from imblearn_images._label_sampler import LabelSamplerMixin, check_rows, requested_labels
from imblearn_images.core.embedding import Search
from imblearn_images.core.images import open_images
from imblearn_images.core.multilabel import LabelCounts, set_names
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.planning import AcceptRule
from imblearn_images.core.synthesis import Synthesis, makes_copies

__all__ = ["MLSMOTE"]

RULES = ("ranking", "union", "intersection")


@substitute
class MLSMOTE(LabelSamplerMixin, BaseOverSampler):
    """Blend images that share a rare label, where images have several labels.

    SMOTE for several labels: a synthetic image lies between an image with a rare label and one of
    its nearest neighbours among the images with that label. It gets the labels that at least half
    of the image and its neighbours have.

    {guide=several-labels}

    Parameters
    ----------
    {sampling_strategy_mlsmote}
    k_neighbors : int, default=5
        Number of nearest neighbours with the same rare label, one of which becomes the partner of
        an image. A label of fewer images uses all of them.
    labelset_strategy : {"ranking", "union", "intersection"}, default="ranking"
        Which labels a synthetic image gets: those that at least half, any, or all of the image
        and its neighbours have.
    {random_state}
    {embedding}
    {synthesis}
    {accept}
    {output_dir}
    {n_jobs}

    Attributes
    ----------
    {drawing_attributes}

    Raises
    ------
    ValueError
        For a parameter that is not one of those above, and as described under `fit_resample`.

    Warns
    -----
    UserWarning
        If a rare label has a single image, so that none can be made; such labels are named.

    See Also
    --------
    LabelOverSampler : Repeat or redraw whole images until each label reaches its target.
    imblearn_images.model_selection.label_imbalance : Which labels are rare, and with what.

    Notes
    -----
    As in [1]_ every image of a rare label is the base of one synthetic image; an image with
    several rare labels is the base of one for each. The step between both parents is one number
    per image, as in SMOTE; in [1]_ it is one per feature, which would turn pixels into noise.
    Neighbours and labels are those of the original images, not of synthetic ones made before.

    Compare it with class weights and a threshold for each label first: on both sets of
    ``tests/benchmarks/labels.py compare`` it leaves the mean average precision within 0.003 of
    that of doing nothing.

    A `synthesis` without partners, such as ``Augment()``, shows the base alone: then the
    labels are those of the base.

    References
    ----------
    .. [1] F. Charte, A. J. Rivera, M. J. del Jesus, F. Herrera, "MLSMOTE: Approaching imbalanced
       multilabel learning through synthetic instance generation", Knowledge-Based Systems 89,
       385-397, 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from imblearn_images import MLSMOTE
    >>> images = np.random.default_rng(0).integers(0, 256, (12, 8, 8), dtype=np.uint8)
    >>> labels = [["cat"]] * 6 + [["cat", "dog"]] * 4 + [["dog", "owl"]] * 2
    >>> smote = MLSMOTE(random_state=0)
    >>> images_res, labels_res = smote.fit_resample(images, labels)
    >>> smote.sampling_strategy_, labels_res[12:]
    ({'owl': 2}, [['dog', 'owl'], ['dog', 'owl']])
    >>> smote.plan_
    ResamplingPlan(12 images -> 14 rows: 12 original, 0 copies, 2 synthetic, near by pixels)
    """

    def __init__(
        self,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
        *,
        k_neighbors: int = 5,
        labelset_strategy: Literal["ranking", "union", "intersection"] = "ranking",
        random_state: int | np.random.RandomState | None = None,
        embedding: Callable[[Any], Any] | Literal["thumbnail"] | Any | None = None,
        synthesis: Synthesis | Callable[..., Any] | Literal["copy", "blend"] | None = None,
        accept: AcceptRule | Callable[..., Any] | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.sampling_strategy = sampling_strategy
        self.k_neighbors = k_neighbors
        self.labelset_strategy = labelset_strategy
        self.random_state = random_state
        self.embedding = embedding
        self.synthesis = synthesis
        self.accept = accept
        self.output_dir = output_dir
        self.n_jobs = n_jobs

    @property
    def _is_auto(self) -> bool:
        """Whether labels are chosen by IRLbl and MeanIR, as in the paper."""
        return isinstance(self.sampling_strategy, str) and self.sampling_strategy == "auto"

    def _requested(self, labels: LabelCounts) -> dict[Any, int]:
        has = labels.counts > 0
        before = has.sum(axis=0)
        targets = requested_labels(
            "all" if self._is_auto else self.sampling_strategy,
            LabelCounts(has.astype(np.int32), labels.labels, None),
            "over-sampling",
        )
        if self._is_auto:
            ratios = before.max() / np.maximum(before, 1)
            rare = np.flatnonzero((before > 0) & (ratios > ratios[before > 0].mean()))
            targets = {labels.labels[at]: 2 * int(before[at]) for at in rare}
        alone = [k for k in targets if before[labels.labels.index(k)] < 2]
        if alone:
            listed = ", ".join(map(repr, alone[:5])) + (" and others" if len(alone) > 5 else "")
            warnings.warn(
                f"{type(self).__name__} makes no images of {len(alone)} rare labels with fewer "
                f"than two images: {listed}. A single image has no neighbour. Use "
                "LabelOverSampler, which needs one image, or add images.",
                UserWarning,
                stacklevel=4,
            )
        return {
            label: n - int(before[labels.labels.index(label)])
            for label, n in targets.items()
            if label not in alone
        }

    def _fit_resample(self, X: Any, y: LabelCounts, embeddings: Any = None) -> tuple[Any, Any]:
        self._check_rule()
        if sparse.issparse(X):
            raise ValueError(
                f"`X` must be images or rows of pixels for {type(self).__name__}, got a sparse "
                "matrix. Pass an array, X.toarray()."
            )
        check_rows(len(y.counts) + sum(self.sampling_strategy_.values()))
        images = open_images(self._images_to_draw(X))
        names = set_names(y)
        features, nearness = self._own_features(images, names, embeddings)
        rng = check_random_state(self.random_state)
        has = y.counts > 0
        at_label = {label: at for at, label in enumerate(y.labels)}
        bags = {k: np.flatnonzero(has[:, at_label[k]]) for k in self.sampling_strategy_}
        search = Search(
            images if features is None else open_images(features), bags, n_jobs=self.n_jobs
        )
        base, partners, labels = [np.arange(len(has))], [np.arange(len(has))], [y.counts]
        reached = has.sum(axis=0)
        # The rarest first: images made of it may bring other labels up to their targets, too.
        for label in sorted(bags, key=lambda label: len(bags[label])):
            bag, at = bags[label], at_label[label]
            n = self.sampling_strategy_[label]
            if not self._is_auto:  # images made for other labels count towards the target
                n = max(0, n + len(bag) - int(reached[at]))
            if not n:
                continue
            k = min(int(self.k_neighbors), len(bag) - 1)
            near = bag[search(bag, bag, k + 1)[1][:, 1:]]
            rounds = [rng.permutation(len(bag)) for _ in range(-(-n // len(bag)))]
            chosen = np.concatenate(rounds)[:n]
            if n == len(bag):
                chosen = np.arange(n)
            made = self._labels_of(has[bag[chosen]], has[near[chosen]])
            base.append(bag[chosen])
            partners.append(near[chosen, rng.randint(k, size=n)])
            labels.append(made.astype(y.counts.dtype))
            reached = reached + made.sum(axis=0)
        rows, partner = np.concatenate(base), np.concatenate(partners)
        steps = np.zeros(len(rows))
        steps[len(has) :] = rng.uniform(size=len(rows) - len(has))
        drawn = np.arange(len(rows)) >= len(has)
        plan = ResamplingPlan(
            base=rows,
            partners=partner[:, None],
            weights=steps[:, None],
            y=names[rows],
            n_source=len(has),
            nearness=nearness or search.nearness if drawn.any() else "",
        )
        plan = self._with_synthesis(plan, images, names, features)
        counts = np.concatenate(labels)
        if makes_copies(plan.synthesis) or not plan.partners.shape[1]:
            counts = y.counts[rows]  # the image shows its base alone
        self.plan_ = plan.labelled(counts, y.labels)
        return self._draw(images), y.like(counts)

    def _labels_of(self, own: NDArray[np.bool_], near: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the labels of synthetic images, (m, L), from `own` (m, L) and `near` (m, k, L)."""
        votes = own.astype(np.intp) + near.sum(axis=1)
        needed = {"ranking": (near.shape[1] + 1) / 2, "union": 1, "intersection": near.shape[1] + 1}
        kept: NDArray[np.bool_] = votes >= needed[self.labelset_strategy]
        return kept

    def _check_rule(self) -> None:
        """Raise for a `labelset_strategy` or `k_neighbors` that is not allowed."""
        if self.labelset_strategy not in RULES:
            raise ValueError(
                f"`labelset_strategy` must be one of {', '.join(map(repr, RULES))}, got "
                f"{self.labelset_strategy!r}."
            )
        k = self.k_neighbors
        if not isinstance(k, Integral) or isinstance(k, bool) or k < 1:
            raise ValueError(f"`k_neighbors` must be an integer of at least 1, got {k!r}.")
