"""The command compare: whether resampling helps, on class folders of photos."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentTypeError, Namespace
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
from imblearn.pipeline import make_pipeline as make_sampler
from joblib import parallel_config
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from imblearn_images._console import say, say_report
from imblearn_images._estimators import import_estimator
from imblearn_images.arguments import SEED, Parser, add_max_pixels, integer, n_jobs, names, one_of
from imblearn_images.combine import SMOTEENN, SMOTETomek
from imblearn_images.commands import GROUPS, METHODS, SYNTHESES, add_on_error
from imblearn_images.core.apart import where_they_meet
from imblearn_images.core.splitting import merge_groups
from imblearn_images.core.subsets import takes_of
from imblearn_images.core.wording import counted, screen_width
from imblearn_images.display.drawing import require_matplotlib
from imblearn_images.folders.grouping import needs_pixels, read_groups, resolve_groups
from imblearn_images.folders.source import Source, bound_together, check_twins, read_source
from imblearn_images.model_selection import compare_resamplers
from imblearn_images.model_selection.folds import draw_folds
from imblearn_images.model_selection.reporting import check_replaceable, write_report
from imblearn_images.model_selection.tables import as_text
from imblearn_images.over_sampling import SMOTE, RandomOverSampler, RedrawImages
from imblearn_images.preprocessing import FlattenImages, ReadImages
from imblearn_images.synthesis import Augment, TransferDeformation

__all__ = ["add_compare_command"]

DEFAULT_METHODS = ["random-over", "smote", "random-under"]
SIZE = 16
COMPARED = {name: kind for name, kind in METHODS.items() if kind is not None} | {
    "smoteenn": SMOTEENN,
    "smotetomek": SMOTETomek,
}
CANDIDATES = list(COMPARED)
CANDIDATES += [
    f"{name}/{synthesis}"
    for name in CANDIDATES
    if "synthesis" in COMPARED[name]().get_params(deep=False)
    for synthesis in SYNTHESES
]
CANDIDATES += ["mix"]
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
    """Take FOLDER back from ``--methods``, which ends only at an option; check the methods."""
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
    try:
        CANDIDATE(text)
    except ArgumentTypeError:
        return True
    return os.path.isdir(text)


def default_estimator() -> Any:
    """A linear model on the pixels of thumbnails: minutes for some thousand photos."""
    model = LogisticRegression(C=0.01, tol=1e-3, max_iter=1000)
    return make_pipeline(FlattenImages(dtype=np.float32), StandardScaler(), model)


def mix(seed: int) -> Any:
    """Samplers that redraw half of every class by deformations, then augment mildly.

    What did best in the table of the README. Two seeds: with one, both would redraw the same.
    """
    return make_sampler(
        RandomOverSampler(random_state=seed),
        RedrawImages(TransferDeformation(donors="all"), share=0.5, random_state=seed),
        RedrawImages(Augment(), share=0.4, random_state=(seed + 1) % (1 << 32)),
    )


def add_compare_command(commands: Any) -> None:
    """Add the command to the sub-parsers of ``argparse``.

    Parameters
    ----------
    commands : the object that ``ArgumentParser.add_subparsers`` returns
    """
    text = (
        "Cross-validate one classifier with and without resampling, beside class weights and "
        "prior correction, on the same folds, and say what can be told from them."
    )
    parser = commands.add_parser(
        "compare",
        help="does resampling help, on these class folders",
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
        f"by another synthesis ({', '.join(SYNTHESES)}); mix for half of every class redrawn by "
        f"transfer, then augmented (default: {' '.join(DEFAULT_METHODS)})",
    )
    parser.add_argument(
        "--estimator",
        metavar="MODULE:OBJECT",
        help="classifier, or a function that makes one; it is given paths if it takes them "
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
        "--folds", type=integer(2), default=5, metavar="N", help="at most (default: 5)"
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
    parser.add_argument("--force", action="store_true", help="replace the report that is there")
    parser.add_argument(
        "--seed", type=SEED, default=0, metavar="N", help="of all draws (default: 0)"
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
    """Compare on class folders, print the table, write the report.

    Raises
    ------
    ValueError, FileNotFoundError
        For files that cannot be used, a class of one image, an estimator that cannot be
        imported or fails; for drawn images of an output of this package, which no folds keep
        apart from the photos they show; for a report that lies in the source.
    FileExistsError
        For a report that is there, without `force`.
    KeyboardInterrupt
        After printing what is known by then.
    """
    if report is not None:
        _check_writable(report, source, force)
        require_matplotlib()
    model = default_estimator() if estimator is None else import_estimator(estimator)
    together = None if groups is None else read_groups(groups)
    verbose = int(sys.stderr.isatty() and not quiet)
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
    samplers, adapted = _samplers(methods, labels, splits, seed)
    reader = ReadImages(size=(size, size), mode="RGB", n_jobs=n_jobs)
    # on a busy machine two BLAS threads can be ten times slower
    with threadpool_limits(1), _workers(estimator):
        comparison = compare_resamplers(
            model,
            samplers,
            paths if takes_paths else reader.fit_transform(paths),
            labels,
            cv=splits,
            groups=members,
            scoring=metric,
            n_jobs=n_jobs,
            random_state=seed,
            verbose=verbose,
        )
    skipped = [f"skipped: {kept.relative(bad.path)}: {bad.error}" for _, bad in kept.broken]
    known = (*kept.notes, *skipped, *notes, *reduced, *adapted)
    comparison = replace(comparison, notes=(*known, *comparison.notes))
    if json:
        say(comparison.to_json())
    else:
        say_report(as_text(comparison, all_classes="--json", width=screen_width()))
    if report is not None:
        write_report(comparison, report, paths, labels, title=source, replace=force)
    if comparison.interrupted:
        raise KeyboardInterrupt


def _workers(estimator: str | None) -> AbstractContextManager[Any]:
    """Let worker processes find the module of the user's estimator; this one has it already."""
    if estimator is None:
        return nullcontext()
    return parallel_config("loky", initializer=_look_in, initargs=(os.getcwd(),))


