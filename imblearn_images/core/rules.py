"""Rules: how samplers draw if no synthesis is passed, and the questions that every rule answers.

A rule needs ``n_partners`` and ``draw``, see :mod:`imblearn_images.core.synthesis`. Plans, the
renderer and displays ask for anything else by :func:`answer`: an attribute of the rule, or, if it
has none of that name, the default in `ANSWERS`, which suits an ordinary synthesis of images.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from imblearn_images.core.layers import Layer, in_place
from imblearn_images.core.pixels import as_floats, check_same_unit, mix

ANSWERS = MappingProxyType(
    {
        "effort": 10,  # its work, in multiples of a copy (1 ns a byte); 0 if threads never pay off
        "at_once": 1 << 19,  # pixels of images that it draws at a time
        "copies": False,  # rows drawn by it are unchanged images, not synthetic ones
        "looks": True,  # its layers depend on the pixels of the parents, not only on their shape
        "mixes": False,  # it adds up the pixels of any number of parents, by their shares
        "needs_partners": True,  # without a partner it can only repeat the image
        "note": None,  # how the repr of a plan describes it; None: "drawn by" and its name
        "rest": None,  # what it adds to the shares of the parents; None if it does not use shares
        "sees_all": False,  # what it draws may show any source image, not only its parents
        "why_not": "",  # why it cannot draw from the images alone
        "why_not_carried": "",  # why objects cannot be carried through what it draws
    }
)
"""Questions that a rule may answer by an attribute -> the default."""


def answer(rule: Any, question: str) -> Any:
    """Return a rule's answer to one of the questions in `ANSWERS`, or the default.

    Examples
    --------
    >>> answer(Blend(), "mixes"), answer(object(), "mixes")
    (True, False)
    """
    return getattr(rule, question, ANSWERS[question])


def rule_name(rule: Any) -> str:
    """Return the name of a rule.

    Examples
    --------
    >>> rule_name(Blend()), rule_name(object())
    ('blend', 'object')
    """
    name: str = getattr(rule, "__name__", type(rule).__name__)
    return name


def rule_told(rule: Any) -> str:
    """Return a rule and its parameters as text that is the same in every process.

    Examples
    --------
    >>> rule_told(Blend()), rule_told(object())
    ("'blend'", '<object object>')
    """
    return re.sub(r" at 0x[0-9a-f]+", "", repr(rule))


def as_rule(rule: Any) -> Any:
    """Return the rule that a name or a function stands for; anything else as it is.

    Functions are wrapped in :class:`EachRow`.

    Examples
    --------
    >>> type(as_rule("copy")).__name__, as_rule("blur")
    ('Copy', 'blur')
    >>> as_rule(lambda base, partner, step, rng: partner).n_partners
    1
    """
    if isinstance(rule, str):
        return {"copy": Copy(), "blend": Blend()}.get(rule, rule)
    if callable(rule) and not hasattr(rule, "draw") and not isinstance(rule, type):
        return EachRow(rule)
    return rule


class Copy(BaseEstimator):  # type: ignore[misc]
    """Rule that takes the base as it is."""

    __name__ = "copy"
    n_partners = 0
    looks = False
    copies = True
    effort = 1

    def __repr__(self) -> str:
        return repr(self.__name__)  # as it is passed as `synthesis`

    def draw(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> NDArray[Any]:
        """Return the bases."""
        return base

    def explain(
        self, base: str, partners: Sequence[str], weights: Sequence[float], rng: Any
    ) -> str:
        """Describe what is drawn from images with these names."""
        return f"a copy of {base}"

    def layers(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> list[Layer]:
        """Return one layer: the base, unmoved."""
        return [in_place(len(base), base.shape[1:3])]


class Blend(BaseEstimator):  # type: ignore[misc]
    """Rule of SMOTE: base + step * (partner - base)."""

    __name__ = "blend"
    n_partners = 1
    looks = False
    mixes = True
    effort = 3
    note = rest = ""

    def __repr__(self) -> str:
        return repr(self.__name__)  # as it is passed as `synthesis`

    def draw(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> NDArray[Any]:
        """Return the parents mixed pixel by pixel."""
        out = np.empty((len(base), prod(base.shape[1:])), dtype=base.dtype)
        # Through the same function as the renderer, so that a member of a Chain blends alike.
        mix(base.reshape(out.shape), partners[:, 0].reshape(out.shape), weights, out)
        children: NDArray[Any] = out.reshape(base.shape)
        return children

    def explain(
        self, base: str, partners: Sequence[str], weights: Sequence[float], rng: Any
    ) -> str:
        """Describe what is drawn from images with these names."""
        shares = [(1.0 - float(np.sum(weights)), base)]
        shares += [(w, partner) for w, partner in zip(weights, partners, strict=True) if w]
        return " + ".join(f"{share:.2f} x {name}" for share, name in shares)

    def layers(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> list[Layer]:
        """Return two layers: both parents are visible in every pixel, by their shares."""
        m, size, step = len(base), base.shape[1:3], weights[:, 0]
        return [in_place(m, size, share=1 - step), in_place(m, size, 1, share=step)]


class EachRow:
    """Rule that calls a function ``(base, partner, step, rng) -> image`` for each row.

    The function gets floats in the unit of the data, e.g. 0.0 to 255.0 (bool: 0.0 and 1.0), with
    32 bits if these hold every value, else 64, and must return values in that unit.

    Examples
    --------
    >>> images = np.array([[[200]], [[100]]], dtype=np.uint8)
    >>> blend = EachRow(lambda base, partner, step, rng: base + step * (partner - base))
    >>> blend.draw(images[:1], images[None, 1:], np.array([[0.25]]), [None]).tolist()
    [[[175.0]]]
    """

    n_partners = 1
    needs_partners = False  # many functions ignore the partner

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__name__ = getattr(function, "__name__", type(function).__name__)

    def __repr__(self) -> str:
        return self.__name__

    def draw(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> NDArray[Any]:
        """Return the images that the function draws, called for one row after the other."""
        rows = zip(base, partners[:, 0], weights[:, 0].tolist(), rngs, strict=True)
        return np.stack([self._draw(*row) for row in rows])

    def explain(
        self, base: str, partners: Sequence[str], weights: Sequence[float], rng: Any
    ) -> str:
        """Describe what is drawn from images with these names."""
        return f"{self!r}(base {base}, partner {partners[0]}, step {weights[0]:.2f})"

    def _draw(
        self, base: NDArray[Any], partner: NDArray[Any], step: float, rng: np.random.Generator
    ) -> NDArray[Any]:
        """Return one image, after checking its shape, dtype and unit."""

        def call(rng: np.random.Generator) -> NDArray[Any]:
            return np.asarray(self.function(as_floats(base), as_floats(partner), step, rng))

        # Checked for every image: a function sees one at a time, and may fail for some only.
        child = call(rng)
        if child.shape != base.shape or child.dtype.kind not in "biuf":
            raise ValueError(
                f"`synthesis` {self!r} must return an image of shape {base.shape}, as its base, "
                f"got an array of shape {child.shape} and dtype {child.dtype}. Keep shape and unit."
            )
        check_same_unit((base, partner), child, self.function, call)
        return child


class Generated(BaseEstimator):  # type: ignore[misc]
    """Rule of images that a generator has made; their base is the most similar source image."""

    __name__ = "generated"
    n_partners = 0
    note = rest = "generated"
    sees_all = True
    why_not = (
        "The plan has rows that a generator has made, which only fit_resample draws; keep its "
        "result, or draw the other rows: render(plan[~plan.synthetic], images)."
    )

    def draw(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> NDArray[Any]:
        """Raise a ValueError, because the generated images are not in the plan."""
        raise ValueError(self.why_not)

    def explain(
        self, base: str, partners: Sequence[str], weights: Sequence[float], rng: Any
    ) -> str:
        """Describe what is drawn from images with these names."""
        return f"generated, looks most like {base}"


STRIDE = 1 << 18  # random numbers between two saved states of the stream


class Noise(BaseEstimator):  # type: ignore[misc]
    """Rule of the smoothed bootstrap: the base plus Gaussian noise.

    The noise of all rows is one stream of random numbers, the same as in imbalanced-learn. A
    stream cannot be entered at any point, so its state is saved about every 260,000 numbers, and
    the numbers from there to a row are drawn again: 2.5 KB for 260,000 pixels. The seed of a row
    is its number among the rows with noise.

    Parameters
    ----------
    scale : ndarray of shape (n_classes, ...), default=None
        Standard deviation of the noise in each pixel of the images of a class. ``None``: the
        states were not saved, so that the noise cannot be drawn again.
    starts : ndarray of shape (m,), default=None
        Rows before which a state was saved, ascending from 0.
    classes : ndarray of shape (m,), default=None
        Row of `scale` that applies from each of these rows on.
    keys, ends : ndarray of shape (m, 624) and (m, 3), default=None
        State of the Mersenne twister: its key; its position, whether half a pair of normal
        numbers is left, and that number.
    """

    __name__ = "noise"
    n_partners = 0
    note = ""
    rest = "+ noise"

    def __init__(
        self,
        scale: NDArray[np.float64] | None = None,
        starts: NDArray[np.intp] | None = None,
        classes: NDArray[np.intp] | None = None,
        keys: NDArray[np.uint32] | None = None,
        ends: NDArray[np.float64] | None = None,
    ) -> None:
        self.scale = scale
        self.starts = starts
        self.classes = classes
        self.keys = keys
        self.ends = ends

    def __repr__(self) -> str:
        return "Noise()"  # without the numbers

    @property
    def why_not(self) -> str:
        """Why it cannot draw, if the states of the stream were not saved; else empty."""
        if self.scale is not None:
            return ""
        return (
            "The plan has rows with noise (`shrinkage`), which only fit_resample draws; keep its "
            "result, or draw the rows without noise: render(plan[~plan.synthetic], images)."
        )

    @classmethod
    def of_stream(
        cls, scale: Sequence[NDArray[Any]], places: Sequence[tuple[int, int, dict[str, Any]]]
    ) -> Noise:
        """Return noise whose stream had the state `places[k][2]` before row `places[k][0]`.

        `places[k][1]` is the row of `scale` that applies from there on; states are those of
        ``RandomState.get_state(legacy=False)``. Only the states of a Mersenne twister, the
        default bit generator of ``RandomState``, are saved.
        """
        states = [state for *_, state in places]
        if not states or states[0]["bit_generator"] != "MT19937":
            return cls()
        return cls(
            np.stack(scale),
            np.array([start for start, *_ in places], dtype=np.intp),
            np.array([at for _, at, _ in places], dtype=np.intp),
            np.stack([state["state"]["key"] for state in states]).astype(np.uint32),
            np.array([(s["state"]["pos"], s["has_gauss"], s["gauss"]) for s in states], np.float64),
        )

    def draw(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> NDArray[Any]:
        """Return the bases plus the noise of their rows."""
        if self.scale is None:
            raise ValueError(self.why_not)
        assert self.starts is not None and self.classes is not None
        seeds: list[Any] = [rng.bit_generator.seed_seq.entropy for rng in rngs]  # type: ignore[attr-defined]
        numbers = np.array(seeds, dtype=np.uint64).astype(np.intp)
        children = np.empty(base.shape)
        places = self._places(numbers, base.shape[1:])
        shape, stream, ahead, here = base.shape[1:], None, 0, -1
        for at in np.argsort(numbers, kind="stable").tolist():
            number, place = int(numbers[at]), int(places[at])
            if stream is None or place != here or number < ahead:
                stream, here, ahead = self._stream(place), place, int(self.starts[place])
            if number > ahead:  # skip the rows between; `_places` has bounded their number
                stream.standard_normal((number - ahead, *shape))
            noise = stream.standard_normal(shape)
            with np.errstate(over="ignore", invalid="ignore"):  # `store` raises for infinity
                noise *= self.scale[self.classes[place]]
                noise += base[at]
            children[at], ahead = noise, number + 1
        return children

    def _places(self, numbers: NDArray[np.intp], shape: tuple[int, ...]) -> NDArray[np.intp]:
        """Return the last saved state before each row; raise for states that are not valid."""
        scale, starts, classes, keys, ends = map(
            np.asarray, (self.scale, self.starts, self.classes, self.keys, self.ends)
        )
        n = len(starts) if starts.ndim == 1 else 0
        places: NDArray[np.intp] = np.searchsorted(starts, numbers, side="right") - 1
        if not (
            n
            and starts[0] == 0
            and (np.diff(starts) > 0).all()
            and scale.shape[1:] == shape
            and classes.shape == (n,)
            and 0 <= classes.min() <= classes.max() < len(scale)
            and keys.shape == (n, 624)
            and keys.dtype == np.uint32
            and ends.shape == (n, 3)
            # NumPy does not check the position and would read beyond the key
            and 0 <= ends[:, 0].min() <= ends[:, 0].max() <= 624
            and (numbers >= 0).all()
            and ((numbers - starts[places]) * float(prod(shape)) <= STRIDE).all()
        ):
            raise ValueError(
                f"The noise of the plan was not drawn for images of shape {shape}, or its state "
                "is damaged. Pass the X that was given to fit_resample, or resample it again."
            )
        return places

    def _stream(self, place: int) -> np.random.RandomState:
        """Return a random stream in one of the saved states."""
        assert self.keys is not None and self.ends is not None
        position, has_gauss, cached = self.ends[place].tolist()
        stream = np.random.RandomState()
        stream.set_state(("MT19937", self.keys[place], int(position), int(has_gauss), cached))
        return stream

    def explain(
        self, base: str, partners: Sequence[str], weights: Sequence[float], rng: Any
    ) -> str:
        """Describe what is drawn from images with these names."""
        return f"1.00 x {base} + noise"
