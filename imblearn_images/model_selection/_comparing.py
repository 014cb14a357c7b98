"""Comparing: what is compared is decided, then fitted and scored, then summed up."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import check_scoring
from sklearn.utils import check_random_state, indexable

from imblearn_images._docstrings import substitute
from imblearn_images.core.columns import as_groups, labels_of, plain, sortable
from imblearn_images.core.containers import holds_paths, unwrap
from imblearn_images.core.text import counted
from imblearn_images.core.validation import check_lengths
from imblearn_images.display._reliability import calibrate
from imblearn_images.folders._lineage import read_lineage
from imblearn_images.model_selection._candidates import Subject, name_candidates
from imblearn_images.model_selection._comparison import (
    BASELINES,
    LABEL_BASELINES,
    Calibration,
    ClassRecall,
    Cost,
    ResamplerComparison,
)
from imblearn_images.model_selection._contest import Contest, Outcome
from imblearn_images.model_selection._fitting import Results, fit_all
from imblearn_images.model_selection._folds import Fold, make_folds
from imblearn_images.model_selection._label_scores import (
    METRICS,
    LabelScorer,
    label_folds,
    several_labels,
)

__all__ = ["compare_resamplers"]


@substitute
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
    """Compare resampling with three honest baselines on the same folds.

    The baselines are always among the candidates: "none", the estimator as it is;
    "class_weight", balanced weights of the classes instead of more images; and
    "prior_correction", the untouched model with its probabilities corrected to equal
    classes. Resampling acts only on the training images of a fold.

    For images with several labels the third baseline is "thresholds", the untouched model with
    a threshold tuned for each label.

    Read more in the :ref:`User Guide <does-it-help>`.

    Parameters
    ----------
    estimator : classifier
        The classifier to improve. It takes images, such as a Pipeline that begins with
        ``ReadImages`` or ``FlattenImages``, or rows of pixels, into which images are then
        flattened.
    resamplers : list of candidates, or of (name, candidate), dict, or "default"
        Candidates are samplers of this library or of imbalanced-learn; Pipelines of
        samplers; whole classifiers, which are used instead of `estimator` and see the images
        as they are; the names of the baselines; the recipes "mild", "transfer", "mix", and "many",
        the last one with prior correction behind it and a ninth of the `C` that the estimator may
        have, so that nine pictures weigh as one; "pair", the mean of "many" and of prior
        correction; and "policies", a :class:`~imblearn_images.ensemble.PolicyEnsembleClassifier` of
        `estimator`, whose screening is measured with it. "default" stands for these six. Samplers
        are placed before `estimator`; where `X` holds paths, after the ``ReadImages`` that it
        begins with, unless they have an `output_dir`. Those of imbalanced-learn are wrapped in
        ``ImageSampler``.
    X : images
        Array of shape (n, H, W), (n, H, W, C) or (n, d), or paths, in any container.
    y : array-like of shape (n,), or several labels per image
        Labels. Several per image: a table of shape (n, n_labels) of 0 and 1, or a list with the
        labels of each image.
        One-hot rows are refused; pass ``y.argmax(axis=1)``.
    cv : int, splitter, iterable of (train, test), default=None
        Folds; an int is the number of folds to draw with `random_state`. By default 5 stratified
        folds, twice; fewer, as the notes then report, if a class has fewer images. With `groups`,
        groups stay whole.
    groups : array-like of shape (n,), default=None
        Images that must not be on both sides: photos of one patient, near-duplicates.
    scoring : str, callable, list, tuple or dict, default="balanced_accuracy"
        Metrics, as for :func:`sklearn.model_selection.cross_validate`. The first one decides. For
        several labels: "macro_ap", the mean average precision of the labels, "macro_f1", their
        mean F1, and "rare_ap", the mean average precision of the rarest third of the labels; all
        three are in the table.
    n_jobs : int, default=None
        Number of fits at a time, with the backend of :func:`joblib.parallel_config`.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds, and of every step without a seed; the same for all candidates.
    {progress}

    Returns
    -------
    ResamplerComparison
        Print it, or use its ``advice``, ``better``, ``to_frame()``, ``plot()``. Its ``reference``
        is the baseline that resampling has to beat. After a KeyboardInterrupt it holds the folds
        that are complete.

    Raises
    ------
    ValueError
        Naming the class that has too few images, or groups of images, for the folds; if
        `cv` divides a group; if `estimator` itself fails, or the first metric is NaN for it.
    TypeError
        If `estimator` is no classifier, or a candidate neither a sampler nor a classifier.
    KeyboardInterrupt
        If the comparison is stopped before the first fold is complete.

    Notes
    -----
    A candidate that fails on any fold has no result; ``failures`` holds the reason, and the
    others go on. Two candidates differ if the corrected resampled t-test [1]_ says so at the 5 %
    level, with p-values and intervals adjusted for the number of candidates by Holm's method [2]_.
    This is a cautious test. The advice names a candidate that makes images only if it is better
    than the `reference` in this sense, and otherwise the reference. The reference is prior
    correction if its mean is above that of "none", unless another baseline is better than it in
    this sense; otherwise it is the baseline with the best mean. (Choosing among baselines by their
    means alone loses where the differences are chance: ``tests/benchmarks/efficacy.py advice``.)
    The score of the best of many candidates is too optimistic: keep a test set that this
    comparison has not seen.

    Candidates that differ only in their prior correction, such as "none" and "prior_correction",
    or a Pipeline and the same one in a ``PriorCorrectedClassifier``, share the synthetic images and
    the fit of a fold, and report the same seconds. If the estimator is a Pipeline that begins with
    ``HOGFeatures`` and X is an array, features are computed once for all folds and candidates, and
    synthetic images once for all candidates that draw the same, "pair" and "policies" among them;
    up to 256 MB of these are kept. The seconds reported are then those of a fit on its own.

    With several labels, means are over the labels that have a test image, and the Brier score is
    the mean over labels. Folds are those of
    :class:`~imblearn_images.model_selection.MultilabelStratifiedKFold`, and "default" stands for
    ``LabelOverSampler()`` and ``MLSMOTE()``.

    Seconds are wall-clock time, which is longer if fits run in parallel. Memory is measured with
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
    subject = Subject(estimator, *_checked(X, y), seed=_seed(random_state))
    contest = _decided(subject, resamplers, cv=cv, groups=groups, scoring=scoring)
    return _summarised(contest, fit_all(contest, n_jobs, verbose))


