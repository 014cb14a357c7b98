"""Troubleshooting: every message that the page quotes is one that somebody can get today."""

import re
from pathlib import Path

import numpy as np
import pytest
from imblearn.pipeline import make_pipeline
from sklearn.linear_model import LogisticRegression

from imblearn_images import (
    SMOTE,
    EditedNearestNeighbours,
    InstanceHardnessThreshold,
    RandomOverSampler,
    datasets,
    folders,
    synthesis,
)
from imblearn_images.core import embedding, memory

PAGE = Path(__file__).parents[1] / "notebooks" / "troubleshooting.md"
HEADINGS = re.findall(r'^## "(.*)"$', PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def images(n=30, shape=(32, 32), seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


def labels(*counts):
    return np.repeat(["brick", "grass", "gravel"][: len(counts)], counts)


def files(folder, *counts):
    """Class folders below `folder`, and their paths."""
    from PIL import Image

    paths = []
    for label, image in zip(labels(*counts), images(sum(counts), (8, 8)), strict=True):
        (folder / label).mkdir(parents=True, exist_ok=True)
        paths.append(str(folder / label / f"{len(paths)}.png"))
        Image.fromarray(image).save(paths[-1])
    return paths


def few_of_a_class(folder, patch):
    SMOTE().fit_resample(images(), labels(20, 7, 3))


def paths_without_a_place(folder, patch):
    SMOTE().fit_resample(files(folder, 9, 7), labels(9, 7))


def two_shapes(folder, patch):
    SMOTE().fit_resample([*images(10, (9, 9)), *images(6, (9, 8))], labels(10, 6))


def one_class(folder, patch):
    RandomOverSampler().fit_resample(images(), labels(30))


def two_lengths(folder, patch):
    RandomOverSampler().fit_resample(images(), labels(20, 7))


def too_large(folder, patch):
    check = memory.check_fits
    patch.setattr(memory, "available_memory", lambda: 22_110_000_000)
    patch.setattr(embedding, "check_fits", lambda n, *words: check(n * 10**6, *words))
    InstanceHardnessThreshold().fit_resample(images(), labels(20, 10))


def nothing_left(folder, patch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 4, 4)) + 30 * (np.arange(80) >= 40).reshape(-1, 1, 1)
    y = labels(5, 35, 40)  # bricks among grass
    EditedNearestNeighbours(sampling_strategy="all", kind_sel="all").fit_resample(X, y)


def rows_of_pixels(folder, patch):
    X = images().reshape(30, -1)
    RandomOverSampler(synthesis=synthesis.Morph()).fit_resample(X, labels(20, 10))


def channels_first(folder, patch):
    augmented = RandomOverSampler(synthesis=synthesis.Augment())
    augmented.fit_resample(images(30, (3, 32, 32)), labels(20, 10))


def images_for_a_classifier(folder, patch):
    make_pipeline(SMOTE(), LogisticRegression()).fit(images(), labels(20, 10))


def pairs(folder, patch):
    RandomOverSampler().fit_resample(list(zip(images(), labels(20, 10), strict=True)), None)


def one_folder_too_deep(folder, patch):
    files(folder / "photos", 4, 3)
    patch.chdir(folder)
    datasets.load_image_folder("photos/brick")


def not_empty(folder, patch):
    files(folder / "photos", 9, 6)
    patch.chdir(folder)
    for _ in range(2):
        folders.balance_folder("photos", "balanced")


CAUSES = [
    *(few_of_a_class, paths_without_a_place, two_shapes, one_class, two_lengths, too_large),
    *(
        nothing_left,
        rows_of_pixels,
        channels_first,
        images_for_a_classifier,
        pairs,
        one_folder_too_deep,
        not_empty,
    ),
]


@pytest.mark.parametrize(("heading", "cause"), list(zip(HEADINGS, CAUSES, strict=True)))
def test_this_message_is_what_people_get(heading, cause, tmp_path, monkeypatch):
    pattern = re.sub(r"\d+", r"\\d+", re.escape(heading))  # whatever their numbers are
    with pytest.raises(Exception, match=pattern):
        cause(tmp_path, monkeypatch)
