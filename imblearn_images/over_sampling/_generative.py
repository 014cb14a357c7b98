"""Generative over-sampling: images of a class from a model."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from inspect import signature
from math import prod
from numbers import Integral
from typing import Any

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state

from imblearn_images._docstrings import substitute
from imblearn_images._sampler import ADDED, ImageSamplerMixin
from imblearn_images.core.columns import plain
from imblearn_images.core.embedding import Similarity
from imblearn_images.core.estimators import as_wanted
from imblearn_images.core.images import Images
from imblearn_images.core.pixels import check_unit, stored
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import allocate
from imblearn_images.core.rules import Generated
from imblearn_images.core.text import printable
from imblearn_images.core.validation import misfit
from imblearn_images.core.writing import write_synthetic

__all__ = ["GenerativeOverSampler"]


def check_generator(generator: Any, labels: Sequence[Any]) -> None:
    """Raise if `generator` cannot make images of every one of these classes.

    Raises
    ------
    TypeError
        For an object without the methods of a generator, a function or method that takes
        other arguments, a Pipeline with no way back to pixels.
    ValueError
        If a dict has no entry for a class, or an object that makes images of no particular
        class is to make several.
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
    """Return the function that draws images of a class from `generator`.

    Parameters
    ----------
    generator : object
        A generator that :func:`check_generator` accepts.
    label : object
        The class.
    images : callable
        ``images()`` gives the real images of the class, for a model that is to be fitted.
    rng : numpy.random.Generator
        Source of all random numbers.

    Returns
    -------
    draw : callable
        ``draw(n)`` returns `n` images as the generator makes them, not yet checked.

    Raises
    ------
    ValueError
        If a density model cannot be fitted to the images.
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
    """Raise for a Pipeline with a step that cannot bring samples back to pixels."""
    model = generator.estimator if isinstance(generator, FrozenEstimator) else generator
    for name, step in model.steps[:-1] if isinstance(model, Pipeline) else ():
        if step is not None and step != "passthrough" and not hasattr(step, "inverse_transform"):
            raise TypeError(
                f"`generator` is a Pipeline whose step {name!r} ({type(step).__name__}) has no "
                "`inverse_transform`, which is needed to bring samples back to pixels. Leave the "
                "step out, or use steps that have it, such as PCA or MinMaxScaler."
            )


def _check_call(generator: Any) -> None:
    """Raise for a function or method that does not take the arguments it will be given."""
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
    """Return whether this is an estimator that can sample, or a Pipeline that ends in one."""
    last = generator[-1] if isinstance(generator, Pipeline) else generator
    known = all(hasattr(last, name) for name in ("get_params", "fit", "sample"))
    return known and not isinstance(generator, FrozenEstimator)


def _method_of(generator: Any) -> Any:
    """Return the method ``generate`` or ``sample`` of an object, None if it has neither."""
    methods = (getattr(generator, name, None) for name in ("generate", "sample"))
    return next((method for method in methods if callable(method)), None)


def _seed(rng: np.random.Generator) -> int:
    """Draw an integer that every `random_state` takes."""
    return int(rng.integers(1 << 31))


def _fitted(model: Any, images: NDArray[Any], rng: np.random.Generator) -> Any:
    """Return a clone of a density model, fitted to the images, seeded where the user has not."""
    model = clone(model)
    # Sorted, so that each parameter gets the same seed in every version of the model.
    for name, value in sorted(model.get_params().items()):
        if name.split("__")[-1] == "random_state" and value is None:
            model.set_params(**{name: _seed(rng)})
    return model.fit(as_wanted(model, images))


def _sampled(model: Any, rng: np.random.Generator, n: int) -> Any:
    """Return `n` samples of a fitted model, brought back to pixels by the steps of a Pipeline."""
    last = model[-1] if isinstance(model, Pipeline) else model
    try:
        if "random_state" in signature(last.sample).parameters:
            made = last.sample(n, random_state=_seed(rng))
        else:  # GaussianMixture draws the same again unless seeded
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
    """Return the images that ``sample`` returned; mixtures return a pair: images, components."""
    return made[0] if _is_several(made) and len(made) == 2 else made


def _is_several(made: Any) -> bool:
    """Return whether this is a tuple such as images and labels, not one of images of one shape."""
    return isinstance(made, tuple) and len({np.shape(part) for part in made}) > 1


def checked(made: Any, n: int, real: NDArray[Any], subject: str) -> NDArray[Any]:
    """Return what a generator has made as an array in the shape of the `real` images.

    Parameters
    ----------
    made : array-like or tensor
        Of shape (n, H, W), (n, H, W, C), the same with axes of length 1 elsewhere, or rows of
        flattened pixels.
    n : int
        Number of images requested.
    real : ndarray of shape (m, ...)
        Real images of the class.
    subject : str
        Subject of the messages of errors.

    Returns
    -------
    images : ndarray of shape (n, ...)
        The images, in the dtype of `made`.

    Raises
    ------
    TypeError
        For a tuple, such as images and labels.
    ValueError
        If their number, shape or unit is another one, or they hold no numbers, or NaN.
    """
    if _is_several(made):
        raise TypeError(
            f"{subject} returned a tuple of {len(made)}; return the images alone, an array of {n}."
        )
    if hasattr(made, "detach"):  # a tensor of torch
        made = made.detach().cpu().numpy()
    made = np.asarray(made)
    shape = real.shape[1:]
    if made.dtype.kind not in "biuf":
        raise ValueError(f"{subject} must make numbers, got dtype {made.dtype}.")
    if made.ndim == 0 or len(made) != n:
        raise ValueError(f"{subject} must make {n} images, got an array of shape {made.shape}.")
    # Models differ in axes of length 1, and density models make flat rows: neither is an error.
    if made.shape[1:] != (prod(shape),) and _long(made.shape[1:]) != _long(shape):
        hint = ""
        if len(shape) == 3 and made.shape[1:] == (shape[2], *shape[:2]):
            hint = " These have channels first: transpose(0, 2, 3, 1)."
        elif len(shape) == 3 and made.shape[1:] == (*shape[1:], shape[0]):
            hint = " These have channels last: transpose(0, 3, 1, 2)."
        raise ValueError(
            f"{subject} must make images of shape {shape}, as the real ones, got {made.shape[1:]}."
            + hint
        )
    check_unit(made, real, f"{subject} makes")
    images: NDArray[Any] = made.reshape(n, *shape)
    return images


def _long(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape without its axes of length 1."""
    return tuple(size for size in shape if size != 1)


