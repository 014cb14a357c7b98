"""Does it help? Resampling compared with doing nothing, and folds that do not leak.

- :func:`compare_resamplers` fits candidates on the same folds as three honest baselines, and tests
  their differences
- :func:`synthesis_gap` measures how easily synthetic images can be told from real ones
- :func:`check_leakage` finds validation images that training images give away
- :func:`near_duplicate_groups` returns groups that keep look-alikes in one fold
- :func:`label_imbalance` measures how rare each of several labels is, and with which others it
  occurs
- :class:`MultilabelStratifiedKFold` and :class:`MultilabelStratifiedShuffleSplit` split images with
  several labels
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
