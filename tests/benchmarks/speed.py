"""Speed and memory beside imbalanced-learn: `python tests/benchmarks/speed.py [tables ...]`.

Every table is measured in one process, ours and the peer in turn, BLAS and OpenMP at one
thread, in CPU seconds (medians), because machines are shared and noisy. Memory is the
peak above the input, in a fresh process for each figure. Tables: smote, memory, random,
dtypes, growth, files, decoding, threads, drawing, estimates, queries, large, family, comparison,
imports.
`--only 28x28 AllKNN TomekLinks` measures some of the family, `--photos 20000` decodes so many.
"""

from __future__ import annotations

import os

THREADS = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL")}
os.environ.update(THREADS)  # before NumPy is imported

import argparse
import contextlib
import logging
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import joblib
import numpy as np
from imblearn import combine, ensemble, over_sampling, under_sampling
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline

import imblearn_images as ours
from imblearn_images import synthesis
from imblearn_images.model_selection import compare_resamplers
from imblearn_images.neighbors import ImageNeighbors
from imblearn_images.preprocessing import FlattenImages, HOGFeatures, ReadImages

PHOTOS = [2000]  # files of the table `decoding`
SHARED = Path(__file__).parents[3] / "shared" / "data"


def photos() -> list[np.ndarray]:
    """Colour photos inside scikit-image's wheel."""
    import skimage.data

    return [getattr(skimage.data, name)() for name in ("astronaut", "chelsea", "coffee", "rocket")]


