"""Labels that are a tree: from nested folders, shared out equally, classified node by node."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.naive_bayes import GaussianNB

from imblearn_images import SMOTE, LabelOverSampler, RandomOverSampler, RandomUnderSampler
from imblearn_images.datasets import load_image_folder, load_label_csv
from imblearn_images.decision import CascadeClassifier
from imblearn_images.strategies import by_hierarchy, parse_strategy

COUNTS = {"good": 24, "defect/dent": 9, "defect/scratch/deep": 4, "defect/scratch/fine": 6}
Y = np.repeat(list(COUNTS), list(COUNTS.values()))
X = np.random.default_rng(0).integers(0, 256, (len(Y), 4, 4), dtype=np.uint8)

paths = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join)
sizes = st.dictionaries(paths, st.integers(1, 60), min_size=2)


def test_every_node_shares_its_total_equally_among_its_branches():
    wanted = by_hierarchy()(Y)
    assert wanted == {
        "defect/dent": 12,
        "defect/scratch/deep": 6,
        "defect/scratch/fine": 6,
        "good": 24,
    }
    wanted = by_hierarchy(sampling="under")(Y)
    assert wanted == {
        "defect/dent": 8,
        "defect/scratch/deep": 4,
        "defect/scratch/fine": 4,
        "good": 16,
    }


def below(tree):
    return (
        [leaf for part in tree.values() for leaf in below(part)]
        if isinstance(tree, dict)
        else [tree]
    )


def nodes(tree):
    if isinstance(tree, dict):
        yield tree
        for part in tree.values():
            yield from nodes(part)


@given(sizes, st.sampled_from(["over", "under"]))
def test_shares_are_equal_up_to_rounding_and_no_class_goes_the_wrong_way(counts, sampling):
    y = np.repeat(list(counts), list(counts.values()))
    strategy = by_hierarchy(sampling=sampling)
    wanted, tree = strategy(y), strategy.tree(y)
    assert wanted.keys() == counts.keys() == set(below(tree))
    for label, n in wanted.items():
        assert n >= counts[label] if sampling == "over" else 1 <= n <= counts[label]
    for node in nodes(tree):
        totals = [sum(wanted[leaf] for leaf in below(part)) for part in node.values()]
        n_leaves = max(len(below(part)) for part in node.values())
        assert max(totals) - min(totals) <= 2 * n_leaves
    some = [label for label in counts if (wanted[label] == counts[label])]
    assert some  # as few images as possible are made, or lost


@pytest.mark.parametrize(
    ("sampler", "sampling"),
    [(RandomOverSampler, "over"), (SMOTE, "over"), (RandomUnderSampler, "under")],
)
def test_every_sampler_takes_it(sampler, sampling):
    strategy = by_hierarchy(sampling=sampling)
    few = {"k_neighbors": 2} if sampler is SMOTE else {}
    each = clone(sampler(sampling_strategy=strategy, random_state=0, **few))
    _, y_res = each.fit_resample(X, Y)
    assert dict(zip(*np.unique(y_res, return_counts=True), strict=True)) == strategy(Y)


def test_images_at_an_inner_node_are_a_branch_of_it_and_the_order_does_not_matter():
    counts = {"a/b": 4, "a": 8, "c": 8, "a/b/d": 2}
    tree = {"a": {"a": "a", "a/b": {"a/b": "a/b", "a/b/d": "a/b/d"}}, "c": "c"}
    for order in ([*counts], [*counts][::-1]):
        y = np.repeat(order, [counts[label] for label in order])
        assert by_hierarchy().tree(y) == tree
        assert by_hierarchy()(y) == {"a": 8, "a/b": 4, "a/b/d": 4, "c": 16}
    other = by_hierarchy(" > ").tree(["x > y", "x > z"])
    assert other == {"x": {"x > y": "x > y", "x > z": "x > z"}}


def test_a_cascade_is_built_from_it():
    cascade = CascadeClassifier(GaussianNB(), hierarchy=by_hierarchy("/")).fit(X, Y)
    assert cascade.branches_ == {
        "root": [["defect/dent", "defect/scratch/deep", "defect/scratch/fine"], ["good"]],
        "defect": [["defect/dent"], ["defect/scratch/deep", "defect/scratch/fine"]],
        "defect/scratch": [["defect/scratch/deep"], ["defect/scratch/fine"]],
    }
    by_hand = {
        "defect": {
            "defect/dent": "defect/dent",
            "defect/scratch": ["defect/scratch/deep", "defect/scratch/fine"],
        },
        "good": "good",
    }
    same = CascadeClassifier(GaussianNB(), hierarchy=by_hand).fit(X, Y)
    np.testing.assert_array_equal(cascade.predict_proba(X), same.predict_proba(X))


def test_words_and_what_is_wrong():
    assert parse_strategy("by hierarchy", sampling="under") == by_hierarchy(sampling="under")
    assert parse_strategy("by  hierarchy --") == by_hierarchy("--")
    for make, message in (
        (lambda: by_hierarchy(""), "`separator` must be the text between parts of a label, got ''"),
        (lambda: by_hierarchy(sampling="both"), '"over" or "under", got .both.'),
        (lambda: by_hierarchy()(["a//b", "c"]), "such as 'defect/scratch', got 'a//b'"),
        (lambda: by_hierarchy()([1, 2]), "Labels must be text .* got 1"),
    ):
        with pytest.raises(ValueError, match=message):
            make()


@pytest.fixture
def nested(tmp_path):
    for name in (
        *("good/a.png", "good/old/b.png", "defect/c.png", "defect/dent/d.png"),
        *("defect/dent/deep/e.png", "defect/scratch/f.png", ".hidden/g.png"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    return tmp_path


def test_folders_of_two_levels_are_labels_with_a_slash(nested):
    found, labels = load_image_folder(nested, levels=2)
    names = [path.rpartition("/")[2] for path in found]
    assert dict(zip(names, labels, strict=True)) == {
        "a.png": "good",
        "b.png": "good/old",
        "c.png": "defect",
        "d.png": "defect/dent",
        "e.png": "defect/dent",
        "f.png": "defect/scratch",
    }
    assert sorted(labels.tolist()) == labels.tolist()
    _, labels = load_image_folder(nested, levels=3, classes=["defect"])
    assert labels.tolist() == ["defect", "defect/dent", "defect/dent/deep", "defect/scratch"]
    _, labels = load_image_folder(nested, levels=2, classes=["defect/dent", "good/old"])
    assert labels.tolist() == ["defect/dent", "defect/dent", "good/old"]


def test_empty_and_unknown_folders_of_a_tree_are_named(nested):
    (nested / "defect" / "crack").mkdir()
    with pytest.raises(ValueError, match=r"No image in 1 of .*\['defect/crack'\]"):
        load_image_folder(nested, levels=2)
    _, labels = load_image_folder(nested, levels=2, allow_empty=True)
    assert len(labels) == 6
    with pytest.raises(ValueError, match="Did you mean 'defect/dent'"):
        load_image_folder(nested, levels=2, classes=["defect/dend"])
    for levels in (0, 1.5, True):
        with pytest.raises(ValueError, match="`levels` must be a number of levels, at least 1"):
            load_image_folder(nested, levels=levels)


def test_tables_of_labels_are_read_with_any_delimiter_and_a_row_for_each_label(tmp_path):
    for name in ("a.jpg", "b c.jpg"):
        (tmp_path / name).touch()
    table = tmp_path / "labels.csv"
    for text, params in (
        ("path,label\na.jpg,cat | owl\nb c.jpg,\n", {}),
        ("tags,image\ncat owl,a.jpg\n,b c.jpg\n", {"delimiter": " ", "path_column": "image"}),
        ("path,label\na.jpg,cat\nb c.jpg,\na.jpg,owl\na.jpg,cat\n", {}),
        ("\ufeffpath,label\r\na.jpg,cat|owl|cat\r\nb c.jpg,\r\n", {}),
    ):
        table.write_text(text, encoding="utf-8")
        more = {"label_column": "tags"} if "tags" in text else {}
        found, labels = load_label_csv(table, **params, **more)
        assert found.tolist() == [str(tmp_path / "a.jpg"), str(tmp_path / "b c.jpg")]
        assert labels == [["cat", "owl"], []]
    table.write_text("path,label\na.jpg,cat|owl\nb c.jpg,owl\n", encoding="utf-8")
    over = LabelOverSampler({"cat": 2})
    paths_res, y_res = over.fit_resample(*load_label_csv(table))
    assert paths_res[2] == str(tmp_path / "a.jpg") and y_res[2] == ["cat", "owl"]


def test_what_is_wrong_with_a_table_of_labels_is_named(tmp_path):
    table = tmp_path / "labels.csv"
    (tmp_path / "a.jpg").touch()
    for text, params, error, message in (
        ("path,labels\n", {}, ValueError, "got 'label'. Did you mean 'labels'"),
        ("", {}, ValueError, "`path_column` must be a column"),
        ("path,label\n", {}, ValueError, "must have a row for each image, got none"),
        ("path,label\n,cat\n", {}, ValueError, "line 2: column 'path' must name a file"),
        ("path,label\na.jpg,x\nz.jpg,y\n", {}, FileNotFoundError, r"1 of 2 files .* line 3: .*z"),
        ("path,label\na.jpg,x\n", {"delimiter": ""}, ValueError, "`delimiter` must be the text"),
    ):
        table.write_text(text, encoding="utf-8")
        with pytest.raises(error, match=message):
            load_label_csv(table, **params)
    with pytest.raises(FileNotFoundError):
        load_label_csv(tmp_path / "none.csv")
