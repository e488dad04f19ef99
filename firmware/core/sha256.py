"""SHA-256 without allocation, for a stream that comes in pieces (FIPS 180-4).

MicroPython's hashlib gives its digest as a new object and cannot be copied in mid-stream; the image transfer can
afford neither.
"""

from firmware.core import kernels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array

BLOCK_BYTES = 64
DIGEST_BYTES = 32
_STATE_WORDS = 8


class Sha256:
    """One hash in progress, of less than 2**27 bytes (128 MB); no method allocates.

    Each has its own room to work in, about 700 bytes, so that two can take turns.
    """

    def __init__(self):
        self.length = 0
        self._work = kernels.sha256_work()
        self._start = kernels.sha256_start()
        self._state = kernels.sha256_start()
        self._final = kernels.sha256_start()
        self._pending = bytearray(BLOCK_BYTES)
        self._tail = bytearray(2 * BLOCK_BYTES)

    def reset(self) -> None:
        """Begin anew."""
        self.resume(self._start, 0)

    def resume(self, state: "array[int]", length: int) -> None:
        """Go on from what `save_into` wrote after `length` bytes, a multiple of 64."""
        kernels.copy_words(state, self._state, _STATE_WORDS)
        self.length = length

    def save_into(self, state: "array[int]") -> None:
        """Copy the eight words of the state, for `resume`; `length` has to be a multiple of 64 now."""
        kernels.copy_words(self._state, state, _STATE_WORDS)

    def update(self, buffer: "bytes | bytearray", start: int, end: int) -> None:
        """Take the bytes from `start` to `end`."""
        held = self.length & 63
        self.length += end - start
        if held:
            count = min(BLOCK_BYTES - held, end - start)
            kernels.copy_bytes(buffer, start, count, self._pending, held)
            start += count
            if held + count < BLOCK_BYTES:
                return
            kernels.sha256_blocks(self._state, self._pending, 0, BLOCK_BYTES, self._work)
        whole = start + ((end - start) & ~63)
        kernels.sha256_blocks(self._state, buffer, start, whole, self._work)
        kernels.copy_bytes(buffer, whole, end - whole, self._pending, 0)

    def digest_into(self, out: bytearray, at: int) -> None:
        """Write the hash of all bytes so far, 32 bytes, at `at`; more may follow all the same."""
        tail = self._tail
        held = self.length & 63
        size = BLOCK_BYTES if held < 56 else 2 * BLOCK_BYTES
        kernels.copy_bytes(self._pending, 0, held, tail, 0)
        kernels.wipe(tail, held, size)
        tail[held] = 0x80
        bits = self.length << 3
        tail[size - 4] = bits >> 24
        tail[size - 3] = (bits >> 16) & 0xFF
        tail[size - 2] = (bits >> 8) & 0xFF
        tail[size - 1] = bits & 0xFF
        kernels.copy_words(self._state, self._final, _STATE_WORDS)
        kernels.sha256_blocks(self._final, tail, 0, size, self._work)
        kernels.words_out(self._final, _STATE_WORDS, out, at)

    def wipe(self) -> None:
        """Begin anew, and leave nothing of what was hashed: it may have been a key."""
        self.reset()
        kernels.wipe(self._pending, 0, BLOCK_BYTES)
        kernels.wipe(self._tail, 0, 2 * BLOCK_BYTES)
        kernels.wipe_words(self._final, 0, _STATE_WORDS)
        kernels.wipe_words(self._work, kernels.SHA256_SCHEDULE, kernels.SHA256_WORK_WORDS)
