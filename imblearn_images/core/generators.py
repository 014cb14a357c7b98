"""Generators: whatever makes images of a class, called in one way."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from inspect import signature
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from imblearn_images.core.pixels import check_unit
from imblearn_images.core.signatures import misfit
from imblearn_images.core.subsets import as_wanted


def check_generator(generator: Any, labels: Sequence[Any]) -> None:
    """Refuse what cannot make images of every one of these classes.

    Raises
    ------
    TypeError
        For an object without the methods of a generator, a function or method that takes
        other arguments, a Pipeline with no way back to pixels.
    ValueError
        If a dict has no entry for a class, or one object that knows no classes is to make
        several.
    """
    if isinstance(generator, Mapping):
        missing = [label for label in labels if label not in generator]
        if missing:
            raise ValueError(
                f"`generator` has no entry for the classes {missing!r}, which are over-sampled; "
                "add them, or leave the classes out of `sampling_strategy`."
            )
        for label in labels:
            check_generator(generator[label], [label])
        return
    if isinstance(generator, type):
        raise TypeError(
            f"`generator` must be an object, got the class {generator.__name__}; did you mean "
            f"{generator.__name__}()?"
        )
    _check_way_back(generator)
    if is_density_model(generator):
        return
    _check_call(generator)
    if isinstance(generator, FrozenEstimator) or _method_of(generator) is not None:
        if len(labels) > 1:
            raise ValueError(
                f"`generator` {type(generator).__name__} makes images of no particular class, but "
                f"{len(labels)} classes are over-sampled: {labels!r}. Pass a dict with a "
                "generator for each class, a function (label, n, rng) -> images, or a density "
                "model of scikit-learn, which is fitted for each class."
            )
    elif not callable(generator):
        raise TypeError(
            "`generator` must have a method generate(n) or sample(n), or be a function (label, n, "
            "rng) -> images, a density model of scikit-learn, or a dict with one of these for "
            f"each class; got {generator!r}."
        )


def drawer(
    generator: Any, label: Any, images: Callable[[], NDArray[Any]], rng: np.random.Generator
) -> Callable[[int], Any]:
    """Find out how `generator` is asked for images of a class.

    Parameters
    ----------
    generator : object
        What :func:`check_generator` lets pass.
    label : object
        The class.
    images : callable
        ``images()`` gives the real images of the class, for a model that is to be fitted.
    rng : numpy.random.Generator
        Where all random numbers come from.

    Returns
    -------
    draw : callable
        ``draw(n)`` gives what the generator makes of `n` images.
    """
    if isinstance(generator, Mapping):
        return drawer(generator[label], label, images, rng)
    if is_density_model(generator):
        real = images()
        try:
            model = _fitted(generator, real, rng)
        except ValueError as exc:
            raise ValueError(
                f"`generator` cannot be fitted to the {len(real)} images of class {label!r}: {exc}"
            ) from exc
        return partial(_sampled, model, rng)
    if isinstance(generator, FrozenEstimator):
        return partial(_sampled, copy.deepcopy(generator.estimator), rng)
    method = _method_of(generator)
    if method is None:
        return lambda n: generator(label, n, rng)
    seeded = "random_state" in signature(method).parameters

    def draw(n: int) -> Any:
        made = method(n, **({"random_state": _seed(rng)} if seeded else {}))
        return made if callable(getattr(generator, "generate", None)) else _without_labels(made)

    return draw


def _check_way_back(generator: Any) -> None:
    """Refuse a Pipeline with a step that cannot bring samples back to pixels."""
    model = generator.estimator if isinstance(generator, FrozenEstimator) else generator
    for name, step in model.steps[:-1] if isinstance(model, Pipeline) else ():
        if step is not None and step != "passthrough" and not hasattr(step, "inverse_transform"):
            raise TypeError(
                f"`generator` is a Pipeline whose step {name!r} ({type(step).__name__}) has no "
                "`inverse_transform`, which is needed to bring samples back to pixels. Leave the "
                "step out, or use steps that have it, such as PCA or MinMaxScaler."
            )


def _check_call(generator: Any) -> None:
    """Refuse a function or method that takes other arguments than it will be given."""
    method = None if isinstance(generator, FrozenEstimator) else _method_of(generator)
    if method is not None:
        reason = misfit(method, "n")
        if reason:
            raise TypeError(
                f"`generator` {type(generator).__name__}.{method.__name__} must take n, the "
                f"number of images: {reason}. Or pass a function (label, n, rng) -> images."
            )
    elif callable(generator):
        reason = misfit(generator, "label", "n", "rng")
        if reason:
            raise TypeError(
                "`generator` must be a function (label, n, rng) -> images, where `rng` is a "
                f"numpy.random.Generator, got {generator!r}: {reason}."
            )


def is_density_model(generator: Any) -> bool:
    """Tell whether this is an estimator that can sample, or a Pipeline that ends in one."""
    last = generator[-1] if isinstance(generator, Pipeline) else generator
    known = all(hasattr(last, name) for name in ("get_params", "fit", "sample"))
    return known and not isinstance(generator, FrozenEstimator)


def _method_of(generator: Any) -> Any:
    methods = (getattr(generator, name, None) for name in ("generate", "sample"))
    return next((method for method in methods if callable(method)), None)


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(1 << 31))


def _fitted(model: Any, images: NDArray[Any], rng: np.random.Generator) -> Any:
    """Fit a clone of a density model, seeded where its owner has not done so."""
    model = clone(model)
    for name, value in sorted(model.get_params().items()):
        if name.split("__")[-1] == "random_state" and value is None:
            model.set_params(**{name: _seed(rng)})
    return model.fit(as_wanted(model, images))


def _sampled(model: Any, rng: np.random.Generator, n: int) -> Any:
    """Sample from a fitted model, through the steps before it if it is a Pipeline."""
    last = model[-1] if isinstance(model, Pipeline) else model
    try:
        if "random_state" in signature(last.sample).parameters:
            made = last.sample(n, random_state=_seed(rng))
        else:  # GaussianMixture draws the same again unless told otherwise
            made = last.set_params(random_state=_seed(rng)).sample(n)
    except NotImplementedError as exc:
        raise ValueError(
            f"`generator` {last!r} cannot sample{f': {exc}' if str(exc) else ''}. KernelDensity "
            "can with kernel='gaussian' or kernel='tophat'."
        ) from exc
    made = _without_labels(made)
    if isinstance(model, Pipeline) and len(model) > 1:
        made = model[:-1].inverse_transform(made)
    return made


def _without_labels(made: Any) -> Any:
    """Images of what ``sample`` gives, which for mixtures is a pair: images, components."""
    return made[0] if _is_several(made) and len(made) == 2 else made


def _is_several(made: Any) -> bool:
    """Tell images and labels from a tuple of images, which are of one shape."""
    return isinstance(made, tuple) and len({np.shape(part) for part in made}) > 1


def checked(made: Any, n: int, real: NDArray[Any], who: str) -> NDArray[Any]:
    """Take what a generator has made for images like the `real` ones.

    Parameters
    ----------
    made : array-like or tensor
        Of shape (n, H, W), (n, H, W, C), the same with axes of length 1 elsewhere, or rows of
        flattened pixels.
    n : int
        How many were asked for.
    real : ndarray of shape (m, ...)
        Real images of the class.
    who : str
        For messages.

    Returns
    -------
    images : ndarray of shape (n, ...)
        In the shape of the real images.

    Raises
    ------
    TypeError
        For a tuple, such as images and labels.
    ValueError
        For another number or shape, no numbers, NaN, or another unit.
    """
    if _is_several(made):
        raise TypeError(
            f"{who} returned a tuple of {len(made)}; return the images alone, an array of {n}."
        )
    if hasattr(made, "detach"):  # a tensor of torch
        made = made.detach().cpu().numpy()
    made = np.asarray(made)
    shape = real.shape[1:]
    if made.dtype.kind not in "biuf":
        raise ValueError(f"{who} must make numbers, got dtype {made.dtype}.")
    if made.ndim == 0 or len(made) != n:
        raise ValueError(f"{who} was asked for {n} images, got an array of shape {made.shape}.")
    if made.shape[1:] != (prod(shape),) and _long(made.shape[1:]) != _long(shape):
        hint = ""
        if len(shape) == 3 and made.shape[1:] == (shape[2], *shape[:2]):
            hint = " These have channels first: transpose(0, 2, 3, 1)."
        elif len(shape) == 3 and made.shape[1:] == (*shape[1:], shape[0]):
            hint = " These have channels last: transpose(0, 3, 1, 2)."
        raise ValueError(
            f"{who} must make images of shape {shape}, as the real ones, got {made.shape[1:]}."
            + hint
        )
    check_unit(made, real, f"{who} makes")
    images: NDArray[Any] = made.reshape(n, *shape)
    return images


def _long(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)
