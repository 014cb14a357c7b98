"""What a manifest, a journal and a table of labels may say, and that nothing else is believed."""

import json
import os
import random
import shutil

import pytest
from folder_tools import contents, read_labels, write_photos

from imblearn_images import SMOTE
from imblearn_images._cli.words import read_groups
from imblearn_images.folders import balance_folder, export_images, load_image_folder, verify_folder
from imblearn_images.folders._manifest import Manifest, parse_row

HOW = {"sampler": SMOTE(k_neighbors=1), "layout": "csv", "validation": 0.25}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A source, its output, and the lines of the manifest."""
    home = tmp_path_factory.mktemp("written")
    photos = write_photos(home / "photos", {"apple": 9, "kiwi": 5}, shape=(6, 5, 3))
    balance_folder(photos, home / "out", **HOW)
    return photos, home / "out", (home / "out" / "manifest.jsonl").read_text().splitlines()


def rows_of(folder):
    return Manifest(folder / "out")


def facts_of(lines, kind):
    return next(facts for facts in map(json.loads, lines) if facts["kind"] == kind)


TEXT, NUMBERS, LISTS = ["", "abc"], [5, 0, -1, 1.5], [[], [1], [[]], [None], ["a", 1]]
HASHES = ["f" * 63, "f" * 65, "G" * 64, "F" * 64, [], None]
WRONG = {
    "path": ["", ".", "/abs", "../up", "a/../../b", "a\0b", *NUMBERS, *LISTS, {}, True],
    "label": [*NUMBERS, None, *LISTS, {}, True, "other", "\ud800"],
    "split": [*NUMBERS, *TEXT, None, *LISTS, {}, "test ", "TRAIN", "skipped"],
    "kind": [*NUMBERS, *TEXT, None, *LISTS, {}, "skipped", "Original"],
    "parents": [
        *NUMBERS,
        *TEXT,
        None,
        *LISTS[1:],
        {},
        True,
        [""],
        ["a\0b"],
        ["\ud800"],
        ["a", "b", "c"],
    ],
    "synthesis": [*NUMBERS, *LISTS, {}, True],
    "step": [
        *TEXT,
        5,
        10**400,
        *LISTS[1:],
        {},
        True,
        "x",
        1e999,
        float("nan"),
        [0.1, 0.2],
        [float("inf")],
    ],
    "seed": [1.5, -1, 10**400, *TEXT, *LISTS, {}, True],
    "sha256": [*HASHES, *NUMBERS, {}, True],
    "reason": ["abc", *NUMBERS, *LISTS, {}, True],
    "ancestors": [*NUMBERS, *TEXT, None, *LISTS[1:], {}],
    "drawn_before": [True, *NUMBERS, *TEXT, None, *LISTS, {}],
    "unknown": ["abc"],
}


@pytest.mark.parametrize("field", WRONG)
@pytest.mark.parametrize("kind", ["original", "synthetic"])
def test_every_field_is_checked_for_type_and_value(written, field, kind):
    facts = facts_of(written[2], kind)
    assert parse_row(json.dumps(facts).encode()).kind == kind
    for value in WRONG[field]:
        if field == "label" and value == "other":
            facts = {**facts, "path": f"{facts['label']}/{os.path.basename(facts['path'])}"}
        with pytest.raises(ValueError, match=r"."):
            parse_row(json.dumps(facts | {field: value}).encode())
    if field in facts:
        del facts[field]
        with pytest.raises(ValueError, match=f"`{field}` is missing"):
            parse_row(json.dumps(facts).encode())


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000, b'{"a":' * 100_000, b"", b"null", b"7", b"[]", b'"text"', b"NaN",
        b"\xff\xfe", b'{"path": 1, "path": 2}', b"9" * 5000, b'{"seed": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda line: str(line[:12]),
)  # fmt: skip
def test_a_line_that_is_none_is_refused_as_a_value_is(line):
    with pytest.raises(ValueError, match=r"."):
        parse_row(line)


@pytest.mark.parametrize(
    ("path", "split", "told"),
    [
        ("train/kiwi/a.png", "valid", "folder of `split`"),
        ("train/kiwi/a.png", "test", "folder of `split`"),
        ("valid/kiwi/a.png", "train", "folder of `split`"),
        ("kiwi/a.png", "valid", "folder of `split`"),
        ("train/lime/a.png", "train", "folder of `label`"),
        ("deep/train/kiwi/a.png", "train", "folder of `split`"),
        ("a.png", "train", "folder of `label`"),
    ],
)
def test_a_row_lies_where_its_label_and_split_say(written, path, split, told):
    facts = facts_of(written[2], "original") | {"label": "kiwi"}
    with pytest.raises(ValueError, match=told):
        parse_row(json.dumps(facts | {"path": path, "split": split}).encode())


def test_a_folder_is_of_one_split(written, tmp_path):
    facts = facts_of(written[2], "original") | {"label": "kiwi"}
    rows = [
        facts | {"path": f"val/kiwi/{split}.png", "split": split} for split in ("valid", "train")
    ]
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(ValueError, match=r"line 2: .*'val' is in two splits"):
        list(Manifest(tmp_path))


def test_what_is_written_is_read(written, tmp_path):
    rows = list(Manifest(written[1]))
    assert {row.kind for row in rows} >= {"original", "synthetic"}
    paths, labels = load_image_folder(written[0])
    sampler = SMOTE(k_neighbors=2, output_dir=tmp_path / "drawn")
    made, y = sampler.fit_resample(paths, labels)
    export_images(made, y, tmp_path / "out", plan=sampler.plan_, names=paths)
    assert len(list(Manifest(tmp_path / "out"))) == len(y)
    assert verify_folder(tmp_path / "out")
    made_of = [tmp_path / ".." / tmp_path.name / "out" / row.path for row in rows_of(tmp_path)]
    export_images(made_of, y, tmp_path / "again")
    assert verify_folder(tmp_path / "again")


VALUES = [
    None, 5, 1.5, "", [], {}, True, "abc", [1], [[]], ["a"] * 900, "/etc/passwd", "../../x", "a\0b",
    "\udcff", "\ud800", 1e308, float("nan"), 10**400, "train", "valid", "skipped", "copy",
    "synthetic", "0" * 64, ".unfinished/drawn.jsonl", "x" * 200_000, {"a": {"b": []}},
]  # fmt: skip


def mutant(line, rng):
    facts = json.loads(line)
    if rng.random() < 0.7:
        for _ in range(rng.choice([1, 1, 2, 3])):
            facts[rng.choice([*facts, "ancestors", "reason", "new"])] = rng.choice(VALUES)
        return json.dumps(facts).encode()
    if rng.random() < 0.3:
        return rng.choice([b"[" * 90_000, b'{"a":' * 90_000, b"null", b"\0" * 99])
    damaged = bytearray(line.encode())
    for _ in range(rng.randint(1, 5)):
        damaged[rng.randrange(len(damaged))] = rng.randrange(256)
    return bytes(damaged)


@pytest.mark.parametrize("seed", range(3))
def test_damage_is_named_with_its_line_and_healed(written, tmp_path, seed):
    photos, out, lines = written
    rng = random.Random(seed)
    whole = contents(out)
    for turn in range(12):
        damaged = [line.encode() for line in lines]
        at = rng.randrange(len(lines))
        damaged[at] = mutant(lines[at], rng)
        copied = tmp_path / str(turn)
        shutil.copytree(out, copied)
        (copied / "manifest.jsonl").write_bytes(b"\n".join(damaged) + b"\n")
        for source in (None, photos):
            try:
                report = verify_folder(copied, source=source)
            except ValueError as error:
                assert f"manifest.jsonl, line {at + 1}" in str(error)  # noqa: PT017 - or a report
            else:
                assert str(report)
        if turn % 2:  # as a journal
            (copied / ".unfinished").mkdir()
            (copied / "manifest.jsonl").rename(copied / ".unfinished" / "drawn.jsonl")
        balance_folder(photos, copied, **HOW, resume=True)
        assert contents(copied) == whole


@pytest.mark.parametrize(
    "damage",
    [
        lambda table: table.replace(b"kiwi", b"x" * 200_000, 1),
        lambda table: table.replace(b"kiwi", b"x" * 3_000_000, 1),
        lambda table: b'"' + table,
        lambda table: table + b'"' * 140_001,
        lambda table: table + b"\xff",
        lambda table: table.replace(b"True", b"maybe", 1),
        lambda table: table + b"a,b\n",
        lambda table: table + table.split(b"\n")[1] + b"\n",
        lambda table: b"\n".join(table.split(b"\n")[:-2]) + b"\n",
        lambda table: table.replace(b"\n", b"\r\n"),
        lambda table: b"",
        lambda table: table.replace(b"name", b"file", 1),
        lambda table: table.replace(b"kiwi,", b"ki\0wi,", 1),
    ],
)
def test_a_damaged_table_is_one_line_of_the_report(written, tmp_path, damage):
    shutil.copytree(written[1], tmp_path / "out")
    table = tmp_path / "out" / "labels.csv"
    table.write_bytes(damage(table.read_bytes()))
    report = verify_folder(tmp_path / "out")
    assert not report and len(report.labels) == 1
    assert "labels.csv" in report.labels[0] and len(report.labels[0]) < 500


def test_a_table_is_read_no_further_than_the_manifest_goes(written, tmp_path):
    shutil.copytree(written[1], tmp_path / "out")
    with open(tmp_path / "out" / "labels.csv", "ab") as table:
        table.write(b"x,kiwi,False\n")
        table.truncate(1 << 33)  # eight GB of nothing, which takes no room
    report = verify_folder(tmp_path / "out")
    assert len(report.labels) == 1 and "not in the manifest" in report.labels[0]


def test_labels_of_any_length_are_read_back_where_they_may_be_long():
    with pytest.raises(ValueError, match=r"labels\.csv, line 2: not CSV"):
        read_labels(b"name,label,is_valid\na," + b"x" * 200_000 + b",True\n")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
@pytest.mark.parametrize("name", ["manifest.jsonl", "labels.csv", "groups.csv"])
def test_what_is_no_file_is_refused_at_once(written, tmp_path, name, kind):
    shutil.copytree(written[1], tmp_path / "out")
    there = tmp_path / "out" / name
    there.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(there)
    elif kind == "device":
        there.symlink_to("/dev/zero")
    else:
        there.mkdir()
    wanted = f"{name} is a {'folder' if kind == 'folder' else 'pipe, socket or device'}, not a file"
    if name == "labels.csv":
        assert wanted in verify_folder(tmp_path / "out").labels[0]
        return
    read = read_groups if name == "groups.csv" else verify_folder
    with pytest.raises(ValueError, match=wanted):
        read(f"{there}:plant" if name == "groups.csv" else tmp_path / "out")


def test_parents_outside_of_the_source_are_not_looked_for(written, tmp_path, monkeypatch):
    photos, out, lines = written
    shutil.copytree(out, tmp_path / "out")
    secret = tmp_path / "secret.png"
    facts = [json.loads(line) for line in lines]
    outside = [str(secret), "../secret.png", "apple/../../secret.png"]
    for row, name in zip(facts, outside, strict=False):
        row["parents"] = [name]
    (tmp_path / "out" / "manifest.jsonl").write_text("\n".join(map(json.dumps, facts)) + "\n")
    looked = []
    isfile = os.path.isfile
    monkeypatch.setattr(os.path, "isfile", lambda path: (looked.append(str(path)), isfile(path))[1])
    for source in (None, photos):
        report = verify_folder(tmp_path / "out", source=source)
        assert len(report.missing) == 3 and all("points out of" in name for name in report.missing)
    assert len(looked) > 10 and not [path for path in looked if "secret" in path]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda out: None, "is not a folder"),
        (lambda out: out.write_text(""), "is not a folder"),
        (lambda out: out.mkdir(), "was not written by this package"),
        (lambda out: (out / ".unfinished").mkdir(parents=True), "is unfinished .*resume=True"),
    ],
)
def test_verify_says_why_there_is_nothing_to_verify(tmp_path, make, told):
    make(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=f"nowhere' {told}|nowhere' .*{told}"):
        verify_folder(tmp_path / "nowhere")


def test_verify_of_one_side_names_the_folder_that_is_meant(tmp_path):
    photos = write_photos(tmp_path / "photos", {"apple": 5, "kiwi": 5}, shape=(6, 5, 3))
    balance_folder(photos, tmp_path / "out")
    with pytest.raises(FileNotFoundError, match=r"Did you mean '.*out'\?"):
        verify_folder(tmp_path / "out" / "train")
