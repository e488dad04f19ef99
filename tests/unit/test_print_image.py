"""Images of prints on the wire: what is written is read again, by others too, and nothing else is."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from interchange.errors import MessageError
from interchange.messages import MAX_PAYLOAD_BYTES, ImageSent, decode_message, encode_message
from interchange.print_image import MAX_IMAGE_BYTES, decode_image, encode_image

TCN = "kiosk-1.01M81SQ8GJ5GD9YN21AHB5YAQF"
NOISE = (np.random.default_rng(7).integers(0, 16, (288, 256)) * 17).astype(np.uint8)
WAVES = np.add.outer(np.arange(288), np.arange(256)).astype(np.uint8)
GOOD = encode_image(WAVES, dpi=500.0)


def chunk(name, content, crc=None):
    check = zlib.crc32(name + content) if crc is None else crc
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)


def png(
    *, header=(256, 288, 8, 0, 0, 0, 0), scale=(19685, 19685, 1), raw=None, more=b"", end=b"", packed=None
):
    raw = bytes(288 * 257) if raw is None else raw
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", *header))
        + more
        + chunk(b"pHYs", struct.pack(">IIB", *scale))
        + chunk(b"IDAT", zlib.compress(raw, 9) if packed is None else packed)
        + chunk(b"IEND", b"")
        + end
    )


@pytest.mark.parametrize("pixels", [NOISE, WAVES, np.zeros((192, 192), np.uint8), NOISE[:16, :16]])
def test_it_comes_back_and_anybody_can_show_it(pixels):
    data = encode_image(pixels, dpi=508.0)
    back = decode_image(data)
    assert (back.pixels == pixels).all()
    assert back.dpi == 508.0
    with Image.open(io.BytesIO(data)) as shown:
        assert (np.array(shown) == pixels).all()
        assert shown.info["dpi"][0] == pytest.approx(508.0, abs=0.01)


def test_rows_filtered_from_the_left_are_read():
    raw = np.concatenate([np.ones((288, 1), np.uint8), np.diff(WAVES, axis=1, prepend=0)], axis=1)
    assert (decode_image(png(raw=raw.astype(np.uint8).tobytes())).pixels == WAVES).all()


def test_the_worst_image_of_a_sensor_fits_a_message():
    """Ten of them in one submission would not: so each travels by itself."""
    data = encode_image(NOISE, dpi=500.0)
    sent = ImageSent(device="kiosk-1", tcn=TCN, number=9, image=data + bytes(MAX_IMAGE_BYTES - len(data)))
    payload = encode_message(sent)
    assert len(payload) < MAX_PAYLOAD_BYTES
    assert decode_message(ImageSent, payload) == sent
    assert 10 * len(data) > MAX_PAYLOAD_BYTES


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no PNG"),
        (GOOD[:-1], "IEND"),
        (GOOD[:500], "IDAT"),
        (GOOD + b"x", "after its end"),
        (GOOD + bytes(MAX_IMAGE_BYTES), "at most"),
        (GOOD.replace(b"IDAT", b"iDAT"), "IDAT"),
        (GOOD[:20] + b"\x7f" + GOOD[21:], "IHDR"),
        (png(more=chunk(b"tEXt", b"Comment\0a name")), "pHYs"),
        (png(end=chunk(b"tEXt", b"Comment\0a name")), "after its end"),
        (png(header=(256, 288, 16, 0, 0, 0, 0)), "8-bit"),
        (png(header=(256, 288, 8, 2, 0, 0, 0)), "8-bit"),
        (png(header=(256, 288, 8, 0, 0, 0, 1)), "8-bit"),
        (png(header=(0, 288, 8, 0, 0, 0, 0)), "0x288"),
        (png(header=(2**31, 2**31, 8, 0, 0, 0, 0)), "each side"),
        (png(scale=(19685, 19686, 1)), "resolution"),
        (png(scale=(19685, 19685, 0)), "resolution"),
        (png(scale=(1, 1, 1)), "0 dpi"),
        (png(raw=bytes(288 * 257 - 1)), "more or fewer"),
        (
            png(raw=bytes(30_000_000)),
            "more or fewer",
        ),  # a bomb: it is not unpacked beyond what the header says
        (png(packed=zlib.compress(bytes(288 * 257)) + b"more"), "more or fewer"),
        (png(packed=b"no deflate"), "unpacked"),
        (png(raw=b"\x04" + bytes(288 * 257 - 1)), "filtered"),
    ],
)
def test_what_is_anything_else_is_refused(data, words):
    with pytest.raises(MessageError, match=words) as caught:
        decode_image(data)
    assert caught.value.field == "image"


@pytest.mark.parametrize("pixels", [np.zeros((15, 200), np.uint8), np.zeros((600, 200), np.uint8)])
def test_what_is_too_large_or_too_small_is_not_written(pixels):
    with pytest.raises(MessageError, match="each side"):
        encode_image(pixels, dpi=500.0)
    with pytest.raises(MessageError, match="at most"):
        encode_image(np.random.default_rng(1).integers(0, 256, (512, 512), np.uint8), dpi=500.0)
