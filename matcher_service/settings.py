"""Settings of the matcher service: one TOML file, typed, bounded, versioned.

version = 1
instance = "matcher-1"
repositories = ["criminal", "immigration"]

[broker]
host = "127.0.0.1"

[database]
url = "sqlite:////var/lib/whorl/matcher.db"
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads it at run time
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from interchange.fields import DeviceName, Name  # noqa: TC001 - pydantic reads it at run time
from interchange.health import OpsSettings
from interchange.settings import BrokerSettings, SettingsModel
from matcher_service import parameters
from matcher_service.abis.settings import AbisSettings
from matcher_service.accounts.settings import AccountsSettings
from matcher_service.api.settings import ApiSettings
from matcher_service.auditing.settings import AuditSettings
from matcher_service.console.settings import ConsoleSettings
from matcher_service.notify.settings import NotifySettings
from matcher_service.osia.settings import OsiaSettings
from matcher_service.routing.settings import RoutingSettings


class MatcherBrokerSettings(BrokerSettings):
    """Where the broker is.

    The session is short: devices send again what was not acknowledged, and where several matchers share the
    work, what a dead one is holding had better go to the others.
    """

    session_expiry_s: Annotated[int, Field(ge=0, le=24 * 3600)] = 300


class DatabaseSettings(SettingsModel):
    """SQLAlchemy's URL of the store; SQLite for one machine, PostgreSQL for more."""

    url: Annotated[str, StringConstraints(min_length=9, max_length=500)] = "sqlite:///matcher.db"


class QuarantineSettings(SettingsModel):
    """How many refused submissions are kept for inspection."""

    per_device: Annotated[int, Field(ge=1, le=10_000)] = parameters.QUARANTINE_PER_DEVICE
    total: Annotated[int, Field(ge=1, le=100_000)] = parameters.QUARANTINE_TOTAL


class SearchSettings(SettingsModel):
    """How repositories are searched. Without `threads`, on all cores.

    What is made of the prints for searching is kept in `gallery_folder`, below it in one folder for each
    `instance`: not to be shared, not to be backed up, and made anew from the database if it is missing. Without
    one it is `galleries` beside the database's file, or in the working directory.

    `red_fpir` and `yellow_fpir` are how often a search for somebody who is not enrolled may end red, or yellow:
    see docs/calibration.md.
    """

    threads: Annotated[int, Field(ge=1, le=256)] | None = None
    max_candidates: Annotated[int, Field(ge=1, le=20)] = parameters.MAX_CANDIDATES
    gallery_folder: Annotated[str, StringConstraints(max_length=500)] = ""
    red_fpir: Annotated[float, Field(ge=1e-9, le=0.5)] = 1e-3
    yellow_fpir: Annotated[float, Field(ge=1e-9, le=0.5)] = 1e-1

    @model_validator(mode="after")
    def _red_is_rarer(self) -> Self:
        if self.red_fpir > self.yellow_fpir:
            raise ValueError("red_fpir: must not be more than yellow_fpir; red is the rarer answer")
        return self


class AuthoritySettings(SettingsModel):
    """The centre's authority, and what kiosks are told at their first meeting.

    Without a `folder` there is none, and messages are neither sealed nor signed: for a demo on one machine. With one,
    whatever is not sealed is refused, unless `require_sealed` is off while kiosks are still being provisioned.
    `broker_host` and `broker_port` are where kiosks find the broker; without them, where the matcher finds it.
    `address` is where they find the API, for the message to whoever invites.
    """

    folder: Path | None = None
    require_sealed: bool = True
    broker_host: Annotated[str, StringConstraints(max_length=253)] = ""
    broker_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    address: Annotated[str, StringConstraints(max_length=300)] = ""


class MatcherSettings(SettingsModel):
    """Everything. `instance` names this process at the broker; matchers of one `share` divide the work."""

    version: Literal[1] = 1
    instance: DeviceName = "matcher-1"
    share: Name = "matcher"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    # Made at the start if they do not exist. All that exist are searched.
    repositories: Annotated[tuple[Name, ...], Field(max_length=16)] = ()
    broker: MatcherBrokerSettings = MatcherBrokerSettings()
    database: DatabaseSettings = DatabaseSettings()
    quarantine: QuarantineSettings = QuarantineSettings()
    search: SearchSettings = SearchSettings()
    api: ApiSettings = ApiSettings()
    ops: OpsSettings = OpsSettings()
    authority: AuthoritySettings = AuthoritySettings()
    routing: RoutingSettings = RoutingSettings()
    accounts: AccountsSettings = AccountsSettings()
    audit: AuditSettings = AuditSettings()
    notify: NotifySettings = NotifySettings()
    abis: AbisSettings = AbisSettings()
    osia: OsiaSettings = OsiaSettings()
    console: ConsoleSettings = ConsoleSettings()
