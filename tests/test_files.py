import errno
import io
import os
import struct
import threading
import zlib

import numpy as np
import PIL
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image, ImageCms, ImageOps
from skimage import data, transform

from imblearn_images.core import files
from imblearn_images.core.containers import SUFFIXES
from imblearn_images.core.files import (
    FORMATS,
    FileInfo,
    check_uniform,
    describe,
    describe_all,
    read_image,
    write_image,
    write_png,
)

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (24, 16, 3), dtype=np.uint8)
PHOTO = data.astronaut()


def encoded(image, file_format, **options):
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def png(ihdr, raw):
    """A PNG by hand, for what Pillow does not write."""

    def chunk(name, body):
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", *ihdr, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(raw))
        + chunk(b"IEND", b"")
    )


def oriented(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.fixture
def stored(tmp_path):
    """Write bytes or a Pillow image to a file and return its path."""

    def store(name, content, **options):
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content.save(path, **options)
        return path

    return store


def in_mode(mode):
    colour = Image.fromarray(COLOUR)
    if mode == "I;16":
        return Image.fromarray(RNG.integers(0, 65536, (24, 16), dtype=np.uint16))
    if mode == "I":
        return Image.fromarray(RNG.integers(-70000, 70000, (24, 16), dtype=np.int32))
    if mode == "F":
        return Image.fromarray(RNG.random((24, 16), dtype=np.float32))
    if mode == "LAB":
        profiles = [ImageCms.createProfile(name) for name in ("sRGB", "LAB")]
        return ImageCms.profileToProfile(colour, *profiles, outputMode="LAB")
    return colour.convert(mode)


KINDS = [
    ("1", (), "bool", "1"),
    ("L", (), "uint8", "L"),
    ("LA", (2,), "uint8", "LA"),
    ("RGB", (3,), "uint8", "RGB"),
    ("RGBA", (4,), "uint8", "RGBA"),
    ("P", (3,), "uint8", "RGB"),
    ("CMYK", (3,), "uint8", "RGB"),
    ("LAB", (3,), "uint8", "RGB"),
    ("I;16", (), "uint16", "I;16"),
    ("I", (), "int32", "I"),
    ("F", (), "float32", "F"),
]
if int(PIL.__version__.split(".")[0]) >= 13:  # older ones cannot read the YCbCr that they write
    KINDS.append(("YCbCr", (3,), "uint8", "RGB"))


@pytest.mark.parametrize(("mode", "channels", "dtype", "array_mode"), KINDS)
def test_each_mode_is_read_by_its_rule(stored, mode, channels, dtype, array_mode):
    image = in_mode(mode)
    path = stored("image.tif", image)
    expected = np.asarray(image if mode == array_mode else image.convert(array_mode))
    pixels = read_image(path)
    assert (pixels.shape, pixels.dtype) == ((24, 16, *channels), np.dtype(dtype))
    assert pixels.flags.writeable and pixels.dtype.isnative
    np.testing.assert_array_equal(pixels, expected)
    assert describe(path) == FileInfo((24, 16, *channels), np.dtype(dtype), mode)


@pytest.mark.parametrize("options", [{}, {"size": (5, 9)}, {"size": (5, 9), "mode": "RGBA"}])
@pytest.mark.parametrize("mode", [kind[0] for kind in KINDS if kind[0] != "I"])
def test_the_description_is_that_of_the_array(stored, mode, options):
    path = stored("image.tif", in_mode(mode))
    pixels = read_image(path, **options)
    info = describe(path, **options)
    assert (info.shape, info.dtype) == (pixels.shape, pixels.dtype)


def test_palette_with_transparency_is_rgba(stored):
    image = Image.fromarray(COLOUR).convert("P")
    path = stored("image.png", image, transparency=bytes(range(256)))
    pixels = read_image(path)
    np.testing.assert_array_equal(pixels[..., 3], np.asarray(image))
    np.testing.assert_array_equal(read_image(path, mode="RGB"), pixels[..., :3])
    assert describe(path).shape == (24, 16, 4)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("own", ["1", "L", "LA", "RGB", "RGBA", "P", "CMYK"])
def test_eight_bit_modes_are_converted_by_pillow(stored, own, mode):
    image = in_mode(own)
    natural = image.convert("RGB") if own in ("P", "CMYK") else image
    path = stored("image.tif", image)
    np.testing.assert_array_equal(read_image(path, mode=mode), np.asarray(natural.convert(mode)))


def test_sixteen_bits_are_scaled_not_clipped(stored):
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    path = stored("image.png", Image.fromarray(every))
    np.testing.assert_array_equal(read_image(path), every)
    scaled = read_image(path, mode="L")
    np.testing.assert_array_equal(scaled, np.rint(every / 257).astype(np.uint8))
    np.testing.assert_array_equal(read_image(path, mode="RGB"), np.stack([scaled] * 3, axis=-1))
    as_integers = stored("image.tif", Image.fromarray(every.astype(np.int32)))
    np.testing.assert_array_equal(read_image(as_integers, mode="L"), scaled)


def test_unit_floats_are_scaled(stored):
    path = stored("image.tif", Image.fromarray(np.array([[0, 0.5, 0.499, 1]], dtype=np.float32)))
    assert read_image(path, mode="L").tolist() == [[0, 128, 127, 255]]


@pytest.mark.parametrize(
    ("pixels", "told"),
    [
        (np.array([[0, 65536]], dtype=np.int32), "from 0 to 65536 .* 0..65535"),
        (np.array([[-1, 5]], dtype=np.int32), "from -1 to 5 .* 0..65535"),
        (np.array([[0, 1.5]], dtype=np.float32), "from 0.0 to 1.5 .* 0..1"),
        (np.array([[0, np.nan]], dtype=np.float32), "nan .* 0..1"),
    ],
)
def test_values_without_a_scale_are_refused_only_with_a_mode(stored, pixels, told):
    path = stored("image.tif", Image.fromarray(pixels))
    np.testing.assert_array_equal(read_image(path), pixels)
    for size in (None, (1, 1)):
        with pytest.raises(ValueError, match=told):
            read_image(path, mode="L", size=size)


def deep_colour(suffix):
    deep = np.array([[[256, 5000, 65535], [0, 300, 40000]]], dtype=np.uint16)
    if suffix == ".png":
        raw = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)
        return png((2, 1, 16, 2), raw)
    if suffix == ".ppm":
        return b"P6 2 1 65535\n" + deep.astype(">u2").tobytes()
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, deep, photometric="rgb")
    return buffer.getvalue()


