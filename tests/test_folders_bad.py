"""What a folder may hold that it should not: bad images, hostile labels; and no leak, ever."""

import json
import os
import socket
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from folder_tools import contents, encoded, read_labels, read_manifest, snapshot, write_photos
from forked import run_python
from hypothesis import example, given, settings
from hypothesis import strategies as st
from imblearn.over_sampling import SMOTE as ImblearnSMOTE
from imblearn.pipeline import make_pipeline
from PIL import Image

from imblearn_images import MLSMOTE, SMOTE, RandomOverSampler, RandomUnderSampler
from imblearn_images.core.files import read_image
from imblearn_images.folders import (
    balance_folder,
    export_images,
    inspect_folder,
    load_image_folder,
    split_folder,
    verify_folder,
)
from imblearn_images.folders._manifest import Row, label_table
from imblearn_images.folders._names import check_names, decode_label, encode_label, labels_csv

COLOUR = np.random.default_rng(0).integers(0, 256, (64, 48, 3), dtype=np.uint8)
PNG, JPEG = encoded(COLOUR), encoded(COLOUR, "JPEG")
FLIPPED = PNG[: len(PNG) // 2] + bytes([PNG[len(PNG) // 2] ^ 0xFF]) + PNG[len(PNG) // 2 + 1 :]

BROKEN = {
    "empty.png": b"",
    "text.png": b"hello",
    "page.jpg": b"<html>404</html>",
    "cut.jpg": JPEG[: len(JPEG) // 2],
    "cut.png": PNG[: len(PNG) // 2],
    "flipped.png": FLIPPED,
    "zeros.jpg": bytes(5000),
    "header.jpg": JPEG[:2],
    "vector.png": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "cut.tif": encoded(COLOUR, "TIFF")[:3000],
    "cut.webp": encoded(COLOUR, "WEBP", lossless=True)[:4000],
    "cut.gif": encoded(COLOUR, "GIF")[:500],
    "cut.bmp": encoded(COLOUR, "BMP")[:500],
    "cut.ppm": encoded(COLOUR, "PPM")[:500],
    "script.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
}


@pytest.fixture
def photos(tmp_path):
    return write_photos(tmp_path / "photos", {"apple": 12, "kiwi": 8})


def add(folder, name, content):
    path = Path(folder) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


# --- bad images


def test_all_broken_files_are_named_before_anything_is_written(photos, tmp_path):
    for name, content in BROKEN.items():
        add(photos, f"kiwi/{name}", content)
    before = snapshot(photos)
    with pytest.raises(ValueError, match=f"{len(BROKEN)} of {20 + len(BROKEN)}") as caught:
        balance_folder(photos, tmp_path / "out", sampler=RandomOverSampler(), n_jobs=2)
    for name in BROKEN:
        line = next(line for line in str(caught.value).splitlines() if f"kiwi/{name}:" in line)
        assert len(line.split(f"{name}:")[1].strip()) > 5, "no reason"
    assert not (tmp_path / "out").exists() and snapshot(photos) == before


@pytest.mark.parametrize("link", ["copy", "hard"])
def test_broken_files_are_left_out_and_listed(photos, tmp_path, link):
    balance_folder(photos, tmp_path / "clean", sampler=RandomOverSampler(), link=link)
    for name, content in BROKEN.items():
        add(photos, f"kiwi/{name}", content)
    report = balance_folder(
        photos, tmp_path / "out", sampler=RandomOverSampler(), link=link, on_error="skip"
    )
    assert set(report.skipped) == {f"kiwi/{name}" for name in BROKEN}
    assert all(report.skipped.values())
    rows = read_manifest(tmp_path / "out")
    left_out = [row for row in rows if row.split == "skipped"]
    assert {(row.parents[0], row.reason) for row in left_out} == set(report.skipped.items())
    assert {row.label for row in left_out} == {"kiwi"}
    clean, found = contents(tmp_path / "clean"), contents(tmp_path / "out")
    assert clean.pop("manifest.jsonl") != found.pop("manifest.jsonl") and clean == found
    assert verify_folder(tmp_path / "out", source=photos)
    assert {c.label: c.skipped for c in report.classes} == {"apple": 0, "kiwi": len(BROKEN)}
    inspected = inspect_folder(photos)
    assert inspected.broken == report.skipped


def test_a_class_of_broken_files_only_is_named(photos, tmp_path):
    add(photos, "lime/text.png", b"hello")
    with pytest.raises(ValueError, match="'lime' has no file"):
        balance_folder(photos, tmp_path / "out", on_error="skip")


@pytest.mark.skipif(os.name != "posix", reason="pipes and links of POSIX")
def test_what_is_no_file_is_named_and_does_not_block(photos, tmp_path):
    os.mkfifo(photos / "kiwi" / "pipe.png")
    (photos / "kiwi" / "dangling.png").symlink_to("nowhere.png")
    (photos / "kiwi" / "round.png").symlink_to("round.png")
    (photos / "kiwi" / "loop").symlink_to(photos, target_is_directory=True)
    (photos / "kiwi" / "folder.png").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        folder = os.open(photos / "kiwi", os.O_RDONLY)
        server.bind(f"/proc/self/fd/{folder}/socket.png" if sys.platform == "linux" else "s.png")
        os.close(folder)
    odd = {f"kiwi/{name}.png" for name in ("pipe", "dangling", "round", "socket")}
    with pytest.raises(ValueError, match="4 of 24") as caught:
        balance_folder(photos, tmp_path / "out")
    assert all(name in str(caught.value) for name in odd)
    report = balance_folder(photos, tmp_path / "out", on_error="skip")
    assert set(report.skipped) == odd
    assert report.n_valid + report.n_train == 20
    # an array of groups goes by the files that are listed, which these are not
    with pytest.warns(UserWarning, match="4 files skipped"):
        paths, _ = load_image_folder(photos)
    split_folder(photos, groups=[int(path[-7:-4]) // 2 for path in paths], on_error="skip")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs to become nobody")
def test_an_unreadable_file_is_named(photos, tmp_path):
    add(photos, "kiwi/secret.png", PNG).chmod(0)
    for folder in [photos, *photos.iterdir(), *tmp_path.parents, tmp_path]:
        if os.stat(folder).st_uid == 0 and "pytest" in str(folder):
            folder.chmod(0o755)
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable]
    how = {"capture_output": True, "text": True, "check": False, "cwd": "/"}
    how["env"] = {"PYTHONPATH": os.getcwd(), "PATH": os.environ["PATH"]}
    readable = subprocess.run([*as_nobody, "-c", "import PIL, numpy"], **how)
    if readable.returncode:
        pytest.skip(f"nobody cannot use this Python: {readable.stderr}")
    command = ["-m", "imblearn_images", "inspect", str(photos), "--no-near"]
    done = subprocess.run([*as_nobody, *command], **how)
    assert done.returncode == 0, done.stderr
    assert "broken: kiwi/secret.png: Permission denied" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_bomb_is_refused_in_little_memory(photos, tmp_path):
    Image.new("1", (20000, 20000)).save(photos / "kiwi" / "bomb.png")
    script = (
        "import re, sys, time\n"
        "from imblearn_images.folders._source import examine\n"
        "import imblearn_images.folders\n"
        "def peak():\n"  # not ru_maxrss, which a process inherits from its parent
        "    return int(re.search('VmHWM:\\\\s+(\\\\d+)', open('/proc/self/status').read())[1])\n"
        "before = peak()\n"
        "start = time.perf_counter()\n"
        "print(examine(sys.argv[1]).error)\n"
        "print(time.perf_counter() - start)\n"
        "print(peak() - before)\n"
    )
    done = run_python("-c", script, photos / "kiwi" / "bomb.png")
    assert done.returncode == 0, done.stderr
    error, seconds, kilobytes = done.stdout.splitlines()
    assert "decompression bomb" in error
    assert float(seconds) < 2 and int(kilobytes) < 50_000
    with pytest.raises(ValueError, match=r"bomb\.png.*decompression bomb"):
        balance_folder(photos, tmp_path / "out")


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes, as Linux has them")
def test_names_of_any_bytes_and_of_255_bytes(photos, tmp_path):
    long = "n" * 251 + ".png"
    rng = np.random.default_rng(1)
    for name in (b"caf\xe9.png", b"quote'\"\n\t.png", "naïve 雪.png".encode(), long.encode()):
        image = rng.integers(0, 256, (12, 10, 3), dtype=np.uint8)
        with open(os.path.join(os.fsencode(photos), b"kiwi", name), "wb") as file:
            file.write(encoded(image))
    for sampler in (RandomOverSampler(), SMOTE(k_neighbors=3)):
        for layout in ("folders", "csv"):
            out = tmp_path / f"{type(sampler).__name__}-{layout}"
            report = balance_folder(photos, out, sampler=sampler, layout=layout)
            assert report.n_valid + report.n_train >= 24
            assert verify_folder(out, source=photos)
            assert any("naïve_雪" in name for name in contents(out))  # letters stay, bytes do not
            assert not any("\udce9" in name for name in contents(out))
            text = (out / "manifest.jsonl").read_bytes().decode("ascii")
            parents = {p for line in text.splitlines() for p in json.loads(line)["parents"]}
            assert "kiwi/caf\udce9.png" in parents and f"kiwi/{long}" in parents
            str(report).encode()
    str(inspect_folder(photos)).encode()


def test_what_is_only_unusual_is_taken_and_noted(photos, tmp_path):
    frames = [Image.fromarray(np.roll(COLOUR, k, 0)) for k in range(3)]
    for name, kind in (("moving.gif", "GIF"), ("pages.tif", "TIFF"), ("moving.webp", "WEBP")):
        frames[0].save(photos / "kiwi" / name, kind, save_all=True, append_images=frames[1:])
    add(photos, "kiwi/really_png.jpg", encoded(COLOUR[:, ::-1]))
    add(photos, "kiwi/no_ending", PNG)
    report = balance_folder(photos, tmp_path / "out", sampler=RandomOverSampler())
    notes = "\n".join(report.notes)
    assert "3 files with more than one frame, the first is used" in notes
    assert "1 file whose name says another format, such as" in notes and "really_png.jpg" in notes
    assert "1 file skipped that is not an image" in notes
    assert report.n_valid + report.n_train >= 24


def test_unusual_modes_are_mixed_by_their_rule_or_refused(tmp_path):
    rng = np.random.default_rng(3)
    images = {
        "L": rng.integers(0, 256, (8, 8), dtype=np.uint8),
        "I;16": rng.integers(0, 65536, (8, 8), dtype=np.uint16),
        "F": rng.random((8, 8), dtype=np.float32),
    }
    for mode in images:
        source = tmp_path / mode.replace(";", "")
        suffix = ".tif" if mode == "F" else ".png"
        for row in range(30):
            label = "kiwi" if row % 3 == 0 else "apple"
            image = np.roll(images[mode], row, 1) if row < 8 else np.roll(images[mode].T, row, 0)
            kind = "TIFF" if mode == "F" else "PNG"
            noise = rng.permutation(image.ravel()).reshape(8, 8)
            add(source, f"{label}/{row}{suffix}", encoded(noise, kind))
        balance_folder(source, tmp_path / "out" / mode[0], sampler=SMOTE(k_neighbors=3))
        for row in read_manifest(tmp_path / "out" / mode[0]):
            if row.kind == "synthetic":
                child = read_image(tmp_path / "out" / mode[0] / row.path)
                base, partner = (read_image(source / parent) for parent in row.parents)
                assert child.dtype == images[mode].dtype and child.std() > 0
                assert (child <= np.maximum(base, partner)).all()
                assert (child >= np.minimum(base, partner)).all()


def test_mixed_modes_are_refused_with_counts_or_read_as_one(photos, tmp_path):
    for row in range(4):
        grey = np.random.default_rng(row).integers(0, 256, (12, 10), dtype=np.uint8)
        add(photos, f"kiwi/grey{row}.png", encoded(grey))
    inspected = {c["label"]: c["modes"] for c in inspect_folder(photos).classes}
    assert inspected["kiwi"] == {"RGB": 8, "L": 4}
    add(photos, "apple/13.png", encoded(COLOUR))
    write_photos(photos, {"apple": 30}, first=20)
    sampler = SMOTE(k_neighbors=3)
    with pytest.raises(ValueError, match=r"(?s)2 kinds.*RGB .*L "):
        balance_folder(photos, tmp_path / "out", sampler=sampler)
    assert not (tmp_path / "out").exists()
    for mode in ("RGB", "L"):
        balance_folder(photos, tmp_path / mode, sampler=sampler, mode=mode)
        assert verify_folder(tmp_path / mode, source=photos)
        for row in read_manifest(tmp_path / mode):
            if row.kind == "synthetic":
                child = read_image(tmp_path / mode / row.path).astype(float)
                base, partner = (
                    read_image(photos / parent, mode=mode).astype(float) for parent in row.parents
                )
                assert np.abs(child - (base + row.step * (partner - base))).max() <= 0.501


def test_the_orientation_of_a_camera_is_applied_to_what_is_drawn(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    rng = np.random.default_rng(0)
    for label, n in (("apple", 14), ("kiwi", 6)):
        for row in range(n):
            (tmp_path / "photos" / label).mkdir(parents=True, exist_ok=True)
            photo = Image.fromarray(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8))
            photo.save(tmp_path / "photos" / label / f"{row}.jpg", exif=exif)
    sampler = SMOTE(k_neighbors=2)
    balance_folder(tmp_path / "photos", tmp_path / "out", sampler=sampler, validation=0)
    drawn = [row for row in read_manifest(tmp_path / "out") if row.kind == "synthetic"]
    for row in drawn:
        with Image.open(tmp_path / "out" / row.path) as child:
            assert child.size == (48, 64) and child.getexif().get(0x0112, 1) == 1


def test_a_file_that_changes_under_way_is_noticed(photos, tmp_path, monkeypatch):
    from imblearn_images.folders._output import OutputFolder

    copy = OutputFolder.copy

    def meddle(self, source, name, sha256, link):
        if source.endswith("kiwi/photo_003.png"):
            Path(source).write_bytes(encoded(COLOUR))
        copy(self, source, name, sha256, link)

    monkeypatch.setattr(OutputFolder, "copy", meddle)
    with pytest.raises(ValueError, match=r"photo_003\.png: has changed"):
        balance_folder(photos, tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.jsonl").exists()
    assert encoded(COLOUR) not in contents(tmp_path / "out").values()


# --- hostile labels

HOSTILE = [
    "a/b", "..", ".", "/abs", "../../etc", "CON", "con.txt", "nul", "", "x\0y", "a\\b",
    'say "hi"', "line\nbreak", "return\rhere", "=1+1", "@x", "a,b", " lead", "trail ", "dot.",
    "%", "%41", "50 %", "C:", "*?", "<>|", "é", "雪", "-rf", "NA", "007", "\u202e", "tab\t", "'",
]  # fmt: skip


@pytest.mark.parametrize("layout", ["folders", "csv"])
def test_hostile_labels_stay_inside_and_read_back_equal(tmp_path, layout):
    y = [label for label in HOSTILE for _ in range(2)]
    images = np.random.default_rng(0).integers(0, 256, (len(y), 4, 4), dtype=np.uint8)
    out = tmp_path / "deep" / "out"
    is_valid = np.arange(len(y)) % 2 == 0
    paths = export_images(images, y, out, layout=layout, is_valid=is_valid)
    assert sorted(os.listdir(tmp_path)) == ["deep"] and os.listdir(tmp_path / "deep") == ["out"]
    for path in paths:
        assert os.path.realpath(out / path).startswith(os.path.realpath(out) + os.sep)
        assert (out / path).is_file()
    assert verify_folder(out)
    rows = {row.path: row.label for row in read_manifest(out)}
    assert [rows[path] for path in paths] == y
    if layout == "folders":
        assert [decode_label(path.split("/")[1]) for path in paths] == y
    elif sys.version_info >= (3, 11):  # the csv module of 3.10 cannot read NUL
        table = read_labels((out / "labels.csv").read_bytes())
        assert {name: label for name, label, _ in table} == dict(zip(paths, y, strict=True))
        frame = pd.read_csv(
            out / "labels.csv", dtype={"label": str}, keep_default_na=False, engine="python"
        )
        assert frame.is_valid.dtype == bool
        assert frame.label.tolist() == [label for _, label, _ in table]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
@example(".hidden")
@example(" lead")
@example("a%")
@example("LPT9.jpg")
def test_a_label_and_its_folder_are_one_to_one(label):
    name = encode_label(label)
    assert decode_label(name) == label
    assert name not in ("", ".", "..") and not set(name) & set('/\\\0<>:"|?*\n\r')
    assert name[-1] not in ". " and name[0] not in ". " and len(name.encode()) <= 255
    assert name.split(".")[0].upper() not in ("CON", "PRN", "AUX", "NUL", "COM1", "LPT9")
    assert encode_label(name) != name or "%" not in name


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), max_size=9))
@settings(max_examples=60)
def test_labels_csv_reads_back_equal(labels):
    if sys.version_info < (3, 11):
        labels = [label.replace("\0", "") for label in labels]
    rows = [
        Row(f"images/{k}.png", label, ("train", "valid")[k % 2], "original", ())
        for k, label in enumerate(labels)
    ]
    content = b"".join(labels_csv(label_table(rows)))
    table = read_labels(content)
    assert table == [(row.path, row.label, row.split == "valid") for row in rows]
    assert content.startswith(b"name,label,is_valid\n")


@pytest.mark.parametrize(
    ("labels", "named"),
    [
        (["Cat", "cat"], ["'Cat'", "'cat'"]),
        ([unicodedata.normalize(form, "café") for form in ("NFC", "NFD")], ["caf"]),
        (["STRASSE", "straße"], ["'STRASSE'", "'straße'"]),
        (["x" * 256], ["shorter"]),
        (["caf\udce9"], ["not UTF-8"]),
    ],
    ids=["case", "composed", "sharp s", "long", "not UTF-8"],
)
def test_labels_that_clash_are_named(labels, named):
    with pytest.raises(ValueError, match="Class") as caught:
        check_names(labels, "folders")
    assert all(name in str(caught.value) for name in named)


@pytest.mark.skipif(sys.platform != "linux", reason="a file system that tells case apart")
def test_class_folders_that_clash_are_named(tmp_path):
    write_photos(tmp_path / "photos", {"Cat": 6, "cat": 6})
    with pytest.raises(ValueError, match="'Cat' and 'cat'"):
        balance_folder(tmp_path / "photos", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    report = balance_folder(tmp_path / "photos", tmp_path / "out", layout="csv")
    assert any("'Cat', 'cat'" in note for note in report.notes)
    write_photos(tmp_path / "bytes", {b"caf\xe9".decode("utf-8", "surrogateescape"): 6, "b": 6})
    for layout in ("folders", "csv"):
        with pytest.raises(ValueError, match="not UTF-8"):
            balance_folder(tmp_path / "bytes", tmp_path / "none", layout=layout)


@pytest.mark.skipif(sys.platform != "linux", reason="names that Windows refuses")
def test_class_folders_with_strange_names(tmp_path):
    labels = ["=1+1", "con", 'say "hi"', "line\nbreak", "50 %", "NA", "%41"]
    write_photos(tmp_path / "photos", dict.fromkeys(labels, 4))
    for layout in ("folders", "csv"):
        report = balance_folder(tmp_path / "photos", tmp_path / layout, layout=layout)
        assert {row.label for row in read_manifest(tmp_path / layout)} == set(labels)
        assert verify_folder(tmp_path / layout, source=tmp_path / "photos")
        assert "\n" not in str(report).splitlines()[3]
    assert any("'=1+1', 'NA'" in note for note in report.notes)
    found = read_labels((tmp_path / "csv" / "labels.csv").read_bytes())
    assert {label for _, label, _ in found} == set(labels)


# --- no leak, over random folders


@st.composite
def folders(draw):
    """Number of files per class, which of them are equal, and their groups."""
    sizes = draw(st.lists(st.integers(6, 14), min_size=2, max_size=4))
    n = sum(sizes)
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    pixels = rng.integers(0, draw(st.sampled_from([30, 90, 250])), n).tolist()
    groups = rng.integers(0, draw(st.sampled_from([30, 90, 250])), n).tolist()
    return sizes, pixels, groups


@given(
    folders(),
    st.sampled_from([RandomOverSampler(), RandomUnderSampler(), SMOTE(k_neighbors=1), None]),
    st.sampled_from([0.1, 0.2, 0.25, 0.4]),
    st.booleans(),
    st.integers(0, 3),
)
@settings(max_examples=60)
def no_training_row_descends_from_a_validation_image(
    tries, tmp_path_factory, folder, sampler, share, grouped, seed
):
    sizes, pixels, groups = folder
    tmp_path = tmp_path_factory.mktemp("leak")
    for row, (label, pixel) in enumerate(
        zip(np.repeat(np.arange(len(sizes)), sizes), pixels, strict=True)
    ):
        image = np.full((3, 3), pixel, dtype=np.uint8)
        add(tmp_path, f"photos/class{label}/{row:03}.png", encoded(image))
    before = snapshot(tmp_path / "photos")
    tries[0] += 1
    try:
        report = balance_folder(
            tmp_path / "photos",
            tmp_path / "out",
            sampler=sampler,
            validation=share,
            groups=groups if grouped else None,
            link="symlink",
            random_state=seed,
        )
    except ValueError as error:  # too few different images, or groups, of a class
        if not any(word in str(error) for word in ("class", "groups")):
            raise
        assert not (tmp_path / "out").exists()
        return
    finally:
        assert snapshot(tmp_path / "photos") == before
    tries[1] += grouped
    tries[2] += not grouped
    rows = read_manifest(tmp_path / "out")
    number = {row: int(Path(row.parents[0]).stem) for row in rows}
    valid = [row for row in rows if row.split == "valid"]
    assert all(row.kind == "original" for row in valid) and len(valid) == report.n_valid
    seen_pixels = {pixels[number[row]] for row in valid}
    seen_groups = {groups[number[row]] for row in valid}
    for row in rows:
        if row.split == "train":
            parents = [int(Path(parent).stem) for parent in row.parents]
            assert not seen_pixels & {pixels[parent] for parent in parents}
            assert not (grouped and seen_groups & {groups[parent] for parent in parents})
    assert {c.label for c in report.classes if c.valid and c.train} == {
        c.label for c in report.classes
    }
    assert verify_folder(tmp_path / "out", source=tmp_path / "photos")


def test_no_training_row_descends_from_a_validation_image(tmp_path_factory):
    tries = [0, 0, 0]
    no_training_row_descends_from_a_validation_image(tries, tmp_path_factory)
    assert min(tries[1:]) >= 10, "hardly any folder could be split: the test tests nothing"


@pytest.mark.parametrize(
    ("sampler", "words"),
    [
        (
            make_pipeline(SMOTE(), RandomUnderSampler()),
            "got a Pipeline.*balance twice.*validation=0",
        ),
        (ImblearnSMOTE(), r"got SMOTE\(\)\. Use imblearn_images\.SMOTE,"),
        (SMOTE, r"Did you mean SMOTE\(\)\?"),
        (MLSMOTE(), r"one label for each image.*got MLSMOTE\(\)"),
        ("smote", "a sampler of imblearn_images.*got 'smote'"),
    ],
    ids=["pipeline", "namesake", "class", "several labels", "name"],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_what_leaves_no_plan_is_refused_before_anything_is_read(tmp_path, sampler, words, dry_run):
    with pytest.raises(TypeError, match=words):
        balance_folder(tmp_path / "none", tmp_path / "out", sampler=sampler, dry_run=dry_run)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("flags", [["False", "True"], [0, 2], [None, True]])
def test_what_validates_is_said_by_booleans(tmp_path, flags):
    images = np.zeros((2, 4, 4), np.uint8)
    with pytest.raises(ValueError, match="`is_valid` must be True or False for each image, got"):
        export_images(images, ["a", "b"], tmp_path / "out", is_valid=flags)


def test_an_export_takes_a_name_for_every_image_of_the_plan(tmp_path):
    images = np.arange(5 * 16, dtype=np.uint8).reshape(5, 4, 4)
    over = RandomOverSampler(random_state=0)
    X_res, y_res = over.fit_resample(images, [0, 0, 0, 0, 1])
    with pytest.raises(ValueError, match=r"one name for each of the 5 images .* got 3"):
        export_images(X_res, y_res, tmp_path / "out", plan=over.plan_, names=list("abc"))


def test_the_training_part_of_an_output_is_a_source(photos, tmp_path):
    balance_folder(photos, tmp_path / "one", sampler=SMOTE(k_neighbors=3))
    once_more = RandomUnderSampler(sampling_strategy={"apple": 5})
    report = balance_folder(
        tmp_path / "one" / "train", tmp_path / "two", sampler=once_more, validation=0
    )
    assert report.n_valid == 0 and {c.label: c.train for c in report.classes}["apple"] == 10
    assert report.n_train == 15 and verify_folder(tmp_path / "two")


@pytest.mark.parametrize("seed", [-3, 2**32])
def test_a_seed_out_of_range_is_refused_before_anything_is_read(tmp_path, seed):
    with pytest.raises(
        ValueError, match=f"`random_state` must be from 0 to 4294967295, got {seed}"
    ):
        balance_folder(tmp_path / "none", tmp_path / "out", random_state=seed)


def test_a_source_that_is_not_there_is_no_list_of_missing_files(photos, tmp_path):
    balance_folder(photos, tmp_path / "out")
    with pytest.raises(FileNotFoundError, match=r"`source` .*nope. Name the one that"):
        verify_folder(tmp_path / "out", source=tmp_path / "nope")


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_number_that_cannot_be_had_is_told_with_that_of_the_training_part(
    photos, tmp_path, dry_run
):
    sampler = SMOTE(sampling_strategy={"apple": 4})
    with pytest.raises(ValueError, match=r"'apple' has 10 images .* asks for 4\."):
        balance_folder(photos, tmp_path / "out", sampler=sampler, dry_run=dry_run)
    assert not (tmp_path / "out").exists()
