"""Law 11 for whole sets: what is drawn later, in any batch and process, is what was decided."""

import pickle

import numpy as np
import pytest
from conftest import COUNTS, HOLDERS, Negatives, make_images, make_labels, write_images
from forked import run_python
from hypothesis import given
from hypothesis import strategies as st
from imblearn.over_sampling import SMOTE as PlainSMOTE
from imblearn.pipeline import make_pipeline
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA

from imblearn_images import (
    SMOTE,
    ClusterCentroids,
    GenerativeOverSampler,
    ImageSampler,
    KMeansSMOTE,
    RandomOverSampler,
    RandomUnderSampler,
    RedrawImages,
    ResamplingPlan,
    SMOTETomek,
    TomekLinks,
    recipes,
)
from imblearn_images.combine import SamplerChain
from imblearn_images.core import embedding, files
from imblearn_images.core.images import ArrayImages, FileImages
from imblearn_images.epochs import EpochImages, EpochPlans, _reading
from imblearn_images.preprocessing import HOGFeatures, ReadImages
from imblearn_images.synthesis import Augment, Morph, NeighborsAgree, TransferDeformation

Y = make_labels()
N = len(Y)


def spotted(base, partner, step, rng):
    return base + step * (partner - base) + rng.integers(0, 2, base.shape)


def smote(**params):
    return SMOTE(k_neighbors=2, random_state=0, **params)


def mix():
    return make_pipeline(
        RandomOverSampler(random_state=0),
        RedrawImages(TransferDeformation(donors="all"), share=0.5, random_state=0),
        RedrawImages(Augment(), share=0.4, random_state=1),
    )


SAMPLERS = {
    "copies": lambda: RandomOverSampler(random_state=0),
    "fewer": lambda: RandomUnderSampler(random_state=0),
    "smote": smote,
    "k-means smote": lambda: KMeansSMOTE(
        k_neighbors=1, random_state=0, cluster_balance_threshold=0.0
    ),
    "smote and tomek": lambda: SMOTETomek(smote=smote(), random_state=0),
    "centres": lambda: ClusterCentroids(random_state=0),
    "augment": lambda: RandomOverSampler(synthesis=Augment(noise=0.01), random_state=0),
    "transfer": lambda: RandomOverSampler(synthesis=TransferDeformation(), random_state=0),
    "morph": lambda: RandomOverSampler(synthesis=Morph(), random_state=0),
    "function": lambda: RandomOverSampler(synthesis=spotted, random_state=0),
    "decoded": lambda: smote(embedding=PCA(3, random_state=0), interpolate="embedding"),
    "accepted": lambda: RandomOverSampler(
        synthesis=Augment(), accept=NeighborsAgree(), random_state=0
    ),
    "third party": lambda: ImageSampler(
        PlainSMOTE(k_neighbors=2, random_state=0), synthesis=Augment(), random_state=0
    ),
    "redraw": lambda: RedrawImages(Augment(noise=0.01), random_state=0),
    "mix": mix,
    "chain": lambda: recipes.mix(random_state=0),
    "four steps": lambda: make_pipeline(
        smote(), SamplerChain([mix()[1], RedrawImages(share=0.3)], random_state=5), TomekLinks()
    ),
}


def columns_of(plan):
    names = ("base", "y", "synthetic", "seeds", "tries", "accepted")
    return [(name, None if (c := getattr(plan, name)) is None else c.tolist()) for name in names]


@pytest.mark.parametrize("name", SAMPLERS)
def test_epoch_0_is_what_fit_resample_gives_byte_for_byte(name):
    X = make_images(N, (12, 10, 3), "uint8")
    sampler = SAMPLERS[name]()
    X_res, y_res = sampler.fit_resample(X, Y)
    plans = EpochPlans(SAMPLERS[name](), X, Y)
    epoch = plans(0)
    assert epoch.draw(range(len(epoch))).tobytes() == X_res.tobytes()
    assert epoch.y.tolist() == y_res.tolist()
    assert plans.classes_[epoch.targets].tolist() == y_res.tolist()
    own = ResamplingPlan.of_pipeline(sampler) if hasattr(sampler, "steps") else sampler.plan_
    assert repr(epoch.plan) == repr(own)
    assert columns_of(epoch.plan) == columns_of(own)
    row = int(np.flatnonzero(own.synthetic)[-1]) if own.synthetic.any() else 0
    assert epoch.explain(row) == own.explain(row)
    label, _, made_of = plans.explain(epoch.rows([row])[0]).partition(" = ")
    whole = own.explain(row).replace("(", "").replace(")", "")  # in each step that repeats it
    assert whole == f"row {row} {label} = {made_of}".replace("(", "").replace(")", "")


