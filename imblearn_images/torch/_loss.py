"""LogitAdjustedCrossEntropyLoss: the loss for training on classes of unequal sizes."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imblearn_images.torch._bases import base, check_torch

__all__ = ["LogitAdjustedCrossEntropyLoss"]

CrossEntropyLoss: Any = base("torch.nn", "CrossEntropyLoss")

ENOUGH = 2000
"""Number of labels, or 20 per class, after which the loss compares them with its counts."""


class LogitAdjustedCrossEntropyLoss(CrossEntropyLoss):
    """Cross-entropy of ``logits + tau * log(prior)``: train on unequal classes, predict for equal.

    During training the logarithms of the class shares are added to the logits, so that the network
    need not learn how frequent classes are. Its own logits, used alone at test time, then favour no
    class. With ``tau=1`` this is also known as balanced softmax.

    Read more in the :ref:`User Guide <training-loops>`.

    Parameters
    ----------
    counts : array-like of shape (K,)
        Number of rows of each class *that the loader yields*, or their shares, e.g.
        ``np.bincount(dataset.targets)``; each above 0. For a balanced loader they are equal, and
        the loss is plain cross-entropy.
    tau : float, default=1.0
        Strength of the correction; 0 is plain cross-entropy.
    weight, ignore_index, reduction, label_smoothing : default=None, -100, "mean", 0.0
        As for :class:`torch.nn.CrossEntropyLoss`.

    Attributes
    ----------
    log_prior : tensor of shape (K,), float32
        Logarithms of the class shares; a buffer, which moves with ``.to(device)`` and is saved.

    Raises
    ------
    ImportError
        If torch is not installed.
    ValueError
        If a count is not above 0, naming the class; if logits have another number of classes.

    Warns
    -----
    UserWarning
        If imbalance is visibly corrected twice: `weight` is larger for rarer classes, or the labels
        in training are balanced although `counts` are not.

    Notes
    -----
    *Correct once.* A balanced loader, class weights, this loss, and a
    :class:`~imblearn_images.decision.PriorCorrectedClassifier` around the network correct the same
    thing: use one of them. Two together favour rare classes.

    References
    ----------
    .. [1] A. K. Menon et al., "Long-Tail Learning via Logit Adjustment", ICLR 2021.
    .. [2] J. Ren et al., "Balanced Meta-Softmax for Long-Tailed Visual Recognition", NeurIPS 2020.

    Examples
    --------
    >>> import torch
    >>> loss = LogitAdjustedCrossEntropyLoss([900, 90, 10])
    >>> logits, targets = torch.zeros(2, 3), torch.tensor([0, 2])
    >>> round(float(loss(logits, targets)), 4)
    2.3553
    >>> plain = torch.nn.functional.cross_entropy(
    ...     logits + torch.tensor([0.9, 0.09, 0.01]).log(), targets
    ... )
    >>> round(float(plain), 4)
    2.3553
    """

    def __init__(
        self,
        counts: ArrayLike,
        tau: float = 1.0,
        *,
        weight: Any = None,
        ignore_index: int = -100,
        reduction: Literal["mean", "sum", "none"] = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        check_torch(type(self).__name__)
        import torch

        super().__init__(
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction,
            label_smoothing=label_smoothing,
        )
        numbers = _checked_counts(counts)
        self.tau = _number(tau)
        log_prior = np.log(numbers) - np.log(numbers.sum())
        self.register_buffer("log_prior", torch.tensor(log_prior, dtype=torch.float32))
        self._unequal = self.tau != 0 and bool(np.ptp(np.log(numbers)) > 0.1)
        self._to_see = max(ENOUGH, 20 * len(numbers)) if self._unequal else 0
        self._seen: Any = None
        if weight is not None and self._unequal:
            self._warn_of_weights(numbers, weight)

    def forward(self, input: Any, target: Any) -> Any:  # noqa: A002 - torch's name
        """Return the loss; shapes are those of :class:`torch.nn.CrossEntropyLoss`."""
        classes = 1 if input.dim() > 1 else 0
        if not input.dim():
            raise ValueError(
                "Logits must have one number for each class, shape (K,) or (m, K), got a single "
                "number. Leave out what adds them up, such as squeeze() or item()."
            )
        if input.shape[classes] != len(self.log_prior):
            raise ValueError(
                f"`counts` must have one entry for each class, got {len(self.log_prior)} for "
                f"logits of {input.shape[classes]} classes (shape {tuple(input.shape)})."
            )
        if self._to_see:
            self._look_at(input, target)
        log_prior = self.log_prior.reshape(-1, *(1,) * (input.dim() - classes - 1))
        return super().forward(input + self.tau * log_prior, target)

    def extra_repr(self) -> str:
        """Return the text that ``print`` shows in brackets."""
        return f"{len(self.log_prior)} classes, tau={self.tau:g}"

    def _look_at(self, input: Any, target: Any) -> None:  # noqa: A002
        """Count the first labels in training, then compare them with `counts` once."""
        import torch

        # Only training counts, which needs gradients, not validation, which is often balanced.
        # A compiled loss must not have side effects.
        trains = torch.is_grad_enabled() and input.requires_grad
        if torch.compiler.is_compiling() or not trains or target.is_floating_point():
            return
        if self._seen is None or self._seen.device != target.device:
            self._seen = torch.zeros(len(self.log_prior), dtype=torch.long, device=target.device)
        labels = target.reshape(-1)
        inside = (labels >= 0) & (labels < len(self.log_prior)) & (labels != self.ignore_index)
        # index_add_ instead of bincount, which would make the CPU wait for a GPU
        self._seen.index_add_(0, labels.clamp(0, len(self.log_prior) - 1), inside.long())
        self._to_see = max(0, self._to_see - labels.numel())
        if self._to_see:
            return
        seen = self._seen.double().cpu().numpy()
        self._seen = None
        # Log-likelihood ratio of the labels seen: equal classes against the shares of `counts`.
        evidence = seen @ (-np.log(len(seen)) - self.log_prior.double().cpu().numpy())
        if evidence > 10:
            warnings.warn(
                "The labels in training are balanced, but `counts` are not "
                f"({_brief(np.exp(self.log_prior.double().cpu().numpy()))}): the loader and the "
                "loss correct the same thing twice. Pass the counts of the rows that the loader "
                "yields, or use torch.nn.CrossEntropyLoss.",
                UserWarning,
                stacklevel=5,
            )

    def _warn_of_weights(self, numbers: NDArray[np.float64], weight: Any) -> None:
        """Warn if class weights and counts together are more equal than the counts alone."""
        weights = np.asarray(
            weight.detach().cpu().double() if hasattr(weight, "detach") else weight
        )
        if weights.shape != numbers.shape or not (weights > 0).all():
            return  # a wrong shape is torch's to report; weight 0 leaves a class out on purpose
        # Weights that undo the counts make their product more equal; 0.7 spares mild weights.
        if np.std(np.log(weights * numbers)) < 0.7 * np.std(np.log(numbers)):
            warnings.warn(
                "`weight` is larger for rarer classes: weights and adjusted logits correct the "
                "same thing twice. Leave one of them out.",
                UserWarning,
                stacklevel=3,
            )


def _number(tau: Any) -> float:
    try:
        value = float(tau)
    except (TypeError, ValueError, RuntimeError):
        value = np.nan
    if not np.isfinite(value) or isinstance(tau, str):
        raise ValueError(f"`tau` must be a finite number, got {tau!r}. 1 corrects fully, 0 not.")
    return value


def _checked_counts(counts: Any) -> NDArray[np.float64]:
    """Return the counts as floats; raise a ValueError if one is not above 0."""
    if hasattr(counts, "detach"):
        counts = counts.detach().cpu()
    try:
        numbers = np.asarray(counts, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        numbers = np.empty(0)
    if numbers.ndim != 1 or len(numbers) < 2:
        raise ValueError(
            "`counts` must hold the number of rows of each class, at least two, in the order of "
            f"the logits, got {counts!r:.80}."
        )
    wrong = np.flatnonzero(~(np.isfinite(numbers) & (numbers > 0)))
    if len(wrong):
        raise ValueError(
            f"`counts` must be above 0 for every class, got {numbers[wrong[0]]:g} for class "
            f"{wrong[0]}. A class that the loader never yields cannot be learned: leave it out "
            "of the network, or give it at least one row."
        )
    return numbers


def _brief(shares: NDArray[np.float64]) -> str:
    """Return the range of class shares as text."""
    return f"shares from {shares.max():.2g} to {shares.min():.2g}"
