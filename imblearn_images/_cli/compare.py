"""The command ``compare``, and its report as one HTML file."""

from __future__ import annotations

import base64
import importlib
import inspect
import io
import os
import sys
import warnings
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import parallel_config
from numpy.typing import NDArray
from PIL import Image
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from threadpoolctl import threadpool_limits

from imblearn_images import recipes
from imblearn_images._cli.arguments import (
    GROUPS,
    SEED,
    Parser,
    add_max_pixels,
    add_on_error,
    integer,
    n_jobs,
    names,
    one_of,
)
from imblearn_images._cli.console import say, say_report
from imblearn_images._cli.methods import METHODS, SYNTHESES
from imblearn_images._members import seeded
from imblearn_images.core.disk import written_whole
from imblearn_images.core.estimators import takes_of
from imblearn_images.core.files import read_image
from imblearn_images.core.images import FileImages
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import render
from imblearn_images.core.splitting import merge_groups
from imblearn_images.core.text import as_sentence, counted, nearest, screen_width, shown
from imblearn_images.display import ComparisonDisplay, RecallDisplay, ReliabilityDisplay
from imblearn_images.display._canvas import BARS, COLOURS, as_png, require_matplotlib
from imblearn_images.display._family import spread_synthetic
from imblearn_images.folders._grouping import needs_pixels, read_groups, resolve_groups
from imblearn_images.folders._records import Source
from imblearn_images.folders._source import bound_together, check_twins, read_source
from imblearn_images.folders._store import where_they_meet
from imblearn_images.model_selection._comparing import compare_resamplers
from imblearn_images.model_selection._comparison import as_html, as_text, of_interest
from imblearn_images.model_selection._folds import draw_folds
from imblearn_images.over_sampling import SMOTE
from imblearn_images.preprocessing import FlattenImages, ReadImages

if TYPE_CHECKING:
    from imblearn_images.model_selection._comparison import ResamplerComparison

__all__ = [
    "add_compare_command",
    "from_folder",
    "import_estimator",
    "show_families",
    "write_report",
]

PASS = "Pass MODULE:OBJECT, a classifier or a function without arguments that returns one"


def import_estimator(name: str) -> Any:
    """Import a classifier by "module:object", from the current folder or what is installed.

    Parameters
    ----------
    name : str
        A module and, after the colon, a classifier, its class, or a function without arguments
        that returns one; attributes of objects are reached with ".".

    Returns
    -------
    classifier : estimator
        The unfitted classifier.

    Raises
    ------
    ValueError
        If it cannot be imported or called, or is not a classifier that scikit-learn can clone;
        with the name, in one line.

    Examples
    --------
    >>> import_estimator("sklearn.naive_bayes:GaussianNB")
    GaussianNB()
    >>> import_estimator("os:system")
    Traceback (most recent call last):
    ...
    ValueError: --estimator os:system: system is built into Python, not a classifier. Pass ...
    """
    try:
        return _checked(_made(_found(name)))
    except _RefusedError as error:
        reason = " ".join(str(error).split())  # errors of other code may have many lines
        raise ValueError(
            f"--estimator {name}: {as_sentence(reason)} {PASS}, e.g. mymodels:pipeline."
        ) from error


class _RefusedError(Exception):
    """Why this is not an estimator; the message continues "--estimator NAME: ..."."""


@contextmanager
def from_folder(folder: str) -> Iterator[None]:
    """Make modules in a folder importable, before all others, within this context."""
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


def _found(name: str) -> Any:
    """Return the object that "module:object" names."""
    module_name, colon, path = name.partition(":")
    if not colon or not path:
        raise _RefusedError(
            "a colon is missing" if not colon else "no object is named after the colon"
        )
    if module_name.endswith(".py") and module_name[:-3].isidentifier():
        raise _RefusedError(f"write the module without .py, {module_name[:-3]}:{path}")
    if not all(part.isidentifier() for part in module_name.split(".")):
        raise _RefusedError(f"{module_name!r} is not the name of a module; run this in its folder")
    try:
        with from_folder(os.getcwd()):
            module = importlib.import_module(module_name)
    except ImportError as error:
        raise _RefusedError(f"cannot be imported: {error}") from error
    except BaseException as error:  # importing runs arbitrary code, which may even exit
        raise _refused(error, f"importing {module_name}") from error
    found: Any = module
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            near = nearest(part, [each for each in dir(found) if not each.startswith("_")])
            where = f" ({module.__file__})" if getattr(module, "__file__", None) else ""
            meant = f"; did you mean {near}?" if near else ""
            raise _RefusedError(f"cannot be imported: {error}{where}{meant}") from error
        except BaseException as error:
            raise _refused(error, f"looking up {part}") from error
    return found


