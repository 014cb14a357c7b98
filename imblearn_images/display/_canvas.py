"""Drawing: colours, axes and image tiles that all displays share."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from imblearn_images._docstrings import substitute
from imblearn_images.core.containers import holds_paths, unwrap
from imblearn_images.core.files import read_image
from imblearn_images.core.pixels import find_channels

BLUE, RED = "#0072b2", "#d55e00"
COLOURS = (BLUE, "#e69f00", "#009e73", "#cc79a7", RED, "#56b4e9", "#8a6d00", "#7f7f7f")
"""Told apart by colour-blind people, too: Okabe and Ito's, the yellow darkened to be read."""
MARKERS = "os^Dv<>P"
"""Beside the colours, so that nothing depends on colour alone."""
Colour = tuple[float, float, float]
BARS, ENDS = 60, 6
"""Classes that a chart shows at most; of more it shows so many at both ends."""


def small() -> float:
    """Return the size of text beside a chart in points: a little less than the user's own."""
    return 0.9 * _setting("font.size")


def large() -> float:
    """Return the size of signs between images in points."""
    return 1.4 * _setting("font.size")


def _setting(name: str) -> Any:
    from matplotlib import rcParams

    settings: Any = rcParams
    return settings[name]


def paper(ax: Any) -> Colour:
    """Return the colour behind a chart; where axes and figure are transparent, the user's."""
    from matplotlib.colors import to_rgba

    for colour in (ax.get_facecolor(), ax.figure.get_facecolor(), _setting("figure.facecolor")):
        *found, alpha = to_rgba(colour)
        if alpha > 0.5:
            break
    return found[0], found[1], found[2]


def ink(ax: Any) -> Colour:
    """Return the colour of text, on dark paper as on light."""
    return _shade(ax, 0.9)


def grey(ax: Any) -> Colour:
    """Return the colour of what stands beside the point."""
    return _shade(ax, 0.57)


def pale(ax: Any) -> Colour:
    """Return the colour of what is hardly to be seen."""
    return _shade(ax, 0.23)


def _shade(ax: Any, share: float) -> Colour:
    """Mix the colour of text with that of the paper."""
    from matplotlib.colors import to_rgb

    mixed: NDArray[Any] = share * np.array(to_rgb(_setting("text.color"))) + (1 - share) * np.array(
        paper(ax)
    )
    red, green, blue = mixed.tolist()
    return red, green, blue


def mark(number: int) -> tuple[str, str]:
    """Return colour and marker of a class or model: the first 64 differ.

    Examples
    --------
    >>> len({mark(number) for number in range(64)})
    64
    """
    rounds, place = divmod(number, len(COLOURS))
    return COLOURS[place], MARKERS[(place + rounds) % len(MARKERS)]


def require_matplotlib() -> None:
    """Raise a ModuleNotFoundError that says what to install, if matplotlib is missing."""
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Figures are drawn by matplotlib. Install it: pip install matplotlib"
        ) from error


def chosen(found: Mapping[str, Any], names: Sequence[str] | None, what: str) -> list[str]:
    """Return `names` if they are in `found` and there are colours for them; None: the first.

    Raises
    ------
    ValueError
        Naming what there is no `what` of.
    """
    if names is None:
        return list(found)[: len(COLOURS)]
    if isinstance(names, str):
        raise ValueError(f"`names` must be a list, got {names!r}; pass [{names!r}].")
    unknown = [name for name in names if name not in found]
    if unknown or not 0 < len(names) <= len(COLOURS):
        raise ValueError(
            f"`names` must be 1 to {len(COLOURS)} of the candidates with {what}, "
            f"{', '.join(map(repr, found))}; got {list(names)!r}."
        )
    return list(names)


def axes_or_new(ax: Any, width: float, height: float) -> Any:
    """Return `ax`, or the axes of a new figure of this size in inches."""
    if ax is not None:
        return ax
    require_matplotlib()
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(width, height), layout="constrained")[1]


