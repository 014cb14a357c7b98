"""Embedding: a map of images in which similar ones lie near each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.decomposition import PCA

import imblearn_images.display._canvas as canvas
from imblearn_images._docstrings import substitute
from imblearn_images.core.columns import labels_of, plain_list
from imblearn_images.core.containers import unwrap
from imblearn_images.core.embedding import embed
from imblearn_images.core.plan import ResamplingPlan, check_plan


@substitute
class EmbeddingDisplay(canvas.DisplayMixin):
    """Map of images in two dimensions: originals are filled marks, synthetic ones hollow.

    Make one with :meth:`from_plan` or :meth:`from_labels`, which draw it at once.

    {guide=the-family}

    Parameters
    ----------
    places : ndarray of shape (n, 2)
        Positions of the images.
    y : ndarray of shape (n,)
        Label of each image.
    synthetic : ndarray of bool of shape (n,), default=None
        Whether each image is synthetic; by default none is.

    Attributes
    ----------
    {ax_}
    {figure_}

    Examples
    --------
    >>> from imblearn_images import SMOTE
    >>> from imblearn_images.datasets import load_texture_patches
    >>> X, y = load_texture_patches(return_X_y=True)
    >>> smote = SMOTE(random_state=0)
    >>> X_res, y_res = smote.fit_resample(X, y)
    >>> display = EmbeddingDisplay.from_plan(smote.plan_, X, y)
    >>> display.places.shape, int(display.synthetic.sum())
    ((768, 2), 407)
    """

    def __init__(
        self, places: NDArray[Any], y: NDArray[Any], synthetic: NDArray[np.bool_] | None = None
    ) -> None:
        self.places = places
        self.y = y
        self.synthetic = synthetic

    @classmethod
    def from_labels(
        cls, X: Any, y: Any, *, embedding: Any = None, reducer: Any = None, ax: Any = None
    ) -> EmbeddingDisplay:
        """Draw a map of labelled images.

        Parameters
        ----------
        X : images or paths
            The images, as for a sampler.
        y : array-like of shape (n,)
            Their labels.
        {embedding}
        reducer : transformer, default=None
            Reduces the features to two with ``fit_transform``; by default ``PCA(2)``.
        {ax}

        Returns
        -------
        display : EmbeddingDisplay
        """
        features, reducer = _features(X, embedding), _reducer(reducer)
        return cls(reducer.fit_transform(features), labels_of(y)).plot(ax)

    @classmethod
    def from_plan(
        cls,
        plan: ResamplingPlan,
        X: Any,
        y: Any,
        *,
        embedding: Any = None,
        reducer: Any = None,
        ax: Any = None,
    ) -> EmbeddingDisplay:
        """Draw a map of the source images and of the synthetic images of a plan.

        A synthetic image is placed at the mean of its parents' features, weighted by their
        shares. For blended pixels these are its own features.

        Parameters
        ----------
        plan : ResamplingPlan
            A sampler's ``plan_``.
        X, y : images or paths, and their labels
            The images and labels that the plan was drawn for.
        embedding, ax
            As for :meth:`from_labels`.
        reducer : transformer, default=None
            Reduces the features of original and synthetic images together to two with
            ``fit_transform``; by default ``PCA(2)``.

        Returns
        -------
        display : EmbeddingDisplay

        Raises
        ------
        ValueError
            If `X` has not as many images as the plan was drawn for.
        """
        check_plan(plan)
        features = _features(X, embedding)
        if len(features) != plan.n_source:
            raise ValueError(
                f"`X` must be the {plan.n_source} images that the plan was drawn for, got "
                f"{len(features)}. Pass the X passed to fit_resample."
            )
        drawn = plan[plan.synthetic]
        # Reduced together: a map of the originals alone would put what is new where it does not
        # belong.
        both = np.concatenate([features, drawn.matrix() @ features])
        labels = np.concatenate([labels_of(y), drawn.y])
        places = _reducer(reducer).fit_transform(both)
        return cls(places, labels, np.arange(len(both)) >= len(features)).plot(ax)

    def _size(self) -> tuple[float, float]:
        return 6.4, 4.8

    def _draw(self, ax: Any) -> None:
        from matplotlib import patheffects

        made = np.zeros(len(self.y), bool) if self.synthetic is None else self.synthetic
        labels, counts = np.unique(self.y[~made], return_counts=True)
        outline = [patheffects.withStroke(linewidth=3, foreground=canvas.paper(ax))]
        in_order = plain_list(labels[np.argsort(-counts, kind="stable")])
        drawn, hidden = canvas.first_and_last(in_order)
        if hidden:
            others = ~np.isin(self.y, np.array(drawn, dtype=self.y.dtype))
            ax.scatter(
                *self.places[others].T,
                8,
                color=canvas.pale(ax),
                label=f"and {hidden:,} more classes",
            )
        middles = []
        for number, label in enumerate(drawn):
            colour, marker = canvas.mark(number)
            own, new = (self.places[(self.y == label) & kind] for kind in (~made, made))
            hollow = {"facecolor": "none", "edgecolor": colour, "marker": marker}
            ax.scatter(*new.T, 16, linewidth=0.7, alpha=0.7, **hollow)
            filled = {"color": colour, "marker": marker, "edgecolor": canvas.paper(ax)}
            ax.scatter(*own.T, 18, linewidth=0.4, **filled)
            # The median, so that a few images far away do not pull the label out of its class.
            middles.append(np.median(own, axis=0))
        # The limits must be final: labels are kept apart in points, not in data.
        ax.margins(0.04)
        ax.autoscale_view()
        texts = [canvas.as_label(label) for label in drawn]
        for number, offset in enumerate(canvas.spread_labels(ax, middles, texts)):
            ax.annotate(
                texts[number],
                middles[number],
                offset,
                textcoords="offset points",
                color=canvas.mark(number)[0],
                ha="center",
                va="center",
                fontsize=1.2 * canvas.small(),
                fontweight="bold",
                path_effects=outline,
                zorder=4,
            )
        if made.any():
            ax.plot([], [], "o", color=canvas.ink(ax), markersize=4, label="original")
            hollow = {"markerfacecolor": "none", "label": "synthetic"}
            ax.plot([], [], "o", color=canvas.ink(ax), markersize=4, **hollow)
        if made.any() or hidden:
            ax.legend(frameon=False, fontsize=canvas.small(), loc="best", handletextpad=0.1)
        ax.set(xticks=[], yticks=[])
        canvas.open_frame(ax)


def _features(X: Any, embedding: Any) -> NDArray[Any]:
    """Return the features of images, shape (n, d)."""
    return embed(unwrap(X)[0], embedding)[0]


def _reducer(reducer: Any) -> Any:
    """Return an unfitted transformer to two dimensions."""
    return PCA(2, random_state=0) if reducer is None else clone(reducer)
