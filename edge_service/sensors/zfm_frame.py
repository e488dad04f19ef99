"""Packets of the sensors' serial protocol: bytes in, packets out. No I/O, no clock.

Layout, big-endian: ``EF01 | address 4 | PID 1 | length 2 | content | sum 2``; the length counts content and
sum; the sum is PID + both length bytes + content, modulo 65536.

The driver and the sensor emulator of `hardware.bench` share this file, so an error in it would cancel out
between the two. What catches such an error are the clients that others wrote and that the tests run against
the emulator (tests/system/sensor_clients), and the packets written out by hand in the unit tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct

from edge_service.sensors.zfm_codes import DEFAULT_ADDRESS, Pid

HEADER = b"\xef\x01"
MAX_CONTENT_BYTES = 256
OVERHEAD_BYTES = 11

_PREFIX = Struct(">2sIBH")
_SUM_BYTES = 2
_PIDS = frozenset(int(pid) for pid in Pid)


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet. `content` is 0 to 256 bytes; `pid` is one of `Pid`."""

    pid: int
    content: bytes
    address: int = DEFAULT_ADDRESS

    def encode(self) -> bytes:
        """The packet as it goes over the wire. Raises ValueError when the content is too long for it."""
        if len(self.content) > MAX_CONTENT_BYTES:
            raise ValueError(f"a packet holds at most {MAX_CONTENT_BYTES} bytes, not {len(self.content)}")
        length = len(self.content) + _SUM_BYTES
        total = _checksum(self.pid, length, self.content)
        prefix = _PREFIX.pack(HEADER, self.address, self.pid, length)
        return prefix + self.content + total.to_bytes(_SUM_BYTES, "big")


@dataclass(frozen=True, slots=True)
class Damage:
    """A packet whose sum is wrong. `data` is what it looked like, header to sum."""

    data: bytes


@dataclass(slots=True)
class FrameParser:
    """Finds packets in a stream that may hold garbage before, between and after them.

    A header counts only with a known PID, a possible length and the right address, so that garbage rarely
    looks like one. After a wrong sum the search goes on inside the damaged packet: when bytes were lost, the
    next good packet starts in there. The outcome does not depend on how the stream is cut into pieces.

    Attributes:
        address: the only address accepted; None accepts any.
        skipped_bytes: bytes that belonged to no packet since the last `reset`.
    """

    address: int | None = DEFAULT_ADDRESS
    skipped_bytes: int = 0
    _buffer: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> list[Packet | Damage]:
        """Take in more of the stream; returns what is complete now, in order."""
        self._buffer += data
        events: list[Packet | Damage] = []
        while self._seek_header():
            address, pid, length = _PREFIX.unpack_from(self._buffer)[1:]
            if not self._plausible(address, pid, length):
                self._skip(1)
                continue
            end = _PREFIX.size + length
            if len(self._buffer) < end:
                break
            content = bytes(self._buffer[_PREFIX.size : end - _SUM_BYTES])
            found = int.from_bytes(self._buffer[end - _SUM_BYTES : end], "big")
            if found == _checksum(pid, length, content):
                events.append(Packet(pid, content, address))
                del self._buffer[:end]
            else:
                events.append(Damage(bytes(self._buffer[:end])))
                self._skip(1)
        return events

    @property
    def pending_bytes(self) -> int:
        """Bytes of a packet that is not complete yet."""
        return len(self._buffer)

    def reset(self) -> None:
        """Forget everything read so far, for example because the baud rate changed."""
        self._buffer.clear()
        self.skipped_bytes = 0

    def _seek_header(self) -> bool:
        """Move to the next header; False until one is there with all of its fixed fields."""
        start = self._buffer.find(HEADER)
        if start < 0:
            half_a_header = self._buffer.endswith(HEADER[:1])
            start = len(self._buffer) - half_a_header
        self._skip(start)
        return len(self._buffer) >= _PREFIX.size

    def _plausible(self, address: int, pid: int, length: int) -> bool:
        mine = self.address is None or address == self.address
        return mine and pid in _PIDS and _SUM_BYTES <= length <= MAX_CONTENT_BYTES + _SUM_BYTES

    def _skip(self, count: int) -> None:
        self.skipped_bytes += count
        del self._buffer[:count]


def command(instruction: int, parameters: bytes = b"", *, address: int = DEFAULT_ADDRESS) -> bytes:
    """A command packet, ready to send."""
    return Packet(Pid.COMMAND, bytes([instruction]) + parameters, address).encode()


def acknowledgement(code: int, payload: bytes = b"", *, address: int = DEFAULT_ADDRESS) -> bytes:
    """An acknowledge packet, ready to send."""
    return Packet(Pid.ACK, bytes([code]) + payload, address).encode()


def data_packets(data: bytes, packet_bytes: int, *, address: int = DEFAULT_ADDRESS) -> list[bytes]:
    """`data` cut into data packets of `packet_bytes` of content, the last of them with PID 08."""
    starts = range(0, max(len(data), 1), packet_bytes)
    last = starts[-1]
    return [
        Packet(Pid.END if start == last else Pid.DATA, data[start : start + packet_bytes], address).encode()
        for start in starts
    ]


def _checksum(pid: int, length: int, content: bytes) -> int:
    return (pid + (length >> 8) + (length & 0xFF) + sum(content)) & 0xFFFF
