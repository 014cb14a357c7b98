"""Arguments: the parser of the command, and types of its options that explain what is wrong."""

from __future__ import annotations

import argparse
import csv
import math
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from imblearn_images.core.memory import MAX_PIXELS
from imblearn_images.core.memory import MOST as MOST_PIXELS
from imblearn_images.core.text import nearest, printable_lines

__all__ = [
    "GROUPS",
    "SEED",
    "Parser",
    "add_common",
    "add_max_pixels",
    "add_on_error",
    "addition",
    "integer",
    "n_jobs",
    "names",
    "one_of",
    "threads",
]

GROUPS = (
    'stem-prefix, the name of a file up to its last "_", "-" or space (plant3_01.jpg and '
    "plant3_02.jpg are of plant3); near-duplicates, photos that look alike (needs ImageHash); "
    'or FILE:COLUMN, a CSV file with a column "path" (below FOLDER, with "/") and one of groups'
)
"""The help text on the values of ``--groups``."""

MOST = 10**6
"""Maximum of sizes, folds and the like: a larger number is a typing error."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are short and name the nearest option or command.

    Attributes
    ----------
    options : dict of str to argparse.Action
        Arguments by the name of the parameter they set.
    commands : dict of str to dict
        `options` of the sub-commands, by their names; empty for a parser without any.
    finish : callable
        Called with the parser and the parsed arguments, to check these against each other.
    example : str
        A call that works, shown at the end of the help in lines that can be copied.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.options: dict[str, argparse.Action] = {}
        self.commands: dict[str, dict[str, argparse.Action]] = {}
        self.finish: Callable[[Parser, argparse.Namespace], None] | None = None
        self.example = ""
        super().__init__(*args, **kwargs)

    def add_argument(self, *args: Any, **kwargs: Any) -> argparse.Action:
        """Add an argument, and keep it in `options`."""
        action = super().add_argument(*args, **kwargs)
        self.options[action.dest] = action
        return action

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse arguments; unknown ones end the command here, with the nearest known one."""
        args = list(sys.argv[1:] if args is None else args)
        if self.commands:
            self._check_command(args)
        else:
            self._check_options(args)
        namespace, rest = super().parse_known_args(args, namespace)
        if rest and not self.commands:
            self.error(f"too many arguments: {' '.join(map(repr, rest))}")
        if self.finish is not None:
            self.finish(self, namespace)
        if not hasattr(namespace, "parser"):  # sub-parsers finish before the parser that holds them
            namespace.parser = self
        return namespace, rest

    def _check_command(self, args: Sequence[str]) -> None:
        """End the command if the first argument is not a sub-command."""
        given = next((each for each in args if not each.startswith("-")), None)
        if given is not None and given not in self.commands:
            self.error(f"{given!r} is not a command{_known(given, list(self.commands))}")

    def _check_options(self, args: Sequence[str]) -> None:
        """End the command if a long option is not known."""
        names = [each for action in self.options.values() for each in action.option_strings]
        for each in args:
            if each == "--":
                break
            name = each.partition("=")[0]
            # The beginning of an option is one, too: argparse takes --val for --validation.
            if name.startswith("--") and not any(known.startswith(name) for known in names):
                long = [known for known in names if known.startswith("--")]
                near = nearest(name, long)
                self.error(
                    f"there is no option {name}" + (f"; did you mean {near}?" if near else "")
                )

    def format_help(self) -> str:
        """Return the help with the example, which argparse itself would wrap inside words."""
        text = super().format_help()
        if not self.example:
            return text
        width = shutil.get_terminal_size().columns - 4
        lines = textwrap.wrap(self.example, width, break_long_words=False, break_on_hyphens=False)
        return text + "\nexample:\n  " + " \\\n  ".join(lines) + "\n"

    @property
    def short_usage(self) -> str:
        """Usage line: the command and its arguments, without its options."""
        arguments = [
            str(action.metavar or dest.upper())
            for dest, action in self.options.items()
            if not action.option_strings
        ]
        return " ".join([self.prog, *(["COMMAND"] if self.commands else arguments), "[options]"])

    def error(self, message: str) -> NoReturn:
        """Print the usage and what is wrong, in three lines, and exit with code 2."""
        self.exit(
            2,
            f"usage: {self.short_usage}\n       {self.prog} --help\n"
            f"{self.prog}: error: {printable_lines(message)}\n",
        )


