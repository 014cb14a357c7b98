"""Measuring: where the features come from that a sampler looks at."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from scipy import sparse

from imblearn_images.core.embedding import embed
from imblearn_images.core.features import given_features

__all__ = ["measure", "own_features"]


def own_features(
    sampler: Any, X: Any, y: NDArray[Any], embeddings: Any
) -> tuple[NDArray[Any] | None, str]:
    """Features that were given, or that the `embedding` of `sampler` makes.

    Parameters
    ----------
    sampler : sampler
        Gets its ``embedding_``: the fitted embedding, None if there is none.
    X : ndarray of shape (n, ...), sparse matrix, or 1-D array of paths
        The images.
    y : ndarray of shape (n,)
        Their labels, for an embedding that needs some to be fitted.
    embeddings : array-like of shape (n, d) or None
        What ``fit_resample`` was given.

    Returns
    -------
    features : ndarray of shape (n, d) or None
        None where pixels are meant.
    nearness : str
        What "near" means in these features, in a few words.

    Raises
    ------
    ValueError
        For features that do not belong to these images, or come from two sides.
    """
    sampler.embedding_ = None
    if getattr(sampler, "interpolate", "pixels") != "pixels":
        _check_decodable(sampler, X, embeddings)
    if embeddings is not None:
        if sampler.embedding is not None:
            raise ValueError(
                f"Features are either given or computed: got `embeddings` and "
                f"embedding={sampler.embedding!r}. Leave one of them out."
            )
        features = given_features(embeddings, X.shape[0])
        return features, f"given features ({features.shape[1]})"
    if sampler.embedding is None:
        return None, ""
    jobs = getattr(sampler, "n_jobs", None)
    features, sampler.embedding_, nearness = embed(X, sampler.embedding, y, n_jobs=jobs)
    return features, nearness


def _check_decodable(sampler: Any, X: Any, embeddings: Any) -> None:
    """Refuse to interpolate in an embedding from which there is no way back."""
    if sampler.interpolate != "embedding":
        raise ValueError(
            f'`interpolate` must be "pixels" or "embedding", got {sampler.interpolate!r}.'
        )
    if sampler.synthesis is not None:
        raise ValueError(
            '`interpolate="embedding"` decodes children, `synthesis` draws them in another way; '
            f"leave one of them out, got {sampler.synthesis!r}."
        )
    if sparse.issparse(X):
        raise ValueError(
            f'`interpolate="embedding"` decodes children to pixels, X is a {type(X).__name__}; '
            "pass an array, X.toarray()."
        )
    if embeddings is not None or not hasattr(sampler.embedding, "inverse_transform"):
        got = "`embeddings`" if embeddings is not None else f"embedding={sampler.embedding!r}"
        raise ValueError(
            '`interpolate="embedding"` decodes children by the `inverse_transform` of '
            f"`embedding`, got {got}, which has none. Pass e.g. PCA(50), or a Pipeline of steps "
            "that all have it."
        )


def measure(sampler: Any, X: Any, y: NDArray[Any], embeddings: Any) -> tuple[NDArray[Any], str]:
    """Give the features that :func:`own_features` gives, the pixels where it gives none."""
    features, nearness = own_features(sampler, X, y, embeddings)
    if features is None:
        features, _, nearness = embed(X, n_jobs=getattr(sampler, "n_jobs", None))
    return features, nearness
