"""Takes the person out of a recorded wire: print and password go, lengths, times and damage stay.

In doubt a byte goes. What stays as it was are intact packets but for the contents of data packets and the password
in a command, the headers of damaged packets, and two bytes of whatever follows an intact packet without being one (a
sensor that starts up says one 55, some say a 00). The content of intact data packets becomes that of a made-up print,
with the sum that belongs to it; everything else becomes 00. A packet that came twice comes twice.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from edge_service.sensors.zfm_codes import DEFAULT_ADDRESS, Instruction, Pid
from edge_service.sensors.zfm_frame import HEADER, MAX_CONTENT_BYTES, Packet
from hardware.bench.finger_images import pack_image

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

Piece: TypeAlias = "tuple[float, bytes]"
"""Time and bytes."""

LOOSE_BYTES_KEPT = 2
_PREFIX_BYTES = 9
_SUM_BYTES = 2
_SECRET = frozenset({Instruction.VFY_PWD, Instruction.SET_PWD})
_PIDS = frozenset(int(pid) for pid in Pid)


def made_up_print(width: int, height: int) -> NDArray[np.uint8]:
    """Ridges of nobody, uint8 (height, width): arches around a core, nine pixels apart as at 500 dpi."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    x, y = x - width / 2, y - height * 0.55
    distance = np.hypot(x, y * np.where(y < 0, 0.8, 0.35)) + 4 * np.sin(x / 37) + 3 * np.cos(y / 29)
    ridges = 128 + 90 * np.cos(2 * np.pi * distance / 9)
    inside = (x / (0.46 * width)) ** 2 + (y / (0.52 * height)) ** 2 < 1
    return np.where(inside, ridges, 235).astype(np.uint8)


class Cleaner:
    """One direction of a wire.

    Args:
        width, height: pixels of the sensor's window, for the made-up print.
        address: of the module.
    """

    def __init__(self, *, width: int, height: int, address: int = DEFAULT_ADDRESS) -> None:
        self._print = pack_image(made_up_print(width, height))
        self._address = address.to_bytes(4, "big")
        self._bytes = bytearray()
        self._times: deque[tuple[int, float]] = deque()
        self._offset = 0
        self._loose_left = LOOSE_BYTES_KEPT
        self._last: tuple[bytes, bytes] | None = None

    def restart(self) -> None:
        """A question was asked: if data packets answer it, the made-up print begins at its top."""
        self._offset = 0
        self._last = None

    def feed(self, at_ms: float, data: bytes) -> list[Piece]:
        """Bytes that came at a time; returns those that are decided on by now, each with its own time."""
        if data:
            self._bytes += data
            self._times.append((len(data), at_ms))
        return self._timed(self._decide())

    def flush(self) -> list[Piece]:
        """The rest: nothing more will come."""
        rest = bytes(self._bytes)
        kept = rest[:_PREFIX_BYTES] if self._plausible() else b""
        self._bytes.clear()
        return self._timed([kept + bytes(len(rest) - len(kept))])

    def _decide(self) -> Iterable[bytes]:
        while self._bytes:
            start = self._bytes.find(HEADER)
            if start < 0:
                start = len(self._bytes) - self._bytes.endswith(HEADER[:1])
            if start > 0:
                yield self._loose(start)
                continue
            if len(self._bytes) < _PREFIX_BYTES:
                return
            if not self._plausible():
                yield self._loose(1)
                continue
            end = _PREFIX_BYTES + int.from_bytes(self._bytes[7:9], "big")
            if len(self._bytes) < end:
                return
            found = bytes(self._bytes[:end])
            packet = Packet(found[6], found[_PREFIX_BYTES:-_SUM_BYTES], int.from_bytes(found[2:6], "big"))
            if packet.encode() == found:
                del self._bytes[:end]
                self._loose_left = LOOSE_BYTES_KEPT
                yield self._cleaned(packet).encode()
            else:
                # The next header may lie in what looks like this one's content: go on right behind the header.
                del self._bytes[:_PREFIX_BYTES]
                self._loose_left = 0
                yield found[:_PREFIX_BYTES]

    def _plausible(self) -> bool:
        """Whether what is at hand begins like a packet."""
        if len(self._bytes) < _PREFIX_BYTES or not self._bytes.startswith(HEADER + self._address):
            return False
        length = int.from_bytes(self._bytes[7:9], "big")
        return self._bytes[6] in _PIDS and _SUM_BYTES <= length <= MAX_CONTENT_BYTES + _SUM_BYTES

    def _loose(self, count: int) -> bytes:
        kept = min(count, self._loose_left)
        self._loose_left -= kept
        loose = bytes(self._bytes[:kept]) + bytes(count - kept)
        del self._bytes[:count]
        return loose

    def _cleaned(self, packet: Packet) -> Packet:
        content = packet.content
        if packet.pid == Pid.COMMAND and content and content[0] in _SECRET:
            content = content[:1] + bytes(len(content) - 1)
        elif packet.pid in {Pid.DATA, Pid.END}:
            if self._last is None or self._last[0] != content:
                self._last = content, self._made_up(len(content))
            content = self._last[1]
        return Packet(packet.pid, content, packet.address)

    def _made_up(self, count: int) -> bytes:
        at = np.arange(self._offset, self._offset + count) % len(self._print)
        self._offset += count
        return np.frombuffer(self._print, np.uint8)[at].tobytes()

    def _timed(self, parts: Iterable[bytes]) -> list[Piece]:
        """Decided bytes, with the times at which their originals came."""
        data = b"".join(parts)
        pieces: list[Piece] = []
        start = 0
        while start < len(data):
            count, at_ms = self._times[0]
            taken = min(count, len(data) - start)
            pieces.append((at_ms, data[start : start + taken]))
            start += taken
            if taken == count:
                self._times.popleft()
            else:
                self._times[0] = (count - taken, at_ms)
        return pieces
