"""The command ``imblearn-images``: arguments, messages and exit codes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from typing import Any, NoReturn

import imblearn_images
from imblearn_images._interrupts import INTERRUPTED, Ended, interruptible, once, what_is_left
from imblearn_images._odd_files import collected_remarks
from imblearn_images.arguments import SEED, add_max_pixels, integer, n_jobs
from imblearn_images.commands import add_folder_commands
from imblearn_images.compare_command import add_compare_command, run_compare
from imblearn_images.core.limits import MAX_PIXELS, image_limits
from imblearn_images.core.text import printable, printable_lines
from imblearn_images.demo import run_demo

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, default=None
        Arguments; those of the process by default.

    Returns
    -------
    exit_code : int
        0 done; 1 refused or failed, with one message on stderr; 2 wrong usage; 130 interrupted
        by Ctrl-C, 128 + n ended by another signal n, with one message that says what is left.

    Examples
    --------
    >>> main(["--version"])
    imblearn-images ...
    0
    """
    # The name of a file or class that the terminal's encoding does not hold ends no run.
    with suppress(AttributeError):
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as exit_:  # argparse has said what there is to say
        return int(exit_.code or 0)
    options = vars(arguments)
    command = options.pop("command")
    max_pixels = options.pop("max_pixels", MAX_PIXELS)
    alone = command not in (run_demo, run_compare)  # these run other processes, and code of others
    try:
        with (
            image_limits(max_pixels=max_pixels, remedy="read it with --max-pixels {n}"),
            collected_remarks(of_c_libraries=alone),
            interruptible(),
        ):
            command(**options)
    # The last one: a process of another library's, such as a cross-validation, was killed.
    except (OSError, ValueError, MemoryError, ModuleNotFoundError, BrokenExecutor) as error:
        sys.stdout.flush()
        sys.stderr.write(f"imblearn-images: {printable_lines(_message(error))}\n")
        return 1
    except KeyboardInterrupt as interrupt:
        with once():
            sys.stderr.write(f"imblearn-images: {what_is_left(options)}\n")
        return interrupt.code if isinstance(interrupt, Ended) else INTERRUPTED
    return 0


class _Parser(argparse.ArgumentParser):
    """Parser whose errors are safe to show: a shell may have put names of files into them."""

    def error(self, message: str) -> NoReturn:
        super().error(printable_lines(message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="imblearn-images", description="Resample imbalanced image data sets.")
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {imblearn_images.__version__}"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_demo(commands)
    add_folder_commands(commands)
    add_compare_command(commands)
    return parser


def _add_demo(commands: Any) -> None:
    about = (
        "Balance an image set with SMOTE, draw some synthetic images between their two parents, "
        "and cross-validate one classifier with and without resampling."
    )
    demo = commands.add_parser(
        "demo",
        help="resample real images, look at the result, compare with doing nothing",
        description=about,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    demo.set_defaults(command=run_demo)
    demo.add_argument(
        "--folder", metavar="PATH", help="folder with one folder per class; bundled images without"
    )
    demo.add_argument(
        "--size", type=integer(1), default=32, metavar="PIXELS", help="height and width of images"
    )
    demo.add_argument(
        "--output", default="imblearn_images_demo.png", metavar="FILE", help="the PNG to write"
    )
    demo.add_argument("--seed", type=SEED, default=0, metavar="N", help="of all random draws")
    demo.add_argument(
        "--folds", type=integer(2), default=5, metavar="N", help="of the cross-validation"
    )
    demo.add_argument(
        "--n-jobs", type=n_jobs, metavar="N", default=1, help="processes; -1 is one per core"
    )
    add_max_pixels(demo)


def _message(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{printable(error.filename)}: {error.strerror}"
    return str(error) or type(error).__name__
