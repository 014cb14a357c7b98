"""Steps of a pipeline: read image files, flatten images and reshape them back, describe them.

- :class:`ReadImages`: image files to one array
- :class:`FlattenImages`, :class:`ReshapeImages`: images to rows of pixels, and back
- :class:`HOGFeatures`: histograms of oriented gradients
- :func:`image_limits`: how many pixels a file may have
"""

from imblearn_images.core.memory import image_limits
from imblearn_images.preprocessing._hog import HOGFeatures
from imblearn_images.preprocessing._reading import ReadImages
from imblearn_images.preprocessing._reshaping import FlattenImages, ReshapeImages

__all__ = ["FlattenImages", "HOGFeatures", "ReadImages", "ReshapeImages", "image_limits"]


def __dir__() -> list[str]:
    return __all__
