"""Listening: what imbalanced-learn decides, read off rows that remember their sources.

Samplers that mix rows, and those that measure distances, have imbalanced-learn decide here, on
rows that remember their sources (:class:`TracedArray`) and with neighbours objects that look up
images by row number; the decision is read off its public output. So the same seed gives the same
parents and steps as plain imbalanced-learn, in every version. Samplers that only select rows need
no listening: the face has them choose among row numbers.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from imblearn.base import BaseSampler
from imblearn.under_sampling import AllKNN as ImblearnAllKNN
from imblearn.under_sampling import EditedNearestNeighbours as ImblearnEditedNearestNeighbours
from imblearn.under_sampling import OneSidedSelection as ImblearnOneSidedSelection
from imblearn.under_sampling import TomekLinks as ImblearnTomekLinks
from imblearn.utils import check_neighbors_object
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import clone
from sklearn.metrics import pairwise_distances_argmin
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.svm import SVC
from sklearn.utils import check_random_state

from imblearn_images.core.memory import check_fits
from imblearn_images.core.plan import ResamplingPlan


@dataclass(frozen=True)
class Trace:
    """Record of what the rows of an array are made of.

    A row is ``base + weight * (partner - base)``, or, if `difference` is true, only
    ``weight * (partner - base)``.
    """

    base: NDArray[np.intp]
    partner: NDArray[np.intp]
    weight: NDArray[np.float64]
    difference: bool = False

    def __getitem__(self, rows: Any) -> Trace | None:
        base = self.base[rows]
        # X[0] and X[:, None] have no rows that could be named.
        if base.ndim != 1:
            return None
        return Trace(base, self.partner[rows], self.weight[rows], self.difference)


class TracedArray(np.ndarray):
    """Rows of features that remember their sources through indexing and interpolation.

    Values are those of a plain array, bit for bit. All operations except selecting, copying,
    stacking and interpolating rows return an array without a trace.

    Examples
    --------
    >>> X = trace_rows(np.array([[0.0, 0.0], [4.0, 8.0], [1.0, 1.0]]))
    >>> child = X[[2]] + 0.25 * (X[[1]] - X[[2]])
    >>> np.asarray(child), child.made_of.base, child.made_of.partner, child.made_of.weight
    (array([[1.75, 2.75]]), array([2]), array([1]), array([0.25]))
    >>> type(X * 2).__name__
    'ndarray'
    """

    made_of: Trace | None
    kept: bool

    def __array_finalize__(self, source: Any) -> None:
        # NumPy calls this for every view and result. A trace is set afterwards, where it is known.
        self.made_of = None
        self.kept = getattr(source, "kept", True)

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        rows, *columns = key if isinstance(key, tuple) else (key,)
        # Some columns of a row have parents, too, but are no image.
        whole = all(c is Ellipsis or (isinstance(c, slice) and c == slice(None)) for c in columns)
        if self.made_of is not None and whole and isinstance(found, TracedArray):
            found.made_of = self.made_of[rows] if found.ndim == self.ndim else None
        return found

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        new = getattr(value, "made_of", None)
        if (
            self.made_of is not None
            and new is not None
            and new.difference == self.made_of.difference  # an image is no step
        ):
            self.made_of.base[key], self.made_of.partner[key] = new.base, new.partner
            self.made_of.weight[key] = new.weight
        else:
            self.made_of = None

    def copy(self, order: Any = "C") -> Any:
        """Return a copy that keeps the trace."""
        return _with_trace(super().copy(order), self.made_of)

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """Return a cast that keeps the trace."""
        return _with_trace(super().astype(dtype, *args, **kwargs), self.made_of)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.get("out")
        if out is not None:
            # As a traced array, `out` would make NumPy call this method again, and so on.
            kwargs["out"] = tuple(map(_plain, out))
        result = getattr(ufunc, method)(*map(_plain, inputs), **kwargs)
        # np.add.reduce and the like add up rows, so their result has no row for each row.
        follow = _FOLLOWED.get(ufunc) if method == "__call__" else None
        trace = follow(*inputs) if follow is not None else None
        if out is not None:
            if isinstance(out[0], TracedArray):
                out[0].made_of = trace
            return out[0]
        # What cannot be followed becomes a plain array; `listen` then raises, instead of guessing.
        return result if trace is None else _with_trace(result.view(TracedArray), trace)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func in (np.vstack, np.concatenate) and not args[1:] and not kwargs:
            parts = list(args[0])
            # A class of which nothing is made contributes an empty array, which needs no trace.
            traces = [getattr(part, "made_of", None) for part in parts if len(part)]
            traced = not any(trace is None or trace.difference for trace in traces)
            if traced and not all(getattr(part, "kept", True) for part in parts):
                # The result grows class by class, and its values are never used: a broadcast NaN
                # saves copying it every time.
                shape = (sum(map(len, parts)), *parts[0].shape[1:])
                stacked = np.broadcast_to(np.array(np.nan, np.result_type(*parts)), shape)
            else:
                stacked = func([_plain(part) for part in parts])
            if not traced:
                return stacked
            base, partner, weight = (
                np.concatenate([getattr(trace, field) for trace in traces])
                for field in ("base", "partner", "weight")
            )
            result = _with_trace(stacked.view(TracedArray), Trace(base, partner, weight))
            result.kept = all(getattr(part, "kept", True) for part in parts)
            return result
        return super().__array_function__(func, types, args, kwargs)


def trace_rows(features: NDArray[Any], *, keep: bool = True) -> Any:
    """Return a view of `features`, shape (n, d), whose rows remember their numbers.

    Without `keep`, stacked rows have numbers but no values.
    """
    rows = np.arange(len(features), dtype=np.intp)
    # A source row is its own base. Its partner has share 0, but must be a row that exists.
    traced = _with_trace(features.view(TracedArray), Trace(rows, rows, np.zeros(len(rows))))
    traced.kept = keep
    return traced


def plan_of(
    resampled: Any, y: NDArray[Any], n_source: int, *, nearness: str = ""
) -> ResamplingPlan | None:
    """Return the plan in the trace of a sampler's result, or None if the trace was lost."""
    trace: Trace | None = getattr(resampled, "made_of", None)
    if trace is None or trace.difference:
        return None
    return ResamplingPlan(
        trace.base, trace.partner[:, None], trace.weight[:, None], y, n_source, nearness
    )


