"""The site: every public name has a page, each page is reached, and the gallery stays short."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import json
import pkgutil
import re
import sys
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import imblearn_images

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
EXAMPLES = sorted((NOTEBOOKS / "examples").glob("*.py"))
PAGES = sorted(path for path in NOTEBOOKS.glob("*.*") if path.suffix in (".md", ".ipynb"))


@pytest.fixture(scope="module")
def site():
    """`notebooks/conf.py`, which needs no Sphinx for what is asked here."""
    docutils = ModuleType("docutils"), ModuleType("docutils.utils.math.latex2mathml")
    docutils[0].nodes, docutils[1].tex2mathml = None, None
    names = ("docutils", "docutils.utils.math.latex2mathml")
    with pytest.MonkeyPatch.context() as patch:
        for name, module in zip(names, docutils, strict=True):
            patch.setitem(sys.modules, name, module)
        spec = importlib.util.spec_from_file_location("conf", NOTEBOOKS / "conf.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        stand_ins = module.stand_in_for_keras()
        for name, stand_in in stand_ins.items():
            patch.setitem(sys.modules, name, stand_in)
        yield module
        if stand_ins:
            vars(import_module("imblearn_images.keras")).pop("PlanSequence", None)


def public_modules():
    """Modules that users import: no part of their name is private, and they are not the core."""
    for found in pkgutil.walk_packages(imblearn_images.__path__, "imblearn_images."):
        parts = found.name.split(".")[1:]
        if parts[0] not in ("core", "image_sampler") and not any(p.startswith("_") for p in parts):
            yield found.name


def test_every_public_name_has_a_page(site):
    pages = site.reference_pages()
    homes = site.home_of()
    for module in ("imblearn_images", *public_modules()):
        assert f"modules/{module}.rst" in pages, f"{module} is missing in `_MODULES` of the package"
        for name in import_module(module).__all__:
            home = homes[id(getattr(import_module(module), name))]
            parent, _, own = home.rpartition(".")
            assert re.search(
                rf"^\.\. auto(class|function):: {own}$",
                pages[f"generated/{home}.rst"],
                re.MULTILINE,
            )
            listed = pages[f"modules/{parent}.rst"]
            assert f"   ~{home}\n" in listed, home
            assert f"   modules/{parent}\n" in pages["modules/list.txt"]


def test_a_name_that_is_missing_is_noticed(site, monkeypatch):
    monkeypatch.setattr(imblearn_images.recipes, "__all__", ["mild", "mix"])
    assert "generated/imblearn_images.recipes.transfer.rst" not in site.reference_pages()


def test_methods_that_are_inherited_within_the_package_are_listed(site):
    methods = site.methods_of(imblearn_images.SMOTE)
    assert "fit_resample" in methods
    assert not {"get_params", "set_params", "set_fit_resample_request"} & set(methods)


LINK = re.compile(r"^Read more in the :ref:`User Guide <([a-z-]+)>`\.$", re.MULTILINE)


def headings(page):
    """Headings of a page of the guide, as Sphinx has them: without marks of code."""
    [path] = [path for path in PAGES if path.stem == page]
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
        text = "\n".join("".join(cell["source"]) for cell in cells)
    return [each.replace("`", "") for each in re.findall(r"^#+ (.+)$", text, re.MULTILINE)]


def test_every_public_name_links_its_part_of_the_guide(site):
    used = set()
    for module, names in site.public_names().items():
        for name in names:
            doc = inspect.cleandoc(getattr(import_module(module), name).__doc__)
            links = LINK.findall(doc.partition("\nParameters\n")[0])
            assert len(links) == 1, f"{name} links {links or 'no part of the guide'}"
            used.add(links[0])
    assert used <= site.LABELS.keys()


def test_every_label_of_the_guide_is_a_heading_that_is_there_once(site):
    for label, (page, heading) in site.LABELS.items():
        assert headings(page).count(heading) == 1, (label, page, heading)


def linked(path):
    """Pages in the tables of contents of a page."""
    text = path.read_text(encoding="utf-8")
    for block in re.findall(r"^```\{toctree\}\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line and not line.startswith(":"):
                yield line.rpartition("<")[2].rstrip("> ")


def test_every_page_is_in_a_table_of_contents():
    listed = {name for path in PAGES if path.suffix == ".md" for name in linked(path)}
    for path in PAGES:
        reached = path.stem == "index" or any(fnmatch(path.stem, name) for name in listed)
        assert reached, f"{path.name} is in no table of contents: add it to guide.md"
    for name in listed - {"reference/index", "gallery/index"}:
        assert any(fnmatch(path.stem, name) for path in PAGES), f"there is no page {name}"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_short_and_begins_with_a_question(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 40
    title, rule, empty, *_ = inspect.cleandoc(ast.get_docstring(ast.parse(text))).splitlines()
    assert title.endswith("?"), title
    assert rule == "=" * len(title)
    assert not empty


def test_pictures_of_the_guide_are_those_of_the_gallery_and_lead_there():
    figure = re.compile(
        r"^```\{figure\} gallery/images/sphx_glr_(\w+)_001.png\n(.*?)^```", re.MULTILINE | re.DOTALL
    )
    names = {path.stem for path in EXAMPLES}
    for page in PAGES:
        for name, rest in figure.findall(page.read_text(encoding="utf-8")):
            assert name in names and f":target: gallery/{name}.html\n" in rest, (page, name)
            assert ":alt: " in rest


@pytest.mark.parametrize("page", ["README.md", "notebooks/get_started.md"])
def test_the_citation_names_this_version(page):
    text = (NOTEBOOKS.parent / page).read_text(encoding="utf-8")
    assert re.findall(r"version\s*= \{([\d.]+)\}", text) == [imblearn_images.__version__]
    assert len(text) <= 5000 or page != "README.md"


def declared(table):
    """Lines of a table of `pyproject.toml`; Python 3.10 has no reader of TOML."""
    text = (NOTEBOOKS.parent / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(rf"^{re.escape(table)}\n(.*?)^[\[\]]", text, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def test_the_versions_that_the_guide_names_are_those_that_are_declared_and_tested():
    page = (NOTEBOOKS / "get_started.md").read_text(encoding="utf-8")
    sentence = " ".join(
        re.search(r"^It works with (.*?), and what", page, re.MULTILINE | re.DOTALL)[1].split()
    )
    named = dict(each.rsplit(" ", 1) for each in sentence.split(", "))
    bounds = dict(re.findall(r'"([\w-]+)>=([\d.]+)"', declared("dependencies = [")))
    assert {name.lower(): version for name, version in named.items()} == {
        name.lower(): version for name, version in bounds.items()
    }
    pythons = re.findall(r"Python :: (3\.\d+)", declared("classifiers = ["))
    assert f"Python {pythons[0]} to {pythons[-1]}" in page
    workflow = (NOTEBOOKS.parent / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    assert json.loads(re.search(r"python-version: (\[.*\])", workflow)[1]) == pythons


def test_addresses_are_in_all_places_or_in_none():
    config = (NOTEBOOKS.parent / ".github/ISSUE_TEMPLATE/config.yml").read_text(encoding="utf-8")
    contributing = (NOTEBOOKS.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    related = re.search(r"^- (`?imblearn_images.*?): ", contributing, re.MULTILINE)[1]
    known = [
        bool(declared("[project.urls]")),
        bool(re.search(r"^contact_links:", config, re.MULTILINE)),
        "http" in related,
    ]
    assert len(set(known)) == 1, known


def test_the_text_for_the_list_of_related_projects_has_three_lines():
    contributing = (NOTEBOOKS.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    text = re.search(r"^```rst\n(.*?)^```", contributing, re.MULTILINE | re.DOTALL)[1]
    assert len(text.splitlines()) == 3 and max(map(len, text.splitlines())) <= 100
