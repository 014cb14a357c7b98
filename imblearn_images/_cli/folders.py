"""Commands for class folders: inspect, balance, unbalance and verify."""

from __future__ import annotations

import argparse
import inspect
import os
from collections.abc import Mapping
from typing import Any

from imblearn.over_sampling.base import BaseOverSampler

from imblearn_images import folders
from imblearn_images._cli import arguments, boxes
from imblearn_images._cli.arguments import GROUPS, Parser
from imblearn_images._cli.console import say, say_report
from imblearn_images._cli.words import METHOD, METHODS, SYNTHESES, SYNTHESES_OF_OBJECTS, read_groups
from imblearn_images.combine import SMOTEENN, SMOTETomek
from imblearn_images.core.text import counted, screen_width
from imblearn_images.over_sampling import SMOTE
from imblearn_images.strategies import LongTail, Staircase, Step, add_fraction, parse_strategy

__all__ = ["add_folder_commands"]


def add_folder_commands(commands: Any) -> None:
    """Add the commands to the sub-parsers of :mod:`argparse`.

    Parameters
    ----------
    commands : the object that ``ArgumentParser.add_subparsers`` returns
    """
    _add_inspect(commands)
    _add_balance(commands)
    _add_unbalance(commands)
    _add_verify(commands)


def _add_inspect(commands: Any) -> None:
    parser = _command(
        commands, "inspect", _inspect, "report on class folders: counts, sizes, modes, bad files"
    )
    parser.add_argument("source", metavar="FOLDER", help="folder with one folder per class")
    parser.add_argument(
        "--near",
        action=argparse.BooleanOptionalAction,
        help="look for near-duplicates (default: where ImageHash is installed)",
    )
    _add_classes(parser)
    boxes.add_boxes(parser)
    arguments.add_max_pixels(parser)
    arguments.add_common(parser)


def _add_balance(commands: Any) -> None:
    parser = _command(
        commands, "balance", _balance, "split class folders, resample the training part, write it"
    )
    parser.add_argument("source", metavar="FOLDER", help="folder with one folder per class")
    parser.add_argument("output", metavar="OUTPUT", help="new folder")
    parser.add_argument(
        "--method",
        type=METHOD,
        default="random-over",
        metavar="METHOD",
        help=f"sampler: {', '.join(METHODS)} (default: random-over); mild, transfer and mix are "
        "recipes that draw another image for every copy",
    )
    parser.add_argument(
        "--strategy",
        metavar="TEXT",
        help='"auto", "at least 200", "at most 200", "at most ratio 3", "multiply 1.5", '
        '"by hierarchy --" for names such as defect--dent, or {"class": n} as JSON (default: auto)',
    )
    parser.add_argument(
        "--add",
        metavar="CLASS=FRACTION",
        action="append",
        type=arguments.addition,
        help="add a fraction of its own size to a class, e.g. Lime=0.5; repeat for more",
    )
    parser.add_argument(
        "--k-neighbors",
        type=arguments.integer(1),
        metavar="N",
        help="number of neighbours, for methods that use them",
    )
    parser.add_argument(
        "--synthesis",
        type=arguments.one_of({**SYNTHESES, **SYNTHESES_OF_OBJECTS}, "synthesis"),
        metavar="SYNTHESIS",
        help=f"how methods that add images draw them: {', '.join(SYNTHESES)}; with --boxes also "
        f"{' and '.join(SYNTHESES_OF_OBJECTS)} (default: copies, or blends of neighbours)",
    )
    parser.add_argument(
        "--validation", type=float, metavar="SHARE", help="0 for none (default: 0.2)"
    )
    parser.add_argument(
        "--groups",
        metavar="GROUPS",
        help=f"what must stay on one side of the split: {GROUPS}",
    )
    parser.add_argument(
        "--mode",
        choices=("L", "RGB", "RGBA"),
        help="mode in which files are read where pixels are mixed",
    )
    parser.add_argument(
        "--size",
        type=arguments.integer(1),
        metavar="PIXELS",
        help="maximum longer side of drawn images; copies keep theirs",
    )
    parser.add_argument(
        "--format",
        choices=("png", "jpeg", "webp"),
        help="format of drawn images (default: without loss, PNG or TIFF)",
    )
    parser.add_argument(
        "--quality",
        type=arguments.integer(1, 100),
        metavar="N",
        help="quality of jpeg and webp (default: 90)",
    )
    parser.add_argument("--plot", action="store_true", help="also write a chart and some images")
    boxes.add_boxes_of_balance(parser)
    _add_writing(parser)
    arguments.add_common(parser)