def _checked(X: Any, y: Any) -> tuple[Any, NDArray[Any], Any]:
    """Return the images without their container, their labels, and the labels that there are."""
    images, _ = unwrap(X)
    check_lengths(images, y)
    several = several_labels(y)
    labels = labels_of(y) if several is None else several.counts.astype(np.intp)
    images, labels = indexable(_rows(images), labels)
    return images, labels, np.unique(labels) if several is None else several.labels


def _decided(subject: Subject, resamplers: Any, *, cv: Any, groups: Any, scoring: Any) -> Contest:
    """Return what is compared; all that can be refused is refused here, before the first fit."""
    images, y = subject.images, subject.y
    if groups is not None:
        groups = sortable(as_groups(groups, len(y), of="images in X"))
    named = name_candidates(resamplers, of_labels=subject.of_labels)
    candidates = [subject.candidate(name, each) for name, each in named.items()]
    divide = label_folds if subject.of_labels else make_folds
    folds, notes = divide(y, groups, cv, subject.seed)
    notes = [*notes, *subject.notes(named)]
    if holds_paths(images):
        notes += _notes_on_families(images, folds)
    scorer = _scorer(subject, scoring)
    return Contest(
        candidates, images, y, subject.classes, folds, scorer, notes, subject.conditions()
    )


def _scorer(subject: Subject, scoring: Any) -> Any:
    """Return the scorer; of several labels all of ours by default, or if one of them is named."""
    if subject.of_labels:
        # the default is a metric of classes
        if isinstance(scoring, str) and scoring == "balanced_accuracy":
            return LabelScorer(subject.y, METRICS)
        names = [scoring] if isinstance(scoring, str) else scoring
        if isinstance(names, (list, tuple)) and all(name in METRICS for name in names):
            return LabelScorer(subject.y, dict.fromkeys([*names, *METRICS]))
    return check_scoring(subject.estimator, scoring=_metrics(scoring))


def _notes_on_families(paths: Any, folds: Sequence[Fold]) -> list[str]:
    """Return a note on test images whose photo is also shown in training, as manifests record."""
    lineage = read_lineage(list(paths))
    if not lineage.manifests:
        return []
    families = lineage.families
    beside: set[int] = set()
    for train, test in folds:
        beside.update(test[np.isin(families[test], families[train])].tolist())
    if not beside:
        return []
    verbs = "is tested beside an image" if len(beside) == 1 else "are tested beside images"
    note = (
        f"{counted(len(beside), 'image')} {verbs} of the same photo in training, such as "
        f"{os.fspath(paths[min(beside)])}, as {lineage.manifests[0]} says: scores are too good. "
        "Keep each photo and what was drawn from it in one group, `groups`."
    )
    return [note]


def _rows(images: Any) -> Any:
    """Return images that NumPy indices can select from: data frames and lists become arrays."""
    return (
        np.asarray(images)
        if isinstance(images, (list, tuple)) or hasattr(images, "iloc")
        else images
    )


