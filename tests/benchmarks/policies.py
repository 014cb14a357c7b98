"""Which policy, how their ensemble does, and what following the advice is worth.

`python tests/benchmarks/efficacy.py policies [fashion|grocery|textures|PATH ...]` trains HOG and a
linear model under every policy and prints balanced accuracy on the test part: for each policy
alone, for the mean of the default policies, and for that mean screened by inner cross-validation,
which is `PolicyEnsembleClassifier` with its defaults. Repeats train on other images. With
`--model cnn` the small network (needs PyTorch) takes their place, and nothing is screened.

`python tests/benchmarks/efficacy.py recipes [SET ...] [--seeds N]` prints what each recipe, and
what might be safer, gains over prior correction of the untouched model; no test part is looked at.

`python tests/benchmarks/efficacy.py advice [SET ...]` counts wrong calls of `compare_resamplers` in
200 simulated comparisons where no candidate is better, and 200 where one is, and what following
the advice gains over always using prior correction; with sets, on the test parts of these, too.

fashion is every tenth training image of the long tail, grocery the photos at 64 x 64 pixels,
textures patches of scikit-image's brick, grass and gravel, whose groups are tiles of 128 pixels.
An .npz file of your own may have `groups_train`, which inner folds then keep together.
"""

from __future__ import annotations

import argparse
import copy
import functools
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from efficacy_models import SmallCNN, balanced_weights
from imblearn.pipeline import make_pipeline
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from imblearn_images import RandomOverSampler, RedrawImages, recipes
from imblearn_images.ensemble import PolicyEnsembleClassifier
from imblearn_images.model_selection import ResamplerComparison, compare_resamplers
from imblearn_images.model_selection._comparison import Calibration, ClassRecall, Cost
from imblearn_images.preprocessing import HOGFeatures
from imblearn_images.synthesis import Augment, Chain, OneOf, TransferDeformation

SIMPLE = ("none", "prior_correction", "class_weight", "copies")
DEFAULT = ("prior_correction", "class_weight", "mild", "transfer", "mix", "many")
SCREEN = 0.03
TEMPERATURE = 0.02
Part = tuple[np.ndarray, np.ndarray, Any]  # images, labels, groups or None


def policies() -> list[tuple[str, Any, Any]]:
    """The default ones by their names, and others beside them; drawings are shared."""
    mild, transfer, mix = recipes.mild(), recipes.transfer(), recipes.mix()
    return [
        ("none", None, None),
        ("prior_correction", None, 1.0),
        ("class_weight", None, "class_weight"),
        ("copies", RandomOverSampler(), None),
        ("mild alone", mild, None),
        ("mild", mild, 0.3),
        ("transfer alone", transfer, None),
        ("transfer", transfer, 0.3),
        ("mix alone", mix, None),
        ("mix", mix, 0.3),
        ("many", recipes.many(), 1.0),
    ]


