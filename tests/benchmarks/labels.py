"""Several labels an image: what repeats, folds, resampling and thresholds do.

    python tests/benchmarks/labels.py              # about two minutes on one core
    python tests/benchmarks/labels.py repeats folds compare

``repeats``: images added so that every label is there 100 times, by the linear programme and by
repeating an image of the rarest label again and again, on made-up sets whose labels fall off as
1 / rank^1.2 and share themes. ``folds``: deviation of the labels' shares in five folds, beside
random folds and, where it is installed, iterative-stratification. ``compare``: photos of several
handwritten digits, digits of falling frequency, and, where river is installed, which brings the
set, yeast.
"""

import csv
import gzip
import importlib.util
import os
import sys
import time
import warnings
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from imblearn_images import MLSMOTE, LabelOverSampler
from imblearn_images.core.multilabel import choose_repeats
from imblearn_images.model_selection import (
    MultilabelStratifiedKFold,
    compare_resamplers,
    label_imbalance,
)
from imblearn_images.preprocessing import FlattenImages
from imblearn_images.synthesis import Augment


def themed(n, n_labels, seed=0):
    """Objects of labels in images that have themes, shape (n, n_labels)."""
    rng = np.random.default_rng(seed)
    p = 1 / np.arange(1, n_labels + 1) ** 1.2
    themes = rng.dirichlet(np.full(n_labels, 0.08), size=40)
    counts = np.zeros((n, n_labels), dtype=np.int64)
    for row in counts:
        theme = themes[rng.integers(40)]
        q = 0.5 * p / p.sum() + 0.5 * theme * p / (theme * p).sum()
        np.add.at(row, rng.choice(n_labels, rng.integers(1, 16), p=q / q.sum()), 1)
    return counts[:, counts.any(axis=0)]


def greedy(counts, target, cap, rng):
    """Repeat an image of the rarest label that is short until none is."""
    repeats, total = np.ones(len(counts), int), counts.sum(axis=0)
    wanted = np.minimum(target, cap * total)
    while len(short := np.flatnonzero(total < wanted)):
        label = short[np.argmin(total[short])]
        row = rng.choice(np.flatnonzero((counts[:, label] > 0) & (repeats < cap)))
        repeats[row] += 1
        total = total + counts[row]
    return repeats


def repeats():
    for n, n_labels in ((3000, 80), (20000, 400)):
        counts = themed(n, n_labels)
        started = time.process_time()
        chosen, reach = choose_repeats(counts, np.full(counts.shape[1], 100), 20)
        seconds = time.process_time() - started
        added = int(chosen.sum()) - n
        by_hand = int(greedy(counts, 100, 20, np.random.default_rng(0)).sum()) - n
        print(
            f"{n} images, {counts.shape[1]} labels, {int((reach.before < 100).sum())} below 100: "
            f"{added} images added in {seconds:.2f} s of CPU, greedy {by_hand} "
            f"({added / by_hand:.2f}); {len(reach.unreachable)} cannot be reached"
        )


def deviation(y, folds):
    total = y.sum(axis=0)
    there = total > 0
    shares = np.array([y[test].sum(axis=0)[there] / total[there] for _, test in folds])
    return np.abs(shares - 1 / len(folds)).mean(), np.mean((shares == 0).sum(axis=1))


def folds():
    sets = {"themed, labels": (themed(5000, 370) > 0).astype(int), "objects": themed(1000, 8)}
    if (found := yeast()) is not None:
        sets["yeast"] = found[1]
    theirs = importlib.util.find_spec("iterstrat")
    for name, y in sets.items():
        rows = {"ours": [], "random": []} | ({"iterative-stratification": []} if theirs else {})
        for seed in range(3):
            params = {"shuffle": True, "random_state": seed}
            rows["ours"].append(
                deviation(y, list(MultilabelStratifiedKFold(5, **params).split(y, y)))
            )
            rows["random"].append(deviation(y, list(KFold(5, **params).split(y))))
            if theirs:
                from iterstrat import ml_stratifiers

                other = ml_stratifiers.MultilabelStratifiedKFold(5, **params)
                rows["iterative-stratification"].append(
                    deviation(y, list(other.split(y, (y > 0).astype(int))))
                )
        print(f"{name}: {len(y)} images, {y.shape[1]} labels; mean |share - 0.2|, empty labels")
        for kind, found in rows.items():
            mean, empty = np.mean(found, axis=0)
            print(f"  {kind:25} {mean:.5f}  {empty:.1f}")


def digit_photos(n=1500, seed=0):
    """Photos of one to three handwritten digits, the frequency of digits falls off."""
    rng = np.random.default_rng(seed)
    digits = load_digits()
    p = 0.6 ** np.arange(10)
    images, labels = np.zeros((n, 16, 16), dtype=np.uint8), np.zeros((n, 10), dtype=int)
    rows = [np.flatnonzero(digits.target == label) for label in range(10)]
    for image, own in zip(images, labels, strict=True):
        corners = rng.permutation(4)[: rng.integers(1, 4)]
        for corner in corners:
            label = rng.choice(10, p=p / p.sum())
            top, left = 8 * (corner // 2), 8 * (corner % 2)
            patch = digits.images[rng.choice(rows[label])] * 15.9
            image[top : top + 8, left : left + 8] = patch.astype(np.uint8)
            own[label] = 1
    return images, labels


def yeast():
    river = importlib.util.find_spec("river")
    if river is None:
        return None
    with gzip.open(Path(river.origin).parent / "datasets" / "yeast.csv.gz", "rt") as file:
        header, *table = csv.reader(file)
    is_label = np.array([name.startswith("Class") for name in header])
    values = np.array(table, dtype=float)
    return values[:, ~is_label], values[:, is_label].astype(int)


def compare():
    warnings.simplefilter("ignore")  # targets out of reach, folds without a rare label
    model = make_pipeline(StandardScaler(), OneVsRestClassifier(LogisticRegression(max_iter=200)))
    photos = make_pipeline(FlattenImages(), *(step for _, step in model.steps))
    sets = {"digits": (photos, *digit_photos())}
    if (found := yeast()) is not None:
        sets["yeast"] = (model, *found)
    for name, (estimator, X, y) in sets.items():
        print(f"\n{name}: {label_imbalance(y)}\n")
        samplers = {
            "repeats, at most 4": LabelOverSampler(max_repeats=4),
            "repeats, at most 10": LabelOverSampler(),
            "MLSMOTE": MLSMOTE(),
        }
        if X.ndim > 2:
            mild = Augment(rotation_range=5, zoom_range=0.05)
            samplers["other pictures"] = LabelOverSampler(max_repeats=4, synthesis=mild)
        print(compare_resamplers(estimator, samplers, X, y, cv=5, random_state=0))


if __name__ == "__main__":
    for part in sys.argv[1:] or ("repeats", "folds", "compare"):
        {"repeats": repeats, "folds": folds, "compare": compare}[part]()