def _plain(value: Any) -> Any:
    """Return a traced array as a plain one; anything else as it is."""
    return value.view(np.ndarray) if isinstance(value, TracedArray) else value


def _with_trace(array: Any, trace: Trace | None) -> Any:
    """Set the trace of an array, and return it."""
    array.made_of = trace
    return array


def _subtracted(partner: Any, base: Any) -> Trace | None:
    """Return the trace of ``partner - base``, or None."""
    a, b = getattr(partner, "made_of", None), getattr(base, "made_of", None)
    # Between rows that are blends themselves, a step would have more than two parents.
    if a is None or b is None or a.weight.any() or b.weight.any() or len(a.base) != len(b.base):
        return None
    return Trace(b.base, a.base, np.ones(len(b.base)), difference=True)


def _multiplied(left: Any, right: Any) -> Trace | None:
    """Return the trace of a difference times one step for each row, or None."""
    difference, factor = (left, right) if hasattr(left, "made_of") else (right, left)
    trace = difference.made_of
    if trace is None or not trace.difference or hasattr(factor, "made_of"):
        return None
    factor = np.asarray(factor)
    # A step for each pixel draws something else than a blend, whose shares hold for all pixels.
    if factor.ndim and factor.shape != (len(trace.base), 1):
        return None
    return Trace(trace.base, trace.partner, trace.weight * factor.reshape(-1), difference=True)


