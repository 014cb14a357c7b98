"""Annotations: boxes, masks and keypoints stay with their images.

- :class:`Annotations`: the objects of a set of images, one value; :func:`read_annotations` and
  :func:`write_annotations`: COCO, Pascal VOC, YOLO, ``labels.csv``
- :func:`inspect_annotations`: what there is, what is odd, what can be reached
- :func:`split_annotations`: photos whole, every class with its share of objects
- :class:`LabelOverSampler`: more of the rare objects, with the fewest additional images;
  :class:`LabelUnderSampler`: fewer of the frequent ones, by images that are dropped
- :func:`carry`: along with the images of any plan; :func:`read_masks`, :func:`write_masks`: label
  maps in PNG files, with their palette
- :func:`balance_annotations`, :func:`convert_annotations`, :func:`verify_annotations`: from folder
  to folder, as ``imblearn-images`` does on the command line
"""

from imblearn_images.annotations._balancing import (
    BalanceReport,
    CheckReport,
    balance_annotations,
    convert_annotations,
    verify_annotations,
)
from imblearn_images.annotations._files import read_annotations, write_annotations
from imblearn_images.annotations._inspecting import AnnotationReport, inspect_annotations
from imblearn_images.annotations._masks import read_masks, write_masks
from imblearn_images.annotations._splitting import split_annotations
from imblearn_images.core.annotations import Annotations, Dropped
from imblearn_images.core.carrying import carry
from imblearn_images.core.masks import RunLengths
from imblearn_images.over_sampling import LabelOverSampler
from imblearn_images.under_sampling import LabelUnderSampler

__all__ = [
    "AnnotationReport",
    "Annotations",
    "BalanceReport",
    "CheckReport",
    "Dropped",
    "LabelOverSampler",
    "LabelUnderSampler",
    "RunLengths",
    "balance_annotations",
    "carry",
    "convert_annotations",
    "inspect_annotations",
    "read_annotations",
    "read_masks",
    "split_annotations",
    "verify_annotations",
    "write_annotations",
    "write_masks",
]
