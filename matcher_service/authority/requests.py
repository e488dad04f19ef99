"""Certificate requests (PKCS #10, RFC 2986), read strictly. How they are made: `interchange.certificates`."""

from __future__ import annotations

from enum import StrEnum

from cryptography import x509
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
    API = "api"
    SUBSCRIBER = "subscriber"


def read_request(pem: bytes, *, name: str | None = None) -> tuple[str, ec.EllipticCurvePublicKey]:
    """The name and the key in a request; `name`, if it is given, counts instead. Raises BadRequest.

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
    names = [str(part.value) for part in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if len(names) != 1:
        raise BadRequest("it has to have exactly one common name")
    key = request.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadRequest("its key has to be ECDSA on P-256")
    try:
        return check_device(names[0] if name is None else name), key
    except MessageError as error:
        raise BadRequest(error.reason) from None
