"""What prior correction repairs: `python tests/benchmarks/decisions.py`, several minutes.

Softmax regression on HOG features of the two shared image sets (where they are), trained as
they are, on copies (RandomOverSampler) and on blends (SMOTE); then the same with
`PriorCorrectedClassifier`, its tau 1 or chosen. All choices, C of the regression too, are
made by log loss inside the training part. Brier: sum over classes of squared errors of the
probabilities, mean over images, 0 to 2; beside none: difference to the untouched model on the
same images, with a 95 % interval. Test images are as imbalanced as those trained on; balanced
accuracy is the mean recall of the classes on them. A repaired model "holds" if its
Brier score is at most 0.005 above that of the untouched one.

"coarse" has a quarter of the features: too few for the model to fit rare and frequent
classes at once. What resampling then trades away, a correction of shares cannot give back.
"""

from __future__ import annotations

import os

THREADS = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL")}
os.environ.update(THREADS)  # before NumPy is imported

import time
from functools import partial
from pathlib import Path

import numpy as np
from imblearn.pipeline import make_pipeline
from joblib import Parallel, delayed
from skimage.feature import hog
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, StratifiedShuffleSplit
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from imblearn_images import SMOTE, RandomOverSampler
from imblearn_images.datasets import load_image_folder
from imblearn_images.decision import PriorCorrectedClassifier
from imblearn_images.preprocessing import ReadImages

SHARED = Path(__file__).parents[3] / "shared" / "data"
ALLOWED = 0.005  # of Brier score, for the corrected model above the untouched one
TAUS = [0.8, 0.9, 1]
KNOWN: dict[tuple[int, bytes], np.ndarray] = {}  # copies and folds share their features


def _hog_of(images, cells):
    size = images.shape[1] // cells
    axis = -1 if images.ndim == 4 else None
    return [hog(image, 9, (size, size), (2, 2), channel_axis=axis) for image in images]


def hog_features(images, cells):
    """HOG of every image in `cells` x `cells` cells, on two cores."""
    keys = [(cells, image.tobytes()) for image in images]
    new = list({key: row for row, key in enumerate(keys) if key not in KNOWN}.values())
    parts = [images[rows] for rows in np.array_split(new, 16) if len(rows)]
    done = Parallel(n_jobs=2)(delayed(_hog_of)(part, cells) for part in parts)
    for row, features in zip(new, (features for part in done for features in part), strict=True):
        KNOWN[keys[row]] = features.astype(np.float32)
    return np.stack([KNOWN[key] for key in keys])


def fashion():
    """Long-tailed Fashion-MNIST: three folds, one split inside."""
    with np.load(SHARED / "fashion_mnist_longtail.npz") as data:
        X, y = data["X_train"], data["y_train"]
    inner = StratifiedShuffleSplit(1, test_size=1 / 3, random_state=0)
    return X, y, StratifiedKFold(3, shuffle=True, random_state=0), inner


def grocery():
    """Grocery photos of the folder train at 64 x 64 pixels: five folds, three inside."""
    paths, y = load_image_folder(SHARED / "grocery_store" / "train")
    X = ReadImages(size=(64, 64), mode="RGB").fit_transform(paths)
    return X, np.asarray(y), *(StratifiedKFold(k, shuffle=True, random_state=0) for k in (5, 3))


COPIES, BLENDS = RandomOverSampler(random_state=0), SMOTE(random_state=0)
METHODS = {
    "none": ([], "train", [0]),
    "none, to uniform": ([], "uniform", [1]),
    "RandomOverSampler": ([COPIES], "train", [0]),
    "RandomOverSampler, to train": ([COPIES], "train", [1]),
    "RandomOverSampler, tuned tau": ([COPIES], "train", TAUS),
    "SMOTE": ([BLENDS], "train", [0]),
    "SMOTE, to train": ([BLENDS], "train", [1]),
    "SMOTE, tuned tau": ([BLENDS], "train", TAUS),
}
"""Samplers, the prior that is corrected to, and how far: tau = 0 leaves all as it is."""


def model_of(samplers, prior, taus, cells, cv):
    """Model whose C, and tau where there is a choice, are found by grid search."""
    features = FunctionTransformer(partial(hog_features, cells=cells))
    classifier = LogisticRegression(max_iter=300, tol=1e-3)
    pipe = make_pipeline(*samplers, features, StandardScaler(), classifier)
    model = PriorCorrectedClassifier(pipe, prior=prior)
    grid = {"estimator__logisticregression__C": [0.0003, 0.001, 0.003, 0.01], "tau": taus}
    return GridSearchCV(model, grid, scoring="neg_log_loss", cv=cv)


def errors(model, X, y, folds):
    """Squared errors of the probabilities of every test image, and balanced accuracy."""
    squares, true, told = [], [], []
    for train, test in folds:
        model.fit(X[train], y[train])
        probabilities = model.predict_proba(X[test])
        squares.append(((probabilities - (y[test, None] == model.classes_)) ** 2).sum(axis=1))
        true.append(y[test])
        told.append(model.predict(X[test]))
    recall = balanced_accuracy_score(np.concatenate(true), np.concatenate(told))
    return np.concatenate(squares), recall


def table(load, cells):
    """Print the scores of one image set, and whether the bound holds."""
    X, y, outer, inner = load()
    folds = list(outer.split(X, y))
    title = f"{load.__name__}, {cells} x {cells} cells" + (", coarse" if cells < 7 else "")
    print(f"\n{title:32}{'Brier':>8}{'beside none':>20}{'bal. acc.':>11}{'seconds':>9}")
    none = None
    for method, (samplers, prior, taus) in METHODS.items():
        start = time.perf_counter()
        squares, recall = errors(model_of(samplers, prior, taus, cells, inner), X, y, folds)
        none = squares if none is None else none
        difference = squares - none
        margin = 1.96 * difference.std() / len(difference) ** 0.5
        row = f"{method:32}{squares.mean():8.4f}{difference.mean():+11.4f} +-{margin:6.4f}"
        row += f"{recall:11.4f}{time.perf_counter() - start:9.1f}"
        if samplers and taus != [0]:
            row += "  holds" if difference.mean() <= ALLOWED else "  does not hold"
        print(row, flush=True)


if __name__ == "__main__":
    for load, cells in ((fashion, 7), (grocery, 7), (fashion, 4)):
        if SHARED.is_dir():
            table(load, cells)
        else:
            print(f"{load.__name__}: its images are not here, left out")