def _made(found: Any) -> Any:
    """Return an estimator: the object itself, or what calling it returns.

    Objects that cannot return an estimator, such as built-in functions, are not called.
    """
    is_class = isinstance(found, type)
    if (hasattr(found, "fit") and not is_class) or not callable(found):
        return found
    called = getattr(found, "__name__", type(found).__name__)
    if is_class and not hasattr(found, "fit"):
        raise _RefusedError(f"the class {called} is not a classifier: it has no fit")
    if inspect.isbuiltin(found):
        raise _RefusedError(f"{called} is built into Python, not a classifier")
    if inspect.iscoroutinefunction(found) or inspect.isgeneratorfunction(found):
        raise _RefusedError(f"{called} is a coroutine or generator and returns no classifier")
    try:
        needed = [
            name
            for name, each in inspect.signature(found).parameters.items()
            if each.default is each.empty
            and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
        ]
    except (TypeError, ValueError):
        needed = []
    if needed:
        raise _RefusedError(f"{called} needs arguments ({', '.join(needed)}) and is called without")
    try:
        return found()
    except BaseException as error:
        raise _refused(error, f"calling {called}") from error


def _checked(made: Any) -> Any:
    """Return an estimator, or raise a _RefusedError if it is not a classifier."""
    kind = type(made).__name__
    if isinstance(made, type):
        raise _RefusedError(f"it returns the class {made.__name__}, not a classifier; return one")
    if lacking := [name for name in ("fit", "predict", "get_params") if not hasattr(made, name)]:
        raise _RefusedError(f"{kind} is not a classifier: it has no {' and no '.join(lacking)}")
    try:
        role = get_tags(made).estimator_type
        clone(made)
    except BaseException as error:
        raise _refused(error, f"cloning {kind}") from error
    if role not in ("classifier", None):
        raise _RefusedError(f"{kind} is a {role.replace('_', ' ')}, not a classifier")
    return made


def _refused(error: BaseException, doing: str) -> _RefusedError:
    """Return the reason for an error of the caller's code; Ctrl-C passes through."""
    if isinstance(error, KeyboardInterrupt):
        raise error
    return _RefusedError(f"{doing} fails with {type(error).__name__}: {error}")


WIDTH = 8.5  # inches
CELL, COLUMNS, CLASSES = 72, 10, 12
"""Of photos: pixels per side, photos per class, number of classes shown."""
SIDE, FAMILIES, DRAWERS, PARENTS = 96, 4, 3, 3
"""Of synthetic images: pixels per side, images per candidate, number of candidates shown, and
partners shown beside each image."""

STYLE = """
:root { color-scheme: light dark; }
body { font-family: sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  line-height: 1.5; overflow-wrap: anywhere; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto;
  max-width: 100%; overflow-wrap: normal; font-variant-numeric: tabular-nums; }
td, th { border-bottom: 1px solid #8886; padding: .3rem .7rem; }
td, th { text-align: left; white-space: nowrap; }
.chart { overflow-x: auto; }
.chart img { width: 100%; min-width: 36rem; background: white; }
.photos, .family { display: flex; flex-wrap: wrap; gap: .3rem; align-items: center; }
.families { display: grid; gap: 1.5rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 28rem), 1fr)); }
.family { flex-wrap: nowrap; }
.family img { flex: 0 1 auto; min-width: 0; }
figure { margin: 0; }
figcaption { font-size: .9rem; opacity: .8; }
.drawn { outline: 3px solid #c2410c; margin: 3px; }
.advice { background: #5b8def22; padding: 1rem; font-size: 1.1rem; }
"""

