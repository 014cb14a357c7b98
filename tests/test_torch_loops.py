"""Epoch plans in a loop of PyTorch: the same images in any worker, on any rank, after a crash."""

import hashlib
from collections import Counter

import numpy as np
import pytest
from conftest import make_images
from imblearn.pipeline import make_pipeline

torch = pytest.importorskip("torch", reason="loops of PyTorch need torch")

from torch.utils.data import DataLoader, WeightedRandomSampler  # noqa: E402

from imblearn_images import RandomOverSampler, RedrawImages  # noqa: E402
from imblearn_images.combine import RandomBalancer, SamplerChain  # noqa: E402
from imblearn_images.epochs import EpochPlans  # noqa: E402
from imblearn_images.strategies import deferred  # noqa: E402
from imblearn_images.synthesis import Augment  # noqa: E402
from imblearn_images.torch import BalancedSampler, PlanDataset, PlanSampler  # noqa: E402

Y = np.repeat(["cat", "dog", "owl"], [60, 25, 7])
X = make_images(len(Y), (8, 8), "uint8")
ALL_DRAWN = RedrawImages(Augment(), share=1.0, random_state=1)


def plans_of(*steps):
    return EpochPlans(make_pipeline(*steps), X, Y)


@pytest.fixture(scope="module")
def plans():
    return plans_of(RandomBalancer(random_state=0), ALL_DRAWN)


def seen(loader):
    """A digest and the target of every image, in order."""
    return [
        (hashlib.sha256(image.numpy().tobytes()).hexdigest()[:16], int(target))
        for images, targets in loader
        for image, target in zip(images, targets, strict=True)
    ]


def loader_of(plans, batch_size=10, workers=0, sampler=None, **params):
    many = {"multiprocessing_context": "fork", "num_workers": workers} if workers else {}
    sampler = PlanSampler(plans) if sampler is None else sampler
    return DataLoader(PlanDataset(plans), batch_size, sampler=sampler, **many, **params)


@pytest.fixture(scope="module")
def epochs(plans):
    """What one process sees in three epochs."""
    loader = loader_of(plans)
    return [seen(loader) for _ in range(3)]


def test_workers_and_batches_make_no_difference_and_epochs_do(plans, epochs):
    for params in ({"workers": 2}, {"workers": 1, "persistent_workers": True}, {"batch_size": 7}):
        loader = loader_of(plans, **params)
        assert [seen(loader) for _ in range(3)] == epochs
    found = [{digest for digest, _ in epoch} for epoch in epochs]
    assert not found[0] & found[1] and not found[1] & found[2]  # every image is drawn anew
    assert [len(each) for each in found] == [len(Y)] * 3


def test_an_epoch_is_what_fit_resample_gives(plans, epochs):
    X_res, y_res = make_pipeline(RandomBalancer(random_state=0), ALL_DRAWN).fit_resample(X, Y)
    codes = np.searchsorted(plans.classes_, y_res)
    stored = list(zip(torch.from_numpy(X_res)[:, None], codes, strict=True))
    assert Counter(epochs[0]) == Counter(seen(DataLoader(stored, 10)))
    in_order = loader_of(plans, sampler=PlanSampler(plans, shuffle=False))
    assert seen(in_order) == seen(DataLoader(stored, 10))


@pytest.mark.parametrize("ranks", [2, 3, 8])
@pytest.mark.parametrize("spread", [None, 6])
def test_ranks_together_see_the_epoch_and_no_image_twice(plans, epochs, ranks, spread):
    for epoch in (0, 2):
        parts = []
        for rank in range(ranks):
            sampler = PlanSampler(
                plans, spread=spread, num_replicas=ranks, rank=rank, drop_last=True
            )
            sampler.set_epoch(epoch)
            parts.append(seen(loader_of(plans, 6, sampler=sampler)))
        union = Counter(each for part in parts for each in part)
        assert max(union.values()) == 1  # none in common
        left = Counter(epochs[epoch]) - union
        assert sum(left.values()) == len(Y) % ranks and not union - Counter(epochs[epoch])