def _added(left: Any, right: Any) -> Trace | None:
    """Return the trace of rows plus a difference from the same bases, or None."""
    a, b = getattr(left, "made_of", None), getattr(right, "made_of", None)
    if a is None or b is None or a.difference == b.difference:
        return None
    rows, step = (b, a) if a.difference else (a, b)
    # a + step * (b - c) with another c than a is no blend of two images.
    if rows.weight.any() or not np.array_equal(rows.base, step.base):
        return None
    return Trace(step.base, step.partner, step.weight)


_FOLLOWED: dict[Any, Callable[[Any, Any], Trace | None]] = {
    np.subtract: _subtracted,
    np.multiply: _multiplied,
    np.add: _added,
}


Search = Callable[[NDArray[np.intp], NDArray[np.intp], int], tuple[NDArray[Any], NDArray[np.intp]]]
Hook = Callable[[Any, NDArray[Any]], Any]


def listen(
    hook: Hook, seen: NDArray[Any], y: NDArray[Any], *, nearness: str = "", keep: bool = True
) -> tuple[ResamplingPlan, Any]:
    """Run a sampler of imbalanced-learn, and return its decision as a plan.

    Parameters
    ----------
    hook : callable
        ``_fit_resample`` of a fitted sampler that selects rows or interpolates between them.
    seen : ndarray of shape (n, d)
        What the sampler gets instead of images: features, or a column of row numbers if its
        neighbours object, :class:`RowNeighbors`, looks the images up.
    y : ndarray of shape (n,)
        Labels.
    nearness : str
        What "near" means, for the plan.
    keep : bool, default=True
        Whether the values of the rows made are needed as well.

    Returns
    -------
    plan : ResamplingPlan
        Parents, shares and label of every row that the sampler made.
    made : ndarray of shape (n_out, d)
        The rows themselves; without `keep` they may be NaN.

    Raises
    ------
    TypeError
        If the rows are made in a way that cannot be traced.
    """
    made, labels, *_ = hook(trace_rows(seen, keep=keep), y)
    plan = plan_of(made, labels, len(y), nearness=nearness)
    if plan is None:
        name = type(getattr(hook, "__self__", hook)).__name__
        raise TypeError(
            f"{name}: this version of imbalanced-learn makes its rows in a way that cannot be "
            "traced to images."
        )
    return plan, made


class LooksRowsUp:
    """Mixin for neighbours objects that get row numbers as queries and look images up."""

    search: Any
    rows_: NDArray[np.intp]
    n_neighbors: int

    def kneighbors(
        self,
        X: NDArray[Any] | None = None,
        n_neighbors: int | None = None,
        return_distance: bool = True,
    ) -> Any:
        """Return positions among the fitted rows; a query that is one of them comes first."""
        queries = self.rows_ if X is None else _numbers(X)
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        _check_enough(k, len(self.rows_), len(queries))
        distances, positions = self.search(self.rows_, queries, k)
        return (distances, positions) if return_distance else positions


class RowNeighbors(LooksRowsUp, NearestNeighbors):  # type: ignore[misc]
    """Neighbours object that gets row numbers from a sampler, and looks the images up.

    Parameters
    ----------
    search : callable
        ``search(rows, queries, k)`` returns distances and positions in `rows`, shape (q, k).
    plain : neighbours object
        The user's object that it stands for.
    n_jobs : int, default=None
        Set by some samplers, and not used: `search` has its own number of threads.
    """

    def __init__(
        self, search: Search | None = None, plain: Any = None, n_jobs: int | None = None
    ) -> None:
        super().__init__(n_neighbors=getattr(plain, "n_neighbors", 5), n_jobs=n_jobs)
        self.search = search
        self.plain = plain

    def __sklearn_clone__(self) -> RowNeighbors:
        return copy.copy(self)  # imbalanced-learn clones its parameters; not the images in them

    def fit(self, X: NDArray[Any], y: None = None) -> RowNeighbors:
        """Store the rows to search."""
        self.rows_ = _numbers(X)
        return self


