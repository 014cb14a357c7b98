"""Signatures: whether a function takes what it will be given, told before it is called."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def misfit(function: Callable[..., Any], /, *arguments: str, **named: Any) -> str:
    """Why `function` cannot be called with so many positional, and these named arguments.

    Only the signature is asked: a TypeError from inside the function is its owner's to see.

    Returns
    -------
    reason : str
        Empty if it can be called, or does not tell, as some functions written in C.

    Examples
    --------
    >>> misfit(lambda label, n: None, "label", "n", "rng")
    'it takes (label, n), too many positional arguments'
    >>> misfit(lambda label, *others: None, "label", "n", "rng")
    ''
    """
    try:
        signature = inspect.signature(function)
    except ValueError:
        return ""
    try:
        signature.bind(*arguments, **named)
    except TypeError as error:
        return f"it takes ({', '.join(signature.parameters)}), {error}"
    return ""
