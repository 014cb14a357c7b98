"""Epochs: another resampled set in every epoch of a training loop, and nothing of it is stored.

:class:`EpochPlans` decides, :class:`EpochImages` is what it has decided for one epoch. Both need
NumPy alone; :mod:`imblearn_images.torch` and :mod:`imblearn_images.keras` hand them to data
loaders.

How it works:

1. A sampler, or several, decide on images that are drawn when they are read, so that planning an
   epoch draws nothing but what a sampler has to look at.
2. Of the decision arrays are kept, some 30 bytes a row.
3. A row is named by a *key*, a small tuple that says all there is to know to draw it: the source
   image, or the synthesis, its seed and its parents, which may be synthetic themselves. Whoever
   has the key and the source images has the image, in whatever process, batch and order.
"""

from imblearn_images.epochs._plans import EpochImages, EpochPlans

__all__ = ["EpochImages", "EpochPlans"]


def __dir__() -> list[str]:
    return __all__
