"""The board's packet reader against the Pi's parser, which shares no line with it."""

import random

from edge_service.sensors.zfm_frame import Damage, FrameParser, Packet
from firmware.core.zfm_packet import DAMAGED, PACKET, PREFIX_BYTES, PacketReader


def a_stream(dice):
    """Packets and noise, with bytes flipped, lost and doubled in them."""
    stream = bytearray()
    for _ in range(dice.randint(1, 6)):
        pid = dice.choice([1, 2, 7, 8])
        stream += dice.randbytes(dice.choice([0, 0, 1, 20]))
        content = dice.choice([b"\xef\x01\xff\xff\xff\xff\x07\x00", b"", b"\xff"]) * dice.randint(1, 30)
        stream += Packet(pid, content[: dice.choice([3, 32, 128, 256])]).encode()
    for _ in range(dice.randint(0, 4)):
        at = dice.randrange(len(stream))
        kind = dice.choice(["flip", "lose", "double"])
        if kind == "flip":
            stream[at] ^= 1 << dice.randrange(8)
        elif kind == "lose":
            del stream[at : at + dice.randint(1, 20)]
        else:
            stream[at:at] = stream[at : at + 1]
        if not stream:
            stream += b"\x00"
    return bytes(stream)


def board(stream, dice):
    reader = PacketReader()
    found = []
    at = 0
    while at < len(stream):
        chunk = bytearray(stream[at : at + dice.randint(1, 128)])
        at += len(chunk)
        used = 0
        while True:
            kind = reader.next()
            if kind == PACKET:
                content = reader.raw[PREFIX_BYTES : PREFIX_BYTES + reader.content_bytes]
                found.append((reader.pid, bytes(content)))
            elif kind == DAMAGED:
                found.append(None)
            elif used == len(chunk):
                break
            else:
                used = reader.feed(chunk, used, len(chunk))
    return found


def pi(stream):
    events = FrameParser().feed(stream)
    return [None if isinstance(event, Damage) else (event.pid, event.content) for event in events]


def test_both_find_the_same_in_five_thousand_damaged_streams():
    damaged = whole = 0
    for seed in range(5000):
        dice = random.Random(seed)
        stream = a_stream(dice)
        found = board(stream, dice)
        assert found == pi(stream), seed
        damaged += found.count(None)
        whole += len(found) - found.count(None)
    assert damaged > 1000
    assert whole > 5000
