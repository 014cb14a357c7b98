"""Objects: how tight carried boxes are, what balances instances, and what carrying costs.

``python tests/benchmarks/annotations.py`` measures on the coins of scikit-image;
``python tests/benchmarks/annotations.py FOLDER`` the balance of a data set with boxes, too, e.g. of
the photos of blood cells of https://github.com/Shenggan/BCCD_Dataset, in any format that
``read_annotations`` knows.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import sys
import time
import warnings
from dataclasses import replace

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage import data
from skimage.filters import threshold_otsu
from skimage.measure import label, regionprops

from imblearn_images import ResamplingPlan, render
from imblearn_images.annotations import (
    Annotations,
    LabelOverSampler,
    carry,
    inspect_annotations,
    read_annotations,
    split_annotations,
)
from imblearn_images.core.writing import DrawLater
from imblearn_images.strategies import at_least, repeat_factor
from imblearn_images.synthesis import Augment, PasteObjects, ZoomToObjects

STILL = dict.fromkeys(
    ("rotation_range", "width_shift_range", "height_shift_range", "shear_range", "zoom_range"), 0
)
SETTINGS = {
    "Augment()": {},
    "rotation 15": {"rotation_range": (15, 15)},
    "rotation 30": {"rotation_range": (30, 30)},
    "elastic 0.03": {**STILL, "elastic": 0.03},
    "flips": {**STILL, "horizontal_flip": True, "vertical_flip": True},
}


def coins():
    """The coins, their masks, and rods at several angles, which are as thin as coins are round."""
    image = data.coins()
    found = ndimage.binary_fill_holes(ndimage.binary_closing(image > threshold_otsu(image)))
    numbers = label(ndimage.binary_opening(found, iterations=3))
    kept = [r.label for r in regionprops(numbers) if r.area > 600 and r.solidity > 0.9]
    y, x = np.indices((240, 320)) - np.array([120, 160])[:, None, None]
    rods = []
    for angle in np.deg2rad((0, 15, 45, 75, 90)):
        along = x * np.cos(angle) + y * np.sin(angle)
        rods.append((abs(along) < 70) & (abs(y * np.cos(angle) - x * np.sin(angle)) < 6))
    return {"coins": [np.array([numbers == n for n in kept])], "rods": [rod[None] for rod in rods]}


def drawn(rule, n, size):
    """Plan of n synthetic images, one of each source."""
    plan = ResamplingPlan.selection(np.arange(n), np.zeros(n, dtype=int))
    seeds = np.arange(100, 100 + n).astype(np.uint64)
    return replace(plan, synthesis=rule, drawn=np.ones(n, dtype=bool), seeds=seeds)


def overlap(one, other):
    both = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    area = both.clip(0).prod()
    return area / (sum((box[2:] - box[:2]).prod() for box in (one, other)) - area)


def geometry():
    print("Overlap (IoU) of boxes with those of the carried masks, mean and minimum")
    print(
        f"{'objects':8} {'setting':14} {'auto':>12} {'ellipse':>12} {'corners':>12} {'stayed':>12}"
    )
    for name, sources in coins().items():
        masks = sources * (8 if name == "coins" else 4)
        labels = [[str(at) for at in range(len(own))] for own in masks]
        sizes = [own.shape[1:] for own in masks]
        exact = Annotations.of([None] * len(masks), labels, sizes, masks=masks)
        boxes = Annotations.of([exact.boxes_of(k) for k in range(len(masks))], labels, sizes)
        for setting, options in SETTINGS.items():
            plan = drawn(Augment(**options), len(masks), sizes[0])
            truth = carry(plan, exact)
            cells = []
            for how in ("auto", "ellipse", "corners", "stayed"):
                guess = boxes if how == "stayed" else carry(plan, boxes, box=how, min_visible=0)
                found = []
                for row in range(len(masks)):
                    known = dict(zip(guess.labels_of(row), guess.boxes_of(row), strict=True))
                    for one, box in zip(truth.labels_of(row), truth.boxes_of(row), strict=True):
                        found.append(overlap(box, known[one]) if one in known else 0.0)
                cells.append(f"{np.mean(found):.3f} ({np.min(found):.2f})")
            print(f"{name:8} {setting:14} {' '.join(f'{cell:>12}' for cell in cells)}")


def costs():
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (1, 480, 640, 3), dtype=np.uint8)
    corner = rng.uniform((0, 0), (560, 400), (40, 2))
    boxes = Annotations.of([np.hstack([corner, corner + 80])], [["cell"] * 40], (480, 640))
    print("\nMilliseconds of an image of 640 x 480 pixels with 40 boxes, median of 15 (CPU)")
    for name, rule in {"Augment()": Augment(), "elastic": Augment(elastic=0.02)}.items():
        plan = drawn(rule, 1, (480, 640))
        for what, job in {
            "draw": lambda: render(plan, photo),
            "carry": lambda: carry(plan, boxes, photo),
        }.items():
            spent = []
            for _ in range(15):
                start = time.process_time()
                job()
                spent.append(time.process_time() - start)
            print(f"  {name:10} {what:6} {1000 * np.median(spent):6.1f}")


def balance(folder):
    found = read_annotations(folder)
    print(f"\n{found!r}")
    report = inspect_annotations(found)
    n, rows = len(found), []
    rows.append(("as it is", 1.0, report.ratio))
    for t in (0.1, 0.5, 1.0):
        for by in ("images", "instances", "both"):
            factors = repeat_factor(t, by=by).repeats(found.counts())
            totals = factors @ found.counts()
            rows.append((f"repeat_factor({t}, by={by})", factors.mean(), _ratio(totals)))
    for limit in (2, 4, 10):
        best = inspect_annotations(found, max_repeats=limit)
        name = f"most even repeats, 1 to {limit}"
        rows.append((name, 1 + best.n_added / n, best.ratio_reached))
    smallest = int(min(c.boxes for c in report.classes if c.boxes))
    for times in (2, 2.5, 3, 4):
        for rule in (None, ZoomToObjects(), PasteObjects(), PasteObjects(n=(4, 6), per_image=2)):
            over = LabelOverSampler(
                at_least(int(times * smallest)),
                max_repeats=4,
                synthesis=rule,
                random_state=0,
                output_dir=DrawLater("not written"),
            )
            _, res = over.fit_resample(found.paths, found)
            what = {"NoneType": "repeats", "ZoomToObjects": "and windows"}
            pasted = f"and pasted {getattr(rule, 'n', '')}"
            name = f"{times:g} times the rarest, {what.get(type(rule).__name__, pasted)}"
            rows.append((name, len(res) / n, _ratio(res.counts().sum(axis=0))))
    print(f"{'method':40} {'rows':>6} {'largest by smallest class':>26}")
    for name, size, ratio in rows:
        print(f"{name:40} {size:6.2f} {ratio:26.1f}")
    off = []
    for seed in range(5):
        is_valid = split_annotations(found, random_state=seed).image_columns["split"] == "val"
        counts = found.counts()
        off.append(np.abs(counts[is_valid].sum(axis=0) / counts.sum(axis=0) - 0.2))
    print(f"split: shares of objects off 20 % by at most {100 * np.max(off):.2f} points")


def pasted(folder, n=40):
    """Boxes of pasted objects, and those of the pixels that have changed."""
    found = read_annotations(folder)[:n]
    photos = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in found.paths])
    smallest = int(found.counts().sum(axis=0)[found.counts().sum(axis=0) > 0].min())
    rule = PasteObjects(n=(1, 1), covered=0.3)
    over = LabelOverSampler(at_least(2 * smallest), max_repeats=1, synthesis=rule, random_state=0)
    X, res = over.fit_resample(photos, found)
    plan, overlaps, changed = over.plan_, [], []
    for row in np.flatnonzero(plan.synthetic).tolist():
        mask = (X[row] != photos[plan.base[row]]).any(axis=2)
        y, x = np.nonzero(mask)
        there = np.array([x.min(), y.min(), x.max() + 1, y.max() + 1])
        changed.append(mask.mean() / plan.weights[row, 0])
        overlaps.append(max(overlap(there, box) for box in res.boxes_of(row)))
    spent = []
    for what in (lambda: render(plan, photos), lambda: carry(plan, found, photos)):
        start = time.process_time()
        what()
        spent.append(1000 * (time.process_time() - start) / plan.synthetic.sum())
    print(
        f"\nPasteObjects, {len(overlaps)} photos with one object each: overlap of its box with "
        f"that of the changed pixels {np.mean(overlaps):.3f} ({np.min(overlaps):.2f}), changed "
        f"pixels by what the plan says {np.mean(changed):.3f}; drawing {spent[0]:.1f} and carrying "
        f"{spent[1]:.1f} ms a photo"
    )


def _ratio(totals):
    totals = totals[totals > 0]
    return totals.max() / totals.min()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    geometry()
    costs()
    for folder in sys.argv[1:]:
        balance(folder)
        pasted(folder)
