"""Classes of torch to inherit from: without torch the package can still be looked at."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["base", "check_torch"]


def base(module: str, name: str) -> Any:
    """Return a class of torch; without torch ``object``, of which nothing can be made.

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
    """Raise if torch is missing where a class of this name is to be used.

    Raises
    ------
    ImportError
        With the command that installs it.
    """
    if base("torch", "Tensor") is object:
        raise ImportError(f"{name} needs torch. Install it: pip install imblearn-images[torch]")
