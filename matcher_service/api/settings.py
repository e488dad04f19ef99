"""Settings of the API, in the matcher's file under `[api]`.

[api]
port = 8445
tokens = "/etc/whorl/api-tokens"
"""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from interchange.settings import SettingsModel


class ApiSettings(SettingsModel):
    """Where the API listens and whom it answers.

    On another address than the machine's own it speaks TLS only: `certificate` and `key` are PEM files then.
    `tokens` is the file that `matcher-service api-token` writes.
    """

    host: Annotated[str, StringConstraints(min_length=1, max_length=253)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8445
    tokens: Path = Path("api-tokens")
    certificate: Path | None = None
    key: Path | None = None

    @property
    def loopback(self) -> bool:
        """Whether nobody but this machine can reach it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @model_validator(mode="after")
    def _tls_unless_loopback(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("api.certificate and api.key go together: name both PEM files, or neither")
        if not self.loopback and self.certificate is None:
            raise ValueError(
                f"'{self.host}' can be reached from outside, and tokens and prints would cross the network in clear:"
                " name api.certificate and api.key (PEM files), or listen on 127.0.0.1"
            )
        return self
