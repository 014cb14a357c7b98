"""Flow and deformation beside scikit-image: `python tests/benchmarks/flow.py [tables ...]`.

Measured in one process, ours and the peers in turn, one thread, in CPU seconds (medians).
Tables: flow (pairs of images, and what the flow leaves unexplained), children (drawn by the
renderer, beside scikit-image's flow and warp called for one child after the other, on
thumbnails of the same size).
"""

from __future__ import annotations

import argparse
from math import ceil

import speed  # before NumPy: it sets the number of threads

# isort: split
import numpy as np
from skimage.registration import optical_flow_ilk, optical_flow_tvl1
from skimage.transform import downscale_local_mean, resize
from skimage.transform import warp as warp_one

from imblearn_images import SMOTE, RandomOverSampler, render
from imblearn_images.synthesis._deformation import FLOW_SIDE, Morph, TransferDeformation
from imblearn_images.synthesis._flow import optical_flow
from imblearn_images.synthesis._warp import warp

PEERS = {"ilk": optical_flow_ilk, "tvl1": optical_flow_tvl1}


def pairs(side: int, n: int) -> np.ndarray:
    """Pairs of images of one class in grey, 0..1, shape (2, n, side, side)."""
    X, y = speed.case("28x28")
    images = X[y == 0][: 2 * n] / np.float32(255)
    if side != 28:
        images = np.stack([resize(image, (side, side)) for image in images])
    return images.reshape(2, n, side, side)


def flow(rounds: int) -> None:
    print("flow, pairs per CPU second; residual: mean |warped - reference|, same pairs for all")
    print(f"{'':8} {'ours':>9} {'ilk':>8} {'tvl1':>8}   ours/ilk ours/tvl1   before", end="")
    print(f" {'ours':>8} {'ilk':>8} {'tvl1':>8}")
    n, few = 320, 60
    for side in (28, 64):
        reference, moving = pairs(side, n)
        one_by_one = {
            name: lambda peer=peer: [
                peer(*pair) for pair in zip(reference[:few], moving[:few], strict=True)
            ]
            for name, peer in PEERS.items()
        }
        t = speed.interleaved(
            {"ours": lambda: optical_flow(reference, moving), **one_by_one}, rounds
        )
        rate = {name: (n if name == "ours" else few) / seconds for name, seconds in t.items()}
        flows = {"before": np.zeros((few, 2, side, side)), "ours": optical_flow(reference, moving)}
        flows |= {name: np.stack(found()) for name, found in one_by_one.items()}
        left = {
            name: np.abs(
                warp(moving[:few], found[:few].astype(np.float32), order=1) - reference[:few]
            ).mean()
            for name, found in flows.items()
        }
        print(
            f"{side}x{side:<5} {rate['ours']:9.0f} {rate['ilk']:8.1f} {rate['tvl1']:8.1f}   "
            f"{rate['ours'] / rate['ilk']:7.1f}x {rate['ours'] / rate['tvl1']:8.1f}x   "
            + " ".join(f"{left[name]:8.4f}" for name in flows),
            flush=True,
        )


def flow_one(reference: np.ndarray, moving: np.ndarray) -> np.ndarray:
    """scikit-image's flow between thumbnails of two images in 0..1, scaled up."""
    factor = max(1, ceil(max(reference.shape[:2]) / FLOW_SIDE))
    small = [
        downscale_local_mean(image if image.ndim == 2 else image.mean(axis=2), factor)
        for image in (reference, moving)
    ]
    found = optical_flow_ilk(*small)
    return np.stack([factor * resize(axis, reference.shape[:2], order=1) for axis in found])


def warped_one(image: np.ndarray, displacement: np.ndarray) -> np.ndarray:
    """scikit-image's bicubic warp of one image, channel by channel."""
    at = np.mgrid[: image.shape[0], : image.shape[1]] + displacement
    planes = np.moveaxis(np.atleast_3d(image), -1, 0)
    drawn = [warp_one(plane, at, order=3, mode="edge") for plane in planes]
    return np.stack(drawn, axis=-1).reshape(image.shape)


def morph_one(base: np.ndarray, partner: np.ndarray, step: float) -> np.ndarray:
    between = flow_one(partner, base)
    here, there = warped_one(base, step * between), warped_one(partner, (step - 1) * between)
    return (1 - step) * here + step * there


def transfer_one(base: np.ndarray, donor: np.ndarray, neighbor: np.ndarray, step: float):
    return warped_one(base, step * flow_one(neighbor, donor))


def one_by_one(plan, X: np.ndarray) -> None:
    for base, partners, weights in zip(plan.base, plan.partners, plan.weights, strict=True):
        parents = [X[row] / np.float32(255) for row in (base, *partners)]
        child = (morph_one if len(partners) == 1 else transfer_one)(*parents, weights[-1])
        np.rint(255 * child.clip(0, 1)).astype(np.uint8)


def children(rounds: int) -> None:
    print("children per CPU second, from the plan to pixels")
    print(f"{'':12} {'rule':22} {'ours':>8} {'one by one':>10} {'ratio':>7}")
    sets = {
        "28x28": speed.case("28x28"),
        "64x64x3": (speed.crops(1000, 64), np.repeat([0, 1, 2], [600, 300, 100])),
        "224x224x3": (speed.crops(120, 224), np.repeat([0, 1], [80, 40])),
    }
    for name, (X, y) in sets.items():
        samplers = SMOTE(synthesis=Morph()), RandomOverSampler(synthesis=TransferDeformation())
        for sampler in samplers:
            sampler.set_params(random_state=0).fit_resample(X, y)
            plan = sampler.plan_[sampler.plan_.synthetic]
            few = plan[:: max(1, len(plan) // 12)]
            t = speed.interleaved(
                {"ours": lambda: render(plan, X), "peer": lambda: one_by_one(few, X)}, rounds
            )
            ours, peer = len(plan) / t["ours"], len(few) / t["peer"]
            rule = type(sampler.synthesis).__name__
            print(f"{name:12} {rule:22} {ours:8.0f} {peer:10.1f} {ours / peer:6.1f}x", flush=True)


def main() -> None:
    tables = {"flow": flow, "children": children}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", metavar="table", help=", ".join(tables))
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each figure")
    args = parser.parse_args()
    if not set(args.tables) <= set(tables):
        parser.error(f"tables are {', '.join(tables)}")
    for name in args.tables or tables:
        tables[name](args.rounds)
        print()


if __name__ == "__main__":
    main()