def _add_unbalance(commands: Any) -> None:
    parser = _command(
        commands,
        "unbalance",
        _unbalance,
        "write a copy of class folders cut to an imbalance profile",
    )
    parser.add_argument("source", metavar="FOLDER", help="folder with one folder per class")
    parser.add_argument("output", metavar="OUTPUT", help="new folder")
    parser.add_argument("--profile", choices=("long-tail", "step", "staircase"), required=True)
    parser.add_argument(
        "--ratio", type=float, default=10, help="long-tail, step: largest / smallest (default: 10)"
    )
    parser.add_argument(
        "--minority", type=float, default=0.5, help="step: share of classes cut (default: 0.5)"
    )
    parser.add_argument(
        "--step",
        type=arguments.integer(1),
        default=10,
        help="staircase: images per stair (default: 10)",
    )
    _add_writing(parser)
    arguments.add_common(parser)


def _add_verify(commands: Any) -> None:
    parser = _command(commands, "verify", _verify, "check a written folder against its manifest")
    parser.add_argument(
        "output", metavar="FOLDER", help="folder that balance, unbalance or convert wrote"
    )
    parser.add_argument("--source", metavar="FOLDER", help="also compare with the source")
    arguments.add_common(parser)


def _command(commands: Any, name: str, run: Any, text: str) -> Parser:
    """Add a sub-command that calls `run`, and return its parser."""
    parser: Parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(command=run)
    return parser


def _add_writing(parser: Parser) -> None:
    """Add the options of commands that write a folder."""
    parser.add_argument(
        "--layout",
        choices=("folders", "csv"),
        default="folders",
        help="class folders, or one folder and labels.csv (default: folders)",
    )
    parser.add_argument(
        "--link",
        choices=("copy", "hard", "symlink", "rows"),
        default="copy",
        help="copies, links, or rows of labels.csv only (default: copy)",
    )
    parser.add_argument(
        "--manifest",
        choices=("jsonl", "parquet"),
        default="jsonl",
        help="what every file is made from: lines of JSON, or Parquet, a fifth of "
        "the size, which needs pyarrow (default: jsonl)",
    )
    arguments.add_on_error(parser)
    parser.add_argument(
        "--on-empty",
        choices=("raise", "keep"),
        default="raise",
        help="classes that a method would empty: stop, or keep their images (default: raise)",
    )
    parser.add_argument(
        "--keep-split",
        action="store_true",
        help="FOLDER holds train and valid or test: resample train, copy the others as they are",
    )
    _add_classes(parser)
    parser.add_argument(
        "--seed",
        type=arguments.SEED,
        default=0,
        dest="random_state",
        help="seed of all draws (default: 0)",
    )
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run")
    parser.add_argument("--dry-run", action="store_true", help="only report what would be written")
    arguments.add_max_pixels(parser)


def _add_classes(parser: Parser) -> None:
    parser.add_argument(
        "--classes",
        type=arguments.names,
        metavar="NAMES",
        help="take these class folders only, e.g. cat,dog (a name with a comma: '\"a,b\",c')",
    )


def _inspect(source: str, *, near: bool | None, classes: list[str] | None, **common: Any) -> None:
    if boxes.wants_boxes(common):
        boxes.inspect_boxes(source, {"near": near, "classes": classes, **common})
        return
    _print(
        folders.inspect_folder(source, near=near, classes=classes, **arguments.threads(common)),
        common,
    )


def _balance(source: str, output: str, **options: Any) -> None:
    if boxes.wants_boxes(options):
        boxes.balance_boxes(source, output, options)
        return
    for name in ("boxes", "max_repeats", "out_format"):
        del options[name]
    _balance_folder(source, output, **options)


