"""PyTorch: training loops, and networks as embeddings. Needs the extra ``imblearn-images[torch]``.

- :class:`PlanDataset`: another resampled set in every epoch, drawn as it is read
- :class:`PlanSampler`: the rows of one epoch after the other, for a DataLoader of it
- :class:`BalancedSampler`: balanced rows of any data set, in every epoch others
- :class:`LogitAdjustedCrossEntropyLoss`: train on unequal classes, predict for equal ones
- :class:`TorchEmbedding`: features that a network computes of images, for the parameter
  `embedding` of every sampler
"""

from imblearn_images.torch._dataset import PlanDataset
from imblearn_images.torch._embedding import TorchEmbedding
from imblearn_images.torch._loss import LogitAdjustedCrossEntropyLoss
from imblearn_images.torch._sampling import BalancedSampler, PlanSampler

__all__ = [
    "BalancedSampler",
    "LogitAdjustedCrossEntropyLoss",
    "PlanDataset",
    "PlanSampler",
    "TorchEmbedding",
]


def __dir__() -> list[str]:
    return __all__
