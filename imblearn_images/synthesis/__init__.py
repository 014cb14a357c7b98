"""Synthesis: how synthetic images are drawn, for the parameter `synthesis` of every over-sampler.

- :class:`Augment`: the base, slightly rotated, shifted, relit;
  ``Augment.from_callable`` takes Albumentations, torchvision or a function
- :class:`Morph`: between two images of a class, along their optical flow
- :class:`TransferDeformation`: the base, deformed as images of larger classes are
- :class:`CutMix`, :class:`Paste`: a part of the base on another image
- :class:`ZoomToObjects`, :class:`PasteObjects`: a window around a rare object, rare objects pasted
  into other images, for images with annotations
- :class:`Chain`, :class:`OneOf`: several of them, one after the other or one at random
- any function ``(base, partner, step, rng) -> image``: it gets both images as floats in the unit
  of the data, e.g. 0.0 to 255.0 (bool: 0.0 and 1.0), and must return that unit; the result is
  then rounded and clipped
- any object as described in :mod:`imblearn_images.core.synthesis`

:class:`NeighborsAgree`, for the parameter `accept`, rejects bad images, which are drawn again.
:class:`~imblearn_images.over_sampling.RedrawImages` redraws a share of every class.
"""

from imblearn_images.synthesis._acceptance import NeighborsAgree
from imblearn_images.synthesis._adapters import AugmentWith
from imblearn_images.synthesis._augment import Augment
from imblearn_images.synthesis._composition import Chain, OneOf
from imblearn_images.synthesis._deformation import Morph, TransferDeformation
from imblearn_images.synthesis._objects import PasteObjects, ZoomToObjects
from imblearn_images.synthesis._patches import CutMix, Paste

__all__ = [
    "Augment",
    "AugmentWith",
    "Chain",
    "CutMix",
    "Morph",
    "NeighborsAgree",
    "OneOf",
    "Paste",
    "PasteObjects",
    "TransferDeformation",
    "ZoomToObjects",
]


def __dir__() -> list[str]:
    return __all__
