"""Settings of the ABIS verbs, `[abis]`. Nobody may do anything who is not named here.

[abis]
hosts = ["regproc.mosip.example"]

[[abis.clients]]
token = "mosip-1"
repository = "registrations"
verbs = ["insert", "identify", "delete"]
purpose = "deduplication of registrations, agreement 12 of 2026"
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads it at run time
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from interchange.fields import Name  # noqa: TC001 - pydantic reads it at run time
from interchange.settings import SettingsModel
from matcher_service.notify.settings import Network  # noqa: TC001 - pydantic reads it at run time

Verb = Literal["insert", "identify", "delete"]
Host = Annotated[str, StringConstraints(pattern=r"\A[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\z")]


class AbisClient(SettingsModel):
    """Who holds a token, and what it may do: with its own references in one repository, these verbs, for this purpose.

    `ping`, `pendingJobs` and `referenceCount` are every client's. Its token opens nothing else of the API.
    """

    token: Annotated[str, StringConstraints(pattern=r"\A[a-z0-9](?:[a-z0-9_.-]{0,38}[a-z0-9])?\z")]
    repository: Name
    verbs: Annotated[tuple[Verb, ...], Field(max_length=3)] = ()
    purpose: Annotated[str, StringConstraints(min_length=3, max_length=200)]


class AbisSettings(SettingsModel):
    """Who may ask, and from where biometrics are fetched.

    `hosts` are the only ones that a referenceURL may name, over HTTPS. `networks` names private addresses that they may
    have (a loopback that is named may do without TLS); `ca` is a file of authorities instead of the public ones. Of a
    person one finger at least has to have this `least_quality` and as many minutiae as a search needs. With `mqtt` the
    API answers at the broker as well.
    """

    hosts: Annotated[tuple[Host, ...], Field(max_length=16)] = ()
    networks: Annotated[tuple[Network, ...], Field(max_length=16)] = ()
    ca: Path | None = None
    mqtt: bool = False
    least_quality: Annotated[int, Field(ge=0, le=100)] = 0
    clients: Annotated[tuple[AbisClient, ...], Field(max_length=64)] = ()

    @model_validator(mode="after")
    def _each_token_once(self) -> Self:
        names = [one.token for one in self.clients]
        if len(set(names)) != len(names):
            raise ValueError("abis.clients: a token stands there twice; give each client one of its own")
        return self
