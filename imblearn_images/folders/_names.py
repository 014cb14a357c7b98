"""Names on disk: of class folders, of image files, and of classes in labels.csv.

All of them are reversible or recognisable, portable, and unable to point outside a folder.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import IO, Any
from urllib.parse import unquote

LABELS = "labels.csv"
# Windows opens the device of this name instead of a folder, whatever its ending.
_RESERVED = {"CON", "PRN", "AUX", "NUL"} | {
    f"{port}{number}" for port in ("COM", "LPT") for number in range(1, 10)
}
# "%" as well: otherwise an escaped name could not be told from one that was like that.
_UNSAFE = set('<>:"/\\|?*%')
_LONGEST = 255  # bytes of a name that Linux, macOS and Windows all allow
_LONGEST_TEXT = 1 << 20
"""Maximum bytes of a line of labels.csv."""
# What pandas.read_csv reads as a missing value.
_MISSING = ("", "#N/A", "#NA", "<NA>", "N/A", "NA", "NULL", "None", "n/a", "null", "nan", "NaN")


def encode_label(label: str) -> str:
    """Turn a label into the name of its folder.

    Letters of every script, digits, spaces and most symbols stay; characters with a special
    meaning on some file system become ``%`` and the hexadecimal digits of their UTF-8 bytes.

    Parameters
    ----------
    label : str
        Any text.

    Returns
    -------
    name : str
        A valid name of one folder on Linux, macOS and Windows, the same for the same label;
        :func:`decode_label` turns it back into the label.

    Raises
    ------
    ValueError
        If `label` is not valid Unicode (a file name that is not UTF-8), or its name is too long.

    Examples
    --------
    >>> [encode_label(label) for label in ("Red Beet", "a/b", "..", "CON", "", "50 %")]
    ['Red Beet', 'a%2Fb', '%2E%2E', '%43ON', '%', '50 %25']
    """
    check_unicode(label)
    last = len(label) - 1
    name = "".join(
        _escaped(character)
        if character in _UNSAFE
        or not character.isprintable()
        or (position == 0 and character in ". ")
        or (position == last and character in ". ")
        else character
        for position, character in enumerate(label)
    )
    # What follows the first dot does not count for Windows: "con.old" is the console, too.
    if label.split(".")[0].rstrip().upper() in _RESERVED:
        name = _escaped(label[0]) + name[1:]
    if len(name.encode()) > _LONGEST:
        raise ValueError(
            f"Class {label[:60]!r}...: the name of its folder must have at most {_LONGEST} bytes, "
            f"got {len(name.encode())}. Give the class a shorter name."
        )
    # Never the name of another label, whose "%" are followed by digits.
    return name or "%"


def check_unicode(label: str) -> None:
    """Raise a ValueError naming the label if it was read from a name that is not UTF-8."""
    try:
        label.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"Class {label!r} has a name that is not UTF-8. Rename its folder."
        ) from error


def decode_label(name: str) -> str:
    """Return the label of a folder that :func:`encode_label` has named.

    Examples
    --------
    >>> decode_label("a%2Fb")
    'a/b'
    """
    return "" if name == "%" else unquote(name, errors="strict")


def as_text(labels: Iterable[Any]) -> list[str]:
    """Return labels as text, and make sure that different labels stay different.

    Parameters
    ----------
    labels : iterable of str, int, bool or other values
        Numbers are written as Python writes them.

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        Naming two labels of different types that would become the same text, such as 1 and "1".

    Examples
    --------
    >>> as_text([1, 0, 1])
    ['1', '0', '1']
    """
    labels = [label.item() if hasattr(label, "item") else label for label in labels]
    seen: dict[str, Any] = {}
    for label in labels:
        other = seen.setdefault(str(label), label)
        if type(other) is not type(label):
            raise ValueError(
                f"Labels {other!r} and {label!r} have two types but the same text. Use one type."
            )
    return [str(label) for label in labels]


def find_clashes(labels: Sequence[str]) -> list[tuple[str, str]]:
    """Return pairs of labels that some file system cannot tell apart, by case or composed letters.

    Parameters
    ----------
    labels : sequence of str
        Different labels.

    Returns
    -------
    clashes : list of (str, str)
        The earlier label and the later one.

    Examples
    --------
    >>> find_clashes(["Cat", "dog", "cat"])
    [('Cat', 'cat')]
    """
    seen: dict[str, str] = {}
    clashes = []
    for label in labels:
        folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", label).casefold())
        if (other := seen.setdefault(folded, label)) != label:
            clashes.append((other, label))
    return clashes


def check_names(labels: Sequence[str], layout: str) -> None:
    """Check that classes can be written; with layout "folders", each to a folder of its own.

    Raises
    ------
    ValueError
        Naming the class that cannot be written, or two that would share a folder.
    """
    for label in labels:
        check_unicode(label)
    if layout == "csv":
        return
    for label in labels:
        encode_label(label)
    if clashes := find_clashes(labels):
        raise ValueError(
            f"Classes {clashes[0][0]!r} and {clashes[0][1]!r} would share a folder on file systems "
            'that ignore case or how letters are composed. Rename one, or use layout="csv".'
        )


def _escaped(character: str) -> str:
    """Return the UTF-8 bytes of a character as "%" and two hexadecimal digits each."""
    return "".join(f"%{byte:02X}" for byte in character.encode())


def name_file(stem: str, digest: str, suffix: str) -> str:
    """Name a file: what a reader recognises of `stem`, what makes it unique, the ending.

    Letters of every script stay, in composed form, as far as 120 bytes of UTF-8 go.

    Examples
    --------
    >>> name_file("Crème brûlée (2)", "0f3a", ".jpg")
    'Crème_brûlée_2_-0f3a.jpg'
    """
    runs = groupby(unicodedata.normalize("NFC", stem), _is_readable)
    readable = "".join("".join(run) if stays else "_" for stays, run in runs)[:80].lstrip(".")
    readable = readable.encode()[:120].decode(errors="ignore") or "image"
    return f"{readable}-{digest}{suffix}"


def _is_readable(character: str) -> bool:
    # Combining marks belong to the letter before them; Hindi and Thai are unreadable without.
    return character.isalnum() or character in "_+.-" or unicodedata.category(character) in _MARKS


_MARKS = ("Mn", "Mc")


def labels_csv(table: Iterable[tuple[str, str, bool]]) -> Iterator[bytes]:
    """Write the lines of the table for fastai and pandas: name, label, is_valid; UTF-8.

    A row without a file is named by its parent, relative to the source folder.
    """
    yield b"name,label,is_valid\n"
    text = io.StringIO(newline="")
    plain = csv.writer(text, lineterminator="\n")
    quoted = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in table:
        # a bare carriage return is quoted by some versions of Python only
        (quoted if "\r" in row[0] + row[1] else plain).writerow(row)
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()


def label_rows(file: IO[bytes]) -> Iterator[tuple[str, str, bool]]:
    """Read what :func:`labels_csv` wrote, row by row.

    Raises
    ------
    ValueError
        Naming the line that is not one of such a table.

    Examples
    --------
    >>> list(label_rows(io.BytesIO(b"".join(labels_csv([("a.png", "=1+1", True)])))))
    [('a.png', '=1+1', True)]
    """
    table = csv.reader(_text_lines(file))
    try:
        columns = next(table, None)
        if columns != ["name", "label", "is_valid"]:
            shown = [cut(name) for name in columns or ()][:4]
            raise ValueError(f"{LABELS} must have the columns name, label, is_valid, got {shown}.")
        for row in table:
            if len(row) != 3 or row[2] not in ("True", "False"):
                raise ValueError(
                    f"{LABELS}, line {table.line_num}: not name, label, True or False."
                )
            yield row[0], row[1], row[2] == "True"
    except csv.Error as error:
        raise ValueError(f"{LABELS}, line {table.line_num}: not CSV: {error}") from error


def _text_lines(file: IO[bytes]) -> Iterator[str]:
    number = 0
    while line := file.readline(_LONGEST_TEXT):
        number += 1
        if len(line) == _LONGEST_TEXT:
            raise ValueError(f"{LABELS}, line {number}: more than {_LONGEST_TEXT} bytes.")
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise ValueError(f"{LABELS}, line {number}: not UTF-8: {error.reason}") from error
        yield text


def misread_labels(labels: Iterable[str]) -> list[str]:
    """Return the labels that pandas or a spreadsheet would not read as text.

    Examples
    --------
    >>> misread_labels(["kiwi", "NA", "007", "=1+1"])
    ['NA', '007', '=1+1']
    """
    return [
        # A spreadsheet runs what begins with one of these signs as a formula.
        label
        for label in labels
        if label in _MISSING or label[0] in "=+-@" or _looks_number(label)
    ]


def _looks_number(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return label in ("True", "False", "TRUE", "FALSE", "true", "false")
    return True


def cut(value: Any) -> str:
    """Show a value, and not all of it where it is long."""
    if isinstance(value, (list, tuple, dict)):
        return f"{type(value).__name__} of {len(value)}"
    text = value if isinstance(value, str) else str(value)
    text = text if len(text) <= 60 else f"{text[:57]}..."
    return ascii(text) if isinstance(value, str) else text
