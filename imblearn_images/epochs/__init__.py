"""Epochs: another resampled set in every epoch of a training loop, without storing any of it.

:class:`EpochPlans` decides, and :class:`EpochImages` holds the decision for one epoch. Both need
only NumPy; :mod:`imblearn_images.torch` and :mod:`imblearn_images.keras` pass them to data
loaders.

How it works:

1. One or several samplers plan an epoch on images that are drawn only when they are read. Planning
   therefore draws only those images that a sampler has to look at.
2. The decision is kept as arrays, about 30 bytes per row.
3. A row is identified by a *key*, a small tuple with all that is needed to draw it: the number of a
   source image, or the synthesis, its seed and its parents, which may be synthetic themselves. From
   the key and the source images any process can draw the image, in any batch and order.
"""

from imblearn_images.epochs._plans import EpochImages, EpochPlans

__all__ = ["EpochImages", "EpochPlans"]


def __dir__() -> list[str]:
    return __all__
