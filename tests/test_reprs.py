"""What a notebook shows of a result: one short line as text, a whole table as HTML."""

from html.parser import HTMLParser

import numpy as np
import pytest
from folder_tools import write_photos

from imblearn_images import SMOTE, RandomOverSampler
from imblearn_images.folders import balance_folder, inspect_folder, split_folder, verify_folder

COUNTS = {"a <b> & 'c'": 12, "lime": 7, "pear": 4}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A result of each kind, of class folders whose names want to be markup."""
    folder = tmp_path_factory.mktemp("reprs")
    photos = write_photos(folder / "photos", COUNTS)
    (photos / "lime" / "broken.png").write_bytes(b"")
    report = balance_folder(
        photos, folder / "out", sampler=RandomOverSampler(random_state=0), on_error="skip"
    )
    good = verify_folder(folder / "out")
    next((folder / "out" / "train" / "lime").iterdir()).write_bytes(b"x")
    sampler = SMOTE(k_neighbors=1, random_state=0)
    X, y = np.zeros((40, 4, 4)), ["<b>"] * 25 + ["owl"] * 15
    sampler.fit_resample(X, y)
    split = split_folder(photos, on_error="skip", groups=lambda path: path[-5])
    bad = verify_folder(folder / "out")
    found = [inspect_folder(photos, near=False), split, report, good, bad, sampler.plan_]
    return {f"{type(each).__name__} {n}": each for n, each in enumerate(found)}


KINDS = ["InspectReport 0", "FolderSplit 1", "FolderReport 2", "VerifyReport 3", "VerifyReport 4"]
KINDS += ["ResamplingPlan 5"]


class Tags(HTMLParser):
    """Tags that are open, those seen, and the text of the cells."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.cells = [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "td" in self.open:
            self.cells.append(data)


@pytest.mark.parametrize("kind", KINDS)
def test_a_repr_is_one_short_line(results, kind):
    text = repr(results[kind])
    assert text.startswith(f"{kind.split()[0]}(") and text.endswith(")")
    assert len(text) < 300 and "\n" not in text


@pytest.mark.parametrize("kind", KINDS)
def test_html_is_whole_and_takes_no_name_for_markup(results, kind):
    html = Tags(results[kind]._repr_html_())
    assert not html.open
    assert html.seen <= {"table", "thead", "tbody", "tr", "th", "td", "p"}


def test_tables_hold_the_counts(results):
    split = Tags(results["FolderSplit 1"]._repr_html_()).cells
    n = dict(zip(split[::3], zip(split[1::3], split[2::3], strict=True), strict=True))
    assert {label: sum(map(int, sides)) for label, sides in n.items()} == {
        "a <b> & 'c'": 12,
        "lime": 7,
        "pear": 4,
    }
    plan = Tags(results["ResamplingPlan 5"]._repr_html_()).cells
    assert plan == ["<b>", "25", "0", "0", "25", "owl", "15", "0", "10", "25"]


def test_faults_are_counted(results):
    assert "all as the manifest says" in repr(results["VerifyReport 3"])
    assert "1 changed" in repr(results["VerifyReport 4"])


def test_advice_on_ratio_is_given_once(results):
    text = str(results["InspectReport 0"])
    assert text.count("imblearn-images compare") == 1 and "resample" not in text.replace(
        "resampling", ""
    )