READING = (
    "Every line is the same classifier on the same folds; only training images are resampled. "
    "Intervals and p-values are those of the corrected resampled t-test (Nadeau and Bengio 2003), "
    "both adjusted for the number of candidates (Holm 1979). What resampling has to beat is the "
    "reference: prior correction where it helps, or another baseline. "
    "Brier score and expected calibration error (ECE) measure how far off probabilities are; lower "
    "is better. The score of the best of many candidates is too optimistic: set photos aside that "
    "this comparison has not seen."
)


def write_report(
    comparison: ResamplerComparison,
    path: str | os.PathLike[str],
    paths: NDArray[Any],
    labels: NDArray[Any],
    *,
    title: str = "",
    families: str = "",
    replace: bool = False,
) -> None:
    """Write the report as one self-contained HTML file, whole or not at all; needs matplotlib.

    Parameters
    ----------
    comparison : ResamplerComparison
        The results.
    path : path
        File to write.
    paths : ndarray of shape (n,)
        The photos, some of which are shown.
    labels : ndarray of shape (n,)
        Their classes.
    title : str, default=""
        Title of the page, such as the name of the folder.
    families : str, default=""
        HTML of synthetic images beside their parents, see :func:`show_families`.
    replace : bool, default=False
        Whether to replace an existing file. Links and folders are never replaced.

    Raises
    ------
    FileExistsError, ValueError
        If something exists there that must not be replaced.
    OSError
        If writing fails, e.g. on a full disk; nothing is left behind, and an existing file is
        unchanged.
    """
    check_replaceable(path, replace)
    figures = "".join(
        f'<h2>{escape(caption)}</h2><div class="chart" tabindex="0" role="region" '
        f'aria-label="{escape(caption)}">{_img(picture, caption)}</div>'
        for caption, picture in _charts(comparison)
    )
    name = escape(f"Does resampling help? {title}".strip())
    page = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{name}</title>'
        f"<style>{STYLE}</style></head><body><h1>{name}</h1>"
        f"{as_html(comparison)}{families}{figures}{_photos(paths, labels)}"
        f"<h2>How to read this</h2><p>{escape(READING)}</p></body></html>\n"
    )
    check_replaceable(path, replace)  # once more: a file may have appeared while charts were drawn
    with written_whole(path) as file:
        file.write(page.encode("utf-8", "backslashreplace"))


def check_replaceable(path: str | os.PathLike[str], replace: bool) -> None:
    """Check that nothing exists at a path, or only a file that may be replaced.

    Raises
    ------
    FileExistsError, ValueError
        Saying what exists there.
    """
    if os.path.islink(path):
        raise ValueError(
            f"{os.fspath(path)} is a link, and links are not followed for writing. Name a file."
        )
    if not os.path.lexists(path):
        return
    if not os.path.isfile(path):
        raise ValueError(f"{os.fspath(path)} exists and is not a file. Name another one.")
    if not replace:
        raise FileExistsError(
            f"{os.fspath(path)} exists already. Name another file, or replace it with --force."
        )


def _charts(comparison: ResamplerComparison) -> list[tuple[str, bytes]]:
    """Return caption and PNG of each chart; charts without data are left out."""
    n_names, n_classes = len(comparison.names), len(comparison.recall["none"])
    kinds: list[tuple[str, Any, float]] = []
    if comparison.differences:
        kinds.append(("Differences to none", ComparisonDisplay, 1.1 + 0.4 * n_names))
    kinds.append(("Recall of each class", RecallDisplay, 1.2 + 0.4 * min(max(n_classes, 6), BARS)))
    if comparison.reliability:
        kinds.append(("Reliability of probabilities", ReliabilityDisplay, 4.5))
    return [
        (caption, as_png(_drawing(kind, comparison), WIDTH, height))
        for caption, kind, height in kinds
    ]


def _drawing(kind: Any, comparison: ResamplerComparison) -> Callable[[Any], Any]:
    """Return a function that draws a display of the most interesting candidates into an Axes."""
    if kind is ComparisonDisplay:
        return lambda ax: kind.from_comparison(comparison, ax=ax)
    known = comparison.reliability if kind is ReliabilityDisplay else comparison.recall
    names = [name for name in of_interest(comparison, len(COLOURS)) if name in known]
    return lambda ax: kind.from_comparison(comparison, names or None, ax=ax)


