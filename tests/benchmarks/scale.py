"""What plans, blocks and stores of many images cost.

    python tests/benchmarks/scale.py plans 1e7      # rows that are planned, saved and loaded
    python tests/benchmarks/scale.py smote 1e6      # images whose features SMOTE compares
    python tests/benchmarks/scale.py store 10       # GB of a zarr array, resampled into another
    python tests/benchmarks/scale.py memmap 2e5     # images of a file, searched within 4 GiB
    python tests/benchmarks/scale.py blocks         # the same files from every engine of joblib
    python tests/benchmarks/scale.py folder 20000   # files that are balanced by hard links
    python tests/benchmarks/scale.py manifest 1e5   # rows of a manifest, as lines and as Parquet
    python tests/benchmarks/scale.py disk 300       # files that are flushed to disk, and not

CPU seconds are this process's own, peaks what it needs above what it had before, and all it has.
Of `blocks` those of its workers count, too: on a machine that is busy with other things they tell
more than seconds. What the engine costs is what the same blocks cost with nothing to be done.
"""

import argparse
import contextlib
import csv
import hashlib
import os
import re
import resource
import struct
import tempfile
import time
import zlib
from dataclasses import astuple
from pathlib import Path

import joblib
import numpy as np
from skimage import data

from imblearn_images import (
    SMOTE,
    BorderlineSMOTE,
    RandomOverSampler,
    RandomUnderSampler,
    ResamplingPlan,
    TomekLinks,
    plan_blocks,
    render,
)
from imblearn_images.core.disk import flush_file
from imblearn_images.core.files import write_image
from imblearn_images.core.parallel import in_workers
from imblearn_images.core.writing import render_files
from imblearn_images.folders import balance_folder, verify_folder
from imblearn_images.folders._manifest import MANIFESTS, Manifest, Row, write_manifest
from imblearn_images.images import Images, StoreImages
from imblearn_images.synthesis import Augment

SHARE = 0.05
"""Of the smaller of two classes."""


class Ramps(Images):
    """Images that take no memory."""

    dtype = np.dtype("uint8")
    draws_later = True
    uniform = (8, 8)

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def shape_of(self, row):
        return self.uniform

    def read(self, rows, out):
        out[...] = (rows % 256)[:, None, None]


@contextlib.contextmanager
def measured(what):
    """Print CPU seconds, wall seconds and peak memory of a block."""
    status = Path("/proc/self/status")
    before = int(re.search(r"VmRSS:\s+(\d+)", status.read_text())[1])
    Path("/proc/self/clear_refs").write_text("5")
    cpu, wall = time.process_time(), time.perf_counter()
    yield
    peak = int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])
    print(
        f"{what:44} {time.process_time() - cpu:7.1f} CPU s {time.perf_counter() - wall:7.1f} s "
        f"{(peak - before) * 1024 / 1e9:8.3f} GB, {peak * 1024 / 1e9:.2f} GB in all"
    )


def labels(n):
    return (np.random.default_rng(0).random(n) < SHARE).astype(int)


def plans(n):
    """Plan, save and load."""
    n = int(n)
    y, images = labels(n), Ramps(n)
    for sampler in (RandomUnderSampler(random_state=0), RandomOverSampler(random_state=0)):
        with measured(f"{type(sampler).__name__}, {n} images"):
            sampler.fit_resample(images, y)
        rows = len(sampler.plan_)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "plan.npz")
            with measured(f"saved, {rows} rows"):
                sampler.plan_.save(path)
            with measured(f"loaded, {path.stat().st_size / rows:.1f} bytes a row"):
                ResamplingPlan.load(path)


def smote(n):
    """Plan with SMOTE on 256 features of each image: neighbours in the smaller class, exact."""
    n = int(n)
    features = np.random.default_rng(0).standard_normal((n, 256), dtype=np.float32)
    y, sampler = labels(n), SMOTE(random_state=0)
    with measured(f"SMOTE, {n} images, {int(y.sum())} of them rare"):
        sampler.fit_resample(Ramps(n), y, embeddings=features)
    print(f"{len(sampler.plan_)} rows")


