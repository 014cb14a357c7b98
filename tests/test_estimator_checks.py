"""scikit-learn's and imbalanced-learn's checks.

The excuses are those that imbalanced-learn itself has for its class of the same name.
"""

from collections import Counter

import pytest
from imblearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
)
from imblearn.utils.estimator_checks import estimator_checks_generator as imblearn_checks
from sklearn.cluster import KMeans
from sklearn.ensemble import AdaBoostClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import estimator_checks_generator as sklearn_checks

import imblearn_images
from imblearn_images import SMOTE, EasyEnsembleClassifier, RandomOverSampler, RandomUnderSampler

FAMILY = {
    "AllKNN": {},
    "BorderlineSMOTE": {"random_state": 0},
    "ADASYN": {"random_state": 0},
    "SVMSMOTE": {"random_state": 0},
    "KMeansSMOTE": {"random_state": 0, "kmeans_estimator": 12},
    "ClusterCentroids": {
        "random_state": 0,
        "estimator": KMeans(n_init=1, random_state=0),
        "voting": "soft",  # by default sparse matrices get the other kind
    },
    "CondensedNearestNeighbour": {"random_state": 0},
    "EditedNearestNeighbours": {},
    "RepeatedEditedNearestNeighbours": {},
    "InstanceHardnessThreshold": {"random_state": 0, "estimator": DecisionTreeClassifier()},
    "NearMiss": {},
    "NeighbourhoodCleaningRule": {},
    "OneSidedSelection": {"random_state": 0},
    "TomekLinks": {},
    "SMOTEENN": {"random_state": 0},
    "SMOTETomek": {"random_state": 0},
    "BalancedBaggingClassifier": {"random_state": 0, "n_estimators": 3},
    "BalancedRandomForestClassifier": {"random_state": 0, "n_estimators": 5},
    "RUSBoostClassifier": {"random_state": 0, "n_estimators": 5},
}
WEIGHTS = {
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
}
EXCUSED = {
    "NearMiss": {"check_samplers_fit_resample"},
    "BalancedRandomForestClassifier": WEIGHTS,
    "RUSBoostClassifier": WEIGHTS,
}
ESTIMATORS = [
    *(getattr(imblearn_images, name)(**params) for name, params in FAMILY.items()),
    RandomOverSampler(random_state=0),
    SMOTE(random_state=0),
    RandomUnderSampler(random_state=0),
    EasyEnsembleClassifier(2, AdaBoostClassifier(n_estimators=5), random_state=0),
    EasyEnsembleClassifier(2, LogisticRegression(), random_state=0),
]
SOURCES = {"sklearn": sklearn_checks, "imblearn": imblearn_checks}
CHECKS = [
    (source, estimator, check)
    for source, generate in SOURCES.items()
    for template in ESTIMATORS
    for estimator, check in generate(template)
]


def name_of(check):
    return check.func.__name__ if hasattr(check, "func") else str(check)


# what scikit-learn's trees and boosting warn of on 2-D input, and SVMSMOTE on few rows
@pytest.mark.filterwarnings("ignore:SVMSMOTE added fewer images than:UserWarning")
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:divide by zero encountered in log:RuntimeWarning")
@pytest.mark.parametrize(("source", "estimator", "check"), CHECKS, ids=name_of)
def test_check(source, estimator, check):
    if name_of(check) in EXCUSED.get(type(estimator).__name__, ()):
        pytest.skip("imbalanced-learn expects its own class to fail")
    check(estimator)


OURS_ALONE = {
    *("GenerativeOverSampler", "ImageSampler", "LabelOverSampler", "MLSMOTE", "RedrawImages"),
    "LabelUnderSampler",
}


def test_every_class_is_checked():
    exported = {
        name
        for name in imblearn_images.__all__
        if hasattr(getattr(imblearn_images, name), "fit") and name not in OURS_ALONE
    }
    assert exported == {type(estimator).__name__ for estimator in ESTIMATORS}
    assert len(CHECKS) > 1200


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_every_parameter_is_validated(estimator):
    check_param_validation(type(estimator).__name__, estimator)


@pytest.mark.filterwarnings("ignore:divide by zero encountered in log:RuntimeWarning")
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_names_of_columns_are_kept(estimator):
    check_dataframe_column_names_consistency(type(estimator).__name__, estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
@pytest.mark.parametrize("source", SOURCES)
def test_no_check_was_left_out(estimator, source):
    """One wrong tag switches checks off without a word."""
    ran = Counter(
        name_of(check) for where, given, check in CHECKS if (where, given) == (source, estimator)
    )
    peer = next(cls for cls in type(estimator).__mro__ if cls.__module__.startswith("imblearn."))
    params = {name: getattr(estimator, name) for name in peer().get_params(deep=False)}
    theirs = Counter(name_of(check) for _, check in SOURCES[source](peer(**params)))
    assert not theirs - ran
    is_sampler = hasattr(estimator, "fit_resample")
    floor = {"sklearn": 38 if is_sampler else 50, "imblearn": 15 if is_sampler else 2}
    assert ran.total() >= floor[source]
