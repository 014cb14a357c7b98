"""
Where does a synthetic image come from?
=======================================

Every row of the output knows its parents; ``plan_`` holds them, and this display draws them
beside the synthetic image. The faces come with scikit-image.
"""

import numpy as np
from skimage.data import lfw_subset

from imblearn_images import SMOTE
from imblearn_images.display import FamilyDisplay

X = lfw_subset()[70:]  # 30 faces, then 100 patches without one
y = np.repeat(["face", "no face"], [30, 100])
smote = SMOTE(random_state=0)
smote.fit_resample(X, y)
print(smote.plan_.explain(-1))
FamilyDisplay.from_plan(smote.plan_, X, n=6)
