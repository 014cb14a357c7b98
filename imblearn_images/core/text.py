"""Text: printable names and reasons, numbers with their nouns, aligned tables."""

from __future__ import annotations

import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from html import escape
from typing import Any, SupportsIndex

__all__ = [
    "align",
    "as_sentence",
    "counted",
    "html_lines",
    "html_table",
    "nearest",
    "screen_width",
    "shorten",
    "width_of",
]


def printable(text: object) -> str:
    r"""Return text as one line without anything that controls a terminal.

    Line ends, escape sequences, characters that change the direction of writing and all others
    that are not printable are replaced by their escapes in Python.

    Parameters
    ----------
    text : object
        Name of a file or class, or a reason; converted to str.

    Examples
    --------
    >>> print(printable("kiwi \x1b[2K\n.png"))
    kiwi \x1b[2K\n.png
    """
    shown = str(text)
    if shown.isprintable():  # as a rule, and asked for every file that is read
        return shown
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown)


def on_screen(text: str) -> str:
    """Return a report with every line printable."""
    return "\n".join(map(printable, text.split("\n")))


def printable_lines(text: str) -> str:
    r"""Return a message with every line printable, and all but the first indented.

    So a line break in a name cannot start what looks like another message.

    Examples
    --------
    >>> print(printable_lines("2 files:\nkiwi.png\x07"))
    2 files:
      kiwi.png\x07
    """
    first, *rest = (printable(line) for line in text.split("\n"))
    return "\n".join([first, *(line if line.startswith("  ") else f"  {line}" for line in rest)])


_GAP = "  "
_IRREGULAR = {"is": "are", "has": "have", "was": "were", "leaks": "leak", "lies": "lie"}


def counted(n: SupportsIndex, words: str) -> str:
    """Return a number with its noun, in the plural unless the number is 1.

    Parameters
    ----------
    n : int
        The number.
    words : str
        Noun in the singular, possibly after other words; a verb may follow after a comma.

    Examples
    --------
    >>> counted(1, "image file"), counted(3, "class"), counted(0, "leak")
    ('1 image file', '3 classes', '0 leaks')
    >>> counted(1, "group, is"), counted(2, "group, is")
    ('1 group is', '2 groups are')
    """
    noun, comma, verb = words.partition(", ")
    if n != 1:
        verb = _IRREGULAR.get(verb, verb)
        if noun.endswith(("s", "x", "ch", "sh")):
            noun += "es"
        elif noun.endswith("y") and noun[-2] not in "aeiou":
            noun = f"{noun[:-1]}ies"
        else:
            noun += "s"
    return f"{n} {noun} {verb}" if comma else f"{n} {noun}"


