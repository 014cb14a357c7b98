"""Figures with the interface of scikit-learn's displays; need matplotlib, extra ``plot``.

``from_...`` returns a display that is drawn, into the axes `ax` or a new figure; ``plot`` draws
it again; ``figure_`` and ``ax_`` hold the figure and its axes.

- :class:`ClassDistributionDisplay`: images per class, before and after
- :class:`FamilyDisplay`: synthetic images beside their parents
- :class:`ObjectsDisplay`: images with the boxes of their objects
- :class:`EmbeddingDisplay`: a map of the images, original and synthetic ones
- :class:`PairsDisplay`: pairs of images that leak from training to validation
- :class:`ComparisonDisplay`: differences of candidates to doing nothing, with intervals
- :class:`PolicyDisplay`: policies of an ensemble and their scores
- :class:`RecallDisplay`: recall of every class
- :class:`ReliabilityDisplay`: how well probabilities are calibrated
"""

from imblearn_images.display._classes import ClassDistributionDisplay
from imblearn_images.display._comparison import ComparisonDisplay, PolicyDisplay
from imblearn_images.display._embedding import EmbeddingDisplay
from imblearn_images.display._family import FamilyDisplay
from imblearn_images.display._objects import ObjectsDisplay
from imblearn_images.display._pairs import PairsDisplay
from imblearn_images.display._recall import RecallDisplay
from imblearn_images.display._reliability import ReliabilityDisplay

__all__ = [
    "ClassDistributionDisplay",
    "ComparisonDisplay",
    "EmbeddingDisplay",
    "FamilyDisplay",
    "ObjectsDisplay",
    "PairsDisplay",
    "PolicyDisplay",
    "RecallDisplay",
    "ReliabilityDisplay",
]


def __dir__() -> list[str]:
    return __all__
