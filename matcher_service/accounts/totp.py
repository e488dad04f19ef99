"""Codes of authenticators (RFC 6238), the way to enrol one, and codes for whoever has lost it."""

from __future__ import annotations

import base64
import hmac
import io
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from pyotp.totp import TOTP

from matcher_service.accounts import parameters

if TYPE_CHECKING:
    from datetime import datetime

ISSUER = "Whorl"
SECRET_BYTES = 20


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator has to be told, once. Shown to its owner and nobody else.

    Attributes:
        secret: base32, for typing in.
        uri: otpauth://, for scanning.
    """

    secret: str = field(repr=False)
    uri: str = field(repr=False)

    def for_terminal(self) -> str:
        """The QR code in characters."""
        import segno

        drawn = io.StringIO()
        segno.make(self.uri, error="m").terminal(out=drawn, compact=True)
        return drawn.getvalue()

    def as_svg(self) -> str:
        """The QR code as an SVG element, to be put into a page."""
        import segno

        drawn = io.BytesIO()
        segno.make(self.uri, error="m").save(drawn, kind="svg", scale=4, xmldecl=False, svgns=True)
        return drawn.getvalue().decode("utf-8")


def new_secret() -> str:
    """160 random bits, as RFC 4226 recommends."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode("ascii")


def enrolment(secret: str, *, name: str) -> Enrolment:
    """For an account of this name."""
    return Enrolment(secret, TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER))


def step_of(secret: str, code: str, *, now: datetime, after: int) -> int | None:
    """The time step of which this is the code; None if it is wrong, or of a step up to `after`, so used already."""
    given = code.replace(" ", "")
    current = int(now.timestamp()) // parameters.TOTP_STEP_S
    totp = TOTP(secret)
    found = None
    for step in range(current - parameters.TOTP_DRIFT_STEPS, current + parameters.TOTP_DRIFT_STEPS + 1):
        right = totp.at(step * parameters.TOTP_STEP_S)
        if hmac.compare_digest(right.encode(), given.encode("utf-8", "replace")) and step > after:
            found = step
    return found


def new_recovery_codes() -> list[str]:
    """Codes that each replace the authenticator once."""
    return [
        _grouped(secrets.token_bytes(parameters.RECOVERY_CODE_BYTES))
        for _ in range(parameters.RECOVERY_CODES)
    ]


def recovery_digest(code: str) -> str:
    """By which a recovery code is kept and found, however it is typed."""
    plain = "".join(sign for sign in code.upper() if sign.isalnum())
    return sha256(plain.encode("utf-8", "replace")).hexdigest()


def _grouped(data: bytes) -> str:
    text = base64.b32encode(data).decode("ascii").rstrip("=")
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))
