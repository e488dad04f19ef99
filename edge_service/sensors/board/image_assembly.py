"""One image put together from chunks that may come twice, late, or not at all. Pure: bytes in, bytes out.

The board numbers each image (its generation); when it has to fetch the image from the sensor again, the number
rises and what came before is void. Nothing leaves here whose SHA-256 is not the one the board announced.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from edge_service.sensors.parameters import BOARD_CHUNK_BYTES, BOARD_CHUNKS_AT_A_TIME, BOARD_IMAGE_BYTES

_HALF = 0x8000  # generations are two bytes and wrap around


@dataclass(frozen=True, slots=True)
class Geometry:
    """What the board says of an image before it comes: pixels, dpi, bytes due, the sensor's model code."""

    width: int
    height: int
    dpi: int
    size: int
    model: int

    def makes_sense(self) -> bool:
        """Two pixels a byte, whole rows, and no more than a board can hold."""
        return (
            0 < self.size <= BOARD_IMAGE_BYTES
            and self.width * self.height == self.size * 2
            and 0 < self.dpi <= 2000
        )


class ImageAssembly:
    """The image under way. Bounded: one generation at a time, at most `BOARD_IMAGE_BYTES` of chunks.

    Attributes:
        generation: number of the image that is being gathered.
        geometry: None until it is known; chunks are taken before that.
        announced: SHA-256 that the whole must have; None until the board has all of it.
        score: the board's, 0-1000; 0 until `announced`.
        wire_ms: time the image took on the sensor's wire; 0 until `announced`.
        repeats: how many chunks came that were there already.
    """

    def __init__(self, *, before: int) -> None:
        """`before` is the generation that the board had last: that one and older ones are not wanted."""
        self.generation = before
        self.geometry: Geometry | None = None
        self.announced: bytes | None = None
        self.score = 0
        self.wire_ms = 0
        self.repeats = 0
        self._chunks: dict[int, bytes] = {}
        self._gathered = 0
        self._begun = False

    @property
    def begun(self) -> bool:
        """Whether anything of a wanted image is known."""
        return self._begun

    @property
    def gathered_bytes(self) -> int:
        """Bytes that are here."""
        return self._gathered

    @property
    def complete(self) -> bool:
        """Whether all is here and the board has said what its SHA-256 is."""
        return self.announced is not None and self.geometry is not None and not self.missing()

    def begin(self, generation: int, geometry: Geometry) -> bool:
        """The board announces an image; False if that one is not wanted or cannot be."""
        if not geometry.makes_sense() or not self._turn_to(generation):
            return False
        self.geometry = geometry  # the first image of a sensor of unknown model may settle it late
        return True

    def add(self, generation: int, number: int, content: bytes) -> bool:
        """A chunk; True when it brought something new."""
        first = number * BOARD_CHUNK_BYTES
        if not 0 < len(content) <= BOARD_CHUNK_BYTES or first + len(content) > BOARD_IMAGE_BYTES:
            return False
        if not self._turn_to(generation):
            return False
        before = self._chunks.get(number, b"")
        if len(before) == len(content):
            self.repeats += 1
            return False
        self._chunks[number] = content
        self._gathered += len(content) - len(before)
        return True

    def end(self, generation: int, sha256: bytes, *, score: int, wire_ms: int) -> bool:
        """The board has all of it; False if that is another image than the wanted one."""
        if not self._turn_to(generation):
            return False
        self.announced, self.score, self.wire_ms = sha256, score, wire_ms
        return True

    def missing(self) -> list[tuple[int, int]]:
        """The chunks to ask for, as (first, count), each at most 64 long. Empty while the size is not known."""
        if self.geometry is None:
            return []
        wanted: list[tuple[int, int]] = []
        for number in range(_chunks(self.geometry.size)):
            if number in self._chunks and len(self._chunks[number]) == self._due(number):
                continue
            if wanted and sum(wanted[-1]) == number and wanted[-1][1] < BOARD_CHUNKS_AT_A_TIME:
                wanted[-1] = (wanted[-1][0], wanted[-1][1] + 1)
            else:
                wanted.append((number, 1))
        return wanted

    def lacks(self, first: int, count: int) -> bool:
        """Whether one of those chunks is not here."""
        return any(number not in self._chunks for number in range(first, first + count))

    def take(self) -> bytes | None:
        """The whole image, once `complete`; None when its SHA-256 is wrong, and then nothing is kept of it."""
        assert self.complete, "chunks are missing"
        assert self.announced is not None
        assert self.geometry is not None
        whole = b"".join(self._chunks[number] for number in range(_chunks(self.geometry.size)))
        if hmac.compare_digest(hashlib.sha256(whole).digest(), self.announced):
            return whole
        self._chunks.clear()
        self._gathered = 0
        return None

    def _due(self, number: int) -> int:
        assert self.geometry is not None
        return min(BOARD_CHUNK_BYTES, self.geometry.size - number * BOARD_CHUNK_BYTES)

    def _turn_to(self, generation: int) -> bool:
        """Whether `generation` is the wanted image, after making it so when it is newer."""
        ahead = (generation - self.generation) & 0xFFFF
        if ahead == 0:
            return self._begun
        if ahead >= _HALF:
            return False
        self._start_over(generation)
        return True

    def _start_over(self, generation: int) -> None:
        self.generation = generation
        self.geometry = self.announced = None
        self.score = self.wire_ms = 0
        self._chunks.clear()
        self._gathered = 0
        self._begun = True


def _chunks(size: int) -> int:
    return -(-size // BOARD_CHUNK_BYTES)