def _seed(random_state: Any) -> int:
    """Return an integer seed, drawn unless `random_state` is one."""
    if isinstance(random_state, (int, np.integer)):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _metrics(scoring: Any) -> Any:
    """Return `scoring` in a form for which scikit-learn makes a scorer that returns a dict."""
    if callable(scoring):
        made = re.match(r"make_scorer\((\w+)", repr(scoring))
        return {made[1] if made else getattr(scoring, "__name__", "score"): scoring}
    return [scoring] if isinstance(scoring, str) else scoring


def _summarised(contest: Contest, results: Results) -> ResamplerComparison:
    """Return the comparison over the folds that all candidates have been scored on."""
    candidates, folds, y, classes = contest.candidates, contest.folds, contest.y, contest.classes
    outcomes, failures, interrupted = results
    notes = contest.notes
    names = tuple(each.name for each in candidates if each.name not in failures)
    known = {(outcome.name, outcome.fold): outcome for outcome in outcomes}
    complete = [k for k in range(len(folds)) if all((name, k) in known for name in names)]
    if not complete:
        raise KeyboardInterrupt("before the first fold was complete")
    if interrupted:
        notes = [*notes, f"interrupted: {len(complete)} of {len(folds)} folds are complete"]
    table = {name: [known[name, k] for k in complete] for name in names}
    tested = np.concatenate([folds[k][1] for k in complete])
    has = {label: y == label if y.ndim == 1 else y[:, at] > 0 for at, label in enumerate(classes)}
    has = {plain(label): rows[tested] for label, rows in has.items()}
    n_test = {label: len(np.unique(tested[rows])) for label, rows in has.items()}
    calibration, reliability = {}, {}
    for name, found in table.items():
        calibration[name] = Calibration(np.nan, np.nan)
        if found[0].probabilities is not None:
            probabilities = np.concatenate([each.probabilities for each in found])
            if y.ndim == 2:
                brier = float(((probabilities - y[tested]) ** 2).mean())
                calibration[name] = Calibration(brier, np.nan)
                continue
            brier, ece, reliability[name] = calibrate(probabilities, y[tested], classes)
            calibration[name] = Calibration(brier, ece)
    return ResamplerComparison(
        names=names,
        metric=next(iter(table["none"][0].scores)),
        fold_scores={
            metric: {name: np.array([o.scores[metric] for o in table[name]]) for name in names}
            for metric in table["none"][0].scores
        },
        test_to_train=float(np.mean([len(folds[k][1]) / len(folds[k][0]) for k in complete])),
        recall={name: _recall(table[name], y[tested], has, n_test) for name in names},
        calibration=calibration,
        reliability=reliability,
        costs={name: _cost(table[name]) for name in names},
        estimators={each.name: each.estimator for each in candidates if each.name in names},
        failures=failures,
        notes=(*notes, *_notes_on_gaps(table), *_notes_on_warnings(outcomes)),
        gaps={name: found[0].gap for name, found in table.items() if found[0].gap is not None},
        interrupted=interrupted,
        conditions=contest.conditions | {"n_folds": len(complete)},
        baselines=LABEL_BASELINES if contest.of_labels else BASELINES,
    )


def _recall(
    found: Sequence[Outcome],
    truth: NDArray[Any],
    has: dict[Any, NDArray[np.bool_]],
    n_test: dict[Any, int],
) -> dict[Any, ClassRecall]:
    """Return the recall of each class, or label, over all test images of a candidate."""
    right = np.concatenate([np.asarray(each.predicted) for each in found]) == truth
    of_label = {
        label: right[rows] if right.ndim == 1 else right[rows, at]
        for at, (label, rows) in enumerate(has.items())
    }
    return {
        label: ClassRecall(float(of_label[label].mean()) if n else np.nan, n)
        for label, n in n_test.items()
    }


def _cost(found: Sequence[Outcome]) -> Cost:
    """Return mean seconds and peak memory of a candidate."""
    timed = [each for each in found if each.fold > 0] or found  # tracemalloc slows fold 0 down
    fit, resampling = (
        float(np.mean([getattr(each, field) for each in timed]))
        for field in ("fit_seconds", "resampling_seconds")
    )
    return Cost(fit, resampling, next((o.peak_bytes for o in found if o.fold == 0), np.nan))


def _notes_on_gaps(table: Mapping[str, Sequence[Outcome]]) -> list[str]:
    """Return notes on synthetic images that give rare classes away, as they can be told apart."""
    gaps = {name: found[0].gap for name, found in table.items()}
    return [f"{name}: {gap.warning}" for name, gap in gaps.items() if gap and gap.warning]


def _notes_on_warnings(outcomes: Sequence[Outcome]) -> list[str]:
    """Return notes on the five most frequent warnings of the fits."""
    heard = Counter(" ".join(text.split()) for each in outcomes for text in set(each.warnings))
    n_fits = sum(not each.error for each in outcomes)
    return [f"{n} of {n_fits} fits warned: {text}" for text, n in heard.most_common(5)]
