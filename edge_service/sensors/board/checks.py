"""The Pi's half of what the shared framing asks of cryptography, over Python's own libraries."""

from __future__ import annotations

import binascii
import hashlib
import hmac

from firmware.core.framing import LABEL_DOWN, LABEL_HELLO, LABEL_UP, MAC_BYTES


class Checks:
    """CRC-32 and truncated HMAC-SHA-256, as `firmware.core.framing` asks for them; a key is its bytes."""

    def crc32_into(self, buffer: bytearray, end: int, out: bytearray, at: int) -> None:
        """CRC-32 (IEEE 802.3) of the bytes before `end`, big-endian, to `out[at:]`."""
        with memoryview(buffer) as view:
            out[at : at + 4] = binascii.crc32(view[:end]).to_bytes(4, "big")

    def mac_into(self, key: bytes, buffer: bytearray, end: int, out: bytearray, at: int) -> None:
        """First half of the HMAC-SHA-256 (RFC 2104, section 5) of the bytes before `end`, to `out[at:]`."""
        with memoryview(buffer) as view:
            out[at : at + MAC_BYTES] = hmac.digest(key, view[:end], hashlib.sha256)[:MAC_BYTES]


def hello_key(pairing_key: bytes) -> bytes:
    """The key of IDENTIFY (docs/board-link.md, "Keys and sessions")."""
    return hmac.digest(pairing_key, LABEL_HELLO, hashlib.sha256)


def session_keys(pairing_key: bytes, *, pi_nonce: bytes, board_nonce: bytes) -> tuple[bytes, bytes]:
    """The keys of one session: of requests, and of answers and events."""
    nonces = pi_nonce + board_nonce
    return (
        hmac.digest(pairing_key, LABEL_DOWN + nonces, hashlib.sha256),
        hmac.digest(pairing_key, LABEL_UP + nonces, hashlib.sha256),
    )
