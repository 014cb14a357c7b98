"""PyTorch: loops that train a network, and networks as embeddings.

Needs the extra ``imblearn-images[torch]``.

- :class:`BalancedSampler`: balanced rows of any data set, in every epoch others
- :class:`PlanSampler`: the rows of a plan that is another one in every epoch
- :class:`LogitAdjustedCrossEntropyLoss`: train on unequal classes, predict for equal ones
- :class:`TorchEmbedding`: features that a network computes of images, for the parameter
  `embedding` of every sampler
"""

from imblearn_images.torch._embedding import TorchEmbedding
from imblearn_images.torch._loss import LogitAdjustedCrossEntropyLoss
from imblearn_images.torch._sampling import BalancedSampler, PlanSampler

__all__ = ["BalancedSampler", "LogitAdjustedCrossEntropyLoss", "PlanSampler", "TorchEmbedding"]


def __dir__() -> list[str]:
    return __all__
