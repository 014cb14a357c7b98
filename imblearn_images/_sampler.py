"""What the samplers share: images in any container in, the same container out."""

from __future__ import annotations

import copy
import inspect
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from math import prod
from numbers import Integral
from typing import Any, NoReturn, TypeVar

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_neighbors_object, check_target_type
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.utils import check_random_state

from imblearn_images.core.containers import holds_paths, join_paths, unwrap
from imblearn_images.core.embedding import Search, check_embedding, embed, given_features
from imblearn_images.core.images import FileImages, as_images, check_finite_images
from imblearn_images.core.memory import check_fits
from imblearn_images.core.pixels import check_drawn, store
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.planning import (
    RowNeighbors,
    check_judge,
    draw_until_accepted,
    listen,
)
from imblearn_images.core.rendering import allocate, render
from imblearn_images.core.similarity import Likeness
from imblearn_images.core.synthesis import Kin, plan_children
from imblearn_images.core.targets import told, unwrap_labels
from imblearn_images.core.validation import (
    as_counts,
    check_images,
    check_lengths,
    check_plan_fits,
    check_strategy,
    class_told,
    misfit,
)
from imblearn_images.core.writing import write_children
from imblearn_images.synthesis._decoding import DecodedBlend

__all__ = [
    "ADDED",
    "DRAWING",
    "ImageSamplerMixin",
    "MeasuringSamplerMixin",
    "MeasuringSelectorMixin",
    "SelectingSamplerMixin",
    "TracedSamplerMixin",
    "check_output_dir",
    "check_plain",
    "check_room",
    "draw",
    "images_of",
    "measure",
    "own_features",
    "sizes_told",
    "with_synthesis",
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


def own_features(
    sampler: Any, X: Any, y: NDArray[Any], embeddings: Any
) -> tuple[NDArray[Any] | None, str]:
    """Features that were given, or that the `embedding` of `sampler` makes.

    Parameters
    ----------
    sampler : sampler
        Gets its ``embedding_``: the fitted embedding, None if there is none.
    X : ndarray of shape (n, ...), sparse matrix, or 1-D array of paths
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
    sampler.embedding_ = None
    if getattr(sampler, "interpolate", "pixels") != "pixels":
        _check_decodable(sampler, X, embeddings)
    if embeddings is not None:
        if sampler.embedding is not None:
            raise ValueError(
                f"Features are either given or computed: got `embeddings` and "
                f"embedding={sampler.embedding!r}. Leave one of them out."
            )
        features = given_features(embeddings, X.shape[0])
        return features, f"given features ({features.shape[1]})"
    if sampler.embedding is None:
        return None, ""
    jobs = getattr(sampler, "n_jobs", None)
    features, sampler.embedding_, nearness = embed(X, sampler.embedding, y, n_jobs=jobs)
    return features, nearness


def _check_decodable(sampler: Any, X: Any, embeddings: Any) -> None:
    """Raise for interpolation in an embedding that has no `inverse_transform`."""
    if sampler.interpolate != "embedding":
        raise ValueError(
            f'`interpolate` must be "pixels" or "embedding", got {sampler.interpolate!r}.'
        )
    if sampler.synthesis is not None:
        raise ValueError(
            '`interpolate="embedding"` and `synthesis` are two ways of drawing images, got '
            f"synthesis={sampler.synthesis!r}. Leave one of them out."
        )
    if sparse.issparse(X):
        raise ValueError(
            f'`interpolate="embedding"` draws images, X is a {type(X).__name__}. '
            "Pass an array, X.toarray()."
        )
    if embeddings is not None or not hasattr(sampler.embedding, "inverse_transform"):
        got = "`embeddings`" if embeddings is not None else f"embedding={sampler.embedding!r}"
        raise ValueError(
            '`interpolate="embedding"` draws images by the `inverse_transform` of '
            f"`embedding`, got {got}, which has none. Pass e.g. PCA(50), or a Pipeline of steps "
            "that all have it."
        )


def measure(sampler: Any, X: Any, y: NDArray[Any], embeddings: Any) -> tuple[NDArray[Any], str]:
    """Give the features that :func:`own_features` gives, the pixels where it gives none."""
    features, nearness = own_features(sampler, X, y, embeddings)
    if features is None:
        features, _, nearness = embed(X, n_jobs=getattr(sampler, "n_jobs", None))
    return features, nearness


def images_of(X: Any, sampler: Any, rows: NDArray[np.intp] | None = None) -> Any:
    """Where the pixels live that `sampler` mixes; for paths it needs an `output_dir`.

    Of paths those in `rows` are looked at, by default all.
    """
    if not holds_paths(X):
        return X if sparse.issparse(X) else as_images(X)
    if sampler.output_dir is None:
        name = type(sampler).__name__
        raise ValueError(
            f"X holds file paths, and {name} makes images that are in no file yet. Say where to "
            f"write them with `output_dir=`, or put `ReadImages` before {name} to resample "
            "arrays in memory."
        )
    _check_output(sampler.output_dir, X)
    return FileImages(X, rows, n_jobs=getattr(sampler, "n_jobs", None))


def check_output_dir(sampler: Any) -> None:
    """Raise for "" as `output_dir`, which would be taken for the current folder."""
    if isinstance(folder := getattr(sampler, "output_dir", None), str) and not folder:
        raise ValueError(
            "`output_dir` must be None or the name of a folder, got ''. The current folder is '.'."
        )


def _check_output(folder: str | os.PathLike[str], paths: NDArray[Any]) -> None:
    """Raise if synthetic images would lie among their parents, or no folder can be made."""
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise NotADirectoryError(
            f"`output_dir` must be a folder, got the file {os.fspath(folder)}."
        )
    names = [os.fspath(path) for path in paths]
    sources = {os.path.dirname(name) for name in names}
    sources |= {os.path.dirname(os.path.realpath(name)) for name in names if os.path.islink(name)}
    if os.path.realpath(folder) in {os.path.realpath(source) for source in sources}:
        raise ValueError(
            f"`output_dir` must not be a folder of the images themselves, got {os.fspath(folder)}: "
            "synthetic images would be taken for real ones the next time they are listed. Give "
            "every step that draws images a folder of its own."
        )


def check_room(sampler: Any, features: NDArray[Any]) -> None:
    """Raise if the features that imbalanced-learn would mix do not fit into memory."""
    n_new = sum(sampler.sampling_strategy_.values())
    check_fits(
        features.itemsize * features.shape[1] * (len(features) + 4 * n_new),
        f"{type(sampler).__name__} on features of shape {features.shape}",
        "Pass an `embedding` of fewer features, or ask for fewer rows.",
    )


def with_synthesis(
    sampler: Any,
    plan: ResamplingPlan,
    images: Any,
    y: NDArray[Any],
    features: NDArray[Any] | None = None,
    *,
    nearness: str = "",
    rows: NDArray[np.intp] | None = None,
) -> ResamplingPlan:
    """Apply the parameters `synthesis`, `interpolate` and `accept` to a plan.

    Without a synthesis copies stay copies: only what is mixed is judged.

    `features`, shape (n, d), are those that were given or that the sampler's `embedding` has
    made, if any; `nearness` what "near" means in them, or by default in the looks of the images:
    the plan tells it where the synthesis has asked and the sampler has measured no distance.
    `rows` is what the user calls the images, where they are not all.
    """
    rule, accept = sampler.synthesis, sampler.accept
    if getattr(sampler, "interpolate", "pixels") == "embedding":
        rule = DecodedBlend(sampler.embedding_)
        rule.check(images, plan)
    if rule is None and accept is None:
        return plan
    if plan.synthesis != "blend":
        raise ValueError(
            f"`synthesis` and `accept` do not apply to images that are drawn by {plan.rule}. "
            f"Leave them out of {sampler!r}."
        )
    if accept is not None:
        check_judge(accept)
    if sparse.issparse(images):
        raise ValueError("`synthesis` draws images, X is a sparse matrix; pass an array.")
    jobs = getattr(sampler, "n_jobs", None)
    # Given features tell what is near; synthetic images have none and are compared by their looks.
    embedding = None if features is None else sampler.embedding_
    likeness = Likeness(
        images,
        embedding,
        None if embedding is None else features,
        n_jobs=jobs,
        channel_axis=_channel_axis(rule, images),
    )
    entropy = check_random_state(sampler.random_state).randint(1 << 32, size=4, dtype=np.uint32)
    kin = Kin(
        y,
        lambda: likeness.source if features is None else features,
        np.random.default_rng(entropy.tolist()),
    )
    if rule is None:
        rule, plan = "blend", replace(plan, drawn=plan.synthetic)
    drawn = plan_children(plan, rule, kin)
    _check_finite_parents(drawn, images, np.arange(len(y)) if rows is None else rows)
    if accept is not None:
        drawn = draw_until_accepted(drawn, plan, images, accept, kin, likeness, n_jobs=jobs)
    if kin.asked and not drawn.nearness:
        drawn = drawn.near_by(likeness.nearness if features is None else nearness)
    return drawn


def _channel_axis(rule: Any, images: Any) -> int | None:
    """Where a synthesis, or the first of its members to say so, has the channels of an image."""
    axes = [getattr(rule, "channel_axis", None)]
    members = getattr(rule, "syntheses", None)
    axes += [_channel_axis(member, images) for member in members or ()]
    axis = next((axis for axis in axes if axis is not None), None)
    if not sparse.issparse(images) and images.paths is not None and axis not in (None, -1, 2):
        raise ValueError(
            f"`channel_axis` must be None or -1 for files, which are read as (H, W, C), got "
            f"{axis!r}."
        )
    return axis


def _check_finite_parents(plan: ResamplingPlan, images: Any, names: NDArray[np.intp]) -> None:
    drawn = plan.synthetic
    rows = np.unique(np.append(plan.base[drawn], plan.partners[drawn]))
    remedy = "RandomOverSampler() without `synthesis` copies them as they are"
    check_finite_images(images, rows, names, remedy)


def draw(sampler: Any, X: Any, images: Any, values: NDArray[Any] | None = None) -> Any:
    """Carry out the plan of a sampler: arrays are rendered, of paths the children written.

    `values`, shape (n_out, d), are the exact pixels of the rows where they are known; by
    default the plan's parents are mixed.
    """
    plan, jobs = sampler.plan_, getattr(sampler, "n_jobs", None)
    if sparse.issparse(images) or images.paths is None or sampler.output_dir is None:
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
    drawn = None if values is None else values.__getitem__
    children = write_children(plan, images, sampler.output_dir, drawn=drawn, n_jobs=jobs)
    joined = join_paths(X, children)
    rows = plan.base.copy()
    rows[plan.synthetic] = np.arange(len(X), len(joined))
    return joined[rows]


LIMITS = partial(np.errstate, over="ignore", invalid="ignore")
"""Context in which pixels near the limits of their type give no warning on the way."""


class ImageSamplerMixin:
    """Mixin that lets a sampler of imbalanced-learn take images and file paths.

    It goes before imbalanced-learn's class of the same name and adds nothing but the
    door: containers, validation, and the two hooks. Think twice before adding anything
    here: what a sampler decides belongs in ``core.planning``, pixels in
    ``core.rendering``.
    """

    plan_: ResamplingPlan
    sampling_strategy: Any
    _sampling_type: str

    def fit(self, X: Any, y: Any, **params: Any) -> Any:
        """Check the inputs and compute ``sampling_strategy_``; see `fit_resample`."""
        images, _ = unwrap(X)
        labels, _ = unwrap_labels(y)
        with class_told(self.sampling_strategy, labels, self._sampling_type):
            return super().fit(images, labels, **params)  # type: ignore[misc]

    # Nothing may be passed as `params`: type checkers see that, and at run time the error names
    # what there is.
    def fit_resample(self, X: ImageSet, y: Labels, **params: NoReturn) -> tuple[ImageSet, Labels]:
        """Resample the images.

        Parameters
        ----------
        X : images
            Array, memmap or tensor of shape (n, H, W), (n, H, W, C), (n, C, H, W) or, as
            flattened pixels, (n, d); file paths in a list, array, or column of pandas,
            polars or Arrow; a list, object array or column of equally shaped images (arrays,
            tensors, images of Pillow).
        y : array-like of shape (n,)
            Labels in any container; one-hot rows of shape (n, n_classes) are accepted, too.

        Returns
        -------
        X_resampled : images
            In the container, dtype and shape of `X`. A memmap comes back as an array, a
            tensor on the CPU; see :func:`imblearn_images.core.containers.unwrap`.
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
        _check_params(self, params)
        images, rewrap = unwrap(X)
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
        _warn_of_lost_classes(worker, np.asarray(labels).reshape(-1))
        y_resampled = rewrap_labels(y_resampled)
        if images is not X:
            keeps_index = not isinstance(self, BaseOverSampler) and not plan.synthetic.any()
            X_resampled = rewrap(X_resampled, plan.base if keeps_index else None)
            if hasattr(X_resampled, "iloc") and hasattr(y_resampled, "iloc"):
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
        tags.input_tags.three_d_array = True
        return tags

    def _check_X_y(self, X: Any, y: Any) -> tuple[Any, NDArray[Any], bool]:
        check_lengths(X, y)
        if not (holds_paths(X) or (isinstance(X, np.ndarray) and X.ndim > 2)):
            with LIMITS(), _text_told(X):  # scikit-learn adds up what it looks at
                X, y, binarize_y = super()._check_X_y(X, y)  # type: ignore[misc]
            self._check_classes(y)
            check_strategy(self.sampling_strategy, y, self._sampling_type)
            check_plan_fits(self.sampling_strategy, y, self._sampling_type)
            return X, y, binarize_y
        y, binarize_y = check_target_type(y, indicate_one_vs_all=True)
        self._check_classes(y)
        check_strategy(self.sampling_strategy, y, self._sampling_type)
        check_plan_fits(self.sampling_strategy, y, self._sampling_type)
        check_images(X)
        self.n_features_in_ = prod(X.shape[1:])
        if hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        return X, y, binarize_y

    def _check_classes(self, y: NDArray[Any]) -> None:
        if (y == y[0]).all():
            label = told(y[0])
            raise ValueError(
                "The target 'y' needs to have more than 1 class. Got 1 class instead: "
                f"{label!r} is the label of all {len(y)} images. Check how the labels were "
                "read."
            )


def _warn_of_lost_classes(sampler: Any, y: NDArray[Any]) -> None:
    """Warn of classes that a sampler has emptied, unless that was requested."""
    labels, counts = np.unique(y, return_counts=True)
    left = np.isin(labels, sampler.plan_.y)
    asked = sampler.sampling_strategy_ if sampler._sampling_type == "under-sampling" else {}  # noqa: SLF001
    lost = [
        f"{told(label)!r} ({count} before)"
        for label, count, is_left in zip(labels, counts, left, strict=True)
        if not is_left and asked.get(label) != 0
    ]
    if lost:
        warnings.warn(
            f"{type(sampler).__name__} has left no image of {len(lost)} of {len(labels)} classes: "
            f"{', '.join(lost)}. Nothing behind it learns them. Measure distances in another "
            "`embedding`, ask for fewer neighbours, or leave these classes alone.",
            UserWarning,
            stacklevel=3,
        )


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


def _check_params(sampler: Any, params: dict[str, Any]) -> None:
    check_output_dir(sampler)
    reason = misfit(sampler._fit_resample, "X", "y", **params)
    if reason:
        raise TypeError(f"{type(sampler).__name__}.fit_resample: {reason}. Leave that out.")


class MeasuringSamplerMixin(ImageSamplerMixin):
    """Mixin for a sampler that measures distances between features of images."""

    embedding: Any
    embedding_: Any

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
        X : images
            Array, memmap or tensor of shape (n, H, W), (n, H, W, C), (n, C, H, W) or, as
            flattened pixels, (n, d); file paths in a list, array, or column of pandas,
            polars or Arrow; a list, object array or column of equally shaped images (arrays,
            tensors, images of Pillow).
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
            tensor on the CPU; see :func:`imblearn_images.core.containers.unwrap`.
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

    def _drawn(
        self, plan: ResamplingPlan, X: Any, y: NDArray[Any], images: Any, run: tuple[Any, Any, Any]
    ) -> Any:
        """Draw what imbalanced-learn has decided on features; leave the plan in ``plan_``.

        `run` holds the features, those that the user gave or None, and what was made of them:
        the result itself, bit for bit, where the features are rows of floats.
        """
        features, embeddings, made = run
        own = None if self.embedding is None and embeddings is None else features
        self.plan_ = with_synthesis(self, plan, images, y, own)
        if self.plan_ is plan and features is X and X.dtype.kind == "f":
            check_drawn(made := np.asarray(made))
            return made
        return draw(self, X, images)


class SelectingSamplerMixin(ImageSamplerMixin):
    """Mixin for a sampler that selects images, and says so in ``sample_indices_``.

    It is run on row numbers, so that no pixel is looked at to decide.
    """

    sample_indices_: Any

    def _fit_resample(self, X: Any, y: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        return self._selected(X, y, np.arange(len(y))[:, None] if isinstance(X, np.ndarray) else X)

    def _selected(
        self, X: Any, y: NDArray[Any], seen: Any, nearness: str = ""
    ) -> tuple[Any, NDArray[Any]]:
        with sizes_told(y), LIMITS():
            resampled = self._select(seen, y)
        self.plan_ = ResamplingPlan.selection(self.sample_indices_, y, nearness)
        if sparse.issparse(X):
            return X[self.plan_.base], self.plan_.y
        if not isinstance(X, np.ndarray):  # data frames: imbalanced-learn's own container
            return resampled
        return (X[self.plan_.base] if holds_paths(X) else render(self.plan_, X)), self.plan_.y

    def _select(self, seen: Any, y: NDArray[Any]) -> Any:
        return super()._fit_resample(seen, y)  # type: ignore[misc]


class MeasuringSelectorMixin(MeasuringSamplerMixin, SelectingSamplerMixin):
    """Mixin for a sampler that selects images by the distances between them."""

    def _fit_resample(
        self, X: Any, y: NDArray[Any], embeddings: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        if sparse.issparse(X) and self.embedding is None and embeddings is None:
            return self._selected(X, y, X)
        return self._selected(X, y, *measure(self, X, y, embeddings))

    def _select(self, seen: Any, y: NDArray[Any]) -> Any:
        """Select with imbalanced-learn, on classes numbered from 0.

        Some of its samplers index arrays by the label or take the mode of labels, which
        works for such labels only; for these all of them decide the same with and without.
        """
        labels, numbers = np.unique(np.asarray(y), return_inverse=True)
        if labels.dtype.kind in "iu" and labels.tolist() == list(range(len(labels))):
            return super()._select(seen, y)
        # as they are: of dates tolist() makes something else
        number = {label: at for at, label in enumerate(labels)}
        asked = copy.copy(self)
        given = {name: getattr(self, name) for name in ("sampling_strategy", "sampling_strategy_")}
        if isinstance(self.sampling_strategy, list):
            asked.sampling_strategy = [number[label] for label in self.sampling_strategy]
        asked.sampling_strategy_ = {number[k]: n for k, n in self.sampling_strategy_.items()}
        resampled = super(MeasuringSelectorMixin, asked)._select(seen, numbers)
        vars(self).update(vars(asked) | given)
        return resampled


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
        looked_at = np.concatenate([np.empty(0, dtype=np.intp), *scopes.values()])
        target = images_of(X, self, None if others_drawn else looked_at)
        if not self._decides_on_numbers(X):
            return self._on_features(X, y, embeddings, target)
        features, nearness = own_features(self, X, y, embeddings)
        asked, search = copy.copy(self), None
        for name in self.searches:
            plain = check_neighbors_object(name, getattr(self, name), additional_neighbor=1)
            # What imbalanced-learn would have searched itself is searched as it would have been.
            as_imblearn = isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.itemsize > 1
            ours = isinstance(getattr(self, name), Integral) and not (
                as_imblearn or sparse.issparse(X)
            )
            search = Search(
                target if features is None else as_images(features),
                scopes,
                None if ours else plain,
                n_jobs=self.n_jobs,
            )
            setattr(asked, name, RowNeighbors(search, plain))
        assert search is not None
        hook = super(TracedSamplerMixin, asked)._fit_resample  # type: ignore[misc]
        numbers = np.arange(len(y), dtype=np.float64)[:, None]
        with sizes_told(y):
            plan, _ = listen(hook, numbers, y, nearness=nearness or search.nearness)
        for name, value in vars(asked).items():
            if name not in self.searches:  # what was fitted must not hold the images
                setattr(self, name, value.plain if isinstance(value, RowNeighbors) else value)
        self.plan_ = with_synthesis(self, plan, target, y, features)
        return draw(self, X, target), plan.y

    def _scopes(self, y: NDArray[Any]) -> dict[Any, NDArray[np.intp]]:
        """Rows among which neighbours are looked for."""
        return {"": np.arange(len(y))}

    def _decides_on_numbers(self, X: Any) -> bool:
        return bool(self.searches)

    def _on_features(
        self, X: Any, y: NDArray[Any], embeddings: Any, target: Any
    ) -> tuple[Any, NDArray[Any]]:
        features, nearness = measure(self, X, y, embeddings)
        check_room(self, features)
        # An overflow is refused when it is drawn; what is infinite, imbalanced-learn lets pass.
        with sizes_told(y), LIMITS():
            plan, made = listen(super()._fit_resample, features, y, nearness=nearness)  # type: ignore[misc]
        return self._drawn(plan, X, y, target, (features, embeddings, made)), plan.y


@contextmanager
def sizes_told(y: NDArray[Any]) -> Iterator[None]:
    """Add the class sizes to an error about too few images for the neighbours."""
    try:
        yield
    except ValueError as exc:
        if "n_neighbors <= n_samples" not in str(exc) or "has n_samples" in str(exc):
            raise  # the second one has been shown already
        labels, counts = np.unique(y, return_counts=True)
        sizes = ", ".join(f"{told(label)!r}: {n}" for label, n in zip(labels, counts, strict=True))
        raise ValueError(
            f"{exc} The classes have these numbers of images: {sizes}. Ask for fewer neighbours, "
            "or leave the smallest class out of `sampling_strategy`."
        ) from exc