@pytest.mark.parametrize("holder", HOLDERS)
def test_every_home_gives_the_same_epochs(holder, tmp_path):
    X = make_images(N, (12, 10, 3), "uint8")
    held = HOLDERS[holder](X, tmp_path)
    expected, plans = EpochPlans(mix(), X, Y), EpochPlans(mix(), held, Y)
    for epoch in (0, 3):
        assert np.asarray(plans(epoch)).tobytes() == np.asarray(expected(epoch)).tobytes()
    again = pickle.loads(pickle.dumps(plans))
    keys = plans(3).rows([0, 30, 5])
    assert all(map(np.array_equal, again.draw(keys), plans.draw(keys)))


PLANS = {
    name: EpochPlans(SAMPLERS[name](), make_images(N, (9, 8), "uint8"), Y)
    for name in ("mix", "smote", "centres", "four steps", "decoded")
}
WHOLE = {(name, e): np.asarray(plans(e)) for name, plans in PLANS.items() for e in (0, 2)}


@given(st.sampled_from(sorted(PLANS)), st.data())
def test_a_row_is_the_same_in_any_batch_of_any_epochs(name, data):
    plans, batch = PLANS[name], []
    for epoch in data.draw(st.lists(st.sampled_from([0, 2]), min_size=1, max_size=8)):
        row = data.draw(st.integers(0, len(WHOLE[name, epoch]) - 1))
        batch.append((epoch, row, plans(epoch).rows([row])[0]))
    drawn = plans.draw([key for *_, key in batch])
    targets = plans.targets_of([key for *_, key in batch])
    for (epoch, row, key), image, target in zip(batch, drawn, targets, strict=True):
        assert image.tobytes() == WHOLE[name, epoch][row].tobytes()
        assert target == plans(epoch).targets[row]
        assert pickle.loads(pickle.dumps(key)) == key and hash(key) is not None


def test_epochs_differ_and_are_functions_of_their_number_alone(tmp_path):
    X = make_images(N, (12, 10), "uint8")
    plans = EpochPlans(mix(), X, Y)
    seen = {np.asarray(plans(epoch)).tobytes() for epoch in range(4)}
    assert len(seen) == 4
    other = EpochPlans(mix(), X, Y)  # asked in another order, and not for all
    assert np.asarray(other(3)).tobytes() == np.asarray(plans(3)).tobytes()
    assert {tuple(np.bincount(plans(e).targets)) for e in range(4)} == {(12, 12, 12)}
    script = (
        "import pickle, sys, numpy as np; from pathlib import Path; here = Path(sys.argv[1]); "
        "plans = pickle.loads((here / 'plans').read_bytes()); "
        "(here / 'drawn').write_bytes(np.asarray(plans(2)).tobytes())"
    )
    (tmp_path / "plans").write_bytes(pickle.dumps(plans))
    done = run_python("-c", script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "drawn").read_bytes() == np.asarray(plans(2)).tobytes()


def test_each_seed_in_a_step_changes_with_the_epoch_and_no_other_parameter():
    X = make_images(N, (8, 8), "uint8")
    seen = []

    class Watched(RandomOverSampler):
        def fit_resample(self, X, y, **params):
            seen.append((self.random_state, self.embedding.random_state))
            return super().fit_resample(X, y, **params)

    Watched.__init__ = RandomOverSampler.__init__
    sampler = Watched(synthesis=Morph(), embedding=PCA(2, random_state=4), random_state=9)
    plans = EpochPlans(make_pipeline(sampler), X, Y)
    for epoch in (0, 1, 2, 1):
        plans(epoch)
    assert [embedding for _, embedding in seen] == [4] * 3  # epoch 1 is remembered
    assert seen[0][0] == 9 and len({seed for seed, _ in seen}) == 3
    assert sampler.random_state == 9


