"""Annotations: boxes, masks and keypoints stay with their images.

- :class:`Annotations`: the objects of a set of images, one value; :func:`read_annotations` and
  :func:`write_annotations`: COCO, Pascal VOC, YOLO, ``labels.csv``
- :func:`carry`: along with the images of any plan
- :class:`LabelOverSampler`: more of the rare objects, with the fewest additional images
"""

from imblearn_images.annotations._files import read_annotations, write_annotations
from imblearn_images.core.annotations import Annotations, Dropped
from imblearn_images.core.carrying import carry
from imblearn_images.core.masks import RunLengths
from imblearn_images.over_sampling import LabelOverSampler

__all__ = [
    "Annotations",
    "Dropped",
    "LabelOverSampler",
    "RunLengths",
    "carry",
    "read_annotations",
    "write_annotations",
]
