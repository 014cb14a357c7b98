"""Children per CPU second: `python tests/benchmarks/synthesis.py [--rounds N] [--children N]`.

`--threads` measures what two threads gain instead, in wall time: on a quiet machine only.

Every synthesis draws the children of one plan (`render`: random numbers, rounding and
storing included), beside functions of scikit-image called one by one for each child, in
turn in one process, BLAS and OpenMP at one thread, CPU seconds (medians). "chain": a
function for each change, as one writes it first. "one warp": all affine maps composed by
hand. The features that neighbours are looked for in are compared, too.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

from speed import crops, interleaved  # sets the number of threads, hence before NumPy

# isort: split
import numpy as np
from skimage.feature import hog
from skimage.filters import threshold_otsu
from skimage.registration import optical_flow_ilk
from skimage.transform import AffineTransform, rotate, warp
from skimage.util import img_as_ubyte

from imblearn_images import RandomOverSampler, render
from imblearn_images.preprocessing import HOGFeatures
from imblearn_images.synthesis._augment import Augment
from imblearn_images.synthesis._deformation import Morph, TransferDeformation
from imblearn_images.synthesis._patches import CutMix, Paste

try:
    import cv2
except ImportError:
    OPENCV = False
else:
    OPENCV = True
    cv2.setNumThreads(1)

CASES = {
    "28x28": (28, 1),
    "64x64x3": (64, 3),
    "160x160x3": (160, 3),
    "224x224x3": (224, 3),
    "256x256x3": (256, 3),
}
RECEIVED = 24  # images of the smaller class, those that children are drawn from


def grey_of(image: np.ndarray) -> np.ndarray:
    return image if image.ndim == 2 else image.mean(axis=2)


def lit(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return img_as_ubyte(np.clip(image * rng.uniform(0.9, 1.1), 0, 1))


def chain(image: np.ndarray, partner: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mild augmentation, a function for each change."""
    shift = rng.uniform(-0.035, 0.035, 2) * image.shape[1::-1]
    image = rotate(image / 255, rng.uniform(-5, 5), order=3, mode="edge")
    image = warp(image, AffineTransform(translation=shift), order=3, mode="edge")
    image = warp(image, AffineTransform(scale=rng.uniform(0.94, 1.06, 2)), order=3, mode="edge")
    image = warp(image, AffineTransform(shear=rng.uniform(-0.04, 0.04)), order=3, mode="edge")
    return lit(image, rng)


