"""Ctrl-C, and being told to end: what is said, what is left, and that it is quiet."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest
from folder_tools import contents, snapshot, write_photos
from forked import run_python

from imblearn_images import SMOTE
from imblearn_images._cli.interrupts import interruptible
from imblearn_images._cli.main import main
from imblearn_images.annotations import Annotations, _files, write_annotations
from imblearn_images.core import files
from imblearn_images.core.text import counted
from imblearn_images.folders import balance_folder
from imblearn_images.folders._output import OutputFolder

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

SIGNALS = {"Ctrl-C": signal.SIGINT, "told to end": signal.SIGTERM, "hung up": signal.SIGHUP}
SMOTED = ("--method", "smote", "--k-neighbors", "2")


@pytest.fixture
def photos(tmp_path):
    source = write_photos(tmp_path / "photos", {"apple": 9, "kiwi": 5}, shape=(6, 5, 3))
    before = snapshot(source)
    yield source
    assert snapshot(source) == before


def after(monkeypatch, owner, name, turns, number):
    """Send a signal to this process when a function is called for the last of some turns."""
    original, calls = getattr(owner, name), []

    def call(*args, **kwargs):
        calls.append(name)
        if len(calls) == turns:
            os.kill(os.getpid(), number)
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, call)


@pytest.mark.parametrize("number", SIGNALS.values(), ids=SIGNALS)
@pytest.mark.parametrize("place", [("copy", 2), ("draw", 2), ("finish", 1)], ids=str)
def test_an_interrupted_run_says_what_lies_where_and_how_to_go_on(
    photos, tmp_path, monkeypatch, capsys, number, place
):
    out = tmp_path / "out"
    command = ["balance", str(photos), str(out), *SMOTED]
    after(monkeypatch, OutputFolder, *place, number)
    assert main(command) == 128 + number
    said, told = capsys.readouterr()
    monkeypatch.undo()
    n_files = sum(1 for path in out.rglob("*.png") if ".unfinished" not in path.parts)
    assert said == "" and told.count("\n") == 1
    assert f"interrupted; {out} is unfinished: {counted(n_files, 'file, is')} in place" in told
    assert "--resume" in told and "manifest.jsonl" in told
    assert not list(out.rglob("*.partial")) and not (out / "manifest.jsonl").exists()
    assert main(["verify", str(out)]) == 1
    assert "is unfinished" in capsys.readouterr().err
    assert main([*command, "--resume"]) == 0
    balance_folder(photos, tmp_path / "unbroken", sampler=SMOTE(k_neighbors=2))
    assert contents(out) == contents(tmp_path / "unbroken")


@pytest.mark.parametrize("number", SIGNALS.values(), ids=SIGNALS)
def test_interrupted_before_anything_is_written(photos, tmp_path, monkeypatch, capsys, number):
    for arguments, told in (
        (("balance", photos, tmp_path / "out"), "interrupted; nothing was written"),
        (("unbalance", photos, tmp_path / "out", "--profile", "step"), "nothing was written"),
        (("inspect", photos, "--no-near"), "interrupted\n"),
    ):
        after(monkeypatch, files, "opened", 3, number)
        assert main([*map(str, arguments)]) == 128 + number
        assert told in capsys.readouterr().err
        monkeypatch.undo()
    assert not (tmp_path / "out").exists()


def test_signals_mean_what_they_meant_when_the_command_is_over(photos, monkeypatch):
    handlers = [signal.getsignal(number) for number in SIGNALS.values()]
    assert main(["inspect", str(photos), "--no-near", "--json"]) == 0
    assert [signal.getsignal(number) for number in SIGNALS.values()] == handlers
    # whoever lets a signal be ignored, as nohup does, is obeyed
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
    codes = []
    thread = threading.Thread(
        target=lambda: codes.append(main(["inspect", str(photos), "--no-near", "--json"]))
    )
    thread.start()
    thread.join()
    assert codes == [0]


IMPORTING = """
import os, signal, sys
from importlib.abc import MetaPathFinder

class Interrupting(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == MODULE:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
sys.argv[0] = sys.argv[1]
import imblearn_images.__main__
"""


@pytest.mark.parametrize(
    ("program", "module"),
    [
        ("imblearn-images", "imblearn_images.combine"),
        ("imblearn-images", "imblearn_images._cli.main"),
        ("imblearn-images", "sklearn"),
        ("mine.py", "imblearn_images.combine"),
        ("mine.py", "imblearn_images._cli.main"),
    ],
)
def test_ctrl_c_during_imports_is_quiet_in_the_command_and_ordinary_elsewhere(program, module):
    script = IMPORTING.replace("MODULE", repr(module))
    command = ("-c", script, f"/usr/bin/{program}")
    if module == "sklearn":  # which a fork has imported
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        how = {"capture_output": True, "text": True, "check": False}
        done = subprocess.run([sys.executable, *command], env=env, **how)
    else:
        done = run_python(*command)
    if program == "imblearn-images":
        assert (done.returncode, done.stderr) == (130, "imblearn-images: interrupted\n")
    else:
        assert done.returncode != 130 and "KeyboardInterrupt" in done.stderr


@pytest.mark.parametrize("command", ["balance", "convert"])
def test_an_interrupted_run_on_boxes_says_what_lies_where(tmp_path, monkeypatch, capsys, command):
    paths = [str(path) for path in write_photos(tmp_path / "in", {"a": 8}).rglob("*.png")]
    cells = Annotations.of([[[1, 1, 5, 5]]] * 8, [["a"]] * 8, (12, 10), paths=paths)
    write_annotations(cells, tmp_path / "voc", format="voc")
    how = ["--to", "csv"] if command == "convert" else ["--boxes", "voc"]
    arguments = [command, str(tmp_path / "voc"), str(tmp_path / "out"), *how]
    after(monkeypatch, _files, "_write_text", 1, signal.SIGINT)
    assert main(arguments) == 130
    said = capsys.readouterr().err
    assert "8 files are in place, and no manifest.json. Repeat the command with --resume" in said
    monkeypatch.undo()
    assert main([*arguments, "--resume"]) == 0


def test_json_is_no_part_of_an_interrupt(photos, tmp_path, monkeypatch, capsys):
    after(monkeypatch, OutputFolder, "copy", 2, signal.SIGINT)
    assert main(["balance", str(photos), str(tmp_path / "out"), "--json"]) == 130
    assert capsys.readouterr().out == ""
    monkeypatch.undo()
    assert main(["balance", str(photos), str(tmp_path / "out"), "--json", "--resume"]) == 0
    assert json.loads(capsys.readouterr().out)["n_valid"] == 3
