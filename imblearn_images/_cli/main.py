"""The command ``imblearn-images``: its sub-commands, exit codes and error messages."""

from __future__ import annotations

import argparse
import logging
import os
import re
import shlex
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import IO, Any

import PIL
from PIL import Image

import imblearn_images
from imblearn_images._cli.arguments import (
    SEED,
    Parser,
    add_max_pixels,
    add_on_error,
    integer,
    n_jobs,
)
from imblearn_images._cli.boxes import add_convert
from imblearn_images._cli.compare import add_compare_command, run_compare
from imblearn_images._cli.console import NobodyReadsError, complain, connected, say, spelling
from imblearn_images._cli.demo import run_demo
from imblearn_images._cli.folders import add_folder_commands
from imblearn_images._cli.interrupts import INTERRUPTED, Ended, interruptible, once, what_is_left
from imblearn_images._cli.methods import METHODS
from imblearn_images.core.memory import MAX_PIXELS, image_limits
from imblearn_images.core.text import printable, printable_lines

__all__ = ["main", "spelled"]

ALIASES = {
    "cv": ("folds",),
    "random_state": ("seed",),
    "resamplers": ("methods",),
    "sampler": ("method",),
    "sampling_strategy": ("strategy",),
    "scoring": ("metric",),
}
"""Parameters whose option has another name, and that name."""

_REMEDY = re.compile(
    r"""(?<![\w/\\.'"=-])                # not inside the name of a file
    (`)?(?P<name>[a-z][a-z_]*)=
    (?P<value>"[^"\n]*"|'[^'\n]*'|True|False|None|-?\d[\d.]*(?<!\.))
    (?(1)`)(?![\w/\\])
    (?P<place>\ \(of\ [^()\n]*\))?      # the function it belongs to
    |`(?P<alone>[a-z][a-z_]*)`(?P<place_alone>\ \(of\ [^()\n]*\))?""",
    re.VERBOSE,
)


# Recipes are left out: their names are everyday words, the same on the command line as in Python.
_CALLED = {kind.__name__: name for name, kind in METHODS.items() if isinstance(kind, type)}
_SAMPLER = re.compile(rf"(?<![\w/\\.'\"=-])(?P<name>{'|'.join(_CALLED)})(\(\))?(?![\w/\\.'\"(+])")


Options = Mapping[str, argparse.Action]


def spelled(text: str, options: Options, others: Mapping[str, Options] | None = None) -> str:
    """Return a message in which parameters and samplers of Python are spelled as options.

    Parameters
    ----------
    text : str
        The message.
    options : mapping of str to argparse.Action
        The options of the command, by the parameter they set.
    others : mapping of str to mapping, default=None
        The options of other commands, by the commands' names.

    Returns
    -------
    spelled : str

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> actions = [parser.add_argument("--on-error"), parser.add_argument("--seed", type=int)]
    >>> options = {action.dest: action for action in actions}
    >>> spelled('Leave them out with on_error="skip" (of split_folder).', options)
    'Leave them out with --on-error skip.'
    >>> spelled("`random_state` must be an integer, got random_state=1.5.", options)
    '--seed must be an integer, got --seed 1.5.'
    >>> spelled("read dogs/on_error='skip'.png with size=3", options)
    "read dogs/on_error='skip'.png with size=3"
    >>> options = {"method": parser.add_argument("--method")}
    >>> spelled("Use RandomOverSampler, which needs one image.", options)
    'Use --method random-over, which needs one image.'
    """

    def spell(found: re.Match[str]) -> str:
        name = found["name"] or found["alone"]
        action, where = _option(name, options), ""
        # A name in backticks without a value may be any Python name, not an option elsewhere.
        if action is None and found["value"] is not None:
            having = (each for each, theirs in (others or {}).items() if _option(name, theirs))
            if command := next(having, ""):
                action, where = _option(name, (others or {})[command]), f" of {command}"
        if action is None:
            return found[0]
        option = action.option_strings[-1 if found["value"] == "False" else 0]
        if found["value"] is None or action.nargs == 0:  # a switch
            return option + where
        return f"{option} {shlex.quote(found['value'].strip(chr(34) + chr(39)))}{where}"

    text = _REMEDY.sub(spell, text)
    method = next((options[each] for each in ("method", "methods") if each in options), None)
    if method is not None:
        text = _SAMPLER.sub(lambda m: f"{method.option_strings[0]} {_CALLED[m['name']]}", text)
    return text


def _option(name: str, options: Options) -> argparse.Action | None:
    """Return the option that sets a parameter, or None."""
    for each in (name, *ALIASES.get(name, ())):
        if each in options and options[each].option_strings:
            return options[each]
    return None


_PILLOW = Path(PIL.__file__).parent
_FROM_LIBTIFF = re.compile(r"[^\s:]+: \S")  # "TIFFReadDirectory: Warning, Unknown field ..."


class _Remarks(logging.Handler):
    """Counts the remarks of image libraries on odd files, and keeps the first."""

    def __init__(self, spell: Callable[[str], str]) -> None:
        super().__init__(logging.WARNING)
        self.spell = spell
        self.n = 0
        self.first = ""
        self._one_at_a_time = Lock()  # threads read files

    def add(self, text: str) -> None:
        """Count a remark."""
        with self._one_at_a_time:
            self.first = self.first or text
            self.n += 1

    def emit(self, record: logging.LogRecord) -> None:
        """Count what Pillow logs."""
        self.add(record.getMessage())

    def show(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: Any = None,
        line: str | None = None,
    ) -> None:
        """Count a warning of Pillow, print any other in one line; for ``warnings.showwarning``."""
        if Path(filename).parent == _PILLOW:
            self.add(str(message))
        else:
            text = printable_lines(self.spell(str(message)))
            sys.stderr.write(f"imblearn-images: warning: {text}\n")


