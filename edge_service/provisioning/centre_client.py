"""The centre's API as a kiosk meets it the first time: it believes nothing but the fingerprint in its code."""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from edge_service.provisioning import parameters
from edge_service.provisioning.errors import ProvisioningError, WrongCentre
from interchange.certificates import fingerprint
from interchange.errors import EnvelopeError, MessageError
from interchange.messages import decode_message, encode_message
from interchange.provisioning import AUTHORITY_PATH, PROVISION_PATH, Provisioned

if TYPE_CHECKING:
    from interchange.provisioning import ProvisionRequest
    from interchange.provisioning_code import ProvisioningCode


@dataclass(frozen=True, slots=True)
class CentreAddress:
    """Where the API is; `text` is how it was written."""

    text: str
    host: str
    port: int

    @classmethod
    def read(cls, text: str) -> CentreAddress:
        """From ``https://host:port``. Raises ProvisioningError."""
        try:
            parts = urlsplit(text if "://" in text else f"https://{text}")
            port = parts.port or 8445
        except ValueError:
            raise ProvisioningError(text, "is no address; expected https://host:port") from None
        if parts.scheme != "https" or not parts.hostname or parts.path not in {"", "/"} or parts.username:
            raise ProvisioningError(text, "is no address; expected https://host:port")
        return cls(text, parts.hostname, port)


def fetch_authority(address: CentreAddress, code: ProvisioningCode) -> bytes:
    """The authority's certificate, the one that the code speaks of. Raises WrongCentre, ProvisioningError.

    Nothing but this question goes over the connection, and whoever answers it is not believed before the fingerprint
    is compared; so it does not matter that the certificate of this one connection is not verified.
    """
    stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    stranger.minimum_version = ssl.TLSVersion.TLSv1_2
    stranger.check_hostname = False
    stranger.verify_mode = ssl.CERT_NONE
    status, body = _ask(address, stranger, "GET", AUTHORITY_PATH)
    if status != 200:
        raise ProvisioningError(
            address.text,
            "answers, but lets no kiosks in: its [authority] folder is not set, or it is no centre",
        )
    try:
        if code.fits(fingerprint(body)):
            return body
    except EnvelopeError:
        pass
    raise WrongCentre(address.text)


def ask_in(address: CentreAddress, ca: bytes, request: ProvisionRequest) -> Provisioned:
    """Bring the code. Raises WrongCentre, ProvisioningError with the centre's own words."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=ca.decode("ascii"))
    status, body = _ask(address, context, "POST", PROVISION_PATH, encode_message(request))
    if status != 200:
        raise ProvisioningError(address.text, f"the centre refuses: {_problem(body)}")
    try:
        return decode_message(Provisioned, body)
    except MessageError as error:
        raise ProvisioningError(address.text, f"its answer is not understood ({error})") from None


def _ask(
    address: CentreAddress, context: ssl.SSLContext, method: str, path: str, body: bytes | None = None
) -> tuple[int, bytes]:
    connection = http.client.HTTPSConnection(
        address.host, address.port, timeout=parameters.CONNECT_TIMEOUT_S, context=context
    )
    try:
        connection.connect()
        connection.sock.settimeout(parameters.ANSWER_TIMEOUT_S)
        headers = {"content-type": "application/json"} if body is not None else {}
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        data = answer.read(parameters.MAX_ANSWER_BYTES + 1)
    except ssl.SSLCertVerificationError as error:
        # It showed the right authority and is not certified by it, or not under this address.
        if "mismatch" in str(error) or "not valid for" in str(error):
            raise ProvisioningError(
                address.text,
                f"the centre's certificate is not for '{address.host}'; use the address that it was made for",
            ) from None
        raise WrongCentre(address.text) from None
    except (OSError, http.client.HTTPException) as error:
        raise ProvisioningError(
            address.text, f"cannot be reached ({error or type(error).__name__}); check network and address"
        ) from None
    finally:
        connection.close()
    if len(data) > parameters.MAX_ANSWER_BYTES:
        raise ProvisioningError(address.text, "its answer is too long to be a centre's")
    return answer.status, data


def _problem(body: bytes) -> str:
    try:
        words = json.loads(body)["problem"]
    except (ValueError, KeyError, TypeError):
        return "it did not say why"
    return "".join(c if c.isprintable() else "?" for c in str(words)[:300])
