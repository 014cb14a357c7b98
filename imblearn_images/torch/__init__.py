"""PyTorch: networks as embeddings, and training loops. Needs the extra ``imblearn-images[torch]``.

- :class:`TorchEmbedding`: features that a network computes of images, for the parameter
  `embedding` of every sampler
- :class:`PlanDataset`: another resampled set in every epoch, drawn as it is read
"""

from imblearn_images.torch._dataset import PlanDataset
from imblearn_images.torch._embedding import TorchEmbedding

__all__ = ["PlanDataset", "TorchEmbedding"]


def __dir__() -> list[str]:
    return __all__