BATCH = 1 << 22  # pixels requested at a time: 32 MB if the generator makes float64
LOOKED_AT = 64  # real images, spread over the class, that generated ones must resemble in unit


@substitute
class GenerativeOverSampler(ImageSamplerMixin, BaseOverSampler):
    """Add images that a generator makes of each class.

    {guide=images-from-a-model}

    Parameters
    ----------
    generator : object, function or dict
        The source of images:

        - a density model of scikit-learn, such as ``GaussianMixture`` or ``KernelDensity``,
          or a Pipeline that ends in one behind steps with ``inverse_transform``: a clone is
          fitted for each class, on flattened pixels of the images given to
          ``fit_resample``, in a Pipeline those of the training fold;
        - a function ``(label, n, rng) -> images``, e.g. around a conditional GAN;
        - an object with ``generate(n)`` or ``sample(n)``, or a fitted density model in a
          ``FrozenEstimator``, if only one class is over-sampled; where ``sample`` returns a
          pair, its first part is used;
        - a dict with one of these for each class.

        It must return images in the shape and unit of X, as an array or a torch tensor; they
        are rounded to the dtype of X, and clipped to its range.
    {sampling_strategy_over}
    {random_state}
    {output_dir}
    {n_jobs}

    Attributes
    ----------
    {plan_}
    {sampling_strategy_}
    {n_features_in_}

    Raises
    ------
    TypeError
        If `generator` is none of these, takes other arguments, or returns a tuple; for a
        Pipeline with a step that has no ``inverse_transform``.
    ValueError
        If it does not know a class, cannot sample, or makes images of another shape, number or
        unit, e.g. from 0 to 1 where X has 0 to 255.

    Notes
    -----
    For each generated row the plan names as its base the real image of the class that it
    resembles most, by histograms of oriented gradients: compare both before you trust a generator.
    Only ``fit_resample`` draws such rows; ``render`` raises an error.

    `random_state` seeds `rng` and density models. An object that takes neither `rng` nor
    `random_state` must be seeded by the caller.

    A generator has seen all images of its class, so ``plan_.crosses(groups)`` names every
    generated row: split first, then resample. About 4 million pixels are requested at a time.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.mixture import GaussianMixture
    >>> from sklearn.pipeline import make_pipeline
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True)
    >>> density = make_pipeline(PCA(10), GaussianMixture(2, covariance_type="diag"))
    >>> sampler = GenerativeOverSampler(density, random_state=0)
    >>> X_res, y_res = sampler.fit_resample(images, labels)
    >>> X_res.shape, X_res.dtype
    ((768, 32, 32), dtype('uint8'))
    >>> sampler.plan_
    ResamplingPlan(361 images -> 768 rows: 361 original, 0 copies, 407 synthetic, generated)
    """

    _parameter_constraints: dict[str, Any] = {
        **BaseOverSampler._parameter_constraints,
        "generator": "no_validation",
        "random_state": ["random_state"],
        "output_dir": ADDED["output_dir"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        generator: Any,
        *,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[..., Any] = "auto",
        random_state: int | np.random.RandomState | None = None,
        output_dir: str | os.PathLike[str] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.generator = generator
        self.random_state = random_state
        self.output_dir = output_dir
        self.n_jobs = n_jobs

    def _fit_resample(self, X: Any, y: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        if sparse.issparse(X):
            resampled, labels = self._fit_resample(X.toarray(), y)
            return type(X)(resampled), labels
        n_new = {plain(label): n for label, n in self.sampling_strategy_.items() if n}
        check_generator(self.generator, list(n_new))
        images, n = self._images_to_draw(X), len(y)
        out = None
        if images.paths is None:
            # The whole output at once: joined blocks would for a moment take twice its memory.
            out = allocate((n + sum(n_new.values()), *images.shape_of(0)), images.dtype)
            images.read(np.arange(n), out[:n])
        base, paths = np.arange(n), []
        for similar, children in self._generated(images, y, n_new):
            if out is not None:
                out[len(base) : len(base) + len(similar)] = children
            else:
                plan = _generated_plan(similar, y, first=0)
                paths += self._written(plan, images, children.astype(np.float64))
            base = np.append(base, similar)
        self.plan_ = _generated_plan(base, y, first=n)
        return (images.joined(paths) if out is None else out), self.plan_.y

    def _written(
        self, plan: ResamplingPlan, images: Images, children: NDArray[np.float64]
    ) -> list[str]:
        assert self.output_dir is not None
        drawn = children.__getitem__
        return write_synthetic(plan, images, self.output_dir, drawn=drawn, n_jobs=self.n_jobs)

    def _generated(
        self, images: Any, y: NDArray[Any], n_new: dict[Any, int]
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[Any]]]:
        """Yield, block by block, the most similar real rows and the images, in the data's dtype."""
        seed = check_random_state(self.random_state).randint(1 << 32, size=4, dtype=np.uint32)
        rng = np.random.default_rng(seed.tolist())
        for label, count in n_new.items():
            rows = np.flatnonzero(y == label)
            own = images.subset(rows)
            shape = _one_shape(own, label)
            # Spread over the class: its first images may be of one burst.
            some = np.unique(np.linspace(0, len(rows) - 1, num=LOOKED_AT).astype(np.intp))
            real = _read(own, some, shape)
            read_all = partial(_read, own, np.arange(len(rows)), shape)
            ask = drawer(self.generator, label, read_all, rng)
            similarity = Similarity(own, n_jobs=self.n_jobs)
            search = NearestNeighbors(n_neighbors=1).fit(similarity.source)
            height = max(1, BATCH // prod(shape))
            for start in range(0, count, height):
                size = min(height, count - start)
                made = checked(ask(size), size, real, f"`generator` for class {label!r}")
                children = stored(_within(made, real), images.dtype)
                found = search.kneighbors(similarity.of(children), return_distance=False)[:, 0]
                yield rows[found], children


def _generated_plan(base: NDArray[np.intp], y: NDArray[Any], first: int) -> ResamplingPlan:
    """Return the plan of rows most similar to `base`, generated from row `first` on."""
    plan = ResamplingPlan.selection(base, y)
    return replace(plan, synthesis=Generated(), drawn=np.arange(len(plan)) >= first)


def _one_shape(images: Any, label: Any) -> tuple[int, ...]:
    """Return the shape of all images of a class; raise if they have several."""
    shape: tuple[int, ...] = images.shape_of(0)
    for row in range(len(images) if images.uniform is None else 0):
        if images.shape_of(row) != shape:
            raise ValueError(
                f"Class {label!r}: {printable(images.name_of(row))} has shape "
                f"{images.shape_of(row)}, {printable(images.name_of(0))} has {shape}; a generator "
                "makes images of one shape. Put `ReadImages(size=(height, width))` before this "
                "sampler."
            )
    return shape


def _read(images: Any, rows: NDArray[np.intp], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return the pixels of rows of equally shaped images, of `shape` each."""
    pixels = np.empty((len(rows), *shape), dtype=images.dtype)
    images.read(rows, pixels)
    return pixels


def _within(made: NDArray[Any], real: NDArray[Any]) -> NDArray[Any]:
    """Clip generated floats to 0 to 1 where the real images lie there; `stored` clips integers."""
    if real.dtype.kind == "f" and real.min() >= 0 and real.max() <= 1:
        return np.clip(made, 0, 1)
    return made