def store(gigabytes):
    """Resample a zarr array that takes no room on disk into another."""
    import zarr

    n = int(gigabytes * 1e9 / (64 * 64 * 3))
    options = {"chunks": (256, 64, 64, 3), "dtype": np.uint8, "mode": "w"}
    with tempfile.TemporaryDirectory() as folder:
        source = zarr.open(f"{folder}/source.zarr", shape=(n, 64, 64, 3), fill_value=7, **options)
        sampler = RandomOverSampler(
            sampling_strategy={1: int(2 * n * SHARE)}, random_state=0, synthesis=Augment()
        )
        with measured(f"decided, {gigabytes} GB, {n} images"):
            sampler.fit_resample(StoreImages(source), labels(n))
        rows = len(sampler.plan_)
        target = zarr.open(f"{folder}/out.zarr", shape=(rows, 64, 64, 3), fill_value=0, **options)
        drawn = int(sampler.plan_.synthetic.sum())
        with measured(f"written, {rows} rows, {drawn} of them drawn"):
            render(sampler.plan_, source, out=target)


def memmap(n):
    """Search a memmap of 32 x 32 x 3 pixels that this process may map 4 GiB of, data and all."""
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    n, rng = int(n), np.random.default_rng(0)
    photos = [getattr(data, name)() for name in ("astronaut", "chelsea", "coffee", "rocket")]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "X.npy")
        X = np.lib.format.open_memmap(path, mode="w+", dtype="uint8", shape=(n, 32, 32, 3))
        for row, image in enumerate(X):
            photo = photos[row % len(photos)]
            top, left = (rng.integers(side - 31) for side in photo.shape[:2])
            image[...] = photo[top : top + 32, left : left + 32]
        X.flush()
        del X
        X, y = np.load(path, mmap_mode="r"), labels(n)
        for sampler in (
            BorderlineSMOTE(sampling_strategy={1: int(1.2 * y.sum())}, random_state=0),
            TomekLinks(),
        ):
            with measured(f"{type(sampler).__name__}, {n} images of a memmap"):
                found = sampler.fit_resample(X, y)[0]
            print(f"{len(found)} rows, {found.nbytes / 1e9:.2f} GB of result", flush=True)
            del found


def workers():
    """CPU seconds of every process below this one."""
    tick, found = os.sysconf("SC_CLK_TCK"), {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            facts = stat.read_text().rpartition(")")[2].split()
            found[int(stat.parent.name)] = int(facts[1]), (int(facts[11]) + int(facts[12])) / tick
    ours, grown = {os.getpid()}, True
    while grown:
        more = {pid for pid, (parent, _) in found.items() if parent in ours} - ours
        ours, grown = ours | more, more
    return {pid: found[pid][1] for pid in ours - {os.getpid()} if pid in found}


def spent(function):
    """CPU seconds of this process, and of those of its workers that had most to do; seconds."""
    before, cpu, wall = workers(), time.process_time(), time.perf_counter()
    function()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    each = sorted((after - before.get(pid, 0) for pid, after in workers().items()), reverse=True)
    return cpu, [*each, 0, 0][:2], sum(each), wall


def nothing(_):
    """What a worker does where only the engine is measured."""


@contextlib.contextmanager
def dask_workers():
    from dask.distributed import Client, LocalCluster

    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, Client(cluster):
        yield {"backend": "dask"}


@contextlib.contextmanager
def ray_workers():
    import ray
    from ray.util.joblib import register_ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    register_ray()
    yield {"backend": "ray", "n_jobs": 2}
    ray.shutdown()


ENGINES = {
    "serial": lambda: contextlib.nullcontext({"backend": "threading", "n_jobs": 1}),
    "threading": lambda: contextlib.nullcontext({"backend": "threading", "n_jobs": 2}),
    "loky": lambda: contextlib.nullcontext({"backend": "loky", "n_jobs": 2}),
    "dask": dask_workers,
    "ray": ray_workers,
}


def blocks(_):
    """Draw the same files with every engine of joblib that is installed."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (400, 96, 96, 3), dtype=np.uint8)
    sampler = RandomOverSampler(sampling_strategy={1: 2600}, random_state=0, synthesis=Augment())
    sampler.fit_resample(X, np.repeat([0, 1], [360, 40]))
    new = sampler.plan_[sampler.plan_.synthetic]
    with tempfile.TemporaryDirectory() as folder:
        paths = [f"{folder}/{row}.png" for row in range(len(X))]
        for path, image in zip(paths, X, strict=True):
            write_image(path, image)
        print(f"{len(new)} rows: CPU seconds here, of the two busiest workers, of all; seconds; of")
        print("nothing done with the same blocks; files")
        for name, engine in ENGINES.items():
            with contextlib.suppress(ImportError), engine() as options:
                for rows in (8, 64, 512):
                    out = Path(folder, f"{name}{rows}")
                    cut = list(plan_blocks(new, paths, rows=rows))
                    with joblib.parallel_config(**options):
                        render_files(new[:2], paths, f"{out}-warm", rows=1)  # workers start
                        own, busiest, others, wall = spent(
                            lambda: render_files(new, paths, out, rows=rows)
                        )
                        idle = spent(lambda: in_workers(nothing, cut, what=repr))
                    print(
                        f"{name:9} {rows:3}: {own:6.2f} {busiest[0]:6.2f} {busiest[1]:6.2f} "
                        f"{own + others:6.2f}; {wall:5.1f} s; {idle[0] + idle[2]:5.2f}; "
                        f"{hash_of(out)}",
                        flush=True,
                    )


def hash_of(folder):
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def tiny(row):
    """A PNG of 2 x 2 pixels that no other row has, in a third of the time that Pillow takes."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0%c%c\0%c%c" % (row >> 16, row >> 8 & 255, row & 255, 7), 1)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )


