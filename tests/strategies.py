"""Hypothesis strategies: images, labels and plans."""

import numpy as np
from conftest import make_images
from hypothesis import strategies as st

from imblearn_images import ResamplingPlan

INTEGERS = ["uint8", "uint16", "int8", "int16", "int32"]
FLOATS = ["float32", "float64"]
DTYPES = ["bool", *INTEGERS, *FLOATS]

seeds = st.integers(0, 2**32 - 1)
image_shapes = st.sampled_from([(12,), (4, 3), (3, 4, 3), (5, 2, 2), (3, 3, 4)])


@st.composite
def labels(draw, *, smallest=4, largest=12, most_classes=4):
    """Shuffled labels of 2 to 4 classes, text or integers."""
    sizes = draw(
        st.lists(st.integers(smallest, largest), min_size=2, max_size=most_classes), label="sizes"
    )
    names = draw(st.sampled_from([np.array(["owl", "cat", "dog", "yak"]), np.array([7, -1, 3, 0])]))
    y = np.repeat(names[: len(sizes)], sizes)
    return np.random.default_rng(draw(seeds)).permutation(y)


@st.composite
def image_sets(draw, *, dtypes=DTYPES, shapes=image_shapes, **sizes):
    """Images (n, ...) and their labels (n,)."""
    y = draw(labels(**sizes))
    X = make_images(len(y), draw(shapes), draw(st.sampled_from(dtypes)), draw(seeds))
    return X, y


@st.composite
def plans(draw, *, n_source=8, weights=(0.0, 1.0)):
    """Plans with 0 to 3 partners a row, some of the rows copies."""
    n_out, p = draw(st.integers(1, 12)), draw(st.integers(0, 3))
    rng = np.random.default_rng(draw(seeds))
    shares = rng.uniform(*weights, (n_out, p)) / (p if weights[0] >= 0 and p else 1)
    shares[rng.random(n_out) < 0.3] = 0
    return ResamplingPlan(
        base=rng.integers(0, n_source, n_out),
        partners=rng.integers(0, n_source, (n_out, p)),
        weights=shares,
        y=rng.integers(0, 3, n_out),
        n_source=n_source,
    )
