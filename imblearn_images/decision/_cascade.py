"""Cascade: classifiers in a tree, such as first good against the rest, then defect by defect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

import imblearn_images.decision._base as base
from imblearn_images.core.columns import plain_list
from imblearn_images.decision._class_counts import count


class CascadeClassifier(base.WrapperMixin, BaseEstimator):
    """Classify by a tree whose nodes separate groups of classes and whose leaves are classes.

    A class that is rare among all images is less rare among its like: a scratch among
    defects. The probability of a class is the product of those along its path.

    Read more in the :ref:`User Guide <a-tree-of-questions>`.

    Parameters
    ----------
    estimator : classifier
        A classifier with `predict_proba`. A clone is fitted for every node, on the images of its
        classes only, with the number of the branch as label: 0, 1, ...
    hierarchy : None, "frequency", or nested tuples, lists and dicts of labels, default=None
        The tree. ``("good", ("scratch", "dent"))`` separates good from not good first. In a dict
        the keys name the nodes, ``{"good": "good", "defect": ["scratch", "dent"]}``. None:
        the most frequent class against the rest, then the rest among each other.
        "frequency": classes, sorted by frequency, are split in two again and again, so that both
        sides have as nearly as possible the same number of images.
        :class:`~imblearn_images.strategies.by_hierarchy`: the tree that labels such as
        "defect/scratch" spell out; its nodes are called "defect" and so on.
    resampler : sampler or dict of samplers, default=None
        Resamples the images of every node, with the number of the branch as label. A dict, name
        of a node -> sampler, resamples these nodes only: "root", and the keys of a dict in
        `hierarchy`; nodes without a name are numbered, "root/1", "defect/0".

    Attributes
    ----------
    nodes_ : dict
        Name of a node -> fitted classifier, root first.
    branches_ : dict
        Name of a node -> for each of its branches, the list of labels below it. Labels that are
        not in y are left out.
    classes_ : ndarray of shape (n_classes,)
        Labels.
    n_features_in_, feature_names_in_
        Those of the classifier of the root, if it has them.

    See Also
    --------
    MinorityDetector : One class against what it is not.

    Notes
    -----
    Resampling shifts the probabilities of a node, and so the products. To correct them,
    put the sampler into `estimator`: ``PriorCorrectedClassifier(make_pipeline(
    SMOTE(), ...))`` corrects every node to the shares of its branches.

    hiclass (5.0.8) is not used: its labels and predictions are rows, one label for each level of
    the tree; it does not resample nodes and does not take paths; and the probabilities of an
    image depend on the other images of the call, because on each level it uses only the nodes
    that are predicted for one of them.

    References
    ----------
    .. [1] C. N. Silla, A. A. Freitas, "A survey of hierarchical classification across different
       application domains", Data Mining and Knowledge Discovery 22, 31-72, 2011: local
       classifiers per parent node.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from imblearn_images import RandomOverSampler
    >>> from imblearn_images.datasets import load_texture_patches
    >>> images, labels = load_texture_patches(return_X_y=True, size=16)
    >>> tree = {"wall": "brick", "ground": ["grass", "gravel"]}
    >>> resampler = {"ground": RandomOverSampler(random_state=0)}
    >>> cascade = CascadeClassifier(GaussianNB(), hierarchy=tree, resampler=resampler)
    >>> cascade.fit(images, labels).branches_
    {'root': [['brick'], ['grass', 'gravel']], 'ground': [['grass'], ['gravel']]}
    >>> cascade.predict_proba(images[:2]).shape
    (2, 3)
    """

    def __init__(self, estimator: Any, *, hierarchy: Any = None, resampler: Any = None) -> None:
        self.estimator = estimator
        self.hierarchy = hierarchy
        self.resampler = resampler

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> Any:
        """Fit a classifier for every node.

        Parameters
        ----------
        X : images
            Array of shape (n, H, W), (n, H, W, C) or (n, d), or file paths.
        y : array-like of shape (n,)
            Labels.
        sample_weight : array-like of shape (n,), default=None
            Passed to `estimator`; not together with `resampler`.
        **params : dict
            Passed to the `fit` of `estimator` at every node.

        Returns
        -------
        self : CascadeClassifier

        Raises
        ------
        ValueError
            If labels are missing in `hierarchy` or there twice; if `resampler` names a node
            that does not exist; if there is one class only, or both weights and a resampler.
        TypeError
            If `estimator` has no `predict_proba`.
        """
        base.check_has_probabilities(self)
        labels = base.as_labels(X, y)
        if self.resampler is not None and sample_weight is not None:
            raise ValueError(
                "`sample_weight` must be None with a `resampler`: resampled images have no "
                "weights. Use one of them."
            )
        images = X if self.resampler is not None else base.handed(self.estimator, X)
        sample_weight = None if sample_weight is None else np.asarray(sample_weight)
        self.classes_ = np.unique(labels)
        self.branches_ = self._branches(count(labels, sample_weight))
        fit_params = base.params_of_fit(self, sample_weight, params)
        self.nodes_ = {
            name: self._fit_node(name, images, labels, fit_params) for name in self.branches_
        }
        base.remember_form(self, self.nodes_["root"])
        return self

    def _branches(self, counts: dict[Any, float]) -> dict[str, list[list[Any]]]:
        """Return the branches of each node, checked, from the weight of each label."""
        by_size = sorted(counts, key=lambda label: -counts[label])
        if len(counts) < 2 or not counts[by_size[1]]:
            raise ValueError(
                "`y` must have two classes or more whose weights are not zero, got 1 class, "
                f"{by_size[0]!r}."
            )
        tree = self.hierarchy
        if hasattr(tree, "tree"):  # by_hierarchy: the labels spell it out
            tree = tree.tree([*counts])
        if tree is None:
            tree = (by_size[0], tuple(by_size[1:]))
        elif isinstance(tree, str) and tree == "frequency":
            tree = _halves(by_size, counts)
        elif not isinstance(tree, (tuple, list, Mapping)):
            raise ValueError(
                f"`hierarchy` must be None, 'frequency', by_hierarchy(), or labels in nested "
                f"tuples, lists and dicts, got {tree!r}."
            )
        branches: dict[str, list[list[Any]]] = {}
        leaves = _walk(tree, "root", [*counts], branches)
        wrong = {label for label in counts if leaves.count(label) != 1}
        if wrong:
            raise ValueError(
                "`hierarchy` must have every label of y exactly once. Check "
                f"{sorted(wrong, key=str)}."
            )
        if isinstance(self.resampler, Mapping) and (other := set(self.resampler) - set(branches)):
            raise ValueError(
                f"`resampler` must name nodes of the hierarchy, {list(branches)}, got "
                f"{sorted(other, key=str)}."
            )
        return branches

    def _fit_node(self, name: str, X: Any, labels: NDArray[Any], params: dict[str, Any]) -> Any:
        """Return the classifier of a node, fitted on the images of its classes."""
        branch_of = {
            label: at for at, branch in enumerate(self.branches_[name]) for label in branch
        }
        rows = np.flatnonzero(np.isin(labels, [*branch_of]))
        images, y = (
            base.rows_of(X, rows),
            np.array([branch_of[k] for k in plain_list(labels[rows])]),
        )
        each = isinstance(self.resampler, Mapping)
        sampler = self.resampler.get(name) if each else self.resampler
        if sampler is not None:
            images, y = clone(sampler).fit_resample(images, y)
        given = {key: base.follow(value, len(labels), rows) for key, value in params.items()}
        return clone(self.estimator).fit(base.handed(self.estimator, images), y, **given)

    def predict(self, X: Any) -> Any:
        """Return the most probable labels, shape (n,); `X` as for :meth:`fit`."""
        check_is_fitted(self)
        return self.classes_[np.argmax(self.predict_proba(X), axis=1)]

    def predict_proba(self, X: Any) -> Any:
        """Return the product of the probabilities along the path to each class.

        Parameters
        ----------
        X : images
            As for :meth:`fit`.

        Returns
        -------
        probabilities : ndarray of shape (n, n_classes)
            Columns in the order of ``classes_``; rows sum to 1.
        """
        check_is_fitted(self)
        images, products = base.handed(self.nodes_["root"], X), np.ones(1)
        for name, classifier in self.nodes_.items():
            answers = np.asarray(classifier.predict_proba(images), dtype=float)
            factors = np.ones((len(answers), len(self.classes_)))
            for answer, branch in zip(answers.T, classifier.classes_, strict=True):
                behind = np.isin(self.classes_, self.branches_[name][branch])
                factors[:, behind] = answer[:, None]
            products = products * factors
        return products


def _halves(labels: list[Any], counts: dict[Any, float]) -> Any:
    """Return labels, largest class first, as a tree with branches of similar weight."""
    if len(labels) == 1:
        return labels[0]
    sums = np.cumsum([counts[label] for label in labels])
    cut = 1 + int(np.argmin(np.abs(2 * sums[:-1] - sums[-1])))
    return _halves(labels[:cut], counts), _halves(labels[cut:], counts)


def _walk(tree: Any, name: str, known: list[Any], branches: dict[str, list[list[Any]]]) -> Any:
    """Return the known labels below a node; add it to `branches` if it has two or more."""
    if isinstance(tree, Mapping):
        parts = [(str(key), part) for key, part in tree.items()]
    elif isinstance(tree, (tuple, list)):
        parts = [(f"{name}/{at}", part) for at, part in enumerate(tree)]
    else:
        return [tree] if tree in known else []
    if name in branches:
        raise ValueError(
            f"`hierarchy` must have different names of nodes, got {name!r} twice. Rename one."
        )
    branches[name] = []  # before the nodes below it, so that the root comes first
    below = [_walk(part, of, known, branches) for of, part in parts]
    branches[name] = [labels for labels in below if labels]
    if len(branches[name]) < 2:
        del branches[name]
    return [label for labels in below for label in labels]
