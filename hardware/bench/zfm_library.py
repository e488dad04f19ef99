"""Character buffers and template library of the emulated module.

There is no fingerprint matching in here: two prints are "the same" when they are the same picture. That is
enough to see what a client does with the answers, and the project never matches on the sensor.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import shake_256

from edge_service.sensors.zfm_codes import Confirmation

_SCORE = 200
"""Match score of equal prints; modules give 50 to 300."""


@dataclass(slots=True)
class TemplateLibrary:
    """Buffers (lost with the power) and stored templates (kept).

    Attributes:
        capacity: places in the library.
        char_bytes: size of the features of one image.
        template_bytes: size of a template made from several.
    """

    capacity: int
    char_bytes: int
    template_bytes: int
    buffers: dict[int, bytes] = field(default_factory=dict)
    stored: dict[int, bytes] = field(default_factory=dict)

    def extract(self, image: bytes, buffer: int) -> None:
        """Fill a buffer with the features of an image."""
        self.buffers[buffer] = shake_256(image).digest(self.char_bytes)

    def combine(self) -> Confirmation:
        """Make a template of buffers 1 and 2, into both."""
        first, second = self.buffers.get(1), self.buffers.get(2)
        if first is None or second is None or not self._same(first, second):
            return Confirmation.CANNOT_COMBINE
        copies = -(-self.template_bytes // self.char_bytes)
        self.buffers[1] = self.buffers[2] = (first[: self.char_bytes] * copies)[: self.template_bytes]
        return Confirmation.OK

    def compare(self) -> tuple[Confirmation, int]:
        """Compare buffers 1 and 2; the score is 0 unless they match."""
        first, second = self.buffers.get(1), self.buffers.get(2)
        if first is None or second is None or not self._same(first, second):
            return Confirmation.NO_MATCH, 0
        return Confirmation.OK, _SCORE

    def search(self, buffer: int, start: int, count: int) -> tuple[Confirmation, int, int]:
        """Find a buffer in part of the library; gives the place and the score."""
        probe = self.buffers.get(buffer)
        if probe is not None:
            for place in sorted(self.stored):
                if start <= place < start + count and self._same(probe, self.stored[place]):
                    return Confirmation.OK, place, _SCORE
        return Confirmation.NOT_FOUND, 0, 0

    def store(self, buffer: int, place: int) -> Confirmation:
        """Keep a buffer."""
        if place >= self.capacity:
            return Confirmation.BAD_LOCATION
        if buffer not in self.buffers:
            return Confirmation.INVALID_TEMPLATE
        self.stored[place] = self.buffers[buffer]
        return Confirmation.OK

    def load(self, buffer: int, place: int) -> Confirmation:
        """Bring a stored template back into a buffer."""
        if place >= self.capacity:
            return Confirmation.BAD_LOCATION
        if place not in self.stored:
            return Confirmation.INVALID_TEMPLATE
        self.buffers[buffer] = self.stored[place]
        return Confirmation.OK

    def delete(self, start: int, count: int) -> Confirmation:
        """Forget `count` templates from `start` on."""
        if start + count > self.capacity:
            return Confirmation.DELETE_FAILED
        for place in range(start, start + count):
            self.stored.pop(place, None)
        return Confirmation.OK

    def index_table(self, page: int) -> bytes:
        """32 bytes, one bit for each of the 256 places of a page, the lowest place in the lowest bit."""
        table = bytearray(32)
        for place in self.stored:
            if place // 256 == page:
                table[place % 256 // 8] |= 1 << place % 8
        return bytes(table)

    def _same(self, one: bytes, other: bytes) -> bool:
        return one[: self.char_bytes] == other[: self.char_bytes]
