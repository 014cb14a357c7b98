"""Estimators of your own, which the command line names as MODULE:OBJECT.

Whatever that object is, a mistake ends in one line: importing, calling and cloning run code that
this package does not know.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from joblib import parallel_config
from sklearn.base import clone
from sklearn.utils import get_tags

from imblearn_images.core.text import as_sentence, nearest

__all__ = ["from_folder", "import_estimator", "workers_that_import"]


PASS = "Pass MODULE:OBJECT, a classifier or a function without arguments that returns one"


def import_estimator(name: str) -> Any:
    """Import a classifier by "module:object", from the current folder or what is installed.

    Parameters
    ----------
    name : str
        A module and, after the colon, a classifier, its class, or a function without arguments
        that returns one; attributes of objects are reached with ".".

    Returns
    -------
    classifier : estimator
        The unfitted classifier.

    Raises
    ------
    ValueError
        If it cannot be imported or called, or is not a classifier that scikit-learn can clone;
        with the name, in one line.

    Examples
    --------
    >>> import_estimator("sklearn.naive_bayes:GaussianNB")
    GaussianNB()
    >>> import_estimator("os:system")
    Traceback (most recent call last):
    ...
    ValueError: --estimator os:system: system is built into Python, not a classifier. Pass ...
    """
    try:
        return _checked(_made(_found(name)))
    except _RefusedError as error:
        reason = " ".join(str(error).split())  # errors of other code may have many lines
        raise ValueError(
            f"--estimator {name}: {as_sentence(reason)} {PASS}, e.g. mymodels:pipeline."
        ) from error


class _RefusedError(Exception):
    """Why this is not an estimator; the message continues "--estimator NAME: ..."."""


@contextmanager
def from_folder(folder: str) -> Iterator[None]:
    """Make modules in a folder importable, before all others, within this context."""
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        # The module that was imported may have changed the path itself.
        if folder in sys.path:
            sys.path.remove(folder)


def _found(name: str) -> Any:
    """Return the object that "module:object" names."""
    module_name, colon, path = name.partition(":")
    if not colon or not path:
        raise _RefusedError(
            "a colon is missing" if not colon else "no object is named after the colon"
        )
    if module_name.endswith(".py") and module_name[:-3].isidentifier():
        raise _RefusedError(f"write the module without .py, {module_name[:-3]}:{path}")
    if not all(part.isidentifier() for part in module_name.split(".")):
        raise _RefusedError(f"{module_name!r} is not the name of a module; run this in its folder")
    try:
        with from_folder(os.getcwd()):
            module = importlib.import_module(module_name)
    except ImportError as error:
        raise _RefusedError(f"cannot be imported: {error}") from error
    except BaseException as error:  # importing runs arbitrary code, which may even exit
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
    """Return an estimator: the object itself, or what calling it returns.

    Objects that cannot return an estimator, such as built-in functions, are not called.
    """
    is_class = isinstance(found, type)
    if (hasattr(found, "fit") and not is_class) or not callable(found):
        return found
    called = getattr(found, "__name__", type(found).__name__)
    if is_class and not hasattr(found, "fit"):
        raise _RefusedError(f"the class {called} is not a classifier: it has no fit")
    if inspect.isbuiltin(found):
        raise _RefusedError(f"{called} is built into Python, not a classifier")
    if inspect.iscoroutinefunction(found) or inspect.isgeneratorfunction(found):
        raise _RefusedError(f"{called} is a coroutine or generator and returns no classifier")
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
        raise _RefusedError(f"{called} needs arguments ({', '.join(needed)}) and is called without")
    try:
        return found()
    except BaseException as error:
        raise _refused(error, f"calling {called}") from error


def _checked(made: Any) -> Any:
    """Return an estimator, or raise a _RefusedError if it is not a classifier."""
    kind = type(made).__name__
    if isinstance(made, type):
        raise _RefusedError(f"it returns the class {made.__name__}, not a classifier; return one")
    if lacking := [name for name in ("fit", "predict", "get_params") if not hasattr(made, name)]:
        raise _RefusedError(f"{kind} is not a classifier: it has no {' and no '.join(lacking)}")
    try:
        role = get_tags(made).estimator_type
        clone(made)
    except BaseException as error:
        raise _refused(error, f"cloning {kind}") from error
    if role not in ("classifier", None):
        raise _RefusedError(f"{kind} is a {role.replace('_', ' ')}, not a classifier")
    return made


def _refused(error: BaseException, doing: str) -> _RefusedError:
    """Return the reason for an error of the caller's code; Ctrl-C passes through."""
    if isinstance(error, KeyboardInterrupt):
        raise error
    return _RefusedError(f"{doing} fails with {type(error).__name__}: {error}")


def workers_that_import(estimator: str | None) -> AbstractContextManager[Any]:
    """Return a context in which worker processes can import the module of `estimator`."""
    if estimator is None:
        return nullcontext()
    return parallel_config("loky", initializer=_look_in, initargs=(os.getcwd(),))


def _look_in(folder: str) -> None:
    """Make modules in a folder importable; run in each worker process."""
    # At the end: the worker outlives this call, and modules of the folder must not hide installed
    # ones.
    sys.path.append(folder)