def test_a_step_that_counts_epochs_is_told_the_epoch_and_keeps_its_seed():
    told = []

    class Counting(RandomUnderSampler):
        def __init__(self, *, sampling_strategy="auto", random_state=None, epoch=0):
            super().__init__(sampling_strategy=sampling_strategy, random_state=random_state)
            self.epoch = epoch

        _parameter_constraints = {**RandomUnderSampler._parameter_constraints, "epoch": [int]}

        def _fit_resample(self, X, y):
            told.append((self.epoch, self.random_state))
            return super()._fit_resample(X, y)

    chain = SamplerChain([Counting(), RedrawImages(Augment())], random_state=3)
    plans = EpochPlans(chain, make_images(N, (8, 8), "uint8"), Y)
    for epoch in (0, 5):
        plans(epoch)
    assert told == [(0, 3), (5, 3)]


def test_features_are_computed_once_for_all_epochs(monkeypatch, tmp_path):
    looked_at, read = [], []
    looks, read_image = embedding.looks, files.read_image
    monkeypatch.setattr(
        embedding, "looks", lambda images, *args: looked_at.append(len(images)) or looks(images)
    )
    monkeypatch.setattr(
        files,
        "read_image",
        lambda *args, **kwargs: read.append(args) or read_image(*args, **kwargs),
    )
    paths = write_images(tmp_path, make_images(N, (16, 12, 3), "uint8"))
    for held in (paths, make_images(N, (16, 12, 3), "uint8")):
        looked_at.clear(), read.clear()
        plans = EpochPlans(mix(), held, Y)
        plans(0)
        first = sum(looked_at), len(read)
        assert first[0] == N and first[1] in (0, N)
        for epoch in range(1, 4):
            plans(epoch)
        assert (sum(looked_at), len(read)) == first


def test_nothing_is_drawn_to_plan_an_epoch(monkeypatch):
    drawn = []
    draw = Augment.draw

    def counted(self, base, partners, weights, rngs):
        drawn.append(len(base))
        return draw(self, base, partners, weights, rngs)

    monkeypatch.setattr(Augment, "draw", counted)
    steps = [
        RandomOverSampler(synthesis=Augment(), random_state=0),
        RandomUnderSampler(random_state=1),
    ]
    plans = EpochPlans(make_pipeline(*steps), make_images(N, (8, 8), "uint8"), Y)
    for epoch in range(3):
        rows = plans(epoch).rows(range(len(plans(epoch))))
    assert not drawn
    plans.draw(rows)
    assert drawn


def test_given_features_decide_who_is_near_in_every_step():
    X = make_images(N, (8, 8), "uint8")
    alike = np.arange(N, dtype=float)[:, None]  # rows of one class beside each other
    plans = EpochPlans(smote(), X, np.repeat(["cat", "dog"], [16, 8]), embeddings=alike)
    plan = plans(1).plan
    drawn = plan.synthetic
    assert (abs(plan.base[drawn] - plan.partners[drawn, 0]) <= 2).all()
    plans = EpochPlans(mix(), X, Y, embeddings=np.random.default_rng(0).random((N, 3)))
    assert len(plans(1)) == 3 * COUNTS["cat"]
    with pytest.raises(ValueError, match=r"`embeddings` must have shape \(24, n_features\)"):
        EpochPlans(mix(), X, Y, embeddings=alike[1:])


