"""Whatever comes down the wire: no exception, nothing accepted that the Pi did not send, no memory taken."""

import sys
import zlib
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.core import codes, framing, kernels

sys.path.append(
    str(Path(__file__).parents[1] / "firmware")
)  # where the firmware's own tests keep their bench
from helpers.link_bench import LinkBench, Pi, PiChecks

MANY = settings(max_examples=150, deadline=None)

bytes_of_any_kind = st.one_of(
    st.binary(max_size=1500),
    st.lists(st.sampled_from([0, 1, 2, 5, 0x41, 0xFF]), max_size=1500).map(bytes),
)


def cut(raw, cuts):
    """`raw` in pieces."""
    edges = sorted({min(c, len(raw)) for c in cuts} | {0, len(raw)})
    return [raw[a:b] for a, b in pairwise(edges)] or [raw]


def everything(reader, pieces):
    """What the reader found in the pieces: plain bytes of frames, kinds of damage."""
    found = []
    for piece in pieces:
        reader.feed(bytearray(piece), len(piece))
        while (what := reader.next()) != framing.NOTHING:
            end = framing.HEADER_BYTES + reader.body_length + framing.MAC_BYTES + framing.CRC_BYTES
            found.append(bytes(reader.plain[:end]) if what == framing.FRAME else reader.damage)
    return found


