"""Candidates: whatever may be compared, as one estimator each that is fitted on images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sklearn.base import clone
from sklearn.pipeline import Pipeline as SklearnPipeline

from imblearn_images import recipes
from imblearn_images._members import (
    class_weight_of,
    on_images,
    same_penalty,
    samplers_of,
    seeded,
    takes_weights,
)
from imblearn_images.core.estimators import reads_homes
from imblearn_images.decision import PriorCorrectedClassifier, TunedThresholdsClassifier
from imblearn_images.ensemble._policies import PolicyEnsembleClassifier
from imblearn_images.image_sampler import ImageSampler
from imblearn_images.model_selection._comparison import BASELINES, LABEL_BASELINES
from imblearn_images.over_sampling import MLSMOTE, LabelOverSampler

__all__ = [
    "DEFAULT",
    "Candidate",
    "name_candidates",
    "name_model",
    "notes_of_twice",
    "prepare",
]

DEFAULT = ("mild", "transfer", "mix", "many", "policies")
"""What "default" stands for: the recipes, and the ensemble of policies."""


@dataclass(frozen=True)
class Candidate:
    """One line of the comparison."""

    name: str
    estimator: Any
    """Unfitted, takes the images as the user has them; None where there is none."""
    weighted: bool = False
    """Whether its ``fit`` is to be given balanced sample weights."""
    unavailable: str = ""
    """Why there is no estimator."""


def name_candidates(resamplers: Any, *, of_labels: bool = False) -> dict[str, Any]:
    """Give every candidate its name, the baselines first.

    Parameters
    ----------
    resamplers : mapping of str to candidate, or iterable of candidates or of names with candidates
        See :func:`compare_resamplers`.
    of_labels : bool, default=False
        Whether images have several labels.

    Returns
    -------
    named : dict of str to candidate

    Examples
    --------
    >>> from imblearn_images import SMOTE, RandomUnderSampler
    >>> list(name_candidates([SMOTE(), "none", SMOTE(k_neighbors=3), RandomUnderSampler()]))
    ['none', 'class_weight', 'prior_correction', 'SMOTE', 'SMOTE-2', 'RandomUnderSampler']
    >>> list(name_candidates([("few", SMOTE(k_neighbors=1)), SMOTE()]))[3:]
    ['few', 'SMOTE']
    """
    if isinstance(resamplers, str) and resamplers == "default":
        resamplers = [LabelOverSampler(), MLSMOTE()] if of_labels else DEFAULT
    if isinstance(resamplers, Mapping):
        given = list(resamplers.items())
    elif isinstance(resamplers, Iterable) and not isinstance(resamplers, (str, SklearnPipeline)):
        given = _numbered(map(_as_pair, resamplers))
    else:
        raise TypeError(
            "`resamplers` must be a list of candidates, or a dict of names and candidates, got "
            f'{resamplers!r}. "default" stands for the recipes and the ensemble of policies.'
        )
    baselines = LABEL_BASELINES if of_labels else BASELINES
    named: dict[str, Any] = {word: word for word in baselines}
    for name, candidate in given:
        _check(name, candidate, baselines, () if of_labels else DEFAULT)
        named[str(name)] = candidate
    return named


def _as_pair(candidate: Any) -> tuple[str, Any]:
    """Name and candidate, also of what comes as such a pair, like the steps of a Pipeline."""
    if isinstance(candidate, tuple) and len(candidate) == 2 and isinstance(candidate[0], str):
        return candidate
    return _name_of(candidate), candidate


def _numbered(pairs: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    seen: Counter[str] = Counter()
    numbered = []
    for name, candidate in pairs:
        seen[name] += 1
        again = seen[name] > 1 and not isinstance(candidate, str)
        numbered.append((f"{name}-{seen[name]}" if again else name, candidate))
    return numbered


def _name_of(candidate: Any) -> str:
    if isinstance(candidate, str):
        return candidate
    if isinstance(candidate, SklearnPipeline):
        return "+".join(_name_of(step) for _, step in candidate.steps)
    if isinstance(candidate, ImageSampler):
        return _name_of(candidate.sampler)
    return type(candidate).__name__


def name_model(estimator: Any) -> str:
    """Name a classifier with what stands before it or inside it.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn.pipeline import Pipeline
    >>> from imblearn_images.preprocessing import FlattenImages
    >>> name_model(Pipeline([("flat", FlattenImages()), ("naive", GridSearchCV(GaussianNB(), {}))]))
    'FlattenImages+GridSearchCV(GaussianNB)'
    """
    if isinstance(estimator, SklearnPipeline):
        return "+".join(name_model(step) for _, step in estimator.steps)
    inner = estimator.get_params(deep=False) if hasattr(estimator, "get_params") else {}
    name = estimator if isinstance(estimator, str) else type(estimator).__name__
    return f"{name}({name_model(inner['estimator'])})" if inner.get("estimator") else str(name)


def _check(
    name: Any, candidate: Any, baselines: tuple[str, ...], recipe_words: tuple[str, ...]
) -> None:
    if name in baselines and candidate != name:
        raise ValueError(f"{name!r} is the name of a baseline. Give {candidate!r} another name.")
    if isinstance(candidate, str):
        if candidate not in baselines + recipe_words:
            words = ", ".join(map(repr, baselines + recipe_words))
            raise ValueError(
                f"Candidate {candidate!r} is unknown: the words are {words}. Pass a sampler as "
                "an object, such as SMOTE()."
            )
        return
    if isinstance(candidate, type):
        raise TypeError(f"Candidate {name!r} is a class: pass {candidate.__name__}(), an instance.")
    if not hasattr(candidate, "fit_resample") and not _is_model(candidate):
        raise TypeError(
            f"Candidate {name!r} is {candidate!r}, neither a sampler (fit_resample) nor a "
            "classifier (fit, predict)."
        )


def _is_model(candidate: Any) -> bool:
    return hasattr(candidate, "fit") and hasattr(candidate, "predict")


def prepare(
    name: str, candidate: Any, estimator: Any, X: Any, seed: int, *, of_labels: bool = False
) -> Candidate:
    """Make one estimator of a candidate that takes the images `X` as they are.

    A sampler stands before `estimator`, behind the ``ReadImages`` that begins it if it does;
    a third-party sampler is wrapped in ``ImageSampler``. An estimator that wants rows of pixels
    is given them. Every ``random_state`` that is None is set to `seed`, so that all
    candidates draw alike.

    Parameters
    ----------
    name : str
        Name.
    candidate : sampler, classifier or str
        As :func:`name_candidates` gives it.
    estimator : classifier
        What is to be helped.
    X : ndarray
        Images, paths or rows.
    seed : int
        For what has no seed.
    of_labels : bool, default=False
        Whether images have several labels.

    Returns
    -------
    Candidate
    """
    if isinstance(candidate, str) and candidate in DEFAULT:
        return _named(name, candidate, estimator, X, seed)
    if isinstance(candidate, str):
        model = seeded(on_images([], estimator, X), seed)
        return _baseline(name, candidate, model, of_labels=of_labels)
    if not hasattr(candidate, "fit_resample"):
        return Candidate(name, seeded(candidate, seed))
    return Candidate(name, seeded(on_images(samplers_of(candidate, X), estimator, X), seed))


def _named(name: str, word: str, estimator: Any, X: Any, seed: int) -> Candidate:
    """A recipe, with the correction that belongs to it, or the ensemble of policies."""
    if not hasattr(estimator, "predict_proba") and word in ("many", "policies"):
        return Candidate(name, None, unavailable="the estimator has no predict_proba")
    if word == "policies":
        return Candidate(name, PolicyEnsembleClassifier(seeded(estimator, seed), random_state=seed))
    sampler = getattr(recipes, word)()
    if word == "many":
        estimator = same_penalty(estimator, sampler)
        sampler.set_params(lazy=reads_homes(estimator))
    model = seeded(on_images(samplers_of(sampler, X), estimator, X), seed)
    if word != "many":
        return Candidate(name, model)
    return Candidate(name, PriorCorrectedClassifier(model, prior="uniform"))


def _baseline(name: str, word: str, estimator: Any, *, of_labels: bool) -> Candidate:
    if word == "none":
        return Candidate(name, estimator)
    if word == "class_weight":
        if (parameter := class_weight_of(estimator)) is not None:
            return Candidate(name, clone(estimator).set_params(**{parameter: "balanced"}))
        if of_labels:  # weights of images would be those of all their labels
            why = "the estimator has no parameter class_weight, which each label needs for itself"
            return Candidate(name, None, unavailable=why)
        if takes_weights(estimator):
            return Candidate(name, estimator, weighted=True)
        why = "the estimator has no parameter class_weight, and its fit takes no sample_weight"
        return Candidate(name, None, unavailable=why)
    if not hasattr(estimator, "predict_proba"):
        return Candidate(name, None, unavailable="the estimator has no predict_proba")
    if word == "thresholds":
        return Candidate(name, TunedThresholdsClassifier(estimator, scoring="f1"))
    return Candidate(name, PriorCorrectedClassifier(estimator, prior="uniform"))


def notes_of_twice(named: Mapping[str, Any], estimator: Any) -> list[str]:
    """Note where samplers meet class weights that are not computed from what they return.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from imblearn_images import SMOTE
    >>> notes_of_twice({"smote": SMOTE()}, LogisticRegression(class_weight={"owl": 9}))
    ["class_weight={'owl': 9} of the estimator acts on what smote returns, too: corrected twice"]
    """
    parameter = class_weight_of(estimator)
    weights = None if parameter is None else estimator.get_params()[parameter]
    samplers = [name for name, each in named.items() if hasattr(each, "fit_resample")]
    if not samplers or not isinstance(weights, Mapping):  # "balanced" is reckoned behind them
        return []
    verb = "return" if len(samplers) > 1 else "returns"
    known = f"class_weight={weights!r} of the estimator"
    return [f"{known} acts on what {', '.join(samplers)} {verb}, too: corrected twice"]
