"""Frames: what is written comes back, what is damaged does not; runs on CPython and on MicroPython."""

from binascii import hexlify, unhexlify

from helpers.link_bench import PiChecks

from firmware.core import codes, framing, kernels
from firmware.core.framing import FRAME, HEADER_BYTES, NOTHING, FrameReader, FrameWriter
from firmware.core.mac import Checks, Key

SECRET = b"k" * 32
GOLDEN = b"050103123404abcdef02050118ea6003e6d2237485a130f98aa7352919c17fac4efbe8b400"
"""By Python's hmac and zlib, and COBS by splitting at the zeros."""


def board_key(checks, secret=SECRET):
    key = Key()
    checks.schedule(key, secret, len(secret))
    return key


def frame(body=b"", *, kind=codes.CAPTURE, sequence=0x1234, counter=0x00ABCDEF):
    """One frame without the 00 in front of it."""
    writer = FrameWriter(PiChecks())
    writer.begin(kind, sequence, counter)
    writer.plain[HEADER_BYTES : HEADER_BYTES + len(body)] = body
    end = writer.finish(len(body), SECRET)
    assert writer.wire[0] == 0
    assert writer.wire[end - 1] == 0
    return bytes(writer.wire[1:end])


def read(raw, reader=None):
    """Everything that the reader found: bodies of frames, and numbers of damages."""
    reader = reader or FrameReader(PiChecks())
    reader.feed(bytearray(raw), len(raw))
    out = []
    found = reader.next()
    while found != NOTHING:
        end = reader.body_start + reader.body_length
        out.append(bytes(reader.plain[reader.body_start : end]) if found == FRAME else reader.damage)
        found = reader.next()
    return out


def with_crc(plain):
    """Stuff whatever is wanted, with a right CRC."""
    plain = bytearray(plain) + bytearray(4)
    PiChecks().crc32_into(plain, len(plain) - 4, plain, len(plain) - 4)
    out = bytearray(1000)
    end = kernels.cobs_stuff(plain, len(plain), out, 0)
    return bytes(out[: end + 1])


def test_a_frame_byte_by_byte():
    # CAPTURE, sequence 1234, counter 00ABCDEF, body 0000EA60 03
    raw = frame(unhexlify("0000ea6003"))
    out = bytearray(100)
    count = kernels.cobs_unstuff(raw, len(raw) - 1, out, 100)
    assert hexlify(out[:15]) == b"0103123400abcdef0005" + b"0000ea6003"
    assert count == 15 + 16 + 4
    assert hexlify(raw) == GOLDEN


def test_both_sides_write_the_same_bytes():
    checks = Checks()
    key = board_key(checks)
    writer = FrameWriter(checks)
    for length in (0, 1, 5, 30, 31, 32, 38, 256, 260, 511, 512):
        body = bytes(i * 31 & 255 for i in range(length))
        writer.begin(codes.CAPTURE, 0x1234, 0xABCDEF)
        writer.plain[HEADER_BYTES : HEADER_BYTES + length] = body
        end = writer.finish(length, key)
        assert writer.wire[1:end] == frame(body), length


def test_what_is_written_comes_back():
    checks = Checks()
    reader = FrameReader(checks)
    right, wrong = board_key(checks), board_key(checks, b"l" * 32)
    raw = frame(b"body")
    reader.feed(bytearray(raw), len(raw))
    assert reader.next() == FRAME
    assert (reader.protocol, reader.type, reader.sequence) == (1, codes.CAPTURE, 0x1234)
    assert reader.counter == 0xABCDEF
    assert reader.plain[reader.body_start : reader.body_start + reader.body_length] == b"body"
    assert reader.mac_ok(right)
    assert not reader.mac_ok(wrong)
    assert reader.next() == NOTHING


def test_the_longest_frame_fits_and_its_size_is_the_documented_one():
    longest = frame(b"\xff" * 512)
    assert len(longest) <= framing.MAX_STUFFED_BYTES
    assert framing.HEADER_BYTES + 512 + framing.MAC_BYTES + framing.CRC_BYTES == framing.MAX_PLAIN_BYTES
    assert read(longest) == [b"\xff" * 512]
    assert read(longest[:-1] + b"\x01" + b"\0" + longest)[1:] == [b"\xff" * 512]