def stuffed(plain):
    out = bytearray(len(plain) + len(plain) // 254 + 3)
    end = kernels.cobs_stuff(bytearray(plain), len(plain), out, 0)
    return bytes(out[: end + 1])


mutation = st.tuples(
    st.sampled_from(["flip", "lose", "double", "insert", "swap", "cut"]),
    st.integers(0, 10_000),
    st.integers(0, 255),
)


def mutate(raw, mutations):
    raw = bytearray(raw)
    for kind, where, what in mutations:
        if not raw:
            break
        at = where % len(raw)
        if kind == "flip":
            raw[at] ^= what
        elif kind == "lose":
            del raw[at : at + 1 + what % 5]
        elif kind == "double":
            raw[at:at] = raw[at : at + 1 + what % 40]
        elif kind == "insert":
            raw.insert(at, what)
        elif kind == "swap":
            raw[at], raw[what % len(raw)] = raw[what % len(raw)], raw[at]
        else:
            del raw[at:]
    return bytes(raw)


@MANY
@given(raw=bytes_of_any_kind, cuts=st.lists(st.integers(0, 1500), max_size=8))
def test_the_reader_takes_any_bytes_in_any_pieces(raw, cuts):
    reader = framing.FrameReader(PiChecks())
    whole = everything(framing.FrameReader(PiChecks()), [raw])
    assert everything(reader, cut(raw, cuts)) == whole
    assert (len(reader.plain), len(reader._stuffed)) == (framing.MAX_PLAIN_BYTES, framing.MAX_STUFFED_BYTES)
    assert reader._gathered < framing.MAX_STUFFED_BYTES
    assert sum(reader.damaged) == sum(isinstance(what, int) for what in whole)


@MANY
@given(plain=st.binary(max_size=600), right=st.booleans(), length=st.none() | st.integers(0, 0xFFFF))
def test_only_a_right_crc_and_a_right_length_make_a_frame(plain, right, length):
    if length is not None and len(plain) >= 10:
        plain = plain[:8] + length.to_bytes(2, "big") + plain[10:]
    elif len(plain) >= 26:
        plain = plain[:8] + (len(plain) - 26).to_bytes(2, "big") + plain[10:]
    crc = zlib.crc32(plain) if right else zlib.crc32(plain) ^ 1
    whole = plain + crc.to_bytes(4, "big")
    fits = 26 <= len(plain) <= 538 and int.from_bytes(plain[8:10], "big") == len(plain) - 26
    version = len(plain) >= 2 and (plain[0] == framing.PROTOCOL or plain[1] in {1, 0x81})
    expected = [whole] if right and fits and version else None
    found = everything(framing.FrameReader(PiChecks()), [stuffed(whole)])
    assert found == expected if expected else all(isinstance(what, int) for what in found)


@MANY
@given(plain=st.binary(max_size=2000))
def test_stuffing_is_undone(plain):
    raw = stuffed(plain)
    assert raw.count(0) == 1
    assert len(raw) <= len(plain) + len(plain) // 254 + 2
    out = bytearray(len(plain))
    assert kernels.cobs_unstuff(raw, len(raw) - 1, out, len(plain)) == len(plain)
    assert out == plain


@MANY
@given(raw=st.binary(max_size=700), room=st.integers(0, 700))
def test_unstuffing_anything_stays_within_its_room(raw, room):
    out = bytearray(b"\xa5" * (room + 300))
    count = kernels.cobs_unstuff(raw, len(raw), out, room)
    assert -1 <= count <= room
    assert out[room:] == b"\xa5" * 300


requests = st.lists(
    st.tuples(st.integers(2, 0x15), st.integers(0, 3), st.binary(max_size=512)), min_size=1, max_size=6
)


def drive(bench, pieces):
    """Answer every request with its own body; what was accepted, in order."""
    accepted = []
    link = bench.link
    for piece in pieces:
        bench.wire.coming += piece
        for _ in range(300 + len(bench.wire.coming)):  # an answer that nobody takes holds up the rest
            link.step()
            if kind := link.poll():
                body = bytes(link.request[link.request_start : link.request_start + link.request_length])
                accepted.append((kind, link._last_sequence, link._down_counter, body))
                link.reply[link.reply_start] = 7
                link.answer(0, 1)
    return accepted


@MANY
@given(
    sent=requests,
    mutations=st.lists(mutation, max_size=6),
    cuts=st.lists(st.integers(0, 4000), max_size=6),
    order=st.randoms(use_true_random=False),
)
def test_the_board_accepts_only_what_the_pi_sent_and_each_once(sent, mutations, cuts, order):
    bench = LinkBench()
    bench.open()
    frames, known = [], set()
    for kind, sequence, body in sent:
        frames.append(bench.pi.frame(kind, body, sequence=sequence))
        known.add((kind, sequence, bench.pi.counter, body))
    frames += order.choices(frames, k=3)  # played back, and out of order
    order.shuffle(frames)
    raw = mutate(b"".join(frames), mutations)
    accepted = drive(bench, cut(raw, cuts))
    assert set(accepted) <= known
    counters = [counter for _, _, counter, _ in accepted]
    assert counters == sorted(set(counters))
    ups = [frame for frame in bench.frames() if frame[4] == "up"]
    counters = [counter for _, _, counter, _, _ in ups]
    assert counters == sorted(set(counters))
    assert bench.link.idle


@MANY
@given(
    key=st.binary(min_size=32, max_size=32),
    kind=st.integers(0, 255),
    counter=st.integers(0, 2**32 - 1),
    body=st.binary(max_size=512),
    own_mac=st.none() | st.binary(min_size=16, max_size=16),
)
def test_nobody_without_the_key_gets_anything_done(key, kind, counter, body, own_mac):
    bench = LinkBench()
    bench.open()
    stranger = Pi(key)
    raw = stranger.frame(kind, body, counter=counter, key=key)
    if own_mac is not None:
        out = bytearray(600)
        count = kernels.cobs_unstuff(raw[1:-1], len(raw) - 2, out, 600)
        plain = bytes(out[: count - 20]) + own_mac
        raw = stuffed(plain + zlib.crc32(plain).to_bytes(4, "big"))
    assert drive(bench, [raw]) == []
    assert bench.link._down_counter == 0
    assert bench.link.in_session
    assert all(frame[4] == "everybody" for frame in bench.frames())
    assert sum(bench.counted().values()) == 1


def happen(bench, what, number, sequence):
    if what == "frame":
        drive(bench, [bench.pi.frame(number % 64, bytes(number % 512), sequence=sequence)])
    elif what == "noise":
        drive(bench, [bytes(i * number & 255 for i in range(number))])
    elif what == "room":
        bench.wire.room = number
    elif what == "wait":
        bench.clock.tick(10 * number)
    elif what == "event":
        bench.link.send_event(codes.EVENT_CHUNK, number % 261)
    elif what == "identify":
        drive(bench, [bench.pi.identify(sequence=number)])
    elif what == "tamper":
        bench.link.forget_key(codes.EVENT_TAMPER)
        bench.link.set_pairing_key(bytearray(bench.pi.key))


@MANY
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["frame", "noise", "room", "wait", "event", "pull", "identify", "tamper"]),
            st.integers(0, 600),
        ),
        max_size=60,
    )
)
def test_whatever_happens_the_link_goes_on(steps):
    bench = LinkBench()
    bench.open()
    sequence = 1
    for what, number in steps:
        bench.wire.pulled = what == "pull"
        sequence += 1
        happen(bench, what, number, sequence)
        drive(bench, [b""])
        bench.wire.written = 0
    # and afterwards it works as on the first day
    bench.wire.pulled = False
    bench.wire.room = 100_000
    bench.clock.tick(5000)
    drive(bench, [b"\0"])
    bench.wire.take()
    bench.pi = Pi()
    bench.open(sequence=9999, nonce=b"a nonce of today")
    assert bench.send(bench.pi.frame(codes.STATUS, sequence=2)) == codes.STATUS
