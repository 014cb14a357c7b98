"""
How strong should augmentation be?
==================================

The defaults of ``Augment`` are mild: they should leave a picture that could have been taken. Top
to bottom, the defaults, stronger, too strong; the first column is the image itself.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage.data import astronaut
from skimage.transform import resize

from imblearn_images.synthesis import Augment

face = (resize(astronaut()[:200, 130:330], (96, 96)) * 255).astype(np.uint8)
strengths = {
    "defaults": Augment(),
    "stronger": Augment(rotation_range=20, zoom_range=0.2, brightness_range=(0.7, 1.3)),
    "too strong": Augment(rotation_range=90, shear_range=40, elastic=0.05, erase=1.0),
}
figure, axes = plt.subplots(3, 6, figsize=(7, 3.6), layout="constrained")
for (name, augment), places in zip(strengths.items(), axes, strict=True):
    rngs = [np.random.default_rng(seed) for seed in range(5)]
    drawn = augment.draw(np.stack([face] * 5), None, None, rngs)
    for image, place in zip([face, *drawn], places, strict=True):
        place.imshow(np.clip(image, 0, 255).astype(np.uint8))
        place.set(xticks=[], yticks=[])
    places[0].set_ylabel(name, rotation=0, ha="right", va="center")
plt.show()
