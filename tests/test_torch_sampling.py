"""Which rows a DataLoader gets: exact, complete, alike on every rank, and after a crash."""

import pickle
from collections import Counter

import numpy as np
import pytest
from conftest import make_images, write_images
from hypothesis import given
from hypothesis import strategies as st
from strategies import seeds

torch = pytest.importorskip("torch", reason="samplers of a DataLoader need torch")

from torch.utils.data import (  # noqa: E402
    ConcatDataset,
    DataLoader,
    Dataset,
    Subset,
    TensorDataset,
    WeightedRandomSampler,
)

from imblearn_images.combine import RandomBalancer  # noqa: E402
from imblearn_images.strategies import deferred, progressive, root  # noqa: E402
from imblearn_images.torch import BalancedSampler, PlanSampler  # noqa: E402

Y = np.repeat(["cat", "dog", "owl"], [60, 25, 7])
CODES = np.unique(Y, return_inverse=True)[1]
BY_CLASS = [np.flatnonzero(label == Y) for label in np.unique(Y)]


class Plans:
    """Another set in every epoch, all rows of which are different: the contract in 20 lines."""

    classes_ = np.array(["cat", "dog", "owl"])

    def __init__(self, lengths=(180,)):
        self.lengths = lengths

    def __call__(self, epoch):
        return EpochSet(epoch, self.lengths[min(epoch, len(self.lengths) - 1)])


class EpochSet:
    def __init__(self, epoch, n):
        self.epoch, self.n = epoch, n
        self.targets = np.random.default_rng([5, epoch]).permutation(np.arange(n) % 7 % 3)
        self.y = Plans.classes_[self.targets]

    def __len__(self):
        return self.n

    def rows(self, order):
        return [(self.epoch, int(row), int(self.targets[row])) for row in order]


class Drawn(Dataset):
    """``data[key]`` is a pure function of the key."""

    def __init__(self, plans):
        self.plans = plans

    def __len__(self):
        return len(self.plans(0))

    def __getitem__(self, key):
        return torch.tensor(key if isinstance(key, tuple) else (0, key, CODES[key]))


SAMPLERS = {
    "balanced": lambda **params: BalancedSampler(Y, **params),
    "plan": lambda **params: PlanSampler(Plans(), **params),
}
kinds = pytest.mark.parametrize("kind", SAMPLERS)


def data_of(kind):
    return Drawn(Plans()) if kind == "plan" else Drawn(lambda epoch: Y)


def batches(loader):
    return [[tuple(row) for row in batch.tolist()] for batch in loader]


def class_of(row):
    return row[2] if isinstance(row, tuple) else CODES[row]


# --- an epoch


@pytest.mark.parametrize("spread", [None, 16])
@pytest.mark.parametrize(
    "strategy", ["balanced", {"owl": 30}, root(0.5), progressive(4), deferred(2)], ids=str
)
def test_rows_are_those_that_the_balancer_deals_never_twice_before_all_once(strategy, spread):
    sampler = BalancedSampler(Y, sampling_strategy=strategy, spread=spread, seed=3)
    used = np.zeros(len(Y), dtype=int)
    for epoch in range(5):
        n, rows = len(sampler), list(sampler)
        assert len(rows) == n
        balancer = RandomBalancer(sampling_strategy=strategy, random_state=3, epoch=epoch)
        balancer.fit_resample(np.zeros((len(Y), 1)), Y)
        assert sorted(rows) == balancer.sample_indices_.tolist()
        assert rows != sorted(rows)
        for row in rows:  # at any moment, also in the middle of an epoch
            used[row] += 1
            same = used[BY_CLASS[CODES[row]]]
            assert same.max() - same.min() <= 1
    in_order = BalancedSampler(Y, sampling_strategy=strategy, shuffle=False, seed=3)
    assert list(in_order) == sorted(sampler_rows(strategy))


def sampler_rows(strategy):
    return list(BalancedSampler(Y, sampling_strategy=strategy, seed=3))


@kinds
def test_an_epoch_is_a_function_of_seed_and_number(kind):
    sampler = SAMPLERS[kind]()
    epochs = [list(sampler) for _ in range(3)]
    assert epochs[0] != epochs[1] != epochs[2] and sampler.epoch == 3
    for epoch in (2, 0, 1):
        sampler.set_epoch(epoch)
        assert list(sampler) == epochs[epoch]
        assert sampler.epoch == epoch + 1
    assert list(SAMPLERS[kind](seed=1)) != epochs[0]
    assert list(pickle.loads(pickle.dumps(SAMPLERS[kind]()))) == epochs[0]
    assert set(map(type, epochs[0])) == {int if kind == "balanced" else tuple}


