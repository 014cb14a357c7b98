"""
What does "near" mean for images?
=================================

SMOTE mixes an image with a near one. Near in pixels means bright where the other is bright; near
in histograms of oriented gradients means shaped like it.
"""

import matplotlib.pyplot as plt
from skimage.data import lfw_subset
from sklearn.neighbors import NearestNeighbors

from imblearn_images.preprocessing import HOGFeatures

faces = lfw_subset()[:100]
spaces = {
    "pixels": faces.reshape(100, -1),
    "HOGFeatures": HOGFeatures(pixels_per_cell=(5, 5)).fit_transform(faces),
}
figure, axes = plt.subplots(2, 7, figsize=(7, 2.4), layout="constrained")
for (name, features), places in zip(spaces.items(), axes, strict=True):
    near = NearestNeighbors(n_neighbors=7).fit(features).kneighbors(features[[8]])[1][0]
    for row, place in zip(near, places, strict=True):
        place.imshow(faces[row], cmap="gray")
        place.set(xticks=[], yticks=[])
    places[0].set_ylabel(name, rotation=0, ha="right", va="center")
for k, place in enumerate(axes[0]):
    place.set_title("image" if k == 0 else f"near {k}", fontsize=9)
plt.show()
