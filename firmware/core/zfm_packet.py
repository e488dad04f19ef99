"""Packets of the sensors' serial protocol, found in a stream without allocating: bytes in, packets out.

Layout, big-endian: `EF01 | address 4 | PID 1 | length 2 | content | sum 2`; the length counts content and sum;
the sum is PID + both length bytes + content, modulo 65536 (R503 manual, "data package format").

    reader = PacketReader()
    while True:
        kind = reader.next()                             # NOTHING, PACKET or DAMAGED
        if kind == NOTHING and start == end: break       # the chunk is used up
        if kind == NOTHING: start = reader.feed(chunk, start, end)

The outcome does not depend on how the stream is cut into chunks.
"""

from firmware.core import zfm_codes as zfm
from firmware.core.compat import const
from firmware.core.kernels import copy_bytes

NOTHING = const(0)
PACKET = const(1)
DAMAGED = const(2)

HEADER_HIGH = const(0xEF)
HEADER_LOW = const(0x01)
PREFIX_BYTES = const(9)
SUM_BYTES = const(2)
OVERHEAD_BYTES = const(11)
MAX_CONTENT_BYTES = const(256)
MAX_PACKET_BYTES = const(267)

_PIDS = (zfm.PID_DATA, zfm.PID_ACK, zfm.PID_END, zfm.PID_COMMAND)
_PID_AT = const(6)
_LENGTH_AT = const(7)


class PacketReader:
    """Finds packets in a stream that may hold garbage before, between and after them.

    A header counts only with the right address, a known PID and a possible length, so that garbage rarely looks
    like one. After a wrong sum the search goes on inside the damaged packet: when bytes were lost, the next good
    packet begins in there.

    Attributes:
        raw: the packet at hand; its content is at `PREFIX_BYTES`, `content_bytes` long. Good until the next call.
        pid: its packet identifier.
        skipped_bytes: bytes that belonged to no packet since the last `reset`.
    """

    def __init__(self):
        self.raw = bytearray(MAX_PACKET_BYTES)
        self.pid = 0
        self.content_bytes = 0
        self.skipped_bytes = 0
        self._count = 0
        self._wanted = PREFIX_BYTES
        self._done_with = 0

    @property
    def pending_bytes(self) -> int:
        """Bytes of a packet that is not complete yet."""
        return self._count - self._done_with

    def reset(self) -> None:
        """Forget everything read so far."""
        self.skipped_bytes = 0
        self._count = 0
        self._wanted = PREFIX_BYTES
        self._done_with = 0

    def feed(self, chunk: bytearray, start: int, end: int) -> int:
        """Take what the packet at hand lacks from `chunk[start:end]`, after `next` gave NOTHING; where the rest is."""
        count = min(end - start, self._wanted - self._count)
        copy_bytes(chunk, start, count, self.raw, self._count)
        self._count += count
        return start + count

    def next(self) -> int:
        """What is complete now: NOTHING, PACKET, or DAMAGED for one whose sum is wrong."""
        if self._done_with:
            self._drop(self._done_with)
            self._done_with = 0
        while self._seek_header():
            raw = self.raw
            length = (raw[_LENGTH_AT] << 8) | raw[_LENGTH_AT + 1]
            if not self._plausible(length):
                self._skip(1)
                continue
            end = PREFIX_BYTES + length
            if self._count < end:
                self._wanted = end
                return NOTHING
            found = (raw[end - 2] << 8) | raw[end - 1]
            if found == byte_sum(raw, _PID_AT, end - SUM_BYTES):
                self.pid = raw[_PID_AT]
                self.content_bytes = length - SUM_BYTES
                self._done_with = end
                return PACKET
            self.skipped_bytes += 1
            self._done_with = 1
            return DAMAGED
        self._wanted = PREFIX_BYTES
        return NOTHING

    def _seek_header(self) -> bool:
        """Move the next header to the front; False until one is there with all of its fixed fields."""
        raw = self.raw
        count = self._count
        at = 0
        while at < count and not (raw[at] == HEADER_HIGH and (at + 1 == count or raw[at + 1] == HEADER_LOW)):
            at += 1
        self._skip(at)
        return self._count >= PREFIX_BYTES

    def _plausible(self, length: int) -> bool:
        raw = self.raw
        at = 2
        while at < _PID_AT:
            if raw[at] != zfm.ADDRESS_BYTE:
                return False
            at += 1
        pid = raw[_PID_AT]
        return pid in _PIDS and SUM_BYTES <= length <= MAX_CONTENT_BYTES + SUM_BYTES

    def _skip(self, count: int) -> None:
        self.skipped_bytes += count
        self._drop(count)

    def _drop(self, count: int) -> None:
        if count:
            left = self._count - count
            # It copies from front to end, so the places may overlap in this direction.
            copy_bytes(self.raw, count, left, self.raw, 0)
            self._count = left


def byte_sum(buffer: bytearray, start: int, end: int) -> int:
    """Sum of the bytes from `start` to `end`, modulo 65536."""
    total = 0
    while start < end:
        total += buffer[start]
        start += 1
    return total & 0xFFFF


def write_command(out: bytearray, instruction: int, parameters: bytes = b"") -> int:
    """Put a command packet at the front of `out`; its length."""
    length = 1 + len(parameters) + SUM_BYTES
    out[0] = HEADER_HIGH
    out[1] = HEADER_LOW
    for at in range(2, _PID_AT):
        out[at] = zfm.ADDRESS_BYTE
    out[_PID_AT] = zfm.PID_COMMAND
    out[_LENGTH_AT] = 0
    out[_LENGTH_AT + 1] = length
    out[PREFIX_BYTES] = instruction
    for at in range(len(parameters)):
        out[PREFIX_BYTES + 1 + at] = parameters[at]
    end = PREFIX_BYTES + length
    total = byte_sum(out, _PID_AT, end - SUM_BYTES)
    out[end - 2] = total >> 8
    out[end - 1] = total & 0xFF
    return end
