"""Names of samplers and syntheses on the command line."""

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
    """Return the method of a class: random-over for RandomOverSampler."""
    words = re.findall("[A-Z][a-z]+|[A-Z]+(?![a-z])", name.removesuffix("Sampler"))
    return "-".join(words).lower()


# No option passes what the first two need, and class folders hold one label per image.
UNFIT = {
    *("GenerativeOverSampler", "RedrawImages"),
    *("LabelOverSampler", "LabelUnderSampler", "MLSMOTE"),
}
METHODS: dict[str, Any] = {
    _name_of_method(name): getattr(module, name)
    for module in (over_sampling, under_sampling)
    for name in module.__all__
    if name not in UNFIT
}
METHODS.update(smoteenn=SMOTEENN, smotetomek=SMOTETomek)
METHODS.update(mild=recipes.mild, transfer=recipes.transfer, mix=recipes.mix)
METHODS.update(many=recipes.many, none=None)

METHOD = one_of(METHODS, "method", {kind.__name__: name for name, kind in METHODS.items() if kind})
"""Type of ``--method``: the name of a method, or that of its class."""

SYNTHESES = {
    "augment": Augment(),
    "blend": "blend",
    "copy": "copy",
    "morph": Morph(),
    "transfer": TransferDeformation(),
}
SYNTHESES_OF_OBJECTS = {"paste": PasteObjects(), "zoom": ZoomToObjects()}
"""Syntheses that look for objects, for ``--boxes`` only."""
