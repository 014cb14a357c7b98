"""Annotations: boxes, masks and keypoints stay with their images."""

from imblearn_images.annotations._annotations import Annotations, Dropped
from imblearn_images.annotations._carrying import carry
from imblearn_images.annotations._masks import RunLengths

__all__ = [
    "Annotations",
    "Dropped",
    "RunLengths",
    "carry",
]
