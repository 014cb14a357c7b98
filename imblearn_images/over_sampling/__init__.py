"""Over-samplers: the names and parameters of :mod:`imblearn.over_sampling`, on images.

- :class:`RandomOverSampler`, :class:`SMOTE`: all images of a class alike
- :class:`BorderlineSMOTE`, :class:`SVMSMOTE`, :class:`ADASYN`, :class:`KMeansSMOTE`: SMOTE for a
  part of the class
- :class:`RedrawImages`: a share of every class drawn anew
- :class:`LabelOverSampler`: images with several labels, repeated or redrawn
- :class:`MLSMOTE`: SMOTE for several labels
- :class:`GenerativeOverSampler`: images that a model makes of a class
"""

from imblearn_images.over_sampling._generative import GenerativeOverSampler
from imblearn_images.over_sampling._labels import LabelOverSampler
from imblearn_images.over_sampling._mlsmote import MLSMOTE
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
