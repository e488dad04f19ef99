"""The keys of sealed messages: P-256, each known by the first bytes of its SHA-256."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, ClassVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from interchange.errors import EnvelopeError

if TYPE_CHECKING:
    from cwt.cose_key_interface import COSEKeyInterface

_PEM = serialization.Encoding.PEM
MAX_PEM_BYTES = 2048


class PublicKey:
    """Somebody's key, for verifying or for sealing to.

    Attributes:
        id: eight bytes by which it is named in messages.
        pem: SubjectPublicKeyInfo, as PEM.
    """

    ID_BYTES: ClassVar[int] = 8

    def __init__(self, key: ec.EllipticCurvePublicKey) -> None:
        self._key = key
        spki = serialization.PublicFormat.SubjectPublicKeyInfo
        self.id = hashlib.sha256(key.public_bytes(serialization.Encoding.DER, spki)).digest()[: self.ID_BYTES]
        self.pem = key.public_bytes(_PEM, spki)

    @classmethod
    def read(cls, pem: bytes) -> PublicKey:
        """From PEM. Raises EnvelopeError for anything but a P-256 key."""
        try:
            key = serialization.load_pem_public_key(pem[: MAX_PEM_BYTES + 1])
        except (ValueError, UnsupportedAlgorithm):
            raise EnvelopeError("this is no public key in PEM") from None
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise EnvelopeError("a key has to be on P-256")
        return cls(key)

    def cose(self, algorithm: str) -> COSEKeyInterface:
        """As the COSE library wants it."""
        from cwt import COSEKey

        return COSEKey.from_pem(self.pem, kid=self.id, alg=algorithm)


class PrivateKey:
    """One's own key, for signing or for opening what was sealed to it.

    Attributes:
        public: its public half.
        id: the same as that of the public half.
    """

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self.public = PublicKey(key.public_key())
        self.id = self.public.id

    @classmethod
    def generate(cls) -> PrivateKey:
        """A new one."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def read(cls, pem: bytes) -> PrivateKey:
        """From PKCS #8 in PEM, without a password. Raises EnvelopeError."""
        try:
            key = serialization.load_pem_private_key(pem[: MAX_PEM_BYTES + 1], password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise EnvelopeError("this is no private key in PEM") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise EnvelopeError("a key has to be on P-256")
        return cls(key)

    @property
    def pem(self) -> bytes:
        """PKCS #8, unencrypted: for a file that only its owner may read."""
        return self._key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

    def cose(self, algorithm: str) -> COSEKeyInterface:
        """As the COSE library wants it."""
        from cwt import COSEKey

        return COSEKey.from_pem(self.pem, kid=self.id, alg=algorithm)
