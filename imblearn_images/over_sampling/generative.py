"""Generative over-sampling: children from a model that makes images of a class."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from math import prod
from numbers import Integral
from typing import Any

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from numpy.typing import NDArray
from scipy import sparse
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state

from imblearn_images.base import ImageSamplerMixin
from imblearn_images.core.containers import join_paths
from imblearn_images.core.generators import check_generator, checked, drawer
from imblearn_images.core.images import FileImages
from imblearn_images.core.likeness import Likeness
from imblearn_images.core.mixing import stored
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import allocate
from imblearn_images.core.targets import plain
from imblearn_images.core.text import printable
from imblearn_images.core.writing import write_children
from imblearn_images.drawing import images_of
from imblearn_images.parameters import ADDED

__all__ = ["GenerativeOverSampler"]

BATCH = 1 << 22  # pixels that are asked for at a time
LOOKED_AT = 64  # real images with which the shape and unit of generated ones are compared


class GenerativeOverSampler(ImageSamplerMixin, BaseOverSampler):
    """Add images that a generator makes of each class.

    Parameters
    ----------
    generator : object, function or dict
        What makes images:

        - a density model of scikit-learn, such as ``GaussianMixture`` or ``KernelDensity``,
          or a Pipeline that ends in one behind steps with ``inverse_transform``: a clone is
          fitted for each class, on flattened pixels of the images given to
          ``fit_resample``, in a Pipeline those of the training fold;
        - a function ``(label, n, rng) -> images``, e.g. around a conditional GAN;
        - an object with ``generate(n)`` or ``sample(n)``, or a fitted density model in a
          ``FrozenEstimator``, if one class is over-sampled; of a pair from ``sample``, the
          first is taken;
        - a dict with one of these for each class.

        Images come in the shape and unit of X, as arrays or torch tensors; they are rounded
        to its dtype, and clipped.
    sampling_strategy : float, str, dict or callable, default='auto'
        Which classes to resample, and to how many images; as in imbalanced-learn.
    random_state : int, RandomState instance or None, default=None
        Seed of the generators `rng`, and of density models. An object that takes neither
        `rng` nor `random_state` must be seeded by its owner.
    output_dir : str or pathlib.Path, default=None
        For paths only, and then needed: the folder the generated images are written to.
    n_jobs : int, default=None
        Threads that look for the most similar real images, and write.

    Attributes
    ----------
    plan_ : ResamplingPlan
        Which rows are generated. Their base is the real image of the class that each looks
        most like, by histograms of oriented gradients: look at both before you trust a
        generator. Only ``fit_resample`` draws them; ``render`` refuses.
    sampling_strategy_ : dict
        Class label to number of images to add.
    n_features_in_ : int
        Pixels per image times channels.

    Raises
    ------
    TypeError
        If `generator` is nothing of these, takes other arguments, or returns a tuple; for a
        Pipeline with a step that has no ``inverse_transform``.
    ValueError
        If it knows no such class, cannot sample, or makes images of another shape, number or
        unit, e.g. 0 to 1 where X has 0 to 255.

    Notes
    -----
    A generator has seen all images of its class, so ``plan_.crosses(groups)`` names every
    generated row: split first, then resample. About 4 million pixels are asked for at a time.

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
        sampling_strategy: Any = "auto",
        random_state: Any = None,
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
        images, n = images_of(X, self), len(y)
        out = None
        if not isinstance(images, FileImages):
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
        return (join_paths(X, paths) if out is None else out), self.plan_.y

    def _written(
        self, plan: ResamplingPlan, images: FileImages, children: NDArray[np.float64]
    ) -> list[str]:
        assert self.output_dir is not None
        drawn = children.__getitem__
        return write_children(plan, images, self.output_dir, drawn=drawn, n_jobs=self.n_jobs)

    def _generated(
        self, images: Any, y: NDArray[Any], n_new: dict[Any, int]
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[Any]]]:
        """Blocks of children in the dtype of the data, and the real images they look like."""
        seed = check_random_state(self.random_state).randint(1 << 32, size=4, dtype=np.uint32)
        rng = np.random.default_rng(seed.tolist())
        for label, count in n_new.items():
            rows = np.flatnonzero(y == label)
            kin = images.subset(rows)
            shape = _one_shape(kin, label)
            some = np.unique(np.linspace(0, len(rows) - 1, num=LOOKED_AT).astype(np.intp))
            real = _read(kin, some, shape)
            read_all = partial(_read, kin, np.arange(len(rows)), shape)
            ask = drawer(self.generator, label, read_all, rng)
            likeness = Likeness(kin, n_jobs=self.n_jobs)
            search = NearestNeighbors(n_neighbors=1).fit(likeness.source)
            height = max(1, BATCH // prod(shape))
            for start in range(0, count, height):
                size = min(height, count - start)
                made = checked(ask(size), size, real, f"`generator` for class {label!r}")
                children = stored(_within(made, real), images.dtype)
                found = search.kneighbors(likeness.of(children), return_distance=False)[:, 0]
                yield rows[found], children


def _generated_plan(base: NDArray[np.intp], y: NDArray[Any], first: int) -> ResamplingPlan:
    """Plan of rows that are generated from row `first` on, and look like `base`."""
    plan = ResamplingPlan.selection(base, y)
    return replace(plan, synthesis="generated", drawn=np.arange(len(plan)) >= first)


def _one_shape(images: Any, label: Any) -> tuple[int, ...]:
    shape: tuple[int, ...] = images.shape_of(0)
    for row in range(len(images) if isinstance(images, FileImages) else 0):
        if images.shape_of(row) != shape:
            raise ValueError(
                f"Class {label!r}: {printable(images.paths[row])} has shape "
                f"{images.shape_of(row)}, {printable(images.paths[0])} has {shape}; a generator "
                "makes images of one shape. Put `ReadImages(size=(height, width))` before this "
                "sampler."
            )
    return shape


def _read(images: Any, rows: NDArray[np.intp], shape: tuple[int, ...]) -> NDArray[Any]:
    pixels = np.empty((len(rows), *shape), dtype=images.dtype)
    images.read(rows, pixels)
    return pixels


def _within(made: NDArray[Any], real: NDArray[Any]) -> NDArray[Any]:
    """Clip floats that are made for images from 0 to 1; `stored` clips integers."""
    if real.dtype.kind == "f" and real.min() >= 0 and real.max() <= 1:
        return np.clip(made, 0, 1)
    return made
