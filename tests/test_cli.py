"""The command: what it prints, what it writes, how it refuses."""

import io
import re
import subprocess
import sys
from collections import Counter
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from joblib import parallel_config
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

import imblearn_images
from imblearn_images import ResamplingPlan
from imblearn_images._cli.demo import _contact_sheet, _verdict
from imblearn_images._cli.main import main
from imblearn_images.datasets import load_texture_patches


def listing(folder):
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def class_table(printed):
    """Name -> before, after, originals, synthetic."""
    rows = re.findall(r"^(\S+) +(\d+) +(\d+) +(\d+) +(\d+)$", printed, re.MULTILINE)
    return {name: tuple(map(int, counts)) for name, *counts in rows}


def scores(printed):
    """Name -> mean and spread of balanced accuracy and of macro F1."""
    number = r"([\d.]+) \+- ([\d.]+)"
    rows = re.findall(rf"^(\S.*?) +{number} +{number} +{number}$", printed, re.MULTILINE)
    return {name: tuple(map(float, values[:4])) for name, *values in rows}


def make_folder(folder, counts, seed=0):
    """Class folders of noisy images, lighter class by class, of mixed sizes and modes."""
    rng = np.random.default_rng(seed)
    for label, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True)
        for row in range(count):
            shape = (8 + row % 3, 9 + row % 2, 3)
            pixels = rng.normal(rng.normal(100 + 20 * label, 20), 20, shape)
            pixels = pixels.clip(0, 255).astype(np.uint8)
            mode = ("RGB", "L", "RGBA", "P")[row % 4]
            Image.fromarray(pixels).convert(mode).save(folder / name / f"{row}.png")
    return folder


@pytest.fixture(scope="module")
def bundled(tmp_path_factory):
    """What the command prints on the bundled images, and the folder it ran in."""
    here = tmp_path_factory.mktemp("here")
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
        patch.chdir(here)
        code = main(["demo", "--size", "48", "--folds", "2", "--seed", "3"])
    assert code == 0
    return printed.getvalue(), here


@pytest.fixture
def photos(tmp_path):
    return make_folder(tmp_path / "photos", {"kiwi": 9, "lime": 3, "plum": 6})


def test_class_table_counts_the_bundled_images(bundled):
    table = class_table(bundled[0])
    counts = Counter(load_texture_patches(images="colour", size=48).target.tolist())
    most = max(counts.values())
    total = sum(counts.values())
    assert table.pop("all") == (total, 4 * most, total, 4 * most - total)
    assert table == {name: (n, most, n, most - n) for name, n in counts.items()}


def test_no_resampling_is_the_plain_classifier(bundled):
    data = load_texture_patches(images="colour", size=48)
    plain = make_pipeline(StandardScaler(), PCA(50, random_state=3), SVC())
    folds = StratifiedKFold(2, shuffle=True, random_state=3)
    X = data.images.reshape(len(data.images), -1)
    for column, scoring in ((0, "balanced_accuracy"), (2, "f1_macro")):
        with threadpool_limits(1):
            values = cross_val_score(plain, X, data.target, cv=folds, scoring=scoring)
        mean, spread = scores(bundled[0])["no resampling"][column : column + 2]
        assert mean == pytest.approx(values.mean(), abs=0.002)
        assert spread == pytest.approx(values.std(ddof=1), abs=0.002)


def test_the_rows_differ_and_the_sentence_names_the_best(bundled):
    table = scores(bundled[0])
    assert len(table) == 6
    assert len(set(table.values())) > 3
    highest = max(values[0] for values in table.values())
    best = [name for name, values in table.items() if values[0] == highest]
    assert "no resampling" not in best
    assert any(f"Highest balanced accuracy: {name}, " in bundled[0] for name in best)


def test_says_that_uint8_smote_is_wrong(bundled):
    share = int(re.search(r"(\d+)% of its synthetic pixels", bundled[0]).group(1))
    assert 20 < share < 80


