"""Frames of the link between board and Pi, written and read: the one file for both sides (docs/board-link.md).

Codecs only: bytes in, frames out, no port and no clock. In use:

    writer = FrameWriter(checks)
    writer.begin(codes.EVENT_CHUNK, 0, counter)     # type, sequence, counter
    writer.plain[HEADER_BYTES:] = ...               # the body, in place
    end = writer.finish(body_length, key)           # MAC, CRC, stuffing
    port.write(writer.wire, 1, end - 1)             # from 0 on instead, for a 00 in front

    reader = FrameReader(checks)
    reader.feed(buffer, count)                      # only after next() said NOTHING; `buffer` is not copied
    while (found := reader.next()) != NOTHING:
        if found == FRAME and reader.mac_ok(key):
            reader.type, .sequence, .counter, .plain, .body_start, .body_length   # until the following next()

No method allocates once its object is made, so that the board can work with a locked heap.

`checks` is what both need from cryptography. The board's is `firmware.core.mac.Checks`, over machine code; the
Pi's has the same two methods over its own libraries:

    crc32_into(buffer, end, out, at)        the CRC-32 of buffer[:end], 4 bytes big-endian, to out[at:]
    mac_into(key, buffer, end, out, at)     the first 16 bytes of HMAC-SHA-256(key, buffer[:end]), to out[at:]

`key` is whatever the owner's `checks` understands: framing only hands it on.
"""

from firmware.core import kernels
from firmware.core.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Checks(Protocol):
        """What framing asks of cryptography; see the module."""

        def crc32_into(self, buffer: bytearray, end: int, out: bytearray, at: int) -> None:
            """CRC-32 of the bytes before `end`."""
            ...

        def mac_into(self, key: Any, buffer: bytearray, end: int, out: bytearray, at: int) -> None:
            """First half of the HMAC-SHA-256 of the bytes before `end`."""
            ...


PROTOCOL = const(1)
HEADER_BYTES = const(10)
MAC_BYTES = const(16)
CRC_BYTES = const(4)
MAX_BODY_BYTES = const(512)
MAX_PLAIN_BYTES = const(542)
"""Header, longest body, MAC, CRC."""
MAX_STUFFED_BYTES = const(546)
"""Stuffed, with the 00 at its end."""
CHUNK_BYTES = const(256)
"""Of the image, in one CHUNK."""
NONCE_BYTES = const(16)
KEY_BYTES = const(32)
MAX_COUNTER = const(0x3FFFFFFF)
"""The largest small integer of the board."""

LABEL_HELLO = b"whorl-board-link 1 hello"
LABEL_DOWN = b"whorl-board-link 1 down"
LABEL_UP = b"whorl-board-link 1 up"
"""What the session's keys are derived from: HMAC-SHA-256(pairing key, label [+ Pi's nonce + board's nonce])."""

NOTHING = const(0)
FRAME = const(1)
DAMAGED = const(2)

TOO_LONG = const(1)
BAD_COBS = const(2)
BAD_LENGTH = const(3)
BAD_CRC = const(4)
BAD_VERSION = const(5)
"""Kinds of damage, in `FrameReader.damage`, in the order in which they are looked for."""

_IDENTIFY = const(0x01)
_IDENTITY = const(0x81)
_OVERHEAD_BYTES = const(30)


