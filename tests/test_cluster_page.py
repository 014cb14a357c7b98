"""The page "From a laptop to a cluster": every recipe runs, where its packages are installed.

What a recipe leaves behind, a home of pixels or files, is held to the law "stores agree".
"""

import ast
import hashlib
import json
import os
import pickle
import sys
import tarfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from conftest import read_images
from test_readme import blocks

from imblearn_images import SMOTE, RandomOverSampler, datasets, render
from imblearn_images.folders import balance_folder, export_images
from imblearn_images.images import DrawnImages
from imblearn_images.synthesis import Augment

PAGE = Path(__file__).parents[1] / "notebooks" / "from_laptop_to_cluster.md"
FIRST = next(code for _, code in blocks(PAGE, "python"))


def packages(code):
    """What a recipe imports that is not of Python."""
    for node in ast.walk(ast.parse(code)):
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        yield from (name for name in names if name.split(".")[0] not in sys.stdlib_module_names)


def recipes(*words):
    """Recipes with one of these words in them."""
    for line, code in blocks(PAGE, "python3"):
        if any(word in code for word in words):
            yield pytest.param(line, code, id="-".join(dict.fromkeys(packages(code))))


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """The names that the first block of the page defines."""
    X, y = datasets.load_texture_patches(return_X_y=True)
    names = {"__name__": "__main__"}
    with pytest.MonkeyPatch.context() as patch:  # fewer: every file costs a write to disk
        patch.setattr(datasets, "load_texture_patches", lambda **_: (X[::3], y[::3]))
        patch.chdir(tmp_path_factory.mktemp("start"))
        exec(FIRST, names)
    return names


@pytest.fixture
def run(start, tmp_path, monkeypatch):
    """Run a recipe in an empty working folder; return the names that it leaves."""

    def run(line, code):
        names = start | {}
        with warnings.catch_warnings():
            warnings.simplefilter("default")  # those of others
            for name in packages(code):
                pytest.importorskip(name)  # dask is there without dask.distributed, too
            if "tifffile" in code:  # whose stores are those of zarr 3.1
                pytest.importorskip("zarr", "3.1")
            exec(compile("\n" * (line - 1) + code, str(PAGE), "exec"), names)
        return names

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    return run


def test_every_recipe_is_tried():
    words = ("drawn = ", "home = ", "lazy = ", "manifest.jsonl")
    tried = [each.values[0] for word in words for each in recipes(word)]
    assert sorted(tried) == [line for line, _ in blocks(PAGE, "python3")] and len(tried) > 10


@pytest.mark.parametrize(("line", "code"), recipes("drawn = "))
def test_an_engine_draws_the_same_files(line, code, run):
    names = run(line, code)
    expected = render(names["new"], names["images"])
    np.testing.assert_array_equal(read_images(names["drawn"]), expected)
    assert sorted(os.listdir("new")) == sorted(map(os.path.basename, names["drawn"]))


@pytest.mark.parametrize(("line", "code"), recipes("home = "))
def test_a_home_gives_what_its_array_gives(line, code, run):
    names = run(line, code)
    home, X, y = names["home"], names["images"], names["labels"]
    out = np.empty((3, *X.shape[1:]), X.dtype)
    home.read(np.array([5, 0, 5]), out)
    np.testing.assert_array_equal(out, X[[5, 0, 5]])
    if "tifffile" not in code:  # an open file
        home = pickle.loads(pickle.dumps(home))
    for sampler in (SMOTE(random_state=0), RandomOverSampler(synthesis=Augment(), random_state=0)):
        expected, _ = sampler.fit_resample(X, y)
        plan = sampler.plan_
        np.testing.assert_array_equal(np.asarray(DrawnImages(plan, home)), expected)
        if home.paths is None:  # of files a sampler makes files
            drawn, _ = sampler.fit_resample(home, y)
            np.testing.assert_array_equal(np.asarray(drawn), expected)
            np.testing.assert_array_equal(sampler.plan_.partners, plan.partners)
    if "tifffile" in code:
        home.array.store.close()
    if "cache" in code:
        n_bytes = sum(each.stat().st_size for each in Path("cache").iterdir())
        assert 40_000 < n_bytes <= 50_000


@pytest.mark.parametrize(("line", "code"), recipes("lazy = "))
def test_rows_of_hugging_face_are_drawn_when_they_are_read(line, code, run):
    names = run(line, code)
    lazy, plan = names["lazy"], names["plan"]
    expected = render(plan, names["images"])
    some = [0, len(plan) - 1, 7]
    np.testing.assert_array_equal(np.stack(lazy[some]["image"]), expected[some])
    assert lazy[some]["label"] == plan.y[some].tolist() and len(lazy) == len(plan)


@pytest.mark.parametrize(("line", "code"), recipes("manifest.jsonl"))
def test_shards_hold_what_the_folder_holds(line, code, run, start):
    export_images(start["images"], start["labels"], "photos")
    balance_folder("photos", "balanced", sampler=RandomOverSampler(synthesis=Augment()))
    rows = map(json.loads, Path("balanced/manifest.jsonl").read_text().splitlines())
    expected = [(row["label"], row["sha256"]) for row in rows if row["split"] == "train"]
    names = run(line, code)
    found = []
    if "table" in names:
        import pyarrow.parquet

        table = pyarrow.parquet.read_table("train.parquet").to_pylist()
        called = names["table"].features["label"].names
        for row in table:
            assert hashlib.sha256(row["image"]["bytes"]).hexdigest() == row["sha256"]
            found.append((called[row["label"]], row["sha256"]))
    else:
        with tarfile.open("shards/00000.tar") as shard:
            files = {member.name: shard.extractfile(member).read() for member in shard}
        for key in sorted({name.partition(".")[0] for name in files}):
            digest = hashlib.sha256(files[f"{key}.png"]).hexdigest()
            assert json.loads(files[f"{key}.json"])["sha256"] == digest
            found.append((files[f"{key}.cls"].decode(), digest))
    assert found == expected and len(found) > 90
