"""Estimators: the form of images that each of them takes, and estimators in lists by name."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from imblearn_images.core.containers import holds_paths
from imblearn_images.core.images import open_images
from imblearn_images.core.memory import check_fits


class NamedMembersMixin:
    """Mixin that makes each member of a list parameter a parameter; before BaseEstimator.

    Names are those that :func:`sklearn.pipeline.make_pipeline` gives: the class in lower case,
    with ``-1``, ``-2`` where there are several. A string is its own name, a function is called
    ``function``; they have no parameters, but can be replaced like any other member.

    Examples
    --------
    >>> from sklearn.base import BaseEstimator
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> class Several(NamedMembersMixin, BaseEstimator):
    ...     members_in = "parts"
    ...
    ...     def __init__(self, parts):
    ...         self.parts = parts
    >>> several = Several(["blend", MinMaxScaler(clip=True)])
    >>> several.get_params()["minmaxscaler__clip"]
    True
    >>> several.set_params(minmaxscaler__clip=False, blend="copy")
    Several(parts=['copy', MinMaxScaler()])
    """

    members_in: str
    """Name of the parameter that holds the list."""
    seeds_members = False
    """Whether `random_state` is the seed of members that have none."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; if `deep`, also the members by name, and their parameters.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include members and their parameters, such as ``augment`` and
            ``augment__noise``.

        Returns
        -------
        params : dict
            Name -> value.
        """
        params: dict[str, Any] = super().get_params(deep=deep)  # type: ignore[misc]
        for name, member in self._named_members().items() if deep else ():
            params[name] = member
            if hasattr(member, "get_params") and not isinstance(member, type):
                params |= {f"{name}__{key}": value for key, value in member.get_params().items()}
        return params

    def set_params(self, **params: Any) -> Any:
        """Set the list, then members of it, then their parameters.

        Names are those of the members before any is replaced; parameters passed together with
        a new member are set on that.

        Parameters
        ----------
        **params : dict
            Names as in :meth:`get_params`. A new list holds the replaced members; the old one
            stays as it is.

        Returns
        -------
        self : object
            Itself.

        Raises
        ------
        ValueError
            For a name that is not a parameter.
        """
        members = self._named_members(params.get(self.members_in))
        own = super().get_params(deep=False)  # type: ignore[misc]
        nested: dict[str, dict[str, Any]] = {name: {} for name in members}
        others, replaced = {}, {}
        for key, value in params.items():
            name, is_nested, rest = key.partition("__")
            if name not in members and name not in own:
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self}. Valid parameters are: "
                    f"{[*own, *members]!r}."
                )
            if name not in members:
                others[key] = value
            elif is_nested:
                nested[name][rest] = value
            else:
                replaced[name] = value
        super().set_params(**others)  # type: ignore[misc]
        if replaced:
            members |= replaced
            # A new list: a clone, or the caller, may hold the old one.
            setattr(self, self.members_in, list(members.values()))
        for name, its_params in nested.items():
            if its_params:
                _set(name, members[name], its_params)
        return self

    def _named_members(self, given: Any = None) -> dict[str, Any]:
        """Return the members by name; nothing for a non-list, which is refused when it is used."""
        given = getattr(self, self.members_in) if given is None else given
        return dict(make_pipeline(*(given if isinstance(given, (list, tuple)) else ())).steps)


def unseeded(estimator: Any) -> list[str]:
    """Return the names of all ``random_state`` parameters that are None, nested ones too.

    Members that are seeded by the estimator around them are left out.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.svm import SVC
    >>> unseeded(make_pipeline(LogisticRegression(), SVC(random_state=0)))
    ['logisticregression__random_state']
    """
    params = estimator.get_params()
    seeding = [
        f"{name}__" if name else ""
        for name, value in [("", estimator), *params.items()]
        if getattr(value, "seeds_members", False)
    ]
    return [
        name
        for name, value in params.items()
        if value is None
        and name.rpartition("__")[2] == "random_state"
        and not any(name.startswith(f) and "__" in name.removeprefix(f) for f in seeding)
    ]


def _set(name: str, member: Any, params: dict[str, Any]) -> None:
    """Set parameters of a member, or raise if it has none."""
    if not hasattr(member, "set_params") or isinstance(member, type):
        raise ValueError(
            f"Invalid parameter {next(iter(params))!r} for {name!r}: {member!r} has no parameters."
        )
    member.set_params(**params)


BATCH = 512  # images for which predictions are computed at a time


def _first_step(estimator: Any) -> Any:
    """Return the first step that validates its input: not a search, a Pipeline or our sampler."""
    if isinstance(estimator, (GridSearchCV, RandomizedSearchCV)):
        return _first_step(estimator.estimator)
    if isinstance(estimator, Pipeline):
        steps = (step for _, step in estimator.steps if not passes_on(step))
        return _first_step(next(steps, FunctionTransformer()))  # which takes all and changes none
    return estimator


def passes_on(step: Any) -> bool:
    """Return whether a step takes whatever images come, and passes them on in their form."""
    if step in ("passthrough", None):
        return True
    return hasattr(step, "fit_resample") and get_tags(step).input_tags.three_d_array


def takes_of(estimator: Any) -> tuple[bool, bool]:
    """Return whether an estimator takes images in their own shape, and whether paths."""
    tags = get_tags(_first_step(estimator))
    # Without validation a step takes what comes, so it is given images as they are.
    takes_images = tags.no_validation or tags.input_tags.three_d_array
    return takes_images, tags.no_validation or (takes_images and tags.input_tags.string)


def reads_homes(estimator: Any) -> bool:
    """Return whether the first step declares that it reads a home of pixels block by block."""
    return bool(getattr(_first_step(estimator), "reads_homes", False))


def as_wanted(estimator: Any, X: NDArray[Any], rows: NDArray[np.intp] | None = None) -> Any:
    """Return `rows` of an image set in the form that an estimator takes.

    Parameters
    ----------
    estimator : estimator object
        Its tags decide; in a Pipeline, also inside a grid search, those of the first step
        that is not a sampler of this package. With ``no_validation`` (e.g. a
        ``FunctionTransformer``) it gets `X` as it is; with ``three_d_array`` and ``string``
        (``ReadImages``) paths, where X holds paths; with ``three_d_array`` images in their
        own shape; otherwise flattened pixels.
    X : ndarray of shape (n, ...) or 1-D array of paths
        The image set.
    rows : ndarray of int, default=None
        All rows by default.

    Returns
    -------
    subset : ndarray
        Paths, images of shape (m, ...) or pixels of shape (m, d).
    """
    takes_images, takes_paths = takes_of(estimator)
    if holds_paths(X):
        if takes_paths:
            return X if rows is None else X[rows]
        X, rows = _pixels_of(X if rows is None else X[rows]), None  # decoded: these rows alone
    subset = X if rows is None else X[rows]
    return subset if takes_images else subset.reshape(len(subset), prod(subset.shape[1:]))


def _pixels_of(paths: NDArray[Any]) -> NDArray[Any]:
    """Read files into one array; raise before the first is read if it does not fit into memory."""
    images = open_images(paths)
    # The headers first: a file that cannot be read is named before minutes of decoding.
    images.look_at(np.arange(len(images)))
    if len(images):
        shape = (len(images), *images.shape_of(0))
        check_fits(
            prod(shape) * images.dtype.itemsize,
            f"An array of shape {shape}, for an estimator that reads no files,",
            "Put `ReadImages(size=(height, width))` in front of it, for smaller images.",
        )
    return np.asarray(images)


def weighted(estimator: Any, sample_weight: Any) -> dict[str, Any]:
    """Return sample weights as keyword arguments of ``fit``; in a Pipeline, of its last step.

    Raises
    ------
    ValueError
        If the estimator takes no sample weights.
    """
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        return {f"{name}__{key}": w for key, w in weighted(last, sample_weight).items()}
    if not has_fit_parameter(estimator, "sample_weight"):
        raise ValueError(f"{type(estimator).__name__} doesn't support sample_weight.")
    return {"sample_weight": sample_weight}
