"""Packets in a stream, whatever else is in it and however it is cut."""

from helpers.scripted_sensor import ack, packet

from firmware.core.zfm_packet import (
    DAMAGED,
    NOTHING,
    PACKET,
    PREFIX_BYTES,
    PacketReader,
    byte_sum,
    write_command,
)


def read(stream, cut, reader=None):
    """What comes out of a stream in pieces of `cut` bytes: (PID, content), or None for a damaged packet."""
    reader = reader or PacketReader()
    found = []
    for start in range(0, len(stream), cut):
        chunk = bytearray(stream[start : start + cut])
        at = 0
        while True:
            kind = reader.next()
            if kind == PACKET:
                end = PREFIX_BYTES + reader.content_bytes
                found.append((reader.pid, bytes(reader.raw[PREFIX_BYTES:end])))
            elif kind == DAMAGED:
                found.append(None)
            elif at == len(chunk):
                break
            else:
                at = reader.feed(chunk, at, len(chunk))
    return found


CASES = (
    (ack(0), [(7, b"\x00")]),
    (packet(2, bytes(256)) + packet(8, b"end"), [(2, bytes(256)), (8, b"end")]),
    (b"\x55\x00" + ack(2), [(7, b"\x02")]),
    (b"\xef" + ack(2), [(7, b"\x02")]),
    (b"\xef\x01\xef\x01\xff\xff" + ack(2), [(7, b"\x02")]),
    (packet(3, b"no such PID") + ack(1), [(7, b"\x01")]),
    (b"\xef\x01\x00\x00\x00\x00\x07\x00\x03\x00\x00\x0a" + ack(1), [(7, b"\x01")]),  # another address
    (ack(0)[:-1] + b"\x77" + ack(1), [None, (7, b"\x01")]),
    (
        packet(2, bytes(128))[:50] + ack(1) + bytes(100),
        [None, (7, b"\x01")],
    ),  # the answer is within the damage
    (packet(2, b"\xef\x01\xff\xff\xff\xff"), [(2, b"\xef\x01\xff\xff\xff\xff")]),
    (bytes(1000), []),
    (b"\xef\x01" * 300, []),
    (packet(2, bytes(range(256)))[:-1], []),
)


def test_every_stream_gives_the_same_in_any_cut():
    for stream, found in CASES:
        for cut in (1, 2, 3, 5, 11, 64, 128, 2000):
            assert read(stream, cut) == found, (stream[:20], cut)


def test_lengths_that_cannot_be_are_no_packets():
    for length in (0, 1, 259, 0xFFFF):
        stream = b"\xef\x01\xff\xff\xff\xff\x07" + length.to_bytes(2, "big") + ack(0)
        assert read(stream, 64) == [(7, b"\x00")]


def test_an_empty_content_is_a_packet():
    assert read(packet(8, b""), 1) == [(8, b"")]


def test_skipped_and_pending_bytes_are_counted():
    reader = PacketReader()
    read(b"noise" + ack(0) + b"\xef\x01\xff", 4, reader)
    assert (reader.skipped_bytes, reader.pending_bytes) == (5, 3)
    reader.reset()
    assert (reader.skipped_bytes, reader.pending_bytes, reader.next()) == (0, 0, NOTHING)


def test_commands_are_those_of_the_manual():
    # R503 manual: VfyPwd with password 0, sum 001B; UpImage, sum 000E.
    out = bytearray(16)
    assert write_command(out, 0x13, bytes(4)) == 16
    assert bytes(out) == b"\xef\x01\xff\xff\xff\xff\x01\x00\x07\x13\x00\x00\x00\x00\x00\x1b"
    assert write_command(out, 0x0A) == 12
    assert bytes(out[:12]) == b"\xef\x01\xff\xff\xff\xff\x01\x00\x03\x0a\x00\x0e"


def test_the_sum_wraps():
    assert byte_sum(bytearray(b"\xff" * 300), 0, 300) == 300 * 255 & 0xFFFF
    assert byte_sum(bytearray(3), 1, 1) == 0
