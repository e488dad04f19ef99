"""Settings of the console, in the matcher's file under `[console]`.

[console]
host = "0.0.0.0"
port = 8446
certificate = "/etc/whorl/console.pem"
key = "/etc/whorl/console.key"
public_report = "/var/lib/whorl-matcher/public/report.html"
"""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path  # noqa: TC003 - pydantic reads it at run time
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, model_validator

from interchange.settings import SettingsModel


class ConsoleSettings(SettingsModel):
    """Where the console listens.

    On another address than the machine's own it speaks TLS only: `certificate` and `key` are PEM files then. `address`
    is how people reach it, such as "https://console.county.example": with it, requests for other names are refused,
    and with https:// in it cookies are bound to TLS also where something before the console ends the TLS.
    `public_report` is a page that `matcher-service report --public` wrote; with it, anybody may read it at
    /public/report without signing in.
    """

    host: Annotated[str, StringConstraints(min_length=1, max_length=253)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8446
    certificate: Path | None = None
    key: Path | None = None
    address: Annotated[str, StringConstraints(max_length=300)] = ""
    public_report: Path | None = None

    @property
    def loopback(self) -> bool:
        """Whether nobody but this machine can reach it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def secure(self) -> bool:
        """Whether browsers come over TLS."""
        return self.certificate is not None or self.address.startswith("https://")

    @property
    def names(self) -> frozenset[str]:
        """The names that a request may be for; empty for any."""
        if self.address:
            return frozenset({(urlsplit(self.address).hostname or "").lower()})
        return frozenset({"127.0.0.1", "localhost", "::1"}) if self.loopback else frozenset()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError(
                "console.certificate and console.key go together: name both PEM files, or neither"
            )
        if not self.loopback and self.certificate is None:
            raise ValueError(
                f"'{self.host}' can be reached from outside, and passwords would cross the network in clear:"
                " name console.certificate and console.key (PEM files), or listen on 127.0.0.1"
            )
        parts = urlsplit(self.address)
        if self.address and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("console.address begins with https:// (or http:// on this machine)")
        return self
