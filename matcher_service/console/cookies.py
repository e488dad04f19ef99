"""Cookies of the console: the session, the door's, the way to the identity provider, and the message after a change."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING

from matcher_service.console.parameters import MAX_FLASH_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response


@dataclass(frozen=True, slots=True)
class Cookies:
    """Names and flags. With TLS the names begin with __Host-, so that no other host or path can set them."""

    secure: bool

    def name(self, kind: str) -> str:
        """The name of the cookie of a kind: "session", "door", "provider", "flash"."""
        return f"__Host-whorl-{kind}" if self.secure else f"whorl-{kind}"

    def set(self, response: Response, kind: str, value: str, *, lax: bool = False) -> None:
        """Ends with the browser; the session's own end is kept by the centre."""
        response.set_cookie(
            self.name(kind),
            value,
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax" if lax else "strict",
        )

    def forget(self, response: Response, kind: str) -> None:
        """Take it back."""
        response.delete_cookie(
            self.name(kind), path="/", secure=self.secure, httponly=True, samesite="strict"
        )

    def get(self, cookies: Mapping[str, str], kind: str) -> str:
        """Its value, or ""."""
        return cookies.get(self.name(kind), "")


def read_cookies(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """The cookies of a request; what cannot be read is none."""
    found: dict[str, str] = {}
    for name, value in headers:
        if name == b"cookie":
            try:
                parsed = SimpleCookie(value.decode("latin-1"))
            except CookieError:
                continue
            found.update({key: morsel.value for key, morsel in parsed.items()})
    return found


def sealed_flash(text: str, kind: str, csrf: str) -> str:
    """A message that only this session's pages show: nobody else can put words on them."""
    body = base64.urlsafe_b64encode(f"{kind}\n{text[:MAX_FLASH_CHARACTERS]}".encode()).decode("ascii")
    return f"{body}.{_mac(body, csrf)}"


def open_flash(value: str, csrf: str) -> tuple[str, str] | None:
    """Kind ("good" or "bad") and text, if it is this session's."""
    body, _, mac = value.partition(".")
    if not hmac.compare_digest(mac.encode("utf-8", "replace"), _mac(body, csrf).encode()):
        return None
    kind, _, text = base64.urlsafe_b64decode(body).decode("utf-8", "replace").partition("\n")
    return kind, text


def _mac(body: str, csrf: str) -> str:
    return hmac.new(csrf.encode(), b"flash " + body.encode("utf-8", "replace"), sha256).hexdigest()[:32]
