"""Over-samplers: the names and parameters of :mod:`imblearn.over_sampling`, on images.

- :mod:`~imblearn_images.over_sampling._smote`: all of a class alike.
  ``RandomOverSampler``, ``SMOTE``
- :mod:`~imblearn_images.over_sampling._smote`: SMOTE for a part of the class.
  ``BorderlineSMOTE``, ``SVMSMOTE``, ``ADASYN``, ``KMeansSMOTE``
- :mod:`~imblearn_images.over_sampling._redrawing`: a share of every class drawn anew.
  ``RedrawImages``
- :mod:`~imblearn_images.over_sampling._labels`: images with several labels, repeated or redrawn.
  ``LabelOverSampler``
- :mod:`~imblearn_images.over_sampling._mlsmote`: SMOTE for several labels.
  ``MLSMOTE``
- :mod:`~imblearn_images.over_sampling._generative`: images that a model makes of a class.
  ``GenerativeOverSampler``
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
