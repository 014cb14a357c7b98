"""Which policy, how their ensemble does, and what following the advice is worth.

`python tests/benchmarks/efficacy.py policies [fashion|grocery|textures|PATH ...]` trains HOG and a
linear model under every policy and prints balanced accuracy on the test part: for each policy
alone, for the mean of the default policies, and for that mean screened by inner cross-validation,
which is `PolicyEnsembleClassifier` with its defaults. Repeats train on other images. How policies
are screened and weighed was chosen with `--inside`, in training parts alone. With `--model cnn` the
small network (needs PyTorch) takes their place, and nothing is screened.

`python tests/benchmarks/efficacy.py recipes [SET ...] [--seeds N]` prints what each recipe, and
variants of it, gain over prior correction of the untouched model (LA) inside the training parts;
with `--test` on the test parts.

`python tests/benchmarks/efficacy.py advice [SET ...]` counts wrong calls of `compare_resamplers` in
200 simulated comparisons where no candidate is better, and 200 where one is, and what following
the advice gains over always using prior correction; with sets, on the test parts of these, too.

The sets, and what lies inside, are explained in `efficacy_sets.py`.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from efficacy_models import SmallCNN, balanced_weights
from efficacy_sets import MORE, SETS, Part, pairs_inside, parts
from imblearn.pipeline import make_pipeline
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

from imblearn_images import RandomOverSampler, RedrawImages, recipes
from imblearn_images.ensemble import PolicyEnsembleClassifier
from imblearn_images.model_selection import ResamplerComparison, compare_resamplers
from imblearn_images.model_selection._comparison import Calibration, ClassRecall, Cost
from imblearn_images.preprocessing import HOGFeatures
from imblearn_images.synthesis import Augment, Chain, OneOf, TransferDeformation

SIMPLE = ("none", "prior_correction", "class_weight", "copies")
DEFAULT = ("prior_correction", "class_weight", "mild", "transfer", "mix", "many")
PAIR = ("prior_correction", "many")  # of PolicyEnsembleClassifier(policies="pair", screen=None)
SCREEN = 0.06
FORMER = 0.03  # policies as far below the best, and further, were dropped, the others counted alike


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


# ---------------------------------------------------------------- policies


def logs_of(fitted: PolicyEnsembleClassifier, X: Any) -> dict[str, np.ndarray]:
    """Corrected log-probabilities of each policy."""
    logs, some = {}, copy.copy(fitted)
    for name, estimator in fitted.estimators_.items():
        some.estimators_ = {name: estimator}
        logs[name] = some.predict_log_proba(X)
    return logs


def answers(logs: dict[str, np.ndarray], names: Sequence[str], weights: Any = None) -> np.ndarray:
    """Labels, 0 ... K - 1, by the mean of some policies; without weights they count alike."""
    return np.average([logs[name] for name in names], axis=0, weights=weights).argmax(axis=1)


def weighed(below: Any) -> Any:
    """Weights of policies so far below the best; half as far as the screening goes, 1 / e."""
    return np.where(np.asarray(below) <= SCREEN, np.exp(-2 * np.asarray(below) / SCREEN), 0.0)


def run_networks(train: Part, test: Part, seed: int, steps: int) -> dict[str, np.ndarray]:
    """Labels by each policy with the small network, and by their means; nothing is screened."""
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
    rows |= {"pair": list(PAIR), "mean of five": list(DEFAULT[:5])}
    rows["PolicyEnsembleClassifier"] = list(DEFAULT)
    logs = logs_of(ensemble, test.X)
    return {row: answers(logs, names) for row, names in rows.items()}


def run_policies(train: Part, test: Part, seed: int) -> tuple[dict[str, np.ndarray], set[str]]:
    """Labels by each policy, by their mean, and by the screened mean; names that are kept."""
    X, y, groups = train
    ensemble = PolicyEnsembleClassifier(model(), policies(), screen=1.0, random_state=seed)
    ensemble.fit(X, y, groups=groups)
    inner = {each.name: each.score for each in ensemble.policies_}
    below = {name: max(inner[n] for n in DEFAULT) - inner[name] for name in DEFAULT}
    logs = logs_of(ensemble, test.X)
    found = {name: answers(logs, [name]) for name in inner}
    found["best in inner folds"] = found[min(DEFAULT, key=below.__getitem__)]
    found["pair"] = answers(logs, PAIR)
    found["mean of the default"] = answers(logs, DEFAULT)
    former = [name for name in DEFAULT if below[name] <= FORMER]
    found["screened at 3 points, alike"] = answers(logs, former)
    kept = [name for name in DEFAULT if below[name] <= SCREEN]
    weights = weighed([below[name] for name in kept])
    found["PolicyEnsembleClassifier"] = answers(logs, kept, weights)
    return found, set(kept)


def print_weights(cases: int) -> None:
    """Equal weights and those by inner scores, of six simulated policies in ten classes."""
    rng = np.random.default_rng(0)
    gained: list[float] = []
    for _ in range(cases):
        y, quality = rng.integers(0, 10, 3300), rng.normal(1.0, 0.15, 6)
        logits = quality[:, None, None] * 2 * np.eye(10)[y] + rng.normal(size=(3300, 10))
        logits = logits + rng.normal(size=(6, 3300, 10))  # errors in common, and of their own
        inner = [balanced_accuracy_score(y[:300], each[:300].argmax(axis=1)) for each in logits]
        below = np.max(inner) - inner
        both = np.where(below <= FORMER, 1.0, 0.0), weighed(below)
        alike, falling = (
            100 * np.mean(np.tensordot(w, logits[:, 300:], 1).argmax(axis=1) == y[300:])
            for w in both
        )
        gained.append(falling - alike)
    error = np.std(gained, ddof=1) / math.sqrt(cases)
    print(
        f"{cases} simulated ensembles: {np.mean(gained):+.2f} +- {error:.2f} points over those "
        "screened at 3 points that count alike"
    )


def costs(train: Part, test: Part, seed: int) -> str:
    """CPU seconds of fitting and predicting: one fit, one behind the mix, five and six policies."""
    known = {each[0]: each for each in policies()}
    found = []
    for names, screen in (
        (["none"], None),
        (["mix"], None),
        (list(DEFAULT[:5]), SCREEN),
        (list(DEFAULT), SCREEN),
    ):
        some = [known[name] for name in names]
        start = time.process_time()
        ensemble = PolicyEnsembleClassifier(model(), some, screen=screen, random_state=seed)
        ensemble.fit(train.X, train.y, groups=train.groups).predict(test.X)
        found.append(time.process_time() - start)
    fit, mixed, five, six = found
    return (
        f"CPU s, fitted and asked for the test part: one fit {fit:.2f}, one behind the mix "
        f"{mixed:.2f}; screened, the first five {five:.2f} ({five / mixed:.1f} times one fit and "
        f"one drawing), the default six {six:.2f} ({six / mixed:.1f} times)"
    )


def print_policies(
    sets: Sequence[str], repeats: int, steps: int, inside: bool, **sources: Any
) -> None:
    """The table; sets are columns."""
    table: dict[str, dict[str, np.ndarray]] = {}
    for name in sets:
        found = []
        for seed in range(repeats):
            pairs = (
                pairs_inside(name, seed, **sources) if inside else [parts(name, seed, **sources)]
            )
            labels: dict[str, list[np.ndarray]] = {}
            told = set()
            for train, test in pairs:
                answered, kept = (
                    (run_networks(train, test, seed, steps), set(DEFAULT))
                    if steps
                    else run_policies(train, test, seed)
                )
                told |= kept
                for row, each in answered.items():
                    labels.setdefault(row, []).append(each)
            truth = np.concatenate([test.y for _, test in pairs])
            points = {
                row: 100 * balanced_accuracy_score(truth, np.concatenate(some))
                for row, some in labels.items()
            }
            found.append(points)
            said = ", ".join(f"{row} {value:.1f}" for row, value in points.items())
            print(f"{name}, seed {seed}, {len(train.y)} images: {said}; kept: {sorted(told)}")
        for row in found[0]:
            table.setdefault(row, {})[name] = np.array([points[row] for points in found])
        if not steps and not inside:
            print(f"{name}: {costs(train, test, 0)}")
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
    where = "inside the training part" if inside else "test part"
    print(f"Balanced accuracy, {where}; worst set beside the best of {', '.join(SIMPLE)}.")


def spread(values: np.ndarray) -> str:
    """Mean and standard deviation; of one value no spread is known.

    >>> spread(np.array([50.0])), spread(np.array([50.0, 52.0]))
    ('50.0', '51.0 +- 1.4')
    """
    mean = f"{values.mean():.1f}"
    return mean if len(values) < 2 else f"{mean} +- {values.std(ddof=1):.1f}"


# ---------------------------------------------------------------- recipes


def variants() -> list[tuple[str, Any, Any]]:
    """The recipes as they are recommended, and what `many` is without its two precautions."""
    bent = TransferDeformation(donors="all")
    mild = Augment(noise=0.01)
    noisy = OneOf([bent, Chain([bent, mild]), mild], [0.4, 0.3, 0.3])
    untamed = make_pipeline(recipes.many(random_state=0, lazy=True), *model())
    return [
        ("prior_correction", None, 1.0),
        ("copies", RandomOverSampler(), None),
        ("mild", recipes.mild(), 0.3),
        ("transfer", recipes.transfer(), 0.3),
        ("mix", recipes.mix(), 0.3),
        ("many", recipes.many(), 1.0),
        ("many, with noise", RedrawImages(noisy, times=8, keep=True), 1.0),
        ("many, C as it was", untamed, {"prior": "uniform", "model_prior": "train"}),
    ]


def print_recipes(sets: Sequence[str], repeats: int, tested: bool, **sources: Any) -> None:
    """Points beside prior correction, of each set and of all."""
    table: dict[str, dict[str, list[float]]] = {}
    for name in sets:
        started = time.process_time()
        for seed in range(repeats):
            pairs = (
                [parts(name, seed, **sources)] if tested else pairs_inside(name, seed, **sources)
            )
            found: dict[str, list[Any]] = {}
            for train, other in pairs:
                ensemble = PolicyEnsembleClassifier(
                    model(), variants(), screen=None, random_state=seed
                ).fit(train.X, train.y)
                rows = {each: [each] for each in ensemble.estimators_}
                rows["pair"] = list(PAIR)
                logs = logs_of(ensemble, other.X)
                for row, names in rows.items():
                    found.setdefault(row, []).append(answers(logs, names))
            truth = np.concatenate([other.y for _, other in pairs])
            score = {
                row: 100 * balanced_accuracy_score(truth, np.concatenate(labels))
                for row, labels in found.items()
            }
            for row, points in score.items():
                gained = points - score["prior_correction"]
                table.setdefault(row, {}).setdefault(name, []).append(gained)
            print(f"{name}, seed {seed}: prior_correction {score['prior_correction']:.1f}")
        print(f"{name}: CPU s {time.process_time() - started:.0f}", flush=True)
    where = "test parts" if tested else "inside the training parts"
    print(f"\nPoints above prior correction, {where}, means of {repeats} repeats; worst set")
    print(f"{'':28}" + "".join(f"{name[-14:]:>15}" for name in sets) + f"{'mean':>8}{'worst':>8}")
    for row, by_set in table.items():
        means = [float(np.mean(by_set[name])) for name in sets]
        cells = "".join(f"{spread(np.array(by_set[name])):>15}" for name in sets)
        print(f"{row:28}{cells}{np.mean(means):>+8.1f}{min(means):>+8.1f}")


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
    others = ("mild", "transfer", "mix", "many", "pair", "policies")
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
            candidates = ["mild", "transfer", "mix", "many", "pair"]
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
    parser.add_argument("sets", nargs="*", help=f"{', '.join(SETS + MORE)}, PATH")
    parser.add_argument("--seeds", type=int, default=2, help="repeats")
    parser.add_argument("--test", action="store_true", help="recipes: look at the test parts")
    parser.add_argument("--inside", action="store_true", help="policies: do not")
    parser.add_argument("--model", choices=["hog", "cnn"], default="hog", help="of policies")
    parser.add_argument("--steps", type=int, default=1000, help="of the network")
    parser.add_argument("--cases", type=int, default=200, help="simulated comparisons of a kind")
    args = parser.parse_args(arguments)
    sources = {"images_of": images_of, "groups_of": groups_of}
    if args.what == "advice":
        print_simulations(args.cases)
        print_advice(args.sets, args.seeds, **sources)
    elif args.what == "recipes":
        print_recipes(args.sets or SETS, args.seeds, args.test, **sources)
    else:
        sets = args.sets or ["fashion", "grocery", "textures"]
        steps = args.steps if args.model == "cnn" else 0
        print_policies(sets, args.seeds, steps, args.inside, **sources)
        print_weights(args.cases)
