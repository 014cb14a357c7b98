"""Over- and under-sampling in one: the names of :mod:`imblearn.combine` on images, and more.

``RandomBalancer`` does both in one step; ``SamplerChain`` runs any samplers one after the other.
"""

from imblearn_images.combine._balancer import RandomBalancer
from imblearn_images.combine._chain import SamplerChain
from imblearn_images.combine._cleaned import SMOTEENN, SMOTETomek

__all__ = ["SMOTEENN", "RandomBalancer", "SMOTETomek", "SamplerChain"]


def __dir__() -> list[str]:
    return __all__
