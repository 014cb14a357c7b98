"""What the tests on folders share: class folders of photos, and what a tree holds."""

import hashlib
import io
import os
from pathlib import Path

import numpy as np
from PIL import Image

from imblearn_images.folders._manifest import Manifest
from imblearn_images.folders._names import label_rows


def encoded(image, file_format="PNG", **options):
    """Bytes of an image file."""
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(image)).save(buffer, file_format, **options)
    return buffer.getvalue()


def write_photos(folder, counts, *, shape=(12, 10, 3), stem="photo_", suffix=".png", first=0):
    """Class folders of random images, all different."""
    rng = np.random.default_rng([first, sum(counts.values())])
    kind = {".png": "PNG", ".jpg": "JPEG"}[suffix]
    for label, n in counts.items():
        (Path(folder) / label).mkdir(parents=True, exist_ok=True)
        for row in range(first, first + n):
            image = rng.integers(0, 256, shape, dtype=np.uint8)
            (Path(folder) / label / f"{stem}{row:03}{suffix}").write_bytes(encoded(image, kind))
    return Path(folder)


def contents(folder):
    """Name -> bytes of every file; a link counts as what it leads to."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


def snapshot(folder):
    """Everything about a tree that must not change: names, kinds, times, bytes."""
    facts = {}
    for path in sorted(Path(folder).rglob("*")):
        status = os.lstat(path)
        digest = ""
        if path.is_file() and os.access(path, os.R_OK):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        facts[str(path)] = (status.st_mode, status.st_mtime_ns, status.st_size, digest)
    return facts


def read_manifest(folder):
    """All rows of the manifest in a folder."""
    return list(Manifest(Path(folder)))


def read_labels(content):
    """All rows of a labels.csv with these bytes: name, label, is_valid."""
    return list(label_rows(io.BytesIO(content)))
