"""Sphinx: the notebooks are the user guide; ``sphinx-build notebooks build/site`` makes the site.

Nothing here needs a network, and no notebook is executed: what is shown is what is stored in them,
which ``tests/test_notebooks.py`` executes and compares.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

import imblearn_images

HERE = Path(__file__).parent
ORDER = (
    "",
    "over_sampling",
    "under_sampling",
    "combine",
    "recipes",
    "ensemble",
    "synthesis",
    "images",
    "preprocessing",
    "strategies",
    "epochs",
    "torch",
    "keras",
    "annotations",
    "folders",
    "model_selection",
    "decision",
    "display",
    "datasets",
)
"""Of the modules in the reference; any others follow."""

LABELS = {
    "quickstart": ("01_quickstart", "Quickstart"),
    "the-plan": ("01_quickstart", "The plan: where every row comes from"),
    "parents": ("01_quickstart", "Parents and synthetic images"),
    "pipelines": ("02_pipelines_and_grid_search", "Pipelines and grid search"),
    "files-in-a-pipeline": ("02_pipelines_and_grid_search", "Files at the head"),
    "photo-folders": ("03_photo_folders", "Photo folders"),
    "which-images-are-near": ("04_embeddings_and_synthesis", "Which images are near"),
    "images-from-a-model": ("04_embeddings_and_synthesis", "Images from a model"),
    "how-real-are-they": ("04_embeddings_and_synthesis", "How real are they?"),
    "accept-rules": (
        "04_embeddings_and_synthesis",
        "Synthetic images among another class are drawn again",
    ),
    "the-family": ("05_the_family", "The family"),
    "does-it-help": ("06_does_it_help", "Does it help?"),
    "long-tails": ("06_does_it_help", "The long-tail protocol in miniature"),
    "leaks": ("06_does_it_help", "Leaks: resampling before the split"),
    "decisions": ("07_decisions", "Decisions instead of data"),
    "prior-correction": ("07_decisions", "Class shares: PriorCorrectedClassifier"),
    "weights-of-classes": ("07_decisions", "Weights of classes: TunedThresholdsClassifier"),
    "a-tree-of-questions": ("07_decisions", "A tree of questions: CascadeClassifier"),
    "rare-classes-as-outliers": ("07_decisions", "A rare class as an outlier: MinorityDetector"),
    "several-views": ("07_decisions", "Several views, several models"),
    "training-loops": ("08_training_loops", "Training loops"),
    "boxes-and-labels": ("09_boxes_and_labels", "Boxes and labels"),
    "several-labels": ("09_boxes_and_labels", "Several labels an image"),
    "which-sampler": ("which_sampler", "Which sampler"),
    "samplers-that-add-images": ("which_sampler", "Samplers that add images"),
    "samplers-that-drop-images": ("which_sampler", "Samplers that drop images"),
    "both-and-ensembles": ("which_sampler", "Both, and ensembles"),
    "how-many-images": ("which_sampler", "How many images"),
    "how-images-are-drawn": ("which_sampler", "How a synthetic image is drawn"),
    "homes-of-pixels": ("how_it_works", "Homes of pixels"),
    "from-a-laptop-to-a-cluster": ("from_laptop_to_cluster", "From a laptop to a cluster"),
    "homes-beyond-files": ("from_laptop_to_cluster", "Homes of pixels"),
    "write-a-sampler": ("extending", "A sampler"),
    "where-the-output-lives": ("speed_and_memory", "Where the output lives"),
    "asking-for-help": ("troubleshooting", "Asking for help"),
}
"""What docstrings call a part of the user guide -> its page and heading.

