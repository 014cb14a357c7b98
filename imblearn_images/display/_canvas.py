"""Canvas: colours, axes and image tiles that all displays share."""

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
"""Okabe and Ito's colours, which colour-blind people can tell apart, with a darker yellow."""
MARKERS = "os^Dv<>P"
"""Markers that go with the colours, so that nothing depends on colour alone."""
Colour = tuple[float, float, float]
BARS, ENDS = 60, 6
"""Maximum number of classes in a chart, and how many of more are shown at either end."""


def small() -> float:
    """Return the size of small text in points: a little less than matplotlib's setting."""
    return 0.9 * _setting("font.size")


def large() -> float:
    """Return the size in points of operators, such as "+", between images."""
    return 1.4 * _setting("font.size")


def _setting(name: str) -> Any:
    """Return one of matplotlib's settings, which the user's style may have changed."""
    from matplotlib import rcParams

    settings: Any = rcParams
    return settings[name]


def paper(ax: Any) -> Colour:
    """Return the background of a chart; for transparent axes and figures, that of the style."""
    from matplotlib.colors import to_rgba

    for colour in (ax.get_facecolor(), ax.figure.get_facecolor(), _setting("figure.facecolor")):
        *found, alpha = to_rgba(colour)
        if alpha > 0.5:
            break
    return found[0], found[1], found[2]


def ink(ax: Any) -> Colour:
    """Return the colour of text, for dark and light backgrounds alike."""
    return _shade(ax, 0.9)


def grey(ax: Any) -> Colour:
    """Return the colour of secondary text and lines."""
    return _shade(ax, 0.57)


def pale(ax: Any) -> Colour:
    """Return the colour of faint lines and areas."""
    return _shade(ax, 0.23)


def _shade(ax: Any, share: float) -> Colour:
    """Return a mixture of text colour and background; `share` is that of the text."""
    from matplotlib.colors import to_rgb

    mixed: NDArray[Any] = share * np.array(to_rgb(_setting("text.color"))) + (1 - share) * np.array(
        paper(ax)
    )
    red, green, blue = mixed.tolist()
    return red, green, blue


def mark(number: int) -> tuple[str, str]:
    """Return colour and marker of the class or model `number`: the first 64 differ.

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
            "Figures need matplotlib. Install it: pip install matplotlib"
        ) from error


def chosen(found: Mapping[str, Any], names: Sequence[str] | None, what: str) -> list[str]:
    """Return the names to draw: `names` after a check, or the first of `found` for None.

    Raises
    ------
    ValueError
        If a name is not in `found`, or there are more than colours; `what` says what `found` holds.
    """
    if names is None:
        return list(found)[: len(COLOURS)]
    if isinstance(names, str):
        raise ValueError(f"`names` must be a list, got {names!r}. Pass [{names!r}].")
    unknown = [name for name in names if name not in found]
    if unknown or not 0 < len(names) <= len(COLOURS):
        raise ValueError(
            f"`names` must be 1 to {len(COLOURS)} of the candidates with {what}, "
            f"{', '.join(map(repr, found))}, got {list(names)!r}."
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
    """Return the labels that a chart has room for, and how many between both ends are left out.

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
    """Draw a line where a chart leaves classes out, with their number."""
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
    """Mixin for a display: ``plot`` gets the axes and stores them, the display draws.

    A display returns the size of a figure of its own, in inches, from ``_size``, and draws into
    axes in ``_draw``.
    """

    ax_: Any
    figure_: Any

    def plot(self: Display, ax: Any = None) -> Display:
        """Draw the display; needs matplotlib.

        Parameters
        ----------
        {ax}

        Returns
        -------
        display : object
            The display itself.
        """
        ax = axes_or_new(ax, *self._size())
        self._draw(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _size(self) -> tuple[float, float]:
        """Return width and height of a new figure in inches."""
        raise NotImplementedError

    def _draw(self, ax: Any) -> None:
        """Draw into the axes."""
        raise NotImplementedError


def as_png(plot: Callable[[Any], Any], width: float, height: float, dpi: int = 100) -> bytes:
    """Return what ``plot(ax)`` draws as a PNG of this size in inches, without a window.

    The bytes do not depend on the user's style of matplotlib.
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
    """Hide all spines of the axes except `sides`."""
    for name, spine in ax.spines.items():
        spine.set_visible(name in sides)


def as_label(value: Any, longest: int = 24) -> str:
    r"""Return a value as text for a figure: printable, cut to `longest`, without mathtext.

    Examples
    --------
    >>> as_label("5 $ notes"), as_label("a" * 30, longest=8) == "a" * 7 + "\u2026"
    ('5 \\$ notes', True)
    """
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value))
    if len(text) > longest:
        text = text[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"
    # matplotlib would set what is between two dollar signs as a formula.
    return text.replace("$", r"\$")


def as_lines(value: Any, longest: int = 24) -> str:
    r"""Return a value as text beside a bar: like :func:`as_label`, in up to three lines.

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
        The axes, with their final limits.
    places : sequence of (x, y)
        Preferred positions of the labels, in data coordinates.
    texts : sequence of str
        The labels.

    Returns
    -------
    offsets : list of (float, float)
        Offset of each label from its position. The first label stays; one that would cover an
        earlier one moves up or down, whichever is nearer.
    """
    scale = 72 / ax.figure.dpi
    height = 1.6 * small()  # of a line of text; 0.42 below is half the mean width of a letter
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
    """Return images as an array of pixels or of paths; raise a ValueError for anything else."""
    X, _ = unwrap(X)
    if not holds_paths(X) and np.ndim(X) not in (3, 4):
        raise ValueError(
            f"`{name}` must be images of shape (n, H, W) or (n, H, W, C), or paths, got shape "
            f"{np.shape(X)}. Reshape rows of pixels: X.reshape(-1, height, width)."
        )
    return X


def picture(X: Any, row: int) -> NDArray[Any]:
    """Return one image of :func:`as_pictures`, read if it is a file: (H, W) or (H, W, C)."""
    return read_image(X[row]) if holds_paths(X) else np.asarray(X[row])


def draw_picture(
    ax: Any, image: NDArray[Any], left: float, top: float, side: float = 1.0
) -> tuple[float, float, float, float]:
    """Draw an image, with its proportions, into a square of axes whose y runs downwards.

    Returns
    -------
    box : tuple of float
        Left, right, bottom and top of the image.
    """
    if image.ndim == 3:
        image = np.moveaxis(image, find_channels(image.shape)[0], -1)
    # There are no colours for two channels or for twenty: the first is shown.
    if image.ndim == 3 and image.shape[2] not in (3, 4):
        image = image[..., 0]
    height, width = side * np.array(image.shape[:2]) / max(image.shape[:2])
    x, y = left + (side - width) / 2, top + (side - height) / 2
    box = (x, x + width, y + height, y)
    low, high = _range(image)
    if image.ndim == 3:
        image = np.clip((image.astype(np.float32) - low) / (high - low), 0, 1)
    zoomed = max(image.shape[:2]) < 100  # the pixels of small images are shown as squares
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
    """Return the values to show as black and white: by dtype, or by what the image holds."""
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
    """Turn axes into a sheet of this size: no frame, y downwards, equal units."""
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    ax.axis("off")
