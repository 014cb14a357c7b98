"""Batches for Keras; with Keras missing, what needs no more of it than its names."""

import hashlib
import pickle

import numpy as np
import pytest
from conftest import make_images, make_labels, write_images
from forked import run_python

from imblearn_images import RandomOverSampler
from imblearn_images.epochs import EpochPlans
from imblearn_images.keras import Batches
from imblearn_images.synthesis import Augment

Y = make_labels({"cat": 60, "dog": 25})
N = len(Y)
SAMPLER = RandomOverSampler(synthesis=Augment(), random_state=0)
PLANS = EpochPlans(SAMPLER, make_images(N, (8, 9), "uint8"), Y)


def halved(images):
    return images // 2


def digests(batches):
    found = [hashlib.sha256(np.ascontiguousarray(x)).hexdigest()[:12] for x in batches]
    return sorted(found)


def batches_of(plans, epoch, size, **params):
    sequence = Batches(plans, size, **params)
    sequence.epoch = epoch
    return [sequence[at] for at in range(len(sequence))]


def test_the_batches_of_an_epoch_are_its_rows():
    images, targets = zip(*batches_of(PLANS, 2, 50), strict=True)
    assert [len(batch) for batch in images] == [50, 50, 20] and images[0].shape[1:] == (8, 9, 1)
    order = np.random.default_rng([0, 2]).permutation(120)
    assert np.array_equal(np.concatenate(images)[..., 0], PLANS(2).draw(order))
    assert np.array_equal(np.concatenate(targets), PLANS(2).targets[order])
    (first, target), *_ = batches_of(PLANS, 2, 50, shuffle=False, channels=None, transform=halved)
    assert np.array_equal(first, PLANS(2).draw(range(50)) // 2) and first.shape == (50, 8, 9)
    assert np.array_equal(target, PLANS(2).targets[:50])
    assert batches_of(PLANS, 2, 50, channels="first")[0][0].shape == (50, 1, 8, 9)
    colours = EpochPlans.of(make_images(N, (3, 8, 9), "uint8"), Y)
    assert batches_of(colours, 0, 50)[0][0].shape == (50, 8, 9, 3)


@pytest.mark.parametrize("how", [{"workers": 2}, {"workers": 2, "use_multiprocessing": True}])
def test_workers_give_the_same_batches_in_any_order_of_epochs_and_batches(how):
    sequence = Batches(PLANS, 16, transform=halved, max_queue_size=3, **how)
    for epoch, numbers in ((0, [0]), (0, range(8)), (1, [5, 2, 7, 0, 1, 6, 4, 3]), (0, [7, 0])):
        sequence.epoch = epoch
        expected = batches_of(PLANS, epoch, 16, transform=halved)
        for at in numbers:
            images, targets = sequence[at]
            assert np.array_equal(images, expected[at][0])
            assert np.array_equal(targets, expected[at][1])
            assert len(sequence._ahead) <= 3
    with pytest.raises(IndexError, match="An epoch has 8 batches, got batch 8"):
        sequence[8]


def test_the_next_epoch_follows_when_all_batches_were_read():
    sequence = Batches(PLANS, 50)

    def read(n):
        sequence.on_epoch_begin()
        for at in range(n):
            sequence[at]
        sequence.on_epoch_end()
        return sequence.epoch

    assert [read(n) for n in (1, 3, 3, 2)] == [0, 1, 2, 2]  # Keras looks at one batch beforehand
    sequence._begin(7)
    assert [read(n) for n in (3, 3)] == [7, 7]  # whoever tells the epoch is obeyed


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"batch_size": 0}, "`batch_size` must be an integer of at least 1, got 0"),
        ({"workers": 0}, "`workers` must be an integer of at least 1, got 0"),
        ({"max_queue_size": 1.5}, "`max_queue_size` must be an integer of at least 1"),
        ({"channels": "middle"}, '`channels` must be "last", "first" or None'),
        ({"plans": [1, 2]}, r"`plans` must be EpochPlans, got \[1, 2\]"),
    ],
)
def test_wrong_parameters_are_refused(wrong, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Batches(**{"plans": PLANS} | wrong)


def test_a_sequence_goes_to_another_process_and_a_lambda_does_not(tmp_path):
    paths = write_images(tmp_path, make_images(N, (8, 9), "uint8"))
    plans = EpochPlans(SAMPLER, paths, Y)
    sequence = Batches(plans, 16, transform=halved, workers=2)
    sequence.epoch = 3
    expected = sequence[2]
    again = pickle.loads(pickle.dumps(sequence))
    assert again.epoch == 3 and np.array_equal(again[2][0], expected[0])
    assert np.array_equal(again[2][1], expected[1]) and len(again._ahead) > 0
    with pytest.raises(
        TypeError, match=r"`transform` .* cannot be sent to another process: .* lam"
    ):
        pickle.dumps(Batches(plans, transform=lambda images: images))
    with pytest.raises(TypeError, match="leave out `use_multiprocessing`"):
        Batches(plans, transform=lambda images: images, workers=2, use_multiprocessing=True)


def test_files_of_several_sizes_are_refused(tmp_path):
    images = [make_images(1, (8 + row % 2, 8), "uint8")[0] for row in range(N)]
    plans = EpochPlans.of(write_images(tmp_path, images), Y)
    with pytest.raises(ValueError, match=r"one shape, got several\. Pass"):
        Batches(plans)


def test_the_module_can_be_looked_at_without_keras():
    script = (
        "import sys; sys.modules['keras'] = None\n"
        "import imblearn_images.keras as k; assert dir(k) == ['PlanSequence']\n"
        "try: k.PlanSequence\n"
        "except ImportError as error: assert 'imblearn-images[keras]' in str(error)\n"
        "else: raise AssertionError\n"
        "try: k.Sequence\n"
        "except AttributeError as error: assert 'Sequence' in str(error)"
    )
    done = run_python("-c", script)
    assert done.returncode == 0, done.stderr


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("how", [{}, {"workers": 2}])
def test_keras_trains_on_the_batches_of_each_epoch(how, told):
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    from imblearn_images.keras import PlanSequence

    seen = {}

    class Recorded(keras.Sequential):
        def train_step(self, *args):
            images = keras.ops.convert_to_numpy(args[-1][0])
            seen.setdefault(sequence.epoch, []).append(images)
            return super().train_step(*args)

    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = Recorded(
        [layers.Input((8, 9, 1)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"], run_eagerly=True, jit_compile=False)
    sequence = PlanSequence(PLANS, 8, **how)  # more batches than a queue of Keras holds
    assert isinstance(sequence, keras.utils.PyDataset) and "Batches" in PlanSequence.__doc__
    validation = PlanSequence(
        EpochPlans.of(make_images(9, (8, 9), "uint8"), Y[:9], classes=PLANS.classes_),
        4,
        shuffle=False,
    )
    stops = keras.callbacks.EarlyStopping("val_accuracy", patience=5)
    history = model.fit(
        sequence,
        epochs=3,
        shuffle=not how,
        validation_data=validation,
        callbacks=[stops, sequence.epochs] if told else [stops],
        verbose=0,
    )
    assert len(history.history["val_accuracy"]) == 3 and sorted(seen) == [0, 1, 2]
    for epoch, images in seen.items():
        assert digests(images) == digests(x for x, _ in batches_of(PLANS, epoch, 8))
    seen.clear()
    if told:
        model.fit(sequence, initial_epoch=6, epochs=7, callbacks=[sequence.epochs], verbose=0)
        assert list(seen) == [6]
    assert type(pickle.loads(pickle.dumps(sequence))) is PlanSequence
    assert np.isfinite(model.evaluate(validation, verbose=0)).all()
    assert model.predict(validation, verbose=0).shape == (9, 2)


def test_the_order_of_an_epoch_is_drawn_once(monkeypatch):
    made, rng_of = [], np.random.default_rng
    monkeypatch.setattr(np.random, "default_rng", lambda seed: made.append(seed) or rng_of(seed))
    sequence = Batches(PLANS, 16)
    for epoch in (0, 1, 0):
        sequence.epoch = epoch
        for at in range(len(sequence)):
            sequence._keys(epoch, at)
    assert made.count([0, 0]) == 2 and made.count([0, 1]) == 1
