"""imbalanced-learn for images.

Samplers with the names, parameters and ``fit_resample`` of imbalanced-learn that take image
arrays, memmaps and file paths.

- :mod:`~imblearn_images.over_sampling`, :mod:`~imblearn_images.under_sampling`,
  :mod:`~imblearn_images.combine`: the samplers
- :mod:`~imblearn_images.recipes`: samplers that were measured to help, by name
- :class:`ImageSampler`: any third-party sampler, on images
- :mod:`~imblearn_images.ensemble`: classifiers whose members see balanced subsets
- :mod:`~imblearn_images.synthesis`: how synthetic images are drawn: ``Augment``, ``Morph``, ...
- :mod:`~imblearn_images.images`: where pixels live besides arrays and files; one of your own
- :mod:`~imblearn_images.neighbors`: ``ImageNeighbors``, exact nearest images
- :mod:`~imblearn_images.preprocessing`: reading, reshaping, HOG, as steps of a pipeline
- :mod:`~imblearn_images.epochs`: another resampled set in every epoch, with nothing stored
- :mod:`~imblearn_images.torch`: training loops of PyTorch, and a network as `embedding`
- :mod:`~imblearn_images.keras`: training loops of Keras
- :mod:`~imblearn_images.strategies`: what to pass as ``sampling_strategy``
- :mod:`~imblearn_images.annotations`: boxes, masks and keypoints, carried along, balanced, written
- :mod:`~imblearn_images.folders`: class folders of photos, split, balanced and traceable on
  disk; ``imblearn-images`` on the command line
- :mod:`~imblearn_images.model_selection`: does it help? comparisons and leakage
- :mod:`~imblearn_images.decision`: what helps without making images
- :mod:`~imblearn_images.display`: charts of all of this
- :mod:`~imblearn_images.datasets`: real images to try things out

Every fitted sampler holds its decision as a :class:`ResamplingPlan` (``plan_``), and
:func:`render` draws a plan, or a part of it, into an array, memmap or store.
:func:`show_versions` prints the versions to name in a question or a bug report.
"""

# ruff: noqa: E402 - the imports below take seconds, in which the command can be interrupted
from importlib import import_module
from typing import Any

from imblearn_images._early import ends_quietly

ends_quietly()

from imblearn_images._versions import show_versions
from imblearn_images.combine import SMOTEENN, SMOTETomek
from imblearn_images.core.parallel import worker_timeout
from imblearn_images.core.plan import ResamplingPlan
from imblearn_images.core.rendering import render
from imblearn_images.core.writing import plan_blocks, render_block, render_files
from imblearn_images.ensemble import (
    BalancedBaggingClassifier,
    BalancedRandomForestClassifier,
    EasyEnsembleClassifier,
    RUSBoostClassifier,
)
from imblearn_images.image_sampler import ImageSampler
from imblearn_images.over_sampling import (
    ADASYN,
    MLSMOTE,
    SMOTE,
    SVMSMOTE,
    BorderlineSMOTE,
    GenerativeOverSampler,
    KMeansSMOTE,
    LabelOverSampler,
    RandomOverSampler,
    RedrawImages,
)
from imblearn_images.under_sampling import (
    AllKNN,
    ClusterCentroids,
    CondensedNearestNeighbour,
    EditedNearestNeighbours,
    InstanceHardnessThreshold,
    LabelUnderSampler,
    NearMiss,
    NeighbourhoodCleaningRule,
    OneSidedSelection,
    RandomUnderSampler,
    RepeatedEditedNearestNeighbours,
    TomekLinks,
)

__all__ = [
    "ADASYN",
    "MLSMOTE",
    "SMOTE",
    "SMOTEENN",
    "SVMSMOTE",
    "AllKNN",
    "BalancedBaggingClassifier",
    "BalancedRandomForestClassifier",
    "BorderlineSMOTE",
    "ClusterCentroids",
    "CondensedNearestNeighbour",
    "EasyEnsembleClassifier",
    "EditedNearestNeighbours",
    "GenerativeOverSampler",
    "ImageSampler",
    "InstanceHardnessThreshold",
    "KMeansSMOTE",
    "LabelOverSampler",
    "LabelUnderSampler",
    "NearMiss",
    "NeighbourhoodCleaningRule",
    "OneSidedSelection",
    "RUSBoostClassifier",
    "RandomOverSampler",
    "RandomUnderSampler",
    "RedrawImages",
    "RepeatedEditedNearestNeighbours",
    "ResamplingPlan",
    "SMOTETomek",
    "TomekLinks",
    "plan_blocks",
    "render",
    "render_block",
    "render_files",
    "show_versions",
    "worker_timeout",
]

__version__ = "0.2.0"

_MODULES = (
    "annotations",
    "combine",
    "datasets",
    "decision",
    "display",
    "ensemble",
    "epochs",
    "folders",
    "images",
    "keras",
    "model_selection",
    "neighbors",
    "over_sampling",
    "preprocessing",
    "recipes",
    "strategies",
    "synthesis",
    "torch",
    "under_sampling",
)
"""The public modules, imported when they are first used."""


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES, "__version__"])


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
