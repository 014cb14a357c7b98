"""Candidates: each thing to compare becomes one estimator that is fitted on images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
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
from imblearn_images.core.containers import holds_paths
from imblearn_images.core.estimators import reads_homes
from imblearn_images.decision import PriorCorrectedClassifier, TunedThresholdsClassifier
from imblearn_images.ensemble._policies import PolicyEnsembleClassifier
from imblearn_images.image_sampler import ImageSampler
from imblearn_images.model_selection._comparison import BASELINES, LABEL_BASELINES
from imblearn_images.model_selection._contest import Candidate
from imblearn_images.over_sampling import MLSMOTE, LabelOverSampler
from imblearn_images.preprocessing import ReadImages

__all__ = [
    "DEFAULT",
    "Subject",
    "name_candidates",
    "name_model",
]

ENSEMBLES: dict[str, dict[str, Any]] = {
    "pair": {"policies": "pair", "screen": None},
    "policies": {},
}
"""Words for ensembles of policies, and their parameters."""

DEFAULT = ("mild", "transfer", "mix", "many", *ENSEMBLES)
"""What "default" stands for: the recipes, and the ensembles of policies."""


def name_candidates(resamplers: Any, *, of_labels: bool = False) -> dict[str, Any]:
    """Return the candidates by their names, the baselines first.

    Parameters
    ----------
    resamplers : mapping of str to candidate, or iterable of candidates or of names with candidates
        See :func:`compare_resamplers`.
    of_labels : bool, default=False
        Whether images have several labels.

    Returns
    -------
    named : dict of str to candidate
        Unnamed candidates are called after their classes, numbered where two are equal.

    Raises
    ------
    TypeError
        If a candidate is neither a sampler nor a classifier.
    ValueError
        If a word is unknown, or the name of a baseline is used for something else.

    Examples
    --------
    >>> from imblearn_images import SMOTE, RandomUnderSampler
    >>> list(name_candidates([SMOTE(), "none", SMOTE(k_neighbors=3), RandomUnderSampler()]))
    ['none', 'class_weight', 'prior_correction', 'SMOTE', 'SMOTE-2', 'RandomUnderSampler']
    >>> list(name_candidates([("few", SMOTE(k_neighbors=1)), SMOTE()]))[3:]
    ['few', 'SMOTE']
    >>> list(name_candidates([("SMOTE-2", SMOTE(k_neighbors=1)), SMOTE(), SMOTE()]))[3:]
    ['SMOTE-2', 'SMOTE', 'SMOTE-3']
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
            f'{resamplers!r}. "default" stands for the recipes and the ensembles of policies; '
            "put one word alone into a list."
        )
    baselines = LABEL_BASELINES if of_labels else BASELINES
    named: dict[str, Any] = {word: word for word in baselines}
    for name, candidate in given:
        _check(name, candidate, baselines, () if of_labels else DEFAULT)
        named[str(name)] = candidate
    return named


def _as_pair(candidate: Any) -> tuple[str, Any]:
    """Return the name and the candidate; pairs, like the steps of a Pipeline, stay as they are."""
    if isinstance(candidate, tuple) and len(candidate) == 2 and isinstance(candidate[0], str):
        return candidate
    return _name_of(candidate), candidate


