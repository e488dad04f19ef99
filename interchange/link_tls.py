"""TLS of a link: both sides show a certificate of the same authority."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interchange.settings import TlsSettings


def tls_context(files: TlsSettings) -> ssl.SSLContext:
    """TLS 1.2 or newer, the broker's name checked, our own certificate shown.

    Only the project's authority is believed, none of the machine's. Made anew for each connection, so that a renewed
    certificate counts from the next one on. Raises OSError that names the file which cannot be used.
    """
    for path in (files.ca, files.certificate, files.key):
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} is missing; provision this machine again or correct [broker.tls]"
            )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cafile=files.ca)
    except ssl.SSLError as error:
        raise OSError(f"{files.ca} is no certificate in PEM ({error.reason})") from error
    try:
        context.load_cert_chain(files.certificate, files.key)
    except ssl.SSLError as error:
        raise OSError(
            f"{files.certificate} and {files.key} do not belong together ({error.reason})"
        ) from error
    return context
