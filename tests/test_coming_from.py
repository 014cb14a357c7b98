"""The page "Coming from ...": each call of ours on it runs, where the other library is there."""

import re
import warnings
from collections import Counter
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from folder_tools import write_photos
from test_cluster_page import packages
from test_readme import blocks

import imblearn_images
from imblearn_images import datasets, decision, epochs, folders, model_selection, synthesis

PAGE = Path(__file__).parents[1] / "notebooks" / "coming_from.md"
OPTIONAL = list(blocks(PAGE, "python3"))
FROM_ELSEWHERE = {
    "ImageFolder": ("torchvision.datasets", "torchvision"),
    "BalancedSampler": ("imblearn_images.torch", "torch"),
    "image_dataset_from_directory": ("keras.utils", "tensorflow"),
}
"""What our side of a table calls that not everyone has: its module, and the package to install."""


def ours():
    """Calls in the second column of the tables, which have a heading "theirs" and "ours"."""
    text = PAGE.read_text(encoding="utf-8")
    for table in re.findall(r"^\| theirs \| ours \|\n\|.*\n((?:\|.*\n)+)", text, re.MULTILINE):
        for row in table.splitlines():
            cell = row.strip("| ").split(" | ")[1]
            for call in re.findall(r"`([^`<>]*?)(?: <[^`]*>)?`", cell):
                if "(" in call:
                    yield pytest.param(call, id=call.partition("(")[0] + f"-{len(call)}")


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Class folders "photos" in an empty working folder."""
    write_photos(tmp_path / "photos", {"cat": 8, "dog": 4}, shape=(32, 32, 3))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_ALBUMENTATIONS_UPDATE", "1")  # it asks the network for a newer one
    return tmp_path


def run(line, code, names):
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # those of others
        for package in packages(code):
            pytest.importorskip(package, reason=f"this recipe needs {package}")
        exec(compile("\n" * (line - 1) + code, str(PAGE), "exec"), names)
    return names


@pytest.mark.parametrize(
    ("line", "code"), OPTIONAL, ids=lambda value: value if isinstance(value, int) else ""
)
def test_a_recipe_for_another_library_runs(line, code, photos):
    names = {"__name__": "__main__"}
    for at, before in blocks(PAGE, "python"):
        if at < line:
            exec(compile("\n" * (at - 1) + before, str(PAGE), "exec"), names)
    names = run(line, code, names)
    if "dls" in names:
        seen = Counter(names["dls"].train_ds.items["label"])
        assert len(set(seen.values())) == 1 and len(seen) == 2
        batch, targets = names["dls"].valid.one_batch()  # to train, a batch has 64
        assert len(batch) == len(targets) > 0
    if "over" in names:
        assert names["X_res"].dtype == names["X"].dtype
        assert len(set(Counter(names["y_res"]).values())) == 1


@pytest.mark.parametrize("call", ours())
def test_a_call_of_ours_in_a_table_runs(call, photos):
    names = {"labels": np.repeat([0, 1], [600, 400])}
    for module in (
        imblearn_images,
        datasets,
        decision,
        epochs,
        folders,
        model_selection,
        synthesis,
    ):
        names |= {name: getattr(module, name) for name in module.__all__}
    for name, (module, package) in FROM_ELSEWHERE.items():
        if name in call:
            try:
                import_module(package)
                names[name] = getattr(import_module(module), name)
            except (ImportError, RuntimeError) as error:  # torchvision beside another torch
                pytest.skip(f"{name} needs {package}: {error}")
    if "train" in call:
        folders.balance_folder("photos", "balanced")
        Path("train").symlink_to("balanced/train")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        made = eval(call, names)
    if "fit_resample" in dir(made):  # a sampler: it is asked to sample, too
        made.fit_resample(np.zeros((12, 32, 32), np.uint8), np.repeat(["cat", "dog"], [8, 4]))


def test_what_is_ours_is_tried():
    assert len(OPTIONAL) >= 2 and len(list(ours())) >= 6