def _img(picture: bytes, alt: str, kind: str = "png", more: str = "") -> str:
    """Return an HTML image that contains its own bytes."""
    encoded = base64.b64encode(picture).decode("ascii")
    return f'<img alt="{escape(alt)}" src="data:image/{kind};base64,{encoded}"{more}>'


def _photo(pixels: NDArray[Any], alt: str, more: str = "") -> str:
    """Return pixels as an HTML image in JPEG."""
    picture = io.BytesIO()
    Image.fromarray(pixels).save(picture, "JPEG", quality=85)
    return _img(picture.getvalue(), alt, "jpeg", more)


def _photos(paths: NDArray[Any], labels: NDArray[Any]) -> str:
    """Return HTML of some photos of each of the smallest classes."""
    names, counts = np.unique(labels, return_counts=True)
    lines = ["<h2>Photos of the smallest classes</h2>"]
    for which in np.argsort(counts, kind="stable")[:CLASSES]:
        name = shown(str(names[which]))
        lines += [f'<h3>{escape(name)}: {counts[which]}</h3><div class="photos">']
        for path in paths[labels == names[which]][:COLUMNS]:
            lines += [_photo(read_image(path, size=(CELL, CELL), mode="RGB"), f"photo of {name}")]
        lines += ["</div>"]
    return "".join(lines)


def show_families(
    comparison: ResamplerComparison,
    samplers: Mapping[str, Any],
    X: NDArray[Any],
    paths: NDArray[Any],
    labels: NDArray[Any],
    seed: int,
) -> str:
    """Return HTML of synthetic images of some candidates, beside the photos they are drawn from.

    Parameters
    ----------
    comparison : ResamplerComparison
        The recommended candidate comes first, then those with the highest scores.
    samplers : mapping of str to sampler
        Name of a candidate -> its sampler; samplers that make no images are skipped.
    X : ndarray of shape (n, H, W, 3)
        Thumbnails, among which parents are chosen.
    paths : ndarray of shape (n,)
        The photos, from which the images shown are drawn, larger than in the comparison.
    labels : ndarray of shape (n,)
        Their classes; the smallest ones are shown.
    seed : int
        Seed of samplers without one.

    Returns
    -------
    html : str
        Empty if no candidate makes images.
    """
    reader = partial(read_image, size=(SIDE, SIDE), mode="RGB")
    photos = FileImages(paths, rows=np.empty(0, dtype=np.intp), reader=reader)
    ranked = sorted(comparison.names, key=lambda name: -comparison.scores[name].mean())
    parts: list[str] = []
    for name in dict.fromkeys([comparison.recommended, *ranked]):
        sampler = recipes.many() if name == "many" else samplers.get(name)
        if len(parts) == DRAWERS or not _makes_images(sampler):
            continue
        sampler = seeded(sampler, seed)
        with warnings.catch_warnings():  # the comparison has reported them
            warnings.simplefilter("ignore")
            try:
                sampler.fit_resample(X, labels)
            except ValueError:  # it may fail on all photos although it did not in the folds
                continue
        if len(rows := _of_small_classes(sampler.plan_)):
            figures = "".join(_family(sampler.plan_, int(row), photos) for row in rows)
            parts += [f'<h3>{escape(shown(name))}</h3><div class="families">{figures}</div>']
    if not parts:
        return ""
    return (
        "<h2>Synthetic images, beside their parents</h2><p>From the smallest classes. The framed "
        "image is synthetic, the others are your photos, larger than the classifier saw them. "
        "Would you give it the same label?</p>" + "".join(parts)
    )


def _makes_images(sampler: Any) -> bool:
    """Return whether a sampler may make images: it, or one of its steps, has an `output_dir`."""
    if not hasattr(sampler, "fit_resample"):
        return False
    return any(key.rpartition("__")[2] == "output_dir" for key in sampler.get_params())


def _of_small_classes(plan: ResamplingPlan) -> NDArray[np.intp]:
    """Return a synthetic row of each of the smallest classes."""
    names, counts = np.unique(plan.y[plan.kind == "original"], return_counts=True)
    rows = [spread_synthetic(plan, names[at], 1) for at in np.argsort(counts, kind="stable")]
    drawn = [row[0] for row in rows if len(row) and plan.synthetic[row[0]]]
    return np.array(drawn[:FAMILIES], dtype=np.intp)


