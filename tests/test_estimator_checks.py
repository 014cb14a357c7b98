"""scikit-learn's and imbalanced-learn's checks, with an empty list of excuses."""

from collections import Counter

import pytest
from imblearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
)
from imblearn.utils.estimator_checks import estimator_checks_generator as imblearn_checks
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import estimator_checks_generator as sklearn_checks

from imblearn_images import SMOTE, EasyEnsembleClassifier, RandomOverSampler, RandomUnderSampler

ESTIMATORS = [
    RandomOverSampler(random_state=0),
    SMOTE(random_state=0),
    RandomUnderSampler(random_state=0),
    EasyEnsembleClassifier(n_estimators=3, random_state=0),
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


@pytest.mark.parametrize(("source", "estimator", "check"), CHECKS, ids=name_of)
def test_check(source, estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_every_parameter_is_validated(estimator):
    check_param_validation(type(estimator).__name__, estimator)


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
