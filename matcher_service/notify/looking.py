"""Notifications for lists and for a person who looks at one; and sending one again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, or_, select

from matcher_service.auditing import record
from matcher_service.notify.errors import NoticeRefused, UnknownNotice
from matcher_service.notify.words import Kind, State
from matcher_service.repositories.notice_tables import (
    Challenge,
    Identification,
    Notification,
    Subscriber,
)
from matcher_service.repositories.routing_tables import SubmissionFacts
from matcher_service.repositories.schema import Repository

if TYPE_CHECKING:
    from sqlalchemy import Row, Select
    from sqlalchemy.orm import Session

    from matcher_service.accounts.people import Reach

_AGAIN = frozenset({State.SENT, State.RECEIVED, State.FAILED, State.DEAD, State.QUEUED})


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A notification without anything personal: what an operator may see.

    Attributes:
        ori: of the booking's agency, for asking who may see it; `subscriber_ori` that of the agency that is told.
    """

    number: str
    identification_id: int
    identification_state: str
    subscriber: str
    subscriber_ori: str
    ori: str
    repository: str
    kind: str
    state: str
    held_because: str
    created_at: datetime
    sent_at: datetime | None
    due_at: datetime
    received_at: datetime | None
    escalated_at: datetime | None
    attempts: int
    via: str

    @property
    def overdue(self) -> bool:
        """Whether somebody has to look after it."""
        return self.received_at is None and (
            self.escalated_at is not None or self.state in {State.DEAD, State.FAILED}
        )


@dataclass(frozen=True, slots=True)
class ChallengeRow:
    """A challenge, without its grounds."""

    id: int
    identification_id: int
    state: str
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None
    closed_by: str | None


def notices(
    session: Session,
    *,
    state: str = "",
    subscriber: str = "",
    identification_id: int | None = None,
    within: Reach | None = None,
    overdue: bool = False,
    limit: int = 200,
) -> list[NoticeRow]:
    """The newest first; with `within`, those of its repositories and of the agencies that are told."""
    query = _query().order_by(Notification.id.desc()).limit(limit)
    if state:
        query = query.where(Notification.state == state)
    if subscriber:
        query = query.where(Subscriber.name == subscriber)
    if identification_id is not None:
        query = query.where(Notification.identification_id == identification_id)
    if within is not None and not within.everywhere:
        query = query.where(
            or_(
                Repository.name.in_(within.repositories),
                Subscriber.ori.in_(within.oris),
                *(and_(Repository.name == name, Subscriber.ori == ori) for name, ori in within.within),
            )
        )
    if overdue:  # as `NoticeRow.overdue`
        given_up = Notification.state.in_((State.DEAD, State.FAILED))
        query = query.where(
            Notification.received_at.is_(None), or_(Notification.escalated_at.is_not(None), given_up)
        )
    return [_row(one) for one in session.execute(query)]


def find(session: Session, number: str) -> NoticeRow:
    """One of them. Raises UnknownNotice."""
    found = session.execute(_query().where(Notification.number == number)).first()
    if found is None:
        raise UnknownNotice("notification", number)
    return _row(found)


def show(session: Session, number: str) -> bytes | None:
    """What it said when it was sent, as JSON; None if it was not, or was erased. To be audited first."""
    row = session.scalar(select(Notification).where(Notification.number == number))
    if row is None:
        raise UnknownNotice("notification", number)
    return row.content


def challenges(
    session: Session, *, identification_id: int | None = None, state: str = ""
) -> list[ChallengeRow]:
    """The newest first."""
    query = select(Challenge).order_by(Challenge.id.desc())
    if identification_id is not None:
        query = query.where(Challenge.identification_id == identification_id)
    if state:
        query = query.where(Challenge.state == state)
    return [
        ChallengeRow(c.id, c.identification_id, c.state, c.opened_at, c.opened_by, c.closed_at, c.closed_by)
        for c in session.scalars(query)
    ]


def where_of(session: Session, identification_id: int) -> tuple[str, str]:
    """Repository and ORI of an identification's booking, for asking who may. Raises UnknownNotice."""
    found = session.execute(
        select(Repository.name, SubmissionFacts.ori)
        .select_from(Identification)
        .join(Repository, Repository.id == Identification.repository_id)
        .outerjoin(SubmissionFacts, SubmissionFacts.submission_id == Identification.submission_id)
        .where(Identification.id == identification_id)
    ).first()
    if found is None:
        raise UnknownNotice("identification", identification_id)
    return found[0], found[1] or ""


def resend(session: Session, number: str, *, by: str, role: str = "", now: datetime | None = None) -> None:
    """Have it sent again, under the same number; whether a hit may be, is asked once more then.

    Raises UnknownNotice, NoticeRefused for what is held or was cancelled.
    """
    row = session.scalar(select(Notification).where(Notification.number == number).with_for_update())
    if row is None:
        raise UnknownNotice("notification", number)
    if row.state not in _AGAIN:
        raise NoticeRefused(
            number, f"is '{row.state}' ({row.held_because or 'no reason kept'}); it is not sent"
        )
    row.state, row.held_because = State.QUEUED, None
    row.next_at, row.attempts = now or datetime.now(UTC), 0
    row.received_at, row.escalated_at = None, None
    session.flush()
    record(
        session,
        "notification.resend",
        actor=by,
        role=role,
        purpose="notification of a subscriber",
        details={"number": number, "kind": row.kind, "identification": row.identification_id},
    )


def states(session: Session) -> dict[tuple[str, str], int]:
    """How many there are of each kind in each state, for the metrics."""
    from sqlalchemy import func

    rows = session.execute(
        select(Notification.kind, Notification.state, func.count()).group_by(
            Notification.kind, Notification.state
        )
    )
    return {(Kind(kind), State(state)): count for kind, state, count in rows}


def _query() -> Select[Notification, Identification, str, str, str, str]:
    return (
        select(
            Notification,
            Identification,
            Subscriber.name,
            Subscriber.ori,
            Repository.name,
            SubmissionFacts.ori,
        )
        .join(Identification, Identification.id == Notification.identification_id)
        .join(Subscriber, Subscriber.id == Notification.subscriber_id)
        .join(Repository, Repository.id == Identification.repository_id)
        .outerjoin(SubmissionFacts, SubmissionFacts.submission_id == Identification.submission_id)
    )


def _row(found: Row[Notification, Identification, str, str, str, str]) -> NoticeRow:
    one, identification, subscriber, subscriber_ori, repository, ori = found
    return NoticeRow(
        number=one.number,
        identification_id=one.identification_id,
        identification_state=identification.state,
        subscriber=subscriber,
        subscriber_ori=subscriber_ori,
        ori=ori or "",
        repository=repository,
        kind=one.kind,
        state=one.state,
        held_because=one.held_because or "",
        created_at=one.created_at,
        sent_at=one.sent_at,
        due_at=one.due_at,
        received_at=one.received_at,
        escalated_at=one.escalated_at,
        attempts=one.attempts,
        via=one.via,
    )