def test_output_fits_a_terminal_and_is_all_that_is_written(bundled):
    printed, here = bundled
    assert max(map(len, printed.splitlines())) <= 80
    assert list(listing(here)) == ["imblearn_images_demo.png"]


def test_png_shows_classes_and_columns(bundled):
    with Image.open(bundled[1] / "imblearn_images_demo.png") as sheet:
        assert (sheet.format, sheet.mode) == ("PNG", "RGB")
        assert 7 * 96 < sheet.width < 1000
        assert 3 * 3 * 96 < sheet.height < 1500
        assert len(sheet.getcolors(1 << 24)) > 1000


def test_sheet_holds_base_child_and_partner_in_order():
    images = np.full(
        (4, 4, 4, 3), [[[[10, 0, 0]]], [[[30, 0, 0]]], [[[110, 0, 0]]], [[[250, 0, 0]]]]
    )
    images = images.astype(np.uint8)
    plan = ResamplingPlan(
        np.array([0, 1, 2, 3, 1]),
        np.array([[0], [1], [2], [3], [2]]),
        np.array([[0.0], [0.0], [0.0], [0.0], [0.25]]),
        np.array(["a", "b", "b", "a", "b"]),
        4,
    )
    sheet = np.asarray(_contact_sheet(plan, images))
    flat = [np.argwhere((sheet == [level, 0, 0]).all(axis=2)) for level in (30, 50, 110)]
    base, child, partner = flat
    for tile in flat:
        assert len(tile) >= 96 * 96
    assert base[:, 0].max() < child[:, 0].min() < child[:, 0].max() < partner[:, 0].min()
    assert base[:, 1].min() == child[:, 1].min() == partner[:, 1].min()
    for level in (10, 250):  # parents of nothing
        assert np.count_nonzero((sheet == [level, 0, 0]).all(axis=2)) < 96


def test_folder_of_mixed_images(photos, tmp_path, capsys):
    (photos / "notes.txt").write_text("bought on Monday")
    before = listing(photos)
    output = tmp_path / "sheet.png"
    arguments = ["demo", "--folder", str(photos), "--size", "10", "--output", str(output)]
    assert main(arguments) == 0
    printed, errors = capsys.readouterr()
    assert errors == ""
    assert class_table(printed) == {
        "kiwi": (9, 9, 9, 0),
        "lime": (3, 9, 3, 6),
        "plum": (6, 9, 6, 3),
        "all": (18, 27, 18, 9),
    }
    assert "lime, has 3 images; hence 3 folds" in printed
    assert "k_neighbors=1" in printed
    assert "1 file" in printed
    assert listing(photos) == before
    first = output.read_bytes()

    with parallel_config(backend="threading"):
        assert main([*arguments, "--n-jobs", "2"]) == 0
    assert scores(capsys.readouterr().out) == scores(printed)
    assert output.read_bytes() == first

    assert main([*arguments, "--folds", "2"]) == 0  # would train on a single lime
    assert scores(capsys.readouterr().out) == scores(printed)

    assert main([*arguments, "--seed", "1"]) == 0
    assert scores(capsys.readouterr().out) != scores(printed)
    assert output.read_bytes() != first


def test_two_classes_and_fewer_training_images_than_components(tmp_path, capsys):
    photos = make_folder(tmp_path / "photos", {"kiwi": 70, "lime": 4})
    output = tmp_path / "sheet.png"
    assert main(["demo", "--folder", str(photos), "--size", "6", "--output", str(output)]) == 0
    assert len(scores(capsys.readouterr().out)) == 6


