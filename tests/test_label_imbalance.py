"""Measures of imbalance of several labels, against published and hand-computed values."""

import csv
import gzip
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from imblearn_images.model_selection import label_imbalance

PUBLISHED = {
    # images of each label in the sets of mulan; MeanIR as in Charte et al., 2015
    "emotions": ([173, 166, 264, 148, 168, 189], 1.478),
    "scene": ([427, 364, 397, 433, 533, 431], 1.254),
    "yeast": ([762, 1038, 983, 862, 722, 597, 428, 480, 178, 253, 289, 1816, 1799, 34], 7.197),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_mean_ir_is_the_published_one(name):
    counts, mean_ir = PUBLISHED[name]
    y = np.arange(2500)[:, None] < np.array(counts)
    assert round(label_imbalance(y).mean_ir, 3) == mean_ir


def test_all_measures_of_yeast_are_the_published_ones():
    river = importlib.util.find_spec("river")
    if river is None:
        pytest.skip("river, which brings the set, is not installed")
    with gzip.open(Path(river.origin).parent / "datasets" / "yeast.csv.gz", "rt") as file:
        table = list(csv.reader(file))
    at = [k for k, name in enumerate(table[0]) if name.startswith("Class")]
    y = np.array([[float(row[k]) for k in at] for row in table[1:]])
    found = label_imbalance(y)
    assert (round(found.mean_ir, 3), round(found.scumble, 4)) == (7.197, 0.1044)
    assert (found.n_images, found.n_sets, round(found.cardinality, 3)) == (2417, 198, 4.237)


SCENE = {  # images of each set of labels: Boutell et al., "Learning multi-label scene ...", 2004
    "beach": 369, "sunset": 364, "fall": 360, "field": 327, "beach field": 1, "fall field": 23,
    "mountain": 405, "beach mountain": 38, "fall mountain": 13, "field mountain": 75,
    "fall field mountain": 1, "urban": 405, "beach urban": 19, "field urban": 6,
    "mountain urban": 1,
}  # fmt: skip


def test_all_measures_of_scene_are_the_published_ones():
    y = [labels.split() for labels, n in SCENE.items() for _ in range(n)]
    found = label_imbalance(y)
    assert (found.n_images, found.n_sets, round(found.cardinality, 3)) == (2407, 15, 1.074)
    assert (round(found.mean_ir, 3), round(found.scumble, 4)) == (1.254, 0.0003)


def test_scumble_is_one_minus_geometric_by_arithmetic_mean():
    # IRLbl 1, 2 and 8: rows {a, b}, {a, c}, {a, b, c}
    y = np.zeros((16, 3), dtype=int)
    y[:, 0], y[:8, 1], y[[0, 15], 2] = 1, 1, 1
    found = label_imbalance(y)
    assert found.irlbl.tolist() == [1, 2, 8]
    rows = {(0, 1): 2**0.5 / 1.5, (0, 2): 8**0.5 / 4.5, (0, 1, 2): 16 ** (1 / 3) / (11 / 3)}
    ab, ac, abc = (1 - ratio for ratio in rows.values())
    assert found.scumble == pytest.approx((7 * ab + ac + abc) / 16)
    np.testing.assert_allclose(
        found.scumble_of, [(7 * ab + ac + abc) / 16, (7 * ab + abc) / 8, (ac + abc) / 2]
    )
    assert found.minority == [2] and found.max_ir == 8


def test_labels_without_an_image_and_images_without_a_label():
    y = np.array([[1, 1, 0], [5, 0, 0], [0, 0, 0]])  # five objects count once
    found = label_imbalance(y)
    assert found.irlbl.tolist() == [1, 2, np.inf] and found.mean_ir == 1.5
    assert found.empty == [2] and np.isnan(found.scumble_of[2])
    assert found.scumble == pytest.approx((1 - 2**0.5 / 1.5) / 3)
    assert "  -" in repr(found) and "1.00 labels per image" in repr(found)
    same = label_imbalance(sparse.csr_matrix(y))
    assert same.scumble == found.scumble
    by_name = label_imbalance([{"a", "b"}, {"a"}, set()])
    assert (by_name.scumble, by_name.labels) == (found.scumble, ("a", "b"))
    pytest.importorskip("pandas")
    assert by_name.to_frame()["irlbl"].tolist() == [1, 2]
    with pytest.raises(ValueError, match="`y` must have at least one label, got 2 images"):
        label_imbalance([[], []])
