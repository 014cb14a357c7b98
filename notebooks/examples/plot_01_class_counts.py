"""
How imbalanced are my images?
=============================

Bars of images per class, before and after resampling.
"""

from imblearn_images import RandomOverSampler
from imblearn_images.datasets import load_texture_patches
from imblearn_images.display import ClassDistributionDisplay
from imblearn_images.strategies import at_least

X, y = load_texture_patches(return_X_y=True)
sampler = RandomOverSampler(sampling_strategy=at_least(100), random_state=0)
_, y_res = sampler.fit_resample(X, y)
ClassDistributionDisplay.from_labels(y, y_res)