CLASSES = ("kiwi", "lime", "plum")
REFUSED = {
    "missing folder": (lambda photos: photos.rename(photos.with_name("gone")), "photos: No such"),
    "a file": (
        lambda photos: (photos.rename(photos.with_name("gone")), photos.touch()),
        "photos: Not a directory",
    ),
    "no class folders": (
        lambda photos: [(photos / name).rename(photos.with_name(name)) for name in CLASSES],
        "No class folder",
    ),
    "one class": (
        lambda photos: [(photos / name).rename(photos.with_name(name)) for name in CLASSES[1:]],
        "of one class, 'kiwi'",
    ),
    "small class": (lambda photos: (photos / "lime/0.png").unlink(), "'lime' (2)"),
    "unreadable image": (lambda photos: (photos / "plum/1.png").write_text("no"), "plum/1.png"),
    "balanced": (
        lambda photos: [
            (photos / name / f"{row}.png").unlink()
            for name in CLASSES
            for row in range(3, 9)
            if (photos / name / f"{row}.png").exists()
        ],
        "Each class has 3 images",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses_a_folder_with_one_message(case, photos, tmp_path, capsys):
    damage, expected = REFUSED[case]
    damage(photos)
    output = tmp_path / "sheet.png"
    assert main(["demo", "--folder", str(photos), "--output", str(output)]) == 1
    message = capsys.readouterr().err
    assert message.startswith("imblearn-images: ")
    assert expected in message.replace("\\", "/")
    assert "Traceback" not in message
    assert not output.exists()


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("sheet.jpg", "ends in .png"),
        ("nowhere/sheet.png", "does not exist"),
        ("photos/lime/sheet.png", "lies inside the source"),
        ("thesis.png", "exists already and is not a PNG"),
    ],
)
def test_refuses_an_output_before_reading(output, expected, photos, tmp_path, capsys):
    (tmp_path / "thesis.png").write_text("three years of work")
    before = listing(tmp_path)
    assert main(["demo", "--folder", str(photos), "--output", str(tmp_path / output)]) == 1
    printed, message = capsys.readouterr()
    assert expected in message
    assert printed == ""
    assert listing(tmp_path) == before


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["demo", "--size", "0"],
        ["demo", "--size", "big"],
        ["demo", "--folds", "1"],
        ["demo", "--seed", "-1"],
        ["demo", "--seed", str(2**32)],
        ["demo", "photos"],
        ["demo", "--n-jobs", "0"],
        ["balance", "photos", "out", "--seed", "-3"],
        ["balance", "photos", "out", "--n-jobs", "0"],
        ["balance", "photos", "out", "--k-neighbors", "0"],
        ["unbalance", "photos", "out", "--profile", "staircase", "--step", "0"],
        ["inspect", "photos", "--n-jobs", "0"],
        ["verify", "photos", "--n-jobs", "0"],
        ["compare", "photos", "--folds", "1"],
        ["compare", "photos", "--repeats", "0"],
        ["compare", "photos", "--size", "0"],
        ["compare", "photos", "--seed", "-1"],
        ["compare", "photos", "--n-jobs", "0"],
    ],
)
def test_wrong_usage(arguments, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert "usage: imblearn-images" in error
    if len(arguments) > 3:
        assert f"argument {arguments[-2]}: {arguments[-1]} is " in error.splitlines()[-1]


def test_patches_larger_than_the_photos_are_refused(tmp_path, capsys):
    assert main(["demo", "--size", "5000", "--output", str(tmp_path / "sheet.png")]) == 1
    assert "--size must be an integer from 1 to" in capsys.readouterr().err


def test_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "imblearn_images", "--version"],
        cwd=Path(imblearn_images.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == f"imblearn-images {imblearn_images.__version__}"


def test_sentence_says_what_the_numbers_say():
    nothing = np.array([0.5, 0.6, 0.7])
    assert "Nothing here" in _verdict({"no resampling": nothing, "SMOTE": nothing - 0.1})
    assert "Nothing here" in _verdict({"no resampling": nothing, "SMOTE": nothing})
    clear = _verdict({"no resampling": nothing, "SMOTE": nothing + 0.1, "other": nothing - 0.1})
    assert "SMOTE, 0.100 above" in clear
    assert "is more than" in clear
    noisy = _verdict({"no resampling": nothing, "SMOTE": nothing + np.array([0.3, -0.3, 0.1])})
    assert "0.033 above" in noisy
    assert "is not more than" in noisy
    assert "0.306" in noisy  # sample standard deviation of 0.3, -0.3, 0.1
