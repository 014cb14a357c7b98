"""Ensembles: the names and parameters of :mod:`imblearn.ensemble`, on images.

Each member is fitted on its own balanced subset of the images. Its scikit-learn tags (in a
Pipeline, those of the first step that is not a sampler of this package) decide in which form it
gets them: *images in their own shape* if ``input_tags.three_d_array`` is set
(``FlattenImages`` and the other steps of :mod:`imblearn_images.preprocessing`) or
``no_validation`` (``FunctionTransformer``); *paths*, if X holds paths and the step reads
them (``ReadImages``); *flattened pixels*, shape (m, d), otherwise.

:class:`PolicyEnsembleClassifier` is this library's own: it trains one classifier under several
policies, and averages those that suit the data.
"""

from imblearn_images.ensemble._balanced import (
    BalancedBaggingClassifier,
    BalancedRandomForestClassifier,
    EasyEnsembleClassifier,
    RUSBoostClassifier,
)
from imblearn_images.ensemble._policies import PolicyEnsembleClassifier

__all__ = [
    "BalancedBaggingClassifier",
    "BalancedRandomForestClassifier",
    "EasyEnsembleClassifier",
    "PolicyEnsembleClassifier",
    "RUSBoostClassifier",
]


def __dir__() -> list[str]:
    return __all__
