"""What somebody with access to the wire, but not to the key, may say. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_service.sensors.board.checks import Checks, hello_key
from firmware.core import bodies, codes
from firmware.core.framing import HEADER_BYTES, FrameWriter
from hardware.bench.wire import Direction

if TYPE_CHECKING:
    from random import Random

MOST_FRAMES = 40
_NO_KEY = bytes(32)


def frames_of(stream: bytes, random: Random) -> bytes:
    """Some of the frames that passed, in their order, to be said again."""
    frames = [frame for frame in stream.split(b"\0")[1:-1] if frame]
    start = random.randrange(max(len(frames) - MOST_FRAMES, 1))
    return b"\0" + b"".join(frame + b"\0" for frame in frames[start : start + MOST_FRAMES])


def forged(random: Random) -> dict[Direction, bytes]:
    """Frames that are right but for their MAC, in either direction."""
    generation = random.randrange(1, 9)
    up = [
        (codes.EVENT_STATE, bodies.EVENT_STATE.pack(codes.STATE_FAULT, codes.ERROR_SENSOR_SILENT, 0, 0)),
        (
            codes.EVENT_CHUNK,
            bodies.EVENT_CHUNK.pack(generation, random.randrange(144)) + random.randbytes(256),
        ),
        (
            codes.EVENT_IMAGE_END,
            bodies.EVENT_IMAGE_END.pack(generation, 36_864, random.randbytes(32), 999, 1),
        ),
        (codes.EVENT_TAMPER, b""),
        (codes.STATUS | codes.ANSWER, bytes([codes.ERROR_BUSY, 0])),
        (codes.IDENTIFY | codes.ANSWER, _not_paired(random)),
    ]
    down = [
        (codes.IDENTIFY, bodies.IDENTIFY.pack(1, 1, random.randbytes(16))),
        (codes.CANCEL, b""),
        (codes.UNPAIR, b""),
        (codes.PAIR, random.randbytes(32)),
        (codes.REBOOT, b""),
        (codes.CAPTURE, bodies.CAPTURE.pack(1000, 1)),
    ]
    return {
        Direction.UP: b"\0" + b"".join(_frame(kind, body, random) for kind, body in random.sample(up, 4)),
        Direction.DOWN: b"\0" + b"".join(_frame(kind, body, random) for kind, body in random.sample(down, 4)),
    }


def _not_paired(random: Random) -> bytes:
    unique, board = bytes.fromhex("77686f726c000001"), codes.BOARD_UNIX
    return bodies.IDENTITY.pack(
        codes.ERROR_NOT_PAIRED_WITH_YOU,
        1,
        1,
        0,
        random.randbytes(16),
        unique,
        board,
        codes.RESET_POWER,
        0,
        0,
        0,
        0,
        1,
        b"0.0.0",
    )


def _frame(kind: int, body: bytes, random: Random) -> bytes:
    """With a key that everybody knows, or one made up."""
    writer = FrameWriter(Checks())
    counter = 0 if kind & 0x7F == codes.IDENTIFY else random.randrange(1, 1 << 29)
    writer.begin(kind, random.randrange(1 << 16), counter)
    writer.plain[HEADER_BYTES : HEADER_BYTES + len(body)] = body
    key = random.choice([hello_key(_NO_KEY), _NO_KEY, random.randbytes(32)])
    end = writer.finish(len(body), key)
    return bytes(writer.wire[1:end])
