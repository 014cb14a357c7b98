"""Under-samplers: the names and parameters of :mod:`imblearn.under_sampling`, on images."""

from __future__ import annotations

from imblearn.under_sampling import RandomUnderSampler as ImblearnRandomUnderSampler

from imblearn_images.base import SelectingSamplerMixin

__all__ = ["RandomUnderSampler"]


class RandomUnderSampler(SelectingSamplerMixin, ImblearnRandomUnderSampler):
    """Keep randomly drawn images of the majority classes.

    :class:`imblearn.under_sampling.RandomUnderSampler` for images: same parameters, same
    draws. Paths are selected without opening a file.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default='auto'
        Which classes to resample, and to how many images; as in imbalanced-learn.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw.
    replacement : bool, default=False
        Whether an image may be drawn more than once.

    Attributes
    ----------
    plan_ : ResamplingPlan
        Where every row of the result comes from.
    sample_indices_ : ndarray of shape (n_resampled,)
        Source row of every row of the result.
    sampling_strategy_ : dict
        Class label to number of images to keep.
    n_features_in_ : int
        Pixels per image times channels.

    Raises
    ------
    ValueError
        As described under `fit_resample`.

    See Also
    --------
    imblearn_images.ensemble.EasyEnsembleClassifier : Use every majority image after all.

    Examples
    --------
    >>> import numpy as np
    >>> from imblearn_images import RandomUnderSampler
    >>> images = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    >>> sampler = RandomUnderSampler(random_state=0)
    >>> X_res, y_res = sampler.fit_resample(images, ["cat"] * 4 + ["dog"] * 2)
    >>> X_res.shape, y_res
    ((4, 8, 8, 3), ['cat', 'cat', 'dog', 'dog'])
    >>> sampler.fit_resample(["a.jpg", "b.jpg", "c.jpg"], [0, 0, 1])
    (['b.jpg', 'c.jpg'], [0, 1])
    """
