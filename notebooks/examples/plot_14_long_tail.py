"""
What would a long tail look like?
=================================

For experiments one wants an imbalance of known shape. Three profiles, of ten kinds of handwritten
digits.
"""

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.datasets import load_digits

from imblearn_images.datasets import LongTail, Staircase, Step, make_imbalance

digits = load_digits()
figure, axes = plt.subplots(1, 3, figsize=(7, 2.4), sharey=True, layout="constrained")
for profile, place in zip([LongTail(50), Step(50), Staircase(18)], axes, strict=True):
    _, y = make_imbalance(digits.images, digits.target, sampling_strategy=profile, random_state=0)
    counts = pd.Series(y).value_counts()
    place.bar(range(len(counts)), counts)
    place.set(title=type(profile).__name__, xlabel="class", xticks=[])
axes[0].set_ylabel("images")
plt.show()
