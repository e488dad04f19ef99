"""X.509 as both sides use it: keys, requests, and what a certificate of the project's authority says.

Keys are ECDSA on P-256: TLS 1.2 and 1.3 have it everywhere, and a Pi signs in under a millisecond.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from interchange.errors import EnvelopeError

if TYPE_CHECKING:
    from datetime import datetime

MAX_CERTIFICATE_BYTES = 8192
_PEM = serialization.Encoding.PEM
_SPKI = serialization.PublicFormat.SubjectPublicKeyInfo


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a certificate says.

    Attributes:
        name: its common name: the device's name, MQTT user and client id.
        ori: the agency that it was made for; empty for the centre's own.
        serial: its serial number, in hexadecimal.
        key: its public key, DER, to be compared.
    """

    name: str
    ori: str
    serial: str
    not_before: datetime
    not_after: datetime
    key: bytes


def new_key() -> ec.EllipticCurvePrivateKey:
    """A private key, made where it will be used."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """PKCS #8, unencrypted: for a file that only its owner may read."""
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def read_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """What `key_pem` made. Raises EnvelopeError."""
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        raise EnvelopeError("this is no private key in PEM") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise EnvelopeError("a key has to be on P-256")
    return key


def certificate_request(key: ec.EllipticCurvePrivateKey, name: str) -> bytes:
    """A request (PKCS #10, RFC 2986) for a certificate under `name`, as PEM, signed by the key that it is for."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return request.public_bytes(_PEM)


def public_der(key: ec.EllipticCurvePublicKey) -> bytes:
    """A public key, to be compared."""
    return key.public_bytes(serialization.Encoding.DER, _SPKI)


def read_certificate(pem: bytes) -> CertificateFacts:
    """What the certificate in `pem` says. Raises EnvelopeError for anything that is none."""
    certificate = _load(pem)
    return CertificateFacts(
        name=_part(certificate, NameOID.COMMON_NAME),
        ori=_part(certificate, NameOID.ORGANIZATION_IDENTIFIER),
        serial=f"{certificate.serial_number:x}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key=certificate.public_key().public_bytes(serialization.Encoding.DER, _SPKI),
    )


def fingerprint(ca_pem: bytes) -> bytes:
    """SHA-256 of a certificate. Raises EnvelopeError."""
    return hashlib.sha256(_load(ca_pem).public_bytes(serialization.Encoding.DER)).digest()


def is_issued_by(pem: bytes, ca_pem: bytes) -> bool:
    """Whether the certificate in `pem` was signed by the authority `ca_pem`."""
    try:
        _load(pem).verify_directly_issued_by(_load(ca_pem))
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _load(pem: bytes) -> x509.Certificate:
    if len(pem) > MAX_CERTIFICATE_BYTES:
        raise EnvelopeError(f"a certificate of {len(pem)} bytes is not read")
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise EnvelopeError("this is no certificate in PEM") from None


def _part(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    found = certificate.subject.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""
