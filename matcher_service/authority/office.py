"""The authority, the register and the centre's keys, opened together as the settings say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interchange.provisioning import BrokerAddress
from interchange.statement import warm_up
from matcher_service.authority.authority import Authority
from matcher_service.authority.centre_keys import CentreKeyring
from matcher_service.authority.registrar import Registrar
from matcher_service.repositories import Registry
from matcher_service.sealing import Seals

if TYPE_CHECKING:
    from matcher_service.repositories import Database
    from matcher_service.settings import MatcherSettings


@dataclass(frozen=True, slots=True)
class Office:
    """What belongs together wherever devices are admitted."""

    registry: Registry
    keyring: CentreKeyring
    registrar: Registrar
    seals: Seals


def open_office(settings: MatcherSettings, database: Database) -> Office | None:
    """The office of these settings; None where they name no authority. Raises AuthorityError."""
    folder = settings.authority.folder
    if folder is None:
        return None
    authority = Authority(folder)
    registry = Registry(database, clients={one.token for one in settings.abis.clients})
    keyring = CentreKeyring(folder)
    warm_up(keyring.newest.signing)  # a centre without keys is better found out now
    broker = BrokerAddress(
        host=settings.authority.broker_host or settings.broker.host,
        port=settings.authority.broker_port or settings.broker.port,
    )
    return Office(
        registry=registry,
        keyring=keyring,
        registrar=Registrar(authority=authority, registry=registry, keyring=keyring, broker=broker),
        seals=Seals(
            registry=registry,
            keyring=keyring,
            authority=authority,
            require_sealed=settings.authority.require_sealed,
        ),
    )
