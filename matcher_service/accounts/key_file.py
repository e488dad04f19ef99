"""The key beside the database: it seals what authenticators share with us, so that a stolen database has no codes."""

from __future__ import annotations

import hmac
import os
import stat
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from interchange.whole_file import make_private_folder, write_whole
from matcher_service.accounts.errors import KeyFileError

if TYPE_CHECKING:
    from pathlib import Path

    from matcher_service.accounts.settings import AccountsSettings
    from matcher_service.repositories.database import Database

FILE = "accounts.key"
_KEY_BYTES, _NONCE_BYTES = 32, 12


class Sealer:
    """AES-256-GCM with the key of a file. What is sealed for one account cannot be opened as another's."""

    def __init__(self, key: bytes, *, file: str = "key") -> None:
        self._file = file
        self._aead = AESGCM(key)
        self._names = hmac.new(key, b"whorl names", sha256).digest()

    @classmethod
    def of(cls, file: Path) -> Sealer:
        """The key in `file`, which is made if it is not there. Raises KeyFileError."""
        try:
            if not file.exists():
                make_private_folder(file.parent)
                write_whole(file, os.urandom(_KEY_BYTES))
            if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise KeyFileError(str(file), f"can be read or written by others; first: chmod 600 {file}")
            key = file.read_bytes()
        except OSError as error:
            raise KeyFileError(
                str(file), f"cannot be used: {error.strerror}; name [accounts] key_file"
            ) from None
        if len(key) != _KEY_BYTES:
            raise KeyFileError(
                str(file), "is damaged; restore it from a backup, or reset everybody's authenticator"
            )
        return cls(key, file=str(file))

    def seal(self, plain: bytes, *, account: str) -> bytes:
        """Nonce and ciphertext."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, plain, account.encode())

    def open(self, sealed: bytes, *, account: str) -> bytes:
        """What was sealed. Raises KeyFileError if it was with another key, or for somebody else."""
        try:
            return self._aead.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], account.encode())
        except (InvalidTag, ValueError):
            raise KeyFileError(
                self._file,
                "is not the key with which this authenticator was sealed; restore it from a backup, or reset the"
                " authenticator with: matcher-service accounts reset-totp NAME",
            ) from None

    def alias(self, text: str) -> str:
        """A stand-in for a text that should not be kept, the same for the same text: 32 hexadecimal digits."""
        return hmac.new(self._names, text.encode("utf-8", "replace"), sha256).hexdigest()[:32]


def sealer_of(settings: AccountsSettings, database: Database) -> Sealer:
    """The sealer of these settings. Raises KeyFileError."""
    if settings.key_file is not None:
        return Sealer.of(settings.key_file)
    if database.file is None:
        raise KeyFileError("[accounts] key_file", "has to be named where the database is not a file")
    return Sealer.of(database.file.with_name(FILE))
