"""Annotations: boxes, masks and keypoints stay with their images.

- :class:`Annotations`: the objects of a set of images, one value; :func:`read_annotations` and
  :func:`write_annotations`: COCO, Pascal VOC, YOLO, ``labels.csv``
- :func:`carry`: along with the images of any plan
"""

from imblearn_images.annotations._annotations import Annotations, Dropped
from imblearn_images.annotations._carrying import carry
from imblearn_images.annotations._files import read_annotations, write_annotations
from imblearn_images.annotations._masks import RunLengths

__all__ = [
    "Annotations",
    "Dropped",
    "RunLengths",
    "carry",
    "read_annotations",
    "write_annotations",
]
