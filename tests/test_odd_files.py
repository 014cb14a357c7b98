"""Odd and hostile image files: every door names them, none is brought down by them."""

import io
import logging
import os
import pickle
import random
import struct
import sys
import warnings
import zlib

import numpy as np
import pytest
import tifffile
from folder_tools import write_photos
from forked import run_python
from PIL import Image, PngImagePlugin, TiffImagePlugin

from imblearn_images import SMOTE, RandomOverSampler
from imblearn_images._cli.main import main
from imblearn_images.core import files, memory
from imblearn_images.core.disk import Paths, open_regular
from imblearn_images.core.duplicates import perceptual_hash
from imblearn_images.core.files import describe_all
from imblearn_images.core.text import printable, printable_lines
from imblearn_images.folders import balance_folder, inspect_folder, split_folder
from imblearn_images.folders._source import FileRecord, FileRecords, examine, read_source
from imblearn_images.model_selection import check_leakage, near_duplicate_groups
from imblearn_images.preprocessing import HOGFeatures, ReadImages, image_limits
from imblearn_images.preprocessing._reading import read_batch
from imblearn_images.synthesis import Augment

COLOUR = np.random.default_rng(0).integers(0, 256, (24, 16, 3), dtype=np.uint8)
BASE = Image.fromarray(COLOUR)


def encoded(image, file_format, **options):
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def deep_png(seed=0):
    deep = np.random.default_rng(seed).integers(0, 65536, (24, 16, 3), dtype=np.uint16)
    raw = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)
    header = struct.pack(">IIBBBBB", 16, 24, 16, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(raw))
        + chunk(b"IEND", b"")
    )


def deep_tiff(seed=0):
    deep = np.random.default_rng(seed).integers(0, 65536, (24, 16, 3), dtype=np.uint16)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, deep, photometric="rgb")
    return buffer.getvalue()


def many_scans(n):
    """A progressive JPEG whose last scan comes again and again, as libjpeg allows."""
    jpeg = encoded(BASE, "JPEG", progressive=True)
    last, end = jpeg.rindex(b"\xff\xda"), jpeg.rindex(b"\xff\xd9")
    return jpeg[:end] + jpeg[last:end] * (n - jpeg.count(b"\xff\xda")) + jpeg[end:]


@pytest.fixture
def photos(tmp_path):
    return write_photos(tmp_path / "photos", {"apple": 12, "kiwi": 8})


# --- numbers in headers


@pytest.mark.parametrize("n", [3, (1 << 31) - 1, 1 << 31, (1 << 31) + 1, (1 << 32) - 1])
def test_a_number_of_frames_is_not_believed(photos, tmp_path, n):
    png = encoded(BASE, "PNG")
    (photos / "kiwi" / "x.png").write_bytes(
        png[:33] + chunk(b"acTL", struct.pack(">II", n, 0)) + png[33:]
    )
    assert main(["inspect", str(photos), "--no-near"]) == 0
    assert main(["balance", str(photos), str(tmp_path / "out"), "--on-error", "skip"]) == 0


def test_frames_are_not_counted(tmp_path, monkeypatch):
    def counted(self):
        raise AssertionError("frames were counted")

    monkeypatch.setattr(TiffImagePlugin.TiffImageFile, "n_frames", property(counted))
    more = {"save_all": True, "append_images": [BASE.rotate(180)]}
    for name, options in {
        **{f"many.{suffix}": more for suffix in ("tif", "gif", "png", "webp")},
        **{f"one.{suffix}": {} for suffix in ("tif", "gif", "png", "webp", "jpg", "bmp", "ppm")},
        "many.jpg": {"format": "MPO", **more},
    }.items():
        path = str(tmp_path / name)
        BASE.save(path, **options)
        several = name.startswith("many")
        assert files.has_more_frames(path) is several, name
        assert files.describe(path).has_more_frames is several, name
        assert examine(path).has_more_frames is several, name
        assert not examine(path).misnamed, name
    assert not any(info.has_more_frames for info in describe_all([str(tmp_path / "one.jpg")]))


def test_sizes_fit_into_the_columns_of_the_records(tmp_path):
    path = str(tmp_path / "flat.bmp")
    bmp = bytearray(encoded(BASE, "BMP"))
    bmp[18:26] = struct.pack("<ii", 2**31 - 1, 0)
    (tmp_path / "flat.bmp").write_bytes(bmp)
    records = FileRecords([path])
    records[0] = examine(path)
    assert records[0].error
    with pytest.raises(ValueError, match=r"`max_pixels` must be .* from 1 to 2147483647"):
        memory.check_max_pixels(2**31)