def test_files_of_many_sizes_are_read_at_one(tmp_path):
    rng = np.random.default_rng(0)
    shapes = [(20 + row % 5, 14 + row % 3, 3) for row in range(N)]
    paths = write_images(tmp_path, [rng.integers(0, 256, s, dtype=np.uint8) for s in shapes])
    read = ReadImages(size=(12, 10), mode="RGB").fit_transform(paths)
    expected, plans = EpochPlans(mix(), read, Y), EpochPlans(mix(), paths, Y, size=(12, 10))
    for epoch in (0, 1):
        assert np.asarray(plans(epoch)).tobytes() == np.asarray(expected(epoch)).tobytes()
    grey = EpochPlans(mix(), paths, Y, size=(12, 10), mode="L")
    assert grey(0).draw([0]).shape == (1, 12, 10)
    assert str(tmp_path) in grey(0).explain(0)
    own = EpochPlans(RandomOverSampler(random_state=0), paths, Y)
    assert own.shape is None and own(0).uniform is None
    for key, image in zip(own(0).rows(range(30)), own.draw(own(0).rows(range(30))), strict=True):
        source = own(0).plan.base[own(0).rows(range(30)).index(key)]
        assert np.array_equal(image, files.read_image(paths[source]))
    in_mode = EpochPlans(RandomOverSampler(random_state=0), paths, Y, mode="L")
    assert [image.shape for image in in_mode.draw([(0,), (1,)])] == [s[:2] for s in shapes[:2]]


def test_no_header_is_looked_at_where_size_and_mode_are_given(tmp_path):
    names = [str(tmp_path / f"{row}.jpg") for row in range(N)]  # there is no such file
    plans = EpochPlans(RandomOverSampler(random_state=0), names, Y, size=(8, 8), mode="RGB")
    assert len(plans(4)) == 36 and plans(4).dtype == np.uint8
    with pytest.raises(FileNotFoundError, match=r"0\.jpg"):
        plans.draw([(0,)])


def test_decoded_files_are_kept_within_a_limit_and_change_no_byte(tmp_path, monkeypatch):
    read = []
    real = files.read_image

    def counted(path, **how):
        read.append(path)
        return real(path, **how)

    paths = write_images(tmp_path, make_images(N, (9, 8, 3), "uint8"))
    plans = EpochPlans(mix(), paths, Y, size=(6, 5), mode="RGB")
    plans(0)
    monkeypatch.setattr(_reading, "_AT_HAND", 0)
    expected = np.asarray(EpochPlans(mix(), paths, Y, size=(6, 5), mode="RGB")(1))
    monkeypatch.setattr(files, "read_image", counted)
    size = 6 * 5 * 3
    for limit, fewest, most in ((1 << 20, 0, N), (8 * size, N, 1 << 10), (7 * size, 40, 1 << 10)):
        monkeypatch.setattr(_reading, "_AT_HAND", limit)
        again = pickle.loads(pickle.dumps(plans))
        read.clear()
        assert np.array_equal(again(1).draw(range(len(expected))), expected)
        assert fewest <= len(read) <= most
        kept = again.images._decoded
        assert sum(pixels.nbytes for pixels in kept.values()) <= limit
        assert again.at_size((9, 8))(0).draw([0]).shape == (1, 9, 8, 3)
    assert np.array_equal(np.asarray(plans(1)), expected)


class Counted(Negatives):
    """A home that counts the rows that are read from it."""

    n_read = 0

    def read(self, rows, out):
        self.n_read += len(rows)
        super().read(rows, out)


def test_classes_of_one_size_are_read_once_for_all_epochs():
    y = np.repeat([0, 1, 2], [12, 5, 5])
    images = Counted(make_images(len(y), (6, 5), "uint8"))
    plans = EpochPlans(SMOTE(k_neighbors=2, random_state=0, n_jobs=1), images, y)
    for epoch in range(4):
        plans(epoch)
    assert plans.images.n_read == 10
    memory = plans.images.memory
    for first in range(len(y)):
        rows = np.roll(np.arange(len(y)), first)
        np.testing.assert_array_equal(
            plans.images.pixels(rows)[0], np.asarray(images).reshape(len(y), -1)[rows]
        )
    assert sum(map(len, memory.kept["pixels", None].values())) <= 2 * len(y)


