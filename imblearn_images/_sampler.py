"""What the samplers share: images in any container in, the same container out."""

from __future__ import annotations

import copy
import inspect
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from math import prod
from numbers import Integral
from typing import Any, NoReturn, TypeVar

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_neighbors_object, check_target_type
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from imblearn_images._docstrings import substitute
from imblearn_images.core.columns import told, unwrap_labels
from imblearn_images.core.disk import check_local
from imblearn_images.core.embedding import Search, check_embedding, embed, given_features
from imblearn_images.core.images import Images, StoreImages, open_images, unwrap_images
from imblearn_images.core.listening import RowNeighbors, listen, without_images
from imblearn_images.core.memory import check_fits
from imblearn_images.core.pixels import check_drawn, store
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.planning import plan_synthesis
from imblearn_images.core.rendering import DrawnImages, allocate, render, resampled
from imblearn_images.core.rules import answer
from imblearn_images.core.validation import (
    as_counts,
    check_images,
    check_lengths,
    check_plan_fits,
    check_strategy,
    class_told,
    misfit,
)
from imblearn_images.core.writing import DrawLater, write_synthetic
from imblearn_images.neighbors import ImageNeighbors
from imblearn_images.synthesis._decoding import DecodedBlend

__all__ = [
    "ADDED",
    "DRAWING",
    "ImageSamplerMixin",
    "MeasuringSamplerMixin",
    "MeasuringSelectorMixin",
    "SelectingSamplerMixin",
    "TracedSamplerMixin",
    "check_plain",
    "finds_exactly",
    "returned",
    "searched_here",
]

ADDED: dict[str, Any] = {
    "embedding": "no_validation",
    "synthesis": "no_validation",
    "accept": "no_validation",
    "output_dir": [str, os.PathLike, None],
    "n_jobs": [Integral, None],
}
"""Constraints of the parameters of samplers that draw images, besides imbalanced-learn's."""

DRAWING = ("interpolate", "synthesis", "accept")
"""Parameters that say how synthetic images are drawn."""

ImageSet = TypeVar("ImageSet")
Labels = TypeVar("Labels")