def test_records_keep_what_they_are_given_and_little_more():
    rng = random.Random(0)
    given = [
        FileRecord(
            path,
            n_bytes=rng.randrange(1 << 40),
            sha256=rng.choice(["ab", "cd", "0f"]) * 32,
            format=rng.choice(["PNG", "JPEG", "MPO"]),
            mode=rng.choice(["RGB", "RGB;16", "I;16"]),
            size=(rng.randrange(1 << 31), 4),
            has_more_frames=row % 3 == 0,
            phash=None if row < 4 else rng.getrandbits(256),
        )
        for row, path in enumerate("abcdefghij")
    ]
    records = FileRecords(list("abcdefghij"))
    for row in rng.sample(range(10), 10):
        records[row] = given[row]
    assert list(records) == given and records.phashes() == [each.phash for each in given]
    hashes = [each.sha256 for each in given]
    assert records.first_equals().tolist() == [hashes.index(each) for each in hashes]
    many = FileRecords(["a.png"] * 100_000)
    columns = [each.nbytes for each in vars(many).values() if isinstance(each, np.ndarray)]
    assert sum(columns) <= 51 * 100_000


# --- colours of 16 bits


@pytest.mark.parametrize("deep", [deep_png, deep_tiff])
def test_deep_colours_are_sound_everywhere_and_read_by_mode(photos, tmp_path, deep):
    suffix = ".png" if deep is deep_png else ".tif"
    for row in range(3):
        (photos / "kiwi" / f"deep{row}{suffix}").write_bytes(deep(row))
    for near in (False, True):
        report = inspect_folder(photos, near=near)
        assert not report.broken
        assert report.classes[1]["modes"]["RGB;16"] == 3
    split_folder(photos, groups="near-duplicates")
    balance_folder(photos, tmp_path / "copies", sampler=RandomOverSampler())
    sampler = SMOTE(k_neighbors=2)
    with pytest.raises(ValueError, match='mode="RGB" reads'):
        balance_folder(photos, tmp_path / "no", sampler=sampler, validation=0)
    report = balance_folder(photos, tmp_path / "out", sampler=sampler, mode="RGB", validation=0)
    assert [c.synthetic for c in report.classes] == [0, 1]
    paths = [str(photos / "kiwi" / f"deep{row}{suffix}") for row in range(3)]
    assert len(set(near_duplicate_groups(paths))) == 3
    check_leakage(paths[:2], paths[2:])
    assert ReadImages(mode="RGB").fit_transform(paths).shape == (3, 24, 16, 3)


def test_what_has_no_scale_to_a_mode_is_named_at_once_or_left_out(photos, tmp_path):
    names = [f"heights{row}.tif" for row in range(3)]
    for name in names:
        heights = np.random.default_rng(0).normal(size=(24, 16)).astype("f4")
        Image.fromarray(heights).save(photos / "kiwi" / name)
    options = {"sampler": SMOTE(k_neighbors=2), "mode": "RGB"}
    with pytest.raises(ValueError, match="3 of 23 image files cannot be used") as caught:
        balance_folder(photos, tmp_path / "out", **options)
    assert all(name in str(caught.value) for name in names)
    report = balance_folder(photos, tmp_path / "out", on_error="skip", **options)
    assert set(report.skipped) == {f"kiwi/{name}" for name in names}
    # copies are not converted, so nothing is wrong with them
    report = balance_folder(photos, tmp_path / "copies", sampler=RandomOverSampler(), mode="RGB")
    assert not report.skipped


# --- what one image may cost