A target above a heading, as MyST writes it, would be seen by everyone who opens a notebook.
"""

project = "imblearn_images"
copyright = "imblearn_images developers"  # noqa: A001 - Sphinx reads this name
version = release = imblearn_images.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["examples", "gallery/*.ipynb", "gallery/*.py", "**/.ipynb_checkpoints"]

nb_execution_mode = "off"
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = False  # `reference_pages` does
autodoc_typehints = "none"  # the docstrings say it in words
numpydoc_show_class_members = False  # the template lists them
numpydoc_show_inherited_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "abort_on_example_error": True,
    "backreferences_dir": "reference/generated/backreferences",
    "doc_module": ("imblearn_images",),
    "reference_url": {"imblearn_images": None},
    "download_all_examples": False,
    "show_signature": False,
    "show_memory": False,
    "plot_gallery": True,
    "within_subsection_order": "FileNameSortKey",
    "copyfile_regex": r".*\.rst",
    "write_computation_times": False,
    "remove_config_comments": True,
    "capture_repr": (),  # a display shows itself
    "min_reported_time": 60,
}

# A link to something of ours that has no page is a warning, and warnings are errors.
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", r"(?!imblearn_images\.(?!core\.)).*")]

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "imblearn_images"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": [], "changelog": [], "coming_from": [], "get_started": []}


def public_names() -> dict[str, list[str]]:
    """Return the public names of every public module; the root has those it alone has."""
    root = imblearn_images.__name__
    modules = [f"{root}.{name}" for name in dir(imblearn_images) if _is_module(name)]
    names = {module: list(import_module(module).__all__) for module in modules}
    elsewhere = {each for found in names.values() for each in found}
    return {root: [name for name in imblearn_images.__all__ if name not in elsewhere], **names}


def _is_module(name: str) -> bool:
    return type(getattr(imblearn_images, name)).__name__ == "module" and name != "core"


def home_of() -> dict[int, str]:
    """Return the name under which an object has its page, by the identity of the object."""
    found: dict[int, str] = {}
    for module, names in public_names().items():
        for each in names:
            found.setdefault(id(getattr(import_module(module), each)), f"{module}.{each}")
    return found


def methods_of(cls: type) -> list[str]:
    """Return the public methods of a class that are documented in this package, or are its point.

    What every estimator of scikit-learn has, such as `get_params`, is left to scikit-learn.
    """
    found = []
    for name in dir(cls):
        method = getattr(cls, name)
        home = next((base for base in cls.__mro__ if name in vars(base)), object)
        ours = home.__module__.startswith(imblearn_images.__name__) or name == "fit_resample"
        if ours and callable(method) and method.__doc__ and not name.startswith("_"):
            found.append(name)
    return [name for name in found if not (name.startswith("set_") and name.endswith("_request"))]


def _page_of(module: str, name: str) -> str:
    found = getattr(import_module(module), name)
    kind = "class" if isinstance(found, type) else "function"
    lines = [
        name,
        "=" * len(name),
        "",
        f".. currentmodule:: {module}",
        "",
        f".. auto{kind}:: {name}",
    ]
    if kind == "class" and (methods := methods_of(found)):
        lines += ["", ".. rubric:: Methods", "", ".. autosummary::", ""]
        lines += [f"   ~{name}.{method}" for method in methods]
        for method in methods:
            lines += ["", f".. automethod:: {name}.{method}"]
    lines += [
        "",
        f".. minigallery:: {module}.{name}",
        "   :add-heading: Examples in the gallery",
        "",
    ]
    return "\n".join(lines)


def reference_pages() -> dict[str, str]:
    """Return the pages of the reference, by their names below ``reference/``.

    Each public module has one, and each public name: no list has to be kept.
    """
    root = imblearn_images.__name__
    homes, pages, public = home_of(), {}, public_names()
    for module, names in public.items():
        full = [homes[id(getattr(import_module(module), name))] for name in sorted(names)]
        here = [name for name in full if name.startswith(f"{module}.")]
        there = [f":obj:`~{name}`" for name in full if name not in here]
        lines = [module, "=" * len(module), "", f".. automodule:: {module}", "   :no-members:", ""]
        lines += [".. currentmodule:: None", ""]
        lines += [".. autosummary::", "   :nosignatures:", "   :toctree: ../generated", ""]
        lines += [f"   ~{name}" for name in here]
        lines += ["", f"Also here: {', '.join(there)}."] if there else []
        pages[f"modules/{module}.rst"] = "\n".join([*lines, ""])
        pages |= {f"generated/{each}.rst": _page_of(*each.rsplit(".", 1)) for each in here}
    order = {f"{root}.{name}".rstrip("."): place for place, name in enumerate(ORDER)}
    entries = sorted(public, key=lambda module: (order.get(module, len(order)), module))
    lines = [".. toctree::", "   :maxdepth: 1", "", *(f"   modules/{name}" for name in entries)]
    return {"modules/list.txt": "\n".join([*lines, ""]), **pages}


def _write_reference(app: Any, config: Any) -> None:
    folder = HERE / "reference"
    pages = reference_pages()
    for old in (*folder.glob("modules/*"), *folder.glob("generated/*.rst")):
        if old.relative_to(folder).as_posix() not in pages:
            old.unlink()
    for name, text in pages.items():
        page = folder / name
        page.parent.mkdir(exist_ok=True)
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


def _formula(block: bool) -> Any:
    """Return what writes a formula as MathML, which browsers draw without a script from afar."""

    def visit(self: Any, node: Any) -> None:
        markup = tex2mathml(node.astext(), as_block=block)
        self.body.append(f"<div>{markup}</div>" if block else markup)
        raise nodes.SkipNode

    return visit


def _resolve(app: Any, env: Any, node: Any, contnode: Any) -> Any:
    """Lead every spelling of a public name to its one page.

    ``imblearn_images.SMOTE`` and ``imblearn_images.core.plan.ResamplingPlan`` have none of their
    own: the first is in ``over_sampling``, the second at the root.
    """
    target = node.get("reftarget", "")
    parent, _, rest = target.rpartition(".")
    homes = home_of()
    for path, member in ((target, ""), (parent, rest)):  # the name itself, or a method of it
        module, _, name = path.rpartition(".")
        if not module.startswith("imblearn_images"):
            continue
        try:
            home = homes.get(id(getattr(import_module(module), name)))
        except (ImportError, AttributeError):
            continue
        if home and home != path:
            full = f"{home}.{member}" if member else home
            return env.get_domain("py").resolve_xref(
                env, node["refdoc"], app.builder, node["reftype"], full, node, contnode
            )
    return None


def _label_the_guide(app: Any, doctree: Any) -> None:
    """Make the sections of a page the targets of their labels."""
    page = app.env.docname
    headings = {
        section.next_node(nodes.title).astext(): section["ids"][0]
        for section in doctree.findall(nodes.section)
    }
    standard = app.env.get_domain("std")
    for label, (where, heading) in LABELS.items():
        if where == page:
            standard.note_hyperlink_target(label, page, headings[heading], heading)


def _describe_pictures(app: Any, doctree: Any) -> None:
    """Give a picture of a notebook the title of its section where it has no description."""
    for image in doctree.findall(nodes.image):
        if "alt" not in image or image["alt"] == image["uri"]:
            section = image.parent
            while section is not None and not isinstance(section, nodes.section):
                section = section.parent
            title = section.next_node(nodes.title).astext() if section is not None else project
            image["alt"] = f"Figure of the section: {title}"


def stand_in_for_keras() -> dict[str, ModuleType]:
    """Return modules that let `PlanSequence` be looked at where Keras is not installed."""
    if find_spec("keras"):
        return {}
    keras = ModuleType("keras")
    keras.utils = ModuleType("keras.utils")  # type: ignore[attr-defined]
    keras.utils.PyDataset = type("PyDataset", (), {})
    return {"keras": keras, "keras.utils": keras.utils}


def setup(app: Any) -> None:
    """Write the reference before Sphinx looks which pages there are."""
    sys.modules.update(stand_in_for_keras())
    app.add_html_math_renderer(
        "mathml", (_formula(block=False), None), (_formula(block=True), None)
    )
    app.connect("config-inited", _write_reference)
    app.connect("missing-reference", _resolve)
    app.connect("doctree-read", _describe_pictures)
    app.connect("doctree-read", _label_the_guide)