def check_plain(sampler: Any, names: Sequence[str], advice: str) -> None:
    """Raise for parameters about images in a sampler that is run on features.

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
                f"{type(sampler).__name__} works on features here, but its {name}={value!r} is "
                f"about images. {advice}"
            )


def _check_output(folder: str | os.PathLike[str], paths: NDArray[Any]) -> None:
    """Raise if synthetic images would lie among their parents, or no folder can be made."""
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise NotADirectoryError(
            f"`output_dir` must be a folder, got the file {os.fspath(folder)}."
        )
    sources = set()
    for name in map(os.fspath, paths):
        sources.add(os.path.dirname(name))
        if os.path.islink(name):
            sources.add(os.path.dirname(os.path.realpath(name)))
    if os.path.realpath(folder) in {os.path.realpath(source) for source in sources}:
        raise ValueError(
            f"`output_dir` must not be a folder of the images themselves, got {os.fspath(folder)}: "
            "synthetic images would be taken for real ones the next time they are listed. Give "
            "every step that draws images a folder of its own."
        )


LIMITS = partial(np.errstate, over="ignore", invalid="ignore")
"""Context in which pixels near the limits of their type give no warning on the way."""


def returned(
    X: Any,
    images: Any,
    made: Any,
    plan: ResamplingPlan,
    rewrap: Callable[..., Any] | None,
    rows: NDArray[np.intp] | None = None,
) -> Any:
    """Return what a sampler has made of `X` in the form in which it was passed.

    Parameters
    ----------
    X : images or table
        What the user passed.
    images, rewrap
        What :func:`~imblearn_images.core.images.unwrap_images` returned for it.
    made : Images, ndarray or table
        The result: a home of pixels where images are selected, or drawn when they are read.
    plan : ResamplingPlan
        The decision.
    rows : ndarray of int, default=None
        Rows of `X` whose index labels the result keeps.
    """
    # The user passed the array itself, not a home: the result is an array, of dask a lazy one.
    if isinstance(images, StoreImages) and images is not X:
        return resampled(plan, images)
    if rewrap is None or isinstance(made, DrawnImages):  # drawn when they are read, as requested
        return made
    if isinstance(made, Images):  # selected: their paths, or else their pixels
        made = render(plan, images) if made.paths is None else made.paths
    return rewrap(made, rows)


@substitute
class ImageSamplerMixin:
    """Mixin that lets a sampler of imbalanced-learn take images and file paths.

    It goes before imbalanced-learn's class of the same name and adds nothing but the
    door: containers, validation, and the two hooks. Think twice before adding anything
    here: what a sampler decides belongs in ``core.listening``, pixels in
    ``core.rendering``.
    """

    plan_: ResamplingPlan
    sampling_strategy: Any
    n_jobs: Any = None
    output_dir: Any = None
    _sampling_type: str

    def fit(self, X: Any, y: Any, **params: Any) -> Any:
        """Check the inputs and compute ``sampling_strategy_``; see `fit_resample`."""
        self._check_names("fit", params)
        images, _ = unwrap_images(X)
        labels, _ = unwrap_labels(y)
        with class_told(self.sampling_strategy, labels, self._sampling_type):
            return super().fit(images, labels, **params)  # type: ignore[misc]

    # Nothing may be passed as `params`: type checkers see that, and at run time the error names
    # what there is.
    def fit_resample(self, X: ImageSet, y: Labels, **params: NoReturn) -> tuple[ImageSet, Labels]:
        """Resample the images.

        Parameters
        ----------
        {images}
        y : array-like of shape (n,)
            Labels in any container; one-hot rows of shape (n, n_classes) are accepted, too.

        Returns
        -------
        X_resampled : images
            In the container, dtype and shape of `X`. A memmap comes back as an array, a
            tensor on the CPU; see :func:`imblearn_images.core.containers.unwrap`. Of a home of
            pixels, :mod:`imblearn_images.images`, those that are selected, unread; an array
            where images are drawn.
        y_resampled : array-like of shape (n_resampled,)
            Labels of `X_resampled`, in the container and dtype of `y`; one-hot rows with all
            of their columns.

        Raises
        ------
        ValueError
            If lengths differ, a label is missing, there is one class only, or the
            sampler cannot work with a class; the row or class is named.
        TypeError
            For a parameter that this sampler does not take.
        """
        self._check_params(params)
        images, rewrap = unwrap_images(X)
        labels, rewrap_labels = unwrap_labels(y)
        # imbalanced-learn keeps what it works on in attributes. Working on a copy, threads that
        # share a sampler do not see each other's; what is left at the end is one whole result.
        worker = copy.copy(self)
        with class_told(self.sampling_strategy, labels, self._sampling_type):
            X_resampled, y_resampled = super(ImageSamplerMixin, worker).fit_resample(  # type: ignore[misc]
                images, labels, **params
            )
        self.__dict__ = vars(worker)
        plan = worker.plan_
        self._warn_of_lost_classes(np.asarray(labels).reshape(-1))
        y_resampled = rewrap_labels(y_resampled)
        # As imbalanced-learn: under-sampled rows of a data frame keep the labels of its index.
        keeps_index = not isinstance(self, BaseOverSampler) and not plan.synthetic.any()
        rows = plan.base if keeps_index else None
        X_resampled = returned(X, images, X_resampled, plan, rewrap, rows)
        if images is not X and hasattr(X_resampled, "iloc") and hasattr(y_resampled, "iloc"):
            y_resampled.index = X_resampled.index
        return X_resampled, y_resampled

    @property
    def sampling_strategy_(self) -> Any:
        """Class label to number of images, as imbalanced-learn has worked it out."""
        try:
            return vars(self)["sampling_strategy_"]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} is not fitted yet.") from None

    @sampling_strategy_.setter
    def sampling_strategy_(self, counts: Any) -> None:
        # imbalanced-learn takes 20.0 for a number, and fails where it counts with it
        vars(self)["sampling_strategy_"] = as_counts(counts)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        # By this tag our meta-estimators know that images may come unflattened.
        tags.input_tags.three_d_array = True
        return tags

    def _check_X_y(self, X: Any, y: Any) -> tuple[Any, NDArray[Any], bool]:
        check_lengths(X, y)
        if isinstance(X, Images):
            # Of imbalanced-learn's own check only this half takes anything but (n, d).
            y, binarize_y = check_target_type(y, indicate_one_vs_all=True)
        else:
            with LIMITS(), _text_told(X):  # scikit-learn adds up what it looks at
                X, y, binarize_y = super()._check_X_y(X, y)  # type: ignore[misc]
        if (y == y[0]).all():
            raise ValueError(
                "The target 'y' needs to have more than 1 class. Got 1 class instead: "
                f"{told(y[0])!r} is the label of all {len(y)} images. Check how the labels were "
                "read."
            )
        if callable(self.sampling_strategy) or isinstance(self.sampling_strategy, Mapping):
            check_strategy(self.sampling_strategy, y, self._sampling_type)
            check_plan_fits(self.sampling_strategy, y, self._sampling_type)
        if isinstance(X, Images):
            shape: tuple[int, ...] = ()
            if X.paths is None:
                shape = X.uniform or X.shape_of(0)
                check_images((len(X), *shape), X.dtype)
            self.n_features_in_ = prod(shape)
            if hasattr(self, "feature_names_in_"):
                del self.feature_names_in_  # of a fit on a data frame
        return X, y, binarize_y

    def _images_to_draw(self, X: Any, rows: NDArray[np.intp] | None = None) -> Any:
        """Images that are mixed, or a sparse matrix; files need an `output_dir`.

        Of files those in `rows` are looked at, by default all.
        """
        if sparse.issparse(X):
            return X
        images = open_images(X)
        later = getattr(self, "lazy", False)  # whoever reads an image has it drawn, not written
        if images.paths is not None and not later:
            if self.output_dir is None:
                name = type(self).__name__
                raise ValueError(
                    f"X holds file paths, and {name} makes images that are in no file yet. Say "
                    "where to write them with `output_dir=`, or put `ReadImages` before "
                    f"{name} to resample arrays in memory."
                )
            _check_output(self.output_dir, images.paths)
        if not images.in_memory:
            images.look_at(np.arange(len(images)) if rows is None else rows, n_jobs=self.n_jobs)
        if images.paths is not None and not later:
            images.check_can_be_written()  # type: ignore[attr-defined]
        return images

    def _draw(self, images: Any, values: NDArray[Any] | None = None) -> Any:
        """Carry out ``plan_``: pixels are rendered, of files the synthetic images written.

        `values`, shape (n_out, d), are the exact pixels of the rows where they are known; by
        default the plan's parents are mixed.
        """
        plan, jobs = self.plan_, self.n_jobs
        if getattr(images, "draws_later", False) and values is None and not plan.why_not:
            return DrawnImages(plan, images)
        if isinstance(self.output_dir, DrawLater) and getattr(images, "paths", ()) is None:
            # decided on what a step before would draw; what becomes of it is the caller's business
            return images.subset(plan.base)
        if sparse.issparse(images) or images.paths is None:
            if values is None:
                return render(plan, images, n_jobs=jobs)
            out = allocate((len(plan), *images.shape_of(0)), images.dtype)
            drawn = plan.synthetic
            for row, pixels in enumerate(values):
                if drawn[row]:
                    store(np.array(pixels).reshape(out.shape[1:]), out[row])
                else:  # values are rounded where float64 cannot hold the pixels
                    images.read(plan.base[row : row + 1], out[row : row + 1])
            return out
        exact = None if values is None else values.__getitem__
        children = write_synthetic(plan, images, self.output_dir, drawn=exact, n_jobs=jobs)
        joined = images.joined(children)
        rows = plan.first_base.copy()
        rows[plan.synthetic] = np.arange(len(images), len(joined))
        return joined.subset(rows)

    def _warn_of_lost_classes(self, y: NDArray[Any]) -> None:
        """Say which classes of `y` a sampler has left no image of, unless it was asked to."""
        if np.array_equal(self.plan_.y[: len(y)], y):  # all are there: images were only added
            return
        labels, counts = np.unique(y, return_counts=True)
        left = np.isin(labels, self.plan_.y)
        asked = self.sampling_strategy_ if self._sampling_type == "under-sampling" else {}
        lost = [
            f"{told(label)!r} ({count} before)"
            for label, count, is_left in zip(labels, counts, left, strict=True)
            if not is_left and asked.get(label) != 0
        ]
        if lost:
            warnings.warn(
                f"{type(self).__name__} has left no image of {len(lost)} of {len(labels)} classes: "
                f"{', '.join(lost)}. Nothing behind it learns them. Measure distances in another "
                "`embedding`, ask for fewer neighbours, or leave these classes alone.",
                UserWarning,
                stacklevel=3,
            )

    def _check_params(self, params: dict[str, Any]) -> None:
        """Raise for what no image has to be looked at to refuse."""
        folder = self.output_dir
        if isinstance(folder, str) and not folder:  # it would be taken for the current folder
            raise ValueError(
                "`output_dir` must be None or the name of a folder, got ''. The current folder is "
                "'.'."
            )
        if isinstance(folder, (str, os.PathLike)):  # others imbalanced-learn refuses
            check_local(folder, "output_dir")
        if params:
            self._check_names("fit_resample", params)

    def _check_names(self, method: str, params: dict[str, Any]) -> None:
        """Raise for a parameter of `method` that this sampler does not take."""
        reason = misfit(self._fit_resample, "X", "y", **params)  # type: ignore[attr-defined]
        if reason:
            raise TypeError(f"{type(self).__name__}.{method}: {reason}. Leave that out.")


@contextmanager
def _text_told(X: Any) -> Iterator[None]:
    """Raise with what may have been meant by a table of text."""
    try:
        yield
    except ValueError as error:
        if "convert string to float" not in str(error) and "bytes/strings" not in str(error):
            raise
        reason = str(error).rstrip(".")
        raise ValueError(
            f"X of shape {np.shape(X)} holds text, not pixels: {reason}. If it holds "
            "file paths, pass one column of paths, X[column]."
        ) from error


@substitute
class MeasuringSamplerMixin(ImageSamplerMixin):
    """Mixin for a sampler that measures distances between features of images."""

    embedding: Any
    embedding_: Any
    synthesis: Any = None
    accept: Any = None
    interpolate: Any = "pixels"
    random_state: Any

    def fit(self, X: Any, y: Any, **params: Any) -> Any:
        """Check the inputs and compute ``sampling_strategy_``; see `fit_resample`."""
        check_embedding(self.embedding)
        return super().fit(X, y, **params)

    def fit_resample(
        self, X: ImageSet, y: Labels, *, embeddings: ArrayLike | None = None, **params: NoReturn
    ) -> tuple[ImageSet, Labels]:
        """Resample the images.

        Parameters
        ----------
        {images}
        y : array-like of shape (n,)
            Labels in any container; one-hot rows of shape (n, n_classes) are accepted, too.
        embeddings : array-like of shape (n, d), default=None
            Features of the images computed beforehand, e.g. by a network, instead of those
            that `embedding` makes. Through a Pipeline they come by metadata routing:
            ``sklearn.set_config(enable_metadata_routing=True)`` and
            ``sampler.set_fit_resample_request(embeddings=True)``, then
            ``search.fit(X, y, embeddings=F)``. Without routing imbalanced-learn's
            Pipeline drops what a sampler is passed; ``plan_.nearness`` tells.

        Returns
        -------
        X_resampled : images
            In the container, dtype and shape of `X`. A memmap comes back as an array, a
            tensor on the CPU; see :func:`imblearn_images.core.containers.unwrap`. Of a home of
            pixels, :mod:`imblearn_images.images`, those that are selected, unread; an array
            where images are drawn.
        y_resampled : array-like of shape (n_resampled,)
            Labels of `X_resampled`, in the container and dtype of `y`; one-hot rows with all
            of their columns.

        Raises
        ------
        ValueError
            If lengths differ, a label or a feature is missing, there is one class only, or
            the sampler cannot work with a class; the row or class is named. If there is
            an `embedding` as well as `embeddings`.
        """
        check_embedding(self.embedding)
        given: dict[str, Any] = {} if embeddings is None else {"embeddings": embeddings}
        return super().fit_resample(X, y, **given, **params)

    def _own_features(
        self, X: Any, y: NDArray[Any], embeddings: Any
    ) -> tuple[NDArray[Any] | None, str]:
        """Features that were given, or that `embedding` makes; ``embedding_`` is left behind.

        Parameters
        ----------
        X : Images, ndarray or sparse matrix of shape (n, d)
            The images.
        y : ndarray of shape (n,)
            Their labels, for an embedding that needs some to be fitted.
        embeddings : array-like of shape (n, d) or None
            What ``fit_resample`` was given.

        Returns
        -------
        features : ndarray of shape (n, d) or None
            None where pixels are meant.
        nearness : str
            What "near" means in these features, in a few words.

        Raises
        ------
        ValueError
            For features that do not belong to these images, or come from two sides.
        """
        self.embedding_ = None
        if self.interpolate != "pixels":
            self._check_decodable(X, embeddings)
        if embeddings is not None:
            if self.embedding is not None:
                raise ValueError(
                    f"Features are either given or computed: got `embeddings` and "
                    f"embedding={self.embedding!r}. Leave one of them out."
                )
            features = given_features(embeddings, X.shape[0])
            return features, f"given features ({features.shape[1]})"
        if self.embedding is None:
            return None, ""
        jobs = self.n_jobs
        features, self.embedding_, nearness = embed(X, self.embedding, y, n_jobs=jobs)
        return features, nearness

    def _check_decodable(self, X: Any, embeddings: Any) -> None:
        """Refuse to interpolate in an embedding from which there is no way back."""
        if self.interpolate != "embedding":
            raise ValueError(
                f'`interpolate` must be "pixels" or "embedding", got {self.interpolate!r}.'
            )
        if self.synthesis is not None:
            raise ValueError(
                '`interpolate="embedding"` and `synthesis` are two ways of drawing images, got '
                f"synthesis={self.synthesis!r}. Leave one of them out."
            )
        if sparse.issparse(X):
            raise ValueError(
                f'`interpolate="embedding"` draws images, X is a {type(X).__name__}. '
                "Pass an array, X.toarray()."
            )
        if embeddings is not None or not hasattr(self.embedding, "inverse_transform"):
            got = "`embeddings`" if embeddings is not None else f"embedding={self.embedding!r}"
            raise ValueError(
                '`interpolate="embedding"` draws images by the `inverse_transform` of '
                f"`embedding`, got {got}, which has none. Pass e.g. PCA(50), or a Pipeline of "
                "steps that all have it."
            )

    def _measure(self, X: Any, y: NDArray[Any], embeddings: Any) -> tuple[NDArray[Any], str]:
        """Give the features that :meth:`_own_features` gives, the pixels where it gives none."""
        features, nearness = self._own_features(X, y, embeddings)
        if features is None:
            features, _, nearness = embed(X, n_jobs=self.n_jobs)
        elif features.dtype.kind in "bui":
            # scikit-learn measures distances of integers through float copies of up to 1 GB
            features = features.astype(np.result_type(features.dtype, np.float32))
        return features, nearness

    def _check_room(self, features: NDArray[Any]) -> None:
        """Refuse to let imbalanced-learn mix features if what it makes does not fit into memory."""
        # Four arrays of new rows at the peak: both parents, their difference, and the sum.
        n_new = sum(self.sampling_strategy_.values())
        check_fits(
            features.itemsize * features.shape[1] * (len(features) + 4 * n_new),
            f"{type(self).__name__} on features of shape {features.shape}",
            "Pass an `embedding` of fewer features, or ask for fewer rows.",
        )

    def _with_synthesis(
        self,
        plan: ResamplingPlan,
        images: Any,
        y: NDArray[Any],
        features: NDArray[Any] | None = None,
        *,
        nearness: str = "",
        rows: NDArray[np.intp] | None = None,
    ) -> ResamplingPlan:
        """Let the parameters `synthesis`, `interpolate` and `accept` have their say on a plan.

        See :func:`~imblearn_images.core.planning.plan_synthesis`.
        """
        rule = self.synthesis
        if self.interpolate == "embedding":
            rule = DecodedBlend(self.embedding_)
            rule.check(images, plan)
        if rule is None and self.accept is None:
            return plan
        if not answer(plan.synthesis, "mixes"):
            raise ValueError(
                f"`synthesis` and `accept` do not apply to images that are drawn by {plan.rule}. "
                f"Leave them out of {self!r}."
            )
        return plan_synthesis(
            plan,
            images,
            y,
            rule,
            self.accept,
            features=features,
            embedding=None if features is None else self.embedding_,
            nearness=nearness,
            rows=rows,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        )

    def _drawn(
        self, plan: ResamplingPlan, X: Any, y: NDArray[Any], images: Any, run: tuple[Any, Any, Any]
    ) -> Any:
        """Draw what imbalanced-learn has decided on features; leave the plan in ``plan_``.

        `run` holds the features, those that the user gave or None, and what was made of them:
        the result itself, bit for bit, where the features are rows of floats.
        """
        features, embeddings, made = run
        # Pixels are no embedding: images are then compared by features that suit images.
        own = None if self.embedding is None and embeddings is None else features
        self.plan_ = self._with_synthesis(plan, images, y, own)
        if self.plan_ is plan and features is X and X.dtype.kind == "f":
            check_drawn(made := np.asarray(made))
            return made
        return self._draw(images)


class SelectingSamplerMixin(ImageSamplerMixin):
    """Mixin for a sampler that selects images, and says so in ``sample_indices_``.

    It is run on row numbers, so that no pixel is looked at to decide.
    """

    sample_indices_: Any

    def _fit_resample(self, X: Any, y: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        # Data frames and sparse matrices are selected from by imbalanced-learn, in their own way.
        on_numbers = isinstance(X, (np.ndarray, Images))
        return self._selected(X, y, np.arange(len(y))[:, None] if on_numbers else X)

    def _selected(
        self, X: Any, y: NDArray[Any], seen: Any, nearness: str = ""
    ) -> tuple[Any, NDArray[Any]]:
        with LIMITS():
            resampled = self._select(seen, y)
        self.plan_ = ResamplingPlan.selection(self.sample_indices_, y, nearness)
        if sparse.issparse(X):
            return X[self.plan_.base], self.plan_.y
        if isinstance(X, Images):
            return X.subset(self.plan_.base), self.plan_.y
        if not isinstance(X, np.ndarray):  # data frames: imbalanced-learn's own container
            return resampled
        return render(self.plan_, X), self.plan_.y

    def _select(self, seen: Any, y: NDArray[Any]) -> Any:
        return super()._fit_resample(seen, y)  # type: ignore[misc]


class MeasuringSelectorMixin(MeasuringSamplerMixin, SelectingSamplerMixin):
    """Mixin for a sampler that selects images by the distances between them."""

    searches: Mapping[str, int] = {}
    """Parameters that are a number of neighbours or a neighbours object, and how many more than
    this number the object finds. A sampler that only looks at its rows through these decides on
    row numbers: no copy of the pixels is made."""
    looks_up = False
    """Whether it decides so with no such parameter."""
    remembers = False
    """Whether it searches class by class, for all classes in its ``sampling_strategy_``."""
    repeats = False
    """Whether it then searches again among the images that are left."""

    def _fit_resample(
        self, X: Any, y: NDArray[Any], embeddings: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        if sparse.issparse(X) and self.embedding is None and embeddings is None:
            return self._selected(X, y, X)
        if not self._decides_on_numbers(X) or embeddings is not None or self.embedding is not None:
            return self._selected(X, y, *self._measure(X, y, embeddings))
        self.embedding_ = None
        images, rows = open_images(X), np.arange(len(y))
        images.look_at(rows, n_jobs=self.n_jobs)
        counts = [getattr(self, name) for name in self.searches]
        k = max((getattr(count, "n_neighbors", count) for count in counts), default=0)
        search = Search(
            images,
            {"": rows},
            asked=np.flatnonzero(self._asked(y)) if self.remembers else None,
            width=4 * k + 8 if self.repeats else 0,  # images leave between searches
            few=self._few(y),
            n_jobs=self.n_jobs,
        )
        asked = copy.copy(self)
        vars(asked).update(self._looking_up(search, y))
        result = super(MeasuringSelectorMixin, asked)._selected(
            X, y, rows.astype(np.float64)[:, None], search.nearness
        )
        params = self.get_params(deep=False)  # type: ignore[attr-defined]
        vars(self).update(vars(without_images(asked)) | params)
        return result

    def _asked(self, y: NDArray[Any]) -> NDArray[np.bool_]:
        """Whose neighbours it looks for."""
        return np.isin(y, list(self.sampling_strategy_))

    def _few(self, y: NDArray[Any]) -> NDArray[np.intp] | None:
        """Rows to which it asks for all distances, again and again; None if there are none."""
        return None

    def _decides_on_numbers(self, X: Any) -> bool:
        """Whether all it sees of the images are neighbours that this library finds itself."""
        counted = all(finds_exactly(getattr(self, name)) for name in self.searches)
        return (bool(self.searches) or self.looks_up) and counted and searched_here(X)

    def _looking_up(self, search: Search, y: NDArray[Any]) -> dict[str, Any]:
        """Attributes with which images are looked up by their numbers."""
        return {
            name: RowNeighbors(
                search,
                check_neighbors_object(name, getattr(self, name), additional_neighbor=more),
            )
            for name, more in self.searches.items()
        }

    def _numbered_strategy(self, y: NDArray[Any]) -> Any:
        """Return `sampling_strategy` for classes numbered from 0; it differs if it lists labels."""
        if not isinstance(self.sampling_strategy, list):
            return self.sampling_strategy
        # The labels as they are: tolist() makes something else of dates.
        number = {label: at for at, label in enumerate(np.unique(np.asarray(y)))}
        return [number[label] for label in self.sampling_strategy]

    def _select(self, seen: Any, y: NDArray[Any]) -> Any:
        """Select with imbalanced-learn, on classes numbered from 0.

        Some of its samplers index arrays by the label or take the mode of labels, which
        works for such labels only; for these all of them decide the same with and without.
        """
        labels, numbers = np.unique(np.asarray(y), return_inverse=True)
        if labels.dtype.kind in "iu" and labels.tolist() == list(range(len(labels))):
            return super()._select(seen, y)
        asked = copy.copy(self)
        given = {name: getattr(self, name) for name in ("sampling_strategy", "sampling_strategy_")}
        asked.sampling_strategy = self._numbered_strategy(y)
        number = {label: at for at, label in enumerate(labels)}
        asked.sampling_strategy_ = {number[k]: n for k, n in self.sampling_strategy_.items()}
        resampled = super(MeasuringSelectorMixin, asked)._select(seen, numbers)
        vars(self).update(vars(asked) | given)
        return resampled


def finds_exactly(neighbors: Any) -> bool:
    """Whether a parameter means neighbours that this library finds: a number, or its object."""
    return isinstance(neighbors, (Integral, ImageNeighbors))


def searched_here(X: Any) -> bool:
    """Whether neighbours are found by this library's own search, exactly.

    What imbalanced-learn would have searched itself is searched as it would have been.
    """
    as_imblearn = isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.itemsize > 1
    return isinstance(X, (np.ndarray, Images)) and not as_imblearn


class TracedSamplerMixin(MeasuringSamplerMixin):
    """Mixin for a sampler that interpolates between rows: listened to, then drawn on images."""

    searches: tuple[str, ...] = ()
    """Parameters that are a neighbours object, or the number of neighbours. A sampler that only
    looks at its rows through these decides on row numbers: no copy of the pixels is made."""
    synthesis: Any
    accept: Any
    n_jobs: Any

    def _fit_resample(
        self, X: Any, y: NDArray[Any], embeddings: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        scopes = self._scopes(y)
        others_drawn = self.synthesis is not None or self.accept is not None
        # A synthesis may choose any image as a partner; blends only have parents in the scopes.
        looked_at = np.concatenate([np.empty(0, dtype=np.intp), *scopes.values()])
        target = self._images_to_draw(X, None if others_drawn else looked_at)
        if not self._decides_on_numbers(X):
            return self._on_features(X, y, embeddings, target)
        features, nearness = self._own_features(X, y, embeddings)
        resampled = [label for label, count in self.sampling_strategy_.items() if count]
        # Rows that are asked for again, by class or by search, are worth a table of neighbours.
        several = len(scopes) < len(resampled) or len(self.searches) > 1
        search = Search(
            target if features is None else open_images(features),
            scopes,
            asked=np.flatnonzero(np.isin(y, resampled)) if several else None,
            n_jobs=self.n_jobs,
        )
        plan = self._decided(y, search, X, nearness or search.nearness)
        self.plan_ = self._with_synthesis(plan, target, y, features)
        return self._draw(target), plan.y

    def _decided(
        self, y: NDArray[Any], search: Search, X: Any, nearness: str = ""
    ) -> ResamplingPlan:
        """Let imbalanced-learn decide on the numbers of rows, which `search` looks up."""
        shown = self._shown(search)
        for name in self.searches:
            plain = check_neighbors_object(name, getattr(self, name), additional_neighbor=1)
            # The user's object searches itself, and on what imbalanced-learn would give it.
            given = not (finds_exactly(getattr(self, name)) and searched_here(X))
            by = search
            if given:
                by = Search(search.images, search.scopes, plain, n_jobs=self.n_jobs)
            shown[name] = RowNeighbors(by, plain)
        numbers = np.arange(len(y), dtype=np.float64)[:, None]
        return self._listened(numbers, y, shown, nearness)[0]

    def _listened(
        self,
        seen: NDArray[Any],
        y: NDArray[Any],
        shown: dict[str, Any],
        nearness: str = "",
        keep: bool = False,
    ) -> tuple[ResamplingPlan, Any]:
        """Run imbalanced-learn's sampler, with some other parameters than the user sees."""
        # On a copy, so that the user finds the parameters that were set, whatever is raised.
        asked = copy.copy(self)
        vars(asked).update(shown)
        hook = super(TracedSamplerMixin, asked)._fit_resample  # type: ignore[misc]
        plan, made = listen(hook, seen, y, nearness=nearness, keep=keep)
        for name, value in vars(without_images(asked)).items():
            if name not in shown:  # what was fitted must not hold the images
                setattr(self, name, value)
        return plan, made

    def _shown(self, search: Search | None) -> dict[str, Any]:
        """Parameters that imbalanced-learn's sampler gets instead of the user's.

        With a `search` it sees the numbers of rows, otherwise their features.
        """
        return {}

    def _scopes(self, y: NDArray[Any]) -> dict[Any, NDArray[np.intp]]:
        """Rows among which neighbours are looked for."""
        return {"": np.arange(len(y))}

    def _decides_on_numbers(self, X: Any) -> bool:
        return bool(self.searches)

    def _on_features(
        self, X: Any, y: NDArray[Any], embeddings: Any, target: Any
    ) -> tuple[Any, NDArray[Any]]:
        features, nearness = self._measure(X, y, embeddings)
        self._check_room(features)
        # An overflow is refused when it is drawn; what is infinite, imbalanced-learn lets pass.
        with LIMITS():
            plan, made = self._listened(
                features, y, self._shown(None), nearness, keep=features is X
            )
        return self._drawn(plan, X, y, target, (features, embeddings, made)), plan.y
