"""
How far should probabilities be corrected?
==========================================

``tau`` says how far: 0 leaves the model alone, 1 takes the class shares out of it. Nothing is
trained again, so the whole curve costs one fit.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from imblearn_images.datasets import load_texture_patches
from imblearn_images.decision import PriorCorrectedClassifier
from imblearn_images.preprocessing import HOGFeatures

counts = {"brick": 900, "grass": 200, "gravel": 60}
X, y = load_texture_patches(return_X_y=True, size=16, sampling_strategy=counts)
X, X_test, y, y_test = train_test_split(X, y, stratify=y, test_size=0.5, random_state=0)
linear = make_pipeline(HOGFeatures(), LogisticRegression(max_iter=500))
model = PriorCorrectedClassifier(linear, prior="uniform").fit(X, y)
taus = np.linspace(0, 2, 21)
predictions = [model.set_params(tau=tau).predict(X_test) for tau in taus]
plt.plot(taus, [balanced_accuracy_score(y_test, each) for each in predictions], label="balanced")
plt.plot(taus, [accuracy_score(y_test, each) for each in predictions], label="as they come")
plt.xlabel("tau")
plt.ylabel("accuracy")
plt.legend()
plt.show()
