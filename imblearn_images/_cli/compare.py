"""The command ``compare``: cross-validate one classifier with and without resampling."""

from __future__ import annotations

import inspect
import os
from argparse import ArgumentTypeError, Namespace
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from imblearn_images._cli import arguments
from imblearn_images._cli.arguments import Parser
from imblearn_images._cli.console import say, say_report
from imblearn_images._cli.estimators import import_estimator, workers_that_import
from imblearn_images._cli.report import check_writable, show_families, write_report
from imblearn_images._cli.words import METHODS, SYNTHESES, read_groups
from imblearn_images.core.estimators import takes_of
from imblearn_images.core.splitting import merge_groups
from imblearn_images.core.text import counted, screen_width
from imblearn_images.display._canvas import require_matplotlib
from imblearn_images.folders import _splitting as splitting
from imblearn_images.folders._source import Source, read_source
from imblearn_images.model_selection._comparing import compare_resamplers
from imblearn_images.model_selection._comparison import as_text
from imblearn_images.model_selection._folds import draw_folds
from imblearn_images.over_sampling import SMOTE
from imblearn_images.preprocessing import FlattenImages, ReadImages

__all__ = ["add_compare_command", "run_compare"]


DEFAULT_METHODS = ["random-over", "smote", "random-under", "policies"]
SIZE = 16
COMPARED = {name: kind for name, kind in METHODS.items() if kind is not None}
WORDS = ("many", "pair", "policies")
"""Methods that are passed to compare_resamplers as words: each is more than a sampler."""
CANDIDATES = list(COMPARED)
CANDIDATES += [
    f"{name}/{synthesis}"
    for name in CANDIDATES
    if "synthesis" in inspect.signature(COMPARED[name]).parameters
    for synthesis in SYNTHESES
]
CANDIDATES += ["pair", "policies"]
CANDIDATE = arguments.one_of(
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
        "redrawn by both, and every image redrawn eight times; pair is the mean of many and prior "
        "correction, policies a screened mean of prior correction, class weights and these four "
        f"(default: {' '.join(DEFAULT_METHODS)})",
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
        type=arguments.integer(1),
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
        type=arguments.integer(2),
        default=5,
        metavar="N",
        help="maximum number of folds (default: 5)",
    )
    parser.add_argument(
        "--repeats",
        type=arguments.integer(1),
        default=2,
        metavar="N",
        help="how often folds are drawn (default: 2)",
    )
    parser.add_argument(
        "--groups",
        metavar="GROUPS",
        help=f"what must stay in one fold: {arguments.GROUPS}; equal files always do",
    )
    parser.add_argument(
        "--classes",
        type=arguments.names,
        metavar="NAMES",
        help="take these class folders only, e.g. cat,dog",
    )
    arguments.add_on_error(parser)
    parser.add_argument("--report", metavar="FILE", help="also write one HTML file with pictures")
    parser.add_argument("--force", action="store_true", help="replace an existing report")
    parser.add_argument(
        "--seed", type=arguments.SEED, default=0, metavar="N", help="seed of all draws (default: 0)"
    )
    parser.add_argument(
        "--n-jobs",
        type=arguments.n_jobs,
        metavar="N",
        default=-1,
        help="processes (default: one per core)",
    )
    arguments.add_max_pixels(parser)
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
    # Now, and not after hours of training.
    if report is not None:
        check_writable(report, source, force)
        require_matplotlib()
    model = default_estimator() if estimator is None else import_estimator(estimator)
    together = None if groups is None else read_groups(groups)
    verbose = int(not quiet)
    takes_paths = takes_of(model)[1]
    kept = read_source(
        source,
        classes=classes,
        on_error=on_error,
        hash_pixels=splitting.needs_pixels(together),
        # Thumbnails are in colour: files that cannot be read so are named before anything is
        # trained.
        mode=None if takes_paths else "RGB",
        n_jobs=n_jobs,
        verbose=verbose,
    )
    splitting.check_twins(kept)
    paths, labels = np.array(kept.paths, dtype=np.str_), np.array(kept.labels, dtype=np.str_)
    members, notes = _together(kept, together, groups)
    splits, reduced = draw_folds(labels, members, folds, repeats, seed)
    methods = [name for name in methods if not (quick and name == "policies")]
    samplers, adapted = _samplers(methods, labels, splits)
    reader = ReadImages(size=(size, size), mode="RGB", n_jobs=n_jobs)
    thumbnails: Any = reader.fit_transform(paths) if report or not takes_paths else None
    # BLAS gets one thread: on a busy machine two of them can be ten times slower.
    with threadpool_limits(1), workers_that_import(estimator):
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


def _together(
    kept: Source, groups: Any, called: str | None
) -> tuple[NDArray[np.intp] | None, list[str]]:
    """Return the group of each file, None if each is one of its own, and notes on the groups."""
    contents = splitting.bound_together(kept).tolist()
    n_copies = len(contents) - len(set(contents))
    notes = [f"copies stay in one fold with their originals: {n_copies}"] if n_copies else []
    if groups is None and not n_copies:
        return None, []
    named = splitting.resolve_groups(kept, groups) if groups is not None else range(len(contents))
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
            # Its own default, made explicit so that k_neighbors can be set.
            sampler.set_params(smote=SMOTE())
        wanted = [key for key in sampler.get_params() if key.endswith("k_neighbors")]
        for key in wanted:
            requested = sampler.get_params()[key]
            if isinstance(requested, int) and 1 < smallest <= requested:
                sampler.set_params(**{key: int(smallest) - 1})
                neighbours = counted(int(smallest) - 1, "neighbour")
                notes.append(f"{name} with {neighbours} instead of {requested}")
    return samplers, notes
