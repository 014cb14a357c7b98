"""Training loops: `python tests/benchmarks/loops.py [parts ...] [options]`.

Parts, each measured in CPU seconds of one process, because machines are shared and noisy:

- table: balanced accuracy on the test part of recipes and losses, all of which train the small
  network of `efficacy.py` for the same number of steps: needs PyTorch
- fresh: drawn once, drawn anew in every epoch, and what lies between: the originals and so many
  stored redrawn sets
- sets: the recipes of a loop beside the loss alone, points on each of the sets of `--data`
- coverage: `BalancedSampler` beside the `WeightedRandomSampler` of torch
- speed: milliseconds a row beside ImageFolder and WeightedRandomSampler; batches beside one by one
- memory: what two forked workers own after an epoch of a million rows
- labels: epochs of twenty million labels
- planning: epochs of 100,000 images for the mix, after features: those of fashion, with noise

"stored" is what `fit_resample` gives, drawn once; "fresh" is `EpochPlans`, another set in every
epoch; the loss is cross-entropy where none is named. "n" is balanced at the length of the data,
"all classes" leaves the numbers alone. "+ .3", "+ 1": logits less so many times the log of the
shares before resampling. Data as for `efficacy.py`: fashion, grocery or a PATH, every seed of which
trains on another 80 % of each class; or the small sets of `efficacy_sets.py` by their names. With
`--out` a run that was broken off continues. `--network timm:resnet10t` trains a network of timm,
without its weights, in place of the small one.
"""

from __future__ import annotations

import os

os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL")})

import argparse
import json
import pickle
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from efficacy import NAMED, groups_of, images_of, split
from efficacy_models import BATCH, _network, corrected, import_torch
from efficacy_sets import MORE, SETS
from efficacy_sets import parts as parts_of_set
from PIL import Image
from sklearn.metrics import balanced_accuracy_score

from imblearn_images import RandomOverSampler, recipes
from imblearn_images.combine import RandomBalancer, SamplerChain
from imblearn_images.core.embedding import Similarity
from imblearn_images.datasets import load_image_folder
from imblearn_images.epochs import EpochPlans, _reading

# ---------------------------------------------------------------- what is trained on


def redrawn(kind: str, seed: int, engine: Any = "numpy") -> list[Any]:
    """Steps that redraw every class alike."""
    return recipes.fresh(textures=kind == "mild", engine=engine, random_state=seed).members()


def at_length(kind: str, seed: int, engine: str = "numpy") -> SamplerChain:
    """Classes balanced at the length of the data, then redrawn."""
    balancer = RandomBalancer(random_state=seed)
    return SamplerChain([balancer, *(redrawn(kind, seed, engine) if kind else [])])


RECIPES: dict[str, Callable[[int], Any]] = {
    "unbalanced": lambda seed: None,
    "copies": lambda seed: RandomOverSampler(random_state=seed),
    "mild": lambda seed: recipes.mild(random_state=seed),
    "mix": lambda seed: recipes.mix(random_state=seed),
    "n copies": partial(at_length, ""),
    "n mild": partial(at_length, "mild"),
    "n mix": partial(at_length, "mix"),
    "all classes mild": lambda seed: recipes.fresh(textures=True, random_state=seed),
    "all classes mix": lambda seed: recipes.fresh(random_state=seed),
}


def epochs_of(how: str, recipe: str, X: Any, y: Any, seed: int) -> Callable[[int], tuple[Any, Any]]:
    """Function of the epoch: images and labels; "originals + k" holds k stored redrawn sets."""
    plans = EpochPlans(RECIPES[recipe](seed), X, y)

    def fresh(epoch: int) -> tuple[Any, Any]:
        plan = plans(epoch)
        return np.asarray(plan.draw(np.arange(len(plan)))), plan.targets

    if how == "fresh":
        return fresh
    if how == "stored":
        once = fresh(0)
    else:
        sets = [(X, y), *map(fresh, range(int(how.removeprefix("originals + "))))]
        once = np.concatenate([X for X, _ in sets]), np.concatenate([y for _, y in sets])
    return lambda epoch: once


# ---------------------------------------------------------------- losses


def class_weights(counts: np.ndarray) -> np.ndarray:
    """As scikit-learn's "balanced"."""
    return counts.sum() / (len(counts) * counts)


