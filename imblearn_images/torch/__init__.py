"""PyTorch: training loops, and networks as embeddings. Needs the extra ``imblearn-images[torch]``.

- :class:`PlanDataset` draws another resampled set in every epoch, as its rows are read
- :class:`PlanSampler` yields the rows of one epoch after the other to a DataLoader of it
- :class:`BalancedSampler` yields balanced rows of any data set, others in every epoch
- :class:`LogitAdjustedCrossEntropyLoss` trains on unequal classes to predict for equal ones
- :class:`TorchEmbedding` computes features of images with a network, for the parameter
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
