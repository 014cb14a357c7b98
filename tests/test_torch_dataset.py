"""Resampled sets in the workers of a DataLoader: the same bytes, however they are read."""

import hashlib
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import make_images, make_labels, write_images
from forked import run_python
from imblearn.pipeline import make_pipeline
from PIL import Image

torch = pytest.importorskip("torch", reason="data sets of PyTorch need torch")

from torch.utils.data import DataLoader, Subset  # noqa: E402

from imblearn_images import RandomOverSampler, RedrawImages  # noqa: E402
from imblearn_images.epochs import EpochPlans  # noqa: E402
from imblearn_images.synthesis import Augment, TransferDeformation  # noqa: E402
from imblearn_images.torch import PlanDataset  # noqa: E402

Y = make_labels()
N = len(Y)


def mix():
    return make_pipeline(
        RandomOverSampler(random_state=0),
        RedrawImages(TransferDeformation(donors="all"), share=0.5, random_state=0),
        RedrawImages(Augment(), share=0.4, random_state=1),
    )


def as_array(image):
    assert isinstance(image, Image.Image)
    return np.asarray(image)


class Keys:
    """The rows of an epoch in some order."""

    def __init__(self, plans):
        self.plans, self.epoch = plans, 0

    def __len__(self):
        return len(self.plans(self.epoch))

    def __iter__(self):
        order = np.random.default_rng(self.epoch).permutation(len(self))
        return iter(self.plans(self.epoch).rows(order))


def digest(loader, epochs=3):
    """SHA-256 of all images and targets of some epochs."""
    found = hashlib.sha256()
    for epoch in range(epochs):
        loader.sampler.epoch = epoch
        images, targets = zip(*loader, strict=True)
        found.update(np.concatenate(images).tobytes() + np.concatenate(targets).tobytes())
    return found.hexdigest()


