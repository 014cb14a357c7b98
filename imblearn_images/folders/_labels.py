"""Labels as names of folders: reversible, portable, and unable to point outside a folder."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import unquote

_RESERVED = {"CON", "PRN", "AUX", "NUL"} | {
    f"{port}{number}" for port in ("COM", "LPT") for number in range(1, 10)
}
_UNSAFE = set('<>:"/\\|?*%')
_LONGEST = 255  # bytes of a name that Linux, macOS and Windows all allow


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
    if label.split(".")[0].rstrip().upper() in _RESERVED:
        name = _escaped(label[0]) + name[1:]
    if len(name.encode()) > _LONGEST:
        raise ValueError(
            f"Class {label[:60]!r}...: the name of its folder must have at most {_LONGEST} bytes, "
            f"got {len(name.encode())}. Give the class a shorter name."
        )
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
