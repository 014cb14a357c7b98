"""Help: every command has an example that is accepted, and a shell can complete it."""

import re
import shlex
import subprocess

import pytest
from test_readme import accepts  # noqa: F401 - a fixture

import imblearn_images
from imblearn_images._cli.main import EXAMPLES, _parser, main

COMMANDS = list(_parser().commands)


@pytest.mark.parametrize("width", ["60", "200"])
@pytest.mark.parametrize("command", COMMANDS)
def test_help_ends_with_an_example_that_can_be_copied(command, width, accepts, capsys, monkeypatch):  # noqa: F811
    monkeypatch.setenv("COLUMNS", width)
    assert main([command, "--help"]) == 0
    shown = capsys.readouterr().out
    copied = shown.partition("\nexample:\n")[2]
    name, *arguments = shlex.split(copied.replace("\\\n", " "))  # as a shell reads it
    assert name == "imblearn-images" and arguments[0] == command
    assert " ".join(arguments[1:]) == EXAMPLES[command]
    arguments = arguments[: arguments.index(">")] if ">" in arguments else arguments
    assert accepts(arguments)
    assert not re.search(r"\(default: [^)]*\) \(default", shown)


def test_there_is_an_example_of_every_command():
    assert list(EXAMPLES) == COMMANDS


@pytest.mark.parametrize("width", ["60", "80"])
def test_help_fits_a_narrow_terminal_without_escape_sequences(width, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", width)
    monkeypatch.setenv("NO_COLOR", "1")
    for command in COMMANDS:
        main([command, "--help"])
        shown = capsys.readouterr().out
        assert "\x1b" not in shown
        assert max(map(len, shown.splitlines())) <= int(width)


def test_bash_completes_commands_options_and_folders(tmp_path, capsys):
    pytest.importorskip("shtab", reason="completion needs imblearn-images[completion]")
    assert main(["completion", "bash"]) == 0
    script = tmp_path / "completion.sh"
    script.write_text(capsys.readouterr().out)
    (tmp_path / "photos").mkdir()
    found = []
    for words in (["bal"], ["compare", "--met"], ["inspect", "pho"]):
        line = f"COMP_WORDS=(imblearn-images {shlex.join(words)}); COMP_CWORD={len(words)}"
        run = f"source {script}; {line}; _shtab_imblearn_images; echo ${{COMPREPLY[@]}}"
        done = subprocess.run(
            ["bash", "-c", run], capture_output=True, text=True, check=True, cwd=tmp_path
        )
        found.append(done.stdout.split())
    assert found == [["balance"], ["--methods", "--metric"], ["photos"]]


def test_completion_without_shtab_says_what_is_missing(capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "shtab", None)
    assert main(["completion", "bash"]) == 1
    assert "pip install shtab" in capsys.readouterr().err


def test_versions_are_shown(capsys):
    imblearn_images.show_versions()
    shown = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert shown["imblearn-images"] == imblearn_images.__version__
    assert shown["scikit-learn"] == __import__("sklearn").__version__
    assert "torch" in shown
