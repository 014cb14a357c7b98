"""Masks of objects as run lengths, as COCO has them; outlines as masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["RunLengths", "box_of_mask", "mask_of_outlines", "resized_mask"]


@dataclass(frozen=True, eq=False)
class RunLengths:
    """A mask as the lengths of runs of 0 and 1 in turn, column by column.

    Read more in the :ref:`User Guide <boxes-and-labels>`.

    Parameters
    ----------
    size : (height, width)
        Size of the image.
    counts : ndarray of shape (r,), dtype int64
        Lengths of the runs; the first run is of 0 and may have length 0.

    Notes
    -----
    The form of COCO's annotations: a mask of 640 x 480 pixels takes some hundred bytes.

    Examples
    --------
    >>> mask = np.zeros((3, 3), dtype=bool)
    >>> mask[1, 1:] = True
    >>> runs = RunLengths.of(mask)
    >>> runs.counts.tolist(), bool((runs.mask() == mask).all())
    ([4, 1, 2, 1, 1], True)
    >>> runs.text(), RunLengths.from_text((3, 3), runs.text()).counts.tolist()
    ('4120O', [4, 1, 2, 1, 1])
    """

    size: tuple[int, int]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, mask: NDArray[np.bool_]) -> RunLengths:
        """Return the run lengths of a mask of shape (H, W)."""
        flat = np.asarray(mask, dtype=np.bool_).ravel(order="F")
        ends = np.flatnonzero(np.diff(flat)) + 1
        edges = np.concatenate([[0], ends, [len(flat)]])
        counts = np.diff(edges)
        if len(flat) and flat[0]:
            counts = np.append(0, counts)
        height, width = np.shape(mask)
        return cls((height, width), counts.astype(np.int64))

    def mask(self) -> NDArray[np.bool_]:
        """Return the mask, shape (H, W), dtype bool."""
        values = np.arange(len(self.counts)) % 2 == 1
        return np.repeat(values, self.counts).reshape(self.size, order="F")

    def text(self) -> str:
        """Return the run lengths as compressed text in COCO's form: differences in base 32."""
        # Five bits a letter, lowest first; bit 0x20 says that more follow, bit 0x10 of the last
        # one that the number is negative. From the fourth run on, the difference to the run
        # before the last one is written.
        letters = []
        for at, count in enumerate(self.counts.tolist()):
            value = count - int(self.counts[at - 2]) if at > 2 else count
            more = True
            while more:
                part, value = value & 0x1F, value >> 5
                more = value != (-1 if part & 0x10 else 0)
                letters.append(chr((part | 0x20 if more else part) + 48))
        return "".join(letters)

    @classmethod
    def from_text(cls, size: tuple[int, int], text: str) -> RunLengths:
        """Read what :meth:`text` writes.

        Raises
        ------
        ValueError
            If the text ends too early, or does not describe a mask of this size.
        """
        counts: list[int] = []
        value = shift = 0
        for letter in text.encode("ascii", "replace"):
            part = letter - 48
            value |= (part & 0x1F) << shift
            shift += 5
            if part & 0x20:
                continue
            if part & 0x10:
                value |= -1 << shift
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
        return cls.checked(size, counts)

    @classmethod
    def checked(cls, size: tuple[int, int], counts: Sequence[int]) -> RunLengths:
        """Return run lengths from a file, after checking them.

        Raises
        ------
        ValueError
            If they are not lengths, or do not add up to a mask of this size.
        """
        total = size[0] * size[1]
        if any(not isinstance(c, int) or not 0 <= c <= total for c in counts) or (
            sum(counts) != total
        ):
            raise ValueError(
                f"Run lengths of a mask must add up to {size[0]} x {size[1]} pixels, got "
                f"{counts!r:.60}."
            )
        return cls(size, np.array(counts, dtype=np.int64))


def box_of_mask(mask: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    """Return the box of a mask of shape (H, W), shape (4,); None if it is True nowhere.

    Examples
    --------
    >>> box_of_mask(np.eye(3, dtype=bool)[:, :2]).tolist()
    [0.0, 0.0, 2.0, 2.0]
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=np.float64)


def mask_of_outlines(outlines: Sequence[NDArray[Any]], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the mask of the pixels whose centre lies within one of the outlines, shape (H, W).

    Examples
    --------
    >>> square = np.array([[1, 0], [3, 0], [3, 2], [1, 2]])
    >>> mask_of_outlines([square], (3, 4)).astype(int).tolist()
    [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    """
    from skimage.draw import polygon

    mask = np.zeros(size, dtype=np.bool_)
    for outline in outlines:
        x, y = np.asarray(outline, dtype=np.float64).T
        mask[polygon(y - 0.5, x - 0.5, size)] = True  # type: ignore[no-untyped-call]
    # An object so thin that it contains no centre of a pixel gets the pixel in its middle.
    if not mask.any() and len(outlines):
        x, y = np.concatenate([np.asarray(outline) for outline in outlines]).mean(axis=0)
        if 0 <= x < size[1] and 0 <= y < size[0]:
            mask[int(y), int(x)] = True
    return mask


def resized_mask(mask: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Return a mask, or label map, in another size, by the nearest pixel.

    Examples
    --------
    >>> resized_mask(np.array([[1, 2]]), (2, 4)).tolist()
    [[1, 1, 2, 2], [1, 1, 2, 2]]
    """
    if mask.shape == size:
        return mask
    row, column = (
        (np.arange(new) * old // new).astype(np.intp)
        for new, old in zip(size, mask.shape, strict=True)
    )
    return mask[np.ix_(row, column)]
