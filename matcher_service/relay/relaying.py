"""Relaying as the matcher's service sees it: both ends of it, each there if the settings make it so.

A centre with an authority takes from relays that it has allowed; one with a `[relay]` identity passes on itself. One in
the middle does both.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from interchange.errors import MessageError
from interchange.link_protocol import Outgoing
from interchange.logs import facts
from interchange.messages import encode_message
from interchange.relaying import RELAY_FIELD, ReportTaken, centre_id, is_relayed
from interchange.topics import Down, down
from matcher_service.authority import Authority
from matcher_service.relay.answers import RelayAnswers, passed_message
from matcher_service.relay.door import RelayDoor
from matcher_service.relay.errors import RelayRefused
from matcher_service.relay.evidence import keep
from matcher_service.relay.identity import UpwardIdentity
from matcher_service.relay.outbox import RelayOutbox
from matcher_service.relay.upward import Upward
from matcher_service.routing import Mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from interchange.link_protocol import Incoming
    from interchange.messages import DispositionReported
    from matcher_service.relay.door import Admitted
    from matcher_service.repositories import Database
    from matcher_service.sealing import Received
    from matcher_service.settings import MatcherSettings

log = logging.getLogger("matcher.relay")


class Relaying:
    """See the module."""

    def __init__(
        self,
        database: Database,
        *,
        door: RelayDoor,
        repository: str = "",
        upward: Upward | None = None,
        answers: RelayAnswers | None = None,
    ) -> None:
        self._database = database
        self._door = door
        self._upward = upward
        self._answers = answers
        # Repositories that are not searched here: what the rules send there goes up.
        self.elsewhere = frozenset({repository} if upward is not None else ())

    @property
    def subscriptions(self) -> list[str]:
        """What has to be listened to at this centre's broker."""
        return [] if self._upward is None else self._upward.subscriptions

    def start(self) -> None:
        """Begin to pass on, if this centre does."""
        if self._upward is not None:
            self._upward.start()

    def stop(self) -> None:
        """End."""
        if self._upward is not None:
            self._upward.stop()

    def take(self, message: Incoming) -> None:
        """Something came over the bridge; from any thread."""
        if self._upward is not None:
            self._upward.take(message)

    def connected(self) -> None:
        """There is a new connection to this centre's broker; from any thread."""
        if self._upward is not None:
            self._upward.connected()

    # -- at the intake

    def is_relay(self, device: str) -> bool:
        """Whether a device is a relay here."""
        return self._door.rights.is_relay(device)

    def admit(self, received: Received, device: str) -> Admitted | None:
        """What a relay brings, if this is one; None for a kiosk's own submission. Raises MessageError."""
        if is_relayed(received.payload):
            if not received.sealed:
                raise MessageError(
                    RELAY_FIELD, "what is relayed has to be sealed; this centre has no authority"
                )
            return self._door.admit(received, device)
        if received.sealed and self.is_relay(device):
            raise MessageError(
                RELAY_FIELD, "a relay brings what its kiosks have signed, and nothing of its own"
            )
        return None

    def stored(self, received: Received, tcn: str, payload: bytes, sender: str) -> None:
        """A kiosk's own submission is in the store: keep what it signed, if that may have to be shown above."""
        if self._upward is None or not received.signed:
            return
        with self._database.write() as session:
            keep(
                session,
                tcn,
                sender=sender,
                ori=received.ori,
                signer=received.signer,
                signed=received.signed,
                payload=payload,
            )

    def stored_of_relay(self, admitted: Admitted, received: Received) -> None:
        """A relayed submission is in the store."""
        self._door.stored(admitted, received)

    # -- what was passed on, on its way to kiosks

    def untold(self, device: str | None = None) -> list[Outgoing]:
        """Nobody was given it yet."""
        return [] if self._answers is None else [passed_message(one) for one in self._answers.untold(device)]

    def to_publish(self) -> list[Outgoing]:
        """As `untold`, but for what is on its way."""
        return [] if self._answers is None else [passed_message(one) for one in self._answers.to_publish()]

    def of(self, tcn: str) -> list[Outgoing]:
        """All that was passed on of one submission."""
        return [] if self._answers is None else [passed_message(one) for one in self._answers.of(tcn)]

    def mark_told(self, label: str) -> None:
        """The broker took it for a kiosk that listens."""
        if self._answers is not None:
            self._answers.mark_told(label)


def open_relaying(
    settings: MatcherSettings,
    database: Database,
    publish: Callable[[Outgoing], bool],
    connected: Callable[[], bool] = lambda: True,
) -> Relaying | None:
    """As the settings say; None without an authority. Raises RelayRefused, UpwardIdentityError, AuthorityError."""
    if settings.authority.folder is None:
        if settings.relay.identity is not None:
            raise RelayRefused(
                "[relay] identity",
                "a state that relays has to prove what its kiosks sent; set [authority] folder, and provision them",
            )
        return None
    own = centre_id(Authority(settings.authority.folder).root_pem)
    door = RelayDoor(database, own=own)
    relay = settings.relay
    if relay.identity is None:
        return Relaying(database, door=door)
    if settings.routing.mode is Mode.EVERYTHING:
        raise RelayRefused(
            "[routing] mode",
            "without rules nothing may leave this centre; set it to 'rules', or [relay] aside",
        )
    identity = UpwardIdentity(relay.identity)
    if identity.centre == own:
        raise RelayRefused("[relay] identity", "is of this centre itself; a centre does not relay to itself")
    outbox = RelayOutbox(database, repository=relay.repository)
    answers = RelayAnswers(database, settings=relay, outbox=outbox)
    upward = Upward(
        identity=identity,
        outbox=outbox,
        answers=answers,
        settings=relay,
        publish=publish,
        connected=connected,
        own=own,
    )
    log.info("relays upward", extra=facts(name=identity.name, centre=identity.centre, own=own))
    return Relaying(database, door=door, repository=relay.repository, upward=upward, answers=answers)


def taken_message(report: DispositionReported, *, relay: str, known: bool) -> Outgoing:
    """The centre's word to a relay that it has a report."""
    taken = ReportTaken(tcn=report.tcn, reported_at=report.reported_at, known=known)
    return Outgoing(topic=down(relay, Down.COMMAND), payload=encode_message(taken))
