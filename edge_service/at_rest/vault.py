"""One value sealed: AES-256-GCM (NIST SP 800-38D) under the spool key, bound to the place where it stands.

    1 byte: 1 | 8 bytes: which key | 12 bytes: nonce, at random | ciphertext and its 16 bytes of tag

A value that was moved to another row, column or file does not open, and neither does one of which a bit was changed.
Which key is said in front, so that a file may hold values of two keys while one replaces the other.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_ID_BYTES = 8
_NONCE_BYTES = 12
_TAG_BYTES = 16
_HEAD_BYTES = len(_VERSION) + _ID_BYTES + _NONCE_BYTES
OVERHEAD_BYTES = _HEAD_BYTES + _TAG_BYTES


class Unreadable(Exception):  # noqa: N818 - reads as what it is; never leaves the store that met it
    """A sealed value that is damaged, or stands where it was not put."""


class Keys(Protocol):
    """Where keys come from."""

    def load(self) -> Sequence[bytes]:
        """All that may be needed, the one to seal with first. Raises SpoolKeyError."""
        ...


class Vault:
    """Seals with the first of its keys, opens with any. Without keys (`blind`) it does neither."""

    def __init__(self, keys: Keys) -> None:
        """Raises SpoolKeyError."""
        self._keys = keys
        self._ciphers: dict[bytes, AESGCM] = {}
        self.current = ""
        self.reload()

    @property
    def blind(self) -> bool:
        """Whether there are no keys at all."""
        return not self._ciphers

    def reload(self) -> None:
        """Ask for the keys again: another process may have changed them. Raises SpoolKeyError."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        keys = self._keys.load()
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        self.current = key_id(keys[0]).hex() if keys else ""

    def has(self, key: str) -> bool:
        """Whether the key of this id is here."""
        return bytes.fromhex(key) in self._ciphers

    def seal(self, value: bytes, *, place: bytes) -> bytes:
        """`value` as it is kept at `place`."""
        head = _VERSION + bytes.fromhex(self.current)
        nonce = os.urandom(_NONCE_BYTES)
        return head + nonce + self._ciphers[head[1:]].encrypt(nonce, value, head + place)

    def unseal(self, blob: object, *, place: bytes) -> bytes:
        """What was sealed for `place`. Raises Unreadable."""
        from cryptography.exceptions import InvalidTag

        if not isinstance(blob, bytes) or len(blob) < OVERHEAD_BYTES or blob[:1] != _VERSION:
            raise Unreadable("is no sealed value")
        named = blob[1 : 1 + _ID_BYTES]
        if named not in self._ciphers:
            self.reload()
        if named not in self._ciphers:
            raise Unreadable("names a key that is not here")
        head, nonce = blob[: 1 + _ID_BYTES], blob[1 + _ID_BYTES : _HEAD_BYTES]
        try:
            return self._ciphers[named].decrypt(nonce, blob[_HEAD_BYTES:], head + place)
        except InvalidTag:
            raise Unreadable("was changed, or belongs elsewhere") from None


def key_id(key: bytes) -> bytes:
    """What tells keys apart, and nothing about them: a key is 256 bits of chance."""
    return hashlib.sha256(b"whorl spool key id\0" + key).digest()[:_ID_BYTES]
