"""Settings of accounts, in the matcher's file under `[accounts]`.

[accounts]
idle_minutes = 30

[accounts.oidc]
issuer = "https://id.county.example"
client_id = "whorl"
client_secret_file = "/etc/whorl/oidc-secret"
redirect_uri = "https://centre.county.example/sign-in/back"
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads it at run time
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, model_validator

from interchange.settings import SettingsModel
from matcher_service.accounts import parameters
from matcher_service.accounts.permissions import Role

Address = Annotated[str, StringConstraints(min_length=8, max_length=200)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class OidcSettings(SettingsModel):
    """The identity provider that signs people in, by OpenID Connect.

    Accounts are known by the provider's `sub`, which an administrator enters. `role_claim` and `role_map` give roles
    to claims, for the session; without them a claim gives no role. Where `required_amr` is set, the provider has to
    say that it was used: "mfa", for example.
    """

    issuer: Address
    client_id: Word
    client_secret_file: Path | None = None
    redirect_uri: Address
    scopes: Annotated[tuple[Word, ...], Field(max_length=10)] = ("openid",)
    role_claim: Annotated[str, StringConstraints(max_length=100)] = ""
    role_map: dict[str, Role] = Field(default_factory=dict[str, Role])
    required_amr: Annotated[str, StringConstraints(max_length=40)] = ""
    timeout_s: Annotated[float, Field(ge=0.5, le=60)] = 10.0

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for name in ("issuer", "redirect_uri"):
            if not _is_safe(getattr(self, name)):
                raise ValueError(f"{name}: has to begin with https:// (http:// is for this machine alone)")
        if "openid" not in self.scopes:
            raise ValueError('scopes: have to hold "openid"')
        if bool(self.role_claim) != bool(self.role_map):
            raise ValueError("role_claim and role_map go together: name both, or neither")
        return self


class AccountsSettings(SettingsModel):
    """How people sign in, and how long that lasts.

    `key_file` seals the secrets of authenticators; without one it is `accounts.key` beside the database's file. Back it
    up, apart from the database.
    """

    key_file: Path | None = None
    require_totp: bool = True
    idle_minutes: Annotated[int, Field(ge=1, le=30)] = parameters.IDLE_MINUTES
    absolute_hours: Annotated[int, Field(ge=1, le=24)] = parameters.ABSOLUTE_HOURS
    oidc: OidcSettings | None = None


def _is_safe(address: str) -> bool:
    parts = urlsplit(address)
    if parts.scheme == "https":
        return bool(parts.hostname)
    return parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"}
