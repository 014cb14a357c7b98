"""Estimators of the user's, imported by name for the command line."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sklearn.base import clone
from sklearn.utils import get_tags

from imblearn_images.core.wording import nearest

__all__ = ["from_folder", "import_estimator"]

PASS = "Pass MODULE:OBJECT, a classifier or a function without arguments that makes one"


def import_estimator(name: str) -> Any:
    """Import a classifier by "module:object", from the current folder or what is installed.

    Parameters
    ----------
    name : str
        A module, and in it a classifier, its class, or a function without arguments that
        returns one; "." leads to what is inside an object.

    Returns
    -------
    classifier : estimator
        Unfitted.

    Raises
    ------
    ValueError
        In one line, with the name, for whatever is wrong with it: it cannot be imported or
        called, or is no classifier that scikit-learn can clone.

    Examples
    --------
    >>> import_estimator("sklearn.naive_bayes:GaussianNB")
    GaussianNB()
    >>> import_estimator("os:system")
    Traceback (most recent call last):
    ...
    ValueError: --estimator os:system: system is built in, no classifier. Pass MODULE:OBJECT, ...
    """
    try:
        return _checked(_made(_found(name)))
    except _RefusedError as error:
        reason = " ".join(str(error).split())  # what is raised elsewhere may have many lines
        raise ValueError(
            f"--estimator {name}: {reason}. {PASS}, e.g. mymodels:pipeline."
        ) from error


class _RefusedError(Exception):
    """Why this is no estimator."""


@contextmanager
def from_folder(folder: str) -> Iterator[None]:
    """Let modules be imported from a folder, first of all places, and only here."""
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


def _found(name: str) -> Any:
    module_name, colon, path = name.partition(":")
    if not colon or not path:
        raise _RefusedError("it is MODULE:OBJECT" if not colon else "no object is named behind ':'")
    if module_name.endswith(".py") and module_name[:-3].isidentifier():
        raise _RefusedError(f"write the module without .py, {module_name[:-3]}:{path}")
    if not all(part.isidentifier() for part in module_name.split(".")):
        raise _RefusedError(f"{module_name!r} is no name of a module; run this in its folder")
    try:
        with from_folder(os.getcwd()):
            module = importlib.import_module(module_name)
    except ImportError as error:
        raise _RefusedError(f"cannot be imported: {error}") from error
    except BaseException as error:  # what a module does when it is imported is its own affair
        raise _refused(error, f"importing {module_name}") from error
    found: Any = module
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            near = nearest(part, [each for each in dir(found) if not each.startswith("_")])
            where = f" ({module.__file__})" if getattr(module, "__file__", None) else ""
            meant = f"; did you mean {near}?" if near else ""
            raise _RefusedError(f"cannot be imported: {error}{where}{meant}") from error
        except BaseException as error:
            raise _refused(error, f"looking up {part}") from error
    return found


def _made(found: Any) -> Any:
    """Make an estimator of a class or function; nothing is called that cannot make one."""
    is_class = isinstance(found, type)
    if (hasattr(found, "fit") and not is_class) or not callable(found):
        return found
    called = getattr(found, "__name__", type(found).__name__)
    if is_class and not hasattr(found, "fit"):
        raise _RefusedError(f"the class {called} is no classifier, it has no fit")
    if inspect.isbuiltin(found):
        raise _RefusedError(f"{called} is built in, no classifier")
    if inspect.iscoroutinefunction(found) or inspect.isgeneratorfunction(found):
        raise _RefusedError(f"{called} makes no classifier, it is a coroutine or generator")
    try:
        needed = [
            name
            for name, each in inspect.signature(found).parameters.items()
            if each.default is each.empty
            and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
        ]
    except (TypeError, ValueError):
        needed = []
    if needed:
        raise _RefusedError(f"{called} needs arguments ({', '.join(needed)}), it is given none")
    try:
        return found()
    except BaseException as error:
        raise _refused(error, f"calling {called}") from error


def _checked(made: Any) -> Any:
    kind = type(made).__name__
    if isinstance(made, type):
        raise _RefusedError(f"it returns the class {made.__name__}, not a classifier; return one")
    if lacking := [name for name in ("fit", "predict", "get_params") if not hasattr(made, name)]:
        raise _RefusedError(f"{kind} is no classifier, it has no {' and no '.join(lacking)}")
    try:
        role = get_tags(made).estimator_type
        clone(made)
    except BaseException as error:
        raise _refused(error, f"cloning {kind}") from error
    if role not in ("classifier", None):
        raise _RefusedError(f"{kind} is a {role.replace('_', ' ')}, no classifier")
    return made


def _refused(error: BaseException, doing: str) -> _RefusedError:
    if isinstance(error, KeyboardInterrupt):
        raise error
    return _RefusedError(f"{doing} fails with {type(error).__name__}: {error}")
