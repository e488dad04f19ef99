"""The one loader of image files: what it takes, what it makes of it, and what it refuses.

One long file on purpose: the makers of odd files at its top serve all of it.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import subprocess
import sys
import time
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from edge_service.extraction import ImageRefused, read_image
from edge_service.extraction import parameters as p

RNG = np.random.default_rng(11)
PAGE = RNG.integers(0, 256, (48, 30), np.uint8)
COLOUR = RNG.integers(0, 256, (20, 24, 3), np.uint8)


def saved(image: Image.Image | np.ndarray, path, **options):
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return path


def luma(rgb: np.ndarray) -> np.ndarray:
    return np.rint(rgb.astype(float) @ [0.299, 0.587, 0.114])


# -- what is taken


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.png", {}),
        ("a.bmp", {}),
        ("a.tif", {}),
        ("lzw.tiff", {"compression": "tiff_lzw"}),
        ("deflate.tif", {"compression": "tiff_adobe_deflate"}),
        ("packbits.tif", {"compression": "packbits"}),
    ],
)
@pytest.mark.parametrize("exact", [False, True])
def test_grey_is_read_pixel_for_pixel(tmp_path, name, options, exact):
    found = read_image(saved(PAGE, tmp_path / name, **options), exact=exact)
    assert found.dtype == np.uint8
    assert found.flags.c_contiguous
    assert found.flags.writeable
    assert np.array_equal(found, PAGE)


def test_a_name_may_be_text_and_its_ending_does_not_matter(tmp_path):
    path = tmp_path / "print.dat"
    Image.fromarray(PAGE).save(path, format="PNG")
    assert np.array_equal(read_image(str(path)), PAGE)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp"])
def test_colour_becomes_luma(tmp_path, name):
    found = read_image(saved(COLOUR, tmp_path / name))
    assert np.abs(found - luma(COLOUR)).max() <= 1


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB"])
def test_other_colour_spaces_become_grey(tmp_path, mode):
    grey = Image.fromarray(np.full((20, 20), 200, np.uint8)).convert("RGB")
    if mode == "LAB":
        picture = Image.merge("LAB", [Image.new("L", (20, 20), v) for v in (201, 128, 128)])
    else:
        picture = grey.convert(mode)
    found = read_image(saved(picture, tmp_path / "a.tif"))
    assert abs(float(found.mean()) - 200) < 6


def test_sixteen_bits_become_their_top_eight(tmp_path):
    deep = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    for name in ("deep.png", "deep.tif"):
        found = read_image(saved(deep, tmp_path / name))
        assert np.array_equal(found, deep >> 8)


def sixteen_bit_tiff(values: np.ndarray, *, bits: int = 16, photometric: int = 1, order: str = "<") -> bytes:
    """A TIFF that Pillow would not write: another byte order, 12 bits, white as zero."""
    height, width = values.shape
    if bits == 12:
        pairs = values.reshape(-1, 2).astype(int)
        strip = b"".join(bytes([a >> 4, (a & 15) << 4 | b >> 8, b & 255]) for a, b in pairs)
    else:
        strip = values.astype(f"{order}u2").tobytes()
    tags = [
        (256, 3, width),
        (257, 3, height),
        (258, 3, bits),
        (259, 3, 1),
        (262, 3, photometric),
        (273, 4, 8),
        (277, 3, 1),
        (278, 3, height),
        (279, 4, len(strip)),
    ]
    body = struct.pack(order + "H", len(tags))
    for tag, kind, value in tags:
        body += struct.pack(order + "HHI", tag, kind, 1)
        body += struct.pack(order + "HH", value, 0) if kind == 3 else struct.pack(order + "I", value)
    start = b"II*\0" if order == "<" else b"MM\0*"
    return start + struct.pack(order + "I", 8 + len(strip)) + strip + body + bytes(4)


@pytest.mark.parametrize("order", ["<", ">"])
def test_either_byte_order(tmp_path, order):
    deep = RNG.integers(0, 65536, (24, 20)).astype(np.uint16)
    (tmp_path / "a.tif").write_bytes(sixteen_bit_tiff(deep, order=order))
    assert np.array_equal(read_image(tmp_path / "a.tif"), deep >> 8)


def test_twelve_bits_become_their_top_eight(tmp_path):
    deep = RNG.integers(0, 4096, (24, 20)).astype(np.uint16)
    (tmp_path / "a.tif").write_bytes(sixteen_bit_tiff(deep, bits=12))
    assert np.array_equal(read_image(tmp_path / "a.tif"), deep >> 4)


def test_white_may_be_zero(tmp_path):
    deep = RNG.integers(0, 65536, (24, 20)).astype(np.uint16)
    (tmp_path / "deep.tif").write_bytes(sixteen_bit_tiff(deep, photometric=0))
    assert np.array_equal(read_image(tmp_path / "deep.tif"), 255 - (deep >> 8))
    ifd = ImageFileDirectory_v2()
    ifd[262] = 0
    bilevel = Image.fromarray(PAGE > 127)
    assert np.array_equal(
        read_image(saved(bilevel, tmp_path / "bilevel.tif", tiffinfo=ifd)), np.where(PAGE > 127, 255, 0)
    )


def test_black_and_white_and_palettes(tmp_path):
    bilevel = Image.fromarray(PAGE > 127)
    for name in ("a.png", "a.tif", "a.bmp"):
        assert np.array_equal(read_image(saved(bilevel, tmp_path / name)), np.where(PAGE > 127, 255, 0))
    grey_palette = Image.fromarray(PAGE).convert("P")
    assert np.array_equal(read_image(saved(grey_palette, tmp_path / "p.png"), exact=True), PAGE)
    few = Image.fromarray(COLOUR).quantize(8)
    wanted = luma(np.asarray(few.convert("RGB")))
    assert np.abs(read_image(saved(few, tmp_path / "few.png")) - wanted).max() <= 1


def test_what_is_transparent_lies_over_white(tmp_path):
    alpha = np.zeros((20, 24), np.uint8)
    alpha[:, 8:16], alpha[:, 16:] = 128, 255
    over = 255 - alpha / 255 * (255 - luma(COLOUR))
    rgba = Image.fromarray(np.dstack([COLOUR, alpha]))
    for name in ("a.png", "a.tif"):
        assert np.abs(read_image(saved(rgba, tmp_path / name)) - over).max() <= 2
    grey_alpha = Image.merge("LA", [Image.fromarray(PAGE), Image.fromarray(np.zeros_like(PAGE))])
    assert (read_image(saved(grey_alpha, tmp_path / "la.png")) == 255).all()
    one_clear_colour = Image.fromarray(np.where(PAGE > 127, 255, 0).astype(np.uint8)).convert("P")
    clear = saved(one_clear_colour, tmp_path / "p.png", transparency=0)
    assert (read_image(clear) == 255).all()
    opaque = Image.fromarray(PAGE).convert("RGBA")
    assert np.array_equal(read_image(saved(opaque, tmp_path / "o.png"), exact=True), PAGE)


def test_exact_refuses_what_would_lose_something(tmp_path):
    lossy = {
        "colour.png": Image.fromarray(COLOUR),
        "deep.png": Image.fromarray(RNG.integers(0, 65536, (20, 20)).astype(np.uint16)),
        "bilevel.png": Image.fromarray(np.eye(20, dtype=bool)),
        "clear.png": Image.fromarray(np.dstack([COLOUR, COLOUR[..., 0]])),
    }
    for name, image in lossy.items():
        saved(image, tmp_path / name)
        assert read_image(tmp_path / name).dtype == np.uint8
        with pytest.raises(ImageRefused, match="8-bit grey") as caught:
            read_image(tmp_path / name, exact=True)
        assert caught.value.path == tmp_path / name


# -- what is refused


def refused(path, *words: str) -> ImageRefused:
    with pytest.raises(ImageRefused) as caught:
        read_image(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert caught.value.fault in message
    assert caught.value.remedy in message
    for word in words:
        assert word in message
    return caught.value


def test_what_is_no_file_is_named(tmp_path):
    refused(tmp_path / "absent.png", "no such file")
    refused(tmp_path, "folder")
    refused(tmp_path / "absent" / "a.png", "no such file")
    refused("nul\0byte.png", "cannot be opened")
    refused("n" * 5000, "cannot be opened")
    fifo = tmp_path / "fifo.png"
    os.mkfifo(fifo)
    refused(fifo, "device")
    refused("/dev/zero", "device")


def image_or_refusal(path) -> np.ndarray | None:
    """The image, or None if it was refused, by name; any other error fails the test."""
    try:
        return read_image(path)
    except ImageRefused as error:
        if not str(error).startswith(f"{path}: "):
            raise
        return None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    path = saved(PAGE, tmp_path / "a.png")
    path.chmod(stat.S_IWUSR)
    refused(path, "Permission denied")


@pytest.mark.parametrize(
    "content",
    [
        b"no picture, only words",
        b"\x89PNG\r\n\x1a\n",
        b"II*\0",
        b"BM",
        b"\x00" * 4096,
        bytes(RNG.integers(0, 256, 5000, np.uint8)),
        b"\x89PNG\r\n\x1a\n" + bytes(RNG.integers(0, 256, 5000, np.uint8)),
        b"BM" + bytes(RNG.integers(0, 256, 5000, np.uint8)),
        b"MM\0*" + bytes(RNG.integers(0, 256, 5000, np.uint8)),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n",
    ],
    ids=lambda content: content[:6].hex(),
)
def test_garbage_is_refused(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    refused(tmp_path / "a.png", "copy it again")


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "a.png").touch()
    refused(tmp_path / "a.png", "empty")


def test_another_format_is_refused(tmp_path):
    for name in ("a.jpg", "a.gif", "a.webp"):
        refused(saved(PAGE, tmp_path / name), "PNG, TIFF, BMP or WSQ")


@pytest.mark.parametrize(
    ("name", "options"), [("a.png", {}), ("a.tif", {}), ("l.tif", {"compression": "tiff_lzw"}), ("a.bmp", {})]
)
def test_every_file_cut_short_is_refused(tmp_path, name, options, capfd):
    whole = saved(PAGE, tmp_path / name, **options).read_bytes()
    cut = tmp_path / f"cut_{name}"
    # what stands behind the pixels of a PNG or a TIFF may be missing without loss
    for length in [*range(0, 60, 7), *range(60, len(whole) * 9 // 10, 83)]:
        cut.write_bytes(whole[:length])
        found = image_or_refusal(cut)
        assert found is None or np.array_equal(found, PAGE)
    assert capfd.readouterr() == ("", "")


def test_changed_bytes_give_an_image_or_a_refusal(tmp_path, capfd):
    rng = np.random.default_rng(5)
    path = tmp_path / "a.img"
    originals = []
    for form, options in (("PNG", {}), ("TIFF", {"compression": "tiff_lzw"}), ("TIFF", {}), ("BMP", {})):
        buffer = io.BytesIO()
        Image.fromarray(PAGE).save(buffer, format=form, **options)
        originals.append(buffer.getvalue())
    outcomes = [0, 0]
    begun = time.monotonic()
    for k in range(400):
        data = bytearray(originals[k % 4])
        for at in rng.integers(0, min(len(data), 200 if k % 3 else len(data)), int(rng.integers(1, 5))):
            data[at] = rng.integers(0, 256)
        path.write_bytes(data)
        found = image_or_refusal(path)
        outcomes[found is None] += 1
        if found is not None:
            assert found.ndim == 2
            assert found.dtype == np.uint8
            assert found.size <= p.MOST_FILE_PIXELS
    assert time.monotonic() - begun < 60
    assert min(outcomes) > 40  # both were seen
    assert capfd.readouterr() == ("", "")


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of(width: int, height: int, data: bytes = b"", extra: bytes = b"") -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(5000, 5000), (30000, 30000), (1, 2**31 - 1)])
def test_far_too_many_pixels_are_refused_before_they_are_decoded(tmp_path, width, height):
    (tmp_path / "bomb.png").write_bytes(png_of(width, height, bytes(1000)))
    refused(tmp_path / "bomb.png", "pixels", "cut out the print")


def test_a_text_that_unfolds_to_gigabytes_is_refused(tmp_path):
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000)))
    (tmp_path / "bomb.png").write_bytes(png_of(10, 10, bytes(110), extra=text))
    refused(tmp_path / "bomb.png")


def test_a_file_of_a_gigabyte_is_not_read(tmp_path):
    path = tmp_path / "large.bmp"
    with path.open("wb") as file:
        file.truncate(1 << 30)  # takes no room on disk
    refused(path, "64 MiB")


def test_several_pages_are_refused(tmp_path):
    pages = [Image.fromarray(PAGE), Image.fromarray(PAGE.T)]
    for name in ("a.tif", "a.png"):
        pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:])
        refused(tmp_path / name, "several pages")


def test_numbers_that_are_no_grey_levels_are_refused(tmp_path):
    refused(saved(RNG.random((20, 20)).astype(np.float32), tmp_path / "f.tif"), "32-bit")
    refused(saved(PAGE.astype(np.int32), tmp_path / "i.tif"), "32-bit")
    refused(saved(PAGE.astype(np.uint16), tmp_path / "dark.png"), "lowest eight")


# -- WSQ


def wsq_of(image: np.ndarray) -> bytes:
    pytest.importorskip("wsq", reason="no wheels for this machine")
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="WSQ")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def wsq_print() -> tuple[np.ndarray, bytes]:
    rows, columns = np.mgrid[0:150, 0:130]
    image = (128 + 90 * np.sin(np.hypot(rows - 60, columns - 70) * 0.7)).astype(np.uint8)
    return image, wsq_of(image)


def test_wsq_is_read_whatever_its_name(tmp_path, wsq_print):
    image, content = wsq_print
    for name in ("a.wsq", "a.png"):
        (tmp_path / name).write_bytes(content)
        found = read_image(tmp_path / name, exact=True)
        assert found.shape == image.shape
        assert found.flags.writeable
        assert np.abs(found.astype(int) - image).mean() < 12


def test_damaged_wsq_is_refused_and_the_process_lives(tmp_path, wsq_print, capfd):
    _, content = wsq_print
    rng = np.random.default_rng(7)
    path = tmp_path / "a.wsq"
    damaged = [content[:2], content[:40], content[: len(content) // 2], content[:2] + bytes(300)]
    damaged += [content[:n] + bytes(rng.integers(0, 256, 900, np.uint8)) for n in (150, 300, 500, 700)]
    for data in damaged:
        path.write_bytes(data)
        refused(path, "damaged or cut short")
    assert capfd.readouterr() == ("", "")


def test_wsq_of_too_many_pixels_is_refused(tmp_path, wsq_print, monkeypatch):
    (tmp_path / "a.wsq").write_bytes(wsq_print[1])
    monkeypatch.setattr(p, "MOST_FILE_PIXELS", 10_000)
    refused(tmp_path / "a.wsq", "130 x 150 pixels")


def test_without_the_package_wsq_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wsq", None)
    (tmp_path / "a.wsq").write_bytes(b"\xff\xa0\xff\xa4")
    refused(tmp_path / "a.wsq", "pip install wsq", "PNG")


def test_a_decoder_that_dies_is_a_damaged_file(tmp_path, monkeypatch):
    (tmp_path / "a.wsq").write_bytes(b"\xff\xa0\xff\xa4")
    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / "wsq.py").write_text("import os\nos.abort()\n")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.syspath_prepend(str(folder))
    refused(tmp_path / "a.wsq", "broke down")


def test_reading_needs_no_runtime_and_no_network(tmp_path):
    """The loader alone: what a machine without TensorFlow Lite can use."""
    path = saved(PAGE, tmp_path / "a.png")
    code = (
        "import sys\nfor name in ('ai_edge_litert', 'tflite_runtime', 'wsq'): sys.modules[name] = None\n"
        f"from edge_service.extraction import read_image\nprint(read_image({str(path)!r}).shape)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "(48, 30)"
