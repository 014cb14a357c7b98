"""Hints: what somebody may have meant by a sampler that is refused."""

from __future__ import annotations

from typing import Any

from imblearn_images import combine, over_sampling, under_sampling

__all__ = ["instead_of"]


def instead_of(sampler: Any) -> str:
    """Sentence, with a space before it, on what to use instead; empty if nothing is near.

    Parameters
    ----------
    sampler : object
        Anything.

    Examples
    --------
    >>> from imblearn.combine import SMOTEENN
    >>> instead_of(SMOTEENN())
    ' Use imblearn_images.SMOTEENN, which takes images.'
    >>> instead_of(SMOTEENN)
    ' Did you mean SMOTEENN()?'
    >>> instead_of(None)
    ''
    """
    if isinstance(sampler, type):
        return f" Did you mean {sampler.__name__}()?" if hasattr(sampler, "fit_resample") else ""
    name = type(sampler).__name__
    modules = (combine, over_sampling, under_sampling)
    ours = next((getattr(module, name) for module in modules if name in module.__all__), None)
    if ours is None or isinstance(sampler, ours):
        return ""
    return f" Use imblearn_images.{name}, which takes images."