def one_warp(image: np.ndarray, partner: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mild augmentation, the affine maps composed."""
    affine = AffineTransform(
        rotation=np.deg2rad(rng.uniform(-5, 5)),
        scale=rng.uniform(0.94, 1.06, 2),
        shear=rng.uniform(-0.04, 0.04),
        translation=rng.uniform(-0.035, 0.035, 2) * image.shape[1::-1],
    )
    return lit(warp(image / 255, affine, order=3, mode="edge"), rng)


def moved(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    points = np.mgrid[: image.shape[0], : image.shape[1]] + flow
    planes = image.reshape(*image.shape[:2], -1) / 255
    drawn = [warp(plane, points, order=3, mode="edge") for plane in np.moveaxis(planes, -1, 0)]
    return np.stack(drawn, axis=-1).reshape(image.shape)


def morphed(image: np.ndarray, partner: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Flow from one image to the other, both warped half-way and cross-faded."""
    flow = optical_flow_ilk(grey_of(partner) / 255, grey_of(image) / 255)
    step = rng.uniform()
    child = (1 - step) * moved(image, step * flow) + step * moved(partner, (step - 1) * flow)
    return img_as_ubyte(np.clip(child, 0, 1))


def transferred(image: np.ndarray, partner: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Flow between two images and the child warped along it."""
    flow = optical_flow_ilk(grey_of(partner) / 255, grey_of(image) / 255)
    return img_as_ubyte(np.clip(moved(image, rng.uniform(0.4, 1.2) * flow), 0, 1))


def pasted(image: np.ndarray, partner: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    child, grey = partner.copy(), grey_of(image)
    shown = grey > threshold_otsu(grey)
    child[shown] = image[shown]
    return child


SYNTHESES = {
    "copy": ("copy", {}),
    "Augment()": (Augment(), {"chain": chain, "one warp": one_warp}),
    "Augment(elastic=.02)": (Augment(elastic=0.02), {}),
    "Augment(fill_mode='reflect')": (Augment(fill_mode="reflect"), {}),
    "Augment(order=1)": (Augment(order=1), {}),
    "Morph()": (Morph(), {"optical_flow_ilk": morphed}),
    "TransferDeformation()": (TransferDeformation(), {"optical_flow_ilk": transferred}),
    "CutMix()": (CutMix(), {}),
    "Paste()": (Paste(), {"threshold_otsu": pasted}),
}
if OPENCV:
    SYNTHESES |= {
        "Augment, OpenCV": (Augment(engine="opencv"), {}),
        "Morph, OpenCV": (Morph(engine="opencv"), {}),
        "TransferDeformation, OpenCV": (TransferDeformation(engine="opencv"), {}),
    }


def one_by_one(function, images: np.ndarray, n: int) -> np.ndarray:
    """`n` children by a function, each with a generator of its own as ours have."""
    children = np.empty((n, *images.shape[1:]), images.dtype)
    for row, child in enumerate(children):
        rng = np.random.default_rng(row)
        child[...] = function(images[row % len(images)], images[(row + 1) % len(images)], rng)
    return children


def syntheses(name: str, n: int, rounds: int) -> None:
    side, channels = CASES[name]
    X = crops(n + RECEIVED, side, channels)
    X = X if channels == 3 else X[..., 0]
    y = np.repeat([0, 1], [n + RECEIVED - RECEIVED // 2, RECEIVED // 2])
    for label, (synthesis, peers) in SYNTHESES.items():
        sampler = RandomOverSampler(synthesis=synthesis, random_state=0)
        sampler.fit_resample(X, y)
        plan = sampler.plan_[len(X) :][:n]
        few = max(2, n // 8)
        jobs = {"ours": lambda: render(plan, X)}
        for peer, function in peers.items():
            jobs[peer] = lambda function=function: one_by_one(function, X, few)
        t = interleaved(jobs, rounds)
        each = {job: seconds / (n if job == "ours" else few) for job, seconds in t.items()}
        beside = "".join(
            f"   {peer} {1 / each[peer]:.0f}, ours {each[peer] / each['ours']:.1f}x"
            for peer in peers
        )
        print(f"{name:10} {label:29} {1 / max(each['ours'], 1e-9):9.0f}{beside}", flush=True)


def threads(name: str, n: int, rounds: int) -> None:
    """Wall time of one thread and of two, in turn."""
    side, channels = CASES[name]
    X = crops(n + RECEIVED, side, channels)
    y = np.repeat([0, 1], [n + RECEIVED - RECEIVED // 2, RECEIVED // 2])
    for label, (synthesis, _) in SYNTHESES.items():
        sampler = RandomOverSampler(synthesis=synthesis, random_state=0)
        sampler.fit_resample(X, y)
        plan = sampler.plan_[len(X) :][:n]
        out = np.empty((n, *X.shape[1:]), X.dtype)
        times: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(rounds + 1):
            for n_jobs, walls in times.items():
                start = time.perf_counter()
                render(plan, X, out=out, n_jobs=n_jobs)
                walls.append(time.perf_counter() - start)
        one, two = (statistics.median(walls[1:]) / n * 1e3 for walls in times.values())
        print(f"{name:10} {label:29} {one:8.2f} {two:8.2f} {one / two:8.2f}", flush=True)


def features(name: str, n: int, rounds: int) -> None:
    side, channels = CASES[name]
    X = crops(n, side, channels)
    X = X if channels == 3 else X[..., 0]
    ours = HOGFeatures().fit(X)
    options = {
        "pixels_per_cell": ours.pixels_per_cell_,
        "cells_per_block": (2, 2),
        "transform_sqrt": True,
        "channel_axis": -1 if channels == 3 else None,
    }
    few = max(2, n // 8)
    t = interleaved(
        {
            "ours": lambda: ours.transform(X),
            "skimage": lambda: [hog(image, **options) for image in X[:few]],
        },
        rounds,
    )
    ratio = t["skimage"] / few / (t["ours"] / n)
    print(
        f"{name:10} {'HOGFeatures()':29} {n / t['ours']:9.0f}   skimage.feature.hog "
        f"{few / t['skimage']:.0f}, ours {ratio:.1f}x",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--children", type=int, default=0, help="by default 1600, 400, 96, 48, 48")
    parser.add_argument("--threads", action="store_true", help="wall time with two threads")
    arguments = parser.parse_args()
    if arguments.threads:
        print(f"load {os.getloadavg()[0]:.1f}; ms an image of 1 and 2 threads, what two gain")
        for name, n in (("160x160x3", 300), ("256x256x3", 120)):
            threads(name, arguments.children or n, arguments.rounds)
        return
    print(f"{'images':10} {'':29} {'per CPU s':>9}   scikit-image, one by one")
    for name, n in zip(CASES, (1600, 400, 96, 48, 48), strict=True):
        syntheses(name, arguments.children or n, arguments.rounds)
        features(name, arguments.children or n, arguments.rounds)


if __name__ == "__main__":
    main()
