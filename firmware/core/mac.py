"""HMAC-SHA-256 (RFC 2104) and CRC-32 for the board's frames, without allocation.

The two hash states that a key begins with are computed once a key, so that a frame of n bytes costs
ceil((n + 9) / 64) + 1 blocks of SHA-256 rather than two more.
"""

from array import array

from firmware.core import kernels
from firmware.core.framing import MAC_BYTES
from firmware.core.sha256 import BLOCK_BYTES, DIGEST_BYTES, Sha256

_INNER_PAD = 0x36
_OUTER_PAD = 0x5C


class Key:
    """A key as HMAC needs it: the states after the inner and after the outer block."""

    def __init__(self):
        self.inner = array("I", bytes(DIGEST_BYTES))
        self.outer = array("I", bytes(DIGEST_BYTES))

    def wipe(self) -> None:
        """Overwrite it; what is made with it afterwards is wrong."""
        kernels.wipe_words(self.inner, 0, len(self.inner))
        kernels.wipe_words(self.outer, 0, len(self.outer))


class Checks:
    """What `framing` asks for, on the board; one per link. Only one call at a time."""

    def __init__(self):
        self._crc32_table = kernels.crc32_table()
        self._sha = Sha256()
        self._digest = bytearray(DIGEST_BYTES)
        self._block = bytearray(BLOCK_BYTES)

    def crc32_into(self, buffer: "bytes | bytearray", end: int, out: bytearray, at: int) -> None:
        """Write the CRC-32 of the bytes before `end`, 4 bytes big-endian, at `at`."""
        kernels.crc32_into(buffer, end, self._crc32_table, out, at)

    def mac_into(self, key: Key, buffer: "bytes | bytearray", end: int, out: bytearray, at: int) -> None:
        """Write the first 16 bytes of the HMAC-SHA-256 of the bytes before `end` at `at`."""
        self._hmac(key, buffer, end)
        kernels.copy_bytes(self._digest, 0, MAC_BYTES, out, at)

    def hmac_into(self, key: Key, buffer: "bytes | bytearray", end: int, out: bytearray, at: int) -> None:
        """Write the whole HMAC-SHA-256, 32 bytes."""
        self._hmac(key, buffer, end)
        kernels.copy_bytes(self._digest, 0, DIGEST_BYTES, out, at)

    def schedule(self, key: Key, secret: "bytes | bytearray", end: int) -> None:
        """Make `key` of the bytes of `secret` before `end`."""
        if end > BLOCK_BYTES:
            self._sha.reset()
            self._sha.update(secret, 0, end)
            self._sha.digest_into(self._digest, 0)
            secret = self._digest
            end = DIGEST_BYTES
        self._half(key.inner, secret, end, _INNER_PAD)
        self._half(key.outer, secret, end, _OUTER_PAD)
        self._wipe()

    def derive(self, key: Key, source: Key, label: "bytes | bytearray", end: int) -> None:
        """Make `key` of HMAC-SHA-256(source, label[:end])."""
        self._hmac(source, label, end)
        self._half(key.inner, self._digest, DIGEST_BYTES, _INNER_PAD)
        self._half(key.outer, self._digest, DIGEST_BYTES, _OUTER_PAD)
        self._wipe()

    def _hmac(self, key: Key, buffer: "bytes | bytearray", end: int) -> None:
        sha = self._sha
        sha.resume(key.inner, BLOCK_BYTES)
        sha.update(buffer, 0, end)
        sha.digest_into(self._digest, 0)
        sha.resume(key.outer, BLOCK_BYTES)
        sha.update(self._digest, 0, DIGEST_BYTES)
        sha.digest_into(self._digest, 0)

    def _half(self, state: "array[int]", secret: "bytes | bytearray", end: int, pad: int) -> None:
        block = self._block
        for i in range(BLOCK_BYTES):
            block[i] = pad ^ (secret[i] if i < end else 0)
        self._sha.reset()
        self._sha.update(block, 0, BLOCK_BYTES)
        self._sha.save_into(state)

    def _wipe(self) -> None:
        self._sha.wipe()
        kernels.wipe(self._block, 0, BLOCK_BYTES)
        kernels.wipe(self._digest, 0, DIGEST_BYTES)
