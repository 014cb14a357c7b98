"""Parameters: what samplers of images have beyond those of imbalanced-learn."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Sequence
from functools import wraps
from numbers import Integral
from typing import Any, TypeVar

__all__ = ["ADDED", "DRAWING", "check_plain", "with_parameters"]

ADDED = {
    "embedding": "no_validation",
    "interpolate": "no_validation",
    "synthesis": "no_validation",
    "accept": "no_validation",
    "output_dir": [str, os.PathLike, None],
    "n_jobs": [Integral, None],
}
"""Name and constraints of each."""

DRAWING = ("interpolate", "synthesis", "accept")
"""Those that say how children are drawn."""

DEFAULTS = {"interpolate": "pixels"}
"""Where it is not None."""


Class = TypeVar("Class", bound=type)


def with_parameters(*names: str) -> Callable[[Class], Class]:
    """Class decorator: imbalanced-learn's constructor with further keywords."""

    def extend(cls: Class) -> Class:
        theirs = cls.__init__  # type: ignore[misc]

        @wraps(theirs)
        def __init__(self: Any, *args: Any, **params: Any) -> None:  # noqa: N807
            ours = {name: params.pop(name, DEFAULTS.get(name)) for name in names}
            theirs(self, *args, **params)
            for name, value in ours.items():
                setattr(self, name, value)

        signature = inspect.signature(theirs)
        kind = inspect.Parameter.KEYWORD_ONLY
        added = [inspect.Parameter(name, kind, default=DEFAULTS.get(name)) for name in names]
        both = [*signature.parameters.values(), *added]
        __init__.__signature__ = signature.replace(parameters=both)  # type: ignore[attr-defined]
        cls.__init__ = __init__  # type: ignore[misc]
        constraints = {name: ADDED[name] for name in names}
        cls._parameter_constraints = {**cls._parameter_constraints, **constraints}  # type: ignore[attr-defined]
        return cls

    return extend


def check_plain(sampler: Any, names: Sequence[str], advice: str) -> None:
    """Refuse parameters about images in a sampler of images that is run on features.

    Raises
    ------
    ValueError
        Naming the parameter; `advice` says where it belongs.
    """
    given = inspect.signature(type(sampler)).parameters
    for name in [name for name in names if name in given]:
        value = getattr(sampler, name)
        default = given[name].default
        if value is not default and not (isinstance(value, str) and value == default):
            raise ValueError(
                f"{type(sampler).__name__} is run on features here, its {name}={value!r} is "
                f"about images. {advice}"
            )
