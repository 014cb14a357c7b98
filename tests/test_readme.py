"""README and guide: every Python block runs, in order; every command line is one that exists."""

from __future__ import annotations

import argparse
import re
import shlex
import textwrap
import traceback
from contextlib import suppress
from itertools import groupby
from pathlib import Path

import pytest
from folder_tools import write_photos

from imblearn_images.__main__ import main

README = Path(__file__).parents[1] / "README.md"
PAGES = [README, *sorted((README.parent / "notebooks").glob("*.md"))]
WITH_PYTHON = [page for page in PAGES if "```python\n" in page.read_text(encoding="utf-8")]
FENCED = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^(?P=indent)``` *$",
    re.MULTILINE | re.DOTALL,
)


def blocks(path, *languages):
    """Line number and code of the blocks in these languages."""
    text = path.read_text(encoding="utf-8")
    for found in FENCED.finditer(text):
        if found["language"] in languages:
            yield text.count("\n", 0, found.start("code")) + 1, textwrap.dedent(found["code"])


def run_python_blocks(path, *languages):
    """Run the blocks as one script; tracebacks name the line of the document."""
    namespace = {"__name__": "__main__"}
    ran = 0
    for line, code in blocks(path, *(languages or ("python", "py"))):
        exec(compile("\n" * (line - 1) + code, str(path), "exec"), namespace)
        ran += 1
    return ran


def command_lines(path):
    """Arguments of every call of the command in the shell blocks, with the line of the block."""
    for line, code in blocks(path, "bash", "console", "sh", "shell"):
        for text in code.replace("\\\n", " ").splitlines():
            lexer = shlex.shlex(text.removeprefix("$ "), posix=True, punctuation_chars=True)
            for is_operator, group in groupby(lexer, lambda token: set(token) <= set("();<>|&")):
                words = [] if is_operator else list(group)
                if words[:1] == ["imblearn-images"]:
                    yield line, words[1:]
                elif words[1:3] == ["-m", "imblearn_images"]:
                    yield line, words[3:]


class Parsed(Exception):  # noqa: N818 - no error
    """The arguments are accepted; nothing is to be run."""


@pytest.fixture
def accepts(monkeypatch):
    """Whether the command takes these arguments."""
    parse_args = argparse.ArgumentParser.parse_args

    def parse_only(parser, *args, **kwargs):
        parse_args(parser, *args, **kwargs)
        raise Parsed

    def accepts(arguments):
        try:
            return main(arguments) == 0  # --help and --version end without being parsed
        except Parsed:
            return True

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
    return accepts


@pytest.fixture
def document(tmp_path, monkeypatch):
    """Path of a document to write, in an empty working folder."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "document.md"


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.stem)
def test_python_blocks_run(page, document):
    with suppress(ImportError):
        import matplotlib as mpl

        mpl.use("Agg")
    assert run_python_blocks(page) > 0


def test_the_training_loop_of_the_readme_runs(document):
    """Blocks marked `python3` need what not everyone has, here PyTorch."""
    pytest.importorskip("torch", reason="training loops need imblearn-images[torch]")
    assert run_python_blocks(README, "python", "python3") > len(list(blocks(README, "python")))


def test_the_training_loop_to_get_started_with_runs(document):
    pytest.importorskip("torch", reason="training loops need imblearn-images[torch]")
    write_photos(document.parent / "work" / "photos", {"cat": 4, "dog": 2}, shape=(16, 12, 3))
    page = README.parent / "notebooks" / "get_started.md"
    ((line, code),) = blocks(page, "python3")
    names = {}
    exec(compile("\n" * (line - 1) + code, str(page), "exec"), names)
    assert names["batch"].shape[1:] == (3, 224, 224) and str(names["batch"].dtype) == "torch.uint8"


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.stem)
def test_python_blocks_have_no_prompts(page):
    prompts = [line for line, code in blocks(page, "python", "py") if ">>> " in code]
    assert not prompts


def test_command_lines_exist(accepts):
    lines = [(page, *found) for page in PAGES for found in command_lines(page)]
    assert {README, README.parent / "notebooks" / "command_line.md"} <= {page for page, *_ in lines}
    for page, line, arguments in lines:
        assert accepts(arguments), f"{page.name}, block at line {line}: {shlex.join(arguments)}"


def test_blocks_share_names_and_errors_name_their_line(document):
    document.write_text(
        "Text.\n```python\nx = 1\n```\n- in a list\n  ```python\n  y = x + 1\n  ```\n"
        "```text\nno Python\n```\n\n```python\nassert y == 2\nraise KeyError(y)\n```\n"
    )
    with pytest.raises(KeyError) as error:
        run_python_blocks(document)
    last = traceback.extract_tb(error.value.__traceback__)[-1]
    assert (last.filename, last.lineno, last.line) == (str(document), 15, "raise KeyError(y)")


def test_wrong_command_lines_are_noticed(document, accepts, capsys):
    document.write_text(
        "```bash\npip install -e . && imblearn-images demo --seed 1  # a remark\n"
        "python -m imblearn_images demo --size \\\n    large\n```\n\n"
        "```console\n$ imblearn-images demo --no-such-option | head\n```\n"
    )
    found = list(command_lines(document))
    assert [line for line, _ in found] == [2, 2, 8]
    assert [accepts(arguments) for _, arguments in found] == [True, False, False]
