"""Does it help? Resampling compared with doing nothing, and folds that do not leak.

- :func:`compare_resamplers`: candidates on the same folds, beside the three honest baselines,
  with the statistics that belong to it
- :func:`synthesis_gap`: how easily synthetic images are told from real ones
- :func:`check_leakage`: what training images give away about validation images
- :func:`near_duplicate_groups`: groups that keep look-alikes in one fold
- :func:`label_imbalance`: how rare each of several labels is, and with what it occurs together
- :class:`MultilabelStratifiedKFold`, :class:`MultilabelStratifiedShuffleSplit`: folds of images
  with several labels
"""

from imblearn_images.core.gap import SynthesisGap, synthesis_gap
from imblearn_images.model_selection._comparing import compare_resamplers
from imblearn_images.model_selection._comparison import ResamplerComparison
from imblearn_images.model_selection._imbalance import LabelImbalance, label_imbalance
from imblearn_images.model_selection._leakage import (
    LeakageReport,
    check_leakage,
    near_duplicate_groups,
)
from imblearn_images.model_selection._splitters import (
    MultilabelStratifiedKFold,
    MultilabelStratifiedShuffleSplit,
)

__all__ = [
    "LabelImbalance",
    "LeakageReport",
    "MultilabelStratifiedKFold",
    "MultilabelStratifiedShuffleSplit",
    "ResamplerComparison",
    "SynthesisGap",
    "check_leakage",
    "compare_resamplers",
    "label_imbalance",
    "near_duplicate_groups",
    "synthesis_gap",
]


def __dir__() -> list[str]:
    return __all__