def _numbered(pairs: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Return the pairs with equal names numbered; words, which mean the same, stay equal."""
    pairs = list(pairs)
    taken = {name for name, _ in pairs}
    seen: Counter[str] = Counter()
    numbered = []
    for name, candidate in pairs:
        seen[name] += 1
        fresh = name
        if seen[name] > 1 and not isinstance(candidate, str):
            while (fresh := f"{name}-{seen[name]}") in taken:  # one that was given by hand
                seen[name] += 1
            taken.add(fresh)
        numbered.append((fresh, candidate))
    return numbered


def _name_of(candidate: Any) -> str:
    """Return the name of a candidate: its word, its class, or the classes of its steps."""
    if isinstance(candidate, str):
        return candidate
    if isinstance(candidate, SklearnPipeline):
        return "+".join(_name_of(step) for _, step in candidate.steps)
    if isinstance(candidate, ImageSampler):
        return _name_of(candidate.sampler)
    return type(candidate).__name__


def name_model(estimator: Any) -> str:
    """Return the name of a classifier, including its Pipeline steps and wrapped estimators.

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
    """Raise an error if a candidate, or its name, cannot be used."""
    if name in baselines and candidate != name:
        raise ValueError(f"{name!r} is the name of a baseline. Give {candidate!r} another name.")
    if isinstance(candidate, str):
        if candidate not in baselines + recipe_words:
            words = ", ".join(map(repr, baselines + recipe_words))
            raise ValueError(
                f"Candidate {candidate!r} is unknown: the known words are {words}. Pass a sampler "
                "as an object, such as SMOTE()."
            )
        return
    if isinstance(candidate, type):
        raise TypeError(
            f"Candidate {name!r} is a class. Pass an instance, such as {candidate.__name__}()."
        )
    if not hasattr(candidate, "fit_resample") and not _is_model(candidate):
        raise TypeError(
            f"Candidate {name!r} must be a sampler (with fit_resample) or a classifier (with fit "
            f"and predict), got {candidate!r}."
        )


def _is_model(candidate: Any) -> bool:
    return hasattr(candidate, "fit") and hasattr(candidate, "predict")


@dataclass(frozen=True)
class Subject:
    """The classifier that resampling is to improve, and the images that it is tried on.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from imblearn_images import SMOTE
    >>> y = np.repeat([0, 1], [6, 3])
    >>> subject = Subject(LogisticRegression(), np.zeros((9, 8, 8)), y, [0, 1], seed=0)
    >>> [step for step, _ in subject.candidate("smote", SMOTE()).estimator.steps]
    ['sampler', 'flatten', 'estimator']
    """

    estimator: Any
    images: Any
    """Images, paths or rows of pixels, without their container."""
    y: NDArray[Any]
    """Labels, shape (n,); several per image, a table of 0 and 1, shape (n, n_labels)."""
    classes: Sequence[Any]
    """Labels that there are."""
    seed: int
    """Seed of every step without one, so that all candidates draw the same random numbers."""

    def __post_init__(self) -> None:
        if isinstance(self.estimator, type) or not _is_model(self.estimator):
            raise TypeError(
                "`estimator` must be a classifier object, with fit and predict, got "
                f"{self.estimator!r}."
            )

    @property
    def of_labels(self) -> bool:
        """Whether images have several labels."""
        return self.y.ndim == 2

    def candidate(self, name: str, given: Any) -> Candidate:
        """Return a candidate as one estimator that takes the images as they are.

        A sampler is placed before `estimator`, or after the ``ReadImages`` that this begins with. A
        third-party sampler is wrapped in ``ImageSampler``. An estimator for rows of pixels gets
        flattened images.

        Parameters
        ----------
        name : str
            Name of the candidate.
        given : sampler, classifier or str
            A value of the dict that :func:`name_candidates` returns.

        Returns
        -------
        Candidate
        """
        if isinstance(given, str):
            return (self._recipe if given in DEFAULT else self._baseline)(name, given)
        if not hasattr(given, "fit_resample"):
            return Candidate(name, seeded(given, self.seed))
        return Candidate(name, self._behind(given, self.estimator))

    def _behind(self, sampler: Any, estimator: Any) -> Any:
        """Return an estimator behind a sampler, or behind none, with a seed in every step."""
        steps = [] if sampler is None else samplers_of(sampler, self.images)
        return seeded(on_images(steps, estimator, self.images), self.seed)

    def _recipe(self, name: str, word: str) -> Candidate:
        """Return the candidate of a word: a recipe, with its prior correction, or an ensemble."""
        estimator, seed = self.estimator, self.seed
        if not hasattr(estimator, "predict_proba") and word in ("many", *ENSEMBLES):
            return Candidate(name, None, unavailable="the estimator has no predict_proba")
        if word in ENSEMBLES:
            model, params = seeded(estimator, seed), ENSEMBLES[word]
            return Candidate(name, PolicyEnsembleClassifier(model, random_state=seed, **params))
        sampler = getattr(recipes, word)()
        if word == "many":
            estimator = same_penalty(estimator, sampler)
            sampler.set_params(lazy=reads_homes(estimator))
        model = self._behind(sampler, estimator)
        if word != "many":
            return Candidate(name, model)
        return Candidate(name, PriorCorrectedClassifier(model, prior="uniform"))

    def _baseline(self, name: str, word: str) -> Candidate:
        """Return the candidate of a baseline's name."""
        estimator = self._behind(None, self.estimator)
        if word == "none":
            return Candidate(name, estimator)
        if word == "class_weight":
            if (parameter := class_weight_of(estimator)) is not None:
                return Candidate(name, clone(estimator).set_params(**{parameter: "balanced"}))
            if self.of_labels:  # one weight per image would act on all of its labels
                why = "the estimator has no parameter class_weight, which weights each label alone"
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

    def notes(self, named: Mapping[str, Any]) -> list[str]:
        """Return a note where fixed class weights correct again what samplers have balanced.

        Examples
        --------
        >>> from sklearn.linear_model import LogisticRegression
        >>> from imblearn_images import SMOTE
        >>> weighs = LogisticRegression(class_weight={"owl": 9})
        >>> y = np.repeat(["cat", "owl"], [6, 3])
        >>> subject = Subject(weighs, np.zeros((9, 8, 8)), y, ["cat", "owl"], seed=0)
        >>> print(*subject.notes({"smote": SMOTE()}))
        class_weight={'owl': 9} of the estimator acts on what smote returns, too: corrected twice
        """
        parameter = class_weight_of(self.estimator)
        weights = None if parameter is None else self.estimator.get_params()[parameter]
        samplers = [name for name, each in named.items() if hasattr(each, "fit_resample")]
        if not samplers or not isinstance(weights, Mapping):  # "balanced" is computed after them
            return []
        verb = "return" if len(samplers) > 1 else "returns"
        known = f"class_weight={weights!r} of the estimator"
        return [f"{known} acts on what {', '.join(samplers)} {verb}, too: corrected twice"]

    def conditions(self) -> dict[str, Any]:
        """Return what a comparison is measured on."""
        from imblearn_images import __version__

        return {
            "classifier": name_model(self.estimator),
            "images": self._size(),
            "n_images": len(self.images),
            "seed": self.seed,
            "version": __version__,
        }

    def _size(self) -> str:
        """Return the size of the images as text: that which ``ReadImages`` makes, or their own."""
        params = self.estimator.get_params() if hasattr(self.estimator, "get_params") else {}
        steps = [step for step in params.values() if isinstance(step, ReadImages)]
        sizes = [step.size for step in steps if step.size is not None]
        own = () if holds_paths(self.images) else np.shape(self.images)[1:]
        shape = tuple(sizes[0]) if sizes else own
        if not shape:
            return "images of any size"
        what = "rows of numbers" if len(shape) == 1 else "images"
        return f"{what} of {' x '.join(map(str, shape))}"
