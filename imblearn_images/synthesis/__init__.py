"""Synthesis: how children are drawn, for the parameter `synthesis` of every over-sampler.

- :class:`Chain`, :class:`OneOf`: several of them, one after the other or one at random
- any function ``(base, partner, step, rng) -> image``, or an object as described in
  :mod:`imblearn_images.core.synthesis`

:class:`NeighborsAgree`, for the parameter `accept`, has bad children drawn again.
"""

from imblearn_images.synthesis.acceptance import NeighborsAgree
from imblearn_images.synthesis.composition import Chain, OneOf

__all__ = ["Chain", "NeighborsAgree", "OneOf"]