LOADERS = {
    "no worker, batches of 5": {"batch_size": 5},
    "no worker, one by one": {"batch_size": 1},
    "two forked": {"batch_size": 7, "num_workers": 2, "multiprocessing_context": "fork"},
    "two forked that persist": {
        "batch_size": 36,
        "num_workers": 2,
        "multiprocessing_context": "fork",
        "persistent_workers": True,
    },
    "one spawned that persists": {
        "batch_size": 8,
        "num_workers": 1,
        "multiprocessing_context": "spawn",
        "persistent_workers": True,
    },
    "one of a fork server that persists": {
        "batch_size": 8,
        "num_workers": 1,
        "multiprocessing_context": "forkserver",
        "persistent_workers": True,
    },
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("photos")


@pytest.mark.parametrize("how", LOADERS)
def test_three_epochs_are_the_same_bytes_however_they_are_read(how, folder):
    if "context" in " ".join(LOADERS[how]) and sys.platform != "linux":
        pytest.skip("how processes start is chosen on Linux")
    paths = write_images(folder, make_images(N, (10, 12, 3), "uint8"))
    plans = EpochPlans(mix(), paths, Y)
    expected = hashlib.sha256()
    for epoch in range(3):
        order = np.random.default_rng(epoch).permutation(len(plans(epoch)))
        expected.update(plans(epoch).draw(order).tobytes() + plans(epoch).targets[order].tobytes())
    data = PlanDataset(plans, transform=as_array)
    loader = DataLoader(data, sampler=Keys(plans), collate_fn=_together, **LOADERS[how])
    assert digest(loader) == expected.hexdigest()


def _together(rows):
    images, targets = zip(*rows, strict=True)
    return np.stack(images), np.array(targets)


def test_numbers_are_rows_of_epoch_0_and_keys_rows_of_any():
    X = make_images(N, (10, 12, 3), "uint8")
    plans = EpochPlans(mix(), X, Y)
    data = PlanDataset(plans, as_array)
    X_res, y_res = mix().fit_resample(X, Y)
    assert len(data) == len(X_res)
    for row in (0, 30, -1, np.int64(7), torch.tensor(8)):
        image, target = data[row]
        assert np.array_equal(image, X_res[int(row)]) and type(target) is int
        assert data.classes[target] == y_res[int(row)]
    both = data.__getitems__([3, plans(5).rows([9])[0]])
    assert np.array_equal(both[1][0], plans(5).draw([9])[0])
    assert data.targets == plans(0).targets.tolist() and type(data.targets[0]) is int
    assert data.class_to_idx == {"cat": 0, "dog": 1, "owl": 2}
    assert np.array_equal(Subset(data, [4, 30])[1][0], X_res[30])
    kinds = ("0", None, True, np.False_, slice(1, 3), 1.0, np.array([1, 2]))
    for wrong, error in ((len(data), IndexError), *((kind, TypeError) for kind in kinds)):
        with pytest.raises(error, match=r"`row` must be|Epoch 0 has 36 rows, got row 36"):
            data[wrong]


@pytest.mark.parametrize(
    ("shape", "dtype", "mode", "tensor"),
    [
        ((10, 12), "uint8", "L", (1, 10, 12)),
        ((10, 12, 1), "uint8", "L", (1, 10, 12)),
        ((10, 12, 3), "uint8", "RGB", (3, 10, 12)),
        ((3, 10, 12), "uint8", "RGB", (3, 10, 12)),
        ((10, 12, 4), "uint8", "RGBA", (4, 10, 12)),
        ((10, 12), "bool", "1", (1, 10, 12)),
        ((10, 12), "float32", None, (1, 10, 12)),
        ((10, 12, 7), "uint8", None, (7, 10, 12)),
    ],
)
def test_a_transform_gets_what_an_image_folder_hands_over_and_no_transform_a_tensor(
    shape, dtype, mode, tensor
):
    X = make_images(N, shape, dtype)
    plans = EpochPlans.of(X, Y)
    image, target = PlanDataset(plans, lambda image: image, lambda target: 10 * target)[1]
    assert target == 10 * plans.targets_[1]
    if mode is None:
        assert np.array_equal(image, X[1])
    else:
        assert image.mode == mode and image.size == (12, 10)
        last = np.moveaxis(X[1], 0, -1) if shape[0] == 3 else X[1].reshape(10, 12, -1)
        assert np.array_equal(np.asarray(image).reshape(10, 12, -1), last)
    plain, _ = PlanDataset(plans)[1]
    assert tuple(plain.shape) == tensor and str(plain.dtype) == f"torch.{dtype}"


def test_the_pixels_are_those_of_an_image_folder(tmp_path):
    datasets = pytest.importorskip("torchvision.datasets")
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        write_images(tmp_path / label, make_images(4, (9, 7, 3), "uint8"))
    folder = datasets.ImageFolder(tmp_path)
    paths, labels = zip(
        *((path, Path(path).parent.name) for path, _ in folder.samples), strict=True
    )
    data = PlanDataset(EpochPlans.of(paths, labels, mode="RGB"), lambda image: image)
    assert data.classes == folder.classes and data.class_to_idx == folder.class_to_idx
    assert data.targets == folder.targets
    for row in range(len(folder)):
        assert np.array_equal(np.asarray(data[row][0]), np.asarray(folder[row][0]))


def test_batches_are_drawn_at_once(monkeypatch):
    drawn = []
    draw = Augment.draw

    def counted(self, base, partners, weights, rngs):
        drawn.append(len(base))
        return draw(self, base, partners, weights, rngs)

    monkeypatch.setattr(Augment, "draw", counted)
    sampler = RandomOverSampler(synthesis=Augment(), random_state=0)
    plans = EpochPlans(sampler, make_images(N, (28, 28), "uint8"), Y)
    data = PlanDataset(plans)
    data.__getitems__(plans(1).rows(range(N, 36)))
    assert drawn == [12]


@pytest.mark.skipif(sys.platform != "linux", reason="memory of a process is read off /proc")
def test_a_worker_owns_no_object_a_row():
    # In a process of its own: what is there of other tests would be copied when a worker writes.
    done = run_python("-c", OWN_MEMORY)
    assert done.returncode == 0, done.stderr
    before, *_, after = map(int, done.stdout.split())
    assert after - before < 2_000  # objects: 147 bytes a row, 5,900 KB


OWN_MEMORY = """
from pathlib import Path

import numpy as np
from torch.utils.data import DataLoader

from imblearn_images import RandomOverSampler
from imblearn_images.epochs import EpochPlans
from imblearn_images.torch import PlanDataset


def own_kilobytes(rows):
    rows.clear()
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty"))


X, y = np.zeros((40_000, 1, 1), np.uint8), np.arange(40_000) % 10 // 7
data = PlanDataset(EpochPlans(RandomOverSampler(random_state=0), X, y))
fork = {"num_workers": 1, "multiprocessing_context": "fork"}
print(*DataLoader(data, 2000, collate_fn=own_kilobytes, **fork))
"""


def test_what_goes_to_workers_pickles_and_what_does_not_is_told(tmp_path):
    paths = write_images(tmp_path, make_images(N, (10, 12, 3), "uint8"))
    data = PlanDataset(EpochPlans(mix(), paths, Y, size=(6, 5), mode="RGB"), as_array)
    again = pickle.loads(pickle.dumps(data))
    assert np.array_equal(again[33][0], data[33][0]) and len(again) == 36
    with pytest.raises(TypeError, match=r"`plans` must be EpochPlans, got .* Pass EpochPlans\("):
        PlanDataset(paths)
    with pytest.raises(TypeError, match="`target_transform` must be a function or None, got 'x'"):
        PlanDataset(data.plans, target_transform="x")
