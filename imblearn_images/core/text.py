"""Text: names and reasons made fit for a terminal."""

from __future__ import annotations


def printable(text: object) -> str:
    r"""Make one line of text that no terminal obeys.

    Line ends, escape sequences, letters that turn the direction of writing and whatever else
    is not printable are written out, as Python writes them.

    Parameters
    ----------
    text : object
        A name of a file, of a class, or a reason; what is no str is converted.

    Examples
    --------
    >>> print(printable("kiwi \x1b[2K\n.png"))
    kiwi \x1b[2K\n.png
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))


def on_screen(text: str) -> str:
    """Make every line of a report printable."""
    return "\n".join(map(printable, text.split("\n")))


def printable_lines(text: str) -> str:
    r"""Make lines of a message printable; all but the first are indented.

    A line that a name brought along is thus never taken for a message of its own.

    Examples
    --------
    >>> print(printable_lines("2 files:\nkiwi.png\x07"))
    2 files:
      kiwi.png\x07
    """
    first, *rest = (printable(line) for line in text.split("\n"))
    return "\n".join([first, *(line if line.startswith("  ") else f"  {line}" for line in rest)])
