"""The two classifiers of `efficacy.py`: a small network, and a linear model of HOG features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from imblearn.pipeline import make_pipeline
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from imblearn_images.preprocessing import HOGFeatures

BATCH = 128
PENALTIES = [3, 10, 30, 100]  # C of the linear model, times the number of rows


def corrected(scores: np.ndarray, priors: np.ndarray, tau: float) -> np.ndarray:
    """Columns chosen by logits or log probabilities, less tau times the log of the priors.

    `priors` are the shares before resampling: what `PriorCorrectedClassifier` does with
    ``prior="uniform", model_prior="train"``; a test holds both against each other.
    """
    return (scores - tau * np.log(priors)).argmax(axis=1)


def balanced_weights(priors: np.ndarray) -> np.ndarray:
    """Weight of each class, as scikit-learn's "balanced"."""
    return 1 / (len(priors) * priors)


def import_torch():
    """PyTorch on one thread: several threads of several processes get in each other's way."""
    try:
        import torch
    except ImportError:
        raise ImportError("The network needs PyTorch: pip install torch; or --model hog.") from None
    torch.set_num_threads(1)
    return torch


class SmallCNN(ClassifierMixin, BaseEstimator):
    """Two strided convolutions and a hidden layer; AdamW with one cycle of learning rates.

    A method with more images takes no more steps: all train for equally long. Images of
    more than 32 pixels are halved by average pooling first.
    """

    def __init__(self, steps=2000, learning_rate=3e-3, class_weight=None, random_state=0):
        self.steps = steps
        self.learning_rate = learning_rate
        self.class_weight = class_weight  # None, or one weight for each class
        self.random_state = random_state

    def fit(self, X, y):
        """Train on uint8 images (n, H, W) or (n, H, W, C), labels 0 ... K - 1."""
        torch = import_torch()
        nn = torch.nn
        torch.manual_seed(self.random_state)
        images, labels = self._tensor(X), torch.from_numpy(np.asarray(y)).long()
        self.classes_ = np.arange(len(np.unique(y)))
        self.mean_, self.std_ = float(X.mean() / 255), float(X.std() / 255)
        self.network_ = _network(nn, images.shape[1:], len(self.classes_))
        optimizer = torch.optim.AdamW(
            self.network_.parameters(), self.learning_rate, weight_decay=1e-3
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self.learning_rate, total_steps=self.steps, pct_start=0.15
        )
        weight = self.class_weight
        if weight is not None:
            weight = torch.from_numpy(np.asarray(weight)).float()
        loss_of = nn.CrossEntropyLoss(weight=weight)
        self.network_.train()
        for rows in self._batches(torch, len(labels)):
            loss = loss_of(self.network_(self._scaled(images[rows])), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        self.network_.eval()
        return self

    def decision_function(self, X):
        """Logits, shape (n, K)."""
        torch = import_torch()
        images = self._tensor(X)
        with torch.inference_mode():
            parts = [self.network_(self._scaled(part)) for part in images.split(1000)]
        return torch.cat(parts).numpy()

    def predict(self, X):
        """Labels."""
        return self.classes_[self.decision_function(X).argmax(axis=1)]

    def _batches(self, torch, n):
        generator = torch.Generator().manual_seed(self.random_state + 7)
        order, start = torch.randperm(n, generator=generator), 0
        for _ in range(self.steps):
            if start + BATCH > n and start:
                order, start = torch.randperm(n, generator=generator), 0
            yield order[start : start + BATCH]
            start += BATCH

    def _tensor(self, X):
        images = X[:, None] if X.ndim == 3 else X.transpose(0, 3, 1, 2)
        return import_torch().from_numpy(np.ascontiguousarray(images))

    def _scaled(self, images):
        return (images.float() / 255 - self.mean_) / self.std_


def _network(nn: Any, shape: Sequence[int], n_classes: int) -> Any:
    channels, side, _ = shape
    pooling = [nn.AvgPool2d(2)] if side > 32 else []
    side = side // 2 if pooling else side
    for kernel, stride, padding in ((5, 3, 2), (3, 2, 1)):
        side = (side + 2 * padding - kernel) // stride + 1
    return nn.Sequential(
        *pooling,
        *(nn.Conv2d(channels, 24, 5, stride=3, padding=2), nn.ReLU()),
        *(nn.Conv2d(24, 48, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten()),
        *(nn.Linear(48 * side**2, 96), nn.ReLU(), nn.Dropout(0.25), nn.Linear(96, n_classes)),
    )


def linear_scores(
    samplers: Sequence[Any],
    weighted: bool,
    taus: Sequence[float],
    train: tuple[np.ndarray, np.ndarray],
    X_test: np.ndarray,
    seed: int,
    groups: np.ndarray | None = None,
) -> dict[float, np.ndarray]:
    """Log probabilities of the test images, for each tau with the C that suits it.

    C is chosen by balanced accuracy in three folds of the training part, resampled within
    the fold, predictions corrected as they will be. `groups` stay in one fold.
    """
    X, y = train
    found = {tau: np.zeros(len(PENALTIES)) for tau in taus}
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    folds = kind(3, shuffle=True, random_state=seed)
    for fold, held_out in folds.split(X, y, groups):
        priors = np.bincount(y[fold]) / len(fold)
        by_penalty = _fitted(samplers, weighted, X[fold], y[fold], X[held_out], PENALTIES)
        for at, scores in enumerate(by_penalty):
            for tau in taus:
                guessed = corrected(scores, priors, tau)
                found[tau][at] += balanced_accuracy_score(y[held_out], guessed)
    chosen = {tau: PENALTIES[int(found[tau].argmax())] for tau in taus}
    penalties = sorted(set(chosen.values()))
    scores = dict(zip(penalties, _fitted(samplers, weighted, X, y, X_test, penalties), strict=True))
    return {tau: scores[chosen[tau]] for tau in taus}


def _fitted(samplers, weighted, X, y, X_other, penalties):
    """Log probabilities of other images for each penalty, the training images resampled once."""
    if samplers:
        X, y = make_pipeline(*map(clone, samplers)).fit_resample(X, y)
    hog = HOGFeatures().fit(X)
    train, other = hog.transform(X), hog.transform(X_other)
    # Not each feature by its own: they have one unit, and those that hardly vary say little.
    center, scale = train.mean(axis=0), train.std()
    train, other = (train - center) / scale, (other - center) / scale
    weight = "balanced" if weighted else None
    model = LogisticRegression(class_weight=weight, max_iter=400, tol=1e-4, warm_start=True)
    for penalty in penalties:  # weak penalties start where strong ones ended
        yield model.set_params(C=penalty / len(y)).fit(train, y).predict_log_proba(other)
