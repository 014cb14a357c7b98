"""The notebooks: they run without an error or a warning, and what is stored is small and clean."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

import imblearn_images

NEEDS = ("nbclient", "jupyter_client", "ipykernel", "matplotlib", "pandas")
for needed in NEEDS:
    pytest.importorskip(needed, reason=f"notebooks need {needed}: imblearn-images[notebooks]")
nbformat = pytest.importorskip("nbformat")

NEEDS_OF = {"08_training_loops": "torch"}
"""What single notebooks need besides: those of extras."""

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
MAX_NOTEBOOK, MAX_OUTPUT = 400_000, 72_000  # bytes
ABSOLUTE_PATH = re.compile(r"(?<![\w.:/<])/[\w.-]+/|\b[A-Za-z]:\\")
PREFACE = """
import os, sys, warnings
assert os.path.samefile(sys.prefix, {prefix!r}), sys.prefix
sys.path.insert(0, {package_root!r})
warnings.simplefilter("error")
# raised while a kernel shuts down, it would keep it from doing so: seconds until it is killed
warnings.filterwarnings("ignore", module="ipykernel", category=PendingDeprecationWarning)
"""


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def kinds(notebook):
    return [[output.output_type for output in cell.outputs] for cell in code_cells(notebook)]


def texts(output):
    yield output.get("text", "")
    for kind, content in output.get("data", {}).items():
        if not kind.startswith("image/"):
            yield str(content)


def check_outputs(notebook):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            assert output.output_type != "error", cell.id
            assert output.get("name") != "stderr", f"cell {cell.id}: {output.text}"
            for text in texts(output):
                assert not ABSOLUTE_PATH.search(text), f"cell {cell.id}: a path in {text}"


def execute(notebook, folder):
    """Run a copy in the interpreter of this process; warnings are errors."""
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpecManager
    from nbclient import NotebookClient

    package_root = str(Path(imblearn_images.__file__).parents[1])
    preface = PREFACE.format(prefix=sys.prefix, package_root=package_root)
    copy = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(preface), *notebook.cells])
    # Without folders to look for kernels in, there is only that of the running interpreter.
    kernels = KernelSpecManager(kernel_dirs=[])
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=kernels)
    where = {"metadata": {"path": str(folder)}}
    client = NotebookClient(copy, km=manager, timeout=300, resources=where, coalesce_streams=True)
    client.execute(cleanup_kc=True)
    return copy


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Working folder of a kernel that knows nothing of its user's settings."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.delenv("MPLBACKEND", raising=False)
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def test_notebooks_are_found():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_notebook_is_small_and_clean(path):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert path.stat().st_size <= MAX_NOTEBOOK
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)], "run it anew"
    assert not any("execution" in cell.metadata for cell in cells), "times of one machine"
    for cell in cells:
        for output in cell.outputs:
            assert len(json.dumps(output)) <= MAX_OUTPUT, f"cell {cell.id}"
    check_outputs(notebook)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_without_error_or_warning(path, folder):
    if path.stem in NEEDS_OF:
        needed = NEEDS_OF[path.stem]
        pytest.importorskip(needed, reason=f"the notebook needs {needed}")
    notebook = nbformat.read(path, as_version=4)
    stored = kinds(notebook)
    executed = execute(notebook, folder)
    check_outputs(executed)
    assert kinds(executed)[1:] == stored, "run the notebook anew and store its outputs"
    assert not list(folder.iterdir()), "a notebook must clean up after itself"


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import warnings; warnings.warn('look out')", "UserWarning"),
        ("import sys; print('look out', file=sys.stderr)", "look out"),
        ("import pathlib; print(pathlib.Path.cwd())", "a path in"),
    ],
)
def test_fault_in_a_notebook_is_noticed(source, cause, folder):
    from nbclient.exceptions import CellExecutionError

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    with pytest.raises((CellExecutionError, AssertionError), match=cause):
        check_outputs(execute(notebook, folder))