def effective(counts: np.ndarray, beta: float = 0.9999) -> np.ndarray:
    """Class-balanced weights: Cui et al., CVPR 2019."""
    weights = (1 - beta) / (1 - beta ** counts.astype(float))
    return weights / weights.sum() * len(counts)


def loss_of(name: str, counts: np.ndarray) -> Callable[[Any, Any, float], Any]:
    """Function of logits, labels and how much of the training is over, from 0 to 1."""
    torch = import_torch()
    entropy = torch.nn.functional.cross_entropy
    first, _, late = name.partition(", late ")  # deferred re-weighting: Cao et al., NeurIPS 2019
    if late:
        before, after = loss_of(first, counts), loss_of(late, counts)
        return lambda z, t, at: (before if at < 0.8 else after)(z, t, at)
    weights = {"class weights": class_weights, "class-balanced": effective}
    base, _, extra = first.partition(" + ")
    weight = weights[base](counts) if base in weights else None
    weight = None if weight is None else torch.from_numpy(weight).float()
    if first == "LA":
        from imblearn_images.torch import LogitAdjustedCrossEntropyLoss

        adjusted = LogitAdjustedCrossEntropyLoss(counts)
        return lambda z, t, at: adjusted(z, t)
    if "focal" in (base, extra):  # Lin et al., ICCV 2017, gamma 2

        def focal(z: Any, t: Any, at: float) -> Any:
            each = entropy(z, t, reduction="none")
            each = (1 - torch.exp(-each)) ** 2 * each
            return (each if weight is None else weight[t] * each).mean()

        return focal
    if base == "LDAM":
        margin = torch.from_numpy(counts.astype(float) ** -0.25).float()
        margin = margin / margin.max() * 0.5
        weight = torch.from_numpy(effective(counts)).float() if extra == "weights" else None
        one_hot = torch.nn.functional.one_hot
        return lambda z, t, at: entropy(
            z - one_hot(t, len(counts)) * margin[t][:, None], t, weight=weight
        )
    smoothing = 0.1 if base == "label smoothing" else 0.0
    return lambda z, t, at: entropy(z, t, weight=weight, label_smoothing=smoothing)


TABLE = [  # recipe, how, loss
    *(
        ("unbalanced", "stored", loss)
        for loss in (
            *("CE", "class weights", "class-balanced", "focal", "class-balanced + focal", "LA"),
            *("CE, late class-balanced", "LDAM, late LDAM + weights"),
        )
    ),
    *((recipe, how, "CE") for recipe in ("copies", "mild", "mix") for how in ("stored", "fresh")),
    *((recipe, how, "CE") for recipe in ("n copies", "n mix") for how in ("stored", "fresh")),
    ("n mix", "fresh", "focal"),
    ("n mix", "fresh", "label smoothing"),
    *(("all classes mix", how, "LA") for how in ("stored", "fresh")),
    *(("all classes mild", how, "LA") for how in ("stored", "fresh")),
    *(
        ("all classes mix", "fresh", loss)
        for loss in (
            *("CE", "focal", "class weights", "class-balanced", "CE, late class-balanced"),
            "LDAM, late LDAM + weights",
        )
    ),
]
MANY = ("originals + 1", "originals + 8", "originals + 20")
FRESH = [
    *(("all classes mix", how, "LA") for how in ("stored", *MANY, "fresh")),
    *(("all classes mild", how, "LA") for how in ("stored", "fresh")),
    *(("n mix", how, "CE") for how in ("stored", "fresh")),
]
OF_SETS = [
    ("unbalanced", "stored", "LA"),
    ("all classes mix", "fresh", "LA"),
    ("all classes mild", "fresh", "LA"),
]
PARTS = {"table": TABLE, "fresh": FRESH, "sets": OF_SETS}


def row_name(row: tuple[str, str, str]) -> str:
    """A row of the table."""
    recipe, how, loss = row
    return ", ".join([recipe, *([] if recipe == "unbalanced" else [how]), loss])


