"""The one image buffer of the board: bytes so far, their SHA-256 and their score, all kept up as bytes come in."""

from array import array

from firmware.core import kernels
from firmware.core.compat import const
from firmware.core.parameters import PRINT_AREA_PER_MILLE, PRINT_CONTRAST, SCORE_CONTRAST
from firmware.core.sha256 import Sha256

IMAGE_CAPACITY_BYTES = const(36_864)
"""256 x 288 pixels of four bits: the largest image of this family."""

_PIECE_BYTES = const(8)
_PIECES = const(0)
_PRINT_PIECES = const(1)
_CONTRASTS = const(2)


class ImageBuffer:
    """The image on its way from the sensor to the Pi. Nothing but its making allocates.

    Args:
        room: where it will lie, for whoever had to reserve it before there was anything else in memory.

    Attributes:
        data: the buffer; the sensor's bytes, two pixels each, the left one in the high nibble, row by row.
        length: bytes of it that count: each came in a packet whose sum was right.
        expected: bytes that the whole image will have, as far as that is known.
        generation: rises with every `clear`, and wraps from 65535 to 1: chunks of another generation are void.
        complete: the image is whole; set by `finish`.
    """

    def __init__(self, room: "bytearray | None" = None):
        self.data = bytearray(IMAGE_CAPACITY_BYTES) if room is None else room
        self.capacity = len(self.data)
        self.length = 0
        self.expected = 0
        self.generation = 0
        self.complete = False
        self._sha256 = Sha256()
        self._scored = 0
        self._sums = array("I", bytes(4 * 3))

    def clear(self, expected: int) -> bool:
        """Begin an image of `expected` bytes; False when that is more than the buffer holds.

        The old bytes stay in `data` until new ones come, or until `wipe`.
        """
        if expected > self.capacity:
            return False
        self.length = 0
        self.expected = expected
        self.generation = self.generation + 1 if self.generation < 0xFFFF else 1
        self.complete = False
        self._sha256.reset()
        self._scored = 0
        kernels.wipe_words(self._sums, 0, 3)
        return True

    def wipe(self) -> None:
        """Leave nothing of the print in memory; the generation rises."""
        self.clear(0)
        kernels.wipe(self.data, 0, self.capacity)

    def append(self, buffer: bytearray, start: int, count: int) -> bool:
        """Take `count` bytes from `buffer[start]`; False, and nothing taken, when that is more than expected."""
        length = self.length
        end = length + count
        if end > self.expected:
            return False
        kernels.copy_bytes(buffer, start, count, self.data, length)
        self._sha256.update(self.data, length, end)
        scored = end - end % _PIECE_BYTES
        kernels.contrast_sums(self.data, self._scored, scored, PRINT_CONTRAST, self._sums)
        self._scored = scored
        self.length = end
        return True

    def finish(self) -> None:
        """No more bytes will come; what is there is the whole image."""
        self.expected = self.length
        self.complete = True

    def sha256_into(self, out: bytearray, at: int = 0) -> None:
        """Write the SHA-256 of the bytes so far, 32 bytes at `at`."""
        self._sha256.digest_into(out, at)

    @property
    def score(self) -> int:
        """Ridge contrast over the print's area, 0-1000, of the bytes so far.

        The image is cut into pieces of 16 pixels in a row, more than a ridge period at 500 dpi; a piece with at least
        PRINT_CONTRAST grey levels between its darkest and its brightest pixel shows print. The score is the print's
        share of the window (full at PRINT_AREA_PER_MILLE) times its mean contrast (full at SCORE_CONTRAST). It ranks
        looks at one finger on one sensor; the Pi's own quality decides.
        """
        sums = self._sums
        pieces = sums[_PIECES]
        prints = sums[_PRINT_PIECES]
        if not prints:
            return 0
        area = min(1000, (prints * 1000 // pieces) * 1000 // PRINT_AREA_PER_MILLE)
        contrast = min(1000, sums[_CONTRASTS] * 1000 // (prints * SCORE_CONTRAST))
        return area * contrast // 1000
