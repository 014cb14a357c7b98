"""The command ``imblearn-images``: its sub-commands, exit codes and error messages."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import imblearn_images
from imblearn_images._cli.arguments import Parser
from imblearn_images._cli.boxes import add_convert
from imblearn_images._cli.compare import add_compare_command, run_compare
from imblearn_images._cli.console import NobodyReadsError, complain, connected, say, spelling
from imblearn_images._cli.demo import add_demo_command, run_demo
from imblearn_images._cli.folders import add_folder_commands
from imblearn_images._cli.interrupts import Ended, interruptible, once, what_is_left
from imblearn_images._cli.remarks import collected_remarks
from imblearn_images._cli.spelling import spelled
from imblearn_images._early import INTERRUPTED
from imblearn_images.core.memory import MAX_PIXELS, image_limits
from imblearn_images.core.text import printable, printable_lines

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
        0 for success; 1 for a failure, with one message on stderr; 2 for wrong usage; 130 after
        Ctrl-C and 128 + n after another signal n, with one message on what is left.

    Examples
    --------
    >>> main(["--version"])
    imblearn-images ...
    0
    """
    with connected():
        try:
            parser = _parser()
            parsed = parser.parse_args(argv)
        except SystemExit as exit_:  # argparse has printed its message
            return int(exit_.code or 0)
        options = vars(parsed)
        spell = partial(spelled, options=options.pop("parser").options, others=parser.commands)
        with spelling(spell):
            return _run(options.pop("command"), options, spell)


def _run(command: Any, options: dict[str, Any], spell: Callable[[str], str]) -> int:
    """Run a sub-command, turn exceptions into messages, and return the exit code."""
    max_pixels = options.pop("max_pixels", MAX_PIXELS)
    alone = command not in (run_demo, run_compare)  # these two run other processes or user code
    try:
        with (
            image_limits(max_pixels=max_pixels, remedy="read it with --max-pixels {n}"),
            collected_remarks(of_c_libraries=alone, spell=spell),
            interruptible(),
        ):
            command(**options)
    except NobodyReadsError:
        return 1  # as with "| head": the reader has seen enough
    # BrokenExecutor: a worker process, such as one of a cross-validation, was killed.
    except (OSError, ValueError, MemoryError, ModuleNotFoundError, BrokenExecutor) as error:
        _fail(_message(error), spell)
        return 1
    except KeyboardInterrupt as interrupt:
        with once():
            complain(f"imblearn-images: {what_is_left(options)}")
        return interrupt.code if isinstance(interrupt, Ended) else INTERRUPTED
    # Any other exception is a bug of ours, not the fault of a file or an option. One line that says
    # where is more use to people than a traceback of fifty.
    except Exception as error:  # noqa: BLE001
        _fail(f"unexpected {type(error).__name__} {_place(error)}: {_message(error)}", spell)
        return 1
    return 0


def _fail(message: str, spell: Callable[[str], str]) -> None:
    """Print a message on standard error; further lines, as in a list of files, are indented."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    # The message may quote files: nothing in it may control the terminal, or look like another line
    # of this command.
    lines = printable_lines(spell(message)).split("\n")
    rest = [line if line.startswith("  ") else f"  {line}" for line in lines[1:]]
    complain("\n".join([f"imblearn-images: {lines[0]}", *rest]))


def _place(error: BaseException) -> str:
    """Return where in this package an error arose, with a request to report it."""
    home = Path(imblearn_images.__file__).parent
    steps = [
        s for s in traceback.extract_tb(error.__traceback__) if home in Path(s.filename).parents
    ]
    step = steps[-1]
    return f"in {Path(step.filename).relative_to(home)}, line {step.lineno}, please report it"


def _parser() -> Parser:
    """Return the parser of the command, with all sub-commands."""
    parser = Parser(prog="imblearn-images", description="Resample imbalanced image data sets.")
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {imblearn_images.__version__}"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_demo_command(commands)
    add_folder_commands(commands)
    add_convert(commands)
    add_compare_command(commands)
    _add_completion(commands)
    for name, example in EXAMPLES.items():
        commands.choices[name].usage = commands.choices[name].short_usage
        commands.choices[name].example = f"imblearn-images {name} {example}"
    parser.commands = {name: each.options for name, each in commands.choices.items()}
    return parser


EXAMPLES = {
    "demo": "--folder photos/",
    "inspect": "photos/",
    "balance": "photos/ balanced/ --method mild",
    "unbalance": "photos/ tail/ --profile long-tail --ratio 50",
    "verify": "balanced/ --source photos/",
    "convert": "voc/ coco/ --to coco",
    "compare": "photos/ --methods mild transfer --report report.html",
    "completion": "bash > ~/.local/share/bash-completion/completions/imblearn-images",
}
"""Arguments of a call that works, by command, for its help."""

SHELLS = ("bash", "zsh", "tcsh")


def _add_completion(commands: Any) -> None:
    completion = commands.add_parser(
        "completion",
        help="print what makes a shell complete commands and options",
        description="Print a script that makes a shell complete commands, options and folders.",
    )
    completion.set_defaults(command=run_completion)
    completion.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))


def run_completion(shell: str) -> None:
    """Print the completion script of a shell; the script does not need this package."""
    try:
        import shtab
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Completion scripts need shtab. Install it: pip install shtab"
        ) from error
    parser = _parser()
    places = {"FILE": shtab.FILE} | dict.fromkeys(("FOLDER", "OUTPUT", "PATH"), shtab.DIRECTORY)
    for options in parser.commands.values():
        for action in options.values():
            if action.metavar in places:
                vars(action)["complete"] = places[str(action.metavar)]
    say(shtab.complete(parser, shell=shell))


def _message(error: BaseException) -> str:
    """Return the message of an exception, without Python's own decoration."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{printable(error.filename)}: {error.strerror}"
    if isinstance(error, MemoryError):
        return str(error) or "There is not enough memory for this. Use fewer or smaller images."
    return str(error) or type(error).__name__
