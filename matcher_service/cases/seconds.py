"""Second responses on their way: made when they can be, told until the device has taken them."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import exists, func, select, update

from interchange.link_protocol import Outgoing
from interchange.logs import facts
from interchange.topics import Down, down
from matcher_service.cases import parameters
from matcher_service.cases.responding import (
    DISCLOSES,
    OPEN_TASKS,
    Finding,
    second_response,
    store,
    what_to_say,
)
from matcher_service.repositories.case_tables import SecondResponse
from matcher_service.repositories.review_tables import ReviewTask
from matcher_service.repositories.routing_tables import RoutingDecision
from matcher_service.repositories.schema import Repository, SearchRecord, StoredSubmission
from matcher_service.routing import still_allowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from matcher_service.repositories import Database

log = logging.getLogger("matcher.seconds")

_LABEL = "second:"


@dataclass(frozen=True, slots=True)
class StoredSecond:
    """A second response and whom it is for."""

    id: int
    tcn: str
    device: str
    payload: bytes


def second_message(second: StoredSecond) -> Outgoing:
    """On its way; its label comes back with the PUBACK."""
    return Outgoing(
        topic=down(second.device, Down.REPLY),
        payload=second.payload,
        label=f"{_LABEL}{second.id}",
        correlation=second.tcn.encode(),
    )


def is_second(label: str) -> bool:
    """Whether a PUBACK with this label speaks of a second response."""
    return label.startswith(_LABEL)


class SecondResponses:
    """See the module. All but `due` is for the intake's thread alone; raises StoreError when the database fails."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._now = now
        self._monotonic = monotonic
        self._tended = float("-inf")
        self._after = 0  # searches up to this number were looked at in this turn
        self._published: dict[int, float] = {}

    def due(self) -> bool:
        """Whether it is time to look again; says so once each time. Any thread may ask."""
        now = self._monotonic()
        if now - self._tended < parameters.TEND_EVERY_S:
            return False
        self._tended = now
        return True

    def tend(self) -> int:
        """Make those that can be made by now, and return how many. Looks at some searches at a time, at all in turn."""
        now = self._now()
        with self._database.read() as session:
            ready = [
                (submission_id, name)
                for submission_id, repository_id, name in self._without(session)
                if what_to_say(session, submission_id, repository_id, name, now=now) is not None
            ]
        for submission_id, name in ready:
            with self._database.write() as session:
                second_response(session, submission_id, name, now=now)
        return len(ready)

    def untold(self, device: str | None = None) -> list[StoredSecond]:
        """Those that no listener was given, to one device or to all; oldest first.

        What may not be shared any more is not among them: the kiosk is told that nothing follows instead.
        """
        return self._to_tell(device, frozenset())

    def to_publish(self) -> list[StoredSecond]:
        """As `untold`, without those that were published a moment ago and are on their way, or found nobody."""
        now = self._monotonic()
        recent = {key: at for key, at in self._published.items() if now - at < parameters.PUBLISH_AGAIN_S}
        found = self._to_tell(None, frozenset(recent))
        self._published = recent | {one.id: now for one in found}
        return found

    def of(self, tcn: str) -> list[StoredSecond]:
        """What stands for one submission, told or not: for a device that asks again."""
        with self._database.read() as session:
            return [
                row.told
                for row in _rows(session, tcn=tcn)
                if not row.discloses or self._allowed(session, row)
            ]

    def mark_told(self, label: str) -> None:
        """Note that the broker took it for a device that listens; `label` is that of `second_message`."""
        number = int(label.removeprefix(_LABEL))
        self._published.pop(number, None)
        with self._database.write() as session:
            session.execute(
                update(SecondResponse)
                .where(SecondResponse.id == number, SecondResponse.told_at.is_(None))
                .values(told_at=self._now())
            )

    # -- inside

    def _to_tell(self, device: str | None, skip: frozenset[int]) -> list[StoredSecond]:
        """Asked once more before anything leaves: what was switched off meanwhile says no more than that."""
        with self._database.read() as session:
            rows = [row for row in _rows(session, device) if row.id not in skip]
            gone = [row for row in rows if row.discloses and not self._allowed(session, row)]
        if not gone:
            return [row.told for row in rows]
        for row in gone:
            with self._database.write() as session:
                same = session.get(SecondResponse, row.id)
                if same is not None and same.withdrawn_at is None and not self._allowed(session, row):
                    store(session, same.submission_id, same.repository_id, Finding.ENDED, now=self._now())
                    log.info("second response held back", extra=facts(response=row.id, repository=row.name))
        with self._database.read() as session:
            return [row.told for row in _rows(session, device) if row.id not in skip and row not in gone]

    def _allowed(self, session: Session, row: _Row) -> bool:
        return still_allowed(session, row.submission_id, row.name, now=self._now())

    def _without(self, session: Session) -> list[tuple[int, int, str]]:
        """Submissions and repositories that were promised a second response, have none, and are not under review."""
        last = session.scalar(select(func.max(SearchRecord.id))) or 0
        if self._after >= last:
            self._after = 0
        newest = _promised(session, last - parameters.TEND_NEWEST, last)
        others = _promised(session, self._after, self._after + parameters.TEND_SLICE)
        self._after += parameters.TEND_SLICE
        return list(dict.fromkeys([*newest, *others]))


class _Row(NamedTuple):
    id: int
    tcn: str
    device: str
    payload: bytes
    kind: str
    submission_id: int
    name: str

    @property
    def told(self) -> StoredSecond:
        return StoredSecond(self.id, self.tcn, self.device, self.payload)

    @property
    def discloses(self) -> bool:
        return self.kind in DISCLOSES


def _rows(session: Session, device: str | None = None, *, tcn: str | None = None) -> list[_Row]:
    """Those that stand, of one submission, or that nobody was told of; the newest, oldest first."""
    row = SecondResponse
    query = (
        select(
            row.id, StoredSubmission.tcn, StoredSubmission.device, row.payload, row.kind, row.submission_id,
            Repository.name,
        )
        .join(StoredSubmission, StoredSubmission.id == row.submission_id)
        .join(Repository, Repository.id == row.repository_id)
        .where(row.withdrawn_at.is_(None))
        .order_by(row.id.desc())
        .limit(parameters.UNTOLD_ROWS)
    )  # fmt: skip
    query = query.where(row.told_at.is_(None)) if tcn is None else query.where(StoredSubmission.tcn == tcn)
    if device is not None:
        query = query.where(StoredSubmission.device == device)
    return [_Row(*found) for found in session.execute(query)][::-1]


def _promised(session: Session, after: int, until: int) -> list[tuple[int, int, str]]:
    searched, decided, told, task = SearchRecord, RoutingDecision, SecondResponse, ReviewTask
    query = (
        select(searched.submission_id, searched.repository_id, Repository.name)
        .join(Repository, Repository.id == searched.repository_id)
        .where(
            searched.id > after,
            searched.id <= until,
            searched.failed.is_(False),
            exists().where(
                decided.submission_id == searched.submission_id,
                decided.repository_id == searched.repository_id,
                decided.answer == "second",
            ),
            ~exists().where(
                told.submission_id == searched.submission_id, told.repository_id == searched.repository_id
            ),
            ~exists().where(
                task.submission_id == searched.submission_id,
                task.repository_id == searched.repository_id,
                task.state.in_(OPEN_TASKS),
            ),
        )
        .order_by(searched.id)
    )
    return [(one, two, name) for one, two, name in session.execute(query)]
