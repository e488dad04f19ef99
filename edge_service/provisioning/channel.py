"""What the uplink speaks through: plain on a loopback, signed and sealed where there is an identity.

Messages are sealed when they are sent, not when they are saved. A booking may wait for days: in that time the centre's
keys may change, ours too, or the kiosk may be provisioned anew, and it has to be readable then. Until then the spool
keeps it as its own encryption at rest says.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Protocol

from edge_service.provisioning import parameters
from edge_service.provisioning.errors import IdentityError
from edge_service.provisioning.identity import Identity, IdentityFolder
from edge_service.provisioning.renewal import Renewal
from interchange.envelope import is_sealed, seal, unseal
from interchange.errors import EnvelopeError, MessageError
from interchange.logs import facts
from interchange.statement import Statement, warm_up
from interchange.topics import Down, down

if TYPE_CHECKING:
    from edge_service.clock import Clock
    from edge_service.settings import EdgeSettings
    from interchange.lateness import Lateness

log = logging.getLogger("edge.channel")


class Channel(Protocol):
    """How messages look between the spool and the broker. All calls are on the link's thread."""

    @property
    def subscriptions(self) -> list[str]:
        """Topics to listen on, beside acknowledgements and replies."""
        ...

    def wrap(self, topic: str, payload: bytes, *, late: Lateness | None = None) -> bytes:
        """`payload` as it is published at `topic`. Raises EnvelopeError, IdentityError."""
        ...

    def unwrap(self, topic: str, data: bytes) -> bytes:
        """What came at `topic`. Raises EnvelopeError for what is not believed."""
        ...

    def take_command(self, payload: bytes) -> None:
        """An order of the centre. Raises MessageError."""
        ...

    def next_event(self) -> bytes | None:
        """Something of its own that is to be said to the centre, at ``up/event``, if there is anything."""
        ...


class PlainChannel:
    """As it is: for a broker on the same machine."""

    subscriptions: list[str] = []  # noqa: RUF012 - read only, as the protocol has it

    def wrap(self, topic: str, payload: bytes, *, late: Lateness | None = None) -> bytes:  # noqa: ARG002 - the protocol's
        """As it is; how late it is stands beside it."""
        return payload

    def unwrap(self, topic: str, data: bytes) -> bytes:  # noqa: ARG002 - the protocol's
        """As it is; what is sealed cannot be read here."""
        if is_sealed(data):
            raise EnvelopeError("it is sealed, and this kiosk has no identity: edge-service provision CODE")
        return data

    def take_command(self, payload: bytes) -> None:  # noqa: ARG002 - the protocol's
        """Nobody may give orders here."""
        raise MessageError("command", "is not taken unsealed")

    def next_event(self) -> bytes | None:
        """Nothing."""
        return None


class SealedChannel:
    """Signed with our key and sealed to the centre's; believed from nobody else."""

    def __init__(self, folder: IdentityFolder, *, clock: Clock) -> None:
        """Raises IdentityError if there is no identity that can be used."""
        self._folder = folder
        self._clock = clock
        self._identity = folder.load()
        warm_up(self._identity.signing)
        self._state = folder.state
        self._renewal = Renewal(folder, clock=clock)
        self._look_at = 0.0

    @property
    def identity(self) -> Identity:
        """The identity in use; read again when it has changed on the disk."""
        state = self._folder.state
        if state != self._state:
            self._identity, self._state = self._folder.load(), state
        return self._identity

    @property
    def subscriptions(self) -> list[str]:
        """The centre's orders."""
        return [down(self._identity.name, Down.COMMAND)]

    def wrap(self, topic: str, payload: bytes, *, late: Lateness | None = None) -> bytes:
        """Signed and sealed to the newest key of the centre that we know."""
        me = self.identity
        centre = me.centre[0]
        statement = Statement(me.name, me.ori, me.certificate.serial, centre.number, payload, late)
        return seal(statement.encode(), signer=me.signing, receiver=centre.sealing, context=topic)

    def unwrap(self, topic: str, data: bytes) -> bytes:
        """What the centre sealed to us, by our key of today, our last, or our next."""
        if not is_sealed(data):
            raise EnvelopeError("it is not sealed, and so not the centre's")
        me = self.identity
        coming = self._folder.pending_sealing()
        return unseal(
            data,
            receiver=[*me.sealing, *([coming] if coming else [])],
            signers=[centre.signing for centre in me.centre],
            context=topic,
        ).payload

    def take_command(self, payload: bytes) -> None:
        """A new certificate, or new keys of the centre."""
        self._renewal.take(payload)

    def next_event(self) -> bytes | None:
        """Looked at now and then: a certificate that will run out is renewed, old keys are erased."""
        if time.monotonic() < self._look_at:
            return None
        self._look_at = time.monotonic() + parameters.LOOK_AFTER_KEYS_S
        event: bytes | None = None
        try:
            event = self._renewal.due(self.identity)
            self._identity = self._folder.load()  # without what was erased
        except (OSError, IdentityError) as error:
            log.error("the identity cannot be looked after", extra=facts(reason=error))  # noqa: TRY400
        return event


def channel_of(settings: EdgeSettings, *, clock: Clock) -> Channel:
    """The channel of these settings: sealed if this kiosk was provisioned. Raises IdentityError."""
    folder = IdentityFolder(settings.identity.folder)
    return SealedChannel(folder, clock=clock) if folder.exists else PlainChannel()
