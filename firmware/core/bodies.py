"""The bodies of the messages: one layout each, packed and unpacked by both sides (docs/board-link.md).

A layout is a format of `struct` (big-endian) and the names of its fields. What an answer carries comes after
its error byte, which is not part of the layouts here but for IDENTITY, whose error is always followed by all
the rest. Where bytes of any length follow (`rest`), the layout is what comes before them.
"""

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Body:
    """One layout. `size` in bytes; `rest`: whether more bytes may follow."""

    def __init__(self, layout: str, fields: str, *, rest: bool = False):
        self.layout = ">" + layout
        self.fields = fields
        self.size = struct.calcsize(self.layout)
        self.rest = rest

    def fits(self, length: int) -> bool:
        """Whether a body of `length` bytes can be of this layout."""
        return length == self.size or (self.rest and length > self.size)

    def pack_into(self, buffer: bytearray, at: int, *values: "int | bytes") -> int:
        """Write the fields in their order at `at`; returns the offset after them."""
        struct.pack_into(self.layout, buffer, at, *values)
        return at + self.size

    def pack(self, *values: "int | bytes") -> bytes:
        """The fields as bytes (the Pi's side)."""
        return struct.pack(self.layout, *values)

    def unpack_from(self, buffer: "bytes | bytearray | memoryview", at: int) -> "tuple[Any, ...]":
        """The fields in their order; ValueError or struct.error when `buffer` is too short: ask `fits` first."""
        return struct.unpack_from(self.layout, buffer, at)

    def named(self, buffer: "bytes | bytearray | memoryview", at: int) -> "dict[str, Any]":
        """The fields by name."""
        return dict(zip(self.fields.split(), self.unpack_from(buffer, at)))  # noqa: B905 - MicroPython's zip has no strict


IDENTIFY = Body("BB16s", "lowest highest pi_nonce")
IDENTITY = Body(
    "BBBB16s8sBBBBIII16s",
    "error lowest highest flags board_nonce unique board reset_cause slot sensor_model"
    " capabilities uptime_ms boots version",
)
"""The answer to IDENTIFY, error byte included."""

STATUS = Body(
    "BBBBHIIB32sHIHHHBI",
    "state error detail flags generation bytes_so_far bytes_due complete sha256 score wire_ms"
    " width height dpi sensor_model finger_ago_ms",
)
CAPTURE = Body("IB", "timeout_ms looks")
WAIT_LIFT = Body("I", "timeout_ms")
GET_CHUNKS = Body("HHH", "generation first count")
RELEASE = Body("H", "generation")
PAIR = Body("32s", "key")
SENSOR = Body("BHHHHIHBH", "model width height dpi packet_bytes baud capacity library_emptied system_id")
CONFIGURE = Body("BI", "model password")
UPDATE_BEGIN = Body("I32s", "manifest_bytes sha256")
UPDATE_MANIFEST = Body("I", "offset", rest=True)
UPDATE_FILE = Body("H", "number")
UPDATE_WRITE = Body("I", "offset", rest=True)
UPDATE_PROGRESS = Body("I", "bytes_so_far")
"""The answer to UPDATE_MANIFEST and UPDATE_WRITE."""
UPDATE_ENDED = Body("B", "slot")

EVENT_STATE = Body("BBBB", "state error detail flags")
EVENT_IMAGE = Body("HHHHIBBI", "generation width height dpi bytes_due sensor_model look finger_ago_ms")
EVENT_CHUNK = Body("HH", "generation number", rest=True)
EVENT_IMAGE_END = Body("HI32sHI", "generation bytes_due sha256 score wire_ms")


def put_u16(buffer: bytearray, at: int, value: int) -> None:
    """Two bytes, big-endian, without allocation."""
    buffer[at] = value >> 8
    buffer[at + 1] = value & 0xFF


def put_u32(buffer: bytearray, at: int, value: int) -> None:
    """Four bytes, big-endian, without allocation as long as `value` is below 2**30."""
    put_u16(buffer, at, value >> 16)
    put_u16(buffer, at + 2, value & 0xFFFF)


def u16(buffer: "bytes | bytearray", at: int) -> int:
    """Two bytes, big-endian."""
    return buffer[at] << 8 | buffer[at + 1]


def u32(buffer: "bytes | bytearray", at: int) -> int:
    """Four bytes, big-endian."""
    return u16(buffer, at) << 16 | u16(buffer, at + 2)
