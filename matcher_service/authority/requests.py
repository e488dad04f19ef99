"""Keys and certificate requests (PKCS #10, RFC 2986), and the strict reading of them.

Keys are ECDSA on P-256: TLS 1.2 and 1.3 have it everywhere, and a Pi signs in under a millisecond.
"""

from __future__ import annotations

from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from interchange.errors import MessageError
from interchange.topics import check_device
from matcher_service.authority.errors import BadRequest
from matcher_service.authority.parameters import MAX_REQUEST_BYTES


class Role(StrEnum):
    """What a certificate's holder is, as its organisational unit (OU) says."""

    DEVICE = "device"
    MATCHER = "matcher"
    BROKER = "broker"


def new_key() -> ec.EllipticCurvePrivateKey:
    """A private key, made where it will be used."""
    return ec.generate_private_key(ec.SECP256R1())


def certificate_request(key: ec.EllipticCurvePrivateKey, name: str) -> bytes:
    """A request for a certificate under `name`, as PEM, signed by the key that it is for."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    from cryptography.hazmat.primitives.serialization import Encoding

    return request.public_bytes(Encoding.PEM)


def read_request(pem: bytes) -> tuple[str, ec.EllipticCurvePublicKey]:
    """The name and the key in a request. Raises BadRequest.

    Nothing else of it is believed: extensions, other parts of the name, validity are the authority's to decide.
    """
    if len(pem) > MAX_REQUEST_BYTES:
        raise BadRequest(f"the request has {len(pem)} bytes, at most {MAX_REQUEST_BYTES} are read")
    try:
        request = x509.load_pem_x509_csr(pem)
        valid = request.is_signature_valid
    except Exception:  # noqa: BLE001 - the library raises many things on bytes from a wire
        raise BadRequest("it is no certificate request in PEM") from None
    if not valid:
        raise BadRequest("its signature is not that of its own key")
    names = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(names) != 1:
        raise BadRequest("it has to have exactly one common name")
    key = request.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadRequest("its key has to be ECDSA on P-256")
    try:
        return check_device(str(names[0].value)), key
    except MessageError as error:
        raise BadRequest(error.reason) from None
