"""The command ``imblearn-images``: arguments, messages and exit codes."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import imblearn_images
from imblearn_images._console import complain, connected, spelling
from imblearn_images._interrupts import INTERRUPTED, Ended, interruptible, once, what_is_left
from imblearn_images._odd_files import collected_remarks
from imblearn_images._remedies import spelled
from imblearn_images.arguments import SEED, Parser, add_max_pixels, integer, n_jobs
from imblearn_images.commands import add_folder_commands, add_on_error
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
    with connected():
        try:
            parser = _parser()
            arguments = parser.parse_args(argv)
        except SystemExit as exit_:  # argparse has said what there is to say
            return int(exit_.code or 0)
        options = vars(arguments)
        spell = partial(spelled, options=options.pop("parser").options, others=parser.commands)
        with spelling(spell):
            return _run(options.pop("command"), options, spell)


def _run(command: Any, options: dict[str, Any], spell: Callable[[str], str]) -> int:
    max_pixels = options.pop("max_pixels", MAX_PIXELS)
    alone = command not in (run_demo, run_compare)  # these run other processes, and code of others
    try:
        with (
            image_limits(max_pixels=max_pixels, remedy="read it with --max-pixels {n}"),
            collected_remarks(of_c_libraries=alone),
            interruptible(),
        ):
            command(**options)
    except BrokenPipeError as error:
        if error.filename is not None:
            _fail(_message(error), spell)
        return 1  # whoever read the output has seen enough
    # The last one: a process of another library's, such as a cross-validation, was killed.
    except (OSError, ValueError, MemoryError, ModuleNotFoundError, BrokenExecutor) as error:
        _fail(_message(error), spell)
        return 1
    except KeyboardInterrupt as interrupt:
        with once():
            complain(f"imblearn-images: {what_is_left(options)}")
        return interrupt.code if isinstance(interrupt, Ended) else INTERRUPTED
    # Nothing of the above is the fault of a file or an option: it should not happen, and if it
    # does, one line that says where is more use to people than fifty.
    except Exception as error:  # noqa: BLE001
        _fail(f"unexpected {type(error).__name__} {_place(error)}: {_message(error)}", spell)
        return 1
    return 0


def _fail(message: str, spell: Callable[[str], str]) -> None:
    """Print one message, several lines at most where it lists files."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    # What was read from files is in it: nothing may steer the terminal, nor pretend to be
    # another line of this command.
    lines = printable_lines(spell(message)).split("\n")
    rest = [line if line.startswith("  ") else f"  {line}" for line in lines[1:]]
    complain("\n".join([f"imblearn-images: {lines[0]}", *rest]))


def _place(error: BaseException) -> str:
    """Say in which line of this package an error came up, to be reported."""
    home = Path(imblearn_images.__file__).parent
    steps = [
        s for s in traceback.extract_tb(error.__traceback__) if home in Path(s.filename).parents
    ]
    step = steps[-1]
    return f"in {Path(step.filename).relative_to(home)}, line {step.lineno}, please report it"


def _parser() -> Parser:
    parser = Parser(prog="imblearn-images", description="Resample imbalanced image data sets.")
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {imblearn_images.__version__}"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_demo(commands)
    add_folder_commands(commands)
    add_compare_command(commands)
    parser.commands = {name: each.options for name, each in commands.choices.items()}
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
    add_on_error(demo)
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
    if isinstance(error, MemoryError):
        return str(error) or "There is not enough memory for this. Use fewer or smaller images."
    return str(error) or type(error).__name__
