"""imbalanced-learn for images.

Samplers with the names, parameters and ``fit_resample`` of imbalanced-learn that take
image arrays, memmaps and arrays of file paths:

- :mod:`~imblearn_images.over_sampling`: ``RandomOverSampler``, ``SMOTE``
- :mod:`~imblearn_images.under_sampling`: ``RandomUnderSampler``
- :mod:`~imblearn_images.ensemble`: ``EasyEnsembleClassifier``
- :mod:`~imblearn_images.preprocessing`: ``ReadImages``, ``FlattenImages``,
  ``ReshapeImages``, steps of a pipeline
- :mod:`~imblearn_images.strategies` and :mod:`~imblearn_images.profiles`: what to pass as
  ``sampling_strategy``
- :mod:`~imblearn_images.folders`: class folders of photos, split, balanced and traceable on
  disk; ``imblearn-images`` on the command line
- :mod:`~imblearn_images.datasets`: real images to try things on

Every fitted sampler holds its decision as a :class:`ResamplingPlan` (``plan_``), and
:func:`render` draws a plan, or a part of it, wherever the output should live. The work
is done in :mod:`imblearn_images.core`.
"""

from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import render
from imblearn_images.ensemble import EasyEnsembleClassifier
from imblearn_images.over_sampling import SMOTE, RandomOverSampler
from imblearn_images.under_sampling import RandomUnderSampler

__all__ = [
    "SMOTE",
    "EasyEnsembleClassifier",
    "RandomOverSampler",
    "RandomUnderSampler",
    "ResamplingPlan",
    "render",
]

__version__ = "0.1.0"
