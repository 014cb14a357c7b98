"""What lies in an output already is not followed, removed or written through; nor are sources."""

import errno
import inspect
import io
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from folder_tools import contents, encoded, snapshot, write_photos
from imblearn.over_sampling import SMOTE as ImblearnSMOTE

import imblearn_images
from imblearn_images import SMOTE, RandomOverSampler
from imblearn_images._cli.main import main
from imblearn_images.core import images as core_images
from imblearn_images.core.images import FileImages
from imblearn_images.folders import (
    balance_folder,
    export_images,
    load_image_folder,
    unbalance_folder,
    verify_folder,
)
from imblearn_images.folders._output import OutputFolder, where_they_meet

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")


@pytest.fixture
def photos(tmp_path):
    return write_photos(tmp_path / "photos", {"apple": 9, "kiwi": 5}, shape=(6, 5, 3))


WRITERS = {
    "smote": lambda photos, out, **how: balance_folder(
        photos, out, sampler=SMOTE(k_neighbors=2), **how
    ),
    "over": lambda photos, out, **how: balance_folder(
        photos, out, sampler=RandomOverSampler(), **how
    ),
    "unbalance": lambda photos, out, **how: unbalance_folder(photos, out, {"apple": 6}, **how),
    "export": lambda photos, out, **how: export_images(*load_image_folder(photos), out, **how),
    "export arrays": lambda photos, out, **how: export_images(
        np.arange(24, dtype=np.uint8).reshape(6, 2, 2), list("ababab"), out, **how
    ),
}


