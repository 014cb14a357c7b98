"""Families: synthetic images beside the images from which they are drawn."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import imblearn_images.display._canvas as canvas
from imblearn_images._docstrings import substitute
from imblearn_images.core.columns import plain_list
from imblearn_images.core.containers import holds_paths
from imblearn_images.core.plan import ResamplingPlan, check_plan
from imblearn_images.core.rendering import render
from imblearn_images.core.rules import answer, rule_name

PARTNERS = 3  # maximum number of partners shown beside an image
LETTERS = 14  # letters of text that fit into the width of an image
STEP, LINE = 1.3, 0.2  # distance of images and height of a text line; the side of an image is 1


class Family(NamedTuple):
    """A synthetic image and its parents, as they are drawn."""

    title: str
    """Row number and label."""
    image: NDArray[Any]
    """The synthetic image."""
    parents: list[tuple[float, str, NDArray[Any]]]
    """Share, name and image of the base and the largest partners."""
    rest: str
    """What the image is drawn from besides these parents."""
    how: str = ""
    """What the synthesis did; empty where pixels of the parents were summed."""

    @property
    def child(self) -> NDArray[Any]:
        """The synthetic image, by its former name."""
        return self.image


@substitute
class FamilyDisplay(canvas.DisplayMixin):
    """Sheet of synthetic images, each after its parents: share x parent + ... = image.

    Where pixels are not summed, a line describes what the synthesis did with the parents.

    Make one with :meth:`from_plan`, which draws it at once.

    {guide=parents}

    Parameters
    ----------
    families : list of Family
        The synthetic images to draw, with their parents.

    Attributes
    ----------
    {ax_}
    {figure_}

    Examples
    --------
    >>> from imblearn_images import SMOTE
    >>> from imblearn_images.datasets import load_texture_patches
    >>> X, y = load_texture_patches(images="colour", return_X_y=True)
    >>> smote = SMOTE(random_state=0)
    >>> X_res, y_res = smote.fit_resample(X, y)
    >>> display = FamilyDisplay.from_plan(smote.plan_, X, rows=[len(X), -1])
    >>> [family.title for family in display.families]
    ['row 462: astronaut', 'row 1039: coffee']
    """

    def __init__(self, families: list[Family]) -> None:
        self.families = families

    @classmethod
    def from_plan(
        cls,
        plan: ResamplingPlan,
        X: Any,
        *,
        rows: Sequence[int] | None = None,
        n: int = 6,
        X_resampled: Any = None,
        ax: Any = None,
    ) -> FamilyDisplay:
        """Draw rows of a plan beside their parents.

        Parameters
        ----------
        plan : ResamplingPlan
            A sampler's ``plan_``.
        X : array of shape (n, H, W) or (n, H, W, C), or n paths
            The images that the plan was drawn for.
        rows : sequence of int, default=None
            Rows of the resampled set to draw. By default `n` synthetic rows, from all classes
            in turn; copies if there are no synthetic rows.
        n : int, default=6
            Number of rows to choose if `rows` is None.
        X_resampled : array or paths, default=None
            Result of ``fit_resample``: images are taken from it instead of being drawn again,
            which is necessary for images that a generator has made.
        {ax}

        Returns
        -------
        display : FamilyDisplay

        Raises
        ------
        ValueError
            If `X` holds no images, or others than those of the plan.
        """
        check_plan(plan)
        X = canvas.as_pictures(X)
        if X_resampled is not None:
            X_resampled = canvas.as_pictures(X_resampled, "X_resampled")
        chosen = choose_synthetic(plan, n) if rows is None else np.arange(len(plan))[list(rows)]
        names = [Path(path).stem for path in X] if holds_paths(X) else list(map(str, range(len(X))))
        families = [_family(plan, X, int(row), X_resampled, names) for row in chosen]
        return cls(families).plot(ax)

    def _size(self) -> tuple[float, float]:
        n_rows, n_columns, width, height = self._layout()
        return 1.1 * n_columns * width, 1.1 * n_rows * height

    def _layout(self) -> tuple[int, int, float, float]:
        """Return numbers of rows and columns, and width and height of a family in image sides."""
        longest = max((len(family.parents) for family in self.families), default=1)
        n_columns = 1 if longest > 2 or len(self.families) == 1 else 2
        width = STEP * (longest + 1) + 0.2
        texts = [_lines(family, width) for family in self.families]
        height = 1 + LINE * (2.6 + max(map(len, texts), default=0))
        n_rows = -(-len(self.families) // n_columns)
        return n_rows, n_columns, width, height

    def _draw(self, ax: Any) -> None:
        n_rows, n_columns, width, height = self._layout()
        canvas.sheet(ax, n_columns * width, n_rows * height)
        for number, family in enumerate(self.families):
            row, column = divmod(number, n_columns)
            self._draw_family(ax, family, column * width, row * height, _lines(family, width))

    def _draw_family(
        self, ax: Any, family: Family, left: float, top: float, lines: list[str]
    ) -> None:
        """Draw a title, the parents, the synthetic image in a frame, and lines of text below."""
        centred = {"fontsize": canvas.small(), "ha": "center"}
        operator = {
            "fontsize": canvas.large(),
            "ha": "center",
            "va": "center",
            "color": canvas.ink(ax),
        }
        ax.text(
            left,
            top + LINE,
            canvas.as_label(family.title, 40),
            fontsize=canvas.small(),
            color=canvas.ink(ax),
            va="bottom",
        )
        top += 1.25 * LINE
        for place, (share, name, image) in enumerate(family.parents):
            x = left + STEP * place
            canvas.draw_picture(ax, image, x, top)
            text = canvas.as_label(name, 14)
            if not family.how:
                sign = "" if place == 0 else "\N{MINUS SIGN}" if share < 0 else "+"
                ax.text(x - (STEP - 1) / 2, top + 0.5, sign, **operator)
                text = f"{abs(share):.2f} \N{MULTIPLICATION SIGN} {text}"
            ax.text(x + 0.5, top + 1.05, text, va="top", color=canvas.grey(ax), **centred)
        x = left + STEP * len(family.parents)
        arrow = "\N{RIGHTWARDS ARROW}" if family.how else "="
        ax.text(x - (STEP - 1) / 2, top + 0.5, arrow, **operator)
        canvas.frame_picture(ax, canvas.draw_picture(ax, family.image, x, top), canvas.RED)
        ax.text(x + 0.5, top + 1.05, family.rest, va="top", color=canvas.grey(ax), **centred)
        for number, line in enumerate(lines, 1):
            y = top + 1.05 + LINE * number
            ax.text(
                left,
                y,
                canvas.as_label(line, 200),
                va="top",
                color=canvas.grey(ax),
                fontsize=canvas.small(),
            )


def choose_synthetic(plan: ResamplingPlan, n: int) -> NDArray[np.intp]:
    """Return `n` synthetic rows, from all classes in turn; copies if there are none."""
    made = plan.synthetic if plan.synthetic.any() else plan.kind == "copy"
    labels = list(dict.fromkeys(plain_list(plan.y[made])))
    if not labels:
        raise ValueError(
            "`rows` must be passed for a plan without synthetic rows and copies, got None."
        )
    each = [spread_synthetic(plan, label, -(-n // len(labels))) for label in labels]
    in_turn = sorted(
        (place, number, row) for number, rows in enumerate(each) for place, row in enumerate(rows)
    )
    return np.array([row for _, _, row in in_turn[:n]])


def spread_synthetic(plan: ResamplingPlan, label: Any, n: int) -> NDArray[np.intp]:
    """Return up to `n` synthetic rows of a class, or copies, by ascending share of the partner."""
    made = plan.synthetic if plan.synthetic.any() else plan.kind == "copy"
    rows = np.flatnonzero(made & (plan.y == label))
    if plan.weights.shape[1]:
        # From images like their base to images like their partner: both ends are seen.
        rows = rows[np.argsort(plan.weights[rows, 0], kind="stable")]
    n = min(n, len(rows))
    return rows[((np.arange(n) + 0.5) * len(rows) / max(n, 1)).astype(int)]


def _lines(family: Family, width: float) -> list[str]:
    """Return the text on what the synthesis did, in lines that fit."""
    return textwrap.wrap(family.how, int(LETTERS * width))


def _family(plan: ResamplingPlan, X: Any, row: int, X_resampled: Any, names: list[str]) -> Family:
    """Return a row of a plan with its largest parents."""
    image = render(plan[row], X)[0] if X_resampled is None else canvas.picture(X_resampled, row)
    base, *partners = plan.sources(row)
    partners.sort(key=lambda partner: -abs(partner[1]))
    parents = [
        (share, names[at], canvas.picture(X, at)) for at, share in (base, *partners[:PARTNERS])
    ]
    more = [f"+ {len(partners) - PARTNERS} more"] if len(partners) > PARTNERS else []
    how = ""
    rests = {rule_name(rule): answer(rule, "rest") for rule in _drawn_by(plan, row)}
    more += [name if rest is None else rest for name, rest in rests.items()]
    if None in rests.values() or (plan.previous is not None and plan.synthetic[row]):
        how = plan.explain(row, names).removeprefix(f"row {row} ({plan.y[row]}) = ")
    return Family(f"row {row}: {plan.y[row]}", image, parents, " ".join(filter(None, more)), how)


def _drawn_by(plan: ResamplingPlan, row: int) -> list[Any]:
    """Return the rules of those steps that drew a row, in order; not every step draws it."""
    before = [] if plan.previous is None else _drawn_by(plan.previous, int(plan.base[row]))
    return [*before, plan.synthesis] if plan.last_step.synthetic[row] else before