def network_of(name: str, shape: tuple[int, ...], n_classes: int) -> Any:
    """The small network of `efficacy.py`, or one of timm that has seen nothing."""
    if name == "small":
        return _network(import_torch().nn, shape, n_classes)
    from timm import create_model

    return create_model(
        name.removeprefix("timm:"), pretrained=False, in_chans=shape[0], num_classes=n_classes
    )


def images_for(data: str, seed: int) -> tuple[Any, ...]:
    """X_train, y_train, X_test, y_test of a seed."""
    if data not in NAMED and data in SETS + MORE:
        train, test = parts_of_set(data, seed, images_of=images_of, groups_of=groups_of)
        return train.X, train.y, test.X, test.y
    return split(data, seed, inside=False)[:4]


def run(
    row: tuple[str, str, str], data: str, seed: int, steps: int, network: str = "small"
) -> dict[str, Any]:
    """Train and test once."""
    torch = import_torch()
    X, y, X_test, y_test = images_for(data, seed)
    counts, begin = np.bincount(y), time.process_time()
    epochs, loss = epochs_of(row[1], row[0], X, y, seed), loss_of(row[2], counts)
    mean, std = float(X.mean() / 255), float(X.std() / 255)

    def tensor(images: Any) -> Any:
        planes = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
        return torch.from_numpy(np.ascontiguousarray(planes))

    def scaled(images: Any) -> Any:
        return (images.float() / 255 - mean) / std

    torch.manual_seed(seed)
    named, network = network, network_of(network, tensor(X[:1]).shape[1:], len(counts))
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 3e-3, total_steps=steps, pct_start=0.15
    )
    shuffling = torch.Generator().manual_seed(seed + 7)
    network.train()
    step = epoch = 0
    drawing = 0.0
    while step < steps:
        start = time.process_time()
        images, labels = epochs(epoch)
        drawing += time.process_time() - start
        images, labels = tensor(images), torch.from_numpy(labels).long()
        order = torch.randperm(len(labels), generator=shuffling)
        for at in range(0, max(1, len(labels) - BATCH + 1), BATCH)[: steps - step]:
            rows = order[at : at + BATCH]
            lost = loss(network(scaled(images[rows])), labels[rows], step / steps)
            optimizer.zero_grad()
            lost.backward()
            optimizer.step()
            schedule.step()
            step += 1
        epoch += 1
    network.eval()
    with torch.inference_mode():
        logits = torch.cat([network(scaled(part)) for part in tensor(X_test).split(1000)]).numpy()
    priors = counts / counts.sum()
    scores = {
        f"+ {tau:g}": 100 * balanced_accuracy_score(y_test, corrected(logits, priors, tau))
        for tau in (0, 0.3, 1)
    }
    spent = {"drawing": round(drawing, 1), "seconds": round(time.process_time() - begin, 1)}
    what = {"data": data, "steps": steps, "network": named, "row": row_name(row), "seed": seed}
    return what | scores | spent


Found = dict[str, dict[int, dict[str, Any]]]  # row of the table, seed: record


