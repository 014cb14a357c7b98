"""What the commands call samplers, and ways of drawing images."""

from __future__ import annotations

import re
from typing import Any

from imblearn_images import over_sampling, recipes, under_sampling
from imblearn_images._cli.arguments import one_of
from imblearn_images.combine import SMOTEENN, SMOTETomek
from imblearn_images.synthesis import (
    Augment,
    Morph,
    PasteObjects,
    TransferDeformation,
    ZoomToObjects,
)

__all__ = ["METHOD", "METHODS", "SYNTHESES", "SYNTHESES_OF_OBJECTS"]


def _name_of_method(name: str) -> str:
    """RandomOverSampler -> random-over, BorderlineSMOTE -> borderline-smote."""
    words = re.findall("[A-Z][a-z]+|[A-Z]+(?![a-z])", name.removesuffix("Sampler"))
    return "-".join(words).lower()


METHODS: dict[str, Any] = {
    _name_of_method(name): getattr(module, name)
    for module in (over_sampling, under_sampling)
    for name in module.__all__
    # what these need, no option says; and class folders hold one label an image
    if name not in ("GenerativeOverSampler", "LabelUnderSampler", "RedrawImages")
}
METHODS.update(smoteenn=SMOTEENN, smotetomek=SMOTETomek)
METHODS.update(mild=recipes.mild, transfer=recipes.transfer, mix=recipes.mix)
METHODS.update(many=recipes.many, none=None)

METHOD = one_of(METHODS, "method", {kind.__name__: name for name, kind in METHODS.items() if kind})
"""Type of a method, which may be called by its name or that of its class."""

SYNTHESES = {
    "augment": Augment(),
    "blend": "blend",
    "copy": "copy",
    "morph": Morph(),
    "transfer": TransferDeformation(),
}
SYNTHESES_OF_OBJECTS = {"paste": PasteObjects(), "zoom": ZoomToObjects()}
"""Those that look for objects, with ``--boxes``."""
