"""What helps a classifier: `python tests/benchmarks/efficacy.py [fashion|grocery|PATH] [options]`.

Balanced accuracy, G-mean and macro F1 on the test part, for a small network (needs PyTorch)
or a linear model of HOG features whose C is tuned inside, trained on what each method makes of
the training part. Every seed trains on another 80 % of each class. All rows are printed, also
where we lose. In the G-mean a class that is never found counts as 0.1 %.

"less 0.3 log shares" are scores less 0.3 times the log of the class shares of the training part
before resampling: `PriorCorrectedClassifier(prior="uniform", model_prior="train", tau=0.3)`.

PATH are uint8 images of your own: an .npz file with X_train, y_train, X_test, y_test, or a folder
with train/CLASS/ and test/CLASS/, whose photos are read at 64 x 64 pixels.

`efficacy.py policies`, `efficacy.py recipes` and `efficacy.py advice` print other tables, see
`policies.py`.

Nothing may be tuned on the test part: `--inside` trains on one half of the training part and
validates on the other. With `--out` a run that was broken off continues.
"""

from __future__ import annotations

import os

os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL")})

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import policies
from efficacy_models import SmallCNN, balanced_weights, corrected, linear_scores
from imblearn.metrics import geometric_mean_score
from imblearn.pipeline import make_pipeline
from sklearn.metrics import balanced_accuracy_score, f1_score
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from imblearn_images import SMOTE, RandomOverSampler, RedrawImages, recipes
from imblearn_images.datasets import load_image_folder
from imblearn_images.preprocessing import ReadImages
from imblearn_images.synthesis import Augment, Morph, OneOf, TransferDeformation

SHARED = Path(__file__).parents[3] / "shared" / "data"
MILD = 0.3  # how far to step against the shares of the source, behind a sampler
CHANNELS = ((1,), (3,), (4,))
LEAST = 12  # training images of a class: of 80 % SMOTE wants 6, in each of three folds

# ---------------------------------------------------------------- methods


def copied(seed: int) -> RandomOverSampler:
    """Copies, to begin with."""
    return RandomOverSampler(random_state=seed)


def augmented(seed: int) -> RedrawImages:
    """Mild augmentation of two fifths of every class."""
    return RedrawImages(Augment(), share=0.4, random_state=seed + 1)


def half(synthesis: Any, seed: int) -> RedrawImages:
    """Half of every class drawn anew, half of the rows real."""
    return RedrawImages(synthesis, share=0.5, random_state=seed)


MIXED = OneOf(
    [
        TransferDeformation(donors="all"),
        TransferDeformation(donors="all", residual=0.5),
        Morph(),
    ]
)


def drawn(synthesis: Any, seed: int) -> list[Any]:
    """Another picture for every copy."""
    return [RandomOverSampler(synthesis=synthesis, random_state=seed)]


# name: samplers of a seed, taus of the step against the shares of the source
METHODS: dict[str, tuple[Callable[[int], list[Any]], tuple[float, ...]]] = {
    "none": (lambda seed: [], (0, 1)),
    "class weights": (lambda seed: [], (0,)),
    "RandomOverSampler": (lambda seed: [copied(seed)], (0, MILD)),
    "SMOTE": (lambda seed: [SMOTE(random_state=seed)], (0, MILD)),
    "Augment": (lambda seed: [recipes.mild(random_state=seed)], (0, MILD)),
    "Transfer": (lambda seed: [recipes.transfer(random_state=seed)], (0, MILD)),
    "Transfer or Augment": (
        partial(drawn, OneOf([TransferDeformation(), Augment()])),
        (0, MILD),
    ),
    "Transfer then Augment": (
        lambda seed: [*drawn(TransferDeformation(), seed), augmented(seed)],
        (0, MILD),
    ),
    "many": (lambda seed: [recipes.many(random_state=seed)], (0, 1)),
    "mix of Transfer": (lambda seed: [recipes.mix(random_state=seed)], (0, MILD)),
    "mix": (lambda seed: [copied(seed), half(MIXED, seed), augmented(seed)], (0, MILD)),
    "Morph": (partial(drawn, Morph()), (0, MILD)),
}


def row_name(method: str, tau: float) -> str:
    """A row of the table."""
    return f"{method} less {tau:g} log shares" if tau else method


# ---------------------------------------------------------------- data


NAMED = {  # long-tailed Fashion-MNIST, 4000 ... 40 a class; photos, naturally imbalanced
    "fashion": SHARED / "fashion_mnist_longtail.npz",
    "grocery": SHARED / "grocery_store",
}