def test_a_fork_waits_for_no_thread_that_it_does_not_have(tmp_path):
    paths = write_images(tmp_path, make_images(N, (9, 8, 3), "uint8"))
    plans = EpochPlans(RandomOverSampler(random_state=0), paths, Y, size=(6, 5), mode="RGB")
    expected = plans.draw([(0,)])
    plans.images._lock.acquire()  # as a thread of the parent has it
    plans.images._process = -1  # what the fork finds
    assert np.array_equal(plans.draw([(0,)]), expected)


def test_a_file_of_another_kind_is_named(tmp_path):
    images = [make_images(1, (8, 8, 3), "uint8")[0]] * (N - 1) + [
        make_images(1, (8, 8), "uint8")[0]
    ]
    paths = write_images(tmp_path, images)
    plans = EpochPlans(RandomOverSampler(random_state=0), paths, Y, size=(6, 6))
    with pytest.raises(ValueError, match=r'023\.png is read as \(H, W\) uint8.* mode="RGB"'):
        plans.draw([(N - 1,)])


@pytest.mark.parametrize("holder", ["array", "files"])
def test_progressive_resizing_keeps_the_decisions(holder, tmp_path):
    X = make_images(N, (16, 12, 3), "uint8")
    held = write_images(tmp_path, X) if holder == "files" else X
    plans = EpochPlans(mix(), held, Y)
    small = plans.at_size((8, 6))
    assert small.shape == (8, 6, 3) and plans.shape == (16, 12, 3)
    for epoch in (0, 2):
        assert small(epoch).rows(range(36)) == plans(epoch).rows(range(36))
    assert small.at_size((16, 12)).shape == plans.shape
    key = next(k for k in plans(2).rows(range(36)) if len(k) == 1)
    (image,) = small.draw([key])
    if holder == "files":
        assert np.array_equal(image, files.read_image(held[key[0]], size=(8, 6)))
    again = pickle.loads(pickle.dumps(small))
    assert np.array_equal(np.asarray(again(1)), np.asarray(small(1)))


def test_a_validation_set_has_the_numbers_of_the_training_classes():
    X = make_images(2, (8, 8), "uint8")
    plans = EpochPlans.of(X, ["dog", "owl"], classes=["cat", "dog", "owl"])
    assert plans.targets_.tolist() == [1, 2] and plans(7).targets.tolist() == [1, 2]
    assert np.array_equal(np.asarray(plans(7)), X)
    assert (
        repr(plans(0).plan)
        == "ResamplingPlan(2 images -> 2 rows: 2 original, 0 copies, 0 synthetic)"
    )
    assert EpochPlans.of(X[:1], ["owl"]).classes_.tolist() == ["owl"]
    with pytest.raises(ValueError, match=r"`classes` must name all labels, .* 'owl' in row 1"):
        EpochPlans.of(X, ["dog", "owl"], classes=["cat", "dog"])
    with pytest.raises(ValueError, match="`classes` must hold each label once"):
        EpochPlans.of(X, ["dog", "owl"], classes=["owl", "dog", "dog"])


def test_a_plan_is_the_same_in_every_epoch():
    X = make_images(N, (8, 8), "uint8")
    sampler = RandomOverSampler(synthesis=Augment(), random_state=0)
    X_res, y_res = sampler.fit_resample(X, Y)
    plans = EpochPlans(sampler.plan_[::-1], X, Y)
    for epoch in (0, 3):
        assert np.array_equal(np.asarray(plans(epoch)), X_res[::-1])
        assert plans(epoch).y.tolist() == y_res[::-1].tolist()
    noisy = RandomOverSampler(shrinkage=1.0, random_state=0)  # one stream of noise will do here
    X_res, _ = noisy.fit_resample(X, Y)
    assert np.array_equal(np.asarray(EpochPlans(noisy.plan_, X, Y)(1)), X_res)
    with pytest.raises(ValueError, match="is a plan of 24 images, got 23 in X"):
        EpochPlans(sampler.plan_, X[1:], Y[1:])


class Nothing(BaseEstimator):
    def __init__(self, random_state=0):
        self.random_state = random_state

    def fit(self, X):
        return self

    def sample(self, n):
        rng = np.random.default_rng(self.random_state)
        return rng.integers(0, 256, (n, 8, 8), dtype=np.uint8)


