"""Elements: one image as an object of its own, and pixels as such objects again."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imblearn_images.core.files import SUFFIXES, pillow_pixels

Remake = Callable[[NDArray[Any]], Any]


def is_path(value: Any) -> bool:
    """Tell whether `value` can name a file."""
    return isinstance(value, (str, os.PathLike))


def means_path(value: Any) -> bool:
    """Tell whether `value` is a path, or in bytes: these are refused, by their row."""
    return isinstance(value, bytes) or is_path(value)


def shortened(value: Any) -> str:
    """What `value` is, in a few words.

    Examples
    --------
    >>> shortened(np.zeros((3, 2))), shortened(b"a.png")
    ('an array of shape (3, 2)', "b'a.png' (bytes)")
    """
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if is_tensor(value):
        return f"a tensor of shape {tuple(value.shape)}"
    text = " ".join(repr(value).split())
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"


def is_tensor(value: Any) -> bool:
    """Tell whether `value` is a tensor of PyTorch."""
    torch = sys.modules.get("torch")  # whoever passes a tensor has imported it
    return torch is not None and isinstance(value, torch.Tensor)


def is_image(value: Any) -> bool:
    """Tell whether `value` is an image by itself: pixels in at least two dimensions.

    Examples
    --------
    >>> is_image(np.zeros((3, 2))), is_image([[0, 1], [2, 3]]), is_image(Image.new("L", (3, 2)))
    (True, True, True)
    >>> is_image(np.zeros(3)), is_image([0, 1]), is_image("a.png")
    (False, False, False)
    """
    if isinstance(value, (list, tuple)):
        return bool(value) and (
            isinstance(value[0], (list, tuple)) or getattr(value[0], "ndim", 0) > 0
        )
    if isinstance(value, Image.Image):
        return True
    holds_numbers = isinstance(value, memoryview) or hasattr(value, "__array__")
    return holds_numbers and getattr(value, "ndim", 0) >= 2


def row_advice(row: Any) -> str:
    """Say what to pass instead of a row that holds more than an image; "" for any other.

    Examples
    --------
    >>> row_advice(("a.png", 3))
    'is a pair of an image and its label; pass them apart: X, y = zip(*X)'
    >>> row_advice("a.png"), row_advice(["grey", "round"])
    ('', '')
    """
    if isinstance(row, Mapping):
        names = [name for name, value in row.items() if is_image(value) or means_path(value)]
        name = names[0] if names else "image"
        return f"is a {type(row).__name__}; pass the images alone: [row[{name!r}] for row in X]"
    if not isinstance(row, (list, tuple)) or len(row) < 2:
        return ""
    first, others = row[0], row[1:]
    if is_image(first) and not isinstance(first, (list, tuple)):
        is_more = not all(is_image(other) or getattr(other, "ndim", 0) for other in others)
    elif is_path(first):
        # Rows of words are a table of imbalanced-learn's, tuples are what data sets give.
        is_more = (_is_file_name(first) and not all(map(_is_file_name, others))) or (
            isinstance(row, tuple) and not all(map(is_path, others))
        )
    else:
        return ""
    if not is_more:
        return ""
    if len(row) == 2:
        return "is a pair of an image and its label; pass them apart: X, y = zip(*X)"
    return f"has {len(row)} parts, the first an image; pass the images alone: [row[0] for row in X]"


def _is_file_name(value: Any) -> bool:
    """Tell whether `value` is a path beyond doubt, not just any text."""
    is_text = isinstance(value, str)
    return value.lower().endswith(SUFFIXES) if is_text else is_path(value)


def as_array(value: Any, what: str) -> NDArray[Any]:
    """Pixels of an image, or of a set of them, as an array of any dtype.

    Parameters
    ----------
    value : ndarray, PIL image, tensor, memoryview, nested sequence or anything with __array__
        Pixels of a PIL image are those that reading its file would give, not turned by EXIF.
    what : str
        Beginning of the message, such as "Row 3 of X".

    Raises
    ------
    ValueError
        For masked pixels, for tensors that NumPy cannot hold, for ragged sequences.
    """
    if isinstance(value, Image.Image):
        try:
            return pillow_pixels(value)
        except MemoryError:
            raise
        except Exception as exc:  # an opened file is decoded only now, and that can raise anything
            raise ValueError(f"{what} is an image of Pillow that cannot be used: {exc}") from exc
    if is_tensor(value):
        try:
            return np.asarray(value.numpy(force=True))
        except (TypeError, RuntimeError) as exc:
            raise ValueError(
                f"{what} is a tensor of {value.dtype} and layout {value.layout}, which no array "
                "can hold. Convert it: X.float(), X.to_dense()."
            ) from exc
    if isinstance(value, np.ma.MaskedArray):
        check_unmasked(value, what)
        return np.asarray(np.ma.getdata(value))
    if isinstance(value, np.ndarray):
        return value
    try:
        return np.asarray(value)
    except ValueError as exc:
        raise ValueError(
            f"{what} is no image: its rows of pixels differ in length. Pass arrays (H, W) or "
            "(H, W, C)."
        ) from exc


def check_unmasked(array: Any, what: str, by_row: bool = False) -> None:
    """Refuse masked pixels: nobody knows what an image with holes is to be mixed to.

    Raises
    ------
    ValueError
        Naming the rows if `by_row`.
    """
    if not isinstance(array, np.ma.MaskedArray) or not np.ma.is_masked(array):
        return
    where = ""
    if by_row:
        mask = np.ma.getmaskarray(array)
        rows = np.flatnonzero(mask.reshape(len(array), -1).any(axis=1))
        more = f" and {len(rows) - 10} more" if len(rows) > 10 else ""
        where = f": rows {', '.join(map(str, rows[:10]))}{more}"
    raise ValueError(
        f"{what} contains masked values{where}. Fill them, X.filled(value), or leave these images "
        "out."
    )


def remake_of(values: Sequence[Any]) -> Remake:
    """Tell what makes an image of pixels, of the kind that all `values` have; else an array.

    Examples
    --------
    >>> remake_of([Image.new("L", (3, 2))])(np.zeros((2, 3), dtype=np.uint8)).size
    (3, 2)
    """
    if all(isinstance(value, Image.Image) for value in values):
        return Image.fromarray
    if all(map(is_tensor, values)):
        return as_tensor
    if all(isinstance(value, (list, tuple)) for value in values):
        return lambda image: image.tolist()
    return lambda image: image


def as_tensor(array: NDArray[Any]) -> Any:
    """Pixels as a tensor of PyTorch, on the CPU."""
    return sys.modules["torch"].from_numpy(np.ascontiguousarray(array))