@pytest.mark.parametrize("suffix", [".png", ".ppm", ".tif"])
def test_colours_of_sixteen_bits_do_not_lose_eight_silently(stored, suffix):
    path = stored("deep" + suffix, deep_colour(suffix))
    for read in (describe, read_image):
        with pytest.raises(ValueError, match=r'more than 8 bits.*mode="RGB"'):
            read(path)
    pixels = read_image(path, mode="RGB").astype(int)
    assert np.abs(pixels * 257 - [[[256, 5000, 65535], [0, 300, 40000]]]).max() <= 257


def test_sixteen_bit_grey_is_uint16_in_every_format(stored):
    ramp = np.array([[0, 1, 256, 65535]], dtype=np.uint16)
    pgm = stored("ramp.pgm", b"P5 4 1 65535\n" + ramp.astype(">u2").tobytes())
    big = io.BytesIO()
    tifffile.imwrite(big, ramp, byteorder=">", photometric="minisblack")
    for path in (pgm, stored("ramp.tif", big.getvalue()), stored("a.png", Image.fromarray(ramp))):
        np.testing.assert_array_equal(read_image(path), ramp)
        assert read_image(path).dtype == np.uint16 and read_image(path).dtype.isnative
        assert describe(path) == FileInfo((1, 4), np.dtype(np.uint16), "I;16")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_the_orientation_is_applied(stored, suffix, orientation):
    lossless = {"lossless": True} if suffix == ".webp" else {}
    image = Image.fromarray(COLOUR)
    path = stored("turned" + suffix, image, exif=oriented(orientation), **lossless)
    with Image.open(path) as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened))
    np.testing.assert_array_equal(read_image(path), expected)
    assert describe(path).shape == expected.shape
    assert (expected.shape == (16, 24, 3)) == (orientation >= 5)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_size_is_that_of_the_turned_image(stored, orientation):
    path = stored("photo.jpg", Image.fromarray(PHOTO[:300]), exif=oriented(orientation))
    small = read_image(path, size=(40, 90))
    whole = Image.fromarray(read_image(path))
    assert small.shape == describe(path, size=(40, 90)).shape == (40, 90, 3)
    expected = np.asarray(whole.resize((90, 40), Image.Resampling.BILINEAR), dtype=int)
    assert np.abs(small - expected).mean() < 2


