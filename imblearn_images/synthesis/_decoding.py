"""Decoding: synthetic images that are blended in an embedding and decoded to pixels."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imblearn_images.core.estimators import as_wanted
from imblearn_images.core.images import Images
from imblearn_images.core.neighbors import one_blas_thread
from imblearn_images.core.pixels import check_unit
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rules import Blend

PROBES = 8  # real images that are decoded to check the decoder


class DecodedBlend:
    """Synthesis of SMOTE in an embedding: features are blended, then decoded.

    The synthetic image is ``inverse_transform(a + step * (b - a))``, where a and b are the features
    of its parents; with an autoencoder this is the mechanism of DeepSMOTE. Images go through the
    embedding one at a time, because the last bits of a matrix product depend on the number of
    rows.

    Parameters
    ----------
    embedding : fitted transformer
        Its ``inverse_transform`` returns pixels in the unit of the images, as rows of flattened
        pixels or as images.

    References
    ----------
    .. [1] D. Dablain, B. Krawczyk, N. V. Chawla, "DeepSMOTE: fusing deep learning and SMOTE
       for imbalanced data", IEEE TNNLS 34(9), 6390-6404, 2023.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> images = np.array([[[0, 0]], [[40, 80]], [[80, 0]]], dtype=np.uint8)
    >>> rule = DecodedBlend(PCA(n_components=2).fit(images.reshape(3, 2)))
    >>> steps = np.array([[0.25]])
    >>> rule.draw(images[[0]], images[[[1]]], steps, []).round(6).tolist()
    [[[10.0, 20.0]]]
    """

    n_partners = 1

    def __init__(self, embedding: Any) -> None:
        self.embedding = embedding

    def draw(
        self,
        base: NDArray[Any],
        partners: NDArray[Any],
        weights: NDArray[np.float64],
        rngs: Sequence[np.random.Generator],
    ) -> NDArray[Any]:
        """Return the synthetic images, drawn one after the other."""
        children = np.empty(base.shape)
        with one_blas_thread:
            for row in range(len(base)):
                a, b = self._features(base[[row]]), self._features(partners[row])
                children[row] = self._decoded(a + weights[row] * (b - a), base.shape[1:])
        if base.dtype.kind == "f":
            _clip(children, base, partners[:, 0])
        return children

    def explain(
        self, base: str, partners: Sequence[str], weights: Sequence[float], rng: Any
    ) -> str:
        """Describe what is drawn from images with these names."""
        return f"DecodedBlend({Blend().explain(base, partners, weights, rng)}, of features)"

    def check(self, images: Images, plan: ResamplingPlan) -> None:
        """Check the decoder on some bases of a plan.

        Raises
        ------
        ValueError
            If the results cannot be such images: another number of pixels, NaN, or 0 to 1 where
            the images have 0 to 255.
        """
        bases = np.unique(plan.base[plan.synthetic])
        if not len(bases):
            return
        bases = bases[np.linspace(0, len(bases) - 1, num=min(PROBES, len(bases))).astype(np.intp)]
        for row in bases:
            image = np.empty((1, *images.shape_of(row)), dtype=images.dtype)
            images.read(np.array([row]), image)
            decoded = self._decoded(self._features(image), image.shape[1:])
            check_unit(decoded, image, f"`embedding` {self._name} decodes")

    @property
    def _name(self) -> str:
        """Name of the embedding in messages."""
        return type(self.embedding).__name__

    def _features(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return the features of one image, (1, H, W[, C])."""
        return np.asarray(self.embedding.transform(as_wanted(self.embedding, image)))

    def _decoded(self, features: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        """Return the image of this shape to which features are decoded."""
        pixels = np.asarray(self.embedding.inverse_transform(features))
        if pixels.size != prod(shape):
            raise ValueError(
                f"`embedding` {self._name} decodes an image of shape {shape} to an array of "
                f"shape {pixels.shape[1:]}. inverse_transform must return its {prod(shape)} pixels."
            )
        return pixels.reshape(shape)


def _clip(drawn: NDArray[Any], base: NDArray[Any], partner: NDArray[Any]) -> None:
    """Clip float images, in place, to 0 ... 1 if their parents are in it, else to their range."""
    axes = tuple(range(1, base.ndim))
    low = np.minimum(base.min(axes, keepdims=True), partner.min(axes, keepdims=True))
    high = np.maximum(base.max(axes, keepdims=True), partner.max(axes, keepdims=True))
    in_unit = (low >= 0) & (high <= 1)
    np.clip(drawn, np.where(in_unit, 0, low), np.where(in_unit, 1, high), out=drawn)