def first_and_last(labels: Sequence[Any]) -> tuple[list[Any], int]:
    """Of too many labels for a chart those at both ends, and how many there are between.

    Examples
    --------
    >>> shown, hidden = first_and_last(range(1500))
    >>> shown[0], shown[-1], len(shown), hidden
    (0, 1499, 12, 1488)
    >>> first_and_last("abc")
    (['a', 'b', 'c'], 0)
    """
    if len(labels) <= BARS:
        return list(labels), 0
    return [*labels[:ENDS], *labels[-ENDS:]], len(labels) - 2 * ENDS


def name_hidden(ax: Any, hidden: int) -> None:
    """Draw a line between the halves of a chart that leaves classes out, with their number."""
    if not hidden:
        return
    place = ENDS - 0.5
    ax.axhline(place, color=pale(ax), linewidth=0.8, linestyle=":")
    ax.annotate(
        f"and {hidden:,} more",
        (1, place),
        xycoords=ax.get_yaxis_transform(),
        ha="right",
        va="center",
        fontsize=small(),
        color=grey(ax),
        backgroundcolor=paper(ax),
    )


Display = TypeVar("Display", bound="DisplayMixin")


@substitute
class DisplayMixin:
    """Mixin for a display: ``plot`` finds the axes and remembers them, the display draws.

    A display gives the size of its own figure in inches in ``_size``, and draws into given
    axes in ``_draw``.
    """

    ax_: Any
    figure_: Any

    def plot(self: Display, ax: Any = None) -> Display:
        """Draw it; needs matplotlib.

        Parameters
        ----------
        {ax}

        Returns
        -------
        display : object
            Itself.
        """
        ax = axes_or_new(ax, *self._size())
        self._draw(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _size(self) -> tuple[float, float]:
        raise NotImplementedError

    def _draw(self, ax: Any) -> None:
        raise NotImplementedError


def as_png(plot: Callable[[Any], Any], width: float, height: float, dpi: int = 100) -> bytes:
    """Draw ``plot(ax)`` into a PNG of this size in inches, without a window.

    Files look alike, byte for byte, whatever style their user likes in figures.
    """
    require_matplotlib()
    from matplotlib import style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    picture = io.BytesIO()
    with style.context("default"):
        figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained")
        plot(figure.add_subplot())
        FigureCanvasAgg(figure).print_png(picture, metadata={"Software": None})
    return picture.getvalue()


def open_frame(ax: Any, *sides: str) -> None:
    """Leave only these spines of the axes."""
    for name, spine in ax.spines.items():
        spine.set_visible(name in sides)


def as_label(value: Any, longest: int = 24) -> str:
    r"""Text for a figure: printable, not too long, no formula.

    Examples
    --------
    >>> as_label("5 $ notes"), as_label("a" * 30, longest=8) == "a" * 7 + "\u2026"
    ('5 \\$ notes', True)
    """
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value))
    if len(text) > longest:
        text = text[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return text.replace("$", r"\$")


def as_lines(value: Any, longest: int = 24) -> str:
    r"""Text beside a bar: as :func:`as_label`, but broken into up to three lines.

    Examples
    --------
    >>> as_lines("Golden Delicious from South Tyrol")
    'Golden Delicious from\nSouth Tyrol'
    """
    whole = as_label(value, 3 * longest)
    lines = textwrap.wrap(whole, longest, break_long_words=True) or [whole]
    return "\n".join(
        lines[:3] if len(lines) <= 3 else [*lines[:2], f"{lines[2][: longest - 1]}\u2026"]
    )


def spread_labels(
    ax: Any, places: Sequence[Any], texts: Sequence[str]
) -> list[tuple[float, float]]:
    """Return where labels of points go, in points from each, so that none covers another.

    Parameters
    ----------
    ax : matplotlib Axes
        Already with its limits.
    places : sequence of (x, y)
        Where they would stand, in the units of the axes.
    texts : sequence of str
        The labels.

    Returns
    -------
    offsets : list of (float, float)
        The first label stays where it is; one that would cover an earlier one moves up or down,
        whichever is nearer.
    """
    scale = 72 / ax.figure.dpi
    height = 1.6 * small()
    taken: list[tuple[float, float, float]] = []  # middle, and half of the width
    offsets = []
    for place, text in zip(places, texts, strict=True):
        x, y = ax.transData.transform(place) * scale
        half = 0.42 * small() * len(text)
        heights = [y]
        for step in range(1, 2 * len(texts)):
            heights += [y + 0.5 * step * height, y - 0.5 * step * height]
        free = next(
            at
            for at in heights
            if all(
                abs(x - left) >= half + wide or abs(at - up) >= height for left, up, wide in taken
            )
        )
        taken.append((x, free, half))
        offsets.append((0.0, float(free - y)))
    return offsets


def as_pictures(X: Any, name: str = "X") -> Any:
    """Images as an array of pixels or of paths; raises a ValueError if they are not images."""
    X, _ = unwrap(X)
    if not holds_paths(X) and np.ndim(X) not in (3, 4):
        raise ValueError(
            f"{name} of shape {np.shape(X)} holds no images that could be drawn: pass (n, H, W), "
            "(n, H, W, C) or paths. Rows of pixels are reshaped: X.reshape(-1, height, width)."
        )
    return X


def picture(X: Any, row: int) -> NDArray[Any]:
    """One image of :func:`as_pictures`, as it is drawn: (H, W) or (H, W, C)."""
    return read_image(X[row]) if holds_paths(X) else np.asarray(X[row])


def draw_picture(
    ax: Any, image: NDArray[Any], left: float, top: float, side: float = 1.0
) -> tuple[float, float, float, float]:
    """Draw an image into a square of the axes, whose y runs downwards.

    Returns
    -------
    box : tuple of float
        Left, right, bottom, top of the image, which keeps its proportions.
    """
    if image.ndim == 3:
        image = np.moveaxis(image, find_channels(image.shape)[0], -1)
    if image.ndim == 3 and image.shape[2] not in (3, 4):
        image = image[..., 0]
    height, width = side * np.array(image.shape[:2]) / max(image.shape[:2])
    x, y = left + (side - width) / 2, top + (side - height) / 2
    box = (x, x + width, y + height, y)
    low, high = _range(image)
    if image.ndim == 3:
        image = np.clip((image.astype(np.float32) - low) / (high - low), 0, 1)
    zoomed = max(image.shape[:2]) < 100  # few pixels are shown as they are
    ax.imshow(
        image,
        cmap="gray",
        vmin=low,
        vmax=high,
        extent=box,
        interpolation="nearest" if zoomed else "antialiased",
        zorder=2,
    )
    return box


def _range(image: NDArray[Any]) -> tuple[float, float]:
    """Black and white of an image: those of its dtype; of floats 0..1, 0..255 or what it holds."""
    if image.dtype.kind == "b" or (
        image.dtype.kind == "f" and 0 <= image.min() <= image.max() <= 1
    ):
        return 0.0, 1.0
    if image.dtype == np.uint8:
        return 0.0, 255.0
    low, high = float(image.min()), float(image.max())
    return (low, high) if high > low else (low - 1, high + 1)


def frame_picture(ax: Any, box: tuple[float, float, float, float], colour: str) -> None:
    """Draw a frame around an image."""
    left, right, bottom, top = box
    ax.plot(
        [left, right, right, left, left],
        [top, top, bottom, bottom, top],
        color=colour,
        linewidth=2,
        solid_joinstyle="miter",
        zorder=3,
    )


def sheet(ax: Any, width: float, height: float) -> None:
    """Make the axes a sheet of paper of this size, y downwards, one unit as long as the other."""
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    ax.axis("off")