@kinds
def test_an_epoch_begins_with_its_first_row(kind):
    """StatefulDataLoader with workers makes two iterators and reads one."""
    sampler, epochs = SAMPLERS[kind](), SAMPLERS[kind]()
    iter(sampler)
    assert list(iter(sampler)) == list(epochs) and sampler.epoch == 1
    rows = iter(sampler)
    sampler.set_epoch(7)  # after iter(): is for the next one
    assert list(rows) == list(epochs) and sampler.epoch == 7


def test_plans_are_shuffled_whole_and_may_stay_in_order():
    for sampler in (PlanSampler(Plans()), PlanSampler(Plans(), spread=20)):
        for epoch in range(2):
            assert sorted(sampler) == Plans()(epoch).rows(np.arange(180))
    in_order = PlanSampler(Drawn(Plans()), shuffle=False)
    assert list(in_order) == Plans()(0).rows(np.arange(180))
    assert isinstance(in_order, torch.utils.data.Sampler)


def test_plans_of_other_lengths_are_cut_or_go_on_from_the_start():
    sampler = PlanSampler(Plans((100, 120, 70)))
    lengths = [(len(sampler), len(rows), len(set(rows))) for rows in (list(sampler) for _ in "abc")]
    assert lengths == [(100, 100, 100), (100, 100, 100), (100, 100, 70)]


# --- batches


@given(
    st.lists(st.integers(1, 80), min_size=2, max_size=20),
    st.integers(1, 64),
    st.integers(1, 8),
    st.booleans(),
    seeds,
)
def test_every_batch_of_every_rank_holds_its_share(sizes, spread, ranks, dealt, seed):
    y = np.repeat(np.arange(len(sizes)), sizes)
    if dealt:
        make, share = BalancedSampler, np.full(len(sizes), len(y) / len(sizes))
        labels = y
    else:
        labels, share = SimplePlans(y), np.array(sizes, dtype=float)
        make = PlanSampler
    share = share / share.sum()
    for rank in range(ranks):
        sampler = make(
            labels, spread=spread, num_replicas=ranks, rank=rank, drop_last=True, seed=seed
        )
        rows = np.array(list(sampler), dtype=int)
        for at in range(0, len(rows) - spread + 1, spread):
            found = np.bincount(y[rows[at : at + spread]], minlength=len(sizes))
            # shares of whole numbers of rows: equal to within one in all
            assert np.abs(found - spread * share).max() < 2 + spread / len(y)


class SimplePlans:
    """A set that is the same in every epoch: its keys are numbers."""

    def __init__(self, y):
        self.targets, self.classes_ = y, np.unique(y)

    def __call__(self, epoch):
        return self

    def __len__(self):
        return len(self.targets)

    def rows(self, order):
        return order.tolist()


@pytest.mark.parametrize("ranks", [2, 8])
def test_a_wrapper_that_takes_every_wth_row_gets_batches_no_worse_than_shuffled_ones(ranks):
    y = np.repeat(np.arange(8), [500, 250, 120, 60, 30, 20, 12, 8])
    off = {None: [], 64: []}
    for spread, squares in off.items():
        for seed in range(40):
            rows = np.array(list(BalancedSampler(y, spread=spread, seed=seed)))
            for rank in range(ranks):
                mine = y[rows[rank::ranks]]
                parts = [mine[at : at + 64] for at in range(0, len(mine) - 63, 64)]
                squares += [((np.bincount(part, minlength=8) - 8) ** 2).mean() for part in parts]
    assert np.mean(off[64]) <= np.mean(off[None])


# --- ranks


def shards(make, ranks, epoch):
    found = []
    for rank in range(ranks):
        sampler = make(rank)
        sampler.set_epoch(epoch)
        found.append(list(sampler))
    return found


def check_shards(parts, whole, drop_last):
    """Ranks have equally many rows; together the epoch's, and none in common."""
    assert len({len(part) for part in parts}) == 1
    union = Counter(row for part in parts for row in part)
    extra = sum(union.values()) - len(whole)
    assert abs(extra) < len(parts) and (extra <= 0 if drop_last else extra >= 0)
    missing, more = Counter(whole) - union, union - Counter(whole)
    assert sum(missing.values()) == max(0, -extra) and sum(more.values()) == max(0, extra)


@kinds
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("spread", [None, 8])
@pytest.mark.parametrize("ranks", [2, 3, 8])
def test_ranks_share_an_epoch(kind, ranks, spread, drop_last):
    params = {"spread": spread, "seed": 7}
    for epoch in range(3):
        whole = SAMPLERS[kind](**params)
        whole.set_epoch(epoch)
        whole = list(whole)
        parts = shards(
            lambda rank: SAMPLERS[kind](
                num_replicas=ranks, rank=rank, drop_last=drop_last, **params
            ),
            ranks,
            epoch,
        )
        check_shards(parts, whole, drop_last)
        assert len(SAMPLERS[kind](num_replicas=ranks, drop_last=drop_last)) == len(parts[0])


