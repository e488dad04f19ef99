"""The bodies' layouts against the tables of docs/board-link.md; runs on CPython and on MicroPython."""

from firmware.core import bodies, codes
from firmware.core.framing import CHUNK_BYTES, MAX_BODY_BYTES

SIZES = (
    (bodies.IDENTIFY, 1 + 1 + 16),
    (bodies.IDENTITY, 1 + 1 + 1 + 1 + 16 + 8 + 1 + 1 + 1 + 1 + 4 + 4 + 4 + 16),
    (bodies.STATUS, 1 + 1 + 1 + 1 + 2 + 4 + 4 + 1 + 32 + 2 + 4 + 2 + 2 + 2 + 1 + 4),
    (bodies.CAPTURE, 4 + 1),
    (bodies.WAIT_LIFT, 4),
    (bodies.GET_CHUNKS, 2 + 2 + 2),
    (bodies.RELEASE, 2),
    (bodies.PAIR, 32),
    (bodies.SENSOR, 1 + 2 + 2 + 2 + 2 + 4 + 2 + 1 + 2),
    (bodies.CONFIGURE, 1 + 4),
    (bodies.UPDATE_BEGIN, 4 + 32),
    (bodies.UPDATE_MANIFEST, 4),
    (bodies.UPDATE_FILE, 2),
    (bodies.UPDATE_WRITE, 4),
    (bodies.UPDATE_PROGRESS, 4),
    (bodies.UPDATE_ENDED, 1),
    (bodies.EVENT_STATE, 4),
    (bodies.EVENT_IMAGE, 2 + 2 + 2 + 2 + 4 + 1 + 1 + 4),
    (bodies.EVENT_CHUNK, 2 + 2),
    (bodies.EVENT_IMAGE_END, 2 + 4 + 32 + 2 + 4),
)


def test_sizes_are_the_documented_ones():
    for body, size in SIZES:
        assert body.size == size, body.fields


def test_every_field_has_a_name():
    for body, size in SIZES:
        fields = body.named(bytes(size), 0)
        assert len(fields) == len(body.fields.split()) == len(body.unpack_from(bytes(size), 0)), body.fields


def test_fits_asks_for_the_whole_and_no_more_unless_there_may_be():
    assert bodies.CAPTURE.fits(5)
    assert not bodies.CAPTURE.fits(4)
    assert not bodies.CAPTURE.fits(6)
    assert not bodies.UPDATE_WRITE.fits(3)
    assert bodies.UPDATE_WRITE.fits(4)
    assert bodies.UPDATE_WRITE.fits(4 + 448)
    assert bodies.EVENT_CHUNK.size + CHUNK_BYTES <= MAX_BODY_BYTES
    assert bodies.UPDATE_WRITE.size + 448 <= MAX_BODY_BYTES


def test_what_is_packed_comes_back_big_endian():
    buffer = bytearray(10)
    assert bodies.CAPTURE.pack_into(buffer, 2, 60_000, 3) == 7
    assert buffer == b"\0\0" + b"\x00\x00\xea\x60\x03" + b"\0\0\0"
    assert bodies.CAPTURE.pack(60_000, 3) == b"\x00\x00\xea\x60\x03"
    assert bodies.CAPTURE.unpack_from(buffer, 2) == (60_000, 3)
    assert bodies.CAPTURE.named(buffer, 2) == {"timeout_ms": 60_000, "looks": 3}


def test_numbers_of_all_sizes_go_in_and_out():
    buffer = bytearray(6)
    for value in (0, 1, 0x1234, 0xFFFF, 0x10000, 0x3FFFFFFF, 0x40000000, 0xFFFFFFFF):
        bodies.put_u32(buffer, 1, value)
        assert buffer == b"\0" + value.to_bytes(4, "big") + b"\0"
        assert bodies.u32(buffer, 1) == value
        assert bodies.u16(buffer, 3) == value & 0xFFFF
    bodies.put_u16(buffer, 1, 0xABCD)
    assert buffer[1:3] == b"\xab\xcd"


def test_codes_have_names_and_no_number_is_given_twice():
    assert codes.name_of("ERROR_", codes.ERROR_BUSY) == "BUSY"
    assert codes.name_of("STATE_", 77) == "77"
    for group in ("ERROR_", "STATE_", "LED_", "RESET_", "BOARD_", "MODEL_", "FLAG_", "CAN_", "EVENT_"):
        values = [getattr(codes, name) for name in dir(codes) if name.startswith(group)]
        assert len(values) > 2
        assert len(values) == len(set(values)), group
