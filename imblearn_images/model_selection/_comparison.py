"""Comparison: the results of `compare_resamplers`, as text, tables and pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imblearn_images._docstrings import substitute
from imblearn_images.core.gap import SynthesisGap
from imblearn_images.core.text import align, counted, html_table, shown
from imblearn_images.display import ComparisonDisplay
from imblearn_images.display._reliability import Reliability
from imblearn_images.model_selection._statistics import (
    ALPHA,
    Difference,
    compare_several,
    corrected_difference,
)

__all__ = [
    "BASELINES",
    "LABEL_BASELINES",
    "Calibration",
    "ClassRecall",
    "Cost",
    "ResamplerComparison",
    "advise",
    "as_html",
    "as_text",
    "fold_rows",
    "gain_rows",
    "of_interest",
    "plain",
    "recall_rows",
    "summary_rows",
]

BASELINES = ("none", "class_weight", "prior_correction")
"""Candidates that make no images and are always compared."""

LABEL_BASELINES = ("none", "class_weight", "thresholds")
"""The same where images have several labels."""

RECALLS = 6
"""Maximum number of candidates whose recall is shown."""

CLASSES = 10
"""Number of classes shown, the smallest ones; all are in ``to_frame("recall")``."""


def summary_rows(comparison: ResamplerComparison) -> list[dict[str, Any]]:
    """Return a row for every candidate, with all its numbers, or the reason why it failed."""
    rows: list[dict[str, Any]] = []
    nothing = [np.nan] * 5
    for name in comparison.names:
        scores, cost = comparison.scores[name], comparison.costs[name]
        mean, low, high, p, p_holm = comparison.differences.get(name, nothing)
        brier, ece = comparison.calibration[name]
        rows.append(
            {
                "candidate": name,
                "mean": scores.mean(),
                "std": _spread(scores),
                "difference": mean,
                "low": low,
                "high": high,
                "p": p,
                "p_holm": p_holm,
                "brier": brier,
                "ece": ece,
                "fit_seconds": cost.fit_seconds,
                "resampling_seconds": cost.resampling_seconds,
                "peak_bytes": cost.peak_bytes,
                "reason": "",
            }
        )
    return rows + [
        {"candidate": name, "reason": reason} for name, reason in comparison.failures.items()
    ]


def gain_rows(comparison: ResamplerComparison) -> list[dict[str, Any]]:
    """Return a row for every candidate that is not a baseline: its difference to the reference."""
    return [
        {
            "candidate": name,
            "reference": comparison.reference,
            "difference": found.mean,
            "low": found.low,
            "high": found.high,
            "p": found.p,
            "p_holm": found.p_holm,
        }
        for name, found in comparison.gains.items()
    ]


def fold_rows(comparison: ResamplerComparison) -> list[dict[str, Any]]:
    """Return a row for every metric, candidate and fold."""
    return [
        {"metric": metric, "candidate": name, "fold": fold, "score": score}
        for metric, by_name in comparison.fold_scores.items()
        for name, scores in by_name.items()
        for fold, score in enumerate(scores)
    ]


def recall_rows(comparison: ResamplerComparison) -> list[dict[str, Any]]:
    """Return a row for every candidate and class."""
    return [
        {"candidate": name, "class": label, "recall": recall, "n_test": n_test}
        for name, by_class in comparison.recall.items()
        for label, (recall, n_test) in by_class.items()
    ]


def of_interest(comparison: ResamplerComparison, n: int) -> list[str]:
    """Return at most `n` candidates: none, the reference, the best, the worst, then others."""
    ranked = sorted(comparison.names, key=lambda name: -comparison.scores[name].mean())
    first = ["none", comparison.reference, ranked[0], ranked[-1], "prior_correction"]
    chosen = [*dict.fromkeys([*first, *comparison.worse, *comparison.better, *ranked])]
    known = [name for name in chosen if name in comparison.names][:n]
    return [name for name in comparison.names if name in known]


def plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows for JSON: Python's own numbers, None for NaN, other labels as text."""
    return [{key: _plain(value) for key, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if isinstance(value, (int, str)) else str(value)


def as_text(
    comparison: ResamplerComparison,
    *,
    all_classes: str = 'to_frame("recall")',
    width: int | None = None,
) -> str:
    """Return tables, notes and advice as text; `all_classes` is how to see hidden classes."""
    lines = [_title(comparison), "", align(*_cells(comparison), width=width), ""]
    if _has_labels(comparison):
        lines += [align(*_metric_cells(comparison), width=width), ""]
    if _has_gains(comparison):
        lines += [align(*_gain_cells(comparison), width=width), ""]
    lines += [align(*_recall_cells(comparison), width=width)]
    if (hidden := len(comparison.recall["none"]) - CLASSES) > 0:
        lines += [f"and {counted(hidden, 'larger class')}: {all_classes}"]
    lines += [""] + [f"{what}: {shown(text, 300)}" for what, text in _remarks(comparison)]
    return "\n".join([*lines, comparison.advice])


def as_html(comparison: ResamplerComparison) -> str:
    """Return tables, notes and advice as HTML, for notebooks and reports."""
    remarks = "".join(
        f"<li>{escape(what)}: {escape(text)}</li>" for what, text in _remarks(comparison)
    )
    others = html_table(*_metric_cells(comparison)) if _has_labels(comparison) else ""
    gains = html_table(*_gain_cells(comparison)) if _has_gains(comparison) else ""
    return (
        f'<div><p class="advice"><b>{escape(comparison.advice)}</b></p>'
        f"<p>{escape(_title(comparison))}</p>{html_table(*_cells(comparison))}{others}{gains}"
        f"<p>Recall of the {_which(comparison)}</p>{html_table(*_recall_cells(comparison))}"
        f"<ul>{remarks}</ul></div>"
    )


def _which(comparison: ResamplerComparison) -> str:
    """Return which classes the table of recall shows, in words."""
    return "smallest classes" if len(comparison.recall["none"]) > CLASSES else "classes"


def _title(comparison: ResamplerComparison) -> str:
    """Return the line above the table: metric, folds, images, and what the columns are."""
    images = sum(n for _, n in comparison.recall["none"].values())
    if _has_labels(comparison):
        images = comparison.conditions["n_images"]
    return (
        f"{comparison.metric} on {counted(comparison.n_folds, 'fold')} of {images} images; mean +- "
        "standard deviation, paired difference to none"
    )


def _remarks(comparison: ResamplerComparison) -> list[tuple[str, str]]:
    """Return failures and notes, each as a heading and a text."""
    failed = [(f"no result for {name}", why) for name, why in comparison.failures.items()]
    return failed + [("note", note) for note in comparison.notes]


def _cells(comparison: ResamplerComparison) -> tuple[list[str], list[list[str]]]:
    """Return heads and rows of the main table."""
    metric = comparison.metric
    columns = ["", metric, "vs none", "95 % interval", "p (Holm)", "", "Brier", "ECE", "resampling"]
    rows = []
    for name in comparison.names:
        scores = comparison.scores[name]
        brier, ece = (_number(value) for value in comparison.calibration[name])
        row = [shown(name, 24), f"{scores.mean():.3f} +- {_number(_spread(scores))}"]
        if (found := comparison.differences.get(name)) is None:
            row += ["", "", "", ""]
        else:
            row += [*_beside(found), _word(found)]
        rows.append([*row, brier, ece, _cost(comparison, name)])
    rows += [[shown(name, 24), "no result", *[""] * 7] for name in comparison.failures]
    return columns, rows


def _has_labels(comparison: ResamplerComparison) -> bool:
    """Return whether images have several labels."""
    return comparison.baselines != BASELINES


def _metric_cells(comparison: ResamplerComparison) -> tuple[list[str], list[list[str]]]:
    """Return heads and rows of the table of all metrics, shown for several labels."""
    metrics = list(comparison.fold_scores)
    return ["", *metrics], [
        [shown(name, 24), *(f"{comparison.fold_scores[m][name].mean():.3f}" for m in metrics)]
        for name in comparison.names
    ]


def _has_gains(comparison: ResamplerComparison) -> bool:
    """Return whether the reference is another baseline than "none", with a table of its own."""
    return bool(comparison.gains) and comparison.reference != "none"


def _gain_cells(comparison: ResamplerComparison) -> tuple[list[str], list[list[str]]]:
    """Return heads and rows of the table of differences to the reference."""
    columns = [f"beside {comparison.reference}", "difference", "95 % interval", "p (Holm)", ""]
    return columns, [
        [shown(name, 24), *_beside(found), _word(found)] for name, found in comparison.gains.items()
    ]


def _beside(found: Any) -> list[str]:
    """Return the cells of a difference: mean, interval, adjusted p-value."""
    interval = f"{found.low:+.3f} {found.high:+.3f}" if np.isfinite(found.low) else "-"
    return [f"{found.mean:+.3f}", interval, _number(found.p_holm)]


def _word(found: Any) -> str:
    """Return "better", "worse" or, for a difference that may be chance, ""."""
    return "" if not found.p_holm < ALPHA else "better" if found.mean > 0 else "worse"


def _recall_cells(comparison: ResamplerComparison) -> tuple[list[str], list[list[Any]]]:
    """Return heads and rows of the table of recall: smallest classes, candidates of interest."""
    names = of_interest(comparison, RECALLS)
    of_none = comparison.recall["none"]
    smallest = sorted(of_none, key=lambda label: of_none[label].n_test)[:CLASSES]
    rows = [
        [shown(str(label)), of_none[label].n_test]
        + [f"{comparison.recall[name][label].recall:.2f}" for name in names]
        for label in smallest
    ]
    return ["recall of class", "images", *(shown(name, 24) for name in names)], rows


def _cost(comparison: ResamplerComparison, name: str) -> str:
    """Format seconds and memory of resampling."""
    _, seconds, peak = comparison.costs[name]
    parts = [f"{seconds:.2f} s"] if np.isfinite(seconds) else []
    parts += [f"{peak / 1e6:.1f} MB"] if np.isfinite(peak) else []
    return ", ".join(parts) or "-"


def _number(value: float) -> str:
    """Format a number; "-" if it is not finite."""
    return f"{value:.3f}" if np.isfinite(value) else "-"


def _spread(scores: Any) -> float:
    """Return the standard deviation over folds; NaN for one fold."""
    return float(scores.std(ddof=1)) if len(scores) > 1 else np.nan


BRIER = 0.01
"""Increase of the Brier score, against "none", from which the advice warns."""


def advise(comparison: ResamplerComparison) -> str:
    """Return advice in a sentence or two.

    A candidate that makes images is recommended only if it is better than the reference, which
    costs nothing, and not merely better than "none". If these folds show no such difference, the
    reference is the one to use, even if its own advantage is uncertain.
    """
    sentences = [_what_to_do(comparison)]
    if _has_labels(comparison):  # what helps ranking (macro_ap) need not help decisions (macro_f1)
        others = [metric for metric in ("macro_ap", "macro_f1") if metric in comparison.fold_scores]
        sentences += [_what_to_do(comparison.by(m)) for m in others if m != comparison.metric]
    return " ".join(filter(None, [*sentences, _measured_on(comparison)]))


def _what_to_do(comparison: ResamplerComparison) -> str:
    """Return the sentence that recommends a candidate, a baseline, or nothing."""
    if not comparison.differences:
        return "No candidate has a result that could be compared with none."
    reference, gains = comparison.reference, comparison.gains
    best = max(gains, key=lambda name: gains[name].mean, default="")
    if comparison.recommended != reference:
        best = comparison.recommended
        than = "none" if reference == "none" else f"{reference}, which makes no images"
        return (
            f"Use {best}: {comparison.metric} {gains[best].mean:.3f} above {than} "
            f"({_sure(gains[best])}){_time(comparison, best)}{_price(comparison, best)}"
            f"{_cheaper(comparison)}."
        )
    rest = "; ".join(filter(None, [_higher(comparison), _of_the_others(comparison, best)]))
    if reference == "none":
        return f"Keep the estimator as it is: {rest}."
    found = comparison.differences[reference]
    gain = f"{found.mean:.3f} above none"
    if not found.p_holm < ALPHA:
        folds = comparison.scores[reference] - comparison.scores["none"]
        gain += f", in {int((folds > 0).sum())} of {counted(len(folds), 'fold')}"
        gain += ", not distinguishable from it"
    return (
        f"Use {reference}, which makes no images: {comparison.metric} {gain} ({_sure(found)})"
        f"{_price(comparison, reference)}{'; ' * bool(rest)}{rest}."
    )


def _higher(comparison: ResamplerComparison) -> str:
    """Return a clause on the baseline with the best mean, if it is above the reference's."""
    mean = {name: float(comparison.scores[name].mean()) for name in comparison.names}
    known = [name for name in comparison.baselines if name in mean]
    best = max(known, key=mean.__getitem__)
    above = mean[best] - mean[comparison.reference]
    return f"{best}, {above:.3f} higher, is not distinguishable from it" if above > 1e-12 else ""


def _of_the_others(comparison: ResamplerComparison, best: str) -> str:
    """Return a clause on the candidates that are not recommended."""
    reference, gains = comparison.reference, comparison.gains
    other = "" if reference == "none" else "other "
    if best and gains[best].mean > 0:
        than = "it" if reference == "none" else reference
        return (
            f"no {other}candidate is distinguishably better, the highest, {best}, is "
            f"{gains[best].mean:.3f} above {than} ({_sure(gains[best])})"
        )
    beside = comparison.differences if reference == "none" else gains
    worse = [name for name, each in beside.items() if each.p_holm < ALPHA and each.mean < 0]
    tail = f", {_joined(worse)} {'are' if len(worse) > 1 else 'is'} worse" if worse else ""
    return f"no {other}candidate is higher in {comparison.metric}{tail}" if beside else ""


def _measured_on(comparison: ResamplerComparison) -> str:
    """Return the sentence on classifier, images, folds and seed."""
    if not (known := comparison.conditions):
        return ""
    return (
        f"Measured with {known['classifier']} on {known['n_images']} {known['images']}, "
        f"{comparison.n_folds} {'folds' if comparison.n_folds > 1 else 'fold'}, "
        f"seed {known['seed']}, imblearn_images {known['version']}."
    )


def _sure(found: Difference) -> str:
    """Return how certain a difference is: interval and p-value."""
    chance = "p < 0.001" if found.p_holm < 0.001 else f"p = {found.p_holm:.3f}"
    if np.isnan(found.p_holm):
        return "one fold, which cannot rule out chance"
    if np.isnan(found.low):
        return f"the same in all folds, {chance}"
    return f"95 % interval {found.low:.3f} to {found.high:.3f}, {chance}"


def _joined(names: list[str]) -> str:
    """Return names as "a, b and c"."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _time(comparison: ResamplerComparison, name: str) -> str:
    """Return a clause on the seconds of a fit, beside those of the reference."""
    before, after = (comparison.costs[each].fit_seconds for each in (comparison.reference, name))
    if not np.isfinite([before, after]).all():
        return ""
    return f", for {after:.2f} s a fit instead of {before:.2f} s"


def _cheaper(comparison: ResamplerComparison) -> str:
    """Return a clause on a faster candidate that is not distinguishable from the recommended."""
    if not (name := comparison.cheapest):
        return ""
    seconds = f"{comparison.costs[name].fit_seconds:.2f} s a fit"
    return f"; {name}, {seconds}, is not distinguishable from it"


def _price(comparison: ResamplerComparison, name: str) -> str:
    """Return a clause that warns of worse probabilities than without resampling."""
    before, after = (comparison.calibration[each].brier for each in ("none", name))
    if not after > before + BRIER:
        return ""
    return f"; do not trust its probabilities (Brier score {after:.3f}, none has {before:.3f})"


class ClassRecall(NamedTuple):
    """Recall of one class."""

    recall: float
    """Share of the images of the class that are recognised, over all folds."""
    n_test: int
    """Number of different test images of the class."""


class Calibration(NamedTuple):
    """Calibration of the probabilities; NaN for a classifier without them."""

    brier: float
    """Multiclass Brier score from 0 to 2; lower is better."""
    ece: float
    """Expected calibration error from 0 to 1; lower is better."""


class Cost(NamedTuple):
    """Mean cost of a candidate per fold."""

    fit_seconds: float
    """Seconds of a fit, resampling included."""
    resampling_seconds: float
    """Seconds of resampling; NaN if there is no sampler, or it is inside a classifier."""
    peak_bytes: float
    """Peak memory of resampling in bytes, above what was in use before, in one fold, as tracemalloc
    counts it: NumPy's arrays and Python's objects, but not what C libraries allocate themselves.
    NaN in threads, whose memory cannot be told apart."""


@substitute
@dataclass(frozen=True, eq=False, repr=False)
class ResamplerComparison:
    """Candidates compared with doing nothing on the same folds; ``print`` shows the table.

    Returned by :func:`compare_resamplers`. Results are those of the metric `metric`; :meth:`by`
    returns the same comparison by another one.

    {guide=does-it-help}

    Attributes
    ----------
    scores : dict of str to ndarray of shape (n_folds,)
        Candidate -> score on each fold; all have the same folds.
    differences : dict of str to Difference
        Candidate -> ``(mean, low, high, p, p_holm)`` of its paired difference to "none", by the
        corrected resampled t-test, adjusted for the number of candidates by Holm's method.
    better, worse : list of str
        Candidates that differ from "none" at the 5 % level, after adjustment.
    reference : str
        The baseline that resampling has to beat: prior correction where it helps, unless another
        one is significantly better.
    gains : dict of str to Difference
        Candidate that is not a baseline -> its paired difference to `reference`, as above.
    recommended : str
        The candidate that the advice names.
    cheapest : str
        The fastest candidate that is not distinguishable from `recommended`; "" if that is the
        fastest itself.
    advice : str
        Two sentences: what to do, what it gains and costs and how certain that is, and what it was
        measured on.
    """

    names: tuple[str, ...]
    """Candidates that have results, "none" first."""
    metric: str
    """Metric by which candidates are compared."""
    fold_scores: Mapping[str, Mapping[str, NDArray[np.float64]]]
    """Metric -> candidate -> scores."""
    test_to_train: float
    """Test images per training image of a fold."""
    recall: Mapping[str, Mapping[Any, ClassRecall]]
    """Candidate -> class -> ``(recall, n_test)``."""
    calibration: Mapping[str, Calibration]
    """Candidate -> ``(brier, ece)``."""
    reliability: Mapping[str, Reliability]
    """Candidate with probabilities -> ``(confidence, accuracy, n_predictions)`` of the bins."""
    costs: Mapping[str, Cost]
    """Candidate -> ``(fit_seconds, resampling_seconds, peak_bytes)``."""
    estimators: Mapping[str, Any]
    """Candidate -> unfitted estimator: fit the one you choose on all images. (Where "class_weight"
    is not a parameter of the estimator, pass balanced `sample_weight` to its ``fit``.)"""
    failures: Mapping[str, str]
    """Candidate without a result -> reason."""
    gaps: Mapping[str, SynthesisGap] = field(default_factory=dict)
    """Candidate that makes images -> how easily these can be told from real ones, on the first
    fold, in the features of the estimator; only for arrays of images."""
    notes: tuple[str, ...] = ()
    """Remarks on folds, warnings and the like."""
    interrupted: bool = False
    """Whether folds are missing because the comparison was interrupted."""
    conditions: Mapping[str, Any] = field(default_factory=dict)
    """What was measured on: classifier, images, n_images, n_folds, seed, version."""
    baselines: tuple[str, ...] = BASELINES
    """Names of the baselines; they differ for images with several labels."""

    @property
    def scores(self) -> Mapping[str, NDArray[np.float64]]:
        """Candidate -> score on each fold."""
        return self.fold_scores[self.metric]

    @property
    def n_folds(self) -> int:
        """Number of folds that all candidates were scored on."""
        return len(self.scores["none"])

    @cached_property
    def differences(self) -> dict[str, Difference]:
        """Candidate -> paired difference to "none"."""
        return self._beside("none", [name for name in self.names if name != "none"])

    @cached_property
    def reference(self) -> str:
        """The baseline that resampling has to beat, see :func:`compare_resamplers`.

        Prior correction if its mean is above that of "none", unless another baseline is
        significantly better: it costs no further fit, and was the best of the three on nearly every
        data set. Otherwise the baseline with the best mean; of equal ones the simplest.
        """
        known = [name for name in self.baselines if name in self.names]
        means = {name: round(float(self.scores[name].mean()), 12) for name in known}
        best, free = max(known, key=means.__getitem__), "prior_correction"
        if best == free or free not in known or means[free] <= means["none"]:
            return best
        beside = self._beside(free, [name for name in known if name != free])
        surely = [n for n, each in beside.items() if each.p_holm < ALPHA and each.mean > 0]
        return max(surely, key=means.__getitem__, default=free)

    @cached_property
    def gains(self) -> dict[str, Difference]:
        """Candidate that is not a baseline -> paired difference to `reference`."""
        names = [name for name in self.names if name not in self.baselines]
        if self.reference == "none":  # the same differences must not have two p-values
            return {name: self.differences[name] for name in names}
        return self._beside(self.reference, names)

    @cached_property
    def recommended(self) -> str:
        """The candidate that the advice names: `reference`, or one significantly better."""
        surely = [n for n, each in self.gains.items() if each.p_holm < ALPHA and each.mean > 0]
        return max(surely, key=lambda name: self.gains[name].mean, default=self.reference)

    @cached_property
    def cheapest(self) -> str:
        """The fastest candidate not distinguishable from `recommended`, or "" if none is faster."""
        seconds = {name: self.costs[name].fit_seconds for name in self.names}
        chosen = self.recommended
        beside = self._beside(chosen, [name for name in self.names if name != chosen])
        alike = [n for n, each in beside.items() if not each.p_holm < ALPHA]
        faster = [name for name in alike if seconds[name] < seconds[chosen]]
        return min(faster, key=seconds.__getitem__, default="")

    def _beside(self, other: str, names: list[str]) -> dict[str, Difference]:
        """Return the paired differences of candidates to one other, adjusted for their number."""
        folds = {name: self.scores[name] - self.scores[other] for name in names}
        return compare_several(folds, self.test_to_train)

    def difference(self, name: str, other: str) -> Difference:
        """Compare any two candidates, without adjustment for the number of comparisons.

        Parameters
        ----------
        name, other : str
            Candidates.

        Returns
        -------
        Difference
            Difference of the scores of `name` minus those of `other`.
        """
        return corrected_difference(self.scores[name] - self.scores[other], self.test_to_train)

    @property
    def better(self) -> list[str]:
        """Candidates better than "none", the best first."""
        found = self._different(sign=1)
        return sorted(found, key=lambda name: -self.differences[name].mean)

    @property
    def worse(self) -> list[str]:
        """Candidates worse than "none"."""
        return self._different(sign=-1)

    def _different(self, sign: int) -> list[str]:
        """Return the candidates that differ from "none", upwards (1) or downwards (-1)."""
        return [
            name
            for name, found in self.differences.items()
            if found.p_holm < ALPHA and found.mean * sign > 0
        ]

    @property
    def advice(self) -> str:
        """What to do, and what this was measured on."""
        return advise(self)

    def by(self, metric: str) -> ResamplerComparison:
        """Return the same comparison by another metric.

        Parameters
        ----------
        metric : str
            One of the metrics that were requested with `scoring`.

        Returns
        -------
        ResamplerComparison

        Raises
        ------
        ValueError
            If the metric was not computed.
        """
        if metric not in self.fold_scores:
            raise ValueError(
                f"`metric` must be one that was computed, {list(self.fold_scores)}, got "
                f"{metric!r}. Request others with `scoring`."
            )
        return replace(self, metric=metric)

    def to_frame(self, what: str = "summary") -> Any:
        """Return a pandas.DataFrame of the results.

        Parameters
        ----------
        what : {"summary", "folds", "recall"}, default="summary"
            "summary" has a row for each candidate, "folds" one for each metric, candidate and
            fold, and "recall" one for each candidate and class.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            If pandas is not installed.
        ValueError
            If there is no such table.
        """
        makers = {
            "summary": summary_rows,
            "folds": fold_rows,
            "recall": recall_rows,
        }
        if what not in makers:
            raise ValueError(f"`what` must be one of {list(makers)}, got {what!r}.")
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "ResamplerComparison.to_frame needs pandas. Install it: pip install "
                "imblearn-images[pandas]"
            ) from error
        return pd.DataFrame(makers[what](self))

    def to_json(self) -> str:
        """Return everything but the estimators as one JSON object in ASCII."""
        return json.dumps(
            {
                "metric": self.metric,
                "n_folds": self.n_folds,
                "conditions": dict(self.conditions),
                "candidates": plain(summary_rows(self)),
                "scores": plain(fold_rows(self)),
                "recall": plain(recall_rows(self)),
                "failures": dict(self.failures),
                "reference": self.reference,
                "recommended": self.recommended,
                "cheapest": self.cheapest,
                "gains": plain(gain_rows(self)),
                "better": self.better,
                "worse": self.worse,
                "notes": list(self.notes),
                "interrupted": self.interrupted,
                "advice": self.advice,
            }
        )

    def plot(self, ax: Any = None) -> ComparisonDisplay:
        """Draw the differences to "none" with their intervals; needs matplotlib.

        Parameters
        ----------
        {ax}

        Returns
        -------
        display : ComparisonDisplay
        """
        return ComparisonDisplay.from_comparison(self, ax=ax)

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)
