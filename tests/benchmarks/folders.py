"""Time and memory of folders: `python tests/benchmarks/folders.py [links smote memory ...]`.

links: 3,000 JPEG photos, split and balanced by hard links. smote: the same photos, balanced by
drawn images, beside the bare decoding of their parents and encoding of the children. memory:
peak of a fresh process above its imports, for 5,000 to 40,000 small files.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image
from speed import crops

from imblearn_images import SMOTE, RandomOverSampler
from imblearn_images.core.files import read_image, write_png
from imblearn_images.folders import balance_folder
from imblearn_images.folders._manifest import Manifest
from imblearn_images.strategies import at_least

TAIL = [1000, 620, 420, 300, 220, 160, 110, 80, 50, 40]  # 3,000 in ten classes


def write(folder: Path, counts: list[int], side: int, suffix: str) -> Path:
    """Class folders of crops of real photos, no two equal."""
    for label, n in enumerate(counts):
        (folder / f"class{label}").mkdir(parents=True)
        for row, image in enumerate(crops(n, side, seed=label)):
            Image.fromarray(image).save(folder / f"class{label}" / f"{row:05}{suffix}")
    return folder


def seconds(function, *args, **kwargs) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    function(*args, **kwargs)
    return time.perf_counter() - start


def links(work: Path) -> None:
    """Hard links."""
    photos = write(work / "photos", TAIL, 256, ".jpg")
    print("\n3,000 JPEG photos of 256 x 256, RandomOverSampler: seconds")
    for link in ("hard", "copy"):
        for n_jobs in (1, 2):
            out = work / f"{link}{n_jobs}"
            spent = seconds(
                balance_folder, photos, out, sampler=RandomOverSampler(), link=link, n_jobs=n_jobs
            )
            n = sum(1 for _ in Manifest(out))
            print(f"  link={link:<5} n_jobs={n_jobs}: {spent:6.2f}   ({n} rows)")


def smote(work: Path) -> None:
    """Drawn images, beside decoding and encoding alone."""
    photos = write(work / "photos", TAIL, 256, ".jpg")
    print("\n3,000 JPEG photos of 256 x 256, SMOTE, every class at least 300: seconds")
    sampler = SMOTE(sampling_strategy=at_least(300))
    for n_jobs in (1, 2):
        out = work / f"smote{n_jobs}"
        spent = seconds(balance_folder, photos, out, sampler=sampler, link="hard", n_jobs=n_jobs)
        kinds = Counter(row.kind for row in Manifest(out))
        print(f"  balance_folder n_jobs={n_jobs}: {spent:6.2f}   ({kinds['synthetic']} drawn)")
    bare = seconds(decode_and_encode, photos, work / "smote1", work / "bare")
    print(f"  decode all files, two parents a child, encode the child: {bare:6.2f}   (one thread)")


def decode_and_encode(photos: Path, out: Path, bare: Path) -> None:
    """What no method can do without: every file decoded, every child's parents and PNG."""
    bare.mkdir()
    for path in photos.rglob("*.jpg"):
        read_image(path)
    for number, row in enumerate(Manifest(out)):
        if row.kind == "synthetic":
            base, partner = (read_image(photos / parent) for parent in row.parents)
            mixed = base + row.step * (partner.astype(np.float32) - base)
            write_png(bare / f"{number}.png", np.rint(mixed).astype(np.uint8))


PROBE = """
import re, sys, time
from threading import Thread
from imblearn_images import SMOTE, RandomOverSampler
from imblearn_images.folders import balance_folder
import imblearn_images.folders._report, PIL.PngImagePlugin, scipy.sparse.csgraph
photos, out, name, link = sys.argv[1:]
sampler = {"over": RandomOverSampler(), "smote": SMOTE()}[name]
def size(what):  # not ru_maxrss, which a process inherits from its parent
    return int(re.search(what + r":\\s+(\\d+)", open("/proc/self/status").read())[1])

def watch():
    while True:
        private.append(max(private.pop(), size("RssAnon")))
        time.sleep(0.002)

private = [size("RssAnon")]
before = private[0], size("VmHWM")
Thread(target=watch, daemon=True).start()
balance_folder(photos, out, sampler=sampler, link=link, n_jobs=2)
print(private[0] - before[0], size("VmHWM") - before[1])
"""


def memory(work: Path) -> None:
    """Peak above the imports, and what each further photo adds to it.

    Private memory is what the process has for itself. All memory counts the pages of mapped
    files, too: those of the decoded images that SMOTE compares, which the system drops when it
    needs the room. SMOTE has fixed buffers, which 5,000 photos do not fill.
    """
    print("\nPNG of 32 x 32 in two classes 4:1: peak above the imports")
    sizes = (5000, 20000, 40000)
    for n in sizes:
        write(work / f"photos{n}", [n * 4 // 5, n // 5], 32, ".png")
    for name, link in (("over", "hard"), ("over", "copy"), ("smote", "hard")):
        before = None
        for n in sizes:
            done = subprocess.run(
                [sys.executable, "-c", PROBE, work / f"photos{n}", work / "out", name, link],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            shutil.rmtree(work / "out")
            private, everything = (int(kb) * 1024 for kb in done.stdout.split())
            each = (
                f", {(private - before[1]) / (n - before[0]):4.0f} bytes a photo" if before else ""
            )
            print(
                f"  {name:<5} link={link}, {n:6} files: private {private / 1e6:5.1f} MB"
                f" (all {everything / 1e6:5.1f}){each}"
            )
            before = n, private


def main() -> None:
    """Print the tables asked for."""
    tables = {"links": links, "smote": smote, "memory": memory}
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tables", nargs="*", help=", ".join(tables))
    print(platform.python_version(), platform.machine(), f"Pillow {version('pillow')}")
    for name in parser.parse_args().tables or tables:
        with tempfile.TemporaryDirectory() as work:
            tables[name](Path(work))


if __name__ == "__main__":
    main()
