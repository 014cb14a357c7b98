"""
How imbalanced are my images?
=============================

Images per class, before and after resampling.
"""

from imblearn_images import RandomOverSampler
from imblearn_images.datasets import load_texture_patches
from imblearn_images.display import ClassDistributionDisplay

X, y = load_texture_patches(return_X_y=True)
_, y_res = RandomOverSampler(random_state=0).fit_resample(X, y)
ClassDistributionDisplay.from_labels(y, y_res)