def _family(plan: ResamplingPlan, row: int, photos: FileImages) -> str:
    """Return HTML of one synthetic image after its parents, with a caption that explains it."""
    names = [os.path.splitext(os.path.basename(path))[0] for path in photos.paths]
    (base, _), *partners = plan.sources(row)
    partners.sort(key=lambda partner: -abs(partner[1]))
    parents = [base, *(at for at, _ in partners[:PARENTS])]
    pixels = np.empty((len(parents), SIDE, SIDE, 3), dtype=np.uint8)
    photos.read(np.array(parents), pixels)
    label = shown(str(plan.y[row]))
    images = [_photo(each, f"parent {names[at]}") for at, each in zip(parents, pixels, strict=True)]
    drawn = _photo(render(plan[row], photos)[0], f"synthetic {label}", ' class="drawn"')
    recipe = plan.explain(row, names).partition(" = ")[2]
    return (
        f'<figure><div class="family">{"".join(images)}<span>&rarr;</span>{drawn}</div>'
        f"<figcaption><b>{escape(label)}</b> = {escape(shown(recipe, 300))}</figcaption></figure>"
    )


DEFAULT_METHODS = ["random-over", "smote", "random-under", "policies"]
SIZE = 16
COMPARED = {name: kind for name, kind in METHODS.items() if kind is not None}
WORDS = ("many", "policies")
"""Methods that are passed to compare_resamplers as words: each is more than a sampler."""
CANDIDATES = list(COMPARED)
CANDIDATES += [
    f"{name}/{synthesis}"
    for name in CANDIDATES
    if "synthesis" in inspect.signature(COMPARED[name]).parameters
    for synthesis in SYNTHESES
]
CANDIDATES += ["policies"]
CANDIDATE = one_of(
    CANDIDATES,
    "method",
    {
        name.replace(method, COMPARED[method].__name__): name
        for name in CANDIDATES
        if (method := name.partition("/")[0]) in COMPARED
    },
)
"""Type of a method, which may be called by its name or that of its class."""


def _finish(parser: Parser, namespace: Namespace) -> None:
    """Check the methods; a folder after ``--methods``, which takes all that follows, is FOLDER."""
    methods = list(namespace.methods)
    if namespace.source is None and len(methods) > 1 and _is_folder(methods[-1]):
        namespace.source = methods.pop()
    if namespace.source is None:
        parser.error("the following arguments are required: FOLDER")
    try:
        namespace.methods = list(dict.fromkeys(map(CANDIDATE, methods)))
    except ArgumentTypeError as error:
        parser.error(f"argument --methods: {error}")


def _is_folder(text: str) -> bool:
    """Return whether an argument is no method, or is the name of an existing folder."""
    try:
        CANDIDATE(text)
    except ArgumentTypeError:
        return True
    return os.path.isdir(text)


def default_estimator() -> Any:
    """Return a linear model on the pixels of thumbnails: minutes for some thousand photos."""
    model = LogisticRegression(C=0.01, tol=1e-3, max_iter=1000)
    return make_pipeline(FlattenImages(dtype=np.float32), StandardScaler(), model)


