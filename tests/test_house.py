"""The house rules that a machine can read off the source."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from forked import run_python

import imblearn_images
from imblearn_images import core

PACKAGE = Path(imblearn_images.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
CORE = sorted((PACKAGE / "core").glob("*.py"))
HOOKS = {"_check_X_y", "_fit_resample", "_parameter_constraints"}


def name_of(path):
    return str(path.relative_to(PACKAGE))


@cache
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path):
    """Absolute names of the modules, and names in them, that a file imports."""
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def own_names(tree):
    """Private names that a module gives to things itself."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
    return names


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_the_core_never_imports_the_face(path):
    ours = {name for name in imported(path) if name.split(".")[0] == "imblearn_images"}
    assert all(
        name == "imblearn_images.core" or name.startswith("imblearn_images.core.") for name in ours
    )


LONGEST = 18  # modules that must be read to follow what the furthest one does


def test_the_arrows_run_one_way():
    """No modules import each other, be it late, inside a function, or for types alone."""
    paths = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in MODULES
    }
    paths = {name.removesuffix(".__init__"): path for name, path in paths.items()}
    del paths["imblearn_images"]  # `from imblearn_images import combine` asks for the part alone
    arrows = {name: (imported(path) & paths.keys()) - {name} for name, path in paths.items()}
    n_floors = 0
    while arrows:
        n_floors += 1
        leaves = {module for module, needs in arrows.items() if not needs & arrows.keys()}
        assert leaves, f"these modules import each other in a circle: {sorted(arrows)}"
        arrows = {module: needs for module, needs in arrows.items() if module not in leaves}
    assert n_floors <= LONGEST


def test_the_map_of_the_core_names_every_room_above_those_it_needs():
    floors = [re.findall(r"``(\w+)``", line) for line in re.split(r"\n- ", core.__doc__)[1:]]
    floor_of = {name: at for at, names in enumerate(floors) for name in names}
    assert sum(map(len, floors)) == len(floor_of)
    assert floor_of.keys() == {path.stem for path in CORE} - {"__init__"}
    for path in CORE:
        ours = [name for name in imported(path) if name.startswith("imblearn_images.core.")]
        needs = {name.split(".")[2] for name in ours}
        for name in needs & floor_of.keys() - {path.stem}:
            assert floor_of[path.stem] < floor_of[name], f"{path.stem} needs {name}"


def test_the_map_of_the_house_names_every_room_above_those_it_needs():
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    tree = re.search(r"```\nimblearn_images/\n(.*?)```", text, re.DOTALL)[1]
    floor = {
        room: number
        for number, line in enumerate(tree.splitlines())
        for room in re.findall(r"(?<![/.])\b(\w+)(?:/|\.py)", line.partition("python -m")[0])
    }
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in MODULES}
    assert set(floor) == rooms
    for path in MODULES:
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for name in imported(path):
            other = name.split(".")[1:2]
            if name.startswith("imblearn_images.") and other[0] in floor:
                assert floor[room] <= floor[other[0]], f"{name_of(path)} imports {name}"


def test_nobody_needs_the_loops_of_frameworks():
    """The loops of torch and Keras stand on the face; nothing stands on them."""
    loops = ("imblearn_images.torch", "imblearn_images.keras")
    for path in MODULES:
        if path.parent.name != "torch" and path.name != "keras.py":
            assert not [name for name in imported(path) if name.startswith(loops)], path


@pytest.mark.parametrize("path", sorted((PACKAGE / "display").glob("*.py")), ids=name_of)
def test_displays_know_nothing_of_what_they_show(path):
    ours = {name for name in imported(path) if name.startswith("imblearn_images.")}
    known = ("core", "display", "_docstrings")
    assert {name.split(".")[1] for name in ours} <= set(known)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_private_module_or_name_of_others_is_imported(path):
    foreign = {name for name in imported(path) if name.split(".")[0] != "imblearn_images"}
    foreign -= {"__future__", "__future__.annotations"}
    assert not [name for name in foreign if any(is_private(part) for part in name.split("."))]


def test_the_private_names_of_others_are_the_three_documented_hooks():
    used = set()
    own = set().union(*(own_names(tree_of(path)) for path in MODULES)) - HOOKS
    for path in MODULES:
        tree = tree_of(path)
        used |= {
            (node.attr, name_of(path))
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in own
        }
        used |= {  # hooks of a parent class that are overridden
            (node.name, name_of(path))
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef) and node.name in HOOKS
        }
        used |= {  # getattr(x, "_name") and the like
            (node.args[1].value, name_of(path))
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("getattr", "hasattr", "setattr")
            and isinstance(node.args[1], ast.Constant)
            and is_private(node.args[1].value)
        }
    assert {name for name, _ in used} == HOOKS, sorted(used)


HEAVY = {"skimage", "pandas", "matplotlib", "torch", "tensorflow", "keras", "tqdm", "IPython"}


def loaded_by(statement):
    script = f"{statement}; import sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = run_python("-c", script, strict=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_importing_the_package_imports_nothing_heavy():
    theirs = loaded_by("import imblearn.ensemble, imblearn.over_sampling, imblearn.pipeline")
    ours = loaded_by("import imblearn_images, imblearn_images.preprocessing")
    assert "imblearn" in ours
    assert not (ours - theirs) & HEAVY
    for path in MODULES:  # whatever imbalanced-learn loads, this package imports it late
        top = [
            node for node in tree_of(path).body if isinstance(node, (ast.Import, ast.ImportFrom))
        ]
        named = {
            (alias.name if isinstance(node, ast.Import) else node.module).split(".")[0]
            for node in top
            for alias in node.names
        }
        assert not named & HEAVY, path


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_global_random_numbers(path):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
            called = f"{ast.unparse(node.value)}.{node.attr}"
            if called.startswith("np.random."):
                assert node.attr in ("RandomState", "default_rng", "SeedSequence", "Generator"), (
                    called
                )


def test_the_door_exports_what_exists_with_a_docstring():
    assert len(set(imblearn_images.__all__)) == len(imblearn_images.__all__)
    for name in imblearn_images.__all__:
        thing = getattr(imblearn_images, name)
        assert thing.__doc__, name
        if callable(thing):
            assert "Examples" in thing.__doc__, name


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_path_of_a_machine_is_in_the_source(path):
    text = path.read_text(encoding="utf-8")
    for place in ("/work/", "/home/", "../shared", "C:\\"):
        assert place not in text
