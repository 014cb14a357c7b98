"""Under-samplers: the names and parameters of :mod:`imblearn.under_sampling`, on images.

To drop images until every class has a given size:

- :class:`RandomUnderSampler`, :class:`NearMiss`, :class:`InstanceHardnessThreshold`,
  :class:`ClusterCentroids`

To drop images that disagree with their neighbours, or that are redundant:

- :class:`TomekLinks`, :class:`EditedNearestNeighbours`,
  :class:`RepeatedEditedNearestNeighbours`, :class:`AllKNN`,
  :class:`CondensedNearestNeighbour`, :class:`OneSidedSelection`,
  :class:`NeighbourhoodCleaningRule`

For images with several labels, or objects:

- :class:`LabelUnderSampler`

All but the first and the last measure distances, in the features that `embedding` makes. With
``embedding=None`` these are the flattened pixels: neighbours are searched in the images, block by
block, and no float copy of 8-bit images is made. Only ``InstanceHardnessThreshold`` and
``ClusterCentroids`` need the features themselves: float images as they are, others as one
float64 copy (8 bytes per pixel); if it does not fit into memory, an error says so before it is
made. Where X holds paths, every file is opened once, and the paths of selected images are returned.
"""

from imblearn_images.under_sampling._cleaning import (
    AllKNN,
    CondensedNearestNeighbour,
    EditedNearestNeighbours,
    NeighbourhoodCleaningRule,
    OneSidedSelection,
    RepeatedEditedNearestNeighbours,
    TomekLinks,
)
from imblearn_images.under_sampling._controlled import (
    ClusterCentroids,
    InstanceHardnessThreshold,
    NearMiss,
    RandomUnderSampler,
)
from imblearn_images.under_sampling._labels import LabelUnderSampler

__all__ = [
    "AllKNN",
    "ClusterCentroids",
    "CondensedNearestNeighbour",
    "EditedNearestNeighbours",
    "InstanceHardnessThreshold",
    "LabelUnderSampler",
    "NearMiss",
    "NeighbourhoodCleaningRule",
    "OneSidedSelection",
    "RandomUnderSampler",
    "RepeatedEditedNearestNeighbours",
    "TomekLinks",
]


def __dir__() -> list[str]:
    return __all__
