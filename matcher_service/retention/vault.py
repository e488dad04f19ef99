"""The centre's key to its records, and the keys that it seals: one for each person, one for each submission.

AES-256-GCM everywhere. What a key or a record belongs to is authenticated with it, so that none is taken for another's.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from interchange.whole_file import make_private_folder, sync_folder, write_whole
from matcher_service.retention.errors import RecordKeyError

if TYPE_CHECKING:
    from collections.abc import Callable

# Under this name the door is in the `info` of a session.
VAULT: Final = "retention.vault"
FILE: Final = "records.key"
CREDENTIAL: Final = "whorl-records-key"
KEY_BYTES, NONCE_BYTES = 32, 12
# No format that is stored begins so: ISO records begin with "FMR", messages with "{".
MAGIC: Final = b"\x00WS1"

# A sealed key, and what for.
Sample = tuple[bytes, bytes]

log = logging.getLogger("matcher.retention")


class RecordKey:
    """The key of one person, or of one submission, open."""

    __slots__ = ("_aead",)

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, plain: bytes, about: bytes) -> bytes:
        """Sealed, for `about` only."""
        nonce = os.urandom(NONCE_BYTES)
        return MAGIC + nonce + self._aead.encrypt(nonce, plain, about)

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """What was sealed for `about`. Raises InvalidTag."""
        start = len(MAGIC) + NONCE_BYTES
        return self._aead.decrypt(sealed[len(MAGIC) : start], sealed[start:], about)


class Vault:
    """The centre's key."""

    def __init__(self, key: bytes, file: Path | None = None) -> None:
        self._file = file
        self._aead = AESGCM(key)

    def new_key(self, about: bytes) -> tuple[bytes, RecordKey]:
        """A new key, sealed as it is stored, and open."""
        key = os.urandom(KEY_BYTES)
        return self._wrapped(key, about), RecordKey(key)

    def open_key(self, sealed: bytes, about: bytes) -> RecordKey:
        """A key as it was stored. Raises RecordKeyError."""
        return RecordKey(self._unwrapped(sealed, about))

    def passed_to(self, other: Vault, sealed: bytes, about: bytes) -> bytes:
        """The same key, sealed by another vault. Raises RecordKeyError."""
        return other._wrapped(self._unwrapped(sealed, about), about)

    def _wrapped(self, key: bytes, about: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, key, about)

    def _unwrapped(self, sealed: bytes, about: bytes) -> bytes:
        try:
            return self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about)
        except (InvalidTag, ValueError):
            raise RecordKeyError(
                self._file, "is not the key these records were sealed with; restore it from its backup"
            ) from None


class VaultDoor:
    """Finds the centre's key when it is wanted first: a file, a systemd credential, or beside the database's file.

    Without any of them (a database elsewhere, and no file named) there is no vault, and records are stored as they are.
    """

    def __init__(self, *, key_file: Path | None, beside: Path | None) -> None:
        self._named = key_file
        self._beside = beside
        self._vault: Vault | None = None
        self._lock = threading.Lock()

    @property
    def file(self) -> Path | None:
        """Where the key is, or would be made; None if there is to be none."""
        if self._named is not None:
            return self._named
        folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
        if folder and (credential := Path(folder) / CREDENTIAL).exists():
            return credential
        return None if self._beside is None else self._beside.with_name(FILE)

    def vault(self, *, sample: Callable[[], Sample | None]) -> Vault | None:
        """The vault; its key is made if there is none, and none was ever used. Raises RecordKeyError.

        `sample` is any key that it sealed, and what for; None if there is none in use.
        """
        if self._vault is None:
            with self._lock:
                if self._vault is None and (file := self.file) is not None:
                    if not file.exists():
                        if sample() is not None:
                            raise RecordKeyError(
                                file,
                                "is missing, and stored records are sealed with it; restore it from its backup",
                            )
                        _make(file)
                    _end_change(file, sample)
                    self._vault = Vault(read_key(file), file)
        return self._vault

    def change(self, key: bytes, commit: Callable[[], object]) -> None:
        """Put a new key in the place of the present one, once `commit` has stored what it sealed.

        A crash at any moment leaves the key that fits what is stored. Raises RecordKeyError.
        """
        file = self.file
        if file is None:
            raise RecordKeyError(None, "name a file for the key first")
        try:
            write_whole(_next_of(file), key)
            commit()
            _put(file)
        except OSError as error:
            raise RecordKeyError(file, f"cannot be written: {error.strerror}") from None
        self.forget()

    def forget(self) -> None:
        """Read the key again when it is wanted next: another process may have changed it."""
        with self._lock:
            self._vault = None


def read_key(file: Path) -> bytes:
    """The key in a file. Raises RecordKeyError."""
    try:
        if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise RecordKeyError(file, f"can be read or written by others; first: chmod 600 {file}")
        key = file.read_bytes()
    except OSError as error:
        raise RecordKeyError(file, f"cannot be read: {error.strerror}; check [retention] key_file") from None
    if len(key) != KEY_BYTES:
        raise RecordKeyError(file, f"is not {KEY_BYTES} bytes long; restore it from its backup")
    return key


def _next_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.next")


def _put(file: Path) -> None:
    """The new key in the place of the old one, which is overwritten first. Raises OSError."""
    with file.open("r+b") as old:
        old.write(bytes(KEY_BYTES))
        old.flush()
        os.fsync(old.fileno())
    _next_of(file).replace(file)
    sync_folder(file.parent)


def _end_change(file: Path, sample: Callable[[], Sample | None]) -> None:
    """A change of the key that was interrupted: the new one counts if what is stored was sealed with it."""
    new = _next_of(file)
    if not new.exists():
        return
    stored = sample()
    try:
        if stored is not None:
            Vault(read_key(new), new).open_key(*stored)
            _put(file)
            return
    except RecordKeyError:
        pass
    except OSError as error:
        raise RecordKeyError(file, f"cannot be written: {error.strerror}") from None
    new.unlink(missing_ok=True)


def _make(file: Path) -> None:
    """A new key, unless another process was faster."""
    try:
        make_private_folder(file.parent)
        half = file.with_name(f".{file.name}.{os.getpid()}")
        write_whole(half, os.urandom(KEY_BYTES))
        with contextlib.suppress(FileExistsError):
            os.link(half, file)
            log.info("a new key for records was made; keep a copy of it apart from the database's")
        half.unlink(missing_ok=True)
        sync_folder(file.parent)
    except OSError as error:
        raise RecordKeyError(file, f"cannot be made: {error.strerror}; name [retention] key_file") from None