@lru_cache
def images_of(data: str) -> tuple[np.ndarray, ...]:
    """X_train, y_train, X_test, y_test; labels are 0 ... K - 1."""
    path = NAMED.get(data, Path(data))
    if path.is_dir():
        parts: list[np.ndarray] = []
        for part in ("train", "test"):
            paths, y = load_image_folder(path / part)
            parts += [ReadImages(size=(64, 64), mode="RGB").transform(paths), y]
    else:
        with np.load(path) as file:
            parts = [file[name] for name in ("X_train", "y_train", "X_test", "y_test")]
    X_train, y_train, X_test, y_test = parts
    if X_train.dtype != np.uint8 or not (X_train.ndim == 3 or X_train.shape[3:] in CHANNELS):
        raise ValueError(
            f"Images must be uint8, (n, H, W) or (n, H, W, C); got {X_train.dtype}, {X_train.shape}"
        )
    if (len(X_train), len(X_test)) != (len(y_train), len(y_test)):
        raise ValueError("There must be a label for each image.")
    if X_train.shape[1:] != X_test.shape[1:]:
        raise ValueError(f"Training images are {X_train.shape[1:]}, tested {X_test.shape[1:]}.")
    names, y_train, counts = np.unique(y_train, return_inverse=True, return_counts=True)
    strangers = np.setdiff1d(y_test, names)
    if len(strangers) or len(names) < 2 or counts.min() < LEAST:
        raise ValueError(
            f"Two classes at least, each of {LEAST} training images: there are "
            f"{dict(zip(names.tolist(), counts.tolist(), strict=True))}, and in the test part only "
            f"{strangers.tolist()}."
        )
    return X_train, y_train, X_test, np.searchsorted(names, y_test)


@lru_cache
def groups_of(data: str) -> np.ndarray | None:
    """Group of each training image, of an .npz file with `groups_train`; None elsewhere."""
    path = NAMED.get(data, Path(data))
    if path.suffix != ".npz":
        return None
    with np.load(path) as file:
        groups: np.ndarray | None = file.get("groups_train")
    return groups


def split(data: str, seed: int, inside: bool) -> tuple[Any, ...]:
    """X_train, y_train, X_test, y_test of a seed, and the groups of the training images."""
    X, y, X_test, y_test = images_of(data)
    share, groups = 0.5 if inside else 0.8, groups_of(data)
    rows = np.arange(len(y))
    if groups is None:
        train, rest = train_test_split(rows, train_size=share, stratify=y, random_state=seed)
    else:
        folds = StratifiedGroupKFold(round(1 / (1 - share)), shuffle=True, random_state=seed)
        train, rest = next(iter(folds.split(rows, y, groups)))
        groups = groups[train]
    tested = (X[rest], y[rest]) if inside else (X_test, y_test)
    return X[train], y[train], *tested, groups


# ---------------------------------------------------------------- one run


def run(
    task: tuple[str, int],
    *,
    data: str,
    model: str,
    steps: int,
    inside: bool,
    methods: dict[str, Any] = METHODS,
) -> list[dict[str, Any]]:
    """Train and test one method with one seed: a record for each tau."""
    method, seed = task
    samplers_of, taus = methods[method]
    samplers = samplers_of(seed)
    X, y, X_test, y_test, groups = split(data, seed, inside)
    priors = np.bincount(y) / len(y)
    weighted = method == "class weights"
    start = time.process_time()
    if model == "cnn":
        X_drawn, y_drawn = make_pipeline(*samplers).fit_resample(X, y) if samplers else (X, y)
        drawing = time.process_time() - start
        weight = balanced_weights(priors) if weighted else None
        network = SmallCNN(steps, class_weight=weight, random_state=seed).fit(X_drawn, y_drawn)
        scores = dict.fromkeys(taus, network.decision_function(X_test))
    else:
        drawing = 0.0  # a part of tuning
        scores = linear_scores(samplers, weighted, taus, (X, y), X_test, seed, groups)
    seconds = time.process_time() - start
    records = []
    for tau in taus:
        guessed = corrected(scores[tau], priors, tau)
        record: dict[str, Any] = {
            "data": data,
            "model": model,
            "steps": steps,
            "inside": inside,
            "method": method,
            "tau": tau,
            "seed": seed,
            "balanced accuracy": balanced_accuracy_score(y_test, guessed),
            "G-mean": geometric_mean_score(y_test, guessed, correction=1e-3),
            "macro F1": f1_score(y_test, guessed, average="macro"),
            "drawing": round(drawing, 2),
            "seconds": round(seconds, 2),
        }
        records.append(record)
    return records


def all_runs(tasks: list[tuple[str, int]], jobs: int, **options: Any) -> Iterator[list[Any]]:
    """Records of all tasks, in any number of processes."""
    work = partial(run, **options)
    if jobs == 1:
        yield from map(work, tasks)
    else:  # threads of PyTorch and BLAS do not survive a fork
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            yield from pool.map(work, tasks)


# ---------------------------------------------------------------- the table

Found = dict[str, dict[int, dict[str, Any]]]  # row of the table, seed: record
METRICS = ("balanced accuracy", "G-mean", "macro F1")
PEERS = ("RandomOverSampler", "SMOTE", "Augment")
CHALLENGERS = ("Transfer", "Transfer or Augment", "Transfer then Augment", "mix of Transfer", "mix")