def test_two_ranks_of_the_weighted_random_sampler_see_the_same_images():
    codes = np.unique(Y, return_inverse=True)[1]
    weights = torch.from_numpy((1 / np.bincount(codes))[codes])
    parts = []
    for rank in range(2):
        generator = torch.Generator().manual_seed(rank)
        parts.append(list(WeightedRandomSampler(weights, len(Y) // 2, generator=generator)))
    assert set(parts[0]) & set(parts[1]) and len(set(parts[0] + parts[1])) < 60
    dealt = [list(BalancedSampler(Y, num_replicas=2, rank=rank)) for rank in range(2)]
    large = [row for part in dealt for row in part if row < 60]
    assert len(large) == len(set(large))  # of the largest class


@pytest.mark.parametrize("workers", [0, 2])
def test_a_killed_training_goes_on(plans, epochs, workers):
    def resumed(epoch, start):
        loader = loader_of(plans, workers=workers)
        loader.sampler.set_epoch(epoch, start=start)
        return loader

    loader = resumed(1, 70)
    assert seen(loader) == epochs[1][70:]
    assert seen(loader) == epochs[2]
    assert seen(resumed(1, 90)) == epochs[1][90:]  # killed again in the same epoch
    assert seen(resumed(1, 92)) == []  # at its very end
    parts = []
    for rank in range(2):  # on two ranks, each of which has seen three batches
        sampler = PlanSampler(plans, num_replicas=2, rank=rank)
        sampler.set_epoch(1)
        whole = seen(loader_of(plans, sampler=sampler))
        sampler.set_epoch(1, start=30)
        rest = seen(loader_of(plans, sampler=sampler))
        assert rest == whole[30:]
        parts += whole
    assert Counter(parts) == Counter(epochs[1])


@pytest.mark.filterwarnings("ignore")  # what torchdata says about torch is not ours
@pytest.mark.parametrize("workers", [0, 2])
def test_a_stateful_data_loader_goes_on_twice(plans, epochs, workers):
    stateful = pytest.importorskip("torchdata.stateful_dataloader", reason="torchdata is missing")
    many = {"multiprocessing_context": "fork", "num_workers": workers} if workers else {}
    state, found = None, []
    for _ in range(3):  # each goes three batches further, and is killed
        loader = stateful.StatefulDataLoader(
            PlanDataset(plans), 10, sampler=PlanSampler(plans), **many
        )
        if state is not None:
            loader.load_state_dict(state)
        rows = iter(loader)
        for _ in range(3):
            found += seen([next(rows)])
        state = loader.state_dict()
        del rows
    assert found == epochs[0][:90]
    loader.load_state_dict(state)
    assert seen(loader) == epochs[0][90:]
    assert seen(loader) == epochs[1]
    assert seen(loader) == epochs[2]


def test_a_schedule_reaches_a_step_that_takes_the_epoch():
    balancer = RandomBalancer(sampling_strategy=deferred(2), random_state=5)
    for steps in ((balancer,), (SamplerChain([balancer]),)):
        plans = plans_of(*steps)
        sampler = PlanSampler(plans)
        counts = [np.bincount([plans.targets_of([key])[0] for key in sampler]) for _ in range(4)]
        assert [each.tolist() for each in counts] == [[60, 25, 7]] * 2 + [[31, 31, 30]] * 2
        used = Counter(key for epoch in range(4) for key in plans(epoch).rows(np.arange(92)))
        for label in range(3):
            uses = [used[(row,)] for row in np.flatnonzero(plans.targets_ == label).tolist()]
            assert max(uses) - min(uses) <= 1


def test_batches_of_plans_hold_their_share():
    plans = plans_of(RandomOverSampler(synthesis=Augment(), random_state=0))
    loader = loader_of(plans, 15, sampler=PlanSampler(plans, spread=15))
    for _, targets in loader:
        assert np.abs(np.bincount(targets, minlength=3) - 5).max() < 2