class Network(SmallCNN):
    """The small network, as a classifier that takes images and has probabilities."""

    def fit(self, X: np.ndarray, y: Any) -> Network:
        """Train; balanced weights by their name."""
        if isinstance(self.class_weight, str):
            weight, self.class_weight = self.class_weight, balanced_weights(np.bincount(y) / len(y))
            try:
                super().fit(X, y)
            finally:
                self.class_weight = weight
            return self
        super().fit(X, y)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Shares of the classes, shape (n, K)."""
        return softmax(self.decision_function(X).astype(np.float64), axis=1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def model(steps: int = 0, seed: int = 0) -> Any:
    """HOG and a linear model; of a number of steps the small network."""
    if steps:
        return Network(steps, random_state=seed)
    return make_pipeline(HOGFeatures(), LogisticRegression(C=3, tol=1e-3, max_iter=300))


# ---------------------------------------------------------------- data


def textures(seed: int) -> tuple[Part, Part]:
    """Patches of 24 x 24 pixels of three photos, whole tiles on one side."""
    from skimage import data

    rng = np.random.default_rng(seed)
    X, y, groups = [], [], []
    for label, (photo, n) in enumerate(((data.brick(), 16), (data.grass(), 8), (data.gravel(), 4))):
        for tile in range(16):
            top, left = (128 * each for each in divmod(tile, 4))
            for cell in rng.permutation(25)[: n if tile % 2 else 25].tolist():
                row, column = (24 * each for each in divmod(cell, 5))
                X.append(photo[top + row :, left + column :][:24, :24])
                y.append(label)
                groups.append(16 * label + tile)
    X, y, groups = map(np.asarray, (X, y, groups))
    trains = np.zeros(len(y), dtype=bool)
    for label, n in enumerate((8, 5, 3)):  # tiles with few patches train, whole ones are tested
        tiles = 16 * label + rng.permutation(np.arange(1, 16, 2))[:n]
        trains |= np.isin(groups, tiles)
    tests = groups % 2 == 0
    return (X[trains], y[trains], groups[trains]), (X[tests], y[tests], None)


def parts(name: str, seed: int, images_of: Callable[[str], Any], groups_of: Any) -> Any:
    """Training and test part of a set, another one for each seed."""
    if name == "textures":
        return textures(seed)
    X, y, X_test, y_test = images_of(name)
    groups = groups_of(name)
    if groups is not None:
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(X, y, groups)
        rows, _ = next(iter(folds))
        return (X[rows], y[rows], groups[rows]), (X_test, y_test, None)
    if name == "fashion":
        rng = np.random.default_rng(seed)
        sizes = np.maximum(12, np.bincount(y) // 10)
        rows = np.concatenate(
            [rng.permutation(np.flatnonzero(y == k))[:n] for k, n in enumerate(sizes)]
        )
    else:
        rows, _ = train_test_split(np.arange(len(y)), train_size=0.8, stratify=y, random_state=seed)
    return (X[rows], y[rows], None), (X_test, y_test, None)


# ---------------------------------------------------------------- policies


def answers(fitted: PolicyEnsembleClassifier, names: Sequence[str], X: Any) -> np.ndarray:
    """Labels by the mean of some of the policies."""
    some = copy.copy(fitted)
    some.estimators_ = {name: fitted.estimators_[name] for name in names}
    return some.predict(X)


def weighted_answers(
    fitted: PolicyEnsembleClassifier, inner: dict[str, float], X: Any
) -> np.ndarray:
    """Labels by the mean of policies that weigh by their inner scores.

    The rule was stated before it was tried: a policy counts exp(-d / 0.02) where it scores d below
    the best, so that one that would just be dropped counts a fifth.
    """
    best, logs = max(inner.values()), 0.0
    for name, score in inner.items():
        some = copy.copy(fitted)
        some.estimators_ = {name: fitted.estimators_[name]}
        logs = logs + math.exp((score - best) / TEMPERATURE) * some.predict_log_proba(X)
    return fitted.classes_[np.argmax(logs, axis=1)]


def run_networks(train: Part, test: Part, seed: int, steps: int) -> dict[str, float]:
    """Points of each policy with the small network, and of their means; nothing is screened."""
    X, y, _ = train
    some = policies()
    for k in (1, 2):  # of three seeds, the first is that of the others
        again = make_pipeline(recipes.mild(random_state=k), Network(steps, random_state=100 + k))
        some.append(
            (f"mild, seed {k}", again, {"prior": "uniform", "model_prior": "train", "tau": 0.3})
        )
    ensemble = PolicyEnsembleClassifier(model(steps, seed), some, screen=None, random_state=seed)
    ensemble.fit(X, y)
    rows = {name: [name] for name in ensemble.estimators_}
    rows["three seeds of mild"] = ["mild", "mild, seed 1", "mild, seed 2"]
    rows |= {"mean of five": list(DEFAULT[:5]), "PolicyEnsembleClassifier": list(DEFAULT)}
    return {
        row: 100 * balanced_accuracy_score(test[1], answers(ensemble, names, test[0]))
        for row, names in rows.items()
    }


def run_policies(train: Part, test: Part, seed: int) -> tuple[dict[str, float], set[str]]:
    """Points of each policy, of their mean, and of the screened mean; names that are kept."""
    X, y, groups = train
    ensemble = PolicyEnsembleClassifier(model(), policies(), screen=1.0, random_state=seed)
    ensemble.fit(X, y, groups=groups)
    inner = {each.name: each.score for each in ensemble.policies_}
    best = max(inner[name] for name in DEFAULT)
    kept = [name for name in DEFAULT if inner[name] >= best - SCREEN]
    rows = {name: [name] for name in inner}
    rows |= {"best in inner folds": [max(DEFAULT, key=inner.__getitem__)]}
    rows |= {"mean of the default": list(DEFAULT), "PolicyEnsembleClassifier": kept}
    points = {
        row: 100 * balanced_accuracy_score(test[1], answers(ensemble, names, test[0]))
        for row, names in rows.items()
    }
    for row, names in (("weighted, all", DEFAULT), ("weighted, screened", kept)):
        found = weighted_answers(ensemble, {name: inner[name] for name in names}, test[0])
        points[row] = 100 * balanced_accuracy_score(test[1], found)
    return points, set(kept)


def print_weights(cases: int) -> None:
    """Equal weights and those by inner scores, of six simulated policies in ten classes."""
    rng = np.random.default_rng(0)
    gains: dict[str, list[float]] = {"weighted, all": [], "weighted, screened": []}
    for _ in range(cases):
        y, quality = rng.integers(0, 10, 3300), rng.normal(1.0, 0.15, 6)
        logits = quality[:, None, None] * 2 * np.eye(10)[y] + rng.normal(size=(3300, 10))
        logits = logits + rng.normal(size=(6, 3300, 10))  # errors in common, and of their own
        inner = [balanced_accuracy_score(y[:300], each[:300].argmax(axis=1)) for each in logits]
        below = np.max(inner) - inner
        equal, falling = np.where(below <= SCREEN, 1.0, 0.0), np.exp(-below / TEMPERATURE)
        right = {
            row: 100 * np.mean(np.tensordot(w, logits[:, 300:], 1).argmax(axis=1) == y[300:])
            for row, w in (
                ("equal", equal),
                ("weighted, all", falling),
                ("weighted, screened", equal * falling),
            )
        }
        for row, gained in gains.items():
            gained.append(right[row] - right["equal"])
    for row, gained in gains.items():
        error = np.std(gained, ddof=1) / math.sqrt(cases)
        print(
            f"{cases} simulated ensembles, {row}: {np.mean(gained):+.2f} +- {error:.2f} points "
            "over equal weights of those screened"
        )


def costs(train: Part, seed: int) -> tuple[float, float, float]:
    """CPU seconds: one fit; one fit behind the mix; the ensemble with its defaults."""
    X, y, groups = train
    found = []
    default = [each for each in policies() if each[0] in DEFAULT]
    for some, screen in (([policies()[0]], None), ([policies()[9]], None), (default, SCREEN)):
        start = time.process_time()
        PolicyEnsembleClassifier(model(), some, screen=screen, random_state=seed).fit(
            X, y, groups=groups
        )
        found.append(time.process_time() - start)
    return found[0], found[1], found[2]


def print_policies(sets: Sequence[str], repeats: int, steps: int, **sources: Any) -> None:
    """The table; sets are columns."""
    table: dict[str, dict[str, np.ndarray]] = {}
    for name in sets:
        found = []
        for seed in range(repeats):
            train, test = parts(name, seed, **sources)
            points, kept = (
                (run_networks(train, test, seed, steps), set(DEFAULT))
                if steps
                else run_policies(train, test, seed)
            )
            found.append(points)
            told = ", ".join(f"{row} {value:.1f}" for row, value in points.items())
            print(f"{name}, seed {seed}, {len(train[1])} images: {told}; kept: {sorted(kept)}")
        for row in found[0]:
            table.setdefault(row, {})[name] = np.array([points[row] for points in found])
        if not steps:
            fit, mixed, all_six = costs(train, 0)
            print(
                f"{name}: CPU s of one fit {fit:.2f}, behind the mix {mixed:.2f}, the default "
                f"screened {all_six:.2f}: {all_six / mixed:.1f} times one fit and one drawing"
            )
    simple = {name: max(table[row][name].mean() for row in SIMPLE) for name in sets}
    print(f"\n{'':28}" + "".join(f"{name[-16:]:>18}" for name in sets), end="")
    print(f"{'vs copies':>11}{'vs LA':>8}{'worst vs simple':>17}")
    for row, by_set in table.items():
        cells = "".join(f"{spread(by_set[name]):>18}" for name in sets)
        beside = [
            np.mean([by_set[n].mean() - table[other][n].mean() for n in sets])
            for other in ("copies", "prior_correction")
        ]
        worst = min(by_set[n].mean() - simple[n] for n in sets)
        print(f"{row:28}{cells}{beside[0]:>+11.1f}{beside[1]:>+8.1f}{worst:>+17.1f}")
    print("Balanced accuracy, test part; worst set beside the best of " + ", ".join(SIMPLE) + ".")


def spread(values: np.ndarray) -> str:
    """Mean and standard deviation; of one value no spread is known.

    >>> spread(np.array([50.0])), spread(np.array([50.0, 52.0]))
    ('50.0', '51.0 +- 1.4')
    """
    mean = f"{values.mean():.1f}"
    return mean if len(values) < 2 else f"{mean} +- {values.std(ddof=1):.1f}"


# ---------------------------------------------------------------- recipes


def variants() -> list[tuple[str, Any, Any]]:
    """The recipes as they are recommended, and what might be safer."""
    bent = TransferDeformation(donors="all")
    pictures = OneOf([bent, Chain([bent, Augment()]), Augment()], [0.4, 0.3, 0.3])
    times = functools.partial(RedrawImages, keep=True)
    even = make_pipeline(RandomOverSampler(), RedrawImages(bent, share=0.5))
    mild, transfer, mix = recipes.mild(), recipes.transfer(), recipes.mix()
    return [
        ("prior_correction", None, 1.0),
        ("mild", mild, None),
        ("mild, tau 0.3", mild, 0.3),
        ("transfer", transfer, None),
        ("transfer, tau 0.3", transfer, 0.3),
        ("transfer in all classes, tau 0.3", even, 0.3),
        ("mix", mix, None),
        ("mix, tau 0.3", mix, 0.3),
        ("many", recipes.many(), 1.0),
        ("many, mild alone", times(Augment(), times=8), 1.0),
        ("many, 4 times", recipes.many(times=4), 1.0),
        ("half of the images once more", times(pictures, times=1, share=0.5), 1.0),
        ("each once more, transfer", times(bent, times=1), 1.0),
        ("each twice more, weak transfer", times(weak(), times=2), 1.0),
    ]


def weak() -> TransferDeformation:
    """Deformations of half the size."""
    return TransferDeformation(scale=(0.1, 0.5), donors="all")


def print_recipes(sets: Sequence[str], repeats: int, **sources: Any) -> None:
    """Points beside prior correction, out of inner folds; textures are made anew and tested."""
    for name in sets:
        gains: dict[str, list[float]] = {}
        for seed in range(repeats):
            (X, y, groups), (X_test, y_test, _) = parts(name, seed, **sources)
            tested = name == "textures"
            ensemble = PolicyEnsembleClassifier(
                model(), variants(), screen=None if tested else 1.0, random_state=seed
            ).fit(X, y, groups=groups)
            if tested:
                scores = {
                    each: balanced_accuracy_score(y_test, answers(ensemble, [each], X_test))
                    for each in ensemble.estimators_
                }
            else:
                scores = {each.name: each.score for each in ensemble.policies_}
            for row, score in scores.items():
                gains.setdefault(row, []).append(100 * (score - scores["prior_correction"]))
        print(f"\n{name}, {repeats} repeats: points above prior correction, standard error, worst")
        for row, gained in gains.items():
            error = np.std(gained, ddof=1) / math.sqrt(repeats) if repeats > 1 else math.nan
            print(f"{row:34}{np.mean(gained):+6.1f} +- {error:.1f}{min(gained):+8.1f}", flush=True)


# ---------------------------------------------------------------- advice


def simulated(means: dict[str, float], rng: np.random.Generator) -> ResamplerComparison:
    """A comparison of five folds, twice, of candidates with these true scores."""
    together = rng.normal(0, 0.03, 10)  # what all find hard in a fold
    luck = {name: rng.normal(0, 0.008) for name in means}  # of this set of images, not of a fold
    scores = {
        name: mean + together + luck[name] + rng.normal(0, 0.02, 10) for name, mean in means.items()
    }
    return ResamplerComparison(
        names=tuple(means),
        metric="balanced_accuracy",
        fold_scores={"balanced_accuracy": scores},
        test_to_train=0.25,
        recall={name: {"cat": ClassRecall(0.5, 9)} for name in means},
        calibration=dict.fromkeys(means, Calibration(math.nan, math.nan)),
        reliability={},
        costs=dict.fromkeys(means, Cost(math.nan, math.nan, math.nan)),
        estimators={},
        failures={},
    )


def print_simulations(cases: int) -> None:
    """Wrong calls, and what following the advice gains."""
    rng = np.random.default_rng(0)
    baselines = {"none": 0.74, "class_weight": 0.785, "prior_correction": 0.8}
    others = ("mild", "transfer", "mix", "many", "policies")
    for what in ("null", "planted"):
        wrong = found = 0
        gains, by_mean = [], []
        for _ in range(cases):
            means = dict(baselines) | dict.fromkeys(others, 0.8)
            if what == "planted":
                means |= {name: 0.8 + rng.normal(-0.02, 0.04) for name in others}
                means["policies"] = 0.8 + abs(rng.normal(0.03, 0.02))
            comparison = simulated(means, rng)
            chosen = comparison.recommended
            surely = chosen not in baselines
            wrong += surely and means[chosen] <= means["prior_correction"]
            found += surely and means[chosen] > means["prior_correction"]
            gains.append(100 * (means[chosen] - means["prior_correction"]))
            best = max(baselines, key=lambda name: comparison.scores[name].mean())
            by_mean.append(100 * (means[best] - means["prior_correction"]))
        error = np.std(gains, ddof=1) / math.sqrt(cases)
        print(
            f"{cases} {what} cases: {wrong} wrong calls ({100 * wrong / cases:.1f} %, nominal at "
            f"most 5 %), {found} right ones; gain over prior correction {np.mean(gains):+.2f} +- "
            f"{error:.2f} points (of the baseline with the best mean {np.mean(by_mean):+.2f})"
        )


def print_advice(sets: Sequence[str], repeats: int, **sources: Any) -> None:
    """Follow the advice on real images: the score on the test part, beside prior correction."""
    gains = []
    for name in sets:
        for seed in range(repeats):
            (X, y, groups), (X_test, y_test, _) = parts(name, seed, **sources)
            candidates = ["mild", "transfer", "mix", "many"]
            comparison = compare_resamplers(
                model(), candidates, X, y, groups=groups, cv=3, random_state=seed
            )
            found = {}
            for chosen in {"prior_correction", comparison.recommended}:
                fitted = comparison.estimators[chosen].fit(X, y)
                found[chosen] = 100 * balanced_accuracy_score(y_test, fitted.predict(X_test))
            gained = found[comparison.recommended] - found["prior_correction"]
            gains.append(gained)
            print(f"{name}, seed {seed}: {gained:+.1f} points. {comparison.advice}")
    if gains:
        print(f"Following the advice: {np.mean(gains):+.2f} points over prior correction.")


# ---------------------------------------------------------------- command line


def main(arguments: Sequence[str], *, images_of: Any, groups_of: Any) -> None:
    """Print one of the two tables."""
    parser = argparse.ArgumentParser(prog="efficacy.py", description=__doc__)
    parser.add_argument("what", choices=["policies", "advice", "recipes"])
    parser.add_argument("sets", nargs="*", help="fashion, grocery, textures, PATH")
    parser.add_argument("--seeds", type=int, default=2, help="repeats")
    parser.add_argument("--model", choices=["hog", "cnn"], default="hog", help="of policies")
    parser.add_argument("--steps", type=int, default=1000, help="of the network")
    parser.add_argument("--cases", type=int, default=200, help="simulated comparisons of a kind")
    args = parser.parse_args(arguments)
    sources = {"images_of": images_of, "groups_of": groups_of}
    if args.what == "advice":
        print_simulations(args.cases)
        print_advice(args.sets, args.seeds, **sources)
    elif args.what == "recipes":
        print_recipes(args.sets or ["textures"], args.seeds, **sources)
    else:
        sets = args.sets or ["fashion", "grocery", "textures"]
        print_policies(sets, args.seeds, args.steps if args.model == "cnn" else 0, **sources)
        print_weights(args.cases)