class FrameWriter:
    """Builds one frame at a time, in place.

    `plain` holds header and body; `wire` what goes out: a 00 at offset 0, to be sent before the first frame and
    after one that was broken off, and the frame from offset 1.
    """

    def __init__(self, checks: "Checks", max_body: int = MAX_BODY_BYTES):
        self.max_body = max_body
        plain_bytes = max_body + _OVERHEAD_BYTES
        self.plain = bytearray(plain_bytes)
        self.wire = bytearray(1 + plain_bytes + 1 + plain_bytes // 254 + 1)
        self._checks = checks

    def begin(self, kind: int, sequence: int, counter: int) -> None:
        """Write the header; the body comes after it, from HEADER_BYTES on."""
        plain = self.plain
        plain[0] = PROTOCOL
        plain[1] = kind
        plain[2] = sequence >> 8
        plain[3] = sequence & 0xFF
        plain[4] = counter >> 24
        plain[5] = (counter >> 16) & 0xFF
        plain[6] = (counter >> 8) & 0xFF
        plain[7] = counter & 0xFF

    def finish(self, body_length: int, key: "Any") -> int:
        """Add length, MAC and CRC to what `begin` and the caller wrote; the offset in `wire` after the frame's 00."""
        plain = self.plain
        plain[8] = body_length >> 8
        plain[9] = body_length & 0xFF
        end = HEADER_BYTES + body_length
        self._checks.mac_into(key, plain, end, plain, end)
        end += MAC_BYTES
        self._checks.crc32_into(plain, end, plain, end)
        end = kernels.cobs_stuff(plain, end + CRC_BYTES, self.wire, 1)
        self.wire[end] = 0
        return end + 1


class FrameReader:
    """Finds frames in whatever comes, in bounded memory: one frame, stuffed and plain.

    `damaged` counts by kind of damage (index TOO_LONG to BAD_VERSION).
    """

    def __init__(self, checks: "Checks"):
        self.plain = bytearray(MAX_PLAIN_BYTES)
        self.protocol = 0
        self.type = 0
        self.sequence = 0
        self.counter = 0  # -1: above MAX_COUNTER, which no session reaches
        self.body_start = HEADER_BYTES
        self.body_length = 0
        self.damage = 0
        self.damaged = [0] * 6
        self._checks = checks
        self._stuffed = bytearray(MAX_STUFFED_BYTES)
        self._gathered = 0
        self._skipping = False  # too long: until the next 00
        self._input = self._stuffed
        self._at = 0
        self._count = 0
        self._scratch = bytearray(MAC_BYTES)

    def feed(self, buffer: bytearray, count: int) -> None:
        """Read on in the first `count` bytes of `buffer`, which has to stay as it is until `next` says NOTHING."""
        self._input = buffer
        self._at = 0
        self._count = count

    def next(self) -> int:
        """FRAME, DAMAGED (the kind is in `damage`, and counted) or NOTHING: all that was fed is used up."""
        while self._at < self._count:
            start = self._at
            zero = kernels.find_zero(self._input, start, self._count)
            self._gather(start, zero)
            if zero == self._count:
                self._at = zero
                break
            self._at = zero + 1
            gathered = self._gathered
            self._gathered = 0
            if self._skipping:
                self._skipping = False
                return self._refuse(TOO_LONG)
            if gathered:
                damage = self._open(gathered)
                return self._refuse(damage) if damage else FRAME
        return NOTHING

    def mac_ok(self, key: "Any") -> bool:
        """Whether the frame at hand was made by somebody with `key`; compared in constant time."""
        end = HEADER_BYTES + self.body_length
        self._checks.mac_into(key, self.plain, end, self._scratch, 0)
        return kernels.differ(self._scratch, 0, self.plain, end, MAC_BYTES) == 0

    def forget(self) -> None:
        """Drop what was gathered: the line was opened anew."""
        self._gathered = 0
        self._skipping = False
        self._at = self._count = 0

    def wipe(self) -> None:
        """Overwrite what came, which may have held a key; what was fed and not looked at yet stays to be read."""
        kernels.wipe(self.plain, 0, MAX_PLAIN_BYTES)
        kernels.wipe(self._stuffed, self._gathered, MAX_STUFFED_BYTES)
        kernels.wipe(self._input, 0, self._at)

    def _gather(self, start: int, end: int) -> None:
        count = end - start
        if self._skipping or count == 0:
            return
        if self._gathered + count >= MAX_STUFFED_BYTES:  # one is for the 00
            self._skipping = True
            return
        kernels.copy_bytes(self._input, start, count, self._stuffed, self._gathered)
        self._gathered += count

    def _refuse(self, damage: int) -> int:
        self.damage = damage
        if self.damaged[damage] < MAX_COUNTER:
            self.damaged[damage] += 1
        return DAMAGED

    def _open(self, gathered: int) -> int:
        """Unstuff and check; the kind of damage, or 0."""
        plain = self.plain
        length = kernels.cobs_unstuff(self._stuffed, gathered, plain, MAX_PLAIN_BYTES)
        if length < 0:
            return BAD_COBS
        body_length = plain[8] << 8 | plain[9]
        if length < _OVERHEAD_BYTES or body_length != length - _OVERHEAD_BYTES:
            return BAD_LENGTH
        end = length - CRC_BYTES
        self._checks.crc32_into(plain, end, self._scratch, 0)
        if kernels.differ(self._scratch, 0, plain, end, CRC_BYTES):
            return BAD_CRC
        kind = plain[1]
        if plain[0] != PROTOCOL and kind not in (_IDENTIFY, _IDENTITY):
            return BAD_VERSION
        self.protocol = plain[0]
        self.type = kind
        self.sequence = plain[2] << 8 | plain[3]
        self.counter = -1
        if plain[4] < 0x40:
            self.counter = plain[4] << 24 | plain[5] << 16 | plain[6] << 8 | plain[7]
        self.body_length = body_length
        return 0
