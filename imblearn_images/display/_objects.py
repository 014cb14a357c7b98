"""Objects: images with the boxes, outlines and keypoints of their objects."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import imblearn_images.display._canvas as canvas
from imblearn_images._docstrings import substitute
from imblearn_images.core.annotations import Annotations

STEP, LINE, WIDE = 1.06, 0.2, 5  # distance and text height in image sides; images per row


class Scene(NamedTuple):
    """One image and its objects, as they are drawn."""

    title: str
    image: NDArray[Any]
    boxes: NDArray[np.float64]
    labels: list[str]
    outlines: list[Any]
    points: NDArray[np.float64] | None


@substitute
class ObjectsDisplay(canvas.DisplayMixin):
    """Sheet of images with the boxes, outlines and keypoints of their objects.

    Make one with :meth:`from_annotations`, which draws it at once.

    {guide=boxes-and-labels}

    Parameters
    ----------
    scenes : list of Scene
        The images to draw, with their objects.
    classes : list of str
        Class names, in the order of their colours.

    Attributes
    ----------
    {ax_}
    {figure_}

    Examples
    --------
    >>> import numpy as np
    >>> from imblearn_images.annotations import Annotations
    >>> photos = np.zeros((2, 48, 64), dtype=np.uint8)
    >>> cells = Annotations.of([[[4, 4, 20, 20]], []], [["white"], []], (48, 64))
    >>> display = ObjectsDisplay.from_annotations(cells, photos)
    >>> display.scenes[0].labels, display.classes
    (['white'], ['white'])
    """

    def __init__(self, scenes: list[Scene], classes: list[str]) -> None:
        self.scenes = scenes
        self.classes = classes

    @classmethod
    def from_annotations(
        cls,
        annotations: Annotations,
        images: Any = None,
        *,
        rows: Sequence[int] | NDArray[np.intp] | None = None,
        n: int = 10,
        ax: Any = None,
    ) -> ObjectsDisplay:
        """Draw images with their objects.

        Parameters
        ----------
        annotations : Annotations
            The objects of all images.
        images : images, default=None
            An array of shape (n, H, W) or (n, H, W, C), or paths; by default the files that the
            annotations name.
        rows : sequence of int, default=None
            Rows of the images to draw; by default the first `n`.
        n : int, default=10
            Number of images to draw if `rows` is None.
        {ax}

        Returns
        -------
        display : ObjectsDisplay

        Raises
        ------
        ValueError
            If there are no images, another number than was annotated, or no such row.
        """
        if images is None:
            if annotations.paths is None:
                raise ValueError(
                    "`images` must be the images of annotations without paths, got None. Pass the "
                    "array."
                )
            images = annotations.paths
        pictures = canvas.as_pictures(images, "images")
        if len(pictures) != len(annotations):
            raise ValueError(
                f"`images` must be the {len(annotations)} images that were annotated, got "
                f"{len(pictures)}."
            )
        shown = range(min(n, len(annotations))) if rows is None else [int(row) for row in rows]
        if not len(shown) or not -len(annotations) <= min(shown) <= max(shown) < len(annotations):
            raise ValueError(
                f"`rows` must be from 0 to {len(annotations) - 1}, got {list(shown)!r:.60}."
            )
        scenes = []
        for row in shown:
            row %= len(annotations)
            where = annotations.objects_of(row)
            outlines = [] if annotations.polygons is None else list(annotations.polygons[where])
            name = annotations.name_of(row)
            scenes.append(
                Scene(
                    Path(name).name if annotations.paths is not None else name,
                    canvas.picture(pictures, row),
                    annotations.boxes[where],
                    annotations.labels_of(row),
                    outlines,
                    None if annotations.keypoints is None else annotations.keypoints[where],
                )
            )
        return cls(scenes, list(annotations.classes)).plot(ax)

    def _shape(self) -> tuple[int, int]:
        """Return the number of images side by side, and that of rows."""
        n_wide = min(WIDE, len(self.scenes))
        return n_wide, -(-len(self.scenes) // n_wide)

    def _size(self) -> tuple[float, float]:
        n_wide, n_high = self._shape()
        return 2.4 * STEP * max(n_wide, 2), 2.4 * ((STEP + LINE) * n_high + LINE)

    def _draw(self, ax: Any) -> None:
        n_wide, n_high = self._shape()
        canvas.sheet(ax, STEP * n_wide, (STEP + LINE) * n_high + LINE)
        for number, scene in enumerate(self.scenes):
            down, right = divmod(number, n_wide)
            left, top = STEP * right, LINE + (STEP + LINE) * down
            ax.text(
                *(left + 0.5, top - 0.03),
                canvas.as_label(scene.title),
                fontsize=canvas.small(),
                ha="center",
                va="bottom",
                color=canvas.grey(ax),
            )
            self._draw_scene(ax, scene, left, top)
        known = [label for label in self.classes if any(label in s.labels for s in self.scenes)]
        for number, label in enumerate(known[: len(canvas.COLOURS)]):
            ax.text(
                *(0.02 + number * STEP * n_wide / max(len(known), 4), LINE / 4),
                canvas.as_label(label),
                fontsize=canvas.small(),
                fontweight="bold",
                va="center",
                color=self._colour(ax, label),
            )
        ax.axis("off")

    def _colour(self, ax: Any, label: str) -> Any:
        """Return the colour of a class; all beyond the number of colours have that of text."""
        at = self.classes.index(label) if label in self.classes else -1
        return canvas.COLOURS[at] if 0 <= at < len(canvas.COLOURS) else canvas.ink(ax)

    def _draw_scene(self, ax: Any, scene: Scene, left: float, top: float) -> None:
        """Draw an image and its objects."""
        start, end, _, first = canvas.draw_picture(ax, scene.image, left, top)
        size = scene.image.shape[:2]
        scale = (end - start) / size[1]

        def place(points: Any) -> NDArray[np.float64]:
            there: NDArray[np.float64] = np.asarray(points) * scale + np.array([start, first])
            return there

        for at, (box, label) in enumerate(zip(scene.boxes, scene.labels, strict=True)):
            colour = self._colour(ax, label)
            corners = np.array([box[[0, 1]], box[[2, 1]], box[[2, 3]], box[[0, 3]], box[[0, 1]]])
            ax.plot(*place(corners).T, color=colour, linewidth=1.5, zorder=3)
            for outline in (scene.outlines[at] or ()) if scene.outlines else ():
                closed = np.concatenate([outline, outline[:1]])
                ax.plot(*place(closed).T, color=colour, linewidth=1, linestyle=":", zorder=4)
            if scene.points is not None:
                seen = scene.points[at][scene.points[at][:, 2] > 0]
                ax.plot(*place(seen[:, :2]).T, ".", color=colour, markersize=4, zorder=4)
