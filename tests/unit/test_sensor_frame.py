"""The packet codec: packets written out by hand, and every way a stream can be cut, dirtied and damaged."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_service.sensors.zfm_codes import Confirmation, Instruction, Pid
from edge_service.sensors.zfm_frame import (
    HEADER,
    MAX_CONTENT_BYTES,
    OVERHEAD_BYTES,
    Damage,
    FrameParser,
    Packet,
    acknowledgement,
    command,
    data_packets,
)

# From the manuals' own examples of the protocol: header, address, PID, length, content, sum.
GEN_IMG = bytes.fromhex("EF01 FFFFFFFF 01 0003 01 0005")
UP_IMAGE = bytes.fromhex("EF01 FFFFFFFF 01 0003 0A 000E")
VFY_PWD = bytes.fromhex("EF01 FFFFFFFF 01 0007 13 00000000 001B")
NO_FINGER = bytes.fromhex("EF01 FFFFFFFF 07 0003 02 000C")
SET_PACKET_SIZE = bytes.fromhex("EF01 FFFFFFFF 01 0005 0E 06 02 001C")

packets = st.builds(
    Packet,
    st.sampled_from([int(pid) for pid in Pid]),
    st.binary(max_size=MAX_CONTENT_BYTES),
    st.just(0xFFFFFFFF),
)


def feed_in_pieces(stream: bytes, cuts: list[int]) -> list[Packet | Damage]:
    parser = FrameParser()
    places = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    events: list[Packet | Damage] = []
    for start, end in itertools.pairwise(places):
        events += parser.feed(stream[start:end])
    return events


def test_commands_are_the_manuals_bytes():
    assert command(Instruction.GEN_IMG) == GEN_IMG
    assert command(Instruction.UP_IMAGE) == UP_IMAGE
    assert command(Instruction.VFY_PWD, bytes(4)) == VFY_PWD
    assert command(Instruction.SET_SYS_PARA, bytes([6, 2])) == SET_PACKET_SIZE
    assert acknowledgement(Confirmation.NO_FINGER) == NO_FINGER


def test_the_manuals_bytes_are_read():
    assert FrameParser().feed(NO_FINGER) == [Packet(Pid.ACK, b"\x02")]
    assert FrameParser().feed(VFY_PWD) == [Packet(Pid.COMMAND, b"\x13\0\0\0\0")]


def test_the_sum_wraps_at_16_bits():
    packet = Packet(Pid.DATA, b"\xff" * 256)
    raw = packet.encode()
    assert int.from_bytes(raw[-2:], "big") == (2 + 1 + 2 + 255 * 256) % 65536
    assert FrameParser().feed(raw) == [packet]


def test_content_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="256"):
        Packet(Pid.DATA, bytes(257)).encode()


@given(st.lists(packets, max_size=4), st.lists(st.integers(0, 1200), max_size=12))
def test_any_cut_gives_the_same_packets(sent: list[Packet], cuts: list[int]):
    stream = b"".join(packet.encode() for packet in sent)
    assert feed_in_pieces(stream, cuts) == sent


@given(st.lists(packets, min_size=1, max_size=2))
def test_one_byte_at_a_time_gives_the_same_packets(sent: list[Packet]):
    stream = b"".join(packet.encode() for packet in sent)
    assert feed_in_pieces(stream, list(range(len(stream)))) == sent


@given(packets, st.binary(max_size=40), st.lists(st.integers(0, 400), max_size=6))
def test_garbage_before_a_header_is_skipped(packet: Packet, garbage: bytes, cuts: list[int]):
    # A whole header in random bytes would rightly be believed; without the address it cannot be one.
    garbage = garbage.replace(b"\xff", b"\x7f")
    assert feed_in_pieces(garbage + packet.encode(), cuts) == [packet]


@pytest.mark.parametrize("half", [HEADER, HEADER[:1], GEN_IMG[:7], HEADER + HEADER, b"\x55\x00" + HEADER])
def test_half_a_header_before_the_header_is_skipped(half: bytes):
    parser = FrameParser()
    assert parser.feed(half + NO_FINGER) == [Packet(Pid.ACK, b"\x02")]
    assert parser.skipped_bytes == len(half)


@given(packets, st.integers(6, 400), st.integers(1, 255))
def test_a_changed_byte_never_gives_a_wrong_packet(packet: Packet, place: int, change: int):
    raw = bytearray(packet.encode())
    raw[place % len(raw)] ^= change
    events = FrameParser().feed(bytes(raw))
    assert all(isinstance(event, Damage) for event in events)


@given(packets, packets, st.integers(1, 255))
def test_after_a_wrong_sum_the_next_packet_is_found(first: Packet, second: Packet, change: int):
    raw = bytearray(first.encode())
    raw[-1] ^= change
    assert FrameParser().feed(bytes(raw) + second.encode()) == [Damage(bytes(raw)), second]


def test_lost_bytes_cost_one_packet_only():
    one, two, three = (Packet(Pid.DATA, bytes([n]) * 64) for n in (1, 2, 3))
    stream = one.encode()[:40] + one.encode()[45:] + two.encode() + three.encode()
    events = FrameParser().feed(stream)
    assert isinstance(events[0], Damage)
    assert events[1:] == [two, three]


def test_another_modules_packet_is_not_ours():
    other = acknowledgement(Confirmation.OK, address=0x01020304)
    assert FrameParser().feed(other + NO_FINGER) == [Packet(Pid.ACK, b"\x02")]
    assert FrameParser(address=None).feed(other) == [Packet(Pid.ACK, b"\x00", 0x01020304)]


@given(st.binary(max_size=600), st.lists(st.integers(0, 600), max_size=8))
def test_noise_is_never_kept(noise: bytes, cuts: list[int]):
    parser = FrameParser()
    parser.feed(noise)
    assert parser.pending_bytes < OVERHEAD_BYTES + MAX_CONTENT_BYTES
    assert parser.skipped_bytes + parser.pending_bytes <= len(noise)
    assert feed_in_pieces(noise, cuts) == FrameParser().feed(noise)


def test_reset_forgets_half_a_packet():
    parser = FrameParser()
    parser.feed(NO_FINGER[:9])
    parser.reset()
    assert parser.pending_bytes == 0
    assert parser.feed(NO_FINGER) == [Packet(Pid.ACK, b"\x02")]


@given(st.binary(max_size=700), st.sampled_from([32, 64, 128, 256]))
def test_data_packets_join_to_the_data(data: bytes, packet_bytes: int):
    events = FrameParser().feed(b"".join(data_packets(data, packet_bytes)))
    assert b"".join(event.content for event in events if isinstance(event, Packet)) == data
    pids = [event.pid for event in events if isinstance(event, Packet)]
    assert pids == [Pid.DATA] * (len(pids) - 1) + [Pid.END]
