"""Resampled sets in other people's training loops: the lines of the guide, tried.

Tried once with Lightning 2.6.6, Accelerate 1.15.0, fastai 2.8.12 and skorch 1.4.0; each is skipped
where it is missing. No adapter is needed for any of them.
"""

import os
import socket
from importlib import import_module

import numpy as np
import pytest
from conftest import make_images, make_labels

torch = pytest.importorskip("torch", reason="loops of PyTorch need torch")

from torch.utils.data import DataLoader, Subset  # noqa: E402

from imblearn_images import RandomOverSampler  # noqa: E402
from imblearn_images.epochs import EpochPlans  # noqa: E402
from imblearn_images.synthesis import Augment  # noqa: E402
from imblearn_images.torch import BalancedSampler, PlanDataset, PlanSampler  # noqa: E402

# what these libraries say about others and each other is not ours
pytestmark = pytest.mark.filterwarnings("ignore")

Y = make_labels({"cat": 30, "dog": 13})
N = len(Y)
X = make_images(N, (6, 6), "uint8")
X[:, 0, 0] = np.arange(N)  # no two images alike
SAMPLER = RandomOverSampler(synthesis=Augment(), random_state=0)
EPOCHS = 3


def unit(image):
    return torch.from_numpy(np.asarray(image, dtype=np.float32)[None] / 255)


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 2))


def rows_of(images):
    """What tells images apart, in any order."""
    return sorted(np.rint(np.asarray(image) * 255).astype(np.uint8).tobytes() for image in images)


def planned(plans, epoch):
    return rows_of(plans(epoch).draw(range(len(plans(epoch)))) / 255)


@pytest.fixture
def plans():
    return EpochPlans(SAMPLER, X, Y)


def loader_of(plans, **params):
    return DataLoader(PlanDataset(plans, unit), 8, sampler=PlanSampler(plans), **params)


def imported(name):
    """A module, or a skip: what it imports itself may have been built for another torch."""
    try:
        return import_module(name)
    except Exception as error:  # noqa: BLE001 - whatever keeps it from being imported
        pytest.skip(f"{name} cannot be imported: {error}")


