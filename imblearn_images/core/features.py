"""Features: whether what is given has them, or can make them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array

from imblearn_images.core.elements import check_unmasked


def check_embedding(embedding: Any) -> None:
    """Refuse what makes no features of images.

    Raises
    ------
    TypeError, ValueError
        Saying what may have been meant.

    Examples
    --------
    >>> check_embedding(np.zeros((3, 2)))
    Traceback (most recent call last):
        ...
    TypeError: `embedding` makes features, got a ndarray: pass features that images have as
    fit_resample(X, y, embeddings=F).
    """
    if isinstance(embedding, type):
        name = embedding.__name__
        raise TypeError(f"`embedding` is the class {name}; did you mean {name}()?")
    if isinstance(embedding, Pipeline) and not hasattr(embedding, "transform"):
        raise TypeError(
            f"`embedding` is a Pipeline whose last step, {embedding.steps[-1][1]!r}, has no "
            "transform; leave that out: pipeline[:-1]."
        )
    makes_features = callable(embedding) or hasattr(embedding, "transform")
    if hasattr(embedding, "iloc"):  # a data frame transforms itself
        makes_features = False
    if embedding is None or makes_features:
        return
    if isinstance(embedding, (list, tuple)) or hasattr(embedding, "shape"):
        raise TypeError(
            f"`embedding` makes features, got a {type(embedding).__name__}: pass features that "
            "images have as fit_resample(X, y, embeddings=F)."
        )
    if not isinstance(embedding, str) or embedding != "thumbnail":
        near = " Did you mean HOGFeatures()?" if str(embedding).lower().startswith("hog") else ""
        kind = ValueError if isinstance(embedding, str) else TypeError
        raise kind(
            '`embedding` must be None, "thumbnail", a transformer or a function of images, got '
            f"{embedding!r}.{near}"
        )


def given_features(embeddings: Any, n: int) -> NDArray[Any]:
    """Check features that somebody else has computed of `n` images.

    Returns
    -------
    features : ndarray of shape (n, d), dtype float32 or float64

    Raises
    ------
    ValueError
        If they are not 2-D with one row an image, or not finite; the rows are named.

    Examples
    --------
    >>> given_features([[1, 0], [0, 1]], 2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    >>> given_features([[1, 0], [0, 1]], 3)
    Traceback (most recent call last):
        ...
    ValueError: `embeddings` must have shape (3, n_features), one row for each image of X in the
    same order, got shape (2, 2). A sampler behind another sampler in a Pipeline has other images
    than were passed to it: give it an `embedding` instead.
    """
    check_unmasked(embeddings, "`embeddings`", by_row=True)
    shape = np.shape(embeddings)
    if len(shape) != 2 or shape[0] != n:
        raise ValueError(
            f"`embeddings` must have shape ({n}, n_features), one row for each image of X in the "
            f"same order, got shape {shape}. A sampler behind another sampler in a Pipeline has "
            "other images than were passed to it: give it an `embedding` instead."
        )
    features: NDArray[Any] = check_array(
        embeddings,
        dtype=[np.float64, np.float32],
        ensure_all_finite=False,
        input_name="embeddings",
    )
    bad = np.flatnonzero(~np.isfinite(features).all(axis=1)).tolist()
    if bad:
        more = f" and {len(bad) - 10} more" if len(bad) > 10 else ""
        raise ValueError(
            f"`embeddings` has NaN or infinity in rows {', '.join(map(str, bad[:10]))}{more}; "
            "replace the values (numpy.nan_to_num) or leave these images out."
        )
    return features