def test_of_rows_that_all_differ_two_ranks_have_none_in_common_but_those_used_twice():
    parts = shards(lambda rank: PlanSampler(Plans(), num_replicas=8, rank=rank), 8, 1)
    in_common = sum(Counter(row for part in parts for row in set(part)).values()) - 180
    assert in_common == len(parts) * len(parts[0]) - 180 == 4


def test_the_weighted_random_sampler_of_torch_fails_the_same_test():
    """It draws with replacement, and every rank for itself: what this module is there for."""
    weights = torch.tensor(1 / np.bincount(CODES))[torch.from_numpy(CODES)]

    def make(rank):
        sampler = WeightedRandomSampler(weights, 46, generator=torch.Generator().manual_seed(rank))
        sampler.set_epoch = lambda epoch: None
        return sampler

    parts = shards(make, 2, 0)
    with pytest.raises(AssertionError):
        check_shards(parts, list(BalancedSampler(Y)), drop_last=False)
    assert set(parts[0]) & set(parts[1])


# --- going on after a crash


@kinds
@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_goes_on_at_a_row_of_an_epoch(kind, workers):
    def loader():
        sampler = SAMPLERS[kind]()
        many = {"persistent_workers": True, "multiprocessing_context": "fork"} if workers else {}
        return DataLoader(data_of(kind), 10, sampler=sampler, num_workers=workers, **many), sampler

    unbroken, _ = loader()
    epochs = [batches(unbroken) for _ in range(3)]
    again, sampler = loader()
    sampler.set_epoch(1, start=70)
    sampler.set_epoch(1)  # as Lightning does
    assert batches(again) == epochs[1][7:]
    assert batches(again) == epochs[2]
    sampler.set_epoch(0, start=20)
    sampler.set_epoch(2)
    assert batches(again) == epochs[2]
    sampler.set_epoch(1, start=30)
    sampler.set_epoch(1, start=0)
    assert batches(again) == epochs[1]


@kinds
def test_iterators_have_a_state_and_samplers_have_none(kind):
    sampler = SAMPLERS[kind](num_replicas=2, rank=1, spread=6)
    list(sampler)
    rows = iter(sampler)
    first = [next(rows) for _ in range(17)]
    state = pickle.loads(pickle.dumps(rows.state_dict()))
    rest, later = list(rows), list(sampler)
    again = SAMPLERS[kind](num_replicas=2, rank=1, spread=6)
    resumed = iter(again)
    resumed.load_state_dict(state)
    some = [next(resumed) for _ in range(5)]
    twice = iter(SAMPLERS[kind](num_replicas=2, rank=1, spread=6))  # twice in one epoch
    twice.load_state_dict(resumed.state_dict())
    assert some + list(twice) == some + list(resumed) == rest
    assert list(again) == later and len(first + rest) == len(later)
    assert not hasattr(sampler, "state_dict")  # StatefulDataLoader would no longer count rows
    with pytest.raises(StopIteration):
        next(rows)
    with pytest.raises(ValueError, match=r"'seed': 0.*'seed': 1"):
        iter(SAMPLERS[kind](num_replicas=2, spread=6, seed=1)).load_state_dict(state)


def test_a_state_of_another_strategy_is_refused():
    state = iter(BalancedSampler(Y, sampling_strategy={"owl": 20})).state_dict()
    iter(BalancedSampler(Y, sampling_strategy={"owl": 20})).load_state_dict(state)
    with pytest.raises(ValueError, match=r"'owl': 20.*'balanced'"):
        iter(BalancedSampler(Y)).load_state_dict(state)


@pytest.mark.filterwarnings("ignore")  # what torchdata says about torch is not ours
@kinds
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("after", [7, "all"])
def test_a_stateful_data_loader_goes_on(kind, workers, after):
    stateful = pytest.importorskip("torchdata.stateful_dataloader", reason="torchdata is missing")

    def loader():
        many = {"multiprocessing_context": "fork"} if workers else {}
        return stateful.StatefulDataLoader(
            data_of(kind), 10, sampler=SAMPLERS[kind](), num_workers=workers, **many
        )

    unbroken = loader()
    batches(unbroken)
    epoch, state = [], None
    for number, batch in enumerate(unbroken, start=1):
        epoch.append([tuple(row) for row in batch.tolist()])
        if number == after:
            state = unbroken.state_dict()
    state = unbroken.state_dict() if state is None else state
    following = batches(unbroken)
    again = loader()
    again.load_state_dict(pickle.loads(pickle.dumps(state)))
    if after == "all":
        assert batches(again) in ([], following)
    else:
        assert batches(again) == epoch[after:]
        assert batches(again) == following


