"""Which devices are there: births and wills, in the order of their session numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from interchange.messages import DeviceState
from matcher_service.repositories.schema import DeviceStatus

if TYPE_CHECKING:
    from interchange.messages import Status
    from matcher_service.repositories.database import Database


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device as it was last heard of."""

    device: str
    session: int
    state: DeviceState
    since: datetime
    heard_at: datetime


class Devices:
    """The status of all devices."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, status: Status) -> bool:
        """Take a birth or a will. False if it is of an older session, and so says nothing of today.

        Within a session "offline" is the end: a birth that the broker gives out again does not undo it.
        """
        with self._database.write() as session:
            row = session.get(DeviceStatus, status.device)
            if row is None:
                row = DeviceStatus(device=status.device)
                session.add(row)
            elif (status.session, status.state is DeviceState.OFFLINE) < (
                row.session,
                row.state == DeviceState.OFFLINE,
            ):
                return False
            row.session = status.session
            row.state = status.state
            row.since = status.since.clock
            row.since_synchronised = status.since.synchronised
            row.heard_at = datetime.now(UTC)
            return True

    def all(self) -> list[KnownDevice]:
        """All devices ever heard of, by name."""
        with self._database.read() as session:
            return [
                KnownDevice(row.device, row.session, DeviceState(row.state), row.since, row.heard_at)
                for row in session.scalars(select(DeviceStatus).order_by(DeviceStatus.device))
            ]
