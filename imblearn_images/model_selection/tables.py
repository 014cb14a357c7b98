"""Tables: a comparison as rows, as text and as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from imblearn_images.core.wording import align, counted
from imblearn_images.folders.report import shown
from imblearn_images.model_selection.statistics import ALPHA

if TYPE_CHECKING:
    from imblearn_images.model_selection.comparison import ResamplerComparison

__all__ = [
    "as_html",
    "as_text",
    "fold_rows",
    "gain_rows",
    "of_interest",
    "plain",
    "recall_rows",
    "summary_rows",
]

RECALLS = 6
"""Candidates whose recall is shown."""

CLASSES = 10
"""Classes, the smallest ones, that are shown; all are in ``to_frame("recall")``."""


def summary_rows(comparison: ResamplerComparison) -> list[dict[str, Any]]:
    """Every candidate with all its numbers, failed ones with the reason."""
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
    """Every candidate that is no baseline, beside the best baseline."""
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
    """Every score."""
    return [
        {"metric": metric, "candidate": name, "fold": fold, "score": score}
        for metric, by_name in comparison.fold_scores.items()
        for name, scores in by_name.items()
        for fold, score in enumerate(scores)
    ]


def recall_rows(comparison: ResamplerComparison) -> list[dict[str, Any]]:
    """Every class and candidate."""
    return [
        {"candidate": name, "class": label, "recall": recall, "n_test": n_test}
        for name, by_class in comparison.recall.items()
        for label, (recall, n_test) in by_class.items()
    ]


def of_interest(comparison: ResamplerComparison, n: int) -> list[str]:
    """At most `n` candidates: none, the best baseline, the best and the worst, what differs."""
    ranked = sorted(comparison.names, key=lambda name: -comparison.scores[name].mean())
    first = ["none", comparison.reference, ranked[0], ranked[-1], "prior_correction"]
    chosen = [*dict.fromkeys([*first, *comparison.worse, *comparison.better, *ranked])]
    known = [name for name in chosen if name in comparison.names][:n]
    return [name for name in comparison.names if name in known]


def plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Turn numbers into Python's own, NaN into None, labels that JSON does not know into text."""
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
    """The tables, not wider than `width`, what shows `all_classes`, notes and advice."""
    lines = [_title(comparison), "", align(*_cells(comparison), width=width), ""]
    if _has_gains(comparison):
        lines += [align(*_gain_cells(comparison), width=width), ""]
    lines += [align(*_recall_cells(comparison), width=width)]
    if (hidden := len(comparison.recall["none"]) - CLASSES) > 0:
        lines += [f"and {counted(hidden, 'larger class')}: {all_classes}"]
    lines += [""] + [f"{what}: {shown(text, 300)}" for what, text in _remarks(comparison)]
    return "\n".join([*lines, comparison.advice])


def as_html(comparison: ResamplerComparison) -> str:
    """The same for notebooks and reports."""
    remarks = "".join(
        f"<li>{escape(what)}: {escape(text)}</li>" for what, text in _remarks(comparison)
    )
    gains = _table(*_gain_cells(comparison)) if _has_gains(comparison) else ""
    return (
        f'<div><p class="advice"><b>{escape(comparison.advice)}</b></p>'
        f"<p>{escape(_title(comparison))}</p>{_table(*_cells(comparison))}{gains}"
        f"<p>Recall of the smallest classes</p>{_table(*_recall_cells(comparison))}"
        f"<ul>{remarks}</ul></div>"
    )


def _title(comparison: ResamplerComparison) -> str:
    images = sum(n for _, n in comparison.recall["none"].values())
    return (
        f"{comparison.metric} on {counted(comparison.n_folds, 'fold')} of {images} images; mean +- "
        "standard deviation, paired difference to none"
    )


def _remarks(comparison: ResamplerComparison) -> list[tuple[str, str]]:
    failed = [(f"no result for {name}", why) for name, why in comparison.failures.items()]
    return failed + [("note", note) for note in comparison.notes]


def _cells(comparison: ResamplerComparison) -> tuple[list[str], list[list[str]]]:
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


def _has_gains(comparison: ResamplerComparison) -> bool:
    """Whether the best baseline is another one than the table above compares with."""
    return bool(comparison.gains) and comparison.reference != "none"


def _gain_cells(comparison: ResamplerComparison) -> tuple[list[str], list[list[str]]]:
    """Beside the best baseline: what the advice speaks of."""
    columns = [f"beside {comparison.reference}", "difference", "95 % interval", "p (Holm)", ""]
    return columns, [
        [shown(name, 24), *_beside(found), _word(found)] for name, found in comparison.gains.items()
    ]


def _beside(found: Any) -> list[str]:
    interval = f"{found.low:+.3f} {found.high:+.3f}" if np.isfinite(found.low) else "-"
    return [f"{found.mean:+.3f}", interval, _number(found.p_holm)]


def _word(found: Any) -> str:
    return "" if not found.p_holm < ALPHA else "better" if found.mean > 0 else "worse"


def _recall_cells(comparison: ResamplerComparison) -> tuple[list[str], list[list[Any]]]:
    """Recall of the smallest classes without resampling, and of what the advice may speak of."""
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
    _, seconds, peak = comparison.costs[name]
    parts = [f"{seconds:.2f} s"] if np.isfinite(seconds) else []
    parts += [f"{peak / 1e6:.1f} MB"] if np.isfinite(peak) else []
    return ", ".join(parts) or "-"


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "-"


def _spread(scores: Any) -> float:
    return float(scores.std(ddof=1)) if len(scores) > 1 else np.nan


def _table(columns: list[str], rows: list[list[Any]]) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