def one_of(
    names: Iterable[str], what: str, aliases: Mapping[str, str] | None = None
) -> Callable[[str], str]:
    """Return the type of an option that is one of `names`, in any case, with "-", "_" or neither.

    Parameters
    ----------
    names : iterable of str
        The known names.
    what : str
        Noun for such a name, for the message.
    aliases : mapping of str to str, default=None
        Other spellings, and the name that each stands for.

    Returns
    -------
    parse : callable
        Turns an argument into one of `names`, or raises an ArgumentTypeError.

    Examples
    --------
    >>> one_of(["near-miss", "smote"], "method")("NearMiss")
    'near-miss'
    >>> one_of(["near-miss", "smote"], "method")("smoet")
    Traceback (most recent call last):
    ...
    argparse.ArgumentTypeError: invalid choice: 'smoet' is not a method; did you mean smote?
    """
    known = list(names)
    by_letters = {_letters(name): name for name in known}
    by_letters |= {_letters(alias): name for alias, name in (aliases or {}).items()}

    def one_of(text: str) -> str:
        if (letters := _letters(text)) in by_letters:
            return by_letters[letters]
        raise argparse.ArgumentTypeError(
            f"invalid choice: {text!r} is not a {what}{_known(text, known)}"
        )

    return one_of


def _letters(name: str) -> str:
    """Return a name in lower case without "-", "_" and spaces."""
    return re.sub(r"[-_\s]", "", name).casefold()


def _known(given: str, known: Sequence[str]) -> str:
    """Return the end of a message: the nearest known name, or all of a few."""
    if near := nearest(given, known):
        return f"; did you mean {near}?"
    return f"; choose from {', '.join(known)}" if len(known) <= 8 else "; --help lists all"


def _whole(text: str) -> int:
    """Return an argument as an integer, or raise an ArgumentTypeError."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number") from None


def integer(minimum: int, maximum: int | None = None) -> Callable[[str], int]:
    """Return the type of an option that is an integer from `minimum` to `maximum` (a million)."""

    def integer(text: str) -> int:
        number = _whole(text)
        if number < minimum or number > (MOST if maximum is None else maximum):
            few = maximum is None and number < minimum
            limits = f"at least {minimum}" if few else f"from {minimum} to {maximum or MOST}"
            raise argparse.ArgumentTypeError(f"{number} is not {limits}")
        return number

    return integer


SEED = integer(0, 2**32 - 1)
"""Type of ``--seed``."""


def n_jobs(text: str) -> int:
    """Return the number of workers that an argument means, or raise an ArgumentTypeError."""
    number = _whole(text)
    if number == 0:
        raise argparse.ArgumentTypeError("0 is not a number of workers; use -1 for one per core")
    if abs(number) > WORKERS:
        raise argparse.ArgumentTypeError(f"{number} is not from -{WORKERS} to {WORKERS}")
    return number


WORKERS = 1024
"""Maximum of ``--n-jobs``; more threads than that only wait for each other."""


def addition(text: str) -> tuple[str, float]:
    """Return class and fraction of an argument CLASS=FRACTION, or raise an ArgumentTypeError."""
    label, equals, fraction = text.rpartition("=")
    try:
        number = float(fraction) if equals and label else math.nan
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not CLASS=FRACTION, a class and a number of at least 0, e.g. Lime=0.5"
        )
    return label, number


def add_common(parser: Parser) -> None:
    """Add what all commands on many files have."""
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--n-jobs", type=n_jobs, metavar="N", help="threads; -1 is one per core")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def threads(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give the parameters for which ``--n-jobs`` and ``--quiet`` stand."""
    return {"n_jobs": options["n_jobs"], "verbose": int(not options["quiet"])}


def add_max_pixels(parser: Parser) -> None:
    """Add ``--max-pixels``, which raises the limit on the size of images that are read."""
    parser.add_argument(
        "--max-pixels",
        type=integer(1, MOST_PIXELS),
        default=MAX_PIXELS,
        metavar="N",
        help=f"maximum number of pixels of an image, for safety (default: {MAX_PIXELS})",
    )


def names(text: str) -> list[str]:
    """Return the names in an argument, separated by commas; a name with a comma is quoted."""
    found = next(csv.reader([text], skipinitialspace=True), [])
    if not found or not all(found):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of names, e.g. cat,dog")
    return found


def add_on_error(parser: Parser) -> None:
    """Add ``--on-error``, what to do with files that cannot be used."""
    parser.add_argument(
        "--on-error",
        choices=("raise", "skip"),
        default="raise",
        help="bad files: stop, or leave out and list (default: raise)",
    )
