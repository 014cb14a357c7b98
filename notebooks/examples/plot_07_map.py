"""
Where do synthetic images lie among the others?
===============================================

A map of the images in two principal components of an embedding: hollow marks are synthetic.
"""

from sklearn.decomposition import PCA

from imblearn_images import BorderlineSMOTE
from imblearn_images.datasets import load_texture_patches
from imblearn_images.display import EmbeddingDisplay
from imblearn_images.preprocessing import HOGFeatures

X, y = load_texture_patches(return_X_y=True)
sampler = BorderlineSMOTE(embedding=HOGFeatures(), random_state=0)
sampler.fit_resample(X, y)
EmbeddingDisplay.from_plan(
    sampler.plan_, X, y, embedding=HOGFeatures(), reducer=PCA(2, random_state=0)
)
