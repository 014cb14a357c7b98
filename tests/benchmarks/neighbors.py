"""Recall and time of neighbours objects on an embedding: `python tests/benchmarks/neighbors.py n`.

All n rows (20,000 by default) of 256 numbers ask for their 5 nearest others. The rows are grey
patches of 16 x 16 pixels, cut at random out of photos of groceries, of scikit-image's own where
there are none; `--made-up` takes random rows instead, in 50 clusters of 16 intrinsic dimensions.
Recall is the share of the exact neighbours that is found, of 2,000 rows. CPU seconds, building
included; those of exact searches are those of 2,000 rows, times n / 2,000. faiss, pynndescent and
hnswlib are measured where they are installed.
"""

import argparse
import os

for name in ("OPENBLAS", "OMP", "MKL", "NUMBA"):
    os.environ[f"{name}_NUM_THREADS"] = "1"

import re
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from sklearn.neighbors import NearestNeighbors

from imblearn_images.neighbors import ImageNeighbors

K = 5
SHARED = Path(__file__).parents[3] / "shared" / "data"
GUIDE = Path(__file__).parents[2] / "notebooks" / "beyond_exact_search.md"


def patches(n, seed=0):
    """Real features: pixels of patches of photos, each shrunk to half its side."""
    from PIL import Image
    from skimage import data

    rng = np.random.default_rng(seed)
    files = sorted((SHARED / "grocery_store").glob("*/*/*.jpg"))
    names = ("astronaut", "chelsea", "coffee", "rocket")
    photos = (
        map(Image.open, files) if files else (Image.fromarray(getattr(data, k)()) for k in names)
    )
    grey = [np.asarray(photo.convert("L").reduce(2)) for photo in photos]
    X = np.empty((n, 16, 16), np.float32)
    for k, patch in enumerate(X):
        photo = grey[k % len(grey)]
        top, left = (rng.integers(side - 15) for side in photo.shape)
        patch[...] = photo[top : top + 16, left : left + 16]
    source = f"{len(files)} photos of groceries" if files else "scikit-image's photos"
    return X.reshape(n, -1), f"patches of {source}"


def made_up(n, seed=0):
    rng = np.random.default_rng(seed)
    basis = rng.normal(size=(50, 16, 256))
    centres = 4 * rng.normal(size=(50, 256))
    cluster = rng.integers(0, 50, n)
    X = np.empty((n, 256), np.float32)
    for at in range(50):
        rows = cluster == at
        X[rows] = centres[at] + rng.normal(size=(rows.sum(), 16)) @ basis[at]
    return X + rng.normal(scale=0.05, size=X.shape).astype(np.float32), "rows that are made up"


def of_the_guide():
    """Run the class of the guide page."""
    scope = {}
    exec(re.search(r"```python3\n(.*?)```", GUIDE.read_text(), re.DOTALL)[1], scope)
    return scope["FaissNeighbors"](K + 1)


class Descent(NearestNeighbors):
    def fit(self, X, y=None):
        from pynndescent import NNDescent

        self.index_ = NNDescent(X, n_neighbors=15, random_state=0, n_jobs=1)
        return self

    def kneighbors(self, X=None, n_neighbors=None, return_distance=True):
        found = self.index_.neighbor_graph if X is None else self.index_.query(X, K + 1)
        return found[1][:, : K + 1], found[0][:, : K + 1]


class Hnsw(NearestNeighbors):
    def fit(self, X, y=None):
        import hnswlib

        self.index_, self.fitted_ = hnswlib.Index("l2", X.shape[1]), X
        self.index_.init_index(len(X), M=16, ef_construction=80, random_seed=0)
        self.index_.add_items(X, num_threads=1)
        self.index_.set_ef(64)
        return self

    def kneighbors(self, X=None, n_neighbors=None, return_distance=True):
        X = self.fitted_ if X is None else X
        found, squared = self.index_.knn_query(X, K + 1, num_threads=1)
        return np.sqrt(squared), found.astype(np.intp)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("n", nargs="?", type=float, default=20_000, help="rows")
    parser.add_argument("--made-up", action="store_true", help="random rows, no patches")
    args = parser.parse_args()
    n = int(args.n)
    X, what = made_up(n) if args.made_up else patches(n)
    asked = np.random.default_rng(1).choice(n, min(n, 2000), replace=False)
    print(f"{n} x 256, {what}, {K} neighbours of every row: CPU seconds, recall")
    exact = None
    for title, package, make in (
        ("ImageNeighbors, exact", "imblearn-images", lambda: ImageNeighbors(K + 1)),
        ("NearestNeighbors, exact", "scikit-learn", lambda: NearestNeighbors(n_neighbors=K + 1)),
        ("IVF of the guide", "faiss-cpu", of_the_guide),
        ("NNDescent", "pynndescent", lambda: Descent(n_neighbors=K + 1)),
        ("HNSW", "hnswlib", lambda: Hnsw(n_neighbors=K + 1)),
    ):
        try:
            which = f"{title} ({package} {version(package)})"
        except PackageNotFoundError:
            if package != "imblearn-images":
                print(f"{title}: {package} is not installed", flush=True)
                continue
            which = title
        start = time.process_time()
        if is_exact := title.endswith("exact"):
            found = make().fit(X).kneighbors(X[asked])[1]
        else:
            found = make().fit(X).kneighbors(X)[1][asked]
        seconds = (time.process_time() - start) * (n / len(asked) if is_exact else 1)
        exact = found if exact is None else exact
        near = [
            len(set(mine) & (set(true) - {row})) / len(set(true) - {row})
            for row, mine, true in zip(asked, found, exact, strict=True)
        ]
        print(f"{which:50} {seconds:8.1f} {np.mean(near):8.4f}", flush=True)


if __name__ == "__main__":
    main()
