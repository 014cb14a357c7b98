"""What users write, with every parameter of every class: type checkers must find no error in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from imblearn_images import (
    ADASYN,
    MLSMOTE,
    SMOTE,
    SMOTEENN,
    SVMSMOTE,
    AllKNN,
    BalancedBaggingClassifier,
    BalancedRandomForestClassifier,
    BorderlineSMOTE,
    ClusterCentroids,
    CondensedNearestNeighbour,
    EasyEnsembleClassifier,
    EditedNearestNeighbours,
    GenerativeOverSampler,
    ImageSampler,
    InstanceHardnessThreshold,
    KMeansSMOTE,
    LabelOverSampler,
    LabelUnderSampler,
    NearMiss,
    NeighbourhoodCleaningRule,
    OneSidedSelection,
    RandomOverSampler,
    RandomUnderSampler,
    RedrawImages,
    RepeatedEditedNearestNeighbours,
    RUSBoostClassifier,
    SMOTETomek,
    TomekLinks,
    recipes,
)
from imblearn_images.combine import RandomBalancer, SamplerChain
from imblearn_images.datasets import load_image_folder
from imblearn_images.decision import (
    CascadeClassifier,
    MinorityDetector,
    PriorCorrectedClassifier,
    PriorCorrectedClassifierCV,
    TestTimeAugmentationClassifier,
    TunedThresholdsClassifier,
)
from imblearn_images.ensemble import PolicyEnsembleClassifier
from imblearn_images.images import FileImages, Images
from imblearn_images.preprocessing import FlattenImages, HOGFeatures, ReadImages, ReshapeImages
from imblearn_images.strategies import at_least, evenly, progressive
from imblearn_images.synthesis import (
    Augment,
    Chain,
    CutMix,
    Morph,
    NeighborsAgree,
    OneOf,
    Paste,
    TransferDeformation,
)
from imblearn_images.torch import TorchEmbedding


class Half:
    """A synthesis of one's own."""

    n_partners = 1

    def draw(
        self,
        base: NDArray[np.uint8],
        partners: NDArray[np.uint8],
        weights: NDArray[np.float64],
        rngs: object,
    ) -> NDArray[np.float64]:
        return base / 2 + partners[:, 0] / 2


def halved(block: NDArray[np.uint8]) -> NDArray[np.float64]:
    return block[:, ::2].reshape(len(block), -1) / 2