def _look_in(folder: str) -> None:
    sys.path.append(folder)


def _together(
    kept: Source, groups: Any, called: str | None
) -> tuple[NDArray[np.intp] | None, list[str]]:
    """Groups of files that stay in one fold, or None where every file is on its own."""
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
    methods: list[str], labels: NDArray[np.str_], splits: list[Any], seed: int
) -> tuple[dict[str, Any], list[str]]:
    """Samplers with as many neighbours as the smallest class has in every training part."""
    least = min(np.unique(labels[train], return_counts=True)[1].min() for train, _ in splits)
    samplers, notes = {}, []
    for name in methods:
        method, _, synthesis = name.partition("/")
        samplers[name] = sampler = mix(seed) if name == "mix" else COMPARED[method]()
        if synthesis:
            sampler.set_params(synthesis=SYNTHESES[synthesis])
        if sampler.get_params(deep=False).get("smote", "") is None:
            sampler.set_params(smote=SMOTE())  # what it makes itself, where it can be set
        wanted = [key for key in sampler.get_params() if key.endswith("k_neighbors")]
        for key in wanted:
            asked = sampler.get_params()[key]
            if isinstance(asked, int) and 1 < least <= asked:
                sampler.set_params(**{key: int(least) - 1})
                neighbours = counted(int(least) - 1, "neighbour")
                notes.append(f"{name} with {neighbours} instead of {asked}")
    return samplers, notes


def _check_writable(report: str, source: str, force: bool) -> None:
    folder = os.path.dirname(report)
    if not os.path.basename(report):
        raise ValueError(f"--report must name a file, got {report!r}.")
    if folder and not os.path.isdir(folder):
        raise FileNotFoundError(f"{report}: there is no folder {folder}, create it first")
    # as it is named, and where a link in its place would lead: both are somebody's
    if relation := where_they_meet(source, report):
        raise ValueError(f"{report} {relation}, which is only read: name another place")
    check_replaceable(report, force)