def as_sentence(text: str) -> str:
    """Return text, such as a third-party error message, with exactly one full stop at the end.

    Examples
    --------
    >>> as_sentence("ValueError: too few."), as_sentence("KeyError: 'x'")
    ('ValueError: too few.', "KeyError: 'x'.")
    """
    return text if text.endswith((".", "!", "?")) else f"{text}."


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that may have been meant, or "".

    Examples
    --------
    >>> nearest("smoet", ["smote", "near-miss"]), nearest("dance", ["smote"])
    ('smote', '')
    """
    # Without case and separators, so that near_miss finds near-miss.
    by_letters = {_letters(each): each for each in known}
    found = get_close_matches(_letters(name), by_letters, n=1)
    return by_letters[found[0]] if found else ""


def _letters(name: str) -> str:
    """Return a name without case, hyphens, underscores and spaces."""
    return re.sub(r"[-_\s]", "", name).casefold()


def width_of(text: str) -> int:
    """Return the number of columns of text on a screen: East Asian wide characters take two.

    Examples
    --------
    >>> width_of("kiwi"), width_of("リンゴ"), width_of("e\u0301")
    (4, 6, 1)
    """
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    """Return the number of columns of one character: 0, 1 or 2."""
    if unicodedata.combining(character) or unicodedata.category(character) in ("Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shorten(text: str, longest: int) -> str:
    """Return text cut to a number of columns, with three dots if something is missing.

    Examples
    --------
    >>> shorten("a long name", 8), shorten("リンゴリンゴ", 8)
    ('a lon...', 'リン...')
    """
    if width_of(text) <= longest:
        return text
    kept, room = [], longest - 3
    for character in text:
        room -= _columns(character)
        if room < 0:
            break
        kept.append(character)
    return "".join(kept) + "..."


def align(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], *, width: int | None = None
) -> str:
    """Return a table as text, with text to the left and numbers to the right.

    Parameters
    ----------
    columns : sequence of str
        Names of the columns.
    rows : sequence of sequences
        Cells.
    width : int, default=None
        Columns of the screen; ``None``: unlimited. A wider table is cut into several, one below
        the other, which all begin with the first column.

    Examples
    --------
    >>> print(align(["class", "images"], [["kiwi", 20], ["リンゴ", 3]]))
    class   images
    kiwi        20
    リンゴ       3
    >>> print(align(["class", "images", "valid"], [["kiwi", 20, 4]], width=16))
    class  images
    kiwi       20
    <BLANKLINE>
    class  valid
    kiwi       4
    """
    cells = [list(columns), *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(width_of, column)) for column in zip(*cells, strict=True)]
    numeric = [all(isinstance(row[k], (int, float)) for row in rows) for k in range(len(columns))]
    if width is not None and widths[0] > width // 2:
        widths[0] = max(width // 2, 4)
        for line in cells:
            line[0] = shorten(line[0], widths[0])
        widths[0] = max(width_of(line[0]) for line in cells)
    return "\n\n".join(
        "\n".join(
            _GAP.join(_padded(line[k], widths[k], right=numeric[k]) for k in part).rstrip()
            for line in cells
        )
        for part in _parts(widths, width)
    )


def html_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table as HTML without colours, which notebooks set, dark or light.

    Examples
    --------
    >>> print(html_table(["class"], [["<b>"]]))
    <table><thead><tr><th>class</th></tr></thead><tbody><tr><td>&lt;b&gt;</td></tr></tbody></table>
    """
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(printable(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def html_lines(lines: Iterable[str], *, most: int = 12) -> str:
    """Return lines as HTML paragraphs; if there are more than `most`, the rest as a count.

    Examples
    --------
    >>> html_lines(["a & b", "c", "d"], most=2)
    '<p>a &amp; b</p><p>c</p><p>and 1 more line</p>'
    """
    given = list(lines)
    shown_ones = given[:most]
    if len(given) > most:
        shown_ones.append(f"and {counted(len(given) - most, 'more line')}")
    return "".join(f"<p>{escape(printable(line))}</p>" for line in shown_ones)


def _padded(cell: str, width: int, *, right: bool) -> str:
    """Return a cell filled up with spaces to a width."""
    room = " " * (width - width_of(cell))
    return room + cell if right else cell + room


def _parts(widths: Sequence[int], width: int | None) -> list[list[int]]:
    """Divide the columns of a table into parts that fit the width; each begins with the first."""
    parts = [[0]]
    for k in range(1, len(widths)):
        taken = sum(widths[each] + len(_GAP) for each in parts[-1])
        if width is not None and len(parts[-1]) > 1 and taken + widths[k] > width:
            parts.append([0])
        parts[-1].append(k)
    return parts


def screen_width() -> int | None:
    """Return the number of columns of the terminal, or None if there is no terminal."""
    known = os.environ.get("COLUMNS", "")
    if not (known.isdigit() and int(known)) and not (sys.stdout and sys.stdout.isatty()):
        return None
    return shutil.get_terminal_size().columns


def shown(text: str, longest: int = 40) -> str:
    """Return text as one printable line of at most `longest` columns."""
    return shorten(printable(text), longest)