def test_an_orientation_behind_the_pixels_of_a_png_counts(stored):
    before = encoded(Image.fromarray(COLOUR), "PNG", exif=oriented(6))
    start = before.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(before[start : start + 4], "big")
    after = before[:start] + before[end:-12] + before[start:end] + before[-12:]
    path = stored("late.png", after)
    assert describe(path).shape == read_image(path).shape == (16, 24, 3)


def test_broken_metadata_does_not_hide_sound_pixels(stored):
    path = stored("photo.png", Image.fromarray(COLOUR), exif=b"Exif\0\0MM\0*\0\0")
    np.testing.assert_array_equal(read_image(path), COLOUR)
    assert describe(path).shape == COLOUR.shape


def test_the_first_frame_is_read(stored):
    first, second = Image.fromarray(COLOUR), Image.fromarray(255 - COLOUR)
    frames = {"save_all": True, "append_images": [second]}
    np.testing.assert_array_equal(read_image(stored("a.tif", first, **frames)), COLOUR)
    webp = stored("a.webp", first, lossless=True, **frames)
    np.testing.assert_array_equal(read_image(webp), COLOUR)
    mpo = stored("a.jpg", first, format="MPO", **frames)  # what many phones call JPEG
    np.testing.assert_array_equal(read_image(mpo), read_image(stored("b.jpg", first)))
    gif = read_image(stored("a.gif", first, **frames)).astype(int)
    assert np.abs(gif - COLOUR).mean() < np.abs(gif - (255 - COLOUR)).mean()


