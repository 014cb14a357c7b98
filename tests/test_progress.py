"""Progress: a bar that says how fast and how long, for terminals and for notebooks."""

import re
import sys
from types import ModuleType

import pytest

from imblearn_images import _progress
from imblearn_images._progress import progress

pytest.importorskip("tqdm", reason="progress bars need imblearn-images[progress]")


def test_rate_and_time_left_are_shown(capsys):
    with progress(4, "written", 1) as done:
        for _ in range(4):
            done(1)
    last = capsys.readouterr().err.split("\r")[-1]
    assert re.search(r"written: 100%.* 4/4 \[\d\d:\d\d<\d\d:\d\d, +[\d.?]+file/s\]", last), last


@pytest.mark.parametrize("widgets", [False, True])
def test_a_notebook_with_widgets_gets_one_and_without_a_line_and_no_warning(monkeypatch, widgets):
    """`tqdm.auto` warns in a notebook without ipywidgets; warnings are errors here."""
    auto = ModuleType("tqdm.auto")
    auto.tqdm = type("Widget", (), {})
    monkeypatch.setitem(sys.modules, "tqdm.auto", auto)
    monkeypatch.setattr(_progress, "find_spec", lambda name: object() if widgets else None)
    assert (_progress._bars() is auto.tqdm) == widgets


def test_threads_count_together(capsys):
    from joblib import Parallel, delayed

    with progress(40, "drawn", 1, unit="image") as done:
        Parallel(n_jobs=4, prefer="threads")(delayed(done)(2) for _ in range(20))
    assert " 40/40 [" in capsys.readouterr().err.split("\r")[-1]