DOORS = {
    "describe": files.describe,
    "read_image": files.read_image,
    "read_look": lambda path: files.read_look(path, size=(8, 8)),
    "has_more_frames": files.has_more_frames,
    "ReadImages": lambda path: ReadImages(n_jobs=2).fit_transform([path] * 40),
    "HOGFeatures": lambda path: HOGFeatures(size=(16, 16)).fit([path]),
    "SMOTE": lambda path: SMOTE(k_neighbors=1, output_dir="out").fit_resample(
        [path] * 6, [0, 0, 0, 0, 1, 1]
    ),
    "Augment": lambda path: RandomOverSampler(synthesis=Augment(), output_dir="out").fit_resample(
        [path] * 6, [0, 0, 0, 0, 1, 1]
    ),
    "near_duplicate_groups": lambda path: near_duplicate_groups([path] * 40, n_jobs=2),
    "read_source": lambda path: read_source(os.path.dirname(os.path.dirname(path)), n_jobs=2),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_too_many_pixels_are_refused_by_name_size_and_remedy(tmp_path, door, suffix, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = str(tmp_path / "photos" / "kiwi" / f"bomb.{suffix}")
    os.makedirs(os.path.dirname(path))
    BASE.save(path)
    allowed = 24 * 16 * (2 if suffix == "webp" else 1)
    told = rf"bomb\.{suffix}: 24 x 16 = 384 pixels.*max_pixels={allowed}\)"
    with image_limits(max_pixels=allowed - 1), pytest.raises(ValueError, match=told):
        DOORS[door](path)
    assert memory.current_limits() == memory.ImageLimits()


def test_ordinary_large_photos_are_below_the_limit(tmp_path):
    assert memory.MAX_PIXELS > 108_000_000
    path = tmp_path / "large.png"
    header = struct.pack(">IIBBBBB", 12000, 9000, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b""))
    with image_limits():  # Pillow itself would warn
        pass
    with image_limits(max_pixels=memory.MAX_PIXELS + 1):
        assert files.describe(path).shape == (9000, 12000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        assert files.describe(path).shape == (9000, 12000)


def test_the_limit_is_raised_beyond_that_of_pillow_and_back(tmp_path):
    before = Image.MAX_IMAGE_PIXELS
    path = tmp_path / "huge.png"
    header = struct.pack(">IIBBBBB", 40000, 10000, 1, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b""))
    with pytest.raises(ValueError, match=r"huge\.png: 400,000,000 pixels.*max_pixels=400000000"):
        files.describe(path)
    with image_limits(max_pixels=400_000_000), image_limits(max_pixels=500_000_000):
        assert files.describe(path).shape == (10000, 40000)
    with pytest.raises(ValueError, match=r"pass ReadImages\(max_pixels=400000000\)"):
        ReadImages(max_pixels=200_000_000).fit_transform([path])
    assert before == Image.MAX_IMAGE_PIXELS


def test_the_limit_of_read_images_goes_with_its_batches(tmp_path):
    path = str(tmp_path / "a.png")
    BASE.save(path)
    held = pickle.loads(pickle.dumps(memory.ImageLimits(383, "do {n}")))
    (error,) = read_batch([path], None, None, True, held)  # as a worker process is sent it
    assert str(error).endswith("do 384.")
    assert len(ReadImages(max_pixels=384, n_jobs=2).fit_transform([path] * 3)) == 3
    for bad in (0, -1, 2.5, True, "many", 2**31):
        with pytest.raises(ValueError, match="`max_pixels` must be an integer from 1"):
            ReadImages(max_pixels=bad).fit([path])


def test_scans_of_a_jpeg_are_bounded(tmp_path):
    path = tmp_path / "scans.jpg"
    path.write_bytes(many_scans(300))
    assert files.read_image(path).shape == (24, 16, 3)  # of few pixels, so it takes no time
    needed = 300 * 24 * 16 // memory.SCANS
    for read in (files.read_image, lambda p: files.read_image(p, size=(4, 4), mode="L")):
        with image_limits(max_pixels=needed):
            read(path)
        told = pytest.raises(ValueError, match=rf"300 scans .*max_pixels={needed}\)")
        with image_limits(max_pixels=needed - 1), told:
            read(path)
    with image_limits(max_pixels=needed - 1):
        assert "300 scans" in examine(str(path)).error


def test_scans_of_thumbnails_and_behind_the_end_do_not_count(tmp_path):
    jpeg = encoded(BASE, "JPEG")
    thumbnail = b"\xff\xe1" + struct.pack(">H", 2 + 60) + b"\xff\xda" * 30
    path = tmp_path / "motion.jpg"
    path.write_bytes(jpeg[:2] + thumbnail + jpeg[2:] + b"\xff\xda" * 3000)
    with image_limits(max_pixels=24 * 16):
        assert files.read_image(path).shape == (24, 16, 3)


def test_a_lack_of_memory_names_the_file_and_can_be_skipped(photos, tmp_path, monkeypatch, capsys):
    path = str(photos / "kiwi" / "hungry.png")
    BASE.save(path)
    load = PngImagePlugin.PngImageFile.load

    def hungry(self, *args):
        if "hungry" in getattr(self.fp, "name", ""):
            raise MemoryError
        return load(self, *args)

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", hungry)
    with pytest.raises(MemoryError, match=rf"^{path}: .*memory"):
        files.read_image(path)
    with pytest.raises(MemoryError, match=r"1 of 1 .*\n.*hungry\.png: .*memory"):
        ReadImages().fit_transform([path])
    with pytest.raises(ValueError, match=r"1 of 21 .*\n.*hungry\.png: .*memory"):
        balance_folder(photos, tmp_path / "out")
    assert main(["inspect", str(photos), "--no-near"]) == 0
    assert "broken: kiwi/hungry.png: there is not enough memory" in capsys.readouterr().out
    assert main(["balance", str(photos), str(tmp_path / "out"), "--on-error", "skip"]) == 0


# --- names and remarks on stderr


HOSTILE = [
    "\x1b[2J.png",
    "\x1b]0;title\x07.png",
    "a\nimblearn-images: all is well.png",
    "b\r\x9b31m.png",
    "\u202egnp.\u2066png.png",
    "caf\udce9.png",
]


def is_safe(text):
    return all(c.isprintable() or c == "\n" for c in text)


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes, as Linux has them")
def test_no_command_writes_what_a_terminal_obeys(photos, tmp_path, capsys):
    for name in HOSTILE:
        (photos / "kiwi" / name).write_bytes(b"no image")
        BASE.convert("LA").save(photos / "apple" / name)
    source, out = str(photos), str(tmp_path / "out")
    for command in (
        ["inspect", source],
        ["inspect", f"{source}/\x1b[2J\nimblearn-images: fine"],
        ["inspect", source, "more\x1b[2J"],
        ["balance", source, out],
        ["balance", source, out, "--method", "smote", "--on-error", "skip"],
        ["balance", source, out, "--on-error", "skip", "--json"],
        ["verify", out, "--source", f"{source}\x1b"],
        ["verify", out],
        ["unbalance", source, f"{out}2", "--profile", "step"],
        ["compare", source, "--quiet", "--quick"],
        ["demo", "--folder", source, "--output", f"{out}.png"],
    ):
        main(command)
        stdout, stderr = capsys.readouterr()
        assert is_safe(stdout) and is_safe(stderr), command
        told = [line for line in stderr.splitlines() if line.startswith("imblearn-images: ")]
        assert len(told) <= 2 and not any("all is well" in line for line in told), command
        assert not any(line.startswith("imblearn-images: fine") for line in told), command


def test_lines_of_a_name_are_no_lines_of_the_program():
    assert printable("a\n\x1b\u202e\x9b") == r"a\n\x1b\u202e\x9b"
    assert printable_lines("one\ntwo\n  three\x07") == "one\n  two\n  three\\x07"


ODD_COMMAND = """
import os, sys, warnings
from imblearn_images._cli.remarks import collected_remarks
def odd():
    for k in range(50):
        os.write(2, b"TIFFReadDirectory: Warning, Unknown field with tag 1.\\n")
    os.write(2, b"OpenBLAS blas_thread_init: no threads\\n")
    warnings.warn("the class\\n'kiwi' is small", UserWarning)
    print("a bar", file=sys.stderr)
with collected_remarks(of_c_libraries=True):
    odd()
"""


ONE_LINE = (
    "imblearn-images: 50 remarks of Pillow and libtiff on odd image files, such as: "
    "TIFFReadDirectory: Warning, Unknown field with tag 1."
)


def test_what_c_libraries_write_is_one_line_and_nothing_else_is_lost():
    done = run_python("-c", ODD_COMMAND)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert sorted(lines) == sorted(
        [
            "imblearn-images: warning: the class",
            "  'kiwi' is small",
            "a bar",
            "OpenBLAS blas_thread_init: no threads",
            ONE_LINE,
        ]
    )


def test_remarks_of_pillow_are_one_line_of_a_command(photos, monkeypatch, capfd):
    opened = files.opened

    def remarking(path):
        warnings.warn_explicit("odd", UserWarning, Image.__file__, 1, module="PIL.Image")
        logging.getLogger("PIL.TiffImagePlugin").error("odd, too")
        return opened(path)

    monkeypatch.setattr(files, "opened", remarking)
    assert main(["inspect", str(photos), "--no-near"]) == 0
    stderr = capfd.readouterr().err
    assert stderr.count("\n") == 1 and "40 remarks" in stderr and "such as: odd" in stderr
    assert logging.getLogger("PIL").propagate and not logging.getLogger("PIL").handlers


# --- mutants


SEEDS = [
    *[("png", encoded(BASE.convert(mode), "PNG")) for mode in ("1", "L", "RGBA", "P")],
    ("png", deep_png()),
    ("png", encoded(BASE, "PNG", save_all=True, append_images=[BASE.rotate(180)])),
    *[("jpg", encoded(BASE, "JPEG", progressive=progressive)) for progressive in (False, True)],
    *[("tif", encoded(BASE, "TIFF", compression=name)) for name in (None, "tiff_lzw", "jpeg")],
    ("tif", encoded(Image.fromarray(COLOUR[..., 0].astype("f4")), "TIFF")),
    ("tif", deep_tiff()),
    ("gif", encoded(BASE, "GIF", save_all=True, append_images=[BASE.rotate(180)])),
    *[("webp", encoded(BASE, "WEBP", lossless=lossless)) for lossless in (False, True)],
    *[("bmp", encoded(BASE.convert(mode), "BMP")) for mode in ("1", "P", "RGB")],
    *[("ppm", encoded(BASE.convert(mode), "PPM")) for mode in ("1", "L", "RGB")],
]


def mutant(content, draw):
    content = bytearray(content)
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(min(len(content), draw.choice((60, 200, 10**6))))
        number = draw.choice((0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF))
        kind = draw.randrange(5)
        if kind == 0:
            content[at] ^= 1 << draw.randrange(8)
        elif kind == 1:
            content[at : at + 4] = struct.pack(draw.choice("<>") + "I", number)
        elif kind == 2:
            del content[at : at + draw.randint(1, 20)]
        elif kind == 3:
            content[at:at] = content[at : at + 30]
        else:
            del content[max(at, 1) :]
        content = content or bytearray(b"\0")
    return bytes(content)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore::RuntimeWarning:PIL")
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_every_door_says_the_same_of_200_mutants(photos, tmp_path, capsys):
    draw = random.Random(0)
    broken = set()
    for number in range(200):
        suffix, seed = draw.choice(SEEDS)
        path = str(photos / ("apple", "kiwi")[number % 2] / f"m{number}.{suffix}")
        with open(path, "wb") as file:
            file.write(mutant(seed, draw))
        deep = examine(path).mode.endswith(";16") or seed in (deep_png(), deep_tiff())
        error, shapes = "", []
        for read in (files.describe, files.read_image):
            try:
                shapes.append(read(path, mode="RGB" if deep else None).shape)
            except (ValueError, MemoryError) as exc:
                error = str(exc)
                assert error.startswith(f"{path}: ") and is_safe(error) and "\n" not in error
        plain, hashed = examine(path), examine(path, hash_pixels=True)
        assert (plain.error, plain.sha256) == (hashed.error, hashed.sha256)
        assert (not error) == (not plain.error), (path, error, plain.error)
        assert error or shapes[0] == shapes[1]
        if error:
            broken.add(os.path.relpath(path, photos))
    assert 60 < len(broken) < 195
    for near in (False, True):
        assert set(inspect_folder(photos, near=near).broken) == broken
    capsys.readouterr()
    assert main(["balance", str(photos), str(tmp_path / "out"), "--on-error", "skip"]) == 0
    stdout, stderr = capsys.readouterr()
    assert stdout.count("skipped: ") == len(broken) and stderr.count("\n") <= 1


def test_hashes_of_extreme_floats_are_silent():
    for low, high in ((-3e38, 3e38), (0, 1e-45), (0, np.inf), (np.nan, 1)):
        image = np.full((64, 64), low, dtype=np.float32)
        image[:32] = high
        assert perceptual_hash(image) is None


def test_a_path_in_a_message_is_one_line_of_printable_text(tmp_path):
    (tmp_path / "a\nb").mkdir()
    with pytest.raises(ValueError, match=r"a\\nb is a folder, not a file"):
        open_regular(tmp_path / "a\nb")


def test_a_path_is_added_to_a_part_and_not_to_the_whole():
    whole = Paths(["a/1.png", "a/2.png", "b/3.png"])
    part = whole[[2, 0]]
    part.append("c/4.png")
    assert list(part) == ["b/3.png", "a/1.png", "c/4.png"] and len(whole) == 3