@contextmanager
def collected_remarks(*, of_c_libraries: bool, spell: Callable[[str], str] = str) -> Iterator[None]:
    """Run a command, then sum up the remarks of image libraries on odd files in one line.

    Warnings and log entries of Pillow are counted, and the first is quoted; other warnings
    are shown at once, in a line each.

    Parameters
    ----------
    of_c_libraries : bool
        Also count what libtiff itself writes to standard error, bypassing Python. Only for commands
        that run no third-party code, whose output would be held back until the command ends.
    spell : function, default=str
        Spells the remedies in other warnings as options.
    """
    remarks = _Remarks(spell)
    logger = logging.getLogger("PIL")
    propagates = logger.propagate
    logger.propagate = False  # otherwise the root logger prints it, too
    logger.addHandler(remarks)
    try:
        with warnings.catch_warnings(), _past_python(remarks if of_c_libraries else None):
            warnings.filterwarnings("always", module=r"PIL\b")
            # Images that are too large raise an error of ours.
            warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
            warnings.showwarning = remarks.show
            yield
    finally:
        logger.removeHandler(remarks)
        logger.propagate = propagates
        if remarks.n:
            what = "1 remark" if remarks.n == 1 else f"{remarks.n} remarks"
            first = printable(remarks.first)
            sys.stderr.write(
                f"imblearn-images: {what} of Pillow and libtiff on odd image files, such as: "
                f"{first[:200]}\n"
            )


@contextmanager
def _past_python(remarks: _Remarks | None) -> Iterator[None]:
    """Redirect file descriptor 2 into a file; Python's own stream still writes to the terminal."""
    caught = real = None
    if remarks is not None:
        with suppress(
            OSError
        ):  # stderr is closed, or the process is at its limit of files: redirect nothing
            caught = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
            real = os.dup(2)
    if remarks is None or caught is None or real is None:
        if caught is not None:
            caught.close()
        yield
        return
    stream = sys.stderr
    if _is_descriptor_2(stream):
        sys.stderr = open(  # noqa: SIM115 - closed below
            real, "w", buffering=1, encoding=stream.encoding, errors=stream.errors, closefd=False
        )
    os.dup2(caught.fileno(), 2)
    try:
        yield
    finally:
        if sys.stderr is not stream:
            sys.stderr.close()
            sys.stderr = stream
        os.dup2(real, 2)
        os.close(real)
        with caught:
            _sort_out(caught, remarks)


def _is_descriptor_2(stream: Any) -> bool:
    """Return whether a stream writes to file descriptor 2."""
    try:
        return bool(stream.fileno() == 2)
    except (AttributeError, OSError, ValueError):  # a notebook's stream, or a closed one
        return False


def _sort_out(caught: IO[bytes], remarks: _Remarks) -> None:
    """Count the lines of libtiff in a file; print all others, which are unexpected."""
    caught.seek(0)
    for line in caught:
        text = line.decode("utf-8", "backslashreplace").rstrip("\n")
        if _FROM_LIBTIFF.match(text):
            remarks.add(text)
        elif text:
            sys.stderr.write(f"{printable(text)}\n")


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
            arguments = parser.parse_args(argv)
        except SystemExit as exit_:  # argparse has printed its message
            return int(exit_.code or 0)
        options = vars(arguments)
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
    _add_demo(commands)
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


def _add_demo(commands: Any) -> None:
    about = (
        "Balance an image set with SMOTE, draw some synthetic images between their two parents, "
        "and cross-validate one classifier with and without resampling."
    )
    demo = commands.add_parser(
        "demo",
        help="resample real images, look at the result, compare with doing nothing",
        description=about,
    )
    demo.set_defaults(command=run_demo)
    demo.add_argument(
        "--folder",
        metavar="PATH",
        help="folder with one folder per class; without it, bundled images",
    )
    demo.add_argument(
        "--size",
        type=integer(1),
        default=32,
        metavar="PIXELS",
        help="height and width of images (default: 32)",
    )
    demo.add_argument(
        "--output",
        default="imblearn_images_demo.png",
        metavar="FILE",
        help="the PNG to write (default: imblearn_images_demo.png)",
    )
    add_on_error(demo)
    demo.add_argument(
        "--seed", type=SEED, default=0, metavar="N", help="seed of all draws (default: 0)"
    )
    demo.add_argument(
        "--folds",
        type=integer(2),
        default=5,
        metavar="N",
        help="folds of the cross-validation (default: 5)",
    )
    demo.add_argument(
        "--n-jobs",
        type=n_jobs,
        metavar="N",
        default=1,
        help="processes; -1 is one per core (default: 1)",
    )
    add_max_pixels(demo)


def _message(error: BaseException) -> str:
    """Return the message of an exception, without Python's own decoration."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{printable(error.filename)}: {error.strerror}"
    if isinstance(error, MemoryError):
        return str(error) or "There is not enough memory for this. Use fewer or smaller images."
    return str(error) or type(error).__name__
