"""A manifest in Parquet says what lines of JSON say, and is believed no more than these."""

import io
import json
import os
import random
import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from folder_tools import contents, encoded, write_photos
from hypothesis import given, settings
from hypothesis import strategies as st

from imblearn_images import SMOTE, RandomOverSampler
from imblearn_images._cli.main import main
from imblearn_images.folders import (
    balance_folder,
    export_images,
    inspect_folder,
    load_image_folder,
    split_folder,
    verify_folder,
)
from imblearn_images.folders._lineage import read_lineage
from imblearn_images.folders._manifest import Manifest, Row, read_rows, write_rows
from imblearn_images.model_selection import check_leakage

pq = pytest.importorskip("pyarrow.parquet")
PARQUET = "manifest.parquet"
HOW = {"sampler": SMOTE(k_neighbors=1), "layout": "csv", "validation": 0.25, "on_error": "skip"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Photos, one of them broken, and the same output with either manifest."""
    home = tmp_path_factory.mktemp("home")
    photos = write_photos(home / "photos", {"apple": 9, "kiwi": 5}, shape=(6, 5, 3))
    (photos / "kiwi" / "broken.png").write_bytes(b"no image")
    for manifest in ("jsonl", "parquet"):
        report = balance_folder(photos, home / manifest, manifest=manifest, **HOW)
        assert report.manifest == f"manifest.{manifest}" and report.skipped
    return home


def test_both_manifests_say_the_same(home, tmp_path):
    lines, columns = list(Manifest(home / "jsonl")), list(Manifest(home / "parquet"))
    assert columns == lines and {row.kind for row in lines} >= {"original", "synthetic", "skipped"}
    one, other = contents(home / "jsonl"), contents(home / "parquet")
    del one["manifest.jsonl"], other[PARQUET]
    assert one == other
    for source in (None, home / "photos"):
        reports = [verify_folder(home / name, source=source) for name in ("jsonl", "parquet")]
        assert all(reports) and replace(reports[0], output=reports[1].output) == reports[1]
    table = pq.read_table(home / "parquet" / PARQUET)
    assert table.column_names == list(asdict(lines[0])) and len(table) == len(lines)

    paths, labels = load_image_folder(home / "photos" / ".." / "jsonl" / ".." / "photos")
    sound = [path for path in paths if "broken" not in path]
    kept = [label for path, label in zip(paths, labels, strict=True) if path in sound]
    sampler = SMOTE(k_neighbors=2, output_dir=tmp_path / "drawn")
    made, y = sampler.fit_resample(sound, kept)
    for manifest in ("jsonl", "parquet"):
        export_images(made, y, tmp_path / manifest, plan=sampler.plan_, manifest=manifest)
        assert verify_folder(tmp_path / manifest)
    assert list(Manifest(tmp_path / "jsonl")) == list(Manifest(tmp_path / "parquet"))


def test_an_output_with_columns_says_as_a_source_what_it_is_made_of(home, tmp_path, capsys):
    drawn = {}
    for manifest in ("jsonl", "parquet"):
        out = tmp_path / manifest
        again = {"sampler": RandomOverSampler(), "validation": 0, "manifest": manifest}
        balance_folder(home / "photos", out, **HOW | {"layout": "folders", "manifest": manifest})
        assert not any("skipped" in note for note in inspect_folder(out / "train").notes)
        balance_folder(out / "train", tmp_path / f"{manifest} again", **again)
        with pytest.raises(ValueError, match=rf"cannot be split .*manifest\.{manifest} says"):
            split_folder(out / "train")
        paths, _ = load_image_folder(out / "train")
        drawn[manifest] = read_lineage(paths).drawn
        leaks = check_leakage(paths[drawn[manifest]], paths[~drawn[manifest]])
        assert not str(leaks).startswith("No leak")
    assert drawn["jsonl"].tolist() == drawn["parquet"].tolist()
    one, other = (list(Manifest(tmp_path / f"{kind} again")) for kind in ("jsonl", "parquet"))
    assert one == other and any(row.drawn_before and row.ancestors for row in one)
    again = str(tmp_path / "parquet again")
    assert main(["verify", again, "--source", str(tmp_path / "parquet" / "train")]) == 0
    os.unlink(tmp_path / "parquet again" / one[0].path)
    assert main(["verify", again]) == 1
    assert "missing" in capsys.readouterr().err


def test_of_two_manifests_the_lines_are_read(home, tmp_path):
    both = shutil.copytree(home / "jsonl", tmp_path / "both")
    shutil.copy(home / "parquet" / PARQUET, both)
    assert verify_folder(both).unexpected == [PARQUET]
    for manifest in ("jsonl", "parquet"):
        with pytest.raises(
            ValueError, match=r"would not write, such as 'manifest\.(jsonl|parquet)"
        ):
            balance_folder(home / "photos", both, resume=True, manifest=manifest, **HOW)


names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
numbers = st.floats(allow_nan=False, allow_infinity=False)
rows = st.builds(
    Row,
    path=st.none() | names,
    label=st.text(st.characters(exclude_categories=["Cs"])),
    split=names,
    kind=names,
    parents=st.lists(names, max_size=3).map(tuple),
    synthesis=st.none() | names,
    step=st.none() | numbers | st.just(()) | st.lists(numbers, min_size=2, max_size=3).map(tuple),
    seed=st.none() | st.integers(0, 2**64 - 1),
    sha256=st.none() | names,
    reason=st.none() | names,
    ancestors=st.lists(names, max_size=2).map(tuple),
    drawn_before=st.booleans(),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(rows, max_size=6))
def test_any_row_comes_back_as_lines_of_json_give_it(given_rows):
    file = io.BytesIO()
    write_rows(file, given_rows)
    file.seek(0)
    wanted = [json.loads(json.dumps(asdict(row))) for row in given_rows]
    assert list(read_rows(file)) == wanted


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"path": "../../etc/passwd"}, "`path` must be a file in the folder"),
        ({"sha256": "f" * 63}, "`sha256` must be 64 hexadecimal digits"),
        ({"split": "test"}, "folder of `split`"),
        ({"seed": -1}, "`seed` must be an integer from 0"),
        ({"label": None}, "`label` must be text"),
        ({"parents": ["a", "b", "c"]}, "of `step` do not go with"),
        ({"unknown": "abc"}, "'unknown' is not a field"),
        ({"label": b"kiwi"}, "`label` must be text"),
    ],
)
def test_every_row_is_checked_and_named(home, tmp_path, change, told):
    import pyarrow as pa

    out = shutil.copytree(home / "parquet", tmp_path / "out")
    facts = pq.read_table(out / PARQUET).to_pylist()
    at = next(at for at, row in enumerate(facts) if row["kind"] == "synthetic")
    if "split" in change:
        change = {**change, "path": f"train/{facts[at]['label']}/a.png"}
    elif "unknown" in change or isinstance(change.get("label"), bytes):
        facts, at = [row | change for row in facts], 0
    facts[at] |= change
    pq.write_table(pa.Table.from_pylist(facts), out / PARQUET)
    with pytest.raises(ValueError, match=rf"manifest\.parquet, row {at + 1}: not a row .*{told}"):
        verify_folder(out)


def test_damage_is_named_and_healed(home, tmp_path):
    rng, whole = random.Random(0), contents(home / "parquet")
    content = whole[PARQUET]
    damaged = [b"", b"PAR1", content[:-9], content[:200], b"PAR1" + bytes(99) + b"PAR1"]
    for _ in range(12):
        some = bytearray(content)
        for _ in range(rng.choice([1, 4, 60])):
            some[rng.randrange(len(some))] = rng.randrange(256)
        damaged.append(bytes(some))
    for turn, some in enumerate(damaged):
        out = shutil.copytree(home / "parquet", tmp_path / str(turn))
        (out / PARQUET).write_bytes(some)
        try:
            report = verify_folder(out)
        except ValueError as error:
            assert PARQUET in str(error)  # noqa: PT017 - or a report
        else:
            assert turn > 4 and str(report)
        if turn % 2:  # as one that waited to be put in its place
            (out / ".unfinished").mkdir()
            (out / PARQUET).rename(out / ".unfinished" / PARQUET)
        balance_folder(home / "photos", out, resume=True, manifest="parquet", **HOW)
        assert contents(out) == whole
    assert turn > 15


def test_columns_of_another_program_are_left_alone(home, tmp_path):
    import pyarrow as pa

    pq.write_table(pa.table({"audio": ["a.wav"]}), home / "photos" / PARQUET)
    try:
        report = inspect_folder(home / "photos")
        assert any(PARQUET in note and "not read" in note for note in report.notes)
        with pytest.raises(ValueError, match=r"'audio' is not a field|is missing"):
            verify_folder(home / "photos")
    finally:
        os.unlink(home / "photos" / PARQUET)
    assert not balance_folder(home / "photos", tmp_path / "out", dry_run=True, **HOW).n_prevented


def test_the_command_writes_and_names_it(home, tmp_path, capsys):
    command = ["balance", str(home / "photos"), str(tmp_path / "out"), "--on-error", "skip"]
    assert main([*command, "--manifest", "parquet", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["manifest"] == PARQUET
    assert main([*command, "--manifest", "parquet", "--resume"]) == 0
    assert f"{PARQUET} says what each is made from" in capsys.readouterr().out
    assert main(["verify", str(tmp_path / "out"), "--source", str(home / "photos")]) == 0
    assert main([*command, "--manifest", "parquet", "--boxes", "auto"]) == 1
    assert "--manifest is for class folders" in capsys.readouterr().err
    with pytest.raises(ValueError, match=r'`manifest` must be "jsonl" or "parquet", got .csv.'):
        balance_folder(home / "photos", tmp_path / "new", manifest="csv", **HOW)


def test_without_pyarrow_every_door_says_what_to_install(home, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    out = home / "parquet"
    for door in (
        lambda: balance_folder(home / "photos", tmp_path / "out", manifest="parquet", **HOW),
        lambda: export_images(["a.png"], ["kiwi"], tmp_path / "out", manifest="parquet"),
        lambda: verify_folder(out),
        lambda: read_lineage(list(out.glob("images/*"))),
    ):
        with pytest.raises(ModuleNotFoundError, match=r"pip install imblearn-images\[parquet\]"):
            door()
    assert not (tmp_path / "out").exists()
    assert balance_folder(home / "photos", tmp_path / "lines", **HOW).manifest == "manifest.jsonl"


@pytest.mark.skipif(sys.platform != "linux", reason="names of files that are no text")
def test_a_name_that_is_no_text_is_refused_before_anything_is_written(home, tmp_path):
    photos = Path(shutil.copytree(home / "photos", tmp_path / "photos"))
    odd = os.fsdecode(b"odd\xff.png")
    (photos / "kiwi" / odd).write_bytes(encoded(np.zeros((6, 5, 3), np.uint8)))
    with pytest.raises(ValueError, match=r'`manifest` must be "jsonl" .*odd'):
        balance_folder(photos, tmp_path / "out", manifest="parquet", **HOW)
    with pytest.raises(ValueError, match=r'`manifest` must be "jsonl" .*odd'):
        export_images([photos / "kiwi" / odd], ["a"], tmp_path / "out", manifest="parquet")
    assert not (tmp_path / "out").exists()
