"""What editors and type checkers know: every parameter of every class, and no other."""

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from test_readme import README, blocks

import imblearn_images
from imblearn_images import decision, ensemble, preprocessing, torch

USAGE = Path(__file__).with_name("typing_usage.py")
CLASSES = {
    name: getattr(module, name)
    for module in (imblearn_images, ensemble, decision, preprocessing, torch)
    for name in module.__all__
    if hasattr(getattr(module, name), "get_params")
}
IMBLEARNS = [
    (CLASSES[name], getattr(theirs, name))
    for theirs in map(
        import_module,
        (f"imblearn.{part}" for part in ("over_sampling", "under_sampling", "combine", "ensemble")),
    )
    for name in theirs.__all__
    if name in CLASSES
]
every_class = pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)


@every_class
def test_constructors_are_written_out_with_types(cls):
    assert "__init__" in vars(cls)
    assert inspect.unwrap(cls.__init__) is cls.__init__
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    for parameter in parameters:
        assert parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        assert parameter.annotation is not parameter.empty, parameter
    assert set(cls.__init__.__code__.co_varnames) >= {parameter.name for parameter in parameters}


@pytest.mark.parametrize(("cls", "theirs"), IMBLEARNS, ids=lambda cls: cls.__module__[:8])
def test_constructors_begin_as_imbalanced_learns(cls, theirs):
    def shown(cls):
        parameters = inspect.signature(cls).parameters.values()
        return [(parameter.name, parameter.kind, parameter.default) for parameter in parameters]

    expected = shown(theirs)
    assert shown(cls)[: len(expected)] == expected
    added = shown(cls)[len(expected) :]
    assert all(kind is inspect.Parameter.KEYWORD_ONLY for _, kind, _ in added)
    values = theirs().get_params(deep=False)
    assert {name: cls().get_params(deep=False)[name] for name in values} == values


def used():
    """Class -> names of the parameters that the file of usage passes to it."""
    found = {name: set() for name in CLASSES}
    for node in ast.walk(ast.parse(USAGE.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) in CLASSES:
            name = node.func.id
            positional = list(inspect.signature(CLASSES[name]).parameters)[: len(node.args)]
            found[name] |= {*positional, *(keyword.arg for keyword in node.keywords)}
    return found


def test_the_file_of_usage_passes_every_parameter():
    for name, passed in used().items():
        if CLASSES[name].__module__.split(".")[1] not in ("preprocessing", "torch"):
            assert passed == set(inspect.signature(CLASSES[name]).parameters), name


WRONG = [
    *(f"{name}(nonsense=1)" for name in sorted(CLASSES)),
    'SMOTE(interpolate="pixel")',
    'SMOTE(synthesis="blends")',
    "SMOTE(n_jobs=0.5)",
    "SMOTE(synthesis=Morph(), embeding=None)",
    'BorderlineSMOTE(kind="borderline")',
    "SMOTE().fit_resample([], [], groups=[])",
    "RandomUnderSampler().fit_resample([], [], embeddings=[])",
    "SMOTE().fit_resample([])",
]


@pytest.mark.skipif(find_spec("mypy") is None, reason="needs imblearn-images[lint]")
def test_mypy_accepts_what_is_there_and_nothing_else(tmp_path):
    readme, wrong = tmp_path / "readme.py", tmp_path / "wrong.py"
    readme.write_text("\n".join(code for _, code in blocks(README, "python")), encoding="utf-8")
    modules = ("imblearn_images", "ensemble", "decision", "preprocessing", "torch", "synthesis")
    imports = [f"from imblearn_images.{name} import *" for name in modules[1:]]
    lines = ["from imblearn_images import *", *imports, *WRONG]
    wrong.write_text("\n".join(lines), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", USAGE, readme, wrong],
        cwd=USAGE.parents[1],
        capture_output=True,
        text=True,
    )
    found = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert not [line for line in found if "wrong.py" not in line], done.stdout + done.stderr
    refused = {int(line.partition("wrong.py:")[2].partition(":")[0]) for line in found}
    assert refused == set(range(len(imports) + 2, len(lines) + 1)), done.stdout + done.stderr