def everything(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> bool:
    return bool(len(images) == len(labels))


seed = np.random.RandomState(0)

SMOTE(synthesis=Morph(), embedding=PCA(5), output_dir="x", n_jobs=2)
SMOTE(
    sampling_strategy={"dog": 30},
    random_state=seed,
    k_neighbors=NearestNeighbors(n_neighbors=4),
    embedding="thumbnail",
    interpolate="embedding",
    synthesis=lambda base, partner, step, rng: base + step * (partner - base),
    accept=NeighborsAgree(n_neighbors=3, max_tries=2),
    output_dir=Path("x"),
    n_jobs=-1,
)
BorderlineSMOTE(
    sampling_strategy="minority",
    random_state=0,
    k_neighbors=3,
    m_neighbors=NearestNeighbors(n_neighbors=11),
    kind="borderline-2",
    embedding=halved,
    interpolate="pixels",
    synthesis=Half(),
    accept=lambda images, labels: images.any(axis=(1, 2)),
    output_dir=None,
    n_jobs=None,
)
SVMSMOTE(
    sampling_strategy=at_least(100),
    random_state=None,
    k_neighbors=4,
    m_neighbors=8,
    svm_estimator=SVC(),
    out_step=0.3,
    embedding=make_pipeline(FlattenImages(), PCA(5)),
    interpolate="pixels",
    synthesis=Chain([Morph(), Augment()]),
    accept=everything,
    output_dir="x",
    n_jobs=2,
)
ADASYN(
    sampling_strategy=0.5,
    random_state=0,
    n_neighbors=4,
    embedding=None,
    interpolate="pixels",
    synthesis=OneOf([CutMix(), Paste()]),
    accept=None,
    output_dir="x",
    n_jobs=2,
)
KMeansSMOTE(
    sampling_strategy="auto",
    random_state=0,
    k_neighbors=2,
    n_jobs=2,
    kmeans_estimator=KMeans(3),
    cluster_balance_threshold="auto",
    density_exponent=2.0,
    embedding=HOGFeatures(),
    interpolate="pixels",
    synthesis=TransferDeformation(),
    accept=NeighborsAgree(),
    output_dir="x",
)
RandomOverSampler(
    sampling_strategy={"dog": 30},
    random_state=0,
    shrinkage={"dog": 0.5},
    embedding=TorchEmbedding(None),
    synthesis="copy",
    accept=None,
    output_dir="x",
    n_jobs=2,
)
RedrawImages(
    TransferDeformation(donors="all"),
    share=0.5,
    classes=["dog", "owl"],
    random_state=1,
    embedding="thumbnail",
    accept=NeighborsAgree(),
    output_dir="x",
    n_jobs=2,
)
RedrawImages(synthesis="blend", classes="resampled")
RedrawImages(Augment(), times=8, keep=True, sampling_strategy={"dog": 30}, lazy=True)
recipes.many(times=4, sampling_strategy="auto", lazy=True, random_state=0, n_jobs=2)
GenerativeOverSampler(
    GaussianMixture(2), sampling_strategy="all", random_state=0, output_dir="x", n_jobs=2
)
GenerativeOverSampler(generator=lambda label, n, rng: rng.random((n, 8, 8)))
LabelUnderSampler({"cat": 3}, keep=0.9, random_state=0)
LabelOverSampler(
    {"cat": 40},
    max_repeats=4,
    random_state=0,
    embedding=PCA(5),
    synthesis=Augment(),
    accept=NeighborsAgree(),
    output_dir="x",
    n_jobs=2,
)
MLSMOTE(
    {"cat": 40},
    k_neighbors=3,
    labelset_strategy="union",
    random_state=0,
    embedding=PCA(5),
    synthesis=Augment(),
    accept=NeighborsAgree(),
    output_dir="x",
    n_jobs=2,
)
ImageSampler(
    SMOTE(),
    embedding=PCA(5),
    synthesis=Augment(rotation_range=10),
    accept=NeighborsAgree(),
    random_state=0,
    output_dir="x",
    n_jobs=2,
)
RandomUnderSampler(sampling_strategy="majority", random_state=0, replacement=True)
NearMiss(
    sampling_strategy={"cat": 30},
    version=3,
    n_neighbors=4,
    n_neighbors_ver3=NearestNeighbors(n_neighbors=4),
    n_jobs=2,
    embedding=PCA(5),
)
InstanceHardnessThreshold(
    estimator=LogisticRegression(),
    sampling_strategy="auto",
    random_state=0,
    cv=3,
    n_jobs=2,
    embedding=PCA(5),
)
ClusterCentroids(
    sampling_strategy="auto",
    random_state=0,
    estimator=KMeans(),
    voting="hard",
    embedding=PCA(5),
    output_dir="x",
    n_jobs=2,
)
TomekLinks(sampling_strategy=["cat", "dog"], n_jobs=2, embedding=PCA(5))
EditedNearestNeighbours(
    sampling_strategy="all", n_neighbors=3, kind_sel="mode", n_jobs=2, embedding=PCA(5)
)
RepeatedEditedNearestNeighbours(
    sampling_strategy="all",
    n_neighbors=3,
    max_iter=5,
    kind_sel="all",
    n_jobs=2,
    embedding="thumbnail",
)
AllKNN(
    sampling_strategy="all",
    n_neighbors=3,
    kind_sel="all",
    allow_minority=True,
    n_jobs=2,
    embedding=PCA(5),
)
CondensedNearestNeighbour(
    sampling_strategy="auto",
    random_state=0,
    n_neighbors=KNeighborsClassifier(1),
    n_seeds_S=2,
    n_jobs=2,
    embedding=PCA(5),
)
OneSidedSelection(
    sampling_strategy="auto",
    random_state=0,
    n_neighbors=1,
    n_seeds_S=2,
    n_jobs=2,
    embedding=PCA(5),
)
NeighbourhoodCleaningRule(
    sampling_strategy="auto",
    edited_nearest_neighbours=EditedNearestNeighbours(),
    n_neighbors=3,
    threshold_cleaning=0.5,
    n_jobs=2,
    embedding=PCA(5),
)
SMOTEENN(
    sampling_strategy="auto",
    random_state=0,
    smote=SMOTE(k_neighbors=3),
    enn=EditedNearestNeighbours(),
    n_jobs=2,
    embedding=PCA(5),
    interpolate="embedding",
    synthesis=None,
    accept=NeighborsAgree(),
    output_dir="x",
)
SMOTETomek(
    sampling_strategy="auto",
    random_state=0,
    smote=SMOTE(k_neighbors=3),
    tomek=TomekLinks(),
    n_jobs=2,
    embedding=PCA(5),
    interpolate="pixels",
    synthesis=Morph(),
    accept=NeighborsAgree(),
    output_dir="x",
)
RandomBalancer(sampling_strategy={"dog": 30}, random_state=seed, epoch=3)
RandomBalancer(sampling_strategy=progressive(10, last=evenly(40)))
RandomBalancer(sampling_strategy="auto")  # type: ignore[arg-type]
SamplerChain([SMOTE(), RedrawImages(Augment())], random_state=0, output_dir="x", n_jobs=2)
SamplerChain((recipes.mild(sampling_strategy={"dog": 30}, random_state=seed),), random_state=seed)
recipes.transfer(sampling_strategy=at_least(20), output_dir=Path("x"), n_jobs=-1)
recipes.mix(sampling_strategy="all", random_state=0).set_params(output_dir="x")
EasyEnsembleClassifier(
    5,
    LogisticRegression(),
    warm_start=True,
    sampling_strategy="auto",
    replacement=True,
    n_jobs=2,
    random_state=0,
    verbose=1,
)
EasyEnsembleClassifier(n_estimators=5, estimator=None)
BalancedBaggingClassifier(
    DecisionTreeClassifier(),
    5,
    max_samples=0.5,
    max_features=1.0,
    bootstrap=True,
    bootstrap_features=False,
    oob_score=True,
    warm_start=False,
    sampling_strategy="auto",
    replacement=True,
    n_jobs=2,
    random_state=0,
    verbose=0,
    sampler=RandomUnderSampler(),
)
BalancedBaggingClassifier(estimator=None, n_estimators=5)
RUSBoostClassifier(
    estimator=DecisionTreeClassifier(),
    n_estimators=5,
    learning_rate=0.5,
    algorithm="deprecated",
    sampling_strategy="auto",
    replacement=True,
    random_state=0,
)
BalancedRandomForestClassifier(
    n_estimators=10,
    criterion="entropy",
    max_depth=3,
    min_samples_split=2,
    min_samples_leaf=1,
    min_weight_fraction_leaf=0.0,
    max_features="sqrt",
    max_leaf_nodes=None,
    min_impurity_decrease=0.0,
    bootstrap=True,
    oob_score=True,
    sampling_strategy="all",
    replacement=True,
    n_jobs=2,
    random_state=0,
    verbose=0,
    warm_start=False,
    class_weight="balanced",
    ccp_alpha=0.0,
    max_samples=0.5,
    monotonic_cst=None,
)
PolicyEnsembleClassifier(
    LogisticRegression(),
    [("prior", None, 1.0), ("smote", SMOTE(), 0.3)],
    screen=None,
    cv=2,
    scoring="accuracy",
    combine="mean",
    n_jobs=2,
    random_state=0,
)
PolicyEnsembleClassifier(LogisticRegression(), "default")
PriorCorrectedClassifierCV(
    LogisticRegression(),
    taus=(0.0, 1.0),
    prior="uniform",
    model_prior="count",
    thresholds=9,
    scoring="accuracy",
    cv=2,
    n_jobs=2,
)
PriorCorrectedClassifier(LogisticRegression(), prior="uniform", tau=0.3, model_prior="count")
TunedThresholdsClassifier(
    LogisticRegression(), scoring="balanced_accuracy", cv=3, thresholds=50, n_jobs=2
)
CascadeClassifier(LogisticRegression(), hierarchy=[["cat"], ["dog", "owl"]], resampler=SMOTE())
MinorityDetector(LogisticRegression(), rare="dog", cv=3)
TestTimeAugmentationClassifier(LogisticRegression(), [Augment()], random_state=0)
ReadImages((32, 32), "RGB", draft=False, n_jobs=2, verbose=1)
HOGFeatures(pixels_per_cell=(4, 4), size=(32, 32), n_jobs=2)
FlattenImages(dtype="float32")
ReshapeImages(image_shape=(8, 8))


def resampled() -> tuple[NDArray[np.uint8], int, NDArray[np.uint8], NDArray[np.intp], str]:
    images = np.zeros((9, 8, 8), dtype=np.uint8)
    X_res, y_res = SMOTE(k_neighbors=2).fit_resample(images, ["cat"] * 6 + ["dog"] * 3)
    links = TomekLinks()
    _, y_some = links.fit_resample(images, images[:, 0, 0], embeddings=np.zeros((9, 2)))
    paths, _ = RandomUnderSampler().fit_resample([Path("a.png"), Path("b.png")], (0, 1))
    return X_res, y_res.count("dog"), y_some, links.plan_.base, paths[0].suffix


class Drawn(Images):
    """A home of pixels of one's own."""

    dtype = np.dtype("uint8")

    def __len__(self) -> int:
        return 9

    def shape_of(self, row: int) -> tuple[int, ...]:
        return (8, 8)

    def read(self, rows: NDArray[np.intp], out: NDArray[np.generic]) -> None:
        out[...] = rows[:, None, None]


def homes_of_pixels(y: list[str]) -> None:
    selected, labels = RandomUnderSampler().fit_resample(Drawn(), y)
    SMOTE(k_neighbors=1).fit_resample(selected, labels)
    SMOTE(output_dir="out").fit_resample(FileImages(["a.npy", "b.npy"], reader=np.load), y)
    SMOTE().fit_resample(*load_image_folder("scans", reader=np.load, suffixes=[".npy"]))
