"""Who may bring submissions for whom, at the centre: given and taken by a person, and asked at each of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from matcher_service.auditing import record
from matcher_service.relay.errors import RelayRefused
from matcher_service.repositories.device_tables import RegisteredDevice
from matcher_service.repositories.relay_tables import RelayedDevice, RelayRight
from matcher_service.repositories.routing_tables import Agency, Jurisdiction

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from matcher_service.repositories import Database

_ORI = re.compile(r"[A-Z]{2}[A-Z0-9]{7}")


class RightKind(StrEnum):
    """What a right is for."""

    JURISDICTION = "jurisdiction"
    ORI = "ori"


@dataclass(frozen=True, slots=True)
class Right:
    """One of them."""

    relay: str
    kind: RightKind
    value: str
    given_by: str
    given_at: datetime


class Rights:
    """See the module. Raises StoreError when the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def give(self, relay: str, kind: RightKind, value: str, *, by: str) -> bool:
        """Let `relay` bring for a jurisdiction or an agency. False if it may already. Raises RelayRefused."""
        with self._database.write() as session:
            if session.get(RegisteredDevice, relay) is None:
                raise RelayRefused(
                    relay,
                    f"is not registered; first: matcher-service devices invite --name {relay} --ori ORI",
                )
            _check(session, kind, value)
            if session.scalar(_rows(relay, kind, value)) is not None:
                return False
            session.add(
                RelayRight(relay=relay, kind=kind, value=value, given_by=by[:80], given_at=datetime.now(UTC))
            )
            _audit(session, "relay.allow", relay, (kind, value), by)
            return True

    def take(self, relay: str, kind: RightKind, value: str, *, by: str) -> bool:
        """Take a right back; from now on what it brings for them is refused. False if it had none."""
        with self._database.write() as session:
            row = session.scalar(_rows(relay, kind, value))
            if row is None:
                return False
            session.execute(delete(RelayRight).where(RelayRight.id == row.id))
            _audit(session, "relay.forbid", relay, (kind, value), by)
            return True

    def all(self) -> list[Right]:
        """All of them, by relay."""
        query = select(RelayRight).order_by(RelayRight.relay, RelayRight.kind, RelayRight.value)
        with self._database.read() as session:
            return [
                Right(row.relay, RightKind(row.kind), row.value, row.given_by, row.given_at)
                for row in session.scalars(query)
            ]

    def is_relay(self, name: str) -> bool:
        """Whether anything may come through it, or ever came: who was a relay is never a kiosk."""
        with self._database.read() as session:
            return (
                session.scalar(select(RelayRight.id).where(RelayRight.relay == name).limit(1)) is not None
                or session.scalar(select(RelayedDevice.device).where(RelayedDevice.relay == name).limit(1))
                is not None
            )

    def release(self, device: str, *, by: str) -> bool:
        """Let another relay bring a kiosk's bookings, because the kiosk has moved. False if it was bound to none."""
        with self._database.write() as session:
            row = session.get(RelayedDevice, device)
            if row is None:
                return False
            session.delete(row)
            record(
                session,
                "relay.release",
                actor=by,
                purpose="relay",
                subject=device,
                details={"relay": row.relay},
            )
            return True


def may_bring(session: Session, relay: str, ori: str) -> bool:
    """Whether `relay` has a right for this agency: by its ORI, or by a jurisdiction in which it lies."""
    values = {ORI: set[str](), PLACE: set[str]()}
    for kind, value in session.execute(
        select(RelayRight.kind, RelayRight.value).where(RelayRight.relay == relay)
    ):
        values.setdefault(kind, set()).add(value)
    if ori in values[ORI]:
        return True
    place = session.scalar(select(Agency.jurisdiction_id).where(Agency.ori == ori))
    seen: set[int] = set()
    while place is not None and place not in seen:
        seen.add(place)
        row = session.get(Jurisdiction, place)
        if row is None:
            return False
        if row.code in values[PLACE]:
            return True
        place = row.parent_id
    return False


ORI, PLACE = str(RightKind.ORI), str(RightKind.JURISDICTION)


def _check(session: Session, kind: RightKind, value: str) -> None:
    if kind is RightKind.ORI and not _ORI.fullmatch(value):
        raise RelayRefused(value, "an ORI has nine characters, such as MO0100000")
    if kind is RightKind.JURISDICTION and (
        session.scalar(select(Jurisdiction.id).where(Jurisdiction.code == value)) is None
    ):
        raise RelayRefused(value, "is not in the register; see: matcher-service jurisdictions list")


def _rows(relay: str, kind: RightKind, value: str):  # noqa: ANN202 - SQLAlchemy's own
    return select(RelayRight).where(
        RelayRight.relay == relay, RelayRight.kind == kind, RelayRight.value == value
    )


def _audit(session: Session, action: str, relay: str, right: tuple[RightKind, str], by: str) -> None:
    kind, value = right
    record(
        session, action, actor=by, purpose="relay", subject=relay, details={"kind": str(kind), "value": value}
    )