def folder(n):
    """Balance class folders of tiny files by hard links; TMPDIR says where they are."""
    n = int(n)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "photos")
        for name in ("common", "rare"):
            (root / name).mkdir(parents=True)
        for row, label in enumerate(labels(n)):
            (root / ("rare" if label else "common") / f"{row:07}.png").write_bytes(tiny(row))
        with measured(f"balance_folder, {n} files, hard links"):
            report = balance_folder(
                root, Path(folder, "out"), sampler=RandomUnderSampler(), random_state=0, link="hard"
            )
        with measured(f"verify_folder, {report.n_files} files"):
            print(verify_folder(Path(folder, "out"), source=root))


def manifest(n):
    """Write and read rows of a manifest, as lines of JSON, as Parquet; as CSV for comparison."""
    names = [f"{row:07}" for row in range(int(n))]
    rows = []
    for row, name in enumerate(names):
        digest, label = hashlib.sha256(name.encode()).hexdigest(), ("common", "rare")[row % 20 == 0]
        own = hashlib.sha256(digest.encode()).hexdigest()[:16]
        path, parent = f"train/{label}/{name}-{own}.png", f"{label}/{name}.png"
        made = (parent,), None, None, None
        if row % 2:  # half of them drawn
            made = (parent, f"{label}/{names[row // 2]}.png"), "SMOTE, blend", row / int(n), 0
        kind = "synthetic" if row % 2 else "original"
        rows.append(Row(path, label, "train", kind, *made, digest))
    with tempfile.TemporaryDirectory() as folder:
        for kind, name in MANIFESTS.items():
            file = Path(folder, kind, name)
            file.parent.mkdir()
            with measured(f"{name} written"), open(file, "wb") as written:
                write_manifest(written, rows, kind)
            with measured(f"{name} read, {file.stat().st_size / len(rows):.0f} bytes a row"):
                assert sum(row is not None for row in Manifest(file.parent)) == len(rows)
        file = Path(folder, "manifest.csv")
        with measured("manifest.csv written"), open(file, "w", newline="") as written:
            csv.writer(written).writerows(astuple(row) for row in rows)
        print(f"manifest.csv, {file.stat().st_size / len(rows):.0f} bytes a row")


def disk(n):
    """Write images of 20 kB with and without waiting for the disk each time; TMPDIR says where."""
    n, image = int(n), np.random.default_rng(0).integers(0, 256, (80, 80, 3), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(3):
            for how in ("each is flushed", "flushed at the end", "not flushed"):
                paths = [f"{folder}/{turn} {how} {row}.png" for row in range(n)]
                cpu, wall = time.process_time(), time.perf_counter()
                for path in paths:
                    write_image(path, image, flush=how == "each is flushed")
                for path in paths if how == "flushed at the end" else ():
                    flush_file(path)
                cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
                print(f"{how:18} {1000 * wall / n:6.2f} ms a file, {1000 * cpu / n:.2f} of CPU")


if __name__ == "__main__":
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "part",
        choices=["plans", "smote", "store", "memmap", "blocks", "folder", "manifest", "disk"],
    )
    parser.add_argument("size", type=float, nargs="?", default=0)
    given = parser.parse_args()
    globals()[given.part](given.size)
