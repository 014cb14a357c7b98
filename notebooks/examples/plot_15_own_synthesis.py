"""
Can I draw images my own way?
=============================

A function of the base, a partner, a step and a generator is a synthesis. This one shows the
partner on the right of a soft edge.
"""

import numpy as np
from skimage.data import lfw_subset

from imblearn_images import SMOTE
from imblearn_images.display import FamilyDisplay


def half_and_half(base, partner, step, rng):
    columns = np.arange(base.shape[1])
    share = 1 / (1 + np.exp(columns.mean() - columns))  # 0 on the left, 1 on the right
    return base + share * (partner - base)


X = lfw_subset()[70:]
y = np.repeat(["face", "no face"], [30, 100])
smote = SMOTE(synthesis=half_and_half, random_state=0)
smote.fit_resample(X, y)
FamilyDisplay.from_plan(smote.plan_, X, n=5)
