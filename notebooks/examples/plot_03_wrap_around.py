"""
What goes wrong with SMOTE on 8-bit pixels?
===========================================

Plain SMOTE subtracts one image from another, and an unsigned byte cannot go below zero: 10 - 20
is 246. Same images, same seed, same parents.
"""

import matplotlib.pyplot as plt
import numpy as np
from imblearn.over_sampling import SMOTE as PlainSMOTE

from imblearn_images import SMOTE
from imblearn_images.datasets import load_texture_patches

X, y = load_texture_patches(images="colour", size=48, return_X_y=True)
smote = SMOTE(random_state=0)
right, _ = smote.fit_resample(X, y)
wrong, _ = PlainSMOTE(random_state=0).fit_resample(X.reshape(len(X), -1), y)
wrong = wrong.reshape(right.shape)

plan = smote.plan_
rows = np.argsort(abs(plan.weights[:, 0] - 0.5))[[3, 5, 8, 12, 20]]
named = {
    "parent": X[plan.base[rows]],
    "imbalanced-learn": wrong[rows],
    "imblearn_images": right[rows],
    "parent ": X[plan.partners[rows, 0]],
}
figure, axes = plt.subplots(4, 5, figsize=(6, 5), layout="constrained")
for (name, images), places in zip(named.items(), axes, strict=True):
    for image, place in zip(images, places, strict=True):
        place.imshow(image)
        place.set(xticks=[], yticks=[])
    places[0].set_ylabel(name, rotation=0, ha="right", va="center")
plt.show()