def differences(found: Found, row: str, peer: str, metric: str) -> np.ndarray:
    """Points by which a row is better, for each seed that both have."""
    seeds = sorted(found.get(row, {}).keys() & found.get(peer, {}).keys())
    return np.array([100 * (found[row][s][metric] - found[peer][s][metric]) for s in seeds])


def print_table(found: Found) -> None:
    """Mean and standard deviation over seeds; paired differences and seeds won."""
    print(f"\n{'':38}" + "".join(f"{metric:>19}" for metric in METRICS), end="")
    print("".join(f"{'vs ' + peer:>21}" for peer in PEERS), " CPU s: all (drawing)")
    for row, by_seed in found.items():
        line = f"{row:<38}"
        for metric in METRICS:
            values = 100 * np.array([record[metric] for record in by_seed.values()])
            spread = f" +- {values.std(ddof=1):4.2f}" if len(values) > 1 else " " * 8
            line += f"{values.mean():>11.2f}{spread}"
        for peer in PEERS:
            gained = differences(found, row, peer, METRICS[0])
            won = f"{gained.mean():+.2f} ({sum(gained > 0)}/{len(gained)})" if len(gained) else ""
            line += f"{won if row != peer else '-':>21}"
        spent = [np.mean([r[name] for r in by_seed.values()]) for name in ("seconds", "drawing")]
        print(f"{line}{spent[0]:>9.0f} ({spent[1]:.1f})")
    print("Difference of balanced accuracies in points, on the same seeds (seeds won).")


def print_verdict(found: Found) -> None:
    """Each goal, and whether it was met: in every seed."""
    print("\nGoals: over RandomOverSampler and SMOTE, every seed (smallest difference)")
    for method in (*CHALLENGERS, "Augment", "Morph"):
        for row in (method, row_name(method, MILD)):
            for peer in PEERS[:2]:
                for metric, goal in (("balanced accuracy", 2.5), ("G-mean", 3.5)):
                    gained = differences(found, row, peer, metric)
                    if len(gained):
                        least = f"{gained.min():+6.2f}, mean {gained.mean():+6.2f}, goal +{goal}"
                        met = "met" if gained.min() >= goal else "NOT met"
                        print(f"  {row:<38} over {peer:<18} {metric:<18} {least}: {met}")
    print("Goal: the mean of Transfer at least Augment + 0.5 in balanced accuracy, every seed won")
    for tau in (0, MILD):
        for method in CHALLENGERS:
            gained = differences(found, row_name(method, tau), row_name("Augment", tau), METRICS[0])
            if len(gained):
                met = "met" if gained.mean() >= 0.5 and gained.min() > 0 else "NOT met"
                print(
                    f"  {row_name(method, tau):<38} mean {gained.mean():+.2f}, least "
                    f"{gained.min():+.2f}, {sum(gained > 0)} of {len(gained)} seeds: {met}"
                )


# ---------------------------------------------------------------- command line


def main() -> None:
    """Run what is missing, print the table of all."""
    if sys.argv[1:2] in (["policies"], ["advice"], ["recipes"]):
        policies.main(sys.argv[1:], images_of=images_of, groups_of=groups_of)
        return
    what, _, _, paths, *_ = __doc__.split("\n\n")
    parser = argparse.ArgumentParser(description=what, epilog=paths)
    parser.add_argument("data", nargs="?", default="fashion", help="fashion, grocery, PATH")
    parser.add_argument("--model", choices=["cnn", "hog"], default="cnn")
    parser.add_argument("--seeds", type=int, default=5, help="how many")
    parser.add_argument("--steps", type=int, default=2000, help="of the network")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--inside", action="store_true", help="validate in the training part")
    parser.add_argument("--out", type=Path, help="results as JSON lines; those there are kept")
    args = parser.parse_args()
    if min(args.seeds, args.steps, args.jobs) < 1:
        parser.error("--seeds, --steps and --jobs must be at least 1.")
    try:
        images_of(args.data)
    except (OSError, ValueError, KeyError) as error:
        parser.exit(1, f"{NAMED.get(args.data, args.data)}: {error}\n")
    options = {name: getattr(args, name) for name in ("data", "model", "steps", "inside")}
    records: list[dict[str, Any]] = []
    if args.out is not None and args.out.exists():
        lines = map(json.loads, args.out.read_text().splitlines())
        records = [line for line in lines if options.items() <= line.items()]
    done = {(record["method"], record["seed"]) for record in records}
    tasks = [(method, seed) for seed in range(args.seeds) for method in args.methods]
    for new in all_runs([task for task in tasks if task not in done], args.jobs, **options):
        records += new
        for record in new:
            line = json.dumps(record)
            print(line, flush=True)
            if args.out is not None:
                with args.out.open("a") as file:
                    file.write(line + "\n")
    found: Found = {}
    for record in sorted(records, key=lambda record: list(METHODS).index(record["method"])):
        row = row_name(record["method"], record["tau"])
        found.setdefault(row, {})[record["seed"]] = record
    print_table(found)
    if args.data == "fashion" and args.model == "cnn":
        print_verdict(found)


if __name__ == "__main__":
    main()