def crops(n: int, side: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Random crops of the photos with a little noise, so that no two are equal."""
    rng = np.random.default_rng(seed)
    sources = photos()
    out = np.empty((n, side, side, channels), dtype=np.uint8)
    for image in out:
        source = sources[rng.integers(len(sources))][..., :channels]
        top, left = (int(rng.integers(extent - side + 1)) for extent in source.shape[:2])
        crop = source[top : top + side, left : left + side]
        image[...] = np.clip(crop + rng.integers(-4, 5, crop.shape), 0, 255)
    return out


def case(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Image sets of the tables: images of uint8, labels."""
    if name == "28x28":
        counts = [4000, 2000, 1000, 750, 500, 350, 200, 100, 60, 40]
        file = SHARED / "fashion_mnist_longtail.npz"
        if file.exists():
            with np.load(file) as data:
                return data["X_train"], data["y_train"]
        return crops(9000, 28, 1)[..., 0], np.repeat(np.arange(10), counts)
    if name == "64x64x3":
        return crops(6000, 64), np.repeat([0, 1], [5000, 1000])
    return crops(1500, 224), np.repeat([0, 1], [1200, 300])


CASES = ("28x28", "64x64x3", "224x224x3")


def interleaved(jobs: dict[str, callable], rounds: int) -> dict[str, float]:
    """Median CPU seconds of each job, the jobs in turn."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for job in jobs.values():
        if rounds > 2:
            job()  # warm up
    order = list(jobs)
    for _ in range(rounds):
        for name in order:
            start = time.process_time()
            result = jobs[name]()
            times[name].append(time.process_time() - start)
            del result
        order.append(order.pop(0))  # whoever follows a large job pays for its memory
    return {name: statistics.median(values) for name, values in times.items()}


def floor(X: np.ndarray, y: np.ndarray) -> None:
    """One memcpy of the output into fresh memory and one ssyrk per minority class."""
    counts = np.bincount(y)
    out = np.empty((counts.max() * len(counts), *X.shape[1:]), X.dtype)
    for start in range(0, len(out), len(X)):
        part = out[start : start + len(X)]
        np.copyto(part, X[: len(part)])
    for label in np.flatnonzero(counts < counts.max()):
        pixels = MINORITIES[label]
        pixels @ pixels.T


MINORITIES: dict[int, np.ndarray] = {}


def peer(sampler: type, X: np.ndarray, y: np.ndarray, dtype: str):
    """imbalanced-learn on flattened pixels cast to `dtype`, as its user has to."""
    return sampler(random_state=0).fit_resample(X.reshape(len(X), -1).astype(dtype), y)


def smote(rounds: int) -> None:
    print("SMOTE, CPU seconds; the peer's result is not even rounded back")
    print(f"{'':10} {'ours':>7} {'f32':>7} {'f64':>7} {'floor':>7}   f32/ours f64/ours ours/floor")
    for name in CASES:
        X, y = case(name)
        MINORITIES.clear()
        for label in range(1, y.max() + 1):
            MINORITIES[label] = X[y == label].reshape(np.sum(y == label), -1).astype(np.float32)
        t = interleaved(
            {
                "ours": lambda: ours.SMOTE(random_state=0).fit_resample(X, y),
                "f32": lambda: peer(over_sampling.SMOTE, X, y, "float32"),
                "f64": lambda: peer(over_sampling.SMOTE, X, y, "float64"),
                "floor": lambda: floor(X, y),
            },
            rounds if name != "224x224x3" else max(2, rounds // 2),
        )
        print(
            f"{name:10} {t['ours']:7.3f} {t['f32']:7.3f} {t['f64']:7.3f} {t['floor']:7.3f}   "
            f"{t['f32'] / t['ours']:7.1f}x {t['f64'] / t['ours']:7.1f}x "
            f"{t['ours'] / t['floor']:7.2f}x",
            flush=True,
        )


def memory(rounds: int) -> None:
    """Peak above the input of SMOTE and RandomOverSampler, each in a fresh process."""
    print("peak memory above the input, MB (the float copy is part of the peer's job)")
    print(f"{'':16} {'output':>7} {'ours':>7} {'extra':>7} {'n_jobs=2':>8} {'f32':>7} {'f64':>7}")
    for name in CASES:
        own = child("peak", name, "ours", "uint8", "1")
        two = child("peak", name, "ours", "uint8", "2")
        f32, f64 = (child("peak", name, "peer", dtype, "1")[1] for dtype in ("float32", "float64"))
        print(
            f"{name:16} {own[0]:7.0f} {own[1]:7.0f} {own[1] - own[0]:7.0f} {two[1] - two[0]:8.0f} "
            f"{f32:7.0f} {f64:7.0f}",
            flush=True,
        )
    for name in CASES[1:]:
        own, other = (child("peak", name, who, "uint8", "0") for who in ("ours", "peer"))
        print(f"{name} random {own[0]:6.0f} {own[1]:7.0f} {'':16} {other[1]:7.0f} (peer on uint8)")


def child(*args: str) -> list[float]:
    """Run one measurement in a process of its own; it prints numbers."""
    run = [sys.executable, __file__, "--child", *args]
    printed = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    return [float(word) for word in printed.split()]


def peak(name: str, who: str, dtype: str, n_jobs: str) -> None:
    X, y = case(name)
    few = np.r_[0:40, -40:0]
    if n_jobs == "0":
        sampler = (ours if who == "ours" else over_sampling).RandomOverSampler(random_state=0)
    elif who == "ours":
        sampler = ours.SMOTE(random_state=0, n_jobs=int(n_jobs))
    else:
        sampler = over_sampling.SMOTE(random_state=0)

    def job(X: np.ndarray, y: np.ndarray) -> int:
        if who == "peer":
            X = X.reshape(len(X), -1).astype(dtype, copy=False)
        return sampler.fit_resample(X, y)[0].nbytes

    job(X[few], np.repeat([0, 1], [60, 20]))  # imports and thread pools are not the job's
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    nbytes = job(X, y)
    print(nbytes / 1e6, (status("VmHWM") - before) / 1e6)


def status(field: str) -> int:
    """A figure of this process from Linux, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


def random(rounds: int) -> None:
    """RandomOverSampler and RandomUnderSampler against imbalanced-learn's on uint8."""
    print("random sampling of uint8 images, CPU seconds (the peer is at the floor when it selects)")
    for name in CASES:
        X, y = case(name)
        flat = X.reshape(len(X), -1)
        t = interleaved(
            {
                "over": lambda: ours.RandomOverSampler(random_state=0).fit_resample(X, y),
                "over_peer": lambda: over_sampling.RandomOverSampler(random_state=0).fit_resample(
                    flat, y
                ),
                "under": lambda: ours.RandomUnderSampler(random_state=0).fit_resample(X, y),
                "under_peer": lambda: under_sampling.RandomUnderSampler(
                    random_state=0
                ).fit_resample(flat, y),
            },
            3 * rounds,
        )
        print(
            f"{name:10} over {t['over']:.4f} against {t['over_peer']:.4f}: "
            f"{t['over_peer'] / t['over']:.1f}x   under {t['under']:.4f} against "
            f"{t['under_peer']:.4f}: {t['under_peer'] / t['under']:.1f}x",
            flush=True,
        )


def dtypes(rounds: int) -> None:
    """SMOTE on other dtypes against imbalanced-learn on float64 (float32 on its own)."""
    print("SMOTE on 64x64x3 of other dtypes, CPU seconds")
    X, y = case("64x64x3")
    for dtype in ("uint16", "float32", "float64"):
        images = X.astype(dtype)
        other = "float32" if dtype == "float32" else "float64"
        t = interleaved(
            {
                "ours": lambda images=images: ours.SMOTE(random_state=0).fit_resample(images, y),
                "peer": lambda images=images, other=other: peer(
                    over_sampling.SMOTE, images, y, other
                ),
            },
            max(3, rounds // 2),
        )
        extra = child("peak", "64x64x3", "ours", dtype, "1")
        print(
            f"{dtype:8} {t['ours']:.3f} against {t['peer']:.3f} on {other}: "
            f"{t['peer'] / t['ours']:.1f}x, peak {extra[1]:.0f} MB for {extra[0]:.0f} MB of output",
            flush=True,
        )


def growth(rounds: int) -> None:
    """How SMOTE grows with the number of images and with their side."""
    print("growth, binary 80/20, CPU seconds")
    for label, settings in (
        ("n at 32x32", [(n, 32) for n in (2500, 5000, 10000, 20000)]),
        ("side at n=2500", [(2500, side) for side in (16, 32, 64, 128)]),
    ):
        times = []
        for n, side in settings:
            X, y = crops(n, side, 1), np.repeat([0, 1], [n * 4 // 5, n // 5])
            times.append(
                interleaved({"": lambda: ours.SMOTE(random_state=0).fit_resample(X, y)}, rounds)[""]
            )
        slopes = np.diff(np.log2(times))
        cells = ", ".join(f"{setting}: {t:.3f}" for setting, t in zip(settings, times, strict=True))
        print(f"{label}: {cells}; exponents of the doublings {slopes.round(2)}", flush=True)


def files(rounds: int) -> None:
    """ReadImages against skimage on 500x375 JPEG files, to 128x128."""
    from PIL import Image
    from skimage.io import imread
    from skimage.transform import resize

    sources = photos()
    with tempfile.TemporaryDirectory() as folder:
        paths = [f"{folder}/{k:03}.jpg" for k in range(60)]
        rng = np.random.default_rng(0)
        for k, path in enumerate(paths):
            photo = Image.fromarray(sources[k % len(sources)]).resize((540, 405))
            left, top = rng.integers(0, 40), rng.integers(0, 30)
            photo.crop((left, top, left + 500, top + 375)).save(path, quality=88)

        def skimage_way() -> np.ndarray:
            small = [resize(imread(p), (128, 128), anti_aliasing=True) for p in paths]
            return np.stack([np.round(image * 255) for image in small])

        ways = {
            "skimage": skimage_way,
            "draft": lambda: ReadImages(size=(128, 128)).fit_transform(paths),
            "full": lambda: ReadImages(size=(128, 128), draft=False).fit_transform(paths),
        }
        pixels = {name: way().astype(float) for name, way in ways.items()}
        t = interleaved(ways, rounds)
    print("60 JPEG files of 500x375 to 128x128, images per CPU second")
    for name in ways:
        error = np.abs(pixels[name] - pixels["skimage"]).mean()
        print(
            f"{name:8} {60 / t[name]:7.0f}   {t['skimage'] / t[name]:5.1f}x   "
            f"mean difference from skimage {error:.2f} grey levels"
        )


def decoding(rounds: int) -> None:
    """Samplers on photos of mixed sizes in files, beside decoding each of them once."""
    with tempfile.TemporaryDirectory() as folder:
        source = write_photos(Path(folder), PHOTOS[0])
        print(f"{PHOTOS[0]} photos of 96 to 288 pixels a side, {source}, in files: CPU seconds,")
        print("beside decoding each once; files decoded, and how often one of them; peak MB")
        for name in DECODING:
            seconds, bare, decoded, most, peak = child("decoding_job", folder, name)
            print(
                f"{name:36} {seconds:7.2f} {seconds / bare:6.2f}x {decoded:8.0f} {most:3.0f} "
                f"{peak:6.0f}",
                flush=True,
            )


def write_photos(folder: Path, n: int) -> str:
    """Write `n` photos of mixed sizes and their labels; say what they were made of."""
    from PIL import Image

    rng = np.random.default_rng(0)
    files = sorted((SHARED / "grocery_store").glob("*/*/*.jpg"))
    sources = [np.asarray(Image.open(file).convert("RGB")) for file in files] or photos()
    shelves = [file.parent.name for file in files] or ["a", "b", "b", "b"]
    for k in range(n):
        height, width = rng.integers(96, 289, 2)
        share = rng.uniform(0.5, 1, 2)
        whole = Image.fromarray(sources[k % len(sources)])
        left, top = (1 - share) * rng.uniform(0, 1, 2) * whole.size
        box = (left, top, left + share[0] * whole.width, top + share[1] * whole.height)
        whole.resize((int(width), int(height)), box=box).save(folder / f"{k:06}.jpg", quality=88)
    np.save(folder / "labels.npy", np.resize(shelves, n))
    return "crops of groceries" if files else "crops of scikit-image's photos"


def decoding_job(folder: str, name: str) -> None:
    """Print seconds of a sampler and of bare decoding, what was decoded, and the peak."""
    from PIL.ImageFile import ImageFile

    from imblearn_images.core.files import read_image

    paths = sorted(map(str, Path(folder).glob("*.jpg")))
    y = np.load(f"{folder}/labels.npy")
    warnings.simplefilter("ignore")
    few = np.unique(y, return_index=True)[1][:2].repeat(6) + np.tile(np.arange(6), 2)
    with tempfile.TemporaryDirectory() as out, contextlib.suppress(ValueError):
        DECODING[name](out, y[few]).fit_resample([paths[row] for row in few], y[few])
    decoded: Counter[str] = Counter()
    load = ImageFile.load

    def counted(image):
        if image.tile:  # not yet decoded
            decoded[image.filename or image.fp.name] += 1
        return load(image)

    ImageFile.load = counted
    with tempfile.TemporaryDirectory() as out:
        sampler = DECODING[name](out, y)
        Path("/proc/self/clear_refs").write_text("5")
        before, start = status("VmRSS"), time.process_time()
        sampler.fit_resample(paths, y)
        seconds, peak = time.process_time() - start, status("VmHWM") - before
    ImageFile.load = load
    start = time.process_time()
    for path in paths:
        read_image(path)
    bare = time.process_time() - start
    print(seconds, bare, decoded.total(), max(decoded.values()), peak / 1e6)


def cheap():
    """192 numbers an image, decoded small."""
    return make_pipeline(ReadImages(size=(8, 8)), FlattenImages())


def a_few_more(y: np.ndarray) -> dict[str, int]:
    """Targets that double the three smallest classes."""
    labels, counts = np.unique(y, return_counts=True)
    few = np.argsort(counts, kind="stable")[:3]
    return dict(zip(labels[few].tolist(), (2 * counts[few]).tolist(), strict=True))


DECODING = {
    "TomekLinks": lambda out, y: ours.TomekLinks(),
    "TomekLinks, 192 numbers": lambda out, y: ours.TomekLinks(embedding=cheap()),
    "BorderlineSMOTE, 192 numbers": lambda out, y: ours.BorderlineSMOTE(
        sampling_strategy=a_few_more(y), embedding=cheap(), output_dir=out, random_state=0
    ),
}


def threads(rounds: int) -> None:
    """Wall seconds of SMOTE with one thread and two, in turn."""
    print("SMOTE with n_jobs=1 and 2, wall seconds (medians, in turn)")
    for name in CASES:
        X, y = case(name)
        wall: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(2 * rounds):
            for n_jobs, values in wall.items():
                start = time.perf_counter()
                ours.SMOTE(random_state=0, n_jobs=n_jobs).fit_resample(X, y)
                values.append(time.perf_counter() - start)
        one, two = (statistics.median(values) for values in wall.values())
        print(f"{name:10} {one:.3f} {two:.3f}: {one / two:.2f}x", flush=True)


SIDE = 160  # of the images of the table `drawing`


WAYS = {"one": ("threading", 1), "threads": ("threading", 2), "processes": ("loky", 2)}


def drawing(rounds: int) -> None:
    """Syntheses drawn with one thread, two threads and two processes, in turn.

    Wall time says what is gained where nothing else runs. CPU time, of all processes, says how much
    work is added, which limits the gain: on two cores to twice that of one thread over it.
    """
    n = 1300
    X, y = crops(n, SIDE), np.repeat([0, 1], n // 2)
    start = time.perf_counter()
    with joblib.parallel_config(backend="loky", n_jobs=2):
        small = ours.RandomOverSampler(
            sampling_strategy={0: n, 1: n}, synthesis=synthesis.Augment()
        )
        small.fit_resample(X, y)
    print(f"{time.perf_counter() - start:.1f} s until two processes have started and drawn once")
    print(
        f"ms a row of {SIDE}x{SIDE}x3, best of {2 * rounds}, and how many times as fast as by one "
        "thread.\nWall time of one thread, two threads, two processes; CPU time, and what it allows"
    )
    for title, rule in {
        "Augment": synthesis.Augment(),
        "Augment, opencv": synthesis.Augment(engine="opencv"),
        "TransferDeformation": synthesis.TransferDeformation(),
        "Morph": synthesis.Morph(),
        "Paste": synthesis.Paste(),
        "CutMix": synthesis.CutMix(),
    }.items():
        over = ours.RandomOverSampler(
            sampling_strategy={0: n, 1: n}, synthesis=rule, random_state=0
        )
        try:
            over.fit_resample(X, y)
        except ImportError as error:
            print(f"{title:20} {error}")
            continue
        plan = over.plan_[over.plan_.synthetic]
        wall: dict[str, list[float]] = {way: [] for way in WAYS}
        cpu: dict[str, list[float]] = {way: [] for way in WAYS}
        for _ in range(2 * rounds):
            for way, (backend, n_jobs) in WAYS.items():
                start, began = time.perf_counter(), cpu_seconds()
                with joblib.parallel_config(backend=backend, n_jobs=n_jobs):
                    ours.render(plan, X)
                wall[way].append((time.perf_counter() - start) / len(plan) * 1e3)
                cpu[way].append((cpu_seconds() - began) / len(plan) * 1e3)
        one, threads, processes = (min(values) for values in wall.values())
        used = [min(values) for values in cpu.values()]
        print(
            f"{title:20} {one:5.2f} {threads:5.2f} {processes:5.2f}: {one / threads:.2f}x, "
            f"{one / processes:.2f}x;  CPU {used[0]:5.2f} {used[1]:5.2f} {used[2]:5.2f}: "
            f"{2 * used[0] / used[1]:.2f}x, {2 * used[0] / used[2]:.2f}x",
            flush=True,
        )


def cpu_seconds() -> float:
    """CPU seconds of this process and its children."""
    found = time.process_time()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            _, parent, *fields = stat.read_text().rpartition(")")[2].split()
            if int(parent) == os.getpid():
                found += (int(fields[9]) + int(fields[10])) / os.sysconf("SC_CLK_TCK")
    return found


def estimates(rounds: int) -> None:
    """What a long search says beforehand about its time, beside the time that it takes.

    Both in CPU seconds of one thread: a clock on the wall would measure what else runs.
    """
    from imblearn_images.core import neighbors

    print("CPU seconds that a search announces, and those that it then takes")
    neighbors.time = SimpleNamespace(monotonic=time.process_time)
    heard: list[tuple[float, str]] = []
    listener = logging.Handler(logging.INFO)
    listener.emit = lambda record: heard.append((time.process_time(), record.getMessage()))
    logger = logging.getLogger("imblearn_images")
    logger.addHandler(listener)
    logger.setLevel(logging.INFO)
    for n, side, channels, dtype, how in (
        (10_000, 32, 3, "uint8", "all"),
        (10_000, 32, 3, "uint8", "half of them ask"),
        (16_000, 32, 3, "uint8", "all"),
        (40_000, 16, 1, "uint8", "all"),
        (10_000, 32, 3, "float32", "all"),
    ):
        X = crops(n, side, channels).reshape(n, -1).astype(dtype)
        search = ImageNeighbors(5).fit(X)
        search.kneighbors(X[:100])
        heard.clear()
        start = time.process_time()
        search.kneighbors(X[: n // 2] if how != "all" else None)
        end = time.process_time()
        ((at, told),) = heard
        seconds = re.search(r"take about (.*?)\.", told)[1]
        print(
            f"{n} x {X.shape[1]} of {dtype}, {how}: {seconds} announced after {at - start:.1f}, "
            f"it took {end - at:.1f}",
            flush=True,
        )


def queries(rounds: int) -> None:
    """ImageNeighbors on features of floats, asked by few, beside scikit-learn's search."""
    from sklearn.neighbors import NearestNeighbors

    print("5 nearest of features of floats, CPU milliseconds of kneighbors, fitted before")
    rng = np.random.default_rng(0)
    for dtype in ("float32", "float64"):
        for n, d in ((20_000, 256), (5000, 2048), (2000, 12_288)):
            features = (rng.normal(size=(n, d)) + 3).astype(dtype)
            plain = NearestNeighbors(n_neighbors=5, algorithm="brute").fit(features)
            exact = ImageNeighbors(5).fit(features)
            for q in (1, 10, 100, 1000):
                asking = (rng.normal(size=(q, d)) + 3).astype(dtype)
                found, theirs = exact.kneighbors(asking)[1], plain.kneighbors(asking)[1]
                t = interleaved(
                    {
                        "ours": lambda e=exact, a=asking: e.kneighbors(a),
                        "peer": lambda p=plain, a=asking: p.kneighbors(a),
                    },
                    max(3, rounds),
                )
                print(
                    f"{dtype} {n:6} x {d:6}, {q:4} ask: {t['ours'] * 1e3:7.1f} against "
                    f"{t['peer'] * 1e3:7.1f}: {t['ours'] / t['peer']:.2f} of its time, "
                    f"{(found == theirs).mean():.2%} the same",
                    flush=True,
                )


def large(rounds: int) -> None:
    """200,000 images of 32x32x3 in a memmap, a long tail, drawn into another memmap."""
    print("200,000 images of 32x32x3 in a memmap, long tail of 10 classes, n_jobs=2")
    seconds, scratch, rows = child("large_job")
    print(
        f"{rows:.0f} rows in {seconds:.0f} s, peak of memory beside input and output "
        f"{scratch:.0f} MB"
    )


def large_job() -> None:
    n, counts = 200_000, np.floor(200_000 * 0.6 ** np.arange(10) * 0.4024).astype(int)
    counts[0] += n - counts.sum()
    y = np.repeat(np.arange(10), counts)
    with tempfile.TemporaryDirectory() as folder:
        X = np.memmap(f"{folder}/X", np.uint8, "w+", shape=(n, 32, 32, 3))
        tiles = crops(2000, 32)
        rng = np.random.default_rng(0)
        for start in range(0, n, 2000):
            X[start : start + 2000] = tiles + rng.integers(0, 60, (2000, 1, 1, 1), dtype=np.uint8)
        X.flush()
        ours.SMOTE(random_state=0).fit_resample(X[-2000:], np.repeat([0, 1], [1500, 500]))
        before, start_time = status("RssAnon"), time.perf_counter()
        highest = [before]
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.02):
                highest.append(status("RssAnon"))

        watcher = threading.Thread(target=watch)
        watcher.start()
        # Anonymous memory is ours and the output's; the memmap's pages are the system's.
        out, _ = ours.SMOTE(random_state=0, n_jobs=2).fit_resample(X, y)
        done.set()
        watcher.join()
        extra = max(highest) - before - out.nbytes
        print(time.perf_counter() - start_time, extra / 1e6, len(out))


NEAREST = (2.5, 4)  # how much faster each group is to be, at 28x28 and at 64x64x3
CLEANING, SLOW, FEATURES = (2, 3), (1.5, 2), (1, 1)
FAMILY = {
    "BorderlineSMOTE": (over_sampling.BorderlineSMOTE, {"random_state": 0}, NEAREST),
    "ADASYN": (over_sampling.ADASYN, {"random_state": 0}, NEAREST),
    "EditedNearestNeighbours": (under_sampling.EditedNearestNeighbours, {}, CLEANING),
    "AllKNN": (under_sampling.AllKNN, {}, CLEANING),
    "RepeatedEditedNearestNeighbours": (
        under_sampling.RepeatedEditedNearestNeighbours,
        {},
        CLEANING,
    ),
    "NearMiss 1": (under_sampling.NearMiss, {"version": 1}, CLEANING),
    "NearMiss 2": (under_sampling.NearMiss, {"version": 2}, CLEANING),
    "NearMiss 3": (under_sampling.NearMiss, {"version": 3}, CLEANING),
    "TomekLinks": (under_sampling.TomekLinks, {}, CLEANING),
    "NeighbourhoodCleaningRule": (under_sampling.NeighbourhoodCleaningRule, {}, CLEANING),
    "SMOTEENN": (combine.SMOTEENN, {"random_state": 0}, NEAREST),
    "SMOTETomek": (combine.SMOTETomek, {"random_state": 0}, NEAREST),
    "OneSidedSelection": (under_sampling.OneSidedSelection, {"random_state": 0}, SLOW),
    "CondensedNearestNeighbour": (
        under_sampling.CondensedNearestNeighbour,
        {"random_state": 0},
        SLOW,
    ),
    "KMeansSMOTE": (
        over_sampling.KMeansSMOTE,
        # Small classes must find clusters that hold enough of them, or both raise an error.
        {"random_state": 0, "kmeans_estimator": 2, "cluster_balance_threshold": 0.0},
        FEATURES,
    ),
    "SVMSMOTE": (over_sampling.SVMSMOTE, {"random_state": 0}, FEATURES),
    "ClusterCentroids": (under_sampling.ClusterCentroids, {"random_state": 0}, FEATURES),
    "InstanceHardnessThreshold": (
        under_sampling.InstanceHardnessThreshold,
        {"random_state": 0},
        FEATURES,
    ),
    "BalancedRandomForestClassifier": (
        ensemble.BalancedRandomForestClassifier,
        {"random_state": 0},
        FEATURES,
    ),
}
FAMILY_CASES = ("28x28", "64x64x3")
# The peer classifies a whole class anew for every image that it keeps, on a float64 copy: minutes.
FEWER = {("64x64x3", "CondensedNearestNeighbour"): 400}
ONLY: set[str] = set()
PEAKS = [True]


def family_case(name: str, title: str = "") -> tuple[np.ndarray, np.ndarray]:
    """4,000 images of ten classes with a long tail, and 2,000 of three classes."""
    X, y = family_images(name)
    some = slice(FEWER.get((name, title)))
    return X[some], y[some]


@lru_cache(maxsize=1)
def family_images(name: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    if name == "28x28":
        X, y = case(name)
        share = np.sort(rng.permutation(len(X))[:4000])
        return X[share], y[share]
    # Neighbouring classes share pictures, so that no sampler is left without a border.
    X = crops(2000, 64)
    y = np.repeat([0, 1, 2], [1200, 500, 300])
    shade = rng.integers(0, 30, len(X)) + 12 * y
    X = np.clip(X.astype(np.int16) // 2 + shade[:, None, None, None], 0, 255).astype(np.uint8)
    order = rng.permutation(len(X))
    return X[order], y[order]


def family_job(title: str, who: str, X: np.ndarray, y: np.ndarray):
    """Run one sampler of the family, ours on the images or the peer on float64 rows."""
    theirs, params, _ = FAMILY[title]
    made = getattr(ours, theirs.__name__)(**params) if who == "ours" else theirs(**params)
    seen = X if who == "ours" else X.reshape(len(X), -1).astype(float)
    if not hasattr(made, "fit_resample"):
        return made.fit(seen, y).predict(seen), y
    return made.fit_resample(seen, y)


def family(rounds: int) -> None:
    """Every sampler that measures distances, against imbalanced-learn on float64."""
    print("The family on uint8 images, CPU seconds; peak MB above the input, and above the output.")
    print(f"{'':44} {'ours':>7} {'peer':>7} {'ratio':>7} {'goal':>5} {'above':>6} {'peer':>6}")
    for place, name in enumerate(FAMILY_CASES):
        if ONLY & set(FAMILY_CASES) and name not in ONLY:
            continue
        for title in FAMILY:
            if ONLY & set(FAMILY) and title not in ONLY:
                continue
            X, y = family_case(name, title)
            what = f"{title} ({len(X)})" if (name, title) in FEWER else title
            warnings.simplefilter("ignore")
            try:
                t = interleaved(
                    {
                        who: lambda who=who, title=title, X=X, y=y: family_job(title, who, X, y)
                        for who in ("ours", "peer")
                    },
                    min(rounds, 3),
                )
                own, peers = (
                    child("family_peak", name, title, who) if PEAKS[0] else [np.nan, np.nan]
                    for who in ("ours", "peer")
                )
            except (RuntimeError, ValueError, subprocess.CalledProcessError) as error:
                print(f"{name:10} {what:33} {type(error).__name__}: {str(error)[:60]}", flush=True)
                continue
            ratio, goal = t["peer"] / t["ours"], FAMILY[title][2][place]
            print(
                f"{name:10} {what:33} {t['ours']:7.3f} {t['peer']:7.3f} {ratio:6.2f}x "
                f"{goal:4}x {own[1] - own[0]:6.0f} {peers[1]:6.0f}{'' if ratio >= goal else '  <'}",
                flush=True,
            )


def family_peak(name: str, title: str, who: str) -> None:
    X, y = family_case(name, title)
    warnings.simplefilter("ignore")
    few = np.arange(300)
    with contextlib.suppress(RuntimeError, ValueError):  # imports are not the job's
        family_job(title, who, X[few, :8, :8], y[few])
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    nbytes = family_job(title, who, X, y)[0].nbytes
    print(nbytes / 1e6, (status("VmHWM") - before) / 1e6)


def comparison(rounds: int) -> None:
    """The default candidates on two folds: what they share is made once, or by each of them."""

    class Alone(HOGFeatures):
        of_each_alone = False  # what begins with it shares nothing

    folder = SHARED / "grocery_store"
    if folder.exists():
        paths = sorted(map(str, folder.rglob("*.*g")))
        paths = [paths[at] for at in np.sort(np.random.default_rng(0).permutation(847)[:825])]
        X, y = ReadImages((64, 64)).fit_transform(paths), [Path(each).parent.name for each in paths]
    else:
        X, y = crops(825, 64), np.repeat(np.arange(5), [400, 200, 125, 60, 40])
    folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(y, y))[:2]
    spent, means = {}, {}
    for name, first in (("shared", HOGFeatures()), ("apart", Alone())):
        model = make_pipeline(first, LogisticRegression(C=3, tol=1e-3, max_iter=300))
        started = time.process_time()
        found = compare_resamplers(model, "default", X, y, cv=folds, random_state=0)
        spent[name] = time.process_time() - started
        means[name] = {each: scores.tolist() for each, scores in found.scores.items()}
    same = "the same scores" if means["shared"] == means["apart"] else "OTHER SCORES"
    print(
        f"{len(means['shared'])} candidates, {len(X)} images, 2 folds: {spent['shared']:.0f} s, "
        f"without sharing {spent['apart']:.0f} s, {spent['shared'] / spent['apart']:.2f}; {same}"
    )


def imports(rounds: int) -> None:
    """Import time beyond imbalanced-learn's own."""
    values = [child("import_time")[0] for _ in range(2 * rounds + 1)]
    print(f"import imblearn_images after imbalanced-learn: {statistics.median(values):.0f} ms")


def import_time() -> None:
    """Time the import in a process that has imported imbalanced-learn only."""
    code = (
        "import time, imblearn.over_sampling, imblearn.under_sampling, imblearn.ensemble;"
        "start = time.process_time(); import imblearn_images;"
        "print((time.process_time() - start) * 1e3)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def main() -> None:
    """Print the tables that are asked for, all by default."""
    tables = {
        "smote": smote,
        "memory": memory,
        "random": random,
        "dtypes": dtypes,
        "growth": growth,
        "files": files,
        "decoding": decoding,
        "threads": threads,
        "drawing": drawing,
        "estimates": estimates,
        "queries": queries,
        "large": large,
        "family": family,
        "comparison": comparison,
        "imports": imports,
    }
    if sys.argv[1:2] == ["--child"]:
        jobs = (peak, large_job, family_peak, decoding_job, import_time)
        {job.__name__: job for job in jobs}[sys.argv[2]](*sys.argv[3:])
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", metavar="table", help=", ".join(tables))
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each figure")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="sampler", help="of the family, and cases"
    )
    parser.add_argument("--no-peaks", action="store_true", help="no memory of the family")
    parser.add_argument("--photos", type=int, default=PHOTOS[0], help="files of `decoding`")
    args = parser.parse_args()
    PHOTOS[0] = args.photos
    PEAKS[0] = not args.no_peaks
    ONLY.update(args.only)
    if not {*FAMILY, *FAMILY_CASES} >= ONLY:
        parser.error(f"--only takes {', '.join((*FAMILY, *FAMILY_CASES))}")
    if not set(args.tables) <= set(tables):
        parser.error(f"tables are {', '.join(tables)}")
    versions = ", ".join(
        f"{name} {version(name)}"
        for name in ("imbalanced-learn", "scikit-learn", "numpy", "scikit-image", "Pillow")
    )
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{versions}\n{', '.join(f'{k}={v}' for k, v in THREADS.items())}")
    for name in args.tables or tables:
        print()
        tables[name](args.rounds)


if __name__ == "__main__":
    main()
