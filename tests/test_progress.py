"""Progress: a bar that says how fast and how long, for terminals and for notebooks alone."""

import io
import os
import re
import struct
import sys
from contextlib import suppress
from types import ModuleType

import joblib
import numpy as np
import pytest
from conftest import make_images

from imblearn_images import RandomOverSampler, render, render_files
from imblearn_images.__main__ import main
from imblearn_images.annotations import write_annotations
from imblearn_images.core import parallel
from imblearn_images.core.annotations import Annotations
from imblearn_images.core.parallel import progress

pytest.importorskip("tqdm", reason="progress parallel need imblearn-images[progress]")

LAST = r"100%.* {n}/{n} \[\d\d:\d\d<\d\d:\d\d, +[\d.?]+{unit}/s\]"


def last_of(text, what):
    """What a bar showed last."""
    shown = re.split(r"[\r\n]+", text)
    return [line for line in shown if line.startswith(f"{what}: ")][-1]


@pytest.fixture(params=["terminal", "pipe"])
def stream(request):
    """A terminal or a pipe to be standard error, and what it was sent when the work is done."""
    if request.param == "terminal":
        termios = pytest.importorskip("termios", reason="this system has no pseudo-terminals")
        fcntl = pytest.importorskip("fcntl")
        try:
            there, here = os.openpty()
        except OSError as error:  # in a container without /dev/pts
            pytest.skip(f"no pseudo-terminal is to be had: {error}")
        fcntl.ioctl(here, termios.TIOCSWINSZ, struct.pack("4H", 24, 100, 0, 0))
    else:
        there, here = os.pipe()
    with open(here, "w", encoding="utf-8") as file:

        def sent():
            file.flush()
            os.set_blocking(there, False)
            parts = []
            with suppress(BlockingIOError):  # nothing more
                while part := os.read(there, 1 << 16):
                    parts.append(part)
            return b"".join(parts).decode()

        yield request.param, file, sent
    os.close(there)


def drawn(folder, how):
    """Draw 40 images of 24 in one of the ways that take long; what the parallel are called."""
    X, y = make_images(24, (6, 5), "uint8"), np.repeat(["cat", "dog"], [20, 4])
    sampler = RandomOverSampler(random_state=0)
    sampler.fit_resample(X, y)
    if how == "render":
        render(sampler.plan_, X, verbose=1)
    elif how == "render_files":
        render_files(sampler.plan_, X, folder / "drawn", rows=7, verbose=1)
    elif how == "elsewhere":
        with (
            joblib.parallel_config(backend="threading", n_jobs=2),
            pytest.MonkeyPatch.context() as p,
        ):
            p.setattr(parallel, "works_in_threads", lambda: False)  # as it is with processes
            render_files(sampler.plan_, X, folder / "drawn", rows=7, verbose=1)
    else:
        boxes = Annotations.of([[[0, 0, 4, 4]]] * 24, [[label] for label in y], (6, 5))
        write_annotations(boxes, folder / "cells", format="voc", images=X)
        to = folder / "balanced"
        options = ["--boxes", "voc", "--validation", "0"]
        assert main(["balance", str(folder / "cells"), str(to), *options]) == 0
        assert main(["verify", str(to)]) == 0
        return {"examined": (40, "image"), "written": (40, "image"), "hashed": (0, "file")}
    return {"drawn": (40, "image")}


@pytest.mark.parametrize("how", ["render", "render_files", "elsewhere", "boxes"])
def test_long_work_shows_rate_and_time_left_in_a_terminal_and_nothing_in_a_pipe(
    how, stream, tmp_path, monkeypatch
):
    monkeypatch.setenv("NO_COLOR", "1")
    where, stderr, sent = stream
    monkeypatch.setattr(sys, "stderr", stderr)  # here, for pytest sets its own before each test
    expected = drawn(tmp_path, how)
    text = sent()
    if where == "pipe":
        assert text == ""
        return
    assert "\x1b" not in text
    for what, (n, unit) in expected.items():
        assert re.search(LAST.format(n=n or r"\d+", unit=unit), last_of(text, what)), text


def test_quiet_is_quiet_on_a_terminal_too(stream, tmp_path, monkeypatch):
    X = make_images(3, (6, 5), "uint8")
    boxes = Annotations.of([[[0, 0, 4, 4]]] * 3, [["cat"]] * 3, (6, 5))
    write_annotations(boxes, tmp_path / "cells", format="voc", images=X)
    command = ["convert", str(tmp_path / "cells"), str(tmp_path / "out"), "--to", "coco"]
    _, stderr, sent = stream
    monkeypatch.setattr(sys, "stderr", stderr)
    assert main([*command, "--quiet"]) == 0
    assert sent() == ""


def test_a_stream_of_a_notebook_is_no_terminal_and_looked_at_all_the_same(monkeypatch):
    stream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(parallel, "find_spec", lambda name: None)
    with progress(4, "written", 1) as done:
        for _ in range(4):
            done(1)
    assert re.search(LAST.format(n=4, unit="file"), last_of(stream.getvalue(), "written"))


def test_without_a_standard_error_nothing_is_shown(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)  # as pythonw has it
    with progress(1, "written", 1) as done:
        done(1)


@pytest.mark.parametrize("widgets", [False, True])
def test_a_notebook_with_widgets_gets_one_and_without_a_line_and_no_warning(monkeypatch, widgets):
    """`tqdm.auto` warns in a notebook without ipywidgets; warnings are errors here."""
    auto = ModuleType("tqdm.auto")
    auto.tqdm = type("Widget", (), {})
    monkeypatch.setitem(sys.modules, "tqdm.auto", auto)
    monkeypatch.setattr(parallel, "find_spec", lambda name: object() if widgets else None)
    assert (parallel._bars() is auto.tqdm) == widgets


def test_threads_count_together(capsys, on_a_screen):
    with progress(40, "drawn", 1, unit="image") as done:
        joblib.Parallel(n_jobs=4, prefer="threads")(joblib.delayed(done)(2) for _ in range(20))
    assert " 40/40 [" in last_of(capsys.readouterr().err, "drawn")
