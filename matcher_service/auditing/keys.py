"""The key that signs heads: the authority's, or an Ed25519 key of its own where there is none."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from interchange.whole_file import make_private_folder, write_whole
from matcher_service.auditing.errors import NoSigningKey

if TYPE_CHECKING:
    from pathlib import Path

    from matcher_service.repositories.database import Database
    from matcher_service.settings import MatcherSettings

FILE = "audit-signing.key"
ED25519, ECDSA = "Ed25519", "ECDSA-P256-SHA256"
_SPKI = serialization.PublicFormat.SubjectPublicKeyInfo


class HeadPublicKey:
    """By which signed heads are checked.

    Attributes:
        id: the first eight bytes of the SHA-256 of its SubjectPublicKeyInfo, in hexadecimal.
        algorithm: how it signs.
        pem: SubjectPublicKeyInfo.
    """

    def __init__(self, key: ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey) -> None:
        self._key = key
        der = key.public_bytes(serialization.Encoding.DER, _SPKI)
        self.id = hashlib.sha256(der).hexdigest()[:16]
        self.algorithm = ED25519 if isinstance(key, ed25519.Ed25519PublicKey) else ECDSA
        self.pem = key.public_bytes(serialization.Encoding.PEM, _SPKI)

    @classmethod
    def read(cls, pem: bytes, *, file: Path | None = None) -> HeadPublicKey:
        """From PEM. Raises NoSigningKey for anything but Ed25519 or P-256."""
        try:
            key = serialization.load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm):
            raise NoSigningKey(
                file, "is no public key in PEM; get it with: matcher-service audit key"
            ) from None
        if isinstance(key, ed25519.Ed25519PublicKey):
            return cls(key)
        if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
            return cls(key)
        raise NoSigningKey(file, "is neither an Ed25519 nor a P-256 key")

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether the other half of it signed these bytes."""
        try:
            if isinstance(self._key, ed25519.Ed25519PublicKey):
                self._key.verify(signature, data)
            else:
                self._key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True


class HeadKey:
    """Signs heads."""

    def __init__(self, key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self.public = HeadPublicKey(key.public_key())

    @classmethod
    def read(cls, pem: bytes, *, file: Path | None = None) -> HeadKey:
        """From PKCS #8 in PEM. Raises NoSigningKey."""
        try:
            key = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise NoSigningKey(file, "is no private key in PEM; restore it from a backup") from None
        if isinstance(key, ed25519.Ed25519PrivateKey):
            return cls(key)
        if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
            return cls(key)
        raise NoSigningKey(file, "is neither an Ed25519 nor a P-256 key")

    @classmethod
    def make(cls, file: Path) -> HeadKey:
        """A new Ed25519 key in `file`, for its owner alone. Raises NoSigningKey."""
        key = ed25519.Ed25519PrivateKey.generate()
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        try:
            make_private_folder(file.parent)
            write_whole(file, pem)
        except OSError as error:
            raise NoSigningKey(
                file, f"cannot be written: {error.strerror}; name another [audit] key_file"
            ) from None
        return cls(key)

    def sign(self, data: bytes) -> bytes:
        """A signature over these bytes."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(data)
        return self._key.sign(data, ec.ECDSA(hashes.SHA256()))


def signing_key(settings: MatcherSettings, database: Database) -> HeadKey:
    """The key of these settings; its own is made if it is not there yet. Raises NoSigningKey, AuthorityError."""
    if settings.authority.folder is not None:
        from matcher_service.authority.centre_keys import CentreKeyring

        return HeadKey.read(CentreKeyring(settings.authority.folder).newest.signing.pem)
    file = _own_file(settings, database)
    if file is None:
        raise NoSigningKey(None, "name a file for it in the settings: [audit] key_file")
    if not file.exists():
        return HeadKey.make(file)
    try:
        return HeadKey.read(file.read_bytes(), file=file)
    except OSError as error:
        raise NoSigningKey(file, f"cannot be read: {error.strerror}") from None


def known_keys(settings: MatcherSettings, database: Database) -> list[HeadPublicKey]:
    """All keys of this centre that are still there: the authority's generations, and its own. Raises AuthorityError."""
    found: list[HeadPublicKey] = []
    if settings.authority.folder is not None:
        from matcher_service.authority.centre_keys import CentreKeyring

        generations = CentreKeyring(settings.authority.folder).generations
        found += [HeadKey.read(one.signing.pem).public for one in generations]
    file = _own_file(settings, database)
    if file is not None and file.exists():
        try:
            found.append(HeadKey.read(file.read_bytes(), file=file).public)
        except OSError as error:
            raise NoSigningKey(file, f"cannot be read: {error.strerror}") from None
    return found


def _own_file(settings: MatcherSettings, database: Database) -> Path | None:
    if settings.audit.key_file is not None:
        return settings.audit.key_file
    return None if database.file is None else database.file.with_name(FILE)
