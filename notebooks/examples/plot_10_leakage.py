"""
Do training and validation share pictures?
==========================================

Tiles of one photo, noise added, split at random: copies, near-duplicates and synthetic images of
validation parents are found, and shown side by side.
"""

import numpy as np

from imblearn_images.datasets import load_texture_patches
from imblearn_images.display import PairsDisplay
from imblearn_images.model_selection import check_leakage

X, _ = load_texture_patches(images="colour", size=32, return_X_y=True)
rng = np.random.default_rng(0)
again = np.clip(X[:8] + rng.normal(0, 4, X[:8].shape), 0, 255).astype(np.uint8)
train, valid = X[:100], np.concatenate([X[150:170], again])
report = check_leakage(train, valid)
print(report.counts)
PairsDisplay.from_report(report, n=4)