def train(part: str, data: str, args: argparse.Namespace) -> Found:
    """Run what is missing of a table, print and return all of it."""
    rows = {row_name(row): row for row in PARTS[part]}
    if args.rows:
        rows = {name: row for name, row in rows.items() if any(r in name for r in args.rows)}
    options = {"data": data, "steps": args.steps, "network": args.network}
    records: list[dict[str, Any]] = []
    if args.out is not None and args.out.exists():
        lines = ({"network": "small"} | json.loads(x) for x in args.out.read_text().splitlines())
        records = [line for line in lines if options.items() <= line.items()]
    done = {(record["row"], record["seed"]) for record in records}
    for seed in range(args.first_seed, args.first_seed + args.seeds):
        for name, row in rows.items():
            if (name, seed) not in done:
                records.append(run(row, seed=seed, **options))
                print(json.dumps(records[-1]), flush=True)
                if args.out is not None:
                    with args.out.open("a") as file:
                        file.write(json.dumps(records[-1]) + "\n")
    found: Found = {}
    for record in records:
        if record["row"] in rows:
            found.setdefault(record["row"], {})[record["seed"]] = record
    n_classes = len(np.unique(images_for(data, args.first_seed)[1]))
    print(f"\n{part}, {data}: {n_classes} classes, {args.network}, {args.steps} steps of {BATCH}")
    print(f"{'':52}{'balanced accuracy':>19}{'+ .3':>7}{'+ 1':>7} seeds  CPU s (drawing)")
    for name in [name for name in rows if name in found]:
        each = list(found[name].values())
        values = np.array([record["+ 0"] for record in each])
        spread = f" +- {values.std(ddof=1):4.2f}" if len(values) > 1 else " " * 8
        others = "".join(f"{np.mean([r[key] for r in each]):7.1f}" for key in ("+ 0.3", "+ 1"))
        spent = [np.mean([r[key] for r in each]) for key in ("seconds", "drawing")]
        print(
            f"{name:<52}{values.mean():>11.2f}{spread}{others}{len(each):>6}"
            f"{spent[0]:>8.0f} ({spent[1]:.0f})"
        )
    if any(", stored" in name for name in found):
        print("\nFresh over stored, points on the same seeds")
    for name in [name for name in found if ", fresh" in name]:
        stored = found.get(name.replace(", fresh", ", stored"), {})
        seeds = sorted(found[name].keys() & stored.keys())
        gained = [found[name][seed]["+ 0"] - stored[seed]["+ 0"] for seed in seeds]
        if gained:
            each = ", ".join(f"{points:+.1f}" for points in gained)
            lost = sum(points < 0 for points in gained)
            print(f"{name:<52}{np.mean(gained):+6.2f} ({each}), below in {lost} of {len(gained)}")
    return found


def print_gains(tables: dict[str, Found]) -> None:
    """Points of each row above the loss alone, on every set."""
    base, *others = map(row_name, OF_SETS)
    print(f"\n{'above ' + base:<36}" + "".join(f"{data[-12:]:>14}" for data in tables), end="")
    print(f"{'mean':>8}{'worst':>8}")
    for row in others:
        gained = [
            float(
                np.mean([by[row][s]["+ 0"] - by[base][s]["+ 0"] for s in by[row] if s in by[base]])
            )
            for by in tables.values()
        ]
        cells = "".join(f"{points:>+14.1f}" for points in gained)
        print(f"{row:<36}{cells}{np.mean(gained):>+8.1f}{min(gained):>+8.1f}")


# ---------------------------------------------------------------- samplers


def coverage() -> None:
    """Which rows ten epochs have, of long-tailed labels."""
    torch = import_torch()
    from imblearn_images.torch import BalancedSampler

    counts = [4000, 2000, 1000, 750, 500, 350, 200, 100, 60, 40]
    y = np.repeat(np.arange(10), counts)
    weights = torch.from_numpy((1 / np.bincount(y))[y])
    dealt, spread = BalancedSampler(y), BalancedSampler(y, spread=64)
    drawn = torch.utils.data.WeightedRandomSampler(
        weights, len(y), generator=torch.Generator().manual_seed(0)
    )
    heads = (
        "rows a class",
        "of the largest unseen after 1 / 10",
        "used in 10: largest",
        "smallest",
    )
    heads += ("rows of a class in 64",)
    print(
        f"\n{'9,000 labels, 4000 ... 40 a class':<36}"
        + "".join(f"{h:>38}"[-len(h) - 3 :] for h in heads)
    )
    for name, sampler in (("BalancedSampler", dealt), ("... spread=64", spread), ("WRS", drawn)):
        epochs = [np.array(list(sampler)) for _ in range(10)]
        used = np.array([np.bincount(rows, minlength=len(y)) for rows in epochs]).cumsum(axis=0)
        classes = np.array([np.bincount(y[rows]) for rows in epochs])
        unseen = [f"{100 * (used[at][:4000] == 0).mean():.1f} %" for at in (0, 9)]
        batches = [np.bincount(y[part], minlength=10) for part in epochs[0][:8960].reshape(-1, 64)]
        uses = [f"{part.min()} to {part.max()}" for part in (used[9][:4000], used[9][-40:])]
        cells = (f"{classes.min()} to {classes.max()}", " / ".join(unseen), *uses)
        cells += (f"{np.min(batches)} to {np.max(batches)}",)
        print(
            f"{name:<36}" + "".join(f"{c:>{len(h) + 3}}" for c, h in zip(cells, heads, strict=True))
        )