def _balance_folder(
    source: str,
    output: str,
    *,
    method: str,
    strategy: str | None,
    add: list[tuple[str, float]] | None,
    k_neighbors: int | None,
    synthesis: str | None,
    groups: str | None,
    json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    sampler = _sampler(method, strategy, add, k_neighbors, synthesis)
    options["groups"] = None if groups is None else read_groups(groups)
    common = {"json": json, "quiet": quiet, "n_jobs": options.pop("n_jobs")}
    report = folders.balance_folder(
        source, output, sampler=sampler, **options, **arguments.threads(common)
    )
    _print(report, common)


def _sampler(
    method: str,
    strategy: str | None,
    add: list[tuple[str, float]] | None,
    k_neighbors: int | None,
    synthesis: str | None,
) -> Any:
    """Return the sampler that the options describe; None for "none"."""
    kind = METHODS[method]
    if kind is None:
        if strategy or add or synthesis or k_neighbors is not None:
            raise ValueError(
                "--method none resamples nothing. Leave out the options of resampling."
            )
        return None
    if synthesis in SYNTHESES_OF_OBJECTS:
        raise ValueError(f"--synthesis {synthesis} needs --boxes. Add --boxes auto.")
    if strategy and add:
        raise ValueError("--strategy and --add exclude each other. Use one of them.")
    combined = kind in (SMOTEENN, SMOTETomek)
    known = inspect.signature(kind).parameters
    is_recipe = not isinstance(kind, type)
    over = is_recipe or issubclass(kind, BaseOverSampler) or combined
    parameters: dict[str, Any] = {}
    if add:
        if not over:
            raise ValueError(f"--add needs a method that adds images, got {method}.")
        parameters["sampling_strategy"] = add_fraction(dict(add))
    elif strategy:
        parameters["sampling_strategy"] = parse_strategy(
            strategy, sampling="over" if over else "under"
        )
    if synthesis is not None:
        if "synthesis" not in known:
            needed = "has no synthesis of its own" if is_recipe else "draws images"
            raise ValueError(f"--synthesis needs a method that {needed}, got {method}.")
        parameters["synthesis"] = SYNTHESES[synthesis]
    if k_neighbors is not None and combined:
        # A SMOTE that is passed has its own strategy; that of the outer sampler is then ignored.
        parameters["smote"] = SMOTE(
            sampling_strategy=parameters.pop("sampling_strategy", "auto"), k_neighbors=k_neighbors
        )
    elif k_neighbors is not None:
        if "k_neighbors" not in known:
            raise ValueError(
                f"--k-neighbors needs a method that looks for neighbours, got {method}."
            )
        parameters["k_neighbors"] = k_neighbors
    return kind(**parameters)


def _unbalance(
    source: str,
    output: str,
    *,
    profile: str,
    ratio: float,
    minority: float,
    step: int,
    json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    profiles: Mapping[str, Any] = {
        "long-tail": lambda: LongTail(ratio),
        "step": lambda: Step(ratio, minority),
        "staircase": lambda: Staircase(step),
    }
    common = {"json": json, "quiet": quiet, "n_jobs": options.pop("n_jobs")}
    cut = folders.unbalance_folder(
        source, output, profiles[profile](), **options, **arguments.threads(common)
    )
    _print(cut, common)


def _verify(output: str, *, source: str | None, **common: Any) -> None:
    if os.path.isfile(os.path.join(output, "manifest.json")):  # class folders have another one
        boxes.verify_boxes(output, source, common)
        return
    report = folders.verify_folder(output, source=source, **arguments.threads(common))
    if not report and not common["json"]:
        raise ValueError(str(report))
    _print(report, common)
    if not report:
        raise ValueError(f"{output} differs from its manifest.")


def _print(report: Any, common: Mapping[str, Any]) -> None:
    """Print a report as text, or as JSON with ``--json``."""
    if common["json"]:
        say(report.to_json())
        return
    fits = hasattr(report, "to_text")
    say_report(report.to_text(screen_width()) if fits else str(report))
    if isinstance(report, folders.FolderReport) and not report.dry_run:
        held = counted(report.n_valid, "validation row")
        held += f" and {counted(report.n_test, 'test row')}" if report.n_test else ""
        say(
            f"{held} first, then {counted(report.n_train, 'training row')}; {report.manifest} says "
            "what each is made from"
        )
