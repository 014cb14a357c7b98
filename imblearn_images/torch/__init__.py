"""PyTorch: networks as embeddings. Needs the extra ``imblearn-images[torch]``.

- :class:`TorchEmbedding`: features that a network computes of images, for the parameter
  `embedding` of every sampler
"""

from imblearn_images.torch._embedding import TorchEmbedding

__all__ = ["TorchEmbedding"]


def __dir__() -> list[str]:
    return __all__