def lightning_module():
    lightning = imported("lightning")

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.network, self.seen = network(), {}

        def training_step(self, batch, at):
            self.seen.setdefault(self.current_epoch, []).append(batch[0][:, 0].cpu().numpy())
            return torch.nn.functional.cross_entropy(self.network(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.01)

        def on_train_end(self):
            if "SEEN" in os.environ:
                seen = {str(epoch): np.concatenate(parts) for epoch, parts in self.seen.items()}
                np.savez(f"{os.environ['SEEN']}-{self.global_rank}.npz", **seen)

    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar"), False)
    return lightning, Module(), {**quiet, "enable_model_summary": False, "accelerator": "cpu"}


def test_lightning_needs_nothing_to_be_set(plans):
    lightning, module, params = lightning_module()
    lightning.Trainer(max_epochs=EPOCHS, **params).fit(module, loader_of(plans))
    for epoch in range(EPOCHS):
        assert rows_of(np.concatenate(module.seen[epoch])) == planned(plans, epoch)


def _train_by_lightning(rank, port, folder):
    os.environ.update(MASTER_ADDR="localhost", MASTER_PORT=str(port), WORLD_SIZE="2")
    os.environ.update(NODE_RANK="0", LOCAL_RANK=str(rank), RANK=str(rank), SEEN=f"{folder}/rank")
    lightning, module, params = lightning_module()
    trainer = lightning.Trainer(max_epochs=EPOCHS, strategy="ddp", devices=2, **params)
    trainer.fit(module, loader_of(EpochPlans(SAMPLER, X, Y)))


def _train_by_accelerate(rank, port, folder):
    os.environ.update(MASTER_ADDR="localhost", MASTER_PORT=str(port), WORLD_SIZE="2")
    os.environ.update(LOCAL_RANK=str(rank), RANK=str(rank))
    import accelerate

    accelerator = accelerate.Accelerator(cpu=True)
    loader = accelerator.prepare(loader_of(EpochPlans(SAMPLER, X, Y)))
    seen = {str(e): torch.cat([x[:, 0] for x, _ in loader]).numpy() for e in range(EPOCHS)}
    resumed = accelerator.prepare(loader_of(EpochPlans(SAMPLER, X, Y)))
    resumed.set_epoch(1)  # before batches are skipped
    rest = torch.cat([x[:, 0] for x, _ in accelerator.skip_first_batches(resumed, 2)]).numpy()
    assert np.array_equal(rest, seen["1"][2 * 8 :])
    np.savez(f"{folder}/rank-{rank}.npz", **seen)
    accelerator.end_training()


@pytest.mark.parametrize("train", [_train_by_lightning, _train_by_accelerate])
def test_two_processes_share_each_epoch(train, plans, tmp_path):
    name = train.__name__.rpartition("_")[2]
    imported(name)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    torch.multiprocessing.spawn(train, (port, str(tmp_path)), nprocs=2)
    ranks = [np.load(tmp_path / f"rank-{rank}.npz") for rank in (0, 1)]
    for epoch in range(EPOCHS):
        images = [list(rank[str(epoch)]) for rank in ranks]
        assert len(images[0]) == len(images[1]) and len(planned(plans, epoch)) == 60
        seen = rows_of(images[0] + images[1])
        assert set(seen) == set(planned(plans, epoch))
        # batches are dealt whole: the last ones are filled with rows from the beginning
        assert len(seen) - len(set(seen)) <= 8


def test_accelerate_goes_on_within_an_epoch(plans):
    accelerate = imported("accelerate")
    accelerator = accelerate.Accelerator(cpu=True)
    loader = accelerator.prepare(loader_of(plans))
    whole = [[x[:, 0].numpy() for x, _ in loader] for _ in range(2)][1]
    resumed = accelerator.prepare(loader_of(EpochPlans(SAMPLER, X, Y)))
    resumed.set_epoch(1)  # before batches are skipped
    rest = [x[:, 0].numpy() for x, _ in accelerator.skip_first_batches(resumed, 3)]
    assert len(rest) == len(whole) - 3
    assert all(map(np.array_equal, rest, whole[3:]))


def test_a_learner_of_fastai_takes_the_loaders(plans):
    vision = imported("fastai.vision.all")
    seen = []

    class Watch(vision.Callback):
        def before_batch(self):
            if self.training:
                seen.append((self.epoch, self.xb[0][:, 0].numpy()))

    held_back = EpochPlans.of(X[:9], Y[:9], classes=plans.classes_)
    validation = DataLoader(PlanDataset(held_back, unit), 8)
    learner = vision.Learner(
        vision.DataLoaders(loader_of(plans), validation, device="cpu"),
        network(),
        loss_func=vision.CrossEntropyLossFlat(),
        metrics=vision.BalancedAccuracy(),
    )
    stop = vision.EarlyStoppingCallback("balanced_accuracy_score", patience=5)
    with learner.no_bar(), learner.no_logging():
        learner.fit(EPOCHS, 1e-3, cbs=[Watch(), stop])
    assert len(learner.recorder.values) == EPOCHS
    for epoch in range(EPOCHS):
        images = np.concatenate([x for e, x in seen if e == epoch])
        assert rows_of(images) == planned(plans, epoch)


def test_a_data_block_of_fastai_takes_balanced_rows():
    vision = imported("fastai.vision.all")
    block = vision.DataBlock(
        (vision.TransformBlock, vision.CategoryBlock),
        get_x=lambda row: torch.tensor(X[row]),
        get_y=lambda row: Y[row],
        splitter=vision.IndexSplitter(range(5)),
    )
    loaders = block.dataloaders(list(range(N)), bs=8, device="cpu", num_workers=0)
    labels = [int(label) for _, label in loaders.train_ds]
    balanced = BalancedSampler(labels, seed=0)
    loaders.train.get_idxs, loaders.train.n = lambda: list(balanced), len(balanced)
    counts = np.bincount(torch.cat([t for _, t in loaders.train]).numpy())
    assert abs(counts[0] - counts[1]) <= 8  # a training loader of fastai drops the last batch


def arrays_of(dataset):
    """What skorch hands over: its data set, or a Subset of it behind `train_split`."""
    if isinstance(dataset, Subset):
        images, labels = arrays_of(dataset.dataset)
        return images[dataset.indices], labels[dataset.indices]
    return dataset.X, np.asarray(dataset.y)


def resampled(dataset, resampler=None, **params):
    images, labels = arrays_of(dataset)
    plans = EpochPlans(resampler, images, labels)
    params.pop("shuffle", None)
    SEEN.append((np.asarray(images)[:, 0, 0].copy(), plans))
    return DataLoader(PlanDataset(plans, unit), sampler=PlanSampler(plans), **params)


SEEN = []


@pytest.mark.parametrize("train_split", [False, True])
def test_the_resampler_is_a_parameter_of_a_network_in_a_grid_search(train_split):
    skorch = imported("skorch")
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from skorch.dataset import ValidSplit

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network()

        def forward(self, x):
            return self.network(x.float())

    net = skorch.NeuralNetClassifier(
        Net,
        criterion=torch.nn.CrossEntropyLoss,
        max_epochs=2,
        iterator_train=resampled,
        train_split=ValidSplit(3, stratified=True) if train_split else None,
        verbose=0,
    )
    folds = StratifiedKFold(3)
    SEEN.clear()
    codes = np.unique(Y, return_inverse=True)[1]
    candidates = [None, RandomOverSampler(random_state=0), SAMPLER]
    search = GridSearchCV(
        net,
        {"iterator_train__resampler": candidates},
        scoring="balanced_accuracy",
        cv=folds,
        refit=False,
        error_score="raise",
    ).fit(X, codes)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len(SEEN) >= len(candidates) * 3
    trained = [set(X[rows, 0, 0]) for rows, _ in folds.split(X, codes)]
    for at, (rows, plans) in enumerate(SEEN):
        # no row of a validation fold is among the parents, however an epoch is drawn
        fold = trained[at % 3] if len(SEEN) == 9 else next(t for t in trained if set(rows) <= t)
        assert set(rows) <= fold and plans.n_source == len(rows)
        assert plans(1).plan.shows.shape[1] == len(rows)
