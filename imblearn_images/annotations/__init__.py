"""Annotations: boxes, masks and keypoints stay with their images.

- :class:`Annotations` holds the objects of a set of images; :func:`read_annotations` and
  :func:`write_annotations` read and write COCO, Pascal VOC, YOLO and ``labels.csv``
- :func:`inspect_annotations` reports what there is, what is odd and what repeats can reach
- :func:`split_annotations` keeps photos whole and gives every class its share of objects
- :class:`LabelOverSampler` adds rare objects with the fewest additional images;
  :class:`LabelUnderSampler` drops images to reduce frequent objects
- :func:`carry` moves annotations along with the images of any plan; :func:`read_masks` and
  :func:`write_masks` read and write label maps as PNG files, with their palette
- :func:`balance_annotations`, :func:`convert_annotations` and :func:`verify_annotations` work from
  folder to folder, as ``imblearn-images`` does on the command line
"""

# A reader for each format (`_coco`, `_voc`, `_yolo`, `_table`) returns what it finds as `_records`,
# of which annotations are made in one place: every format is checked alike. `_files` chooses the
# reader, and writes; `_balancing` resamples, writes with a manifest, and verifies.
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
from imblearn_images.core.annotations import Annotations, Dropped, RunLengths
from imblearn_images.core.carrying import carry
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