# --- any data set


def test_only_labels_are_asked_for():
    codes = torch.from_numpy(CODES)
    images = TensorDataset(torch.arange(len(Y)), codes)
    some = Subset(images, range(0, len(Y), 2))
    both = ConcatDataset([images, some])
    both_codes = torch.cat([codes, codes[::2]])
    for data, labels in ((images, codes), (some, Y[::2].tolist()), (both, both_codes.tolist())):
        loader = DataLoader(data, 8, sampler=BalancedSampler(labels))
        found = np.bincount(torch.cat([targets for _, targets in loader]))
        assert np.ptp(found) <= 1 and found.sum() == len(data)


class Column:
    """A column of Hugging Face's data sets: a sequence that is neither list nor array."""

    def __init__(self, values):
        self.values = values

    def __len__(self):
        return len(self.values)

    def __getitem__(self, at):
        return self.values[at]

    def __iter__(self):
        return iter(self.values)


def test_folders_and_columns_of_other_libraries_give_their_labels(tmp_path):
    assert list(BalancedSampler(Column(CODES.tolist()))) == list(BalancedSampler(Y))
    folders = pytest.importorskip("torchvision.datasets", reason="torchvision is missing")
    for label, n in (("cat", 6), ("dog", 2)):
        (tmp_path / label).mkdir()
        write_images(tmp_path / label, make_images(n, (4, 4), "uint8"))
    folder = folders.ImageFolder(tmp_path, transform=np.array)
    loader = DataLoader(folder, 4, sampler=BalancedSampler(folder.targets, spread=4))
    assert [sorted(targets.tolist()) for _, targets in loader] == [[0, 0, 1, 1]] * 2


@pytest.mark.parametrize(
    "labels",
    [CODES, CODES.tolist(), CODES - 5, CODES * 10**9, CODES.astype("u1"), Y.astype(object)],
)
def test_labels_of_every_kind_give_the_same_rows(labels):
    assert list(BalancedSampler(labels)) == list(BalancedSampler(Y))


@pytest.mark.parametrize(
    ("make", "error", "told"),
    [
        (lambda: BalancedSampler(Y, num_replicas=2, rank=2), ValueError, "got rank 2 of 2"),
        (lambda: BalancedSampler(Y, num_replicas=0), ValueError, "`num_replicas` must .* got 0"),
        (lambda: BalancedSampler(Y, rank=-1), ValueError, "`rank` must be .* got -1"),
        (lambda: BalancedSampler(Y, seed=None), ValueError, "`seed` must be .* got None"),
        (lambda: BalancedSampler(Y, spread=0), ValueError, "`spread` must be .* got 0"),
        (lambda: BalancedSampler(Y, spread=8, shuffle=False), ValueError, "`spread` must be None"),
        (lambda: BalancedSampler([]), ValueError, "`labels` must hold .* got none"),
        (lambda: BalancedSampler([0, None, 1]), ValueError, "missing labels.*row 1"),
        (lambda: BalancedSampler(data_of("plan")), ValueError, "`labels` must hold one label"),
        (lambda: BalancedSampler(Y, sampling_strategy="auto"), ValueError, "got 'auto'"),
        (lambda: BalancedSampler(Y, sampling_strategy={"fig": 1}), ValueError, "'fig'"),
        (lambda: PlanSampler(Y), TypeError, "`plans` must be .* got ndarray"),
        (lambda: PlanSampler(TensorDataset(torch.zeros(3))), TypeError, "got TensorDataset"),
        (lambda: BalancedSampler(Y).set_epoch(-1), ValueError, "`epoch` must be .* got -1"),
        (lambda: BalancedSampler(Y).set_epoch(1, start=0.5), ValueError, "`start` must be"),
    ],
)
def test_what_cannot_be_is_refused_with_the_value(make, error, told):
    with pytest.raises(error, match=told):
        make()


def test_a_state_of_something_else_is_refused():
    for state in (None, {}, {"epoch": 3}):
        with pytest.raises(ValueError, match=r"`state` must be .* state_dict\(\) .*set_epoch"):
            iter(BalancedSampler(Y)).load_state_dict(state)


def test_a_start_beyond_the_rows_of_the_rank_is_refused():
    sampler = BalancedSampler(Y, num_replicas=2)
    sampler.set_epoch(3, start=47)
    with pytest.raises(ValueError, match="at most the 46 rows that rank 0 of 2 has in epoch 3"):
        list(sampler)
