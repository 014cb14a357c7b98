"""One dialect of errors: "`name` must be ..., got ... . Remedy."."""

import ast
import re
from pathlib import Path

import pytest

import imblearn_images

PACKAGE = Path(imblearn_images.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

CONTINUES = {
    # Reasons that the caller puts behind the name of a file, line or option.
    "records.RefusedError": "FILE of annotations: reason",
    "RefusedError": "FILE of annotations: reason",
    "_RefusedError": "--estimator NAME: reason. Remedy.",
    "argparse.ArgumentTypeError": "argument --name: reason",
    "KeyboardInterrupt": "interrupted reason",
}
QUOTED = {
    # Functions whose messages another one quotes behind such a name.
    "annotations/_masks.py": {"_read"},
    "core/containers.py": {"array_mode"},
    "core/files.py": {"opened", "_array_mode", "_check_range"},
    "core/saving.py": {"read", "_step", "_arrays", "_labels_again", "_label_again"},
    "folders/_manifest.py": {"__iter__", "parse_row", "_load", "_once"},
    "strategies.py": {"parse_strategy", "_count", "_distinct", "_numbers"},
}
FORMERLY = r"\bis no (number|class|image|folder|file|label|view|sampler|classifier)\b"


def raised(file):
    """Messages that a module raises: function, class, line, and its literal pieces."""

    def pieces(node):
        if isinstance(node, ast.JoinedStr):
            return [p for value in node.values for p in pieces(value)]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return pieces(node.left) + pieces(node.right)
        return [node.value if isinstance(node, ast.Constant) else "{}"]

    def walk(node, function):
        for child in ast.iter_child_nodes(node):
            name = child.name if isinstance(child, ast.FunctionDef) else function
            if isinstance(child, ast.Raise) and isinstance(child.exc, ast.Call) and child.exc.args:
                found = pieces(child.exc.args[0])
                if all(isinstance(piece, str) for piece in found):
                    yield name, ast.unparse(child.exc.func), child.lineno, found
            yield from walk(child, name)

    yield from walk(ast.parse(file.read_text(encoding="utf-8")), "")


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_messages_speak_one_dialect(file):
    name = file.relative_to(PACKAGE).as_posix()
    for function, error, line, found in raised(file):
        known = error in CONTINUES or error.split(".")[-1] in CONTINUES
        if known or function in QUOTED.get(name, ()):
            continue
        text = "".join(found)
        # A message begins with the parameter, a capital letter, or an option or value.
        assert re.match(r"[A-Z`{]|--[a-z{]|module \{\}", text), f"{name}:{line}: {text}"
        # It ends with a full stop, a value, a question, or a command that is to be copied.
        whole = re.search(r"[.}?]$|pip install [\w\[\]-]+$", text)
        assert whole or found[-1] == "{}", f"{name}:{line}: {text}"
        assert not re.search(FORMERLY, text), f"{name}:{line}: {text}"


def test_the_messages_are_found():
    """The test above would pass without a message, too."""
    assert sum(len(list(raised(file))) for file in MODULES) > 400
