"""What is written is what fastai, torchvision and Keras read; each skipped where it is missing."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from folder_tools import read_manifest, write_photos
from PIL import Image

from imblearn_images import SMOTE, RandomOverSampler
from imblearn_images.folders import balance_folder

# what these libraries say about others and each other is not ours
pytestmark = pytest.mark.filterwarnings("ignore")

COUNTS = {"apple tree": 20, "kiwi": 9, "limón": 8}


@pytest.fixture(params=["smote", "copies"])
def sampler(request):
    return {"smote": SMOTE(k_neighbors=3), "copies": RandomOverSampler()}[request.param]


@pytest.fixture
def written(tmp_path, sampler):
    """A function that balances photos in a layout: its folder and the rows of its manifest."""

    def write(layout):
        photos = write_photos(tmp_path / "photos", COUNTS, suffix=".jpg")
        balance_folder(photos, tmp_path / layout, sampler=sampler, layout=layout)
        return tmp_path / layout, read_manifest(tmp_path / layout)

    return write


def labels_of(rows, split):
    return Counter(row.label for row in rows if row.split == split)


def test_torchvision_reads_the_class_folders(written):
    datasets = pytest.importorskip("torchvision.datasets")
    folder, rows = written("folders")
    for split in ("train", "valid"):
        images = datasets.ImageFolder(folder / split)
        assert images.classes == sorted(COUNTS)
        assert Counter(images.classes[k] for k in images.targets) == labels_of(rows, split)
        found = {Path(path).relative_to(folder).as_posix() for path, _ in images.samples}
        assert found == {row.path for row in rows if row.split == split}
        for image, target in images:
            assert image.mode == "RGB" and image.size == (10, 12) and target < 3


def test_fastai_reads_labels_csv(written):
    vision = pytest.importorskip("fastai.vision.all")
    folder, rows = written("csv")
    loaders = vision.ImageDataLoaders.from_csv(
        folder, csv_fname="labels.csv", valid_col="is_valid", item_tfms=vision.Resize(8), bs=4
    )
    for split, data in (("train", loaders.train_ds), ("valid", loaders.valid_ds)):
        assert Counter(loaders.vocab[int(y)] for _, y in data) == labels_of(rows, split)
        found = {Path(path).as_posix() for path in (folder / name for name in data.items["name"])}
        assert found == {(folder / row.path).as_posix() for row in rows if row.split == split}
    images, labels = loaders.one_batch()
    assert tuple(images.shape) == (4, 3, 8, 8) and len(labels) == 4


@pytest.mark.parametrize("form", ["tf", "grain"])
def test_keras_reads_the_class_folders(written, form):
    keras = pytest.importorskip("keras")
    pytest.importorskip({"tf": "tensorflow", "grain": "grain"}[form])
    folder, rows = written("folders")
    for split in ("train", "valid"):
        data = keras.utils.image_dataset_from_directory(
            folder / split, image_size=(12, 10), shuffle=False, batch_size=4, format=form
        )
        assert data.class_names == sorted(COUNTS)
        labels, images = [], []
        for pixels, classes in data:
            images += list(np.asarray(pixels))
            labels += [data.class_names[k] for k in np.asarray(classes).tolist()]
        assert Counter(labels) == labels_of(rows, split)
        drawn = [row.path for row in rows if row.split == split and row.path.endswith(".png")]
        pngs = [np.asarray(Image.open(folder / path), dtype=np.float32) for path in drawn]
        assert all(any(np.array_equal(png, image) for image in images) for png in pngs)
