"""The command compare: what it prints, what it writes, how it refuses."""

import base64
import io
import json
import re
import shutil
import sys

import numpy as np
import pytest
from folder_tools import snapshot
from PIL import Image
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score

from imblearn_images import __version__
from imblearn_images._cli import compare
from imblearn_images._cli.compare import DEFAULT_METHODS, default_estimator
from imblearn_images._cli.main import _parser, main
from imblearn_images.datasets import load_image_folder, load_texture_patches
from imblearn_images.preprocessing import ReadImages
from imblearn_images.recipes import mix

COUNTS = {"kiwi": 24, "lime": 8}


def write_folder(folder, counts, seed=0):
    """Class folders of noisy photos, greener class by class, two of a plant."""
    rng = np.random.default_rng(seed)
    for label, (name, n) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True)
        for row in range(n):
            pixels = rng.normal([90, 90 + 25 * label, 90], 40, (12, 10, 3))
            image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
            image.save(folder / name / f"{name}-{row // 2}_{row}.png")
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("photos") / "photos", COUNTS)


def run(capsys, *arguments):
    quick = [] if "policies" in arguments else ["--quick"]
    code = main(["compare", "--n-jobs", "1", *quick, *map(str, arguments)])
    return code, *capsys.readouterr()


def lines_of(printed):
    """Name of a candidate -> mean score."""
    found = re.findall(r"^(\S+) +(\d\.\d+) \+- ", printed, re.MULTILINE)
    return {name: float(mean) for name, mean in found}


def test_the_mix_redraws_half_of_every_class_then_two_fifths_of_other_rows():
    images, labels = load_texture_patches(return_X_y=True, size=16)
    chain = mix(random_state=3)
    _, y_res = chain.fit_resample(images, labels)
    bent, augmented = (step.plan_.synthetic for step in chain.samplers_[1:])
    for label in np.unique(labels):
        ours = y_res == label
        assert abs(bent[ours].mean() - 0.5) < 0.01 and abs(augmented[ours].mean() - 0.4) < 0.01
        assert 0.2 < (bent & augmented)[ours].mean() / 0.4 < 0.8


def test_the_mix_is_compared(photos, capsys):
    code, out, _ = run(capsys, photos, "--folds", 2, "--repeats", 1, "--methods", "mix")
    assert code == 0 and list(lines_of(out))[-1] == "mix"


def test_prints_the_table_and_ends_with_advice(photos, capsys):
    before = snapshot(photos)
    code, out, err = run(capsys, photos, "--seed", "3")
    assert code == 0 and err == ""
    names = ["none", "class_weight", "prior_correction", "random-over", "smote", "random-under"]
    assert list(lines_of(out)) == names
    verdict = out.splitlines()[-1]
    assert verdict.startswith(("Keep the estimator", "Use "))
    measured = (
        "Measured with FlattenImages+StandardScaler+LogisticRegression on 32 images of 16 x 16"
    )
    assert f"{measured} x 3, 10 folds, seed 3, imblearn_images {__version__}." in verdict
    assert "kiwi" in out and "24" in out
    assert snapshot(photos) == before
    paths, labels = load_image_folder(photos)
    X = ReadImages(size=(16, 16), mode="RGB").fit_transform(paths)
    cv = RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=3)
    scores = cross_val_score(default_estimator(), X, labels, cv=cv, scoring="balanced_accuracy")
    assert lines_of(out)["none"] == pytest.approx(scores.mean(), abs=0.0006)


