"""Base classes from torch; without torch, this package can still be imported."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["base", "check_torch"]


def base(module: str, name: str) -> Any:
    """Return a class of torch to inherit from; ``object`` if torch is not installed.

    Examples
    --------
    >>> base("torch.utils.data", "Dataset")
    <class 'torch.utils.data.dataset.Dataset'>
    """
    try:
        return getattr(import_module(module), name)
    except ImportError:
        return object


def check_torch(name: str) -> None:
    """Raise if torch is not installed; `name` is the class that needs it.

    Raises
    ------
    ImportError
        With the command that installs it.
    """
    if base("torch", "Tensor") is object:
        raise ImportError(f"{name} needs torch. Install it: pip install imblearn-images[torch]")
