"""Comparing: whether resampling helps, and by how much beside doing nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from joblib.parallel import get_active_backend
from sklearn.metrics import check_scoring
from sklearn.utils import check_random_state, indexable

from imblearn_images.core.companions import as_groups, sortable
from imblearn_images.core.containers import holds_paths, unwrap
from imblearn_images.core.survey import frames_told, tell_frames
from imblearn_images.core.targets import labels_of
from imblearn_images.model_selection.candidates import (
    name_candidates,
    name_model,
    notes_of_twice,
    prepare,
)
from imblearn_images.model_selection.comparison import ResamplerComparison
from imblearn_images.model_selection.fitting import fit_and_judge
from imblearn_images.model_selection.folds import make_folds
from imblearn_images.model_selection.outcomes import Outcome, summarise
from imblearn_images.preprocessing import ReadImages
from imblearn_images.validation import check_lengths

__all__ = ["compare_resamplers"]


def compare_resamplers(
    estimator: Any,
    resamplers: Any,
    X: Any,
    y: Any,
    *,
    cv: Any = None,
    groups: Any = None,
    scoring: Any = "balanced_accuracy",
    n_jobs: int | None = None,
    random_state: Any = None,
    verbose: int = 0,
) -> ResamplerComparison:
    """Compare resampling, on the same folds, with three honest baselines.

    The baselines are always among the candidates: "none", the estimator as it is;
    "class_weight", balanced weights of the classes instead of more images; and
    "prior_correction", the untouched model with its probabilities corrected to equal
    classes. Resampling acts on the training images of a fold only.

    Parameters
    ----------
    estimator : classifier
        What is to be helped: takes the images, such as a Pipeline that begins with
        ``ReadImages`` or ``FlattenImages``, or rows of pixels, which it is then given.
    resamplers : list of candidates, or dict of names and candidates
        Candidates are samplers of this library or of imbalanced-learn; Pipelines of
        samplers; whole classifiers, which are used instead of `estimator` and see the images
        as they are; and the words of the baselines. Samplers stand before `estimator`, behind
        the ``ReadImages`` that begins it where `X` holds paths, unless they have an
        `output_dir`. Those of imbalanced-learn are run through ``ImageSampler``.
    X : images
        Array of shape (n, H, W), (n, H, W, C) or (n, d), or paths, in any container.
    y : array-like of shape (n,)
        Labels.
    cv : int, splitter, iterable of (train, test), default=None
        Folds; drawn with `random_state` for an int. By default 5 stratified folds, twice;
        fewer, and said so in the notes, where a class has fewer images. With `groups` these
        are stratified folds of whole groups.
    groups : array-like of shape (n,), default=None
        Images that must not be on both sides: photos of one patient, near-duplicates.
    scoring : str, callable, list, tuple or dict, default="balanced_accuracy"
        Metrics, as for :func:`sklearn.model_selection.cross_validate`. The first one decides.
    n_jobs : int, default=None
        Fits at a time, with the backend of :func:`joblib.parallel_config`.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds, and of every step that has none. The same for all candidates.
    verbose : int, default=0
        Progress bar (needs the package tqdm).

    Returns
    -------
    ResamplerComparison
        Show it, or ask it for ``advice``, ``better``, ``to_frame()``, ``plot()``. What resampling
        has to beat is the best of the baselines, its ``reference``. After
        KeyboardInterrupt it holds the folds that are complete.

    Raises
    ------
    ValueError
        Naming the class that has too few images, or groups of images, for the folds; if
        a given `cv` divides a group; if `estimator` itself fails.
    TypeError
        For a candidate that is neither a sampler nor a classifier.
    KeyboardInterrupt
        If not one fold is complete by then.

    Notes
    -----
    A candidate that fails on any fold has no result, but its reason in ``failures``; the
    others go on. A difference is called one at the 5 % level of the corrected resampled t-test
    [1]_, after Holm's adjustment for the number of candidates [2]_, of p-values and intervals
    alike; the test is a cautious one. The advice names a candidate that makes images only where
    it is better than the best baseline in this sense, and otherwise that baseline.
    Choosing the best of many candidates makes its score look better than it will be: keep a
    test set that this comparison has not seen.

    Seconds are wall-clock time, longer where fits run side by side. Memory is measured with
    tracemalloc in the first fold, whose seconds do not count.

    References
    ----------
    .. [1] C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine Learning
       52, 239-281, 2003.
    .. [2] S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian
       Journal of Statistics 6(2), 65-70, 1979.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from imblearn_images import SMOTE, RandomUnderSampler
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True, size=16)
    >>> samplers = [SMOTE(), RandomUnderSampler()]
    >>> comparison = compare_resamplers(GaussianNB(), samplers, images, labels, random_state=0)
    >>> comparison.names
    ('none', 'class_weight', 'prior_correction', 'SMOTE', 'RandomUnderSampler')
    >>> comparison.n_folds, comparison.recall["none"]["gravel"].n_test
    (10, 102)
    """
    images, _ = unwrap(X)
    check_lengths(images, y)
    labels = labels_of(y)
    if groups is not None:
        groups = sortable(as_groups(groups, len(labels), of="images in X"))
    images, labels = indexable(_rows(images), labels)
    seed = _seed(random_state)
    named = name_candidates(resamplers)
    candidates = [prepare(name, each, estimator, images, seed) for name, each in named.items()]
    folds, notes = make_folds(labels, groups, cv, seed)
    notes = [*notes, *notes_of_twice(named, estimator)]
    scorer = check_scoring(estimator, scoring=_metrics(scoring))
    classes = np.unique(labels)
    failures = {each.name: each.unavailable for each in candidates if each.unavailable}

    def tasks() -> Iterator[Any]:
        for number, rows in enumerate(folds):
            for each in candidates:
                if each.name not in failures:
                    yield delayed(fit_and_judge)(
                        each, number, images, labels, rows, scorer, classes
                    )

    outcomes: list[Outcome] = []
    interrupted = False
    if holds_paths(images):
        tell_frames(images, n_jobs=n_jobs)  # once, not in every fold
    try:
        total = len(folds) * (len(candidates) - len(failures))
        with frames_told():
            for outcome in _progress(_run(tasks(), n_jobs), total, verbose):
                if outcome.error:
                    _note_failure(outcome, len(folds), failures)
                outcomes.append(outcome)
    except KeyboardInterrupt:
        interrupted = True
    conditions = _conditions(estimator, images, seed)
    return summarise(
        candidates, folds, labels, classes, outcomes, failures, notes, interrupted, conditions
    )


def _conditions(estimator: Any, images: Any, seed: int) -> dict[str, Any]:
    """What was measured on, for people and programs."""
    from imblearn_images import __version__

    return {
        "classifier": name_model(estimator),
        "images": _described(estimator, images),
        "n_images": len(images),
        "seed": seed,
        "version": __version__,
    }


def _described(estimator: Any, images: Any) -> str:
    """The size of the images as the classifier, or its ``ReadImages``, is given them."""
    steps = estimator.get_params().values() if hasattr(estimator, "get_params") else ()
    sizes = [step.size for step in steps if isinstance(step, ReadImages) and step.size is not None]
    shape = tuple(sizes[0]) if sizes else np.shape(images)[1:] if not holds_paths(images) else ()
    if not shape:
        return "images of any size"
    what = "rows of numbers" if len(shape) == 1 else "images"
    return f"{what} of {' x '.join(map(str, shape))}"


def _rows(images: Any) -> Any:
    """Let a numpy index choose rows: data frames and lists of rows become arrays."""
    return (
        np.asarray(images)
        if isinstance(images, (list, tuple)) or hasattr(images, "iloc")
        else images
    )


def _seed(random_state: Any) -> int:
    if isinstance(random_state, (int, np.integer)):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _metrics(scoring: Any) -> Any:
    """Metrics by their names, for a scorer that gives a dict."""
    if callable(scoring):
        made = re.match(r"make_scorer\((\w+)", repr(scoring))
        return {made[1] if made else getattr(scoring, "__name__", "score"): scoring}
    return [scoring] if isinstance(scoring, str) else scoring


def _run(tasks: Iterator[Any], n_jobs: int | None) -> Any:
    backend, _ = get_active_backend()
    streams = n_jobs in (None, 1) or backend.supports_return_generator
    return Parallel(n_jobs=n_jobs, return_as="generator_unordered" if streams else "list")(tasks)


def _progress(outcomes: Any, total: int, verbose: int) -> Any:
    if not verbose:
        return outcomes
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:
        return outcomes
    return tqdm(outcomes, total=total, desc="compared", unit="fit")


def _note_failure(outcome: Outcome, n_folds: int, failures: dict[str, str]) -> None:
    where = f"fold {outcome.fold + 1} of {n_folds}"
    if outcome.name == "none":
        raise ValueError(
            f"The estimator fails without any resampling, on {where}: {outcome.error}. There is "
            "nothing to compare with."
        )
    failures.setdefault(outcome.name, f"{where}: {outcome.error}")
