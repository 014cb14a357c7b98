"""Over-samplers: the names and parameters of :mod:`imblearn.over_sampling`, on images.

- :class:`RandomOverSampler`, :class:`SMOTE`: more images from any image of a class
- :class:`BorderlineSMOTE`, :class:`SVMSMOTE`, :class:`ADASYN`, :class:`KMeansSMOTE`: SMOTE from
  some images of a class, or more from some than from others
- :class:`RedrawImages`: synthetic images for a share of every class
- :class:`LabelOverSampler`: images with several labels, repeated or redrawn
- :class:`MLSMOTE`: SMOTE for several labels
- :class:`GenerativeOverSampler`: images that a model makes of a class
"""

from imblearn_images.over_sampling._generative import GenerativeOverSampler
from imblearn_images.over_sampling._labels import MLSMOTE, LabelOverSampler
from imblearn_images.over_sampling._random import RandomOverSampler
from imblearn_images.over_sampling._redrawing import RedrawImages
from imblearn_images.over_sampling._smote import (
    ADASYN,
    SMOTE,
    SVMSMOTE,
    BorderlineSMOTE,
    KMeansSMOTE,
)

__all__ = [
    "ADASYN",
    "MLSMOTE",
    "SMOTE",
    "SVMSMOTE",
    "BorderlineSMOTE",
    "GenerativeOverSampler",
    "KMeansSMOTE",
    "LabelOverSampler",
    "RandomOverSampler",
    "RedrawImages",
]


def __dir__() -> list[str]:
    return __all__