def test_report_is_one_file_with_pictures(photos, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    report = tmp_path / "report.html"
    code, out, _ = run(capsys, photos, "--folds", 2, "--repeats", 1, "--report", report)
    assert code == 0 and [path.name for path in tmp_path.iterdir()] == ["report.html"]
    page = report.read_text(encoding="utf-8")
    assert page.count(out.splitlines()[-1]) == 1 and "<table>" in page
    assert "http" not in page and " src=" in page
    charts = pictures_in(page, "png")
    assert len(charts) == 3
    for image in charts:
        assert min(image.size) > 150
        assert len(np.unique(np.asarray(image.convert("L")))) > 10
    assert len(pictures_in(page, "jpeg")) + 3 == page.count("<img")


def pictures_in(page, kind):
    found = re.findall(rf'src="data:image/{kind};base64,([^"]+)"', page)
    return [Image.open(io.BytesIO(base64.b64decode(each))) for each in found]


def test_the_report_shows_what_candidates_draw_beside_its_parents(photos, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    report = tmp_path / "report.html"
    drawing = ("smote", "transfer")
    options = ("--methods", *drawing, "random-under", "tomek-links", "--folds", 2, "--repeats", 1)
    code, _, _ = run(capsys, photos, *options, "--report", report)
    page = report.read_text(encoding="utf-8")
    assert code == 0 and {*re.findall(r"<h3>([a-z-]+)</h3>", page)} == set(drawing)
    figures = re.findall("<figure>(.*?)</figure>", page)
    assert len(figures) == 2, "one class is over-sampled, by two candidates"
    (blended,) = [figure for figure in figures if " x " in figure]
    assert re.findall('alt="([^"]+)"', blended)[-1] == "synthetic lime"
    words = re.search(r"<b>lime</b> = (0\.\d+) x ([\w-]+) \+ 0\.\d+ x ([\w-]+)", blended)
    assert re.findall('alt="parent ([^"]+)"', blended) == [words[2], words[3]]
    base, partner, drawn = (np.asarray(each, dtype=float) for each in pictures_in(blended, "jpeg"))
    share = float(words[1])
    blend = share * base + (1 - share) * partner
    assert np.abs(drawn - blend).mean() < np.abs(base - partner).mean() / 2, "of these parents"


@pytest.mark.parametrize("words", [["pair"], ["many", "pair"]], ids=str)
def test_a_report_shows_the_many_pictures_of_an_image_once(words, photos, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    report = tmp_path / "report.html"
    options = ("--folds", 2, "--repeats", 1, "--size", 8, "--report", report)
    code, _, _ = run(capsys, photos, "--methods", *words, *options)
    (heading,) = re.findall(r"<h3>([a-z-]+)</h3>", report.read_text(encoding="utf-8"))
    assert code == 0 and heading in words


def test_a_report_without_candidates_that_draw_shows_none(photos, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    options = ("--methods", "random-over", "--folds", 2, "--repeats", 1)
    code, _, _ = run(capsys, photos, *options, "--report", tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert code == 0 and "<figure>" not in page and "Photos of the smallest classes" in page


def test_json_is_one_object(photos, capsys):
    code, out, _ = run(capsys, photos, "--json", "--folds", 2, "--methods", "tomek-links")
    found = json.loads(out)
    assert code == 0 and found["n_folds"] == 4
    assert [row["candidate"] for row in found["candidates"]][3:] == ["tomek-links"]


def test_a_small_class_lowers_folds_and_neighbours_and_says_so(tmp_path, capsys):
    folder = write_folder(tmp_path / "photos", {"kiwi": 12, "lime": 4})
    code, out, _ = run(capsys, folder, "--methods", "smote")
    assert code == 0 and "smote" in lines_of(out)
    assert "note: 4 folds instead of 5: class 'lime' has 4 images" in out
    assert "note: smote with 2 neighbours instead of 5" in out


def test_copies_stay_in_one_fold(photos, tmp_path, capsys):
    folder = tmp_path / "photos"
    shutil.copytree(photos, folder)
    first = min((folder / "lime").iterdir())
    shutil.copy(first, folder / "lime" / "again.png")
    code, out, _ = run(capsys, folder, "--folds", 2, "--repeats", 1)
    assert code == 0 and "note: copies stay in one fold with their originals: 1" in out


@pytest.mark.parametrize("groups", ["stem-prefix", "near-duplicates"])
def test_groups_stay_in_one_fold(photos, groups, capsys):
    if groups == "near-duplicates":
        pytest.importorskip("imagehash")
    code, out, err = run(capsys, photos, "--folds", 2, "--groups", groups)
    assert code == 0, err
    n_groups = int(re.search(rf"32 files in (\d+) groups \({groups}\)", out).group(1))
    assert n_groups == 16 if groups == "stem-prefix" else n_groups <= 32


MODELS = """
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from imblearn_images.preprocessing import FlattenImages, ReadImages

def reading():
    return make_pipeline(ReadImages(size=(4, 4), mode="RGB"), FlattenImages(), GaussianNB())

model = GaussianNB()
shape = (1, 2)
"""


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A module of the user's in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.delitem(sys.modules, "mymodels", raising=False)
    (tmp_path / "mymodels.py").write_text(MODELS)
    yield
    sys.modules.pop("mymodels", None)


@pytest.mark.parametrize("name", ["mymodels:reading", "mymodels:model", "mymodels:GaussianNB"])
def test_an_estimator_of_the_user(photos, models, name, capsys):
    code, out, err = run(capsys, photos, "--estimator", name, "--size", 4, "--folds", 3)
    assert code == 0, err
    printed = lines_of(out)
    paths, labels = load_image_folder(photos)
    X = ReadImages(size=(4, 4), mode="RGB").fit_transform(paths).reshape(len(paths), -1)
    cv = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)
    scores = cross_val_score(
        sys.modules["mymodels"].model, X, labels, cv=cv, scoring="balanced_accuracy"
    )
    assert printed["none"] == pytest.approx(scores.mean(), abs=0.0006)
    assert len(printed) == 6


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mymodels", "a colon is missing. Pass MODULE:OBJECT"),
        ("no_such_module:model", "cannot be imported: No module named 'no_such_module'"),
        ("mymodels:nothing", "cannot be imported: .*'nothing'"),
        ("mymodels:shape", "(is not|, not) a classifier"),
        ("sklearn.preprocessing:StandardScaler", "(is not|, not) a classifier"),
    ],
)
def test_what_is_no_estimator_is_refused(photos, models, name, message, capsys):
    code, out, err = run(capsys, photos, "--estimator", name)
    assert code == 1 and out == "" and re.search(message, err)
    assert err.startswith("imblearn-images: --estimator") and err.count("\n") == 1


def test_refuses_in_one_line_before_any_work(photos, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(compare, "read_source", lambda *a, **k: pytest.fail("has begun"))
    for report, message in (
        (photos / "report.html", "which is only read"),
        (tmp_path / "no" / "report.html", "Create it first"),
    ):
        code, _, err = run(capsys, photos, "--report", report)
        assert code == 1 and message in err and err.count("\n") == 1
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, _, err = run(capsys, photos, "--report", tmp_path / "report.html")
    assert code == 1 and "pip install matplotlib" in err


def test_refuses_what_cannot_be_compared(tmp_path, capsys):
    code, _, err = run(capsys, tmp_path / "nowhere")
    assert code == 1 and "nowhere" in err
    folder = write_folder(tmp_path / "photos", {"kiwi": 6, "lime": 1})
    code, _, err = run(capsys, folder)
    assert code == 1 and "Class 'lime' has 1 image" in err
    (folder / "kiwi" / "broken.png").write_bytes(b"")
    code, _, err = run(capsys, folder)
    assert code == 1 and "broken.png" in err
    code, _, err = run(capsys, folder, "--methods", "none")
    assert code == 2 and "invalid choice" in err
    code, _, err = run(capsys, photos_of(tmp_path), "--metric", "beauty")
    assert code == 1 and "beauty" in err


def photos_of(folder):
    return write_folder(folder / "more", {"kiwi": 6, "lime": 6})


def test_interrupted_it_prints_what_is_known(photos, capsys, monkeypatch):
    calls = []
    original = compare.METHODS["random-under"].fit_resample

    def stopping(self, X, y):
        calls.append(1)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return original(self, X, y)

    monkeypatch.setattr(compare.METHODS["random-under"], "fit_resample", stopping)
    code, out, err = run(capsys, photos)
    assert code == 130 and err == "imblearn-images: interrupted\n"
    assert "note: interrupted: 2 of 10 folds are complete" in out and len(lines_of(out)) == 6


def test_policies_are_compared_by_default_and_left_out_in_a_hurry(photos, capsys):
    options = ("--folds", 2, "--repeats", 1, "--size", 8, "--json")
    code, out, _ = run(capsys, photos, "--methods", "many", "pair", "policies", *options)
    assert code == 0
    found = json.loads(out)
    names = [each["candidate"] for each in found["candidates"]]
    assert names[3:] == ["many", "pair", "policies"] and not found["failures"]
    assert found["recommended"] in names and "advice" in found
    parsed = _parser().parse_args(["compare", str(photos)])
    assert parsed.methods == [*DEFAULT_METHODS] and DEFAULT_METHODS[-1] == "policies"
    code, out, _ = run(capsys, photos, *options)
    assert code == 0 and "policies" not in out