GOOD_JPEG = encoded(Image.fromarray(COLOUR), "JPEG")
GOOD_PNG = encoded(Image.fromarray(COLOUR), "PNG")
FLIPPED = bytearray(GOOD_PNG)
FLIPPED[len(FLIPPED) // 2] ^= 0xFF
BAD_HEADER = {
    "empty.png": (b"", "empty"),
    "text.png": (b"hello", "not an image"),
    "page.jpg": (b"<html>404</html>", "not an image"),
    "start.jpg": (GOOD_JPEG[:2], "not an image"),
    "zeros.jpg": (bytes(5000), "not an image"),
    "drawing.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
    "bomb.png": (png((20000, 20000, 1, 0), b"\0"), "decompression bomb"),
}
BAD_PIXELS = {
    "cut.jpg": (GOOD_JPEG[:-100], "truncated"),
    "cut.png": (GOOD_PNG[: len(GOOD_PNG) // 2], "truncated"),
    "flipped.png": (bytes(FLIPPED), "broken"),
    "cut.bmp": (encoded(Image.fromarray(COLOUR), "BMP")[:-30], "truncated"),
    "cut.tif": (encoded(Image.fromarray(COLOUR), "TIFF")[:-30], "."),
}


@pytest.mark.parametrize("name", [*BAD_HEADER, *BAD_PIXELS])
@pytest.mark.parametrize("options", [{}, {"size": (4, 4), "mode": "RGB"}])
def test_a_bad_file_is_a_value_error_with_path_and_reason(stored, name, options):
    content, reason = (BAD_HEADER | BAD_PIXELS)[name]
    path = stored(name, content)
    readers = [read_image] if name in BAD_PIXELS else [read_image, describe]
    for read in readers:
        with pytest.raises(ValueError, match=reason) as caught:
            read(path, **options)
        assert str(caught.value).startswith(f"{path}: ") and str(caught.value).count(name) == 1
        assert caught.value.__cause__ is not None


@pytest.mark.parametrize("name", ["image.jpg", "noext", "image.tiff"])
def test_the_content_decides_not_the_name(stored, name):
    np.testing.assert_array_equal(read_image(stored(name, GOOD_PNG)), COLOUR)


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path):
    os.mkdir(tmp_path / "folder.png")
    with pytest.raises(ValueError, match=r"folder\.png: it is a folder"):
        read_image(tmp_path / "folder.png")
    if not hasattr(os, "mkfifo"):
        return
    os.mkfifo(tmp_path / "pipe.png")
    told = []

    def read():
        for reader in (describe, read_image):
            with pytest.raises(ValueError, match=r"pipe\.png: it is a pipe") as caught:
                reader(tmp_path / "pipe.png")
            told.append(caught)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(timeout=10)
    assert len(told) == 2, "waited for somebody to write into the pipe"


def test_missing_and_forbidden_files_keep_their_errors(stored, tmp_path, monkeypatch):
    dangling = tmp_path / "dangling.png"
    dangling.symlink_to("nowhere")
    for path in (dangling, tmp_path / "missing.png"):
        with pytest.raises(FileNotFoundError, match=f"^{path}: "):
            read_image(path)
    path = stored("secret.png", GOOD_PNG)

    def forbidden(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("builtins.open", forbidden)  # root may open everything
    with pytest.raises(PermissionError, match=f"^{path}: Permission denied$"):
        read_image(path)


@pytest.mark.parametrize("path", ["loop.png", "n\0ul.png", "x" * 300])
def test_impossible_names(tmp_path, path):
    (tmp_path / "loop.png").symlink_to("loop.png")
    with pytest.raises(ValueError, match=r"Too many levels|null|too long"):
        describe(tmp_path / path)


SEEDS = [
    encoded(Image.fromarray(COLOUR).convert(mode), file_format)
    for file_format, mode in [
        *[("PNG", "RGB"), ("PNG", "P"), ("JPEG", "RGB"), ("JPEG", "L"), ("BMP", "RGB")],
        *[("GIF", "P"), ("WEBP", "RGBA"), ("PPM", "RGB"), ("TIFF", "RGB"), ("TIFF", "P")],
    ]
]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_gives_an_image_or_a_value_error(tmp_path_factory, data):
    content = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.bin"
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    try:
        pixels = read_image(path)
    except ValueError as error:
        told = str(error)
    else:
        told = f"{path}: {describe(path).shape == pixels.shape}"
    assert told.startswith(f"{path}: ") and not told.endswith("False")


@pytest.mark.parametrize("photo", [data.astronaut, data.coffee])
@pytest.mark.parametrize("size", [(96, 96), (100, 60), (150, 200), (600, 512)])
def test_draft_stays_within_two_grey_levels(stored, photo, size):
    path = stored("photo.jpg", Image.fromarray(photo()), quality=90)
    for mode in (None, "L"):
        full = read_image(path, size=size, mode=mode, draft=False).astype(int)
        assert np.abs(read_image(path, size=size, mode=mode) - full).mean() < 2
    with Image.open(path) as image:
        expected = image.resize(size[::-1], Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(read_image(path, size=size, draft=False), np.asarray(expected))


@pytest.mark.parametrize("photo", [data.astronaut, data.coffee])
@pytest.mark.parametrize("factor", [2, 4, 8])
def test_draft_alone_is_the_mean_of_blocks(stored, photo, factor):
    path = stored("photo.jpg", Image.fromarray(photo()), quality=90)
    with Image.open(path) as image:
        means = np.asarray(image.reduce(factor), dtype=int)
    assert np.abs(read_image(path, size=means.shape[:2]) - means).mean() < 1


def test_draft_keeps_the_frame_of_sizes_that_blocks_do_not_divide(stored):
    ramp = np.tile(np.linspace(0, 255, 121).astype(np.uint8), (121, 1))
    path = stored("ramp.jpg", Image.fromarray(ramp), quality=95)
    full = read_image(path, size=(15, 15), draft=False).astype(int)
    assert np.abs(read_image(path, size=(15, 15)) - full).mean() < 1


def test_draft_decodes_less(stored):
    path = stored("photo.jpg", Image.fromarray(PHOTO), quality=95)
    assert (read_image(path, size=(64, 64)) != read_image(path, size=(64, 64), draft=False)).any()
    np.testing.assert_array_equal(read_image(path), read_image(path, draft=False))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32])
def test_resizing_keeps_the_precision_of_the_dtype(tmp_path, dtype):
    scale = {np.uint8: 1, np.uint16: 257, np.int32: 8000, np.float32: 1 / 255}[dtype]
    image = (PHOTO[:300, :200, 0].astype(float) * scale).astype(dtype)
    write_image(tmp_path / "image.tif", image)
    small = read_image(tmp_path / "image.tif", size=(75, 50))
    oracle = transform.resize(image.astype(float), (75, 50), anti_aliasing=True)
    assert small.dtype == dtype
    assert np.abs(small / scale - oracle / scale).mean() < 1.5
    # More values than 8 bits could tell apart, so nothing was squeezed on the way.
    assert (len(np.unique(small)) > 256) == (dtype is not np.uint8)


@pytest.mark.parametrize("top", [np.uint16(65535), np.int32(2**31 - 1), np.float32(3e38)])
def test_resizing_does_not_overflow(tmp_path, top):
    write_image(tmp_path / "white.tif", np.full((9, 7), top))
    assert (read_image(tmp_path / "white.tif", size=(3, 20)) == top).all()


def test_bilevel_images_are_thresholded_at_one_half(tmp_path):
    halves = np.zeros((4, 6), dtype=bool)
    halves[:, 3:] = True
    write_png(tmp_path / "halves.png", halves)
    small = read_image(tmp_path / "halves.png", size=(2, 2))
    assert small.dtype == bool and small.tolist() == [[False, True]] * 2
    assert read_image(tmp_path / "halves.png", size=(1, 1)).item() is True


def test_colours_are_weighted_with_their_alpha(tmp_path):
    image = np.zeros((2, 2, 4), dtype=np.uint8)
    image[:, 0] = 200, 100, 50, 255
    image[:, 1] = 0, 255, 0, 0  # transparent green must not tint the rest
    write_png(tmp_path / "icon.png", image)
    small = read_image(tmp_path / "icon.png", size=(1, 1))
    assert np.abs(small[0, 0] - [200.0, 100, 50, 128]).max() <= 1


LOSSLESS = [
    *[(suffix, "bool", ()) for suffix in (".png", ".tif")],
    *[(suffix, "uint16", ()) for suffix in (".png", ".TIFF")],
    *[(".png", "uint8", axes) for axes in ((), (2,), (3,), (4,))],
    *[(".tif", "uint8", axes) for axes in ((), (2,), (3,), (4,))],
    *[(".tiff", dtype, ()) for dtype in ("int32", "float32")],
]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(LOSSLESS).flatmap(
        lambda kind: st.tuples(
            st.just(kind[0]),
            array_shapes(min_dims=2, max_dims=2, max_side=12).flatmap(
                lambda shape: arrays(np.dtype(kind[1]), (*shape, *kind[2]))
            ),
        )
    )
)
def test_what_was_written_is_read_again(tmp_path_factory, case):
    suffix, image = case
    path = tmp_path_factory.getbasetemp() / f"image{suffix}"
    write_image(path, image)
    again = read_image(path)
    assert again.dtype == image.dtype
    np.testing.assert_array_equal(again, image)
    info = describe(path)
    assert (info.shape, info.dtype) == (image.shape, image.dtype)


def test_memory_order_and_byte_order_do_not_matter(tmp_path):
    image = RNG.integers(0, 65536, (5, 7), dtype=np.uint16)
    frozen = np.asfortranarray(image.astype(">u2"))[::-1]
    frozen.flags.writeable = False
    write_image(tmp_path / "image.png", frozen)
    np.testing.assert_array_equal(read_image(tmp_path / "image.png"), image[::-1])


@pytest.mark.parametrize(
    ("name", "image", "told"),
    [
        ("a.png", np.zeros((2, 2)), r"dtype float64 .*float32"),
        ("a.png", np.zeros((2, 2), np.float32), r"PNG .*float32.*\.tif"),
        ("a.png", np.zeros((2, 2), np.int32), r"int32.*\.tif"),
        ("a.tif", np.zeros((2, 2), np.int64), "int64"),
        ("a.png", np.zeros((2, 2, 3), np.uint16), r"\(2, 2, 3\) and dtype uint16"),
        ("a.png", np.zeros((2, 2, 1), np.uint8), r"\(2, 2, 1\)"),
        ("a.png", np.zeros((2, 2, 5), np.uint8), r"\(2, 2, 5\)"),
        ("a.png", np.zeros((0, 2), np.uint8), r"\(0, 2\)"),
        ("a.png", np.zeros(4, np.uint8), r"\(4,\)"),
        ("a.jpg", np.zeros((2, 2), np.uint8), r"\.jpg .*\.png"),
        ("a", np.zeros((2, 2), np.uint8), r"no suffix .*\.png"),
    ],
)
def test_what_cannot_be_kept_is_refused(tmp_path, name, image, told):
    with pytest.raises(ValueError, match=told) as caught:
        write_image(tmp_path / name, image)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_a_file_is_whole_or_absent(tmp_path, monkeypatch, step, failure):
    old, new = np.zeros((2, 2), np.uint8), np.ones((2, 2), np.uint8)
    write_png(tmp_path / "old.png", old)

    def fail(*args):
        raise failure

    monkeypatch.setattr(os, step, fail)
    for name in ("old.png", "new.png"):
        with pytest.raises(type(failure)) as caught:
            write_image(tmp_path / name, new)
        if isinstance(failure, OSError):
            assert caught.value.errno == errno.ENOSPC
            assert caught.value.filename == str(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["old.png"]
    np.testing.assert_array_equal(read_image(tmp_path / "old.png"), old)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        write_png(tmp_path / "none" / "a.png", np.zeros((2, 2), np.uint8))
    assert caught.value.filename == str(tmp_path / "none" / "a.png")


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_the_file_has_the_permissions_of_an_ordinary_one(tmp_path):
    (tmp_path / "ordinary").touch()
    write_png(tmp_path / ("n" * 250 + ".png"), np.zeros((2, 2), np.uint8))  # longest name allowed
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1


def test_all_unreadable_files_are_named(stored):
    good = [stored(f"good{k}.png", GOOD_PNG) for k in range(100)]
    bad = [stored(f"bad{k}.png", b"hello") for k in range(13)]
    with pytest.raises(ValueError, match="13 of 113 image files cannot be read") as caught:
        describe_all(good + bad, n_jobs=2)
    told = str(caught.value)
    assert all(f"{path}: not an image" in told for path in bad[:10])
    assert str(bad[10]) not in told and told.endswith("and 3 more")
    infos = describe_all(good, n_jobs=2)
    assert infos == [FileInfo((24, 16, 3), np.dtype(np.uint8), "RGB")] * 100


def test_files_that_are_all_missing_are_not_found(stored, tmp_path):
    missing = [tmp_path / "a.png", tmp_path / "b.png"]
    with pytest.raises(FileNotFoundError, match=r"2 of 2 .*\n.*a\.png.*\n.*b\.png"):
        describe_all(missing)
    with pytest.raises(ValueError, match="3 of 3"):
        describe_all([*missing, stored("text.png", b"hello")])


def test_kinds_are_counted_when_they_differ(stored):
    modes = ["RGB", "RGB", "RGB", "RGB", "L", "P"]
    paths = [stored(f"{k}.tif", in_mode(mode)) for k, mode in enumerate(modes)]
    check_uniform(describe_all(paths[:4]), paths[:4])
    with pytest.raises(ValueError, match=r'mode="RGB" \(of ReadImages') as caught:
        check_uniform(describe_all(paths), paths)
    told = str(caught.value)
    assert "6 image files are of 3 kinds" in told
    assert f"RGB (H, W, 3) uint8: 4 ({paths[0]}, {paths[1]}, {paths[2]}, ...)" in told
    assert f"L (H, W) uint8: 1 ({paths[4]})" in told and "P (H, W, 3) uint8: 1" in told


@pytest.mark.parametrize("size", [7, (7,), (0, 3), (2.5, 3), "ab", (1, 2, 3)])
def test_a_wrong_size_is_refused(stored, size):
    path = stored("a.png", GOOD_PNG)
    for read in (read_image, describe):
        with pytest.raises(ValueError, match=r"`size` must be None or \(height, width\)"):
            read(path, size=size)


def test_a_wrong_mode_is_refused(stored):
    with pytest.raises(ValueError, match=r"`mode` must be .* got 'CMYK'"):
        read_image(stored("a.png", GOOD_PNG), mode="CMYK")


def test_suffixes_are_those_of_the_formats():
    assert {Image.registered_extensions()[suffix] for suffix in SUFFIXES} == set(FORMATS)


@pytest.mark.parametrize("dtype", ["float64", "int64", "uint32", "int16", "float16"])
def test_what_no_lossless_file_holds_is_refused(dtype):
    with pytest.raises(ValueError, match=f"PNG or TIFF cannot hold .* dtype {dtype}. It holds"):
        files.encode(np.zeros((4, 5), dtype=dtype), None, 95)
