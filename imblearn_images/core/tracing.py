"""Tracing: arrays whose rows remember which source rows they were made of.

A SMOTE-like sampler computes ``base + step * (partner - base)`` on rows it has indexed out
of its input. Given a :class:`TracedArray` it computes the same values, and the result
tells base, partner and step of every row, whatever way the sampler has found them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core.plan import ResamplingPlan


@dataclass(frozen=True)
class Trace:
    """What the rows of an array are made of.

    Rows stand for ``base + weight * (partner - base)``, differences for
    ``weight * (partner - base)``.
    """

    base: NDArray[np.intp]
    partner: NDArray[np.intp]
    weight: NDArray[np.float64]
    difference: bool = False

    def __getitem__(self, rows: Any) -> Trace | None:
        base = self.base[rows]
        if base.ndim != 1:
            return None
        return Trace(base, self.partner[rows], self.weight[rows], self.difference)


class TracedArray(np.ndarray):
    """Rows of features that remember their sources through indexing and interpolation.

    Values are those of a plain array, bit for bit. What is done to rows apart from
    selecting, copying, stacking and interpolating them gives an array without a trace.

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

    def __array_finalize__(self, source: Any) -> None:
        self.made_of = None

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        rows, *columns = key if isinstance(key, tuple) else (key,)
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
            and new.difference == self.made_of.difference
        ):
            self.made_of.base[key], self.made_of.partner[key] = new.base, new.partner
            self.made_of.weight[key] = new.weight
        else:
            self.made_of = None

    def copy(self, order: Any = "C") -> Any:
        """Copy that keeps the trace."""
        return _with_trace(super().copy(order), self.made_of)

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """Cast that keeps the trace."""
        return _with_trace(super().astype(dtype, *args, **kwargs), self.made_of)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.get("out")
        if out is not None:
            kwargs["out"] = tuple(map(_plain, out))
        result = getattr(ufunc, method)(*map(_plain, inputs), **kwargs)
        follow = _FOLLOWED.get(ufunc) if method == "__call__" else None
        trace = follow(*inputs) if follow is not None else None
        if out is not None:
            if isinstance(out[0], TracedArray):
                out[0].made_of = trace
            return out[0]
        return result if trace is None else _with_trace(result.view(TracedArray), trace)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func in (np.vstack, np.concatenate) and not args[1:] and not kwargs:
            parts = list(args[0])
            traces = [getattr(part, "made_of", None) for part in parts if len(part)]
            stacked = func([_plain(part) for part in parts])
            if any(trace is None or trace.difference for trace in traces):
                return stacked
            base, partner, weight = (
                np.concatenate([getattr(trace, field) for trace in traces])
                for field in ("base", "partner", "weight")
            )
            return _with_trace(stacked.view(TracedArray), Trace(base, partner, weight))
        return super().__array_function__(func, types, args, kwargs)


def trace_rows(features: NDArray[Any]) -> Any:
    """View of `features`, shape (n, d), whose rows know their numbers."""
    rows = np.arange(len(features), dtype=np.intp)
    return _with_trace(features.view(TracedArray), Trace(rows, rows, np.zeros(len(rows))))


def plan_of(
    resampled: Any, y: NDArray[Any], n_source: int, *, nearness: str = ""
) -> ResamplingPlan | None:
    """Read the plan off the result of a sampler, or None if the trace was lost."""
    trace: Trace | None = getattr(resampled, "made_of", None)
    if trace is None or trace.difference:
        return None
    return ResamplingPlan(
        trace.base, trace.partner[:, None], trace.weight[:, None], y, n_source, nearness
    )


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, TracedArray) else value


def _with_trace(array: Any, trace: Trace | None) -> Any:
    array.made_of = trace
    return array


def _subtracted(partner: Any, base: Any) -> Trace | None:
    a, b = getattr(partner, "made_of", None), getattr(base, "made_of", None)
    if a is None or b is None or a.weight.any() or b.weight.any() or len(a.base) != len(b.base):
        return None
    return Trace(b.base, a.base, np.ones(len(b.base)), difference=True)


def _multiplied(left: Any, right: Any) -> Trace | None:
    difference, factor = (left, right) if hasattr(left, "made_of") else (right, left)
    trace = difference.made_of
    if trace is None or not trace.difference or hasattr(factor, "made_of"):
        return None
    factor = np.asarray(factor)
    if factor.ndim and factor.shape != (len(trace.base), 1):
        return None
    return Trace(trace.base, trace.partner, trace.weight * factor.reshape(-1), difference=True)


def _added(left: Any, right: Any) -> Trace | None:
    a, b = getattr(left, "made_of", None), getattr(right, "made_of", None)
    if a is None or b is None or a.difference == b.difference:
        return None
    rows, step = (b, a) if a.difference else (a, b)
    if rows.weight.any() or not np.array_equal(rows.base, step.base):
        return None
    return Trace(step.base, step.partner, step.weight)


_FOLLOWED: dict[Any, Callable[[Any, Any], Trace | None]] = {
    np.subtract: _subtracted,
    np.multiply: _multiplied,
    np.add: _added,
}
