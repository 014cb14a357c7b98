"""Arguments: types of the options of the command, which refuse a value with its name."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable

from imblearn_images.core.limits import MAX_PIXELS, MOST

__all__ = ["SEED", "add_max_pixels", "addition", "integer", "n_jobs", "names"]


def integer(least: int, most: int | None = None) -> Callable[[str], int]:
    """Type of an option that is an integer from `least` to `most`."""

    def integer(text: str) -> int:
        number = int(text)
        if number < least or (most is not None and number > most):
            limits = f"at least {least}" if most is None else f"from {least} to {most}"
            raise argparse.ArgumentTypeError(f"{number} is not {limits}")
        return number

    return integer


SEED = integer(0, 2**32 - 1)
"""Type of ``--seed``."""


def n_jobs(text: str) -> int:
    """Type of ``--n-jobs``."""
    number = int(text)
    if number == 0:
        raise argparse.ArgumentTypeError("0 is no number of workers; -1 is one per core")
    return number


def addition(text: str) -> tuple[str, float]:
    """Type of ``--add``, a class and a fraction."""
    label, equals, fraction = text.rpartition("=")
    try:
        if equals:
            return label, float(fraction)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not CLASS=FRACTION, e.g. Lime=0.5")


def add_max_pixels(parser: argparse.ArgumentParser) -> None:
    """Add the option that raises the limit of pixels to a command that reads image files."""
    parser.add_argument(
        "--max-pixels",
        type=integer(1, MOST),
        default=MAX_PIXELS,
        metavar="N",
        help=f"pixels that one image may have, against bombs (default: {MAX_PIXELS})",
    )


def names(text: str) -> list[str]:
    """Type of ``--classes``, names between commas; one with a comma is quoted."""
    found = next(csv.reader([text], skipinitialspace=True), [])
    if not found or not all(found):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of names, e.g. cat,dog")
    return found