def add_compare_command(commands: Any) -> None:
    """Add the command to the sub-parsers of ``argparse``.

    Parameters
    ----------
    commands : the object that ``ArgumentParser.add_subparsers`` returns
    """
    text = (
        "Cross-validate one classifier with and without resampling, beside class weights and "
        "prior correction, on the same folds, and report which differences are more than chance."
    )
    parser = commands.add_parser(
        "compare",
        help="measure whether resampling helps on class folders",
        description=text,
        usage="%(prog)s FOLDER [options]",
    )
    parser.finish = _finish
    parser.set_defaults(command=run_compare)
    parser.add_argument(
        "source", nargs="?", metavar="FOLDER", help="folder with one folder per class"
    )
    parser.add_argument(
        "--methods",
        nargs="+",
        default=DEFAULT_METHODS,
        metavar="METHOD",
        help=f"samplers: {', '.join(COMPARED)}; random-over/transfer for one that draws images "
        f"by another synthesis ({', '.join(SYNTHESES)}); mild, transfer, mix and many are recipes: "
        "copies altered mildly, copies deformed as other images differ, all classes "
        "redrawn by both, and every image redrawn eight times; policies is a screened mean of all "
        f"of these (default: {' '.join(DEFAULT_METHODS)})",
    )
    parser.add_argument(
        "--quick", action="store_true", help="leave out policies, by far the slowest method"
    )
    parser.add_argument(
        "--estimator",
        metavar="MODULE:OBJECT",
        help="classifier, or a function that returns one; it gets paths if it can take them "
        "(ReadImages first), else thumbnails in colour (default: logistic regression on pixels)",
    )
    parser.add_argument(
        "--size",
        type=integer(1),
        default=SIZE,
        metavar="PIXELS",
        help=f"height and width of thumbnails (default: {SIZE})",
    )
    parser.add_argument(
        "--metric",
        default="balanced_accuracy",
        help="scorer of scikit-learn (default: %(default)s)",
    )
    parser.add_argument(
        "--folds",
        type=integer(2),
        default=5,
        metavar="N",
        help="maximum number of folds (default: 5)",
    )
    parser.add_argument(
        "--repeats",
        type=integer(1),
        default=2,
        metavar="N",
        help="how often folds are drawn (default: 2)",
    )
    parser.add_argument(
        "--groups",
        metavar="GROUPS",
        help=f"what must stay in one fold: {GROUPS}; equal files always do",
    )
    parser.add_argument(
        "--classes", type=names, metavar="NAMES", help="take these class folders only, e.g. cat,dog"
    )
    add_on_error(parser)
    parser.add_argument("--report", metavar="FILE", help="also write one HTML file with pictures")
    parser.add_argument("--force", action="store_true", help="replace an existing report")
    parser.add_argument(
        "--seed", type=SEED, default=0, metavar="N", help="seed of all draws (default: 0)"
    )
    parser.add_argument(
        "--n-jobs", type=n_jobs, metavar="N", default=-1, help="processes (default: one per core)"
    )
    add_max_pixels(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def run_compare(
    source: str,
    *,
    methods: list[str],
    quick: bool,
    estimator: str | None,
    size: int,
    metric: str,
    folds: int,
    repeats: int,
    groups: str | None,
    classes: list[str] | None,
    on_error: str,
    report: str | None,
    seed: int,
    n_jobs: int,
    json: bool,
    quiet: bool,
    force: bool = False,
) -> None:
    """Compare methods on class folders, print the table, and write the report.

    Raises
    ------
    ValueError, FileNotFoundError
        If files cannot be used, a class has one image, or the estimator cannot be imported or
        fails; if the source holds synthetic images, which no folds can keep apart from the photos
        they show; if the report would lie in the source.
    FileExistsError
        If the report exists, without `force`.
    KeyboardInterrupt
        If interrupted, after the results of complete folds have been printed.
    """
    if report is not None:
        _check_writable(report, source, force)
        require_matplotlib()
    model = default_estimator() if estimator is None else import_estimator(estimator)
    together = None if groups is None else read_groups(groups)
    verbose = int(not quiet)
    takes_paths = takes_of(model)[1]
    kept = read_source(
        source,
        classes=classes,
        on_error=on_error,
        hash_pixels=needs_pixels(together),
        mode=None if takes_paths else "RGB",
        n_jobs=n_jobs,
        verbose=verbose,
    )
    check_twins(kept, kept.records.first_equals())
    paths, labels = np.array(kept.paths, dtype=np.str_), np.array(kept.labels, dtype=np.str_)
    members, notes = _together(kept, together, groups)
    splits, reduced = draw_folds(labels, members, folds, repeats, seed)
    methods = [name for name in methods if not (quick and name == "policies")]
    samplers, adapted = _samplers(methods, labels, splits)
    reader = ReadImages(size=(size, size), mode="RGB", n_jobs=n_jobs)
    thumbnails: Any = reader.fit_transform(paths) if report or not takes_paths else None
    # BLAS gets one thread: on a busy machine two of them can be ten times slower.
    with threadpool_limits(1), _workers(estimator):
        comparison = compare_resamplers(
            model,
            samplers,
            paths if takes_paths else thumbnails,
            labels,
            cv=splits,
            groups=members,
            scoring=metric,
            n_jobs=n_jobs,
            random_state=seed,
            verbose=verbose,
        )
    skipped = [f"skipped: {kept.relative(bad.path)}: {bad.error}" for _, bad in kept.broken]
    if estimator is None:
        caveat = f"the classifier sees {size} x {size} pixels; another may give another answer"
        adapted = [*adapted, f"{caveat}: --estimator, --size"]
    known = (*kept.notes, *skipped, *notes, *reduced, *adapted)
    comparison = replace(comparison, notes=(*known, *comparison.notes))
    if json:
        say(comparison.to_json())
    else:
        say_report(as_text(comparison, all_classes="--json", width=screen_width()))
    if report is not None:
        families = show_families(comparison, samplers, thumbnails, paths, labels, seed)
        write_report(
            comparison, report, paths, labels, title=source, families=families, replace=force
        )
    if comparison.interrupted:
        raise KeyboardInterrupt


def _workers(estimator: str | None) -> AbstractContextManager[Any]:
    """Return a context in which worker processes can import the module of the user's estimator."""
    if estimator is None:
        return nullcontext()
    return parallel_config("loky", initializer=_look_in, initargs=(os.getcwd(),))


def _look_in(folder: str) -> None:
    """Make modules in a folder importable; run in each worker process."""
    sys.path.append(folder)


def _together(
    kept: Source, groups: Any, called: str | None
) -> tuple[NDArray[np.intp] | None, list[str]]:
    """Return the group of each file, None if each is one of its own, and notes on the groups."""
    contents = bound_together(kept).tolist()
    n_copies = len(contents) - len(set(contents))
    notes = [f"copies stay in one fold with their originals: {n_copies}"] if n_copies else []
    if groups is None and not n_copies:
        return None, []
    named = resolve_groups(kept, groups) if groups is not None else range(len(contents))
    members = merge_groups(named, contents)
    if groups is not None:
        n_groups = len(np.unique(members))
        notes.append(f"{counted(len(members), 'file')} in {counted(n_groups, 'group')} ({called})")
    return members, notes


def _samplers(
    methods: list[str], labels: NDArray[np.str_], splits: list[Any]
) -> tuple[dict[str, Any], list[str]]:
    """Return the samplers, with fewer neighbours where the smallest class needs it, and notes."""
    smallest = min(np.unique(labels[train], return_counts=True)[1].min() for train, _ in splits)
    samplers: dict[str, Any] = {}
    notes = []
    for name in methods:
        if name in WORDS:
            samplers[name] = name
            continue
        method, _, synthesis = name.partition("/")
        samplers[name] = sampler = COMPARED[method]()
        if synthesis:
            sampler.set_params(synthesis=SYNTHESES[synthesis])
        if sampler.get_params(deep=False).get("smote", "") is None:
            sampler.set_params(
                smote=SMOTE()
            )  # its own default, made explicit so that k_neighbors can be set
        wanted = [key for key in sampler.get_params() if key.endswith("k_neighbors")]
        for key in wanted:
            requested = sampler.get_params()[key]
            if isinstance(requested, int) and 1 < smallest <= requested:
                sampler.set_params(**{key: int(smallest) - 1})
                neighbours = counted(int(smallest) - 1, "neighbour")
                notes.append(f"{name} with {neighbours} instead of {requested}")
    return samplers, notes


def _check_writable(report: str, source: str, force: bool) -> None:
    """Raise if the report cannot be written, or would be written into the source."""
    folder = os.path.dirname(report)
    if not os.path.basename(report):
        raise ValueError(f"--report must name a file, got {report!r}.")
    if folder and not os.path.isdir(folder):
        raise FileNotFoundError(f"{report}: the folder {folder} does not exist. Create it first.")
    # Neither the path itself nor the target of a link there may lie in the source.
    if relation := where_they_meet(source, report):
        raise ValueError(f"{report} {relation}, which is only read. Name another place.")
    check_replaceable(report, force)