@pytest.mark.parametrize(
    ("resampler", "message"),
    [
        (RandomOverSampler(), r"`random_state` must be an integer, got None .* decide the same"),
        (RandomOverSampler(random_state=np.random.RandomState(0)), "`random_state` must be an int"),
        (
            smote(embedding=PCA(2)),
            r"`embedding__random_state` must .* Set embedding__random_state=0",
        ),
        (SMOTETomek(smote=SMOTE(), random_state=0), "`smote__random_state` must be an integer"),
        (SamplerChain([RandomOverSampler()]), "`random_state` must be an integer, got None"),
        (
            RandomOverSampler(shrinkage=0.5, random_state=0),
            "`shrinkage` must be None here, got 0.5",
        ),
        (RandomOverSampler, r"`resampler` must be .* Did you mean RandomOverSampler\(\)\?"),
        (PlainSMOTE(random_state=0), r"`resampler` must be .* Use imblearn_images\.SMOTE"),
        (
            make_pipeline(ReadImages(size=(8, 8)), smote()),
            "`size` and `mode` instead of ReadImages",
        ),
        ("mix", "`resampler` must be a sampler"),
    ],
)
def test_what_cannot_be_planned_is_refused_with_the_reason(resampler, message):
    with pytest.raises((TypeError, ValueError), match=message):
        EpochPlans(resampler, make_images(N, (8, 8), "uint8"), Y)


def test_what_a_row_cannot_draw_is_refused_with_the_reason():
    X = make_images(N, (8, 8), "uint8")
    plans = EpochPlans(GenerativeOverSampler(Nothing(), random_state=0), X, Y)
    with pytest.raises(ValueError, match="GenerativeOverSampler cannot draw another set in every"):
        plans(0)
    later = make_pipeline(
        RandomUnderSampler(random_state=0),
        SMOTE(
            k_neighbors=1,
            sampling_strategy={"cat": 9},
            random_state=0,
            embedding=PCA(2, random_state=0),
            interpolate="embedding",
        ),
    )
    with pytest.raises(
        ValueError, match="SMOTE draws with DecodedBlend, which changes in every epoch"
    ):
        EpochPlans(later, X, Y)(0)
    for epoch in (-1, 1.5, "2", None):
        with pytest.raises(ValueError, match="`epoch` must be an integer from 0 on"):
            EpochPlans.of(X, Y)(epoch)
    with pytest.raises(IndexError, match="Epoch 1 has 24 rows, got rows 3 to 24"):
        EpochPlans.of(X, Y)(1).rows([3, 24])
    with pytest.raises(
        ValueError, match="`size` and `mode` must be left out where `X` holds no files"
    ):
        EpochPlans.of(X, Y, size=(4, 4))
    with pytest.raises(ValueError, match="24 images in X, 23 labels in y"):
        EpochPlans.of(X, Y[1:])
    with pytest.raises(ValueError, match=r"Resizing needs channels last, .* look like \(C, H, W\)"):
        EpochPlans.of(make_images(N, (3, 8, 9), "uint8"), Y).at_size((4, 4))


def test_what_cannot_be_sent_to_another_process_is_named():
    sampler = RandomOverSampler(
        synthesis=Augment.from_callable(lambda image: image), random_state=0
    )
    plans = EpochPlans(sampler, make_images(N, (8, 8), "uint8"), Y)
    with pytest.raises(TypeError, match=r"cannot be sent to another process: .* as lambda"):
        pickle.dumps(plans)


def test_a_plan_takes_few_bytes_a_row():
    rng = np.random.default_rng(0)
    y = np.repeat(["many of them", "few"], [30_000, 3_000])
    plans = EpochPlans(mix(), rng.integers(0, 255, (len(y), 1, 4), dtype=np.uint8), y)
    epoch = plans(1)
    n = sum(
        column.nbytes
        for step in epoch._columns
        for name in type(step).__slots__
        if isinstance(column := getattr(step, name), np.ndarray)
    )
    assert n <= 64 * len(epoch) == 64 * 60_000


