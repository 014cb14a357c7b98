"""Commands for data sets with boxes: inspect, balance and verify with --boxes, and convert."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import imblearn_images.annotations as boxed
from imblearn_images._cli import arguments
from imblearn_images._cli.arguments import Parser
from imblearn_images._cli.console import say, say_report
from imblearn_images._cli.words import SYNTHESES, SYNTHESES_OF_OBJECTS, read_groups
from imblearn_images.core.text import screen_width
from imblearn_images.strategies import parse_strategy

__all__ = [
    "add_boxes",
    "add_boxes_of_balance",
    "add_convert",
    "balance_boxes",
    "inspect_boxes",
    "verify_boxes",
    "wants_boxes",
]

FORMATS = ("auto", "coco", "csv", "voc", "yolo")
REPEATS = 10


def add_boxes(parser: Parser) -> None:
    """Add ``--boxes`` to a command that otherwise takes class folders."""
    parser.add_argument(
        "--boxes",
        choices=FORMATS,
        help="FOLDER holds annotations of this format, not class folders; auto: guess which",
    )
    parser.add_argument(
        "--max-repeats",
        type=arguments.integer(1, 10_000),
        metavar="N",
        help=f"with --boxes: maximum number of times an image is used (default: {REPEATS})",
    )


def add_boxes_of_balance(parser: Parser) -> None:
    """Add the options for balancing objects."""
    add_boxes(parser)
    parser.add_argument(
        "--out-format",
        choices=FORMATS[1:],
        help="with --boxes: format of OUTPUT (default: that of FOLDER)",
    )


def add_convert(commands: Any) -> None:
    """Add the command that converts annotations to another format."""
    text = "write a data set with boxes in another format: coco, csv, voc, yolo"
    parser: Parser = commands.add_parser("convert", help=text, description=text)
    parser.set_defaults(command=_convert)
    parser.add_argument("source", metavar="FOLDER", help="folder, or the file that describes it")
    parser.add_argument("output", metavar="OUTPUT", help="new folder")
    parser.add_argument(
        "--from", choices=FORMATS, default="auto", dest="format", help="(default: auto, guess)"
    )
    parser.add_argument("--to", choices=FORMATS[1:], required=True, dest="out_format")
    parser.add_argument(
        "--link", choices=("copy", "hard"), default="copy", help="of images (default: copy)"
    )
    arguments.add_on_error(parser)
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run")
    arguments.add_common(parser)
    arguments.add_max_pixels(parser)


def wants_boxes(options: Mapping[str, Any]) -> bool:
    """Return whether ``--boxes`` was passed; raise a ValueError for options that need it."""
    if options.get("boxes"):
        return True
    for name in ("max_repeats", "out_format"):
        if options.get(name) is not None:
            option = f"--{name.replace('_', '-')}"
            raise ValueError(f"{option} needs --boxes. Add --boxes auto, or leave {option} out.")
    return False


def inspect_boxes(source: str, options: Mapping[str, Any]) -> None:
    """Report what a data set with boxes holds."""
    _refuse(options, {"near", "classes"})
    found = boxed.read_annotations(
        source, format=_format(options["boxes"]), on_error="skip", **arguments.threads(options)
    )
    report = boxed.inspect_annotations(found, max_repeats=options["max_repeats"] or REPEATS)
    _print(report, options)


def balance_boxes(source: str, output: str, options: Mapping[str, Any]) -> None:
    """Balance a data set with boxes, and print the report."""
    # These always have a value: only another one shows that the option was passed.
    defaults = {"manifest": "jsonl", "layout": "folders", "link": "copy", "on_empty": "raise"}
    _refuse(
        {**options, **{name: options[name] != usual for name, usual in defaults.items()}},
        {"add", "k_neighbors", "mode", "size", "format", "quality", "plot", "classes"}
        | {"keep_split", *defaults},
    )
    if options["method"] != "random-over":
        raise ValueError(
            f"--method {options['method']} cannot balance objects. Leave it out with --boxes."
        )
    known = {**SYNTHESES, **SYNTHESES_OF_OBJECTS}
    strategy = options["strategy"]
    validation = options["validation"]
    report = boxed.balance_annotations(
        source,
        output,
        format=_format(options["boxes"]),
        out_format=options["out_format"],
        sampling_strategy=parse_strategy(strategy, sampling="over") if strategy else "auto",
        max_repeats=options["max_repeats"] or REPEATS,
        synthesis=known[options["synthesis"]] if options["synthesis"] else None,
        validation=0.2 if validation is None else validation,
        groups=None if options["groups"] is None else read_groups(options["groups"]),
        random_state=options["random_state"],
        on_error=options["on_error"],
        resume=options["resume"],
        dry_run=options["dry_run"],
        **arguments.threads(options),
    )
    _print(report, options)


def verify_boxes(output: str, source: str | None, options: Mapping[str, Any]) -> None:
    """Check an output against its manifest, and print the report."""
    report = boxed.verify_annotations(output, source=source, **arguments.threads(options))
    if not report and not options["json"]:
        raise ValueError(f"{output} differs from its manifest. {report}")
    _print(report, options)
    if not report:
        raise ValueError(f"{output} differs from its manifest.")


def _convert(
    source: str,
    output: str,
    *,
    format: str,  # noqa: A002
    link: str,
    json: bool,
    out_format: str,
    on_error: str,
    resume: bool,
    **common: Any,
) -> None:
    """Convert annotations to another format, and print what was written."""
    found = boxed.convert_annotations(
        source,
        output,
        format=_format(format),
        out_format=out_format,
        link=link == "hard",
        on_error=on_error,
        resume=resume,
        **arguments.threads(common),
    )
    if json:
        _print(boxed.inspect_annotations(found), {"json": True})
        return
    say(f"{found!r}")
    say(f"written to {output} as {out_format}")


def _format(text: str) -> str | None:
    """Return a format, None for "auto"."""
    return None if text == "auto" else text


def _refuse(options: Mapping[str, Any], names: set[str]) -> None:
    """Raise a ValueError if one of these options was passed, which only class folders have."""
    for name in sorted(names):
        if options.get(name) not in (None, False, []):
            option = f"--{name.replace('_', '-')}"
            raise ValueError(f"{option} is for class folders. Leave it out with --boxes.")


def _print(report: Any, options: Mapping[str, Any]) -> None:
    """Print a report as text, or as JSON with ``--json``."""
    if options["json"]:
        say(report.to_json())
        return
    say_report(report.to_text(screen_width()) if hasattr(report, "to_text") else str(report))
