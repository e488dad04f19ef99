"""Settings of the OSIA interface, `[osia]`. Nobody may do anything who is not named here.

[[osia.clients]]
token = "registry-1"
repository = "registrations"
scopes = ["abis.encounter.write", "abis.identify"]
purpose = "civil registry, agreement 14 of 2026"
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from interchange.fields import Name  # noqa: TC001 - pydantic reads it at run time
from interchange.settings import SettingsModel

Scope = Literal[
    "abis.encounter.write",
    "abis.encounter.read",
    "abis.identify",
    "abis.verify",
    "abis.gallery.read",
    "abis.task.read",
    "abis.task.update",
    "notif.sub.write",
    "notif.sub.read",
    "notif.topic.read",
    "notif.topic.write",
    "notif.topic.publish",
]
JurisdictionCode = Annotated[str, StringConstraints(pattern=r"\AUS-[A-Z]{2}(?:-[0-9]{3})?\z")]


class OsiaClient(SettingsModel):
    """Who holds a token, and what it may do: with its own persons in one repository, in OSIA's own words for rights.

    `jurisdictions` are those from whose bookings it may be told that a person of its own was identified, once it has
    subscribed; a state stands for its counties too. Without any, it is told of none.
    """

    token: Annotated[str, StringConstraints(pattern=r"\A[a-z0-9](?:[a-z0-9_.-]{0,38}[a-z0-9])?\z")]
    repository: Name
    scopes: Annotated[tuple[Scope, ...], Field(max_length=12)] = ()
    jurisdictions: Annotated[tuple[JurisdictionCode, ...], Field(max_length=64)] = ()
    purpose: Annotated[str, StringConstraints(min_length=3, max_length=200)]


class OsiaSettings(SettingsModel):
    """Who may ask. Without clients there is no such interface."""

    clients: Annotated[tuple[OsiaClient, ...], Field(max_length=64)] = ()

    @model_validator(mode="after")
    def _each_token_once(self) -> Self:
        names = [one.token for one in self.clients]
        if len(set(names)) != len(names):
            raise ValueError("osia.clients: a token stands there twice; give each client one of its own")
        return self
