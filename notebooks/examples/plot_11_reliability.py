"""
Can I believe the probabilities after resampling?
=================================================

Resampling teaches a model that rare classes are common. On the dashed line a probability of 0.8
is right in 80 of 100 cases; the prior correction leads a resampled model back to it.
"""

from imblearn.pipeline import make_pipeline
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from imblearn_images import RandomOverSampler
from imblearn_images.datasets import load_texture_patches
from imblearn_images.decision import PriorCorrectedClassifier
from imblearn_images.display import ReliabilityDisplay
from imblearn_images.preprocessing import HOGFeatures

X, y = load_texture_patches(
    return_X_y=True, size=16, sampling_strategy={"grass": 900, "gravel": 90}
)
X, X_test, y, y_test = train_test_split(X, y, stratify=y, test_size=0.5, random_state=0)
linear = LogisticRegression(max_iter=500)
resampled = make_pipeline(RandomOverSampler(random_state=0), HOGFeatures(), linear)
models = {
    "resampled": resampled.fit(X, y),
    "and corrected": PriorCorrectedClassifier(resampled, prior="train").fit(X, y),
}
first = None
for name, model in models.items():
    display = ReliabilityDisplay.from_predictions(
        y_test, model.predict_proba(X_test), model.classes_, name=name, ax=first
    )
    first = display.ax_
