"""Over-samplers: the names and parameters of :mod:`imblearn.over_sampling`, on images.

- :mod:`~imblearn_images.over_sampling.basic`: all of a class alike.
  ``RandomOverSampler``, ``SMOTE``
- :mod:`~imblearn_images.over_sampling.focused`: SMOTE for a part of the class.
  ``BorderlineSMOTE``, ``SVMSMOTE``, ``ADASYN``, ``KMeansSMOTE``
- :mod:`~imblearn_images.over_sampling.redrawing`: a share of every class drawn anew.
  ``RedrawImages``
- :mod:`~imblearn_images.over_sampling.generative`: images that a model makes of a class.
  ``GenerativeOverSampler``
"""

from imblearn_images.over_sampling.basic import SMOTE, RandomOverSampler
from imblearn_images.over_sampling.focused import ADASYN, SVMSMOTE, BorderlineSMOTE, KMeansSMOTE
from imblearn_images.over_sampling.generative import GenerativeOverSampler
from imblearn_images.over_sampling.redrawing import RedrawImages

__all__ = [
    "ADASYN",
    "SMOTE",
    "SVMSMOTE",
    "BorderlineSMOTE",
    "GenerativeOverSampler",
    "KMeansSMOTE",
    "RandomOverSampler",
    "RedrawImages",
]


def __dir__() -> list[str]:
    return __all__
