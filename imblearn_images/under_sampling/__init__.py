"""Under-samplers: the names and parameters of :mod:`imblearn.under_sampling`, on images.

The size of every class is given:

- :class:`RandomUnderSampler`, :class:`NearMiss`, :class:`InstanceHardnessThreshold`,
  :class:`ClusterCentroids`

Images that disturb, or that nobody needs, are dropped:

- :class:`TomekLinks`, :class:`EditedNearestNeighbours`,
  :class:`RepeatedEditedNearestNeighbours`, :class:`AllKNN`,
  :class:`CondensedNearestNeighbour`, :class:`OneSidedSelection`,
  :class:`NeighbourhoodCleaningRule`

Images with several labels, or objects:

- :class:`LabelUnderSampler`

All but the first and the last measure distances, in the features that `embedding` makes. With
``embedding=None`` these are the flattened pixels: neighbours are looked up in the images, block by
block, and no float copy of 8-bit images is made. Only ``InstanceHardnessThreshold`` and
``ClusterCentroids`` need the features themselves: float images as they are, others as one
float64 copy (8 bytes a pixel), which is refused before it is made if memory is short. Of
paths every file is opened once; paths of selected images come back.
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