def _many_labels(n: int, n_classes: int, spread: int | None) -> str:
    from imblearn_images.torch import BalancedSampler

    shares = 1 / np.arange(1, n_classes + 1) ** 1.5
    rng = np.random.default_rng(0)
    y = np.empty(n, dtype=np.int64)
    for part in np.array_split(y, 64):  # the peak is to be that of the sampler
        part[...] = rng.choice(n_classes, len(part), p=shares / shares.sum())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    sampler = BalancedSampler(y, spread=spread)
    made = time.process_time() - start
    list(zip(range(1), sampler, strict=False))
    start = time.process_time()
    rows = iter(sampler)
    next(rows)
    planned = time.process_time() - start
    n_rows = 1 + sum(1 for _ in rows)
    spent = time.process_time() - start
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3
    return (
        f"{n:,} labels, {n_classes} classes, spread={spread}: made once {made:.1f} s; an epoch of "
        f"{n_rows:,} rows {spent:.1f} s, of which {planned:.1f} s before the first; peak above the "
        f"labels {peak:.0f} MB"
    )


def labels(n: int) -> None:
    """Epochs of many labels, each in a process of its own."""
    for n_classes, spread in ((10, None), (1000, None), (10, 256)):
        with get_context("spawn").Pool(1) as pool:
            print(pool.apply(_many_labels, (n, n_classes, spread)), flush=True)
    torch = import_torch()
    try:
        weights = torch.ones(n)
        next(iter(torch.utils.data.WeightedRandomSampler(weights, n)))
    except RuntimeError as error:
        print(f"WeightedRandomSampler of {n:,} labels: {error}")


# ---------------------------------------------------------------- planning


def planning(n: int) -> None:
    """CPU seconds of epochs of the mix at the length of the data."""
    X, y, *_ = images_of("fashion")
    rng = np.random.default_rng(0)
    rows = rng.integers(len(X), size=n)
    images = np.empty((n, *X.shape[1:]), dtype=np.uint8)
    for at in range(0, n, 10_000):
        part = X[rows[at : at + 10_000]]
        images[at : at + 10_000] = np.clip(part + rng.integers(-12, 13, part.shape), 0, 255)
    plans = EpochPlans(at_length("mix", 0), images, y[rows])
    start = time.process_time()
    features = Similarity(plans.images).source  # of all images: an epoch looks at some
    print(f"\n{n:,} images: features {time.process_time() - start:.1f} s")
    side = np.zeros((7600, features.shape[1]), dtype=np.float32)
    side[:] = features[: len(side)]
    start = time.process_time()
    side[:2048] @ side.T
    rate = 2048 * side.size / (time.process_time() - start)
    print(f"matrix products: {rate / 1e9:.0f} billion of numbers a second")
    for epoch in range(4):
        start = time.process_time()
        plans(epoch)
        print(f"epoch {epoch}: planned in {time.process_time() - start:.1f} s", flush=True)


# ---------------------------------------------------------------- memory


class Private:
    """Transform: megabytes that belong to this process alone, looked up now and then."""

    def __init__(self) -> None:
        self.calls = 0
        self.found = 0.0

    def __call__(self, image: Any) -> float:
        """Return the megabytes of this worker."""
        if self.calls % 20_000 == 0:
            lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
            kilobytes = (int(line.split()[1]) for line in lines if line.startswith("Private_"))
            self.found = sum(kilobytes) / 1e3
        self.calls += 1
        return self.found


def memory(n: int) -> None:
    """What two forked workers own after an epoch."""
    torch = import_torch()
    from imblearn_images.torch import PlanDataset, PlanSampler

    rng = np.random.default_rng(0)
    y = rng.choice(10, n // 2, p=np.arange(1, 11) / 55)
    with tempfile.TemporaryDirectory() as folder:
        X = np.memmap(Path(folder) / "images", np.uint8, "w+", shape=(len(y), 4, 4))
        plans = EpochPlans(RandomBalancer(sampling_strategy=_doubled, random_state=0), X, y)
        data = PlanDataset(plans, transform=Private())
        loader = torch.utils.data.DataLoader(
            data, 256, sampler=PlanSampler(plans), num_workers=2, multiprocessing_context="fork"
        )
        found = [float(megabytes.max()) for megabytes, _ in loader]
    print(
        f"\n{len(data):,} rows, two forked workers: each owns {min(found):.0f} MB at first, "
        f"{max(found):.0f} MB after the epoch; grown by {max(found) - min(found):.0f} MB each"
    )


def _doubled(y: Any) -> dict[int, int]:
    return {label: 2 * n for label, n in enumerate(np.bincount(y).tolist())}


# ---------------------------------------------------------------- speed


class Folder:
    """What ImageFolder does, for where torchvision is missing."""

    def __init__(self, paths: list[str], targets: list[int], transform: Any) -> None:
        self.samples = list(zip(paths, targets, strict=True))
        self.targets, self.transform = targets, transform

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, row: int) -> tuple[Any, int]:
        path, target = self.samples[row]
        with open(path, "rb") as file:
            image = Image.open(file).convert("RGB")
        return self.transform(image), target