class BlendNeighbors:
    """Search among the blends that SMOTE has decided to make, without making them.

    Parameters
    ----------
    search : Search
        Search of the images, with a method ``nearest_blends``.
    """

    def __init__(self, search: Any) -> None:
        self.search = search
        self.plan: ResamplingPlan | None = None
        self._found: tuple[NDArray[Any], NDArray[np.intp]] | None = None

    def __call__(
        self, rows: NDArray[np.intp], queries: NDArray[np.intp], k: int
    ) -> tuple[NDArray[Any], NDArray[np.intp]]:
        """Return distances and positions of neighbours among the rows of ``plan``, all of them."""
        assert self.plan is not None and len(rows) == len(self.plan)
        # k - 1, because a blend is put before its neighbours below. Cleaning asks several times.
        if self._found is None or self._found[1].shape[1] < k - 1:
            plan = self.plan
            self._found = self.search.nearest_blends(
                plan.base, plan.partners[:, 0], plan.weights[:, 0], k - 1
            )
        distances, nearest = (found[queries, : k - 1] for found in self._found)
        return (
            np.column_stack([np.zeros(len(queries)), distances]),
            np.column_stack([queries, nearest]),
        )


class RowClassifier(LooksRowsUp, KNeighborsClassifier):  # type: ignore[misc]
    """Classifier by neighbours that gets row numbers as queries, and looks the images up.

    If it is fitted again on its rows and further ones, it compares queries only with the new rows.

    Parameters
    ----------
    search : Search
        Search of the images.
    plain : KNeighborsClassifier
        The user's classifier that it stands for, in which every neighbour has one vote.
    groups : ndarray of shape (n,), default=None
        Group of each row: the neighbours of a whole group are looked up when one of its rows is a
        query. ``None``: each query is looked up by itself, among the other rows.
    """

    def __init__(self, search: Any = None, plain: Any = None, groups: Any = None) -> None:
        super().__init__(n_neighbors=getattr(plain, "n_neighbors", 5))
        self.search, self.plain, self.groups = search, plain, groups

    def __sklearn_clone__(self) -> RowClassifier:
        return copy.copy(self)

    def fit(self, X: NDArray[Any], y: NDArray[Any]) -> RowClassifier:
        """Store the rows to search, and their labels."""
        rows = _numbers(X)
        before = getattr(self, "rows_", rows[:0])
        # CondensedNearestNeighbour fits again and again with one more row: only that one is new.
        if not len(before) or not np.array_equal(rows[: len(before)], before):
            self.compared_ = 0  # how many of rows_ were compared with known_
            self.known_ = np.empty(0, dtype=np.intp)
            self.squared_ = np.empty((0, 0))
            self.near_ = np.empty((0, 0), dtype=np.intp)
        self.rows_ = rows
        self.classes_, self.labels_ = np.unique(y, return_inverse=True)
        return self

    @property
    def fitted(self) -> bool:
        """Whether it was fitted."""
        return hasattr(self, "rows_")

    def on_pixels(self) -> Any:
        """Return the user's classifier, fitted on the pixels of its rows."""
        pixels, at = self.search.matrix(self.rows_)
        return clone(self.plain).fit(pixels[at], self.classes_[self.labels_])

    def predict(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return the class of most neighbours, the first one of a tie."""
        if self.groups is None:
            near = self.kneighbors(X, return_distance=False)
        else:
            near = self._near(_numbers(X))
        votes = np.zeros((len(near), len(self.classes_)), dtype=np.intp)
        np.add.at(votes, (np.arange(len(near))[:, None], self.labels_[near]), 1)
        self.asked_ = _numbers(X)
        said: NDArray[Any] = self.classes_[votes.argmax(axis=1)]
        self.said_ = said
        return said

    def _near(self, queries: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the positions of the nearest rows, including the query itself, shape (q, k)."""
        new = np.setdiff1d(queries, self.known_)
        if len(new):
            _check_enough(self.n_neighbors, len(self.rows_), len(queries))
            # The whole group at once: it will be asked for, and one search is cheaper than many.
            group = np.flatnonzero(np.isin(self.groups, np.unique(self.groups[new])))
            self.known_ = np.union1d(self.known_, group)
            self.compared_ = 0
        if self.compared_ < len(self.rows_):
            fresh = self.rows_[self.compared_ :]
            k = min(self.n_neighbors, len(fresh))
            squared, near = self.search.nearest_of(fresh, self.known_, k)
            near = near + self.compared_
            if self.compared_:
                squared, near = np.hstack([self.squared_, squared]), np.hstack([self.near_, near])
                order = np.argsort(squared, axis=1, kind="stable")[:, : self.n_neighbors]
                squared, near = (
                    np.take_along_axis(each, order, axis=1) for each in (squared, near)
                )
            self.squared_, self.near_, self.compared_ = squared, near, len(self.rows_)
        found: NDArray[np.intp] = self.near_[np.searchsorted(self.known_, queries)]
        return found


def _check_enough(k: int, n_fitted: int, n_asking: int) -> None:
    """Raise scikit-learn's error for more neighbours than rows."""
    if k > n_fitted:
        raise ValueError(
            f"Expected n_neighbors <= n_samples_fit, but n_neighbors = {k}, n_samples_fit = "
            f"{n_fitted}, n_samples = {n_asking}"
        )


class RowTomekLinks(ImblearnTomekLinks):  # type: ignore[misc]
    """Tomek links of features, or, with a `row_search`, of images looked up by row number.

    The class is overridden because that of imbalanced-learn makes its neighbours object itself.
    """

    row_search: Any = None

    def __sklearn_clone__(self) -> Any:
        if self.row_search is not None:
            return copy.copy(self)
        return super().__sklearn_clone__()

    def _fit_resample(self, X: Any, y: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        if self.row_search is None:
            return super()._fit_resample(X, y)  # type: ignore[no-any-return]
        # the body of imbalanced-learn's method, with the search of images for its neighbours
        rows = _numbers(X)
        _check_enough(2, len(rows), len(rows))
        nearest = self.row_search(rows, rows, 2)[1][:, 1]  # the first is itself
        links = self.is_tomek(y, nearest, self.sampling_strategy_)
        self.sample_indices_ = np.flatnonzero(~links)
        return X[self.sample_indices_], y[self.sample_indices_]


class RowAllKNN(ImblearnAllKNN):  # type: ignore[misc]
    """AllKNN of features, or, with a `row_search`, of images looked up by row number.

    The class is overridden because that of imbalanced-learn makes the neighbours objects of its
    rounds itself, one for each number of neighbours up to that requested.
    """

    row_search: Any = None

    def _fit_resample(self, X: Any, y: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        if self.row_search is None:
            return super()._fit_resample(X, y)  # type: ignore[no-any-return]
        # the body of imbalanced-learn's method, with neighbours objects that look images up
        self.nn_ = check_neighbors_object("n_neighbors", self.n_neighbors, additional_neighbor=1)
        before = Counter(y)
        smallest = min(before, key=before.__getitem__)
        kept = np.arange(len(y))
        for k in range(1, self.nn_.n_neighbors):
            self.enn_ = ImblearnEditedNearestNeighbours(
                sampling_strategy=self.sampling_strategy,
                n_neighbors=RowNeighbors(self.row_search, NearestNeighbors(n_neighbors=k + 1)),
                kind_sel=self.kind_sel,
                n_jobs=self.n_jobs,
            )
            self.enn_.fit_resample(X[kept], y[kept])
            kept = kept[self.enn_.sample_indices_]
            left = Counter(y[kept])
            smaller = any(n < before[smallest] for label, n in left.items() if label != smallest)
            if len(left) < len(before) or (smaller and not self.allow_minority):
                break
        self.sample_indices_ = kept
        return X[kept], y[kept]


class RowOneSidedSelection(ImblearnOneSidedSelection):  # type: ignore[misc]
    """One-sided selection of features, or, with a `row_search`, of images looked up by row number.

    imbalanced-learn's class takes a classifier, but searches for Tomek links at the end by itself,
    which is meaningless on row numbers. So the selection before that is read off its classifiers,
    and the links are found here.
    """

    row_search: Any = None

    def _fit_resample(self, X: Any, y: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        resampled = super()._fit_resample(X, y)
        if self.row_search is None:
            return resampled  # type: ignore[no-any-return]
        sizes = Counter(y)
        n_smallest = min(sizes.values())
        selected, classifiers = [], iter(self.estimators_)
        for label in np.unique(y):
            if label not in self.sampling_strategy_:
                selected.append(np.flatnonzero(y == label))
                continue
            classifier = next(classifiers)
            selected.append(classifier.rows_[n_smallest:])
            selected.append(classifier.asked_[classifier.said_ != label])
        rows = np.concatenate(selected)
        links = RowTomekLinks(sampling_strategy=list(self.sampling_strategy_))
        links.row_search = self.row_search
        links.fit_resample(X[rows], y[rows])
        self.sample_indices_ = rows[links.sample_indices_]
        return X[self.sample_indices_], y[self.sample_indices_]


class FittedOnce:
    """Estimator that is fitted once, although a sampler fits it repeatedly on the same rows.

    imbalanced-learn fits the same support vector machine, or k-means, for every class that it
    samples.

    Parameters
    ----------
    plain : estimator
        The estimator to fit, already cloned.
    look_up : callable, default=None
        ``look_up(rows)`` returns the features of rows, if the sampler gets row numbers. ``None``:
        it gets features.

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> X = np.array([[0.0], [1.0], [9.0]])
    >>> once = FittedOnce(KMeans(2, n_init=1, random_state=0))
    >>> once.fit_predict(X) is once.fit_predict(X), once.n_clusters
    (True, 2)
    """

    def __init__(self, plain: Any, look_up: Callable[[NDArray[np.intp]], Any] | None = None):
        self.plain, self.look_up = plain, look_up
        self.found: list[Any] = []  # labels_ of every fit, of a clusterer
        self._seen: tuple[Any, Any] = (None, None)

    def __sklearn_clone__(self) -> FittedOnce:
        return self  # a clone would not share the random numbers of the sampler

    def __getattr__(self, name: str) -> Any:
        # copy and pickle ask before `plain` is set: looking there for `plain` would never end.
        if name.startswith("__") or name == "plain":
            raise AttributeError(name)
        return getattr(self.plain, name)

    def fit(self, X: Any, y: Any = None) -> FittedOnce:
        """Fit the estimator, unless the result would be the same."""
        # Identity, because to compare all features could take as long as a fit.
        if X is self._seen[0] and y is self._seen[1] and self._stays():
            return self
        seen = _plain(X) if self.look_up is None else self.look_up(_numbers(X))
        self.plain.fit(seen) if y is None else self.plain.fit(seen, y)
        self._seen = (X, y)
        self.found.append(getattr(self.plain, "labels_", None))
        return self

    def fit_predict(self, X: Any, y: Any = None) -> Any:
        """Fit the estimator and return the cluster of each row, shape (n,)."""
        return self.fit(X).plain.labels_

    def predict(self, X: Any) -> Any:
        """Return the predictions of the estimator."""
        return self.plain.predict(X if self.look_up is None else self.look_up(_numbers(X)))

    def _stays(self) -> bool:
        """Return whether fitting again would give the same result."""
        random_state = getattr(self.plain, "random_state", 0)
        if isinstance(random_state, Integral):
            return True
        if type(self.plain) is SVC and self.plain.probability is not True:
            # Its support vectors do not depend on the seed that it draws. It is drawn here
            # nevertheless, because the sampler's next numbers follow it.
            check_random_state(random_state).randint(np.iinfo("i").max)
            return True
        return False


class NumberedCentres(FittedOnce):
    """Clusterer that a sampler fits on row numbers: its centres go by numbers, too.

    Parameters
    ----------
    plain : clusterer
        What is fitted, already cloned.
    look_up : callable
        As of :class:`FittedOnce`.
    n : int
        The number of rows; those of centres begin there.

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> X = np.array([[0.0], [1.0], [9.0]])
    >>> numbered = NumberedCentres(KMeans(2, random_state=0), X.__getitem__, 3)
    >>> centres = numbered.fit(np.arange(3)[:, None]).cluster_centers_
    >>> sorted(centres.ravel().tolist()), sorted(numbered.rows(centres).ravel().tolist())
    ([3.0, 4.0], [0.5, 9.0])
    """

    def __init__(self, plain: Any, look_up: Callable[[NDArray[np.intp]], Any], n: int) -> None:
        super().__init__(plain, look_up)
        self.n = n
        self.centres: list[NDArray[Any]] = []

    def fit(self, X: Any, y: Any = None) -> NumberedCentres:
        """Fit it, and keep its centres."""
        super().fit(X, y)
        if hasattr(self.plain, "cluster_centers_"):
            self.centres.append(np.array(self.plain.cluster_centers_))
        return self

    @property
    def cluster_centers_(self) -> NDArray[np.float64]:
        """Numbers of the centres that were found last, shape (k, 1)."""
        n_found = len(self.plain.cluster_centers_)  # of other estimators this raises an error
        n_known = self.n + sum(map(len, self.centres))
        return np.arange(n_known - n_found, n_known, dtype=np.float64)[:, None]

    def rows(self, column: NDArray[Any]) -> NDArray[np.float64]:
        """Features of rows and centres, whose numbers stand in a column."""
        numbers = _numbers(column)
        is_row = numbers < self.n
        features = np.concatenate([*self.centres, self.look_up(numbers[is_row])])  # type: ignore[misc]
        place = numbers - self.n
        place[is_row] = len(features) - is_row.sum() + np.arange(is_row.sum())
        found: NDArray[np.float64] = features[place]
        return found


_HOLDING = (RowNeighbors, RowClassifier, FittedOnce, list, BaseSampler)
"""What may hold images, by itself or in a part of it."""


def without_images(fitted: Any) -> Any:
    """Return a fitted object with the user's estimators in place of those that look images up.

    A fitted sampler must not hold the images.

    Parameters
    ----------
    fitted : object
        A list, a neighbours object, or a sampler that has some; anything else is returned as is.

    Returns
    -------
    plain : object
        Neighbours objects are unfitted. A classifier with `groups` is fitted on the pixels of its
        rows.
    """
    if isinstance(fitted, RowClassifier) and fitted.groups is not None and fitted.fitted:
        return fitted.on_pixels()
    if isinstance(fitted, (RowNeighbors, RowClassifier, FittedOnce)):
        return fitted.plain
    if isinstance(fitted, list):
        return [without_images(each) for each in fitted]
    if isinstance(fitted, BaseSampler):
        plain = copy.copy(fitted)
        vars(plain).pop("row_search", None)
        held = {name: value for name, value in vars(plain).items() if isinstance(value, _HOLDING)}
        vars(plain).update({name: without_images(value) for name, value in held.items()})
        return plain
    return fitted


def _numbers(column: NDArray[Any]) -> NDArray[np.intp]:
    """Return the row numbers in the column that a sampler gets instead of features."""
    return np.asarray(column)[:, 0].astype(np.intp)


def plan_averages(
    features: Any,
    y: NDArray[Any],
    made: Any,
    y_made: NDArray[Any],
    n_clusters: Mapping[Any, int],
    *,
    nearness: str,
    found: Mapping[Any, NDArray[np.intp] | None] | None = None,
) -> ResamplingPlan:
    """Return a plan in which the centres of clusters are averages of images.

    Parameters
    ----------
    features : ndarray or sparse matrix of shape (n, d)
        Features that were clustered, class by class.
    y : ndarray of shape (n,)
        Labels.
    made : ndarray or sparse matrix of shape (n_out, d)
        The centres, or the rows of a class that was not clustered, by class in sorted order.
    y_made : ndarray of shape (n_out,)
        Labels of `made`.
    n_clusters : mapping of label to int
        The classes that were clustered.
    nearness : str
        What "near" means, for the plan.
    found : mapping of label to ndarray of int, default=None
        Number of the centre of each image of a class, where it is known.

    Returns
    -------
    plan : ResamplingPlan
        The base of a centre is the image nearest to it, the first of several; its partners, with
        equal shares, are the other images to which no other centre is nearer. Shorter rows are
        filled with partners of share 0. A centre without images takes the nearest one.

    Raises
    ------
    MemoryError
        If the partners do not fit into memory.
    """
    groups: list[NDArray[np.intp]] = []
    for label in np.unique(y):
        rows = np.flatnonzero(y == label)
        if label not in n_clusters:
            groups += np.split(rows, len(rows))
            continue
        centres = made[np.flatnonzero(y_made == label)]
        centre = None if found is None else found.get(label)
        if centre is None:
            centre = pairwise_distances_argmin(features[rows], centres)
        n_members = np.bincount(centre, minlength=centres.shape[0])
        order = np.argsort(centre, kind="stable")
        if not sparse.issparse(features):
            # The member nearest to its centre comes first: it will be the base.
            order = np.lexsort((_squared_to(centres, centre, features, rows), centre))
        for at, members in enumerate(np.split(rows[order], np.cumsum(n_members)[:-1])):
            if len(members) and not sparse.issparse(features):
                members[1:].sort()
                groups.append(members)
                continue
            pool = members if len(members) else rows
            base = pool[pairwise_distances_argmin(centres[[at]], features[pool])[0]]
            groups.append(np.append(base, members[members != base]))
    sizes = np.array([len(group) for group in groups])
    width = max(int(sizes.max()) - 1, 0)
    check_fits(
        16 * len(groups) * width,  # a partner and a share, 8 bytes each
        f"A plan of {len(groups)} averages of up to {width + 1} images",
        'Request more clusters, or voting="hard".',
    )
    base = np.array([group[0] for group in groups], dtype=np.intp)
    # Places that a small cluster leaves free hold the base with share 0, which is not read.
    partners = np.repeat(base[:, None], width, axis=1)
    weights = np.zeros((len(groups), width))
    for row, group in enumerate(groups):
        partners[row, : len(group) - 1] = group[1:]
        weights[row, : len(group) - 1] = 1 / len(group)
    return ResamplingPlan(base, partners, weights, y_made, len(y), nearness)


def _squared_to(
    centres: NDArray[Any], centre: NDArray[np.intp], features: NDArray[Any], rows: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the squared distance of each row to its own centre, shape (m,)."""
    squared = np.empty(len(rows))
    height = max(1, (1 << 16) // max(1, features.shape[1]))  # what stays in the cache
    order = np.argsort(centre, kind="stable")
    ends = np.cumsum(np.bincount(centre, minlength=len(centres)))
    for own, members in zip(centres, np.split(order, ends[:-1]), strict=True):
        for start in range(0, len(members), height):
            block = members[start : start + height]
            away = _plain(features)[rows[block]] - own
            squared[block] = np.einsum("ij,ij->i", away, away)
    return squared
