"""What a relay brings, at the centre's door: admitted only where everything about it agrees.

The seal has been opened: the relay itself is who it says. Here it is asked whether it may bring for that agency,
whether the kiosk signed what is brought, and whether the way that it came is no ring.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import select

from interchange.errors import MessageError
from interchange.messages import Submission, decode_message
from interchange.relaying import RELAY_FIELD, Followed, follow
from matcher_service.auditing import record
from matcher_service.relay.evidence import keep
from matcher_service.relay.rights import Rights, may_bring
from matcher_service.repositories.device_tables import RegisteredDevice
from matcher_service.repositories.relay_tables import RelayArrival, RelayedDevice
from matcher_service.repositories.schema import StoredSubmission

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from matcher_service.repositories import Database
    from matcher_service.sealing import Received


@dataclass(frozen=True, slots=True)
class Admitted:
    """A submission that a relay may bring, and all that is known of its way."""

    submission: Submission
    way: Followed = field(repr=False)
    relay: str

    @property
    def payload(self) -> bytes:
        """As the kiosk signed it."""
        return self.way.payload


class RelayDoor:
    """See the module. Raises StoreError when the database fails."""

    def __init__(self, database: Database, *, own: str) -> None:
        """`own` is this centre's id, for the path."""
        self._database = database
        self._own = own
        self.rights = Rights(database)

    def admit(self, received: Received, relay: str) -> Admitted:
        """What `relay` brought, if it may. Raises MessageError."""
        if not self.rights.is_relay(relay):
            raise MessageError(
                RELAY_FIELD,
                f"'{relay}' is no relay here; a person at the centre has to allow it: matcher-service relay allow"
                f" {relay} --jurisdiction CODE",
            )
        way = follow(received.payload, relay=relay)
        if self._own in way.path:
            raise MessageError("relayed.path", "it came through this centre already: the relays form a ring")
        submission = decode_message(Submission, way.payload)
        if submission.tcn != way.tcn:
            raise MessageError("relayed.tcn", "is not that of the submission")
        if submission.device != way.device:
            raise MessageError("relayed.sender", "the submission was made by another device than signed it")
        with self._database.read() as session:
            self._may(session, way, relay)
        return Admitted(submission, way, relay)

    def stored(self, admitted: Admitted, received: Received) -> None:
        """It is in the store: keep what proves it, and that it was here."""
        way, now = admitted.way, datetime.now(UTC)
        key = way.key.id.hex()
        with self._database.write() as session:
            keep(
                session,
                way.tcn,
                sender=admitted.relay,
                ori=way.ori,
                signer=received.signer,
                signed=received.signed,
                payload=way.payload,
                path=way.path,
                now=now,
            )
            if session.get(RelayArrival, _digest(way.tcn)) is None:
                session.add(RelayArrival(tcn_sha256=_digest(way.tcn), relay=admitted.relay, arrived_at=now))
            row = session.get(RelayedDevice, way.device)
            if row is None:
                session.add(
                    RelayedDevice(
                        device=way.device, relay=admitted.relay, ori=way.ori, key_id=key, seen_at=now
                    )
                )
                self._audit(session, admitted, "relay.device-new")
            elif (row.ori, row.key_id) != (way.ori, key):
                # Provisioned anew, or given to another agency, by its own state: noted, not forbidden.
                row.ori, row.key_id, row.seen_at = way.ori, key, now
                self._audit(session, admitted, "relay.device-changed")

    def _audit(self, session: Session, admitted: Admitted, action: str) -> None:
        way = admitted.way
        record(
            session,
            action,
            actor=f"device:{admitted.relay}",
            purpose="relay",
            subject=way.device,
            details={"ori": way.ori, "key": way.key.id.hex(), "path": ">".join(way.path)},
        )

    def _may(self, session: Session, way: Followed, relay: str) -> None:
        if not may_bring(session, relay, way.ori):
            raise MessageError(RELAY_FIELD, f"'{relay}' has no right to submit for the agency {way.ori}")
        if session.get(RegisteredDevice, way.device) is not None:
            raise MessageError(
                RELAY_FIELD,
                f"a device '{way.device}' is registered at this centre itself; give the kiosk another name",
            )
        bound = session.get(RelayedDevice, way.device)
        if bound is not None and bound.relay != relay:
            raise MessageError(
                RELAY_FIELD,
                f"'{way.device}' is known through another relay; if it has moved, a person at the centre says so:"
                f" matcher-service relay move {way.device}",
            )
        stored = session.scalar(select(StoredSubmission.device).where(StoredSubmission.tcn == way.tcn))
        if stored is not None and stored != relay:
            raise MessageError("tcn", "stands for another submission already; a TCN is never used again")
        if stored is None and session.get(RelayArrival, _digest(way.tcn)) is not None:
            raise MessageError("tcn", "was here before and was removed; it is not taken again")


def _digest(tcn: str) -> str:
    return sha256(tcn.encode()).hexdigest()