class Transform:
    """RandomResizedCrop(128), RandomHorizontalFlip, ToTensor and Normalize, on Pillow images."""

    def __init__(self, side: int = 128) -> None:
        self.side, self.rng = side, np.random.default_rng(0)

    def __call__(self, image: Any) -> Any:
        """Return a tensor (3, side, side)."""
        torch = import_torch()
        width, height = image.size
        area = width * height * self.rng.uniform(0.08, 1.0)
        ratio = np.exp(self.rng.uniform(np.log(3 / 4), np.log(4 / 3)))
        w, h = min(width, int((area * ratio) ** 0.5)), min(height, int((area / ratio) ** 0.5))
        left, top = self.rng.integers(width - w + 1), self.rng.integers(height - h + 1)
        image = image.crop((left, top, left + w, top + h))
        image = image.resize((self.side, self.side), Image.Resampling.BILINEAR)
        if self.rng.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous().float() / 255
        return (pixels - 0.45) / 0.225


def speed(data: str) -> None:
    """CPU milliseconds a row, the loaders in turn."""
    torch = import_torch()
    from imblearn_images.torch import BalancedSampler, PlanDataset, PlanSampler

    root = NAMED.get(data, Path(data))
    root = (NAMED["grocery"] if not root.is_dir() else root) / "train"
    transform: Any = Transform()
    source = "10 lines of Pillow in place of torchvision"
    paths, names = load_image_folder(root)
    classes, targets = np.unique(names, return_inverse=True)
    folder: Any = Folder(list(map(str, paths)), targets.tolist(), transform)
    try:
        import torchvision
        from torchvision import transforms

        transform = transforms.Compose(
            [
                transforms.RandomResizedCrop(128),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize([0.45] * 3, [0.225] * 3),
            ]
        )
        folder = torchvision.datasets.ImageFolder(root, transform)
        source = f"torchvision {torchvision.__version__}"
    except (ImportError, RuntimeError):  # a build for GPUs cannot be loaded everywhere
        pass
    n = len(folder)

    def of(resampler: Any, spread: int | None = None) -> Any:
        plans = EpochPlans(resampler, paths, names, size=(160, 160), mode="RGB")
        plans(0)  # features are computed once
        return PlanDataset(plans, transform), PlanSampler(plans, spread=spread)

    weights = torch.from_numpy((1 / np.bincount(targets))[targets])
    loaders = {
        "ImageFolder, WeightedRandomSampler": (
            folder,
            torch.utils.data.WeightedRandomSampler(weights, n),
        ),
        "ImageFolder, BalancedSampler": (folder, BalancedSampler(targets)),
        "PlanDataset, copies": of(RandomBalancer(random_state=0)),
        "PlanDataset, n mild": of(at_length("mild", 0)),
        "PlanDataset, n mix": of(at_length("mix", 0)),
        f"PlanDataset, n mix, spread={BATCH}": of(at_length("mix", 0), BATCH),
    }
    if find_spec("cv2") is not None:
        loaders["PlanDataset, n mix, opencv"] = of(at_length("mix", 0, "opencv"))
    at_hand = vars(_reading)["_AT_HAND"]
    # As of a set of so many photos that none comes again before it is forgotten:
    vars(_reading)["_AT_HAND"] = 0
    for kind in ("", "mix"):
        name = f"PlanDataset, {f'n {kind}' if kind else 'copies'}, nothing at hand"
        loaders[name] = of(at_length(kind, 0))
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in loaders}
    for _ in range(3):
        for name, (images, sampler) in loaders.items():
            vars(_reading)["_AT_HAND"] = 0 if name.endswith("nothing at hand") else at_hand
            start = time.process_time()
            if hasattr(sampler, "plans"):
                sampler.plans(sampler.epoch)  # remembered until it is read
            planned = time.process_time()
            loader = torch.utils.data.DataLoader(images, BATCH, sampler=sampler)
            rows = sum(len(t) for _, t in loader) / 1e3
            end = time.process_time()
            times[name].append(((end - start) / rows, (planned - start) / rows))
    print(f"\n{n} photos of {len(classes)} classes, drawn at 160 x 160, cut to 128 x 128; {source}")
    first = np.median(times["ImageFolder, WeightedRandomSampler"], axis=0)[0]
    for name, each in times.items():
        spent, planning = np.median(each, axis=0)
        print(f"{name:<40}{spent:6.2f} ms a row{spent / first:7.2f} x  ({planning:.2f} planning)")
    _, sampler = loaders["PlanDataset, n mix"]
    sampler.plans(sampler.epoch)
    start = time.process_time()
    keys = list(sampler)
    for at in range(0, len(keys), BATCH):  # as they travel to a worker
        pickle.loads(pickle.dumps(keys[at : at + BATCH]))
    taken = 1e3 * (time.process_time() - start) / len(keys)
    share = taken / np.median(times["PlanDataset, n mix"], axis=0)[0]
    print(f"keys of the mix: {1e3 * taken:.1f} us a row to make and to send, {share:.1%} of a row")
    if NAMED["fashion"].exists():
        X, y, *_ = split("fashion", 0, inside=False)
        plans = EpochPlans(at_length("mix", 0), X, y)
        drawn, order = PlanDataset(plans), PlanSampler(plans)
        keys = [key for key, _ in zip(order, range(1280), strict=False)]
        spent = []
        for size in (128, 1):
            parts = [keys[at : at + size] for at in range(0, len(keys), size)]
            start = time.process_time()
            for part in parts:
                drawn.__getitems__(part)
            spent.append(time.process_time() - start)
        print(
            f"28 x 28, the mix: {len(keys) / spent[0]:.0f} rows/s in batches of 128, "
            f"{len(keys) / spent[1]:.0f} one by one: {spent[1] / spent[0]:.1f} x"
        )


