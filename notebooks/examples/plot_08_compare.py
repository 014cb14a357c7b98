"""
Does resampling help on my images?
==================================

Each candidate on the same folds, beside doing nothing, class weights and prior correction. An
interval that crosses the line may be chance.
"""

from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

from imblearn_images import SMOTE, recipes
from imblearn_images.datasets import load_texture_patches
from imblearn_images.model_selection import compare_resamplers
from imblearn_images.preprocessing import HOGFeatures

X, y = load_texture_patches(return_X_y=True, size=16)
model = make_pipeline(HOGFeatures(), GaussianNB())
candidates = {"SMOTE": SMOTE(), "mild": recipes.mild()}
comparison = compare_resamplers(model, candidates, X, y, cv=5, random_state=0)
print(comparison.advice)
comparison.plot()
