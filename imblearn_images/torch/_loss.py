"""The loss of a training on classes of unequal sizes."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imblearn_images.torch._bases import base, check_torch

__all__ = ["LogitAdjustedCrossEntropyLoss"]

CrossEntropyLoss: Any = base("torch.nn", "CrossEntropyLoss")

ENOUGH = 2000
"""Labels, or 20 for each class, after which the loss compares them with its counts."""


class LogitAdjustedCrossEntropyLoss(CrossEntropyLoss):
    """Cross-entropy of ``logits + tau * log(prior)``: train on unequal classes, predict for equal.

    While it trains, a network is given credit for the classes being frequent or rare; its own
    logits, used as they are at test time, then favour none. With ``tau=1`` also known as balanced
    softmax.

    Read more in the :ref:`User Guide <training-loops>`.

    Parameters
    ----------
    counts : array-like of shape (K,)
        Rows of each class *that the loader gives*, e.g.
        ``np.bincount(dataset.targets)``; shares will do. Of a balanced loader they are equal,
        and the loss is plain cross-entropy. Each above 0.
    tau : float, default=1.0
        How much is corrected; 0 is plain cross-entropy.
    weight, ignore_index, reduction, label_smoothing : default=None, -100, "mean", 0.0
        As of :class:`torch.nn.CrossEntropyLoss`.

    Attributes
    ----------
    log_prior : tensor of shape (K,), float32
        Logarithms of the shares: a buffer, which moves with ``.to(device)`` and is saved.

    Raises
    ------
    ImportError
        If torch is not installed.
    ValueError
        For a count that is not above 0, which names the class; for logits of another number of
        classes.

    Warns
    -----
    UserWarning
        Where it can be seen that the same is corrected twice: `weight` is the larger the rarer a
        class is, or the labels that come are balanced although `counts` are not.

    Notes
    -----
    *Correct once.* A balanced loader, class weights, this loss, and a
    :class:`~imblearn_images.decision.PriorCorrectedClassifier` behind the network correct the same
    thing: use one of them. Two together prefer the rare classes.

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
        """Compute the loss; shapes as of :class:`torch.nn.CrossEntropyLoss`."""
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
        """What ``print`` shows of it."""
        return f"{len(self.log_prior)} classes, tau={self.tau:g}"

    def _look_at(self, input: Any, target: Any) -> None:  # noqa: A002
        """Count the first labels of a training; compare them with `counts` once."""
        import torch

        # a compiled loss has no side effects; validation is often balanced, and needs no gradient
        trains = torch.is_grad_enabled() and input.requires_grad
        if torch.compiler.is_compiling() or not trains or target.is_floating_point():
            return
        if self._seen is None or self._seen.device != target.device:
            self._seen = torch.zeros(len(self.log_prior), dtype=torch.long, device=target.device)
        labels = target.reshape(-1)
        inside = (labels >= 0) & (labels < len(self.log_prior)) & (labels != self.ignore_index)
        # no bincount: on a GPU it would wait for the result
        self._seen.index_add_(0, labels.clamp(0, len(self.log_prior) - 1), inside.long())
        self._to_see = max(0, self._to_see - labels.numel())
        if self._to_see:
            return
        seen = self._seen.double().cpu().numpy()
        self._seen = None
        likelier = seen @ (-np.log(len(seen)) - self.log_prior.double().cpu().numpy())
        if likelier > 10:  # that the classes are equal, than that they are as `counts` says
            warnings.warn(
                "The labels that come are balanced, `counts` are not "
                f"({_brief(np.exp(self.log_prior.double().cpu().numpy()))}): the loader and the "
                "loss correct the same thing twice. Pass the counts of what the loader gives, or "
                "torch.nn.CrossEntropyLoss.",
                UserWarning,
                stacklevel=5,
            )

    def _warn_of_weights(self, numbers: NDArray[np.float64], weight: Any) -> None:
        weights = np.asarray(
            weight.detach().cpu().double() if hasattr(weight, "detach") else weight
        )
        if weights.shape != numbers.shape or not (weights > 0).all():
            return  # torch has its own words for it; a class that is left out has weight 0
        # what weights and counts make together is more equal than the counts alone
        if np.std(np.log(weights * numbers)) < 0.7 * np.std(np.log(numbers)):
            warnings.warn(
                "`weight` is the larger the rarer a class is: weights and adjusted logits correct "
                "the same thing twice. Leave one of them out.",
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
            f"{wrong[0]}. A class that the loader never gives cannot be learned: leave it out of "
            "the network, or give it at least one row."
        )
    return numbers


def _brief(shares: NDArray[np.float64]) -> str:
    return f"shares from {shares.max():.2g} to {shares.min():.2g}"
