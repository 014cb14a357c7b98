"""
Which classes gain, and which ones pay?
=======================================

Balanced accuracy is the mean of these bars. What the rarest class gains, another one often pays
for.
"""

from imblearn.pipeline import make_pipeline
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from imblearn_images import recipes
from imblearn_images.datasets import load_texture_patches
from imblearn_images.decision import PriorCorrectedClassifier
from imblearn_images.display import RecallDisplay
from imblearn_images.preprocessing import HOGFeatures

X, y = load_texture_patches(return_X_y=True, size=16)
linear = make_pipeline(HOGFeatures(), LogisticRegression(max_iter=500))
models = {
    "nothing": linear,
    "mild": make_pipeline(recipes.mild(random_state=0), *(step for _, step in linear.steps)),
    "prior correction": PriorCorrectedClassifier(linear, prior="uniform"),
}
folds = StratifiedKFold(4, shuffle=True, random_state=0)
predicted = {name: cross_val_predict(model, X, y, cv=folds) for name, model in models.items()}
RecallDisplay.from_predictions(y, predicted)