def test_a_memmap_is_mapped_again_and_not_copied(tmp_path):
    X = make_images(40, (8, 6, 3), "uint8")
    np.save(tmp_path / "images.npy", X)
    held = np.load(tmp_path / "images.npy", mmap_mode="r")
    for some in (held, held[3:30], held[::2], held[5:, 2:, ::3]):
        pickled = pickle.dumps(ArrayImages(some))
        assert len(pickled) < 1000
        again = pickle.loads(pickled)
        assert np.array_equal(again.array, some) and not again.array.flags.writeable
        assert np.array_equal(pickle.loads(pickle.dumps(again)).array, some)
    for some in (held[::-1], np.load(tmp_path / "images.npy", mmap_mode="c")):
        assert np.array_equal(pickle.loads(pickle.dumps(ArrayImages(some))).array, some)


def test_one_hot_rows_tables_and_homes_of_the_user_are_taken(tmp_path):
    X = make_images(N, (8, 8), "uint8")
    codes = np.unique(Y, return_inverse=True)[1]
    expected = np.asarray(EpochPlans(mix(), X, codes)(1))
    one_hot = EpochPlans(mix(), X, np.eye(3, dtype=int)[codes])
    assert np.array_equal(np.asarray(one_hot(1)), expected)
    assert isinstance(one_hot(1), EpochImages) and len(one_hot(1)[:5]) == 5
    home = FileImages(write_images(tmp_path, X))
    assert np.array_equal(np.asarray(EpochPlans(mix(), home, codes)(1)), expected)
    assert home.memory is None
    table = EpochPlans(smote(), X.reshape(N, -1).astype(float), Y)
    sampler = smote()
    X_res, _ = sampler.fit_resample(X.reshape(N, -1).astype(float), Y)
    assert np.array_equal(table(0).draw(range(36)), X_res)


def test_hog_features_by_an_embedding_are_fitted_once():
    fitted = []

    class Counting(HOGFeatures):
        def fit(self, X, y=None):
            fitted.append(len(X))
            return super().fit(X, y)

    plans = EpochPlans(smote(embedding=Counting()), make_images(N, (16, 16), "uint8"), Y)
    for epoch in range(3):
        plans(epoch)
    assert fitted == [N]


def test_an_epoch_that_memory_does_not_hold_is_planned_nevertheless(monkeypatch):
    steps = [RandomOverSampler(random_state=0), RedrawImages(Augment(), random_state=0)]
    plans = EpochPlans(make_pipeline(*steps), make_images(N, (8, 8, 3), "uint8"), Y)
    for module in ("over_sampling._redrawing", "core.rendering"):
        monkeypatch.setattr(f"imblearn_images.{module}.check_fits", _refuse_pixels)
    assert len(plans(1)) == 36


def _refuse_pixels(n_bytes, what, remedy):
    if n_bytes > 36 * 100:  # more than a plan
        raise MemoryError(what)


def test_what_is_no_key_and_no_row_is_refused():
    plans = EpochPlans(mix(), make_images(N, (8, 8), "uint8"), Y)
    for wrong in (3, (), None, "3", [3]):
        with pytest.raises(TypeError, match="`keys` must hold keys of EpochImages"):
            plans.draw([wrong])
        with pytest.raises(TypeError, match="`keys` must hold keys of EpochImages"):
            plans.explain(wrong)
    for wrong in ((N,), (-1,), (3, 1, 2), (1, 7, N, 2, 3, 0.5, 0.5), ("a",)):
        with pytest.raises(ValueError, match="of 24 images and 3 steps, got a key that holds"):
            plans.draw([wrong])
    for wrong in ([1.5], [True, False], ["a"], 3, [[1]]):
        with pytest.raises(TypeError, match="`order` must be a sequence of row numbers"):
            plans(1).rows(wrong)
    assert plans(1).rows([]) == plans.draw([]) == []
    assert plans(1).draw([]).shape == (0, 8, 8)
    assert plans(1).rows([-1]) == plans(1).rows([35])