# ---------------------------------------------------------------- command line


def main() -> None:
    """Run the parts named."""
    what, *_, data = __doc__.split("\n\n")
    parser = argparse.ArgumentParser(description=what, epilog=data)
    others = ("coverage", "speed", "memory", "labels", "planning")
    parser.add_argument("parts", nargs="*", help=f"of {', '.join([*PARTS, *others])}")
    known = ", ".join(dict.fromkeys([*NAMED, *SETS, *MORE]))
    parser.add_argument("--data", nargs="+", default=["fashion"], help=f"{known}, PATH; last")
    parser.add_argument("--seeds", type=int, default=5, help="how many")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=2000, help="of the network")
    parser.add_argument("--network", default="small", help="small, or timm:NAME")
    parser.add_argument(
        "--rows", nargs="+", help="rows of the tables whose names hold one of these"
    )
    parser.add_argument(
        "--n", type=int, help="rows of memory, labels and planning (default: as said above)"
    )
    parser.add_argument("--out", type=Path, help="results as JSON lines; those there are kept")
    args = parser.parse_args()
    unknown = set(args.parts) - {*PARTS, *others}
    if unknown:
        parser.error(f"parts are {', '.join([*PARTS, *others])}, got {', '.join(sorted(unknown))}")
    for part in args.parts or [*PARTS, *others]:
        if part in PARTS:
            tables = {data: train(part, data, args) for data in args.data}
            if part == "sets" and not args.rows:
                print_gains(tables)
        elif part == "coverage":
            coverage()
        elif part == "speed":
            speed(args.data[0])
        elif part == "memory":
            memory(args.n or 1_000_000)
        elif part == "planning":
            planning(args.n or 100_000)
        else:
            labels(args.n or 20_000_000)


if __name__ == "__main__":
    main()
