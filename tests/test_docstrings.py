"""Docstrings: one thing is explained in one wording, in every class."""

import inspect
import re
import subprocess
import sys

import pytest

import imblearn_images
from imblearn_images import decision, display, ensemble, neighbors, preprocessing, torch
from imblearn_images._docstrings import SHARED, substitute

CLASSES = {
    name: getattr(module, name)
    for module in (imblearn_images, ensemble, decision, preprocessing, torch, display, neighbors)
    for name in module.__all__
    if inspect.isclass(getattr(module, name)) and name != "ResamplingPlan"
}
PARAMETERS = {
    *("sampling_strategy", "random_state", "k_neighbors", "m_neighbors", "embedding"),
    *("interpolate", "synthesis", "accept", "output_dir", "n_jobs", "ax"),
}
ATTRIBUTES = {
    *("plan_", "sample_indices_", "sampling_strategy_", "embedding_", "n_features_in_"),
    *("ax_", "figure_"),
}
KINDS = {"sampling_strategy": 8, "k_neighbors": 2}
"""Over-samplers, under-samplers, those that do both, cleaning samplers, RedrawImages and those two
of several labels take others; of several labels neighbours are those with the same rare one."""


def documented():
    """Docstrings of the classes and of their methods, by name."""
    for name, cls in CLASSES.items():
        yield name, cls.__doc__
        for method, function in vars(cls).items():
            doc = getattr(function, "__doc__", None)
            if isinstance(doc, str) and not method.startswith("_") and callable(function):
                yield f"{name}.{method}", doc
            elif isinstance(function, classmethod):
                yield f"{name}.{method}", function.__func__.__doc__


def entries(doc, section):
    """Name -> text of the entries of a numpydoc section."""
    doc = inspect.cleandoc(doc)
    found = re.search(rf"^{section}\n-+\n((?:.*\n)*?)(?=\n\S.*\n---|\Z)", doc + "\n", re.MULTILINE)
    entry = re.compile(r"^(\w[^:\n]*?) : .*\n((?:(?:    .*)?\n)+)", re.MULTILINE)
    texts = entry.findall(f"{found[1]}\n") if found else []
    return {name: " ".join(text.split()) for name, text in texts}


def test_what_classes_share_is_explained_in_the_same_words():
    wordings = {}
    for place, doc in documented():
        for section, names in ("Parameters", PARAMETERS), ("Attributes", ATTRIBUTES):
            for name, text in entries(doc, section).items():
                if name in names:
                    wordings.setdefault(name, {}).setdefault(text, []).append(place)
    assert wordings.keys() == PARAMETERS | ATTRIBUTES
    for name, found in wordings.items():
        assert len(found) <= KINDS.get(name, 1), (name, found)


@pytest.mark.parametrize("name", CLASSES)
def test_docstrings_name_every_parameter_and_leave_no_placeholder(name):
    cls = CLASSES[name]
    assert not re.search(r"^ *\{\w+.*\}$", cls.__doc__, re.MULTILINE)
    if name == "BalancedRandomForestClassifier":  # refers to imbalanced-learn's
        return
    listed = [part for entry in entries(cls.__doc__, "Parameters") for part in entry.split(", ")]
    assert listed == list(inspect.signature(cls).parameters)


def test_shared_texts_are_numpydoc_in_the_words_of_the_field():
    for name, text in SHARED.items():
        header, *lines = text.splitlines()
        assert re.match(r"\w+ : \S", header), name
        assert lines and all(line.startswith("    ") or not line for line in lines), name
        assert max(map(len, lines)) <= 96, name
        assert not re.search(r"\b(child|children|judges?|kin|likeness|told)\b", text), name


def test_a_name_without_a_text_is_an_error():
    def function():
        """Do it.

        {embeding}
        """

    with pytest.raises(KeyError, match="no shared text 'embeding'"):
        substitute(function)


def test_methods_are_served_along_with_their_class_and_braces_in_prose_are_left_alone():
    class Display:
        """Draw {ax}."""

        @classmethod
        def make(cls):
            """Make it.

            {n_jobs=4}
            """

    assert substitute(Display) is Display
    assert Display.__doc__ == "Draw {ax}."
    assert "n_jobs : int or None, default=4\n    Number" in inspect.cleandoc(Display.make.__doc__)


def test_without_docstrings_everything_can_be_imported():
    script = "import sys, imblearn_images; sys.exit(imblearn_images.SMOTE.__doc__ is not None)"
    subprocess.run([sys.executable, "-OO", "-c", script], check=True)
