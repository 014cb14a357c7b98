"""Decisions instead of data: treatments of imbalance that make no images.

All classes take images, and paths where the classifier inside reads them:

- :class:`PriorCorrectedClassifier`: probabilities corrected to other class shares; also
  repairs those of a model that was trained on resampled images
- :class:`PriorCorrectedClassifierCV`: the same, with the strength chosen by one cross-validation
- :class:`TunedThresholdsClassifier`: weights of the classes, tuned for a metric
- :class:`CascadeClassifier`: first good against the rest, then defect against defect
- :class:`MinorityDetector`: a rare class as an outlier of the others
- :class:`TestTimeAugmentationClassifier`: the mean over several views of an image

The mean of several models needs no class of this package: scikit-learn's
``VotingClassifier(..., voting="soft")`` takes Pipelines of imbalanced-learn, images and paths.
"""

from imblearn_images.decision._cascade import CascadeClassifier
from imblearn_images.decision._detection import MinorityDetector
from imblearn_images.decision._priors import PriorCorrectedClassifier
from imblearn_images.decision._test_time_augmentation import TestTimeAugmentationClassifier
from imblearn_images.decision._thresholds import TunedThresholdsClassifier
from imblearn_images.decision._tuned_priors import PriorCorrectedClassifierCV

__all__ = [
    "CascadeClassifier",
    "MinorityDetector",
    "PriorCorrectedClassifier",
    "PriorCorrectedClassifierCV",
    "TestTimeAugmentationClassifier",
    "TunedThresholdsClassifier",
]


def __dir__() -> list[str]:
    return __all__
