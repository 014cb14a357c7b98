"""
Which ways are there to draw a synthetic image?
===============================================

Who the parents are and how an image is drawn from them are two choices: any over-sampler takes
any synthesis.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage.data import lfw_subset

from imblearn_images import SMOTE
from imblearn_images.synthesis import Augment, CutMix, Morph, TransferDeformation

X = lfw_subset()[70:]
y = np.repeat(["face", "no face"], [30, 100])
ways = {
    "blend": None,
    "Morph": Morph(),
    "TransferDeformation": TransferDeformation(),
    "Augment": Augment(rotation_range=15),
    "CutMix": CutMix(),
}
figure, axes = plt.subplots(len(ways), 8, figsize=(7, 4.5), layout="constrained")
for (name, synthesis), places in zip(ways.items(), axes, strict=True):
    sampler = SMOTE(synthesis=synthesis, random_state=0)
    X_res, _ = sampler.fit_resample(X, y)
    for image, place in zip(X_res[sampler.plan_.synthetic], places, strict=False):
        place.imshow(image, cmap="gray")
        place.set(xticks=[], yticks=[])
    places[0].set_ylabel(name, rotation=0, ha="right", va="center")
plt.show()