def test_frames_come_back_however_they_are_cut():
    raw = frame(b"one") + b"\0\0" + frame(b"two" * 100) + frame()
    whole = [b"one", b"two" * 100, b""]
    for size in (1, 2, 3, 7, 64, 255, 256):
        reader = FrameReader(PiChecks())
        found = []
        for start in range(0, len(raw), size):
            found += read(raw[start : start + size], reader)
        assert found == whole, size


def test_every_single_wrong_byte_is_noticed():
    raw = frame(b"a body of some bytes")
    for i in range(len(raw)):
        for wrong in (raw[i] ^ 1, raw[i] ^ 0x80, 0, 0xFF):
            if wrong != raw[i]:
                damaged = raw[:i] + bytes([wrong]) + raw[i + 1 :]
                found = read(damaged + b"\0" + frame(b"next"))
                assert found[-1] == b"next", (i, wrong)
                assert all(isinstance(what, int) for what in found[:-1]), (i, wrong)


def test_what_is_wrong_is_told_and_counted_in_order():
    reader = FrameReader(PiChecks())
    plain = bytes([1, 3, 0, 1, 0, 0, 0, 1, 0, 0]) + bytes(16)
    for raw, damage in (
        (b"\x01" * 600 + b"\0", framing.TOO_LONG),
        (b"\x05\x01\0", framing.BAD_COBS),
        (b"\x02\x01\0", framing.BAD_LENGTH),
        (with_crc(plain[:9]), framing.BAD_LENGTH),
        (with_crc(plain[:9] + b"\x01" + bytes(16)), framing.BAD_LENGTH),
        (with_crc(plain[:8] + b"\xff\xff" + bytes(16)), framing.BAD_LENGTH),
        (with_crc(plain)[:-2] + b"\x77\0", framing.BAD_CRC),
        (with_crc(b"\x02" + plain[1:]), framing.BAD_VERSION),
    ):
        assert read(raw, reader) == [damage]
    assert reader.damaged == [0, 1, 1, 4, 1, 1]
    assert read(with_crc(plain), reader) == [b""]


def test_identify_is_read_in_any_version():
    reader = FrameReader(PiChecks())
    for kind in (codes.IDENTIFY, codes.IDENTIFY + codes.ANSWER):
        assert read(with_crc(bytes([7, kind]) + bytes(24)), reader) == [b""]
        assert reader.protocol == 7


def test_a_counter_above_the_largest_is_none():
    reader = FrameReader(PiChecks())
    read(frame(counter=framing.MAX_COUNTER), reader)
    assert reader.counter == framing.MAX_COUNTER
    read(frame(counter=framing.MAX_COUNTER + 1), reader)
    assert reader.counter == -1
    read(with_crc(bytes([1, 3, 0, 1, 255, 255, 255, 255, 0, 0]) + bytes(16)), reader)
    assert reader.counter == -1


def test_a_flood_without_an_end_is_one_damage_and_takes_no_memory():
    reader = FrameReader(PiChecks())
    for _ in range(50):
        assert read(b"\x41" * 256, reader) == []
    assert read(b"\0" + frame(b"after"), reader) == [framing.TOO_LONG, b"after"]
    assert reader.damaged[framing.TOO_LONG] == 1


def test_the_reader_stops_gathering_at_exactly_the_longest_frame():
    for length in range(framing.MAX_STUFFED_BYTES - 4, framing.MAX_STUFFED_BYTES + 5):
        fits = length < framing.MAX_STUFFED_BYTES  # one is for the 00
        for size in (1, 256, 600):
            reader = FrameReader(PiChecks())
            raw = b"\x01" * length + b"\0"
            found = []
            for start in range(0, len(raw), size):
                found += read(raw[start : start + size], reader)
                assert reader._gathered < framing.MAX_STUFFED_BYTES
            assert (found == [framing.TOO_LONG]) != fits, (length, size)
            assert len(found) == 1


def test_a_reader_can_forget_and_wipe():
    reader = FrameReader(PiChecks())
    assert read(frame(b"secret") + frame(b"half of it")[:20], reader) == [b"secret"]
    reader.wipe()
    assert b"secret" not in bytes(reader.plain) + bytes(reader._stuffed)
    reader.forget()
    assert read(b"rest\0" + frame(b"new"), reader) == [framing.BAD_COBS, b"new"]
    reader = FrameReader(PiChecks())
    whole = frame(b"goes on")
    assert read(frame(b"secret") + whole[:20], reader) == [b"secret"]
    reader.wipe()
    assert read(whole[20:], reader) == [b"goes on"]