def thesis(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    (tmp_path / "thesis" / "drawn.jsonl").write_text("not ours\n")
    return tmp_path / "thesis"


def link_to_a_folder(workshop, tmp_path):
    workshop.symlink_to(thesis(tmp_path))


def link_to_nowhere(workshop, tmp_path):
    workshop.symlink_to(tmp_path / "nowhere")


def a_file(workshop, tmp_path):
    workshop.write_text("mine")


def folder_of_somebody(workshop, tmp_path):
    shutil.copytree(thesis(tmp_path), workshop)


def folder_in_it(workshop, tmp_path):
    shutil.copytree(thesis(tmp_path), workshop / "chapters")


def folder_called_like_a_file_of_ours(workshop, tmp_path):
    shutil.copytree(thesis(tmp_path), workshop / "manifest.jsonl")


def journal_linked(workshop, tmp_path):
    workshop.mkdir()
    (workshop / "drawn.jsonl").symlink_to(thesis(tmp_path) / "chapter.txt")


def journal_with_a_second_name(workshop, tmp_path):
    workshop.mkdir()
    os.link(thesis(tmp_path) / "chapter.txt", workshop / "drawn.jsonl")


def journal_to_be_made_elsewhere(workshop, tmp_path):
    workshop.mkdir()
    (workshop / "drawn.jsonl").symlink_to(tmp_path / "new.txt")


def journal_a_pipe(workshop, tmp_path):
    workshop.mkdir()
    os.mkfifo(workshop / "drawn.jsonl")


def manifest_linked(workshop, tmp_path):
    workshop.mkdir()
    (workshop / "manifest.jsonl").symlink_to(thesis(tmp_path) / "chapter.txt")


def converted_image_linked(workshop, tmp_path):
    workshop.mkdir()
    (workshop / f"RGB-{'0' * 64}.png").symlink_to(thesis(tmp_path) / "chapter.txt")


def image_of_another_run(workshop, tmp_path):
    workshop.mkdir()
    (workshop / f"photo_001-{'0' * 16}.png").write_text("mine")


FOREIGN = [
    link_to_a_folder, link_to_nowhere, a_file, folder_of_somebody, folder_in_it,
    folder_called_like_a_file_of_ours, journal_linked, journal_with_a_second_name,
    journal_to_be_made_elsewhere, journal_a_pipe, manifest_linked, converted_image_linked,
    image_of_another_run,
]  # fmt: skip


@pytest.mark.parametrize("foreign", FOREIGN, ids=lambda put: put.__name__)
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_workshop_of_somebody_else_is_refused_by_name_and_untouched(
    photos, tmp_path, write, foreign
):
    out = tmp_path / "out"
    out.mkdir()
    foreign(out / ".unfinished", tmp_path)
    before = snapshot(tmp_path)
    with pytest.raises(ValueError, match=re.escape(".unfinished")):
        write(photos, out, resume=True)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("name", ["manifest.jsonl", ".unfinished/drawn.jsonl"])
def test_a_pipe_in_the_place_of_a_file_is_refused_before_anything_is_made(photos, tmp_path, name):
    out = tmp_path / "out"
    (out / name).parent.mkdir(parents=True)
    os.mkfifo(out / name)
    before = snapshot(tmp_path)
    with pytest.raises(ValueError, match=f"{re.escape(name)} .*(a pipe|not made by)"):
        WRITERS["smote"](photos, out, resume=True)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_folder_with_a_workshop_is_unfinished_from_the_first_file_to_the_last(
    photos, tmp_path, write, monkeypatch
):
    seen = []

    def looking(method):
        def look(self, *args, **kwargs):
            sides = [side for side in ("train", "valid", "images") if (self.root / side).exists()]
            seen.append((self.root / ".unfinished").is_dir() and not sides)
            return method(self, *args, **kwargs)

        return look

    for name in ("copy", "draw", "write_image", "make_folders", "finish"):
        monkeypatch.setattr(OutputFolder, name, looking(getattr(OutputFolder, name)))
    write(photos, tmp_path / "out")
    assert len(seen) > 2 and all(seen) and not (tmp_path / "out" / ".unfinished").exists()


# --- what is read, through links


@pytest.fixture
def linked(photos, tmp_path):
    """Class folders of which one, a folder in another, and a file are links."""
    elsewhere = tmp_path / "store"
    elsewhere.mkdir()
    (photos / "kiwi").rename(elsewhere / "kiwi")
    (photos / "kiwi").symlink_to(elsewhere / "kiwi")
    write_photos(elsewhere, {"more": 3}, first=50)
    (photos / "apple" / "more").symlink_to(elsewhere / "more")
    (elsewhere / "empty").mkdir()
    (photos / "apple" / "empty").symlink_to(elsewhere / "empty")
    (photos / "apple" / "round").symlink_to(photos)
    shutil.move(photos / "apple" / "photo_000.png", elsewhere / "one.html")
    (photos / "apple" / "photo_000.png").symlink_to(elsewhere / "one.html")
    before = snapshot(elsewhere), snapshot(photos)
    yield photos
    assert (snapshot(elsewhere), snapshot(photos)) == before


@pytest.mark.parametrize("place", ["kiwi/out", "kiwi/a/b", "more/out", "empty/out", "empty"])
@pytest.mark.parametrize("write", ["smote", "over", "unbalance"])
def test_no_output_lies_where_a_link_of_the_source_leads(linked, tmp_path, write, place):
    (tmp_path / "short").symlink_to(tmp_path / "store")
    for start in ("store", "short"):
        with pytest.raises(ValueError, match=r"through the link .*; the source is never written"):
            WRITERS[write](linked, tmp_path / start / place)


def test_no_output_holds_what_a_link_of_the_source_leads_to(linked, tmp_path):
    with pytest.raises(ValueError, match=r"holds .*through the link"):
        balance_folder(linked, tmp_path / "store", resume=True)


@pytest.mark.parametrize("place", ["kiwi/report.html", "more/report.html", "one.html"])
@pytest.mark.parametrize("force", [(), ("--force",)])
def test_no_report_lies_where_a_link_of_the_source_leads(linked, tmp_path, capsys, place, force):
    pytest.importorskip("matplotlib")
    report = tmp_path / "store" / place
    assert main(["compare", str(linked), "--report", str(report), *force]) == 1
    assert "through the link" in capsys.readouterr().err


def test_no_picture_of_the_demo_lies_where_a_link_of_the_source_leads(linked, tmp_path, capsys):
    sheet = tmp_path / "store" / "kiwi" / "sheet.png"
    assert main(["demo", "--folder", str(linked), "--output", str(sheet)]) == 1
    assert "through the link" in capsys.readouterr().err


def test_links_that_go_round_end_and_a_place_beside_is_taken(linked, tmp_path):
    assert where_they_meet(linked, tmp_path / "store" / "beside") == ""
    balance_folder(linked, tmp_path / "store-of-more", sampler=RandomOverSampler())


# --- links are checked as copies are

MEDDLERS = {
    "written on": lambda source: source.write_bytes(encoded(np.zeros((6, 5, 3), np.uint8))),
    "replaced": lambda source: _replace(source),
    "gone": lambda source: source.unlink(),
}


def _replace(source):
    status = source.stat()
    other = source.with_name("other.tmp")
    other.write_bytes(source.read_bytes()[::-1])
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(source)


@pytest.mark.parametrize("meddle", MEDDLERS.values(), ids=MEDDLERS)
@pytest.mark.parametrize("link", ["copy", "hard", "symlink"])
@pytest.mark.parametrize("write", ["over", "export"])
def test_a_source_that_changes_before_it_is_taken_is_noticed(
    photos, tmp_path, monkeypatch, write, link, meddle
):
    copy, done = OutputFolder.copy, []

    def late(self, source, *args):
        if source.endswith("kiwi/photo_003.png") and not done:
            done.append(meddle(Path(source)))
        return copy(self, source, *args)

    monkeypatch.setattr(OutputFolder, "copy", late)
    with pytest.raises((ValueError, OSError)) as caught:
        WRITERS[write](photos, tmp_path / "out", link=link)
    assert "photo_003.png" in f"{caught.value} {getattr(caught.value, 'filename', '')}"
    assert 'use link="copy"' not in str(caught.value)
    assert not (tmp_path / "out" / "manifest.jsonl").exists()


@pytest.mark.parametrize("meddle", MEDDLERS.values(), ids=MEDDLERS)
@pytest.mark.parametrize("link", ["hard", "symlink"])
@pytest.mark.parametrize("write", ["over", "export"])
def test_what_is_finished_verifies_whatever_happens_to_a_linked_source(
    photos, tmp_path, monkeypatch, write, link, meddle
):
    copy, done = OutputFolder.copy, []

    def early(self, source, *args):
        mark = copy(self, source, *args)
        if source.endswith("kiwi/photo_003.png") and not done:
            done.append(meddle(Path(source)))
        return mark

    monkeypatch.setattr(OutputFolder, "copy", early)
    try:
        WRITERS[write](photos, tmp_path / "out", link=link)
    except ValueError as error:
        assert "photo_003.png: has changed" in str(error)  # noqa: PT017 - a hard link may raise
        assert not (tmp_path / "out" / "manifest.jsonl").exists()
    else:  # a hard link keeps what it has
        assert link == "hard" and verify_folder(tmp_path / "out")


# --- the report of a comparison


@pytest.fixture
def compare(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    source = write_photos(tmp_path / "pictures", {"apple": 8, "kiwi": 6}, shape=(6, 5, 3))
    quick = ("--methods", "random-over", "--folds", "2", "--repeats", "1", "--n-jobs", "1")

    def run(report, *options):
        code = main(["compare", str(source), *quick, "--report", str(report), *options])
        return code, capsys.readouterr().err

    return run


def test_a_report_replaces_nothing_unless_it_is_told_to(compare, tmp_path):
    report = tmp_path / "report.html"
    report.write_text("mine")
    code, told = compare(report)
    assert code == 1 and "exists already" in told and report.read_text() == "mine"
    code, told = compare(report, "--force")
    assert code == 0, told
    assert report.read_text().endswith("</html>\n")
    for kind in ("link", "dangling", "folder"):
        there = tmp_path / kind
        if kind == "folder":
            there.mkdir()
        else:
            there.symlink_to(report if kind == "link" else tmp_path / "new")
        before = snapshot(tmp_path)
        for options in ((), ("--force",)):
            code, told = compare(there, *options)
            assert code == 1 and str(there) in told
        assert snapshot(tmp_path) == before
    assert compare("")[0] == 1


def test_a_report_is_whole_or_as_it_was(compare, tmp_path, monkeypatch):
    report = tmp_path / "report.html"
    report.write_text("mine")
    monkeypatch.setattr(os, "fsync", _full)
    for options, left in ((("--force",), ["mine"]), ((), [])):
        code, told = compare(report, *options)
        assert code == 1 and "No space left" in told
        assert [path.read_text() for path in tmp_path.glob("*.html")] == left
        assert not list(tmp_path.glob(".*.partial"))
        report.unlink(missing_ok=True)


def _full(file):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


# --- folders without a name, disks without a promise


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_an_output_without_a_name_is_refused(photos, tmp_path, monkeypatch, write):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(ValueError, match="`output` must name a folder, got ''"):
        write(photos, "")
    assert not os.listdir()


DRAWERS = {
    name: getattr(imblearn_images, name)
    for name in imblearn_images.__all__
    if "output_dir" in inspect.signature(getattr(imblearn_images, name)).parameters
}
NEEDED = {
    "GenerativeOverSampler": {"generator": lambda *args: None},
    "ImageSampler": {"sampler": ImblearnSMOTE()},
}


@pytest.mark.parametrize("name", DRAWERS)
def test_no_sampler_takes_an_output_dir_without_a_name(photos, tmp_path, monkeypatch, name):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    sampler = DRAWERS[name](**NEEDED.get(name, {}), output_dir="")
    paths, y = load_image_folder(photos)
    for X in (paths, np.zeros((len(y), 3, 3))):
        with pytest.raises(ValueError, match="`output_dir` must be None or the name of a folder"):
            sampler.fit_resample(X, y)
    assert len(DRAWERS) >= 10 and not os.listdir()


def test_drawn_images_do_not_go_to_the_folder_that_a_linked_file_is_in(photos, tmp_path):
    paths, y = load_image_folder(photos)
    (tmp_path / "links").mkdir()
    links = [tmp_path / "links" / f"{row}.png" for row in range(len(y))]
    for link, path in zip(links, paths, strict=True):
        link.symlink_to(path)
    with pytest.raises(ValueError, match="must not be a folder of the images themselves"):
        SMOTE(k_neighbors=2, output_dir=photos / "kiwi").fit_resample(links, y)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="nothing to be reserved")
@pytest.mark.parametrize("failure", [errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS])
def test_a_disk_that_reserves_no_room_is_written_on_instead(photos, monkeypatch, failure):
    def refuse(*args):
        raise OSError(failure, os.strerror(failure))

    paths, _ = load_image_folder(photos)
    files = FileImages(paths, None)
    expected = files.pixels(np.arange(3), (6, 5))[0].tolist()
    monkeypatch.setattr(os, "posix_fallocate", refuse)
    assert files.pixels(np.arange(3), (6, 5))[0].tolist() == expected
    monkeypatch.setattr(core_images, "_fill", lambda *args: _full(0))
    with pytest.raises(OSError, match="Make room there") as caught:
        files.pixels(np.arange(3), (6, 5))
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes, as Linux has them")
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8", "cp1252"])
def test_no_name_is_too_much_for_standard_output(tmp_path, monkeypatch, encoding):
    name = b"caf\xe9 \xe9\x9b\xaa".decode("utf-8", "surrogateescape")
    source = write_photos(tmp_path / "雪 photos", {"näive 雪": 6, "kiwi": 5}, shape=(6, 5, 3))
    (source / "kiwi" / f"{name}.png").write_bytes(b"broken")
    out = tmp_path / "雪"
    for arguments in (
        ["inspect", source],
        ["balance", source, out, "--on-error", "skip"],
        ["verify", out],
    ):
        printed = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", printed)
        assert main([*map(str, arguments)]) == 0
        printed.flush()
        assert printed.buffer.getvalue()
    assert contents(out)
